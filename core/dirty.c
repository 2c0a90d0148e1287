// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log of a slot: one bit per page that was written since user space
 * last asked.  The guest's own writes are seen by write protection: a page whose
 * bit is clear is not writable through the page tables, so the write faults and
 * fault.c sets the bit as it grants it.  Where hardware notes the first write through
 * a page-table entry that is clean (pgtable_format.logs_writes), pages are made clean
 * instead of read-only, and the architecture sets the bits as vCPUs leave the guest.
 * Writes done for the guest by us set it in memslot_mark_dirty().
 *
 * A bit is always taken before its page is protected again, and nothing is shown
 * to user space before the flush: what is written later sets the bit again, what
 * was written earlier is in memory when user space reads the page.
 */
#include <linux/bitops.h>
#include <linux/kvm.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <core/memslot.h>
#include <core/vm.h>

/* Pages whose tables are worked on in one go under mmu_lock. */
#define DIRTY_CHUNK_PAGES	(1UL << 15)
/* Words of a log, likewise: each may be as many pages as it has bits. */
#define LOG_CHUNK_WORDS		64UL

/* User space sees the log in units of 64 pages, whatever the size of a long. */
static unsigned long log_bytes(const struct memslot *slot)
{
	return ALIGN(slot->npages, 64) / BITS_PER_BYTE;
}

static unsigned long log_words(const struct memslot *slot)
{
	return log_bytes(slot) / sizeof(long);
}

/*
 * Scratch space of the same size behind the log: a harvest cannot fail.  slots_lock held,
 * and all of it is zero whenever that is let go of.
 */
static unsigned long *log_snapshot(const struct memslot *slot)
{
	return slot->dirty + log_words(slot);
}

int dirty_alloc(struct memslot *slot, bool all_set)
{
	unsigned long page;

	slot->dirty = kvcalloc(2 * log_words(slot), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!slot->dirty)
		return -ENOMEM;

	if (all_set) {
		memset(slot->dirty, 0xff, slot->npages / BITS_PER_BYTE);
		for (page = round_down(slot->npages, BITS_PER_BYTE); page < slot->npages;
		     page++)
			__set_bit_le(page, slot->dirty);
	}

	return 0;
}

void dirty_free(struct memslot *slot)
{
	kvfree(slot->dirty);
	slot->dirty = NULL;
}

void memslot_mark_dirty(struct memslot *slot, gfn_t gfn)
{
	unsigned long page = gfn - slot->base;

	if (!slot->dirty)
		return;
	/*
	 * What was written is there before the bit is looked at.  Pairs with the atomic
	 * operations that take bits: who takes this one sees what was written.
	 */
	smp_mb();
	/* Most pages are written more than once: look before the locked access. */
	if (!test_bit_le(page, slot->dirty))
		set_bit_le(page, slot->dirty);
}

static struct pgtable *slot_pgtable(struct vm *vm, const struct memslot *slot)
{
	return &vm->as[slot->as_id].pgtable;
}

static void slot_flush(struct vm *vm, const struct memslot *slot)
{
	pgtable_flush(slot_pgtable(vm, slot), slot->base, slot->base + slot->npages);
}

/*
 * What hardware has noted for vCPUs that are in the guest goes to the log: they leave
 * it.  Only so that the log is not late; nothing would be lost.
 */
static void slot_drain(struct vm *vm, const struct memslot *slot)
{
	if (slot_pgtable(vm, slot)->format->logs_writes)
		vm_request_all(vm, REQ_UNBLOCK, true);
}

/* The piece of a slot that starts @offset pages into it. */
static struct gfn_range slot_chunk(const struct memslot *slot, u64 offset)
{
	return (struct gfn_range) {
		.start = slot->base + offset,
		.end = slot->base + min(offset + DIRTY_CHUNK_PAGES, slot->npages),
		.as_id = slot->as_id,
	};
}

void dirty_start(struct vm *vm, struct memslot *slot)
{
	bool changed = false;
	u64 offset;

	write_lock(&vm->mmu_lock);
	for (offset = 0; offset < slot->npages; offset += DIRTY_CHUNK_PAGES) {
		changed |= pgtable_write_protect(slot_pgtable(vm, slot),
						 slot_chunk(slot, offset));
		cond_resched_rwlock_write(&vm->mmu_lock);
	}
	write_unlock(&vm->mmu_lock);

	if (changed)
		slot_flush(vm, slot);
}

/*
 * Nothing has to be undone for correctness: pages become writable as they are
 * written.  But they were mapped small for the log's sake.
 */
void dirty_stop(struct vm *vm, struct memslot *slot)
{
	u64 offset;

	write_lock(&vm->mmu_lock);
	for (offset = 0; offset < slot->npages; offset += DIRTY_CHUNK_PAGES) {
		pgtable_collapse(slot_pgtable(vm, slot), slot_chunk(slot, offset));
		cond_resched_rwlock_write(&vm->mmu_lock);
	}
	write_unlock(&vm->mmu_lock);
}

/* --- harvest -------------------------------------------------------------- */

static u64 word_mask(unsigned long word)
{
	return BITS_PER_LONG == 64 ? le64_to_cpu((__force __le64)(u64)word)
				   : le32_to_cpu((__force __le32)(u32)word);
}

/* Protect the pages of one word of the log whose bits are set in @taken. */
static bool protect_word(struct vm *vm, const struct memslot *slot,
			 struct pgtable_place *place, unsigned long index,
			 unsigned long taken)
{
	return pgtable_write_protect_pages(slot_pgtable(vm, slot), place,
					   slot->base + index * BITS_PER_LONG,
					   word_mask(taken));
}

/* Words of the snapshot: from the first to behind the last that may not be zero. */
struct log_span {
	unsigned long	first, end;	/* end is 0 if there is none */
};

static void span_forget(struct memslot *slot, const struct log_span *span)
{
	if (span->end)
		memset(log_snapshot(slot) + span->first, 0,
		       (span->end - span->first) * sizeof(long));
}

/* Mostly nothing was written to: the first word from @first on that is not zero, or @end. */
static unsigned long log_next(const unsigned long *log, unsigned long first, unsigned long end)
{
	const unsigned long *at = log + first, *stop = log + end;

	while (at + 8 <= stop &&
	       !(READ_ONCE(at[0]) | READ_ONCE(at[1]) | READ_ONCE(at[2]) | READ_ONCE(at[3]) |
		 READ_ONCE(at[4]) | READ_ONCE(at[5]) | READ_ONCE(at[6]) | READ_ONCE(at[7])))
		at += 8;
	while (at < stop && !READ_ONCE(*at))
		at++;

	return at - log;
}

/* The words [first, end) of what is below.  mmu_lock for writing. */
static bool harvest_words(struct vm *vm, struct memslot *slot, unsigned long first,
			  unsigned long end, struct log_span *span)
{
	unsigned long *snapshot = log_snapshot(slot), *log = slot->dirty;
	struct pgtable_place place = { };
	bool changed = false;
	unsigned long i;

	for (i = log_next(log, first, end); i < end; i = log_next(log, i + 1, end)) {
		snapshot[i] = xchg(&log[i], 0);
		changed |= protect_word(vm, slot, &place, i, snapshot[i]);
		if (!span->end)
			span->first = i;
		span->end = i + 1;
	}

	return changed;
}

/*
 * Move the log to the snapshot and protect what was dirty.  True if anything has to be
 * flushed.
 */
static bool log_harvest(struct vm *vm, struct memslot *slot, struct log_span *span)
{
	unsigned long first, words = log_words(slot);
	bool changed = false;

	write_lock(&vm->mmu_lock);
	for (first = 0; first < words; first += LOG_CHUNK_WORDS) {
		changed |= harvest_words(vm, slot, first, min(first + LOG_CHUNK_WORDS, words),
					 span);
		cond_resched_rwlock_write(&vm->mmu_lock);
	}
	write_unlock(&vm->mmu_lock);

	return changed;
}

/* User space did not get the snapshot: as if it had not asked. */
static void log_restore(struct memslot *slot, const struct log_span *span)
{
	unsigned long *snapshot = log_snapshot(slot);
	unsigned long i;

	for (i = span->first; i < span->end; i++)
		if (snapshot[i])
			atomic_long_or(snapshot[i], (atomic_long_t *)&slot->dirty[i]);
}

static struct memslot *log_slot(struct vm *vm, u32 slot_and_as)
{
	struct memslot *slot;

	if (slot_and_as >> 16 >= ARCH_ADDRESS_SPACES || (slot_and_as & 0xffff) >= MEMSLOT_IDS)
		return ERR_PTR(-EINVAL);

	slot = memslot_by_id(vm, slot_and_as >> 16, slot_and_as & 0xffff);
	if (!slot || !slot->dirty)
		return ERR_PTR(-ENOENT);

	return slot;
}

static bool log_is_manual(struct vm *vm)
{
	return READ_ONCE(vm->dirty_protect) & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
}

int dirty_get(struct vm *vm, const struct kvm_dirty_log *log)
{
	struct log_span span = { };
	struct memslot *slot;
	int err = 0;

	guard(mutex)(&vm->slots_lock);

	slot = log_slot(vm, log->slot);
	if (IS_ERR(slot))
		return PTR_ERR(slot);

	slot_drain(vm, slot);
	/* Bits stay until user space clears them. */
	if (log_is_manual(vm))
		return copy_to_user(log->dirty_bitmap, slot->dirty, log_bytes(slot)) ?
			-EFAULT : 0;

	if (log_harvest(vm, slot, &span))
		slot_flush(vm, slot);
	if (copy_to_user(log->dirty_bitmap, log_snapshot(slot), log_bytes(slot))) {
		log_restore(slot, &span);
		err = -EFAULT;
	}
	span_forget(slot, &span);

	return err;
}

/* The words [first, end) of what is below.  mmu_lock for writing. */
static bool clear_words(struct vm *vm, struct memslot *slot, unsigned long first,
			unsigned long end)
{
	unsigned long *snapshot = log_snapshot(slot), *log = slot->dirty;
	struct pgtable_place place = { };
	unsigned long i, taken;
	bool changed = false;

	for (i = first; i < end; i++) {
		if (!(snapshot[i] & READ_ONCE(log[i])))
			continue;
		taken = snapshot[i] & atomic_long_fetch_andnot(snapshot[i],
							       (atomic_long_t *)&log[i]);
		if (!taken)
			continue;
		changed |= protect_word(vm, slot, &place, i, taken);
		/* Larger leaves are flushed one by one. */
		if (cond_resched_rwlock_write(&vm->mmu_lock))
			place.end = 0;
	}

	return changed;
}

/*
 * Take the bits that are set in the snapshot out of the words [first, end) of
 * the log, and protect what was dirty of them.  True if anything has to be flushed.
 */
static bool log_clear(struct vm *vm, struct memslot *slot, unsigned long first,
		      unsigned long end)
{
	bool changed = false;

	write_lock(&vm->mmu_lock);
	for (; first < end; first += LOG_CHUNK_WORDS) {
		changed |= clear_words(vm, slot, first, min(first + LOG_CHUNK_WORDS, end));
		cond_resched_rwlock_write(&vm->mmu_lock);
	}
	write_unlock(&vm->mmu_lock);

	return changed;
}

int dirty_clear(struct vm *vm, const struct kvm_clear_dirty_log *log)
{
	u64 first = log->first_page, count = log->num_pages;
	unsigned long word = first / BITS_PER_LONG;
	unsigned long bytes = ALIGN(count, 64) / BITS_PER_BYTE;
	struct memslot *slot;
	int err = 0;

	guard(mutex)(&vm->slots_lock);

	slot = log_slot(vm, log->slot);
	if (IS_ERR(slot))
		return PTR_ERR(slot);

	if (first % 64 || first > slot->npages || count > slot->npages - first ||
	    (count % 64 && count < slot->npages - first))
		return -EINVAL;

	/* All of it first: a bad address then changes nothing. */
	if (copy_from_user(log_snapshot(slot) + word, log->dirty_bitmap, bytes))
		err = -EFAULT;
	else if (log_clear(vm, slot, word, word + bytes / sizeof(long)))
		slot_flush(vm, slot);
	memset(log_snapshot(slot) + word, 0, bytes);

	return err;
}

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

/* User space sees the log in units of 64 pages, whatever the size of a long. */
static unsigned long log_bytes(const struct memslot *slot)
{
	return ALIGN(slot->npages, 64) / BITS_PER_BYTE;
}

static unsigned long log_words(const struct memslot *slot)
{
	return log_bytes(slot) / sizeof(long);
}

/* Scratch space of the same size behind the log: a harvest cannot fail. */
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

	/* Most pages are written more than once: look before the locked access. */
	if (slot->dirty && !test_bit_le(page, slot->dirty))
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

static void protect_pages(struct vm *vm, const struct memslot *slot, gfn_t first,
			  unsigned int from, unsigned int to)
{
	struct gfn_range range = {
		.start = first + from,
		.end = first + to,
		.as_id = slot->as_id,
	};

	pgtable_write_protect(slot_pgtable(vm, slot), range);
}

/*
 * Protect the pages of one word of the log whose bits are set in @mask, run by
 * run.  @others: pages between them may be protected along with them.
 */
static void protect_word(struct vm *vm, const struct memslot *slot, unsigned long index,
			 u64 mask, bool others)
{
	gfn_t first = slot->base + index * BITS_PER_LONG;
	unsigned int from, to;

	if (others) {
		protect_pages(vm, slot, first, __ffs64(mask), fls64(mask));
		return;
	}

	while (mask) {
		from = __ffs64(mask);
		/* Ones up to the first set bit: what is clear then ends the run. */
		to = ~(mask | (BIT_ULL(from) - 1)) ?
			__ffs64(~(mask | (BIT_ULL(from) - 1))) : 64;
		protect_pages(vm, slot, first, from, to);
		mask = to < 64 ? mask & ~(BIT_ULL(to) - 1) : 0;
	}
}

/* Move the log to the snapshot and protect what was dirty.  True if anything. */
static bool log_harvest(struct vm *vm, struct memslot *slot)
{
	unsigned long *snapshot = log_snapshot(slot);
	unsigned long i, words = log_words(slot);
	bool any = false;

	write_lock(&vm->mmu_lock);
	for (i = 0; i < words; i++) {
		snapshot[i] = 0;
		if (!READ_ONCE(slot->dirty[i])) {
			/* A word is little work; look around every 4096 pages. */
			if (!(i % 64))
				cond_resched_rwlock_write(&vm->mmu_lock);
			continue;
		}
		snapshot[i] = xchg(&slot->dirty[i], 0);
		protect_word(vm, slot, i, word_mask(snapshot[i]), true);
		any = true;
		cond_resched_rwlock_write(&vm->mmu_lock);
	}
	write_unlock(&vm->mmu_lock);

	return any;
}

/* User space did not get the snapshot: as if it had not asked. */
static void log_restore(struct memslot *slot)
{
	unsigned long *snapshot = log_snapshot(slot);
	unsigned long i, words = log_words(slot);

	for (i = 0; i < words; i++)
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
	struct memslot *slot;

	guard(mutex)(&vm->slots_lock);

	slot = log_slot(vm, log->slot);
	if (IS_ERR(slot))
		return PTR_ERR(slot);

	slot_drain(vm, slot);
	/* Bits stay until user space clears them. */
	if (log_is_manual(vm))
		return copy_to_user(log->dirty_bitmap, slot->dirty, log_bytes(slot)) ?
			-EFAULT : 0;

	if (log_harvest(vm, slot))
		slot_flush(vm, slot);
	if (copy_to_user(log->dirty_bitmap, log_snapshot(slot), log_bytes(slot))) {
		log_restore(slot);
		return -EFAULT;
	}

	return 0;
}

/*
 * Take the bits that are set in the snapshot out of the words [first, end) of
 * the log, and protect what was dirty of them.  True if anything was.
 */
static bool log_clear(struct vm *vm, struct memslot *slot, unsigned long first,
		      unsigned long end)
{
	unsigned long *snapshot = log_snapshot(slot);
	unsigned long i, taken;
	bool any = false;

	write_lock(&vm->mmu_lock);
	for (i = first; i < end; i++) {
		if (!(i % 64))
			cond_resched_rwlock_write(&vm->mmu_lock);
		if (!(snapshot[i] & READ_ONCE(slot->dirty[i])))
			continue;
		taken = snapshot[i] & atomic_long_fetch_andnot(snapshot[i],
							       (atomic_long_t *)&slot->dirty[i]);
		if (!taken)
			continue;
		protect_word(vm, slot, i, word_mask(taken), false);
		any = true;
		cond_resched_rwlock_write(&vm->mmu_lock);
	}
	write_unlock(&vm->mmu_lock);

	return any;
}

int dirty_clear(struct vm *vm, const struct kvm_clear_dirty_log *log)
{
	u64 first = log->first_page, count = log->num_pages;
	unsigned long word = first / BITS_PER_LONG;
	unsigned long bytes = ALIGN(count, 64) / BITS_PER_BYTE;
	struct memslot *slot;

	guard(mutex)(&vm->slots_lock);

	slot = log_slot(vm, log->slot);
	if (IS_ERR(slot))
		return PTR_ERR(slot);

	if (first % 64 || first > slot->npages || count > slot->npages - first ||
	    (count % 64 && count < slot->npages - first))
		return -EINVAL;

	/* All of it first: a bad address then changes nothing. */
	if (copy_from_user(log_snapshot(slot) + word, log->dirty_bitmap, bytes))
		return -EFAULT;
	if (log_clear(vm, slot, word, word + bytes / sizeof(long)))
		slot_flush(vm, slot);

	return 0;
}

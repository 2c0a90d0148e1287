// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host changes its page tables (swap, migration, munmap, copy on write,
 * huge pages made and split), and the guest's have to follow before the host
 * goes on.  The memory manager calls in here; the other half of the protocol is
 * fault_is_stale() in fault.c.
 *
 * Between start and end of an invalidation no fault may map anything in its
 * range.  That is kept per VM as a count and the hull of all ranges under way,
 * not per slot: a slot may be created in between.  No mutex of ours is taken
 * here, and no allocation made: reclaim may be the caller.
 */
#include <linux/kvm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>

#include <core/memslot.h>
#include <core/vm.h>

static struct vm *notifier_vm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct vm, notifier);
}

static struct memslot *node_slot(struct interval_tree_node *node)
{
	return container_of(node, struct memslot, hva_node);
}

/* Every slot that has host addresses of [start, end).  mmu_lock held. */
#define for_each_slot_in_hvas(slot, node, vm, start, end)			\
	for ((node) = interval_tree_iter_first(&(vm)->slot_hvas, start, (end) - 1);	\
	     (node) && ((slot) = node_slot(node));					\
	     (node) = interval_tree_iter_next(node, start, (end) - 1))

/* The frames of @slot that are backed by [start, end), partly or whole. */
static struct gfn_range slot_frames(const struct memslot *slot, hva_t start, hva_t end)
{
	hva_t slot_end = slot->hva + (slot->npages << PAGE_SHIFT);

	start = max(start, slot->hva) - slot->hva;
	end = min(end, slot_end) - slot->hva;

	return (struct gfn_range) {
		.start = slot->base + (start >> PAGE_SHIFT),
		.end = slot->base + (PAGE_ALIGN(end) >> PAGE_SHIFT),
		.as_id = slot->as_id,
	};
}

/*
 * Take [start, end) from the guest.  When the lock was let go of, the tree may
 * be another one: begin again.  That happens only after some entries were
 * removed, and nothing comes back while the invalidation is under way, so it
 * ends.
 */
static void unmap_hvas(struct vm *vm, hva_t start, hva_t end, bool may_yield)
{
	struct interval_tree_node *node;
	struct memslot *slot;
	bool any = false;

again:
	for_each_slot_in_hvas(slot, node, vm, start, end) {
		struct gfn_range range = slot_frames(slot, start, end);

		if (!pgtable_unmap_part(&vm->as[slot->as_id].pgtable, &range, may_yield,
					&any)) {
			cond_resched_rwlock_write(&vm->mmu_lock);
			goto again;
		}
	}
}

static void invalidate_enter(struct vm *vm, hva_t start, hva_t end)
{
	if (vm->invalidate_count++) {
		vm->invalidate_start = min(vm->invalidate_start, start);
		vm->invalidate_end = max(vm->invalidate_end, end);
	} else {
		vm->invalidate_start = start;
		vm->invalidate_end = end;
	}
}

static int notifier_start(struct mmu_notifier *notifier,
			  const struct mmu_notifier_range *range)
{
	struct vm *vm = notifier_vm(notifier);

	write_lock(&vm->mmu_lock);
	invalidate_enter(vm, range->start, range->end);
	unmap_hvas(vm, range->start, range->end, mmu_notifier_range_blockable(range));
	write_unlock(&vm->mmu_lock);

	return 0;
}

static void notifier_end(struct mmu_notifier *notifier,
			 const struct mmu_notifier_range *range)
{
	struct vm *vm = notifier_vm(notifier);

	write_lock(&vm->mmu_lock);
	/* A fault that looked up its page before this must not map it after. */
	WRITE_ONCE(vm->invalidate_seq, vm->invalidate_seq + 1);
	if (!WARN_ON_ONCE(!vm->invalidate_count))
		vm->invalidate_count--;
	write_unlock(&vm->mmu_lock);
}

/* Forget that [start, end) was accessed; @flush: so that new accesses show. */
static int age_hvas(struct vm *vm, hva_t start, hva_t end, bool flush)
{
	struct interval_tree_node *node;
	struct memslot *slot;
	bool young = false;

	write_lock(&vm->mmu_lock);
	for_each_slot_in_hvas(slot, node, vm, start, end) {
		struct pgtable *pt = &vm->as[slot->as_id].pgtable;
		struct gfn_range range = slot_frames(slot, start, end);

		if (!pgtable_age(pt, range, false))
			continue;
		young = true;
		if (flush)
			pgtable_flush(pt, range.start, range.end);
	}
	write_unlock(&vm->mmu_lock);

	return young;
}

static int notifier_clear_flush_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				      unsigned long start, unsigned long end)
{
	return age_hvas(notifier_vm(notifier), start, end, true);
}

static int notifier_clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return age_hvas(notifier_vm(notifier), start, end, false);
}

static int notifier_test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			       unsigned long address)
{
	struct vm *vm = notifier_vm(notifier);
	struct interval_tree_node *node;
	struct memslot *slot;
	bool young = false;

	read_lock(&vm->mmu_lock);
	for_each_slot_in_hvas(slot, node, vm, address, address + 1) {
		young = pgtable_age(&vm->as[slot->as_id].pgtable,
				    slot_frames(slot, address, address + 1), true);
		if (young)
			break;
	}
	read_unlock(&vm->mmu_lock);

	return young;
}

/*
 * The process is gone, or we unregister: nothing of it may stay mapped.  What
 * has no slot goes too.
 */
static void notifier_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct vm *vm = notifier_vm(notifier);
	int as_id;

	for (as_id = 0; as_id < ARCH_ADDRESS_SPACES; as_id++) {
		struct gfn_range all = { .end = U64_MAX, .as_id = as_id };

		write_lock(&vm->mmu_lock);
		pgtable_unmap(&vm->as[as_id].pgtable, all, true);
		write_unlock(&vm->mmu_lock);
	}
}

static const struct mmu_notifier_ops notifier_ops = {
	.release		= notifier_release,
	.invalidate_range_start	= notifier_start,
	.invalidate_range_end	= notifier_end,
	.clear_flush_young	= notifier_clear_flush_young,
	.clear_young		= notifier_clear_young,
	.test_young		= notifier_test_young,
};

int notifier_register(struct vm *vm)
{
	vm->notifier.ops = &notifier_ops;

	return mmu_notifier_register(&vm->notifier, vm->mm);
}

void notifier_unregister(struct vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}

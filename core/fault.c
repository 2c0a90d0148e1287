// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-physical faults: find the host page behind a guest frame and hand it to
 * the page tables.  Called from an architecture's exit handler; pgtable.c does
 * the installing and notifier.c the taking away.
 *
 * The protocol, in this order: find the slot (the caller is in SRCU, and stays
 * there until the page is mapped); read the notifier's sequence; get the page,
 * which may sleep; take mmu_lock; look whether an invalidation of the address is
 * under way or was completed meanwhile; map.  The page is referenced until it is
 * mapped and no longer: from then on it is the notifier that keeps the mapping
 * honest.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pfn.h>
#include <linux/sched/signal.h>

#include <core/host.h>
#include <core/memslot.h>
#include <core/ops.h>
#include <core/trace.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* One fault, from the access to the page that serves it. */
struct fault {
	struct vm	*vm;
	struct memslot	*slot;
	gfn_t		gfn;
	hva_t		hva;		/* of the page */
	u8		access;		/* PROT_GUEST_* */
	unsigned long	seq;		/* the notifier's, before the page was got */

	/* What the host has there. */
	struct page	*page;		/* referenced, or NULL: no struct page */
	unsigned long	pfn;
	bool		writable;
	u8		memtype;
};

static bool fault_is_write(const struct fault *fault)
{
	return fault->access & PROT_GUEST_WRITE;
}

/* --- getting the page ----------------------------------------------------- */

/* May sleep.  0, or -errno as get_user_pages_unlocked() has it. */
static int fault_get_page(struct fault *fault)
{
	unsigned int flags = FOLL_HWPOISON | FOLL_INTERRUPTIBLE;
	bool may_write = !memslot_readonly(fault->slot);
	long got;

	/*
	 * A page that is there and writable serves reads too, and saves the
	 * fault that the first write would be.
	 */
	fault->writable = may_write;
	fault->memtype = MEMTYPE_NORMAL;
	if (may_write &&
	    get_user_pages_fast_only(fault->hva, 1, FOLL_WRITE, &fault->page) == 1)
		goto out_got;

	if (fault_is_write(fault))
		flags |= FOLL_WRITE;
	got = get_user_pages_unlocked(fault->hva, 1, &fault->page, flags);
	if (got != 1) {
		fault->page = NULL;
		return got < 0 ? got : -EINTR;
	}
	fault->writable = fault_is_write(fault);

out_got:
	fault->pfn = page_to_pfn(fault->page);
	return 0;
}

/* A mapping of device memory, or of anything else without struct pages. */
static int fault_follow(struct fault *fault, struct vm_area_struct *vma)
{
	int err;

	err = host_follow_pfn(vma, fault->hva, &fault->pfn, &fault->writable);
	if (err)
		return err;
	if (!fault->writable && fault_is_write(fault))
		return -EFAULT;

	fault->writable &= !memslot_readonly(fault->slot);
	fault->memtype = pfn_valid(fault->pfn) ? MEMTYPE_NORMAL : MEMTYPE_DEVICE;

	return 0;
}

static int fault_get_pfn(struct fault *fault)
{
	struct mm_struct *mm = fault->vm->mm;
	vm_flags_t needed = fault_is_write(fault) ? VM_WRITE : VM_READ;
	struct vm_area_struct *vma;
	bool unlocked = false;
	int err;

	if (mmap_read_lock_killable(mm))
		return -EINTR;

	err = -EFAULT;
	vma = vma_lookup(mm, fault->hva);
	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)) || !(vma->vm_flags & needed))
		goto out_unlock;

	err = fault_follow(fault, vma);
	if (!err)
		goto out_unlock;

	err = fixup_user_fault(mm, fault->hva, fault_is_write(fault) ? FAULT_FLAG_WRITE : 0,
			       &unlocked);
	if (err)
		goto out_unlock;
	/* The lock was let go of: the mapping may be another one. */
	err = unlocked ? -EAGAIN : fault_follow(fault, vma);

out_unlock:
	mmap_read_unlock(mm);
	return err;
}

/* --- mapping it ------------------------------------------------------------- */

/*
 * Was the address, or may it have been, invalidated since the page was looked
 * up?  mmu_lock held.
 */
static bool fault_is_stale(const struct fault *fault)
{
	const struct vm *vm = fault->vm;

	if (vm->invalidate_count && fault->hva >= vm->invalidate_start &&
	    fault->hva < vm->invalidate_end)
		return true;

	return vm->invalidate_seq != fault->seq;
}

/* Is the block of @order around the page inside the slot, and aligned alike? */
static bool fault_fits(const struct fault *fault, u8 order)
{
	const struct memslot *slot = fault->slot;
	u64 pages = 1ULL << order;
	gfn_t first = fault->gfn & ~(pages - 1);

	return first >= slot->base && first + pages <= slot->base + slot->npages &&
	       !((fault->gfn ^ (fault->hva >> PAGE_SHIFT)) & (pages - 1));
}

/*
 * The largest leaf that may be used.  mmu_lock held, not stale: what the host's
 * page tables say is true until it is let go of.
 */
static u8 fault_order(const struct fault *fault, const struct pgtable_format *format)
{
	u8 order;

	/* A log counts base pages. */
	if (fault->slot->dirty || !fault_fits(fault, pgtable_leaf_order(format, PMD_SHIFT - PAGE_SHIFT)))
		return 0;

	order = pgtable_leaf_order(format, host_leaf_order(fault->vm->mm, fault->hva));
	while (order && !fault_fits(fault, order))
		order = pgtable_leaf_order(format, order - 1);

	return order;
}

static u8 fault_prot(const struct fault *fault)
{
	u8 prot = PROT_GUEST_READ | fault->access;

	if (fault->memtype == MEMTYPE_NORMAL)
		prot |= PROT_GUEST_EXEC;
	/* With a log, the first write has to be seen. */
	if (fault->writable && !fault->slot->dirty)
		prot |= PROT_GUEST_WRITE;

	return prot;
}

/*
 * The host has to know that the guest may write from here on.  Under mmu_lock:
 * before the host cleans a page it takes the mapping away, so here it is a page
 * that its owner lets be dirtied.
 */
static void fault_mark_dirty(const struct fault *fault, u8 prot)
{
	if (!(prot & PROT_GUEST_WRITE))
		return;

	if (fault->page && !PageDirty(fault->page))
		set_page_dirty(fault->page);
	memslot_mark_dirty(fault->slot, fault->gfn);
}

static int fault_map(struct fault *fault, struct page_cache *cache)
{
	struct pgtable *pt = &fault->vm->as[fault->slot->as_id].pgtable;
	struct mmu_map map = {
		.prot = fault_prot(fault),
		.memtype = fault->memtype,
	};
	int ret = -EAGAIN;
	u64 pages;

	read_lock(&fault->vm->mmu_lock);
	if (fault_is_stale(fault))
		goto out_unlock;

	map.order = fault_order(fault, pt->format);
	for (;;) {
		pages = 1ULL << map.order;
		map.gpa = gfn_to_gpa(fault->gfn & ~(pages - 1));
		map.hpa = PFN_PHYS((u64)fault->pfn & ~(pages - 1));
		ret = pgtable_map(pt, cache, &map);
		if (ret != -E2BIG || !map.order)
			break;
		/* Small leaves are there already: be one of them. */
		map.order = pgtable_leaf_order(pt->format, map.order - 1);
	}
	if (!ret)
		fault_mark_dirty(fault, map.prot);

out_unlock:
	read_unlock(&fault->vm->mmu_lock);
	return ret;
}

/* --- a fault ---------------------------------------------------------------- */

static int fault_serve(struct fault *fault, struct page_cache *cache)
{
	int ret;

	ret = pgtable_cache_fill(&fault->vm->as[fault->slot->as_id].pgtable, cache);
	if (ret)
		return ret;

	/* Pairs with the lock in notifier_end(), which increments. */
	fault->seq = READ_ONCE(fault->vm->invalidate_seq);
	smp_rmb();

	ret = fault_get_page(fault);
	if (ret == -EFAULT)
		ret = fault_get_pfn(fault);
	if (!ret)
		ret = fault_map(fault, cache);
	if (fault->page)
		put_page(fault->page);

	return ret;
}

static int fault_result(struct vcpu *vcpu, gpa_t gpa, int ret)
{
	switch (ret) {
	case 0:
	case -EAGAIN:
		return FAULT_MAPPED;
	case -EINTR:
		/* Any other signal: the run loop sees it. */
		return fatal_signal_pending(current) ? -EINTR : FAULT_MAPPED;
	case -ENOMEM:
		return -ENOMEM;
	case -EHWPOISON:
		vcpu_exit_memory_fault(vcpu, gpa & PAGE_MASK, PAGE_SIZE);
		return -EHWPOISON;
	default:
		return vcpu_exit_memory_fault(vcpu, gpa & PAGE_MASK, PAGE_SIZE);
	}
}

int vcpu_fault(struct vcpu *vcpu, gpa_t gpa, u8 access)
{
	struct fault fault = {
		.vm = vcpu->vm,
		.slot = vcpu_memslot(vcpu, gpa_to_gfn(gpa)),
		.gfn = gpa_to_gfn(gpa),
		.access = access,
	};
	int ret;

	if (!fault.slot) {
		ret = FAULT_NO_SLOT;
	} else if (fault_is_write(&fault) && memslot_readonly(fault.slot)) {
		ret = FAULT_READONLY;
	} else {
		vcpu->stats.faults++;
		fault.hva = memslot_hva(fault.slot, fault.gfn);
		ret = fault_result(vcpu, gpa, fault_serve(&fault, &vcpu->page_cache));
	}
	trace_keel_fault(vcpu, gpa, access, ret);

	return ret;
}

/* --- without a slot --------------------------------------------------------- */

int mmu_map_device(struct vm *vm, gpa_t gpa, hpa_t hpa, u8 memtype)
{
	struct mmu_map map = {
		.gpa = gpa,
		.hpa = hpa,
		.prot = PROT_GUEST_READ | PROT_GUEST_WRITE,
		.memtype = memtype,
	};
	struct page_cache cache = { };
	int as_id, ret = 0;

	for (as_id = 0; as_id < ARCH_ADDRESS_SPACES && !ret; as_id++) {
		struct pgtable *pt = &vm->as[as_id].pgtable;

		do {
			cond_resched();
			ret = pgtable_cache_fill(pt, &cache);
			if (ret)
				break;
			read_lock(&vm->mmu_lock);
			ret = pgtable_map(pt, &cache, &map);
			read_unlock(&vm->mmu_lock);
		} while (ret == -EAGAIN);
	}
	page_cache_drain(&cache);
	if (ret)
		mmu_unmap_device(vm, gpa);

	return ret;
}

void mmu_unmap_device(struct vm *vm, gpa_t gpa)
{
	int as_id;

	for (as_id = 0; as_id < ARCH_ADDRESS_SPACES; as_id++) {
		struct gfn_range range = {
			.start = gpa_to_gfn(gpa),
			.end = gpa_to_gfn(gpa) + 1,
			.as_id = as_id,
		};

		write_lock(&vm->mmu_lock);
		pgtable_unmap(&vm->as[as_id].pgtable, range, true);
		write_unlock(&vm->mmu_lock);
	}
}

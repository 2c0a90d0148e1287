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
 *
 * Most pages are there already.  For those mmu_lock comes first: while it is held and no
 * invalidation of the address is under way, what the host's page tables have stays, and
 * needs neither a reference nor the sequence.
 */
#include <linux/kvm.h>
#include <linux/minmax.h>
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

/*
 * Of a huge page of the host's that no huge leaf fits, so many base pages, as order, are mapped
 * at once.  Each costs some 40 instructions, a fault 1,500.
 */
#define BESIDE_ORDER	4

/* One fault, from the access to the page that serves it. */
struct fault {
	struct vm	*vm;
	struct memslot	*slot;
	gfn_t		gfn;
	hva_t		hva;		/* of the page */
	u8		access;		/* PROT_GUEST_* */
	unsigned long	seq;		/* the notifier's, before the page was got */

	/* What the host has there. */
	struct host_leaf leaf;		/* by its page tables, if @found */
	bool		found;		/* see fault_find() */
	struct page	*page;		/* or NULL: no struct page */
	unsigned long	pfn;
	bool		writable;
	u8		memtype;
};

static bool fault_is_write(const struct fault *fault)
{
	return fault->access & PROT_GUEST_WRITE;
}

/* --- getting the page ----------------------------------------------------- */

/*
 * May sleep.  0 and a reference, or -errno as get_user_pages_unlocked() has it.
 */
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
	if (may_write && fault->found &&
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

/* Is an invalidation of any of [@start, @end) under way?  mmu_lock held. */
static bool range_is_invalidated(const struct vm *vm, hva_t start, hva_t end)
{
	return vm->invalidate_count && start < vm->invalidate_end && end > vm->invalidate_start;
}

/* And of any of the block of @order around the page? */
static bool fault_is_invalidated(const struct fault *fault, u8 order)
{
	hva_t size = PAGE_SIZE << order, start = fault->hva & ~(size - 1);

	return range_is_invalidated(fault->vm, start, start + size);
}

/*
 * Was the address, or may it have been, invalidated since the page was looked
 * up?  mmu_lock held.
 */
static bool fault_is_stale(const struct fault *fault)
{
	return fault_is_invalidated(fault, 0) || fault->vm->invalidate_seq != fault->seq;
}

/*
 * Is the block of @order around the page inside the slot, and aligned alike?  And does
 * all of it stay: while an invalidation is under way, the host's page tables may still
 * have what is about to go.  mmu_lock held.
 */
static bool fault_fits(const struct fault *fault, u8 order)
{
	const struct memslot *slot = fault->slot;
	u64 pages = 1ULL << order;
	gfn_t first = fault->gfn & ~(pages - 1);

	return first >= slot->base && first + pages <= slot->base + slot->npages &&
	       !((fault->gfn ^ (fault->hva >> PAGE_SHIFT)) & (pages - 1)) &&
	       !fault_is_invalidated(fault, order);
}

/*
 * The order of a group that may hold the page, or 0.  All of it has to be of one folio,
 * because that is what is marked dirty.
 */
static u8 fault_group_order(const struct fault *fault, const struct pgtable_format *format)
{
	if (likely(!format->group_order) || !fault->page ||
	    folio_order(page_folio(fault->page)) < format->group_order)
		return 0;

	return format->group_order;
}

/*
 * How large a page, as order, does the host use?  Base pages count as a page of the order
 * @group if they are like one (0: never).  mmu_lock held, not stale.
 */
static u8 fault_host_order(struct fault *fault, u8 group)
{
	/* A look for a page without a reference did not know its folio. */
	if (fault->found)
		return fault->leaf.order < PMD_SHIFT - PAGE_SHIFT && !group ?
			0 : fault->leaf.order;
	/* What is larger is part of a folio. */
	if (fault->page && !folio_order(page_folio(fault->page)))
		return 0;

	return host_leaf_at(fault->vm->mm, fault->hva, group, fault->writable, &fault->leaf) ?
		fault->leaf.order : 0;
}

/*
 * The largest leaf that may be used.  mmu_lock held, not stale: what the host's
 * page tables say is true until it is let go of.
 */
static u8 fault_order(struct fault *fault, const struct pgtable_format *format)
{
	u8 order;

	/* A log counts base pages, and some formats execute nothing larger. */
	if (fault->slot->dirty || (format->exec_small && (fault->access & PROT_GUEST_EXEC)))
		return 0;

	order = fault_host_order(fault, fault_group_order(fault, format));
	/* Mostly it is a page. */
	if (likely(!order))
		return 0;
	order = pgtable_leaf_order(format, order);
	while (order && !fault_fits(fault, order))
		order = pgtable_leaf_order(format, order - 1);

	return order;
}

static u8 fault_prot(const struct fault *fault, const struct pgtable_format *format, u8 order)
{
	u8 prot = PROT_GUEST_READ | fault->access;

	if (fault->memtype == MEMTYPE_NORMAL && !(format->exec_small && order))
		prot |= PROT_GUEST_EXEC;
	/* With a log, the first write has to be seen. */
	if (fault->writable && (!fault->slot->dirty || format->logs_writes))
		prot |= PROT_GUEST_WRITE;

	return prot;
}

/*
 * The host has to know that the guest may write from here on.  Under mmu_lock:
 * before the host cleans a page it takes the mapping away, so here it is a page
 * that its owner lets be dirtied.
 */
static void fault_mark_dirty(const struct fault *fault, const struct mmu_map *map)
{
	if (!(map->prot & PROT_GUEST_WRITE))
		return;

	if (fault->page && !PageDirty(fault->page))
		set_page_dirty(fault->page);
	if (!map->clean)
		memslot_mark_dirty(fault->slot, fault->gfn);
}

/* Is there a larger page, which would have been mapped whole if the slot did lie like it? */
static bool fault_is_of_more(const struct fault *fault, const struct pgtable *pt,
			     const struct mmu_map *map)
{
	/* A group is of pages that lie side by side, but may not be of one. */
	return fault->found && fault->leaf.order > max_t(u8, BESIDE_ORDER, pt->format->group_order) &&
	       !map->order && !fault->slot->dirty;
}

/*
 * The host has a huge page there, but no huge leaf fits: a VMM need not align its guest's
 * memory.  Then a guest that boots would fault once for each page.  Those beside the one that
 * was mapped, as @map says, are there as well and granted alike, because they are of the same
 * page.  mmu_lock held, not stale.
 */
static noinline void fault_map_beside(const struct fault *fault, struct pgtable *pt,
				      const struct mmu_map *map)
{
	const struct memslot *slot = fault->slot;
	u64 leaf = 1ULL << fault->leaf.order, block = 1ULL << BESIDE_ORDER;
	u64 in_leaf = (fault->hva >> PAGE_SHIFT) & (leaf - 1);
	u64 in_block = fault->gfn & (block - 1);
	u64 before = min3(in_leaf, in_block, fault->gfn - slot->base);
	u64 after = min3(leaf - in_leaf, block - in_block, slot->last - fault->gfn + 1);

	if (!range_is_invalidated(fault->vm, fault->hva - before * PAGE_SIZE,
				  fault->hva + after * PAGE_SIZE))
		pgtable_map_beside(pt, map, before, before + after);
}

/* mmu_lock held.  pgtable_map()'s results. */
static int fault_map_locked(struct fault *fault, struct pgtable *pt, struct page_cache *cache)
{
	struct mmu_map map = {
		.memtype = fault->memtype,
		.clean = pt->format->logs_writes && fault->slot->dirty && !fault_is_write(fault),
	};
	u64 pages;
	int ret;

	map.may_write = fault->writable && fault->page;
	map.order = fault_order(fault, pt->format);
	for (;;) {
		pages = 1ULL << map.order;
		map.prot = fault_prot(fault, pt->format, map.order);
		map.gpa = gfn_to_gpa(fault->gfn & ~(pages - 1));
		map.hpa = PFN_PHYS((u64)fault->pfn & ~(pages - 1));
		ret = pgtable_map(pt, cache, &map);
		if (ret != -E2BIG || !map.order)
			break;
		/* Small leaves are there already: be one of them. */
		map.order = pgtable_leaf_order(pt->format, map.order - 1);
	}
	if (ret)
		return ret;

	fault_mark_dirty(fault, &map);
	if (unlikely(fault_is_of_more(fault, pt, &map)))
		fault_map_beside(fault, pt, &map);

	return 0;
}

static struct gfn_range one_frame(gfn_t gfn, int as_id)
{
	return (struct gfn_range) { .start = gfn, .end = gfn + 1, .as_id = as_id };
}

static struct pgtable *fault_pgtable(const struct fault *fault)
{
	return &fault->vm->as[fault->slot->as_id].pgtable;
}

/* Of what was got with a reference. */
static int fault_map(struct fault *fault, struct page_cache *cache)
{
	struct pgtable *pt = fault_pgtable(fault);
	int ret = -EAGAIN;

	read_lock(&fault->vm->mmu_lock);
	if (!fault_is_stale(fault))
		ret = fault_map_locked(fault, pt, cache);
	read_unlock(&fault->vm->mmu_lock);
	if (likely(ret != -EBUSY))
		return ret;

	/* A group that grants less: all of it goes, and does not come back before this. */
	ret = -EAGAIN;
	write_lock(&fault->vm->mmu_lock);
	if (!fault_is_stale(fault)) {
		pgtable_unmap(pt, one_frame(fault->gfn, pt->as_id), false);
		ret = fault_map_locked(fault, pt, cache);
	}
	write_unlock(&fault->vm->mmu_lock);

	return ret;
}

/*
 * Is there a page that serves, by the host's page tables alone?  mmu_lock held, no
 * invalidation of the address under way.
 */
static bool fault_find(struct fault *fault)
{
	const struct pgtable_format *format = fault_pgtable(fault)->format;
	const struct host_leaf *leaf = &fault->leaf;

	fault->found = host_leaf_at(fault->vm->mm, fault->hva, format->group_order,
				 !memslot_readonly(fault->slot), &fault->leaf);
	if (!fault->found || !leaf->usual || (fault_is_write(fault) && !leaf->writable))
		return false;

	fault->page = pfn_to_page(leaf->pfn);
	if (!host_page_is_plain(fault->page))
		return false;
	fault->pfn = leaf->pfn;
	fault->writable = leaf->writable;
	fault->memtype = MEMTYPE_NORMAL;

	return true;
}

/*
 * Map what is there, without a reference.  pgtable_map()'s results, or -ENOENT: it has to
 * be got first.
 */
static int fault_map_found(struct fault *fault, struct page_cache *cache)
{
	int ret = -ENOENT;

	read_lock(&fault->vm->mmu_lock);
	if (!fault_is_invalidated(fault, 0) && fault_find(fault))
		ret = fault_map_locked(fault, fault_pgtable(fault), cache);
	read_unlock(&fault->vm->mmu_lock);

	return ret == -EBUSY ? -ENOENT : ret;
}

/* --- a write that a log wants to see ------------------------------------------ */

/*
 * The page is there, and was found writable when it was mapped: as long as it is mapped
 * that stays so, and nothing has to be looked up.  mmu_lock held for reading; any
 * context.  0, -EAGAIN, or -ENOENT: there is more to it.
 */
static int fault_log_locked(struct pgtable *pt, struct memslot *slot, gfn_t gfn)
{
	u64 *ptep, pte;

	ptep = pgtable_protected(pt, gfn_to_gpa(gfn), &pte);
	/* A page that became clean is the business of the host's memory management. */
	if (!ptep || !PageDirty(pfn_to_page(PHYS_PFN(pgtable_page(pt, pte)))))
		return -ENOENT;
	if (!pgtable_allow_write(pt, ptep, pte))
		return -EAGAIN;
	memslot_mark_dirty(slot, gfn);

	return 0;
}

/* True if it was that, and served. */
static bool fault_log(struct vcpu *vcpu, struct memslot *slot, gfn_t gfn)
{
	struct pgtable *pt = &vcpu->vm->as[slot->as_id].pgtable;
	int ret;

	read_lock(&vcpu->vm->mmu_lock);
	ret = fault_log_locked(pt, slot, gfn);
	if (!ret && pt->format->relax_flush)
		pgtable_flush(pt, gfn, gfn + 1);
	read_unlock(&vcpu->vm->mmu_lock);

	return ret != -ENOENT;
}

/* vcpu_fault_atomic() with the slot at hand. */
static bool fault_log_atomic(struct vcpu *vcpu, gfn_t gfn)
{
	struct memslot *slot = vcpu_memslot(vcpu, gfn);
	struct pgtable *pt;
	int ret;

	if (!slot || !slot->dirty || memslot_readonly(slot))
		return false;
	/* A flush may have to wait for others. */
	pt = &vcpu->vm->as[slot->as_id].pgtable;
	if (pt->format->relax_flush || !read_trylock(&vcpu->vm->mmu_lock))
		return false;
	ret = fault_log_locked(pt, slot, gfn);
	read_unlock(&vcpu->vm->mmu_lock);

	return ret != -ENOENT;
}

bool vcpu_fault_atomic(struct vcpu *vcpu, gpa_t gpa, u8 access)
{
	bool served;
	int index;

	/* Where mmu_lock sleeps it is not to be had with irqs off. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) || access != PROT_GUEST_WRITE || !vcpu->vm->has_log)
		return false;

	index = srcu_read_lock(&vcpu->vm->srcu);
	served = fault_log_atomic(vcpu, gpa_to_gfn(gpa));
	srcu_read_unlock(&vcpu->vm->srcu, index);
	if (served) {
		vcpu->stats.faults++;
		trace_keel_fault(vcpu, gpa, access, FAULT_MAPPED);
	}

	return served;
}

/* --- a fault ---------------------------------------------------------------- */

/* The page is not there, or has to be asked for. */
static noinline int fault_get_and_map(struct fault *fault, struct page_cache *cache)
{
	int ret;

	fault->page = NULL;
	/* Pairs with the lock in notifier_end(), which increments. */
	fault->seq = READ_ONCE(fault->vm->invalidate_seq);
	smp_rmb();

	ret = fault_get_page(fault);
	if (ret == -EFAULT)
		ret = fault_get_pfn(fault);
	/* What was found may be gone. */
	fault->found = false;
	if (!ret)
		ret = fault_map(fault, cache);
	if (fault->page)
		put_page(fault->page);

	return ret;
}

static int fault_serve(struct fault *fault, struct page_cache *cache)
{
	int ret;

	ret = pgtable_cache_fill(fault_pgtable(fault), cache);
	if (ret)
		return ret;

	ret = fault_map_found(fault, cache);
	if (ret == -ENOENT)
		ret = fault_get_and_map(fault, cache);

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

static noinline int fault_on_slot(struct vcpu *vcpu, struct memslot *slot, gpa_t gpa, u8 access)
{
	struct fault fault = {
		.vm = vcpu->vm,
		.slot = slot,
		.gfn = gpa_to_gfn(gpa),
		.hva = memslot_hva(slot, gpa_to_gfn(gpa)),
		.access = access,
	};

	vcpu->stats.faults++;
	if (fault_is_write(&fault) && slot->dirty && fault_log(vcpu, slot, fault.gfn))
		return FAULT_MAPPED;

	return fault_result(vcpu, gpa, fault_serve(&fault, &vcpu->page_cache));
}

int vcpu_fault(struct vcpu *vcpu, gpa_t gpa, u8 access)
{
	struct memslot *slot = vcpu_memslot(vcpu, gpa_to_gfn(gpa));
	int ret;

	if (!slot)
		ret = FAULT_NO_SLOT;
	else if ((access & PROT_GUEST_WRITE) && memslot_readonly(slot))
		ret = FAULT_READONLY;
	else
		ret = fault_on_slot(vcpu, slot, gpa, access);
	trace_keel_fault(vcpu, gpa, access, ret);

	return ret;
}

/* --- without a slot --------------------------------------------------------- */

/*
 * What is mapped there goes first, whole: user space may have put a slot there, and
 * a huge leaf of its memory must not be split into leaves of the device's type.
 */
static int device_map_one(struct vm *vm, struct pgtable *pt, struct page_cache *cache,
			  const struct mmu_map *map)
{
	int ret;

	write_lock(&vm->mmu_lock);
	pgtable_unmap(pt, one_frame(gpa_to_gfn(map->gpa), pt->as_id), false);
	ret = pgtable_map(pt, cache, map);
	write_unlock(&vm->mmu_lock);

	return ret;
}

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
			if (!ret)
				ret = device_map_one(vm, pt, &cache, &map);
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
		write_lock(&vm->mmu_lock);
		pgtable_unmap(&vm->as[as_id].pgtable, one_frame(gpa_to_gfn(gpa), as_id), true);
		write_unlock(&vm->mmu_lock);
	}
}

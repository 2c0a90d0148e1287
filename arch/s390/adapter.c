// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adapters: sources of I/O interruptions that say in guest storage what happened (a bit in
 * their indicators, a bit that summarises those) and interrupt only for the summary.  User
 * space registers them with the FLIC device; an irqfd reaches one by its route, or user
 * space injects by itself.  Also adapter-interruption suppression (AIS).
 *
 * An irqfd is delivered by a work queue, which must not wait for guest storage: it may be
 * user space that brings it in, or does not, and nothing could end that wait, not even the
 * end of the process.  So indicators are set if they are there.  If they are not, a vCPU
 * brings them in, where a signal ends a wait as it does that for any other page.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/pagemap.h>
#include <linux/pfn.h>
#include <linux/sched/mm.h>

#include "indicator.h"
#include "s390.h"

/* How the struct irq_route of an adapter keeps what user space said. */
enum {
	ROUTE_INDICATOR,		/* guest absolute address */
	ROUTE_SUMMARY,			/* likewise */
	ROUTE_INDICATOR_OFFSET,		/* in bits */
	ROUTE_SUMMARY_OFFSET,		/* likewise */
	ROUTE_ADAPTER,			/* its id */
};

/* The adapter, if it is registered.  Any context. */
static struct s390_adapter *adapter_find(struct vm *vm, u64 id)
{
	struct s390_adapter *adapter;

	if (id >= S390_ADAPTERS)
		return NULL;
	adapter = &vm->arch.floating.adapter[array_index_nospec(id, S390_ADAPTERS)];

	/* Pairs with the release in s390_adapter_register(). */
	return smp_load_acquire(&adapter->registered) ? adapter : NULL;
}

int s390_adapter_register(struct vm *vm, const struct kvm_s390_io_adapter *adapter)
{
	struct s390_adapter *new;

	lockdep_assert_held(&vm->lock);

	if (adapter->id >= S390_ADAPTERS || adapter->isc >= S390_ISCS ||
	    adapter_find(vm, adapter->id))
		return -EINVAL;

	new = &vm->arch.floating.adapter[array_index_nospec(adapter->id, S390_ADAPTERS)];
	new->isc = adapter->isc;
	new->maskable = adapter->maskable;
	new->swap = adapter->swap;
	new->suppressible = adapter->flags & KVM_S390_ADAPTER_SUPPRESSIBLE;
	/* Irqfds find it without a lock. */
	smp_store_release(&new->registered, true);

	return 0;
}

int s390_adapter_modify(struct vm *vm, const struct kvm_s390_io_adapter_req *request)
{
	struct s390_adapter *adapter = adapter_find(vm, request->id);

	lockdep_assert_held(&vm->lock);

	switch (request->type) {
	case KVM_S390_IO_ADAPTER_MASK:
		if (!adapter || !adapter->maskable)
			return -EINVAL;
		WRITE_ONCE(adapter->masked, !!request->mask);
		return 0;
	case KVM_S390_IO_ADAPTER_MAP:
	case KVM_S390_IO_ADAPTER_UNMAP:
		/* Routes say where the indicators are. */
		return 0;
	default:
		return -EINVAL;
	}
}

/* --- suppression ----------------------------------------------------------------- */

/*
 * Is the adapter to be silent now?  In single-interruption mode the one that gets through
 * is the last until the mode is set again.
 */
static bool adapter_suppressed(struct vm *vm, const struct s390_adapter *adapter)
{
	struct s390_floating *floating = &vm->arch.floating;
	u8 bit = 0x80 >> adapter->isc;
	unsigned long flags;
	bool suppressed;

	if (!READ_ONCE(vm->arch.ais) || !adapter->suppressible)
		return false;

	raw_spin_lock_irqsave(&floating->lock, flags);
	suppressed = floating->nimm & bit;
	if (floating->simm & bit)
		floating->nimm |= bit;
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return suppressed;
}

/* As irqchip_ops.deliver. */
static int adapter_interrupt(struct vm *vm, const struct s390_adapter *adapter)
{
	if (adapter_suppressed(vm, adapter))
		return -1;

	return s390_inject_adapter(vm, adapter->isc);
}

int s390_adapter_inject(struct vm *vm, u64 id)
{
	struct s390_adapter *adapter = adapter_find(vm, id);

	if (!adapter)
		return -EINVAL;
	adapter_interrupt(vm, adapter);

	return 0;
}

/* --- irqfd -------------------------------------------------------------------------- */

int s390_adapter_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
		       struct irq_route *out)
{
	const struct kvm_irq_routing_s390_adapter *adapter = &entry->u.adapter;

	/* It may be registered later, as a gsi may get its route later. */
	if (adapter->adapter_id >= S390_ADAPTERS)
		return -EINVAL;

	out->arch[ROUTE_INDICATOR] = adapter->ind_addr;
	out->arch[ROUTE_SUMMARY] = adapter->summary_addr;
	out->arch[ROUTE_INDICATOR_OFFSET] = adapter->ind_offset;
	out->arch[ROUTE_SUMMARY_OFFSET] = adapter->summary_offset;
	out->arch[ROUTE_ADAPTER] = adapter->adapter_id;

	return 0;
}

/* What happened, and that something did. */
static void indicators_at(const struct irq_route *route, bool swap, struct indicator at[2])
{
	at[0] = indicator_at(route->arch[ROUTE_INDICATOR], route->arch[ROUTE_INDICATOR_OFFSET],
			     swap);
	at[1] = indicator_at(route->arch[ROUTE_SUMMARY], route->arch[ROUTE_SUMMARY_OFFSET],
			     swap);
}

/*
 * What is mapped for stores stays as long as mmu_lock is held, and is dirty for the host and
 * the log.  How the bit was before, or -EAGAIN: not mapped.
 */
static int indicator_set_mapped(struct vm *vm, const struct indicator *at)
{
	int ret = -EAGAIN;
	hpa_t hpa;

	read_lock(&vm->mmu_lock);
	if (s390_mmu_find(vm, at->gpa, &hpa) & PROT_GUEST_WRITE && pfn_valid(PHYS_PFN(hpa)))
		ret = test_and_set_bit(at->bit, (unsigned long *)__va(hpa));
	read_unlock(&vm->mmu_lock);

	return ret;
}

/* A page that the host has for stores, or can make at once; referenced, or NULL. */
static struct page *page_at_once(hva_t hva)
{
	struct mm_struct *mm = current->mm;
	struct page *page;
	long got;

	if (get_user_pages_fast_only(hva, 1, FOLL_WRITE, &page) == 1)
		return page;
	/* Who holds the lock may be waiting, and so may file systems. */
	if (!mmap_read_trylock(mm))
		return NULL;
	got = get_user_pages(hva, 1, FOLL_WRITE | FOLL_NOWAIT | FOLL_ANON, &page);
	mmap_read_unlock(mm);

	return got == 1 ? page : NULL;
}

/* In the VM's memory, vm->srcu held.  As indicator_set_mapped(); -EFAULT: no storage. */
static int indicator_set_page(struct vm *vm, const struct indicator *at)
{
	struct memslot *slot = memslot_find(vm, 0, gpa_to_gfn(at->gpa));
	struct page *page;
	int ret = -EAGAIN;

	if (!slot)
		return -EFAULT;
	page = page_at_once(memslot_hva(slot, gpa_to_gfn(at->gpa)));
	if (!page)
		return -EAGAIN;

	/* Locked, so that a file's page is still the file's when it is dirtied. */
	if (trylock_page(page)) {
		ret = test_and_set_bit(at->bit, page_address(page) + offset_in_page(at->gpa));
		set_page_dirty(page);
		unlock_page(page);
		memslot_mark_dirty(slot, gpa_to_gfn(at->gpa));
	}
	put_page(page);

	return ret;
}

/* The same from whatever task; a work queue has no memory of its own. */
static int indicator_set_host(struct vm *vm, const struct indicator *at)
{
	bool own = current->mm == vm->mm;
	int index, ret;

	if (!own) {
		if (current->mm || !(current->flags & PF_KTHREAD) || !mmget_not_zero(vm->mm))
			return -EFAULT;
		kthread_use_mm(vm->mm);
	}
	index = srcu_read_lock(&vm->srcu);
	ret = indicator_set_page(vm, at);
	srcu_read_unlock(&vm->srcu, index);
	if (!own) {
		kthread_unuse_mm(vm->mm);
		/* Not here, if it is the last one: whoever called holds locks of the VM. */
		mmput_async(vm->mm);
	}

	return ret;
}

/*
 * What happened first, then that something did: how the latter was before.  Does not wait
 * for storage.  -EAGAIN: it is not there, and the summary is as it was; -EFAULT.
 */
static int indicators_set(struct vm *vm, const struct irq_route *route, bool swap)
{
	struct indicator at[2];
	int i, ret = 0;

	indicators_at(route, swap, at);
	for (i = 0; i < ARRAY_SIZE(at) && ret >= 0; i++) {
		ret = indicator_set_mapped(vm, &at[i]);
		if (ret == -EAGAIN)
			ret = indicator_set_host(vm, &at[i]);
	}

	return ret;
}

int s390_adapter_signal(struct vm *vm, const struct irq_route *route)
{
	struct s390_adapter *adapter = adapter_find(vm, route->arch[ROUTE_ADAPTER]);
	int ret;

	if (!adapter)
		return -1;
	/* mmu_lock is not taken then. */
	if (irqs_disabled())
		return -EWOULDBLOCK;

	ret = indicators_set(vm, route, adapter->swap);
	if (ret == -EAGAIN) {
		/* First what is owed, then the request: see vcpu_request(). */
		set_bit(route->gsi, vm->arch.floating.owed);
		vm_request_all(vm, REQ_ADAPTER, false);
		return 0;
	}
	if (ret < 0)
		return -1;
	/* The guest has not looked since the last one. */
	if (ret)
		return 0;
	if (READ_ONCE(adapter->masked))
		return -1;

	return adapter_interrupt(vm, adapter);
}

/* --- what is owed --------------------------------------------------------------------- */

/* Map both for stores.  RESUME_GUEST, or why not: as s390_mmu_fault(). */
static int indicators_map(struct vcpu *vcpu, const struct irq_route *route)
{
	int i, ret = RESUME_GUEST;
	struct indicator at[2];

	indicators_at(route, false, at);
	for (i = 0; i < ARRAY_SIZE(at) && ret == RESUME_GUEST; i++)
		ret = s390_mmu_fault(vcpu, at[i].gpa, true);

	return ret;
}

/* By the routes that there are now.  RESUME_GUEST, or -errno: it is still owed. */
static int owed_signal(struct vcpu *vcpu, u32 gsi)
{
	struct irq_route routes[IRQ_ROUTES_PER_GSI];
	u32 i, count = irqroute_copy(vcpu->vm, gsi, routes);
	int ret = RESUME_GUEST;

	for (i = 0; i < count && ret == RESUME_GUEST; i++)
		if (routes[i].type == KVM_IRQ_ROUTING_S390_ADAPTER)
			ret = indicators_map(vcpu, &routes[i]);
	if (ret == -ENOMEM || ret == -EINTR)
		return ret;
	/* Where no storage is, nobody looks for it. */
	if (count && ret == RESUME_GUEST)
		irqroute_pulse(vcpu->vm, gsi, IRQ_SOURCE_IRQFD);

	return RESUME_GUEST;
}

int s390_adapter_serve(struct vcpu *vcpu)
{
	unsigned long *owed = vcpu->vm->arch.floating.owed;
	unsigned long gsi = 0;
	int ret;

	for (;;) {
		gsi = find_next_bit(owed, IRQ_ROUTES_MAX, gsi);
		if (gsi >= IRQ_ROUTES_MAX)
			return RESUME_GUEST;
		if (test_and_clear_bit(gsi, owed)) {
			ret = owed_signal(vcpu, gsi);
			if (ret != RESUME_GUEST) {
				set_bit(gsi, owed);
				vcpu_request(vcpu, REQ_ADAPTER);
				return ret;
			}
		}
		gsi++;
		cond_resched();
	}
}

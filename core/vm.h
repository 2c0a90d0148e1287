/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine.
 *
 * Lock order, outer first:
 *
 *	cpus_read_lock > keel_lock > vm->lock > vcpu->mutex > vm->config_lock
 *		> vm->slots_lock > mmap_lock > vm->irq_lock
 *		> vm->mmu_lock (rwlock) > vcpu->mp_lock (raw)
 *
 * keel_lock	mutex.  The list of VMs and whether the CPUs are enabled.
 * vm->lock	mutex.  Creation of vCPUs, irqchip and devices.  Never taken from
 *		inside KVM_RUN.
 * vcpu->mutex	mutex.  The registers and every ioctl of one vCPU.  "All of them"
 *		is a trylock, or -EBUSY.
 * config_lock	mutex.  What one vCPU changes of another, or of the VM, from
 *		inside KVM_RUN.
 * slots_lock	mutex.  Changes of memslots, of the I/O buses and of dirty logs.
 * mmap_lock	the host's.  May be taken under any mutex above, so notifiers and
 *		vm_ops->fault take none of them.
 * irq_lock	mutex.  Changes of routes, irqfds and their notifiers.
 * mmu_lock	rwlock, spinning.  Page tables: faults read, removers write.
 *		Never taken with irqs off: a flush waits for other CPUs.
 * mp_lock	raw spinlock, irqs off.  What wakes or restarts one vCPU.
 *
 * vm->srcu	Readers: memslots, I/O buses.  Core holds it around complete,
 *		prepare and handle_exit and drops it before the guest, a halt and
 *		user space.
 * vm->irq_srcu	Readers: routes and irqfds, also from atomic context.
 *
 * static_branch_*, static_call_update and alloc_workqueue take cpus_read_lock:
 * call them under no lock of ours.
 */
#ifndef CORE_VM_H
#define CORE_VM_H

#include <linux/interval_tree.h>
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rbtree_latch.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

#include <core/iobus.h>
#include <core/pgtable.h>
#include <core/types.h>
#include <arch/types.h>

/* One guest physical address space; an architecture may have several. */
struct address_space_guest {
	struct latch_tree_root	slots;		/* (s) struct memslot by gfn */
	struct pgtable		pgtable;	/* (p) */
};

struct vm_stats {
	u64	remote_flush;		/* flushes that waited for other CPUs */
	u64	pages_mapped;		/* leaves made, any size; each entry of a group */
	u64	pages_unmapped;		/* leaves removed by a notifier or a slot */
};

struct vm {
	struct mm_struct	*mm;		/* (c) whose memory the guest uses */
	refcount_t		 refs;		/* (a) descriptors and vCPUs */
	struct list_head	 link;		/* (k) on vm_list */
	struct mutex		 lock;
	struct mutex		 config_lock;
	struct mutex		 slots_lock;
	struct mutex		 irq_lock;
	rwlock_t		 mmu_lock;
	struct srcu_struct	 srcu;
	struct srcu_struct	 irq_srcu;

	/* Memory: memslot.c, fault.c, notifier.c, dirty.c */
	struct address_space_guest as[ARCH_ADDRESS_SPACES];
	struct xarray		 slot_ids;	/* (l) as_id << 16 | id -> slot */
	struct rb_root_cached	 slot_hvas;	/* (p) interval tree by hva */
	u64			 slots_generation;	/* (s) changes with every slot; never 0 */
	struct mmu_notifier	 notifier;	/* (c) */
	unsigned long		 invalidate_seq;	/* (p) */
	unsigned long		 invalidate_count;	/* (p) sections under way */
	hva_t			 invalidate_start;	/* (p) their hull */
	hva_t			 invalidate_end;	/* (p) */
	u64			 dirty_protect;	/* (v) KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
	bool			 has_log;	/* (l) a slot has, or had, a dirty log; stays */

	/* vCPUs: readable by index without a lock once created */
	struct xarray		 vcpus;		/* (v) index -> vCPU */
	int			 vcpu_count;	/* (v) smp_store_release after the store */

	/* Interrupts: irqroute.c, eventfd.c */
	bool			 has_irqchip;	/* (v) set once, smp_store_release */
	struct irq_table __rcu	*irq_table;	/* (i) */
	struct list_head	 irqfds;	/* (i) */
	struct workqueue_struct	*irqfd_queue;	/* there from the first irqfd on, and constant */
	struct list_head	 eoi_notifiers;	/* (i), irq_srcu for readers */
	struct list_head	 ioeventfds;	/* (l) */

	/* I/O: iobus.c */
	struct iobus __rcu	*buses[IOBUS_COUNT];	/* (s) */
	/* (s) for writing; read anywhere: who might be on them. */
	unsigned long		 bus_filter[IOBUS_COUNT][BITS_TO_LONGS(IOBUS_FILTER_BITS)];
	struct kvm_coalesced_mmio_ring *coalesced;	/* ring_lock; user may scribble */
	spinlock_t		 ring_lock;
	struct list_head	 coalesced_zones;	/* (l) */
	/* As bus_filter, of the zones. */
	unsigned long		 coalesced_filter[IOBUS_COUNT][BITS_TO_LONGS(IOBUS_FILTER_BITS)];

	struct list_head	 devices;	/* (v) KVM_CREATE_DEVICE */
	struct vm_stats		 stats;
	char			 stats_id[48];	/* (c) name in the stats descriptor */

	struct vm_arch		 arch;
};

/*
 * (c) constant after creation	(a) atomic	(k) keel_lock	(v) vm->lock
 * (l) slots_lock	(i) irq_lock	(p) mmu_lock
 * (s) changed under slots_lock, read under srcu
 */

/* Descriptors and vCPUs hold a reference; the last one destroys the VM. */
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);

/* Make a VM and a descriptor for it.  Returns the descriptor or -errno. */
int vm_create_fd(unsigned long type);

/* The vCPU with this index, or NULL.  Any context. */
static inline struct vcpu *vm_vcpu(struct vm *vm, unsigned int index)
{
	/* Pairs with the release in vm_ioctl_create_vcpu(). */
	if (index >= smp_load_acquire(&vm->vcpu_count))
		return NULL;

	return xa_load(&vm->vcpus, index);
}

/* The vCPU with this KVM_CREATE_VCPU id, or NULL.  Any context. */
struct vcpu *vm_vcpu_by_id(struct vm *vm, unsigned int id);

#define vm_for_each_vcpu(index, vcpu, vm)	\
	for ((index) = 0; ((vcpu) = vm_vcpu(vm, index)); (index)++)

/*
 * Set @request on every vCPU and kick; with @wait, return only when none of
 * them is still in the stay in guest mode that it was in before (one that sleeps
 * in a halt is not woken then: it sees the request before it enters again).
 * Context: process context, must not sleep; with @wait irqs on.
 */
void vm_request_all(struct vm *vm, unsigned int request, bool wait);
/* The same, with the wait, for the @count vCPUs of @vm that are in @vcpus. */
void vm_request_some(struct vm *vm, struct vcpu *const *vcpus, unsigned int count,
		     unsigned int request);

/* Take the mutex of every vCPU: 0, or -EBUSY with none taken.  vm->lock held. */
int vm_lock_vcpus(struct vm *vm);
void vm_unlock_vcpus(struct vm *vm);

/* Does the VM have an in-kernel irqchip?  Any context. */
static inline bool vm_has_irqchip(struct vm *vm)
{
	/* Pairs with the release of the architecture's irqchip_create(). */
	return smp_load_acquire(&vm->has_irqchip);
}

/* False: nobody is on the bus at @addr.  Any context; a device comes and goes meanwhile. */
static __always_inline bool iobus_maybe(const struct vm *vm, enum iobus_kind bus, gpa_t addr)
{
	return iobus_filter_has(vm->bus_filter[bus], bus, addr);
}

/* The same of zones of coalesced writes. */
static __always_inline bool coalesced_maybe(const struct vm *vm, enum iobus_kind bus, gpa_t addr)
{
	return iobus_filter_has(vm->coalesced_filter[bus], bus, addr);
}

#endif /* CORE_VM_H */

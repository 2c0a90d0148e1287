// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating interruptions: they belong to the VM, and any CPU that is enabled takes one.
 * Injected by the ioctls, the FLIC device and adapters; taken by interrupt_deliver.c, and
 * by the instructions that look for one (TEST SUBCHANNEL, TEST PENDING INTERRUPTION).
 *
 * What says more than that it is there is queued.  An adapter interruption does not: it is
 * a bit per subclass, so that an irqfd needs no memory for it.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "s390.h"

/* More than a VM with a pending interruption of every device ever has; bounds the memory. */
#define FLOATING_QUEUED_MAX	16384

#define IO_WORD_ADAPTER		0x80000000U
#define IO_WORD_ISC_SHIFT	27

struct floating_irq {
	struct list_head	link;
	u32			type;		/* KVM_S390_INT_* */
	union {
		struct kvm_s390_io_info	 io;
		struct kvm_s390_ext_info ext;
	};
};

/* --- which is which ---------------------------------------------------------- */

enum s390_irq s390_irq_of_io(u32 io_int_word)
{
	return S390_IRQ_IO_0 + (io_int_word >> IO_WORD_ISC_SHIFT) % S390_ISCS;
}

enum s390_irq s390_irq_of_mchk(u64 mcic)
{
	return mcic & MCHK_EX_MASK ? S390_IRQ_MCHK_EXIGENT : S390_IRQ_MCHK;
}

static enum s390_queue queue_of(enum s390_irq irq)
{
	if (irq == S390_IRQ_PFAULT_DONE)
		return S390_QUEUE_PFAULT;
	if (irq == S390_IRQ_VIRTIO)
		return S390_QUEUE_VIRTIO;

	return S390_QUEUE_IO + (irq - S390_IRQ_IO_0);
}

/* --- lifetime ------------------------------------------------------------------- */

void s390_floating_init(struct vm *vm)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned int i;

	raw_spin_lock_init(&floating->lock);
	for (i = 0; i < S390_QUEUE_COUNT; i++)
		INIT_LIST_HEAD(&floating->queue[i]);
}

void s390_floating_clear(struct vm *vm)
{
	struct s390_floating *floating = &vm->arch.floating;
	struct floating_irq *irq, *next;
	unsigned long flags;
	LIST_HEAD(dropped);
	unsigned int i;

	raw_spin_lock_irqsave(&floating->lock, flags);
	for (i = 0; i < S390_QUEUE_COUNT; i++)
		list_splice_init(&floating->queue[i], &dropped);
	WRITE_ONCE(floating->pending, 0);
	floating->queued = 0;
	floating->adapters = 0;
	floating->service = 0;
	memset(&floating->mchk, 0, sizeof(floating->mchk));
	bitmap_zero(floating->owed, IRQ_ROUTES_MAX);
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	list_for_each_entry_safe(irq, next, &dropped, link)
		kfree(irq);
}

void s390_floating_destroy(struct vm *vm)
{
	/* Never set up, or nothing was ever queued. */
	if (vm->arch.floating.queue[0].next)
		s390_floating_clear(vm);
}

/* --- who is to take it ------------------------------------------------------------- */

/* A CPU that waits for it.  True: it looks at what is pending before it sleeps on. */
static bool kick_waiting(struct vm *vm, enum s390_irq irq)
{
	struct vcpu *vcpu;
	unsigned int i;

	vm_for_each_vcpu(i, vcpu, vm) {
		if (!s390_is_waiting(vcpu) || !s390_irqs_allowed(vcpu, BIT(irq)))
			continue;
		vcpu_wake(vcpu);
		return true;
	}

	return false;
}

/* One that runs, in turn: it takes it, or has the hardware say when it is enabled. */
static void kick_running(struct vm *vm)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned int count = smp_load_acquire(&vm->vcpu_count);
	unsigned int i, index, first = READ_ONCE(floating->next);
	struct vcpu *vcpu;

	for (i = 0; i < count; i++) {
		index = (first + i) % count;
		vcpu = vm_vcpu(vm, index);
		if (!READ_ONCE(vcpu->wants_run) || s390_is_waiting(vcpu))
			continue;
		WRITE_ONCE(floating->next, index + 1);
		vcpu_request(vcpu, REQ_INTERRUPT);
		vcpu_kick(vcpu);
		return;
	}
}

/*
 * One that begins to wait, or to run, meanwhile looks by itself.  If all others wait and
 * none is enabled, there is nothing to do: a CPU that is not in the guest sees it first.
 */
void s390_floating_kick(struct vm *vm, enum s390_irq irq)
{
	/* Pending first.  Pairs with s390_interrupt_block() and vcpu_enter_guest(). */
	smp_mb();
	if (!kick_waiting(vm, irq))
		kick_running(vm);
}

void s390_floating_pass(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned long pending;
	unsigned int irq;

	if (!vcpu->arch.local.woken)
		return;

	vcpu->arch.local.woken = false;
	pending = READ_ONCE(vm->arch.floating.pending);
	for_each_set_bit(irq, &pending, S390_IRQ_COUNT)
		kick_waiting(vm, irq);
}

/* --- making pending ------------------------------------------------------------------- */

/* The lock is held. */
static void floating_set(struct s390_floating *floating, enum s390_irq irq)
{
	WRITE_ONCE(floating->pending, floating->pending | BIT(irq));
}

static void floating_unset(struct s390_floating *floating, enum s390_irq irq)
{
	WRITE_ONCE(floating->pending, floating->pending & ~BIT(irq));
}

/* The lock is held. */
static void queue_add(struct s390_floating *floating, struct floating_irq *new,
		      enum s390_irq irq, bool first)
{
	struct list_head *queue = &floating->queue[queue_of(irq)];

	floating->queued++;
	if (first)
		list_add(&new->link, queue);
	else
		list_add_tail(&new->link, queue);
	floating_set(floating, irq);
}

/* Takes @new over, also if it fails. */
static int floating_queue(struct vm *vm, struct floating_irq *new, enum s390_irq irq)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned long flags;

	raw_spin_lock_irqsave(&floating->lock, flags);
	if (floating->queued >= FLOATING_QUEUED_MAX) {
		raw_spin_unlock_irqrestore(&floating->lock, flags);
		kfree(new);
		return -EBUSY;
	}
	queue_add(floating, new, irq, false);
	raw_spin_unlock_irqrestore(&floating->lock, flags);
	s390_floating_kick(vm, irq);

	return 0;
}

static int inject_io(struct vm *vm, u32 type, const struct kvm_s390_io_info *io)
{
	struct floating_irq *new;

	if (io->io_int_word & IO_WORD_ADAPTER) {
		s390_inject_adapter(vm, s390_irq_of_io(io->io_int_word) - S390_IRQ_IO_0);
		return 0;
	}

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->type = type;
	new->io = *io;

	return floating_queue(vm, new, s390_irq_of_io(io->io_int_word));
}

static int inject_ext(struct vm *vm, u32 type, const struct kvm_s390_ext_info *ext,
		      enum s390_irq irq)
{
	struct floating_irq *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);

	if (!new)
		return -ENOMEM;
	new->type = type;
	new->ext.ext_params2 = ext->ext_params2;
	if (irq == S390_IRQ_VIRTIO)
		new->ext.ext_params = ext->ext_params;

	return floating_queue(vm, new, irq);
}

/* One interruption tells of the block that is done and of events that are there. */
static void inject_service(struct vm *vm, u32 parameter)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned long flags;

	raw_spin_lock_irqsave(&floating->lock, flags);
	if (parameter & GENMASK(31, 3))
		floating->service &= GENMASK(2, 0);
	floating->service |= parameter;
	floating_set(floating, S390_IRQ_SERVICE);
	raw_spin_unlock_irqrestore(&floating->lock, flags);
	s390_floating_kick(vm, S390_IRQ_SERVICE);
}

static void inject_mchk(struct vm *vm, const struct kvm_s390_mchk_info *mchk)
{
	struct s390_floating *floating = &vm->arch.floating;
	enum s390_irq irq = s390_irq_of_mchk(mchk->mcic);
	unsigned long flags;

	raw_spin_lock_irqsave(&floating->lock, flags);
	floating->mchk.mcic |= mchk->mcic;
	floating->mchk.cr14 |= mchk->cr14;
	floating->mchk.failing_storage_address = mchk->failing_storage_address;
	floating->mchk.ext_damage_code = mchk->ext_damage_code;
	memcpy(floating->mchk.fixed_logout, mchk->fixed_logout, sizeof(mchk->fixed_logout));
	floating_set(floating, irq);
	raw_spin_unlock_irqrestore(&floating->lock, flags);
	s390_floating_kick(vm, irq);
}

bool s390_inject_adapter(struct vm *vm, u8 isc)
{
	struct s390_floating *floating = &vm->arch.floating;
	enum s390_irq irq = S390_IRQ_IO_0 + isc % S390_ISCS;
	unsigned long flags;
	bool pending;

	raw_spin_lock_irqsave(&floating->lock, flags);
	pending = floating->adapters & BIT(isc % S390_ISCS);
	floating->adapters |= BIT(isc % S390_ISCS);
	floating_set(floating, irq);
	raw_spin_unlock_irqrestore(&floating->lock, flags);
	s390_floating_kick(vm, irq);

	return !pending;
}

int s390_inject_floating(struct vm *vm, const struct kvm_s390_irq *irq)
{
	if (irq->type <= KVM_S390_INT_IO_MAX)
		return inject_io(vm, irq->type, &irq->u.io);

	switch (irq->type) {
	case KVM_S390_INT_SERVICE:
		inject_service(vm, irq->u.ext.ext_params);
		return 0;
	case KVM_S390_MCHK:
		inject_mchk(vm, &irq->u.mchk);
		return 0;
	case KVM_S390_INT_PFAULT_DONE:
		return inject_ext(vm, irq->type, &irq->u.ext, S390_IRQ_PFAULT_DONE);
	case KVM_S390_INT_VIRTIO:
		return inject_ext(vm, irq->type, &irq->u.ext, S390_IRQ_VIRTIO);
	default:
		return -EINVAL;
	}
}

/* --- taking ------------------------------------------------------------------------------ */

static u32 io_schid(const struct kvm_s390_io_info *io)
{
	return (u32)io->subchannel_id << 16 | io->subchannel_nr;
}

/* The lock is held.  Off the queue: the first of the subclass, or of the subchannel. */
static struct floating_irq *io_unqueue(struct s390_floating *floating, unsigned int isc,
				       u32 schid)
{
	struct floating_irq *irq;

	list_for_each_entry(irq, &floating->queue[S390_QUEUE_IO + isc], link) {
		if (schid && io_schid(&irq->io) != schid)
			continue;
		list_del(&irq->link);
		floating->queued--;
		return irq;
	}

	return NULL;
}

/* The lock is held.  Of one subclass.  True: there was one. */
static bool io_take_isc(struct s390_floating *floating, unsigned int isc, u32 schid,
			struct s390_taken *taken)
{
	taken->queued = NULL;
	if (!schid && floating->adapters & BIT(isc)) {
		floating->adapters &= ~BIT(isc);
		taken->io = (struct kvm_s390_io_info) {
			.io_int_word = IO_WORD_ADAPTER | isc << IO_WORD_ISC_SHIFT,
		};
	} else {
		taken->queued = io_unqueue(floating, isc, schid);
		if (!taken->queued)
			return false;
		taken->io = taken->queued->io;
	}
	if (!(floating->adapters & BIT(isc)) && list_empty(&floating->queue[S390_QUEUE_IO + isc]))
		floating_unset(floating, S390_IRQ_IO_0 + isc);

	return true;
}

bool s390_io_take(struct vm *vm, u64 mask, u32 schid, struct s390_taken *taken)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned long flags;
	bool found = false;
	unsigned int isc;

	raw_spin_lock_irqsave(&floating->lock, flags);
	for (isc = 0; isc < S390_ISCS && !found; isc++)
		if (mask & (0x80000000UL >> isc) && floating->pending & BIT(S390_IRQ_IO_0 + isc))
			found = io_take_isc(floating, isc, schid, taken);
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return found;
}

void s390_taken_done(struct s390_taken *taken)
{
	kfree(taken->queued);
	taken->queued = NULL;
}

void s390_taken_undo(struct vm *vm, enum s390_irq irq, struct s390_taken *taken)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned long flags;

	if (!taken->queued) {
		s390_inject_adapter(vm, irq - S390_IRQ_IO_0);
		return;
	}

	/* A few more than the bound, one for each CPU that is at it. */
	raw_spin_lock_irqsave(&floating->lock, flags);
	queue_add(floating, taken->queued, irq, true);
	raw_spin_unlock_irqrestore(&floating->lock, flags);
	taken->queued = NULL;
	s390_floating_kick(vm, irq);
}

bool s390_take_service(struct vm *vm, u32 *parameter)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&floating->lock, flags);
	taken = floating->pending & BIT(S390_IRQ_SERVICE);
	*parameter = floating->service;
	floating->service = 0;
	floating_unset(floating, S390_IRQ_SERVICE);
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return taken;
}

bool s390_take_mchk(struct vm *vm, u64 cr14, struct kvm_s390_mchk_info *mchk)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&floating->lock, flags);
	taken = floating->pending & BIT(S390_IRQ_MCHK_EXIGENT) ||
		(floating->pending & BIT(S390_IRQ_MCHK) && floating->mchk.cr14 & cr14);
	if (taken) {
		*mchk = floating->mchk;
		memset(&floating->mchk, 0, sizeof(floating->mchk));
		floating_unset(floating, S390_IRQ_MCHK);
		floating_unset(floating, S390_IRQ_MCHK_EXIGENT);
	}
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return taken;
}

bool s390_take_ext(struct vm *vm, enum s390_irq irq, struct s390_taken *taken)
{
	struct s390_floating *floating = &vm->arch.floating;
	struct list_head *queue = &floating->queue[queue_of(irq)];
	struct floating_irq *first;
	unsigned long flags;

	raw_spin_lock_irqsave(&floating->lock, flags);
	first = list_first_entry_or_null(queue, struct floating_irq, link);
	if (first) {
		list_del(&first->link);
		floating->queued--;
		taken->ext = first->ext;
	}
	if (list_empty(queue))
		floating_unset(floating, irq);
	raw_spin_unlock_irqrestore(&floating->lock, flags);
	taken->queued = first;

	return first;
}

/* --- KVM_DEV_FLIC_GET_ALL_IRQS --------------------------------------------------------------- */

/* What is not queued: subclasses with an adapter, service signal, machine check. */
#define FLOATING_SINGLE_MAX	(S390_ISCS + 2)

struct irq_list {
	struct kvm_s390_irq	*irq;	/* zeroed */
	unsigned int		count;
	unsigned int		max;
	bool			overflow;
};

/* The next one, or NULL: there are more than fit. */
static struct kvm_s390_irq *irq_list_next(struct irq_list *list, u64 type)
{
	struct kvm_s390_irq *irq;

	if (list->count == list->max) {
		list->overflow = true;
		return NULL;
	}
	irq = &list->irq[list->count++];
	irq->type = type;

	return irq;
}

static void list_queue(struct irq_list *list, const struct list_head *queue, bool is_io)
{
	const struct floating_irq *pending;
	struct kvm_s390_irq *irq;

	list_for_each_entry(pending, queue, link) {
		irq = irq_list_next(list, pending->type);
		if (!irq)
			return;
		if (is_io)
			irq->u.io = pending->io;
		else
			irq->u.ext = pending->ext;
	}
}

static void list_single(struct irq_list *list, const struct s390_floating *floating)
{
	struct kvm_s390_irq *irq;
	unsigned int isc;

	for (isc = 0; isc < S390_ISCS; isc++) {
		if (!(floating->adapters & BIT(isc)))
			continue;
		irq = irq_list_next(list, KVM_S390_INT_IO(1, 0, 0, 0));
		if (!irq)
			return;
		irq->u.io.io_int_word = IO_WORD_ADAPTER | isc << IO_WORD_ISC_SHIFT;
	}
	if (floating->pending & BIT(S390_IRQ_SERVICE)) {
		irq = irq_list_next(list, KVM_S390_INT_SERVICE);
		if (irq)
			irq->u.ext.ext_params = floating->service;
	}
	if (floating->pending & S390_IRQ_MCHKS) {
		irq = irq_list_next(list, KVM_S390_MCHK);
		if (irq)
			irq->u.mchk = floating->mchk;
	}
}

/* False: more than fit are pending. */
static bool floating_list(struct vm *vm, struct irq_list *list)
{
	struct s390_floating *floating = &vm->arch.floating;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&floating->lock, flags);
	for (i = 0; i < S390_QUEUE_COUNT; i++)
		list_queue(list, &floating->queue[i], i < S390_QUEUE_PFAULT);
	list_single(list, floating);
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return !list->overflow;
}

int s390_floating_get_all(struct vm *vm, void __user *buffer, u64 size)
{
	/* No more than can be there now; a few that come meanwhile are for the next try. */
	unsigned int room = READ_ONCE(vm->arch.floating.queued) + FLOATING_SINGLE_MAX;
	struct irq_list list = {
		.max = min_t(u64, room, size / sizeof(struct kvm_s390_irq)),
	};
	int ret;

	list.irq = kvcalloc(max(list.max, 1U), sizeof(*list.irq), GFP_KERNEL_ACCOUNT);
	if (!list.irq)
		return -ENOBUFS;
	ret = floating_list(vm, &list) ? list.count : -ENOMEM;
	if (ret > 0 && copy_to_user(buffer, list.irq, ret * sizeof(*list.irq)))
		ret = -EFAULT;
	kvfree(list.irq);

	return ret;
}

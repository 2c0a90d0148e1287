/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts from outside a vCPU: the routing table, irqfd and ioeventfd.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <core/types.h>

#define IRQ_ROUTES_MAX		4096	/* gsis 0..4095 */
#define IRQ_ROUTES_PER_GSI	4	/* targets one gsi may have */

/* The sources whose levels a line ORs together. */
enum {
	IRQ_SOURCE_USER,	/* KVM_IRQ_LINE */
	IRQ_SOURCE_IRQFD,	/* irqfd without resample: a pulse */
	IRQ_SOURCE_RESAMPLE,	/* irqfd with resample */
	IRQ_SOURCE_ARCH,	/* a device of the architecture (the PIT) */
	IRQ_SOURCE_COUNT,
};

/* One validated, translated route. */
struct irq_route {
	u32	gsi;
	u32	type;			/* KVM_IRQ_ROUTING_* */
	union {
		struct {
			u32	chip;
			u32	pin;
		} line;
		struct {
			u64	address;
			u32	data;
			u32	devid;
			u32	flags;	/* KVM_MSI_VALID_DEVID */
		} msi;
		u64	arch[5];	/* as the architecture's route() left it */
	};
};

/*
 * Set up an empty table; tear down.  May sleep.  After destroy nothing is
 * delivered any more, whoever tries: it comes before the vCPUs are freed.
 */
int irqroute_init(struct vm *vm);
void irqroute_destroy(struct vm *vm);

/*
 * Replace the whole table.  @entries is a copy that nobody changes any more; what
 * it says, and @count, is checked here.  A gsi has one message, or one line of
 * each of several chips; struct irq_route keeps the numbers user space gave to a
 * chip and its pin.  Live irqfds follow at once.  Takes irq_lock; may sleep.
 * 0, -EINVAL, -ENOMEM, and nothing changed on error.
 */
int irqroute_set(struct vm *vm, const struct kvm_irq_routing_entry *entries, u32 count);
/*
 * Unless user space has set a table: a gsi below @count is the pin of the same number of
 * chip 0.  As irqroute_set().
 */
int irqroute_set_default(struct vm *vm, u32 count);

/*
 * Deliver to all routes of a gsi.  Any context but NMI; does not sleep.  As
 * irqchip_ops.deliver: the sum of what was delivered, else the best of the rest
 * (0 coalesced, <0 masked); -EWOULDBLOCK if any route says so; -1 if there is no
 * route.
 */
int irqroute_deliver(struct vm *vm, u32 gsi, int source, int level);
/* An edge: a line goes up and down again, a message is sent once. */
int irqroute_pulse(struct vm *vm, u32 gsi, int source);

/*
 * Copy the routes that a gsi has now to @routes, which has room for IRQ_ROUTES_PER_GSI; how
 * many there are.  They may be others as soon as it returns.  Any context but NMI.
 */
u32 irqroute_copy(struct vm *vm, u32 gsi, struct irq_route *routes);

/*
 * KVM_SIGNAL_MSI.  >0 delivered, 0 blocked by the guest, -EINVAL: unknown flags
 * or no irqchip.  May sleep.
 */
int irqroute_msi(struct vm *vm, const struct kvm_msi *msi);

/*
 * The guest ended the interrupt at @pin of @chip (numbers as in a route):
 * resample.  Atomic allowed.  Calls back into irqchip_ops.deliver, so no lock
 * that this takes may be held.
 */
void irq_notify_eoi(struct vm *vm, u32 chip, u32 pin);
/* Does anybody want to hear of it?  Any context. */
bool irq_eoi_wanted(struct vm *vm, u32 chip, u32 pin);

/* An in-kernel listener for the above (the PIT).  irq_lock is taken inside. */
struct eoi_notifier {
	struct list_head	link;
	u32			gsi;
	void			(*eoi)(struct eoi_notifier *notifier);
};

void eoi_notifier_register(struct vm *vm, struct eoi_notifier *notifier);
void eoi_notifier_unregister(struct vm *vm, struct eoi_notifier *notifier);

/* eventfd.c */

/* Set up the empty lists of a VM. */
void eventfd_init(struct vm *vm);
/* Take all irqfds off; on return none can fire.  May sleep. */
void irqfd_release(struct vm *vm);
/*
 * KVM_IRQFD, KVM_IOEVENTFD; they check everything.  Take irq_lock, slots_lock.
 * irqfd: 0, -EINVAL, -EBADF, -EBUSY (that eventfd is one already), -ENOSPC,
 * -ENOMEM.  ioeventfd: 0, -EINVAL, -EBADF, -EEXIST, -ENOENT, -ENOSPC, -ENOMEM.
 */
int irqfd_ioctl(struct vm *vm, const struct kvm_irqfd *args);
int ioeventfd_ioctl(struct vm *vm, const struct kvm_ioeventfd *args);

#endif /* CORE_IRQ_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds bound to a VM: an irqfd turns a signal into a guest interrupt, an
 * ioeventfd turns a guest's write into a signal.  Neither wakes user space.
 * Called by the ioctls KVM_IRQFD and KVM_IOEVENTFD; irqroute.c delivers,
 * iobus.c finds the ioeventfd.
 *
 * An irqfd waits on its eventfd like a poller.  Its wait function runs with the
 * eventfd's lock held and irqs off and delivers right there: routes are found by
 * index, so a new table retargets every irqfd without touching it.
 *
 * Who frees an irqfd: under irq_lock, detaching it from the eventfd's wait queue
 * says for good whether the eventfd was closed before.  If so, its shutdown work
 * has been queued and frees it; else the one who detached it does.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <core/host.h>
#include <core/iobus.h>
#include <core/ioctl.h>
#include <core/irq.h>
#include <core/vm.h>

/* An EOI looks at each of them: one VM's share of atomic time. */
#define IRQFD_RESAMPLE_MAX	1024

/* All irqfds with resample of one gsi share the line and hear of its EOI. */
struct irqfd_resampler {
	struct eoi_notifier	 notifier;	/* vm->eoi_notifiers */
	struct vm		*vm;
	struct list_head	 irqfds;	/* irq_lock; irq_srcu for readers */
};

struct irqfd {
	struct vm		*vm;		/* (c) */
	struct list_head	 link;		/* vm->irqfds, irq_lock */
	struct eventfd_ctx	*eventfd;	/* (c) */
	u32			 gsi;		/* (c) */
	bool			 attached;	/* irq_lock: on the wait queue */
	bool			 closed;	/* the eventfd's lock; see above */
	wait_queue_entry_t	 wait;
	struct work_struct	 inject;	/* delivery that may not be atomic */
	struct work_struct	 shutdown;	/* after the eventfd was closed */

	/* With KVM_IRQFD_FLAG_RESAMPLE, else NULL. */
	struct irqfd_resampler	*resampler;	/* irq_lock */
	struct eventfd_ctx	*resample;	/* (c) signalled on EOI */
	struct list_head	 resample_link;	/* resampler->irqfds */
};

struct irqfd_poll {
	poll_table	 table;
	struct irqfd	*irqfd;
};

/*
 * Late injections and shutdowns, in turn.  The queue is the VM's own, so that none waits for
 * what another VM does.  Under no lock of ours.
 */
static int irqfd_queue_create(struct vm *vm)
{
	struct workqueue_struct *queue;

	if (READ_ONCE(vm->irqfd_queue))
		return 0;
	queue = alloc_ordered_workqueue("keel-irqfd", 0);
	if (!queue)
		return -ENOMEM;
	/* Somebody else was faster. */
	if (cmpxchg(&vm->irqfd_queue, NULL, queue))
		destroy_workqueue(queue);

	return 0;
}

void eventfd_init(struct vm *vm)
{
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->ioeventfds);
}

/* --- irqfd: delivery -------------------------------------------------------- */

static int irqfd_deliver(struct irqfd *irqfd)
{
	/* Up until the guest's EOI takes the line down again. */
	if (irqfd->resample)
		return irqroute_deliver(irqfd->vm, irqfd->gsi, IRQ_SOURCE_RESAMPLE, 1);

	return irqroute_pulse(irqfd->vm, irqfd->gsi, IRQ_SOURCE_IRQFD);
}

static void irqfd_inject_work(struct work_struct *work)
{
	irqfd_deliver(container_of(work, struct irqfd, inject));
}

/* The eventfd changed.  Its lock is held, irqs are off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int flags, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		if (irqfd_deliver(irqfd) == -EWOULDBLOCK)
			queue_work(irqfd->vm->irqfd_queue, &irqfd->inject);
	}
	if (events & EPOLLHUP && !irqfd->closed) {
		irqfd->closed = true;
		queue_work(irqfd->vm->irqfd_queue, &irqfd->shutdown);
	}

	return 0;
}

/* --- irqfd: resample ---------------------------------------------------------- */

/* The guest ended the interrupt.  Atomic; irq_srcu held. */
static void resampler_eoi(struct eoi_notifier *notifier)
{
	struct irqfd_resampler *resampler =
		container_of(notifier, struct irqfd_resampler, notifier);
	struct vm *vm = resampler->vm;
	struct irqfd *irqfd;

	/* Down first: whoever still wants attention raises the line again. */
	irqroute_deliver(vm, notifier->gsi, IRQ_SOURCE_RESAMPLE, 0);
	list_for_each_entry_srcu(irqfd, &resampler->irqfds, resample_link,
				 srcu_read_lock_held(&vm->irq_srcu))
		host_eventfd_signal(irqfd->resample);
}

static struct irqfd_resampler *resampler_find(struct vm *vm, u32 gsi)
{
	struct eoi_notifier *notifier;

	list_for_each_entry(notifier, &vm->eoi_notifiers, link)
		if (notifier->eoi == resampler_eoi && notifier->gsi == gsi)
			return container_of(notifier, struct irqfd_resampler, notifier);

	return NULL;
}

static bool resample_full(struct vm *vm)
{
	struct irqfd *irqfd;
	int count = 0;

	list_for_each_entry(irqfd, &vm->irqfds, link)
		count += irqfd->resampler != NULL;

	return count >= IRQFD_RESAMPLE_MAX;
}

/* irq_lock held. */
static int resampler_join(struct irqfd *irqfd)
{
	struct vm *vm = irqfd->vm;
	struct irqfd_resampler *resampler = resampler_find(vm, irqfd->gsi);

	if (resample_full(vm))
		return -ENOSPC;
	if (!resampler) {
		resampler = kzalloc(sizeof(*resampler), GFP_KERNEL_ACCOUNT);
		if (!resampler)
			return -ENOMEM;
		resampler->vm = vm;
		resampler->notifier.gsi = irqfd->gsi;
		resampler->notifier.eoi = resampler_eoi;
		INIT_LIST_HEAD(&resampler->irqfds);
		list_add_tail_rcu(&resampler->notifier.link, &vm->eoi_notifiers);
	}
	list_add_tail_rcu(&irqfd->resample_link, &resampler->irqfds);
	irqfd->resampler = resampler;

	return 0;
}

/* irq_lock held; on return no EOI looks at @irqfd. */
static void resampler_leave(struct irqfd *irqfd)
{
	struct irqfd_resampler *resampler = irqfd->resampler;
	struct vm *vm = irqfd->vm;
	bool last;

	if (!resampler)
		return;
	list_del_rcu(&irqfd->resample_link);
	last = list_empty(&resampler->irqfds);
	if (last)
		list_del_rcu(&resampler->notifier.link);
	synchronize_srcu_expedited(&vm->irq_srcu);
	if (last) {
		/* Nobody is left who could take the line down. */
		irqroute_deliver(vm, irqfd->gsi, IRQ_SOURCE_RESAMPLE, 0);
		kfree(resampler);
	}
	irqfd->resampler = NULL;
}

/* --- irqfd: coming and going ----------------------------------------------------- */

static void irqfd_detach(struct irqfd *irqfd)
{
	u64 count;

	if (irqfd->attached)
		eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	irqfd->attached = false;
}

/* irq_lock held; detached. */
static void irqfd_free(struct irqfd *irqfd)
{
	list_del(&irqfd->link);
	cancel_work_sync(&irqfd->inject);
	resampler_leave(irqfd);
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

static void irqfd_shutdown_work(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, shutdown);
	struct vm *vm = irqfd->vm;

	mutex_lock(&vm->irq_lock);
	irqfd_detach(irqfd);
	irqfd_free(irqfd);
	mutex_unlock(&vm->irq_lock);
}

/* Free what @gsi and @eventfd name, or all irqfds (NULL). */
static void irqfd_remove(struct vm *vm, const struct eventfd_ctx *eventfd, u32 gsi)
{
	struct irqfd *irqfd, *next;

	mutex_lock(&vm->irq_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqfds, link) {
		if (eventfd && (irqfd->eventfd != eventfd || irqfd->gsi != gsi))
			continue;
		irqfd_detach(irqfd);
		if (!irqfd->closed)
			irqfd_free(irqfd);
	}
	mutex_unlock(&vm->irq_lock);

	/* Those that were closed. */
	if (READ_ONCE(vm->irqfd_queue))
		flush_workqueue(vm->irqfd_queue);
}

void irqfd_release(struct vm *vm)
{
	irqfd_remove(vm, NULL, 0);
	if (vm->irqfd_queue)
		destroy_workqueue(vm->irqfd_queue);
	vm->irqfd_queue = NULL;
}

static int irqfd_deassign(struct vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	irqfd_remove(vm, eventfd, args->gsi);
	eventfd_ctx_put(eventfd);

	return 0;
}

static void irqfd_attach(struct file *file, wait_queue_head_t *queue, poll_table *table)
{
	struct irqfd *irqfd = container_of(table, struct irqfd_poll, table)->irqfd;

	irqfd->attached = true;
	add_wait_queue(queue, &irqfd->wait);
}

/* irq_lock held. */
static int irqfd_add(struct irqfd *irqfd, struct file *file)
{
	struct irqfd_poll poll = { .irqfd = irqfd };
	struct vm *vm = irqfd->vm;
	struct irqfd *other;
	int ret;

	list_for_each_entry(other, &vm->irqfds, link)
		if (other->eventfd == irqfd->eventfd)
			return -EBUSY;
	if (irqfd->resample) {
		ret = resampler_join(irqfd);
		if (ret)
			return ret;
	}
	list_add_tail(&irqfd->link, &vm->irqfds);

	init_poll_funcptr(&poll.table, irqfd_attach);
	/* It may have been signalled before. */
	if (vfs_poll(file, &poll.table) & EPOLLIN)
		queue_work(vm->irqfd_queue, &irqfd->inject);

	return 0;
}

static int irqfd_get_eventfds(struct irqfd *irqfd, const struct kvm_irqfd *args,
			      struct file *file)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fileget(file);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	irqfd->eventfd = eventfd;
	if (!(args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return 0;

	eventfd = eventfd_ctx_fdget(args->resamplefd);
	if (IS_ERR(eventfd)) {
		eventfd_ctx_put(irqfd->eventfd);
		return PTR_ERR(eventfd);
	}
	irqfd->resample = eventfd;

	return 0;
}

static int irqfd_assign(struct vm *vm, const struct kvm_irqfd *args)
{
	struct irqfd *irqfd;
	struct file *file;
	int ret;

	file = eventfd_fget(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = irqfd_queue_create(vm);
	if (ret)
		goto out_put_file;
	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd) {
		ret = -ENOMEM;
		goto out_put_file;
	}
	irqfd->vm = vm;
	irqfd->gsi = args->gsi;
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	INIT_WORK(&irqfd->inject, irqfd_inject_work);
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown_work);
	ret = irqfd_get_eventfds(irqfd, args, file);
	if (ret)
		goto out_free;

	mutex_lock(&vm->irq_lock);
	ret = irqfd_add(irqfd, file);
	mutex_unlock(&vm->irq_lock);
	if (!ret)
		goto out_put_file;

	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	eventfd_ctx_put(irqfd->eventfd);
out_free:
	kfree(irqfd);
out_put_file:
	fput(file);

	return ret;
}

int irqfd_ioctl(struct vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(vm, args);
	/* Where nobody hears of an EOI the line would stay up for ever. */
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE && !cap_check(vm, KVM_CAP_IRQFD_RESAMPLE))
		return -EINVAL;

	return irqfd_assign(vm, args);
}

/* --- ioeventfd ------------------------------------------------------------------- */

/* The flag for IOBUS_NOTIFY, where guests have such calls. */
#ifndef ARCH_IOEVENTFD_NOTIFY
#define ARCH_IOEVENTFD_NOTIFY	0
#endif

#define IOEVENTFD_FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
			 KVM_IOEVENTFD_FLAG_DEASSIGN | ARCH_IOEVENTFD_NOTIFY)

/* All constant but the link. */
struct ioeventfd {
	struct io_device	 device;
	struct list_head	 link;		/* vm->ioeventfds, slots_lock */
	struct eventfd_ctx	*eventfd;
	enum iobus_kind		 bus;
	gpa_t			 addr;
	u32			 len;		/* 0: any */
	bool			 any_data;
	u64			 data;
};

static u64 ioeventfd_value(const void *data, int len)
{
	u8 byte;
	u16 half;
	u32 word;
	u64 value;

	switch (len) {
	case 1:
		memcpy(&byte, data, sizeof(byte));
		return byte;
	case 2:
		memcpy(&half, data, sizeof(half));
		return half;
	case 4:
		memcpy(&word, data, sizeof(word));
		return word;
	default:
		memcpy(&value, data, sizeof(value));
		return value;
	}
}

static int ioeventfd_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			   int len, const void *data)
{
	struct ioeventfd *ioeventfd = container_of(device, struct ioeventfd, device);

	if (addr != ioeventfd->addr || (ioeventfd->len && len != ioeventfd->len))
		return -EOPNOTSUPP;
	/* With data to match the length is 1, 2, 4 or 8. */
	if (!ioeventfd->any_data && ioeventfd_value(data, len) != ioeventfd->data)
		return -EOPNOTSUPP;
	host_eventfd_signal(ioeventfd->eventfd);

	return 0;
}

static int ioeventfd_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			  int len, void *data)
{
	return -EOPNOTSUPP;
}

static void ioeventfd_free(struct ioeventfd *ioeventfd)
{
	eventfd_ctx_put(ioeventfd->eventfd);
	kfree(ioeventfd);
}

/* The bus took it off, because the VM ended. */
static void ioeventfd_destroy(struct io_device *device)
{
	struct ioeventfd *ioeventfd = container_of(device, struct ioeventfd, device);

	list_del(&ioeventfd->link);
	ioeventfd_free(ioeventfd);
}

static const struct io_device_ops ioeventfd_ops = {
	.atomic		= HOST_EVENTFD_ATOMIC,
	.read		= ioeventfd_read,
	.write		= ioeventfd_write,
	.destroy	= ioeventfd_destroy,
};

/* Could one write be meant for both? */
static bool ioeventfd_collides(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->bus != b->bus || a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;

	return a->len == b->len && (a->any_data || b->any_data || a->data == b->data);
}

static bool ioeventfd_equals(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->eventfd == b->eventfd && a->bus == b->bus && a->addr == b->addr &&
	       a->len == b->len && a->any_data == b->any_data &&
	       (a->any_data || a->data == b->data);
}

/* Takes over what @new holds, on success. */
static int ioeventfd_assign(struct vm *vm, const struct ioeventfd *new)
{
	struct ioeventfd *ioeventfd, *other;
	int ret;

	lockdep_assert_held(&vm->slots_lock);

	list_for_each_entry(other, &vm->ioeventfds, link)
		if (ioeventfd_collides(other, new))
			return -EEXIST;
	ioeventfd = kmemdup(new, sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!ioeventfd)
		return -ENOMEM;
	ret = iobus_register(vm, new->bus, new->addr, new->len, &ioeventfd->device);
	if (ret) {
		kfree(ioeventfd);
		return ret;
	}
	list_add_tail(&ioeventfd->link, &vm->ioeventfds);

	return 0;
}

/* The reference of @which stays with the caller. */
static int ioeventfd_deassign(struct vm *vm, const struct ioeventfd *which)
{
	struct ioeventfd *ioeventfd;

	lockdep_assert_held(&vm->slots_lock);

	list_for_each_entry(ioeventfd, &vm->ioeventfds, link) {
		if (!ioeventfd_equals(ioeventfd, which))
			continue;
		list_del(&ioeventfd->link);
		iobus_unregister(vm, ioeventfd->bus, &ioeventfd->device);
		ioeventfd_free(ioeventfd);
		return 0;
	}

	return -ENOENT;
}

static enum iobus_kind ioeventfd_bus(const struct kvm_ioeventfd *args)
{
	if (args->flags & ARCH_IOEVENTFD_NOTIFY)
		return IOBUS_NOTIFY;

	return args->flags & KVM_IOEVENTFD_FLAG_PIO ? IOBUS_PIO : IOBUS_MMIO;
}

static int ioeventfd_check(const struct kvm_ioeventfd *args)
{
	if (args->flags & ~IOEVENTFD_FLAGS)
		return -EINVAL;
	if (args->flags & ARCH_IOEVENTFD_NOTIFY && args->flags & KVM_IOEVENTFD_FLAG_PIO)
		return -EINVAL;

	switch (args->len) {
	case 0:
		return args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH ? -EINVAL : 0;
	case 1:
	case 2:
	case 4:
	case 8:
		return args->addr + args->len < args->addr ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

int ioeventfd_ioctl(struct vm *vm, const struct kvm_ioeventfd *args)
{
	bool deassign = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct ioeventfd ioeventfd = {
		.device.ops	= &ioeventfd_ops,
		.bus		= ioeventfd_bus(args),
		.addr		= args->addr,
		.len		= args->len,
		.any_data	= !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
		.data		= args->datamatch,
	};
	int ret;

	ret = ioeventfd_check(args);
	if (ret)
		return ret;
	ioeventfd.eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(ioeventfd.eventfd))
		return PTR_ERR(ioeventfd.eventfd);

	mutex_lock(&vm->slots_lock);
	ret = deassign ? ioeventfd_deassign(vm, &ioeventfd) :
			 ioeventfd_assign(vm, &ioeventfd);
	mutex_unlock(&vm->slots_lock);

	if (ret || deassign)
		eventfd_ctx_put(ioeventfd.eventfd);

	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_S390_GET_IRQ_STATE, KVM_S390_SET_IRQ_STATE: all that is pending for a vCPU, as a list
 * of what KVM_S390_IRQ would take.  What floats is of the FLIC device.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "s390.h"

/* As many as can be pending at a time: an emergency signal of each CPU, one of each other. */
#define STATE_MAX	(ARCH_MAX_VCPU_ID + 32)

/* What GET fills in for a bit; local->lock held. */
static void get_plain(const struct s390_local *local, struct kvm_s390_irq *irq)
{
}

static void get_external_call(const struct s390_local *local, struct kvm_s390_irq *irq)
{
	irq->u.extcall.code = local->external_call;
}

static void get_prefix(const struct s390_local *local, struct kvm_s390_irq *irq)
{
	irq->u.prefix.address = local->prefix;
}

static void get_stop(const struct s390_local *local, struct kvm_s390_irq *irq)
{
	irq->u.stop.flags = local->stop_flags;
}

static void get_program(const struct s390_local *local, struct kvm_s390_irq *irq)
{
	irq->u.pgm = local->pgm;
}

static void get_mchk(const struct s390_local *local, struct kvm_s390_irq *irq)
{
	irq->u.mchk = local->mchk;
}

static void get_pfault(const struct s390_local *local, struct kvm_s390_irq *irq)
{
	irq->u.ext = local->pfault;
}

/* Emergency signals are not here: there may be several. */
static const struct {
	unsigned long	irqs;	/* any of these */
	u32		type;
	void		(*get)(const struct s390_local *local, struct kvm_s390_irq *irq);
} state_types[] = {
	{ S390_IRQ_MCHKS,			KVM_S390_MCHK,			get_mchk },
	{ BIT(S390_IRQ_PROGRAM),		KVM_S390_PROGRAM_INT,		get_program },
	{ BIT(S390_IRQ_EXTERNAL_CALL),		KVM_S390_INT_EXTERNAL_CALL,	get_external_call },
	{ BIT(S390_IRQ_CLOCK_COMPARATOR),	KVM_S390_INT_CLOCK_COMP,	get_plain },
	{ BIT(S390_IRQ_CPU_TIMER),		KVM_S390_INT_CPU_TIMER,		get_plain },
	{ BIT(S390_IRQ_PFAULT_INIT),		KVM_S390_INT_PFAULT_INIT,	get_pfault },
	{ BIT(S390_IRQ_RESTART),		KVM_S390_RESTART,		get_plain },
	{ BIT(S390_IRQ_SET_PREFIX),		KVM_S390_SIGP_SET_PREFIX,	get_prefix },
	{ BIT(S390_IRQ_STOP),			KVM_S390_SIGP_STOP,		get_stop },
};

static_assert(ARRAY_SIZE(state_types) <= 32);

/* local->lock held.  @irqs is zeroed and has STATE_MAX of them.  How many there are. */
static unsigned int state_fill(const struct s390_local *local, struct kvm_s390_irq *irqs)
{
	unsigned int cpu, count = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(state_types); i++) {
		if (!(local->pending & state_types[i].irqs))
			continue;
		irqs[count].type = state_types[i].type;
		state_types[i].get(local, &irqs[count++]);
	}
	for_each_set_bit(cpu, local->emergency, ARCH_MAX_VCPU_ID) {
		irqs[count].type = KVM_S390_INT_EMERGENCY;
		irqs[count++].u.emerg.code = cpu;
	}

	return count;
}

long s390_ioctl_get_irq_state(void *object, void *data, unsigned long user)
{
	const struct kvm_s390_irq_state *state = data;
	struct vcpu *vcpu = object;
	struct s390_local *local = &vcpu->arch.local;
	struct kvm_s390_irq *irqs;
	unsigned long flags;
	size_t size;
	long ret;

	if (!state->len)
		return -EINVAL;
	irqs = kvcalloc(STATE_MAX, sizeof(*irqs), GFP_KERNEL_ACCOUNT);
	if (!irqs)
		return -ENOMEM;

	raw_spin_lock_irqsave(&local->lock, flags);
	size = state_fill(local, irqs) * sizeof(*irqs);
	raw_spin_unlock_irqrestore(&local->lock, flags);

	ret = size;
	if (size > state->len)
		ret = -ENOBUFS;
	else if (copy_to_user(u64_to_user_ptr(state->buf), irqs, size))
		ret = -EFAULT;
	kvfree(irqs);

	return ret;
}

/* A list that cannot be injected as a whole is not injected in part. */
static int state_inject(struct vcpu *vcpu, const struct kvm_s390_irq *irqs, unsigned int count)
{
	unsigned int i;
	int err;

	if (READ_ONCE(vcpu->arch.local.pending))
		return -EBUSY;
	for (i = 0; i < count; i++) {
		err = s390_restore_local(vcpu, &irqs[i]);
		if (err) {
			s390_local_clear(vcpu);
			return err;
		}
	}

	return 0;
}

long s390_ioctl_set_irq_state(void *object, void *data, unsigned long user)
{
	const struct kvm_s390_irq_state *state = data;
	struct kvm_s390_irq *irqs;
	long ret;

	if (!state->len || state->len > STATE_MAX * sizeof(*irqs) ||
	    state->len % sizeof(*irqs))
		return -EINVAL;
	irqs = kvmalloc(state->len, GFP_KERNEL_ACCOUNT);
	if (!irqs)
		return -ENOMEM;

	if (copy_from_user(irqs, u64_to_user_ptr(state->buf), state->len))
		ret = -EFAULT;
	else
		ret = state_inject(object, irqs, state->len / sizeof(*irqs));
	kvfree(irqs);

	return ret;
}

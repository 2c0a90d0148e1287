// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interruptions of a CPU being made pending: by its own instructions, by other CPUs (SIGP),
 * by user space.  What it is and says is always in a struct kvm_s390_irq.
 */
#include <linux/nospec.h>

#include "s390.h"

/* --- one function per type; local->lock held -------------------------------------- */

static bool is_cpu(struct vcpu *vcpu, u16 address)
{
	return address < ARCH_MAX_VCPU_ID && vm_vcpu_by_id(vcpu->vm, address);
}

static int pend_emergency(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	u16 sender = irq->u.emerg.code;

	if (!is_cpu(vcpu, sender))
		return -EINVAL;
	__set_bit(array_index_nospec(sender, ARCH_MAX_VCPU_ID), vcpu->arch.local.emergency);

	return 0;
}

static int pend_external_call(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	struct s390_local *local = &vcpu->arch.local;
	u16 sender = irq->u.extcall.code;

	if (!is_cpu(vcpu, sender))
		return -EINVAL;
	if (local->pending & BIT(S390_IRQ_EXTERNAL_CALL))
		return -EBUSY;
	local->external_call = sender;

	return 0;
}

static int pend_prefix(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	if (!s390_is_stopped(vcpu))
		return -EBUSY;
	vcpu->arch.local.prefix = irq->u.prefix.address;

	return 0;
}

static int pend_stop(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	struct s390_local *local = &vcpu->arch.local;

	if (irq->u.stop.flags & ~KVM_S390_STOP_FLAG_STORE_STATUS)
		return -EINVAL;
	if (local->pending & BIT(S390_IRQ_STOP))
		return -EBUSY;
	local->stop_flags = irq->u.stop.flags;

	return 0;
}

/* A PER event joins what comes from the same instruction; else the last one counts. */
static int pend_program(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	struct s390_local *local = &vcpu->arch.local;
	struct kvm_s390_pgm_info new = irq->u.pgm;
	struct kvm_s390_pgm_info *old = &local->pgm;

	if (!(local->pending & BIT(S390_IRQ_PROGRAM))) {
		*old = new;
	} else if (new.code == PGM_PER) {
		old->code |= PGM_PER;
		old->per_code = new.per_code;
		old->per_atmid = new.per_atmid;
		old->per_address = new.per_address;
		old->per_access_id = new.per_access_id;
	} else {
		if (old->code & PGM_PER && !(new.code & PGM_PER)) {
			new.code |= PGM_PER;
			new.per_code = old->per_code;
			new.per_atmid = old->per_atmid;
			new.per_address = old->per_address;
			new.per_access_id = old->per_access_id;
		}
		*old = new;
	}

	return 0;
}

static int pend_mchk(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	struct kvm_s390_mchk_info *old = &vcpu->arch.local.mchk;
	const struct kvm_s390_mchk_info *new = &irq->u.mchk;

	old->mcic |= new->mcic;
	old->cr14 |= new->cr14;
	old->failing_storage_address = new->failing_storage_address;
	old->ext_damage_code = new->ext_damage_code;
	memcpy(old->fixed_logout, new->fixed_logout, sizeof(old->fixed_logout));

	return 0;
}

static int pend_pfault(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	vcpu->arch.local.pfault = irq->u.ext;

	return 0;
}

/* --- local interruptions ------------------------------------------------------------- */

/*
 * Keep what @irq says, and *@bit is what is pending then.  0, -EINVAL or -EBUSY; on error
 * nothing has changed.  No table of functions: this is how CPUs call each other.
 */
static int pend(struct vcpu *vcpu, const struct kvm_s390_irq *irq, enum s390_irq *bit)
{
	switch (irq->type) {
	case KVM_S390_INT_EXTERNAL_CALL:
		*bit = S390_IRQ_EXTERNAL_CALL;
		return pend_external_call(vcpu, irq);
	case KVM_S390_INT_EMERGENCY:
		*bit = S390_IRQ_EMERGENCY;
		return pend_emergency(vcpu, irq);
	case KVM_S390_PROGRAM_INT:
		*bit = S390_IRQ_PROGRAM;
		return pend_program(vcpu, irq);
	case KVM_S390_SIGP_STOP:
		*bit = S390_IRQ_STOP;
		return pend_stop(vcpu, irq);
	case KVM_S390_SIGP_SET_PREFIX:
		*bit = S390_IRQ_SET_PREFIX;
		return pend_prefix(vcpu, irq);
	case KVM_S390_INT_PFAULT_INIT:
		*bit = S390_IRQ_PFAULT_INIT;
		return pend_pfault(vcpu, irq);
	case KVM_S390_MCHK:
		*bit = s390_irq_of_mchk(irq->u.mchk.mcic);
		return pend_mchk(vcpu, irq);
	case KVM_S390_RESTART:
		*bit = S390_IRQ_RESTART;
		return 0;
	case KVM_S390_INT_CLOCK_COMP:
		*bit = S390_IRQ_CLOCK_COMPARATOR;
		return 0;
	case KVM_S390_INT_CPU_TIMER:
		*bit = S390_IRQ_CPU_TIMER;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Not a word to the CPU yet. */
static int local_set(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	enum s390_irq bit;
	int err;

	raw_spin_lock_irqsave(&local->lock, flags);
	err = pend(vcpu, irq, &bit);
	if (!err)
		WRITE_ONCE(local->pending, local->pending | BIT(bit));
	raw_spin_unlock_irqrestore(&local->lock, flags);

	return err;
}

int s390_restore_local(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	int err = local_set(vcpu, irq);

	if (!err)
		s390_interrupt_kick(vcpu);

	return err;
}

int s390_inject_local(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	int err = s390_restore_local(vcpu, irq);

	/* A CPU that is stopped already would stop as soon as it is started. */
	if (!err && irq->type == KVM_S390_SIGP_STOP && s390_is_stopped(vcpu))
		s390_stop_drop(vcpu);

	return err;
}

/* --- program interruptions of the CPU's own ---------------------------------------------- */

int s390_inject_program_info(struct vcpu *vcpu, const struct kvm_s390_pgm_info *pgm)
{
	const struct kvm_s390_irq irq = { .type = KVM_S390_PROGRAM_INT, .u.pgm = *pgm };

	lockdep_assert_held(&vcpu->mutex);

	/* It is this CPU that takes it, before it runs on: nobody has to be told. */
	local_set(vcpu, &irq);

	return RESUME_GUEST;
}

int s390_inject_program(struct vcpu *vcpu, u16 code)
{
	const struct kvm_s390_pgm_info pgm = { .code = code };

	return s390_inject_program_info(vcpu, &pgm);
}

/* --- KVM_S390_INTERRUPT ---------------------------------------------------------------------- */

static void convert_plain(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
}

static void convert_program(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.pgm.code = from->parm;
}

static void convert_prefix(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.prefix.address = from->parm;
}

static void convert_stop(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.stop.flags = from->parm;
}

static void convert_emergency(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.emerg.code = from->parm;
}

static void convert_external_call(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.extcall.code = from->parm;
}

static void convert_mchk(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.mchk.cr14 = from->parm;
	to->u.mchk.mcic = from->parm64;
}

static void convert_ext(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.ext.ext_params = from->parm;
	to->u.ext.ext_params2 = from->parm64;
}

static void convert_io(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to)
{
	to->u.io.subchannel_id = from->parm >> 16;
	to->u.io.subchannel_nr = from->parm & 0xffff;
	to->u.io.io_int_parm = from->parm64 >> 32;
	to->u.io.io_int_word = from->parm64 & 0xffffffff;
}

static const struct {
	u32	type;
	u32	unused;		/* bits of parm that have to be 0 */
	void	(*convert)(const struct kvm_s390_interrupt *from, struct kvm_s390_irq *to);
} interrupt_types[] = {
	{ KVM_S390_INT_EXTERNAL_CALL,	~0xffffU,	convert_external_call },
	{ KVM_S390_INT_EMERGENCY,	~0xffffU,	convert_emergency },
	{ KVM_S390_PROGRAM_INT,		~0xffffU,	convert_program },
	{ KVM_S390_SIGP_STOP,		0,		convert_stop },
	{ KVM_S390_SIGP_SET_PREFIX,	0,		convert_prefix },
	{ KVM_S390_RESTART,		0,		convert_plain },
	{ KVM_S390_INT_CLOCK_COMP,	0,		convert_plain },
	{ KVM_S390_INT_CPU_TIMER,	0,		convert_plain },
	{ KVM_S390_MCHK,		0,		convert_mchk },
	{ KVM_S390_INT_SERVICE,		0,		convert_ext },
	{ KVM_S390_INT_VIRTIO,		0,		convert_ext },
	{ KVM_S390_INT_PFAULT_INIT,	0,		convert_ext },
	{ KVM_S390_INT_PFAULT_DONE,	0,		convert_ext },
};

int s390_irq_from_interrupt(const struct kvm_s390_interrupt *interrupt,
			    struct kvm_s390_irq *irq)
{
	size_t i;

	memset(irq, 0, sizeof(*irq));
	irq->type = interrupt->type;
	if (interrupt->type <= KVM_S390_INT_IO_MAX) {
		convert_io(interrupt, irq);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(interrupt_types); i++) {
		if (interrupt_types[i].type != interrupt->type)
			continue;
		if (interrupt->parm & interrupt_types[i].unused)
			return -EINVAL;
		interrupt_types[i].convert(interrupt, irq);
		return 0;
	}

	return -EINVAL;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGNAL PROCESSOR: orders of one CPU to another (Principles of Operation, "Signal-Processor
 * Orders").  Those that Linux gives all the time are always done here, without a lock of
 * the other's and with irqs off.  Of the rest user space gets what it asked for with
 * KVM_CAP_S390_USER_SIGP; without that, what needs the other CPU's task: who starts and
 * resets CPUs is user space.  Called by insn.c.
 */
#include <linux/types.h>
#include <asm/sigp.h>

#include "s390.h"

/* What an order comes to, beside a condition code: user space has to do it. */
#define SIGP_FORWARD	16

#define ASN_MASK	0xffff

struct sigp {
	struct vcpu	*target;
	u32		parameter;
	u32		status;		/* SIGP_STATUS_*, with SIGP_CC_STATUS_STORED */
	u8		order;
};

/* Decode; the target is NULL if there is no such CPU.  Any context. */
static struct sigp sigp_decode(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rs_r1(insn);
	u16 address = s390_gpr(vcpu, insn_rs_r3(insn));

	return (struct sigp) {
		.target		= vm_vcpu_by_id(vcpu->vm, address),
		.parameter	= s390_gpr(vcpu, r1 | 1),
		.order		= insn_s_address(vcpu, insn),
	};
}

static int sigp_status(struct sigp *sigp, u32 status)
{
	sigp->status = status;

	return SIGP_CC_STATUS_STORED;
}

/* What the guest sees of it.  RESUME_GUEST. */
static int sigp_done(struct vcpu *vcpu, const struct insn *insn, const struct sigp *sigp, int cc)
{
	unsigned int r1 = insn_rs_r1(insn);

	if (cc == SIGP_CC_STATUS_STORED)
		s390_set_gpr(vcpu, r1, (s390_gpr(vcpu, r1) & ~0xffffffffULL) | sigp->status);

	return insn_done(vcpu, cc);
}

/* --- orders done in any context ------------------------------------------------------ */

static int sigp_sense(struct vcpu *vcpu, struct sigp *sigp)
{
	u32 status = 0;

	if (s390_external_call_pending(sigp->target))
		status |= SIGP_STATUS_EXT_CALL_PENDING;
	if (s390_is_stopped(sigp->target))
		status |= SIGP_STATUS_STOPPED;

	return status ? sigp_status(sigp, status) : SIGP_CC_ORDER_CODE_ACCEPTED;
}

static int sigp_external_call(struct vcpu *vcpu, struct sigp *sigp)
{
	const struct kvm_s390_irq irq = {
		.type = KVM_S390_INT_EXTERNAL_CALL,
		.u.extcall.code = vcpu->id,
	};

	if (s390_inject_local(sigp->target, &irq) == -EBUSY)
		return sigp_status(sigp, SIGP_STATUS_EXT_CALL_PENDING);

	return SIGP_CC_ORDER_CODE_ACCEPTED;
}

static int sigp_emergency(struct vcpu *vcpu, struct sigp *sigp)
{
	const struct kvm_s390_irq irq = {
		.type = KVM_S390_INT_EMERGENCY,
		.u.emerg.code = vcpu->id,
	};

	s390_inject_local(sigp->target, &irq);

	return SIGP_CC_ORDER_CODE_ACCEPTED;
}

/*
 * For a CPU that would not see the signal by itself: it is disabled for interruptions,
 * waits in earnest, or runs in the address space that the parameter names.  The target
 * may run meanwhile; then the answer is that of one moment or another.
 */
static int sigp_conditional_emergency(struct vcpu *vcpu, struct sigp *sigp)
{
	const struct kvm_s390_sie_block *sie = sigp->target->arch.sie;
	const u64 enabled = PSW_MASK_IO | PSW_MASK_EXT;
	u64 mask = READ_ONCE(sie->gpsw.mask), address = READ_ONCE(sie->gpsw.addr);
	u16 asn = sigp->parameter & ASN_MASK;
	bool wanted;

	if ((mask & enabled) != enabled)
		wanted = true;
	else if (mask & PSW_MASK_WAIT)
		wanted = address != 0;
	else
		wanted = asn == (READ_ONCE(sie->gcr[4]) & ASN_MASK) ||
			 asn == (READ_ONCE(sie->gcr[3]) & ASN_MASK);
	if (!wanted)
		return sigp_status(sigp, SIGP_STATUS_INCORRECT_STATE);

	return sigp_emergency(vcpu, sigp);
}

static int sigp_sense_running(struct vcpu *vcpu, struct sigp *sigp)
{
	/* The one that asks is running, whatever its mode says at the moment. */
	if (sigp->target == vcpu || READ_ONCE(sigp->target->mode) != OUTSIDE_GUEST_MODE)
		return SIGP_CC_ORDER_CODE_ACCEPTED;

	return sigp_status(sigp, SIGP_STATUS_NOT_RUNNING);
}

/* One of the above; any other: -1.  Atomic. */
static __always_inline int sigp_any_context(struct vcpu *vcpu, struct sigp *sigp)
{
	switch (sigp->order) {
	case SIGP_SENSE:
		return sigp_sense(vcpu, sigp);
	case SIGP_EXTERNAL_CALL:
		return sigp_external_call(vcpu, sigp);
	case SIGP_EMERGENCY_SIGNAL:
		return sigp_emergency(vcpu, sigp);
	case SIGP_COND_EMERGENCY_SIGNAL:
		return sigp_conditional_emergency(vcpu, sigp);
	case SIGP_SENSE_RUNNING:
		return sigp_sense_running(vcpu, sigp);
	default:
		return -1;
	}
}

/* --- orders without KVM_CAP_S390_USER_SIGP ------------------------------------------------ */

static int sigp_stop_with(struct sigp *sigp, u32 flags)
{
	const struct kvm_s390_irq irq = {
		.type = KVM_S390_SIGP_STOP,
		.u.stop.flags = flags,
	};

	if (s390_inject_local(sigp->target, &irq) == -EBUSY)
		return SIGP_CC_BUSY;

	return SIGP_CC_ORDER_CODE_ACCEPTED;
}

static int sigp_stop(struct vcpu *vcpu, struct sigp *sigp)
{
	if (s390_is_stopped(sigp->target))
		return SIGP_CC_ORDER_CODE_ACCEPTED;

	return sigp_stop_with(sigp, 0);
}

static int sigp_stop_store(struct vcpu *vcpu, struct sigp *sigp)
{
	/* Nobody runs who could store the status on its way. */
	if (s390_is_stopped(sigp->target))
		return SIGP_FORWARD;

	return sigp_stop_with(sigp, KVM_S390_STOP_FLAG_STORE_STATUS);
}

/* All CPUs are in z/Architecture mode and stay there. */
static int sigp_set_architecture(struct vcpu *vcpu, struct sigp *sigp)
{
	struct vcpu *other;
	unsigned int i;

	vm_for_each_vcpu(i, other, vcpu->vm)
		if (other != vcpu && !s390_is_stopped(other))
			return sigp_status(sigp, SIGP_STATUS_INCORRECT_STATE);

	return sigp_status(sigp, SIGP_STATUS_INVALID_PARAMETER);
}

static int sigp_set_prefix(struct vcpu *vcpu, struct sigp *sigp)
{
	const struct kvm_s390_irq irq = {
		.type = KVM_S390_SIGP_SET_PREFIX,
		.u.prefix.address = sigp->parameter & 0x7fffe000U,
	};
	u8 probe;

	if (!s390_is_stopped(sigp->target))
		return sigp_status(sigp, SIGP_STATUS_INCORRECT_STATE);
	if (guest_read(vcpu, irq.u.prefix.address, &probe, sizeof(probe)) ||
	    guest_read(vcpu, irq.u.prefix.address + PAGE_SIZE, &probe, sizeof(probe)))
		return sigp_status(sigp, SIGP_STATUS_INVALID_PARAMETER);
	if (s390_inject_local(sigp->target, &irq))
		return sigp_status(sigp, SIGP_STATUS_INCORRECT_STATE);

	return SIGP_CC_ORDER_CODE_ACCEPTED;
}

static int sigp_invalid(struct vcpu *vcpu, struct sigp *sigp)
{
	return sigp_status(sigp, SIGP_STATUS_INVALID_ORDER);
}

/* By this CPU's task, while the other has none. */
static int store_status(struct vcpu *target, u32 address)
{
	int err = 0;

	if (READ_ONCE(target->arch.local.pending) & BIT(S390_IRQ_SET_PREFIX))
		err = s390_irq_deliver(target, S390_IRQ_SET_PREFIX);

	/* It is the save area's own address that the order has. */
	return err ?: s390_store_status(target, address);
}

#define SAVE_AREA_MASK	0x7ffffe00U

static int sigp_store_status(struct vcpu *vcpu, struct sigp *sigp)
{
	struct vcpu *target = sigp->target;
	int err;

	if (target == vcpu || !s390_is_stopped(target))
		return sigp_status(sigp, SIGP_STATUS_INCORRECT_STATE);
	/* User space has it in its hands at the moment. */
	if (!mutex_trylock(&target->mutex))
		return SIGP_CC_BUSY;
	err = store_status(target, sigp->parameter & SAVE_AREA_MASK);
	mutex_unlock(&target->mutex);
	if (err)
		return sigp_status(sigp, SIGP_STATUS_INVALID_PARAMETER);

	return SIGP_CC_ORDER_CODE_ACCEPTED;
}

/* START, resets, vector registers: of a CPU that user space has in its hands. */
static int sigp_user(struct vcpu *vcpu, struct sigp *sigp)
{
	if (s390_stop_pending(sigp->target))
		return SIGP_CC_BUSY;

	return SIGP_FORWARD;
}

static const struct sigp_order {
	u8	order;
	int	(*handler)(struct vcpu *vcpu, struct sigp *sigp);
} orders[] = {
	{ SIGP_START,			sigp_user },
	{ SIGP_STOP,			sigp_stop },
	{ SIGP_RESTART,			sigp_user },
	{ SIGP_STOP_AND_STORE_STATUS,	sigp_stop_store },
	{ SIGP_INITIAL_CPU_RESET,	sigp_user },
	{ SIGP_CPU_RESET,		sigp_user },
	{ SIGP_SET_PREFIX,		sigp_set_prefix },
	{ SIGP_STORE_STATUS_AT_ADDRESS,	sigp_store_status },
	{ SIGP_SET_ARCHITECTURE,	sigp_set_architecture },
	{ SIGP_STORE_ADDITIONAL_STATUS,	sigp_user },
};

static int sigp_do(struct vcpu *vcpu, struct sigp *sigp)
{
	const struct sigp_order *row;

	for (row = orders; row < orders + ARRAY_SIZE(orders); row++)
		if (row->order == sigp->order)
			return row->handler(vcpu, sigp);

	return sigp_invalid(vcpu, sigp);
}

/* --- dispatch --------------------------------------------------------------------------- */

int s390_fast_sigp(struct vcpu *vcpu, const struct insn *insn)
{
	struct sigp sigp = sigp_decode(vcpu, insn);
	int cc;

	if (!sigp.target)
		return RESUME_GUEST;
	cc = sigp_any_context(vcpu, &sigp);
	if (cc < 0)
		return RESUME_GUEST;
	vcpu->arch.stats.sigps++;
	sigp_done(vcpu, insn, &sigp, cc);

	return REENTER;
}

/* An order that is user space's by KVM_CAP_S390_USER_SIGP. */
static bool sigp_is_users(struct vcpu *vcpu, const struct sigp *sigp)
{
	switch (sigp->order) {
	case SIGP_SENSE:
	case SIGP_EXTERNAL_CALL:
	case SIGP_EMERGENCY_SIGNAL:
	case SIGP_COND_EMERGENCY_SIGNAL:
	case SIGP_SENSE_RUNNING:
		return false;
	default:
		return READ_ONCE(vcpu->vm->arch.user_sigp);
	}
}

int s390_sigp(struct vcpu *vcpu, const struct insn *insn)
{
	struct sigp sigp = sigp_decode(vcpu, insn);
	int cc;

	vcpu->arch.stats.sigps++;
	if (sigp_is_users(vcpu, &sigp))
		return exit_forward(vcpu);
	/* The one order that is for all CPUs has no target. */
	if (sigp.order == SIGP_SET_ARCHITECTURE)
		return sigp_done(vcpu, insn, &sigp, sigp_set_architecture(vcpu, &sigp));
	if (!sigp.target)
		return insn_done(vcpu, SIGP_CC_NOT_OPERATIONAL);

	cc = sigp_any_context(vcpu, &sigp);
	if (cc < 0)
		cc = sigp_do(vcpu, &sigp);
	if (cc == SIGP_FORWARD)
		return exit_forward(vcpu);

	return sigp_done(vcpu, insn, &sigp, cc);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercepted I/O instructions (Principles of Operation, "I/O Instructions").  The channel
 * subsystem is user space's; what is here is its interruptions, which are ours.  Called by
 * insn.c, which has looked at who may.
 */
#include "s390.h"

/* A machine without channel subsystem: no subchannel is there. */
static bool io_absent(struct vcpu *vcpu)
{
	return !READ_ONCE(vcpu->vm->arch.css_support);
}

int priv_io(struct vcpu *vcpu, const struct insn *insn)
{
	if (io_absent(vcpu))
		return insn_done(vcpu, 3);

	return exit_forward(vcpu);
}

/* --- TEST PENDING INTERRUPTION ---------------------------------------------------- */

static_assert(sizeof(struct kvm_s390_io_info) == 12);

/*
 * The subchannel and the parameter go to the operand; without one, they and the word that
 * identifies the interruption go to the assigned storage locations.
 */
static int tpi_store(struct vcpu *vcpu, u64 address, u8 ar, const struct kvm_s390_io_info *io)
{
	if (!address)
		return s390_write_real(vcpu, LC_SUBCHANNEL_ID, io, sizeof(*io));

	return s390_write(vcpu, address, ar, io, offsetof(struct kvm_s390_io_info, io_int_word));
}

int priv_tpi(struct vcpu *vcpu, const struct insn *insn)
{
	u64 address = insn_s_address(vcpu, insn);
	struct s390_taken taken;
	int ret;

	if (io_absent(vcpu))
		return insn_done(vcpu, 3);
	if (address & 3)
		return s390_inject_program(vcpu, PGM_SPECIFICATION);
	if (!s390_io_take(vcpu->vm, vcpu->arch.sie->gcr[6], 0, &taken))
		return insn_done(vcpu, 0);

	ret = tpi_store(vcpu, address, insn_base(insn), &taken.io);
	if (ret) {
		s390_taken_undo(vcpu->vm, s390_irq_of_io(taken.io.io_int_word), &taken);
		return exit_access(vcpu, ret);
	}
	s390_taken_done(&taken);

	return insn_done(vcpu, 1);
}

/* --- TEST SUBCHANNEL ------------------------------------------------------------------ */

/* The interruption of the subchannel goes with its status. */
int priv_tsch(struct vcpu *vcpu, const struct insn *insn)
{
	struct kvm_run *run = vcpu->run;
	struct s390_taken taken = { };
	u32 schid = s390_gpr(vcpu, 1);
	bool dequeued;

	if (io_absent(vcpu))
		return insn_done(vcpu, 3);

	dequeued = schid && s390_io_take(vcpu->vm, ~0ULL, schid, &taken);
	run->s390_tsch.subchannel_id = taken.io.subchannel_id;
	run->s390_tsch.subchannel_nr = taken.io.subchannel_nr;
	run->s390_tsch.io_int_parm = taken.io.io_int_parm;
	run->s390_tsch.io_int_word = taken.io.io_int_word;
	run->s390_tsch.ipb = insn->ipb;
	run->s390_tsch.dequeued = dequeued;
	s390_taken_done(&taken);

	return vcpu_exit(vcpu, KVM_EXIT_S390_TSCH);
}

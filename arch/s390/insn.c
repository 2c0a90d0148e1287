// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercepted instructions: what they are (insns.def), who may execute them, and what
 * their operands are.  What they do is in priv*.c, sigp.c and fw.c.  Called by exit.c.
 */
#include <asm/dis.h>

#include "s390.h"

/* Interception status. */
#define ICPTSTATUS_EXECUTE	0x01	/* the target of an EXECUTE */
#define ICPTSTATUS_ILC_SHIFT	4	/* its length, in bits 1-2 */
#define ICPTSTATUS_ILC_MASK	0x6
#define EXECUTE_LENGTH		4	/* where the status does not say it */

/* --- operands ------------------------------------------------------------------ */

/* Register 0 stands for no register. */
static u64 insn_address(struct vcpu *vcpu, unsigned int base, s64 displacement)
{
	u64 address = base ? s390_gpr(vcpu, base) : 0;

	return s390_wrap(vcpu, address + displacement);
}

u64 insn_s_address(struct vcpu *vcpu, const struct insn *insn)
{
	return insn_address(vcpu, insn_base(insn), insn_displacement(insn));
}

u64 insn_rsy_address(struct vcpu *vcpu, const struct insn *insn)
{
	return insn_address(vcpu, insn_base(insn), insn_long_displacement(insn));
}

u64 insn_sse_address2(struct vcpu *vcpu, const struct insn *insn)
{
	return insn_address(vcpu, insn_sse_base2(insn), insn_sse_displacement2(insn));
}

u64 insn_rre_address2(struct vcpu *vcpu, const struct insn *insn)
{
	return s390_wrap(vcpu, s390_gpr(vcpu, insn_rre_r2(insn)));
}

/* --- the PSW --------------------------------------------------------------------- */

int insn_done(struct vcpu *vcpu, unsigned int cc)
{
	s390_set_cc(vcpu, cc);

	return RESUME_GUEST;
}

/* Of an instruction that was intercepted as such. */
static unsigned int insn_length_intercepted(const struct kvm_s390_sie_block *sie)
{
	unsigned int length;

	if (!(sie->icptstatus & ICPTSTATUS_EXECUTE))
		return insn_length(sie->ipa >> 8);

	length = sie->icptstatus >> ICPTSTATUS_ILC_SHIFT & ICPTSTATUS_ILC_MASK;

	return length ?: EXECUTE_LENGTH;
}

unsigned int s390_insn_length(struct vcpu *vcpu)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	switch (vcpu->arch.exit.code) {
	case ICPT_INST:
	case ICPT_INSTPROGI:
	case ICPT_OPEREXC:
	case ICPT_PARTEXEC:
	case ICPT_IOINST:
		return insn_length_intercepted(sie);
	case ICPT_PROGI:
		return sie->pgmilc & ICPTSTATUS_ILC_MASK;
	default:
		return 0;
	}
}

int s390_insn_retry(struct vcpu *vcpu)
{
	psw_t *psw = s390_psw(vcpu);

	psw->addr = s390_wrap(vcpu, psw->addr - s390_insn_length(vcpu));

	return RESUME_GUEST;
}

bool s390_psw_valid(const psw_t *psw)
{
	return psw_words_valid(psw->mask, psw->addr);
}

/* --- dispatch ----------------------------------------------------------------------- */

/* Nothing that a guest can have. */
static int insn_operation(struct vcpu *vcpu, const struct insn *insn)
{
	return s390_inject_program(vcpu, PGM_OPERATION);
}

static int insn_forward(struct vcpu *vcpu, const struct insn *insn)
{
	return exit_forward(vcpu);
}

static struct insn insn_intercepted(struct vcpu *vcpu)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	return (struct insn) { .ipa = sie->ipa, .ipb = sie->ipb };
}

enum insn_who { ANY, SUPERVISOR };

/* True, and the guest has its exception, if this program may not. */
static bool insn_refused(struct vcpu *vcpu, enum insn_who who)
{
	if (who == ANY || likely(!s390_problem_state(vcpu)))
		return false;
	s390_inject_program(vcpu, PGM_PRIVILEGED_OP);

	return true;
}

/*
 * The table becomes a comparison tree with direct calls: the compiler makes no jump
 * table where indirect branches are expensive.
 */
static int insn_dispatch(struct vcpu *vcpu, const struct insn *insn)
{
	switch (insn_opcode(insn)) {
#define INSN(opcode, name, who, handler)			\
	case opcode:						\
		if (insn_refused(vcpu, who))			\
			return RESUME_GUEST;			\
		return handler(vcpu, insn);
#include "insns.def"
#undef INSN
	default:
		return exit_forward(vcpu);
	}
}

int s390_exit_insn(struct vcpu *vcpu)
{
	struct insn insn = insn_intercepted(vcpu);

	vcpu->arch.stats.instructions++;

	return insn_dispatch(vcpu, &insn);
}

int s390_fast_insn(struct vcpu *vcpu)
{
	struct insn insn = insn_intercepted(vcpu);

	/* A debugger may want to see what comes of it. */
	if (unlikely(vcpu->debug_flags) || s390_problem_state(vcpu))
		return RESUME_GUEST;

	/* Two compares: what guests do millions of times. */
	switch (insn.ipa >> 8) {
	case 0xae:
		return s390_fast_sigp(vcpu, &insn);
	case 0x83:
		return s390_fast_diag(vcpu, &insn);
	default:
		return RESUME_GUEST;
	}
}

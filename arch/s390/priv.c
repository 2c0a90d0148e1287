// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercepted instructions that control the CPU: prefix, PSW, control registers, clocks.
 * Their definitions are in the Principles of Operation, "Control Instructions".  Called
 * by insn.c, which has looked at who may.
 */
#include <asm/timex.h>

#include "s390.h"

#define PREFIX_MASK	0x7fffe000U
#define PREFIX_SIZE	0x2000

/* --- operands in storage -------------------------------------------------------------- */

static int specification(struct vcpu *vcpu)
{
	return s390_inject_program(vcpu, PGM_SPECIFICATION);
}

/* Store, or fetch, @len bytes at the operand of format S, which is aligned to @len. */
static int store_s(struct vcpu *vcpu, const struct insn *insn, const void *data, u32 len)
{
	u64 address = insn_s_address(vcpu, insn);
	int ret;

	if (address & (len - 1))
		return specification(vcpu);
	ret = s390_write(vcpu, address, insn_base(insn), data, len);

	return ret ? exit_access(vcpu, ret) : RESUME_GUEST;
}

/* --- prefix and CPU address ------------------------------------------------------------ */

int priv_spx(struct vcpu *vcpu, const struct insn *insn)
{
	u64 address = insn_s_address(vcpu, insn);
	u32 prefix;
	u8 probe;
	int ret;

	if (address & 3)
		return specification(vcpu);
	ret = s390_read(vcpu, address, insn_base(insn), &prefix, sizeof(prefix));
	if (ret)
		return exit_access(vcpu, ret);

	/* Both pages are there, because a page is no less than a slot has. */
	prefix &= PREFIX_MASK;
	if (guest_read(vcpu, prefix, &probe, sizeof(probe)) ||
	    guest_read(vcpu, prefix + PREFIX_SIZE - 1, &probe, sizeof(probe)))
		return s390_inject_program(vcpu, PGM_ADDRESSING);
	s390_set_prefix(vcpu, prefix);

	return RESUME_GUEST;
}

int priv_stpx(struct vcpu *vcpu, const struct insn *insn)
{
	u32 prefix = s390_prefix(vcpu);

	return store_s(vcpu, insn, &prefix, sizeof(prefix));
}

int priv_stap(struct vcpu *vcpu, const struct insn *insn)
{
	u16 address = vcpu->id;

	return store_s(vcpu, insn, &address, sizeof(address));
}

/* --- PSW --------------------------------------------------------------------------------- */

/*
 * It becomes the current PSW whatever it is; an invalid one is recognized then, with the
 * instruction done and no length of any.
 */
static int load_psw(struct vcpu *vcpu, const psw_t *psw)
{
	const struct kvm_s390_pgm_info invalid = {
		.code	= PGM_SPECIFICATION,
		.flags	= KVM_S390_PGM_FLAGS_ILC_VALID | KVM_S390_PGM_FLAGS_NO_REWIND,
	};

	*s390_psw(vcpu) = *psw;
	if (!s390_psw_valid(psw))
		return s390_inject_program_info(vcpu, &invalid);

	return RESUME_GUEST;
}

int priv_lpsw(struct vcpu *vcpu, const struct insn *insn)
{
	u64 address = insn_s_address(vcpu, insn);
	u64 mask, addr;
	u32 word[2];
	psw_t psw;
	int ret;

	if (address & 7)
		return specification(vcpu);
	ret = s390_read(vcpu, address, insn_base(insn), word, sizeof(word));
	if (ret)
		return exit_access(vcpu, ret);
	if (!psw_from_short(word, &mask, &addr))
		return specification(vcpu);
	psw.mask = mask;
	psw.addr = addr;

	return load_psw(vcpu, &psw);
}

static int load_psw_extended(struct vcpu *vcpu, const struct insn *insn, u64 address)
{
	psw_t psw;
	int ret;

	if (address & 7)
		return specification(vcpu);
	ret = s390_read(vcpu, address, insn_base(insn), &psw, sizeof(psw));
	if (ret)
		return exit_access(vcpu, ret);

	return load_psw(vcpu, &psw);
}

int priv_lpswe(struct vcpu *vcpu, const struct insn *insn)
{
	return load_psw_extended(vcpu, insn, insn_s_address(vcpu, insn));
}

int priv_lpswey(struct vcpu *vcpu, const struct insn *insn)
{
	if (!s390_facility(vcpu->vm, 193))
		return s390_inject_program(vcpu, PGM_OPERATION);

	return load_psw_extended(vcpu, insn, insn_rsy_address(vcpu, insn));
}

/* The halves of the PSW's first word pair go to the low halves of the registers. */
int priv_epsw(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rre_r1(insn), r2 = insn_rre_r2(insn);
	u64 mask = s390_psw(vcpu)->mask;

	s390_set_gpr(vcpu, r1, (s390_gpr(vcpu, r1) & ~0xffffffffULL) | mask >> 32);
	if (r2)
		s390_set_gpr(vcpu, r2, (s390_gpr(vcpu, r2) & ~0xffffffffULL) | (u32)mask);

	return RESUME_GUEST;
}

/* --- control registers ----------------------------------------------------------------------- */

/* From @r1 to @r3, round the end. */
static unsigned int control_count(unsigned int r1, unsigned int r3)
{
	return ((r3 - r1) & 15) + 1;
}

int priv_lctl(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rs_r1(insn), i, count = control_count(r1, insn_rs_r3(insn));
	u64 address = insn_s_address(vcpu, insn);
	u32 value[16];
	u64 *control;
	int ret;

	if (address & 3)
		return specification(vcpu);
	ret = s390_read(vcpu, address, insn_base(insn), value, count * sizeof(*value));
	if (ret)
		return exit_access(vcpu, ret);

	for (i = 0; i < count; i++) {
		control = &vcpu->arch.sie->gcr[(r1 + i) & 15];
		*control = (*control & ~0xffffffffULL) | value[i];
	}

	return RESUME_GUEST;
}

int priv_stctl(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rs_r1(insn), i, count = control_count(r1, insn_rs_r3(insn));
	u64 address = insn_s_address(vcpu, insn);
	u32 value[16];
	int ret;

	if (address & 3)
		return specification(vcpu);
	for (i = 0; i < count; i++)
		value[i] = vcpu->arch.sie->gcr[(r1 + i) & 15];
	ret = s390_write(vcpu, address, insn_base(insn), value, count * sizeof(*value));

	return ret ? exit_access(vcpu, ret) : RESUME_GUEST;
}

int priv_lctlg(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rs_r1(insn), i, count = control_count(r1, insn_rs_r3(insn));
	u64 address = insn_rsy_address(vcpu, insn);
	u64 value[16];
	int ret;

	if (address & 7)
		return specification(vcpu);
	ret = s390_read(vcpu, address, insn_base(insn), value, count * sizeof(*value));
	if (ret)
		return exit_access(vcpu, ret);

	for (i = 0; i < count; i++)
		vcpu->arch.sie->gcr[(r1 + i) & 15] = value[i];

	return RESUME_GUEST;
}

int priv_stctg(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rs_r1(insn), i, count = control_count(r1, insn_rs_r3(insn));
	u64 address = insn_rsy_address(vcpu, insn);
	u64 value[16];
	int ret;

	if (address & 7)
		return specification(vcpu);
	for (i = 0; i < count; i++)
		value[i] = vcpu->arch.sie->gcr[(r1 + i) & 15];
	ret = s390_write(vcpu, address, insn_base(insn), value, count * sizeof(*value));

	return ret ? exit_access(vcpu, ret) : RESUME_GUEST;
}

/* --- clocks ------------------------------------------------------------------------------------ */

/* There is one TOD clock for all CPUs. */
int priv_sck(struct vcpu *vcpu, const struct insn *insn)
{
	u64 address = insn_s_address(vcpu, insn);
	u64 tod;
	int ret;

	if (address & 7)
		return specification(vcpu);
	ret = s390_read(vcpu, address, insn_base(insn), &tod, sizeof(tod));
	if (ret)
		return exit_access(vcpu, ret);
	s390_set_tod(vcpu->vm, tod);

	return insn_done(vcpu, 0);
}

int priv_sckpf(struct vcpu *vcpu, const struct insn *insn)
{
	u32 value = s390_gpr(vcpu, 0);

	if (value & 0xffff0000)
		return specification(vcpu);
	vcpu->arch.sie->todpr = value;

	return RESUME_GUEST;
}

#define PTFF_FUNCTION	0x7f
#define PTFF_CONTROL	0x40	/* the first function that changes something */
#define PTFF_RESERVED	0x80	/* bit 56 of general register 0 */

/*
 * What the hardware leaves to us of steering the clock: that there is nothing.  The one
 * function is to ask for the functions.
 */
int priv_ptff(struct vcpu *vcpu, const struct insn *insn)
{
	static const u8 functions[16] = { 0x80 >> PTFF_QAF };
	u32 function = s390_gpr(vcpu, 0);
	int ret;

	if (function & PTFF_RESERVED)
		return specification(vcpu);
	function &= PTFF_FUNCTION;
	if (function >= PTFF_CONTROL && s390_problem_state(vcpu))
		return s390_inject_program(vcpu, PGM_PRIVILEGED_OP);
	if (function != PTFF_QAF)
		return insn_done(vcpu, 3);

	ret = s390_write(vcpu, s390_wrap(vcpu, s390_gpr(vcpu, 1)), 1, functions,
			 sizeof(functions));

	return ret ? exit_access(vcpu, ret) : insn_done(vcpu, 0);
}

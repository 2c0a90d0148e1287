// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that trap because the guest is one: WFI, WRS, and accesses to CSRs
 * the hardware does not have for it.  All else is an illegal instruction to the
 * guest, as on a machine without the hypervisor extension.  Called by exit.c.
 */
#include <linux/array_size.h>
#include <linux/sched.h>

#include "insn.h"
#include "riscv.h"

static int insn_illegal(struct vcpu *vcpu, unsigned long bits)
{
	return riscv_inject(vcpu, EXC_INST_ILLEGAL, bits);
}

/*
 * The bits of the instruction, as the guest's stval is to have them.  False: resume
 * the guest.
 */
static bool insn_bits(struct vcpu *vcpu, unsigned long *bits)
{
	u32 insn = 0;

	/* ISA manual, "Supervisor Trap Value Register": the bits, or zero. */
	*bits = vcpu->arch.exit.info1;
	if (*bits)
		return true;
	if (!riscv_insn_fetch(vcpu, &insn))
		return false;
	*bits = insn;

	return true;
}

/* --- CSRs -------------------------------------------------------------------------- */

/* In VU-mode the guest's own scounteren decides; it is in the hardware. */
static bool counter_allowed(struct vcpu *vcpu, unsigned int csr)
{
	return !riscv_user_mode(vcpu) || (csr_read(CSR_SCOUNTEREN) & BIT(csr & 31));
}

static enum riscv_csr_result csr_counter(struct vcpu *vcpu, unsigned int csr, unsigned long *old,
					 unsigned long value, unsigned long mask)
{
	if (!counter_allowed(vcpu, csr))
		return CSR_ILLEGAL;

	return riscv_pmu_csr(vcpu, csr, old);
}

static enum riscv_csr_result csr_time(struct vcpu *vcpu, unsigned int csr, unsigned long *old,
				      unsigned long value, unsigned long mask)
{
	if (!counter_allowed(vcpu, csr))
		return CSR_ILLEGAL;
	*old = riscv_time(vcpu);

	return CSR_DONE;
}

/* To user mode the entropy source is closed, as after a reset. */
static enum riscv_csr_result csr_seed(struct vcpu *vcpu, unsigned int csr, unsigned long *old,
				      unsigned long value, unsigned long mask)
{
	return riscv_user_mode(vcpu) ? CSR_ILLEGAL : CSR_USER;
}

enum {
	ROW_MUST_WRITE	= BIT(0),	/* an instruction that only reads is illegal */
	ROW_ANY_VALUE	= BIT(1),	/* that it is written counts, not with what */
};

struct csr_row {
	u16	first, last;
	u16	extension;		/* KVM_RISCV_ISA_EXT_* the guest must have */
	u16	flags;
	enum riscv_csr_result (*handler)(struct vcpu *vcpu, unsigned int csr, unsigned long *old,
					 unsigned long value, unsigned long mask);
};

static const struct csr_row csr_rows[] = {
	{ CSR_TIME, CSR_TIME, KVM_RISCV_ISA_EXT_ZICNTR, 0, csr_time },
	{ CSR_CYCLE, CSR_CYCLE, KVM_RISCV_ISA_EXT_ZICNTR, 0, csr_counter },
	{ CSR_INSTRET, CSR_INSTRET, KVM_RISCV_ISA_EXT_ZICNTR, 0, csr_counter },
	{ CSR_HPMCOUNTER3, CSR_HPMCOUNTER31, KVM_RISCV_ISA_EXT_ZIHPM, 0, csr_counter },
	{ CSR_STOPEI, CSR_STOPEI, KVM_RISCV_ISA_EXT_SSAIA, ROW_ANY_VALUE, imsic_csr },
	{ CSR_SISELECT, CSR_SIREG, KVM_RISCV_ISA_EXT_SSAIA, 0, imsic_csr },
	{ CSR_SEED, CSR_SEED, KVM_RISCV_ISA_EXT_ZKR, ROW_MUST_WRITE, csr_seed },
};

/* ISA manual, "CSR Address Mapping Conventions". */
static bool csr_readonly(unsigned int csr)
{
	return csr >> 10 == 3;
}

static unsigned int csr_privilege(unsigned int csr)
{
	return csr >> 8 & 3;
}

/* The row of the CSR, or NULL if the guest may not do this to it. */
static const struct csr_row *csr_find(struct vcpu *vcpu, const struct riscv_csr_access *access)
{
	const struct csr_row *row = csr_rows;

	if (access->write && csr_readonly(access->csr))
		return NULL;
	if (csr_privilege(access->csr) > !riscv_user_mode(vcpu))
		return NULL;

	for (; row < csr_rows + ARRAY_SIZE(csr_rows); row++) {
		if (access->csr < row->first || access->csr > row->last)
			continue;
		if ((row->flags & ROW_MUST_WRITE) && !access->write)
			return NULL;
		return riscv_isa(vcpu, row->extension) ? row : NULL;
	}

	return NULL;
}

static int csr_done(struct vcpu *vcpu, unsigned int rd, unsigned long value)
{
	riscv_set_gpr(vcpu, rd, value);
	vcpu->arch.context.pc += 4;

	return RESUME_GUEST;
}

static int csr_complete(struct vcpu *vcpu)
{
	return csr_done(vcpu, vcpu->arch.access.what.reg, READ_ONCE(vcpu->run->riscv_csr.ret_value));
}

static int csr_to_user(struct vcpu *vcpu, const struct riscv_csr_access *access,
		       unsigned long value, unsigned long mask)
{
	struct kvm_run *run = vcpu->run;

	run->riscv_csr.csr_num = access->csr;
	run->riscv_csr.new_value = value;
	run->riscv_csr.write_mask = mask;
	run->riscv_csr.ret_value = 0;
	vcpu->arch.access.what.reg = access->rd;
	vcpu->complete = csr_complete;

	return vcpu_exit(vcpu, KVM_EXIT_RISCV_CSR);
}

/*
 * What an instruction does with the bits of its operand @source: the bits that
 * change and their new values.
 */
static void csr_operands(const struct riscv_csr_access *access, unsigned long source,
			 unsigned long *value, unsigned long *mask)
{
	*value = access->op == RISCV_CSR_CLEAR ? 0 : source;
	*mask = access->op == RISCV_CSR_WRITE ? ~0UL : source;
	if (!access->write)
		*mask = 0;
}

static int insn_csr(struct vcpu *vcpu, u32 insn)
{
	unsigned long source, value, mask, old = 0;
	struct riscv_csr_access access;
	const struct csr_row *row;

	vcpu->arch.stats.csr_exits++;
	if (!riscv_decode_csr(insn, &access))
		return insn_illegal(vcpu, insn);
	row = csr_find(vcpu, &access);
	if (!row)
		return insn_illegal(vcpu, insn);

	source = access.immediate ? access.source : riscv_gpr(vcpu, access.source);
	csr_operands(&access, source, &value, &mask);
	if ((row->flags & ROW_ANY_VALUE) && access.write)
		mask = ~0UL;

	switch (row->handler(vcpu, access.csr, &old, value, mask)) {
	case CSR_DONE:
		return csr_done(vcpu, access.rd, old);
	case CSR_USER:
		return csr_to_user(vcpu, &access, value, mask);
	case CSR_VIRTUAL:
		return riscv_inject(vcpu, EXC_VIRTUAL_INST_FAULT, insn);
	default:
		return insn_illegal(vcpu, insn);
	}
}

/* --- waiting ------------------------------------------------------------------------- */

/*
 * In VU-mode it is the guest's privilege to say no, and a machine may always do so
 * (ISA manual, "Wait for Interrupt").
 */
static int insn_wfi(struct vcpu *vcpu, u32 insn)
{
	if (riscv_user_mode(vcpu))
		return insn_illegal(vcpu, insn);

	vcpu->arch.stats.wfi_exits++;
	vcpu->arch.context.pc += 4;
	riscv_wait(vcpu);

	return RESUME_GUEST;
}

#define INSN_WFI	0x10500073

int riscv_fast_virtual_insn(struct vcpu *vcpu)
{
	if (vcpu->arch.exit.info1 != INSN_WFI || riscv_user_mode(vcpu) || !riscv_irq_ready(vcpu))
		return RESUME_GUEST;

	vcpu->arch.stats.wfi_exits++;
	vcpu->arch.context.pc += 4;

	return REENTER;
}

/*
 * The guest waits for another hart's store, and looks again when this returns.
 * That hart may be waiting for this CPU.
 */
static int insn_wrs(struct vcpu *vcpu, u32 insn)
{
	if (!riscv_isa(vcpu, KVM_RISCV_ISA_EXT_ZAWRS))
		return insn_illegal(vcpu, insn);

	vcpu->arch.context.pc += 4;
	cond_resched();

	return RESUME_GUEST;
}

/* --- dispatch -------------------------------------------------------------------------- */

struct insn_row {
	u32	match, mask;
	int	(*handler)(struct vcpu *vcpu, u32 insn);
};

static const struct insn_row insn_rows[] = {
	{ INSN_WFI, 0xffffffff, insn_wfi },
	{ 0x00d00073, 0xffffffff, insn_wrs },	/* WRS.NTO */
	{ 0x01d00073, 0xffffffff, insn_wrs },	/* WRS.STO */
	{ 0x00000073, 0x0000007f, insn_csr },	/* and the rest of SYSTEM */
};

int riscv_exit_virtual_insn(struct vcpu *vcpu)
{
	const struct insn_row *row = insn_rows;
	unsigned long bits;

	if (!insn_bits(vcpu, &bits))
		return RESUME_GUEST;

	for (; row < insn_rows + ARRAY_SIZE(insn_rows); row++)
		if ((bits & row->mask) == row->match)
			return row->handler(vcpu, bits);

	return insn_illegal(vcpu, bits);
}

int riscv_exit_illegal_insn(struct vcpu *vcpu)
{
	struct riscv_csr_access access;
	unsigned long bits;

	if (!insn_bits(vcpu, &bits))
		return RESUME_GUEST;

	/*
	 * Where the firmware keeps the entropy source from the host, the trap of a
	 * guest is this one (ISA manual, "Access Control to seed").
	 */
	if (riscv_decode_csr(bits, &access) && access.csr == CSR_SEED)
		return insn_csr(vcpu, bits);

	return insn_illegal(vcpu, bits);
}

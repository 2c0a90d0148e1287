// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coprocessor registers of a guest's 32-bit programs.  To EL0 there are only the physical
 * timer, which is emulated, and the PMU and debug communication, which are not there.
 *
 * Arm Architecture Reference Manual, "AArch32 System Register Descriptions".
 */
#include <linux/array_size.h>

#include "arm64.h"

#define CP32_MASK	(ESR_ELx_CP15_32_ISS_SYS_MASK & ~ESR_ELx_CP15_32_ISS_DIR_MASK)
#define CP64_MASK	(ESR_ELx_CP15_64_ISS_SYS_MASK & ~ESR_ELx_CP15_64_ISS_DIR_MASK)

struct cp_row {
	u32	reg;		/* as arm64_timer_read() knows it */
	u32	iss;
	u8	class;		/* ESR_ELx_EC_* */
	bool	readonly;
};

static const struct cp_row cp_rows[] = {
	{ SYS_CNTP_TVAL_EL0, ESR_ELx_CP15_32_ISS_SYS_VAL(0, 0, 14, 2), ESR_ELx_EC_CP15_32 },
	{ SYS_CNTP_CTL_EL0, ESR_ELx_CP15_32_ISS_SYS_VAL(0, 1, 14, 2), ESR_ELx_EC_CP15_32 },
	{ SYS_CNTPCT_EL0, ESR_ELx_CP15_64_ISS_SYS_VAL(0, 14), ESR_ELx_EC_CP15_64, true },
	{ SYS_CNTP_CVAL_EL0, ESR_ELx_CP15_64_ISS_SYS_VAL(2, 14), ESR_ELx_EC_CP15_64 },
	/* CNTPCTSS */
	{ SYS_CNTPCT_EL0, ESR_ELx_CP15_64_ISS_SYS_VAL(8, 14), ESR_ELx_EC_CP15_64, true },
};

/* --- conditions --------------------------------------------------------------------- */

#define CONDITION_ALWAYS	14

/* Of the instruction that trapped: in the syndrome, or else that of the IT block. */
static unsigned int cp_condition(u64 esr, u64 pstate)
{
	unsigned int it;

	if (esr & ESR_ELx_CV)
		return (esr & ESR_ELx_COND_MASK) >> ESR_ELx_COND_SHIFT;
	it = (pstate >> 8 & 0xfc) | (pstate >> 25 & 3);

	return it ? it >> 4 : CONDITION_ALWAYS;
}

/* "ConditionHolds" of the manual's pseudocode. */
static bool condition_holds(unsigned int condition, u64 pstate)
{
	bool n = pstate & PSR_N_BIT, z = pstate & PSR_Z_BIT;
	bool c = pstate & PSR_C_BIT, v = pstate & PSR_V_BIT;
	const bool holds[8] = { z, c, n, v, c && !z, n == v, n == v && !z, true };
	bool inverse = (condition & 1) && condition != 15;

	return holds[condition >> 1 & 7] != inverse;
}

/* --- accesses --------------------------------------------------------------------------- */

static const struct cp_row *cp_find(u64 esr)
{
	unsigned int class = ESR_ELx_EC(esr);
	u32 mask = class == ESR_ELx_EC_CP15_32 ? CP32_MASK : CP64_MASK;
	const struct cp_row *row = cp_rows;

	for (; row < cp_rows + ARRAY_SIZE(cp_rows); row++)
		if (row->class == class && row->iss == (esr & mask))
			return row;

	return NULL;
}

static void cp_read(struct vcpu *vcpu, const struct cp_row *row, u64 esr)
{
	u64 value = arm64_timer_read(vcpu, row->reg);

	arm64_set_reg(vcpu, ESR_ELx_SYS64_ISS_RT(esr), lower_32_bits(value));
	if (row->class == ESR_ELx_EC_CP15_64)
		arm64_set_reg(vcpu, (esr & ESR_ELx_CP15_64_ISS_RT2_MASK) >>
			      ESR_ELx_CP15_64_ISS_RT2_SHIFT, upper_32_bits(value));
}

static void cp_write(struct vcpu *vcpu, const struct cp_row *row, u64 esr)
{
	u64 value = lower_32_bits(arm64_reg(vcpu, ESR_ELx_SYS64_ISS_RT(esr)));

	if (row->class == ESR_ELx_EC_CP15_64)
		value |= arm64_reg(vcpu, (esr & ESR_ELx_CP15_64_ISS_RT2_MASK) >>
				   ESR_ELx_CP15_64_ISS_RT2_SHIFT) << 32;
	arm64_timer_write(vcpu, row->reg, value);
}

int arm64_exit_cp(struct vcpu *vcpu)
{
	u64 esr = vcpu->arch.exit.code, pstate = vcpu->arch.context.pstate;
	bool read = (esr & ESR_ELx_CP15_32_ISS_DIR_MASK) == ESR_ELx_CP15_32_ISS_DIR_READ;
	const struct cp_row *row;

	vcpu->arch.stats.sysreg_exits++;
	/* A CPU may trap also what it would not have executed. */
	if (!condition_holds(cp_condition(esr, pstate), pstate)) {
		arm64_skip(vcpu);
		return RESUME_GUEST;
	}

	row = cp_find(esr);
	if (!row || (!read && row->readonly))
		return arm64_inject_undefined(vcpu);
	if (read)
		cp_read(vcpu, row, esr);
	else
		cp_write(vcpu, row, esr);
	arm64_skip(vcpu);

	return RESUME_GUEST;
}

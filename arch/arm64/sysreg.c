// SPDX-License-Identifier: GPL-2.0-only
/*
 * System registers: accesses of a guest that trap, and user space's by ONE_REG.  Which
 * there are and what they do is in sysreg_table.c.
 */
#define pr_fmt(fmt) "keel: " fmt
#include <linux/array_size.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sysreg.h"

int arm64_sysreg_setup(void)
{
	const struct sysreg_row *row = sysreg_misplaced(arm64_sysregs, arm64_sysreg_count);

	if (!row)
		return 0;

	pr_err("system register %#x is in the wrong place of the table\n", row->encoding);

	return -EINVAL;
}

static const struct sysreg_row *sysreg_find(struct vcpu *vcpu, u32 encoding)
{
	const struct sysreg_row *row;

	row = sysreg_search(arm64_sysregs, arm64_sysreg_count, encoding);
	if (!row || (row->class->exists && !row->class->exists(vcpu, row)))
		return NULL;

	return row;
}

/* --- traps ---------------------------------------------------------------------- */

static bool esr_is_read(u64 esr)
{
	return (esr & ESR_ELx_SYS64_ISS_DIR_MASK) == ESR_ELx_SYS64_ISS_DIR_READ;
}

/* Do it.  False: there is no such register, or not in this direction. */
static bool sysreg_access(struct vcpu *vcpu, u64 esr)
{
	unsigned int reg = ESR_ELx_SYS64_ISS_RT(esr);
	const struct sysreg_class *class;
	const struct sysreg_row *row;

	row = sysreg_find(vcpu, esr_sys64_to_sysreg(esr));
	if (!row)
		return false;
	class = row->class;
	if (class->allowed && !class->allowed(vcpu, row))
		return false;

	if (esr_is_read(esr)) {
		if (!class->read)
			return false;
		arm64_set_reg(vcpu, reg, class->read(vcpu, row));
	} else {
		if (!class->write)
			return false;
		class->write(vcpu, row, arm64_reg(vcpu, reg));
	}

	return true;
}

int arm64_exit_sysreg(struct vcpu *vcpu)
{
	u64 esr = vcpu->arch.exit.code;

	vcpu->arch.stats.sysreg_exits++;
	if (!sysreg_access(vcpu, esr)) {
		pr_debug_ratelimited("guest has no system register %#x (ESR %#llx)\n",
				     (u32)esr_sys64_to_sysreg(esr), esr);
		return arm64_inject_undefined(vcpu);
	}
	arm64_skip(vcpu);

	return RESUME_GUEST;
}

/* An access as ESR_EL2 has it, without the register; to read, or to write. */
#define ESR_SYSREG(encoding, direction)					\
	(ESR_ELx_SYS64_ISS_SYS_VAL(sys_reg_Op0(encoding), sys_reg_Op1(encoding),	\
				   sys_reg_Op2(encoding), sys_reg_CRn(encoding),	\
				   sys_reg_CRm(encoding)) | ESR_ELx_SYS64_ISS_DIR_##direction)

/*
 * Does it read one of group 3 of the ID registers (HCR_EL2.TID3)?  Every one has a row, and
 * no state: Op0 3, CRm from 1 to 7, all else but Op2 is 0.
 */
static bool esr_reads_idreg(u64 access)
{
	const u64 fixed = ESR_ELx_SYS64_ISS_SYS_OP_MASK & ~(ESR_ELx_SYS64_ISS_OP2_MASK |
							 ESR_ELx_SYS64_ISS_CRM_MASK);
	u64 crm = access & ESR_ELx_SYS64_ISS_CRM_MASK;

	return (access & fixed) == ESR_SYSREG(sys_reg(3, 0, 0, 0, 0), READ) &&
	       crm && crm <= 7 << ESR_ELx_SYS64_ISS_CRM_SHIFT;
}

static int fast_done(struct vcpu *vcpu)
{
	vcpu->arch.stats.sysreg_exits++;
	arm64_skip(vcpu);

	return REENTER;
}

/*
 * An SGI touches other vCPUs, but under no lock that is taken with irqs on.  One for all
 * of them is too much with irqs off.
 */
static bool fast_sgi(struct vcpu *vcpu, u64 value)
{
	if (!vm_has_irqchip(vcpu->vm) || value & BIT_ULL(ICC_SGI1R_IRQ_ROUTING_MODE_BIT))
		return false;

	vgic_sgi(vcpu, SYS_ICC_SGI1R_EL1, value);

	return true;
}

/* What a guest does often, without the table. */
int arm64_fast_sysreg(struct vcpu *vcpu)
{
	u64 esr = vcpu->arch.exit.code, access = esr & ESR_ELx_SYS64_ISS_SYS_OP_MASK;
	unsigned int reg = ESR_ELx_SYS64_ISS_RT(esr);

	if (access == ESR_SYSREG(SYS_ICC_SGI1R_EL1, WRITE))
		return fast_sgi(vcpu, arm64_reg(vcpu, reg)) ? fast_done(vcpu) : RESUME_GUEST;

	if (access == ESR_SYSREG(SYS_CTR_EL0, READ) || esr_reads_idreg(access))
		arm64_set_reg(vcpu, reg, arm64_idreg(vcpu, esr_sys64_to_sysreg(esr)));
	else if (access == ESR_SYSREG(SYS_CNTPCT_EL0, READ) ||
		 access == ESR_SYSREG(SYS_CNTPCTSS_EL0, READ))
		arm64_set_reg(vcpu, reg, arm64_timer_read(vcpu, SYS_CNTPCT_EL0));
	else
		return RESUME_GUEST;

	return fast_done(vcpu);
}

/* --- reset ------------------------------------------------------------------------- */

/* What is not here is 0; most of it is UNKNOWN after a reset of hardware. */
static const u64 sysreg_resets[REG_COUNT] = {
	/* All off; what is RES1 without some feature is as if without. */
	[REG_SCTLR_EL1] = SCTLR_EL1_LSMAOE | SCTLR_EL1_nTLSMD | SCTLR_EL1_SPAN | SCTLR_EL1_EIS |
			  SCTLR_EL1_TSCXT | SCTLR_EL1_EOS,
	/* Not locked, so that a guest can be debugged that never heard of the lock. */
	[REG_OSLSR_EL1] = OSLSR_EL1_OSLM_IMPLEMENTED,
};

/*
 * Affinity from the number of the vCPU.  Sixteen at level 0, as many as ICC_SGI1R_EL1 can
 * name at once.
 */
static u64 sysreg_mpidr(struct vcpu *vcpu)
{
	u64 number = vcpu->id;

	return BIT_ULL(31) | (number & 0xf) | (number >> 4 & 0xff) << 8 |
	       (number >> 12 & 0xff) << 16;
}

void arm64_sysreg_create(struct vcpu *vcpu)
{
	vcpu->arch.sysreg[REG_MPIDR_EL1] = sysreg_mpidr(vcpu);
}

/*
 * All at once, but for what is part of the machine and not of its state: there, user space's
 * choice outlives a reset.  Others look at MPIDR_EL1 meanwhile, so it stays where it is, in
 * front of what is copied.
 */
static_assert(REG_MPIDR_EL1 == 0);

void arm64_sysreg_reset(struct vcpu *vcpu)
{
	u64 *regs = vcpu->arch.sysreg, levels = regs[REG_CLIDR_EL1];

	lockdep_assert_held(&vcpu->mutex);

	memcpy(regs + 1, sysreg_resets + 1, sizeof(sysreg_resets) - sizeof(*regs));
	regs[REG_CLIDR_EL1] = levels;
	arm64_cache_reset(vcpu);
}

/* --- ONE_REG --------------------------------------------------------------------------- */

#define ID_NUMBER	GENMASK_ULL(15, 0)
#define ID_SYSREG	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG)
#define ID_CCSIDR	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX |	\
			 KVM_REG_ARM_DEMUX_ID_CCSIDR)

/* The ABI's place of the fields is the hardware's, five bits lower. */
#define ID_LIKE_ENCODING(field, FIELD)	\
	(KVM_REG_ARM64_SYSREG_##FIELD##_SHIFT + SYSREG_NUMBER_SHIFT == field##_shift &&	\
	 KVM_REG_ARM64_SYSREG_##FIELD##_MASK >> KVM_REG_ARM64_SYSREG_##FIELD##_SHIFT ==	\
		field##_mask)

static_assert(ID_LIKE_ENCODING(Op0, OP0) && ID_LIKE_ENCODING(Op1, OP1) &&
	      ID_LIKE_ENCODING(CRn, CRN) && ID_LIKE_ENCODING(CRm, CRM) &&
	      ID_LIKE_ENCODING(Op2, OP2));

/* The row of an id that user space may use, or NULL. */
static const struct sysreg_row *sysreg_of_id(struct vcpu *vcpu, u64 id)
{
	const struct sysreg_row *row;

	if ((id & ~ID_NUMBER) != ID_SYSREG)
		return NULL;
	row = sysreg_find(vcpu, sysreg_from_number(id & ID_NUMBER));

	return row && row->class->get ? row : NULL;
}

/* Is it the geometry of a cache?  Then what CSSELR_EL1 would be. */
static bool cache_of_id(struct vcpu *vcpu, u64 id, unsigned int *select)
{
	if ((id & ~KVM_REG_ARM_DEMUX_VAL_MASK) != ID_CCSIDR)
		return false;
	*select = id & KVM_REG_ARM_DEMUX_VAL_MASK;

	return arm64_cache_exists(vcpu, *select);
}

int arm64_sysreg_get(struct vcpu *vcpu, u64 id, u64 *value)
{
	const struct sysreg_row *row = sysreg_of_id(vcpu, id);
	unsigned int select;

	if (row)
		*value = row->class->get(vcpu, row);
	else if (cache_of_id(vcpu, id, &select))
		*value = arm64_cache_get(vcpu, select);
	else
		return -ENOENT;

	return 0;
}

int arm64_sysreg_set(struct vcpu *vcpu, u64 id, u64 value)
{
	const struct sysreg_row *row = sysreg_of_id(vcpu, id);
	unsigned int select;

	if (row)
		return row->class->set(vcpu, row, value);
	if (!cache_of_id(vcpu, id, &select))
		return -ENOENT;
	if (value > U32_MAX)
		return -EINVAL;
	arm64_cache_set(vcpu, select, value);

	return 0;
}

/* Is this row one of ONE_REG's for this vCPU? */
static bool sysreg_is_listed(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return row->class->get && (!row->class->exists || row->class->exists(vcpu, row));
}

/* The next place of the list, if there is a list. */
static bool list_append(u64 __user *user, int *count, u64 id)
{
	if (user && put_user(id, user + *count))
		return false;
	(*count)++;

	return true;
}

int arm64_sysreg_list(struct vcpu *vcpu, u64 __user *user)
{
	const struct sysreg_row *row = arm64_sysregs;
	unsigned int select;
	int count = 0;

	for (; row < arm64_sysregs + arm64_sysreg_count; row++)
		if (sysreg_is_listed(vcpu, row) &&
		    !list_append(user, &count, ID_SYSREG | sysreg_number(row->encoding)))
			return -EFAULT;
	for (select = 0; select < ARRAY_SIZE(vcpu->arch.ccsidr); select++)
		if (arm64_cache_exists(vcpu, select) &&
		    !list_append(user, &count, ID_CCSIDR | select))
			return -EFAULT;

	return count;
}

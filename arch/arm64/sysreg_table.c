// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system registers of a guest, one row each: what trapped accesses and ONE_REG do.
 * A register that the guest has in the hardware has its row for user space, and for a
 * trap that is not expected but would be right.  What has no row does not exist: PMU,
 * AMU, SPE, TRBE, BRBE, trace, MTE, SME, LORegions, SCXTNUM, POR, EL2 and EL3 are so
 * absent on purpose, as the ID registers say (idreg.def).
 *
 * Arm Architecture Reference Manual, "AArch64 System Register Descriptions".
 */
#include <linux/array_size.h>
#include <linux/irqchip/arm-gic-v3.h>

#include "sysreg.h"

/* --- kept in arch.sysreg; arg: enum arm64_reg --------------------------------------- */

static u64 plain_get(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_sysreg(vcpu, row->arg);
}

static void plain_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	arm64_set_sysreg(vcpu, row->arg, value);
}

static int plain_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	arm64_set_sysreg(vcpu, row->arg, value);

	return 0;
}

static void ignore_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
}

#define PLAIN_USER	.get = plain_get, .set = plain_set
#define PLAIN		.read = plain_get, .write = plain_write, PLAIN_USER

static const struct sysreg_class plain = { PLAIN };
/* No EL1 register, but the ABI keeps it. */
static const struct sysreg_class user_only = { PLAIN_USER };
static const struct sysreg_class readonly = { .read = plain_get, PLAIN_USER };
/* ACTLR_EL1: whatever it is on the host, it is not the guest's to change. */
static const struct sysreg_class fixed = {
	.read = plain_get, .write = ignore_write, PLAIN_USER
};

static bool has_pauth_address(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_feature(vcpu, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
}

static bool has_pauth_generic(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_feature(vcpu, KVM_ARM_VCPU_PTRAUTH_GENERIC);
}

static const struct sysreg_class key_address = { .exists = has_pauth_address, PLAIN };
static const struct sysreg_class key_generic = { .exists = has_pauth_generic, PLAIN };

/* --- APIAKey, which the world switch has; arg: half ---------------------------------- */

static u64 key_a_get(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return vcpu->arch.context.apia[row->arg];
}

static void key_a_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	vcpu->arch.context.apia[row->arg] = value;
}

static int key_a_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	key_a_write(vcpu, row, value);

	return 0;
}

static const struct sysreg_class key_a = {
	.exists = has_pauth_address,
	.read = key_a_get, .write = key_a_write, .get = key_a_get, .set = key_a_set,
};

/* --- translation control, writes of which trap with HCR_EL2.TVM ----------------------- */

/* Also if this changed nothing: user space may have, since mmu.c last looked. */
static void control_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	arm64_set_sysreg(vcpu, row->arg, value);
	arm64_mmu_cache_toggled(vcpu);
}

static bool has_tcr2(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_idreg_field(vcpu, SYS_ID_AA64MMFR3_EL1, ID_AA64MMFR3_EL1_TCRX_SHIFT);
}

static bool has_s1pie(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_idreg_field(vcpu, SYS_ID_AA64MMFR3_EL1, ID_AA64MMFR3_EL1_S1PIE_SHIFT);
}

#define CONTROL		.read = plain_get, .write = control_write, PLAIN_USER

static const struct sysreg_class control = { CONTROL };
static const struct sysreg_class control_tcr2 = { .exists = has_tcr2, CONTROL };
static const struct sysreg_class control_s1pie = { .exists = has_s1pie, CONTROL };

/* --- ID registers ----------------------------------------------------------------------- */

static u64 id_read(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_idreg(vcpu, row->encoding);
}

static u64 id_get(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_idreg_user(vcpu, row->encoding);
}

static int id_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	return arm64_idreg_set(vcpu, row->encoding, value);
}

static const struct sysreg_class id = { .read = id_read, .get = id_get, .set = id_set };

/* --- caches --------------------------------------------------------------------------------- */

#define SELECT_MASK	15UL		/* CSSELR_EL1: Level, InD */

static void select_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	arm64_set_sysreg(vcpu, REG_CSSELR_EL1, value & SELECT_MASK);
}

static int select_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	select_write(vcpu, row, value);

	return 0;
}

static u64 geometry_read(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_cache_get(vcpu, arm64_sysreg(vcpu, REG_CSSELR_EL1));
}

static int levels_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	return arm64_cache_set_levels(vcpu, value);
}

/* Which set and way of whose cache cannot be known; all of the guest's memory it is. */
static void set_way_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	arm64_mmu_cache_toggled(vcpu);
}

static const struct sysreg_class cache_select = {
	.read = plain_get, .write = select_write, .get = plain_get, .set = select_set,
};
static const struct sysreg_class cache_geometry = { .read = geometry_read };
static const struct sysreg_class cache_levels = {
	.read = plain_get, .get = plain_get, .set = levels_set,
};
static const struct sysreg_class set_way = { .write = set_way_write };

/* --- nothing behind it -------------------------------------------------------------------- */

static u64 zero_read(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return 0;
}

static bool has_ras(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_idreg_field(vcpu, SYS_ID_AA64PFR0_EL1, ID_AA64PFR0_EL1_RAS_SHIFT);
}

static const struct sysreg_class raz = { .read = zero_read };
static const struct sysreg_class raz_wi = { .read = zero_read, .write = ignore_write };
/* ERRIDR_EL1.NUM is 0: no error record, and ERRSELR_EL1 selects none. */
static const struct sysreg_class ras_constant = { .exists = has_ras, .read = zero_read };
static const struct sysreg_class ras_record = {
	.exists = has_ras, .read = zero_read, .write = ignore_write,
};

/* --- self-hosted debug ----------------------------------------------------------------------- */

/*
 * All of it traps, so that what the guest has is in memory; what is switched on there is
 * in force from the next entry on (debug.c).  arg: kind of the register and number.
 */
enum debug_kind { DEBUG_BVR, DEBUG_BCR, DEBUG_WVR, DEBUG_WCR };

#define DEBUG_ARG(kind, number)	((kind) << 4 | (number))

#define DEBUG_REGS(name)	offsetof(struct vcpu, arch.guest_debug.dbg_##name)

/*
 * A guest has neither EL2 nor Secure state: HMC and SSC, which select them, stay 0.  Nor
 * are there more than 16 of each: no LBNX.
 */
static const struct {
	u64	mask;
	u32	field;			/* offset of u64[16] in struct vcpu */
	u8	count_shift;		/* in ID_AA64DFR0_EL1; minus one */
} debug_kinds[] = {
	[DEBUG_BVR] = { ~0ULL, DEBUG_REGS(bvr), ID_AA64DFR0_EL1_BRPs_SHIFT },
	/* E, PMC, BAS, LBN, BT */
	[DEBUG_BCR] = { 0x00ff01e7, DEBUG_REGS(bcr), ID_AA64DFR0_EL1_BRPs_SHIFT },
	[DEBUG_WVR] = { ~0ULL, DEBUG_REGS(wvr), ID_AA64DFR0_EL1_WRPs_SHIFT },
	/* E, PAC, LSC, BAS, LBN, WT, MASK */
	[DEBUG_WCR] = { 0x1f1f1fff, DEBUG_REGS(wcr), ID_AA64DFR0_EL1_WRPs_SHIFT },
};

static u64 *point_slot(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return (u64 *)((void *)vcpu + debug_kinds[row->arg >> 4].field) + (row->arg & 15);
}

/* User space sees sixteen of each, whatever the CPU has. */
static bool point_allowed(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return (row->arg & 15) <= arm64_idreg_field(vcpu, SYS_ID_AA64DFR0_EL1,
						   debug_kinds[row->arg >> 4].count_shift);
}

static u64 point_get(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return *point_slot(vcpu, row);
}

static void point_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	*point_slot(vcpu, row) = value & debug_kinds[row->arg >> 4].mask;
}

static int point_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	point_write(vcpu, row, value);

	return 0;
}

static void os_lock_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	u64 locked = value & OSLAR_EL1_OSLK ? OSLSR_EL1_OSLK : 0;

	arm64_set_sysreg(vcpu, REG_OSLSR_EL1, OSLSR_EL1_OSLM_IMPLEMENTED | locked);
}

/* That there is a lock cannot be chosen, only whether it is taken. */
static int os_lock_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	if ((value & ~OSLSR_EL1_OSLK) != OSLSR_EL1_OSLM_IMPLEMENTED)
		return -EINVAL;

	return plain_set(vcpu, row, value);
}

static const struct sysreg_class point = {
	.allowed = point_allowed,
	.read = point_get, .write = point_write, .get = point_get, .set = point_set,
};
static const struct sysreg_class os_lock = { .write = os_lock_write };
static const struct sysreg_class os_lock_status = {
	.read = plain_get, .get = plain_get, .set = os_lock_set,
};

/* --- interrupt controller ---------------------------------------------------------------------- */

static bool has_irqchip(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return vm_has_irqchip(vcpu->vm);
}

static void sgi_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	vgic_sgi(vcpu, row->encoding, value);
}

/* The interface is by system registers, and nothing else. */
static u64 sre_read(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return ICC_SRE_EL1_DIB | ICC_SRE_EL1_DFB | ICC_SRE_EL1_SRE;
}

/* Traps while one that is active has no list register. */
static void dir_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	vgic_dir(vcpu, value);
}

static const struct sysreg_class dir = { .exists = has_irqchip, .write = dir_write };
static const struct sysreg_class sgi = { .exists = has_irqchip, .write = sgi_write };
static const struct sysreg_class sre = {
	.exists = has_irqchip, .read = sre_read, .write = ignore_write,
};

/* --- timers; arg: as arm64_timer_read() knows it ------------------------------------------------ */

static u64 timer_get(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_timer_read(vcpu, row->arg);
}

static void timer_write(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	arm64_timer_write(vcpu, row->arg, value);
}

static int timer_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	arm64_timer_write(vcpu, row->arg, value);

	return 0;
}

/* Traps only if the hardware's is not the guest's. */
static const struct sysreg_class timer = {
	.read = timer_get, .write = timer_write, .get = timer_get, .set = timer_set,
};
/* TVAL is CVAL seen from now: nothing to save. */
static const struct sysreg_class timer_view = { .read = timer_get, .write = timer_write };
/* A counter runs by itself; user space may say where it is. */
static const struct sysreg_class counter = {
	.read = timer_get, .get = timer_get, .set = timer_set,
};
static const struct sysreg_class counter_view = { .read = timer_get };
/* The virtual timer is the guest's own. */
static const struct sysreg_class timer_user = { .get = timer_get, .set = timer_set };

/* --- SVE ----------------------------------------------------------------------------------------- */

static bool has_sve(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return arm64_feature(vcpu, KVM_ARM_VCPU_SVE);
}

static u64 zcr_get(struct vcpu *vcpu, const struct sysreg_row *row)
{
	return vcpu->arch.simd.zcr;
}

static int zcr_set(struct vcpu *vcpu, const struct sysreg_row *row, u64 value)
{
	vcpu->arch.simd.zcr = value & ZCR_ELx_LEN;

	return 0;
}

/* Its trap is SVE's. */
static const struct sysreg_class zcr = { .exists = has_sve, .get = zcr_get, .set = zcr_set };

/* --- the table: in order of encodings ---------------------------------------------------------------- */

#define ROW(reg, class_)	{ .encoding = SYS_##reg, .class = &(class_) }
#define ARG(reg, class_, arg_)	{ .encoding = SYS_##reg, .class = &(class_), .arg = arg_ }
/* Kept in arch.sysreg under its own name. */
#define REG(reg, class_)	ARG(reg, class_, REG_##reg)

#define POINT(kind, n, op2_)						\
	{ .encoding = sys_reg(2, 0, 0, n, op2_), .class = &point,	\
	  .arg = DEBUG_ARG(DEBUG_##kind, n) }
#define POINTS(n)	POINT(BVR, n, 4), POINT(BCR, n, 5), POINT(WVR, n, 6), POINT(WCR, n, 7)

/* A whole row of the ID space: what is not allocated there reads as 0. */
#define ID(crm, op2_)	{ .encoding = sys_reg(3, 0, 0, crm, op2_), .class = &id }
#define IDS(crm)	ID(crm, 0), ID(crm, 1), ID(crm, 2), ID(crm, 3),	\
			ID(crm, 4), ID(crm, 5), ID(crm, 6), ID(crm, 7)

const struct sysreg_row arm64_sysregs[] = {
	ROW(DC_ISW, set_way),
	ROW(DC_CSW, set_way),
	ROW(DC_CISW, set_way),

	ROW(OSDTRRX_EL1, raz_wi),
	POINTS(0),
	POINTS(1),
	REG(MDCCINT_EL1, plain),
	REG(MDSCR_EL1, plain),
	POINTS(2),
	ROW(OSDTRTX_EL1, raz_wi),
	POINTS(3),
	POINTS(4),
	POINTS(5),
	ROW(OSECCR_EL1, raz_wi),
	POINTS(6),
	POINTS(7),
	POINTS(8),
	POINTS(9),
	POINTS(10),
	POINTS(11),
	POINTS(12),
	POINTS(13),
	POINTS(14),
	POINTS(15),
	ROW(MDRAR_EL1, raz),
	ROW(OSLAR_EL1, os_lock),
	REG(OSLSR_EL1, os_lock_status),
	ROW(OSDLR_EL1, raz_wi),
	ROW(DBGPRCR_EL1, raz_wi),
	ROW(DBGCLAIMSET_EL1, raz_wi),
	ROW(DBGCLAIMCLR_EL1, raz_wi),
	ROW(DBGAUTHSTATUS_EL1, raz),
	ROW(MDCCSR_EL0, raz),
	ROW(DBGDTR_EL0, raz_wi),
	ROW(DBGDTRRX_EL0, raz_wi),	/* DBGDTRTX_EL0 to who writes */
	REG(DBGVCR32_EL2, user_only),

	ROW(MIDR_EL1, id),
	REG(MPIDR_EL1, readonly),
	ROW(REVIDR_EL1, id),
	IDS(1),
	IDS(2),
	IDS(3),
	IDS(4),
	IDS(5),
	IDS(6),
	IDS(7),

	REG(SCTLR_EL1, control),
	REG(ACTLR_EL1, fixed),
	REG(CPACR_EL1, plain),
	ROW(ZCR_EL1, zcr),
	REG(TTBR0_EL1, control),
	REG(TTBR1_EL1, control),
	REG(TCR_EL1, control),
	REG(TCR2_EL1, control_tcr2),
	ARG(APIAKEYLO_EL1, key_a, 0),
	ARG(APIAKEYHI_EL1, key_a, 1),
	REG(APIBKEYLO_EL1, key_address),
	REG(APIBKEYHI_EL1, key_address),
	REG(APDAKEYLO_EL1, key_address),
	REG(APDAKEYHI_EL1, key_address),
	REG(APDBKEYLO_EL1, key_address),
	REG(APDBKEYHI_EL1, key_address),
	REG(APGAKEYLO_EL1, key_generic),
	REG(APGAKEYHI_EL1, key_generic),
	REG(AFSR0_EL1, control),
	REG(AFSR1_EL1, control),
	REG(ESR_EL1, control),
	ROW(ERRIDR_EL1, ras_constant),
	ROW(ERRSELR_EL1, ras_record),
	ROW(ERXFR_EL1, ras_constant),
	ROW(ERXCTLR_EL1, ras_record),
	ROW(ERXSTATUS_EL1, ras_record),
	ROW(ERXADDR_EL1, ras_record),
	ROW(ERXMISC0_EL1, ras_record),
	ROW(ERXMISC1_EL1, ras_record),
	REG(FAR_EL1, control),
	REG(PAR_EL1, plain),
	REG(MAIR_EL1, control),
	REG(PIRE0_EL1, control_s1pie),
	REG(PIR_EL1, control_s1pie),
	REG(AMAIR_EL1, control),
	REG(VBAR_EL1, plain),
	REG(DISR_EL1, plain),
	ROW(ICC_DIR_EL1, dir),
	ROW(ICC_SGI1R_EL1, sgi),
	ROW(ICC_ASGI1R_EL1, sgi),
	ROW(ICC_SGI0R_EL1, sgi),
	ROW(ICC_SRE_EL1, sre),
	REG(CONTEXTIDR_EL1, control),
	REG(TPIDR_EL1, plain),
	REG(CNTKCTL_EL1, plain),

	ROW(CCSIDR_EL1, cache_geometry),
	REG(CLIDR_EL1, cache_levels),
	ROW(AIDR_EL1, id),
	REG(CSSELR_EL1, cache_select),

	ROW(CTR_EL0, id),
	REG(TPIDR_EL0, plain),
	REG(TPIDRRO_EL0, plain),
	ARG(CNTPCT_EL0, counter, SYS_CNTPCT_EL0),
	/* Of the virtual timer the ABI has the comparator and the counter exchanged. */
	ARG(CNTVCT_EL0, timer_user, SYS_CNTV_CVAL_EL0),
	ARG(CNTPCTSS_EL0, counter_view, SYS_CNTPCT_EL0),
	ARG(CNTP_TVAL_EL0, timer_view, SYS_CNTP_TVAL_EL0),
	ARG(CNTP_CTL_EL0, timer, SYS_CNTP_CTL_EL0),
	ARG(CNTP_CVAL_EL0, timer, SYS_CNTP_CVAL_EL0),
	ARG(CNTV_CTL_EL0, timer_user, SYS_CNTV_CTL_EL0),
	ARG(CNTV_CVAL_EL0, timer_user, SYS_CNTVCT_EL0),

	REG(DACR32_EL2, user_only),
	REG(IFSR32_EL2, user_only),
	REG(FPEXC32_EL2, user_only),
};

const unsigned int arm64_sysreg_count = ARRAY_SIZE(arm64_sysregs);

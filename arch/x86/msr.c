// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers: one table of ranges, in order, that says where each
 * lives, who may write what, and who gets to see it (KVM_GET_MSR_INDEX_LIST).
 * Called for exits and by the ioctls.  x2APIC registers and the deadline belong to
 * lapic.c, clocks to clock.c; what exit.c serves with irqs off does not come here.
 */
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>
#include <asm/perf_event.h>

#include "x86.h"

#define MSR_BATCH_MAX		256	/* entries of KVM_GET_MSRS and KVM_SET_MSRS */

#define MTRR_CAP		0x508	/* eight pairs, fixed ranges, write-combining */
#define MTRR_DEF_TYPE_BITS	0xcffULL
#define MTRR_MASK_VALID		BIT(11)

#define HWCR_TSC_FREQ_SEL	BIT_ULL(24)	/* the TSC counts at P0's frequency */
#define HWCR_MC_STATUS_WR_EN	BIT_ULL(18)
#define VM_CR_NO_SVM		0x18	/* SVMDIS, and LOCK */
#define DE_CFG_LFENCE		BIT_ULL(1)

/* Ranges of which the kernel names at most one. */
#define MSR_IORR_FIRST		0xc0010016
#define MSR_IORR_LAST		0xc0010019
#define MSR_MC_MASK_FIRST	0xc0010044
#define MSR_MC_MASK_LAST	0xc001004a
#define MSR_PSTATE_FIRST	0xc0010061	/* limit, control, status */
#define MSR_PSTATE_LAST		0xc0010063
#define MSR_SMM_FIRST		0xc0010111	/* base, TSEG address and mask */
#define MSR_SMM_LAST		0xc0010113
#define MSR_LS_CFG_FIRST	0xc0011020	/* LS_CFG, IC_CFG, DC_CFG, BU_CFG */
#define MSR_LS_CFG_LAST		0xc0011023

#define UCODE_REV_AMD		0x01000065
#define UCODE_REV_INTEL		0x100000000ULL

/* What these CPUs say about themselves that holds for a guest, too. */
#define ARCH_CAPABILITIES	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL |		\
				 ARCH_CAP_SKIP_VMENTRY_L1DFLUSH | ARCH_CAP_SSB_NO | \
				 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO |	\
				 ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO |	\
				 ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO |		\
				 ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA |		\
				 ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO |		\
				 ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR)

enum {
	MSR_LISTED	= BIT(0),	/* in KVM_GET_MSR_INDEX_LIST */
	MSR_PASS	= BIT(1),	/* no exit: the guest has the CPU's own */
	MSR_GUEST_RO	= BIT(2),	/* a guest that writes gets #GP */
	MSR_SOFTWARE	= BIT(3),	/* the feature is not the CPU's: the host has it */
	MSR_FAST_WRITE	= BIT(4),	/* @set may run with irqs off; @get always may */
};

struct msr_desc {
	u32	first, last;
	u16	flags;
	u16	feature;	/* X86_FEATURE_* a guest needs, 0: none */
	u16	group;		/* group of state it is in, 0: none */
	u32	offset;		/* of a u64 per MSR in struct vcpu_arch, if @get is NULL */
	/* Is @value something the guest may put there?  NULL: anything is. */
	bool	(*valid)(struct vcpu *vcpu, u32 msr, u64 value, bool host);
	/* 0 or -EINVAL.  NULL: storage as above. */
	int	(*get)(struct vcpu *vcpu, u32 msr, u64 *value, bool host);
	int	(*set)(struct vcpu *vcpu, u32 msr, u64 value, bool host);
};

/* --- what may be written -------------------------------------------------------- */

static bool valid_canonical(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	int bits = x86_guest_has(vcpu, X86_FEATURE_LA57) ? 57 : 48;

	return (u64)sign_extend64(value, bits - 1) == value;
}

/* Eight memory types, of the kinds in @types (a bit each). */
static bool valid_types(u64 value, u8 types)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = value >> i;

		if (type > 7 || !(types & BIT(type)))
			return false;
	}

	return true;
}

#define TYPES_MTRR	0x73		/* UC, WC, WT, WP, WB */
#define TYPES_PAT	0xf3		/* and UC- */

static bool valid_pat(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return valid_types(value, TYPES_PAT);
}

static bool valid_mtrr_fixed(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return valid_types(value, TYPES_MTRR);
}

static bool valid_mtrr_def_type(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	u8 type = value;

	return !(value & ~MTRR_DEF_TYPE_BITS) && type < 8 && (TYPES_MTRR & BIT(type));
}

/* Pairs: a base with a type, and a mask with a valid bit. */
static bool valid_mtrr_variable(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	u8 type = value;

	if (!host && value >> vcpu->arch.cpuid.maxphyaddr)
		return false;
	if (msr & 1)
		return !(value & (MTRR_MASK_VALID - 1));

	return !(value & 0xf00) && type < 8 && (TYPES_MTRR & BIT(type));
}

static bool valid_zero(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return !value;
}

/* Once it is locked, firmware's choice stands. */
static bool valid_feature_control(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return host || (!(vcpu->arch.feature_control & FEAT_CTL_LOCKED) &&
			!(value & ~(u64)FEAT_CTL_LOCKED));
}

static bool valid_debugctl(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return !(value & ~(u64)(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF));
}

static u64 arch_capabilities_supported(void)
{
	u64 value = 0;

	if (x86_host_allows(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &value);

	return value & ARCH_CAPABILITIES;
}

static bool valid_arch_capabilities(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return !(value & ~arch_capabilities_supported());
}

/* None is supported, so none may be on. */
static bool valid_xss(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return !(value & ~vcpu->arch.cpuid.xss_allowed);
}

/* --- nothing there, or little ------------------------------------------------------ */

static int get_zero(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	*value = 0;

	return 0;
}

static int set_ignore(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return 0;
}

static int get_refuse(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	return -EINVAL;
}

static int set_refuse(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return -EINVAL;
}

static int get_mtrr_cap(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	*value = MTRR_CAP;

	return 0;
}

static int get_vm_cr(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	*value = VM_CR_NO_SVM;

	return 0;
}

static u64 de_cfg_supported(void)
{
	return boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_LFENCE : 0;
}

static int get_de_cfg(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	*value = de_cfg_supported();

	return 0;
}

/* A guest that turns on what is on anyway, or works around what it cannot see. */
static int set_de_cfg(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return host && value & ~de_cfg_supported() ? -EINVAL : 0;
}

static int get_hwcr(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	*value = vcpu->arch.hwcr | HWCR_TSC_FREQ_SEL;

	return 0;
}

/* Workarounds for old CPUs and what firmware locks: no effect here. */
static int set_hwcr(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	if (value >> 32)
		return -EINVAL;
	vcpu->arch.hwcr = value & HWCR_MC_STATUS_WR_EN;

	return 0;
}

/* Guests write it to make the CPU report the revision; a VMM says which. */
static int set_ucode_rev(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	if (host)
		vcpu->arch.microcode = value;

	return 0;
}

/* --- owned by others ------------------------------------------------------------------ */

static int get_tsc(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	*value = x86_tsc_now(vcpu);

	return 0;
}

static int set_tsc(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	x86_tsc_write(vcpu, value, host);

	return 0;
}

/* User space restores the value; it restores the TSC itself by its own MSR. */
static int set_tsc_adjust(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	if (!host)
		x86_tsc_adjust(vcpu, value - vcpu->arch.tsc_adjust);
	vcpu->arch.tsc_adjust = value;

	return 0;
}

/* A guest has the clocks that its CPUID names. */
static bool clock_visible(struct vcpu *vcpu, u32 msr, bool host)
{
	u32 features = vcpu->arch.cpuid.pv_features;

	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
		return host || features & BIT(KVM_FEATURE_CLOCKSOURCE);
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return host || features & BIT(KVM_FEATURE_CLOCKSOURCE2);
	default:
		return host || features & BIT(KVM_FEATURE_STEAL_TIME);
	}
}

static int get_clock(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	return clock_visible(vcpu, msr, host) ? x86_clock_msr_read(vcpu, msr, value) : -EINVAL;
}

static int set_clock(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return clock_visible(vcpu, msr, host) ? x86_clock_msr_write(vcpu, msr, value) : -EINVAL;
}

static int set_apic_base(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return lapic_base_write(vcpu, value, host);
}

static int get_deadline(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	*value = lapic_deadline_read(vcpu);

	return 0;
}

static int set_deadline(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	lapic_deadline_write(vcpu, value);

	return 0;
}

static int get_x2apic(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	return lapic_msr_read(vcpu, msr, value);
}

static int set_x2apic(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return lapic_msr_write(vcpu, msr, value);
}

static int set_efer(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return x86_set_efer(vcpu, value, host);
}

/*
 * The CPU holds the guest's value from load to put, and put compares the stored
 * one with the host's to see what to restore: change both at once.
 */
static int set_tsc_aux(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	if (value >> 32)
		return -EINVAL;

	preempt_disable();
	vcpu->arch.tsc_aux = value;
	if (vcpu->loaded)
		wrmsrl(MSR_TSC_AUX, value);
	preempt_enable();

	return 0;
}

/* --- speculation ------------------------------------------------------------------------- */

static const struct {
	u64	bit;
	u16	feature;
} spec_ctrl_bits[] = {
	{ SPEC_CTRL_IBRS,	X86_FEATURE_SPEC_CTRL },
	{ SPEC_CTRL_IBRS,	X86_FEATURE_AMD_IBRS },
	{ SPEC_CTRL_STIBP,	X86_FEATURE_INTEL_STIBP },
	{ SPEC_CTRL_STIBP,	X86_FEATURE_AMD_STIBP },
	{ SPEC_CTRL_SSBD,	X86_FEATURE_SPEC_CTRL_SSBD },
	{ SPEC_CTRL_SSBD,	X86_FEATURE_AMD_SSBD },
	{ BIT(7),		X86_FEATURE_AMD_PSFD },
};

static u64 spec_ctrl_allowed(struct vcpu *vcpu, bool host)
{
	u64 value = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(spec_ctrl_bits); i++)
		if (host ? x86_host_allows(spec_ctrl_bits[i].feature) :
		    x86_guest_has(vcpu, spec_ctrl_bits[i].feature))
			value |= spec_ctrl_bits[i].bit;

	return value;
}

static int get_spec_ctrl(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	if (!spec_ctrl_allowed(vcpu, host))
		return -EINVAL;
	x86_need(vcpu, X86_MISC);
	*value = vcpu->arch.state.spec_ctrl;

	return 0;
}

/*
 * A guest that never uses it costs nothing; one that does writes it on every
 * entry to its kernel, so from the first use on it has the CPU's own.
 */
static int set_spec_ctrl(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	u64 allowed = spec_ctrl_allowed(vcpu, host);

	if (!allowed || value & ~allowed)
		return -EINVAL;
	x86_need(vcpu, X86_MISC);
	vcpu->arch.state.spec_ctrl = value;
	x86_dirty(vcpu, X86_MISC);
	if (value)
		x86_op(msr_intercept)(vcpu, msr, false, false);

	return 0;
}

static bool guest_has_ibpb(struct vcpu *vcpu)
{
	return x86_guest_has(vcpu, X86_FEATURE_AMD_IBPB) ||
		x86_guest_has(vcpu, X86_FEATURE_SPEC_CTRL);
}

/* Commands: nothing to read, nothing to restore. */
static int set_pred_cmd(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	if (!host && (!guest_has_ibpb(vcpu) || value & ~(u64)PRED_CMD_IBPB))
		return -EINVAL;
	if (!host && value)
		wrmsrl(MSR_IA32_PRED_CMD, value);

	return 0;
}

static int set_flush_cmd(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	if (value & ~(u64)L1D_FLUSH)
		return -EINVAL;
	if (!host && value)
		wrmsrl(MSR_IA32_FLUSH_CMD, value);

	return 0;
}

/* --- machine check ---------------------------------------------------------------------------- */

static u32 mce_banks(struct vcpu *vcpu)
{
	return min_t(u32, vcpu->arch.mcg_cap & MCG_BANKCNT_MASK, X86_MCE_BANKS);
}

static u64 *mce_bank(struct vcpu *vcpu, u32 msr)
{
	u32 count = mce_banks(vcpu) * 4, index = msr - MSR_IA32_MC0_CTL;

	if (index >= count)
		return NULL;

	return &vcpu->arch.mce_bank[array_index_nospec(index, count)];
}

static int get_mce_bank(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	u64 *bank = mce_bank(vcpu, msr);

	if (!bank)
		return -EINVAL;
	*value = *bank;

	return 0;
}

/* A status can only be cleared, unless the guest says that it tests its handler. */
static int set_mce_bank(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	u64 *bank = mce_bank(vcpu, msr);
	bool status = (msr & 3) == (MSR_IA32_MC0_STATUS & 3);

	if (!bank)
		return -EINVAL;
	if (status && value && !host && !(vcpu->arch.hwcr & HWCR_MC_STATUS_WR_EN))
		return -EINVAL;
	*bank = value;

	return 0;
}

static bool valid_mcg_ctl(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	return host || ((vcpu->arch.mcg_cap & MCG_CTL_P) && (!value || !~value));
}

/* KVM_X86_SETUP_MCE. */
int x86_ioctl_setup_mce(struct vcpu *vcpu, u64 mcg_cap)
{
	u32 banks = mcg_cap & MCG_BANKCNT_MASK;
	u32 i;

	if (!banks || banks > X86_MCE_BANKS ||
	    mcg_cap & ~(u64)(X86_MCG_CAP | MCG_BANKCNT_MASK))
		return -EINVAL;

	vcpu->arch.mcg_cap = mcg_cap;
	vcpu->arch.mcg_ctl = mcg_cap & MCG_CTL_P ? ~0ULL : 0;
	for (i = 0; i < banks; i++)
		vcpu->arch.mce_bank[i * 4] = ~0ULL;

	return 0;
}

/* --- the table --------------------------------------------------------------------------------- */

#define FIELDS(first_, last_, field_, ...)	\
	{ .first = (first_), .last = (last_),	\
	  .offset = offsetof(struct vcpu_arch, field_), ##__VA_ARGS__ }
#define FIELD(msr_, field_, ...)	FIELDS(msr_, msr_, field_, ##__VA_ARGS__)
#define CALLS(first_, last_, get_, set_, ...)	\
	{ .first = (first_), .last = (last_), .get = (get_), .set = (set_), ##__VA_ARGS__ }
#define CALL(msr_, get_, set_, ...)	CALLS(msr_, msr_, get_, set_, ##__VA_ARGS__)
#define ZEROES(first_, last_)		CALLS(first_, last_, get_zero, set_ignore)
#define ZERO(msr_)			ZEROES(msr_, msr_)

#define LISTED		.flags = MSR_LISTED
/* System-call state: the guest has the CPU's own, checked by the CPU. */
#define SYSCALL(msr_, field_, valid_)	\
	FIELD(msr_, state.field_, .group = X86_SYSCALL, .valid = (valid_),	\
	      .flags = MSR_LISTED | MSR_PASS)
#define SEGMENT_BASE(msr_, number_)	\
	FIELD(msr_, state.seg[number_].base, .group = X86_SEGS,		\
	      .valid = valid_canonical, .flags = MSR_PASS)

/*
 * In order.  ZERO rows are what Linux, SeaBIOS and others touch without asking
 * CPUID, or without a way to ask; anything else that is not here raises #GP.
 */
static const struct msr_desc msrs[] = {
	ZEROES(MSR_IA32_P5_MC_ADDR, MSR_IA32_P5_MC_TYPE),
	CALL(MSR_IA32_TSC, get_tsc, set_tsc, LISTED),
	CALL(MSR_KVM_WALL_CLOCK, get_clock, set_clock, LISTED),
	CALL(MSR_KVM_SYSTEM_TIME, get_clock, set_clock, LISTED),
	ZERO(MSR_IA32_PLATFORM_ID),
	FIELD(MSR_IA32_APICBASE, apic_base, .set = set_apic_base),
	ZERO(MSR_IA32_EBL_CR_POWERON),
	FIELD(MSR_SMI_COUNT, smi_count, .flags = MSR_LISTED | MSR_GUEST_RO),
	FIELD(MSR_IA32_FEAT_CTL, feature_control, .valid = valid_feature_control),
	FIELD(MSR_IA32_TSC_ADJUST, tsc_adjust, .feature = X86_FEATURE_TSC_ADJUST,
	      .set = set_tsc_adjust, LISTED),
	CALL(MSR_IA32_SPEC_CTRL, get_spec_ctrl, set_spec_ctrl,
	     .flags = MSR_LISTED | MSR_FAST_WRITE),
	CALL(MSR_IA32_PRED_CMD, get_refuse, set_pred_cmd, .flags = MSR_FAST_WRITE),
	ZERO(MSR_IA32_UCODE_WRITE),
	FIELD(MSR_IA32_UCODE_REV, microcode, .set = set_ucode_rev, LISTED),
	ZEROES(MSR_ARCH_PERFMON_PERFCTR0, MSR_ARCH_PERFMON_PERFCTR1),
	ZERO(MSR_FSB_FREQ),
	FIELD(MSR_PLATFORM_INFO, platform_info, .flags = MSR_GUEST_RO, .valid = valid_zero),
	CALL(MSR_MTRRcap, get_mtrr_cap, set_refuse),
	FIELD(MSR_IA32_ARCH_CAPABILITIES, arch_capabilities,
	      .feature = X86_FEATURE_ARCH_CAPABILITIES, .valid = valid_arch_capabilities,
	      .flags = MSR_LISTED | MSR_GUEST_RO),
	CALL(MSR_IA32_FLUSH_CMD, get_refuse, set_flush_cmd, .feature = X86_FEATURE_FLUSH_L1D),
	ZERO(MSR_IA32_BBL_CR_CTL),
	ZERO(MSR_IA32_BBL_CR_CTL3),
	CALL(MSR_MISC_FEATURES_ENABLES, get_zero, set_ignore, .valid = valid_zero),
	SYSCALL(MSR_IA32_SYSENTER_CS, sysenter_cs, NULL),
	SYSCALL(MSR_IA32_SYSENTER_ESP, sysenter_esp, valid_canonical),
	SYSCALL(MSR_IA32_SYSENTER_EIP, sysenter_eip, valid_canonical),
	FIELD(MSR_IA32_MCG_CAP, mcg_cap, .set = set_refuse),
	FIELD(MSR_IA32_MCG_STATUS, mcg_status, LISTED),
	FIELD(MSR_IA32_MCG_CTL, mcg_ctl, .valid = valid_mcg_ctl, LISTED),
	ZEROES(MSR_ARCH_PERFMON_EVENTSEL0, MSR_ARCH_PERFMON_EVENTSEL0 + 1),
	ZEROES(MSR_IA32_PERF_STATUS, MSR_IA32_PERF_CTL),
	FIELD(MSR_IA32_MISC_ENABLE, misc_enable, LISTED),
	FIELD(MSR_IA32_DEBUGCTLMSR, state.debugctl, .group = X86_MISC, .valid = valid_debugctl),
	ZEROES(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP),
	ZERO(MSR_IA32_POWER_CTL),
	FIELDS(MTRRphysBase_MSR(0), MTRRphysMask_MSR(7), mtrr_var,
	       .valid = valid_mtrr_variable, LISTED),
	FIELD(MSR_MTRRfix64K_00000, mtrr_fixed[0], .valid = valid_mtrr_fixed, LISTED),
	FIELDS(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, mtrr_fixed[1],
	       .valid = valid_mtrr_fixed, LISTED),
	FIELDS(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000, mtrr_fixed[3],
	       .valid = valid_mtrr_fixed, LISTED),
	FIELD(MSR_IA32_CR_PAT, state.pat, .group = X86_MISC, .valid = valid_pat, LISTED),
	FIELD(MSR_MTRRdefType, mtrr_def_type, .valid = valid_mtrr_def_type, LISTED),
	CALLS(MSR_IA32_MC0_CTL, MSR_IA32_MC0_CTL + 4 * X86_MCE_BANKS - 1,
	      get_mce_bank, set_mce_bank),
	CALL(MSR_IA32_TSC_DEADLINE, get_deadline, set_deadline,
	     .feature = X86_FEATURE_TSC_DEADLINE_TIMER, .flags = MSR_LISTED | MSR_SOFTWARE),
	CALLS(APIC_BASE_MSR, APIC_BASE_MSR + 0xff, get_x2apic, set_x2apic,
	      .feature = X86_FEATURE_X2APIC, .flags = MSR_SOFTWARE),
	FIELD(MSR_IA32_XSS, xss, .feature = X86_FEATURE_XSAVES, .valid = valid_xss, LISTED),
	CALLS(MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, get_clock, set_clock, LISTED),
	CALL(MSR_KVM_STEAL_TIME, get_clock, set_clock, LISTED),
	FIELD(MSR_EFER, state.efer, .group = X86_CRS, .set = set_efer),
	SYSCALL(MSR_STAR, star, NULL),
	SYSCALL(MSR_LSTAR, lstar, valid_canonical),
	SYSCALL(MSR_CSTAR, cstar, valid_canonical),
	SYSCALL(MSR_SYSCALL_MASK, sfmask, NULL),
	SEGMENT_BASE(MSR_FS_BASE, X86_FS),
	SEGMENT_BASE(MSR_GS_BASE, X86_GS),
	SYSCALL(MSR_KERNEL_GS_BASE, kernel_gs_base, valid_canonical),
	FIELD(MSR_TSC_AUX, tsc_aux, .feature = X86_FEATURE_RDTSCP, .set = set_tsc_aux, LISTED),
	ZEROES(MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3),
	ZERO(MSR_AMD64_SYSCFG),
	CALL(MSR_K7_HWCR, get_hwcr, set_hwcr, LISTED),
	ZEROES(MSR_IORR_FIRST, MSR_IORR_LAST),
	ZERO(MSR_K8_TOP_MEM1),
	ZERO(MSR_K8_TOP_MEM2),
	ZERO(MSR_AMD64_NB_CFG),
	ZERO(MSR_AMD64_PATCH_LOADER),
	ZEROES(MSR_MC_MASK_FIRST, MSR_MC_MASK_LAST),
	ZERO(MSR_K8_INT_PENDING_MSG),
	ZERO(MSR_FAM10H_MMIO_CONF_BASE),
	ZEROES(MSR_PSTATE_FIRST, MSR_PSTATE_LAST),
	ZEROES(MSR_SMM_FIRST, MSR_SMM_LAST),
	CALL(MSR_VM_CR, get_vm_cr, set_refuse),
	FIELD(MSR_AMD64_OSVW_ID_LENGTH, osvw_length, .flags = MSR_GUEST_RO),
	FIELD(MSR_AMD64_OSVW_STATUS, osvw_status, .flags = MSR_GUEST_RO),
	ZEROES(MSR_LS_CFG_FIRST, MSR_LS_CFG_LAST),
	CALL(MSR_AMD64_DE_CFG, get_de_cfg, set_de_cfg),
	ZERO(MSR_AMD64_BU_CFG2),
};

/* The row of an MSR, or NULL. */
static const struct msr_desc *msr_find(u32 msr)
{
	int low = 0, high = ARRAY_SIZE(msrs) - 1;

	while (low <= high) {
		int middle = (low + high) / 2;

		if (msr < msrs[middle].first)
			high = middle - 1;
		else if (msr > msrs[middle].last)
			low = middle + 1;
		else
			return &msrs[middle];
	}

	return NULL;
}

/*
 * The guest needs the feature in its CPUID.  User space saves and restores before
 * and without it, but only what the host can serve.
 */
static bool msr_visible(struct vcpu *vcpu, const struct msr_desc *desc, bool host)
{
	if (!desc->feature)
		return true;
	if (!host)
		return x86_guest_has(vcpu, desc->feature);

	return (desc->flags & MSR_SOFTWARE) || x86_host_allows(desc->feature);
}

static u64 *msr_storage(struct vcpu *vcpu, const struct msr_desc *desc, u32 msr)
{
	u32 count = desc->last - desc->first + 1;
	u32 index = array_index_nospec(msr - desc->first, count);

	return (u64 *)((void *)&vcpu->arch + desc->offset) + index;
}

int x86_msr_read(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	const struct msr_desc *desc = msr_find(msr);

	if (!desc || !msr_visible(vcpu, desc, host))
		return -EINVAL;
	if (desc->get)
		return desc->get(vcpu, msr, value, host);

	x86_need(vcpu, desc->group);
	*value = *msr_storage(vcpu, desc, msr);

	return 0;
}

int x86_msr_write(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	const struct msr_desc *desc = msr_find(msr);

	if (!desc || !msr_visible(vcpu, desc, host))
		return -EINVAL;
	if (!host && (desc->flags & MSR_GUEST_RO))
		return -EINVAL;
	if (desc->valid && !desc->valid(vcpu, msr, value, host))
		return -EINVAL;
	if (desc->set)
		return desc->set(vcpu, msr, value, host);

	x86_need(vcpu, desc->group);
	*msr_storage(vcpu, desc, msr) = value;
	if (desc->group)
		x86_dirty(vcpu, desc->group);

	return 0;
}

bool x86_msr_is_fast(u32 msr, bool write)
{
	const struct msr_desc *desc;

	if (!write)
		return true;
	desc = msr_find(msr);

	return desc && (desc->flags & MSR_FAST_WRITE);
}

void x86_msr_intercepts(struct vcpu *vcpu)
{
	bool own_spec_ctrl;
	int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].flags & MSR_PASS)
			x86_op(msr_intercept)(vcpu, msrs[i].first, false, false);

	x86_need(vcpu, X86_MISC);
	own_spec_ctrl = vcpu->arch.state.spec_ctrl && spec_ctrl_allowed(vcpu, false);
	x86_op(msr_intercept)(vcpu, MSR_IA32_SPEC_CTRL, !own_spec_ctrl, !own_spec_ctrl);
	x86_op(msr_intercept)(vcpu, MSR_IA32_PRED_CMD, true, !guest_has_ibpb(vcpu));
	x86_op(msr_intercept)(vcpu, MSR_IA32_FLUSH_CMD, true,
			      !x86_guest_has(vcpu, X86_FEATURE_FLUSH_L1D));
}

void x86_msr_reset(struct vcpu *vcpu, bool init)
{
	struct vcpu_arch *arch = &vcpu->arch;

	/* INIT leaves all of this alone. */
	if (init)
		return;

	arch->misc_enable = MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
			    MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL;
	arch->microcode = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ?
		UCODE_REV_INTEL : UCODE_REV_AMD;
	arch->arch_capabilities = arch_capabilities_supported();
	arch->mtrr_def_type = 0;
	memset(arch->mtrr_fixed, 0, sizeof(arch->mtrr_fixed));
	memset(arch->mtrr_var, 0, sizeof(arch->mtrr_var));
	arch->hwcr = 0;
	arch->feature_control = 0;
	arch->mcg_status = 0;
	arch->xss = 0;
	if (!arch->mcg_cap)
		arch->mcg_cap = X86_MCE_BANKS;
}

/* --- ioctls --------------------------------------------------------------------------------------- */

static bool msr_is_listed(const struct msr_desc *desc)
{
	if (!(desc->flags & MSR_LISTED))
		return false;
	if (desc->first == MSR_IA32_SPEC_CTRL)
		return spec_ctrl_allowed(NULL, true);

	return msr_visible(NULL, desc, true);
}

/* Properties of the host that a VMM reads before there is a vCPU. */
static int feature_msr(u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_IA32_UCODE_REV:
		*value = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ?
			UCODE_REV_INTEL : UCODE_REV_AMD;
		rdmsrl_safe(MSR_IA32_UCODE_REV, value);
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*value = arch_capabilities_supported();
		return x86_host_allows(X86_FEATURE_ARCH_CAPABILITIES) ? 0 : -EINVAL;
	case MSR_AMD64_DE_CFG:
		*value = de_cfg_supported();
		return 0;
	default:
		return -EINVAL;
	}
}

static const u32 feature_msrs[] = {
	MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES, MSR_AMD64_DE_CFG,
};

/* Counts all, and writes those that there is room for. */
struct msr_list {
	u32	*index;
	u32	room;
	u32	count;
};

static void msr_list_add(struct msr_list *list, u32 msr)
{
	if (list->count < list->room)
		list->index[list->count] = msr;
	list->count++;
}

static void msr_list_fill(struct msr_list *list, bool feature)
{
	u64 value;
	u32 msr;
	int i;

	if (feature) {
		for (i = 0; i < ARRAY_SIZE(feature_msrs); i++)
			if (!feature_msr(feature_msrs[i], &value))
				msr_list_add(list, feature_msrs[i]);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (!msr_is_listed(&msrs[i]))
			continue;
		for (msr = msrs[i].first; msr <= msrs[i].last; msr++)
			msr_list_add(list, msr);
	}
}

int x86_ioctl_msr_index_list(struct kvm_msr_list __user *user, bool feature)
{
	struct msr_list list = { .room = MSR_BATCH_MAX };
	u32 room;
	int ret;

	if (get_user(room, &user->nmsrs))
		return -EFAULT;
	list.index = kcalloc(list.room, sizeof(*list.index), GFP_KERNEL);
	if (!list.index)
		return -ENOMEM;

	msr_list_fill(&list, feature);
	ret = -EFAULT;
	if (put_user(list.count, &user->nmsrs))
		goto out_free;
	ret = -E2BIG;
	if (room < list.count || list.room < list.count)
		goto out_free;
	ret = copy_to_user(user->indices, list.index, list.count * sizeof(*list.index)) ?
		-EFAULT : 0;

out_free:
	kfree(list.index);
	return ret;
}

static int entry_get(struct vcpu *vcpu, struct kvm_msr_entry *entry)
{
	return x86_msr_read(vcpu, entry->index, &entry->data, true);
}

static int entry_set(struct vcpu *vcpu, struct kvm_msr_entry *entry)
{
	return x86_msr_write(vcpu, entry->index, entry->data, true);
}

static int entry_get_feature(struct vcpu *vcpu, struct kvm_msr_entry *entry)
{
	return feature_msr(entry->index, &entry->data);
}

/* Do one after the other until one fails; the result is how many were done. */
static int msrs_each(struct vcpu *vcpu, struct kvm_msrs __user *user, bool copy_back,
		     int (*access)(struct vcpu *vcpu, struct kvm_msr_entry *entry))
{
	struct kvm_msr_entry *entry;
	struct kvm_msrs head;
	int done, ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs > MSR_BATCH_MAX)
		return -E2BIG;
	entry = kcalloc(max(head.nmsrs, 1u), sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;

	ret = -EFAULT;
	if (copy_from_user(entry, user->entries, head.nmsrs * sizeof(*entry)))
		goto out_free;
	for (done = 0; done < head.nmsrs; done++)
		if (access(vcpu, &entry[done]))
			break;
	if (copy_back && copy_to_user(user->entries, entry, head.nmsrs * sizeof(*entry)))
		goto out_free;
	ret = done;

out_free:
	kfree(entry);
	return ret;
}

int x86_ioctl_get_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return msrs_each(vcpu, user, true, entry_get);
}

int x86_ioctl_set_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return msrs_each(vcpu, user, false, entry_set);
}

int x86_ioctl_get_feature_msrs(struct kvm_msrs __user *user)
{
	return msrs_each(NULL, user, true, entry_get_feature);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that are more than storage: what may be written to them, what reading and
 * writing them does.  Rows of the table in msr.c point here.
 */
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/msr-index.h>

#include "msr.h"

#define MTRR_CAP		0x508	/* eight pairs, fixed ranges, write-combining */
#define MTRR_DEF_TYPE_BITS	0xcffULL
#define MTRR_MASK_VALID		BIT(11)

#define HWCR_TSC_FREQ_SEL	BIT_ULL(24)	/* the TSC counts at P0's frequency */
#define HWCR_MC_STATUS_WR_EN	BIT_ULL(18)
#define VM_CR_NO_SVM		0x18	/* SVMDIS, and LOCK */
#define DE_CFG_LFENCE		BIT_ULL(1)

/* What these CPUs say about themselves that holds for a guest, too. */
#define ARCH_CAPABILITIES	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL |		\
				 ARCH_CAP_SKIP_VMENTRY_L1DFLUSH | ARCH_CAP_SSB_NO | \
				 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO |	\
				 ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO |	\
				 ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO |		\
				 ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA |		\
				 ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO |		\
				 ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR)

/* --- what may be written ----------------------------------------------------- */

MSR_VALID(canonical)
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

MSR_VALID(pat)
{
	return valid_types(value, TYPES_PAT);
}

MSR_VALID(mtrr_fixed)
{
	return valid_types(value, TYPES_MTRR);
}

MSR_VALID(mtrr_def_type)
{
	u8 type = value;

	return !(value & ~MTRR_DEF_TYPE_BITS) && type < 8 && (TYPES_MTRR & BIT(type));
}

/* Pairs: a base with a type, and a mask with a valid bit. */
MSR_VALID(mtrr_variable)
{
	u8 type = value;

	if (!host && value >> vcpu->arch.cpuid.maxphyaddr)
		return false;
	if (msr & 1)
		return !(value & (MTRR_MASK_VALID - 1));

	return !(value & 0xf00) && type < 8 && (TYPES_MTRR & BIT(type));
}

MSR_VALID(zero)
{
	return !value;
}

/* Once it is locked, firmware's choice stands. */
MSR_VALID(feature_control)
{
	if (value & ~(u64)FEAT_CTL_LOCKED)
		return false;

	return host || !(vcpu->arch.feature_control & FEAT_CTL_LOCKED);
}

MSR_VALID(debugctl)
{
	return !(value & ~(u64)(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF));
}

u64 msr_arch_capabilities_supported(void)
{
	u64 value = 0;

	if (x86_host_allows(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &value);

	return value & ARCH_CAPABILITIES;
}

MSR_VALID(arch_capabilities)
{
	return !(value & ~msr_arch_capabilities_supported());
}

/* None is supported, so none may be on. */
MSR_VALID(xss)
{
	return !(value & ~vcpu->arch.cpuid.xss_allowed);
}

/* --- nothing there, or little ------------------------------------------------ */

MSR_GET(zero)
{
	*value = 0;

	return 0;
}

MSR_SET(ignore)
{
	return 0;
}

MSR_GET(refuse)
{
	return -EINVAL;
}

MSR_SET(refuse)
{
	return -EINVAL;
}

MSR_GET(mtrr_cap)
{
	*value = MTRR_CAP;

	return 0;
}

MSR_GET(vm_cr)
{
	*value = VM_CR_NO_SVM;

	return 0;
}

u64 msr_de_cfg_supported(void)
{
	return boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_LFENCE : 0;
}

MSR_GET(de_cfg)
{
	*value = msr_de_cfg_supported();

	return 0;
}

/* A guest that turns on what is on anyway, or works around what it cannot see. */
MSR_SET(de_cfg)
{
	return host && value & ~msr_de_cfg_supported() ? -EINVAL : 0;
}

MSR_GET(hwcr)
{
	*value = vcpu->arch.hwcr | HWCR_TSC_FREQ_SEL;

	return 0;
}

/* Workarounds for old CPUs and what firmware locks: no effect here. */
MSR_SET(hwcr)
{
	if (value >> 32)
		return -EINVAL;
	vcpu->arch.hwcr = value & HWCR_MC_STATUS_WR_EN;

	return 0;
}

/* Guests write it to make the CPU report the revision; a VMM says which. */
MSR_SET(ucode_rev)
{
	if (host)
		vcpu->arch.microcode = value;

	return 0;
}

/* --- owned by others --------------------------------------------------------- */

MSR_GET(tsc)
{
	*value = x86_tsc_now(vcpu);

	return 0;
}

MSR_SET(tsc)
{
	x86_tsc_write(vcpu, value, host);

	return 0;
}

/* User space restores the value; it restores the TSC itself by its own MSR. */
MSR_SET(tsc_adjust)
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

MSR_GET(clock)
{
	return clock_visible(vcpu, msr, host) ? x86_clock_msr_read(vcpu, msr, value) : -EINVAL;
}

MSR_SET(clock)
{
	return clock_visible(vcpu, msr, host) ? x86_clock_msr_write(vcpu, msr, value) : -EINVAL;
}

MSR_SET(apic_base)
{
	return lapic_base_write(vcpu, value, host);
}

MSR_GET(deadline)
{
	*value = lapic_deadline_read(vcpu);

	return 0;
}

MSR_SET(deadline)
{
	lapic_deadline_write(vcpu, value);

	return 0;
}

MSR_GET(x2apic)
{
	return lapic_msr_read(vcpu, msr, value);
}

MSR_SET(x2apic)
{
	return lapic_msr_write(vcpu, msr, value);
}

MSR_SET(efer)
{
	return x86_set_efer(vcpu, value, host);
}

/*
 * The CPU holds the guest's value from load to put, and put compares the stored
 * one with the host's to see what to restore: change both at once.
 */
MSR_SET(tsc_aux)
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

/* --- speculation ------------------------------------------------------------- */

/* Leaf 0x80000008 EBX; not all kernels have a name for it. */
#define FEATURE_PSFD	(CPUID_8000_0008_EBX * 32 + 28)

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
	{ BIT(7),		FEATURE_PSFD },
};

u64 msr_spec_ctrl_allowed(struct vcpu *vcpu, bool host)
{
	u64 value = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(spec_ctrl_bits); i++)
		if (host ? x86_host_allows(spec_ctrl_bits[i].feature) :
		    x86_guest_has(vcpu, spec_ctrl_bits[i].feature))
			value |= spec_ctrl_bits[i].bit;

	return value;
}

MSR_GET(spec_ctrl)
{
	if (!msr_spec_ctrl_allowed(vcpu, host))
		return -EINVAL;
	x86_need(vcpu, X86_MISC);
	*value = vcpu->arch.state.spec_ctrl;

	return 0;
}

/*
 * A guest that never uses it costs nothing; one that does writes it on every
 * entry to its kernel, so from the first use on it has the CPU's own.
 */
MSR_SET(spec_ctrl)
{
	u64 allowed = msr_spec_ctrl_allowed(vcpu, host);

	if (!allowed || value & ~allowed)
		return -EINVAL;
	x86_need(vcpu, X86_MISC);
	vcpu->arch.state.spec_ctrl = value;
	x86_dirty(vcpu, X86_MISC);
	if (value && !(vcpu->arch.msr_passed & X86_PASS_SPEC_CTRL)) {
		vcpu->arch.msr_passed |= X86_PASS_SPEC_CTRL;
		x86_op(msr_pass)(vcpu);
	}

	return 0;
}

bool msr_guest_has_ibpb(struct vcpu *vcpu)
{
	return x86_guest_has(vcpu, X86_FEATURE_AMD_IBPB) ||
		x86_guest_has(vcpu, X86_FEATURE_SPEC_CTRL);
}

/* Commands: nothing to read, nothing to restore. */
MSR_SET(pred_cmd)
{
	if (!host && (!msr_guest_has_ibpb(vcpu) || value & ~(u64)PRED_CMD_IBPB))
		return -EINVAL;
	if (!host && value)
		wrmsrl(MSR_IA32_PRED_CMD, value);

	return 0;
}

MSR_SET(flush_cmd)
{
	if (value & ~(u64)L1D_FLUSH)
		return -EINVAL;
	if (!host && value)
		wrmsrl(MSR_IA32_FLUSH_CMD, value);

	return 0;
}

/* --- machine check ----------------------------------------------------------- */

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

MSR_GET(mce_bank)
{
	u64 *bank = mce_bank(vcpu, msr);

	if (!bank)
		return -EINVAL;
	*value = *bank;

	return 0;
}

/* A status can only be cleared, unless the guest says that it tests its handler. */
MSR_SET(mce_bank)
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

MSR_VALID(mcg_ctl)
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

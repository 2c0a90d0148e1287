/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the headers of older kernels lack, or have by another name: registers and fields
 * of the architecture, the arm64 part of the ABI of newer kernels, and what such a kernel
 * does not know of its CPUs.  Core's part of it is in core/host.h.
 *
 * A name is asked for itself, not by the version of a kernel that has it.  The numbers are
 * those of the Arm Architecture Reference Manual and of the ABI.
 */
#ifndef ARM64_HOST_COMPAT_H
#define ARM64_HOST_COMPAT_H

#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/string.h>
#include <linux/version.h>
#include <asm/cache.h>
#include <asm/cpufeature.h>
#include <asm/esr.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>

/* --- system registers -------------------------------------------------------- */

#ifndef SYS_ID_AA64MMFR3_EL1
#define SYS_ID_AA64MMFR3_EL1		sys_reg(3, 0, 0, 7, 3)
#endif
#ifndef SYS_TCR2_EL1
#define SYS_TCR2_EL1			sys_reg(3, 0, 2, 0, 3)
#endif
#ifndef SYS_TCR2_EL12
#define SYS_TCR2_EL12			sys_reg(3, 5, 2, 0, 3)
#endif
#ifndef SYS_PIRE0_EL1
#define SYS_PIRE0_EL1			sys_reg(3, 0, 10, 2, 2)
#endif
#ifndef SYS_PIRE0_EL12
#define SYS_PIRE0_EL12			sys_reg(3, 5, 10, 2, 2)
#endif
#ifndef SYS_PIR_EL1
#define SYS_PIR_EL1			sys_reg(3, 0, 10, 2, 3)
#endif
#ifndef SYS_PIR_EL12
#define SYS_PIR_EL12			sys_reg(3, 5, 10, 2, 3)
#endif
#ifndef SYS_VPIDR_EL2
#define SYS_VPIDR_EL2			sys_reg(3, 4, 0, 0, 0)
#endif
#ifndef SYS_VMPIDR_EL2
#define SYS_VMPIDR_EL2			sys_reg(3, 4, 0, 0, 5)
#endif
#ifndef SYS_VTTBR_EL2
#define SYS_VTTBR_EL2			sys_reg(3, 4, 2, 1, 0)
#endif
#ifndef SYS_VTCR_EL2
#define SYS_VTCR_EL2			sys_reg(3, 4, 2, 1, 2)
#endif
#ifndef SYS_SP_EL1
#define SYS_SP_EL1			sys_reg(3, 4, 4, 1, 0)
#endif
#ifndef SYS_MPAM2_EL2
#define SYS_MPAM2_EL2			sys_reg(3, 4, 10, 5, 0)
#endif
#ifndef SYS_CNTVOFF_EL2
#define SYS_CNTVOFF_EL2			sys_reg(3, 4, 14, 0, 3)
#endif
#ifndef SYS_CNTPCT_EL0
#define SYS_CNTPCT_EL0			sys_reg(3, 3, 14, 0, 1)
#endif
#ifndef SYS_CNTVCT_EL0
#define SYS_CNTVCT_EL0			sys_reg(3, 3, 14, 0, 2)
#endif
#ifndef SYS_CNTV_TVAL_EL0
#define SYS_CNTV_TVAL_EL0		sys_reg(3, 3, 14, 3, 0)
#endif

/* --- fields of ID registers --------------------------------------------------- */

#ifndef ID_AA64ZFR0_EL1_B16B16_SHIFT
#define ID_AA64ZFR0_EL1_B16B16_SHIFT	24
#endif
#ifndef ID_AA64ISAR2_EL1_RPRFM_SHIFT
#define ID_AA64ISAR2_EL1_RPRFM_SHIFT	48
#endif
#ifndef ID_AA64ISAR2_EL1_CSSC_SHIFT
#define ID_AA64ISAR2_EL1_CSSC_SHIFT	52
#endif
#ifndef ID_AA64MMFR3_EL1_TCRX_SHIFT
#define ID_AA64MMFR3_EL1_TCRX_SHIFT	0
#endif
#ifndef ID_AA64MMFR3_EL1_S1PIE_SHIFT
#define ID_AA64MMFR3_EL1_S1PIE_SHIFT	8
#endif

/* AArch32: all the fields of a register came by these names at once. */
#ifndef ID_PFR0_EL1_State0_SHIFT
#define ID_PFR0_EL1_State0_SHIFT	0
#define ID_PFR0_EL1_State1_SHIFT	4
#define ID_PFR0_EL1_State2_SHIFT	8
#define ID_PFR0_EL1_State3_SHIFT	12
#define ID_PFR0_EL1_CSV2_SHIFT		16
#define ID_PFR0_EL1_DIT_SHIFT		24
#define ID_PFR0_EL1_RAS_SHIFT		28
#endif
#ifndef ID_PFR1_EL1_ProgMod_SHIFT
#define ID_PFR1_EL1_ProgMod_SHIFT	0
#define ID_PFR1_EL1_MProgMod_SHIFT	8
#define ID_PFR1_EL1_GenTimer_SHIFT	16
#endif
#ifndef ID_PFR2_EL1_CSV3_SHIFT
#define ID_PFR2_EL1_CSV3_SHIFT		0
#define ID_PFR2_EL1_SSBS_SHIFT		4
#endif
#ifndef ID_DFR0_EL1_CopDbg_SHIFT
#define ID_DFR0_EL1_CopDbg_SHIFT	0
#define ID_DFR0_EL1_CopDbg_Armv8	6
#define ID_DFR0_EL1_CopDbg_Debugv8p8	10
#define ID_DFR0_EL1_PerfMon_SHIFT	24
#define ID_DFR0_EL1_PerfMon_MASK	GENMASK(27, 24)
#endif
#ifndef ID_MMFR4_EL1_SpecSEI_SHIFT
#define ID_MMFR4_EL1_SpecSEI_SHIFT	0
#define ID_MMFR4_EL1_AC2_SHIFT		4
#define ID_MMFR4_EL1_CnP_SHIFT		12
#define ID_MMFR4_EL1_HPDS_SHIFT		16
#define ID_MMFR4_EL1_LSM_SHIFT		20
#endif

/* --- fields of others ----------------------------------------------------------- */

#ifndef OSLAR_EL1_OSLK
#define OSLAR_EL1_OSLK			BIT(0)
#endif
#ifndef OSLSR_EL1_OSLK
#define OSLSR_EL1_OSLK			BIT(1)
#endif
#ifndef OSLSR_EL1_OSLM_IMPLEMENTED
#define OSLSR_EL1_OSLM_IMPLEMENTED	BIT(3)
#endif
#ifndef SYS_PAR_EL1_PA
#define SYS_PAR_EL1_PA			GENMASK_ULL(51, 12)
#endif
/* @level from 1 on. */
#ifndef CLIDR_CTYPE_SHIFT
#define CLIDR_CTYPE_SHIFT(level)	(3 * ((level) - 1))
#endif
#ifndef HCR_TID4
#define HCR_TID4			BIT_ULL(49)
#endif

/* Fault status codes; @level of the table that was walked. */
#ifndef ESR_ELx_FSC_ADDRSZ
#define ESR_ELx_FSC_ADDRSZ		0x00
#endif
#ifndef ESR_ELx_FSC_SEA_TTW
#define ESR_ELx_FSC_SEA_TTW(level)	(0x14 + (level))
#endif
#ifndef ESR_ELx_FSC_SECC
#define ESR_ELx_FSC_SECC		0x18
#endif
#ifndef ESR_ELx_FSC_SECC_TTW
#define ESR_ELx_FSC_SECC_TTW(level)	(0x1c + (level))
#endif

/* --- the ABI of newer kernels ----------------------------------------------------- */

#ifndef KVM_CAP_COUNTER_OFFSET
struct kvm_arm_counter_offset {
	__u64 counter_offset;
	__u64 reserved;
};

#define KVM_CAP_COUNTER_OFFSET		227
#define KVM_ARM_SET_COUNTER_OFFSET	_IOW(KVMIO, 0xb5, struct kvm_arm_counter_offset)
#endif

#ifndef KVM_ARM_FEATURE_ID_RANGE
struct reg_mask_range {
	__u64 addr;
	__u32 range;
	__u32 reserved[13];
};

#define KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES	230
#define KVM_ARM_GET_REG_WRITABLE_MASKS	_IOR(KVMIO, 0xb6, struct reg_mask_range)
#define KVM_ARM_FEATURE_ID_RANGE	0
#define KVM_ARM_FEATURE_ID_RANGE_SIZE	(3 * 8 * 8)
/* Op1 is 0, 1 or 3; the range has no gap for 2. */
#define KVM_ARM_FEATURE_ID_RANGE_IDX(op0, op1, crn, crm, op2)	\
	(((op1) == 3 ? 2 : (op1)) * 64 + (crm) * 8 + (op2))
#endif

#ifndef KVM_ARM_VM_SMCCC_CTRL
struct kvm_smccc_filter {
	__u32 base;
	__u32 nr_functions;
	__u8 action;
	__u8 pad[15];
};

enum {
	KVM_SMCCC_FILTER_HANDLE,
	KVM_SMCCC_FILTER_DENY,
	KVM_SMCCC_FILTER_FWD_TO_USER,
	NR_SMCCC_FILTER_ACTIONS
};

#define KVM_ARM_VM_SMCCC_CTRL		0
#define KVM_ARM_VM_SMCCC_FILTER		0
#endif

#ifndef KVM_HYPERCALL_EXIT_SMC
#define KVM_HYPERCALL_EXIT_SMC		BIT(0)
#endif

/* The part of struct kvm_run for KVM_EXIT_HYPERCALL. */
struct host_hypercall {
	__u64 nr;
	__u64 args[6];
	__u64 ret;
	__u64 flags;
};

static inline void host_run_hypercall(struct kvm_run *run, u64 nr, u64 flags)
{
	const struct host_hypercall hypercall = { .nr = nr, .flags = flags };

	memcpy(run->padding, &hypercall, sizeof(hypercall));
}

/* --- what the kernel knows of its CPUs --------------------------------------------- */

/*
 * An ID register, as far as the kernel knows it and all CPUs have it.
 *
 * To ask for a register that it does not know would be a WARN.  It is 0 then, whatever the
 * CPU says: firmware that is good enough for this kernel need not give access to what it
 * does not know (SCR_EL3.TCR2En, PIEn), and may stop the machine for an attempt.
 */
static inline u64 host_id_register(u32 reg)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	if (reg == SYS_ID_AA64MMFR3_EL1)
		return 0;
#endif

	return read_sanitised_ftr_reg(reg);
}

#endif /* ARM64_HOST_COMPAT_H */

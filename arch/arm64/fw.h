/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the firmware calls share: fw.c has the table and the registers of
 * user space, fw_psci.c and fw_smccc.c the handlers.  These find NOT_SUPPORTED in the
 * struct fw_result, and leave what goes to x0 to x3.
 */
#ifndef ARM64_FW_H
#define ARM64_FW_H

#include <linux/arm-smccc.h>
#include <uapi/linux/psci.h>

#include "arm64.h"

/* The highest version of PSCI here; its optional functions are rows of the table. */
#define FW_PSCI_VERSION		PSCI_VERSION(1, 3)

/* Index of vm_arch.fw_bitmap, by owner of the calls that its bits switch. */
enum { FW_STD, FW_STD_HYP, FW_VENDOR_HYP };

/* A call of the guest (SMC Calling Convention, "Function Identifier Values"). */
struct fw_call {
	u32	id;
	/* What the guest must have; 0: everybody has it. */
	u32	psci;		/* PSCI_VERSION() or later */
	u8	service;	/* 1 + index of fw_bitmap, and the bit there */
	u8	bit;
	bool	(*present)(struct vcpu *vcpu);	/* and this; NULL: it is */
	/*
	 * With irqs on, as handle_exit; the pc is behind the call.  Its results;
	 * RESUME_GUEST: @result goes to the guest.
	 */
	int	(*call)(struct vcpu *vcpu, struct fw_result *result);
	/* With irqs off, as fast_exit: the same, always to its end.  NULL: cannot. */
	void	(*fast)(struct vcpu *vcpu, struct fw_result *result);
	/* The answer of SMCCC_ARCH_FEATURES; NULL: NOT_SUPPORTED.  irqs on or off. */
	s32	(*feature)(struct vcpu *vcpu);
	/* The answer of PSCI_FEATURES, unless it is 0. */
	u32	psci_features;
};

static inline u32 fw_function(struct vcpu *vcpu)
{
	return arm64_reg(vcpu, 0);
}

/* Number @number, 1 to 6, as wide as the convention of the call says. */
static inline u64 fw_argument(struct vcpu *vcpu, unsigned int number)
{
	u64 value = arm64_reg(vcpu, number);

	return ARM_SMCCC_IS_64(fw_function(vcpu)) ? value : lower_32_bits(value);
}

/* Errors are signed whatever the width of the call. */
static inline int fw_return(struct fw_result *result, s64 value)
{
	result->value[0] = value;

	return RESUME_GUEST;
}

/* The row of @id, if this guest has the call.  Any context. */
const struct fw_call *fw_find(struct vcpu *vcpu, u32 id);

/* --- fw_psci.c ------------------------------------------------------------- */

/* What this vCPU's guest sees; 0.1 without KVM_ARM_VCPU_PSCI_0_2.  Any context. */
u32 psci_version(struct vcpu *vcpu);

bool psci_is_0_1(struct vcpu *vcpu);
bool psci_may_suspend_system(struct vcpu *vcpu);
void fast_psci_version(struct vcpu *vcpu, struct fw_result *result);
void fast_psci_features(struct vcpu *vcpu, struct fw_result *result);
void fast_psci_migrate_info_type(struct vcpu *vcpu, struct fw_result *result);
int psci_cpu_suspend(struct vcpu *vcpu, struct fw_result *result);
int psci_cpu_off(struct vcpu *vcpu, struct fw_result *result);
int psci_cpu_on(struct vcpu *vcpu, struct fw_result *result);
int psci_affinity_info(struct vcpu *vcpu, struct fw_result *result);
int psci_system_off(struct vcpu *vcpu, struct fw_result *result);
int psci_system_off2(struct vcpu *vcpu, struct fw_result *result);
int psci_system_reset(struct vcpu *vcpu, struct fw_result *result);
int psci_system_reset2(struct vcpu *vcpu, struct fw_result *result);
int psci_system_suspend(struct vcpu *vcpu, struct fw_result *result);

/* --- fw_smccc.c ------------------------------------------------------------ */

/* KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_n: what the host has.  irqs on or off. */
u64 smccc_workaround_1_level(void);
u64 smccc_workaround_2_level(void);
u64 smccc_workaround_3_level(void);

s32 smccc_always(struct vcpu *vcpu);
s32 smccc_feature_workaround_1(struct vcpu *vcpu);
s32 smccc_feature_workaround_2(struct vcpu *vcpu);
s32 smccc_feature_workaround_3(struct vcpu *vcpu);
void fast_smccc_version(struct vcpu *vcpu, struct fw_result *result);
void fast_smccc_arch_features(struct vcpu *vcpu, struct fw_result *result);
void fast_smccc_workaround_1(struct vcpu *vcpu, struct fw_result *result);
void fast_smccc_workaround_2(struct vcpu *vcpu, struct fw_result *result);
void fast_smccc_workaround_3(struct vcpu *vcpu, struct fw_result *result);
void fast_trng_version(struct vcpu *vcpu, struct fw_result *result);
void fast_trng_features(struct vcpu *vcpu, struct fw_result *result);
void fast_trng_get_uuid(struct vcpu *vcpu, struct fw_result *result);
int trng_rnd(struct vcpu *vcpu, struct fw_result *result);
int pv_time(struct vcpu *vcpu, struct fw_result *result);
void fast_vendor_uid(struct vcpu *vcpu, struct fw_result *result);
void fast_vendor_features(struct vcpu *vcpu, struct fw_result *result);
int vendor_ptp(struct vcpu *vcpu, struct fw_result *result);

#endif /* ARM64_FW_H */

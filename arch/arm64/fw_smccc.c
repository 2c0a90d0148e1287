// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware calls about this CPU and to services: Arm Architecture Calls (DEN0028, "SMC
 * Calling Convention"; DEN0070 for the workarounds), the True Random Number Generator
 * (DEN0098), Paravirtualized Time (DEN0057), and the vendor's calls of the ABI
 * (Documentation/virt/kvm/arm/hypercalls.rst).  Rows of fw.c's table.
 */
#include <linux/clocksource_ids.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/timekeeping.h>
#include <asm/cpufeature.h>

#include "fw.h"

/* TRNG, "Return error codes". */
#define TRNG_INVALID_PARAMETERS	(-2)
#define TRNG_NO_ENTROPY		(-3)
#define TRNG_VERSION_1_0	0x10000
/* Registers that carry entropy. */
#define TRNG_REGISTERS		3

/* --- the Arm architecture -------------------------------------------------- */

s32 smccc_always(struct vcpu *vcpu)
{
	return SMCCC_RET_SUCCESS;
}

void fast_smccc_version(struct vcpu *vcpu, struct fw_result *result)
{
	result->value[0] = ARM_SMCCC_VERSION_1_1;
}

void fast_smccc_arch_features(struct vcpu *vcpu, struct fw_result *result)
{
	const struct fw_call *row = fw_find(vcpu, fw_argument(vcpu, 1));

	if (row && row->feature)
		fw_return(result, row->feature(vcpu));
}

/* --- workarounds ----------------------------------------------------------- */

/*
 * The kernel tells a module which of its CPUs are affected, not what it does about it.
 * What the host's firmware does a guest may have done, too: the call is handed on.
 */

/* Does the host's firmware have this workaround? */
static bool firmware_has(u32 function)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_invoke(ARM_SMCCC_ARCH_FEATURES_FUNC_ID, function, &res);

	return (s32)res.a0 >= 0;
}

static void firmware_call(u32 function, bool affected, struct fw_result *result)
{
	struct arm_smccc_res res = { .a0 = SMCCC_RET_SUCCESS };

	if (affected)
		arm_smccc_1_1_invoke(function, &res);
	fw_return(result, (s32)res.a0);
}

/* The two have the same levels by the same names. */
static u64 firmware_level(u32 function, bool affected)
{
	static_assert(KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_AVAIL ==
		      KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3_AVAIL);
	static_assert(KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED ==
		      KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_REQUIRED);

	if (!affected)
		return KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED;

	return firmware_has(function) ? KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_AVAIL :
					KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_AVAIL;
}

static s32 firmware_feature(u64 level)
{
	static const s32 features[] = {
		[KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_AVAIL]	= SMCCC_RET_NOT_SUPPORTED,
		[KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_AVAIL]	= SMCCC_RET_SUCCESS,
		[KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED] =
			SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED,
	};

	return features[level];
}

/* Branch predictions of another context (ID_AA64PFR0_EL1.CSV2 says that there are none). */
u64 smccc_workaround_1_level(void)
{
	return firmware_level(ARM_SMCCC_ARCH_WORKAROUND_1, cpus_have_cap(ARM64_SPECTRE_V2));
}

s32 smccc_feature_workaround_1(struct vcpu *vcpu)
{
	return firmware_feature(smccc_workaround_1_level());
}

void fast_smccc_workaround_1(struct vcpu *vcpu, struct fw_result *result)
{
	firmware_call(ARM_SMCCC_ARCH_WORKAROUND_1, cpus_have_cap(ARM64_SPECTRE_V2), result);
}

/* Branch history; a guest knows by itself the CPUs where a loop is enough. */
u64 smccc_workaround_3_level(void)
{
	return firmware_level(ARM_SMCCC_ARCH_WORKAROUND_3, cpus_have_cap(ARM64_SPECTRE_BHB));
}

s32 smccc_feature_workaround_3(struct vcpu *vcpu)
{
	return firmware_feature(smccc_workaround_3_level());
}

void fast_smccc_workaround_3(struct vcpu *vcpu, struct fw_result *result)
{
	firmware_call(ARM_SMCCC_ARCH_WORKAROUND_3, cpus_have_cap(ARM64_SPECTRE_BHB), result);
}

/* Speculative store bypass: the guest has PSTATE.SSBS, where the CPU has. */
u64 smccc_workaround_2_level(void)
{
	return cpus_have_cap(ARM64_SPECTRE_V4) ?
	       KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_AVAIL :
	       KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_REQUIRED;
}

/* "SMCCC_ARCH_WORKAROUND_2": NOT_REQUIRED is another number here. */
s32 smccc_feature_workaround_2(struct vcpu *vcpu)
{
	return cpus_have_cap(ARM64_SPECTRE_V4) ? SMCCC_RET_NOT_SUPPORTED :
						 SMCCC_RET_NOT_REQUIRED;
}

void fast_smccc_workaround_2(struct vcpu *vcpu, struct fw_result *result)
{
	if (!cpus_have_cap(ARM64_SPECTRE_V4))
		fw_return(result, SMCCC_RET_SUCCESS);
}

/* --- random numbers -------------------------------------------------------- */

void fast_trng_version(struct vcpu *vcpu, struct fw_result *result)
{
	result->value[0] = TRNG_VERSION_1_0;
}

void fast_trng_features(struct vcpu *vcpu, struct fw_result *result)
{
	static const u32 functions[] = {
		ARM_SMCCC_TRNG_VERSION, ARM_SMCCC_TRNG_FEATURES, ARM_SMCCC_TRNG_GET_UUID,
		ARM_SMCCC_TRNG_RND32, ARM_SMCCC_TRNG_RND64,
	};
	u32 function = fw_argument(vcpu, 1);
	int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i] == function)
			result->value[0] = SMCCC_RET_SUCCESS;
}

/* Of this source of entropy and no other: 5bf0d1c6-3a4e-4e17-9c0f-72a8c4b6e1d5. */
void fast_trng_get_uuid(struct vcpu *vcpu, struct fw_result *result)
{
	*result = (struct fw_result) { { 0xc6d1f05b, 0x174e4e3a, 0xa8720f9c, 0xd5e1b6c4 } };
}

/* "TRNG_RND": the last register has the low bits, and what is not asked for is 0. */
int trng_rnd(struct vcpu *vcpu, struct fw_result *result)
{
	const unsigned int width = ARM_SMCCC_IS_64(fw_function(vcpu)) ? 64 : 32;
	u64 bits = fw_argument(vcpu, 1);
	unsigned int i, count;

	if (!bits || bits > TRNG_REGISTERS * width)
		return fw_return(result, TRNG_INVALID_PARAMETERS);
	if (!rng_is_initialized())
		return fw_return(result, TRNG_NO_ENTROPY);

	for (i = TRNG_REGISTERS; i; i--) {
		count = min_t(u64, bits, width);
		result->value[i] = count ? get_random_u64() & GENMASK_ULL(count - 1, 0) : 0;
		bits -= count;
	}

	return fw_return(result, SMCCC_RET_SUCCESS);
}

/* --- stolen time ----------------------------------------------------------- */

int pv_time(struct vcpu *vcpu, struct fw_result *result)
{
	return fw_return(result, arm64_steal_call(vcpu, fw_function(vcpu),
						  fw_argument(vcpu, 1)));
}

/* --- the vendor's ---------------------------------------------------------- */

/* What the guest sees behind /dev/kvm behaves like it. */
void fast_vendor_uid(struct vcpu *vcpu, struct fw_result *result)
{
	*result = (struct fw_result) { {
		ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_0, ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_1,
		ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_2, ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_3,
	} };
}

/* The bits of the register are the numbers of the functions. */
void fast_vendor_features(struct vcpu *vcpu, struct fw_result *result)
{
	static_assert(KVM_REG_ARM_VENDOR_HYP_BIT_FUNC_FEAT == ARM_SMCCC_KVM_FUNC_FEATURES);
	static_assert(KVM_REG_ARM_VENDOR_HYP_BIT_PTP == ARM_SMCCC_KVM_FUNC_PTP);

	result->value[0] = READ_ONCE(vcpu->vm->arch.fw_bitmap[FW_VENDOR_HYP]);
}

/* Documentation/virt/kvm/arm/ptp_kvm.rst: the host's wall clock by the guest's counter. */
int vendor_ptp(struct vcpu *vcpu, struct fw_result *result)
{
	static const u8 counters[] = {
		[KVM_PTP_VIRT_COUNTER] = TIMER_VIRTUAL,
		[KVM_PTP_PHYS_COUNTER] = TIMER_PHYSICAL,
	};
	u64 counter = fw_argument(vcpu, 1), cycles;
	struct system_time_snapshot now;

	if (counter >= ARRAY_SIZE(counters))
		return RESUME_GUEST;
	ktime_get_snapshot(&now);
	if (now.cs_id != CSID_ARM_ARCH_COUNTER)
		return RESUME_GUEST;

	counter = counters[array_index_nospec(counter, ARRAY_SIZE(counters))];
	cycles = now.cycles - READ_ONCE(vcpu->vm->arch.counter_offset[counter]);
	*result = (struct fw_result) { {
		upper_32_bits(now.real), lower_32_bits(now.real),
		upper_32_bits(cycles), lower_32_bits(cycles),
	} };

	return RESUME_GUEST;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores of the guest where there is no memory.  The syndrome describes those of
 * a single general register; they are done by core's vcpu_mmio().  All others are the
 * business of user space (KVM_EXIT_ARM_NISV), if it wants them.  Called by exit.c.
 */
#include <linux/bitops.h>
#include <linux/swab.h>

#include "arm64.h"

/* Does the guest access data in big-endian order, where it is now? */
static bool access_big_endian(struct vcpu *vcpu)
{
	u64 sctlr;

	if (arm64_aarch32(vcpu))
		return vcpu->arch.context.pstate & PSR_AA32_E_BIT;

	sctlr = arm64_sysreg(vcpu, REG_SCTLR_EL1);

	return sctlr & (arm64_user_mode(vcpu) ? SCTLR_EL1_E0E : SCTLR_ELx_EE);
}

/* The low @len bytes of a register, as the guest has them in memory, and back. */
static u64 access_swap(struct vcpu *vcpu, u64 value, unsigned int len)
{
	return access_big_endian(vcpu) ? swab64(value) >> (64 - 8 * len) : value;
}

/* What was read, in the order of a register.  A store is a load into the zero register. */
static void access_finish(struct vcpu *vcpu, u64 value)
{
	unsigned int len = vcpu->arch.access.len;

	if (vcpu->arch.access.sign)
		value = sign_extend64(value, 8 * len - 1);
	if (!vcpu->arch.access.wide)
		value = lower_32_bits(value);

	arm64_set_reg(vcpu, vcpu->arch.access.rd, value);
	arm64_skip(vcpu);
}

static int access_complete(struct vcpu *vcpu)
{
	u64 value;

	/* All of it: what the access did not fill is 0. */
	memcpy(&value, vcpu->arch.access.data, sizeof(value));
	access_finish(vcpu, access_swap(vcpu, value, vcpu->arch.access.len));

	return RESUME_GUEST;
}

/* Arm ARM, "ISS encoding for an exception from a Data Abort". */
static unsigned int esr_register(u64 esr)
{
	return (esr & ESR_ELx_SRT_MASK) >> ESR_ELx_SRT_SHIFT;
}

static unsigned int esr_length(u64 esr)
{
	return 1 << ((esr & ESR_ELx_SAS) >> ESR_ELx_SAS_SHIFT);
}

static void access_set(struct vcpu *vcpu, u64 esr)
{
	vcpu->arch.access.rd = esr & ESR_ELx_WNR ? 31 : esr_register(esr);
	vcpu->arch.access.len = esr_length(esr);
	vcpu->arch.access.sign = esr & ESR_ELx_SSE;
	vcpu->arch.access.wide = esr & ESR_ELx_SF;
}

static int access_begin(struct vcpu *vcpu, gpa_t gpa, u64 esr)
{
	unsigned int len = esr_length(esr);
	bool write = esr & ESR_ELx_WNR;
	u64 value = 0;
	int ret;

	if (write)
		value = access_swap(vcpu, arm64_reg(vcpu, esr_register(esr)), len);
	access_set(vcpu, esr);
	memcpy(vcpu->arch.access.data, &value, sizeof(value));

	ret = vcpu_mmio(vcpu, gpa, vcpu->arch.access.data, len, write, access_complete);
	if (ret != RESUME_GUEST)
		return ret;

	return access_complete(vcpu);
}

/*
 * More than one register, or none, or with writeback.  A program of the guest must not be
 * able to end the VM, so it gets what a device answers that does not support such an
 * access.
 */
static int access_unknown(struct vcpu *vcpu, gpa_t gpa, u64 esr)
{
	if (READ_ONCE(vcpu->vm->arch.nisv_to_user)) {
		vcpu->run->arm_nisv.esr_iss = esr & ESR_ELx_ISS_MASK;
		vcpu->run->arm_nisv.fault_ipa = gpa;
		return vcpu_exit(vcpu, KVM_EXIT_ARM_NISV);
	}
	if (arm64_user_mode(vcpu))
		return arm64_inject_data_abort(vcpu, vcpu->arch.exit.info1);

	return -ENOSYS;
}

int arm64_emulate_access(struct vcpu *vcpu, gpa_t gpa)
{
	u64 esr = vcpu->arch.exit.code;

	if (!(esr & ESR_ELx_ISV))
		return access_unknown(vcpu, gpa, esr);

	return access_begin(vcpu, gpa, esr);
}

/* --- at once, with irqs off ---------------------------------------------------- */

/* A load or store, by the syndrome, of what is not mapped: all that says otherwise is 0. */
#define FAST_MASK	(ESR_ELx_ISV | ESR_ELx_CM | ESR_ELx_S1PTW | ESR_ELx_FSC_TYPE)
#define FAST_ACCESS	(ESR_ELx_ISV | (ESR_ELx_FSC_FAULT & ESR_ELx_FSC_TYPE))
/* And of one word, that is not sign-extended. */
#define WORD_MASK	(ESR_ELx_SAS | ESR_ELx_SSE)
#define WORD_ACCESS	(2UL << ESR_ELx_SAS_SHIFT)

static bool fast_word(struct vcpu *vcpu, gpa_t gpa, u64 esr)
{
	unsigned int reg = esr_register(esr);
	bool write = esr & ESR_ELx_WNR;
	u32 value = 0;

	if ((esr & WORD_MASK) != WORD_ACCESS)
		return false;
	if (write)
		value = arm64_reg(vcpu, reg);
	if (!vgic_fast_access(vcpu, gpa, write, &value))
		return false;

	if (!write)
		arm64_set_reg(vcpu, reg, value);
	arm64_skip(vcpu);

	return true;
}

/* What is not aligned is several accesses, for vcpu_mmio(). */
static bool fast_device(struct vcpu *vcpu, gpa_t gpa, u64 esr)
{
	unsigned int len = esr_length(esr);
	u64 value = 0;
	int err;

	if (!iobus_maybe(vcpu->vm, IOBUS_MMIO, gpa) || gpa & (len - 1))
		return false;
	if (esr & ESR_ELx_WNR) {
		value = arm64_reg(vcpu, esr_register(esr));
		err = iobus_write_atomic(vcpu, IOBUS_MMIO, gpa, len, &value);
	} else {
		err = iobus_read_atomic(vcpu, IOBUS_MMIO, gpa, len, &value);
	}
	if (err)
		return false;

	access_set(vcpu, esr);
	access_finish(vcpu, value);

	return true;
}

int arm64_fast_access(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	gpa_t gpa = arm64_exit_gpa(exit);
	u64 esr = exit->code;

	if ((esr & FAST_MASK) != FAST_ACCESS || !vcpu_memslot_missed(vcpu, gpa_to_gfn(gpa)) ||
	    access_big_endian(vcpu))
		return RESUME_GUEST;
	if (!fast_word(vcpu, gpa, esr) && !fast_device(vcpu, gpa, esr))
		return RESUME_GUEST;
	vcpu->arch.stats.mmio_insns++;

	return REENTER;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware calls about power: the Power State Coordination Interface (DEN0022), versions
 * 0.1 to 1.3.  Rows of fw.c's table.
 */
#include <linux/cleanup.h>
#include <linux/mutex.h>
#include <asm/cputype.h>

#include "fw.h"

/* AFFINITY_INFO, "lowest_affinity_level": those that MPIDR_EL1 has. */
#define AFFINITY_LEVELS		4

bool psci_is_0_1(struct vcpu *vcpu)
{
	return !arm64_feature(vcpu, KVM_ARM_VCPU_PSCI_0_2);
}

bool psci_may_suspend_system(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->vm->arch.system_suspend);
}

u32 psci_version(struct vcpu *vcpu)
{
	return psci_is_0_1(vcpu) ? PSCI_VERSION(0, 1) : READ_ONCE(vcpu->vm->arch.psci_version);
}

/* Before 0.2 there were no conventions, and an argument is a register. */
static u64 psci_argument(struct vcpu *vcpu, unsigned int number)
{
	return psci_is_0_1(vcpu) ? arm64_reg(vcpu, number) : fw_argument(vcpu, number);
}

/* --- about PSCI itself ----------------------------------------------------- */

void fast_psci_version(struct vcpu *vcpu, struct fw_result *result)
{
	result->value[0] = psci_version(vcpu);
}

/* "PSCI_FEATURES": of PSCI's functions, and whether there is an SMCCC_VERSION to ask. */
void fast_psci_features(struct vcpu *vcpu, struct fw_result *result)
{
	u32 function = psci_argument(vcpu, 1);
	const struct fw_call *row = fw_find(vcpu, function);

	if (row && (row->psci || function == ARM_SMCCC_VERSION_FUNC_ID))
		result->value[0] = row->psci_features;
}

/* "MIGRATE_INFO_TYPE": there is no Trusted OS that would have to be migrated. */
void fast_psci_migrate_info_type(struct vcpu *vcpu, struct fw_result *result)
{
	result->value[0] = PSCI_0_2_TOS_MP;
}

/* --- CPUs ------------------------------------------------------------------ */

/* Its affinity; constant once it is initialized. */
static u64 cpu_affinity(const struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.sysreg[REG_MPIDR_EL1]) & MPIDR_HWID_BITMASK;
}

static bool cpu_exists(const struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.initialized);
}

static struct vcpu *cpu_find(struct vm *vm, u64 affinity)
{
	struct vcpu *vcpu;
	unsigned int i;

	if (affinity & ~MPIDR_HWID_BITMASK)
		return NULL;

	vm_for_each_vcpu(i, vcpu, vm)
		if (cpu_exists(vcpu) && cpu_affinity(vcpu) == affinity)
			return vcpu;

	return NULL;
}

/* It does not enter the guest from here on. */
static void cpu_set_stopped(struct vcpu *vcpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_STOPPED);
	vcpu->arch.start.pending = false;
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);
}

/*
 * "CPU_SUSPEND": any state is a wait for an interrupt.  From a power-down state, too, the
 * CPU may come back as if it had never been in it, with its registers and behind the call.
 */
int psci_cpu_suspend(struct vcpu *vcpu, struct fw_result *result)
{
	arm64_wait(vcpu);

	return fw_return(result, PSCI_RET_SUCCESS);
}

/* Only user space could let it go on; who starts it gives it other registers. */
int psci_cpu_off(struct vcpu *vcpu, struct fw_result *result)
{
	cpu_set_stopped(vcpu);

	return fw_return(result, PSCI_RET_INTERNAL_FAILURE);
}

/* Version 0.1 has no other words for what is wrong. */
static s64 cpu_on_error(struct vcpu *vcpu, s64 error)
{
	return psci_is_0_1(vcpu) ? PSCI_RET_INVALID_PARAMS : error;
}

/*
 * Write down where @target begins; false: it is on.  One that others have started but
 * that has not begun is on, as the ABI has it: nobody sees ON_PENDING.
 */
static bool cpu_prepare(struct vcpu *vcpu, struct vcpu *target)
{
	const bool big_endian = arm64_sysreg(vcpu, REG_SCTLR_EL1) & SCTLR_ELx_EE;
	unsigned long flags;
	bool stopped;

	raw_spin_lock_irqsave(&target->mp_lock, flags);
	stopped = target->mp_state == KVM_MP_STATE_STOPPED;
	if (stopped) {
		target->arch.start.pc = psci_argument(vcpu, 2);
		target->arch.start.x0 = psci_argument(vcpu, 3);
		target->arch.start.big_endian = big_endian;
		target->arch.start.pending = true;
	}
	raw_spin_unlock_irqrestore(&target->mp_lock, flags);

	return stopped;
}

/*
 * Start a CPU that is off.  It must not be seen runnable on its way past the look at its
 * requests, or it would run on where it stopped: so first everybody knows of the request,
 * then it is runnable.  config_lock: one at a time.
 */
static s64 cpu_start(struct vcpu *vcpu, struct vcpu *target)
{
	unsigned long flags;

	guard(mutex)(&vcpu->vm->config_lock);

	/* While this waited for the lock: cpus_stop(). */
	if (READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_STOPPED)
		return PSCI_RET_INTERNAL_FAILURE;
	if (!cpu_prepare(vcpu, target))
		return cpu_on_error(vcpu, PSCI_RET_ALREADY_ON);

	vm_request_some(vcpu->vm, &target, 1, REQ_START);

	raw_spin_lock_irqsave(&target->mp_lock, flags);
	WRITE_ONCE(target->mp_state, KVM_MP_STATE_RUNNABLE);
	raw_spin_unlock_irqrestore(&target->mp_lock, flags);

	/* It may have begun already and sleep because it was stopped still. */
	vcpu_request(target, REQ_UNBLOCK);
	vcpu_kick(target);

	return PSCI_RET_SUCCESS;
}

/*
 * "CPU_ON".  Invalid is an address that no CPU can have.  Where memory is, only user space
 * knows, and that it comes later is its right; else the CPU takes its fault there.
 */
int psci_cpu_on(struct vcpu *vcpu, struct fw_result *result)
{
	struct vcpu *target = cpu_find(vcpu->vm, psci_argument(vcpu, 1));

	if (!target)
		return fw_return(result, PSCI_RET_INVALID_PARAMS);
	if (psci_argument(vcpu, 2) >> vcpu->vm->arch.ipa_bits)
		return fw_return(result, psci_version(vcpu) < PSCI_VERSION(1, 0) ?
				 PSCI_RET_INVALID_PARAMS : PSCI_RET_INVALID_ADDRESS);

	return fw_return(result, cpu_start(vcpu, target));
}

/* What AFFINITY_INFO compares, above @level. */
static u64 affinity_mask(unsigned int level)
{
	static const u64 masks[AFFINITY_LEVELS] = {
		0xff00ffffff, 0xff00ffff00, 0xff00ff0000, 0xff00000000,
	};

	return masks[array_index_nospec(level, AFFINITY_LEVELS)];
}

/* "AFFINITY_INFO": on if any of them is. */
int psci_affinity_info(struct vcpu *vcpu, struct fw_result *result)
{
	u64 affinity = psci_argument(vcpu, 1), level = psci_argument(vcpu, 2), mask;
	s64 state = PSCI_RET_INVALID_PARAMS;
	struct vcpu *other;
	unsigned int i;

	if (level >= AFFINITY_LEVELS || (affinity & ~MPIDR_HWID_BITMASK))
		return fw_return(result, PSCI_RET_INVALID_PARAMS);

	mask = affinity_mask(level);
	vm_for_each_vcpu(i, other, vcpu->vm) {
		if (!cpu_exists(other) || ((cpu_affinity(other) ^ affinity) & mask))
			continue;
		if (READ_ONCE(other->mp_state) != KVM_MP_STATE_STOPPED)
			return fw_return(result, PSCI_0_2_AFFINITY_LEVEL_ON);
		state = PSCI_0_2_AFFINITY_LEVEL_OFF;
	}

	return fw_return(result, state);
}

/* --- the whole system ------------------------------------------------------ */

/* No CPU of the VM runs guest code any more until it is started.  May sleep. */
static void cpus_stop(struct vcpu *vcpu)
{
	struct vcpu *other;
	unsigned int i;

	guard(mutex)(&vcpu->vm->config_lock);

	vm_for_each_vcpu(i, other, vcpu->vm) {
		cpu_set_stopped(other);
		if (other == vcpu)
			continue;
		vcpu_request(other, REQ_STOP);
		vcpu_kick(other);
	}
}

/*
 * These do not return to the guest, whatever user space does next: the caller is stopped
 * as the others are.  If user space makes it run on, the call has failed.
 */
static int system_event(struct vcpu *vcpu, u32 type, u64 flags)
{
	cpus_stop(vcpu);
	arm64_set_reg(vcpu, 0, PSCI_RET_INTERNAL_FAILURE);

	return vcpu_exit_system_event(vcpu, type, &flags, 1);
}

int psci_system_off(struct vcpu *vcpu, struct fw_result *result)
{
	return system_event(vcpu, KVM_SYSTEM_EVENT_SHUTDOWN, 0);
}

#ifdef KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2
/* "SYSTEM_OFF2": 0 is what the type was in drafts. */
int psci_system_off2(struct vcpu *vcpu, struct fw_result *result)
{
	u64 type = psci_argument(vcpu, 1), cookie = psci_argument(vcpu, 2);

	if ((type && type != PSCI_1_3_OFF_TYPE_HIBERNATE_OFF) || cookie)
		return fw_return(result, PSCI_RET_INVALID_PARAMS);

	return system_event(vcpu, KVM_SYSTEM_EVENT_SHUTDOWN,
			    KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2);
}
#endif

int psci_system_reset(struct vcpu *vcpu, struct fw_result *result)
{
	return system_event(vcpu, KVM_SYSTEM_EVENT_RESET, 0);
}

/* "SYSTEM_RESET2": what a vendor's type means user space decides; it finds it in x1. */
int psci_system_reset2(struct vcpu *vcpu, struct fw_result *result)
{
	u32 type = psci_argument(vcpu, 1);

	if (type != PSCI_1_1_RESET_TYPE_SYSTEM_WARM_RESET &&
	    type < PSCI_1_1_RESET_TYPE_VENDOR_START)
		return fw_return(result, PSCI_RET_INVALID_PARAMS);

	return system_event(vcpu, KVM_SYSTEM_EVENT_RESET,
			    KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2);
}

/*
 * "SYSTEM_SUSPEND": all of it, from the look at the other CPUs to the registers the guest
 * goes on with, is user space's, which finds the arguments where they were.
 */
int psci_system_suspend(struct vcpu *vcpu, struct fw_result *result)
{
	const u64 flags = 0;

	return vcpu_exit_system_event(vcpu, KVM_SYSTEM_EVENT_SUSPEND, &flags, 1);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stolen time (DEN0057, "Paravirtualized Time for Arm-based Systems"): user space says
 * where in the guest's memory a vCPU reads how long it was ready and did not run.  Called
 * by fw.c for the guest's calls, and by vcpu.c when the vCPU gets a CPU.
 */
#include <linux/arm-smccc.h>
#include <linux/uaccess.h>
#include <asm/pvclock-abi.h>

#include "arm64.h"

#define STEAL_ALIGN	64

static_assert(sizeof(struct pvclock_vcpu_stolen_time) == STEAL_ALIGN);

/* --- the record ----------------------------------------------------------- */

void arm64_steal_create(struct vcpu *vcpu)
{
	vcpu->arch.steal.gpa = GPA_INVALID;
}

void arm64_steal_load(struct vcpu *vcpu)
{
	if (vcpu->arch.steal.gpa == GPA_INVALID)
		return;
	if (steal_clock_due(&vcpu->arch.steal.clock))
		vcpu_request(vcpu, REQ_STEAL);
}

/*
 * The guest's record is read back, not kept: it goes on where it was after a migration,
 * too.  A guest that writes to it, or a VMM that takes its memory away, harms nobody else.
 */
void arm64_steal_update(struct vcpu *vcpu)
{
	gpa_t gpa = vcpu->arch.steal.gpa;
	u64 stolen;
	__le64 time;

	if (gpa == GPA_INVALID)
		return;
	gpa += offsetof(struct pvclock_vcpu_stolen_time, stolen_time);

	stolen = steal_clock_due(&vcpu->arch.steal.clock);
	/* A vCPU that is off is told when it runs again. */
	if (!stolen || READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_RUNNABLE)
		return;
	if (guest_read(vcpu, gpa, &time, sizeof(time)))
		return;
	time = cpu_to_le64(le64_to_cpu(time) + stolen);
	if (!guest_write(vcpu, gpa, &time, sizeof(time)))
		steal_clock_told(&vcpu->arch.steal.clock, stolen);
}

/* --- calls of the guest --------------------------------------------------- */

/* The guest begins to look at the record: it says nothing yet, in version 1.0. */
static u64 steal_begin(struct vcpu *vcpu)
{
	static const struct pvclock_vcpu_stolen_time zero;
	gpa_t gpa = vcpu->arch.steal.gpa;

	if (gpa == GPA_INVALID || guest_write(vcpu, gpa, &zero, sizeof(zero)))
		return SMCCC_RET_NOT_SUPPORTED;
	steal_clock_begin(&vcpu->arch.steal.clock);

	return gpa;
}

u64 arm64_steal_call(struct vcpu *vcpu, u32 function, u64 argument)
{
	u32 asked;

	if (function == ARM_SMCCC_HV_PV_TIME_ST)
		return steal_begin(vcpu);

	/* PV_TIME_FEATURES: the argument is a function, which has 32 bits. */
	asked = lower_32_bits(argument);
	if (vcpu->arch.steal.gpa != GPA_INVALID &&
	    (asked == ARM_SMCCC_HV_PV_TIME_FEATURES || asked == ARM_SMCCC_HV_PV_TIME_ST))
		return SMCCC_RET_SUCCESS;

	return SMCCC_RET_NOT_SUPPORTED;
}

/* --- KVM_ARM_VCPU_PVTIME_CTRL --------------------------------------------- */

static bool steal_is_memory(struct vm *vm, gpa_t gpa)
{
	bool found;
	int index;

	index = srcu_read_lock(&vm->srcu);
	found = memslot_find(vm, 0, gpa_to_gfn(gpa));
	srcu_read_unlock(&vm->srcu, index);

	return found;
}

static int steal_set(struct vcpu *vcpu, const u64 __user *user)
{
	u64 gpa;

	if (get_user(gpa, user))
		return -EFAULT;
	if (!IS_ALIGNED(gpa, STEAL_ALIGN))
		return -EINVAL;
	if (vcpu->arch.steal.gpa != GPA_INVALID)
		return -EEXIST;
	if (!steal_is_memory(vcpu->vm, gpa))
		return -EINVAL;

	vcpu->arch.steal.gpa = gpa;
	steal_clock_begin(&vcpu->arch.steal.clock);

	return 0;
}

int arm64_steal_attr(struct vcpu *vcpu, unsigned int cmd, const struct kvm_device_attr *attr)
{
	u64 __user *user = (u64 __user *)attr->addr;

	if (attr->attr != KVM_ARM_VCPU_PVTIME_IPA || !IS_ENABLED(CONFIG_SCHED_INFO))
		return -ENXIO;

	if (cmd == KVM_SET_DEVICE_ATTR)
		return steal_set(vcpu, user);
	if (cmd == KVM_GET_DEVICE_ATTR)
		return put_user(vcpu->arch.steal.gpa, user);

	return 0;
}

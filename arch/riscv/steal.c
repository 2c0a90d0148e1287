// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stolen time (SBI specification, "Steal-time Accounting Extension"): the guest
 * says where in its memory it wants to read how long its hart was ready and did
 * not run.  That is what the scheduler knows of the vCPU's thread.  Called by
 * fw.c for the call, and by vcpu.c when the vCPU gets a CPU.
 */
#include <linux/sched.h>
#include <asm/sbi.h>

#include "riscv.h"

static_assert(sizeof(struct sbi_sta_struct) == 64);

#ifdef CONFIG_SCHED_INFO
static u64 task_run_delay(void)
{
	return current->sched_info.run_delay;
}
#else
static u64 task_run_delay(void)
{
	return 0;
}
#endif

static void steal_begin(struct vcpu *vcpu)
{
	vcpu->arch.steal.task = current->pid;
	vcpu->arch.steal.last = task_run_delay();
}

/* Did the vCPU's thread wait for a CPU since the guest was last told? */
static bool steal_due(struct vcpu *vcpu)
{
	if (vcpu->arch.steal.gpa == GPA_INVALID)
		return false;
	if (likely(vcpu->arch.steal.task == current->pid))
		return task_run_delay() != vcpu->arch.steal.last;

	/* Another thread, with its own history. */
	steal_begin(vcpu);

	return false;
}

void riscv_steal_load(struct vcpu *vcpu)
{
	if (steal_due(vcpu))
		vcpu_request(vcpu, REQ_STEAL);
}

/*
 * The guest's record is read back, not kept: it goes on where it was after a
 * migration, too.  A guest that writes to it, or takes its memory away, harms
 * nobody else.  The preempted field stays 0: where it would have to be written the
 * vCPU is no longer allowed to fault.
 */
void riscv_steal_update(struct vcpu *vcpu)
{
	gpa_t gpa = vcpu->arch.steal.gpa;
	struct sbi_sta_struct record;
	gpa_t sequence_gpa = gpa + offsetof(typeof(record), sequence);
	gpa_t steal_gpa = gpa + offsetof(typeof(record), steal);
	u64 delay = task_run_delay();
	__le32 sequence;
	__le64 steal;
	u32 number;

	/* A hart that is stopped is told when it runs again. */
	if (!steal_due(vcpu) || READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_RUNNABLE)
		return;
	if (guest_read(vcpu, gpa, &record, offsetofend(typeof(record), steal)))
		return;

	number = le32_to_cpu(record.sequence) | 1;
	sequence = cpu_to_le32(number);
	steal = cpu_to_le64(le64_to_cpu(record.steal) + delay - vcpu->arch.steal.last);
	if (guest_write(vcpu, sequence_gpa, &sequence, sizeof(sequence)))
		return;
	/* Odd, the time, even: in this order for the guest. */
	smp_wmb();
	if (guest_write(vcpu, steal_gpa, &steal, sizeof(steal)))
		return;
	smp_wmb();
	sequence = cpu_to_le32(number + 1);
	if (guest_write(vcpu, sequence_gpa, &sequence, sizeof(sequence)))
		return;

	vcpu->arch.steal.last = delay;
}

static long steal_set_record(struct vcpu *vcpu)
{
	static const struct sbi_sta_struct zero;
	unsigned long low = riscv_gpr(vcpu, 10);
	unsigned long high = riscv_gpr(vcpu, 11);
	unsigned long flags = riscv_gpr(vcpu, 12);

	if (flags)
		return SBI_ERR_INVALID_PARAM;
	if (low == (unsigned long)SBI_SHMEM_DISABLE && high == (unsigned long)SBI_SHMEM_DISABLE) {
		vcpu->arch.steal.gpa = GPA_INVALID;
		return SBI_SUCCESS;
	}
	if (low % sizeof(zero))
		return SBI_ERR_INVALID_PARAM;
	if (high || guest_write(vcpu, low, &zero, sizeof(zero)))
		return SBI_ERR_INVALID_ADDRESS;

	vcpu->arch.steal.gpa = low;
	steal_begin(vcpu);

	return SBI_SUCCESS;
}

void riscv_steal_call(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	if (fid == SBI_EXT_STA_STEAL_TIME_SET_SHMEM)
		result->error = steal_set_record(vcpu);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stolen time (SBI specification, "Steal-time Accounting Extension"): the guest
 * says where in its memory it wants to read how long its hart was ready and did
 * not run, and whether it is so right now.  Called by fw.c for the call, and by
 * vcpu.c when the vCPU gets or loses a CPU.
 */
#include <asm/sbi.h>

#include "riscv.h"

static_assert(sizeof(struct sbi_sta_struct) == 64);

/* --- preempted ------------------------------------------------------------ */

static gpa_t steal_preempted_gpa(const struct vcpu *vcpu)
{
	return vcpu->arch.steal.gpa + offsetof(struct sbi_sta_struct, preempted);
}

/* Where the record cannot be written without a fault, the guest hears nothing. */
void riscv_steal_put(struct vcpu *vcpu)
{
	const u8 preempted = 1;

	if (vcpu->arch.steal.gpa == GPA_INVALID || vcpu->arch.steal.preempted)
		return;
	if (!guest_write_nofault(vcpu, steal_preempted_gpa(vcpu), &preempted, sizeof(preempted)))
		vcpu->arch.steal.preempted = true;
}

/* Before the hart runs again. */
static void steal_running(struct vcpu *vcpu)
{
	const u8 preempted = 0;

	if (!vcpu->arch.steal.preempted)
		return;
	/* In this order: it may be preempted in between, and then is told again. */
	vcpu->arch.steal.preempted = false;
	barrier();
	guest_write(vcpu, steal_preempted_gpa(vcpu), &preempted, sizeof(preempted));
}

/* --- the record ----------------------------------------------------------- */

void riscv_steal_load(struct vcpu *vcpu)
{
	if (vcpu->arch.steal.preempted || steal_clock_due(&vcpu->arch.steal.clock))
		vcpu_request(vcpu, REQ_STEAL);
}

/*
 * The guest's record is read back, not kept: it goes on where it was after a
 * migration, too.  A guest that writes to it, or takes its memory away, harms
 * nobody else.  0 or -EFAULT.
 */
static int steal_write(struct vcpu *vcpu, u64 stolen)
{
	gpa_t gpa = vcpu->arch.steal.gpa;
	struct sbi_sta_struct record;
	gpa_t sequence_gpa = gpa + offsetof(typeof(record), sequence);
	gpa_t steal_gpa = gpa + offsetof(typeof(record), steal);
	__le32 sequence;
	__le64 steal;
	u32 number;

	if (guest_read(vcpu, gpa, &record, offsetofend(typeof(record), steal)))
		return -EFAULT;

	number = le32_to_cpu(record.sequence) | 1;
	sequence = cpu_to_le32(number);
	steal = cpu_to_le64(le64_to_cpu(record.steal) + stolen);
	if (guest_write(vcpu, sequence_gpa, &sequence, sizeof(sequence)))
		return -EFAULT;
	/* Odd, the time, even: in this order for the guest. */
	smp_wmb();
	if (guest_write(vcpu, steal_gpa, &steal, sizeof(steal)))
		return -EFAULT;
	smp_wmb();
	sequence = cpu_to_le32(number + 1);

	return guest_write(vcpu, sequence_gpa, &sequence, sizeof(sequence));
}

void riscv_steal_update(struct vcpu *vcpu)
{
	u64 stolen;

	if (vcpu->arch.steal.gpa == GPA_INVALID)
		return;

	steal_running(vcpu);
	stolen = steal_clock_due(&vcpu->arch.steal.clock);
	/* A hart that is stopped is told when it runs again. */
	if (!stolen || READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_RUNNABLE)
		return;
	if (!steal_write(vcpu, stolen))
		steal_clock_told(&vcpu->arch.steal.clock, stolen);
}

/* --- the call ------------------------------------------------------------- */

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
	steal_clock_begin(&vcpu->arch.steal.clock);

	return SBI_SUCCESS;
}

void riscv_steal_call(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	if (fid == SBI_EXT_STA_STEAL_TIME_SET_SHMEM)
		result->error = steal_set_record(vcpu);
}

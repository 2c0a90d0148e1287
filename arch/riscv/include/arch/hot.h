/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of each entry and exit, for core to inline: most of them have nothing
 * to do most of the time, and a call costs more than to find that out.  What is rare is
 * behind a call.  The contracts are in core/vcpu_ops.def and core/irqchip_ops.def.
 *
 * A name with arguments behind it is the inline function; without, as in struct backend,
 * it is one in vcpu.c, irqchip.c or mmu.c that does the same.
 */
#ifndef ARCH_HOT_H
#define ARCH_HOT_H

#include <linux/atomic.h>
#include <linux/sched.h>
#include <asm/csr.h>
#include <core/vcpu.h>
#include <core/vm.h>

#define RISCV_CAUSE_INTERRUPT	BIT_ULL(63)

/* mmu.c: see vmid_rollover(). */
extern atomic64_t riscv_vmid_generation;

/*
 * switch.S: into the guest and back; leaves arch->exit.  And a task's floating-point
 * registers, for user space.
 */
void riscv_switch(struct vcpu_arch *arch);
void riscv_user_fp_restore(const struct __riscv_d_ext_state *state);

/* What is not inlined.  Context and results as of the operations. */
int riscv_prepare_slow(struct vcpu *vcpu);
void riscv_run_begin_slow(struct vcpu *vcpu);
void riscv_irq_commit(struct vcpu *vcpu);	/* in commit: hvip as others want it */
void riscv_file_sync(struct vcpu *vcpu);	/* in sync_to_hw: the interrupt file */
int riscv_fast_sbi(struct vcpu *vcpu);
/* In fast_exit: another exception; a load's or store's fault is maybe about a device. */
int riscv_fast_trap(struct vcpu *vcpu);

static __always_inline void riscv_run_begin(struct vcpu *vcpu)
{
	if (unlikely(!vcpu->arch.ran || vcpu->arch.pmu))
		riscv_run_begin_slow(vcpu);
}

static __always_inline void riscv_run_end(struct vcpu *vcpu, int ret)
{
	if (vcpu->arch.user_fs) {
		vcpu->arch.user_fs = SR_FS_OFF;
		riscv_user_fp_restore(&current->thread.fstate);
	}
}

/* Has the VM a VMID that has not ended?  Right as long as irqs are off. */
static __always_inline bool riscv_vmid_is_current(const struct vcpu *vcpu)
{
	return likely(vcpu->arch.vmid_generation == atomic64_read(&riscv_vmid_generation));
}

static __always_inline bool riscv_is_stopped(const struct vcpu *vcpu)
{
	return unlikely(READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_STOPPED);
}

/* What comes after the look is seen by core, and in commit. */
static __always_inline int riscv_prepare(struct vcpu *vcpu)
{
	if (READ_ONCE(vcpu->requests) || !riscv_vmid_is_current(vcpu) || riscv_is_stopped(vcpu))
		return riscv_prepare_slow(vcpu);

	return RESUME_GUEST;
}

static __always_inline int riscv_commit(struct vcpu *vcpu)
{
	if (READ_ONCE(vcpu->arch.irq_changed))
		riscv_irq_commit(vcpu);
	/* Another vCPU may have renewed the VMIDs: prepare writes hgatp anew. */
	if (riscv_is_stopped(vcpu) || !riscv_vmid_is_current(vcpu))
		return -EAGAIN;

	return 0;
}

static __always_inline void riscv_enter(struct vcpu *vcpu)
{
	riscv_switch(&vcpu->arch);
}

/* The guest may take its software interrupt back by itself. */
static __always_inline void riscv_after_enter(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->arch.hvip, csr_read(CSR_HVIP));
}

/* Where a guest-page fault was. */
static __always_inline gpa_t riscv_exit_gpa(const struct vcpu *vcpu)
{
	return (vcpu->arch.exit.info2 << 2) | (vcpu->arch.exit.info1 & 3);
}

static __always_inline int riscv_fast_exit(struct vcpu *vcpu)
{
	u64 code = vcpu->arch.exit.code;

	/* A compare and a direct call: no other exit comes as often. */
	if (code == EXC_SUPERVISOR_SYSCALL)
		return riscv_fast_sbi(vcpu);
	if (code & RISCV_CAUSE_INTERRUPT)
		return RESUME_GUEST;
	/* Most faults are about memory. */
	if ((code == EXC_LOAD_GUEST_PAGE_FAULT || code == EXC_STORE_GUEST_PAGE_FAULT) &&
	    !iobus_maybe(vcpu->vm, IOBUS_MMIO, riscv_exit_gpa(vcpu)))
		return RESUME_GUEST;

	return riscv_fast_trap(vcpu);
}

static __always_inline void riscv_sync_to_hw(struct vcpu *vcpu)
{
	if (unlikely(READ_ONCE(vcpu->arch.file_changed)))
		riscv_file_sync(vcpu);
}

/* The hardware changes nothing but its own files. */
static __always_inline void riscv_sync_from_hw(struct vcpu *vcpu)
{
}

struct mmu_map;

/*
 * One of each page.  Caches are coherent with what the host wrote; a guest that executes it
 * does its own fence.i, as it would have to after loading it itself.
 */
static __always_inline void riscv_sync_page(struct vm *vm, const struct mmu_map *map)
{
}

/* --- the operations -------------------------------------------------------- */

#define riscv_vcpu_run_begin(vcpu)		riscv_run_begin(vcpu)
#define riscv_vcpu_run_end(vcpu, ret)		riscv_run_end(vcpu, ret)
#define riscv_vcpu_prepare(vcpu)		riscv_prepare(vcpu)
#define riscv_vcpu_commit(vcpu)			riscv_commit(vcpu)
#define riscv_vcpu_enter(vcpu)			riscv_enter(vcpu)
#define riscv_vcpu_after_enter(vcpu)		riscv_after_enter(vcpu)
#define riscv_vcpu_fast_exit(vcpu)		riscv_fast_exit(vcpu)
#define riscv_irqchip_sync_to_hw(vcpu)		riscv_sync_to_hw(vcpu)
#define riscv_irqchip_sync_from_hw(vcpu)	riscv_sync_from_hw(vcpu)
#define riscv_mmu_sync_page(vm, map)		riscv_sync_page(vm, map)

#endif /* ARCH_HOT_H */

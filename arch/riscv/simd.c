// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating-point and vector state of the guest.  It comes and goes with each stay
 * (arm and disarm), and is saved only when the guest wrote it.  Outside, the registers
 * are in vcpu->arch.simd.
 *
 * It cannot be left off until the guest uses it: the guest would turn it on in its
 * own status, and the exception at the first use is its supervisor's (init.c).
 *
 * irqs are off from arm to disarm, so that nobody in the kernel uses the registers, and
 * what it offers for the case that somebody does (kernel_fpu_begin(),
 * kernel_vector_begin()) is not needed.  What the task has in them for user space is
 * dealt with as there: what is dirty goes to where a context switch would put it.  From
 * there it comes back at the end of KVM_RUN, and not before: many stays need it once.
 */
#include <linux/irqflags.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <asm/processor.h>
#include <asm/vector.h>

#include "riscv.h"

/* switch.S */
void riscv_fp_save(struct __riscv_d_ext_state *state);
void riscv_fp_restore(const struct __riscv_d_ext_state *state);

/* --- user space's registers ---------------------------------------------------- */

/* sstatus.FS is on. */
static void user_fp_save(struct vcpu *vcpu, struct pt_regs *regs)
{
	unsigned long fs = regs->status & SR_FS;

	/*
	 * For riscv_run_end(): it gets them back then.  The only one who would do it before
	 * is a context switch, which brings back the same.
	 */
	vcpu->arch.user_fs = fs;
	if (fs != SR_FS_DIRTY)
		return;

	riscv_fp_save(&current->thread.fstate);
	regs->status = (regs->status & ~SR_FS) | SR_FS_CLEAN;
}

/* The way to user space brings them back. */
static void user_vector_save(struct pt_regs *regs)
{
	if (likely((regs->status & SR_VS) == SR_VS_OFF))
		return;

	riscv_v_vstate_save(&current->thread.vstate, regs);
	riscv_v_vstate_set_restore(current, regs);
}

/* --- arm ---------------------------------------------------------------------- */

static void fp_arm(struct vcpu *vcpu, struct pt_regs *regs)
{
	csr_set(CSR_SSTATUS, SR_FS);
	user_fp_save(vcpu, regs);
	riscv_fp_restore(&vcpu->arch.simd.fp.d);
	csr_clear(CSR_SSTATUS, SR_FS);
}

/* Leaves sstatus.VS off. */
static void vector_arm(struct vcpu *vcpu, struct pt_regs *regs)
{
	user_vector_save(regs);
	__riscv_v_vstate_restore(&vcpu->arch.simd.vector, vcpu->arch.simd.vector.datap);
}

void riscv_vcpu_arm(struct vcpu *vcpu)
{
	unsigned long simd = vcpu->arch.config.simd;
	struct pt_regs *regs = task_pt_regs(current);

	lockdep_assert_irqs_disabled();

	if (simd & SR_VS)
		vector_arm(vcpu, regs);
	if (simd & SR_FS)
		fp_arm(vcpu, regs);
	vcpu->arch.context.sstatus = (vcpu->arch.context.sstatus & ~SR_FS_VS) | simd;
}

/* --- disarm -------------------------------------------------------------------- */

/*
 * Control registers are saved in any case: a write to them in VS-mode has to make
 * sstatus dirty as well as vsstatus ("vsstatus" in "Hypervisor Extension"), and
 * QEMU 10 forgets sstatus.
 */

static void fp_disarm(struct vcpu *vcpu, bool dirty)
{
	csr_set(CSR_SSTATUS, SR_FS);
	if (dirty)
		riscv_fp_save(&vcpu->arch.simd.fp.d);
	else
		vcpu->arch.simd.fp.d.fcsr = csr_read(fcsr);
	csr_clear(CSR_SSTATUS, SR_FS);
}

static void vector_disarm(struct vcpu *vcpu, bool dirty)
{
	struct riscv_simd *simd = &vcpu->arch.simd;

	if (dirty) {
		__riscv_v_vstate_save(&simd->vector, simd->vector.datap);
	} else {
		riscv_v_enable();
		simd->vector.vcsr = csr_read(CSR_VCSR);
		simd->vector.vstart = csr_read(CSR_VSTART);
		riscv_v_disable();
	}
}

void riscv_vcpu_disarm(struct vcpu *vcpu)
{
	unsigned long status = vcpu->arch.context.sstatus;

	if (status & SR_FS)
		fp_disarm(vcpu, (status & SR_FS) == SR_FS_DIRTY);
	if (status & SR_VS)
		vector_disarm(vcpu, (status & SR_VS) == SR_VS_DIRTY);
	vcpu->arch.context.sstatus = status & ~SR_FS_VS;
}

/* --- life ----------------------------------------------------------------------------- */

int riscv_simd_create(struct vcpu *vcpu)
{
	if (!riscv_host.vector)
		return 0;

	vcpu->arch.simd.vector.datap = kvzalloc(riscv_v_vsize, GFP_KERNEL_ACCOUNT);

	return vcpu->arch.simd.vector.datap ? 0 : -ENOMEM;
}

void riscv_simd_destroy(struct vcpu *vcpu)
{
	kvfree(vcpu->arch.simd.vector.datap);
	vcpu->arch.simd.vector.datap = NULL;
}

void riscv_simd_reset(struct vcpu *vcpu)
{
	struct riscv_simd *simd = &vcpu->arch.simd;
	void *datap = simd->vector.datap;

	memset(simd, 0, sizeof(*simd));
	if (!datap)
		return;

	memset(datap, 0, riscv_v_vsize);
	simd->vector.datap = datap;
	simd->vector.vlenb = riscv_v_vsize / 32;
	/* vill: no type set yet. */
	simd->vector.vtype = BIT(BITS_PER_LONG - 1);
}

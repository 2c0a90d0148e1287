// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating-point and vector state of the guest.  It comes and goes with each stay
 * (arm and disarm), between the kernel's own begin and end, and is saved only when
 * the guest wrote it.  Outside, the registers are in vcpu->arch.simd.
 *
 * It cannot be left off until the guest uses it: the guest would turn it on in its
 * own status, and the exception at the first use is its supervisor's (init.c).
 */
#include <linux/preempt.h>
#include <linux/slab.h>
#include <asm/fpu.h>
#include <asm/vector.h>

#include "riscv.h"

/* switch.S */
void riscv_fp_save(struct __riscv_d_ext_state *state);
void riscv_fp_restore(const struct __riscv_d_ext_state *state);

static void simd_set_status(struct vcpu *vcpu, unsigned long field, unsigned long value)
{
	vcpu->arch.context.sstatus = (vcpu->arch.context.sstatus & ~field) | value;
}

/* --- arm ---------------------------------------------------------------------- */

static void fp_arm(struct vcpu *vcpu)
{
	/* Saves what user space has in the registers, and turns them on. */
	kernel_fpu_begin();
	riscv_fp_restore(&vcpu->arch.simd.fp.d);
	simd_set_status(vcpu, SR_FS, SR_FS_CLEAN);
	vcpu->arch.simd.fp_live = true;
}

static void vector_arm(struct vcpu *vcpu)
{
	kernel_vector_begin();
	__riscv_v_vstate_restore(&vcpu->arch.simd.vector, vcpu->arch.simd.vector.datap);
	simd_set_status(vcpu, SR_VS, SR_VS_CLEAN);
	vcpu->arch.simd.vector_live = true;
}

void riscv_vcpu_arm(struct vcpu *vcpu)
{
	if (riscv_isa(vcpu, KVM_RISCV_ISA_EXT_V))
		vector_arm(vcpu);
	if (riscv_isa(vcpu, KVM_RISCV_ISA_EXT_D))
		fp_arm(vcpu);
}

/* --- disarm -------------------------------------------------------------------- */

static void fp_disarm(struct vcpu *vcpu)
{
	if ((vcpu->arch.context.sstatus & SR_FS) == SR_FS_DIRTY)
		riscv_fp_save(&vcpu->arch.simd.fp.d);
	kernel_fpu_end();
	simd_set_status(vcpu, SR_FS, SR_FS_OFF);
	vcpu->arch.simd.fp_live = false;
}

static void vector_disarm(struct vcpu *vcpu)
{
	struct riscv_simd *simd = &vcpu->arch.simd;

	if ((vcpu->arch.context.sstatus & SR_VS) == SR_VS_DIRTY)
		__riscv_v_vstate_save(&simd->vector, simd->vector.datap);
	kernel_vector_end();
	simd_set_status(vcpu, SR_VS, SR_VS_OFF);
	simd->vector_live = false;
}

void riscv_vcpu_disarm(struct vcpu *vcpu)
{
	if (vcpu->arch.simd.fp_live)
		fp_disarm(vcpu);
	if (vcpu->arch.simd.vector_live)
		vector_disarm(vcpu);
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating-point, SIMD and SVE state of the guest.  It is trapped from load on until the
 * guest's first use.  Then the kernel lets go of the registers (kernel_neon_begin() saves
 * what is user space's, and has it loaded again on the way there), and they come and go
 * with each stay (arm and disarm).  Outside, they are in vcpu->arch.simd.
 *
 * irqs are off from arm to disarm, so nobody in the kernel uses the registers meanwhile,
 * and before and after they are nobody's: who uses them there, as a softirq may, leaves
 * no value behind that counts.  There is no kernel_neon_begin() around a stay: it would
 * save no more of the guest's than the V registers for a softirq, so that with SVE softirqs
 * would have to wait, and a tick that finds them waiting is charged to the system, not to
 * the guest.
 */
#include <linux/cpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/neon.h>

#include "arm64.h"

/* CPTR_EL2 while HCR_EL2.E2H is 1: the layout of CPACR_EL1. */
#define CPTR_ZEN	(BIT(16) | BIT(17))	/* SVE, for EL1 and for EL0 */
#define CPTR_FPEN	(BIT(20) | BIT(21))	/* the same for FP and SIMD */
#define CPTR_TTA	BIT(28)			/* trap the trace unit */
#define CPTR_TAM	BIT(30)			/* trap the activity monitors */

/* Longest vector that ZCR_ELx.LEN can name, in quadwords. */
#define VQ_MAX		(ZCR_ELx_LEN_MASK + 1)

/* Bit n: all CPUs have vectors of n + 1 quadwords, and what they have beyond is longer. */
static u64 simd_vqs;

/* simd_switch.S */
void arm64_fp_save(struct user_fpsimd_state *fp);
void arm64_fp_load(const struct user_fpsimd_state *fp);
void arm64_sve_save(void *z, void *p, u32 *control);
void arm64_sve_load(const void *z, const void *p, const u32 *control);
unsigned long arm64_rdvl(void);

static_assert(offsetof(struct user_fpsimd_state, fpsr) == 512);
static_assert(offsetof(struct user_fpsimd_state, fpcr) == 516);

/* --- vector lengths ------------------------------------------------------- */

static void set_zcr_el2(u64 zcr)
{
	write_sysreg_s(zcr, SYS_ZCR_EL2);
	isb();
}

/*
 * The lengths of this CPU: it takes the longest that it has and that is no longer than
 * what it is asked for (Arm ARM, "ZCR_EL2").
 */
static int probe_vqs(void *unused)
{
	unsigned int asked, taken;
	int vqs = 0;
	u64 zcr;

	preempt_disable();
	/* What is in the vectors does not outlive another length. */
	kernel_neon_begin();
	zcr = read_sysreg_s(SYS_ZCR_EL2);
	for (asked = VQ_MAX; asked; asked = taken - 1) {
		set_zcr_el2(asked - 1);
		taken = clamp_t(unsigned int, arm64_rdvl() / __SVE_VQ_BYTES, 1, asked);
		vqs |= BIT(taken - 1);
	}
	set_zcr_el2(zcr);
	kernel_neon_end();
	preempt_enable();

	return vqs;
}

/* A guest sees each length that its longest one does not hide: all CPUs must agree. */
void arm64_simd_setup(void)
{
	u64 all = GENMASK_ULL(VQ_MAX - 1, 0), any = 0;
	unsigned int cpu;
	int vqs;

	simd_vqs = 0;
	arm64_host.sve_vl = 0;
	if (!arm64_host.sve)
		return;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		vqs = smp_call_on_cpu(cpu, probe_vqs, NULL, false);
		/* Whoever cannot be asked has none. */
		vqs = max(vqs, 0);
		all &= vqs;
		any |= vqs;
	}
	cpus_read_unlock();

	if (any & ~all)
		all &= BIT_ULL(__ffs64(any & ~all)) - 1;
	simd_vqs = all;
	arm64_host.sve_vl = fls64(all) * __SVE_VQ_BYTES;
}

u64 arm64_simd_vqs(struct vcpu *vcpu)
{
	return simd_vqs & (BIT_ULL(vcpu->arch.simd.vl / __SVE_VQ_BYTES) - 1);
}

int arm64_simd_set_vqs(struct vcpu *vcpu, u64 vqs)
{
	u64 below = vqs ? GENMASK_ULL(__fls(vqs), 0) : 0;

	if (vcpu->arch.simd.finalized)
		return -EPERM;
	if (!vqs || vqs != (simd_vqs & below))
		return -EINVAL;

	vcpu->arch.simd.vl = fls64(vqs) * __SVE_VQ_BYTES;

	return 0;
}

/* --- arm and disarm ------------------------------------------------------- */

static void *sve_predicates(const struct arm64_simd *simd)
{
	return simd->sve + __SVE_PREGS_OFFSET(simd->vl / __SVE_VQ_BYTES);
}

/*
 * ZCR_EL2 limits the guest, and says to the loads and stores here how long a vector is.
 * It may have the guest's value until disarm: no code of the host between the two has
 * vectors of its own.
 */
static void sve_arm(struct arm64_simd *simd)
{
	simd->host_zcr = read_sysreg_s(SYS_ZCR_EL2);
	set_zcr_el2(simd->vl / __SVE_VQ_BYTES - 1);
	arm64_sve_load(simd->sve, sve_predicates(simd), &simd->fp.fpsr);
	write_sysreg_s(simd->zcr & ZCR_ELx_LEN_MASK, SYS_ZCR_EL12);
}

static void sve_disarm(struct arm64_simd *simd)
{
	simd->zcr = read_sysreg_s(SYS_ZCR_EL12);
	arm64_sve_save(simd->sve, sve_predicates(simd), &simd->fp.fpsr);
	set_zcr_el2(simd->host_zcr);
}

/* What CPTR_EL2 is to hold in the guest: it has what is live. */
static void simd_set_live(struct vcpu *vcpu, bool live)
{
	u64 cptr = CPTR_TTA | CPTR_TAM;

	if (live)
		cptr |= vcpu->arch.simd.sve ? CPTR_FPEN | CPTR_ZEN : CPTR_FPEN;
	vcpu->arch.config.cptr = cptr;
	vcpu->arch.simd.live = live;
}

void arm64_simd_configure(struct vcpu *vcpu)
{
	simd_set_live(vcpu, false);
}

void arm64_simd_arm(struct vcpu *vcpu)
{
	struct arm64_simd *simd = &vcpu->arch.simd;

	lockdep_assert_irqs_disabled();
	if (simd->sve)
		sve_arm(simd);
	else
		arm64_fp_load(&simd->fp);
	simd_set_live(vcpu, true);
}

void arm64_simd_disarm(struct vcpu *vcpu)
{
	struct arm64_simd *simd = &vcpu->arch.simd;

	if (simd->sve)
		sve_disarm(simd);
	else
		arm64_fp_save(&simd->fp);
	simd_set_live(vcpu, false);
}

/* Another task, or this one in user space, may have had the registers since put. */
void arm64_simd_load(struct vcpu *vcpu)
{
	vcpu->arch.simd.released = false;
}

/*
 * From begin on, user space's registers are in memory, and the way to user space loads
 * them again, however late: no need to put end behind the stay.
 */
void arm64_simd_release(struct vcpu *vcpu)
{
	/* No load may come between the two: it is this CPU's registers that are free. */
	preempt_disable();
	kernel_neon_begin();
	kernel_neon_end();
	vcpu->arch.simd.released = true;
	preempt_enable();
}

/*
 * Interrupts are off, and the kernel gives the registers away only with interrupts on:
 * the request ends the stay, prepare serves it, and the next stay begins with arm.
 */
int arm64_simd_trap(struct vcpu *vcpu)
{
	if (ESR_ELx_EC(vcpu->arch.exit.code) == ESR_ELx_EC_SVE && !vcpu->arch.simd.sve) {
		arm64_inject_undefined(vcpu);
		return REENTER;
	}

	vcpu->arch.stats.simd_traps++;
	vcpu_request(vcpu, REQ_SIMD);

	return REENTER;
}

/* --- life ----------------------------------------------------------------- */

static size_t sve_size(const struct arm64_simd *simd)
{
	unsigned int vq = simd->vl / __SVE_VQ_BYTES;

	return __SVE_FFR_OFFSET(vq) + __SVE_FFR_SIZE(vq);
}

int arm64_simd_finalize(struct vcpu *vcpu)
{
	struct arm64_simd *simd = &vcpu->arch.simd;

	if (simd->finalized)
		return -EPERM;

	simd->sve = kvzalloc(sve_size(simd), GFP_KERNEL_ACCOUNT);
	if (!simd->sve)
		return -ENOMEM;
	simd->finalized = true;

	return 0;
}

void arm64_simd_destroy(struct vcpu *vcpu)
{
	kvfree(vcpu->arch.simd.sve);
	vcpu->arch.simd.sve = NULL;
}

void arm64_simd_reset(struct vcpu *vcpu)
{
	struct arm64_simd *simd = &vcpu->arch.simd;

	memset(&simd->fp, 0, sizeof(simd->fp));
	simd->zcr = 0;
	if (simd->sve)
		memset(simd->sve, 0, sve_size(simd));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's x87, SSE and AVX state.  The kernel owns it: inside KVM_RUN it takes
 * the place of the task's own, so preemption and softirqs that use SIMD save and
 * restore it like any task's.  XCR0, XSS and PKRU are not part of that and are
 * switched around each stay in the guest.  Called by vcpu.c, by the vendors around
 * enter, by the emulator for XMM operands and by the ioctls.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/xstate.h>
#include <asm/msr.h>
#include <asm/pkru.h>

#include "fpu.h"

/* Components that every vCPU has, with XSAVE or without. */
#define FPU_XCR0_ANY	(x86_host.xcr0_offered | XFEATURE_MASK_FPSSE)

static_assert(sizeof(struct fxregs_state) == FXSAVE_SIZE);

int x86_fpu_create(struct vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->arch.fpu) ? 0 : -ENOMEM;
}

void x86_fpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->arch.fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->arch.fpu);
	vcpu->arch.fpu.fpstate = NULL;
}

void x86_fpu_run_begin(struct vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->arch.fpu, true);
}

void x86_fpu_run_end(struct vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->arch.fpu, false);
}

/* --- XMM registers, for the emulator -------------------------------------- */

#define FOR_EACH_XMM(DO)					\
	DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)		\
	DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

struct xmm {
	u8	byte[16];
};

#define XMM_READ(n)	\
	case n:							\
		asm volatile("movdqu %%xmm" #n ", %0" : "=m" (*xmm)); \
		break;
#define XMM_WRITE(n)	\
	case n:							\
		asm volatile("movdqu %0, %%xmm" #n : : "m" (*xmm)); \
		break;

int x86_xmm_read(struct vcpu *vcpu, int reg, void *data16)
{
	struct xmm *xmm = data16;
	int ret = 0;

	fpregs_lock();
	x86_fpu_make_live();
	switch (reg) {
	FOR_EACH_XMM(XMM_READ)
	default:
		ret = -EINVAL;
	}
	fpregs_unlock();

	return ret;
}

int x86_xmm_write(struct vcpu *vcpu, int reg, const void *data16)
{
	const struct xmm *xmm = data16;
	int ret = 0;

	fpregs_lock();
	x86_fpu_make_live();
	switch (reg) {
	FOR_EACH_XMM(XMM_WRITE)
	default:
		ret = -EINVAL;
	}
	fpregs_unlock();

	return ret;
}

/* --- as user space sees it -------------------------------------------------- */

u32 x86_fpu_xsave_size(void)
{
	u32 size, offset, ecx, edx, end, max = sizeof(struct kvm_xsave);
	int i;

	for (i = XFEATURE_YMM; i < 63; i++) {
		if (!(x86_host.xcr0_offered & BIT_ULL(i)))
			continue;
		cpuid_count(XSTATE_CPUID, i, &size, &offset, &ecx, &edx);
		if (check_add_overflow(size, offset, &end))
			continue;
		max = max(max, end);
	}

	return max;
}

/* A copy in the standard format of XSAVE, to be freed with kfree(). */
static union fpregs_state *fpu_export(struct vcpu *vcpu, u32 size)
{
	union fpregs_state *state = kzalloc(size, GFP_KERNEL_ACCOUNT);

	if (!state)
		return ERR_PTR(-ENOMEM);

	fpu_copy_guest_fpstate_to_uabi(&vcpu->arch.fpu, state, size,
				       vcpu->arch.cpuid.xcr0_allowed | XFEATURE_MASK_FPSSE,
				       vcpu->arch.pkru);
	return state;
}

/* @state: in the standard format of XSAVE, as far as its header says that there is more. */
static int fpu_import(struct vcpu *vcpu, const void *state)
{
	return fpu_copy_uabi_to_guest_fpstate(&vcpu->arch.fpu, state, FPU_XCR0_ANY,
					      &vcpu->arch.pkru);
}

int x86_ioctl_get_xsave(struct vcpu *vcpu, void __user *user, u32 size)
{
	union fpregs_state *state;
	int ret;

	if (size < x86_fpu_xsave_size())
		return -EINVAL;
	state = fpu_export(vcpu, size);
	if (IS_ERR(state))
		return PTR_ERR(state);

	ret = copy_to_user(user, state, size) ? -EFAULT : 0;
	kfree(state);

	return ret;
}

int x86_ioctl_set_xsave(struct vcpu *vcpu, const void __user *user)
{
	union fpregs_state *state = memdup_user(user, x86_fpu_xsave_size());
	int ret;

	if (IS_ERR(state))
		return PTR_ERR(state);

	ret = fpu_import(vcpu, state);
	kfree(state);

	return ret;
}

int x86_ioctl_get_fpu(struct vcpu *vcpu, struct kvm_fpu *fpu)
{
	union fpregs_state *state = fpu_export(vcpu, x86_fpu_xsave_size());
	const struct fxregs_state *fxsave;

	if (IS_ERR(state))
		return PTR_ERR(state);

	fxsave = &state->fxsave;
	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->fpr, fxsave->st_space, sizeof(fpu->fpr));
	memcpy(fpu->xmm, fxsave->xmm_space, sizeof(fpu->xmm));
	fpu->fcw = fxsave->cwd;
	fpu->fsw = fxsave->swd;
	fpu->ftwx = fxsave->twd;
	fpu->last_opcode = fxsave->fop;
	fpu->last_ip = fxsave->rip;
	fpu->last_dp = fxsave->rdp;
	fpu->mxcsr = fxsave->mxcsr;
	kfree(state);

	return 0;
}

int x86_ioctl_set_fpu(struct vcpu *vcpu, const struct kvm_fpu *fpu)
{
	union fpregs_state *state = fpu_export(vcpu, x86_fpu_xsave_size());
	struct fxregs_state *fxsave;
	int ret;

	if (IS_ERR(state))
		return PTR_ERR(state);

	fxsave = &state->fxsave;
	memcpy(fxsave->st_space, fpu->fpr, sizeof(fpu->fpr));
	memcpy(fxsave->xmm_space, fpu->xmm, sizeof(fpu->xmm));
	fxsave->cwd = fpu->fcw;
	fxsave->swd = fpu->fsw;
	fxsave->twd = fpu->ftwx;
	fxsave->fop = fpu->last_opcode;
	fxsave->rip = fpu->last_ip;
	fxsave->rdp = fpu->last_dp;
	fxsave->mxcsr = fpu->mxcsr;
	/* Components marked as initial would be taken from nowhere. */
	if (x86_host.xcr0)
		state->xsave.header.xfeatures |= XFEATURE_MASK_FPSSE;
	ret = fpu_import(vcpu, state);
	kfree(state);

	return ret;
}

int x86_ioctl_get_xcrs(struct vcpu *vcpu, struct kvm_xcrs *xcrs)
{
	if (!x86_host.xcr0)
		return -EINVAL;

	memset(xcrs, 0, sizeof(*xcrs));
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = XCR_XFEATURE_ENABLED_MASK;
	xcrs->xcrs[0].value = vcpu->arch.xcr0;

	return 0;
}

int x86_ioctl_set_xcrs(struct vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
	const struct kvm_xcr *xcr0 = NULL;
	u32 i;

	if (!x86_host.xcr0 || xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags)
		return -EINVAL;

	for (i = 0; i < xcrs->nr_xcrs; i++)
		if (xcrs->xcrs[i].xcr == XCR_XFEATURE_ENABLED_MASK)
			xcr0 = &xcrs->xcrs[i];
	if (!xcr0)
		return 0;
	if (!x86_xcr0_valid(vcpu, xcr0->value))
		return -EINVAL;
	vcpu->arch.xcr0 = xcr0->value;
	x86_cpuid_update(vcpu);

	return 0;
}

/*
 * Power-on state is not what FNINIT makes: exceptions are unmasked and all
 * registers hold zero.  All other components are in their initial state, of which
 * nothing has to be there.
 */
static const struct xregs_state fpu_power_on = {
	.i387.cwd		= 0x40,
	.i387.twd		= 0xff,
	.i387.mxcsr		= MXCSR_DEFAULT,
	.header.xfeatures	= XFEATURE_MASK_FPSSE,
};

/* INIT leaves the whole state alone. */
void x86_fpu_reset(struct vcpu *vcpu, bool init)
{
	if (init)
		return;

	vcpu->arch.xcr0 = XFEATURE_MASK_FP;
	vcpu->arch.xss = 0;
	vcpu->arch.pkru = 0;
	fpu_import(vcpu, &fpu_power_on);
}

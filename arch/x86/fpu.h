/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of the FPU's state is switched around each stay in the guest; the rest is in
 * fpu.c.  For the vendors, in line because every exit takes this way.
 */
#ifndef X86_FPU_H
#define X86_FPU_H

#include <linux/sched.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/pkru.h>

#include "x86.h"

/* The kernel may have taken the registers since run_begin: have them back.  irqs or BHs off. */
static __always_inline void x86_fpu_make_live(void)
{
	if (unlikely(test_thread_flag(TIF_NEED_FPU_LOAD)))
		switch_fpu_return();
}

/*
 * irqs off, around a stay: the FPU registers live, XCR0 and XSS.  Nobody saves or
 * restores such registers in between.
 */
static __always_inline void x86_fpu_arm(struct vcpu *vcpu)
{
	struct vcpu_arch *arch = &vcpu->arch;

	x86_fpu_make_live();
	if (unlikely(arch->xcr0 != x86_host.xcr0) && x86_host.xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, arch->xcr0);
	if (unlikely(arch->xss != x86_host.xss))
		wrmsrl(MSR_IA32_XSS, arch->xss);
}

static __always_inline void x86_fpu_disarm(struct vcpu *vcpu)
{
	struct vcpu_arch *arch = &vcpu->arch;

	if (unlikely(arch->xss != x86_host.xss))
		wrmsrl(MSR_IA32_XSS, x86_host.xss);
	if (unlikely(arch->xcr0 != x86_host.xcr0) && x86_host.xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, x86_host.xcr0);
}

/*
 * irqs off, around each entry: PKRU, which also rules what fast handlers read of guest
 * memory.  The guest may set CR4.PKE without an exit, so its own always counts.
 */
static __always_inline void x86_fpu_enter(struct vcpu *vcpu)
{
	if (x86_host.has_pku && vcpu->arch.pkru != rdpkru())
		wrpkru(vcpu->arch.pkru);
}

static __always_inline void x86_fpu_leave(struct vcpu *vcpu)
{
	if (!x86_host.has_pku)
		return;
	vcpu->arch.pkru = rdpkru();
	if (vcpu->arch.pkru != current->thread.pkru)
		wrpkru(current->thread.pkru);
}

#endif /* X86_FPU_H */

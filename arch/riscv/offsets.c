// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offsets in struct vcpu_arch that switch.S uses; they have to fit the immediate
 * of a load.  Compiled to assembly and turned into offsets.h by Kbuild; it is not
 * part of the module.
 */
#include <linux/kbuild.h>
#include <arch/types.h>

static void __used offsets(void)
{
	OFFSET(ARCH_GPRS, vcpu_arch, context.gpr);
	OFFSET(ARCH_PC, vcpu_arch, context.pc);
	OFFSET(ARCH_SSTATUS, vcpu_arch, context.sstatus);
	OFFSET(ARCH_HSTATUS, vcpu_arch, context.hstatus);
	OFFSET(ARCH_EXIT_CODE, vcpu_arch, exit.code);
	OFFSET(ARCH_EXIT_INFO1, vcpu_arch, exit.info1);
	OFFSET(ARCH_EXIT_INFO2, vcpu_arch, exit.info2);
	OFFSET(ARCH_EXIT_INSN, vcpu_arch, exit.insn);
	OFFSET(ARCH_HOST_RA, vcpu_arch, host.ra);
	OFFSET(ARCH_HOST_SP, vcpu_arch, host.sp);
	OFFSET(ARCH_HOST_GP, vcpu_arch, host.gp);
	OFFSET(ARCH_HOST_TP, vcpu_arch, host.tp);
	OFFSET(ARCH_HOST_S, vcpu_arch, host.s);
	OFFSET(ARCH_HOST_STVEC, vcpu_arch, host.stvec);
	OFFSET(ARCH_HOST_SSCRATCH, vcpu_arch, host.sscratch);
	OFFSET(ARCH_HOST_SSTATUS, vcpu_arch, host.sstatus);
	OFFSET(ARCH_HOST_HSTATUS, vcpu_arch, host.hstatus);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offsets of members that switch.S uses.  Compiled to assembly and turned into
 * offsets.h by Kbuild; it is not part of the module.
 */
#include <linux/kbuild.h>
#include <asm/svm.h>
#include <core/vcpu.h>

static void __used offsets(void)
{
	OFFSET(VCPU_GPRS, vcpu, arch.state.gpr);
	OFFSET(VCPU_RIP, vcpu, arch.state.rip);
	OFFSET(VCPU_RFLAGS, vcpu, arch.state.rflags);
	OFFSET(VMCB_RAX, vmcb, save.rax);
	OFFSET(VMCB_RSP, vmcb, save.rsp);
	OFFSET(VMCB_RIP, vmcb, save.rip);
	OFFSET(VMCB_RFLAGS, vmcb, save.rflags);
	OFFSET(SVM_VMCB, vcpu, arch.svm.vmcb);
	OFFSET(SVM_VMCB_PA, vcpu, arch.svm.vmcb_pa);
	OFFSET(SVM_HOST_VMCB_PA, vcpu, arch.svm.host_vmcb_pa);
	OFFSET(SVM_SPEC_CTRL, vcpu, arch.svm.spec_ctrl);
	OFFSET(SVM_SPEC_CTRL_LIVE, vcpu, arch.svm.spec_ctrl_live);
}

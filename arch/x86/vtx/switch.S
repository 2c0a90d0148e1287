/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of VT-x: one VMLAUNCH or VMRESUME, with what has to surround it
 * while registers are the guest's.  Called by vtx_vcpu_enter() and by nothing else.
 *
 * Interrupts are off on both sides; one that comes ends the stay and stays pending.
 * A VM exit goes on at vtx_switch_exit, with the stack as it was, and is nothing but
 * a jump there: what the guest taught the predictors is still in them.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/alternative.h>
#include <asm/asm-offsets.h>
#include <asm/cpufeatures.h>
#include <asm/frame.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/unwind_hints.h>
#include "offsets.h"
#include "../return_stack.S"

#define GPR(number)	(VCPU_GPRS + (number) * 8)

#define HOST_RSP	0x6c14		/* the field; vmcs.c checks it */

.section .noinstr.text, "ax"

/*
 * void vtx_switch(struct vcpu *vcpu)
 *
 * rsp, rip and rflags of the guest are in the VMCS, the other registers in
 * vcpu->arch.state.gpr.  Leaves vtx.failed set if the guest was not entered.
 */
SYM_FUNC_START(vtx_switch)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	/* The same at each entry of a task, or nearly: no write then. */
	cmpq	%rsp, VTX_HOST_RSP(%rdi)
	je	.Lhost_rsp_done
	movl	$HOST_RSP, %eax
.Lhost_rsp_write:
	vmwrite	%rsp, %rax
	movq	%rsp, VTX_HOST_RSP(%rdi)
.Lhost_rsp_done:

	/*
	 * The guest's SPEC_CTRL.  The host's current value is per CPU; no write if
	 * they are the same.
	 */
	ALTERNATIVE "jmp .Lspec_ctrl_done", "", X86_FEATURE_MSR_SPEC_CTRL
	movl	VTX_SPEC_CTRL(%rdi), %eax
	cmpl	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	je	.Lspec_ctrl_done
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	xorl	%edx, %edx
	wrmsr
.Lspec_ctrl_done:

	movb	$0, VTX_FAILED(%rdi)
	/* Carry, which nothing up to the jump below changes: not launched yet. */
	cmpb	$1, VTX_LAUNCHED(%rdi)

	movq	GPR(0)(%rdi), %rax
	movq	GPR(1)(%rdi), %rcx
	movq	GPR(2)(%rdi), %rdx
	movq	GPR(3)(%rdi), %rbx
	movq	GPR(5)(%rdi), %rbp
	movq	GPR(6)(%rdi), %rsi
	movq	GPR(8)(%rdi), %r8
	movq	GPR(9)(%rdi), %r9
	movq	GPR(10)(%rdi), %r10
	movq	GPR(11)(%rdi), %r11
	movq	GPR(12)(%rdi), %r12
	movq	GPR(13)(%rdi), %r13
	movq	GPR(14)(%rdi), %r14
	movq	GPR(15)(%rdi), %r15
	movq	GPR(7)(%rdi), %rdi

	/*
	 * MDS, TAA, RFDS, MMIO stale data: the CPU's buffers hold data of the host.
	 * Kernels differ in which of the two flags means guests of this vendor.
	 */
	ALTERNATIVE_2 "jmp .Lbuffers_done", "", X86_FEATURE_CLEAR_CPU_BUF, \
		"", X86_FEATURE_CLEAR_CPU_BUF_VM
	verw	x86_verw_sel(%rip)
.Lbuffers_done:
	/* The stack is the same after the exit, for who unwinds it. */
	UNWIND_HINT_SAVE
	jc	.Llaunch
.Lresume_insn:
	vmresume
	jmp	.Lfailed
.Llaunch:
	vmlaunch
	/* Refused: registers are as they were loaded, so nothing is to be saved. */
.Lfailed:
	movq	(%rsp), %rdi
	movb	$1, VTX_FAILED(%rdi)
	jmp	.Lleft

SYM_INNER_LABEL(vtx_switch_exit, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	UNWIND_HINT_RESTORE
	/* rsp is the host's again, the rest still the guest's. */
	push	%rax
	movq	8(%rsp), %rax
	movq	%rcx, GPR(1)(%rax)
	movq	%rdx, GPR(2)(%rax)
	movq	%rbx, GPR(3)(%rax)
	movq	%rbp, GPR(5)(%rax)
	movq	%rsi, GPR(6)(%rax)
	movq	%rdi, GPR(7)(%rax)
	movq	%r8, GPR(8)(%rax)
	movq	%r9, GPR(9)(%rax)
	movq	%r10, GPR(10)(%rax)
	movq	%r11, GPR(11)(%rax)
	movq	%r12, GPR(12)(%rax)
	movq	%r13, GPR(13)(%rax)
	movq	%r14, GPR(14)(%rax)
	movq	%r15, GPR(15)(%rax)
	pop	%rcx
	movq	%rcx, GPR(0)(%rax)
	movq	%rax, %rdi

.Lleft:
	STUFF_RETURN_STACK

	/*
	 * Host SPEC_CTRL before any RET, too: retbleed's IBRS depends on it, and it
	 * wants a write after each exit, whatever the value was.  What the guest left
	 * is worth reading only if it may write it.
	 */
	ALTERNATIVE "jmp .Lspec_ctrl_restored", "", X86_FEATURE_MSR_SPEC_CTRL
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	cmpb	$0, VTX_SPEC_CTRL_LIVE(%rdi)
	je	.Lspec_ctrl_compare
	rdmsr
	movl	%eax, VTX_SPEC_CTRL(%rdi)
.Lspec_ctrl_compare:
	movl	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	ALTERNATIVE "", "jmp .Lspec_ctrl_write", X86_FEATURE_KERNEL_IBRS
	cmpl	%eax, VTX_SPEC_CTRL(%rdi)
	je	.Lspec_ctrl_written
.Lspec_ctrl_write:
	xorl	%edx, %edx
	wrmsr
.Lspec_ctrl_written:
	/* Neither way out of the comparison may be guessed before SPEC_CTRL is right. */
	lfence
.Lspec_ctrl_restored:

	/* BHI: no branch history of the guest's making. */
	CLEAR_BRANCH_HISTORY_VMEXIT

	/* No guest value may be used by speculation in the host. */
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%esi, %esi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d

	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/* VMX is off already: the host goes down under a vCPU. */
	_ASM_EXTABLE(.Lhost_rsp_write, .Lhost_rsp_done)
	_ASM_EXTABLE(.Lresume_insn, .Lfailed)
	_ASM_EXTABLE(.Llaunch, .Lfailed)
SYM_FUNC_END(vtx_switch)

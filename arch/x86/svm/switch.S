/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of SVM: one VMRUN, with what has to surround it while host
 * state is not whole.  Called by svm_vcpu_enter(), where we step by way of
 * svm_enter_step(), and by nothing else.
 *
 * The global interrupt flag is clear from CLGI to STGI, so nothing can interrupt
 * while GS, TR or SPEC_CTRL are the guest's.  With V_INTR_MASKING, the IF that
 * VMRUN finds decides if a physical interrupt ends the stay: hence STI before.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/alternative.h>
#include <asm/asm-offsets.h>
#include <asm/cpufeatures.h>
#include <asm/frame.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include "offsets.h"
#include "../return_stack.S"

#define GPR(number)	(VCPU_GPRS + (number) * 8)

/* Kernels before these knobs existed have no CPU that needs them. */
#ifndef VM_CLEAR_CPU_BUFFERS
#define VM_CLEAR_CPU_BUFFERS
#endif
#ifndef UNTRAIN_RET_VM
#define UNTRAIN_RET_VM	UNTRAIN_RET
#endif

.section .noinstr.text, "ax"

/*
 * void svm_switch(struct vcpu *vcpu)
 *
 * The guest's registers are in vcpu->arch.state, before and after; the CPU has rax, rsp,
 * rip and rflags in the VMCB, the others in its own.
 */
SYM_FUNC_START(svm_switch)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	movq	SVM_VMCB(%rdi), %rdx
	movq	GPR(0)(%rdi), %rax
	movq	%rax, VMCB_RAX(%rdx)
	movq	GPR(4)(%rdi), %rax
	movq	%rax, VMCB_RSP(%rdx)
	movq	VCPU_RIP(%rdi), %rax
	movq	%rax, VMCB_RIP(%rdx)
	movq	VCPU_RFLAGS(%rdi), %rax
	movq	%rax, VMCB_RFLAGS(%rdx)

	clgi

	/*
	 * The guest's SPEC_CTRL, unless the CPU keeps one of its own for guests.
	 * The host's current value is per CPU; no write if they are the same.
	 */
	ALTERNATIVE_2 "jmp .Lspec_ctrl_done", "", X86_FEATURE_MSR_SPEC_CTRL, \
		"jmp .Lspec_ctrl_done", X86_FEATURE_V_SPEC_CTRL
	movl	SVM_SPEC_CTRL(%rdi), %eax
	cmpl	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	je	.Lspec_ctrl_done
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	xorl	%edx, %edx
	wrmsr
.Lspec_ctrl_done:

	/* FS, GS, TR, LDTR and the system-call MSRs of the guest. */
	movq	SVM_VMCB_PA(%rdi), %rax
	vmload	%rax

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

	VM_CLEAR_CPU_BUFFERS
	sti
	vmrun	%rax
	cli

	/* rax and rsp are the host's again, the rest still the guest's. */
	vmsave	%rax
	movq	(%rsp), %rax
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
	movq	%rax, %rdi
	movq	SVM_VMCB(%rdi), %rdx
	movq	VMCB_RAX(%rdx), %rax
	movq	%rax, GPR(0)(%rdi)
	movq	VMCB_RSP(%rdx), %rax
	movq	%rax, GPR(4)(%rdi)
	movq	VMCB_RIP(%rdx), %rax
	movq	%rax, VCPU_RIP(%rdi)
	movq	VMCB_RFLAGS(%rdx), %rax
	movq	%rax, VCPU_RFLAGS(%rdi)
	movq	SVM_HOST_VMCB_PA(%rdi), %rax
	vmload	%rax

	STUFF_RETURN_STACK

	/*
	 * Host SPEC_CTRL before any RET, too: retbleed's IBRS depends on it.  What
	 * the guest left is worth reading only if it may write it.
	 */
	ALTERNATIVE_2 "jmp .Lspec_ctrl_restored", "", X86_FEATURE_MSR_SPEC_CTRL, \
		"jmp .Lspec_ctrl_restored", X86_FEATURE_V_SPEC_CTRL
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	cmpb	$0, SVM_SPEC_CTRL_LIVE(%rdi)
	je	.Lspec_ctrl_compare
	rdmsr
	movl	%eax, SVM_SPEC_CTRL(%rdi)
.Lspec_ctrl_compare:
	movl	SVM_SPEC_CTRL(%rdi), %eax
	movl	PER_CPU_VAR(x86_spec_ctrl_current), %esi
	cmpl	%eax, %esi
	je	.Lspec_ctrl_restored
	movl	%esi, %eax
	xorl	%edx, %edx
	wrmsr
.Lspec_ctrl_restored:

	/* retbleed, SRSO: no return prediction of the guest's making. */
	UNTRAIN_RET_VM

	/* No guest value may be used by speculation in the host. */
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

	stgi

	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(svm_switch)

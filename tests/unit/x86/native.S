/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Run the code at native_code on this very CPU, with all registers from native_gpr,
 * native_xmm and native_flags, and put them back there.  The code ends with a jump
 * to native_back.
 */
	.macro each_gpr op
	\op 0, %rax
	\op 8, %rcx
	\op 16, %rdx
	\op 24, %rbx
	\op 40, %rbp
	\op 48, %rsi
	\op 56, %rdi
	\op 64, %r8
	\op 72, %r9
	\op 80, %r10
	\op 88, %r11
	\op 96, %r12
	\op 104, %r13
	\op 112, %r14
	\op 120, %r15
	.endm
	.macro load offset, reg
	mov	native_gpr+\offset(%rip), \reg
	.endm
	.macro store offset, reg
	mov	\reg, native_gpr+\offset(%rip)
	.endm

	.text
	.globl	native_run, native_back
native_run:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, saved_rsp(%rip)
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movups	native_xmm+16*\n(%rip), %xmm\n
	.endr
	pushq	native_flags(%rip)
	popfq
	each_gpr load
	mov	native_gpr+32(%rip), %rsp
	jmp	*native_code(%rip)
native_back:
	mov	%rsp, native_gpr+32(%rip)
	mov	saved_rsp(%rip), %rsp
	each_gpr store
	pushfq
	popq	native_flags(%rip)
	cld
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movups	%xmm\n, native_xmm+16*\n(%rip)
	.endr
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.bss
	.globl	native_gpr, native_xmm, native_flags, native_code
	.balign	16
native_gpr:	.skip	128
native_xmm:	.skip	256
native_flags:	.skip	8
native_code:	.skip	8
saved_rsp:	.skip	8
	.section .note.GNU-stack,"",@progbits

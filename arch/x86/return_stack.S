/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The return stack buffer after an exit: the guest trained it, so it is stuffed before
 * any RET, under the same flags as everywhere in the kernel.  Included by switch.S.
 */
#ifndef ARCH_X86_RETURN_STACK_S
#define ARCH_X86_RETURN_STACK_S

#include <asm/alternative.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>

/* Kernels before it existed count no calls. */
#ifndef CREDIT_CALL_DEPTH
#define CREDIT_CALL_DEPTH
#endif

/*
 * As FILL_RETURN_BUFFER, which is for code that is seldom run: the calls one after the
 * other, without the loop around them that takes more instructions than they do.  With
 * X86_FEATURE_RSB_VMEXIT all entries; with X86_FEATURE_RSB_VMEXIT_LITE it is enough that
 * one return of ours goes through (PBRSB).  Changes the flags only.
 */
.macro STUFF_RETURN_STACK
	ALTERNATIVE_2 "jmp .Lreturn_stack_done", "", X86_FEATURE_RSB_VMEXIT, \
		"jmp .Lreturn_stack_one", X86_FEATURE_RSB_VMEXIT_LITE
	.rept	RSB_CLEAR_LOOPS - 1
	__FILL_RETURN_SLOT
	.endr
	add	$8 * (RSB_CLEAR_LOOPS - 1), %rsp
	CREDIT_CALL_DEPTH
.Lreturn_stack_one:
	__FILL_RETURN_SLOT
	add	$8, %rsp
	lfence
.Lreturn_stack_done:
.endm

#endif

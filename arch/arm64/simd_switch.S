/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Floating-point, SIMD and SVE registers to and from memory.  Called by simd.c and by
 * nothing else, where the kernel lets go of them and they are not trapped.
 *
 * SVE registers lie one behind the other, as long as ZCR_EL2 says: Z0 to Z31, then P0 to
 * P15 and FFR (Arm ARM Supplement for SVE, "LDR (vector)", "LDR (predicate)").
 */
#include <linux/linkage.h>

/* Pairs of struct user_fpsimd_state; x0 points to it. */
.macro fp_regs op
	\op	q0, q1, [x0, #16 * 0]
	\op	q2, q3, [x0, #16 * 2]
	\op	q4, q5, [x0, #16 * 4]
	\op	q6, q7, [x0, #16 * 6]
	\op	q8, q9, [x0, #16 * 8]
	\op	q10, q11, [x0, #16 * 10]
	\op	q12, q13, [x0, #16 * 12]
	\op	q14, q15, [x0, #16 * 14]
	\op	q16, q17, [x0, #16 * 16]
	\op	q18, q19, [x0, #16 * 18]
	\op	q20, q21, [x0, #16 * 20]
	\op	q22, q23, [x0, #16 * 22]
	\op	q24, q25, [x0, #16 * 24]
	\op	q26, q27, [x0, #16 * 26]
	\op	q28, q29, [x0, #16 * 28]
	\op	q30, q31, [x0, #16 * 30]
.endm

/* FPSR and FPCR are two words at @base; uses x3 and x4. */
.macro fp_control_save base
	mrs	x3, fpsr
	mrs	x4, fpcr
	stp	w3, w4, [\base]
.endm

.macro fp_control_load base
	ldp	w3, w4, [\base]
	msr	fpsr, x3
	msr	fpcr, x4
.endm

/*
 * void arm64_fp_save(struct user_fpsimd_state *fp)
 * void arm64_fp_load(const struct user_fpsimd_state *fp)
 */
SYM_FUNC_START(arm64_fp_save)
	fp_regs	stp
	add	x1, x0, #16 * 32
	fp_control_save x1
	ret
SYM_FUNC_END(arm64_fp_save)

SYM_FUNC_START(arm64_fp_load)
	fp_regs	ldp
	add	x1, x0, #16 * 32
	fp_control_load x1
	ret
SYM_FUNC_END(arm64_fp_load)

.arch_extension sve

/* x0 points to Z0. */
.macro z_regs op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, \
		21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	z\n, [x0, #\n, mul vl]
	.endr
.endm

/* x1 points to P0. */
.macro p_regs op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\op	p\n, [x1, #\n, mul vl]
	.endr
.endm

/*
 * void arm64_sve_save(void *z, void *p, u32 *control)
 * void arm64_sve_load(const void *z, const void *p, const u32 *control)
 *
 * FFR goes through P0.
 */
SYM_FUNC_START(arm64_sve_save)
	z_regs	str
	p_regs	str
	rdffr	p0.b
	str	p0, [x1, #16, mul vl]
	fp_control_save x2
	ret
SYM_FUNC_END(arm64_sve_save)

SYM_FUNC_START(arm64_sve_load)
	z_regs	ldr
	ldr	p0, [x1, #16, mul vl]
	wrffr	p0.b
	p_regs	ldr
	fp_control_load x2
	ret
SYM_FUNC_END(arm64_sve_load)

/* unsigned long arm64_rdvl(void): bytes of a vector at ZCR_EL2's length */
SYM_FUNC_START(arm64_rdvl)
	rdvl	x0, #1
	ret
SYM_FUNC_END(arm64_rdvl)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of the H extension: SRET into VS- or VU-mode and back by
 * whatever trap comes, and reads of guest virtual memory with HLV.  Called by
 * vcpu.c and by nothing else; irqs are off throughout.
 *
 * While the guest runs, stvec leads to the way back in here and sscratch holds
 * its struct vcpu_arch.  What C expects to survive a call is kept in host.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/csr.h>
#include "offsets.h"

#define GPR(number)	(ARCH_GPRS + (number) * SZREG)
#define HOST_S(number)	(ARCH_HOST_S + (number) * SZREG)

/* Every register but x0, and a0, which holds the struct vcpu_arch. */
.macro gprs op
	\op	x1, GPR(1)(a0)
	\op	x2, GPR(2)(a0)
	\op	x3, GPR(3)(a0)
	\op	x4, GPR(4)(a0)
	\op	x5, GPR(5)(a0)
	\op	x6, GPR(6)(a0)
	\op	x7, GPR(7)(a0)
	\op	x8, GPR(8)(a0)
	\op	x9, GPR(9)(a0)
	\op	x11, GPR(11)(a0)
	\op	x12, GPR(12)(a0)
	\op	x13, GPR(13)(a0)
	\op	x14, GPR(14)(a0)
	\op	x15, GPR(15)(a0)
	\op	x16, GPR(16)(a0)
	\op	x17, GPR(17)(a0)
	\op	x18, GPR(18)(a0)
	\op	x19, GPR(19)(a0)
	\op	x20, GPR(20)(a0)
	\op	x21, GPR(21)(a0)
	\op	x22, GPR(22)(a0)
	\op	x23, GPR(23)(a0)
	\op	x24, GPR(24)(a0)
	\op	x25, GPR(25)(a0)
	\op	x26, GPR(26)(a0)
	\op	x27, GPR(27)(a0)
	\op	x28, GPR(28)(a0)
	\op	x29, GPR(29)(a0)
	\op	x30, GPR(30)(a0)
	\op	x31, GPR(31)(a0)
.endm

/* What a C function keeps for its caller. */
.macro host_gprs op
	\op	ra, ARCH_HOST_RA(a0)
	\op	sp, ARCH_HOST_SP(a0)
	\op	gp, ARCH_HOST_GP(a0)
	\op	tp, ARCH_HOST_TP(a0)
	\op	s0, HOST_S(0)(a0)
	\op	s1, HOST_S(1)(a0)
	\op	s2, HOST_S(2)(a0)
	\op	s3, HOST_S(3)(a0)
	\op	s4, HOST_S(4)(a0)
	\op	s5, HOST_S(5)(a0)
	\op	s6, HOST_S(6)(a0)
	\op	s7, HOST_S(7)(a0)
	\op	s8, HOST_S(8)(a0)
	\op	s9, HOST_S(9)(a0)
	\op	s10, HOST_S(10)(a0)
	\op	s11, HOST_S(11)(a0)
.endm

.section .noinstr.text, "ax"

/*
 * void riscv_switch(struct vcpu_arch *arch)
 *
 * Leaves what the hardware says of the exit in arch->exit: any other trap overwrites
 * it, and one may come as soon as this has returned, from what somebody traces or has
 * a breakpoint on.
 */
SYM_FUNC_START(riscv_switch)
	host_gprs REG_S

	la	t0, .Lguest_trapped
	REG_L	t1, ARCH_SSTATUS(a0)
	REG_L	t2, ARCH_HSTATUS(a0)
	REG_L	t3, ARCH_PC(a0)
	csrrw	t0, CSR_STVEC, t0
	csrrw	t1, CSR_SSTATUS, t1
	csrrw	t2, CSR_HSTATUS, t2
	csrw	CSR_SEPC, t3
	csrrw	t3, CSR_SSCRATCH, a0
	REG_S	t0, ARCH_HOST_STVEC(a0)
	REG_S	t1, ARCH_HOST_SSTATUS(a0)
	REG_S	t2, ARCH_HOST_HSTATUS(a0)
	REG_S	t3, ARCH_HOST_SSCRATCH(a0)

	gprs	REG_L
	REG_L	a0, GPR(10)(a0)
	sret

	/* stvec keeps its mode in the two lowest bits. */
	.balign 4
.Lguest_trapped:
	csrrw	a0, CSR_SSCRATCH, a0
	gprs	REG_S

	REG_L	t0, ARCH_HOST_SSCRATCH(a0)
	REG_L	t1, ARCH_HOST_STVEC(a0)
	REG_L	t2, ARCH_HOST_SSTATUS(a0)
	REG_L	t3, ARCH_HOST_HSTATUS(a0)
	csrrw	t0, CSR_SSCRATCH, t0
	csrw	CSR_STVEC, t1
	csrrw	t2, CSR_SSTATUS, t2
	csrrw	t3, CSR_HSTATUS, t3
	csrr	t4, CSR_SEPC
	REG_S	t0, GPR(10)(a0)
	REG_S	t2, ARCH_SSTATUS(a0)
	REG_S	t3, ARCH_HSTATUS(a0)
	REG_S	t4, ARCH_PC(a0)
	csrr	t0, CSR_SCAUSE
	csrr	t1, CSR_STVAL
	csrr	t2, CSR_HTVAL
	csrr	t3, CSR_HTINST
	REG_S	t0, ARCH_EXIT_CODE(a0)
	REG_S	t1, ARCH_EXIT_INFO1(a0)
	REG_S	t2, ARCH_EXIT_INFO2(a0)
	REG_S	t3, ARCH_EXIT_INSN(a0)

	host_gprs REG_L
	ret
SYM_FUNC_END(riscv_switch)

/*
 * unsigned long riscv_hlvx_hu(unsigned long address, unsigned long *value)
 * unsigned long riscv_hlv_d(unsigned long address, unsigned long *value)
 *
 * Read guest virtual memory, with hstatus and the VS CSRs of the guest in place.
 * 0 and *value, or scause of the exception, with stval and htval as it left
 * them: a cause of 0 (a misaligned fetch) cannot be.  The exception finds irqs
 * off and leaves them off; of sstatus it changes only what the next exception
 * or interrupt writes anew.
 */
.macro guest_read name, insn
SYM_FUNC_START(\name)
	la	t0, .Lfault_\@
	csrrw	t1, CSR_STVEC, t0
	mv	t2, a0
	li	a0, 0
	\insn
	REG_S	t3, 0(a1)
	csrw	CSR_STVEC, t1
	ret
	.balign 4
.Lfault_\@:
	csrr	a0, CSR_SCAUSE
	csrw	CSR_STVEC, t1
	ret
SYM_FUNC_END(\name)
.endm

/* HLVX.HU t3, (t2) and HLV.D t3, (t2): not every assembler knows the names. */
guest_read riscv_hlvx_hu, ".insn r 0x73, 4, 0x32, t3, t2, x3"
guest_read riscv_hlv_d, ".insn r 0x73, 4, 0x36, t3, t2, x0"

.text


.macro fprs op
	.option push
	.option arch, +d
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, \
		21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	f\n, (\n * 8)(a0)
	.endr
	.option pop
.endm

/*
 * void riscv_fp_save(struct __riscv_d_ext_state *state)
 * void riscv_fp_restore(const struct __riscv_d_ext_state *state)
 *
 * The floating-point registers; sstatus.FS is on.
 */
SYM_FUNC_START(riscv_fp_save)
	fprs	fsd
	csrr	t0, fcsr
	sw	t0, 32 * 8(a0)
	ret
SYM_FUNC_END(riscv_fp_save)

SYM_FUNC_START(riscv_fp_restore)
	fprs	fld
	lw	t0, 32 * 8(a0)
	csrw	fcsr, t0
	ret
SYM_FUNC_END(riscv_fp_restore)

/*
 * void riscv_user_fp_restore(const struct __riscv_d_ext_state *state)
 *
 * The same where sstatus.FS is off, and is off again.
 */
SYM_FUNC_START(riscv_user_fp_restore)
	li	t1, SR_FS
	csrs	CSR_SSTATUS, t1
	fprs	fld
	lw	t0, 32 * 8(a0)
	csrw	fcsr, t0
	csrc	CSR_SSTATUS, t1
	ret
SYM_FUNC_END(riscv_user_fp_restore)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trapped RISC-V instructions, taken apart.  The decoder is pure: no vCPU, no
 * memory; it compiles in user space (tests/unit).
 */
#ifndef RISCV_INSN_H
#define RISCV_INSN_H

#include <linux/compiler.h>
#include "include/arch/access.h"

struct vcpu;

/* The instruction as it is in memory; a 16-bit one is in the low half. */
bool riscv_decode_access(u32 insn, struct riscv_access *access);
/*
 * The instruction as htinst has it (ISA manual, "Transformed Instruction or
 * Pseudoinstruction for mtinst or htinst").  False also if htinst holds something else.
 */
bool riscv_decode_transformed(u32 htinst, struct riscv_access *access);
/* How far behind the start of the access the fault is, in such a one: where rs1 would be. */
static inline u8 riscv_transformed_offset(u32 htinst)
{
	return htinst >> 15 & 31;
}

enum riscv_csr_op {
	RISCV_CSR_WRITE	= 1,	/* numbered as in the instructions' low funct3 */
	RISCV_CSR_SET	= 2,
	RISCV_CSR_CLEAR	= 3,
};

/* An access to a CSR (ISA manual, "CSR Instructions"). */
struct riscv_csr_access {
	u16	csr;
	u8	rd;
	u8	source;		/* number of a register, or the value itself */
	bool	immediate;	/* the latter */
	u8	op;		/* enum riscv_csr_op */
	bool	read, write;	/* does it count as one, side effects included? */
};

bool riscv_decode_csr(u32 insn, struct riscv_csr_access *access);

/*
 * insn.c: fetch the instruction at the guest's pc.  vCPU loaded.  False: there is
 * nothing to emulate, resume the guest (it took an exception, or tries again).
 */
bool riscv_insn_fetch(struct vcpu *vcpu, u32 *insn);

#endif /* RISCV_INSN_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decode table of loads and stores, and the fields of CSR instructions.  Pure;
 * see insn.h.  What has no row is not emulated: atomic, vector and cache-block
 * instructions.
 */
#include "insn.h"

/* Where a row has the number of the register. */
enum {
	REG_RD,			/* bits 11:7, also of 16-bit instructions */
	REG_RS2,
	REG_C_RS2,
	REG_C_SHORT,		/* three bits, x8..x15 or f8..f15 */
};

static const struct {
	u8	shift, mask, base;
} access_regs[] = {
	[REG_RD]	= { 7, 31, 0 },
	[REG_RS2]	= { 20, 31, 0 },
	[REG_C_RS2]	= { 2, 31, 0 },
	[REG_C_SHORT]	= { 2, 7, 8 },
};

struct access_row {
	u32	match, mask;
	u8	reg;
	bool	not_x0;		/* with register 0 it is another instruction */
	struct riscv_access access;	/* but for the register */
};

/* Opcode and funct3; or, of 16-bit instructions, their quadrant and funct3. */
#define WIDE(opcode, funct3)	((funct3) << 12 | (opcode)), 0x707f
#define SHORT(quadrant, funct3)	((funct3) << 13 | (quadrant)), 0xe003
/* Zcb: funct6, and for halfwords the bit above rd'. */
#define BYTE(funct6)		((funct6) << 10), 0xfc03
#define HALF(funct6, bit)	((funct6) << 10 | (bit) << 6), 0xfc43

/* What a row says of the access. */
#define LEN(bytes)	.len = (bytes)
#define STORE		.store = true
#define FP		.fp = true
#define SIGN		.sign = true

/* No two rows match the same bits; those drivers use most come first. */
static const struct access_row access_rows[] = {
	{ WIDE(0x03, 2), REG_RD, false, { LEN(4), SIGN } },		/* LW */
	{ WIDE(0x23, 2), REG_RS2, false, { LEN(4), STORE } },		/* SW */
	{ WIDE(0x03, 6), REG_RD, false, { LEN(4) } },			/* LWU */
	{ WIDE(0x03, 4), REG_RD, false, { LEN(1) } },			/* LBU */
	{ WIDE(0x23, 0), REG_RS2, false, { LEN(1), STORE } },		/* SB */
	{ WIDE(0x03, 5), REG_RD, false, { LEN(2) } },			/* LHU */
	{ WIDE(0x23, 1), REG_RS2, false, { LEN(2), STORE } },		/* SH */
	{ WIDE(0x03, 3), REG_RD, false, { LEN(8) } },			/* LD */
	{ WIDE(0x23, 3), REG_RS2, false, { LEN(8), STORE } },		/* SD */
	{ WIDE(0x03, 0), REG_RD, false, { LEN(1), SIGN } },		/* LB */
	{ WIDE(0x03, 1), REG_RD, false, { LEN(2), SIGN } },		/* LH */
	{ WIDE(0x07, 1), REG_RD, false, { LEN(2), FP } },		/* FLH */
	{ WIDE(0x07, 2), REG_RD, false, { LEN(4), FP } },		/* FLW */
	{ WIDE(0x07, 3), REG_RD, false, { LEN(8), FP } },		/* FLD */
	{ WIDE(0x27, 1), REG_RS2, false, { LEN(2), STORE, FP } },	/* FSH */
	{ WIDE(0x27, 2), REG_RS2, false, { LEN(4), STORE, FP } },	/* FSW */
	{ WIDE(0x27, 3), REG_RS2, false, { LEN(8), STORE, FP } },	/* FSD */

	{ SHORT(0, 1), REG_C_SHORT, false, { LEN(8), FP } },		/* C.FLD */
	{ SHORT(0, 2), REG_C_SHORT, false, { LEN(4), SIGN } },		/* C.LW */
	{ SHORT(0, 3), REG_C_SHORT, false, { LEN(8) } },		/* C.LD */
	{ SHORT(0, 5), REG_C_SHORT, false, { LEN(8), STORE, FP } },	/* C.FSD */
	{ SHORT(0, 6), REG_C_SHORT, false, { LEN(4), STORE } },		/* C.SW */
	{ SHORT(0, 7), REG_C_SHORT, false, { LEN(8), STORE } },		/* C.SD */
	{ SHORT(2, 1), REG_RD, false, { LEN(8), FP } },			/* C.FLDSP */
	{ SHORT(2, 2), REG_RD, true, { LEN(4), SIGN } },		/* C.LWSP */
	{ SHORT(2, 3), REG_RD, true, { LEN(8) } },			/* C.LDSP */
	{ SHORT(2, 5), REG_C_RS2, false, { LEN(8), STORE, FP } },	/* C.FSDSP */
	{ SHORT(2, 6), REG_C_RS2, false, { LEN(4), STORE } },		/* C.SWSP */
	{ SHORT(2, 7), REG_C_RS2, false, { LEN(8), STORE } },		/* C.SDSP */
	{ BYTE(0x20), REG_C_SHORT, false, { LEN(1) } },			/* C.LBU */
	{ HALF(0x21, 0), REG_C_SHORT, false, { LEN(2) } },		/* C.LHU */
	{ HALF(0x21, 1), REG_C_SHORT, false, { LEN(2), SIGN } },	/* C.LH */
	{ BYTE(0x22), REG_C_SHORT, false, { LEN(1), STORE } },		/* C.SB */
	{ HALF(0x23, 0), REG_C_SHORT, false, { LEN(2), STORE } },	/* C.SH */
	{ }
};

static inline bool decode_access(u32 insn, struct riscv_access *access)
{
	const struct access_row *row = access_rows;
	u8 reg;

	while (row->mask && (insn & row->mask) != row->match)
		row++;
	if (!row->mask)
		return false;

	reg = (insn >> access_regs[row->reg].shift & access_regs[row->reg].mask) +
	      access_regs[row->reg].base;
	if (row->not_x0 && !reg)
		return false;

	*access = row->access;
	access->reg = reg;

	return true;
}

bool riscv_decode_access(u32 insn, struct riscv_access *access)
{
	if (!decode_access(insn, access))
		return false;

	access->insn_len = (insn & 3) == 3 ? 4 : 2;

	return true;
}

/*
 * Bit 0 tells a transformed instruction from a pseudoinstruction and from nothing.
 * Bit 1 is clear if the original was a 16-bit one, which the rest is the 32-bit
 * equivalent of.
 */
bool riscv_decode_transformed(u32 htinst, struct riscv_access *access)
{
	if (!(htinst & 1) || !decode_access(htinst | 2, access))
		return false;

	access->insn_len = htinst & 2 ? 4 : 2;

	return true;
}

#define OPCODE_SYSTEM	0x73

bool riscv_decode_csr(u32 insn, struct riscv_csr_access *access)
{
	u8 funct3 = insn >> 12 & 7;

	/* funct3 0 and 4: ECALL, WFI and the like; HLV and HSV. */
	if ((insn & 0x7f) != OPCODE_SYSTEM || !(funct3 & 3))
		return false;

	access->csr = insn >> 20;
	access->rd = insn >> 7 & 31;
	access->source = insn >> 15 & 31;
	access->immediate = funct3 & 4;
	access->op = funct3 & 3;
	/*
	 * The number of the register counts, not what it holds; likewise of an
	 * immediate the value.
	 */
	access->read = access->op != RISCV_CSR_WRITE || access->rd;
	access->write = access->op == RISCV_CSR_WRITE || access->source;

	return true;
}

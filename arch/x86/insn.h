/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One x86 instruction, taken apart.  Pure: no vCPU, no memory; compiles in user
 * space (tests/unit/x86).
 */
#ifndef X86_INSN_H
#define X86_INSN_H

#include <linux/types.h>

#define INSN_MAX_LENGTH	15

/* What the emulator does with an instruction; X86_OP_NONE: only its length. */
enum x86_insn_op {
	X86_OP_NONE,
	X86_OP_INVALID,
	X86_OP_ALU,		/* ADD OR ADC SBB AND SUB XOR CMP */
	X86_OP_BIT,		/* BT BTS BTR BTC */
	X86_OP_BIT_SCAN,	/* BSF BSR TZCNT LZCNT */
	X86_OP_CALL_JMP,	/* FF: INC DEC CALL JMP PUSH; FE: INC DEC */
	X86_OP_CMOV,
	X86_OP_CMPXCHG,
	X86_OP_CMPXCHG_WIDE,	/* CMPXCHG8B, CMPXCHG16B */
	X86_OP_FENCE,		/* 0F AE: CLFLUSH and friends touch memory */
	X86_OP_GROUP3,		/* TEST NOT NEG MUL IMUL DIV IDIV */
	X86_OP_IMUL,
	X86_OP_LEA,
	X86_OP_MOV,		/* 88..8B, C6, C7, A0..A3, MOVNTI, MOVDIRI */
	X86_OP_MOVBE,
	X86_OP_MOV_FROM_SEG,
	X86_OP_MOV_EXTEND,	/* MOVZX MOVSX MOVSXD */
	X86_OP_NOP,		/* a memory operand that is not accessed */
	X86_OP_POP,
	X86_OP_POPCNT,
	X86_OP_PUSH,
	X86_OP_SETCC,
	X86_OP_SHIFT,
	X86_OP_SHIFT_DOUBLE,	/* SHLD SHRD */
	X86_OP_SSE_MOVE,
	X86_OP_STRING,		/* MOVS CMPS STOS LODS SCAS */
	X86_OP_STRING_IO,	/* INS OUTS */
	X86_OP_TEST,
	X86_OP_XADD,
	X86_OP_XCHG,
	X86_OP_XLAT,
	X86_OP_COUNT,
};

enum x86_insn_map {
	X86_MAP_ONE,
	X86_MAP_0F,
	X86_MAP_0F38,
	X86_MAP_0F3A,
	X86_MAP_5 = 5,		/* EVEX only */
	X86_MAP_6,
	X86_MAP_XOP8 = 8,
	X86_MAP_XOP9,
	X86_MAP_XOPA,
};

enum x86_insn_encoding {
	X86_ENCODING_LEGACY,
	X86_ENCODING_VEX,
	X86_ENCODING_EVEX,
	X86_ENCODING_XOP,
};

/* Bits of x86_insn.rex, whatever prefix they came with. */
enum {
	X86_REX_B	= 1,
	X86_REX_X	= 2,
	X86_REX_R	= 4,
	X86_REX_W	= 8,
	X86_REX		= 0x40,	/* there was a REX prefix: SPL instead of AH */
};

/* Segment numbers as instructions encode them. */
enum {
	X86_INSN_ES, X86_INSN_CS, X86_INSN_SS, X86_INSN_DS, X86_INSN_FS, X86_INSN_GS,
};

struct x86_insn {
	/* What it is. */
	u8	length;
	u8	mode;		/* 2, 4 or 8: width of the code segment, in bytes */
	u8	encoding;	/* enum x86_insn_encoding */
	u8	map;		/* enum x86_insn_map */
	u8	opcode;
	u8	op;		/* enum x86_insn_op */

	/* Prefixes. */
	u8	rex;
	u8	rep;		/* 0, 0xf2 or 0xf3: the last one */
	bool	operand_prefix;	/* 66 */
	bool	address_prefix;	/* 67 */
	bool	lock;
	bool	segment_prefix;
	u8	vector_bits;	/* 0: 128, 1: 256, 2: 512 */

	/* Sizes in bytes. */
	u8	operand_size;	/* 1, 2, 4 or 8 */
	u8	address_size;	/* 2, 4 or 8 */

	/* Operands. */
	bool	has_modrm;
	bool	has_memory;	/* ModRM or moffs names memory */
	bool	rip_relative;
	u8	modrm;
	u8	reg;		/* ModRM.reg, extended by REX.R */
	u8	rm;		/* ModRM.rm, extended by REX.B; if it is a register */
	u8	segment;	/* of the memory operand */
	s8	base;		/* GPR number, or -1 */
	s8	index;		/* GPR number, or -1 */
	u8	scale;		/* log2 */
	s64	displacement;
	s64	immediate;	/* sign-extended */
};

/*
 * Take apart the instruction at @bytes, of which @count are known.  @mode: width
 * of the code segment in bytes (2, 4, 8).
 * 0; -ENODATA: it goes on after @count; -E2BIG: longer than 15 bytes (#GP);
 * -EINVAL: no such instruction, or LOCK where it may not be (#UD).
 */
int x86_insn_decode(struct x86_insn *insn, const u8 *bytes, int count, int mode);

/*
 * The length of the instruction if it is one of the few that exit most and has no
 * prefix; else 0.  The same in every mode.
 */
int x86_insn_length_common(const u8 *bytes, int count);

#endif /* X86_INSN_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder: prefixes, opcode maps, ModRM, SIB, displacement,
 * immediate.  Finds the length of every instruction and the operands of those the
 * emulator knows.  It does not judge whether an opcode exists on the guest's CPU:
 * the hardware has done that before anything got here.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "insn.h"

/* Flags of a row of an opcode map. */
enum {
	ROW_MODRM	= 1 << 0,
	ROW_BYTE	= 1 << 1,	/* operands of one byte */
	ROW_IB		= 1 << 2,	/* immediate of one byte */
	ROW_IW		= 1 << 3,	/* of two */
	ROW_IZ		= 1 << 4,	/* of two or four, by operand size */
	ROW_IV		= 1 << 5,	/* of two, four or eight */
	ROW_MOFFS	= 1 << 6,	/* address of a memory operand */
	ROW_FAR		= 1 << 7,	/* offset by operand size, and a selector */
	ROW_D64		= 1 << 8,	/* operand size is 8 in 64-bit mode */
	ROW_NO64	= 1 << 9,	/* does not exist in 64-bit mode */
	ROW_TEST_IMM	= 1 << 10,	/* F6, F7: /0 and /1 have an immediate */
	ROW_REGISTER	= 1 << 11,	/* ModRM.mod is ignored: registers */
	ROW_TWO_IB	= 1 << 12,	/* EXTRQ, INSERTQ: two bytes with 66 or F2 */
	ROW_PREFIX	= 1 << 13,
};

struct insn_row {
	u8	op;		/* enum x86_insn_op */
	u8	lock;		/* LOCK allowed with memory: bit per ModRM.reg */
	u16	flags;
};

#define ROW(op_, lock_, flags_)	{ .op = X86_OP_##op_, .lock = (lock_), .flags = (flags_) }
#define PLAIN(flags_)		ROW(NONE, 0, flags_)

#define M	ROW_MODRM
#define MB	(ROW_MODRM | ROW_BYTE)

/* Six opcodes of ADD, OR, ...: E,G  G,E  A,I, each for bytes and for words. */
#define ALU_ROWS(base, lock)							\
	[base] = ROW(ALU, lock, MB), [base + 1] = ROW(ALU, lock, M),		\
	[base + 2] = ROW(ALU, 0, MB), [base + 3] = ROW(ALU, 0, M),		\
	[base + 4] = PLAIN(ROW_BYTE | ROW_IB), [base + 5] = PLAIN(ROW_IZ)

static const struct insn_row map_one[256] = {
	ALU_ROWS(0x00, 0xff), [0x06 ... 0x07] = PLAIN(ROW_NO64),
	ALU_ROWS(0x08, 0xff), [0x0e] = PLAIN(ROW_NO64),
	ALU_ROWS(0x10, 0xff), [0x16 ... 0x17] = PLAIN(ROW_NO64),
	ALU_ROWS(0x18, 0xff), [0x1e ... 0x1f] = PLAIN(ROW_NO64),
	ALU_ROWS(0x20, 0xff), [0x26] = PLAIN(ROW_PREFIX), [0x27] = PLAIN(ROW_NO64),
	ALU_ROWS(0x28, 0xff), [0x2e] = PLAIN(ROW_PREFIX), [0x2f] = PLAIN(ROW_NO64),
	ALU_ROWS(0x30, 0xff), [0x36] = PLAIN(ROW_PREFIX), [0x37] = PLAIN(ROW_NO64),
	ALU_ROWS(0x38, 0x00), [0x3e] = PLAIN(ROW_PREFIX), [0x3f] = PLAIN(ROW_NO64),
	[0x40 ... 0x4f] = PLAIN(0),		/* INC, DEC; REX is a prefix */
	[0x50 ... 0x57] = ROW(PUSH, 0, ROW_D64),
	[0x58 ... 0x5f] = ROW(POP, 0, ROW_D64),
	[0x60 ... 0x61] = PLAIN(ROW_NO64),
	[0x62] = PLAIN(M | ROW_NO64),		/* BOUND, or EVEX */
	[0x63] = ROW(MOV_EXTEND, 0, M),		/* MOVSXD; ARPL is sorted out later */
	[0x64 ... 0x67] = PLAIN(ROW_PREFIX),
	[0x68] = ROW(PUSH, 0, ROW_IZ | ROW_D64),
	[0x69] = ROW(IMUL, 0, M | ROW_IZ),
	[0x6a] = ROW(PUSH, 0, ROW_IB | ROW_D64),
	[0x6b] = ROW(IMUL, 0, M | ROW_IB),
	[0x6c] = ROW(STRING_IO, 0, ROW_BYTE), [0x6d] = ROW(STRING_IO, 0, 0),
	[0x6e] = ROW(STRING_IO, 0, ROW_BYTE), [0x6f] = ROW(STRING_IO, 0, 0),
	[0x70 ... 0x7f] = PLAIN(ROW_IB),
	[0x80] = ROW(ALU, 0x7f, MB | ROW_IB), [0x81] = ROW(ALU, 0x7f, M | ROW_IZ),
	[0x82] = ROW(ALU, 0x7f, MB | ROW_IB | ROW_NO64),
	[0x83] = ROW(ALU, 0x7f, M | ROW_IB),
	[0x84] = ROW(TEST, 0, MB), [0x85] = ROW(TEST, 0, M),
	[0x86] = ROW(XCHG, 0xff, MB), [0x87] = ROW(XCHG, 0xff, M),
	[0x88] = ROW(MOV, 0, MB), [0x89] = ROW(MOV, 0, M),
	[0x8a] = ROW(MOV, 0, MB), [0x8b] = ROW(MOV, 0, M),
	[0x8c] = ROW(MOV_FROM_SEG, 0, M),
	[0x8d] = ROW(LEA, 0, M),
	[0x8e] = PLAIN(M),
	[0x8f] = ROW(POP, 0, M | ROW_D64),	/* or XOP */
	[0x90 ... 0x99] = PLAIN(0),
	[0x9a] = PLAIN(ROW_FAR | ROW_NO64),
	[0x9b] = PLAIN(0), [0x9c ... 0x9d] = PLAIN(ROW_D64), [0x9e ... 0x9f] = PLAIN(0),
	[0xa0] = ROW(MOV, 0, ROW_BYTE | ROW_MOFFS), [0xa1] = ROW(MOV, 0, ROW_MOFFS),
	[0xa2] = ROW(MOV, 0, ROW_BYTE | ROW_MOFFS), [0xa3] = ROW(MOV, 0, ROW_MOFFS),
	[0xa4] = ROW(STRING, 0, ROW_BYTE), [0xa5] = ROW(STRING, 0, 0),
	[0xa6] = ROW(STRING, 0, ROW_BYTE), [0xa7] = ROW(STRING, 0, 0),
	[0xa8] = PLAIN(ROW_BYTE | ROW_IB), [0xa9] = PLAIN(ROW_IZ),
	[0xaa] = ROW(STRING, 0, ROW_BYTE), [0xab] = ROW(STRING, 0, 0),
	[0xac] = ROW(STRING, 0, ROW_BYTE), [0xad] = ROW(STRING, 0, 0),
	[0xae] = ROW(STRING, 0, ROW_BYTE), [0xaf] = ROW(STRING, 0, 0),
	[0xb0 ... 0xb7] = PLAIN(ROW_BYTE | ROW_IB), [0xb8 ... 0xbf] = PLAIN(ROW_IV),
	[0xc0] = ROW(SHIFT, 0, MB | ROW_IB), [0xc1] = ROW(SHIFT, 0, M | ROW_IB),
	[0xc2] = PLAIN(ROW_IW), [0xc3] = PLAIN(0),
	[0xc4 ... 0xc5] = PLAIN(M | ROW_NO64),	/* LES, LDS, or VEX */
	[0xc6] = ROW(MOV, 0, MB | ROW_IB), [0xc7] = ROW(MOV, 0, M | ROW_IZ),
	[0xc8] = PLAIN(ROW_IW | ROW_IB), [0xc9] = PLAIN(0),
	[0xca] = PLAIN(ROW_IW), [0xcb ... 0xcc] = PLAIN(0), [0xcd] = PLAIN(ROW_IB),
	[0xce] = PLAIN(ROW_NO64), [0xcf] = PLAIN(0),
	[0xd0] = ROW(SHIFT, 0, MB), [0xd1] = ROW(SHIFT, 0, M),
	[0xd2] = ROW(SHIFT, 0, MB), [0xd3] = ROW(SHIFT, 0, M),
	[0xd4 ... 0xd5] = PLAIN(ROW_IB | ROW_NO64), [0xd6] = PLAIN(ROW_NO64),
	[0xd7] = ROW(XLAT, 0, ROW_BYTE),
	[0xd8 ... 0xdf] = PLAIN(M),
	[0xe0 ... 0xe7] = PLAIN(ROW_IB),
	[0xe8 ... 0xe9] = PLAIN(ROW_IZ), [0xea] = PLAIN(ROW_FAR | ROW_NO64),
	[0xeb] = PLAIN(ROW_IB), [0xec ... 0xef] = PLAIN(0),
	[0xf0] = PLAIN(ROW_PREFIX), [0xf1] = PLAIN(0), [0xf2 ... 0xf3] = PLAIN(ROW_PREFIX),
	[0xf4 ... 0xf5] = PLAIN(0),
	[0xf6] = ROW(GROUP3, 0x0c, MB | ROW_TEST_IMM),
	[0xf7] = ROW(GROUP3, 0x0c, M | ROW_TEST_IMM),
	[0xf8 ... 0xfd] = PLAIN(0),
	[0xfe] = ROW(CALL_JMP, 0x03, MB), [0xff] = ROW(CALL_JMP, 0x03, M),
};

static const struct insn_row map_0f[256] = {
	[0x00 ... 0x03] = PLAIN(M), [0x04] = ROW(INVALID, 0, 0), [0x05 ... 0x09] = PLAIN(0),
	[0x0a] = ROW(INVALID, 0, 0), [0x0b] = PLAIN(0), [0x0c] = ROW(INVALID, 0, 0),
	[0x0d] = ROW(NOP, 0, M), [0x0e] = PLAIN(0), [0x0f] = PLAIN(M | ROW_IB),
	[0x10 ... 0x13] = ROW(SSE_MOVE, 0, M), [0x14 ... 0x15] = PLAIN(M),
	[0x16 ... 0x17] = ROW(SSE_MOVE, 0, M),
	[0x18 ... 0x19] = ROW(NOP, 0, M), [0x1a ... 0x1b] = PLAIN(M),
	[0x1c ... 0x1f] = ROW(NOP, 0, M),	/* PREFETCH, hints, NOP */
	/* LOCK MOV CR0 is another name of CR8 on some CPUs. */
	[0x20] = ROW(NONE, 0xff, M | ROW_REGISTER), [0x21] = PLAIN(M | ROW_REGISTER),
	[0x22] = ROW(NONE, 0xff, M | ROW_REGISTER), [0x23] = PLAIN(M | ROW_REGISTER),
	[0x24 ... 0x27] = ROW(INVALID, 0, 0),
	[0x28 ... 0x29] = ROW(SSE_MOVE, 0, M), [0x2a] = PLAIN(M),
	[0x2b] = ROW(SSE_MOVE, 0, M), [0x2c ... 0x2f] = PLAIN(M),
	[0x30 ... 0x35] = PLAIN(0), [0x36] = ROW(INVALID, 0, 0), [0x37] = PLAIN(0),
	[0x39] = ROW(INVALID, 0, 0), [0x3b ... 0x3f] = ROW(INVALID, 0, 0),
	[0x40 ... 0x4f] = ROW(CMOV, 0, M),
	[0x50 ... 0x6d] = PLAIN(M), [0x6e ... 0x6f] = ROW(SSE_MOVE, 0, M),
	[0x70 ... 0x73] = PLAIN(M | ROW_IB), [0x74 ... 0x76] = PLAIN(M), [0x77] = PLAIN(0),
	[0x78] = PLAIN(M | ROW_TWO_IB), [0x79] = PLAIN(M),
	[0x7a ... 0x7b] = ROW(INVALID, 0, 0),
	[0x7c ... 0x7d] = PLAIN(M), [0x7e ... 0x7f] = ROW(SSE_MOVE, 0, M),
	[0x80 ... 0x8f] = PLAIN(ROW_IZ),
	[0x90 ... 0x9f] = ROW(SETCC, 0, MB),
	[0xa0 ... 0xa1] = PLAIN(ROW_D64), [0xa2] = PLAIN(0), [0xa3] = ROW(BIT, 0, M),
	[0xa4] = ROW(SHIFT_DOUBLE, 0, M | ROW_IB), [0xa5] = ROW(SHIFT_DOUBLE, 0, M),
	[0xa6 ... 0xa7] = PLAIN(M), [0xa8 ... 0xa9] = PLAIN(ROW_D64), [0xaa] = PLAIN(0),
	[0xab] = ROW(BIT, 0xff, M),
	[0xac] = ROW(SHIFT_DOUBLE, 0, M | ROW_IB), [0xad] = ROW(SHIFT_DOUBLE, 0, M),
	[0xae] = ROW(FENCE, 0, M), [0xaf] = ROW(IMUL, 0, M),
	[0xb0] = ROW(CMPXCHG, 0xff, MB), [0xb1] = ROW(CMPXCHG, 0xff, M),
	[0xb2] = PLAIN(M), [0xb3] = ROW(BIT, 0xff, M), [0xb4 ... 0xb5] = PLAIN(M),
	[0xb6 ... 0xb7] = ROW(MOV_EXTEND, 0, M), [0xb8] = ROW(POPCNT, 0, M),
	[0xb9] = PLAIN(M), [0xba] = ROW(BIT, 0xe0, M | ROW_IB), [0xbb] = ROW(BIT, 0xff, M),
	[0xbc ... 0xbd] = ROW(BIT_SCAN, 0, M), [0xbe ... 0xbf] = ROW(MOV_EXTEND, 0, M),
	[0xc0] = ROW(XADD, 0xff, MB), [0xc1] = ROW(XADD, 0xff, M),
	[0xc2] = PLAIN(M | ROW_IB), [0xc3] = ROW(MOV, 0, M),	/* MOVNTI */
	[0xc4 ... 0xc6] = PLAIN(M | ROW_IB),
	[0xc7] = ROW(CMPXCHG_WIDE, 0x02, M),
	[0xc8 ... 0xcf] = PLAIN(0),
	[0xd0 ... 0xd5] = PLAIN(M), [0xd6] = ROW(SSE_MOVE, 0, M),
	[0xd7 ... 0xe6] = PLAIN(M), [0xe7] = ROW(SSE_MOVE, 0, M),
	[0xe8 ... 0xef] = PLAIN(M), [0xf0] = ROW(SSE_MOVE, 0, M),
	[0xf1 ... 0xff] = PLAIN(M),
};

#undef M
#undef MB

/* Reading of the bytes, with both limits. */
struct insn_cursor {
	const u8	*bytes;
	int		 count;
	int		 at;
};

static int cursor_need(const struct insn_cursor *cursor, int n)
{
	if (cursor->at + n > INSN_MAX_LENGTH)
		return -E2BIG;

	return cursor->at + n > cursor->count ? -ENODATA : 0;
}

static int cursor_byte(struct insn_cursor *cursor, u8 *byte)
{
	int err = cursor_need(cursor, 1);

	if (!err)
		*byte = cursor->bytes[cursor->at++];

	return err;
}

/* @size bytes, sign-extended. */
static int cursor_value(struct insn_cursor *cursor, int size, s64 *value)
{
	int shift = 64 - 8 * size;
	u64 raw = 0;
	int i, err;

	err = cursor_need(cursor, size);
	if (err)
		return err;
	for (i = 0; i < size; i++)
		raw |= (u64)cursor->bytes[cursor->at++] << (8 * i);
	*value = (s64)(raw << shift) >> shift;

	return 0;
}

static void prefix_segment(struct x86_insn *insn, u8 segment)
{
	/* 64-bit mode ignores all but FS and GS, also as to which comes last. */
	if (insn->mode == 8 && segment < X86_INSN_FS)
		return;
	insn->segment = segment;
	insn->segment_prefix = true;
}

static bool prefix_legacy(struct x86_insn *insn, u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		prefix_segment(insn, (byte >> 3) & 3);
		return true;
	case 0x64: case 0x65:
		prefix_segment(insn, byte & 7);
		return true;
	case 0x66:
		insn->operand_prefix = true;
		return true;
	case 0x67:
		insn->address_prefix = true;
		return true;
	case 0xf0:
		insn->lock = true;
		return true;
	case 0xf2: case 0xf3:
		insn->rep = byte;
		return true;
	default:
		return false;
	}
}

/* All prefixes; on return @opcode is the first byte after them. */
static int decode_prefixes(struct x86_insn *insn, struct insn_cursor *cursor, u8 *opcode)
{
	int err;

	for (;;) {
		err = cursor_byte(cursor, opcode);
		if (err)
			return err;
		if (prefix_legacy(insn, *opcode)) {
			insn->rex = 0;	/* REX counts only right before the opcode */
			continue;
		}
		if (insn->mode != 8 || (*opcode & 0xf0) != 0x40)
			return 0;
		insn->rex = *opcode;
	}
}

/* Would the next byte, as ModRM, name a register?  Then C4, C5, 62 are prefixes. */
static int next_is_register(const struct insn_cursor *cursor, bool *is)
{
	int err = cursor_need(cursor, 1);

	if (!err)
		*is = cursor->bytes[cursor->at] >= 0xc0;

	return err;
}

static void vector_prefix(struct x86_insn *insn, u8 pp)
{
	insn->operand_prefix = pp == 1;
	insn->rep = pp == 2 ? 0xf3 : pp == 3 ? 0xf2 : 0;
}

static int decode_vex2(struct x86_insn *insn, struct insn_cursor *cursor)
{
	u8 p;
	int err = cursor_byte(cursor, &p);

	if (err)
		return err;
	insn->encoding = X86_ENCODING_VEX;
	insn->map = X86_MAP_0F;
	insn->rex = p & 0x80 ? 0 : X86_REX_R;
	insn->vector_bits = (p >> 2) & 1;
	vector_prefix(insn, p & 3);

	return cursor_byte(cursor, &insn->opcode);
}

/* Three-byte VEX and XOP. */
static int decode_vex3(struct x86_insn *insn, struct insn_cursor *cursor, u8 encoding)
{
	u8 p0, p1;
	int err;

	err = cursor_byte(cursor, &p0);
	if (!err)
		err = cursor_byte(cursor, &p1);
	if (err)
		return err;
	insn->encoding = encoding;
	insn->map = p0 & 0x1f;
	insn->rex = (~p0 >> 5) & 7;
	if (p1 & 0x80)
		insn->rex |= X86_REX_W;
	insn->vector_bits = (p1 >> 2) & 1;
	vector_prefix(insn, p1 & 3);
	if (encoding == X86_ENCODING_VEX) {
		if (insn->map < X86_MAP_0F || insn->map > X86_MAP_0F3A)
			return -EINVAL;
	} else if (insn->map > X86_MAP_XOPA) {
		return -EINVAL;
	}

	return cursor_byte(cursor, &insn->opcode);
}

static int decode_evex(struct x86_insn *insn, struct insn_cursor *cursor)
{
	u8 p[3];
	int err, i;

	for (i = 0; i < 3; i++) {
		err = cursor_byte(cursor, &p[i]);
		if (err)
			return err;
	}
	insn->encoding = X86_ENCODING_EVEX;
	insn->map = p[0] & 7;
	insn->rex = (~p[0] >> 5) & 7;
	if (p[1] & 0x80)
		insn->rex |= X86_REX_W;
	insn->vector_bits = (p[2] >> 5) & 3;
	vector_prefix(insn, p[1] & 3);
	if (!insn->map || insn->map == 4 || insn->map == 7)
		return -EINVAL;

	return cursor_byte(cursor, &insn->opcode);
}

/* VEX, EVEX or XOP if @opcode starts one: 1 yes, 0 no. */
static int decode_vector(struct x86_insn *insn, struct insn_cursor *cursor, u8 opcode)
{
	bool is = insn->mode == 8;
	int err = 0;

	if (opcode == 0x8f) {
		err = cursor_need(cursor, 1);
		/* POP has ModRM.reg 0, which as an XOP map would be below 8. */
		is = !err && (cursor->bytes[cursor->at] & 0x1f) >= X86_MAP_XOP8;
	} else if (opcode != 0xc4 && opcode != 0xc5 && opcode != 0x62) {
		return 0;
	} else if (!is) {
		err = next_is_register(cursor, &is);
	}
	if (err || !is)
		return err;
	/* None of these goes with them. */
	if (insn->lock || insn->rep || insn->operand_prefix || insn->rex)
		return -EINVAL;

	switch (opcode) {
	case 0xc5:
		err = decode_vex2(insn, cursor);
		break;
	case 0xc4:
		err = decode_vex3(insn, cursor, X86_ENCODING_VEX);
		break;
	case 0x8f:
		err = decode_vex3(insn, cursor, X86_ENCODING_XOP);
		break;
	default:
		err = decode_evex(insn, cursor);
	}
	/* The inverted bits have no meaning outside 64-bit mode. */
	if (insn->mode != 8)
		insn->rex &= X86_REX_W;

	return err ? err : 1;
}

/* The row of a VEX, EVEX or XOP opcode. */
static void vector_row(const struct x86_insn *insn, struct insn_row *row)
{
	*row = (struct insn_row)PLAIN(ROW_MODRM);
	switch (insn->map) {
	case X86_MAP_0F:
		if (insn->opcode == 0x77 && insn->encoding == X86_ENCODING_VEX)
			row->flags = 0;
		else
			row->flags |= map_0f[insn->opcode].flags & ROW_IB;
		if (map_0f[insn->opcode].op == X86_OP_SSE_MOVE)
			row->op = X86_OP_SSE_MOVE;
		break;
	case X86_MAP_0F38:
		if (insn->opcode == 0x2a)
			row->op = X86_OP_SSE_MOVE;
		break;
	case X86_MAP_0F3A:
	case X86_MAP_XOP8:
		row->flags |= ROW_IB;
		break;
	case X86_MAP_XOPA:
		row->flags |= ROW_IZ;
		break;
	}
	/* A scaled displacement and a mask: not worth it for MMIO. */
	if (insn->encoding != X86_ENCODING_VEX)
		row->op = X86_OP_NONE;
}

static void row_0f38(const struct x86_insn *insn, struct insn_row *row)
{
	*row = (struct insn_row)PLAIN(ROW_MODRM);
	switch (insn->opcode) {
	case 0xf0 ... 0xf1:
		if (insn->rep != 0xf2)		/* that is CRC32 */
			row->op = X86_OP_MOVBE;
		break;
	case 0xf9:
		row->op = X86_OP_MOV;		/* MOVDIRI */
		break;
	case 0x2a:
		row->op = X86_OP_SSE_MOVE;	/* MOVNTDQA */
		break;
	}
}

static int decode_opcode(struct x86_insn *insn, struct insn_cursor *cursor,
			 struct insn_row *row)
{
	int err;

	err = decode_prefixes(insn, cursor, &insn->opcode);
	if (err)
		return err;
	if (insn->opcode != 0x0f) {
		err = decode_vector(insn, cursor, insn->opcode);
		if (err < 0)
			return err;
		if (err)
			vector_row(insn, row);
		else
			*row = map_one[insn->opcode];
		return 0;
	}

	insn->map = X86_MAP_0F;
	err = cursor_byte(cursor, &insn->opcode);
	if (err)
		return err;
	if (insn->opcode != 0x38 && insn->opcode != 0x3a) {
		*row = map_0f[insn->opcode];
		return 0;
	}

	insn->map = insn->opcode == 0x38 ? X86_MAP_0F38 : X86_MAP_0F3A;
	err = cursor_byte(cursor, &insn->opcode);
	if (err)
		return err;
	if (insn->map == X86_MAP_0F38)
		row_0f38(insn, row);
	else
		*row = (struct insn_row)PLAIN(ROW_MODRM | ROW_IB);

	return 0;
}

static void decode_sizes(struct x86_insn *insn, const struct insn_row *row)
{
	if (insn->mode == 8)
		insn->address_size = insn->address_prefix ? 4 : 8;
	else
		insn->address_size = insn->address_prefix ? 6 - insn->mode : insn->mode;

	if (row->flags & ROW_BYTE)
		insn->operand_size = 1;
	else if (insn->mode != 8)
		insn->operand_size = insn->operand_prefix ? 6 - insn->mode : insn->mode;
	else if (insn->rex & X86_REX_W)
		insn->operand_size = 8;
	else if (insn->operand_prefix)
		insn->operand_size = 2;
	else
		insn->operand_size = row->flags & ROW_D64 ? 8 : 4;
}

static void address_segment(struct x86_insn *insn, bool stack)
{
	if (!insn->segment_prefix)
		insn->segment = stack ? X86_INSN_SS : X86_INSN_DS;
}

static int decode_address16(struct x86_insn *insn, struct insn_cursor *cursor)
{
	static const s8 base[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };	/* BX BP SI DI */
	static const s8 index[8] = { 6, 7, 6, 7, -1, -1, -1, -1 };
	u8 mod = insn->modrm >> 6, rm = insn->modrm & 7;

	if (mod == 0 && rm == 6) {
		address_segment(insn, false);
		return cursor_value(cursor, 2, &insn->displacement);
	}
	insn->base = base[rm];
	insn->index = index[rm];
	address_segment(insn, insn->base == 5);

	return mod ? cursor_value(cursor, mod, &insn->displacement) : 0;
}

static int decode_sib(struct x86_insn *insn, struct insn_cursor *cursor, bool *wide)
{
	u8 sib, mod = insn->modrm >> 6;
	int err = cursor_byte(cursor, &sib);

	if (err)
		return err;
	insn->scale = sib >> 6;
	insn->index = ((sib >> 3) & 7) | (insn->rex & X86_REX_X ? 8 : 0);
	if (insn->index == 4)			/* RSP: none */
		insn->index = -1;
	if ((sib & 7) == 5 && mod == 0)
		*wide = true;
	else
		insn->base = (sib & 7) | (insn->rex & X86_REX_B ? 8 : 0);

	return 0;
}

static int decode_address(struct x86_insn *insn, struct insn_cursor *cursor)
{
	u8 mod = insn->modrm >> 6, rm = insn->modrm & 7;
	bool wide = mod == 2;			/* displacement of four bytes */
	int err = 0;

	if (rm == 4) {
		err = decode_sib(insn, cursor, &wide);
	} else if (mod == 0 && rm == 5) {
		wide = true;
		insn->rip_relative = insn->mode == 8;
	} else {
		insn->base = rm | (insn->rex & X86_REX_B ? 8 : 0);
	}
	if (err)
		return err;
	address_segment(insn, insn->base == 4 || insn->base == 5);
	if (wide)
		return cursor_value(cursor, 4, &insn->displacement);

	return mod == 1 ? cursor_value(cursor, 1, &insn->displacement) : 0;
}

static int decode_modrm(struct x86_insn *insn, struct insn_cursor *cursor,
			const struct insn_row *row)
{
	int err = cursor_byte(cursor, &insn->modrm);

	if (err)
		return err;
	insn->has_modrm = true;
	insn->reg = ((insn->modrm >> 3) & 7) | (insn->rex & X86_REX_R ? 8 : 0);
	insn->rm = (insn->modrm & 7) | (insn->rex & X86_REX_B ? 8 : 0);
	insn->has_memory = insn->modrm < 0xc0 && !(row->flags & ROW_REGISTER);
	if (!insn->has_memory)
		return 0;

	return insn->address_size == 2 ? decode_address16(insn, cursor) :
					 decode_address(insn, cursor);
}

/* An offset by address size in place of ModRM; always DS, unless overridden. */
static int decode_moffs(struct x86_insn *insn, struct insn_cursor *cursor)
{
	insn->has_memory = true;
	address_segment(insn, false);

	return cursor_value(cursor, insn->address_size, &insn->displacement);
}

static int decode_immediate(struct x86_insn *insn, struct insn_cursor *cursor,
			    const struct insn_row *row)
{
	u8 size = insn->operand_size;
	u8 z = size == 1 ? 1 : size == 2 ? 2 : 4;
	s64 second;
	int err = 0;

	if (row->flags & ROW_TEST_IMM && (insn->modrm & 0x30) == 0)
		return cursor_value(cursor, z, &insn->immediate);
	if (insn->encoding != X86_ENCODING_LEGACY && row->flags & ROW_IZ)
		return cursor_value(cursor, 4, &insn->immediate);
	if (row->flags & ROW_IW)
		err = cursor_value(cursor, 2, &insn->immediate);
	if (!err && row->flags & ROW_IB)	/* ENTER has both */
		err = cursor_value(cursor, 1, row->flags & ROW_IW ? &second :
								    &insn->immediate);
	if (!err && row->flags & ROW_IZ)
		err = cursor_value(cursor, z, &insn->immediate);
	if (!err && row->flags & ROW_IV)
		err = cursor_value(cursor, size, &insn->immediate);
	if (!err && row->flags & ROW_FAR) {
		err = cursor_value(cursor, z, &insn->immediate);
		if (!err)
			err = cursor_value(cursor, 2, &second);
	}
	if (!err && row->flags & ROW_TWO_IB && (insn->operand_prefix || insn->rep == 0xf2))
		err = cursor_value(cursor, 2, &insn->immediate);

	return err;
}

static bool lock_allowed(const struct x86_insn *insn, const struct insn_row *row)
{
	u8 reg = (insn->modrm >> 3) & 7;

	if (!(row->lock & (1 << reg)))
		return false;

	return insn->has_memory || row->flags & ROW_REGISTER;
}

int x86_insn_decode(struct x86_insn *insn, const u8 *bytes, int count, int mode)
{
	struct insn_cursor cursor = { .bytes = bytes, .count = count };
	struct insn_row row;
	int err;

	memset(insn, 0, sizeof(*insn));
	insn->mode = mode;
	insn->base = -1;
	insn->index = -1;
	insn->segment = X86_INSN_DS;

	err = decode_opcode(insn, &cursor, &row);
	if (err)
		return err;
	if (row.op == X86_OP_INVALID || (row.flags & ROW_NO64 && mode == 8))
		return -EINVAL;
	decode_sizes(insn, &row);
	if (row.flags & ROW_MODRM)
		err = decode_modrm(insn, &cursor, &row);
	else if (row.flags & ROW_MOFFS)
		err = decode_moffs(insn, &cursor);
	if (!err)
		err = decode_immediate(insn, &cursor, &row);
	if (err)
		return err;
	if (insn->lock && !lock_allowed(insn, &row))
		return -EINVAL;

	insn->op = row.op;
	if (insn->map == X86_MAP_ONE && insn->opcode == 0x63 && mode != 8)
		insn->op = X86_OP_NONE;		/* ARPL */
	insn->length = cursor.at;

	return 0;
}

int x86_insn_length_common(const u8 *bytes, int count)
{
	if (count < 3)
		return 0;

	switch (bytes[0]) {
	case 0x0f:
		break;
	case 0xe4 ... 0xe7:			/* IN, OUT with an immediate */
		return 2;
	case 0x6c ... 0x6f:			/* INS, OUTS */
	case 0xec ... 0xef:			/* IN, OUT by DX */
	case 0xf4:				/* HLT */
		return 1;
	default:
		return 0;
	}

	switch (bytes[1]) {
	case 0x06: case 0x08: case 0x09:	/* CLTS INVD WBINVD */
	case 0x30 ... 0x33:			/* WRMSR RDTSC RDMSR RDPMC */
	case 0xa2:				/* CPUID */
		return 2;
	case 0x20 ... 0x23:			/* MOV of control and debug registers */
		return 3;
	case 0x01:				/* VMCALL VMMCALL XSETBV MONITOR ... */
		return bytes[2] >= 0xc0 ? 3 : 0;
	default:
		return 0;
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A decoder of MOV between memory and a register or an immediate in 64-bit mode, and
 * of nothing else: what device registers are accessed with.  emulate_mov.c uses it;
 * insn.c decodes the rest, and in the tests says if this is right.
 */
#include <linux/string.h>

#include "emulate_mov.h"

struct mov_cursor {
	const u8	*at;
	u8		 rex;
	u8		 modrm;
	bool		 word;		/* prefix 66 */
	bool		 rip_relative;
	u64		 address;	/* of the operand, as far as it is known */
};

static s32 mov_disp32(const u8 *at)
{
	s32 value;

	memcpy(&value, at, sizeof(value));

	return value;
}

/* ModRM, SIB and displacement, in 64-bit mode. */
static void mov_address(struct mov_cursor *c, const u64 *gpr)
{
	u8 mod = c->modrm >> 6, rm = c->modrm & 7, sib, base = rm, index;

	c->address = 0;
	if (rm == 4) {
		sib = *c->at++;
		base = sib & 7;
		index = ((sib >> 3) & 7) | (c->rex & X86_REX_X ? 8 : 0);
		if (index != X86_RSP)
			c->address = gpr[index] << (sib >> 6);
	}
	if (base == 5 && mod == 0) {
		c->rip_relative = rm == 5;
		c->address += mov_disp32(c->at);
		c->at += 4;
		return;
	}
	c->address += gpr[base | (c->rex & X86_REX_B ? 8 : 0)];
	if (mod == 1) {
		c->address += (s8)*c->at++;
	} else if (mod == 2) {
		c->address += mov_disp32(c->at);
		c->at += 4;
	}
}

/* Which MOV it is: its sizes and direction.  False: none that is known here. */
static bool mov_opcode(struct mov_cursor *c, struct x86_mov *mov, bool *immediate)
{
	u8 wide = c->rex & X86_REX_W ? 8 : c->word ? 2 : 4;
	u8 opcode = *c->at++;

	*immediate = false;
	mov->reg_size = wide;
	mov->size = wide;
	switch (opcode) {
	case 0x8b:
		mov->write = false;
		break;
	case 0x89:
		mov->write = true;
		break;
	case 0x8a:
	case 0x88:
		mov->write = opcode == 0x88;
		mov->size = 1;
		mov->reg_size = 1;
		break;
	case 0xc7:
	case 0xc6:
		mov->write = true;
		mov->size = opcode == 0xc6 ? 1 : wide;
		*immediate = true;
		break;
	case 0x0f:			/* MOVZX */
		opcode = *c->at++;
		if (opcode != 0xb6 && opcode != 0xb7)
			return false;
		mov->write = false;
		mov->size = opcode == 0xb6 ? 1 : 2;
		break;
	default:
		return false;
	}

	return true;
}

bool x86_mov_decode(const u8 *bytes, const u64 *gpr, u64 rip, struct x86_mov *mov)
{
	struct mov_cursor c = { .at = bytes };
	bool immediate;
	s32 value = 0;

	if (*c.at == 0x66) {
		c.word = true;
		c.at++;
	}
	if ((*c.at & 0xf0) == 0x40)
		c.rex = *c.at++;
	if (!mov_opcode(&c, mov, &immediate))
		return false;
	c.modrm = *c.at++;
	if (c.modrm >= 0xc0)
		return false;
	mov->reg = ((c.modrm >> 3) & 7) | (c.rex & X86_REX_R ? 8 : 0);
	/* AH, CH, DH, BH; and what is another instruction. */
	if (immediate ? mov->reg & 7 : mov->reg_size == 1 && !c.rex && mov->reg >= 4)
		return false;

	mov_address(&c, gpr);
	if (immediate) {
		/* As wide as the operand, but at most four bytes, and sign-extended. */
		if (mov->size == 1)
			value = *c.at;
		else
			value = mov_disp32(c.at);
		c.at += min_t(u8, mov->size, 4);
	}
	mov->next_rip = rip + (c.at - bytes);
	if (c.rip_relative)
		c.address += mov->next_rip;
	mov->address = c.address;
	mov->data = immediate ? (u64)(s64)value : gpr[mov->reg];

	return true;
}

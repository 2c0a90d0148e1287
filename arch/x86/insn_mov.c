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
};

static s32 mov_disp32(const u8 *at)
{
	s32 value;

	memcpy(&value, at, sizeof(value));

	return value;
}

/* ModRM, SIB and displacement, in 64-bit mode. */
static void mov_address(struct mov_cursor *c, struct x86_mov_form *form)
{
	u8 mod = c->modrm >> 6, rm = c->modrm & 7, sib, base = rm, index;

	form->index = X86_MOV_NONE;
	if (rm == 4) {
		sib = *c->at++;
		base = sib & 7;
		index = ((sib >> 3) & 7) | (c->rex & X86_REX_X ? 8 : 0);
		if (index != X86_RSP)
			form->index = index;
		form->shift = sib >> 6;
	}
	if (base == 5 && mod == 0) {
		form->base = X86_MOV_NONE;
		form->rip_relative = rm == 5;
		form->displacement = mov_disp32(c->at);
		c->at += 4;
		return;
	}
	form->base = base | (c->rex & X86_REX_B ? 8 : 0);
	if (mod == 1) {
		form->displacement = (s8)*c->at++;
	} else if (mod == 2) {
		form->displacement = mov_disp32(c->at);
		c->at += 4;
	}
}

/* Which MOV it is: its sizes and direction.  False: none that is known here. */
static bool mov_opcode(struct mov_cursor *c, struct x86_mov_form *form)
{
	u8 wide = c->rex & X86_REX_W ? 8 : c->word ? 2 : 4;
	u8 opcode = *c->at++;

	form->reg_size = wide;
	form->size = wide;
	switch (opcode) {
	case 0x8b:
		break;
	case 0x89:
		form->write = true;
		break;
	case 0x8a:
	case 0x88:
		form->write = opcode == 0x88;
		form->size = 1;
		form->reg_size = 1;
		break;
	case 0xc7:
	case 0xc6:
		form->write = true;
		form->size = opcode == 0xc6 ? 1 : wide;
		form->has_immediate = true;
		break;
	case 0x0f:			/* MOVZX */
		opcode = *c->at++;
		if (opcode != 0xb6 && opcode != 0xb7)
			return false;
		form->size = opcode == 0xb6 ? 1 : 2;
		break;
	default:
		return false;
	}

	return true;
}

/* As wide as the operand, but at most four bytes, and sign-extended. */
static void mov_immediate(struct mov_cursor *c, struct x86_mov_form *form)
{
	form->immediate = form->size == 1 ? *c->at : mov_disp32(c->at);
	c->at += min_t(u8, form->size, 4);
}

static bool mov_decode(const u8 *bytes, struct x86_mov_form *form)
{
	struct mov_cursor c = { .at = bytes };

	if (*c.at == 0x66) {
		c.word = true;
		c.at++;
	}
	if ((*c.at & 0xf0) == 0x40)
		c.rex = *c.at++;
	if (!mov_opcode(&c, form))
		return false;
	c.modrm = *c.at++;
	if (c.modrm >= 0xc0)
		return false;
	form->reg = ((c.modrm >> 3) & 7) | (c.rex & X86_REX_R ? 8 : 0);
	/* AH, CH, DH, BH; and what is another instruction. */
	if (form->has_immediate ? form->reg & 7 :
				  form->reg_size == 1 && !c.rex && form->reg >= 4)
		return false;

	mov_address(&c, form);
	if (form->has_immediate)
		mov_immediate(&c, form);
	form->length = c.at - bytes;

	return true;
}

bool x86_mov_decode(const u64 bytes[X86_MOV_BYTES / 8], struct x86_mov_form *form)
{
	*form = (struct x86_mov_form){ .bytes = { bytes[0], bytes[1] } };
	if (mov_decode((const u8 *)bytes, form))
		return true;
	form->size = 0;

	return false;
}

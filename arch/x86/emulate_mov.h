/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What emulate_mov.c and insn_mov.c share.
 */
#ifndef X86_EMULATE_MOV_H
#define X86_EMULATE_MOV_H

#include "x86.h"
#include "insn.h"

/* The longest that is decoded, 66 REX C7 ModRM SIB disp32 imm32, and some more. */
#define X86_MOV_BYTES	16

/*
 * @bytes: of the guest, in 64-bit mode.  False, and a size of 0 in @form: they are not a
 * MOV between memory and a register or an immediate, or have other prefixes than 66 and
 * REX.
 */
bool x86_mov_decode(const u64 bytes[X86_MOV_BYTES / 8], struct x86_mov_form *form);

/* Are they what @form was decoded from? */
static __always_inline bool x86_mov_known(const u64 bytes[X86_MOV_BYTES / 8],
					  const struct x86_mov_form *form)
{
	return bytes[0] == form->bytes[0] && bytes[1] == form->bytes[1] && form->size;
}

/*
 * What it means with these registers: all of @mov but rip and cs_base; its address is
 * without a segment's base.
 */
static __always_inline void x86_mov_apply(const struct x86_mov_form *form, const u64 *gpr,
					  u64 rip, struct x86_mov *mov)
{
	u64 address = form->displacement;

	mov->next_rip = rip + form->length;
	if (form->base != X86_MOV_NONE)
		address += gpr[form->base];
	if (form->index != X86_MOV_NONE)
		address += gpr[form->index] << form->shift;
	if (form->rip_relative)
		address += mov->next_rip;
	mov->address = address;
	mov->data = form->has_immediate ? form->immediate : gpr[form->reg];
	mov->reg = form->reg;
	mov->size = form->size;
	mov->reg_size = form->reg_size;
	mov->write = form->write;
}

#endif /* X86_EMULATE_MOV_H */

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
 * @bytes: X86_MOV_BYTES of them, in 64-bit mode; @gpr, @rip: of the guest.  True: @mov is filled
 * in but for rip and cs_base; its address is without a segment's base.  False: it is
 * not a MOV between memory and a register or an immediate, or has other prefixes
 * than 66 and REX.
 */
bool x86_mov_decode(const u8 *bytes, const u64 *gpr, u64 rip, struct x86_mov *mov);

#endif /* X86_EMULATE_MOV_H */

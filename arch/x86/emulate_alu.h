/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Integer arithmetic with its flags.  Pure; compiles in user space
 * (tests/unit/x86).  @size is in bytes: 1, 2, 4, 8.  Operands may have garbage
 * above it, results have zeroes.  @flags is RFLAGS: what an operation defines is
 * replaced; what it leaves undefined is kept or zero.
 */
#ifndef X86_EMULATE_ALU_H
#define X86_EMULATE_ALU_H

#include <linux/types.h>

/* As bits 5:3 of the opcode, or ModRM.reg of group 1. */
enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
/* As ModRM.reg of group 2; SAL is SHL. */
enum {
	SHIFT_ROL, SHIFT_ROR, SHIFT_RCL, SHIFT_RCR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAL, SHIFT_SAR,
};
/* As bits 4:3 of the opcode, or ModRM.reg of group 8 minus 4. */
enum { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static inline u64 alu_mask(u8 size)
{
	return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static inline s64 alu_sign_extend(u64 value, u8 size)
{
	int shift = 64 - 8 * size;

	return (s64)(value << shift) >> shift;
}

/* CMP returns what SUB would; the caller drops it. */
u64 alu_binary(u8 op, u64 a, u64 b, u8 size, u64 *flags);
u64 alu_inc(u64 a, u8 size, u64 *flags);
u64 alu_dec(u64 a, u8 size, u64 *flags);
u64 alu_neg(u64 a, u8 size, u64 *flags);
u64 alu_shift(u8 op, u64 a, u8 count, u8 size, u64 *flags);
/* SHLD and, if @right, SHRD; @b gives the bits that come in. */
u64 alu_shift_double(bool right, u64 a, u64 b, u8 count, u8 size, u64 *flags);
/* @bit below 8 * @size. */
u64 alu_bit(u8 op, u64 a, u8 bit, u64 *flags);
/* BSF, BSR (@a 0: returns @keep) and TZCNT, LZCNT. */
u64 alu_scan(bool reverse, u64 a, u64 keep, u8 size, u64 *flags);
u64 alu_count_zeroes(bool leading, u64 a, u8 size, u64 *flags);
u64 alu_popcnt(u64 a, u8 size, u64 *flags);
/* The low half; the high one in @high. */
u64 alu_multiply(bool is_signed, u64 a, u64 b, u8 size, u64 *high, u64 *flags);
/* @high:@low by @divisor.  False: #DE, nothing written. */
bool alu_divide(bool is_signed, u64 high, u64 low, u64 divisor, u8 size,
		u64 *quotient, u64 *remainder);
/* Condition 0..15 as JCC, SETCC and CMOVCC encode it. */
bool alu_condition(u8 condition, u64 flags);

#endif /* X86_EMULATE_ALU_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integer arithmetic with its flags, for the emulator.  It knows neither vCPUs
 * nor operands; emulate_op.c fetches and stores them.
 */
#include <asm/processor-flags.h>
#include <linux/types.h>

#include "emulate_alu.h"

#define CF	X86_EFLAGS_CF
#define PF	X86_EFLAGS_PF
#define AF	X86_EFLAGS_AF
#define ZF	X86_EFLAGS_ZF
#define SF	X86_EFLAGS_SF
#define OF	X86_EFLAGS_OF
#define STATUS	(CF | PF | AF | ZF | SF | OF)

static u64 top_bit(u64 value, u8 size)
{
	return (value >> (8 * size - 1)) & 1;
}

/* SF, ZF and PF follow from the result. */
static u64 flags_of(u64 result, u8 size)
{
	u64 flags = 0;
	u8 low = result;

	if (!(result & alu_mask(size)))
		flags |= ZF;
	if (top_bit(result, size))
		flags |= SF;
	low ^= low >> 4;
	if (!((0x6996 >> (low & 15)) & 1))
		flags |= PF;

	return flags;
}

static void flags_set(u64 *flags, u64 which, u64 value)
{
	*flags = (*flags & ~which) | (value & which);
}

static void flags_carry_overflow(u64 *flags, bool carry, bool overflow)
{
	flags_set(flags, CF | OF, (carry ? CF : 0) | (overflow ? OF : 0));
}

static u64 alu_add(u64 a, u64 b, u64 carry, u8 size, u64 *flags)
{
	u64 r = a + b + carry, set = flags_of(r, size);

	if (top_bit((a & b) | ((a | b) & ~r), size))
		set |= CF;
	if (top_bit((a ^ r) & (b ^ r), size))
		set |= OF;
	set |= (a ^ b ^ r) & AF;
	flags_set(flags, STATUS, set);

	return r & alu_mask(size);
}

static u64 alu_subtract(u64 a, u64 b, u64 borrow, u8 size, u64 *flags)
{
	u64 r = a - b - borrow, set = flags_of(r, size);

	if (top_bit((~a & b) | ((~a | b) & r), size))
		set |= CF;
	if (top_bit((a ^ b) & (a ^ r), size))
		set |= OF;
	set |= (a ^ b ^ r) & AF;
	flags_set(flags, STATUS, set);

	return r & alu_mask(size);
}

static u64 alu_logic(u64 r, u8 size, u64 *flags)
{
	flags_set(flags, STATUS, flags_of(r, size));

	return r & alu_mask(size);
}

u64 alu_binary(u8 op, u64 a, u64 b, u8 size, u64 *flags)
{
	u64 carry = *flags & CF;	/* bit 0 */

	switch (op) {
	case ALU_ADD:
		return alu_add(a, b, 0, size, flags);
	case ALU_ADC:
		return alu_add(a, b, carry, size, flags);
	case ALU_SBB:
		return alu_subtract(a, b, carry, size, flags);
	case ALU_OR:
		return alu_logic(a | b, size, flags);
	case ALU_AND:
		return alu_logic(a & b, size, flags);
	case ALU_XOR:
		return alu_logic(a ^ b, size, flags);
	default:			/* SUB, CMP */
		return alu_subtract(a, b, 0, size, flags);
	}
}

u64 alu_inc(u64 a, u8 size, u64 *flags)
{
	u64 carry = *flags & CF, r = alu_add(a, 1, 0, size, flags);

	flags_set(flags, CF, carry);

	return r;
}

u64 alu_dec(u64 a, u8 size, u64 *flags)
{
	u64 carry = *flags & CF, r = alu_subtract(a, 1, 0, size, flags);

	flags_set(flags, CF, carry);

	return r;
}

u64 alu_neg(u64 a, u8 size, u64 *flags)
{
	return alu_subtract(0, a, 0, size, flags);
}

static u64 alu_rotate(bool right, u64 a, u8 count, u8 size, u64 *flags)
{
	u8 bits = 8 * size;
	u64 r = a;
	bool top;

	/* A count that is a multiple of the width moves nothing, yet sets CF. */
	count %= bits;
	if (count && right)
		r = (a >> count) | (a << (bits - count));
	else if (count)
		r = (a << count) | (a >> (bits - count));
	r &= alu_mask(size);
	top = top_bit(r, size);
	if (right)
		flags_carry_overflow(flags, top, top ^ ((r >> (bits - 2)) & 1));
	else
		flags_carry_overflow(flags, r & 1, top ^ (r & 1));

	return r;
}

static u64 alu_rotate_carry(bool right, u64 a, u8 count, u8 size, u64 *flags)
{
	u8 bits = 8 * size;
	bool carry = *flags & CF, out, overflow;

	for (count %= bits + 1; count; count--) {
		if (right) {
			out = a & 1;
			a = (a >> 1) | ((u64)carry << (bits - 1));
		} else {
			out = top_bit(a, size);
			a = ((a << 1) | carry) & alu_mask(size);
		}
		carry = out;
	}
	if (right)
		overflow = top_bit(a, size) ^ ((a >> (bits - 2)) & 1);
	else
		overflow = top_bit(a, size) ^ carry;
	flags_carry_overflow(flags, carry, overflow);

	return a;
}

static u64 alu_shift_left(u64 a, u8 count, u8 size, u64 *flags)
{
	u8 bits = 8 * size;
	bool carry = count <= bits && ((a >> (bits - count)) & 1);
	u64 r = (a << count) & alu_mask(size);

	flags_set(flags, STATUS, flags_of(r, size));
	flags_carry_overflow(flags, carry, top_bit(r, size) ^ carry);

	return r;
}

static u64 alu_shift_right(bool is_signed, u64 a, u8 count, u8 size, u64 *flags)
{
	u64 wide = is_signed ? (u64)alu_sign_extend(a, size) : a;
	u64 r = is_signed ? (u64)((s64)wide >> count) : wide >> count;
	bool carry = is_signed ? ((s64)wide >> (count - 1)) & 1 : (wide >> (count - 1)) & 1;

	r &= alu_mask(size);
	flags_set(flags, STATUS, flags_of(r, size));
	flags_carry_overflow(flags, carry, !is_signed && top_bit(a, size));

	return r;
}

u64 alu_shift(u8 op, u64 a, u8 count, u8 size, u64 *flags)
{
	a &= alu_mask(size);
	count &= size == 8 ? 63 : 31;
	if (!count)
		return a;

	switch (op) {
	case SHIFT_ROL:
	case SHIFT_ROR:
		return alu_rotate(op == SHIFT_ROR, a, count, size, flags);
	case SHIFT_RCL:
	case SHIFT_RCR:
		return alu_rotate_carry(op == SHIFT_RCR, a, count, size, flags);
	case SHIFT_SHR:
	case SHIFT_SAR:
		return alu_shift_right(op == SHIFT_SAR, a, count, size, flags);
	default:
		return alu_shift_left(a, count, size, flags);
	}
}

u64 alu_shift_double(bool right, u64 a, u64 b, u8 count, u8 size, u64 *flags)
{
	u8 bits = 8 * size;
	bool carry;
	u64 r;

	a &= alu_mask(size);
	b &= alu_mask(size);
	count &= size == 8 ? 63 : 31;
	if (!count)
		return a;
	/* More than 16 bits into 16: undefined; rotate through both. */
	if (count > bits) {
		r = a;
		a = b;
		b = r;
		count -= bits;
	}
	if (count == bits) {
		r = b;
		carry = right ? top_bit(a, size) : a & 1;
	} else if (right) {
		r = (a >> count) | (b << (bits - count));
		carry = (a >> (count - 1)) & 1;
	} else {
		r = (a << count) | (b >> (bits - count));
		carry = (a >> (bits - count)) & 1;
	}
	r &= alu_mask(size);
	flags_set(flags, STATUS, flags_of(r, size));
	flags_carry_overflow(flags, carry, top_bit(r ^ a, size));

	return r;
}

u64 alu_bit(u8 op, u64 a, u8 bit, u64 *flags)
{
	u64 mask = 1ull << bit;

	flags_set(flags, CF, a & mask ? CF : 0);
	switch (op) {
	case BIT_SET:
		return a | mask;
	case BIT_RESET:
		return a & ~mask;
	case BIT_COMPLEMENT:
		return a ^ mask;
	default:
		return a;
	}
}

static u64 lowest_bit(u64 a)
{
	return __builtin_ctzll(a);
}

static u64 highest_bit(u64 a)
{
	return 63 - __builtin_clzll(a);
}

u64 alu_scan(bool reverse, u64 a, u64 keep, u8 size, u64 *flags)
{
	a &= alu_mask(size);
	flags_set(flags, ZF, a ? 0 : ZF);
	if (!a)
		return keep;

	return reverse ? highest_bit(a) : lowest_bit(a);
}

u64 alu_count_zeroes(bool leading, u64 a, u8 size, u64 *flags)
{
	u64 bits = 8 * size, r;

	a &= alu_mask(size);
	if (!a)
		r = bits;
	else
		r = leading ? bits - 1 - highest_bit(a) : lowest_bit(a);
	flags_set(flags, ZF | CF, (r ? 0 : ZF) | (a ? 0 : CF));

	return r;
}

u64 alu_popcnt(u64 a, u8 size, u64 *flags)
{
	u64 r = 0;

	for (a &= alu_mask(size); a; a &= a - 1)
		r++;
	flags_set(flags, STATUS, r ? 0 : ZF);

	return r;
}

u64 alu_multiply(bool is_signed, u64 a, u64 b, u8 size, u64 *high, u64 *flags)
{
	u8 bits = 8 * size;
	u64 low;
	bool wide;

	if (is_signed) {
		__int128 r = (__int128)alu_sign_extend(a, size) * alu_sign_extend(b, size);

		low = r & alu_mask(size);
		*high = (r >> bits) & alu_mask(size);
		wide = r != alu_sign_extend(low, size);
	} else {
		unsigned __int128 r = (unsigned __int128)(a & alu_mask(size)) *
				      (b & alu_mask(size));

		low = r & alu_mask(size);
		*high = (r >> bits) & alu_mask(size);
		wide = *high;
	}
	flags_carry_overflow(flags, wide, wide);

	return low;
}

/* Unsigned 128 by 64; the caller knows that the quotient fits. */
static u64 divide_wide(u64 high, u64 low, u64 divisor, u64 *remainder)
{
	u64 quotient;

	asm("divq %4" : "=a" (quotient), "=d" (*remainder)
	    : "a" (low), "d" (high), "rm" (divisor) : "cc");

	return quotient;
}

bool alu_divide(bool is_signed, u64 high, u64 low, u64 divisor, u8 size,
		u64 *quotient, u64 *remainder)
{
	u64 mask = alu_mask(size), limit = mask, q, r;
	bool negative = false, negative_divisor = false;

	high &= mask;
	low &= mask;
	divisor &= mask;
	if (is_signed) {
		negative = top_bit(high, size);
		negative_divisor = top_bit(divisor, size);
		if (negative) {
			low = -low & mask;
			high = (~high + !low) & mask;
		}
		if (negative_divisor)
			divisor = -divisor & mask;
		/* One more below zero than above. */
		limit = (mask >> 1) + (negative != negative_divisor);
	}
	/* Also a divisor of zero. */
	if (high >= divisor)
		return false;
	if (size == 8)
		q = divide_wide(high, low, divisor, &r);
	else
		q = divide_wide(0, (high << (8 * size)) | low, divisor, &r);
	if (q > limit)
		return false;

	*quotient = (negative != negative_divisor ? -q : q) & mask;
	*remainder = (negative ? -r : r) & mask;

	return true;
}

bool alu_condition(u8 condition, u64 flags)
{
	bool less = !(flags & SF) != !(flags & OF);
	bool r;

	switch ((condition >> 1) & 7) {
	case 0:
		r = flags & OF;
		break;
	case 1:
		r = flags & CF;
		break;
	case 2:
		r = flags & ZF;
		break;
	case 3:
		r = flags & (CF | ZF);
		break;
	case 4:
		r = flags & SF;
		break;
	case 5:
		r = flags & PF;
		break;
	case 6:
		r = less;
		break;
	default:
		r = less || flags & ZF;
	}

	return r != (condition & 1);
}

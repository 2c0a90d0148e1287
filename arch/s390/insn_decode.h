/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the text of an instruction, and a PSW, say by themselves ("Instruction Formats",
 * "Program-Status-Word Format").  Pure arithmetic, which tests/unit compiles as well.
 */
#ifndef S390_INSN_DECODE_H
#define S390_INSN_DECODE_H

#include <linux/types.h>

/* As SIE leaves the text of an intercepted instruction. */
struct insn {
	u16	ipa;	/* the first two bytes */
	u32	ipb;	/* the rest, to the left */
};

/* By the first byte, or what it takes besides to tell instructions apart. */
static inline u16 insn_opcode(const struct insn *insn)
{
	switch (insn->ipa >> 8) {
	case 0x01:
	case 0xb2:
	case 0xb9:
	case 0xe5:
		return insn->ipa;
	case 0xeb:
		return (insn->ipa & 0xff00) | (insn->ipb & 0xff);
	default:
		return insn->ipa & 0xff00;
	}
}

/* Register numbers by format and position; S and SI have none. */
static inline unsigned int insn_rs_r1(const struct insn *insn)
{
	return insn->ipa >> 4 & 0xf;
}

static inline unsigned int insn_rs_r3(const struct insn *insn)
{
	return insn->ipa & 0xf;
}

static inline unsigned int insn_rre_r1(const struct insn *insn)
{
	return insn->ipb >> 20 & 0xf;
}

static inline unsigned int insn_rre_r2(const struct insn *insn)
{
	return insn->ipb >> 16 & 0xf;
}

static inline unsigned int insn_rrf_m3(const struct insn *insn)
{
	return insn->ipb >> 28;
}

/* The base register of the first address, which is also its access register. */
static inline u8 insn_base(const struct insn *insn)
{
	return insn->ipb >> 28;
}

static inline u8 insn_sse_base2(const struct insn *insn)
{
	return insn->ipb >> 12 & 0xf;
}

static inline s32 insn_displacement(const struct insn *insn)
{
	return insn->ipb >> 16 & 0xfff;
}

static inline s32 insn_sse_displacement2(const struct insn *insn)
{
	return insn->ipb & 0xfff;
}

/* RSY, SIY: the low part comes first, the high one has the sign. */
static inline s32 insn_long_displacement(const struct insn *insn)
{
	return (s8)(insn->ipb >> 8) * 0x1000 + insn_displacement(insn);
}

/* How an instruction stores. */
enum insn_store {
	INSN_STORE_PSW,		/* at logical addresses, with the key of the PSW */
	INSN_STORE_KEY,		/* likewise, perhaps with a key of its own */
	INSN_STORE_REAL,	/* at the real address in the second register of RRE */
};

/* @text: the first two bytes of the instruction. */
static inline enum insn_store insn_store(u16 text)
{
	switch (text) {
	case 0xb246:	/* STURA */
	case 0xb925:	/* STURG */
		return INSN_STORE_REAL;
	case 0xb254:	/* MVPG */
	case 0xe50f:	/* MVCDK */
		return INSN_STORE_KEY;
	}
	/* MVCS; MVCOS, which has a register in between. */
	if (text >> 8 == 0xdb || (text & 0xff0f) == 0xc800)
		return INSN_STORE_KEY;

	return INSN_STORE_PSW;
}

/* --- PSWs ---------------------------------------------------------------------- */

/* Bits that are zero in every PSW: unassigned ones. */
#define PSW_UNASSIGNED	0xb808007e7fffffffULL

#define PSW_WAITING	0x0002000000000000ULL

/*
 * Could a PSW of these words be the current one?  Bits 31 and 32 are the addressing mode.
 * An odd address is one that no instruction can be fetched from, which who waits does not.
 */
static inline bool psw_words_valid(u64 mask, u64 address)
{
	static const u64 reach[4] = { 0xffffff, 0x7fffffff, 0, ~0ULL };
	u64 reached = reach[mask >> 31 & 3];

	return reached && !(mask & PSW_UNASSIGNED) && !(address & ~reached) &&
	       (!(address & 1) || mask & PSW_WAITING);
}

/*
 * A PSW of the short format, as LPSW loads it: the second word has the address and, in
 * front of it, the bit of 31-bit addressing.  False: bit 12 does not say that it is one.
 */
static inline bool psw_from_short(const u32 word[2], u64 *mask, u64 *address)
{
	const u32 is_short = 0x00080000, address_bits = 0x7fffffff;

	if (!(word[0] & is_short))
		return false;
	*mask = (u64)(word[0] & ~is_short) << 32 | (word[1] & ~address_bits);
	*address = word[1] & address_bits;

	return true;
}

#endif /* S390_INSN_DECODE_H */

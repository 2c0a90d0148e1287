// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder of trapped RISC-V instructions, which is portable: what an assembler
 * made against fields written by hand, and any bits against the instruction
 * listings of the ISA manual.
 */
#include <arch/riscv/insn_decode.c>
#include "test.h"

enum {
	S	= 1,	/* a store */
	F	= 2,	/* of a floating-point register */
	X	= 4,	/* sign-extended */
};

/*
 * As the manual draws them, most significant bit first: 0 and 1; r, bits of the
 * register; R, the same of one that is not 0; anything else does not matter here.
 */
struct pattern {
	const char	*bits;
	u8		len, flags;
};

/* "RV32/64G Instruction Set Listings" */
static const struct pattern wide[] = {
	{ "iiiiiiiiiiiisssss000rrrrr0000011", 1, X },		/* LB */
	{ "iiiiiiiiiiiisssss001rrrrr0000011", 2, X },		/* LH */
	{ "iiiiiiiiiiiisssss010rrrrr0000011", 4, X },		/* LW */
	{ "iiiiiiiiiiiisssss011rrrrr0000011", 8, 0 },		/* LD */
	{ "iiiiiiiiiiiisssss100rrrrr0000011", 1, 0 },		/* LBU */
	{ "iiiiiiiiiiiisssss101rrrrr0000011", 2, 0 },		/* LHU */
	{ "iiiiiiiiiiiisssss110rrrrr0000011", 4, 0 },		/* LWU */
	{ "iiiiiiirrrrrsssss000iiiii0100011", 1, S },		/* SB */
	{ "iiiiiiirrrrrsssss001iiiii0100011", 2, S },		/* SH */
	{ "iiiiiiirrrrrsssss010iiiii0100011", 4, S },		/* SW */
	{ "iiiiiiirrrrrsssss011iiiii0100011", 8, S },		/* SD */
	{ "iiiiiiiiiiiisssss001rrrrr0000111", 2, F },		/* FLH */
	{ "iiiiiiiiiiiisssss010rrrrr0000111", 4, F },		/* FLW */
	{ "iiiiiiiiiiiisssss011rrrrr0000111", 8, F },		/* FLD */
	{ "iiiiiiirrrrrsssss001iiiii0100111", 2, F | S },	/* FSH */
	{ "iiiiiiirrrrrsssss010iiiii0100111", 4, F | S },	/* FSW */
	{ "iiiiiiirrrrrsssss011iiiii0100111", 8, F | S },	/* FSD */
	{ }
};

/* "RVC Instruction Set Listings", RV64, and "Zcb" */
static const struct pattern narrow[] = {
	{ "001iiisssiirrr00", 8, F },		/* C.FLD */
	{ "010iiisssiirrr00", 4, X },		/* C.LW */
	{ "011iiisssiirrr00", 8, 0 },		/* C.LD */
	{ "101iiisssiirrr00", 8, F | S },	/* C.FSD */
	{ "110iiisssiirrr00", 4, S },		/* C.SW */
	{ "111iiisssiirrr00", 8, S },		/* C.SD */
	{ "001irrrrriiiii10", 8, F },		/* C.FLDSP */
	{ "010iRRRRRiiiii10", 4, X },		/* C.LWSP */
	{ "011iRRRRRiiiii10", 8, 0 },		/* C.LDSP */
	{ "101iiiiiirrrrr10", 8, F | S },	/* C.FSDSP */
	{ "110iiiiiirrrrr10", 4, S },		/* C.SWSP */
	{ "111iiiiiirrrrr10", 8, S },		/* C.SDSP */
	{ "100000sssiirrr00", 1, 0 },		/* C.LBU */
	{ "100001sss0irrr00", 2, 0 },		/* C.LHU */
	{ "100001sss1irrr00", 2, X },		/* C.LH */
	{ "100010sssiirrr00", 1, S },		/* C.SB */
	{ "100011sss0irrr00", 2, S },		/* C.SH */
	{ }
};

/* Does @insn match?  The number of the register, then. */
static bool pattern_match(const struct pattern *pattern, u32 insn, u8 *reg)
{
	int bit = strlen(pattern->bits), digits = 0;
	const char *bits = pattern->bits;
	bool not_zero = false;

	for (*reg = 0; *bits; bits++) {
		u32 is = insn >> --bit & 1;

		if ((*bits == '0' || *bits == '1') && is != (u32)(*bits - '0'))
			return false;
		if (*bits != 'r' && *bits != 'R')
			continue;
		*reg = *reg << 1 | is;
		digits++;
		not_zero = *bits == 'R';
	}
	if (digits == 3)
		*reg += 8;

	return !not_zero || *reg;
}

static void check_access(u32 insn, const struct riscv_access *access, u8 len, u8 insn_len,
			 u8 reg, int flags)
{
	int got = (access->store ? S : 0) | (access->fp ? F : 0) | (access->sign ? X : 0);

	if (access->len != len || access->insn_len != insn_len || access->reg != reg ||
	    got != flags)
		test_fail(__FILE__, __LINE__, "%#x: len %d insn_len %d reg %d flags %d, not %d %d %d %d",
			  insn, access->len, access->insn_len, access->reg, got, len, insn_len,
			  reg, flags);
}

/* The decoder says what the one pattern says that matches, or no if none does. */
static bool check_patterns(const struct pattern *pattern, u32 insn, u8 insn_len)
{
	const struct pattern *found = NULL;
	struct riscv_access access;
	u8 reg, found_reg = 0;
	bool known;

	for (; pattern->bits; pattern++) {
		if (!pattern_match(pattern, insn, &reg))
			continue;
		CHECK(!found);
		found = pattern;
		found_reg = reg;
	}

	memset(&access, 0xa5, sizeof(access));
	known = riscv_decode_access(insn, &access);
	if (known != !!found)
		test_fail(__FILE__, __LINE__, "%#x is %sdecoded", insn, known ? "" : "not ");
	if (found)
		check_access(insn, &access, found->len, insn_len, found_reg, found->flags);

	return found;
}

TEST(riscv_short_words_are_what_the_manual_lists)
{
	u32 insn, found = 0;

	test_seed(1);
	for (insn = 0; insn < 0x10000; insn++)
		/* What follows in memory does not matter. */
		if ((insn & 3) != 3)
			found += check_patterns(narrow, insn | test_random() << 16, 2);

	/*
	 * Twelve with 11 bits of operands, but for x0 of two; of the others, three
	 * bits of base, two (one for halfwords) of offset, three of register.
	 */
	CHECK_EQ(found, 12 * 2048 - 2 * 64 + 2 * 256 + 3 * 128);
}

TEST(riscv_long_words_are_what_the_manual_lists)
{
	static const u8 opcodes[] = { 0x03, 0x07, 0x23, 0x27, 0x2f, 0x0f, 0x73 };
	u32 i, insn, found = 0;

	test_seed(2);
	for (i = 0; i < 2000000; i++) {
		insn = test_random() | 3;
		if (i & 1)
			insn = (insn & ~0x7f) | opcodes[i / 2 % ARRAY_SIZE(opcodes)];
		found += check_patterns(wide, insn, 4);
	}
	CHECK(found > 100000);
}

/* --- by hand ------------------------------------------------------------------------- */

static const struct {
	u32	insn;
	u8	len, insn_len, reg;
	int	flags;
} rows[] = {
	{ 0xfff58503, 1, 4, 10, X },		/* lb a0,-1(a1) */
	{ 0x7ff41f83, 2, 4, 31, X },		/* lh t6,2047(s0) */
	{ 0x00002083, 4, 4, 1, X },		/* lw ra,0(zero) */
	{ 0x00813d83, 8, 4, 27, 0 },		/* ld s11,8(sp) */
	{ 0x0007c783, 1, 4, 15, 0 },		/* lbu a5,0(a5) */
	{ 0x800e5203, 2, 4, 4, 0 },		/* lhu tp,-2048(t3) */
	{ 0x0041e883, 4, 4, 17, 0 },		/* lwu a7,4(gp) */
	{ 0x00050003, 1, 4, 0, X },		/* lb zero,0(a0) */
	{ 0xfea58fa3, 1, 4, 10, S },		/* sb a0,-1(a1) */
	{ 0x01f41fa3, 2, 4, 31, S },		/* sh t6,31(s0) */
	{ 0x80012023, 4, 4, 0, S },		/* sw zero,-2048(sp) */
	{ 0x7fb53fa3, 8, 4, 27, S },		/* sd s11,2047(a0) */
	{ 0x00051007, 2, 4, 0, F },		/* flh ft0,0(a0) */
	{ 0xffc52f87, 4, 4, 31, F },		/* flw ft11,-4(a0) */
	{ 0x00853507, 8, 4, 10, F },		/* fld fa0,8(a0) */
	{ 0x01b51027, 2, 4, 27, F | S },	/* fsh fs11,0(a0) */
	{ 0xff152e27, 4, 4, 17, F | S },	/* fsw fa7,-4(a0) */
	{ 0x7e0fbc27, 8, 4, 0, F | S },		/* fsd ft0,2040(t6) */
	{ 0x4380, 4, 2, 8, X },			/* c.lw s0,0(a5) */
	{ 0x5c7c, 4, 2, 15, X },		/* c.lw a5,124(s0) */
	{ 0x7de8, 8, 2, 10, 0 },		/* c.ld a0,248(a1) */
	{ 0x249c, 8, 2, 15, F },		/* c.fld fa5,8(s1) */
	{ 0xc124, 4, 2, 9, S },			/* c.sw s1,64(a0) */
	{ 0xe39c, 8, 2, 15, S },		/* c.sd a5,0(a5) */
	{ 0xa240, 8, 2, 8, F | S },		/* c.fsd fs0,128(a2) */
	{ 0x4082, 4, 2, 1, X },			/* c.lwsp ra,0(sp) */
	{ 0x5ffe, 4, 2, 31, X },		/* c.lwsp t6,252(sp) */
	{ 0x757e, 8, 2, 10, 0 },		/* c.ldsp a0,504(sp) */
	{ 0x2002, 8, 2, 0, F },			/* c.fldsp ft0,0(sp) */
	{ 0x2fa2, 8, 2, 31, F },		/* c.fldsp ft11,8(sp) */
	{ 0xc202, 4, 2, 0, S },			/* c.swsp zero,4(sp) */
	{ 0xdffe, 4, 2, 31, S },		/* c.swsp t6,252(sp) */
	{ 0xffaa, 8, 2, 10, S },		/* c.sdsp a0,504(sp) */
	{ 0xa002, 8, 2, 0, F | S },		/* c.fsdsp ft0,0(sp) */
	{ 0xa226, 8, 2, 9, F | S },		/* c.fsdsp fs1,256(sp) */
	{ 0x807c, 1, 2, 15, 0 },		/* c.lbu a5,3(s0) */
	{ 0x87a0, 2, 2, 8, 0 },			/* c.lhu s0,2(a5) */
	{ 0x85c8, 2, 2, 10, X },		/* c.lh a0,0(a1) */
	{ 0x8ad8, 1, 2, 14, S },		/* c.sb a4,1(a3) */
	{ 0x8d24, 2, 2, 9, S },			/* c.sh s1,2(a0) */
};

static const u32 others[] = {
	0x0000,			/* c.unimp */
	0x0001, 0x0808,		/* c.addi zero,0; c.addi4spn a0,sp,16 */
	0x8082, 0x9002,		/* c.jr ra; c.ebreak */
	0x9d61, 0x9d4d,		/* c.zext.b a0; c.mul a0,a1 */
	0x4002, 0x6002,		/* c.lwsp and c.ldsp to x0: reserved */
	0x8c40, 0x9c00,		/* reserved of Zcb */
	0x08b6252f,		/* amoswap.w a0,a1,(a2) */
	0x1006352f, 0x18b6252f,	/* lr.d a0,(a2); sc.w a0,a1,(a2) */
	0x0ff0000f, 0x0045200f,	/* fence; cbo.zero (a0) */
	0x0025200f, 0x00156013,	/* cbo.flush (a0); prefetch.r 0(a0) */
	0x02050007, 0x00056407,	/* vle8.v v0,(a0); vle32.v v8,(a0),v0.t */
	0x02057fa7, 0xe2857407,	/* vse64.v v31,(a0); vl8re64.v v8,(a0) */
	0x00014087,		/* flq ft1,0(sp) */
	0x6c05c573, 0x6aa5c073,	/* hlv.d a0,(a1); hsv.w a0,(a1) */
	0xffffffff,
};

TEST(riscv_loads_and_stores_are_decoded)
{
	struct riscv_access access;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(riscv_decode_access(rows[i].insn, &access));
		check_access(rows[i].insn, &access, rows[i].len, rows[i].insn_len, rows[i].reg,
			     rows[i].flags);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (riscv_decode_access(others[i], &access))
			test_fail(__FILE__, __LINE__, "%#x is decoded", others[i]);
}

/* --- htinst ------------------------------------------------------------------------------ */

/* "Transformed Instruction or Pseudoinstruction for mtinst or htinst" */
static u32 transform(u32 insn, u8 offset, bool was_short)
{
	/* Without its offset: bits 11:7 of a store, 31:20 or 31:25. */
	insn &= insn & 0x20 ? 0x01f0707f : 0x00007fff;

	return (insn | offset << 15) & (was_short ? ~2u : ~0u);
}

TEST(riscv_transformed_instructions_are_decoded)
{
	struct riscv_access access;
	u8 offset;
	bool was_short;
	u32 i, htinst;

	for (i = 0; rows[i].insn_len == 4; i++)
		for (offset = 0; offset < 32; offset++)
			for (was_short = false; ; was_short = true) {
				htinst = transform(rows[i].insn, offset, was_short);
				CHECK(riscv_decode_transformed(htinst, &access));
				CHECK_EQ(riscv_transformed_offset(htinst), offset);
				check_access(htinst, &access, rows[i].len, was_short ? 2 : 4,
					     rows[i].reg, rows[i].flags);
				if (was_short)
					break;
			}
	CHECK_EQ(i, 18);
}

TEST(riscv_htinst_without_an_instruction_is_refused)
{
	/* Nothing; pseudoinstructions; atomic, custom and cache-block ones. */
	static const u32 words[] = {
		0, 0x2000, 0x3000, 0x2020, 0x3020, 0x08b0252f, 0x1000352f, 0x0000000b,
		0x0000002b, 0x0000200f, 0x00000073,
	};
	struct riscv_access access;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		CHECK(!riscv_decode_transformed(words[i], &access));

	test_seed(3);
	for (i = 0; i < 1000000; i++)
		CHECK(!riscv_decode_transformed(test_random() << 1, &access));
}

/* --- CSRs -------------------------------------------------------------------------------- */

static const struct {
	u32	insn;
	u16	csr;
	u8	op, rd, source;
	bool	immediate, read, write;
} csr_rows[] = {
	{ 0x01501573, 0x015, RISCV_CSR_WRITE, 10, 0, false, true, true },	/* csrrw a0,seed,zero */
	{ 0x15c01073, 0x15c, RISCV_CSR_WRITE, 0, 0, false, false, true },	/* csrrw zero,stopei,zero */
	{ 0x15c59573, 0x15c, RISCV_CSR_WRITE, 10, 11, false, true, true },	/* csrrw a0,stopei,a1 */
	{ 0x150025f3, 0x150, RISCV_CSR_SET, 11, 0, false, true, false },	/* csrrs a1,siselect,zero */
	{ 0x151625f3, 0x151, RISCV_CSR_SET, 11, 12, false, true, true },	/* csrrs a1,sireg,a2 */
	{ 0x100fb073, 0x100, RISCV_CSR_CLEAR, 0, 31, false, true, true },	/* csrrc zero,sstatus,t6 */
	{ 0xc0103ff3, 0xc01, RISCV_CSR_CLEAR, 31, 0, false, true, false },	/* csrrc t6,time,zero */
	{ 0x15105073, 0x151, RISCV_CSR_WRITE, 0, 0, true, false, true },	/* csrrwi zero,sireg,0 */
	{ 0x151fd573, 0x151, RISCV_CSR_WRITE, 10, 31, true, true, true },	/* csrrwi a0,sireg,31 */
	{ 0xc0006573, 0xc00, RISCV_CSR_SET, 10, 0, true, true, false },		/* csrrsi a0,cycle,0 */
	{ 0x0150e073, 0x015, RISCV_CSR_SET, 0, 1, true, true, true },		/* csrrsi zero,seed,1 */
	{ 0xfff878f3, 0xfff, RISCV_CSR_CLEAR, 17, 16, true, true, true },	/* csrrci a7,0xfff,16 */
	{ 0xc1f078f3, 0xc1f, RISCV_CSR_CLEAR, 17, 0, true, true, false },	/* csrrci a7,hpmcounter31,0 */
};

TEST(riscv_csr_instructions_are_decoded)
{
	/* wfi, wrs.nto, wrs.sto, ecall, sret, sfence.vma; hlv.d, hsv.w; other opcodes */
	static const u32 no[] = {
		0x10500073, 0x00d00073, 0x01d00073, 0x00000073, 0x10200073, 0x12000073,
		0x6c05c573, 0x6aa5c073, 0xc0106513, 0x0001, 0xc0102571,
	};
	struct riscv_csr_access access;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(csr_rows); i++) {
		CHECK(riscv_decode_csr(csr_rows[i].insn, &access));
		CHECK_EQ(access.csr, csr_rows[i].csr);
		CHECK_EQ(access.op, csr_rows[i].op);
		CHECK_EQ(access.rd, csr_rows[i].rd);
		CHECK_EQ(access.source, csr_rows[i].source);
		CHECK_EQ(access.immediate, csr_rows[i].immediate);
		CHECK_EQ(access.read, csr_rows[i].read);
		CHECK_EQ(access.write, csr_rows[i].write);
	}
	for (i = 0; i < ARRAY_SIZE(no); i++)
		CHECK(!riscv_decode_csr(no[i], &access));
}

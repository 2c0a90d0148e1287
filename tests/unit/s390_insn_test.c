// SPDX-License-Identifier: GPL-2.0-only
/* Operands of intercepted instructions, which PSWs there are, and where indicators are. */
#include <shim/kernel.h>
#include <arch/s390/indicator.h>
#include <arch/s390/insn_decode.h>
#include "test.h"

TEST(s390_operands_are_where_the_formats_have_them)
{
	/* SSKE 5,11 with a mask of 6; SIGP 2,3,0x555(4); LCTLG 1,14,-4(7); TPROT 8(9),0x30(10). */
	const struct insn sske = { 0xb22b, 0x605b0000 }, sigp = { 0xae23, 0x45550000 };
	const struct insn lctlg = { 0xeb1e, 0x7ffcff2f }, tprot = { 0xe501, 0x9008a030 };

	CHECK_EQ(insn_opcode(&sske), 0xb22b);
	CHECK_EQ(insn_rre_r1(&sske), 5);
	CHECK_EQ(insn_rre_r2(&sske), 11);
	CHECK_EQ(insn_rrf_m3(&sske), 6);

	CHECK_EQ(insn_opcode(&sigp), 0xae00);
	CHECK_EQ(insn_rs_r1(&sigp), 2);
	CHECK_EQ(insn_rs_r3(&sigp), 3);
	CHECK_EQ(insn_base(&sigp), 4);
	CHECK_EQ(insn_displacement(&sigp), 0x555);

	CHECK_EQ(insn_opcode(&lctlg), 0xeb2f);
	CHECK_EQ(insn_rs_r1(&lctlg), 1);
	CHECK_EQ(insn_rs_r3(&lctlg), 14);
	CHECK_EQ(insn_base(&lctlg), 7);
	CHECK_EQ(insn_long_displacement(&lctlg), -4);

	CHECK_EQ(insn_opcode(&tprot), 0xe501);
	CHECK_EQ(insn_base(&tprot), 9);
	CHECK_EQ(insn_displacement(&tprot), 8);
	CHECK_EQ(insn_sse_base2(&tprot), 10);
	CHECK_EQ(insn_sse_displacement2(&tprot), 0x30);
}

TEST(s390_long_displacements_have_a_sign)
{
	static const struct {
		u32	ipb;
		s32	displacement;
	} cases[] = {
		{ 0x00000000, 0 }, { 0x0fff0000, 0xfff }, { 0x00000100, 0x1000 },
		{ 0x0fff7f00, 0x7ffff }, { 0x00008000, -0x80000 }, { 0xffffff2f, -1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct insn insn = { 0xeb00, cases[i].ipb };

		CHECK_EQ(insn_long_displacement(&insn), cases[i].displacement);
	}
}

TEST(s390_stores_have_the_key_and_address_of_the_manual)
{
	/* STG, MVC, MVCP, MVCK, STURA, STURG, MVPG, MVCDK, MVCSK, MVCS, MVCOS, ECTG. */
	CHECK_EQ(insn_store(0xe310), INSN_STORE_PSW);
	CHECK_EQ(insn_store(0xd207), INSN_STORE_PSW);
	CHECK_EQ(insn_store(0xda13), INSN_STORE_PSW);
	CHECK_EQ(insn_store(0xd913), INSN_STORE_PSW);
	CHECK_EQ(insn_store(0xb246), INSN_STORE_REAL);
	CHECK_EQ(insn_store(0xb925), INSN_STORE_REAL);
	CHECK_EQ(insn_store(0xb254), INSN_STORE_KEY);
	CHECK_EQ(insn_store(0xe50f), INSN_STORE_KEY);
	CHECK_EQ(insn_store(0xe50e), INSN_STORE_PSW);
	CHECK_EQ(insn_store(0xdb13), INSN_STORE_KEY);
	CHECK_EQ(insn_store(0xc8f0), INSN_STORE_KEY);
	CHECK_EQ(insn_store(0xc8f1), INSN_STORE_PSW);
}

TEST(s390_psws_have_a_mode_and_an_address_in_it)
{
	static const struct {
		u64	mask, address;
		bool	valid;
	} cases[] = {
		{ 0x0000000180000000, 0xfffffffffffffffe, true },
		{ 0x0000000180000000, 1, false },
		{ 0x0002000180000000, 1, true },
		{ 0x0000000080000000, 0x7ffffffe, true },
		{ 0x0000000080000000, 0x80000000, false },
		{ 0, 0xfffffe, true },
		{ 0, 0x1000000, false },
		{ 0x0000000100000000, 0, false },
		/* All that has a meaning, and each bit that has none. */
		{ 0x47f7ff8180000000, 0x1000, true },
		{ 0x8000000180000000, 0, false }, { 0x2000000180000000, 0, false },
		{ 0x0800000180000000, 0, false }, { 0x0008000180000000, 0, false },
		{ 0x0000004180000000, 0, false }, { 0x0000000380000000, 0, false },
		{ 0x00000001c0000000, 0, false }, { 0x0000000180000001, 0, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_EQ(psw_words_valid(cases[i].mask, cases[i].address), cases[i].valid);
}

TEST(s390_short_psws_become_long_ones)
{
	const u32 mode31[2] = { 0x070c0000, 0x80001234 }, mode24[2] = { 0x00080000, 0x00001234 };
	const u32 wrong[2] = { 0x07040000, 0x80001234 };
	u64 mask, address;

	CHECK(psw_from_short(mode31, &mask, &address));
	CHECK_EQ(mask, 0x0704000080000000);
	CHECK_EQ(address, 0x1234);
	CHECK(psw_from_short(mode24, &mask, &address));
	CHECK_EQ(mask, 0);
	CHECK_EQ(address, 0x1234);
	CHECK(!psw_from_short(wrong, &mask, &address));
}

TEST(s390_indicators_are_bits_of_doublewords)
{
	static const struct {
		u64	address, offset, gpa;
		bool	swap;
		u32	bit;
	} cases[] = {
		{ 0x1000, 0, 0x1000, false, 0 }, { 0x1000, 0, 0x1000, true, 63 },
		{ 0x1000, 63, 0x1000, false, 63 }, { 0x1000, 63, 0x1000, true, 0 },
		{ 0x1000, 64, 0x1008, false, 0 }, { 0x1000, 200, 0x1018, true, 55 },
		/* In the middle of a doubleword, and out of it. */
		{ 0x1004, 31, 0x1000, true, 0 }, { 0x1004, 32, 0x1008, true, 63 },
		{ 0x1007, 7, 0x1000, false, 63 }, { 0x1007, 8, 0x1008, false, 0 },
		/* As far as it gets: round the end, which is in no slot or user space's own idea. */
		{ 0x1007, ~0ULL, 0x2000000000001000, false, 55 },
	};
	struct indicator at;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		at = indicator_at(cases[i].address, cases[i].offset, cases[i].swap);
		CHECK_EQ(at.gpa, cases[i].gpa);
		CHECK_EQ(at.bit, cases[i].bit);
	}
}

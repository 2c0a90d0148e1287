// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder in the kernel: the lengths an assembler gave, refusals,
 * and any bytes at all, each in a buffer of exactly its size, so that KASAN sees a
 * read beyond.  What the operands mean is tested in user space.
 */
#include <linux/prandom.h>

#include "../../arch/x86/insn.h"
#include "suite.h"

#define RANDOM_INSNS	2000

struct insn_row {
	int		 mode;
	const char	*bytes;
	int		 length;
	const char	*text;
};

#define ROW(mode, bytes, length, text)	{ mode, bytes, length, text },
static const struct insn_row insn_rows[] = {
#include "../unit/x86/insn_rows.h"
};
#undef ROW

/* At the end of an allocation of its own. */
static int decode(struct kunit *test, struct x86_insn *insn, const void *bytes, int count,
		  int mode)
{
	u8 *exact = kmemdup(bytes, max(count, 1), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, exact);
	ret = x86_insn_decode(insn, exact, count, mode);
	kfree(exact);

	return ret;
}

static void lengths(struct kunit *test)
{
	struct x86_insn insn;
	int i, n;

	KUNIT_EXPECT_GE(test, ARRAY_SIZE(insn_rows), 300);
	for (i = 0; i < ARRAY_SIZE(insn_rows); i++) {
		const struct insn_row *row = &insn_rows[i];

		KUNIT_EXPECT_EQ_MSG(test, decode(test, &insn, row->bytes, row->length, row->mode),
				    0, "%s", row->text);
		KUNIT_EXPECT_EQ_MSG(test, insn.length, row->length, "%s", row->text);
		n = x86_insn_length_common((const u8 *)row->bytes, row->length);
		if (n)
			KUNIT_EXPECT_EQ_MSG(test, n, row->length, "%s", row->text);
	}
}

static void cut_short(struct kunit *test)
{
	struct x86_insn insn;
	int i, n;

	for (i = 0; i < ARRAY_SIZE(insn_rows); i++)
		for (n = 0; n < insn_rows[i].length; n++)
			KUNIT_EXPECT_EQ_MSG(test, decode(test, &insn, insn_rows[i].bytes, n,
							 insn_rows[i].mode), -ENODATA,
					    "%d bytes of %s", n, insn_rows[i].text);
}

static void refused(struct kunit *test)
{
	static const struct {
		int		 mode, count, want;
		const char	*bytes;
	} rows[] = {
		{ 8, 3, -EINVAL, "\xf0\x89\x03" },		/* lock mov */
		{ 8, 3, -EINVAL, "\xf0\x01\xc3" },		/* lock, no memory */
		{ 8, 2, -EINVAL, "\xf0\x90" },			/* lock nop */
		{ 8, 1, -EINVAL, "\x06" },			/* not in 64-bit mode */
		{ 8, 5, -EINVAL, "\x66\xc5\xf8\x10\x03" },	/* prefix before VEX */
		{ 8, 5, -EINVAL, "\xc4\xe0\x78\x10\x03" },	/* no such map */
		{ 8, 2, -EINVAL, "\x0f\x04" },
		{ 4, 3, 0, "\xf0\x01\x03" },			/* lock add */
		{ 8, 15, -E2BIG, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66" },
		{ 8, 15, 0, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90" },
	};
	struct x86_insn insn;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, decode(test, &insn, rows[i].bytes, rows[i].count,
						 rows[i].mode), rows[i].want, "row %d", i);
}

static void check_random(struct kunit *test, const u8 *bytes, int mode, int *decoded)
{
	struct x86_insn insn, again;
	int ret = decode(test, &insn, bytes, INSN_MAX_LENGTH, mode);

	if (ret) {
		/* All there can be is there. */
		KUNIT_EXPECT_TRUE_MSG(test, ret == -EINVAL || ret == -E2BIG, "%d of %*ph", ret,
				      INSN_MAX_LENGTH, bytes);
		return;
	}
	(*decoded)++;
	KUNIT_ASSERT_TRUE_MSG(test, insn.length >= 1 && insn.length <= INSN_MAX_LENGTH, "%*ph",
			      INSN_MAX_LENGTH, bytes);
	KUNIT_EXPECT_TRUE_MSG(test, insn.base <= 15 && insn.index <= 15 && insn.segment <= 5 &&
			      insn.reg <= 15 && insn.rm <= 15 && insn.op < X86_OP_COUNT, "%*ph",
			      INSN_MAX_LENGTH, bytes);
	/* The bytes behind do not matter, the last one of its own does. */
	KUNIT_EXPECT_EQ(test, decode(test, &again, bytes, insn.length, mode), 0);
	KUNIT_EXPECT_MEMEQ(test, &again, &insn, sizeof(insn));
	KUNIT_EXPECT_EQ(test, decode(test, &again, bytes, insn.length - 1, mode), -ENODATA);
}

static void any_bytes(struct kunit *test)
{
	static const int modes[] = { 2, 4, 8 };
	struct rnd_state random;
	u8 bytes[INSN_MAX_LENGTH];
	int i, decoded = 0;

	prandom_seed_state(&random, 1);
	for (i = 0; i < RANDOM_INSNS; i++) {
		prandom_bytes_state(&random, bytes, sizeof(bytes));
		if (i & 8)
			bytes[0] = 0x0f;
		check_random(test, bytes, modes[i % ARRAY_SIZE(modes)], &decoded);
	}
	KUNIT_EXPECT_GT(test, decoded, RANDOM_INSNS / 4);
}

static struct kunit_case x86_insn_cases[] = {
	KUNIT_CASE(lengths),
	KUNIT_CASE(cut_short),
	KUNIT_CASE(refused),
	KUNIT_CASE_SLOW(any_bytes),
	{ }
};

static struct kunit_suite x86_insn_suite = {
	.name		= "x86_insn",
	.test_cases	= x86_insn_cases,
};

kunit_test_suite(x86_insn_suite);

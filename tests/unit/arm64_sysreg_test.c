// SPDX-License-Identifier: GPL-2.0-only
/*
 * The portable parts of arm64's system registers: how a row is found, and what a field
 * of an ID register may be.
 */
#include <arch/arm64/idreg_field.c>
#include <arch/arm64/sysreg_find.h>
#include "test.h"

/* --- the table of rows ----------------------------------------------------------------- */

#define ROWS	100

/* Rows at 10, 20, ...: each is found, and nothing between them. */
TEST(arm64_sysreg_rows_are_found_by_encoding)
{
	struct sysreg_row rows[ROWS];
	unsigned int count, i;
	u32 encoding;

	for (i = 0; i < ROWS; i++)
		rows[i] = (struct sysreg_row){ .encoding = 10 * (i + 1) };

	for (count = 0; count <= ROWS; count++)
		for (encoding = 0; encoding < 10 * (ROWS + 2); encoding++) {
			const struct sysreg_row *row = sysreg_search(rows, count, encoding);
			bool there = encoding && !(encoding % 10) && encoding / 10 <= count;

			CHECK(row == (there ? &rows[encoding / 10 - 1] : NULL));
		}
}

TEST(arm64_sysreg_rows_out_of_order_are_told)
{
	struct sysreg_row rows[] = { { 1 }, { 3 }, { 5 }, { 7 } };

	CHECK(!sysreg_misplaced(rows, 0));
	CHECK(!sysreg_misplaced(rows, 1));
	CHECK(!sysreg_misplaced(rows, ARRAY_SIZE(rows)));
	rows[2].encoding = 3;
	CHECK(sysreg_misplaced(rows, ARRAY_SIZE(rows)) == &rows[2]);
	rows[2].encoding = 2;
	CHECK(sysreg_misplaced(rows, ARRAY_SIZE(rows)) == &rows[2]);
	rows[3].encoding = 0;
	CHECK(sysreg_misplaced(rows, ARRAY_SIZE(rows)) == &rows[2]);
}

/* ARM64_SYS_REG(op0, op1, CRn, CRm, op2) of the ABI against the bits of an MRS. */
TEST(arm64_sysreg_numbers_are_encodings)
{
	u32 i;

	for (i = 0; i < 0x10000; i++) {
		u32 op0 = i >> 14, op1 = i >> 11 & 7, crn = i >> 7 & 15, crm = i >> 3 & 15;
		u32 encoding = op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | (i & 7) << 5;

		CHECK_EQ(sysreg_from_number(i), encoding);
		CHECK_EQ(sysreg_number(encoding), i);
	}
}

/* --- fields of ID registers --------------------------------------------------------------- */

static bool carried;

static const struct idreg_field fields[] = {
	{ .index = 1, .shift = 0, .width = 4, .kind = IDREG_LOWER, .limit = 2 },
	{ .index = 1, .shift = 4, .width = 4, .kind = IDREG_SIGNED, .limit = 1, .least = -1 },
	{ .index = 1, .shift = 8, .width = 4, .kind = IDREG_HIGHER, .limit = 0 },
	{ .index = 1, .shift = 12, .width = 4, .kind = IDREG_FIXED, .limit = IDREG_ANY },
	{ .index = 1, .shift = 16, .width = 4, .kind = IDREG_FIXED_SIGNED, .limit = 0 },
	{ .index = 1, .shift = 60, .width = 4, .kind = IDREG_LOWER, .limit = 8, .least = 6 },
	{ .index = 2, .shift = 14, .width = 2, .kind = IDREG_LOWER, .limit = IDREG_ANY },
	{ .index = 2, .shift = 0, .width = 4, .kind = IDREG_LOWER, .limit = IDREG_ANY,
	  .needs = &carried },
};

static const struct idreg_table table = { fields, ARRAY_SIZE(fields) };

TEST(arm64_idreg_limits_fields)
{
	/* No field: nothing is known of it. */
	CHECK_EQ(idreg_limit(&table, 0, ~0ULL), 0);
	CHECK(!idreg_has_fields(&table, 0));
	CHECK(idreg_has_fields(&table, 1));

	/* Each alone, and what lies between them. */
	CHECK_EQ(idreg_limit(&table, 1, 0), 0);
	CHECK_EQ(idreg_limit(&table, 1, 0x1), 0x1);
	CHECK_EQ(idreg_limit(&table, 1, 0x7), 0x2);
	CHECK_EQ(idreg_limit(&table, 1, 0xf), 0x2);
	CHECK_EQ(idreg_limit(&table, 1, 0x30), 0x10);
	CHECK_EQ(idreg_limit(&table, 1, 0xf0), 0xf0);
	CHECK_EQ(idreg_limit(&table, 1, 0x300), 0x300);
	CHECK_EQ(idreg_limit(&table, 1, 0xf000), 0xf000);
	CHECK_EQ(idreg_limit(&table, 1, 0xf0000), 0xf0000);
	CHECK_EQ(idreg_limit(&table, 1, 0x30000), 0);
	CHECK_EQ(idreg_limit(&table, 1, 0xffffffff00000ULL << 8), 0);
	CHECK_EQ(idreg_limit(&table, 1, 15ULL << 60), 8ULL << 60);

	/* What is a feature of ours as well. */
	carried = false;
	CHECK_EQ(idreg_limit(&table, 2, ~0ULL), 0xc000);
	carried = true;
	CHECK_EQ(idreg_limit(&table, 2, ~0ULL), 0xc00f);
}

/* Also where the host has it. */
TEST(arm64_idreg_limit_of_an_absent_feature_may_be_negative)
{
	static const struct idreg_field lock = {
		.index = 5, .shift = 36, .width = 4, .kind = IDREG_SIGNED, .limit = -1, .least = -1,
	};
	static const struct idreg_table locks = { &lock, 1 };

	CHECK_EQ(idreg_limit(&locks, 5, 0), 15ULL << 36);
	CHECK_EQ(idreg_limit(&locks, 5, 15ULL << 36), 15ULL << 36);
	CHECK(!idreg_accepts(&locks, 5, 0, 15ULL << 36));
	CHECK(idreg_accepts(&locks, 5, 15ULL << 36, 15ULL << 36));
}

/* Does the field at @shift take exactly the values of the bitmap @wanted under @limit? */
static void check_field(unsigned int shift, u64 limit, u32 wanted)
{
	u64 value;

	for (value = 0; value < 16; value++) {
		u64 reg = (limit & ~(15ULL << shift)) | value << shift;

		CHECK_EQ(idreg_accepts(&table, 1, reg, limit), wanted >> value & 1);
	}
}

TEST(arm64_idreg_accepts_less)
{
	const u64 limit = 0xf1312 | 8ULL << 60;

	check_field(0, limit, 0x0007);		/* 0 to 2 */
	check_field(4, limit, 0x8003);		/* -1 to 1 */
	check_field(8, limit, 0xfff8);		/* 3 and more */
	check_field(12, limit, 0x0002);		/* 1 */
	check_field(16, limit, 0x8000);		/* -1 */
	check_field(60, limit, 0x01c0);		/* 6 to 8 */

	/* Below the least is only what the host itself has. */
	check_field(60, 0xf1312, 0x0001);
	/* Bits of nobody. */
	check_field(20, limit, 0x0001);
	check_field(56, limit, 0x0001);
	CHECK(!idreg_accepts(&table, 0, 1, 0));
	CHECK(idreg_accepts(&table, 0, 1, 1));
}

TEST(arm64_idreg_writable_fields_are_told)
{
	CHECK_EQ(idreg_writable(&table, 0), 0);
	CHECK_EQ(idreg_writable(&table, 1), 0xfff | 15ULL << 60);
	CHECK_EQ(idreg_writable(&table, 2), 0xc00f);
}

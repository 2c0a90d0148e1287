// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation tables of s390 against the manual: entries, the address-space-control
 * element, what is told apart.  The library's own tests run over its formats, too.
 */
#include <arch/s390/mmu_format.c>
#include "formats.h"
#include "test.h"

__attribute__((constructor)) static void add_formats(void)
{
	/* One level and two levels of regions: the tests want more than a segment table has. */
	static struct pgtable_format small, large;

	if (PAGE_SHIFT != 12)
		return;

	dat_format_make(&small, DAT_SPAN_4T, true, hooked_replace);
	small.name = "s390, region-third table";
	format_add(&small);
	dat_format_make(&large, DAT_SPAN_8P, true, hooked_replace);
	large.name = "s390, region-second table";
	format_add(&large);
}

static struct mmu_map map_of(hpa_t hpa, u8 order, u8 prot)
{
	return (struct mmu_map) { .hpa = hpa, .order = order, .prot = prot };
}

TEST(s390_spans_are_what_the_manual_has)
{
	static const struct {
		enum dat_span	span;
		u64		bytes, asce;
	} rows[] = {
		/* "Address-Space-Control Element": designation type, private space, length. */
		{ DAT_SPAN_2G, BIT_ULL(31), 0x103 },
		{ DAT_SPAN_4T, BIT_ULL(42), 0x107 },
		{ DAT_SPAN_8P, BIT_ULL(53), 0x10b },
	};
	struct pgtable_format format;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		dat_format_make(&format, rows[i].span, true, NULL);
		CHECK_EQ(pgtable_span(&format), rows[i].bytes);
		CHECK_EQ(dat_asce(&format, 0x12344000), 0x12344000 | rows[i].asce);
	}
}

TEST(s390_entries_are_what_the_manual_lists)
{
	struct mmu_map page = map_of(0x123456000, 0, PROT_GUEST_ALL);
	struct mmu_map segment = map_of(0x123400000, 8, PROT_GUEST_ALL);
	struct pgtable_format format;

	dat_format_make(&format, DAT_SPAN_8P, true, NULL);
	CHECK_EQ(format.make_leaf(&page, 0), 0x123456000);
	CHECK_EQ(format.make_leaf(&segment, 1), 0x123400400);
	page.prot = segment.prot = PROT_GUEST_READ | PROT_GUEST_EXEC;
	CHECK_EQ(format.make_leaf(&page, 0), 0x123456200);
	CHECK_EQ(format.make_leaf(&segment, 1), 0x123400600);
	/* Of a segment, region-third, region-second table. */
	CHECK_EQ(format.make_table(0x123457000, 1), 0x123457000);
	CHECK_EQ(format.make_table(0x123458000, 2), 0x123458007);
	CHECK_EQ(format.make_table(0x123458000, 3), 0x12345800b);
	CHECK_EQ(format.level[0].empty, 0x400);
	CHECK_EQ(format.level[1].empty, 0x20);
	CHECK_EQ(format.level[2].empty, 0x24);
	CHECK_EQ(format.level[3].empty, 0x28);
}

TEST(s390_tables_and_leaves_are_told_apart)
{
	struct mmu_map segment = map_of(0x7ff00000, 8, PROT_GUEST_READ);
	struct pgtable_format format;
	int level;
	u64 pte;

	dat_format_make(&format, DAT_SPAN_8P, false, NULL);
	CHECK_EQ(pgtable_leaf_order(&format, 9), 0);
	dat_format_make(&format, DAT_SPAN_8P, true, NULL);
	CHECK_EQ(pgtable_leaf_order(&format, 9), 8);
	for (level = 0; level < format.levels; level++) {
		CHECK(!format.is_present(format.level[level].empty, level));
		CHECK(!format.is_present(format.locked, level));
		CHECK(format.locked != format.level[level].empty);
	}
	/* Absolute page 0 is a page, and its entry is zero. */
	CHECK(format.is_present(0, 0));

	/* The address of a table may have the bit that makes a leaf of a segment's entry. */
	for (level = 1; level < format.levels; level++) {
		pte = format.make_table(0x12345c000, level);
		CHECK(format.is_present(pte, level));
		CHECK(!format.is_leaf(pte, level));
		CHECK_EQ(format.address(pte, level), 0x12345c000);
	}
	pte = format.make_leaf(&segment, 1);
	CHECK(format.is_leaf(pte, 1));
	CHECK_EQ(format.address(pte, 1), 0x7ff00000);
	CHECK_EQ(format.prot(pte), PROT_GUEST_READ | PROT_GUEST_EXEC);
	CHECK_EQ(format.prot(format.set_prot(pte, PROT_GUEST_ALL)), PROT_GUEST_ALL);
}

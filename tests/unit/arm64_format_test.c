// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 of arm64 against the manual: the shape of each guest physical space, the bits
 * of descriptors and registers, the operand of invalidations by range.  The library's
 * own tests run over its formats, too: those that are unlike each other.
 */
#include <arch/arm64/mmu_format.c>
#include "formats.h"
#include "test.h"

/* --- for the tests of the library --------------------------------------------------- */

static const struct {
	const char		*name;
	struct stage2_shape	shape;
} library_formats[] = {
	/* Two levels, the root has leaves; three, of eight tables; five. */
	{ "arm64, 32 bits", { 12, 32, 40 } },
	{ "arm64, 42 bits", { 12, 42, 48, .vmid16 = true } },
	{ "arm64, 52 bits", { 12, 52, 52, .lpa2 = true, .fwb = true } },
	{ "arm64, 16 KiB, 40 bits", { 14, 40, 40 } },
	{ "arm64, 16 KiB, 52 bits", { 14, 52, 52, .lpa2 = true, .fwb = true } },
	{ "arm64, 64 KiB, 45 bits", { 16, 45, 48 } },
	{ "arm64, 64 KiB, 48 bits", { 16, 48, 48, .fwb = true } },
};

__attribute__((constructor)) static void add_formats(void)
{
	static struct stage2 stage2[ARRAY_SIZE(library_formats)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(library_formats); i++) {
		if (library_formats[i].shape.granule != PAGE_SHIFT)
			continue;
		stage2_make(&stage2[i], &library_formats[i].shape);
		stage2[i].format.name = library_formats[i].name;
		stage2[i].format.replace = hooked_replace;
		format_add(&stage2[i].format);
	}
}

/* --- levels -------------------------------------------------------------------------- */

#define VTCR_COMMON	(BIT_ULL(31) | 3ULL << 12 | 1ULL << 10 | 1ULL << 8)

static u64 field(u64 value, unsigned int high, unsigned int low)
{
	return (value & GENMASK_ULL(high, low)) >> low;
}

TEST(arm64_levels_are_what_the_manual_has)
{
	static const struct {
		struct stage2_shape	shape;
		u8			levels, root_order, root_bits;
		u64			vtcr;	/* but for what all have, and T0SZ */
	} rows[] = {
		/* PS, VS, TG0, SL0: "VTCR_EL2, Virtualization Translation Control Register" */
		{ { 12, 32, 32 }, 2, 2, 11, 0 },
		{ { 12, 33, 36 }, 2, 3, 12, 1 << 16 },
		{ { 12, 34, 36 }, 3, 0, 4, 1 << 16 | 1 << 6 },
		{ { 12, 39, 40 }, 3, 0, 9, 2 << 16 | 1 << 6 },
		{ { 12, 40, 40 }, 3, 1, 10, 2 << 16 | 1 << 6 },
		{ { 12, 42, 42 }, 3, 3, 12, 3 << 16 | 1 << 6 },
		{ { 12, 43, 44 }, 4, 0, 4, 4 << 16 | 2 << 6 },
		{ { 12, 48, 48, .vmid16 = true }, 4, 0, 9, 5 << 16 | 1 << 19 | 2 << 6 },
		/* 52 bits of address need other descriptors. */
		{ { 12, 48, 52 }, 4, 0, 9, 5 << 16 | 2 << 6 },
		{ { 12, 48, 52, .lpa2 = true }, 4, 0, 9, BIT_ULL(32) | 6 << 16 | 2 << 6 },
		{ { 12, 51, 52, .lpa2 = true }, 4, 3, 12, BIT_ULL(32) | 6 << 16 | 2 << 6 },
		{ { 12, 52, 52, .lpa2 = true }, 5, 0, 4, BIT_ULL(33) | BIT_ULL(32) | 6 << 16 },
		{ { 14, 32, 40 }, 2, 0, 7, 2 << 16 | 2 << 14 | 1 << 6 },
		{ { 14, 40, 40 }, 2, 4, 15, 2 << 16 | 2 << 14 | 1 << 6 },
		{ { 14, 48, 48 }, 3, 1, 12, 5 << 16 | 2 << 14 | 2 << 6 },
		{ { 14, 52, 52, .lpa2 = true }, 4, 0, 5, BIT_ULL(32) | 6 << 16 | 2 << 14 | 3 << 6 },
		{ { 16, 32, 40 }, 2, 0, 3, 2 << 16 | 1 << 14 | 1 << 6 },
		{ { 16, 45, 48 }, 2, 3, 16, 5 << 16 | 1 << 14 | 1 << 6 },
		{ { 16, 48, 48 }, 3, 0, 6, 5 << 16 | 1 << 14 | 2 << 6 },
	};
	struct stage2 stage2;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		stage2_make(&stage2, &rows[i].shape);
		CHECK_EQ(stage2.format.levels, rows[i].levels);
		CHECK_EQ(stage2.format.root_order, rows[i].root_order);
		CHECK_EQ(stage2.format.root_bits, rows[i].root_bits);
		CHECK_EQ(pgtable_span(&stage2.format), BIT_ULL(rows[i].shape.ipa_bits));
		CHECK_EQ(stage2.vtcr, VTCR_COMMON | rows[i].vtcr | (64 - rows[i].shape.ipa_bits));
	}
}

/* The level that VTCR_EL2 says the root is of: pseudocode AArch64.S2StartLevel. */
static int start_level(const struct stage2_shape *shape, u64 vtcr)
{
	u64 sl0 = field(vtcr, 7, 6), sl2 = field(vtcr, 33, 33);

	if (shape->granule != 12)
		return 3 - sl0;
	if (sl2)
		return -1;
	CHECK(sl0 != 3);

	return 2 - sl0;
}

/* AArch64.S2InvalidSL, AArch64.S2InconsistentSL: would the CPU take it? */
static void check_start(const struct stage2_shape *shape, const struct stage2 *stage2)
{
	int start = start_level(shape, stage2->vtcr);
	int bits = shape->granule - 3, smallest = (3 - start) * bits + shape->granule + 1;

	CHECK_EQ(stage2->format.levels, 4 - start);
	CHECK(shape->ipa_bits >= smallest);
	CHECK(shape->ipa_bits <= smallest + bits - 1 + 4);
	switch (shape->granule) {
	case 12:
		CHECK(start != -1 || (shape->lpa2 && shape->pa_bits >= 52));
		CHECK(start != 0 || shape->pa_bits >= 44);
		break;
	case 14:
		CHECK(start != 0 || (shape->lpa2 && shape->pa_bits >= 52));
		CHECK(start != 1 || shape->pa_bits >= 42);
		break;
	case 16:
		CHECK(start > 0);
		CHECK(start != 1 || shape->pa_bits >= 44);
		break;
	}
}

TEST(arm64_every_space_has_a_root_that_cpus_accept)
{
	static const u8 pa_bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	static const u8 granules[] = { 12, 14, 16 };
	struct stage2_shape shape = { };
	struct stage2 stage2;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(granules); i++) {
		shape.granule = granules[i];
		for (j = 0; j < ARRAY_SIZE(pa_bits); j++) {
			shape.pa_bits = pa_bits[j];
			shape.lpa2 = shape.pa_bits == 52 && shape.granule < 16;
			for (shape.ipa_bits = STAGE2_IPA_MIN;
			     shape.ipa_bits <= (shape.lpa2 ? 52 : min_t(u8, shape.pa_bits, 48));
			     shape.ipa_bits++) {
				stage2_make(&stage2, &shape);
				check_start(&shape, &stage2);
			}
		}
	}
}

TEST(arm64_leaves_are_as_large_as_they_may_be)
{
	struct stage2_shape shape = { .granule = 12, .ipa_bits = 40, .pa_bits = 48, .fwb = true };
	struct stage2 stage2;

	stage2_make(&stage2, &shape);
	CHECK_EQ(pgtable_leaf_order(&stage2.format, 20), 18);
	CHECK_EQ(pgtable_leaf_order(&stage2.format, 17), 9);
	CHECK_EQ(pgtable_leaf_order(&stage2.format, 8), 4);
	CHECK_EQ(pgtable_leaf_order(&stage2.format, 3), 0);

	/* Each leaf is cleaned before it is mapped, where it has to be. */
	shape.fwb = false;
	stage2_make(&stage2, &shape);
	CHECK_EQ(pgtable_leaf_order(&stage2.format, 20), 9);
}

/* --- descriptors: "VMSAv8-64 stage 2 descriptor formats" ---------------------------------- */

#define PAGE		(BIT_ULL(0) | BIT_ULL(1))
#define BLOCK		BIT_ULL(0)
#define TABLE		(BIT_ULL(0) | BIT_ULL(1))
#define MEMATTR(n)	((u64)(n) << 2)
#define R		BIT_ULL(6)
#define W		BIT_ULL(7)
#define SH		(3ULL << 8)
#define AF		BIT_ULL(10)
#define CONT		BIT_ULL(52)
#define XN		(2ULL << 53)

static const struct leaf_row {
	bool		lpa2, fwb;
	struct mmu_map	map;
	int		level;
	u64		pte;
} leaf_rows[] = {
	{ 0, 0, { .hpa = 0x123456000, .prot = PROT_GUEST_ALL }, 0,
	  0x123456000 | PAGE | MEMATTR(15) | R | W | SH | AF },
	{ 0, 1, { .hpa = 0x123456000, .prot = PROT_GUEST_ALL }, 0,
	  0x123456000 | PAGE | MEMATTR(6) | R | W | SH | AF },
	{ 0, 0, { .hpa = 0x123400000, .order = 9, .prot = PROT_GUEST_READ }, 1,
	  0x123400000 | BLOCK | MEMATTR(15) | R | SH | AF | XN },
	{ 0, 0, { .hpa = 0x123450000, .order = 4, .prot = PROT_GUEST_ALL }, 0,
	  0x123450000 | PAGE | MEMATTR(15) | R | W | SH | AF | CONT },
	{ 0, 0, { .hpa = 0xfffffffff000, .prot = PROT_GUEST_READ | PROT_GUEST_WRITE,
		  .memtype = MEMTYPE_DEVICE }, 0,
	  0xfffffffff000 | PAGE | MEMATTR(1) | R | W | SH | AF | XN },
	{ 0, 1, { .hpa = 0x1000, .prot = PROT_GUEST_READ, .memtype = MEMTYPE_DEVICE }, 0,
	  0x1000 | PAGE | MEMATTR(1) | R | SH | AF | XN },
	{ 0, 1, { .hpa = 0x1000, .prot = PROT_GUEST_READ, .memtype = MEMTYPE_UNCACHED }, 0,
	  0x1000 | PAGE | MEMATTR(5) | R | SH | AF | XN },
	/* Bits 51 and 50 of the address are 9 and 8 of the descriptor. */
	{ 1, 1, { .hpa = 0xfffffffffe000, .prot = PROT_GUEST_ALL }, 0,
	  0x3ffffffffe000 | 3 << 8 | PAGE | MEMATTR(6) | R | W | AF },
	{ 1, 0, { .hpa = 0x4000000200000, .order = 9, .prot = PROT_GUEST_ALL }, 1,
	  0x0000000200000 | 1 << 8 | BLOCK | MEMATTR(15) | R | W | AF },
};

TEST(arm64_descriptors_are_what_the_manual_lists)
{
	struct stage2_shape shape = { .granule = 12, .ipa_bits = 40, .pa_bits = 52 };
	struct stage2 stage2;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaf_rows); i++) {
		const struct leaf_row *row = &leaf_rows[i];
		const struct pgtable_format *format = &stage2.format;

		shape.lpa2 = row->lpa2;
		shape.fwb = row->fwb;
		stage2_make(&stage2, &shape);
		CHECK_EQ(format->make_leaf(&row->map, row->level), row->pte);
		CHECK(format->is_present(row->pte, row->level));
		CHECK(format->is_leaf(row->pte, row->level));
		CHECK_EQ(format->address(row->pte, row->level), row->map.hpa);
		CHECK_EQ(format->prot(row->pte), row->map.prot);
		CHECK_EQ(format->set_prot(row->pte, 0), (row->pte & ~(R | W)) | XN);
		CHECK_EQ(format->make_old(row->pte), row->pte & ~AF);
		CHECK(format->is_old(row->pte & ~AF) && !format->is_old(row->pte));
		CHECK_EQ(format->is_group(row->pte), row->map.order == 4);
		CHECK_EQ(stage2_is_write_back(row->pte),
			 !row->fwb && row->map.memtype == MEMTYPE_NORMAL);
	}
}

TEST(arm64_tables_and_markers_are_told_apart)
{
	struct stage2_shape shape = { .granule = 12, .ipa_bits = 40, .pa_bits = 52 };
	struct stage2 stage2;
	int level;

	stage2_make(&stage2, &shape);
	CHECK_EQ(stage2.format.make_table(0xabcdef123000, 1), 0xabcdef123000 | TABLE);
	CHECK_EQ(stage2.format.address(0xabcdef123000 | TABLE, 1), 0xabcdef123000);
	CHECK(!stage2.format.is_leaf(0xabcdef123000 | TABLE, 1));
	for (level = 0; level < stage2.format.levels; level++) {
		CHECK(!stage2.format.is_present(stage2.format.locked, level));
		CHECK(stage2.format.locked != stage2.format.level[level].empty);
	}

	shape.lpa2 = true;
	stage2_make(&stage2, &shape);
	CHECK_EQ(stage2.format.make_table(0xe000000001000, 1), 0x2000000001000 | 3 << 8 | TABLE);
	CHECK_EQ(stage2.format.address(0x2000000001000 | 3 << 8 | TABLE, 1), 0xe000000001000);
}

TEST(arm64_vttbr_has_the_root_and_the_vmid)
{
	CHECK_EQ(stage2_vttbr(0x123456000, 1), 0x123456000 | BIT_ULL(48));
	CHECK_EQ(stage2_vttbr(0, 0xffff), 0xffffULL << 48);
	/* Bits 51:48 of the address are bits 5:2. */
	CHECK_EQ(stage2_vttbr(0xf800000000000, 2), 0x800000000000 | 15 << 2 | 2ULL << 48);
}

/* --- "TLBI RIPAS2E1IS" ---------------------------------------------------------------------- */

static void check_range(gfn_t first, u64 count, bool lpa2)
{
	u64 operand = stage2_tlbi_range(first, count, lpa2);
	u64 base = field(operand, 36, 0) << (lpa2 ? 4 : 0);
	u64 pages = (field(operand, 43, 39) + 1) << (5 * field(operand, 45, 44) + 1);

	CHECK_EQ(field(operand, 47, 46), 1);
	CHECK_EQ(field(operand, 38, 37), 0);
	CHECK_EQ(field(operand, 63, 48), 0);
	CHECK(base <= first);
	CHECK(first + count <= base + pages);
	/* Not more than twice what has to be, and the units of either. */
	CHECK(pages <= 2 * count + 32);
}

TEST(arm64_ranges_are_invalidated_whole)
{
	static const u64 counts[] = {
		1, 2, 3, 63, 64, 65, 66, 512, 2047, 2048, 2049, 4096, 65535, 65536, 65537,
		262144, 2097152 - 16,
	};
	unsigned int i;
	gfn_t first;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (first = 0x40000; first < 0x40020; first++) {
			check_range(first, counts[i], false);
			check_range(first, counts[i], true);
		}
	}
	check_range((1ULL << 36) - 2, 2, false);
	check_range((1ULL << 40) - 16, 16, true);

	CHECK_EQ(stage2_tlbi_range(0, 2097152, false) == 0, false);
	CHECK_EQ(stage2_tlbi_range(0, 2097153, false), 0);
	CHECK_EQ(stage2_tlbi_range(1, 2097152, true), 0);
	CHECK_EQ(stage2_tlbi_range(0, U64_MAX, false), 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the VT-x backend can show without a guest, and without the extension: entries of
 * EPT by the kernel's own definitions against the manual's bits, and the names of exits
 * against the kernel's own list, and the MSR bitmaps.  The unit tests have more of both, and events.
 */
#include "../../arch/x86/vtx/msrmap.c"
#include "vtx/mmu_format.h"

#include "suite.h"

/* --- entries: SDM volume 3, "EPT Translation Mechanism" ------------------------------- */

#define R	BIT_ULL(0)
#define W	BIT_ULL(1)
#define X	BIT_ULL(2)
#define TYPE_WB	(6ULL << 3)
#define IPAT	BIT_ULL(6)
#define LARGE	BIT_ULL(7)
#define A	BIT_ULL(8)
#define D	BIT_ULL(9)

static void ept_leaves(struct kunit *test)
{
	static const struct {
		struct mmu_map	map;
		int		level;
		u64		pte;
	} rows[] = {
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_ALL }, 0,
		  0x123456000 | R | W | X | TYPE_WB | IPAT | A | D },
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_READ }, 0,
		  0x123456000 | R | TYPE_WB | IPAT | A },
		{ { .hpa = 0x40000000, .order = 9, .prot = PROT_GUEST_ALL }, 1,
		  0x40000000 | R | W | X | TYPE_WB | IPAT | LARGE | A | D },
		{ { .hpa = 0xfe000000, .prot = PROT_GUEST_READ | PROT_GUEST_WRITE,
		    .memtype = MEMTYPE_DEVICE }, 0, 0xfe000000 | R | W | A | D },
	};
	static const struct ept_shape shape = {
		.levels = 4, .phys_bits = 46, .leaf_2m = true, .accessed_dirty = true,
	};
	struct pgtable_format format;
	int i;

	ept_make(&format, &shape);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 pte = format.make_leaf(&rows[i].map, rows[i].level);

		KUNIT_EXPECT_EQ_MSG(test, pte, rows[i].pte, "row %d", i);
		KUNIT_EXPECT_EQ(test, format.address(pte, rows[i].level), rows[i].map.hpa);
		KUNIT_EXPECT_EQ(test, format.prot(pte), rows[i].map.prot);
		KUNIT_EXPECT_TRUE(test, format.is_old(format.make_old(pte)));
		KUNIT_EXPECT_FALSE(test, format.is_dirty(format.make_clean(pte)));
		KUNIT_EXPECT_NULL(test, ept_entry_explain(pte, rows[i].level, &shape));
	}
	KUNIT_EXPECT_EQ(test, format.make_table(0x7777000, 1), 0x7777000 | R | W | X);
	KUNIT_EXPECT_EQ(test, ept_pointer(0x5000, &shape), 0x5000 | 6 | 3 << 3 | BIT(6));
}

/* IA32_VMX_EPT_VPID_CAP: SDM volume 3, "VPID and EPT Capabilities". */
static void ept_capabilities(struct kunit *test)
{
	const u64 musts = BIT_ULL(6) | BIT_ULL(14) | BIT_ULL(20) | BIT_ULL(25);
	struct ept_shape shape;

	KUNIT_EXPECT_NULL(test, ept_cap_missing(musts));
	KUNIT_EXPECT_NOT_NULL(test, ept_cap_missing(musts & ~BIT_ULL(20)));
	ept_shape_choose(&shape, musts | BIT_ULL(7) | BIT_ULL(16) | BIT_ULL(21), 52);
	KUNIT_EXPECT_EQ(test, shape.levels, 5);
	KUNIT_EXPECT_TRUE(test, shape.leaf_2m);
	KUNIT_EXPECT_FALSE(test, shape.leaf_1g);
	KUNIT_EXPECT_TRUE(test, shape.accessed_dirty);
}

/* --- names of exits ------------------------------------------------------------------- */

static const struct {
	u32		 code;
	const char	*name;
} exit_reasons[] = { VMX_EXIT_REASONS };

static void exit_names(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(exit_reasons); i++)
		KUNIT_EXPECT_STREQ(test, vtx_exit_name(exit_reasons[i].code), exit_reasons[i].name);
	KUNIT_EXPECT_STREQ(test, vtx_exit_name(0x1234), "unknown");
}

/* --- MSR bitmaps: SDM volume 3, "MSR-Bitmap Address" ---------------------------------- */

#define MSRMAP_BITS	(PAGE_SIZE * 8)
#define READ_HIGH	(0x400 * 8)		/* from C000_0000 */
#define WRITE_LOW	(0x800 * 8)
#define WRITE_HIGH	(0xc00 * 8)

/* Of an x2APIC that the CPU serves. */
static void msrmap_expected_apic(unsigned long *map)
{
	/* ID, version, TPR, PPR, LDR, SVR, DCR; then ISR to ESR and LVTs to the initial count. */
	static const u32 reads[] = { 0x802, 0x803, 0x808, 0x80a, 0x80d, 0x80f, 0x83e };
	u32 msr;
	int i;

	for (i = 0; i < ARRAY_SIZE(reads); i++)
		__clear_bit(reads[i], map);
	for (msr = 0x810; msr <= 0x828; msr++)
		__clear_bit(msr, map);
	for (msr = 0x832; msr <= 0x838; msr++)
		__clear_bit(msr, map);
	/* TPR, EOI, self-IPI. */
	__clear_bit(WRITE_LOW + 0x808, map);
	__clear_bit(WRITE_LOW + 0x80b, map);
	__clear_bit(WRITE_LOW + 0x83f, map);
}

/* What a guest is to reach, by numbers: all else exits. */
static void msrmap_expected(unsigned long *map, u8 passed, bool apic)
{
	static const u32 low[] = { 0x174, 0x175, 0x176 };	/* SYSENTER_* */
	/* STAR to SFMASK; FS, GS and kernel GS base. */
	static const u32 high[] = { 0x81, 0x82, 0x83, 0x84, 0x100, 0x101, 0x102 };
	int i;

	bitmap_fill(map, MSRMAP_BITS);
	for (i = 0; i < ARRAY_SIZE(low); i++) {
		__clear_bit(low[i], map);
		__clear_bit(WRITE_LOW + low[i], map);
	}
	for (i = 0; i < ARRAY_SIZE(high); i++) {
		__clear_bit(READ_HIGH + high[i], map);
		__clear_bit(WRITE_HIGH + high[i], map);
	}
	if (passed & X86_PASS_SPEC_CTRL) {
		__clear_bit(0x48, map);
		__clear_bit(WRITE_LOW + 0x48, map);
	}
	if (passed & X86_PASS_PRED_CMD)
		__clear_bit(WRITE_LOW + 0x49, map);
	if (passed & X86_PASS_FLUSH_CMD)
		__clear_bit(WRITE_LOW + 0x10b, map);
	if (apic)
		msrmap_expected_apic(map);
}

static void msrmaps(struct kunit *test)
{
	unsigned long *map = kunit_kzalloc(test, MSRMAP_BITS / 8, GFP_KERNEL);
	unsigned long *expected = kunit_kzalloc(test, MSRMAP_BITS / 8, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, map);
	KUNIT_ASSERT_NOT_NULL(test, expected);
	for (i = 0; i < 2 * X86_PASS_SETS; i++) {
		vtx_msrmap_fill(map, i % X86_PASS_SETS, i >= X86_PASS_SETS);
		msrmap_expected(expected, i % X86_PASS_SETS, i >= X86_PASS_SETS);
		KUNIT_EXPECT_TRUE_MSG(test, bitmap_equal(map, expected, MSRMAP_BITS), "map %d", i);
	}
}

static struct kunit_case x86_vtx_cases[] = {
	KUNIT_CASE(ept_leaves),
	KUNIT_CASE(ept_capabilities),
	KUNIT_CASE(exit_names),
	KUNIT_CASE(msrmaps),
	{ }
};

static struct kunit_suite x86_vtx_suite = {
	.name		= "x86_vtx",
	.test_cases	= x86_vtx_cases,
};

kunit_test_suite(x86_vtx_suite);

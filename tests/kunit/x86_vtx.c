// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the VT-x backend can show without a guest, and without the extension: entries of
 * EPT by the kernel's own definitions against the manual's bits, and the names of exits
 * against the kernel's own list.  The unit tests have more of both, and events.
 */
#include "vtx/vtx.h"
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

static struct kunit_case x86_vtx_cases[] = {
	KUNIT_CASE(ept_leaves),
	KUNIT_CASE(ept_capabilities),
	KUNIT_CASE(exit_names),
	{ }
};

static struct kunit_suite x86_vtx_suite = {
	.name		= "x86_vtx",
	.test_cases	= x86_vtx_cases,
};

kunit_test_suite(x86_vtx_suite);

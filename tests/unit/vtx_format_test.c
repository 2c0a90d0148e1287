// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT against the manual: entries bit by bit, the EPT pointer, what a CPU's capabilities
 * come to, and what counts as a misconfiguration.  The library's own tests run over its
 * formats, too: those that are unlike each other.
 */
#include <arch/x86/vtx/mmu_format.c>
#include "formats.h"
#include "test.h"

/* --- for the tests of the library --------------------------------------------------- */

static const struct {
	const char		*name;
	struct ept_shape	shape;
} library_formats[] = {
	{ "EPT, 4 levels, PML", { 4, 39, true, true, .accessed_dirty = true, .logs_writes = true } },
	{ "EPT, 4 levels, no A/D", { 4, 46, true, true } },
	{ "EPT, 5 levels, 2M", { 5, 52, true, false, .accessed_dirty = true } },
};

#if PAGE_SHIFT == 12
__attribute__((constructor)) static void add_formats(void)
{
	static struct pgtable_format made[ARRAY_SIZE(library_formats)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(library_formats); i++) {
		ept_make(&made[i], &library_formats[i].shape);
		made[i].name = library_formats[i].name;
		made[i].replace = hooked_replace;
		format_add(&made[i]);
	}
}
#endif

/* --- entries: "Format of an EPT Page-Table Entry that Maps a 4-KByte Page" ---------------- */

#define R	BIT_ULL(0)
#define W	BIT_ULL(1)
#define X	BIT_ULL(2)
#define TYPE(n)	((u64)(n) << 3)
#define IPAT	BIT_ULL(6)
#define LARGE	BIT_ULL(7)
#define A	BIT_ULL(8)
#define D	BIT_ULL(9)

TEST(vtx_entries_are_what_the_manual_lists)
{
	static const struct {
		struct mmu_map	map;
		int		level;
		u64		pte;	/* with accessed and dirty bits */
	} rows[] = {
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_ALL }, 0,
		  0x123456000 | R | W | X | TYPE(6) | IPAT | A | D },
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_READ }, 0,
		  0x123456000 | R | TYPE(6) | IPAT | A },
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_READ | PROT_GUEST_EXEC }, 0,
		  0x123456000 | R | X | TYPE(6) | IPAT | A },
		{ { .hpa = 0x40000000, .order = 9, .prot = PROT_GUEST_ALL }, 1,
		  0x40000000 | R | W | X | TYPE(6) | IPAT | LARGE | A | D },
		{ { .hpa = 0x40000000, .order = 18, .prot = PROT_GUEST_READ }, 2,
		  0x40000000 | R | TYPE(6) | IPAT | LARGE | A },
		{ { .hpa = 0xfe000000, .prot = PROT_GUEST_READ | PROT_GUEST_WRITE,
		    .memtype = MEMTYPE_DEVICE }, 0, 0xfe000000 | R | W | TYPE(0) | A | D },
		{ { .hpa = 0xfe000000, .prot = PROT_GUEST_READ, .memtype = MEMTYPE_UNCACHED }, 0,
		  0xfe000000 | R | TYPE(1) | A },
		{ { .hpa = 0xffffffffff000, .prot = PROT_GUEST_ALL }, 0,
		  0xffffffffff000 | R | W | X | TYPE(6) | IPAT | A | D },
	};
	struct ept_shape shape = { 5, 52, true, true };
	struct pgtable_format tracked, plain;
	unsigned int i;

	ept_make(&plain, &shape);
	shape.accessed_dirty = true;
	ept_make(&tracked, &shape);
	CHECK(!plain.is_old && !plain.make_old && !plain.is_dirty && !plain.make_clean);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct mmu_map *map = &rows[i].map;
		int level = rows[i].level;
		u64 pte = rows[i].pte;

		CHECK_EQ(tracked.make_leaf(map, level), pte);
		CHECK_EQ(plain.make_leaf(map, level), pte & ~(A | D));
		CHECK(tracked.is_present(pte, level));
		CHECK(tracked.is_leaf(pte, level));
		CHECK_EQ(tracked.address(pte, level), map->hpa);
		CHECK_EQ(tracked.prot(pte), map->prot);
		CHECK_EQ(tracked.set_prot(pte, PROT_GUEST_READ), pte & ~(W | X));
		CHECK_EQ(tracked.set_prot(pte & ~(W | X), map->prot), pte);
		CHECK_EQ(tracked.make_old(pte), pte & ~A);
		CHECK(tracked.is_old(pte & ~A) && !tracked.is_old(pte));
		CHECK_EQ(tracked.make_clean(pte), pte & ~D);
		CHECK_EQ(tracked.is_dirty(pte), !!(map->prot & PROT_GUEST_WRITE));
		CHECK(!tracked.is_dirty(pte & ~D));
		/* Never can a page only be written, which no CPU takes. */
		CHECK_EQ(tracked.set_prot(pte, 0) & (R | W | X), R);
		CHECK(!ept_entry_explain(pte, level, &shape));
	}
}

TEST(vtx_tables_are_told_from_leaves)
{
	struct ept_shape shape = { 4, 46, true, true, .accessed_dirty = true };
	struct pgtable_format format;
	int level;
	u64 pte;

	ept_make(&format, &shape);
	for (level = 1; level < format.levels; level++) {
		pte = format.make_table(0x7777000, level);
		CHECK_EQ(pte, 0x7777000 | R | W | X);
		CHECK(!format.is_leaf(pte, level));
		CHECK_EQ(format.address(pte, level), 0x7777000);
		CHECK(!ept_entry_explain(pte, level, &shape));
	}
	for (level = 0; level < format.levels; level++) {
		CHECK_EQ(format.level[level].empty, 0);
		CHECK(!format.is_present(0, level));
	}
}

/* --- what a CPU can do ------------------------------------------------------------------- */

#define MUSTS	(BIT_ULL(6) | BIT_ULL(14) | BIT_ULL(20) | BIT_ULL(25))

TEST(vtx_ept_capabilities_are_asked_for)
{
	CHECK(!ept_cap_missing(MUSTS));
	CHECK(!ept_cap_missing((MUSTS & ~BIT_ULL(25)) | BIT_ULL(26)));
	CHECK(ept_cap_missing(0));
	CHECK(!strcmp(ept_cap_missing(MUSTS & ~BIT_ULL(6)), "page walks of 4 levels"));
	CHECK(!strcmp(ept_cap_missing(MUSTS & ~BIT_ULL(14)), "write-back paging structures"));
	CHECK(!strcmp(ept_cap_missing(MUSTS & ~BIT_ULL(20)), "the INVEPT instruction"));
	CHECK(!strcmp(ept_cap_missing(MUSTS & ~BIT_ULL(25)),
		      "INVEPT of a single context or of all"));
}

TEST(vtx_ept_has_the_shape_the_cpu_allows)
{
	static const struct {
		u64		cap;
		u8		phys_bits, levels;
		bool		leaf_2m, leaf_1g, accessed_dirty;
		u64		span, eptp;	/* EPTP: but for the root */
	} rows[] = {
		{ MUSTS, 36, 4, false, false, false, BIT_ULL(48), 6 | 3 << 3 },
		{ MUSTS | BIT_ULL(16), 40, 4, true, false, false, BIT_ULL(48), 6 | 3 << 3 },
		{ MUSTS | BIT_ULL(16) | BIT_ULL(17), 46, 4, true, true, false, BIT_ULL(48),
		  6 | 3 << 3 },
		{ MUSTS | BIT_ULL(16) | BIT_ULL(21), 46, 4, true, false, true, BIT_ULL(48),
		  6 | 3 << 3 | BIT(6) },
		/* Five levels only where there are addresses for them. */
		{ MUSTS | BIT_ULL(7), 48, 4, false, false, false, BIT_ULL(48), 6 | 3 << 3 },
		{ MUSTS, 52, 4, false, false, false, BIT_ULL(48), 6 | 3 << 3 },
		{ MUSTS | BIT_ULL(7) | BIT_ULL(21), 52, 5, false, false, true, BIT_ULL(57),
		  6 | 4 << 3 | BIT(6) },
	};
	struct pgtable_format format;
	struct ept_shape shape;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ept_shape_choose(&shape, rows[i].cap, rows[i].phys_bits);
		CHECK(!shape.exec_small);
		ept_make(&format, &shape);
		CHECK_EQ(format.levels, rows[i].levels);
		CHECK(format.level[0].leaf);
		CHECK_EQ(format.level[1].leaf, rows[i].leaf_2m);
		CHECK_EQ(format.level[2].leaf, rows[i].leaf_1g);
		CHECK(!format.level[3].leaf);
		CHECK_EQ(!!format.is_old, rows[i].accessed_dirty);
		CHECK_EQ(pgtable_span(&format), rows[i].span);
		CHECK_EQ(ept_pointer(0xabcdef123000, &shape), 0xabcdef123000 | rows[i].eptp);
	}
}

/* --- "EPT Misconfigurations" ---------------------------------------------------------------- */

TEST(vtx_misconfigurations_are_explained)
{
	static const struct {
		u64		pte;
		int		level;
		const char	*begins;	/* NULL: it is right */
	} rows[] = {
		{ 0, 0, NULL },
		{ 0xfff0000000000ff8, 1, NULL },	/* not present, whatever else */
		{ 0x1000 | W | TYPE(6), 0, "can be written" },
		{ 0x1000 | W | X | TYPE(6), 0, "can be written" },
		{ 0x1000 | X | TYPE(6), 0, "can only be executed" },
		{ 0x1000 | R | W | TYPE(6), 0, NULL },
		{ 0x1000 | R | TYPE(2), 0, "has a memory type" },
		{ 0x1000 | R | TYPE(3), 0, "has a memory type" },
		{ 0x1000 | R | TYPE(7), 0, "has a memory type" },
		{ 0x1000 | R | TYPE(4), 0, NULL },
		{ 0x1000 | R | TYPE(5), 0, NULL },
		{ BIT_ULL(46) | R | TYPE(6), 0, "has an address beyond" },
		{ BIT_ULL(46) | R | W | X, 1, "has an address beyond" },
		{ BIT_ULL(45) | R | TYPE(6), 0, NULL },
		{ 0x200000 | R | TYPE(6) | LARGE, 1, NULL },
		{ 0x201000 | R | TYPE(6) | LARGE, 1, "has address bits below" },
		{ 0x1000 | R | TYPE(6), 1, "refers to a table" },
		{ 0x1000 | R | IPAT, 2, "refers to a table" },
		/* No pages of 1 GiB here, and never any larger. */
		{ 0x40000000 | R | TYPE(6) | LARGE, 2, "refers to a table" },
		{ R | LARGE, 3, "refers to a table" },
		/* Bits that hardware ignores. */
		{ 0x1000 | R | TYPE(6) | BIT_ULL(10) | BIT_ULL(11) | BIT_ULL(52), 0, NULL },
	};
	struct ept_shape shape = { 4, 46, .leaf_2m = true };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = ept_entry_explain(rows[i].pte, rows[i].level, &shape);

		CHECK_EQ(!text, !rows[i].begins);
		if (text)
			CHECK(!strncmp(text, rows[i].begins, strlen(rows[i].begins)));
	}
}

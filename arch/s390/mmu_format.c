// SPDX-License-Identifier: GPL-2.0-only
/*
 * Region, segment and page tables for the page-table library.  No hardware is touched
 * here; mmu.c does that.
 *
 * Zero is a valid entry, so "empty" has the invalid bit.  What may be written is told by
 * an inverted bit, and everything may be read and executed.
 */
#include "mmu_format.h"

/* --- entries ("Region-Table Entries", "Segment-Table Entries", "Page-Table Entries") --- */

#define PTE_I		BIT_ULL(10)	/* page-invalid */
#define PTE_P		BIT_ULL(9)	/* DAT-protection; also of a segment */
#define STE_FC		BIT_ULL(10)	/* format control, with EDAT-1: the segment is a frame */
#define RSTE_I		BIT_ULL(5)	/* segment-invalid, region-invalid */
#define RSTE_TT_SHIFT	2		/* table type: of which table this is an entry */
#define RTE_TL		3ULL		/* table length: the table is whole */

#define PTE_FRAME	GENMASK_ULL(63, 12)
#define STE_FRAME	GENMASK_ULL(63, 20)
#define STE_ORIGIN	GENMASK_ULL(63, 11)	/* of a page table */
#define RTE_ORIGIN	GENMASK_ULL(63, 12)	/* of a segment or region table */

/* Invalid at every level, and nobody's idea of empty. */
#define ENTRY_LOCKED	(PTE_I | RSTE_I | 1)

/* --- the address-space-control element ------------------------------------- */

#define ASCE_P		BIT_ULL(8)	/* private space: no low-address protection */
#define ASCE_DT_SHIFT	2		/* designation type, counted like table types */
#define ASCE_TL		3ULL

/* Level 1 is the segment table, whose type is 0. */
static u64 level_type(int level)
{
	return (u64)(level - 1);
}

static u64 entry_make_table(hpa_t table, int level)
{
	if (level == 1)
		return table;

	return table | level_type(level) << RSTE_TT_SHIFT | RTE_TL;
}

static u64 leaf_set_prot(u64 pte, u8 prot)
{
	return (pte & ~PTE_P) | (prot & PROT_GUEST_WRITE ? 0 : PTE_P);
}

static u64 entry_make_leaf(const struct mmu_map *map, int level)
{
	return leaf_set_prot(map->hpa | (level ? STE_FC : 0), map->prot);
}

bool dat_entry_is_valid(u64 pte, int level)
{
	return !(pte & (level ? RSTE_I : PTE_I));
}

/* Only segments can be leaves, and what the bit means elsewhere is an address. */
static bool entry_is_leaf(u64 pte, int level)
{
	return !level || (level == 1 && (pte & STE_FC));
}

static hpa_t entry_address(u64 pte, int level)
{
	if (!level)
		return pte & PTE_FRAME;
	if (entry_is_leaf(pte, level))
		return pte & STE_FRAME;

	return pte & (level == 1 ? STE_ORIGIN : RTE_ORIGIN);
}

static u8 leaf_prot(u64 pte)
{
	return PROT_GUEST_READ | PROT_GUEST_EXEC | (pte & PTE_P ? 0 : PROT_GUEST_WRITE);
}

/* --- formats --------------------------------------------------------------- */

/* A table above the page tables has 2048 entries, four pages. */
#define TABLE_BITS	11
#define TABLE_ORDER	2

#define REGION(shift_, level_)	\
	{ .shift = (shift_), .bits = TABLE_BITS, .table_order = TABLE_ORDER,	\
	  .empty = RSTE_I | ((level_) - 1) << RSTE_TT_SHIFT }

static const struct pgtable_format format_template = {
	.level = {
		{ .shift = 12, .bits = 8, .leaf = true, .empty = PTE_I },
		REGION(20, 1), REGION(31, 2), REGION(42, 3),
	},
	.root_order	   = TABLE_ORDER,
	.root_bits	   = TABLE_BITS,
	/* No two translations of one address may be in a TLB. */
	.break_before_make = true,
	/* What protects may be in a TLB when it is gone from the table. */
	.relax_flush	   = true,
	.locked		   = ENTRY_LOCKED,
	.make_table	   = entry_make_table,
	.make_leaf	   = entry_make_leaf,
	.is_present	   = dat_entry_is_valid,
	.is_leaf	   = entry_is_leaf,
	.address	   = entry_address,
	.prot		   = leaf_prot,
	.set_prot	   = leaf_set_prot,
};

static const char *const span_names[DAT_SPANS] = {
	[DAT_SPAN_2G]	= "segment table",
	[DAT_SPAN_4T]	= "region-third table",
	[DAT_SPAN_8P]	= "region-second table",
};

void dat_format_make(struct pgtable_format *format, enum dat_span span, bool edat1,
		     bool (*replace)(u64 *ptep, u64 old, u64 new, int level))
{
	*format = format_template;
	format->name = span_names[span];
	format->levels = 2 + span;
	format->level[1].leaf = edat1;
	format->replace = replace;
}

u64 dat_asce(const struct pgtable_format *format, hpa_t root)
{
	return root | level_type(format->levels - 1) << ASCE_DT_SHIFT | ASCE_P | ASCE_TL;
}

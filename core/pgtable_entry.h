/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two halves of the page-table library share: the arithmetic of a
 * format, and single entries.  Only pgtable.c and pgtable_walk.c include it.
 */
#ifndef CORE_PGTABLE_ENTRY_H
#define CORE_PGTABLE_ENTRY_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/mm.h>

#include <core/pgtable.h>

static inline int level_root(const struct pgtable_format *format)
{
	return format->levels - 1;
}

static inline u64 level_size(const struct pgtable_format *format, int level)
{
	return 1ULL << format->level[level].shift;
}

static inline unsigned int level_entries(const struct pgtable_format *format, int level)
{
	return 1U << (level == level_root(format) ? format->root_bits
						  : format->level[level].bits);
}

static inline u8 level_order(const struct pgtable_format *format, int level)
{
	return level == level_root(format) ? format->root_order
					   : format->level[level].table_order;
}

static inline unsigned int level_index(const struct pgtable_format *format, gpa_t gpa,
				       int level)
{
	return (gpa >> format->level[level].shift) & (level_entries(format, level) - 1);
}

/* The entry of the root, and of a table below, that @gpa goes by; @gpa is in the span. */
static inline u64 *root_entry(struct pgtable *pt, gpa_t gpa)
{
	return &pt->root[gpa >> pt->format->level[level_root(pt->format)].shift];
}

static inline u64 *table_entry(struct pgtable *pt, u64 *table, gpa_t gpa, int level)
{
	const struct pgtable_level *shape = &pt->format->level[level];

	return &table[(gpa >> shape->shift) & ((1U << shape->bits) - 1)];
}

/* Of a leaf, bits below its size may be anything. */
static inline hpa_t entry_address(struct pgtable *pt, u64 pte, int level)
{
	const struct pgtable_bits *bits = &pt->format->bits;

	if (likely(bits->address))
		return (pte & bits->address) << bits->address_shift;

	return pt->format->address(pte, level);
}

static inline u64 *table_of(struct pgtable *pt, u64 pte, int level)
{
	return __va(entry_address(pt, pte, level));
}

static inline bool entry_replace(struct pgtable *pt, u64 *ptep, u64 old, u64 new,
				 int level)
{
	if (pt->format->replace)
		return pt->format->replace(ptep, old, new, level);

	return cmpxchg(ptep, old, new) == old;
}

static inline bool entry_is_present(struct pgtable *pt, u64 pte, int level)
{
	const struct pgtable_format *format = pt->format;

	if (likely(format->bits.present))
		return pte & format->bits.present;

	return pte != format->level[level].empty && format->is_present(pte, level);
}

static inline bool entry_is_leaf(struct pgtable *pt, u64 pte, int level)
{
	const struct pgtable_format *format = pt->format;

	if (likely(format->bits.present))
		return level == 0 || (pte ^ format->bits.leaf_flip) & format->bits.leaf;

	return level == 0 || format->is_leaf(pte, level);
}

/* Of a present entry of level 0. */
static inline bool leaf_is_group(struct pgtable *pt, u64 pte)
{
	const struct pgtable_format *format = pt->format;

	if (likely(format->bits.group))
		return pte & format->bits.group;

	return format->group_order && format->is_group(pte);
}

/* Of a present leaf: it may be an entry of a group. */
static inline u8 leaf_order(struct pgtable *pt, u64 pte, int level)
{
	const struct pgtable_format *format = pt->format;

	if (!level && leaf_is_group(pt, pte))
		return format->group_order;

	return format->level[level].shift - PAGE_SHIFT;
}

static inline u64 leaf_size(struct pgtable *pt, u64 pte, int level)
{
	return (u64)PAGE_SIZE << leaf_order(pt, pte, level);
}

static inline unsigned int leaf_entries(struct pgtable *pt, u64 pte, int level)
{
	return leaf_size(pt, pte, level) >> pt->format->level[level].shift;
}

/* The first entry of a leaf that @ptep is an entry of. */
static inline u64 *leaf_first(struct pgtable *pt, u64 *ptep, u64 pte, int level)
{
	return PTR_ALIGN_DOWN(ptep, leaf_entries(pt, pte, level) * sizeof(*ptep));
}

/* The host address of its beginning. */
static inline hpa_t leaf_address(struct pgtable *pt, u64 pte, int level)
{
	return entry_address(pt, pte, level) & ~(leaf_size(pt, pte, level) - 1);
}

/* The counters of a VM may lose a count when faults race. */
static inline void stat_add(u64 *counter, u64 count)
{
	WRITE_ONCE(*counter, READ_ONCE(*counter) + count);
}

static inline void flush_bytes(struct pgtable *pt, gpa_t start, gpa_t end)
{
	pgtable_flush(pt, gpa_to_gfn(start), gpa_to_gfn(end));
}

/*
 * Free a table of @level and all below it; the root itself stays.  Nobody walks
 * it any more.  Returns how many leaves it held.
 */
u64 pgtable_free_table(struct pgtable *pt, u64 *table, int level);

#endif /* CORE_PGTABLE_ENTRY_H */

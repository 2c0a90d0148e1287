// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that takes mappings or permissions away from the guest: one walker
 * for unmapping, write protection, ageing and collapsing, and a short way to
 * protect the base pages that a log names.  What installs is in pgtable.c.
 * Called by notifier.c, memslot.c and dirty.c when something has to go.
 *
 * mmu_lock is held for writing, so only the hardware races, and only for the
 * accessed and dirty bits of leaves.  Tables are therefore freed without a grace
 * period, but never before the flush: until then hardware may still walk them.
 */
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include <core/ops.h>
#include <core/pgtable.h>
#include <core/vm.h>

#include "pgtable_entry.h"

enum walk_kind {
	WALK_UNMAP,
	WALK_PROTECT,
	WALK_AGE,
	WALK_TEST_AGE,
	WALK_COLLAPSE,
};

/* Unlinked tables that wait for the flush; more cost another flush. */
#define WALK_UNLINKED_MAX	32

/*
 * One pass over [start, end).  Everything it took away is inside of [start_changed,
 * end_changed), which a huge leaf that sticks out makes wider than the range.
 */
struct walk {
	struct pgtable	*pt;
	enum walk_kind	kind;
	bool		yield;		/* stop when somebody needs the CPU or lock */
	bool		stop;
	bool		young;
	gpa_t		start;
	gpa_t		at;
	gpa_t		end;
	gpa_t		start_changed;
	gpa_t		end_changed;
	u64		cleared;	/* entries made empty */
	u64		leaves;		/* leaves removed */
	int		unlinked;
	struct {
		u64	*table;
		int	level;
	} unlinked_table[WALK_UNLINKED_MAX + PGTABLE_MAX_LEVELS];
};

static void walk_table(struct walk *walk, u64 *table, int level);

static void walk_init(struct walk *walk, struct pgtable *pt, enum walk_kind kind,
		      struct gfn_range range)
{
	gfn_t limit = gpa_to_gfn(pgtable_span(pt->format));

	walk->pt = pt;
	walk->kind = kind;
	walk->yield = false;
	walk->stop = false;
	walk->young = false;
	walk->start = gfn_to_gpa(min(range.start, limit));
	walk->at = walk->start;
	walk->end = gfn_to_gpa(min(range.end, limit));
	walk->start_changed = GPA_INVALID;
	walk->end_changed = 0;
	walk->cleared = 0;
	walk->leaves = 0;
	walk->unlinked = 0;
}

static bool walk_changed(const struct walk *walk)
{
	return walk->end_changed;
}

/* Flush what the walk took away, and only then free what hung below. */
static void walk_finish(struct walk *walk)
{
	struct pgtable *pt = walk->pt;
	int i;

	if (walk_changed(walk))
		flush_bytes(pt, walk->start_changed, walk->end_changed);

	for (i = 0; i < walk->unlinked; i++)
		walk->leaves += pgtable_free_table(pt, walk->unlinked_table[i].table,
					   walk->unlinked_table[i].level);
	if (walk->leaves)
		stat_add(&pt->vm->stats.pages_unmapped, walk->leaves);
}

static void walk_note(struct walk *walk, gpa_t base, u64 size)
{
	walk->start_changed = min(walk->start_changed, base);
	walk->end_changed = max(walk->end_changed, base + size);
}

/*
 * The walker is alone but for the hardware, which may set accessed and dirty
 * bits of a leaf, each once: the loops below end.
 */
static void walk_clear(struct walk *walk, u64 *ptep, u64 pte, int level)
{
	u64 empty = walk->pt->format->level[level].empty;

	while (!entry_replace(walk->pt, ptep, pte, empty, level))
		pte = READ_ONCE(*ptep);
	walk->cleared++;
}

static void walk_unlink(struct walk *walk, u64 *ptep, u64 pte, gpa_t base, int level)
{
	walk_clear(walk, ptep, pte, level);
	walk_note(walk, base, level_size(walk->pt->format, level));
	walk->unlinked_table[walk->unlinked].table = table_of(walk->pt, pte, level);
	walk->unlinked_table[walk->unlinked].level = level - 1;
	if (++walk->unlinked == WALK_UNLINKED_MAX)
		walk->stop = true;
}

static noinline u64 leaf_protected_by_call(const struct pgtable_format *format, u64 pte)
{
	u8 prot = format->prot(pte);

	if (format->logs_writes)
		return format->is_dirty(pte) ? format->make_clean(pte) : pte;

	return prot & PROT_GUEST_WRITE ? format->set_prot(pte, prot & ~PROT_GUEST_WRITE) : pte;
}

/* The next write has to be seen: by hardware, or by a fault. */
static inline u64 leaf_protected(const struct pgtable_format *format, u64 pte)
{
	if (likely(format->bits.write && !format->logs_writes))
		return pte & ~format->bits.write;

	return leaf_protected_by_call(format, pte);
}

/* True if it was not protected before. */
static inline bool leaf_protect(struct pgtable *pt, u64 *ptep, u64 pte)
{
	for (;; pte = READ_ONCE(*ptep)) {
		u64 new = leaf_protected(pt->format, pte);

		if (new == pte)
			return false;
		if (entry_replace(pt, ptep, pte, new, 0))
			return true;
	}
}

static void walk_protect_leaf(struct walk *walk, u64 *ptep, u64 pte, gpa_t base)
{
	if (leaf_protect(walk->pt, ptep, pte))
		walk_note(walk, base, level_size(walk->pt->format, 0));
}

static void walk_age_entry(struct walk *walk, u64 *ptep, int level)
{
	const struct pgtable_format *format = walk->pt->format;
	u64 pte = READ_ONCE(*ptep);

	while (!format->is_old(pte)) {
		walk->young = true;
		if (entry_replace(walk->pt, ptep, pte, format->make_old(pte), level))
			break;
		pte = READ_ONCE(*ptep);
	}
}

/* A leaf of @count entries, of which hardware may keep "accessed" in any. */
static void walk_age_leaf(struct walk *walk, u64 *ptep, unsigned int count, int level)
{
	const struct pgtable_format *format = walk->pt->format;

	for (; count; count--, ptep++) {
		if (walk->kind == WALK_AGE)
			walk_age_entry(walk, ptep, level);
		else
			walk->young |= !format->is_old(READ_ONCE(*ptep));
	}
}

static void walk_remove_leaf(struct walk *walk, u64 *ptep, unsigned int count, gpa_t base,
			     int level)
{
	u64 size = count * level_size(walk->pt->format, level);

	walk->young = true;
	walk->leaves += count;
	for (; count; count--, ptep++)
		walk_clear(walk, ptep, READ_ONCE(*ptep), level);
	walk_note(walk, base, size);
}

/* Could the next fault put a group in place of the page at @base, all of it in the range? */
static bool walk_makes_group(const struct walk *walk, gpa_t base)
{
	u64 size = (u64)PAGE_SIZE << walk->pt->format->group_order;
	gpa_t first = base & ~(size - 1);

	return size > PAGE_SIZE && first >= walk->start && first + size <= walk->end;
}

static void walk_leaf(struct walk *walk, u64 *ptep, u64 pte, gpa_t base, int level)
{
	const struct pgtable_format *format = walk->pt->format;
	unsigned int count = leaf_entries(walk->pt, pte, level);
	bool remove = false;

	ptep = leaf_first(walk->pt, ptep, pte, level);

	switch (walk->kind) {
	case WALK_UNMAP:
		remove = true;
		break;
	case WALK_PROTECT:
		/* What comes back, comes back small and page by page. */
		remove = level > 0 || count > 1;
		if (!remove)
			walk_protect_leaf(walk, ptep, pte, base);
		break;
	case WALK_AGE:
	case WALK_TEST_AGE:
		walk->young |= !format->is_old;
		remove = !format->is_old && walk->kind == WALK_AGE;
		if (format->is_old)
			walk_age_leaf(walk, ptep, count, level);
		break;
	case WALK_COLLAPSE:
		remove = level == 0 && count == 1 && walk_makes_group(walk, base);
		break;
	}

	if (remove)
		walk_remove_leaf(walk, ptep, count, base, level);
}

/* May a table that lies whole in the range go at once, with all it maps? */
static bool walk_takes_table(const struct walk *walk, int level)
{
	return walk->kind == WALK_UNMAP ||
	       (walk->kind == WALK_COLLAPSE && level == 1 &&
		walk->pt->format->level[level].leaf);
}

/*
 * Does @table map nothing?  The search begins behind the range, where the
 * neighbours that usually keep the table alive are.
 */
static bool walk_table_is_empty(struct walk *walk, u64 *table, int level)
{
	const struct pgtable_format *format = walk->pt->format;
	unsigned int i, count = level_entries(format, level);
	unsigned int first = level_index(format, walk->end, level);

	for (i = 0; i < count; i++)
		if (entry_is_present(walk->pt, table[(first + i) & (count - 1)], level))
			return false;

	return true;
}

static bool walk_should_stop(struct walk *walk)
{
	/* Only after some work, so that the whole ends however often it yields. */
	return walk->yield && walk->cleared &&
	       (need_resched() || rwlock_needbreak(&walk->pt->vm->mmu_lock));
}

static void walk_entry(struct walk *walk, u64 *ptep, int level)
{
	u64 size = level_size(walk->pt->format, level);
	gpa_t base = walk->at & ~(size - 1), next = base + size;
	u64 pte = READ_ONCE(*ptep), cleared = walk->cleared;
	u64 *table;

	if (!entry_is_present(walk->pt, pte, level)) {
		walk->at = next;
		return;
	}
	if (entry_is_leaf(walk->pt, pte, level)) {
		size = leaf_size(walk->pt, pte, level);
		base = walk->at & ~(size - 1);
		walk_leaf(walk, ptep, pte, base, level);
		walk->at = base + size;
		return;
	}
	if (walk->at == base && next <= walk->end && walk_takes_table(walk, level)) {
		walk_unlink(walk, ptep, pte, base, level);
		walk->at = next;
		return;
	}

	table = table_of(walk->pt, pte, level);
	walk_table(walk, table, level - 1);
	/* Also on the way back from a stop: there is room for one per level. */
	if ((walk->kind == WALK_UNMAP || walk->kind == WALK_COLLAPSE) &&
	    walk->cleared != cleared && walk_table_is_empty(walk, table, level - 1))
		walk_unlink(walk, ptep, pte, base, level);
	if (walk_should_stop(walk))
		walk->stop = true;
}

/*
 * Go on to the first entry of @table that holds anything, or to @end or behind it: most
 * tables are nearly empty.
 */
static void walk_skip(struct walk *walk, const u64 *table, int level, gpa_t start, gpa_t end)
{
	u64 present = walk->pt->format->bits.present;
	unsigned int shift = walk->pt->format->level[level].shift;
	u64 at = (walk->at - start) >> shift, first = at, last = (end - 1 - start) >> shift;

	if (!present)
		return;
	while (at <= last && !(READ_ONCE(table[at]) & present))
		at++;
	if (at != first)
		walk->at = start + (at << shift);
}

/* The part of the range that @table covers; leaves walk->at behind it. */
static void walk_table(struct walk *walk, u64 *table, int level)
{
	const struct pgtable_format *format = walk->pt->format;
	u64 size = level_size(format, level) * level_entries(format, level);
	gpa_t start = walk->at & ~(size - 1), end = min(walk->end, start + size);

	while (walk->at < end && !walk->stop) {
		walk_skip(walk, table, level, start, end);
		if (walk->at < end)
			walk_entry(walk, &table[level_index(format, walk->at, level)], level);
	}
}

static void walk_run(struct walk *walk)
{
	if (walk->at < walk->end)
		walk_table(walk, walk->pt->root, level_root(walk->pt->format));
}

bool pgtable_unmap_part(struct pgtable *pt, struct gfn_range *range, bool yield,
			bool *any)
{
	struct walk walk;

	lockdep_assert_held_write(&pt->vm->mmu_lock);

	do {
		walk_init(&walk, pt, WALK_UNMAP, *range);
		walk.yield = yield;
		walk_run(&walk);
		walk_finish(&walk);
		*any |= walk_changed(&walk);
		range->start = gpa_to_gfn(walk.at);
	} while (walk.at < walk.end && !walk_should_stop(&walk));

	return walk.at >= walk.end;
}

bool pgtable_unmap(struct pgtable *pt, struct gfn_range range, bool yield)
{
	bool any = false;

	while (!pgtable_unmap_part(pt, &range, yield, &any))
		cond_resched_rwlock_write(&pt->vm->mmu_lock);

	return any;
}

bool pgtable_write_protect(struct pgtable *pt, struct gfn_range range)
{
	struct walk walk;

	lockdep_assert_held_write(&pt->vm->mmu_lock);

	walk_init(&walk, pt, WALK_PROTECT, range);
	walk_run(&walk);
	/* What is gone no notifier flushes; what is only restricted it does. */
	if (walk.cleared)
		walk_finish(&walk);

	return walk_changed(&walk);
}

/* Find the table of base pages for @gfn, or that there is none and how far that goes. */
static void place_find(struct pgtable *pt, struct pgtable_place *place, gfn_t gfn)
{
	const struct pgtable_format *format = pt->format;
	gfn_t limit = gpa_to_gfn(pgtable_span(format));
	u64 *table = pt->root;
	u64 span, pte;
	int level;

	place->large = false;
	place->table = NULL;
	if (gfn >= limit) {
		place->first = limit;
		place->end = ~0ULL;
		return;
	}
	for (level = level_root(format); level > 0; level--) {
		pte = READ_ONCE(table[level_index(format, gfn_to_gpa(gfn), level)]);
		if (!entry_is_present(pt, pte, level))
			break;
		if (entry_is_leaf(pt, pte, level)) {
			place->large = true;
			break;
		}
		table = table_of(pt, pte, level);
	}
	if (!level)
		place->table = table;

	span = level ? level_size(format, level) : level_size(format, 0) * level_entries(format, 0);
	place->first = gfn & ~(gpa_to_gfn(span) - 1);
	place->end = place->first + gpa_to_gfn(span);
}

static u64 first_bits(u64 count)
{
	return count < 64 ? BIT_ULL(count) - 1 : ~0ULL;
}

/*
 * The first pages in a row of @mask by the walker, which knows what to do with leaves that
 * are larger; as many as it can at once, since it may flush each time.  Returns what is left
 * of @mask.
 */
static u64 protect_large(struct pgtable *pt, struct pgtable_place *place, gfn_t gfn, u64 mask,
			 bool *changed)
{
	u64 from = __ffs64(mask), rest = ~(mask >> from);
	u64 count = rest ? __ffs64(rest) : 64;
	struct gfn_range range = {
		.start = gfn + from, .end = gfn + from + count, .as_id = pt->as_id,
	};

	/* A large leaf is taken away. */
	place->end = 0;
	*changed |= pgtable_write_protect(pt, range);

	return mask & ~(first_bits(count) << from);
}

/*
 * Pages of one table, from the entry @entry on.  Returns what is left of @mask: from the
 * first page on that is one of a larger leaf.
 */
static u64 protect_in_table(struct pgtable *pt, u64 *entry, u64 mask, bool *changed)
{
	for (; mask; mask &= mask - 1) {
		u64 *ptep = entry + __ffs64(mask), pte = READ_ONCE(*ptep);

		if (!entry_is_present(pt, pte, 0))
			continue;
		if (unlikely(leaf_is_group(pt, pte)))
			break;
		*changed |= leaf_protect(pt, ptep, pte);
	}

	return mask;
}

/* As many pages of the word at @gfn, which has the first, as one place has. */
static u64 protect_in_place(struct pgtable *pt, struct pgtable_place *place, gfn_t gfn, u64 mask,
			    bool *changed)
{
	u64 inside, left = 0;

	if (gfn < place->first || gfn >= place->end)
		place_find(pt, place, gfn);

	inside = mask & first_bits(place->end - gfn);
	if (place->table)
		left = protect_in_table(pt, &place->table[gfn - place->first], inside, changed);
	else if (place->large)
		left = inside;
	if (unlikely(left))
		left = protect_large(pt, place, gfn, left, changed);

	return (mask & ~inside) | left;
}

bool pgtable_write_protect_pages(struct pgtable *pt, struct pgtable_place *place, gfn_t first,
				 u64 mask)
{
	bool changed = false;

	lockdep_assert_held_write(&pt->vm->mmu_lock);

	while (mask) {
		unsigned int shift = __ffs64(mask);

		mask = protect_in_place(pt, place, first + shift, mask >> shift, &changed) << shift;
	}

	return changed;
}

bool pgtable_age(struct pgtable *pt, struct gfn_range range, bool test)
{
	struct walk walk;

	lockdep_assert_held(&pt->vm->mmu_lock);

	walk_init(&walk, pt, test ? WALK_TEST_AGE : WALK_AGE, range);
	walk_run(&walk);
	walk_finish(&walk);

	return walk.young;
}

void pgtable_collapse(struct pgtable *pt, struct gfn_range range)
{
	struct walk walk;

	lockdep_assert_held_write(&pt->vm->mmu_lock);

	do {
		walk_init(&walk, pt, WALK_COLLAPSE, range);
		walk_run(&walk);
		walk_finish(&walk);
		range.start = gpa_to_gfn(walk.at);
	} while (walk.at < walk.end);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-stage page tables: making and freeing them, installing leaves from
 * faults, looking one up.  What takes away is in pgtable_walk.c.  What an entry
 * looks like is the business of a struct pgtable_format; which page belongs
 * where is that of fault.c.
 *
 * Faults install with mmu_lock held for reading, so what races with them is
 * other faults (cmpxchg decides) and the hardware's accessed and dirty bits.
 * Under the read lock no table goes away, so a walk needs no other protection.
 */
#include <linux/gfp.h>
#include <linux/kvm.h>
#include <linux/string.h>

#include <core/ops.h>
#include <core/pgtable.h>
#include <core/vm.h>

#include "pgtable_entry.h"

/* --- the shape of a format ------------------------------------------------ */

/* The level whose leaves have @order, or -1. */
static int level_of_order(const struct pgtable_format *format, u8 order)
{
	int level;

	if (order == format->group_order)
		return 0;

	for (level = 0; level < format->levels; level++)
		if (format->level[level].leaf &&
		    format->level[level].shift == PAGE_SHIFT + order)
			return level;

	return -1;
}

u64 pgtable_span(const struct pgtable_format *format)
{
	return 1ULL << (format->level[level_root(format)].shift + format->root_bits);
}

u8 pgtable_leaf_order(const struct pgtable_format *format, u8 order)
{
	int level;

	for (level = level_root(format); level > 0; level--)
		if (format->level[level].leaf &&
		    format->level[level].shift <= PAGE_SHIFT + order)
			return format->level[level].shift - PAGE_SHIFT;

	return order < format->group_order ? 0 : format->group_order;
}

/* --- pages for tables ----------------------------------------------------- */

static void *table_pages_alloc(u8 order)
{
	return (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, order);
}

int page_cache_fill(struct page_cache *cache, int count)
{
	while (cache->count < count) {
		void *page = table_pages_alloc(0);

		if (!page)
			return -ENOMEM;
		cache->page[cache->count++] = page;
	}

	return 0;
}

void page_cache_drain(struct page_cache *cache)
{
	while (cache->count)
		free_page((unsigned long)cache->page[--cache->count]);
	while (cache->large_count)
		free_pages((unsigned long)cache->large[--cache->large_count],
			   cache->large_order);
}

int pgtable_cache_fill_slow(struct pgtable *pt, struct page_cache *cache)
{
	cache->large_order = pt->large_order;
	while (cache->large_count < pt->large_needed) {
		void *block = table_pages_alloc(pt->large_order);

		if (!block)
			return -ENOMEM;
		cache->large[cache->large_count++] = block;
	}

	return page_cache_fill(cache, pt->small_needed);
}

/* A table for @level whose entries map nothing, or NULL: the cache ran dry. */
static u64 *table_take(struct pgtable *pt, struct page_cache *cache, int level)
{
	u64 empty = pt->format->level[level].empty;
	u64 *table;

	if (level_order(pt->format, level))
		table = cache->large_count ? cache->large[--cache->large_count] : NULL;
	else
		table = cache->count ? cache->page[--cache->count] : NULL;

	if (table && empty)
		memset64(table, empty, level_entries(pt->format, level));

	return table;
}

/* Nobody saw it: back into the cache, as zeroed as the cache promises. */
static void table_give_back(struct pgtable *pt, struct page_cache *cache,
			    u64 *table, int level)
{
	memset64(table, 0, level_entries(pt->format, level));
	if (level_order(pt->format, level))
		cache->large[cache->large_count++] = table;
	else
		cache->page[cache->count++] = table;
}

u64 pgtable_free_table(struct pgtable *pt, u64 *table, int level)
{
	const struct pgtable_format *format = pt->format;
	unsigned int i, count = level_entries(format, level);
	u64 leaves = 0;

	for (i = 0; i < count; i++) {
		u64 pte = table[i];

		if (!entry_is_present(pt, pte, level))
			continue;
		if (entry_is_leaf(pt, pte, level))
			leaves++;
		else
			leaves += pgtable_free_table(pt, table_of(pt, pte, level), level - 1);
	}

	if (table == pt->root)
		return leaves;

	free_pages((unsigned long)table, level_order(format, level));
	atomic_long_dec(&pt->tables);

	return leaves;
}

static bool format_groups_are_valid(const struct pgtable_format *format)
{
	return format->is_group && format->group_order <= format->level[0].bits &&
	       format->locked && format->locked != format->level[0].empty &&
	       !format->is_present(format->locked, 0);
}

/* The library's limits on a format; a bug of the architecture if broken. */
static bool format_is_valid(const struct pgtable_format *format, u8 *large_order)
{
	int level;
	u8 order;

	*large_order = 0;
	if (format->levels < 2 || format->levels > PGTABLE_MAX_LEVELS ||
	    !format->level[0].leaf || format->level[0].shift != PAGE_SHIFT)
		return false;
	if ((8UL << format->root_bits) > PAGE_SIZE << format->root_order)
		return false;
	if (format->group_order && !format_groups_are_valid(format))
		return false;
	if (format->logs_writes && (!format->is_dirty || !format->make_clean))
		return false;
	if (format->bits.present && format->locked & format->bits.present)
		return false;
	/* What is clean would be made dirty, without a word to the log. */
	if (format->bits.may_write && (format->logs_writes || !format->bits.write))
		return false;

	for (level = 0; level < level_root(format); level++) {
		order = format->level[level].table_order;
		if ((8UL << format->level[level].bits) > PAGE_SIZE << order)
			return false;
		/* One page cache holds one size of large tables. */
		if (order && *large_order && order != *large_order)
			return false;
		if (order)
			*large_order = order;
	}

	return true;
}

int pgtable_create(struct pgtable *pt, struct vm *vm, int as_id,
		 const struct pgtable_format *format)
{
	u64 empty = format->level[level_root(format)].empty;
	int level;

	if (WARN_ON_ONCE(!format_is_valid(format, &pt->large_order)))
		return -EINVAL;

	pt->root = table_pages_alloc(format->root_order);
	if (!pt->root)
		return -ENOMEM;
	if (empty)
		memset64(pt->root, empty, level_entries(format, level_root(format)));

	pt->format = format;
	pt->vm = vm;
	pt->as_id = as_id;
	pt->root_hpa = __pa(pt->root);
	pt->small_needed = 0;
	pt->large_needed = 0;
	for (level = 0; level < level_root(format); level++) {
		if (format->level[level].table_order)
			pt->large_needed++;
		else
			pt->small_needed++;
	}
	atomic_long_set(&pt->tables, 0);

	return 0;
}

void pgtable_destroy(struct pgtable *pt)
{
	if (!pt->root)
		return;

	pgtable_free_table(pt, pt->root, level_root(pt->format));
	free_pages((unsigned long)pt->root, pt->format->root_order);
	pt->root = NULL;
}

/* --- entries -------------------------------------------------------------- */

static bool entry_is_locked(struct pgtable *pt, u64 pte)
{
	return pt->format->locked && pte == pt->format->locked;
}

void pgtable_flush(struct pgtable *pt, gfn_t start, gfn_t end)
{
	struct gfn_range range = { .start = start, .end = end, .as_id = pt->as_id };

	mmu_op(flush)(pt->vm, range);
}

/* --- installing ----------------------------------------------------------- */

/*
 * Change a present entry into another one with another address or size, in the
 * order the format wants.  Returns with the flush done, or -EAGAIN with nothing
 * changed.
 */
static int entry_change(struct pgtable *pt, u64 *ptep, u64 old, u64 new, int level,
			gpa_t gpa)
{
	u64 size = level_size(pt->format, level);
	gpa_t start = gpa & ~(size - 1);
	u64 locked = pt->format->locked;

	if (!pt->format->break_before_make) {
		if (!entry_replace(pt, ptep, old, new, level))
			return -EAGAIN;
		flush_bytes(pt, start, start + size);
		return 0;
	}

	if (!entry_replace(pt, ptep, old, locked, level))
		return -EAGAIN;
	flush_bytes(pt, start, start + size);
	/* Whoever meets a locked entry keeps away from it. */
	WARN_ON_ONCE(!entry_replace(pt, ptep, locked, new, level));

	return 0;
}

static u64 leaf_make(const struct pgtable_format *format, const struct mmu_map *map, int level)
{
	u64 pte = format->make_leaf(map, level);

	if (map->may_write)
		pte |= format->bits.may_write;

	return map->clean ? format->make_clean(pte) : pte;
}

static bool leaf_may_write(const struct pgtable_format *format, u64 pte)
{
	return pte & format->bits.may_write;
}

/* What is clean stays clean: hardware may not have noted a write yet. */
static bool leaf_is_clean(const struct pgtable_format *format, u64 pte)
{
	return format->logs_writes && !format->is_dirty(pte);
}

/* Does this leaf give already what @map asks for? */
static bool leaf_suffices(struct pgtable *pt, u64 pte, int level,
			  const struct mmu_map *map)
{
	gpa_t offset = map->gpa & (leaf_size(pt, pte, level) - 1);

	return leaf_address(pt, pte, level) + offset == map->hpa &&
	       !(map->prot & ~pt->format->prot(pte));
}

/*
 * What hardware or a software walk forgot as accessed is remembered by a fault:
 * where the format faults on old entries, that is what the fault was about.
 */
static int leaf_make_young(struct pgtable *pt, u64 *ptep, u64 pte, int level,
			   const struct mmu_map *map)
{
	const struct pgtable_format *format = pt->format;
	u64 *end, size = level_size(format, level);
	struct mmu_map young = {
		.gpa = map->gpa & ~(leaf_size(pt, pte, level) - 1),
		.hpa = leaf_address(pt, pte, level),
		.order = leaf_order(pt, pte, level),
		.prot = format->prot(pte),
		.memtype = map->memtype,
	};

	if (!format->is_old)
		return 0;

	ptep = leaf_first(pt, ptep, pte, level);
	end = ptep + leaf_entries(pt, pte, level);
	for (; ptep < end; ptep++, young.gpa += size, young.hpa += size) {
		pte = READ_ONCE(*ptep);
		young.clean = leaf_is_clean(format, pte);
		young.may_write = leaf_may_write(format, pte);
		/* The rest of a group may just be coming; a huge leaf may be a table by now. */
		if (entry_is_present(pt, pte, level) && entry_is_leaf(pt, pte, level) &&
		    format->is_old(pte) &&
		    !entry_replace(pt, ptep, pte, leaf_make(format, &young, level), level))
			return -EAGAIN;
	}

	return 0;
}

/*
 * Put a table that maps the same in place of a huge leaf.  A leaf has one memory
 * type, so the one of what is about to be mapped over it is its own.
 */
static noinline int leaf_split(struct pgtable *pt, struct page_cache *cache, u64 *ptep,
		      u64 pte, int level, const struct mmu_map *map)
{
	const struct pgtable_format *format = pt->format;
	u64 child_size = level_size(format, level - 1);
	struct mmu_map child = {
		.gpa = map->gpa & ~(level_size(format, level) - 1),
		.hpa = leaf_address(pt, pte, level),
		.order = format->level[level - 1].shift - PAGE_SHIFT,
		.prot = format->prot(pte),
		.memtype = map->memtype,
		.clean = leaf_is_clean(format, pte),
		.may_write = leaf_may_write(format, pte),
	};
	unsigned int i, count = level_entries(format, level - 1);
	u64 *table = table_take(pt, cache, level - 1);
	int err;

	if (!table)
		return -EAGAIN;

	for (i = 0; format->level[level - 1].leaf && i < count; i++) {
		table[i] = leaf_make(format, &child, level - 1);
		child.gpa += child_size;
		child.hpa += child_size;
	}

	err = entry_change(pt, ptep, pte, format->make_table(__pa(table), level), level,
			   map->gpa);
	if (err)
		table_give_back(pt, cache, table, level - 1);
	else
		atomic_long_inc(&pt->tables);

	return err;
}

/* Put an empty table where nothing is.  0 also if somebody else was faster. */
static noinline int table_install(struct pgtable *pt, struct page_cache *cache, u64 *ptep,
				  u64 pte, int level)
{
	u64 *table = table_take(pt, cache, level - 1);

	if (!table)
		return -EAGAIN;

	if (entry_replace(pt, ptep, pte, pt->format->make_table(__pa(table), level), level))
		atomic_long_inc(&pt->tables);
	else
		table_give_back(pt, cache, table, level - 1);

	return 0;
}

/*
 * Step from an entry above the target to the table below it, making room as
 * needed.  1: *@next is that table.  0: a larger leaf serves.  Or -errno.
 */
static __always_inline int map_descend(struct pgtable *pt, struct page_cache *cache,
				       const struct mmu_map *map, u64 *ptep, int level,
				       u64 **next)
{
	int err;

	/* Ends: under the read lock an entry only goes from empty to table. */
	for (;;) {
		u64 pte = READ_ONCE(*ptep);

		if (unlikely(!entry_is_present(pt, pte, level))) {
			if (entry_is_locked(pt, pte))
				return -EAGAIN;
			err = table_install(pt, cache, ptep, pte, level);
			if (err)
				return err;
			continue;
		}

		if (!entry_is_leaf(pt, pte, level)) {
			*next = table_of(pt, pte, level);
			return 1;
		}

		if (leaf_suffices(pt, pte, level, map))
			return leaf_make_young(pt, ptep, pte, level, map);

		err = leaf_split(pt, cache, ptep, pte, level, map);
		if (err)
			return err;
	}
}

/*
 * Fill all entries of a group.  Each is locked first: whoever wants one of them
 * meanwhile keeps away, and hardware sees the group or nothing.
 */
static int group_install(struct pgtable *pt, const struct mmu_map *map, u64 *first)
{
	const struct pgtable_format *format = pt->format;
	unsigned int i, count = 1U << format->group_order;
	u64 empty = format->level[0].empty, locked = format->locked;
	struct mmu_map page = *map;
	int err;

	for (i = 0; i < count; i++)
		if (!entry_replace(pt, &first[i], empty, locked, 0))
			goto err_unlock;

	mmu_op(sync_page)(pt->vm, map);
	for (i = 0; i < count; i++) {
		WARN_ON_ONCE(!entry_replace(pt, &first[i], locked,
					    leaf_make(format, &page, 0), 0));
		page.gpa += PAGE_SIZE;
		page.hpa += PAGE_SIZE;
	}
	stat_add(&pt->vm->stats.pages_mapped, count);

	return 0;

err_unlock:
	err = entry_is_locked(pt, READ_ONCE(first[i])) ? -EAGAIN : -E2BIG;
	while (i--)
		WARN_ON_ONCE(!entry_replace(pt, &first[i], locked, empty, 0));

	return err;
}

/* Put a leaf where the entry, or the first of a group, holds nothing. */
static int leaf_install(struct pgtable *pt, const struct mmu_map *map, u64 *ptep,
			u64 pte, int level)
{
	if (map->order && !level)
		return group_install(pt, map, ptep);

	mmu_op(sync_page)(pt->vm, map);
	if (!entry_replace(pt, ptep, pte, leaf_make(pt->format, map, level), level))
		return -EAGAIN;
	stat_add(&pt->vm->stats.pages_mapped, 1);

	return 0;
}

/* A leaf is there already, of the size that is asked for or larger. */
static int map_over(struct pgtable *pt, const struct mmu_map *map, u64 *ptep, u64 pte, int level)
{
	const struct pgtable_format *format = pt->format;
	struct mmu_map wanted = *map;

	if (leaf_suffices(pt, pte, level, map))
		return leaf_make_young(pt, ptep, pte, level, map);
	if (leaf_entries(pt, pte, level) > 1)
		return -EBUSY;

	if (leaf_address(pt, pte, level) != map->hpa) {
		mmu_op(sync_page)(pt->vm, map);
		return entry_change(pt, ptep, pte, leaf_make(format, map, level), level,
				    map->gpa);
	}

	/* The same page with more permission: nothing has to be broken first. */
	wanted.prot |= format->prot(pte);
	wanted.clean &= leaf_is_clean(format, pte);
	mmu_op(sync_page)(pt->vm, &wanted);
	if (!entry_replace(pt, ptep, pte, leaf_make(format, &wanted, level), level))
		return -EAGAIN;
	if (format->relax_flush)
		flush_bytes(pt, map->gpa, map->gpa + level_size(format, level));

	return 0;
}

/* The entry of the target level. */
static int map_leaf(struct pgtable *pt, const struct mmu_map *map, u64 *ptep, int level)
{
	u64 pte = READ_ONCE(*ptep);

	if (!entry_is_present(pt, pte, level))
		return entry_is_locked(pt, pte) ? -EAGAIN :
						  leaf_install(pt, map, ptep, pte, level);
	if (!entry_is_leaf(pt, pte, level) || leaf_size(pt, pte, level) < PAGE_SIZE << map->order)
		return -E2BIG;

	return map_over(pt, map, ptep, pte, level);
}

int pgtable_map(struct pgtable *pt, struct page_cache *cache, const struct mmu_map *map)
{
	const struct pgtable_format *format = pt->format;
	u64 mask = (PAGE_SIZE << map->order) - 1;
	int target = map->order ? level_of_order(format, map->order) : 0;
	int level, ret;
	u64 *ptep, *table;

	lockdep_assert_held(&pt->vm->mmu_lock);

	if (target < 0 || map->gpa >= pgtable_span(format) ||
	    ((map->gpa | map->hpa) & mask))
		return -EINVAL;

	ptep = root_entry(pt, map->gpa);
	for (level = level_root(format); level > target; level--) {
		ret = map_descend(pt, cache, map, ptep, level, &table);
		if (ret <= 0)
			return ret;
		ptep = table_entry(pt, table, map->gpa, level - 1);
	}

	return map_leaf(pt, map, ptep, level);
}

/* The entry of the leaf that maps @gpa, in @pte as it was, and its level; or NULL. */
static __always_inline u64 *leaf_find(struct pgtable *pt, gpa_t gpa, u64 *pte, int *level)
{
	u64 *ptep;

	lockdep_assert_held(&pt->vm->mmu_lock);

	if (gpa >= pgtable_span(pt->format))
		return NULL;

	ptep = root_entry(pt, gpa);
	for (*level = level_root(pt->format); ; --*level) {
		*pte = READ_ONCE(*ptep);
		if (!entry_is_present(pt, *pte, *level))
			return NULL;
		/* At level 0 at the latest. */
		if (entry_is_leaf(pt, *pte, *level))
			return ptep;
		ptep = table_entry(pt, table_of(pt, *pte, *level), gpa, *level - 1);
	}
}

void pgtable_map_beside(struct pgtable *pt, const struct mmu_map *map, unsigned int before,
			unsigned int count)
{
	u64 *ptep, pte, empty = pt->format->level[0].empty, installed = 0;
	struct mmu_map page = *map;
	int level;

	ptep = leaf_find(pt, map->gpa, &pte, &level);
	/* Somebody was faster, and had a larger page. */
	if (!ptep || level)
		return;

	page.gpa -= before * PAGE_SIZE;
	page.hpa -= before * PAGE_SIZE;
	ptep -= before;
	for (; count; count--, ptep++, page.gpa += PAGE_SIZE, page.hpa += PAGE_SIZE) {
		if (READ_ONCE(*ptep) != empty)
			continue;
		mmu_op(sync_page)(pt->vm, &page);
		installed += entry_replace(pt, ptep, empty, leaf_make(pt->format, &page, 0), 0);
	}
	stat_add(&pt->vm->stats.pages_mapped, installed);
}

u64 *pgtable_protected(struct pgtable *pt, gpa_t gpa, u64 *pte)
{
	const struct pgtable_bits *bits = &pt->format->bits;
	u64 *ptep;
	int level;

	if (!bits->may_write)
		return NULL;
	ptep = leaf_find(pt, gpa, pte, &level);
	if (!ptep || level || !leaf_may_write(pt->format, *pte) ||
	    (*pte & bits->write) == bits->write || leaf_entries(pt, *pte, 0) > 1)
		return NULL;

	return ptep;
}

hpa_t pgtable_page(struct pgtable *pt, u64 pte)
{
	return leaf_address(pt, pte, 0);
}

bool pgtable_allow_write(struct pgtable *pt, u64 *ptep, u64 pte)
{
	return entry_replace(pt, ptep, pte, pte | pt->format->bits.write, 0);
}

int pgtable_lookup(struct pgtable *pt, gpa_t gpa, u64 *leaf)
{
	u64 pte;
	int level;

	if (!leaf_find(pt, gpa, &pte, &level))
		return -ENOENT;
	*leaf = pte;

	return level;
}

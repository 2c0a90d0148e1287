// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histories of random changes of page tables, over every format, against a model
 * that is an array: after every step each page has to be what the model says, no
 * TLB may know more than the tables, and after every single store each page has
 * to be as it was before the step or as it will be after it.
 */
#include <unistd.h>
#include "formats.h"
#include "test.h"
#include "fake/fake.h"

#define PAGES		2560		/* in the window the history is about */
#define STEPS		600
#define TLB_SIZE	64

struct page_state {
	bool	mapped;
	hpa_t	hpa;
	u8	prot;
	u8	order;		/* of the leaf */
	bool	young;
};

struct history {
	struct vm		*vm;
	struct pgtable		*pt;
	const struct pgtable_format *format;
	struct page_cache	 cache;
	gfn_t			 base;		/* of the window */
	struct page_state	 now[PAGES], next[PAGES];
	struct fake_tlb_entry	 tlb[TLB_SIZE];
	bool			 in_step;
};

static struct history *history;		/* the one whose stores are watched */

/* --- looking at the tables ---------------------------------------------------------- */

static bool translate(struct pgtable *pt, gfn_t gfn, struct page_state *state)
{
	const struct pgtable_format *format = pt->format;
	int level;
	u64 pte;

	if (!format_walk(pt, gfn_to_gpa(gfn), &pte, &level))
		return false;

	state->mapped = true;
	state->hpa = format_target(format, pte, level, gfn_to_gpa(gfn));
	state->prot = format->prot(pte);
	state->order = format_leaf_order(format, pte, level);
	state->young = format->is_old ? !format->is_old(pte) : true;

	return true;
}

static bool same(const struct page_state *a, const struct page_state *b)
{
	if (!a->mapped || !b->mapped)
		return a->mapped == b->mapped;

	return a->hpa == b->hpa && a->prot == b->prot;
}

/* Tables below @table, itself included; what is not present has to be empty. */
static long count_tables(struct pgtable *pt, u64 *table, int level)
{
	const struct pgtable_format *format = pt->format;
	unsigned int bits = level == format->levels - 1 ? format->root_bits
							: format->level[level].bits;
	long count = 1;
	unsigned int i;

	for (i = 0; i < BIT(bits); i++) {
		CHECK(level || format_group_is_whole(format, &table[i]));
		if (!format->is_present(table[i], level))
			CHECK_EQ(table[i], format->level[level].empty);
		else if (!format->is_leaf(table[i], level))
			count += count_tables(pt, __va(format->address(table[i], level)), level - 1);
	}

	return count;
}

static void check_tables(struct history *h)
{
	struct page_state state;
	int i;

	for (i = 0; i < PAGES; i++) {
		struct page_state *model = &h->now[i];

		memset(&state, 0, sizeof(state));
		translate(h->pt, h->base + i, &state);
		CHECK_EQ(state.mapped, model->mapped);
		if (!model->mapped)
			continue;
		CHECK_EQ(state.hpa, model->hpa);
		CHECK_EQ(state.prot, model->prot);
		CHECK_EQ(state.order, model->order);
		CHECK_EQ(state.young, model->young || !h->format->is_old);
	}
	CHECK_EQ(count_tables(h->pt, h->pt->root, h->format->levels - 1) - 1,
		 atomic_long_read(&h->pt->tables));
}

/* A TLB may know less than the tables, never more. */
static void check_tlb(struct history *h)
{
	struct page_state *model;
	int i;

	for (i = 0; i < TLB_SIZE; i++) {
		if (!h->tlb[i].valid)
			continue;
		model = &h->now[h->tlb[i].gfn - h->base];
		CHECK(model->mapped);
		CHECK_EQ(h->tlb[i].hpa, model->hpa);
		CHECK(!(h->tlb[i].prot & ~model->prot));
	}
}

static void tlb_fill(struct history *h)
{
	struct page_state state;
	int i;

	for (i = 0; i < 8; i++) {
		gfn_t gfn = h->base + test_random() % PAGES;
		struct fake_tlb_entry *entry = &h->tlb[test_random() % TLB_SIZE];

		if (!translate(h->pt, gfn, &state))
			continue;
		*entry = (struct fake_tlb_entry) {
			.valid = true, .gfn = gfn, .hpa = state.hpa, .prot = state.prot,
		};
	}
}

static void tlb_flush(struct vm *vm, struct gfn_range range)
{
	int i;

	for (i = 0; history && i < TLB_SIZE; i++)
		if (history->tlb[i].gfn >= range.start && history->tlb[i].gfn < range.end)
			history->tlb[i].valid = false;
}

/* Where hardware wants it, no entry becomes another one without a flush between. */
static void check_break(const struct pgtable_format *format, u64 old, u64 new, int level)
{
	static int flushes;

	if (!format->break_before_make)
		return;
	if (new == format->locked)
		flushes = format->is_present(old, level) ? fake_flushes : -1;
	if (old == format->locked)
		CHECK(fake_flushes > flushes);
	if (!format->is_present(old, level) || !format->is_present(new, level))
		return;
	CHECK_EQ(format->is_leaf(old, level), format->is_leaf(new, level));
	CHECK_EQ(format->address(old, level), format->address(new, level));
}

/* After a single store: every page is as before the step or as after it. */
static void check_store(u64 *ptep, u64 old, u64 new, int level)
{
	struct history *h = history;
	struct page_state state;
	int i, page;

	if (!h || !h->in_step)
		return;
	check_break(h->format, old, new, level);
	CHECK(level || format_group_is_whole(h->format, ptep));
	for (i = 0; i < 24; i++) {
		page = test_random() % PAGES;
		memset(&state, 0, sizeof(state));
		translate(h->pt, h->base + page, &state);
		if (same(&state, &h->now[page]) || same(&state, &h->next[page]))
			continue;
		/* Between break and make there is nothing. */
		if (h->format->break_before_make && !state.mapped)
			continue;
		test_fail(__FILE__, __LINE__, "page %d is neither old nor new", page);
	}
}

/* --- the steps ------------------------------------------------------------------------------ */

/* The first page of the leaf that maps @page, clamped to the window. */
static void leaf_bounds(const struct page_state *pages, gfn_t base, int page, int *first, int *end)
{
	gfn_t mask = BIT_ULL(pages[page].order) - 1;
	gfn_t start = (base + page) & ~mask;

	*first = start < base ? 0 : start - base;
	*end = min(start + mask + 1 - base, (gfn_t)PAGES);
}

static void model_remove_leaf(struct history *h, int page)
{
	int first, end;

	leaf_bounds(h->next, h->base, page, &first, &end);
	while (first < end)
		h->next[first++].mapped = false;
}

/* What has to come of it, unless a table is in the way. */
static int model_map(struct history *h, int page, u8 order, hpa_t hpa, u8 prot)
{
	struct page_state *state = &h->next[page];
	u8 group = h->format->group_order;
	int i, first, end;

	for (i = 0; i < (1 << order); i++)
		if (h->next[page + i].mapped && h->next[page + i].order < order)
			return -E2BIG;

	if (state->mapped && state->hpa == hpa && !(prot & ~state->prot)) {
		leaf_bounds(h->next, h->base, page, &first, &end);
		while (first < end)
			h->next[first++].young = true;
		return 0;
	}
	if (state->mapped && group && state->order == group)
		return -EBUSY;
	/* Larger than a group is only level 1, which is split into pages. */
	if (state->mapped && state->order > order) {
		leaf_bounds(h->next, h->base, page, &first, &end);
		for (i = first; i < end; i++) {
			h->next[i].young = true;
			h->next[i].order = 0;
		}
	}
	if (state->mapped && state->order < order)
		return -E2BIG;
	if (state->mapped && state->hpa == hpa)
		prot |= state->prot;
	for (i = 0; i < (1 << order); i++)
		h->next[page + i] = (struct page_state) {
			.mapped = true, .hpa = hpa + i * PAGE_SIZE, .prot = prot,
			.order = order, .young = true,
		};

	return 0;
}

static void step_map(struct history *h)
{
	u8 orders[] = { 0, 0, 0, 4, 8, 9 };
	u8 order = pgtable_leaf_order(h->format, orders[test_random() % ARRAY_SIZE(orders)]);
	u8 prot = PROT_GUEST_READ | (test_random() & 1 ? PROT_GUEST_WRITE : 0) |
		  (test_random() & 1 ? PROT_GUEST_EXEC : 0);
	int page = test_random() % PAGES, ret, expected;
	struct mmu_map map = { .prot = prot, .order = order };

	/* What the format cannot deny, it grants. */
	prot = h->format->prot(h->format->make_leaf(&map, 0));

	page = ((h->base + page) & ~(BIT_ULL(order) - 1)) - h->base;
	if (page < 0 || page + (1 << order) > PAGES)
		return;
	map.gpa = gfn_to_gpa(h->base + page);
	/* Mostly the same place, now and then another one. */
	map.hpa = (map.gpa & (BIT_ULL(40) - 1)) ^ (test_random() % 16 ? 0 : BIT_ULL(36));

	expected = model_map(h, page, order, map.hpa, prot);
	CHECK_EQ(pgtable_cache_fill(h->pt, &h->cache), 0);
	read_lock(&h->vm->mmu_lock);
	h->in_step = true;
	ret = pgtable_map(h->pt, &h->cache, &map);
	h->in_step = false;
	read_unlock(&h->vm->mmu_lock);

	if (ret == -E2BIG && order > h->format->group_order)
		memcpy(h->next, h->now, sizeof(h->next));
	else
		CHECK_EQ(ret, expected);
}

static struct gfn_range step_range(struct history *h, int *first, int *end)
{
	int length = test_random() % 4 ? test_random() % 16 + 1 : test_random() % PAGES + 1;

	*first = test_random() % PAGES;
	*end = min(*first + length, PAGES);
	/* Often exactly what a table covers. */
	if (!(test_random() % 4)) {
		*first = 256;
		*end = 256 + 512 * (1 + test_random() % 3);
	}

	return (struct gfn_range) { .start = h->base + *first, .end = h->base + *end };
}

static void step_unmap(struct history *h)
{
	int first, end, i;
	struct gfn_range range = step_range(h, &first, &end);
	bool any = false, ret;

	for (i = first; i < end; i++) {
		any |= h->next[i].mapped;
		if (h->next[i].mapped)
			model_remove_leaf(h, i);
	}
	h->in_step = true;
	ret = pgtable_unmap(h->pt, range, true);
	h->in_step = false;
	CHECK(ret || !any);
}

static void step_protect(struct history *h)
{
	int first, end, i;
	struct gfn_range range = step_range(h, &first, &end);

	for (i = first; i < end; i++) {
		if (h->next[i].mapped && h->next[i].order)
			model_remove_leaf(h, i);
		if (!h->format->logs_writes)
			h->next[i].prot &= ~PROT_GUEST_WRITE;
	}
	h->in_step = true;
	if (pgtable_write_protect(h->pt, range))
		pgtable_flush(h->pt, range.start - BIT(9), range.end + BIT(9));
	h->in_step = false;
}

static void step_protect_pages(struct history *h)
{
	int first = test_random() % (PAGES - 127), i;
	struct pgtable_place place = { };
	u64 mask = (u64)test_random() << 32 ^ test_random();
	bool changed = false;

	/* Few, often: none in a table on the way. */
	if (test_random() % 2)
		mask &= mask >> 9 & mask << 7;
	for (i = 0; i < 128; i++) {
		struct page_state *page = &h->next[first + i];

		if (!(mask & BIT_ULL(i % 64)))
			continue;
		if (page->mapped && page->order)
			model_remove_leaf(h, first + i);
		if (!h->format->logs_writes)
			page->prot &= ~PROT_GUEST_WRITE;
	}
	h->in_step = true;
	for (i = 0; i < 128; i += 64)
		changed |= pgtable_write_protect_pages(h->pt, &place, h->base + first + i, mask);
	if (changed)
		pgtable_flush(h->pt, h->base + first - BIT(9), h->base + first + 128 + BIT(9));
	h->in_step = false;
}

static void step_age(struct history *h)
{
	int first, end, i, leaf, leaf_end;
	struct gfn_range range = step_range(h, &first, &end);
	bool young = false;

	for (i = first; i < end; i++)
		young |= h->next[i].mapped && (h->next[i].young || !h->format->is_old);
	CHECK_EQ(pgtable_age(h->pt, range, true), young);

	for (i = first; i < end; i++) {
		if (!h->next[i].mapped)
			continue;
		if (!h->format->is_old) {
			model_remove_leaf(h, i);
			continue;
		}
		leaf_bounds(h->next, h->base, i, &leaf, &leaf_end);
		while (leaf < leaf_end)
			h->next[leaf++].young = false;
	}
	h->in_step = true;
	CHECK_EQ(pgtable_age(h->pt, range, false), young);
	h->in_step = false;
}

/* Whatever is smaller goes where a leaf of @order has room in the range. */
static void model_collapse(struct history *h, struct gfn_range range, u8 order)
{
	gfn_t gfn, pages = BIT_ULL(order);

	for (gfn = range.start; gfn < range.end; gfn++)
		if ((gfn & ~(pages - 1)) >= range.start && (gfn | (pages - 1)) < range.end &&
		    h->next[gfn - h->base].order < order)
			h->next[gfn - h->base].mapped = false;
}

static void step_collapse(struct history *h)
{
	int first, end;
	struct gfn_range range = step_range(h, &first, &end);

	model_collapse(h, range, h->format->group_order);
	model_collapse(h, range, h->format->level[1].shift - PAGE_SHIFT);
	h->in_step = true;
	pgtable_collapse(h->pt, range);
	h->in_step = false;
}

static void (*const steps[])(struct history *h) = {
	step_map, step_map, step_map, step_map, step_map, step_map,
	step_unmap, step_protect, step_protect_pages, step_age, step_collapse,
};

static void history_step(struct history *h)
{
	void (*step)(struct history *h) = steps[test_random() % ARRAY_SIZE(steps)];

	memcpy(h->next, h->now, sizeof(h->next));
	tlb_fill(h);
	if (step != step_map)
		write_lock(&h->vm->mmu_lock);
	step(h);
	if (step != step_map)
		write_unlock(&h->vm->mmu_lock);
	memcpy(h->now, h->next, sizeof(h->now));
	check_tables(h);
	check_tlb(h);
}

/* --- beginning and end ------------------------------------------------------------------------ */

static struct history *history_create(const struct pgtable_format *format, gfn_t base)
{
	struct history *h = calloc(1, sizeof(*h));

	h->vm = calloc(1, sizeof(*h->vm));
	rwlock_init(&h->vm->mmu_lock);
	h->pt = &h->vm->as[0].pgtable;
	h->format = format;
	h->base = base;
	CHECK_EQ(pgtable_create(h->pt, h->vm, 0, format), 0);
	history = h;
	format_hook = check_store;
	fake_flush_hook = tlb_flush;

	return h;
}

static void history_destroy(struct history *h)
{
	struct gfn_range all = { .end = U64_MAX };

	write_lock(&h->vm->mmu_lock);
	pgtable_unmap(h->pt, all, false);
	write_unlock(&h->vm->mmu_lock);
	CHECK_EQ(atomic_long_read(&h->pt->tables), 0);
	page_cache_drain(&h->cache);
	pgtable_destroy(h->pt);
	pgtable_destroy(h->pt);
	CHECK_EQ(shim_allocated, 0);
	history = NULL;
	format_hook = NULL;
	free(h->vm);
	free(h);
}

static void for_each_format(void (*run)(const struct pgtable_format *format))
{
	const struct pgtable_format *const *format;

	for (format = formats; *format; format++) {
		printf("# %s\n", (*format)->name);
		run(*format);
	}
}

static void run_history(const struct pgtable_format *format)
{
	/* In the middle, across a boundary of every level; and at the very end. */
	const gfn_t bases[] = {
		gpa_to_gfn(1ULL << 31) - 1280, gpa_to_gfn(pgtable_span(format)) - 2560,
	};
	struct history *h;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		test_seed(i + 7);
		h = history_create(format, bases[i]);
		for (n = 0; n < STEPS; n++)
			history_step(h);
		history_destroy(h);
	}
}

TEST(pgtable_histories_follow_the_model)
{
	for_each_format(run_history);
}

static void run_history_with_breaks(const struct pgtable_format *format)
{
	shim_resched_every = 2;
	run_history(format);
	shim_resched_every = 0;
}

TEST(pgtable_unmap_may_yield_anywhere)
{
	for_each_format(run_history_with_breaks);
	CHECK(shim_break_count > 0);
}

/* --- single properties ----------------------------------------------------------------------------- */

static int map_one(struct history *h, gfn_t gfn, hpa_t hpa, u8 order, u8 prot)
{
	struct mmu_map map = {
		.gpa = gfn_to_gpa(gfn), .hpa = hpa, .order = order, .prot = prot,
	};
	int ret;

	CHECK_EQ(pgtable_cache_fill(h->pt, &h->cache), 0);
	read_lock(&h->vm->mmu_lock);
	ret = pgtable_map(h->pt, &h->cache, &map);
	read_unlock(&h->vm->mmu_lock);

	return ret;
}

static bool unmap_range(struct history *h, gfn_t start, gfn_t end)
{
	struct gfn_range range = { .start = start, .end = end };
	bool ret;

	write_lock(&h->vm->mmu_lock);
	ret = pgtable_unmap(h->pt, range, false);
	write_unlock(&h->vm->mmu_lock);

	return ret;
}

static int level_at(struct history *h, gfn_t gfn)
{
	u64 pte;
	int ret;

	read_lock(&h->vm->mmu_lock);
	ret = pgtable_lookup(h->pt, gfn_to_gpa(gfn), &pte);
	read_unlock(&h->vm->mmu_lock);

	return ret;
}

static void run_refusals(const struct pgtable_format *format)
{
	struct history *h = history_create(format, 0);
	gfn_t span = gpa_to_gfn(pgtable_span(format));
	struct page_cache empty = { };
	struct mmu_map map = { .gpa = PAGE_SIZE, .prot = PROT_GUEST_READ };

	CHECK_EQ(map_one(h, span, 0, 0, PROT_GUEST_READ), -EINVAL);
	CHECK_EQ(map_one(h, ~0ULL >> PAGE_SHIFT, 0, 0, PROT_GUEST_READ), -EINVAL);
	CHECK_EQ(map_one(h, 1, PAGE_SIZE / 2, 0, PROT_GUEST_READ), -EINVAL);
	CHECK_EQ(map_one(h, 1, 0, 1, PROT_GUEST_READ), -EINVAL);
	CHECK_EQ(map_one(h, 1, 0, pgtable_leaf_order(format, 9), PROT_GUEST_READ), -EINVAL);
	read_lock(&h->vm->mmu_lock);
	CHECK_EQ(pgtable_map(h->pt, &empty, &map), -EAGAIN);
	read_unlock(&h->vm->mmu_lock);
	CHECK_EQ(level_at(h, 1), -ENOENT);
	CHECK_EQ(level_at(h, span), -ENOENT);
	CHECK(!unmap_range(h, 0, U64_MAX));
	CHECK(!unmap_range(h, 5, 5));
	CHECK(!unmap_range(h, span, U64_MAX));
	history_destroy(h);
}

/* --- masks and functions ------------------------------------------------------------ */

static void check_bits(const struct pgtable_format *format, u64 pte, int level)
{
	const struct pgtable_bits *bits = &format->bits;
	bool present = pte != format->level[level].empty && format->is_present(pte, level);
	u64 protected;
	u8 order = 0;

	CHECK_EQ(!!(pte & bits->present), present);
	if (!present)
		return;
	if (level && !format->is_leaf(pte, level))
		CHECK(!((pte ^ bits->leaf_flip) & bits->leaf));
	else if (level)
		CHECK((pte ^ bits->leaf_flip) & bits->leaf);
	CHECK(level || !bits->group || !!(pte & bits->group) == format->is_group(pte));
	/* Of what may be said of a leaf at all; dirty or not is no matter of what is protected. */
	if (!level && bits->write && format->set_prot(pte, format->prot(pte)) == pte) {
		protected = format->set_prot(pte, format->prot(pte) & ~PROT_GUEST_WRITE);
		CHECK_EQ(pte & ~bits->write, protected & ~bits->write);
		CHECK_EQ(format->prot(pte & ~bits->write), format->prot(protected));
	}
	if (!bits->address)
		return;
	if (!level || format->is_leaf(pte, level))
		order = format_leaf_order(format, pte, level);
	CHECK_EQ(((pte & bits->address) << bits->address_shift) >> (PAGE_SHIFT + order),
		 format->address(pte, level) >> (PAGE_SHIFT + order));
}

static void run_bits(const struct pgtable_format *format)
{
	int i, level;

	if (!format->bits.present)
		return;
	for (level = 0; level < format->levels; level++) {
		check_bits(format, format->level[level].empty, level);
		check_bits(format, format->locked, level);
		for (i = 0; i < 10000; i++)
			check_bits(format, test_random(), level);
	}
}

TEST(pgtable_masks_say_what_functions_say)
{
	for_each_format(run_bits);
}

static bool protect_one(struct history *h, gfn_t gfn)
{
	bool changed;

	write_lock(&h->vm->mmu_lock);
	changed = pgtable_write_protect(h->pt, (struct gfn_range) { .start = gfn, .end = gfn + 1 });
	write_unlock(&h->vm->mmu_lock);

	return changed;
}

/* --- writes that only a log keeps away ------------------------------------------------- */

static bool allow_write(struct history *h, gfn_t gfn, hpa_t hpa)
{
	u64 *ptep, pte = 0;
	bool allowed = false;

	read_lock(&h->vm->mmu_lock);
	ptep = pgtable_protected(h->pt, gfn_to_gpa(gfn), &pte);
	if (ptep) {
		CHECK_EQ(pgtable_page(h->pt, pte), hpa);
		allowed = pgtable_allow_write(h->pt, ptep, pte);
		/* Not as it was found any more. */
		CHECK(!pgtable_allow_write(h->pt, ptep, pte));
	}
	read_unlock(&h->vm->mmu_lock);

	return allowed;
}

static u8 prot_at(struct history *h, gfn_t gfn)
{
	u64 pte;
	int level;

	return format_walk(h->pt, gfn_to_gpa(gfn), &pte, &level) ? h->format->prot(pte) : 0;
}

static void run_allow(const struct pgtable_format *format)
{
	struct mmu_map map = { .gpa = 7 << PAGE_SHIFT, .hpa = 9 << PAGE_SHIFT,
			       .prot = PROT_GUEST_READ, .may_write = true };
	struct history *h;
	gfn_t gfn;

	if (!format->bits.may_write)
		return;
	h = history_create(format, 0);
	CHECK_EQ(pgtable_cache_fill(h->pt, &h->cache), 0);
	read_lock(&h->vm->mmu_lock);
	CHECK_EQ(pgtable_map(h->pt, &h->cache, &map), 0);
	read_unlock(&h->vm->mmu_lock);
	CHECK(allow_write(h, 7, map.hpa));
	CHECK(prot_at(h, 7) & PROT_GUEST_WRITE);
	CHECK(!allow_write(h, 7, map.hpa));
	CHECK(protect_one(h, 7));
	CHECK(!(prot_at(h, 7) & PROT_GUEST_WRITE));
	CHECK(allow_write(h, 7, map.hpa));
	CHECK(prot_at(h, 7) & PROT_GUEST_WRITE);
	/* The same page, but the host has it read-only by now; and what is not there. */
	CHECK_EQ(map_one(h, 8, 8 << PAGE_SHIFT, 0, PROT_GUEST_READ), 0);
	CHECK(!allow_write(h, 8, 8 << PAGE_SHIFT));
	CHECK(!(prot_at(h, 8) & PROT_GUEST_WRITE));
	CHECK(!allow_write(h, 6, 0));
	/* A larger leaf has to become small first. */
	gfn = gpa_to_gfn(1ULL << format->level[1].shift);
	CHECK_EQ(map_one(h, gfn, gfn << PAGE_SHIFT, format->level[1].shift - PAGE_SHIFT,
			 PROT_GUEST_READ), 0);
	CHECK(!allow_write(h, gfn, gfn << PAGE_SHIFT));
	CHECK(unmap_range(h, 7, 8));
	CHECK(!allow_write(h, 7, map.hpa));
	CHECK(!allow_write(h, gpa_to_gfn(pgtable_span(format)), 0));
	history_destroy(h);
}

TEST(pgtable_lets_be_written_what_a_log_protects)
{
	for_each_format(run_allow);
}

TEST(pgtable_refuses_what_does_not_fit)
{
	for_each_format(run_refusals);
}

/* A leaf of every size the format has, split by a page that wants more. */
static void run_split(const struct pgtable_format *format)
{
	struct history *h = history_create(format, 0);
	gfn_t gfn;
	u8 order;
	int level;

	for (level = 1; level < format->levels; level++) {
		if (!format->level[level].leaf)
			continue;
		order = format->level[level].shift - PAGE_SHIFT;
		gfn = BIT_ULL(order);
		CHECK_EQ(map_one(h, gfn, gfn_to_gpa(gfn), order, PROT_GUEST_READ | PROT_GUEST_EXEC), 0);
		CHECK_EQ(level_at(h, gfn), level);
		CHECK_EQ(level_at(h, gfn + BIT_ULL(order) - 1), level);
		/* The same in small: served. */
		CHECK_EQ(map_one(h, gfn + 3, gfn_to_gpa(gfn + 3), 0, PROT_GUEST_READ), 0);
		CHECK_EQ(level_at(h, gfn + 3), level);
		/* More, in small: split. */
		CHECK_EQ(map_one(h, gfn + 3, gfn_to_gpa(gfn + 3), 0, PROT_GUEST_ALL), 0);
		CHECK_EQ(level_at(h, gfn + 3), 0);
		CHECK(level_at(h, gfn + 2) >= 0);
		CHECK(level_at(h, gfn + BIT_ULL(order) - 1) >= 0);
		/* In the way of a large one now. */
		CHECK_EQ(map_one(h, gfn, gfn_to_gpa(gfn), order, PROT_GUEST_ALL), -E2BIG);
		CHECK(unmap_range(h, gfn, gfn + BIT_ULL(order)));
		CHECK_EQ(atomic_long_read(&h->pt->tables) == 0, true);
		CHECK_EQ(map_one(h, gfn, gfn_to_gpa(gfn), order, PROT_GUEST_ALL), 0);
		CHECK(unmap_range(h, gfn + 1, gfn + 2));
		CHECK_EQ(level_at(h, gfn), -ENOENT);
	}
	history_destroy(h);
}

TEST(pgtable_splits_and_joins_every_size)
{
	for_each_format(run_split);
}

static int flushes_at_free;

static void count_flush(struct vm *vm, struct gfn_range range)
{
	flushes_at_free++;
	/* Nothing was freed yet: hardware may have been walking it until now. */
	CHECK(shim_allocated > 1);
}

static void run_flush_order(const struct pgtable_format *format)
{
	struct history *h = history_create(format, 0);
	gfn_t gfn, table = BIT(format->level[0].bits), end = 100 * table;
	long before;

	for (gfn = 0; gfn < end; gfn += table)
		CHECK_EQ(map_one(h, gfn, gfn_to_gpa(gfn), 0, PROT_GUEST_ALL), 0);
	page_cache_drain(&h->cache);
	before = shim_allocated;
	fake_flush_hook = count_flush;
	flushes_at_free = 0;
	CHECK(unmap_range(h, 0, end));
	CHECK(flushes_at_free >= 1);
	CHECK(shim_allocated < before - 10);
	/* What is not there costs no flush. */
	flushes_at_free = 0;
	CHECK(!unmap_range(h, 0, end));
	CHECK_EQ(flushes_at_free, 0);
	fake_flush_hook = NULL;
	history_destroy(h);
}

TEST(pgtable_frees_after_the_flush)
{
	for_each_format(run_flush_order);
}

/* Relaxing: a flush only where a TLB may remember the fault. */
static void run_relax(const struct pgtable_format *format)
{
	struct history *h = history_create(format, 0);
	int before;

	CHECK_EQ(map_one(h, 7, 7 << PAGE_SHIFT, 0, PROT_GUEST_READ), 0);
	before = fake_flushes;
	CHECK_EQ(map_one(h, 7, 7 << PAGE_SHIFT, 0, PROT_GUEST_READ | PROT_GUEST_WRITE), 0);
	CHECK_EQ(fake_flushes - before, format->relax_flush);
	/* Less is more than enough already. */
	CHECK_EQ(map_one(h, 7, 7 << PAGE_SHIFT, 0, PROT_GUEST_READ), 0);
	CHECK_EQ(fake_flushes - before, format->relax_flush);
	/* Another page: always. */
	before = fake_flushes;
	CHECK_EQ(map_one(h, 7, 9 << PAGE_SHIFT, 0, PROT_GUEST_READ), 0);
	CHECK_EQ(fake_flushes - before, 1);
	history_destroy(h);
}

TEST(pgtable_flushes_when_it_must)
{
	for_each_format(run_relax);
}

static struct gfn_range flushed;

static void note_flush(struct vm *vm, struct gfn_range range)
{
	lockdep_assert_held_write(&vm->mmu_lock);
	flushed = range;
}

/*
 * A huge leaf that protection removes is out of the TLB before the lock is let go:
 * the notifier that comes then finds nothing to flush.  A base page stays mapped.
 */
static void run_protect_removes(const struct pgtable_format *format)
{
	struct history *h = history_create(format, 0);
	u8 order = format->level[1].shift - PAGE_SHIFT;
	struct gfn_range range = { .start = BIT(order), .end = BIT(order) + 1 };

	CHECK_EQ(map_one(h, 3, 3 << PAGE_SHIFT, 0, PROT_GUEST_ALL), 0);
	CHECK_EQ(map_one(h, BIT(order), gfn_to_gpa(BIT(order)), order, PROT_GUEST_ALL), 0);
	flushed = (struct gfn_range) { };
	fake_flush_hook = note_flush;
	write_lock(&h->vm->mmu_lock);
	CHECK(pgtable_write_protect(h->pt, (struct gfn_range) { .start = 3, .end = 4 }));
	CHECK_EQ(flushed.end, 0);
	CHECK(pgtable_write_protect(h->pt, range));
	CHECK_EQ(flushed.start, BIT(order));
	CHECK_EQ(flushed.end, 2 * BIT(order));
	write_unlock(&h->vm->mmu_lock);
	fake_flush_hook = NULL;
	CHECK_EQ(level_at(h, BIT(order)), -ENOENT);
	history_destroy(h);
}

TEST(pgtable_protect_flushes_what_it_removes)
{
	for_each_format(run_protect_removes);
}

static void run_out_of_memory(const struct pgtable_format *format)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	struct pgtable *pt = &vm->as[0].pgtable;
	struct page_cache cache = { };
	int i;

	rwlock_init(&vm->mmu_lock);
	shim_fail_at = 1;
	CHECK_EQ(pgtable_create(pt, vm, 0, format), -ENOMEM);
	pgtable_destroy(pt);
	CHECK_EQ(pgtable_create(pt, vm, 0, format), 0);
	for (i = 1; i < format->levels; i++) {
		shim_fail_at = i;
		CHECK_EQ(pgtable_cache_fill(pt, &cache), -ENOMEM);
		page_cache_drain(&cache);
	}
	shim_fail_at = 0;
	CHECK_EQ(pgtable_cache_fill(pt, &cache), 0);
	CHECK_EQ(cache.count + cache.large_count, format->levels - 1);
	page_cache_drain(&cache);
	pgtable_destroy(pt);
	CHECK_EQ(shim_allocated, 0);
	free(vm);
}

TEST(pgtable_survives_lack_of_memory)
{
	for_each_format(run_out_of_memory);
}

/* --- at the same time ---------------------------------------------------------------------------------- */

static const struct pgtable_format *split_base;
static struct history *split_meanwhile;

/* The leaf that somebody has found: another vCPU writes beside, and it is a table. */
static u8 split_prot(u64 pte)
{
	struct history *h = split_meanwhile;
	gfn_t gfn = h ? BIT(h->format->level[1].shift - PAGE_SHIFT) : 0;

	split_meanwhile = NULL;
	if (h)
		CHECK_EQ(map_one(h, gfn, gfn_to_gpa(gfn), 0, PROT_GUEST_READ | PROT_GUEST_WRITE), 0);

	return split_base->prot(pte);
}

static void run_split_meanwhile(const struct pgtable_format *format)
{
	u8 order = format->level[1].shift - PAGE_SHIFT;
	struct pgtable_format copy = *format;
	struct history *h;
	gfn_t gfn = BIT(order);

	copy.prot = split_prot;
	split_base = format;
	h = history_create(&copy, 0);
	history = NULL;
	format_hook = NULL;
	CHECK_EQ(map_one(h, gfn, gfn_to_gpa(gfn), order, PROT_GUEST_READ), 0);
	split_meanwhile = h;
	CHECK_EQ(map_one(h, gfn + 5, gfn_to_gpa(gfn + 5), 0, PROT_GUEST_READ), 0);
	CHECK(!split_meanwhile);
	CHECK_EQ(level_at(h, gfn), 0);
	CHECK_EQ(level_at(h, gfn + 5), 0);
	unmap_range(h, 0, 2 * gfn);
	CHECK_EQ(atomic_long_read(&h->pt->tables), 0);
	history_destroy(h);
}

TEST(pgtable_leaf_found_is_split_meanwhile)
{
	for_each_format(run_split_meanwhile);
}

static bool crowd_stop;

static void *crowd_map(void *data)
{
	struct history *h = data;
	struct page_cache cache = { };
	u64 x = (unsigned long)&cache;
	struct mmu_map map;
	int ret;

	while (!READ_ONCE(crowd_stop)) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		map.order = x >> 59 & 15 ? 0 : pgtable_leaf_order(h->format, x >> 63 ? 9 : 4);
		map.prot = PROT_GUEST_READ | (x >> 50 & 1 ? PROT_GUEST_WRITE : 0);
		map.gpa = gfn_to_gpa((x >> 20) % 2048 & ~(BIT_ULL(map.order) - 1));
		map.hpa = map.gpa;
		map.memtype = MEMTYPE_NORMAL;
		CHECK_EQ(pgtable_cache_fill(h->pt, &cache), 0);
		read_lock(&h->vm->mmu_lock);
		ret = pgtable_map(h->pt, &cache, &map);
		read_unlock(&h->vm->mmu_lock);
		CHECK(!ret || ret == -EAGAIN || ret == -E2BIG ||
		      (ret == -EBUSY && h->format->group_order));
	}
	page_cache_drain(&cache);

	return NULL;
}

static void run_crowd(const struct pgtable_format *format)
{
	struct history *h = history_create(format, 0);
	pthread_t threads[3];
	struct gfn_range range;
	unsigned int i;

	history = NULL;
	format_hook = NULL;
	crowd_stop = false;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, crowd_map, h);
	for (i = 0; i < 400; i++) {
		range.start = test_random() % 2048;
		range.end = range.start + test_random() % 1024;
		write_lock(&h->vm->mmu_lock);
		if (i % 4 == 0)
			pgtable_unmap(h->pt, range, true);
		else if (i % 4 == 1)
			pgtable_write_protect(h->pt, range);
		else if (i % 4 == 2)
			pgtable_age(h->pt, range, false);
		else
			pgtable_collapse(h->pt, range);
		write_unlock(&h->vm->mmu_lock);
		usleep(100);
	}
	WRITE_ONCE(crowd_stop, true);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(count_tables(h->pt, h->pt->root, format->levels - 1) - 1,
		 atomic_long_read(&h->pt->tables));
	history_destroy(h);
}

TEST(pgtable_many_faults_at_once)
{
	for_each_format(run_crowd);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page-table library step by step, on real pages, with every format: those
 * of the unit tests, shaped after each architecture, and this one's own.  What
 * happens when several do it at once is in core_pgtable_race.c.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../unit/formats.h"
#include "suite.h"

#define BASE		(4ULL * SZ_1G)
/* Never followed: any aligned number is good. */
#define HPA(gpa)	((gpa) + 16ULL * SZ_1G)

const struct pgtable_format *const __weak suite_arch_formats[] = { NULL };

static const struct pgtable_format *all_formats[FORMATS_MAX];

static void formats_add(const struct pgtable_format *const *list, int *count)
{
	while (*list && *count < FORMATS_MAX - 1)
		all_formats[(*count)++] = *list++;
}

const void *suite_format_next(const void *previous, char *name)
{
	const struct pgtable_format *const *next = previous;
	int count = 0;

	if (!next) {
		formats_add(formats, &count);
		formats_add(suite_arch_formats, &count);
	}
	next = next ? next + 1 : all_formats;
	if (!*next)
		return NULL;
	strscpy(name, (*next)->name, KUNIT_PARAM_DESC_SIZE);

	return next;
}

/* --- a tree and what is done with it --------------------------------------------- */

struct tree {
	struct vm	*vm;
	struct pgtable	*pt;
	struct page_cache cache;
	const struct pgtable_format *format;
};

static void tree_free(void *data)
{
	struct tree *tree = data;

	page_cache_drain(&tree->cache);
	pgtable_destroy(tree->pt);
}

static struct tree *tree_create(struct kunit *test)
{
	struct tree *tree = kunit_kzalloc(test, sizeof(*tree), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tree);
	tree->format = *(const struct pgtable_format *const *)test->param_value;
	tree->vm = suite_vm(test);
	tree->pt = &tree->vm->as[0].pgtable;
	KUNIT_ASSERT_EQ(test, pgtable_create(tree->pt, tree->vm, 0, tree->format), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tree_free, tree), 0);

	return tree;
}

static u8 tree_order(struct tree *tree, int level)
{
	return tree->format->level[level].shift - PAGE_SHIFT;
}

static int tree_map_to(struct tree *tree, gpa_t gpa, hpa_t hpa, u8 order, u8 prot)
{
	struct mmu_map map = { .gpa = gpa, .hpa = hpa, .order = order, .prot = prot };
	int ret;

	ret = pgtable_cache_fill(tree->pt, &tree->cache);
	if (ret)
		return ret;
	read_lock(&tree->vm->mmu_lock);
	ret = pgtable_map(tree->pt, &tree->cache, &map);
	read_unlock(&tree->vm->mmu_lock);

	return ret;
}

static int tree_map(struct tree *tree, gpa_t gpa, u8 order, u8 prot)
{
	return tree_map_to(tree, gpa, HPA(gpa), order, prot);
}

static struct gfn_range range_of(gpa_t gpa, u64 size)
{
	return (struct gfn_range) {
		.start = gpa_to_gfn(gpa), .end = gpa_to_gfn(gpa + size) };
}

static bool tree_unmap(struct tree *tree, gpa_t gpa, u64 size)
{
	bool any;

	write_lock(&tree->vm->mmu_lock);
	any = pgtable_unmap(tree->pt, range_of(gpa, size), true);
	write_unlock(&tree->vm->mmu_lock);

	return any;
}

static bool tree_protect(struct tree *tree, gpa_t gpa, u64 size)
{
	bool changed;

	write_lock(&tree->vm->mmu_lock);
	changed = pgtable_write_protect(tree->pt, range_of(gpa, size));
	write_unlock(&tree->vm->mmu_lock);

	return changed;
}

static bool tree_age(struct tree *tree, gpa_t gpa, u64 size, bool only_test)
{
	bool young;

	write_lock(&tree->vm->mmu_lock);
	young = pgtable_age(tree->pt, range_of(gpa, size), only_test);
	write_unlock(&tree->vm->mmu_lock);

	return young;
}

/* The level that maps @gpa, with what it grants and where it leads; or -ENOENT. */
static int tree_lookup(struct tree *tree, gpa_t gpa, u8 *prot, hpa_t *hpa)
{
	const struct pgtable_format *format = tree->format;
	u64 leaf;
	int level;

	read_lock(&tree->vm->mmu_lock);
	level = pgtable_lookup(tree->pt, gpa, &leaf);
	read_unlock(&tree->vm->mmu_lock);
	if (level < 0)
		return level;
	*prot = format->prot(leaf);
	*hpa = format_target(format, leaf, level, gpa);

	return level;
}

static void expect_mapped(struct kunit *test, struct tree *tree, gpa_t gpa, int level,
			  u8 prot)
{
	hpa_t hpa = 0;
	u8 got = 0;

	KUNIT_EXPECT_EQ(test, tree_lookup(tree, gpa, &got, &hpa), level);
	KUNIT_EXPECT_EQ(test, hpa, HPA(gpa));
	/* A format may not be able to deny execution. */
	KUNIT_EXPECT_EQ(test, got & prot, prot);
	KUNIT_EXPECT_EQ(test, got & PROT_GUEST_WRITE, prot & PROT_GUEST_WRITE);
}

static void expect_nothing(struct kunit *test, struct tree *tree, gpa_t gpa)
{
	hpa_t hpa;
	u8 prot;

	KUNIT_EXPECT_EQ(test, tree_lookup(tree, gpa, &prot, &hpa), -ENOENT);
}

static void expect_tables(struct kunit *test, struct tree *tree, long count)
{
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tree->pt->tables), count);
}

/* --- the steps ----------------------------------------------------------------------- */

#define READ_WRITE	(PROT_GUEST_READ | PROT_GUEST_WRITE)

static void every_size(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	int level, leaves = 0;

	for (level = 0; level < tree->format->levels; level++) {
		u64 size = BIT_ULL(tree->format->level[level].shift);
		u8 order = tree_order(tree, level);
		gpa_t gpa = BASE + size;

		if (!tree->format->level[level].leaf)
			continue;
		leaves++;
		KUNIT_EXPECT_EQ(test, pgtable_leaf_order(tree->format, order), order);
		KUNIT_EXPECT_EQ(test, tree_map(tree, gpa, order, READ_WRITE), 0);
		expect_mapped(test, tree, gpa, level, READ_WRITE);
		expect_mapped(test, tree, gpa + size - PAGE_SIZE, level, READ_WRITE);
		expect_nothing(test, tree, gpa + size);
		expect_nothing(test, tree, gpa - PAGE_SIZE);
		expect_tables(test, tree, tree->format->levels - 1 - level);
		/* What is there already is good for all this. */
		KUNIT_EXPECT_EQ(test, tree_map(tree, gpa, order, PROT_GUEST_READ), 0);
		KUNIT_EXPECT_EQ(test, tree_map(tree, gpa, 0, READ_WRITE), 0);
		expect_mapped(test, tree, gpa, level, READ_WRITE);
		/* A leaf that sticks out goes whole. */
		KUNIT_EXPECT_TRUE(test, tree_unmap(tree, gpa + size - PAGE_SIZE, PAGE_SIZE));
		expect_nothing(test, tree, gpa);
		expect_tables(test, tree, 0);
		KUNIT_EXPECT_FALSE(test, tree_unmap(tree, gpa, size));
	}
	KUNIT_EXPECT_GT(test, leaves, 1);
}

static void more_permission(struct kunit *test)
{
	struct tree *tree = tree_create(test);

	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, PROT_GUEST_READ), 0);
	expect_mapped(test, tree, BASE, 0, PROT_GUEST_READ);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, PROT_GUEST_ALL), 0);
	expect_mapped(test, tree, BASE, 0, PROT_GUEST_ALL);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, PROT_GUEST_READ), 0);
	expect_mapped(test, tree, BASE, 0, PROT_GUEST_ALL);
}

static void another_place(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	hpa_t hpa = 0;
	u8 prot = 0;

	KUNIT_EXPECT_EQ(test, tree_map_to(tree, BASE, HPA(BASE) + SZ_1G, 0, READ_WRITE), 0);
	KUNIT_EXPECT_EQ(test, tree_lookup(tree, BASE, &prot, &hpa), 0);
	KUNIT_EXPECT_EQ(test, hpa, HPA(BASE) + SZ_1G);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, PROT_GUEST_READ), 0);
	expect_mapped(test, tree, BASE, 0, PROT_GUEST_READ);
}

static void split(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	u64 size = BIT_ULL(tree->format->level[1].shift), offset;

	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, tree_order(tree, 1), PROT_GUEST_READ), 0);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE + size / 2, 0, READ_WRITE), 0);
	for (offset = 0; offset < size; offset += PAGE_SIZE)
		expect_mapped(test, tree, BASE + offset, 0,
			      offset == size / 2 ? READ_WRITE : PROT_GUEST_READ);
	expect_tables(test, tree, tree->format->levels - 1);
	KUNIT_EXPECT_TRUE(test, tree_unmap(tree, BASE, size));
	expect_tables(test, tree, 0);
}

static void in_the_way(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	u64 size = BIT_ULL(tree->format->level[1].shift);
	u8 order = tree_order(tree, 1);

	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE + PAGE_SIZE, 0, READ_WRITE), 0);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, order, READ_WRITE), -E2BIG);
	expect_mapped(test, tree, BASE + PAGE_SIZE, 0, READ_WRITE);

	/* A range that does not hold all of the area leaves it alone. */
	write_lock(&tree->vm->mmu_lock);
	pgtable_collapse(tree->pt, range_of(BASE + PAGE_SIZE, size - PAGE_SIZE));
	write_unlock(&tree->vm->mmu_lock);
	expect_mapped(test, tree, BASE + PAGE_SIZE, 0, READ_WRITE);
	write_lock(&tree->vm->mmu_lock);
	pgtable_collapse(tree->pt, range_of(BASE, size));
	write_unlock(&tree->vm->mmu_lock);
	expect_nothing(test, tree, BASE + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, order, READ_WRITE), 0);
	expect_mapped(test, tree, BASE, 1, READ_WRITE);
}

static void write_protect(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	u64 size = BIT_ULL(tree->format->level[1].shift);

	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, PROT_GUEST_ALL), 0);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE + size, tree_order(tree, 1), READ_WRITE), 0);
	KUNIT_EXPECT_TRUE(test, tree_protect(tree, BASE, PAGE_SIZE));
	expect_mapped(test, tree, BASE, 0, PROT_GUEST_READ | PROT_GUEST_EXEC);
	KUNIT_EXPECT_FALSE(test, tree_protect(tree, BASE, PAGE_SIZE));
	expect_mapped(test, tree, BASE + size, 1, READ_WRITE);
	/* A huge leaf goes, so that it comes back small. */
	KUNIT_EXPECT_TRUE(test, tree_protect(tree, BASE + size, PAGE_SIZE));
	expect_nothing(test, tree, BASE + size);
}

/* Entries that hardware may take for one come and go together. */
static void group(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	u64 size = PAGE_SIZE << tree->format->group_order, offset;

	if (!tree->format->group_order)
		kunit_skip(test, "the format has no groups");

	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, tree->format->group_order, READ_WRITE), 0);
	for (offset = 0; offset < size; offset += PAGE_SIZE)
		expect_mapped(test, tree, BASE + offset, 0, READ_WRITE);
	expect_nothing(test, tree, BASE + size);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, PROT_GUEST_ALL), -EBUSY);
	KUNIT_EXPECT_TRUE(test, tree_unmap(tree, BASE + size - PAGE_SIZE, PAGE_SIZE));
	expect_nothing(test, tree, BASE);

	/* A page in the way leaves the rest empty. */
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE + size / 2, 0, READ_WRITE), 0);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, tree->format->group_order, READ_WRITE),
			-E2BIG);
	expect_nothing(test, tree, BASE);
	expect_mapped(test, tree, BASE + size / 2, 0, READ_WRITE);
}

static void age(struct kunit *test)
{
	struct tree *tree = tree_create(test);

	KUNIT_EXPECT_FALSE(test, tree_age(tree, BASE, PAGE_SIZE, true));
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, READ_WRITE), 0);
	KUNIT_EXPECT_TRUE(test, tree_age(tree, BASE, PAGE_SIZE, true));
	KUNIT_EXPECT_TRUE(test, tree_age(tree, BASE, PAGE_SIZE, false));
	KUNIT_EXPECT_FALSE(test, tree_age(tree, BASE, PAGE_SIZE, true));
	if (tree->format->is_old)
		expect_mapped(test, tree, BASE, 0, READ_WRITE);
	else
		expect_nothing(test, tree, BASE);
	/* A fault makes it young again. */
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, READ_WRITE), 0);
	KUNIT_EXPECT_TRUE(test, tree_age(tree, BASE, PAGE_SIZE, true));
}

static void refused(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	u64 span = pgtable_span(tree->format);
	struct mmu_map map = { .gpa = BASE, .hpa = HPA(BASE), .prot = READ_WRITE };
	u8 huge = tree_order(tree, 1);

	KUNIT_EXPECT_EQ(test, tree_map(tree, span, 0, READ_WRITE), -EINVAL);
	KUNIT_EXPECT_EQ(test, tree_map(tree, ~0ULL << PAGE_SHIFT, 0, READ_WRITE), -EINVAL);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, huge - 1, READ_WRITE), -EINVAL);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE + PAGE_SIZE, huge, READ_WRITE), -EINVAL);
	KUNIT_EXPECT_EQ(test, tree_map_to(tree, BASE, HPA(BASE) + PAGE_SIZE, huge, READ_WRITE),
			-EINVAL);
	expect_tables(test, tree, 0);

	/* Without pages for tables: once more, with some. */
	page_cache_drain(&tree->cache);
	read_lock(&tree->vm->mmu_lock);
	KUNIT_EXPECT_EQ(test, pgtable_map(tree->pt, &tree->cache, &map), -EAGAIN);
	read_unlock(&tree->vm->mmu_lock);
	expect_nothing(test, tree, BASE);
	KUNIT_EXPECT_EQ(test, tree_map(tree, BASE, 0, READ_WRITE), 0);
}

static void ends_of_the_span(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	gpa_t last = pgtable_span(tree->format) - PAGE_SIZE;
	struct gfn_range everything = { .start = 0, .end = ~0ULL };
	bool any;

	KUNIT_EXPECT_EQ(test, tree_map_to(tree, last, HPA(0), 0, READ_WRITE), 0);
	KUNIT_EXPECT_EQ(test, tree_map_to(tree, 0, HPA(0), 0, READ_WRITE), 0);
	expect_tables(test, tree, 2 * (tree->format->levels - 1));
	write_lock(&tree->vm->mmu_lock);
	any = pgtable_unmap(tree->pt, everything, true);
	write_unlock(&tree->vm->mmu_lock);
	KUNIT_EXPECT_TRUE(test, any);
	expect_nothing(test, tree, 0);
	expect_nothing(test, tree, last);
	expect_tables(test, tree, 0);
	KUNIT_EXPECT_EQ(test, tree->vm->stats.pages_mapped, 2);
	KUNIT_EXPECT_EQ(test, tree->vm->stats.pages_unmapped, 2);
}

static void destroyed_full(struct kunit *test)
{
	struct tree *tree = tree_create(test);
	u64 i, size = BIT_ULL(tree->format->level[1].shift);

	for (i = 0; i < 64; i++)
		KUNIT_EXPECT_EQ(test, tree_map(tree, BASE + i * (size + PAGE_SIZE), 0,
					       READ_WRITE), 0);
	KUNIT_EXPECT_GE(test, atomic_long_read(&tree->pt->tables), 64);
	pgtable_destroy(tree->pt);
	expect_tables(test, tree, 0);
}

static struct kunit_case core_pgtable_cases[] = {
	KUNIT_CASE_PARAM(every_size, suite_format_next),
	KUNIT_CASE_PARAM(more_permission, suite_format_next),
	KUNIT_CASE_PARAM(another_place, suite_format_next),
	KUNIT_CASE_PARAM(split, suite_format_next),
	KUNIT_CASE_PARAM(in_the_way, suite_format_next),
	KUNIT_CASE_PARAM(write_protect, suite_format_next),
	KUNIT_CASE_PARAM(group, suite_format_next),
	KUNIT_CASE_PARAM(age, suite_format_next),
	KUNIT_CASE_PARAM(refused, suite_format_next),
	KUNIT_CASE_PARAM(ends_of_the_span, suite_format_next),
	KUNIT_CASE_PARAM(destroyed_full, suite_format_next),
	{ }
};

static struct kunit_suite core_pgtable_suite = {
	.name		= "core_pgtable",
	.test_cases	= core_pgtable_cases,
};

kunit_test_suite(core_pgtable_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables under contention: threads that install leaves of all sizes under
 * the read lock, and one that unmaps, protects, ages and collapses under the
 * write lock, on real CPUs and preempted.  Whatever the order, a mapping leads to
 * its page, what was removed is gone, and no table is lost or used after its end.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "../unit/formats.h"
#include "suite.h"

#define BASE		(4ULL * SZ_1G)
#define HPA(gpa)	((gpa) + 16ULL * SZ_1G)
#define AREAS		4		/* of the size of a level 1 leaf */
#define MAPPERS		3
#define RACE_MS		250
#define LOOKS_MAX	100000

struct race {
	struct vm	*vm;
	struct pgtable	*pt;
	const struct pgtable_format *format;
	u64		 area;		/* bytes */
	struct rnd_state random;	/* of the remover */
	atomic_t	 mapped;
	atomic_t	 again;
	atomic_t	 too_big;
	atomic_t	 busy;
	atomic_t	 wrong;		/* nothing of this may happen */
	unsigned int	 removed;
};

struct mapper {
	struct race		*race;
	struct task_struct	*task;
	struct page_cache	 cache;
	struct rnd_state	 random;
};

static bool is_mapped(struct race *race, const struct mmu_map *map)
{
	const struct pgtable_format *format = race->format;
	u64 leaf;
	int level = pgtable_lookup(race->pt, map->gpa, &leaf);

	if (level < 0)
		return false;

	return format_target(format, leaf, level, map->gpa) == map->hpa &&
	       !(map->prot & ~format->prot(leaf));
}

/*
 * Under the lock that it was mapped under nobody can have taken it away.  But a larger
 * leaf that somebody splits right now is not there for a moment, where the format wants
 * break before make.
 */
static bool stays_mapped(struct race *race, const struct mmu_map *map)
{
	unsigned int looks;

	for (looks = 0; looks < LOOKS_MAX; looks++) {
		if (is_mapped(race, map))
			return true;
		cpu_relax();
	}

	return false;
}

static void map_one(struct mapper *mapper)
{
	struct race *race = mapper->race;
	u32 random = prandom_u32_state(&mapper->random);
	struct mmu_map map = {
		.order = random % 8 == 0 ? race->format->level[1].shift - PAGE_SHIFT :
			 random % 8 == 1 ? race->format->group_order : 0,
		.prot = PROT_GUEST_READ | (random & BIT(8) ? PROT_GUEST_WRITE : 0),
	};
	u64 mask = ~((PAGE_SIZE << map.order) - 1);
	int ret;

	/* Half of them want the same few pages. */
	map.gpa = BASE + (random >> 10) * PAGE_SIZE %
			 (random & BIT(9) ? 4 * PAGE_SIZE : AREAS * race->area);
	map.gpa &= mask;
	map.hpa = HPA(map.gpa);
	if (pgtable_cache_fill(race->pt, &mapper->cache))
		return;

	read_lock(&race->vm->mmu_lock);
	ret = pgtable_map(race->pt, &mapper->cache, &map);
	if (!ret && !stays_mapped(race, &map))
		atomic_inc(&race->wrong);
	read_unlock(&race->vm->mmu_lock);

	switch (ret) {
	case 0:
		atomic_inc(&race->mapped);
		break;
	case -EAGAIN:
		atomic_inc(&race->again);
		break;
	case -E2BIG:
		atomic_inc(&race->too_big);
		break;
	case -EBUSY:
		atomic_inc(race->format->group_order ? &race->busy : &race->wrong);
		break;
	default:
		atomic_inc(&race->wrong);
	}
}

static int mapper_thread(void *data)
{
	struct mapper *mapper = data;

	while (!kthread_should_stop()) {
		map_one(mapper);
		cond_resched();
	}
	page_cache_drain(&mapper->cache);

	return 0;
}

/* Looking at every page would leave no time for anything else. */
static gfn_t next_checked(gfn_t gfn)
{
	return gfn % 8 ? gfn + 1 : gfn + 29;
}

/* Under the write lock nobody can have put it back. */
static void check_gone(struct race *race, struct gfn_range range)
{
	gfn_t gfn;
	u64 leaf;

	for (gfn = range.start; gfn < range.end; gfn = next_checked(gfn))
		if (pgtable_lookup(race->pt, gfn_to_gpa(gfn), &leaf) != -ENOENT)
			atomic_inc(&race->wrong);
}

static void check_protected(struct race *race, struct gfn_range range)
{
	gfn_t gfn;
	u64 leaf;

	for (gfn = range.start; gfn < range.end; gfn = next_checked(gfn))
		if (pgtable_lookup(race->pt, gfn_to_gpa(gfn), &leaf) >= 0 &&
		    race->format->prot(leaf) & PROT_GUEST_WRITE)
			atomic_inc(&race->wrong);
}

static void remove_some(struct race *race)
{
	u32 random = prandom_u32_state(&race->random);
	u64 pages = AREAS * race->area >> PAGE_SHIFT;
	gfn_t start = gpa_to_gfn(BASE) + (random & BIT(31) ? (random >> 8) % pages : 0);
	struct gfn_range range = {
		.start = start,
		.end = min(start + 1 + (random >> 4) % (pages / 2), gpa_to_gfn(BASE) + pages),
	};

	write_lock(&race->vm->mmu_lock);
	switch (random % 8) {
	case 0:
		pgtable_collapse(race->pt, range);
		break;
	case 1:
		pgtable_age(race->pt, range, random & BIT(3));
		break;
	case 2:
		pgtable_write_protect(race->pt, range);
		check_protected(race, range);
		break;
	case 3:
		/* Lets go of the lock between: others may have mapped since. */
		pgtable_unmap(race->pt, range, true);
		break;
	default:
		pgtable_unmap(race->pt, range, false);
		check_gone(race, range);
	}
	write_unlock(&race->vm->mmu_lock);
	race->removed++;
}

static void race_free(void *data)
{
	pgtable_destroy(((struct race *)data)->pt);
}

static void race_start(struct kunit *test, struct race *race, struct mapper *mappers)
{
	int i;

	for (i = 0; i < MAPPERS; i++) {
		mappers[i].race = race;
		prandom_seed_state(&mappers[i].random, i + 1);
		mappers[i].task = kthread_run(mapper_thread, &mappers[i], "kunit-map/%d", i);
	}
	for (i = 0; i < MAPPERS; i++)
		KUNIT_EXPECT_FALSE(test, IS_ERR(mappers[i].task));
}

static void map_and_unmap(struct kunit *test)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	struct mapper *mappers = kunit_kcalloc(test, MAPPERS, sizeof(*mappers), GFP_KERNEL);
	struct gfn_range everything = { .start = 0, .end = ~0ULL };
	unsigned long end;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, race);
	KUNIT_ASSERT_NOT_NULL(test, mappers);
	race->format = *(const struct pgtable_format *const *)test->param_value;
	race->area = BIT_ULL(race->format->level[1].shift);
	race->vm = suite_vm(test);
	race->pt = &race->vm->as[0].pgtable;
	prandom_seed_state(&race->random, 1000);
	KUNIT_ASSERT_EQ(test, pgtable_create(race->pt, race->vm, 0, race->format), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, race_free, race), 0);

	race_start(test, race, mappers);
	end = jiffies + msecs_to_jiffies(RACE_MS);
	while (time_before(jiffies, end)) {
		remove_some(race);
		cond_resched();
	}
	for (i = 0; i < MAPPERS; i++)
		if (!IS_ERR(mappers[i].task))
			kthread_stop(mappers[i].task);

	kunit_info(test, "%d mapped, %d again, %d too big, %d busy, %u removals",
		   atomic_read(&race->mapped), atomic_read(&race->again),
		   atomic_read(&race->too_big), atomic_read(&race->busy), race->removed);
	KUNIT_EXPECT_EQ(test, atomic_read(&race->wrong), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&race->mapped), 0);
	KUNIT_EXPECT_GT(test, race->removed, 0);

	write_lock(&race->vm->mmu_lock);
	pgtable_unmap(race->pt, everything, false);
	write_unlock(&race->vm->mmu_lock);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&race->pt->tables), 0);
}

static struct kunit_case core_pgtable_race_cases[] = {
	KUNIT_CASE_PARAM(map_and_unmap, suite_format_next),
	{ }
};

static struct kunit_suite core_pgtable_race_suite = {
	.name		= "core_pgtable_race",
	.test_cases	= core_pgtable_race_cases,
};

kunit_test_suite(core_pgtable_race_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups: entries of the last level that hardware may take for one larger leaf.
 * Whatever happens to a part of one happens to all of it, and it is there only
 * where all that it covers is alike.  Histories with groups are in pgtable_test.c.
 */
#include "machine.h"

#define ORDER	4
#define PAGES	16UL
#define BLOCK	(PAGES * PAGE_SIZE)

#define READ_WRITE	(PROT_GUEST_READ | PROT_GUEST_WRITE)

static void for_each_group_format(void (*run)(const struct pgtable_format *format))
{
	const struct pgtable_format *const *format;
	int count = 0;

	for (format = formats; *format; format++) {
		if (!(*format)->group_order)
			continue;
		printf("# %s\n", (*format)->name);
		CHECK_EQ((*format)->group_order, ORDER);
		run(*format);
		count++;
	}
	CHECK(count);
}

/* --- the library ---------------------------------------------------------------- */

static struct vm *vm;
static struct pgtable *pt;
static struct page_cache cache;

static struct gfn_range flushed;
static int flushes;

static void note_flush(struct vm *of, struct gfn_range range)
{
	flushed = range;
	flushes++;
}

static void tree_create(const struct pgtable_format *format)
{
	vm = calloc(1, sizeof(*vm));
	rwlock_init(&vm->mmu_lock);
	pt = &vm->as[0].pgtable;
	CHECK_EQ(pgtable_create(pt, vm, 0, format), 0);
	fake_flush_hook = note_flush;
	flushes = 0;
}

static void tree_destroy(void)
{
	fake_flush_hook = NULL;
	page_cache_drain(&cache);
	pgtable_destroy(pt);
	CHECK_EQ(shim_allocated, 0);
	free(vm);
}

static int map_here(gfn_t gfn, u8 order, u8 prot)
{
	struct mmu_map map = {
		.gpa = gfn_to_gpa(gfn), .hpa = gfn_to_gpa(gfn), .order = order, .prot = prot,
	};

	return pgtable_map(pt, &cache, &map);
}

static int map_at(gfn_t gfn, u8 order, u8 prot)
{
	int ret;

	CHECK_EQ(pgtable_cache_fill(pt, &cache), 0);
	read_lock(&vm->mmu_lock);
	ret = map_here(gfn, order, prot);
	read_unlock(&vm->mmu_lock);

	return ret;
}

static int order_at(gfn_t gfn)
{
	int level;
	u64 pte;

	if (!format_walk(pt, gfn_to_gpa(gfn), &pte, &level))
		return -1;
	CHECK_EQ(format_target(pt->format, pte, level, gfn_to_gpa(gfn)), gfn_to_gpa(gfn));

	return format_leaf_order(pt->format, pte, level);
}

/* So many pages of the block have a leaf of this order (-1: none). */
static void expect_pages(gfn_t first, unsigned int count, int order)
{
	unsigned int i, found = 0;

	for (i = 0; i < PAGES; i++)
		found += order_at(first + i) == order;
	CHECK_EQ(found, count);
}

static struct gfn_range frames(gfn_t start, gfn_t end)
{
	return (struct gfn_range) { .start = start, .end = end };
}

static void run_whole(const struct pgtable_format *format)
{
	bool any;

	tree_create(format);
	CHECK_EQ(pgtable_leaf_order(format, ORDER), ORDER);
	CHECK_EQ(pgtable_leaf_order(format, ORDER - 1), 0);
	CHECK_EQ(pgtable_leaf_order(format, 8), ORDER);
	/* One page that stays, so that the table does. */
	CHECK_EQ(map_at(0, 0, READ_WRITE), 0);
	CHECK_EQ(map_at(PAGES, ORDER, READ_WRITE), 0);
	CHECK_EQ(map_at(2 * PAGES, ORDER, READ_WRITE), 0);
	expect_pages(PAGES, PAGES, ORDER);
	CHECK_EQ(vm->stats.pages_mapped, 2 * PAGES + 1);
	/* What it grants already is served by it. */
	CHECK_EQ(map_at(PAGES + 3, 0, READ_WRITE), 0);
	CHECK_EQ(map_at(PAGES, ORDER, PROT_GUEST_READ), 0);
	CHECK_EQ(flushes, 0);

	/* One page of it takes it all away, out of the TLB too, and nothing beside. */
	write_lock(&vm->mmu_lock);
	any = pgtable_unmap(pt, frames(PAGES + 5, PAGES + 6), true);
	write_unlock(&vm->mmu_lock);
	CHECK(any);
	CHECK_EQ(flushes, 1);
	CHECK_EQ(flushed.start, PAGES);
	CHECK_EQ(flushed.end, 2 * PAGES);
	expect_pages(PAGES, PAGES, -1);
	expect_pages(2 * PAGES, PAGES, ORDER);
	CHECK_EQ(vm->stats.pages_unmapped, PAGES);
	/* The last of one and the first of another. */
	CHECK_EQ(map_at(PAGES, ORDER, READ_WRITE), 0);
	write_lock(&vm->mmu_lock);
	pgtable_unmap(pt, frames(2 * PAGES - 1, 2 * PAGES + 1), true);
	write_unlock(&vm->mmu_lock);
	CHECK_EQ(flushed.start, PAGES);
	CHECK_EQ(flushed.end, 3 * PAGES);
	write_lock(&vm->mmu_lock);
	pgtable_unmap(pt, frames(0, 1), true);
	write_unlock(&vm->mmu_lock);
	CHECK_EQ(atomic_long_read(&pt->tables), 0);
	tree_destroy();
}

TEST(group_comes_and_goes_whole)
{
	for_each_group_format(run_whole);
}

static void run_in_the_way(const struct pgtable_format *format)
{
	u8 huge = format->level[1].shift - PAGE_SHIFT;
	gfn_t next = BIT_ULL(huge);

	tree_create(format);
	CHECK_EQ(map_at(PAGES + 7, 0, READ_WRITE), 0);
	CHECK_EQ(map_at(PAGES, ORDER, READ_WRITE), -E2BIG);
	expect_pages(PAGES, 1, 0);
	expect_pages(PAGES, PAGES - 1, -1);

	/* A part of a group does not become something else beside the rest. */
	CHECK_EQ(map_at(2 * PAGES, ORDER, PROT_GUEST_READ), 0);
	CHECK_EQ(map_at(2 * PAGES + 1, 0, READ_WRITE), -EBUSY);
	CHECK_EQ(map_at(2 * PAGES, ORDER, READ_WRITE), -EBUSY);
	expect_pages(2 * PAGES, PAGES, ORDER);

	/* A huge leaf serves; where it does not it is split into single pages. */
	CHECK_EQ(map_at(next, huge, PROT_GUEST_READ), 0);
	CHECK_EQ(map_at(next + PAGES, ORDER, PROT_GUEST_READ), 0);
	expect_pages(next + PAGES, PAGES, huge);
	CHECK_EQ(map_at(next + PAGES, ORDER, READ_WRITE), -E2BIG);
	expect_pages(next + PAGES, PAGES, 0);
	tree_destroy();
}

TEST(group_takes_only_empty_places)
{
	for_each_group_format(run_in_the_way);
}

static void run_protect(const struct pgtable_format *format)
{
	tree_create(format);
	CHECK_EQ(map_at(PAGES, ORDER, READ_WRITE), 0);
	CHECK_EQ(map_at(2 * PAGES, ORDER, READ_WRITE), 0);
	write_lock(&vm->mmu_lock);
	CHECK(pgtable_write_protect(pt, frames(PAGES + 2, PAGES + 3)));
	/* What is gone is flushed before the lock is let go of. */
	CHECK_EQ(flushed.start, PAGES);
	CHECK_EQ(flushed.end, 2 * PAGES);
	write_unlock(&vm->mmu_lock);
	expect_pages(PAGES, PAGES, -1);
	expect_pages(2 * PAGES, PAGES, ORDER);
	tree_destroy();
}

TEST(group_is_removed_by_protection)
{
	for_each_group_format(run_protect);
}

static void run_protect_pages(const struct pgtable_format *format)
{
	struct pgtable_place place = { };
	gfn_t gfn;

	tree_create(format);
	CHECK_EQ(map_at(64, 0, READ_WRITE), 0);
	for (gfn = 0; gfn < 64; gfn += PAGES)
		CHECK_EQ(map_at(gfn, ORDER, READ_WRITE), 0);
	write_lock(&vm->mmu_lock);
	/* A page of two of them: each is flushed. */
	CHECK(pgtable_write_protect_pages(pt, &place, 0, BIT(1) | BIT(PAGES)));
	CHECK_EQ(flushes, 2);
	/* All that is left is one run, whatever has gone in the middle. */
	CHECK(pgtable_write_protect_pages(pt, &place, 0, ~0ULL));
	CHECK_EQ(flushes, 3);
	write_unlock(&vm->mmu_lock);
	for (gfn = 0; gfn < 64; gfn++)
		CHECK_EQ(order_at(gfn), -1);
	CHECK_EQ(order_at(64), 0);
	tree_destroy();
}

TEST(group_is_removed_by_the_word)
{
	for_each_group_format(run_protect_pages);
}

static bool age(gfn_t gfn, bool test)
{
	bool young;

	write_lock(&vm->mmu_lock);
	young = pgtable_age(pt, frames(gfn, gfn + 1), test);
	write_unlock(&vm->mmu_lock);

	return young;
}

static void run_age(const struct pgtable_format *format)
{
	tree_create(format);
	CHECK_EQ(map_at(PAGES, ORDER, READ_WRITE), 0);
	CHECK(age(PAGES + 9, true));
	CHECK(age(PAGES + 9, false));
	CHECK(!age(PAGES + 2, true));
	CHECK(!age(PAGES + 2, false));
	expect_pages(PAGES, PAGES, format->is_old ? ORDER : -1);
	/* A fault anywhere in it: hardware may look at any of the entries. */
	CHECK_EQ(map_at(PAGES, ORDER, READ_WRITE), 0);
	CHECK(age(PAGES + 15, true));
	CHECK(age(PAGES + 15, false));
	CHECK_EQ(map_at(PAGES + 6, 0, READ_WRITE), 0);
	CHECK(age(PAGES + 6, true));
	tree_destroy();
}

TEST(group_is_young_as_a_whole)
{
	for_each_group_format(run_age);
}

/* --- two at once: the second comes in the middle of the first --------------------- */

static int other_order, other_ret;
static gfn_t other_gfn;
static bool other_late;

/* At entry 3, when it is locked or, late, when it is filled. */
static void interrupt(u64 *ptep, u64 old, u64 new, int level)
{
	if (level || (unsigned long)ptep % 128 / 8 != 3 ||
	    (other_late ? old : new) != pt->format->locked)
		return;
	format_hook = NULL;
	other_ret = map_here(other_gfn, other_order, READ_WRITE);
}

static int map_interrupted(gfn_t gfn, int order, bool late)
{
	int ret;

	other_gfn = gfn;
	other_order = order;
	other_late = late;
	other_ret = 1;
	format_hook = interrupt;
	ret = map_at(PAGES, ORDER, READ_WRITE);
	CHECK(!format_hook);

	return ret;
}

/* The first gets its group, and the other this. */
static void expect_first_wins(gfn_t gfn, int order, bool late, int ret)
{
	CHECK_EQ(map_interrupted(gfn, order, late), 0);
	CHECK_EQ(other_ret, ret);
	expect_pages(PAGES, PAGES, ORDER);
	write_lock(&vm->mmu_lock);
	pgtable_unmap(pt, frames(PAGES, PAGES + 1), true);
	write_unlock(&vm->mmu_lock);
}

static void run_at_once(const struct pgtable_format *format)
{
	tree_create(format);
	/* So that there is a table. */
	CHECK_EQ(map_at(0, 0, READ_WRITE), 0);

	/* What the first has locked comes later; what it has filled serves. */
	expect_first_wins(PAGES + 2, 0, false, -EAGAIN);
	expect_first_wins(PAGES, ORDER, false, -EAGAIN);
	expect_first_wins(PAGES + 2, 0, true, 0);
	expect_first_wins(PAGES, ORDER, true, 0);
	expect_first_wins(PAGES + 9, 0, true, -EAGAIN);

	/* What it has not got to yet is the other's: the first steps back. */
	CHECK_EQ(map_interrupted(PAGES + 9, 0, false), -E2BIG);
	CHECK_EQ(other_ret, 0);
	expect_pages(PAGES, 1, 0);
	expect_pages(PAGES, PAGES - 1, -1);
	CHECK_EQ(map_at(PAGES + 2, 0, READ_WRITE), 0);
	tree_destroy();
}

TEST(group_and_another_fault_at_once)
{
	for_each_group_format(run_at_once);
}

/* --- faults ------------------------------------------------------------------------- */

#define GPA	(4UL << 20)

static struct machine m;

static void begin(const struct pgtable_format *format)
{
	fake_format = format;
	machine_create(&m, 1);
	shim_host_set(m.memory, MEMORY_SIZE, 0, ORDER);
	CHECK_EQ(machine_slot(&m, 0, GPA, 8UL << 20, m.memory, 0), 0);
}

static void expect_store(u64 gpa, u64 value, int order)
{
	CHECK_EQ(machine_store(&m, gpa, value), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	CHECK_EQ(*(u64 *)(m.memory + gpa - GPA), value);
	CHECK_EQ(machine_order(&m, gpa), order);
}

static u64 load(u64 gpa)
{
	u64 value = 0;

	CHECK_EQ(machine_load(&m, gpa, &value), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);

	return value;
}

static void run_agrees(const struct pgtable_format *format)
{
	u64 i;

	begin(format);
	for (i = 0; i < PAGES; i++)
		expect_store(GPA + i * PAGE_SIZE + 8, i, ORDER);
	CHECK_EQ(m.vcpu->stats.faults, 1);
	CHECK(PageDirty(virt_to_page(m.memory)));

	/* Not where one page is not there, is not writable, or is of another folio. */
	shim_host_set(m.memory + BLOCK + PAGE_SIZE, PAGE_SIZE, HOST_SLOW, ORDER);
	shim_host_set(m.memory + 2 * BLOCK + PAGE_SIZE, PAGE_SIZE, HOST_NO_WRITE, ORDER);
	shim_host_set(m.memory + 3 * BLOCK + PAGE_SIZE, PAGE_SIZE, 0, 0);
	for (i = 1; i < 4; i++)
		expect_store(GPA + i * BLOCK, i, 0);
	/* A larger folio of base pages is as good. */
	shim_host_set(m.memory + 4 * BLOCK, 2 * BLOCK, 0, ORDER + 1);
	expect_store(GPA + 5 * BLOCK, 1, ORDER);
	CHECK_EQ(machine_order(&m, GPA + 4 * BLOCK), -ENOENT);
	CHECK_EQ(shim_page_refs(), 0);
	machine_destroy(&m);
}

TEST(fault_uses_groups_where_all_agrees)
{
	for_each_group_format(run_agrees);
}

static void run_slots(const struct pgtable_format *format)
{
	const u64 far = 64UL << 20, other = 96UL << 20, logged = 128UL << 20;

	begin(format);
	/* A slot that begins and ends inside a block. */
	CHECK_EQ(machine_slot(&m, 1, far + PAGE_SIZE, 2 * BLOCK, m.memory + PAGE_SIZE, 0), 0);
	/* Not aligned alike; with a log; read-only. */
	CHECK_EQ(machine_slot(&m, 2, other, 2 * BLOCK, m.memory + PAGE_SIZE, 0), 0);
	CHECK_EQ(machine_slot(&m, 3, logged, 2 * BLOCK, m.memory, KVM_MEM_LOG_DIRTY_PAGES), 0);
	CHECK_EQ(machine_slot(&m, 4, 2 * logged, 2 * BLOCK, m.memory, KVM_MEM_READONLY), 0);
	load(far + 5 * PAGE_SIZE);
	CHECK_EQ(machine_order(&m, far + 5 * PAGE_SIZE), 0);
	load(far + BLOCK);
	CHECK_EQ(machine_order(&m, far + BLOCK), ORDER);
	load(far + 2 * BLOCK);
	CHECK_EQ(machine_order(&m, far + 2 * BLOCK), 0);
	load(other);
	CHECK_EQ(machine_order(&m, other), 0);
	CHECK_EQ(machine_store(&m, logged, 1), 0);
	CHECK_EQ(machine_order(&m, logged), 0);
	load(2 * logged);
	CHECK_EQ(machine_order(&m, 2 * logged), ORDER);
	CHECK_EQ(machine_store(&m, 2 * logged + PAGE_SIZE, 1), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MMIO);
	machine_destroy(&m);
}

TEST(fault_keeps_groups_inside_of_slots)
{
	for_each_group_format(run_slots);
}

static void run_notifier(const struct pgtable_format *format)
{
	u64 i, value;

	begin(format);
	for (i = 0; i < PAGES; i++)
		expect_store(GPA + i * PAGE_SIZE, 100 + i, ORDER);
	/* One page of it: the host takes it away, the others stay what they are. */
	shim_invalidate_start(m.memory + 3 * PAGE_SIZE, PAGE_SIZE, true);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(machine_order(&m, GPA + i * PAGE_SIZE), -ENOENT);
	/* While it is under way the host's tables still say that all of it is there. */
	CHECK_EQ(load(GPA), 100);
	CHECK_EQ(machine_order(&m, GPA), 0);
	CHECK_EQ(machine_order(&m, GPA + 3 * PAGE_SIZE), -ENOENT);
	/* Nor is it the time for a group beside it that is not touched. */
	expect_store(GPA + BLOCK, 1, ORDER);
	shim_host_set(m.memory + 3 * PAGE_SIZE, PAGE_SIZE, HOST_ABSENT, 0);
	shim_invalidate_end(m.memory + 3 * PAGE_SIZE, PAGE_SIZE);
	for (i = 0; i < PAGES; i++) {
		if (i == 3)
			continue;
		CHECK_EQ(load(GPA + i * PAGE_SIZE), 100 + i);
		CHECK_EQ(machine_order(&m, GPA + i * PAGE_SIZE), 0);
	}
	CHECK_EQ(machine_load(&m, GPA + 3 * PAGE_SIZE, &value), -EFAULT);
	machine_destroy(&m);
}

TEST(group_ends_with_a_page_of_it)
{
	for_each_group_format(run_notifier);
}

static void run_upgrade(const struct pgtable_format *format)
{
	u8 prot;

	begin(format);
	/* All become writable at once: a group again. */
	shim_host_set(m.memory, BLOCK, HOST_NO_WRITE, ORDER);
	load(GPA + 2 * PAGE_SIZE);
	CHECK_EQ(machine_order(&m, GPA), ORDER);
	machine_level(&m, GPA, &prot);
	CHECK(!(prot & PROT_GUEST_WRITE));
	expect_store(GPA + PAGE_SIZE, 1, ORDER);
	CHECK_EQ(m.vcpu->stats.faults, 2);
	machine_level(&m, GPA + 9 * PAGE_SIZE, &prot);
	CHECK(prot & PROT_GUEST_WRITE);

	/* Only one does: the others come back by themselves. */
	shim_host_set(m.memory + BLOCK, BLOCK, HOST_NO_WRITE, ORDER);
	shim_host_set(m.memory + BLOCK + PAGE_SIZE, PAGE_SIZE, HOST_NO_WRITE, ORDER);
	load(GPA + BLOCK);
	CHECK_EQ(machine_order(&m, GPA + BLOCK + PAGE_SIZE), ORDER);
	expect_store(GPA + BLOCK + PAGE_SIZE, 1, 0);
	CHECK_EQ(machine_order(&m, GPA + BLOCK), -ENOENT);
	load(GPA + BLOCK);
	CHECK_EQ(machine_order(&m, GPA + BLOCK), 0);
	machine_level(&m, GPA + BLOCK, &prot);
	CHECK(!(prot & PROT_GUEST_WRITE));
	machine_destroy(&m);
}

TEST(fault_wants_more_than_the_group_grants)
{
	for_each_group_format(run_upgrade);
}

static void run_log(const struct pgtable_format *format)
{
	u64 bitmap[32] = { };
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = bitmap };

	begin(format);
	expect_store(GPA, 1, ORDER);
	expect_store(GPA + BLOCK, 1, ORDER);
	CHECK_EQ(machine_slot(&m, 0, GPA, 8UL << 20, m.memory, KVM_MEM_LOG_DIRTY_PAGES), 0);
	expect_store(GPA + 5 * PAGE_SIZE, 2, 0);
	expect_store(GPA + BLOCK, 2, 0);
	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_GET_DIRTY_LOG, (unsigned long)&log), 0);
	CHECK_EQ(bitmap[0], BIT(5) | BIT(16));
	/* Off: large again. */
	CHECK_EQ(machine_slot(&m, 0, GPA, 8UL << 20, m.memory, 0), 0);
	expect_store(GPA + 6 * PAGE_SIZE, 3, ORDER);
	machine_destroy(&m);
}

TEST(dirty_log_takes_groups_apart)
{
	for_each_group_format(run_log);
}

static void run_device(const struct pgtable_format *format)
{
	begin(format);
	expect_store(GPA, 1, ORDER);
	CHECK_EQ(mmu_map_device(m.vm, GPA + PAGE_SIZE, 1UL << 40, MEMTYPE_DEVICE), 0);
	CHECK_EQ(machine_order(&m, GPA + PAGE_SIZE), 0);
	CHECK_EQ(machine_order(&m, GPA), -ENOENT);
	expect_store(GPA, 2, 0);
	mmu_unmap_device(m.vm, GPA + PAGE_SIZE);
	machine_destroy(&m);
}

TEST(device_mapping_in_the_place_of_a_group)
{
	for_each_group_format(run_device);
}

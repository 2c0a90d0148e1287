// SPDX-License-Identifier: GPL-2.0-only
/* Faults and the notifier: a guest's accesses while its host does what hosts do. */
#include <unistd.h>

#include "machine.h"

#define GPA	(4UL << 20)

static struct machine m;

static void begin(void)
{
	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, 8UL << 20, m.memory, 0), 0);
}

static void expect_store(u64 gpa, u64 value)
{
	CHECK_EQ(machine_store(&m, gpa, value), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	CHECK_EQ(*(u64 *)(m.memory + gpa - GPA), value);
}

static void expect_load(u64 gpa, u64 value)
{
	u64 loaded;

	CHECK_EQ(machine_load(&m, gpa, &loaded), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	CHECK_EQ(loaded, value);
}

TEST(fault_maps_what_the_slot_says)
{
	const struct pgtable_format *const *format;

	for (format = formats; *format; format++) {
		fake_format = *format;
		begin();
		expect_store(GPA + 8, 0x1122334455667788);
		CHECK(PageDirty(virt_to_page(m.memory)));
		CHECK_EQ(shim_page_refs(), 0);
		*(u64 *)(m.memory + 5 * PAGE_SIZE) = 42;
		expect_load(GPA + 5 * PAGE_SIZE, 42);
		expect_store(GPA + (8UL << 20) - 8, 7);
		CHECK_EQ(m.vcpu->stats.faults, 3);
		/* Again: no fault. */
		expect_store(GPA + 16, 3);
		CHECK_EQ(m.vcpu->stats.faults, 3);
		machine_destroy(&m);
	}
}

TEST(fault_reads_map_writable_only_what_is)
{
	u8 prot;

	begin();
	shim_host_set(m.memory, PAGE_SIZE, HOST_NO_WRITE, 0);
	expect_load(GPA, 0);
	CHECK_EQ(machine_level(&m, GPA, &prot), 0);
	CHECK(!(prot & PROT_GUEST_WRITE));
	CHECK(!PageDirty(virt_to_page(m.memory)));
	expect_store(GPA, 9);
	machine_level(&m, GPA, &prot);
	CHECK(prot & PROT_GUEST_WRITE);
	CHECK(PageDirty(virt_to_page(m.memory)));

	expect_load(GPA + PAGE_SIZE, 0);
	machine_level(&m, GPA + PAGE_SIZE, &prot);
	CHECK(prot & PROT_GUEST_WRITE);
	CHECK(PageDirty(virt_to_page(m.memory + PAGE_SIZE)));
	machine_destroy(&m);
}

static bool referenced;

static void note_reference(void)
{
	referenced = true;
}

static bool takes_reference(u64 page, unsigned int flags)
{
	shim_host_set(m.memory + page * PAGE_SIZE, PAGE_SIZE, flags, 0);
	referenced = false;
	shim_after_gup = note_reference;
	expect_store(GPA + page * PAGE_SIZE, page);
	shim_after_gup = NULL;

	return referenced;
}

TEST(fault_takes_a_reference_only_where_it_has_to)
{
	begin();
	CHECK(!takes_reference(0, 0));
	CHECK(takes_reference(1, HOST_OWNED));
	CHECK(takes_reference(2, HOST_SLOW));
	CHECK(takes_reference(3, HOST_NO_WRITE));
	CHECK_EQ(shim_page_refs(), 0);
	machine_destroy(&m);
}

TEST(fault_uses_huge_leaves_where_all_agrees)
{
	machine_create(&m, 1);
	shim_host_set(m.memory, MEMORY_SIZE, 0, 9);
	/* Aligned alike; a slot that ends in the middle of the second block. */
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE + HUGE / 2, m.memory, 0), 0);
	/* Not aligned alike. */
	CHECK_EQ(machine_slot(&m, 1, 16UL << 20, HUGE, m.memory + HUGE + PAGE_SIZE, 0), 0);
	/* With a log. */
	CHECK_EQ(machine_slot(&m, 2, 32UL << 20, HUGE, m.memory + 2 * HUGE,
			      KVM_MEM_LOG_DIRTY_PAGES), 0);
	CHECK_EQ(machine_store(&m, GPA + 12345 * 8, 1), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), 1);
	CHECK_EQ(machine_store(&m, GPA + HUGE, 1), 0);
	CHECK_EQ(machine_level(&m, GPA + HUGE, NULL), 0);
	CHECK_EQ(machine_store(&m, 16UL << 20, 1), 0);
	CHECK_EQ(machine_level(&m, 16UL << 20, NULL), 0);
	CHECK_EQ(machine_store(&m, 32UL << 20, 1), 0);
	CHECK_EQ(machine_level(&m, 32UL << 20, NULL), 0);
	machine_destroy(&m);
}

/* Are exactly the pages [first, end) of the slot at ODD mapped, of those around them? */
#define ODD	(64UL << 20)

static void expect_mapped(u64 first, u64 end)
{
	u64 page;

	CHECK_EQ(machine_level(&m, ODD + (first - 1) * PAGE_SIZE, NULL), -ENOENT);
	for (page = first; page < end; page++)
		CHECK_EQ(machine_level(&m, ODD + page * PAGE_SIZE, NULL), 0);
	CHECK_EQ(machine_level(&m, ODD + end * PAGE_SIZE, NULL), -ENOENT);
}

static void odd_store(u64 page)
{
	CHECK_EQ(machine_store(&m, ODD + page * PAGE_SIZE, 5), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
}

/* A slot of @npages from the page @first on, a page off from where huge leaves would fit. */
static void odd_slot(u64 first, u64 npages, u32 flags)
{
	CHECK_EQ(machine_slot(&m, 1, ODD + first * PAGE_SIZE, npages * PAGE_SIZE,
			      m.memory + (first + 1) * PAGE_SIZE, flags), 0);
}

TEST(fault_maps_what_lies_beside_in_a_huge_page)
{
	const struct pgtable_format *const *format;
	u8 prot;

	for (format = formats; *format; format++) {
		fake_format = *format;
		machine_create(&m, 1);
		shim_host_set(m.memory, MEMORY_SIZE, 0, 9);
		odd_slot(5, 1024, 0);
		odd_store(36);
		expect_mapped(32, 48);
		machine_level(&m, ODD + 47 * PAGE_SIZE, &prot);
		CHECK(prot & PROT_GUEST_WRITE);
		CHECK_EQ(m.vcpu->stats.faults, 1);
		odd_store(32);
		odd_store(47);
		CHECK_EQ(m.vcpu->stats.faults, 1);
		/* Where the slot begins, and where the huge page ends or begins. */
		odd_store(6);
		expect_mapped(5, 16);
		odd_store(500);
		expect_mapped(496, 511);
		odd_store(511);
		expect_mapped(496, 512);
		CHECK_EQ(m.vcpu->stats.faults, 4);
		/* What is mapped stays as it is: two of it go, and come back. */
		shim_invalidate(m.memory + (33 + 1) * PAGE_SIZE, 2 * PAGE_SIZE);
		CHECK_EQ(machine_level(&m, ODD + 33 * PAGE_SIZE, NULL), -ENOENT);
		CHECK_EQ(machine_level(&m, ODD + 35 * PAGE_SIZE, NULL), 0);
		odd_store(34);
		expect_mapped(32, 48);
		machine_destroy(&m);
	}
	fake_format = formats[0];
}

TEST(fault_maps_nothing_beside_that_goes_or_is_logged)
{
	machine_create(&m, 1);
	shim_host_set(m.memory, MEMORY_SIZE, 0, 9);
	odd_slot(0, 1024, 0);
	shim_invalidate_start(m.memory + (40 + 1) * PAGE_SIZE, PAGE_SIZE, true);
	odd_store(36);
	expect_mapped(36, 37);
	shim_invalidate_end(m.memory + (40 + 1) * PAGE_SIZE, PAGE_SIZE);
	odd_slot(0, 0, 0);
	/* A log counts pages. */
	odd_slot(0, 1024, KVM_MEM_LOG_DIRTY_PAGES);
	odd_store(36);
	expect_mapped(36, 37);
	odd_slot(0, 0, 0);
	/* Pages of no huge one. */
	shim_host_set(m.memory, MEMORY_SIZE, 0, 0);
	odd_slot(0, 1024, 0);
	odd_store(36);
	expect_mapped(36, 37);
	machine_destroy(&m);
}

TEST(fault_joins_small_leaves_that_are_there)
{
	begin();
	expect_store(GPA, 1);
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
	/* The host made it huge without a word: never mind. */
	shim_host_set(m.memory, HUGE, 0, 9);
	expect_store(GPA + PAGE_SIZE, 2);
	CHECK_EQ(machine_level(&m, GPA + PAGE_SIZE, NULL), 0);
	/* When it says so, the next one is huge. */
	shim_invalidate(m.memory, HUGE);
	expect_store(GPA + PAGE_SIZE, 3);
	CHECK_EQ(machine_level(&m, GPA, NULL), 1);
	machine_destroy(&m);
}

static void fetch(u64 gpa)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_FETCH, .gpa = gpa }, { .opcode = FAKE_STOP },
	};

	CHECK_EQ(machine_run(&m, 0, program, 2), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
}

/* A format whose hardware must not find instructions in anything large. */
TEST(fault_executes_no_huge_leaf_where_none_may)
{
	struct pgtable_format format = *formats[0];
	u8 prot;

	format.exec_small = true;
	fake_format = &format;
	machine_create(&m, 1);
	shim_host_set(m.memory, MEMORY_SIZE, 0, 9);
	CHECK_EQ(machine_slot(&m, 0, GPA, 2 * HUGE, m.memory, 0), 0);
	/* Data is in large leaves, without the right. */
	expect_store(GPA, 1);
	CHECK_EQ(machine_level(&m, GPA, &prot), 1);
	CHECK_EQ(prot, PROT_GUEST_READ | PROT_GUEST_WRITE);
	/* The first instruction takes that of its page out. */
	fetch(GPA + PAGE_SIZE);
	CHECK_EQ(machine_level(&m, GPA + PAGE_SIZE, &prot), 0);
	CHECK_EQ(prot, PROT_GUEST_ALL);
	CHECK_EQ(machine_level(&m, GPA, &prot), 0);
	CHECK_EQ(prot, PROT_GUEST_READ | PROT_GUEST_WRITE);
	/* Where instructions came first, all stays small. */
	fetch(GPA + HUGE);
	CHECK_EQ(machine_level(&m, GPA + HUGE, &prot), 0);
	CHECK_EQ(prot, PROT_GUEST_ALL);
	expect_store(GPA + HUGE + PAGE_SIZE, 2);
	CHECK_EQ(machine_level(&m, GPA + HUGE + PAGE_SIZE, NULL), 0);
	machine_destroy(&m);
}

/* --- the notifier --------------------------------------------------------------- */

static void invalidate_first(void)
{
	shim_invalidate(m.memory, PAGE_SIZE);
}

TEST(fault_retries_after_an_invalidation)
{
	u64 entries;

	begin();
	shim_host_set(m.memory, PAGE_SIZE, HOST_OWNED, 0);
	entries = m.vcpu->arch.entries;
	shim_after_gup = invalidate_first;
	expect_store(GPA, 5);
	/* Fault, again fault, done. */
	CHECK_EQ(m.vcpu->stats.faults, 2);
	CHECK_EQ(m.vcpu->arch.entries - entries, 3);
	machine_destroy(&m);
}

TEST(fault_waits_for_invalidations_under_way)
{
	begin();
	shim_invalidate_start(m.memory, PAGE_SIZE, true);
	shim_invalidate_start(m.memory + 4 * PAGE_SIZE, PAGE_SIZE, true);
	/* Inside the hull of the two, and outside of it. */
	CHECK_EQ(vcpu_fault(m.vcpu, GPA, PROT_GUEST_WRITE), FAULT_MAPPED);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA + 2 * PAGE_SIZE, PROT_GUEST_WRITE), FAULT_MAPPED);
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	CHECK_EQ(machine_level(&m, GPA + 2 * PAGE_SIZE, NULL), -ENOENT);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA + 5 * PAGE_SIZE, PROT_GUEST_WRITE), FAULT_MAPPED);
	CHECK_EQ(machine_level(&m, GPA + 5 * PAGE_SIZE, NULL), 0);

	shim_invalidate_end(m.memory, PAGE_SIZE);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA, PROT_GUEST_WRITE), FAULT_MAPPED);
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	shim_invalidate_end(m.memory + 4 * PAGE_SIZE, PAGE_SIZE);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA, PROT_GUEST_WRITE), FAULT_MAPPED);
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
	machine_destroy(&m);
}

/* A slot made in the middle of an invalidation is bound by it too. */
TEST(fault_in_a_slot_newer_than_the_invalidation)
{
	machine_create(&m, 1);
	shim_invalidate_start(m.memory, PAGE_SIZE, true);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA, PROT_GUEST_WRITE), FAULT_MAPPED);
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	shim_invalidate_end(m.memory, PAGE_SIZE);
	machine_destroy(&m);
}

TEST(notifier_takes_every_alias_away)
{
	u64 value;
	int flushes;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1, 64UL << 20, HUGE, m.memory + HUGE / 2, 0), 0);
	CHECK_EQ(machine_store(&m, GPA + HUGE / 2, 1), 0);
	CHECK_EQ(machine_load(&m, 64UL << 20, &value), 0);
	CHECK_EQ(value, 1);
	/* Partly beside, and half a page in: whole pages go. */
	flushes = fake_flushes;
	shim_invalidate(m.memory + HUGE / 2 - 100, 200);
	CHECK(fake_flushes > flushes);
	CHECK_EQ(machine_level(&m, GPA + HUGE / 2, NULL), -ENOENT);
	CHECK_EQ(machine_level(&m, 64UL << 20, NULL), -ENOENT);
	/* What nobody mapped costs nothing. */
	flushes = fake_flushes;
	shim_invalidate(m.memory + 8 * PAGE_SIZE, PAGE_SIZE);
	shim_invalidate(m.memory - HUGE, PAGE_SIZE);
	CHECK_EQ(fake_flushes, flushes);
	machine_destroy(&m);
}

TEST(notifier_empties_the_tlb_before_it_returns)
{
	u64 value;

	begin();
	expect_store(GPA, 11);
	shim_invalidate_start(m.memory, PAGE_SIZE, false);
	/* The host would reuse the page now; the guest has to fault for it. */
	shim_host_set(m.memory, PAGE_SIZE, HOST_ABSENT, 0);
	shim_invalidate_end(m.memory, PAGE_SIZE);
	CHECK_EQ(machine_load(&m, GPA, &value), -EFAULT);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MEMORY_FAULT);
	machine_destroy(&m);
}

static struct mmu_notifier *notifier(void)
{
	return &m.vm->notifier;
}

static int young(bool clear, bool flush)
{
	unsigned long start = (unsigned long)m.memory, end = start + PAGE_SIZE;

	if (!clear)
		return notifier()->ops->test_young(notifier(), &shim_mm, start);
	if (flush)
		return notifier()->ops->clear_flush_young(notifier(), &shim_mm, start, end);

	return notifier()->ops->clear_young(notifier(), &shim_mm, start, end);
}

TEST(notifier_ages)
{
	const struct pgtable_format *const *format;

	for (format = formats; *format; format++) {
		fake_format = *format;
		begin();
		CHECK_EQ(young(false, false), 0);
		expect_store(GPA, 1);
		CHECK_EQ(young(false, false), 1);
		CHECK_EQ(young(true, true), 1);
		CHECK_EQ(young(false, false), 0);
		CHECK_EQ(young(true, false), 0);
		/* Where it is not tracked the page comes back by a fault. */
		expect_store(GPA, 2);
		machine_destroy(&m);
	}
}

static void add_a_slot(void)
{
	static u32 id = 100;

	if (id < 110)
		CHECK_EQ(machine_slot(&m, id, (u64)id << 22, HUGE, m.memory, 0), 0);
	id++;
}

/* The tree of slots changes whenever the notifier lets go of the lock. */
TEST(notifier_yields_and_begins_again)
{
	const unsigned long size = 8UL << 20, step = 64 * PAGE_SIZE;
	unsigned long page;
	u64 i;

	begin();
	for (i = 0; i < 4; i++)
		CHECK_EQ(machine_slot(&m, 1 + i, (64UL + 8 * i) << 20, size, m.memory, 0), 0);
	for (page = 0; page < size; page += step)
		for (i = 0; i < 4; i++)
			CHECK_EQ(machine_store(&m, ((64UL + 8 * i) << 20) + page, 1), 0);
	shim_resched_every = 1;
	shim_break = add_a_slot;
	shim_invalidate(m.memory + PAGE_SIZE, size - 2 * PAGE_SIZE);
	shim_break = NULL;
	shim_resched_every = 0;
	CHECK(shim_break_count > 2);
	for (page = step; page < size; page += step)
		for (i = 0; i < 4; i++)
			CHECK_EQ(machine_level(&m, ((64UL + 8 * i) << 20) + page, NULL), -ENOENT);
	machine_destroy(&m);
}

TEST(notifier_release_unmaps_everything)
{
	begin();
	expect_store(GPA, 1);
	CHECK_EQ(mmu_map_device(m.vm, 1UL << 30, 1UL << 40, MEMTYPE_DEVICE), 0);
	CHECK_EQ(machine_level(&m, 1UL << 30, NULL), 0);
	notifier()->ops->release(notifier(), &shim_mm);
	notifier()->released = true;
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	CHECK_EQ(machine_level(&m, 1UL << 30, NULL), -ENOENT);
	CHECK_EQ(atomic_long_read(&m.vm->as[0].pgtable.tables), 0);
	machine_destroy(&m);
}

/* --- what can go wrong -------------------------------------------------------------- */

TEST(fault_failures_are_told_apart)
{
	u64 value;

	begin();
	shim_host_set(m.memory, PAGE_SIZE, HOST_ABSENT, 0);
	shim_host_set(m.memory + PAGE_SIZE, PAGE_SIZE, HOST_POISON, 0);
	shim_host_set(m.memory + 2 * PAGE_SIZE, PAGE_SIZE, HOST_READONLY, 0);
	shim_host_set(m.memory + 3 * PAGE_SIZE, PAGE_SIZE, HOST_INTERRUPTED, 0);

	CHECK_EQ(machine_load(&m, GPA + 16, &value), -EFAULT);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MEMORY_FAULT);
	CHECK_EQ(((struct host_memory_fault *)m.run->padding)->gpa, GPA);
	CHECK_EQ(((struct host_memory_fault *)m.run->padding)->size, PAGE_SIZE);
	CHECK_EQ(machine_load(&m, GPA + PAGE_SIZE, &value), -EHWPOISON);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MEMORY_FAULT);
	CHECK_EQ(machine_load(&m, GPA + 2 * PAGE_SIZE, &value), 0);
	CHECK_EQ(machine_store(&m, GPA + 2 * PAGE_SIZE, 1), -EFAULT);

	/* A signal that does not kill: back to user space, and the page later. */
	current->signal = true;
	CHECK_EQ(machine_load(&m, GPA + 3 * PAGE_SIZE, &value), -EINTR);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_INTR);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA + 3 * PAGE_SIZE, PROT_GUEST_READ), FAULT_MAPPED);
	current->killed = true;
	CHECK_EQ(vcpu_fault(m.vcpu, GPA + 3 * PAGE_SIZE, PROT_GUEST_READ), -EINTR);
	current->signal = current->killed = false;
	CHECK_EQ(shim_page_refs(), 0);
	machine_destroy(&m);
}

TEST(fault_without_memory_can_be_tried_again)
{
	int at, ret;

	begin();
	for (at = 1; ; at++) {
		shim_fail_at = at;
		ret = vcpu_fault(m.vcpu, GPA, PROT_GUEST_WRITE);
		if (ret != -ENOMEM)
			break;
		CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	}
	shim_fail_at = 0;
	CHECK_EQ(ret, FAULT_MAPPED);
	CHECK(at > 1);
	machine_destroy(&m);
}

TEST(fault_follows_mappings_without_pages)
{
	u64 value;
	u8 prot;

	begin();
	shim_host_set(m.memory, PAGE_SIZE, HOST_PFNMAP | HOST_DEVICE | HOST_SLOW, 0);
	shim_host_set(m.memory + PAGE_SIZE, PAGE_SIZE, HOST_PFNMAP | HOST_READONLY, 0);
	shim_host_set(m.memory + 2 * PAGE_SIZE, PAGE_SIZE, HOST_PFNMAP | HOST_NO_WRITE, 0);

	expect_store(GPA, 3);
	machine_level(&m, GPA, &prot);
	CHECK(!(prot & PROT_GUEST_EXEC));
	CHECK_EQ(machine_load(&m, GPA + PAGE_SIZE, &value), 0);
	CHECK_EQ(machine_store(&m, GPA + PAGE_SIZE, 1), -EFAULT);
	CHECK_EQ(machine_load(&m, GPA + 2 * PAGE_SIZE, &value), 0);
	machine_level(&m, GPA + 2 * PAGE_SIZE, &prot);
	CHECK(!(prot & PROT_GUEST_WRITE));
	CHECK_EQ(shim_page_refs(), 0);
	machine_destroy(&m);
}

TEST(fault_outside_of_slots_is_mmio)
{
	u64 value;

	begin();
	CHECK_EQ(machine_load(&m, GPA - 8, &value), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MMIO);
	CHECK_EQ(m.run->mmio.phys_addr, GPA - 8);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA - 1, PROT_GUEST_READ), FAULT_NO_SLOT);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA + (8UL << 20), PROT_GUEST_READ), FAULT_NO_SLOT);
	CHECK_EQ(vcpu_fault(m.vcpu, ~0ULL, PROT_GUEST_READ), FAULT_NO_SLOT);
	machine_destroy(&m);
}

TEST(device_mappings_come_and_go)
{
	begin();
	CHECK_EQ(mmu_map_device(m.vm, 1UL << 30, 1UL << 40, MEMTYPE_DEVICE), 0);
	CHECK_EQ(machine_level(&m, 1UL << 30, NULL), 0);
	/* In every address space. */
	CHECK(atomic_long_read(&m.vm->as[1].pgtable.tables) > 0);
	mmu_unmap_device(m.vm, 1UL << 30);
	CHECK_EQ(machine_level(&m, 1UL << 30, NULL), -ENOENT);
	shim_fail_at = 5;
	CHECK_EQ(mmu_map_device(m.vm, 1UL << 30, 1UL << 40, MEMTYPE_DEVICE), -ENOMEM);
	shim_fail_at = 0;
	CHECK_EQ(machine_level(&m, 1UL << 30, NULL), -ENOENT);
	machine_destroy(&m);
}

/* What is left of a huge leaf of memory must not become the device's kind of memory. */
TEST(device_mappings_replace_a_huge_leaf)
{
	machine_create(&m, 1);
	shim_host_set(m.memory, MEMORY_SIZE, 0, 9);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	expect_store(GPA, 1);
	CHECK_EQ(machine_level(&m, GPA, NULL), 1);
	CHECK_EQ(mmu_map_device(m.vm, GPA + PAGE_SIZE, 1UL << 40, MEMTYPE_DEVICE), 0);
	CHECK_EQ(machine_level(&m, GPA + PAGE_SIZE, NULL), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	/* The memory comes back, around the device. */
	expect_store(GPA, 2);
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
	CHECK_EQ(machine_level(&m, GPA + PAGE_SIZE, NULL), 0);
	machine_destroy(&m);
}

/* --- a slot that goes away ------------------------------------------------------------ */

static bool deleted;
static pthread_t deleter;

static void *delete_slot(void *data)
{
	shim_set_cpu(1);
	CHECK_EQ(machine_slot(&m, 0, GPA, 0, m.memory, 0), 0);
	__atomic_store_n(&deleted, true, __ATOMIC_SEQ_CST);

	return NULL;
}

static void begin_delete(void)
{
	pthread_create(&deleter, NULL, delete_slot, NULL);
	usleep(30000);
	CHECK(!__atomic_load_n(&deleted, __ATOMIC_SEQ_CST));
}

/* Deleting waits for a fault that has found the slot, and unmaps what it mapped. */
TEST(fault_keeps_its_slot_until_it_is_done)
{
	u64 value;

	begin();
	shim_host_set(m.memory, PAGE_SIZE, HOST_OWNED, 0);
	shim_after_gup = begin_delete;
	CHECK_EQ(machine_load(&m, GPA, &value), 0);
	pthread_join(deleter, NULL);
	CHECK(deleted);
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	CHECK_EQ(machine_load(&m, GPA, &value), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MMIO);
	machine_destroy(&m);
}

/* --- at the same time ------------------------------------------------------------------ */

static bool stop;

/* Counts in guest memory: a page that moved under it would lose a count. */
static void *run_counter(void *data)
{
	long index = (long)data;
	u64 gpa = GPA + index * PAGE_SIZE, count = 0;
	struct fake_insn program[] = {
		{ .opcode = FAKE_LOAD, .gpa = gpa },
		{ .opcode = FAKE_STORE, .gpa = gpa },
		{ .opcode = FAKE_STOP },
	};

	shim_set_cpu(index + 1);
	while (!READ_ONCE(stop)) {
		program[1].value = ++count;
		CHECK_EQ(machine_run(&m, index, program, 3), 0);
		CHECK_EQ(program[0].value, count - 1);
	}

	return NULL;
}

TEST(faults_race_with_the_notifier)
{
	pthread_t threads[3];
	long i;

	machine_create(&m, 3);
	CHECK_EQ(machine_slot(&m, 0, GPA, 8UL << 20, m.memory, 0), 0);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, run_counter, (void *)i);
	for (i = 0; i < 3000; i++) {
		shim_invalidate(m.memory + i % 3 * PAGE_SIZE, PAGE_SIZE << (i % 2));
		if (i % 16 == 0)
			young(true, true);
	}
	WRITE_ONCE(stop, true);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	machine_destroy(&m);
}

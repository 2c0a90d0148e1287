// SPDX-License-Identifier: GPL-2.0-only
/* The dirty log, in all its modes. */
#include "machine.h"

#define GPA	(4UL << 20)
#define PAGES	200		/* not a multiple of 64 */
#define LOG	KVM_MEM_LOG_DIRTY_PAGES
#define MANUAL	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE

static struct machine m;
static u64 map[PAGES / 64 + 1];

static long slot(u32 flags)
{
	return machine_slot(&m, 0, GPA, PAGES * PAGE_SIZE, m.memory, flags);
}

static long get_into(void *bitmap, u32 id)
{
	struct kvm_dirty_log log = { .slot = id, .dirty_bitmap = bitmap };

	return shim_ioctl(m.vm_fd, KVM_GET_DIRTY_LOG, (unsigned long)&log);
}

static void get(void)
{
	memset(map, 0xaa, sizeof(map));
	CHECK_EQ(get_into(map, 0), 0);
}

static long clear(u64 first, u32 count)
{
	struct kvm_clear_dirty_log log = {
		.first_page = first, .num_pages = count, .dirty_bitmap = map,
	};

	return shim_ioctl(m.vm_fd, KVM_CLEAR_DIRTY_LOG, (unsigned long)&log);
}

static void store(int page)
{
	CHECK_EQ(machine_store(&m, GPA + page * PAGE_SIZE, page), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
}

static void load(int page)
{
	u64 value;

	CHECK_EQ(machine_load(&m, GPA + page * PAGE_SIZE, &value), 0);
}

static void expect(u64 a, u64 b, u64 c, u64 d)
{
	CHECK_EQ(map[0], a);
	CHECK_EQ(map[1], b);
	CHECK_EQ(map[2], c);
	CHECK_EQ(map[3], d);
}

static void manual(u64 bits)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { bits },
	};

	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_ENABLE_CAP, (unsigned long)&cap), 0);
}

TEST(dirty_log_tells_each_write_once)
{
	const struct pgtable_format *const *format;

	for (format = formats; *format; format++) {
		fake_format = *format;
		machine_create(&m, 1);
		CHECK_EQ(slot(LOG), 0);
		get();
		expect(0, 0, 0, 0);
		store(0);
		store(63);
		load(5);
		store(64);
		store(PAGES - 1);
		store(0);
		get();
		expect(BIT(0) | BIT(63), BIT(0), 0, BIT((PAGES - 1) % 64));
		get();
		expect(0, 0, 0, 0);
		/* Protected again, in the tables and in the TLB. */
		store(63);
		get();
		expect(BIT(63), 0, 0, 0);
		machine_destroy(&m);
	}
}

/* Words of the log whose pages are in two tables, and a table that is not there. */
TEST(dirty_log_protects_across_tables)
{
	const u64 gpa = GPA + HUGE - 20 * PAGE_SIZE, missing = GPA + 8 * HUGE - 20 * PAGE_SIZE;
	u64 word = 0;
	u8 prot;
	int i;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, gpa, 64 * PAGE_SIZE, m.memory, LOG), 0);
	CHECK_EQ(machine_slot(&m, 1, missing, 64 * PAGE_SIZE, m.memory, LOG), 0);
	for (i = 0; i < 64; i += 3)
		CHECK_EQ(machine_store(&m, gpa + i * PAGE_SIZE, 1), 0);
	CHECK_EQ(machine_store(&m, missing + 63 * PAGE_SIZE, 1), 0);
	CHECK_EQ(get_into(&word, 0), 0);
	CHECK_EQ(word, 0x9249249249249249);
	for (i = 0; i < 64; i += 3) {
		CHECK_EQ(machine_level(&m, gpa + i * PAGE_SIZE, &prot), 0);
		CHECK(!(prot & PROT_GUEST_WRITE));
	}
	CHECK_EQ(get_into(&word, 1), 0);
	CHECK_EQ(word, 1ULL << 63);
	machine_level(&m, missing + 63 * PAGE_SIZE, &prot);
	CHECK(!(prot & PROT_GUEST_WRITE));
	/* And each is seen again. */
	for (i = 63; i >= 0; i -= 21)
		CHECK_EQ(machine_store(&m, gpa + i * PAGE_SIZE, 2), 0);
	CHECK_EQ(get_into(&word, 0), 0);
	CHECK_EQ(word, 1ULL << 63 | 1ULL << 42 | 1ULL << 21 | 1);
	machine_destroy(&m);
}

TEST(dirty_log_starts_on_what_is_mapped)
{
	machine_create(&m, 1);
	CHECK_EQ(slot(0), 0);
	store(1);
	store(70);
	CHECK_EQ(slot(LOG), 0);
	get();
	expect(0, 0, 0, 0);
	store(70);
	get();
	expect(0, BIT(6), 0, 0);
	CHECK_EQ(slot(0), 0);
	CHECK_EQ(get_into(map, 0), -ENOENT);
	store(1);
	machine_destroy(&m);
}

TEST(dirty_log_makes_leaves_small_and_large_again)
{
	machine_create(&m, 1);
	shim_host_set(m.memory, MEMORY_SIZE, 0, 9);
	CHECK_EQ(machine_slot(&m, 0, GPA, 2 * HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_store(&m, GPA, 1), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, 2 * HUGE, m.memory, LOG), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	CHECK_EQ(machine_store(&m, GPA, 1), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, 2 * HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_store(&m, GPA, 1), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), 1);
	machine_destroy(&m);
}

/* The host takes the page away and gives it to somebody else. */
static void host_takes_huge_page(void)
{
	shim_break = NULL;
	shim_invalidate_start(m.memory, HUGE, true);
	shim_host_set(m.memory, HUGE, HOST_ABSENT, 0);
	shim_invalidate_end(m.memory, HUGE);
	/* A TLB that still knew it would let the guest write to it. */
	CHECK_EQ(machine_store(&m, GPA, 2), -EFAULT);
}

/* Protection removes huge leaves and lets go of the lock before it is through. */
TEST(dirty_log_starts_while_the_host_takes_a_page)
{
	const struct pgtable_format *const *format;

	for (format = formats; *format; format++) {
		fake_format = *format;
		machine_create(&m, 1);
		shim_host_set(m.memory, MEMORY_SIZE, 0, 9);
		CHECK_EQ(machine_slot(&m, 0, GPA, 2 * HUGE, m.memory, 0), 0);
		CHECK_EQ(machine_store(&m, GPA, 1), 0);
		shim_resched_every = 1;
		shim_break = host_takes_huge_page;
		CHECK_EQ(machine_slot(&m, 0, GPA, 2 * HUGE, m.memory, LOG), 0);
		shim_resched_every = 0;
		CHECK(!shim_break);
		CHECK_EQ(*(u64 *)m.memory, 1);
		machine_destroy(&m);
	}
}

TEST(dirty_log_sees_writes_of_ours)
{
	u64 value = 5;
	int index;

	machine_create(&m, 1);
	CHECK_EQ(slot(LOG), 0);
	index = srcu_read_lock(&m.vm->srcu);
	CHECK_EQ(guest_write(m.vcpu, GPA + 2 * PAGE_SIZE - 4, &value, 8), 0);
	CHECK_EQ(vm_guest_write(m.vm, GPA + 7 * PAGE_SIZE, &value, 8), 0);
	CHECK_EQ(guest_cmpxchg(m.vcpu, GPA + 9 * PAGE_SIZE, 1, 2, 8), -EAGAIN);
	CHECK_EQ(guest_cmpxchg(m.vcpu, GPA + 10 * PAGE_SIZE, 0, 2, 8), 0);
	srcu_read_unlock(&m.vm->srcu, index);
	get();
	expect(BIT(1) | BIT(2) | BIT(7) | BIT(10), 0, 0, 0);
	machine_destroy(&m);
}

TEST(dirty_log_by_hand)
{
	machine_create(&m, 1);
	manual(MANUAL);
	CHECK_EQ(slot(LOG), 0);
	store(3);
	store(4);
	store(65);
	get();
	expect(BIT(3) | BIT(4), BIT(1), 0, 0);
	get();
	expect(BIT(3) | BIT(4), BIT(1), 0, 0);
	/* Only what is named, whatever else is dirty. */
	map[0] = BIT(3) | BIT(9);
	CHECK_EQ(clear(0, 64), 0);
	get();
	expect(BIT(4), BIT(1), 0, 0);
	store(4);
	store(3);
	get();
	expect(BIT(3) | BIT(4), BIT(1), 0, 0);
	memset(map, 0xff, sizeof(map));
	CHECK_EQ(clear(0, PAGES), 0);
	get();
	expect(0, 0, 0, 0);
	store(199);
	get();
	expect(0, 0, 0, BIT(7));
	machine_destroy(&m);
}

TEST(dirty_log_initially_full)
{
	u8 prot;

	machine_create(&m, 1);
	manual(MANUAL | KVM_DIRTY_LOG_INITIALLY_SET);
	CHECK_EQ(slot(0), 0);
	store(1);
	CHECK_EQ(slot(LOG), 0);
	/* Not protected yet: everything counts as dirty. */
	machine_level(&m, GPA + PAGE_SIZE, &prot);
	CHECK(prot & PROT_GUEST_WRITE);
	get();
	expect(~0ULL, ~0ULL, ~0ULL, BIT(PAGES % 64) - 1);
	CHECK_EQ(clear(0, 64), 0);
	machine_level(&m, GPA + PAGE_SIZE, &prot);
	CHECK(!(prot & PROT_GUEST_WRITE));
	get();
	expect(0, ~0ULL, ~0ULL, BIT(PAGES % 64) - 1);
	store(1);
	get();
	expect(BIT(1), ~0ULL, ~0ULL, BIT(PAGES % 64) - 1);
	machine_destroy(&m);
}

TEST(dirty_log_arguments_are_checked)
{
	machine_create(&m, 1);
	CHECK_EQ(get_into(map, 0), -ENOENT);
	CHECK_EQ(get_into(map, MEMSLOT_IDS), -EINVAL);
	CHECK_EQ(get_into(map, 2 << 16), -EINVAL);
	CHECK_EQ(slot(0), 0);
	CHECK_EQ(get_into(map, 0), -ENOENT);
	CHECK_EQ(clear(0, 64), -ENOENT);
	CHECK_EQ(slot(LOG), 0);
	store(2);
	CHECK_EQ(clear(1, 64), -EINVAL);
	CHECK_EQ(clear(32, 64), -EINVAL);
	CHECK_EQ(clear(0, 63), -EINVAL);
	CHECK_EQ(clear(0, PAGES + 1), -EINVAL);
	CHECK_EQ(clear(64, PAGES), -EINVAL);
	CHECK_EQ(clear(256, 0), -EINVAL);
	CHECK_EQ(clear(~63ULL, 64), -EINVAL);
	CHECK_EQ(clear(192, PAGES - 192), 0);
	get();
	expect(BIT(2), 0, 0, 0);
	machine_destroy(&m);
}

TEST(dirty_log_is_not_lost_on_the_way)
{
	machine_create(&m, 1);
	CHECK_EQ(slot(LOG), 0);
	store(2);
	store(100);
	CHECK_EQ(get_into((void *)8, 0), -EFAULT);
	get();
	expect(BIT(2), BIT(36), 0, 0);
	/* And a clear that cannot be read clears nothing. */
	store(2);
	shim_host_set((void *)((unsigned long)map & PAGE_MASK), PAGE_SIZE, HOST_ABSENT, 0);
	CHECK_EQ(clear(0, 64), -EFAULT);
	shim_host_set((void *)((unsigned long)map & PAGE_MASK), PAGE_SIZE, 0, 0);
	get();
	expect(BIT(2), 0, 0, 0);
	machine_destroy(&m);
}

/* --- with hardware that notes writes -------------------------------------------------- */

static const struct pgtable_format *format_that_logs(void)
{
	const struct pgtable_format *const *format = formats;

	while (*format && !(*format)->logs_writes)
		format++;
	CHECK(*format);

	return *format;
}

static void fetch(int page)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_FETCH, .gpa = GPA + page * PAGE_SIZE }, { .opcode = FAKE_STOP },
	};

	CHECK_EQ(machine_run(&m, 0, program, 2), 0);
}

static bool is_clean(int page)
{
	const struct pgtable_format *format = m.vm->as[0].pgtable.format;
	int level;
	u64 pte;

	CHECK(format_walk(&m.vm->as[0].pgtable, GPA + page * PAGE_SIZE, &pte, &level));
	CHECK(format->prot(pte) & PROT_GUEST_WRITE);

	return !format->is_dirty(pte);
}

/* As if it had grown old just before the fault of another vCPU was served. */
static void make_old_and_fault(int page)
{
	struct gfn_range range = { .start = gpa_to_gfn(GPA), .end = gpa_to_gfn(GPA) + PAGES };
	int index;

	write_lock(&m.vm->mmu_lock);
	CHECK(pgtable_age(&m.vm->as[0].pgtable, range, false));
	write_unlock(&m.vm->mmu_lock);
	index = srcu_read_lock(&m.vm->srcu);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA + page * PAGE_SIZE, PROT_GUEST_READ), FAULT_MAPPED);
	srcu_read_unlock(&m.vm->srcu, index);
}

TEST(dirty_log_by_hardware)
{
	u64 faults;

	fake_format = format_that_logs();
	machine_create(&m, 1);
	CHECK_EQ(slot(0), 0);
	store(1);
	CHECK(!is_clean(1));
	CHECK_EQ(slot(LOG), 0);
	CHECK(is_clean(1));
	/* What is only read may be written, and whoever does is noted without a fault. */
	load(5);
	CHECK(is_clean(5));
	get();
	expect(0, 0, 0, 0);
	faults = m.vcpu->stats.faults;
	store(5);
	store(1);
	CHECK_EQ(m.vcpu->stats.faults, faults);
	CHECK(!is_clean(5));
	get();
	expect(BIT(1) | BIT(5), 0, 0, 0);
	CHECK(is_clean(5));
	store(5);
	get();
	expect(BIT(5), 0, 0, 0);
	/* A write that has to fault. */
	store(70);
	CHECK(!is_clean(70));
	get();
	expect(0, BIT(6), 0, 0);
	/* Nothing but a write makes dirty. */
	make_old_and_fault(5);
	CHECK(is_clean(5));
	fetch(6);
	CHECK(is_clean(6));
	get();
	expect(0, 0, 0, 0);
	machine_destroy(&m);
}

/* As if it were the part of a large leaf that must not be executed. */
static void forbid_exec(int page)
{
	struct pgtable *pt = &m.vm->as[0].pgtable;
	gfn_t gfn = gpa_to_gfn(GPA) + page;
	u64 pte, *ptep;
	int level;

	ptep = format_walk_entry(pt, gfn_to_gpa(gfn), &pte, &level);
	CHECK(ptep);
	*ptep = pt->format->set_prot(pte, PROT_GUEST_READ | PROT_GUEST_WRITE);
	pgtable_flush(pt, gfn, gfn + 1);
}

TEST(dirty_log_by_hardware_outlives_more_permission)
{
	u64 faults;

	fake_format = format_that_logs();
	machine_create(&m, 1);
	CHECK_EQ(slot(LOG), 0);
	load(5);
	forbid_exec(5);
	faults = m.vcpu->stats.faults;
	fetch(5);
	CHECK_EQ(m.vcpu->stats.faults, faults + 1);
	CHECK(is_clean(5));
	store(5);
	CHECK(!is_clean(5));
	get();
	expect(BIT(5), 0, 0, 0);
	machine_destroy(&m);
}

/* More writes in one stay than there is room to note. */
TEST(dirty_log_by_hardware_is_never_too_small)
{
	static struct fake_insn program[2 * PAGES + 1];
	int i;

	for (i = 0; i < PAGES; i++) {
		program[i] = (struct fake_insn) {
			.opcode = FAKE_LOAD, .gpa = GPA + i * PAGE_SIZE };
		program[PAGES + i] = (struct fake_insn) {
			.opcode = FAKE_STORE, .gpa = GPA + i * PAGE_SIZE, .value = i };
	}
	program[2 * PAGES].opcode = FAKE_STOP;

	fake_format = format_that_logs();
	machine_create(&m, 1);
	manual(MANUAL);
	CHECK_EQ(slot(LOG), 0);
	CHECK_EQ(machine_run(&m, 0, program, ARRAY_SIZE(program)), 0);
	get();
	expect(~0ULL, ~0ULL, ~0ULL, BIT(PAGES % 64) - 1);
	map[0] = BIT(3) | BIT(9);
	CHECK_EQ(clear(0, 64), 0);
	CHECK(is_clean(3) && is_clean(9) && !is_clean(4));
	store(9);
	get();
	expect(~BIT(3), ~0ULL, ~0ULL, BIT(PAGES % 64) - 1);
	/* Without a log nothing is clean, whatever was. */
	CHECK_EQ(slot(0), 0);
	store(3);
	load(10);
	CHECK(!is_clean(3) && !is_clean(10));
	machine_destroy(&m);
}

/* --- at the same time ----------------------------------------------------------------- */

static bool stop;

static void *run_writer(void *data)
{
	struct fake_insn program[2] = { { .opcode = FAKE_STORE }, { .opcode = FAKE_STOP } };
	u64 count = 0;

	shim_set_cpu(1);
	while (!READ_ONCE(stop)) {
		program[0].gpa = GPA + count % PAGES * PAGE_SIZE;
		program[0].value = ++count;
		CHECK_EQ(machine_run(&m, 0, program, 2), 0);
	}

	return NULL;
}

static void *run_spinner(void *data)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_STORE, .gpa = GPA + 3 * PAGE_SIZE, .value = 1 },
		{ .opcode = FAKE_SPIN }, { .opcode = FAKE_STOP },
	};

	shim_set_cpu(1);
	CHECK_EQ(machine_run(&m, 0, program, 3), 0);
	WRITE_ONCE(stop, true);

	return NULL;
}

/* What was noted for a guest that does not exit by itself is in the log at once. */
TEST(dirty_log_by_hardware_is_not_late)
{
	pthread_t thread;

	fake_format = format_that_logs();
	machine_create(&m, 1);
	CHECK_EQ(slot(LOG), 0);
	load(3);
	stop = false;
	pthread_create(&thread, NULL, run_spinner, NULL);
	while (!READ_ONCE(m.vcpu->arch.logged))
		sched_yield();
	get();
	expect(BIT(3), 0, 0, 0);
	/* It may have come here before it began to spin. */
	while (!READ_ONCE(stop))
		vm_request_all(m.vm, REQ_UNBLOCK, true);
	pthread_join(thread, NULL);
	machine_destroy(&m);
}

/*
 * What migration does: copy what the log names, again and again, and at the end,
 * with the guest stopped, once more.  The copy has to be the memory.
 */
static void carry_over(void)
{
	static u64 copy[PAGES];
	pthread_t thread;
	int round, page;

	memset(copy, 0, sizeof(copy));
	stop = false;
	machine_create(&m, 1);
	CHECK_EQ(slot(LOG), 0);
	pthread_create(&thread, NULL, run_writer, NULL);
	for (round = 0; round <= 2000; round++) {
		if (round == 2000) {
			WRITE_ONCE(stop, true);
			pthread_join(thread, NULL);
		}
		get();
		for (page = 0; page < PAGES; page++)
			if (map[page / 64] & BIT(page % 64))
				copy[page] = READ_ONCE(*(u64 *)(m.memory + page * PAGE_SIZE));
	}
	for (page = 0; page < PAGES; page++)
		CHECK_EQ(copy[page], *(u64 *)(m.memory + page * PAGE_SIZE));
	machine_destroy(&m);
}

TEST(dirty_log_carries_a_running_guest_over)
{
	carry_over();
}

TEST(dirty_log_by_hardware_carries_a_running_guest_over)
{
	fake_format = format_that_logs();
	carry_over();
}

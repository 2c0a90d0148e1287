// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory that the host has in folios of 64 KiB: 16 pages can share a
 * translation then (Svnapot).  They are mapped together, which the number of faults
 * tells, and are pages of their own again as soon as the host wants one of them back.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <lib/kvm.h>

#define GROUP		16UL
#define PAGES		(16 * GROUP)
#define SIZE		(PAGES * PAGE)
#define MTHP		"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"
#define HUGETLB		"/sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT	26
#endif

/* Each turn: write @value to every @step'th page and check that it held @expected. */
static struct { u64 expected, value, step; bool read_only; } work;

static void guest_work(u64 argument)
{
	u64 i, wrong;

	for (;;) {
		for (i = 0, wrong = 0; i < PAGES; i += READ_ONCE(work.step)) {
			u64 address = GPA_TEST + i * PAGE + 8 * i;

			wrong += guest_read64(address) != READ_ONCE(work.expected);
			if (!READ_ONCE(work.read_only))
				guest_write64(address, READ_ONCE(work.value));
		}
		guest_say(wrong);
	}
}

static struct vm *vm;
static struct vcpu *vcpu;
static u8 *memory;

static u64 turn(u64 expected, u64 value, u64 step)
{
	guest_var(vm, work).expected = expected;
	guest_var(vm, work).value = value;
	guest_var(vm, work).step = step;
	guest_var(vm, work).read_only = value == expected;

	return vcpu_run_said(vcpu);
}

/* How many pages the host finds to hold something else. */
static u64 host_wrong(u64 expected)
{
	u64 i, wrong = 0;

	for (i = 0; i < PAGES; i++)
		wrong += READ_ONCE(*(u64 *)(memory + i * PAGE + 8 * i)) != expected;

	return wrong;
}

static u64 faults(void)
{
	struct kvm_stats_header header;
	struct {
		struct kvm_stats_desc	desc;
		char			name[256];
	} one;
	int fd = xioctl(vcpu->fd, KVM_GET_STATS_FD, 0);
	u64 value = 0;
	u32 i;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		bail("no statistics");
	for (i = 0; i < header.num_desc; i++) {
		size_t size = sizeof(one.desc) + header.name_size;

		memset(&one, 0, sizeof(one));
		if (pread(fd, &one, size, header.desc_offset + i * size) == (ssize_t)size &&
		    !strcmp(one.desc.name, "faults"))
			break;
	}
	if (i < header.num_desc &&
	    pread(fd, &value, 8, header.data_offset + one.desc.offset) != 8)
		bail("no statistics");
	close(fd);

	return value;
}

/* All of it touched anew: one or two faults for each group, and for what is beside. */
static void report_few(u64 before, const char *what)
{
	u64 now = faults();

	report(now - before < PAGES / 4 || in_tree(), "%s: %llu faults for %lu pages", what,
	       (unsigned long long)(now - before), PAGES);
}

static char setting[64];
static const char *setting_path;

static void setting_write(const char *value)
{
	int fd = open(setting_path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		skip("%s cannot be set", setting_path);
	close(fd);
}

static void setting_restore(void)
{
	setting_write(setting);
}

/* Until the test's end; the word in brackets is what a list is set to. */
static void setting_change(const char *path, const char *value)
{
	char text[200] = "", *word;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		skip("the host has no %s", path);
	close(fd);
	word = strchr(text, '[') ?: text;
	sscanf(word + (*word == '['), "%63[a-z0-9]", setting);
	setting_path = path;
	setting_write(value);
	atexit(setting_restore);
}

static void setup(void)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_work, 0);
	riscv_need_isa(vcpu, KVM_RISCV_ISA_EXT_SVNAPOT, "Svnapot");
	if (vm_set_slot(vm, 8, GPA_TEST, SIZE, memory, 0))
		bail("cannot add the slot: %s", strerror(errno));
}

/* Drop all of it, and have the host bring in each folio, by a write as it wants it. */
static void renew(void)
{
	u64 i;

	madvise(memory, SIZE, MADV_DONTNEED);
	for (i = 0; i < PAGES; i += GROUP)
		WRITE_ONCE(*(u64 *)(memory + i * PAGE), 0);
}

/* Memory that the host fills with folios of 64 KiB; less than a larger one. */
static void map_folios(void)
{
	u8 *area;

	setting_change(MTHP, "always");
	area = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		bail("no memory");
	memory = (u8 *)(((uintptr_t)area + SIZE - 1) & ~(SIZE - 1));
}

static void check_discard(void)
{
	u64 i, good = 0;

	for (i = 0; i < 20; i++) {
		madvise(memory + (37 + i) * PAGE, PAGE, MADV_DONTNEED);
		good += turn(2 + i, 3 + i, 1) == 1 && !host_wrong(3 + i);
	}
	report(good == 20, "one page dropped, 20 times: it is zero, and nothing beside it");
	renew();
	i = faults();
	report(turn(0, 1, 1) == 0, "all of it dropped is zero");
	report_few(i, "and comes in large pieces again");
}

/* Is every page of ours what it was? */
static int child_check(u64 expected, int ready)
{
	u64 done;

	return read(ready, &done, sizeof(done)) != sizeof(done) || host_wrong(expected);
}

static void check_fork(void)
{
	int ready[2], status = -1;
	pid_t child;
	u64 one = 1;

	if (pipe(ready))
		bail("no pipe");
	child = fork();
	if (!child)
		_exit(child_check(1, ready[0]));
	report(turn(1, 1, 1) == 0, "shared with a child it can be read");
	report(turn(1, 2, 3) == 0, "every third page written");
	report(turn(2, 2, 3) == 0 && host_wrong(2) == PAGES - (PAGES + 2) / 3,
	       "those are the ones that changed");
	if (write(ready[1], &one, sizeof(one)) != sizeof(one))
		bail("no pipe");
	waitpid(child, &status, 0);
	report(WIFEXITED(status) && !WEXITSTATUS(status), "and the child has what it had");
}

static void check_log(void)
{
	u64 bitmap[PAGES / 64] = { }, before;
	struct kvm_dirty_log log = { .slot = 8, .dirty_bitmap = bitmap };

	renew();
	turn(0, 1, 1);
	vm_set_slot(vm, 8, GPA_TEST, SIZE, memory, KVM_MEM_LOG_DIRTY_PAGES);
	report(turn(1, 2, 21) == 0 && !ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) &&
	       bitmap[0] == (BIT(0) | BIT(21) | BIT(42) | BIT(63)) &&
	       bitmap[1] == (BIT(20) | BIT(41) | BIT(62)),
	       "the dirty log knows single pages (0x%llx 0x%llx)",
	       (unsigned long long)bitmap[0], (unsigned long long)bitmap[1]);
	vm_set_slot(vm, 8, GPA_TEST, SIZE, memory, 0);
	before = faults();
	report(turn(2, 3, 21) == 0 && turn(1, 1, 1) == (PAGES + 20) / 21,
	       "without a log nothing is lost");
	report_few(before, "and large pieces come back");
}

TEST(napot_folios)
{
	u64 before;

	map_folios();
	setup();
	renew();
	before = faults();
	report(turn(0, 1, 1) == 0, "untouched memory is zero");
	report_few(before, "first touched");
	report(!host_wrong(1), "the host sees what the guest wrote");
	report(turn(1, 2, 1) == 0, "the guest sees it again");
	check_discard();
	check_fork();
	check_log();
	vm_destroy(vm);
}

TEST(napot_hugetlb)
{
	u64 before;

	setting_change(HUGETLB, "32");
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 16 << MAP_HUGE_SHIFT, -1, 0);
	if (memory == MAP_FAILED)
		skip("no hugetlb pages of 64 KiB: %s", strerror(errno));
	setup();
	before = faults();
	report(turn(0, 1, 1) == 0, "untouched memory is zero");
	report_few(before, "first touched");
	report(!host_wrong(1) && turn(1, 2, 1) == 0, "what one writes the other sees");
	madvise(memory + 2 * GROUP * PAGE, GROUP * PAGE, MADV_DONTNEED);
	report(turn(2, 3, 1) == GROUP, "one of them dropped");
	vm_destroy(vm);
	munmap(memory, SIZE);
}

/* --- both sides at once --------------------------------------------------- */

/* Two harts count in words of their own in all pages; what is dropped begins anew. */
static void guest_count(u64 hart)
{
	u64 i, n;

	for (n = 1;; n++)
		for (i = 0; i < PAGES; i++)
			guest_write64(GPA_TEST + i * PAGE + hart * 8, i << 32 | n);
}

static u64 count_wrong(void)
{
	u64 i, wrong = 0;

	for (i = 0; i < 2 * PAGES; i++) {
		u64 value = READ_ONCE(((u64 *)(memory + i / 2 * PAGE))[i % 2]);

		wrong += value && value >> 32 != i / 2;
	}

	return wrong;
}

static u64 count_of(u64 page, u64 hart)
{
	return READ_ONCE(((u64 *)(memory + page * PAGE))[hart]) & 0xffffffff;
}

/* Pages that @hart did not write in the round before its latest. */
static u64 count_lost(u64 hart)
{
	u64 i, lost = 0, now, end = now_ns() + 20000000000ULL;

	/* None yet: what was dropped last has its first page. */
	while (!(now = count_of(0, hart)) && now_ns() < end)
		sleep_ms(1);
	while (count_of(0, hart) < now + 2 && now_ns() < end)
		sleep_ms(1);
	for (i = 0; i < PAGES; i++)
		lost += count_of(i, hart) <= now;

	return lost;
}

TEST(napot_race)
{
	struct vcpu_thread threads[2] = {};
	u64 wrong = 0, rounds, end;
	u32 i;

	map_folios();
	setup();
	for (i = 0; i < 2; i++) {
		struct vcpu *counter = i ? vcpu_create(vm, guest_count, 1) : vcpu;

		vcpu_enter_at(counter, guest_count, i);
		vcpu_thread_start(&threads[i], counter);
	}
	for (rounds = 0, end = now_ns() + 3000000000ULL; now_ns() < end; rounds++) {
		u64 page = rounds * 7 % PAGES, pages = rounds % 5 ? 1 : 3 * GROUP;

		if (page + pages > PAGES)
			pages = 1;
		madvise(memory + page * PAGE, pages * PAGE, MADV_DONTNEED);
		/* Now and then all of it, or there would be no large pieces any more. */
		if (rounds % 16 == 0)
			renew();
		wrong += count_wrong();
	}
	report(!wrong, "%llu times dropped under two harts", (unsigned long long)rounds);
	report(!count_lost(0) && !count_lost(1), "then all that the harts write arrives");
	for (i = 0; i < 2; i++)
		vcpu_thread_stop(&threads[i]);
	report(!count_wrong(), "where it belongs");
	note("%llu faults of one of them", (unsigned long long)faults());
	vm_destroy(vm);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory follows the host's: pages that are dropped, replaced, protected,
 * huge, shared, swapped out.
 */
#include <endian.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <lib/kvm.h>

#define PAGES		512UL		/* 2 MiB */
#define HUGE		(2 * MIB)

/* Each turn: write @value to every page and check that it held @expected. */
static struct { u64 expected, value, pages, wrong; } work;

static void guest_work(u64 argument)
{
	u64 i, wrong;

	for (;;) {
		for (i = 0, wrong = 0; i < READ_ONCE(work.pages); i++) {
			u64 address = GPA_TEST + i * PAGE + 8 * (i % 512);

			wrong += guest_read64(address) != READ_ONCE(work.expected);
			guest_write64(address, READ_ONCE(work.value));
		}
		guest_say(wrong);
	}
}

static struct vm *vm;
static struct vcpu *vcpu;

/* How many pages did not hold @expected; they hold @value then. */
static u64 turn(u64 expected, u64 value, u64 pages)
{
	guest_var(vm, work).expected = expected;
	guest_var(vm, work).value = value;
	guest_var(vm, work).pages = pages;

	return vcpu_run_said(vcpu);
}

static void setup(void *memory, u64 size)
{
	vm = vm_create(0);
	if (vm_set_slot(vm, 8, GPA_TEST, size, memory, 0))
		bail("cannot add the slot: %s", strerror(errno));
	vcpu = vcpu_create(vm, guest_work, 0);
}

/* Host memory of @size, aligned to it. */
static void *map_aligned(size_t size)
{
	u8 *area = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		bail("no memory");

	return (void *)(((uintptr_t)area + size - 1) & ~(size - 1));
}

static u64 word(void *memory, u64 page)
{
	return READ_ONCE(*(u64 *)((u8 *)memory + page * PAGE + 8 * (page % 512)));
}

TEST(memory_discard)
{
	u8 *memory = map_aligned(HUGE);
	int i, good = 0;

	madvise(memory, HUGE, MADV_NOHUGEPAGE);
	setup(memory, HUGE);
	report(turn(0, 1, PAGES) == 0, "untouched memory is zero");
	report(word(memory, 300) == 1, "the host sees what the guest wrote");
	report(turn(1, 2, PAGES) == 0, "the guest sees it again");
	for (i = 0; i < 10; i++) {
		madvise(memory, HUGE, MADV_DONTNEED);
		good += turn(0, 3, PAGES) == 0;
	}
	report(good == 10, "after MADV_DONTNEED it is zero again, ten times");
	madvise(memory + 100 * PAGE, PAGE, MADV_DONTNEED);
	report(turn(3, 4, PAGES) == 1, "a single page");

	/* Other pages at the same address. */
	if (mmap(memory, HUGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != memory)
		bail("cannot map again");
	report(turn(0, 5, PAGES) == 0, "a new mapping in its place");
	report(word(memory, 7) == 5, "is the one the guest uses");

	/* The host writes. */
	for (i = 0; i < (int)PAGES; i++)
		*(u64 *)(memory + i * PAGE + 8 * (i % 512)) = 9;
	report(turn(9, 6, PAGES) == 0, "the guest sees what the host wrote");

	/* Copy on write, once the memory is shared with a child. */
	if (!fork()) {
		sleep_ms(100);
		_exit(0);
	}
	report(turn(6, 7, PAGES) == 0 && word(memory, 7) == 7,
	       "writes after a fork arrive in the parent's pages");
	vm_destroy(vm);
}

/* What KVM_RUN says beside EFAULT: which page the guest could not have. */
static bool fault_is(u64 gpa)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_MEMORY_FAULT && run->memory_fault.gpa == gpa &&
	    run->memory_fault.size == PAGE && run->memory_fault.flags == 0)
		return true;
	/* The kernel's own tells only of private memory. */
	if (in_tree())
		return true;
	vcpu_describe(vcpu);

	return false;
}

TEST(memory_protect)
{
	u8 *memory = map_aligned(HUGE);
	int err;

	setup(memory, HUGE);
	turn(0, 1, PAGES);
	mprotect(memory, HUGE, PROT_READ);
	err = 0;
	guest_var(vm, work).value = 2;
	guest_var(vm, work).expected = 1;
	err = vcpu_run(vcpu);
	report(err == -EFAULT, "a write to what the host may only read is EFAULT");
	report(fault_is(GPA_TEST), "KVM_EXIT_MEMORY_FAULT says where");
	report(word(memory, 0) == 1, "and does not happen");
	mprotect(memory, HUGE, PROT_READ | PROT_WRITE);
	report(vcpu_run_said(vcpu) == 0 && word(memory, 99) == 2, "the guest goes on when it may");
	munmap(memory, HUGE);
	err = vcpu_run(vcpu);
	report(err == -EFAULT, "memory that is not there is EFAULT");
	report(fault_is(GPA_TEST), "and KVM_EXIT_MEMORY_FAULT");
	vm_destroy(vm);
}

TEST(memory_thp)
{
	u8 *memory = map_aligned(HUGE);
	int i, good = 0;

	setup(memory, HUGE);
	if (madvise(memory, HUGE, MADV_HUGEPAGE))
		skip("no transparent huge pages");
	memory[0] = 0;
	report(turn(0, 1, PAGES) == 0, "a huge page");
	report(turn(1, 2, PAGES) == 0 && word(memory, 511) == 2, "written again");
	/* Dropping a part splits it. */
	madvise(memory + 17 * PAGE, PAGE, MADV_DONTNEED);
	report(turn(2, 3, PAGES) == 1, "one small page of it dropped");
	for (i = 0; i < 20; i++) {
		madvise(memory, HUGE, MADV_DONTNEED);
		memory[0] = 0;
		good += turn(0, i + 1, PAGES) == 0;
#ifdef MADV_COLLAPSE
		madvise(memory, HUGE, MADV_COLLAPSE);
#endif
		good += turn(i + 1, i + 1, PAGES) == 0;
	}
	report(good == 40, "20 times dropped, made, collapsed");

	/* The dirty log has small pages, whatever is mapped. */
	vm_set_slot(vm, 8, GPA_TEST, HUGE, memory, KVM_MEM_LOG_DIRTY_PAGES);
	u64 bitmap[8] = { 0 };
	struct kvm_dirty_log log = { .slot = 8, .dirty_bitmap = bitmap };

	turn(20, 21, 3);
	report(!ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) && le64toh(bitmap[0]) == 7 && !bitmap[1],
	       "the dirty log of a huge page knows its parts (0x%llx)",
	       (unsigned long long)bitmap[0]);
	vm_set_slot(vm, 8, GPA_TEST, HUGE, memory, 0);
	report(turn(21, 22, 3) == 0, "and off again");
	vm_destroy(vm);
}

TEST(memory_hugetlb)
{
	int fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY);
	u8 *memory;

	if (fd < 0 || write(fd, "4", 1) != 1)
		skip("no hugetlb pages");
	close(fd);
	memory = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		skip("no hugetlb pages: %s", strerror(errno));
	setup(memory, 2 * HUGE);
	report(turn(0, 1, 2 * PAGES) == 0, "two huge pages");
	report(turn(1, 2, 2 * PAGES) == 0 && word(memory, 600) == 2, "written again");
	madvise(memory + HUGE, HUGE, MADV_DONTNEED);
	report(turn(2, 3, 2 * PAGES) == PAGES, "one of them dropped");
	vm_destroy(vm);
	munmap(memory, 2 * HUGE);
}

TEST(memory_memfd)
{
	int fd = syscall(SYS_memfd_create, "guest", 0);
	u8 *memory, *other;

	if (fd < 0 || ftruncate(fd, HUGE))
		skip("no memfd");
	memory = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	other = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	setup(memory, HUGE);
	report(turn(0, 1, PAGES) == 0 && word(other, 100) == 1,
	       "shared memory: another mapping sees the guest's writes");
	*(u64 *)other = 77;
	report(turn(1, 2, PAGES) == 1, "and the guest those through it");
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 64 * PAGE, 64 * PAGE);
	report(turn(2, 3, PAGES) == 64, "a hole of 64 pages is zero");
	report(word(other, 70) == 3, "and filled again");
	if (ftruncate(fd, PAGE))
		bail("cannot truncate");
	guest_var(vm, work).expected = 3;
	report(vcpu_run(vcpu) == -EFAULT, "behind the end of the file is EFAULT");
	vm_destroy(vm);
	close(fd);
}

/* How many pages of this process are in swap space now. */
static u64 pages_swapped(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long long kib = 0;
	char line[200];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmSwap: %llu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);

	return kib * KIB / PAGE;
}

TEST(memory_swap)
{
	u8 *memory = map_aligned(HUGE);
	char swaps[400] = "";
	int fd = open("/proc/swaps", O_RDONLY), i, good = 0;
	u64 out = 0;

	if (fd < 0 || read(fd, swaps, sizeof(swaps) - 1) < 0 || !strchr(swaps, '\n') ||
	    !strchr(swaps, '\n')[1])
		skip("this host has no swap space");
#ifdef MADV_PAGEOUT
	madvise(memory, HUGE, MADV_NOHUGEPAGE);
	setup(memory, HUGE);
	for (i = 0; i < 5; i++) {
		good += turn(i, i + 1, PAGES) == 0;
		if (madvise(memory, HUGE, MADV_PAGEOUT))
			skip("MADV_PAGEOUT: %s", strerror(errno));
		out += pages_swapped();
	}
	report(good == 5, "pages come back from swap with their contents");
	report(out > 5 * PAGES / 2, "most of them were out (%llu of %lu)",
	       (unsigned long long)out, 5 * PAGES);
	vm_destroy(vm);
#else
	(void)i;
	(void)good;
	(void)out;
	skip("no MADV_PAGEOUT");
#endif
}

/* --- both sides at once ------------------------------------------------------------------ */

static void guest_hammer(u64 argument)
{
	u64 i;

	for (;;)
		for (i = 0; i < PAGES; i++)
			guest_write64(GPA_TEST + i * PAGE, i + 1);
}

/* What a discarded page holds is zero or what the guest wrote after it: no third. */
TEST(memory_race)
{
	struct vcpu_thread threads[2] = {};
	u8 *memory = map_aligned(HUGE);
	u64 wrong = 0, rounds = 0, end;
	u32 i;

	setup(memory, HUGE);
	for (i = 0; i < 2; i++)
		vcpu_thread_start(&threads[i], vcpu_create(vm, guest_hammer, 0));
	for (end = now_ns() + 2000000000ULL; now_ns() < end; rounds++) {
		madvise(memory, HUGE, rounds & 1 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
		madvise(memory, HUGE, MADV_DONTNEED);
		for (i = 0; i < PAGES; i++) {
			u64 value = READ_ONCE(*(u64 *)(memory + i * PAGE));

			wrong += value != 0 && value != i + 1;
		}
	}
	for (i = 0; i < 2; i++)
		vcpu_thread_stop(&threads[i]);
	report(!wrong, "%llu rounds against two vCPUs", (unsigned long long)rounds);

	/* And no write is lost: everything is where the guest put it. */
	for (i = 0; i < 2; i++) {
		threads[i].stop = false;
		vcpu_thread_start(&threads[i], threads[i].vcpu);
	}
	for (i = 0; i < PAGES; i++)
		for (rounds = 0; READ_ONCE(*(u64 *)(memory + i * PAGE)) != i + 1; rounds++) {
			if (rounds == 5000) {
				wrong++;
				break;
			}
			sleep_ms(1);
		}
	for (i = 0; i < 2; i++)
		vcpu_thread_stop(&threads[i]);
	report(!wrong, "all pages hold what the guest writes in the end");
	vm_destroy(vm);
}

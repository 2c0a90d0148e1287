// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows NAME@N: what must not cost more when there is more of something else.  The other
 * vCPUs and VMs have run and are idle; the other slots are a page each, with gaps, but for
 * one of a GiB.
 */
#include "bench.h"

#define SLOT		VM_SLOT_TEST
#define SLOTS_FIRST	(SLOT + 1)
#define SLOTS_GPA	0x80000000UL
#define BIG_GPA		0x40000000UL
#define BIG_SIZE	(1024 * MIB)
#define TOUCHED		256		/* pages of the slot that is looked at */

static void guest_idle(u64 argument)
{
	guest_say(argument);
	guest_done();
}

static void run_idle(struct vcpu *vcpu, u64 value)
{
	if (vcpu_run_said(vcpu) != value)
		bail("a guest said something else");
}

/* --- an exit among vCPUs and VMs ------------------------------------------------- */

static u32 other_vcpus;

static bool add_vcpus(struct vm *vm, u32 loops)
{
	u32 i;

	for (i = 0; i < other_vcpus; i++)
		vcpu_create(vm, guest_idle, i);
	for (i = 0; i < other_vcpus; i++)
		run_idle(&vm->vcpus[1 + i], i);

	return true;
}

static u64 time_exit(u32 loops, u32 vcpus, u32 vms)
{
	static struct vm *others[BENCH_VM_MAX];
	struct bench_row row = { 0 };
	const struct bench_row *from;
	u64 exits, ticks;
	u32 i;

	for (from = bench_rows; from->name && !row.guest; from++)
		if (!strcmp(from->what ? from->what : from->name, "hypercall"))
			row = *from;
	other_vcpus = vcpus - 1;
	row.prepare = add_vcpus;
	for (i = 1; i < vms; i++) {
		others[i] = bench_small_vm();
		run_idle(vcpu_create(others[i], guest_idle, i), i);
	}
	ticks = bench_once(&row, loops, &exits);
	bench_destroy(others + 1, vms - 1);

	return ticks;
}

/* --- among slots ------------------------------------------------------------------ */

struct crowd {
	u32		count;
	struct vm	*vm;
	char		*memory;	/* of the other slots */
};

static void add_slot(struct vm *vm, u32 slot, u64 gpa, u64 size, void *memory, u32 flags)
{
	if (vm_set_slot(vm, slot, gpa, size, memory, flags))
		bail("cannot add slot %u: %s", slot, strerror(errno));
}

/* A VM with so many slots besides those it cannot do without; there to the end. */
static struct crowd *crowd_of(u32 count)
{
	static struct crowd crowds[4];
	struct crowd *found;
	char *memory;
	u32 i;

	for (found = crowds; found->vm; found++)
		if (found->count == count)
			return found;
	found->count = count;
	found->vm = vm_create(0);
	vcpu_create(found->vm, guest_idle, 0);
	memory = found->memory = bench_memory(BIG_SIZE, false, false);
	if (count > 1)
		add_slot(found->vm, SLOTS_FIRST, BIG_GPA, BIG_SIZE, memory, 0);
	for (i = 2; i < count; i++)
		add_slot(found->vm, SLOTS_FIRST + i, SLOTS_GPA + i * 2 * PAGE, PAGE,
			 memory + i * PAGE, 0);

	return found;
}

static struct vm *crowd(u32 count)
{
	return crowd_of(count)->vm;
}

/* Touch every page of the slot: says the ticks. */
static void guest_touch(u64 pages)
{
	u64 start = bench_clock(), i;

	for (i = 0; i < pages; i++)
		guest_write64(GPA_TEST + i * PAGE, 1);
	guest_say(bench_units(bench_clock() - start));
}

static u64 touch(struct vm *vm, u32 pages)
{
	vcpu_enter_at(&vm->vcpus[0], guest_touch, pages);

	return vcpu_run_said(&vm->vcpus[0]);
}

/*
 * Half of the pages are in the slot, the others in as many slots in the middle of all: who
 * remembers the slots of the last faults has to look for each.  If there are no others, the
 * slot is so large that the same pages are in it: what a page table costs is not the question.
 */
#define HALF		64
#define OTHERS_AT	(SLOTS_GPA - GPA_TEST)

static void guest_touch_among(u64 first)
{
	u64 start = bench_clock(), i;

	for (i = 0; i < HALF; i++) {
		guest_write64(GPA_TEST + i * PAGE, 1);
		guest_write64(SLOTS_GPA + (first + i) * 2 * PAGE, 1);
	}
	guest_say(bench_units(bench_clock() - start));
}

/* The guest has not mapped it, or not any more, and the host has it. */
static void renew(char *page)
{
	madvise(page, PAGE, MADV_DONTNEED);
	*(volatile char *)page = 1;
}

static u64 time_touch(u32 loops, u32 slots)
{
	u64 first = slots > HALF ? (slots - HALF) / 2 : 0, ticks, i;
	u64 size = slots > 1 ? HALF * PAGE : OTHERS_AT + 2 * HALF * PAGE;
	struct crowd *among = crowd_of(slots);
	char *memory = bench_memory(size, false, false);

	for (i = 0; i < HALF; i++) {
		renew(memory + i * PAGE);
		renew(slots > 1 ? among->memory + (first + i) * PAGE :
				  memory + OTHERS_AT + i * 2 * PAGE);
	}
	add_slot(among->vm, SLOT, GPA_TEST, size, memory, 0);
	vcpu_enter_at(&among->vm->vcpus[0], guest_touch_among, first);
	ticks = vcpu_run_said(&among->vm->vcpus[0]);
	add_slot(among->vm, SLOT, GPA_TEST, 0, memory, 0);
	munmap(memory, size);

	return ticks;
}

static u64 time_harvest(u32 loops, u32 slots)
{
	static u64 bitmap[TOUCHED / 64];
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };
	struct vm *vm = crowd(slots);
	void *memory = bench_memory(TOUCHED * PAGE, false, true);
	u64 ticks = 0, start;
	u32 i;

	add_slot(vm, SLOT, GPA_TEST, TOUCHED * PAGE, memory, KVM_MEM_LOG_DIRTY_PAGES);
	for (i = 0; i < loops; i++) {
		touch(vm, TOUCHED);
		start = bench_host_clock();
		xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
		ticks += bench_host_clock() - start;
		if (bitmap[0] != ~0ULL || bitmap[TOUCHED / 64 - 1] != ~0ULL)
			bail("pages are missing in a dirty log");
	}
	add_slot(vm, SLOT, GPA_TEST, 0, memory, 0);
	munmap(memory, TOUCHED * PAGE);

	return ticks;
}

static void change(struct vm *vm, void *memory, u32 loops)
{
	u32 i;

	for (i = 0; i < loops; i++) {
		add_slot(vm, SLOT, GPA_TEST, PAGE, memory, 0);
		add_slot(vm, SLOT, GPA_TEST, 0, memory, 0);
	}
}

/*
 * A slot added, and one removed.  The least of several: in some, the host switches tasks once
 * more in each change.
 */
static u64 time_change(u32 loops, u32 slots)
{
	struct vm *vm = crowd(slots);
	void *memory = bench_memory(PAGE, false, true);
	u64 ticks, least = ~0ULL;
	int i;

	/* What is put off from when the others were added is over then. */
	change(vm, memory, BENCH_WARM);
	for (i = 0; i < 8; i++) {
		bench_busy_begin();
		change(vm, memory, loops);
		ticks = bench_busy_end();
		least = ticks < least ? ticks : least;
	}
	munmap(memory, PAGE);

	return least;
}

#define AMONG(name, call)							\
	static u64 time_##name(u32 loops)					\
	{									\
		return call;							\
	}
AMONG(vcpus_1, time_exit(loops, 1, 1))
AMONG(vcpus_2, time_exit(loops, 2, 1))
AMONG(vcpus_4, time_exit(loops, 4, 1))
AMONG(vms_1, time_exit(loops, 1, 1))
AMONG(vms_8, time_exit(loops, 1, 8))
AMONG(vms_64, time_exit(loops, 1, 64))
AMONG(touch_1, time_touch(loops, 1))
AMONG(touch_100, time_touch(loops, 100))
AMONG(touch_10000, time_touch(loops, 10000))
AMONG(harvest_1, time_harvest(loops, 1))
AMONG(harvest_100, time_harvest(loops, 100))
AMONG(harvest_10000, time_harvest(loops, 10000))
AMONG(change_1, time_change(loops, 1))
AMONG(change_100, time_change(loops, 100))
AMONG(change_10000, time_change(loops, 10000))

const struct bench_row bench_scale_rows[] = {
	{ "exit-vcpus@1", .host = time_vcpus_1 },
	{ "exit-vcpus@2", .host = time_vcpus_2 },
	{ "exit-vcpus@4", .host = time_vcpus_4 },
	{ "exit-vms@1", .host = time_vms_1 },
	{ "exit-vms@8", .host = time_vms_8 },
	{ "exit-vms@64", .host = time_vms_64 },
	{ "touch-slots@1", .host = time_touch_1, .loops = 2 * HALF },
	{ "touch-slots@100", .host = time_touch_100, .loops = 2 * HALF },
	{ "touch-slots@10000", .host = time_touch_10000, .loops = 2 * HALF },
	{ "harvest-slots@1", .host = time_harvest_1, .flags = BENCH_HOST, .loops = 8 },
	{ "harvest-slots@100", .host = time_harvest_100, .flags = BENCH_HOST, .loops = 8 },
	{ "harvest-slots@10000", .host = time_harvest_10000, .flags = BENCH_HOST, .loops = 8 },
	{ "slot-change@1", .host = time_change_1, .flags = BENCH_HOST, .loops = 8 },
	{ "slot-change@100", .host = time_change_100, .flags = BENCH_HOST, .loops = 8 },
	{ "slot-change@10000", .host = time_change_10000, .flags = BENCH_HOST, .loops = 8 },
	{ NULL }
};

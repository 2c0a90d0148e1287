// SPDX-License-Identifier: GPL-2.0-only
/* The rows that are the same on every architecture: memory, eventfds, lifetimes. */
#include <sched.h>
#include "bench.h"

#define SLOT		VM_SLOT_TEST
#define HUGE		(2 * MIB)

static void *area;
static u64 area_size;

static void free_area(void)
{
	if (area)
		munmap(area, area_size);
	area = NULL;
}

static void add_area(struct vm *vm, u64 gpa, u64 size, bool huge, bool touched, u32 flags)
{
	area = bench_memory(size, huge, touched);
	area_size = size;
	if (vm_set_slot(vm, SLOT, gpa, size, area, flags))
		bail("cannot add a slot: %s", strerror(errno));
}

static u64 count_dirty(struct vm *vm, u64 pages)
{
	static unsigned long bitmap[1024 * MIB / PAGE / 64];
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };
	u64 i, count = 0;

	xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
	for (i = 0; i < (pages + 63) / 64; i++)
		count += __builtin_popcountl(bitmap[i]);

	return count;
}

/* --- first touch of a page ------------------------------------------------------ */

/* The first page of all is not timed, so that code and tables are there. */
#define GUEST_TOUCH(step, loops)						\
	do {									\
		u64 at_ = GPA_TEST, end_ = GPA_TEST + (loops) * (step), start_;	\
										\
		guest_write64(at_, 1);						\
		start_ = bench_clock();						\
		while (at_ < end_) {						\
			at_ += (step);						\
			guest_write64(at_, 1);					\
		}								\
		guest_say(bench_units(bench_clock() - start_));			\
	} while (0)

static void guest_touch_small(u64 loops)
{
	GUEST_TOUCH(PAGE, loops);
}

static void guest_touch_huge(u64 loops)
{
	GUEST_TOUCH(HUGE, loops);
}

static bool prepare_small(struct vm *vm, u32 loops)
{
	add_area(vm, GPA_TEST, (loops + 1) * PAGE, false, false, 0);

	return true;
}

static bool prepare_small_there(struct vm *vm, u32 loops)
{
	add_area(vm, GPA_TEST, (loops + 1) * PAGE, false, true, 0);

	return true;
}

static bool huge_pages(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
	char text[64] = "[never]";

	if (file && !fgets(text, sizeof(text), file))
		text[0] = 0;
	if (file)
		fclose(file);

	return !strstr(text, "[never]");
}

static bool prepare_huge(struct vm *vm, u32 loops)
{
	if (!huge_pages())
		return false;
	add_area(vm, GPA_TEST, (loops + 1) * HUGE, true, false, 0);

	return true;
}

static bool prepare_huge_there(struct vm *vm, u32 loops)
{
	if (!huge_pages())
		return false;
	add_area(vm, GPA_TEST, (loops + 1) * HUGE, true, true, 0);

	return true;
}

static void check_huge(struct vm *vm, u32 loops)
{
	if (bench_huge_bytes() < (loops + 1) * HUGE)
		bail("the host had no huge pages for the guest: %llu KiB",
		     (unsigned long long)bench_huge_bytes() / KIB);
}

/* --- dirty logging ------------------------------------------------------------------ */

/* Every page was written, the log was fetched: now each write is the first again. */
static void guest_dirty(u64 loops)
{
	u64 at;

	for (at = 0; at <= loops; at++)
		guest_write64(GPA_TEST + at * PAGE, 1);
	guest_write32(BENCH_CALL, 0);
	GUEST_TOUCH(PAGE, loops);
}

static bool prepare_dirty(struct vm *vm, u32 loops)
{
	add_area(vm, GPA_TEST, (loops + 1) * PAGE, false, true, KVM_MEM_LOG_DIRTY_PAGES);

	return true;
}

static void all_dirty(struct vm *vm, u32 loops)
{
	u64 count = count_dirty(vm, loops + 1);

	if (count != loops + 1)
		bail("%llu pages in the log, not %u", (unsigned long long)count, loops + 1);
}

#define HARVEST_SIZE	(1024 * MIB)
#define HARVEST_GPA	0x40000000UL
#define HARVEST_STEP	64		/* pages: one in so many is written */
#define HARVEST_PAGES	(HARVEST_SIZE / PAGE / HARVEST_STEP)

static void guest_harvest(u64 argument)
{
	u64 at;

	for (;;) {
		for (at = 0; at < HARVEST_SIZE; at += HARVEST_STEP * PAGE)
			guest_write64(HARVEST_GPA + at, 1);
		guest_say(0);
	}
}

static u64 harvest(u32 loops, bool some)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_harvest, 0);
	u64 ticks = 0, start, count;
	u32 i;

	add_area(vm, HARVEST_GPA, HARVEST_SIZE, false, false, KVM_MEM_LOG_DIRTY_PAGES);
	vcpu_run_said(vcpu);
	count_dirty(vm, HARVEST_SIZE / PAGE);
	for (i = 0; i < loops; i++) {
		static unsigned long bitmap[HARVEST_SIZE / PAGE / 64];
		struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };
		u32 word;

		if (some)
			vcpu_run_said(vcpu);
		bench_timed();
		start = bench_host_clock();
		xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
		ticks += bench_host_clock() - start;
		for (count = 0, word = 0; word < ARRAY_SIZE(bitmap); word++)
			count += __builtin_popcountl(bitmap[word]);
		if (count != (some ? HARVEST_PAGES : 0))
			bail("%llu pages in the log of a harvest", (unsigned long long)count);
	}
	vm_destroy(vm);
	free_area();

	return ticks;
}

static u64 time_harvest(u32 loops)
{
	return harvest(loops, true);
}

static u64 time_harvest_clean(u32 loops)
{
	return harvest(loops, false);
}

/* --- eventfds ------------------------------------------------------------------------- */

static int kick_fd = -1, irq_fd = -1;

static void add_doorbell(struct vm *vm)
{
	struct kvm_ioeventfd args = { .addr = BENCH_DOORBELL, .len = 4, .fd = kick_fd };

	xioctl(vm->fd, KVM_IOEVENTFD, &args);
}

u32 bench_route_message(struct vm *vm, u32 gsi, u32 address, u32 data)
{
	struct {
		struct kvm_irq_routing		head;
		struct kvm_irq_routing_entry	entry;
	} table = {
		.head.nr = 1,
		.entry = {
			.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = address, .data = data },
		},
	};

	xioctl(vm->fd, KVM_SET_GSI_ROUTING, &table);

	return gsi;
}

static void add_irqfd(struct vm *vm)
{
	struct kvm_irqfd args = { .fd = irq_fd, .gsi = bench_irq_route(vm) };

	xioctl(vm->fd, KVM_IRQFD, &args);
}

static bool prepare_kick(struct vm *vm, u32 loops)
{
	kick_fd = eventfd_create();
	add_doorbell(vm);

	return true;
}

static void check_kick(struct vm *vm, u32 loops)
{
	u64 count = eventfd_fired(kick_fd);

	if (count != loops + BENCH_WARM)
		bail("the ioeventfd fired %llu times", (unsigned long long)count);
}

static void close_fds(void)
{
	if (kick_fd >= 0)
		close(kick_fd);
	if (irq_fd >= 0)
		close(irq_fd);
	kick_fd = irq_fd = -1;
}

BENCH(kick, , guest_write32(BENCH_DOORBELL, 0))

/* It asks user space for an interrupt, as a driver asks a device. */
BENCH_IRQ(irqfd, bench_irq_setup(), BENCH_UNTIL(guest_write32(BENCH_CALL, 0), guest_irq_open()))

static bool prepare_irqfd(struct vm *vm, u32 loops)
{
	irq_fd = eventfd_create();
	/* The irqchip has to be there for routes. */
	vm_start(vm);
	add_irqfd(vm);

	return true;
}

static void call_irqfd(struct vm *vm, u32 loops)
{
	const u64 one = 1;

	if (write(irq_fd, &one, 8) != 8)
		bail("cannot signal an irqfd");
	/* Some leave it to a worker, which may wait for the next tick otherwise. */
	sched_yield();
}

/* --- halt and wake ------------------------------------------------------------------------ */

/* Halts; each interrupt is answered by a kick. */
static void guest_halting(u64 rounds)
{
	u64 i, next = 1;

	bench_irq_setup();
	guest_say(0);
	for (i = 0; i < rounds; i++) {
		while (bench_interrupts < next)
			guest_irq_wait();
		next = bench_interrupts + 1;
		guest_write32(BENCH_DOORBELL, 0);
	}
	BENCH_ASSERT_IRQS(bench_interrupts, rounds);
	guest_done();
}

static void wake(u32 rounds)
{
	u64 value = 1;
	u32 i;

	for (i = 0; i < rounds; i++) {
		if (write(irq_fd, &value, 8) != 8 || read(kick_fd, &value, 8) != 8)
			bail("the guest cannot be woken: %s", strerror(errno));
		if (value != 1)
			bail("the guest answered %llu times", (unsigned long long)value);
	}
}

static u64 time_wake(u32 loops)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_halting, loops + BENCH_WARM);
	struct vcpu_thread thread = { .vcpu = vcpu };
	u64 ticks;

	bench_no_halt_poll(true);
	kick_fd = eventfd(0, EFD_CLOEXEC);
	irq_fd = eventfd(0, EFD_CLOEXEC);
	vm_start(vm);
	add_doorbell(vm);
	add_irqfd(vm);
	vcpu_run_said(vcpu);
	vcpu_thread_start(&thread, vcpu);
	wake(BENCH_WARM);
	bench_timed();
	ticks = bench_host_clock();
	wake(loops);
	ticks = bench_host_clock() - ticks;
	vcpu_thread_join(&thread);
	bench_no_halt_poll(false);
	vm_destroy(vm);
	close_fds();

	return ticks;
}

/* --- lifetimes --------------------------------------------------------------------------- */

static u8 *shared_ram;

struct vm *bench_small_vm(void)
{
	static struct vm *first;
	struct vm *vm;

	if (!first)
		first = vm_create(0), shared_ram = first->ram;
	vm = vm_create(VM_BARE | VM_IRQCHIP);
	vm->ram = shared_ram;
	if (vm_set_slot(vm, 0, 0, VM_RAM_SIZE, shared_ram, 0))
		bail("cannot add a slot: %s", strerror(errno));

	return vm;
}

static void guest_idle(u64 argument)
{
	guest_say(argument);
	guest_done();
}

static void make_idle(struct vm **vms, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		vms[i] = bench_small_vm();
		if (vcpu_run_said(vcpu_create(vms[i], guest_idle, i)) != i)
			bail("a guest said something else");
	}
}

void bench_destroy(struct vm **vms, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		vms[i]->ram = NULL;
		vm_destroy(vms[i]);
	}
}

static u64 time_vm_create(u32 loops)
{
	int fds[BENCH_VM_MAX];
	u64 ticks;
	u32 i;

	bench_timed();
	bench_busy_begin();
	for (i = 0; i < loops; i++)
		fds[i] = xioctl(kvm_open(), KVM_CREATE_VM, arch_vm_type());
	ticks = bench_busy_end();
	for (i = 0; i < loops; i++)
		close(fds[i]);

	return ticks;
}

static u64 time_vcpu_create(u32 loops)
{
	struct vm *vms[BENCH_VM_MAX];
	int fds[BENCH_VM_MAX];
	u64 ticks;
	u32 i;

	for (i = 0; i < loops; i++)
		vms[i] = bench_small_vm();
	bench_timed();
	bench_busy_begin();
	for (i = 0; i < loops; i++)
		fds[i] = xioctl(vms[i]->fd, KVM_CREATE_VCPU, 0);
	ticks = bench_busy_end();
	for (i = 0; i < loops; i++)
		close(fds[i]);
	bench_destroy(vms, loops);

	return ticks;
}

/* What is put off is waited for, and is part of it. */
static u64 time_vm_destroy(u32 loops)
{
	struct vm *vms[BENCH_VM_MAX];
	u32 i;

	make_idle(vms, loops);
	for (i = 0; i < loops; i++)
		munmap(vms[i]->vcpus[0].run, kvm_mmap_size());
	bench_timed();
	bench_busy_begin();
	for (i = 0; i < loops; i++) {
		close(vms[i]->vcpus[0].fd);
		if (vms[i]->irqchip_fd >= 0)
			close(vms[i]->irqchip_fd);
		close(vms[i]->fd);
		free(vms[i]);
	}
	sleep_ms(20);

	return bench_busy_end();
}

/* By the clock: here a wait counts. */
static u64 time_vm_cycle(u32 loops)
{
	u64 start;
	u32 i;

	bench_timed();
	start = bench_host_clock();
	for (i = 0; i < loops; i++)
		close(xioctl(kvm_open(), KVM_CREATE_VM, arch_vm_type()));

	return bench_host_clock() - start;
}

static u64 memory_free(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemFree: %llu", &kib) == 1)
			break;
	if (file)
		fclose(file);

	return kib * KIB;
}

/* They stay to the end: memory that others have left would be theirs the next time. */
static u64 bytes_of_vm(u32 loops)
{
	static bool there_were;
	struct vm *vms[BENCH_VM_MAX];
	u64 before, after;

	if (!there_were)
		make_idle(vms, BENCH_VM_MAX / 2);
	there_were = true;
	before = memory_free();
	make_idle(vms, loops);
	after = memory_free();

	return before > after ? before - after : 0;
}

const struct bench_row bench_common_rows[] = {
	{ "ioeventfd", .guest = bench_kick, .floor = floor_signal,
	  .prepare = prepare_kick, .check = check_kick, .finish = close_fds },
	{ "irqfd", .guest = bench_irqfd, .floor = floor_user_signal, .flags = BENCH_USER,
	  .prepare = prepare_irqfd, .call = call_irqfd, .finish = close_fds },
	{ "halt-wake", .host = time_wake, .floor = floor_wake, .flags = BENCH_HOST },
	{ "touch-4k", .guest = guest_touch_small, .floor = floor_page,
	  .prepare = prepare_small, .finish = free_area },
	{ "touch-4k-present", .guest = guest_touch_small,
	  .prepare = prepare_small_there, .finish = free_area },
	{ "touch-huge", .guest = guest_touch_huge, .floor = floor_huge, .loops = 16,
	  .prepare = prepare_huge, .check = check_huge, .finish = free_area },
	{ "touch-huge-present", .guest = guest_touch_huge, .loops = 16,
	  .prepare = prepare_huge_there, .check = check_huge, .finish = free_area },
	{ "dirty-write", .guest = guest_dirty,
	  .prepare = prepare_dirty, .call = all_dirty, .check = all_dirty, .finish = free_area },
	{ "dirty-harvest", .host = time_harvest, .floor = floor_copy, .flags = BENCH_HOST,
	  .loops = 4 },
	{ "dirty-harvest-clean", .host = time_harvest_clean, .floor = floor_copy,
	  .flags = BENCH_HOST, .loops = 4 },
	{ "vm-create", .host = time_vm_create, .floor = floor_open, .flags = BENCH_HOST,
	  .loops = BENCH_VM_MAX },
	{ "vcpu-create", .host = time_vcpu_create, .floor = floor_open, .flags = BENCH_HOST,
	  .loops = 32 },
	{ "vm-destroy", .host = time_vm_destroy, .floor = floor_close, .flags = BENCH_HOST,
	  .loops = BENCH_VM_MAX },
	{ "vm-cycle-time", .host = time_vm_cycle, .flags = BENCH_HOST, .loops = 32 },
	{ NULL }
};

/* After all others, because its VMs stay. */
const struct bench_row bench_last_rows[] = {
	{ "vm-memory", .host = bytes_of_vm, .flags = BENCH_BYTES, .loops = 32 },
	{ NULL }
};

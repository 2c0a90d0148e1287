// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that are wrong in one particular way: flags, ranges, descriptors, states.
 * Each must have exactly its errno, which its row of uapi/abi.tbl lists, and must
 * have changed nothing.  Together they provoke every errno of every row.  Here is
 * what is the same everywhere; the architectures have tables of their own.
 */
#include <limits.h>
#include <sys/resource.h>
#include <common/abi.h>

#define ARGUMENT_PAGES	4

extern const struct bad_case __start_bad_cases[], __stop_bad_cases[];
extern const struct bad_elsewhere __start_bad_elsewhere[], __stop_bad_elsewhere[];

/* --- the portable ones: memory ---------------------------------------------------- */

#define REGION		struct kvm_userspace_memory_region
#define REGION2		struct kvm_userspace_memory_region2
#define FREE_GPA	(4 * GPA_TEST)
#define SIZE		(MACHINE_SLOT_PAGES * PAGE)

/* A range of host memory, so that only the field in question is wrong. */
static void region_memory(struct vm *vm, void *argument)
{
	REGION *region = argument;

	region->userspace_addr += (u64)machine_memory();
}

#define REGION_CASES(cmd, type)								\
	BAD(VM, cmd, 0, EINVAL, "gpa not aligned", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA + 1, .memory_size = SIZE)), \
	BAD(VM, cmd, 0, EINVAL, "size not aligned", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA, .memory_size = SIZE - 1)), \
	BAD(VM, cmd, 0, EINVAL, "address not aligned", .prepare = region_memory,	\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA, .memory_size = SIZE, \
		     .userspace_addr = 1)),						\
	BAD(VM, cmd, 0, EINVAL, "an address of the kernel",				\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA, .memory_size = SIZE, \
		     .userspace_addr = ARCH_KERNEL_ADDRESS(SIZE))),			\
	BAD(VM, cmd, 0, EINVAL, "addresses that wrap",					\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA, .memory_size = SIZE, \
		     .userspace_addr = -PAGE)),						\
	BAD(VM, cmd, 0, EINVAL, "gpas that wrap", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = -PAGE, .memory_size = SIZE)),	\
	BAD(VM, cmd, 0, EINVAL, "too many pages", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA,			\
		     .memory_size = 1ULL << 62)),					\
	/* The kernel's own may have EFAULT. */						\
	BAD(VM, cmd, 0, EINVAL, "a gpa that no table reaches", .prepare = region_memory, \
	    .own = true, BAD_DATA(type, .slot = 20, .guest_phys_addr = 1ULL << 62, .memory_size = SIZE)), \
	BAD(VM, cmd, 0, EINVAL, "an unknown flag", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA, .memory_size = SIZE, \
		     .flags = 1u << 31)),						\
	BAD(VM, cmd, 0, EINVAL, "a slot too high", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = 0xffff, .guest_phys_addr = FREE_GPA,			\
		     .memory_size = SIZE)),						\
	BAD(VM, cmd, 0, EINVAL, "another address space", .prepare = region_memory,	\
	    BAD_DATA(type, .slot = 0xff0014, .guest_phys_addr = FREE_GPA,		\
		     .memory_size = SIZE)),						\
	BAD(VM, cmd, 0, EINVAL, "no such slot to delete",				\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = FREE_GPA)),			\
	BAD(VM, cmd, 0, EINVAL, "another size in place", .prepare = region_memory,	\
	    BAD_DATA(type, .slot = MACHINE_SLOT, .guest_phys_addr = MACHINE_GPA,	\
		     .memory_size = SIZE - PAGE)),					\
	BAD(VM, cmd, 0, EINVAL, "another address in place", .prepare = region_memory,	\
	    BAD_DATA(type, .slot = MACHINE_SLOT, .guest_phys_addr = MACHINE_GPA,	\
		     .memory_size = SIZE, .userspace_addr = PAGE)),			\
	BAD(VM, cmd, 0, EINVAL, "read-only in place", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = MACHINE_SLOT, .guest_phys_addr = MACHINE_GPA,	\
		     .memory_size = SIZE, .flags = KVM_MEM_READONLY)),			\
	BAD(VM, cmd, 0, EEXIST, "over the end of another", .prepare = region_memory,	\
	    BAD_DATA(type, .slot = 20, .guest_phys_addr = MACHINE_GPA + SIZE - PAGE,	\
		     .memory_size = SIZE)),						\
	BAD(VM, cmd, 0, EEXIST, "moved onto another", .prepare = region_memory,		\
	    BAD_DATA(type, .slot = MACHINE_SLOT, .guest_phys_addr = MACHINE_GPA_LOG,	\
		     .memory_size = SIZE))

BAD_CASES(memory_cases) = {
	REGION_CASES(KVM_SET_USER_MEMORY_REGION, REGION),
	REGION_CASES(KVM_SET_USER_MEMORY_REGION2, REGION2),
};

/* --- dirty logs ----------------------------------------------------------------------- */

static u64 bitmap[4];

static void log_bitmap(struct vm *vm, void *argument)
{
	struct kvm_dirty_log *log = argument;

	log->dirty_bitmap = bitmap;
}

static void clear_bitmap(struct vm *vm, void *argument)
{
	struct kvm_clear_dirty_log *log = argument;

	log->dirty_bitmap = bitmap;
}

#define LOG(...)	BAD_DATA(struct kvm_dirty_log, __VA_ARGS__)
#define CLEAR(...)	BAD_DATA(struct kvm_clear_dirty_log, __VA_ARGS__)

BAD_CASES(dirty_cases) = {
	BAD(VM, KVM_GET_DIRTY_LOG, 0, ENOENT, "no such slot", LOG(.slot = 20),
	    .prepare = log_bitmap),
	BAD(VM, KVM_GET_DIRTY_LOG, 0, ENOENT, "a slot without a log", LOG(.slot = MACHINE_SLOT),
	    .prepare = log_bitmap),
	BAD(VM, KVM_GET_DIRTY_LOG, 0, EINVAL, "a slot too high", LOG(.slot = 0xffff),
	    .prepare = log_bitmap),
	BAD(VM, KVM_GET_DIRTY_LOG, 0, EINVAL, "another address space", LOG(.slot = 0xff0014),
	    .prepare = log_bitmap),
	BAD(VM, KVM_GET_DIRTY_LOG, 0, EFAULT, "no bitmap", LOG(.slot = MACHINE_SLOT_LOG)),

	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, ENOENT, "no such slot",
	    CLEAR(.slot = 20, .num_pages = 64), .prepare = clear_bitmap),
	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, ENOENT, "a slot without a log",
	    CLEAR(.slot = MACHINE_SLOT, .num_pages = 64), .prepare = clear_bitmap),
	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, EINVAL, "a slot too high",
	    CLEAR(.slot = 0xffff, .num_pages = 64), .prepare = clear_bitmap),
	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, EINVAL, "an odd first page",
	    CLEAR(.slot = MACHINE_SLOT_LOG, .first_page = 1), .prepare = clear_bitmap),
	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, EINVAL, "an odd number of pages",
	    CLEAR(.slot = MACHINE_SLOT_LOG, .num_pages = MACHINE_SLOT_PAGES - 1),
	    .prepare = clear_bitmap),
	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, EINVAL, "beyond the end",
	    CLEAR(.slot = MACHINE_SLOT_LOG, .num_pages = 2 * MACHINE_SLOT_PAGES),
	    .prepare = clear_bitmap),
	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, EINVAL, "far away",
	    CLEAR(.slot = MACHINE_SLOT_LOG, .first_page = 1ULL << 40, .num_pages = 64),
	    .prepare = clear_bitmap),
	BAD(VM, KVM_CLEAR_DIRTY_LOG, 0, EFAULT, "no bitmap",
	    CLEAR(.slot = MACHINE_SLOT_LOG, .num_pages = MACHINE_SLOT_PAGES)),
};

/* --- eventfds and routes ----------------------------------------------------------------- */

static int event;

/* The kernel's own may want the irqchip to know all vCPUs first. */
static void chip_ready(struct vm *vm, void *argument)
{
	vm_start(vm);
}

static void fd_event(struct vm *vm, void *argument)
{
	struct kvm_irqfd *irqfd = argument;

	chip_ready(vm, argument);
	event = eventfd(0, 0);
	irqfd->fd = event;
}

static void fd_of_vm(struct vm *vm, void *argument)
{
	struct kvm_irqfd *irqfd = argument;

	chip_ready(vm, argument);
	irqfd->fd = vm->fd;
}

static void fd_assigned(struct vm *vm, void *argument)
{
	struct kvm_irqfd *irqfd = argument;

	fd_event(vm, argument);
	xioctl(vm->fd, KVM_IRQFD, irqfd);
}

#define IRQFD(...)	BAD_DATA(struct kvm_irqfd, __VA_ARGS__)
#define IOEVENTFD(...)	BAD_DATA(struct kvm_ioeventfd, __VA_ARGS__)

static void io_event(struct vm *vm, void *argument)
{
	struct kvm_ioeventfd *args = argument;

	event = eventfd(0, 0);
	args->fd = event;
}

static void io_of_vm(struct vm *vm, void *argument)
{
	struct kvm_ioeventfd *args = argument;

	args->fd = vm->fd;
}

static void io_assigned(struct vm *vm, void *argument)
{
	io_event(vm, argument);
	xioctl(vm->fd, KVM_IOEVENTFD, argument);
}

BAD_CASES(eventfd_cases) = {
	BAD(VM, KVM_IRQFD, VM_IRQCHIP, EINVAL, "unknown flags", IRQFD(.flags = 1u << 31),
	    .prepare = fd_event),
	BAD(VM, KVM_IRQFD, VM_IRQCHIP, EINVAL, "not an eventfd", IRQFD(.gsi = 1),
	    .prepare = fd_of_vm),
	BAD(VM, KVM_IRQFD, VM_IRQCHIP, EBADF, "no descriptor", IRQFD(.fd = -1),
	    .prepare = chip_ready),
	BAD(VM, KVM_IRQFD, VM_IRQCHIP, EBADF, "no descriptor to take off",
	    IRQFD(.fd = -1, .flags = KVM_IRQFD_FLAG_DEASSIGN)),
#if ARCH_IRQFD_RESAMPLE
	BAD(VM, KVM_IRQFD, VM_IRQCHIP, EBADF, "no descriptor to resample",
	    IRQFD(.flags = KVM_IRQFD_FLAG_RESAMPLE, .resamplefd = -1), .prepare = fd_event),
#else
	BAD(VM, KVM_IRQFD, VM_IRQCHIP, EINVAL, "resampling, which there is not",
	    IRQFD(.flags = KVM_IRQFD_FLAG_RESAMPLE), .prepare = fd_event, .own = true),
#endif
	BAD(VM, KVM_IRQFD, VM_IRQCHIP, EBUSY, "the same eventfd twice", IRQFD(.gsi = 1),
	    .prepare = fd_assigned),

	BAD(VM, KVM_IOEVENTFD, 0, EINVAL, "unknown flags",
	    IOEVENTFD(.addr = GPA_MMIO, .len = 4, .flags = 1u << 31), .prepare = io_event),
	BAD(VM, KVM_IOEVENTFD, 0, EINVAL, "length 3", IOEVENTFD(.addr = GPA_MMIO, .len = 3),
	    .prepare = io_event),
	BAD(VM, KVM_IOEVENTFD, 0, EINVAL, "length 16", IOEVENTFD(.addr = GPA_MMIO, .len = 16),
	    .prepare = io_event),
	BAD(VM, KVM_IOEVENTFD, 0, EINVAL, "an address that wraps",
	    IOEVENTFD(.addr = -2ULL, .len = 4), .prepare = io_event),
	BAD(VM, KVM_IOEVENTFD, 0, EINVAL, "a value of any length",
	    IOEVENTFD(.addr = GPA_MMIO, .flags = KVM_IOEVENTFD_FLAG_DATAMATCH),
	    .prepare = io_event),
	BAD(VM, KVM_IOEVENTFD, 0, EINVAL, "not an eventfd",
	    IOEVENTFD(.addr = GPA_MMIO, .len = 4), .prepare = io_of_vm),
	BAD(VM, KVM_IOEVENTFD, 0, EBADF, "no descriptor",
	    IOEVENTFD(.addr = GPA_MMIO, .len = 4, .fd = -1)),
	BAD(VM, KVM_IOEVENTFD, 0, EEXIST, "the same twice",
	    IOEVENTFD(.addr = GPA_MMIO, .len = 4), .prepare = io_assigned),
	BAD(VM, KVM_IOEVENTFD, 0, ENOENT, "none to take off",
	    IOEVENTFD(.addr = GPA_MMIO, .len = 4, .flags = KVM_IOEVENTFD_FLAG_DEASSIGN),
	    .prepare = io_event),
};

struct routes {
	struct kvm_irq_routing		head;
	struct kvm_irq_routing_entry	entry[5];
};

#define ROUTE_MSI	{ .gsi = 5, .type = KVM_IRQ_ROUTING_MSI }

BAD_CASES(route_cases) = {
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "unknown flags",
	    BAD_DATA(struct routes, .head.flags = 1)),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "too many",
	    BAD_DATA(struct routes, .head.nr = 1u << 31)),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EFAULT, "fewer than it says",
	    BAD_DATA(struct kvm_irq_routing, .nr = 1), .edge = true),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "a gsi too high",
	    BAD_DATA(struct routes, .head.nr = 1,
		     .entry = { { .gsi = 4096, .type = KVM_IRQ_ROUTING_MSI } })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "an unknown type",
	    BAD_DATA(struct routes, .head.nr = 1, .entry = { { .gsi = 5, .type = 99 } })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "unknown flags of a route",
	    BAD_DATA(struct routes, .head.nr = 1,
		     .entry = { { .gsi = 5, .type = KVM_IRQ_ROUTING_MSI, .flags = 0x80 } })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "a chip that is not there",
	    BAD_DATA(struct routes, .head.nr = 1,
		     .entry = { { .gsi = 5, .type = KVM_IRQ_ROUTING_IRQCHIP,
				  .u.irqchip.irqchip = 77 } })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "two messages of one gsi",
	    BAD_DATA(struct routes, .head.nr = 2, .entry = { ROUTE_MSI, ROUTE_MSI })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "five routes of one gsi",
	    BAD_DATA(struct routes, .head.nr = 5,
		     .entry = { ROUTE_MSI, ROUTE_MSI, ROUTE_MSI, ROUTE_MSI, ROUTE_MSI })),

	BAD(VM, KVM_SIGNAL_MSI, VM_IRQCHIP, EINVAL, "unknown flags",
	    BAD_DATA(struct kvm_msi, .flags = 1u << 31)),
	BAD(VM, KVM_SIGNAL_MSI, 0, EINVAL, "without an irqchip", BAD_DATA(struct kvm_msi, 0)),
};

/* --- the ring of coalesced writes --------------------------------------------------------- */

#define ZONE(...)	BAD_DATA(struct kvm_coalesced_mmio_zone, __VA_ARGS__)

static void fill_zones(struct vm *vm, void *argument)
{
	while (!ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, argument))
		;
}

BAD_CASES(coalesced_cases) = {
	BAD(VM, KVM_REGISTER_COALESCED_MMIO, 0, EINVAL, "neither memory nor ports",
	    ZONE(.addr = GPA_MMIO, .size = 4, .pio = 2)),
	BAD(VM, KVM_REGISTER_COALESCED_MMIO, 0, EINVAL, "no size", ZONE(.addr = GPA_MMIO),
	    .own = true),
	BAD(VM, KVM_REGISTER_COALESCED_MMIO, 0, EINVAL, "addresses that wrap",
	    ZONE(.addr = -2ULL, .size = 4), .own = true),
	BAD(VM, KVM_REGISTER_COALESCED_MMIO, 0, ENOSPC, "one too many",
	    ZONE(.addr = GPA_MMIO, .size = 4), .prepare = fill_zones),
	BAD(VM, KVM_UNREGISTER_COALESCED_MMIO, 0, EINVAL, "neither memory nor ports",
	    ZONE(.addr = GPA_MMIO, .size = 4, .pio = 2)),
	BAD(VM, KVM_UNREGISTER_COALESCED_MMIO, 0, EINVAL, "no size", ZONE(.addr = GPA_MMIO),
	    .own = true),
	BAD(VM, KVM_UNREGISTER_COALESCED_MMIO, 0, EINVAL, "addresses that wrap",
	    ZONE(.addr = -2ULL, .size = 4), .own = true),
};

/* --- making things --------------------------------------------------------------------------- */

#define ENABLE(...)	BAD_DATA(struct kvm_enable_cap, __VA_ARGS__)
#define DEVICE(...)	BAD_DATA(struct kvm_create_device, __VA_ARGS__)

BAD_CASES(making_cases) = {
	BAD(SYS, KVM_GET_API_VERSION, 0, EINVAL, "with an argument", .number = 1),
	BAD(SYS, KVM_GET_VCPU_MMAP_SIZE, 0, EINVAL, "with an argument", .number = 1),
	BAD(SYS, KVM_CREATE_VM, 0, EINVAL, "an unknown type", .number = ULONG_MAX),
	BAD(SYS, KVM_CREATE_VM, 0, EMFILE, "no descriptors left", .no_fds = true),
	BAD(VM, KVM_CREATE_VCPU, 0, EEXIST, "the same id twice", .number = 0),
	BAD(VM, KVM_CREATE_VCPU, 0, EINVAL, "an id too high", .number = 1 << 20),
	BAD(VM, KVM_CREATE_VCPU, 0, EINVAL, "an id of too many bits", .number = ULONG_MAX - 3),
	BAD(VM, KVM_CREATE_VCPU, 0, EMFILE, "no descriptors left", .number = 1, .no_fds = true),
	BAD(VM, KVM_GET_STATS_FD, 0, EMFILE, "no descriptors left", .no_fds = true),
	BAD(VCPU, KVM_GET_STATS_FD, 0, EMFILE, "no descriptors left", .no_fds = true),

	BAD(VM, KVM_CREATE_DEVICE, 0, EINVAL, "unknown flags",
	    DEVICE(.type = KVM_DEV_TYPE_MAX, .flags = 1u << 31), .own = true),
	BAD(VM, KVM_CREATE_DEVICE, 0, ENODEV, "an unknown type", DEVICE(.type = 0xffff)),
	BAD(VM, KVM_CREATE_DEVICE, 0, ENODEV, "only asked for",
	    DEVICE(.type = 0xffff, .flags = KVM_CREATE_DEVICE_TEST)),

	BAD(VM, KVM_ENABLE_CAP, 0, EINVAL, "an unknown capability", ENABLE(.cap = 0xffff)),
	BAD(VM, KVM_ENABLE_CAP, 0, EINVAL, "one that is always on",
	    ENABLE(.cap = KVM_CAP_USER_MEMORY)),
	BAD(VM, KVM_ENABLE_CAP, 0, EINVAL, "unknown flags",
	    ENABLE(.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .flags = 1,
		   .args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)),
	BAD(VM, KVM_ENABLE_CAP, 0, EINVAL, "an unknown bit",
	    ENABLE(.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = 0x80)),
	BAD(VM, KVM_ENABLE_CAP, 0, EINVAL, "a bit that needs another",
	    ENABLE(.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		   .args[0] = KVM_DIRTY_LOG_INITIALLY_SET)),
};

BAD_ELSEWHERE(making_elsewhere) = {
	{ KVM_CREATE_VM, SCOPE_SYS, EBUSY, "another hypervisor has the CPU: tests/lane" },
	{ KVM_CREATE_VM, SCOPE_SYS, ENODEV, "the host is going down: tests/lane" },
	{ KVM_RUN, SCOPE_VCPU, EHWPOISON, "memory that the host has lost" },
	{ KVM_IRQFD, SCOPE_VM, ENOSPC, "the test limit_resample" },
	{ KVM_IOEVENTFD, SCOPE_VM, ENOSPC, "the test limit_ioeventfd" },
};

/* --- running ------------------------------------------------------------------------------------ */

static void guest_read_slot(u64 argument)
{
	for (;;)
		guest_say(guest_read64(MACHINE_GPA));
}

/* The memory is gone: the guest gets up to it, and no further. */
static void run_into_nothing(struct vm *vm, void *argument)
{
	munmap(machine_memory(), SIZE);
	vcpu_enter_at(&vm->vcpus[0], guest_read_slot, 0);
	if (vcpu_run(&vm->vcpus[0]) != -EFAULT)
		bail("KVM_RUN without host memory is not EFAULT");
}

static void exit_at_once(struct vm *vm, void *argument)
{
	/* Completes what it is at, and fills in the mask of MXCSR and the like. */
	vm->vcpus[0].run->immediate_exit = 1;
	vcpu_run(&vm->vcpus[0]);
}

struct signal_mask {
	struct kvm_signal_mask	head;
	u8			set[8];
};

BAD_CASES(run_cases) = {
	BAD(VCPU, KVM_RUN, 0, EINVAL, "with an argument", .number = 1),
	BAD(VCPU, KVM_RUN, MACHINE_RAN, EINTR, "immediate_exit", .prepare = exit_at_once),
	BAD(VCPU, KVM_RUN, 0, EFAULT, "host memory that is gone", .prepare = run_into_nothing),
	BAD(VCPU, KVM_SET_SIGNAL_MASK, 0, EINVAL, "a mask too short",
	    BAD_DATA(struct signal_mask, .head.len = 4)),
	BAD(VCPU, KVM_SET_SIGNAL_MASK, 0, EINVAL, "a mask too long",
	    BAD_DATA(struct signal_mask, .head.len = 16)),
	BAD(VCPU, KVM_SET_SIGNAL_MASK, 0, EFAULT, "less than it says",
	    BAD_DATA(struct kvm_signal_mask, .len = 8), .edge = true),
};

/* --- trying them ------------------------------------------------------------------------------- */

/* The page behind the last one of these is not there. */
static u8 *argument;

static void set_field(u8 *field, size_t width, u64 flip)
{
	u64 value = 0;

	memcpy(&value, field, width);
	value ^= flip;
	memcpy(field, &value, width);
}

/* The ioctl's argument. */
static unsigned long case_argument(const struct bad_case *bad, struct vm *vm)
{
	u8 *data = bad->edge ? argument + ARGUMENT_PAGES * PAGE - bad->size : argument;

	if (!bad->size)
		return bad->number;

	memset(argument, 0, ARGUMENT_PAGES * PAGE);
	if (bad->get) {
		xioctl(machine_fd(vm, bad->scope), bad->get, data);
		set_field(data + bad->also, 1, 1);
		set_field(data + bad->offset, bad->width, bad->flip);
	} else {
		memcpy(data, bad->data, bad->size);
	}

	return (unsigned long)data;
}

static int case_call(const struct bad_case *bad, struct vm *vm, unsigned long arg)
{
	struct rlimit limit, none;
	int result;

	if (!bad->no_fds)
		return ioctl(machine_fd(vm, bad->scope), bad->cmd, arg);

	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit) { .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	result = ioctl(machine_fd(vm, bad->scope), bad->cmd, arg);
	setrlimit(RLIMIT_NOFILE, &limit);

	return result;
}

/* Is the errno the right one, listed, and the state the same? */
static bool case_try(const struct bad_case *bad, struct vm *vm, const struct abi_row *row)
{
	unsigned long arg = case_argument(bad, vm);
	struct state *before, *after;
	int result, error;
	bool good = true;

	if (bad->prepare)
		bad->prepare(vm, (void *)arg);
	before = state_read(vm);
	result = case_call(bad, vm, arg);
	error = errno;
	after = state_read(vm);
	if (result != -1 || error != bad->error) {
		note("returned %d (%s), expected -1 (%s)", result,
		     result == -1 ? strerror(error) : "no error", strerror(bad->error));
		good = false;
	}
	if (!abi_lists(row, bad->error)) {
		note("uapi/abi.tbl does not list %s", strerror(bad->error));
		good = false;
	}
	good &= state_same(before, after, true);
	state_free(before);
	state_free(after);

	return good;
}

/* The machine of the last case, if the next one can have it: nothing has changed. */
static struct vm *shared;
static u32 shared_flags;

static void shared_retire(void)
{
	if (!shared)
		return;
	report(machine_works(shared), "after all of that the machine works");
	machine_destroy(shared);
	shared = NULL;
}

static struct vm *shared_machine(u32 flags)
{
	if (shared && shared_flags != flags)
		shared_retire();
	if (!shared)
		shared = machine_create(flags);
	shared_flags = flags;

	return shared;
}

static void case_run(const struct bad_case *bad)
{
	const struct abi_row *row = abi_find(bad->cmd, bad->scope);
	struct vm *vm;

	if (!row) {
		report(false, "ioctl 0x%lx is in no row: %s", bad->cmd, bad->what);
		return;
	}
	if (bad->own && in_tree())
		return;
	if (bad->prepare)
		shared_retire();
	vm = bad->prepare ? machine_create(bad->machine) : shared_machine(bad->machine);
	report(case_try(bad, vm, row), "%s, %s: %s", row->name, bad->what,
	       strerrorname_np(bad->error));
	if (bad->prepare)
		machine_destroy(vm);
	if (event > 0)
		close(event);
	event = 0;
}

/* Has one of the cases, or something else, this errno for this row? */
static bool is_provoked(const struct abi_row *row, int error)
{
	const struct bad_elsewhere *elsewhere;
	const struct bad_case *bad;

	for (bad = __start_bad_cases; bad < __stop_bad_cases; bad++)
		if (bad->cmd == row->cmd && bad->scope == row->scope && bad->error == error)
			return true;
	for (elsewhere = __start_bad_elsewhere; elsewhere < __stop_bad_elsewhere; elsewhere++)
		if (elsewhere->cmd == row->cmd && elsewhere->scope == row->scope &&
		    elsewhere->error == error)
			return true;

	/* The test bad_input does that to all. */
	return error == EFAULT && row->size;
}

static void test_complete(void)
{
	const struct abi_row *row;
	int missing = 0, i;

	for (row = abi_rows; row < abi_rows + abi_row_count; row++) {
		if (row->scope == SCOPE_DEVICE && !kvm_cap(KVM_CAP_DEVICE_CTRL))
			continue;
		for (i = 0; i < ABI_ERRNOS && row->errnos[i]; i++)
			if (!is_provoked(row, row->errnos[i]))
				missing++, note("%s: nothing provokes %s", row->name,
						strerrorname_np(row->errnos[i]));
	}
	report(!missing, "every errno of every row has been provoked");
}

TEST(bad_cases)
{
	const struct bad_case *bad;

	argument = mmap(NULL, (ARGUMENT_PAGES + 1) * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(argument + ARGUMENT_PAGES * PAGE, PAGE);
	for (bad = __start_bad_cases; bad < __stop_bad_cases; bad++)
		case_run(bad);
	shared_retire();
	if (!in_tree())
		test_complete();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing allocations and copies: see fault.h.  Only a kernel with fault
 * injection can do this.  What was leaked is told by the host's kmemleak.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <common/fault.h>

#define TRIES_MAX	1000
#define ROUNDS		4
#define DEBUGFS		"/sys/kernel/debug/"
#define SLOT_SIZE	(64 * PAGE)
#define PAGES		64

struct fault_fds fault_fds = { -1, -1, -1, -1, -1, -1 };

/* --- the kernel's side ------------------------------------------------------- */

static int nth_fd = -1;
static size_t run_size;

static bool write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);

	return good;
}

/* All allocations, also those that may sleep, and no report for each failure. */
static void injection_begin(void)
{
	run_size = kvm_mmap_size();
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0 || !write_file(DEBUGFS "failslab/ignore-gfp-wait", "N"))
		skip("the kernel has no fault injection");
	write_file(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	write_file(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_file(DEBUGFS "fail_page_alloc/min-order", "0");
	write_file(DEBUGFS "failslab/verbose", "0");
	write_file(DEBUGFS "fail_page_alloc/verbose", "0");
	write_file(DEBUGFS "fail_usercopy/verbose", "0");
}

static void injection_arm(int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(nth_fd, text, length, 0) != length)
		bail("cannot arm fault injection: %s", strerror(errno));
}

/* Disarm.  Was it injected?  These calls may be the ones that fail. */
static bool injection_end(void)
{
	char text[16] = "";
	ssize_t length = pread(nth_fd, text, sizeof(text) - 1, 0);
	bool injected = length > 0 && atoi(text) == 0;

	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;

	return injected;
}

/* --- what is left of it: pages, which kmemleak does not count ----------------------- */

#define CGROUPS		"/tmp/fault-cgroups"
#define GROUP		CGROUPS "/fault"

/* From now on, count the kernel's memory of this process. */
static void accounting_begin(void)
{
	mkdir(CGROUPS, 0700);
	mount("none", CGROUPS, "cgroup2", 0, NULL);
	write_file(CGROUPS "/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0700);
	if (!write_file(GROUP "/cgroup.procs", "0"))
		bail("no memory cgroup: %s", strerror(errno));
}

/* Bytes of kernel memory that are charged to this process. */
static long accounted(void)
{
	char text[4096] = "", *line;
	int fd = open(GROUP "/memory.stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		bail("cannot read memory.stat");
	close(fd);
	line = strstr(text, "\nkernel ");

	return line ? atol(line + 8) : 0;
}

/* What is freed late is freed after a while. */
static long accounted_growth(long before)
{
	long growth = 0;
	int tries;

	for (tries = 0; tries < 40; tries++) {
		growth = accounted() - before;
		if (growth <= 0)
			break;
		sleep_ms(50);
	}

	return growth;
}

/* --- setups --------------------------------------------------------------------- */

static void put_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fault_teardown(void)
{
	put_fd(&fault_fds.other);
	put_fd(&fault_fds.event);
	put_fd(&fault_fds.vcpu);
	put_fd(&fault_fds.irqchip);
	put_fd(&fault_fds.vm);
	put_fd(&fault_fds.kvm);
}

static void setup_kvm(void)
{
	/* Not kvm_open(), which is one for all. */
	fault_fds.kvm = open(kvm_node(), O_RDWR | O_CLOEXEC);
	if (fault_fds.kvm < 0)
		bail("cannot open %s: %s", kvm_node(), strerror(errno));
	fault_fds.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void fault_setup_vm(void)
{
	setup_kvm();
	fault_fds.vm = xioctl(fault_fds.kvm, KVM_CREATE_VM, arch_vm_type());
}

void fault_setup_irqchip(void)
{
	fault_setup_vm();
	if (arch_create_irqchip(fault_fds.vm, &fault_fds.irqchip))
		bail("cannot create the irqchip: %s", strerror(errno));
}

void fault_setup_vcpu(void)
{
	fault_setup_irqchip();
	fault_fds.vcpu = xioctl(fault_fds.vm, KVM_CREATE_VCPU, 0);
}

/* --- the walk ---------------------------------------------------------------------- */

static bool errno_expected(int error)
{
	switch (error) {
	case ENOMEM:
	case EFAULT:
	case EINTR:
	case EAGAIN:
		return true;
	default:
		return false;
	}
}

/* One try with the allocation number @nth failing; false: there were less. */
static bool fault_try(const struct fault_step *step, int nth, int *bad)
{
	int result, error;
	bool injected;

	if (step->setup)
		step->setup();
	injection_arm(nth);
	result = step->run();
	error = errno;
	injected = injection_end();

	if (result < 0 && (!injected || !errno_expected(error))) {
		note("%s, %d%s: %s", step->name, nth, injected ? "" : " (not injected)",
		     strerror(error));
		++*bad;
	} else if (result < 0 && step->run() < 0) {
		note("%s, %d: failed with %s, and then again: %s", step->name, nth,
		     strerror(error), strerror(errno));
		++*bad;
	}
	step->teardown();

	return injected;
}

static void fault_step(const struct fault_step *step)
{
	int nth = 0, bad = 0, round;
	long before;

	/* What grows by chance does so once, what leaks every time. */
	for (round = 0; round < ROUNDS; round++) {
		before = accounted();
		for (nth = 1; nth < TRIES_MAX && fault_try(step, nth, &bad); nth++)
			;
		if (accounted_growth(before) <= 0)
			break;
	}
	report(!bad && nth < TRIES_MAX, "%s: %d failures", step->name, nth - 1);
	if (round == ROUNDS)
		report(false, "%s leaks memory", step->name);
}

void fault_walk(const struct fault_step *steps, int count)
{
	int i;

	injection_begin();
	accounting_begin();
	for (i = 0; i < count; i++)
		fault_step(&steps[i]);
}

/* --- steps of any architecture --------------------------------------------------------- */

static u8 *slot_memory;

static int run_open(void)
{
	fault_fds.kvm = open(kvm_node(), O_RDWR | O_CLOEXEC);

	return fault_fds.kvm;
}

static int run_create_vm(void)
{
	fault_fds.vm = ioctl(fault_fds.kvm, KVM_CREATE_VM, arch_vm_type());

	return fault_fds.vm;
}

static int run_create_irqchip(void)
{
	return arch_create_irqchip(fault_fds.vm, &fault_fds.irqchip);
}

static int run_create_vcpu(void)
{
	fault_fds.vcpu = ioctl(fault_fds.vm, KVM_CREATE_VCPU, 0);

	return fault_fds.vcpu;
}

static int run_mmap(void)
{
	void *run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fault_fds.vcpu, 0);

	if (run == MAP_FAILED)
		return -1;
	munmap(run, run_size);

	return 0;
}

static int set_slot(u32 flags, u64 gpa, u64 size)
{
	struct kvm_userspace_memory_region region = {
		.slot = 1, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)slot_memory,
	};

	return ioctl(fault_fds.vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void setup_slot(void)
{
	fault_setup_vm();
	if (set_slot(0, GPA_TEST, SLOT_SIZE))
		bail("cannot add a slot");
}

static void setup_slot_dirty(void)
{
	fault_setup_vm();
	if (set_slot(KVM_MEM_LOG_DIRTY_PAGES, GPA_TEST, SLOT_SIZE))
		bail("cannot add a slot");
}

static int run_slot_add(void)
{
	return set_slot(0, GPA_TEST, SLOT_SIZE);
}

static int run_slot_add_dirty(void)
{
	return set_slot(KVM_MEM_LOG_DIRTY_PAGES, GPA_TEST, SLOT_SIZE);
}

static int run_slot_move(void)
{
	return set_slot(0, GPA_TEST + MIB, SLOT_SIZE);
}

static int run_slot_delete(void)
{
	return set_slot(0, GPA_TEST, 0);
}

static int run_dirty_log(void)
{
	u64 bitmap[PAGES / 64] = {};
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };

	return ioctl(fault_fds.vm, KVM_GET_DIRTY_LOG, &log);
}

static int irqfd(u32 gsi, u32 flags)
{
	struct kvm_irqfd args = {
		.fd = fault_fds.event, .gsi = gsi, .flags = flags,
		.resamplefd = fault_fds.other,
	};

	return ioctl(fault_fds.vm, KVM_IRQFD, &args);
}

static void setup_resample(void)
{
	fault_setup_irqchip();
	fault_fds.other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void setup_irqfd(void)
{
	fault_setup_irqchip();
	if (irqfd(4, 0))
		bail("cannot add an irqfd");
}

static int run_irqfd(void)
{
	return irqfd(4, 0);
}

static int run_irqfd_resample(void)
{
	return irqfd(4, kvm_cap(KVM_CAP_IRQFD_RESAMPLE) ? KVM_IRQFD_FLAG_RESAMPLE : 0);
}

static int run_irqfd_deassign(void)
{
	return irqfd(4, KVM_IRQFD_FLAG_DEASSIGN);
}

static int ioeventfd(u32 flags)
{
	struct kvm_ioeventfd args = {
		.addr = GPA_MMIO, .len = 4, .fd = fault_fds.event, .flags = flags,
	};

	return ioctl(fault_fds.vm, KVM_IOEVENTFD, &args);
}

static void setup_ioeventfd(void)
{
	fault_setup_vm();
	if (ioeventfd(0))
		bail("cannot add an ioeventfd");
}

static int run_ioeventfd(void)
{
	return ioeventfd(0);
}

static int run_ioeventfd_deassign(void)
{
	return ioeventfd(KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static int coalesced(unsigned long cmd)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = GPA_MMIO, .size = PAGE };

	return ioctl(fault_fds.vm, cmd, &zone);
}

static void setup_coalesced(void)
{
	fault_setup_vm();
	if (coalesced(KVM_REGISTER_COALESCED_MMIO))
		bail("cannot add a coalesced zone");
}

static int run_coalesced(void)
{
	return coalesced(KVM_REGISTER_COALESCED_MMIO);
}

static int run_coalesced_end(void)
{
	return coalesced(KVM_UNREGISTER_COALESCED_MMIO);
}

static int run_routing(void)
{
	struct {
		struct kvm_irq_routing		head;
		struct kvm_irq_routing_entry	entry[2];
	} routes = {
		.head.nr = 2,
		.entry = {
			{ .gsi = 1, ARCH_ROUTE_LINE(0) },
			{ .gsi = 2, ARCH_ROUTE_LINE(1) },
		},
	};

	return ioctl(fault_fds.vm, KVM_SET_GSI_ROUTING, &routes);
}

static int run_stats_fd(void)
{
	fault_fds.other = ioctl(fault_fds.vm, KVM_GET_STATS_FD, 0);

	return fault_fds.other;
}

static const struct fault_step steps[] = {
	{ "open", NULL, run_open, fault_teardown },
	{ "create VM", setup_kvm, run_create_vm, fault_teardown },
	{ "create irqchip", fault_setup_vm, run_create_irqchip, fault_teardown },
	{ "create vCPU", fault_setup_irqchip, run_create_vcpu, fault_teardown },
	{ "create vCPU, no irqchip", fault_setup_vm, run_create_vcpu, fault_teardown },
	{ "mmap", fault_setup_vcpu, run_mmap, fault_teardown },
	{ "slot", fault_setup_vm, run_slot_add, fault_teardown },
	{ "slot with dirty log", fault_setup_vm, run_slot_add_dirty, fault_teardown },
	{ "slot gets a dirty log", setup_slot, run_slot_add_dirty, fault_teardown },
	{ "slot moves", setup_slot, run_slot_move, fault_teardown },
	{ "slot goes", setup_slot, run_slot_delete, fault_teardown },
	{ "dirty log", setup_slot_dirty, run_dirty_log, fault_teardown },
	{ "irqfd", fault_setup_irqchip, run_irqfd, fault_teardown },
	{ "irqfd with resample", setup_resample, run_irqfd_resample, fault_teardown },
	{ "irqfd goes", setup_irqfd, run_irqfd_deassign, fault_teardown },
	{ "ioeventfd", fault_setup_vm, run_ioeventfd, fault_teardown },
	{ "ioeventfd goes", setup_ioeventfd, run_ioeventfd_deassign, fault_teardown },
	{ "coalesced zone", fault_setup_vm, run_coalesced, fault_teardown },
	{ "coalesced zone goes", setup_coalesced, run_coalesced_end, fault_teardown },
	{ "routing", fault_setup_irqchip, run_routing, fault_teardown },
	{ "stats", fault_setup_vm, run_stats_fd, fault_teardown },
};

static void map_slot_memory(void)
{
	slot_memory = mmap(NULL, SLOT_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slot_memory == MAP_FAILED)
		bail("no memory");
}

TEST(fault_steps)
{
	map_slot_memory();
	fault_walk(steps, ARRAY_SIZE(steps));
}

/* --- the guest runs, and its host has no memory for it -------------------------------------- */

static struct vcpu *runner;

/* Read and write pages that are not there yet, and say what was found. */
static void guest_touch(u64 argument)
{
	u64 i, sum;

	for (;;) {
		for (i = 0, sum = 0; i < PAGES; i += 7) {
			sum += guest_read64(GPA_TEST + i * PAGE);
			guest_write64(GPA_TEST + i * PAGE, 1);
		}
		guest_say(sum);
	}
}

static void setup_run(void)
{
	/* Freshly zeroed, and mapped nowhere. */
	if (madvise(slot_memory, SLOT_SIZE, MADV_DONTNEED))
		bail("madvise");
}

static int run_run(void)
{
	int err = vcpu_run(runner);

	errno = -err;

	return err ? -1 : 0;
}

static void teardown_run(void)
{
	u64 i, sum = 0, wrong = 0;

	if (!vcpu_said(runner, &sum) || sum)
		bail("the guest did not find zeroes");
	for (i = 0; i < PAGES; i += 7)
		wrong += READ_ONCE(*(u64 *)(slot_memory + i * PAGE)) != 1;
	if (wrong)
		bail("%d pages were not written", (int)wrong);
}

TEST(fault_run)
{
	static const struct fault_step run[] = {
		{ "run", setup_run, run_run, teardown_run },
	};
	struct vm *vm = vm_create(0);

	map_slot_memory();
	if (vm_set_slot(vm, VM_SLOT_TEST, GPA_TEST, SLOT_SIZE, slot_memory, 0))
		bail("cannot add the slot");
	runner = vcpu_create(vm, guest_touch, 0);
	fault_walk(run, ARRAY_SIZE(run));
}

/* --- more than one failure ------------------------------------------------------------------- */

#define RANDOM_ROUNDS	150

/* Everything, whatever of it works. */
static void random_round(void)
{
	unsigned int i;

	if (run_open() < 0 || run_create_vm() < 0)
		return;
	fault_fds.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	run_create_irqchip();
	run_create_vcpu();
	for (i = 6; i < ARRAY_SIZE(steps) - 1; i++)
		steps[i].run();
	run_mmap();
	run_stats_fd();
}

static void random_child(void)
{
	int i;

	if (!write_file("/proc/self/make-it-fail", "1"))
		_exit(1);
	for (i = 0; i < RANDOM_ROUNDS; i++) {
		random_round();
		fault_teardown();
	}
	_exit(0);
}

static void random_setting(const char *name, const char *setting, const char *text)
{
	char path[100];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", name, setting);
	if (!write_file(path, text))
		bail("cannot write %s to %s: %s", text, path, strerror(errno));
}

/* The filter is there before anything fails: it is for the child only. */
static void random_begin(const char *name)
{
	random_setting(name, "task-filter", "Y");
	random_setting(name, "times", "-1");
	random_setting(name, "probability", "5");
}

/* And it outlives the failing, or the host would run out of memory between the two. */
static void random_end(const char *name)
{
	random_setting(name, "probability", "0");
	random_setting(name, "task-filter", "N");
}

TEST(fault_random)
{
	int status;
	pid_t child;

	injection_begin();
	map_slot_memory();
	random_begin("failslab");
	random_begin("fail_page_alloc");
	child = fork();
	if (!child)
		random_child();
	waitpid(child, &status, 0);
	random_end("fail_page_alloc");
	random_end("failslab");
	report(WIFEXITED(status) && !WEXITSTATUS(status), "%d rounds, whatever failed",
	       RANDOM_ROUNDS);
	/* And all of it works now. */
	fault_setup_vcpu();
	report(!run_slot_add() && !run_irqfd() && !run_routing(), "then it all works");
	fault_teardown();
}

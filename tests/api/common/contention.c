// SPDX-License-Identifier: GPL-2.0-only
/* What vCPUs that do the same at once wait for: the host's statistics of its locks. */
#include <fcntl.h>
#include <lib/kvm.h>

#define VCPUS		4
#define TOUCHED		1024UL		/* pages of each vCPU */

static void guest_touch(u64 first)
{
	u64 i;

	for (i = 0; i < TOUCHED; i++)
		guest_write64(first + i * PAGE, i);
	guest_done();
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);

	return done;
}

static void lock_stat(bool on)
{
	if (!write_text("/proc/sys/kernel/lock_stat", on ? "1" : "0"))
		bail("the statistics of locks cannot be turned %s", on ? "on" : "off");
}

struct lock_use {
	char			name[64];
	unsigned long long	contentions, acquisitions;
};

/* A line about a class of locks, and not about a place that took one: "NAME: figures". */
static bool parse_lock(const char *line, struct lock_use *use)
{
	const char *colon = strrchr(line, ':');
	unsigned long long bounces;
	int length;

	if (!colon || sscanf(colon + 1, "%*u %llu %*f %*f %*f %*f %llu %llu", &use->contentions,
			     &bounces, &use->acquisitions) != 3)
		return false;
	while (*line == ' ')
		line++;
	length = colon - line;
	snprintf(use->name, sizeof(use->name), "%.*s", length, line);

	return true;
}

/* The lock that was waited for most often, and how often faults took that of the VM. */
static void read_locks(struct lock_use *worst, struct lock_use *of_vm)
{
	FILE *file = fopen("/proc/lock_stat", "r");
	struct lock_use use;
	char line[512];

	if (!file)
		bail("cannot read /proc/lock_stat: %s", strerror(errno));
	memset(worst, 0, sizeof(*worst));
	memset(of_vm, 0, sizeof(*of_vm));
	while (fgets(line, sizeof(line), file)) {
		if (!parse_lock(line, &use))
			continue;
		if (use.contentions > worst->contentions)
			*worst = use;
		if (strstr(use.name, "mmu_lock-R"))
			*of_vm = use;
	}
	fclose(file);
}

/* The pages are there already, so what is waited for is the hypervisor's. */
TEST(fault_contention)
{
	struct vcpu_thread threads[VCPUS] = { };
	struct lock_use worst, of_vm;
	u64 faults = VCPUS * TOUCHED;
	struct vm *vm;
	void *memory;
	int i;

	if (access("/proc/lock_stat", W_OK))
		skip("the host's kernel keeps no statistics of locks (CONFIG_LOCK_STAT)");

	vm = vm_create(0);
	memory = mmap(NULL, faults * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || madvise(memory, faults * PAGE, MADV_NOHUGEPAGE) ||
	    vm_set_slot(vm, VM_SLOT_TEST, GPA_TEST, faults * PAGE, memory, 0))
		bail("no memory for the guest: %s", strerror(errno));
	memset(memory, 1, faults * PAGE);
	for (i = 0; i < VCPUS; i++)
		vcpu_create(vm, guest_touch, GPA_TEST + i * TOUCHED * PAGE);

	lock_stat(true);
	if (!write_text("/proc/lock_stat", "0"))
		bail("the statistics of locks cannot be cleared");
	for (i = 0; i < VCPUS; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	for (i = 0; i < VCPUS; i++)
		vcpu_thread_join(&threads[i]);
	lock_stat(false);
	read_locks(&worst, &of_vm);

	note("%llu faults of %d vCPUs took %s %llu times and waited for it %llu times; for %s %llu times",
	     (unsigned long long)faults, VCPUS, of_vm.name, of_vm.acquisitions,
	     of_vm.contentions, worst.name, worst.contentions);
	report(of_vm.acquisitions >= faults, "the statistics know of every fault");
	/* What the scheduler and the tick wait for among themselves is in it too. */
	report(of_vm.contentions * 50 <= faults, "faults do not wait for each other");
	report(worst.contentions * 20 <= faults, "and there is no lock that they all wait for");
	vm_destroy(vm);
}

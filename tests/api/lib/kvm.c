// SPDX-License-Identifier: GPL-2.0-only
/* The portable part of the library: see kvm.h. */
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/auxv.h>
#include <time.h>
#include <lib/kvm.h>

/* --- the system descriptor ---------------------------------------------------- */

const char *kvm_node(void)
{
	return getenv("KVM_NODE") ?: "/dev/kvm";
}

int kvm_open(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(kvm_node(), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		bail("cannot open %s: %s", kvm_node(), strerror(errno));

	return fd;
}

int xioctl_(int fd, unsigned long cmd, unsigned long arg, const char *name)
{
	int result = ioctl(fd, cmd, arg);

	if (result < 0)
		bail("%s failed: %s", name, strerror(errno));

	return result;
}

int eventfd_create(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

u64 eventfd_fired(int fd)
{
	u64 count = 0;

	return read(fd, &count, 8) == 8 ? count : 0;
}

size_t kvm_mmap_size(void)
{
	static size_t size;

	if (!size)
		size = xioctl(kvm_open(), KVM_GET_VCPU_MMAP_SIZE, 0);

	return size;
}

int kvm_cap(long cap)
{
	return xioctl(kvm_open(), KVM_CHECK_EXTENSION, cap);
}

void need_cap(long cap, const char *name)
{
	if (!kvm_cap(cap))
		skip("no %s", name);
}

/* --- machines -------------------------------------------------------------------- */

int vm_set_slot(struct vm *vm, u32 slot, u64 gpa, u64 size, void *memory, u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot			= slot,
		.flags			= flags,
		.guest_phys_addr	= gpa,
		.memory_size		= size,
		.userspace_addr		= (u64)memory,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

void *vm_add_memory(struct vm *vm, u32 slot, u64 gpa, u64 size, u32 flags)
{
	/* For a hypervisor that cannot bring pages in while the guest runs. */
	int populate = getenv("KVM_POPULATE") ? MAP_POPULATE : 0;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | populate, -1, 0);

	if (memory == MAP_FAILED)
		bail("no memory for a slot of %lu KiB", (unsigned long)(size / KIB));
	if (vm_set_slot(vm, slot, gpa, size, memory, flags))
		bail("cannot add slot %u: %s", slot, strerror(errno));

	return memory;
}

/* Copy this program to where it is linked. */
static void vm_load_image(struct vm *vm)
{
	const ElfW(Phdr) *phdr = (void *)getauxval(AT_PHDR);
	unsigned long count = getauxval(AT_PHNUM);

	for (; count--; phdr++) {
		if (phdr->p_type != PT_LOAD)
			continue;
		if (phdr->p_vaddr + phdr->p_memsz > VM_RAM_SIZE)
			bail("the test program is linked too high for guest memory");
		memcpy(vm->ram + phdr->p_vaddr, (void *)phdr->p_vaddr, phdr->p_memsz);
	}
}

struct vm *vm_create(u32 flags)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	vm->fd = xioctl(kvm_open(), KVM_CREATE_VM, arch_vm_type());
	vm->flags = flags;
	vm->irqchip_fd = -1;
	if (flags & VM_IRQCHIP)
		arch_vm_irqchip(vm);
	if (flags & VM_BARE)
		return vm;

	vm->ram = vm_add_memory(vm, 0, 0, VM_RAM_SIZE, 0);
	vm_load_image(vm);
	arch_vm_setup(vm);

	return vm;
}

void vm_destroy(struct vm *vm)
{
	int i;

	for (i = 0; i < vm->vcpu_count; i++) {
		munmap(vm->vcpus[i].run, kvm_mmap_size());
		close(vm->vcpus[i].fd);
	}
	if (vm->irqchip_fd >= 0)
		close(vm->irqchip_fd);
	close(vm->fd);
	if (vm->ram)
		munmap(vm->ram, VM_RAM_SIZE);
	free(vm);
}

struct vcpu *vcpu_create_bare(struct vm *vm, int id)
{
	struct vcpu *vcpu = &vm->vcpus[vm->vcpu_count];

	if (vm->vcpu_count == VM_VCPUS_MAX)
		bail("more vCPUs than the library can hold");
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = xioctl(vm->fd, KVM_CREATE_VCPU, id);
	vcpu->run = mmap(NULL, kvm_mmap_size(), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		bail("cannot map struct kvm_run: %s", strerror(errno));
	vm->vcpu_count++;

	return vcpu;
}

void vcpu_enter_at(struct vcpu *vcpu, void (*entry)(u64), u64 argument)
{
	/* What it left for may end only here: some would skip the first instruction there. */
	if (vcpu->run->exit_reason) {
		vcpu->run->immediate_exit = 1;
		vcpu_run(vcpu);
		vcpu->run->immediate_exit = 0;
	}
	arch_vcpu_setup(vcpu, entry, argument);
}

struct vcpu *vcpu_create(struct vm *vm, void (*entry)(u64), u64 argument)
{
	struct vcpu *vcpu = vcpu_create_bare(vm, vm->vcpu_count);

	arch_vcpu_setup(vcpu, entry, argument);

	return vcpu;
}

/* --- registers ---------------------------------------------------------------------- */

int reg_try_get(struct vcpu *vcpu, u64 id, void *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)value };

	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg);
}

int reg_try_set(struct vcpu *vcpu, u64 id, const void *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)value };

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

u64 reg_get(struct vcpu *vcpu, u64 id)
{
	u64 value = 0;

	if (reg_try_get(vcpu, id, &value))
		bail("cannot get register 0x%llx: %s", (unsigned long long)id, strerror(errno));

	return value;
}

void reg_set(struct vcpu *vcpu, u64 id, u64 value)
{
	if (reg_try_set(vcpu, id, &value))
		bail("cannot set register 0x%llx to 0x%llx: %s", (unsigned long long)id,
		     (unsigned long long)value, strerror(errno));
}

struct kvm_reg_list *reg_list_get(struct vcpu *vcpu)
{
	struct kvm_reg_list empty = { .n = 0 }, *list;

	if (ioctl(vcpu->fd, KVM_GET_REG_LIST, &empty) != -1 || errno != E2BIG || !empty.n)
		bail("KVM_GET_REG_LIST does not tell its size");
	list = calloc(1, sizeof(*list) + empty.n * sizeof(list->reg[0]));
	list->n = empty.n;
	xioctl(vcpu->fd, KVM_GET_REG_LIST, list);

	return list;
}

/* --- running ----------------------------------------------------------------------- */

void vm_start(struct vm *vm)
{
	static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&start_lock);
	if (!vm->started)
		arch_vm_start(vm);
	WRITE_ONCE(vm->started, true);
	pthread_mutex_unlock(&start_lock);
}

int vcpu_run_once(struct vcpu *vcpu)
{
	if (!READ_ONCE(vcpu->vm->started))
		vm_start(vcpu->vm);

	return ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? -errno : 0;
}

void vcpu_complete(struct vcpu *vcpu)
{
	int err;

	vcpu->run->immediate_exit = 1;
	err = vcpu_run_once(vcpu);
	vcpu->run->immediate_exit = 0;
	if (err != -EINTR)
		bail("entering in order to leave at once: %s", strerror(-err));
}

void stay_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int vcpu_run(struct vcpu *vcpu)
{
	int err;

	do {
		err = vcpu_run_once(vcpu);
	} while (err == -EINTR && !vcpu->run->immediate_exit);

	return err;
}

const char *exit_name(u32 exit_reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN", [KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO", [KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG", [KVM_EXIT_HLT] = "HLT", [KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN", [KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR", [KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
		[KVM_EXIT_RISCV_SBI] = "RISCV_SBI", [KVM_EXIT_RISCV_CSR] = "RISCV_CSR",
		[KVM_EXIT_S390_SIEIC] = "S390_SIEIC", [KVM_EXIT_S390_RESET] = "S390_RESET",
		[KVM_EXIT_S390_TSCH] = "S390_TSCH", [KVM_EXIT_S390_STSI] = "S390_STSI",
		[KVM_EXIT_ARM_NISV] = "ARM_NISV", [KVM_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
	};

	if (exit_reason >= ARRAY_SIZE(names) || !names[exit_reason])
		return "another";

	return names[exit_reason];
}

void vcpu_describe(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u32 i;

	note("vCPU %d: exit %u (%s)", vcpu->id, run->exit_reason, exit_name(run->exit_reason));
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		note("  %s of %u bytes at 0x%llx", run->mmio.is_write ? "write" : "read",
		     run->mmio.len, run->mmio.phys_addr);
		break;
	case KVM_EXIT_MEMORY_FAULT:
		note("  memory fault at 0x%llx, flags 0x%llx", run->memory_fault.gpa,
		     run->memory_fault.flags);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		note("  reason 0x%llx", run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		note("  suberror %u", run->internal.suberror);
		for (i = 0; i < run->internal.ndata && i < 16; i++)
			note("  data[%u] 0x%llx", i, run->internal.data[i]);
		break;
	}
	arch_vcpu_describe(vcpu);
}

static bool vcpu_said_any(struct vcpu *vcpu, struct said *said)
{
	if (!arch_vcpu_said(vcpu, said))
		return false;

	switch (said->kind) {
	case SAY_ASSERT:
		bail("guest assertion: %s (0x%llx, 0x%llx)", (const char *)said->a,
		     (unsigned long long)said->b, (unsigned long long)said->c);
	case SAY_TRAP:
		note("the guest took trap %llu, code 0x%llx, at 0x%llx",
		     (unsigned long long)said->a, (unsigned long long)said->b,
		     (unsigned long long)said->c);
		arch_vcpu_describe(vcpu);
		bail("unexpected trap in the guest");
	}

	return true;
}

bool vcpu_said(struct vcpu *vcpu, u64 *value)
{
	struct said said;

	if (!vcpu_said_any(vcpu, &said) || said.kind != SAY_VALUE)
		return false;
	*value = said.a;

	return true;
}

bool vcpu_is_done(struct vcpu *vcpu)
{
	struct said said;

	return vcpu_said_any(vcpu, &said) && said.kind == SAY_DONE;
}

static void vcpu_must_run(struct vcpu *vcpu)
{
	int err = vcpu_run(vcpu);

	if (err) {
		vcpu_describe(vcpu);
		bail("KVM_RUN failed: %s", strerror(-err));
	}
}

u64 vcpu_run_said(struct vcpu *vcpu)
{
	u64 value;

	vcpu_must_run(vcpu);
	if (!vcpu_said(vcpu, &value)) {
		vcpu_describe(vcpu);
		bail("the guest did not say a value");
	}

	return value;
}

void vcpu_run_done(struct vcpu *vcpu)
{
	vcpu_must_run(vcpu);
	if (!vcpu_is_done(vcpu)) {
		vcpu_describe(vcpu);
		bail("the guest did not come to its end");
	}
}

/* KVM_RUN returned @err: report whether it is 0 and the exit was @expected. */
static bool report_run(struct vcpu *vcpu, int err, bool expected, const char *what)
{
	struct said said;

	if (!err && expected)
		return report(true, "%s", what);

	/* If it was an assertion, that is what there is to know. */
	if (!err)
		vcpu_said_any(vcpu, &said);
	report(false, "%s", what);
	note("KVM_RUN returned %d", err);
	vcpu_describe(vcpu);

	return false;
}

bool vcpu_run_expect(struct vcpu *vcpu, u32 exit_reason, const char *what)
{
	int err = vcpu_run(vcpu);

	if (report_run(vcpu, err, vcpu->run->exit_reason == exit_reason, what))
		return true;
	note("expected exit %s", exit_name(exit_reason));

	return false;
}

__attribute__((weak)) bool arch_vcpu_absent(struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == KVM_EXIT_MMIO;
}

bool vcpu_run_absent(struct vcpu *vcpu, const char *what)
{
	int err = vcpu_run(vcpu);

	return report_run(vcpu, err, !err && arch_vcpu_absent(vcpu), what);
}

u64 vcpu_stat(struct vcpu *vcpu, const char *name)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	int fd = xioctl(vcpu->fd, KVM_GET_STATS_FD, 0);
	u64 value = 0;
	bool found = false;
	u32 i;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		bail("statistics without a header");
	desc = calloc(1, sizeof(*desc) + header.name_size + 1);
	for (i = 0; i < header.num_desc && !found; i++) {
		size_t size = sizeof(*desc) + header.name_size;

		if (pread(fd, desc, size, header.desc_offset + i * size) != (ssize_t)size)
			bail("a descriptor cannot be read");
		found = !strcmp(desc->name, name);
	}
	if (!found || pread(fd, &value, 8, header.data_offset + desc->offset) != 8)
		bail("there is no statistic %s", name);
	free(desc);
	close(fd);

	return value;
}

/* --- vCPUs in threads ------------------------------------------------------------------ */

static void on_signal(int number)
{
}

static void *vcpu_thread_main(void *data)
{
	struct vcpu_thread *thread = data;
	struct vcpu *vcpu = thread->vcpu;
	struct said said;
	int err;

	while (!thread->stop) {
		err = vcpu_run_once(vcpu);
		if (err == -EINTR || err == -EAGAIN)
			continue;
		if (err) {
			vcpu_describe(vcpu);
			thread->error = err;
			break;
		}
		thread->exits++;
		if (vcpu_said_any(vcpu, &said)) {
			if (said.kind == SAY_DONE)
				break;
			thread->said = said.a;
			continue;
		}
		if (thread->handle && thread->handle(thread))
			continue;
		vcpu_describe(vcpu);
		thread->error = -EPROTO;
		break;
	}

	return NULL;
}

void vcpu_thread_start(struct vcpu_thread *thread, struct vcpu *vcpu)
{
	/* Without SA_RESTART: KVM_RUN has to come back. */
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	thread->vcpu = vcpu;
	if (pthread_create(&thread->thread, NULL, vcpu_thread_main, thread))
		bail("cannot start a thread");
}

void vcpu_thread_join(struct vcpu_thread *thread)
{
	pthread_join(thread->thread, NULL);
	if (thread->error)
		bail("the vCPU's thread failed: %s", strerror(-thread->error));
}

void vcpu_thread_stop(struct vcpu_thread *thread)
{
	thread->stop = true;
	thread->vcpu->run->immediate_exit = 1;
	pthread_kill(thread->thread, SIGUSR1);
	vcpu_thread_join(thread);
	thread->vcpu->run->immediate_exit = 0;
}

void sleep_ms(unsigned int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

u64 now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);

	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may use a VM, and what is left of one: fork, descriptors passed on, killed
 * VMMs, unloading, and the statistics.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <lib/kvm.h>

static u64 progress;

static void guest_spin(u64 argument)
{
	for (;;)
		WRITE_ONCE(progress, READ_ONCE(progress) + 1);
}

static void guest_hello(u64 argument)
{
	guest_say(argument);
	guest_done();
}

/* In another process every call on the VM fails with EIO; one bit per surprise. */
static int try_as_stranger(struct vm *vm)
{
	struct vcpu *vcpu = &vm->vcpus[0];
	int wrong = 0;

	wrong |= (ioctl(vm->fd, KVM_CREATE_VCPU, 7) != -1 || errno != EIO) << 0;
	wrong |= (vm_set_slot(vm, 20, 2 * GPA_TEST, PAGE, vm->ram, 0) != -1 || errno != EIO) << 1;
	wrong |= (ioctl(vm->fd, KVM_CHECK_EXTENSION, 0) != -1 || errno != EIO) << 2;
	wrong |= (vcpu_run(vcpu) != -EIO) << 3;
	wrong |= (ioctl(vcpu->fd, KVM_GET_MP_STATE, vm->ram) != -1 || errno != EIO) << 4;

	return wrong;
}

static int child_status(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(stranger)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_hello, 5);
	pid_t child;
	int status;

	child = fork();
	if (!child)
		_exit(try_as_stranger(vm));
	status = child_status(child);
	report(status == 0, "a forked child gets EIO from everything (%d)", status);

	/* It closes them at its end, and maybe in the middle of our work. */
	child = fork();
	if (!child) {
		close(vcpu->fd);
		close(vm->fd);
		_exit(0);
	}
	child_status(child);
	report(vcpu_run_said(vcpu) == 5, "the parent's VM does not mind");
	vcpu_run_done(vcpu);
	vm_destroy(vm);

	/* The owner dies, the child still has the descriptors. */
	child = fork();
	if (!child) {
		vm = vm_create(0);
		vcpu_run_said(vcpu_create(vm, guest_hello, 1));
		if (!fork()) {
			sleep_ms(300);
			try_as_stranger(vm);
		}
		_exit(0);
	}
	child_status(child);
	sleep_ms(500);
	report(true, "descriptors that outlive their owner");
}

/* --- killed --------------------------------------------------------------------- */

/* References to the module, or -1 if it is not one. */
static int module_references(void)
{
	const char *name = getenv("KVM_MODULE");
	char path[100], text[20] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name ?: "keel");
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	close(fd);

	return atoi(text);
}

/* A VMM with two vCPUs at work, an eventfd and slots that come and go. */
static void be_killed(int ready)
{
	struct vcpu_thread threads[2] = {};
	struct kvm_irqfd irqfd = { .fd = eventfd(0, 0), .gsi = GUEST_IRQ_LINE };
	struct vm *vm = vm_create(VM_IRQCHIP);
	void *memory = vm_add_memory(vm, 8, GPA_TEST, 16 * PAGE, KVM_MEM_LOG_DIRTY_PAGES);
	int i;

	ioctl(vm->fd, KVM_IRQFD, &irqfd);
	/* All before one runs: an irqchip may want to know them then. */
	for (i = 0; i < 2; i++)
		vcpu_create(vm, guest_spin, 0);
	for (i = 0; i < 2; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	write(ready, "x", 1);
	for (;;) {
		vm_set_slot(vm, 8, GPA_TEST, 0, NULL, 0);
		vm_set_slot(vm, 8, GPA_TEST, 16 * PAGE, memory, KVM_MEM_LOG_DIRTY_PAGES);
		write(irqfd.fd, &(u64){ 1 }, 8);
	}
}

TEST(killed)
{
	int before = module_references(), after = -1, i, wait;
	int pipes[2];
	pid_t child;
	char byte;

	for (i = 0; i < 30; i++) {
		if (pipe(pipes))
			bail("no pipe");
		child = fork();
		if (!child)
			be_killed(pipes[1]);
		close(pipes[1]);
		if (read(pipes[0], &byte, 1) != 1)
			bail("the child did not come up");
		close(pipes[0]);
		/* Not always at the same point. */
		usleep(i * 700);
		kill(child, SIGKILL);
		if (child_status(child) != 1000 + SIGKILL)
			bail("the child ended in another way");
	}
	report(true, "30 VMMs killed at work");
	if (before < 0)
		skip("the hypervisor is not a module that counts its users");
	for (wait = 0; wait < 100; wait++) {
		after = module_references();
		if (after == before)
			break;
		sleep_ms(20);
	}
	report(after == before, "no reference is left (%d before, %d after)", before, after);
}

/* --- unloading ------------------------------------------------------------------------- */

TEST(unload_refused)
{
	const char *name = getenv("KVM_MODULE") ?: "keel", *ko = getenv("KEEL_KO");
	struct vm *vm;
	struct vcpu *vcpu;
	int fd;

	if (module_references() < 0)
		skip("the hypervisor is not a module");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_hello, 3);
	report(syscall(SYS_delete_module, name, O_NONBLOCK) == -1 && errno == EWOULDBLOCK,
	       "unloading is refused while there is a VM");
	report(vcpu_run_said(vcpu) == 3, "and the VM goes on");
	vcpu_run_done(vcpu);
	close(kvm_open());
	report(syscall(SYS_delete_module, name, O_NONBLOCK) == -1 && errno == EWOULDBLOCK,
	       "also when /dev/kvm is closed");
	if (strcmp(name, "keel") || !ko) {
		note("unloading itself is not tried: no file to load it from again");
		return;
	}
	vm_destroy(vm);
	fd = open(ko, O_RDONLY | O_CLOEXEC);
	report(!syscall(SYS_delete_module, name, O_NONBLOCK), "without VMs it unloads");
	report(access(kvm_node(), F_OK) != 0, "the node is gone");
	report(!syscall(SYS_finit_module, fd, getenv("KEEL_PARAMETERS") ?: "", 0),
	       "and loads again");
	close(fd);
	fd = open(kvm_node(), O_RDWR);
	report(fd >= 0 && ioctl(fd, KVM_GET_API_VERSION, 0) == 12, "the node is back");
}

/* --- statistics ---------------------------------------------------------------------------- */

static const char *stats_read(int fd, u64 offset, void *data, size_t size)
{
	return pread(fd, data, size, offset) == (ssize_t)size ? NULL : "cannot be read";
}

static const char *stats_check_one(int fd, const struct kvm_stats_header *header, u32 i,
				   char *name, u64 *value)
{
	size_t size = sizeof(struct kvm_stats_desc) + header->name_size;
	struct kvm_stats_desc *desc = calloc(1, size);
	const char *wrong;
	u16 bytes;

	wrong = stats_read(fd, header->desc_offset + i * size, desc, size);
	if (wrong)
		return wrong;
	snprintf(name, 100, "%.*s", (int)header->name_size, desc->name);
	if (!memchr(desc->name, 0, header->name_size) || !desc->name[0])
		return "has no name";
	if ((desc->flags & KVM_STATS_TYPE_MASK) > KVM_STATS_TYPE_MAX ||
	    (desc->flags & KVM_STATS_UNIT_MASK) > KVM_STATS_UNIT_MAX ||
	    (desc->flags & KVM_STATS_BASE_MASK) > KVM_STATS_BASE_MAX)
		return "has unknown flags";
	bytes = desc->size * 8;
	if (!desc->size || desc->offset % 8)
		return "has a bad size or offset";
	if (pread(fd, value, 8, header->data_offset + desc->offset) != 8 || bytes < 8)
		return "has no data";
	free(desc);

	return NULL;
}

/* Everything the header promises is there; returns the sum of all values. */
static u64 stats_check(int fd, const char *whose)
{
	struct kvm_stats_header header;
	u64 value, sum = 0;
	char name[101] = "", id[200] = "";
	u32 i, bad = 0;

	if (!report(fd >= 0, "%s: a descriptor", whose) ||
	    !report(pread(fd, &header, sizeof(header), 0) == sizeof(header), "%s: a header", whose))
		return 0;
	report(!header.flags && header.name_size && header.num_desc &&
	       header.id_offset >= sizeof(header) && header.desc_offset > header.id_offset &&
	       header.data_offset >= header.desc_offset, "%s: it makes sense", whose);
	report(pread(fd, id, header.name_size, header.id_offset) == header.name_size &&
	       strlen(id) > 3, "%s: its id is %s", whose, id);
	for (i = 0; i < header.num_desc; i++) {
		const char *wrong = stats_check_one(fd, &header, i, name, &value);

		if (wrong)
			bad++, note("statistic %u (%s) %s", i, name, wrong);
		else
			sum += value;
	}
	report(!bad, "%s: all %u statistics are well-formed", whose, header.num_desc);
	report(pread(fd, &value, 8, 1 << 24) <= 0, "%s: nothing behind the end", whose);

	return sum;
}

TEST(stats)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_hello, 1);
	int vm_fd, vcpu_fd;
	u64 before;

	need_cap(KVM_CAP_BINARY_STATS_FD, "KVM_CAP_BINARY_STATS_FD");
	vm_fd = ioctl(vm->fd, KVM_GET_STATS_FD, 0);
	vcpu_fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, 0);
	stats_check(vm_fd, "VM");
	before = stats_check(vcpu_fd, "vCPU");
	vcpu_run_said(vcpu);
	vcpu_run_done(vcpu);
	report(stats_check(vcpu_fd, "vCPU after a run") > before, "running counts something");
	report_errno(write(vcpu_fd, &before, 8), EBADF, "it cannot be written");
	vm_destroy(vm);
	report(pread(vcpu_fd, &before, 8, 0) == 8 || errno == ENOENT,
	       "the descriptor outlives the VM's");
	close(vm_fd);
	close(vcpu_fd);
}

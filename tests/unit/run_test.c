// SPDX-License-Identifier: GPL-2.0-only
/* The life of a VM and its vCPUs: creation, KVM_RUN, halts, kicks, signals, end. */
#include <unistd.h>

#include "machine.h"

#define GPA	(4UL << 20)

static struct machine m;

/* --- coming and going ------------------------------------------------------------- */

TEST(module_loads_and_unloads)
{
	int fd, at, err;

	fake_format = formats[0];
	for (at = 1; ; at++) {
		shim_fail_at = at;
		err = shim_module_init();
		shim_fail_at = 0;
		if (!err)
			break;
		CHECK_EQ(err, -ENOMEM);
		CHECK_EQ(shim_allocated, 0);
	}
	CHECK_EQ(fake_cpus_enabled, 0);
	fd = shim_open();
	CHECK_EQ(shim_ioctl(fd, KVM_GET_API_VERSION, 0), 12);
	CHECK_EQ(shim_ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0), ARCH_RUN_PAGES * PAGE_SIZE);
	CHECK_EQ(shim_ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS), MEMSLOT_IDS);
	CHECK_EQ(shim_ioctl(fd, KVM_CHECK_EXTENSION, 54321), 0);
	CHECK_EQ(shim_ioctl(fd, 12345, 0), -ENOTTY);
	CHECK_EQ(shim_ioctl(fd, KVM_CREATE_VM, 1), -EINVAL);
	shim_close(fd);
	shim_module_exit();
	CHECK_EQ(shim_allocated, 0);
}

/* Every step of making a VM and a vCPU can fail, and leaves nothing then. */
TEST(creation_fails_cleanly_at_every_step)
{
	int system, vm, vcpu, at;
	long before;

	fake_format = formats[0];
	CHECK_EQ(shim_module_init(), 0);
	system = shim_open();
	before = shim_allocated;
	for (at = 1; ; at++) {
		shim_fail_at = at;
		vm = shim_ioctl(system, KVM_CREATE_VM, 0);
		shim_fail_at = 0;
		if (vm >= 0)
			break;
		CHECK_EQ(shim_allocated, before);
		CHECK_EQ(fake_cpus_enabled, 0);
		CHECK_EQ(shim_mm.count, 0);
	}
	CHECK(at > 5);
	CHECK_EQ(fake_cpus_enabled, SHIM_CPUS);

	before = shim_allocated;
	for (at = 1; ; at++) {
		shim_fail_at = at;
		vcpu = shim_ioctl(vm, KVM_CREATE_VCPU, 0);
		shim_fail_at = 0;
		if (vcpu >= 0)
			break;
		CHECK_EQ(shim_allocated, before);
	}
	CHECK(at > 3);
	CHECK_EQ(shim_ioctl(vm, KVM_CREATE_VCPU, 0), -EEXIST);
	CHECK_EQ(shim_ioctl(vm, KVM_CREATE_VCPU, ARCH_MAX_VCPU_ID), -EINVAL);
	fake_vcpu_create_error = -EINVAL;
	CHECK_EQ(shim_ioctl(vm, KVM_CREATE_VCPU, 1), -EINVAL);
	shim_close(vm);
	shim_close(vcpu);
	CHECK_EQ(fake_cpus_enabled, 0);

	fake_enable_error = -EBUSY;
	CHECK_EQ(shim_ioctl(system, KVM_CREATE_VM, 0), -EBUSY);
	fake_vm_create_error = -ENOMEM;
	CHECK_EQ(shim_ioctl(system, KVM_CREATE_VM, 0), -ENOMEM);
	CHECK_EQ(fake_cpus_enabled, 0);
	shim_close(system);
	shim_module_exit();
	CHECK_EQ(shim_allocated, 0);
}

TEST(vcpus_are_counted_and_found)
{
	long fd[ARCH_MAX_VCPUS];
	int i;

	machine_create(&m, 0);
	for (i = 0; i < ARCH_MAX_VCPUS; i++) {
		fd[i] = shim_ioctl(m.vm_fd, KVM_CREATE_VCPU, 3 * i);
		CHECK(fd[i] >= 0);
	}
	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_CREATE_VCPU, 1), -EINVAL);
	CHECK_EQ(vm_vcpu_by_id(m.vm, 6)->index, 2);
	CHECK(!vm_vcpu_by_id(m.vm, 7));
	CHECK(!vm_vcpu(m.vm, ARCH_MAX_VCPUS));
	for (i = 0; i < ARCH_MAX_VCPUS; i++)
		shim_close(fd[i]);
	machine_destroy(&m);
}

/* --- running --------------------------------------------------------------------------- */

TEST(run_mmio_is_finished_by_the_next_run)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_LOAD, .gpa = 0x1004, .len = 8 },
		{ .opcode = FAKE_STOP },
	};

	machine_create(&m, 1);
	CHECK_EQ(machine_run(&m, 0, program, 2), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MMIO);
	/* Not aligned to its size: two pieces. */
	CHECK_EQ(m.run->mmio.phys_addr, 0x1004);
	CHECK_EQ(m.run->mmio.len, 4);
	CHECK_EQ(m.run->mmio.is_write, 0);
	*(u32 *)m.run->mmio.data = 0x11111111;
	CHECK_EQ(machine_continue(&m, 0), 0);
	CHECK_EQ(m.run->mmio.phys_addr, 0x1008);
	*(u32 *)m.run->mmio.data = 0x22222222;
	/* It is finished even if the vCPU then has to stop. */
	m.run->immediate_exit = 1;
	CHECK_EQ(machine_continue(&m, 0), -EINTR);
	CHECK_EQ(program[0].value, 0x2222222211111111);
	CHECK_EQ(m.vcpu->arch.pc, 1);
	CHECK_EQ(machine_continue(&m, 0), -EINTR);
	/* The last exit can still be looked at. */
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MMIO);
	CHECK_EQ(m.run->mmio.phys_addr, 0x1008);
	m.run->immediate_exit = 0;
	CHECK_EQ(machine_continue(&m, 0), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	machine_destroy(&m);
}

TEST(run_fast_exits_stay_inside)
{
	struct fake_insn program[101] = { };
	int i;

	for (i = 0; i < 100; i++)
		program[i].opcode = FAKE_NOP;
	program[100].opcode = FAKE_STOP;
	machine_create(&m, 1);
	CHECK_EQ(machine_run(&m, 0, program, 101), 0);
	CHECK_EQ(m.vcpu->stats.fast_exits, 100);
	CHECK_EQ(m.vcpu->stats.exits, 101);
	CHECK_EQ(m.vcpu->stats.stays, 1);
	CHECK_EQ(m.vcpu->arch.handled, 1);
	machine_destroy(&m);
}

TEST(run_fast_exits_go_to_user_space)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_NOP },
		{ .opcode = FAKE_OUT, .gpa = 0x80, .len = 2, .value = 3 },
		{ .opcode = FAKE_STOP },
	};

	machine_create(&m, 1);
	CHECK_EQ(machine_run(&m, 0, program, 3), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQ(m.run->io.port, 0x80);
	/* Nobody else has seen it. */
	CHECK_EQ(m.vcpu->arch.handled, 0);
	CHECK_EQ(m.vcpu->stats.exits, 2);
	CHECK_EQ(m.vcpu->stats.fast_exits, 1);
	CHECK_EQ(m.vcpu->stats.user_exits, 1);
	CHECK_EQ(machine_continue(&m, 0), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	CHECK_EQ(m.vcpu->arch.handled, 1);
	machine_destroy(&m);
}

static void *send_interrupts(void *data)
{
	int i;

	for (i = 0; i < 100; i++) {
		usleep(i % 3 * 100);
		fake_interrupt(m.vcpu);
		while (READ_ONCE(m.vcpu->arch.interrupts))
			sched_yield();
	}

	return NULL;
}

TEST(run_halt_is_ended_by_an_interrupt)
{
	struct fake_insn program[101] = { };
	pthread_t thread;
	int i;

	for (i = 0; i < 100; i++)
		program[i].opcode = FAKE_HALT;
	program[100].opcode = FAKE_STOP;
	machine_create(&m, 1);
	shim_set_cpu(1);
	pthread_create(&thread, NULL, send_interrupts, NULL);
	CHECK_EQ(machine_run(&m, 0, program, 101), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	pthread_join(thread, NULL);
	CHECK_EQ(m.vcpu->arch.interrupts, 0);
	machine_destroy(&m);
}

static void *send_signal(void *task)
{
	usleep(20000);
	shim_task_signal(task, true);
	/* What the signal handler's IPI would do. */
	vcpu_kick(m.vcpu);

	return NULL;
}

static void run_until_signal(enum fake_opcode opcode)
{
	struct fake_insn program[] = { { .opcode = opcode }, { .opcode = FAKE_STOP } };
	pthread_t thread;

	machine_create(&m, 1);
	shim_set_cpu(1);
	pthread_create(&thread, NULL, send_signal, current);
	CHECK_EQ(machine_run(&m, 0, program, 2), -EINTR);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_INTR);
	pthread_join(thread, NULL);
	shim_task_signal(current, false);
	fake_interrupt(m.vcpu);
	CHECK_EQ(machine_continue(&m, 0), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	machine_destroy(&m);
}

TEST(run_halt_is_ended_by_a_signal)
{
	run_until_signal(FAKE_HALT);
}

TEST(run_guest_is_ended_by_a_signal)
{
	run_until_signal(FAKE_SPIN);
}

/* --- several --------------------------------------------------------------------------------- */

static bool stop;

static void *run_spin(void *data)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_LOAD, .gpa = GPA },
		{ .opcode = FAKE_SPIN },
		{ .opcode = FAKE_STOP },
	};
	long index = (long)data;

	shim_set_cpu(index + 1);
	while (!READ_ONCE(stop))
		CHECK_EQ(machine_run(&m, index, program, 3), 0);

	return NULL;
}

/*
 * A request that waits returns only when no vCPU is still in the stay in which
 * it had not seen it: none translates by an old TLB from then on.
 */
TEST(run_request_reaches_every_vcpu)
{
	struct vcpu *vcpus[3], *vcpu;
	pthread_t threads[3];
	long i, round;

	machine_create(&m, 3);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	for (i = 0; i < 3; i++) {
		vcpus[i] = vm_vcpu(m.vm, i);
		pthread_create(&threads[i], NULL, run_spin, (void *)i);
	}
	for (round = 0; round < 500; round++) {
		/* All, or each time without the first one. */
		if (round & 1)
			vm_request_some(m.vm, vcpus + 1, 2, REQ_FLUSH_ALL);
		else
			vm_request_all(m.vm, REQ_FLUSH_ALL, true);
		for (i = round & 1; i < 3; i++) {
			vcpu = vcpus[i];
			CHECK(!READ_ONCE(vcpu->arch.in_guest) ||
			      !vcpu_requested(vcpu, REQ_FLUSH_ALL));
		}
	}
	WRITE_ONCE(stop, true);
	for (i = 0; i < 3; i++) {
		/* Whoever looked at the flag before spins once more. */
		while (pthread_tryjoin_np(threads[i], NULL)) {
			vcpu_kick(vm_vcpu(m.vm, i));
			usleep(100);
		}
	}
	machine_destroy(&m);
}

TEST(run_dead_is_for_good)
{
	struct fake_insn program[] = { { .opcode = FAKE_STOP } };

	machine_create(&m, 1);
	vm_request_all(m.vm, REQ_DEAD, false);
	CHECK_EQ(machine_run(&m, 0, program, 1), -EIO);
	CHECK_EQ(machine_continue(&m, 0), -EIO);
	machine_destroy(&m);
}

/* --- the host goes down ------------------------------------------------------------------------- */

static void expect_dead(int index)
{
	struct fake_insn program[] = { { .opcode = FAKE_STOP } };

	CHECK_EQ(machine_run(&m, index, program, 1), -EIO);
}

TEST(reboot_ends_all_vcpus)
{
	machine_create(&m, 2);
	shim_reboot();
	expect_dead(0);
	expect_dead(1);
	/* One that is made later, too; and no VM is. */
	m.vcpu_fd[m.vcpus++] = shim_ioctl(m.vm_fd, KVM_CREATE_VCPU, 2);
	expect_dead(2);
	CHECK_EQ(shim_ioctl(m.system, KVM_CREATE_VM, 0), -ENODEV);
	machine_destroy(&m);
}

TEST(reboot_while_a_vcpu_is_made)
{
	machine_create(&m, 1);
	fake_vcpu_create_hook = shim_reboot;
	m.vcpu_fd[m.vcpus++] = shim_ioctl(m.vm_fd, KVM_CREATE_VCPU, 1);
	CHECK(!fake_vcpu_create_hook);
	expect_dead(0);
	expect_dead(1);
	machine_destroy(&m);
}

/* It has the extension already and is on no list yet. */
TEST(reboot_while_a_vm_is_made)
{
	long before;
	int system;

	fake_format = formats[0];
	CHECK_EQ(shim_module_init(), 0);
	system = shim_open();
	before = shim_allocated;
	fake_vm_create_hook = shim_reboot;
	CHECK_EQ(shim_ioctl(system, KVM_CREATE_VM, 0), -ENODEV);
	CHECK(!fake_vm_create_hook);
	CHECK_EQ(fake_cpus_enabled, 0);
	CHECK_EQ(shim_allocated, before);
	CHECK_EQ(shim_mm.count, 0);
	shim_close(system);
	shim_module_exit();
	CHECK_EQ(shim_allocated, 0);
}

/* --- the rest of the descriptors ---------------------------------------------------------------- */

static void check_stats(int fd, const char *name, u64 value)
{
	static u8 buffer[16384] __aligned(8);
	struct kvm_stats_header *header = (void *)buffer;
	struct kvm_stats_desc *desc;
	ssize_t size = shim_read(fd, buffer, sizeof(buffer));
	unsigned int i;
	bool found = false;

	CHECK(size > (ssize_t)sizeof(*header));
	for (i = 0; i < header->num_desc; i++) {
		desc = (void *)buffer + header->desc_offset +
		       i * (sizeof(*desc) + header->name_size);
		CHECK(header->data_offset + desc->offset + 8 <= size);
		if (strcmp(desc->name, name))
			continue;
		CHECK_EQ(*(u64 *)(buffer + header->data_offset + desc->offset), value);
		found = true;
	}
	CHECK(found);
	CHECK_EQ(shim_close(fd), 0);
}

TEST(stats_are_read_from_their_descriptor)
{
	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_store(&m, GPA, 1), 0);
	check_stats(shim_ioctl(m.vm_fd, KVM_GET_STATS_FD, 0), "pages_mapped", 1);
	check_stats(shim_ioctl(m.vcpu_fd[0], KVM_GET_STATS_FD, 0), "faults", 1);
	machine_destroy(&m);
}

TEST(mapping_has_the_pages_it_should)
{
	int page;

	machine_create(&m, 2);
	for (page = 0; page < ARCH_RUN_PAGES; page++)
		CHECK(shim_mmap_page(m.vcpu_fd[0], page));
	CHECK(!shim_mmap_page(m.vcpu_fd[0], ARCH_RUN_PAGES));
	CHECK(!shim_mmap_page(m.vcpu_fd[0], ~0UL));
	CHECK(shim_mmap_page(m.vcpu_fd[0], 0) != shim_mmap_page(m.vcpu_fd[1], 0));
	/* The ring is the VM's. */
	CHECK(shim_mmap_page(m.vcpu_fd[0], ARCH_RUN_PAGES - 1) ==
	      shim_mmap_page(m.vcpu_fd[1], ARCH_RUN_PAGES - 1));
	machine_destroy(&m);
}

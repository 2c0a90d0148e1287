// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets an interrupt file of the hardware: a CPU has few, and VMs of all modes
 * compete for them (AIA specification, "Guest interrupt files").  All vCPUs are kept
 * on one CPU here.
 */
#include <sched.h>
#include <lib/kvm.h>

#define FILES_MAX	64	/* more cannot be numbered, on any CPU */

static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bail("cannot stay on CPU 0: %s", strerror(errno));
}

static struct vm *begin(u64 mode)
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	if (riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_MODE, mode))
		skip("this host has no interrupt files for guests");

	return vm;
}

/* Without a file of the hardware every look into it is an exit. */
static void guest_claim(u64 argument)
{
	imsic_begin();
	for (;;) {
		imsic_claim();
		guest_say(1);
	}
}

static bool has_file(struct vcpu *vcpu)
{
	u64 before = vcpu_stat(vcpu, "csr_exits");

	vcpu_run_said(vcpu);

	return vcpu_stat(vcpu, "csr_exits") == before;
}

/* One vCPU that runs with a file or not at all: does it? */
static bool runs(struct vcpu *vcpu)
{
	u64 value;
	int err = vcpu_run(vcpu);

	if (err)
		bail("KVM_RUN failed: %s", strerror(-err));
	if (vcpu->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		return false;
	if (!vcpu_said(vcpu, &value))
		bail("the guest did not say a value");

	return true;
}

/* --- aia_files ------------------------------------------------------------ */

static struct vm *owners[FILES_MAX];

/* VMs that take all files of the CPU; returns how many, and in *@last one too many. */
static int take_all(struct vm **last)
{
	int count = 0;

	for (;;) {
		*last = begin(KVM_DEV_RISCV_AIA_MODE_HWACCEL);
		vcpu_create(*last, guest_claim, 0);
		if (!runs(&(*last)->vcpus[0]))
			return count;
		if (count == FILES_MAX)
			bail("more than %d files", FILES_MAX);
		owners[count++] = *last;
	}
}

TEST(aia_files)
{
	struct vm *last, *vm;
	struct vcpu *vcpu;
	int count;

	stay_on_one_cpu();
	count = take_all(&last);
	report(count > 0, "%d files", count);
	report(!runs(&last->vcpus[0]), "none for a VM that must have one: it does not run");
	vm = begin(KVM_DEV_RISCV_AIA_MODE_AUTO);
	vcpu = vcpu_create(vm, guest_claim, 0);
	vcpu_run_said(vcpu);
	if (!in_tree())
		report(!has_file(vcpu), "one that need not does without");
	vm_destroy(owners[--count]);
	vcpu_run_said(vcpu);
	if (!in_tree())
		report(has_file(vcpu), "it has one as soon as one is free");
	report(!runs(&last->vcpus[0]), "and there is none again");
	vm_destroy(vm);
	report(runs(&last->vcpus[0]), "until it goes, then the other one runs");
	vm_destroy(last);
	while (count)
		vm_destroy(owners[--count]);
}

/* --- aia_stopped ---------------------------------------------------------- */

#define STOPPED	8

static void guest_start_one(u64 argument)
{
	imsic_begin();
	guest_say(imsic_claim());
	GUEST_ASSERT_EQ(guest_hart_start(1, guest_claim, 0), 0);
	for (;;) {
		imsic_claim();
		guest_say(2);
	}
}

/* The kernel's own looks for a file after all, when a signal ends the wait. */
static bool in_tree_fails(struct vcpu_thread *thread)
{
	return in_tree() && thread->vcpu->run->exit_reason == KVM_EXIT_FAIL_ENTRY;
}

/* Harts that wait to be started need no file, however many they are. */
TEST(aia_stopped)
{
	struct vcpu_thread threads[STOPPED] = {};
	struct vm *last, *vm;
	int files, i;
	u64 end;

	stay_on_one_cpu();
	files = take_all(&last);
	vm_destroy(last);
	for (i = 0; i < files; i++)
		vm_destroy(owners[i]);

	vm = begin(KVM_DEV_RISCV_AIA_MODE_HWACCEL);
	vcpu_create(vm, guest_start_one, 0);
	for (i = 0; i < STOPPED; i++)
		vcpu_create_bare(vm, i + 1);
	for (i = 0; i < STOPPED; i++) {
		threads[i].handle = in_tree_fails;
		vcpu_thread_start(&threads[i], &vm->vcpus[i + 1]);
	}
	sleep_ms(50);
	report(runs(&vm->vcpus[0]), "one hart of %d runs, with %d files", STOPPED + 1, files);
	if (files > 1) {
		report(vcpu_run_said(&vm->vcpus[0]) == 2, "it starts another");
		for (end = now_ns() + 5000000000ULL; !threads[0].said && now_ns() < end;)
			sleep_ms(1);
		report(threads[0].said == 1, "that one runs, too");
	}
	for (i = 0; i < STOPPED; i++)
		vcpu_thread_stop(&threads[i]);
	report(true, "none had to have a file and found none");
	vm_destroy(vm);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translations are tagged with a number of the VM: what one guest has cached must not
 * serve another, nor another vCPU of the same guest that has tables of its own.
 */
#include <sched.h>
#include <lib/kvm.h>

#define VMS	48
#define TURNS	6

static u64 own_value;

/* Of this CPU only. */
static void guest_flush_local(void)
{
	asm volatile("dsb nshst; tlbi vmalle1; dsb nsh; isb" : : : "memory");
}

/* Read through a page of the window, which every VM maps to other contents. */
static void guest_look(u64 argument)
{
	ARM64_WINDOW_PTE(0) = ARM64_GPA_LOW | PTE_PAGE;
	guest_flush_local();
	for (;;)
		guest_say(guest_read64(ARM64_WINDOW) == READ_ONCE(own_value) &&
			  guest_read64(GPA_TEST) == READ_ONCE(own_value));
}

static void check_vms(void)
{
	struct vm *vms[VMS];
	u64 *memory;
	u64 i, turn, wrong = 0;

	for (i = 0; i < VMS; i++) {
		vms[i] = vm_create(0);
		vcpu_create(vms[i], guest_look, 0);
		memory = vm_add_memory(vms[i], VM_SLOT_TEST, GPA_TEST, PAGE, 0);
		memory[0] = 0x1000 + i;
		*(u64 *)(vms[i]->ram + ARM64_GPA_LOW) = 0x1000 + i;
		guest_var(vms[i], own_value) = 0x1000 + i;
	}
	for (turn = 0; turn < TURNS; turn++)
		for (i = 0; i < VMS; i++)
			wrong += vcpu_run_said(&vms[i]->vcpus[0]) != 1;
	report(!wrong, "%u VMs in turn see their own memory", VMS);
	for (i = 0; i < VMS; i++)
		vm_destroy(vms[i]);
}

/* --- two vCPUs, each with its own tables, on one CPU ---------------------- */

#define OWN_ROOT(cpu)	(ARM64_GPA_LOW + 0x10000 + (cpu) * 0x4000)

static void guest_own_tables(u64 cpu)
{
	uint64_t *root = (uint64_t *)OWN_ROOT(cpu), i;
	uint64_t *middle = root + 512, *last = root + 1024;
	const uint64_t *given = (const uint64_t *)ARM64_GPA_ROOT;

	for (i = 0; i < 4; i++)
		root[i] = given[i];
	root[ARM64_WINDOW >> 30] = (uint64_t)middle | PTE_TABLE;
	middle[0] = (uint64_t)last | PTE_TABLE;
	last[0] = (ARM64_GPA_LOW + cpu * 0x1000) | PTE_PAGE;
	guest_write64(ARM64_GPA_LOW + cpu * 0x1000, 0x2000 + cpu);
	dsb();
	/* The same (no) address space number for both. */
	sysreg_write(ttbr0_el1, OWN_ROOT(cpu));
	isb();
	guest_flush_local();
	for (;;)
		guest_say(guest_read64(ARM64_WINDOW));
}

static void check_vcpus(void)
{
	struct vm *vm = vm_create(0);
	u64 i, turn, wrong = 0;

	for (i = 0; i < 2; i++)
		vcpu_create(vm, guest_own_tables, i);
	for (turn = 0; turn < 100; turn++)
		for (i = 0; i < 2; i++)
			wrong += vcpu_run_said(&vm->vcpus[i]) != 0x2000 + i;
	report(!wrong, "two vCPUs on one CPU see what their own tables say");
	vm_destroy(vm);
}

/* --- one vCPU that goes from CPU to CPU, and comes back ------------------- */

static void guest_remap(u64 argument)
{
	u64 n;

	for (n = 0;; n++) {
		guest_write64(ARM64_GPA_LOW + (n & 1) * 0x1000, 0x3000 + n);
		ARM64_WINDOW_PTE(0) = (ARM64_GPA_LOW + (n & 1) * 0x1000) | PTE_PAGE;
		guest_flush_local();
		guest_say(guest_read64(ARM64_WINDOW) == 0x3000 + n);
	}
}

static void check_moves(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_remap, 0);
	u64 turn, wrong = 0;

	for (turn = 0; turn < 200; turn++) {
		/* Three turns each, so that both pages have been seen everywhere. */
		stay_on(turn / 3 % cpus);
		wrong += vcpu_run_said(vcpu) != 1;
	}
	report(!wrong, "a vCPU that comes back to a CPU finds nothing old there");
	vm_destroy(vm);
}

TEST(stale_vmid)
{
	stay_on(0);
	check_vms();
	check_vcpus();
	check_moves();
}

// SPDX-License-Identifier: GPL-2.0-only
/* See machine.h. */
#include <sys/mman.h>

#include "machine.h"

void machine_create(struct machine *m, int vcpus)
{
	u8 *memory;
	int i;

	memset(m, 0, sizeof(*m));
	if (!fake_format)
		fake_format = formats[0];
	memory = mmap(NULL, MEMORY_SIZE + HUGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(memory != MAP_FAILED);
	m->memory = (u8 *)ALIGN((unsigned long)memory, HUGE);

	CHECK_EQ(shim_module_init(), 0);
	m->system = shim_open();
	CHECK(m->system >= 0);
	CHECK_EQ(shim_ioctl(m->system, KVM_GET_API_VERSION, 0), 12);
	m->vm_fd = shim_ioctl(m->system, KVM_CREATE_VM, 0);
	CHECK(m->vm_fd >= 0);
	m->vm = shim_file(m->vm_fd)->private_data;
	for (i = 0; i < vcpus; i++) {
		m->vcpu_fd[i] = shim_ioctl(m->vm_fd, KVM_CREATE_VCPU, i);
		CHECK(m->vcpu_fd[i] >= 0);
	}
	m->vcpus = vcpus;
	if (vcpus) {
		m->vcpu = shim_file(m->vcpu_fd[0])->private_data;
		m->run = shim_mmap_page(m->vcpu_fd[0], 0);
		CHECK(m->run);
	}
}

void machine_destroy(struct machine *m)
{
	int i;

	/* The VM's descriptor first: the vCPUs keep it. */
	CHECK_EQ(shim_close(m->vm_fd), 0);
	for (i = 0; i < m->vcpus; i++)
		CHECK_EQ(shim_close(m->vcpu_fd[i]), 0);
	CHECK_EQ(shim_close(m->system), 0);
	CHECK_EQ(fake_cpus_enabled, 0);
	shim_module_exit();
	CHECK_EQ(shim_allocated, 0);
	CHECK_EQ(shim_page_refs(), 0);
	CHECK_EQ(shim_mm.count, 0);
	shim_host_reset();
}

long machine_slot(struct machine *m, u32 id, u64 gpa, u64 size, const void *hva, u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = id, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (unsigned long)hva,
	};

	return shim_ioctl(m->vm_fd, KVM_SET_USER_MEMORY_REGION, (unsigned long)&region);
}

long machine_continue(struct machine *m, int index)
{
	return shim_ioctl(m->vcpu_fd[index], KVM_RUN, 0);
}

long machine_run(struct machine *m, int index, struct fake_insn *program, int length)
{
	struct vcpu *vcpu = shim_file(m->vcpu_fd[index])->private_data;

	vcpu->arch.program = program;
	vcpu->arch.length = length;
	vcpu->arch.pc = 0;
	vcpu->complete = NULL;

	return machine_continue(m, index);
}

static long machine_access(struct machine *m, struct fake_insn *insn)
{
	struct fake_insn program[] = { *insn, { .opcode = FAKE_STOP } };
	long ret = machine_run(m, 0, program, 2);

	insn->value = program[0].value;

	return ret;
}

long machine_load(struct machine *m, u64 gpa, u64 *value)
{
	struct fake_insn insn = { .opcode = FAKE_LOAD, .gpa = gpa };
	long ret = machine_access(m, &insn);

	*value = insn.value;

	return ret;
}

long machine_store(struct machine *m, u64 gpa, u64 value)
{
	struct fake_insn insn = { .opcode = FAKE_STORE, .gpa = gpa, .value = value };

	return machine_access(m, &insn);
}

static int machine_lookup(struct machine *m, u64 gpa, u64 *pte)
{
	int level;

	read_lock(&m->vm->mmu_lock);
	level = pgtable_lookup(&m->vm->as[0].pgtable, gpa, pte);
	read_unlock(&m->vm->mmu_lock);

	return level;
}

int machine_level(struct machine *m, u64 gpa, u8 *prot)
{
	u64 pte;
	int level = machine_lookup(m, gpa, &pte);

	if (level >= 0 && prot)
		*prot = m->vm->as[0].pgtable.format->prot(pte);

	return level;
}

int machine_order(struct machine *m, u64 gpa)
{
	u64 pte;
	int level = machine_lookup(m, gpa, &pte);

	return level < 0 ? level : format_leaf_order(m->vm->as[0].pgtable.format, pte, level);
}

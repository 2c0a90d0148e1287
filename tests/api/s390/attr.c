// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR and KVM_HAS_DEVICE_ATTR of a VM: memory limit,
 * CPU model, TOD clock, crypto, migration.
 */
#include <lib/kvm.h>

static struct vm *vm;

static int get(u32 group, u64 attribute, void *data)
{
	return s390_vm_attr(vm, KVM_GET_DEVICE_ATTR, group, attribute, data);
}

static int set(u32 group, u64 attribute, void *data)
{
	return s390_vm_attr(vm, KVM_SET_DEVICE_ATTR, group, attribute, data);
}

static bool has(u32 group, u64 attribute)
{
	return !s390_vm_attr(vm, KVM_HAS_DEVICE_ATTR, group, attribute, NULL);
}

static void guest_hello(u64 argument)
{
	guest_say(argument);
	guest_done();
}

/* --- memory --------------------------------------------------------------------------- */

TEST(memory_limit)
{
	u64 limit = 0, wanted = 1UL << 31;

	vm = vm_create(0);
	report(has(KVM_S390_VM_MEM_CTRL, KVM_S390_VM_MEM_LIMIT_SIZE), "the limit is an attribute");
	report(!get(KVM_S390_VM_MEM_CTRL, KVM_S390_VM_MEM_LIMIT_SIZE, &limit) && limit >= 1UL << 31,
	       "0x%llx at first", (unsigned long long)limit);
	report(!set(KVM_S390_VM_MEM_CTRL, KVM_S390_VM_MEM_LIMIT_SIZE, &wanted) &&
	       !get(KVM_S390_VM_MEM_CTRL, KVM_S390_VM_MEM_LIMIT_SIZE, &limit) && limit >= wanted,
	       "set to 2 GiB");
	wanted = 0;
	report_errno(set(KVM_S390_VM_MEM_CTRL, KVM_S390_VM_MEM_LIMIT_SIZE, &wanted), EINVAL, "0");
	report_errno(set(KVM_S390_VM_MEM_CTRL, KVM_S390_VM_MEM_LIMIT_SIZE, NULL), EFAULT,
		     "no address");
	report(vcpu_run_said(vcpu_create(vm, guest_hello, 4)) == 4, "a guest runs");
	wanted = 1UL << 31;
	report_errno(set(KVM_S390_VM_MEM_CTRL, KVM_S390_VM_MEM_LIMIT_SIZE, &wanted), EBUSY,
		     "not when there is a vCPU");
	vm_destroy(vm);
}

/* --- the CPU model ------------------------------------------------------------------------ */

static struct kvm_s390_vm_cpu_machine machine;
static struct kvm_s390_vm_cpu_processor processor, other;
static struct kvm_s390_vm_cpu_feat feat;
static struct kvm_s390_vm_cpu_subfunc subfunc;

static void guest_identify(u64 argument)
{
	u64 id;

	asm volatile("stidp %0" : "=Q"(id) : : "memory");
	guest_say(id);
	guest_done();
}

TEST(cpu_model)
{
	int i, outside = 0;
	u64 id;

	vm = vm_create(0);
	report(!get(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_MACHINE, &machine), "the machine");
	report(!get(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_PROCESSOR, &processor), "the processor");
	for (i = 0; i < 256; i++)
		outside += !!(processor.fac_list[i] & ~(machine.fac_mask[i] & machine.fac_list[i]));
	report(!outside, "has no facility that the machine has not");
	/* z/Architecture, installed and active. */
	report((machine.fac_list[0] >> 61 & 3) == 3, "it is z/Architecture");
	report(!get(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_MACHINE_FEAT, &feat), "features");
	report(!set(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_PROCESSOR_FEAT, &feat),
	       "the guest may have those");
	report(!get(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_MACHINE_SUBFUNC, &subfunc), "subfunctions");
	report_errno(set(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_MACHINE, &machine), ENXIO,
		     "the machine is as it is");
	memset(&feat, 0xff, sizeof(feat));
	report_errno(set(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_PROCESSOR_FEAT, &feat), EINVAL,
		     "features that nobody has");

	processor.cpuid = (processor.cpuid & 0xffffffffffUL) | 0xab12340000000000UL;
	report(!set(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_PROCESSOR, &processor), "another model");
	report(!get(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_PROCESSOR, &other) &&
	       other.cpuid == processor.cpuid, "can be read back");
	id = vcpu_run_said(vcpu_create(vm, guest_identify, 0));
	report((id & 0x00ffffffffff0000UL) == (processor.cpuid & 0x00ffffffffff0000UL),
	       "and the guest is it (0x%llx, 0x%llx)", (unsigned long long)id,
	       (unsigned long long)processor.cpuid);
	report_errno(set(KVM_S390_VM_CPU_MODEL, KVM_S390_VM_CPU_PROCESSOR, &processor), EBUSY,
		     "not when there is a vCPU");
	vm_destroy(vm);
}

/* --- the TOD clock --------------------------------------------------------------------------- */

static void guest_says_tod(u64 argument)
{
	for (;;)
		guest_say(guest_tod());
}

#define SECOND	(1000 * TOD_MS)

TEST(tod)
{
	struct kvm_s390_vm_tod_clock clock = { .tod = 0x1234567800000000 };
	struct vcpu *vcpu;
	u64 tod, said;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_says_tod, 0);
	said = vcpu_run_said(vcpu);
	report(!get(KVM_S390_VM_TOD, KVM_S390_VM_TOD_LOW, &tod) && tod >= said &&
	       tod - said < 10 * SECOND, "user space sees the guest's clock");
	tod = 0x1000000000000000;
	report(!set(KVM_S390_VM_TOD, KVM_S390_VM_TOD_LOW, &tod), "set");
	said = vcpu_run_said(vcpu);
	report(said >= tod && said - tod < 10 * SECOND, "the guest goes on from there");
	report(vcpu_run_said(vcpu) > said, "it runs");
	report(!set(KVM_S390_VM_TOD, KVM_S390_VM_TOD_EXT, &clock), "by the other attribute");
	said = vcpu_run_said(vcpu);
	report(said >= clock.tod && said - clock.tod < 10 * SECOND, "the same");
	report_errno(get(KVM_S390_VM_TOD, KVM_S390_VM_TOD_LOW, NULL), EFAULT, "nowhere to put it");
	report_errno(get(KVM_S390_VM_TOD, 99, &tod), ENXIO, "an unknown attribute");
	vm_destroy(vm);
}

/* --- what else --------------------------------------------------------------------------------- */

TEST(vm_attributes)
{
	u64 status = 7;

	vm = vm_create(0);
	report(!has(99, 0), "an unknown group");
	report_errno(get(99, 0, &status), ENXIO, "to get");
	report_errno(set(99, 0, &status), ENXIO, "to set");
	if (has(KVM_S390_VM_MIGRATION, KVM_S390_VM_MIGRATION_STATUS)) {
		report(!get(KVM_S390_VM_MIGRATION, KVM_S390_VM_MIGRATION_STATUS, &status) && !status,
		       "no migration is under way");
		report(!set(KVM_S390_VM_MIGRATION, KVM_S390_VM_MIGRATION_STOP, NULL),
		       "stopping what has not begun");
	}
	if (has(KVM_S390_VM_CRYPTO, KVM_S390_VM_CRYPTO_ENABLE_AES_KW))
		report(!set(KVM_S390_VM_CRYPTO, KVM_S390_VM_CRYPTO_ENABLE_AES_KW, NULL) &&
		       !set(KVM_S390_VM_CRYPTO, KVM_S390_VM_CRYPTO_DISABLE_AES_KW, NULL),
		       "wrapping keys on and off");
	else
		report_errno(set(KVM_S390_VM_CRYPTO, KVM_S390_VM_CRYPTO_ENABLE_AES_KW, NULL), ENXIO,
			     "no wrapping keys");
	vm_destroy(vm);
}

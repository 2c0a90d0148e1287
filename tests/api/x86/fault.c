// SPDX-License-Identifier: GPL-2.0-only
/* Failing allocations and copies in what x86 adds: see common/fault.h. */
#include <common/fault.h>

#define MSR_EFER	0xc0000080

static struct {
	struct kvm_cpuid2	head;
	struct kvm_cpuid_entry2	entry[100];
} leaves;

static struct {
	struct kvm_msrs		head;
	struct kvm_msr_entry	entry[1];
} msrs;

static struct {
	struct kvm_msr_list	head;
	u32			index[200];
} list;

static u8 area[4096];

static int run_supported_cpuid(void)
{
	leaves.head.nent = ARRAY_SIZE(leaves.entry);

	return ioctl(fault_fds.kvm, KVM_GET_SUPPORTED_CPUID, &leaves);
}

static void setup_cpuid(void)
{
	fault_setup_vcpu();
	if (run_supported_cpuid())
		bail("KVM_GET_SUPPORTED_CPUID");
}

static int run_set_cpuid(void)
{
	return ioctl(fault_fds.vcpu, KVM_SET_CPUID2, &leaves);
}

static int run_get_cpuid(void)
{
	leaves.head.nent = ARRAY_SIZE(leaves.entry);

	return ioctl(fault_fds.vcpu, KVM_GET_CPUID2, &leaves);
}

static int run_msr_list(void)
{
	list.head.nmsrs = ARRAY_SIZE(list.index);

	return ioctl(fault_fds.kvm, KVM_GET_MSR_INDEX_LIST, &list);
}

static int run_msrs(unsigned long cmd)
{
	msrs.head.nmsrs = 1;
	msrs.entry[0].index = MSR_EFER;

	return ioctl(fault_fds.vcpu, cmd, &msrs);
}

static int run_get_msrs(void)
{
	return run_msrs(KVM_GET_MSRS);
}

static int run_set_msrs(void)
{
	return run_msrs(KVM_SET_MSRS);
}

static int run_pit(void)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return ioctl(fault_fds.vm, KVM_CREATE_PIT2, &config);
}

static int run_split(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };

	return ioctl(fault_fds.vm, KVM_ENABLE_CAP, &cap);
}

static int run_get_lapic(void)
{
	return ioctl(fault_fds.vcpu, KVM_GET_LAPIC, area);
}

static int run_get_xsave(void)
{
	return ioctl(fault_fds.vcpu, KVM_GET_XSAVE, area);
}

static int run_set_xsave(void)
{
	return ioctl(fault_fds.vcpu, KVM_SET_XSAVE, area);
}

static void setup_xsave(void)
{
	fault_setup_vcpu();
	if (run_get_xsave())
		bail("KVM_GET_XSAVE");
}

static int run_get_sregs(void)
{
	return ioctl(fault_fds.vcpu, KVM_GET_SREGS, area);
}

static const struct fault_step steps[] = {
	{ "supported CPUID", fault_setup_vm, run_supported_cpuid, fault_teardown },
	{ "set CPUID", setup_cpuid, run_set_cpuid, fault_teardown },
	{ "get CPUID", setup_cpuid, run_get_cpuid, fault_teardown },
	{ "list of MSRs", fault_setup_vm, run_msr_list, fault_teardown },
	{ "get MSRs", fault_setup_vcpu, run_get_msrs, fault_teardown },
	{ "set MSRs", fault_setup_vcpu, run_set_msrs, fault_teardown },
	{ "PIT", fault_setup_irqchip, run_pit, fault_teardown },
	{ "split irqchip", fault_setup_vm, run_split, fault_teardown },
	{ "get LAPIC", fault_setup_vcpu, run_get_lapic, fault_teardown },
	{ "get XSAVE", fault_setup_vcpu, run_get_xsave, fault_teardown },
	{ "set XSAVE", setup_xsave, run_set_xsave, fault_teardown },
	{ "get segments", fault_setup_vcpu, run_get_sregs, fault_teardown },
};

TEST(fault_steps_x86)
{
	fault_walk(steps, ARRAY_SIZE(steps));
}

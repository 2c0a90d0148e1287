// SPDX-License-Identifier: GPL-2.0-only
/* Failing allocations and copies in what s390 adds: see common/fault.h. */
#include <common/fault.h>

static u64 value[0x2000 / 8];

static int one_reg(unsigned long cmd, u64 id)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)value };

	return ioctl(fault_fds.vcpu, cmd, &reg);
}

static int run_get_reg(void)
{
	return one_reg(KVM_GET_ONE_REG, KVM_REG_S390_CLOCK_COMP);
}

static int run_set_reg(void)
{
	return one_reg(KVM_SET_ONE_REG, KVM_REG_S390_CLOCK_COMP);
}

static int attr(int fd, unsigned long cmd, u32 group, u64 attribute, void *data)
{
	struct kvm_device_attr args = { .group = group, .attr = attribute, .addr = (u64)data };

	return ioctl(fd, cmd, &args);
}

static int run_machine(void)
{
	return attr(fault_fds.vm, KVM_GET_DEVICE_ATTR, KVM_S390_VM_CPU_MODEL,
		    KVM_S390_VM_CPU_MACHINE, value);
}

static int run_processor(void)
{
	return attr(fault_fds.vm, KVM_GET_DEVICE_ATTR, KVM_S390_VM_CPU_MODEL,
		    KVM_S390_VM_CPU_PROCESSOR, value);
}

static int run_limit(void)
{
	u64 limit = 1UL << 31;

	return attr(fault_fds.vm, KVM_SET_DEVICE_ATTR, KVM_S390_VM_MEM_CTRL,
		    KVM_S390_VM_MEM_LIMIT_SIZE, &limit);
}

static int run_adapter(void)
{
	struct kvm_s390_io_adapter adapter = { .id = 9, .isc = 1 };
	int result = attr(fault_fds.irqchip, KVM_SET_DEVICE_ATTR, KVM_DEV_FLIC_ADAPTER_REGISTER, 0,
			  &adapter);

	return result;
}

static int run_enqueue(void)
{
	struct kvm_s390_irq irq = {
		.type = KVM_S390_INT_IO(0, 0, 0, 5), .u.io = { .subchannel_id = 1 },
	};

	return attr(fault_fds.irqchip, KVM_SET_DEVICE_ATTR, KVM_DEV_FLIC_ENQUEUE, sizeof(irq), &irq);
}

/* ENOMEM means a buffer of the caller's that is too small, ENOBUFS that there is no memory. */
static int run_get_all(void)
{
	int result = attr(fault_fds.irqchip, KVM_GET_DEVICE_ATTR, KVM_DEV_FLIC_GET_ALL_IRQS,
			  sizeof(value), value);

	if (result < 0 && errno == ENOBUFS)
		errno = ENOMEM;

	return result;
}

static int run_inject(void)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_EMERGENCY };

	return ioctl(fault_fds.vcpu, KVM_S390_IRQ, &irq);
}

static int run_irq_state(void)
{
	struct kvm_s390_irq_state state = { .buf = (u64)value, .len = sizeof(value) };

	return ioctl(fault_fds.vcpu, KVM_S390_GET_IRQ_STATE, &state);
}

static const struct fault_step steps[] = {
	{ "get a register", fault_setup_vcpu, run_get_reg, fault_teardown },
	{ "set a register", fault_setup_vcpu, run_set_reg, fault_teardown },
	{ "the machine", fault_setup_vm, run_machine, fault_teardown },
	{ "the processor", fault_setup_vm, run_processor, fault_teardown },
	{ "the memory limit", fault_setup_vm, run_limit, fault_teardown },
	{ "an adapter", fault_setup_irqchip, run_adapter, fault_teardown },
	{ "a floating interruption", fault_setup_irqchip, run_enqueue, fault_teardown },
	{ "the list of them", fault_setup_irqchip, run_get_all, fault_teardown },
	{ "a local interruption", fault_setup_vcpu, run_inject, fault_teardown },
	{ "the list of those", fault_setup_vcpu, run_irq_state, fault_teardown },
};

TEST(fault_steps_s390)
{
	fault_walk(steps, ARRAY_SIZE(steps));
}

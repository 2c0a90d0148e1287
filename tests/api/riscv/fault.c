// SPDX-License-Identifier: GPL-2.0-only
/* Failing allocations and copies in what riscv adds: see common/fault.h. */
#include <common/fault.h>

static u64 value[256 / 8];

static struct {
	struct kvm_reg_list	head;
	u64			reg[1000];
} list;

static int one_reg(unsigned long cmd, u64 id)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)value };

	return ioctl(fault_fds.vcpu, cmd, &reg);
}

static int run_get_reg(void)
{
	return one_reg(KVM_GET_ONE_REG, RISCV_CSR(sscratch));
}

static int run_set_reg(void)
{
	return one_reg(KVM_SET_ONE_REG, RISCV_CSR(sscratch));
}

static int run_get_time(void)
{
	return one_reg(KVM_GET_ONE_REG, RISCV_TIMER(time));
}

static int run_set_isa(void)
{
	value[0] = 1;

	return one_reg(KVM_SET_ONE_REG, RISCV_ISA_EXT(I));
}

static int run_get_float(void)
{
	return one_reg(KVM_GET_ONE_REG, RISCV_REG(U64, FP_D, 3));
}

static int run_reg_list(void)
{
	list.head.n = ARRAY_SIZE(list.reg);

	return ioctl(fault_fds.vcpu, KVM_GET_REG_LIST, &list);
}

static int run_interrupt(void)
{
	struct kvm_interrupt interrupt = { .irq = KVM_INTERRUPT_SET };

	return ioctl(fault_fds.vcpu, KVM_INTERRUPT, &interrupt);
}

static int run_get_mp_state(void)
{
	struct kvm_mp_state state;

	return ioctl(fault_fds.vcpu, KVM_GET_MP_STATE, &state);
}

static int aia(unsigned long cmd, u32 group, u64 attribute, u64 content)
{
	struct kvm_device_attr attr = {
		.group = group, .attr = attribute, .addr = (u64)&content,
	};

	return ioctl(fault_fds.irqchip, cmd, &attr);
}

static int run_aia_config(void)
{
	return aia(KVM_SET_DEVICE_ATTR, KVM_DEV_RISCV_AIA_GRP_CONFIG,
		   KVM_DEV_RISCV_AIA_CONFIG_SRCS, APLIC_SOURCES);
}

static int run_aia_get(void)
{
	return aia(KVM_GET_DEVICE_ATTR, KVM_DEV_RISCV_AIA_GRP_CONFIG,
		   KVM_DEV_RISCV_AIA_CONFIG_IDS, 0);
}

static int run_aia_address(void)
{
	return aia(KVM_SET_DEVICE_ATTR, KVM_DEV_RISCV_AIA_GRP_ADDR,
		   KVM_DEV_RISCV_AIA_ADDR_APLIC, RISCV_GPA_APLIC);
}

static void setup_aia(void)
{
	fault_setup_vcpu();
	if (run_aia_config() || run_aia_address() ||
	    aia(KVM_SET_DEVICE_ATTR, KVM_DEV_RISCV_AIA_GRP_ADDR,
		KVM_DEV_RISCV_AIA_ADDR_IMSIC(0), IMSIC_PAGE(0)))
		bail("cannot set the AIA up: %s", strerror(errno));
}

static int run_aia_init(void)
{
	return aia(KVM_SET_DEVICE_ATTR, KVM_DEV_RISCV_AIA_GRP_CTRL,
		   KVM_DEV_RISCV_AIA_CTRL_INIT, 0);
}

static void setup_aia_ready(void)
{
	setup_aia();
	if (run_aia_init())
		bail("cannot initialise the AIA: %s", strerror(errno));
}

static int run_aplic_register(void)
{
	return aia(KVM_SET_DEVICE_ATTR, KVM_DEV_RISCV_AIA_GRP_APLIC, APLIC_SOURCECFG(3),
		   APLIC_EDGE_RISE);
}

static int run_imsic_register(void)
{
	return aia(KVM_SET_DEVICE_ATTR, KVM_DEV_RISCV_AIA_GRP_IMSIC,
		   KVM_DEV_RISCV_AIA_IMSIC_MKATTR(0, IMSIC_DELIVERY), 1);
}

static int run_line(void)
{
	struct kvm_irq_level line = { .irq = 3, .level = 1 };

	return ioctl(fault_fds.vm, KVM_IRQ_LINE, &line);
}

static const struct fault_step steps[] = {
	{ "get a register", fault_setup_vcpu, run_get_reg, fault_teardown },
	{ "set a register", fault_setup_vcpu, run_set_reg, fault_teardown },
	{ "get time", fault_setup_vcpu, run_get_time, fault_teardown },
	{ "set an extension", fault_setup_vcpu, run_set_isa, fault_teardown },
	{ "get a floating-point register", fault_setup_vcpu, run_get_float, fault_teardown },
	{ "list of registers", fault_setup_vcpu, run_reg_list, fault_teardown },
	{ "interrupt", fault_setup_vcpu, run_interrupt, fault_teardown },
	{ "get state", fault_setup_vcpu, run_get_mp_state, fault_teardown },
	{ "AIA configuration", fault_setup_vcpu, run_aia_config, fault_teardown },
	{ "AIA configuration read", fault_setup_vcpu, run_aia_get, fault_teardown },
	{ "AIA address", fault_setup_vcpu, run_aia_address, fault_teardown },
	{ "AIA initialisation", setup_aia, run_aia_init, fault_teardown },
	{ "APLIC register", setup_aia_ready, run_aplic_register, fault_teardown },
	{ "IMSIC register", setup_aia_ready, run_imsic_register, fault_teardown },
	{ "line", setup_aia_ready, run_line, fault_teardown },
};

TEST(fault_steps_riscv)
{
	fault_walk(steps, ARRAY_SIZE(steps));
}

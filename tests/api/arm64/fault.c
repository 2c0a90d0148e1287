// SPDX-License-Identifier: GPL-2.0-only
/* Failing allocations and copies in what arm64 adds: see common/fault.h. */
#include <common/fault.h>

static u64 value[2048 / 8];

static struct {
	struct kvm_reg_list	head;
	u64			reg[1000];
} list;

static int init_vcpu(u32 features)
{
	struct kvm_vcpu_init init = {
		.target = KVM_ARM_TARGET_GENERIC_V8,
		.features[0] = BIT(KVM_ARM_VCPU_PSCI_0_2) | features,
	};

	return ioctl(fault_fds.vcpu, KVM_ARM_VCPU_INIT, &init);
}

static void setup_init(void)
{
	fault_setup_vcpu();
	if (init_vcpu(0))
		bail("KVM_ARM_VCPU_INIT failed: %s", strerror(errno));
}

static void setup_sve(void)
{
	fault_setup_vcpu();
	if (init_vcpu(kvm_cap(KVM_CAP_ARM_SVE) ? BIT(KVM_ARM_VCPU_SVE) : 0))
		bail("KVM_ARM_VCPU_INIT failed: %s", strerror(errno));
}

static int run_preferred(void)
{
	struct kvm_vcpu_init init;

	return ioctl(fault_fds.vm, KVM_ARM_PREFERRED_TARGET, &init);
}

static int run_init(void)
{
	return init_vcpu(0);
}

static int run_finalize(void)
{
	int feature = KVM_ARM_VCPU_SVE;

	if (!kvm_cap(KVM_CAP_ARM_SVE))
		return 0;

	return ioctl(fault_fds.vcpu, KVM_ARM_VCPU_FINALIZE, &feature);
}

static int one_reg(unsigned long cmd, u64 id)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)value };

	return ioctl(fault_fds.vcpu, cmd, &reg);
}

static int run_get_core(void)
{
	return one_reg(KVM_GET_ONE_REG, ARM64_X(3));
}

static int run_set_core(void)
{
	return one_reg(KVM_SET_ONE_REG, ARM64_X(3));
}

static int run_set_sysreg(void)
{
	return one_reg(KVM_SET_ONE_REG, SYS_TPIDR_EL1);
}

static int run_get_count(void)
{
	return one_reg(KVM_GET_ONE_REG, KVM_REG_ARM_TIMER_CNT);
}

static int run_get_id(void)
{
	return one_reg(KVM_GET_ONE_REG, SYS_ID_AA64ISAR0);
}

static int run_get_firmware(void)
{
	return one_reg(KVM_GET_ONE_REG, KVM_REG_ARM_PSCI_VERSION);
}

static int run_reg_list(void)
{
	list.head.n = ARRAY_SIZE(list.reg);

	return ioctl(fault_fds.vcpu, KVM_GET_REG_LIST, &list);
}

static int run_events(void)
{
	struct kvm_vcpu_events events = {};

	return ioctl(fault_fds.vcpu, KVM_GET_VCPU_EVENTS, &events) ?:
	       ioctl(fault_fds.vcpu, KVM_SET_VCPU_EVENTS, &events);
}

static int run_get_mp_state(void)
{
	struct kvm_mp_state state;

	return ioctl(fault_fds.vcpu, KVM_GET_MP_STATE, &state);
}

static int run_debug(void)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW };

	return ioctl(fault_fds.vcpu, KVM_SET_GUEST_DEBUG, &debug);
}

static int run_filter(void)
{
	struct kvm_smccc_filter filter = {
		.base = 0xc6000010, .nr_functions = 4, .action = KVM_SMCCC_FILTER_FWD_TO_USER,
	};
	int result = arm64_set_attr(fault_fds.vm, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER,
				    &filter);

	/* The second time it is there. */
	return result && errno == EEXIST ? 0 : result;
}

static int run_masks(void)
{
	static u64 masks[KVM_ARM_FEATURE_ID_RANGE_SIZE];
	struct reg_mask_range range = { .addr = (u64)masks };

	return ioctl(fault_fds.vm, KVM_ARM_GET_REG_WRITABLE_MASKS, &range);
}

/* --- the vGIC ------------------------------------------------------------------ */

static int run_address(void)
{
	u64 gpa = ARM64_GPA_GICD;
	int result = arm64_set_attr(fault_fds.irqchip, KVM_DEV_ARM_VGIC_GRP_ADDR,
				    KVM_VGIC_V3_ADDR_TYPE_DIST, &gpa);

	return result && errno == EEXIST ? 0 : result;
}

static int run_region(void)
{
	u64 gpa = ARM64_GPA_GICR | 2ULL << 52;

	return arm64_set_attr(fault_fds.irqchip, KVM_DEV_ARM_VGIC_GRP_ADDR,
			      KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &gpa);
}

static int run_number(void)
{
	u32 count = 256;

	return arm64_set_attr(fault_fds.irqchip, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &count);
}

static int run_chip_init(void)
{
	return arm64_set_attr(fault_fds.irqchip, KVM_DEV_ARM_VGIC_GRP_CTRL,
			      KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static void setup_chip(void)
{
	setup_init();
	if (run_address() || run_region() || run_number())
		bail("cannot set the vGIC up: %s", strerror(errno));
}

static void setup_chip_ready(void)
{
	setup_chip();
	if (run_chip_init())
		bail("cannot initialise the vGIC: %s", strerror(errno));
}

static int run_get_dist(void)
{
	u32 word;

	return arm64_get_attr(fault_fds.irqchip, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR, &word);
}

static int run_set_dist(void)
{
	u32 word = 1;

	return arm64_set_attr(fault_fds.irqchip, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			      GICD_ISPENDR(40), &word);
}

static int run_set_interface(void)
{
	u64 word = 0xf0;

	return arm64_set_attr(fault_fds.irqchip, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
			      3 << 14 | 4 << 7 | 6 << 3, &word);	/* ICC_PMR_EL1 */
}

static int run_line(void)
{
	struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | 40, .level = 1,
	};

	return ioctl(fault_fds.vm, KVM_IRQ_LINE, &line);
}

static int run_its(void)
{
	struct kvm_create_device its = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };

	if (ioctl(fault_fds.vm, KVM_CREATE_DEVICE, &its))
		return -1;
	fault_fds.other = its.fd;

	return 0;
}

static void setup_its(void)
{
	setup_chip();
	if (run_its())
		bail("cannot create the ITS: %s", strerror(errno));
}

static int run_its_init(void)
{
	return arm64_set_attr(fault_fds.other, KVM_DEV_ARM_VGIC_GRP_CTRL,
			      KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static const struct fault_step steps[] = {
	{ "preferred target", fault_setup_vm, run_preferred, fault_teardown },
	{ "initialise a vCPU", fault_setup_vcpu, run_init, fault_teardown },
	{ "finalise SVE", setup_sve, run_finalize, fault_teardown },
	{ "get a core register", setup_init, run_get_core, fault_teardown },
	{ "set a core register", setup_init, run_set_core, fault_teardown },
	{ "set a system register", setup_init, run_set_sysreg, fault_teardown },
	{ "get the counter", setup_init, run_get_count, fault_teardown },
	{ "get an ID register", setup_init, run_get_id, fault_teardown },
	{ "get a firmware register", setup_init, run_get_firmware, fault_teardown },
	{ "list of registers", setup_init, run_reg_list, fault_teardown },
	{ "events", setup_init, run_events, fault_teardown },
	{ "get state", setup_init, run_get_mp_state, fault_teardown },
	{ "debug", setup_init, run_debug, fault_teardown },
	{ "filter of calls", fault_setup_vm, run_filter, fault_teardown },
	{ "masks of ID registers", fault_setup_vm, run_masks, fault_teardown },
	{ "address of the distributor", fault_setup_vcpu, run_address, fault_teardown },
	{ "region of redistributors", fault_setup_irqchip, run_region, fault_teardown },
	{ "number of interrupts", fault_setup_vcpu, run_number, fault_teardown },
	{ "initialise the vGIC", setup_chip, run_chip_init, fault_teardown },
	{ "get of the distributor", setup_chip_ready, run_get_dist, fault_teardown },
	{ "set of the distributor", setup_chip_ready, run_set_dist, fault_teardown },
	{ "set of the CPU interface", setup_chip_ready, run_set_interface, fault_teardown },
	{ "line", setup_chip_ready, run_line, fault_teardown },
	{ "create the ITS", setup_chip, run_its, fault_teardown },
	{ "initialise the ITS", setup_its, run_its_init, fault_teardown },
};

TEST(fault_steps_arm64)
{
	fault_walk(steps, ARRAY_SIZE(steps));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input on arm64: the registers that a call which fails must leave alone, and the
 * calls that are wrong in their own ways.
 */
#include <common/abi.h>

/* --- state -------------------------------------------------------------------- */

#define LISTED		512

struct registers {
	u64	count;
	struct { u64 id; u8 value[16]; } reg[LISTED];
};

static int read_registers(struct vm *vm, void *data)
{
	struct { struct kvm_reg_list head; u64 id[LISTED]; } list = { .head.n = LISTED };
	struct registers *out = data;
	u64 i;

	if (!vm->vcpu_count || ioctl(vm->vcpus[0].fd, KVM_GET_REG_LIST, &list))
		return -1;
	out->count = list.head.n;
	for (i = 0; i < list.head.n; i++) {
		out->reg[i].id = list.id[i];
		/* Time goes on. */
		if (list.id[i] == KVM_REG_ARM_TIMER_CNT || list.id[i] == KVM_REG_ARM_PTIMER_CNT ||
		    KVM_REG_SIZE(list.id[i]) > sizeof(out->reg[i].value))
			continue;
		reg_try_get(&vm->vcpus[0], list.id[i], out->reg[i].value);
	}

	return 0;
}

STATE_PARTS(arm64_parts) = {
	{ .name = "the registers", .size = sizeof(struct registers), .read = read_registers },
	{ .name = "the events", .scope = SCOPE_VCPU, .cmd = KVM_GET_VCPU_EVENTS,
	  .size = sizeof(struct kvm_vcpu_events) },
};

/* --- vCPUs ---------------------------------------------------------------------- */

static u64 one_reg_value;

static void value_0(struct vm *vm, void *argument)
{
	struct kvm_one_reg *reg = argument;

	one_reg_value = 0;
	reg->addr = (u64)&one_reg_value;
}

/* A vCPU that was not initialised. */
static void bare(struct vm *vm, void *argument)
{
	vcpu_create_bare(vm, 0);
}

#define REG(id_)	BAD_DATA(struct kvm_one_reg, .id = (id_)), .prepare = value_0
#define BARE(cmd, ...)	BAD(VCPU, cmd, MACHINE_NO_VCPU, ENOEXEC, "a vCPU that was not initialised", \
			    .prepare = bare, ##__VA_ARGS__)
#define WRONG_SIZE	(ARM64_X(0) ^ KVM_REG_SIZE_U64 ^ KVM_REG_SIZE_U32)
#define INIT(...)	BAD_DATA(struct kvm_vcpu_init, __VA_ARGS__)

BAD_CASES(arm64_vcpu_cases) = {
	BAD(VCPU, KVM_GET_ONE_REG, 0, EINVAL, "a wrong size", REG(WRONG_SIZE)),
	BAD(VCPU, KVM_SET_ONE_REG, 0, EINVAL, "a wrong size", REG(WRONG_SIZE)),
	BAD(VCPU, KVM_GET_ONE_REG, 0, ENOENT, "no such register",
	    REG(ARM64_SYS_REG(3, 7, 15, 15, 7))),
	BAD(VCPU, KVM_SET_ONE_REG, 0, ENOENT, "no such register",
	    REG(ARM64_SYS_REG(3, 7, 15, 15, 7))),
	BAD(VCPU, KVM_SET_ONE_REG, MACHINE_RAN, EBUSY, "an ID register after the first run",
	    REG(SYS_ID_AA64ISAR0)),
	BAD(VCPU, KVM_GET_REG_LIST, 0, E2BIG, "no room", BAD_DATA(struct kvm_reg_list, 0)),
	BAD(VCPU, KVM_SET_MP_STATE, 0, EINVAL, "an unknown state",
	    BAD_DATA(struct kvm_mp_state, .mp_state = 99)),
	BAD(VCPU, KVM_SET_MP_STATE, 0, EINVAL, "a state of others",
	    BAD_DATA(struct kvm_mp_state, .mp_state = KVM_MP_STATE_SIPI_RECEIVED)),
	BAD(VCPU, KVM_SET_GUEST_DEBUG, 0, EINVAL, "unknown bits",
	    BAD_DATA(struct kvm_guest_debug, .control = 1u << 31)),
	BAD(VCPU, KVM_SET_VCPU_EVENTS, 0, EINVAL, "a syndrome too long",
	    BAD_DATA(struct kvm_vcpu_events, .exception.serror_pending = 1,
		     .exception.serror_has_esr = 1, .exception.serror_esr = 1ULL << 40)),
	BAD(VCPU, KVM_ARM_VCPU_INIT, 0, EINVAL, "an unknown target", INIT(.target = 77)),
	BAD(VCPU, KVM_ARM_VCPU_INIT, 0, EINVAL, "other features than before",
	    INIT(.target = KVM_ARM_TARGET_GENERIC_V8)),
	BAD(VCPU, KVM_ARM_VCPU_INIT, 0, ENOENT, "an unknown feature",
	    INIT(.target = KVM_ARM_TARGET_GENERIC_V8, .features = { 1u << 31 })),
	BAD(VCPU, KVM_ARM_VCPU_FINALIZE, 0, EINVAL, "an unknown feature", BAD_DATA(u32, 99)),
	BARE(KVM_RUN),
	BARE(KVM_GET_ONE_REG, BAD_DATA(struct kvm_one_reg, .id = ARM64_PC)),
	BARE(KVM_SET_ONE_REG, BAD_DATA(struct kvm_one_reg, .id = ARM64_PC)),
	BARE(KVM_GET_REG_LIST, BAD_DATA(struct kvm_reg_list, 0)),
	BARE(KVM_ARM_VCPU_FINALIZE, BAD_DATA(u32, KVM_ARM_VCPU_SVE)),
	/* The kernel's own does not look. */
	BARE(KVM_GET_VCPU_EVENTS, BAD_DATA(struct kvm_vcpu_events, .exception.serror_pending = 0), .own = true),
	BARE(KVM_SET_VCPU_EVENTS, BAD_DATA(struct kvm_vcpu_events, .exception.serror_pending = 0), .own = true),
};

BAD_ELSEWHERE(arm64_vcpu_elsewhere) = {
	{ KVM_RUN, SCOPE_VCPU, EPERM, "SVE that is not finalised: the test sve" },
	{ KVM_RUN, SCOPE_VCPU, ENOSYS, "no syndrome: the test mmio_nisv" },
	{ KVM_RUN, SCOPE_VCPU, EBUSY, "no vGIC yet: the test vgic_refused" },
	{ KVM_GET_ONE_REG, SCOPE_VCPU, EPERM, "SVE that is not finalised: the test sve" },
	{ KVM_SET_ONE_REG, SCOPE_VCPU, EPERM, "SVE that is finalised: the test sve" },
	{ KVM_GET_REG_LIST, SCOPE_VCPU, EPERM, "SVE that is not finalised: the test reg_list" },
	{ KVM_ARM_VCPU_FINALIZE, SCOPE_VCPU, EPERM, "SVE that is finalised: the test reg_list" },
};

/* --- attributes and lines ----------------------------------------------------------- */

#define ATTR(...)	BAD_DATA(struct kvm_device_attr, __VA_ARGS__)
#define FILTER		.group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER
#define TIMER		.group = KVM_ARM_VCPU_TIMER_CTRL, .attr = KVM_ARM_VCPU_TIMER_IRQ_VTIMER
#define PVTIME		.group = KVM_ARM_VCPU_PVTIME_CTRL, .attr = KVM_ARM_VCPU_PVTIME_IPA

static u64 attr_value;
static struct kvm_smccc_filter attr_filter;

/* Behind struct kvm_device_attr's addr there is a value that nobody wants. */
static void value_7(struct vm *vm, void *argument)
{
	struct kvm_device_attr *attr = argument;

	attr_value = 7;
	attr->addr = (u64)&attr_value;
}

static void filter_once(struct vm *vm, void *argument)
{
	struct kvm_device_attr *attr = argument;

	attr_filter = (struct kvm_smccc_filter) {
		.base = 0xc6000010, .nr_functions = 1, .action = KVM_SMCCC_FILTER_DENY,
	};
	attr->addr = (u64)&attr_filter;
}

static void filter_twice(struct vm *vm, void *argument)
{
	filter_once(vm, argument);
	xioctl(vm->fd, KVM_SET_DEVICE_ATTR, argument);
}

static void pvtime_twice(struct vm *vm, void *argument)
{
	struct kvm_device_attr *attr = argument;

	attr_value = ARM64_GPA_LOW;
	attr->addr = (u64)&attr_value;
	xioctl(vm->vcpus[0].fd, KVM_SET_DEVICE_ATTR, argument);
}

BAD_CASES(arm64_attr_cases) = {
	BAD(VM, KVM_SET_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99)),
	/* The kernel's own has nothing that could be read there. */
	BAD(VM, KVM_GET_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99), .own = true),
	BAD(VM, KVM_HAS_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99)),
	BAD(VM, KVM_SET_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(FILTER, .flags = 1),
	    .own = true),
	BAD(VM, KVM_GET_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(FILTER, .flags = 1),
	    .own = true),
	BAD(VM, KVM_HAS_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(FILTER, .flags = 1),
	    .own = true),
	BAD(VM, KVM_SET_DEVICE_ATTR, 0, EEXIST, "a filter of the same twice", ATTR(FILTER),
	    .prepare = filter_twice),
	BAD(VM, KVM_SET_DEVICE_ATTR, MACHINE_RAN, EBUSY, "a filter after the first run",
	    ATTR(FILTER), .prepare = filter_once),
	BAD(VCPU, KVM_SET_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99)),
	BAD(VCPU, KVM_GET_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99)),
	BAD(VCPU, KVM_HAS_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99)),
	BAD(VCPU, KVM_SET_DEVICE_ATTR, VM_IRQCHIP, EINVAL, "no PPI", ATTR(TIMER),
	    .prepare = value_7),
	BAD(VCPU, KVM_GET_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(TIMER, .flags = 1),
	    .own = true),
	BAD(VCPU, KVM_HAS_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(TIMER, .flags = 1),
	    .own = true),
	BAD(VCPU, KVM_SET_DEVICE_ATTR, 0, EEXIST, "an address of stolen time twice", ATTR(PVTIME),
	    .prepare = pvtime_twice),
	BAD(VM, KVM_ARM_SET_COUNTER_OFFSET, 0, EINVAL, "a reserved word",
	    BAD_DATA(struct kvm_arm_counter_offset, .reserved = 1)),
	BAD(VM, KVM_ARM_GET_REG_WRITABLE_MASKS, 0, EINVAL, "an unknown range",
	    BAD_DATA(struct reg_mask_range, .range = 9)),
	BAD(VM, KVM_IRQ_LINE, 0, ENXIO, "without an irqchip",
	    BAD_DATA(struct kvm_irq_level, .irq = KVM_ARM_IRQ_TYPE_SPI << 24 | 40, .level = 1)),
	BAD(VM, KVM_IRQ_LINE, VM_IRQCHIP, EINVAL, "no such kind",
	    BAD_DATA(struct kvm_irq_level, .irq = 7 << 24 | 40, .level = 1)),
};

BAD_ELSEWHERE(arm64_attr_elsewhere) = {
	{ KVM_SET_DEVICE_ATTR, SCOPE_VCPU, EBUSY, "another PPI after a run: the test timer_ppis" },
	{ KVM_ARM_SET_COUNTER_OFFSET, SCOPE_VM, EBUSY, "a vCPU that runs" },
};

/* --- the irqchip ------------------------------------------------------------------ */

#define DIST		.group = KVM_DEV_ARM_VGIC_GRP_ADDR, .attr = KVM_VGIC_V3_ADDR_TYPE_DIST
#define NR_IRQS		.group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS
#define DIST_REG	.group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS, .attr = GICD_CTLR

static void far_away(struct vm *vm, void *argument)
{
	value_7(vm, argument);
	attr_value = 1ULL << 50;
}

static void placed(struct vm *vm, void *argument)
{
	value_7(vm, argument);
	attr_value = ARM64_GPA_GICD;
	xioctl(vm->irqchip_fd, KVM_SET_DEVICE_ATTR, argument);
}

static void chip_ready(struct vm *vm, void *argument)
{
	vm_start(vm);
}

BAD_CASES(arm64_chip_cases) = {
	BAD(VM, KVM_CREATE_IRQCHIP, 0, EINVAL, "it is a device", .own = true),
	BAD(VM, KVM_CREATE_VCPU, VM_IRQCHIP, EBUSY, "after the vGIC's initialisation", .number = 1,
	    .prepare = chip_ready),
	BAD(VM, KVM_CREATE_DEVICE, VM_IRQCHIP, EEXIST, "a second vGIC",
	    BAD_DATA(struct kvm_create_device, .type = KVM_DEV_TYPE_ARM_VGIC_V3)),
	BAD(DEVICE, KVM_HAS_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "unknown flags",
	    ATTR(.group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS, .flags = 1), .own = true),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, ENXIO, "an unknown group",
	    ATTR(.group = 99), .prepare = value_7),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, ENXIO, "an unknown group",
	    ATTR(.group = 99), .prepare = value_7),
	BAD(DEVICE, KVM_HAS_DEVICE_ATTR, MACHINE_DEVICES, ENXIO, "an unknown group",
	    ATTR(.group = 99)),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "no number of interrupts",
	    ATTR(NR_IRQS), .prepare = value_7),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "unknown flags",
	    ATTR(NR_IRQS, .flags = 1), .prepare = value_7, .own = true),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EEXIST, "a second address", ATTR(DIST),
	    .prepare = placed),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, E2BIG, "an address beyond all memory",
	    ATTR(DIST), .prepare = far_away),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EBUSY, "a register before there is one",
	    ATTR(DIST_REG), .prepare = value_7),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, EBUSY, "a register before there is one",
	    ATTR(DIST_REG), .prepare = value_7),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES | MACHINE_NO_VCPU, ENODEV,
	    "initialisation without a vCPU",
	    ATTR(.group = KVM_DEV_ARM_VGIC_GRP_CTRL, .attr = KVM_DEV_ARM_VGIC_CTRL_INIT),
	    .own = true),
};

BAD_ELSEWHERE(arm64_elsewhere) = {
	{ KVM_CREATE_DEVICE, SCOPE_VM, ENOSPC, "more ITSs than there may be" },
	{ KVM_GET_DEVICE_ATTR, SCOPE_DEVICE, ENODEV, "an ITS that is not initialised" },
	{ KVM_HAS_DEVICE_ATTR, SCOPE_DEVICE, ENODEV, "an ITS that is not initialised" },
	{ KVM_GET_DEVICE_ATTR, SCOPE_DEVICE, ENOENT, "a region of redistributors too many" },
	{ KVM_SET_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
	{ KVM_GET_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
	{ KVM_HAS_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
};

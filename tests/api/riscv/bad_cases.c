// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input on riscv: the registers that a call which fails must leave alone, and
 * the calls that are wrong in their own ways.
 */
#include <common/abi.h>

/* --- state -------------------------------------------------------------------- */

#define LISTED		512

struct registers {
	u64	count;
	struct { u64 id; u8 value[64]; } reg[LISTED];
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
		if (list.id[i] == RISCV_TIMER(time) ||
		    KVM_REG_SIZE(list.id[i]) > sizeof(out->reg[i].value))
			continue;
		reg_try_get(&vm->vcpus[0], list.id[i], out->reg[i].value);
	}

	return 0;
}

STATE_PARTS(riscv_parts) = {
	{ .name = "the registers", .size = sizeof(struct registers), .read = read_registers },
};

/* --- vCPUs ---------------------------------------------------------------------- */

static u64 one_reg_value;

static void value_0(struct vm *vm, void *argument)
{
	struct kvm_one_reg *reg = argument;

	one_reg_value = 0;
	reg->addr = (u64)&one_reg_value;
}

#define REG(id_)	BAD_DATA(struct kvm_one_reg, .id = (id_)), .prepare = value_0
#define SINGLE(ext)	(KVM_REG_RISCV | KVM_REG_SIZE_U64 | KVM_REG_RISCV_ISA_EXT |	\
			 KVM_REG_RISCV_ISA_SINGLE | (ext))

BAD_CASES(riscv_vcpu_cases) = {
	BAD(VCPU, KVM_GET_ONE_REG, 0, EINVAL, "a wrong size",
	    REG(KVM_REG_RISCV | KVM_REG_SIZE_U32 | KVM_REG_RISCV_CORE)),
	BAD(VCPU, KVM_SET_ONE_REG, 0, EINVAL, "a wrong size",
	    REG(KVM_REG_RISCV | KVM_REG_SIZE_U32 | KVM_REG_RISCV_CORE)),
	BAD(VCPU, KVM_GET_ONE_REG, 0, ENOENT, "no such register", REG(RISCV_CORE(999))),
	BAD(VCPU, KVM_SET_ONE_REG, 0, ENOENT, "no such register", REG(RISCV_CORE(999))),
	BAD(VCPU, KVM_SET_ONE_REG, MACHINE_RAN, EBUSY, "an extension after the first run",
	    REG(SINGLE(KVM_RISCV_ISA_EXT_F)), .own = true),
	BAD(VCPU, KVM_GET_REG_LIST, 0, E2BIG, "no room", BAD_DATA(struct kvm_reg_list, 0)),
	BAD(VCPU, KVM_SET_MP_STATE, 0, EINVAL, "an unknown state",
	    BAD_DATA(struct kvm_mp_state, .mp_state = 99)),
	BAD(VCPU, KVM_SET_MP_STATE, 0, EINVAL, "a state of others",
	    BAD_DATA(struct kvm_mp_state, .mp_state = KVM_MP_STATE_SIPI_RECEIVED)),
	BAD(VCPU, KVM_SET_GUEST_DEBUG, 0, EINVAL, "a single step",
	    BAD_DATA(struct kvm_guest_debug,
		     .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP), .own = true),
	BAD(VCPU, KVM_INTERRUPT, 0, EINVAL, "a number",
	    BAD_DATA(struct kvm_interrupt, .irq = 5)),
};

/* --- the irqchip ------------------------------------------------------------------ */

#define ATTR(...)	BAD_DATA(struct kvm_device_attr, __VA_ARGS__)
#define MODE		.group = KVM_DEV_RISCV_AIA_GRP_CONFIG, .attr = KVM_DEV_RISCV_AIA_CONFIG_MODE

static u64 attr_value;

/* Behind struct kvm_device_attr's addr there is a value that nobody wants. */
static void value_7(struct vm *vm, void *argument)
{
	struct kvm_device_attr *attr = argument;

	attr_value = 7;
	attr->addr = (u64)&attr_value;
}

static void initialised(struct vm *vm, void *argument)
{
	value_7(vm, argument);
	attr_value = KVM_DEV_RISCV_AIA_MODE_EMUL;
	arch_vm_start(vm);
}

BAD_CASES(riscv_chip_cases) = {
	BAD(VM, KVM_CREATE_IRQCHIP, 0, EINVAL, "it is a device", .own = true),
	BAD(VM, KVM_IRQ_LINE, 0, ENXIO, "without an irqchip",
	    BAD_DATA(struct kvm_irq_level, .irq = 5, .level = 1)),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, ENXIO, "an unknown group",
	    ATTR(.group = 99), .prepare = value_7),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, ENXIO, "an unknown group",
	    ATTR(.group = 99), .prepare = value_7),
	BAD(DEVICE, KVM_HAS_DEVICE_ATTR, MACHINE_DEVICES, ENXIO, "an unknown group",
	    ATTR(.group = 99)),
	BAD(DEVICE, KVM_HAS_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "unknown flags",
	    ATTR(MODE, .flags = 1), .own = true),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "an unknown mode",
	    ATTR(MODE), .prepare = value_7),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "unknown flags",
	    ATTR(MODE, .flags = 1), .prepare = value_7, .own = true),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "unknown flags",
	    ATTR(MODE, .flags = 1), .prepare = value_7, .own = true),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, ENODEV, "a register before there is one",
	    ATTR(.group = KVM_DEV_RISCV_AIA_GRP_APLIC), .prepare = value_7),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, ENODEV, "a register before there is one",
	    ATTR(.group = KVM_DEV_RISCV_AIA_GRP_APLIC), .prepare = value_7),
	BAD(DEVICE, KVM_HAS_DEVICE_ATTR, MACHINE_DEVICES, ENODEV, "a register before there is one",
	    ATTR(.group = KVM_DEV_RISCV_AIA_GRP_APLIC)),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EBUSY, "a mode when it works",
	    ATTR(MODE), .prepare = initialised),
};

BAD_ELSEWHERE(riscv_elsewhere) = {
	{ KVM_SET_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
	{ KVM_GET_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
	{ KVM_HAS_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
};

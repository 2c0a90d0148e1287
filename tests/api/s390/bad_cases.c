// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input on s390: what a call that fails must leave alone, and the calls that are wrong
 * in their own ways.
 */
#include <common/abi.h>

/* --- state -------------------------------------------------------------------- */

struct registers {
	struct kvm_regs		regs;
	struct kvm_sregs	sregs;
	struct kvm_fpu		fpu;
	u64			one[6];
};

static int read_registers(struct vm *vm, void *data)
{
	static const u64 ids[] = {
		KVM_REG_S390_TODPR, KVM_REG_S390_CLOCK_COMP, KVM_REG_S390_PP, KVM_REG_S390_GBEA,
		KVM_REG_S390_PFTOKEN, KVM_REG_S390_PFCOMPARE,
	};
	struct registers *out = data;
	size_t i;
	int fd;

	if (!vm->vcpu_count)
		return -1;
	fd = vm->vcpus[0].fd;
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		reg_try_get(&vm->vcpus[0], ids[i], &out->one[i]);

	return ioctl(fd, KVM_GET_REGS, &out->regs) | ioctl(fd, KVM_GET_SREGS, &out->sregs) |
	       ioctl(fd, KVM_GET_FPU, &out->fpu);
}

/* Pending interruptions: of the CPU, and floating ones. */
static int read_pending(struct vm *vm, void *data)
{
	struct kvm_s390_irq *irqs = data;
	struct kvm_s390_irq_state state = { .buf = (u64)irqs, .len = 16 * sizeof(*irqs) };
	int local = -1, floating = -1;

	if (vm->vcpu_count)
		local = ioctl(vm->vcpus[0].fd, KVM_S390_GET_IRQ_STATE, &state);
	if (vm->irqchip_fd >= 0)
		floating = s390_flic(vm, KVM_GET_DEVICE_ATTR, KVM_DEV_FLIC_GET_ALL_IRQS,
				     16 * sizeof(*irqs), irqs + 16);

	return local << 16 | (floating & 0xffff);
}

static int read_model(struct vm *vm, void *data)
{
	return s390_vm_attr(vm, KVM_GET_DEVICE_ATTR, KVM_S390_VM_CPU_MODEL,
			    KVM_S390_VM_CPU_PROCESSOR, data);
}

static int read_limit(struct vm *vm, void *data)
{
	return s390_vm_attr(vm, KVM_GET_DEVICE_ATTR, KVM_S390_VM_MEM_CTRL,
			    KVM_S390_VM_MEM_LIMIT_SIZE, data);
}

STATE_PARTS(s390_parts) = {
	{ .name = "the registers", .size = sizeof(struct registers), .read = read_registers },
	{ .name = "what is pending", .size = 32 * sizeof(struct kvm_s390_irq),
	  .read = read_pending, .moves = true },
	{ .name = "the CPU model", .size = sizeof(struct kvm_s390_vm_cpu_processor),
	  .read = read_model },
	{ .name = "the memory limit", .size = sizeof(u64), .read = read_limit },
};

/* --- MEM_OP ---------------------------------------------------------------------- */

static u8 buffer[128];

static void mem_op_buffer(struct vm *vm, void *argument)
{
	struct kvm_s390_mem_op *args = argument;

	args->buf = (u64)buffer;
	args->old_addr = (u64)buffer;
}

#define MEM_OP(...)	BAD_DATA(struct kvm_s390_mem_op, .gaddr = 0x40000, __VA_ARGS__),	\
			.prepare = mem_op_buffer
#define LOGICAL		.op = KVM_S390_MEMOP_LOGICAL_READ
#define ABSOLUTE	.op = KVM_S390_MEMOP_ABSOLUTE_READ
#define EXCHANGE	.op = KVM_S390_MEMOP_ABSOLUTE_CMPXCHG
#define KEYED		.flags = KVM_S390_MEMOP_F_SKEY_PROTECTION

BAD_CASES(s390_mem_op_cases) = {
	BAD(VCPU, KVM_S390_MEM_OP, 0, EINVAL, "an unknown operation", MEM_OP(.op = 99, .size = 8)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, EINVAL, "an operation of a VM", MEM_OP(ABSOLUTE, .size = 8)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, EINVAL, "no protected guest",
	    MEM_OP(.op = KVM_S390_MEMOP_SIDA_READ, .size = 8)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, EINVAL, "unknown flags",
	    MEM_OP(LOGICAL, .size = 8, .flags = 1UL << 40)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, EINVAL, "no bytes", MEM_OP(LOGICAL)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, EINVAL, "access register 16", MEM_OP(LOGICAL, .size = 8, .ar = 16)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, EINVAL, "key 16", MEM_OP(LOGICAL, .size = 8, .key = 16, KEYED)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, E2BIG, "too many bytes", MEM_OP(LOGICAL, .size = 1 << 30)),
	BAD(VCPU, KVM_S390_MEM_OP, 0, EFAULT, "no buffer",
	    BAD_DATA(struct kvm_s390_mem_op, .gaddr = 0x40000, LOGICAL, .size = 8)),
	BAD(VM, KVM_S390_MEM_OP, 0, EINVAL, "an unknown operation", MEM_OP(.op = 99, .size = 8)),
	BAD(VM, KVM_S390_MEM_OP, 0, EINVAL, "an operation of a vCPU", MEM_OP(LOGICAL, .size = 8)),
	BAD(VM, KVM_S390_MEM_OP, 0, EINVAL, "a flag of a vCPU's",
	    MEM_OP(ABSOLUTE, .size = 8, .flags = KVM_S390_MEMOP_F_INJECT_EXCEPTION)),
	BAD(VM, KVM_S390_MEM_OP, 0, EINVAL, "an exchange of 3 bytes", MEM_OP(EXCHANGE, .size = 3)),
	BAD(VM, KVM_S390_MEM_OP, 0, EINVAL, "an exchange of 32 bytes", MEM_OP(EXCHANGE, .size = 32)),
	BAD(VM, KVM_S390_MEM_OP, 0, E2BIG, "too many bytes", MEM_OP(ABSOLUTE, .size = 1 << 30)),
	BAD(VM, KVM_S390_MEM_OP, 0, EFAULT, "no buffer",
	    BAD_DATA(struct kvm_s390_mem_op, .gaddr = 0x40000, ABSOLUTE, .size = 8)),
};

/* --- registers and states ----------------------------------------------------------- */

static u64 one_reg_value;

static void value_0(struct vm *vm, void *argument)
{
	struct kvm_one_reg *reg = argument;

	one_reg_value = 0;
	reg->addr = (u64)&one_reg_value;
}

#define REG(id_)	BAD_DATA(struct kvm_one_reg, .id = (id_)), .prepare = value_0
#define UNKNOWN_REG	(KVM_REG_S390 | KVM_REG_SIZE_U64 | 0x999)

BAD_CASES(s390_vcpu_cases) = {
	BAD(VCPU, KVM_GET_ONE_REG, 0, EINVAL, "no such register", REG(UNKNOWN_REG)),
	BAD(VCPU, KVM_SET_ONE_REG, 0, EINVAL, "no such register", REG(UNKNOWN_REG)),
	BAD(VCPU, KVM_GET_ONE_REG, 0, EFAULT, "nowhere to put it",
	    BAD_DATA(struct kvm_one_reg, .id = KVM_REG_S390_CLOCK_COMP)),
	BAD(VCPU, KVM_SET_ONE_REG, 0, EFAULT, "no value",
	    BAD_DATA(struct kvm_one_reg, .id = KVM_REG_S390_CLOCK_COMP)),
	BAD(VCPU, KVM_SET_MP_STATE, 0, ENXIO, "an unknown state",
	    BAD_DATA(struct kvm_mp_state, .mp_state = 99)),
	BAD(VCPU, KVM_SET_MP_STATE, 0, ENXIO, "a state of others",
	    BAD_DATA(struct kvm_mp_state, .mp_state = KVM_MP_STATE_SIPI_RECEIVED)),
	BAD(VCPU, KVM_ENABLE_CAP, 0, EINVAL, "an unknown capability",
	    BAD_DATA(struct kvm_enable_cap, .cap = 0xffff)),
	BAD(VCPU, KVM_ENABLE_CAP, 0, EINVAL, "unknown flags",
	    BAD_DATA(struct kvm_enable_cap, .cap = KVM_CAP_S390_CSS_SUPPORT, .flags = 1)),
	BAD(VCPU, KVM_S390_SET_INITIAL_PSW, 0, EBUSY, "a CPU that is not stopped",
	    BAD_DATA(struct kvm_s390_psw, .mask = PSW_64)),
	BAD(VCPU, KVM_S390_STORE_STATUS, 0, EFAULT, "where no memory is", .number = GPA_MMIO),
	BAD(VCPU, KVM_SET_GUEST_DEBUG, 0, EINVAL, "unknown control",
	    BAD_DATA(struct kvm_guest_debug, .control = KVM_GUESTDBG_ENABLE | 1u << 31)),
};

/* --- interruptions ---------------------------------------------------------------------- */

static void call_pending(struct vm *vm, void *argument)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_EXTERNAL_CALL };

	s390_inject(&vm->vcpus[0], &irq);
}

static struct kvm_s390_irq state_irq;

static void state_buffer(struct vm *vm, void *argument)
{
	struct kvm_s390_irq_state *state = argument;

	state_irq = (struct kvm_s390_irq) { .type = KVM_S390_INT_EXTERNAL_CALL };
	state->buf = (u64)&state_irq;
}

static void state_call_pending(struct vm *vm, void *argument)
{
	state_buffer(vm, argument);
	call_pending(vm, argument);
}

static void two_pending(struct vm *vm, void *argument)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_EMERGENCY };

	state_call_pending(vm, argument);
	s390_inject(&vm->vcpus[0], &irq);
}

#define IRQ(...)	BAD_DATA(struct kvm_s390_irq, __VA_ARGS__)
#define INTERRUPT(...)	BAD_DATA(struct kvm_s390_interrupt, __VA_ARGS__)
#define STATE(...)	BAD_DATA(struct kvm_s390_irq_state, __VA_ARGS__)

BAD_CASES(s390_irq_cases) = {
	BAD(VM, KVM_S390_INTERRUPT, 0, EINVAL, "an unknown type", INTERRUPT(.type = 0xfffe9999)),
	BAD(VM, KVM_S390_INTERRUPT, 0, EINVAL, "one of a CPU",
	    INTERRUPT(.type = KVM_S390_INT_EMERGENCY)),
	BAD(VCPU, KVM_S390_INTERRUPT, 0, EINVAL, "an unknown type", INTERRUPT(.type = 0xfffe9999)),
	BAD(VCPU, KVM_S390_INTERRUPT, 0, EINVAL, "from a CPU beyond all addresses",
	    INTERRUPT(.type = KVM_S390_INT_EMERGENCY, .parm = 0x10000)),
	BAD(VCPU, KVM_S390_INTERRUPT, 0, EBUSY, "a second external call",
	    INTERRUPT(.type = KVM_S390_INT_EXTERNAL_CALL), .prepare = call_pending),
	BAD(VCPU, KVM_S390_IRQ, 0, EINVAL, "an unknown type", IRQ(.type = 0xfffe9999)),
	BAD(VCPU, KVM_S390_IRQ, 0, EINVAL, "from no CPU",
	    IRQ(.type = KVM_S390_INT_EMERGENCY, .u.emerg.code = 4000)),
	BAD(VCPU, KVM_S390_IRQ, 0, EINVAL, "a stop with unknown flags",
	    IRQ(.type = KVM_S390_SIGP_STOP, .u.stop.flags = 0x80)),
	BAD(VCPU, KVM_S390_IRQ, 0, EBUSY, "a second external call",
	    IRQ(.type = KVM_S390_INT_EXTERNAL_CALL), .prepare = call_pending),
	BAD(VCPU, KVM_S390_IRQ, 0, EBUSY, "a prefix of a CPU that is not stopped",
	    IRQ(.type = KVM_S390_SIGP_SET_PREFIX, .u.prefix.address = 0x10000)),
	BAD(VCPU, KVM_S390_GET_IRQ_STATE, 0, EINVAL, "no room at all", STATE(.len = 0),
	    .prepare = state_buffer),
	BAD(VCPU, KVM_S390_GET_IRQ_STATE, 0, ENOBUFS, "room for one of two",
	    STATE(.len = sizeof(struct kvm_s390_irq)), .prepare = two_pending),
	BAD(VCPU, KVM_S390_GET_IRQ_STATE, 0, EFAULT, "nowhere",
	    STATE(.len = sizeof(struct kvm_s390_irq)), .prepare = call_pending),
	BAD(VCPU, KVM_S390_SET_IRQ_STATE, 0, EINVAL, "an odd length", STATE(.len = 7),
	    .prepare = state_buffer),
	BAD(VCPU, KVM_S390_SET_IRQ_STATE, 0, EBUSY, "when something is pending",
	    STATE(.len = sizeof(struct kvm_s390_irq)), .prepare = state_call_pending),
	BAD(VCPU, KVM_S390_SET_IRQ_STATE, 0, EFAULT, "from nowhere",
	    STATE(.len = sizeof(struct kvm_s390_irq))),
};

/* --- storage keys ------------------------------------------------------------------------ */

static u8 keys[16];

static void key_buffer(struct vm *vm, void *argument)
{
	struct kvm_s390_skeys *args = argument;

	args->skeydata_addr = (u64)keys;
	memset(keys, 0, sizeof(keys));
}

static void wrong_key(struct vm *vm, void *argument)
{
	key_buffer(vm, argument);
	keys[0] = 1;
}

/* Some key is set, or GET would say that there are none. */
static void key_set(struct vm *vm, void *argument)
{
	struct kvm_s390_skeys args = { .count = 1, .skeydata_addr = (u64)keys };

	keys[0] = 0x10;
	xioctl(vm->fd, KVM_S390_SET_SKEYS, &args);
}

static void key_set_buffer(struct vm *vm, void *argument)
{
	key_set(vm, argument);
	key_buffer(vm, argument);
}

#define SKEYS(...)	BAD_DATA(struct kvm_s390_skeys, __VA_ARGS__)

BAD_CASES(s390_key_cases) = {
	BAD(VM, KVM_S390_GET_SKEYS, 0, EINVAL, "none", SKEYS(.start_gfn = 1), .prepare = key_buffer),
	BAD(VM, KVM_S390_GET_SKEYS, 0, EINVAL, "too many", SKEYS(.count = 1UL << 40),
	    .prepare = key_buffer),
	BAD(VM, KVM_S390_GET_SKEYS, 0, EINVAL, "unknown flags", SKEYS(.count = 1, .flags = 1),
	    .prepare = key_buffer),
	BAD(VM, KVM_S390_GET_SKEYS, 0, EFAULT, "where no memory is",
	    SKEYS(.start_gfn = GPA_MMIO / PAGE, .count = 1), .prepare = key_set_buffer),
	BAD(VM, KVM_S390_GET_SKEYS, 0, EFAULT, "nowhere to put them", SKEYS(.count = 1),
	    .prepare = key_set),
	BAD(VM, KVM_S390_SET_SKEYS, 0, EINVAL, "none", SKEYS(.start_gfn = 1), .prepare = key_buffer),
	BAD(VM, KVM_S390_SET_SKEYS, 0, EINVAL, "a bit that no key has", SKEYS(.count = 1),
	    .prepare = wrong_key),
	BAD(VM, KVM_S390_SET_SKEYS, 0, EFAULT, "where no memory is",
	    SKEYS(.start_gfn = GPA_MMIO / PAGE, .count = 1), .prepare = key_buffer),
	BAD(VM, KVM_S390_SET_SKEYS, 0, EFAULT, "from nowhere", SKEYS(.count = 1)),
};

/* --- attributes of the VM ------------------------------------------------------------------- */

#define ATTR(...)	BAD_DATA(struct kvm_device_attr, __VA_ARGS__)
#define LIMIT		.group = KVM_S390_VM_MEM_CTRL, .attr = KVM_S390_VM_MEM_LIMIT_SIZE
#define PROCESSOR	.group = KVM_S390_VM_CPU_MODEL, .attr = KVM_S390_VM_CPU_PROCESSOR

static u64 attr_value[2048 / 8 + 2];

static void attr_0(struct vm *vm, void *argument)
{
	struct kvm_device_attr *attr = argument;

	memset(attr_value, 0, sizeof(attr_value));
	attr->addr = (u64)attr_value;
}

static void attr_limit(struct vm *vm, void *argument)
{
	attr_0(vm, argument);
	attr_value[0] = 1UL << 31;
}

static void attr_huge(struct vm *vm, void *argument)
{
	attr_0(vm, argument);
	attr_value[0] = ~1UL;
}

BAD_CASES(s390_attr_cases) = {
	BAD(VM, KVM_SET_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99),
	    .prepare = attr_0),
	BAD(VM, KVM_GET_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99),
	    .prepare = attr_0),
	BAD(VM, KVM_HAS_DEVICE_ATTR, 0, ENXIO, "an unknown group", ATTR(.group = 99)),
	BAD(VM, KVM_HAS_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(LIMIT, .flags = 1), .own = true),
	BAD(VM, KVM_SET_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(LIMIT, .flags = 1),
	    .prepare = attr_limit, .own = true),
	BAD(VM, KVM_GET_DEVICE_ATTR, 0, EINVAL, "unknown flags", ATTR(LIMIT, .flags = 1),
	    .prepare = attr_0, .own = true),
	BAD(VM, KVM_SET_DEVICE_ATTR, MACHINE_NO_VCPU, EINVAL, "no memory at all", ATTR(LIMIT),
	    .prepare = attr_0),
	BAD(VM, KVM_SET_DEVICE_ATTR, MACHINE_NO_VCPU, E2BIG, "more than there can be", ATTR(LIMIT),
	    .prepare = attr_huge),
	BAD(VM, KVM_SET_DEVICE_ATTR, 0, EBUSY, "a limit when there are vCPUs", ATTR(LIMIT),
	    .prepare = attr_limit),
	BAD(VM, KVM_SET_DEVICE_ATTR, 0, EBUSY, "a model when there are vCPUs", ATTR(PROCESSOR),
	    .prepare = attr_0),
	BAD(VM, KVM_SET_DEVICE_ATTR, MACHINE_NO_VCPU, EFAULT, "nothing there", ATTR(LIMIT)),
	BAD(VM, KVM_GET_DEVICE_ATTR, 0, EFAULT, "nowhere to put it", ATTR(LIMIT)),
	BAD(VM, KVM_CREATE_IRQCHIP, 0, EINVAL, "before it is allowed"),
	BAD(VM, KVM_ENABLE_CAP, 0, EBUSY, "suppression when there are vCPUs",
	    BAD_DATA(struct kvm_enable_cap, .cap = KVM_CAP_S390_AIS)),
};

/* --- the FLIC ---------------------------------------------------------------------------------- */

static struct kvm_s390_irq flic_irq = { .type = 0xfffe9999 };

static void flic_unknown(struct vm *vm, void *argument)
{
	struct kvm_device_attr *attr = argument;

	attr->addr = (u64)&flic_irq;
}

/* Something that the list would have. */
static void flic_pending(struct vm *vm, void *argument)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_SERVICE, .u.ext.ext_params = 0x1000 };

	if (s390_inject_floating(vm, &irq))
		bail("no service signal: %s", strerror(errno));
}

BAD_CASES(s390_flic_cases) = {
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "an unknown group",
	    ATTR(.group = 99), .prepare = attr_0),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "an unknown group",
	    ATTR(.group = 99), .prepare = attr_0),
	BAD(DEVICE, KVM_HAS_DEVICE_ATTR, MACHINE_DEVICES, ENXIO, "an unknown group",
	    ATTR(.group = 99)),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "an unknown interruption",
	    ATTR(.group = KVM_DEV_FLIC_ENQUEUE, .attr = sizeof(struct kvm_s390_irq)),
	    .prepare = flic_unknown),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EFAULT, "an interruption from nowhere",
	    ATTR(.group = KVM_DEV_FLIC_ENQUEUE, .attr = sizeof(struct kvm_s390_irq))),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EINVAL, "no such adapter",
	    ATTR(.group = KVM_DEV_FLIC_AIRQ_INJECT, .attr = 999)),
	BAD(DEVICE, KVM_SET_DEVICE_ATTR, MACHINE_DEVICES, EOPNOTSUPP, "suppression that is not on",
	    ATTR(.group = KVM_DEV_FLIC_AISM), .prepare = attr_0),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, EOPNOTSUPP, "suppression that is not on",
	    ATTR(.group = KVM_DEV_FLIC_AISM_ALL, .attr = 2), .prepare = attr_0),
	BAD(DEVICE, KVM_GET_DEVICE_ATTR, MACHINE_DEVICES, EFAULT, "the list, to nowhere",
	    ATTR(.group = KVM_DEV_FLIC_GET_ALL_IRQS, .attr = sizeof(struct kvm_s390_irq)),
	    .prepare = flic_pending),
};

BAD_ELSEWHERE(s390_elsewhere) = {
	{ KVM_SET_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
	{ KVM_GET_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
	{ KVM_HAS_DEVICE_ATTR, SCOPE_DEVICE, EPERM, "a unit test: every type here has it" },
	{ KVM_SET_DEVICE_ATTR, SCOPE_DEVICE, ENXIO, "not of the FLIC, which says EINVAL" },
	{ KVM_GET_DEVICE_ATTR, SCOPE_DEVICE, ENXIO, "not of the FLIC, which says EINVAL" },
	{ KVM_GET_DEVICE_ATTR, SCOPE_DEVICE, ENOBUFS, "no memory of the host for a list" },
	{ KVM_SET_DEVICE_ATTR, SCOPE_DEVICE, EBUSY, "hundreds of thousands of interruptions" },
	{ KVM_S390_INTERRUPT, SCOPE_VM, EBUSY, "hundreds of thousands of interruptions" },
};

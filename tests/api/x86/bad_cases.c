// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input on x86: the state that a call which fails must leave alone, the
 * devices of a PC, and the calls that are wrong in their own ways.
 */
#include <common/abi.h>

/* --- the machine -------------------------------------------------------------------- */

void arch_machine_devices(struct vm *vm)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	xioctl(vm->fd, KVM_CREATE_PIT2, &config);
}

/* --- state ------------------------------------------------------------------------------ */

#define MSRS	16

struct msrs {
	struct kvm_msrs		head;
	struct kvm_msr_entry	entry[MSRS];
};

struct cpuid {
	struct kvm_cpuid2	head;
	struct kvm_cpuid_entry2	entry[256];
};

/* What no other ioctl shows: machine checks, system calls, the paravirtual ones. */
static const struct msrs state_msrs = {
	.head.nmsrs = MSRS,
	.entry = {
		{ .index = 0x1b }, { .index = 0x174 }, { .index = 0x17a }, { .index = 0x17b },
		{ .index = 0x1a0 }, { .index = 0x277 }, { .index = 0x2ff }, { .index = 0x404 },
		{ .index = 0x405 }, { .index = 0x406 }, { .index = 0x407 },
		{ .index = 0xc0000080 }, { .index = 0xc0000081 }, { .index = 0xc0000082 },
		{ .index = 0x4b564d00 }, { .index = 0x4b564d01 },
	},
};

static const struct cpuid state_cpuid = { .head.nent = 256 };

static const u32 state_chips[] = {
	KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE, KVM_IRQCHIP_IOAPIC,
};

/* It goes on, and no further than the time that has passed. */
static bool clock_same(const void *before, const void *after)
{
	const struct kvm_clock_data *a = before, *b = after;

	return a->flags == b->flags && b->clock >= a->clock &&
	       b->clock - a->clock < 20000000000ULL;
}

#define PART(scope_, cmd_, type, ...)	\
	{ .name = #cmd_, .scope = SCOPE_##scope_, .cmd = (cmd_), .size = sizeof(type), \
	  ##__VA_ARGS__ }
#define ASK(what)	.ask = &(what), .ask_size = sizeof(what)

STATE_PARTS(x86_parts) = {
	/* First: an exception that waits is on its way once it has been shown. */
	PART(VCPU, KVM_GET_VCPU_EVENTS, struct kvm_vcpu_events),
	PART(VCPU, KVM_GET_REGS, struct kvm_regs),
	PART(VCPU, KVM_GET_SREGS, struct kvm_sregs),
	PART(VCPU, KVM_GET_DEBUGREGS, struct kvm_debugregs),
	PART(VCPU, KVM_GET_XSAVE, struct kvm_xsave),
	PART(VCPU, KVM_GET_XCRS, struct kvm_xcrs),
	PART(VCPU, KVM_GET_LAPIC, struct kvm_lapic_state, .moves = true),
	PART(VCPU, KVM_GET_MSRS, struct msrs, ASK(state_msrs)),
	PART(VCPU, KVM_GET_CPUID2, struct cpuid, ASK(state_cpuid.head)),
	PART(VCPU, KVM_GET_TSC_KHZ, u64),
	PART(VM, KVM_GET_IRQCHIP, struct kvm_irqchip, ASK(state_chips[0]), .moves = true),
	PART(VM, KVM_GET_IRQCHIP, struct kvm_irqchip, ASK(state_chips[1]), .moves = true),
	PART(VM, KVM_GET_IRQCHIP, struct kvm_irqchip, ASK(state_chips[2]), .moves = true),
	PART(VM, KVM_GET_PIT2, struct kvm_pit_state2, .moves = true),
	PART(VM, KVM_GET_CLOCK, struct kvm_clock_data, .same = clock_same),
};

/* --- the system descriptor ---------------------------------------------------------------- */

BAD_CASES(x86_system_cases) = {
	BAD(SYS, KVM_GET_SUPPORTED_CPUID, 0, E2BIG, "no room", BAD_DATA(struct cpuid)),
	BAD(SYS, KVM_GET_MSR_INDEX_LIST, 0, E2BIG, "no room", BAD_DATA(struct kvm_msr_list, 0)),
	BAD(SYS, KVM_GET_MSR_FEATURE_INDEX_LIST, 0, E2BIG, "no room",
	    BAD_DATA(struct kvm_msr_list, 0)),
	BAD(SYS, KVM_GET_MSRS, 0, E2BIG, "too many", BAD_DATA(struct kvm_msrs, .nmsrs = 257)),
	BAD(SYS, KVM_GET_MSRS, 0, EFAULT, "fewer than it says",
	    BAD_DATA(struct kvm_msrs, .nmsrs = 1), .edge = true),
};

/* --- interrupt controllers and timers ------------------------------------------------------ */

#define LINE(...)	BAD_DATA(struct kvm_irq_level, __VA_ARGS__)
#define CHIP(...)	BAD_DATA(struct kvm_irqchip, __VA_ARGS__)
#define PIT(...)	BAD_DATA(struct kvm_pit_state, __VA_ARGS__)
#define PIT2(...)	BAD_DATA(struct kvm_pit_state2, __VA_ARGS__)
#define PIT2_FIELD(field, value)	\
	BAD(VM, KVM_SET_PIT2, MACHINE_DEVICES, EINVAL, #field " out of range",	\
	    PIT2(.channels[0].field = (value)), .own = true)
#define CAP(...)	BAD_DATA(struct kvm_enable_cap, __VA_ARGS__)

static void split(struct vm *vm, void *argument)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };

	xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

BAD_CASES(x86_chip_cases) = {
	BAD(VM, KVM_IRQ_LINE, 0, ENXIO, "without an irqchip", LINE(.irq = 5, .level = 1)),
	BAD(VM, KVM_IRQ_LINE_STATUS, 0, ENXIO, "without an irqchip", LINE(.irq = 5, .level = 1)),
	BAD(VM, KVM_GET_IRQCHIP, 0, ENXIO, "without an irqchip", CHIP()),
	BAD(VM, KVM_SET_IRQCHIP, 0, ENXIO, "without an irqchip", CHIP()),
	BAD(VM, KVM_CREATE_IRQCHIP, 0, EINVAL, "after a vCPU"),
	BAD(VM, KVM_ENABLE_CAP, 0, EINVAL, "a split irqchip after a vCPU",
	    CAP(.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24), .own = true),
	BAD(VM, KVM_SET_GSI_ROUTING, 0, EINVAL, "a message without an irqchip",
	    BAD_DATA(struct { struct kvm_irq_routing head; struct kvm_irq_routing_entry entry; },
		     .head.nr = 1, .entry = { .gsi = 5, .type = KVM_IRQ_ROUTING_MSI }),
	    .own = true),

	BAD(VM, KVM_CREATE_IRQCHIP, VM_IRQCHIP, EEXIST, "a second one"),
	BAD(VM, KVM_ENABLE_CAP, VM_IRQCHIP, EEXIST, "a split irqchip beside a whole one",
	    CAP(.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24)),
	BAD(VM, KVM_ENABLE_CAP, MACHINE_NO_VCPU, EINVAL, "more pins than an IOAPIC can have",
	    CAP(.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 256), .own = true),
	BAD(VM, KVM_ENABLE_CAP, MACHINE_NO_VCPU, EINVAL, "pins of too many bits",
	    CAP(.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 1ULL << 32)),
	BAD(VM, KVM_ENABLE_CAP, MACHINE_NO_VCPU, EEXIST, "split twice",
	    CAP(.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24), .prepare = split),
	BAD(VM, KVM_CREATE_IRQCHIP, MACHINE_NO_VCPU, EEXIST, "a whole one beside a split one",
	    .prepare = split),
	BAD(VM, KVM_GET_IRQCHIP, MACHINE_NO_VCPU, ENXIO, "user space has it", CHIP(),
	    .prepare = split),
	BAD(VM, KVM_SET_IRQCHIP, MACHINE_NO_VCPU, ENXIO, "user space has it", CHIP(),
	    .prepare = split),
	BAD(VM, KVM_CREATE_PIT2, MACHINE_NO_VCPU, ENOENT, "user space has the PIC",
	    BAD_DATA(struct kvm_pit_config, 0), .prepare = split),
	BAD(VM, KVM_GET_IRQCHIP, VM_IRQCHIP, EINVAL, "an unknown chip", CHIP(.chip_id = 7)),
	BAD(VM, KVM_SET_IRQCHIP, VM_IRQCHIP, EINVAL, "an unknown chip", CHIP(.chip_id = 7)),
	BAD(VM, KVM_ENABLE_CAP, VM_IRQCHIP, EINVAL, "an unknown bit",
	    CAP(.cap = KVM_CAP_X2APIC_API, .args[0] = 0x80)),

	BAD(VM, KVM_CREATE_PIT, 0, ENOENT, "without an irqchip"),
	BAD(VM, KVM_CREATE_PIT2, 0, ENOENT, "without an irqchip",
	    BAD_DATA(struct kvm_pit_config, 0)),
	BAD(VM, KVM_GET_PIT, VM_IRQCHIP, ENXIO, "without a PIT", PIT()),
	BAD(VM, KVM_SET_PIT, VM_IRQCHIP, ENXIO, "without a PIT", PIT()),
	BAD(VM, KVM_GET_PIT2, VM_IRQCHIP, ENXIO, "without a PIT", PIT2()),
	BAD(VM, KVM_SET_PIT2, VM_IRQCHIP, ENXIO, "without a PIT", PIT2()),
	BAD(VM, KVM_REINJECT_CONTROL, VM_IRQCHIP, ENXIO, "without a PIT",
	    BAD_DATA(struct kvm_reinject_control, 0)),
	BAD(VM, KVM_CREATE_PIT2, VM_IRQCHIP, EINVAL, "unknown flags",
	    BAD_DATA(struct kvm_pit_config, .flags = 1u << 31), .own = true),
	BAD(VM, KVM_CREATE_PIT, MACHINE_DEVICES, EEXIST, "a second one"),
	BAD(VM, KVM_CREATE_PIT2, MACHINE_DEVICES, EEXIST, "a second one",
	    BAD_DATA(struct kvm_pit_config, 0)),
	BAD(VM, KVM_SET_PIT, MACHINE_DEVICES, EINVAL, "an unknown mode",
	    PIT(.channels[2].mode = 8), .own = true),
	BAD(VM, KVM_SET_PIT2, MACHINE_DEVICES, EINVAL, "unknown flags", PIT2(.flags = 1u << 31),
	    .own = true),
	PIT2_FIELD(mode, 8),
	PIT2_FIELD(count, 0x10001),
	PIT2_FIELD(rw_mode, 4),
	PIT2_FIELD(read_state, 5),
	PIT2_FIELD(write_state, 5),
	PIT2_FIELD(count_latched, 5),
};

struct routes {
	struct kvm_irq_routing		head;
	struct kvm_irq_routing_entry	entry[2];
};

static void ids_of_32_bits(struct vm *vm, void *argument)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X2APIC_API, .args[0] = KVM_X2APIC_API_USE_32BIT_IDS,
	};

	xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

#define PIN(chip, pin_)	\
	{ .gsi = 5, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = { (chip), (pin_) } }

BAD_CASES(x86_route_cases) = {
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "pin 24 of the IOAPIC",
	    BAD_DATA(struct routes, .head.nr = 1, .entry = { PIN(KVM_IRQCHIP_IOAPIC, 24) })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "pin 8 of a PIC",
	    BAD_DATA(struct routes, .head.nr = 1, .entry = { PIN(KVM_IRQCHIP_PIC_SLAVE, 8) })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "one chip twice",
	    BAD_DATA(struct routes, .head.nr = 2,
		     .entry = { PIN(KVM_IRQCHIP_IOAPIC, 5), PIN(KVM_IRQCHIP_IOAPIC, 6) })),
	BAD(VM, KVM_SET_GSI_ROUTING, VM_IRQCHIP, EINVAL, "low bits of a 32-bit id",
	    BAD_DATA(struct routes, .head.nr = 1,
		     .entry = { { .gsi = 5, .type = KVM_IRQ_ROUTING_MSI,
				  .u.msi.address_hi = 0x101 } }),
	    .prepare = ids_of_32_bits),
};

/* --- the VM ------------------------------------------------------------------------------------ */

BAD_CASES(x86_vm_cases) = {
	BAD(VM, KVM_SET_TSS_ADDR, 0, EINVAL, "above 4 GiB", .number = 0xffffffffffffUL),
	BAD(VM, KVM_SET_TSS_ADDR, 0, EINVAL, "across 4 GiB", .number = 0xffffe000),
	BAD(VM, KVM_SET_IDENTITY_MAP_ADDR, 0, EINVAL, "after a vCPU", BAD_DATA(u64, 0xfffbc000)),
	BAD(VM, KVM_SET_NR_MMU_PAGES, 0, EINVAL, "too few", .number = 63),
	BAD(VM, KVM_SET_BOOT_CPU_ID, 0, EBUSY, "after a vCPU", .number = 0),
	BAD(VM, KVM_SET_BOOT_CPU_ID, MACHINE_NO_VCPU, EINVAL, "too high", .number = 1 << 20),
	BAD(VM, KVM_SET_CLOCK, 0, EINVAL, "unknown flags",
	    BAD_DATA(struct kvm_clock_data, .clock = 1, .flags = 1u << 31)),
	BAD(VM, KVM_SET_TSC_KHZ, MACHINE_NO_VCPU, EINVAL, "a slow one", .number = 1, .own = true),
};

/* --- registers ----------------------------------------------------------------------------------- */

/* The guest is in long mode. */
#define SREGS(what, field, flip)	\
	BAD(VCPU, KVM_SET_SREGS, VM_IRQCHIP, EINVAL, what,	\
	    BAD_FIELD(KVM_GET_SREGS, struct kvm_sregs, field, flip, cr2))
#define SREGS_OWN(what, field, flip)	\
	BAD(VCPU, KVM_SET_SREGS, VM_IRQCHIP, EINVAL, what,	\
	    BAD_FIELD(KVM_GET_SREGS, struct kvm_sregs, field, flip, cr2), .own = true)
#define NOT_CANONICAL	(1ULL << 63)
#define XCRS(...)	BAD_DATA(struct kvm_xcrs, __VA_ARGS__)
#define XSAVE(what, word, flip)	\
	BAD(VCPU, KVM_SET_XSAVE, 0, EINVAL, what,		\
	    BAD_FIELD(KVM_GET_XSAVE, struct kvm_xsave, region[word], flip, region[44]))

BAD_CASES(x86_register_cases) = {
	SREGS("a high bit of CR0", cr0, BIT(40)),
	SREGS("CR0.NW without CD", cr0, BIT(29)),
	SREGS("CR0.PG without PE", cr0, BIT(0)),
	SREGS("a reserved bit of CR4", cr4, BIT(40)),
	SREGS("long mode without CR4.PAE", cr4, BIT(5)),
	SREGS_OWN("a reserved bit of EFER", efer, BIT(40)),
	SREGS("EFER.LME without LMA", efer, BIT(10)),
	SREGS("EFER.LMA without LME", efer, BIT(8)),
	SREGS("a CR3 that is no address", cr3, BIT(62)),
	SREGS_OWN("CR8 above 15", cr8, BIT(4)),
	SREGS_OWN("CS with L and D", cs.db, 1),
	SREGS_OWN("a base of FS that is not canonical", fs.base, NOT_CANONICAL),
	SREGS_OWN("a base of GS that is not canonical", gs.base, NOT_CANONICAL),
	SREGS_OWN("a base of TR that is not canonical", tr.base, NOT_CANONICAL),
	SREGS_OWN("a base of LDTR that is not canonical", ldt.base, NOT_CANONICAL),
	SREGS_OWN("a base of the GDT that is not canonical", gdt.base, NOT_CANONICAL),
	SREGS_OWN("a base of the IDT that is not canonical", idt.base, NOT_CANONICAL),
	SREGS("a reserved bit of APIC_BASE", apic_base, BIT(60)),
	SREGS("x2APIC mode without the APIC", apic_base, BIT(11) | BIT(10)),

	BAD(VCPU, KVM_SET_FPU, 0, EINVAL, "reserved bits of MXCSR",
	    BAD_FIELD(KVM_GET_FPU, struct kvm_fpu, mxcsr, BIT(31), xmm[1]), .own = true),
	BAD(VCPU, KVM_SET_XSAVE, 0, EINVAL, "reserved bits of MXCSR",
	    BAD_FIELD(KVM_GET_XSAVE, struct kvm_xsave, region[6], BIT(31), region[44]), .own = true),
	XSAVE("an unknown component", 129, BIT(30)),
	XSAVE("the compacted format", 131, BIT(31)),
	XSAVE("a reserved word of its header", 140, 1),
	BAD(VCPU, KVM_SET_XCRS, 0, EINVAL, "too many", XCRS(.nr_xcrs = 17)),
	BAD(VCPU, KVM_SET_XCRS, 0, EINVAL, "unknown flags", XCRS(.nr_xcrs = 1, .flags = 1)),
	BAD(VCPU, KVM_SET_XCRS, 0, EINVAL, "XCR0 without x87",
	    XCRS(.nr_xcrs = 1, .xcrs = { { .value = 2 } })),
	BAD(VCPU, KVM_SET_XCRS, 0, EINVAL, "XCR0 with AVX and without SSE",
	    XCRS(.nr_xcrs = 1, .xcrs = { { .value = 5 } })),
	BAD(VCPU, KVM_SET_XCRS, 0, EINVAL, "XCR0 with an unknown component",
	    XCRS(.nr_xcrs = 1, .xcrs = { { .value = BIT(40) | 1 } })),

	BAD(VCPU, KVM_SET_DEBUGREGS, 0, EINVAL, "unknown flags",
	    BAD_FIELD(KVM_GET_DEBUGREGS, struct kvm_debugregs, flags, 1, db)),
	BAD(VCPU, KVM_SET_DEBUGREGS, 0, EINVAL, "a high bit of DR6",
	    BAD_FIELD(KVM_GET_DEBUGREGS, struct kvm_debugregs, dr6, BIT(40), db)),
	BAD(VCPU, KVM_SET_DEBUGREGS, 0, EINVAL, "a high bit of DR7",
	    BAD_FIELD(KVM_GET_DEBUGREGS, struct kvm_debugregs, dr7, BIT(40), db)),
};

BAD_ELSEWHERE(x86_elsewhere) = {
	{ KVM_GET_XSAVE, SCOPE_VCPU, EINVAL, "only where 4096 bytes do not hold the state" },
	{ KVM_GET_XCRS, SCOPE_VCPU, EINVAL, "only on CPUs without XSAVE" },
};

/* --- MSRs and CPUID ---------------------------------------------------------------------------------- */

static void other_cpuid(struct vm *vm, void *argument)
{
	struct cpuid *cpuid = argument;

	cpuid->head.nent = 256;
	xioctl(vm->vcpus[0].fd, KVM_GET_CPUID2, cpuid);
	cpuid->entry[0].eax ^= 1;
}

BAD_CASES(x86_list_cases) = {
	BAD(VCPU, KVM_GET_MSRS, 0, E2BIG, "too many", BAD_DATA(struct kvm_msrs, .nmsrs = 257)),
	BAD(VCPU, KVM_SET_MSRS, 0, E2BIG, "too many", BAD_DATA(struct kvm_msrs, .nmsrs = 257)),
	BAD(VCPU, KVM_GET_MSRS, 0, EFAULT, "fewer than it says",
	    BAD_DATA(struct kvm_msrs, .nmsrs = 1), .edge = true),
	BAD(VCPU, KVM_SET_MSRS, 0, EFAULT, "fewer than it says",
	    BAD_DATA(struct kvm_msrs, .nmsrs = 1), .edge = true),
	BAD(VCPU, KVM_GET_CPUID2, 0, E2BIG, "no room", BAD_DATA(struct kvm_cpuid2, 0)),
	BAD(VCPU, KVM_SET_CPUID2, 0, E2BIG, "too many", BAD_DATA(struct kvm_cpuid2, .nent = 257)),
	BAD(VCPU, KVM_SET_CPUID2, 0, EFAULT, "fewer than it says",
	    BAD_DATA(struct kvm_cpuid2, .nent = 1), .edge = true),
	BAD(VCPU, KVM_SET_CPUID2, MACHINE_RAN, EINVAL, "another table after the first run",
	    BAD_DATA(struct cpuid), .prepare = other_cpuid),
};

/* --- events ---------------------------------------------------------------------------------------------- */

#define EVENTS(what, ...)	\
	BAD(VCPU, KVM_SET_VCPU_EVENTS, VM_IRQCHIP, EINVAL, what,	\
	    BAD_DATA(struct kvm_vcpu_events, __VA_ARGS__))

static void busy_vcpu(struct vm *vm, void *argument)
{
	struct kvm_vcpu_events events = { .exception = { .injected = 1, .nr = 6 } };

	xioctl(vm->vcpus[0].fd, KVM_SET_VCPU_EVENTS, &events);
}

static void interrupted_vcpu(struct vm *vm, void *argument)
{
	xioctl(vm->vcpus[0].fd, KVM_INTERRUPT, argument);
}

static void x2apic_ids(struct vm *vm, void *argument)
{
	struct kvm_lapic_state *state = argument;

	ids_of_32_bits(vm, NULL);
	x86_set_msr(&vm->vcpus[0], APIC_BASE_MSR, APIC_PAGE | 0xd00);
	xioctl(vm->vcpus[0].fd, KVM_GET_LAPIC, state);
	*(u32 *)(state->regs + APIC_REG_ID) = 4;
}

BAD_CASES(x86_event_cases) = {
	EVENTS("unknown flags", .flags = 1u << 31),
	EVENTS("vector 2 is no exception", .exception = { .injected = 1, .nr = 2 }),
	EVENTS("vector 32 is no exception", .exception = { .injected = 1, .nr = 32 }),
	BAD(VCPU, KVM_SET_VCPU_EVENTS, VM_IRQCHIP, EINVAL, "an unknown shadow",
	    BAD_DATA(struct kvm_vcpu_events, .flags = KVM_VCPUEVENT_VALID_SHADOW,
		     .interrupt.shadow = 4), .own = true),
	BAD(VCPU, KVM_SET_VCPU_EVENTS, VM_IRQCHIP, EINVAL, "a SIPI above 1 MiB",
	    BAD_DATA(struct kvm_vcpu_events, .flags = KVM_VCPUEVENT_VALID_SIPI_VECTOR,
		     .sipi_vector = 256), .own = true),
	BAD(VCPU, KVM_SET_VCPU_EVENTS, VM_IRQCHIP, EINVAL, "system management mode",
	    BAD_DATA(struct kvm_vcpu_events, .flags = KVM_VCPUEVENT_VALID_SMM, .smi.smm = 1),
	    .own = true),

	BAD(VCPU, KVM_SET_MP_STATE, VM_IRQCHIP, EINVAL, "an unknown state",
	    BAD_DATA(struct kvm_mp_state, 77)),
	BAD(VCPU, KVM_SET_MP_STATE, VM_IRQCHIP, EINVAL, "a state of others",
	    BAD_DATA(struct kvm_mp_state, KVM_MP_STATE_STOPPED)),
	BAD(VCPU, KVM_SET_MP_STATE, 0, EINVAL, "halted without an APIC",
	    BAD_DATA(struct kvm_mp_state, KVM_MP_STATE_HALTED)),
	BAD(VCPU, KVM_GET_LAPIC, 0, EINVAL, "without an APIC",
	    BAD_DATA(struct kvm_lapic_state)),
	BAD(VCPU, KVM_SET_LAPIC, 0, EINVAL, "without an APIC",
	    BAD_DATA(struct kvm_lapic_state)),
	BAD(VCPU, KVM_SET_LAPIC, VM_IRQCHIP, EINVAL, "another's id",
	    BAD_DATA(struct kvm_lapic_state), .prepare = x2apic_ids),

	BAD(VCPU, KVM_INTERRUPT, 0, EINVAL, "vector 256", BAD_DATA(struct kvm_interrupt, 256)),
	BAD(VCPU, KVM_INTERRUPT, VM_IRQCHIP, ENXIO, "the PIC is in the kernel",
	    BAD_DATA(struct kvm_interrupt, 0x40)),
	BAD(VCPU, KVM_INTERRUPT, 0, EEXIST, "one waits already",
	    BAD_DATA(struct kvm_interrupt, 0x40), .prepare = interrupted_vcpu, .own = true),
	BAD(VCPU, KVM_SET_GUEST_DEBUG, 0, EINVAL, "an unknown bit",
	    BAD_DATA(struct kvm_guest_debug, .control = KVM_GUESTDBG_ENABLE | BIT(31)),
	    .own = true),
	BAD(VCPU, KVM_SET_GUEST_DEBUG, 0, EBUSY, "an exception is on its way",
	    BAD_DATA(struct kvm_guest_debug,
		     .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB),
	    .prepare = busy_vcpu, .own = true),
	BAD(VCPU, KVM_TPR_ACCESS_REPORTING, VM_IRQCHIP, EINVAL, "on",
	    BAD_DATA(struct kvm_tpr_access_ctl, .enabled = 1), .own = true),
	BAD(VCPU, KVM_TPR_ACCESS_REPORTING, VM_IRQCHIP, EINVAL, "unknown flags",
	    BAD_DATA(struct kvm_tpr_access_ctl, .flags = 1)),
	BAD(VCPU, KVM_SET_VAPIC_ADDR, VM_IRQCHIP, EINVAL, "a page",
	    BAD_DATA(struct kvm_vapic_addr, 0x1000), .own = true),
	BAD(VCPU, KVM_SET_VAPIC_ADDR, 0, EINVAL, "without an APIC",
	    BAD_DATA(struct kvm_vapic_addr, 0)),
};

/* --- machine checks and time --------------------------------------------------------------------------- */

BAD_CASES(x86_other_cases) = {
	BAD(VCPU, KVM_X86_SETUP_MCE, 0, EINVAL, "no banks", BAD_DATA(u64, 0)),
	BAD(VCPU, KVM_X86_SETUP_MCE, 0, EINVAL, "too many banks", BAD_DATA(u64, 33)),
	BAD(VCPU, KVM_X86_SETUP_MCE, 0, EINVAL, "an unknown capability", BAD_DATA(u64, 1ULL << 60 | 10)),
	BAD(VCPU, KVM_X86_SET_MCE, 0, EINVAL, "an unknown bank",
	    BAD_DATA(struct kvm_x86_mce, .bank = 200, .status = 1ULL << 63)),
	BAD(VCPU, KVM_X86_SET_MCE, 0, EINVAL, "a status that is not valid",
	    BAD_DATA(struct kvm_x86_mce, .bank = 1, .status = 1, .addr = 0x1000)),
	BAD(VCPU, KVM_SET_TSC_KHZ, 0, EINVAL, "a slow one", .number = 1, .own = true),
	BAD(VCPU, KVM_KVMCLOCK_CTRL, 0, EINVAL, "without a clock"),
};

// SPDX-License-Identifier: GPL-2.0-only
/* arm64: see arm64.h. */
#include <lib/kvm.h>

/* --- guest side: exceptions ------------------------------------------------ */

guest_handler guest_handlers[64], guest_irq_handlers[1024];
guest_handler guest_irq_raw, guest_fiq_handler, guest_serror_handler;
volatile uint64_t guest_trap_address, guest_trap_pc, guest_spurious;
struct guest_frame guest_user_frame;

#define FRAME_SIZE	304

/*
 * SP_EL1 is where it was when EL0 was entered, so the frame of an exception from there
 * lies below that.  A frame is struct guest_frame.
 */
asm(	".pushsection .text\n"
	".altmacro\n"
	".macro one_pair op, low, high\n"
	"	\\op x\\low, x\\high, [sp, #\\low * 8]\n"
	".endm\n"
	".macro all_pairs op\n"
	".set number, 2\n"
	".rept 14\n"
	"	one_pair \\op, %number, %(number + 1)\n"
	".set number, number + 2\n"
	".endr\n"
	".endm\n"
	".macro one_vector number\n"
	"	.balign 128\n"
	"	sub sp, sp, #" STRING(FRAME_SIZE) "\n"
	"	stp x0, x1, [sp]\n"
	"	mov x0, #\\number\n"
	"	b guest_exception_entry\n"
	".endm\n"
	".balign 2048\n"
	".globl guest_vectors\n"
	"guest_vectors:\n"
	".set vector_number, 0\n"
	".rept 16\n"
	"	one_vector %vector_number\n"
	".set vector_number, vector_number + 1\n"
	".endr\n"
	"guest_exception_entry:\n"
	"	all_pairs stp\n"
	"	mrs x1, sp_el0\n"
	"	stp x30, x1, [sp, #240]\n"
	"	mrs x1, elr_el1\n"
	"	mrs x2, spsr_el1\n"
	"	stp x1, x2, [sp, #256]\n"
	"	mrs x1, esr_el1\n"
	"	mrs x2, far_el1\n"
	"	stp x1, x2, [sp, #272]\n"
	"	str x0, [sp, #288]\n"
	"	mov x0, sp\n"
	"	bl guest_exception\n"
	"	ldp x1, x2, [sp, #256]\n"
	"	msr elr_el1, x1\n"
	"	msr spsr_el1, x2\n"
	"	ldp x30, x1, [sp, #240]\n"
	"	msr sp_el0, x1\n"
	"	all_pairs ldp\n"
	"	ldp x0, x1, [sp]\n"
	"	add sp, sp, #" STRING(FRAME_SIZE) "\n"
	"	eret\n"
	/* uint64_t guest_user(pc, argument, stack) */
	".globl guest_user\n"
	"guest_user:\n"
	"	stp x29, x30, [sp, #-96]!\n"
	"	stp x19, x20, [sp, #16]\n"
	"	stp x21, x22, [sp, #32]\n"
	"	stp x23, x24, [sp, #48]\n"
	"	stp x25, x26, [sp, #64]\n"
	"	stp x27, x28, [sp, #80]\n"
	"	msr daifset, #15\n"
	"	msr elr_el1, x0\n"
	"	msr spsr_el1, xzr\n"
	"	msr sp_el0, x2\n"
	"	mov x0, x1\n"
	"	eret\n"
	/* Its return: x0 is the value. */
	"guest_user_end:\n"
	"	ldp x19, x20, [sp, #16]\n"
	"	ldp x21, x22, [sp, #32]\n"
	"	ldp x23, x24, [sp, #48]\n"
	"	ldp x25, x26, [sp, #64]\n"
	"	ldp x27, x28, [sp, #80]\n"
	"	ldp x29, x30, [sp], #96\n"
	"	ret\n"
	/* A vCPU that PSCI starts: x0 is its struct guest_start. */
	".globl guest_cpu_entry\n"
	"guest_cpu_entry:\n"
	"	ldr x1, =" STRING(ARM64_MAIR) "\n"
	"	msr mair_el1, x1\n"
	"	ldr x1, =" STRING(ARM64_TCR) "\n"
	"	msr tcr_el1, x1\n"
	"	mov x1, #0x1000\n"
	"	msr ttbr0_el1, x1\n"
	"	ldr x1, =guest_vectors\n"
	"	msr vbar_el1, x1\n"
	"	ldr x1, =" STRING(ARM64_CPACR) "\n"
	"	msr cpacr_el1, x1\n"
	"	mov x1, #3\n"
	"	msr cntkctl_el1, x1\n"
	"	isb\n"
	"	tlbi vmalle1\n"
	"	dsb sy\n"
	"	ldr x1, =" STRING(ARM64_SCTLR) "\n"
	"	msr sctlr_el1, x1\n"
	"	isb\n"
	"	ldr x2, [x0, #16]\n"
	"	mov sp, x2\n"
	"	ldp x1, x0, [x0]\n"
	"	mov x29, xzr\n"
	"	blr x1\n"
	"1:	wfi\n"
	"	b 1b\n"
	".ltorg\n"
	".noaltmacro\n"
	".popsection\n");
_Static_assert(sizeof(struct guest_frame) == FRAME_SIZE, "the assembler's frame");
_Static_assert(offsetof(struct guest_frame, elr) == 256 && offsetof(struct guest_frame, vector) == 288,
	       "the assembler's offsets");
_Static_assert(ARM64_GPA_ROOT == 0x1000, "the assembler's address");
extern char guest_vectors[], guest_user_end[];

/* EL0 is over: back to who called guest_user(). */
static void guest_leave_user(struct guest_frame *frame)
{
	const uint64_t *from = (const uint64_t *)frame;
	uint64_t *to = (uint64_t *)&guest_user_frame;
	unsigned int i;

	/* The C library's memcpy() uses SIMD registers, which belong to tests. */
	for (i = 0; i < sizeof(*frame) / sizeof(*from); i++)
		to[i] = from[i];
	guest_trap_address = frame->far;
	guest_trap_pc = frame->elr;
	frame->elr = (uint64_t)guest_user_end;
	frame->spsr = ARM64_PSTATE;
	frame->x[0] = frame->esr;
}

static void guest_interrupt(struct guest_frame *frame)
{
	uint64_t intid = sysreg_read(ICC_IAR1_EL1);

	dsb();
	if (intid == INTID_NONE) {
		guest_spurious++;
		return;
	}
	if (intid > INTID_NONE || !guest_irq_handlers[intid]) {
		guest_say4(SAY_TRAP, 0x1000, intid, frame->elr);
		for (;;)
			;
	}
	guest_irq_handlers[intid](frame);
	sysreg_write(ICC_EOIR1_EL1, intid);
	isb();
}

/* What is in a vector, of the four from EL1 and the four from EL0 (AArch64). */
static guest_handler guest_handler_of(struct guest_frame *frame)
{
	bool user = frame->vector >= 8;

	if (frame->vector < 4 || frame->vector >= 12)
		return NULL;

	switch (frame->vector % 4) {
	case 0:
		return user ? guest_leave_user : guest_handlers[ESR_EC(frame->esr)];
	case 1:
		return guest_irq_raw ?: guest_interrupt;
	case 2:
		return guest_fiq_handler;
	default:
		return guest_serror_handler;
	}
}

__attribute__((used)) static void guest_exception(struct guest_frame *frame)
{
	guest_handler handler = guest_handler_of(frame);

	if (!handler) {
		guest_say4(SAY_TRAP, frame->vector, frame->esr, frame->elr);
		for (;;)
			;
	}
	handler(frame);
}

/* GUEST_TRY() left the place to go on in x16 and hears of it in x17. */
static void guest_catch_handler(struct guest_frame *frame)
{
	guest_trap_address = frame->far;
	guest_trap_pc = frame->elr;
	frame->x[17] = frame->esr;
	frame->elr = frame->x[16];
}

void guest_catch(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(guest_handlers); i++)
		guest_handlers[i] = guest_catch_handler;
}

/* --- guest side: SMCCC ------------------------------------------------------- */

/* All but these four are kept: a test would see it if they were not. */
#define SMCCC_CALL(instruction)							\
	register uint64_t r0 asm("x0") = function;				\
	register uint64_t r1 asm("x1") = x1;					\
	register uint64_t r2 asm("x2") = x2;					\
	register uint64_t r3 asm("x3") = x3;					\
										\
	asm volatile(instruction " #0"						\
		     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "memory");	\
										\
	return (struct smccc_result) { r0, r1, r2, r3 }

struct smccc_result guest_hvc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	SMCCC_CALL("hvc");
}

struct smccc_result guest_smc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	SMCCC_CALL("smc");
}

static struct guest_start guest_starts[VM_VCPUS_MAX];

struct guest_start *guest_start_of(uint64_t cpu, void (*entry)(uint64_t), uint64_t argument)
{
	struct guest_start *start = &guest_starts[cpu];

	start->entry = (uint64_t)entry;
	start->argument = argument;
	start->stack = ARM64_GPA_STACKS + (cpu + 1) * ARM64_STACK_SIZE;
	/* It is read with the MMU off. */
	asm volatile("dsb sy; dc civac, %0; dc civac, %1; dsb sy"
		     : : "r"(start), "r"(&start->stack) : "memory");

	return start;
}

long guest_cpu_on(uint64_t cpu, void (*entry)(uint64_t), uint64_t argument)
{
	return guest_hvc(PSCI_CPU_ON, cpu, (uint64_t)guest_cpu_entry,
			 (uint64_t)guest_start_of(cpu, entry, argument)).x0;
}

/* --- guest side: the GIC ------------------------------------------------------- */

volatile uint64_t guest_irq_count;

void gic_begin(void)
{
	uint64_t gicr = GICR_OF(guest_cpu_number());

	guest_write32(ARM64_GPA_GICD + GICD_CTLR, 0x12);	/* ARE, EnableGrp1 */
	guest_write32(gicr + GICR_WAKER, 0);
	while (guest_read32(gicr + GICR_WAKER) & 4)
		guest_pause();
	guest_write32(gicr + GICR_SGI + GICD_IGROUPR(0), ~0u);
	sysreg_write(ICC_SRE_EL1, 7);
	isb();
	sysreg_write(ICC_PMR_EL1, 0xff);
	sysreg_write(ICC_BPR1_EL1, 0);
	sysreg_write(ICC_CTLR_EL1, 0);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
}

void gic_enable(uint32_t intid, uint8_t priority, bool edge)
{
	uint32_t shift = intid % 16 * 2, config;

	guest_write8(GIC_REG(intid, GICD_IPRIORITYR), priority);
	if (intid >= 16) {
		config = guest_read32(GIC_REG(intid, GICD_ICFGR)) & ~(3u << shift);
		guest_write32(GIC_REG(intid, GICD_ICFGR), config | (edge ? 2u : 0) << shift);
	}
	if (intid >= 32) {
		guest_write64(ARM64_GPA_GICD + GICD_IROUTER(intid),
			      sysreg_read(mpidr_el1) & 0xff00ffffffUL);
		guest_write32(GIC_REG(intid, GICD_IGROUPR),
			      guest_read32(GIC_REG(intid, GICD_IGROUPR)) | 1u << intid % 32);
	}
	gic_set_bit(intid, GICD_ISENABLER);
	dsb();
}

void gic_disable(uint32_t intid)
{
	gic_set_bit(intid, GICD_ICENABLER);
	dsb();
}

void gic_send(uint64_t cpu, uint64_t sgi)
{
	dsb();
	sysreg_write(ICC_SGI1R_EL1, sgi << 24 | 1UL << cpu);
	isb();
}

static void guest_irq_handler(struct guest_frame *frame)
{
	guest_irq_count++;
}

void guest_irq_setup(void)
{
	guest_irq_handlers[INTID_SPI(GUEST_IRQ_LINE)] = guest_irq_handler;
	gic_begin();
	gic_enable(INTID_SPI(GUEST_IRQ_LINE), 0xa0, true);
}

/* --- host side: memory and the GIC --------------------------------------------- */

void arch_vm_setup(struct vm *vm)
{
	uint64_t *root = (uint64_t *)(vm->ram + ARM64_GPA_ROOT), i, block;
	uint64_t *window = (uint64_t *)(vm->ram + ARM64_GPA_WINDOW);

	for (i = 0; i < 4; i++) {
		block = i << 30 | PTE_VALID | PTE_SHARED | PTE_AF;
		if (i == 3)
			block |= PTE_UNCACHED | PTE_PXN | PTE_UXN;
		root[i] = block;
		root[4 + i] = block | PTE_USER | PTE_PXN;
	}
	root[ARM64_WINDOW >> 30] = ARM64_GPA_WINDOW | PTE_TABLE;
	window[0] = (ARM64_GPA_WINDOW + 0x1000) | PTE_TABLE;
}

static struct kvm_device_attr attr_of(uint32_t group, uint64_t attribute, const void *value)
{
	return (struct kvm_device_attr) {
		.group = group, .attr = attribute, .addr = (uint64_t)value,
	};
}

int arm64_set_attr(int fd, uint32_t group, uint64_t attribute, const void *value)
{
	struct kvm_device_attr attr = attr_of(group, attribute, value);

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &attr);
}

int arm64_get_attr(int fd, uint32_t group, uint64_t attribute, void *value)
{
	struct kvm_device_attr attr = attr_of(group, attribute, value);

	return ioctl(fd, KVM_GET_DEVICE_ATTR, &attr);
}

int arm64_has_attr(int fd, uint32_t group, uint64_t attribute)
{
	struct kvm_device_attr attr = attr_of(group, attribute, NULL);

	return ioctl(fd, KVM_HAS_DEVICE_ATTR, &attr);
}

int arm64_irq_line(struct vm *vm, uint32_t type, uint32_t vcpu, uint32_t number, int level)
{
	struct kvm_irq_level line = {
		.irq = type << KVM_ARM_IRQ_TYPE_SHIFT | vcpu << KVM_ARM_IRQ_VCPU_SHIFT | number,
		.level = level,
	};

	return ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

int arch_create_irqchip(int vm_fd, int *device_fd)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	int result = ioctl(vm_fd, KVM_CREATE_DEVICE, &device);

	*device_fd = result ? -1 : (int)device.fd;

	return result;
}

void arch_vm_irqchip(struct vm *vm)
{
	int result = arch_create_irqchip(vm->fd, &vm->irqchip_fd);

	if (result && errno == ENODEV)
		skip("no GICv3 on this host");
	if (result)
		bail("cannot create the vGIC: %s", strerror(errno));
}

int arm64_vgic_place(struct vm *vm)
{
	uint64_t dist = ARM64_GPA_GICD, redist = ARM64_GPA_GICR;

	return arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			      KVM_VGIC_V3_ADDR_TYPE_DIST, &dist) ?:
	       arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			      KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
}

int arm64_vgic_init(struct vm *vm)
{
	uint32_t count = 256;

	return arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &count) ?:
	       arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
			      KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

/* It wants to know all vCPUs before it works. */
void arch_vm_start(struct vm *vm)
{
	if (!(vm->flags & VM_IRQCHIP))
		return;
	/* Tests of bad input may have made that impossible, or have done it. */
	if (arm64_vgic_place(vm) || arm64_vgic_init(vm))
		note("the vGIC cannot be set up: %s", strerror(errno));
}

/* --- host side: features --------------------------------------------------------- */

uint32_t arm64_features = BIT(KVM_ARM_VCPU_PSCI_0_2);

void arm64_need_feature(uint32_t feature, long cap, const char *name)
{
	need_cap(cap, name);
	arm64_features |= BIT(feature);
}

int arm64_try_init(struct vcpu *vcpu, uint32_t features)
{
	struct kvm_vcpu_init init;

	xioctl(vcpu->vm->fd, KVM_ARM_PREFERRED_TARGET, &init);
	init.features[0] = features;

	return ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init);
}

static void vcpu_init(struct vcpu *vcpu)
{
	int feature = KVM_ARM_VCPU_SVE;

	if (arm64_try_init(vcpu, arm64_features))
		bail("KVM_ARM_VCPU_INIT failed: %s", strerror(errno));
	/* That it was done before is EPERM. */
	if (arm64_features & BIT(KVM_ARM_VCPU_SVE) &&
	    ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature) && errno != EPERM)
		bail("KVM_ARM_VCPU_FINALIZE failed: %s", strerror(errno));
}

void arch_vcpu_setup(struct vcpu *vcpu, void (*entry)(u64), u64 argument)
{
	vcpu_init(vcpu);
	reg_set(vcpu, SYS_MAIR, ARM64_MAIR);
	reg_set(vcpu, SYS_TCR, ARM64_TCR);
	reg_set(vcpu, SYS_TTBR0, ARM64_GPA_ROOT);
	reg_set(vcpu, SYS_VBAR, (uint64_t)guest_vectors);
	reg_set(vcpu, SYS_CPACR, ARM64_CPACR);
	reg_set(vcpu, SYS_CNTKCTL, 3);	/* EL0 may read the counters */
	reg_set(vcpu, SYS_SCTLR, ARM64_SCTLR);
	reg_set(vcpu, ARM64_CORE(sp_el1),
		  ARM64_GPA_STACKS + (vcpu->id + 1) * ARM64_STACK_SIZE);
	reg_set(vcpu, ARM64_PSTATE_REG, ARM64_PSTATE);
	reg_set(vcpu, ARM64_PC, (uint64_t)entry);
	reg_set(vcpu, ARM64_X(0), argument);
}

bool arch_vcpu_said(struct vcpu *vcpu, struct said *said)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != ARM64_GPA_SAY ||
	    !run->mmio.is_write)
		return false;
	*said = (struct said) {
		reg_get(vcpu, ARM64_X(0)), reg_get(vcpu, ARM64_X(1)),
		reg_get(vcpu, ARM64_X(2)), reg_get(vcpu, ARM64_X(3)),
	};

	return true;
}

void arch_vcpu_describe(struct vcpu *vcpu)
{
	static const uint64_t ids[] = {
		ARM64_PC, ARM64_PSTATE_REG, ARM64_CORE(sp_el1), ARM64_X(30), ARM64_CORE(elr_el1),
		SYS_ESR, SYS_FAR, SYS_SCTLR,
	};
	struct kvm_run *run = vcpu->run;
	uint64_t value[ARRAY_SIZE(ids)], x[8];
	size_t i;

	if (run->exit_reason == KVM_EXIT_ARM_NISV)
		note("  access without syndrome at 0x%llx, ISS 0x%llx", run->arm_nisv.fault_ipa,
		     run->arm_nisv.esr_iss);
	if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT)
		note("  event %u", run->system_event.type);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		if (reg_try_get(vcpu, ids[i], &value[i]))
			return;
	for (i = 0; i < ARRAY_SIZE(x); i++)
		x[i] = reg_get(vcpu, ARM64_X(i));
#define V(n)	(unsigned long long)(n)
	note("  pc 0x%llx pstate 0x%llx sp 0x%llx lr 0x%llx", V(value[0]), V(value[1]),
	     V(value[2]), V(value[3]));
	note("  elr 0x%llx esr 0x%llx far 0x%llx sctlr 0x%llx", V(value[4]), V(value[5]),
	     V(value[6]), V(value[7]));
	for (i = 0; i < ARRAY_SIZE(x); i += 4)
		note("  x%d 0x%llx 0x%llx 0x%llx 0x%llx", (int)i, V(x[i]), V(x[i + 1]),
		     V(x[i + 2]), V(x[i + 3]));
#undef V
}

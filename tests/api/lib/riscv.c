// SPDX-License-Identifier: GPL-2.0-only
/* riscv: see riscv.h. */
#include <lib/kvm.h>

/* --- guest side: traps ---------------------------------------------------- */

guest_handler guest_handlers[32], guest_irq_handlers[64];
volatile uint64_t guest_trap_value, guest_trap_pc;
struct guest_frame guest_user_frame;
uint64_t guest_ns_per_tick;

/*
 * sscratch is 0 while S-mode runs, and the stack to take traps on while U-mode
 * runs.  A frame is struct guest_frame.
 */
asm(	".pushsection .text\n"
	".option push\n"
	".option norvc\n"
	".altmacro\n"
	".macro each_gpr op, first\n"
	".set number, \\first\n"
	".rept 32 - \\first\n"
	"	one_gpr \\op, %number\n"
	".set number, number + 1\n"
	".endr\n"
	".endm\n"
	".macro one_gpr op, number\n"
	"	\\op x\\number, \\number * 8(sp)\n"
	".endm\n"
	".balign 4\n"
	".globl guest_trap_entry\n"
	"guest_trap_entry:\n"
	"	csrrw sp, sscratch, sp\n"
	"	bnez sp, 1f\n"
	"	csrr sp, sscratch\n"
	"1:	addi sp, sp, -288\n"
	"	sd ra, 8(sp)\n"
	"	each_gpr sd, 3\n"
	"	csrrw t0, sscratch, zero\n"
	"	sd t0, 16(sp)\n"
	"	csrr t0, sepc\n"
	"	csrr t1, sstatus\n"
	"	csrr t2, scause\n"
	"	csrr t3, stval\n"
	"	sd t0, 256(sp)\n"
	"	sd t1, 264(sp)\n"
	"	sd t2, 272(sp)\n"
	"	sd t3, 280(sp)\n"
	"	mv a0, sp\n"
	"	call guest_trap\n"
	"	ld t0, 256(sp)\n"
	"	ld t1, 264(sp)\n"
	"	csrw sepc, t0\n"
	"	csrw sstatus, t1\n"
	"	andi t1, t1, 0x100\n"
	"	bnez t1, 1f\n"
	"	addi t0, sp, 288\n"
	"	csrw sscratch, t0\n"
	"1:	ld ra, 8(sp)\n"
	"	each_gpr ld, 3\n"
	"	ld sp, 16(sp)\n"
	"	sret\n"
	/* uint64_t guest_user(pc, argument, stack) */
	".globl guest_user\n"
	"guest_user:\n"
	"	addi sp, sp, -112\n"
	"	sd ra, 0(sp)\n"
	"	sd s0, 8(sp)\n"
	"	sd s1, 16(sp)\n"
	"	sd s2, 24(sp)\n"
	"	sd s3, 32(sp)\n"
	"	sd s4, 40(sp)\n"
	"	sd s5, 48(sp)\n"
	"	sd s6, 56(sp)\n"
	"	sd s7, 64(sp)\n"
	"	sd s8, 72(sp)\n"
	"	sd s9, 80(sp)\n"
	"	sd s10, 88(sp)\n"
	"	sd s11, 96(sp)\n"
	"	csrw sscratch, sp\n"
	"	csrw sepc, a0\n"
	"	li t0, 0x100\n"
	"	csrc sstatus, t0\n"
	"	mv a0, a1\n"
	"	mv sp, a2\n"
	"	sret\n"
	/* Its return: a0 is the value, a1 the stack it left. */
	"guest_user_end:\n"
	"	mv sp, a1\n"
	"	ld ra, 0(sp)\n"
	"	ld s0, 8(sp)\n"
	"	ld s1, 16(sp)\n"
	"	ld s2, 24(sp)\n"
	"	ld s3, 32(sp)\n"
	"	ld s4, 40(sp)\n"
	"	ld s5, 48(sp)\n"
	"	ld s6, 56(sp)\n"
	"	ld s7, 64(sp)\n"
	"	ld s8, 72(sp)\n"
	"	ld s9, 80(sp)\n"
	"	ld s10, 88(sp)\n"
	"	ld s11, 96(sp)\n"
	"	addi sp, sp, 112\n"
	"	ret\n"
	/* A hart that SBI starts: a0 is its number, a1 its struct guest_start. */
	".globl guest_hart_entry\n"
	"guest_hart_entry:\n"
	".option push\n"
	".option norelax\n"
	"	lla gp, __global_pointer$\n"
	".option pop\n"
	"	addi t0, a0, 1\n"
	"	slli t0, t0, 14\n"
	"	li sp, 0x100000\n"
	"	add sp, sp, t0\n"
	"	lla t0, guest_trap_entry\n"
	"	csrw stvec, t0\n"
	"	csrw sscratch, zero\n"
	"	li t0, (8 << 60) | 1\n"
	"	csrw satp, t0\n"
	"	sfence.vma\n"
	"	ld t0, 0(a1)\n"
	"	ld a0, 8(a1)\n"
	"	jalr t0\n"
	"1:	wfi\n"
	"	j 1b\n"
	".option pop\n"
	".popsection\n");
_Static_assert(sizeof(struct guest_frame) == 288, "the assembler's frame");
_Static_assert(RISCV_GPA_ROOT == 0x1000 && RISCV_GPA_STACKS == 0x100000 &&
	       RISCV_STACK_SIZE == 1 << 14, "the assembler's addresses");
extern char guest_trap_entry[], guest_user_end[];

/* U-mode is over: back to who called guest_user(). */
static void guest_leave_user(struct guest_frame *frame)
{
	guest_user_frame = *frame;
	guest_trap_value = frame->stval;
	guest_trap_pc = frame->sepc;
	frame->sepc = (uint64_t)guest_user_end;
	frame->sstatus |= SSTATUS_SPP;
	frame->x[10] = frame->scause;
	frame->x[11] = (uint64_t)(frame + 1);
}

__attribute__((used)) static void guest_trap(struct guest_frame *frame)
{
	bool interrupt = frame->scause >> 63;
	uint64_t code = frame->scause & ~BIT(63);
	guest_handler handler = NULL;

	if (interrupt)
		handler = guest_irq_handlers[code & 63];
	else if (frame->sstatus & SSTATUS_SPP)
		handler = guest_handlers[code & 31];
	else
		handler = guest_leave_user;
	if (!handler) {
		guest_say4(SAY_TRAP, frame->scause, frame->stval, frame->sepc);
		for (;;)
			;
	}
	handler(frame);
}

/* GUEST_TRY() left the place to go on in t5 and hears the cause in t6. */
static void guest_catch_handler(struct guest_frame *frame)
{
	guest_trap_value = frame->stval;
	guest_trap_pc = frame->sepc;
	frame->x[31] = frame->scause;
	frame->sepc = frame->x[30];
}

void guest_catch(void)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		guest_handlers[i] = guest_catch_handler;
}

/* --- guest side: SBI ------------------------------------------------------ */

struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1,
			   uint64_t arg2, uint64_t arg3, uint64_t arg4, uint64_t arg5)
{
	register uint64_t a0 asm("a0") = arg0;
	register uint64_t a1 asm("a1") = arg1;
	register uint64_t a2 asm("a2") = arg2;
	register uint64_t a3 asm("a3") = arg3;
	register uint64_t a4 asm("a4") = arg4;
	register uint64_t a5 asm("a5") = arg5;
	register uint64_t a6 asm("a6") = function;
	register uint64_t a7 asm("a7") = extension;

	/* All but a0 and a1 are kept: a test would see it if they were not. */
	asm volatile("ecall" : "+r"(a0), "+r"(a1)
		     : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7) : "memory");

	return (struct sbi_result){ (long)a0, (long)a1 };
}

static struct guest_start guest_starts[VM_VCPUS_MAX];

long guest_hart_start(uint64_t hart, void (*entry)(uint64_t), uint64_t argument)
{
	guest_starts[hart].entry = (uint64_t)entry;
	guest_starts[hart].argument = argument;

	return sbi_call3(SBI_HSM, HSM_START, hart, (uint64_t)guest_hart_entry,
			 (uint64_t)&guest_starts[hart]).error;
}

/* --- guest side: the AIA -------------------------------------------------- */

volatile uint64_t guest_irq_count;

void imsic_begin(void)
{
	imsic_write(IMSIC_THRESHOLD, 0);
	imsic_write(IMSIC_DELIVERY, 1);
}

void imsic_enable(uint64_t id)
{
	imsic_set(IMSIC_EIE0 + id / 64 * 2, BIT(id % 64));
}

void aplic_route(uint64_t source, uint32_t mode, uint64_t hart, uint32_t id)
{
	aplic_write(APLIC_SOURCECFG(source), mode);
	aplic_write(APLIC_TARGET(source), hart << 18 | id);
	aplic_write(APLIC_SETIENUM, source);
	aplic_write(APLIC_DOMAINCFG, APLIC_DOMAINCFG_IE);
}

static void guest_irq_handler(struct guest_frame *frame)
{
	while (imsic_claim())
		guest_irq_count++;
}

void guest_irq_setup(void)
{
	guest_irq_handlers[IRQ_EXTERNAL] = guest_irq_handler;
	imsic_begin();
	imsic_enable(GUEST_IRQ_LINE);
	aplic_route(GUEST_IRQ_LINE, APLIC_EDGE_RISE, 0, GUEST_IRQ_LINE);
	csr_set(sie, BIT(IRQ_EXTERNAL));
}

/* --- host side: memory and the AIA ---------------------------------------- */

void arch_vm_setup(struct vm *vm)
{
	uint64_t *root = (uint64_t *)(vm->ram + RISCV_GPA_ROOT), i;
	uint64_t *window = (uint64_t *)(vm->ram + RISCV_GPA_WINDOW);

	for (i = 0; i < 4; i++) {
		root[i] = PTE_OF(i << 30) | PTE_RWX;
		root[4 + i] = PTE_OF(i << 30) | PTE_RWX | PTE_U;
	}
	root[RISCV_WINDOW >> 30] = PTE_OF(RISCV_GPA_WINDOW) | PTE_V;
	window[0] = PTE_OF(RISCV_GPA_WINDOW + 0x1000) | PTE_V;
}

int riscv_aia_set(struct vm *vm, uint32_t group, uint64_t attribute, uint64_t value)
{
	struct kvm_device_attr attr = {
		.group = group, .attr = attribute, .addr = (uint64_t)&value,
	};

	return ioctl(vm->irqchip_fd, KVM_SET_DEVICE_ATTR, &attr);
}

int riscv_aia_get(struct vm *vm, uint32_t group, uint64_t attribute, uint64_t *value)
{
	struct kvm_device_attr attr = {
		.group = group, .attr = attribute, .addr = (uint64_t)value,
	};

	*value = 0;

	return ioctl(vm->irqchip_fd, KVM_GET_DEVICE_ATTR, &attr);
}

int arch_create_irqchip(int vm_fd, int *device_fd)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_RISCV_AIA };
	int result = ioctl(vm_fd, KVM_CREATE_DEVICE, &device);

	*device_fd = result ? -1 : (int)device.fd;

	return result;
}

void arch_vm_irqchip(struct vm *vm)
{
	int result = arch_create_irqchip(vm->fd, &vm->irqchip_fd);

	if (result && errno == ENODEV)
		skip("no AIA on this host");
	if (result)
		bail("cannot create the AIA: %s", strerror(errno));
}

/* The AIA wants to know all harts before it works. */
void arch_vm_start(struct vm *vm)
{
	int i, bad = 0;

	if (!(vm->flags & VM_IRQCHIP))
		return;
	bad |= riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_SRCS,
			     APLIC_SOURCES);
	bad |= riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_IDS,
			     IMSIC_IDS);
	bad |= riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_HART_BITS,
			     4);
	bad |= riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_ADDR_APLIC,
			     RISCV_GPA_APLIC);
	for (i = 0; i < vm->vcpu_count; i++)
		bad |= riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_ADDR,
				     KVM_DEV_RISCV_AIA_ADDR_IMSIC(vm->vcpus[i].id),
				     IMSIC_PAGE(vm->vcpus[i].id));
	bad |= riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CTRL, KVM_DEV_RISCV_AIA_CTRL_INIT, 0);
	/* Tests of bad input may have made that impossible. */
	if (bad)
		note("the AIA cannot be set up: %s", strerror(errno));
}

/* --- host side: extensions ------------------------------------------------ */

bool riscv_has_isa(struct vcpu *vcpu, uint64_t extension)
{
	uint64_t value = 0;

	return !reg_try_get(vcpu, RISCV_REG(U64, ISA_EXT, extension), &value) && value;
}

void riscv_need_isa(struct vcpu *vcpu, uint64_t extension, const char *name)
{
	if (!riscv_has_isa(vcpu, extension))
		skip("no %s", name);
}

void arch_vcpu_setup(struct vcpu *vcpu, void (*entry)(u64), u64 argument)
{
	struct kvm_mp_state mp_state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint64_t gp;

	asm("mv %0, gp" : "=r"(gp));
	reg_set(vcpu, RISCV_PC, (uint64_t)entry);
	reg_set(vcpu, RISCV_MODE, KVM_RISCV_MODE_S);
	reg_set(vcpu, RISCV_CORE(1), 0);
	reg_set(vcpu, RISCV_CORE(2), RISCV_GPA_STACKS + (vcpu->id + 1) * RISCV_STACK_SIZE);
	reg_set(vcpu, RISCV_CORE(3), gp);
	reg_set(vcpu, RISCV_CORE(10), argument);
	reg_set(vcpu, RISCV_CSR(sstatus), 0);
	reg_set(vcpu, RISCV_CSR(sie), 0);
	reg_set(vcpu, RISCV_CSR(stvec), (uint64_t)guest_trap_entry);
	reg_set(vcpu, RISCV_CSR(sscratch), 0);
	reg_set(vcpu, RISCV_CSR(satp), SATP_SV39 | RISCV_GPA_ROOT >> 12);
	xioctl(vcpu->fd, KVM_SET_MP_STATE, &mp_state);
	if (vcpu->vm->ram)
		guest_var(vcpu->vm, guest_ns_per_tick) =
			1000000000 / reg_get(vcpu, RISCV_TIMER(frequency));
}

bool arch_vcpu_said(struct vcpu *vcpu, struct said *said)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != RISCV_GPA_SAY ||
	    !run->mmio.is_write)
		return false;
	*said = (struct said) {
		reg_get(vcpu, RISCV_CORE(10)), reg_get(vcpu, RISCV_CORE(11)),
		reg_get(vcpu, RISCV_CORE(12)), reg_get(vcpu, RISCV_CORE(13)),
	};

	return true;
}

void arch_vcpu_describe(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint64_t x[32], sepc, scause, stval, satp;
	int i;

	if (run->exit_reason == KVM_EXIT_RISCV_SBI)
		note("  SBI call 0x%lx, function %lu", run->riscv_sbi.extension_id,
		     run->riscv_sbi.function_id);
	if (run->exit_reason == KVM_EXIT_RISCV_CSR)
		note("  CSR 0x%lx", run->riscv_csr.csr_num);
	for (i = 0; i < 32; i++)
		if (reg_try_get(vcpu, RISCV_CORE(i), &x[i]))
			return;
	if (reg_try_get(vcpu, RISCV_CSR(sepc), &sepc) ||
	    reg_try_get(vcpu, RISCV_CSR(scause), &scause) ||
	    reg_try_get(vcpu, RISCV_CSR(stval), &stval) ||
	    reg_try_get(vcpu, RISCV_CSR(satp), &satp))
		return;
	note("  pc 0x%llx ra 0x%llx sp 0x%llx", (unsigned long long)x[0],
	     (unsigned long long)x[1], (unsigned long long)x[2]);
	for (i = 10; i < 18; i += 4)
		note("  a%d 0x%llx 0x%llx 0x%llx 0x%llx", i - 10, (unsigned long long)x[i],
		     (unsigned long long)x[i + 1], (unsigned long long)x[i + 2],
		     (unsigned long long)x[i + 3]);
	note("  sepc 0x%llx scause 0x%llx stval 0x%llx satp 0x%llx", (unsigned long long)sepc,
	     (unsigned long long)scause, (unsigned long long)stval, (unsigned long long)satp);
}

// SPDX-License-Identifier: GPL-2.0-only
/* x86: see x86.h. */
#include <lib/kvm.h>

#define SEG_CODE64	0x00af9b000000ffffULL
#define SEG_DATA	0x00cf93000000ffffULL
#define SEG_CODE32	0x00cf9b000000ffffULL
#define SEG_USER_DATA	0x00cff3000000ffffULL
#define SEG_USER_CODE	0x00affb000000ffffULL
#define TSS_SIZE	0x68
#define TSS_STRIDE	0x80

/* --- guest side: traps ---------------------------------------------------------- */

guest_handler guest_handlers[256];
volatile uint64_t guest_trap_error, guest_trap_address;

/* One stub of 16 bytes per vector: error code or 0, vector, common part. */
asm(	".pushsection .text\n"
	".balign 16\n"
	"guest_stubs:\n"
	".set vector, 0\n"
	".rept 256\n"
	".balign 16\n"
	".if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21\n"
	".else\n"
	"	push $0\n"
	".endif\n"
	"	push $vector\n"
	"	jmp guest_stub_common\n"
	".set vector, vector + 1\n"
	".endr\n"
	".balign 16\n"
	"guest_stub_common:\n"
	"	push %rax; push %rcx; push %rdx; push %rbx; push %rbp; push %rsi; push %rdi\n"
	"	push %r8; push %r9; push %r10; push %r11; push %r12; push %r13; push %r14\n"
	"	push %r15\n"
	"	cld\n"
	"	mov %rsp, %rdi\n"
	"	call guest_trap\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %r11; pop %r10; pop %r9; pop %r8\n"
	"	pop %rdi; pop %rsi; pop %rbp; pop %rbx; pop %rdx; pop %rcx; pop %rax\n"
	"	add $16, %rsp\n"
	"	iretq\n"
	".popsection\n");
extern char guest_stubs[];

__attribute__((used)) static void guest_trap(struct guest_frame *frame)
{
	guest_handler handler = guest_handlers[frame->vector & 0xff];

	if (!handler) {
		guest_say4(SAY_TRAP, frame->vector, frame->error, frame->rip);
		for (;;)
			;
	}
	handler(frame);
}

/* GUEST_TRY() left the place to go on in r11 and hears the vector in r10. */
static void guest_catch_handler(struct guest_frame *frame)
{
	guest_trap_error = frame->error;
	guest_trap_address = read_cr2();
	frame->r10 = frame->vector;
	frame->rip = frame->r11;
}

void guest_catch(void)
{
	static const uint8_t vectors[] = { 0, 4, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19 };
	unsigned int i;

	for (i = 0; i < sizeof(vectors); i++)
		guest_handlers[vectors[i]] = guest_catch_handler;
}

/* --- guest side: interrupt controllers ---------------------------------------------- */

bool guest_x2apic;
volatile uint64_t guest_irq_count;

uint32_t apic_read(uint32_t reg)
{
	if (guest_x2apic)
		return rdmsr(0x800 + (reg >> 4));
	return guest_read32(APIC_PAGE + reg);
}

void apic_write(uint32_t reg, uint32_t value)
{
	if (guest_x2apic)
		wrmsr(0x800 + (reg >> 4), value);
	else
		guest_write32(APIC_PAGE + reg, value);
}

void apic_icr(uint32_t dest, uint32_t low)
{
	if (guest_x2apic) {
		wrmsr(0x800 + (APIC_REG_ICR >> 4), (uint64_t)dest << 32 | low);
	} else {
		guest_write32(APIC_PAGE + APIC_REG_ICR2, dest << 24);
		guest_write32(APIC_PAGE + APIC_REG_ICR, low);
	}
}

void apic_enable(bool x2apic)
{
	guest_x2apic = x2apic;
	if (x2apic)
		wrmsr(APIC_BASE_MSR, rdmsr(APIC_BASE_MSR) | 0xc00);
	apic_write(APIC_REG_SPIV, 0x1ff);
}

uint32_t ioapic_read(uint32_t reg)
{
	guest_write32(IOAPIC_PAGE, reg);
	return guest_read32(IOAPIC_PAGE + 0x10);
}

void ioapic_write(uint32_t reg, uint32_t value)
{
	guest_write32(IOAPIC_PAGE, reg);
	guest_write32(IOAPIC_PAGE + 0x10, value);
}

void ioapic_route(uint32_t pin, uint8_t vector, uint32_t bits)
{
	ioapic_write(0x11 + pin * 2, 0);
	ioapic_write(0x10 + pin * 2, vector | bits);
}

static void guest_irq_handler(struct guest_frame *frame)
{
	guest_irq_count++;
	apic_eoi();
}

void pic_disable(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void guest_irq_setup(void)
{
	/* The line is routed to both. */
	pic_disable();
	guest_handlers[0x40] = guest_irq_handler;
	apic_enable(false);
	ioapic_route(GUEST_IRQ_LINE, 0x40, 0);
}

/* --- host side: memory --------------------------------------------------------------- */

int arch_create_irqchip(int vm_fd, int *device_fd)
{
	*device_fd = -1;

	return ioctl(vm_fd, KVM_CREATE_IRQCHIP, 0);
}

void arch_vm_irqchip(struct vm *vm)
{
	xioctl(vm->fd, KVM_CREATE_IRQCHIP, 0);
}

void arch_vm_start(struct vm *vm)
{
}

static void write64(struct vm *vm, u64 gpa, u64 value)
{
	memcpy(vm->ram + gpa, &value, sizeof(value));
}

static void setup_page_tables(struct vm *vm)
{
	u64 i;

	write64(vm, X86_GPA_PML4, X86_GPA_PDPT | 7);
	for (i = 0; i < 4; i++)
		write64(vm, X86_GPA_PDPT + i * 8, (X86_GPA_PD + i * PAGE) | 7);
	for (i = 0; i < 4 * 512; i++)
		write64(vm, X86_GPA_PD + i * 8, i * 2 * MIB | 0x87);
}

static void setup_tables(struct vm *vm)
{
	u64 stub, i;

	write64(vm, X86_GPA_GDT + X86_SEL_CODE, SEG_CODE64);
	write64(vm, X86_GPA_GDT + X86_SEL_DATA, SEG_DATA);
	write64(vm, X86_GPA_GDT + X86_SEL_CODE32, SEG_CODE32);
	write64(vm, X86_GPA_GDT + (X86_SEL_USER_DATA & ~7), SEG_USER_DATA);
	write64(vm, X86_GPA_GDT + (X86_SEL_USER_CODE & ~7), SEG_USER_CODE);
	for (i = 0; i < 256; i++) {
		stub = (u64)guest_stubs + i * 16;
		write64(vm, X86_GPA_IDT + i * 16, (stub & 0xffff) | X86_SEL_CODE << 16 |
			0xee00ULL << 32 | (stub & 0xffff0000) << 32);
		write64(vm, X86_GPA_IDT + i * 16 + 8, stub >> 32);
	}
}

void arch_vm_setup(struct vm *vm)
{
	setup_page_tables(vm);
	setup_tables(vm);
}

/* --- host side: registers --------------------------------------------------------------- */

struct kvm_cpuid2 *x86_supported_cpuid(int vcpu_id)
{
	static struct kvm_cpuid2 *cpuid;
	u32 i, count = 256;

	if (!cpuid) {
		cpuid = calloc(1, sizeof(*cpuid) + count * sizeof(cpuid->entries[0]));
		cpuid->nent = count;
		xioctl(kvm_open(), KVM_GET_SUPPORTED_CPUID, cpuid);
	}
	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 1) {
			entry->ebx = (entry->ebx & 0x00ffffff) | (u32)vcpu_id << 24;
			if (kvm_cap(KVM_CAP_TSC_DEADLINE_TIMER))
				entry->ecx |= BIT(24);
		}
		if (entry->function == 0xb)
			entry->edx = vcpu_id;
	}

	return cpuid;
}

static void set_segment(struct kvm_segment *segment, u16 selector, u8 type, bool code)
{
	*segment = (struct kvm_segment) {
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1,
		.s = 1, .g = 1, .l = code, .db = !code,
	};
}

#define RFLAGS_IF	BIT(9)

/* What comes before the guest has set anything up would be vectors of exceptions. */
static void mask_pic(struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	for (; chip.chip_id <= KVM_IRQCHIP_PIC_SLAVE; chip.chip_id++) {
		if (ioctl(vm->fd, KVM_GET_IRQCHIP, &chip))
			return;
		chip.chip.pic.imr = 0xff;
		xioctl(vm->fd, KVM_SET_IRQCHIP, &chip);
	}
}

/*
 * Guests start with interrupts off, which must not keep the host's own from ending
 * their stay.  An emulator that gets this wrong (ci/lanes.txt) would hang.
 */
static u64 first_rflags(struct vcpu *vcpu)
{
	if (!getenv("LANE_GUEST_IRQS_ON"))
		return 2;
	if (!vcpu->id && (vcpu->vm->flags & VM_IRQCHIP))
		mask_pic(vcpu->vm);

	return 2 | RFLAGS_IF;
}

void arch_vcpu_setup(struct vcpu *vcpu, void (*entry)(u64), u64 argument)
{
	struct kvm_regs regs = {
		.rip	= (u64)entry,
		.rdi	= argument,
		/* As if called: the return address lies on an aligned stack. */
		.rsp	= X86_GPA_STACKS + (vcpu->id + 1) * X86_STACK_SIZE - 8,
		.rflags	= first_rflags(vcpu),
	};
	struct kvm_mp_state mp_state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs sregs;

	xioctl(vcpu->fd, KVM_SET_CPUID2, x86_supported_cpuid(vcpu->id));
	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	sregs.cr0 = 0x80050033;		/* PG AM WP NE ET MP PE */
	sregs.cr3 = X86_GPA_PML4;
	sregs.cr4 = 0x620;		/* OSXMMEXCPT OSFXSR PAE */
	sregs.efer = 0xd01;		/* NXE LMA LME SCE */
	set_segment(&sregs.cs, X86_SEL_CODE, 11, true);
	set_segment(&sregs.ds, X86_SEL_DATA, 3, false);
	sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.ds;
	sregs.tr = (struct kvm_segment) {
		.base = X86_GPA_TSS + vcpu->id * TSS_STRIDE, .limit = TSS_SIZE - 1,
		.selector = X86_SEL_TSS, .type = 11, .present = 1,
	};
	sregs.gdt.base = X86_GPA_GDT;
	sregs.gdt.limit = 0x3f;
	sregs.idt.base = X86_GPA_IDT;
	sregs.idt.limit = 256 * 16 - 1;
	/* The stack of the traps from user mode (RSP0). */
	write64(vcpu->vm, sregs.tr.base + 4, regs.rsp + 8 - X86_STACK_SIZE / 2);
	xioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	xioctl(vcpu->fd, KVM_SET_REGS, &regs);
	if (vcpu->vm->flags & VM_IRQCHIP)
		xioctl(vcpu->fd, KVM_SET_MP_STATE, &mp_state);
}

void x86_real_mode(struct vcpu *vcpu, uint64_t address)
{
	struct kvm_regs regs = { .rip = address, .rsp = 0x6ff0, .rflags = 2 };
	struct kvm_sregs sregs;

	xioctl(vcpu->fd, KVM_SET_CPUID2, x86_supported_cpuid(vcpu->id));
	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	xioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	xioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

int x86_has_xsave(void)
{
	u32 regs[4];

	cpuid(1, 0, regs);

	return !!(regs[2] & BIT(27));
}

int x86_xsave_size(void)
{
	struct kvm_cpuid2 *supported = x86_supported_cpuid(0);
	u32 i, end, size = sizeof(struct kvm_xsave);

	for (i = 0; i < supported->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &supported->entries[i];

		/* One component each: its size, and its offset in the standard format. */
		end = entry->eax + entry->ebx;
		if (entry->function == 0xd && entry->index > 1 && end > size)
			size = end;
	}

	return size;
}

int x86_guest_debug(void)
{
	return KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |
		KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_BLOCKIRQ;
}

struct one_msr {
	struct kvm_msrs		info;
	struct kvm_msr_entry	entry;
};

uint64_t x86_get_msr(struct vcpu *vcpu, uint32_t msr)
{
	struct one_msr one = { .info.nmsrs = 1, .entry.index = msr };

	if (xioctl(vcpu->fd, KVM_GET_MSRS, &one) != 1)
		bail("cannot read MSR 0x%x", msr);
	return one.entry.data;
}

void x86_set_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	struct one_msr one = { .info.nmsrs = 1, .entry.index = msr, .entry.data = value };

	if (xioctl(vcpu->fd, KVM_SET_MSRS, &one) != 1)
		bail("cannot write 0x%llx to MSR 0x%x", (unsigned long long)value, msr);
}

bool arch_vcpu_said(struct vcpu *vcpu, struct said *said)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != X86_SAY_PORT ||
	    run->io.direction != KVM_EXIT_IO_OUT)
		return false;

	xioctl(vcpu->fd, KVM_GET_REGS, &regs);
	*said = (struct said) { regs.rdi, regs.rsi, regs.rdx, regs.rcx };

	return true;
}

void arch_vcpu_describe(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (run->exit_reason == KVM_EXIT_IO)
		note("  port 0x%x, %s, %u times %u bytes", run->io.port,
		     run->io.direction ? "out" : "in", run->io.count, run->io.size);
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return;
	note("  rip 0x%llx rsp 0x%llx rflags 0x%llx", regs.rip, regs.rsp, regs.rflags);
	note("  rax 0x%llx rbx 0x%llx rcx 0x%llx rdx 0x%llx rsi 0x%llx rdi 0x%llx",
	     regs.rax, regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi);
	note("  cr0 0x%llx cr2 0x%llx cr3 0x%llx cr4 0x%llx efer 0x%llx cs 0x%x", sregs.cr0,
	     sregs.cr2, sregs.cr3, sregs.cr4, sregs.efer, sregs.cs.selector);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches in 32-bit protected mode, without paging: by CALL, JMP and IRET, through
 * gates with and without an error code, and one that fails half-way.  Some CPUs do them
 * by themselves in a guest, some leave all of it to the hypervisor.
 */
#include <lib/kvm.h>

#define TABLES		X86_GPA_LOW		/* GDT */
#define GATES		(TABLES + 0x800)	/* IDT */
#define SEGMENTS	(TABLES + 0x1000)	/* TSSs, 0x100 apart */
#define STACKS		(TABLES + 0x4000)	/* 0x100 each */

enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_ABSENT = 0x18, SEL_TASKS = 0x20 };
enum { TASK_MAIN, TASK_CALLED, TASK_GATE, TASK_ERROR, TASK_BROKEN, TASKS };

#define SEL_TASK(number)	(SEL_TASKS + 8 * (number))

extern const char task_code[], task_code_end[];
extern const char task_main[], task_called[], task_gate[], task_error[], task_broken[];
extern const char task_after_int[], task_trap[];

/*
 * At X86_GPA_REAL.  What a task has to say goes to port 0x70, from EAX.  Numbers: the
 * TSS of task N is at 0x21000 + N * 0x100, its descriptor at 0x20020 + N * 8.
 */
asm(	".pushsection .rodata\n"
	".code32\n"
	"task_code:\n"
	"task_main:\n"
	"	lcall $0x28, $0\n"
	"	outl %eax, $0x70\n"		/* as it was */
	"	pushf\n"
	"	pop %eax\n"
	"	and $0x4000, %eax\n"		/* NT */
	"	outl %eax, $0x70\n"
	"	xor %eax, %eax\n"
	"	str %ax\n"
	"	outl %eax, $0x70\n"
	"	movzbl 0x2002d, %eax\n"		/* of the one called: not busy */
	"	outl %eax, $0x70\n"
	"	int $0x30\n"
	"task_after_int:\n"
	"	mov $0x88, %eax\n"
	"	mov %eax, %es\n"		/* #GP, through a gate */
	"	mov $4, %eax\n"
	"	outl %eax, $0x70\n"
	"	ljmp $0x40, $0\n"
	"task_called:\n"
	"	outl %eax, $0x70\n"
	"	pushf\n"
	"	pop %eax\n"
	"	and $0x4000, %eax\n"
	"	outl %eax, $0x70\n"
	"	mov %cr0, %eax\n"
	"	and $8, %eax\n"			/* TS */
	"	outl %eax, $0x70\n"
	"	movzwl 0x21100, %eax\n"		/* the way back */
	"	outl %eax, $0x70\n"
	"	movzbl 0x20025, %eax\n"		/* of the one that called: busy */
	"	outl %eax, $0x70\n"
	"	iret\n"
	"task_gate:\n"
	"	movzwl 0x21200, %eax\n"
	"	outl %eax, $0x70\n"
	"	mov 0x21020, %eax\n"		/* EIP of the one interrupted */
	"	outl %eax, $0x70\n"
	"	iret\n"
	"task_error:\n"
	"	pop %eax\n"
	"	outl %eax, $0x70\n"
	"	addl $2, 0x21020\n"		/* behind the MOV */
	"	iret\n"
	"task_broken:\n"
	"	hlt\n"
	"task_trap:\n"
	"	pop %eax\n"
	"	outl %eax, $0x70\n"
	"	xor %eax, %eax\n"
	"	str %ax\n"
	"	outl %eax, $0x70\n"
	"	movzbl %cs:0x20025, %eax\n"	/* left by JMP: not busy */
	"	outl %eax, $0x70\n"
	"	hlt\n"
	"task_code_end:\n"
	".code64\n"
	".popsection\n");

/* Where code is in the guest. */
static u32 at(const char *label)
{
	return X86_GPA_REAL + (label - task_code);
}

static void put64(struct vm *vm, u64 gpa, u64 value)
{
	memcpy(vm->ram + gpa, &value, sizeof(value));
}

static void set_task(struct vm *vm, int number, const char *start, u32 eax, u16 data)
{
	u64 base = SEGMENTS + number * 0x100;
	u32 *tss = (u32 *)(vm->ram + base);
	int i;

	/* Limit 0x67, available. */
	put64(vm, TABLES + SEL_TASK(number), 0x67 | (base & 0xffffff) << 16 | 0x89ULL << 40);
	tss[8] = at(start);			/* EIP */
	tss[9] = 2;				/* EFLAGS */
	tss[10] = eax;
	tss[14] = STACKS + (number + 1) * 0x100;	/* ESP */
	for (i = 18; i < 24; i++)		/* ES to GS */
		tss[i] = SEL_DATA;
	tss[19] = SEL_CODE;
	tss[21] = data;
}

static void set_gate(struct vm *vm, u8 vector, u16 selector, u32 offset, u8 type)
{
	put64(vm, GATES + vector * 8, (offset & 0xffff) | (u64)selector << 16 |
	      (u64)(0x80 | type) << 40 | (u64)(offset >> 16) << 48);
}

static void set_tables(struct vm *vm)
{
	memcpy(vm->ram + X86_GPA_REAL, task_code, task_code_end - task_code);
	put64(vm, TABLES + SEL_CODE, 0x00cf9b000000ffffULL);
	put64(vm, TABLES + SEL_DATA, 0x00cf93000000ffffULL);
	put64(vm, TABLES + SEL_ABSENT, 0x00cf13000000ffffULL);
	set_task(vm, TASK_MAIN, task_main, 0, SEL_DATA);
	set_task(vm, TASK_CALLED, task_called, 0xb0, SEL_DATA);
	set_task(vm, TASK_GATE, task_gate, 0, SEL_DATA);
	set_task(vm, TASK_ERROR, task_error, 0, SEL_DATA);
	set_task(vm, TASK_BROKEN, task_broken, 0, SEL_ABSENT);
	vm->ram[TABLES + SEL_TASK(TASK_MAIN) + 5] |= 2;		/* it runs: busy */
	set_gate(vm, 0x30, SEL_TASK(TASK_GATE), 0, 5);
	set_gate(vm, 13, SEL_TASK(TASK_ERROR), 0, 5);
	set_gate(vm, 11, SEL_CODE, at(task_trap), 14);
}

static void set_registers(struct vcpu *vcpu)
{
	struct kvm_segment data = { .limit = ~0u, .selector = SEL_DATA, .type = 3, .present = 1,
				    .s = 1, .db = 1, .g = 1 };
	struct kvm_regs regs = { .rip = at(task_main), .rsp = STACKS + 0x100, .rflags = 2,
				 .rax = 0xa0 };
	struct kvm_sregs sregs;

	xioctl(vcpu->fd, KVM_SET_CPUID2, x86_supported_cpuid(vcpu->id));
	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.cs = data;
	sregs.cs.selector = SEL_CODE;
	sregs.cs.type = 11;
	sregs.tr = (struct kvm_segment) { .base = SEGMENTS, .limit = 0x67, .type = 11,
					  .selector = SEL_TASK(TASK_MAIN), .present = 1 };
	sregs.gdt.base = TABLES;
	sregs.gdt.limit = SEL_TASK(TASKS) - 1;
	sregs.idt.base = GATES;
	sregs.idt.limit = 0x31 * 8 - 1;
	sregs.cr0 = 0x11;
	xioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	xioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

static void expect(struct vcpu *vcpu, u32 expected, const char *what)
{
	u32 value = 0;

	if (!vcpu_run_expect(vcpu, KVM_EXIT_IO, what))
		bail("it did not get so far");
	memcpy(&value, (u8 *)vcpu->run + vcpu->run->io.data_offset, sizeof(value));
	report(value == expected, "%s (0x%x)", what, value);
}

TEST(task_switch)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create_bare(vm, 0);

	set_tables(vm);
	set_registers(vcpu);

	expect(vcpu, 0xb0, "CALL: registers are the new task's");
	expect(vcpu, 0x4000, "it is nested");
	expect(vcpu, 8, "CR0.TS is set");
	expect(vcpu, SEL_TASK(TASK_MAIN), "it knows the way back");
	expect(vcpu, 0x8b, "the caller is still busy");
	expect(vcpu, 0xa0, "IRET: registers are what they were");
	expect(vcpu, 0, "nothing is nested any more");
	expect(vcpu, SEL_TASK(TASK_MAIN), "the task register is back");
	expect(vcpu, 0x89, "the callee is no longer busy");
	expect(vcpu, SEL_TASK(TASK_MAIN), "INT through a gate: the way back");
	expect(vcpu, at(task_after_int), "it goes on behind the INT");
	expect(vcpu, 0x88, "#GP through a gate: the error code is on the new stack");
	expect(vcpu, 4, "IRET to another place");
	expect(vcpu, SEL_ABSENT, "JMP to a task with a segment that is absent: #NP");
	expect(vcpu, SEL_TASK(TASK_BROKEN), "raised in the new task");
	expect(vcpu, 0x89, "the old one is no longer busy");
	vcpu_run_expect(vcpu, KVM_EXIT_HLT, "the end");
	vm_destroy(vm);
}

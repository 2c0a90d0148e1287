// SPDX-License-Identifier: GPL-2.0-only
/* Ports: single accesses in real and long mode, strings; HLT without an irqchip. */
#include <lib/kvm.h>

extern const char real_code[], real_code_end[], real_hlt[], real_strings[];

/* Runs at 0:X86_GPA_REAL. */
asm(	".pushsection .rodata\n"
	".code16\n"
	"real_code:\n"
	"	mov $0x3f8, %dx\n"
	"	mov $0x41, %al\n"
	"	outb %al, %dx\n"
	"	mov $0x4243, %ax\n"
	"	outw %ax, $0x80\n"
	"	mov $0x44454647, %eax\n"
	"	outl %eax, $0x84\n"
	"	xor %eax, %eax\n"
	"	inb $0x60, %al\n"
	"	mov %ax, 0x600\n"
	"	inw $0x62, %ax\n"
	"	mov %ax, 0x602\n"
	"	inl $0x64, %eax\n"
	"	mov %eax, 0x604\n"
	"	push %cs\n"
	"	pop %ds\n"
	"	mov %esp, 0x608\n"
	"real_hlt:\n"
	"	hlt\n"
	"	jmp real_hlt\n"
	"real_strings:\n"
	"	cld\n"
	"	xor %ax, %ax\n"
	"	mov %ax, %ds\n"
	"	mov %ax, %es\n"
	"	mov $0x610, %si\n"
	"	mov $5, %cx\n"
	"	mov $0x70, %dx\n"
	"	rep outsb\n"
	"	mov $0x620, %di\n"
	"	mov $3, %cx\n"
	"	rep insw\n"
	"	mov %di, 0x608\n"
	"	mov %cx, 0x60a\n"
	"	std\n"
	"	mov $0x636, %di\n"
	"	mov $2, %cx\n"
	"	rep insl\n"
	"	hlt\n"
	"real_code_end:\n"
	".code64\n"
	".popsection\n");

static struct vm *vm;
static struct vcpu *vcpu;

static void real_vcpu(const char *start)
{
	vm = vm_create(0);
	memcpy(vm->ram + X86_GPA_REAL, real_code, real_code_end - real_code);
	vcpu = vcpu_create_bare(vm, 0);
	x86_real_mode(vcpu, X86_GPA_REAL + (start - real_code));
}

static void *io_data(void)
{
	return (u8 *)vcpu->run + vcpu->run->io.data_offset;
}

static bool io_is(u16 port, u8 size, u32 count, bool out)
{
	struct kvm_run *run = vcpu->run;

	return run->io.port == port && run->io.size == size && run->io.count == count &&
	       run->io.direction == (out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN);
}

static void expect_out(u16 port, u8 size, u32 value)
{
	u32 data = 0;

	vcpu_run_expect(vcpu, KVM_EXIT_IO, "a port exits");
	memcpy(&data, io_data(), size);
	report(io_is(port, size, 1, true) && data == value, "out of %u bytes to 0x%x", size, port);
}

static void expect_in(u16 port, u8 size, u32 value)
{
	vcpu_run_expect(vcpu, KVM_EXIT_IO, "a port exits");
	report(io_is(port, size, 1, false), "in of %u bytes from 0x%x", size, port);
	memcpy(io_data(), &value, size);
}

TEST(real_mode)
{
	struct kvm_regs regs;

	real_vcpu(real_code);
	expect_out(0x3f8, 1, 0x41);
	expect_out(0x80, 2, 0x4243);
	expect_out(0x84, 4, 0x44454647);
	expect_in(0x60, 1, 0xa5);
	expect_in(0x62, 2, 0xb6b7);
	expect_in(0x64, 4, 0xc8c9cacb);
	vcpu_run_expect(vcpu, KVM_EXIT_HLT, "HLT exits where there is no irqchip");
	report(*(u16 *)(vm->ram + 0x600) == 0xa5, "what a byte-wide in reads");
	report(*(u16 *)(vm->ram + 0x602) == 0xb6b7, "what a word-wide in reads");
	report(*(u32 *)(vm->ram + 0x604) == 0xc8c9cacb, "what a long in reads");
	xioctl(vcpu->fd, KVM_GET_REGS, &regs);
	report(regs.rip == X86_GPA_REAL + (u64)(real_hlt - real_code) + 1, "RIP is behind HLT");
	vcpu_run_expect(vcpu, KVM_EXIT_HLT, "and the next round gets to the next one");
	vm_destroy(vm);
}

/* Take @bytes of string output in however many exits; they must be these. */
static void expect_out_string(u16 port, u8 size, const void *bytes, u32 total)
{
	u8 got[4096];
	u32 have = 0;

	while (have < total) {
		int err = vcpu_run(vcpu);
		u32 now = vcpu->run->io.size * vcpu->run->io.count;

		if (err || vcpu->run->exit_reason != KVM_EXIT_IO ||
		    vcpu->run->io.port != port || vcpu->run->io.size != size ||
		    vcpu->run->io.direction != KVM_EXIT_IO_OUT || have + now > total) {
			vcpu_describe(vcpu);
			bail("string output went wrong after %u bytes", have);
		}
		memcpy(got + have, io_data(), now);
		have += now;
	}
	report(!memcmp(got, bytes, total), "string output of %u bytes in units of %u", total, size);
}

static void serve_in_string(u16 port, u8 size, const u8 *bytes, u32 total)
{
	u32 have = 0;

	while (have < total) {
		int err = vcpu_run(vcpu);
		u32 now = vcpu->run->io.size * vcpu->run->io.count;

		if (err || vcpu->run->exit_reason != KVM_EXIT_IO ||
		    vcpu->run->io.port != port || vcpu->run->io.size != size ||
		    vcpu->run->io.direction != KVM_EXIT_IO_IN || have + now > total) {
			vcpu_describe(vcpu);
			bail("string input went wrong after %u bytes", have);
		}
		memcpy(io_data(), bytes + have, now);
		have += now;
	}
}

TEST(real_mode_strings)
{
	static const u8 input[] = { 1, 2, 3, 4, 5, 6 };
	static const u8 longs[] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };

	real_vcpu(real_strings);
	memcpy(vm->ram + 0x610, "Hello", 5);
	expect_out_string(0x70, 1, "Hello", 5);
	serve_in_string(0x70, 2, input, 6);
	serve_in_string(0x70, 4, longs, 8);
	vcpu_run_expect(vcpu, KVM_EXIT_HLT, "to the end");
	report(!memcmp(vm->ram + 0x620, input, 6), "string input arrives");
	report(*(u16 *)(vm->ram + 0x608) == 0x626 && *(u16 *)(vm->ram + 0x60a) == 0,
	       "DI and CX have moved");
	report(!memcmp(vm->ram + 0x636, longs, 4) && !memcmp(vm->ram + 0x632, longs + 4, 4),
	       "backwards as well");
	vm_destroy(vm);
}

/* --- long mode ----------------------------------------------------------------- */

#define STRING_BYTES	3000

static u8 string_source[STRING_BYTES + PAGE];
static u8 string_target[STRING_BYTES + PAGE];

static void guest_strings(u64 argument)
{
	const void *source = string_source;
	void *target = string_target;
	u64 count = STRING_BYTES;

	asm volatile("cld; rep outsb" : "+S"(source), "+c"(count) : "d"(0x70) : "memory");
	GUEST_ASSERT_EQ(count, 0);
	GUEST_ASSERT_EQ(source, string_source + STRING_BYTES);
	count = STRING_BYTES / 4;
	source = string_source;
	asm volatile("rep outsl" : "+S"(source), "+c"(count) : "d"(0x72) : "memory");
	GUEST_ASSERT_EQ(count, 0);
	count = STRING_BYTES / 2;
	asm volatile("rep insw" : "+D"(target), "+c"(count) : "d"(0x74) : "memory");
	GUEST_ASSERT_EQ(count, 0);
	GUEST_ASSERT_EQ(target, string_target + STRING_BYTES);
	/* None at all: nothing happens. */
	asm volatile("rep outsb" : "+S"(source), "+c"(count) : "d"(0x76) : "memory");
	/* One, without a prefix. */
	source = string_source;
	asm volatile("outsb" : "+S"(source) : "d"(0x78) : "memory");
	GUEST_ASSERT_EQ(source, string_source + 1);
	guest_done();
}

TEST(string_io)
{
	u8 bytes[STRING_BYTES];
	int i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_strings, 0);
	for (i = 0; i < STRING_BYTES; i++)
		bytes[i] = i * 7 + i / 256;
	memcpy(guest_var(vm, string_source), bytes, STRING_BYTES);
	expect_out_string(0x70, 1, bytes, STRING_BYTES);
	expect_out_string(0x72, 4, bytes, STRING_BYTES);
	serve_in_string(0x74, 2, bytes, STRING_BYTES);
	expect_out_string(0x78, 1, bytes, 1);
	vcpu_run_done(vcpu);
	report(!memcmp(guest_var(vm, string_target), bytes, STRING_BYTES),
	       "string input of %d bytes arrives", STRING_BYTES);
	vm_destroy(vm);
}

static void guest_ports(u64 argument)
{
	outb(0x80, 0x12);
	outw(0x82, 0x3456);
	outl(0x84, 0x789abcde);
	guest_say(inb(0x90));
	guest_say(inw(0x92));
	guest_say(inl(0x94));
	/* A narrow in keeps the upper part of RAX. */
	u64 rax = 0x1122334455667788;

	asm volatile("inb $0x96, %%al" : "+a"(rax));
	guest_say(rax);
	asm volatile("inl $0x98, %%eax" : "+a"(rax));
	guest_say(rax);
	guest_done();
}

TEST(ports)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_ports, 0);
	expect_out(0x80, 1, 0x12);
	expect_out(0x82, 2, 0x3456);
	expect_out(0x84, 4, 0x789abcde);
	expect_in(0x90, 1, 0xff);
	report(vcpu_run_said(vcpu) == 0xff, "a byte");
	expect_in(0x92, 2, 0xfedc);
	report(vcpu_run_said(vcpu) == 0xfedc, "a word");
	expect_in(0x94, 4, 0x89abcdef);
	report(vcpu_run_said(vcpu) == 0x89abcdef, "a long");
	expect_in(0x96, 1, 0xaa);
	report(vcpu_run_said(vcpu) == 0x11223344556677aa, "a byte keeps the rest of RAX");
	expect_in(0x98, 4, 0xbbbbbbbb);
	report(vcpu_run_said(vcpu) == 0xbbbbbbbb, "a long clears the upper half");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

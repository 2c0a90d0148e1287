// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that touch memory, each once on RAM and once on a device that
 * user space plays as if it were RAM: registers, flags and memory must come out
 * the same.
 */
#include <lib/kvm.h>

#define DEVICE		GPA_MMIO
#define DEVICE_SIZE	256

struct outcome {
	u64	rax, rbx, rcx, rdx, rsi, rdi, flags;
};

#define FORM_FLAGS	0x8d5	/* OF SF ZF AF PF CF */

struct form {
	const char	*text;
	void		(*run)(u64 memory, struct outcome *outcome);
	u32		undefined;	/* flags the manual leaves undefined */
};

/*
 * Each form becomes a function in assembler: loads fixed values, runs the
 * instruction, stores what came out.  rdi: the memory, rsi: struct outcome.
 */
#define FORM_FUNCTION(number, text)						\
	asm(".pushsection .text\n"						\
	    "form_" #number ":\n"						\
	    "	push %rbx; push %r12; push %r13; pushfq\n"			\
	    "	mov %rsi, %r12; mov %rdi, %r13\n"				\
	    "	mov $0x1122334455667788, %rax\n"				\
	    "	mov $0x8070605040302010, %rbx\n"				\
	    "	mov $3, %ecx\n"							\
	    "	mov $0x0102030405060708, %rdx\n"				\
	    "	lea 64(%rdi), %rsi\n"						\
	    "	push $0x202; popfq; cli\n"					\
	    "	cld; clc\n"							\
	    "	" text "\n"							\
	    "	pushfq; pop 48(%r12)\n"						\
	    "	sub %r13, %rsi; sub %r13, %rdi\n"				\
	    "	mov %rax, 0(%r12); mov %rbx, 8(%r12); mov %rcx, 16(%r12)\n"	\
	    "	mov %rdx, 24(%r12); mov %rsi, 32(%r12); mov %rdi, 40(%r12)\n"	\
	    "	popfq; pop %r13; pop %r12; pop %rbx; ret\n"			\
	    ".popsection\n");							\
	extern void form_##number(u64 memory, struct outcome *outcome);

/* What shifts and bit scans leave undefined is not compared. */
#define AF	0x010
#define OF_AF	0x810
#define SZAP	0x0d4
#define OSAPC	0x895

#define FORMS(X)								\
	X(1,  "mov %al, (%rdi)", 0)						\
	X(2,  "mov %bx, 2(%rdi)", 0)						\
	X(3,  "mov %eax, 4(%rdi)", 0)						\
	X(4,  "mov %rbx, 8(%rdi)", 0)						\
	X(5,  "mov (%rdi), %al", 0)						\
	X(6,  "mov 2(%rdi), %bh", 0)						\
	X(7,  "mov 4(%rdi), %ebx", 0)						\
	X(8,  "mov 8(%rdi), %rdx", 0)						\
	X(9,  "movb $0x5a, (%rdi)", 0)						\
	X(10, "movw $0x1234, 2(%rdi)", 0)					\
	X(11, "movl $0x12345678, 4(%rdi)", 0)					\
	X(12, "movq $-2, 8(%rdi)", 0)						\
	X(13, "mov (%rdi,%rcx,4), %eax", 0)					\
	X(14, "mov %ah, 5(%rdi)", 0)						\
	X(15, "movzbl (%rdi), %eax", 0)						\
	X(16, "movzwl (%rdi), %eax", 0)						\
	X(17, "movzbq 1(%rdi), %rbx", 0)					\
	X(18, "movsbl 3(%rdi), %eax", 0)					\
	X(19, "movswq 6(%rdi), %rbx", 0)					\
	X(20, "movslq 4(%rdi), %rdx", 0)					\
	X(21, "movsbw (%rdi), %ax", 0)						\
	X(22, "add %eax, (%rdi)", 0)						\
	X(23, "add (%rdi), %rax", 0)						\
	X(24, "adc $1, %rax; add %bl, 3(%rdi)", 0)				\
	X(25, "stc; adc %rbx, 8(%rdi)", 0)					\
	X(26, "sub %dx, (%rdi)", 0)						\
	X(27, "stc; sbb (%rdi), %ecx", 0)					\
	X(28, "andb $0x0f, 1(%rdi)", AF)						\
	X(29, "andl $0xff00ff, (%rdi)", AF)					\
	X(30, "or %rbx, 8(%rdi)", AF)						\
	X(31, "xorb %al, 4(%rdi)", AF)						\
	X(32, "xor 8(%rdi), %rdx", AF)						\
	X(33, "cmpl $0x4030201, (%rdi)", 0)					\
	X(34, "cmp %rax, (%rdi)", 0)						\
	X(35, "testb $0x80, 7(%rdi)", AF)					\
	X(36, "test %ebx, (%rdi)", AF)						\
	X(37, "incb (%rdi)", 0)							\
	X(38, "incl 4(%rdi)", 0)						\
	X(39, "decq 8(%rdi)", 0)						\
	X(40, "notl (%rdi)", 0)							\
	X(41, "negw 2(%rdi)", 0)						\
	X(42, "xchg %eax, (%rdi)", 0)						\
	X(43, "xchg %bl, 9(%rdi)", 0)						\
	X(44, "lock xadd %ecx, (%rdi)", 0)					\
	X(45, "mov (%rdi), %eax; lock cmpxchg %ebx, (%rdi)", 0)			\
	X(46, "lock cmpxchg %rbx, 8(%rdi)", 0)					\
	X(47, "lock orl $0x10, (%rdi)", AF)					\
	X(48, "lock btsl $5, 4(%rdi)", OF_AF | SZAP)				\
	X(49, "btl $3, (%rdi)", OF_AF | SZAP)					\
	X(50, "btrl %ecx, (%rdi)", OF_AF | SZAP)				\
	X(51, "shll $1, (%rdi)", AF)						\
	X(52, "shrb %cl, 2(%rdi)", OF_AF)					\
	X(53, "sarl $4, 4(%rdi)", OF_AF)					\
	X(54, "roll $8, (%rdi)", 0x800)						\
	X(55, "imull $3, (%rdi), %ebx", SZAP)					\
	X(56, "mulb (%rdi)", SZAP)						\
	X(57, "cmovc (%rdi), %eax", 0)						\
	X(58, "cmovncq 8(%rdi), %rbx", 0)					\
	X(59, "setc (%rdi)", 0)							\
	X(60, "setnc 1(%rdi)", 0)						\
	X(61, "stosb", 0)							\
	X(62, "rep stosl", 0)							\
	X(63, "rep stosq", 0)							\
	X(64, "xchg %rsi, %rdi; rep movsb", 0)					\
	X(65, "rep movsq", 0)							\
	X(66, "movsw", 0)							\
	X(67, "xchg %rsi, %rdi; lodsl", 0)					\
	X(68, "xchg %rsi, %rdi; lodsq", 0)					\
	X(69, "scasb", 0)							\
	X(70, "xor %eax, %eax; mov $60, %ecx; repne scasb", 0)			\
	X(71, "xchg %rsi, %rdi; cmpsl", 0)					\
	X(72, "push (%rdi); pop %rax", 0)					\
	X(73, "push %rbx; pop 16(%rdi)", 0)					\
	X(74, "bswap %eax; movbe (%rdi), %ebx", 0)				\
	X(75, "movbe %rax, 8(%rdi)", 0)						\
	X(76, "movnti %eax, 4(%rdi)", 0)					\
	X(77, "std; lea 16(%rdi), %rdi; rep stosw; cld", 0)			\
	X(78, "movabs 0xd0000008, %al", 0)

#define X(number, text, undefined)	FORM_FUNCTION(number, text)
FORMS(X)
#undef X

static const struct form forms[] = {
#define X(number, text_, undefined_)	\
	[number] = { .text = text_, .run = form_##number, .undefined = undefined_ },
FORMS(X)
#undef X
};

/* The last one names an absolute address: it has no twin in RAM. */
#define FORM_ABSOLUTE	78

static struct outcome on_ram, on_device;
static u64 ram_area[DEVICE_SIZE / 8] __attribute__((aligned(4096)));

static void guest_forms(u64 number)
{
	for (;;) {
		forms[number].run((u64)ram_area, &on_ram);
		forms[number].run(DEVICE, &on_device);
		guest_say(number);
		number++;
	}
}

static void fill(u8 *area)
{
	int i;

	for (i = 0; i < DEVICE_SIZE; i++)
		area[i] = i < 64 ? i * 37 + 1 : 255 - i;
	/* Something for scasb to find. */
	area[50] = 0;
}

/* Play the device until the guest says something; how many accesses it was. */
static int serve(struct vcpu *vcpu, u8 *device)
{
	struct kvm_run *run = vcpu->run;
	int accesses = 0, err;
	u64 value, offset;

	for (;;) {
		err = vcpu_run(vcpu);
		if (err) {
			vcpu_describe(vcpu);
			note("KVM_RUN failed: %s", strerror(-err));
			return -1;
		}
		if (vcpu_said(vcpu, &value))
			return accesses;
		offset = run->mmio.phys_addr - DEVICE;
		if (run->exit_reason != KVM_EXIT_MMIO || offset + run->mmio.len > DEVICE_SIZE) {
			vcpu_describe(vcpu);
			return -1;
		}
		if (run->mmio.is_write)
			memcpy(device + offset, run->mmio.data, run->mmio.len);
		else
			memcpy(run->mmio.data, device + offset, run->mmio.len);
		accesses++;
	}
}

static bool compare(const struct form *form, struct vm *vm, const u8 *device)
{
	struct outcome a = guest_var(vm, on_ram), b = guest_var(vm, on_device);

	a.flags &= FORM_FLAGS & ~form->undefined;
	b.flags &= FORM_FLAGS & ~form->undefined;
	if (form == &forms[FORM_ABSOLUTE])
		return (b.rax & 0xff) == device[8] && b.rax >> 8 == 0x11223344556677;
	if (!memcmp(&a, &b, sizeof(a)) && !memcmp(guest_var(vm, ram_area), device, DEVICE_SIZE))
		return true;

	note("RAM:    rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx flags %llx",
	     (unsigned long long)a.rax, (unsigned long long)a.rbx, (unsigned long long)a.rcx,
	     (unsigned long long)a.rdx, (unsigned long long)a.rsi, (unsigned long long)a.rdi,
	     (unsigned long long)a.flags);
	note("device: rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx flags %llx",
	     (unsigned long long)b.rax, (unsigned long long)b.rbx, (unsigned long long)b.rcx,
	     (unsigned long long)b.rdx, (unsigned long long)b.rsi, (unsigned long long)b.rdi,
	     (unsigned long long)b.flags);

	return false;
}

TEST(mmio_forms)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_forms, 1);
	u8 device[DEVICE_SIZE];
	size_t number;
	int accesses;

	for (number = 1; number < ARRAY_SIZE(forms); number++) {
		fill((u8 *)guest_var(vm, ram_area));
		fill(device);
		accesses = serve(vcpu, device);
		report(accesses > 0 && compare(&forms[number], vm, device), "%s",
		       forms[number].text);
		if (accesses < 0)	/* on with the next one */
			vcpu_enter_at(vcpu, guest_forms, number + 1);
	}
	vm_destroy(vm);
}

/* --- across the edges --------------------------------------------------------- */

#define RAM_END	(GPA_TEST + PAGE)

/* The last bytes of memory and the first ones behind it. */
static void guest_edge(u64 argument)
{
	guest_write32(RAM_END - 2, 0x44332211);
	guest_say(guest_read32(RAM_END - 2));
	guest_write64(DEVICE + PAGE - 3, 0x8877665544332211);
	guest_say(guest_read64(DEVICE + PAGE - 3));
	guest_done();
}

static u64 play_edge(struct vcpu *vcpu, u8 *device, u64 base)
{
	struct kvm_run *run = vcpu->run;
	u64 value;

	for (;;) {
		if (vcpu_run(vcpu) || (!vcpu_said(vcpu, &value) &&
				       run->exit_reason != KVM_EXIT_MMIO)) {
			vcpu_describe(vcpu);
			bail("an access across an edge");
		}
		if (run->exit_reason != KVM_EXIT_MMIO)
			return value;
		if (run->mmio.phys_addr < base || run->mmio.phys_addr + run->mmio.len > base + 32)
			bail("a piece of it at 0x%llx", run->mmio.phys_addr);
		if (run->mmio.is_write)
			memcpy(device + (run->mmio.phys_addr - base), run->mmio.data, run->mmio.len);
		else
			memcpy(run->mmio.data, device + (run->mmio.phys_addr - base), run->mmio.len);
	}
}

TEST(mmio_edges)
{
	struct vm *vm = vm_create(0);
	u8 *memory = vm_add_memory(vm, 8, GPA_TEST, PAGE, 0), device[32] = {};
	struct vcpu *vcpu = vcpu_create(vm, guest_edge, 0);

	report(play_edge(vcpu, device, RAM_END) == 0x44332211, "from memory into a device");
	report(memory[PAGE - 2] == 0x11 && memory[PAGE - 1] == 0x22 && device[0] == 0x33 &&
	       device[1] == 0x44, "each has its part");
	memset(device, 0, sizeof(device));
	report(play_edge(vcpu, device, DEVICE + PAGE - 16) == 0x8877665544332211,
	       "across two pages of a device");
	report(device[13] == 0x11 && device[20] == 0x88, "in the right order");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- code that moves ---------------------------------------------------------------- */

#define WINDOW		0x40000000UL	/* linear; two megabytes */
#define PLACE_A		GPA_TEST
#define PLACE_B		(GPA_TEST + 2 * MIB)

static u32 through_window(u64 place)
{
	volatile u64 *entry = (u64 *)(X86_GPA_PD + WINDOW / (2 * MIB) * 8);
	u64 address = DEVICE, rax = 0x11223344;

	*entry = place | 0x87;
	write_cr3(read_cr3());
	asm volatile("call *%[window]"
		     : "+a" (rax) : "D" (address), [window] "r" (WINDOW) : "memory");

	return rax;
}

/* What is at the window's start takes turns: two places, and then other bytes there. */
static void guest_moving_code(u64 argument)
{
	int i;

	for (i = 0; i < 3; i++) {
		guest_say(through_window(PLACE_A));
		guest_say(through_window(PLACE_B));
	}
	memcpy((u8 *)PLACE_B, "\x88\x47\x05\xc3", 4);		/* mov %al,5(%rdi) */
	guest_say(through_window(PLACE_B));
	guest_done();
}

/* The next access of the guest to the device, and what it says afterwards. */
static u64 expect_access(struct vcpu *vcpu, u64 gpa, u32 len, bool write, u32 data)
{
	struct kvm_run *run = vcpu->run;
	u64 said;

	vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "an access to the device");
	if (run->mmio.phys_addr != gpa || run->mmio.len != len || run->mmio.is_write != write ||
	    (write && memcmp(run->mmio.data, &data, len))) {
		note("0x%llx, %u bytes, write %d", run->mmio.phys_addr, run->mmio.len,
		     run->mmio.is_write);
		return ~0ULL;
	}
	if (!write)
		memcpy(run->mmio.data, &data, len);
	if (vcpu_run(vcpu) || !vcpu_said(vcpu, &said))
		bail("the guest says nothing after its access");

	return said;
}

/*
 * The same address holds another instruction each time, because the guest's tables
 * say so: none may be taken for the one before it.
 */
TEST(mmio_moving_code)
{
	struct vm *vm = vm_create(0);
	u8 *memory = vm_add_memory(vm, 8, GPA_TEST, 4 * MIB, 0);
	struct vcpu *vcpu = vcpu_create(vm, guest_moving_code, 0);
	bool right = true;
	u32 i;

	/* Alike in all that the exit tells: only what is stored says which it was. */
	memcpy(memory, "\x89\x07\xc3", 3);			/* mov %eax,(%rdi) */
	memcpy(memory + 2 * MIB, "\x89\x3f\xc3", 3);		/* mov %edi,(%rdi) */
	for (i = 0; i < 3; i++) {
		right &= expect_access(vcpu, DEVICE, 4, true, 0x11223344) == 0x11223344;
		right &= expect_access(vcpu, DEVICE, 4, true, DEVICE) == 0x11223344;
	}
	report(right, "two instructions at one address");
	report(expect_access(vcpu, DEVICE + 5, 1, true, 0x44) == 0x11223344,
	       "and a third that was written over one of them");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

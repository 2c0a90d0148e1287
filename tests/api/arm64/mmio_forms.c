// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores (Arm ARM, "Loads and stores") to where user space answers: those that
 * the CPU describes (ESR_ELx.ISV), with address, length and data of the exit, the register
 * that is loaded, and what must not change; and those that it does not.
 */
#include <lib/kvm.h>

#define ANSWER		0x8182838485868788ULL
#define STORED		0xf1f2f3f4f5f6f7f8ULL

struct form {
	const char	*name;
	u64		(*run)(u64 address);	/* guest: what was loaded, or whatever */
	u8		len;
	bool		write;
	u64		expected;		/* of a load */
	int		offset;			/* of the access from the address */
};

/* The address is in x0, the data in x1, which is what a load is to fill; x2 is 24. */
#define FORM(name, text)							\
	static u64 form_##name(u64 address)					\
	{									\
		register u64 x0 asm("x0") = address;				\
		register u64 x1 asm("x1") = STORED;				\
		register u64 x2 asm("x2") = 24;					\
										\
		asm volatile(text : "+r"(x0), "+r"(x1), "+r"(x2) : : "memory");	\
		GUEST_ASSERT(x0 == address && x2 == 24);			\
		return x1;							\
	}

FORM(ldrb, "ldrb w1, [x0, #1]")
FORM(ldrsb_w, "ldrsb w1, [x0, #1]")
FORM(ldrsb_x, "ldrsb x1, [x0, #1]")
FORM(ldrh, "ldrh w1, [x0, #2]")
FORM(ldrsh_w, "ldrsh w1, [x0, #2]")
FORM(ldrsh_x, "ldrsh x1, [x0, #2]")
FORM(ldr_w, "ldr w1, [x0, #4]")
FORM(ldrsw, "ldrsw x1, [x0, #4]")
FORM(ldr_x, "ldr x1, [x0, #8]")
FORM(ldr_zero, "ldr wzr, [x0]")
FORM(ldr_sxtw, "ldr w1, [x0, w2, sxtw]")
FORM(ldr_scaled, "ldr x1, [x0, x2, lsl #3]")
FORM(ldurb, "ldurb w1, [x0, #-1]")
FORM(ldur_x, "ldur x1, [x0, #-8]")
FORM(ldtr_w, "ldtr w1, [x0, #4]")
FORM(ldar_w, "ldar w1, [x0]")
FORM(ldarb, "ldarb w1, [x0]")
FORM(strb, "strb w1, [x0, #3]")
FORM(strh, "strh w1, [x0, #2]")
FORM(str_w, "str w1, [x0, #4]")
FORM(str_x, "str x1, [x0, #8]")
FORM(str_scaled, "str w1, [x0, x2, lsl #2]")
FORM(stur_x, "stur x1, [x0, #-8]")
FORM(stlr_x, "stlr x1, [x0]")
FORM(stlrb, "stlrb w1, [x0]")
FORM(far_load, "ldr x1, [x0, #2048]")

#define LOAD(name, len, expected, offset)	{ #name, form_##name, len, false, expected, offset }
#define STORE(name, len, offset)		{ #name, form_##name, len, true, 0, offset }

static const struct form forms[] = {
	LOAD(ldrb, 1, 0x88, 1),
	LOAD(ldrsb_w, 1, 0xffffff88, 1),
	LOAD(ldrsb_x, 1, 0xffffffffffffff88, 1),
	LOAD(ldrh, 2, 0x8788, 2),
	LOAD(ldrsh_w, 2, 0xffff8788, 2),
	LOAD(ldrsh_x, 2, 0xffffffffffff8788, 2),
	LOAD(ldr_w, 4, 0x85868788, 4),
	LOAD(ldrsw, 4, 0xffffffff85868788, 4),
	LOAD(ldr_x, 8, ANSWER, 8),
	LOAD(ldr_zero, 4, STORED, 0),
	LOAD(ldr_sxtw, 4, 0x85868788, 24),
	LOAD(ldr_scaled, 8, ANSWER, 24 * 8),
	LOAD(ldurb, 1, 0x88, -1),
	LOAD(ldur_x, 8, ANSWER, -8),
	LOAD(ldtr_w, 4, 0x85868788, 4),
	LOAD(ldar_w, 4, 0x85868788, 0),
	LOAD(ldarb, 1, 0x88, 0),
	STORE(strb, 1, 3),
	STORE(strh, 2, 2),
	STORE(str_w, 4, 4),
	STORE(str_x, 8, 8),
	STORE(str_scaled, 4, 24 * 4),
	STORE(stur_x, 8, -8),
	STORE(stlr_x, 8, 0),
	STORE(stlrb, 1, 0),
	LOAD(far_load, 8, ANSWER, 2048),
};

static struct vm *vm;
static struct vcpu *vcpu;
static u64 wanted;

/* LDTR is a load of EL0: its mapping, where it is EL0's and EL1's. */
static void guest_forms(u64 argument)
{
	for (;;)
		guest_say(forms[READ_ONCE(wanted)].run(USER_ADDRESS(GPA_MMIO) + 0x1000));
}

static void check_form(u64 number)
{
	const struct form *form = &forms[number];
	u64 answer = ANSWER, got = 0, said;
	struct kvm_run *run = vcpu->run;

	guest_var(vm, wanted) = number;
	if (!vcpu_run_expect(vcpu, KVM_EXIT_MMIO, form->name))
		bail("the other forms have to wait");
	memcpy(&got, run->mmio.data, form->len);
	said = form->write ? STORED & (~0ULL >> (64 - form->len * 8)) : got;
	report(run->mmio.phys_addr == GPA_MMIO + 0x1000 + form->offset &&
	       run->mmio.len == form->len && run->mmio.is_write == form->write && got == said,
	       "%s: address, length, data", form->name);
	memcpy(run->mmio.data, &answer, 8);
	said = vcpu_run_said(vcpu);
	/* The kernel's own extends no sign, as the emulator does not say that there is one. */
	if (in_tree())
		said |= form->expected & (~0ULL << 8) & ~(~0ULL >> (64 - form->len * 8));
	if (!report(form->write || said == form->expected, "%s: the register", form->name))
		note("0x%llx, not 0x%llx", (unsigned long long)said,
		     (unsigned long long)form->expected);
}

/* --- each register -------------------------------------------------------- */

static u64 loaded[32];

/* Load every register but x0 (the address); then store them. */
void guest_each_register(u64 argument);
asm(	".pushsection .text\n"
	".altmacro\n"
	".macro each_other op\n"
	".set number, 1\n"
	".rept 30\n	one_other \\op, %number\n	.set number, number + 1\n .endr\n"
	".endm\n"
	".macro one_other op, number\n	\\op x\\number, [x0, #\\number * 8]\n .endm\n"
	".globl guest_each_register\n"
	"guest_each_register:\n"
	"	mov x0, #0xd0000000\n"
	"	each_other ldr\n"
	"	ldr x0, =loaded\n"
	"	each_other str\n"
	"	mov x0, #0xd0000000\n"
	"	each_other str\n"
	"1:	b 1b\n"
	".ltorg\n"
	".noaltmacro\n"
	".popsection\n");
_Static_assert(GPA_MMIO == 0xd0000000, "the assembler's address");

static void check_registers(void)
{
	struct vm *one = vm_create(0);
	struct vcpu *other = vcpu_create(one, guest_each_register, 0);
	struct kvm_run *run = other->run;
	u64 i, wrong = 0, value;

	for (i = 1; i < 31; i++) {
		if (vcpu_run(other) || run->exit_reason != KVM_EXIT_MMIO)
			bail("register %llu: no MMIO", (unsigned long long)i);
		wrong += run->mmio.is_write || run->mmio.phys_addr != GPA_MMIO + i * 8;
		value = 0x1000 + i;
		memcpy(run->mmio.data, &value, 8);
	}
	report(!wrong, "loads into 30 registers");
	for (i = 1; i < 31; i++) {
		if (vcpu_run(other) || run->exit_reason != KVM_EXIT_MMIO)
			bail("register %llu: no MMIO", (unsigned long long)i);
		memcpy(&value, run->mmio.data, 8);
		wrong += !run->mmio.is_write || value != 0x1000 + i ||
			 guest_var(one, loaded[i]) != 0x1000 + i;
	}
	report(!wrong, "and stores from them, with what was loaded");
	vm_destroy(one);
}

TEST(mmio_forms)
{
	u64 i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_forms, 0);
	for (i = 0; i < ARRAY_SIZE(forms); i++)
		check_form(i);
	check_registers();
	vm_destroy(vm);
}

/* --- mmio_edges ----------------------------------------------------------- */

/* One page of ordinary memory that is none, so that it may be misaligned. */
static void map_window(void)
{
	ARM64_WINDOW_PTE(0) = (GPA_MMIO + 0x3000) | PTE_PAGE | PTE_USER | PTE_PXN;
	guest_flush_tlb();
}

static void guest_misaligned(u64 argument)
{
	map_window();
	guest_say(guest_read32(ARM64_WINDOW + 2));
	guest_write64(ARM64_WINDOW + 5, STORED);
	guest_done();
}

/* User space sees pieces or the whole; together they are all of it. */
static void check_pieces(u64 address, u32 len, bool write, u8 *bytes)
{
	struct kvm_run *run = vcpu->run;
	u32 got = 0;

	while (got < len && !vcpu_run(vcpu) && run->exit_reason == KVM_EXIT_MMIO) {
		u64 offset = run->mmio.phys_addr - address;

		if (run->mmio.is_write != write || offset + run->mmio.len > len)
			break;
		memcpy(write ? bytes + offset : run->mmio.data,
		       write ? run->mmio.data : bytes + offset, run->mmio.len);
		got += run->mmio.len;
	}
	report(got == len, "a misaligned %s of %u bytes", write ? "store" : "load", len);
}

static void check_misaligned(void)
{
	u32 answer = 0x12345678;
	u64 stored = 0;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_misaligned, 0);
	check_pieces(GPA_MMIO + 0x3002, 4, false, (u8 *)&answer);
	report(vcpu_run_said(vcpu) == answer, "its answer arrives");
	check_pieces(GPA_MMIO + 0x3005, 8, true, (u8 *)&stored);
	report(stored == STORED, "all of it");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* In big-endian order: EL0's, so that nothing else is. */
void user_big_endian(u64 address);
asm(	".pushsection .text\n"
	".globl user_big_endian\n"
	"user_big_endian:\n"
	"	ldr w1, [x0]\n"
	"	ldrsh x2, [x0, #4]\n"
	"	mov w3, #0x1122\n"
	"	str w3, [x0, #8]\n"
	"	svc #0\n"
	".popsection\n");

static void guest_big_endian(u64 argument)
{
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | BIT(24));	/* E0E */
	isb();
	guest_user(USER_ADDRESS(user_big_endian), USER_ADDRESS(GPA_MMIO), 0);
	guest_say(guest_user_frame.x[1]);
	guest_say(guest_user_frame.x[2]);
	guest_done();
}

static void check_big_endian(void)
{
	struct kvm_run *run;
	u64 said;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_big_endian, 0);
	run = vcpu->run;
	vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a big-endian load");
	memcpy(run->mmio.data, "\x11\x22\x33\x44", 4);
	vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a signed one");
	memcpy(run->mmio.data, "\x81\x22", 2);
	if (vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a big-endian store"))
		report(!memcmp(run->mmio.data, "\x00\x00\x11\x22", 4), "as it would be in memory");
	report(vcpu_run_said(vcpu) == 0x11223344, "so is what was loaded");
	said = vcpu_run_said(vcpu);
	/* The kernel's own takes the sign from the last byte. */
	report(said == 0xffffffffffff8122 || (in_tree() && (u16)said == 0x8122),
	       "and the sign is the first byte's");
	vm_destroy(vm);
}

TEST(mmio_edges)
{
	check_misaligned();
	check_big_endian();
}

/* --- nisv: what the CPU does not describe ---------------------------------- */

static u64 nisv_after[8];

static void guest_nisv(u64 what)
{
	register u64 x0 asm("x0") = GPA_MMIO + 0x10;
	register u64 x1 asm("x1") = STORED;
	register u64 x2 asm("x2") = STORED;

	switch (what) {
	case 0:
		asm volatile("ldr w1, [x0], #4" : "+r"(x0), "+r"(x1) : : "memory");
		break;
	case 1:
		asm volatile("str x1, [x0, #8]!" : "+r"(x0), "+r"(x1) : : "memory");
		break;
	case 2:
		asm volatile("ldp x1, x2, [x0]" : "+r"(x0), "+r"(x1), "+r"(x2) : : "memory");
		break;
	case 3:
		asm volatile("stp w1, w2, [x0]" : "+r"(x0), "+r"(x1), "+r"(x2) : : "memory");
		break;
	default:
		asm volatile(".arch_extension fp\n\tldr d1, [x0]" : "+r"(x0) : : "memory");
		break;
	}
	nisv_after[0] = x0;
	nisv_after[1] = x1;
	guest_done();
}

static const struct { const char *name; u64 offset; bool write; } nisv_forms[] = {
	{ "a load with post-index", 0, false }, { "a store with pre-index", 8, true },
	{ "a load of a pair", 0, false }, { "a store of a pair", 0, true },
	{ "a load of a SIMD register", 0, false },
};

/* Nobody asked to hear of them: an error, and no more than that. */
static void check_nisv_off(u64 what)
{
	int err;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_nisv, what);
	err = vcpu_run(vcpu);
	report(err == -ENOSYS, "%s: ENOSYS", nisv_forms[what].name);
	report(vcpu_run(vcpu) == -ENOSYS, "and again");
	report(!guest_var(vm, nisv_after[0]), "it is not done halfway");
	vm_destroy(vm);
}

/* User space skips it, or has the guest take an abort. */
static void check_nisv_on(u64 what)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };
	struct kvm_run *run;
	bool write;

	vm = vm_create(0);
	xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	vcpu = vcpu_create(vm, guest_nisv, what);
	run = vcpu->run;
	if (!vcpu_run_expect(vcpu, KVM_EXIT_ARM_NISV, nisv_forms[what].name)) {
		vm_destroy(vm);
		return;
	}
	write = run->arm_nisv.esr_iss & ESR_WNR;
	report(run->arm_nisv.fault_ipa == GPA_MMIO + 0x10 + nisv_forms[what].offset &&
	       write == nisv_forms[what].write && !(run->arm_nisv.esr_iss & BIT(24)),
	       "address and syndrome");
	reg_set(vcpu, ARM64_X(1), 0x99);
	reg_set(vcpu, ARM64_PC, reg_get(vcpu, ARM64_PC) + 4);
	vcpu_run_done(vcpu);
	report(guest_var(vm, nisv_after[0]) == GPA_MMIO + 0x10 &&
	       guest_var(vm, nisv_after[1]) == 0x99, "user space has done it, not the kernel");
	vm_destroy(vm);
}

TEST(mmio_nisv)
{
	u64 i;

	for (i = 0; i < ARRAY_SIZE(nisv_forms); i++)
		check_nisv_off(i);
	need_cap(KVM_CAP_ARM_NISV_TO_USER, "KVM_CAP_ARM_NISV_TO_USER");
	for (i = 0; i < ARRAY_SIZE(nisv_forms); i++)
		check_nisv_on(i);
}

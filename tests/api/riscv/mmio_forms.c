// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every form of load and store (unprivileged ISA: "RV64I", "C", "F", "D", "Zcb") to
 * where user space answers: address, length and data of the exit, the register that
 * is loaded, and what must not change.
 */
#include <lib/kvm.h>

#define ANSWER		0x8182838485868788ULL
#define STORED		0xf1f2f3f4f5f6f7f8ULL

enum need { ALWAYS, FLOAT, ZCB };

struct form {
	const char	*name;
	u64		(*run)(u64 address);	/* guest: what was loaded, or whatever */
	u8		len;
	bool		write;
	u64		expected;		/* of a load */
	int		offset;			/* of the access from the address */
	enum need	need;
};

/*
 * The address is in a0, the data in a1, which is what a load is to fill.  Around it
 * the neighbours have known values.
 */
#define FORM(name, text)							\
	static u64 form_##name(u64 address)					\
	{									\
		register u64 a0 asm("a0") = address;				\
		register u64 a1 asm("a1") = STORED;				\
		register u64 a2 asm("a2") = 0x1234;				\
										\
		asm volatile(text : "+r"(a0), "+r"(a1), "+r"(a2) : : "memory");	\
		GUEST_ASSERT(a0 == address && a2 == 0x1234);			\
		return a1;							\
	}

/* The same with the stack pointer as the base. */
#define STACK_FORM(name, text)							\
	static u64 form_##name(u64 address)					\
	{									\
		register u64 a0 asm("a0") = address;				\
		register u64 a1 asm("a1") = STORED;				\
										\
		asm volatile("mv t0, sp\n\tmv sp, a0\n\t"			\
			     ".option push\n\t.option rvc\n\t" text "\n\t.option pop\n\t" \
			     "mv sp, t0"					\
			     : "+r"(a0), "+r"(a1) : : "t0", "memory");		\
		GUEST_ASSERT(a0 == address);					\
		return a1;							\
	}

/* Through a floating-point register, fa1. */
#define FLOAT_FORM(name, text)							\
	static u64 form_##name(u64 address)					\
	{									\
		register u64 a0 asm("a0") = address;				\
		register u64 a1 asm("a1") = STORED;				\
										\
		csr_set(sstatus, SSTATUS_FS);					\
		asm volatile("fmv.d.x fa1, a1\n\tmv t0, sp\n\t" text		\
			     "\n\tmv sp, t0\n\tfmv.x.d a1, fa1"			\
			     : "+r"(a0), "+r"(a1) : : "t0", "fa1", "memory");	\
		return a1;							\
	}

FORM(lb, "lb a1, 1(a0)")
FORM(lbu, "lbu a1, -1(a0)")
FORM(lh, "lh a1, 2(a0)")
FORM(lhu, "lhu a1, 2(a0)")
FORM(lw, ".option push\n\t.option norvc\n\tlw a1, 4(a0)\n\t.option pop")
FORM(lwu, "lwu a1, 4(a0)")
FORM(ld, ".option push\n\t.option norvc\n\tld a1, 8(a0)\n\t.option pop")
FORM(sb, ".option push\n\t.option norvc\n\tsb a1, 3(a0)\n\t.option pop")
FORM(sh, ".option push\n\t.option norvc\n\tsh a1, 2(a0)\n\t.option pop")
FORM(sw, ".option push\n\t.option norvc\n\tsw a1, 4(a0)\n\t.option pop")
FORM(sd, ".option push\n\t.option norvc\n\tsd a1, 8(a0)\n\t.option pop")
FORM(load_zero, "lw zero, (a0)")
FORM(far_load, "lb a1, 2047(a0)")
FORM(far_store, "sb a1, -2048(a0)")
FORM(c_lw, ".half 0x414c")		/* c.lw a1, 4(a0) */
FORM(c_ld, ".half 0x650c")		/* c.ld a1, 8(a0) */
FORM(c_sw, ".half 0xc14c")		/* c.sw a1, 4(a0) */
FORM(c_sd, ".half 0xe50c")		/* c.sd a1, 8(a0) */
STACK_FORM(c_lwsp, "c.lwsp a1, 12(sp)")
STACK_FORM(c_ldsp, "c.ldsp a1, 16(sp)")
STACK_FORM(c_swsp, "c.swsp a1, 12(sp)")
STACK_FORM(c_sdsp, "c.sdsp a1, 16(sp)")
FLOAT_FORM(flw, "flw fa1, 4(a0)")
FLOAT_FORM(fld, ".option push\n\t.option norvc\n\tfld fa1, 8(a0)\n\t.option pop")
FLOAT_FORM(fsw, "fsw fa1, 4(a0)")
FLOAT_FORM(fsd, ".option push\n\t.option norvc\n\tfsd fa1, 8(a0)\n\t.option pop")
FLOAT_FORM(c_fld, ".half 0x250c")	/* c.fld fa1, 8(a0) */
FLOAT_FORM(c_fsd, ".half 0xa50c")	/* c.fsd fa1, 8(a0) */
FLOAT_FORM(c_fldsp, "mv sp, a0\n\t.half 0x25c2")	/* c.fldsp fa1, 16(sp) */
FLOAT_FORM(c_fsdsp, "mv sp, a0\n\t.half 0xa82e")	/* c.fsdsp fa1, 16(sp) */
FORM(c_lbu, ".half 0x814c")		/* c.lbu a1, 1(a0) */
FORM(c_lhu, ".half 0x852c")		/* c.lhu a1, 2(a0) */
FORM(c_lh, ".half 0x856c")		/* c.lh a1, 2(a0) */
FORM(c_sb, ".half 0x894c")		/* c.sb a1, 1(a0) */
FORM(c_sh, ".half 0x8d2c")		/* c.sh a1, 2(a0) */

#define SIGNED8		0xffffffffffffff88ULL
#define SIGNED16	0xffffffffffff8788ULL
#define SIGNED32	0xffffffff85868788ULL
#define LOAD(name, len, expected, offset, need) \
	{ #name, form_##name, len, false, expected, offset, need }
#define STORE(name, len, offset, need)	\
	{ #name, form_##name, len, true, 0, offset, need }

static const struct form forms[] = {
	LOAD(lb, 1, SIGNED8, 1, ALWAYS),
	LOAD(lbu, 1, 0x88, -1, ALWAYS),
	LOAD(lh, 2, SIGNED16, 2, ALWAYS),
	LOAD(lhu, 2, 0x8788, 2, ALWAYS),
	LOAD(lw, 4, SIGNED32, 4, ALWAYS),
	LOAD(lwu, 4, 0x85868788, 4, ALWAYS),
	LOAD(ld, 8, ANSWER, 8, ALWAYS),
	STORE(sb, 1, 3, ALWAYS),
	STORE(sh, 2, 2, ALWAYS),
	STORE(sw, 4, 4, ALWAYS),
	STORE(sd, 8, 8, ALWAYS),
	LOAD(load_zero, 4, STORED, 0, ALWAYS),
	LOAD(far_load, 1, SIGNED8, 2047, ALWAYS),
	STORE(far_store, 1, -2048, ALWAYS),
	LOAD(c_lw, 4, SIGNED32, 4, ALWAYS),
	LOAD(c_ld, 8, ANSWER, 8, ALWAYS),
	STORE(c_sw, 4, 4, ALWAYS),
	STORE(c_sd, 8, 8, ALWAYS),
	LOAD(c_lwsp, 4, SIGNED32, 12, ALWAYS),
	LOAD(c_ldsp, 8, ANSWER, 16, ALWAYS),
	STORE(c_swsp, 4, 12, ALWAYS),
	STORE(c_sdsp, 8, 16, ALWAYS),
	/* A single-precision value is boxed in ones. */
	LOAD(flw, 4, 0xffffffff85868788ULL, 4, FLOAT),
	LOAD(fld, 8, ANSWER, 8, FLOAT),
	STORE(fsw, 4, 4, FLOAT),
	STORE(fsd, 8, 8, FLOAT),
	LOAD(c_fld, 8, ANSWER, 8, FLOAT),
	STORE(c_fsd, 8, 8, FLOAT),
	LOAD(c_fldsp, 8, ANSWER, 16, FLOAT),
	STORE(c_fsdsp, 8, 16, FLOAT),
	LOAD(c_lbu, 1, 0x88, 1, ZCB),
	LOAD(c_lhu, 2, 0x8788, 2, ZCB),
	LOAD(c_lh, 2, SIGNED16, 2, ZCB),
	STORE(c_sb, 1, 1, ZCB),
	STORE(c_sh, 2, 2, ZCB),
};

static struct vm *vm;
static struct vcpu *vcpu;
static u64 wanted;

static void guest_forms(u64 argument)
{
	for (;;)
		guest_say(forms[READ_ONCE(wanted)].run(GPA_MMIO + 0x1000));
}

/* The kernel's own knows no floating-point form, and none of Zcb. */
static bool in_tree_lacks(const struct form *form)
{
	return in_tree() && form->need != ALWAYS;
}

static void check_form(u64 number)
{
	const struct form *form = &forms[number];
	u64 answer = ANSWER, got = 0, said;
	struct kvm_run *run = vcpu->run;

	if (form->need == ZCB && !riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_ZCB)) {
		note("no Zcb");
		return;
	}
	if (in_tree_lacks(form))
		return;
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
	/* The kernel's own extends no sign. */
	if (in_tree())
		said |= form->expected & (~0ULL << 8) & ~(~0ULL >> (64 - form->len * 8));
	if (!report(form->write || said == form->expected, "%s: the register", form->name))
		note("0x%llx, not 0x%llx", (unsigned long long)said,
		     (unsigned long long)form->expected);
}

/* --- each register -------------------------------------------------------- */

static u64 loaded[32];

/* Load every register but zero, ra, sp, gp and a0 (the address); then store them. */
void guest_each_register(u64 argument);
asm(	".pushsection .text\n"
	".altmacro\n"
	".macro each_other op\n"
	".set number, 5\n"
	".rept 5\n	one_other \\op, %number\n	.set number, number + 1\n .endr\n"
	".set number, 11\n"
	".rept 21\n	one_other \\op, %number\n	.set number, number + 1\n .endr\n"
	".endm\n"
	".macro one_other op, number\n	\\op x\\number, \\number * 8(a0)\n .endm\n"
	".globl guest_each_register\n"
	"guest_each_register:\n"
	"	li a0, 0xd0000000\n"
	"	each_other lwu\n"
	"	la a0, loaded\n"
	"	each_other sd\n"
	"	li a0, 0xd0000000\n"
	"	each_other sd\n"
	"1:	j 1b\n"
	".popsection\n");
_Static_assert(GPA_MMIO == 0xd0000000, "the assembler's address");

static void check_registers(void)
{
	struct vm *one = vm_create(0);
	struct vcpu *other = vcpu_create(one, guest_each_register, 0);
	struct kvm_run *run = other->run;
	u64 i, wrong = 0, value;

	for (i = 5; i < 32; i++) {
		if (i == 10)
			continue;
		if (vcpu_run(other) || run->exit_reason != KVM_EXIT_MMIO)
			bail("register %llu: no MMIO", (unsigned long long)i);
		wrong += run->mmio.is_write || run->mmio.phys_addr != GPA_MMIO + i * 8;
		value = 0x1000 + i;
		memcpy(run->mmio.data, &value, 8);
	}
	report(!wrong, "loads into 26 registers");
	for (i = 5; i < 32; i++) {
		if (i == 10)
			continue;
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

#define PAGE_END	(RISCV_WINDOW + 0x1000)

/* The second page of the window is where user space answers, or both are. */
static void map_window(bool first_is_memory)
{
	RISCV_WINDOW_PTE(0) = PTE_OF(first_is_memory ? RISCV_GPA_LOW : GPA_MMIO + 0x3000) | PTE_RWX;
	RISCV_WINDOW_PTE(1) = PTE_OF(GPA_MMIO) | PTE_RWX;
	sfence_vma();
}

static void guest_edges(u64 argument)
{
	u64 value;

	guest_catch();
	map_window(false);
	switch (argument) {
	case 0:
		guest_say(guest_read32(GPA_MMIO + 2));
		break;
	case 1:
		guest_write64(GPA_MMIO + 5, STORED);
		guest_say(0);
		break;
	case 2:
		value = 0;
		asm volatile("amoadd.w %0, %1, (%2)"
			     : "=r"(value) : "r"(1), "r"(GPA_MMIO) : "memory");
		guest_say(value);
		break;
	case 3:
		asm volatile("lr.w %0, (%1)" : "=r"(value) : "r"(GPA_MMIO) : "memory");
		guest_say(value);
		break;
	/* Code in a page that may be executed only, or through another mapping. */
	case 4:
		guest_write32(RISCV_GPA_LOW, 0x0005a503);	/* lw a0, (a1) */
		guest_write32(RISCV_GPA_LOW + 4, 0x00008067);	/* ret */
		asm volatile("fence.i" : : : "memory");
		RISCV_WINDOW_PTE(0) = PTE_OF(RISCV_GPA_LOW) | PTE_V | PTE_X | PTE_A;
		sfence_vma();
		guest_say(((u64 (*)(u64, u64))RISCV_WINDOW)(0, GPA_MMIO));
		break;
	}
	guest_done();
}

static void check_edge(u64 what)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_edges, what);
}

/*
 * What cannot be emulated ends in an error that user space is told of, or as an access
 * fault in the guest; the machine's own devices do not take it either.
 */
static void check_refused(u64 what, const char *name)
{
	u64 value = 0;
	int err;

	check_edge(what);
	err = vcpu_run(vcpu);
	report(err || vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR ||
	       (vcpu_said(vcpu, &value) && value), "%s is not done halfway", name);
	vm_destroy(vm);
}

/* User space sees pieces or the whole; together they are all of it. */
static void check_misaligned(u64 what, u64 address, u32 len, bool write)
{
	u8 bytes[8], seen[8] = {}, i, got = 0;
	struct kvm_run *run;
	u64 said, expected = 0, value = STORED;

	check_edge(what);
	run = vcpu->run;
	for (i = 0; i < len; i++)
		bytes[i] = 0x10 + i;
	memcpy(&expected, bytes, len);
	while (!vcpu_run(vcpu) && run->exit_reason == KVM_EXIT_MMIO &&
	       run->mmio.phys_addr >= address && run->mmio.phys_addr < address + len) {
		u64 offset = run->mmio.phys_addr - address;

		if (run->mmio.is_write != write || offset + run->mmio.len > len)
			break;
		got += run->mmio.len;
		memcpy(write ? seen + offset : run->mmio.data,
		       write ? run->mmio.data : bytes + offset, run->mmio.len);
	}
	if (!vcpu_said(vcpu, &said)) {
		report(in_tree(), "a misaligned access is emulated");
		vm_destroy(vm);
		return;
	}
	report(got == len && (write ? !memcmp(seen, &value, len) : said == expected),
	       "a misaligned access of %u bytes", len);
	vm_destroy(vm);
}

TEST(mmio_edges)
{
	check_misaligned(0, GPA_MMIO + 2, 4, false);
	check_misaligned(1, GPA_MMIO + 5, 8, true);
	check_refused(2, "an atomic addition");
	check_refused(3, "a load-reserved");
	check_edge(4);
	if (vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a load from code that cannot be read")) {
		memcpy(vcpu->run->mmio.data, &(u64){ 0x77 }, 8);
		report(vcpu_run_said(vcpu) == 0x77, "its answer arrives");
	}
	vm_destroy(vm);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Extensions that a guest has or has not: KVM_REG_RISCV_ISA_EXT. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

static u64 single(u64 extension)
{
	return RISCV_REG(U64, ISA_EXT, extension);
}

static u64 multi(u64 subtype, u64 word)
{
	return RISCV_REG(U64, ISA_EXT, subtype | word);
}

/* A fresh vCPU, not run yet. */
static void begin(void)
{
	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
}

/* --- the registers -------------------------------------------------------- */

static u64 removable_one = KVM_RISCV_ISA_EXT_MAX;

/* Off and on again: for each, this is possible or refused, and nothing in between. */
static void check_single(void)
{
	u64 extension, on = 1, off = 0, value, there = 0, removable = 0, bad = 0, before = 0;

	for (extension = 0; extension <= KVM_RISCV_ISA_EXT_MAX; extension++) {
		if (bad != before)
			note("extension %llu: errno %d", (unsigned long long)extension - 1, errno);
		before = bad;
		if (extension == KVM_RISCV_ISA_EXT_MAX)
			break;
		if (reg_try_get(vcpu, single(extension), &value)) {
			bad += errno != ENOENT && errno != EINVAL;
			/* What the host does not have cannot be given. */
			bad += !reg_try_set(vcpu, single(extension), &on);
			continue;
		}
		/* H cannot be nested, so it is not given.  Others went with what they need. */
		if (!value && reg_try_set(vcpu, single(extension), &on)) {
			bad += errno != EINVAL;
			continue;
		}
		bad += extension == KVM_RISCV_ISA_EXT_H;
		bad += reg_get(vcpu, single(extension)) != 1;
		there++;
		if (reg_try_set(vcpu, single(extension), &off)) {
			bad += errno != EINVAL || reg_get(vcpu, single(extension)) != 1;
			continue;
		}
		removable++;
		removable_one = extension;
		bad += reg_get(vcpu, single(extension)) != 0;
		reg_set(vcpu, single(extension), 1);
		bad += reg_get(vcpu, single(extension)) != 1;
	}
	report(!bad, "%llu extensions, %llu of them can be taken away",
	       (unsigned long long)there, (unsigned long long)removable);
}

static void check_multi(void)
{
	u64 extension, word, mask, wrong = 0, bit;

	for (extension = 0; extension < KVM_RISCV_ISA_EXT_MAX; extension++) {
		word = KVM_REG_RISCV_ISA_MULTI_REG(extension);
		mask = KVM_REG_RISCV_ISA_MULTI_MASK(extension);
		bit = reg_get(vcpu, multi(KVM_REG_RISCV_ISA_MULTI_EN, word)) & mask;
		wrong += !!bit != riscv_has_isa(vcpu, extension);
		/* The complement is about the same bits. */
		bit = reg_get(vcpu, multi(KVM_REG_RISCV_ISA_MULTI_DIS, word)) & mask;
		wrong += !!bit == riscv_has_isa(vcpu, extension);
	}
	report(!wrong, "words of many extensions say the same");
	if (removable_one == KVM_RISCV_ISA_EXT_MAX)
		return;
	word = KVM_REG_RISCV_ISA_MULTI_REG(removable_one);
	mask = KVM_REG_RISCV_ISA_MULTI_MASK(removable_one);
	reg_set(vcpu, multi(KVM_REG_RISCV_ISA_MULTI_DIS, word), mask);
	report(!riscv_has_isa(vcpu, removable_one), "one of them off");
	reg_set(vcpu, multi(KVM_REG_RISCV_ISA_MULTI_EN, word), mask);
	report(riscv_has_isa(vcpu, removable_one), "and on again");
}

static void check_letters(void)
{
	static const struct { char letter; u64 extension; } letters[] = {
		{ 'A', KVM_RISCV_ISA_EXT_A }, { 'C', KVM_RISCV_ISA_EXT_C },
		{ 'D', KVM_RISCV_ISA_EXT_D }, { 'F', KVM_RISCV_ISA_EXT_F },
		{ 'I', KVM_RISCV_ISA_EXT_I }, { 'M', KVM_RISCV_ISA_EXT_M },
		{ 'V', KVM_RISCV_ISA_EXT_V }, { 'H', KVM_RISCV_ISA_EXT_H },
	};
	u64 isa = reg_get(vcpu, RISCV_CONFIG(isa)), i, wrong = 0, more;

	for (i = 0; i < ARRAY_SIZE(letters); i++)
		wrong += !!(isa & BIT(letters[i].letter - 'A')) !=
			 riscv_has_isa(vcpu, letters[i].extension);
	report(!wrong && !(isa & BIT('H' - 'A')), "the letters of misa agree, without H");
	more = isa | BIT('H' - 'A') | BIT('X' - 'A');
	reg_try_set(vcpu, RISCV_CONFIG(isa), &more);
	report(reg_get(vcpu, RISCV_CONFIG(isa)) == isa, "no letter can be added");
	if (!(isa & BIT('V' - 'A')))
		return;
	reg_set(vcpu, RISCV_CONFIG(isa), isa & ~BIT('V' - 'A'));
	report(!riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_V), "V can be taken away by letter");
	reg_set(vcpu, RISCV_CONFIG(isa), isa);
	report(riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_V), "and given back");
}

static void guest_hello(u64 argument)
{
	for (;;)
		guest_say(argument);
}

/* --- what the guest sees of it -------------------------------------------- */

static struct { u64 cause, pc, value; } seen;

static void see(u64 cause)
{
	seen.cause = cause;
	seen.value = guest_trap_value;
	seen.pc = guest_trap_pc;
	guest_say(cause);
}

static void guest_sstc(u64 argument)
{
	guest_catch();
	see(try_csr_write(0x14d, ~0ULL));
}

static void guest_float(u64 argument)
{
	guest_catch();
	csr_set(sstatus, SSTATUS_FS);
	see(GUEST_TRY("fmv.d.x ft0, zero", "r"(0)));
}

static void guest_vector(u64 argument)
{
	guest_catch();
	csr_set(sstatus, SSTATUS_VS);
	/* vsetivli zero, 1, e8, m1, ta, ma */
	see(GUEST_TRY(".word 0xcc00f057", "r"(0)));
}

static u8 block[4096] __attribute__((aligned(4096)));

static void guest_zero_block(u64 argument)
{
	guest_catch();
	block[0] = 1;
	csr_set(0x10a, 0x80);		/* senvcfg.CBZE */
	/* cbo.zero (a0) */
	register u64 a0 asm("a0") = (u64)block;
	see(GUEST_TRY(".word 0x0045200f", "r"(a0)));
}

static void guest_flush_block(u64 argument)
{
	guest_catch();
	csr_set(0x10a, 0x40);		/* senvcfg.CBCFE */
	/* cbo.flush (a0) */
	register u64 a0 asm("a0") = (u64)block;
	see(GUEST_TRY(".word 0x0025200f", "r"(a0)));
}

/* A page that is not cached by its page table entry. */
static void guest_memory_type(u64 argument)
{
	guest_catch();
	RISCV_WINDOW_PTE(0) = PTE_OF(RISCV_GPA_LOW) | PTE_RWX | 1ULL << 61;
	sfence_vma();
	see(GUEST_TRY("ld zero, (%[address])", [address] "r"(RISCV_WINDOW)));
}

/* Sixteen pages by entries that say so. */
static void guest_napot(u64 argument)
{
	u64 i;

	guest_catch();
	for (i = 0; i < 16; i++)
		RISCV_WINDOW_PTE(i) = PTE_OF(RISCV_GPA_LOW | 0x8000) | PTE_RWX | 1ULL << 63;
	sfence_vma();
	see(GUEST_TRY("ld zero, (%[address])", [address] "r"(RISCV_WINDOW)));
}

static void guest_aia(u64 argument)
{
	guest_catch();
	see(try_csr_write(0x150, 0));
}

static void guest_state_enable(u64 argument)
{
	u64 value;

	guest_catch();
	see(try_csr_read(0x10c, &value));
}

static const struct removal {
	u64		extension;
	const char	*name;
	void		(*guest)(u64 argument);
	u64		cause;
	u64		also;		/* an extension that needs it */
	bool		lenient;	/* the kernel's own may not hide it */
} removals[] = {
	{ KVM_RISCV_ISA_EXT_SSTC, "Sstc", guest_sstc, CAUSE_ILLEGAL, ~0ULL },
	{ KVM_RISCV_ISA_EXT_F, "F", guest_float, CAUSE_ILLEGAL, KVM_RISCV_ISA_EXT_D,
	  true },
	{ KVM_RISCV_ISA_EXT_V, "V", guest_vector, CAUSE_ILLEGAL, ~0ULL, true },
	{ KVM_RISCV_ISA_EXT_ZICBOZ, "Zicboz", guest_zero_block, CAUSE_ILLEGAL, ~0ULL },
	{ KVM_RISCV_ISA_EXT_ZICBOM, "Zicbom", guest_flush_block, CAUSE_ILLEGAL, ~0ULL },
	{ KVM_RISCV_ISA_EXT_SVPBMT, "Svpbmt", guest_memory_type, CAUSE_LOAD_PAGE, ~0ULL },
	{ KVM_RISCV_ISA_EXT_SVNAPOT, "Svnapot", guest_napot, CAUSE_LOAD_PAGE, ~0ULL },
	{ KVM_RISCV_ISA_EXT_SSAIA, "Ssaia", guest_aia, CAUSE_ILLEGAL, ~0ULL },
	{ KVM_RISCV_ISA_EXT_SMSTATEEN, "Smstateen", guest_state_enable, CAUSE_ILLEGAL, ~0ULL },
};

static void check_removal(const struct removal *removal)
{
	u64 off = 0;

	begin();
	if (!riscv_has_isa(vcpu, removal->extension)) {
		note("%s: the host does not have it", removal->name);
		vm_destroy(vm);
		return;
	}
	vcpu_enter_at(vcpu, removal->guest, 0);
	vcpu_run_said(vcpu);
	report(guest_var(vm, seen.cause) == CAUSE_NONE, "%s works when the guest has it",
	       removal->name);
	vm_destroy(vm);

	begin();
	if (reg_try_set(vcpu, single(removal->extension), &off) ||
	    (removal->also != ~0ULL && reg_try_set(vcpu, single(removal->also), &off))) {
		report(errno == EINVAL, "%s cannot be taken away", removal->name);
		vm_destroy(vm);
		return;
	}
	vcpu_enter_at(vcpu, removal->guest, 0);
	vcpu_run_said(vcpu);
	report(guest_var(vm, seen.cause) == removal->cause || (in_tree() && removal->lenient),
	       "%s is not there when it was taken away", removal->name);
	note("cause %llu, stval 0x%llx, at 0x%llx", (unsigned long long)guest_var(vm, seen.cause),
	     (unsigned long long)guest_var(vm, seen.value),
	     (unsigned long long)guest_var(vm, seen.pc));
	vm_destroy(vm);
}

TEST(isa_ext)
{
	u64 on = 1, off = 0;
	size_t i;

	begin();
	check_single();
	check_multi();
	check_letters();
	vcpu_enter_at(vcpu, guest_hello, 9);
	vcpu_run_said(vcpu);
	if (riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_SSTC)) {
		report_errno(reg_try_set(vcpu, RISCV_ISA_EXT(SSTC), &off), EBUSY,
			     "nothing changes once it has run");
		report(!reg_try_set(vcpu, RISCV_ISA_EXT(SSTC), &on), "but the same is fine");
	}
	report(vcpu_run_said(vcpu) == 9, "and it goes on");
	vm_destroy(vm);

	for (i = 0; i < ARRAY_SIZE(removals); i++)
		check_removal(&removals[i]);
}

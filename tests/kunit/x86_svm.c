// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the SVM backend can show without a guest: whether it can run here, the format
 * of nested page tables against the manual's bits, the names of exits against the
 * kernel's own list, the tags, the MSR permission maps against the manual's bits, and
 * what a VMCB is after a triple fault.
 */
#include <asm/msr.h>
#include <asm/svm.h>

/* No emulator has firmware that disables SVM, so what VM_CR reads as is made up. */
static u64 double_vm_cr;
static int double_vm_cr_error;

static int double_rdmsrl_safe(unsigned int msr, u64 *value)
{
	if (msr != MSR_VM_CR)
		return rdmsrl_safe(msr, value);
	*value = double_vm_cr;

	return double_vm_cr_error;
}

#define rdmsrl_safe	double_rdmsrl_safe
#include "../../arch/x86/svm/mmu.c"
#include "../../arch/x86/svm/msrmap.c"
#include "../../arch/x86/svm/svm.c"
#undef rdmsrl_safe

#include <linux/ctype.h>

#include "suite.h"

const struct pgtable_format *const suite_arch_formats[] = {
	&npt_formats[0],
	&npt_formats[1],
	NULL
};

/* --- can it run here ---------------------------------------------------------------- */

static int probe_with(u64 vm_cr, int error)
{
	double_vm_cr = vm_cr;
	double_vm_cr_error = error;

	return svm_probe();
}

static void disabled_by_firmware(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, probe_with(0, 0), 0);
	KUNIT_EXPECT_EQ(test, probe_with(SVM_VM_CR_SVM_DIS_MASK, 0), -EACCES);
	KUNIT_EXPECT_EQ(test, probe_with(~0ULL, 0), -EACCES);
	/* Locked, but not off. */
	KUNIT_EXPECT_EQ(test, probe_with(~(u64)SVM_VM_CR_SVM_DIS_MASK, 0), 0);
	/* Emulators leave the register out; a read that failed says nothing. */
	KUNIT_EXPECT_EQ(test, probe_with(~0ULL, -EIO), 0);
	probe_with(0, 0);
}

/* --- entries: APM volume 2, "Long-Mode Page Translation" ---------------------------- */

#define P	BIT_ULL(0)
#define RW	BIT_ULL(1)
#define US	BIT_ULL(2)
#define PWT	BIT_ULL(3)
#define PCD	BIT_ULL(4)
#define A	BIT_ULL(5)
#define D	BIT_ULL(6)
#define PS	BIT_ULL(7)
#define NX	BIT_ULL(63)

static void npt_leaves(struct kunit *test)
{
	static const struct {
		struct mmu_map	map;
		int		level;
		u64		pte;
	} rows[] = {
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_ALL }, 0,
		  0x123456000 | P | RW | US | A | D },
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_READ }, 0,
		  0x123456000 | P | US | A | NX },
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_READ | PROT_GUEST_EXEC }, 0,
		  0x123456000 | P | US | A },
		{ { .hpa = 0x40000000, .order = 9, .prot = PROT_GUEST_ALL }, 1,
		  0x40000000 | P | RW | US | A | D | PS },
		{ { .hpa = 0x40000000, .order = 18, .prot = PROT_GUEST_READ }, 2,
		  0x40000000 | P | US | A | PS | NX },
		{ { .hpa = 0xfe000000, .prot = PROT_GUEST_ALL, .memtype = MEMTYPE_DEVICE }, 0,
		  0xfe000000 | P | RW | US | A | D | PCD | PWT },
		{ { .hpa = 0xffffffffff000, .prot = PROT_GUEST_ALL }, 0,
		  0xffffffffff000 | P | RW | US | A | D },
	};
	const struct pgtable_format *format = &npt_formats[0];
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 pte = format->make_leaf(&rows[i].map, rows[i].level);

		/* Under memory encryption there is one bit more. */
		KUNIT_EXPECT_EQ_MSG(test, __sme_clr(pte), rows[i].pte, "row %d", i);
		KUNIT_EXPECT_EQ(test, format->address(pte, rows[i].level), rows[i].map.hpa);
		KUNIT_EXPECT_EQ(test, format->prot(pte), rows[i].map.prot);
		KUNIT_EXPECT_TRUE(test, format->is_present(pte, rows[i].level));
		KUNIT_EXPECT_TRUE(test, format->is_leaf(pte, rows[i].level));
		KUNIT_EXPECT_FALSE(test, format->is_old(pte));
		KUNIT_EXPECT_TRUE(test, format->is_old(format->make_old(pte)));
		KUNIT_EXPECT_TRUE(test, format->is_present(format->make_old(pte), 0));
	}
}

static void npt_tables(struct kunit *test)
{
	const struct pgtable_format *format = &npt_formats[0];
	u64 pte = format->make_table(0x7777000, 1);

	KUNIT_EXPECT_EQ(test, __sme_clr(pte), 0x7777000 | P | RW | US | A);
	KUNIT_EXPECT_FALSE(test, format->is_leaf(pte, 1));
	KUNIT_EXPECT_EQ(test, format->address(pte, 1), 0x7777000);
	KUNIT_EXPECT_FALSE(test, format->is_present(0, 0));
	/* PAT of a large leaf is bit 12, not address. */
	KUNIT_EXPECT_EQ(test, format->address(0x40001000 | P | PS, 1), 0x40000000);
	KUNIT_EXPECT_EQ(test, pgtable_span(&npt_formats[0]), BIT_ULL(48));
	KUNIT_EXPECT_EQ(test, pgtable_span(&npt_formats[1]), BIT_ULL(57));
}

static void npt_set_prot_keeps_the_rest(struct kunit *test)
{
	const struct pgtable_format *format = &npt_formats[0];
	struct mmu_map map = { .hpa = 0x5000, .prot = PROT_GUEST_ALL };
	u64 pte = format->make_leaf(&map, 0);
	u64 less = format->set_prot(pte, PROT_GUEST_READ);

	KUNIT_EXPECT_EQ(test, format->prot(less), PROT_GUEST_READ);
	KUNIT_EXPECT_EQ(test, format->set_prot(less, PROT_GUEST_ALL), pte);
}

/* --- names of exits --------------------------------------------------------------------- */

static const struct {
	u32		 code;
	const char	*name;
} exit_reasons[] = { SVM_EXIT_REASONS };

/* Where the manual's name, which is ours, is not the kernel's. */
static const struct {
	const char	*ours, *theirs;
} other_names[] = {
	{ "INTR", "interrupt" },
	{ "IOIO", "io" },
	{ "VMMCALL", "hypercall" },
	{ "ERR", "invalid_guest_state" },
	{ "EXCP_DB", "DB excp" },
	{ "EXCP_BP", "BP excp" },
	{ "EXCP_AC", "AC excp" },
	{ "EXCP_MC", "MC excp" },
};

static bool names_match(const char *ours, const char *theirs)
{
	int i;

	if (!strcasecmp(ours, theirs))
		return true;
	for (i = 0; i < ARRAY_SIZE(other_names); i++)
		if (!strcmp(ours, other_names[i].ours))
			return !strcmp(theirs, other_names[i].theirs);

	return false;
}

static void exit_names(struct kunit *test)
{
	int i, named = 0;

	for (i = 0; i < ARRAY_SIZE(exit_reasons); i++) {
		const char *name = svm_exit_name(exit_reasons[i].code);

		if (!strcmp(name, "unknown"))
			continue;
		named++;
		KUNIT_EXPECT_TRUE_MSG(test, names_match(name, exit_reasons[i].name),
				      "0x%x is %s, not %s", exit_reasons[i].code,
				      exit_reasons[i].name, name);
	}
	KUNIT_EXPECT_GE(test, named, 40);
	KUNIT_EXPECT_STREQ(test, svm_exit_name(0x12345), "unknown");
}

/* --- a vCPU with a VMCB, never run -------------------------------------------------------- */

static void vmcb_free_action(void *data)
{
	svm_vmcb_destroy(data);
}

static struct vcpu *vmcb_vcpu(struct kunit *test, struct vm *vm, int id)
{
	struct vcpu *vcpu = suite_vcpu(test, vm, id);

	KUNIT_ASSERT_EQ(test, svm_vmcb_create(vcpu), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vmcb_free_action, vcpu), 0);
	svm_vmcb_reset(vcpu);
	vcpu->arch.valid = X86_ALL;
	vcpu->arch.interrupt = -1;

	return vcpu;
}

/* What svm_vcpu_commit() does about tags, and what the entry is told to flush. */
static u8 tag_for_entry(struct vcpu *vcpu)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;

	control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	svm_tag_check(vcpu);

	return control->tlb_ctl;
}

static void refused_entry(struct vcpu *vcpu)
{
	vcpu->arch.exit.code = (u32)SVM_EXIT_ERR;
	svm_vcpu_fast_exit(vcpu);
}

/* The entry that should have flushed all tags was refused: the next one does it. */
static void tags_after_a_refused_entry(struct kunit *test)
{
	struct vm *vm = suite_vm(test);
	struct vcpu *a = vmcb_vcpu(test, vm, 0), *b = vmcb_vcpu(test, vm, 1);
	u8 rollover, next, again, after;
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_write(svm_cpu.next_asid, svm_caps.asids);
	rollover = tag_for_entry(a);
	refused_entry(a);
	next = tag_for_entry(b);
	again = tag_for_entry(b);
	after = tag_for_entry(a);
	local_irq_restore(flags);

	KUNIT_EXPECT_EQ(test, rollover, TLB_CONTROL_FLUSH_ALL_ASID);
	KUNIT_EXPECT_EQ(test, next, TLB_CONTROL_FLUSH_ALL_ASID);
	KUNIT_EXPECT_EQ(test, again, TLB_CONTROL_DO_NOTHING);
	KUNIT_EXPECT_EQ(test, after, TLB_CONTROL_DO_NOTHING);
	KUNIT_EXPECT_NE(test, svm_vmcb(a)->control.asid, svm_vmcb(b)->control.asid);
}

/* The flush of this vCPU alone may be lost in the same way. */
static void tag_of_a_refused_entry(struct kunit *test)
{
	struct vcpu *vcpu = vmcb_vcpu(test, suite_vm(test), 0);
	unsigned long flags;
	u8 next;

	local_irq_save(flags);
	tag_for_entry(vcpu);
	vcpu->arch.svm.flush = true;
	tag_for_entry(vcpu);
	refused_entry(vcpu);
	next = tag_for_entry(vcpu);
	local_irq_restore(flags);

	KUNIT_EXPECT_EQ(test, next, TLB_CONTROL_FLUSH_ALL_ASID);
}

/* An entry with @event, as commit, the CPU and after_enter deal with it. */
static void entry_with(struct vcpu *vcpu, const struct x86_event *event, u32 exit_code,
		       u32 exit_int_info)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;
	unsigned long flags;

	vcpu->arch.events.injected = *event;
	svm_x86_inject(vcpu, event);
	control->exit_code = exit_code;
	control->exit_int_info = exit_int_info;
	local_irq_save(flags);
	svm_vcpu_after_enter(vcpu);
	local_irq_restore(flags);
}

static void event_of_a_refused_entry(struct kunit *test)
{
	static const struct x86_event interrupt = {
		.type = X86_EVENT_INTERRUPT, .vector = 0x31,
	};
	static const struct x86_event nmi = { .type = X86_EVENT_NMI, .vector = X86_TRAP_NMI };
	/* Left from an exit before. */
	const u32 stale = SVM_EXITINTINFO_VALID | SVM_EXITINTINFO_TYPE_INTR | 0x45;
	struct vcpu *vcpu = vmcb_vcpu(test, suite_vm(test), 0);
	struct x86_events *events = &vcpu->arch.events;

	entry_with(vcpu, &interrupt, SVM_EXIT_ERR, stale);
	KUNIT_EXPECT_MEMEQ(test, &events->injected, &interrupt, sizeof(interrupt));
	KUNIT_EXPECT_EQ(test, svm_vmcb(vcpu)->control.event_inj, 0);
	KUNIT_EXPECT_TRUE(test, events->check);
	entry_with(vcpu, &nmi, SVM_EXIT_ERR, stale);
	KUNIT_EXPECT_MEMEQ(test, &events->injected, &nmi, sizeof(nmi));
	KUNIT_EXPECT_FALSE(test, vcpu->arch.state.nmi_blocked);
	/* One that was not refused has delivered it. */
	entry_with(vcpu, &nmi, SVM_EXIT_CPUID, 0);
	KUNIT_EXPECT_EQ(test, events->injected.type, X86_EVENT_NONE);
	KUNIT_EXPECT_TRUE(test, vcpu->arch.state.nmi_blocked);
}

static void vmcb_after_shutdown(struct kunit *test)
{
	struct vcpu *vcpu = vmcb_vcpu(test, suite_vm(test), 0);

	svm_x86_window(vcpu, X86_WINDOW_INTERRUPT, true);
	vcpu->arch.events.window_interrupt = true;
	vcpu->arch.events.window_nmi = true;
	vcpu->arch.exit.code = SVM_EXIT_SHUTDOWN;
	mutex_lock(&vcpu->mutex);
	KUNIT_EXPECT_EQ(test, svm_vcpu_handle_exit(vcpu), EXIT_TO_USER);
	mutex_unlock(&vcpu->mutex);
	KUNIT_EXPECT_EQ(test, vcpu->run->exit_reason, KVM_EXIT_SHUTDOWN);
	KUNIT_EXPECT_FALSE(test, svm_intercepted(vcpu, INTERCEPT_VINTR));
	KUNIT_EXPECT_FALSE(test, vcpu->arch.events.window_interrupt);
	KUNIT_EXPECT_FALSE(test, vcpu->arch.events.window_nmi);
	KUNIT_EXPECT_TRUE(test, vcpu->arch.events.check);
	/* Its CPUID, which is none, does not have it. */
	KUNIT_EXPECT_TRUE(test, svm_intercepted(vcpu, INTERCEPT_RDTSCP));
	KUNIT_EXPECT_EQ(test, vcpu->arch.dirty, X86_ALL);
}

/* --- MSR permission maps: APM volume 2, "MSR Intercepts" ------------------------------ */

#define MSRMAP_BITS	(2 * PAGE_SIZE * 8)

static void msrmap_clear(unsigned long *map, u32 bit, bool read, bool write)
{
	if (read)
		__clear_bit(bit, map);
	if (write)
		__clear_bit(bit + 1, map);
}

/* What a guest is to reach, by numbers: all else exits. */
static void msrmap_expected(unsigned long *map, u8 passed)
{
	static const u32 low[] = { 0x174, 0x175, 0x176 };	/* SYSENTER_* */
	/* STAR to SFMASK; FS, GS and kernel GS base. */
	static const u32 high[] = { 0x81, 0x82, 0x83, 0x84, 0x100, 0x101, 0x102 };
	int i;

	bitmap_fill(map, MSRMAP_BITS);
	for (i = 0; i < ARRAY_SIZE(low); i++)
		msrmap_clear(map, 2 * low[i], true, true);
	for (i = 0; i < ARRAY_SIZE(high); i++)
		msrmap_clear(map, 0x800 * 8 + 2 * high[i], true, true);
	if (passed & X86_PASS_SPEC_CTRL)
		msrmap_clear(map, 2 * 0x48, true, true);
	if (passed & X86_PASS_PRED_CMD)
		msrmap_clear(map, 2 * 0x49, false, true);
	if (passed & X86_PASS_FLUSH_CMD)
		msrmap_clear(map, 2 * 0x10b, false, true);
}

static void expect_msrmaps(struct kunit *test, unsigned long *buffer)
{
	int passed;

	for (passed = 0; passed < X86_PASS_SETS; passed++) {
		msrmap_expected(buffer, passed);
		KUNIT_EXPECT_TRUE_MSG(test, bitmap_equal(svm_msrmaps[passed], buffer, MSRMAP_BITS),
				      "passed 0x%x", passed);
	}
}

static u64 vmcb_msrmap(struct vcpu *vcpu)
{
	return __sme_clr(svm_vmcb(vcpu)->control.msrpm_base_pa);
}

static void expect_passed(struct kunit *test, struct vcpu *vcpu, u8 passed)
{
	KUNIT_EXPECT_EQ(test, vcpu->arch.msr_passed, passed);
	KUNIT_EXPECT_EQ(test, vmcb_msrmap(vcpu), __pa(svm_msrmaps[passed]));
	KUNIT_EXPECT_EQ(test, vcpu->arch.svm.spec_ctrl_live, !!(passed & X86_PASS_SPEC_CTRL));
}

/* One vCPU comes to differ from another: it changes maps, and no map changes. */
static void msrmaps_of_two_vcpus(struct kunit *test)
{
	unsigned long *buffer = kunit_kzalloc(test, MSRMAP_BITS / 8, GFP_KERNEL);
	struct vm *vm = suite_vm(test);
	struct vcpu *a = vmcb_vcpu(test, vm, 0), *b = vmcb_vcpu(test, vm, 1);

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	expect_msrmaps(test, buffer);
	expect_passed(test, a, 0);
	expect_passed(test, b, 0);

	/* IBPB by its CPUID, then SPEC_CTRL by use. */
	a->arch.cpuid.word[X86_FEATURE_SPEC_CTRL / 32] |= BIT(X86_FEATURE_SPEC_CTRL % 32);
	svm_vmcb(a)->control.clean = SVM_CLEAN_ALL;
	svm_vmcb(b)->control.clean = SVM_CLEAN_ALL;
	x86_msr_intercepts(a);
	expect_passed(test, a, X86_PASS_PRED_CMD);
	KUNIT_EXPECT_FALSE(test, svm_vmcb(a)->control.clean & SVM_CLEAN_PERMISSIONS);
	a->arch.msr_passed |= X86_PASS_SPEC_CTRL;
	svm_x86_msr_pass(a);
	expect_passed(test, a, X86_PASS_PRED_CMD | X86_PASS_SPEC_CTRL);
	/* A VMCB from nothing, as after a triple fault, has not forgotten. */
	svm_vmcb_reset(a);
	expect_passed(test, a, X86_PASS_PRED_CMD | X86_PASS_SPEC_CTRL);

	expect_passed(test, b, 0);
	KUNIT_EXPECT_TRUE(test, svm_vmcb(b)->control.clean & SVM_CLEAN_PERMISSIONS);
	expect_msrmaps(test, buffer);

	/* And back, by a CPUID without it and a value of zero. */
	a->arch.cpuid.word[X86_FEATURE_SPEC_CTRL / 32] = 0;
	x86_msr_intercepts(a);
	expect_passed(test, a, 0);
}

static void msrmap_bits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0), 0);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0x1fff), 0x3ffe);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0x2000), -1);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0xbfffffff), -1);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0xc0000000), 0x4000);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0xc0001fff), 0x7ffe);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0xc0010000), 0x8000);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0xc0011fff), 0xbffe);
	KUNIT_EXPECT_EQ(test, svm_msrmap_bit(0xc0012000), -1);
	KUNIT_EXPECT_EQ(test, svm_msrmap_pa(X86_PASS_SETS), svm_msrmap_pa(0));
}

static struct kunit_case x86_svm_cases[] = {
	KUNIT_CASE(disabled_by_firmware),
	KUNIT_CASE(npt_leaves),
	KUNIT_CASE(npt_tables),
	KUNIT_CASE(npt_set_prot_keeps_the_rest),
	KUNIT_CASE(exit_names),
	KUNIT_CASE(tags_after_a_refused_entry),
	KUNIT_CASE(tag_of_a_refused_entry),
	KUNIT_CASE(event_of_a_refused_entry),
	KUNIT_CASE(vmcb_after_shutdown),
	KUNIT_CASE(msrmap_bits),
	KUNIT_CASE(msrmaps_of_two_vcpus),
	{ }
};

static struct kunit_suite x86_svm_suite = {
	.name		= "x86_svm",
	.test_cases	= x86_svm_cases,
};

kunit_test_suite(x86_svm_suite);

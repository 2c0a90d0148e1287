// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CPUID can offer a guest on this host: one row per leaf, with the bits that
 * may pass, the word of the kernel's own feature flags that can veto them, and the
 * bits that are there whatever the CPU says, because software provides them.  Made
 * once at load.  A guest's actual CPUID is in cpuid.c.
 *
 * Not offered, although CPUs have them: SVM and VMX (no nesting), MONITOR (would
 * idle the CPU unseen), the PMU, SMX, SGX, AMX, MPX, CET, TSX, Processor Trace,
 * resource control, WAITPKG, bus-lock detection, thread and core counts (the VMM
 * makes the topology).
 */
#include <linux/kvm_para.h>
#include <linux/math.h>
#include <linux/sched/stat.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include "cpuid.h"

/* An XSAVE area begins with these. */
#define XSTATE_LEGACY_SIZE	512
#define XSTATE_HEADER_SIZE	64

#define WORD_NONE	0xff		/* the kernel keeps no flags for this register */
/* Leaf 0x80000021 EAX: this word in all kernels that have it. */
#define WORD_8000_0021	20

/* The bit of a feature in its register; wrong words do not build. */
#define F(word, feature)	\
	((u32)(BIT((feature) % 32) + BUILD_BUG_ON_ZERO((feature) / 32 != (word))))

#define F1D(name)	F(CPUID_1_EDX, X86_FEATURE_##name)
#define F1C(name)	F(CPUID_1_ECX, X86_FEATURE_##name)
#define F7B(name)	F(CPUID_7_0_EBX, X86_FEATURE_##name)
#define F7C(name)	F(CPUID_7_ECX, X86_FEATURE_##name)
#define F7D(name)	F(CPUID_7_EDX, X86_FEATURE_##name)
#define FXD(name)	F(CPUID_8000_0001_EDX, X86_FEATURE_##name)
#define FXC(name)	F(CPUID_8000_0001_ECX, X86_FEATURE_##name)
#define F8B(name)	F(CPUID_8000_0008_EBX, X86_FEATURE_##name)
#define FDA(name)	F(CPUID_D_1_EAX, X86_FEATURE_##name)

/* Leaf 0x80000001 EDX repeats these of leaf 1 on AMD CPUs. */
#define MASK_BASE	(F1D(FPU) | F1D(VME) | F1D(DE) | F1D(PSE) | F1D(TSC) | F1D(MSR) | \
			 F1D(PAE) | F1D(MCE) | F1D(CX8) | F1D(APIC) | F1D(MTRR) | F1D(PGE) | \
			 F1D(MCA) | F1D(CMOV) | F1D(PAT) | F1D(PSE36) | F1D(MMX) | F1D(FXSR))
/* Served by software: no matter what the host's kernel does with its own. */
#define MASK_SOFTWARE	(F1D(MSR) | F1D(APIC) | F1D(MCE) | F1D(MCA) | F1D(MTRR) | F1D(PAT))

#define MASK_1_EDX	(MASK_BASE | F1D(SEP) | F1D(CLFLUSH) | F1D(XMM) | F1D(XMM2))
#define MASK_1_ECX	(F1C(XMM3) | F1C(PCLMULQDQ) | F1C(SSSE3) | F1C(FMA) | F1C(CX16) | \
			 F1C(PCID) | F1C(XMM4_1) | F1C(XMM4_2) | F1C(MOVBE) | F1C(POPCNT) | \
			 F1C(AES) | F1C(XSAVE) | F1C(AVX) | F1C(F16C) | F1C(RDRAND))
#define MASK_7_EBX	(F7B(FSGSBASE) | F7B(BMI1) | F7B(AVX2) | F7B(FDP_EXCPTN_ONLY) | \
			 F7B(SMEP) | F7B(BMI2) | F7B(ERMS) | F7B(INVPCID) | \
			 F7B(ZERO_FCS_FDS) | F7B(AVX512F) | F7B(AVX512DQ) | F7B(RDSEED) | \
			 F7B(ADX) | F7B(SMAP) | F7B(AVX512IFMA) | F7B(CLFLUSHOPT) | \
			 F7B(CLWB) | F7B(AVX512CD) | F7B(SHA_NI) | F7B(AVX512BW) | \
			 F7B(AVX512VL))
#define MASK_7_ECX	(F7C(AVX512VBMI) | F7C(UMIP) | F7C(PKU) | F7C(AVX512_VBMI2) | \
			 F7C(GFNI) | F7C(VAES) | F7C(VPCLMULQDQ) | F7C(AVX512_VNNI) | \
			 F7C(AVX512_BITALG) | F7C(AVX512_VPOPCNTDQ) | F7C(LA57) | F7C(RDPID) | \
			 F7C(CLDEMOTE) | F7C(MOVDIRI) | F7C(MOVDIR64B))
#define MASK_7_EDX	(F7D(FSRM) | F7D(AVX512_VP2INTERSECT) | F7D(MD_CLEAR) | F7D(SERIALIZE) | \
			 F7D(AVX512_FP16) | F7D(SPEC_CTRL) | F7D(INTEL_STIBP) | \
			 F7D(FLUSH_L1D) | F7D(ARCH_CAPABILITIES) | F7D(SPEC_CTRL_SSBD))
/*
 * AVX-VNNI, AVX512-BF16, CMPCCXADD, FZRM, FSRS, FSRC, AVX-IFMA; then, in EDX,
 * AVX-VNNI-INT8, AVX-NE-CONVERT, PREFETCHI.  Not all kernels have names for them.
 */
#define MASK_71_EAX	(BIT(4) | BIT(5) | BIT(7) | BIT(10) | BIT(11) | BIT(12) | BIT(23))
#define MASK_71_EDX	(BIT(4) | BIT(5) | BIT(14))
#define MASK_72_EDX	BIT(5)			/* MCDT_NO */
#define MASK_D1_EAX	(FDA(XSAVEOPT) | FDA(XSAVEC) | FDA(XGETBV1) | FDA(XSAVES))
#define MASK_X1_EDX	(MASK_BASE | FXD(SYSCALL) | FXD(NX) | FXD(MMXEXT) | FXD(FXSR_OPT) | \
			 FXD(GBPAGES) | FXD(RDTSCP) | FXD(LM) | FXD(3DNOWEXT) | FXD(3DNOW))
#define MASK_X1_ECX	(FXC(LAHF_LM) | FXC(CMP_LEGACY) | FXC(CR8_LEGACY) | FXC(ABM) | FXC(SSE4A) | \
			 FXC(MISALIGNSSE) | FXC(3DNOWPREFETCH) | FXC(XOP) | FXC(FMA4) | \
			 FXC(TBM) | FXC(TOPOEXT))
/*
 * IBRS_ALWAYS (16), IBRS_PREFERRED (18), IBRS_SAME_MODE (19) and PSFD (28) do not
 * have names in all kernels.
 */
#define MASK_X8_EBX	(F8B(CLZERO) | F8B(XSAVEERPTR) | F8B(WBNOINVD) | F8B(AMD_IBPB) | \
			 F8B(AMD_IBRS) | F8B(AMD_STIBP) | BIT(16) | \
			 F8B(AMD_STIBP_ALWAYS_ON) | BIT(18) | BIT(19) | F8B(AMD_SSBD) | \
			 F8B(AMD_SSB_NO) | BIT(28) | F8B(BTC_NO) | F8B(AMD_IBPB_RET))
/*
 * No nested data breakpoints, LFENCE serializes, VERW clears, null selector clears
 * the base, Automatic IBRS, prefetch of instructions, SBPB, IBPB clears branch
 * types, SRSO_NO, SRSO only across user and kernel; then, in ECX, TSA_SQ_NO and
 * TSA_L1_NO.
 */
#define MASK_X21_EAX	(BIT(0) | BIT(2) | BIT(5) | BIT(6) | BIT(8) | BIT(20) | BIT(27) | \
			 BIT(28) | BIT(29) | BIT(30))
#define MASK_X21_ECX	(BIT(1) | BIT(2))

#define PV_FEATURES	(BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) | \
			 BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_STEAL_TIME) | \
			 BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_PV_SEND_IPI) | \
			 BIT(KVM_FEATURE_PV_SCHED_YIELD) | \
			 BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT))

struct kvm_cpuid_entry2 cpuid_supported[CPUID_SUPPORTED_MAX];
int cpuid_supported_count;
u32 cpuid_supported_words[X86_CPUID_WORDS];
struct cpuid_xstate cpuid_xstates[CPUID_XSTATES];

#define WORD(word_, reg_, function_, index_)	\
	{ .word = (word_), .reg = (reg_), .function = (function_), .index = (index_) }

const struct cpuid_word cpuid_words[] = {
	WORD(CPUID_1_EDX, CPUID_EDX, 1, 0),
	{ .word = CPUID_1_ECX, .reg = CPUID_ECX, .function = 1,
	  .emulated = F1C(TSC_DEADLINE_TIMER) },
	WORD(CPUID_6_EAX, CPUID_EAX, 6, 0),
	WORD(CPUID_7_0_EBX, CPUID_EBX, 7, 0),
	WORD(CPUID_7_ECX, CPUID_ECX, 7, 0),
	WORD(CPUID_7_EDX, CPUID_EDX, 7, 0),
	WORD(CPUID_7_1_EAX, CPUID_EAX, 7, 1),
	WORD(CPUID_D_1_EAX, CPUID_EAX, 0xd, 1),
	WORD(CPUID_8000_0001_EDX, CPUID_EDX, 0x80000001, 0),
	WORD(CPUID_8000_0001_ECX, CPUID_ECX, 0x80000001, 0),
	WORD(CPUID_8000_0007_EBX, CPUID_EBX, 0x80000007, 0),
	WORD(CPUID_8000_0008_EBX, CPUID_EBX, 0x80000008, 0),
	WORD(WORD_8000_0021, CPUID_EAX, 0x80000021, 0),
};

const int cpuid_words_count = ARRAY_SIZE(cpuid_words);

static_assert(NCAPINTS <= X86_CPUID_WORDS);

/* --- rows -------------------------------------------------------------------- */

enum {
	LEAF_AMD	= BIT(0),	/* only where the CPU calls itself so */
	LEAF_INTEL	= BIT(1),
	LEAF_INDEXED	= BIT(2),
	LEAF_ALWAYS	= BIT(3),	/* also if the CPU's list of leaves ends before */
};

struct cpuid_leaf {
	u32	function;
	u32	index;
	u32	flags;
	struct {
		u32	pass;
		u32	force;
		u8	word;		/* of the kernel's flags, or WORD_NONE */
	}	reg[4];
	/* What masks cannot say.  May add entries after this one. */
	void	(*finish)(struct kvm_cpuid_entry2 *entry);
};

#define RAW(mask)		{ .pass = (mask), .word = WORD_NONE }
#define BITS(word_, mask)	{ .pass = (mask), .word = (word_) }
#define BITS_AND(word_, mask, force_)	\
	{ .pass = (mask), .word = (word_), .force = (force_) }
#define ALL			RAW(~0u)
#define NONE			RAW(0)

static void finish_limit(struct kvm_cpuid_entry2 *entry);
static void finish_extended_limit(struct kvm_cpuid_entry2 *entry);
static void finish_caches(struct kvm_cpuid_entry2 *entry);
static void finish_features(struct kvm_cpuid_entry2 *entry);
static void finish_xstate(struct kvm_cpuid_entry2 *entry);
static void finish_xsave(struct kvm_cpuid_entry2 *entry);
static void finish_signature(struct kvm_cpuid_entry2 *entry);
static void finish_pv(struct kvm_cpuid_entry2 *entry);
static void finish_power(struct kvm_cpuid_entry2 *entry);
static void finish_addresses(struct kvm_cpuid_entry2 *entry);

static const struct cpuid_leaf leaves[] = {
	{ 0, 0, 0, { ALL, ALL, ALL, ALL }, finish_limit },
	{ 1, 0, 0, { ALL, RAW(0xff00),
		     BITS_AND(CPUID_1_ECX, MASK_1_ECX, F1C(X2APIC) | F1C(HYPERVISOR)),
		     BITS_AND(CPUID_1_EDX, MASK_1_EDX, MASK_SOFTWARE) } },
	{ 2, 0, LEAF_INTEL, { ALL, ALL, ALL, ALL } },
	{ 4, 0, LEAF_INTEL | LEAF_INDEXED, { NONE, NONE, NONE, NONE }, finish_caches },
	{ 5, 0, 0, { NONE, NONE, NONE, NONE } },
	/* The timer of the local APIC is software: it never stops (ARAT). */
	{ 6, 0, 0, { BITS_AND(CPUID_6_EAX, 0, F(CPUID_6_EAX, X86_FEATURE_ARAT)), NONE, NONE, NONE } },
	{ 7, 0, LEAF_INDEXED, { ALL,
		     BITS_AND(CPUID_7_0_EBX, MASK_7_EBX, F7B(TSC_ADJUST)),
		     BITS(CPUID_7_ECX, MASK_7_ECX), BITS(CPUID_7_EDX, MASK_7_EDX) },
		     finish_features },
	{ 7, 1, LEAF_INDEXED, { RAW(MASK_71_EAX), NONE, NONE, RAW(MASK_71_EDX) } },
	{ 7, 2, LEAF_INDEXED, { NONE, NONE, NONE, RAW(MASK_72_EDX) } },
	{ 0xa, 0, 0, { NONE, NONE, NONE, NONE } },
	{ 0xb, 0, LEAF_INDEXED, { NONE, NONE, NONE, NONE } },
	{ 0xd, 0, LEAF_INDEXED, { NONE, NONE, NONE, NONE }, finish_xstate },
	{ 0xd, 1, LEAF_INDEXED, { BITS(CPUID_D_1_EAX, MASK_D1_EAX), NONE, NONE, NONE },
		     finish_xsave },
	{ 0x14, 0, LEAF_INTEL | LEAF_INDEXED, { NONE, NONE, NONE, NONE } },
	{ 0x1f, 0, LEAF_INDEXED, { NONE, NONE, NONE, NONE } },
	{ KVM_CPUID_SIGNATURE, 0, LEAF_ALWAYS, { NONE, NONE, NONE, NONE }, finish_signature },
	{ KVM_CPUID_FEATURES, 0, LEAF_ALWAYS,
		     { BITS_AND(WORD_NONE, 0, PV_FEATURES), NONE, NONE, NONE }, finish_pv },
	{ 0x80000000, 0, 0, { ALL, ALL, ALL, ALL }, finish_extended_limit },
	{ 0x80000001, 0, 0, { ALL, RAW(0xf000ffff),
		     BITS(CPUID_8000_0001_ECX, MASK_X1_ECX),
		     BITS(CPUID_8000_0001_EDX, MASK_X1_EDX) } },
	{ 0x80000002, 0, 0, { ALL, ALL, ALL, ALL } },
	{ 0x80000003, 0, 0, { ALL, ALL, ALL, ALL } },
	{ 0x80000004, 0, 0, { ALL, ALL, ALL, ALL } },
	{ 0x80000005, 0, LEAF_ALWAYS, { ALL, ALL, ALL, ALL } },
	{ 0x80000006, 0, LEAF_ALWAYS, { ALL, ALL, ALL, ALL } },
	{ 0x80000007, 0, 0, { NONE, NONE, NONE, RAW(BIT(8)) }, finish_power },
	{ 0x80000008, 0, LEAF_ALWAYS, { RAW(0xffff), BITS(CPUID_8000_0008_EBX, MASK_X8_EBX),
		     NONE, NONE }, finish_addresses },
	{ 0x8000000a, 0, LEAF_AMD, { NONE, NONE, NONE, NONE } },
	{ 0x80000019, 0, LEAF_AMD, { ALL, ALL, NONE, NONE } },
	{ 0x8000001a, 0, LEAF_AMD, { ALL, NONE, NONE, NONE } },
	{ 0x8000001d, 0, LEAF_AMD | LEAF_INDEXED | LEAF_ALWAYS,
		     { NONE, NONE, NONE, NONE }, finish_caches },
	{ 0x8000001e, 0, LEAF_AMD | LEAF_ALWAYS, { NONE, NONE, NONE, NONE } },
	{ 0x8000001f, 0, LEAF_AMD, { NONE, NONE, NONE, NONE } },
	{ 0x80000021, 0, LEAF_AMD, { RAW(MASK_X21_EAX), NONE, RAW(MASK_X21_ECX), NONE } },
};

/* The last leaves that a guest is told of, whatever the CPU has beyond. */
#define LIMIT_BASIC		0x1f
#define LIMIT_EXTENDED_AMD	0x80000021
/* VMMs for AMD CPUs look for this one, on CPUs too old for it as well. */
#define LIMIT_EXTENDED_AMD_MIN	0x8000001e
#define LIMIT_EXTENDED		0x80000008

static bool host_is_amd(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
		boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
}

static bool leaf_exists(u32 function)
{
	u32 base = function & 0xffff0000;

	return function <= cpuid_eax(base) && cpuid_eax(base) - base < 0x10000;
}

static struct kvm_cpuid_entry2 *entry_add(u32 function, u32 index, bool indexed)
{
	struct kvm_cpuid_entry2 *entry;

	if (WARN_ON_ONCE(cpuid_supported_count == CPUID_SUPPORTED_MAX))
		return &cpuid_supported[CPUID_SUPPORTED_MAX - 1];

	entry = &cpuid_supported[cpuid_supported_count++];
	*entry = (struct kvm_cpuid_entry2) {
		.function = function,
		.index = index,
		.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
	};
	if (leaf_exists(function))
		cpuid_count(function, index, &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);

	return entry;
}

static void entry_clear(struct kvm_cpuid_entry2 *entry)
{
	entry->eax = 0;
	entry->ebx = 0;
	entry->ecx = 0;
	entry->edx = 0;
}

/* --- what masks cannot say --------------------------------------------------- */

static void finish_limit(struct kvm_cpuid_entry2 *entry)
{
	entry->eax = min_t(u32, entry->eax, LIMIT_BASIC);
}

static void finish_extended_limit(struct kvm_cpuid_entry2 *entry)
{
	if (host_is_amd())
		entry->eax = clamp(entry->eax, (u32)LIMIT_EXTENDED_AMD_MIN,
				   (u32)LIMIT_EXTENDED_AMD);
	else
		entry->eax = LIMIT_EXTENDED;
}

/* Who shares a cache is topology: a cache of one thread, until the VMM says more. */
#define CACHE_SHARED	0xffffc000
#define CACHES_MAX	8

static void finish_caches(struct kvm_cpuid_entry2 *entry)
{
	u32 function = entry->function;
	int i;

	if (!leaf_exists(function) ||
	    (function == 0x8000001d && !boot_cpu_has(X86_FEATURE_TOPOEXT)))
		return;

	cpuid_count(function, 0, &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);
	entry->eax &= ~CACHE_SHARED;
	/* The last one is of type 0 and is there for those who count. */
	for (i = 1; i < CACHES_MAX && (entry->eax & 0x1f); i++) {
		entry = entry_add(function, i, true);
		entry->eax &= ~CACHE_SHARED;
	}
}

static void finish_features(struct kvm_cpuid_entry2 *entry)
{
	entry->eax = min(entry->eax, 2u);
	if (!x86_host.has_pku)
		entry->ecx &= ~F7C(PKU);
}

static void xstate_learn(void)
{
	u32 ecx, edx;
	int i;

	cpuid_xstates[0] = cpuid_xstates[1] = (struct cpuid_xstate) {};
	for (i = 2; i < CPUID_XSTATES; i++) {
		struct cpuid_xstate *xstate = &cpuid_xstates[i];

		*xstate = (struct cpuid_xstate) {};
		if (!(x86_host.xcr0_offered & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &xstate->size, &xstate->offset, &ecx, &edx);
		xstate->aligned = ecx & BIT(1);
	}
}

u32 cpuid_xstate_size(u64 components, bool compacted)
{
	u32 size = XSTATE_LEGACY_SIZE + XSTATE_HEADER_SIZE;
	int i;

	for (i = 2; i < CPUID_XSTATES; i++) {
		const struct cpuid_xstate *xstate = &cpuid_xstates[i];

		if (!(components & BIT_ULL(i)))
			continue;
		if (!compacted) {
			size = max(size, xstate->offset + xstate->size);
			continue;
		}
		if (xstate->aligned)
			size = round_up(size, 64);
		size += xstate->size;
	}

	return size;
}

/* EBX is of the guest's XCR0, and answered when it asks. */
static void finish_xstate(struct kvm_cpuid_entry2 *entry)
{
	if (!x86_host.xcr0)
		return;
	xstate_learn();
	entry->eax = x86_host.xcr0_offered;
	entry->edx = x86_host.xcr0_offered >> 32;
	entry->ebx = cpuid_xstate_size(x86_host.xcr0_offered, false);
	entry->ecx = entry->ebx;
}

/* No component of IA32_XSS is offered.  A subleaf per component follows. */
static void finish_xsave(struct kvm_cpuid_entry2 *entry)
{
	int i;

	if (!x86_host.xcr0) {
		entry_clear(entry);
		return;
	}
	if (entry->eax & (FDA(XSAVEC) | FDA(XSAVES)))
		entry->ebx = cpuid_xstate_size(x86_host.xcr0_offered, true);
	for (i = 2; i < CPUID_XSTATES; i++) {
		if (!(x86_host.xcr0_offered & BIT_ULL(i)))
			continue;
		entry = entry_add(0xd, i, true);
		entry->ecx &= BIT(1);
		entry->edx = 0;
	}
}

static void finish_signature(struct kvm_cpuid_entry2 *entry)
{
	static const char signature[12] = "KVMKVMKVM\0\0";

	entry->eax = KVM_CPUID_FEATURES;
	memcpy(&entry->ebx, signature, 4);
	memcpy(&entry->ecx, signature + 4, 4);
	memcpy(&entry->edx, signature + 8, 4);
}

static void finish_pv(struct kvm_cpuid_entry2 *entry)
{
	if (!sched_info_on())
		entry->eax &= ~BIT(KVM_FEATURE_STEAL_TIME);
}

/* Invariant TSC: only if the host itself trusts it. */
static void finish_power(struct kvm_cpuid_entry2 *entry)
{
	if (!boot_cpu_has(X86_FEATURE_CONSTANT_TSC) || !boot_cpu_has(X86_FEATURE_NONSTOP_TSC) ||
	    check_tsc_unstable())
		entry->edx &= ~BIT(8);
}

/* Second-stage tables as deep as the host's own reach no further than 48 bits. */
static void finish_addresses(struct kvm_cpuid_entry2 *entry)
{
	u32 physical = entry->eax & 0xff, linear = entry->eax >> 8 & 0xff;

	if (!physical)
		physical = 36;
	if (!linear)
		linear = 48;
	if (!boot_cpu_has(X86_FEATURE_LA57)) {
		physical = min(physical, 48u);
		linear = min(linear, 48u);
	}
	entry->eax = linear << 8 | physical;
}

/* --- making the list --------------------------------------------------------- */

static u32 leaf_reg(const struct cpuid_leaf *leaf, int reg, u32 value)
{
	u8 word = leaf->reg[reg].word;

	value &= leaf->reg[reg].pass;
	if (word != WORD_NONE)
		value &= boot_cpu_data.x86_capability[word];

	return value | leaf->reg[reg].force;
}

static bool leaf_offered(const struct cpuid_leaf *leaf)
{
	if ((leaf->flags & LEAF_AMD) && !host_is_amd())
		return false;
	if ((leaf->flags & LEAF_INTEL) && host_is_amd())
		return false;

	return (leaf->flags & LEAF_ALWAYS) || leaf_exists(leaf->function);
}

static void leaf_add(const struct cpuid_leaf *leaf)
{
	struct kvm_cpuid_entry2 *entry;

	entry = entry_add(leaf->function, leaf->index, leaf->flags & LEAF_INDEXED);
	entry->eax = leaf_reg(leaf, CPUID_EAX, entry->eax);
	entry->ebx = leaf_reg(leaf, CPUID_EBX, entry->ebx);
	entry->ecx = leaf_reg(leaf, CPUID_ECX, entry->ecx);
	entry->edx = leaf_reg(leaf, CPUID_EDX, entry->edx);
	if (leaf->finish)
		leaf->finish(entry);
}

static const struct kvm_cpuid_entry2 *supported_find(u32 function, u32 index)
{
	int i;

	for (i = 0; i < cpuid_supported_count; i++)
		if (cpuid_supported[i].function == function && cpuid_supported[i].index == index)
			return &cpuid_supported[i];

	return NULL;
}

void x86_cpuid_setup(void)
{
	int i;

	cpuid_supported_count = 0;
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaf_offered(&leaves[i]))
			leaf_add(&leaves[i]);

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_word *word = &cpuid_words[i];
		const struct kvm_cpuid_entry2 *entry;

		entry = supported_find(word->function, word->index);
		cpuid_supported_words[word->word] = entry ? cpuid_reg(entry, word->reg) : 0;
	}
}

bool x86_host_allows(unsigned int feature)
{
	return feature / 32 < X86_CPUID_WORDS &&
		(cpuid_supported_words[feature / 32] & BIT(feature % 32));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's CPUID: as user space set it, indexed so that the instruction costs
 * two loads and a compare, and what is derived from it once for everybody who asks
 * (feature words, reserved bits).  What may be set is user space's business; what
 * the guest gets to use is limited to what this host offers (cpuid_table.c).
 */
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "cpuid.h"

#define CPUID_ENTRIES_MAX	256
#define EFER_AUTOIBRS_BIT	21

/*
 * Entries are chained by function; links are numbers of entries plus 1, so that 0
 * ends.  What lies outside of both ranges is searched for: VMMs put little there.
 */
struct cpuid_index {
	u32	max_basic;
	u32	max_extended;
	bool	intel;			/* how leaves beyond the limits read */
	u16	basic[CPUID_BASIC_LEAVES];
	u16	extended[CPUID_EXTENDED_LEAVES];
	u16	next[CPUID_ENTRIES_MAX + 1];
};

/* --- looking up -------------------------------------------------------------- */

static const struct kvm_cpuid_entry2 *cpuid_search(const struct x86_cpuid *cpuid,
						   u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *entry = cpuid->entry;
	int i;

	for (i = 0; i < cpuid->count; i++, entry++) {
		if (entry->function != function)
			continue;
		if (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry->index == index)
			return entry;
	}

	return NULL;
}

static __always_inline const struct kvm_cpuid_entry2 *
cpuid_lookup(const struct x86_cpuid *cpuid, u32 function, u32 index)
{
	const struct cpuid_index *table = cpuid->index;
	const struct kvm_cpuid_entry2 *entry;
	u32 leaf = function - CPUID_EXTENDED;
	u32 link;

	if (unlikely(!table))
		return NULL;
	if (function < CPUID_BASIC_LEAVES) {
		leaf = array_index_nospec(function, CPUID_BASIC_LEAVES);
		link = table->basic[leaf];
	} else if (leaf < CPUID_EXTENDED_LEAVES) {
		leaf = array_index_nospec(leaf, CPUID_EXTENDED_LEAVES);
		link = table->extended[leaf];
	} else {
		return cpuid_search(cpuid, function, index);
	}

	for (; link; link = table->next[link]) {
		entry = &cpuid->entry[link - 1];
		if (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry->index == index)
			return entry;
	}

	return NULL;
}

const struct kvm_cpuid_entry2 *x86_cpuid_find(struct vcpu *vcpu, u32 function, u32 index)
{
	return cpuid_lookup(&vcpu->arch.cpuid, function, index);
}

/*
 * No entry.  Intel CPUs answer with the data of the last basic leaf beyond the
 * limits; within them, and on AMD CPUs everywhere, it is zeroes.  Topology leaves
 * echo the index and name the APIC in all their subleaves.
 */
static void cpuid_missing(struct vcpu *vcpu, u32 function, u32 index,
			  struct kvm_cpuid_entry2 *out)
{
	const struct x86_cpuid *cpuid = &vcpu->arch.cpuid;
	const struct kvm_cpuid_entry2 *entry = NULL;
	const struct cpuid_index *table = cpuid->index;

	memset(out, 0, sizeof(*out));
	if (!table)
		return;
	if (function == 0xb || function == 0x1f) {
		entry = cpuid_lookup(cpuid, function, 0);
		if (entry) {
			out->ecx = index & 0xff;
			out->edx = entry->edx;
			return;
		}
	}
	if (!table->intel || function <= table->max_basic ||
	    (function >= CPUID_EXTENDED && function <= table->max_extended))
		return;
	entry = cpuid_lookup(cpuid, table->max_basic, index);
	if (entry)
		*out = *entry;
}

/* Bits that say what the guest has turned on. */
static void cpuid_dynamic_version(struct vcpu *vcpu)
{
	u64 *gpr = vcpu->arch.state.gpr;

	x86_need(vcpu, X86_CRS);
	gpr[X86_RCX] &= ~(u64)BIT(X86_FEATURE_OSXSAVE % 32);
	if (vcpu->arch.state.cr4 & X86_CR4_OSXSAVE)
		gpr[X86_RCX] |= BIT(X86_FEATURE_OSXSAVE % 32);
	if (!(vcpu->arch.apic_base & MSR_IA32_APICBASE_ENABLE))
		gpr[X86_RDX] &= ~(u64)BIT(X86_FEATURE_APIC % 32);
}

static void cpuid_dynamic_features(struct vcpu *vcpu)
{
	u64 *gpr = vcpu->arch.state.gpr;

	x86_need(vcpu, X86_CRS);
	gpr[X86_RCX] &= ~(u64)BIT(X86_FEATURE_OSPKE % 32);
	if (vcpu->arch.state.cr4 & X86_CR4_PKE)
		gpr[X86_RCX] |= BIT(X86_FEATURE_OSPKE % 32);
}

/* Sizes of the XSAVE area as the guest has it turned on. */
static void cpuid_dynamic_xstate(struct vcpu *vcpu, u32 index)
{
	u64 *gpr = vcpu->arch.state.gpr;

	if (index == 0)
		gpr[X86_RBX] = cpuid_xstate_size(vcpu->arch.xcr0, false);
	else if (gpr[X86_RAX] & (BIT(X86_FEATURE_XSAVES % 32) | BIT(X86_FEATURE_XSAVEC % 32)))
		gpr[X86_RBX] = cpuid_xstate_size(vcpu->arch.xcr0 | vcpu->arch.xss, true);
}

static __always_inline void cpuid_give(struct vcpu *vcpu, const struct kvm_cpuid_entry2 *entry)
{
	u64 *gpr = vcpu->arch.state.gpr;

	gpr[X86_RAX] = entry->eax;
	gpr[X86_RBX] = entry->ebx;
	gpr[X86_RCX] = entry->ecx;
	gpr[X86_RDX] = entry->edx;
	x86_dirty(vcpu, X86_GPRS);
}

/* Apart, for the entry on its stack. */
static noinline void cpuid_give_missing(struct vcpu *vcpu, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 missing;

	cpuid_missing(vcpu, function, index, &missing);
	cpuid_give(vcpu, &missing);
}

static __always_inline void cpuid_run(struct vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *entry;
	u32 function, index;

	x86_need(vcpu, X86_GPRS);
	function = vcpu->arch.state.gpr[X86_RAX];
	index = vcpu->arch.state.gpr[X86_RCX];
	entry = cpuid_lookup(&vcpu->arch.cpuid, function, index);
	if (unlikely(!entry)) {
		cpuid_give_missing(vcpu, function, index);
		return;
	}

	cpuid_give(vcpu, entry);
	if (function == 1)
		cpuid_dynamic_version(vcpu);
	else if (function == 7 && index == 0)
		cpuid_dynamic_features(vcpu);
	else if (function == 0xd && index <= 1)
		cpuid_dynamic_xstate(vcpu, index);
}

int x86_exit_cpuid(struct vcpu *vcpu)
{
	cpuid_run(vcpu);

	return x86_skip(vcpu);
}

int x86_fast_cpuid(struct vcpu *vcpu)
{
	u64 next = x86_skip_peek(vcpu);

	if (unlikely(!next))
		return RESUME_GUEST;
	cpuid_run(vcpu);
	x86_skip_to(vcpu, next);

	return REENTER;
}

/* --- what follows from it ---------------------------------------------------- */

struct cpuid_bit {
	u64	bit;
	u16	feature;
};

/* Bits of CR4 that any guest may set, and those that need a feature. */
#define CR4_BASE	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
			 X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

static const struct cpuid_bit cr4_bits[] = {
	{ X86_CR4_UMIP,		X86_FEATURE_UMIP },
	{ X86_CR4_LA57,		X86_FEATURE_LA57 },
	{ X86_CR4_FSGSBASE,	X86_FEATURE_FSGSBASE },
	{ X86_CR4_PCIDE,	X86_FEATURE_PCID },
	{ X86_CR4_OSXSAVE,	X86_FEATURE_XSAVE },
	{ X86_CR4_SMEP,		X86_FEATURE_SMEP },
	{ X86_CR4_SMAP,		X86_FEATURE_SMAP },
	{ X86_CR4_PKE,		X86_FEATURE_PKU },
};

static const struct cpuid_bit efer_bits[] = {
	{ EFER_SCE,			X86_FEATURE_SYSCALL },
	{ EFER_SCE | EFER_LME | EFER_LMA, X86_FEATURE_LM },
	{ EFER_NX,			X86_FEATURE_NX },
	{ EFER_FFXSR,			X86_FEATURE_FXSR_OPT },
	{ BIT(EFER_AUTOIBRS_BIT),	20 * 32 + 8 /* Automatic IBRS */ },
};

static u64 cpuid_bits(struct vcpu *vcpu, const struct cpuid_bit *bits, int count)
{
	u64 value = 0;
	int i;

	for (i = 0; i < count; i++)
		if (x86_guest_has(vcpu, bits[i].feature))
			value |= bits[i].bit;

	return value;
}

/* A vCPU without any CPUID may do what the host can: small VMMs never set one. */
static void cpuid_derive_words(struct x86_cpuid *cpuid)
{
	int i;

	memcpy(cpuid->word, cpuid_supported_words, sizeof(cpuid->word));
	if (!cpuid->count)
		return;
	memset(cpuid->word, 0, sizeof(cpuid->word));
	for (i = 0; i < cpuid_words_count; i++) {
		const struct cpuid_word *word = &cpuid_words[i];
		const struct kvm_cpuid_entry2 *entry;

		entry = cpuid_lookup(cpuid, word->function, word->index);
		if (entry)
			cpuid->word[word->word] = cpuid_reg(entry, word->reg) &
				(cpuid_supported_words[word->word] | word->emulated);
	}
}

static u8 cpuid_derive_maxphyaddr(const struct x86_cpuid *cpuid)
{
	const struct kvm_cpuid_entry2 *entry = cpuid_lookup(cpuid, 0x80000008, 0);
	u8 bits = entry ? entry->eax & 0xff : 36;

	return clamp_t(u8, bits, 32, boot_cpu_data.x86_phys_bits);
}

static u32 cpuid_derive_pv(const struct x86_cpuid *cpuid)
{
	const struct kvm_cpuid_entry2 *entry;
	u32 base;

	/* A VMM that shows another hypervisor's leaves too moves ours up. */
	for (base = KVM_CPUID_SIGNATURE; base <= KVM_CPUID_SIGNATURE + 0x100; base += 0x100) {
		entry = cpuid_lookup(cpuid, base, 0);
		if (!entry || memcmp(&entry->ebx, KVM_SIGNATURE, 12))
			continue;
		entry = cpuid_lookup(cpuid, base | KVM_CPUID_FEATURES, 0);
		return entry ? entry->eax : 0;
	}

	return 0;
}

static u64 cpuid_derive_xcr0(struct vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *entry;

	if (!x86_guest_has(vcpu, X86_FEATURE_XSAVE))
		return 0;
	if (!vcpu->arch.cpuid.count)
		return x86_host.xcr0_offered;
	entry = x86_cpuid_find(vcpu, 0xd, 0);
	if (!entry)
		return 0;

	return (entry->eax | (u64)entry->edx << 32) & x86_host.xcr0_offered;
}

void x86_cpuid_update(struct vcpu *vcpu)
{
	struct x86_cpuid *cpuid = &vcpu->arch.cpuid;

	cpuid_derive_words(cpuid);
	cpuid->maxphyaddr = cpuid_derive_maxphyaddr(cpuid);
	cpuid->reserved_cr4 = ~(CR4_BASE | cpuid_bits(vcpu, cr4_bits, ARRAY_SIZE(cr4_bits)));
	cpuid->efer_allowed = cpuid_bits(vcpu, efer_bits, ARRAY_SIZE(efer_bits));
	cpuid->xcr0_allowed = cpuid_derive_xcr0(vcpu);
	cpuid->xss_allowed = 0;
	cpuid->pv_features = cpuid_derive_pv(cpuid);
}

/* --- ioctls ------------------------------------------------------------------ */

/* Copy @count entries out; the number goes to the user in any case. */
static int cpuid_copy_out(struct kvm_cpuid2 __user *user, const struct kvm_cpuid_entry2 *entry,
			  u32 count)
{
	u32 room;

	if (get_user(room, &user->nent) || put_user(count, &user->nent))
		return -EFAULT;
	if (room < count)
		return -E2BIG;

	return copy_to_user(user->entries, entry, count * sizeof(*entry)) ? -EFAULT : 0;
}

int x86_ioctl_get_supported_cpuid(struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	/* VMMs enlarge their buffer until it is taken: nent stays as it was. */
	if (head.nent < cpuid_supported_count)
		return -E2BIG;

	return cpuid_copy_out(user, cpuid_supported, cpuid_supported_count);
}

/* Nothing is emulated that is not offered anyway. */
int x86_ioctl_get_emulated_cpuid(struct kvm_cpuid2 __user *user)
{
	return cpuid_copy_out(user, NULL, 0);
}

int x86_ioctl_get_cpuid2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	return cpuid_copy_out(user, vcpu->arch.cpuid.entry, vcpu->arch.cpuid.count);
}

/*
 * The APIC id is the vCPU's id; a VMM may leave it out, and one that hands back
 * KVM_GET_SUPPORTED_CPUID to every vCPU does.
 */
static void cpuid_set_apic_id(struct vcpu *vcpu, struct kvm_cpuid_entry2 *entry)
{
	switch (entry->function) {
	case 1:
		entry->ebx = (entry->ebx & 0x00ffffff) | (u32)vcpu->id << 24;
		break;
	case 0xb:
	case 0x1f:
		entry->edx = vcpu->id;
		break;
	case 0x8000001e:
		entry->eax = vcpu->id;
		break;
	}
}

static void index_build(struct cpuid_index *table, const struct kvm_cpuid_entry2 *entry,
			u32 count)
{
	u32 i;

	/* Backwards: of two entries for the same leaf the first one counts. */
	for (i = count; i-- > 0;) {
		u32 function = entry[i].function;
		u16 *head;

		if (function < CPUID_BASIC_LEAVES)
			head = &table->basic[function];
		else if (function - CPUID_EXTENDED < CPUID_EXTENDED_LEAVES)
			head = &table->extended[function - CPUID_EXTENDED];
		else
			continue;
		table->next[i + 1] = *head;
		*head = i + 1;
	}

	if (table->basic[0]) {
		const struct kvm_cpuid_entry2 *vendor = &entry[table->basic[0] - 1];

		table->max_basic = vendor->eax;
		/* "Genu", of "GenuineIntel" */
		table->intel = vendor->ebx == 0x756e6547;
	}
	if (table->extended[0])
		table->max_extended = entry[table->extended[0] - 1].eax;
}

/* What must not change once the guest has looked at it. */
static bool cpuid_same(const struct x86_cpuid *cpuid, const struct kvm_cpuid_entry2 *entry,
		       u32 count)
{
	return cpuid->count == count && !memcmp(cpuid->entry, entry, count * sizeof(*entry));
}

static int cpuid_install(struct vcpu *vcpu, struct kvm_cpuid_entry2 *entry, u32 count)
{
	struct x86_cpuid *cpuid = &vcpu->arch.cpuid;
	struct cpuid_index *table;

	/* Set by the first stay in the guest. */
	if (vcpu->stats.exits)
		return cpuid_same(cpuid, entry, count) ? -EEXIST : -EINVAL;

	table = kvzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	index_build(table, entry, count);
	x86_cpuid_free(vcpu);
	cpuid->entry = entry;
	cpuid->count = count;
	cpuid->index = table;
	x86_cpuid_update(vcpu);
	x86_op(cpuid_changed)(vcpu);

	return 0;
}

int x86_ioctl_set_cpuid2(struct vcpu *vcpu, const struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *entry;
	struct kvm_cpuid2 head;
	int err = -EFAULT;
	u32 i;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent > CPUID_ENTRIES_MAX)
		return -E2BIG;
	entry = kvcalloc(max(head.nent, 1u), sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	if (copy_from_user(entry, user->entries, head.nent * sizeof(*entry)))
		goto err_free;

	for (i = 0; i < head.nent; i++)
		cpuid_set_apic_id(vcpu, &entry[i]);
	err = cpuid_install(vcpu, entry, head.nent);
	if (err)
		goto err_free;

	return 0;

err_free:
	kvfree(entry);
	return err == -EEXIST ? 0 : err;
}

void x86_cpuid_free(struct vcpu *vcpu)
{
	struct x86_cpuid *cpuid = &vcpu->arch.cpuid;

	kvfree(cpuid->entry);
	kvfree(cpuid->index);
	cpuid->entry = NULL;
	cpuid->index = NULL;
	cpuid->count = 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between cpuid.c (the guest's CPUID) and cpuid_table.c (what this host offers).
 * Everybody else uses x86.h.
 */
#ifndef X86_CPUID_H
#define X86_CPUID_H

#include "x86.h"

#define CPUID_BASIC_LEAVES	0x20		/* from 0; as many as have an index */
#define CPUID_EXTENDED		0x80000000
#define CPUID_EXTENDED_LEAVES	0x22
#define CPUID_XSTATES		32		/* state components below this one */

/* Where a word of X86_FEATURE_* comes from. */
struct cpuid_word {
	u8	word;
	u8	reg;		/* 0..3: eax, ebx, ecx, edx */
	u32	function;
	u32	index;
	u32	emulated;	/* a guest may have these although they are not offered */
};

extern const struct cpuid_word cpuid_words[];
extern const int cpuid_words_count;

/* An XSAVE state component of the host. */
struct cpuid_xstate {
	u32	size;
	u32	offset;		/* in the standard format */
	bool	aligned;	/* to 64 bytes in the compacted format */
};

extern struct cpuid_xstate cpuid_xstates[CPUID_XSTATES];

/* What KVM_GET_SUPPORTED_CPUID answers; constant after x86_cpuid_setup(). */
#define CPUID_SUPPORTED_MAX	80
extern struct kvm_cpuid_entry2 cpuid_supported[CPUID_SUPPORTED_MAX];
extern int cpuid_supported_count;
/* The same by word of X86_FEATURE_*. */
extern u32 cpuid_supported_words[X86_CPUID_WORDS];

static inline u32 cpuid_reg(const struct kvm_cpuid_entry2 *entry, int reg)
{
	switch (reg) {
	case 0:
		return entry->eax;
	case 1:
		return entry->ebx;
	case 2:
		return entry->ecx;
	default:
		return entry->edx;
	}
}

/* Bytes of an XSAVE area for @components, in either format. */
u32 cpuid_xstate_size(u64 components, bool compacted);

#endif /* X86_CPUID_H */

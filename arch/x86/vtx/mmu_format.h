/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EPT as the hardware has it: entries, the EPT pointer, and which entries are
 * misconfigured.  Portable: arithmetic only, so that the unit tests run it.
 *
 * SDM volume 3, "The Extended Page Table Mechanism (EPT)".
 */
#ifndef VTX_MMU_FORMAT_H
#define VTX_MMU_FORMAT_H

#include <linux/bits.h>
#include <asm/vmx.h>
#include <core/pgtable.h>

/* What a VM's EPT depends on. */
struct ept_shape {
	u8	levels;		/* 4 or 5 */
	u8	phys_bits;	/* of host physical addresses */
	bool	leaf_2m, leaf_1g;
	bool	accessed_dirty;	/* hardware keeps accessed and dirty bits */
	bool	logs_writes;	/* page-modification logging; needs the bits */
	bool	exec_small;	/* ITLB multihit: only pages of 4 KiB may be executed */
};

/*
 * Which must of ours does IA32_VMX_EPT_VPID_CAP, @cap, lack?  The end of a sentence
 * that begins with "EPT lacks", or NULL.
 */
const char *ept_cap_missing(u64 cap);
/* What a CPU with @cap and @phys_bits of physical address gets. */
void ept_shape_choose(struct ept_shape *shape, u64 cap, u8 phys_bits);
/* Make the format of @shape. */
void ept_make(struct pgtable_format *format, const struct ept_shape *shape);
/* The EPT pointer: VMCS field and operand of INVEPT. */
u64 ept_pointer(hpa_t root, const struct ept_shape *shape);
/*
 * Which rule of "EPT Misconfigurations" does an entry of @level (0: the last) break?
 * A clause about the entry, or NULL: none.
 */
const char *ept_entry_explain(u64 pte, int level, const struct ept_shape *shape);

#endif /* VTX_MMU_FORMAT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 2 as the hardware has it: descriptors, VTCR_EL2, VTTBR_EL2, the operand of a
 * range invalidation.  Portable: arithmetic only, so that the unit tests run it.
 *
 * Arm Architecture Reference Manual, "The AArch64 Virtual Memory System Architecture".
 */
#ifndef ARM64_MMU_FORMAT_H
#define ARM64_MMU_FORMAT_H

#include <linux/bits.h>
#include <core/pgtable.h>

/* The smallest guest physical space that KVM_CREATE_VM can ask for, in bits. */
#define STAGE2_IPA_MIN	32
#define STAGE2_IPA_MAX	52	/* the largest there is */

/* What a VM's stage 2 depends on. */
struct stage2_shape {
	u8	granule;	/* log2 of the bytes of a page and a table: 12, 14, 16 */
	u8	ipa_bits;	/* of guest physical addresses; not above pa_bits */
	u8	pa_bits;	/* ID_AA64MMFR0_EL1.PARange, in bits */
	bool	lpa2;		/* descriptors with 52 bits of address; granule 12 or 14 */
	bool	fwb;		/* FEAT_S2FWB: the guest cannot get around the caches */
	bool	vmid16;		/* VMIDs have 16 bits */
};

/* The stage 2 of one size of guest physical space. */
struct stage2 {
	struct pgtable_format	format;
	u64			vtcr;	/* VTCR_EL2 */
};

/*
 * Make the format of @shape, which has ipa_bits in STAGE2_IPA_MIN..STAGE2_IPA_MAX, and
 * above 48 only with lpa2.
 */
void stage2_make(struct stage2 *stage2, const struct stage2_shape *shape);

/* Is a leaf ordinary memory, without FEAT_S2FWB? */
bool stage2_is_write_back(u64 pte);

/* VTTBR_EL2 for a root table and a VMID.  CnP stays 0: vCPUs do not share their ASIDs. */
static inline u64 stage2_vttbr(hpa_t root, unsigned long vmid)
{
	return (root & GENMASK_ULL(47, 0)) | (root >> 48) << 2 | (u64)vmid << 48;
}

/*
 * The operand of TLBI RIPAS2E1IS for pages of 4 KiB: at least the @count (not 0) frames
 * from @first on, with as few as one instruction can name.  0: that is too many.
 * @lpa2: as in the VM's shape.
 */
u64 stage2_tlbi_range(gfn_t first, u64 count, bool lpa2);

#endif /* ARM64_MMU_FORMAT_H */

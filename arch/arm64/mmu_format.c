// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 descriptors for the page-table library: which levels a guest physical space
 * needs, and what an entry looks like.  No hardware is touched here; mmu.c does that.
 *
 * The library counts levels from the last one (its 0 is the manual's 3) up to the root.
 */
#include "mmu_format.h"

/* --- descriptors ("VMSAv8-64 descriptor formats", stage 2) -------------------------- */

#define S2_VALID	BIT_ULL(0)
#define S2_TABLE	BIT_ULL(1)	/* of a leaf: a page, at the last level */
#define S2_MEMATTR_SHIFT 2
#define S2_MEMATTR	GENMASK_ULL(5, 2)
#define S2_S2AP_READ	BIT_ULL(6)
#define S2_S2AP_WRITE	BIT_ULL(7)
#define S2_SH_INNER	GENMASK_ULL(9, 8)
#define S2_AF		BIT_ULL(10)
#define S2_CONTIGUOUS	BIT_ULL(52)
/* With FEAT_XNX bits 54 and 53 are one field, and this is "nowhere" in it, too. */
#define S2_XN		BIT_ULL(54)
#define S2_LOCKED	BIT_ULL(55)	/* software's; without the valid bit */
#define S2_MAY_WRITE	BIT_ULL(56)	/* software's */

/* Output addresses: bits 51 and 50 are where the shareability is without FEAT_LPA2. */
#define S2_OA_48	GENMASK_ULL(47, 12)
#define S2_OA_50	GENMASK_ULL(49, 12)
#define S2_OA_TOP	GENMASK_ULL(9, 8)
#define S2_OA_TOP_SHIFT 8

/* MemAttr by MEMTYPE_*: what the guest asks for and this combine to the stricter one. */
static const u8 memattr_combine[] = {
	[MEMTYPE_NORMAL]	= 0xf,	/* Normal, Inner and Outer Write-Back */
	[MEMTYPE_DEVICE]	= 0x1,	/* Device-nGnRE */
	[MEMTYPE_UNCACHED]	= 0x5,	/* Normal, Inner and Outer Non-cacheable */
};

/* With HCR_EL2.FWB: ordinary memory is Write-Back whatever the guest asks for. */
static const u8 memattr_force[] = {
	[MEMTYPE_NORMAL]	= 0x6,
	[MEMTYPE_DEVICE]	= 0x1,
	[MEMTYPE_UNCACHED]	= 0x5,
};

bool stage2_is_write_back(u64 pte)
{
	return (pte & S2_MEMATTR) >> S2_MEMATTR_SHIFT == memattr_combine[MEMTYPE_NORMAL];
}

static u64 pte_prot_bits(u8 prot)
{
	u64 bits = 0;

	if (prot & PROT_GUEST_READ)
		bits |= S2_S2AP_READ;
	if (prot & PROT_GUEST_WRITE)
		bits |= S2_S2AP_WRITE;
	if (!(prot & PROT_GUEST_EXEC))
		bits |= S2_XN;

	return bits;
}

/*
 * All of a leaf but its address.  The access flag is set from the start.  Leaves of the
 * last level that are larger than a page are a contiguous group of them.
 */
static u64 pte_leaf_bits(const struct mmu_map *map, int level, const u8 *memattr)
{
	u64 pte = S2_VALID | S2_AF | pte_prot_bits(map->prot) |
		  (u64)memattr[map->memtype] << S2_MEMATTR_SHIFT;

	if (!level)
		pte |= S2_TABLE | (map->order ? S2_CONTIGUOUS : 0);

	return pte;
}

static u64 pte_make_leaf_48(const struct mmu_map *map, int level)
{
	return map->hpa | S2_SH_INNER | pte_leaf_bits(map, level, memattr_combine);
}

static u64 pte_make_leaf_48_fwb(const struct mmu_map *map, int level)
{
	return map->hpa | S2_SH_INNER | pte_leaf_bits(map, level, memattr_force);
}

static u64 pte_make_table_48(hpa_t table, int level)
{
	return table | S2_VALID | S2_TABLE;
}

static hpa_t pte_address_48(u64 pte, int level)
{
	return pte & S2_OA_48;
}

/* The shareability of everything is VTCR_EL2.SH0 then. */
static u64 pte_oa_52(hpa_t hpa)
{
	return (hpa & S2_OA_50) | hpa >> 50 << S2_OA_TOP_SHIFT;
}

static u64 pte_make_leaf_52(const struct mmu_map *map, int level)
{
	return pte_oa_52(map->hpa) | pte_leaf_bits(map, level, memattr_combine);
}

static u64 pte_make_leaf_52_fwb(const struct mmu_map *map, int level)
{
	return pte_oa_52(map->hpa) | pte_leaf_bits(map, level, memattr_force);
}

static u64 pte_make_table_52(hpa_t table, int level)
{
	return pte_oa_52(table) | S2_VALID | S2_TABLE;
}

static hpa_t pte_address_52(u64 pte, int level)
{
	return (pte & S2_OA_50) | (pte & S2_OA_TOP) >> S2_OA_TOP_SHIFT << 50;
}

static bool pte_is_present(u64 pte, int level)
{
	return pte & S2_VALID;
}

static bool pte_is_leaf(u64 pte, int level)
{
	return !level || !(pte & S2_TABLE);
}

static bool pte_is_group(u64 pte)
{
	return pte & S2_CONTIGUOUS;
}

static u8 pte_prot(u64 pte)
{
	u8 prot = 0;

	if (pte & S2_S2AP_READ)
		prot |= PROT_GUEST_READ;
	if (pte & S2_S2AP_WRITE)
		prot |= PROT_GUEST_WRITE;
	if (!(pte & S2_XN))
		prot |= PROT_GUEST_EXEC;

	return prot;
}

static u64 pte_set_prot(u64 pte, u8 prot)
{
	return (pte & ~(S2_S2AP_READ | S2_S2AP_WRITE | S2_XN)) | pte_prot_bits(prot);
}

/*
 * Hardware does not manage the flag (VTCR_EL2.HA is 0): the first access to what is old
 * is an Access flag fault, and no TLB holds such an entry.
 */
static bool pte_is_old(u64 pte)
{
	return !(pte & S2_AF);
}

static u64 pte_make_old(u64 pte)
{
	return pte & ~S2_AF;
}

/*
 * FEAT_BBM, level 2, would not do away with break-before-make: it is about the size of
 * a leaf, not its address, and lets the CPU answer with a TLB conflict abort.
 */
static const struct pgtable_format format_common = {
	.break_before_make	= true,
	.relax_flush		= true,
	.locked			= S2_LOCKED,
	.bits			= {
		.present	= S2_VALID,
		.leaf		= S2_TABLE,
		.leaf_flip	= S2_TABLE,
		.group		= S2_CONTIGUOUS,
		.may_write	= S2_MAY_WRITE,
		.write		= S2_S2AP_WRITE,
	},
	.is_present		= pte_is_present,
	.is_leaf		= pte_is_leaf,
	.is_group		= pte_is_group,
	.prot			= pte_prot,
	.set_prot		= pte_set_prot,
	.is_old			= pte_is_old,
	.make_old		= pte_make_old,
};

/* --- levels, VTCR_EL2 ------------------------------------------------------------------ */

#define VTCR_SL0_SHIFT		6
#define VTCR_IRGN0_WBWA		(1ULL << 8)
#define VTCR_ORGN0_WBWA		(1ULL << 10)
#define VTCR_SH0_INNER		(3ULL << 12)
#define VTCR_TG0_SHIFT		14
#define VTCR_PS_SHIFT		16
#define VTCR_VS			BIT_ULL(19)
#define VTCR_RES1		BIT_ULL(31)
#define VTCR_DS			BIT_ULL(32)
#define VTCR_SL2		BIT_ULL(33)

/* What differs between granules. */
static const struct granule {
	u8	shift;		/* log2 of the bytes of a page */
	u8	tg0;		/* VTCR_EL2.TG0 */
	s8	sl0;		/* VTCR_EL2.SL0 of a single level, were there such a tree */
	u8	root_order;	/* so many tables at most, as power of 2, are the root */
	u8	group_order;	/* the contiguous bit's, at the last level */
	u8	leaf_levels;	/* from the last one up: these can have leaves */
	const char *name[2];	/* without and with FEAT_LPA2 */
} granules[] = {
	{ 12, 0, -1, 3, 4, 3, { "stage 2, 4 KiB", "stage 2, 4 KiB, LPA2" } },
	{ 14, 2, 0, 4, 7, 2, { "stage 2, 16 KiB", "stage 2, 16 KiB, LPA2" } },
	{ 16, 1, 0, 3, 5, 2, { "stage 2, 64 KiB", "stage 2, 64 KiB" } },
};

static const struct granule *granule_of(const struct stage2_shape *shape)
{
	const struct granule *granule = granules;

	while (granule->shift != shape->granule)
		granule++;

	return granule;
}

/*
 * "Concatenated translation tables": tables side by side as the root save a level.  The
 * manual allows for 16, but memory for so many is not always at hand, so one more level
 * is taken instead.  A CPU of few address bits may not have that level (level 0 of 4 KiB:
 * below 44 bits, level 1 of 16 KiB: below 42, level 1 of 64 KiB: below 44), but guest
 * physical spaces within its bits do not come to it.
 */
static u8 stage2_levels(const struct stage2_shape *shape, const struct granule *granule)
{
	u8 bits = shape->granule - 3, levels = 2;

	while (shape->ipa_bits > shape->granule + levels * bits + granule->root_order)
		levels++;

	return levels;
}

/* "Physical Address Size": the largest that is not too large for the descriptors. */
static u64 vtcr_ps(const struct stage2_shape *shape)
{
	static const u8 sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
	unsigned int i, limit = shape->lpa2 ? shape->pa_bits : min_t(u8, shape->pa_bits, 48);

	for (i = ARRAY_SIZE(sizes) - 1; i && sizes[i] > limit; i--)
		;

	return (u64)i << VTCR_PS_SHIFT;
}

/*
 * HA and HD stay 0, see pte_is_old().  What walks the tables reads them through the same
 * caches as the host wrote them.
 */
static u64 stage2_vtcr(const struct stage2_shape *shape, const struct granule *granule,
		       u8 levels)
{
	u64 vtcr = VTCR_RES1 | VTCR_IRGN0_WBWA | VTCR_ORGN0_WBWA | VTCR_SH0_INNER |
		   (u64)granule->tg0 << VTCR_TG0_SHIFT | vtcr_ps(shape) |
		   (64 - shape->ipa_bits);
	u8 sl0 = granule->sl0 + levels - 1;

	/* Level -1, which only the smallest granule has; its SL0 of 3 is something else. */
	if (sl0 == 3 && shape->granule == 12)
		vtcr |= VTCR_SL2;
	else
		vtcr |= (u64)sl0 << VTCR_SL0_SHIFT;
	if (shape->vmid16)
		vtcr |= VTCR_VS;
	if (shape->lpa2)
		vtcr |= VTCR_DS;

	return vtcr;
}

static void format_set_entries(struct pgtable_format *format, const struct stage2_shape *shape)
{
	if (shape->lpa2) {
		format->make_leaf = shape->fwb ? pte_make_leaf_52_fwb : pte_make_leaf_52;
		format->make_table = pte_make_table_52;
		format->address = pte_address_52;
	} else {
		format->make_leaf = shape->fwb ? pte_make_leaf_48_fwb : pte_make_leaf_48;
		format->make_table = pte_make_table_48;
		format->address = pte_address_48;
		format->bits.address = S2_OA_48;
	}
}

void stage2_make(struct stage2 *stage2, const struct stage2_shape *shape)
{
	const struct granule *granule = granule_of(shape);
	struct pgtable_format *format = &stage2->format;
	u8 level, bits = shape->granule - 3;

	*format = format_common;
	format->name = granule->name[shape->lpa2];
	format->levels = stage2_levels(shape, granule);
	format->group_order = granule->group_order;
	for (level = 0; level < format->levels; level++) {
		format->level[level].shift = shape->granule + level * bits;
		format->level[level].bits = bits;
		/* Who has to clean what it maps cannot do so for 1 GiB at a time. */
		format->level[level].leaf = level < granule->leaf_levels &&
					    (level < 2 || shape->fwb);
	}
	format->root_bits = shape->ipa_bits - format->level[format->levels - 1].shift;
	format->root_order = format->root_bits > bits ? format->root_bits - bits : 0;
	format_set_entries(format, shape);
	stage2->vtcr = stage2_vtcr(shape, granule, format->levels);
}

/* --- invalidation by range ---------------------------------------------------------------- */

#define TLBI_TG_4K		BIT_ULL(46)
#define TLBI_SCALE_SHIFT	44
#define TLBI_NUM_SHIFT		39
#define TLBI_NUM_MAX		31
#define TLBI_BADDR		GENMASK_ULL(36, 0)
/* With FEAT_LPA2 in use BaseADDR is in units of 64 KiB: so many frames, as power of 2. */
#define TLBI_LPA2_ORDER		4

/* "TLB range maintenance instructions": (NUM + 1) * 2^(5 * SCALE + 1) pages. */
u64 stage2_tlbi_range(gfn_t first, u64 count, bool lpa2)
{
	u64 number, scale, base = first;

	if (lpa2) {
		base >>= TLBI_LPA2_ORDER;
		count += first - (base << TLBI_LPA2_ORDER);
	}

	for (scale = 0; scale < 4; scale++) {
		number = (count - 1) >> (5 * scale + 1);
		if (number <= TLBI_NUM_MAX)
			return TLBI_TG_4K | scale << TLBI_SCALE_SHIFT |
			       number << TLBI_NUM_SHIFT | (base & TLBI_BADDR);
	}

	return 0;
}

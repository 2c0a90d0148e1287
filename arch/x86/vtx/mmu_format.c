// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT entries for the page-table library, and what hardware says of them.  No
 * hardware is touched here; mmu.c does that.
 *
 * An entry that maps nothing is all zero, the address included: what speculates
 * through it (L1TF) finds the first page of the host's memory, which the host keeps
 * empty.  Nor does any other entry of ours lack all three permissions.
 */
#include <linux/kernel.h>

#include "mmu_format.h"

#define EPT_LARGE	BIT_ULL(7)
#define EPT_ADDRESS	GENMASK_ULL(51, 12)
#define EPT_MAY_WRITE	BIT_ULL(52)	/* not looked at by hardware */

/* Bits of a table entry that are reserved, whatever the shape: 6:3, and 7 above the leaves. */
#define EPT_TABLE_RESERVED	GENMASK_ULL(6, 3)

/* Memory types as EPT entries and the EPT pointer encode them. */
enum {
	EPT_TYPE_UC	= 0,
	EPT_TYPE_WC	= 1,
	EPT_TYPE_WT	= 4,
	EPT_TYPE_WP	= 5,
	EPT_TYPE_WB	= 6,
};

/*
 * By MEMTYPE_*.  Memory is write-back whatever the guest's PAT says: the host has
 * it mapped that way, no device goes around the caches, and a guest must not make
 * aliases of another type.  What is a device for the host too may still be
 * write-combining, if the guest's PAT wants that.
 */
static const u64 ept_types[] = {
	[MEMTYPE_NORMAL]	= EPT_TYPE_WB << VMX_EPT_MT_EPTE_SHIFT | VMX_EPT_IPAT_BIT,
	[MEMTYPE_DEVICE]	= EPT_TYPE_UC << VMX_EPT_MT_EPTE_SHIFT,
	[MEMTYPE_UNCACHED]	= EPT_TYPE_WC << VMX_EPT_MT_EPTE_SHIFT,
};

/* --- entries ------------------------------------------------------------------- */

static u64 ept_make_table(hpa_t table, int level)
{
	return table | VMX_EPT_RWX_MASK;
}

static u64 ept_set_prot(u64 pte, u8 prot)
{
	/* Always readable: a page that can only be written is a misconfiguration. */
	pte = (pte & ~VMX_EPT_RWX_MASK) | VMX_EPT_READABLE_MASK;
	if (prot & PROT_GUEST_WRITE)
		pte |= VMX_EPT_WRITABLE_MASK;
	if (prot & PROT_GUEST_EXEC)
		pte |= VMX_EPT_EXECUTABLE_MASK;

	return pte;
}

static u64 ept_make_leaf(const struct mmu_map *map, int level)
{
	u64 pte = map->hpa | ept_types[map->memtype];

	if (level > 0)
		pte |= EPT_LARGE;

	return ept_set_prot(pte, map->prot);
}

/*
 * Accessed from the start, and what is writable counts as dirty, because its page
 * was marked when it was mapped: hardware then has nothing to write.
 */
static u64 ept_make_leaf_tracked(const struct mmu_map *map, int level)
{
	u64 pte = ept_make_leaf(map, level) | VMX_EPT_ACCESS_BIT;

	return map->prot & PROT_GUEST_WRITE ? pte | VMX_EPT_DIRTY_BIT : pte;
}

static bool ept_is_present(u64 pte, int level)
{
	return pte & VMX_EPT_RWX_MASK;
}

static bool ept_is_leaf(u64 pte, int level)
{
	return level == 0 || (pte & EPT_LARGE);
}

static hpa_t ept_address(u64 pte, int level)
{
	return pte & EPT_ADDRESS;
}

static u8 ept_prot(u64 pte)
{
	u8 prot = 0;

	if (pte & VMX_EPT_READABLE_MASK)
		prot |= PROT_GUEST_READ;
	if (pte & VMX_EPT_WRITABLE_MASK)
		prot |= PROT_GUEST_WRITE;
	if (pte & VMX_EPT_EXECUTABLE_MASK)
		prot |= PROT_GUEST_EXEC;

	return prot;
}

static bool ept_is_old(u64 pte)
{
	return !(pte & VMX_EPT_ACCESS_BIT);
}

static u64 ept_make_old(u64 pte)
{
	return pte & ~VMX_EPT_ACCESS_BIT;
}

static bool ept_is_dirty(u64 pte)
{
	return pte & VMX_EPT_DIRTY_BIT;
}

static u64 ept_make_clean(u64 pte)
{
	return pte & ~VMX_EPT_DIRTY_BIT;
}

/* --- formats ----------------------------------------------------------------------- */

#define EPT_LEVEL(shift_)	{ .shift = (shift_), .bits = 9, .table_order = 0, .empty = 0 }

/*
 * No flush after a permission was added: the violation that asked for it has dropped
 * the translation (SDM, "Operations that Invalidate Cached Mappings").
 */
static const struct pgtable_format ept_common = {
	.level		= {
		EPT_LEVEL(12), EPT_LEVEL(21), EPT_LEVEL(30), EPT_LEVEL(39), EPT_LEVEL(48),
	},
	.root_order	= 0,
	.root_bits	= 9,
	.make_table	= ept_make_table,
	.make_leaf	= ept_make_leaf,
	.bits		= {
		.present = VMX_EPT_RWX_MASK,
		.leaf	 = EPT_LARGE,
		.address = EPT_ADDRESS,
		.may_write = EPT_MAY_WRITE,
		.write	 = VMX_EPT_WRITABLE_MASK,
	},
	.is_present	= ept_is_present,
	.is_leaf	= ept_is_leaf,
	.address	= ept_address,
	.prot		= ept_prot,
	.set_prot	= ept_set_prot,
};

void ept_make(struct pgtable_format *format, const struct ept_shape *shape)
{
	*format = ept_common;
	format->name = shape->levels == 5 ? "EPT, 5 levels" : "EPT, 4 levels";
	format->levels = shape->levels;
	format->level[0].leaf = true;
	format->level[1].leaf = shape->leaf_2m;
	format->level[2].leaf = shape->leaf_1g;
	format->exec_small = shape->exec_small;
	/*
	 * Without the bits, what is to grow old is unmapped.  To take its permissions
	 * and keep its address would be what L1TF looks for.
	 */
	if (!shape->accessed_dirty)
		return;
	format->make_leaf = ept_make_leaf_tracked;
	format->is_old = ept_is_old;
	format->make_old = ept_make_old;
	format->is_dirty = ept_is_dirty;
	format->make_clean = ept_make_clean;
	format->logs_writes = shape->logs_writes;
	format->bits.write |= VMX_EPT_DIRTY_BIT;
	/* Hardware sees the writes then, and no write is a fault. */
	if (format->logs_writes)
		format->bits.may_write = 0;
}

/* --- capabilities: SDM, "VPID and EPT Capabilities" ---------------------------------- */

static const struct {
	u64		bits;		/* one of them is enough */
	const char	*text;
} ept_musts[] = {
	{ VMX_EPT_PAGE_WALK_4_BIT,	"page walks of 4 levels" },
	{ VMX_EPTP_WB_BIT,		"write-back paging structures" },
	{ VMX_EPT_INVEPT_BIT,		"the INVEPT instruction" },
	{ VMX_EPT_EXTENT_CONTEXT_BIT | VMX_EPT_EXTENT_GLOBAL_BIT,
	  "INVEPT of a single context or of all" },
};

const char *ept_cap_missing(u64 cap)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ept_musts); i++)
		if (!(cap & ept_musts[i].bits))
			return ept_musts[i].text;

	return NULL;
}

void ept_shape_choose(struct ept_shape *shape, u64 cap, u8 phys_bits)
{
	*shape = (struct ept_shape) {
		/* A level more is a step more of every walk: only where it is needed. */
		.levels		= phys_bits > 48 && (cap & VMX_EPT_PAGE_WALK_5_BIT) ? 5 : 4,
		.phys_bits	= phys_bits,
		.leaf_2m	= cap & VMX_EPT_2MB_PAGE_BIT,
		.leaf_1g	= cap & VMX_EPT_1GB_PAGE_BIT,
		.accessed_dirty	= cap & VMX_EPT_AD_BIT,
	};
}

u64 ept_pointer(hpa_t root, const struct ept_shape *shape)
{
	u64 eptp = root | EPT_TYPE_WB;

	eptp |= shape->levels == 5 ? VMX_EPTP_PWL_5 : VMX_EPTP_PWL_4;
	if (shape->accessed_dirty)
		eptp |= VMX_EPTP_AD_ENABLE_BIT;

	return eptp;
}

/* --- misconfigurations: SDM, "EPT Misconfigurations" ---------------------------------- */

static bool ept_entry_maps(u64 pte, int level, const struct ept_shape *shape)
{
	if (!level || !(pte & EPT_LARGE))
		return !level;

	return (level == 1 && shape->leaf_2m) || (level == 2 && shape->leaf_1g);
}

static bool ept_type_exists(u64 pte)
{
	switch ((pte & VMX_EPT_MT_MASK) >> VMX_EPT_MT_EPTE_SHIFT) {
	case EPT_TYPE_UC:
	case EPT_TYPE_WC:
	case EPT_TYPE_WT:
	case EPT_TYPE_WP:
	case EPT_TYPE_WB:
		return true;
	default:
		return false;
	}
}

const char *ept_entry_explain(u64 pte, int level, const struct ept_shape *shape)
{
	u64 rwx = pte & VMX_EPT_RWX_MASK;
	u64 low = BIT_ULL(12 + 9 * level) - 1;

	if (!rwx)
		return NULL;
	if (!(rwx & VMX_EPT_READABLE_MASK))
		return rwx & VMX_EPT_WRITABLE_MASK ? "can be written but not read" :
						     "can only be executed";
	if (pte & EPT_ADDRESS & ~(BIT_ULL(shape->phys_bits) - 1))
		return "has an address beyond the physical address width";
	if (!ept_entry_maps(pte, level, shape))
		return pte & (EPT_TABLE_RESERVED | EPT_LARGE) ?
			"refers to a table and has reserved bits" : NULL;
	if (pte & EPT_ADDRESS & low)
		return "has address bits below the size of its page";
	if (!ept_type_exists(pte))
		return "has a memory type that does not exist";

	return NULL;
}

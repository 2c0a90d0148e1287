// SPDX-License-Identifier: GPL-2.0-only
/* The formats of formats.h. */
#include <shim/kernel.h>

#include "formats.h"

void (*format_hook)(u64 *ptep, u64 old, u64 new, int level);

bool hooked_replace(u64 *ptep, u64 old, u64 new, int level)
{
	if (cmpxchg(ptep, old, new) != old)
		return false;
	if (format_hook)
		format_hook(ptep, old, new, level);

	return true;
}

u64 *format_walk_entry(struct pgtable *pt, gpa_t gpa, u64 *pte, int *level)
{
	const struct pgtable_format *format = pt->format;
	unsigned int bits = format->root_bits;
	u64 *table = pt->root, *ptep;

	for (*level = format->levels - 1; *level >= 0; bits = format->level[--*level].bits) {
		ptep = &table[gpa >> format->level[*level].shift & (BIT(bits) - 1)];
		*pte = READ_ONCE(*ptep);
		if (!format->is_present(*pte, *level))
			return NULL;
		if (format->is_leaf(*pte, *level))
			return ptep;
		table = __va(format->address(*pte, *level));
	}

	return NULL;
}

bool format_walk(struct pgtable *pt, gpa_t gpa, u64 *pte, int *level)
{
	return format_walk_entry(pt, gpa, pte, level);
}

u8 format_leaf_order(const struct pgtable_format *format, u64 pte, int level)
{
	if (!level && format->group_order && format->is_group(pte))
		return format->group_order;

	return format->level[level].shift - PAGE_SHIFT;
}

hpa_t format_target(const struct pgtable_format *format, u64 pte, int level, gpa_t gpa)
{
	u64 size = PAGE_SIZE << format_leaf_order(format, pte, level);

	return (format->address(pte, level) & ~(size - 1)) + (gpa & (size - 1));
}

bool format_group_is_whole(const struct pgtable_format *format, const u64 *ptep)
{
	unsigned int i, count = BIT(format->group_order);
	const u64 *first = PTR_ALIGN_DOWN(ptep, count * sizeof(*ptep));
	u64 mask = ~((PAGE_SIZE << format->group_order) - 1), group = 0;

	for (i = 0; i < count && format->group_order; i++)
		if (format->is_present(first[i], 0) && format->is_group(first[i]))
			group = first[i];

	for (i = 0; i < count && group; i++)
		if (format->is_present(first[i], 0) &&
		    (!format->is_group(first[i]) || format->prot(first[i]) != format->prot(group) ||
		     (format->address(first[i], 0) & mask) != (format->address(group, 0) & mask)))
			return false;

	return true;
}

#define ADDRESS		GENMASK_ULL(51, 12)

/* --- like x86's own: zero is empty, accessed and dirty kept by hardware ------------ */

#define NPT_P		BIT_ULL(0)
#define NPT_W		BIT_ULL(1)
#define NPT_A		BIT_ULL(5)
#define NPT_D		BIT_ULL(6)
#define NPT_LARGE	BIT_ULL(7)
#define NPT_NX		BIT_ULL(63)

static u64 npt_make_table(hpa_t table, int level)
{
	return table | NPT_P | NPT_W | NPT_A;
}

static u64 npt_set_prot(u64 pte, u8 prot)
{
	return (pte & ~(NPT_W | NPT_NX)) | (prot & PROT_GUEST_WRITE ? NPT_W : 0) |
	       (prot & PROT_GUEST_EXEC ? 0 : NPT_NX);
}

static u64 npt_make_leaf(const struct mmu_map *map, int level)
{
	return npt_set_prot(map->hpa | NPT_P | NPT_A | (level ? NPT_LARGE : 0), map->prot);
}

static bool npt_is_present(u64 pte, int level)
{
	return pte & NPT_P;
}

static bool npt_is_leaf(u64 pte, int level)
{
	return !level || (pte & NPT_LARGE);
}

static hpa_t any_address(u64 pte, int level)
{
	return pte & ADDRESS;
}

static u8 npt_prot(u64 pte)
{
	return PROT_GUEST_READ | (pte & NPT_W ? PROT_GUEST_WRITE : 0) |
	       (pte & NPT_NX ? 0 : PROT_GUEST_EXEC);
}

static bool npt_is_old(u64 pte)
{
	return !(pte & NPT_A);
}

static u64 npt_make_old(u64 pte)
{
	return pte & ~NPT_A;
}

#define NINE_BITS(shift_, leaf_)	{ .shift = (shift_), .bits = 9, .leaf = (leaf_) }

#define NPT_FUNCTIONS					\
	.bits = { .present = NPT_P, .leaf = NPT_LARGE, .address = ADDRESS,	\
		  .may_write = BIT_ULL(9), .write = NPT_W },	\
	.make_table = npt_make_table, .make_leaf = npt_make_leaf,	\
	.is_present = npt_is_present, .is_leaf = npt_is_leaf,		\
	.address = any_address, .prot = npt_prot, .set_prot = npt_set_prot,	\
	.is_old = npt_is_old, .make_old = npt_make_old, .replace = hooked_replace

static const struct pgtable_format format_npt4 = {
	.name = "NPT, 4 levels", .levels = 4, .root_bits = 9,
	.level = { NINE_BITS(12, true), NINE_BITS(21, true), NINE_BITS(30, true),
		   NINE_BITS(39, false) },
	NPT_FUNCTIONS,
};

static const struct pgtable_format format_npt5 = {
	.name = "NPT, 5 levels", .levels = 5, .root_bits = 9,
	.level = { NINE_BITS(12, true), NINE_BITS(21, true), NINE_BITS(30, true),
		   NINE_BITS(39, false), NINE_BITS(48, false) },
	NPT_FUNCTIONS,
};

/* --- like EPT: no present bit, permissions are it -------------------------------------- */

#define EPT_R		BIT_ULL(0)
#define EPT_W		BIT_ULL(1)
#define EPT_X		BIT_ULL(2)
#define EPT_LARGE	BIT_ULL(7)
#define EPT_A		BIT_ULL(8)

static u64 ept_set_prot(u64 pte, u8 prot)
{
	return (pte & ~7ULL) | EPT_R | (prot & PROT_GUEST_WRITE ? EPT_W : 0) |
	       (prot & PROT_GUEST_EXEC ? EPT_X : 0);
}

static u64 ept_make_table(hpa_t table, int level)
{
	return table | EPT_R | EPT_W | EPT_X;
}

static u64 ept_make_leaf(const struct mmu_map *map, int level)
{
	return ept_set_prot(map->hpa | EPT_A | (level ? EPT_LARGE : 0), map->prot);
}

static bool ept_is_present(u64 pte, int level)
{
	return pte & 7;
}

static u8 ept_prot(u64 pte)
{
	return PROT_GUEST_READ | (pte & EPT_W ? PROT_GUEST_WRITE : 0) |
	       (pte & EPT_X ? PROT_GUEST_EXEC : 0);
}

static bool ept_is_leaf(u64 pte, int level)
{
	return !level || (pte & EPT_LARGE);
}

static bool ept_is_old(u64 pte)
{
	return !(pte & EPT_A);
}

static u64 ept_make_old(u64 pte)
{
	return pte & ~EPT_A;
}

static const struct pgtable_format format_ept = {
	.name = "EPT", .levels = 4, .root_bits = 9,
	.level = { NINE_BITS(12, true), NINE_BITS(21, true), NINE_BITS(30, true),
		   NINE_BITS(39, false) },
	.make_table = ept_make_table, .make_leaf = ept_make_leaf,
	.is_present = ept_is_present, .is_leaf = ept_is_leaf,
	.address = any_address, .prot = ept_prot, .set_prot = ept_set_prot,
	.is_old = ept_is_old, .make_old = ept_make_old, .replace = hooked_replace,
};

/* --- like arm64: concatenated root, break before make, an access flag -------------------- */

#define ARM_VALID	BIT_ULL(0)
#define ARM_TABLE	BIT_ULL(1)	/* or page, at the last level */
#define ARM_R		BIT_ULL(6)
#define ARM_W		BIT_ULL(7)
#define ARM_AF		BIT_ULL(10)
#define ARM_CONTIGUOUS	BIT_ULL(52)
#define ARM_XN		BIT_ULL(54)
#define ARM_LOCKED	BIT_ULL(2)

static u64 arm_set_prot(u64 pte, u8 prot)
{
	return (pte & ~(ARM_R | ARM_W | ARM_XN)) | ARM_R |
	       (prot & PROT_GUEST_WRITE ? ARM_W : 0) | (prot & PROT_GUEST_EXEC ? 0 : ARM_XN);
}

static u64 arm_make_table(hpa_t table, int level)
{
	return table | ARM_VALID | ARM_TABLE;
}

static u64 arm_make_leaf(const struct mmu_map *map, int level)
{
	return arm_set_prot(map->hpa | ARM_VALID | (level ? 0 : ARM_TABLE) | ARM_AF, map->prot);
}

static bool arm_is_present(u64 pte, int level)
{
	return pte & ARM_VALID;
}

static bool arm_is_leaf(u64 pte, int level)
{
	return !level || !(pte & ARM_TABLE);
}

static hpa_t arm_address(u64 pte, int level)
{
	return pte & GENMASK_ULL(47, 12);
}

static u8 arm_prot(u64 pte)
{
	return PROT_GUEST_READ | (pte & ARM_W ? PROT_GUEST_WRITE : 0) |
	       (pte & ARM_XN ? 0 : PROT_GUEST_EXEC);
}

static bool arm_is_old(u64 pte)
{
	return !(pte & ARM_AF);
}

static u64 arm_make_old(u64 pte)
{
	return pte & ~ARM_AF;
}

/* Each entry of a contiguous block of 16 holds its own address. */
static u64 arm_make_contiguous(const struct mmu_map *map, int level)
{
	return arm_make_leaf(map, level) | (map->order == 4 ? ARM_CONTIGUOUS : 0);
}

static bool arm_is_contiguous(u64 pte)
{
	return pte & ARM_CONTIGUOUS;
}

/* 40 bits of guest physical space: two tables side by side as the root. */
#define ARM_FORMAT					\
	.levels = 3, .root_order = 1, .root_bits = 10,	\
	.level = { NINE_BITS(12, true), NINE_BITS(21, true), NINE_BITS(30, true) },	\
	.break_before_make = true, .relax_flush = true, .locked = ARM_LOCKED,		\
	.bits = { .present = ARM_VALID, .leaf = ARM_TABLE, .leaf_flip = ARM_TABLE },	\
	.make_table = arm_make_table,			\
	.is_present = arm_is_present, .is_leaf = arm_is_leaf,				\
	.address = arm_address, .prot = arm_prot, .set_prot = arm_set_prot,		\
	.is_old = arm_is_old, .make_old = arm_make_old, .replace = hooked_replace

static const struct pgtable_format format_arm = {
	.name = "arm64, 40 bits", ARM_FORMAT, .make_leaf = arm_make_leaf,
};

static const struct pgtable_format format_arm_contiguous = {
	.name = "arm64, 40 bits, contiguous", ARM_FORMAT,
	.make_leaf = arm_make_contiguous, .group_order = 4, .is_group = arm_is_contiguous,
};

/* --- like Sv39x4: a root four times as wide, accessed not tracked ---------------------------- */

#define SV_V		BIT_ULL(0)
#define SV_R		BIT_ULL(1)
#define SV_W		BIT_ULL(2)
#define SV_X		BIT_ULL(3)
#define SV_PPN		GENMASK_ULL(53, 10)
#define SV_LOCKED	BIT_ULL(8)
#define SV_N		BIT_ULL(63)

static u64 sv_set_prot(u64 pte, u8 prot)
{
	return (pte & ~(SV_W | SV_X)) | SV_R | (prot & PROT_GUEST_WRITE ? SV_W : 0) |
	       (prot & PROT_GUEST_EXEC ? SV_X : 0);
}

static u64 sv_make_table(hpa_t table, int level)
{
	return table >> 2 | SV_V;
}

static u64 sv_make_leaf(const struct mmu_map *map, int level)
{
	return sv_set_prot(map->hpa >> 2 | SV_V, map->prot);
}

static bool sv_is_present(u64 pte, int level)
{
	return pte & SV_V;
}

static bool sv_is_leaf(u64 pte, int level)
{
	return pte & (SV_R | SV_W | SV_X);
}

static hpa_t sv_address(u64 pte, int level)
{
	return (pte & SV_PPN) << 2;
}

static u8 sv_prot(u64 pte)
{
	return PROT_GUEST_READ | (pte & SV_W ? PROT_GUEST_WRITE : 0) |
	       (pte & SV_X ? PROT_GUEST_EXEC : 0);
}

/* All 16 entries of 64 KiB are the same, the size in the low bits of the address. */
static u64 sv_make_napot(const struct mmu_map *map, int level)
{
	u64 pte = sv_make_leaf(map, level);

	return map->order == 4 ? (pte & ~GENMASK_ULL(13, 10)) | BIT_ULL(13) | SV_N : pte;
}

static bool sv_is_napot(u64 pte)
{
	return pte & SV_N;
}

static hpa_t sv_address_napot(u64 pte, int level)
{
	return sv_address(pte & SV_N ? pte & ~GENMASK_ULL(13, 10) : pte, level);
}

#define SV39_FORMAT					\
	.levels = 3, .root_order = 2, .root_bits = 11,	\
	.level = { NINE_BITS(12, true), NINE_BITS(21, true), NINE_BITS(30, true) },	\
	.relax_flush = true,				\
	.bits = { .present = SV_V, .leaf = SV_R | SV_W | SV_X, .address = SV_PPN,	\
		  .address_shift = 2, .may_write = BIT_ULL(9), .write = SV_W },	\
	.make_table = sv_make_table,			\
	.is_present = sv_is_present, .is_leaf = sv_is_leaf,	\
	.prot = sv_prot, .set_prot = sv_set_prot,	\
	.replace = hooked_replace

static const struct pgtable_format format_sv39 = {
	.name = "Sv39x4", SV39_FORMAT, .make_leaf = sv_make_leaf, .address = sv_address,
};

static const struct pgtable_format format_sv39_napot = {
	.name = "Sv39x4, Svnapot", SV39_FORMAT, .locked = SV_LOCKED,
	.make_leaf = sv_make_napot, .address = sv_address_napot,
	.group_order = 4, .is_group = sv_is_napot,
};

/* --- like s390: zero is a mapping, write is an inverted bit, tables of 16 KiB ------------------ */

#define S390_INVALID	BIT_ULL(10)	/* of a page */
#define S390_PROTECT	BIT_ULL(9)
#define S390_LARGE	BIT_ULL(2)	/* of a segment */
#define S390_REGION_I	BIT_ULL(5)	/* invalid, of a segment or region */

static u64 s390_set_prot(u64 pte, u8 prot)
{
	return (pte & ~S390_PROTECT) | (prot & PROT_GUEST_WRITE ? 0 : S390_PROTECT);
}

static u64 s390_make_table(hpa_t table, int level)
{
	return table;
}

static u64 s390_make_leaf(const struct mmu_map *map, int level)
{
	return s390_set_prot(map->hpa | (level ? S390_LARGE : 0), map->prot);
}

static bool s390_is_present(u64 pte, int level)
{
	return !(pte & (level ? S390_REGION_I : S390_INVALID));
}

static bool s390_is_leaf(u64 pte, int level)
{
	return !level || (pte & S390_LARGE);
}

static u8 s390_prot(u64 pte)
{
	return PROT_GUEST_READ | PROT_GUEST_EXEC |
	       (pte & S390_PROTECT ? 0 : PROT_GUEST_WRITE);
}

static const struct pgtable_format format_s390 = {
	.name = "s390, region third", .levels = 3, .root_order = 2, .root_bits = 11,
	.level = {
		{ .shift = 12, .bits = 8, .leaf = true, .empty = S390_INVALID },
		{ .shift = 20, .bits = 11, .table_order = 2, .leaf = true,
		  .empty = S390_REGION_I },
		{ .shift = 31, .bits = 11, .table_order = 2, .empty = S390_REGION_I },
	},
	.make_table = s390_make_table, .make_leaf = s390_make_leaf,
	.is_present = s390_is_present, .is_leaf = s390_is_leaf,
	.address = any_address, .prot = s390_prot, .set_prot = s390_set_prot,
	.replace = hooked_replace,
};

/* All but what is added have pages of 4 KiB. */
const struct pgtable_format *formats[FORMATS_MAX] = {
#if PAGE_SHIFT == 12
	&format_npt4, &format_npt5, &format_ept, &format_arm, &format_arm_contiguous,
	&format_sv39, &format_sv39_napot, &format_s390,
#endif
};

void format_add(const struct pgtable_format *format)
{
	const struct pgtable_format **end = formats;

	while (*end)
		end++;
	*end = format;
}

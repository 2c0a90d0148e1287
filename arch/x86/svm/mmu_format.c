// SPDX-License-Identifier: GPL-2.0-only
/*
 * NPT entries for the page-table library: the host's own long-mode format (APM, "Nested
 * Paging").  No hardware is touched here; mmu.c does that.
 */
#include <linux/mem_encrypt.h>
#include <linux/pgtable.h>

#include "mmu_format.h"

/* Nested entries are checked as user accesses, so U is always set. */
#define NPT_PRESENT	_PAGE_PRESENT
#define NPT_WRITE	_PAGE_RW
#define NPT_USER	_PAGE_USER
#define NPT_ACCESSED	_PAGE_ACCESSED
#define NPT_DIRTY	_PAGE_DIRTY
#define NPT_LARGE	_PAGE_PSE
#define NPT_NX		_PAGE_NX
#define NPT_UNCACHED	(_PAGE_PCD | _PAGE_PWT)
#define NPT_ADDRESS	GENMASK_ULL(51, 12)
#define NPT_MAY_WRITE	_PAGE_SOFTW1	/* not looked at by hardware */

static u64 npt_make_table(hpa_t table, int level)
{
	return __sme_set(table) | NPT_PRESENT | NPT_WRITE | NPT_USER | NPT_ACCESSED;
}

static u64 npt_set_prot(u64 pte, u8 prot)
{
	pte &= ~(NPT_WRITE | NPT_NX);
	if (prot & PROT_GUEST_WRITE)
		pte |= NPT_WRITE;
	if (!(prot & PROT_GUEST_EXEC))
		pte |= NPT_NX;

	return pte;
}

static u64 npt_make_leaf(const struct mmu_map *map, int level)
{
	u64 pte = __sme_set(map->hpa) | NPT_PRESENT | NPT_USER | NPT_ACCESSED;

	if (level > 0)
		pte |= NPT_LARGE;
	if (map->memtype != MEMTYPE_NORMAL)
		pte |= NPT_UNCACHED;
	/* What is writable counts as dirty: its page was marked when mapped. */
	if (map->prot & PROT_GUEST_WRITE)
		pte |= NPT_DIRTY;

	return npt_set_prot(pte, map->prot);
}

static bool npt_is_present(u64 pte, int level)
{
	return pte & NPT_PRESENT;
}

static bool npt_is_leaf(u64 pte, int level)
{
	return level == 0 || (pte & NPT_LARGE);
}

static hpa_t npt_address(u64 pte, int level)
{
	hpa_t address = __sme_clr(pte) & NPT_ADDRESS;

	/* Bit 12 of a large leaf is PAT, not address. */
	if (level > 0 && (pte & NPT_LARGE))
		address &= PMD_MASK;

	return address;
}

static u8 npt_prot(u64 pte)
{
	return PROT_GUEST_READ | (pte & NPT_WRITE ? PROT_GUEST_WRITE : 0) |
		(pte & NPT_NX ? 0 : PROT_GUEST_EXEC);
}

static bool npt_is_old(u64 pte)
{
	return !(pte & NPT_ACCESSED);
}

static u64 npt_make_old(u64 pte)
{
	return pte & ~NPT_ACCESSED;
}

#define NPT_LEVEL(shift_, leaf_) \
	{ .shift = (shift_), .bits = 9, .table_order = 0, .leaf = (leaf_), .empty = 0 }

#define NPT_FORMAT(name_, levels_)				\
	.name		= (name_),				\
	.levels		= (levels_),				\
	.level		= {					\
		NPT_LEVEL(12, true),				\
		NPT_LEVEL(21, true),				\
		NPT_LEVEL(30, true),				\
		NPT_LEVEL(39, false),				\
		NPT_LEVEL(48, false),				\
	},							\
	.root_order	= 0,					\
	.root_bits	= 9,					\
	.bits		= {					\
		.present = NPT_PRESENT,				\
		.leaf	 = NPT_LARGE,				\
		.address = NPT_ADDRESS,				\
		.may_write = NPT_MAY_WRITE,			\
		.write	 = NPT_WRITE | NPT_DIRTY,		\
	},							\
	.make_table	= npt_make_table,			\
	.make_leaf	= npt_make_leaf,			\
	.is_present	= npt_is_present,			\
	.is_leaf	= npt_is_leaf,				\
	.address	= npt_address,				\
	.prot		= npt_prot,				\
	.set_prot	= npt_set_prot,				\
	.is_old		= npt_is_old,				\
	.make_old	= npt_make_old,				\
	.locked		= BIT_ULL(52)	/* not present, ignored by hardware */

struct pgtable_format npt_formats[NPT_FORMATS] = {
	{ NPT_FORMAT("NPT, 4 levels", 4) },
	{ NPT_FORMAT("NPT, 5 levels", 5) },
};

void npt_formats_setup(void)
{
	int i;

	/* The bit that encrypts is within the address. */
	for (i = 0; i < NPT_FORMATS; i++)
		npt_formats[i].bits.address = __sme_clr(NPT_ADDRESS);
}

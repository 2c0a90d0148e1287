// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host kernel has but keeps to itself.  Levels of its page tables may be
 * folded at boot, so finding an entry of one is a function, which <linux/pgtable.h>
 * declares and the kernel does not export.  These are the module's own, for the
 * walk in core/host.h.
 */
#include <linux/pgtable.h>

p4d_t *p4d_offset(pgd_t *pgd, unsigned long address)
{
	if (!pgtable_l5_enabled)
		return (p4d_t *)pgd;

	return pgd_pgtable(*pgd) + p4d_index(address);
}

pud_t *pud_offset(p4d_t *p4d, unsigned long address)
{
	if (!pgtable_l4_enabled)
		return (pud_t *)p4d;

	return p4d_pgtable(*p4d) + pud_index(address);
}

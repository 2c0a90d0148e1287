// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested paging: the upkeep of the TLB entries that come from it.  What an entry looks
 * like is in mmu_format.c; the tables themselves are core/pgtable.c's.
 */
#include <linux/mem_encrypt.h>
#include <linux/pgtable.h>

#include "svm.h"
#include "mmu_format.h"

int npt_mmu_create(struct vm *vm)
{
	const struct pgtable_format *format = &npt_formats[pgtable_l5_enabled()];
	int err;

	err = pgtable_create(&vm->as[0].pgtable, vm, 0, format);
	if (err)
		return err;
	vm->arch.svm.npt_root = __sme_set(vm->as[0].pgtable.root_hpa);

	return 0;
}

void npt_mmu_destroy(struct vm *vm)
{
	pgtable_destroy(&vm->as[0].pgtable);
}

int npt_mmu_slot_check(struct vm *vm, const struct memslot *slot)
{
	return x86_slot_check(vm, slot);
}

/* Caches and instruction fetch are coherent on x86: nothing is owed. */
void npt_mmu_sync_page(struct vm *vm, const struct mmu_map *map)
{
}

/*
 * A tag covers both stages, so there is nothing narrower to drop than all of
 * it; each vCPU does that for its own tag before it enters again.
 */
void npt_mmu_flush(struct vm *vm, struct gfn_range range)
{
	vm_request_all(vm, REQ_FLUSH_ALL, true);
}

void npt_mmu_flush_all(struct vm *vm)
{
	vm_request_all(vm, REQ_FLUSH_ALL, true);
}

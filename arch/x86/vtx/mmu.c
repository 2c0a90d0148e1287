// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended page tables: the choice of their shape, and the upkeep of the TLB entries
 * that come from them.  What an entry looks like is in mmu_format.c; the tables
 * themselves are core/pgtable.c's.
 *
 * What the CPU caches of EPT is tagged by the EPT pointer, and what it caches of both
 * stages together by the VPID as well.  No tag separates the CPUs that a vCPU has
 * been on: one that comes to another CPU drops there what it, or somebody else of its
 * VM, left behind before the last flushes (vtx_vcpu_load()).  Together with a request
 * to every vCPU that makes every flush complete; and a VM whose root table lies where
 * that of a dead one did finds nothing of it.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <asm/cpufeature.h>

#include "vtx.h"
#include "mmu_format.h"

/* Chosen once, at load. */
static struct ept_shape ept_shape;
static struct pgtable_format ept_format;

const char *ept_caps_missing(u64 ept_vpid)
{
	return ept_cap_missing(ept_vpid);
}

/*
 * On CPUs with this erratum a guest that changes the size of a page can stop the
 * machine, if its instruction fetches may hit a large entry: give them small ones.
 */
static bool ept_mitigates_multihit(void)
{
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
}

void ept_setup(void)
{
	ept_shape_choose(&ept_shape, vtx_caps.ept_vpid, boot_cpu_data.x86_phys_bits);
	ept_shape.logs_writes = ept_shape.accessed_dirty &&
		vtx_can(VTX_SECONDARY, SECONDARY_EXEC_ENABLE_PML);
	ept_shape.exec_small = ept_mitigates_multihit();
	x86_host_multihit_report(ept_shape.exec_small);
	ept_make(&ept_format, &ept_shape);
}

int ept_mmu_create(struct vm *vm)
{
	int err;

	err = pgtable_create(&vm->as[0].pgtable, vm, 0, &ept_format);
	if (err)
		return err;
	vm->arch.vtx.eptp = ept_pointer(vm->as[0].pgtable.root_hpa, &ept_shape);

	return 0;
}

void ept_mmu_destroy(struct vm *vm)
{
	pgtable_destroy(&vm->as[0].pgtable);
}

int ept_mmu_slot_check(struct vm *vm, const struct memslot *slot)
{
	return x86_slot_check(vm, slot);
}

/* Caches and instruction fetch are coherent on x86: nothing is owed to the page. */
void ept_mmu_sync_page(struct vm *vm, const struct mmu_map *map)
{
	if (unlikely(map->memtype == MEMTYPE_DEVICE))
		WRITE_ONCE(vm->arch.vtx.clear_buffers, x86_host.clear_for_mmio);
}

/*
 * INVEPT knows nothing narrower than an EPT pointer, and works on the CPU that
 * executes it: each vCPU does that before it enters again.
 */
void ept_mmu_flush(struct vm *vm, struct gfn_range range)
{
	vm_request_all(vm, REQ_FLUSH_ALL, true);
}

void ept_mmu_flush_all(struct vm *vm)
{
	vm_request_all(vm, REQ_FLUSH_ALL, true);
}

void ept_flush_local(struct vcpu *vcpu)
{
	if (vtx_caps.ept_vpid & VMX_EPT_EXTENT_CONTEXT_BIT)
		vtx_invept(VMX_EPT_EXTENT_CONTEXT, vcpu->vm->arch.vtx.eptp);
	else
		vtx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
}

/* --- page-modification logging ------------------------------------------------- */

/*
 * With PML the CPU notes the guest physical address of every page whose dirty bit it
 * sets, in a page of the vCPU's own, and exits when that is full.  Only a dirty log
 * makes entries without that bit (ept_make_leaf_tracked()): without one there is
 * nothing to note.
 */
#define PML_ENTRIES	512

int ept_vcpu_create(struct vcpu *vcpu)
{
	if (!ept_shape.logs_writes)
		return 0;
	vcpu->arch.vtx.pml = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	return vcpu->arch.vtx.pml ? 0 : -ENOMEM;
}

void ept_vcpu_destroy(struct vcpu *vcpu)
{
	free_page((unsigned long)vcpu->arch.vtx.pml);
	vcpu->arch.vtx.pml = NULL;
}

/* vm->srcu held. */
static void pml_mark_dirty(struct vcpu *vcpu, gpa_t gpa)
{
	struct memslot *slot = vcpu_memslot(vcpu, gpa_to_gfn(gpa));

	if (slot)
		memslot_mark_dirty(slot, gpa_to_gfn(gpa));
}

void ept_pml_drain(struct vcpu *vcpu)
{
	/* The index counts down; it names the entry that comes next, or 0xffff: full. */
	u16 index = vtx_read(GUEST_PML_INDEX);
	int srcu;

	if (likely(index == PML_ENTRIES - 1))
		return;

	srcu = srcu_read_lock(&vcpu->vm->srcu);
	for (index++; index < PML_ENTRIES; index++)
		pml_mark_dirty(vcpu, vcpu->arch.vtx.pml[index]);
	srcu_read_unlock(&vcpu->vm->srcu, srcu);
	vtx_write(GUEST_PML_INDEX, PML_ENTRIES - 1);
}

/* --- misconfigurations ------------------------------------------------------------ */

/* From the root to the first entry that is wrong or maps the page.  mmu_lock held. */
static const char *ept_walk_explain(struct pgtable *pt, gpa_t gpa, u64 *pte)
{
	const u64 *table = pt->root;
	const char *text;
	int level;

	for (level = ept_shape.levels - 1; level >= 0; level--) {
		*pte = READ_ONCE(table[gpa >> (12 + 9 * level) & 511]);
		text = ept_entry_explain(*pte, level, &ept_shape);
		if (text)
			return text;
		if (!ept_format.is_present(*pte, level) || ept_format.is_leaf(*pte, level))
			break;
		table = __va(ept_format.address(*pte, level));
	}

	return "is right by now";
}

const char *ept_explain(struct vm *vm, gpa_t gpa, u64 *pte)
{
	struct pgtable *pt = &vm->as[0].pgtable;
	const char *text;

	read_lock(&vm->mmu_lock);
	text = ept_walk_explain(pt, gpa, pte);
	read_unlock(&vm->mmu_lock);

	return text;
}

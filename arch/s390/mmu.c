// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest storage: which tables a VM has, what keeps TLBs honest, the prefix area, and
 * faults.  What an entry looks like is in mmu_format.c, storage keys are in keys.c.
 *
 * No store changes a valid entry, because a CPU may be in the middle of an instruction that
 * has translated by it: that would be a delayed access exception, a machine check of the
 * host.  CSPG purges all TLBs with the exchange, whether the entry goes away, is locked to
 * become another one, or protects more or less (Principles of Operation, "Modification of
 * Translation Tables").  What is not valid is in no TLB, so a store may make it valid.  A
 * flush is an IDTE that clears by ASCE on all CPUs.
 *
 * The prefix area is an exception: SIE looks its host address up once, at the entry,
 * and uses it without any table from then on.  So a vCPU whose prefix area changes its
 * place has to leave SIE, and must not enter before both pages are mapped again.
 */
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include <core/pgtable.h>

#include "mmu_format.h"
#include "s390.h"

#define PREFIX_PAGES	2

/* By how far they reach; constant after setup. */
static struct pgtable_format formats[DAT_SPANS];

static bool entry_replace(u64 *ptep, u64 old, u64 new, int level)
{
	if (dat_entry_is_valid(old, level))
		return cspg((unsigned long *)ptep, old, new);

	return cmpxchg(ptep, old, new) == old;
}

void s390_mmu_setup(void)
{
	enum dat_span span;

	for (span = 0; span < DAT_SPANS; span++)
		dat_format_make(&formats[span], span, s390_host.edat1, entry_replace);
}

/* --- flushes --------------------------------------------------------------- */

u64 s390_mmu_asce(struct vm *vm)
{
	struct pgtable *pt = &vm->as[0].pgtable;

	return dat_asce(pt->format, pt->root_hpa);
}

static bool prefix_is_in(struct vcpu *vcpu, const struct gfn_range *range)
{
	gfn_t first = gpa_to_gfn(s390_prefix(vcpu));

	return first < range->end && first + PREFIX_PAGES > range->start;
}

/*
 * A vCPU that sets its prefix register maps the area after that, under mmu_lock, before
 * it enters.  So whoever took an entry of it away, under mmu_lock, sees the new address.
 */
void s390_mmu_flush(struct vm *vm, struct gfn_range range)
{
	struct vcpu *vcpu;
	unsigned int i;

	/* No vCPU yet: nobody has walked the tables. */
	if (!vm_vcpu(vm, 0))
		return;

	WRITE_ONCE(vm->stats.remote_flush, vm->stats.remote_flush + 1);
	smp_mb();
	__tlb_flush_idte(s390_mmu_asce(vm));
	vm_for_each_vcpu(i, vcpu, vm)
		if (prefix_is_in(vcpu, &range))
			vm_request_some(vm, &vcpu, 1, REQ_PREFIX);
}

void s390_mmu_flush_all(struct vm *vm)
{
	s390_mmu_flush(vm, (struct gfn_range) { .end = U64_MAX });
}

/* --- life ------------------------------------------------------------------ */

static enum dat_span span_of(u64 limit)
{
	enum dat_span span = DAT_SPAN_2G;

	while (span < DAT_SPANS - 1 && pgtable_span(&formats[span]) < limit)
		span++;

	return span;
}

int s390_mmu_create(struct vm *vm)
{
	int err;

	s390_keys_create(vm);
	err = pgtable_create(&vm->as[0].pgtable, vm, 0, &formats[DAT_SPAN_8P]);
	if (err)
		return err;
	vm->arch.mem_limit = pgtable_span(&formats[DAT_SPAN_8P]);

	return s390_host_gmap_create(vm, s390_mmu_asce(vm));
}

void s390_mmu_destroy(struct vm *vm)
{
	struct pgtable *pt = &vm->as[0].pgtable;

	s390_host_gmap_destroy(vm);
	if (pt->root) {
		/* The next one to have this page as its root must not find anything of ours. */
		smp_mb();
		__tlb_flush_idte(s390_mmu_asce(vm));
		pgtable_destroy(pt);
		s390_keys_destroy(vm);
	}
}

u64 s390_mmu_limit(struct vm *vm)
{
	return vm->arch.mem_limit;
}

u64 s390_mmu_limit_max(void)
{
	return pgtable_span(&formats[DAT_SPANS - 1]);
}

/* Notifiers may look at the tables at any time, and find nothing in either. */
int s390_mmu_set_limit(struct vm *vm, u64 limit)
{
	struct pgtable fresh = { };
	int err;

	lockdep_assert_held(&vm->lock);

	if (vm_vcpu(vm, 0))
		return -EBUSY;
	if (!limit)
		return -EINVAL;
	if (limit == KVM_S390_NO_MEM_LIMIT)
		limit = s390_mmu_limit_max();
	if (limit > s390_mmu_limit_max())
		return -E2BIG;

	err = pgtable_create(&fresh, vm, 0, &formats[span_of(limit)]);
	if (err)
		return err;

	write_lock(&vm->mmu_lock);
	swap(vm->as[0].pgtable, fresh);
	vm->arch.mem_limit = limit;
	write_unlock(&vm->mmu_lock);
	s390_host_gmap_change(vm, s390_mmu_asce(vm));
	pgtable_destroy(&fresh);

	return 0;
}

int s390_mmu_slot_check(struct vm *vm, const struct memslot *slot)
{
	return gfn_to_gpa(slot->base + slot->npages) > READ_ONCE(vm->arch.mem_limit) ? -EINVAL : 0;
}

void s390_mmu_sync_page(struct vm *vm, const struct mmu_map *map)
{
	s390_keys_sync(vm, map);
}

/* --- faults ---------------------------------------------------------------- */

/*
 * Map for stores what was only fetched from, if possible?  With storage keys, because the
 * frame must be the guest's alone: its key is that of the frame.  Where the machine does
 * not tell fetches from stores and makes the second fault an expensive one, because the
 * store is what most faults are for; with a dirty log it would count.
 */
static bool fault_takes_all(struct vcpu *vcpu, gpa_t gpa)
{
	const struct memslot *slot = vcpu_memslot(vcpu, gpa_to_gfn(gpa));

	if (!slot)
		return false;

	return s390_keys_used(vcpu->vm) || (!s390_host.esop && !slot->dirty);
}

int s390_mmu_fault(struct vcpu *vcpu, gpa_t gpa, bool write)
{
	int ret;

	if (gpa >= vcpu->vm->arch.mem_limit)
		return FAULT_NO_SLOT;

	if (!write && fault_takes_all(vcpu, gpa)) {
		ret = vcpu_fault(vcpu, gpa, PROT_GUEST_READ | PROT_GUEST_WRITE);
		/* The host may only read there. */
		if (ret != -EFAULT)
			return ret;
	}

	return vcpu_fault(vcpu, gpa, PROT_GUEST_READ | (write ? PROT_GUEST_WRITE : 0));
}

u8 s390_mmu_find(struct vm *vm, gpa_t gpa, hpa_t *hpa)
{
	struct pgtable *pt = &vm->as[0].pgtable;
	u64 pte, offset;
	int level;

	level = pgtable_lookup(pt, gpa, &pte);
	if (level < 0)
		return 0;
	offset = gpa & ((1ULL << pt->format->level[level].shift) - 1);
	*hpa = pt->format->address(pte, level) + offset;

	return pt->format->prot(pte);
}

/* PROT_GUEST_* of what is mapped there, or 0. */
static u8 gpa_prot(struct vm *vm, gpa_t gpa)
{
	hpa_t hpa;
	u8 prot;

	read_lock(&vm->mmu_lock);
	prot = s390_mmu_find(vm, gpa, &hpa);
	read_unlock(&vm->mmu_lock);

	return prot;
}

static bool gpa_is_writable(struct vm *vm, gpa_t gpa)
{
	return gpa_prot(vm, gpa) & PROT_GUEST_WRITE;
}

bool s390_mmu_is_mapped(struct vm *vm, gpa_t gpa)
{
	return gpa_prot(vm, gpa);
}

/* Mapping may have to be tried again: then the request stays. */
int s390_mmu_prefix(struct vcpu *vcpu)
{
	gpa_t gpa = s390_prefix(vcpu), end = gpa + PREFIX_PAGES * PAGE_SIZE;
	int ret;

	vcpu->arch.stats.prefix_faults++;
	for (; gpa < end; gpa += PAGE_SIZE) {
		if (gpa_is_writable(vcpu->vm, gpa))
			continue;
		ret = s390_mmu_fault(vcpu, gpa, true);
		if (ret == FAULT_NO_SLOT)
			return vcpu_exit_memory_fault(vcpu, gpa, PAGE_SIZE);
		if (ret != RESUME_GUEST)
			return ret;
		if (!gpa_is_writable(vcpu->vm, gpa))
			vcpu_request(vcpu, REQ_PREFIX);
	}

	return RESUME_GUEST;
}

/* --- protection exceptions ------------------------------------------------- */

/* How often one instruction may run into a protection that is not there. */
#define PROTECTION_TRIES	1000

/* The translation-exception identification: which address space. */
#define TEID_SPACE	3ULL
#define PSW_ASC_SHIFT	46

/* The instruction that the exception suppressed; all zeroes if it is not to be had. */
static struct insn store_insn(struct vcpu *vcpu)
{
	u16 ilc = vcpu->arch.sie->pgmilc & 6;
	struct { u16 ipa; u32 ipb; } __packed text = { };

	if (s390_fetch(vcpu, s390_wrap(vcpu, s390_psw(vcpu)->addr - ilc), &text, ilc))
		return (struct insn) { };

	return (struct insn) { .ipa = text.ipa, .ipb = text.ipb };
}

/* STORE USING REAL ADDRESS: only the key may forbid it.  As translate_store(). */
static int translate_store_real(struct vcpu *vcpu, const struct insn *insn, gpa_t *absolute)
{
	u64 real = insn_rre_address2(vcpu, insn);
	u8 key;

	*absolute = s390_real_to_abs(vcpu, real);
	if (s390_key_get(vcpu->vm, gpa_to_gfn(*absolute), &key))
		return PGM_ADDRESSING;

	return s390_key_allows(vcpu, s390_psw_key(vcpu), key, S390_STORE, real, false) ?
	       0 : PGM_PROTECTION;
}

/*
 * Would the guest's own rules let it store where the exception was?  Not its low-address
 * protection, of which only the page is known: it would be in the way of all stores there.
 * Nor a key that is neither that of the PSW nor seen here: if that forbids it, trying again
 * comes to an end.  What EXECUTE stores counts as a store with the PSW's.
 * 0 and @absolute, or as in access.h.
 */
static int translate_store(struct vcpu *vcpu, u64 teid, gpa_t *absolute)
{
	u64 address = (teid & PAGE_MASK) + 512;
	struct insn insn = store_insn(vcpu);
	enum insn_store store = insn_store(insn.ipa);
	psw_t *psw = s390_psw(vcpu);
	u64 mask = psw->mask;
	int ret;

	if (store == INSN_STORE_REAL)
		return translate_store_real(vcpu, &insn, absolute);

	/* The space may be another than that of the PSW: moves between spaces. */
	if (mask & PSW_MASK_DAT)
		psw->mask = (mask & ~PSW_MASK_ASC) | (teid & TEID_SPACE) << PSW_ASC_SHIFT;
	ret = s390_translate(vcpu, address, vcpu->arch.sie->eai & 15, S390_STORE,
			     store == INSN_STORE_KEY ? S390_NO_KEY : s390_psw_key(vcpu),
			     absolute);
	psw->mask = mask;

	return ret;
}

/* Could it be low-address protection?  That is for the begin of a page. */
static bool protection_may_be_low(struct vcpu *vcpu, u64 address)
{
	return s390_low_protected(vcpu, address & PAGE_MASK);
}

/*
 * The page is mapped for stores by now, because another vCPU was faster, and the guest's
 * tables and keys allow the store: so once more is worth a try.  Low-address protection
 * it is if the same instruction comes back with the same page.  Others may come back,
 * because slots and mappings change all the time, but not for ever.
 */
static bool protection_is_stubborn(struct vcpu *vcpu, u64 psw, u64 address)
{
	struct s390_protection *last = &vcpu->arch.protection;

	if (last->psw != psw || last->address != address) {
		*last = (struct s390_protection) { .psw = psw, .address = address };
		return false;
	}
	last->count++;

	return protection_may_be_low(vcpu, address) || last->count > PROTECTION_TRIES;
}

/* Make the page writable.  RESUME_GUEST, or FAULT_NO_SLOT: see s390_mmu_protection(). */
static int protection_lift(struct vcpu *vcpu, gpa_t absolute)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	int ret;

	if (gpa_is_writable(vcpu->vm, absolute))
		return protection_is_stubborn(vcpu, sie->gpsw.addr, sie->tecmc) ?
		       FAULT_NO_SLOT : RESUME_GUEST;

	vcpu->arch.protection = (struct s390_protection) { };
	ret = s390_mmu_fault(vcpu, absolute, true);

	/* If it has just gone, the instruction will find that out. */
	return ret == FAULT_NO_SLOT ? RESUME_GUEST : ret;
}

int s390_mmu_protection(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	gpa_t absolute;
	int ret;

	ret = translate_store(vcpu, sie->tecmc, &absolute);
	if (ret < 0)
		return ret;
	if (!ret)
		ret = protection_lift(vcpu, absolute);
	else
		ret = ret == PGM_ADDRESSING ? RESUME_GUEST : FAULT_NO_SLOT;
	if (ret == RESUME_GUEST)
		sie->gpsw.addr = s390_wrap(vcpu, sie->gpsw.addr - (sie->pgmilc & 6));

	return ret;
}

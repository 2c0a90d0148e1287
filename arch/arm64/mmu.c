// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2: the translation registers of a VM, the invalidations that keep TLBs honest,
 * VMIDs, and the caches where a guest can get around them.  What descriptors look like
 * is in mmu_format.c.
 *
 * A VMID tags everything a CPU caches for a VM.  It is the VM's for as long as its
 * generation lasts; when they have run out, all of the old generation end at once.
 * VTTBR_EL2 holds a VM's tables and VMID only while one of its vCPUs is loaded, and for
 * the few instructions of an invalidation.  When the VMID of a loaded vCPU ends it
 * becomes 0, which no guest runs with.  Guest ASIDs are tagged with the VMID only, but mean
 * something else on each vCPU: a CPU that carried another vCPU before drops what that
 * one left (see tag_take()).  What the guest invalidates by itself reaches all CPUs,
 * because HCR_EL2.FB is 1, so what a vCPU left somewhere itself is no older than it.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <asm/barrier.h>
#include <asm/cacheflush.h>
#include <asm/cpufeature.h>
#include <asm/kvm_arm.h>
#include <asm/memory.h>
#include <asm/pgtable-hwdef.h>
#include <asm/tlbflush.h>
#include <core/pgtable.h>

#include "arm64.h"
#include "mmu_format.h"

static unsigned int tags;
module_param(tags, uint, 0444);
MODULE_PARM_DESC(tags, "Debug: number of TLB tags to use, at least 2; 0: all the CPU has");

/* By bits of guest physical space, from STAGE2_IPA_MIN on: constant after setup. */
static struct stage2 stage2[STAGE2_IPA_MAX - STAGE2_IPA_MIN + 1];
static unsigned int ipa_bits;		/* the largest of them; constant after setup */
static bool lpa2;			/* their descriptors; constant after setup */
static bool icache_aliases;		/* CTR_EL0.L1Ip; constant after setup */

static const struct stage2 *vm_stage2(const struct vm *vm)
{
	return container_of(vm->as[0].pgtable.format, struct stage2, format);
}

static u64 vm_vttbr(const struct vm *vm, unsigned long vmid)
{
	return stage2_vttbr(vm->as[0].pgtable.root_hpa, vmid);
}

/* --- the guests' regime -------------------------------------------------------------- */

/* What of the CPU's state regime_enter() changes. */
struct regime {
	u64	hcr, vtcr, vttbr;
	u64	tcr, sctlr;	/* of a loaded vCPU, with ARM64_WORKAROUND_SPECULATIVE_AT */
};

/*
 * CPUs with this erratum may translate for EL1 on speculation while EL2 runs with TGE
 * off.  That must not mix the stage 1 that happens to be in the registers with a VMID it
 * is not of: no walks, and no going without one (SCTLR_EL1.M 0), while they do not match.
 */
static bool regime_is_speculated(void)
{
	return cpus_have_final_cap(ARM64_WORKAROUND_SPECULATIVE_AT);
}

static void regime_stop_walks(struct regime *host)
{
	host->tcr = read_sysreg_s(SYS_TCR_EL12);
	write_sysreg_s(host->tcr | TCR_EPD0_MASK | TCR_EPD1_MASK, SYS_TCR_EL12);
	isb();
	host->sctlr = read_sysreg_s(SYS_SCTLR_EL12);
	write_sysreg_s(host->sctlr | SCTLR_ELx_M, SYS_SCTLR_EL12);
	isb();
}

static void regime_resume_walks(const struct regime *host)
{
	write_sysreg_s(host->sctlr, SYS_SCTLR_EL12);
	isb();
	write_sysreg_s(host->tcr, SYS_TCR_EL12);
}

/*
 * Make the EL1&0 regime with @vm's VMID what TLBI instructions are about ("TLB
 * maintenance instructions"): with TGE on, those for EL1 are about the host's own.  All
 * of VTCR_EL2 is the VM's, because a TLB may have kept any of its bits.  Until
 * regime_leave(): irqs off, nothing of user space is touched.  A vCPU, of this VM or
 * another, may be loaded.
 */
static void regime_enter(const struct vm *vm, unsigned long vmid, struct regime *host)
{
	host->hcr = read_sysreg(hcr_el2);
	host->vtcr = read_sysreg_s(SYS_VTCR_EL2);
	host->vttbr = read_sysreg_s(SYS_VTTBR_EL2);

	if (regime_is_speculated())
		regime_stop_walks(host);
	write_sysreg_s(vm_stage2(vm)->vtcr, SYS_VTCR_EL2);
	write_sysreg_s(vm_vttbr(vm, vmid), SYS_VTTBR_EL2);
	write_sysreg(host->hcr & ~HCR_TGE, hcr_el2);
	isb();
}

static void regime_leave(const struct regime *host)
{
	write_sysreg(host->hcr, hcr_el2);
	write_sysreg_s(host->vttbr, SYS_VTTBR_EL2);
	write_sysreg_s(host->vtcr, SYS_VTCR_EL2);
	isb();
	if (regime_is_speculated())
		regime_resume_walks(host);
}

/* --- invalidations --------------------------------------------------------------------- */

/* Where an address is all an instruction can name, this many at most, then everything. */
#define TLBI_FRAMES_MAX	32

/* In the guests' regime: all that all CPUs have cached of stage 1, alone or with stage 2. */
static void tlbi_stage1(void)
{
	__tlbi(vmalle1is);
	dsb(ish);
	/* The erratum: what was invalidated may be in use until this is done twice. */
	if (cpus_have_final_cap(ARM64_WORKAROUND_REPEAT_TLBI)) {
		__tlbi(vmalle1is);
		dsb(ish);
	}
}

/* In the guests' regime: all that all CPUs have cached for the VMID. */
static void tlbi_all(void)
{
	__tlbi(vmalls12e1is);
	dsb(ish);
	if (cpus_have_final_cap(ARM64_WORKAROUND_REPEAT_TLBI)) {
		__tlbi(vmalls12e1is);
		dsb(ish);
	}
}

/* In the guests' regime: stage 2 of a range.  False: there is more than can be named. */
static bool tlbi_stage2(struct gfn_range range)
{
	u64 count = range.end - range.start, operand;
	gfn_t gfn;

	if (count > 1 && arm64_host.tlb_range) {
		operand = stage2_tlbi_range(range.start, count, lpa2);
		if (operand)
			__tlbi(ripas2e1is, operand);
		return operand;
	}
	if (count > TLBI_FRAMES_MAX)
		return false;
	for (gfn = range.start; gfn < range.end; gfn++)
		__tlbi(ipas2e1is, gfn_to_gpa(gfn) >> 12);

	return true;
}

/* In the guests' regime. */
static void tlbi_range(struct gfn_range range)
{
	if (!tlbi_stage2(range)) {
		tlbi_all();
		return;
	}
	/*
	 * An entry that was made of both stages is not found by the address between
	 * them.  It goes only when no new one can be made of the old stage 2.
	 */
	dsb(ish);
	tlbi_stage1();
}

void arm64_mmu_flush(struct vm *vm, struct gfn_range range)
{
	unsigned long flags, vmid;
	struct regime host;

	/*
	 * The entry is gone, for table walks of all CPUs, before the VMID is looked at,
	 * and vmid_renew() does it the other way round: a CPU that uses a newer VMID
	 * than ours walks the table as it is now.
	 */
	dsb(ish);
	vmid = READ_ONCE(vm->arch.vmid);
	/* Never on a CPU: nothing is cached. */
	if (range.start >= range.end || !READ_ONCE(vm->arch.vmid_generation))
		return;

	WRITE_ONCE(vm->stats.remote_flush, vm->stats.remote_flush + 1);
	/*
	 * If the VMID has ended by now it may be another VM's, which then fills its TLBs
	 * once more; in EL2 nothing is translated with it and our tables.
	 */
	local_irq_save(flags);
	regime_enter(vm, vmid, &host);
	tlbi_range(range);
	regime_leave(&host);
	local_irq_restore(flags);
}

void arm64_mmu_flush_all(struct vm *vm)
{
	arm64_mmu_flush(vm, (struct gfn_range) { .end = U64_MAX });
}

/* All that this CPU has cached of guests, whatever the VMID.  irqs off. */
static void tlbi_everything_local(void)
{
	dsb(nshst);
	__tlbi(alle1);
	dsb(nsh);
	isb();
}

/* What this CPU has cached of the guest's own tables.  irqs off. */
static void tlbi_stage1_local(const struct vm *vm, unsigned long vmid)
{
	struct regime host;

	regime_enter(vm, vmid, &host);
	__tlbi(vmalle1);
	dsb(nsh);
	regime_leave(&host);
}

/* --- VMIDs ------------------------------------------------------------------------------ */

static DEFINE_MUTEX(vmid_lock);
atomic64_t arm64_vmid_generation = ATOMIC64_INIT(1);
static unsigned long vmid_next = 1;	/* vmid_lock; 0 is nobody's */
static unsigned long vmid_count;	/* constant after setup */

/* In an interrupt, on each CPU: its VMID has ended. */
static void vmid_end(void *unused)
{
	write_sysreg_s(0, SYS_VTTBR_EL2);
	isb();
	tlbi_everything_local();
}

/*
 * The next generation.  A CPU that is in a guest with an old VMID leaves it for this
 * interrupt and does not enter again, because commit sees the generation; write_vttbr()
 * sees it, too.  So when all have answered nothing of the old one is cached or made any
 * more.  Broadcasting the invalidation instead would not do: it says nothing to a CPU
 * that goes on with the VMID and caches again.
 */
static void vmid_rollover(void)
{
	lockdep_assert_held(&vmid_lock);

	atomic64_inc(&arm64_vmid_generation);
	vmid_next = 1;
	on_each_cpu(vmid_end, NULL, 1);
}

/* Pairs with smp_store_release() in vmid_renew(). */
static bool vmid_is_current(const struct vm *vm)
{
	return smp_load_acquire(&vm->arch.vmid_generation) == atomic64_read(&arm64_vmid_generation);
}

/* May sleep. */
static void vmid_renew(struct vm *vm)
{
	guard(mutex)(&vmid_lock);

	if (vmid_is_current(vm))
		return;
	if (vmid_next >= vmid_count)
		vmid_rollover();
	WRITE_ONCE(vm->arch.vmid, vmid_next++);
	/* A vCPU that sees the generation sees its VMID. */
	smp_store_release(&vm->arch.vmid_generation, atomic64_read(&arm64_vmid_generation));
	/* Pairs with the one in arm64_mmu_flush(). */
	dsb(ish);
}

/* --- vCPUs ------------------------------------------------------------------------------ */

/*
 * The vCPU that last ran on this CPU with a VMID of this remainder, by serial number: it
 * may be gone.  Several, so that VMs that take turns do not cost each other their TLB
 * entries; two of the same remainder do.
 */
#define LAST_VCPUS	64
struct last_vcpus {
	u64	serial[LAST_VCPUS];
};
static DEFINE_PER_CPU(struct last_vcpus, last_vcpus);

/* This CPU is about to run the vCPU with this VMID, which is current.  irqs off. */
static void tag_take(struct vcpu *vcpu, unsigned long vmid)
{
	u64 *last = this_cpu_ptr(&last_vcpus.serial[vmid % LAST_VCPUS]);

	if (*last == vcpu->arch.serial)
		return;
	tlbi_stage1_local(vcpu->vm, vmid);
	*last = vcpu->arch.serial;
}

/*
 * VTTBR_EL2 for the VM's tables and VMID, unless that has ended.  irqs are off from the
 * look at the generation on: a rollover waits for this CPU and comes after, or it has
 * begun and is seen.
 */
static void write_vttbr(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags, vmid;
	u64 vttbr = 0;

	local_irq_save(flags);
	if (vmid_is_current(vm)) {
		vmid = READ_ONCE(vm->arch.vmid);
		tag_take(vcpu, vmid);
		vttbr = vm_vttbr(vm, vmid);
	}
	write_sysreg_s(vttbr, SYS_VTTBR_EL2);
	local_irq_restore(flags);
}

void arm64_mmu_load(struct vcpu *vcpu, int cpu)
{
	/* Takes effect with the synchronization that entering the guest has anyway. */
	write_sysreg_s(vm_stage2(vcpu->vm)->vtcr, SYS_VTCR_EL2);
	write_vttbr(vcpu);
}

/* So that no CPU is left with tables that may be freed. */
void arm64_mmu_put(struct vcpu *vcpu)
{
	write_sysreg_s(0, SYS_VTTBR_EL2);
}

void arm64_mmu_prepare(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	u64 generation;

	if (likely(vcpu->arch.vmid_generation == atomic64_read(&arm64_vmid_generation)))
		return;

	vmid_renew(vm);
	preempt_disable();
	generation = smp_load_acquire(&vm->arch.vmid_generation);
	write_vttbr(vcpu);
	preempt_enable();
	/* If it is old again by now, commit finds out. */
	vcpu->arch.vmid_generation = generation;
}

void arm64_mmu_requests(struct vcpu *vcpu)
{
	if (vcpu_take_request(vcpu, REQ_FLUSH_ALL))
		arm64_mmu_flush_all(vcpu->vm);
}

u64 arm64_mmu_hcr(struct vcpu *vcpu)
{
	u64 hcr = HCR_VM | HCR_FB | HCR_BSU_IS;

	if (arm64_host.s2fwb)
		hcr |= HCR_FWB;
	if (vcpu->arch.caches.trap)
		hcr |= HCR_TVM;

	return hcr;
}

/* --- caches ----------------------------------------------------------------------------- */

/*
 * Instructions that the host wrote through the data cache.  @clean: they have gone
 * through it, at least to where the instruction caches look.
 */
static void sync_instructions(void *start, size_t size, bool clean)
{
	unsigned long address = (unsigned long)start;
	bool all = icache_aliases || size > PAGE_SIZE;

	if (clean && arm64_host.dic)
		return;
	if (!clean || !all)
		caches_clean_inval_pou(address, address + size);
	/* The guest's addresses may index it otherwise than the host's; or there are many. */
	if (all)
		icache_inval_all_pou();
}

/*
 * A guest whose caches are off reads and writes memory behind them, and all guests begin
 * so.  With FEAT_S2FWB there is no such access.
 */
void arm64_mmu_sync_page(struct vm *vm, const struct mmu_map *map)
{
	size_t size = PAGE_SIZE << map->order;
	void *start = __va(map->hpa);

	/* What the host itself does not map as memory it has not cached, either. */
	if (map->memtype != MEMTYPE_NORMAL || !pfn_is_map_memory(PHYS_PFN(map->hpa)))
		return;

	if (!arm64_host.s2fwb)
		arm64_clean_to_poc(start, size);
	if (map->prot & PROT_GUEST_EXEC)
		sync_instructions(start, size, !arm64_host.s2fwb || arm64_host.idc);
}

static void clean_leaf(u64 pte, hpa_t hpa, u64 size)
{
	if (stage2_is_write_back(pte) && pfn_is_map_memory(PHYS_PFN(hpa)))
		arm64_clean_to_poc(__va(hpa), size);
}

/*
 * Clean what one entry maps, or find that it maps nothing: the one nearest to the root
 * that says so about @at.  Returns where it ends.  mmu_lock held.
 */
static gpa_t clean_entry(const struct pgtable *pt, gpa_t at)
{
	const struct pgtable_format *format = pt->format;
	unsigned int bits = format->root_bits;
	int level = format->levels - 1;
	u64 *table = pt->root, pte, size;

	for (;; bits = format->level[--level].bits) {
		size = BIT_ULL(format->level[level].shift);
		pte = READ_ONCE(table[at / size & (BIT(bits) - 1)]);
		if (!format->is_present(pte, level))
			break;
		if (format->is_leaf(pte, level)) {
			clean_leaf(pte, format->address(pte, level), size);
			break;
		}
		table = __va(format->address(pte, level));
	}

	return (at & ~(size - 1)) + size;
}

/*
 * All that the guest has mapped, in pieces of a leaf, between which others get the CPU
 * and the lock.  What is mapped meanwhile is cleaned as it is.  A task that is about to
 * die leaves it: the guest does not run again.
 */
static void clean_vm(struct vm *vm)
{
	const struct pgtable *pt = &vm->as[0].pgtable;
	u64 span = pgtable_span(pt->format);
	gpa_t at = 0;

	read_lock(&vm->mmu_lock);
	while (at < span && !fatal_signal_pending(current)) {
		at = clean_entry(pt, at);
		cond_resched_rwlock_read(&vm->mmu_lock);
	}
	read_unlock(&vm->mmu_lock);
}

/* Caches are in use: what stage 1 says counts, and it may say Write-Back. */
static bool caches_are_on(struct vcpu *vcpu)
{
	u64 on = SCTLR_ELx_M | SCTLR_ELx_C;

	return (arm64_sysreg(vcpu, REG_SCTLR_EL1) & on) == on;
}

void arm64_mmu_reset(struct vcpu *vcpu)
{
	vcpu->arch.caches.on = false;
	vcpu->arch.caches.trap = !arm64_host.s2fwb;
}

/*
 * arm64_mmu_sync_page() is not called again for what is mapped already, so nothing stays
 * mapped, unless all that can be stale is the instruction caches.
 */
void arm64_mmu_restart(struct vm *vm)
{
	if (arm64_host.s2fwb && arm64_host.idc) {
		icache_inval_all_pou();
		return;
	}

	write_lock(&vm->mmu_lock);
	pgtable_unmap(&vm->as[0].pgtable, (struct gfn_range) { .end = U64_MAX }, true);
	write_unlock(&vm->mmu_lock);
}

/*
 * A guest cleans by set and way, which says nothing about a machine of several CPUs,
 * to turn its caches off, or right after it did: so the first of these instructions
 * cleans all its memory, and from then on the guest is watched until its caches are on
 * again.  When they change, all is cleaned once more: what it wrote with them is in
 * memory then, and what it wrote without them is not hidden behind what they still have.
 */
void arm64_mmu_cache_toggled(struct vcpu *vcpu)
{
	bool on = caches_are_on(vcpu), trap = vcpu->arch.caches.trap;

	/* All its accesses are Write-Back, so no two of them disagree. */
	if (arm64_host.s2fwb)
		return;
	/* One more set and way, or a register was written without this effect. */
	if (trap && on == vcpu->arch.caches.on)
		return;

	clean_vm(vcpu->vm);
	vcpu->arch.caches.on = on;
	vcpu->arch.caches.trap = !trap || !on;
	vcpu->arch.config.hcr &= ~HCR_TVM;
	vcpu->arch.config.hcr |= vcpu->arch.caches.trap ? HCR_TVM : 0;
}

/* --- life ------------------------------------------------------------------------------- */

unsigned int arm64_mmu_ipa_bits(void)
{
	return ipa_bits;
}

int arm64_mmu_type(struct vm *vm, unsigned long type)
{
	unsigned int bits = KVM_VM_TYPE_ARM_IPA_SIZE(type) ?: 40;

	if (type & ~KVM_VM_TYPE_ARM_IPA_SIZE_MASK || bits < STAGE2_IPA_MIN || bits > ipa_bits)
		return -EINVAL;
	vm->arch.ipa_bits = bits;

	return 0;
}

int arm64_mmu_create(struct vm *vm)
{
	/* In bounds by arm64_mmu_type(), but user space's choice. */
	unsigned int index = array_index_nospec(vm->arch.ipa_bits - STAGE2_IPA_MIN,
						ARRAY_SIZE(stage2));

	return pgtable_create(&vm->as[0].pgtable, vm, 0, &stage2[index].format);
}

void arm64_mmu_destroy(struct vm *vm)
{
	if (!vm->as[0].pgtable.root)
		return;

	/*
	 * Each vCPU's put has cleared its CPU's VTTBR_EL2, but a TLB may have kept where
	 * tables are.
	 */
	arm64_mmu_flush_all(vm);
	pgtable_destroy(&vm->as[0].pgtable);
}

int arm64_mmu_slot_check(struct vm *vm, const struct memslot *slot)
{
	u64 span = pgtable_span(vm->as[0].pgtable.format);

	return gfn_to_gpa(slot->base + slot->npages) > span ? -EINVAL : 0;
}

void arm64_mmu_cpu_enable(void)
{
	/*
	 * While this CPU was not ours it may have run the guests of somebody else, with
	 * any VMID, and it may have missed our invalidations.
	 */
	write_sysreg_s(0, SYS_VTTBR_EL2);
	isb();
	tlbi_everything_local();
	memset(this_cpu_ptr(&last_vcpus), 0, sizeof(last_vcpus));
}

void arm64_mmu_cpu_disable(void)
{
	write_sysreg_s(0, SYS_VTTBR_EL2);
	isb();
}

static unsigned int mmfr0_field(u64 mmfr0, unsigned int shift)
{
	return mmfr0 >> shift & 15;
}

/* Can it translate, and reach what the host may give a guest?  Finds out lpa2. */
static int probe_stage2(void)
{
	u64 mmfr0 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR0_EL1);
	unsigned int host = mmfr0_field(mmfr0, ID_AA64MMFR0_EL1_TGRAN4_SHIFT);
	unsigned int guest = mmfr0_field(mmfr0, ID_AA64MMFR0_EL1_TGRAN4_2_SHIFT);
	bool host_52 = host == ID_AA64MMFR0_EL1_TGRAN4_52_BIT;
	bool guest_52 = guest == ID_AA64MMFR0_EL1_TGRAN4_2_52_BIT ||
			(guest == ID_AA64MMFR0_EL1_TGRAN4_2_TGRAN4 && host_52);

	if (PAGE_SIZE != SZ_4K) {
		pr_err("this kernel has pages of %lu KiB; guests need one with pages of 4 KiB\n",
		       PAGE_SIZE / SZ_1K);
		return -EOPNOTSUPP;
	}
	if (guest == ID_AA64MMFR0_EL1_TGRAN4_2_NI) {
		pr_err("the CPU's stage 2 has no pages of 4 KiB\n");
		return -EOPNOTSUPP;
	}
	if (PHYS_MASK_SHIFT > 48 && arm64_host.pa_bits > 48 && host_52 && !guest_52) {
		pr_err("the CPU's stage 2 has addresses of 48 bits, but the host's memory may have larger ones\n");
		return -EOPNOTSUPP;
	}
	lpa2 = guest_52 && arm64_host.pa_bits > 48;

	return 0;
}

static void setup_vmids(void)
{
	vmid_count = BIT(arm64_host.vmid16 ? 16 : 8);
	if (tags && tags < vmid_count)
		vmid_count = max(tags, 2U);
}

int arm64_mmu_setup(void)
{
	struct stage2_shape shape = {
		.granule = PAGE_SHIFT,
		.fwb = arm64_host.s2fwb,
		.vmid16 = arm64_host.vmid16,
	};
	unsigned int bits, l1ip;
	int err;

	err = probe_stage2();
	if (err)
		return err;

	shape.lpa2 = lpa2;
	ipa_bits = min(arm64_host.pa_bits, lpa2 ? 52U : 48U);
	shape.pa_bits = ipa_bits;
	for (bits = STAGE2_IPA_MIN; bits <= ipa_bits; bits++) {
		shape.ipa_bits = bits;
		stage2_make(&stage2[bits - STAGE2_IPA_MIN], &shape);
	}

	l1ip = (read_sanitised_ftr_reg(SYS_CTR_EL0) & CTR_EL0_L1Ip_MASK) >> CTR_EL0_L1Ip_SHIFT;
	icache_aliases = l1ip != CTR_EL0_L1Ip_PIPT;
	setup_vmids();

	return 0;
}

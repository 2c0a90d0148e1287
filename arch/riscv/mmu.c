// SPDX-License-Identifier: GPL-2.0-only
/*
 * G-stage translation: the formats Sv39x4, Sv48x4 and Sv57x4 for the page-table
 * library, the fences that keep TLBs honest, and VMIDs.
 *
 * A VMID tags everything a hart caches for a VM.  It is the VM's for as long as
 * its generation lasts; when they have run out, all of the old generation end at
 * once.  A hart may walk the tables behind hgatp at any time, not only in the
 * guest, so hgatp never holds a VMID that has ended: it is 0 then, which no guest
 * runs with.  Guest ASIDs are tagged with the VMID only, but mean something else on
 * each vCPU: a CPU that carried another vCPU before drops them (see
 * riscv_mmu_load()).
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/sbi.h>
#include <core/pgtable.h>

#include "riscv.h"

static unsigned int tags;
module_param(tags, uint, 0444);
MODULE_PARM_DESC(tags, "Debug: number of TLB tags to use, at least 2; 0: all the CPU has");

/* --- entries (privileged manual, "Sv32, Sv39, Sv48 and Sv57 address translation") -- */

#define PTE_V		BIT(0)
#define PTE_R		BIT(1)
#define PTE_W		BIT(2)
#define PTE_X		BIT(3)
#define PTE_U		BIT(4)	/* every guest access is a user's to the G-stage */
#define PTE_A		BIT(6)
#define PTE_D		BIT(7)
#define PTE_PPN		GENMASK_ULL(53, 10)
#define PTE_PPN_SHIFT	10
#define PTE_PBMT_NC	BIT_ULL(61)
#define PTE_PBMT_IO	BIT_ULL(62)
#define PTE_N		BIT_ULL(63)	/* with Svnapot: one of 16 for 64 KiB, which says: */
#define PTE_NAPOT_ORDER	4
#define PTE_NAPOT_PPN	GENMASK_ULL(13, 10)
#define PTE_NAPOT_64K	BIT_ULL(13)
#define PTE_LOCKED	BIT(8)		/* software's; without V */
#define PTE_MAY_WRITE	BIT(9)		/* software's */

/* Those that masks do not stand for are called for each entry: no two more for ftrace. */

static notrace u64 pte_make_table(hpa_t table, int level)
{
	return ((table >> PAGE_SHIFT) << PTE_PPN_SHIFT) | PTE_V;
}

static u64 pte_prot_bits(u8 prot)
{
	u64 bits = 0;

	/* Write without read is reserved. */
	if (prot & (PROT_GUEST_READ | PROT_GUEST_WRITE))
		bits |= PTE_R;
	if (prot & PROT_GUEST_WRITE)
		bits |= PTE_W;
	if (prot & PROT_GUEST_EXEC)
		bits |= PTE_X;

	return bits;
}

/*
 * Accessed and dirty are set from the start: a CPU may leave it to software to
 * set them, by a fault, and nobody here wants to hear of it.
 */
static notrace u64 pte_make_leaf(const struct mmu_map *map, int level)
{
	u64 pte = ((map->hpa >> PAGE_SHIFT) << PTE_PPN_SHIFT) | PTE_V | PTE_U | PTE_A | PTE_D |
		  pte_prot_bits(map->prot);

	/* Without Svpbmt the platform knows what is memory and what is not. */
	if (riscv_host.svpbmt && map->memtype == MEMTYPE_DEVICE)
		pte |= PTE_PBMT_IO;
	if (riscv_host.svpbmt && map->memtype == MEMTYPE_UNCACHED)
		pte |= PTE_PBMT_NC;
	if (map->order == PTE_NAPOT_ORDER)
		pte = (pte & ~PTE_NAPOT_PPN) | PTE_NAPOT_64K | PTE_N;

	return pte;
}

static bool pte_is_present(u64 pte, int level)
{
	return pte & PTE_V;
}

static bool pte_is_leaf(u64 pte, int level)
{
	return pte & (PTE_R | PTE_W | PTE_X);
}

static notrace bool pte_is_group(u64 pte)
{
	return pte & PTE_N;
}

static hpa_t pte_address(u64 pte, int level)
{
	if (pte & PTE_N)
		pte &= ~PTE_NAPOT_PPN;

	return ((pte & PTE_PPN) >> PTE_PPN_SHIFT) << PAGE_SHIFT;
}

static notrace u8 pte_prot(u64 pte)
{
	u8 prot = 0;

	if (pte & PTE_R)
		prot |= PROT_GUEST_READ;
	if (pte & PTE_W)
		prot |= PROT_GUEST_WRITE;
	if (pte & PTE_X)
		prot |= PROT_GUEST_EXEC;

	return prot;
}

static notrace u64 pte_set_prot(u64 pte, u8 prot)
{
	return (pte & ~(u64)(PTE_R | PTE_W | PTE_X)) | pte_prot_bits(prot);
}

#define LEVEL(shift_, leaf_)	{ .shift = (shift_), .bits = 9, .leaf = (leaf_) }

/* The root has four times the entries of another table (Sv39x4 and so on). */
#define FORMAT(name_, levels_)					\
	{							\
		.name		= name_,			\
		.levels		= levels_,			\
		.level		= {				\
			LEVEL(12, true), LEVEL(21, true), LEVEL(30, true),	\
			LEVEL(39, true), LEVEL(48, true),	\
		},						\
		.root_order	= 2,				\
		.root_bits	= 11,				\
		.locked		= PTE_LOCKED,			\
		.group_order	= PTE_NAPOT_ORDER,		\
		.bits		= {				\
			.present = PTE_V,			\
			.leaf	 = PTE_R | PTE_W | PTE_X,	\
			.address = PTE_PPN,			\
			.address_shift = PAGE_SHIFT - PTE_PPN_SHIFT,	\
			.group	 = PTE_N,			\
			.may_write = PTE_MAY_WRITE,		\
			.write	 = PTE_W,			\
		},						\
		.make_table	= pte_make_table,		\
		.make_leaf	= pte_make_leaf,		\
		.is_present	= pte_is_present,		\
		.is_leaf	= pte_is_leaf,			\
		.is_group	= pte_is_group,			\
		.address	= pte_address,			\
		.prot		= pte_prot,			\
		.set_prot	= pte_set_prot,			\
	}

/* By hgatp's mode, largest first. */
static const struct {
	unsigned long		mode;
	struct pgtable_format	format;
} gstage[] = {
	{ HGATP_MODE_SV57X4, FORMAT("Sv57x4", 5) },
	{ HGATP_MODE_SV48X4, FORMAT("Sv48x4", 4) },
	{ HGATP_MODE_SV39X4, FORMAT("Sv39x4", 3) },
};

/* The one in use: constant after setup. */
static struct pgtable_format gstage_format;

/* --- fences ---------------------------------------------------------------------- */

/* What this CPU cached of the page tables of VMs, whatever the VMID. */
static void fence_gvma_all(void)
{
	asm volatile(HFENCE_GVMA(zero, zero) : : : "memory");
}

/* What this CPU cached of the page tables of guests with hgatp's VMID. */
static void fence_vvma(void)
{
	asm volatile(HFENCE_VVMA(zero, zero) : : : "memory");
}

/* What this CPU cached of instructions. */
static void fence_i(void)
{
	asm volatile("fence.i" : : : "memory");
}

/* More frames than this, and a fence of the whole VMID costs less. */
#define FENCE_FRAMES_MAX	64

void riscv_mmu_flush(struct vm *vm, struct gfn_range range)
{
	unsigned long vmid, size = gfn_to_gpa(range.end - range.start);

	/*
	 * The entry is gone before the VMID is looked at, and vmid_renew() does it
	 * the other way round: a hart that uses a newer VMID than ours walks the
	 * table as it is now.
	 */
	smp_mb();
	vmid = READ_ONCE(vm->arch.vmid);
	/* Never on a CPU: nothing is cached. */
	if (!READ_ONCE(vm->arch.vmid_generation))
		return;

	/* The firmware fences each hart and comes back when all have done so. */
	WRITE_ONCE(vm->stats.remote_flush, vm->stats.remote_flush + 1);
	if (range.end - range.start > FENCE_FRAMES_MAX)
		sbi_remote_hfence_gvma_vmid(cpu_online_mask, 0, -1UL, vmid);
	else
		sbi_remote_hfence_gvma_vmid(cpu_online_mask, gfn_to_gpa(range.start), size, vmid);
}

void riscv_mmu_flush_all(struct vm *vm)
{
	riscv_mmu_flush(vm, (struct gfn_range) { .end = U64_MAX });
}

/* --- VMIDs ------------------------------------------------------------------------- */

static DEFINE_MUTEX(vmid_lock);
atomic64_t riscv_vmid_generation = ATOMIC64_INIT(1);
static unsigned long vmid_next = 1;	/* vmid_lock; 0 is nobody's */
static unsigned long vmid_count;	/* constant after setup */

/* In an interrupt, on each CPU: its VMID has ended. */
static void vmid_end(void *unused)
{
	csr_clear(CSR_HGATP, HGATP_VMID);
	fence_gvma_all();
}

/*
 * The next generation.  A CPU that is in a guest with an old VMID leaves it for
 * this interrupt and does not enter again, because commit sees the generation;
 * write_hgatp() sees it, too.  So when all have answered nothing of the old one is
 * cached or made any more, but for what is left of the guests' own tables, which
 * riscv_mmu_prepare() deals with.
 */
static void vmid_rollover(void)
{
	lockdep_assert_held(&vmid_lock);

	atomic64_inc(&riscv_vmid_generation);
	vmid_next = 1;
	on_each_cpu(vmid_end, NULL, 1);
}

/* Pairs with smp_store_release() in vmid_renew(). */
static bool vmid_is_current(const struct vm *vm)
{
	return smp_load_acquire(&vm->arch.vmid_generation) == atomic64_read(&riscv_vmid_generation);
}

/* May sleep. */
static void vmid_renew(struct vm *vm)
{
	guard(mutex)(&vmid_lock);

	if (vmid_is_current(vm))
		return;
	if (riscv_host.vmid_bits) {
		if (vmid_next >= vmid_count)
			vmid_rollover();
		WRITE_ONCE(vm->arch.vmid, vmid_next++);
	}
	/* A vCPU that sees the generation sees its VMID. */
	smp_store_release(&vm->arch.vmid_generation, atomic64_read(&riscv_vmid_generation));
	/* Pairs with the one in riscv_mmu_flush(). */
	smp_mb();
}

/* --- vCPUs -------------------------------------------------------------------------- */

/* The vCPU that last ran on this CPU, by serial number: it may be gone. */
static DEFINE_PER_CPU(u64, last_vcpu);

/*
 * hgatp for the VM's tables, with its VMID unless that has ended.  irqs are off from
 * the look at the generation on: a rollover waits for this CPU and comes after, or it
 * has begun and is seen.
 */
static __always_inline void write_hgatp(struct vm *vm)
{
	unsigned long flags, vmid = 0;

	local_irq_save(flags);
	if (vmid_is_current(vm))
		vmid = READ_ONCE(vm->arch.vmid);
	csr_write(CSR_HGATP, (riscv_host.hgatp_mode << HGATP_MODE_SHIFT) |
			     (vmid << HGATP_VMID_SHIFT) |
			     (vm->as[0].pgtable.root_hpa >> HGATP_PAGE_SHIFT));
	local_irq_restore(flags);
}

void riscv_mmu_load(struct vcpu *vcpu, int cpu)
{
	bool moved = vcpu->cpu != cpu;

	write_hgatp(vcpu->vm);
	/* The guest's own FENCE.I was for the CPU that it was on. */
	if (moved)
		fence_i();
	/*
	 * Another vCPU may have left translations with our VMID, and our own from
	 * last time may be older than what we did on another CPU since.
	 */
	if (moved || __this_cpu_read(last_vcpu) != vcpu->arch.serial) {
		if (!riscv_host.vmid_bits)
			fence_gvma_all();
		fence_vvma();
		__this_cpu_write(last_vcpu, vcpu->arch.serial);
	}
}

bool riscv_mmu_is_current(const struct vcpu *vcpu)
{
	return vcpu->loaded && riscv_vmid_is_current(vcpu);
}

void riscv_mmu_prepare(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	u64 generation;

	if (riscv_vmid_is_current(vcpu))
		return;

	vmid_renew(vm);
	preempt_disable();
	generation = smp_load_acquire(&vm->arch.vmid_generation);
	write_hgatp(vm);
	/* The VMID was somebody else's, and so may be what this CPU has cached. */
	fence_vvma();
	preempt_enable();
	/* If it is old again by now, commit finds out. */
	vcpu->arch.vmid_generation = generation;
}

void riscv_mmu_requests(struct vcpu *vcpu)
{
	preempt_disable();
	if (vcpu_take_request(vcpu, REQ_FLUSH_ALL))
		fence_gvma_all();
	if (vcpu_take_request(vcpu, REQ_FENCE_VVMA))
		fence_vvma();
	if (vcpu_take_request(vcpu, REQ_FENCE_I))
		fence_i();
	preempt_enable();
}

/* --- life ----------------------------------------------------------------------------- */

int riscv_mmu_create(struct vm *vm)
{
	return pgtable_create(&vm->as[0].pgtable, vm, 0, &gstage_format);
}

/* In an interrupt, on each CPU: no vCPU of the VM is left that could be loaded here. */
static void hgatp_forget(void *data)
{
	const struct vm *vm = data;

	if ((csr_read(CSR_HGATP) & HGATP_PPN) == vm->as[0].pgtable.root_hpa >> HGATP_PAGE_SHIFT)
		csr_write(CSR_HGATP, 0);
}

void riscv_mmu_destroy(struct vm *vm)
{
	if (!vm->as[0].pgtable.root)
		return;

	/* Before the tables go: hgatp stays as the last vCPU on a CPU had it. */
	on_each_cpu(hgatp_forget, vm, 1);
	pgtable_destroy(&vm->as[0].pgtable);
}

int riscv_mmu_slot_check(struct vm *vm, const struct memslot *slot)
{
	return gfn_to_gpa(slot->base + slot->npages) > pgtable_span(&gstage_format) ? -EINVAL : 0;
}

/* For struct backend; see <arch/hot.h>. */
void (riscv_mmu_sync_page)(struct vm *vm, const struct mmu_map *map)
{
}

int riscv_mmu_gpa_bits(void)
{
	return ilog2(pgtable_span(&gstage_format));
}

void riscv_mmu_cpu_enable(void)
{
	csr_write(CSR_HGATP, 0);
	/*
	 * While this CPU was not ours it may have run the guests of somebody else, and
	 * it has missed our fences.  What it has cached of guests' own tables goes with
	 * the first load of each vCPU.
	 */
	fence_gvma_all();
	this_cpu_write(last_vcpu, 0);
}

void riscv_mmu_cpu_disable(void)
{
	csr_write(CSR_HGATP, 0);
}

/* What hgatp holds of @value, written on this CPU and taken back.  irqs off. */
static unsigned long probe_hgatp(unsigned long value)
{
	unsigned long read;

	csr_write(CSR_HGATP, value);
	read = csr_read(CSR_HGATP);
	csr_write(CSR_HGATP, 0);

	return read;
}

int riscv_mmu_setup(void)
{
	unsigned long flags, mode, all;
	int i;

	local_irq_save(flags);
	for (i = 0; i < ARRAY_SIZE(gstage); i++) {
		mode = gstage[i].mode << HGATP_MODE_SHIFT;
		if (probe_hgatp(mode) == mode)
			break;
	}
	all = i < ARRAY_SIZE(gstage) ? probe_hgatp(mode | HGATP_VMID) : 0;
	fence_gvma_all();
	local_irq_restore(flags);

	if (i == ARRAY_SIZE(gstage)) {
		pr_err("the CPU's G-stage has none of Sv39x4, Sv48x4 and Sv57x4\n");
		return -EOPNOTSUPP;
	}

	gstage_format = gstage[i].format;
	if (!riscv_host.svnapot)
		gstage_format.group_order = 0;
	riscv_host.hgatp_mode = gstage[i].mode;
	riscv_host.vmid_bits = hweight_long(all & HGATP_VMID);
	vmid_count = BIT(riscv_host.vmid_bits);
	if (tags && tags < vmid_count)
		vmid_count = max(tags, 2U);

	return 0;
}

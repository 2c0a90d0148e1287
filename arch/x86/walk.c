// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's own page tables, walked in software: for the emulator, for the
 * reading of instructions, and for KVM_TRANSLATE.  Stage 2 is core's.
 */
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "fetch.h"

/* An entry of a guest table, at any level. */
enum {
	ENTRY_PRESENT	= BIT(0),
	ENTRY_WRITE	= BIT(1),
	ENTRY_USER	= BIT(2),
	ENTRY_ACCESSED	= BIT(5),
	ENTRY_DIRTY	= BIT(6),
	ENTRY_LARGE	= BIT(7),
};

#define ENTRY_NX		BIT_ULL(63)
#define ENTRY_ADDRESS		GENMASK_ULL(51, 12)
#define ENTRY_KEY(entry)	(((entry) >> 59) & 15)

/* The error code of #PF. */
enum {
	FAULT_PRESENT	= BIT(0),
	FAULT_WRITE	= BIT(1),
	FAULT_USER	= BIT(2),
	FAULT_RESERVED	= BIT(3),
	FAULT_FETCH	= BIT(4),
	FAULT_KEY	= BIT(5),
};

#define WALK_LEVELS	5
/* Entries that change under the walk: how often to start anew. */
#define WALK_RETRIES	8

enum walk_how {
	WALK_FULL,		/* may sleep, checks rights, sets bits */
	WALK_NOFAULT,		/* any context, checks rights */
	WALK_LOOK,		/* may sleep, any present page will do */
};

struct walk {
	struct vcpu	*vcpu;
	gva_t		 gva;
	u32		 access;	/* X86_ACCESS_* */
	enum walk_how	 how;
	u64		 cr0, cr4, efer;
	bool		 user;		/* a user access */
	bool		 wide;		/* entries of eight bytes */
	u8		 levels;
	u64		 reserved;	/* bits no entry may have */

	/* What was found; entry[level - 1]. */
	u64		 entry[WALK_LEVELS];
	gpa_t		 where[WALK_LEVELS];
	hva_t		 hva[WALK_LEVELS];
	u8		 leaf;		/* its level */
	u64		 rights;	/* of all levels: ENTRY_WRITE, _USER, _NX */
	u32		 error;
};

static void walk_setup(struct walk *walk, struct vcpu *vcpu, gva_t gva, u32 access,
		       enum walk_how how)
{
	const struct x86_state *state = &vcpu->arch.state;
	u8 width = vcpu->arch.cpuid.maxphyaddr;

	x86_need(vcpu, X86_CRS);
	walk->vcpu = vcpu;
	walk->gva = gva;
	walk->access = access;
	walk->how = how;
	walk->cr0 = state->cr0;
	walk->cr4 = state->cr4;
	walk->efer = state->efer;
	walk->user = access & X86_ACCESS_USER ||
		     (!(access & X86_ACCESS_SUPERVISOR) && x86_cpl(vcpu) == 3);
	walk->wide = state->cr4 & X86_CR4_PAE;
	if (state->efer & EFER_LMA)
		walk->levels = state->cr4 & X86_CR4_LA57 ? 5 : 4;
	else
		walk->levels = walk->wide ? 3 : 2;

	walk->reserved = 0;
	if (!walk->wide)
		return;
	if (width && width < 52)
		walk->reserved = GENMASK_ULL(51, width);
	if (!(state->efer & EFER_NX))
		walk->reserved |= ENTRY_NX;
	if (!(state->efer & EFER_LMA))
		walk->reserved |= GENMASK_ULL(62, 52);
}

/*
 * One entry.  It is aligned, so it lies in one page; whoever walks runs in a task
 * of the VM's process.  WALK_NOFAULT has page faults off.
 */
static int walk_read(struct walk *walk, gpa_t gpa, int level, u64 *entry)
{
	const struct memslot *slot = vcpu_memslot(walk->vcpu, gpa_to_gfn(gpa));
	u32 narrow = 0;
	hva_t hva;
	int err;

	if (unlikely(!slot))
		return -EFAULT;
	hva = memslot_hva(slot, gpa_to_gfn(gpa)) + offset_in_page(gpa);
	walk->hva[level - 1] = hva;
	if (likely(walk->wide))
		return get_user(*entry, (u64 __user *)hva);
	err = get_user(narrow, (u32 __user *)hva);
	*entry = narrow;

	return err;
}

static u8 level_shift(const struct walk *walk, int level)
{
	return PAGE_SHIFT + (walk->wide ? 9 : 10) * (level - 1);
}

/* Does this entry map a page although it is not of the last level? */
static bool entry_large(const struct walk *walk, u64 entry, int level)
{
	if (!(entry & ENTRY_LARGE))
		return false;
	if (walk->levels >= 4)
		return level == 2 || level == 3;

	return level == 2 && (walk->wide || walk->cr4 & X86_CR4_PSE);
}

/* Bits 20:13 of a 4 MiB entry are bits 39:32 of the address (PSE-36). */
static u64 entry_address_4m(u64 entry)
{
	return (entry & 0xffc00000) | ((entry & 0x1fe000) << 19);
}

/* Reserved in the top entries of PAE, which have no rights, and beside PS. */
static u64 entry_reserved(const struct walk *walk, u64 entry, int level)
{
	u8 width = walk->vcpu->arch.cpuid.maxphyaddr;
	u64 reserved;

	if (walk->levels == 3 && level == 3)
		return ENTRY_NX | GENMASK_ULL(8, 5) | ENTRY_WRITE | ENTRY_USER;
	if (level >= 4)
		return ENTRY_LARGE;
	if (!entry_large(walk, entry, level))
		return 0;
	if (walk->wide)			/* bit 12 is PAT */
		return GENMASK_ULL(level_shift(walk, level) - 1, 13);
	reserved = BIT(21);
	if (width && width < 40)
		reserved |= (GENMASK_ULL(39, max_t(u8, width, 32)) >> 19) & 0x1fe000;

	return reserved;
}

static bool entry_valid(const struct walk *walk, u64 entry, int level)
{
	if (entry & walk->reserved)
		return false;
	if (level == 1 || (!(entry & ENTRY_LARGE) && walk->levels != 3))
		return true;

	return !(entry & entry_reserved(walk, entry, level));
}

/* Down to the leaf.  0, 1 with walk->error, or -EFAULT. */
static int walk_down(struct walk *walk)
{
	u64 table = walk->vcpu->arch.state.cr3, entry;
	int level, err;
	u8 bits = walk->wide ? 9 : 10;
	bool pae_top = walk->levels == 3;
	gpa_t gpa;

	table &= pae_top ? GENMASK_ULL(31, 5) : walk->wide ? ENTRY_ADDRESS : GENMASK_ULL(31, 12);
	walk->rights = ENTRY_WRITE | ENTRY_USER;
	for (level = walk->levels;; level--) {
		u64 index = walk->gva >> level_shift(walk, level);

		index &= pae_top ? 3 : BIT(bits) - 1;
		gpa = table + index * (walk->wide ? 8 : 4);
		err = walk_read(walk, gpa, level, &entry);
		if (err)
			return -EFAULT;
		if (!(entry & ENTRY_PRESENT)) {
			walk->error = 0;
			return 1;
		}
		if (!entry_valid(walk, entry, level)) {
			walk->error = FAULT_PRESENT | FAULT_RESERVED;
			return 1;
		}
		walk->entry[level - 1] = entry;
		walk->where[level - 1] = gpa;
		if (!pae_top) {
			walk->rights &= entry | ENTRY_NX;
			walk->rights |= entry & ENTRY_NX;
		}
		if (level == 1 || entry_large(walk, entry, level))
			break;
		table = entry & ENTRY_ADDRESS;
		pae_top = false;
	}
	walk->leaf = level;

	return 0;
}

static bool key_allows(const struct walk *walk, bool write)
{
	u32 rights;

	if (!(walk->cr4 & X86_CR4_PKE) || !(walk->efer & EFER_LMA))
		return true;
	rights = walk->vcpu->arch.pkru >> (2 * ENTRY_KEY(walk->entry[walk->leaf - 1]));
	if (rights & 1)
		return false;

	return !(rights & 2 && write && (walk->user || walk->cr0 & X86_CR0_WP));
}

/* SMAP: an explicit access may be allowed by EFLAGS.AC, an implicit one never. */
static bool smap_denies(const struct walk *walk)
{
	struct vcpu *vcpu = walk->vcpu;

	if (!(walk->cr4 & X86_CR4_SMAP))
		return false;
	if (walk->access & X86_ACCESS_SUPERVISOR)
		return true;
	x86_need(vcpu, X86_RIP);

	return !(vcpu->arch.state.rflags & X86_EFLAGS_AC);
}

/* 0, or 1 with walk->error. */
static int walk_check(struct walk *walk)
{
	bool write = walk->access & X86_ACCESS_WRITE;
	bool user_page = walk->rights & ENTRY_USER;

	walk->error = FAULT_PRESENT;
	if (walk->user && !user_page)
		return 1;
	if (walk->access & X86_ACCESS_EXEC) {
		if (walk->rights & ENTRY_NX)
			return 1;
		return !walk->user && user_page && walk->cr4 & X86_CR4_SMEP;
	}
	if (write && !(walk->rights & ENTRY_WRITE) && (walk->user || walk->cr0 & X86_CR0_WP))
		return 1;
	if (!user_page)
		return 0;
	if (!walk->user && smap_denies(walk))
		return 1;
	if (!key_allows(walk, write)) {
		walk->error |= FAULT_KEY;
		return 1;
	}

	return 0;
}

/*
 * Accessed bits on the way, dirty in the leaf of a write.  0, or -EAGAIN: an entry
 * has changed.  Tables in read-only memory stay as they are.
 */
static int walk_set_bits(struct walk *walk)
{
	int level = walk->levels == 3 && walk->leaf < 3 ? 2 : walk->levels;

	for (; level >= walk->leaf; level--) {
		u64 old = walk->entry[level - 1], new = old | ENTRY_ACCESSED;
		int err;

		if (level == walk->leaf && walk->access & X86_ACCESS_WRITE)
			new |= ENTRY_DIRTY;
		if (new == old)
			continue;
		err = guest_cmpxchg(walk->vcpu, walk->where[level - 1], old, new,
				    walk->wide ? 8 : 4);
		if (err == -EAGAIN)
			return err;
	}

	return 0;
}

static gpa_t walk_address(const struct walk *walk)
{
	u64 entry = walk->entry[walk->leaf - 1];
	u64 offset = walk->gva & (BIT_ULL(level_shift(walk, walk->leaf)) - 1);

	if (walk->leaf == 2 && !walk->wide)
		return entry_address_4m(entry) | offset;

	return (entry & ENTRY_ADDRESS & ~(BIT_ULL(level_shift(walk, walk->leaf)) - 1)) | offset;
}

static int walk_once(struct walk *walk, gpa_t *gpa)
{
	int ret = walk_down(walk);

	if (!ret && walk->how != WALK_LOOK)
		ret = walk_check(walk);
	if (!ret && walk->how == WALK_FULL)
		ret = walk_set_bits(walk);
	if (!ret)
		*gpa = walk_address(walk);

	return ret;
}

static bool walk_canonical(const struct walk *walk)
{
	int shift = walk->levels == 5 ? 64 - 57 : 64 - 48;

	return walk->levels < 4 || (u64)((s64)(walk->gva << shift) >> shift) == walk->gva;
}

static int walk(struct walk *walk, gpa_t *gpa)
{
	int tries, ret;

	if (!(walk->cr0 & X86_CR0_PG)) {
		*gpa = (u32)walk->gva;
		return 0;
	}
	for (tries = 0; tries < WALK_RETRIES; tries++) {
		ret = walk_once(walk, gpa);
		if (ret != -EAGAIN)
			return ret;
	}
	/* Somebody plays with the tables: do without the bits. */
	*gpa = walk_address(walk);

	return 0;
}

static u32 walk_error(const struct walk *walk)
{
	u32 error = walk->error;

	if (walk->access & X86_ACCESS_WRITE)
		error |= FAULT_WRITE;
	if (walk->user)
		error |= FAULT_USER;
	if (walk->access & X86_ACCESS_EXEC &&
	    ((walk->wide && walk->efer & EFER_NX) || walk->cr4 & X86_CR4_SMEP))
		error |= FAULT_FETCH;

	return error;
}

/*
 * A page of code, found just now: where it is, and which entries say so.  srcu held.
 */
static void walk_remember(const struct walk *walk, gpa_t gpa)
{
	struct vcpu *vcpu = walk->vcpu;
	/* Before the slots: then what is found is of this generation, or a later one. */
	u64 generation = smp_load_acquire(&vcpu->vm->slots_generation);
	const struct memslot *slot = vcpu_memslot(vcpu, gpa_to_gfn(gpa));
	const struct x86_state *state = &vcpu->arch.state;
	struct x86_fetch *fetch;
	int level;
	u64 rip;

	if (!(walk->cr0 & X86_CR0_PG) || !slot)
		return;
	x86_need(vcpu, X86_RIP | X86_MODE);
	rip = (walk->gva & PAGE_MASK) - (x86_linear_rip(vcpu) - state->rip);
	fetch = x86_fetch_new(vcpu, rip);
	*fetch = (struct x86_fetch){
		.rip = rip, .cr3 = state->cr3, .cs_base = state->cs_base,
		.hva = memslot_hva(slot, gpa_to_gfn(gpa)), .generation = generation,
	};
	if (walk->levels < 4)
		return;
	for (level = walk->levels; level >= walk->leaf; level--) {
		fetch->step[fetch->steps].hva = walk->hva[level - 1];
		fetch->step[fetch->steps].entry = walk->entry[level - 1];
		fetch->steps++;
	}
}

int x86_walk(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa, struct x86_fault *fault)
{
	struct walk w;
	int ret;

	walk_setup(&w, vcpu, gva, access, WALK_FULL);
	if (!walk_canonical(&w)) {
		*fault = (struct x86_fault){ .vector = X86_TRAP_GP, .has_error = true };
		return 1;
	}
	ret = walk(&w, gpa);
	if (ret == 1)
		*fault = (struct x86_fault){
			.vector		= X86_TRAP_PF,
			.has_error	= true,
			.error		= walk_error(&w),
			.address	= gva,
		};
	if (!ret && access & X86_ACCESS_EXEC)
		walk_remember(&w, *gpa);

	return ret;
}

int x86_walk_nofault(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa)
{
	struct walk w;
	int index, err;

	walk_setup(&w, vcpu, gva, access, WALK_NOFAULT);
	if (!walk_canonical(&w))
		return -EFAULT;

	index = srcu_read_lock(&vcpu->vm->srcu);
	pagefault_disable();
	err = walk(&w, gpa);
	if (!err && access & X86_ACCESS_EXEC)
		walk_remember(&w, *gpa);
	pagefault_enable();
	srcu_read_unlock(&vcpu->vm->srcu, index);

	return err ? -EFAULT : 0;
}

int x86_ioctl_translate(struct vcpu *vcpu, struct kvm_translation *translation)
{
	gpa_t gpa = GPA_INVALID;
	struct walk w;
	bool valid;
	int index;

	walk_setup(&w, vcpu, translation->linear_address, X86_ACCESS_SUPERVISOR, WALK_LOOK);
	index = srcu_read_lock(&vcpu->vm->srcu);
	valid = walk_canonical(&w) && !walk(&w, &gpa);
	srcu_read_unlock(&vcpu->vm->srcu, index);

	translation->valid = valid;
	translation->physical_address = valid ? gpa : GPA_INVALID;
	translation->writeable = 1;
	translation->usermode = 0;

	return 0;
}

void x86_inject_fault(struct vcpu *vcpu, const struct x86_fault *fault)
{
	if (fault->vector == X86_TRAP_PF)
		x86_queue_page_fault(vcpu, fault->address, fault->error);
	else if (fault->has_error)
		x86_queue_exception_error(vcpu, fault->vector, fault->error);
	else
		x86_queue_exception(vcpu, fault->vector);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: ranges of guest physical memory backed by host user memory.
 */
#ifndef CORE_MEMSLOT_H
#define CORE_MEMSLOT_H

#include <linux/interval_tree.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/rbtree_latch.h>
#include <core/types.h>
#include <core/vcpu.h>

#define MEMSLOT_IDS		32764	/* ids an address space can have */
#define MEMSLOT_MAX_PAGES	((1UL << 31) - 1)

/*
 * Published whole: a change is a new struct.  Constant while reachable, except
 * the contents of the bitmap.  Readers hold vm->srcu.
 */
struct memslot {
	gfn_t			 base;		/* first frame */
	u64			 npages;
	gfn_t			 last;		/* frame */
	hva_t			 hva;		/* of the first frame */
	u32			 flags;		/* KVM_MEM_* */
	u16			 id;
	u8			 as_id;
	unsigned long		*dirty;		/* little-endian bits; NULL: no log */
	struct latch_tree_node	 frame_node;	/* vm->as[as_id].slots */
	struct interval_tree_node hva_node;	/* vm->slot_hvas */
};

/* What a slot may be. */
#define MEMSLOT_FLAGS	(KVM_MEM_LOG_DIRTY_PAGES | (ARCH_READONLY_SLOTS ? KVM_MEM_READONLY : 0))

/* @gfn is in the slot; a guess of the CPU that it is leads nowhere else. */
static inline hva_t memslot_hva(const struct memslot *slot, gfn_t gfn)
{
	return slot->hva +
	       (array_index_nospec(gfn - slot->base, slot->npages) << PAGE_SHIFT);
}

static inline bool memslot_holds(const struct memslot *slot, gfn_t gfn)
{
	return gfn - slot->base < slot->npages;
}

static inline bool memslot_readonly(const struct memslot *slot)
{
	return slot->flags & KVM_MEM_READONLY;
}

/* Set up and tear down the slots of a VM.  destroy: nobody else is left. */
void memslots_init(struct vm *vm);
void memslots_destroy(struct vm *vm);

/*
 * KVM_SET_USER_MEMORY_REGION and _REGION2, already copied in.  slots_lock held,
 * may sleep; vm->srcu not held.  0, -EINVAL (also: delete what is not there),
 * -EEXIST (overlap), -ENOMEM; nothing changed on error.
 */
int memslot_set(struct vm *vm, const struct kvm_userspace_memory_region2 *region);

/* The slot that holds @gfn, or NULL.  vm->srcu held. */
struct memslot *memslot_find(struct vm *vm, int as_id, gfn_t gfn);
/*
 * Was there no slot for @gfn when the vCPU looked last, and has none changed since?  The
 * vCPU's thread; vm->srcu not held, irqs on or off.
 */
static inline bool vcpu_memslot_missed(const struct vcpu *vcpu, gfn_t gfn)
{
	/* Pairs with the release in slots_changed(). */
	return vcpu->slot_miss_generation == smp_load_acquire(&vcpu->vm->slots_generation) &&
	       vcpu->slot_miss == gfn && vcpu->slot_miss_as == vcpu->as_id;
}

/* The same as memslot_find(), for a vCPU and its address space, by way of its cache. */
struct memslot *vcpu_memslot_look(struct vcpu *vcpu, gfn_t gfn);

/* The same; a device is asked for several times in one access. */
static inline struct memslot *vcpu_memslot(struct vcpu *vcpu, gfn_t gfn)
{
	return vcpu_memslot_missed(vcpu, gfn) ? NULL : vcpu_memslot_look(vcpu, gfn);
}

/*
 * The slot with this id, or NULL, also for an id or address space that cannot
 * be.  vm->srcu or slots_lock held.
 */
struct memslot *memslot_by_id(struct vm *vm, u32 as_id, u32 id);

/*
 * Read or write guest memory, across pages and slots; every byte is copied once.
 * In a task of the VM's process; vm->srcu held, may sleep
 * and fault.  0, or -EFAULT: no slot, read-only slot (for a write) or the host
 * address is bad; a write may have been done in part.  A write marks pages dirty.
 */
int guest_read(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len);
int guest_write(struct vcpu *vcpu, gpa_t gpa, const void *data, size_t len);
/* The same for the VM's own use, address space 0. */
int vm_guest_read(struct vm *vm, gpa_t gpa, void *data, size_t len);
int vm_guest_write(struct vm *vm, gpa_t gpa, const void *data, size_t len);

/*
 * Read inside one page, atomic; takes vm->srcu itself.  For the vCPU's own thread, not in
 * the middle of another access of it: both change what it remembers.  0, or -EFAULT if it
 * cannot be done without a page fault.
 */
int guest_read_nofault(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len);
/* Likewise, to write, from any context; also in the middle of another access of the vCPU. */
int guest_write_nofault(struct vcpu *vcpu, gpa_t gpa, const void *data, size_t len);

/*
 * Compare and exchange @len (1, 2, 4 or 8, naturally aligned) bytes of guest
 * memory: 0 done, -EAGAIN it held something else, -EFAULT.  May sleep; srcu held.
 */
int guest_cmpxchg(struct vcpu *vcpu, gpa_t gpa, u64 old, u64 new, size_t len);

/*
 * dirty.c: note that a frame was written.  vm->srcu held, or mmu_lock with the
 * slot found under the same stay in vm->srcu; atomic.
 */
void memslot_mark_dirty(struct memslot *slot, gfn_t gfn);
/*
 * dirty.c: bring the page tables in line with a slot's new log, after nobody
 * uses the old slot any more.  slots_lock held, may sleep.
 */
void dirty_start(struct vm *vm, struct memslot *slot);
void dirty_stop(struct vm *vm, struct memslot *slot);
/* The bitmap; @all_set: every page counts as dirty.  May sleep.  0 or -ENOMEM. */
int dirty_alloc(struct memslot *slot, bool all_set);
void dirty_free(struct memslot *slot);
/*
 * KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG; take slots_lock.  0, -EINVAL, -ENOENT
 * (no such slot, or it keeps no log), -EFAULT; nothing is lost on error.
 */
int dirty_get(struct vm *vm, const struct kvm_dirty_log *log);
int dirty_clear(struct vm *vm, const struct kvm_clear_dirty_log *log);

/* fault.c */
enum {
	FAULT_MAPPED	= RESUME_GUEST,	/* mapped, or worth another try */
	FAULT_NO_SLOT	= 16,		/* no memory there: MMIO */
	FAULT_READONLY	= 17,		/* a write to a read-only slot: MMIO */
};

/*
 * Make guest memory at @gpa accessible for @access (PROT_GUEST_*).  May sleep;
 * vm->srcu held, vCPU loaded.  FAULT_*, or -EFAULT and -EHWPOISON (vcpu->run
 * says KVM_EXIT_MEMORY_FAULT), -ENOMEM, -EINTR (a fatal signal).
 */
int vcpu_fault(struct vcpu *vcpu, gpa_t gpa, u8 access);
/*
 * The same for fast handlers: irqs off, vm->srcu not held.  True: served.  False: it may
 * be any fault, nothing was done.
 */
bool vcpu_fault_atomic(struct vcpu *vcpu, gpa_t gpa, u8 access);

/*
 * Map what has no memslot (an interrupt file, an APIC page), instead of whatever is
 * mapped there.  May sleep.  0 or -ENOMEM, -EINVAL; then nothing is mapped.
 */
int mmu_map_device(struct vm *vm, gpa_t gpa, hpa_t hpa, u8 memtype);
void mmu_unmap_device(struct vm *vm, gpa_t gpa);

/* notifier.c: follow changes of the host's page tables.  May sleep. */
int notifier_register(struct vm *vm);
void notifier_unregister(struct vm *vm);

#endif /* CORE_MEMSLOT_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which guest frames are backed by which host user memory.  User
 * space changes them through memslot_set(); faults, the notifier and the
 * accessors of guest memory below look them up.  What a slot does to the page
 * tables is in fault.c, and its dirty log in dirty.c.
 *
 * A slot is found in three ways, each with its own cost and its own lock: by
 * frame (maple tree, vm->srcu), by id (xarray, vm->srcu or slots_lock), and by
 * host address (interval tree, mmu_lock).  None of them depends on how many
 * slots there are.
 *
 * Order of publication.  A slot enters the tree by host address first and leaves
 * it last: as long as a fault can map a page of it, the notifier finds it.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/kvm.h>
#include <linux/maple_tree.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include <core/host.h>
#include <core/memslot.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* --- lookup --------------------------------------------------------------- */

static unsigned long slot_key(u32 as_id, u32 id)
{
	return (unsigned long)as_id << 16 | id;
}

static gfn_t slot_last(const struct memslot *slot)
{
	return slot->base + slot->npages - 1;
}

struct memslot *memslot_find(struct vm *vm, int as_id, gfn_t gfn)
{
	return mtree_load(&vm->as[as_id].slots, gfn);
}

struct memslot *vcpu_memslot(struct vcpu *vcpu, gfn_t gfn)
{
	struct memslot *slot = vcpu->slot_cache;
	u64 generation;

	/*
	 * Pairs with the release in slots_changed(): whoever sees the old
	 * generation is in a stay in SRCU that the writer still waits for.
	 */
	generation = smp_load_acquire(&vcpu->vm->slots_generation);
	if (likely(slot && vcpu->slot_cache_generation == generation &&
		   slot->as_id == vcpu->as_id && memslot_holds(slot, gfn)))
		return slot;
	/* A device is asked for several times in one access. */
	if (vcpu_memslot_missed(vcpu, gfn))
		return NULL;

	slot = memslot_find(vcpu->vm, vcpu->as_id, gfn);
	if (slot) {
		vcpu->slot_cache = slot;
		vcpu->slot_cache_generation = generation;
	} else {
		vcpu->slot_miss = gfn;
		vcpu->slot_miss_as = vcpu->as_id;
		vcpu->slot_miss_generation = generation;
	}

	return slot;
}

struct memslot *memslot_by_id(struct vm *vm, u32 as_id, u32 id)
{
	if (as_id >= ARCH_ADDRESS_SPACES || id >= MEMSLOT_IDS)
		return NULL;

	return xa_load(&vm->slot_ids, slot_key(as_id, id));
}

/* --- one slot ------------------------------------------------------------- */

static void slot_free(struct memslot *slot)
{
	dirty_free(slot);
	kfree(slot);
}

/* Does a new log begin with every page dirty? */
static bool log_begins_full(struct vm *vm)
{
	const u64 both = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET;

	return (READ_ONCE(vm->dirty_protect) & both) == both;
}

static struct memslot *slot_alloc(struct vm *vm,
				  const struct kvm_userspace_memory_region2 *region,
				  bool log_full)
{
	struct memslot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	int err;

	if (!slot)
		return ERR_PTR(-ENOMEM);

	slot->base = gpa_to_gfn(region->guest_phys_addr);
	slot->npages = region->memory_size >> PAGE_SHIFT;
	slot->hva = region->userspace_addr;
	slot->flags = region->flags;
	slot->id = region->slot & 0xffff;
	slot->as_id = region->slot >> 16;
	slot->hva_node.start = slot->hva;
	slot->hva_node.last = slot->hva + region->memory_size - 1;

	err = mmu_op(slot_check)(vm, slot);
	if (!err && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES)) {
		WRITE_ONCE(vm->has_log, true);
		err = dirty_alloc(slot, log_full);
	}
	if (err) {
		slot_free(slot);
		return ERR_PTR(err);
	}

	return slot;
}

static struct maple_tree *slot_tree(struct vm *vm, const struct memslot *slot)
{
	return &vm->as[array_index_nospec(slot->as_id, ARCH_ADDRESS_SPACES)].slots;
}

/* Make what was published or taken back known to the caches of the vCPUs. */
static void slots_changed(struct vm *vm)
{
	smp_store_release(&vm->slots_generation, vm->slots_generation + 1);
}

static void slot_hva_insert(struct vm *vm, struct memslot *slot)
{
	write_lock(&vm->mmu_lock);
	interval_tree_insert(&slot->hva_node, &vm->slot_hvas);
	write_unlock(&vm->mmu_lock);
}

static void slot_hva_remove(struct vm *vm, struct memslot *slot)
{
	write_lock(&vm->mmu_lock);
	interval_tree_remove(&slot->hva_node, &vm->slot_hvas);
	write_unlock(&vm->mmu_lock);
}

/* The entry exists, so nothing is allocated. */
static void slot_id_set(struct vm *vm, struct memslot *slot)
{
	WARN_ON_ONCE(xa_is_err(xa_store(&vm->slot_ids, slot_key(slot->as_id, slot->id),
					slot, GFP_KERNEL_ACCOUNT)));
}

/*
 * Nobody looks a slot up any more: take its pages from the guest, and it from
 * the notifier.
 */
static void slot_unmap(struct vm *vm, struct memslot *slot)
{
	struct gfn_range range = {
		.start = slot->base,
		.end = slot->base + slot->npages,
		.as_id = slot->as_id,
	};

	write_lock(&vm->mmu_lock);
	pgtable_unmap(&vm->as[slot->as_id].pgtable, range, true);
	interval_tree_remove(&slot->hva_node, &vm->slot_hvas);
	write_unlock(&vm->mmu_lock);
}

/* --- changes -------------------------------------------------------------- */

static int slot_create(struct vm *vm, struct memslot *slot)
{
	unsigned long key = slot_key(slot->as_id, slot->id);
	int err;

	err = xa_reserve(&vm->slot_ids, key, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;

	slot_hva_insert(vm, slot);
	err = mtree_insert_range(slot_tree(vm, slot), slot->base, slot_last(slot), slot,
				 GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_hva_remove;

	slot_id_set(vm, slot);
	slots_changed(vm);

	return 0;

err_hva_remove:
	slot_hva_remove(vm, slot);
	xa_release(&vm->slot_ids, key);
	return err;
}

/*
 * Take a slot away from lookup by frame.  VMMs take a failure here for the end
 * of the world, and the few small nodes a tree may need for it are worth waiting
 * for.
 */
static void slot_unpublish(struct vm *vm, struct memslot *slot)
{
	WARN_ON_ONCE(mtree_store_range(slot_tree(vm, slot), slot->base, slot_last(slot),
				       NULL, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL));
	slots_changed(vm);
}

static void slot_delete(struct vm *vm, struct memslot *slot)
{
	slot_unpublish(vm, slot);
	xa_erase(&vm->slot_ids, slot_key(slot->as_id, slot->id));
	synchronize_srcu_expedited(&vm->srcu);
	slot_unmap(vm, slot);
	slot_free(slot);
}

/* Another place in the guest: what is there has to be free, or the slot's own. */
static int slot_move(struct vm *vm, struct memslot *old, struct memslot *new)
{
	unsigned long index = new->base;
	struct memslot *other;

	while ((other = mt_find(slot_tree(vm, new), &index, slot_last(new))))
		if (other != old)
			return -EEXIST;

	slot_unpublish(vm, old);
	slot_id_set(vm, new);
	synchronize_srcu_expedited(&vm->srcu);
	slot_unmap(vm, old);
	slot_free(old);

	/* The place is free and the way back is gone: this must not fail. */
	slot_hva_insert(vm, new);
	WARN_ON_ONCE(mtree_insert_range(slot_tree(vm, new), new->base, slot_last(new), new,
					GFP_KERNEL_ACCOUNT | __GFP_NOFAIL));
	slots_changed(vm);

	return 0;
}

/* The same place with other flags: one store, and the guest notices nothing. */
static int slot_flip(struct vm *vm, struct memslot *old, struct memslot *new,
		     bool log_full)
{
	int err;

	err = mtree_store_range(slot_tree(vm, new), new->base, slot_last(new), new,
				GFP_KERNEL_ACCOUNT);
	if (err)
		return err;

	slot_id_set(vm, new);
	write_lock(&vm->mmu_lock);
	interval_tree_remove(&old->hva_node, &vm->slot_hvas);
	interval_tree_insert(&new->hva_node, &vm->slot_hvas);
	write_unlock(&vm->mmu_lock);
	slots_changed(vm);
	synchronize_srcu_expedited(&vm->srcu);

	if (new->dirty && !log_full)
		dirty_start(vm, new);
	if (!new->dirty)
		dirty_stop(vm, new);
	slot_free(old);

	return 0;
}

/* What does not depend on other slots. */
static int region_check(struct vm *vm, const struct kvm_userspace_memory_region2 *region)
{
	u64 gpa = region->guest_phys_addr, hva = region->userspace_addr;
	u64 size = region->memory_size;
	u32 as_id = region->slot >> 16, id = region->slot & 0xffff;

	if (as_id >= ARCH_ADDRESS_SPACES || id >= MEMSLOT_IDS)
		return -EINVAL;
	if (region->flags & ~MEMSLOT_FLAGS)
		return -EINVAL;
	if ((gpa | hva | size) & ~PAGE_MASK)
		return -EINVAL;
	if (size >> PAGE_SHIFT > MEMSLOT_MAX_PAGES || gpa + size < gpa)
		return -EINVAL;

	as_id = array_index_nospec(as_id, ARCH_ADDRESS_SPACES);
	if (gpa + size > pgtable_span(vm->as[as_id].pgtable.format))
		return -EINVAL;

	/*
	 * An address with a tag in its upper bits would pass access_ok() on some
	 * hosts, and the notifier would not find the slot by it.
	 */
	if (hva != (unsigned long)hva || hva + size < hva ||
	    hva + size > vm->mm->task_size ||
	    !access_ok((void __user *)(unsigned long)hva, size))
		return -EINVAL;

	return 0;
}

static int slot_change(struct vm *vm, struct memslot *old,
		       const struct kvm_userspace_memory_region2 *region)
{
	bool log_full = log_begins_full(vm);
	struct memslot *new;
	int err;

	if (region->memory_size >> PAGE_SHIFT != old->npages ||
	    region->userspace_addr != old->hva ||
	    ((region->flags ^ old->flags) & KVM_MEM_READONLY))
		return -EINVAL;

	if (gpa_to_gfn(region->guest_phys_addr) == old->base &&
	    region->flags == old->flags)
		return 0;

	new = slot_alloc(vm, region, log_full);
	if (IS_ERR(new))
		return PTR_ERR(new);

	if (new->base != old->base)
		err = slot_move(vm, old, new);
	else
		err = slot_flip(vm, old, new, log_full);
	if (err)
		slot_free(new);

	return err;
}

int memslot_set(struct vm *vm, const struct kvm_userspace_memory_region2 *region)
{
	struct memslot *slot;
	int err;

	lockdep_assert_held(&vm->slots_lock);

	err = region_check(vm, region);
	if (err)
		return err;

	slot = memslot_by_id(vm, region->slot >> 16, region->slot & 0xffff);
	if (!region->memory_size) {
		if (!slot)
			return -EINVAL;
		slot_delete(vm, slot);
		return 0;
	}
	if (slot)
		return slot_change(vm, slot, region);

	slot = slot_alloc(vm, region, log_begins_full(vm));
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	err = slot_create(vm, slot);
	if (err)
		slot_free(slot);

	return err;
}

int memslots_init(struct vm *vm)
{
	int as_id;

	for (as_id = 0; as_id < ARCH_ADDRESS_SPACES; as_id++)
		mt_init_flags(&vm->as[as_id].slots, MT_FLAGS_USE_RCU);
	xa_init_flags(&vm->slot_ids, XA_FLAGS_ACCOUNT);
	vm->slot_hvas = RB_ROOT_CACHED;
	/* Zero is free for whoever remembers one, to say that it remembers nothing. */
	vm->slots_generation = 1;

	return 0;
}

void memslots_destroy(struct vm *vm)
{
	struct memslot *slot;
	unsigned long key;
	int as_id;

	xa_for_each(&vm->slot_ids, key, slot)
		slot_free(slot);
	xa_destroy(&vm->slot_ids);
	vm->slot_hvas = RB_ROOT_CACHED;
	for (as_id = 0; as_id < ARCH_ADDRESS_SPACES; as_id++) {
		/*
		 * There is no reader any more.  In RCU mode a callback would free the
		 * tree, and that of 6.12 oopses in a tree of many levels: it takes what
		 * lies behind the last child of a node for one more.
		 */
		mt_clear_in_rcu(&vm->as[as_id].slots);
		mtree_destroy(&vm->as[as_id].slots);
	}
}

/* --- access to guest memory ----------------------------------------------- */

/* How much of [gpa, gpa + len) lies in the first page. */
static size_t page_part(gpa_t gpa, size_t len)
{
	return min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
}

static void __user *slot_address(const struct memslot *slot, gpa_t gpa)
{
	return (void __user *)(memslot_hva(slot, gpa_to_gfn(gpa)) + offset_in_page(gpa));
}

/* By the vCPU's eyes, or by those of the VM if there is none. */
static struct memslot *guest_slot(struct vm *vm, struct vcpu *vcpu, gpa_t gpa)
{
	return vcpu ? vcpu_memslot(vcpu, gpa_to_gfn(gpa)) : memslot_find(vm, 0, gpa_to_gfn(gpa));
}

/* User memory is the VM's only in a task of its process. */
static bool guest_access_ok(struct vm *vm, gpa_t gpa, size_t len)
{
	return gpa + len >= gpa && current->mm == vm->mm;
}

static int guest_copy_in(struct vm *vm, struct vcpu *vcpu, gpa_t gpa, void *data,
			 size_t len)
{
	if (!guest_access_ok(vm, gpa, len))
		return -EFAULT;

	while (len) {
		size_t part = page_part(gpa, len);
		struct memslot *slot = guest_slot(vm, vcpu, gpa);

		if (!slot || copy_from_user(data, slot_address(slot, gpa), part))
			return -EFAULT;
		gpa += part;
		data += part;
		len -= part;
	}

	return 0;
}

static int guest_copy_out(struct vm *vm, struct vcpu *vcpu, gpa_t gpa, const void *data,
			  size_t len)
{
	if (!guest_access_ok(vm, gpa, len))
		return -EFAULT;

	while (len) {
		size_t part = page_part(gpa, len);
		struct memslot *slot = guest_slot(vm, vcpu, gpa);

		if (!slot || memslot_readonly(slot) ||
		    copy_to_user(slot_address(slot, gpa), data, part))
			return -EFAULT;
		memslot_mark_dirty(slot, gpa_to_gfn(gpa));
		gpa += part;
		data += part;
		len -= part;
	}

	return 0;
}

int guest_read(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len)
{
	return guest_copy_in(vcpu->vm, vcpu, gpa, data, len);
}

int guest_write(struct vcpu *vcpu, gpa_t gpa, const void *data, size_t len)
{
	return guest_copy_out(vcpu->vm, vcpu, gpa, data, len);
}

int vm_guest_read(struct vm *vm, gpa_t gpa, void *data, size_t len)
{
	return guest_copy_in(vm, NULL, gpa, data, len);
}

int vm_guest_write(struct vm *vm, gpa_t gpa, const void *data, size_t len)
{
	return guest_copy_out(vm, NULL, gpa, data, len);
}

/*
 * The sizes of instruction bytes and table entries without the detour of the
 * general copy: this is on the way of exits that stay in the kernel.
 */
static bool user_read_nofault(void *data, const void __user *address, size_t len)
{
	bool easy = IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
		    IS_ALIGNED((unsigned long)address, len);
	int err;

	pagefault_disable();
	if (!easy)
		err = __copy_from_user_inatomic(data, address, len) ? -EFAULT : 0;
	else if (len == sizeof(u64))
		err = __get_user(*(u64 *)data, (const u64 __user *)address);
	else if (len == sizeof(u32))
		err = __get_user(*(u32 *)data, (const u32 __user *)address);
	else
		err = __copy_from_user_inatomic(data, address, len) ? -EFAULT : 0;
	pagefault_enable();

	return !err;
}

int guest_read_nofault(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len)
{
	struct vm *vm = vcpu->vm;
	struct memslot *slot;
	int index, ret = -EFAULT;

	if (!guest_access_ok(vm, gpa, len) || page_part(gpa, len) != len)
		return -EFAULT;

	index = srcu_read_lock(&vm->srcu);
	slot = vcpu_memslot(vcpu, gpa_to_gfn(gpa));
	if (slot && user_read_nofault(data, slot_address(slot, gpa), len))
		ret = 0;
	srcu_read_unlock(&vm->srcu, index);

	return ret;
}

int guest_write_nofault(struct vcpu *vcpu, gpa_t gpa, const void *data, size_t len)
{
	struct vm *vm = vcpu->vm;
	struct memslot *slot;
	int index, ret = -EFAULT;

	if (!guest_access_ok(vm, gpa, len) || page_part(gpa, len) != len)
		return -EFAULT;

	index = srcu_read_lock(&vm->srcu);
	/* Past the vCPU's cache, which may be about to change. */
	slot = memslot_find(vm, vcpu->as_id, gpa_to_gfn(gpa));
	if (slot && !memslot_readonly(slot) &&
	    !copy_to_user_nofault(slot_address(slot, gpa), data, len)) {
		memslot_mark_dirty(slot, gpa_to_gfn(gpa));
		ret = 0;
	}
	srcu_read_unlock(&vm->srcu, index);

	return ret;
}

static bool cmpxchg_sized(void *address, u64 old, u64 new, size_t len)
{
	switch (len) {
	case 1:
		return cmpxchg((u8 *)address, (u8)old, (u8)new) == (u8)old;
	case 2:
		return cmpxchg((u16 *)address, (u16)old, (u16)new) == (u16)old;
	case 4:
		return cmpxchg((u32 *)address, (u32)old, (u32)new) == (u32)old;
	default:
		return cmpxchg((u64 *)address, old, new) == old;
	}
}

int guest_cmpxchg(struct vcpu *vcpu, gpa_t gpa, u64 old, u64 new, size_t len)
{
	struct memslot *slot;
	struct page *page;
	void *address;
	bool done;

	if (len > 8 || !is_power_of_2(len) || (gpa & (len - 1)) ||
	    !guest_access_ok(vcpu->vm, gpa, len))
		return -EFAULT;

	slot = vcpu_memslot(vcpu, gpa_to_gfn(gpa));
	if (!slot || memslot_readonly(slot))
		return -EFAULT;
	if (pin_user_pages_fast(memslot_hva(slot, gpa_to_gfn(gpa)), 1, FOLL_WRITE,
				&page) != 1)
		return -EFAULT;

	address = kmap_local_page(page);
	done = cmpxchg_sized(address + offset_in_page(gpa), old, new, len);
	kunmap_local(address);
	unpin_user_pages_dirty_lock(&page, 1, done);
	if (!done)
		return -EAGAIN;
	memslot_mark_dirty(slot, gpa_to_gfn(gpa));

	return 0;
}

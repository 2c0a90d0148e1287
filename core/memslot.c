// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which guest frames are backed by which host user memory.  User
 * space changes them through memslot_set(); faults, the notifier and the
 * accessors of guest memory below look them up.  What a slot does to the page
 * tables is in fault.c, and its dirty log in dirty.c.
 *
 * A slot is found in three ways, each with its own cost and its own lock: by
 * frame (latched tree, vm->srcu), by id (xarray, vm->srcu or slots_lock), and by
 * host address (interval tree, mmu_lock).  Of a tree it takes a few instructions a level
 * more when there are twice as many slots, and neither it nor the latch needs memory: what
 * has been checked cannot fail.
 *
 * Order of publication.  A slot enters the tree by host address first and leaves
 * it last: as long as a fault can map a page of it, the notifier finds it.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/rbtree_latch.h>
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

/* What is looked for: the last slot that does not begin behind a frame. */
struct slot_search {
	gfn_t		frame;
	struct memslot	*found;
};

static struct memslot *slot_of(struct latch_tree_node *node)
{
	return container_of(node, struct memslot, frame_node);
}

/*
 * One comparison a level, down to a leaf.  Were the tree to change meanwhile, and the search to
 * begin anew, what it found before stays unless it finds another: a slot that was there when
 * it began.
 */
static __always_inline int slot_compare(void *key, struct latch_tree_node *node)
{
	struct slot_search *search = key;

	if (search->frame < slot_of(node)->base)
		return -1;
	search->found = slot_of(node);

	return 1;
}

static const struct latch_tree_ops slot_order = {
	.comp = slot_compare,
};

/* The last slot that does not begin behind @frame.  vm->srcu or slots_lock held. */
static __always_inline struct memslot *slot_last(struct vm *vm, int as_id, gfn_t frame)
{
	struct slot_search search = { .frame = frame };

	lockdep_assert(srcu_read_lock_held(&vm->srcu) || lockdep_is_held(&vm->slots_lock));
	latch_tree_find(&search, &vm->as[as_id].slots, &slot_order);

	return search.found;
}

/* The last slot that holds one of the frames.  vm->srcu or slots_lock held. */
static __always_inline struct memslot *slot_among(struct vm *vm, int as_id, gfn_t first, gfn_t last)
{
	struct memslot *slot = slot_last(vm, as_id, last);

	return slot && slot->last >= first ? slot : NULL;
}

struct memslot *memslot_find(struct vm *vm, int as_id, gfn_t gfn)
{
	return slot_among(vm, as_id, gfn, gfn);
}

/*
 * The cache of a vCPU holds two slots, or one twice, the last first: a guest goes to and fro
 * between them.
 */
static bool slot_cache_is_of(const struct vcpu *vcpu, u64 generation)
{
	return vcpu->slot_cache_generation == generation && vcpu->slot_cache_as == vcpu->as_id;
}

static void slot_cache_begin(struct vcpu *vcpu, struct memslot *slot, u64 generation)
{
	vcpu->slot_cache[0] = vcpu->slot_cache[1] = slot;
	vcpu->slot_cache_as = vcpu->as_id;
	vcpu->slot_cache_generation = generation;
}

struct memslot *vcpu_memslot_look(struct vcpu *vcpu, gfn_t gfn)
{
	struct memslot **cache = vcpu->slot_cache, *last = NULL, *slot;
	u64 generation;

	/*
	 * Pairs with the release in slots_changed(): whoever sees the old
	 * generation is in a stay in SRCU that the writer still waits for.
	 */
	generation = smp_load_acquire(&vcpu->vm->slots_generation);
	if (likely(slot_cache_is_of(vcpu, generation))) {
		last = cache[0];
		if (likely(memslot_holds(last, gfn)))
			return last;
		if (memslot_holds(cache[1], gfn)) {
			swap(cache[0], cache[1]);
			return cache[0];
		}
	}

	slot = slot_among(vcpu->vm, vcpu->as_id, gfn, gfn);
	if (slot && last) {
		cache[0] = slot;
		cache[1] = last;
	} else if (slot) {
		slot_cache_begin(vcpu, slot, generation);
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
	slot->last = slot->base + slot->npages - 1;
	slot->hva = region->userspace_addr;
	slot->flags = region->flags;
	slot->id = region->slot & 0xffff;
	slot->as_id = array_index_nospec(region->slot >> 16, ARCH_ADDRESS_SPACES);
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

/* The next one behind @before; NULL: before all. */
static void node_insert(struct rb_root *root, struct rb_node *node, struct rb_node *before)
{
	struct rb_node **link = before ? &before->rb_right : &root->rb_node;
	struct rb_node *parent = before;

	while (*link) {
		parent = *link;
		link = &parent->rb_left;
	}
	rb_link_node_rcu(node, parent, link);
	rb_insert_color(node, root);
}

/*
 * Who looks meanwhile finds it, or not yet.  Its place is behind @before, the slot_last() of
 * its frames; so neither half of the latch has to be searched for it.
 */
static void slot_insert(struct vm *vm, struct memslot *slot, struct memslot *before)
{
	struct latch_tree_root *root = &vm->as[slot->as_id].slots;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(root->tree); i++) {
		/* Who looks goes by the other half. */
		raw_write_seqcount_latch(&root->seq);
		node_insert(&root->tree[i], &slot->frame_node.node[i],
			    before ? &before->frame_node.node[i] : NULL);
	}
}

/* Who looks meanwhile finds the one or the other. */
static void slot_replace(struct vm *vm, struct memslot *old, struct memslot *new)
{
	struct latch_tree_root *root = &vm->as[old->as_id].slots;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(root->tree); i++)
		rb_replace_node_rcu(&old->frame_node.node[i], &new->frame_node.node[i],
				    &root->tree[i]);
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

/* 0 or -ENOMEM; where there is an entry already it cannot fail. */
static int slot_id_set(struct vm *vm, struct memslot *slot)
{
	return xa_err(xa_store(&vm->slot_ids, slot_key(slot->as_id, slot->id), slot,
			       GFP_KERNEL_ACCOUNT));
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

/* Take a slot away from lookup, and wait until nobody uses it any more. */
static void slot_unpublish(struct vm *vm, struct memslot *slot)
{
	latch_tree_erase(&slot->frame_node, &vm->as[slot->as_id].slots, &slot_order);
	slots_changed(vm);
	synchronize_srcu_expedited(&vm->srcu);
}

static int slot_create(struct vm *vm, struct memslot *slot)
{
	struct memslot *before = slot_last(vm, slot->as_id, slot->last);
	int err;

	if (before && before->last >= slot->base)
		return -EEXIST;
	err = slot_id_set(vm, slot);
	if (err)
		return err;

	slot_hva_insert(vm, slot);
	slot_insert(vm, slot, before);
	slots_changed(vm);

	return 0;
}

static void slot_delete(struct vm *vm, struct memslot *slot)
{
	xa_erase(&vm->slot_ids, slot_key(slot->as_id, slot->id));
	slot_unpublish(vm, slot);
	slot_unmap(vm, slot);
	slot_free(slot);
}

/* Is what the slot's new place has beside its old one free?  Both are of one size. */
static bool slot_can_move(struct vm *vm, const struct memslot *old, const struct memslot *new)
{
	gfn_t first = new->base, last = new->last;

	if (first > old->base)
		first = max(first, old->last + 1);
	else
		last = min(last, old->base - 1);

	return !slot_among(vm, new->as_id, first, last);
}

static int slot_move(struct vm *vm, struct memslot *old, struct memslot *new)
{
	if (!slot_can_move(vm, old, new))
		return -EEXIST;

	WARN_ON_ONCE(slot_id_set(vm, new));
	slot_unpublish(vm, old);
	slot_unmap(vm, old);
	slot_free(old);

	slot_hva_insert(vm, new);
	slot_insert(vm, new, slot_last(vm, new->as_id, new->base));
	slots_changed(vm);

	return 0;
}

/* The same place with other flags: the guest notices nothing. */
static void slot_flip(struct vm *vm, struct memslot *old, struct memslot *new, bool log_full)
{
	slot_replace(vm, old, new);
	WARN_ON_ONCE(slot_id_set(vm, new));
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
	int err = 0;

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
		slot_flip(vm, old, new, log_full);
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

void memslots_init(struct vm *vm)
{
	int as_id;

	for (as_id = 0; as_id < ARCH_ADDRESS_SPACES; as_id++)
		seqcount_latch_init(&vm->as[as_id].slots.seq);
	xa_init_flags(&vm->slot_ids, XA_FLAGS_ACCOUNT);
	vm->slot_hvas = RB_ROOT_CACHED;
	/* Zero is free for whoever remembers one, to say that it remembers nothing. */
	vm->slots_generation = 1;
}

void memslots_destroy(struct vm *vm)
{
	struct memslot *slot;
	unsigned long key;

	xa_for_each(&vm->slot_ids, key, slot)
		slot_free(slot);
	xa_destroy(&vm->slot_ids);
	vm->slot_hvas = RB_ROOT_CACHED;
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

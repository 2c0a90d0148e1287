// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which in-kernel device answers an access to guest physical memory or to a
 * port, and coalesced zones: writes that wait in a ring until user space comes
 * by.  Knows no device.  Called by the exit handlers through vcpu_mmio() and the
 * architecture's port I/O; devices and eventfd.c register here.
 *
 * A bus is one array, sorted by address, that never changes in size: a
 * registration publishes a new one.  A device is taken off by clearing its
 * pointer in place, which cannot fail; the next registration leaves the hole out.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/nospec.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <core/iobus.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* Enough for a queue-notification address per queue of a large VM. */
#define IOBUS_RANGES_MAX	16384
#define COALESCED_ZONES_MAX	256

struct iobus_range {
	gpa_t			 addr;
	u64			 len;	/* 0: an access of any length at addr */
	gpa_t			 next;	/* where the one behind starts, or the end */
	gpa_t			 reach;	/* last address of this range or one before */
	struct io_device	*device;	/* NULL: taken off */
};

struct iobus {
	int			 count;
	struct iobus_range	 range[];
};

struct coalesced_zone {
	struct list_head	 link;	/* vm->coalesced_zones; read under srcu */
	struct list_head	 removed;	/* on its way out */
	gpa_t			 addr;
	u64			 size;
	enum iobus_kind		 bus;
};

/* --- lookup ------------------------------------------------------------ */

static gpa_t range_last(gpa_t addr, u64 len)
{
	return addr + (len ? len - 1 : 0);
}

/* @addr is not below the range. */
static bool range_covers(const struct iobus_range *range, gpa_t addr, int len)
{
	if (!range->len)
		return addr == range->addr;

	return len <= range->len && addr - range->addr <= range->len - len;
}

/* Index of the last range that does not start above @addr, or -1. */
static int iobus_find(const struct iobus *bus, gpa_t addr)
{
	int low = 0, high = bus->count;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (bus->range[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}

	return low - 1;
}

/*
 * The same range or NULL, but a vCPU mostly asks for the device it asked for last.
 */
static __always_inline const struct iobus_range *
iobus_find_again(struct vcpu *vcpu, enum iobus_kind kind, const struct iobus *bus, gpa_t addr)
{
	unsigned int hint = vcpu->bus_hint[kind];
	const struct iobus_range *range = &bus->range[hint];
	int found;

	if (likely(hint < bus->count && range->addr <= addr && addr < range->next))
		return range;
	found = iobus_find(bus, addr);
	vcpu->bus_hint[kind] = found;

	return found < 0 ? NULL : &bus->range[found];
}

/*
 * Ask every device that covers the access, the one that starts highest first,
 * until one takes it.  A read has @in, a write has @out.  @atomic: irqs are off.
 */
static __always_inline int iobus_access(struct vcpu *vcpu, enum iobus_kind kind,
					gpa_t addr, int len, void *in, const void *out,
					bool atomic)
{
	struct vm *vm = vcpu->vm;
	const struct iobus *bus = srcu_dereference(vm->buses[kind], &vm->srcu);
	const struct iobus_range *range;

	range = bus ? iobus_find_again(vcpu, kind, bus, addr) : NULL;
	for (; range && range->reach >= addr; range = range == bus->range ? NULL : range - 1) {
		struct io_device *device = READ_ONCE(range->device);
		int ret;

		if (!device || !range_covers(range, addr, len))
			continue;
		if (atomic && !device->ops->atomic)
			return -EWOULDBLOCK;
		ret = in ? device->ops->read(vcpu, device, addr, len, in) :
			   device->ops->write(vcpu, device, addr, len, out);
		if (ret != -EOPNOTSUPP)
			return ret;
	}

	return -EOPNOTSUPP;
}

int iobus_ask(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len, void *in,
	      const void *out)
{
	return iobus_access(vcpu, bus, addr, len, in, out, false);
}

int iobus_read_atomic(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len, void *data)
{
	int ret, index = srcu_read_lock(&vcpu->vm->srcu);

	ret = iobus_access(vcpu, bus, addr, len, data, NULL, true);
	srcu_read_unlock(&vcpu->vm->srcu, index);

	return ret;
}

int iobus_write_atomic(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
		       const void *data)
{
	int ret, index = srcu_read_lock(&vcpu->vm->srcu);

	ret = iobus_access(vcpu, bus, addr, len, NULL, data, true);
	srcu_read_unlock(&vcpu->vm->srcu, index);

	return ret;
}

/* --- registration ------------------------------------------------------- */

static struct iobus *iobus_current(struct vm *vm, enum iobus_kind kind)
{
	return rcu_dereference_protected(vm->buses[kind], lockdep_is_held(&vm->slots_lock));
}

static void iobus_filter_add(unsigned long *filter, enum iobus_kind kind, gpa_t addr, u64 len)
{
	unsigned int shift = iobus_granule_shift(kind);
	u64 first = addr >> shift;
	u64 granules = (range_last(addr, len) >> shift) - first + 1;
	u64 i;

	if (granules >= IOBUS_FILTER_BITS) {
		bitmap_fill(filter, IOBUS_FILTER_BITS);
		return;
	}
	for (i = 0; i < granules; i++)
		set_bit(iobus_filter_bit(first + i), filter);
}

/* Readers find each bit that @old and @new have at any time. */
static void iobus_filter_replace(unsigned long *old, const unsigned long *new)
{
	int i;

	for (i = 0; i < BITS_TO_LONGS(IOBUS_FILTER_BITS); i++)
		WRITE_ONCE(old[i], new[i]);
}

/* Without what was taken off since the last registration. */
static void iobus_filter_rebuild(struct vm *vm, enum iobus_kind kind, const struct iobus *bus)
{
	DECLARE_BITMAP(filter, IOBUS_FILTER_BITS) = {};
	int i;

	for (i = 0; i < bus->count; i++)
		iobus_filter_add(filter, kind, bus->range[i].addr, bus->range[i].len);
	iobus_filter_replace(vm->bus_filter[kind], filter);
}

/* @range has a greater or the same address as all before it. */
static void iobus_append(struct iobus *bus, const struct iobus_range *range)
{
	struct iobus_range *new = &bus->range[bus->count];

	*new = *range;
	new->next = U64_MAX;
	new->reach = range_last(new->addr, new->len);
	if (bus->count) {
		new[-1].next = new->addr;
		new->reach = max(new->reach, new[-1].reach);
	}
	bus->count++;
}

static int iobus_live_count(const struct iobus *bus)
{
	int i, live = 0;

	for (i = 0; bus && i < bus->count; i++)
		live += bus->range[i].device != NULL;

	return live;
}

int iobus_register(struct vm *vm, enum iobus_kind kind, gpa_t addr, u64 len,
		   struct io_device *device)
{
	struct iobus_range range = { .addr = addr, .len = len, .device = device };
	struct iobus *old = iobus_current(vm, kind);
	struct iobus *new;
	int live = iobus_live_count(old);
	bool placed = false;
	int i;

	lockdep_assert_held(&vm->slots_lock);

	if (range_last(addr, len) < addr)
		return -EINVAL;
	if (live >= IOBUS_RANGES_MAX)
		return -ENOSPC;
	new = kvzalloc(struct_size(new, range, live + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;

	for (i = 0; old && i < old->count; i++) {
		if (!old->range[i].device)
			continue;
		if (!placed && old->range[i].addr > addr) {
			iobus_append(new, &range);
			placed = true;
		}
		iobus_append(new, &old->range[i]);
	}
	if (!placed)
		iobus_append(new, &range);

	iobus_filter_add(vm->bus_filter[kind], kind, addr, len);
	rcu_assign_pointer(vm->buses[kind], new);
	if (old) {
		synchronize_srcu_expedited(&vm->srcu);
		kvfree(old);
	}
	iobus_filter_rebuild(vm, kind, new);

	return 0;
}

int iobus_unregister(struct vm *vm, enum iobus_kind kind, struct io_device *device)
{
	struct iobus *bus = iobus_current(vm, kind);
	bool found = false;
	int i;

	lockdep_assert_held(&vm->slots_lock);

	for (i = 0; bus && i < bus->count; i++) {
		if (bus->range[i].device != device)
			continue;
		WRITE_ONCE(bus->range[i].device, NULL);
		found = true;
	}
	if (!found)
		return -ENOENT;
	synchronize_srcu_expedited(&vm->srcu);

	return 0;
}

/* --- coalesced zones ------------------------------------------------------ */

static bool zone_covers(const struct coalesced_zone *zone, enum iobus_kind bus,
			gpa_t addr, u64 len)
{
	return zone->bus == bus && addr >= zone->addr && len <= zone->size &&
	       addr - zone->addr <= zone->size - len;
}

/*
 * The ring is mapped by user space, which may write anything into it: both
 * indexes are read once, and the one that is used is bounded first.
 */
static bool ring_put(struct vm *vm, enum iobus_kind bus, gpa_t addr, int len,
		     const void *data)
{
	struct kvm_coalesced_mmio_ring *ring = vm->coalesced;
	struct kvm_coalesced_mmio *entry;
	u32 last, next;
	bool room;

	spin_lock(&vm->ring_lock);
	last = READ_ONCE(ring->last);
	room = last < KVM_COALESCED_MMIO_MAX;
	if (room) {
		last = array_index_nospec(last, KVM_COALESCED_MMIO_MAX);
		next = (last + 1) % KVM_COALESCED_MMIO_MAX;
		/* Pairs with the reader's release of the entry it is done with. */
		room = next != smp_load_acquire(&ring->first);
	}
	if (room) {
		entry = &ring->coalesced_mmio[last];
		entry->phys_addr = addr;
		entry->len = len;
		entry->pio = bus == IOBUS_PIO;
		memcpy(entry->data, data, len);
		/* The reader looks at the entry after it saw the index move. */
		smp_store_release(&ring->last, next);
	}
	spin_unlock(&vm->ring_lock);

	return room;
}

bool coalesced_write_zone(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
			  const void *data)
{
	struct vm *vm = vcpu->vm;
	struct coalesced_zone *zone;

	if (len > (int)sizeof_field(struct kvm_coalesced_mmio, data))
		return false;

	list_for_each_entry_srcu(zone, &vm->coalesced_zones, link,
				 srcu_read_lock_held(&vm->srcu))
		if (zone_covers(zone, bus, addr, len))
			return ring_put(vm, bus, addr, len, data);

	return false;
}

static void zone_filter_add(unsigned long *filter, const struct coalesced_zone *zone)
{
	iobus_filter_add(filter, zone->bus, zone->addr, zone->size);
}

/* Without the zones of @bus that are gone. */
static void zone_filter_rebuild(struct vm *vm, enum iobus_kind bus)
{
	DECLARE_BITMAP(filter, IOBUS_FILTER_BITS) = {};
	struct coalesced_zone *zone;

	list_for_each_entry(zone, &vm->coalesced_zones, link)
		if (zone->bus == bus)
			zone_filter_add(filter, zone);
	iobus_filter_replace(vm->coalesced_filter[bus], filter);
}

static int zone_check(const struct kvm_coalesced_mmio_zone *zone)
{
	if (zone->pio > 1 || !zone->size || zone->addr + zone->size - 1 < zone->addr)
		return -EINVAL;

	return 0;
}

int coalesced_register(struct vm *vm, const struct kvm_coalesced_mmio_zone *args)
{
	struct coalesced_zone *zone, *other;
	int count = 0;
	int ret;

	lockdep_assert_held(&vm->slots_lock);

	ret = zone_check(args);
	if (ret)
		return ret;
	list_for_each_entry(other, &vm->coalesced_zones, link)
		count++;
	if (count >= COALESCED_ZONES_MAX)
		return -ENOSPC;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->addr = args->addr;
	zone->size = args->size;
	zone->bus = args->pio ? IOBUS_PIO : IOBUS_MMIO;

	zone_filter_add(vm->coalesced_filter[zone->bus], zone);
	list_add_tail_rcu(&zone->link, &vm->coalesced_zones);

	return 0;
}

static bool zone_overlaps(const struct coalesced_zone *zone, enum iobus_kind bus,
			  gpa_t first, gpa_t last)
{
	return zone->bus == bus && zone->addr <= last &&
	       first <= zone->addr + (zone->size - 1);
}

/*
 * A zone of which any part is given up goes whole: a write that is not coalesced
 * is only slower, one that waits in the ring unexpectedly is wrong.
 */
int coalesced_unregister(struct vm *vm, const struct kvm_coalesced_mmio_zone *args)
{
	enum iobus_kind bus = args->pio ? IOBUS_PIO : IOBUS_MMIO;
	gpa_t last = args->addr + args->size - 1;
	struct coalesced_zone *zone, *next;
	LIST_HEAD(removed);
	int ret;

	lockdep_assert_held(&vm->slots_lock);

	ret = zone_check(args);
	if (ret)
		return ret;

	list_for_each_entry_safe(zone, next, &vm->coalesced_zones, link) {
		if (!zone_overlaps(zone, bus, args->addr, last))
			continue;
		list_del_rcu(&zone->link);
		list_add(&zone->removed, &removed);
	}
	if (!list_empty(&removed)) {
		zone_filter_rebuild(vm, bus);
		synchronize_srcu_expedited(&vm->srcu);
	}
	list_for_each_entry_safe(zone, next, &removed, removed)
		kfree(zone);

	return 0;
}

/* --- life ------------------------------------------------------------------ */

int iobus_init(struct vm *vm)
{
	spin_lock_init(&vm->ring_lock);
	INIT_LIST_HEAD(&vm->coalesced_zones);
	vm->coalesced = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	return vm->coalesced ? 0 : -ENOMEM;
}

static void iobus_free(struct vm *vm, enum iobus_kind kind)
{
	struct iobus *bus = rcu_dereference_protected(vm->buses[kind], true);
	int i;

	for (i = 0; bus && i < bus->count; i++) {
		struct io_device *device = bus->range[i].device;

		if (device && device->ops->destroy)
			device->ops->destroy(device);
	}
	RCU_INIT_POINTER(vm->buses[kind], NULL);
	kvfree(bus);
}

void iobus_destroy(struct vm *vm)
{
	struct coalesced_zone *zone, *next;
	int kind;

	for (kind = 0; kind < IOBUS_COUNT; kind++)
		iobus_free(vm, kind);
	/* A VM that iobus_init() never saw has zeroes here. */
	if (!vm->coalesced)
		return;
	list_for_each_entry_safe(zone, next, &vm->coalesced_zones, link)
		kfree(zone);
	INIT_LIST_HEAD(&vm->coalesced_zones);
	free_page((unsigned long)vm->coalesced);
	vm->coalesced = NULL;
}

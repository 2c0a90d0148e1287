// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device KVM_DEV_TYPE_ARM_VGIC_ITS, and the tables of an ITS in guest memory: saved
 * when the VM stops, restored into another one.  Their layout, revision 0, and the
 * attributes are those of the kernel's Documentation/virt/kvm/devices/arm-vgic-its.rst.
 *
 * Entries of devices and of events are chained: each says how far it is to the next one.
 */
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "vgic_its.h"

#define DTE_VALID	BIT_ULL(63)
#define DTE_NEXT	GENMASK_ULL(62, 49)
#define DTE_ITT		GENMASK_ULL(48, 5)	/* address bits 51 to 8 */
#define DTE_SIZE	GENMASK_ULL(4, 0)	/* bits of an EventID, less one */
#define CTE_VALID	BIT_ULL(63)
#define CTE_RDBASE	GENMASK_ULL(51, 16)
#define CTE_ICID	GENMASK_ULL(15, 0)
#define ITE_NEXT	GENMASK_ULL(63, 48)
#define ITE_INTID	GENMASK_ULL(47, 16)	/* 0: not valid */
#define ITE_ICID	GENMASK_ULL(15, 0)

/* Between two entries of a long table: may somebody else go on, shall this end? */
static int breathe(void)
{
	cond_resched();

	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* --- save: config_lock, vm->srcu held ----------------------------------------- */

static gpa_t event_entry(const struct its_device *device, u32 event)
{
	return device->itt + (u64)event * ITS_ENTRY_SIZE;
}

/* How far it is from one key to the next one, if there is one up to @last. */
static u64 distance(struct xarray *array, unsigned long key, unsigned long last, u64 limit)
{
	unsigned long next = key;

	if (key == last || !xa_find_after(array, &next, last, XA_PRESENT))
		return 0;

	return min(next - key, limit);
}

static int save_event(struct its *its, const struct its_device *device,
		      const struct its_event *event)
{
	unsigned long last = its_key(device->id, BIT(ITS_EVENT_BITS) - 1);
	u64 next = distance(&its->events, its_key(device->id, event->event), last,
			    FIELD_MAX(ITE_NEXT));

	return its_write64(its, event_entry(device, event->event),
			   FIELD_PREP(ITE_NEXT, next) |
			   FIELD_PREP(ITE_INTID, event->irq->intid) |
			   FIELD_PREP(ITE_ICID, event->icid));
}

static int save_events(struct its *its, const struct its_device *device)
{
	unsigned long last = its_key(device->id, BIT(ITS_EVENT_BITS) - 1), key;
	struct its_event *event;
	int err;

	xa_for_each_range(&its->events, key, event, its_key(device->id, 0), last) {
		err = save_event(its, device, event) ?: breathe();
		if (err)
			return err;
	}

	return 0;
}

static int save_device(struct its *its, const struct its_device *device)
{
	u64 next = distance(&its->devices, device->id, BIT(ITS_DEVICE_BITS) - 1,
			    FIELD_MAX(DTE_NEXT));
	gpa_t entry = its_entry(its, ITS_DEVICES, device->id);

	if (entry == GPA_INVALID)
		return -EINVAL;

	return its_write64(its, entry, DTE_VALID | FIELD_PREP(DTE_NEXT, next) |
			   FIELD_PREP(DTE_ITT, device->itt >> 8) |
			   FIELD_PREP(DTE_SIZE, device->event_bits - 1));
}

static int save_devices(struct its *its)
{
	struct its_device *device;
	unsigned long id;
	int err;

	xa_for_each(&its->devices, id, device) {
		err = save_events(its, device) ?: save_device(its, device);
		if (err)
			return err;
	}

	return 0;
}

static int save_collection(struct its *its, u32 index, u32 icid, unsigned long processor)
{
	gpa_t entry = its_entry(its, ITS_COLLECTIONS, index);

	if (entry == GPA_INVALID)
		return -EINVAL;

	return its_write64(its, entry, CTE_VALID | FIELD_PREP(CTE_RDBASE, processor) |
			   FIELD_PREP(CTE_ICID, icid));
}

/* In a row; one that is not valid ends it, unless the table is full. */
static int save_collections(struct its *its)
{
	unsigned long icid;
	u32 index = 0;
	void *value;
	gpa_t entry;
	int err;

	xa_for_each(&its->collections, icid, value) {
		struct vgic_cpu *cpu = its->vgic->cpus[xa_to_value(value)];

		err = save_collection(its, index++, icid, cpu->vcpu->id) ?: breathe();
		if (err)
			return err;
	}
	entry = its_entry(its, ITS_COLLECTIONS, index);

	return entry == GPA_INVALID ? 0 : its_write64(its, entry, 0);
}

static int save_tables(struct its *its)
{
	return save_devices(its) ?: save_collections(its);
}

void its_clear_device(struct its *its, const struct its_device *device)
{
	gpa_t entry = its_entry(its, ITS_DEVICES, device->id);

	/* What cannot be written cannot be read, either. */
	if (entry != GPA_INVALID)
		its_write64(its, entry, 0);
}

void its_clear_event(struct its *its, u32 device, u32 event)
{
	struct its_device *owner = xa_load(&its->devices, device);

	if (owner)
		its_write64(its, event_entry(owner, event), 0);
}

/* --- restore: config_lock, vm->srcu held -------------------------------------- */

static int restore_event(struct its *its, const struct its_device *device, u32 event, u64 entry)
{
	u32 intid = FIELD_GET(ITE_INTID, entry), icid = FIELD_GET(ITE_ICID, entry);
	int err;

	err = its_map_event(its, device->id, event, intid, icid);
	if (err)
		return err;

	return vgic_lpi_fetch_pending(vgic_lpi(its->vgic, intid));
}

static int restore_events(struct its *its, const struct its_device *device)
{
	u64 entry, step, event;
	int err;

	for (event = 0; event < BIT(device->event_bits); event += step) {
		err = its_read64(its, event_entry(device, event), &entry) ?: breathe();
		if (err)
			return err;
		step = 1;
		if (!FIELD_GET(ITE_INTID, entry))
			continue;
		err = restore_event(its, device, event, entry);
		if (err)
			return err;
		step = FIELD_GET(ITE_NEXT, entry);
		if (!step)
			break;
	}

	return 0;
}

static int restore_device(struct its *its, u32 id, u64 entry)
{
	int err;

	err = its_map_device(its, id, FIELD_GET(DTE_ITT, entry) << 8,
			     FIELD_GET(DTE_SIZE, entry) + 1);

	return err ?: restore_events(its, xa_load(&its->devices, id));
}

/* With two levels most of a table may not be there. */
static int restore_devices(struct its *its)
{
	u64 count = its_entries(its, ITS_DEVICES), id, step, entry;
	gpa_t addr;
	int err;

	for (id = 0; id < count; id += step) {
		step = 1;
		err = breathe();
		if (err)
			return err;
		addr = its_entry(its, ITS_DEVICES, id);
		if (addr == GPA_INVALID)
			continue;
		err = its_read64(its, addr, &entry);
		if (err)
			return err;
		if (!(entry & DTE_VALID))
			continue;
		err = restore_device(its, id, entry);
		if (err)
			return err;
		step = FIELD_GET(DTE_NEXT, entry);
		if (!step)
			break;
	}

	return 0;
}

static int restore_collections(struct its *its)
{
	u64 count = its_entries(its, ITS_COLLECTIONS), index, entry;
	int err;

	for (index = 0; index < count; index++) {
		err = its_read64(its, its_entry(its, ITS_COLLECTIONS, index), &entry) ?: breathe();
		if (err)
			return err;
		if (!(entry & CTE_VALID))
			break;
		if (FIELD_GET(CTE_RDBASE, entry) > U32_MAX)
			return -EINVAL;
		err = its_map_collection(its, FIELD_GET(CTE_ICID, entry),
					 FIELD_GET(CTE_RDBASE, entry));
		if (err)
			return err;
	}

	return 0;
}

/* First the collections: events want to know where they go. */
static int restore_tables(struct its *its)
{
	return restore_collections(its) ?: restore_devices(its);
}

/* --- attributes: vm->lock held ------------------------------------------------ */

static int its_put_on_bus(struct its *its)
{
	int err;

	if (its->mapped || !its->initialised || its->base == GPA_INVALID)
		return 0;
	err = its_bus_register(its);
	if (!err)
		its->mapped = true;

	return err;
}

static int addr_has(struct its *its, u64 attr)
{
	return attr == KVM_VGIC_ITS_ADDR_TYPE ? 0 : -ENODEV;
}

static int addr_get(struct its *its, u64 attr, u64 *value)
{
	*value = its->base;

	return 0;
}

static int addr_set(struct its *its, u64 attr, u64 value)
{
	u64 end = BIT_ULL(its->vm->arch.ipa_bits);
	int err;

	if (its->base != GPA_INVALID)
		return -EEXIST;
	if (value % SZ_64K)
		return -EINVAL;
	if (value >= end || KVM_VGIC_V3_ITS_SIZE > end - value)
		return -E2BIG;

	WRITE_ONCE(its->base, value);
	err = its_put_on_bus(its);
	if (err)
		WRITE_ONCE(its->base, GPA_INVALID);

	return err;
}

static int ctrl_has(struct its *its, u64 attr)
{
	switch (attr) {
	case KVM_DEV_ARM_VGIC_CTRL_INIT:
	case KVM_DEV_ARM_ITS_SAVE_TABLES:
	case KVM_DEV_ARM_ITS_RESTORE_TABLES:
	case KVM_DEV_ARM_ITS_CTRL_RESET:
		return 0;
	default:
		return -ENXIO;
	}
}

static int ctrl_init(struct its *its)
{
	bool before = its->initialised;
	int err;

	its->initialised = true;
	err = its_put_on_bus(its);
	if (err)
		its->initialised = before;

	return err;
}

/* config_lock, vm->srcu held; no vCPU runs. */
static int ctrl_memory(struct its *its, u64 attr)
{
	if (attr == KVM_DEV_ARM_ITS_CTRL_RESET) {
		its_reset(its);
		return 0;
	}
	/* Tables say which vCPU. */
	if (!its->vgic->initialised)
		return -ENXIO;

	return attr == KVM_DEV_ARM_ITS_SAVE_TABLES ? save_tables(its) : restore_tables(its);
}

static int ctrl_set(struct its *its, u64 attr, u64 value)
{
	struct vm *vm = its->vm;
	int index, err;

	/* It may wait for readers of srcu, who may wait for config_lock. */
	if (attr == KVM_DEV_ARM_VGIC_CTRL_INIT)
		return ctrl_init(its);

	guard(mutex)(&vm->config_lock);

	index = srcu_read_lock(&vm->srcu);
	err = ctrl_memory(its, attr);
	srcu_read_unlock(&vm->srcu, index);

	return err;
}

static int regs_has(struct its *its, u64 attr)
{
	return attr > U32_MAX ? -ENXIO : its_register_has(attr);
}

static int regs_get(struct its *its, u64 attr, u64 *value)
{
	return its_register_get(its, attr, value);
}

static int regs_set(struct its *its, u64 attr, u64 value)
{
	return its_register_set(its, attr, value);
}

/* By KVM_DEV_ARM_VGIC_GRP_*.  get and set are called only if has says 0. */
static const struct its_group {
	u8	size;		/* of a value in user space */
	bool	stopped;	/* no vCPU may run */
	int	(*has)(struct its *its, u64 attr);	/* NULL: no such group */
	int	(*get)(struct its *its, u64 attr, u64 *value);	/* NULL: there is none */
	int	(*set)(struct its *its, u64 attr, u64 value);
} groups[] = {
	[KVM_DEV_ARM_VGIC_GRP_ADDR]	= { 8, false, addr_has, addr_get, addr_set },
	[KVM_DEV_ARM_VGIC_GRP_CTRL]	= { 0, true, ctrl_has, NULL, ctrl_set },
	[KVM_DEV_ARM_VGIC_GRP_ITS_REGS]	= { 8, true, regs_has, regs_get, regs_set },
};

/* The group of an attribute that is there, or an error. */
static const struct its_group *its_group(struct its *its, const struct kvm_device_attr *attr)
{
	const struct its_group *group;
	int err;

	if (attr->flags)
		return ERR_PTR(-EINVAL);
	if (attr->group >= ARRAY_SIZE(groups))
		return ERR_PTR(-ENXIO);
	group = &groups[array_index_nospec(attr->group, ARRAY_SIZE(groups))];
	if (!group->has)
		return ERR_PTR(-ENXIO);
	err = group->has(its, attr->attr);

	return err ? ERR_PTR(err) : group;
}

static int group_access(struct its *its, const struct its_group *group, u64 attr, u64 *value,
			bool write)
{
	int err;

	if (group->stopped) {
		err = vm_lock_vcpus(its->vm);
		if (err)
			return err;
	}
	err = write ? group->set(its, attr, *value) : group->get(its, attr, value);
	if (group->stopped)
		vm_unlock_vcpus(its->vm);

	return err;
}

static int its_device_set(struct device_guest *device, const struct kvm_device_attr *attr)
{
	const struct its_group *group = its_group(device->data, attr);
	u64 value = 0;

	if (IS_ERR(group))
		return PTR_ERR(group);
	if (copy_from_user(&value, u64_to_user_ptr(attr->addr), group->size))
		return -EFAULT;

	return group_access(device->data, group, attr->attr, &value, true);
}

static int its_device_get(struct device_guest *device, const struct kvm_device_attr *attr)
{
	const struct its_group *group = its_group(device->data, attr);
	u64 value = 0;
	int err;

	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group->get)
		return -ENXIO;
	err = group_access(device->data, group, attr->attr, &value, false);
	if (err)
		return err;

	return copy_to_user(u64_to_user_ptr(attr->addr), &value, group->size) ? -EFAULT : 0;
}

static int its_device_has(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return PTR_ERR_OR_ZERO(its_group(device->data, attr));
}

/* --- life --------------------------------------------------------------------- */

static int its_device_create(struct device_guest *device)
{
	struct vgic *vgic = device->vm->arch.vgic;
	struct its *its;

	lockdep_assert_held(&device->vm->lock);

	if (!vgic)
		return -ENODEV;
	if (vgic->its_count >= VGIC_ITS_MAX)
		return -ENOSPC;

	its = kzalloc(sizeof(*its), GFP_KERNEL_ACCOUNT);
	if (!its)
		return -ENOMEM;
	its->vm = device->vm;
	its->vgic = vgic;
	its->base = GPA_INVALID;
	xa_init(&its->devices);
	xa_init(&its->events);
	xa_init(&its->collections);
	device->data = its;
	vgic->its[vgic->its_count] = its;
	/* Pairs with the acquire of those who look for one. */
	smp_store_release(&vgic->its_count, vgic->its_count + 1);

	return 0;
}

/*
 * One that got no file is gone before the VM is: nobody finds it any more.  It is the
 * last one then.  vm->lock held.
 */
static void its_forget(struct its *its)
{
	struct vgic *vgic = its->vm->arch.vgic;

	if (!vgic || !vgic->its_count || vgic->its[vgic->its_count - 1] != its)
		return;
	/* No message finds it after the grace period. */
	WRITE_ONCE(vgic->its_count, vgic->its_count - 1);
	synchronize_srcu_expedited(&its->vm->irq_srcu);
}

/*
 * At the end of the VM nothing is delivered and no vCPU runs any more, though the vCPUs
 * are there; otherwise nobody has used it.
 */
static void its_device_destroy(struct device_guest *device)
{
	struct its *its = device->data;
	struct vm *vm = its->vm;

	its_forget(its);
	scoped_guard(mutex, &vm->slots_lock)
		if (its->mapped)
			iobus_unregister(vm, IOBUS_MMIO, &its->device);
	scoped_guard(mutex, &vm->config_lock)
		its_reset(its);
	xa_destroy(&its->devices);
	xa_destroy(&its->events);
	xa_destroy(&its->collections);
	kfree(its);
}

const struct device_guest_type vgic_its_device = {
	.type		= KVM_DEV_TYPE_ARM_VGIC_ITS,
	.name		= "kvm-arm-vgic-its",
	.create		= its_device_create,
	.destroy	= its_device_destroy,
	.set		= its_device_set,
	.get		= its_device_get,
	.has		= its_device_has,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of a VM (KVM_SET_DEVICE_ATTR and the like on its descriptor): storage limit,
 * TOD clock, migration mode; those of the CPU model are in model.c.  What is not in a table
 * the VM does not have: collaborative memory management, wrapped keys and AP, CPU topology.
 */
#include <linux/uaccess.h>

#include "s390.h"

/* --- KVM_S390_VM_MEM_CTRL --------------------------------------------------------- */

static int limit_get(struct vm *vm, void __user *user)
{
	return put_user(s390_mmu_limit(vm), (u64 __user *)user);
}

static int limit_set(struct vm *vm, void __user *user)
{
	u64 limit;

	if (get_user(limit, (u64 __user *)user))
		return -EFAULT;
	if (limit == KVM_S390_NO_MEM_LIMIT)
		limit = s390_mmu_limit_max();

	return s390_mmu_set_limit(vm, limit);
}

static const struct s390_attr memory_attrs[] = {
	{ KVM_S390_VM_MEM_LIMIT_SIZE,	limit_get,	limit_set },
};

/* --- KVM_S390_VM_TOD: 64 bits, without an epoch index ------------------------------ */

static int tod_low_get(struct vm *vm, void __user *user)
{
	return put_user(s390_tod(vm), (u64 __user *)user);
}

static int tod_low_set(struct vm *vm, void __user *user)
{
	u64 tod;

	if (get_user(tod, (u64 __user *)user))
		return -EFAULT;
	s390_set_tod(vm, tod);

	return 0;
}

static int tod_high_get(struct vm *vm, void __user *user)
{
	return put_user(0, (u8 __user *)user);
}

static int tod_high_set(struct vm *vm, void __user *user)
{
	u8 index;

	if (get_user(index, (u8 __user *)user))
		return -EFAULT;

	return index ? -EINVAL : 0;
}

static int tod_ext_get(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_tod_clock clock;

	/* The padding goes to user space as well. */
	memset(&clock, 0, sizeof(clock));
	clock.tod = s390_tod(vm);

	return copy_to_user(user, &clock, sizeof(clock)) ? -EFAULT : 0;
}

static int tod_ext_set(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_tod_clock clock;

	if (copy_from_user(&clock, user, sizeof(clock)))
		return -EFAULT;
	if (clock.epoch_idx)
		return -EINVAL;
	s390_set_tod(vm, clock.tod);

	return 0;
}

static const struct s390_attr tod_attrs[] = {
	{ KVM_S390_VM_TOD_LOW,	tod_low_get,	tod_low_set },
	{ KVM_S390_VM_TOD_HIGH,	tod_high_get,	tod_high_set },
	{ KVM_S390_VM_TOD_EXT,	tod_ext_get,	tod_ext_set },
};

/* --- KVM_S390_VM_MIGRATION -------------------------------------------------------------- */

/*
 * There are no states of frames to be migrated, so that the mode is nothing but what user
 * space hears of it: it needs the dirty log of all slots, and ends with the first of them.
 */
static bool migration_possible(struct vm *vm)
{
	struct memslot *slot;
	unsigned long index;
	bool found = false, logged = true;

	mutex_lock(&vm->slots_lock);
	xa_for_each(&vm->slot_ids, index, slot) {
		found = true;
		if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
			logged = false;
	}
	mutex_unlock(&vm->slots_lock);

	return found && logged;
}

static bool migration_active(struct vm *vm)
{
	if (vm->arch.migration && !migration_possible(vm))
		vm->arch.migration = false;

	return vm->arch.migration;
}

static int migration_start(struct vm *vm, void __user *user)
{
	if (!migration_possible(vm))
		return -EINVAL;
	vm->arch.migration = true;

	return 0;
}

static int migration_stop(struct vm *vm, void __user *user)
{
	vm->arch.migration = false;

	return 0;
}

static int migration_status(struct vm *vm, void __user *user)
{
	return put_user((u64)migration_active(vm), (u64 __user *)user);
}

static const struct s390_attr migration_attrs[] = {
	{ KVM_S390_VM_MIGRATION_STOP,	NULL,			migration_stop },
	{ KVM_S390_VM_MIGRATION_START,	NULL,			migration_start },
	{ KVM_S390_VM_MIGRATION_STATUS,	migration_status,	NULL },
};

/* --- the groups ---------------------------------------------------------------------------- */

static const struct attr_group {
	u32			group;
	const struct s390_attr	*attrs;
	const unsigned int	*count_elsewhere;	/* of a table in another file */
	unsigned int		count;
} attr_groups[] = {
	{ KVM_S390_VM_MEM_CTRL,	 memory_attrs,	   NULL, ARRAY_SIZE(memory_attrs) },
	{ KVM_S390_VM_TOD,	 tod_attrs,	   NULL, ARRAY_SIZE(tod_attrs) },
	{ KVM_S390_VM_CPU_MODEL, s390_model_attrs, &s390_model_attr_count, 0 },
	{ KVM_S390_VM_MIGRATION, migration_attrs,  NULL, ARRAY_SIZE(migration_attrs) },
};

static const struct s390_attr *attr_in_group(const struct attr_group *group, u64 number)
{
	unsigned int i, count = group->count_elsewhere ? *group->count_elsewhere : group->count;

	for (i = 0; i < count; i++)
		if (group->attrs[i].attr == number)
			return &group->attrs[i];

	return NULL;
}

static const struct s390_attr *attr_find(const struct kvm_device_attr *attr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attr_groups); i++)
		if (attr_groups[i].group == attr->group)
			return attr_in_group(&attr_groups[i], attr->attr);

	return NULL;
}

long s390_vm_ioctl_set_attr(void *object, void *data, unsigned long user)
{
	const struct kvm_device_attr *attr = data;
	const struct s390_attr *found = attr_find(attr);

	if (attr->flags)
		return -EINVAL;
	if (!found || !found->set)
		return -ENXIO;

	return found->set(object, u64_to_user_ptr(attr->addr));
}

long s390_vm_ioctl_get_attr(void *object, void *data, unsigned long user)
{
	const struct kvm_device_attr *attr = data;
	const struct s390_attr *found = attr_find(attr);

	if (attr->flags)
		return -EINVAL;
	if (!found || !found->get)
		return -ENXIO;

	return found->get(object, u64_to_user_ptr(attr->addr));
}

long s390_vm_ioctl_has_attr(void *object, void *data, unsigned long user)
{
	const struct kvm_device_attr *attr = data;

	if (attr->flags)
		return -EINVAL;

	return attr_find(attr) ? 0 : -ENXIO;
}

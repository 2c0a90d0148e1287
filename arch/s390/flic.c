// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FLIC device (KVM_DEV_TYPE_FLIC): how user space injects, lists and clears floating
 * interruptions, and tells of adapters.  A group of attributes is one request; where an
 * attribute is a length, the address is of a buffer of that length.
 *
 * A group that is not there is -EINVAL for get and set, and -ENXIO for has, as the ABI
 * has it.
 */
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "s390.h"

static void __user *attr_user(const struct kvm_device_attr *attr)
{
	return u64_to_user_ptr(attr->addr);
}

/* --- interruptions ----------------------------------------------------------- */

/* One after the other; those before one that is refused stay. */
static int flic_enqueue(struct vm *vm, const struct kvm_device_attr *attr)
{
	const struct kvm_s390_irq __user *user = attr_user(attr);
	u64 left = attr->attr;
	struct kvm_s390_irq irq;
	int err;

	if (left % sizeof(irq) || left > KVM_S390_FLIC_MAX_BUFFER)
		return -EINVAL;
	for (; left; left -= sizeof(irq), user++) {
		if (copy_from_user(&irq, user, sizeof(irq)))
			return -EFAULT;
		err = s390_inject_floating(vm, &irq);
		if (err)
			return err;
		cond_resched();
	}

	return 0;
}

static int flic_get_all(struct vm *vm, const struct kvm_device_attr *attr)
{
	if (!attr->attr || attr->attr > KVM_S390_FLIC_MAX_BUFFER)
		return -EINVAL;

	return s390_floating_get_all(vm, attr_user(attr), attr->attr);
}

static int flic_clear(struct vm *vm, const struct kvm_device_attr *attr)
{
	s390_floating_clear(vm);

	return 0;
}

static int flic_clear_io(struct vm *vm, const struct kvm_device_attr *attr)
{
	struct s390_taken taken;
	u32 schid;

	if (attr->attr != sizeof(schid))
		return -EINVAL;
	if (copy_from_user(&schid, attr_user(attr), sizeof(schid)))
		return -EFAULT;
	if (!schid)
		return -EINVAL;
	if (s390_io_take(vm, ~0ULL, schid, &taken))
		s390_taken_done(&taken);

	return 0;
}

/*
 * Page faults of the host are never announced to the guest: it waits for them.  So there
 * is nothing to allow, and nothing to wait for.
 */
static int flic_apf(struct vm *vm, const struct kvm_device_attr *attr)
{
	return 0;
}

/* --- adapters --------------------------------------------------------------------- */

static int flic_adapter_register(struct vm *vm, const struct kvm_device_attr *attr)
{
	struct kvm_s390_io_adapter adapter;

	if (copy_from_user(&adapter, attr_user(attr), sizeof(adapter)))
		return -EFAULT;

	return s390_adapter_register(vm, &adapter);
}

static int flic_adapter_modify(struct vm *vm, const struct kvm_device_attr *attr)
{
	struct kvm_s390_io_adapter_req request;

	if (copy_from_user(&request, attr_user(attr), sizeof(request)))
		return -EFAULT;

	return s390_adapter_modify(vm, &request);
}

static int flic_adapter_inject(struct vm *vm, const struct kvm_device_attr *attr)
{
	return s390_adapter_inject(vm, attr->attr);
}

static int flic_set_mode(struct vm *vm, const struct kvm_device_attr *attr)
{
	struct s390_floating *floating = &vm->arch.floating;
	struct kvm_s390_ais_req request;
	unsigned long flags;
	u8 bit;

	if (!vm->arch.ais)
		return -EOPNOTSUPP;
	if (copy_from_user(&request, attr_user(attr), sizeof(request)))
		return -EFAULT;
	if (request.isc >= S390_ISCS || request.mode > 1)
		return -EINVAL;

	/* 0: all interruptions, 1: a single one.  Either begins anew. */
	bit = 0x80 >> request.isc;
	raw_spin_lock_irqsave(&floating->lock, flags);
	floating->nimm &= ~bit;
	if (request.mode)
		floating->simm |= bit;
	else
		floating->simm &= ~bit;
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return 0;
}

static int flic_set_modes(struct vm *vm, const struct kvm_device_attr *attr)
{
	struct s390_floating *floating = &vm->arch.floating;
	struct kvm_s390_ais_all all;
	unsigned long flags;

	if (!vm->arch.ais)
		return -EOPNOTSUPP;
	if (copy_from_user(&all, attr_user(attr), sizeof(all)))
		return -EFAULT;

	raw_spin_lock_irqsave(&floating->lock, flags);
	floating->simm = all.simm;
	floating->nimm = all.nimm;
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return 0;
}

static int flic_get_modes(struct vm *vm, const struct kvm_device_attr *attr)
{
	struct s390_floating *floating = &vm->arch.floating;
	struct kvm_s390_ais_all all;
	unsigned long flags;

	if (!vm->arch.ais)
		return -EOPNOTSUPP;
	if (attr->attr < sizeof(all))
		return -EINVAL;

	raw_spin_lock_irqsave(&floating->lock, flags);
	all.simm = floating->simm;
	all.nimm = floating->nimm;
	raw_spin_unlock_irqrestore(&floating->lock, flags);

	return copy_to_user(attr_user(attr), &all, sizeof(all)) ? -EFAULT : 0;
}

/* --- the device --------------------------------------------------------------------- */

/* By KVM_DEV_FLIC_*.  vm->lock held, may sleep; >= 0 or -errno. */
static const struct flic_group {
	int	(*get)(struct vm *vm, const struct kvm_device_attr *attr);
	int	(*set)(struct vm *vm, const struct kvm_device_attr *attr);
} flic_groups[] = {
	[KVM_DEV_FLIC_GET_ALL_IRQS]	= { flic_get_all, NULL },
	[KVM_DEV_FLIC_ENQUEUE]		= { NULL, flic_enqueue },
	[KVM_DEV_FLIC_CLEAR_IRQS]	= { NULL, flic_clear },
	[KVM_DEV_FLIC_APF_ENABLE]	= { NULL, flic_apf },
	[KVM_DEV_FLIC_APF_DISABLE_WAIT]	= { NULL, flic_apf },
	[KVM_DEV_FLIC_ADAPTER_REGISTER]	= { NULL, flic_adapter_register },
	[KVM_DEV_FLIC_ADAPTER_MODIFY]	= { NULL, flic_adapter_modify },
	[KVM_DEV_FLIC_CLEAR_IO_IRQ]	= { NULL, flic_clear_io },
	[KVM_DEV_FLIC_AISM]		= { NULL, flic_set_mode },
	[KVM_DEV_FLIC_AIRQ_INJECT]	= { NULL, flic_adapter_inject },
	[KVM_DEV_FLIC_AISM_ALL]		= { flic_get_modes, flic_set_modes },
};

/* Group 0 and those beyond are not there. */
static const struct flic_group *flic_group(u32 number)
{
	static const struct flic_group none;

	if (number >= ARRAY_SIZE(flic_groups))
		return &none;

	return &flic_groups[array_index_nospec(number, ARRAY_SIZE(flic_groups))];
}

static int flic_device_set(struct device_guest *device, const struct kvm_device_attr *attr)
{
	const struct flic_group *group = flic_group(attr->group);

	return group->set ? group->set(device->vm, attr) : -EINVAL;
}

static int flic_device_get(struct device_guest *device, const struct kvm_device_attr *attr)
{
	const struct flic_group *group = flic_group(attr->group);

	return group->get ? group->get(device->vm, attr) : -EINVAL;
}

static int flic_device_has(struct device_guest *device, const struct kvm_device_attr *attr)
{
	const struct flic_group *group = flic_group(attr->group);

	return group->get || group->set ? 0 : -ENXIO;
}

static int flic_device_create(struct device_guest *device)
{
	/* Only one; it is a view of the VM. */
	if (device->vm->arch.flic)
		return -EINVAL;
	device->vm->arch.flic = device;

	return 0;
}

static void flic_device_destroy(struct device_guest *device)
{
	device->vm->arch.flic = NULL;
}

const struct device_guest_type s390_flic_device = {
	.type		= KVM_DEV_TYPE_FLIC,
	.name		= "kvm-flic",
	.create		= flic_device_create,
	.destroy	= flic_device_destroy,
	.set		= flic_device_set,
	.get		= flic_device_get,
	.has		= flic_device_has,
};

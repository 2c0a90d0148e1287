// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CREATE_DEVICE: looks the type up, makes the device and its descriptor, and
 * hands attributes to the type.  What an attribute means is the type's business.
 * Devices live as long as their VM; a closed descriptor does not end one.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <core/device.h>
#include <core/host.h>
#include <core/ioctl.h>
#include <core/vm.h>

static const struct device_guest_type *device_type_find(u32 type)
{
	const struct device_guest_type *found;

	for (found = arch_devices; found->name; found++)
		if (found->type == type)
			return found;

	return NULL;
}

static long device_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct device_guest *device = filp->private_data;
	int (*access)(struct device_guest *device, const struct kvm_device_attr *attr);
	struct kvm_device_attr attr;

	if (device->vm->mm != current->mm)
		return -EIO;

	switch (cmd) {
	case KVM_SET_DEVICE_ATTR:
		access = device->type->set;
		break;
	case KVM_GET_DEVICE_ATTR:
		access = device->type->get;
		break;
	case KVM_HAS_DEVICE_ATTR:
		access = device->type->has;
		break;
	default:
		return -ENOTTY;
	}

	if (!access)
		return -EPERM;
	if (copy_from_user(&attr, (void __user *)arg, sizeof(attr)))
		return -EFAULT;

	guard(mutex)(&device->vm->lock);

	return access(device, &attr);
}

static int device_release(struct inode *inode, struct file *filp)
{
	struct device_guest *device = filp->private_data;

	vm_put(device->vm);

	return 0;
}

static const struct file_operations device_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.release	= device_release,
	.llseek		= noop_llseek,
};

static void device_destroy(struct device_guest *device)
{
	list_del(&device->link);
	if (device->type->destroy)
		device->type->destroy(device);
	kfree(device);
}

int device_guest_create(struct vm *vm, struct kvm_create_device *args)
{
	const struct device_guest_type *type;
	struct device_guest *device;
	int ret;

	lockdep_assert_held(&vm->lock);

	if (args->flags & ~KVM_CREATE_DEVICE_TEST)
		return -EINVAL;
	type = device_type_find(args->type);
	if (!type)
		return -ENODEV;
	if (args->flags & KVM_CREATE_DEVICE_TEST)
		return 0;

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return -ENOMEM;
	device->type = type;
	device->vm = vm;

	ret = type->create(device);
	if (ret) {
		kfree(device);
		return ret;
	}
	list_add_tail(&device->link, &vm->devices);

	vm_get(vm);
	ret = anon_inode_getfd(type->name, &device_fops, device, O_RDWR | O_CLOEXEC);
	if (ret < 0) {
		vm_put(vm);
		device_destroy(device);
		return ret;
	}
	args->fd = ret;

	return 0;
}

void devices_destroy(struct vm *vm)
{
	struct device_guest *device, *next;

	guard(mutex)(&vm->lock);

	list_for_each_entry_safe(device, next, &vm->devices, link)
		device_destroy(device);
}

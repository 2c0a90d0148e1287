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
#include <linux/uaccess.h>

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

/* The device and its file. */
static struct file *device_create(struct vm *vm, const struct device_guest_type *type)
{
	struct device_guest *device;
	struct file *file;
	int err;

	lockdep_assert_held(&vm->lock);

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->type = type;
	device->vm = vm;

	err = type->create(device);
	if (err) {
		kfree(device);
		return ERR_PTR(err);
	}
	list_add_tail(&device->link, &vm->devices);

	vm_get(vm);
	file = anon_inode_getfile(type->name, &device_fops, device, O_RDWR);
	if (IS_ERR(file)) {
		vm_put(vm);
		device_destroy(device);
	}

	return file;
}

int device_guest_create(struct vm *vm, struct kvm_create_device __user *user)
{
	const struct device_guest_type *type;
	struct kvm_create_device args;
	struct file *file;
	int err, fd;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~KVM_CREATE_DEVICE_TEST)
		return -EINVAL;
	type = device_type_find(args.type);
	if (!type)
		return -ENODEV;
	err = type->probe ? type->probe() : 0;
	if (err || args.flags & KVM_CREATE_DEVICE_TEST)
		return err;

	/* Everything that can fail for user space's sake comes before there is a device. */
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	args.fd = fd;
	if (copy_to_user(user, &args, sizeof(args))) {
		put_unused_fd(fd);
		return -EFAULT;
	}

	mutex_lock(&vm->lock);
	file = device_create(vm, type);
	mutex_unlock(&vm->lock);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);

	return 0;
}

void devices_destroy(struct vm *vm)
{
	struct device_guest *device, *next;

	guard(mutex)(&vm->lock);

	list_for_each_entry_safe(device, next, &vm->devices, link)
		device_destroy(device);
}

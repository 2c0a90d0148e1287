/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_CREATE_DEVICE: devices with attributes, and a descriptor each.
 */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <core/types.h>

struct device_guest;

/* vm->lock is held in all of them.  0 or -errno. */
struct device_guest_type {
	u32		type;		/* KVM_DEV_TYPE_* */
	const char	*name;
	int	(*probe)(void);	/* can this host have one?  NULL: yes */
	int	(*create)(struct device_guest *device);
	void	(*destroy)(struct device_guest *device);	/* at the VM's end */
	int	(*set)(struct device_guest *device, const struct kvm_device_attr *attr);
	int	(*get)(struct device_guest *device, const struct kvm_device_attr *attr);
	int	(*has)(struct device_guest *device, const struct kvm_device_attr *attr);
};

struct device_guest {
	const struct device_guest_type *type;
	struct vm		*vm;
	struct list_head	 link;		/* vm->devices */
	void			*data;		/* the type's own */
};

/* The architecture's types; { .name = NULL } ends. */
extern const struct device_guest_type arch_devices[];

/*
 * KVM_CREATE_DEVICE.  Takes vm->lock, and reads and writes @user before.  0 or -errno;
 * nothing has been created then, though @user->fd may have been written.
 */
int device_guest_create(struct vm *vm, struct kvm_create_device __user *user);

void devices_destroy(struct vm *vm);

#endif /* CORE_DEVICE_H */

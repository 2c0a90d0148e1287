// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table dispatcher for the ioctls of all descriptors: finds the row, copies
 * the argument in, takes the locks the row names, calls the handler, and copies
 * the result out.  What an ioctl does is in the tables' owners.
 *
 * Both copies are done under no lock: a VMM whose memory answers slowly waits
 * alone.  Not so those of an IOCTL_RAW row, whose handler makes them by itself,
 * under the locks of the row: there the VM, or the vCPU, waits with it.
 */
#include <linux/compat.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <core/host.h>
#include <core/ioctl.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* Arguments up to this size are kept on the stack. */
#define IOCTL_DATA_SMALL	192

/* All but vm->srcu, in the order of core/vm.h. */
static int ioctl_lock(struct vm *vm, struct vcpu *vcpu, u32 flags)
{
	if (flags & IOCTL_VM_LOCK)
		mutex_lock(&vm->lock);
	if ((flags & IOCTL_VCPU) && mutex_lock_killable(&vcpu->mutex)) {
		if (flags & IOCTL_VM_LOCK)
			mutex_unlock(&vm->lock);
		return -EINTR;
	}
	if (flags & IOCTL_SLOTS)
		mutex_lock(&vm->slots_lock);
	if (flags & IOCTL_LOAD)
		vcpu_load(vcpu);

	return 0;
}

static void ioctl_unlock(struct vm *vm, struct vcpu *vcpu, u32 flags)
{
	if (flags & IOCTL_LOAD)
		vcpu_put(vcpu);
	if (flags & IOCTL_SLOTS)
		mutex_unlock(&vm->slots_lock);
	if (flags & IOCTL_VCPU)
		mutex_unlock(&vcpu->mutex);
	if (flags & IOCTL_VM_LOCK)
		mutex_unlock(&vm->lock);
}

/* The handler, with vm->srcu held if the row says so. */
static long ioctl_handle(const struct ioctl_desc *desc, struct vm *vm, struct vcpu *vcpu,
			 void *data, unsigned long arg)
{
	long ret;
	int index;

	if (!(desc->flags & IOCTL_SRCU))
		return desc->handler(vcpu ? (void *)vcpu : (void *)vm, data, arg);

	if (vcpu) {
		vcpu_srcu_lock(vcpu);
		ret = desc->handler(vcpu, data, arg);
		vcpu_srcu_unlock(vcpu);
	} else {
		index = srcu_read_lock(&vm->srcu);
		ret = desc->handler(vm, data, arg);
		srcu_read_unlock(&vm->srcu, index);
	}

	return ret;
}

static long ioctl_call(const struct ioctl_desc *desc, struct vm *vm, struct vcpu *vcpu,
		       void *data, unsigned long arg)
{
	long ret;

	ret = ioctl_lock(vm, vcpu, desc->flags);
	if (ret)
		return ret;

	/* The CPU lost the extension: there is nothing the vCPU could be on. */
	if ((desc->flags & IOCTL_LOAD) && !vcpu->loaded)
		ret = -EIO;
	else
		ret = ioctl_handle(desc, vm, vcpu, data, arg);

	ioctl_unlock(vm, vcpu, desc->flags);

	return ret;
}

/* The argument is a struct of fixed size, as the command itself says. */
static long ioctl_call_copied(const struct ioctl_desc *desc, struct vm *vm,
			      struct vcpu *vcpu, unsigned long arg)
{
	u64 small[IOCTL_DATA_SMALL / sizeof(u64)];
	void __user *user = (void __user *)arg;
	size_t size = _IOC_SIZE(desc->cmd);
	void *data = small;
	long ret;

	if (size > IOCTL_DATA_MAX)
		return -EINVAL;
	if (size > sizeof(small)) {
		data = kmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!data)
			return -ENOMEM;
	}

	/* What only comes out must not bring old kernel memory with it. */
	if (!(_IOC_DIR(desc->cmd) & _IOC_WRITE)) {
		memset(data, 0, size);
	} else if (copy_from_user(data, user, size)) {
		ret = -EFAULT;
		goto out_free;
	}

	ret = ioctl_call(desc, vm, vcpu, data, arg);
	if (ret >= 0 && (_IOC_DIR(desc->cmd) & _IOC_READ) &&
	    copy_to_user(user, data, size))
		ret = -EFAULT;

out_free:
	if (data != small)
		kfree(data);

	return ret;
}

static const struct ioctl_desc *ioctl_find(const struct ioctl_desc *table, unsigned int cmd)
{
	for (; table->cmd; table++)
		if (table->cmd == cmd)
			return table;

	return NULL;
}

long ioctl_dispatch(const struct ioctl_desc *core, const struct ioctl_desc *arch,
		    struct vm *vm, struct vcpu *vcpu, unsigned int cmd,
		    unsigned long arg)
{
	const struct ioctl_desc *desc;

	/*
	 * The guest's memory is that of the process that made the VM.  A
	 * descriptor that was inherited or passed on is of no use elsewhere.
	 */
	if (vm && vm->mm != current->mm)
		return -EIO;

	desc = ioctl_find(core, cmd);
	if (!desc)
		desc = ioctl_find(arch, cmd);
	if (!desc)
		return -ENOTTY;

	if (desc->flags & IOCTL_RAW)
		return ioctl_call(desc, vm, vcpu, NULL, arg);

	return ioctl_call_copied(desc, vm, vcpu, arg);
}

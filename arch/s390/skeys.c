// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_S390_GET_SKEYS, KVM_S390_SET_SKEYS: the storage keys of many frames at a time, a byte
 * each.  The keys themselves are in keys.c.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "s390.h"

#define KEY_BITS	(S390_KEY_ACC | S390_KEY_FP | S390_KEY_REF | S390_KEY_CHG)

/* Frames behind the last one that can be numbered are in no slot. */
static int skeys_check(const struct kvm_s390_skeys *args)
{
	if (args->flags || !args->count || args->count > KVM_S390_SKEYS_MAX ||
	    args->start_gfn + args->count < args->start_gfn)
		return -EINVAL;

	return 0;
}

static int skeys_read(struct vm *vm, const struct kvm_s390_skeys *args, u8 *keys)
{
	u64 i;
	int err;

	for (i = 0; i < args->count; i++) {
		err = s390_key_get(vm, args->start_gfn + i, &keys[i]);
		if (err)
			return err;
		cond_resched();
	}

	return 0;
}

long s390_vm_ioctl_get_skeys(void *object, void *data, unsigned long user)
{
	const struct kvm_s390_skeys *args = data;
	struct vm *vm = object;
	u8 *keys;
	int err;

	err = skeys_check(args);
	if (err)
		return err;
	if (!s390_keys_used(vm))
		return KVM_S390_GET_SKEYS_NONE;
	keys = kvmalloc(args->count, GFP_KERNEL_ACCOUNT);
	if (!keys)
		return -ENOMEM;

	err = skeys_read(vm, args, keys);
	if (!err && copy_to_user(u64_to_user_ptr(args->skeydata_addr), keys, args->count))
		err = -EFAULT;
	kvfree(keys);

	return err;
}

/* All of it can be, or nothing is done. */
static int skeys_writable(struct vm *vm, const struct kvm_s390_skeys *args, const u8 *keys)
{
	u64 i;

	for (i = 0; i < args->count; i++) {
		if (keys[i] & ~KEY_BITS)
			return -EINVAL;
		if (!memslot_find(vm, 0, args->start_gfn + i))
			return -EFAULT;
		cond_resched();
	}

	return 0;
}

static int skeys_write(struct vm *vm, const struct kvm_s390_skeys *args, const u8 *keys)
{
	u64 i;
	int err;

	for (i = 0; i < args->count; i++) {
		err = s390_key_set(vm, args->start_gfn + i, keys[i]);
		if (err)
			return err;
		cond_resched();
	}

	return 0;
}

long s390_vm_ioctl_set_skeys(void *object, void *data, unsigned long user)
{
	const struct kvm_s390_skeys *args = data;
	struct vm *vm = object;
	u8 *keys;
	int err;

	err = skeys_check(args);
	if (err)
		return err;
	keys = vmemdup_user(u64_to_user_ptr(args->skeydata_addr), args->count);
	if (IS_ERR(keys))
		return PTR_ERR(keys);

	err = skeys_writable(vm, args, keys);
	if (!err)
		err = skeys_write(vm, args, keys);
	kvfree(keys);

	return err;
}

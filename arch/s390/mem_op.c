// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_S390_MEM_OP: user space reads and writes guest storage as the guest's CPU would
 * (a vCPU's call), or by absolute addresses and storage keys (a VM's call).
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <core/memslot.h>

#include "s390.h"

#define FLAGS_LOGICAL	(KVM_S390_MEMOP_F_CHECK_ONLY | KVM_S390_MEMOP_F_INJECT_EXCEPTION | \
			 KVM_S390_MEMOP_F_SKEY_PROTECTION)
#define FLAGS_ABSOLUTE	(KVM_S390_MEMOP_F_CHECK_ONLY | KVM_S390_MEMOP_F_SKEY_PROTECTION)
#define FLAGS_CMPXCHG	KVM_S390_MEMOP_F_SKEY_PROTECTION

#define CMPXCHG_MAX	sizeof(__uint128_t)
#define KEY_COUNT	16
#define AR_COUNT	16

/* One kind of operation.  SIDA is for protected guests, which there are not. */
struct mem_op {
	u64			flags;		/* that it may have */
	bool			logical;	/* of a vCPU; otherwise of a VM */
	enum s390_access	access;
};

static const struct mem_op mem_ops[] = {
	[KVM_S390_MEMOP_LOGICAL_READ]	  = { FLAGS_LOGICAL, true, S390_FETCH },
	[KVM_S390_MEMOP_LOGICAL_WRITE]	  = { FLAGS_LOGICAL, true, S390_STORE },
	[KVM_S390_MEMOP_ABSOLUTE_READ]	  = { FLAGS_ABSOLUTE, false, S390_FETCH },
	[KVM_S390_MEMOP_ABSOLUTE_WRITE]	  = { FLAGS_ABSOLUTE, false, S390_STORE },
	[KVM_S390_MEMOP_ABSOLUTE_CMPXCHG] = { FLAGS_CMPXCHG, false, S390_STORE },
};

/* The row of @args if it is all right so far, or an error; its key is made good. */
static const struct mem_op *mem_op_check(struct kvm_s390_mem_op *args, bool logical)
{
	const struct mem_op *op;

	/* SIDA's rows are empty. */
	if (args->op >= ARRAY_SIZE(mem_ops))
		return ERR_PTR(-EINVAL);
	op = &mem_ops[array_index_nospec(args->op, ARRAY_SIZE(mem_ops))];
	if (!op->flags || op->logical != logical || (args->flags & ~op->flags) || !args->size)
		return ERR_PTR(-EINVAL);
	if (args->size > S390_MEM_OP_MAX)
		return ERR_PTR(-E2BIG);

	if (!(args->flags & KVM_S390_MEMOP_F_SKEY_PROTECTION))
		args->key = S390_NO_KEY;
	else if (args->key >= KEY_COUNT)
		return ERR_PTR(-EINVAL);

	return op;
}

/* What both do with a buffer; @transfer returns as access.h says. */
static long mem_op_copy(const struct kvm_s390_mem_op *args, enum s390_access access,
			long (*transfer)(void *object, const struct kvm_s390_mem_op *args,
					 enum s390_access access, void *data),
			void *object)
{
	void __user *user = (void __user *)args->buf;
	void *data;
	long ret;

	if (args->flags & KVM_S390_MEMOP_F_CHECK_ONLY)
		return transfer(object, args, access, NULL);

	data = kvmalloc(args->size, GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;

	ret = 0;
	if (access == S390_STORE && copy_from_user(data, user, args->size))
		ret = -EFAULT;
	if (!ret)
		ret = transfer(object, args, access, data);
	if (!ret && access == S390_FETCH && copy_to_user(user, data, args->size))
		ret = -EFAULT;
	kvfree(data);

	return ret;
}

/* --- logical ------------------------------------------------------------------ */

static long logical_transfer(void *object, const struct kvm_s390_mem_op *args,
			     enum s390_access access, void *data)
{
	const struct s390_operand operand = {
		.address = args->gaddr, .len = args->size, .ar = args->ar, .key = args->key,
		.access = access,
	};

	return s390_operand(object, &operand, data);
}

long s390_vcpu_ioctl_mem_op(void *object, void *data, unsigned long user)
{
	struct kvm_s390_mem_op *args = data;
	struct vcpu *vcpu = object;
	const struct mem_op *op;
	long ret;

	op = mem_op_check(args, true);
	if (IS_ERR(op))
		return PTR_ERR(op);
	if (args->ar >= AR_COUNT)
		return -EINVAL;

	ret = mem_op_copy(args, op->access, logical_transfer, vcpu);
	if (ret > 0 && (args->flags & KVM_S390_MEMOP_F_INJECT_EXCEPTION))
		s390_inject_program_info(vcpu, &vcpu->arch.pgm);

	return ret;
}

/* --- absolute ------------------------------------------------------------------- */

/* May @key access the frame?  No control register says otherwise: there is no CPU. */
static long absolute_check(struct vm *vm, gfn_t gfn, u8 key, enum s390_access access)
{
	u8 storage_key;
	int ret;

	if (!memslot_find(vm, 0, gfn))
		return PGM_ADDRESSING;
	if (!key)
		return 0;
	ret = s390_key_get(vm, gfn, &storage_key);
	if (ret)
		return ret;

	return storage_key >> 4 == key ||
	       (access == S390_FETCH && !(storage_key & S390_KEY_FP)) ?
	       0 : PGM_PROTECTION;
}

static long absolute_transfer(void *object, const struct kvm_s390_mem_op *args,
			      enum s390_access access, void *data)
{
	gfn_t gfn = gpa_to_gfn(args->gaddr), last;
	struct vm *vm = object;
	long ret = 0;

	if (args->gaddr + args->size - 1 < args->gaddr)
		return PGM_ADDRESSING;
	last = gpa_to_gfn(args->gaddr + args->size - 1);
	for (; !ret && gfn <= last; gfn++)
		ret = absolute_check(vm, gfn, args->key, access);
	if (ret || !data)
		return ret;

	return access == S390_STORE ? vm_guest_write(vm, args->gaddr, data, args->size) :
				      vm_guest_read(vm, args->gaddr, data, args->size);
}

/* The value at @address before; @new is there now if that was @old. */
static __uint128_t exchange(void *address, __uint128_t old, __uint128_t new, u32 size)
{
	switch (size) {
	case 1:
		return cmpxchg((u8 *)address, (u8)old, (u8)new);
	case 2:
		return cmpxchg((u16 *)address, (u16)old, (u16)new);
	case 4:
		return cmpxchg((u32 *)address, (u32)old, (u32)new);
	case 8:
		return cmpxchg((u64 *)address, (u64)old, (u64)new);
	default:
		return cmpxchg128((__uint128_t *)address, old, new);
	}
}

/* *@old is what was there before.  vm->srcu held; may sleep.  0, or as access.h says. */
static long absolute_exchange(struct vm *vm, const struct kvm_s390_mem_op *args,
			      __uint128_t *old, __uint128_t new)
{
	gfn_t gfn = gpa_to_gfn(args->gaddr);
	struct memslot *slot;
	__uint128_t found;
	struct page *page;
	long ret;

	ret = absolute_check(vm, gfn, args->key, S390_STORE);
	if (ret)
		return ret;
	slot = memslot_find(vm, 0, gfn);
	if (!slot || pin_user_pages_fast(memslot_hva(slot, gfn), 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;

	found = exchange(page_address(page) + offset_in_page(args->gaddr), *old, new,
			 args->size);
	unpin_user_pages_dirty_lock(&page, 1, found == *old);
	if (found == *old)
		memslot_mark_dirty(slot, gfn);
	*old = found;

	return 0;
}

static long absolute_cmpxchg(struct vm *vm, const struct kvm_s390_mem_op *args)
{
	/* Numbers of any size end where the widest one does. */
	size_t skip = CMPXCHG_MAX - min_t(size_t, args->size, CMPXCHG_MAX);
	void __user *old_user = (void __user *)args->old_addr;
	__uint128_t old = 0, new = 0, before;
	long ret;

	if (args->size > CMPXCHG_MAX || !is_power_of_2(args->size) ||
	    (args->gaddr & (args->size - 1)))
		return -EINVAL;
	if (copy_from_user((void *)&new + skip, (void __user *)args->buf, args->size) ||
	    copy_from_user((void *)&old + skip, old_user, args->size))
		return -EFAULT;

	before = old;
	ret = absolute_exchange(vm, args, &old, new);
	if (!ret && old != before && copy_to_user(old_user, (void *)&old + skip, args->size))
		return -EFAULT;

	return ret;
}

long s390_vm_ioctl_mem_op(void *object, void *data, unsigned long user)
{
	struct kvm_s390_mem_op *args = data;
	const struct mem_op *op;

	op = mem_op_check(args, false);
	if (IS_ERR(op))
		return PTR_ERR(op);
	if (args->op == KVM_S390_MEMOP_ABSOLUTE_CMPXCHG)
		return absolute_cmpxchg(object, args);

	return mem_op_copy(args, op->access, absolute_transfer, object);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPU model of a VM, and its attributes that user space gets and sets.
 */
#ifndef S390_ATTR_H
#define S390_ATTR_H

#include <linux/bitops.h>
#include <linux/kvm.h>
#include <core/vm.h>

#define S390_FACILITIES		16384	/* bits of a facility list of 2 KiB */
#define S390_FACILITY_WORDS	(S390_FACILITIES / 64)

/* The VM's model, at first all the host has.  May sleep.  0 or -ENOMEM; destroy accepts none. */
int s390_model_create(struct vm *vm);
void s390_model_destroy(struct vm *vm);
/* Show the model to the hardware.  The vCPU is not visible yet; its control block is there. */
void s390_model_apply(struct vcpu *vcpu);

/* Is the facility in the VM's list?  Any context. */
static inline bool s390_facility(struct vm *vm, unsigned int number)
{
	const u64 *list = vm->arch.model.fac_list;

	return number < S390_FACILITIES &&
	       list[number / 64] & (1UL << (63 - number % 64));
}

/* Does the host have it (any number)?  Any context. */
bool s390_host_facility(unsigned int number);

/* Is KVM_S390_VM_CPU_FEAT_@number enabled for the VM?  Any context. */
static inline bool s390_feature(struct vm *vm, unsigned int number)
{
	return vm->arch.model.feat[number / 64] & (1UL << (63 - number % 64));
}

/*
 * Let the model have facilities of the @count in @numbers that the host has; core has
 * vm->lock.  0, -EINVAL if the host lacks the first, -EBUSY if there are vCPUs.
 */
int s390_model_allow(struct vm *vm, const u16 *numbers, unsigned int count);
/* Let it have a facility that is not the host's.  vm->lock held; there are no vCPUs. */
void s390_model_emulate(struct vm *vm, unsigned int number);

/*
 * An attribute of a VM, as the tables of attr.c and model.c have them.  vm->lock held, may
 * sleep; @user is the address in user space.  0 or -errno; NULL: it cannot be got, or set.
 */
struct s390_attr {
	u64	attr;
	int	(*get)(struct vm *vm, void __user *user);
	int	(*set)(struct vm *vm, void __user *user);
};

/* The group KVM_S390_VM_CPU_MODEL. */
extern const struct s390_attr s390_model_attrs[];
extern const unsigned int s390_model_attr_count;

/* KVM_{SET,GET,HAS}_DEVICE_ATTR of the VM.  vm->lock held, may sleep.  0 or -errno. */
long s390_vm_ioctl_set_attr(void *object, void *data, unsigned long user);
long s390_vm_ioctl_get_attr(void *object, void *data, unsigned long user);
long s390_vm_ioctl_has_attr(void *object, void *data, unsigned long user);

/* skeys.c: KVM_S390_GET_SKEYS, _SET_SKEYS.  vm->srcu held, may sleep. */
long s390_vm_ioctl_get_skeys(void *object, void *data, unsigned long user);
long s390_vm_ioctl_set_skeys(void *object, void *data, unsigned long user);

#endif /* S390_ATTR_H */

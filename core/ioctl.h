/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls as tables.  The dispatcher looks the command up, takes the locks the
 * row names, copies the argument in and out as the command says, and calls the
 * handler: a handler sees checked-size kernel memory and holds its locks.
 */
#ifndef CORE_IOCTL_H
#define CORE_IOCTL_H

#include <linux/kvm.h>
#include <core/types.h>

/* Flags of a row. */
enum {
	IOCTL_VM_LOCK	= BIT(0),	/* hold vm->lock */
	IOCTL_SLOTS	= BIT(1),	/* hold vm->slots_lock */
	IOCTL_VCPU	= BIT(2),	/* hold vcpu->mutex (killable wait) */
	IOCTL_LOAD	= BIT(3),	/* and vcpu_load() around it */
	IOCTL_SRCU	= BIT(4),	/* hold vm->srcu for reading */
	IOCTL_RAW	= BIT(5),	/* no copy: the handler gets the argument */
};

/*
 * @object is the struct vm or struct vcpu (NULL for the system descriptor).
 * @data: the copied struct, at most IOCTL_DATA_MAX bytes (larger ones, and lists
 * with a tail, are IOCTL_RAW).  @user: the ioctl's third argument as it came.
 * Returns >= 0 (the result of the ioctl; @data is copied out then if the command
 * reads) or -errno.
 */
struct ioctl_desc {
	unsigned int	cmd;
	u32		flags;
	long		(*handler)(void *object, void *data, unsigned long user);
	const char	*name;
};

#define IOCTL_DATA_MAX	1024

#define IOCTL(cmd_, flags_, handler_)	\
	{ .cmd = (cmd_), .flags = (flags_), .handler = (handler_), .name = #cmd_ }

/* The architecture's tables; an entry with cmd 0 ends each. */
extern const struct ioctl_desc arch_system_ioctls[];
extern const struct ioctl_desc arch_vm_ioctls[];
extern const struct ioctl_desc arch_vcpu_ioctls[];

/* Dispatch through @core and then @arch.  @vm and @vcpu as far as they exist. */
long ioctl_dispatch(const struct ioctl_desc *core, const struct ioctl_desc *arch,
		    struct vm *vm, struct vcpu *vcpu, unsigned int cmd,
		    unsigned long arg);

/*
 * Capabilities: the answer of KVM_CHECK_EXTENSION, the same on the system and on
 * the VM descriptor unless @get looks at @vm (NULL on the system descriptor).
 */
struct cap_desc {
	u32	cap;
	int	value;				/* if @get is NULL */
	int	(*get)(struct vm *vm);
	/* KVM_ENABLE_CAP on the VM descriptor; NULL: cannot be enabled.  vm->lock. */
	int	(*enable)(struct vm *vm, const struct kvm_enable_cap *args);
};

/* The architecture's capabilities; looked at before core's.  { .cap = CAP_END } ends. */
#define CAP_END		(~0u)
extern const struct cap_desc arch_caps[];

int cap_check(struct vm *vm, unsigned long cap);
int cap_enable(struct vm *vm, const struct kvm_enable_cap *args);

#endif /* CORE_IOCTL_H */

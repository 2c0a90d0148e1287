/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPUs of the host: who has the extension enabled, which vCPU is loaded
 * where, and the list of all VMs.
 */
#ifndef CORE_HW_H
#define CORE_HW_H

#include <linux/cpumask.h>
#include <linux/percpu.h>

#include <core/types.h>

struct vm;

/* Changed on the CPU itself with preemption off. */
struct hw_cpu {
	bool		 enabled;	/* cpu_enable() succeeded here */
	struct vcpu	*vcpu;		/* the one that is loaded, or NULL */
	cpumask_var_t	 targets;	/* scratch of vm_request_all() */
};

DECLARE_PER_CPU(struct hw_cpu, hw_cpu);

/* Module init and exit.  May sleep. */
int hw_init(void);
void hw_exit(void);

/*
 * A VM needs the extension on all CPUs, or no longer needs it.  May sleep, under
 * no lock of ours.  0, -EBUSY (somebody else owns it), -EIO, -ENODEV (the host
 * is going down).
 */
int hw_get(void);
void hw_put(void);

/*
 * Put a VM that is whole on the list of all, and take it off.  May sleep, under no lock of
 * ours.  0, or -ENODEV: the host began to go down after hw_get().
 */
int hw_vm_add(struct vm *vm);
void hw_vm_remove(struct vm *vm);

/*
 * Has the host begun to go down?  Whoever makes a vCPU visible asks after a full
 * barrier, and if so requests REQ_DEAD: hw_reboot() may have passed it by.  Any
 * context.
 */
bool hw_is_going_down(void);

#endif /* CORE_HW_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPUs of the host: who has the extension enabled, which vCPU is loaded
 * where, and the list of all VMs.
 */
#ifndef CORE_HW_H
#define CORE_HW_H

#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>

#include <core/types.h>

/* Changed on the CPU itself with preemption off. */
struct hw_cpu {
	bool		 enabled;	/* cpu_enable() succeeded here */
	struct vcpu	*vcpu;		/* the one that is loaded, or NULL */
	cpumask_var_t	 targets;	/* scratch of vm_request_all() */
};

DECLARE_PER_CPU(struct hw_cpu, hw_cpu);

/* Outermost but for cpus_read_lock: vm_list, and whether CPUs are enabled. */
extern struct mutex keel_lock;
extern struct list_head vm_list;	/* keel_lock */

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

#endif /* CORE_HW_H */

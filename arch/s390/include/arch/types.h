/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What s390 adds to a VM and a vCPU: so far nothing but what core asks for.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <linux/types.h>

#define ARCH_MAX_VCPUS		248
#define ARCH_MAX_VCPU_ID	248
#define ARCH_ADDRESS_SPACES	1
#define ARCH_RUN_PAGES		1	/* kvm_run */

/* The raw exit, for core/trace.h. */
struct exit_info {
	u64	code;		/* interception code */
	u64	info1;		/* interception parameters */
	u64	info2;		/* instruction */
};

struct vcpu_arch {
	struct exit_info	exit;
};

struct vm_arch {
};

#endif /* ARCH_TYPES_H */

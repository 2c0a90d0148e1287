/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What riscv adds to a VM and a vCPU: so far nothing but what core asks for.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <linux/types.h>

#define ARCH_MAX_VCPUS		1024
#define ARCH_MAX_VCPU_ID	1024
#define ARCH_ADDRESS_SPACES	1
#define ARCH_RUN_PAGES		2	/* kvm_run, coalesced ring */

/* The raw exit, for core/trace.h. */
struct exit_info {
	u64	code;		/* scause */
	u64	info1;		/* stval */
	u64	info2;		/* htval */
};

struct vcpu_arch {
	struct exit_info	exit;
};

struct vm_arch {
};

#endif /* ARCH_TYPES_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System calls in which one allocation, or one copy from or to user space, is
 * made to fail, the first in the first try, the second in the next, until there
 * is none left.  A step that failed has to say so with one of few errnos, has to
 * have left nothing, and has to work when it is tried again.
 */
#ifndef COMMON_FAULT_H
#define COMMON_FAULT_H

#include <lib/kvm.h>

struct fault_step {
	const char	*name;
	void		(*setup)(void);		/* nothing fails in it; may be NULL */
	int		(*run)(void);		/* as a system call: -1 and errno */
	void		(*teardown)(void);	/* the same as for setup */
};

/* What the steps work on; closed after each try. */
struct fault_fds {
	int	kvm, vm, irqchip, vcpu, event, other;
};

extern struct fault_fds fault_fds;

/* Setups: a VM without memory; one with an irqchip; a vCPU in one with. */
void fault_setup_vm(void);
void fault_setup_irqchip(void);
void fault_setup_vcpu(void);
/* Closes everything. */
void fault_teardown(void);

void fault_walk(const struct fault_step *steps, int count);

#endif /* COMMON_FAULT_H */

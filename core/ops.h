/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between core and an architecture as C types.  The operations are
 * declared, with what they owe, in core/{vcpu,mmu,irqchip}_ops.def.  How a call
 * is bound is decided in <arch/bind.h>.
 */
#ifndef CORE_OPS_H
#define CORE_OPS_H

#include <linux/kvm.h>
#include <core/types.h>

#define OP(ret, name, params, args)	ret (*name) params;
struct vcpu_ops {
#include <core/vcpu_ops.def>
};

struct mmu_ops {
#include <core/mmu_ops.def>
};

struct irqchip_ops {
#include <core/irqchip_ops.def>
};
#undef OP

/*
 * One way to run guests on this kind of host.  All members are set.
 */
struct backend {
	const char	*name;
	/*
	 * Can this backend run here?  Called once, at load, on one CPU, may
	 * sleep, changes nothing.  0: yes.  -ENODEV: the CPU has no such
	 * extension.  Anything else: it has, but it cannot be used, and probe
	 * has printed one sentence that says why and what to do.
	 */
	int		(*probe)(void);
	/* Once after the choice, before any CPU is enabled; may sleep. */
	int		(*setup)(void);
	/* Undo setup; every CPU is disabled again. */
	void		(*teardown)(void);
	const struct vcpu_ops		*vcpu;
	const struct mmu_ops		*mmu;
	const struct irqchip_ops	*irqchip;
};

/* The architecture's candidates, best first, NULL-terminated. */
extern const struct backend *const arch_backends[];

#include <arch/bind.h>

#endif /* CORE_OPS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters in the binary format of KVM_GET_STATS_FD.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <linux/kvm.h>
#include <core/types.h>

struct stats_desc {
	const char	*name;
	u32		 flags;		/* KVM_STATS_TYPE_* | _UNIT_* | _BASE_* */
	s16		 exponent;
	u32		 offset;	/* of a u64 in struct vm or struct vcpu */
};

/* More counters of the vCPU, kept by the architecture; { .name = NULL } ends. */
extern const struct stats_desc arch_vcpu_stats[];

/* A descriptor that reads the counters of @vm or, if not NULL, @vcpu. */
int stats_create_fd(struct vm *vm, struct vcpu *vcpu);

#endif /* CORE_STATS_H */

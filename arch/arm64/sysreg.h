/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sysreg*.c and idreg.c share.
 */
#ifndef ARM64_SYSREG_H
#define ARM64_SYSREG_H

#include <linux/bits.h>
#include <asm/cache.h>

#include "arm64.h"
#include "sysreg_find.h"

/*
 * How registers of one kind behave.  A guest that reads what has no read, or writes what
 * has no write, gets an undefined instruction exception, as it does for a register that
 * has no row.  Handlers are called with vcpu->mutex held and may sleep.
 */
struct sysreg_class {
	/* Does this vCPU have it, for guest and user space?  NULL: always. */
	bool	(*exists)(struct vcpu *vcpu, const struct sysreg_row *row);
	/* May the guest touch it?  NULL: if it exists. */
	bool	(*allowed)(struct vcpu *vcpu, const struct sysreg_row *row);
	/* A trapped MRS, MSR; vCPU loaded. */
	u64	(*read)(struct vcpu *vcpu, const struct sysreg_row *row);
	void	(*write)(struct vcpu *vcpu, const struct sysreg_row *row, u64 value);
	/* ONE_REG, vCPU loaded or not; both or none: user space does not see it. */
	u64	(*get)(struct vcpu *vcpu, const struct sysreg_row *row);
	/* 0, -EINVAL (value), -EBUSY (has run) */
	int	(*set)(struct vcpu *vcpu, const struct sysreg_row *row, u64 value);
};

extern const struct sysreg_row arm64_sysregs[];
extern const unsigned int arm64_sysreg_count;

/* The register as user space is to see it; see arm64_idreg(). */
u64 arm64_idreg_user(struct vcpu *vcpu, u32 reg);

/* --- sysreg_cache.c: what a guest is told of caches ----------------------------------- */

/* All of CLIDR_EL1 that means something without allocation tags. */
#define ARM64_CLIDR_WRITABLE	GENMASK_ULL(32, 0)

/* Once per vCPU, at its first reset: user space's choice outlives the others. */
void arm64_cache_reset(struct vcpu *vcpu);
/* User space's CLIDR_EL1.  0, -EINVAL. */
int arm64_cache_set_levels(struct vcpu *vcpu, u64 clidr);
/* Is there a cache that CSSELR_EL1 selects with @select? */
bool arm64_cache_exists(struct vcpu *vcpu, unsigned int select);
/* CCSIDR_EL1 with this CSSELR_EL1; 0 if there is no such cache. */
u32 arm64_cache_get(struct vcpu *vcpu, unsigned int select);
void arm64_cache_set(struct vcpu *vcpu, unsigned int select, u32 ccsidr);

#endif /* ARM64_SYSREG_H */

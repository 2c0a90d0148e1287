// SPDX-License-Identifier: GPL-2.0-only
/*
 * CLIDR_EL1, CSSELR_EL1 and CCSIDR_EL1 of a guest.  They are about maintenance by set and
 * way, which traps and is done by other means (arm64_mmu_cache_toggled()); so a guest is
 * told of the least there can be, the same on every CPU of the host, until user space
 * tells it more.
 */
#include <linux/array_size.h>
#include <linux/nospec.h>

#include "sysreg.h"

#define CACHE_LEVELS		7
#define SELECT_INSTRUCTION	1	/* CSSELR_EL1.InD; the level, minus one, is above it */

/* CLIDR_EL1.Ctype<n> */
enum {
	CACHE_NONE,
	CACHE_INSTRUCTION,
	CACHE_DATA,
	CACHE_SEPARATE,
	CACHE_UNIFIED,
};

static unsigned int cache_type(u64 clidr, unsigned int level)
{
	return clidr >> CLIDR_CTYPE_SHIFT(level) & 7;
}

static_assert(sizeof_field(struct vcpu, arch.ccsidr) == 2 * CACHE_LEVELS * sizeof(u32));

/* One level, with both caches.  @idc: the data cache is coherent with instruction fetches. */
static u64 cache_default_levels(bool idc)
{
	u64 unification = idc ? 0 : 1;

	return CACHE_SEPARATE << CLIDR_CTYPE_SHIFT(1) | 1ULL << CLIDR_LOC_SHIFT |
	       unification << CLIDR_LOUU_SHIFT | unification << CLIDR_LOUIS_SHIFT;
}

/* One set, one way, a line of 4 << @log2_words bytes. */
static u32 cache_default_geometry(unsigned int log2_words)
{
	return log2_words > 2 ? log2_words - 2 : 0;
}

void arm64_cache_reset(struct vcpu *vcpu)
{
	u64 ctr = arm64_host.ctr;
	unsigned int i;

	if (arm64_sysreg(vcpu, REG_CLIDR_EL1))
		return;

	arm64_set_sysreg(vcpu, REG_CLIDR_EL1, cache_default_levels(ctr & CTR_EL0_IDC_MASK));
	for (i = 0; i < ARRAY_SIZE(vcpu->arch.ccsidr); i++)
		vcpu->arch.ccsidr[i] = cache_default_geometry(i & SELECT_INSTRUCTION ?
				SYS_FIELD_GET(CTR_EL0, IminLine, ctr) :
				SYS_FIELD_GET(CTR_EL0, DminLine, ctr));
}

int arm64_cache_set_levels(struct vcpu *vcpu, u64 clidr)
{
	u64 ctr = arm64_host.ctr;
	unsigned int level;

	if (clidr & ~ARM64_CLIDR_WRITABLE)
		return -EINVAL;
	for (level = 1; level <= CACHE_LEVELS; level++)
		if (cache_type(clidr, level) > CACHE_UNIFIED)
			return -EINVAL;

	/* arm64_cache_reset() takes it for none yet. */
	if (!clidr)
		return -EINVAL;
	/* To say that data need not be cleaned is only right where the host says so. */
	if (!(ctr & CTR_EL0_IDC_MASK) &&
	    (!CLIDR_LOC(clidr) || (!CLIDR_LOUU(clidr) && !CLIDR_LOUIS(clidr))))
		return -EINVAL;

	arm64_set_sysreg(vcpu, REG_CLIDR_EL1, clidr);

	return 0;
}

bool arm64_cache_exists(struct vcpu *vcpu, unsigned int select)
{
	unsigned int type;

	if (select >= ARRAY_SIZE(vcpu->arch.ccsidr))
		return false;
	type = cache_type(arm64_sysreg(vcpu, REG_CLIDR_EL1), (select >> 1) + 1);
	if (select & SELECT_INSTRUCTION)
		return type == CACHE_INSTRUCTION || type == CACHE_SEPARATE;

	return type >= CACHE_DATA;
}

u32 arm64_cache_get(struct vcpu *vcpu, unsigned int select)
{
	if (!arm64_cache_exists(vcpu, select))
		return 0;

	return vcpu->arch.ccsidr[array_index_nospec(select, ARRAY_SIZE(vcpu->arch.ccsidr))];
}

void arm64_cache_set(struct vcpu *vcpu, unsigned int select, u32 ccsidr)
{
	if (arm64_cache_exists(vcpu, select))
		vcpu->arch.ccsidr[array_index_nospec(select, ARRAY_SIZE(vcpu->arch.ccsidr))] =
			ccsidr;
}

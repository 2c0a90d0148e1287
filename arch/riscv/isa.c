// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions of the ISA: which of them the host's CPUs have, and which a guest
 * has.  A guest begins with all that can be offered; until it has run, user space
 * may take away what can really be hidden, and give it back.  What a guest may
 * use is carried out elsewhere (riscv_configure(), simd.c, csr.c).
 */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <asm/cpufeature.h>
#include <asm/hwcap.h>

#include "riscv.h"

#define ISA_COUNT	KVM_RISCV_ISA_EXT_MAX
#define ISA_BITS	128			/* of the bitmaps */
#define ISA_NONE	ISA_COUNT

static_assert(sizeof_field(struct vcpu, arch.isa) * BITS_PER_BYTE == ISA_BITS);
static_assert(ISA_COUNT <= ISA_BITS);

/* What hides an extension from a guest. */
enum isa_control {
	ISA_UNKNOWN,	/* no row: an id of newer headers, not offered */
	ISA_REFUSED,	/* not offered on purpose */
	ISA_FIXED,	/* nothing: who has the CPU has the extension */
	ISA_WITH,	/* only what hides the one that it needs */
	ISA_STATUS,	/* sstatus of HS-mode, FS and VS */
	ISA_HENVCFG,	/* a field of henvcfg */
	ISA_HSTATEEN,	/* bits of hstateen0; with Smstateen */
	ISA_TRAPPED,	/* nothing has to: it traps, and is emulated or not */
};

struct isa_ext {
	u8		host;		/* RISCV_ISA_EXT_* */
	u8		control;	/* enum isa_control */
	u8		needs;		/* KVM_RISCV_ISA_EXT_*, or ISA_NONE */
	const bool	*also;
};

static const struct isa_ext isa_exts[ISA_COUNT] = {
#define EXT(name_, host_, control_, needs_, also_)		\
	[KVM_RISCV_ISA_EXT_##name_] = {				\
		.host = RISCV_ISA_EXT_##host_,			\
		.control = ISA_##control_,			\
		.needs = needs_,				\
		.also = also_,					\
	},
#include "isa.def"
#undef EXT
};

/* Every id up to the last one that was known when the rows were written has one. */
enum {
	ISA_ROWS = 0ULL
#define EXT(name_, host_, control_, needs_, also_)	| BIT_ULL(KVM_RISCV_ISA_EXT_##name_)
#include "isa.def"
#undef EXT
};

static_assert(GENMASK_ULL(KVM_RISCV_ISA_EXT_ZAWRS, 0) == ISA_ROWS);

static bool isa_host_has(unsigned int ext)
{
	const struct isa_ext *desc;

	for (; ext != ISA_NONE; ext = desc->needs) {
		desc = &isa_exts[ext];
		if (desc->control == ISA_UNKNOWN || desc->control == ISA_REFUSED ||
		    !__riscv_isa_extension_available(NULL, desc->host) ||
		    (desc->also && !*desc->also))
			return false;
	}

	return true;
}

bool riscv_isa_removable(unsigned int ext)
{
	if (ext >= ISA_COUNT)
		return false;
	if (isa_exts[ext].control == ISA_HSTATEEN)
		return riscv_host.smstateen;

	return isa_exts[ext].control >= ISA_STATUS;
}

/* All that can be offered here; constant after setup. */
static DECLARE_BITMAP(isa_offered, ISA_BITS);

void riscv_isa_setup(void)
{
	unsigned int ext;

	for (ext = 0; ext < ISA_COUNT; ext++)
		if (isa_host_has(ext))
			__set_bit(ext, isa_offered);
}

bool riscv_isa_host(unsigned int ext)
{
	return ext < ISA_COUNT && test_bit(array_index_nospec(ext, ISA_COUNT), isa_offered);
}

void riscv_isa_reset(struct vcpu *vcpu)
{
	bitmap_copy(vcpu->arch.isa, isa_offered, ISA_BITS);
}

/* --- changes -------------------------------------------------------------- */

/* One extension brings what it needs. */
static void isa_add(unsigned long *isa, unsigned int ext)
{
	for (; ext != ISA_NONE; ext = isa_exts[ext].needs)
		__set_bit(ext, isa);
}

/* One that has gone takes along what needs it. */
static void isa_drop_orphans(unsigned long *isa)
{
	unsigned int ext, needs;
	bool dropped;

	do {
		dropped = false;
		for_each_set_bit(ext, isa, ISA_COUNT) {
			needs = isa_exts[ext].needs;
			if (needs == ISA_NONE || test_bit(needs, isa))
				continue;
			__clear_bit(ext, isa);
			dropped = true;
		}
	} while (dropped);
}

static bool isa_is_so(const unsigned long *isa, const unsigned long *add,
		      const unsigned long *remove)
{
	return bitmap_subset(add, isa, ISA_BITS) && !bitmap_intersects(remove, isa, ISA_BITS);
}

int riscv_isa_change(struct vcpu *vcpu, const unsigned long *add, const unsigned long *remove)
{
	DECLARE_BITMAP(isa, ISA_BITS);
	unsigned int ext;

	lockdep_assert_held(&vcpu->mutex);

	bitmap_copy(isa, vcpu->arch.isa, ISA_BITS);
	if (isa_is_so(isa, add, remove))
		return 0;
	if (vcpu->arch.ran)
		return -EBUSY;

	for_each_set_bit(ext, add, ISA_BITS) {
		if (!riscv_isa_host(ext))
			return -EINVAL;
		isa_add(isa, ext);
	}
	for_each_set_bit(ext, remove, ISA_BITS)
		if (riscv_isa_removable(ext))
			__clear_bit(ext, isa);
	isa_drop_orphans(isa);

	/* One that cannot go by itself may have gone with another. */
	if (!isa_is_so(isa, add, remove))
		return -EINVAL;
	bitmap_copy(vcpu->arch.isa, isa, ISA_BITS);

	return 0;
}

/* --- the letters of misa -------------------------------------------------- */

static bool isa_is_letter(unsigned int ext)
{
	return isa_exts[ext].control != ISA_UNKNOWN && isa_exts[ext].host < RISCV_ISA_EXT_BASE;
}

unsigned long riscv_isa_letters(struct vcpu *vcpu)
{
	unsigned long letters = 0;
	unsigned int ext;

	for_each_set_bit(ext, vcpu->arch.isa, ISA_COUNT)
		if (isa_is_letter(ext))
			letters |= BIT(isa_exts[ext].host);

	return letters;
}

int riscv_isa_set_letters(struct vcpu *vcpu, unsigned long letters)
{
	DECLARE_BITMAP(remove, ISA_BITS) = { };
	DECLARE_BITMAP(add, ISA_BITS) = { };
	unsigned int ext;

	for (ext = 0; ext < ISA_COUNT; ext++) {
		if (!isa_is_letter(ext))
			continue;
		__set_bit(ext, letters & BIT(isa_exts[ext].host) ? add : remove);
		letters &= ~BIT(isa_exts[ext].host);
	}
	/* Letters that nobody can give. */
	if (letters)
		return -EINVAL;

	return riscv_isa_change(vcpu, add, remove);
}

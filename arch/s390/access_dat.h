/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What access.c wants of access_dat.c.  Context and results of all: as in access.h.
 */
#ifndef S390_ACCESS_DAT_H
#define S390_ACCESS_DAT_H

#include <asm/dat-bits.h>

#include "access.h"

/* As the translation-exception identification has it. */
enum {
	DAT_SPACE_PRIMARY,
	DAT_SPACE_ACCESS_REGISTER,
	DAT_SPACE_SECONDARY,
	DAT_SPACE_HOME,
};

/* The address space of an access. */
struct dat_space {
	union asce	asce;
	bool		on;		/* DAT; otherwise addresses are real */
	bool		fetch_only;	/* its access-list entry says so */
	u8		as;		/* DAT_SPACE_* */
	u8		ar;		/* with DAT_SPACE_ACCESS_REGISTER */
};

struct dat_result {
	u64	real;
	bool	protected;	/* no stores, say the tables */
	bool	no_execute;
	bool	has_key;	/* @key, and not that of the page, is the storage key */
	u8	key;
};

/* What a protection exception is due to. */
enum dat_protection {
	DAT_PROTECTION_NONE,	/* none: another exception */
	DAT_PROTECTION_LOW,	/* low-address protection */
	DAT_PROTECTION_KEY,	/* the storage key */
	DAT_PROTECTION_LIST,	/* an access list */
	DAT_PROTECTION_TABLE,	/* DAT protection */
	DAT_PROTECTION_EXECUTE,	/* instruction-execution protection */
};

/* Fill in vcpu->arch.pgm; the bits of the identification say "suppressed".  Returns @code. */
int dat_exception(struct vcpu *vcpu, u16 code, const struct dat_space *space, u64 address,
		  enum s390_access access, enum dat_protection protection);

/* The space that an access is to; @address only for what an exception says. */
int dat_space(struct vcpu *vcpu, u64 address, u8 ar, enum s390_access access,
	      struct dat_space *space);

/* One address in it.  The IPTE interlock is held. */
int dat_translate(struct vcpu *vcpu, const struct dat_space *space, u64 address,
		  enum s390_access access, struct dat_result *result);

#endif /* S390_ACCESS_DAT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields of ID registers as numbers: what a guest may be told where the host has a
 * certain value, and what user space may say instead.  No hardware, no state: also
 * for the unit tests.
 *
 * Arm Architecture Reference Manual, "Principles of the ID scheme for fields in ID
 * registers".
 */
#ifndef ARM64_IDREG_FIELD_H
#define ARM64_IDREG_FIELD_H

#include <linux/types.h>

enum idreg_kind {
	IDREG_LOWER,		/* unsigned; less is less of the feature */
	IDREG_SIGNED,		/* signed, the same; -1: not even the basic one */
	IDREG_HIGHER,		/* unsigned; more is what software has to be prepared for */
	IDREG_FIXED,		/* as LOWER towards the host; user space cannot choose */
	IDREG_FIXED_SIGNED,
};

#define IDREG_ANY	15	/* limit of a field that has none, also of a signed one */

struct idreg_field {
	u8		index;	/* of the register in vm->arch.idreg */
	u8		shift;
	u8		width;	/* bits; a signed one has 4 */
	u8		kind;	/* enum idreg_kind */
	s8		limit;	/* the most a guest gets; of HIGHER the least */
	s8		least;	/* the least that user space may choose; not of HIGHER */
	const bool	*needs;	/* what this module has to do for it; NULL: nothing */
};

/* Fields, in any order; bits that no row names are not the guest's: 0. */
struct idreg_table {
	const struct idreg_field *fields;
	unsigned int		 count;
};

/* The register @index of a guest that gets all it can, where the host has @host. */
u64 idreg_limit(const struct idreg_table *table, unsigned int index, u64 host);
/*
 * May a guest that could get @limit have @value?  Bits of no field have to be those of
 * @limit.
 */
bool idreg_accepts(const struct idreg_table *table, unsigned int index, u64 value, u64 limit);
/* The bits of all fields that user space may choose. */
u64 idreg_writable(const struct idreg_table *table, unsigned int index);
/* Does the table have a field of this register? */
bool idreg_has_fields(const struct idreg_table *table, unsigned int index);

#endif /* ARM64_IDREG_FIELD_H */

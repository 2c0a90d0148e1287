/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an adapter's indicator is in guest storage.  Pure arithmetic, which tests/unit
 * compiles as well.
 */
#ifndef S390_INDICATOR_H
#define S390_INDICATOR_H

#include <linux/bits.h>
#include <linux/types.h>

/* One bit in guest storage. */
struct indicator {
	u64		gpa;	/* of the doubleword that it is in */
	unsigned int	bit;	/* from the right, 0..63 */
};

/*
 * @offset bits behind @address.  The doubleword numbers its bits from the right, or with
 * @swap from the left, as the guest does.
 */
static inline struct indicator indicator_at(u64 address, u64 offset, bool swap)
{
	const unsigned int word = 64;
	u64 bit = address % sizeof(u64) * BITS_PER_BYTE + offset % word;
	u64 words = offset / word + bit / word;

	bit %= word;

	return (struct indicator) {
		.gpa = address - address % sizeof(u64) + words * sizeof(u64),
		.bit = swap ? word - 1 - bit : bit,
	};
}

#endif /* S390_INDICATOR_H */

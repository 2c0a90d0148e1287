/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of system registers as such: rows in order of their encodings, and how one
 * is found.  No hardware, no state: also for the unit tests.
 */
#ifndef ARM64_SYSREG_FIND_H
#define ARM64_SYSREG_FIND_H

#include <linux/types.h>

struct sysreg_class;

struct sysreg_row {
	u32			   encoding;	/* sys_reg(op0, op1, CRn, CRm, op2) */
	u32			   arg;		/* what it means is the class's business */
	const struct sysreg_class *class;
};

/* The row of @encoding, or NULL. */
static inline const struct sysreg_row *
sysreg_search(const struct sysreg_row *rows, unsigned int count, u32 encoding)
{
	unsigned int first = 0, end = count;

	while (first < end) {
		unsigned int middle = first + (end - first) / 2;

		if (rows[middle].encoding == encoding)
			return &rows[middle];
		if (rows[middle].encoding < encoding)
			first = middle + 1;
		else
			end = middle;
	}

	return NULL;
}

/* The first row that is not above the one before it, or NULL: all is well. */
static inline const struct sysreg_row *
sysreg_misplaced(const struct sysreg_row *rows, unsigned int count)
{
	unsigned int i;

	for (i = 1; i < count; i++)
		if (rows[i - 1].encoding >= rows[i].encoding)
			return &rows[i];

	return NULL;
}

/*
 * The ABI's number of a system register (low 16 bits of its ONE_REG id) has the fields
 * of the encoding, in the same order and with the same widths, without a gap below.
 */
#define SYSREG_NUMBER_SHIFT	5

static inline u32 sysreg_from_number(u16 number)
{
	return (u32)number << SYSREG_NUMBER_SHIFT;
}

static inline u16 sysreg_number(u32 encoding)
{
	return encoding >> SYSREG_NUMBER_SHIFT;
}

#endif /* ARM64_SYSREG_FIND_H */

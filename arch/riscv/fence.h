/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The range of a fence that a guest asks for.  Portable: an emulator that forgets
 * translations by itself cannot tell whether it is right, a unit test can.
 */
#ifndef RISCV_FENCE_H
#define RISCV_FENCE_H

#include <linux/mm.h>

/*
 * More pages than this are fenced as everything.  Each is an instruction, with irqs
 * off, that may wait for the walks under way, while what a fence of everything costs,
 * filling the TLB again, does not grow.  A guest mostly asks for one page, or a few.
 */
#define FENCE_PAGES_MAX	16

/*
 * How many pages [start, start + size) touches, one behind the other from that of
 * @start on; 0: fence everything, because it is asked for ("RFENCE Extension": 0 and
 * 0, or a size of all ones), because it is much, or because there is no such range.
 */
static inline unsigned int fence_pages(unsigned long start, unsigned long size)
{
	unsigned long pages, last = start + size - 1;

	if (!size || last < start)
		return 0;
	pages = (last >> PAGE_SHIFT) - (start >> PAGE_SHIFT) + 1;

	return pages <= FENCE_PAGES_MAX ? pages : 0;
}

#endif /* RISCV_FENCE_H */

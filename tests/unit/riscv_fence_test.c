// SPDX-License-Identifier: GPL-2.0-only
/* Which pages the range of a remote fence means. */
#include <shim/kernel.h>
#include <arch/riscv/fence.h>
#include "test.h"

TEST(riscv_fence_ranges_are_pages_or_everything)
{
	static const struct {
		unsigned long	start, size;
		unsigned int	pages;
	} cases[] = {
		/* By the specification. */
		{ 0, 0, 0 }, { 0, ~0UL, 0 }, { 0x5000, ~0UL, 0 }, { 1, ~0UL, 0 }, { ~0UL, ~0UL, 0 },
		/* Pages, from those at the ends on. */
		{ 0, 1, 1 }, { 0, 0x1000, 1 }, { 0, 0x1001, 2 }, { 0xfff, 1, 1 }, { 0xfff, 2, 2 },
		{ 0x7fff, 0x1002, 3 }, { 0x5000, 0x3000, 3 },
		{ ~0xfffUL, 0x1000, 1 }, { ~0UL, 1, 1 }, { ~0x1fffUL, 0x2000, 2 },
		/* Up to a limit. */
		{ 0, 0x10000, 16 }, { 0, 0x10001, 0 }, { 0xfff, 0xf002, 0 }, { 0xfff, 0xf001, 16 },
		{ 0, 1UL << 63, 0 }, { 0, ~0UL - 1, 0 }, { ~0xffffUL, 0x10000, 16 },
		/* None, or around the end. */
		{ 0x5000, 0, 0 }, { ~0UL, 2, 0 }, { ~0xfffUL, 0x1001, 0 }, { 0x5000, ~0x5000UL + 2, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_EQ(fence_pages(cases[i].start, cases[i].size), cases[i].pages);
}

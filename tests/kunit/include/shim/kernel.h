/* SPDX-License-Identifier: GPL-2.0-only */
/* What the unit tests' formats.c needs; in the kernel it is all there. */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/types.h>

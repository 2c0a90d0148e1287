/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table formats to test the library with, each shaped after one that
 * exists: by the features that make it different, not by its exact bits.
 */
#ifndef UNIT_FORMATS_H
#define UNIT_FORMATS_H

#include <core/pgtable.h>

extern const struct pgtable_format *const formats[];	/* NULL-terminated */

/* Every change of an entry that the library makes, after it was made. */
extern void (*format_hook)(u64 *ptep, u64 old, u64 new, int level);

#endif /* UNIT_FORMATS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table formats to test the library with, each shaped after one that
 * exists: by the features that make it different, not by its exact bits.  Beside them
 * those of architectures whose own are portable.
 */
#ifndef UNIT_FORMATS_H
#define UNIT_FORMATS_H

#include <core/pgtable.h>

#define FORMATS_MAX	24

extern const struct pgtable_format *formats[FORMATS_MAX];	/* NULL-terminated */

/* One more; before the first test. */
void format_add(const struct pgtable_format *format);

/* Every change of an entry that the library makes, after it was made. */
extern void (*format_hook)(u64 *ptep, u64 old, u64 new, int level);
/* What a format has as "replace" so that this is so. */
bool hooked_replace(u64 *ptep, u64 old, u64 new, int level);

/* As hardware walks: the leaf that maps @gpa, and its level; or false. */
bool format_walk(struct pgtable *pt, gpa_t gpa, u64 *pte, int *level);
/* The same, and where the leaf is; NULL: none. */
u64 *format_walk_entry(struct pgtable *pt, gpa_t gpa, u64 *pte, int *level);
/* What a leaf that maps @gpa covers, as order, and where it leads. */
u8 format_leaf_order(const struct pgtable_format *format, u64 pte, int level);
hpa_t format_target(const struct pgtable_format *format, u64 pte, int level, gpa_t gpa);
/*
 * Hardware may take any entry of a group for all of it: is there nothing beside, where
 * @ptep is, that says otherwise?
 */
bool format_group_is_whole(const struct pgtable_format *format, const u64 *ptep);

#endif /* UNIT_FORMATS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Translation tables of guest storage as the hardware has them: table entries and the
 * address-space-control element.  Portable: arithmetic only, so that the unit tests run
 * it.
 *
 * z/Architecture Principles of Operation, "Dynamic Address Translation".
 */
#ifndef S390_MMU_FORMAT_H
#define S390_MMU_FORMAT_H

#include <linux/bits.h>
#include <core/pgtable.h>

/* By how far a format reaches: a segment table, a region-third and a region-second table. */
enum dat_span {
	DAT_SPAN_2G,
	DAT_SPAN_4T,
	DAT_SPAN_8P,
	DAT_SPANS,
};

/*
 * The format of @span; with @edat1, with leaves of 1 MiB.  @replace: how an entry
 * becomes another one.
 */
void dat_format_make(struct pgtable_format *format, enum dat_span span, bool edat1,
		     bool (*replace)(u64 *ptep, u64 old, u64 new, int level));

/* Does an entry take part in translation?  No store may change it then. */
bool dat_entry_is_valid(u64 pte, int level);

/* The address-space-control element of a root table. */
u64 dat_asce(const struct pgtable_format *format, hpa_t root);

#endif /* S390_MMU_FORMAT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Nested page tables as the hardware has them; see mmu_format.c. */
#ifndef SVM_MMU_FORMAT_H
#define SVM_MMU_FORMAT_H

#include <core/pgtable.h>

#define NPT_FORMATS	2

/*
 * With 4 levels and with 5: nested paging has as many as the host's own paging (APM,
 * "Nested Paging").
 */
extern struct pgtable_format npt_formats[NPT_FORMATS];

/* Fit them to this host, before they are used. */
void npt_formats_setup(void);

#endif /* SVM_MMU_FORMAT_H */

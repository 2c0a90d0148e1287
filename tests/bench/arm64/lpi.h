/* SPDX-License-Identifier: GPL-2.0-only */
/* An LPI, from a command in the queue of the ITS to its handler. */
#ifndef BENCH_ARM64_LPI_H
#define BENCH_ARM64_LPI_H

#include "bench.h"

void bench_self_lpi(u64 loops);		/* guest */
bool lpi_prepare(struct vm *vm, u32 loops);
void lpi_finish(void);

#endif /* BENCH_ARM64_LPI_H */

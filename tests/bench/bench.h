/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a benchmark row is.  The guest does one thing many times and reads its own
 * clock around the loop; the host serves whatever exits that takes.
 */
#ifndef BENCH_H
#define BENCH_H

#include <lib/kvm.h>

#define BENCH_LOOPS	2000
#define BENCH_REPEATS	5

struct bench_row {
	const char	*name;
	void		(*guest)(u64 loops);	/* says the clock ticks it took */
	u32		loops;			/* 0: BENCH_LOOPS */
};

/* The rows of this architecture; { .name = NULL } ends. */
extern const struct bench_row bench_rows[];

#endif /* BENCH_H */

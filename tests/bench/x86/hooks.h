/* SPDX-License-Identifier: GPL-2.0-only */
/* x86: what every row wants (bench.h).  Time is what the TSC counts. */
#ifndef BENCH_X86_HOOKS_H
#define BENCH_X86_HOOKS_H

#define BENCH_VECTOR	0x50

static inline u64 bench_clock(void)
{
	return rdtsc();
}

static inline u64 bench_units(u64 ticks)
{
	return ticks;
}

static inline u64 bench_host_clock(void)
{
	return rdtsc();
}

static inline void bench_soft_irq(void)
{
	asm volatile("int %0" : : "i"(BENCH_VECTOR) : "memory");
}

static inline void guest_irqs_on(void)
{
	sti();
}

static inline void guest_irqs_off(void)
{
	cli();
}

#endif /* BENCH_X86_HOOKS_H */

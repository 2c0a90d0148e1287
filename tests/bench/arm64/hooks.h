/* SPDX-License-Identifier: GPL-2.0-only */
/* arm64: what every row wants (bench.h).  Time is nanoseconds of the virtual counter. */
#ifndef BENCH_ARM64_HOOKS_H
#define BENCH_ARM64_HOOKS_H

static inline u64 bench_clock(void)
{
	return guest_counter();
}

static inline u64 bench_units(u64 ticks)
{
	return ticks * (1000000000 / sysreg_read(cntfrq_el0));
}

static inline u64 bench_host_clock(void)
{
	return now_ns();
}

static inline void bench_soft_irq(void)
{
	asm volatile("svc #0" : : : "memory");
}

static inline void guest_irqs_on(void)
{
	guest_irqs_enable();
}

static inline void guest_irqs_off(void)
{
	guest_irqs_disable();
}

#endif /* BENCH_ARM64_HOOKS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* riscv: what every row wants (bench.h).  Time is nanoseconds of the time CSR. */
#ifndef BENCH_RISCV_HOOKS_H
#define BENCH_RISCV_HOOKS_H

static inline u64 bench_clock(void)
{
	return rdtime();
}

static inline u64 bench_units(u64 ticks)
{
	return ticks * guest_ns_per_tick;
}

static inline u64 bench_host_clock(void)
{
	return now_ns();
}

/* Its own software interrupt is a bit that the guest may set. */
static inline void bench_soft_irq(void)
{
	csr_set(sip, BIT(IRQ_SOFT));
	guest_irqs_open();
}

static inline void guest_irqs_on(void)
{
	csr_set(sstatus, SSTATUS_SIE);
}

static inline void guest_irqs_off(void)
{
	csr_clear(sstatus, SSTATUS_SIE);
}

#endif /* BENCH_RISCV_HOOKS_H */

// SPDX-License-Identifier: GPL-2.0-only
/* The rows of riscv. */
#include "../bench.h"

static volatile u64 interrupts;

/* Time @statement, @loops times; the loop itself costs three instructions. */
#define BENCH(row, setup, statement)					\
	static void bench_##row(u64 loops)				\
	{								\
		u64 i, start;						\
									\
		setup;							\
		for (i = 0; i < 16; i++)				\
			statement;					\
		start = rdtime();					\
		for (i = 0; i < loops; i++)				\
			statement;					\
		guest_say((rdtime() - start) * guest_ns_per_tick);	\
	}

static void count_soft(struct guest_frame *frame)
{
	csr_clear(sip, BIT(IRQ_SOFT));
	interrupts++;
}

static void setup_soft(void)
{
	guest_irq_handlers[IRQ_SOFT] = count_soft;
	csr_set(sie, BIT(IRQ_SOFT));
}

static void count_timer(struct guest_frame *frame)
{
	sbi_set_timer(~0ULL);
	interrupts++;
}

static void setup_timer(void)
{
	guest_irq_handlers[IRQ_TIMER] = count_timer;
	csr_set(sie, BIT(IRQ_TIMER));
}

static void count_external(struct guest_frame *frame)
{
	imsic_claim();
	interrupts++;
}

static void setup_external(void)
{
	guest_irq_handlers[IRQ_EXTERNAL] = count_external;
	imsic_begin();
	imsic_enable(1);
	csr_set(sie, BIT(IRQ_EXTERNAL));
}

BENCH(sbi_base, , sbi_call0(SBI_BASE, 0))
BENCH(sbi_probe, , sbi_call1(SBI_BASE, 3, SBI_TIME))
/* Pending after the first: only the sending is seen. */
BENCH(ipi_send, , sbi_send_ipi(1, 0))
BENCH(ipi_handler, setup_soft(), ({ sbi_send_ipi(1, 0); guest_irqs_open(); }))
BENCH(ipi_wfi, setup_soft(), ({ sbi_send_ipi(1, 0); guest_wfi(); guest_irqs_open(); }))
BENCH(set_timer_far, , sbi_set_timer(~0ULL))
BENCH(set_timer_now, , sbi_set_timer(0))
BENCH(timer_handler, setup_timer(), ({ sbi_set_timer(0); guest_irqs_open(); }))
BENCH(fence_i, , sbi_call2(SBI_RFENCE, 0, 1, 0))
BENCH(sfence, , sbi_call4(SBI_RFENCE, 1, 1, 0, RISCV_WINDOW, 0x1000))
BENCH(mmio_read_user, , guest_read32(GPA_MMIO))
BENCH(mmio_write_user, , guest_write32(GPA_MMIO, 0))
BENCH(mmio_read_kernel, , aplic_read(APLIC_DOMAINCFG))
BENCH(msi_handler, setup_external(), ({ guest_write32(IMSIC_PAGE(0), 1); guest_irqs_open(); }))
BENCH(sbi_user, , sbi_call0(SBI_VENDOR, 0))
BENCH(rdtime, , rdtime())

const struct bench_row bench_rows[] = {
	{ "sbi-base", bench_sbi_base },
	{ "sbi-probe", bench_sbi_probe },
	{ "self-ipi-send", bench_ipi_send },
	{ "self-ipi", bench_ipi_handler },
	{ "self-ipi-wfi", bench_ipi_wfi },
	{ "set-timer-far", bench_set_timer_far },
	{ "set-timer-now", bench_set_timer_now },
	{ "timer-now", bench_timer_handler },
	{ "rfence-i-self", bench_fence_i },
	{ "rfence-vma-self", bench_sfence },
	{ "mmio-read-user", bench_mmio_read_user },
	{ "mmio-write-user", bench_mmio_write_user },
	{ "mmio-read-kernel", bench_mmio_read_kernel },
	{ "self-msi", bench_msi_handler },
	{ "sbi-user", bench_sbi_user },
	{ "rdtime", bench_rdtime },
	{ NULL }
};

// SPDX-License-Identifier: GPL-2.0-only
/* The rows of riscv. */
#include "bench.h"

static void count_soft(struct guest_frame *frame)
{
	csr_clear(sip, BIT(IRQ_SOFT));
	bench_interrupts++;
}

static void setup_soft(void)
{
	guest_irq_handlers[IRQ_SOFT] = count_soft;
	csr_set(sie, BIT(IRQ_SOFT));
}

void bench_soft_setup(void)
{
	setup_soft();
}

void bench_ipi_setup(void)
{
	setup_soft();
}

void bench_ipi_send(u64 hart)
{
	sbi_send_ipi(BIT(hart), 0);
}

static void count_timer(struct guest_frame *frame)
{
	sbi_set_timer(~0ULL);
	bench_interrupts++;
}

static void setup_timer(void)
{
	guest_irq_handlers[IRQ_TIMER] = count_timer;
	csr_set(sie, BIT(IRQ_TIMER));
}

static void count_external(struct guest_frame *frame)
{
	imsic_claim();
	bench_interrupts++;
}

static void setup_external(void)
{
	guest_irq_handlers[IRQ_EXTERNAL] = count_external;
	imsic_begin();
	imsic_enable(1);
	csr_set(sie, BIT(IRQ_EXTERNAL));
}

void bench_irq_setup(void)
{
	setup_external();
}

/* A message straight to the hart's file, as devices send them. */
u32 bench_irq_route(struct vm *vm)
{
	return bench_route_message(vm, 1, IMSIC_PAGE(0), 1);
}

/* From the deadline to behind the handler, while the guest runs or halts. */
BENCH_EXPIRY(timer_expiry, setup_timer(), 200000 / guest_ns_per_tick, sbi_set_timer(when),
	     guest_irqs_open())
BENCH_EXPIRY(timer_expiry_halt, setup_timer(), 10000000 / guest_ns_per_tick, sbi_set_timer(when),
	     guest_irq_wait())

BENCH(sbi_base, , sbi_call0(SBI_BASE, 0))
BENCH(sbi_probe, , sbi_call1(SBI_BASE, 3, SBI_TIME))
/* Pending after the first: only the sending is seen. */
BENCH(send_ipi, , sbi_send_ipi(1, 0))
BENCH_IRQ(ipi_handler, setup_soft(), ({ sbi_send_ipi(1, 0); guest_irqs_open(); }))
BENCH_IRQ(ipi_wfi, setup_soft(), ({ sbi_send_ipi(1, 0); guest_wfi(); guest_irqs_open(); }))
BENCH(set_timer_far, , sbi_set_timer(~0ULL))
BENCH(set_timer_now, , sbi_set_timer(0))
BENCH_IRQ(timer_handler, setup_timer(), BENCH_UNTIL(sbi_set_timer(0), guest_irqs_open()))
BENCH(fence_i, , sbi_call2(SBI_RFENCE, 0, 1, 0))
BENCH(sfence, , sbi_call4(SBI_RFENCE, 1, 1, 0, RISCV_WINDOW, 0x1000))
BENCH(mmio_read_user, , guest_read32(GPA_MMIO))
BENCH(mmio_write_user, , guest_write32(GPA_MMIO, 0))
BENCH(mmio_read_kernel, , aplic_read(APLIC_DOMAINCFG))
BENCH_IRQ(msi_handler, setup_external(), ({ guest_write32(IMSIC_PAGE(0), 1); guest_irqs_open(); }))
BENCH(mmio_write_kernel, , aplic_write(APLIC_SOURCECFG(1), 0))
BENCH(eoi, setup_external(), imsic_claim())
BENCH(sbi_user, , sbi_call0(SBI_VENDOR, 0))
BENCH(rdtime, , rdtime())

const struct bench_row bench_rows[] = {
	{ "sbi-base", "hypercall", bench_sbi_base },
	{ "sbi-probe", NULL, bench_sbi_probe },
	{ "self-ipi-send", NULL, bench_send_ipi },
	{ "self-ipi", NULL, bench_ipi_handler, floor_handler },
	{ "self-ipi-wfi", "self-ipi-halt", bench_ipi_wfi, floor_handler },
	{ "set-timer-far", "timer-far", bench_set_timer_far },
	{ "set-timer-now", NULL, bench_set_timer_now },
	{ "timer-now", NULL, bench_timer_handler, floor_handler },
	{ "timer-expiry", NULL, bench_timer_expiry, floor_handler, .loops = 200 },
	{ "timer-expiry-halt", NULL, bench_timer_expiry_halt, floor_sleep, .loops = 200 },
	{ "rfence-i-self", NULL, bench_fence_i },
	{ "rfence-vma-self", NULL, bench_sfence },
	{ "mmio-read-user", NULL, bench_mmio_read_user, floor_user, BENCH_USER },
	{ "mmio-write-user", NULL, bench_mmio_write_user, floor_user, BENCH_USER },
	{ "mmio-read-kernel", NULL, bench_mmio_read_kernel },
	{ "mmio-write-kernel", NULL, bench_mmio_write_kernel },
	{ "self-msi", NULL, bench_msi_handler, floor_handler },
	{ "eoi", NULL, bench_eoi },
	{ "sbi-user", NULL, bench_sbi_user, floor_user, BENCH_USER },
	{ "rdtime", "clock-read", bench_rdtime },
	{ NULL }
};

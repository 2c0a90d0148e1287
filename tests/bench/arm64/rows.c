// SPDX-License-Identifier: GPL-2.0-only
/* The rows of arm64. */
#include <arm64/lpi.h>

#define SGI		3
#define SPI		40

static void count_interrupt(struct guest_frame *frame)
{
	bench_interrupts++;
}

/* What an interrupt does, by an exception that needs no GIC to come. */
static void count_soft(struct guest_frame *frame)
{
	sysreg_read(ICC_IAR1_EL1);
	dsb();
	bench_interrupts++;
	sysreg_write(ICC_EOIR1_EL1, INTID_NONE);
	isb();
}

void bench_soft_setup(void)
{
	gic_begin();
	guest_handlers[EC_SVC] = count_soft;
}

static void setup_gic(u32 intid)
{
	guest_irq_handlers[intid] = count_interrupt;
	gic_begin();
	gic_enable(intid, 0xa0, true);
}

void bench_irq_setup(void)
{
	setup_gic(INTID_SPI(GUEST_IRQ_LINE));
}

/* Without a table of routes, a gsi is an SPI. */
u32 bench_irq_route(struct vm *vm)
{
	return GUEST_IRQ_LINE;
}

void bench_ipi_setup(void)
{
	setup_gic(SGI);
}

void bench_ipi_send(u64 cpu)
{
	gic_send(cpu, SGI);
}

static void count_virtual(struct guest_frame *frame)
{
	sysreg_write(cntv_ctl_el0, 0);
	isb();
	bench_interrupts++;
}

static void count_physical(struct guest_frame *frame)
{
	sysreg_write(cntp_ctl_el0, 0);
	isb();
	bench_interrupts++;
}

static void setup_timer(u32 intid, guest_handler handler)
{
	guest_irq_handlers[intid] = handler;
	gic_begin();
	gic_enable(intid, 0xa0, false);
	sysreg_write(cntv_cval_el0, 0);
	sysreg_write(cntp_cval_el0, 0);
	isb();
}

static inline void start_virtual(void)
{
	sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
	isb();
}

static inline void start_virtual_at(u64 when)
{
	sysreg_write(cntv_cval_el0, when);
	start_virtual();
}

static inline void start_physical(void)
{
	sysreg_write(cntp_ctl_el0, TIMER_ENABLE);
	isb();
}

/* From the deadline to behind the handler, while the guest runs or halts. */
BENCH_EXPIRY(timer_expiry, setup_timer(INTID_VTIMER, count_virtual), guest_ticks(200000),
	     start_virtual_at(when), guest_irqs_open())
BENCH_EXPIRY(timer_expiry_halt, setup_timer(INTID_VTIMER, count_virtual), guest_ticks(10000000),
	     start_virtual_at(when), guest_irq_wait())

BENCH(hvc_version, , guest_hvc(PSCI_VERSION, 0, 0, 0))
BENCH(hvc_unknown, , guest_hvc(0x8400ff77, 0, 0, 0))
BENCH(smc_version, , guest_smc(PSCI_VERSION, 0, 0, 0))
BENCH(id_register, , sysreg_read(id_aa64mmfr0_el1))
/* Pending after the first: only the sending is seen. */
BENCH(sgi_send, setup_gic(SGI), gic_send(0, SGI))
BENCH_IRQ(sgi_handler, setup_gic(SGI), ({ gic_send(0, SGI); guest_irqs_open(); }))
BENCH_IRQ(sgi_wfi, setup_gic(SGI), ({ gic_send(0, SGI); guest_wfi(); guest_irqs_open(); }))
BENCH(eoi, setup_gic(SGI), sysreg_write(ICC_EOIR1_EL1, INTID_NONE))
BENCH(timer_far, , ({ sysreg_write(cntv_cval_el0, ~0ULL); isb(); }))
BENCH_IRQ(timer_handler, setup_timer(INTID_VTIMER, count_virtual),
	  BENCH_UNTIL(start_virtual(), guest_irqs_open()))
BENCH(ptimer_far, , ({ sysreg_write(cntp_cval_el0, ~0ULL); isb(); }))
BENCH_IRQ(ptimer_handler, setup_timer(INTID_PTIMER, count_physical),
	  BENCH_UNTIL(start_physical(), guest_irqs_open()))
BENCH(mmio_read_user, , guest_read32(GPA_MMIO))
BENCH(mmio_write_user, , guest_write32(GPA_MMIO, 0))
BENCH(mmio_read_kernel, setup_gic(SGI), guest_read32(ARM64_GPA_GICD + GICD_CTLR))
BENCH(mmio_write_kernel, setup_gic(SGI), guest_write32(ARM64_GPA_GICD + GICD_ICENABLER(SPI), 0))
BENCH_IRQ(spi_handler, setup_gic(SPI), ({ gic_set_bit(SPI, GICD_ISPENDR); guest_irqs_open(); }))
BENCH(counter, , guest_counter())

const struct bench_row bench_rows[] = {
	{ "hvc-version", "hypercall", bench_hvc_version },
	{ "hvc-unknown", NULL, bench_hvc_unknown },
	{ "smc-version", NULL, bench_smc_version },
	{ "id-register", "id-read", bench_id_register },
	{ "self-sgi-send", "self-ipi-send", bench_sgi_send },
	{ "self-sgi", "self-ipi", bench_sgi_handler, floor_handler },
	{ "self-sgi-wfi", "self-ipi-halt", bench_sgi_wfi, floor_handler },
	{ "eoi", NULL, bench_eoi },
	{ "timer-far", NULL, bench_timer_far },
	{ "timer-now", NULL, bench_timer_handler, floor_handler },
	{ "ptimer-far", NULL, bench_ptimer_far },
	{ "ptimer-now", NULL, bench_ptimer_handler, floor_handler },
	{ "timer-expiry", NULL, bench_timer_expiry, floor_handler, .loops = 200 },
	{ "timer-expiry-halt", NULL, bench_timer_expiry_halt, floor_sleep, .loops = 200 },
	{ "mmio-read-user", NULL, bench_mmio_read_user, floor_user, BENCH_USER },
	{ "mmio-write-user", NULL, bench_mmio_write_user, floor_user, BENCH_USER },
	{ "mmio-read-kernel", NULL, bench_mmio_read_kernel },
	{ "mmio-write-kernel", NULL, bench_mmio_write_kernel },
	{ "self-spi", NULL, bench_spi_handler, floor_handler },
	{ "self-lpi", NULL, bench_self_lpi, floor_handler,
	  .prepare = lpi_prepare, .finish = lpi_finish },
	{ "counter", "clock-read", bench_counter },
	{ NULL }
};

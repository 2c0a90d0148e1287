// SPDX-License-Identifier: GPL-2.0-only
/* The rows of x86. */
#include "../bench.h"

#define VECTOR		0x50
#define BENCH_PORT	0x1f8		/* nobody in the kernel has it */
#define MSR_TSC_ADJUST	0x3b
#define POLL_IRQ	1		/* KVM_HC_VAPIC_POLL_IRQ: does nothing */

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
		start = rdtsc();					\
		for (i = 0; i < loops; i++)				\
			statement;					\
		guest_say(rdtsc() - start);				\
	}

static void count_interrupt(struct guest_frame *frame)
{
	interrupts++;
	apic_eoi();
}

static void setup_apic(bool x2apic)
{
	guest_handlers[VECTOR] = count_interrupt;
	apic_enable(x2apic);
}

static inline void send_self_ipi(void)
{
	apic_icr(0, 0x40000 | VECTOR);
}

static inline void vmmcall(void)
{
	u64 result = POLL_IRQ;

	asm volatile("vmmcall" : "+a"(result) : : "memory");
}

static u32 scratch[4];

BENCH(cpuid, , cpuid(0, 0, scratch))
BENCH(hypercall, , vmmcall())
BENCH(pio_out_user, , outb(BENCH_PORT, 0))
BENCH(pio_in_user, , inb(BENCH_PORT))
BENCH(pio_in_kernel, , inb(0x21))
BENCH(mmio_read_user, , guest_read32(GPA_MMIO))
BENCH(mmio_write_user, , guest_write32(GPA_MMIO, 0))
BENCH(rdmsr_tsc_adjust, , rdmsr(MSR_TSC_ADJUST))
BENCH(wrmsr_tsc_adjust, , wrmsr(MSR_TSC_ADJUST, 0))
BENCH(wbinvd, , asm volatile("wbinvd" : : : "memory"))
/* The vector stays pending after the first: only the sending is seen. */
BENCH(ipi_send_x2apic, setup_apic(true), send_self_ipi())
BENCH(ipi_send_xapic, setup_apic(false), send_self_ipi())
BENCH(eoi_x2apic, setup_apic(true), apic_eoi())
BENCH(eoi_xapic, setup_apic(false), apic_eoi())
BENCH(ipi_handler_x2apic, setup_apic(true), ({ send_self_ipi(); sti_nop_cli(); }))
BENCH(ipi_handler_xapic, setup_apic(false), ({ send_self_ipi(); sti_nop_cli(); }))
BENCH(ipi_halt_x2apic, setup_apic(true), ({ send_self_ipi(); sti_hlt(); }))

const struct bench_row bench_rows[] = {
	{ "cpuid", bench_cpuid },
	{ "hypercall", bench_hypercall },
	{ "pio-out-user", bench_pio_out_user },
	{ "pio-in-user", bench_pio_in_user },
	{ "pio-in-kernel", bench_pio_in_kernel },
	{ "mmio-read-user", bench_mmio_read_user },
	{ "mmio-write-user", bench_mmio_write_user },
	{ "rdmsr-tsc-adjust", bench_rdmsr_tsc_adjust },
	{ "wrmsr-tsc-adjust", bench_wrmsr_tsc_adjust },
	{ "wbinvd", bench_wbinvd },
	{ "self-ipi-send-x2apic", bench_ipi_send_x2apic },
	{ "self-ipi-send-xapic", bench_ipi_send_xapic },
	{ "eoi-x2apic", bench_eoi_x2apic },
	{ "eoi-xapic", bench_eoi_xapic },
	{ "self-ipi-x2apic", bench_ipi_handler_x2apic },
	{ "self-ipi-xapic", bench_ipi_handler_xapic },
	{ "self-ipi-halt", bench_ipi_halt_x2apic },
	{ NULL }
};

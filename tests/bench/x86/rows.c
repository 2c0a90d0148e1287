// SPDX-License-Identifier: GPL-2.0-only
/* The rows of x86. */
#include "bench.h"

#define VECTOR		BENCH_VECTOR
#define BENCH_PORT	0x1f8		/* nobody in the kernel has it */
#define MSR_TSC_ADJUST	0x3b
#define POLL_IRQ	1		/* KVM_HC_VAPIC_POLL_IRQ: does nothing */
#define MESSAGE_GSI	40		/* no input of the IOAPIC */
#define LVTT_DEADLINE	0x40000
#define CR0_WP		BIT(16)
#define CR4_PGE		BIT(7)

static void count_interrupt(struct guest_frame *frame)
{
	bench_interrupts++;
	apic_eoi();
}

static void count_soft(struct guest_frame *frame)
{
	bench_interrupts++;
}

void bench_soft_setup(void)
{
	guest_handlers[VECTOR] = count_soft;
}

static void setup_apic(bool x2apic)
{
	cli();
	guest_handlers[VECTOR] = count_interrupt;
	apic_enable(x2apic);
}

void bench_irq_setup(void)
{
	setup_apic(true);
	pic_disable();
}

u32 bench_irq_route(struct vm *vm)
{
	return bench_route_message(vm, MESSAGE_GSI, 0xfee00000, VECTOR);
}

void bench_ipi_setup(void)
{
	setup_apic(true);
}

void bench_ipi_send(u64 cpu)
{
	apic_icr(cpu, VECTOR);
}

static inline void send_self_ipi(void)
{
	/* The shorthand: one register says all of it, ICR's upper half has no part in it. */
	apic_write(APIC_REG_ICR, 0x40000 | VECTOR);
}

static bool is_amd;

static void setup_hypercall(void)
{
	u32 regs[4];

	cpuid(0, 0, regs);
	is_amd = regs[1] == 0x68747541;		/* "Auth" */
}

static inline void hypercall(void)
{
	u64 result = POLL_IRQ;

	if (is_amd)
		asm volatile("vmmcall" : "+a"(result) : : "memory");
	else
		asm volatile("vmcall" : "+a"(result) : : "memory");
}

static void setup_deadline(void)
{
	setup_apic(true);
	apic_write(APIC_REG_LVTT, LVTT_DEADLINE | VECTOR);
}

static inline void deadline(u64 tsc)
{
	wrmsr(MSR_TSC_DEADLINE, tsc);
}

static inline void toggle_cr0_wp(void)
{
	write_cr0(read_cr0() ^ CR0_WP);
	write_cr0(read_cr0() ^ CR0_WP);
}

static inline void toggle_cr4_pge(void)
{
	write_cr4(read_cr4() ^ CR4_PGE);
	write_cr4(read_cr4() ^ CR4_PGE);
}

static u32 scratch[4];

BENCH(cpuid, , cpuid(0, 0, scratch))
BENCH(hypercall, setup_hypercall(), hypercall())
BENCH(pio_out_user, , outb(BENCH_PORT, 0))
BENCH(pio_in_user, , inb(BENCH_PORT))
BENCH(pio_in_kernel, , inb(0x21))
BENCH(pio_out_kernel, , outb(0x21, 0xff))
BENCH(mmio_read_user, , guest_read32(GPA_MMIO))
BENCH(mmio_write_user, , guest_write32(GPA_MMIO, 0))
BENCH(mmio_read_kernel, , guest_read32(IOAPIC_PAGE))
BENCH(mmio_write_kernel, , guest_write32(IOAPIC_PAGE, 0))
BENCH(rdmsr_tsc_adjust, , rdmsr(MSR_TSC_ADJUST))
BENCH(wrmsr_tsc_adjust, , wrmsr(MSR_TSC_ADJUST, 0))
BENCH(wbinvd, , asm volatile("wbinvd" : : : "memory"))
/* A pair each: on and off. */
BENCH(cr0_wp, , toggle_cr0_wp())
BENCH(cr4_pge, , toggle_cr4_pge())
BENCH(rdtsc, , rdtsc())
/* The vector stays pending after the first: only the sending is seen. */
BENCH(ipi_send_x2apic, setup_apic(true), send_self_ipi())
BENCH(ipi_send_xapic, setup_apic(false), send_self_ipi())
BENCH(eoi_x2apic, setup_apic(true), apic_eoi())
BENCH(eoi_xapic, setup_apic(false), apic_eoi())
BENCH_IRQ(ipi_handler_x2apic, setup_apic(true), ({ send_self_ipi(); sti_nop_cli(); }))
BENCH_IRQ(ipi_handler_xapic, setup_apic(false), ({ send_self_ipi(); sti_nop_cli(); }))
BENCH_IRQ(ipi_halt_x2apic, setup_apic(true), ({ send_self_ipi(); sti_hlt(); }))
BENCH(timer_far, setup_deadline(), deadline(~0ULL >> 2))
BENCH_IRQ(timer_now, setup_deadline(), BENCH_UNTIL(deadline(1), sti_nop_cli()))

/* From the deadline to behind the handler, while the guest runs or halts. */
BENCH_EXPIRY(timer_expiry, setup_deadline(), 200000, deadline(when), sti_nop_cli())
BENCH_EXPIRY(timer_expiry_halt, setup_deadline(), 2000000, deadline(when), sti_hlt())

/* Where the CPU has no timer for guests, it is the host's that ends the stay. */
static u64 floor_expiry(void)
{
	u32 regs[4];

	cpuid(0, 0, regs);

	return regs[1] == 0x68747541 ? floor_interrupted() : floor_handler();
}

const struct bench_row bench_rows[] = {
	{ "cpuid", "id-read", bench_cpuid },
	{ "hypercall", NULL, bench_hypercall },
	{ "pio-out-user", NULL, bench_pio_out_user, floor_user, BENCH_USER },
	{ "pio-in-user", NULL, bench_pio_in_user, floor_user, BENCH_USER },
	{ "pio-in-kernel", NULL, bench_pio_in_kernel },
	{ "pio-out-kernel", NULL, bench_pio_out_kernel },
	{ "mmio-read-user", NULL, bench_mmio_read_user, floor_user, BENCH_USER },
	{ "mmio-write-user", NULL, bench_mmio_write_user, floor_user, BENCH_USER },
	{ "mmio-read-kernel", NULL, bench_mmio_read_kernel },
	{ "mmio-write-kernel", NULL, bench_mmio_write_kernel },
	{ "rdmsr-tsc-adjust", NULL, bench_rdmsr_tsc_adjust },
	{ "wrmsr-tsc-adjust", NULL, bench_wrmsr_tsc_adjust },
	{ "wbinvd", NULL, bench_wbinvd },
	{ "cr0-wp", NULL, bench_cr0_wp },
	{ "cr4-pge", NULL, bench_cr4_pge },
	{ "rdtsc", "clock-read", bench_rdtsc },
	{ "self-ipi-send-x2apic", "self-ipi-send", bench_ipi_send_x2apic },
	{ "self-ipi-send-xapic", NULL, bench_ipi_send_xapic },
	{ "eoi-x2apic", "eoi", bench_eoi_x2apic },
	{ "eoi-xapic", NULL, bench_eoi_xapic },
	{ "self-ipi-x2apic", "self-ipi", bench_ipi_handler_x2apic, floor_handler },
	{ "self-ipi-xapic", NULL, bench_ipi_handler_xapic, floor_handler },
	{ "self-ipi-halt", NULL, bench_ipi_halt_x2apic, floor_handler },
	{ "tsc-deadline-far", "timer-far", bench_timer_far },
	{ "tsc-deadline-now", "timer-now", bench_timer_now, floor_handler },
	{ "timer-expiry", NULL, bench_timer_expiry, floor_expiry, .loops = 200 },
	{ "timer-expiry-halt", NULL, bench_timer_expiry_halt, floor_sleep, .loops = 200 },
	{ NULL }
};

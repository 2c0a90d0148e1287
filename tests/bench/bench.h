/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a benchmark row is.  Most are of the guest: it does one thing many times and
 * reads its own clock around the loop, and the host serves whatever exits that takes.
 * The others are of the host: system calls, and what two threads do to each other.
 *
 * A row's floor is what the same guest work, system calls and faults cost without a
 * hypervisor, measured in the same run (floor.c).
 */
#ifndef BENCH_H
#define BENCH_H

#include <lib/kvm.h>

#define BENCH_LOOPS	2000
#define BENCH_REPEATS	5
#define BENCH_WARM	16		/* loops before those that count */
#define BENCH_CALL	(GPA_MMIO + 0x1000)	/* a write here is for the row's call() */
#define BENCH_DOORBELL	(GPA_MMIO + 0x2000)	/* of ioeventfds */
#define BENCH_VM_MAX	64

enum bench_flags {
	BENCH_USER	= BIT(0),	/* every loop goes to user space once */
	BENCH_TWO_CPUS	= BIT(1),	/* makes sense with two CPUs only */
	BENCH_BYTES	= BIT(2),	/* the figure is no cost, but memory */
	BENCH_HOST	= BIT(3),	/* a system call's cost: no round trip of a guest */
};

struct bench_row {
	const char	*name;
	/* What it is called on every architecture, if that is not its name. */
	const char	*what;
	void		(*guest)(u64 loops);	/* says the clock ticks it took */
	u64		(*floor)(void);		/* NULL: the guest's loop alone */
	u32		flags;
	u32		loops;			/* 0: BENCH_LOOPS */
	/* Before the guest runs; false: this host has no such thing. */
	bool		(*prepare)(struct vm *vm, u32 loops);
	/* The guest wrote to BENCH_CALL. */
	void		(*call)(struct vm *vm, u32 loops);
	/* After it: bails if it was not what the row says. */
	void		(*check)(struct vm *vm, u32 loops);
	void		(*finish)(void);	/* when the VM is gone */
	/* Instead of a guest: ticks, or bytes, of so many loops; ~0: no such thing here. */
	u64		(*host)(u32 loops);
};

/* The rows of this architecture, and those of all; { .name = NULL } ends. */
extern const struct bench_row bench_rows[];
extern const struct bench_row bench_common_rows[];
extern const struct bench_row bench_smp_rows[];
extern const struct bench_row bench_scale_rows[];
extern const struct bench_row bench_last_rows[];

/* Under an emulator whose clock counts the instructions of all CPUs. */
extern bool bench_counts;

/* What a row times begins now: ci/profile looks from here on. */
void bench_timed(void);
/* One run of a row: clock ticks of all loops; @exits: of the guest. */
u64 bench_once(const struct bench_row *row, u32 loops, u64 *exits);
/* VMs with an irqchip that share one memory, so that only the kernel's part is of each. */
struct vm *bench_small_vm(void);
void bench_destroy(struct vm **vms, u32 count);
/* A loop's share, to the nearest. */
static inline u64 bench_each(u64 ticks, u32 loops)
{
	return (ticks + loops / 2) / loops;
}

/* --- floors ------------------------------------------------------------------ */

u64 floor_none(void);
u64 floor_loop(void);		/* the guest's empty loop */
u64 floor_handler(void);	/* it takes an interrupt that needs no hypervisor */
u64 floor_syscall(void);	/* an ioctl that does nothing */
u64 floor_user(void);		/* loop and system call */
u64 floor_user_signal(void);	/* that, a handler, and a write to an eventfd */
u64 floor_signal(void);		/* loop, and the kernel's part of signalling an eventfd */
u64 floor_page(void);		/* the host's process touches a new page */
u64 floor_huge(void);
u64 floor_copy(void);		/* a system call that fills 32 KiB */
u64 floor_wake(void);		/* two threads wake each other, and one handler */
u64 floor_wake_remote(void);	/* one thread wakes another on CPU 1, and one handler */
u64 floor_sleep(void);		/* a thread sleeps until a time, and one handler */
u64 floor_interrupted(void);	/* a timer of the host's interrupts a thread, and one handler */
u64 floor_open(void);		/* an anonymous descriptor, made */
u64 floor_close(void);		/* and closed */

/* Memory of the host, in small or in huge pages, not touched yet. */
void *bench_memory(u64 size, bool huge, bool touched);
/* What transparent huge pages this process has, in bytes. */
u64 bench_huge_bytes(void);
/*
 * Ticks that were not idle, from here to there.  Where an emulator counts, a clock
 * that a wait moves is no count of instructions: somebody soaks up what is idle.
 */
void bench_busy_begin(void);
u64 bench_busy_end(void);
/* Halted vCPUs sleep at once; false: back to what it was. */
void bench_no_halt_poll(bool on);

/* --- guest side ---------------------------------------------------------------- */

extern volatile u64 bench_interrupts;	/* those that came to a handler */
extern volatile u64 bench_sink;

/* Time @statement, @loops times; the loop itself costs three instructions. */
#define BENCH(row, setup, statement)					\
	static void bench_##row(u64 loops)				\
	{								\
		u64 i, start;						\
									\
		setup;							\
		for (i = 0; i < BENCH_WARM; i++)			\
			statement;					\
		start = bench_clock();					\
		for (i = 0; i < loops; i++)				\
			statement;					\
		guest_say(bench_units(bench_clock() - start));		\
	}

/*
 * Each one that was sent came to a handler.  One in some thousands comes twice on the
 * kernel's own hypervisor under an emulator: a tick of the host's ends the entry that has
 * delivered it, and it is delivered again.
 */
#define BENCH_ASSERT_IRQS(seen, sent)					\
	do {								\
		GUEST_ASSERT((seen) >= (sent));				\
		GUEST_ASSERT((seen) <= (sent) + (sent) / 256 + 1);	\
	} while (0)

/* The same, and each one has to end in a handler. */
#define BENCH_IRQ(row, setup, statement)				\
	static void bench_##row(u64 loops)				\
	{								\
		u64 i, start, ticks, before;				\
									\
		setup;							\
		for (i = 0; i < BENCH_WARM; i++)			\
			statement;					\
		before = bench_interrupts;				\
		start = bench_clock();					\
		for (i = 0; i < loops; i++)				\
			statement;					\
		ticks = bench_clock() - start;				\
		BENCH_ASSERT_IRQS(bench_interrupts - before, loops);	\
		guest_say(bench_units(ticks));				\
	}

/*
 * Send something, and let it in until its handler ran: it may come late.  One in a thousand
 * on the emulated riscv is lost by the kernel's own hypervisor: it is sent again then.
 */
#define BENCH_UNTIL(send, open)						\
	({								\
		u64 next_ = bench_interrupts + 1, tries_ = 0;		\
									\
		do {							\
			if (!(tries_++ % 512))				\
				send;					\
			open;						\
		} while (bench_interrupts < next_);			\
	})

/*
 * A timer armed for @when, @after from now, to behind its handler, while @wait runs or
 * halts.  One that is lost (see above) is armed again.
 */
#define BENCH_EXPIRY(row, setup, after, arm, wait)			\
	static void bench_##row(u64 loops)				\
	{								\
		u64 i, ticks = 0, when, next;				\
									\
		setup;							\
		for (i = 0; i < BENCH_WARM + loops; i++) {		\
			next = bench_interrupts + 1;			\
			do {						\
				when = bench_clock() + (after);		\
				arm;					\
				while (bench_interrupts < next &&	\
				       bench_clock() < when + 10 * (after)) \
					wait;				\
			} while (bench_interrupts < next);		\
			if (i >= BENCH_WARM)				\
				ticks += bench_clock() - when;		\
		}							\
		BENCH_ASSERT_IRQS(bench_interrupts, BENCH_WARM + loops); \
		guest_say(bench_units(ticks));				\
	}

/*
 * The architecture's part, besides its rows: hooks.h has bench_clock(), in the guest,
 * bench_host_clock(), in this program, and bench_units() for a difference of the first,
 * which makes the units of both the same; and bench_soft_irq(), an interrupt or trap
 * that the guest gives itself without a hypervisor, counted in bench_interrupts.
 */
#include BENCH_HOOKS

void bench_soft_setup(void);
/* The interrupt of an irqfd, and the host's route to it: its gsi. */
void bench_irq_setup(void);
u32 bench_irq_route(struct vm *vm);
/* common.c: the route of @gsi, and the only one, is this message.  Returns @gsi. */
u32 bench_route_message(struct vm *vm, u32 gsi, u32 address, u32 data);
/* Between vCPUs: each sets up, one sends. */
void bench_ipi_setup(void);
void bench_ipi_send(u64 cpu);

#endif /* BENCH_H */

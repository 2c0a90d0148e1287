// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of two vCPUs on two CPUs.  An emulator that counts runs the CPUs in turn and
 * counts the instructions of both on one clock: the figure is what both executed.  In it
 * they wait for each other in loops of known length, whose rounds are counted and taken
 * off again, because how long one waits is the emulator's choice there.  On real hardware
 * the CPUs run at once, and the figure is the time between sending and answer.
 */
#include <sched.h>
#include "bench.h"

static volatile u64 rounds_sender, rounds_target, target_ready, all_over;
static volatile u64 counting;

/* Until @value has come to @wanted, or so many rounds are over: the rounds. */
static __attribute__((noinline)) u64 spin(volatile u64 *value, u64 wanted, u64 limit)
{
	u64 rounds = 0;

	while (*value < wanted && rounds < limit) {
		guest_pause();
		rounds++;
	}

	return rounds;
}

static void send_and_wait(void)
{
	u64 wanted = bench_interrupts + 1;

	bench_ipi_send(1);
	rounds_sender += spin(&bench_interrupts, wanted, ~0ULL);
}

static void guest_sender(u64 loops)
{
	static volatile u64 never;
	u64 i, start, ticks, before, each;

	bench_ipi_setup();
	start = bench_clock();
	spin(&never, 1, 4096);
	each = bench_clock() - start;
	/* The target runs from here on. */
	guest_write32(BENCH_CALL, 0);
	spin(&target_ready, 1, ~0ULL);
	for (i = 1; i <= BENCH_WARM; i++)
		send_and_wait();
	rounds_sender = 0;
	before = rounds_target;
	start = bench_clock();
	for (; i <= BENCH_WARM + loops; i++)
		send_and_wait();
	ticks = bench_clock() - start;
	BENCH_ASSERT_IRQS(bench_interrupts, BENCH_WARM + loops);
	if (counting)
		ticks -= (rounds_sender + rounds_target - before) * each / 4096;
	all_over = 1;
	bench_ipi_send(1);
	guest_say(bench_units(ticks));
}

static void guest_running(u64 argument)
{
	bench_ipi_setup();
	target_ready = 1;
	while (!all_over) {
		guest_irqs_on();
		/* In steps, so that the sender sees how many it has been. */
		rounds_target += spin(&all_over, 1, 64);
		guest_irqs_off();
	}
	guest_done();
}

static void guest_halted(u64 argument)
{
	bench_ipi_setup();
	target_ready = 1;
	while (!all_over)
		guest_irq_wait();
	guest_done();
}

static struct vcpu_thread target;

static void pin(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		note("a thread cannot be on CPU %d", cpu);
}

static bool prepare(struct vm *vm, void (*guest)(u64))
{
	guest_var(vm, counting) = bench_counts;
	vcpu_create(vm, guest, 0);
	pin(pthread_self(), 0);
	bench_no_halt_poll(true);
	target = (struct vcpu_thread) { .vcpu = &vm->vcpus[1] };

	return true;
}

static bool prepare_running(struct vm *vm, u32 loops)
{
	return prepare(vm, guest_running);
}

static bool prepare_halted(struct vm *vm, u32 loops)
{
	return prepare(vm, guest_halted);
}

static void start_target(struct vm *vm, u32 loops)
{
	vcpu_thread_start(&target, &vm->vcpus[1]);
	pin(target.thread, 1);
}

static void join_target(struct vm *vm, u32 loops)
{
	vcpu_thread_join(&target);
	bench_no_halt_poll(false);
}

const struct bench_row bench_smp_rows[] = {
	{ "ipi-running", .guest = guest_sender, .flags = BENCH_TWO_CPUS,
	  .floor = floor_handler, .loops = 200,
	  .prepare = prepare_running, .call = start_target, .check = join_target },
	{ "ipi-halted", .guest = guest_sender, .flags = BENCH_TWO_CPUS,
	  .floor = floor_wake_remote, .loops = 200,
	  .prepare = prepare_halted, .call = start_target, .check = join_target },
	{ NULL }
};

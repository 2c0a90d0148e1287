// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of an exit.  Under an emulator that counts instructions the guest's
 * clock is an instruction count, so every figure is instructions of guest, host
 * kernel and this program for one round trip; on real hardware it is cycles.
 *
 * One line per row: ROW name best worst, of BENCH_REPEATS runs.
 */
#include "bench.h"

static u64 bench_once(const struct bench_row *row, u32 loops)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, row->guest, loops);
	u64 ticks;

	/* The run area answers what user space is asked: the row wants its cost only. */
	for (;;) {
		int err = vcpu_run(vcpu);

		if (err == -EINTR || err == -EAGAIN)
			continue;
		if (err)
			bail("%s: KVM_RUN failed: %s", row->name, strerror(-err));
		if (vcpu_said(vcpu, &ticks))
			break;
		if (vcpu->run->exit_reason != KVM_EXIT_IO &&
		    vcpu->run->exit_reason != KVM_EXIT_MMIO &&
		    vcpu->run->exit_reason != KVM_EXIT_RISCV_SBI) {
			vcpu_describe(vcpu);
			bail("%s: the guest left for another reason", row->name);
		}
	}
	vm_destroy(vm);

	return ticks;
}

static void bench_row(const struct bench_row *row)
{
	u32 loops = row->loops ? row->loops : BENCH_LOOPS;
	u64 best = ~0ULL, worst = 0;
	int i;

	for (i = 0; i < BENCH_REPEATS; i++) {
		u64 each = (bench_once(row, loops) + loops / 2) / loops;

		best = each < best ? each : best;
		worst = each > worst ? each : worst;
	}
	printf("ROW %s %llu %llu\n", row->name, (unsigned long long)best,
	       (unsigned long long)worst);
	fflush(stdout);
}

TEST(bench)
{
	const struct bench_row *row;

	for (row = bench_rows; row->name; row++)
		if (!test_arg_count || test_has_arg(row->name))
			bench_row(row);
	report(true, "all rows ran");
}

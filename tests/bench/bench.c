// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of an exit.  Under an emulator that counts instructions the guest's
 * clock is an instruction count, so every figure is instructions of guest, host
 * kernel and this program for one round trip; on real hardware it is what that
 * clock counts: cycles of the TSC, or nanoseconds.
 *
 * One line per row: ROW name best worst floor exits class what.  Best and worst are
 * of BENCH_REPEATS runs, without the very worst: something else of the host's may have
 * come between.  Exits is ten times the exits of the guest in one loop, or -;
 * the class is kernel, user, host or bytes.
 */
#include <fcntl.h>
#include <time.h>
#include "bench.h"

bool bench_counts;
volatile u64 bench_interrupts, bench_sink;

static void profile_tell(const char *folder, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		bail("cannot write to %s", path);
	close(fd);
}

/*
 * ci/profile waits for what is timed, and has the instructions from the end of this on.  Its
 * folder is BENCH_PROFILE; the first time is what it wants.
 */
__attribute__((noinline)) void bench_timed(void)
{
	const char *folder = getenv("BENCH_PROFILE");
	static bool told;
	char path[256];

	if (!folder || told)
		return;
	told = true;
	profile_tell(folder, "timed");
	snprintf(path, sizeof(path), "%s/go", folder);
	while (access(path, F_OK))
		sleep_ms(1);
	profile_tell(folder, "gone");
}

static u64 serve(const struct bench_row *row, struct vcpu *vcpu, u32 loops)
{
	u64 ticks, user_exits = 0, expected = row->flags & BENCH_USER ? loops + BENCH_WARM : 0;

	/* One that calls in the middle begins there. */
	if (!row->call || row->flags & BENCH_USER)
		bench_timed();
	/* The run area answers what user space is asked: the row wants its cost only. */
	for (;;) {
		int err = vcpu_run(vcpu);

		if (err == -EINTR || err == -EAGAIN)
			continue;
		if (err)
			bail("%s: KVM_RUN failed: %s", row->name, strerror(-err));
		if (vcpu_said(vcpu, &ticks))
			break;
		if (vcpu->run->exit_reason == KVM_EXIT_MMIO &&
		    vcpu->run->mmio.phys_addr == BENCH_CALL) {
			row->call(vcpu->vm, loops);
			if (!(row->flags & BENCH_USER)) {
				bench_timed();
				continue;
			}
		} else if (vcpu->run->exit_reason != KVM_EXIT_IO &&
			   vcpu->run->exit_reason != KVM_EXIT_MMIO &&
			   vcpu->run->exit_reason != KVM_EXIT_RISCV_SBI) {
			vcpu_describe(vcpu);
			bail("%s: the guest left for another reason", row->name);
		}
		user_exits++;
	}
	/* A few more where a guest had to ask again (BENCH_UNTIL()). */
	if (user_exits < expected || user_exits > expected + expected / 256)
		bail("%s: %llu exits to user space, not %llu", row->name,
		     (unsigned long long)user_exits, (unsigned long long)expected);

	return ticks;
}

u64 bench_once(const struct bench_row *row, u32 loops, u64 *exits)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, row->guest, loops);
	u64 ticks = ~0ULL;

	if (!row->prepare || row->prepare(vm, loops)) {
		ticks = serve(row, vcpu, loops);
		*exits = vcpu_stat(vcpu, "exits");
		if (row->check)
			row->check(vm, loops);
	}
	vm_destroy(vm);
	if (row->finish)
		row->finish();

	return ticks;
}

static const char *class_of(const struct bench_row *row)
{
	if (row->flags & BENCH_BYTES)
		return "bytes";
	if (row->flags & BENCH_USER)
		return "user";

	return row->flags & BENCH_HOST ? "host" : "kernel";
}

static int by_size(const void *left, const void *right)
{
	u64 a = *(const u64 *)left, b = *(const u64 *)right;

	return a < b ? -1 : a > b;
}

static void bench_row(const struct bench_row *row)
{
	u32 loops = row->loops ? row->loops : BENCH_LOOPS;
	u64 each[BENCH_REPEATS], best, exits = 0, floor;
	char exits_text[24] = "-";
	int i;

	for (i = 0; i < BENCH_REPEATS; i++) {
		u64 ticks = row->host ? row->host(loops) : bench_once(row, loops, &exits);

		if (ticks == ~0ULL) {
			note("%s: this host has no such thing", row->name);
			return;
		}
		each[i] = bench_each(ticks, loops);
	}
	qsort(each, BENCH_REPEATS, sizeof(each[0]), by_size);
	/* Others free memory meanwhile, too: the least is nobody's need. */
	best = each[row->flags & BENCH_BYTES ? BENCH_REPEATS / 2 : 0];
	if (!row->host)
		sprintf(exits_text, "%llu", (unsigned long long)bench_each(exits * 10, loops));
	floor = row->floor ? row->floor() : row->host ? 0 : floor_loop();
	printf("ROW %s %llu %llu %llu %s %s %s\n", row->name, (unsigned long long)best,
	       (unsigned long long)each[BENCH_REPEATS - 2], (unsigned long long)floor, exits_text,
	       class_of(row), row->what ? row->what : row->name);
	fflush(stdout);
}

static u64 thread_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);

	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* What share of the CPU, in percent, does a thread get that wants all of it? */
static unsigned int own_share(void)
{
	u64 start = now_ns(), own = thread_time(), end = start + 20000000;

	while (now_ns() < end)
		;

	return (thread_time() - own) * 100 / (now_ns() - start);
}

/*
 * Others would have their turns in the middle of a row, of a whole tick each: a kernel tests
 * its ciphers (cryptomgr_test) for a while after it has booted.
 */
static void wait_for_quiet(void)
{
	int tries;

	for (tries = 0; tries < 200; tries++) {
		if (own_share() >= 98)
			return;
		sleep_ms(100);
	}
	note("something else runs on this CPU all the time");
}

static bool wanted(const struct bench_row *row)
{
	bool two = sysconf(_SC_NPROCESSORS_ONLN) > 1, pair = row->flags & BENCH_TWO_CPUS;

	if (pair && !two)
		return false;
	/* The rest was counted where there is one CPU, and nothing beside it. */
	if (bench_counts && two && !pair)
		return false;

	return !test_arg_count || test_has_arg(row->name) ||
		(row->what && test_has_arg(row->what));
}

static const struct bench_row *const tables[] = {
	bench_rows, bench_common_rows, bench_smp_rows, bench_scale_rows, bench_last_rows,
};

static bool row_exists(const char *name)
{
	const struct bench_row *row;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (row = tables[i]; row->name; row++)
			if (!strcmp(row->name, name) || (row->what && !strcmp(row->what, name)))
				return true;

	return false;
}

TEST(bench)
{
	const struct bench_row *row;
	unsigned int i;
	int arg;

	bench_counts = getenv("BENCH_COUNTS");
	for (arg = 0; arg < test_arg_count; arg++)
		/* A guest's boot is counted by others (ci/guest/bench). */
		if (!row_exists(test_args[arg]) && strcmp(test_args[arg], "boot"))
			note("%s: there is no such row on this architecture", test_args[arg]);
	wait_for_quiet();
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (row = tables[i]; row->name; row++)
			if (wanted(row))
				bench_row(row);
	report(true, "all rows ran");
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floors: what guest work, system calls and faults cost without a hypervisor.  Each is
 * measured when the first row asks for it, and is the best of some runs.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include "bench.h"

#define BEST_OF	3

static u64 best_host(u64 (*once)(u32 loops), u32 loops)
{
	u64 best = ~0ULL;
	int i;

	for (i = 0; i < BEST_OF; i++) {
		u64 each = bench_each(once(loops), loops);

		best = each < best ? each : best;
	}

	return best;
}

static u64 best_guest(void (*guest)(u64))
{
	const struct bench_row row = { .name = "floor", .guest = guest };
	u64 best = ~0ULL, exits;
	int i;

	for (i = 0; i < BEST_OF; i++) {
		u64 each = bench_each(bench_once(&row, BENCH_LOOPS, &exits), BENCH_LOOPS);

		best = each < best ? each : best;
	}

	return best;
}

/* A floor is asked for by many rows. */
#define FLOOR(name, expression)						\
	u64 floor_##name(void)						\
	{								\
		static u64 known;					\
		static bool is_known;					\
									\
		if (!is_known)						\
			known = (expression);				\
		is_known = true;					\
									\
		return known;						\
	}

/* --- of the guest ------------------------------------------------------------- */

BENCH(loop, , asm volatile("" : : : "memory"))
BENCH_IRQ(handler, bench_soft_setup(), bench_soft_irq())

FLOOR(none, 0)
FLOOR(loop, best_guest(bench_loop))
FLOOR(handler, best_guest(bench_handler))

/* --- system calls --------------------------------------------------------------- */

static int null_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		bail("cannot open /dev/null");

	return fd;
}

#define TIMED(loops, statement)						\
	({								\
		u32 i_;							\
		u64 start_ = bench_host_clock();			\
									\
		for (i_ = 0; i_ < (loops); i_++)			\
			statement;					\
		bench_host_clock() - start_;				\
	})

static u64 time_ioctl(u32 loops)
{
	int fd = null_fd();

	return TIMED(loops, ioctl(fd, KVM_RUN, 0));
}

static const u64 one = 1;

static u64 time_write(u32 loops, int fd)
{
	return TIMED(loops, if (write(fd, &one, 8) != 8) bail("a write failed"));
}

static u64 time_write_null(u32 loops)
{
	return time_write(loops, null_fd());
}

static u64 time_write_event(u32 loops)
{
	int fd = eventfd_create();
	u64 ticks = time_write(loops, fd);

	close(fd);

	return ticks;
}

static u64 time_yield(u32 loops)
{
	return TIMED(loops, sched_yield());
}

static u64 signal_alone(void)
{
	u64 event = best_host(time_write_event, BENCH_LOOPS);
	u64 null = best_host(time_write_null, BENCH_LOOPS);

	return event > null ? event - null : 0;
}

static u64 time_copy(u32 loops)
{
	static char buffer[32 * KIB];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	u64 ticks = TIMED(loops, if (read(fd, buffer, sizeof(buffer)) < 0) bail("a read failed"));

	close(fd);

	return ticks;
}

FLOOR(syscall, best_host(time_ioctl, BENCH_LOOPS))
FLOOR(user, floor_loop() + floor_syscall())
FLOOR(user_signal, floor_syscall() + floor_handler() + best_host(time_write_event, BENCH_LOOPS) +
      best_host(time_yield, BENCH_LOOPS))
FLOOR(signal, floor_loop() + signal_alone())
FLOOR(copy, best_host(time_copy, 16))

/* The way of the rows about VMs: all are made, all are closed, then there is some time. */
static u64 open_close(u32 loops, bool closing)
{
	int fds[BENCH_VM_MAX];
	u64 ticks = 0;
	u32 i;

	if (!closing)
		bench_busy_begin();
	for (i = 0; i < loops; i++)
		fds[i] = eventfd_create();
	if (!closing)
		ticks = bench_busy_end();
	else
		bench_busy_begin();
	for (i = 0; i < loops; i++)
		close(fds[i]);
	if (closing) {
		sleep_ms(20);
		ticks = bench_busy_end();
	}

	return ticks;
}

static u64 time_open(u32 loops)
{
	return open_close(loops, false);
}

static u64 time_close(u32 loops)
{
	return open_close(loops, true);
}

FLOOR(open, best_host(time_open, BENCH_VM_MAX))
FLOOR(close, best_host(time_close, BENCH_VM_MAX))

/* --- faults of the host's process ------------------------------------------------- */

#define HUGE	(2 * MIB)

void *bench_memory(u64 size, bool huge, bool touched)
{
	u64 reserved = size + HUGE, start, base;

	base = (u64)mmap(NULL, reserved, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == (u64)MAP_FAILED)
		bail("no memory of %llu KiB", (unsigned long long)(size / KIB));
	start = (base + HUGE - 1) & ~(HUGE - 1);
	if (start > base)
		munmap((void *)base, start - base);
	if (base + reserved > start + size)
		munmap((void *)(start + size), base + reserved - start - size);
	madvise((void *)start, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	for (base = start; touched && base < start + size; base += PAGE)
		*(volatile char *)base = 1;

	return (void *)start;
}

u64 bench_huge_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "AnonHugePages: %llu", &kib) == 1)
			break;
	if (file)
		fclose(file);

	return kib * KIB;
}

static u64 time_touch(u32 loops, u64 step, bool huge)
{
	char *memory = bench_memory((loops + 1) * step, huge, false);
	volatile char *at = memory;
	u64 ticks;

	/* As the guest does it: the first is not timed. */
	*at = 1;
	ticks = TIMED(loops, (at += step, *at = 1));
	munmap(memory, (loops + 1) * step);

	return ticks;
}

static u64 time_page(u32 loops)
{
	return time_touch(loops, PAGE, false);
}

static u64 time_huge(u32 loops)
{
	return time_touch(loops, HUGE, true);
}

FLOOR(page, best_host(time_page, BENCH_LOOPS))
FLOOR(huge, best_host(time_huge, 16))

/* --- threads --------------------------------------------------------------------- */

static int ping[2];

static void *answer(void *data)
{
	u64 value, i, loops = (u64)data;

	for (i = 0; i < loops; i++)
		if (read(ping[0], &value, 8) != 8 || write(ping[1], &one, 8) != 8)
			bail("a thread heard nothing");

	return NULL;
}

/* Without the system calls of one of them: a vCPU's thread is in the kernel already. */
static u64 time_ping(u32 loops)
{
	u64 ticks, value, calls = time_write_null(loops);
	pthread_t thread;

	ping[0] = eventfd(0, EFD_CLOEXEC);
	ping[1] = eventfd(0, EFD_CLOEXEC);
	if (pthread_create(&thread, NULL, answer, (void *)(u64)loops))
		bail("cannot start a thread");
	ticks = TIMED(loops, if (write(ping[0], &one, 8) != 8 || read(ping[1], &value, 8) != 8)
			     bail("nobody answered"));
	pthread_join(thread, NULL);
	close(ping[0]);
	close(ping[1]);

	return ticks > 2 * calls ? ticks - 2 * calls : 0;
}

FLOOR(wake, best_host(time_ping, BENCH_LOOPS) + floor_handler())

/* --- a thread that sleeps on another CPU ------------------------------------------- */

static volatile u64 woken;

/* A call, so that each round is as long, whatever the limit. */
static __attribute__((noinline)) u64 wait_woken(u64 wanted, u64 limit)
{
	u64 rounds = 0;

	while (woken < wanted && rounds < limit) {
		guest_pause();
		rounds++;
	}

	return rounds;
}

static void *be_woken(void *data)
{
	u64 value, i, loops = (u64)data;

	stay_on(1);
	for (i = 1; i <= loops; i++) {
		if (read(ping[0], &value, 8) != 8)
			bail("a thread heard nothing");
		woken = i;
	}

	return NULL;
}

/* Without the system calls themselves: a hypervisor is in the kernel already. */
static u64 time_remote(u32 loops)
{
	u64 ticks, rounds = 0, each, calls = time_write_null(loops), i;
	pthread_t thread;

	woken = 0;
	stay_on(0);
	each = TIMED(1, wait_woken(1, 4096));
	ping[0] = eventfd(0, EFD_CLOEXEC);
	if (pthread_create(&thread, NULL, be_woken, (void *)(u64)loops))
		bail("cannot start a thread");
	ticks = bench_host_clock();
	for (i = 1; i <= loops; i++) {
		if (write(ping[0], &one, 8) != 8)
			bail("a write failed");
		rounds += wait_woken(i, ~0ULL);
	}
	ticks = bench_host_clock() - ticks;
	if (bench_counts)
		ticks -= rounds * each / 4096;
	pthread_join(thread, NULL);
	close(ping[0]);

	return ticks > 2 * calls ? ticks - 2 * calls : 0;
}

FLOOR(wake_remote, best_host(time_remote, 200) + floor_handler())

/*
 * What a thread that sleeps until a time has of it when it goes on; without the way back
 * to user space, which is half a system call, and a look at the clock there.
 */
static u64 time_oversleep(u32 loops)
{
	u64 late = 0, when, start, start_ns, back;
	u32 i;

	back = TIMED(loops, syscall(SYS_getppid)) / 2 + TIMED(loops, bench_sink += now_ns()) / 2;
	prctl(PR_SET_TIMERSLACK, 1);
	start = bench_host_clock();
	start_ns = now_ns();
	for (i = 0; i < loops; i++) {
		struct timespec time;

		when = now_ns() + 2000000;
		time.tv_sec = when / 1000000000;
		time.tv_nsec = when % 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
		late += now_ns() - when;
	}

	/* In the units of the rest. */
	late = late * (bench_host_clock() - start) / (now_ns() - start_ns);

	return late > back ? late - back : 0;
}

FLOOR(sleep, best_host(time_oversleep, 200) + floor_handler())

/* So long that a timer is over in between. */
#define SPIN	20000

static u64 spin(void)
{
	u64 start = bench_host_clock();
	u32 i;

	for (i = 0; i < SPIN; i++)
		asm volatile("" : : : "memory");

	return bench_host_clock() - start;
}

/* How much longer does a thread take for the same when a timer interrupts it? */
static u64 time_interrupted(u32 loops)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	u64 alone = ~0ULL, interrupted = ~0ULL, each, start, length;
	struct itimerspec when = { };
	u32 i;

	if (timer < 0)
		bail("cannot make a timer: %s", strerror(errno));
	start = now_ns();
	spin();
	length = now_ns() - start;
	for (i = 0; i < loops; i++) {
		each = spin();
		alone = each < alone ? each : alone;
		when.it_value.tv_nsec = length / 2;
		timerfd_settime(timer, 0, &when, NULL);
		each = spin();
		interrupted = each < interrupted ? each : interrupted;
	}
	close(timer);

	return (interrupted - alone) * loops;
}

FLOOR(interrupted, best_host(time_interrupted, 200) + floor_handler())

/* --- time that is not idle --------------------------------------------------------- */

static pthread_t soaker;
static volatile bool soaking;
static u64 busy_start, soaked_start;

static void *soak(void *data)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_IDLE, &param);
	while (soaking)
		;

	return NULL;
}

static u64 soaked(void)
{
	struct timespec time;
	clockid_t clock;

	pthread_getcpuclockid(soaker, &clock);
	clock_gettime(clock, &time);

	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* One CPU only: a clock of several that count together cannot be taken apart. */
static bool can_soak(void)
{
	return bench_counts && sysconf(_SC_NPROCESSORS_ONLN) == 1;
}

void bench_busy_begin(void)
{
	if (can_soak()) {
		soaking = true;
		if (pthread_create(&soaker, NULL, soak, NULL))
			bail("cannot start a thread");
		/* Let it become what it is to be. */
		sleep_ms(10);
		soaked_start = soaked();
	}
	busy_start = bench_host_clock();
}

u64 bench_busy_end(void)
{
	u64 ticks = bench_host_clock() - busy_start;

	if (can_soak()) {
		u64 idle = soaked() - soaked_start;

		ticks -= idle < ticks ? idle : ticks;
		soaking = false;
		pthread_join(soaker, NULL);
	}

	return ticks;
}

void bench_no_halt_poll(bool on)
{
	static const char *const names[] = {
		"/sys/module/keel/parameters/halt_poll_ns",
		"/sys/module/kvm/parameters/halt_poll_ns",
	};
	static char before[ARRAY_SIZE(names)][24];
	unsigned int i;
	ssize_t size;
	int fd;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		fd = open(names[i], O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (on) {
			size = read(fd, before[i], sizeof(before[i]) - 1);
			before[i][size > 0 ? size : 0] = 0;
		}
		if (pwrite(fd, on ? "0" : before[i], on ? 1 : strlen(before[i]), 0) < 0)
			note("cannot write to %s", names[i]);
		close(fd);
	}
}

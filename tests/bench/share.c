// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor's part of what a guest did, from the kernel's trace of it (ci/guest/bench).
 *
 * What counts is the time of the vCPU's thread in KVM_RUN and outside its guest, without
 * the host's interrupts and without what others ran on its CPU meanwhile.  The floor is the
 * part of it in which the host made pages present.
 *
 * The tracer is in what it shows, and each hypervisor has its tracepoints of entry and exit
 * at some way from the switch.  So a share is put right by what each exit costs more without
 * the tracer, and what an ioctl() that does nothing costs with it, as rows of the benchmark
 * have them.  What the tracer costs beside faults, interrupts and switches of tasks stays in
 * it, on both.
 */
#include "bench.h"

enum place { IN_USER, IN_KERNEL, IN_GUEST };

struct share {
	long		thread;		/* of the vCPU; 0: not seen yet */
	enum place	place;
	bool		away;		/* another task has its CPU */
	bool		faulting;
	bool		entered;	/* the guest, in this KVM_RUN */
	int		interrupts;	/* of the host, one in the other */
	u64		since;		/* the event before, in microseconds */
	u64		kernel, faults;	/* microseconds, those of faults are in both */
	u64		empty;		/* of kernel: in calls that did nothing */
	u64		run_began;	/* kernel, then */
	u64		exits, runs, pages, empty_runs;
	u64		odd;		/* events that cannot follow those before */
};

/*
 * One event: "  COMM-PID  [CPU] FLAGS SECONDS.MICROSECONDS: NAME: REST".  A name may have
 * blanks, so it is read from the bracket.
 */
struct event {
	long		thread;
	u64		time;
	char		name[32];
	const char	*rest;
};

static bool parse(const char *line, struct event *event)
{
	const char *cpu = strstr(line, " ["), *pid = cpu;
	unsigned long long seconds, fraction;
	int length = 0;

	if (line[0] == '#' || !cpu)
		return false;
	while (pid > line && pid[-1] == ' ')
		pid--;
	while (pid > line && pid[-1] != '-')
		pid--;
	event->thread = strtol(pid, NULL, 10);
	if (sscanf(cpu, " [%*d] %*s %llu.%llu: %31[^:( ]%n", &seconds, &fraction, event->name,
		   &length) != 3)
		bail("a line that is no event: %s", line);
	event->time = seconds * 1000000 + fraction;
	event->rest = cpu + length;

	return true;
}

static void account(struct share *share, u64 now)
{
	u64 passed = now - share->since;

	share->since = now;
	if (share->away || share->interrupts || share->place != IN_KERNEL)
		return;
	share->kernel += passed;
	if (share->faulting)
		share->faults += passed;
}

static void switched(struct share *share, const struct event *event)
{
	const char *next = strstr(event->rest, "next_pid=");

	if (!next)
		bail("a switch of tasks to none: %s", event->rest);
	if (event->thread == share->thread)
		share->away = true;
	else if (strtol(next + 9, NULL, 10) == share->thread)
		share->away = false;
}

/* The begin of a call has "(ARGUMENTS" behind its name, the end " -> RESULT". */
static bool is_run(const struct event *event)
{
	return !strcmp(event->name, "sys_ioctl") && strstr(event->rest, "cmd: ae80");
}

static void run_begins(struct share *share)
{
	share->place = IN_KERNEL;
	share->entered = false;
	share->run_began = share->kernel;
}

/* Other calls of this thread end where none has begun. */
static void call_ends(struct share *share)
{
	if (share->place == IN_USER)
		return;
	share->place = IN_USER;
	share->runs++;
	if (!share->entered) {
		share->empty_runs++;
		share->empty += share->kernel - share->run_began;
	}
}

static void entry(struct share *share)
{
	share->odd += share->place != IN_KERNEL;
	share->place = IN_GUEST;
	share->entered = true;
}

static void leaves(struct share *share)
{
	share->odd += share->place != IN_GUEST;
	share->place = IN_KERNEL;
	share->exits++;
}

static void fault_begins(struct share *share)
{
	share->odd += share->faulting;
	share->faulting = true;
	share->pages += share->place == IN_KERNEL;
}

static void fault_ends(struct share *share)
{
	share->odd += !share->faulting;
	share->faulting = false;
}

static void interrupt_begins(struct share *share)
{
	share->interrupts++;
}

static void interrupt_ends(struct share *share)
{
	if (share->interrupts)
		share->interrupts--;
	else
		share->odd++;
}

static const struct {
	const char	*name;
	void		(*take)(struct share *share);
} moves[] = {
	{ "kvm_entry", entry }, { "kvm_exit", leaves },
	{ "keel_entry", entry }, { "keel_exit", leaves },
	{ "host_fault", fault_begins }, { "host_fault_end", fault_ends },
	{ "irq_handler_entry", interrupt_begins }, { "irq_handler_exit", interrupt_ends },
	{ "softirq_entry", interrupt_begins }, { "softirq_exit", interrupt_ends },
	{ "local_timer_entry", interrupt_begins }, { "local_timer_exit", interrupt_ends },
};

/* What the vCPU's thread does from now on. */
static void moved(struct share *share, const struct event *event)
{
	unsigned int i;

	if (is_run(event))
		run_begins(share);
	else if (!strcmp(event->name, "sys_ioctl") && event->rest[0] != '(')
		call_ends(share);
	for (i = 0; i < ARRAY_SIZE(moves); i++)
		if (!strcmp(event->name, moves[i].name))
			moves[i].take(share);
}

static void take(struct share *share, const struct event *event)
{
	if (!share->thread && is_run(event)) {
		share->thread = event->thread;
		share->since = event->time;
	}
	if (!share->thread)
		return;
	account(share, event->time);
	if (!strcmp(event->name, "sched_switch"))
		switched(share, event);
	else if (event->thread == share->thread)
		moved(share, event);
}

static void read_trace(struct share *share, const char *path)
{
	struct event event;
	char line[512];
	FILE *trace = fopen(path, "re");

	if (!trace)
		bail("cannot read %s", path);
	while (fgets(line, sizeof(line), trace))
		if (parse(line, &event))
			take(share, &event);
	fclose(trace);
	if (share->exits < 1000)
		bail("only %llu exits in the trace", (unsigned long long)share->exits);
	if (share->odd > share->exits / 100)
		bail("%llu events of the trace do not follow those before",
		     (unsigned long long)share->odd);
	report(true, "a guest ran in the trace");
}

/* bench share_exit TRACE: nanoseconds for an exit as the trace has them, without faults. */
TEST(share_exit)
{
	struct share share = {};

	if (test_arg_count != 1)
		bail("it wants a trace");
	read_trace(&share, test_args[0]);
	printf("EACH %llu\n", (unsigned long long)((share.kernel - share.faults) * 1000 / share.exits));
}

/* bench share_call TRACE: the same for a call of KVM_RUN that did nothing. */
TEST(share_call)
{
	struct share share = {};

	if (test_arg_count != 1)
		bail("it wants a trace");
	read_trace(&share, test_args[0]);
	if (share.empty_runs < 1000)
		bail("only %llu calls that did nothing", (unsigned long long)share.empty_runs);
	printf("EACH %llu\n", (unsigned long long)(share.empty * 1000 / share.empty_runs));
}

static long long number_of(const char *word)
{
	long long number;
	char *end;

	number = strtoll(word, &end, 10);
	if (end == word || *end)
		bail("'%s' is no number", word);

	return number;
}

/* bench share NAME TRACE EXIT RUN: a row, with so many nanoseconds more for each of them. */
TEST(share)
{
	struct share share = {};
	long long right, kernel;

	if (test_arg_count != 4)
		bail("it wants a row's name, a trace, and what puts it right");
	read_trace(&share, test_args[1]);
	kernel = share.kernel * 1000;
	right = number_of(test_args[2]) * (long long)share.exits +
		number_of(test_args[3]) * (long long)share.runs;
	note("%s: %llu exits, %llu of them to user space, %llu faults of the host; %lld before "
	     "it was put right by %s for an exit, %s for a call", test_args[0],
	     (unsigned long long)share.exits, (unsigned long long)share.runs,
	     (unsigned long long)share.pages, kernel, test_args[2], test_args[3]);
	kernel += right;
	if (kernel <= (long long)share.faults * 1000)
		bail("nothing is left of it");
	printf("ROW %s %lld %lld %llu000 - host %s\n", test_args[0], kernel, kernel,
	       (unsigned long long)share.faults, test_args[0]);
}

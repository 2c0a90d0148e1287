// SPDX-License-Identifier: GPL-2.0-only
/*
 * What somebody sees who looks on from outside: the tracepoints, and the halt
 * polling by its counters.  Both are the module's own, not of the ABI.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/* --- files ------------------------------------------------------------------------ */

static bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t done = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);

	return done == (ssize_t)strlen(text);
}

/* The whole file, to be freed; NULL if it cannot be read. */
static char *get_text(const char *path)
{
	size_t size = 0, room = 1 << 20;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = malloc(room);
	ssize_t done;

	if (fd < 0)
		return NULL;
	while ((done = read(fd, text + size, room - size - 1)) > 0) {
		size += done;
		if (size + 1 == room)
			text = realloc(text, room *= 2);
	}
	text[size] = 0;
	close(fd);

	return text;
}

/* --- tracepoints --------------------------------------------------------------------- */

#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/keel-api"
#define EVENTS		INSTANCE "/events/keel"
#define TRACE_PAGES	5U
#define TRACE_IRQS	3U
/* What keel_fault shows as its result. */
#define TRACE_SERVED	1
#define TRACE_NO_MEMORY	16

/* Memory that was not there, memory that is none, to read and to write, and interrupts. */
static void guest_cause_events(u64 argument)
{
	u64 i;

	guest_irq_setup();
	for (;;) {
		for (i = 0; i < TRACE_PAGES; i++)
			guest_write64(GPA_TEST + i * PAGE, i);
		guest_read32(GPA_MMIO + 16);
		guest_write32(GPA_MMIO + 8, 1);
		guest_irq_open();
		guest_say(guest_irq_count);
	}
}

/* What the lines of a trace came to. */
struct trace {
	u64	entries, exits, irqs, unknown;
	u64	faults;				/* where memory is */
	u64	mmio;				/* of the test's, where none is */
	u64	pages[TRACE_PAGES];		/* served faults of each page */
	u64	delivered;			/* interrupts that arrived */
	u64	first_exit, other_exits;	/* a code, and how many differ */
};

/* True if all of @text after @end characters is white space. */
static bool ends_at(const char *text, int end)
{
	return end > 0 && strspn(text + end, " \n") == strlen(text + end);
}

static void parse_exit(struct trace *trace, const char *text)
{
	unsigned long long code, info[2];
	int id, end = 0;

	if (sscanf(text, "vcpu %d code 0x%llx info 0x%llx 0x%llx%n", &id, &code, &info[0],
		   &info[1], &end) < 4 || !ends_at(text, end) || id != 0) {
		trace->unknown++;
		return;
	}
	if (!trace->exits++)
		trace->first_exit = code;
	trace->other_exits += code != trace->first_exit;
}

static void parse_entry(struct trace *trace, const char *text)
{
	unsigned long long requests;
	int id, end = 0;

	if (sscanf(text, "vcpu %d requests 0x%llx%n", &id, &requests, &end) < 2 ||
	    !ends_at(text, end) || id != 0)
		trace->unknown++;
	else
		trace->entries++;
}

static void parse_fault(struct trace *trace, const char *text)
{
	unsigned long long gpa;
	char access[4];
	int id, result, end = 0;

	if (sscanf(text, "vcpu %d gpa 0x%llx %3[rwx-] result %d%n", &id, &gpa, access, &result,
		   &end) < 4 || !ends_at(text, end) || id != 0 || strlen(access) != 3) {
		trace->unknown++;
		return;
	}
	/* MMIO of some kind: the test's, or a controller's. */
	if (gpa >= GPA_MMIO || result == TRACE_NO_MEMORY) {
		trace->mmio += result == TRACE_NO_MEMORY && (ARCH_FAULT_OF_PAGE ?
			       gpa == GPA_MMIO : gpa == GPA_MMIO + 8 && access[1] == 'w');
		return;
	}
	trace->faults++;
	if (gpa >= GPA_TEST && gpa < GPA_TEST + TRACE_PAGES * PAGE)
		trace->pages[(gpa - GPA_TEST) / PAGE] += result == TRACE_SERVED &&
							 access[1] == 'w';
}

static void parse_irq(struct trace *trace, const char *text)
{
	unsigned int gsi;
	int source, level, result, end = 0;

	if (sscanf(text, "gsi %u source %d level %d result %d%n", &gsi, &source, &level,
		   &result, &end) < 4 || !ends_at(text, end)) {
		trace->unknown++;
		return;
	}
	trace->irqs++;
	trace->delivered += gsi == GUEST_IRQ_LINE && level == 1 &&
			    (ARCH_IRQFD_DEFERS ? result == -EWOULDBLOCK : result > 0);
}

static void parse_line(struct trace *trace, const char *line)
{
	static const struct {
		const char	*name;
		void		(*parse)(struct trace *trace, const char *text);
	} events[] = {
		{ ": keel_entry: ", parse_entry }, { ": keel_exit: ", parse_exit },
		{ ": keel_fault: ", parse_fault }, { ": keel_irq: ", parse_irq },
	};
	const char *at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		at = strstr(line, events[i].name);
		if (!at)
			continue;
		events[i].parse(trace, at + strlen(events[i].name));
		return;
	}
	trace->unknown++;
	note("not understood: %s", line);
}

static struct trace trace_read(void)
{
	struct trace trace = {};
	char *text = get_text(INSTANCE "/trace"), *rest = text, *line;

	if (!text)
		bail("the trace cannot be read");
	while ((line = strsep(&rest, "\n")))
		if (*line && *line != '#')
			parse_line(&trace, line);
	free(text);

	return trace;
}

/* A buffer of our own, with only what this process does. */
static void trace_open(void)
{
	char pid[20];

	if (access(TRACING "/events/keel", F_OK))
		skip(in_tree() ? "these tracepoints are Keel's" :
		     "this kernel has no tracepoints of modules");
	rmdir(INSTANCE);
	if (mkdir(INSTANCE, 0700))
		skip("no instance of the tracer: %s", strerror(errno));
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (!put_text(INSTANCE "/set_event_pid", pid))
		bail("the trace cannot be told whom to look at");
}

/* Some rounds of the guest, each with an interrupt; how many it has taken in all. */
static u64 turn_with_irqs(int fd, u8 *memory)
{
	u64 i, one = 1, said = 0;

	madvise(memory, TRACE_PAGES * PAGE, MADV_DONTNEED);
	for (i = 0; i < TRACE_IRQS; i++) {
		if (!vcpu_run_absent(vcpu, "the guest gets to where no memory is") ||
		    !vcpu_run_absent(vcpu, "and goes on to write there"))
			break;
		if (write(fd, &one, 8) != 8)
			break;
		if (ARCH_IRQFD_DEFERS)
			arch_irqfd_wait(vm);
		said = vcpu_run_said(vcpu);
	}

	return said;
}

static void test_trace(const struct trace *trace, u64 exits, u64 faults)
{
	u64 i, all = 1;

	report(!trace->unknown, "every line is understood");
	report(trace->exits == exits && trace->entries == exits,
	       "an entry and an exit each time (%llu, %llu of %llu)",
	       (unsigned long long)trace->entries, (unsigned long long)trace->exits,
	       (unsigned long long)exits);
	report(trace->other_exits > 0, "not all exits are of one kind");
	for (i = 0; i < TRACE_PAGES; i++)
		all &= trace->pages[i] > 0;
	report(all, "a fault of every page that was not there, by its address");
	/* Where a fault does not say what for, reads are counted too. */
	report(trace->mmio == TRACE_IRQS * (ARCH_FAULT_OF_PAGE ? 2 : 1), "a fault without memory for each MMIO (%llu)",
	       (unsigned long long)trace->mmio);
	report(trace->faults == faults, "no fault more than the statistics have");
	report(trace->irqs == TRACE_IRQS && trace->delivered == TRACE_IRQS,
	       "%u interrupts, with their line", TRACE_IRQS);
}

TEST(tracepoints)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = GUEST_IRQ_LINE };
	u64 exits, faults, irqs;
	struct trace trace;
	u8 *memory;

	trace_open();
	vm = vm_create(VM_IRQCHIP);
	memory = vm_add_memory(vm, VM_SLOT_TEST, GPA_TEST, TRACE_PAGES * PAGE, 0);
	vcpu = vcpu_create(vm, guest_cause_events, 0);
	xioctl(vm->fd, KVM_IRQFD, &irqfd);
	turn_with_irqs(fd, memory);
	trace = trace_read();
	report(!trace.entries && !trace.exits && !trace.faults && !trace.irqs,
	       "tracepoints that are off say nothing");

	exits = vcpu_stat(vcpu, "exits");
	faults = vcpu_stat(vcpu, "faults");
	report(put_text(EVENTS "/enable", "1"), "on");
	irqs = turn_with_irqs(fd, memory);
	report(put_text(EVENTS "/enable", "0"), "off");
	exits = vcpu_stat(vcpu, "exits") - exits;
	faults = vcpu_stat(vcpu, "faults") - faults;
	report(irqs == 2 * TRACE_IRQS, "the guest does what it did before");
	trace = trace_read();
	test_trace(&trace, exits, faults);

	put_text(INSTANCE "/trace", "");
	turn_with_irqs(fd, memory);
	trace = trace_read();
	report(!trace.entries && !trace.exits && !trace.faults && !trace.irqs,
	       "off again, they say nothing");
	vm_destroy(vm);
	report(!rmdir(INSTANCE), "nobody holds the trace");
}

/* --- halt polling --------------------------------------------------------------------- */

#define HALT_POLL_PARAMETER	"/sys/module/keel/parameters/halt_poll_ns"

static void guest_halts(u64 argument)
{
	guest_irq_setup();
	guest_say(0);
	for (;;)
		guest_irq_wait();
}

/* Wake the guest and wait until it took the interrupt; false after two seconds. */
static bool wake_guest(int fd)
{
	volatile u64 *count = &guest_var(vm, guest_irq_count);
	u64 before = *count, one = 1, end = now_ns() + 2000000000ULL;

	if (write(fd, &one, 8) != 8)
		return false;
	while (*count == before)
		if (now_ns() > end)
			return false;

	return true;
}

/*
 * Wake it until the statistic has grown by @more, or for ten seconds; how much it
 * grew.  Reading statistics takes time in which the guest is halted, so it is
 * woken many times in between.
 */
static u64 wake_until(int fd, const char *name, u64 more)
{
	u64 before = vcpu_stat(vcpu, name), now = before, end = now_ns() + 10000000000ULL;
	bool lost = false;
	int i;

	while (now < before + more && now_ns() < end && !lost) {
		for (i = 0; i < 50 && !lost; i++)
			lost = !wake_guest(fd);
		now = vcpu_stat(vcpu, name);
	}
	report(!lost, "every interrupt wakes it");

	return now - before;
}

static void test_no_polling(int fd)
{
	u64 hits, polled, halts;

	report(put_text(HALT_POLL_PARAMETER, "0"), "no window");
	/* Those that began under the old one. */
	wake_until(fd, "halts", 2);
	hits = vcpu_stat(vcpu, "halt_poll_hits");
	polled = vcpu_stat(vcpu, "halt_poll_ns");
	/* An interrupt that comes before the guest has halted again ends no halt. */
	halts = wake_until(fd, "halts", 100);
	report(halts >= 100, "it goes on halting (%llu times)", (unsigned long long)halts);
	report(vcpu_stat(vcpu, "halt_poll_hits") == hits && vcpu_stat(vcpu, "halt_poll_ns") == polled,
	       "but polls no more");
	report(vcpu_stat(vcpu, "halt_wait_ns") > 0, "the time asleep is counted");
}

/* True if there was a halt that a window could have caught. */
static bool test_polling(int fd)
{
	u64 hits, polled = vcpu_stat(vcpu, "halt_poll_ns"), halts = vcpu_stat(vcpu, "halts");
	u64 asleep = vcpu_stat(vcpu, "halt_wait_ns");

	/* One that slept long has to find its window first. */
	report(put_text(HALT_POLL_PARAMETER, "1000000"), "a long window");
	hits = wake_until(fd, "halt_poll_hits", 3);
	polled = vcpu_stat(vcpu, "halt_poll_ns") - polled;
	halts = vcpu_stat(vcpu, "halts") - halts;
	asleep = vcpu_stat(vcpu, "halt_wait_ns") - asleep;
	note("%llu halts, %llu hits, %llu us polled, %llu us asleep", (unsigned long long)halts,
	     (unsigned long long)hits, (unsigned long long)polled / 1000,
	     (unsigned long long)asleep / 1000);
	if (!hits && asleep > halts * 1000000)
		return false;
	report(hits > 0, "halts are over while polling");
	report(polled > 0, "the time is counted");

	return true;
}

TEST(halt_poll)
{
	struct vcpu_thread thread = {};
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = GUEST_IRQ_LINE };
	bool several = sysconf(_SC_NPROCESSORS_ONLN) > 1, quick;
	char *old;

	if (in_tree())
		skip("the parameter and the statistics are Keel's");
	old = get_text(HALT_POLL_PARAMETER);
	if (!report(old && strtoul(old, NULL, 10) > 0, "polling is on by default"))
		return;
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_halts, 0);
	xioctl(vm->fd, KVM_IRQFD, &irqfd);
	vcpu_run_said(vcpu);
	vcpu_thread_start(&thread, vcpu);
	test_no_polling(fd);
	/* Who would wake a guest has to run while its vCPU polls. */
	quick = several && test_polling(fd);
	test_no_polling(fd);
	vcpu_thread_stop(&thread);

	report(!put_text(HALT_POLL_PARAMETER, "-1") && !put_text(HALT_POLL_PARAMETER, "many"),
	       "what is no number is refused");
	report(put_text(HALT_POLL_PARAMETER, old), "back to the default");
	free(old);
	vm_destroy(vm);
	if (!several)
		skip("polling takes two CPUs");
	if (!quick)
		skip("this host takes longer than the longest window to wake anybody");
}

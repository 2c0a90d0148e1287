// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters and stolen time (SBI specification, "Performance Monitoring Unit
 * Extension", "Steal-time Accounting Extension").
 */
#include <sched.h>
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/* --- sbi_pmu -------------------------------------------------------------- */

enum {
	PMU_NUM_COUNTERS, PMU_GET_INFO, PMU_CONFIG, PMU_START, PMU_STOP, PMU_FW_READ,
	PMU_FW_READ_HI, PMU_SNAPSHOT,
};

#define EVENT_CYCLES		1
#define EVENT_INSTRUCTIONS	2
#define EVENT_FW_SET_TIMER	0xf0005
#define EVENT_FW_IPI_SENT	0xf0006
#define CONFIG_CLEAR		2
#define CONFIG_AUTO_START	4
#define START_SET_VALUE		1
#define STOP_RESET		1
#define INFO_FIRMWARE		(1ULL << 63)

static u64 counters, counter_mask;

/* Numbers may have holes: time is none of the counters, but has one. */
static void find_counters(void)
{
	u64 i;

	counters = sbi_call0(SBI_PMU, PMU_NUM_COUNTERS).value;
	for (i = 0; i < counters && i < 64; i++)
		if (!sbi_call1(SBI_PMU, PMU_GET_INFO, i).error)
			counter_mask |= BIT(i);
}

static long config(u64 event, u64 flags)
{
	struct sbi_result result = sbi_call5(SBI_PMU, PMU_CONFIG, 0, counter_mask, flags, event, 0);

	return result.error ? result.error : result.value;
}

static long fw_read(u64 counter)
{
	struct sbi_result result = sbi_call1(SBI_PMU, PMU_FW_READ, counter);

	return result.error ? result.error : result.value;
}

/* Firmware events count what the guest asks of its firmware. */
static void guest_fw_events(u64 argument)
{
	long timer, ipi, first;
	u64 i;

	find_counters();
	timer = config(EVENT_FW_SET_TIMER, CONFIG_CLEAR | CONFIG_AUTO_START);
	if (timer < 0)
		GUEST_ASSERT_EQ(timer, 0);
	guest_say(!!(sbi_call1(SBI_PMU, PMU_GET_INFO, timer).value & INFO_FIRMWARE));
	guest_say(fw_read(timer));
	for (i = 0; i < 7; i++)
		sbi_set_timer(~0ULL);
	guest_say(fw_read(timer));
	ipi = config(EVENT_FW_IPI_SENT, CONFIG_CLEAR);
	guest_say(ipi >= 0 && ipi != timer);
	sbi_send_ipi(1, 0);
	guest_say(fw_read(ipi));
	guest_say(sbi_call3(SBI_PMU, PMU_START, ipi, 1, 0).error);
	sbi_send_ipi(1, 0);
	sbi_send_ipi(1, 0);
	guest_say(fw_read(ipi));
	guest_say(fw_read(timer));
	guest_say(sbi_call3(SBI_PMU, PMU_START, ipi, 1, 0).error);
	guest_say(sbi_call3(SBI_PMU, PMU_STOP, timer, 1, 0).error);
	first = fw_read(timer);
	sbi_set_timer(~0ULL);
	guest_say(fw_read(timer) - first);
	guest_say(sbi_call3(SBI_PMU, PMU_STOP, timer, 1, 0).error);
	/* With a value to begin with. */
	guest_say(sbi_call4(SBI_PMU, PMU_START, timer, 1, START_SET_VALUE, 1000).error);
	sbi_set_timer(~0ULL);
	guest_say(fw_read(timer));
	guest_say(sbi_call3(SBI_PMU, PMU_STOP, timer, 1, STOP_RESET).error);
	guest_done();
}

static void guest_bad_calls(u64 argument)
{
	find_counters();
	guest_say(sbi_call1(SBI_PMU, PMU_GET_INFO, counters).error);
	guest_say(sbi_call1(SBI_PMU, PMU_GET_INFO, ~0ULL).error);
	guest_say(sbi_call1(SBI_PMU, PMU_FW_READ, 64).error);
	guest_say(sbi_call3(SBI_PMU, PMU_START, 200, 1, 0).error);
	guest_say(sbi_call3(SBI_PMU, PMU_STOP, 200, 1, 0).error);
	guest_say(sbi_call5(SBI_PMU, PMU_CONFIG, 200, 1, 0, EVENT_CYCLES, 0).error);
	guest_say(config(0xfffff, 0) < 0);
	guest_say(config(0xf7777, 0) < 0);
	guest_say(sbi_call1(SBI_PMU, 99, 0).error);
	/* The kernel's own does not come back from the next one. */
	if (argument)
		guest_done();
	guest_say(sbi_call3(SBI_PMU, PMU_SNAPSHOT, 0x1001, 0, 0).error);
	guest_say(sbi_call3(SBI_PMU, PMU_SNAPSHOT, ~0ULL, ~0ULL, 0).error);
	guest_done();
}

static u64 read_counter(u64 csr)
{
	switch (csr) {
	case 0xc00:
		return csr_read(cycle);
	case 0xc02:
		return csr_read(instret);
	case 0xc03:
		return csr_read(0xc03);
	case 0xc04:
		return csr_read(0xc04);
	case 0xc05:
		return csr_read(0xc05);
	default:
		return 0;
	}
}

static void guest_hardware(u64 event)
{
	struct sbi_result info;
	u64 first, second, csr;
	volatile u64 i;
	long counter;

	find_counters();
	counter = config(event, CONFIG_CLEAR);
	guest_say(counter);
	if (counter < 0)
		guest_done();
	guest_say(sbi_call4(SBI_PMU, PMU_START, counter, 1, START_SET_VALUE, 0).error);
	info = sbi_call1(SBI_PMU, PMU_GET_INFO, counter);
	csr = info.value & 0xfff;
	guest_say(csr);
	first = read_counter(csr);
	for (i = 0; i < 10000; i++)
		;
	second = read_counter(csr);
	guest_say(second - first);
	guest_say(sbi_call3(SBI_PMU, PMU_STOP, counter, 1, 0).error);
	first = read_counter(csr);
	for (i = 0; i < 1000; i++)
		;
	guest_say(read_counter(csr) - first);
	guest_done();
}

/* A counter that nobody stops: how far it gets each time. */
static void guest_counting(u64 event)
{
	u64 first, csr;
	volatile u64 i;
	long counter;

	find_counters();
	counter = config(event, CONFIG_CLEAR | CONFIG_AUTO_START);
	guest_say(counter);
	csr = sbi_call1(SBI_PMU, PMU_GET_INFO, counter).value & 0xfff;
	for (;;) {
		first = read_counter(csr);
		for (i = 0; i < 10000; i++)
			;
		guest_say(read_counter(csr) - first);
	}
}

static void check_values(void (*guest)(u64), const char *const *names, const long *expected,
			 size_t count)
{
	size_t i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest, in_tree());
	for (i = 0; i < count; i++) {
		long value = vcpu_run_said(vcpu);

		if (!report(value == expected[i], "%s", names[i]))
			note("%ld, not %ld", value, expected[i]);
	}
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* A counter of the hardware, where the host has it to give. */
static void check_hardware(u64 event, const char *what)
{
	long counter, counted;
	u64 csr;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_hardware, event);
	counter = vcpu_run_said(vcpu);
	if (counter < 0) {
		note("no counter for %s: %ld", what, counter);
		vm_destroy(vm);
		return;
	}
	report(vcpu_run_said(vcpu) == 0, "the counter of %s starts", what);
	csr = vcpu_run_said(vcpu);
	counted = vcpu_run_said(vcpu);
	note("%s: CSR 0x%llx, %ld", what, (unsigned long long)csr, counted);
	if (csr <= 0xc05)
		report(counted > 1000, "%s are counted", what);
	counted = vcpu_run_said(vcpu);
	note("stop: %ld", counted);
	report(counted == 0, "the counter stops");
	counted = vcpu_run_said(vcpu);
	note("after it: %ld", counted);
	report(counted == 0, "and stands");
	vm_destroy(vm);
}

static void *run_a_turn(void *data)
{
	u64 *said = data;

	*said = vcpu_run_said(vcpu);

	return NULL;
}

/* Threads of user space may take turns with a vCPU. */
static void check_turns(void)
{
	pthread_t thread;
	u64 i, said, stands = 0;
	long counter;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_counting, EVENT_CYCLES);
	counter = vcpu_run_said(vcpu);
	if (counter < 0) {
		note("no counter for cycles: %ld", counter);
		vm_destroy(vm);
		return;
	}
	for (i = 0; i < 4; i++) {
		pthread_create(&thread, NULL, run_a_turn, &said);
		pthread_join(thread, NULL);
		stands += said < 1000;
		stands += vcpu_run_said(vcpu) < 1000;
	}
	report(!stands || in_tree(), "it counts whatever thread runs the vCPU");
	vm_destroy(vm);
}

TEST(sbi_pmu)
{
	static const char *const names[] = {
		"a counter of the firmware", "it begins at 0", "7 timers", "another counter",
		"it does not count before it starts", "it starts", "2 IPIs",
		"the other goes on as it was", "starting it twice", "stopping it",
		"it stands", "stopping it twice", "starting at a value", "it counts from there",
		"stopping it for good",
	};
	static const long expected[] = {
		1, 0, 7, 1, 0, 0, 2, 7, SBI_ALREADY_STARTED, 0, 0, SBI_ALREADY_STOPPED, 0, 1001, 0,
	};
	static const char *const bad_names[] = {
		"information on a counter too many", "on one far too many",
		"reading a counter that is none", "starting one", "stopping one", "configuring one",
		"an unknown kind of event", "an unknown event of the firmware",
		"an unknown function", "a snapshot that is not aligned", "no snapshot",
	};
	long bad_expected[] = {
		SBI_INVALID_PARAM, SBI_INVALID_PARAM, SBI_INVALID_PARAM, SBI_INVALID_PARAM,
		SBI_INVALID_PARAM, SBI_INVALID_PARAM, 1, 1, SBI_NOT_SUPPORTED, SBI_INVALID_PARAM, 0,
	};

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	if (!reg_get(vcpu, RISCV_SBI_EXT(PMU)))
		skip("no counters on this host");
	vm_destroy(vm);
	check_values(guest_fw_events, names, expected, ARRAY_SIZE(expected));
	/* It has more counters than it says. */
	if (in_tree())
		bad_expected[0] = 0;
	check_values(guest_bad_calls, bad_names, bad_expected,
		     ARRAY_SIZE(bad_expected) - 2 * in_tree());
	check_hardware(EVENT_CYCLES, "cycles");
	check_hardware(EVENT_INSTRUCTIONS, "instructions");
	check_turns();
}

/* --- sbi_sta -------------------------------------------------------------- */

/* As the specification has it. */
struct steal {
	u32	sequence, flags;
	u64	steal;
	u8	preempted;
	u8	pad[47];
};

static struct steal record __attribute__((aligned(64)));
static volatile u64 spin, wrong_self;

static long set_record(u64 low, u64 high, u64 flags)
{
	return sbi_call3(SBI_STA, 0, low, high, flags).error;
}

static void guest_steal_calls(u64 argument)
{
	u64 here = (u64)&record;

	guest_say(set_record(here + 8, 0, 0));
	guest_say(set_record(here, 0, 1));
	guest_say(set_record(GPA_MMIO, 0, 0));
	guest_say(set_record(0, 1, 0));
	guest_say(sbi_call0(SBI_STA, 1).error);
	guest_say(set_record(here, 0, 0));
	guest_say(READ_ONCE(record.sequence) & 1);
	guest_say(set_record(~0ULL, ~0ULL, 0));
	guest_say(set_record(~0ULL, ~0ULL, 0));
	guest_say(set_record(here, 0, 0));
	guest_done();
}

static void guest_steal(u64 argument)
{
	u64 end;

	if (set_record((u64)&record, 0, 0))
		guest_say(~0ULL);
	for (;;) {
		end = rdtime() + 5000000;
		/* Whoever runs is not preempted. */
		while (rdtime() < end) {
			spin++;
			wrong_self += READ_ONCE(record.preempted);
		}
		guest_say(READ_ONCE(record.steal));
	}
}

static volatile bool busy;

static void *hog(void *data)
{
	while (busy)
		;

	return NULL;
}

/* How often the hart was seen to become preempted, and to run again. */
static volatile u64 times_preempted, times_back;

static void *watch(void *data)
{
	volatile u8 *preempted = &guest_var(vm, record).preempted;

	stay_on(1);
	while (busy) {
		while (busy && !*preempted)
			;
		times_preempted += *preempted != 0;
		while (busy && *preempted)
			;
		times_back += !*preempted;
	}

	return NULL;
}

/* Another task on its CPU: half of the time is stolen, and somebody sees when. */
static void check_steal(void)
{
	pthread_t thread, watcher;
	u64 first, second;

	stay_on(0);
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_steal, 0);
	first = vcpu_run_said(vcpu);
	if (first == ~0ULL)
		bail("the guest cannot set its record");
	busy = true;
	pthread_create(&thread, NULL, hog, NULL);
	pthread_create(&watcher, NULL, watch, NULL);
	vcpu_run_said(vcpu);
	vcpu_run_said(vcpu);
	second = vcpu_run_said(vcpu);
	busy = false;
	pthread_join(thread, NULL);
	pthread_join(watcher, NULL);
	note("%llu times preempted, %llu times back", (unsigned long long)times_preempted,
	     (unsigned long long)times_back);
	report((times_preempted >= 3 && times_back >= 3) || in_tree(),
	       "others see when it is preempted and when not");
	report(!guest_var(vm, wrong_self), "a hart that runs is never preempted to itself");
	note("%llu ns, then %llu", (unsigned long long)first, (unsigned long long)second);
	report(second - first > 50000000 && second - first < 60000000000ULL,
	       "time that another task took is reported");
	report(!(guest_var(vm, record).sequence & 1) && !guest_var(vm, record).flags,
	       "the record is whole");
	vm_destroy(vm);
}

TEST(sbi_sta)
{
	static const char *const names[] = {
		"a record that is not aligned", "flags", "where no memory is", "far above",
		"an unknown function", "a record", "its sequence is even", "none any more",
		"still none", "and again",
	};
	long expected[] = {
		SBI_INVALID_PARAM, SBI_INVALID_PARAM, SBI_INVALID_ADDRESS, SBI_INVALID_ADDRESS,
		SBI_NOT_SUPPORTED, 0, 0, 0, 0, 0,
	};
	u64 low = 0, high = 0;

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	if (reg_try_get(vcpu, RISCV_SBI_EXT(STA), &low) || !low)
		skip("no accounting of stolen time on this host");
	vm_destroy(vm);
	check_values(guest_steal_calls, names, expected, ARRAY_SIZE(expected));

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_steal, 0);
	report(reg_get(vcpu, RISCV_REG(U64, SBI_STATE, 0)) == ~0ULL, "no record at first");
	vcpu_run_said(vcpu);
	low = reg_get(vcpu, RISCV_REG(U64, SBI_STATE, 0));
	high = reg_get(vcpu, RISCV_REG(U64, SBI_STATE, 1));
	report(low == (u64)&record && !high, "user space sees where it is");
	reg_set(vcpu, RISCV_REG(U64, SBI_STATE, 0), ~0ULL);
	report(reg_get(vcpu, RISCV_REG(U64, SBI_STATE, 0)) == ~0ULL, "and takes it away");
	vcpu_run_said(vcpu);
	/* One that was preempted where it comes from. */
	guest_var(vm, record).preempted = 1;
	reg_set(vcpu, RISCV_REG(U64, SBI_STATE, 0), low);
	vcpu_run_said(vcpu);
	report((!guest_var(vm, record).preempted && !guest_var(vm, wrong_self)) || in_tree(),
	       "one that it gives back says that the hart runs");
	vm_destroy(vm);
	check_steal();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock: the guest's page of time, and user space's view of it; and the time that
 * is stolen from the guest.
 */
#include <sched.h>
#include <lib/kvm.h>

#define MSR_WALL_CLOCK_NEW	0x4b564d00
#define MSR_SYSTEM_TIME_NEW	0x4b564d01
#define MSR_STEAL_TIME		0x4b564d03

/* Linux Documentation/virt/kvm/x86/msr.rst */
struct pvclock {
	u32	version;
	u32	pad0;
	u64	tsc_timestamp;
	u64	system_time;
	u32	tsc_to_system_mul;
	s64	tsc_shift : 8;
	u64	flags : 8;
	u64	pad1 : 16;
} __attribute__((packed, aligned(64)));

struct wall_clock {
	u32	version, seconds, nanoseconds;
} __attribute__((aligned(64)));

static volatile struct pvclock page;
static volatile struct wall_clock wall;

static u64 guest_time(void)
{
	u64 delta, time;
	u32 version;

	do {
		do {
			version = page.version;
		} while (version & 1);
		asm volatile("lfence" : : : "memory");
		delta = rdtsc() - page.tsc_timestamp;
		if (page.tsc_shift >= 0)
			delta <<= page.tsc_shift;
		else
			delta >>= -page.tsc_shift;
		time = page.system_time +
		       (u64)(((unsigned __int128)delta * page.tsc_to_system_mul) >> 32);
		asm volatile("lfence" : : : "memory");
	} while (version != page.version);

	return time;
}

static void guest_clock(u64 argument)
{
	u64 last = 0, now, i;

	wrmsr(MSR_SYSTEM_TIME_NEW, (u64)&page | 1);
	wrmsr(MSR_WALL_CLOCK_NEW, (u64)&wall);
	guest_say(page.version);
	for (i = 0; i < 10000; i++) {
		now = guest_time();
		GUEST_ASSERT(now >= last);
		last = now;
	}
	for (;;)
		guest_say(guest_time());
}

TEST(kvmclock)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_clock, 0);
	struct kvm_clock_data data = {};
	u64 version, first, second, start, host;
	volatile struct wall_clock *shown = &guest_var(vm, wall);

	need_cap(KVM_CAP_CLOCKSOURCE, "kvmclock");
	version = vcpu_run_said(vcpu);
	report(version && !(version & 1), "the page is filled in");
	report(shown->seconds > 1500000000 || shown->version, "the wall clock too");
	first = vcpu_run_said(vcpu);
	start = now_ns();
	sleep_ms(200);
	second = vcpu_run_said(vcpu);
	host = now_ns() - start;
	report(second > first && second - first < host + 50000000 &&
	       second - first + 50000000 > host, "time goes at the host's pace (%llu, host %llu us)",
	       (unsigned long long)(second - first) / 1000, (unsigned long long)host / 1000);

	xioctl(vm->fd, KVM_GET_CLOCK, &data);
	report(data.clock >= second && data.clock - second < 1000000000, "KVM_GET_CLOCK agrees");
	data = (struct kvm_clock_data) { .clock = 5000000000000ULL };
	xioctl(vm->fd, KVM_SET_CLOCK, &data);
	first = vcpu_run_said(vcpu);
	report(first >= 5000000000000ULL && first < 5010000000000ULL,
	       "KVM_SET_CLOCK moves the guest's time");
	data.flags = BIT(31);
	report_errno(ioctl(vm->fd, KVM_SET_CLOCK, &data), EINVAL, "unknown flags");
	vm_destroy(vm);
}

/* --- steal_time ----------------------------------------------------------- */

/* As msr.rst has it. */
struct steal {
	u64	steal;
	u32	version, flags;
	u8	preempted;
	u8	pad[47];
};

static struct steal record __attribute__((aligned(64)));
static volatile u64 wrong_self;

static void guest_steal(u64 ticks)
{
	u64 end;

	wrmsr(MSR_STEAL_TIME, (u64)&record | 1);
	for (;;) {
		end = rdtsc() + ticks;
		/* Whoever runs is not preempted. */
		while (rdtsc() < end)
			wrong_self += READ_ONCE(record.preempted);
		guest_say(READ_ONCE(record.steal));
	}
}

static volatile bool busy;
static int other_cpu;
/* How often the vCPU was seen to become preempted, and to run again. */
static volatile u64 times_preempted, times_back;

static void *hog(void *data)
{
	while (busy)
		;

	return NULL;
}

static void *watch(void *data)
{
	volatile u8 *preempted = data;

	stay_on(other_cpu);
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
TEST(steal_time)
{
	pthread_t thread, watcher;
	cpu_set_t allowed;
	struct vcpu *vcpu;
	u64 first, second;
	struct vm *vm;
	int cpu, rounds;

	/* The last that there is for us, and the first, which may be the same. */
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			other_cpu = cpu;
	for (cpu = 0; !CPU_ISSET(cpu, &allowed); cpu++)
		;
	stay_on(cpu);
	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	vcpu_enter_at(vcpu, guest_steal, xioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0) * 500ULL);
	first = vcpu_run_said(vcpu);
	busy = true;
	pthread_create(&thread, NULL, hog, NULL);
	pthread_create(&watcher, NULL, watch, &guest_var(vm, record).preempted);
	vcpu_run_said(vcpu);
	second = vcpu_run_said(vcpu);
	/* A slow host switches less often in that time. */
	for (rounds = 0; rounds < 20 && (times_preempted < 3 || times_back < 3); rounds++)
		vcpu_run_said(vcpu);
	busy = false;
	pthread_join(thread, NULL);
	pthread_join(watcher, NULL);
	note("%llu ns, then %llu; %llu times preempted, %llu times back",
	     (unsigned long long)first, (unsigned long long)second,
	     (unsigned long long)times_preempted, (unsigned long long)times_back);
	report(second - first > 50000000 && second - first < 60000000000ULL,
	       "time that another task took is reported");
	report(!(guest_var(vm, record).version & 1), "the record is whole");
	report(!guest_var(vm, wrong_self), "one that runs is never preempted to itself");
	vm_destroy(vm);
	if (other_cpu == cpu)
		skip("watching a vCPU that runs takes two CPUs");
	report(times_preempted >= 3 && times_back >= 3,
	       "others see when the vCPU is preempted and when not");
}

// SPDX-License-Identifier: GPL-2.0-only
/* kvmclock: the guest's page of time, and user space's view of it. */
#include <lib/kvm.h>

#define MSR_WALL_CLOCK_NEW	0x4b564d00
#define MSR_SYSTEM_TIME_NEW	0x4b564d01

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

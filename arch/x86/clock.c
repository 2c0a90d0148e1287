// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's time: the offset of its TSC, the paravirtual clock and its wall
 * clock, and the time stolen from it.  Called at load and put, by requests and by
 * msr.c.  Timers are in lapic_timer.c and pit.c.
 *
 * TSC.  Guest TSC = host TSC + offset.  vCPUs whose TSCs are meant to agree share
 * one offset (tsc_shared_offset): a vCPU joins when it is created and when user
 * space writes what the shared TSC shows, give or take a second; it leaves when its
 * guest moves its TSC alone.  A host TSC that restarts behind where it was, after
 * suspend, is made up for by host_shift, which goes into all offsets.
 *
 * Clock.  kvmclock is the host's boot time plus kvmclock_offset.  While the host's
 * TSC is good for it and all vCPUs are members, it is stable instead: extrapolated
 * from one pair (master_tsc, master_ns) that all vCPUs are shown, so that guests
 * may compare what they read on different vCPUs.  Going from one to the other is
 * continuous.
 */
#include <linux/kvm_para.h>
#include <linux/math64.h>
#include <linux/sched/stat.h>
#include <linux/timekeeping.h>
#include <asm/msr.h>
#include <asm/pvclock.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "x86.h"

#define TSC_TOLERANCE_PPM	250
#define UNSTABLE_REFRESH_MS	100	/* of the page of a vCPU that stays on its CPU */
#define PAIR_TRIES		3

static u64 host_shift;		/* grows at resume, when no guest runs */
/* The last moment before suspend. */
static u64 host_suspend_tsc;
static u64 host_suspend_boot_ns;
static u64 host_suspend_shift;

/* --- host time --------------------------------------------------------------- */

struct host_pair {
	u64	tsc;
	u64	boot_ns;
	u64	real_ns;
};

/* TSC and time of one moment, as well as software can tell.  irqs off. */
static void host_pair_take(struct host_pair *pair)
{
	u64 best = U64_MAX;
	int i;

	lockdep_assert_irqs_disabled();

	for (i = 0; i < PAIR_TRIES; i++) {
		u64 before = rdtsc_ordered();
		u64 boot_ns = ktime_get_boottime_ns();
		u64 real_ns = ktime_get_real_ns();
		u64 window = rdtsc_ordered() - before;

		if (window >= best)
			continue;
		best = window;
		*pair = (struct host_pair) {
			.tsc = before + window / 2, .boot_ns = boot_ns, .real_ns = real_ns };
	}
}

static int clock_suspend(HOST_SYSCORE_ARGS)
{
	host_suspend_boot_ns = ktime_get_boottime_ns();
	host_suspend_tsc = rdtsc();
	host_suspend_shift = host_shift;

	return 0;
}

static void clock_resume(HOST_SYSCORE_ARGS)
{
	u64 tsc = rdtsc();

	if (tsc < host_suspend_tsc)
		WRITE_ONCE(host_shift, host_shift + host_suspend_tsc - tsc);
}

HOST_DEFINE_SYSCORE(clock_syscore,
	.suspend	= clock_suspend,
	.resume		= clock_resume,
);

int x86_clock_hotplug_setup(void)
{
	host_syscore_register(&clock_syscore);

	return 0;
}

void x86_clock_teardown(void)
{
	host_syscore_unregister(&clock_syscore);
}

/* --- the VM's clock ---------------------------------------------------------- */

/*
 * ns = ((ticks << shift) * mul) >> 32, with mul using all its bits.  A negative
 * shift goes right.
 */
static void clock_scale_init(struct vm *vm)
{
	u64 ns = NSEC_PER_MSEC, ticks = vm->arch.default_tsc_khz;
	int shift = 0;

	while (ns >= ticks) {
		ticks <<= 1;
		shift++;
	}
	while (ns << 1 < ticks) {
		ns <<= 1;
		shift--;
	}
	vm->arch.clock_mul = div64_u64(ns << 32, ticks);
	vm->arch.clock_shift = shift;
}

void x86_clock_vm_create(struct vm *vm)
{
	raw_spin_lock_init(&vm->arch.clock_lock);
	vm->arch.default_tsc_khz = tsc_khz ?: NSEC_PER_MSEC;
	clock_scale_init(vm);
	vm->arch.kvmclock_offset = -ktime_get_boottime_ns();
	vm->arch.tsc_shift = READ_ONCE(host_shift);
}

static u64 clock_at(struct vm *vm, const struct host_pair *pair)
{
	const struct vm_arch *arch = &vm->arch;

	lockdep_assert_held(&arch->clock_lock);

	if (!arch->clock_stable)
		return pair->boot_ns + arch->kvmclock_offset;
	if (pair->tsc < arch->master_tsc)
		return arch->master_ns;

	return arch->master_ns + pvclock_scale_delta(pair->tsc - arch->master_tsc,
						     arch->clock_mul, arch->clock_shift);
}

/* The clock shows @now at @pair and goes on from there. */
static void clock_set(struct vm *vm, const struct host_pair *pair, u64 now)
{
	struct vm_arch *arch = &vm->arch;

	arch->kvmclock_offset = now - pair->boot_ns;
	arch->master_ns = now;
	arch->master_tsc = pair->tsc;
}

/*
 * Be stable if that is possible now.  True if the answer is new: all vCPUs have to
 * be shown it, by clock_tell() after the lock.
 */
static bool clock_reconsider(struct vm *vm)
{
	struct vm_arch *arch = &vm->arch;
	bool stable = !check_tsc_unstable() && arch->clock_vcpus &&
		arch->tsc_members == arch->clock_vcpus;
	struct host_pair pair;

	if (stable == arch->clock_stable)
		return false;

	host_pair_take(&pair);
	clock_set(vm, &pair, clock_at(vm, &pair));
	WRITE_ONCE(arch->clock_stable, stable);

	return true;
}

static void clock_tell(struct vm *vm)
{
	vm_request_all(vm, REQ_CLOCK, false);
}

/*
 * The host's TSC has moved: the shared offset takes it up, and the pair, which is
 * from before, is made anew.  From what the clock showed at suspend it went on with
 * boot time.
 */
static bool clock_follow_shift(struct vm *vm)
{
	struct vm_arch *arch = &vm->arch;
	u64 shift = READ_ONCE(host_shift);
	struct host_pair pair;

	if (arch->tsc_shift == shift)
		return false;

	if (arch->clock_stable) {
		pair.tsc = host_suspend_tsc + host_suspend_shift - arch->tsc_shift;
		pair.boot_ns = host_suspend_boot_ns;
		clock_set(vm, &pair, clock_at(vm, &pair));
	}
	arch->tsc_shared_offset += shift - arch->tsc_shift;
	arch->tsc_shift = shift;
	host_pair_take(&pair);
	clock_set(vm, &pair, pair.boot_ns + arch->kvmclock_offset);

	return true;
}

int x86_ioctl_get_clock(struct vm *vm, struct kvm_clock_data *data)
{
	struct host_pair pair;
	unsigned long flags;

	memset(data, 0, sizeof(*data));
	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	clock_follow_shift(vm);
	host_pair_take(&pair);
	data->clock = clock_at(vm, &pair);
	if (vm->arch.clock_stable) {
		data->flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
		data->realtime = pair.real_ns;
		data->host_tsc = pair.tsc;
	}
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);

	return 0;
}

int x86_ioctl_set_clock(struct vm *vm, const struct kvm_clock_data *data)
{
	u64 clock = data->clock;
	struct host_pair pair;
	unsigned long flags;

	if (data->flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	clock_follow_shift(vm);
	host_pair_take(&pair);
	/* Time that passed since it was read, on another host perhaps. */
	if (data->flags & KVM_CLOCK_REALTIME && pair.real_ns > data->realtime)
		clock += pair.real_ns - data->realtime;
	clock_set(vm, &pair, clock);
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);
	clock_tell(vm);

	return 0;
}

/* --- the guest's TSC --------------------------------------------------------- */

u64 x86_tsc_now(struct vcpu *vcpu)
{
	return rdtsc_ordered() + READ_ONCE(vcpu->arch.tsc_offset);
}

static void tsc_set_offset(struct vcpu *vcpu, u64 offset)
{
	u64 deadline;

	if (vcpu->arch.tsc_offset == offset)
		return;
	WRITE_ONCE(vcpu->arch.tsc_offset, offset);
	x86_op(tsc_offset)(vcpu, offset);
	vcpu_request(vcpu, REQ_CLOCK);
	/* A deadline is in guest TSC: it comes sooner or later now. */
	deadline = vcpu->arch.lapic ? lapic_deadline_read(vcpu) : 0;
	if (deadline)
		lapic_deadline_write(vcpu, deadline);
}

/* Count the vCPU as a member if its offset, to be @offset, is the shared one. */
static bool tsc_update_member(struct vcpu *vcpu, u64 offset)
{
	struct vm_arch *vm = &vcpu->vm->arch;
	bool was = vcpu->arch.tsc_generation == vm->tsc_generation;
	bool is = offset == vm->tsc_shared_offset;

	lockdep_assert_held(&vm->clock_lock);

	if (is && !was)
		vm->tsc_members++;
	else if (was && !is)
		vm->tsc_members--;
	vcpu->arch.tsc_generation = is ? vm->tsc_generation : 0;

	return clock_reconsider(vcpu->vm);
}

/* From now on @offset is the one to share, and nobody does yet. */
static void tsc_new_generation(struct vm *vm, u64 offset)
{
	vm->arch.tsc_generation++;
	vm->arch.tsc_shared_offset = offset;
	vm->arch.tsc_members = 0;
}

/* A TSC starts at 0 with the first vCPU, and goes on for those that come later. */
void x86_clock_vcpu_create(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	bool tell;
	u64 offset;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	clock_follow_shift(vm);
	if (!vm->arch.clock_vcpus)
		tsc_new_generation(vm, -rdtsc_ordered());
	offset = vm->arch.tsc_shared_offset;
	vm->arch.clock_vcpus++;
	vcpu->arch.clock_counted = true;
	tell = tsc_update_member(vcpu, offset);
	vcpu->arch.tsc_shift = vm->arch.tsc_shift;
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);

	vcpu->arch.tsc_khz = vm->arch.default_tsc_khz;
	tsc_set_offset(vcpu, offset);
	if (tell)
		clock_tell(vm);
}

/*
 * Only a vCPU that nobody ever saw leaves the others behind: its creation failed.
 * The rest end with their VM, one after another, and may not be told anything.
 */
void x86_clock_vcpu_destroy(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	bool tell;

	if (!vcpu->arch.clock_counted || vm_vcpu(vm, vcpu->index) == vcpu)
		return;
	vcpu->arch.clock_counted = false;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	if (vcpu->arch.tsc_generation == vm->arch.tsc_generation)
		vm->arch.tsc_members--;
	vm->arch.clock_vcpus--;
	tell = clock_reconsider(vm);
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);

	if (tell)
		clock_tell(vm);
}

/* Is @value what user space would write to have this vCPU agree with the others? */
static bool tsc_matches(struct vm *vm, u64 value, u64 now)
{
	s64 distance = value - (now + vm->arch.tsc_shared_offset);

	/* A vCPU that is reset, or added: others run already. */
	if (!value)
		return true;

	return abs(distance) < (s64)vm->arch.default_tsc_khz * MSEC_PER_SEC;
}

static void tsc_write_host(struct vcpu *vcpu, u64 value)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	u64 now, offset;
	bool tell;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	clock_follow_shift(vm);
	now = rdtsc_ordered();
	if (!tsc_matches(vm, value, now))
		tsc_new_generation(vm, value - now);
	offset = vm->arch.tsc_shared_offset;
	tell = tsc_update_member(vcpu, offset);
	vcpu->arch.tsc_shift = vm->arch.tsc_shift;
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);

	tsc_set_offset(vcpu, offset);
	if (tell)
		clock_tell(vm);
}

void x86_tsc_adjust(struct vcpu *vcpu, u64 delta)
{
	u64 offset = vcpu->arch.tsc_offset + delta;
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	bool tell;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	tell = tsc_update_member(vcpu, offset);
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);

	tsc_set_offset(vcpu, offset);
	if (tell)
		clock_tell(vm);
}

void x86_tsc_write(struct vcpu *vcpu, u64 value, bool host)
{
	u64 delta;

	if (host) {
		tsc_write_host(vcpu, value);
		return;
	}
	/* As on hardware, IA32_TSC_ADJUST tells what the write has moved. */
	delta = value - x86_tsc_now(vcpu);
	vcpu->arch.tsc_adjust += delta;
	x86_tsc_adjust(vcpu, delta);
}

int x86_ioctl_set_tsc_khz(struct vcpu *vcpu, unsigned long khz)
{
	u64 host = vcpu->vm->arch.default_tsc_khz;
	u64 tolerance = div_u64(host * TSC_TOLERANCE_PPM, USEC_PER_SEC);

	if (khz && (khz < host - tolerance || khz > host + tolerance))
		return -EINVAL;

	return 0;
}

/* --- load and put ------------------------------------------------------------ */

/* The host slept meanwhile. */
static noinline void tsc_follow_shift(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	bool tell;
	u64 delta;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	tell = clock_follow_shift(vm);
	delta = vm->arch.tsc_shift - vcpu->arch.tsc_shift;
	vcpu->arch.tsc_shift = vm->arch.tsc_shift;
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);

	vcpu->arch.last_host_tsc = 0;
	tsc_set_offset(vcpu, vcpu->arch.tsc_offset + delta);
	if (tell)
		clock_tell(vm);
}

/* This CPU's TSC is behind the one before: the guest's must not go back. */
static noinline void tsc_never_back(struct vcpu *vcpu, u64 tsc)
{
	u64 behind = vcpu->arch.last_host_tsc - tsc;

	/* Unless it is just what trusted TSCs may differ by. */
	if (check_tsc_unstable() || behind > vcpu->vm->arch.default_tsc_khz)
		x86_tsc_adjust(vcpu, behind);
}

static noinline void clock_check_host(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;
	bool tell;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	tell = clock_reconsider(vm);
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);
	if (tell)
		clock_tell(vm);
}

static gpa_t steal_gpa(const struct x86_pvclock *clock)
{
	return clock->steal_time_msr & ~(u64)(KVM_MSR_ENABLED | KVM_STEAL_RESERVED_MASK);
}

/* Is there something the guest has to be told before it runs? */
static bool steal_due(struct x86_pvclock *clock)
{
	return (clock->steal_time_msr & KVM_MSR_ENABLED) &&
	       (clock->steal_preempted || steal_clock_due(&clock->steal_clock));
}

/* Where its memory cannot be written without a fault, the guest hears nothing. */
static noinline void steal_put(struct vcpu *vcpu)
{
	struct x86_pvclock *clock = &vcpu->arch.pvclock;
	const u8 preempted = KVM_VCPU_PREEMPTED;

	if (!(clock->steal_time_msr & KVM_MSR_ENABLED) || clock->steal_preempted)
		return;
	if (!guest_write_nofault(vcpu, steal_gpa(clock) +
				 offsetof(struct kvm_steal_time, preempted), &preempted,
				 sizeof(preempted)))
		clock->steal_preempted = true;
}

void x86_clock_load(struct vcpu *vcpu, int cpu)
{
	struct x86_pvclock *clock = &vcpu->arch.pvclock;
	struct vm_arch *vm = &vcpu->vm->arch;
	u64 tsc = rdtsc();

	if (unlikely(vcpu->arch.tsc_shift != READ_ONCE(host_shift)))
		tsc_follow_shift(vcpu);
	else if (unlikely(tsc < vcpu->arch.last_host_tsc))
		tsc_never_back(vcpu, tsc);

	if (READ_ONCE(vm->clock_stable)) {
		if (unlikely(check_tsc_unstable()))
			clock_check_host(vcpu);
	} else if (clock->system_time_msr & KVM_MSR_ENABLED) {
		/* Each CPU has a TSC of its own, and none follows time exactly. */
		if (vcpu->cpu != cpu ||
		    tsc - clock->updated_tsc > (u64)vm->default_tsc_khz * UNSTABLE_REFRESH_MS)
			vcpu_request(vcpu, REQ_CLOCK);
	}

	if (steal_due(clock))
		vcpu_request(vcpu, REQ_STEAL);
}

void x86_clock_put(struct vcpu *vcpu)
{
	vcpu->arch.last_host_tsc = rdtsc();
	if (unlikely(vcpu->preempted))
		steal_put(vcpu);
}

/* --- what the guest reads ---------------------------------------------------- */

/*
 * Write a structure whose readers look at a version before and after: odd while it
 * changes.  @version is the member in @data, at @offset of it.  A guest that gave
 * a bad address hears nothing.
 */
static void versioned_write(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len,
			    u32 *version, u32 next)
{
	size_t offset = (void *)version - data;

	*version = (next - 1) | 1;
	if (guest_write(vcpu, gpa + offset, version, sizeof(*version)))
		return;
	/* Odd version, then the data, then the even version: pairs with the guest. */
	smp_wmb();
	if (guest_write(vcpu, gpa, data, len))
		return;
	smp_wmb();
	*version = next;
	guest_write(vcpu, gpa + offset, version, sizeof(*version));
}

static void clock_fill(struct vcpu *vcpu, struct pvclock_vcpu_time_info *info)
{
	struct vm_arch *vm = &vcpu->vm->arch;
	struct host_pair pair;
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->clock_lock, flags);
	if (vm->clock_stable) {
		info->tsc_timestamp = vm->master_tsc + vcpu->arch.tsc_offset;
		info->system_time = vm->master_ns;
		info->flags |= PVCLOCK_TSC_STABLE_BIT;
		vcpu->arch.pvclock.updated_tsc = rdtsc();
	} else {
		host_pair_take(&pair);
		info->tsc_timestamp = pair.tsc + vcpu->arch.tsc_offset;
		info->system_time = clock_at(vcpu->vm, &pair);
		vcpu->arch.pvclock.updated_tsc = pair.tsc;
	}
	raw_spin_unlock_irqrestore(&vm->clock_lock, flags);

	info->tsc_to_system_mul = vm->clock_mul;
	info->tsc_shift = vm->clock_shift;
}

static void clock_write_page(struct vcpu *vcpu)
{
	struct x86_pvclock *clock = &vcpu->arch.pvclock;
	gpa_t gpa = clock->system_time_msr & ~(u64)KVM_MSR_ENABLED;
	struct pvclock_vcpu_time_info info = {};
	u8 flags;

	/* The guest clears this one when it has seen it. */
	if (guest_read(vcpu, gpa + offsetof(typeof(info), flags), &flags, sizeof(flags)))
		return;
	info.flags = flags & PVCLOCK_GUEST_STOPPED;
	if (clock->guest_paused) {
		info.flags |= PVCLOCK_GUEST_STOPPED;
		clock->guest_paused = false;
	}
	clock_fill(vcpu, &info);
	clock->version += 2;
	versioned_write(vcpu, gpa, &info, sizeof(info), &info.version, clock->version);
}

/* The wall clock at the moment the paravirtual clock showed 0. */
static void clock_write_wall(struct vcpu *vcpu)
{
	gpa_t gpa = vcpu->arch.pvclock.wall_clock_msr;
	struct pvclock_wall_clock wall;
	struct vm *vm = vcpu->vm;
	struct host_pair pair;
	unsigned long flags;
	u32 nsec, version;
	u64 ns;

	if (!gpa || guest_read(vcpu, gpa, &wall, sizeof(wall)))
		return;

	raw_spin_lock_irqsave(&vm->arch.clock_lock, flags);
	host_pair_take(&pair);
	ns = pair.real_ns - clock_at(vm, &pair);
	raw_spin_unlock_irqrestore(&vm->arch.clock_lock, flags);

	version = (wall.version | 1) + 1;
	wall.sec = div_u64_rem(ns, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	versioned_write(vcpu, gpa, &wall, sizeof(wall), &wall.version, version);
}

void x86_clock_update(struct vcpu *vcpu)
{
	struct x86_pvclock *clock = &vcpu->arch.pvclock;

	if (clock->wall_clock_due) {
		clock->wall_clock_due = false;
		clock_write_wall(vcpu);
	}
	if (clock->system_time_msr & KVM_MSR_ENABLED)
		clock_write_page(vcpu);
}

void x86_steal_update(struct vcpu *vcpu)
{
	struct x86_pvclock *clock = &vcpu->arch.pvclock;
	struct kvm_steal_time area = {};
	u64 stolen;

	if (!(clock->steal_time_msr & KVM_MSR_ENABLED))
		return;
	stolen = steal_clock_due(&clock->steal_clock);
	steal_clock_told(&clock->steal_clock, stolen);
	clock->steal += stolen;
	/* Before it is written: if the vCPU is preempted in between, it is told again. */
	clock->steal_preempted = false;
	barrier();

	area.steal = clock->steal;
	clock->steal_version += 2;
	versioned_write(vcpu, steal_gpa(clock), &area, offsetofend(typeof(area), preempted),
			&area.version, clock->steal_version);
}

int x86_ioctl_kvmclock_ctrl(struct vcpu *vcpu)
{
	if (!(vcpu->arch.pvclock.system_time_msr & KVM_MSR_ENABLED))
		return -EINVAL;
	vcpu->arch.pvclock.guest_paused = true;
	vcpu_request(vcpu, REQ_CLOCK);

	return 0;
}

/* --- MSRs -------------------------------------------------------------------- */

int x86_clock_msr_write(struct vcpu *vcpu, u32 msr, u64 value)
{
	struct x86_pvclock *clock = &vcpu->arch.pvclock;

	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		clock->wall_clock_msr = value;
		clock->wall_clock_due = true;
		vcpu_request(vcpu, REQ_CLOCK);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		clock->system_time_msr = value;
		clock->guest_paused = false;
		vcpu_request(vcpu, REQ_CLOCK);
		return 0;
	case MSR_KVM_STEAL_TIME:
		if (value & KVM_STEAL_RESERVED_MASK)
			return -EINVAL;
		clock->steal_time_msr = value;
		vcpu_request(vcpu, REQ_STEAL);
		return 0;
	default:
		return -EINVAL;
	}
}

int x86_clock_msr_read(struct vcpu *vcpu, u32 msr, u64 *value)
{
	const struct x86_pvclock *clock = &vcpu->arch.pvclock;

	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*value = clock->wall_clock_msr;
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*value = clock->system_time_msr;
		return 0;
	case MSR_KVM_STEAL_TIME:
		*value = clock->steal_time_msr;
		return 0;
	default:
		return -EINVAL;
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timer of a local APIC: one-shot, periodic and TSC-deadline mode, by one
 * hrtimer per vCPU, or by the vendor's own timer where it has one.  Expiry sets
 * the interrupt pending right in the hrtimer's interrupt.  Called by lapic.c for
 * the registers and by msr.c for IA32_TSC_DEADLINE.
 *
 * The owner of the LAPIC (see lapic.h) stops the hrtimer, and so waits for its
 * handler, before it changes anything the handler looks at.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <asm/tsc.h>

#include "lapic.h"

/* A guest must not keep a host CPU busy with the interrupts of its timer. */
static unsigned int lapic_timer_min_us = 200;
module_param(lapic_timer_min_us, uint, 0644);
MODULE_PARM_DESC(lapic_timer_min_us, "shortest period of a guest's APIC timer in microseconds");

/* Longer than any host runs; the products below do not overflow. */
#define LAPIC_TIMER_MAX_NS	(100ULL * 365 * 24 * 3600 * NSEC_PER_SEC)

static u32 lapic_timer_khz(struct lapic *lapic)
{
	return lapic->vcpu->arch.tsc_khz ?: tsc_khz;
}

/* log2 of the divider: 0b000 is 2, 0b110 is 128, 0b111 is 1. */
static u32 lapic_timer_shift(const struct lapic *lapic)
{
	u32 config = lapic_get(lapic, APIC_TDCR);

	return ((config & 3) + ((config >> 1) & 4) + 1) & 7;
}

static u64 lapic_timer_ns(const struct lapic *lapic, u32 count)
{
	return ((u64)count << lapic_timer_shift(lapic)) * LAPIC_BUS_NS;
}

static u64 lapic_timer_period(const struct lapic *lapic)
{
	u64 shortest = (u64)READ_ONCE(lapic_timer_min_us) * NSEC_PER_USEC;

	return max(lapic_timer_ns(lapic, lapic_get(lapic, APIC_TMICT)),
		   max(shortest, (u64)NSEC_PER_USEC));
}

static enum hrtimer_restart lapic_timer_fire(struct hrtimer *hrtimer)
{
	struct lapic *lapic = container_of(hrtimer, struct lapic, timer.hrtimer);

	lapic_local(lapic, APIC_LVTT, true);

	if (lapic_timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC) {
		hrtimer_forward_now(hrtimer, ns_to_ktime(lapic->timer.period));
		return HRTIMER_RESTART;
	}

	lapic->timer.target = 0;
	WRITE_ONCE(lapic->timer.deadline, 0);

	return HRTIMER_NORESTART;
}

void lapic_timer_create(struct lapic *lapic)
{
	host_hrtimer_setup(&lapic->timer.hrtimer, lapic_timer_fire, CLOCK_MONOTONIC,
			   HRTIMER_MODE_ABS_PINNED_HARD);
}

static bool lapic_timer_masked(const struct lapic *lapic)
{
	return lapic_get(lapic, APIC_LVTT) & APIC_LVT_MASKED;
}

static void lapic_timer_start_at(struct lapic *lapic, ktime_t target)
{
	lapic->timer.cpu = raw_smp_processor_id();
	hrtimer_start(&lapic->timer.hrtimer, target, HRTIMER_MODE_ABS_PINNED_HARD);
}

/* Stop whatever runs; what it was about stays known. */
static void lapic_timer_disarm(struct lapic *lapic)
{
	hrtimer_cancel(&lapic->timer.hrtimer);
	if (lapic->timer.hardware) {
		lapic->timer.hardware = false;
		x86_op(deadline)(lapic->vcpu, 0);
	}
}

void lapic_timer_stop(struct lapic *lapic)
{
	lapic_timer_disarm(lapic);
	lapic->timer.target = 0;
	WRITE_ONCE(lapic->timer.deadline, 0);
}

/*
 * While LVTT is masked nothing runs, as nobody would hear it.  Before it is
 * unmasked: what went by meanwhile is over.
 */
static void lapic_timer_settle(struct lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;

	if (!lapic_timer_masked(lapic))
		return;

	if (timer->deadline && timer->deadline <= x86_tsc_now(lapic->vcpu))
		WRITE_ONCE(timer->deadline, 0);
	if (timer->target && lapic_timer_mode(lapic) == APIC_LVT_TIMER_ONESHOT &&
	    !ktime_after(timer->target, ktime_get()))
		timer->target = 0;
}

/* Host time at which the guest's TSC will be @tsc; @now is what it is now. */
static ktime_t lapic_deadline_time(struct lapic *lapic, u64 tsc, u64 now)
{
	u32 khz = lapic_timer_khz(lapic);
	u64 cycles, ns;

	cycles = min(tsc - now, div_u64(LAPIC_TIMER_MAX_NS, USEC_PER_SEC) * khz);
	ns = mul_u64_u32_div(cycles, USEC_PER_SEC, khz);

	return ktime_add_ns(ktime_get(), ns);
}

/* In TSC-deadline mode, disarmed, timer.deadline set: run towards it. */
static void lapic_deadline_arm(struct lapic *lapic, bool hardware)
{
	u64 tsc = lapic->timer.deadline;
	u64 now = x86_tsc_now(lapic->vcpu);

	if (tsc <= now) {
		WRITE_ONCE(lapic->timer.deadline, 0);
		lapic_local(lapic, APIC_LVTT, false);
		return;
	}
	if (lapic_timer_masked(lapic))
		return;
	if (hardware && x86_op(deadline)(lapic->vcpu, tsc)) {
		lapic->timer.hardware = true;
		return;
	}
	lapic_timer_start_at(lapic, lapic_deadline_time(lapic, tsc, now));
}

/* In a counting mode, disarmed, timer.target set: run towards it. */
static void lapic_count_arm(struct lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;
	ktime_t now = ktime_get();

	timer->period = lapic_timer_period(lapic);
	if (!timer->target || lapic_timer_masked(lapic))
		return;

	if (ktime_after(timer->target, now)) {
		lapic_timer_start_at(lapic, timer->target);
	} else if (lapic_timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC) {
		u64 late = ktime_to_ns(ktime_sub(now, timer->target));

		lapic_timer_start_at(lapic, ktime_add_ns(now,
				timer->period - late % timer->period));
	} else {
		timer->target = 0;
		lapic_local(lapic, APIC_LVTT, false);
	}
}

static void lapic_timer_arm(struct lapic *lapic)
{
	if (lapic_timer_mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		lapic_count_arm(lapic);
	else if (lapic->timer.deadline)
		lapic_deadline_arm(lapic, true);
}

u32 lapic_timer_count(struct lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;
	s64 left;
	u64 count;

	if (!timer->target || lapic_timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
		return 0;

	left = ktime_to_ns(ktime_sub(timer->target, ktime_get()));
	if (lapic_timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC) {
		/* The target is that of the first round. */
		if (left <= 0)
			left = timer->period - (u64)-left % timer->period;
	}
	if (left <= 0)
		return 0;

	count = ((u64)left / LAPIC_BUS_NS) >> lapic_timer_shift(lapic);

	return min_t(u64, count, lapic_get(lapic, APIC_TMICT));
}

static void lapic_timer_count_from(struct lapic *lapic, u32 count)
{
	u64 ns = lapic_timer_ns(lapic, count);

	if (lapic_timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC &&
	    count == lapic_get(lapic, APIC_TMICT))
		ns = lapic_timer_period(lapic);
	lapic->timer.target = count ? ktime_add_ns(ktime_get(), ns) : 0;
}

void lapic_timer_write(struct lapic *lapic, u32 reg, u32 value)
{
	u32 count;

	lapic_timer_disarm(lapic);
	switch (reg) {
	case APIC_LVTT:
		lapic_timer_settle(lapic);
		/* A change to or from TSC-deadline mode stops the timer. */
		if ((value ^ lapic_get(lapic, APIC_LVTT)) & APIC_LVT_TIMER_TSCDEADLINE)
			lapic_timer_stop(lapic);
		lapic_put(lapic, reg, value);
		break;
	case APIC_TMICT:
		/* Ignored in TSC-deadline mode. */
		if (lapic_timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
			break;
		lapic_put(lapic, reg, value);
		lapic_timer_count_from(lapic, value);
		break;
	case APIC_TDCR:
		/* What is left of the count goes on at the new speed. */
		count = lapic_timer_count(lapic);
		lapic_put(lapic, reg, value);
		lapic_timer_count_from(lapic, count);
		break;
	}
	lapic_timer_arm(lapic);
}

void lapic_timer_suspend(struct lapic *lapic)
{
	lapic_timer_disarm(lapic);
	lapic_timer_settle(lapic);
	if (!lapic->base_enabled || lapic_timer_mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		lapic_timer_stop(lapic);
}

void lapic_timer_restore(struct lapic *lapic, u32 count)
{
	if (lapic->base_enabled && lapic_timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE) {
		lapic_timer_arm(lapic);
		return;
	}
	lapic_timer_stop(lapic);
	if (!lapic->base_enabled)
		return;

	if (!count && lapic_timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC)
		count = lapic_get(lapic, APIC_TMICT);
	lapic_timer_count_from(lapic, min(count, lapic_get(lapic, APIC_TMICT)));
	lapic_timer_arm(lapic);
}

u64 lapic_deadline_read(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u64 deadline;

	if (!lapic || lapic_timer_mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		return 0;

	deadline = READ_ONCE(lapic->timer.deadline);
	/* Masked: nothing runs that would clear it. */
	if (deadline && lapic_timer_masked(lapic) && deadline <= x86_tsc_now(vcpu))
		deadline = 0;

	return deadline;
}

void lapic_deadline_write(struct vcpu *vcpu, u64 tsc)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic || !lapic->base_enabled ||
	    lapic_timer_mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		return;

	lapic_timer_disarm(lapic);
	WRITE_ONCE(lapic->timer.deadline, tsc);
	if (tsc)
		lapic_deadline_arm(lapic, true);
}

void lapic_deadline_expired(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic || !lapic->timer.hardware)
		return;

	lapic->timer.hardware = false;
	WRITE_ONCE(lapic->timer.deadline, 0);
	lapic_local(lapic, APIC_LVTT, false);
}

void lapic_timer_block(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic || !lapic->timer.hardware)
		return;

	lapic_timer_disarm(lapic);
	lapic_deadline_arm(lapic, false);
}

void lapic_vcpu_load(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;
	struct hrtimer *hrtimer;

	if (!lapic || lapic->timer.cpu == smp_processor_id())
		return;

	/* Let it interrupt the CPU that the vCPU is on: no IPI needed then. */
	hrtimer = &lapic->timer.hrtimer;
	if (hrtimer_active(hrtimer) && hrtimer_cancel(hrtimer))
		hrtimer_start_expires(hrtimer, HRTIMER_MODE_ABS_PINNED_HARD);
	lapic->timer.cpu = smp_processor_id();
}

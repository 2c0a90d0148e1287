// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's timer.  With Sstc the hardware compares vstimecmp with the guest's
 * time while the vCPU is loaded, and an hrtimer takes its place while it halts.
 * Without, the hrtimer is the timer, and the interrupt is ours to raise.
 *
 * All vCPUs of a VM show one time: the host's plus vm->arch.time_delta.
 */
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <asm/timex.h>

#include "riscv.h"

/* The longest single wait: what comes later is looked at again then. */
#define TIMER_MAX_SECONDS	3600

u64 riscv_time(struct vcpu *vcpu)
{
	return get_cycles64() + riscv_timer_delta(vcpu);
}

bool riscv_timer_expired(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.timer.compare) <= riscv_time(vcpu);
}

/* Nanoseconds until @compare, at most an hour. */
static u64 timer_wait_ns(struct vcpu *vcpu, u64 compare)
{
	u64 now = riscv_time(vcpu), ticks = 0;

	if (compare > now)
		ticks = min(compare - now, (u64)riscv_host.timebase * TIMER_MAX_SECONDS);

	/* Up: a wait that ends early would have to begin anew. */
	return mul_u64_u32_div(ticks, NSEC_PER_SEC, riscv_host.timebase) + 1;
}

static void timer_start(struct vcpu *vcpu, u64 compare)
{
	hrtimer_start(&vcpu->arch.timer.hrtimer, ns_to_ktime(timer_wait_ns(vcpu, compare)),
		      HRTIMER_MODE_REL);
}

/* In an interrupt. */
static enum hrtimer_restart timer_callback(struct hrtimer *hrtimer)
{
	struct vcpu *vcpu = container_of(hrtimer, struct vcpu, arch.timer.hrtimer);

	if (!riscv_timer_expired(vcpu)) {
		hrtimer_forward_now(hrtimer,
			ns_to_ktime(timer_wait_ns(vcpu, READ_ONCE(vcpu->arch.timer.compare))));
		return HRTIMER_RESTART;
	}

	if (riscv_host.sstc)
		vcpu_wake(vcpu);
	else
		riscv_irq_set(vcpu, IRQ_VS_TIMER);

	return HRTIMER_NORESTART;
}

/* --- the guest's commands --------------------------------------------------- */

/* Without Sstc: the compare value is all there is of the timer. */
void riscv_timer_program(struct vcpu *vcpu, u64 compare)
{
	WRITE_ONCE(vcpu->arch.timer.compare, compare);
	hrtimer_cancel(&vcpu->arch.timer.hrtimer);
	if (compare <= riscv_time(vcpu)) {
		riscv_irq_set(vcpu, IRQ_VS_TIMER);
		return;
	}
	riscv_irq_clear(vcpu, IRQ_VS_TIMER);
	if (compare != RISCV_TIMER_NEVER)
		timer_start(vcpu, compare);
}

/* --- halt ----------------------------------------------------------- */

void riscv_timer_block(struct vcpu *vcpu)
{
	if (!riscv_host.sstc)
		return;

	WRITE_ONCE(vcpu->arch.timer.compare, csr_read(CSR_VSTIMECMP));
	if (vcpu->arch.timer.compare != RISCV_TIMER_NEVER)
		timer_start(vcpu, vcpu->arch.timer.compare);
}

void riscv_timer_unblock(struct vcpu *vcpu)
{
	if (riscv_host.sstc)
		hrtimer_cancel(&vcpu->arch.timer.hrtimer);
}

/* --- ONE_REG ------------------------------------------------------------------------ */

u64 riscv_timer_compare(struct vcpu *vcpu)
{
	return vcpu->arch.timer.compare;
}

bool riscv_timer_is_set(struct vcpu *vcpu)
{
	return vcpu->arch.timer.compare != RISCV_TIMER_NEVER;
}

void riscv_timer_set_time(struct vcpu *vcpu, u64 time)
{
	WRITE_ONCE(vcpu->vm->arch.time_delta, time - get_cycles64());
	/* Those that are loaded have the old one, and timers are by it. */
	vm_request_all(vcpu->vm, REQ_TIME, false);
}

void riscv_timer_follow(struct vcpu *vcpu)
{
	/* If it changes meanwhile, the request comes again. */
	csr_write(CSR_HTIMEDELTA, riscv_timer_delta(vcpu));
	if (!riscv_host.sstc)
		riscv_timer_program(vcpu, vcpu->arch.timer.compare);
}

void riscv_timer_set_compare(struct vcpu *vcpu, u64 compare)
{
	if (riscv_host.sstc)
		vcpu->arch.timer.compare = compare;
	else
		riscv_timer_program(vcpu, compare);
}

void riscv_timer_set_state(struct vcpu *vcpu, bool on)
{
	/* On: with the compare value that it has. */
	riscv_timer_set_compare(vcpu, on ? vcpu->arch.timer.compare : RISCV_TIMER_NEVER);
}

/* --- life ------------------------------------------------------------------------------ */

void riscv_timer_create(struct vcpu *vcpu)
{
	vcpu->arch.timer.compare = RISCV_TIMER_NEVER;
	host_hrtimer_setup(&vcpu->arch.timer.hrtimer, timer_callback, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL);
}

void riscv_timer_destroy(struct vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->arch.timer.hrtimer);
}

void riscv_timer_reset(struct vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->arch.timer.hrtimer);
	vcpu->arch.timer.compare = RISCV_TIMER_NEVER;
	riscv_irq_clear(vcpu, IRQ_VS_TIMER);
}

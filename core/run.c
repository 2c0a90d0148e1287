// SPDX-License-Identifier: GPL-2.0-only
/*
 * The body of KVM_RUN: entry, exit, requests, halts, and what wakes a vCPU up or
 * makes it leave the guest.  Creation, descriptors and ioctls are in vcpu.c.
 *
 * The protocol between a vCPU and whoever wants something of it:
 *
 *	the other				the vCPU (vcpu_enter_guest)
 *	---------				---------------------------
 *	make the work visible			irqs off
 *	set the request				mode = IN_GUEST_MODE
 *	full barrier				full barrier
 *	read the mode				read the requests, choose the event
 *	IN_GUEST_MODE: interrupt the CPU	enter
 *
 * Each writes first and reads second, so one of the two sees the other.  If both
 * do, the interrupt is pending when the guest is entered and ends the stay at
 * once.  Therefore nothing but the first look needs a barrier: as long as the
 * vCPU goes round in vcpu_stay() its mode says so, and whoever wants it to stop
 * interrupts it.  The mode is EXITING_GUEST_MODE once somebody has, so that a
 * second kick costs no second interrupt.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include <core/host.h>
#include <core/ops.h>
#include <core/trace.h>
#include <core/vcpu.h>
#include <core/vm.h>

static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns, "Longest time a halted vCPU polls before it sleeps, in ns; 0: never");

/*
 * Where enter opens irqs before it is in the guest, what runs on the vCPU's own CPU may
 * come too late for the look at requests, and a kick there has to last: the next entry is
 * over at once.
 */
#ifndef ARCH_KICK_SELF
#define ARCH_KICK_SELF	0
#endif

/*
 * Where guest SIMD state is not owned by what the kernel offers for it, it can come and go
 * with irqs off: nobody else uses the registers meanwhile.
 */
#ifndef ARCH_ARM_IRQS_OFF
#define ARCH_ARM_IRQS_OFF	0
#endif

/* Where nothing has to be taken back from the interrupt controller, nobody is asked to. */
#ifndef ARCH_SYNC_FROM_HW
#define ARCH_SYNC_FROM_HW	1
#endif

#define HALT_POLL_START_NS	10000	/* the first window of a vCPU that begins to poll */
#define HALT_POLL_LIMIT_NS	1000000	/* whatever the parameter says */

/* --- kick and wake ----------------------------------------------------------- */

bool vcpu_wake(struct vcpu *vcpu)
{
	return rcuwait_wake_up(&vcpu->wait);
}

void vcpu_kick(struct vcpu *vcpu)
{
	int cpu, self;

	/*
	 * rcuwait_wake_up() begins with a full barrier.  It orders what the
	 * caller did before the look at the mode as well, and pairs with
	 * smp_store_mb() in vcpu_enter_guest().
	 */
	if (vcpu_wake(vcpu))
		return;
	if (READ_ONCE(vcpu->mode) != IN_GUEST_MODE)
		return;

	/*
	 * On its own CPU it has left the guest already, or this could not run.  The
	 * mode stays as it is then: a fast handler may go on to enter again, and
	 * others have to be able to stop it.
	 *
	 * Whom to interrupt is read after the mode has changed: it may have been in the
	 * guest elsewhere by then, and nobody else will interrupt it there.
	 */
	self = get_cpu();
	if ((ARCH_KICK_SELF || READ_ONCE(vcpu->cpu) != self) &&
	    cmpxchg(&vcpu->mode, IN_GUEST_MODE, EXITING_GUEST_MODE) == IN_GUEST_MODE) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0)
			vcpu_op(kick)(vcpu, cpu);
	}
	put_cpu();
}

bool vcpu_interrupted(struct vcpu *vcpu)
{
	return signal_pending(current) || host_run_immediate_exit(vcpu->run);
}

/* --- halt ------------------------------------------------------------------------ */

static bool vcpu_halt_over(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests) || vcpu_op(runnable)(vcpu) ||
	       vcpu_interrupted(vcpu);
}

/* True if the halt ended while polling. */
static bool vcpu_halt_poll(struct vcpu *vcpu, ktime_t start)
{
	ktime_t stop = ktime_add_ns(start, vcpu->halt_poll_ns);

	do {
		if (vcpu_halt_over(vcpu))
			return true;
		cpu_relax();
	} while (!need_resched() && ktime_before(ktime_get(), stop));

	return false;
}

static void vcpu_halt_sleep(struct vcpu *vcpu)
{
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		/* A full barrier; pairs with the one in rcuwait_wake_up(). */
		set_current_state(TASK_INTERRUPTIBLE);
		if (vcpu_halt_over(vcpu))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
}

/*
 * A halt that a longer window would have caught widens it; one that no allowed
 * window could have caught closes it.
 */
static void vcpu_halt_adjust(struct vcpu *vcpu, u64 halted_ns)
{
	unsigned int limit = min_t(unsigned int, READ_ONCE(halt_poll_ns), HALT_POLL_LIMIT_NS);
	unsigned int window = vcpu->halt_poll_ns;

	if (halted_ns > limit)
		window = 0;
	else if (halted_ns > window)
		window = max_t(unsigned int, 2 * window, HALT_POLL_START_NS);

	vcpu->halt_poll_ns = min(window, limit);
}

void vcpu_halt(struct vcpu *vcpu) __must_hold(&vcpu->vm->srcu)
{
	ktime_t start, polled, end;
	bool hit = false;

	lockdep_assert_held(&vcpu->mutex);

	vcpu_srcu_unlock(vcpu);
	vcpu_op(block)(vcpu);

	vcpu->stats.halts++;
	start = ktime_get();
	polled = start;
	if (vcpu->halt_poll_ns) {
		hit = vcpu_halt_poll(vcpu, start);
		polled = ktime_get();
		vcpu->stats.halt_poll_ns += ktime_to_ns(ktime_sub(polled, start));
	}
	end = polled;
	if (hit) {
		vcpu->stats.halt_poll_hits++;
	} else {
		vcpu_halt_sleep(vcpu);
		end = ktime_get();
		vcpu->stats.halt_wait_ns += ktime_to_ns(ktime_sub(end, polled));
	}
	vcpu_halt_adjust(vcpu, ktime_to_ns(ktime_sub(end, start)));

	vcpu_op(unblock)(vcpu);
	vcpu_srcu_lock(vcpu);
}

/* --- in the guest --------------------------------------------------------------------- */

/* Is there something to do outside before the guest may be entered? */
static __always_inline bool vcpu_entry_blocked(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests) || host_work_pending();
}

/* The world switch, with nothing instrumented around it. */
static noinstr void vcpu_enter_raw(struct vcpu *vcpu)
{
	host_guest_state_enter();
	vcpu_op(enter)(vcpu);
	host_guest_state_exit();
}

/*
 * irqs off, mode IN_GUEST_MODE.  Enters the guest as long as fast handlers deal
 * with its exits, and returns what the last one did: REENTER if nothing is left to
 * handle, RESUME_GUEST if handle_exit has to, or EXIT_TO_USER.  Bounded by the host:
 * its interrupts have no fast handler but some of an architecture's own, and what
 * that leaves pending ends the next entry at once.
 */
static int vcpu_stay(struct vcpu *vcpu)
{
	bool has_irqchip = vm_has_irqchip(vcpu->vm);
	int ret;

	do {
		if (has_irqchip)
			irqchip_op(sync_to_hw)(vcpu);
		if (vcpu_op(commit)(vcpu))
			return REENTER;

		trace_keel_entry(vcpu);
		vcpu_enter_raw(vcpu);
		vcpu_op(after_enter)(vcpu);
		if (ARCH_SYNC_FROM_HW && has_irqchip)
			irqchip_op(sync_from_hw)(vcpu);
		vcpu->stats.exits++;
		trace_keel_exit(vcpu);

		ret = vcpu_op(fast_exit)(vcpu);
		if (ret != REENTER)
			return ret;
		vcpu->stats.fast_exits++;
	} while (!vcpu_entry_blocked(vcpu));

	return REENTER;
}

/*
 * One stay in the guest, with the result of vcpu_stay().  The only function of core
 * with irqs off.  vm->srcu is not held: a guest may stay for long.
 */
static int vcpu_enter_guest(struct vcpu *vcpu)
{
	int ret = REENTER;

	preempt_disable();
	if (!ARCH_ARM_IRQS_OFF)
		vcpu_op(arm)(vcpu);
	local_irq_disable();

	/*
	 * See the top of the file.  Pairs with the barrier in vcpu_kick() and
	 * smp_mb__after_atomic() in vcpu_request_outside().
	 */
	smp_store_mb(vcpu->mode, IN_GUEST_MODE);
	if (unlikely(vcpu_entry_blocked(vcpu))) {
		smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);
		goto out_irq_enable;
	}

	host_guest_time_enter(&vcpu->rcu_noted);
	if (ARCH_ARM_IRQS_OFF)
		vcpu_op(arm)(vcpu);
	ret = vcpu_stay(vcpu);
	if (ARCH_ARM_IRQS_OFF)
		vcpu_op(disarm)(vcpu);

	/*
	 * All the guest did comes before it is seen outside.  Pairs with
	 * smp_load_acquire() in vcpu_request_outside().
	 */
	if (READ_ONCE(vcpu->mode) == EXITING_GUEST_MODE)
		vcpu->stats.kicks++;
	smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);

	/*
	 * Let the interrupt that ended the stay in while time is still the
	 * guest's: where time is counted by ticks, this is the guest's tick.
	 * Something has to stand between on and off, because an instruction
	 * that enables interrupts may take effect only after the next one.
	 */
	local_irq_enable();
	WRITE_ONCE(vcpu->stats.stays, vcpu->stats.stays + 1);
	local_irq_disable();
	host_guest_time_exit();

out_irq_enable:
	local_irq_enable();
	if (!ARCH_ARM_IRQS_OFF)
		vcpu_op(disarm)(vcpu);
	preempt_enable();

	return ret;
}

/* --- the loop --------------------------------------------------------------------------- */

static int vcpu_exit_signal(struct vcpu *vcpu)
{
	vcpu_exit(vcpu, KVM_EXIT_INTR);
	vcpu->stats.signal_exits++;

	return -EINTR;
}

/* A signal, other work of the task, or another task that wants the CPU. */
static int vcpu_serve_host(struct vcpu *vcpu) __must_hold(&vcpu->vm->srcu)
{
	if (host_signal_pending())
		return vcpu_exit_signal(vcpu);
	if (host_restart_pending()) {
		/* For the case that a handler then ends it. */
		vcpu_exit(vcpu, KVM_EXIT_INTR);
		return -ERESTARTNOHAND;
	}

	vcpu_srcu_unlock(vcpu);
	host_reschedule();
	vcpu_srcu_lock(vcpu);

	return RESUME_GUEST;
}

/* Core's own requests; the architecture serves the rest in prepare and commit. */
static int vcpu_serve_requests(struct vcpu *vcpu)
{
	/* Never taken: it is for good. */
	if (vcpu_requested(vcpu, REQ_DEAD))
		return -EIO;
	vcpu_take_request(vcpu, REQ_UNBLOCK);

	return RESUME_GUEST;
}

/* From outside the guest to outside the guest; vm->srcu held at both ends. */
static int vcpu_run_once(struct vcpu *vcpu)
{
	int ret;

	if (host_work_pending()) {
		ret = vcpu_serve_host(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}
	if (READ_ONCE(vcpu->requests)) {
		ret = vcpu_serve_requests(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}

	ret = vcpu_op(prepare)(vcpu);
	if (ret != RESUME_GUEST)
		return ret;

	vcpu_srcu_unlock(vcpu);
	ret = vcpu_enter_guest(vcpu);
	vcpu_srcu_lock(vcpu);
	if (ret == EXIT_TO_USER)
		return ret;
	if (ret == REENTER) {
		/* It may be that it cannot enter: a halt that user space ends. */
		if (unlikely(host_run_immediate_exit(vcpu->run)))
			return vcpu_exit_signal(vcpu);
		return RESUME_GUEST;
	}

	return vcpu_op(handle_exit)(vcpu);
}

/*
 * What user space was asked to do is finished first, even if it wants the vCPU
 * to stop: only then are its registers of a whole instruction.  A piece that is
 * still missing goes to user space as before.
 */
static int vcpu_complete(struct vcpu *vcpu)
{
	int (*complete)(struct vcpu *vcpu) = vcpu->complete;
	int ret = RESUME_GUEST;

	/* No error may leave the reason of the exit before in place. */
	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	if (complete) {
		vcpu->complete = NULL;
		ret = complete(vcpu);
	}

	return ret;
}

/*
 * A run that user space wants to end at once is no exit, so what the exit before
 * it said is still there: who only had that exit finished may look at it again.
 */
static int vcpu_run_guest(struct vcpu *vcpu)
{
	u32 reason = READ_ONCE(vcpu->run->exit_reason);
	int ret = vcpu_complete(vcpu);

	if (ret == RESUME_GUEST && host_run_immediate_exit(vcpu->run)) {
		vcpu->run->exit_reason = reason;
		vcpu->stats.signal_exits++;
		return -EINTR;
	}

	while (ret == RESUME_GUEST)
		ret = vcpu_run_once(vcpu);
	if (ret == -EINTR && vcpu->run->exit_reason != KVM_EXIT_INTR)
		vcpu_exit_signal(vcpu);

	return ret;
}

int vcpu_run(struct vcpu *vcpu)
{
	int ret;

	lockdep_assert_held(&vcpu->mutex);

	WRITE_ONCE(vcpu->task, current);
	WRITE_ONCE(vcpu->wants_run, true);
	vcpu_op(run_begin)(vcpu);
	vcpu_load(vcpu);
	vcpu_srcu_lock(vcpu);

	ret = vcpu_run_guest(vcpu);

	vcpu_srcu_unlock(vcpu);
	vcpu_put(vcpu);
	vcpu_op(run_end)(vcpu, ret);
	WRITE_ONCE(vcpu->wants_run, false);
	WRITE_ONCE(vcpu->task, NULL);

	if (ret == EXIT_TO_USER)
		vcpu->stats.user_exits++;

	return ret;
}

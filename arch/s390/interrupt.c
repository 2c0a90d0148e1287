// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interruptions of a CPU: what makes one pending, whether the CPU is enabled for it, what
 * it takes before it runs on, how it waits.  How one is presented is in
 * interrupt_deliver.c, those of the VM are in interrupt_float.c.
 *
 * The protocol between who makes one pending and a CPU that waits:
 *
 *	the other			the CPU
 *	---------			-------
 *	pending, under the lock		waiting = true
 *	full barrier			full barrier
 *	waiting?			pending and allowed?
 *
 * Each writes first and reads second, so one of the two sees the other.  A CPU that does
 * not wait gets a request, as core/run.c has it.
 */
#include <asm/ctlreg.h>
#include <asm/timex.h>

#include "s390.h"

/* Requests for an interception that a prepare makes anew. */
#define CPUSTAT_REQUESTS	(CPUSTAT_STOP_INT | CPUSTAT_IO_INT | CPUSTAT_EXT_INT)
#define LCTL_REQUESTS		(LCTL_CR0 | LCTL_CR6 | LCTL_CR14)

/* What bit of control register 0 lets an external interruption in. */
static const struct {
	u8	irq;
	u64	submask;
} external_submasks[] = {
	{ S390_IRQ_EMERGENCY,		CR0_EMERGENCY_SIGNAL_SUBMASK },
	{ S390_IRQ_EXTERNAL_CALL,	CR0_EXTERNAL_CALL_SUBMASK },
	{ S390_IRQ_CLOCK_COMPARATOR,	CR0_CLOCK_COMPARATOR_SUBMASK },
	{ S390_IRQ_CPU_TIMER,		CR0_CPU_TIMER_SUBMASK },
	{ S390_IRQ_SERVICE,		CR0_SERVICE_SIGNAL_SUBMASK },
	{ S390_IRQ_PFAULT_INIT,		CR0_SERVICE_SIGNAL_SUBMASK },
	{ S390_IRQ_PFAULT_DONE,		CR0_SERVICE_SIGNAL_SUBMASK },
	{ S390_IRQ_VIRTIO,		CR0_SERVICE_SIGNAL_SUBMASK },
};

/* --- what is pending, and allowed -------------------------------------------- */

/* Is the guest's TOD clock beyond its clock comparator? */
static bool comparator_pending(struct vcpu *vcpu)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	return READ_ONCE(sie->gcr[0]) & CR0_CLOCK_COMPARATOR_SUBMASK &&
	       READ_ONCE(sie->ckc) < get_tod_clock_fast() + READ_ONCE(sie->epoch);
}

static bool cpu_timer_pending(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.sie->gcr[0]) & CR0_CPU_TIMER_SUBMASK &&
	       (s64)s390_cpu_timer(vcpu) < 0;
}

/* Made pending by somebody, and not by time. */
static unsigned long irqs_injected(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.local.pending) |
	       READ_ONCE(vcpu->vm->arch.floating.pending);
}

unsigned long s390_irqs_pending(struct vcpu *vcpu)
{
	unsigned long pending = irqs_injected(vcpu);

	if (!(READ_ONCE(vcpu->arch.sie->gpsw.mask) & PSW_MASK_EXT))
		return pending;
	if (comparator_pending(vcpu))
		pending |= BIT(S390_IRQ_CLOCK_COMPARATOR);
	if (cpu_timer_pending(vcpu))
		pending |= BIT(S390_IRQ_CPU_TIMER);

	return pending;
}

static unsigned long allowed_external(u64 cr0)
{
	unsigned long allowed = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(external_submasks); i++)
		if (cr0 & external_submasks[i].submask)
			allowed |= BIT(external_submasks[i].irq);

	return allowed;
}

static unsigned long allowed_io(u64 cr6)
{
	unsigned long allowed = 0;
	unsigned int isc;

	for (isc = 0; isc < S390_ISCS; isc++)
		if (cr6 & (0x80000000UL >> isc))
			allowed |= BIT(S390_IRQ_IO_0 + isc);

	return allowed;
}

/* A repressible machine check has a subclass mask of its own. */
static unsigned long allowed_mchk(struct vcpu *vcpu, u64 cr14)
{
	u64 local = READ_ONCE(vcpu->arch.local.mchk.cr14);
	u64 floating = READ_ONCE(vcpu->vm->arch.floating.mchk.cr14);
	unsigned long allowed = BIT(S390_IRQ_MCHK_EXIGENT);

	if ((local | floating) & cr14)
		allowed |= BIT(S390_IRQ_MCHK);

	return allowed;
}

unsigned long s390_irqs_allowed(struct vcpu *vcpu, unsigned long pending)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	u64 mask = READ_ONCE(sie->gpsw.mask);
	unsigned long allowed = BIT(S390_IRQ_PROGRAM) | BIT(S390_IRQ_RESTART) | S390_IRQ_SIGP;

	if (mask & PSW_MASK_EXT)
		allowed |= allowed_external(READ_ONCE(sie->gcr[0]));
	if (mask & PSW_MASK_IO)
		allowed |= allowed_io(READ_ONCE(sie->gcr[6]));
	if (mask & PSW_MASK_MCHECK)
		allowed |= allowed_mchk(vcpu, READ_ONCE(sie->gcr[14]));

	return allowed & pending;
}

bool s390_interrupt_runnable(struct vcpu *vcpu)
{
	return s390_irqs_allowed(vcpu, s390_irqs_pending(vcpu));
}

bool s390_stop_pending(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.local.pending) & BIT(S390_IRQ_STOP);
}

bool s390_external_call_pending(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.local.pending) & BIT(S390_IRQ_EXTERNAL_CALL);
}

void s390_stop_drop(struct vcpu *vcpu)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;

	raw_spin_lock_irqsave(&local->lock, flags);
	local->stop_flags = 0;
	WRITE_ONCE(local->pending, local->pending & ~BIT(S390_IRQ_STOP));
	raw_spin_unlock_irqrestore(&local->lock, flags);
}

bool s390_stop_take(struct vcpu *vcpu, u32 *flags)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long irqflags;

	lockdep_assert_held(&vcpu->mutex);

	/* "Stopped State": what is allowed is taken before the CPU stops. */
	if (!s390_stop_pending(vcpu) ||
	    s390_irqs_allowed(vcpu, s390_irqs_pending(vcpu)) & ~S390_IRQ_SIGP)
		return false;

	raw_spin_lock_irqsave(&local->lock, irqflags);
	*flags = local->stop_flags;
	local->stop_flags = 0;
	WRITE_ONCE(local->pending, local->pending & ~BIT(S390_IRQ_STOP));
	raw_spin_unlock_irqrestore(&local->lock, irqflags);
	/* Else user space says when. */
	if (!READ_ONCE(vcpu->vm->arch.user_cpu_state))
		s390_set_stopped(vcpu, true);

	return true;
}

/* --- lifetime ------------------------------------------------------------------- */

/* Time has come for what ends the wait.  The timer may be early: look again. */
static enum hrtimer_restart wait_timer_fired(struct hrtimer *timer)
{
	struct vcpu *vcpu = container_of(timer, struct vcpu, arch.local.wait_timer);

	vcpu_request(vcpu, REQ_UNBLOCK);
	vcpu_wake(vcpu);

	return HRTIMER_NORESTART;
}

void s390_local_init(struct vcpu *vcpu)
{
	struct s390_local *local = &vcpu->arch.local;

	raw_spin_lock_init(&local->lock);
	hrtimer_init(&local->wait_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	local->wait_timer.function = wait_timer_fired;
	vcpu->mp_state = KVM_MP_STATE_STOPPED;
	if (vcpu->arch.sie)
		atomic_or(CPUSTAT_STOPPED, &vcpu->arch.sie->cpuflags);
}

void s390_local_destroy(struct vcpu *vcpu)
{
	if (vcpu->arch.local.wait_timer.function)
		hrtimer_cancel(&vcpu->arch.local.wait_timer);
}

void s390_local_clear(struct vcpu *vcpu)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;

	raw_spin_lock_irqsave(&local->lock, flags);
	WRITE_ONCE(local->pending, 0);
	bitmap_zero(local->emergency, ARCH_MAX_VCPU_ID);
	local->external_call = 0;
	local->prefix = 0;
	local->stop_flags = 0;
	memset(&local->pfault, 0, sizeof(local->pfault));
	memset(&local->pgm, 0, sizeof(local->pgm));
	memset(&local->mchk, 0, sizeof(local->mchk));
	raw_spin_unlock_irqrestore(&local->lock, flags);
}

/* --- the stopped state -------------------------------------------------------------- */

void s390_set_stopped(struct vcpu *vcpu, bool stopped)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	WRITE_ONCE(vcpu->mp_state, stopped ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_OPERATING);
	/* What SIGP sense of other CPUs, and the hardware, look at. */
	if (stopped)
		atomic_or(CPUSTAT_STOPPED, &vcpu->arch.sie->cpuflags);
	else
		atomic_andnot(CPUSTAT_STOPPED, &vcpu->arch.sie->cpuflags);
	/* Who asks for a stop meanwhile has it.  Pairs with s390_inject_local(). */
	if (stopped)
		s390_stop_drop(vcpu);
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);
}

/*
 * Where user space has never said which state a CPU is in, KVM_RUN starts it; where it
 * has, running a stopped one is its mistake.
 */
static int run_stopped(struct vcpu *vcpu)
{
	if (READ_ONCE(vcpu->vm->arch.user_cpu_state))
		return -EINVAL;
	s390_set_stopped(vcpu, false);

	return RESUME_GUEST;
}

/* --- before each entry ----------------------------------------------------------------- */

/*
 * Each at most once, the most urgent first: the next one sees the PSW that this one has
 * loaded.  Those that are allowed even then, because the guest's new PSW does not disable
 * them, come in the next round, which the host can interrupt.
 */
static int deliver_allowed(struct vcpu *vcpu, unsigned long pending)
{
	unsigned int irq;
	int err;

	for_each_set_bit(irq, &pending, S390_IRQ_STOP) {
		if (!s390_irqs_allowed(vcpu, BIT(irq)))
			continue;
		err = s390_irq_deliver(vcpu, irq);
		if (err)
			return err;
		vcpu->stats.injected++;
	}

	return 0;
}

struct requests {
	u32	cpustat;
	u16	lctl;
	u32	ictl;
};

/*
 * One class of what is pending: @open says that the PSW lets the class in.  If it does not,
 * @status asks for an interception as soon as it does; if only the control register keeps
 * them out, the load of it is intercepted.
 */
static void request_class(struct requests *requests, unsigned long pending,
			  unsigned long allowed, bool open, u32 status, u16 lctl)
{
	if (!pending)
		return;
	if (!open || allowed)
		requests->cpustat |= status;
	else
		requests->lctl |= lctl;
}

static struct requests requests_make(struct vcpu *vcpu)
{
	unsigned long pending = irqs_injected(vcpu);
	unsigned long allowed = s390_irqs_allowed(vcpu, pending);
	u64 mask = vcpu->arch.sie->gpsw.mask;
	struct requests requests = {};

	request_class(&requests, pending & S390_IRQ_EXTERNAL, allowed & S390_IRQ_EXTERNAL,
		      mask & PSW_MASK_EXT, CPUSTAT_EXT_INT, LCTL_CR0);
	request_class(&requests, pending & S390_IRQ_IO, allowed & S390_IRQ_IO,
		      mask & PSW_MASK_IO, CPUSTAT_IO_INT, LCTL_CR6);
	if (pending & S390_IRQ_MCHKS) {
		/*
		 * There is no request for them: see each PSW that the guest loads.  One that
		 * an interruption or PROGRAM RETURN brings is seen at the end of the stay,
		 * with the next interrupt of the host at the latest.
		 */
		if (!(mask & PSW_MASK_MCHECK))
			requests.ictl |= ICTL_LPSW;
		else
			requests.lctl |= LCTL_CR14;
	}
	if (pending & BIT(S390_IRQ_STOP))
		requests.cpustat |= CPUSTAT_STOP_INT;

	return requests;
}

/*
 * Show the requests to the hardware.  A stop request of vcpu_kick() from before goes: what
 * it was for has been seen.
 */
static void requests_show(struct vcpu *vcpu, const struct requests *requests)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	u32 old = atomic_read(&sie->cpuflags) & CPUSTAT_REQUESTS;

	if (old & ~requests->cpustat)
		atomic_andnot(old & ~requests->cpustat, &sie->cpuflags);
	if (requests->cpustat & ~old)
		atomic_or(requests->cpustat & ~old, &sie->cpuflags);
	sie->lctl = (sie->lctl & ~LCTL_REQUESTS) | requests->lctl;
	sie->ictl = (sie->ictl & ~ICTL_LPSW) | requests->ictl;
	vcpu->arch.local.requested = requests->cpustat || requests->lctl || requests->ictl;
}

int s390_interrupt_prepare(struct vcpu *vcpu)
{
	struct requests requests;
	unsigned long pending;
	int ret;

	if (unlikely(s390_is_stopped(vcpu))) {
		ret = run_stopped(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}

	vcpu_take_request(vcpu, REQ_INTERRUPT);
	/* User space may ask for it at any time, and the CPUs get a request. */
	if (unlikely(READ_ONCE(vcpu->vm->arch.user_instr0)))
		vcpu->arch.sie->ictl |= ICTL_OPEREXC;
	pending = s390_irqs_pending(vcpu);
	if (likely(!pending && !vcpu->arch.local.requested &&
		   !(atomic_read(&vcpu->arch.sie->cpuflags) & CPUSTAT_REQUESTS)))
		return RESUME_GUEST;

	ret = deliver_allowed(vcpu, pending);
	if (ret)
		return ret;
	s390_floating_pass(vcpu);
	requests = requests_make(vcpu);
	requests_show(vcpu, &requests);

	return RESUME_GUEST;
}

/* --- waiting ------------------------------------------------------------------------------ */

void s390_interrupt_kick(struct vcpu *vcpu)
{
	/* Pairs with those in s390_interrupt_block() and _unblock(). */
	smp_mb();
	if (s390_is_waiting(vcpu)) {
		if (s390_interrupt_runnable(vcpu))
			vcpu_wake(vcpu);
		return;
	}
	vcpu_request(vcpu, REQ_INTERRUPT);
	vcpu_kick(vcpu);
}

/* Nanoseconds until @when, on a clock in units of the TOD clock that is at @now. */
static u64 wait_left(u64 now, u64 when)
{
	return when > now ? tod_to_ns(when - now) + 1 : 0;
}

/* What ends the wait in time: KTIME_MAX if nothing does. */
static u64 wait_limit(struct vcpu *vcpu)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	u64 left = KTIME_MAX;

	if (!(sie->gpsw.mask & PSW_MASK_EXT))
		return left;
	if (sie->gcr[0] & CR0_CLOCK_COMPARATOR_SUBMASK)
		left = min(left, wait_left(get_tod_clock_fast() + sie->epoch, sie->ckc));
	/* Pending once it is negative. */
	if (sie->gcr[0] & CR0_CPU_TIMER_SUBMASK && (s64)s390_cpu_timer(vcpu) >= 0)
		left = min(left, wait_left(0, s390_cpu_timer(vcpu)));

	return left;
}

void s390_interrupt_block(struct vcpu *vcpu)
{
	struct s390_local *local = &vcpu->arch.local;
	u64 left = wait_limit(vcpu);

	if (left < KTIME_MAX)
		hrtimer_start(&local->wait_timer, ns_to_ktime(left), HRTIMER_MODE_REL);
	/* Waiting first, then core looks whether it has to.  Pairs with s390_interrupt_kick(). */
	smp_store_mb(local->waiting, true);
}

void s390_interrupt_unblock(struct vcpu *vcpu)
{
	struct s390_local *local = &vcpu->arch.local;

	/* From now on others send a request; what came before is seen in prepare. */
	smp_store_mb(local->waiting, false);
	local->woken = true;
	hrtimer_cancel(&local->wait_timer);
}

int s390_wait(struct vcpu *vcpu)
{
	u64 enabled = PSW_MASK_EXT | PSW_MASK_IO | PSW_MASK_MCHECK;

	/* A restart ends it all the same, also one that came after the look at what is pending. */
	if (!(vcpu->arch.sie->gpsw.mask & enabled))
		return s390_interrupt_runnable(vcpu) ? RESUME_GUEST : -EOPNOTSUPP;

	vcpu_halt(vcpu);
	/* The next entry would only find the guest waiting again. */
	if (host_run_immediate_exit(vcpu->run))
		return -EINTR;

	return RESUME_GUEST;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's two timers (Arm ARM, "The Generic Timer in AArch64 state").
 *
 * A timer is in the hardware while the vCPU is loaded: the virtual one always, the physical
 * one as long as its counter is the host's and its interrupt can be had (timer_host.c).  The
 * interrupt at the host is forwarded: who handles it in the guest deactivates it there, by a
 * list register that names the host's.  What the guest sees is the level, looked at before
 * an entry.
 *
 * A physical timer whose counter has an offset traps (sysreg.c), and an hrtimer takes its
 * place.  CNTPOFF_EL2 could be that offset, but only in the guest: while the host runs, the
 * timer would be compared without, so each entry and exit would have to write it anew.
 *
 * In a halt both are hrtimers.  Where the interrupt controller is user space's, it hears of
 * the levels in kvm_run.
 */
#include <linux/cleanup.h>
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <linux/uaccess.h>
#include <core/host.h>

#include "timer.h"

/* What a guest writes of a control register. */
#define CTL_WRITABLE	(ARCH_TIMER_CTRL_ENABLE | ARCH_TIMER_CTRL_IT_MASK)

/* The longest single wait: what comes later is looked at again then. */
#define TIMER_MAX_SECONDS	3600

/* INTIDs of private peripheral interrupts. */
#define PPI_FIRST	16
#define PPI_END		32

/* What the Base System Architecture has them at. */
static const u32 default_ppi[TIMERS] = { [TIMER_VIRTUAL] = 27, [TIMER_PHYSICAL] = 30 };

/* --- time ------------------------------------------------------------------ */

/* The host's counter, which has no offset while it runs at EL2. */
static u64 timer_counter(void)
{
	return arch_timer_read_counter();
}

static u64 timer_offset(const struct vcpu *vcpu, unsigned int number)
{
	return READ_ONCE(vcpu->vm->arch.counter_offset[number]);
}

static u64 timer_guest_counter(const struct vcpu *vcpu, unsigned int number)
{
	return timer_counter() - timer_offset(vcpu, number);
}

/* Would it interrupt if it expired? */
static bool timer_enabled(const struct arm64_timer *timer)
{
	return (READ_ONCE(timer->ctl) & CTL_WRITABLE) == ARCH_TIMER_CTRL_ENABLE;
}

/* By what is in memory: is its output up? */
static bool timer_due(const struct vcpu *vcpu, unsigned int number)
{
	const struct arm64_timer *timer = &vcpu->arch.timer[number];

	return timer_enabled(timer) &&
	       timer_guest_counter(vcpu, number) >= READ_ONCE(timer->cval);
}

/* Nanoseconds until it expires, at most an hour; 0: it has. */
static u64 timer_wait_ns(const struct vcpu *vcpu, unsigned int number)
{
	u64 cval = READ_ONCE(vcpu->arch.timer[number].cval);
	u64 now = timer_guest_counter(vcpu, number), ticks;

	if (now >= cval)
		return 0;
	ticks = min(cval - now, (u64)arm64_host.counter_rate * TIMER_MAX_SECONDS);

	/* Up: a wait that ends early would have to begin anew. */
	return mul_u64_u32_div(ticks, NSEC_PER_SEC, arm64_host.counter_rate) + 1;
}

/* --- hrtimers -------------------------------------------------------------- */

/*
 * In an interrupt.  It may come early: the two clocks are not one.  In a halt nobody else
 * starts it again; otherwise arm64_timer_sync() does, and only that, so that this cannot
 * bring back an expiry that the guest has changed meanwhile.
 */
static enum hrtimer_restart timer_callback(struct vcpu *vcpu, unsigned int number)
{
	struct arm64_timer *timer = &vcpu->arch.timer[number];
	u64 ns;

	if (READ_ONCE(vcpu->arch.timer_blocked)) {
		ns = timer_wait_ns(vcpu, number);
		if (ns) {
			hrtimer_forward_now(&timer->hrtimer, ns_to_ktime(ns));
			return HRTIMER_RESTART;
		}
	}

	/* Before the kick: after it the vCPU looks. */
	WRITE_ONCE(timer->armed, false);
	vcpu_kick(vcpu);

	return HRTIMER_NORESTART;
}

static enum hrtimer_restart virtual_callback(struct hrtimer *hrtimer)
{
	return timer_callback(container_of(hrtimer, struct vcpu,
					   arch.timer[TIMER_VIRTUAL].hrtimer), TIMER_VIRTUAL);
}

static enum hrtimer_restart physical_callback(struct hrtimer *hrtimer)
{
	return timer_callback(container_of(hrtimer, struct vcpu,
					   arch.timer[TIMER_PHYSICAL].hrtimer), TIMER_PHYSICAL);
}

/*
 * Start the hrtimer of one that is to expire.  If it just has, the hrtimer comes at once:
 * the caller has seen that it had not.  By the vCPU, irqs on or off.
 */
static void timer_arm(struct vcpu *vcpu, unsigned int number)
{
	struct arm64_timer *timer = &vcpu->arch.timer[number];
	u64 ns = timer_wait_ns(vcpu, number);

	WRITE_ONCE(timer->armed, true);
	hrtimer_start(&timer->hrtimer, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
}

/* On return no callback runs.  May sleep. */
static void timer_disarm(struct arm64_timer *timer)
{
	hrtimer_cancel(&timer->hrtimer);
	WRITE_ONCE(timer->armed, false);
}

/*
 * The same around halts, where one is seldom left to cancel: a callback that has said that it
 * is not armed any more only kicks the vCPU.
 */
static void timer_disarm_armed(struct arm64_timer *timer)
{
	if (READ_ONCE(timer->armed))
		timer_disarm(timer);
}

/* --- load and put ---------------------------------------------------------- */

/* Is it in the hardware right now?  By the vCPU's own task, or (m). */
static bool timer_loaded(const struct vcpu *vcpu, unsigned int number)
{
	return vcpu->arch.timer[number].direct && vcpu->loaded && !vcpu->arch.timer_blocked;
}

static void timer_save(struct arm64_timer *timer, unsigned int number)
{
	u64 ctl = timer_hw_ctl(number) & CTL_WRITABLE;

	WRITE_ONCE(timer->ctl, ctl);
	WRITE_ONCE(timer->cval, timer_hw_cval(number));
	/* Nobody is there to take it. */
	if (ctl)
		timer_hw_set_ctl(number, 0);
}

/* Preemption off. */
static void timers_save(struct vcpu *vcpu)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		if (vcpu->arch.timer[i].direct)
			timer_save(&vcpu->arch.timer[i], i);
}

/* Will the guest's end of interrupt deactivate the host's? */
static bool timer_in_guest(struct vcpu *vcpu, unsigned int number)
{
	const struct arm64_timer *timer = &vcpu->arch.timer[number];

	return timer->ppi && vgic_is_active(vcpu, timer->ppi);
}

/*
 * The state of the interrupt is the CPU's and moves with the vCPU: one that the guest
 * has, or is about to get, must not come to the host again.  The hardware's timer is off.
 */
static void timer_restore(struct vcpu *vcpu, unsigned int number)
{
	const struct arm64_timer *timer = &vcpu->arch.timer[number];

	bool active = timer_due(vcpu, number) || timer_in_guest(vcpu, number);

	if (active || this_cpu_read(arm64_timer_active) & BIT(number))
		arm64_timer_set_active(number, active);
	timer_hw_set_cval(number, timer->cval);
	if (!timer->ctl)
		return;
	/* Enabled with the compare value that it had before it would expire. */
	isb();
	timer_hw_set_ctl(number, timer->ctl);
}

/* Preemption off. */
static void timers_restore(struct vcpu *vcpu)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		if (vcpu->arch.timer[i].direct)
			timer_restore(vcpu, i);
}

/* The offsets of the counters, and what traps for it.  Preemption off. */
static void timer_load_offsets(struct vcpu *vcpu)
{
	u64 cnthctl = read_sysreg(cnthctl_el2), wanted = cnthctl & ~CNTHCTL_E2H_TRAPS;

	/* The guest reads the physical counter itself as long as it is the host's. */
	if (!timer_offset(vcpu, TIMER_PHYSICAL))
		wanted |= CNTHCTL_E2H_EL1PCTEN;
	if (vcpu->arch.timer[TIMER_PHYSICAL].direct)
		wanted |= CNTHCTL_E2H_EL1PTEN;
	if (wanted != cnthctl)
		write_sysreg(wanted, cnthctl_el2);
	write_sysreg(timer_offset(vcpu, TIMER_VIRTUAL), cntvoff_el2);
}

/* Which of the host's interrupts the guest's is. */
static void timer_map(struct vcpu *vcpu, unsigned int number)
{
	const struct arm64_timer *timer = &vcpu->arch.timer[number];
	const struct timer_hw *hw = &arm64_timer_hw[number];

	if (timer->ppi)
		vgic_map_hw(vcpu, timer->ppi, timer->direct ? hw->irq : 0, hw->hwirq);
}

static void timer_unmap(struct vcpu *vcpu, unsigned int number)
{
	if (vcpu->arch.timer[number].ppi)
		vgic_map_hw(vcpu, vcpu->arch.timer[number].ppi, 0,
			    arm64_timer_hw[number].hwirq);
}

/* As the vGIC or, without one, user space last heard. */
static bool timer_level(const struct vcpu *vcpu, unsigned int number)
{
	return READ_ONCE(vcpu->arch.timer_levels) & BIT(number);
}

static void timer_set_level(struct vcpu *vcpu, unsigned int number, bool level)
{
	u8 others = vcpu->arch.timer_levels & ~BIT(number);

	WRITE_ONCE(vcpu->arch.timer_levels, others | (level ? BIT(number) : 0));
}

/* Its line, if it is up, goes down. */
static void timer_lower(struct vcpu *vcpu, unsigned int number)
{
	if (timer_level(vcpu, number) && vcpu->arch.timer[number].ppi)
		vgic_ppi(vcpu, vcpu->arch.timer[number].ppi, false);
	timer_set_level(vcpu, number, false);
}

/* The vGIC and the numbers of the interrupts come after the vCPU, if they come. */
static void timer_connect(struct vcpu *vcpu)
{
	struct arm64_timer *timer = vcpu->arch.timer;
	u32 ppi[TIMERS];
	int i;

	for (i = 0; i < TIMERS; i++)
		ppi[i] = READ_ONCE(vcpu->vm->arch.timer_ppi[i]);
	if (likely(timer[TIMER_VIRTUAL].ppi == ppi[TIMER_VIRTUAL] &&
		   timer[TIMER_PHYSICAL].ppi == ppi[TIMER_PHYSICAL]))
		return;

	for (i = 0; i < TIMERS; i++) {
		timer_unmap(vcpu, i);
		timer_lower(vcpu, i);
	}
	for (i = 0; i < TIMERS; i++) {
		timer[i].ppi = ppi[i];
		/* User space may have restored a line that is not up any more. */
		vgic_ppi(vcpu, ppi[i], false);
		timer_map(vcpu, i);
	}
}

void arm64_timer_disconnect(struct vcpu *vcpu)
{
	int i;

	for (i = 0; i < TIMERS; i++) {
		timer_unmap(vcpu, i);
		vcpu->arch.timer[i].ppi = 0;
	}
}

void arm64_timer_load(struct vcpu *vcpu)
{
	if (vcpu->arch.vgic)
		timer_connect(vcpu);
	timer_load_offsets(vcpu);
	if (!vcpu->arch.timer_blocked)
		timers_restore(vcpu);
}

void arm64_timer_put(struct vcpu *vcpu)
{
	if (!vcpu->arch.timer_blocked)
		timers_save(vcpu);
}

/* --- halts ----------------------------------------------------------------- */

void arm64_timer_block(struct vcpu *vcpu)
{
	int i;

	/* On its own CPU the interrupt would come beside the hrtimer. */
	preempt_disable();
	if (vcpu->loaded && !vcpu->arch.timer_blocked)
		timers_save(vcpu);
	/* What follows looks at memory from here on; the callback, too. */
	WRITE_ONCE(vcpu->arch.timer_blocked, true);
	preempt_enable();

	for (i = 0; i < TIMERS; i++) {
		/* One that ran when this was not a halt yet would not start it again. */
		timer_disarm_armed(&vcpu->arch.timer[i]);
		if (timer_enabled(&vcpu->arch.timer[i]) && !timer_due(vcpu, i))
			timer_arm(vcpu, i);
	}
}

void arm64_timer_unblock(struct vcpu *vcpu)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		timer_disarm_armed(&vcpu->arch.timer[i]);

	preempt_disable();
	WRITE_ONCE(vcpu->arch.timer_blocked, false);
	if (vcpu->loaded)
		timers_restore(vcpu);
	preempt_enable();
}

bool arm64_timer_expired(struct vcpu *vcpu)
{
	int i;

	/* Outside a halt, memory has no news of what is in the hardware. */
	if (!READ_ONCE(vcpu->arch.timer_blocked))
		return false;
	for (i = 0; i < TIMERS; i++)
		if (!timer_level(vcpu, i) && timer_due(vcpu, i))
			return true;

	return false;
}

/* --- levels ---------------------------------------------------------------- */

/* Is the output up?  Loaded. */
static bool timer_hw_output(unsigned int number)
{
	return (timer_hw_ctl(number) & (CTL_WRITABLE | ARCH_TIMER_CTRL_IT_STAT)) ==
	       (ARCH_TIMER_CTRL_ENABLE | ARCH_TIMER_CTRL_IT_STAT);
}

/* By the vCPU, loaded or not. */
static bool timer_output(struct vcpu *vcpu, unsigned int number)
{
	return timer_loaded(vcpu, number) ? timer_hw_output(number) : timer_due(vcpu, number);
}

/* A level that the vGIC, or user space, does not know yet. */
static bool timer_changed(struct vcpu *vcpu, unsigned int number, bool level)
{
	const struct arm64_timer *timer = &vcpu->arch.timer[number];

	if (likely(timer_level(vcpu, number) == level))
		return false;
	if (!timer->ppi)
		return true;

	timer_set_level(vcpu, number, level);
	vgic_ppi(vcpu, timer->ppi, level);

	return false;
}

/*
 * What its hrtimer waits for has not come.  The hrtimer may be late, and user space is
 * told by the counter (arm64_timer_prepare()): then this is, too.
 */
static bool timer_trapped_changed(struct vcpu *vcpu, unsigned int number)
{
	const struct arm64_timer *timer = &vcpu->arch.timer[number];
	bool level = !(READ_ONCE(timer->armed) && vcpu->arch.vgic) && timer_due(vcpu, number);
	bool unknown = timer_changed(vcpu, number, level);

	if (!level && timer_enabled(timer) && !READ_ONCE(timer->armed))
		timer_arm(vcpu, number);

	return unknown;
}

int arm64_timer_sync(struct vcpu *vcpu)
{
	bool unknown = false;
	int i;

	for (i = 0; i < TIMERS; i++)
		unknown |= vcpu->arch.timer[i].direct ?
			   timer_changed(vcpu, i, timer_hw_output(i)) :
			   timer_trapped_changed(vcpu, i);

	return unlikely(unknown) ? -EAGAIN : 0;
}

/*
 * If what ended the stay is one of the guest's own timers, all that its handler at the host
 * would do is to leave it active.  Made active from here it is the same, and comes to the
 * host no more than after the handler; sync shows the guest the level.  To look which one is
 * next takes nothing from the host, and if there is another as well, that ends the next
 * entry before the guest executes anything.  One that is active already and comes all the
 * same is the host's to look at: a stay must not go round without end.
 */
int arm64_timer_interrupt(struct vcpu *vcpu)
{
	u32 intid = read_sysreg_s(SYS_ICC_HPPIR1_EL1);
	const struct arm64_timer *timer;
	int i;

	for (i = 0; i < TIMERS; i++) {
		timer = &vcpu->arch.timer[i];
		/* Only with a vGIC it has the number of an interrupt. */
		if (arm64_timer_hw[i].hwirq != intid || !timer->direct || !timer->ppi ||
		    __this_cpu_read(arm64_timer_active) & BIT(i))
			continue;
		arm64_timer_set_active(i, true);
		return REENTER;
	}

	return RESUME_GUEST;
}

/*
 * The guest may have taken the reason away and never have seen the interrupt, and then
 * nobody deactivates it.  Whether it has is not known here: once more does no harm.
 */
void arm64_timer_settle(struct vcpu *vcpu)
{
	u8 active = __this_cpu_read(arm64_timer_active) & ~vcpu->arch.timer_levels;
	int i;

	for (i = 0; i < TIMERS; i++)
		if (active & BIT(i) && vcpu->arch.timer[i].direct && !timer_in_guest(vcpu, i))
			arm64_timer_set_active(i, false);
}

/* Can the guest have the physical timer in the hardware? */
static bool timer_may_be_direct(struct vcpu *vcpu)
{
	return arm64_timer_hw[TIMER_PHYSICAL].irq && !vcpu->arch.timer[TIMER_PHYSICAL].offset;
}

/*
 * From the hardware to traps, or back.  What the guest has of its interrupt remains a list
 * register as it is: one that names the host's deactivates it once too often, one that does
 * not leaves that to arm64_timer_settle().  Between save and restore.
 */
static void timer_set_direct(struct vcpu *vcpu, bool direct)
{
	if (vcpu->arch.timer[TIMER_PHYSICAL].direct == direct)
		return;

	timer_lower(vcpu, TIMER_PHYSICAL);
	vcpu->arch.timer[TIMER_PHYSICAL].direct = direct;
	vcpu->arch.timer_trapped = !direct;
	timer_map(vcpu, TIMER_PHYSICAL);
}

/* Others have changed them: in the hardware, and for who waits by the old ones. */
static void timer_take_offsets(struct vcpu *vcpu)
{
	int i;

	preempt_disable();
	timers_save(vcpu);
	for (i = 0; i < TIMERS; i++)
		vcpu->arch.timer[i].offset = timer_offset(vcpu, i);
	timer_set_direct(vcpu, timer_may_be_direct(vcpu));
	timer_load_offsets(vcpu);
	timers_restore(vcpu);
	preempt_enable();
	timer_disarm(&vcpu->arch.timer[TIMER_PHYSICAL]);
}

int arm64_timer_prepare(struct vcpu *vcpu)
{
	const struct arm64_timer *timer = vcpu->arch.timer;
	int i;

	if (unlikely(timer[TIMER_VIRTUAL].offset != timer_offset(vcpu, TIMER_VIRTUAL) ||
		     timer[TIMER_PHYSICAL].offset != timer_offset(vcpu, TIMER_PHYSICAL)))
		timer_take_offsets(vcpu);
	if (likely(vcpu->arch.vgic))
		return RESUME_GUEST;

	for (i = 0; i < TIMERS; i++)
		if (timer_level(vcpu, i) != timer_output(vcpu, i))
			return -EINTR;

	return RESUME_GUEST;
}

void arm64_timer_report(struct vcpu *vcpu)
{
	static const u64 bits[TIMERS] = {
		[TIMER_VIRTUAL]		= KVM_ARM_DEV_EL1_VTIMER,
		[TIMER_PHYSICAL]	= KVM_ARM_DEV_EL1_PTIMER,
	};
	u64 levels = 0;
	int i;

	if (vcpu->arch.vgic)
		return;

	for (i = 0; i < TIMERS; i++) {
		timer_set_level(vcpu, i, timer_output(vcpu, i));
		if (timer_level(vcpu, i))
			levels |= bits[i];
	}
	WRITE_ONCE(vcpu->run->s.regs.device_irq_level, levels);
}

/* --- registers ------------------------------------------------------------- */

/* Encodings: CRm is 3 and 2 for the timers, 0 for the counters; op2 what of it. */
enum { TIMER_TVAL, TIMER_CTL, TIMER_CVAL };

static bool timer_reg_is_counter(u32 reg)
{
	return !sys_reg_CRm(reg);
}

static unsigned int timer_reg_number(u32 reg)
{
	if (!timer_reg_is_counter(reg))
		return sys_reg_CRm(reg) == sys_reg_CRm(SYS_CNTV_CTL_EL0) ?
		       TIMER_VIRTUAL : TIMER_PHYSICAL;

	/* CNTPCT_EL0 1, CNTVCT_EL0 2, CNTPCTSS_EL0 5, CNTVCTSS_EL0 6. */
	return (sys_reg_Op2(reg) & 3) == 2 ? TIMER_VIRTUAL : TIMER_PHYSICAL;
}

static u64 timer_read_ctl(struct vcpu *vcpu, unsigned int number)
{
	const struct arm64_timer *timer = &vcpu->arch.timer[number];
	u64 ctl;

	if (timer_loaded(vcpu, number))
		return timer_hw_ctl(number);

	ctl = timer->ctl;
	if ((ctl & ARCH_TIMER_CTRL_ENABLE) && timer_guest_counter(vcpu, number) >= timer->cval)
		ctl |= ARCH_TIMER_CTRL_IT_STAT;

	return ctl;
}

static u64 timer_read_cval(struct vcpu *vcpu, unsigned int number)
{
	if (timer_loaded(vcpu, number))
		return timer_hw_cval(number);

	return vcpu->arch.timer[number].cval;
}

u64 arm64_timer_read(struct vcpu *vcpu, u32 reg)
{
	unsigned int number = timer_reg_number(reg);

	if (timer_reg_is_counter(reg))
		return timer_guest_counter(vcpu, number);
	if (sys_reg_Op2(reg) == TIMER_CTL)
		return timer_read_ctl(vcpu, number);
	if (sys_reg_Op2(reg) == TIMER_CVAL)
		return timer_read_cval(vcpu, number);

	return lower_32_bits(timer_read_cval(vcpu, number) - timer_guest_counter(vcpu, number));
}

/* Whoever waits by the old offset looks again; what is loaded has it until prepare. */
static void timer_offsets_changed(struct vm *vm)
{
	lockdep_assert_held(&vm->config_lock);
	vm_request_all(vm, REQ_UNBLOCK, false);
}

static void timer_set_counter(struct vm *vm, unsigned int number, u64 value)
{
	guard(mutex)(&vm->config_lock);

	if (vm->arch.counter_fixed)
		return;
	WRITE_ONCE(vm->arch.counter_offset[number], timer_counter() - value);
	timer_offsets_changed(vm);
}

void arm64_timer_set_offset(struct vm *vm, u64 offset)
{
	int i;

	guard(mutex)(&vm->config_lock);

	vm->arch.counter_fixed = true;
	for (i = 0; i < TIMERS; i++)
		WRITE_ONCE(vm->arch.counter_offset[i], offset);
	timer_offsets_changed(vm);
}

/*
 * The hrtimer follows in arm64_timer_sync().  Nobody may start it while its callback is on
 * its way: that may find the vCPU in a halt by then and go on by itself.
 */
static void timer_write_memory(struct arm64_timer *timer, u64 ctl, u64 cval)
{
	WRITE_ONCE(timer->ctl, ctl & CTL_WRITABLE);
	WRITE_ONCE(timer->cval, cval);
	if (READ_ONCE(timer->armed))
		timer_disarm(timer);
}

void arm64_timer_write(struct vcpu *vcpu, u32 reg, u64 value)
{
	unsigned int number = timer_reg_number(reg);
	struct arm64_timer *timer = &vcpu->arch.timer[number];
	bool loaded = timer_loaded(vcpu, number);

	if (timer_reg_is_counter(reg)) {
		timer_set_counter(vcpu->vm, number, value);
		return;
	}
	if (sys_reg_Op2(reg) == TIMER_CTL) {
		if (loaded)
			timer_hw_set_ctl(number, value & CTL_WRITABLE);
		else
			timer_write_memory(timer, value, timer->cval);
		return;
	}

	if (sys_reg_Op2(reg) == TIMER_TVAL)
		value = timer_guest_counter(vcpu, number) + (s32)value;
	if (loaded)
		timer_hw_set_cval(number, value);
	else
		timer_write_memory(timer, timer->ctl, value);
}

/* --- KVM_ARM_VCPU_TIMER_CTRL ----------------------------------------------- */

static int timer_set_ppi(struct vcpu *vcpu, unsigned int number, int __user *user)
{
	struct vm *vm = vcpu->vm;
	int ppi;

	if (get_user(ppi, user))
		return -EFAULT;
	if (!READ_ONCE(vm->arch.vgic) || ppi < PPI_FIRST || ppi >= PPI_END)
		return -EINVAL;

	guard(mutex)(&vm->config_lock);

	if (arm64_vm_ran(vm))
		return -EBUSY;
	WRITE_ONCE(vm->arch.timer_ppi[number], ppi);

	return 0;
}

int arm64_timer_attr(struct vcpu *vcpu, unsigned int cmd, const struct kvm_device_attr *attr)
{
	/* Number 0 and 1, as those of the attributes. */
	static_assert(KVM_ARM_VCPU_TIMER_IRQ_VTIMER == TIMER_VIRTUAL);
	static_assert(KVM_ARM_VCPU_TIMER_IRQ_PTIMER == TIMER_PHYSICAL);
	int __user *user = u64_to_user_ptr(attr->addr);
	unsigned int number;

	if (attr->attr >= TIMERS)
		return -ENXIO;
	number = array_index_nospec(attr->attr, TIMERS);
	if (cmd == KVM_HAS_DEVICE_ATTR)
		return 0;
	if (cmd == KVM_GET_DEVICE_ATTR)
		return put_user((int)READ_ONCE(vcpu->vm->arch.timer_ppi[number]), user);

	return timer_set_ppi(vcpu, number, user);
}

int arm64_timer_ready(struct vcpu *vcpu)
{
	const u32 *ppi = vcpu->vm->arch.timer_ppi;

	return READ_ONCE(ppi[TIMER_VIRTUAL]) == READ_ONCE(ppi[TIMER_PHYSICAL]) ? -EINVAL : 0;
}

/* --- life ------------------------------------------------------------------ */

/* The virtual counter of a new VM begins at 0; the physical one is the host's. */
static void timer_begin(struct vm *vm)
{
	int i;

	guard(mutex)(&vm->config_lock);

	for (i = 0; i < TIMERS; i++)
		WRITE_ONCE(vm->arch.timer_ppi[i], default_ppi[i]);
	if (!vm->arch.counter_fixed)
		WRITE_ONCE(vm->arch.counter_offset[TIMER_VIRTUAL], timer_counter());
}

void arm64_timer_create(struct vcpu *vcpu)
{
	struct arm64_timer *timer = vcpu->arch.timer;

	/* Hard: irqs are off where it is cancelled. */
	host_hrtimer_setup(&timer[TIMER_VIRTUAL].hrtimer, virtual_callback, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL_HARD);
	host_hrtimer_setup(&timer[TIMER_PHYSICAL].hrtimer, physical_callback, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL_HARD);
	timer[TIMER_VIRTUAL].direct = true;
	/* As long as there is no offset; the first prepare sees to that. */
	timer[TIMER_PHYSICAL].direct = timer_may_be_direct(vcpu);
	vcpu->arch.timer_trapped = !timer[TIMER_PHYSICAL].direct;
	if (!vcpu->index)
		timer_begin(vcpu->vm);
}

void arm64_timer_destroy(struct vcpu *vcpu)
{
	int i;

	/* A half-built one has no hrtimers yet. */
	for (i = 0; i < TIMERS; i++)
		if (vcpu->arch.timer[i].hrtimer.base)
			timer_disarm(&vcpu->arch.timer[i]);
}

void arm64_timer_reset(struct vcpu *vcpu)
{
	struct arm64_timer *timer = vcpu->arch.timer;
	int i;

	for (i = 0; i < TIMERS; i++) {
		timer_disarm(&timer[i]);
		WRITE_ONCE(timer[i].ctl, 0);
		WRITE_ONCE(timer[i].cval, 0);
		timer_lower(vcpu, i);
	}
	/* The vGIC may have forgotten whose interrupt it is; and user space may choose anew. */
	arm64_timer_disconnect(vcpu);
}

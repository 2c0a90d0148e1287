// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic timers (Arm ARM, "The Generic Timer in AArch64 state"): virtual and physical,
 * with an irqchip and without, in a halt, and their registers from outside.
 */
#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <lib/kvm.h>

#define MS		1000000ULL

static struct vm *vm;
static struct vcpu *vcpu;

/* --- both timers, one by name each ---------------------------------------- */

struct timer {
	u64	(*ctl)(void);
	void	(*set_ctl)(u64 value);
	void	(*set_tval)(u64 value);
	u64	(*tval)(void);
	void	(*set_cval)(u64 value);
	u64	(*cval)(void);
	u64	(*count)(void);
	u32	 intid;
};

#define TIMER_REG(name)								\
	static u64 get_##name(void) { isb(); return sysreg_read(name); }	\
	static void set_##name(u64 value) { sysreg_write(name, value); isb(); }
TIMER_REG(cntv_ctl_el0)
TIMER_REG(cntv_tval_el0)
TIMER_REG(cntv_cval_el0)
TIMER_REG(cntp_ctl_el0)
TIMER_REG(cntp_tval_el0)
TIMER_REG(cntp_cval_el0)

static u64 physical_count(void)
{
	isb();
	return sysreg_read(cntpct_el0);
}

static const struct timer timers[] = {
	{ get_cntv_ctl_el0, set_cntv_ctl_el0, set_cntv_tval_el0, get_cntv_tval_el0,
	  set_cntv_cval_el0, get_cntv_cval_el0, guest_counter, INTID_VTIMER },
	{ get_cntp_ctl_el0, set_cntp_ctl_el0, set_cntp_tval_el0, get_cntp_tval_el0,
	  set_cntp_cval_el0, get_cntp_cval_el0, physical_count, INTID_PTIMER },
};

static volatile u64 fired, fired_at, fired_ctl;
static const struct timer *current;

static void on_timer(struct guest_frame *frame)
{
	fired++;
	fired_at = current->count();
	fired_ctl = current->ctl();
	current->set_ctl(TIMER_ENABLE | TIMER_MASK);
}

/* Until the next one has come: spinning, or halted. */
static u64 wait_fired(u64 before, bool halt)
{
	while (fired == before) {
		if (halt)
			guest_irq_wait();
		else
			guest_irqs_open();
	}

	return fired;
}

static void guest_timer(u64 which)
{
	const struct timer *timer = &timers[which & 1];
	u64 start, i, late = 0, early = 0;

	current = timer;
	guest_irq_handlers[timer->intid] = on_timer;
	gic_begin();
	gic_enable(timer->intid, 0xa0, false);
	timer->set_ctl(0);
	GUEST_ASSERT_EQ(timer->ctl(), 0);
	for (i = 0; i < 20; i++) {
		start = timer->count();
		timer->set_tval(guest_ticks(MS));
		timer->set_ctl(TIMER_ENABLE);
		wait_fired(i, i & 1);
		early += fired_at < start + guest_ticks(MS);
		late += fired_at > start + guest_ticks(1000 * MS);
	}
	GUEST_ASSERT_EQ(fired_ctl, TIMER_ENABLE | TIMER_STATUS);
	guest_say(early);
	guest_say(late);

	/* Long past; far away; masked. */
	timer->set_cval(0);
	timer->set_ctl(TIMER_ENABLE);
	wait_fired(20, false);
	timer->set_cval(~0ULL);
	timer->set_ctl(TIMER_ENABLE);
	guest_irqs_open();
	GUEST_ASSERT_EQ(timer->ctl(), TIMER_ENABLE);
	timer->set_ctl(TIMER_ENABLE | TIMER_MASK);
	timer->set_tval(0);
	for (start = timer->count(); timer->count() < start + guest_ticks(5 * MS); )
		guest_irqs_open();
	GUEST_ASSERT_EQ(timer->ctl(), TIMER_ENABLE | TIMER_MASK | TIMER_STATUS);
	GUEST_ASSERT_EQ(fired, 21);
	guest_say(fired);

	/* What is written is read; TVAL is what is left of CVAL. */
	timer->set_ctl(0);
	timer->set_cval(0x123456789abcULL);
	GUEST_ASSERT_EQ(timer->cval(), 0x123456789abcULL);
	timer->set_tval(0x70000000);
	GUEST_ASSERT((u32)timer->tval() <= 0x70000000 && (u32)timer->tval() > 0x60000000);
	timer->set_tval(0xffffffffffffff00ULL);
	GUEST_ASSERT((s64)(timer->cval() - timer->count()) < 0);
	guest_done();
}

/* By the guest's counters the past is so far away. */
static void set_offset(u64 ticks)
{
	struct kvm_arm_counter_offset offset = { .counter_offset = ticks };

	if (ioctl(vm->fd, KVM_ARM_SET_COUNTER_OFFSET, &offset))
		bail("KVM_ARM_SET_COUNTER_OFFSET: %s", strerror(errno));
}

static void check_timer(u64 which, u64 offset)
{
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_timer, which);
	if (offset)
		set_offset(offset);
	report(!vcpu_run_said(vcpu), "20 interrupts, none too early");
	report(!vcpu_run_said(vcpu), "none much too late");
	report(vcpu_run_said(vcpu) == 21, "one for a time long past, none when it is masked");
	vcpu_run_done(vcpu);
	report(true, "and its registers are what was written");
}

TEST(timer_virtual)
{
	check_timer(0, 0);
	vm_destroy(vm);
}

/* As many accesses as there are interrupts, at the least, would trap. */
TEST(timer_physical)
{
	check_timer(1, 0);
	report(in_tree() || vcpu_stat(vcpu, "sysreg_exits") < 20, "no access of it traps");
	vm_destroy(vm);
}

TEST(timer_physical_trapped)
{
	need_cap(KVM_CAP_COUNTER_OFFSET, "KVM_CAP_COUNTER_OFFSET");
	check_timer(1, 1 << 20);
	report(in_tree() || vcpu_stat(vcpu, "sysreg_exits") > 60,
	       "with an offset of the counter each access of it traps");
	vm_destroy(vm);
}

/* --- timer_physical_moves: from the hardware to traps and back --------------- */

#define MOVES	40

/* Before and inside of the handler, which is not done with the interrupt yet. */
static void on_timer_say(struct guest_frame *frame)
{
	guest_say(MOVES + fired);
	on_timer(frame);
}

static void guest_moves(u64 argument)
{
	u64 i;

	current = &timers[1];
	guest_irq_handlers[INTID_PTIMER] = on_timer_say;
	gic_begin();
	gic_enable(INTID_PTIMER, 0xa0, false);
	for (i = 0; i < MOVES; i++) {
		current->set_tval(guest_ticks(MS));
		current->set_ctl(TIMER_ENABLE);
		guest_say(i);
		wait_fired(i, i & 1);
	}
	guest_done();
}

TEST(timer_physical_moves)
{
	u64 frequency, i, wrong = 0;

	need_cap(KVM_CAP_COUNTER_OFFSET, "KVM_CAP_COUNTER_OFFSET");
	asm("mrs %0, cntfrq_el0" : "=r"(frequency));
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_moves, 0);
	/* Two milliseconds: a timer that waits for one has expired, or has three to go. */
	for (i = 0; i < MOVES; i++) {
		wrong += vcpu_run_said(vcpu) != i;
		set_offset(i % 3 ? frequency / 500 : 0);
		wrong += vcpu_run_said(vcpu) != MOVES + i;
		set_offset(i & 1 ? frequency / 500 : 0);
	}
	vcpu_run_done(vcpu);
	report(!wrong, "no interrupt is lost or comes twice (%llu)", (unsigned long long)wrong);
	vm_destroy(vm);
}

/* --- timer_outside: it expires while the vCPU does not run -------------------- */

static void guest_outside(u64 which)
{
	current = &timers[which & 1];
	guest_irq_handlers[current->intid] = on_timer;
	gic_begin();
	gic_enable(current->intid, 0xa0, false);
	if (!(which & 2)) {
		current->set_tval(guest_ticks(20 * MS));
		current->set_ctl(TIMER_ENABLE);
	}
	guest_say(current->cval());
	/* It is pending by now, or about to be. */
	wait_fired(0, false);
	GUEST_ASSERT_EQ(fired_ctl, TIMER_ENABLE | TIMER_STATUS);
	guest_say(fired);
	guest_done();
}

/* The ABI has the compare value of the virtual one by another name. */
static const struct { u64 ctl, cval; } timer_regs_of[] = {
	{ KVM_REG_ARM_TIMER_CTL, KVM_REG_ARM_TIMER_CVAL },
	{ KVM_REG_ARM_PTIMER_CTL, KVM_REG_ARM_PTIMER_CVAL },
};

static void check_outside(u64 which)
{
	u64 said, cval;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_outside, which);
	said = vcpu_run_said(vcpu);
	cval = reg_get(vcpu, timer_regs_of[which].cval);
	report(cval == said && (reg_get(vcpu, timer_regs_of[which].ctl) & 3) == TIMER_ENABLE,
	       "user space reads of timer %llu what the guest wrote", (unsigned long long)which);
	sleep_ms(40);
	report(reg_get(vcpu, timer_regs_of[which].ctl) == (TIMER_ENABLE | TIMER_STATUS),
	       "and that it expires meanwhile");
	report(vcpu_run_said(vcpu) == 1, "the guest has its interrupt once it runs");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* What another VM had, user space gives to a new one before it first runs. */
static void check_restored(u64 which)
{
	u64 cval = 12345;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_outside, which | 2);
	reg_set(vcpu, timer_regs_of[which].cval, cval);
	reg_set(vcpu, timer_regs_of[which].ctl, TIMER_ENABLE);
	sleep_ms(1);
	report(vcpu_run_said(vcpu) == cval, "a restored compare value is the guest's");
	report(vcpu_run_said(vcpu) == 1, "and so is its interrupt");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

TEST(timer_outside)
{
	u64 i;

	for (i = 0; i < ARRAY_SIZE(timers); i++) {
		check_outside(i);
		check_restored(i);
	}
}

/* --- timer_shared_cpu: two vCPUs that take turns on one CPU ------------------- */

#define SHARED_ROUNDS	100

static volatile u64 shared_fired[2];

static void on_shared(struct guest_frame *frame)
{
	shared_fired[guest_cpu_number()]++;
	set_cntp_ctl_el0(TIMER_ENABLE | TIMER_MASK);
}

/* Neither ever halts, so each expires with the other one there, too. */
static void guest_shared(u64 number)
{
	u64 i, start;

	guest_irq_handlers[INTID_PTIMER] = on_shared;
	gic_begin();
	gic_enable(INTID_PTIMER, 0xa0, false);
	for (i = 0; i < SHARED_ROUNDS; i++) {
		start = physical_count();
		set_cntp_tval_el0(guest_ticks(MS));
		set_cntp_ctl_el0(TIMER_ENABLE);
		while (shared_fired[number] == i)
			guest_irqs_open();
		GUEST_ASSERT(physical_count() >= start + guest_ticks(MS));
		GUEST_ASSERT_EQ(shared_fired[number], i + 1);
	}
	guest_done();
}

TEST(timer_shared_cpu)
{
	struct vcpu_thread threads[2] = {};
	cpu_set_t all;
	u64 i;

	sched_getaffinity(0, sizeof(all), &all);
	stay_on(0);
	vm = vm_create(VM_IRQCHIP);
	for (i = 0; i < 2; i++)
		threads[i].vcpu = vcpu_create(vm, guest_shared, i);
	for (i = 0; i < 2; i++)
		vcpu_thread_start(&threads[i], threads[i].vcpu);
	for (i = 0; i < 2; i++)
		vcpu_thread_join(&threads[i]);
	report(true, "each has its %u interrupts", SHARED_ROUNDS);
	sched_setaffinity(0, sizeof(all), &all);
	vm_destroy(vm);
}

/* --- timer_halt: PSTATE.I is set, it ends the halt all the same ------------- */

static void guest_halt_masked(u64 which)
{
	const struct timer *timer = &timers[which];
	u64 start = timer->count(), i;

	current = timer;
	gic_begin();
	gic_enable(timer->intid, 0xa0, false);
	for (i = 0; i < 5; i++) {
		timer->set_tval(guest_ticks(20 * MS));
		timer->set_ctl(TIMER_ENABLE);
		while (!(timer->ctl() & TIMER_STATUS))
			guest_wfi();
		timer->set_ctl(0);
	}
	guest_say((timer->count() - start) * 1000 / sysreg_read(cntfrq_el0));
	guest_done();
}

TEST(timer_halt)
{
	u64 i, ms, begun, outside;

	for (i = 0; i < 2; i++) {
		vm = vm_create(VM_IRQCHIP);
		vcpu = vcpu_create(vm, guest_halt_masked, i);
		begun = now_ns();
		ms = vcpu_run_said(vcpu);
		outside = (now_ns() - begun) / 1000000;
		report(ms >= 100 && outside >= 99,
		       "the %s timer ends a halt: 5 times 20 ms took %llu ms, %llu outside",
		       i ? "physical" : "virtual", (unsigned long long)ms,
		       (unsigned long long)outside);
		vm_destroy(vm);
	}
}

/* --- timer_regs: from outside ------------------------------------------------ */

static void guest_tells_time(u64 argument)
{
	for (;;) {
		guest_say(guest_counter());
		guest_say(physical_count());
	}
}

static void guest_tells_timer(u64 argument)
{
	GUEST_ASSERT_EQ(get_cntv_cval_el0(), 0xffff00001234ULL);
	GUEST_ASSERT_EQ(get_cntv_ctl_el0() & 3, TIMER_ENABLE | TIMER_MASK);
	set_cntv_cval_el0(0xffff00005678ULL);
	set_cntv_ctl_el0(TIMER_ENABLE);
	guest_done();
}

TEST(timer_regs)
{
	u64 frequency, before, now, set = 1ULL << 40;

	asm("mrs %0, cntfrq_el0" : "=r"(frequency));
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_tells_time, 0);
	now = vcpu_run_said(vcpu);
	report(now < 60 * frequency, "a guest's time begins with the VM (%llu ms)",
	       (unsigned long long)now * 1000 / frequency);
	vcpu_run_said(vcpu);
	before = reg_get(vcpu, KVM_REG_ARM_TIMER_CNT);
	report(before >= now && before < now + 60 * frequency, "user space reads the same");
	reg_set(vcpu, KVM_REG_ARM_TIMER_CNT, set);
	now = vcpu_run_said(vcpu);
	report(now >= set && now < set + 60 * frequency, "and sets it");
	vcpu_run_said(vcpu);
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_tells_timer, 0);
	reg_set(vcpu, KVM_REG_ARM_TIMER_CVAL, 0xffff00001234ULL);
	reg_set(vcpu, KVM_REG_ARM_TIMER_CTL, TIMER_ENABLE | TIMER_MASK);
	vcpu_run_done(vcpu);
	report(reg_get(vcpu, KVM_REG_ARM_TIMER_CVAL) == 0xffff00005678ULL &&
	       (reg_get(vcpu, KVM_REG_ARM_TIMER_CTL) & 3) == TIMER_ENABLE,
	       "so are the compare value and the control register");
	vm_destroy(vm);
}

/* --- counter_offset ------------------------------------------------------------- */

TEST(counter_offset)
{
	struct kvm_arm_counter_offset offset = {};
	u64 here, then, frequency;

	need_cap(KVM_CAP_COUNTER_OFFSET, "KVM_CAP_COUNTER_OFFSET");
	asm("mrs %0, cntfrq_el0" : "=r"(frequency));
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_tells_time, 0);
	offset.reserved = 1;
	report_errno(ioctl(vm->fd, KVM_ARM_SET_COUNTER_OFFSET, &offset), EINVAL, "a reserved word");
	asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(here));
	offset = (struct kvm_arm_counter_offset) { .counter_offset = here - (1ULL << 36) };
	report(!ioctl(vm->fd, KVM_ARM_SET_COUNTER_OFFSET, &offset), "an offset");
	then = vcpu_run_said(vcpu);
	report(then >= 1ULL << 36 && then < (1ULL << 36) + 60 * frequency,
	       "the guest's virtual time is that much less");
	then = vcpu_run_said(vcpu);
	/* The kernel's own does so now and then only. */
	report(in_tree() || (then >= 1ULL << 36 && then < (1ULL << 36) + 60 * frequency),
	       "its physical time too");
	here = 5;
	report(!reg_try_set(vcpu, KVM_REG_ARM_TIMER_CNT, &here), "the counter can be written");
	report(vcpu_run_said(vcpu) >= 1ULL << 36, "but that is ignored now");
	vm_destroy(vm);
}

/* --- timer_user: without an irqchip user space delivers it ----------------------- */

static volatile u64 raw_irqs;

static void on_raw_irq(struct guest_frame *frame)
{
	raw_irqs++;
	set_cntv_ctl_el0(TIMER_ENABLE | TIMER_MASK);
	/* It stays until user space takes it back, which sees the timer's line go here. */
	guest_read32(GPA_MMIO);
}

/* The timer runs 5 times for a millisecond, and every second time it is waited for. */
static void guest_user_irq(u64 argument)
{
	u64 i;

	guest_irq_raw = on_raw_irq;
	for (i = 1; i <= 5; i++) {
		set_cntv_tval_el0(guest_ticks(MS));
		set_cntv_ctl_el0(TIMER_ENABLE);
		while (raw_irqs < i) {
			if (i & 1)
				guest_wfi();
			guest_irqs_open();
		}
	}
	guest_done();
}

static u64 user_irq_changes;

/* Be the interrupt controller of one CPU until the guest is done, or nothing comes for so long. */
static int serve_user_irqs(u64 seconds)
{
	u64 level = 0, now, ends = now_ns() + seconds * 1000 * MS;
	int err = 0;

	user_irq_changes = 0;
	while (now_ns() < ends) {
		err = vcpu_run_once(vcpu);
		if ((err && err != -EINTR) || vcpu_is_done(vcpu))
			break;
		now = vcpu->run->s.regs.device_irq_level & KVM_ARM_DEV_EL1_VTIMER;
		if (now == level)
			continue;
		level = now;
		user_irq_changes++;
		ends = now_ns() + seconds * 1000 * MS;
		if (arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_CPU, 0, KVM_ARM_IRQ_CPU_IRQ, !!level))
			bail("KVM_IRQ_LINE: %s", strerror(errno));
	}

	return vcpu_is_done(vcpu) ? err : -ETIME;
}

TEST(timer_user)
{
	need_cap(KVM_CAP_ARM_USER_IRQ, "KVM_CAP_ARM_USER_IRQ");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_user_irq, 0);
	report(!serve_user_irqs(10), "the guest has its five interrupts");
	report(user_irq_changes >= 9, "the timer's line has gone up and down (%llu changes)",
	       (unsigned long long)user_irq_changes);
	report_errno(arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 1), ENXIO,
		     "no SPI without an irqchip");
	report_errno(arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_CPU, 3, 0, 1), EINVAL, "no such vCPU");
	report_errno(arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_CPU, 0, 2, 1), EINVAL, "no such line");
	vm_destroy(vm);
}

/* --- timer_user_restart: KVM_RUN begins anew, and user space hears of the line still -- */

#define RESTART_ROUNDS	2000

static void guest_user_irq_now(u64 argument)
{
	u64 i;

	guest_irq_raw = on_raw_irq;
	for (i = 1; i <= RESTART_ROUNDS; i++) {
		set_cntv_cval_el0(0);
		set_cntv_ctl_el0(TIMER_ENABLE);
		while (raw_irqs < i) {
			guest_wfi();
			guest_irqs_open();
		}
	}
	guest_done();
}

TEST(timer_user_restart)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };

	need_cap(KVM_CAP_ARM_USER_IRQ, "KVM_CAP_ARM_USER_IRQ");
	/* Ignored, it is work for the task on its way to user space, and no signal. */
	signal(SIGPROF, SIG_IGN);
	setitimer(ITIMER_PROF, &often, NULL);
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_user_irq_now, 0);
	report(!serve_user_irqs(10), "the guest has its %u interrupts", RESTART_ROUNDS);
	report(user_irq_changes >= 2 * RESTART_ROUNDS - 1,
	       "the line has gone up and down (%llu changes)",
	       (unsigned long long)user_irq_changes);
	vm_destroy(vm);
}

/* --- timer_ppis: other interrupt numbers ------------------------------------------ */

static void guest_timer_20(u64 argument)
{
	current = &timers[0];
	guest_irq_handlers[20] = on_timer;
	gic_begin();
	gic_enable(20, 0xa0, false);
	set_cntv_tval_el0(guest_ticks(MS));
	set_cntv_ctl_el0(TIMER_ENABLE);
	wait_fired(0, true);
	guest_done();
}

static int timer_ppi(u64 attribute, u32 number)
{
	return arm64_set_attr(vcpu->fd, KVM_ARM_VCPU_TIMER_CTRL, attribute, &number);
}

TEST(timer_ppis)
{
	u32 number = 0;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_timer_20, 0);
	report(!arm64_get_attr(vcpu->fd, KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_VTIMER,
			       &number) && number == INTID_VTIMER, "the virtual timer's is 27");
	report(!arm64_get_attr(vcpu->fd, KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_PTIMER,
			       &number) && number == INTID_PTIMER, "the physical one's 30");
	report_errno(timer_ppi(KVM_ARM_VCPU_TIMER_IRQ_VTIMER, 32), EINVAL, "an SPI is none");
	report_errno(timer_ppi(KVM_ARM_VCPU_TIMER_IRQ_VTIMER, 15), EINVAL, "an SGI neither");
	report_errno(timer_ppi(9, 20), ENXIO, "no such timer");
	if (!report(!timer_ppi(KVM_ARM_VCPU_TIMER_IRQ_VTIMER, 20), "the virtual timer's is 20"))
		bail("it is not: %s", strerror(errno));
	vcpu_run_done(vcpu);
	report(true, "it arrives there");
	report_errno(timer_ppi(KVM_ARM_VCPU_TIMER_IRQ_VTIMER, 21), EBUSY,
		     "no change once the vCPU has run");
	vm_destroy(vm);
}

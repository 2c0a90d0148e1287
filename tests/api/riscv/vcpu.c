// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space does to a vCPU: its state of being, interrupts from outside, and
 * breakpoints; and how a vCPU waits.
 */
#include <signal.h>
#include <sys/resource.h>
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

static int interrupt(struct vcpu *to, u32 number)
{
	struct kvm_interrupt arg = { .irq = number };

	return ioctl(to->fd, KVM_INTERRUPT, &arg);
}

/* Wait until the guest's variable is at least that; false: it takes too long. */
static bool reaches(volatile u64 *value, u64 wanted)
{
	u64 end = now_ns() + 5000000000ULL;

	while (*value < wanted && now_ns() < end)
		sleep_ms(1);

	return *value >= wanted;
}

/* --- mp_state ------------------------------------------------------------- */

static volatile u64 progress;

static void guest_work(u64 argument)
{
	for (;;)
		progress++;
}

static u32 get_state(struct vcpu *of)
{
	struct kvm_mp_state state = { 99 };

	xioctl(of->fd, KVM_GET_MP_STATE, &state);

	return state.mp_state;
}

static int set_state(struct vcpu *of, u32 value)
{
	struct kvm_mp_state state = { value };

	return ioctl(of->fd, KVM_SET_MP_STATE, &state);
}

TEST(mp_state)
{
	struct vcpu_thread thread = {};
	struct vcpu *second;
	u64 before;

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	second = vcpu_create_bare(vm, 1);
	report(get_state(vcpu) == KVM_MP_STATE_RUNNABLE, "the first hart can run");
	report(get_state(second) == KVM_MP_STATE_STOPPED, "the second is stopped");
	report_errno(set_state(vcpu, 77), EINVAL, "an unknown state");
	report_errno(set_state(vcpu, KVM_MP_STATE_SIPI_RECEIVED), EINVAL,
		     "a state of another architecture");
	report(get_state(vcpu) == KVM_MP_STATE_RUNNABLE, "change nothing");
	report_errno(ioctl(vcpu->fd, KVM_SET_MP_STATE, NULL), EFAULT, "no state");

	vcpu_enter_at(vcpu, guest_work, 0);
	report(!set_state(vcpu, KVM_MP_STATE_STOPPED), "stopped");
	vcpu_thread_start(&thread, vcpu);
	sleep_ms(200);
	report(!guest_var(vm, progress), "it does not run");
	vcpu_thread_stop(&thread);
	report(get_state(vcpu) == KVM_MP_STATE_STOPPED, "and stays so");
	report(!set_state(vcpu, KVM_MP_STATE_RUNNABLE), "made to run");
	thread.stop = false;
	vcpu_thread_start(&thread, vcpu);
	report(reaches(&guest_var(vm, progress), 1000), "it does");
	vcpu_thread_stop(&thread);
	report(get_state(vcpu) == KVM_MP_STATE_RUNNABLE, "it can still run");
	before = guest_var(vm, progress);
	set_state(vcpu, KVM_MP_STATE_STOPPED);
	thread.stop = false;
	vcpu_thread_start(&thread, vcpu);
	sleep_ms(100);
	report(guest_var(vm, progress) == before, "stopped in its midst");
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

/* --- user_interrupt ------------------------------------------------------- */

static volatile u64 taken, waiting;

/* The device in user space takes its interrupt back when its register is read. */
static void on_external(struct guest_frame *frame)
{
	guest_read32(GPA_MMIO);
	taken++;
}

static void guest_take(u64 sleeps)
{
	guest_irq_handlers[IRQ_EXTERNAL] = on_external;
	csr_set(sie, BIT(IRQ_EXTERNAL));
	for (;;) {
		waiting++;
		if (sleeps)
			guest_wfi();
		guest_irqs_open();
	}
}

static bool acknowledge(struct vcpu_thread *thread)
{
	struct kvm_run *run = thread->vcpu->run;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != GPA_MMIO)
		return false;
	interrupt(thread->vcpu, KVM_INTERRUPT_UNSET);

	return true;
}

static void check_interrupts(u64 sleeps, const char *what)
{
	struct vcpu_thread thread = { .handle = acknowledge };
	u64 i, lost = 0;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_take, sleeps);
	vcpu_thread_start(&thread, vcpu);
	if (!reaches(&guest_var(vm, waiting), 1))
		bail("the guest did not come up");
	for (i = 0; i < 200; i++) {
		lost += interrupt(vcpu, KVM_INTERRUPT_SET) != 0;
		if (!reaches(&guest_var(vm, taken), i + 1)) {
			lost++;
			break;
		}
	}
	report(!lost && guest_var(vm, taken) == 200, "200 interrupts of a vCPU that %s", what);
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

static void guest_pending(u64 argument)
{
	for (;;)
		guest_say(csr_read(sip) & BIT(IRQ_EXTERNAL));
}

TEST(user_interrupt)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_pending, 0);
	/* The kernel's own takes it for KVM_INTERRUPT_UNSET. */
	report((interrupt(vcpu, 0) == -1 && errno == EINVAL) || in_tree(), "an interrupt number");
	report((interrupt(vcpu, 9) == -1 && errno == EINVAL) || in_tree(), "another");
	report_errno(ioctl(vcpu->fd, KVM_INTERRUPT, NULL), EFAULT, "none at all");
	report(!vcpu_run_said(vcpu), "nothing is pending at first");
	report(!interrupt(vcpu, KVM_INTERRUPT_SET) && !interrupt(vcpu, KVM_INTERRUPT_SET) &&
	       vcpu_run_said(vcpu), "set, it is");
	report(reg_get(vcpu, RISCV_CSR(sip)) & BIT(IRQ_EXTERNAL), "user space sees it in sip");
	report(vcpu_run_said(vcpu), "it stays");
	report(!interrupt(vcpu, KVM_INTERRUPT_UNSET) && !vcpu_run_said(vcpu), "until it is taken back");
	vm_destroy(vm);
	check_interrupts(0, "runs");
	check_interrupts(1, "waits");
}

/* --- sip ------------------------------------------------------------------ */

/* Twice with the timer never, twice with one that has gone off. */
static void guest_sip(u64 argument)
{
	for (;;) {
		sbi_set_timer(~0ULL);
		guest_say(csr_read(sip));
		guest_say(csr_read(sip));
		sbi_set_timer(0);
		guest_say(csr_read(sip));
		guest_say(csr_read(sip));
	}
}

/*
 * Some bits are the guest's, some show what a device says.  User space that reads
 * them all and writes them back takes nothing away that came in between.
 */
TEST(sip)
{
	u64 soft_external = BIT(IRQ_SOFT) | BIT(IRQ_EXTERNAL);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_sip, 0);
	report(!vcpu_run_said(vcpu), "nothing is pending at first");
	reg_set(vcpu, RISCV_CSR(sip), soft_external);
	report(reg_get(vcpu, RISCV_CSR(sip)) == soft_external &&
	       vcpu_run_said(vcpu) == soft_external, "software and external, as written");
	reg_set(vcpu, RISCV_CSR(sip), 0);
	report(vcpu_run_said(vcpu) == BIT(IRQ_TIMER), "a timer that has gone off");
	reg_set(vcpu, RISCV_CSR(sip), 0);
	report(vcpu_run_said(vcpu) == BIT(IRQ_TIMER) || in_tree(), "cannot be written away");
	report(!vcpu_run_said(vcpu), "until it is set again");
	reg_set(vcpu, RISCV_CSR(sip), BIT(IRQ_TIMER));
	report(!vcpu_run_said(vcpu) || in_tree(), "one that has not cannot be written there");
	vm_destroy(vm);
}

/* --- wfi ------------------------------------------------------------------ */

static volatile u64 woken;

static void guest_sleep(u64 argument)
{
	/* Interrupts are off for good: waking needs them in sie only. */
	switch (argument) {
	case 0:
		guest_wfi();
		break;
	case 1:
		csr_set(sie, BIT(IRQ_EXTERNAL));
		waiting = 1;
		while (!(csr_read(sip) & BIT(IRQ_EXTERNAL)))
			guest_wfi();
		break;
	case 2:
		csr_set(sie, BIT(IRQ_TIMER));
		sbi_set_timer(rdtime() + 2000000);
		waiting = 1;
		while (!(csr_read(sip) & BIT(IRQ_TIMER)))
			guest_wfi();
		break;
	}
	woken = 1;
	guest_done();
}

static u64 cpu_ms(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);

	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000ULL +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

TEST(wfi)
{
	struct vcpu_thread thread = {};
	u64 start, cpu;

	/* Nothing to wait for: it sleeps until a signal comes. */
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_sleep, 0);
	vcpu_thread_start(&thread, vcpu);
	sleep_ms(100);
	cpu = cpu_ms();
	sleep_ms(700);
	cpu = cpu_ms() - cpu;
	report(!guest_var(vm, woken), "without interrupts it sleeps");
	report(cpu < 350, "and uses no CPU (%llu ms of 700)", (unsigned long long)cpu);
	vcpu_thread_stop(&thread);
	report(get_state(vcpu) == KVM_MP_STATE_RUNNABLE, "it counts as one that can run");
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_sleep, 1);
	thread.stop = false;
	vcpu_thread_start(&thread, vcpu);
	reaches(&guest_var(vm, waiting), 1);
	sleep_ms(100);
	report(!guest_var(vm, woken), "it waits for an interrupt");
	interrupt(vcpu, KVM_INTERRUPT_SET);
	report(reaches(&guest_var(vm, woken), 1), "that wakes it, although it takes none");
	vcpu_thread_join(&thread);
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_sleep, 2);
	start = now_ns();
	vcpu_run_done(vcpu);
	report(now_ns() - start >= 190000000, "its timer wakes it, not before its time");
	vm_destroy(vm);

	/* A wait that has already what it waits for. */
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_sleep, 1);
	interrupt(vcpu, KVM_INTERRUPT_SET);
	vcpu_run_done(vcpu);
	report(true, "one that is pending ends a wait at once");
	vm_destroy(vm);
}

/* --- guest_debug ---------------------------------------------------------- */

void guest_breaks(u64 argument);
extern char break_place[], break_short[];
asm(	".pushsection .text\n"
	".globl guest_breaks, break_place, break_short\n"
	"guest_breaks:\n"
	"	mv s0, a0\n"
	".option push\n"
	".option norvc\n"
	"break_place:\n	ebreak\n"
	".option pop\n"
	"	beqz s0, 1f\n"
	"break_short:\n	c.ebreak\n"
	"1:	j guest_broken\n"
	".popsection\n");

__attribute__((used)) void guest_broken(u64 argument);

__attribute__((used)) void guest_broken(u64 argument)
{
	guest_say(taken);
	guest_done();
}

static void on_break(struct guest_frame *frame)
{
	taken++;
	frame->sepc += 4;
}

static void guest_catch_break(u64 argument)
{
	guest_handlers[CAUSE_BREAKPOINT] = on_break;
	guest_breaks(argument);
}

static int set_debug(u32 control)
{
	struct kvm_guest_debug debug = { .control = control };

	return ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}

TEST(guest_debug)
{
	need_cap(KVM_CAP_SET_GUEST_DEBUG, "KVM_CAP_SET_GUEST_DEBUG");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_catch_break, 1);
	report(!set_debug(KVM_GUESTDBG_ENABLE), "breakpoints for user space");
	vcpu_run_expect(vcpu, KVM_EXIT_DEBUG, "an ebreak exits");
	report(reg_get(vcpu, RISCV_PC) == (u64)break_place, "with pc at it");
	vcpu_run_expect(vcpu, KVM_EXIT_DEBUG, "again, if nothing is done about it");
	reg_set(vcpu, RISCV_PC, (u64)break_place + 4);
	vcpu_run_expect(vcpu, KVM_EXIT_DEBUG, "a short one exits");
	report(reg_get(vcpu, RISCV_PC) == (u64)break_short, "with pc at it");
	reg_set(vcpu, RISCV_PC, (u64)break_short + 2);
	report(vcpu_run_said(vcpu) == 0, "the guest saw none of them");
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_catch_break, 0);
	report(!set_debug(KVM_GUESTDBG_ENABLE) && !set_debug(0),
	       "on and off again");
	report(vcpu_run_said(vcpu) == 1, "then it is the guest's");
	report((set_debug(KVM_GUESTDBG_ENABLE | 0x4000) == -1 && errno == EINVAL) || in_tree(),
	       "an unknown flag");
	report((set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP) == -1 &&
		errno == EINVAL) || in_tree(), "single steps, which there are none of");
	vm_destroy(vm);
}

/* --- wfi_ready ------------------------------------------------------------ */

#define READY_WAITS	50

/*
 * Waits that end at once, because of an interrupt that is pending and enabled; then one
 * that the same interrupt does not end, because only the timer is enabled.
 */
static void guest_ready(u64 argument)
{
	u64 i, start;

	csr_set(sie, BIT(IRQ_SOFT));
	sbi_send_ipi(1, 0);
	for (i = 0; i < READY_WAITS; i++)
		guest_wfi();
	guest_say(csr_read(sip) & BIT(IRQ_SOFT));

	csr_clear(sie, BIT(IRQ_SOFT));
	csr_set(sie, BIT(IRQ_TIMER));
	start = rdtime();
	sbi_set_timer(start + 2000000);
	guest_wfi();
	guest_say(rdtime() - start >= 2000000);

	/* The timer is pending by now. */
	for (i = 0; i < READY_WAITS; i++)
		guest_wfi();
	guest_say(csr_read(sip) & BIT(IRQ_TIMER));
	guest_done();
}

TEST(wfi_ready)
{
	u64 halts;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_ready, 0);
	report(vcpu_run_said(vcpu) == BIT(IRQ_SOFT), "it is pending still");
	halts = vcpu_stat(vcpu, "halts");
	report(!halts, "%d waits that were over at once (%llu halts)", READY_WAITS,
	       (unsigned long long)halts);
	report(vcpu_run_said(vcpu), "one that is not enabled does not end a wait");
	halts = vcpu_stat(vcpu, "halts");
	report(halts, "the hart slept");
	report(vcpu_run_said(vcpu) == BIT(IRQ_TIMER), "the timer is pending still");
	report(vcpu_stat(vcpu, "halts") == halts, "and ends waits at once, too");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

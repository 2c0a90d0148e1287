// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_SIGNAL_MASK: what is blocked while the guest runs is another set than
 * what is blocked in the thread.
 */
#include <signal.h>
#include <lib/kvm.h>

/* What the kernel wants: the length of its own set, then the set. */
struct mask {
	u32	len;
	u8	set[8];
} __attribute__((packed));

static struct vm *vm;
static struct vcpu *vcpu;
static u64 guest_rounds;

static volatile int handled[2];		/* of SIGUSR1, of SIGUSR2 */

static void guest_spin(u64 argument)
{
	for (;;)
		WRITE_ONCE(guest_rounds, READ_ONCE(guest_rounds) + 1);
}

static void on_signal(int number)
{
	handled[number == SIGUSR2]++;
}

static int set_mask(const sigset_t *set)
{
	struct mask mask = { .len = 8 };

	memcpy(mask.set, set, sizeof(mask.set));

	return ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask);
}

static sigset_t only(int number)
{
	sigset_t set;

	sigemptyset(&set);
	if (number)
		sigaddset(&set, number);

	return set;
}

/* --- a thread that runs the vCPU with @blocked blocked ---------------------------- */

struct runner {
	pthread_t	 thread;
	int		 blocked;	/* outside of KVM_RUN, or 0 */
	int		 end;		/* the signal that ends it all */
	volatile bool	 over;
	int		 result;
	bool		 pending, still_blocked;
};

static bool is_pending(int number)
{
	sigset_t set;

	sigpending(&set);

	return sigismember(&set, number);
}

static void *runner_main(void *data)
{
	struct runner *runner = data;
	sigset_t set = only(runner->blocked), now;

	pthread_sigmask(SIG_SETMASK, &set, NULL);
	/* By the time KVM_RUN is back, the handlers of what is open have run. */
	for (;;) {
		runner->result = vcpu_run_once(vcpu);
		runner->pending = is_pending(SIGUSR2);
		if (runner->result != -EINTR || is_pending(runner->end) ||
		    handled[runner->end == SIGUSR2])
			break;
	}
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	runner->still_blocked = sigismember(&set, SIGUSR1) == sigismember(&now, SIGUSR1) &&
				sigismember(&set, SIGUSR2) == sigismember(&now, SIGUSR2);
	runner->over = true;

	return NULL;
}

static void guest_moves(void)
{
	volatile u64 *rounds = &guest_var(vm, guest_rounds);
	u64 before = *rounds;

	while (*rounds == before)
		sleep_ms(1);
}

static void runner_start(struct runner *runner, int blocked, int end)
{
	*runner = (struct runner) { .blocked = blocked, .end = end };
	handled[0] = handled[1] = 0;
	pthread_create(&runner->thread, NULL, runner_main, runner);
	guest_moves();
}

/*
 * The signal is sent; does it leave the guest running?  The kernel may want the task
 * in user space for reasons of its own, several times a second, and a signal that is
 * open there runs its handler then.  It does not happen every time.
 */
static bool goes_on(struct runner *runner, int number)
{
	int tries;

	for (tries = 0; tries < 50 && !runner->over; tries++) {
		handled[number == SIGUSR2] = 0;
		pthread_kill(runner->thread, number);
		sleep_ms(10);
		guest_moves();
		if (!handled[0] && !handled[1])
			return !runner->over;
	}

	return false;
}

/* The last signal is sent, and ends KVM_RUN. */
static bool ends(struct runner *runner)
{
	pthread_kill(runner->thread, runner->end);
	pthread_join(runner->thread, NULL);

	return runner->result == -EINTR && vcpu->run->exit_reason == KVM_EXIT_INTR;
}

/* --- the tests ----------------------------------------------------------------------- */

/* Blocked outside, open inside: the one way to wait for a signal without a race. */
static void test_open_inside(void)
{
	sigset_t set = only(0);
	struct runner runner;

	report(!set_mask(&set), "nothing is blocked inside");
	runner_start(&runner, SIGUSR2, SIGUSR2);
	report(ends(&runner), "a signal that is blocked outside ends KVM_RUN");
	report(runner.pending && !handled[1], "it stays pending, no handler runs");
	report(runner.still_blocked, "and is blocked again outside");
}

/* Pending before the call: KVM_RUN does not start. */
static void test_pending_before(void)
{
	sigset_t set = only(SIGUSR2), old;
	u64 rounds = guest_var(vm, guest_rounds);

	pthread_sigmask(SIG_BLOCK, &set, &old);
	pthread_kill(pthread_self(), SIGUSR2);
	report(vcpu_run_once(vcpu) == -EINTR && vcpu_run_once(vcpu) == -EINTR,
	       "one that was pending before ends every KVM_RUN at once");
	report(guest_var(vm, guest_rounds) == rounds, "with no step of the guest");
	handled[1] = 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	report(handled[1] == 1, "opened outside, its handler runs");
}

/* Open outside, blocked inside. */
static void test_blocked_inside(void)
{
	sigset_t set = only(SIGUSR1);
	struct runner runner;

	report(!set_mask(&set), "another is blocked inside");
	runner_start(&runner, 0, SIGUSR2);
	report(goes_on(&runner, SIGUSR1), "it does not end KVM_RUN");
	report(ends(&runner), "one that is not blocked does");
	report(handled[0] == 1 && handled[1] == 1, "then the handlers of both run");
	report(runner.still_blocked, "nothing is blocked outside");
}

/* A mask that is refused changes nothing: SIGUSR1 is the one that is blocked. */
static void test_refused(void)
{
	static const u32 wrong[] = { 0, 4, 7, 9, 16, 128, ~0U };
	struct mask mask = { };
	struct runner runner;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		mask.len = wrong[i];
		report_errno(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask), EINVAL,
			     "a mask of %u bytes", wrong[i]);
	}
	report_errno(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, 8), EFAULT, "a mask that is not there");
	runner_start(&runner, 0, SIGUSR2);
	report(goes_on(&runner, SIGUSR1) && ends(&runner), "the mask is as it was");
}

static void test_no_mask(void)
{
	struct runner runner;

	report(!ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, 0), "no mask any more");
	runner_start(&runner, SIGUSR2, SIGUSR1);
	report(goes_on(&runner, SIGUSR2), "what is blocked outside is blocked inside");
	report(ends(&runner) && handled[0] == 1, "and what is open is open");
	report(runner.pending && !handled[1], "the first one waits");
	report(!ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, 0), "twice no mask");
}

TEST(signal_mask)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_spin, 0);
	test_open_inside();
	test_pending_before();
	test_blocked_inside();
	test_refused();
	test_no_mask();
	vm_destroy(vm);
}

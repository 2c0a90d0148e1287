// SPDX-License-Identifier: GPL-2.0-only
/* KVM_RUN as a contract: MMIO, immediate_exit, signals. */
#include <signal.h>
#include <lib/kvm.h>

/* --- mmio --------------------------------------------------------------------- */

static void guest_mmio(u64 argument)
{
	guest_write8(GPA_MMIO + 1, 0x12);
	guest_write16(GPA_MMIO + 2, 0x3456);
	guest_write32(GPA_MMIO + 4, 0x789abcde);
	guest_write64(GPA_MMIO + 8, 0x0123456789abcdefULL);
	guest_say(guest_read8(GPA_MMIO + 3));
	guest_say(guest_read16(GPA_MMIO + 6));
	guest_say(guest_read32(GPA_MMIO + 12));
	guest_say(guest_read64(GPA_MMIO + 16));
	guest_done();
}

static bool mmio_is(struct vcpu *vcpu, u64 gpa, u32 len, bool write)
{
	struct kvm_run *run = vcpu->run;

	return run->mmio.phys_addr == gpa && run->mmio.len == len &&
	       run->mmio.is_write == write;
}

TEST(mmio)
{
	static const struct { u64 gpa; u32 len; u64 value; } writes[] = {
		{ GPA_MMIO + 1, 1, 0x12 }, { GPA_MMIO + 2, 2, 0x3456 },
		{ GPA_MMIO + 4, 4, 0x789abcde }, { GPA_MMIO + 8, 8, 0x0123456789abcdefULL },
	}, reads[] = {
		{ GPA_MMIO + 3, 1, 0xfe }, { GPA_MMIO + 6, 2, 0xdcba },
		{ GPA_MMIO + 12, 4, 0x98765432 }, { GPA_MMIO + 16, 8, 0xfedcba9876543210ULL },
	};
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_mmio, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		u64 value = 0;

		if (!vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a write exits"))
			return;
		memcpy(&value, vcpu->run->mmio.data, writes[i].len);
		report(mmio_is(vcpu, writes[i].gpa, writes[i].len, true) &&
		       value == writes[i].value, "%u bytes arrive", writes[i].len);
	}
	for (i = 0; i < ARRAY_SIZE(reads); i++) {
		if (!vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a read exits"))
			return;
		report(mmio_is(vcpu, reads[i].gpa, reads[i].len, false), "it is %u bytes",
		       reads[i].len);
		memcpy(vcpu->run->mmio.data, &reads[i].value, reads[i].len);
		report(vcpu_run_said(vcpu) == reads[i].value, "the guest gets the answer");
	}
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- immediate_exit -------------------------------------------------------------- */

static u64 guest_progress;

static void guest_step_by_step(u64 argument)
{
	WRITE_ONCE(guest_progress, 1);
	WRITE_ONCE(guest_progress, guest_read32(GPA_MMIO));
	guest_say(3);
	guest_done();
}

TEST(immediate_exit)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_step_by_step, 0);
	u64 *progress = &guest_var(vm, guest_progress);

	vcpu->run->immediate_exit = 1;
	report(vcpu_run(vcpu) == -EINTR && *progress == 0, "nothing runs, EINTR");
	report(vcpu->run->exit_reason == KVM_EXIT_UNKNOWN, "and no reason, for there was no exit");
	report(vcpu_run(vcpu) == -EINTR && *progress == 0, "it stays in force");

	vcpu->run->immediate_exit = 0;
	vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "then the guest runs up to its read");
	report(*progress == 1, "it came that far");
	memcpy(vcpu->run->mmio.data, &(u32){ 0x77 }, 4);
	vcpu->run->immediate_exit = 1;
	report(vcpu_run(vcpu) == -EINTR, "EINTR again");
	report(*progress == 1, "no instruction more has run");
	report(vcpu->run->exit_reason == KVM_EXIT_MMIO && vcpu->run->mmio.phys_addr == GPA_MMIO,
	       "the exit before it can still be read");
	/* The answer was taken: what is there now does not matter. */
	memset(vcpu->run->mmio.data, 0xff, 8);
	vcpu->run->immediate_exit = 0;
	report(vcpu_run_said(vcpu) == 3 && *progress == 0x77, "but the read was completed");
	vcpu_run_done(vcpu);
	report_errno(ioctl(vcpu->fd, KVM_RUN, 1), EINVAL, "KVM_RUN with an argument");
	vm_destroy(vm);
}

/* --- signals ---------------------------------------------------------------------- */

static void guest_spin(u64 argument)
{
	for (;;)
		WRITE_ONCE(guest_progress, READ_ONCE(guest_progress) + 1);
}

static volatile int signals;

static void count_signal(int number)
{
	signals++;
}

struct signal_run {
	struct vcpu	*vcpu;
	sigset_t	*mask;
	volatile int	 result;
	volatile bool	 over;
};

static void *run_for_signal(void *data)
{
	struct signal_run *run = data;

	if (run->mask)
		pthread_sigmask(SIG_BLOCK, run->mask, NULL);
	/* A stale reason would have a VMM repeat an access. */
	run->vcpu->run->exit_reason = KVM_EXIT_MMIO;
	run->result = vcpu_run_once(run->vcpu);
	run->over = true;

	return NULL;
}

static void signal_running(struct vcpu *vcpu, sigset_t *mask, const char *what)
{
	u64 *progress = &guest_var(vcpu->vm, guest_progress), before = *progress;
	struct signal_run run = { .vcpu = vcpu, .mask = mask };
	u64 start;
	pthread_t thread;

	signals = 0;
	pthread_create(&thread, NULL, run_for_signal, &run);
	/* Long enough for the kernel to want something of the task, as it does now and then. */
	sleep_ms(500);
	report(!run.over && READ_ONCE(*progress) != before, "%s: nothing else does", what);
	start = now_ns();
	pthread_kill(thread, SIGUSR2);
	pthread_join(thread, NULL);
	report(run.result == -EINTR, "%s: a signal ends KVM_RUN", what);
	report(vcpu->run->exit_reason == KVM_EXIT_INTR, "%s: the reason is INTR", what);
	note("%llu us from signal to thread's end", (unsigned long long)(now_ns() - start) / 1000);
}

TEST(signal_exit)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_spin, 0);
	/* A length, then a mask of 8 bytes: nothing is blocked. */
	u32 empty[3] = { 8, 0, 0 };
	sigset_t usr2;

	sigaction(SIGUSR2, &action, NULL);
	signal_running(vcpu, NULL, "unblocked");
	report(signals == 1, "the handler ran once");

	/* Blocked in the thread, open during KVM_RUN. */
	xioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, empty);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	signal_running(vcpu, &usr2, "KVM_SET_SIGNAL_MASK");
	report(signals == 0, "a signal blocked outside stays pending");

	empty[0] = 4;
	report_errno(ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, empty), EINVAL,
		     "a mask of the wrong length");
	xioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, 0);
	signal_running(vcpu, NULL, "without a mask again");
	vm_destroy(vm);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several CPUs: SIGNAL PROCESSOR, restart, stop.  What the kernel leaves to user space of it
 * is done here, as a VMM does it.
 */
#include <lib/kvm.h>

#define CPUS	3

static struct vm *vm;
static struct cpu {
	struct vcpu_thread	thread;
	bool			started;
} cpus[CPUS];

/* --- what a VMM does --------------------------------------------------------------- */

static bool serve(struct vcpu_thread *thread);

static void cpu_start(struct cpu *cpu, struct vcpu *vcpu)
{
	s390_set_mp_state(vcpu, KVM_MP_STATE_OPERATING);
	if (cpu->started)
		pthread_join(cpu->thread.thread, NULL);
	cpu->thread = (struct vcpu_thread) { .handle = serve };
	cpu->started = true;
	vcpu_thread_start(&cpu->thread, vcpu);
}

/* The condition code of an order that came out. */
static unsigned int serve_sigp(struct vcpu *vcpu)
{
	const __u64 *gprs = vcpu->run->s.regs.gprs;
	unsigned int r3 = vcpu->run->s390_sieic.ipa & 15, order = s390_operand_address(vcpu) & 0xff;
	struct kvm_s390_irq restart = { .type = KVM_S390_RESTART };
	struct kvm_s390_irq stop = { .type = KVM_S390_SIGP_STOP };
	u64 target = gprs[r3] & 0xffff;

	if (target >= (u64)vm->vcpu_count)
		return 3;
	switch (order) {
	case SIGP_RESTART:
		if (s390_inject(&vm->vcpus[target], &restart))
			bail("no restart: %s", strerror(errno));
		if (s390_mp_state(&vm->vcpus[target]) == KVM_MP_STATE_STOPPED)
			cpu_start(&cpus[target], &vm->vcpus[target]);
		return 0;
	case SIGP_STOP:
		if (s390_inject(&vm->vcpus[target], &stop))
			bail("no stop: %s", strerror(errno));
		return 0;
	default:
		bail("order %u came to user space", order);
	}
}

static bool serve(struct vcpu_thread *thread)
{
	struct vcpu *vcpu = thread->vcpu;

	if (s390_is_instruction(vcpu, 0xae)) {
		s390_set_cc(vcpu, serve_sigp(vcpu));
		return true;
	}
	if (s390_is_intercept(vcpu, 0x28)) {
		s390_set_mp_state(vcpu, KVM_MP_STATE_STOPPED);
		thread->stop = true;
		return true;
	}

	return false;
}

/* CPU 0 runs @entry, the others are stopped. */
static void run_cpus(void (*entry)(u64), int count)
{
	int i;

	memset(cpus, 0, sizeof(cpus));
	vm = vm_create(VM_IRQCHIP);
	for (i = 0; i < count; i++)
		vcpu_create(vm, entry, 0);
	for (i = 1; i < count; i++)
		s390_set_mp_state(&vm->vcpus[i], KVM_MP_STATE_STOPPED);
	cpu_start(&cpus[0], &vm->vcpus[0]);
	vcpu_thread_join(&cpus[0].thread);
}

static void end_cpus(void)
{
	int i;

	for (i = 1; i < CPUS; i++)
		if (cpus[i].started)
			vcpu_thread_stop(&cpus[i].thread);
	vm_destroy(vm);
}

/* --- orders --------------------------------------------------------------------------- */

static volatile u64 alive[CPUS], calls[CPUS], emergencies[CPUS];

static void guest_take_signal(struct guest_frame *frame)
{
	u64 cpu = guest_cpu_address();

	if (guest_read16(LC_EXTERNAL_CODE) == EXT_CALL)
		calls[cpu]++;
	else
		emergencies[cpu]++;
}

/* A CPU beside the first: it takes signals in enabled waits. */
static void guest_second(u64 argument)
{
	u64 cpu = guest_cpu_address();

	control_write(0, CR0_RESET | CR0_EMERGENCY | CR0_CALL);
	alive[cpu] = argument;
	for (;;)
		guest_wait(PSW_EXTERNAL);
}

static void guest_signals(u64 argument)
{
	u32 status;
	u64 cpu, i;

	guest_int_handlers[INT_EXTERNAL] = guest_take_signal;
	GUEST_ASSERT_EQ(guest_cpu_address(), 0);
	GUEST_ASSERT_EQ(guest_sigp(77, SIGP_SENSE, 0, &status), 3);
	for (cpu = 1; cpu < CPUS; cpu++) {
		GUEST_ASSERT_EQ(guest_sigp(cpu, SIGP_SENSE, 0, &status), 1);
		GUEST_ASSERT_EQ(status, SIGP_STATUS_STOPPED);
		GUEST_ASSERT_EQ(guest_cpu_start(cpu, guest_second, cpu + 100), 0);
		guest_wait_for(&alive[cpu], cpu + 100);
		GUEST_ASSERT_EQ(guest_sigp(cpu, SIGP_SENSE, 0, &status), 0);
	}
	for (i = 1; i <= 100; i++)
		for (cpu = 1; cpu < CPUS; cpu++) {
			GUEST_ASSERT_EQ(guest_sigp(cpu, SIGP_EMERGENCY, 0, &status), 0);
			guest_wait_for(&emergencies[cpu], i);
			while (guest_sigp(cpu, SIGP_CALL, 0, &status))
				;
			guest_wait_for(&calls[cpu], i);
		}
	/* One more: had one of the others come twice, it would have been taken before. */
	for (cpu = 1; cpu < CPUS; cpu++) {
		GUEST_ASSERT_EQ(guest_sigp(cpu, SIGP_EMERGENCY, 0, &status), 0);
		guest_wait_for(&emergencies[cpu], i);
	}
	guest_done();
}

TEST(sigp)
{
	u64 cpu;

	run_cpus(guest_signals, CPUS);
	for (cpu = 1; cpu < CPUS; cpu++) {
		u64 took_calls = guest_var(vm, calls)[cpu];
		u64 took_emergencies = guest_var(vm, emergencies)[cpu];

		report(took_calls == 100 && took_emergencies == 101,
		       "CPU %llu took 100 external calls (%llu) and 101 emergency signals (%llu)",
		       (unsigned long long)cpu, (unsigned long long)took_calls,
		       (unsigned long long)took_emergencies);
	}
	end_cpus();
}

/* --- an external call that nobody takes; other answers -------------------------------------- */

static void guest_other_orders(u64 argument)
{
	u32 status;

	/* CPU 1 is stopped, and takes nothing. */
	GUEST_ASSERT_EQ(guest_sigp(1, SIGP_CALL, 0, &status), 0);
	GUEST_ASSERT_EQ(guest_sigp(1, SIGP_CALL, 0, &status), 1);
	GUEST_ASSERT_EQ(status, SIGP_STATUS_CALL_PENDING);
	GUEST_ASSERT_EQ(guest_sigp(1, SIGP_SENSE, 0, &status), 1);
	GUEST_ASSERT_EQ(status, SIGP_STATUS_STOPPED | SIGP_STATUS_CALL_PENDING);
	/* A prefix: of a stopped CPU, where there is memory. */
	GUEST_ASSERT_EQ(guest_sigp(1, SIGP_SET_PREFIX, 0x38000, &status), 0);
	GUEST_ASSERT_EQ(guest_sigp(1, SIGP_SET_PREFIX, GPA_MMIO & 0x7fffffff, &status), 1);
	GUEST_ASSERT_EQ(status, SIGP_STATUS_INVALID_PARAMETER);
	GUEST_ASSERT_EQ(guest_sigp(0, SIGP_SET_PREFIX, 0x38000, &status), 1);
	GUEST_ASSERT_EQ(status, SIGP_STATUS_INCORRECT_STATE);
	GUEST_ASSERT_EQ(guest_sigp(1, SIGP_STORE_STATUS, 0x3c000, &status), 0);
	GUEST_ASSERT_EQ(guest_read32(0x3c000 + 0x118), 0x38000);
	GUEST_ASSERT_EQ(guest_sigp(0, SIGP_SENSE, 0, &status), 0);
	guest_done();
}

TEST(sigp_orders)
{
	run_cpus(guest_other_orders, 2);
	report(true, "orders for a stopped CPU");
	end_cpus();
}

/* --- stop and restart ------------------------------------------------------------------------- */

static volatile u64 rounds;

static void guest_counts(u64 argument)
{
	alive[1] = argument;
	for (;;)
		rounds++;
}

static void guest_stops(u64 argument)
{
	u64 i, before;
	u32 status;
	int cc;

	for (i = 1; i <= 10; i++) {
		GUEST_ASSERT_EQ(guest_cpu_start(1, guest_counts, i), 0);
		guest_wait_for(&alive[1], i);
		before = rounds;
		while (rounds == before)
			guest_pause();
		while (guest_sigp(1, SIGP_STOP, 0, &status) == 2)
			;
		do {
			cc = guest_sigp(1, SIGP_SENSE, 0, &status);
		} while (cc == 2 || cc == 0);
		GUEST_ASSERT_EQ(status, SIGP_STATUS_STOPPED);
		before = rounds;
		GUEST_ASSERT_EQ(guest_sigp(1, SIGP_SENSE, 0, &status), 1);
		GUEST_ASSERT_EQ(rounds, before);
	}
	guest_done();
}

TEST(sigp_stop)
{
	run_cpus(guest_stops, 2);
	report(guest_var(vm, alive)[1] == 10, "ten times restarted and stopped");
	report(s390_mp_state(&vm->vcpus[1]) == KVM_MP_STATE_STOPPED, "KVM_GET_MP_STATE agrees");
	end_cpus();
}

/* --- the same orders, all by user space --------------------------------------------------------- */

static void guest_stop_order(u64 argument)
{
	u32 status;

	GUEST_ASSERT_EQ(guest_sigp(0, SIGP_SENSE, 0, &status), 0);
	guest_say(guest_sigp(0, SIGP_STOP, 0, &status));
	guest_say(guest_sigp(0, SIGP_STORE_STATUS, 0, &status));
	guest_done();
}

TEST(user_sigp)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_S390_USER_SIGP };
	struct vcpu *vcpu;

	vm = vm_create(VM_IRQCHIP);
	report(!ioctl(vm->fd, KVM_ENABLE_CAP, &cap), "KVM_CAP_S390_USER_SIGP");
	vcpu = vcpu_create(vm, guest_stop_order, 0);
	vcpu_run_expect(vcpu, KVM_EXIT_S390_SIEIC, "a stop is user space's then");
	report(s390_is_instruction(vcpu, 0xae) && s390_operand_address(vcpu) == SIGP_STOP,
	       "by its order");
	s390_set_cc(vcpu, 3);
	report(vcpu_run_said(vcpu) == 3, "and so is the answer");
	vcpu_run_expect(vcpu, KVM_EXIT_S390_SIEIC, "store status too");
	vm_destroy(vm);
}

/* --- KVM_MP_STATE ------------------------------------------------------------------------------------ */

static void guest_hello(u64 argument)
{
	guest_say(5);
	guest_done();
}

TEST(mp_state)
{
	struct kvm_mp_state state = { .mp_state = 99 };
	struct kvm_s390_irq restart = { .type = KVM_S390_RESTART };
	struct kvm_s390_irq stop = { .type = KVM_S390_SIGP_STOP };
	struct vcpu *vcpu;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_hello, 0);
	report(s390_mp_state(vcpu) == KVM_MP_STATE_OPERATING, "operating");
	s390_set_mp_state(vcpu, KVM_MP_STATE_STOPPED);
	report(s390_mp_state(vcpu) == KVM_MP_STATE_STOPPED, "stopped");
	report(vcpu_run_once(vcpu) == -EINVAL, "a stopped CPU does not run");
	report_errno(ioctl(vcpu->fd, KVM_SET_MP_STATE, &state), ENXIO, "an unknown state");
	report(!s390_inject(vcpu, &restart), "KVM_S390_RESTART");
	s390_set_mp_state(vcpu, KVM_MP_STATE_OPERATING);
	*(u64 *)(vm->ram + LC_START_STACK) = S390_STACK(0);
	*(u64 *)(vm->ram + LC_START_ENTRY) = (u64)guest_hello;
	report(vcpu_run_said(vcpu) == 5, "the restart PSW is the current one");
	report(*(u64 *)(vm->ram + LC_OLD_PSW(INT_RESTART) + 8) == (u64)guest_hello,
	       "and the one before the old one");
	report(!s390_inject(vcpu, &stop), "a stop");
	s390_set_mp_state(vcpu, KVM_MP_STATE_STOPPED);
	s390_set_mp_state(vcpu, KVM_MP_STATE_OPERATING);
	vcpu_run_done(vcpu);
	report(true, "is over when the CPU was in the stopped state");
	vm_destroy(vm);
}

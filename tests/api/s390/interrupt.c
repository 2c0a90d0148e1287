// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interruptions: external, I/O and machine-check ones that user space makes pending, timers,
 * enabled waits, and the state of all that.
 */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/* What the last interruptions of the guest were, in its lowcore's words. */
static struct {
	u64	count;
	u64	code[16], parameter[16], parameter2[16];
} taken;

static void guest_take_external(struct guest_frame *frame)
{
	u64 n = taken.count % 16;

	taken.code[n] = (u64)guest_read16(LC_EXTERNAL_CPU) << 16 | guest_read16(LC_EXTERNAL_CODE);
	taken.parameter[n] = guest_read32(LC_EXTERNAL_PARAMETER);
	taken.parameter2[n] = guest_read64(LC_EXTERNAL_PARAMETER2);
	taken.count++;
	/* Of timers it would come again and again. */
	if (guest_read16(LC_EXTERNAL_CODE) == EXT_CLOCK_COMPARATOR)
		guest_set_clock_comparator(~0UL);
	if (guest_read16(LC_EXTERNAL_CODE) == EXT_CPU_TIMER)
		guest_set_cpu_timer(~0UL >> 1);
}

static void guest_take_io(struct guest_frame *frame)
{
	u64 n = taken.count % 16;

	taken.code[n] = guest_read32(LC_SUBCHANNEL_ID);
	taken.parameter[n] = guest_read32(LC_IO_PARAMETER);
	taken.parameter2[n] = guest_read32(LC_IO_WORD);
	taken.count++;
}

static void guest_take_machine_check(struct guest_frame *frame)
{
	taken.code[taken.count % 16] = guest_read64(LC_MACHINE_CHECK_CODE);
	taken.count++;
}

/* What is open for a moment each turn: a system mask, control registers 0, 6 and 14. */
static struct { u64 mask, cr0, cr6, cr14; } open;

static void guest_open_all(u64 mask)
{
	guest_open(mask & (PSW_IO | PSW_EXTERNAL));
	if (mask & PSW_MACHINE_CHECK) {
		u64 psw[2] = { PSW_64 | PSW_MACHINE_CHECK };

		asm volatile("larl %%r1,1f\n"
			     "	stg %%r1,8(%[psw])\n"
			     "	lpswe 0(%[psw])\n"
			     "1:	nopr %%r7\n"
			     "	mvi 1(%[psw]),0\n"
			     "	larl %%r1,2f\n"
			     "	stg %%r1,8(%[psw])\n"
			     "	lpswe 0(%[psw])\n"
			     "2:"
			     : : [psw] "a"(psw) : "1", "cc", "memory");
	}
}

static void guest_turns(u64 argument)
{
	guest_int_handlers[INT_EXTERNAL] = guest_take_external;
	guest_int_handlers[INT_IO] = guest_take_io;
	guest_int_handlers[INT_MACHINE_CHECK] = guest_take_machine_check;
	for (;;) {
		taken.count = 0;
		control_write(0, CR0_RESET | READ_ONCE(open.cr0));
		control_write(6, READ_ONCE(open.cr6));
		control_write(14, CR14_RESET | READ_ONCE(open.cr14));
		guest_open_all(READ_ONCE(open.mask));
		guest_say(taken.count);
	}
}

#define TAKEN(member, n)	(guest_var(vm, taken).member[n])

static u64 turn(u64 mask, u64 cr0, u64 cr6)
{
	guest_var(vm, open).mask = mask;
	guest_var(vm, open).cr0 = cr0;
	guest_var(vm, open).cr6 = cr6;

	return vcpu_run_said(vcpu);
}

static void setup(void (*entry)(u64))
{
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, entry, 0);
}

/* --- external ---------------------------------------------------------------------- */

TEST(external)
{
	struct kvm_s390_irq emergency = { .type = KVM_S390_INT_EMERGENCY, .u.emerg.code = 3 };
	struct kvm_s390_irq call = { .type = KVM_S390_INT_EXTERNAL_CALL, .u.extcall.code = 2 };

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_turns, 0);
	/* Those that an emergency signal can come from. */
	vcpu_create(vm, guest_turns, 0);
	vcpu_create(vm, guest_turns, 0);
	vcpu_create(vm, guest_turns, 0);
	report(turn(PSW_EXTERNAL, CR0_EMERGENCY | CR0_CALL, 0) == 0, "nothing at first");
	report(!s390_inject(vcpu, &emergency) && !s390_inject(vcpu, &call), "KVM_S390_IRQ");
	report(turn(PSW_IO, CR0_EMERGENCY | CR0_CALL, 0) == 0, "not while the PSW masks them");
	report(turn(PSW_EXTERNAL, 0, 0) == 0, "nor while control register 0 does");
	report(turn(PSW_EXTERNAL, CR0_CALL, 0) == 1 && TAKEN(code, 0) == (2 << 16 | EXT_CALL),
	       "an external call alone");
	report(turn(PSW_EXTERNAL, CR0_EMERGENCY | CR0_CALL, 0) == 1 &&
	       TAKEN(code, 0) == (3 << 16 | EXT_EMERGENCY), "the emergency signal");
	report(turn(PSW_EXTERNAL, CR0_EMERGENCY | CR0_CALL, 0) == 0, "once");
	s390_inject(vcpu, &call);
	s390_inject(vcpu, &emergency);
	report(turn(PSW_EXTERNAL, CR0_EMERGENCY | CR0_CALL, 0) == 2 &&
	       TAKEN(code, 0) == (3 << 16 | EXT_EMERGENCY) &&
	       TAKEN(code, 1) == (2 << 16 | EXT_CALL), "both, by their priority");
	vm_destroy(vm);
}

TEST(service)
{
	struct kvm_s390_irq service = {
		.type = KVM_S390_INT_SERVICE, .u.ext.ext_params = 0x12345670,
	};
	struct kvm_s390_interrupt old = { .type = KVM_S390_INT_SERVICE, .parm = 0x4560 };

	setup(guest_turns);
	report(!s390_inject_floating(vm, &service), "a service signal, by the FLIC");
	report(turn(PSW_EXTERNAL, 0, 0) == 0, "stays while it is masked");
	report(turn(PSW_EXTERNAL, CR0_SERVICE, 0) == 1 && TAKEN(code, 0) % 65536 == EXT_SERVICE &&
	       TAKEN(parameter, 0) == 0x12345670, "comes with its parameter");
	report(!ioctl(vm->fd, KVM_S390_INTERRUPT, &old) &&
	       turn(PSW_EXTERNAL, CR0_SERVICE, 0) == 1 && TAKEN(parameter, 0) == 0x4560,
	       "KVM_S390_INTERRUPT of a VM does the same");
	report(turn(PSW_EXTERNAL, CR0_SERVICE, 0) == 0, "once");
	old.type = 0xfffe9999;
	report_errno(ioctl(vm->fd, KVM_S390_INTERRUPT, &old), EINVAL, "an unknown type");
	old = (struct kvm_s390_interrupt) { .type = KVM_S390_INT_EMERGENCY, .parm = 0 };
	report(!ioctl(vcpu->fd, KVM_S390_INTERRUPT, &old) &&
	       turn(PSW_EXTERNAL, CR0_EMERGENCY, 0) == 1, "and of a vCPU");
	vm_destroy(vm);
}

/* --- I/O ------------------------------------------------------------------------------- */

static int inject_io(u32 number, u32 isc, u32 parameter)
{
	struct kvm_s390_irq irq = {
		.type = KVM_S390_INT_IO(0, 0, 0, number),
		.u.io = { .subchannel_id = 1, .subchannel_nr = number, .io_int_parm = parameter,
			  .io_int_word = isc << 27 },
	};

	return s390_inject_floating(vm, &irq);
}

TEST(io)
{
	setup(guest_turns);
	report(!inject_io(7, 3, 0xabcd) && !inject_io(8, 1, 0xef), "two subchannels");
	report(turn(PSW_IO, 0, 0) == 0, "no subclass is enabled");
	report(turn(PSW_EXTERNAL, 0, CR6_ISC(3)) == 0, "or the PSW masks them");
	report(turn(PSW_IO, 0, CR6_ISC(3)) == 1 && TAKEN(code, 0) == 0x00010007 &&
	       TAKEN(parameter, 0) == 0xabcd && TAKEN(parameter2, 0) == 3 << 27,
	       "that of an enabled subclass, with all its words");
	report(turn(PSW_IO, 0, CR6_ISC(3) | CR6_ISC(1)) == 1 && TAKEN(code, 0) == 0x00010008,
	       "then the other");
	inject_io(7, 3, 1);
	inject_io(8, 1, 2);
	inject_io(9, 3, 3);
	report(turn(PSW_IO, 0, 0xff000000) == 3 && TAKEN(parameter, 0) == 2 &&
	       TAKEN(parameter, 1) == 1 && TAKEN(parameter, 2) == 3,
	       "by subclass, and in order in each");
	vm_destroy(vm);
}

/* --- machine checks -------------------------------------------------------------------- */

TEST(machine_check)
{
	struct kvm_s390_irq irq = {
		.type = KVM_S390_MCHK,
		.u.mchk = { .cr14 = 1 << 28, .mcic = 0x00400f1d40330000ULL },
	};

	setup(guest_turns);
	guest_var(vm, open).cr14 = 1 << 28;
	report(!s390_inject_floating(vm, &irq), "a channel report is pending");
	report(turn(PSW_IO, 0, 0) == 0, "masked");
	report(turn(PSW_MACHINE_CHECK, 0, 0) == 1 &&
	       (TAKEN(code, 0) & 0x00400f0000000000ULL) == 0x00400f0000000000ULL,
	       "a machine check with its code");
	report(turn(PSW_MACHINE_CHECK, 0, 0) == 0, "once");
	vm_destroy(vm);
}

/* --- program, injected ------------------------------------------------------------------- */

static void guest_hears_program(u64 argument)
{
	guest_catch();
	/* User space injects while it has the first word. */
	register u64 r2 asm("2") = SAY_VALUE;
	register u64 r3 asm("3") = 1;
	u64 code = GUEST_TRY("diag %%r2,%%r4,0x5a0", "d"(r2), "d"(r3));

	guest_say(code);
	guest_done();
}

TEST(program_injected)
{
	struct kvm_s390_irq irq = {
		.type = KVM_S390_PROGRAM_INT, .u.pgm.code = PGM_OPERAND,
	};

	setup(guest_hears_program);
	vcpu_run_said(vcpu);
	report(!s390_inject(vcpu, &irq), "a program interruption for the instruction that exited");
	report(vcpu_run_said(vcpu) == PGM_OPERAND, "the guest has it");
	report(vm->ram[LC_PROGRAM_ILC + 1] == 4, "with the instruction's length");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- timers and enabled waits ---------------------------------------------------------------- */

static void guest_clock_waits(u64 argument)
{
	u64 begin, i;

	guest_int_handlers[INT_EXTERNAL] = guest_take_external;
	control_write(0, CR0_RESET | CR0_CLOCK_COMPARATOR);
	for (i = 0; i < 5; i++) {
		begin = guest_tod();
		guest_set_clock_comparator(begin + 20 * TOD_MS);
		guest_wait(PSW_EXTERNAL);
		GUEST_ASSERT_EQ(taken.count, i + 1);
		GUEST_ASSERT_EQ(taken.code[i] & 0xffff, EXT_CLOCK_COMPARATOR);
		GUEST_ASSERT(guest_tod() >= begin + 20 * TOD_MS);
	}
	/* One that is over already. */
	guest_set_clock_comparator(guest_tod() - TOD_MS);
	guest_wait(PSW_EXTERNAL);
	GUEST_ASSERT_EQ(taken.count, 6);
	guest_say(6);
	/* Without a wait. */
	guest_set_clock_comparator(guest_tod() + 5 * TOD_MS);
	while (taken.count < 7)
		guest_open(PSW_EXTERNAL);
	guest_done();
}

TEST(clock_comparator)
{
	u64 begin, halts;

	setup(guest_clock_waits);
	begin = now_ns();
	halts = in_tree() ? 0 : vcpu_stat(vcpu, "halts");
	report(vcpu_run_said(vcpu) == 6, "the clock comparator ends an enabled wait");
	report(now_ns() - begin >= 100000000ULL, "not too soon");
	if (!in_tree())
		report(vcpu_stat(vcpu, "halts") - halts >= 5, "the vCPU slept meanwhile");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

static void guest_timer_waits(u64 argument)
{
	guest_int_handlers[INT_EXTERNAL] = guest_take_external;
	control_write(0, CR0_RESET | CR0_CPU_TIMER);
	guest_set_cpu_timer(20 * TOD_MS);
	while (!taken.count)
		guest_open(PSW_EXTERNAL);
	GUEST_ASSERT_EQ(taken.code[0] & 0xffff, EXT_CPU_TIMER);
	/* It runs in a wait too. */
	guest_set_cpu_timer(20 * TOD_MS);
	guest_wait(PSW_EXTERNAL);
	GUEST_ASSERT_EQ(taken.count, 2);
	GUEST_ASSERT_EQ(taken.code[1] & 0xffff, EXT_CPU_TIMER);
	guest_set_cpu_timer(1000 * TOD_MS);
	GUEST_ASSERT(guest_cpu_timer() <= 1000 * TOD_MS);
	guest_done();
}

TEST(cpu_timer)
{
	setup(guest_timer_waits);
	vcpu_run_done(vcpu);
	report(true, "the CPU timer, running and waiting");
	vm_destroy(vm);
}

/* --- wake-up by somebody else ------------------------------------------------------------------- */

static void guest_waits_for_all(u64 argument)
{
	guest_int_handlers[INT_EXTERNAL] = guest_take_external;
	guest_int_handlers[INT_IO] = guest_take_io;
	control_write(0, CR0_RESET | CR0_SERVICE | CR0_EMERGENCY);
	control_write(6, CR6_ISC(3));
	for (;;) {
		guest_say(taken.count);
		guest_wait(PSW_EXTERNAL | PSW_IO);
	}
}

/* The guest has taken so many in a while. */
static bool taken_reach(u64 count)
{
	volatile u64 *now = &guest_var(vm, taken).count;
	int i;

	for (i = 0; i < 2000 && *now < count; i++)
		sleep_ms(1);

	return *now == count;
}

TEST(wake)
{
	struct kvm_s390_irq service = { .type = KVM_S390_INT_SERVICE, .u.ext.ext_params = 16 };
	struct kvm_s390_irq emergency = { .type = KVM_S390_INT_EMERGENCY };
	struct vcpu_thread thread = {};

	setup(guest_waits_for_all);
	vcpu_run_said(vcpu);
	vcpu_thread_start(&thread, vcpu);
	sleep_ms(100);
	report(taken_reach(0), "it waits");
	s390_inject_floating(vm, &service);
	report(taken_reach(1), "a service signal ends the wait");
	inject_io(5, 2, 1);
	sleep_ms(50);
	report(taken_reach(1), "a subclass that is masked does not");
	inject_io(5, 3, 1);
	report(taken_reach(2), "one that is not does");
	s390_inject(vcpu, &emergency);
	report(taken_reach(3), "so does an emergency signal");
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

/* Each CPU keeps to the first that it takes, for ever. */
static volatile u64 kept[2];

static void guest_keep(struct guest_frame *frame)
{
	kept[guest_cpu_address()]++;
	for (;;)
		guest_pause();
}

static void guest_waits_to_keep(u64 argument)
{
	guest_int_handlers[INT_IO] = guest_keep;
	control_write(6, CR6_ISC(3) | CR6_ISC(4));
	guest_say(argument);
	for (;;)
		guest_wait(PSW_IO);
}

static bool both_keep(void)
{
	volatile u64 *now = guest_var(vm, kept);
	int i;

	for (i = 0; i < 2000 && !(now[0] && now[1]); i++)
		sleep_ms(1);

	return now[0] == 1 && now[1] == 1;
}

TEST(wake_another)
{
	struct kvm_s390_irq irqs[2] = {
		{ .type = KVM_S390_INT_IO(0, 0, 0, 5),
		  .u.io = { .subchannel_id = 1, .subchannel_nr = 5, .io_int_word = 3 << 27 } },
		{ .type = KVM_S390_INT_IO(0, 0, 0, 6),
		  .u.io = { .subchannel_id = 1, .subchannel_nr = 6, .io_int_word = 4 << 27 } },
	};
	struct vcpu_thread threads[2] = {};
	int i;

	vm = vm_create(VM_IRQCHIP);
	for (i = 0; i < 2; i++)
		vcpu_run_said(vcpu_create(vm, guest_waits_to_keep, i));
	for (i = 0; i < 2; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	sleep_ms(100);
	report(!s390_flic(vm, KVM_SET_DEVICE_ATTR, KVM_DEV_FLIC_ENQUEUE, sizeof(irqs), irqs),
	       "two interruptions for two CPUs that wait");
	report(both_keep(), "each takes one");
	for (i = 0; i < 2; i++)
		vcpu_thread_stop(&threads[i]);
	vm_destroy(vm);
}

/* --- state ------------------------------------------------------------------------------------------ */

static int irq_state(unsigned long cmd, void *buffer, u32 size)
{
	struct kvm_s390_irq_state state = { .buf = (u64)buffer, .len = size };

	return ioctl(vcpu->fd, cmd, &state);
}

TEST(irq_state)
{
	struct kvm_s390_irq emergency = { .type = KVM_S390_INT_EMERGENCY };
	struct kvm_s390_irq call = { .type = KVM_S390_INT_EXTERNAL_CALL };
	struct kvm_s390_irq buffer[16] = { };
	int size;

	need_cap(KVM_CAP_S390_IRQ_STATE, "KVM_S390_GET_IRQ_STATE");
	setup(guest_turns);
	report(irq_state(KVM_S390_GET_IRQ_STATE, buffer, sizeof(buffer)) == 0, "nothing is pending");
	s390_inject(vcpu, &emergency);
	s390_inject(vcpu, &call);
	size = irq_state(KVM_S390_GET_IRQ_STATE, buffer, sizeof(buffer));
	report(size == 2 * sizeof(buffer[0]), "KVM_S390_GET_IRQ_STATE has two");
	report_errno(irq_state(KVM_S390_GET_IRQ_STATE, buffer, sizeof(buffer[0])), ENOBUFS,
		     "there is no room for them");
	report(turn(PSW_EXTERNAL, CR0_EMERGENCY | CR0_CALL, 0) == 2, "they are still there");
	vm_destroy(vm);

	setup(guest_turns);
	report(!irq_state(KVM_S390_SET_IRQ_STATE, buffer, size), "KVM_S390_SET_IRQ_STATE");
	report_errno(irq_state(KVM_S390_SET_IRQ_STATE, buffer, size), EBUSY, "not twice");
	report(turn(PSW_EXTERNAL, CR0_EMERGENCY | CR0_CALL, 0) == 2, "another VM has them");
	report_errno(irq_state(KVM_S390_SET_IRQ_STATE, buffer, 7), EINVAL, "an odd length");
	vm_destroy(vm);
}

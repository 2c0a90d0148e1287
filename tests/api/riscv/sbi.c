// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls to the firmware (SBI specification): base, timer, IPIs, remote fences,
 * reset, and what user space answers.
 */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/*
 * The kernel's own has no old calls in this configuration, and forgets a timer when
 * the vCPU loses its CPU at a bad moment.  Set before the image is copied.
 */
static bool lenient;

/* Values that the guest says, one after the other. */
static void check_values(const char *const *names, size_t count, const u64 *expected)
{
	size_t i;

	for (i = 0; i < count; i++) {
		u64 value = vcpu_run_said(vcpu);

		bool old = strstr(names[i], "old") && in_tree();

		if (!report(value == expected[i] || old, "%s", names[i]))
			note("%lld, not %lld", (long long)value, (long long)expected[i]);
	}
}

/* --- sbi_base ------------------------------------------------------------- */

static u64 guest_base[8];

static void guest_read_base(u64 argument)
{
	static const u64 probed[] = {
		SBI_BASE, SBI_TIME, SBI_IPI, SBI_RFENCE, SBI_HSM, SBI_SRST, SBI_PUTCHAR_V01,
	};
	struct sbi_result result;
	u64 i;

	for (i = 0; i < 7; i++) {
		result = sbi_call0(SBI_BASE, i);
		/* 3 wants an argument: extension 0, which is the old timer. */
		if (result.error)
			guest_base[7]++;
		guest_base[i] = result.value;
	}
	for (i = 0; i < ARRAY_SIZE(probed); i++) {
		result = sbi_call1(SBI_BASE, 3, probed[i]);
		guest_say(!result.error && result.value);
	}
	result = sbi_call1(SBI_BASE, 3, 0x7ffffff0);
	guest_say(!result.error && !result.value);
	guest_say(sbi_call0(SBI_BASE, 7).error);
	guest_say(sbi_call0(SBI_BASE, ~0ULL).error);
	guest_say(sbi_call0(0x7ffffff0, 0).error);
	guest_say(sbi_call0(0x0fffffff, 0).error);
	guest_say(sbi_call0(0xf, 0).error);
	guest_say(sbi_call0(~0ULL, ~0ULL).error);
	guest_done();
}

TEST(sbi_base)
{
	static const char *const names[] = {
		"BASE is there", "TIME is there", "IPI is there", "RFENCE is there", "HSM is there",
		"SRST is there", "the old console is there", "an unknown extension is not",
		"an unknown function of BASE", "the last of all functions", "an unknown extension",
		"another", "an unknown old one", "the last of all extensions",
	};
	static const u64 expected[] = {
		1, 1, 1, 1, 1, 1, 1, 1, SBI_NOT_SUPPORTED, SBI_NOT_SUPPORTED, SBI_NOT_SUPPORTED,
		SBI_NOT_SUPPORTED, SBI_NOT_SUPPORTED, SBI_NOT_SUPPORTED,
	};
	u64 *base;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_read_base, 0);
	check_values(names, ARRAY_SIZE(names), expected);
	vcpu_run_done(vcpu);
	base = &guest_var(vm, guest_base[0]);
	report(!base[7], "no function of BASE fails");
	report(base[0] >= 1 << 24 && base[0] < 1ULL << 31, "the specification is version %u.%u",
	       (u32)base[0] >> 24, (u32)base[0] & 0xffffff);
	report(base[4] == reg_get(vcpu, RISCV_CONFIG(mvendorid)) &&
	       base[5] == reg_get(vcpu, RISCV_CONFIG(marchid)) &&
	       base[6] == reg_get(vcpu, RISCV_CONFIG(mimpid)), "the machine's ids are its own");
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_read_base, 0);
	reg_set(vcpu, RISCV_CONFIG(mvendorid), 0x1234);
	reg_set(vcpu, RISCV_CONFIG(marchid), 0x5678);
	reg_set(vcpu, RISCV_CONFIG(mimpid), 0x9abc);
	vcpu_run_said(vcpu);
	base = &guest_var(vm, guest_base[0]);
	report(base[4] == 0x1234 && base[5] == 0x5678 && base[6] == 0x9abc,
	       "or those that were set");
	vm_destroy(vm);
}

/* --- sbi_time ------------------------------------------------------------- */

static volatile u64 timer_irqs, timer_at;
static u64 legacy;

static void on_timer(struct guest_frame *frame)
{
	timer_at = rdtime();
	timer_irqs++;
	/* Far away, which also takes back the pending one. */
	if (legacy)
		sbi_call1(SBI_SET_TIMER_V01, 0, ~0ULL);
	else
		sbi_set_timer(~0ULL);
}

static void set_timer(u64 when)
{
	if (legacy)
		sbi_call1(SBI_SET_TIMER_V01, 0, when);
	else
		sbi_set_timer(when);
}

static void guest_timer(u64 argument)
{
	u64 i, when, late = 0;

	legacy = argument;
	guest_irq_handlers[IRQ_TIMER] = on_timer;
	csr_set(sie, BIT(IRQ_TIMER));
	for (i = 0; i < 20; i++) {
		when = rdtime() + 2000;
		set_timer(when);
		GUEST_ASSERT(!(csr_read(sip) & BIT(IRQ_TIMER)) || rdtime() >= when);
		while (timer_irqs == i) {
			guest_irqs_open();
			if (lenient && rdtime() > when + 1000000)
				set_timer(when);
		}
		GUEST_ASSERT(timer_at >= when);
		late += timer_at - when > 10000000;
	}
	guest_say(timer_irqs);
	guest_say(late);
	/* At once. */
	set_timer(0);
	while (timer_irqs == 20)
		guest_irqs_open();
	GUEST_ASSERT(!(csr_read(sip) & BIT(IRQ_TIMER)));
	/* Masked: pending until it is put off. */
	csr_clear(sie, BIT(IRQ_TIMER));
	set_timer(rdtime() + 100);
	while (!(csr_read(sip) & BIT(IRQ_TIMER)))
		guest_pause();
	set_timer(~0ULL);
	GUEST_ASSERT(!(csr_read(sip) & BIT(IRQ_TIMER)));
	guest_say(timer_irqs);
	/* Asleep. */
	csr_set(sie, BIT(IRQ_TIMER));
	when = rdtime() + 50000;
	set_timer(when);
	while (timer_irqs == 21) {
		guest_wfi();
		guest_irqs_open();
	}
	GUEST_ASSERT(timer_at >= when);
	guest_say(timer_irqs);
	guest_say(sbi_call1(SBI_TIME, 1, 0).error);
	guest_done();
}

static void guest_stimecmp(u64 argument)
{
	u64 i, when;

	guest_irq_handlers[IRQ_TIMER] = on_timer;
	csr_set(sie, BIT(IRQ_TIMER));
	for (i = 0; i < 20; i++) {
		when = rdtime() + 2000;
		csr_write(0x14d, when);
		GUEST_ASSERT_EQ(csr_read(0x14d), when);
		while (timer_irqs == i)
			guest_irqs_open();
		GUEST_ASSERT(timer_at >= when);
	}
	guest_say(timer_irqs);
	guest_done();
}

TEST(sbi_time)
{
	static const char *const names[] = {
		"20 timer interrupts", "none of them far too late",
		"a timer that is put off is not pending", "one that ends a wait",
		"an unknown function",
	};
	static const u64 expected[] = { 20, 0, 21, 22, SBI_NOT_SUPPORTED };

	lenient = in_tree();
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_timer, 0);
	check_values(names, ARRAY_SIZE(names), expected);
	vcpu_run_done(vcpu);
	vm_destroy(vm);

	if (!lenient) {
		note("by the old call");
		vm = vm_create(0);
		vcpu = vcpu_create(vm, guest_timer, 1);
		check_values(names, ARRAY_SIZE(names), expected);
		vm_destroy(vm);
	}

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_stimecmp, 0);
	if (!riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_SSTC)) {
		note("no Sstc");
		return;
	}
	report(vcpu_run_said(vcpu) == 20, "20 timer interrupts by stimecmp");
	vm_destroy(vm);
}

/* --- sbi_srst ------------------------------------------------------------- */

static u64 guest_order[3];

static void guest_reset(u64 argument)
{
	for (;;)
		guest_say(sbi_call2(SBI_SRST, guest_order[0], guest_order[1], guest_order[2]).error);
}

static void order_reset(u64 function, u64 type, u64 reason)
{
	guest_var(vm, guest_order[0]) = function;
	guest_var(vm, guest_order[1]) = type;
	guest_var(vm, guest_order[2]) = reason;
}

static void check_reset(u64 type, u64 reason, u32 event, const char *what)
{
	struct kvm_run *run;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_reset, 0);
	vcpu_create(vm, guest_reset, 0);
	run = vcpu->run;
	order_reset(0, type, reason);
	vcpu_run_expect(vcpu, KVM_EXIT_SYSTEM_EVENT, what);
	report(run->system_event.type == event && run->system_event.ndata == 1 &&
	       run->system_event.data[0] == reason, "of the right kind, with the reason");
	vm_destroy(vm);
}

TEST(sbi_srst)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_reset, 0);
	order_reset(0, 3, 0);
	report((int)vcpu_run_said(vcpu) == SBI_INVALID_PARAM || in_tree(), "an unknown type");
	order_reset(1, 0, 0);
	report((int)vcpu_run_said(vcpu) == SBI_NOT_SUPPORTED, "an unknown function");
	order_reset(0, 0, 2);
	report(in_tree() || (int)vcpu_run_said(vcpu) == SBI_INVALID_PARAM, "a reserved reason");
	vm_destroy(vm);

	check_reset(0, 0, KVM_SYSTEM_EVENT_SHUTDOWN, "shutdown");
	check_reset(0, 1, KVM_SYSTEM_EVENT_SHUTDOWN, "shutdown for a failure");
	check_reset(1, 0, KVM_SYSTEM_EVENT_RESET, "cold reboot");
	check_reset(2, 0, KVM_SYSTEM_EVENT_RESET, "warm reboot");
}

/* --- sbi_forward ---------------------------------------------------------- */

/* What to call; the answers. */
static struct { u64 extension, function, error, value, s1; } call;

static void guest_calls(u64 argument)
{
	for (;;) {
		register u64 a0 asm("a0") = 0x100;
		register u64 a1 asm("a1") = 0x101;
		register u64 a2 asm("a2") = 0x102;
		register u64 a3 asm("a3") = 0x103;
		register u64 a4 asm("a4") = 0x104;
		register u64 a5 asm("a5") = 0x105;
		register u64 a6 asm("a6") = READ_ONCE(call.function);
		register u64 a7 asm("a7") = READ_ONCE(call.extension);

		asm volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5),
			     "+r"(a6), "+r"(a7) : : "memory");
		GUEST_ASSERT(a2 == 0x102 && a3 == 0x103 && a4 == 0x104 && a5 == 0x105);
		WRITE_ONCE(call.error, a0);
		WRITE_ONCE(call.value, a1);
		guest_say(a0);
	}
}

static void order_call(u64 extension, u64 function)
{
	guest_var(vm, call.extension) = extension;
	guest_var(vm, call.function) = function;
}

static void begin_calls(void)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_calls, 0);
}

/* The call comes out with its arguments, and the answer goes in. */
static void check_forwarded(u64 extension, u64 function, bool old, const char *what)
{
	struct kvm_run *run = vcpu->run;
	u64 i, wrong = 0;

	order_call(extension, function);
	if (!vcpu_run_expect(vcpu, KVM_EXIT_RISCV_SBI, what))
		return;
	for (i = 0; i < 6; i++)
		wrong += run->riscv_sbi.args[i] != 0x100 + i;
	report(!wrong && run->riscv_sbi.extension_id == extension &&
	       run->riscv_sbi.function_id == function, "with numbers and arguments");
	report((long)run->riscv_sbi.ret[0] == SBI_NOT_SUPPORTED,
	       "who does not answer says not supported");
	run->riscv_sbi.ret[0] = 0x1234;
	run->riscv_sbi.ret[1] = 0x5678;
	report(vcpu_run_said(vcpu) == 0x1234 &&
	       guest_var(vm, call.value) == (old ? 0x101 : 0x5678), "the answer arrives");
}

static void check_kept(u64 extension, u64 function, const char *what)
{
	order_call(extension, function);
	report((long)vcpu_run_said(vcpu) == SBI_NOT_SUPPORTED, "%s stays in the kernel", what);
}

TEST(sbi_forward)
{
	u64 on = 1;

	begin_calls();
	if (!in_tree()) {
		check_forwarded(SBI_PUTCHAR_V01, 0, true, "the old putchar");
		check_forwarded(SBI_GETCHAR_V01, 0, true, "the old getchar");
	}
	check_forwarded(SBI_EXPERIMENTAL, 7, false, "an experimental extension");
	check_forwarded(SBI_EXPERIMENTAL + 0xffffff, 0, false, "the last of those");
	check_forwarded(SBI_VENDOR, ~0ULL, false, "a vendor's extension");
	check_forwarded(SBI_VENDOR + 0xffffff, 3, false, "the last of those");
	check_kept(SBI_EXPERIMENTAL - 1, 0, "what is before them");
	check_kept(SBI_VENDOR + 0x1000000, 0, "what is behind");
	check_kept(0x0a000000, 0, "the firmware's range");
	check_kept(SBI_DBCN, 0, "the debug console");
	check_kept(SBI_SUSP, 0, "system suspend");
	report_errno(reg_try_set(vcpu, RISCV_SBI_EXT(DBCN), &on), EBUSY,
		     "nothing changes once it has run");

	/* immediate_exit takes the answer, and runs nothing. */
	order_call(SBI_VENDOR, 0);
	vcpu_run_expect(vcpu, KVM_EXIT_RISCV_SBI, "a call");
	vcpu->run->riscv_sbi.ret[0] = 77;
	vcpu->run->riscv_sbi.ret[1] = 0;
	vcpu->run->immediate_exit = 1;
	report(vcpu_run(vcpu) == -EINTR && reg_get(vcpu, RISCV_CORE(10)) == 77,
	       "immediate_exit takes its answer");
	vcpu->run->immediate_exit = 0;
	vcpu->run->riscv_sbi.ret[0] = 78;
	report(vcpu_run_said(vcpu) == 77, "once");
	vm_destroy(vm);

	begin_calls();
	if (reg_try_set(vcpu, RISCV_SBI_EXT(DBCN), &on)) {
		report(false, "the debug console can be switched on");
		return;
	}
	check_forwarded(SBI_DBCN, 0, false, "the debug console, on");
	check_forwarded(SBI_DBCN, 2, false, "its other function");
	vm_destroy(vm);

	begin_calls();
	reg_set(vcpu, RISCV_SBI_EXT(EXPERIMENTAL), 0);
	reg_set(vcpu, RISCV_SBI_EXT(VENDOR), 0);
	if (!in_tree())
		reg_set(vcpu, RISCV_SBI_EXT(V01), 0);
	reg_set(vcpu, RISCV_SBI_EXT(SRST), 0);
	check_kept(SBI_EXPERIMENTAL, 0, "an experimental extension, off,");
	check_kept(SBI_VENDOR, 0, "a vendor's, off,");
	check_kept(SBI_PUTCHAR_V01, 0, "the old putchar, off,");
	check_kept(SBI_SRST, 0, "reset, off,");
	vm_destroy(vm);
}

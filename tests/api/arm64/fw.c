// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of the guest (HVC, SMC) as SMCCC and PSCI have them, the filter that hands them to
 * user space, and stolen time.
 */
#include <sched.h>
#include <lib/kvm.h>

static struct vm *vm;

/* --- psci ----------------------------------------------------------------- */

static void guest_asks(u64 argument)
{
	static const u64 features[] = {
		PSCI_CPU_SUSPEND, PSCI_CPU_OFF, PSCI_CPU_ON, PSCI_AFFINITY_INFO,
		PSCI_MIGRATE_INFO_TYPE, PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET, PSCI_FEATURES,
		SMCCC_VERSION,
	};
	u64 i, missing = 0;

	guest_say(guest_hvc(PSCI_VERSION, 0, 0, 0).x0);
	for (i = 0; i < ARRAY_SIZE(features); i++)
		missing += (s64)guest_hvc(PSCI_FEATURES, features[i], 0, 0).x0 < 0;
	guest_say(missing);
	guest_say(guest_hvc(PSCI_FEATURES, 0x8400004f, 0, 0).x0);
	guest_say(guest_hvc(PSCI_SYSTEM_SUSPEND, 0, 0, 0).x0);
	guest_say(guest_hvc(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0).x0);
	guest_say(guest_hvc(SMCCC_VERSION, 0, 0, 0).x0);
	guest_say(guest_hvc(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0).x0);
	guest_say(guest_hvc(SMCCC_ARCH_FEATURES, 0x80001234, 0, 0).x0);
	guest_say(guest_hvc(0x8400ff77, 1, 2, 3).x0);
	guest_say(guest_hvc(0xffffffffffffffff, 1, 2, 3).x0);
	guest_say(guest_hvc(PSCI_AFFINITY_INFO, 0, 0, 0).x0);
	guest_say(guest_hvc(PSCI_AFFINITY_INFO, 7, 0, 0).x0);
	guest_say(guest_hvc(PSCI_AFFINITY_INFO, 0, 9, 0).x0);
	guest_say(guest_hvc(PSCI_CPU_ON, 7, 0, 0).x0);
	guest_say(guest_hvc(PSCI_CPU_ON, 0, 0, 0).x0);
	guest_say(guest_hvc(PSCI_CPU_ON, 0xff000000ff0000ULL, 0, 0).x0);
	guest_done();
}

/* A result of 32 or 64 bits; a negative one may have been extended or not. */
static bool is_result(u64 said, s64 expected)
{
	return said == (u64)expected || (expected < 0 && said == (u32)expected);
}

TEST(psci)
{
	static const struct { s64 expected; const char *what; } steps[] = {
		{ 0, "PSCI_FEATURES has all that 0.2 makes mandatory" },
		{ PSCI_NOT_SUPPORTED, "and not what there is not" },
		{ PSCI_NOT_SUPPORTED, "SYSTEM_SUSPEND needs user space's consent" },
		{ 2, "no trusted OS" },
		{ 0x10001, "SMCCC 1.1" },
		{ 0, "ARCH_FEATURES knows it" },
		{ PSCI_NOT_SUPPORTED, "and not what there is not" },
		{ PSCI_NOT_SUPPORTED, "an unknown call" },
		{ PSCI_NOT_SUPPORTED, "a number that is all ones" },
		{ 0, "this CPU is on" },
		{ PSCI_INVALID_PARAMS, "no such CPU to ask for" },
		{ PSCI_INVALID_PARAMS, "no such level" },
		{ PSCI_INVALID_PARAMS, "no such CPU to turn on" },
		{ PSCI_ALREADY_ON, "this one is on" },
		{ PSCI_INVALID_PARAMS, "bits that no MPIDR has" },
	};
	struct vcpu *vcpu;
	u64 said, version;
	size_t i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_asks, 0);
	version = reg_get(vcpu, KVM_REG_ARM_PSCI_VERSION);
	report(version >= 0x10000, "PSCI %llu.%llu", (unsigned long long)version >> 16,
	       (unsigned long long)version & 0xffff);
	report(vcpu_run_said(vcpu) == version, "says the guest too");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		said = vcpu_run_said(vcpu);
		/* More than 1.1 is fine. */
		if (steps[i].expected == 0x10001)
			said = said >= 0x10001 && said < 0x20000 ? 0x10001 : said;
		/* The kernel's own knows no version there. */
		if (!report(is_result(said, steps[i].expected) || (i == 5 && in_tree()), "%s",
			    steps[i].what))
			note("0x%llx", (unsigned long long)said);
	}
	vm_destroy(vm);
}

/* --- psci_version: an older one, for a guest that comes from elsewhere ----- */

TEST(psci_version)
{
	u64 version = 0x2;
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_asks, 0);
	report(!reg_try_set(vcpu, KVM_REG_ARM_PSCI_VERSION, &version), "version 0.2");
	report(vcpu_run_said(vcpu) == 2, "says the guest");
	version = 0x20000;
	report_errno(reg_try_set(vcpu, KVM_REG_ARM_PSCI_VERSION, &version), EINVAL, "not 2.0");
	vm_destroy(vm);
}

/* --- psci_cpu: turning vCPUs on and off ----------------------------------- */

static volatile u64 second_runs, second_argument, second_state[4];

static void guest_second(u64 argument)
{
	second_argument = argument;
	second_state[0] = sysreg_read(CurrentEL);
	second_state[1] = sysreg_read(daif);
	second_state[2] = sysreg_read(tpidr_el1);
	second_runs++;
	guest_hvc(PSCI_CPU_OFF, 0, 0, 0);
	guest_say4(SAY_ASSERT, (u64)"CPU_OFF came back", 0, 0);
}

static void guest_first(u64 argument)
{
	u64 i;

	guest_say(guest_hvc(PSCI_AFFINITY_INFO, 1, 0, 0).x0);
	for (i = 1; i <= 3; i++) {
		GUEST_ASSERT_EQ(guest_cpu_on(1, guest_second, 0x100 + i), PSCI_OK);
		guest_wait_for(&second_runs, i);
		GUEST_ASSERT_EQ(second_argument, 0x100 + i);
		while (guest_hvc(PSCI_AFFINITY_INFO, 1, 0, 0).x0 != 1)
			guest_pause();
	}
	GUEST_ASSERT_EQ(guest_hvc(PSCI_CPU_ON_32, 1, (u64)guest_cpu_entry,
				  (u64)guest_start_of(1, guest_second, 9)).x0, PSCI_OK);
	guest_wait_for(&second_runs, 4);
	guest_done();
}

TEST(psci_cpu)
{
	struct kvm_mp_state stopped = { KVM_MP_STATE_STOPPED }, state = {};
	struct vcpu_thread thread = {};
	struct vcpu *first;
	int i;

	vm = vm_create(0);
	first = vcpu_create(vm, guest_first, 0);
	vcpu_create(vm, guest_second, 0);
	xioctl(vm->vcpus[1].fd, KVM_SET_MP_STATE, &stopped);
	reg_set(&vm->vcpus[1], SYS_TPIDR_EL1, 0x55);
	vcpu_thread_start(&thread, &vm->vcpus[1]);
	report(vcpu_run_said(first) == 1, "a vCPU that is stopped is off");
	report(!guest_var(vm, second_runs), "and does not run");
	vcpu_run_done(first);
	report(guest_var(vm, second_runs) == 4, "CPU_ON starts it, again after CPU_OFF");
	report(guest_var(vm, second_state[0]) == 4 && guest_var(vm, second_state[1]) == 0x3c0 &&
	       guest_var(vm, second_state[2]) != 0x55, "as after a reset");
	for (i = 0; i < 2000 && state.mp_state != KVM_MP_STATE_STOPPED; i++) {
		sleep_ms(1);
		vcpu_thread_stop(&thread);
		xioctl(vm->vcpus[1].fd, KVM_GET_MP_STATE, &state);
		thread = (struct vcpu_thread) {};
		vcpu_thread_start(&thread, &vm->vcpus[1]);
	}
	report(state.mp_state == KVM_MP_STATE_STOPPED, "off, it is KVM_MP_STATE_STOPPED");
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

/* --- psci_system: the way down -------------------------------------------- */

static void guest_goes_down(u64 function)
{
	guest_say(guest_hvc(function, 0, 0, 0).x0);
	guest_done();
}

static void check_system(u64 function, u32 event, const char *what)
{
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_goes_down, function);
	if (vcpu_run_expect(vcpu, KVM_EXIT_SYSTEM_EVENT, what))
		report(vcpu->run->system_event.type == event, "%s: the event", what);
	/* A VMM may not listen: the vCPU does not come back as if nothing had been. */
	vcpu_enter_at(vcpu, guest_goes_down, PSCI_VERSION);
	report(vcpu_run_said(vcpu) >= 2, "after a reset it runs again");
	vm_destroy(vm);
}

static void check_suspend(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };
	struct vcpu *vcpu;

	if (!kvm_cap(KVM_CAP_ARM_SYSTEM_SUSPEND)) {
		note("no KVM_CAP_ARM_SYSTEM_SUSPEND");
		return;
	}
	vm = vm_create(0);
	xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	vcpu = vcpu_create(vm, guest_goes_down, PSCI_SYSTEM_SUSPEND);
	if (vcpu_run_expect(vcpu, KVM_EXIT_SYSTEM_EVENT, "SYSTEM_SUSPEND"))
		report(vcpu->run->system_event.type == KVM_SYSTEM_EVENT_SUSPEND, "is such an event");
	/* Without a word from user space it has been denied. */
	reg_set(vcpu, ARM64_X(0), PSCI_DENIED);
	report(is_result(vcpu_run_said(vcpu), PSCI_DENIED), "which user space may deny");
	vm_destroy(vm);
}

TEST(psci_system)
{
	check_system(PSCI_SYSTEM_OFF, KVM_SYSTEM_EVENT_SHUTDOWN, "SYSTEM_OFF");
	check_system(PSCI_SYSTEM_RESET, KVM_SYSTEM_EVENT_RESET, "SYSTEM_RESET");
	check_system(PSCI_SYSTEM_RESET2, KVM_SYSTEM_EVENT_RESET, "SYSTEM_RESET2");
	check_suspend();
}

/* --- smccc: both instructions, and what a call keeps ------------------------ */

/* All registers but those of the result, before and after. */
u64 guest_call_kept(u64 function);
asm(	".pushsection .text\n"
	".globl guest_call_kept\n"
	"guest_call_kept:\n"
	"	stp x29, x30, [sp, #-96]!\n"
	"	stp x19, x20, [sp, #16]\n"
	"	stp x21, x22, [sp, #32]\n"
	"	stp x23, x24, [sp, #48]\n"
	"	stp x25, x26, [sp, #64]\n"
	"	stp x27, x28, [sp, #80]\n"
	".altmacro\n"
	".macro set_one number\n	mov x\\number, #\\number + 0x300\n .endm\n"
	".macro add_one number\n	eor x\\number, x\\number, #0x300\n"
	"	sub x\\number, x\\number, #\\number\n	orr x3, x3, x\\number\n .endm\n"
	".set number, 4\n .rept 27\n	set_one %number\n .set number, number + 1\n .endr\n"
	"	hvc #0\n"
	"	mov x3, xzr\n"
	".set number, 4\n .rept 27\n	add_one %number\n .set number, number + 1\n .endr\n"
	".noaltmacro\n"
	"	mov x0, x3\n"
	"	ldp x19, x20, [sp, #16]\n"
	"	ldp x21, x22, [sp, #32]\n"
	"	ldp x23, x24, [sp, #48]\n"
	"	ldp x25, x26, [sp, #64]\n"
	"	ldp x27, x28, [sp, #80]\n"
	"	ldp x29, x30, [sp], #96\n"
	"	ret\n"
	".popsection\n");

/* Another immediate than 0 means nothing yet. */
static u64 guest_hvc_7(void)
{
	register u64 x0 asm("x0") = PSCI_VERSION;
	register u64 x1 asm("x1") = 0;
	register u64 x2 asm("x2") = 0;
	register u64 x3 asm("x3") = 0;
	u64 esr;

	asm volatile(GUEST_TRY_BEGIN "hvc #7" GUEST_TRY_END
		     : [esr] "=r"(esr), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : :
		     "x16", "x17", "memory");

	return esr;
}

static void guest_smccc(u64 argument)
{
	guest_catch();
	guest_say(guest_call_kept(PSCI_VERSION));
	guest_say(guest_call_kept(0x8400ff77));
	guest_say(guest_smc(PSCI_VERSION, 0, 0, 0).x0);
	guest_say(guest_hvc_7());
	guest_done();
}

TEST(smccc)
{
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_smccc, 0);
	report(!vcpu_run_said(vcpu), "a call keeps all but its result");
	report(!vcpu_run_said(vcpu), "an unknown call too");
	report(vcpu_run_said(vcpu) >= 2, "SMC is as good as HVC");
	report(!vcpu_run_said(vcpu), "another immediate is no exception of the guest's");
	vm_destroy(vm);
}

/* --- smccc_filter --------------------------------------------------------- */

#define FILTERED	0xc6000010	/* a vendor's */

static int filter(u32 base, u32 count, u8 action)
{
	struct kvm_smccc_filter range = {
		.base = base, .nr_functions = count, .action = action,
	};

	return arm64_set_attr(vm->fd, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, &range);
}

static void guest_filtered(u64 argument)
{
	struct smccc_result result;

	guest_say(guest_hvc(FILTERED, 1, 2, 3).x0);
	result = guest_smc(FILTERED + 1, 5, 6, 7);
	GUEST_ASSERT_EQ(result.x1, 0x88);
	guest_say(result.x0);
	guest_say(guest_hvc(FILTERED + 8, 0, 0, 0).x0);
	guest_say(guest_hvc(PSCI_SYSTEM_OFF, 0, 0, 0).x0);
	guest_say(guest_hvc(PSCI_VERSION, 0, 0, 0).x0);
	guest_done();
}

static void check_forward(struct vcpu *vcpu, u64 number, bool smc)
{
	struct kvm_run *run = vcpu->run;

	if (!vcpu_run_expect(vcpu, KVM_EXIT_HYPERCALL, smc ? "an SMC goes to user space" :
			     "an HVC goes to user space"))
		return;
	report(run->hypercall.nr == number &&
	       !(run->hypercall.flags & KVM_HYPERCALL_EXIT_SMC) == !smc, "by its number and way");
	report(reg_get(vcpu, ARM64_X(0)) == number &&
	       reg_get(vcpu, ARM64_X(1)) == (smc ? 5 : 1), "its arguments are in registers");
	reg_set(vcpu, ARM64_X(0), 0x77);
	reg_set(vcpu, ARM64_X(1), 0x88);
	report(vcpu_run_said(vcpu) == 0x77, "so is its answer");
}

TEST(smccc_filter)
{
	struct vcpu *vcpu;

	vm = vm_create(0);
	if (arm64_has_attr(vm->fd, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER))
		skip("no filter");
	vcpu = vcpu_create(vm, guest_filtered, 0);
	report(!filter(FILTERED, 8, KVM_SMCCC_FILTER_FWD_TO_USER), "forward eight functions");
	report_errno(filter(FILTERED + 7, 2, KVM_SMCCC_FILTER_DENY), EEXIST, "once each");
	report_errno(filter(FILTERED + 16, 0, KVM_SMCCC_FILTER_DENY), EINVAL, "none at all");
	report_errno(filter(FILTERED + 16, 1, 3), EINVAL,
		     "an unknown action");
	report_errno(filter(0xffffffff, 2, KVM_SMCCC_FILTER_DENY), EINVAL, "beyond the last one");
	report(!filter(PSCI_SYSTEM_OFF, 1, KVM_SMCCC_FILTER_DENY), "deny one of PSCI's");
	check_forward(vcpu, FILTERED, false);
	check_forward(vcpu, FILTERED + 1, true);
	report(is_result(vcpu_run_said(vcpu), -1), "what is not forwarded is unknown");
	report(is_result(vcpu_run_said(vcpu), -1), "what is denied too");
	report(vcpu_run_said(vcpu) >= 2, "the others are as always");
	report_errno(filter(FILTERED + 16, 1, KVM_SMCCC_FILTER_DENY), EBUSY,
		     "no more once the VM has run");
	vm_destroy(vm);
}

/* --- fw_bitmaps: calls that user space may take away ----------------------- */

static void guest_services(u64 argument)
{
	guest_say(guest_hvc(SMCCC_TRNG_VERSION, 0, 0, 0).x0);
	guest_say(guest_hvc(SMCCC_VENDOR_UID, 0, 0, 0).x0);
	guest_done();
}

TEST(fw_bitmaps)
{
	u64 all, none = 0, more;
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_services, 0);
	if (reg_try_get(vcpu, KVM_REG_ARM_STD_BMAP, &all))
		skip("no bitmaps of services");
	report(all & 1, "random numbers");
	more = 1ULL << 63;
	report_errno(reg_try_set(vcpu, KVM_REG_ARM_STD_BMAP, &more), EINVAL,
		     "services that there are not");
	report(!reg_try_set(vcpu, KVM_REG_ARM_STD_BMAP, &none) &&
	       !reg_try_set(vcpu, KVM_REG_ARM_VENDOR_HYP_BMAP, &none), "none of them");
	report(is_result(vcpu_run_said(vcpu), -1), "the guest has no random numbers");
	report(is_result(vcpu_run_said(vcpu), -1), "and no vendor");
	report_errno(reg_try_set(vcpu, KVM_REG_ARM_STD_BMAP, &all), EBUSY,
		     "they do not come back once it has run");
	report(!reg_try_set(vcpu, KVM_REG_ARM_STD_BMAP, &none), "the same value is fine");
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_services, 0);
	report(vcpu_run_said(vcpu) >= 0x10000, "with them, TRNG has a version");
	report((u32)vcpu_run_said(vcpu) == 0xb66fb428, "and the vendor is KVM");
	vm_destroy(vm);
}

/* --- pv_time -------------------------------------------------------------- */

struct stolen {
	u32 revision, attributes;
	u64 ns;
};

static int pvtime(unsigned long cmd, struct vcpu *vcpu, u64 *gpa)
{
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VCPU_PVTIME_CTRL, .attr = KVM_ARM_VCPU_PVTIME_IPA,
		.addr = (u64)gpa,
	};

	return ioctl(vcpu->fd, cmd, &attr);
}

static void guest_steal(u64 cpu)
{
	GUEST_ASSERT_EQ(guest_hvc(SMCCC_ARCH_FEATURES, SMCCC_PV_TIME_FEATURES, 0, 0).x0, 0);
	GUEST_ASSERT_EQ(guest_hvc(SMCCC_PV_TIME_FEATURES, SMCCC_PV_TIME_ST, 0, 0).x0, 0);
	guest_say(guest_hvc(SMCCC_PV_TIME_ST, 0, 0, 0).x0);
	for (;;)
		guest_pause();
}

/* Two vCPUs and one CPU. */
static void check_stolen(void)
{
	struct vcpu_thread threads[2] = {};
	cpu_set_t all;
	volatile struct stolen *stolen;
	u64 i, before[2], now = 0, end = now_ns() + 10000000000ULL;

	sched_getaffinity(0, sizeof(all), &all);
	stay_on(0);
	for (i = 0; i < 2; i++) {
		stolen = (void *)(vm->ram + ARM64_GPA_LOW + i * 64);
		before[i] = stolen->ns;
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	}
	sched_setaffinity(0, sizeof(all), &all);
	for (i = 0; i < 2; i++) {
		stolen = (void *)(vm->ram + ARM64_GPA_LOW + i * 64);
		while (stolen->ns < before[i] + 20000000 && now < end) {
			sleep_ms(10);
			now = now_ns();
		}
		report(stolen->ns >= before[i] + 20000000, "time is stolen from vCPU %d", (int)i);
	}
	for (i = 0; i < 2; i++)
		vcpu_thread_stop(&threads[i]);
}

static void guest_no_steal(u64 argument)
{
	guest_say(guest_hvc(SMCCC_PV_TIME_ST, 0, 0, 0).x0);
	guest_done();
}

TEST(pv_time)
{
	struct stolen *stolen;
	u64 gpa, i;

	need_cap(KVM_CAP_STEAL_TIME, "KVM_CAP_STEAL_TIME");
	vm = vm_create(0);
	vcpu_create(vm, guest_steal, 0);
	vcpu_create(vm, guest_steal, 1);
	report(!pvtime(KVM_HAS_DEVICE_ATTR, &vm->vcpus[0], NULL), "the attribute");
	gpa = ARM64_GPA_LOW + 8;
	report_errno(pvtime(KVM_SET_DEVICE_ATTR, &vm->vcpus[0], &gpa), EINVAL, "not aligned");
	gpa = GPA_MMIO;
	report_errno(pvtime(KVM_SET_DEVICE_ATTR, &vm->vcpus[0], &gpa), EINVAL, "no memory there");
	for (i = 0; i < 2; i++) {
		gpa = ARM64_GPA_LOW + i * 64;
		memset(vm->ram + gpa, 0xff, 16);
		if (pvtime(KVM_SET_DEVICE_ATTR, &vm->vcpus[i], &gpa))
			bail("cannot set the address: %s", strerror(errno));
	}
	report_errno(pvtime(KVM_SET_DEVICE_ATTR, &vm->vcpus[0], &gpa), EEXIST, "only once");
	report(!pvtime(KVM_GET_DEVICE_ATTR, &vm->vcpus[1], &gpa) && gpa == ARM64_GPA_LOW + 64,
	       "it can be read");
	for (i = 0; i < 2; i++) {
		report(vcpu_run_said(&vm->vcpus[i]) == ARM64_GPA_LOW + i * 64,
		       "vCPU %d knows where it is", (int)i);
		stolen = (void *)(vm->ram + ARM64_GPA_LOW + i * 64);
		report(!stolen->revision && !stolen->attributes, "a version that it knows");
	}
	check_stolen();
	vm_destroy(vm);

	vm = vm_create(0);
	report(is_result(vcpu_run_said(vcpu_create(vm, guest_no_steal, 0)), -1),
	       "nothing where user space wants nothing");
	vm_destroy(vm);
}

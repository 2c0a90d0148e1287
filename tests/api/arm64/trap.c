// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions as the guest sees them: its own, and those that user space asks for. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/* --- exceptions ----------------------------------------------------------- */

/* Each says its EC, and what came of it. */
static void guest_own(u64 argument)
{
	u64 value;

	guest_catch();
	guest_say(ESR_EC(GUEST_TRY("udf #0", "r"(0))));
	guest_say(ESR_EC(GUEST_TRY("svc #0x123", "r"(0))));
	guest_say(ESR_EC(GUEST_TRY("brk #7", "r"(0))));
	guest_say(ESR_EC(GUEST_TRY("ldr xzr, [%[at]]", [at] "r"(ARM64_WINDOW))));
	guest_say(guest_trap_address == ARM64_WINDOW);
	/* An unallocated encoding of the implementation's, and registers of EL2. */
	guest_say(ESR_EC(try_sysreg_read(S3_7_C15_C15_7, &value)));
	guest_say(ESR_EC(try_sysreg_read(S3_4_C1_C1_0, &value)));
	guest_say(ESR_EC(try_sysreg_write(S3_4_C12_C0_0, 0)));
	/* The PMU, and SVE: nobody asked for them. */
	guest_say(ESR_EC(try_sysreg_read(S3_3_C9_C12_0, &value)));
	guest_say(ESR_EC(GUEST_TRY(".inst 0x04bf5000", "r"(0))));	/* rdvl x0, #0 */
	/* Registers that are emulated: no exception. */
	guest_say(try_sysreg_read(id_aa64mmfr0_el1, &value));
	guest_say(try_sysreg_write(S2_0_C1_C3_4, 0));		/* OSDLR_EL1 */
	guest_say(GUEST_TRY("dc cisw, xzr", "r"(0)));
	guest_say(try_sysreg_read(S3_1_C0_C0_0, &value));	/* CCSIDR_EL1 */
	guest_done();
}

static void check_own(void)
{
	static const struct { u64 expected; const char *what; } steps[] = {
		{ EC_UNKNOWN, "an undefined instruction" },
		{ EC_SVC, "a supervisor call" },
		{ EC_BRK, "a breakpoint instruction" },
		{ EC_DATA, "a page that is not mapped" },
		{ 1, "and its address" },
		{ EC_UNKNOWN, "an encoding of nothing" },
		{ EC_UNKNOWN, "HCR_EL2 is undefined" },
		{ EC_UNKNOWN, "VBAR_EL2 too" },
		{ EC_UNKNOWN, "PMCR_EL0 without a PMU" },
		{ EC_UNKNOWN, "SVE without SVE" },
		{ 0, "ID_AA64MMFR0_EL1 can be read" },
		{ 0, "OSDLR_EL1 can be written" },
		{ 0, "caches can be cleaned by set and way" },
		{ 0, "CCSIDR_EL1 can be read" },
	};
	u64 said;
	size_t i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_own, 0);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		said = vcpu_run_said(vcpu);
		if (!report(said == steps[i].expected, "%s", steps[i].what))
			note("0x%llx, not 0x%llx", (unsigned long long)said,
			     (unsigned long long)steps[i].expected);
	}
	vm_destroy(vm);
}

/* Code where there is no memory: an external abort, as on a bus. */
static void guest_fetch(u64 argument)
{
	u64 esr;

	guest_catch();
	/* The fourth GiB may not be executed: through the window. */
	ARM64_WINDOW_PTE(0) = GPA_MMIO | PTE_PAGE;
	guest_flush_tlb();
	esr = GUEST_TRY("br %[at]", [at] "r"(ARM64_WINDOW + 8));
	guest_say(esr);
	guest_say(guest_trap_address);
	guest_say(guest_trap_pc);
	guest_done();
}

static void check_fetch(void)
{
	u64 esr;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_fetch, 0);
	esr = vcpu_run_said(vcpu);
	report(ESR_EC(esr) == EC_FETCH && ESR_FSC(esr) == FSC_EXTERNAL,
	       "code where no memory is: an external abort (0x%llx)", (unsigned long long)esr);
	report(vcpu_run_said(vcpu) == ARM64_WINDOW + 8 && vcpu_run_said(vcpu) == ARM64_WINDOW + 8,
	       "at the address of the instruction");
	vm_destroy(vm);
}

/* --- user mode ------------------------------------------------------------ */

static void user_svc(u64 argument)
{
	asm volatile("svc #5");
}

static void user_hvc(u64 argument)
{
	asm volatile("hvc #0");
	asm volatile("svc #0");
}

static void user_store(u64 argument)
{
	asm volatile("str xzr, [%0]" : : "r"(argument) : "memory");
	asm volatile("svc #0");
}

static void user_count(u64 argument)
{
	asm volatile("mrs x1, cntvct_el0\n\tmrs x2, tpidrro_el0\n\tsvc #1" : : : "x1", "x2");
}

static void user_wfi(u64 argument)
{
	asm volatile("wfi\n\tsvc #2");
}

static void guest_users(u64 argument)
{
	u64 stack = USER_ADDRESS(ARM64_GPA_STACKS) + 9 * ARM64_STACK_SIZE;
	static void (*const calls[])(u64) = { user_svc, user_hvc, user_store, user_count };
	u64 i;

	sysreg_write(tpidrro_el0, 0x33);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		guest_say(guest_user(USER_ADDRESS(calls[i]), ARM64_GPA_LOW, stack));
	GUEST_ASSERT_EQ(guest_user_frame.x[2], 0x33);
	/* SCTLR_EL1.nTWI: EL0 may not halt. */
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) & ~BIT(16));
	isb();
	guest_say(guest_user(USER_ADDRESS(user_wfi), 0, stack));
	/* The device is mapped for it too. */
	guest_say(guest_user(USER_ADDRESS(user_store), USER_ADDRESS(GPA_MMIO), stack));
	guest_done();
}

static void check_users(void)
{
	u64 esr;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_users, 0);
	esr = vcpu_run_said(vcpu);
	report(ESR_EC(esr) == EC_SVC && ESR_ISS(esr) == 5, "EL0 calls EL1");
	report(ESR_EC(vcpu_run_said(vcpu)) == EC_UNKNOWN, "a hypervisor call of EL0 is undefined");
	esr = vcpu_run_said(vcpu);
	report(ESR_EC(esr) == EC_DATA_USER && esr & ESR_WNR, "memory of EL1 is not EL0's");
	esr = vcpu_run_said(vcpu);
	report(ESR_EC(esr) == EC_SVC && ESR_ISS(esr) == 1, "the counter is");
	report(ESR_EC(vcpu_run_said(vcpu)) == EC_WFX, "a halt of EL0 goes to EL1");
	if (vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a device in user mode"))
		report(vcpu->run->mmio.phys_addr == GPA_MMIO && vcpu->run->mmio.is_write &&
		       vcpu->run->mmio.len == 8, "by its address");
	report(ESR_EC(vcpu_run_said(vcpu)) == EC_SVC, "and it goes on");
	vm_destroy(vm);
}

TEST(exceptions)
{
	check_own();
	check_fetch();
	check_users();
}

/* --- external_abort: what user space makes of a load ---------------------- */

static void guest_load_nothing(u64 argument)
{
	u64 esr, value;

	guest_catch();
	for (;;) {
		esr = GUEST_TRY_READ("ldr %w[got], [%[at]]", &value, [at] "r"(GPA_MMIO + 0x40));
		guest_say(esr);
		guest_say(guest_trap_address);
		guest_say(value);
	}
}

TEST(external_abort)
{
	struct kvm_vcpu_events events = {};
	u64 esr;

	need_cap(KVM_CAP_ARM_INJECT_EXT_DABT, "KVM_CAP_ARM_INJECT_EXT_DABT");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_load_nothing, 0);
	vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a load");
	events.exception.ext_dabt_pending = 1;
	report(!ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), "is answered with an abort");
	esr = vcpu_run_said(vcpu);
	report(ESR_EC(esr) == EC_DATA && ESR_FSC(esr) == FSC_EXTERNAL,
	       "which the guest takes (0x%llx)", (unsigned long long)esr);
	report(vcpu_run_said(vcpu) == GPA_MMIO + 0x40, "with its address");
	report(!vcpu_run_said(vcpu), "and nothing was loaded");
	vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "the next load");
	memcpy(vcpu->run->mmio.data, &(u32){ 0x77 }, 4);
	report(!vcpu_run_said(vcpu), "has no abort");
	vcpu_run_said(vcpu);
	report(vcpu_run_said(vcpu) == 0x77, "but its answer");
	xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	report(!events.exception.ext_dabt_pending, "it is not pending any more");
	vm_destroy(vm);
}

/* --- serror --------------------------------------------------------------- */

static volatile u64 serrors, serror_esr;

static void on_serror(struct guest_frame *frame)
{
	serrors++;
	serror_esr = frame->esr;
}

static void guest_serrors(u64 argument)
{
	guest_serror_handler = on_serror;
	guest_say(0);
	/* Masked: not yet. */
	guest_say(serrors);
	asm volatile("msr daifclr, #4; isb; nop; msr daifset, #4; isb" : : : "memory");
	guest_say(serrors);
	guest_say(serror_esr);
	guest_done();
}

TEST(serror)
{
	struct kvm_vcpu_events events = {};
	bool syndrome = kvm_cap(KVM_CAP_ARM_INJECT_SERROR_ESR);
	u64 esr;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_serrors, 0);
	vcpu_run_said(vcpu);
	events.exception.serror_pending = 1;
	events.exception.serror_has_esr = syndrome;
	events.exception.serror_esr = syndrome ? 0x1234 : 0;
	report(!ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), "an SError");
	memset(&events, 0xff, sizeof(events));
	xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	report(events.exception.serror_pending == 1, "is pending");
	report(!vcpu_run_said(vcpu), "and waits while it is masked");
	report(vcpu_run_said(vcpu) == 1, "then it comes");
	esr = vcpu_run_said(vcpu);
	report(ESR_EC(esr) == EC_SERROR && (!syndrome || ESR_ISS(esr) == 0x1234),
	       "with its syndrome (0x%llx)", (unsigned long long)esr);
	xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	report(!events.exception.serror_pending, "once");
	events.exception.serror_pending = 1;
	events.exception.serror_has_esr = 1;
	events.exception.serror_esr = 1ULL << 40;
	report_errno(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL, "a syndrome too long");
	vm_destroy(vm);
}

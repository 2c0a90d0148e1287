// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest has only when user space says so: sleep of the whole system, and
 * changes to its hart (SBI specification, "System Suspend Extension", "Firmware
 * Features Extension").
 */
#include <lib/kvm.h>

/* KVM_RISCV_SBI_EXT_SUSP, KVM_RISCV_SBI_EXT_FWFT, KVM_REG_RISCV_SBI_FWFT of newer headers. */
#define EXT_SUSP	RISCV_REG(U64, SBI_EXT, 11)
#define EXT_FWFT	RISCV_REG(U64, SBI_EXT, 12)
#define FEATURE_REG(n)	RISCV_REG(U64, SBI_STATE, 1ULL << KVM_REG_RISCV_SUBTYPE_SHIFT | (n))

static struct vm *vm;
static struct vcpu *vcpu;

static void need(u64 extension)
{
	u64 value;

	if (reg_try_get(vcpu, extension, &value))
		skip("this hypervisor does not know the extension");
	report(value == 0, "off until it is asked for");
	reg_set(vcpu, extension, 1);
}

static void check_said(const char *name, long expected)
{
	long value = vcpu_run_said(vcpu);

	if (!report(value == expected, "%s", name))
		note("%ld, not %ld", value, expected);
}

/* --- sbi_susp ------------------------------------------------------------- */

static struct guest_start awake;
static volatile u64 slept;

/* Hart 1 is there, and stops. */
static void guest_stop_soon(u64 argument)
{
	guest_wait_for(&slept, 1);
	sbi_call0(SBI_HSM, HSM_STOP);
}

static void guest_wake(u64 argument)
{
	guest_say(argument);
	guest_say(csr_read(sstatus) & SSTATUS_SIE);
	guest_done();
}

static void guest_sleep(u64 argument)
{
	u64 tries;

	awake = (struct guest_start) { (u64)guest_wake, 0x77 };
	guest_say(sbi_call3(SBI_SUSP, 0, 1, (u64)guest_hart_entry, 0).error);
	guest_say(sbi_call3(SBI_SUSP, 0, 0, (u64)guest_hart_entry + 1, 0).error);
	guest_say(sbi_call3(SBI_SUSP, 0, 0, RISCV_GPA_SAY, 0).error);
	guest_say(sbi_call3(SBI_SUSP, 1, 0, (u64)guest_hart_entry, 0).error);

	GUEST_ASSERT_EQ(guest_hart_start(1, guest_stop_soon, 0), 0);
	guest_say(sbi_call3(SBI_SUSP, 0, 0, (u64)guest_hart_entry, (u64)&awake).error);
	slept = 1;
	for (tries = 0; tries < 5000000; tries++) {
		if (sbi_call1(SBI_HSM, HSM_STATUS, 1).value == HSM_STOPPED)
			break;
		guest_pause();
	}
	csr_set(sstatus, SSTATUS_SIE);
	sbi_call3(SBI_SUSP, 0, 0, (u64)guest_hart_entry, (u64)&awake);
	GUEST_ASSERT(false);
}

TEST(sbi_susp)
{
	struct vcpu_thread other = { };

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_sleep, 0);
	need(EXT_SUSP);
	vcpu_thread_start(&other, vcpu_create_bare(vm, 1));
	check_said("an unknown kind of sleep", SBI_INVALID_PARAM);
	check_said("an odd address to go on at", SBI_INVALID_ADDRESS);
	check_said("an address where no memory is", SBI_INVALID_ADDRESS);
	check_said("an unknown function", SBI_NOT_SUPPORTED);
	check_said("while another hart runs", SBI_DENIED);
	vcpu_run_expect(vcpu, KVM_EXIT_SYSTEM_EVENT, "sleep, with the other hart stopped");
	report(vcpu->run->system_event.type == KVM_SYSTEM_EVENT_SUSPEND &&
	       vcpu->run->system_event.ndata == 0, "of the right kind");
	report(reg_get(vcpu, RISCV_PC) == (u64)guest_hart_entry &&
	       reg_get(vcpu, RISCV_CSR(satp)) == 0, "registers are those to wake up with");
	check_said("it wakes where it asked to", 0x77);
	check_said("with interrupts off", 0);
	vcpu_run_done(vcpu);
	vcpu_thread_stop(&other);
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_sleep, 0);
	check_said("off, it is not there", SBI_NOT_SUPPORTED);
	vm_destroy(vm);
}

/* --- sbi_fwft ------------------------------------------------------------- */

enum { FWFT_SET, FWFT_GET };
enum { MISALIGNED, MASKING = 5, FIRST_RESERVED };
#define LOCK		1
#define DENIED_LOCKED	(-14)

static u64 masked, target;

static long feature_set(u64 feature, u64 value, u64 flags)
{
	return sbi_call3(SBI_FWFT, FWFT_SET, feature, value, flags).error;
}

static long feature_get(u64 feature)
{
	struct sbi_result result = sbi_call1(SBI_FWFT, FWFT_GET, feature);

	return result.error ? result.error : result.value;
}

/* Can memory be had by a pointer whose upper @bits say something else? */
static u64 reach(unsigned int bits)
{
	u64 pointer = (u64)&target | ~0ULL << (64 - bits), cause, got = 0;

	asm volatile(GUEST_TRY_BEGIN "ld %[got], (%[from])" GUEST_TRY_END
		     : [cause] "=r"(cause), [got] "+&r"(got) : [from] "r"(pointer)
		     : "t5", "t6", "memory");

	return cause == CAUSE_NONE ? got : cause;
}

static void guest_masking(void)
{
	target = 0x1234;
	masked = !feature_set(MASKING, 7, 0);
	guest_say(masked);
	if (!masked)
		return;
	guest_say(feature_get(MASKING));
	guest_say(reach(7));
	guest_say(feature_set(MASKING, 8, 0));
	guest_say(feature_set(MASKING, ~0ULL, 0));
	guest_say(feature_get(MASKING));
	guest_say(feature_set(MASKING, 0, LOCK));
	guest_say(reach(7));
}

static void guest_features(u64 argument)
{
	guest_catch();
	guest_say(feature_get(MISALIGNED));
	guest_say(feature_set(MISALIGNED, 1, 0));
	guest_say(feature_get(MISALIGNED));
	guest_say(feature_set(MISALIGNED, 2, 0));
	guest_say(feature_set(MISALIGNED, 1, 2));
	guest_say(feature_set(MISALIGNED, 0, LOCK));
	guest_say(feature_set(MISALIGNED, 1, 0));
	guest_say(feature_get(MISALIGNED));
	guest_say(feature_get(1));
	guest_say(feature_set(FIRST_RESERVED, 1, 0));
	guest_say(feature_get(0xffffffff));
	guest_say(sbi_call0(SBI_FWFT, 2).error);
	guest_masking();
	guest_done();
}

static void check_masking(void)
{
	u64 reached;

	if (!vcpu_run_said(vcpu)) {
		note("this CPU masks no pointers");
		report(reg_try_get(vcpu, FEATURE_REG(5), &(u64) { 0 }) == -1 && errno == ENOENT,
		       "and there are no registers of it");
		return;
	}
	check_said("the length is what was asked for", 7);
	reached = vcpu_run_said(vcpu);
	if (reached == CAUSE_LOAD_PAGE)
		note("the tag faults all the same: QEMU 10 masks by menvcfg in VS-mode");
	else
		report(reached == 0x1234, "a pointer with a tag reaches memory");
	check_said("an unknown length", SBI_INVALID_PARAM);
	check_said("a length longer than pointers", SBI_INVALID_PARAM);
	check_said("nothing changed", 7);
	report(reg_get(vcpu, FEATURE_REG(5)) == 7, "user space sees the length");
	check_said("back to none", 0);
	check_said("and a tag is wrong again", CAUSE_LOAD_PAGE);
	report(reg_get(vcpu, FEATURE_REG(4)) == 1, "user space sees the lock");
}

/* The state of another vCPU, and what user space took away. */
static void guest_moved(u64 argument)
{
	guest_say(feature_get(MISALIGNED));
	guest_say(feature_set(MISALIGNED, 0, 0));
	guest_say(feature_get(MASKING));
	guest_done();
}

static void check_moved(void)
{
	u64 value = 2, off = 0;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_moved, 0);
	report_errno(reg_try_get(vcpu, FEATURE_REG(0), &value), ENOENT,
		     "no registers without the extension");
	reg_set(vcpu, EXT_FWFT, 1);
	report_errno(reg_try_set(vcpu, FEATURE_REG(2), &(u64) { 2 }), EINVAL, "a bad value");
	report_errno(reg_try_set(vcpu, FEATURE_REG(1), &(u64) { 2 }), EINVAL, "a bad flag");
	report_errno(reg_try_get(vcpu, FEATURE_REG(6), &value), ENOENT, "the last register");
	reg_set(vcpu, FEATURE_REG(2), 1);
	reg_set(vcpu, FEATURE_REG(1), 1);
	if (masked)
		reg_set(vcpu, FEATURE_REG(3), 0);
	check_said("a value set by user space", 1);
	report_errno(reg_try_set(vcpu, FEATURE_REG(0), &off), EBUSY,
		     "what is offered is final once it has run");
	check_said("is locked", DENIED_LOCKED);
	check_said("what user space took away", SBI_NOT_SUPPORTED);
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

TEST(sbi_fwft)
{
	static const struct { const char *name; long expected; } said[] = {
		{ "a feature begins at 0", 0 }, { "it can be set", 0 }, { "and is", 1 },
		{ "a bad value", SBI_INVALID_PARAM }, { "a bad flag", SBI_INVALID_PARAM },
		{ "set and locked", 0 }, { "no more then", DENIED_LOCKED }, { "it stays", 0 },
		{ "a feature that is not there", SBI_NOT_SUPPORTED },
		{ "one that is reserved", SBI_DENIED }, { "the last of all", SBI_DENIED },
		{ "an unknown function", SBI_NOT_SUPPORTED },
	};
	size_t i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_features, 0);
	need(EXT_FWFT);
	for (i = 0; i < ARRAY_SIZE(said); i++)
		check_said(said[i].name, said[i].expected);
	check_masking();
	masked = guest_var(vm, masked);
	vcpu_run_done(vcpu);
	vm_destroy(vm);
	check_moved();
}

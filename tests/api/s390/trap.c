// SPDX-License-Identifier: GPL-2.0-only
/* Program interruptions, whether the CPU or the hypervisor finds them; protection; PSWs. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

static void setup(void (*entry)(u64))
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, entry, 0);
}

/* --- what the CPU finds ------------------------------------------------------------ */

static void guest_exceptions(u64 argument)
{
	u64 at;

	guest_catch();
	GUEST_ASSERT_EQ(GUEST_TRY(".word 0x0000", "d"(0)), PGM_OPERATION);
	GUEST_ASSERT_EQ(guest_read8(LC_PROGRAM_ILC + 1), 2);
	GUEST_ASSERT_EQ(GUEST_TRY(".long 0xb2fe0000", "d"(0)), PGM_OPERATION);
	GUEST_ASSERT_EQ(guest_read8(LC_PROGRAM_ILC + 1), 4);
	GUEST_ASSERT_EQ(GUEST_TRY("lpswe 4", "d"(0)), PGM_SPECIFICATION);
	GUEST_ASSERT_EQ(GUEST_TRY("spx 2", "d"(0)), PGM_SPECIFICATION);
	at = GPA_MMIO;
	GUEST_ASSERT_EQ(guest_try_read(at), PGM_ADDRESSING);
	GUEST_ASSERT_EQ(guest_try_write(at), PGM_ADDRESSING);
	/* The hypervisor's own accesses. */
	GUEST_ASSERT_EQ(GUEST_TRY("spx 0(%[at])", [at] "a"(at)), PGM_ADDRESSING);
	GUEST_ASSERT_EQ(GUEST_TRY("stpx 0(%[at])", [at] "a"(at)), PGM_ADDRESSING);
	GUEST_ASSERT_EQ(GUEST_TRY("stidp 0(%[at])", [at] "a"(at)), PGM_ADDRESSING);
	GUEST_ASSERT_EQ(GUEST_TRY("iske %%r3,%[at]", [at] "a"(at)), PGM_ADDRESSING);
	guest_done();
}

TEST(exceptions)
{
	setup(guest_exceptions);
	vcpu_run_done(vcpu);
	report(true, "program interruptions by their codes and instruction lengths");
	vm_destroy(vm);
}

/* --- privileged instructions ---------------------------------------------------------- */

#define PRIVILEGED(name, text)							\
	static void user_##name(u64 argument)					\
	{									\
		asm volatile(text : : : "memory", "cc", "0", "1", "2", "3");	\
		asm volatile("svc 1");						\
	}
PRIVILEGED(spx, "spx 0x400")
PRIVILEGED(stpx, "stpx 0x400")
PRIVILEGED(stidp, "stidp 0x400")
PRIVILEGED(stap, "stap 0x400")
PRIVILEGED(sske, "lghi %%r2,0\n\tsske %%r2,%%r2")
PRIVILEGED(iske, "lghi %%r2,0\n\tiske %%r2,%%r2")
PRIVILEGED(rrbe, "lghi %%r2,0\n\trrbe %%r2,%%r2")
PRIVILEGED(lctlg, "lctlg 0,0,0x400")
PRIVILEGED(stctg, "stctg 0,0,0x400")
PRIVILEGED(lpswe, "lpswe 0x400")
PRIVILEGED(sigp, "lghi %%r3,1\n\tsigp %%r2,%%r3,1")
PRIVILEGED(servc, ".insn rre,0xb2200000,%%r2,%%r2")
PRIVILEGED(diag, "diag %%r2,%%r2,0x44")
PRIVILEGED(stsi, "lghi %%r0,0\n\tlghi %%r1,0\n\tstsi 0")
PRIVILEGED(sckc, "sckc 0x400")
PRIVILEGED(ptlb, "ptlb")

static struct { u64 entry; } table[] = {
	{ (u64)user_spx }, { (u64)user_stpx }, { (u64)user_stidp }, { (u64)user_stap },
	{ (u64)user_sske }, { (u64)user_iske }, { (u64)user_rrbe }, { (u64)user_lctlg },
	{ (u64)user_stctg }, { (u64)user_lpswe }, { (u64)user_sigp }, { (u64)user_servc },
	{ (u64)user_diag }, { (u64)user_stsi }, { (u64)user_sckc }, { (u64)user_ptlb },
};

static void user_svc(u64 argument)
{
	asm volatile("svc 42");
}

static void guest_privileged(u64 argument)
{
	u64 i, code;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		code = guest_problem(PSW_64 | PSW_PROBLEM, table[i].entry, 0);
		if (code != PGM_PRIVILEGED)
			guest_say4(SAY_TRAP, i, code, table[i].entry);
	}
	GUEST_ASSERT_EQ(guest_problem(PSW_64 | PSW_PROBLEM, (u64)user_svc, 0), PROBLEM_SVC + 42);
	guest_done();
}

TEST(privileged)
{
	setup(guest_privileged);
	vcpu_run_done(vcpu);
	report(true, "privileged instructions are not for problem programs");
	vm_destroy(vm);
}

/* --- low-address protection -------------------------------------------------------------- */

static void guest_low_protection(u64 argument)
{
	guest_catch();
	control_write(0, CR0_RESET | CR0_LOW_PROTECTION);
	GUEST_ASSERT_EQ(guest_try_write(0x100), PGM_PROTECTION);
	GUEST_ASSERT_EQ(guest_try_write(0x1100), PGM_PROTECTION);
	GUEST_ASSERT_EQ(guest_try_write(0x400), PGM_NONE);
	GUEST_ASSERT_EQ(guest_try_read(0x100), PGM_NONE);
	/* Stores that the hypervisor does. */
	GUEST_ASSERT_EQ(GUEST_TRY("stpx 0x100", "d"(0)), PGM_PROTECTION);
	GUEST_ASSERT_EQ(GUEST_TRY("stap 0(%[at])", [at] "a"(0x1100UL)), PGM_PROTECTION);
	GUEST_ASSERT_EQ(GUEST_TRY("stidp 0x100", "d"(0)), PGM_PROTECTION);
	GUEST_ASSERT_EQ(GUEST_TRY("stpx 0x400", "d"(0)), PGM_NONE);
	control_write(0, CR0_RESET);
	guest_done();
}

TEST(low_protection)
{
	setup(guest_low_protection);
	vcpu_run_done(vcpu);
	report(true, "low-address protection");
	vm_destroy(vm);
}

/* --- prefixing ----------------------------------------------------------------------------- */

#define PREFIX		0x34000UL

static void guest_prefixing(u64 argument)
{
	u32 prefix = PREFIX, zero = 0, i;

	/* The new lowcore is a copy of the old one, with another word in it. */
	for (i = 0; i < S390_LOWCORE_SIZE; i += 8)
		guest_write64(PREFIX + i, guest_read64(i));
	guest_write64(0x400, 0x1111);
	guest_write64(PREFIX + 0x400, 0x2222);
	GUEST_ASSERT_EQ(guest_prefix(), 0);
	asm volatile("spx %0" : : "Q"(prefix) : "memory");
	GUEST_ASSERT_EQ(guest_prefix(), PREFIX);
	GUEST_ASSERT_EQ(guest_read64(0x400), 0x2222);
	GUEST_ASSERT_EQ(guest_read64(PREFIX + 0x400), 0x1111);
	guest_catch();
	GUEST_ASSERT_EQ(GUEST_TRY(".word 0", "d"(0)), PGM_OPERATION);
	guest_say(0);
	asm volatile("spx %0" : : "Q"(zero) : "memory");
	GUEST_ASSERT_EQ(guest_read64(0x400), 0x1111);
	/* Only some of the bits count. */
	prefix = PREFIX | 0x80000fff;
	asm volatile("spx %0" : : "Q"(prefix) : "memory");
	GUEST_ASSERT_EQ(guest_prefix(), PREFIX);
	asm volatile("spx %0" : : "Q"(zero) : "memory");
	guest_done();
}

TEST(prefixing)
{
	setup(guest_prefixing);
	vcpu_run_said(vcpu);
	report(vcpu->run->s.regs.prefix == PREFIX, "user space sees the prefix");
	report(*(u16 *)(vm->ram + PREFIX + LC_PROGRAM_CODE) == PGM_OPERATION,
	       "interruptions are stored there");
	vcpu_run_done(vcpu);
	vm_destroy(vm);

	/* One without storage behind it. */
	setup(guest_prefixing);
	s390_regs(vcpu, KVM_SYNC_PREFIX)->prefix = 0x7fffe000;
	vcpu_run(vcpu);
	vm_destroy(vm);
	setup(guest_prefixing);
	vcpu_run_said(vcpu);
	report(true, "a prefix where no memory is harms nobody else");
	vm_destroy(vm);
}

/* --- PSWs ------------------------------------------------------------------------------------- */

static void guest_nothing(u64 argument)
{
	guest_say(3);
	guest_done();
}

/* User space sets a PSW that cannot be: the guest gets a specification exception. */
TEST(psw_invalid)
{
	u64 *old;

	setup(guest_nothing);
	old = (u64 *)(vm->ram + LC_OLD_PSW(INT_PROGRAM));
	vcpu->run->psw_mask = PSW_64 | 1UL << 63;
	vcpu_run(vcpu);
	report(*(u16 *)(vm->ram + LC_PROGRAM_CODE) == PGM_SPECIFICATION,
	       "an early specification exception");
	report(old[0] == (PSW_64 | 1UL << 63), "with that PSW as the old one");
	vm_destroy(vm);
	setup(guest_nothing);
	report(vcpu_run_said(vcpu) == 3, "another VM runs");
	vm_destroy(vm);
}

/* The new PSW of program interruptions has one itself: it must come out, and can be killed. */
TEST(program_loop)
{
	u64 *psw;

	setup(guest_nothing);
	psw = (u64 *)(vm->ram + LC_NEW_PSW(INT_PROGRAM));
	psw[0] = 1UL << 63;
	psw[1] = 0;
	vcpu->run->psw_mask = 1UL << 63;
	report(vcpu_run(vcpu) == 0 && vcpu->run->exit_reason == KVM_EXIT_S390_SIEIC &&
	       vcpu->run->s390_sieic.icptcode == 0x08, "a loop of program interruptions exits");
	vm_destroy(vm);
}

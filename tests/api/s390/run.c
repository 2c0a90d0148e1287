// SPDX-License-Identifier: GPL-2.0-only
/* KVM_RUN and its exits: KVM_EXIT_S390_SIEIC, KVM_EXIT_S390_RESET, KVM_EXIT_S390_TSCH, STSI. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

static void setup(void (*entry)(u64))
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, entry, 0);
}

/* --- immediate_exit, and the registers in kvm_run --------------------------------- */

static u64 guest_progress;

static void guest_steps(u64 argument)
{
	WRITE_ONCE(guest_progress, 1);
	guest_say(1);
	WRITE_ONCE(guest_progress, 2);
	guest_say(2);
	guest_done();
}

TEST(leave_at_once)
{
	u64 *progress, before;

	setup(guest_steps);
	progress = &guest_var(vm, guest_progress);
	vcpu->run->immediate_exit = 1;
	report(vcpu_run(vcpu) == -EINTR && !*progress, "nothing runs, EINTR");
	vcpu->run->immediate_exit = 0;
	report(vcpu_run_said(vcpu) == 1 && *progress == 1, "then the guest runs up to its DIAGNOSE");
	report(guest_var(vm, guest_progress) == 1 &&
	       *(u16 *)(vm->ram + vcpu->run->psw_addr - 4) == 0x8324,
	       "the PSW is behind the instruction");
	before = vcpu->run->psw_addr;
	vcpu->run->immediate_exit = 1;
	report(vcpu_run(vcpu) == -EINTR && *progress == 1, "EINTR again, no instruction more");
	report(vcpu->run->psw_addr == before, "and the PSW is where it was");
	vcpu->run->immediate_exit = 0;
	report(vcpu_run_said(vcpu) == 2, "and on");
	vcpu_run_done(vcpu);
	report_errno(ioctl(vcpu->fd, KVM_RUN, 1), EINVAL, "KVM_RUN with an argument");
	vm_destroy(vm);
}

/* --- instructions that user space serves ------------------------------------------ */

#define SCHIB	(S390_GPA_LOW + 0x400)

/* One instruction with its operands in r1 and r2; says the condition code and r2. */
#define GUEST_OP(text, r1_, r2_)						\
	({									\
		register u64 r1 asm("1") = (r1_);				\
		register u64 r2 asm("2") = (r2_);				\
		u64 cc_;							\
										\
		asm volatile(text "\n\tipm %[cc]\n\tsrl %[cc],28"		\
			     : [cc] "=d"(cc_), "+d"(r2) : "d"(r1) : "cc", "memory"); \
		guest_say(cc_ << 32 | (u32)r2);					\
	})

static void guest_io(u64 argument)
{
	GUEST_OP("ssch 0(%%r2)", 0x10001, SCHIB);
	GUEST_OP("stsch 0(%%r2)", 0x10002, SCHIB);
	GUEST_OP("csch", 0x10003, 0);
	GUEST_OP(".insn rre,0xb2200000,%%r2,%%r1", SCHIB, 0x120001);
	guest_done();
}

static int enable_vcpu_cap(u32 number)
{
	struct kvm_enable_cap cap = { .cap = number };

	return ioctl(vcpu->fd, KVM_ENABLE_CAP, &cap);
}

static void one_instruction(u16 opcode, unsigned int cc, const char *name)
{
	if (!vcpu_run_expect(vcpu, KVM_EXIT_S390_SIEIC, name))
		bail("no exit");
	report(s390_is_instruction(vcpu, opcode), "%s: by its opcode", name);
	s390_set_cc(vcpu, cc);
	report(vcpu_run_said(vcpu) >> 32 == cc, "%s: the guest gets the condition code", name);
}

TEST(intercepts)
{
	setup(guest_io);
	report(vcpu_run_said(vcpu) >> 32 == 3, "without channel subsystem there is no subchannel");
	report(!enable_vcpu_cap(KVM_CAP_S390_CSS_SUPPORT), "KVM_CAP_S390_CSS_SUPPORT");
	vcpu_enter_at(vcpu, guest_io, 0);
	one_instruction(0xb233, 1, "SSCH");
	report(vcpu->run->s.regs.gprs[1] != 0, "the registers are in kvm_run");
	one_instruction(0xb234, 3, "STSCH");
	one_instruction(0xb230, 0, "CSCH");
	one_instruction(0xb220, 2, "SERVICE CALL");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

static void guest_io_problem(u64 argument)
{
	asm volatile("csch");
}

static void guest_io_as_user(u64 argument)
{
	guest_say(guest_problem(PSW_64 | PSW_PROBLEM, (u64)guest_io_problem, 0));
	guest_done();
}

TEST(intercepts_problem)
{
	setup(guest_io_as_user);
	report(vcpu_run_said(vcpu) == PGM_PRIVILEGED, "an I/O instruction of a problem program "
	       "is the guest's business");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- TEST SUBCHANNEL and channel subsystem support ----------------------------------- */

static void guest_tsch(u64 argument)
{
	GUEST_OP("tsch 0(%%r2)", 0x10001, SCHIB);
	guest_done();
}

TEST(tsch)
{
	struct kvm_s390_irq irq = {
		.type = KVM_S390_INT_IO(0, 0, 0, 1),
		.u.io = { .subchannel_id = 1, .subchannel_nr = 1, .io_int_parm = 0x1234,
			  .io_int_word = 0x18000000 },
	};

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_tsch, 0);
	report(!enable_vcpu_cap(KVM_CAP_S390_CSS_SUPPORT), "KVM_CAP_S390_CSS_SUPPORT");
	report_errno(enable_vcpu_cap(0xffff), EINVAL, "an unknown capability of a vCPU");
	report(!s390_inject_floating(vm, &irq), "an interruption of the subchannel is pending");
	vcpu_run_expect(vcpu, KVM_EXIT_S390_TSCH, "KVM_EXIT_S390_TSCH");
	report(vcpu->run->s390_tsch.subchannel_id == 1 && vcpu->run->s390_tsch.subchannel_nr == 1 &&
	       vcpu->run->s390_tsch.dequeued && vcpu->run->s390_tsch.io_int_parm == 0x1234 &&
	       vcpu->run->s390_tsch.io_int_word == 0x18000000,
	       "it was pending, and is not any more");
	s390_set_cc(vcpu, 0);
	report(vcpu_run_said(vcpu) >> 32 == 0, "the guest goes on");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- DIAGNOSE --------------------------------------------------------------------------- */

static void guest_diag(u64 argument)
{
	u64 code = argument >> 32, subcode = (u32)argument;

	asm volatile("diag %[what],%[what],0(%[code])"
		     : : [what] "d"(subcode), [code] "a"(code) : "memory");
	guest_say(7);
	guest_done();
}

static void diag_at(u64 code, u64 subcode)
{
	vcpu_enter_at(vcpu, guest_diag, code << 32 | subcode);
}

TEST(diagnose)
{
	setup(guest_diag);
	diag_at(0x44, 0);
	report(vcpu_run_said(vcpu) == 7, "DIAGNOSE 44, the end of a time slice, stays here");
	diag_at(0x9c, 0);
	report(vcpu_run_said(vcpu) == 7, "so does 9C, in favour of itself");
	diag_at(0x9c, 77);
	report(vcpu_run_said(vcpu) == 7, "or of nobody");
	diag_at(0x308, 3);
	vcpu_run_expect(vcpu, KVM_EXIT_S390_RESET, "308, subcode 3: KVM_EXIT_S390_RESET");
	report((vcpu->run->s390_reset_flags & KVM_S390_RESET_IPL) &&
	       (vcpu->run->s390_reset_flags & KVM_S390_RESET_CLEAR) == KVM_S390_RESET_CLEAR,
	       "with clearing");
	diag_at(0x308, 4);
	vcpu_run_expect(vcpu, KVM_EXIT_S390_RESET, "subcode 4");
	report((vcpu->run->s390_reset_flags & KVM_S390_RESET_IPL) &&
	       !(vcpu->run->s390_reset_flags & KVM_S390_RESET_CLEAR), "without");
	diag_at(0x308, 6);
	report(vcpu_run_expect(vcpu, KVM_EXIT_S390_SIEIC, "the others are user space's") &&
	       s390_is_instruction(vcpu, 0x83), "as DIAGNOSE");
	report(vcpu_run_said(vcpu) == 7, "and the guest goes on");
	vm_destroy(vm);
}

/* --- waits that cannot end ----------------------------------------------------------------- */

static void guest_disabled_wait(u64 argument)
{
	u64 psw[2] = { PSW_64 | PSW_WAIT, 0xdead };

	asm volatile("lpswe 0(%0)" : : "a"(psw) : "memory");
}

TEST(disabled_wait)
{
	setup(guest_disabled_wait);
	vcpu_run_expect(vcpu, KVM_EXIT_S390_SIEIC, "a disabled wait exits");
	report(s390_is_intercept(vcpu, 0x1c), "as interception for a wait");
	report(vcpu->run->psw_addr == 0xdead && (vcpu->run->psw_mask & PSW_WAIT),
	       "with its PSW");
	report(vcpu_run(vcpu) == 0 && s390_is_intercept(vcpu, 0x1c), "and again");
	vm_destroy(vm);
}

/* --- STSI ------------------------------------------------------------------------------------- */

#define SYSIB	(S390_GPA_LOW + 0x1000)

static void guest_stsi(u64 argument)
{
	register u64 r0 asm("0") = argument >> 8 << 28 | (argument >> 4 & 15);
	register u64 r1 asm("1") = argument & 15;
	u64 cc;

	asm volatile("stsi 0(%[sysib])\n\tipm %[cc]\n\tsrl %[cc],28"
		     : [cc] "=d"(cc), "+d"(r0), "+d"(r1) : [sysib] "a"(SYSIB) : "cc", "memory");
	guest_say(cc << 32 | (u32)r0);
	guest_done();
}

static u64 stsi(unsigned int fc, unsigned int selector1, unsigned int selector2)
{
	vcpu_enter_at(vcpu, guest_stsi, fc << 8 | selector1 << 4 | selector2);

	return vcpu_run_said(vcpu);
}

TEST(stsi)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_S390_USER_STSI };

	setup(guest_stsi);
	report(stsi(0, 0, 0) >> 28 == 3, "the level is 3: a virtual machine");
	report(stsi(1, 1, 1) >> 32 == 0, "1.1.1, the basic machine");
	report(stsi(3, 2, 2) >> 32 == 0, "3.2.2, the virtual machines");
	report(stsi(5, 2, 2) >> 32 == 3, "no level 5");
	report(stsi(1, 9, 9) >> 32 == 3, "no such selector");
	report(!ioctl(vm->fd, KVM_ENABLE_CAP, &cap), "KVM_CAP_S390_USER_STSI");
	vcpu_enter_at(vcpu, guest_stsi, 0x322);
	vcpu_run_expect(vcpu, KVM_EXIT_S390_STSI, "now 3.2.2 exits, KVM_EXIT_S390_STSI");
	report(vcpu->run->s390_stsi.addr == SYSIB && vcpu->run->s390_stsi.fc == 3 &&
	       vcpu->run->s390_stsi.sel1 == 2 && vcpu->run->s390_stsi.sel2 == 2,
	       "says where the block is");
	vm_destroy(vm);
}

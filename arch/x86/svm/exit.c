// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exits of SVM: from the raw exit code to a handler, which is mostly one of
 * arch/x86/exit.c; here is only what has to read the VMCB for it.
 */
#include <linux/printk.h>
#include <asm/trapnr.h>

#include "svm.h"

#define SVM_EXIT_EXCP_DB	(SVM_EXIT_EXCP_BASE + DB_VECTOR)
#define SVM_EXIT_EXCP_BP	(SVM_EXIT_EXCP_BASE + BP_VECTOR)
#define SVM_EXIT_EXCP_AC	(SVM_EXIT_EXCP_BASE + AC_VECTOR)
#define SVM_EXIT_EXCP_MC	(SVM_EXIT_EXCP_BASE + MC_VECTOR)

/*
 * The exit is of this one instruction, but without NRIPS nobody said where the next
 * one begins.
 */
static __always_inline void svm_expect(struct vcpu *vcpu, u32 opcode)
{
	const struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;
	int length = opcode > 0xffff ? 3 : opcode > 0xff ? 2 : 1;

	if (!svm_caps.next_rip)
		vcpu->arch.exit.next_rip = x86_insn_next_expected(vcpu, save->rip, save->cs.base,
								  save->cr3, opcode, length);
}

static __always_inline int svm_fast_none(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* The host's handler of it, on the CPU where it happened. */
static __always_inline int svm_fast_machine_check(struct vcpu *vcpu)
{
	x86_host_machine_check();

	return RESUME_GUEST;
}

/* --- exits that were for the host ------------------------------------------- */

/* An interrupt, NMI, SMI, INIT or machine check: the host has handled it. */
static int svm_exit_host(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* --- memory and I/O ----------------------------------------------------------- */

/* Error code of a nested page fault (APM, "Nested versus Guest Page Faults"). */
enum {
	NPF_PRESENT	= BIT(0),
	NPF_WRITE	= BIT(1),
	NPF_FETCH	= BIT(4),
};

/* The fault was on the guest's access itself, not on the walk of its tables. */
#define NPF_FINAL	BIT_ULL(32)

static __always_inline void svm_insn_bytes(struct vcpu *vcpu)
{
	const struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;
	struct exit_info *exit = &vcpu->arch.exit;

	if (!svm_caps.decode_assists)
		return;
	exit->insn_count = min_t(u8, control->insn_len & 0xf, sizeof(exit->insn));
	memcpy(exit->insn, control->insn_bytes, sizeof(exit->insn));
}

/*
 * A write to a page that is there, which a log may want to see; or a register of a local
 * APIC, where no memory is known to be.
 */
static __always_inline int svm_fast_memory(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;

	if (exit->info1 & NPF_PRESENT)
		return x86_fast_write_fault(vcpu, exit->info2, exit->info1 & NPF_WRITE);
	if (!(exit->info1 & NPF_FINAL) || exit->info1 & NPF_FETCH ||
	    !vcpu_memslot_missed(vcpu, gpa_to_gfn(exit->info2)))
		return RESUME_GUEST;
	svm_insn_bytes(vcpu);

	return x86_fast_mov(vcpu, exit->info2, exit->info1 & NPF_WRITE);
}

static int svm_exit_memory(struct vcpu *vcpu)
{
	struct exit_info *exit = &vcpu->arch.exit;
	u8 access = PROT_GUEST_READ;

	if (exit->info1 & NPF_WRITE)
		access = PROT_GUEST_WRITE;
	else if (exit->info1 & NPF_FETCH)
		access = PROT_GUEST_EXEC;
	svm_insn_bytes(vcpu);
	exit->final_access = exit->info1 & NPF_FINAL;

	return x86_exit_memory(vcpu, exit->info2, access);
}

/* EXITINFO1 of IOIO (APM, "IOIO Intercepts"): port, direction, size, string. */
static int svm_exit_io(struct vcpu *vcpu)
{
	u64 info = vcpu->arch.exit.info1;

	/* Where the next instruction is was noted by svm_fast_io(). */
	return x86_exit_io(vcpu, info >> 16, (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT,
			   info & SVM_IOIO_TYPE_MASK, info & SVM_IOIO_STR_MASK);
}

static __always_inline int svm_fast_io(struct vcpu *vcpu)
{
	u64 info = vcpu->arch.exit.info1;

	/* The one intercept that tells it on any CPU, in EXITINFO2. */
	vcpu->arch.exit.next_rip = vcpu->arch.exit.info2;

	return x86_fast_io(vcpu, info >> 16, (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT,
			   info & SVM_IOIO_TYPE_MASK, info & SVM_IOIO_STR_MASK);
}

/* --- registers ------------------------------------------------------------------ */

static int svm_exit_msr(struct vcpu *vcpu)
{
	return vcpu->arch.exit.info1 ? x86_exit_wrmsr(vcpu) : x86_exit_rdmsr(vcpu);
}

static __always_inline int svm_fast_msr(struct vcpu *vcpu)
{
	svm_expect(vcpu, vcpu->arch.exit.info1 ? 0x300f : 0x320f);

	return vcpu->arch.exit.info1 ? x86_fast_wrmsr(vcpu) : x86_fast_rdmsr(vcpu);
}

/*
 * MOV to CR8.  Without decode assists the register is in the ModRM byte: the
 * bytes are REX 0F 22 ModRM, or LOCK 0F 22 ModRM for the alias CR0.
 */
static noinline int svm_exit_cr8(struct vcpu *vcpu)
{
	u8 insn[15];
	int length, reg;
	gpa_t gpa;

	if (svm_caps.decode_assists)
		return x86_exit_cr8(vcpu, vcpu->arch.exit.info1 & SVM_EXITINFO_REG_MASK, true);

	length = x86_insn_length(vcpu, true);
	if (!length)
		return RESUME_GUEST;
	if (x86_walk_nofault(vcpu, x86_linear_rip(vcpu) + length - 1, X86_ACCESS_EXEC, &gpa) ||
	    guest_read(vcpu, gpa, &insn[0], 1))
		return RESUME_GUEST;
	reg = insn[0] & 7;
	/* REX.B is in the prefix right before 0F 22; a LOCK prefix may precede it. */
	if (length >= 4 &&
	    !x86_walk_nofault(vcpu, x86_linear_rip(vcpu) + length - 4, X86_ACCESS_EXEC, &gpa) &&
	    !guest_read(vcpu, gpa, &insn[0], 1) && (insn[0] & 0xf1) == 0x41)
		reg |= 8;

	return x86_exit_cr8(vcpu, reg, true);
}

/* The first access to a debug register since they were last put away. */
static noinline int svm_exit_dr(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	if (vcpu->debug_flags & KVM_GUESTDBG_USE_HW_BP) {
		/* User space holds the registers: it hears of the attempt. */
		vcpu->run->debug.arch.dr6 = DR6_RESERVED | BIT(13);
		vcpu->run->debug.arch.dr7 = vcpu->arch.state.dr7;
		vcpu->run->debug.arch.pc = x86_linear_rip(vcpu);
		vcpu->run->debug.arch.exception = DB_VECTOR;
		return vcpu_exit(vcpu, KVM_EXIT_DEBUG);
	}
	x86_need(vcpu, X86_DEBUG);
	svm->debug_loaded = false;
	/* In this order: put may come in between, and makes them exit again if they are live. */
	svm_vmcb(vcpu)->control.intercepts[INTERCEPT_DR] = 0;
	svm_changed(vcpu, SVM_CLEAN_INTERCEPTS);
	barrier();
	svm->debug_live = true;

	return RESUME_GUEST;
}

/* --- events ------------------------------------------------------------------------ */

/* The window is open: look for the interrupt that asked for it. */
static int svm_exit_window(struct vcpu *vcpu)
{
	svm_x86_window(vcpu, X86_WINDOW_INTERRUPT, false);
	vcpu->arch.events.window_interrupt = false;
	x86_events_recheck(vcpu);

	return RESUME_GUEST;
}

/* User space's window is told of outside of the stay, which would open it for ever. */
static __always_inline int svm_fast_window(struct vcpu *vcpu)
{
	if (unlikely(vcpu->arch.events.user_window))
		return RESUME_GUEST;
	svm_exit_window(vcpu);

	return REENTER;
}

static int svm_debug_to_user(struct vcpu *vcpu, u8 vector)
{
	struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;

	vcpu->run->debug.arch.dr6 = save->dr6;
	vcpu->run->debug.arch.dr7 = save->dr7;
	vcpu->run->debug.arch.pc = x86_linear_rip(vcpu);
	vcpu->run->debug.arch.exception = vector;

	return vcpu_exit(vcpu, KVM_EXIT_DEBUG);
}

int svm_exit_debug(struct vcpu *vcpu)
{
	struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;
	struct svm_vcpu *svm = &vcpu->arch.svm;
	bool ours = svm->step_nmi && !svm->guest_tf;

	if (svm->step_nmi) {
		svm->step_nmi = false;
		vcpu->arch.events.window_nmi = false;
		svm_step_update(vcpu);
		x86_events_recheck(vcpu);
	}
	if (vcpu->debug_flags & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return svm_debug_to_user(vcpu, DB_VECTOR);
	if (ours) {
		/* Nothing but our own step: the guest must not see it. */
		save->dr6 &= ~(u64)DR_STEP;
		svm_changed(vcpu, SVM_CLEAN_DR);
		if (!(save->dr6 & DR_TRAP_BITS))
			return RESUME_GUEST;
	}
	x86_queue_exception(vcpu, DB_VECTOR);

	return RESUME_GUEST;
}

static int svm_exit_breakpoint(struct vcpu *vcpu)
{
	return svm_debug_to_user(vcpu, BP_VECTOR);
}

static int svm_exit_alignment(struct vcpu *vcpu)
{
	x86_queue_exception_error(vcpu, AC_VECTOR, 0);

	return RESUME_GUEST;
}

/* --- the end of a guest --------------------------------------------------------------- */

/*
 * A triple fault.  The VMCB is undefined after it (APM, "Shutdown Intercept"), so
 * it starts anew and the canonical state, as far as it is right, goes in again.
 */
static noinline int svm_exit_shutdown(struct vcpu *vcpu)
{
	x86_need(vcpu, X86_ALL);
	svm_vmcb_reset(vcpu);
	x86_vcpu_retell(vcpu);
	/* What was under way has ended here, for good. */
	vcpu->arch.events.injected.type = X86_EVENT_NONE;

	return vcpu_exit(vcpu, KVM_EXIT_SHUTDOWN);
}

/* VMRUN refused the VMCB: our bug, or a state that user space set. */
static int svm_exit_invalid(struct vcpu *vcpu)
{
	pr_err_ratelimited("keel: vcpu %d: VMRUN failed: %s\n", vcpu->id, svm_vmcb_explain(vcpu));

	return vcpu_exit_fail_entry(vcpu, SVM_EXIT_ERR);
}

/* While this is still the CPU that refused. */
static __always_inline int svm_fast_invalid(struct vcpu *vcpu)
{
	svm_tags_distrust(vcpu);
	/* What the CPU keeps of this VMCB is not said then. */
	svm_vmcb(vcpu)->control.clean = 0;

	return RESUME_GUEST;
}

static noinline int svm_exit_unknown(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	u64 data[] = { exit->code, exit->info1, exit->info2, vcpu->arch.state.rip };

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				  ARRAY_SIZE(data));
}

/* --- dispatch ---------------------------------------------------------------------------- */

/*
 * The table becomes a comparison tree with direct calls: the compiler makes no
 * jump table where indirect branches are expensive.
 */
int svm_vcpu_handle_exit(struct vcpu *vcpu)
{
	switch (vcpu->arch.exit.code) {
#define EXIT(name, slow, fast, opcode)	case (u32)SVM_EXIT_##name: return slow(vcpu);
#include "exits.def"
#undef EXIT
	default:
		return svm_exit_unknown(vcpu);
	}
}

int svm_vcpu_fast_exit(struct vcpu *vcpu)
{
	switch (vcpu->arch.exit.code) {
#define EXIT(name, slow, fast, opcode)			\
	case (u32)SVM_EXIT_##name:			\
		if (opcode)				\
			svm_expect(vcpu, opcode);	\
		return fast(vcpu);
#include "exits.def"
#undef EXIT
	default:
		return RESUME_GUEST;
	}
}

const char *svm_exit_name(u32 code)
{
	switch (code) {
#define EXIT(name, slow, fast, opcode)	case (u32)SVM_EXIT_##name: return #name;
#include "exits.def"
#undef EXIT
	default:
		return "unknown";
	}
}

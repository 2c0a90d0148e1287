// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exits of VT-x: from the basic exit reason to a handler, which is mostly one of
 * arch/x86/exit.c; here is only what has to read the VMCS for it.
 */
#include <linux/printk.h>
#include <asm/apicdef.h>
#include <asm/trapnr.h>

#include "vtx.h"

/* Reasons that the kernel's header has no names for. */
#define EXIT_REASON_IO_SMI	5
#define EXIT_REASON_OTHER_SMI	6
#define EXIT_REASON_GETSEC	11
#define EXIT_REASON_RSM		17
#define EXIT_REASON_PCONFIG	65
#define EXIT_REASON_SPP		66
#define EXIT_REASON_LOADIWKEY	69
#define EXIT_REASON_ENCLV	70
#define EXIT_REASON_ENQCMD	72
#define EXIT_REASON_ENQCMDS	73
#define EXIT_REASON_SEAMCALL	76
#define EXIT_REASON_TDCALL	77
#define EXIT_REASON_RDMSRLIST	78
#define EXIT_REASON_WRMSRLIST	79
#define EXIT_REASON_REFUSED	VTX_EXIT_REFUSED

/* The basic reason is in the low half. */
static __always_inline u16 vtx_reason(struct vcpu *vcpu)
{
	return vcpu->arch.exit.code;
}

static __always_inline int vtx_fast_none(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

static int vtx_exit_unknown(struct vcpu *vcpu);

/* --- exits that were for the host ------------------------------------------- */

/*
 * An interrupt, NMI, SMI, INIT or machine check: the host has handled it.  An
 * interrupt is not acknowledged by the exit, so the host took it as soon as core
 * enabled interrupts.
 */
static int vtx_exit_host(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* after_enter has taken over what there was to know. */
static __always_inline int vtx_fast_reenter(struct vcpu *vcpu)
{
	return REENTER;
}

/* The CPU has served an EOI, and an IOAPIC may wait for it. */
static __always_inline int vtx_fast_eoi(struct vcpu *vcpu)
{
	lapic_eoi_exit(vcpu, vcpu->arch.exit.info1);

	return REENTER;
}

/* It left a write of an x2APIC register to us, after the instruction. */
static __always_inline int vtx_fast_apic_write(struct vcpu *vcpu)
{
	u32 reg = vcpu->arch.exit.info1 & APIC_ACCESS_OFFSET;

	lapic_msr_write(vcpu, APIC_BASE_MSR + (reg >> 4), (u32)x86_gpr(vcpu, X86_RAX));

	return REENTER;
}

static __always_inline int vtx_fast_timer(struct vcpu *vcpu)
{
	vtx_deadline_exit(vcpu);

	return REENTER;
}

/* --- memory and I/O ----------------------------------------------------------- */

/* SDM, "Exit Qualification for EPT Violations": bits 5:3 are what the entries allow. */
#define EPT_VIOLATION_ALLOWED	(VMX_EPT_RWX_MASK << 3)

static int vtx_exit_memory(struct vcpu *vcpu)
{
	const u64 final = EPT_VIOLATION_GVA_IS_VALID | EPT_VIOLATION_GVA_TRANSLATED;
	struct exit_info *exit = &vcpu->arch.exit;
	u8 access = PROT_GUEST_READ;

	/* With accessed and dirty bits, a walk of the guest's tables is a write, too. */
	if (exit->info1 & EPT_VIOLATION_ACC_WRITE)
		access = PROT_GUEST_WRITE;
	else if (exit->info1 & EPT_VIOLATION_ACC_INSTR)
		access = PROT_GUEST_EXEC;
	exit->final_access = (exit->info1 & final) == final;
	exit->info2 = vtx_read(GUEST_PHYSICAL_ADDRESS);

	return x86_exit_memory(vcpu, exit->info2, access);
}

/* A log may want to see it. */
static __always_inline int vtx_fast_memory(struct vcpu *vcpu)
{
	u64 info = vcpu->arch.exit.info1;

	/* What the entries on the way, if there are any, allow. */
	if (!(info & EPT_VIOLATION_ALLOWED))
		return RESUME_GUEST;

	return x86_fast_write_fault(vcpu, vtx_read(GUEST_PHYSICAL_ADDRESS),
				    info & EPT_VIOLATION_ACC_WRITE);
}

/* An entry that no format of ours makes: a bug, or memory that changed by itself. */
static int vtx_exit_misconfig(struct vcpu *vcpu)
{
	gpa_t gpa = vtx_read(GUEST_PHYSICAL_ADDRESS);
	u64 pte = 0;
	const char *text = ept_explain(vcpu->vm, gpa, &pte);
	u64 data[] = { vcpu->arch.exit.code, pte, gpa, x86_rip(vcpu) };

	pr_err_ratelimited("keel: vcpu %d: EPT misconfiguration at 0x%llx: the entry 0x%llx %s\n",
			   vcpu->id, gpa, pte, text);

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				  ARRAY_SIZE(data));
}

static int vtx_exit_pml_full(struct vcpu *vcpu)
{
	ept_pml_drain(vcpu);

	return RESUME_GUEST;
}

/* SDM, "Exit Qualification for I/O Instructions". */
enum {
	IO_SIZE		= 7,		/* less one */
	IO_IN		= BIT(3),
	IO_STRING	= BIT(4),
};

static int vtx_exit_io(struct vcpu *vcpu)
{
	u64 info = vcpu->arch.exit.info1;

	return x86_exit_io(vcpu, info >> 16, (info & IO_SIZE) + 1, info & IO_IN,
			   info & IO_STRING);
}

static __always_inline int vtx_fast_io(struct vcpu *vcpu)
{
	u64 info = vcpu->arch.exit.info1;

	return x86_fast_io(vcpu, info >> 16, (info & IO_SIZE) + 1, info & IO_IN,
			   info & IO_STRING);
}

/* --- control registers ------------------------------------------------------------ */

/* SDM, "Exit Qualification for Control-Register Accesses". */
enum {
	CR_NUMBER	= 0xf,
	CR_TYPE_SHIFT	= 4,
	CR_GPR_SHIFT	= 8,
	CR_LMSW_SHIFT	= 16,
};

enum { CR_WRITE, CR_READ, CR_CLTS, CR_LMSW };

static int vtx_write_cr0(struct vcpu *vcpu, u64 value)
{
	return x86_set_cr0(vcpu, value) ? RESUME_GUEST : x86_skip(vcpu);
}

static int vtx_write_cr(struct vcpu *vcpu, int number, int gpr)
{
	u64 value = x86_gpr(vcpu, gpr);

	if (number == 8)
		return x86_exit_cr8(vcpu, gpr, true);
	/* Elsewhere registers have 32 bits, and nothing is known of the others. */
	if (!x86_in_64bit(vcpu))
		value = (u32)value;
	if (number == 0)
		return vtx_write_cr0(vcpu, value);
	if (number == 4)
		return x86_set_cr4(vcpu, value) ? RESUME_GUEST : x86_skip(vcpu);

	return vtx_exit_unknown(vcpu);
}

/* The low four bits of the source; PE can be set this way, not cleared. */
static u64 vtx_lmsw(u64 cr0, u16 source)
{
	const u64 bits = X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;

	return (cr0 & ~bits) | (source & (bits | X86_CR0_PE));
}

/*
 * CR0 and CR4 exit only when the guest changes a bit that it does not have itself,
 * CR3 never, CR8 if nobody in the kernel has it or the CPU cannot shadow it.
 */
static int vtx_exit_cr(struct vcpu *vcpu)
{
	u64 info = vcpu->arch.exit.info1;
	int number = info & CR_NUMBER, gpr = (info >> CR_GPR_SHIFT) & 0xf;

	switch ((info >> CR_TYPE_SHIFT) & 3) {
	case CR_WRITE:
		return vtx_write_cr(vcpu, number, gpr);
	case CR_READ:
		return number == 8 ? x86_exit_cr8(vcpu, gpr, false) : vtx_exit_unknown(vcpu);
	case CR_CLTS:
		x86_need(vcpu, X86_CRS);
		return vtx_write_cr0(vcpu, vcpu->arch.state.cr0 & ~(u64)X86_CR0_TS);
	default:
		x86_need(vcpu, X86_CRS);
		return vtx_write_cr0(vcpu, vtx_lmsw(vcpu->arch.state.cr0,
						    info >> CR_LMSW_SHIFT));
	}
}

/* --- debug registers --------------------------------------------------------------- */

static int vtx_debug_to_user(struct vcpu *vcpu, u8 vector, u64 dr6)
{
	struct kvm_debug_exit_arch *debug = &vcpu->run->debug.arch;

	x86_need(vcpu, X86_DEBUG);
	memset(debug, 0, sizeof(*debug));
	debug->exception = vector;
	debug->pc = x86_linear_rip(vcpu);
	debug->dr6 = dr6;
	debug->dr7 = vcpu->arch.state.dr7;

	return vcpu_exit(vcpu, KVM_EXIT_DEBUG);
}

#define DR6_BD	BIT(13)

/*
 * The first access to a debug register since they were last put away.  The exit comes
 * before all faults the instruction may raise, so it runs again, without.
 */
static int vtx_exit_dr(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	/* User space holds the registers: it hears of the attempt. */
	if (vcpu->debug_flags & KVM_GUESTDBG_USE_HW_BP)
		return vtx_debug_to_user(vcpu, DB_VECTOR, DR6_RESERVED | DR6_BD);
	x86_need(vcpu, X86_DEBUG);
	/* In this order: put may come in between, and makes them exit again if they are live. */
	vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_MOV_DR_EXITING, false);
	barrier();
	vtx->debug_live = true;
	vtx_owe(vcpu, VTX_OWES_DEBUG);

	return RESUME_GUEST;
}

/* --- events ------------------------------------------------------------------------ */

/* The window is open: look for the interrupt that asked for it. */
static int vtx_exit_window(struct vcpu *vcpu)
{
	vtx_x86_window(vcpu, X86_WINDOW_INTERRUPT, false);
	vcpu->arch.events.window_interrupt = false;
	x86_events_recheck(vcpu);

	return RESUME_GUEST;
}

/* User space's window is told of outside of the stay, which would open it for ever. */
static __always_inline int vtx_fast_window(struct vcpu *vcpu)
{
	if (unlikely(vcpu->arch.events.user_window))
		return RESUME_GUEST;
	vtx_exit_window(vcpu);

	return REENTER;
}

static int vtx_exit_nmi_window(struct vcpu *vcpu)
{
	vtx_x86_window(vcpu, X86_WINDOW_NMI, false);
	vcpu->arch.events.window_nmi = false;
	x86_events_recheck(vcpu);

	return RESUME_GUEST;
}

static __always_inline int vtx_fast_nmi_window(struct vcpu *vcpu)
{
	vtx_exit_nmi_window(vcpu);

	return REENTER;
}

/* The monitor trap flag: one instruction, or the delivery of one event, is over. */
static int vtx_exit_step(struct vcpu *vcpu)
{
	if (vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP)
		return vtx_debug_to_user(vcpu, DB_VECTOR, DR6_RESERVED | DR_STEP);

	return RESUME_GUEST;
}

/*
 * #DB.  The exit has changed neither DR6 nor DR7: the qualification holds what is to
 * become of DR6, in the same bits.
 */
int vtx_exit_debug(struct vcpu *vcpu)
{
	u64 hits = vcpu->arch.exit.info1 & (DR_TRAP_BITS | DR6_BD | DR_STEP);

	if (vcpu->debug_flags & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return vtx_debug_to_user(vcpu, DB_VECTOR, DR6_RESERVED | hits);
	x86_queue_debug(vcpu, hits);

	return RESUME_GUEST;
}

/* SDM, "Interrupt 17--Alignment Check Exception": the guest has to have asked for it. */
static bool vtx_checks_alignment(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_CRS | X86_RIP);

	return (state->cr0 & X86_CR0_AM) && (state->rflags & X86_EFLAGS_AC) && x86_cpl(vcpu) == 3;
}

static int vtx_exit_alignment(struct vcpu *vcpu)
{
	if (vtx_checks_alignment(vcpu) || !x86_host_split_lock(x86_rip(vcpu)))
		x86_queue_exception_error(vcpu, AC_VECTOR, 0);

	return RESUME_GUEST;
}

/* NMIs and machine checks are the host's, and it has had them. */
static int vtx_exit_exception(struct vcpu *vcpu)
{
	struct exit_info *exit = &vcpu->arch.exit;

	exit->info2 = vtx_read(VM_EXIT_INTR_INFO);
	switch (exit->info2 & INTR_INFO_VECTOR_MASK) {
	case DB_VECTOR:
		return vtx_exit_debug(vcpu);
	case BP_VECTOR:
		return vtx_debug_to_user(vcpu, BP_VECTOR, DR6_RESERVED);
	case AC_VECTOR:
		return vtx_exit_alignment(vcpu);
	case X86_TRAP_NMI:
	case MC_VECTOR:
		return RESUME_GUEST;
	default:
		return vtx_exit_unknown(vcpu);
	}
}

/* --- task switches ------------------------------------------------------------------- */

/* SDM, "Exit Qualification for Task Switches". */
enum {
	TASK_SELECTOR		= 0xffff,
	TASK_SOURCE_SHIFT	= 30,
};

static const u8 vtx_task_sources[] = {
	X86_TASK_CALL, X86_TASK_IRET, X86_TASK_JMP, X86_TASK_GATE,
};

/*
 * The CPU does not do them, whatever the guest.  The privileges have been checked, the
 * task-state segments have not been touched.
 */
static int vtx_exit_task_switch(struct vcpu *vcpu)
{
	u64 info = vcpu->arch.exit.info1;

	return x86_task_switch(vcpu, info & TASK_SELECTOR,
			       vtx_task_sources[(info >> TASK_SOURCE_SHIFT) & 3]);
}

/* --- the end of a guest --------------------------------------------------------------- */

static int vtx_exit_shutdown(struct vcpu *vcpu)
{
	/* What was under way has ended here, for good. */
	vcpu->arch.events.injected.type = X86_EVENT_NONE;

	return vcpu_exit(vcpu, KVM_EXIT_SHUTDOWN);
}

/* The host has been found good, the guest not: our bug, or a state that user space set. */
static int vtx_exit_failed(struct vcpu *vcpu)
{
	pr_err_ratelimited("keel: vcpu %d: VM entry failed: %s\n", vcpu->id,
			   vtx_vmcs_explain(vcpu));

	return vcpu_exit_fail_entry(vcpu, vcpu->arch.exit.code);
}

/* VMLAUNCH or VMRESUME did not get as far as to look at the guest. */
static int vtx_exit_refused(struct vcpu *vcpu)
{
	u64 error = vcpu->arch.exit.info1;

	pr_err_ratelimited("keel: vcpu %d: VM entry refused (error %llu): %s\n", vcpu->id,
			   error, vtx_vmcs_explain(vcpu));

	return vcpu_exit_fail_entry(vcpu, error);
}

/* While this is still the CPU that refused. */
static __always_inline int vtx_fast_failed(struct vcpu *vcpu)
{
	vtx_tags_distrust(vcpu);

	return RESUME_GUEST;
}

static int vtx_exit_unknown(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	u64 data[] = { exit->code, exit->info1, exit->info2, x86_rip(vcpu) };

	pr_err_ratelimited("keel: vcpu %d: exit %u (%s) that nobody asked for\n", vcpu->id,
			   vtx_reason(vcpu), vtx_exit_name(exit->code));

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				  ARRAY_SIZE(data));
}

/* --- dispatch ---------------------------------------------------------------------------- */

/* The last column of the table. */
enum {
	WANT_LENGTH		= BIT(0),
	WANT_QUALIFICATION	= BIT(1),
	WANT_BOTH		= WANT_LENGTH | WANT_QUALIFICATION,
};

static __always_inline void vtx_exit_read(struct vcpu *vcpu, u8 wants)
{
	if (wants & WANT_LENGTH)
		vtx_insn_read(vcpu);
	if (wants & WANT_QUALIFICATION)
		vtx_qualification(vcpu);
}

/*
 * The table becomes a comparison tree with direct calls: the compiler makes no
 * jump table where indirect branches are expensive.
 */
int vtx_vcpu_handle_exit(struct vcpu *vcpu)
{
	switch (vtx_reason(vcpu)) {
#define EXIT(name, slow, fast, wants)	case EXIT_REASON_##name: return slow(vcpu);
#include "exits.def"
#undef EXIT
	default:
		return vtx_exit_unknown(vcpu);
	}
}

int vtx_vcpu_fast_exit(struct vcpu *vcpu)
{
	switch (vtx_reason(vcpu)) {
#define EXIT(name, slow, fast, wants)		\
	case EXIT_REASON_##name:		\
		vtx_exit_read(vcpu, wants);	\
		return fast(vcpu);
#include "exits.def"
#undef EXIT
	default:
		return RESUME_GUEST;
	}
}

const char *vtx_exit_name(u32 code)
{
	switch ((u16)code) {
#define EXIT(name, slow, fast, wants)	case EXIT_REASON_##name: return #name;
#include "exits.def"
#undef EXIT
	default:
		return "unknown";
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way into the guest, the windows for those that have to wait,
 * interruptibility, and the debug registers.  What to inject is chosen in
 * arch/x86/events.c.
 *
 * VM entry checks that these agree with each other and with RFLAGS (SDM, "Checks on
 * Guest Non-Register State").  User space and the paths that finish an instruction
 * may leave combinations that no CPU has; they are put right here, before the entry.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "vtx.h"

/* --- into the guest ---------------------------------------------------------- */

/* Of the VM-entry interruption information and of the IDT-vectoring information. */
static const u32 vtx_event_types[] = {
	[X86_EVENT_EXCEPTION]		= INTR_TYPE_HARD_EXCEPTION,
	[X86_EVENT_NMI]			= INTR_TYPE_NMI_INTR,
	[X86_EVENT_INTERRUPT]		= INTR_TYPE_EXT_INTR,
	[X86_EVENT_SOFT_INTERRUPT]	= INTR_TYPE_SOFT_INTR,
};

/* Exceptions that deliver an error code, if not in real mode. */
#define VECTORS_WITH_ERROR						\
	(BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) |	\
	 BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) | BIT(X86_TRAP_AC))

/* IA32_VMX_BASIC: an exception may come with an error code or without, whatever its vector. */
#define BASIC_ANY_ERROR	BIT_ULL(56)

/* Bits 31:15 of an error code have to be 0. */
#define ERROR_CODE	GENMASK(14, 0)

static bool event_delivers_error(struct vcpu *vcpu, const struct x86_event *event)
{
	bool error = event->has_error;

	if (event->type != X86_EVENT_EXCEPTION)
		return false;
	if (!(vtx_caps.basic & BASIC_ANY_ERROR))
		error = VECTORS_WITH_ERROR & BIT(event->vector & 31);

	return error && x86_protected_mode(vcpu);
}

/* An event ends the shadow before it, and an NMI is taken only where none is handled. */
static void event_unblock(struct vcpu *vcpu, const struct x86_event *event)
{
	struct x86_state *state = &vcpu->arch.state;
	bool unblock = event->type == X86_EVENT_NMI && state->nmi_blocked;

	if (likely(!state->shadow && !unblock))
		return;
	state->shadow = 0;
	if (unblock)
		state->nmi_blocked = false;
	x86_dirty(vcpu, X86_INTR);
}

/*
 * What cannot be given to the hardware as it is comes again in another way.  INT n: RIP
 * still points at it, so without its length it is executed once more.  An interrupt
 * with IF clear, which only user space can ask for, waits.
 */
static bool event_comes_again(struct vcpu *vcpu, const struct x86_event *event)
{
	if (unlikely(event->type == X86_EVENT_SOFT_INTERRUPT))
		return !event->insn_len;
	if (event->type != X86_EVENT_INTERRUPT)
		return false;

	x86_need(vcpu, X86_RIP);
	if (likely(vcpu->arch.state.rflags & X86_EFLAGS_IF))
		return false;
	WRITE_ONCE(vcpu->arch.interrupt, event->vector);

	return true;
}

void vtx_x86_inject(struct vcpu *vcpu, const struct x86_event *event)
{
	u32 info = INTR_INFO_VALID_MASK | vtx_event_types[event->type] | event->vector;

	if (event_comes_again(vcpu, event)) {
		vcpu->arch.events.injected.type = X86_EVENT_NONE;
		return;
	}

	x86_need(vcpu, X86_INTR);
	event_unblock(vcpu, event);
	if (event_delivers_error(vcpu, event)) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		vtx_write(VM_ENTRY_EXCEPTION_ERROR_CODE, event->error & ERROR_CODE);
	}
	if (event->type == X86_EVENT_SOFT_INTERRUPT)
		vtx_write(VM_ENTRY_INSTRUCTION_LEN, event->insn_len);
	vtx_write(VM_ENTRY_INTR_INFO_FIELD, info);
}

/* --- what an exit interrupted ---------------------------------------------------- */

/* Exits that can come while an event is delivered; reasons from 64 on are looked at, too. */
#define EXITS_IN_DELIVERY						\
	(BIT_ULL(EXIT_REASON_EXCEPTION_NMI) | BIT_ULL(EXIT_REASON_TASK_SWITCH) |	\
	 BIT_ULL(EXIT_REASON_APIC_ACCESS) | BIT_ULL(EXIT_REASON_EPT_VIOLATION) |	\
	 BIT_ULL(EXIT_REASON_EPT_MISCONFIG) | BIT_ULL(EXIT_REASON_PML_FULL))

/* Exit qualification of an EPT violation and of a full log; see nmi_unblocked_by_iret(). */
#define QUALIFICATION_UNBLOCK_NMI	INTR_INFO_UNBLOCK_NMI

/*
 * IRET ends the blocking of NMIs even if it then faults.  When it is executed again,
 * the guest has to be where it was (SDM, "Resuming Guest Software after Handling an
 * Exception").  Not for a #DF, where the bit is undefined, nor while an event was
 * delivered.
 */
static bool nmi_unblocked_by_iret(struct vcpu *vcpu)
{
	u32 info;

	switch (vcpu->arch.exit.code) {
	case EXIT_REASON_EXCEPTION_NMI:
		info = vtx_read(VM_EXIT_INTR_INFO);
		return (info & INTR_INFO_UNBLOCK_NMI) &&
			(info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_HARD_EXCEPTION &&
			(info & INTR_INFO_VECTOR_MASK) != X86_TRAP_DF;
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_PML_FULL:
		return vtx_read(EXIT_QUALIFICATION) & QUALIFICATION_UNBLOCK_NMI;
	default:
		return false;
	}
}

static void nmi_set_blocked(struct vcpu *vcpu, bool blocked)
{
	x86_need(vcpu, X86_INTR);
	vcpu->arch.state.nmi_blocked = blocked;
	x86_dirty(vcpu, X86_INTR);
}

/*
 * INT n, INT1, INT3 and INTO are not given again: RIP still points at them.
 */
static void event_requeue(struct vcpu *vcpu, u32 info)
{
	struct x86_event event = { .vector = info & VECTORING_INFO_VECTOR_MASK };

	switch (info & VECTORING_INFO_TYPE_MASK) {
	case INTR_TYPE_EXT_INTR:
		event.type = X86_EVENT_INTERRUPT;
		break;
	case INTR_TYPE_NMI_INTR:
		event.type = X86_EVENT_NMI;
		nmi_set_blocked(vcpu, false);
		break;
	case INTR_TYPE_HARD_EXCEPTION:
		event.type = X86_EVENT_EXCEPTION;
		event.has_error = info & VECTORING_INFO_DELIVER_CODE_MASK;
		if (event.has_error)
			event.error = vtx_read(IDT_VECTORING_ERROR_CODE);
		break;
	default:
		return;
	}
	x86_event_requeue(vcpu, &event);
}

/*
 * In a shadow a single step that is pending has to be noted if RFLAGS.TF is set, and
 * an exit for a #DB has taken the note away: vtx_intr_commit() makes it anew.
 */
static void event_shadow_recheck(struct vcpu *vcpu)
{
	x86_need(vcpu, X86_INTR);
	if (vcpu->arch.state.shadow)
		x86_dirty(vcpu, X86_INTR);
}

/*
 * The entry failed: what it was to deliver is still to be delivered.  Only an exit
 * takes it out of the VMCS, and user space may take it back: a new start does it, after
 * somebody has looked for the reason.
 */
static void event_refused(struct vcpu *vcpu)
{
	vtx_owe(vcpu, VTX_OWES_START);
	/* What it would write of virtual interrupts is older than the APIC's page. */
	lapic_retell(vcpu);
	x86_need(vcpu, X86_INTR);
	x86_dirty(vcpu, X86_INTR);
	vcpu->arch.events.check = true;
}

/* The guest may have cleared TF: it is set anew for each entry. */
static void step_go_on(struct vcpu *vcpu)
{
	x86_need(vcpu, X86_RIP);
	x86_dirty(vcpu, X86_RIP);
	event_shadow_recheck(vcpu);
}

static bool exit_is_failed_entry(u32 code)
{
	return code == VTX_EXIT_REFUSED || (code & VMX_EXIT_REASONS_FAILED_VMENTRY);
}

void vtx_event_collect(struct vcpu *vcpu)
{
	u32 code = vcpu->arch.exit.code, info;

	if (unlikely(vcpu->arch.vtx.step))
		step_go_on(vcpu);
	if (likely(code < 64 && !(EXITS_IN_DELIVERY & BIT_ULL(code)))) {
		vcpu->arch.events.injected.type = X86_EVENT_NONE;
		return;
	}
	if (unlikely(exit_is_failed_entry(code))) {
		event_refused(vcpu);
		return;
	}

	vcpu->arch.events.injected.type = X86_EVENT_NONE;
	info = vtx_read(IDT_VECTORING_INFO_FIELD);
	if (unlikely(info & VECTORING_INFO_VALID_MASK))
		event_requeue(vcpu, info);
	else if (unlikely(nmi_unblocked_by_iret(vcpu)))
		nmi_set_blocked(vcpu, true);
	if (code == EXIT_REASON_EXCEPTION_NMI)
		event_shadow_recheck(vcpu);
}

/* --- interruptibility ---------------------------------------------------------------- */

#define PENDING_DEBUG_BS	BIT_ULL(14)

void vtx_intr_fetch(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;
	u32 info = vtx_read(GUEST_INTERRUPTIBILITY_INFO);

	state->shadow = 0;
	if (info & GUEST_INTR_STATE_STI)
		state->shadow |= KVM_X86_SHADOW_INT_STI;
	if (info & GUEST_INTR_STATE_MOV_SS)
		state->shadow |= KVM_X86_SHADOW_INT_MOV_SS;
	state->nmi_blocked = info & GUEST_INTR_STATE_NMI;
}

/*
 * One shadow at a time, and that of STI only with IF.  None while it is us who set TF:
 * the step that would have to be pending then would be reported before an instruction
 * was executed.
 */
static u32 intr_shadow(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	if (vcpu->arch.vtx.step)
		return 0;
	if (state->shadow & KVM_X86_SHADOW_INT_MOV_SS)
		return GUEST_INTR_STATE_MOV_SS;
	if ((state->shadow & KVM_X86_SHADOW_INT_STI) && (state->rflags & X86_EFLAGS_IF))
		return GUEST_INTR_STATE_STI;

	return 0;
}

/*
 * In a shadow, and only there, BS has to be what RFLAGS.TF says; what is injected
 * makes the CPU forget it.
 */
static void pending_debug_commit(struct vcpu *vcpu, bool shadow)
{
	struct x86_state *state = &vcpu->arch.state;
	u64 old = vtx_read(GUEST_PENDING_DBG_EXCEPTIONS), new = old & ~PENDING_DEBUG_BS;

	if (unlikely(shadow && (state->rflags & X86_EFLAGS_TF))) {
		x86_need(vcpu, X86_MISC);
		if (!(state->debugctl & DEBUGCTLMSR_BTF))
			new |= PENDING_DEBUG_BS;
	}
	if (new != old)
		vtx_write(GUEST_PENDING_DBG_EXCEPTIONS, new);
}

void vtx_intr_commit(struct vcpu *vcpu)
{
	u32 info;

	x86_need(vcpu, X86_RIP);
	info = intr_shadow(vcpu);
	pending_debug_commit(vcpu, info);
	if (vcpu->arch.state.nmi_blocked)
		info |= GUEST_INTR_STATE_NMI;
	vtx_write(GUEST_INTERRUPTIBILITY_INFO, info);
}

/* --- windows --------------------------------------------------------------------------- */

static void vtx_interrupt_window(struct vcpu *vcpu, bool on)
{
	vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_INTR_WINDOW_EXITING,
		    on || vcpu->arch.vtx.step_nmi);
}

/*
 * Some CPUs open the NMI window right behind STI, in its shadow, where others take no
 * NMI: so that the guest gets on, the interrupt window is asked for there, which opens
 * one instruction later.  It does not if that instruction is CLI; the NMI then waits
 * for another exit, at the latest for the host's next tick.
 */
static void vtx_nmi_window(struct vcpu *vcpu, bool on)
{
	struct x86_state *state = &vcpu->arch.state;
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	x86_need(vcpu, X86_INTR);
	vtx->step_nmi = on && !state->nmi_blocked && !vcpu->arch.events.injected.type &&
		(state->shadow & KVM_X86_SHADOW_INT_STI);
	vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_NMI_WINDOW_EXITING, on && !vtx->step_nmi);
	vtx_interrupt_window(vcpu, vcpu->arch.events.window_interrupt);
}

void vtx_x86_window(struct vcpu *vcpu, enum x86_window window, bool on)
{
	if (window == X86_WINDOW_INTERRUPT)
		vtx_interrupt_window(vcpu, on);
	else
		vtx_nmi_window(vcpu, on);
}

/* --- debug -------------------------------------------------------------------------------- */

/*
 * Only DR7 is in the VMCS.  As long as the guest has not touched dr0..3 and dr6, and no
 * breakpoint is armed, they stay in the canonical state and MOV DR exits; after that
 * they are in the CPU's registers during each stay, DR6 included, which the host must
 * not find as the guest left it.
 */
void vtx_debug_load(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	if (!vcpu->arch.vtx.debug_live)
		return;
	/* Until the entry, DR7 is the host's: its breakpoints are not at these addresses. */
	if (unlikely(hw_breakpoint_active()))
		set_debugreg(0, 7);
	set_debugreg(state->dr[0], 0);
	set_debugreg(state->dr[1], 1);
	set_debugreg(state->dr[2], 2);
	set_debugreg(state->dr[3], 3);
	set_debugreg(state->dr6, 6);
	vcpu->arch.vtx.debug_loaded = true;
}

void vtx_debug_save(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;

	if (!vcpu->arch.vtx.debug_loaded)
		return;
	vcpu->arch.vtx.debug_loaded = false;
	/* What user space has just set is newer than the CPU. */
	if (!(vcpu->arch.dirty & X86_DEBUG)) {
		get_debugreg(state->dr[0], 0);
		get_debugreg(state->dr[1], 1);
		get_debugreg(state->dr[2], 2);
		get_debugreg(state->dr[3], 3);
		get_debugreg(state->dr6, 6);
	}
	set_debugreg(DR6_RESERVED, 6);
	if (vcpu->arch.vtx.debug_live)
		vtx_owe(vcpu, VTX_OWES_DEBUG);
}

static void debug_set_live(struct vcpu *vcpu, bool live)
{
	vcpu->arch.vtx.debug_live = live;
	vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_MOV_DR_EXITING, !live);
	if (live)
		vtx_owe(vcpu, VTX_OWES_DEBUG);
}

static bool debug_is_armed(const struct x86_state *state)
{
	return state->dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK);
}

void vtx_debug_fetch(struct vcpu *vcpu)
{
	vtx_debug_save(vcpu);
	vcpu->arch.state.dr7 = vtx_read(GUEST_DR7);
}

void vtx_debug_commit(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	vtx_write(GUEST_DR7, state->dr7);
	if (debug_is_armed(state))
		debug_set_live(vcpu, true);
	if (vcpu->arch.vtx.debug_live)
		vtx_owe(vcpu, VTX_OWES_DEBUG);
}

void vtx_debug_put(struct vcpu *vcpu)
{
	if (!vcpu->arch.vtx.debug_live)
		return;
	x86_need(vcpu, X86_DEBUG);
	vtx_debug_save(vcpu);
	if (!debug_is_armed(&vcpu->arch.state))
		debug_set_live(vcpu, false);
}

/*
 * The monitor trap flag exits after one instruction, whatever that does to RFLAGS.
 * Without it TF is set behind the guest's back, as vtx->step says.
 */
void vtx_step_update(struct vcpu *vcpu)
{
	bool step = vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP;

	if (vtx_can(VTX_PRIMARY, CPU_BASED_MONITOR_TRAP_FLAG))
		vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_MONITOR_TRAP_FLAG, step);
	else
		vcpu->arch.vtx.step = step;
}

void vtx_x86_debug_changed(struct vcpu *vcpu)
{
	bool hardware = vcpu->debug_flags & KVM_GUESTDBG_USE_HW_BP;
	bool software = vcpu->debug_flags & KVM_GUESTDBG_USE_SW_BP;

	/* As the guest sees them; what is set behind its back changes. */
	x86_need(vcpu, X86_RIP);
	x86_dirty(vcpu, X86_RIP);
	vtx_exception_exits(vcpu, X86_TRAP_BP, software);
	/* User space's breakpoints sit in the registers: the guest's wait. */
	if (hardware) {
		x86_need(vcpu, X86_DEBUG);
		debug_set_live(vcpu, false);
	}
	vtx_step_update(vcpu);
	event_shadow_recheck(vcpu);
}

/*
 * #DB and #AC: a guest whose handler faults again on delivery never gets to an
 * instruction boundary where an interrupt could end the stay.  #MC is the host's.
 */
void vtx_event_reset(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	vtx->exceptions = BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_MC);
	vtx->step_nmi = false;
	vtx->debug_loaded = false;
	vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_INTR_WINDOW_EXITING, false);
	vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_NMI_WINDOW_EXITING, false);
	debug_set_live(vcpu, false);
	vtx_step_update(vcpu);
}

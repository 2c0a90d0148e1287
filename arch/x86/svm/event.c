// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way into the guest, the windows for those that have to wait,
 * and the debug registers.  What to inject is chosen in arch/x86/events.c.
 *
 * NMIs: this hardware has no bit that says that the guest is in its NMI handler.
 * The handler ends with IRET, which is intercepted; but that exit comes before
 * the IRET has run.  Whoever needs to know when it has (an NMI that waits) steps
 * over it with RFLAGS.TF.  Otherwise the next exit elsewhere tells.
 */
#include <asm/trapnr.h>

#include "svm.h"

static const u32 svm_event_types[] = {
	[X86_EVENT_EXCEPTION]		= SVM_EVTINJ_TYPE_EXEPT,
	[X86_EVENT_NMI]			= SVM_EVTINJ_TYPE_NMI,
	[X86_EVENT_INTERRUPT]		= SVM_EVTINJ_TYPE_INTR,
	[X86_EVENT_SOFT_INTERRUPT]	= SVM_EVTINJ_TYPE_SOFT,
};

void svm_x86_inject(struct vcpu *vcpu, const struct x86_event *event)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;

	control->event_inj = SVM_EVTINJ_VALID | svm_event_types[event->type] | event->vector;
	if (event->has_error) {
		control->event_inj |= SVM_EVTINJ_VALID_ERR;
		control->event_inj_err = event->error;
	}
	if (event->type == X86_EVENT_SOFT_INTERRUPT)
		control->next_rip = vcpu->arch.state.rip + event->insn_len;
	if (event->type == X86_EVENT_NMI) {
		vcpu->arch.state.nmi_blocked = true;
		vcpu->arch.svm.iret_seen = false;
		svm_intercept(vcpu, INTERCEPT_IRET, true);
	}
}

/* INT n, INT3 and INTO are not given again: RIP still points at them. */
static void svm_event_requeue(struct vcpu *vcpu, u32 info)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;
	u8 vector = info & SVM_EXITINTINFO_VEC_MASK;
	struct x86_event event = { .vector = vector };

	switch (info & SVM_EXITINTINFO_TYPE_MASK) {
	case SVM_EXITINTINFO_TYPE_INTR:
		event.type = X86_EVENT_INTERRUPT;
		break;
	case SVM_EXITINTINFO_TYPE_NMI:
		event.type = X86_EVENT_NMI;
		vcpu->arch.state.nmi_blocked = false;
		break;
	case SVM_EXITINTINFO_TYPE_EXEPT:
		if (vector == BP_VECTOR || vector == OF_VECTOR)
			return;
		event.type = X86_EVENT_EXCEPTION;
		event.has_error = info & SVM_EXITINTINFO_VALID_ERR;
		event.error = control->exit_int_info_err;
		break;
	default:
		return;
	}
	x86_event_requeue(vcpu, &event);
}

/*
 * VMRUN was refused: what it was to deliver is still to be delivered, unless user space
 * takes it back.
 */
static void svm_event_refused(struct vcpu *vcpu)
{
	if (vcpu->arch.events.injected.type == X86_EVENT_NMI) {
		vcpu->arch.state.nmi_blocked = false;
		x86_dirty(vcpu, X86_INTR);
	}
	x86_events_recheck(vcpu);
}

/*
 * The exit may have come in the middle of delivering an event; the hardware says
 * which.  A guest that was not entered has interrupted nothing, whatever that says.
 */
void svm_event_collect(struct vcpu *vcpu)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;

	control->event_inj = 0;
	if (unlikely(vcpu->arch.exit.code == (u32)SVM_EXIT_ERR)) {
		svm_event_refused(vcpu);
		return;
	}
	vcpu->arch.events.injected.type = X86_EVENT_NONE;
	if (control->exit_int_info & SVM_EXITINTINFO_VALID)
		svm_event_requeue(vcpu, control->exit_int_info);
}

/* --- interruptibility --------------------------------------------------------- */

/*
 * Whoever writes what blocks NMIs, as user space does, means another state than the one
 * in which an IRET was seen.  If that IRET is next all the same, it exits once more.
 */
void svm_intr_commit(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	vcpu->arch.svm.iret_seen = false;
	svm_vmcb(vcpu)->control.int_state = state->shadow ? SVM_INTERRUPT_SHADOW_MASK : 0;
	svm_intercept(vcpu, INTERCEPT_IRET, state->nmi_blocked);
}

/* --- windows --------------------------------------------------------------- */

/*
 * A virtual interrupt that the guest never sees: it is intercepted the moment it
 * could be taken.
 */
static void svm_interrupt_window(struct vcpu *vcpu, bool on)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;

	svm_intercept(vcpu, INTERCEPT_VINTR, on);
	control->int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
	if (on) {
		control->int_ctl |= V_IRQ_MASK | V_IGN_TPR_MASK | V_INTR_PRIO_MASK;
		control->int_vector = 0;
	}
	svm_changed(vcpu, SVM_CLEAN_INTERRUPT);
}

/*
 * While an NMI handler runs, the intercept of its IRET is window enough.  After
 * that exit, and in an interrupt shadow, one instruction has to pass.
 */
static void svm_nmi_window(struct vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	/* As svm_intr_commit() is about to do. */
	if (vcpu->arch.dirty & X86_INTR)
		svm->iret_seen = false;
	svm->step_nmi = on && (!vcpu->arch.state.nmi_blocked || svm->iret_seen);
	svm_step_update(vcpu);
}

void svm_x86_window(struct vcpu *vcpu, enum x86_window window, bool on)
{
	if (window == X86_WINDOW_INTERRUPT)
		svm_interrupt_window(vcpu, on);
	else
		svm_nmi_window(vcpu, on);
}

int svm_exit_iret(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	svm_intercept(vcpu, INTERCEPT_IRET, false);
	svm->iret_seen = true;
	svm->iret_rip = vcpu->arch.state.rip;
	x86_events_recheck(vcpu);

	return RESUME_GUEST;
}

void svm_nmi_track(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	if (svm->iret_rip == vcpu->arch.state.rip)
		return;
	svm->iret_seen = false;
	vcpu->arch.state.nmi_blocked = false;
	if (vcpu->arch.events.nmi_pending)
		x86_events_recheck(vcpu);
}

/* --- debug ------------------------------------------------------------------ */

void svm_step_update(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	svm->step = svm->step_nmi || (vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP);
}

void svm_debug_load(struct vcpu *vcpu)
{
	const u64 *dr = vcpu->arch.state.dr;

	/* Until the entry, DR7 is the host's: its breakpoints are not at these addresses. */
	if (unlikely(hw_breakpoint_active()))
		set_debugreg(0, 7);
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
	vcpu->arch.svm.debug_loaded = true;
}

/* The guest may have changed them without an exit: take them back. */
void svm_debug_save(struct vcpu *vcpu)
{
	u64 *dr = vcpu->arch.state.dr;

	/* What user space has just set is newer than the CPU. */
	if (!vcpu->arch.svm.debug_loaded || (vcpu->arch.dirty & X86_DEBUG))
		return;
	get_debugreg(dr[0], 0);
	get_debugreg(dr[1], 1);
	get_debugreg(dr[2], 2);
	get_debugreg(dr[3], 3);
}

void svm_x86_debug_changed(struct vcpu *vcpu)
{
	bool hardware = vcpu->debug_flags & KVM_GUESTDBG_USE_HW_BP;
	bool software = vcpu->debug_flags & KVM_GUESTDBG_USE_SW_BP;

	svm_intercept(vcpu, INTERCEPT_EXCEPTION_OFFSET + BP_VECTOR, software);
	/* User space's breakpoints sit in the registers: the guest's wait. */
	if (hardware) {
		x86_need(vcpu, X86_DEBUG);
		vcpu->arch.svm.debug_live = false;
		vcpu->arch.svm.debug_loaded = false;
	}
	svm_vmcb(vcpu)->control.intercepts[INTERCEPT_DR] = vcpu->arch.svm.debug_live ? 0 : ~0u;
	svm_changed(vcpu, SVM_CLEAN_INTERCEPTS);
	svm_step_update(vcpu);
}

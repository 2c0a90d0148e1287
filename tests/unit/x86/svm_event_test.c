// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of SVM against a VMCB that nothing runs: what goes in, what comes again after an
 * exit in the middle of its delivery or after an entry that was refused, and how the end
 * of an NMI handler is found.
 */
#include <stdio.h>
#include <linux/kvm.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/svm.h>
#include <shim.h>
#include "event.h"
#include "tap.h"

#define SVM_SVM_H		/* keeps the real one out */

/* --- what <asm/svm.h> has inside of the kernel ----------------------------------------- */

enum { INTERCEPT_CR, INTERCEPT_DR, INTERCEPT_WORDS = 6 };
enum { INTERCEPT_EXCEPTION_OFFSET = 64, INTERCEPT_VINTR = 100, INTERCEPT_IRET = 116 };

#define V_IRQ_MASK			BIT(8)
#define V_INTR_PRIO_MASK		(0xfUL << 16)
#define V_IGN_TPR_MASK			BIT(20)
#define V_IRQ_INJECTION_BITS_MASK	(V_IRQ_MASK | V_INTR_PRIO_MASK | V_IGN_TPR_MASK)
#define SVM_INTERRUPT_SHADOW_MASK	BIT(0)
#define SVM_EVTINJ_TYPE_INTR		(0 << 8)
#define SVM_EVTINJ_TYPE_NMI		(2 << 8)
#define SVM_EVTINJ_TYPE_EXEPT		(3 << 8)
#define SVM_EVTINJ_TYPE_SOFT		(4 << 8)
#define SVM_EVTINJ_VALID_ERR		0x800
#define SVM_EVTINJ_VALID		0x80000000
#define SVM_EXITINTINFO_VEC_MASK	0xff
#define SVM_EXITINTINFO_TYPE_MASK	0x700
#define SVM_EXITINTINFO_TYPE_INTR	SVM_EVTINJ_TYPE_INTR
#define SVM_EXITINTINFO_TYPE_NMI	SVM_EVTINJ_TYPE_NMI
#define SVM_EXITINTINFO_TYPE_EXEPT	SVM_EVTINJ_TYPE_EXEPT
#define SVM_EXITINTINFO_VALID_ERR	SVM_EVTINJ_VALID_ERR
#define SVM_EXITINTINFO_VALID		SVM_EVTINJ_VALID

struct vmcb_control_area {
	u32	intercepts[INTERCEPT_WORDS];
	u32	event_inj, event_inj_err, exit_int_info, exit_int_info_err;
	u32	int_ctl, int_vector, int_state;
	u64	next_rip;
};

struct vmcb { struct vmcb_control_area control; };

/* --- a vCPU ------------------------------------------------------------------------------- */

enum { X86_INTR = 2, X86_DEBUG = 8 };
enum { SVM_CLEAN_INTERCEPTS, SVM_CLEAN_INTERRUPT };
enum { EXIT_TO_USER, RESUME_GUEST };

struct x86_state {
	u64	rip;
	u64	dr[4];
	u8	shadow;
	bool	nmi_blocked;
};

struct vcpu {
	u32	debug_flags;
	struct {
		struct x86_state state;
		u32		 dirty;
		struct { u32 code; } exit;
		struct {
			struct x86_event injected;
			u8		 nmi_pending;
			bool		 check, window_nmi;
		}		 events;
		struct svm_vcpu {
			struct vmcb	vmcb;
			bool		debug_live, debug_loaded, step, step_nmi, iret_seen;
			u64		iret_rip;
		}		 svm;
	}	arch;
};

static struct vcpu vcpu;
static struct vmcb_control_area *const control = &vcpu.arch.svm.vmcb.control;

static struct vmcb *svm_vmcb(struct vcpu *vcpu) { return &vcpu->arch.svm.vmcb; }
static void svm_changed(struct vcpu *vcpu, u32 clean_bits) { }
static void x86_need(struct vcpu *vcpu, u32 groups) { }
static void x86_dirty(struct vcpu *vcpu, u32 groups) { vcpu->arch.dirty |= groups; }
static void x86_events_recheck(struct vcpu *vcpu) { vcpu->arch.events.check = true; }
static bool hw_breakpoint_active(void) { return false; }
#define set_debugreg(value, number)	((void)(value))
#define get_debugreg(value, number)	((value) = 0)

static void svm_intercept(struct vcpu *vcpu, int bit, bool on)
{
	u32 *word = &svm_vmcb(vcpu)->control.intercepts[bit / 32];

	*word = on ? *word | BIT(bit % 32) : *word & ~BIT(bit % 32);
}

static void x86_event_requeue(struct vcpu *vcpu, const struct x86_event *event)
{
	vcpu->arch.events.injected = *event;
	vcpu->arch.events.check = true;
}

void svm_event_collect(struct vcpu *vcpu);
void svm_step_update(struct vcpu *vcpu);

#include "../../../arch/x86/svm/event.c"

static void setup(void)
{
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.arch.state.rip = 0x1000;
}

/* As commit does it: events, windows, then what is dirty. */
static void commit(void)
{
	bool wait = vcpu.arch.events.nmi_pending;

	vcpu.arch.events.check = false;
	if (vcpu.arch.events.injected.type)
		svm_x86_inject(&vcpu, &vcpu.arch.events.injected);
	if (wait || vcpu.arch.events.window_nmi)
		svm_x86_window(&vcpu, X86_WINDOW_NMI, wait);
	vcpu.arch.events.window_nmi = wait;
	if (vcpu.arch.dirty & X86_INTR)
		svm_intr_commit(&vcpu);
	vcpu.arch.dirty = 0;
}

/* As svm_vcpu_after_enter() does it. */
static void leave(int code, u32 interrupted)
{
	vcpu.arch.exit.code = code;
	control->exit_int_info = interrupted;
	if (vcpu.arch.events.injected.type || interrupted & SVM_EXITINTINFO_VALID)
		svm_event_collect(&vcpu);
	if (vcpu.arch.svm.iret_seen)
		svm_nmi_track(&vcpu);
}

static bool iret_exits(void)
{
	return control->intercepts[INTERCEPT_IRET / 32] & BIT(INTERCEPT_IRET % 32);
}

/* --- what is injected, and what comes again ---------------------------------------------- */

static u32 injected(u8 type, u8 vector, bool has_error)
{
	setup();
	vcpu.arch.events.injected = (struct x86_event) {
		.type = type, .vector = vector, .has_error = has_error, .error = 0x18,
		.insn_len = 2 };
	commit();

	return control->event_inj;
}

static void what_is_injected(void)
{
	tap(injected(X86_EVENT_INTERRUPT, 0x31, false) == 0x80000031, "an interrupt");
	tap(injected(X86_EVENT_NMI, 2, false) == 0x80000202 && vcpu.arch.state.nmi_blocked &&
	    iret_exits(), "an NMI, and the IRET of its handler exits");
	tap(injected(X86_EVENT_EXCEPTION, 13, true) == 0x80000b0d && control->event_inj_err == 0x18,
	    "an exception with an error code");
	tap(injected(X86_EVENT_SOFT_INTERRUPT, 0x80, false) == 0x80000480 &&
	    control->next_rip == 0x1002, "INT n returns behind itself");
}

static bool comes_again(u32 interrupted, u8 type, u8 vector)
{
	injected(X86_EVENT_INTERRUPT, 0x31, false);
	leave(SVM_EXIT_NPF, interrupted);

	return !control->event_inj && vcpu.arch.events.injected.type == type && (!type ||
		(vcpu.arch.events.injected.vector == vector && vcpu.arch.events.check));
}

static void what_an_exit_interrupts(void)
{
	tap(comes_again(0, X86_EVENT_NONE, 0), "an exit says what was delivered");
	tap(comes_again(0x80000031, X86_EVENT_INTERRUPT, 0x31), "and what was not");
	tap(comes_again(0x80000b0d, X86_EVENT_EXCEPTION, 13) &&
	    vcpu.arch.events.injected.has_error, "an exception comes again");
	tap(comes_again(0x80000480, X86_EVENT_NONE, 0) &&
	    comes_again(0x80000303, X86_EVENT_NONE, 0),
	    "what an instruction raised is left to the instruction");
	injected(X86_EVENT_NMI, 2, false);
	leave(SVM_EXIT_NPF, 0x80000202);
	tap(vcpu.arch.events.injected.type == X86_EVENT_NMI && !vcpu.arch.state.nmi_blocked,
	    "an NMI that comes again is not blocked by itself");
}

/* @stale: an exit before said so, or the emulated hardware does. */
static bool survives_refusal(u8 type, u8 vector, bool has_error, u32 stale)
{
	const struct x86_event *event = &vcpu.arch.events.injected;
	u32 given = injected(type, vector, has_error);

	leave(SVM_EXIT_ERR, stale);
	if (event->type != type || event->vector != vector || !vcpu.arch.events.check ||
	    control->event_inj || vcpu.arch.state.nmi_blocked)
		return false;
	commit();

	return control->event_inj == given &&
		vcpu.arch.state.nmi_blocked == (type == X86_EVENT_NMI);
}

static void entry_that_was_refused(void)
{
	tap(survives_refusal(X86_EVENT_INTERRUPT, 0x31, false, 0) &&
	    survives_refusal(X86_EVENT_EXCEPTION, 13, true, 0) &&
	    survives_refusal(X86_EVENT_SOFT_INTERRUPT, 0x80, false, 0),
	    "an entry that was refused has delivered nothing");
	tap(survives_refusal(X86_EVENT_NMI, 2, false, 0) && iret_exits(),
	    "an NMI among that does not block itself");
	tap(survives_refusal(X86_EVENT_INTERRUPT, 0x31, false, 0x80000045) &&
	    survives_refusal(X86_EVENT_NMI, 2, false, 0x80000031) &&
	    survives_refusal(X86_EVENT_EXCEPTION, 13, true, 0x80000303),
	    "and has interrupted nothing");
	setup();
	leave(SVM_EXIT_ERR, 0x80000045);
	tap(!vcpu.arch.events.injected.type, "nor if there was nothing to deliver");

	/* User space takes it back. */
	injected(X86_EVENT_NMI, 2, false);
	leave(SVM_EXIT_ERR, 0);
	vcpu.arch.events.injected.type = X86_EVENT_NONE;
	commit();
	tap(!control->event_inj && !iret_exits(), "what is taken back is not given");
}

/* --- the end of an NMI handler -------------------------------------------------------------- */

/* In its handler, at its IRET; does another one wait? */
static void at_iret(bool wait)
{
	injected(X86_EVENT_NMI, 2, false);
	leave(SVM_EXIT_IRET, 0);
	vcpu.arch.events.nmi_pending = wait;
	svm_exit_iret(&vcpu);
}

static void handler_ends(void)
{
	at_iret(true);
	commit();
	tap(!iret_exits() && vcpu.arch.svm.step && vcpu.arch.state.nmi_blocked,
	    "the guest steps over its IRET");
	leave(SVM_EXIT_NPF, 0);
	tap(vcpu.arch.state.nmi_blocked && vcpu.arch.svm.iret_seen,
	    "an exit at the IRET does not end the handler");
	vcpu.arch.state.rip = 0x2000;
	leave(SVM_EXIT_NPF, 0);
	tap(!vcpu.arch.state.nmi_blocked && !vcpu.arch.svm.iret_seen, "an exit elsewhere does");
}

/* As KVM_SET_VCPU_EVENTS and KVM_SET_REGS do it. */
static void user_sets(u64 rip, bool nmi_blocked)
{
	vcpu.arch.state.rip = rip;
	vcpu.arch.state.nmi_blocked = nmi_blocked;
	x86_dirty(&vcpu, X86_INTR);
	vcpu.arch.events.check = true;
}

static void handler_of_a_snapshot(bool wait)
{
	const char *and = wait ? ", with an NMI that waits" : "";

	at_iret(wait);
	user_sets(0x3000, true);
	commit();
	tap(iret_exits() && !vcpu.arch.svm.step, "another handler's IRET is yet to be seen%s", and);
	vcpu.arch.state.rip = 0x3002;
	leave(SVM_EXIT_NPF, 0);
	tap(vcpu.arch.state.nmi_blocked, "that handler has not ended%s", and);
	svm_exit_iret(&vcpu);
	commit();
	vcpu.arch.state.rip = 0x4000;
	leave(SVM_EXIT_NPF, 0);
	tap(!vcpu.arch.state.nmi_blocked, "until its own IRET%s", and);

	at_iret(wait);
	user_sets(0x1000, true);
	commit();
	tap(iret_exits() && vcpu.arch.state.nmi_blocked, "the same state exits once more%s", and);
	at_iret(wait);
	user_sets(0x3000, false);
	commit();
	tap(!iret_exits() && !vcpu.arch.svm.iret_seen, "outside of a handler nothing exits%s", and);
}

static void shadows(void)
{
	setup();
	vcpu.arch.state.shadow = KVM_X86_SHADOW_INT_STI;
	x86_dirty(&vcpu, X86_INTR);
	vcpu.arch.events.nmi_pending = 1;
	commit();
	tap(control->int_state == 1 && vcpu.arch.svm.step, "an NMI waits for the end of a shadow");
	vcpu.arch.state.shadow = 0;
	x86_dirty(&vcpu, X86_INTR);
	vcpu.arch.events.nmi_pending = 0;
	commit();
	tap(!control->int_state && !vcpu.arch.svm.step, "or no longer");
}

int main(void)
{
	what_is_injected();
	what_an_exit_interrupts();
	entry_that_was_refused();
	handler_ends();
	handler_of_a_snapshot(false);
	handler_of_a_snapshot(true);
	shadows();

	return tap_end();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions, NMIs, interrupts, INIT and SIPI on their way into the guest: what is
 * raised, how faults merge, and which one the next entry delivers.  How hardware
 * is told is the vendor's (inject, window); where interrupts come from is
 * irqchip.c's.
 *
 * An event that was given to the hardware stays in events.injected until the next
 * exit, where the vendor drops it or, if it was not delivered, queues it again.
 */
#include <uapi/asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "x86.h"

#define DR7_GD	BIT(13)

/* --- exceptions ----------------------------------------------------------- */

/* How a second exception, raised while a first is delivered, combines. */
enum exception_class {
	CLASS_BENIGN,
	CLASS_CONTRIBUTORY,
	CLASS_PAGE_FAULT,
	CLASS_DOUBLE_FAULT,
	CLASS_COUNT,
};

enum exception_merge {
	MERGE_SERIAL,		/* the second is delivered, the first comes again */
	MERGE_DOUBLE_FAULT,
	MERGE_TRIPLE_FAULT,
};

/* SDM, "Interrupt and Exception Classes"; APM, "#DF Double-Fault Exception". */
static const u8 exception_classes[32] = {
	[X86_TRAP_DE] = CLASS_CONTRIBUTORY,
	[X86_TRAP_TS] = CLASS_CONTRIBUTORY,
	[X86_TRAP_NP] = CLASS_CONTRIBUTORY,
	[X86_TRAP_SS] = CLASS_CONTRIBUTORY,
	[X86_TRAP_GP] = CLASS_CONTRIBUTORY,
	[X86_TRAP_CP] = CLASS_CONTRIBUTORY,
	[X86_TRAP_PF] = CLASS_PAGE_FAULT,
	[X86_TRAP_DF] = CLASS_DOUBLE_FAULT,
};

static const u8 exception_merges[CLASS_COUNT][CLASS_COUNT] = {
	[CLASS_CONTRIBUTORY] = {
		[CLASS_CONTRIBUTORY]	= MERGE_DOUBLE_FAULT,
	},
	[CLASS_PAGE_FAULT] = {
		[CLASS_CONTRIBUTORY]	= MERGE_DOUBLE_FAULT,
		[CLASS_PAGE_FAULT]	= MERGE_DOUBLE_FAULT,
	},
	[CLASS_DOUBLE_FAULT] = {
		[CLASS_CONTRIBUTORY]	= MERGE_TRIPLE_FAULT,
		[CLASS_PAGE_FAULT]	= MERGE_TRIPLE_FAULT,
		[CLASS_DOUBLE_FAULT]	= MERGE_TRIPLE_FAULT,
	},
};

static enum exception_merge exception_merge(u8 first, u8 second)
{
	return exception_merges[exception_classes[first & 31]][exception_classes[second & 31]];
}

static void events_triple_fault(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;

	events->injected.type = X86_EVENT_NONE;
	events->exception.type = X86_EVENT_NONE;
	events->triple_fault = true;
	vcpu_request(vcpu, REQ_TRIPLE_FAULT);
}

/*
 * An exception was raised while something else than an exception was delivered:
 * it goes first, and the other has to wait its turn again.  INT n is executed
 * again by itself.
 */
static void events_defer_injected(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;

	if (events->injected.type == X86_EVENT_INTERRUPT)
		WRITE_ONCE(vcpu->arch.interrupt, events->injected.vector);
	else if (events->injected.type == X86_EVENT_NMI && events->nmi_pending < 2)
		events->nmi_pending++;
	events->injected.type = X86_EVENT_NONE;
}

static void exception_raise(struct vcpu *vcpu, struct x86_event new, bool has_payload,
			    u64 payload)
{
	struct x86_events *events = &vcpu->arch.events;
	const struct x86_event *first = NULL;

	if (events->exception.type)
		first = &events->exception;
	else if (events->injected.type == X86_EVENT_EXCEPTION)
		first = &events->injected;

	switch (first ? exception_merge(first->vector, new.vector) : MERGE_SERIAL) {
	case MERGE_TRIPLE_FAULT:
		events_triple_fault(vcpu);
		return;
	case MERGE_DOUBLE_FAULT:
		new = (struct x86_event) { .vector = X86_TRAP_DF, .has_error = true };
		has_payload = false;
		break;
	case MERGE_SERIAL:
		break;
	}

	new.type = X86_EVENT_EXCEPTION;
	/* There are no error codes in real mode. */
	new.has_error = new.has_error && x86_protected_mode(vcpu);
	if (first == &events->injected)
		events->injected.type = X86_EVENT_NONE;
	else if (events->injected.type)
		events_defer_injected(vcpu);
	events->exception = new;
	events->has_payload = has_payload;
	events->exception_payload = payload;
	events->check = true;
}

void x86_queue_exception(struct vcpu *vcpu, u8 vector)
{
	exception_raise(vcpu, (struct x86_event) { .vector = vector }, false, 0);
}

void x86_queue_exception_error(struct vcpu *vcpu, u8 vector, u32 error)
{
	struct x86_event event = { .vector = vector, .has_error = true, .error = error };

	exception_raise(vcpu, event, false, 0);
}

void x86_queue_page_fault(struct vcpu *vcpu, gva_t address, u32 error)
{
	struct x86_event event = { .vector = X86_TRAP_PF, .has_error = true, .error = error };

	exception_raise(vcpu, event, true, address);
}

void x86_queue_debug(struct vcpu *vcpu, u64 dr6)
{
	exception_raise(vcpu, (struct x86_event) { .vector = X86_TRAP_DB }, true, dr6);
}

int x86_inject_gp(struct vcpu *vcpu, u32 error)
{
	x86_queue_exception_error(vcpu, X86_TRAP_GP, error);

	return RESUME_GUEST;
}

int x86_inject_ud(struct vcpu *vcpu)
{
	x86_queue_exception(vcpu, X86_TRAP_UD);

	return RESUME_GUEST;
}

/* A fault restarts the instruction; #DB, #BP and #OF are reported after it. */
static bool exception_is_fault(u8 vector)
{
	switch (vector) {
	case X86_TRAP_DB:
	case X86_TRAP_BP:
	case X86_TRAP_OF:
	case X86_TRAP_DF:
	case X86_TRAP_MC:
		return false;
	default:
		return true;
	}
}

/* What delivery changes beside the stack; the hardware does not when injecting. */
static void exception_deliver_payload(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;
	struct x86_state *state = &vcpu->arch.state;

	if (!events->has_payload)
		return;
	events->has_payload = false;

	if (events->exception.vector == X86_TRAP_PF) {
		state->cr2 = events->exception_payload;
		x86_dirty(vcpu, X86_CR2);
	} else if (events->exception.vector == X86_TRAP_DB) {
		x86_need(vcpu, X86_DEBUG);
		state->dr6 = (state->dr6 & ~(u64)DR_TRAP_BITS) | events->exception_payload;
		state->dr7 &= ~(u64)DR7_GD;
		x86_dirty(vcpu, X86_DEBUG);
	}
}

/* From raised to on its way. */
static void exception_deliver(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;
	struct x86_state *state = &vcpu->arch.state;

	exception_deliver_payload(vcpu);
	x86_need(vcpu, X86_RIP);
	if (exception_is_fault(events->exception.vector))
		state->rflags |= X86_EFLAGS_RF;
	/* A trap of user space's debugger: the instruction is over. */
	state->rip += events->exception.insn_len;
	x86_dirty(vcpu, X86_RIP);
	events->injected = events->exception;
	events->exception.type = X86_EVENT_NONE;
	vcpu->arch.stats.exceptions++;
}

/* --- NMI, interrupts --------------------------------------------------------- */

/* The CPU latches one NMI while another is handled. */
void x86_queue_nmi(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;
	u8 limit;

	x86_need(vcpu, X86_INTR);
	limit = vcpu->arch.state.nmi_blocked || events->injected.type == X86_EVENT_NMI ? 1 : 2;
	if (events->nmi_pending < limit)
		WRITE_ONCE(events->nmi_pending, events->nmi_pending + 1);
	events->check = true;
}

void x86_event_requeue(struct vcpu *vcpu, const struct x86_event *event)
{
	vcpu->arch.events.injected = *event;
	vcpu->arch.events.check = true;
}

static bool events_free(struct vcpu *vcpu)
{
	return !vcpu->arch.events.injected.type && !vcpu->arch.events.exception.type;
}

bool x86_interrupt_allowed(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_RIP | X86_INTR);
	return (state->rflags & X86_EFLAGS_IF) && !state->shadow && events_free(vcpu);
}

bool x86_nmi_allowed(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_INTR);
	return !state->nmi_blocked && !state->shadow && events_free(vcpu);
}

/* A vector, or -1; @accept: it is on its way now. */
static int events_interrupt(struct vcpu *vcpu, bool accept)
{
	int vector = vcpu->arch.interrupt;

	if (vector >= 0) {
		if (accept)
			WRITE_ONCE(vcpu->arch.interrupt, -1);
		return vector;
	}
	if (!vcpu->arch.lapic)
		return -1;

	return x86_interrupt(vcpu, accept);
}

/* --- before entry --------------------------------------------------------------- */

static void events_choose(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;
	bool quiet = vcpu->debug_flags & KVM_GUESTDBG_BLOCKIRQ;
	int vector;

	if (events->injected.type) {
		/* Again. */
	} else if (events->exception.type) {
		exception_deliver(vcpu);
	} else if (events->nmi_pending && !quiet && x86_nmi_allowed(vcpu)) {
		WRITE_ONCE(events->nmi_pending, events->nmi_pending - 1);
		events->injected = (struct x86_event) {
			.type = X86_EVENT_NMI, .vector = X86_TRAP_NMI };
		vcpu->arch.stats.nmis++;
	} else if (!quiet && x86_interrupt_allowed(vcpu)) {
		vector = events_interrupt(vcpu, true);
		if (vector < 0)
			return;
		events->injected = (struct x86_event) {
			.type = X86_EVENT_INTERRUPT, .vector = vector };
		vcpu->stats.injected++;
	}

	if (events->injected.type)
		x86_op(inject)(vcpu, &events->injected);
}

/* Whatever has to wait wants an exit when it no longer has to. */
static void events_open_windows(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;
	bool quiet = vcpu->debug_flags & KVM_GUESTDBG_BLOCKIRQ;
	bool nmi = events->nmi_pending && !quiet;
	bool interrupt = events->user_window ||
		(!quiet && events_interrupt(vcpu, false) >= 0);

	/* Told each time: how the window is made depends on what blocks NMIs now. */
	if (nmi || events->window_nmi)
		x86_op(window)(vcpu, X86_WINDOW_NMI, nmi);
	events->window_nmi = nmi;

	if (interrupt != events->window_interrupt) {
		x86_op(window)(vcpu, X86_WINDOW_INTERRUPT, interrupt);
		vcpu->arch.stats.interrupt_windows += interrupt;
	}
	events->window_interrupt = interrupt;
}

int x86_events_commit_slow(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;

	/* See vcpu_wait() in vcpu.c. */
	if (READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_RUNNABLE)
		return -EAGAIN;

	events_choose(vcpu);
	events_open_windows(vcpu);
	/*
	 * As long as something waits, every entry looks.  What is under way does not:
	 * the entry that now follows delivers it, or the exit says otherwise
	 * (x86_event_requeue()).
	 */
	events->check = events->exception.type || events->window_nmi || events->window_interrupt;

	return 0;
}

/*
 * With the PIC in user space, it is user space that has to hear when an interrupt
 * can be taken.
 */
int x86_events_user_window(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;

	if (likely(vcpu->vm->arch.pic))
		return RESUME_GUEST;

	events->user_window = READ_ONCE(vcpu->run->request_interrupt_window) &&
		vcpu->arch.interrupt < 0 &&
		(!vcpu->arch.lapic || lapic_accepts_pic(vcpu));
	if (!events->user_window)
		return RESUME_GUEST;
	if (x86_interrupt_allowed(vcpu)) {
		events->user_window = false;
		return vcpu_exit(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	}
	events->check = true;

	return RESUME_GUEST;
}

void x86_events_retell(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;

	events->window_interrupt = false;
	events->window_nmi = false;
	events->check = true;
}

/* --- INIT and SIPI ------------------------------------------------------------------ */

void x86_events_reset(struct vcpu *vcpu, bool init)
{
	struct x86_events *events = &vcpu->arch.events;

	events->injected.type = X86_EVENT_NONE;
	events->exception.type = X86_EVENT_NONE;
	events->has_payload = false;
	events->nmi_pending = 0;
	events->triple_fault = false;
	events->user_window = false;
	events->pv_unhalted = false;
	vcpu->arch.interrupt = -1;
	/* A SIPI may have followed the INIT already. */
	if (!init)
		events->init_sipi = 0;
	/* Windows that are open have to be closed. */
	events->check = true;
}

/* A start-up IPI names the page, below 1 MiB, where real mode begins. */
static void events_start(struct vcpu *vcpu, u8 vector)
{
	struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_SEGS | X86_RIP);
	state->seg[X86_CS].selector = vector << 8;
	state->seg[X86_CS].base = vector << 12;
	state->rip = 0;
	x86_dirty(vcpu, X86_SEGS | X86_RIP);
	x86_set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
}

int x86_events_init_sipi(struct vcpu *vcpu)
{
	struct x86_events *events = &vcpu->arch.events;

	if (test_and_clear_bit(X86_INIT_PENDING, &events->init_sipi)) {
		x86_vcpu_reset(vcpu, true);
		x86_set_mp_state(vcpu, vcpu->arch.apic_base & MSR_IA32_APICBASE_BSP ?
				 KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED);
	}
	/* Only a CPU that waits for it takes a SIPI; others lose it. */
	if (test_and_clear_bit(X86_SIPI_PENDING, &events->init_sipi) &&
	    READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_INIT_RECEIVED)
		events_start(vcpu, READ_ONCE(events->sipi_vector));

	return RESUME_GUEST;
}

/* --- user space's debugger ------------------------------------------------------------ */

int x86_events_step(struct vcpu *vcpu, bool guest)
{
	struct kvm_debug_exit_arch *debug = &vcpu->run->debug.arch;

	if (vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP) {
		x86_need(vcpu, X86_DEBUG);
		memset(debug, 0, sizeof(*debug));
		debug->exception = X86_TRAP_DB;
		debug->pc = x86_linear_rip(vcpu);
		debug->dr6 = DR6_RESERVED | DR_STEP;
		debug->dr7 = vcpu->arch.state.dr7;
		return vcpu_exit(vcpu, KVM_EXIT_DEBUG);
	}
	if (guest)
		x86_queue_debug(vcpu, DR_STEP);

	return RESUME_GUEST;
}

int x86_ioctl_set_guest_debug(struct vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	const u32 inject = KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP;
	struct x86_event event = { .vector = X86_TRAP_DB };

	if (debug->control & ~X86_GUESTDBG_OFFERED)
		return -EINVAL;
	if ((debug->control & inject) && !events_free(vcpu))
		return -EBUSY;

	if (debug->control & inject) {
		if (debug->control & KVM_GUESTDBG_INJECT_BP)
			event = (struct x86_event) { .vector = X86_TRAP_BP, .insn_len = 1 };
		exception_raise(vcpu, event, false, 0);
	}
	vcpu->debug_flags = debug->control & KVM_GUESTDBG_ENABLE ? debug->control & ~inject : 0;
	/* BLOCKIRQ may have held something back, or is to do so. */
	vcpu->arch.events.check = true;
	lapic_retell(vcpu);
	x86_op(debug_changed)(vcpu);

	return 0;
}

/* --- as user space sees them -------------------------------------------------------------- */

#define EVENTS_FLAGS	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
			 KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM)

int x86_ioctl_get_vcpu_events(struct vcpu *vcpu, struct kvm_vcpu_events *out)
{
	struct x86_events *events = &vcpu->arch.events;

	if (vcpu_take_request(vcpu, REQ_NMI))
		x86_queue_nmi(vcpu);
	/* User space knows no payloads: CR2 and DR6 change now. */
	if (events->exception.type && !events->injected.type)
		exception_deliver(vcpu);
	events->check = true;

	memset(out, 0, sizeof(*out));
	x86_need(vcpu, X86_INTR);
	switch (events->injected.type) {
	case X86_EVENT_EXCEPTION:
		out->exception.injected = 1;
		out->exception.nr = events->injected.vector;
		out->exception.has_error_code = events->injected.has_error;
		out->exception.error_code = events->injected.error;
		break;
	case X86_EVENT_NMI:
		out->nmi.injected = 1;
		break;
	case X86_EVENT_INTERRUPT:
		out->interrupt.injected = 1;
		out->interrupt.nr = events->injected.vector;
		break;
	}
	if (!out->interrupt.injected && vcpu->arch.interrupt >= 0) {
		out->interrupt.injected = 1;
		out->interrupt.nr = vcpu->arch.interrupt;
	}
	out->interrupt.shadow = vcpu->arch.state.shadow;
	out->nmi.pending = events->nmi_pending;
	out->nmi.masked = vcpu->arch.state.nmi_blocked;
	out->smi.latched_init = test_bit(X86_INIT_PENDING, &events->init_sipi);
	out->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;

	return 0;
}

static bool vcpu_events_valid(const struct kvm_vcpu_events *in)
{
	if (in->flags & ~EVENTS_FLAGS)
		return false;
	if (in->exception.injected &&
	    (in->exception.nr > 31 || in->exception.nr == X86_TRAP_NMI))
		return false;
	if ((in->flags & KVM_VCPUEVENT_VALID_SHADOW) &&
	    in->interrupt.shadow & ~(KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI))
		return false;
	if ((in->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR) && in->sipi_vector > 0xff)
		return false;
	/* There is no system management mode to be in. */
	if ((in->flags & KVM_VCPUEVENT_VALID_SMM) &&
	    (in->smi.smm || in->smi.pending || in->smi.smm_inside_nmi))
		return false;

	return true;
}

/* One event at a time can be on its way; what comes second waits. */
static void vcpu_events_inject(struct vcpu *vcpu, const struct kvm_vcpu_events *in)
{
	struct x86_events *events = &vcpu->arch.events;

	events->injected = (struct x86_event) { .type = X86_EVENT_NONE };
	events->exception.type = X86_EVENT_NONE;
	events->has_payload = false;
	vcpu->arch.interrupt = -1;

	if (in->interrupt.injected)
		events->injected = (struct x86_event) {
			.type = in->interrupt.soft ? X86_EVENT_SOFT_INTERRUPT :
						     X86_EVENT_INTERRUPT,
			.vector = in->interrupt.nr,
		};
	if (in->nmi.injected) {
		events_defer_injected(vcpu);
		events->injected = (struct x86_event) {
			.type = X86_EVENT_NMI, .vector = X86_TRAP_NMI };
	}
	if (in->exception.injected) {
		events_defer_injected(vcpu);
		events->injected = (struct x86_event) {
			.type = X86_EVENT_EXCEPTION,
			.vector = in->exception.nr,
			.has_error = in->exception.has_error_code,
			.error = in->exception.error_code,
		};
	}
}

int x86_ioctl_set_vcpu_events(struct vcpu *vcpu, const struct kvm_vcpu_events *in)
{
	struct x86_events *events = &vcpu->arch.events;

	if (!vcpu_events_valid(in))
		return -EINVAL;

	x86_need(vcpu, X86_INTR);
	if (in->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		events->nmi_pending = min_t(u8, in->nmi.pending, 2);
	vcpu_events_inject(vcpu, in);
	if (in->flags & KVM_VCPUEVENT_VALID_SHADOW)
		vcpu->arch.state.shadow = in->interrupt.shadow;
	vcpu->arch.state.nmi_blocked = in->nmi.masked;
	x86_dirty(vcpu, X86_INTR);
	if (vcpu->arch.lapic && (in->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR))
		events->sipi_vector = in->sipi_vector;
	if (vcpu->arch.lapic && (in->flags & KVM_VCPUEVENT_VALID_SMM)) {
		if (in->smi.latched_init)
			set_bit(X86_INIT_PENDING, &events->init_sipi);
		else
			clear_bit(X86_INIT_PENDING, &events->init_sipi);
	}
	if (events->init_sipi)
		vcpu_request(vcpu, REQ_INIT_SIPI);
	events->check = true;

	return 0;
}

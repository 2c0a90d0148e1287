// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of VT-x against a VMCS that is an array: what goes in has to pass the checks of
 * VM entry, written down here once more from the SDM, in every combination of event,
 * shadow and flags; and what an exit interrupted has to come again.
 */
#include <stdio.h>
#include <linux/kvm.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>
#include <shim.h>
#include "event.h"
#include "tap.h"

#define VTX_VTX_H		/* keeps the real one out */
#define WRITE_ONCE(x, value)	((x) = (value))
#define GENMASK(h, l)		GENMASK_ULL(h, l)
#define DEBUGCTLMSR_BTF		BIT(1)

/* --- what <asm/vmx.h> has inside of the kernel ----------------------------------------- */

enum vmcs_field {
	VM_ENTRY_INTR_INFO_FIELD, VM_ENTRY_EXCEPTION_ERROR_CODE, VM_ENTRY_INSTRUCTION_LEN,
	VM_EXIT_INTR_INFO, IDT_VECTORING_INFO_FIELD, IDT_VECTORING_ERROR_CODE,
	EXIT_QUALIFICATION, GUEST_INTERRUPTIBILITY_INFO, GUEST_PENDING_DBG_EXCEPTIONS, GUEST_DR7,
	FIELDS,
};

#define INTR_INFO_VECTOR_MASK		0xff
#define INTR_INFO_INTR_TYPE_MASK	0x700
#define INTR_INFO_DELIVER_CODE_MASK	0x800
#define INTR_INFO_UNBLOCK_NMI		0x1000
#define INTR_INFO_VALID_MASK		0x80000000
#define VECTORING_INFO_VECTOR_MASK	INTR_INFO_VECTOR_MASK
#define VECTORING_INFO_TYPE_MASK	INTR_INFO_INTR_TYPE_MASK
#define VECTORING_INFO_DELIVER_CODE_MASK INTR_INFO_DELIVER_CODE_MASK
#define VECTORING_INFO_VALID_MASK	INTR_INFO_VALID_MASK
#define INTR_TYPE_EXT_INTR		(0 << 8)
#define INTR_TYPE_NMI_INTR		(2 << 8)
#define INTR_TYPE_HARD_EXCEPTION	(3 << 8)
#define INTR_TYPE_SOFT_INTR		(4 << 8)
#define INTR_TYPE_SOFT_EXCEPTION	(6 << 8)
#define GUEST_INTR_STATE_STI		1
#define GUEST_INTR_STATE_MOV_SS		2
#define GUEST_INTR_STATE_NMI		8
#define CPU_BASED_INTR_WINDOW_EXITING	BIT(2)
#define CPU_BASED_NMI_WINDOW_EXITING	BIT(22)
#define CPU_BASED_MOV_DR_EXITING	BIT(23)
#define CPU_BASED_MONITOR_TRAP_FLAG	BIT(27)

/* --- a vCPU, and a VMCS that can be looked into ------------------------------------------ */

enum { X86_RIP = 1, X86_INTR = 2, X86_MISC = 4, X86_DEBUG = 8, X86_CRS = 16, X86_ALL = 31 };
enum vtx_control { VTX_PRIMARY };
enum { VTX_OWES_DEBUG = 3, VTX_OWES_START };
#define VTX_EXIT_REFUSED	0xffff

struct x86_state {
	u64	rflags, debugctl;
	u64	dr[4], dr6, dr7;
	u8	shadow;
	bool	nmi_blocked;
};

struct vcpu {
	u32	debug_flags;
	struct {
		struct x86_state state;
		u32		 valid, dirty;
		struct { u32 code; } exit;
		struct {
			struct x86_event injected;
			bool		 check, window_interrupt;
		}		 events;
		int		 interrupt;
		bool		 protected_mode;
		struct vtx_vcpu {
			u32	control, owed, exceptions;
			bool	step, step_nmi, debug_live, debug_loaded;
		}		 vtx;
	}	arch;
};

static struct { u64 basic; } vtx_caps;
static bool has_trap_flag, host_breakpoint;
static u64 vmcs[FIELDS], cpu_dr[8];

static u64 vtx_read(enum vmcs_field field) { return vmcs[field]; }
static void vtx_write(enum vmcs_field field, u64 value) { vmcs[field] = value; }
static bool vtx_can(enum vtx_control control, u32 bit) { return has_trap_flag; }
static bool hw_breakpoint_active(void) { return host_breakpoint; }
#define set_debugreg(value, number)	(cpu_dr[number] = (value))
#define get_debugreg(value, number)	((value) = cpu_dr[number])

static void vtx_owe(struct vcpu *vcpu, int what)
{
	vcpu->arch.vtx.owed |= BIT(what);
}

static void vtx_control(struct vcpu *vcpu, enum vtx_control control, u32 bit, bool on)
{
	vcpu->arch.vtx.control = on ? vcpu->arch.vtx.control | bit :
				      vcpu->arch.vtx.control & ~bit;
}

static void vtx_exception_exits(struct vcpu *vcpu, u8 vector, bool on)
{
	vcpu->arch.vtx.exceptions = on ? vcpu->arch.vtx.exceptions | BIT(vector) :
					 vcpu->arch.vtx.exceptions & ~BIT(vector);
}

void vtx_intr_fetch(struct vcpu *vcpu);
void vtx_debug_fetch(struct vcpu *vcpu);
void vtx_step_update(struct vcpu *vcpu);

static void x86_need(struct vcpu *vcpu, u32 groups)
{
	u32 missing = groups & ~vcpu->arch.valid;

	if (missing & X86_INTR)
		vtx_intr_fetch(vcpu);
	if (missing & X86_DEBUG)
		vtx_debug_fetch(vcpu);
	vcpu->arch.valid |= groups;
}

static void x86_dirty(struct vcpu *vcpu, u32 groups)
{
	vcpu->arch.valid |= groups;
	vcpu->arch.dirty |= groups;
}

static void x86_event_requeue(struct vcpu *vcpu, const struct x86_event *event)
{
	vcpu->arch.events.injected = *event;
	vcpu->arch.events.check = true;
}

static int apic_retold;

static void lapic_retell(struct vcpu *vcpu)
{
	apic_retold++;
}

static bool x86_protected_mode(struct vcpu *vcpu)
{
	return vcpu->arch.protected_mode;
}

#include "../../../arch/x86/vtx/event.c"

static struct vcpu vcpu;

static void setup(void)
{
	memset(&vcpu, 0, sizeof(vcpu));
	memset(vmcs, 0, sizeof(vmcs));
	memset(cpu_dr, 0, sizeof(cpu_dr));
	apic_retold = 0;
	vtx_caps.basic = 0;
	has_trap_flag = false;
	host_breakpoint = false;
	vcpu.arch.valid = X86_ALL;
	vcpu.arch.interrupt = -1;
	vcpu.arch.protected_mode = true;
	vcpu.arch.state.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	vtx_event_reset(&vcpu);
}

/* As commit does it: events, then what is dirty. */
static void commit(void)
{
	if (vcpu.arch.events.injected.type)
		vtx_x86_inject(&vcpu, &vcpu.arch.events.injected);
	if (vcpu.arch.dirty & X86_INTR)
		vtx_intr_commit(&vcpu);
	vcpu.arch.dirty = 0;
}

/* As an exit does it; the CPU has dropped what it was given. */
static void leave(u32 reason)
{
	vmcs[VM_ENTRY_INTR_INFO_FIELD] &= ~(u64)INTR_INFO_VALID_MASK;
	vcpu.arch.exit.code = reason;
	vcpu.arch.valid = X86_RIP | X86_MISC;
	vtx_event_collect(&vcpu);
}

/* --- the checks of VM entry ----------------------------------------------------------------- */

static u64 entry_rflags(void)
{
	return vcpu.arch.state.rflags | (vcpu.arch.vtx.step ? X86_EFLAGS_TF : 0);
}

/* "VM-Entry Control Fields". */
static const char *control_rule(void)
{
	u32 info = vmcs[VM_ENTRY_INTR_INFO_FIELD];
	u8 type = (info >> 8) & 7, vector = info & 0xff;
	bool error = info & BIT(11);
	bool wants = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;

	if (!(info & BIT(31)))
		return NULL;
	if (type == 1 || type == 7)
		return "type";
	if ((type == 2 && vector != 2) || (type == 3 && vector > 31))
		return "vector";
	if (error && (type != 3 || !vcpu.arch.protected_mode))
		return "error code";
	if (!(vtx_caps.basic & BIT_ULL(56)) && vcpu.arch.protected_mode && type == 3 && error != wants)
		return "error code of the vector";
	if (info & 0x7ffff000)
		return "reserved";
	if (error && vmcs[VM_ENTRY_EXCEPTION_ERROR_CODE] >> 15)
		return "error code bits";
	if (type >= 4 && (!vmcs[VM_ENTRY_INSTRUCTION_LEN] || vmcs[VM_ENTRY_INSTRUCTION_LEN] > 15))
		return "length";

	return NULL;
}

/* "Checks on Guest RIP, RFLAGS, and SSP", "Checks on Guest Non-Register State". */
static const char *guest_rule(void)
{
	u32 info = vmcs[VM_ENTRY_INTR_INFO_FIELD], intr = vmcs[GUEST_INTERRUPTIBILITY_INFO];
	bool valid = info & BIT(31), tf = entry_rflags() & X86_EFLAGS_TF;
	bool bs = vmcs[GUEST_PENDING_DBG_EXCEPTIONS] & BIT(14);
	u8 type = (info >> 8) & 7;

	if (valid && type == 0 && !(entry_rflags() & X86_EFLAGS_IF))
		return "interrupt without IF";
	if (intr & ~0xfu || (intr & 3) == 3)
		return "two shadows";
	if ((intr & 1) && !(entry_rflags() & X86_EFLAGS_IF))
		return "STI without IF";
	if (valid && type == 0 && (intr & 3))
		return "interrupt in a shadow";
	if (valid && type == 2 && (intr & (1 | 2 | 8)))
		return "NMI where NMIs are blocked";
	if (vmcs[GUEST_PENDING_DBG_EXCEPTIONS] & ~0x500fULL)
		return "pending debug bits";
	if ((intr & 3) && bs != (tf && !(vcpu.arch.state.debugctl & DEBUGCTLMSR_BTF)))
		return "BS";

	return NULL;
}

static const char *entry_rule(void)
{
	return control_rule() ?: guest_rule();
}

/* --- cases ------------------------------------------------------------------------------------ */

/* Anything that user space can set. */
static void combination(unsigned int n, const struct x86_event *event)
{
	struct x86_state *state = &vcpu.arch.state;

	setup();
	state->shadow = n & 3;
	state->nmi_blocked = n & 4;
	state->rflags = X86_EFLAGS_FIXED | (n & 8 ? X86_EFLAGS_IF : 0) | (n & 16 ? X86_EFLAGS_TF : 0);
	state->debugctl = n & 32 ? DEBUGCTLMSR_BTF : 0;
	vcpu.arch.protected_mode = n & 64;
	vtx_caps.basic = n & 128 ? BIT_ULL(56) : 0;
	vmcs[GUEST_PENDING_DBG_EXCEPTIONS] = n & 256 ? PENDING_DEBUG_BS : 0;
	vcpu.debug_flags = n & 512 ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0;
	vtx_x86_debug_changed(&vcpu);
	x86_dirty(&vcpu, X86_INTR);
	vcpu.arch.events.injected = *event;
	commit();
}

static void every_combination(void)
{
	struct x86_event event = { };
	unsigned int n, vector, bad = 0, count = 0;
	const char *rule;

	for (n = 0; n < 1024; n++) {
		for (event.type = X86_EVENT_NONE; event.type <= X86_EVENT_SOFT_INTERRUPT; event.type++) {
			for (vector = 0; vector < (event.type == X86_EVENT_EXCEPTION ? 64 : 4); vector++) {
				event.vector = event.type == X86_EVENT_NMI ? X86_TRAP_NMI :
					       event.type == X86_EVENT_EXCEPTION ? vector & 31 :
					       0x20 + vector;
				event.has_error = vector & 32;
				event.error = 0xffffffff;
				event.insn_len = vector & 2;
				combination(n, &event);
				count++;
				rule = entry_rule();
				if (rule && bad++ < 10)
					printf("# %x type %d vector %d: %s\n", n, event.type,
					       event.vector, rule);
			}
		}
	}
	tap(!bad, "%u combinations pass the checks of VM entry", count);
}

static u32 injected(u8 type, u8 vector, bool has_error)
{
	setup();
	vcpu.arch.events.injected = (struct x86_event) {
		.type = type, .vector = vector, .has_error = has_error, .error = 0x18 };
	commit();

	return vmcs[VM_ENTRY_INTR_INFO_FIELD];
}

static void what_is_injected(void)
{
	tap(injected(X86_EVENT_INTERRUPT, 0x31, false) == 0x80000031, "an interrupt");
	tap(injected(X86_EVENT_NMI, 2, false) == 0x80000202, "an NMI");
	tap(injected(X86_EVENT_EXCEPTION, 6, false) == 0x80000306, "an exception");
	tap(injected(X86_EVENT_EXCEPTION, 13, true) == 0x80000b0d &&
	    vmcs[VM_ENTRY_EXCEPTION_ERROR_CODE] == 0x18, "an exception with an error code");
	tap(injected(X86_EVENT_EXCEPTION, 3, false) == 0x80000303, "a breakpoint that is over");
	tap(injected(X86_EVENT_SOFT_INTERRUPT, 0x80, false) == 0 &&
	    !vcpu.arch.events.injected.type, "INT n is executed again");
}

static void interrupt_without_if(void)
{
	setup();
	vcpu.arch.state.rflags = X86_EFLAGS_FIXED;
	vcpu.arch.events.injected = (struct x86_event) {
		.type = X86_EVENT_INTERRUPT, .vector = 0x31 };
	commit();
	tap(!vmcs[VM_ENTRY_INTR_INFO_FIELD] && vcpu.arch.interrupt == 0x31,
	    "an interrupt waits for IF");
}

static bool collects(u32 reason, u32 info, u8 type, u8 vector)
{
	vcpu.arch.events.injected.type = X86_EVENT_INTERRUPT;
	vmcs[IDT_VECTORING_INFO_FIELD] = info;
	leave(reason);

	return vcpu.arch.events.injected.type == type && (!type ||
		(vcpu.arch.events.injected.vector == vector && vcpu.arch.events.check));
}

static void what_an_exit_interrupts(void)
{
	setup();
	tap(collects(EXIT_REASON_EPT_VIOLATION, 0x80000031, X86_EVENT_INTERRUPT, 0x31),
	    "an interrupt comes again");
	vmcs[GUEST_INTERRUPTIBILITY_INFO] = GUEST_INTR_STATE_NMI;
	tap(collects(EXIT_REASON_EPT_VIOLATION, 0x80000202, X86_EVENT_NMI, 2),
	    "an NMI comes again");
	tap(!vcpu.arch.state.nmi_blocked && vcpu.arch.dirty & X86_INTR,
	    "if another event goes first, it is not lost");
	commit();
	tap(!entry_rule() && !(vmcs[GUEST_INTERRUPTIBILITY_INFO] & GUEST_INTR_STATE_NMI),
	    "an NMI that comes again is not blocked by itself");
	vmcs[IDT_VECTORING_ERROR_CODE] = 0x1234;
	tap(collects(EXIT_REASON_EXCEPTION_NMI, 0x80000b0d, X86_EVENT_EXCEPTION, 13) &&
	    vcpu.arch.events.injected.has_error && vcpu.arch.events.injected.error == 0x1234,
	    "an exception comes again with its error code");
	tap(collects(EXIT_REASON_EPT_VIOLATION, 0x80000480, X86_EVENT_NONE, 0) &&
	    collects(EXIT_REASON_EPT_VIOLATION, 0x80000603, X86_EVENT_NONE, 0),
	    "what an instruction raised is left to the instruction");
	tap(collects(EXIT_REASON_CPUID, 0x80000031, X86_EVENT_NONE, 0),
	    "other exits have delivered what was injected");
	tap(collects(EXIT_REASON_EPT_VIOLATION, 0x31, X86_EVENT_NONE, 0), "nothing was under way");
}

static void entry_that_failed(void)
{
	setup();
	vcpu.arch.events.injected = (struct x86_event) {
		.type = X86_EVENT_INTERRUPT, .vector = 0x31 };
	commit();
	vcpu.arch.exit.code = VMX_EXIT_REASONS_FAILED_VMENTRY | EXIT_REASON_INVALID_STATE;
	vtx_event_collect(&vcpu);
	tap(vcpu.arch.events.injected.type == X86_EVENT_INTERRUPT && vcpu.arch.events.check &&
	    vcpu.arch.vtx.owed & BIT(VTX_OWES_START), "an entry that failed has delivered nothing");
	vcpu.arch.exit.code = VTX_EXIT_REFUSED;
	vtx_event_collect(&vcpu);
	tap(vcpu.arch.events.injected.type == X86_EVENT_INTERRUPT, "nor has one that was refused");
	tap(apic_retold == 2, "and the new start hears of virtual interrupts as they are by now");
}

static bool iret_blocks(u32 reason, u64 qualification, u32 exit_info, u32 vectoring)
{
	setup();
	vmcs[EXIT_QUALIFICATION] = qualification;
	vmcs[VM_EXIT_INTR_INFO] = exit_info;
	vmcs[IDT_VECTORING_INFO_FIELD] = vectoring;
	leave(reason);
	commit();

	return vmcs[GUEST_INTERRUPTIBILITY_INFO] & GUEST_INTR_STATE_NMI;
}

static void iret_that_faults(void)
{
	tap(iret_blocks(EXIT_REASON_EPT_VIOLATION, BIT(12), 0, 0) &&
	    iret_blocks(EXIT_REASON_PML_FULL, BIT(12), 0, 0) &&
	    iret_blocks(EXIT_REASON_EXCEPTION_NMI, 0, 0x80001311, 0),
	    "an IRET that did not end leaves NMIs blocked");
	tap(!iret_blocks(EXIT_REASON_EPT_VIOLATION, 0, 0, 0) &&
	    !iret_blocks(EXIT_REASON_EPT_VIOLATION, BIT(12), 0, 0x80000031) &&
	    !iret_blocks(EXIT_REASON_EXCEPTION_NMI, 0, 0x80001b08, 0) &&
	    !iret_blocks(EXIT_REASON_EXCEPTION_NMI, BIT(12), 0x80000301, 0) &&
	    !iret_blocks(EXIT_REASON_CPUID, BIT(12), 0x80001311, 0),
	    "nothing else blocks them");
}

/* The guest steps over STI itself: the #DB has exited, and is injected. */
static void step_in_a_shadow(void)
{
	setup();
	vcpu.arch.state.rflags |= X86_EFLAGS_TF;
	vmcs[GUEST_INTERRUPTIBILITY_INFO] = GUEST_INTR_STATE_STI;
	vmcs[VM_EXIT_INTR_INFO] = 0x80000301;
	leave(EXIT_REASON_EXCEPTION_NMI);
	vcpu.arch.events.injected = (struct x86_event) {
		.type = X86_EVENT_EXCEPTION, .vector = X86_TRAP_DB };
	commit();
	tap(!entry_rule(), "a guest that steps over STI");
	vmcs[GUEST_INTERRUPTIBILITY_INFO] = GUEST_INTR_STATE_STI;
	leave(EXIT_REASON_EXCEPTION_NMI);
	commit();
	tap(!entry_rule(), "when user space has taken the #DB");

	setup();
	vcpu.debug_flags = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	vtx_x86_debug_changed(&vcpu);
	tap(vcpu.arch.vtx.step, "user space steps with TF");
	vmcs[GUEST_INTERRUPTIBILITY_INFO] = GUEST_INTR_STATE_MOV_SS;
	leave(EXIT_REASON_EPT_VIOLATION);
	tap(vcpu.arch.dirty & X86_RIP, "TF is set anew");
	commit();
	tap(!entry_rule() && !(vmcs[GUEST_INTERRUPTIBILITY_INFO] & 3), "and over MOV SS");
	has_trap_flag = true;
	vtx_event_reset(&vcpu);
	vcpu.arch.vtx.step = false;
	vtx_step_update(&vcpu);
	tap(!vcpu.arch.vtx.step && (vcpu.arch.vtx.control & CPU_BASED_MONITOR_TRAP_FLAG),
	    "or with the monitor trap flag");
	vcpu.debug_flags = 0;
	vtx_step_update(&vcpu);
	tap(!(vcpu.arch.vtx.control & CPU_BASED_MONITOR_TRAP_FLAG), "until it no longer steps");
}

static bool windows(bool interrupt, bool nmi)
{
	return !!(vcpu.arch.vtx.control & CPU_BASED_INTR_WINDOW_EXITING) == interrupt &&
		!!(vcpu.arch.vtx.control & CPU_BASED_NMI_WINDOW_EXITING) == nmi;
}

static void window_cases(void)
{
	setup();
	tap(windows(false, false), "no window at first");
	vtx_x86_window(&vcpu, X86_WINDOW_INTERRUPT, true);
	tap(windows(true, false), "the interrupt window");
	vcpu.arch.events.window_interrupt = true;
	vtx_x86_window(&vcpu, X86_WINDOW_NMI, true);
	tap(windows(true, true), "both");
	vtx_x86_window(&vcpu, X86_WINDOW_INTERRUPT, false);
	vcpu.arch.events.window_interrupt = false;
	tap(windows(false, true), "the NMI window");
	vcpu.arch.state.shadow = KVM_X86_SHADOW_INT_STI;
	vtx_x86_window(&vcpu, X86_WINDOW_NMI, true);
	tap(windows(true, false), "an NMI behind STI waits for the interrupt window");
	vtx_x86_window(&vcpu, X86_WINDOW_INTERRUPT, false);
	tap(windows(true, false), "whether or not an interrupt waits");
	vcpu.arch.state.shadow = 0;
	vtx_x86_window(&vcpu, X86_WINDOW_NMI, true);
	tap(windows(false, true), "and then for its own");
	vtx_x86_window(&vcpu, X86_WINDOW_NMI, false);
	tap(windows(false, false), "all are closed");
}

static bool mov_dr_exits(void)
{
	return vcpu.arch.vtx.control & CPU_BASED_MOV_DR_EXITING;
}

static void debug_registers(void)
{
	struct x86_state *state = &vcpu.arch.state;

	setup();
	tap(mov_dr_exits() && vcpu.arch.vtx.exceptions == (BIT(1) | BIT(17) | BIT(18)),
	    "debug registers are not the guest's at first");
	state->dr[2] = 0x1234;
	state->dr6 = 0xffff0ff4;
	state->dr7 = 0x420;
	vtx_debug_commit(&vcpu);
	tap(!mov_dr_exits() && vmcs[GUEST_DR7] == 0x420 && vcpu.arch.vtx.owed & BIT(VTX_OWES_DEBUG),
	    "a breakpoint makes them");
	vcpu.arch.vtx.owed = 0;
	cpu_dr[7] = 0x402;
	vtx_debug_load(&vcpu);
	tap(cpu_dr[2] == 0x1234 && cpu_dr[6] == 0xffff0ff4, "they are loaded");
	host_breakpoint = true;
	vtx_debug_load(&vcpu);
	tap(!cpu_dr[7], "and no breakpoint of the host's is at the guest's address");
	cpu_dr[1] = 0x77;
	cpu_dr[6] = 0xffff0ff1;
	vtx_debug_save(&vcpu);
	tap(state->dr[1] == 0x77 && state->dr6 == 0xffff0ff1 && cpu_dr[6] == DR6_RESERVED &&
	    vcpu.arch.vtx.owed & BIT(VTX_OWES_DEBUG), "and taken back");
	vtx_debug_put(&vcpu);
	tap(!mov_dr_exits(), "as long as one is armed they stay the guest's");
	state->dr7 = 0x400;
	vtx_debug_put(&vcpu);
	tap(mov_dr_exits(), "and no longer");
	vcpu.debug_flags = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	vtx_x86_debug_changed(&vcpu);
	tap(vcpu.arch.vtx.exceptions & BIT(3), "user space's INT3 exits");
}

int main(void)
{
	every_combination();
	what_is_injected();
	interrupt_without_if();
	what_an_exit_interrupts();
	entry_that_failed();
	iret_that_faults();
	step_in_a_shadow();
	window_cases();
	debug_registers();

	return tap_end();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest did that made it leave, as far as it is the same for all vendors.
 * Rows of the vendors' exit tables point here.  The fast handlers run with irqs
 * off and leave everything that is not simple to their slow twins.
 */
#include <linux/sched.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "x86.h"

#define X2APIC_MSRS	0x800	/* to 0x8ff */

/* --- MSRs --------------------------------------------------------------------- */

static void exit_msr_value(struct vcpu *vcpu, u64 value)
{
	x86_set_gpr(vcpu, X86_RAX, (u32)value);
	x86_set_gpr(vcpu, X86_RDX, value >> 32);
}

static u64 exit_msr_operand(struct vcpu *vcpu)
{
	return (u32)x86_gpr(vcpu, X86_RAX) | x86_gpr(vcpu, X86_RDX) << 32;
}

/* The registers of the local APIC come first: they are what guests use all the time. */
static bool fast_msr_is_lapic(struct vcpu *vcpu, u32 msr)
{
	return msr - X2APIC_MSRS < 0x100 && vcpu->arch.lapic;
}

static bool fast_msr_is_deadline(struct vcpu *vcpu, u32 msr)
{
	return msr == MSR_IA32_TSC_DEADLINE && vcpu->arch.lapic &&
		x86_guest_has(vcpu, X86_FEATURE_TSC_DEADLINE_TIMER);
}

static bool fast_msr_read(struct vcpu *vcpu, u32 msr, u64 *value)
{
	if (fast_msr_is_lapic(vcpu, msr))
		return !lapic_msr_read(vcpu, msr, value);
	if (fast_msr_is_deadline(vcpu, msr)) {
		*value = lapic_deadline_read(vcpu);
		return true;
	}

	return !x86_msr_read(vcpu, msr, value, false);
}

static bool fast_msr_write(struct vcpu *vcpu, u32 msr, u64 value)
{
	if (fast_msr_is_lapic(vcpu, msr))
		return !lapic_msr_write(vcpu, msr, value);
	if (fast_msr_is_deadline(vcpu, msr)) {
		lapic_deadline_write(vcpu, value);
		return true;
	}

	return !x86_msr_write_atomic(vcpu, msr, value);
}

int x86_fast_rdmsr(struct vcpu *vcpu)
{
	u64 next = x86_skip_peek(vcpu), value;

	if (!next ||
	    !fast_msr_read(vcpu, x86_gpr(vcpu, X86_RCX), &value))
		return RESUME_GUEST;
	exit_msr_value(vcpu, value);
	x86_skip_to(vcpu, next);

	return REENTER;
}

/* A write that fails has changed nothing; the slow handler finds out why. */
int x86_fast_wrmsr(struct vcpu *vcpu)
{
	u64 next = x86_skip_peek(vcpu);

	if (!next ||
	    !fast_msr_write(vcpu, x86_gpr(vcpu, X86_RCX), exit_msr_operand(vcpu)))
		return RESUME_GUEST;
	x86_skip_to(vcpu, next);

	return REENTER;
}

int x86_exit_rdmsr(struct vcpu *vcpu)
{
	u64 value;

	if (x86_msr_read(vcpu, x86_gpr(vcpu, X86_RCX), &value, false))
		return x86_inject_gp(vcpu, 0);
	exit_msr_value(vcpu, value);

	return x86_skip(vcpu);
}

int x86_exit_wrmsr(struct vcpu *vcpu)
{
	if (x86_msr_write(vcpu, x86_gpr(vcpu, X86_RCX), exit_msr_operand(vcpu), false))
		return x86_inject_gp(vcpu, 0);

	return x86_skip(vcpu);
}

/* --- instructions that do little --------------------------------------------------- */

int x86_fast_skip(struct vcpu *vcpu)
{
	u64 next = x86_skip_peek(vcpu);

	if (!next)
		return RESUME_GUEST;
	x86_skip_to(vcpu, next);

	return REENTER;
}

/* The caches are coherent for all a guest can see: no device bypasses them. */
int x86_exit_wbinvd(struct vcpu *vcpu)
{
	return x86_skip(vcpu);
}

int x86_exit_invalid_opcode(struct vcpu *vcpu)
{
	return x86_inject_ud(vcpu);
}

/* No performance counters are reported, so there are no valid ones. */
int x86_exit_rdpmc(struct vcpu *vcpu)
{
	return x86_inject_gp(vcpu, 0);
}

/* CPUID does not offer them. */
int x86_exit_monitor_mwait(struct vcpu *vcpu)
{
	return x86_inject_ud(vcpu);
}

/* The guest spins for long: whoever holds what it waits for may want this CPU. */
int x86_exit_pause(struct vcpu *vcpu)
{
	yield();

	return x86_skip(vcpu);
}

/* prepare does the waiting: an event may be there by then. */
int x86_exit_halt(struct vcpu *vcpu)
{
	u64 rip = x86_rip(vcpu);
	int ret = x86_skip(vcpu);

	/* A debug exit is first, and an instruction that cannot be read no HLT. */
	if (ret != RESUME_GUEST || rip == x86_rip(vcpu))
		return ret;
	if (!vcpu->arch.lapic)
		return vcpu_exit(vcpu, KVM_EXIT_HLT);
	x86_set_mp_state(vcpu, KVM_MP_STATE_HALTED);

	return RESUME_GUEST;
}

int x86_fast_hypercall(struct vcpu *vcpu)
{
	u64 next = x86_skip_peek(vcpu);

	if (!next || !x86_hypercall_fast(vcpu))
		return RESUME_GUEST;
	x86_skip_to(vcpu, next);

	return REENTER;
}

int x86_exit_hypercall(struct vcpu *vcpu)
{
	x86_hypercall(vcpu);

	return x86_skip(vcpu);
}

/* --- memory and ports ------------------------------------------------------------------ */

/*
 * Not an instruction but the delivery of an event touches what is no memory: there is
 * nothing at RIP that could be emulated.
 */
static int exit_memory_delivery(struct vcpu *vcpu, gpa_t gpa)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	u64 data[] = { exit->code, exit->info1, exit->info2, gpa };

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV, data, ARRAY_SIZE(data));
}

int x86_exit_memory(struct vcpu *vcpu, gpa_t gpa, u8 access)
{
	bool write = access == PROT_GUEST_WRITE;
	int ret = vcpu_fault(vcpu, gpa, access);

	if (ret != FAULT_NO_SLOT && ret != FAULT_READONLY)
		return ret;
	if (unlikely(vcpu->arch.events.injected.type))
		return exit_memory_delivery(vcpu, gpa);
	if (!vcpu->arch.exit.final_access)
		return x86_emulate(vcpu);
	if (x86_mov(vcpu, gpa, write, &ret))
		return ret;

	return x86_emulate_at(vcpu, gpa, write);
}

/* The data of an IN, into as much of RAX as it changes. */
static __always_inline void exit_io_result(struct vcpu *vcpu, u32 data, u8 size)
{
	u64 rax = x86_gpr(vcpu, X86_RAX);

	switch (size) {
	case 1:
		rax = (rax & ~0xffULL) | (u8)data;
		break;
	case 2:
		rax = (rax & ~0xffffULL) | (u16)data;
		break;
	default:
		rax = data;
	}
	x86_set_gpr(vcpu, X86_RAX, rax);
}

static int exit_io_complete_in(struct vcpu *vcpu)
{
	u32 data = 0;

	memcpy(&data, x86_pio_data(vcpu), min_t(size_t, vcpu->arch.pio.size, sizeof(data)));
	exit_io_result(vcpu, data, vcpu->arch.pio.size);

	return x86_skip(vcpu);
}

/* The guest is past the OUT already, so that user space may reset it. */
static int exit_io_complete_out(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* As seldom as it is slow: a debugger wants an exit of its own after the OUT. */
static int exit_io_complete_out_step(struct vcpu *vcpu)
{
	return x86_skip(vcpu);
}

static int exit_out(struct vcpu *vcpu, u16 port, u8 size)
{
	u32 data = x86_gpr(vcpu, X86_RAX);
	int ret;

	if (unlikely(vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP)) {
		ret = x86_pio_one(vcpu, port, size, false, &data, exit_io_complete_out_step);
		return ret == RESUME_GUEST ? x86_skip(vcpu) : ret;
	}

	ret = x86_pio_one(vcpu, port, size, false, &data, exit_io_complete_out);
	if (ret >= 0)
		x86_skip(vcpu);

	return ret;
}

static int exit_in(struct vcpu *vcpu, u16 port, u8 size)
{
	u32 data = 0;
	int ret;

	ret = x86_pio_one(vcpu, port, size, true, &data, exit_io_complete_in);
	if (ret != RESUME_GUEST)
		return ret;
	exit_io_result(vcpu, data, size);

	return x86_skip(vcpu);
}

int x86_fast_in_device(struct vcpu *vcpu, u16 port, u8 size)
{
	u64 next = x86_skip_peek(vcpu);
	u32 data = 0;

	if (!next || iobus_read_atomic(vcpu, IOBUS_PIO, port, size, &data))
		return RESUME_GUEST;
	exit_io_result(vcpu, data, size);
	x86_skip_to(vcpu, next);

	return REENTER;
}

int x86_fast_out_device(struct vcpu *vcpu, u16 port, u8 size)
{
	u64 next = x86_skip_peek(vcpu);

	x86_need(vcpu, X86_GPRS);
	/* From where it is: the low bytes are the first. */
	if (!next || iobus_write_atomic(vcpu, IOBUS_PIO, port, size,
					&vcpu->arch.state.gpr[X86_RAX]))
		return RESUME_GUEST;
	x86_skip_to(vcpu, next);

	return REENTER;
}

int x86_fast_io_user(struct vcpu *vcpu, u16 port, u8 size, bool in)
{
	u64 next;

	/* An IN is skipped when it is complete, whatever a debugger wants; an OUT now. */
	if (in)
		return x86_pio_user(vcpu, port, size, true, 0, exit_io_complete_in);

	next = x86_skip_peek(vcpu);
	if (!next)
		return RESUME_GUEST;
	x86_skip_to(vcpu, next);

	return x86_pio_user(vcpu, port, size, false, x86_gpr(vcpu, X86_RAX), exit_io_complete_out);
}

int x86_exit_io(struct vcpu *vcpu, u16 port, u8 size, bool in, bool string)
{
	if (string)
		return x86_emulate(vcpu);

	return in ? exit_in(vcpu, port, size) : exit_out(vcpu, port, size);
}

/* --- control registers ------------------------------------------------------------------- */

int x86_exit_cr8(struct vcpu *vcpu, int reg, bool write)
{
	u64 old = vcpu->arch.lapic ? lapic_cr8(vcpu) : vcpu->arch.cr8;
	u64 value;
	int ret;

	reg &= X86_GPR_COUNT - 1;
	if (!write) {
		x86_set_gpr(vcpu, reg, old);
		return x86_skip(vcpu);
	}

	value = x86_gpr(vcpu, reg);
	if (value & ~0xfULL)
		return x86_inject_gp(vcpu, 0);
	if (vcpu->arch.lapic)
		lapic_set_cr8(vcpu, value);
	else
		vcpu->arch.cr8 = value;
	x86_events_recheck(vcpu);
	ret = x86_skip(vcpu);
	/* A local APIC in user space may have an interrupt for the lower priority. */
	if (ret == RESUME_GUEST && !vcpu->arch.lapic && value < old)
		return vcpu_exit(vcpu, KVM_EXIT_SET_TPR);

	return ret;
}

bool x86_cr0_valid(struct vcpu *vcpu, u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;

	return (cr0 & X86_CR0_CD) || !(cr0 & X86_CR0_NW);
}

bool x86_cr4_valid(struct vcpu *vcpu, u64 cr4)
{
	return !(cr4 & vcpu->arch.cpuid.reserved_cr4);
}

/* Turning paging on or off enters or leaves long mode. */
static bool cr0_paging_allowed(struct vcpu *vcpu, u64 value)
{
	const struct x86_state *state = &vcpu->arch.state;

	if (value & X86_CR0_PG)
		return !(state->efer & EFER_LME) ||
			((state->cr4 & X86_CR4_PAE) && !state->seg[X86_CS].l);

	return !(state->cr4 & X86_CR4_PCIDE) &&
		!((state->efer & EFER_LMA) && state->seg[X86_CS].l);
}

int x86_set_cr0(struct vcpu *vcpu, u64 value)
{
	struct x86_state *state = &vcpu->arch.state;
	u64 changed;

	x86_need(vcpu, X86_CRS | X86_SEGS);
	value |= X86_CR0_ET;
	changed = value ^ state->cr0;
	if (!x86_cr0_valid(vcpu, value) ||
	    ((changed & X86_CR0_PG) && !cr0_paging_allowed(vcpu, value))) {
		x86_inject_gp(vcpu, 0);
		return 1;
	}

	if (changed & X86_CR0_PG) {
		state->efer &= ~(u64)EFER_LMA;
		if ((value & X86_CR0_PG) && (state->efer & EFER_LME))
			state->efer |= EFER_LMA;
	}
	state->cr0 = value;
	x86_dirty(vcpu, X86_CRS);
	if (changed & (X86_CR0_PG | X86_CR0_WP))
		x86_op(tlb_flush)(vcpu);

	return 0;
}

/* Rules about bits of CR4 that depend on the mode. */
static bool cr4_mode_allowed(struct vcpu *vcpu, u64 value, u64 changed)
{
	const struct x86_state *state = &vcpu->arch.state;
	bool long_mode = state->efer & EFER_LMA;

	if (long_mode && (!(value & X86_CR4_PAE) || changed & X86_CR4_LA57))
		return false;
	/* PCIDs begin with PCID 0. */
	if (changed & value & X86_CR4_PCIDE)
		return long_mode && !(state->cr3 & 0xfff);

	return true;
}

#define CR4_FLUSHES	(X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PCIDE | \
			 X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_LA57)

int x86_set_cr4(struct vcpu *vcpu, u64 value)
{
	struct x86_state *state = &vcpu->arch.state;
	u64 changed;

	x86_need(vcpu, X86_CRS);
	changed = value ^ state->cr4;
	if (!x86_cr4_valid(vcpu, value) || !cr4_mode_allowed(vcpu, value, changed)) {
		x86_inject_gp(vcpu, 0);
		return 1;
	}

	state->cr4 = value;
	x86_dirty(vcpu, X86_CRS);
	if (changed & CR4_FLUSHES)
		x86_op(tlb_flush)(vcpu);
	if (changed & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		x86_cpuid_update(vcpu);

	return 0;
}

int x86_set_efer(struct vcpu *vcpu, u64 value, bool host)
{
	struct x86_state *state = &vcpu->arch.state;
	u64 changed;

	x86_need(vcpu, X86_CRS);
	/* LMA follows LME and CR0.PG; writes of it are ignored. */
	value = (value & ~(u64)EFER_LMA) | (state->efer & EFER_LMA);
	changed = value ^ state->efer;
	if (value & ~(vcpu->arch.cpuid.efer_allowed | EFER_LMA))
		return -EINVAL;
	if (!host && (changed & EFER_LME) && (state->cr0 & X86_CR0_PG))
		return -EINVAL;

	state->efer = value;
	x86_dirty(vcpu, X86_CRS);
	if (changed & EFER_NX)
		x86_op(tlb_flush)(vcpu);

	return 0;
}

/* --- XCR0 --------------------------------------------------------------------------------- */

/* Components that come together: if any of @some is set, all of @all have to be. */
static const struct xcr0_rule {
	u64	some;
	u64	all;
} xcr0_rules[] = {
	{ XFEATURE_MASK_YMM,	XFEATURE_MASK_SSE },
	{ XFEATURE_MASK_AVX512,	XFEATURE_MASK_AVX512 | XFEATURE_MASK_YMM },
	{ XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR,
	  XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR },
};

bool x86_xcr0_valid(struct vcpu *vcpu, u64 value)
{
	int i;

	if (!(value & XFEATURE_MASK_FP) ||
	    value & ~(vcpu->arch.cpuid.xcr0_allowed | XFEATURE_MASK_FP))
		return false;
	for (i = 0; i < ARRAY_SIZE(xcr0_rules); i++)
		if ((value & xcr0_rules[i].some) &&
		    (value & xcr0_rules[i].all) != xcr0_rules[i].all)
			return false;

	return true;
}

int x86_set_xcr(struct vcpu *vcpu, u32 index, u64 value)
{
	if (index || !x86_xcr0_valid(vcpu, value)) {
		x86_inject_gp(vcpu, 0);
		return 1;
	}
	if (vcpu->arch.xcr0 != value) {
		vcpu->arch.xcr0 = value;
		x86_cpuid_update(vcpu);
	}

	return 0;
}

int x86_exit_xsetbv(struct vcpu *vcpu)
{
	if (x86_cpl(vcpu))
		return x86_inject_gp(vcpu, 0);
	if (x86_set_xcr(vcpu, x86_gpr(vcpu, X86_RCX), exit_msr_operand(vcpu)))
		return RESUME_GUEST;

	return x86_skip(vcpu);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers as user space gets and sets them: general, special (segments, control
 * registers, descriptor tables) and debug registers, and the few that it finds in
 * kvm_run after every exit.  Called by the ioctls.
 */
#include <linux/bitmap.h>
#include <uapi/asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "x86.h"

/* --- general registers ------------------------------------------------------- */

/* In the order of struct kvm_regs. */
static const u8 regs_order[X86_GPR_COUNT] = {
	X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RSP, X86_RBP,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
};

static_assert(offsetof(struct kvm_regs, rip) == X86_GPR_COUNT * sizeof(u64));

#define RFLAGS_BITS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | \
			 X86_EFLAGS_OF | X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF | \
			 X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF | X86_EFLAGS_VIP | \
			 X86_EFLAGS_ID)

int x86_ioctl_get_regs(struct vcpu *vcpu, struct kvm_regs *regs)
{
	u64 *out = &regs->rax;
	int i;

	x86_need(vcpu, X86_GPRS | X86_STACK | X86_RIP);
	for (i = 0; i < X86_GPR_COUNT; i++)
		out[i] = vcpu->arch.state.gpr[regs_order[i]];
	regs->rip = vcpu->arch.state.rip;
	regs->rflags = vcpu->arch.state.rflags;

	return 0;
}

int x86_ioctl_set_regs(struct vcpu *vcpu, const struct kvm_regs *regs)
{
	const u64 *in = &regs->rax;
	int i;

	for (i = 0; i < X86_GPR_COUNT; i++)
		vcpu->arch.state.gpr[regs_order[i]] = in[i];
	vcpu->arch.state.rip = regs->rip;
	vcpu->arch.state.rflags = (regs->rflags & RFLAGS_BITS) | X86_EFLAGS_FIXED;
	x86_dirty(vcpu, X86_GPRS | X86_STACK | X86_RIP);
	/* An exception that waits was raised by an instruction somewhere else. */
	vcpu->arch.events.exception.type = X86_EVENT_NONE;
	x86_events_recheck(vcpu);

	return 0;
}

/* --- special registers ------------------------------------------------------- */

struct sregs_segment {
	u8	number;
	u16	offset;		/* in struct kvm_sregs */
};

#define SEGMENT(number_, name_)	{ (number_), offsetof(struct kvm_sregs, name_) }

static const struct sregs_segment sregs_segments[] = {
	SEGMENT(X86_CS, cs), SEGMENT(X86_DS, ds), SEGMENT(X86_ES, es),
	SEGMENT(X86_FS, fs), SEGMENT(X86_GS, gs), SEGMENT(X86_SS, ss),
	SEGMENT(X86_TR, tr), SEGMENT(X86_LDTR, ldt),
};

static_assert(ARRAY_SIZE(sregs_segments) == X86_SEG_COUNT);

/* The interrupt on its way into the guest, or that user space wants to be. */
static int sregs_interrupt(struct vcpu *vcpu)
{
	const struct x86_event *injected = &vcpu->arch.events.injected;

	if (injected->type == X86_EVENT_INTERRUPT)
		return injected->vector;

	return vcpu->arch.interrupt;
}

int x86_ioctl_get_sregs(struct vcpu *vcpu, struct kvm_sregs *sregs)
{
	const struct x86_state *state = &vcpu->arch.state;
	int i, vector;

	x86_need(vcpu, X86_CRS | X86_CR2 | X86_SEGS | X86_TABLES);
	memset(sregs, 0, sizeof(*sregs));
	for (i = 0; i < X86_SEG_COUNT; i++) {
		struct kvm_segment *out = (void *)sregs + sregs_segments[i].offset;

		*out = state->seg[sregs_segments[i].number];
	}
	sregs->gdt = state->gdt;
	sregs->idt = state->idt;
	sregs->cr0 = state->cr0;
	sregs->cr2 = state->cr2;
	sregs->cr3 = state->cr3;
	sregs->cr4 = state->cr4;
	sregs->cr8 = lapic_cr8(vcpu);
	sregs->efer = state->efer;
	sregs->apic_base = vcpu->arch.apic_base;
	vector = sregs_interrupt(vcpu);
	if (vector >= 0)
		sregs->interrupt_bitmap[vector / 64] |= BIT_ULL(vector % 64);

	return 0;
}

/* Control registers that hardware would never have all at once. */
static bool sregs_mode_valid(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
	bool long_mode = (sregs->efer & EFER_LME) && (sregs->cr0 & X86_CR0_PG);

	if (!x86_cr0_valid(vcpu, sregs->cr0) || !x86_cr4_valid(vcpu, sregs->cr4) ||
	    sregs->efer & ~vcpu->arch.cpuid.efer_allowed || sregs->cr8 & ~0xfULL)
		return false;
	if (!long_mode)
		return !(sregs->efer & EFER_LMA) && !(sregs->cr4 & X86_CR4_PCIDE) &&
			!sregs->cs.l;

	return (sregs->efer & EFER_LMA) && (sregs->cr4 & X86_CR4_PAE) &&
		!(sregs->cs.l && sregs->cs.db) &&
		!(sregs->cr3 >> vcpu->arch.cpuid.maxphyaddr);
}

static bool sregs_bases_valid(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
	int shift = 64 - (x86_guest_has(vcpu, X86_FEATURE_LA57) ? 57 : 48);
	u64 bases[] = { sregs->fs.base, sregs->gs.base, sregs->tr.base, sregs->ldt.base,
			sregs->gdt.base, sregs->idt.base };
	int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++)
		if ((u64)((s64)(bases[i] << shift) >> shift) != bases[i])
			return false;

	return true;
}

static void sregs_set_segment(struct kvm_segment *out, const struct kvm_segment *in)
{
	*out = (struct kvm_segment) {
		.base		= in->base,
		.limit		= in->limit,
		.selector	= in->selector,
		.type		= in->type & 0xf,
		.present	= !!in->present,
		.dpl		= in->dpl & 3,
		.db		= !!in->db,
		.s		= !!in->s,
		.l		= !!in->l,
		.g		= !!in->g,
		.avl		= !!in->avl,
		.unusable	= !!in->unusable,
	};
}

/*
 * An interrupt that was taken from its controller and not delivered yet.  None
 * here does not take back one that is on its way: KVM_SET_VCPU_EVENTS does.
 */
static void sregs_set_interrupt(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
	struct x86_event *injected = &vcpu->arch.events.injected;
	int i;

	if (injected->type != X86_EVENT_NONE && injected->type != X86_EVENT_INTERRUPT)
		return;
	for (i = 0; i < ARRAY_SIZE(sregs->interrupt_bitmap); i++) {
		if (!sregs->interrupt_bitmap[i])
			continue;
		*injected = (struct x86_event) {
			.type = X86_EVENT_INTERRUPT,
			.vector = i * 64 + __ffs64(sregs->interrupt_bitmap[i]),
		};
		return;
	}
}

int x86_ioctl_set_sregs(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
	struct x86_state *state = &vcpu->arch.state;
	int i, err;

	if (!sregs_mode_valid(vcpu, sregs) || !sregs_bases_valid(vcpu, sregs))
		return -EINVAL;
	if (sregs->apic_base != vcpu->arch.apic_base) {
		err = lapic_base_write(vcpu, sregs->apic_base, true);
		if (err)
			return err;
	}

	for (i = 0; i < X86_SEG_COUNT; i++)
		sregs_set_segment(&state->seg[sregs_segments[i].number],
				  (const void *)sregs + sregs_segments[i].offset);
	state->gdt = (struct kvm_dtable) { .base = sregs->gdt.base, .limit = sregs->gdt.limit };
	state->idt = (struct kvm_dtable) { .base = sregs->idt.base, .limit = sregs->idt.limit };
	state->cr0 = sregs->cr0 | X86_CR0_ET;
	state->cr2 = sregs->cr2;
	state->cr3 = sregs->cr3;
	state->cr4 = sregs->cr4;
	state->efer = sregs->efer;
	x86_dirty(vcpu, X86_CRS | X86_CR2 | X86_SEGS | X86_TABLES);
	lapic_set_cr8(vcpu, sregs->cr8);
	sregs_set_interrupt(vcpu, sregs);
	x86_events_recheck(vcpu);
	/* Whatever was translated by the registers before. */
	x86_op(tlb_flush)(vcpu);

	return 0;
}

/* --- debug registers --------------------------------------------------------- */

#define DR6_BITS	0xe00fULL
#define DR7_FIXED	0x400
#define DR7_BITS	0xffff23ffULL

int x86_ioctl_get_debugregs(struct vcpu *vcpu, struct kvm_debugregs *regs)
{
	const struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_DEBUG);
	memset(regs, 0, sizeof(*regs));
	memcpy(regs->db, state->dr, sizeof(regs->db));
	regs->dr6 = state->dr6;
	regs->dr7 = state->dr7;

	return 0;
}

int x86_ioctl_set_debugregs(struct vcpu *vcpu, const struct kvm_debugregs *regs)
{
	struct x86_state *state = &vcpu->arch.state;

	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32)
		return -EINVAL;

	memcpy(state->dr, regs->db, sizeof(state->dr));
	state->dr6 = (regs->dr6 & DR6_BITS) | DR6_RESERVED;
	state->dr7 = (regs->dr7 & DR7_BITS) | DR7_FIXED;
	x86_dirty(vcpu, X86_DEBUG);
	x86_op(debug_changed)(vcpu);

	return 0;
}

/* --- kvm_run ----------------------------------------------------------------- */

/*
 * Could user space's interrupt controller deliver now?  A VM that has it all in
 * the kernel is always ready: nothing has to wait outside.
 */
static bool run_ready(struct vcpu *vcpu)
{
	if (vcpu->arch.lapic && !vcpu->vm->arch.split_irqchip)
		return true;

	return vcpu->arch.interrupt < 0 && lapic_accepts_pic(vcpu) &&
		x86_interrupt_allowed(vcpu);
}

void x86_run_fill(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	x86_need(vcpu, X86_RIP | X86_INTR);
	run->if_flag = !!(vcpu->arch.state.rflags & X86_EFLAGS_IF);
	run->flags = 0;
	run->cr8 = lapic_cr8(vcpu);
	run->apic_base = vcpu->arch.apic_base;
	run->ready_for_interrupt_injection = run_ready(vcpu);
}

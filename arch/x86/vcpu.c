// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an x86 VM and vCPU as far as all vendors share it: creation, reset
 * state, load and put, requests, halting, and moving past an instruction.  The
 * vendors' vcpu ops call it; hardware state is theirs, state.* is here.
 */
#include <linux/kvm_para.h>
#include <linux/percpu.h>
#include <asm/apicdef.h>
#include <uapi/asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <core/memslot.h>
#include <core/pgtable.h>
#include <core/stats.h>

#include "x86.h"

/* The vCPU that last ran on this CPU, by serial number: it may be gone. */
static DEFINE_PER_CPU(u64, vcpu_last);
static atomic64_t vcpu_serials = ATOMIC64_INIT(0);

#define STAT(name_)	\
	{ .name = #name_, .flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | \
	  KVM_STATS_BASE_POW10, .offset = offsetof(struct vcpu, arch.stats.name_) }

const struct stats_desc arch_vcpu_stats[] = {
	STAT(exceptions),
	STAT(nmis),
	STAT(interrupt_windows),
	STAT(hypercalls),
	STAT(emulated),
	{ .name = NULL }
};

/* --- what the guest is doing ---------------------------------------------- */

bool x86_long_mode(struct vcpu *vcpu)
{
	x86_need(vcpu, X86_CRS);
	return vcpu->arch.state.efer & EFER_LMA;
}

bool x86_in_64bit(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_CRS);
	if (!(state->efer & EFER_LMA))
		return false;
	if (vcpu->arch.valid & X86_SEGS)
		return state->seg[X86_CS].l;
	x86_need(vcpu, X86_MODE);
	return state->cs_long;
}

bool x86_protected_mode(struct vcpu *vcpu)
{
	x86_need(vcpu, X86_CRS);
	return vcpu->arch.state.cr0 & X86_CR0_PE;
}

bool x86_paging(struct vcpu *vcpu)
{
	x86_need(vcpu, X86_CRS);
	return vcpu->arch.state.cr0 & X86_CR0_PG;
}

int x86_cpl(struct vcpu *vcpu)
{
	if (vcpu->arch.valid & X86_SEGS)
		return vcpu->arch.state.seg[X86_SS].dpl;
	x86_need(vcpu, X86_MODE);
	return vcpu->arch.state.cpl;
}

gva_t x86_linear_rip(struct vcpu *vcpu)
{
	u64 rip = x86_rip(vcpu);

	if (x86_in_64bit(vcpu))
		return rip;

	if (vcpu->arch.valid & X86_SEGS)
		return (u32)(rip + vcpu->arch.state.seg[X86_CS].base);
	x86_need(vcpu, X86_MODE);
	return (u32)(rip + vcpu->arch.state.cs_base);
}

/* --- reset ------------------------------------------------------------------ */

#define RESET_SEGMENT(type_)	{ .limit = 0xffff, .type = (type_), .present = 1 }
#define RESET_DATA		{ .limit = 0xffff, .type = 3, .present = 1, .s = 1 }

/*
 * After power-on (SDM, "Processor State After Reset"; APM, "Initial Processor
 * State").  The first instruction is 16 bytes below 4 GiB, although the CPU is in
 * real mode: CS has a base that no selector of real mode gives.
 */
static const struct x86_state reset_state = {
	.rip	= 0xfff0,
	.rflags	= X86_EFLAGS_FIXED,
	.cr0	= X86_CR0_CD | X86_CR0_NW | X86_CR0_ET,
	.seg	= {
		[X86_CS] = { .base = 0xffff0000, .limit = 0xffff, .selector = 0xf000,
			     .type = 11, .present = 1, .s = 1 },
		[X86_DS] = RESET_DATA,
		[X86_ES] = RESET_DATA,
		[X86_FS] = RESET_DATA,
		[X86_GS] = RESET_DATA,
		[X86_SS] = RESET_DATA,
		[X86_LDTR] = RESET_SEGMENT(2),
		[X86_TR] = RESET_SEGMENT(11),
	},
	.gdt	= { .limit = 0xffff },
	.idt	= { .limit = 0xffff },
	.dr6	= DR6_RESERVED,
	.dr7	= BIT(10),		/* reads as 1 */
	.pat	= 0x0007040600070406,
};

/* INIT keeps the cache bits of CR0 and what only power-on clears. */
static void vcpu_reset_state(struct vcpu *vcpu, bool init)
{
	struct x86_state *state = &vcpu->arch.state;
	struct x86_state old;

	if (!init) {
		*state = reset_state;
		return;
	}

	x86_need(vcpu, X86_ALL);
	old = *state;
	*state = reset_state;
	state->cr0 = (old.cr0 & (X86_CR0_CD | X86_CR0_NW)) | X86_CR0_ET;
	state->star = old.star;
	state->lstar = old.lstar;
	state->cstar = old.cstar;
	state->sfmask = old.sfmask;
	state->kernel_gs_base = old.kernel_gs_base;
	state->sysenter_cs = old.sysenter_cs;
	state->sysenter_esp = old.sysenter_esp;
	state->sysenter_eip = old.sysenter_eip;
	state->pat = old.pat;
	state->spec_ctrl = old.spec_ctrl;
}

void x86_vcpu_retell(struct vcpu *vcpu)
{
	x86_dirty(vcpu, X86_ALL);
	x86_op(cpuid_changed)(vcpu);
	x86_op(debug_changed)(vcpu);
	x86_events_retell(vcpu);
	lapic_retell(vcpu);
}

static bool vcpu_is_bsp(struct vcpu *vcpu)
{
	return vcpu->id == vcpu->vm->arch.boot_cpu_id;
}

void x86_vcpu_reset(struct vcpu *vcpu, bool init)
{
	const struct kvm_cpuid_entry2 *version;

	vcpu_reset_state(vcpu, init);
	/* Family, model and stepping; a P6 while there is no CPUID yet. */
	version = x86_cpuid_find(vcpu, 1, 0);
	vcpu->arch.state.gpr[X86_RDX] = version ? version->eax : 0x600;
	x86_dirty(vcpu, X86_ALL);

	if (!init) {
		vcpu->arch.apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE |
			(vcpu_is_bsp(vcpu) ? MSR_IA32_APICBASE_BSP : 0);
		vcpu->arch.cr8 = 0;
		x86_set_mp_state(vcpu, vcpu_is_bsp(vcpu) || !vm_has_irqchip(vcpu->vm) ?
				 KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED);
	}
	x86_events_reset(vcpu, init);
	x86_fpu_reset(vcpu, init);
	x86_msr_reset(vcpu, init);
	if (vcpu->arch.lapic)
		lapic_reset(vcpu, init);
	x86_cpuid_update(vcpu);
	/* Translations of the old CR3 are gone with it. */
	x86_op(tlb_flush)(vcpu);
	vcpu->arch.reset_done = true;
}

/* --- life ---------------------------------------------------------------------- */

int x86_slot_check(const struct vm *vm, const struct memslot *slot)
{
	const struct pgtable_format *format = vm->as[0].pgtable.format;
	gfn_t limit = gpa_to_gfn(min(BIT_ULL(boot_cpu_data.x86_phys_bits),
				     pgtable_span(format)));

	if (slot->base >= limit || slot->npages > limit - slot->base)
		return -EINVAL;

	return 0;
}

int x86_vm_create(struct vm *vm, unsigned long type)
{
	if (type)
		return -EINVAL;

	mutex_init(&vm->arch.lapic_map_lock);
	vm->arch.guest_can_read_msr_platform_info = true;
	x86_clock_vm_create(vm);
	x86_host_vm_begin();
	vm->arch.host_begun = true;

	return 0;
}

void x86_vm_destroy(struct vm *vm)
{
	lapic_vm_destroy(vm);
	if (vm->arch.host_begun)
		x86_host_vm_end();
}

/* The local APIC is made by irqchip_ops.vcpu_create, if the VM has one. */
int x86_vcpu_create(struct vcpu *vcpu)
{
	int err;

	vcpu->arch.serial = atomic64_inc_return(&vcpu_serials);
	vcpu->arch.interrupt = -1;
	err = x86_fpu_create(vcpu);
	if (err)
		return err;
	x86_clock_vcpu_create(vcpu);
	x86_vcpu_reset(vcpu, false);

	return 0;
}

void x86_vcpu_destroy(struct vcpu *vcpu)
{
	x86_clock_vcpu_destroy(vcpu);
	x86_emulate_free(vcpu);
	x86_cpuid_free(vcpu);
	x86_fpu_destroy(vcpu);
}

void x86_vcpu_run_begin(struct vcpu *vcpu)
{
	/* Without a local APIC in the kernel, user space owns the task priority. */
	if (!vcpu->arch.lapic)
		vcpu->arch.cr8 = READ_ONCE(vcpu->run->cr8) & 0xf;
	x86_fpu_run_begin(vcpu);
}

void x86_vcpu_run_end(struct vcpu *vcpu)
{
	x86_fpu_run_end(vcpu);
	x86_run_fill(vcpu);
}

void x86_vcpu_load(struct vcpu *vcpu, int cpu)
{
	if (this_cpu_read(vcpu_last) != vcpu->arch.serial) {
		this_cpu_write(vcpu_last, vcpu->arch.serial);
		x86_host_vcpu_switch();
	}
	x86_clock_load(vcpu, cpu);
	if (vcpu->arch.lapic)
		lapic_vcpu_load(vcpu);
}

void x86_vcpu_put(struct vcpu *vcpu)
{
	x86_clock_put(vcpu);
	x86_host_vcpu_leave();
}

/* --- requests ---------------------------------------------------------------------- */

static int serve_triple_fault(struct vcpu *vcpu)
{
	vcpu->arch.events.triple_fault = false;

	return vcpu_exit(vcpu, KVM_EXIT_SHUTDOWN);
}

static int serve_init_sipi(struct vcpu *vcpu)
{
	return x86_events_init_sipi(vcpu);
}

static int serve_nmi(struct vcpu *vcpu)
{
	x86_queue_nmi(vcpu);

	return RESUME_GUEST;
}

static int serve_clock(struct vcpu *vcpu)
{
	x86_clock_update(vcpu);

	return RESUME_GUEST;
}

static int serve_steal(struct vcpu *vcpu)
{
	x86_steal_update(vcpu);

	return RESUME_GUEST;
}

static int serve_tlb_guest(struct vcpu *vcpu)
{
	x86_op(tlb_flush)(vcpu);

	return RESUME_GUEST;
}

static int serve_scan_ioapic(struct vcpu *vcpu)
{
	lapic_scan_ioapic(vcpu);

	return RESUME_GUEST;
}

static int serve_ioapic_eoi(struct vcpu *vcpu)
{
	vcpu->run->eoi.vector = lapic_eoi_vector(vcpu);

	return vcpu_exit(vcpu, KVM_EXIT_IOAPIC_EOI);
}

static int serve_event(struct vcpu *vcpu)
{
	x86_events_recheck(vcpu);

	return RESUME_GUEST;
}

struct request_desc {
	u8		request;
	const char	*name;
	int		(*serve)(struct vcpu *vcpu);	/* as a handler */
};

/* Served in this order; one that goes to user space leaves the rest for later. */
static const struct request_desc requests[] = {
	{ REQ_TRIPLE_FAULT,	"triple-fault",	serve_triple_fault },
	{ REQ_IOAPIC_EOI,	"ioapic-eoi",	serve_ioapic_eoi },
	{ REQ_INIT_SIPI,	"init-sipi",	serve_init_sipi },
	{ REQ_SCAN_IOAPIC,	"scan-ioapic",	serve_scan_ioapic },
	{ REQ_CLOCK,		"clock",	serve_clock },
	{ REQ_STEAL,		"steal",	serve_steal },
	{ REQ_TLB_GUEST,	"tlb-guest",	serve_tlb_guest },
	{ REQ_NMI,		"nmi",		serve_nmi },
	{ REQ_EVENT,		"event",	serve_event },
};

static int requests_serve(struct vcpu *vcpu)
{
	int i, ret;

	if (likely(READ_ONCE(vcpu->requests) < BIT(REQ_ARCH)))
		return RESUME_GUEST;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		if (!vcpu_take_request(vcpu, requests[i].request))
			continue;
		ret = requests[i].serve(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}

	return RESUME_GUEST;
}

/* --- halting ------------------------------------------------------------------------ */

void x86_set_mp_state(struct vcpu *vcpu, u32 mp_state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	WRITE_ONCE(vcpu->mp_state, mp_state);
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);
}

/* Is there an interrupt, IF aside?  Any context. */
static bool vcpu_interrupt_pending(struct vcpu *vcpu)
{
	if (READ_ONCE(vcpu->arch.interrupt) >= 0)
		return true;
	if (!vcpu->arch.lapic)
		return false;
	if (lapic_interrupt(vcpu) >= 0)
		return true;

	return vcpu->vm->arch.pic && lapic_accepts_pic(vcpu) && pic_pending(vcpu->vm);
}

/*
 * Reads rflags, shadow and nmi_blocked: before a vCPU blocks, vcpu_wait() has
 * brought them in.
 */
bool x86_vcpu_runnable(struct vcpu *vcpu)
{
	const struct x86_events *events = &vcpu->arch.events;
	const struct x86_state *state = &vcpu->arch.state;

	if (READ_ONCE(events->init_sipi))
		return true;

	switch (READ_ONCE(vcpu->mp_state)) {
	case KVM_MP_STATE_RUNNABLE:
		return true;
	case KVM_MP_STATE_HALTED:
		break;
	default:
		return false;
	}

	if (READ_ONCE(events->pv_unhalted) || events->injected.type || events->exception.type)
		return true;
	if (READ_ONCE(events->nmi_pending) && !state->nmi_blocked)
		return true;

	return (state->rflags & X86_EFLAGS_IF) && !state->shadow && vcpu_interrupt_pending(vcpu);
}

/*
 * The vCPU does not run: sleep once.  If it still does not run then, because of a
 * request of core's, commit sends core round again.
 */
static int vcpu_wait(struct vcpu *vcpu)
{
	int ret;

	x86_need(vcpu, X86_RIP | X86_INTR);
	if (!x86_vcpu_runnable(vcpu))
		vcpu_halt(vcpu);

	ret = requests_serve(vcpu);
	if (ret != RESUME_GUEST)
		return ret;
	if (READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_HALTED && x86_vcpu_runnable(vcpu)) {
		WRITE_ONCE(vcpu->arch.events.pv_unhalted, false);
		x86_set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
	}
	if (READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_RUNNABLE && vcpu_interrupted(vcpu))
		return -EINTR;
	x86_events_recheck(vcpu);

	return RESUME_GUEST;
}

int x86_vcpu_prepare(struct vcpu *vcpu)
{
	int ret;

	ret = requests_serve(vcpu);
	if (ret != RESUME_GUEST)
		return ret;
	if (unlikely(READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_RUNNABLE)) {
		ret = vcpu_wait(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}

	return x86_events_user_window(vcpu);
}

/* Timers of a halted vCPU are the host's own already. */
void x86_vcpu_block(struct vcpu *vcpu)
{
}

void x86_vcpu_unblock(struct vcpu *vcpu)
{
}

/* --- past an instruction ---------------------------------------------------------------- */

u64 x86_skip_peek_slow(struct vcpu *vcpu)
{
	u64 next = vcpu->arch.exit.next_rip;
	int length;

	if (!next) {
		/* All at once: to find the length needs the mode, too. */
		x86_need(vcpu, X86_RIP | X86_CRS | X86_MODE);
		length = x86_insn_length(vcpu, false);
		if (!length)
			return 0;
		next = vcpu->arch.state.rip + length;
	}
	if ((next ^ vcpu->arch.state.rip) >> 32 && !x86_in_64bit(vcpu))
		next = (u32)next;

	return next;
}

int x86_skip_slow(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;
	u64 next = vcpu->arch.exit.next_rip;
	bool step;

	if (!next) {
		int length = x86_insn_length(vcpu, true);

		/* A fault is queued, or the code changed: it runs again. */
		if (!length)
			return RESUME_GUEST;
		next = x86_rip(vcpu) + length;
	}
	if (unlikely((next ^ x86_rip(vcpu)) >> 32) && !x86_in_64bit(vcpu))
		next = (u32)next;
	step = state->rflags & X86_EFLAGS_TF;
	x86_skip_to(vcpu, next);

	if (unlikely(step || vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP))
		return x86_events_step(vcpu, step);

	return RESUME_GUEST;
}

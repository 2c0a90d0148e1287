// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulation of single instructions: those that touch guest physical addresses
 * without memory, and string I/O.  Here is the frame: take the registers, fetch
 * and decode, run, take over the result.  exit.c calls it; the instructions
 * themselves are in emulate_*.c.
 *
 * Not emulated, because the hardware does it without an exit: everything that has
 * no memory operand, far transfers, descriptor tables, and system instructions.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>

#include "emulate_kernel.h"
#include "fetch.h"

/* --- what the instructions ask of the vCPU ------------------------------- */

bool emul_interrupted(struct x86_emulation *e)
{
	struct vcpu *vcpu = e->vcpu;

	return e->rflags & X86_EFLAGS_TF || READ_ONCE(vcpu->requests) || need_resched() ||
	       vcpu_interrupted(vcpu);
}

bool emul_has_popcnt(struct x86_emulation *e)
{
	return x86_guest_has(e->vcpu, X86_FEATURE_POPCNT);
}

bool emul_has_tzcnt(struct x86_emulation *e)
{
	return x86_guest_has(e->vcpu, X86_FEATURE_BMI1);
}

bool emul_has_lzcnt(struct x86_emulation *e)
{
	return x86_guest_has(e->vcpu, X86_FEATURE_ABM);
}

int emul_xmm_read(struct x86_emulation *e, int reg, void *data16)
{
	return x86_xmm_read(e->vcpu, reg, data16);
}

int emul_xmm_write(struct x86_emulation *e, int reg, const void *data16)
{
	return x86_xmm_write(e->vcpu, reg, data16);
}

/* --- begin and end ------------------------------------------------------- */

/* Width of the code segment in bytes. */
static u8 code_width(struct vcpu *vcpu)
{
	if (x86_in_64bit(vcpu))
		return 8;

	return vcpu->arch.state.seg[X86_CS].db ? 4 : 2;
}

static void emulate_begin(struct vcpu *vcpu, struct x86_emulation *e)
{
	struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_GPRS | X86_STACK | X86_RIP | X86_CRS | X86_SEGS);
	e->vcpu = vcpu;
	e->gpr = state->gpr;
	e->seg = state->seg;
	e->rflags = state->rflags;
	e->mode = code_width(vcpu);
	e->cpl = x86_cpl(vcpu);
	e->segmented = state->cr0 & X86_CR0_PE && !(state->rflags & X86_EFLAGS_VM);
	e->check_alignment = state->cr0 & X86_CR0_AM && state->rflags & X86_EFLAGS_AC &&
			     e->cpl == 3;
	e->canonical_shift = state->cr4 & X86_CR4_LA57 ? 64 - 57 : 64 - 48;
	e->gpr_changed = false;
	e->unfinished = false;
	e->rsp_bias = 0;
}

static int emulate_commit(struct vcpu *vcpu, struct x86_emulation *e)
{
	struct x86_state *state = &vcpu->arch.state;
	bool step = state->rflags & X86_EFLAGS_TF;

	if (!e->unfinished)
		state->rip = e->mode == 8 ? e->next_rip : (u32)e->next_rip;
	state->rflags = e->rflags & ~(u64)X86_EFLAGS_RF;
	x86_dirty(vcpu, X86_RIP);
	x86_need(vcpu, X86_INTR);
	if (state->shadow) {
		state->shadow = 0;
		x86_dirty(vcpu, X86_INTR);
	}

	if (unlikely(step || vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP))
		return x86_events_step(vcpu, step);

	return RESUME_GUEST;
}

static void emulate_inject(struct vcpu *vcpu, const struct emul_fault *fault)
{
	struct x86_fault x86_fault = {
		.vector		= fault->vector,
		.has_error	= fault->has_error,
		.error		= fault->error,
		.address	= fault->address,
	};

	x86_inject_fault(vcpu, &x86_fault);
}

/*
 * A program of the guest must not be able to end the VM, so it gets #UD.  The
 * guest's kernel gets the attention of user space.
 */
static int emulate_unknown(struct vcpu *vcpu, struct x86_emulation *e)
{
	struct {
		u64	flags;
		u8	size;
		u8	bytes[INSN_MAX_LENGTH];
	} report = {};

	if (e->cpl == 3)
		return x86_inject_ud(vcpu);
	if (e->byte_count) {
		report.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		report.size = e->byte_count;
		memcpy(report.bytes, e->bytes, e->byte_count);
	}

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_EMULATION, (u64 *)&report,
				  sizeof(report) / sizeof(u64));
}

static int emulate_end(struct vcpu *vcpu, struct x86_emulation *e, int ret)
{
	/* Iterations of REP that are complete count in any case. */
	if (e->gpr_changed)
		x86_dirty(vcpu, X86_GPRS | X86_STACK);

	switch (ret) {
	case EMUL_OK:
		vcpu->arch.stats.emulated++;
		return emulate_commit(vcpu, e);
	case EMUL_FAULT:
		emulate_inject(vcpu, &e->fault);
		return RESUME_GUEST;
	case EMUL_EXIT:
		return EXIT_TO_USER;
	case EMUL_RETRY:
		return RESUME_GUEST;
	case EMUL_UNKNOWN:
		return emulate_unknown(vcpu, e);
	default:
		return ret;
	}
}

/* --- fetch --------------------------------------------------------------- */

/* Bytes of the instruction, inside one page.  EMUL_*. */
static int fetch_page(struct vcpu *vcpu, gva_t linear, u8 *bytes, int count,
		      struct x86_fault *fault)
{
	gpa_t gpa;
	int ret = x86_walk(vcpu, linear, X86_ACCESS_EXEC, &gpa, fault);

	if (ret)
		return ret > 0 ? EMUL_FAULT : EMUL_UNKNOWN;

	return guest_read(vcpu, gpa, bytes, count) ? EMUL_UNKNOWN : EMUL_OK;
}

/* Fetch and decode; @count of @bytes are known then.  EMUL_*. */
static int fetch(struct vcpu *vcpu, struct x86_insn *insn, u8 mode, u8 *bytes, u8 *count,
		 struct x86_fault *fault)
{
	gva_t linear = x86_linear_rip(vcpu), next;
	int room = PAGE_SIZE - offset_in_page(linear);
	int ret, err;

	*count = 0;
	ret = fetch_page(vcpu, linear, bytes, min(room, INSN_MAX_LENGTH), fault);
	if (ret)
		return ret;
	*count = min(room, INSN_MAX_LENGTH);
	err = x86_insn_decode(insn, bytes, *count, mode);
	if (err == -ENODATA) {
		next = linear + room;
		if (mode != 8)
			next = (u32)next;
		ret = fetch_page(vcpu, next, bytes + room, INSN_MAX_LENGTH - room, fault);
		if (ret)
			return ret;
		*count = INSN_MAX_LENGTH;
		err = x86_insn_decode(insn, bytes, *count, mode);
	}
	if (!err)
		return EMUL_OK;
	if (err == -E2BIG)
		*fault = (struct x86_fault){ .vector = X86_TRAP_GP, .has_error = true };
	else
		*fault = (struct x86_fault){ .vector = X86_TRAP_UD };

	return EMUL_FAULT;
}

static int emulate_decode(struct vcpu *vcpu, struct x86_emulation *e)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	struct x86_fault fault;
	int ret;

	e->byte_count = min_t(u8, exit->insn_count, INSN_MAX_LENGTH);
	if (e->byte_count) {
		memcpy(e->bytes, exit->insn, e->byte_count);
		if (!x86_insn_decode(&e->insn, e->bytes, e->byte_count, e->mode))
			return EMUL_OK;
	}
	ret = fetch(vcpu, &e->insn, e->mode, e->bytes, &e->byte_count, &fault);
	if (ret == EMUL_FAULT)
		e->fault = (struct emul_fault){
			.vector		= fault.vector,
			.has_error	= fault.has_error,
			.error		= fault.error,
			.address	= fault.address,
		};

	return ret;
}

/* --- entry points -------------------------------------------------------- */

static struct x86_emulation *emulate_get(struct vcpu *vcpu)
{
	if (likely(vcpu->arch.emulation))
		return vcpu->arch.emulation;
	vcpu->arch.emulation = kzalloc(sizeof(struct x86_emulation), GFP_KERNEL_ACCOUNT);

	return vcpu->arch.emulation;
}

void x86_emulate_free(struct vcpu *vcpu)
{
	struct x86_emulation *e = vcpu->arch.emulation;

	if (!e)
		return;
	free_page((unsigned long)e->io_page);
	kfree(e);
	vcpu->arch.emulation = NULL;
}

int x86_emulate_at(struct vcpu *vcpu, gpa_t gpa, bool write)
{
	struct x86_emulation *e = emulate_get(vcpu);
	int ret;

	if (!e)
		return -ENOMEM;
	emulate_begin(vcpu, e);
	emul_log_drop(e);
	e->hint_gpa = gpa;
	e->hint_write = write;
	e->rip = vcpu->arch.state.rip;
	e->cs_base = vcpu->arch.state.seg[X86_CS].base;
	ret = emulate_decode(vcpu, e);
	if (!ret) {
		e->next_rip = e->rip + e->insn.length;
		ret = emul_run(e);
	}

	return emulate_end(vcpu, e, ret);
}

int x86_emulate(struct vcpu *vcpu)
{
	return x86_emulate_at(vcpu, GPA_INVALID, false);
}

int x86_emulate_resume(struct vcpu *vcpu)
{
	struct x86_emulation *e = vcpu->arch.emulation;
	struct x86_state *state = &vcpu->arch.state;

	emulate_begin(vcpu, e);
	/* User space has put the vCPU elsewhere (a reset): nothing to finish. */
	if (state->rip != e->rip || state->seg[X86_CS].base != e->cs_base ||
	    e->mode != e->insn.mode)
		return RESUME_GUEST;
	emul_log_replay(e);
	e->hint_gpa = GPA_INVALID;
	e->next_rip = e->rip + e->insn.length;

	return emulate_end(vcpu, e, emul_run(e));
}

/* --- length -------------------------------------------------------------- */

static __always_inline int fetch_peek(hva_t hva, u32 *bytes)
{
	int err;

	pagefault_disable();
	err = __get_user(*bytes, (const u32 __user *)hva);
	pagefault_enable();

	return err;
}

/*
 * A stale translation will do: it could mislead only if the guest has put another
 * page there, which has the same instruction at the same place and a prefix before
 * it.  While the slots are of the same generation, the page is where it was in this
 * process, so neither they nor the guest's tables have to be looked at.
 */
u64 x86_insn_next_expected(struct vcpu *vcpu, u64 rip, u64 cs_base, u64 cr3, u32 opcode,
			   int length)
{
	hva_t hva = x86_fetch_hva(vcpu, rip, cs_base, cr3, sizeof(u32));
	u32 bytes;

	if (!hva || fetch_peek(hva, &bytes))
		return 0;

	return (bytes ^ opcode) << (32 - 8 * length) ? 0 : rip + length;
}

/* Inside one page; the common ones need three bytes. */
static int length_nofault(struct vcpu *vcpu)
{
	gva_t linear = x86_linear_rip(vcpu);
	int room = PAGE_SIZE - offset_in_page(linear), length;
	struct x86_insn insn;
	u8 bytes[16];
	gpa_t gpa;

	x86_need(vcpu, X86_CRS);
	if (room < 4 || x86_walk_nofault(vcpu, linear, X86_ACCESS_EXEC, &gpa) ||
	    guest_read_nofault(vcpu, gpa, bytes, 4))
		return 0;
	length = x86_insn_length_common(bytes, 4);
	if (length)
		return length;
	room = min(room, INSN_MAX_LENGTH);
	if (guest_read_nofault(vcpu, gpa, bytes, room))
		return 0;

	return x86_insn_decode(&insn, bytes, room, code_width(vcpu)) ? 0 : insn.length;
}

int x86_insn_length(struct vcpu *vcpu, bool may_sleep)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	u8 bytes[INSN_MAX_LENGTH], count;
	struct x86_fault fault;
	struct x86_insn insn;
	int length;

	if (exit->insn_count) {
		count = min_t(u8, exit->insn_count, INSN_MAX_LENGTH);
		if (!x86_insn_decode(&insn, exit->insn, count, code_width(vcpu)))
			return insn.length;
	}
	length = length_nofault(vcpu);
	if (length || !may_sleep)
		return length;

	switch (fetch(vcpu, &insn, code_width(vcpu), bytes, &count, &fault)) {
	case EMUL_OK:
		return insn.length;
	case EMUL_FAULT:
		x86_inject_fault(vcpu, &fault);
	}

	return 0;
}

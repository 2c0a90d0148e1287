// SPDX-License-Identifier: GPL-2.0-only
/*
 * The short way for what drivers do to device registers: a MOV in 64-bit mode whose
 * one memory operand is the page that the exit told.  Whatever is not as simple as
 * that is left to the emulator proper (emulate.c), of which this knows nothing.
 *
 * The bytes come by way of the page of code that was remembered, if the guest's
 * tables still lead there: the entries on the way are compared, not walked.
 */
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>

#include "emulate_mov.h"
#include "fetch.h"
#include "lapic.h"

/* --- fetch --------------------------------------------------------------- */

/* The bytes at RIP, of which X86_MOV_BYTES are in the page; false: not that way. */
static __always_inline bool mov_fetch(struct vcpu *vcpu, u64 bytes[X86_MOV_BYTES / 8])
{
	const struct x86_state *state = &vcpu->arch.state;
	const struct x86_fetch *fetch = x86_fetch(vcpu, state->rip);
	hva_t hva = x86_fetch_hva(vcpu, state->rip, state->cs_base, state->cr3, X86_MOV_BYTES);
	const u64 __user *code = (const u64 __user *)hva;
	const struct x86_fetch_step *step = fetch->step, *end = step + fetch->steps;
	u64 entry;

	if (!hva || step == end)
		return false;

	/* A slot's addresses are all user space's: one look at one of them is enough. */
	pagefault_disable();
	if (!user_access_begin(code, X86_MOV_BYTES))
		goto out_enable;
	for (; step < end; step++) {
		unsafe_get_user(entry, (const u64 __user *)step->hva, out_end);
		if (entry != step->entry)
			goto out_end;
	}
	unsafe_get_user(bytes[0], code, out_end);
	unsafe_get_user(bytes[1], code + 1, out_end);
	user_access_end();
	pagefault_enable();

	return true;

out_end:
	user_access_end();
out_enable:
	pagefault_enable();

	return false;
}

/* Those that the exit told, or those at RIP.  False: neither. */
static __always_inline bool mov_bytes(struct vcpu *vcpu, u64 bytes[X86_MOV_BYTES / 8])
{
	const struct exit_info *exit = &vcpu->arch.exit;

	if (exit->insn_count != sizeof(exit->insn))
		return mov_fetch(vcpu, bytes);
	memcpy(bytes, exit->insn, sizeof(exit->insn));
	((u8 *)bytes)[X86_MOV_BYTES - 1] = 0;

	return true;
}

/* Is it a MOV whose operand is what the exit said, whole and in one page? */
static __always_inline bool mov_find(struct vcpu *vcpu, gpa_t gpa, bool write,
				     struct x86_mov *mov)
{
	struct x86_state *state = &vcpu->arch.state;
	struct x86_mov_form *form;
	u64 *bytes = mov->bytes;

	x86_need(vcpu, X86_GPRS | X86_STACK | X86_RIP | X86_INTR | X86_CRS | X86_MODE);
	/* #AC would be due for what is not aligned; and steps end otherwise. */
	if (state->rflags & (X86_EFLAGS_TF | X86_EFLAGS_AC) || vcpu->debug_flags ||
	    !(state->efer & EFER_LMA) || !state->cs_long || !mov_bytes(vcpu, bytes))
		return false;

	/* A driver has few instructions for its device. */
	form = &vcpu->arch.mov_form[state->rip % X86_MOV_FORMS];
	/* A pointer is what it is: no compiler has to work it out anew for each field. */
	OPTIMIZER_HIDE_VAR(form);
	if (unlikely(!x86_mov_known(bytes, form)) && !x86_mov_decode(bytes, form))
		return false;
	x86_mov_apply(form, state->gpr, state->rip, mov);

	return mov->write == write &&
	       offset_in_page(mov->address) == offset_in_page(gpa) &&
	       offset_in_page(gpa) + mov->size <= PAGE_SIZE &&
	       !((mov->next_rip ^ state->rip) >> 32);
}

/* --- run ----------------------------------------------------------------- */

/* What was read, into as much of the register as it changes. */
static void mov_give(struct vcpu *vcpu, const struct x86_mov *mov)
{
	u64 data = mov->data;

	if (mov->size < 8)
		data &= BIT_ULL(8 * mov->size) - 1;
	if (mov->reg_size < 4) {
		u64 mask = BIT_ULL(8 * mov->reg_size) - 1;

		data = (x86_gpr(vcpu, mov->reg) & ~mask) | (data & mask);
	}
	x86_set_gpr(vcpu, mov->reg, data);
}

/* What is not aligned is several accesses: 0, or an error and nothing done. */
static int mov_device(struct vcpu *vcpu, gpa_t gpa, struct x86_mov *mov)
{
	if (!IS_ALIGNED(gpa, mov->size))
		return -EWOULDBLOCK;
	if (mov->write)
		return iobus_write_atomic(vcpu, IOBUS_MMIO, gpa, mov->size, &mov->data);

	return iobus_read_atomic(vcpu, IOBUS_MMIO, gpa, mov->size, &mov->data);
}

int x86_fast_mov(struct vcpu *vcpu, gpa_t gpa, bool write)
{
	bool lapic = lapic_mmio_is_own(vcpu, gpa);
	/* None is under way while there are exits. */
	struct x86_mov *mov = &vcpu->arch.mov;

	if (vcpu->arch.events.injected.type || (lapic && !lapic_mmio_is_fast(gpa, write)) ||
	    (!lapic && !iobus_maybe(vcpu->vm, IOBUS_MMIO, gpa)) ||
	    !mov_find(vcpu, gpa, write, mov))
		return RESUME_GUEST;
	if (lapic)
		lapic_mmio_access(vcpu, gpa, mov->size, &mov->data, write);
	else if (mov_device(vcpu, gpa, mov))
		return RESUME_GUEST;
	if (!write)
		mov_give(vcpu, mov);
	x86_skip_to(vcpu, mov->next_rip);

	return REENTER;
}

static int mov_finish(struct vcpu *vcpu)
{
	struct x86_mov *mov = &vcpu->arch.mov;

	if (!mov->write)
		mov_give(vcpu, mov);
	vcpu->arch.exit.next_rip = mov->next_rip;

	return x86_skip(vcpu);
}

static int mov_complete(struct vcpu *vcpu)
{
	struct x86_mov *mov = &vcpu->arch.mov;
	const struct x86_state *state = &vcpu->arch.state;

	x86_need(vcpu, X86_RIP | X86_SEGS);
	/* User space has put the vCPU elsewhere (a reset): nothing to finish. */
	if (state->rip != mov->rip || state->seg[X86_CS].base != mov->cs_base)
		return RESUME_GUEST;

	return mov_finish(vcpu);
}

bool x86_mov(struct vcpu *vcpu, gpa_t gpa, bool write, int *ret)
{
	struct x86_mov *mov = &vcpu->arch.mov;

	if (!mov_find(vcpu, gpa, write, mov))
		return false;

	vcpu->arch.stats.emulated++;
	mov->rip = vcpu->arch.state.rip;
	mov->cs_base = vcpu->arch.state.cs_base;
	*ret = RESUME_GUEST;
	if (lapic_mmio_match(vcpu, gpa))
		lapic_mmio_access(vcpu, gpa, mov->size, &mov->data, write);
	else
		*ret = vcpu_mmio(vcpu, gpa, &mov->data, mov->size, write, mov_complete);
	if (*ret == RESUME_GUEST)
		*ret = mov_finish(vcpu);

	return true;
}

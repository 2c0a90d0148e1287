// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers, addresses and the stack of the instruction under emulation: what
 * comes before translation.
 */
#include <asm/processor-flags.h>
#include <linux/types.h>

#include "emulate.h"
#include "emulate_alu.h"

enum { VECTOR_SS = 12, VECTOR_GP = 13, VECTOR_AC = 17 };
enum { REG_RSP = 4 };

/* Bits of a segment's type. */
enum {
	TYPE_CODE	= 8,
	TYPE_EXPAND	= 4,	/* data: the limit is the lower end */
	TYPE_ACCESS	= 2,	/* data: writable; code: readable */
};

/* --- faults ----------------------------------------------------------------- */

int emul_fault(struct x86_emulation *e, u8 vector)
{
	e->fault = (struct emul_fault){ .vector = vector };

	return EMUL_FAULT;
}

int emul_fault_error(struct x86_emulation *e, u8 vector, u32 error)
{
	e->fault = (struct emul_fault){ .vector = vector, .has_error = true, .error = error };

	return EMUL_FAULT;
}

static int fault_segment(struct x86_emulation *e, int seg)
{
	return emul_fault_error(e, seg == X86_INSN_SS ? VECTOR_SS : VECTOR_GP, 0);
}

/* --- registers --------------------------------------------------------------- */

/* AH, CH, DH, BH, where no REX prefix makes SPL, BPL, SIL, DIL of them. */
static bool high_byte(const struct x86_emulation *e, u8 reg, u8 size)
{
	return size == 1 && reg >= 4 && reg < 8 && !e->insn.rex;
}

u64 emul_gpr(const struct x86_emulation *e, u8 reg, u8 size)
{
	reg &= 15;
	if (high_byte(e, reg, size))
		return (e->gpr[reg - 4] >> 8) & 0xff;

	return e->gpr[reg] & alu_mask(size);
}

void emul_set_gpr(struct x86_emulation *e, u8 reg, u8 size, u64 value)
{
	u64 mask = alu_mask(size);
	int shift = 0;

	reg &= 15;
	if (high_byte(e, reg, size)) {
		reg -= 4;
		shift = 8;
	}
	/* Four bytes clear the upper half, one and two keep what is above. */
	if (size >= 4)
		e->gpr[reg] = value & mask;
	else
		e->gpr[reg] = (e->gpr[reg] & ~(mask << shift)) | ((value & mask) << shift);
	e->gpr_changed = true;
}

void emul_set_address(struct x86_emulation *e, u8 reg, u8 size, u64 value)
{
	u64 mask = alu_mask(size);

	if (size == 2)
		e->gpr[reg] = (e->gpr[reg] & ~mask) | (value & mask);
	else
		e->gpr[reg] = value & mask;
	e->gpr_changed = true;
}

/* --- segmentation -------------------------------------------------------------- */

static bool canonical(const struct x86_emulation *e, u64 linear)
{
	int shift = e->canonical_shift;

	return (u64)((s64)(linear << shift) >> shift) == linear;
}

static bool segment_type_allows(const struct kvm_segment *s, bool write)
{
	if (s->unusable || !s->present)
		return false;
	if (s->type & TYPE_CODE)
		return !write && s->type & TYPE_ACCESS;

	return !write || s->type & TYPE_ACCESS;
}

static bool segment_contains(const struct kvm_segment *s, u64 offset, u64 last)
{
	if ((s->type & (TYPE_CODE | TYPE_EXPAND)) == TYPE_EXPAND)
		return offset > s->limit && last <= (s->db ? 0xffffffff : 0xffff);

	return last <= s->limit;
}

static int check_alignment(struct x86_emulation *e, u64 linear, u32 size)
{
	/* Only sizes that have an alignment: powers of two up to eight. */
	if (!e->check_alignment || size > 8 || !(linear & (size - 1)))
		return EMUL_OK;

	return emul_fault_error(e, VECTOR_AC, 0);
}

int emul_linear(struct x86_emulation *e, int seg, u64 offset, u32 size, bool write,
		u64 *linear)
{
	const struct kvm_segment *s = &e->seg[seg];
	u64 last = offset + size - 1;

	if (e->mode == 8) {
		*linear = seg >= X86_INSN_FS ? s->base + offset : offset;
		if (!canonical(e, *linear) || !canonical(e, *linear + size - 1))
			return fault_segment(e, seg);
		return check_alignment(e, *linear, size);
	}

	if (e->segmented && !segment_type_allows(s, write))
		return fault_segment(e, seg);
	if (!segment_contains(s, offset, last))
		return fault_segment(e, seg);
	*linear = (u32)(s->base + offset);

	return check_alignment(e, *linear, size);
}

u64 emul_offset(const struct x86_emulation *e)
{
	const struct x86_insn *insn = &e->insn;
	u64 offset = insn->displacement;

	if (insn->rip_relative)
		offset += e->next_rip;
	if (insn->base >= 0)
		offset += e->gpr[insn->base];
	if (insn->base == REG_RSP)
		offset += e->rsp_bias;
	if (insn->index >= 0)
		offset += e->gpr[insn->index] << insn->scale;

	return offset & alu_mask(insn->address_size);
}

int emul_jump(struct x86_emulation *e, u64 target)
{
	if (e->mode == 8 ? !canonical(e, target) : target > e->seg[X86_INSN_CS].limit)
		return emul_fault_error(e, VECTOR_GP, 0);
	e->next_rip = target;

	return EMUL_OK;
}

/* --- the stack ------------------------------------------------------------------- */

static u8 stack_size(const struct x86_emulation *e)
{
	if (e->mode == 8)
		return 8;

	return e->seg[X86_INSN_SS].db ? 4 : 2;
}

int emul_push_map(struct x86_emulation *e, u8 size, struct emul_span **span)
{
	u8 width = stack_size(e);
	u64 top = (emul_address(e, REG_RSP, width) - size) & alu_mask(width);

	return emul_map(e, X86_INSN_SS, top, size, EMUL_WRITE, span);
}

int emul_push(struct x86_emulation *e, const struct emul_span *span, u64 value)
{
	u8 width = stack_size(e);
	int ret = emul_store(e, span, &value);

	if (!ret)
		emul_set_address(e, REG_RSP, width,
				 emul_address(e, REG_RSP, width) - span->size);

	return ret;
}

int emul_pop(struct x86_emulation *e, u64 *value, u8 size)
{
	struct emul_span *span;
	int ret;

	*value = 0;
	ret = emul_map(e, X86_INSN_SS, emul_address(e, REG_RSP, stack_size(e)), size, 0,
		       &span);

	return ret ? ret : emul_load(e, span, value);
}

void emul_pop_commit(struct x86_emulation *e, u8 size)
{
	u8 width = stack_size(e);

	emul_set_address(e, REG_RSP, width, emul_address(e, REG_RSP, width) + size);
}

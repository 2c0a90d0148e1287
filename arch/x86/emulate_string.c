// SPDX-License-Identifier: GPL-2.0-only
/*
 * MOVS, CMPS, STOS, LODS and SCAS, with REP.  An iteration is a small instruction
 * of its own: when it is complete, RSI, RDI and RCX show it, and whatever comes
 * then (a fault, user space, an interrupt) finds the architecture's state.
 */
#include <asm/processor-flags.h>
#include <linux/types.h>

#include "emulate.h"
#include "emulate_alu.h"

enum { REG_RAX, REG_RCX, REG_RSI = 6, REG_RDI };

/* Iterations in one go; the guest then comes back for more. */
#define STRING_BATCH	1024

static int map_source(struct x86_emulation *e, struct emul_span **span)
{
	u64 offset = emul_address(e, REG_RSI, e->insn.address_size);

	return emul_map(e, e->insn.segment, offset, e->insn.operand_size, 0, span);
}

/* RDI is always in ES. */
static int map_target(struct x86_emulation *e, u8 access, struct emul_span **span)
{
	u64 offset = emul_address(e, REG_RDI, e->insn.address_size);

	return emul_map(e, X86_INSN_ES, offset, e->insn.operand_size, access, span);
}

static void advance(struct x86_emulation *e, u8 reg)
{
	s64 step = e->rflags & X86_EFLAGS_DF ? -(s64)e->insn.operand_size :
					      e->insn.operand_size;

	emul_set_address(e, reg, e->insn.address_size, e->gpr[reg] + step);
}

static int string_movs(struct x86_emulation *e)
{
	struct emul_span *source, *target;
	u64 value;
	int ret;

	ret = map_source(e, &source);
	if (!ret)
		ret = map_target(e, EMUL_WRITE, &target);
	if (!ret)
		ret = emul_load(e, source, &value);
	if (!ret)
		ret = emul_store(e, target, &value);
	if (!ret) {
		advance(e, REG_RSI);
		advance(e, REG_RDI);
	}

	return ret;
}

static int string_cmps(struct x86_emulation *e)
{
	struct emul_span *source, *target;
	u64 a = 0, b = 0;
	int ret;

	ret = map_source(e, &source);
	if (!ret)
		ret = map_target(e, 0, &target);
	if (!ret)
		ret = emul_load(e, source, &a);
	if (!ret)
		ret = emul_load(e, target, &b);
	if (!ret) {
		alu_binary(ALU_CMP, a, b, e->insn.operand_size, &e->rflags);
		advance(e, REG_RSI);
		advance(e, REG_RDI);
	}

	return ret;
}

static int string_stos(struct x86_emulation *e)
{
	struct emul_span *target;
	u64 value = e->gpr[REG_RAX];
	int ret;

	ret = map_target(e, EMUL_WRITE, &target);
	if (!ret)
		ret = emul_store(e, target, &value);
	if (!ret)
		advance(e, REG_RDI);

	return ret;
}

static int string_lods(struct x86_emulation *e)
{
	struct emul_span *source;
	u64 value = 0;
	int ret;

	ret = map_source(e, &source);
	if (!ret)
		ret = emul_load(e, source, &value);
	if (!ret) {
		emul_set_gpr(e, REG_RAX, e->insn.operand_size, value);
		advance(e, REG_RSI);
	}

	return ret;
}

static int string_scas(struct x86_emulation *e)
{
	struct emul_span *target;
	u64 value = 0;
	int ret;

	ret = map_target(e, 0, &target);
	if (!ret)
		ret = emul_load(e, target, &value);
	if (!ret) {
		alu_binary(ALU_CMP, e->gpr[REG_RAX], value, e->insn.operand_size, &e->rflags);
		advance(e, REG_RDI);
	}

	return ret;
}

static int string_once(struct x86_emulation *e)
{
	switch (e->insn.opcode & 0xfe) {
	case 0xa4:
		return string_movs(e);
	case 0xa6:
		return string_cmps(e);
	case 0xaa:
		return string_stos(e);
	case 0xac:
		return string_lods(e);
	default:
		return string_scas(e);
	}
}

/* REPE and REPNE of CMPS and SCAS end by ZF. */
static bool string_mismatch(const struct x86_emulation *e)
{
	u8 opcode = e->insn.opcode & 0xfe;
	bool zero = e->rflags & X86_EFLAGS_ZF;

	return (opcode == 0xa6 || opcode == 0xae) && zero != (e->insn.rep == 0xf3);
}

int emul_string(struct x86_emulation *e)
{
	u8 width = e->insn.address_size;
	u64 count;
	int n, ret;

	if (!e->insn.rep)
		return string_once(e);

	for (n = 0;; n++) {
		count = emul_address(e, REG_RCX, width);
		if (!count)
			return EMUL_OK;
		if (n && (n >= STRING_BATCH || emul_interrupted(e)))
			break;
		ret = string_once(e);
		if (ret)
			return ret;
		emul_set_address(e, REG_RCX, width, count - 1);
		emul_log_drop(e);
		if (string_mismatch(e))
			return EMUL_OK;
	}
	e->unfinished = true;

	return EMUL_OK;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The integer instructions.  Each handler follows the rule of emulate.h:
 * translate, load, store, and only then change registers and flags.
 */
#include <asm/processor-flags.h>
#include <linux/types.h>

#include "emulate.h"
#include "emulate_alu.h"

enum { VECTOR_DE = 0 };
enum { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP };

/* --- operand E ----------------------------------------------------------- */

int emul_rm_map(struct x86_emulation *e, u8 size, u8 access)
{
	if (!e->insn.has_memory)
		return EMUL_OK;

	return emul_map(e, e->insn.segment, emul_offset(e), size, access, &e->rm);
}

int emul_rm_load(struct x86_emulation *e, u8 size, u64 *value)
{
	int ret;

	if (!e->insn.has_memory) {
		*value = emul_gpr(e, e->insn.rm, size);
		return EMUL_OK;
	}
	*value = 0;
	ret = emul_load(e, e->rm, value);
	e->rm_old = *value;

	return ret;
}

int emul_rm_store(struct x86_emulation *e, u8 size, u64 value)
{
	if (!e->insn.has_memory) {
		emul_set_gpr(e, e->insn.rm, size, value);
		return EMUL_OK;
	}
	/* XCHG locks by itself. */
	if (e->insn.lock || e->insn.op == X86_OP_XCHG)
		return emul_exchange(e, e->rm, e->rm_old, value);

	return emul_store(e, e->rm, &value);
}

static int rm_map_load(struct x86_emulation *e, u8 size, u8 access, u64 *value)
{
	int ret = emul_rm_map(e, size, access);

	return ret ? ret : emul_rm_load(e, size, value);
}

/* Store the result to E; then its flags count. */
static int rm_finish(struct x86_emulation *e, u8 size, u64 value, u64 flags)
{
	int ret = emul_rm_store(e, size, value);

	if (!ret)
		e->rflags = flags;

	return ret;
}

/* --- moves --------------------------------------------------------------- */

/* A0..A3: the accumulator and an absolute offset. */
static int op_mov_moffs(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	bool store = e->insn.opcode & 2;
	u64 value;
	int ret;

	ret = emul_rm_map(e, size, store ? EMUL_WRITE : 0);
	if (ret)
		return ret;
	if (store)
		return emul_rm_store(e, size, emul_gpr(e, REG_RAX, size));

	ret = emul_rm_load(e, size, &value);
	if (!ret)
		emul_set_gpr(e, REG_RAX, size, value);

	return ret;
}

static bool mov_loads(const struct x86_insn *insn)
{
	return insn->map == X86_MAP_ONE && (insn->opcode == 0x8a || insn->opcode == 0x8b);
}

static int op_mov(struct x86_emulation *e)
{
	const struct x86_insn *insn = &e->insn;
	u8 size = insn->operand_size;
	u64 value;
	int ret;

	if (!insn->has_modrm)
		return op_mov_moffs(e);
	if (mov_loads(insn)) {
		ret = rm_map_load(e, size, 0, &value);
		if (!ret)
			emul_set_gpr(e, insn->reg, size, value);
		return ret;
	}
	if (insn->map == X86_MAP_ONE && insn->opcode >= 0xc6)
		value = insn->immediate;
	else				/* 88, 89, MOVNTI, MOVDIRI */
		value = emul_gpr(e, insn->reg, size);
	ret = emul_rm_map(e, size, EMUL_WRITE);

	return ret ? ret : emul_rm_store(e, size, value);
}

static u64 byte_swap(u64 value, u8 size)
{
	return __builtin_bswap64(value) >> (64 - 8 * size);
}

static int op_movbe(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	bool store = e->insn.opcode & 1;
	u64 value;
	int ret;

	if (store) {
		ret = emul_rm_map(e, size, EMUL_WRITE);
		value = byte_swap(emul_gpr(e, e->insn.reg, size), size);
		return ret ? ret : emul_rm_store(e, size, value);
	}
	ret = rm_map_load(e, size, 0, &value);
	if (!ret)
		emul_set_gpr(e, e->insn.reg, size, byte_swap(value, size));

	return ret;
}

/* MOVZX, MOVSX (0F B6, B7, BE, BF) and MOVSXD (63). */
static int op_mov_extend(struct x86_emulation *e)
{
	const struct x86_insn *insn = &e->insn;
	bool is_signed = insn->map == X86_MAP_ONE || insn->opcode & 8;
	u8 from, to = insn->operand_size;
	u64 value;
	int ret;

	if (insn->map == X86_MAP_ONE)
		from = to == 2 ? 2 : 4;
	else
		from = insn->opcode & 1 ? 2 : 1;
	ret = rm_map_load(e, from, 0, &value);
	if (!ret)
		emul_set_gpr(e, insn->reg, to, is_signed ? alu_sign_extend(value, from) : value);

	return ret;
}

/* To memory always two bytes; to a register as many as the operand has. */
static int op_mov_from_seg(struct x86_emulation *e)
{
	u8 seg = (e->insn.modrm >> 3) & 7;
	u8 size = e->insn.has_memory ? 2 : e->insn.operand_size;
	int ret;

	if (seg > X86_INSN_GS)
		return EMUL_UNKNOWN;
	ret = emul_rm_map(e, size, EMUL_WRITE);

	return ret ? ret : emul_rm_store(e, size, e->seg[seg].selector);
}

static int op_cmov(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u64 value;
	int ret;

	ret = rm_map_load(e, size, 0, &value);
	if (ret)
		return ret;
	/* Four bytes clear the upper half even if nothing is moved. */
	if (!alu_condition(e->insn.opcode & 15, e->rflags))
		value = emul_gpr(e, e->insn.reg, size);
	emul_set_gpr(e, e->insn.reg, size, value);

	return EMUL_OK;
}

static int op_setcc(struct x86_emulation *e)
{
	int ret = emul_rm_map(e, 1, EMUL_WRITE);

	return ret ? ret : emul_rm_store(e, 1, alu_condition(e->insn.opcode & 15, e->rflags));
}

static int op_xchg(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u64 value;
	int ret;

	ret = rm_map_load(e, size, EMUL_WRITE, &value);
	if (!ret)
		ret = emul_rm_store(e, size, emul_gpr(e, e->insn.reg, size));
	if (!ret)
		emul_set_gpr(e, e->insn.reg, size, value);

	return ret;
}

/* AL from DS:[RBX + AL]. */
static int op_xlat(struct x86_emulation *e)
{
	u64 offset = e->gpr[REG_RBX] + (e->gpr[REG_RAX] & 0xff), value = 0;
	struct emul_span *span;
	int ret;

	ret = emul_map(e, e->insn.segment, offset & alu_mask(e->insn.address_size), 1, 0, &span);
	if (!ret)
		ret = emul_load(e, span, &value);
	if (!ret)
		emul_set_gpr(e, REG_RAX, 1, value);

	return ret;
}

/* --- arithmetic ---------------------------------------------------------- */

static int op_alu(struct x86_emulation *e)
{
	const struct x86_insn *insn = &e->insn;
	bool group = insn->opcode >= 0x80, to_reg = !group && insn->opcode & 2;
	u8 op = group ? (insn->modrm >> 3) & 7 : insn->opcode >> 3;
	bool compare = op == ALU_CMP;
	u64 flags = e->rflags, value, other;
	u8 size = insn->operand_size;
	int ret;

	ret = rm_map_load(e, size, to_reg || compare ? 0 : EMUL_WRITE, &value);
	if (ret)
		return ret;
	other = group ? (u64)insn->immediate : emul_gpr(e, insn->reg, size);
	if (to_reg)
		value = alu_binary(op, other, value, size, &flags);
	else
		value = alu_binary(op, value, other, size, &flags);
	if (!compare && !to_reg)
		return rm_finish(e, size, value, flags);

	if (!compare)
		emul_set_gpr(e, insn->reg, size, value);
	e->rflags = flags;

	return EMUL_OK;
}

static int op_test(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u64 value;
	int ret = rm_map_load(e, size, 0, &value);

	if (!ret)
		alu_binary(ALU_AND, value, emul_gpr(e, e->insn.reg, size), size, &e->rflags);

	return ret;
}

/* What multiplication and division have in AX, DX:AX, EDX:EAX, RDX:RAX. */
static void wide_get(struct x86_emulation *e, u8 size, u64 *high, u64 *low)
{
	*low = emul_gpr(e, REG_RAX, size);
	if (size == 1)
		*high = (e->gpr[REG_RAX] >> 8) & 0xff;
	else
		*high = emul_gpr(e, REG_RDX, size);
}

static void wide_set(struct x86_emulation *e, u8 size, u64 high, u64 low)
{
	if (size == 1) {
		emul_set_gpr(e, REG_RAX, 2, high << 8 | low);
		return;
	}
	emul_set_gpr(e, REG_RAX, size, low);
	emul_set_gpr(e, REG_RDX, size, high);
}

static int multiply_or_divide(struct x86_emulation *e, u8 op, u8 size, u64 value)
{
	u64 high, low, quotient, remainder;

	wide_get(e, size, &high, &low);
	if (op < 6) {
		low = alu_multiply(op == 5, low, value, size, &high, &e->rflags);
		wide_set(e, size, high, low);
		return EMUL_OK;
	}
	if (!alu_divide(op == 7, high, low, value, size, &quotient, &remainder))
		return emul_fault(e, VECTOR_DE);
	wide_set(e, size, remainder, quotient);

	return EMUL_OK;
}

/* TEST TEST NOT NEG MUL IMUL DIV IDIV */
static int op_group3(struct x86_emulation *e)
{
	u8 op = (e->insn.modrm >> 3) & 7, size = e->insn.operand_size;
	u64 value, flags = e->rflags;
	int ret;

	ret = rm_map_load(e, size, op == 2 || op == 3 ? EMUL_WRITE : 0, &value);
	if (ret)
		return ret;

	switch (op) {
	case 0:
	case 1:
		alu_binary(ALU_AND, value, e->insn.immediate, size, &e->rflags);
		return EMUL_OK;
	case 2:
		return emul_rm_store(e, size, ~value);
	case 3:
		value = alu_neg(value, size, &flags);
		return rm_finish(e, size, value, flags);
	default:
		return multiply_or_divide(e, op, size, value);
	}
}

/* 69, 6B: E by immediate; 0F AF: G by E. */
static int op_imul(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u64 value, other, high;
	int ret = rm_map_load(e, size, 0, &value);

	if (ret)
		return ret;
	if (e->insn.map == X86_MAP_ONE)
		other = e->insn.immediate;
	else
		other = emul_gpr(e, e->insn.reg, size);
	value = alu_multiply(true, value, other, size, &high, &e->rflags);
	emul_set_gpr(e, e->insn.reg, size, value);

	return EMUL_OK;
}

static int op_shift(struct x86_emulation *e)
{
	u8 op = (e->insn.modrm >> 3) & 7, size = e->insn.operand_size, count;
	u64 value, flags = e->rflags;
	int ret;

	if (e->insn.opcode < 0xd0)
		count = e->insn.immediate;
	else
		count = e->insn.opcode & 2 ? e->gpr[REG_RCX] : 1;
	ret = rm_map_load(e, size, EMUL_WRITE, &value);
	if (ret)
		return ret;
	value = alu_shift(op, value, count, size, &flags);

	return rm_finish(e, size, value, flags);
}

static int op_shift_double(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u8 count = e->insn.opcode & 1 ? e->gpr[REG_RCX] : e->insn.immediate;
	u64 value, flags = e->rflags;
	int ret;

	ret = rm_map_load(e, size, EMUL_WRITE, &value);
	if (ret)
		return ret;
	value = alu_shift_double(e->insn.opcode & 8, value, emul_gpr(e, e->insn.reg, size),
				 count, size, &flags);

	return rm_finish(e, size, value, flags);
}

/* --- bits ---------------------------------------------------------------- */

/* A bit number in a register reaches beyond a memory operand, both ways. */
static int bit_map(struct x86_emulation *e, s64 bit, u8 size, u8 access)
{
	u8 log2 = size == 2 ? 4 : size == 4 ? 5 : 6;
	u64 offset;

	if (!e->insn.has_memory)
		return EMUL_OK;
	offset = emul_offset(e) + (bit >> log2) * size;

	return emul_map(e, e->insn.segment, offset & alu_mask(e->insn.address_size), size,
			access, &e->rm);
}

static int op_bit(struct x86_emulation *e)
{
	bool immediate = e->insn.opcode == 0xba;
	u8 op = ((immediate ? e->insn.modrm : e->insn.opcode) >> 3) & 3;
	u8 size = e->insn.operand_size, access = op == BIT_TEST ? 0 : EMUL_WRITE;
	u64 value, flags = e->rflags;
	s64 bit;
	int ret;

	if (immediate) {
		if (!(e->insn.modrm & 0x20))
			return EMUL_UNKNOWN;
		bit = e->insn.immediate;
		ret = emul_rm_map(e, size, access);
	} else {
		bit = alu_sign_extend(emul_gpr(e, e->insn.reg, size), size);
		ret = bit_map(e, bit, size, access);
	}
	if (!ret)
		ret = emul_rm_load(e, size, &value);
	if (ret)
		return ret;
	value = alu_bit(op, value, bit & (8 * size - 1), &flags);
	if (op != BIT_TEST)
		return rm_finish(e, size, value, flags);
	e->rflags = flags;

	return EMUL_OK;
}

static int op_bit_scan(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	bool reverse = e->insn.opcode & 1;
	bool counts = e->insn.rep == 0xf3 &&
		      (reverse ? emul_has_lzcnt(e) : emul_has_tzcnt(e));
	u64 value;
	int ret = rm_map_load(e, size, 0, &value);

	if (ret)
		return ret;
	if (counts) {
		value = alu_count_zeroes(reverse, value, size, &e->rflags);
	} else {
		value = alu_scan(reverse, value, 0, size, &e->rflags);
		/* Of nothing: the register stays whole, upper half included. */
		if (e->rflags & X86_EFLAGS_ZF)
			return EMUL_OK;
	}
	emul_set_gpr(e, e->insn.reg, size, value);

	return EMUL_OK;
}

static int op_popcnt(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u64 value;
	int ret;

	if (e->insn.rep != 0xf3 || !emul_has_popcnt(e))
		return EMUL_UNKNOWN;
	ret = rm_map_load(e, size, 0, &value);
	if (!ret)
		emul_set_gpr(e, e->insn.reg, size, alu_popcnt(value, size, &e->rflags));

	return ret;
}

/* --- exchange ------------------------------------------------------------ */

static int op_xadd(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u64 value, sum, flags = e->rflags;
	int ret;

	ret = rm_map_load(e, size, EMUL_WRITE, &value);
	if (ret)
		return ret;
	sum = alu_binary(ALU_ADD, value, emul_gpr(e, e->insn.reg, size), size, &flags);
	/* With one register as both operands the sum wins. */
	if (!e->insn.has_memory)
		emul_set_gpr(e, e->insn.reg, size, value);
	ret = rm_finish(e, size, sum, flags);
	if (!ret && e->insn.has_memory)
		emul_set_gpr(e, e->insn.reg, size, value);

	return ret;
}

static int op_cmpxchg(struct x86_emulation *e)
{
	u8 size = e->insn.operand_size;
	u64 value, flags = e->rflags;
	bool equal;
	int ret;

	ret = rm_map_load(e, size, EMUL_WRITE, &value);
	if (ret)
		return ret;
	alu_binary(ALU_CMP, emul_gpr(e, REG_RAX, size), value, size, &flags);
	equal = flags & X86_EFLAGS_ZF;
	/* Memory is written in any case; a register only if it changes. */
	if (equal)
		ret = emul_rm_store(e, size, emul_gpr(e, e->insn.reg, size));
	else if (e->insn.has_memory)
		ret = emul_rm_store(e, size, value);
	if (ret)
		return ret;
	if (!equal)
		emul_set_gpr(e, REG_RAX, size, value);
	e->rflags = flags;

	return EMUL_OK;
}

/* CMPXCHG8B; 16 bytes are not a single access for us and not for MMIO. */
static int op_cmpxchg_wide(struct x86_emulation *e)
{
	u64 value, expected, wanted;
	int ret;

	if (!e->insn.has_memory || ((e->insn.modrm >> 3) & 7) != 1 || e->insn.operand_size == 8)
		return EMUL_UNKNOWN;
	ret = rm_map_load(e, 8, EMUL_WRITE, &value);
	if (ret)
		return ret;
	expected = emul_gpr(e, REG_RDX, 4) << 32 | emul_gpr(e, REG_RAX, 4);
	wanted = emul_gpr(e, REG_RBX, 4);
	wanted = emul_gpr(e, REG_RCX, 4) << 32 | wanted;
	ret = emul_rm_store(e, 8, value == expected ? wanted : value);
	if (ret)
		return ret;
	if (value == expected) {
		e->rflags |= X86_EFLAGS_ZF;
		return EMUL_OK;
	}
	e->rflags &= ~(u64)X86_EFLAGS_ZF;
	emul_set_gpr(e, REG_RAX, 4, value);
	emul_set_gpr(e, REG_RDX, 4, value >> 32);

	return EMUL_OK;
}

/* --- stack and branches -------------------------------------------------- */

/* FF /6, 50..57, 68, 6A. */
static int op_push(struct x86_emulation *e)
{
	const struct x86_insn *insn = &e->insn;
	u8 size = insn->operand_size;
	struct emul_span *span;
	u64 value;
	int ret = EMUL_OK;

	if (insn->mode == 8)
		size = insn->operand_prefix ? 2 : 8;
	if (insn->has_modrm)
		ret = emul_rm_map(e, size, 0);
	if (!ret)
		ret = emul_push_map(e, size, &span);
	if (ret)
		return ret;
	if (insn->has_modrm)
		ret = emul_rm_load(e, size, &value);
	else if (insn->opcode >= 0x68)
		value = insn->immediate;
	else
		value = emul_gpr(e, (insn->opcode & 7) | (insn->rex & X86_REX_B ? 8 : 0), size);

	return ret ? ret : emul_push(e, span, value);
}

/* 8F /0, 58..5F. */
static int op_pop(struct x86_emulation *e)
{
	const struct x86_insn *insn = &e->insn;
	u8 size = insn->operand_size;
	u64 value;
	int ret;

	if (!insn->has_modrm) {
		ret = emul_pop(e, &value, size);
		if (ret)
			return ret;
		emul_pop_commit(e, size);
		emul_set_gpr(e, (insn->opcode & 7) | (insn->rex & X86_REX_B ? 8 : 0), size,
			     value);
		return EMUL_OK;
	}
	if (insn->modrm & 0x38)
		return EMUL_UNKNOWN;
	/* The address is computed after RSP has moved. */
	e->rsp_bias = size;
	ret = emul_rm_map(e, size, EMUL_WRITE);
	if (!ret)
		ret = emul_pop(e, &value, size);
	if (!ret && insn->has_memory)
		ret = emul_rm_store(e, size, value);
	if (ret)
		return ret;
	emul_pop_commit(e, size);
	if (!insn->has_memory)
		emul_set_gpr(e, insn->rm, size, value);

	return EMUL_OK;
}

static int op_branch(struct x86_emulation *e, bool call)
{
	u8 size = e->mode == 8 ? 8 : e->insn.operand_size;
	u64 target, from = e->next_rip;
	struct emul_span *span = NULL;
	int ret;

	ret = emul_rm_map(e, size, 0);
	if (!ret && call)
		ret = emul_push_map(e, size, &span);
	if (!ret)
		ret = emul_rm_load(e, size, &target);
	if (!ret)
		ret = emul_jump(e, target);

	return !ret && call ? emul_push(e, span, from) : ret;
}

/* INC DEC CALL - JMP - PUSH; FE has the first two. */
static int op_group5(struct x86_emulation *e)
{
	u8 op = (e->insn.modrm >> 3) & 7, size = e->insn.operand_size;
	u64 value, flags = e->rflags;
	int ret;

	if (op > 1 && !(e->insn.opcode & 1))
		return EMUL_UNKNOWN;

	switch (op) {
	case 0:
	case 1:
		ret = rm_map_load(e, size, EMUL_WRITE, &value);
		if (ret)
			return ret;
		value = op ? alu_dec(value, size, &flags) : alu_inc(value, size, &flags);
		return rm_finish(e, size, value, flags);
	case 2:
	case 4:
		return op_branch(e, op == 2);
	case 6:
		return op_push(e);
	default:
		return EMUL_UNKNOWN;
	}
}

/* --- others -------------------------------------------------------------- */

/* CLFLUSH, CLFLUSHOPT, CLWB: there is no cache line to write back. */
static int op_fence(struct x86_emulation *e)
{
	u8 op = (e->insn.modrm >> 3) & 7;

	if (!e->insn.has_memory || e->insn.rep)
		return EMUL_UNKNOWN;

	return op == 7 || (op == 6 && e->insn.operand_prefix) ? EMUL_OK : EMUL_UNKNOWN;
}

static int op_lea(struct x86_emulation *e)
{
	if (!e->insn.has_memory)
		return EMUL_UNKNOWN;
	emul_set_gpr(e, e->insn.reg, e->insn.operand_size, emul_offset(e));

	return EMUL_OK;
}

static int op_nop(struct x86_emulation *e)
{
	return e->insn.has_memory ? EMUL_OK : EMUL_UNKNOWN;
}

/*
 * Direct calls by comparison: the compiler makes no jump table where indirect
 * branches are expensive, and MMIO is mostly MOV.
 */
int emul_run(struct x86_emulation *e)
{
	if (e->insn.op == X86_OP_MOV)
		return op_mov(e);

	switch (e->insn.op) {
	case X86_OP_ALU:		return op_alu(e);
	case X86_OP_BIT:		return op_bit(e);
	case X86_OP_BIT_SCAN:		return op_bit_scan(e);
	case X86_OP_CALL_JMP:		return op_group5(e);
	case X86_OP_CMOV:		return op_cmov(e);
	case X86_OP_CMPXCHG:		return op_cmpxchg(e);
	case X86_OP_CMPXCHG_WIDE:	return op_cmpxchg_wide(e);
	case X86_OP_FENCE:		return op_fence(e);
	case X86_OP_GROUP3:		return op_group3(e);
	case X86_OP_IMUL:		return op_imul(e);
	case X86_OP_LEA:		return op_lea(e);
	case X86_OP_MOVBE:		return op_movbe(e);
	case X86_OP_MOV_EXTEND:		return op_mov_extend(e);
	case X86_OP_MOV_FROM_SEG:	return op_mov_from_seg(e);
	case X86_OP_NOP:		return op_nop(e);
	case X86_OP_POP:		return op_pop(e);
	case X86_OP_POPCNT:		return op_popcnt(e);
	case X86_OP_PUSH:		return op_push(e);
	case X86_OP_SETCC:		return op_setcc(e);
	case X86_OP_SHIFT:		return op_shift(e);
	case X86_OP_SHIFT_DOUBLE:	return op_shift_double(e);
	case X86_OP_SSE_MOVE:		return emul_sse_move(e);
	case X86_OP_STRING:		return emul_string(e);
	case X86_OP_STRING_IO:		return emul_string_io(e);
	case X86_OP_TEST:		return op_test(e);
	case X86_OP_XADD:		return op_xadd(e);
	case X86_OP_XCHG:		return op_xchg(e);
	case X86_OP_XLAT:		return op_xlat(e);
	default:			return EMUL_UNKNOWN;
	}
}

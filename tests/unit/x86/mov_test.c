// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder of simple MOVs against the decoder of everything: whatever the former
 * takes, the latter sees the same way; and it takes what compilers make of device
 * registers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/string.h>

#include "double.h"
#include "tap.h"
#include "../../../arch/x86/insn_mov.c"

#define RIP	0x7654321000ULL

static u64 gpr[X86_GPR_COUNT];

/* The memory operand's address, from the fields of the other decoder. */
static u64 address_of(const struct x86_insn *insn)
{
	u64 address = insn->displacement;

	if (insn->rip_relative)
		return address + RIP + insn->length;
	if (insn->base >= 0)
		address += gpr[insn->base];
	if (insn->index >= 0)
		address += gpr[insn->index] << insn->scale;

	return address;
}

static bool is_immediate(const struct x86_insn *insn)
{
	return insn->map == X86_MAP_ONE && (insn->opcode & 0xfe) == 0xc6;
}

/* Of a MOVZX the operand is narrower than the register. */
static u8 memory_size(const struct x86_insn *insn)
{
	if (insn->op != X86_OP_MOV_EXTEND)
		return insn->operand_size;

	return insn->opcode & 1 ? 2 : 1;
}

static u64 low(u64 value, u8 size)
{
	return size == 8 ? value : value & ((1ULL << (8 * size)) - 1);
}

static bool agree(const u8 *bytes, const struct x86_mov *mov)
{
	struct x86_insn insn;
	bool write;

	if (x86_insn_decode(&insn, bytes, 15, 8) ||
	    (insn.op != X86_OP_MOV && insn.op != X86_OP_MOV_EXTEND))
		return false;
	write = insn.map == X86_MAP_ONE && insn.opcode != 0x8a && insn.opcode != 0x8b;
	if (!insn.has_memory || insn.address_size != 8 || insn.segment_prefix || insn.lock ||
	    insn.rep || RIP + insn.length != mov->next_rip || write != mov->write ||
	    memory_size(&insn) != mov->size || address_of(&insn) != mov->address)
		return false;
	if (is_immediate(&insn))
		return low(insn.immediate, mov->size) == low(mov->data, mov->size);
	/* AH to BH are not taken; with REX they are SPL to DIL. */
	if (insn.operand_size == 1 && insn.map == X86_MAP_ONE && !insn.rex && insn.reg >= 4)
		return false;

	return insn.reg == mov->reg && insn.operand_size == mov->reg_size &&
	       gpr[mov->reg] == mov->data;
}

/* Decoded, found again by its bytes, and with the registers of this test. */
static bool means(const u8 *bytes, struct x86_mov *mov)
{
	u64 words[X86_MOV_BYTES / 8];
	struct x86_mov_form form;
	bool taken;

	memcpy(words, bytes, sizeof(words));
	taken = x86_mov_decode(words, &form);
	if (taken != x86_mov_known(words, &form))
		return !taken;
	if (taken)
		x86_mov_apply(&form, gpr, RIP, mov);

	return taken;
}

static void any_bytes(void)
{
	static const u8 opcodes[] = { 0x88, 0x89, 0x8a, 0x8b, 0xc6, 0xc7, 0x0f, 0x8c };
	int i, j, taken = 0, wrong = 0;

	for (i = 0; i < 2000000; i++) {
		u8 bytes[X86_MOV_BYTES], at = 0;
		struct x86_mov mov = {};

		for (j = 0; j < X86_MOV_BYTES; j++)
			bytes[j] = rand() >> 8;
		/* Most are close to what is meant. */
		if (i % 4) {
			if (rand() & 0x100)
				bytes[at++] = 0x66;
			if (rand() & 0x100)
				bytes[at++] = 0x40 | (rand() >> 8 & 15);
			bytes[at++] = opcodes[rand() >> 8 & 7];
			if (bytes[at - 1] == 0x0f && i % 3)
				bytes[at++] = 0xb6 + (rand() >> 8 & 1);
		}
		if (!means(bytes, &mov))
			continue;
		taken++;
		if (agree(bytes, &mov))
			continue;
		if (!wrong++)
			printf("# %02x %02x %02x %02x %02x %02x %02x %02x\n", bytes[0], bytes[1],
			       bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
	}
	tap(taken > 100000 && !wrong, "both decoders see %d MOVs alike", taken);
}

static void taken(const char *bytes, const char *text)
{
	u8 copy[X86_MOV_BYTES] = {};
	struct x86_mov mov;

	memcpy(copy, bytes, strlen(bytes));
	tap(means(copy, &mov), "takes %s", text);
}

static void refused(const char *bytes, const char *text)
{
	u8 copy[X86_MOV_BYTES] = {};
	struct x86_mov mov;

	memcpy(copy, bytes, strlen(bytes));
	tap(!means(copy, &mov), "leaves %s", text);
}

int main(void)
{
	int i;

	srand(1);
	for (i = 0; i < X86_GPR_COUNT; i++)
		gpr[i] = (u64)rand() << 33 ^ (u64)rand() << 11 ^ rand();

	any_bytes();
	taken("\x8b\x07", "mov (%rdi),%eax");
	taken("\x89\x37", "mov %esi,(%rdi)");
	taken("\x8b\x04\x25\x30\xd0\x5f\xff", "mov 0xffffffffff5fd030,%eax");
	taken("\x66\x89\x47\x08", "mov %ax,8(%rdi)");
	taken("\x48\x89\x07", "mov %rax,(%rdi)");
	taken("\x44\x8a\x07", "mov (%rdi),%r8b");
	taken("\x0f\xb6\x07", "movzbl (%rdi),%eax");
	taken("\x41\x0f\xb7\x00", "movzwl (%r8),%eax");
	taken("\xc7\x87\xb0\x11\x11\x11\x22\x22\x22\x22", "movl $imm,disp(%rdi)");
	refused("\x8a\x27", "mov (%rdi),%ah");
	refused("\x65\x8b\x07", "a segment prefix");
	refused("\x67\x8b\x07", "an address prefix");
	refused("\xf0\x89\x07", "LOCK");
	refused("\x8b\xc7", "mov between registers");
	refused("\xc7\x4f\x11\x22", "C7 /1");
	refused("\x0f\xbe\x07", "movsbl");

	return tap_end();
}

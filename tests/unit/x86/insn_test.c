// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder: lengths against an assembler, operands against rows written by
 * hand, and properties that hold for any bytes.  With --stdin it reads lines
 * "mode length hexbytes text" instead (objdump-check).
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../../../arch/x86/insn.h"
#include "tap.h"

struct length_row {
	int		 mode;
	const char	*bytes;
	int		 length;
	const char	*text;
};

#define ROW(mode, bytes, length, text)	{ mode, bytes, length, text },
static const struct length_row length_rows[] = {
#include "insn_rows.h"
};
#undef ROW

static int decode(struct x86_insn *insn, const void *bytes, int count, int mode)
{
	u8 copy[15];

	/* On the heap's end, so that a sanitizer sees a read beyond @count. */
	u8 *exact = malloc(count ? count : 1);
	int ret;

	memcpy(copy, bytes, count);
	memcpy(exact, copy, count);
	ret = x86_insn_decode(insn, exact, count, mode);
	free(exact);

	return ret;
}

static void lengths(void)
{
	const int rows = sizeof(length_rows) / sizeof(length_rows[0]);
	int i, n, bad = 0, bad_short = 0;

	for (i = 0; i < rows; i++) {
		const struct length_row *row = &length_rows[i];
		struct x86_insn insn;
		int ret = decode(&insn, row->bytes, row->length, row->mode);

		if (ret || insn.length != row->length) {
			printf("# %s: got %d length %d, want %d\n", row->text, ret, insn.length,
			       row->length);
			bad++;
		}
		for (n = 0; n < row->length; n++)
			if (decode(&insn, row->bytes, n, row->mode) != -ENODATA)
				bad_short++;
		n = x86_insn_length_common((const u8 *)row->bytes, row->length);
		if (n && n != row->length) {
			printf("# %s: common length %d\n", row->text, n);
			bad++;
		}
	}
	tap(rows >= 300, "there are %d rows", rows);
	tap(!bad, "every row has the length the assembler gave it");
	tap(!bad_short, "every row cut short asks for more bytes");
}

struct operand_row {
	int		 mode, length;
	const char	*bytes;
	u8		 op, operand_size, address_size, reg, segment;
	s8		 base, index;
	u8		 scale;
	s64		 displacement, immediate;
	bool		 memory;
};

static const struct operand_row operand_rows[] = {
	/* mov %eax,(%rbx) */
	{ 8, 2, "\x89\x03", X86_OP_MOV, 4, 8, 0, 3, 3, -1, 0, 0, 0, true },
	/* mov %r9,-8(%rbp,%r12,4) */
	{ 8, 5, "\x4e\x89\x4c\xa5\xf8", X86_OP_MOV, 8, 8, 9, 2, 5, 12, 2, -8, 0, true },
	/* mov 0x10(%rip),%cx */
	{ 8, 7, "\x66\x8b\x0d\x10\x00\x00\x00", X86_OP_MOV, 2, 8, 1, 3, -1, -1, 0, 0x10, 0, true },
	/* movb $0x80,%gs:(%eax) */
	{ 8, 5, "\x65\x67\xc6\x00\x80", X86_OP_MOV, 1, 4, 0, 5, 0, -1, 0, 0, -128, true },
	/* mov %es:(%rbp),%eax: ES does not count in 64-bit mode */
	{ 8, 4, "\x26\x8b\x45\x00", X86_OP_MOV, 4, 8, 0, 2, 5, -1, 0, 0, 0, true },
	/* mov %fs:%es:(%rax): FS still counts */
	{ 8, 4, "\x64\x26\x8b\x00", X86_OP_MOV, 4, 8, 0, 4, 0, -1, 0, 0, 0, true },
	/* mov (%r12),%eax; (%r13): disp8 */
	{ 8, 4, "\x41\x8b\x04\x24", X86_OP_MOV, 4, 8, 0, 3, 12, -1, 0, 0, 0, true },
	{ 8, 4, "\x41\x8b\x45\x00", X86_OP_MOV, 4, 8, 0, 3, 13, -1, 0, 0, 0, true },
	/* mov 0x12345678(,%rcx,8),%eax */
	{ 8, 7, "\x8b\x04\xcd\x78\x56\x34\x12", X86_OP_MOV, 4, 8, 0, 3, -1, 1, 3, 0x12345678, 0, true },
	/* movabs 0x..,%al: all eight bytes */
	{ 8, 9, "\xa0\x88\x77\x66\x55\x44\x33\x22\x11", X86_OP_MOV, 1, 8, 0, 3, -1, -1, 0,
	  0x1122334455667788, 0, true },
	/* mov %eax,%ds:0x1234 */
	{ 2, 4, "\x66\xa3\x34\x12", X86_OP_MOV, 4, 2, 0, 3, -1, -1, 0, 0x1234, 0, true },
	/* mov %ax,(%bp): SS */
	{ 2, 3, "\x89\x46\x00", X86_OP_MOV, 2, 2, 0, 2, 5, -1, 0, 0, 0, true },
	/* mov (%bx,%si),%ax; (%bp,%di) */
	{ 2, 2, "\x8b\x00", X86_OP_MOV, 2, 2, 0, 3, 3, 6, 0, 0, 0, true },
	{ 2, 2, "\x8b\x03", X86_OP_MOV, 2, 2, 0, 2, 5, 7, 0, 0, 0, true },
	/* mov 0x8000,%ax and -2(%bx) */
	{ 2, 4, "\x8b\x06\x00\x80", X86_OP_MOV, 2, 2, 0, 3, -1, -1, 0, -0x8000, 0, true },
	{ 2, 3, "\x8b\x47\xfe", X86_OP_MOV, 2, 2, 0, 3, 3, -1, 0, -2, 0, true },
	/* big real mode: mov %fs:(%edi),%eax */
	{ 2, 5, "\x66\x67\x64\x8b\x07", X86_OP_MOV, 4, 4, 0, 4, 7, -1, 0, 0, 0, true },
	/* addr32 rep movsl %fs: */
	{ 2, 5, "\xf3\x66\x67\x64\xa5", X86_OP_STRING, 4, 4, 0, 4, -1, -1, 0, 0, 0, false },
	/* addl $-1,%cs:(%eax) in 32-bit mode */
	{ 4, 4, "\x2e\x83\x00\xff", X86_OP_ALU, 4, 4, 0, 1, 0, -1, 0, 0, -1, true },
	/* addw $0x8000,(%ebx) */
	{ 4, 5, "\x66\x81\x03\x00\x80", X86_OP_ALU, 2, 4, 0, 3, 3, -1, 0, 0, -0x8000, true },
	/* testl $1,(%esp): imm32, SS */
	{ 4, 7, "\xf7\x04\x24\x01\x00\x00\x00", X86_OP_GROUP3, 4, 4, 0, 2, 4, -1, 0, 0, 1, true },
	/* lock cmpxchg %ecx,(%ebx) */
	{ 4, 4, "\xf0\x0f\xb1\x0b", X86_OP_CMPXCHG, 4, 4, 1, 3, 3, -1, 0, 0, 0, true },
	/* movzbl (%rsi),%r8d */
	{ 8, 4, "\x44\x0f\xb6\x06", X86_OP_MOV_EXTEND, 4, 8, 8, 3, 6, -1, 0, 0, 0, true },
	/* movbe %rax,(%rdi) */
	{ 8, 5, "\x48\x0f\x38\xf1\x07", X86_OP_MOVBE, 8, 8, 0, 3, 7, -1, 0, 0, 0, true },
	/* movdqu %xmm9,(%rdi) */
	{ 8, 5, "\xf3\x44\x0f\x7f\x0f", X86_OP_SSE_MOVE, 4, 8, 9, 3, 7, -1, 0, 0, 0, true },
	/* vmovdqu %xmm9,(%r8) */
	{ 8, 5, "\xc4\x41\x7a\x7f\x08", X86_OP_SSE_MOVE, 4, 8, 9, 3, 8, -1, 0, 0, 0, true },
	/* les in 32-bit mode is no VEX; c5 f8 there is */
	{ 4, 2, "\xc4\x03", X86_OP_NONE, 4, 4, 0, 3, 3, -1, 0, 0, 0, true },
	{ 4, 4, "\xc5\xf8\x10\x03", X86_OP_SSE_MOVE, 4, 4, 0, 3, 3, -1, 0, 0, 0, true },
	/* pushq (%rsp): default 64 bits */
	{ 8, 3, "\xff\x34\x24", X86_OP_CALL_JMP, 4, 8, 6, 2, 4, -1, 0, 0, 0, true },
	/* popq (%rax) */
	{ 8, 2, "\x8f\x00", X86_OP_POP, 8, 8, 0, 3, 0, -1, 0, 0, 0, true },
	/* rep outsb */
	{ 4, 2, "\xf3\x6e", X86_OP_STRING_IO, 1, 4, 0, 3, -1, -1, 0, 0, 0, false },
	/* a REX that is not last does not count */
	{ 8, 4, "\x48\x66\x89\x03", X86_OP_MOV, 2, 8, 0, 3, 3, -1, 0, 0, 0, true },
};

static void operands(void)
{
	size_t i;

	for (i = 0; i < sizeof(operand_rows) / sizeof(operand_rows[0]); i++) {
		const struct operand_row *row = &operand_rows[i];
		struct x86_insn n;
		bool ok;

		ok = !decode(&n, row->bytes, row->length, row->mode) && n.length == row->length &&
		     n.op == row->op && n.operand_size == row->operand_size &&
		     n.address_size == row->address_size && n.reg == row->reg &&
		     n.segment == row->segment && n.base == row->base &&
		     n.index == row->index && n.scale == row->scale &&
		     n.displacement == row->displacement && n.immediate == row->immediate &&
		     n.has_memory == row->memory;
		tap(ok, "operands of row %zu", i);
	}
}

struct refusal_row {
	int		 mode;
	const char	*bytes;
	int		 count, want;
	const char	*text;
};

static const struct refusal_row refusal_rows[] = {
	{ 8, "\xf0\x89\x03", 3, -EINVAL, "lock mov" },
	{ 8, "\xf0\x01\xc3", 3, -EINVAL, "lock add to a register" },
	{ 8, "\xf0\x39\x03", 3, -EINVAL, "lock cmp" },
	{ 8, "\xf0\x83\x3b\x01", 4, -EINVAL, "lock cmp of group 1" },
	{ 8, "\xf0\x03\x03", 3, -EINVAL, "lock add from memory" },
	{ 8, "\xf0\x0f\xa3\x03", 4, -EINVAL, "lock bt" },
	{ 8, "\xf0\x0f\xba\x23\x01", 5, -EINVAL, "lock bt of group 8" },
	{ 8, "\xf0\xf6\x23", 3, -EINVAL, "lock mul" },
	{ 8, "\xf0\xff\x33", 3, -EINVAL, "lock push" },
	{ 8, "\xf0\x90", 2, -EINVAL, "lock nop" },
	{ 8, "\xf0\x0f\xa2", 3, -EINVAL, "lock cpuid" },
	{ 8, "\xf0\xf3\xa4", 3, -EINVAL, "lock movs" },
	{ 8, "\x06", 1, -EINVAL, "push es in 64-bit mode" },
	{ 8, "\x27", 1, -EINVAL, "daa in 64-bit mode" },
	{ 8, "\x9a\0\0\0\0\0\0", 7, -EINVAL, "lcall in 64-bit mode" },
	{ 8, "\x66\xc5\xf8\x10\x03", 5, -EINVAL, "66 before VEX" },
	{ 8, "\x48\xc5\xf8\x10\x03", 5, -EINVAL, "REX before VEX" },
	{ 8, "\xf3\xc5\xf8\x10\x03", 5, -EINVAL, "F3 before VEX" },
	{ 8, "\xc4\xe0\x78\x10\x03", 5, -EINVAL, "VEX map 0" },
	{ 8, "\x0f\x04", 2, -EINVAL, "0F 04" },
	{ 8, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 15, 0,
	  "14 prefixes and nop" },
	{ 8, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66", 15, -E2BIG,
	  "15 prefixes" },
	{ 8, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x03", 15, 0,
	  "13 prefixes and mov" },
	{ 8, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x43", 15, -E2BIG,
	  "13 prefixes and mov with displacement" },
};

static void refusals(void)
{
	size_t i;

	for (i = 0; i < sizeof(refusal_rows) / sizeof(refusal_rows[0]); i++) {
		const struct refusal_row *row = &refusal_rows[i];
		struct x86_insn insn;
		int ret = decode(&insn, row->bytes, row->count, row->mode);

		tap(ret == row->want, "%s: %d", row->text, ret);
	}
}

/* Whatever the bytes: no read beyond them, and the length is exactly what it needs. */
static void random_bytes(void)
{
	static const int modes[] = { 2, 4, 8 };
	int n, i, bad = 0, decoded = 0;

	srandom(1);
	for (n = 0; n < 2000000; n++) {
		struct x86_insn insn, again;
		int mode = modes[n % 3], ret;
		u8 bytes[15];

		for (i = 0; i < 15; i++)
			bytes[i] = random() >> 7;
		if (n & 8)
			bytes[0] = 0x0f;
		ret = decode(&insn, bytes, 15, mode);
		if (ret == -ENODATA || (ret && ret != -EINVAL && ret != -E2BIG))
			bad++;
		if (ret)
			continue;
		decoded++;
		if (insn.length < 1 || insn.length > 15 || insn.base > 15 || insn.index > 15 ||
		    insn.segment > 5 || insn.reg > 15 || insn.rm > 15 || insn.op >= X86_OP_COUNT)
			bad++;
		else if (decode(&again, bytes, insn.length, mode) ||
			 memcmp(&insn, &again, sizeof(insn)) ||
			 decode(&again, bytes, insn.length - 1, mode) != -ENODATA)
			bad++;
	}
	tap(!bad && decoded > n / 4, "random bytes: %d decoded", decoded);
}

static int check_stdin(void)
{
	char line[512], hex[64], text[256];
	int mode, length, bad = 0, good = 0;

	while (fgets(line, sizeof(line), stdin)) {
		struct x86_insn insn;
		u8 bytes[16] = {};
		unsigned int byte;
		int i, ret;

		if (sscanf(line, "%d %d %63s %255[^\n]", &mode, &length, hex, text) < 3)
			continue;
		for (i = 0; i < length && i < 15; i++) {
			sscanf(hex + 2 * i, "%2x", &byte);
			bytes[i] = byte;
		}
		ret = x86_insn_decode(&insn, bytes, length, mode);
		if (!ret && insn.length == length) {
			good++;
			continue;
		}
		if (bad++ < 20)
			printf("# mode %d %s (%s): got %d length %d, want %d\n", mode, hex, text,
			       ret, insn.length, length);
	}
	printf("# %d agree, %d differ\n", good, bad);

	return bad || !good;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--stdin"))
		return check_stdin();
	lengths();
	operands();
	refusals();
	random_bytes();

	return tap_end();
}

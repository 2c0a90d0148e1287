// SPDX-License-Identifier: GPL-2.0-only
/*
 * SSE moves between memory and an XMM register, and the AVX ones that store 128
 * bits of it.  AVX loads clear the upper part of a register that cannot be
 * reached here, so they stay unknown, and so do MMX, AVX with 256 bits and
 * AVX-512.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "emulate.h"

enum sse_kind {
	SSE_LOAD	= 1,	/* else a store */
	SSE_HIGH	= 2,	/* the upper eight bytes */
	SSE_MERGE	= 4,	/* a load keeps the rest of the register */
	SSE_ALIGNED	= 8,
	SSE_GPR		= 16,	/* size is that of a general register: MOVD, MOVQ */
};

/* Mandatory prefixes, as bits. */
enum { PP_NONE = 1, PP_66 = 2, PP_F3 = 4, PP_F2 = 8 };

struct sse_row {
	u8	map, opcode;
	u8	prefixes;
	u8	size;
	u8	kind;
};

static const struct sse_row sse_rows[] = {
	{ X86_MAP_0F, 0x10, PP_NONE | PP_66, 16, SSE_LOAD },		/* MOVUPS, MOVUPD */
	{ X86_MAP_0F, 0x10, PP_F3, 4, SSE_LOAD },			/* MOVSS */
	{ X86_MAP_0F, 0x10, PP_F2, 8, SSE_LOAD },			/* MOVSD */
	{ X86_MAP_0F, 0x11, PP_NONE | PP_66, 16, 0 },
	{ X86_MAP_0F, 0x11, PP_F3, 4, 0 },
	{ X86_MAP_0F, 0x11, PP_F2, 8, 0 },
	{ X86_MAP_0F, 0x12, PP_NONE | PP_66, 8, SSE_LOAD | SSE_MERGE },	/* MOVLPS, MOVLPD */
	{ X86_MAP_0F, 0x13, PP_NONE | PP_66, 8, 0 },
	{ X86_MAP_0F, 0x16, PP_NONE | PP_66, 8, SSE_LOAD | SSE_MERGE | SSE_HIGH },
	{ X86_MAP_0F, 0x17, PP_NONE | PP_66, 8, SSE_HIGH },
	{ X86_MAP_0F, 0x28, PP_NONE | PP_66, 16, SSE_LOAD | SSE_ALIGNED }, /* MOVAPS */
	{ X86_MAP_0F, 0x29, PP_NONE | PP_66, 16, SSE_ALIGNED },
	{ X86_MAP_0F, 0x2b, PP_NONE | PP_66, 16, SSE_ALIGNED },		/* MOVNTPS */
	{ X86_MAP_0F, 0x6e, PP_66, 4, SSE_LOAD | SSE_GPR },		/* MOVD, MOVQ */
	{ X86_MAP_0F, 0x6f, PP_66, 16, SSE_LOAD | SSE_ALIGNED },	/* MOVDQA */
	{ X86_MAP_0F, 0x6f, PP_F3, 16, SSE_LOAD },			/* MOVDQU */
	{ X86_MAP_0F, 0x7e, PP_66, 4, SSE_GPR },
	{ X86_MAP_0F, 0x7e, PP_F3, 8, SSE_LOAD },			/* MOVQ */
	{ X86_MAP_0F, 0x7f, PP_66, 16, SSE_ALIGNED },
	{ X86_MAP_0F, 0x7f, PP_F3, 16, 0 },
	{ X86_MAP_0F, 0xd6, PP_66, 8, 0 },				/* MOVQ */
	{ X86_MAP_0F, 0xe7, PP_66, 16, SSE_ALIGNED },			/* MOVNTDQ */
	{ X86_MAP_0F, 0xf0, PP_F2, 16, SSE_LOAD },			/* LDDQU */
	{ X86_MAP_0F38, 0x2a, PP_66, 16, SSE_LOAD | SSE_ALIGNED },	/* MOVNTDQA */
};

static const struct sse_row *sse_find(const struct x86_insn *insn)
{
	u8 prefix = PP_NONE;
	size_t i;

	/* F2 and F3 win over 66. */
	if (insn->rep)
		prefix = insn->rep == 0xf3 ? PP_F3 : PP_F2;
	else if (insn->operand_prefix)
		prefix = PP_66;
	for (i = 0; i < ARRAY_SIZE(sse_rows); i++) {
		const struct sse_row *row = &sse_rows[i];

		if (row->map == insn->map && row->opcode == insn->opcode &&
		    row->prefixes & prefix)
			return row;
	}

	return NULL;
}

static int sse_load(struct x86_emulation *e, const struct sse_row *row)
{
	u8 xmm[16] = {};
	int ret;

	if (row->kind & SSE_MERGE) {
		ret = emul_xmm_read(e, e->insn.reg, xmm);
		if (ret)
			return ret;
	}
	ret = emul_load(e, e->rm, xmm + (row->kind & SSE_HIGH ? 8 : 0));

	return ret ? ret : emul_xmm_write(e, e->insn.reg, xmm);
}

static int sse_store(struct x86_emulation *e, const struct sse_row *row)
{
	u8 xmm[16];
	int ret = emul_xmm_read(e, e->insn.reg, xmm);

	return ret ? ret : emul_store(e, e->rm, xmm + (row->kind & SSE_HIGH ? 8 : 0));
}

int emul_sse_move(struct x86_emulation *e)
{
	const struct x86_insn *insn = &e->insn;
	const struct sse_row *row = sse_find(insn);
	bool vex = insn->encoding == X86_ENCODING_VEX;
	u8 size, access = 0;
	int ret;

	if (!row || !insn->has_memory)
		return EMUL_UNKNOWN;
	if (vex && (row->kind & SSE_LOAD || insn->vector_bits))
		return EMUL_UNKNOWN;

	size = row->kind & SSE_GPR && insn->rex & X86_REX_W ? 8 : row->size;
	if (!(row->kind & SSE_LOAD))
		access |= EMUL_WRITE;
	if (row->kind & SSE_ALIGNED)
		access |= EMUL_ALIGNED;
	ret = emul_rm_map(e, size, access);
	if (ret)
		return ret;

	return row->kind & SSE_LOAD ? sse_load(e, row) : sse_store(e, row);
}

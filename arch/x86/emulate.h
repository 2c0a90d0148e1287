/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction under emulation, and what the files emulate*.c offer each other.
 *
 * An instruction may touch memory that user space serves, several times.  It is
 * decoded once and then run from its beginning as often as needed: every access
 * that is complete stands in a log, and a replay takes it from there.  So a
 * handler is straight code under one rule: translate all operands first, then
 * load, then store, and change registers last.
 *
 * Handlers know struct vcpu by name only and compile in user space
 * (tests/unit/x86); emulate.c, emulate_mem.c and emulate_io.c are what connects
 * them with a vCPU.
 */
#ifndef X86_EMULATE_H
#define X86_EMULATE_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "insn.h"

struct vcpu;

/* How a handler ends; negative: -errno of the host. */
enum {
	EMUL_OK,	/* done; or, with @unfinished, to be executed again */
	EMUL_FAULT,	/* @fault is to be injected */
	EMUL_EXIT,	/* user space has to serve an access first */
	EMUL_RETRY,	/* let the guest execute it again: it raced */
	EMUL_UNKNOWN,	/* cannot be emulated */
};

enum {
	EMUL_WRITE	= 1,	/* the operand is written (perhaps read, too) */
	EMUL_ALIGNED	= 2,	/* #GP unless it is aligned to its size */
};

#define EMUL_OPERAND_MAX	32	/* bytes */
#define EMUL_SPANS		3	/* operands of one instruction */
#define EMUL_ACCESSES		12	/* page-wise loads and stores of one */

/* A translated operand; the part behind @first bytes is in another page. */
struct emul_span {
	u64	linear;
	u64	gpa[2];
	u8	size, first;
	u8	access;
};

/* A load or store inside one page that is done, or that user space does now. */
struct emul_access {
	u64	gpa;
	u8	size;
	bool	write;
	u8	data[EMUL_OPERAND_MAX];
};

struct emul_fault {
	u8	vector;
	bool	has_error;
	u32	error;
	u64	address;	/* #PF */
};

struct x86_emulation {
	struct vcpu	*vcpu;
	struct x86_insn	 insn;

	/* The guest's registers: live, so written last. */
	u64		*gpr;
	const struct kvm_segment *seg;	/* by segment number */
	u64		 rip;		/* of the instruction */
	u64		 cs_base;	/* to notice that it is another one now */
	bool		 gpr_changed;

	/* Taken over when the handler ends with EMUL_OK. */
	u64		 rflags;
	u64		 next_rip;
	bool		 unfinished;	/* REP: RIP stays */

	/* What it runs under. */
	u8		 mode;		/* width of CS in bytes; 8: 64-bit mode */
	u8		 cpl;
	bool		 segmented;	/* protected mode: types are checked */
	bool		 check_alignment;
	u8		 canonical_shift;	/* 64 - width of linear addresses */

	struct emul_fault fault;

	/* Where the hardware has translated the operand to; GPA_INVALID: not said. */
	u64		 hint_gpa;
	bool		 hint_write;

	/* The memory operand of ModRM. */
	struct emul_span *rm;
	u64		 rm_old;	/* as loaded; for LOCK */
	u8		 rsp_bias;	/* POP: as if RSP were advanced already */

	/* The log: how much is known, and how far this run has come. */
	u8		 spans, spans_used;
	u8		 accesses, accesses_used;
	struct emul_span span[EMUL_SPANS];
	struct emul_access access[EMUL_ACCESSES];

	/* INS and OUTS: the batch under way. */
	u8		*io_page;	/* its data, one page; made on first use */
	u64		 io_gpa;	/* its memory, if it has several elements */
	u32		 io_count;	/* elements; 0: not begun */
	u32		 io_bytes;
	bool		 io_in;
	bool		 io_done;	/* the device has seen it */

	/* As fetched, for the report of a failure. */
	u8		 bytes[INSN_MAX_LENGTH];
	u8		 byte_count;
};

/* --- emulate_mem.c (a double in tests/unit/x86) ------------------------------ */

/*
 * Translate @size bytes at @offset of segment @seg; checks what hardware checks.
 * The span stays valid until the log is dropped.
 */
int emul_map(struct x86_emulation *e, int seg, u64 offset, u8 size, u8 access,
	     struct emul_span **span);
int emul_load(struct x86_emulation *e, const struct emul_span *span, void *data);
int emul_store(struct x86_emulation *e, const struct emul_span *span, const void *data);
/* Store atomically if memory still holds @old; EMUL_RETRY if not.  Up to 8 bytes. */
int emul_exchange(struct x86_emulation *e, const struct emul_span *span, u64 old, u64 new);

/* The instruction, or one iteration of REP, is complete. */
static inline void emul_log_drop(struct x86_emulation *e)
{
	e->spans = 0;
	e->spans_used = 0;
	e->accesses = 0;
	e->accesses_used = 0;
	e->io_count = 0;
	e->io_done = false;
}

/* Start over; what is in the log counts as done. */
static inline void emul_log_replay(struct x86_emulation *e)
{
	e->spans_used = 0;
	e->accesses_used = 0;
}

/* --- emulate.c (a double in tests/unit/x86) ------------------------------------ */

/* Should a repeated instruction pause for something else? */
bool emul_interrupted(struct x86_emulation *e);
bool emul_has_popcnt(struct x86_emulation *e);
bool emul_has_tzcnt(struct x86_emulation *e);
bool emul_has_lzcnt(struct x86_emulation *e);
int emul_xmm_read(struct x86_emulation *e, int reg, void *data16);
int emul_xmm_write(struct x86_emulation *e, int reg, const void *data16);

/* --- emulate_seg.c --------------------------------------------------------------- */

int emul_fault(struct x86_emulation *e, u8 vector);		/* without error code */
int emul_fault_error(struct x86_emulation *e, u8 vector, u32 error);
/* Segmentation: limits, types, canonical form.  EMUL_OK or EMUL_FAULT. */
int emul_linear(struct x86_emulation *e, int seg, u64 offset, u32 size, bool write,
		u64 *linear);
/* Offset of the memory operand of ModRM or moffs in its segment. */
u64 emul_offset(const struct x86_emulation *e);
/* Check a branch target, and go there. */
int emul_jump(struct x86_emulation *e, u64 target);
/* Translate the place below the top of the stack; then store there and move RSP. */
int emul_push_map(struct x86_emulation *e, u8 size, struct emul_span **span);
int emul_push(struct x86_emulation *e, const struct emul_span *span, u64 value);
/* Load from the top of the stack; emul_pop_commit() then moves RSP. */
int emul_pop(struct x86_emulation *e, u64 *value, u8 size);
void emul_pop_commit(struct x86_emulation *e, u8 size);

/* Registers by number and size in bytes; numbers 4..7 of size 1 as REX says. */
u64 emul_gpr(const struct x86_emulation *e, u8 reg, u8 size);
void emul_set_gpr(struct x86_emulation *e, u8 reg, u8 size, u64 value);
/* RCX, RSI, RDI, RSP as an address of @size bytes. */
static inline u64 emul_address(const struct x86_emulation *e, u8 reg, u8 size)
{
	return size == 8 ? e->gpr[reg] : e->gpr[reg] & ((1ull << (8 * size)) - 1);
}

void emul_set_address(struct x86_emulation *e, u8 reg, u8 size, u64 value);

/* --- emulate_op.c, emulate_string.c, emulate_sse.c, emulate_io.c ------------------ */

/* Run the decoded instruction. */
int emul_run(struct x86_emulation *e);
/* Operand E of ModRM: register or memory.  Map first. */
int emul_rm_map(struct x86_emulation *e, u8 size, u8 access);
int emul_rm_load(struct x86_emulation *e, u8 size, u64 *value);
int emul_rm_store(struct x86_emulation *e, u8 size, u64 value);

int emul_string(struct x86_emulation *e);
int emul_sse_move(struct x86_emulation *e);
int emul_string_io(struct x86_emulation *e);

#endif /* X86_EMULATE_H */

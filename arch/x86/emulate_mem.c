// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the instruction under emulation: translation, and loads and stores
 * that go to RAM or to devices, with the log that makes a replay possible.
 */
#include "emulate_kernel.h"

/* --- translation ----------------------------------------------------------------- */

static int translate_page(struct x86_emulation *e, u64 linear, u8 access, u64 *gpa)
{
	u32 how = access & EMUL_WRITE ? X86_ACCESS_WRITE : 0;
	struct x86_fault fault;
	int ret;

	ret = x86_walk(e->vcpu, linear, how, gpa, &fault);
	if (!ret)
		return EMUL_OK;
	if (ret < 0)			/* page tables where there is no memory */
		return EMUL_UNKNOWN;
	e->fault = (struct emul_fault){
		.vector		= fault.vector,
		.has_error	= fault.has_error,
		.error		= fault.error,
		.address	= fault.address,
	};

	return EMUL_FAULT;
}

/*
 * May the hardware's translation be taken?  Only if there is no other operand that
 * it could belong to, and if it was checked for what is wanted now.
 */
static bool hint_fits(const struct x86_emulation *e, const struct emul_span *span)
{
	const struct x86_insn *insn = &e->insn;

	if (e->hint_gpa == GPA_INVALID || !insn->has_memory || insn->op == X86_OP_POP ||
	    insn->op == X86_OP_CALL_JMP)
		return false;
	if (span->access & EMUL_WRITE && !e->hint_write)
		return false;

	return offset_in_page(span->linear) == offset_in_page(e->hint_gpa);
}

static int span_translate(struct x86_emulation *e, struct emul_span *span)
{
	u64 room = PAGE_SIZE - offset_in_page(span->linear), next;
	int ret;

	span->first = min_t(u64, span->size, room);
	if (span->first == span->size && hint_fits(e, span)) {
		span->gpa[0] = e->hint_gpa;
		return EMUL_OK;
	}
	ret = translate_page(e, span->linear, span->access, &span->gpa[0]);
	if (ret || span->first == span->size)
		return ret;
	next = span->linear + span->first;

	return translate_page(e, e->mode == 8 ? next : (u32)next, span->access, &span->gpa[1]);
}

int emul_map(struct x86_emulation *e, int seg, u64 offset, u8 size, u8 access,
	     struct emul_span **found)
{
	struct emul_span *span = &e->span[e->spans_used];
	u64 linear;
	int ret;

	if (e->spans_used == EMUL_SPANS)
		return EMUL_UNKNOWN;
	ret = emul_linear(e, seg, offset, size, access & EMUL_WRITE, &linear);
	if (ret)
		return ret;
	if (access & EMUL_ALIGNED && linear & (size - 1))
		return emul_fault_error(e, X86_TRAP_GP, 0);

	*found = span;
	if (e->spans_used < e->spans && span->linear == linear && span->size == size &&
	    span->access == access) {
		e->spans_used++;
		return EMUL_OK;
	}
	span->linear = linear;
	span->size = size;
	span->access = access;
	ret = span_translate(e, span);
	if (!ret)
		e->spans = ++e->spans_used;

	return ret;
}

#define EMUL_TRIES	8	/* looks at a slot that comes and goes */

/* --- access ------------------------------------------------------------------------ */

/* The next entry of the log; true if it says that this has been done. */
static bool log_next(struct x86_emulation *e, struct emul_access **found, u64 gpa, u8 size,
		     bool write)
{
	struct emul_access *access = &e->access[e->accesses_used];

	*found = access;
	if (e->accesses_used < e->accesses && access->gpa == gpa && access->size == size &&
	    access->write == write) {
		e->accesses_used++;
		return true;
	}
	/* User space has changed the registers: what follows is not the same any more. */
	e->accesses = e->accesses_used;
	access->gpa = gpa;
	access->size = size;
	access->write = write;

	return false;
}

static bool emul_is_ram(struct x86_emulation *e, u64 gpa, bool write)
{
	const struct memslot *slot = vcpu_memslot(e->vcpu, gpa_to_gfn(gpa));

	return slot && !(write && memslot_readonly(slot));
}

static int access_ram(struct x86_emulation *e, struct emul_access *access)
{
	if (access->write)
		return guest_write(e->vcpu, access->gpa, access->data, access->size);

	return guest_read(e->vcpu, access->gpa, access->data, access->size);
}

static int access_device(struct x86_emulation *e, struct emul_access *access)
{
	struct vcpu *vcpu = e->vcpu;
	int ret;

	/* Each vCPU has its own, wherever its base is: it is on no bus. */
	if (lapic_mmio_match(vcpu, access->gpa)) {
		lapic_mmio_access(vcpu, access->gpa, access->size, access->data, access->write);
		return EMUL_OK;
	}

	ret = vcpu_mmio(vcpu, access->gpa, access->data, access->size, access->write,
			x86_emulate_resume);
	if (ret == RESUME_GUEST)
		return EMUL_OK;
	if (ret < 0)
		return ret;
	/* It will be done, and its data be here, when x86_emulate_resume() is called. */
	e->accesses = e->accesses_used + 1;

	return EMUL_EXIT;
}

/*
 * Memory or a device: slots may come and go between the question and the access,
 * so a failure asks again.
 */
static int access_any(struct x86_emulation *e, struct emul_access *access)
{
	int tries;

	for (tries = 0; tries < EMUL_TRIES; tries++) {
		if (!emul_is_ram(e, access->gpa, access->write))
			return access_device(e, access);
		if (!access_ram(e, access))
			return EMUL_OK;
	}

	return vcpu_exit_memory_fault(e->vcpu, access->gpa, access->size);
}

/* One access inside one page. */
static int access_page(struct x86_emulation *e, u64 gpa, void *data, u8 size, bool write)
{
	struct emul_access *access;
	int ret;

	if (e->accesses_used == EMUL_ACCESSES)
		return EMUL_UNKNOWN;
	if (!log_next(e, &access, gpa, size, write)) {
		if (write)
			memcpy(access->data, data, size);
		ret = access_any(e, access);
		if (ret)
			return ret;
		e->accesses = ++e->accesses_used;
	}
	if (!write)
		memcpy(data, access->data, size);

	return EMUL_OK;
}

static int access_span(struct x86_emulation *e, const struct emul_span *span, void *data,
		       bool write)
{
	int ret = access_page(e, span->gpa[0], data, span->first, write);

	if (ret || span->first == span->size)
		return ret;

	return access_page(e, span->gpa[1], data + span->first, span->size - span->first, write);
}

int emul_load(struct x86_emulation *e, const struct emul_span *span, void *data)
{
	return access_span(e, span, data, false);
}

int emul_store(struct x86_emulation *e, const struct emul_span *span, const void *data)
{
	return access_span(e, span, (void *)data, true);
}

int emul_exchange(struct x86_emulation *e, const struct emul_span *span, u64 old, u64 new)
{
	struct emul_access *access;
	u64 gpa = span->gpa[0];
	u8 size = span->size;
	int err;

	/* A device has no atomic access, and neither has RAM across a boundary. */
	if (size > 8 || !IS_ALIGNED(gpa, size) || !emul_is_ram(e, gpa, true))
		return emul_store(e, span, &new);
	if (e->accesses_used == EMUL_ACCESSES)
		return EMUL_UNKNOWN;
	if (log_next(e, &access, gpa, size, true))
		return EMUL_OK;
	err = guest_cmpxchg(e->vcpu, gpa, old, new, size);
	if (err == -EAGAIN)
		return EMUL_RETRY;
	if (err) {
		/* As in access_any(); the plain store finds out for good. */
		e->accesses = e->accesses_used;
		return emul_store(e, span, &new);
	}
	e->accesses = ++e->accesses_used;

	return EMUL_OK;
}

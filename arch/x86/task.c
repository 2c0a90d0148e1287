// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches (SDM, "Task Management"): from one task-state segment to another, for
 * hardware that leaves all of it to us, as VT-x does.  What decides if there is a switch
 * at all (gates, privileges, limits) has been checked by the CPU; what it has read may
 * have changed since, so nothing here depends on that.
 *
 * Up to the point where registers change, a fault is one of the old task and nothing
 * has happened but writes to its own TSS; after it, of the new one.
 */
#include <linux/build_bug.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "x86.h"

/* How a step ends. */
enum {
	TASK_OK,
	TASK_FAULT,		/* it is queued */
	TASK_UNKNOWN,		/* there is no memory where it has to be */
};

#define TASK_GPRS	8	/* rax to rdi, in the order of their numbers */
#define TASK_SEGS	6	/* es cs ss ds fs gs, likewise */

struct task_tss32 {
	u32	link, stacks[6], cr3, eip, eflags;
	u32	gpr[TASK_GPRS];
	u32	seg[TASK_SEGS];
	u32	ldt;
	u16	trap, io_map;
};

struct task_tss16 {
	u16	link, stacks[6], ip, flags;
	u16	gpr[TASK_GPRS];
	u16	seg[4];
	u16	ldt;
};

static_assert(sizeof(struct task_tss32) == 104);
static_assert(sizeof(struct task_tss16) == 44);

/* Of one size; the contents stay raw. */
struct task_tss {
	union {
		struct task_tss32	w32;
		struct task_tss16	w16;
	};
};

struct task_desc {
	u64	raw;
	gva_t	address;
};

/* One switch under way. */
struct task {
	struct vcpu	*vcpu;
	struct x86_state *state;
	enum x86_task_source source;
	bool		 wide;		/* the new TSS is a 32-bit one */
	bool		 paging;
	struct x86_event event;		/* what was delivered through a gate, if anything */
	struct kvm_segment tr;		/* the new one */
	struct task_desc desc;		/* and where it is from */
	struct task_tss	 tss;
};

/* --- memory ----------------------------------------------------------------- */

static int task_access(struct task *task, gva_t gva, void *data, u32 size, bool write)
{
	u32 how = X86_ACCESS_SUPERVISOR | (write ? X86_ACCESS_WRITE : 0);
	struct x86_fault fault;
	u32 done, part;
	gpa_t gpa;
	int ret;

	for (done = 0; done < size; done += part) {
		part = min_t(u32, size - done, PAGE_SIZE - offset_in_page(gva + done));
		ret = x86_walk(task->vcpu, (u32)(gva + done), how, &gpa, &fault);
		if (ret > 0) {
			x86_inject_fault(task->vcpu, &fault);
			return TASK_FAULT;
		}
		if (!ret)
			ret = write ? guest_write(task->vcpu, gpa, data + done, part) :
				      guest_read(task->vcpu, gpa, data + done, part);
		if (ret)
			return TASK_UNKNOWN;
	}

	return TASK_OK;
}

static int task_fault(struct task *task, u8 vector, u16 selector)
{
	x86_queue_exception_error(task->vcpu, vector, selector & ~3);

	return TASK_FAULT;
}

/* --- descriptors ------------------------------------------------------------------ */

#define DESC_ACCESSED	BIT_ULL(40)
#define DESC_BUSY	BIT_ULL(41)

enum {
	TYPE_LDT	= 2,
	TYPE_TSS	= 1,		/* 16-bit, available */
	TYPE_WIDE	= 8,		/* the 32-bit one */
	TYPE_BUSY	= 2,
	TYPE_CODE	= 8,
	TYPE_CONFORMING	= 4,		/* code */
	TYPE_ACCESS	= 2,		/* data: writable; code: readable */
};

static void task_segment(struct kvm_segment *out, u64 raw, u16 selector)
{
	u32 limit = (raw & 0xffff) | (raw >> 32 & 0xf0000);

	*out = (struct kvm_segment) {
		.base		= (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000),
		.selector	= selector,
		.type		= raw >> 40 & 0xf,
		.s		= raw >> 44 & 1,
		.dpl		= raw >> 45 & 3,
		.present	= raw >> 47 & 1,
		.avl		= raw >> 52 & 1,
		.l		= raw >> 53 & 1,
		.db		= raw >> 54 & 1,
		.g		= raw >> 55 & 1,
	};
	out->limit = out->g ? limit << 12 | 0xfff : limit;
}

/* The descriptor of @selector; @vector is the fault if there is none. */
static int task_desc_read(struct task *task, u16 selector, u8 vector, struct task_desc *desc)
{
	const struct x86_state *state = task->state;
	const struct kvm_segment *ldt = &state->seg[X86_LDTR];
	u64 base = state->gdt.base;
	u32 limit = state->gdt.limit;

	if (selector & 4) {
		base = ldt->base;
		limit = ldt->limit;
		if (ldt->unusable || !ldt->present)
			return task_fault(task, vector, selector);
	}
	if ((selector | 7) > limit)
		return task_fault(task, vector, selector);
	desc->address = base + (selector & ~7);

	return task_access(task, desc->address, &desc->raw, sizeof(desc->raw), false);
}

/* Change the type of a descriptor in memory. */
static int task_desc_write(struct task *task, struct task_desc *desc, u64 raw)
{
	u8 type = raw >> 40;

	if (desc->raw == raw)
		return TASK_OK;
	desc->raw = raw;

	return task_access(task, desc->address + 5, &type, sizeof(type), true);
}

/* --- the old task ------------------------------------------------------------------- */

/* Where it is to go on. */
static u32 task_return_rip(struct task *task)
{
	const struct exit_info *exit = &task->vcpu->arch.exit;

	/* After the instruction, unless it was an event that came from elsewhere. */
	if (task->event.type || !exit->next_rip)
		return task->state->rip;

	return exit->next_rip;
}

static void task_save32(struct task *task, struct task_tss32 *tss, u32 flags)
{
	int i;

	tss->eip = task_return_rip(task);
	tss->eflags = flags;
	for (i = 0; i < TASK_GPRS; i++)
		tss->gpr[i] = task->state->gpr[i];
	for (i = 0; i < TASK_SEGS; i++)
		tss->seg[i] = task->state->seg[i].selector;
}

static void task_save16(struct task *task, struct task_tss16 *tss, u16 flags)
{
	int i;

	tss->ip = task_return_rip(task);
	tss->flags = flags;
	for (i = 0; i < TASK_GPRS; i++)
		tss->gpr[i] = task->state->gpr[i];
	for (i = 0; i < ARRAY_SIZE(tss->seg); i++)
		tss->seg[i] = task->state->seg[i].selector;
}

/* Only what a switch saves is written: a guest may keep the rest write-protected. */
static int task_save(struct task *task)
{
	const size_t first32 = offsetof(struct task_tss32, eip);
	const size_t first16 = offsetof(struct task_tss16, ip);
	const struct kvm_segment *tr = &task->state->seg[X86_TR];
	u32 flags = task->state->rflags;
	struct task_tss tss;

	if (task->source == X86_TASK_IRET)
		flags &= ~X86_EFLAGS_NT;
	memset(&tss, 0, sizeof(tss));
	if (tr->type & TYPE_WIDE) {
		task_save32(task, &tss.w32, flags);
		return task_access(task, tr->base + first32, &tss.w32.eip,
				   offsetof(struct task_tss32, ldt) - first32, true);
	}
	task_save16(task, &tss.w16, flags);

	return task_access(task, tr->base + first16, &tss.w16.ip,
			   offsetof(struct task_tss16, ldt) - first16, true);
}

/* JMP and IRET leave it for good: it is no longer busy. */
static int task_leave(struct task *task)
{
	u16 selector = task->state->seg[X86_TR].selector;
	struct task_desc desc;
	int ret;

	if (task->source != X86_TASK_JMP && task->source != X86_TASK_IRET)
		return TASK_OK;
	ret = task_desc_read(task, selector, X86_TRAP_TS, &desc);

	return ret ? ret : task_desc_write(task, &desc, desc.raw & ~DESC_BUSY);
}

/* --- the new task -------------------------------------------------------------------- */

static int task_find(struct task *task, u16 selector)
{
	bool busy = task->source == X86_TASK_IRET;
	struct kvm_segment *tr = &task->tr;
	u32 size;
	int ret;

	if (selector & 4)
		return task_fault(task, X86_TRAP_TS, selector);
	ret = task_desc_read(task, selector, X86_TRAP_TS, &task->desc);
	if (ret)
		return ret;
	task_segment(tr, task->desc.raw, selector);
	task->wide = tr->type & TYPE_WIDE;
	size = task->wide ? sizeof(task->tss.w32) : sizeof(task->tss.w16);
	if (tr->s || (tr->type & ~TYPE_WIDE) != (busy ? TYPE_TSS | TYPE_BUSY : TYPE_TSS) ||
	    tr->limit < size - 1)
		return task_fault(task, X86_TRAP_TS, selector);
	if (!tr->present)
		return task_fault(task, X86_TRAP_NP, selector);

	return task_access(task, tr->base, &task->tss, size, false);
}

/* The way back, and the mark that it is in use. */
static int task_enter(struct task *task)
{
	u16 link = task->state->seg[X86_TR].selector;
	int ret;

	if (task->source == X86_TASK_CALL || task->source == X86_TASK_GATE) {
		ret = task_access(task, task->tr.base, &link, sizeof(link), true);
		if (ret)
			return ret;
	}
	if (task->source == X86_TASK_IRET)
		return TASK_OK;

	return task_desc_write(task, &task->desc, task->desc.raw | DESC_BUSY);
}

/* From here on faults are the new task's.  Segments are only selectors yet. */
static void task_load(struct task *task)
{
	const struct task_tss32 *w32 = &task->tss.w32;
	const struct task_tss16 *w16 = &task->tss.w16;
	struct x86_state *state = task->state;
	u32 flags = task->wide ? w32->eflags : w16->flags;
	int i;

	state->rip = task->wide ? w32->eip : w16->ip;
	for (i = 0; i < TASK_GPRS; i++)
		state->gpr[i] = task->wide ? w32->gpr[i] : w16->gpr[i];
	for (i = 0; i < TASK_SEGS; i++)
		state->seg[i] = (struct kvm_segment) { .unusable = 1 };
	for (i = 0; i < (task->wide ? TASK_SEGS : ARRAY_SIZE(w16->seg)); i++)
		state->seg[i].selector = task->wide ? w32->seg[i] : w16->seg[i];
	state->seg[X86_LDTR] = (struct kvm_segment) {
		.selector = task->wide ? w32->ldt : w16->ldt, .unusable = 1,
	};
	state->seg[X86_TR] = task->tr;
	state->seg[X86_TR].type |= TYPE_BUSY;

	if (task->source == X86_TASK_CALL || task->source == X86_TASK_GATE)
		flags |= X86_EFLAGS_NT;
	state->rflags = (flags & 0x3f7fd5) | X86_EFLAGS_FIXED;
	state->cr0 |= X86_CR0_TS;
	state->dr7 &= ~0x155ULL;	/* breakpoints that are local to a task */
	state->shadow = 0;
	if (task->wide && task->paging) {
		state->cr3 = w32->cr3;
		x86_op(tlb_flush)(task->vcpu);
	}
}

/* --- its segments ------------------------------------------------------------------------ */

static int task_load_ldt(struct task *task)
{
	struct kvm_segment *ldt = &task->state->seg[X86_LDTR], found;
	u16 selector = ldt->selector;
	struct task_desc desc;
	int ret;

	if (!(selector & ~3))
		return TASK_OK;
	if (selector & 4)
		return task_fault(task, X86_TRAP_TS, selector);
	ret = task_desc_read(task, selector, X86_TRAP_TS, &desc);
	if (ret)
		return ret;
	task_segment(&found, desc.raw, selector);
	if (found.s || found.type != TYPE_LDT || !found.present)
		return task_fault(task, X86_TRAP_TS, selector);
	*ldt = found;

	return TASK_OK;
}

/* May @number be this?  @cpl: the new task's. */
static bool task_segment_fits(int number, const struct kvm_segment *s, u8 cpl)
{
	bool code = s->type & TYPE_CODE, conforming = code && (s->type & TYPE_CONFORMING);
	u8 rpl = s->selector & 3;

	if (!s->s)
		return false;
	if (number == X86_CS)
		return code && (conforming ? s->dpl <= cpl : s->dpl == cpl);
	if (number == X86_SS)
		return !code && (s->type & TYPE_ACCESS) && s->dpl == cpl && rpl == cpl;
	if (code && !(s->type & TYPE_ACCESS))
		return false;

	return conforming || s->dpl >= max(rpl, cpl);
}

static int task_load_segment(struct task *task, int number, u8 cpl)
{
	struct kvm_segment *segment = &task->state->seg[number], found;
	u16 selector = segment->selector;
	struct task_desc desc;
	int ret;

	if (!(selector & ~3)) {
		if (number == X86_CS || number == X86_SS)
			return task_fault(task, X86_TRAP_TS, selector);
		return TASK_OK;
	}
	ret = task_desc_read(task, selector, X86_TRAP_TS, &desc);
	if (ret)
		return ret;
	task_segment(&found, desc.raw, selector);
	if (!task_segment_fits(number, &found, cpl))
		return task_fault(task, X86_TRAP_TS, selector);
	if (!found.present)
		return task_fault(task, number == X86_SS ? X86_TRAP_SS : X86_TRAP_NP, selector);
	ret = task_desc_write(task, &desc, desc.raw | DESC_ACCESSED);
	if (ret)
		return ret;
	found.type |= 1;
	*segment = found;

	return TASK_OK;
}

/* Virtual-8086 mode: segments as in real mode, at the lowest privilege. */
static int task_load_vm86(struct task *task)
{
	int i;

	for (i = 0; i < TASK_SEGS; i++) {
		u16 selector = task->state->seg[i].selector;

		task->state->seg[i] = (struct kvm_segment) {
			.base = selector << 4, .limit = 0xffff, .selector = selector,
			.type = 3, .s = 1, .dpl = 3, .present = 1,
		};
	}

	return TASK_OK;
}

static int task_load_segments(struct task *task)
{
	static const u8 order[] = { X86_CS, X86_SS, X86_ES, X86_DS, X86_FS, X86_GS };
	struct x86_state *state = task->state;
	u8 cpl = state->seg[X86_CS].selector & 3;
	int i, ret;

	ret = task_load_ldt(task);
	if (ret)
		return ret;
	if (state->rflags & X86_EFLAGS_VM)
		return task_load_vm86(task);
	/* The privilege that a fault of what follows is raised at. */
	state->seg[X86_SS].dpl = cpl;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		ret = task_load_segment(task, order[i], cpl);
		if (ret)
			return ret;
	}
	if (state->rip > state->seg[X86_CS].limit)
		return task_fault(task, X86_TRAP_GP, 0);

	return TASK_OK;
}

/* The error code of the exception that came through the gate. */
static int task_push_error(struct task *task)
{
	const struct kvm_segment *ss = &task->state->seg[X86_SS];
	u64 mask = ss->db ? 0xffffffff : 0xffff;
	u64 *rsp = &task->state->gpr[X86_RSP];
	u8 size = task->wide ? 4 : 2;
	u64 top = (*rsp - size) & mask;
	u32 error = task->event.error;
	int ret;

	if (task->event.type != X86_EVENT_EXCEPTION || !task->event.has_error)
		return TASK_OK;
	ret = task_access(task, ss->base + top, &error, size, true);
	if (!ret)
		*rsp = (*rsp & ~mask) | top;

	return ret;
}

/* --- all of it ----------------------------------------------------------------------------- */

/* Nothing of this changes a register. */
static int task_begin(struct task *task, u16 selector)
{
	int ret = task_find(task, selector);

	if (!ret)
		ret = task_save(task);
	if (!ret)
		ret = task_leave(task);
	if (!ret)
		ret = task_enter(task);

	return ret;
}

static int task_finish(struct task *task)
{
	struct vcpu *vcpu = task->vcpu;
	int ret;

	/* The event has been delivered: this is how its handler is entered. */
	if (task->event.type == X86_EVENT_NMI)
		task->state->nmi_blocked = true;
	/* IRET ends that, also where it goes back to another task. */
	if (task->source == X86_TASK_IRET)
		task->state->nmi_blocked = false;
	vcpu->arch.events.injected.type = X86_EVENT_NONE;
	task_load(task);
	x86_dirty(vcpu, X86_ALL);
	ret = task_load_segments(task);
	if (!ret)
		ret = task_push_error(task);
	if (!ret && task->wide && (task->tss.w32.trap & 1))
		x86_queue_debug(vcpu, BIT(15));		/* DR6.BT */

	return ret;
}

int x86_task_switch(struct vcpu *vcpu, u16 selector, enum x86_task_source source)
{
	u64 data[] = { vcpu->arch.exit.code, vcpu->arch.exit.info1, selector, source };
	struct task task = {
		.vcpu	= vcpu,
		.state	= &vcpu->arch.state,
		.source	= source,
	};
	int ret;

	x86_need(vcpu, X86_ALL);
	if (source == X86_TASK_GATE)
		task.event = vcpu->arch.events.injected;
	task.paging = x86_paging(vcpu);
	ret = x86_long_mode(vcpu) ? TASK_UNKNOWN : task_begin(&task, selector);
	if (!ret)
		ret = task_finish(&task);
	if (ret == TASK_UNKNOWN)
		return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_EMULATION, data,
					  ARRAY_SIZE(data));

	return RESUME_GUEST;
}

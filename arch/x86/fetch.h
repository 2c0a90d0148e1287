/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of code that instructions were read from lately: walk.c remembers them,
 * emulate.c and emulate_mov.c look there first.
 */
#ifndef X86_FETCH_H
#define X86_FETCH_H

#include "x86.h"

static __always_inline bool x86_fetch_has(const struct x86_fetch *page, u64 rip)
{
	return rip - page->rip < PAGE_SIZE;
}

/*
 * Where to look for the page of code with the instruction at @rip.  Of two in a set neither
 * pushes the other out: a loop and the handler of its interrupts, say, wherever they are.
 */
static __always_inline struct x86_fetch *x86_fetch(struct vcpu *vcpu, u64 rip)
{
	struct x86_fetch *set = vcpu->arch.fetch[rip / PAGE_SIZE % X86_FETCH_SETS];

	if (likely(x86_fetch_has(&set[0], rip)) || !x86_fetch_has(&set[1], rip))
		return &set[0];

	return &set[1];
}

/* Where to remember it: in the place of what was remembered of it, or of the older one. */
static inline struct x86_fetch *x86_fetch_new(struct vcpu *vcpu, u64 rip)
{
	struct x86_fetch *page = x86_fetch(vcpu, rip);

	/* If neither has it, this is the first of the set. */
	if (!x86_fetch_has(page, rip))
		page[1] = page[0];

	return page;
}

/*
 * Where in this process are the @room bytes at @rip, by what is remembered?  0: it is
 * not, or not for these registers, or slots have changed since.
 */
static __always_inline hva_t x86_fetch_hva(struct vcpu *vcpu, u64 rip, u64 cs_base, u64 cr3,
					   int room)
{
	const struct x86_fetch *page = x86_fetch(vcpu, rip);
	u64 offset = rip - page->rip;

	if (offset > PAGE_SIZE - room || page->cr3 != cr3 || page->cs_base != cs_base ||
	    page->generation != READ_ONCE(vcpu->vm->slots_generation))
		return 0;

	return page->hva + offset;
}

#endif /* X86_FETCH_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of code that instructions were read from lately: walk.c remembers them,
 * emulate.c and emulate_mov.c look there first.
 */
#ifndef X86_FETCH_H
#define X86_FETCH_H

#include "x86.h"

/* Where to look for, and to remember, the page of code with the instruction at @rip. */
static __always_inline struct x86_fetch *x86_fetch(struct vcpu *vcpu, u64 rip)
{
	return &vcpu->arch.fetch[rip / PAGE_SIZE % X86_FETCHES];
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

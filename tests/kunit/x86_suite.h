/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the suites of x86: a VM and a vCPU whose registers are all in memory, and
 * vendor functions that only write down what they were told.
 */
#ifndef KUNIT_X86_SUITE_H
#define KUNIT_X86_SUITE_H

#include "../../arch/x86/lapic.h"

#include "suite.h"

/* What the vendor was told last. */
struct x86_told {
	struct x86_event event;
	int		 events;	/* how often inject was called */
	bool		 window[2];	/* by enum x86_window */
	u8		 cr8;
	bool		 cr8_exit;
	int		 cr8_calls;
	bool		 can_deliver;	/* what apic_virtual is to answer for a page */
	void		*apic_page;
	u8		 irr, isr;
	int		 status_calls;
	u64		 eoi_exits[4];
	bool		 has_timer;	/* what deadline is to answer */
	u64		 deadline;
};

extern struct x86_told x86_told;

/* A suite's suite_init and suite_exit. */
int x86_suite_init(struct kunit_suite *suite);
void x86_suite_exit(struct kunit_suite *suite);

/* suite_vm() with an irqchip that has no chips: lapics yes, the rest is the suite's. */
struct vm *x86_suite_vm(struct kunit *test);
/* suite_vcpu(), in real mode; has a LAPIC that is enabled. */
struct vcpu *x86_suite_vcpu(struct kunit *test, struct vm *vm, int id);

/* As the guest: a 32-bit access to the page of the LAPIC. */
u32 x86_suite_lapic_read(struct vcpu *vcpu, u32 reg);
void x86_suite_lapic_write(struct vcpu *vcpu, u32 reg, u32 value);

#endif /* KUNIT_X86_SUITE_H */

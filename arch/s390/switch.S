/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch.  The entry to SIE itself is the kernel's: only there its interrupt
 * handlers see that they interrupted a guest, and only with interrupts on they are
 * called.  What is here is the last step before it.  Called by vcpu.c and by nothing
 * else.
 */
#include <linux/linkage.h>
#include <asm/nospec-insn.h>
#include "offsets.h"

/* Where the system mask is stored and the way back is kept, above a callee's frame. */
#define FRAME_MASK	FRAME_SIZE
#define FRAME		(FRAME_SIZE + 8)

	GEN_BR_THUNK %r14

/*
 * int s390_switch(phys_addr_t sie_phys, struct kvm_s390_sie_block *sie, u64 *gprs,
 *		   unsigned long asce, const unsigned long *thread_flags)
 *
 * Called and returns with irqs off; they are on in between.  What was pending meanwhile
 * comes right when they go on: if it left work for the task, the guest is not entered,
 * because nothing would end its stay before the next interrupt.  One that comes later
 * finds the CPU in the kernel's entry, which it ends.
 *
 * Returns what __sie64a() does, or -EAGAIN.
 */
	.section .noinstr.text, "ax"
SYM_FUNC_START(s390_switch)
	stmg	%r6,%r15,FRAME_GPRS(%r15)
	lgr	%r1,%r15
	aghi	%r15,-FRAME
	stg	%r1,FRAME_BACK_CHAIN(%r15)

	stosm	FRAME_MASK(%r15),0x03
	lg	%r1,0(%r6)
	tmll	%r1,TASK_WORK
	jnz	.Lwork
	brasl	%r14,__sie64a@PLT
.Lleave:
	stnsm	FRAME_MASK(%r15),0xfc
	lmg	%r6,%r15,FRAME+FRAME_GPRS(%r15)
	BR_EX	%r14

.Lwork:
	lghi	%r2,-SWITCH_EAGAIN
	j	.Lleave
SYM_FUNC_END(s390_switch)

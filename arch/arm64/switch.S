/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch under VHE: ERET to the guest's EL1 or EL0, and back by whatever
 * exception comes.  Called by vcpu.c and by nothing else, with everything in DAIF
 * masked.  What is the host's and comes back with the exit is saved once for all entries of
 * a stay, in which irqs are off: nobody of the host changes it meanwhile.
 *
 * While the guest runs, VBAR_EL2 leads to the vectors in here, SP_EL0 and the key APIA
 * are the guest's, and SP_EL2 stays where it is: at the top of the host's stack is what
 * the way back needs, first of all the guest's struct vcpu_arch.  There is no C from the
 * write of HCR_EL2 to the moment when all of this is the host's again, because C takes
 * SP_EL0 for its current task and signs its return addresses with APIA.
 *
 * ERET and the entry to an exception synchronise the context (Arm ARM,
 * "Context synchronization event"); the ISBs are for what comes before and after those.
 */
#include <linux/linkage.h>
#include <linux/arm-smccc.h>
#include <asm/alternative.h>
#include <asm/assembler.h>
#include <asm/sysreg.h>
#include "offsets.h"

/* What is on the host's stack from entry to return. */
#define FRAME_ARCH	0	/* the struct vcpu_arch, and where to return to */
#define FRAME_GUEST	16	/* the guest's x0 to x3, on the way out */
#define FRAME_FAULT	48	/* x0 and x1 of code in here that faults */
#define FRAME_HOST	64	/* x18 to x29: what C, and its shadow stack, keep */
#define FRAME_SIZE	160

#define X(number)	(ARCH_X + (number) * 8)
#define HOST_X(number)	(FRAME_HOST + ((number) - 18) * 8)

/* Fields of PSTATE as registers (Arm ARM, "Special-purpose registers"). */
#define SYS_DIT		sys_reg(3, 3, 4, 2, 5)
#define SYS_SSBS	sys_reg(3, 3, 4, 2, 6)
#define SYS_TCO		sys_reg(3, 3, 4, 2, 7)

/* x2 to x29 of the guest. */
.macro guest_gprs op, arch
	\op	x2, x3, [\arch, #X(2)]
	\op	x4, x5, [\arch, #X(4)]
	\op	x6, x7, [\arch, #X(6)]
	\op	x8, x9, [\arch, #X(8)]
	\op	x10, x11, [\arch, #X(10)]
	\op	x12, x13, [\arch, #X(12)]
	\op	x14, x15, [\arch, #X(14)]
	\op	x16, x17, [\arch, #X(16)]
	\op	x18, x19, [\arch, #X(18)]
	\op	x20, x21, [\arch, #X(20)]
	\op	x22, x23, [\arch, #X(22)]
	\op	x24, x25, [\arch, #X(24)]
	\op	x26, x27, [\arch, #X(26)]
	\op	x28, x29, [\arch, #X(28)]
.endm

.macro host_gprs op
	\op	x18, x19, [sp, #HOST_X(18)]
	\op	x20, x21, [sp, #HOST_X(20)]
	\op	x22, x23, [sp, #HOST_X(22)]
	\op	x24, x25, [sp, #HOST_X(24)]
	\op	x26, x27, [sp, #HOST_X(26)]
	\op	x28, x29, [sp, #HOST_X(28)]
.endm

.macro save_pstate field, flag, flags, arch, offset, tmp
	tbz	\flags, #\flag, .Lskip_\@
	mrs_s	\tmp, \field
	str	\tmp, [\arch, #\offset]
.Lskip_\@:
.endm

.macro restore_pstate field, flag, flags, arch, offset, tmp
	tbz	\flags, #\flag, .Lskip_\@
	ldr	\tmp, [\arch, #\offset]
	msr_s	\field, \tmp
.Lskip_\@:
.endm

.macro load_apia arch, offset, lo, hi
	ldp	\lo, \hi, [\arch, #\offset]
	msr_s	SYS_APIAKEYLO_EL1, \lo
	msr_s	SYS_APIAKEYHI_EL1, \hi
.endm

.macro save_apia arch, offset, lo, hi
	mrs_s	\lo, SYS_APIAKEYLO_EL1
	mrs_s	\hi, SYS_APIAKEYHI_EL1
	stp	\lo, \hi, [\arch, #\offset]
.endm

/*
 * The host's registers come back, in this order: with HCR_EL2.TGE it is the host's
 * machine again, with VBAR_EL2 its faults are its own.  An ISB has to follow.
 */
.macro load_host_registers arch, one, two
	ldr	\one, [\arch, #ARCH_HOST_HCR]
	msr	hcr_el2, \one
	ldp	\one, \two, [\arch, #ARCH_HOST_VBAR]
	msr	vbar_el1, \one			/* E2H: VBAR_EL2 */
	msr	cpacr_el1, \two			/* E2H: CPTR_EL2 */
	ldr	\one, [\arch, #ARCH_HOST_MDCR]
	msr	mdcr_el2, \one
	ldr	\one, [\arch, #ARCH_HOST_SP_EL0]
	msr	sp_el0, \one
.endm

.section .noinstr.text, "ax"

/*
 * void arm64_save_host(struct vcpu_arch *arch)
 *
 * What arm64_switch() changes and guest_left puts back, but for what is on the stack.
 */
SYM_FUNC_START(arm64_save_host)
	mrs	x1, sp_el0
	str	x1, [x0, #ARCH_HOST_SP_EL0]
	mrs	x1, hcr_el2
	str	x1, [x0, #ARCH_HOST_HCR]
	mrs	x1, vbar_el1
	mrs	x2, cpacr_el1
	stp	x1, x2, [x0, #ARCH_HOST_VBAR]
	mrs	x1, mdcr_el2
	str	x1, [x0, #ARCH_HOST_MDCR]
	ldr	x3, [x0, #ARCH_FLAGS]
	save_pstate SYS_TCO, SWITCH_TCO, x3, x0, ARCH_HOST_TCO, x1
	save_pstate SYS_SSBS, SWITCH_SSBS, x3, x0, ARCH_HOST_SSBS, x1
	save_pstate SYS_DIT, SWITCH_DIT, x3, x0, ARCH_HOST_DIT, x1
	tbz	x3, #SWITCH_PAUTH, 1f
	save_apia x0, ARCH_HOST_APIA, x1, x2
1:
	ret
SYM_FUNC_END(arm64_save_host)

/*
 * void arm64_switch(struct vcpu_arch *arch)
 */
SYM_FUNC_START(arm64_switch)
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x30, [sp, #FRAME_ARCH]
	host_gprs stp

	ldr	x3, [x0, #ARCH_FLAGS]
	ldr	x1, [x0, #ARCH_MDCR]
	msr	mdcr_el2, x1
	ldr	x4, [x0, #ARCH_VECTORS]
	ldp	x1, x2, [x0, #ARCH_HCR]
	msr	cpacr_el1, x2
	msr	vbar_el1, x4
	msr	hcr_el2, x1
	isb

	tbz	x3, #SWITCH_PAUTH, 2f
	load_apia x0, ARCH_APIA, x1, x2
2:
	ldp	x1, x2, [x0, #ARCH_SP_EL0]
	ldr	x3, [x0, #ARCH_PSTATE]
	msr	sp_el0, x1
	msr	elr_el2, x2
	msr	spsr_el2, x3
	guest_gprs ldp, x0
	ldr	x30, [x0, #X(30)]
	ldp	x0, x1, [x0, #X(0)]
	eret
	/* Nothing runs on behind an ERET, not even by a guess. */
	sb
SYM_FUNC_END(arm64_switch)

/*
 * Out of the guest by one of the vectors below: its x0 to x3 are in the frame, as far
 * as they are not in place, and x0 is VECTOR_*.
 */
SYM_CODE_START_LOCAL(guest_left)
	ldr	x1, [sp, #FRAME_ARCH]
	guest_gprs stp, x1
	str	x30, [x1, #X(30)]
	ldp	x2, x3, [sp, #FRAME_GUEST]
	stp	x2, x3, [x1, #X(0)]
	mrs	x2, sp_el0
	mrs	x3, elr_el2
	stp	x2, x3, [x1, #ARCH_SP_EL0]
	mrs	x2, spsr_el2
	str	x2, [x1, #ARCH_PSTATE]

	/* Any other exception overwrites these, and the next one may be close. */
	mrs	x2, esr_el2
	mrs	x3, far_el2
	stp	x2, x3, [x1, #ARCH_EXIT_CODE]
	mrs	x2, hpfar_el2
	stp	x2, x0, [x1, #ARCH_EXIT_INFO2]
	/* HCR_EL2.VSE is gone once the guest took its SError. */
	mrs	x2, hcr_el2
	str	x2, [x1, #ARCH_HCR]

	ldr	x4, [x1, #ARCH_FLAGS]
	tbz	x4, #SWITCH_PAUTH, 1f
	save_apia x1, ARCH_APIA, x2, x3
	load_apia x1, ARCH_HOST_APIA, x2, x3
1:
	load_host_registers x1, x2, x3
	isb

	/*
	 * From HCR_EL2.TGE = 0 an exception does not set PAN (Arm ARM, "PSTATE.PAN"): the
	 * guest's comes along, as these others do.
	 */
	tbz	x4, #SWITCH_PAN, 2f
	SET_PSTATE_PAN(1)
2:
	restore_pstate SYS_TCO, SWITCH_TCO, x4, x1, ARCH_HOST_TCO, x2
	restore_pstate SYS_SSBS, SWITCH_SSBS, x4, x1, ARCH_HOST_SSBS, x2
	restore_pstate SYS_DIT, SWITCH_DIT, x4, x1, ARCH_HOST_DIT, x2

	host_gprs ldp
	ldr	x30, [sp, #FRAME_ARCH + 8]
	add	sp, sp, #FRAME_SIZE
	ret
SYM_CODE_END(guest_left)

/*
 * An exception of the code above itself.  The host gets its registers back, and the
 * instruction is done again: it faults again, and the host reports it as its own.  Good
 * for a message with the right address in it, and for nothing else.
 */
SYM_CODE_START_LOCAL(host_faulted)
	stp	x0, x1, [sp, #FRAME_FAULT]
	ldr	x0, [sp, #FRAME_ARCH]
	stp	x2, x3, [sp, #FRAME_GUEST + 16]
	ldr	x1, [x0, #ARCH_FLAGS]
	tbz	x1, #SWITCH_PAUTH, 1f
	load_apia x0, ARCH_HOST_APIA, x1, x2
1:
	load_host_registers x0, x1, x2
	isb
	ldp	x2, x3, [sp, #FRAME_GUEST + 16]
	ldp	x0, x1, [sp, #FRAME_FAULT]
	eret
	sb
SYM_CODE_END(host_faulted)

/*
 * What a CPU needs so that the guest's branches do not choose where the host's
 * speculation goes (Arm, "Spectre-BHB"), before the first indirect branch and with x0
 * to x3 to use: x0 and x1 are in the frame already.
 */
.macro mitigate_none
.endm

.macro mitigate_loop
	ldr	x0, [sp, #FRAME_ARCH]
	ldr	x0, [x0, #ARCH_MITIGATION]
.Lloop_\@:
	b	.Lnext_\@
.Lnext_\@:
	subs	x0, x0, #1
	b.ne	.Lloop_\@
	sb
.endm

.macro mitigate_clrbhb
	hint	#22			/* CLRBHB */
	isb
.endm

/* SMC Calling Convention, "SMCCC_ARCH_WORKAROUND_3": x0 to x3 are lost. */
.macro mitigate_firmware
	stp	x2, x3, [sp, #FRAME_GUEST + 16]
	ldr	x0, [sp, #FRAME_ARCH]
	ldr	x0, [x0, #ARCH_MITIGATION]
	smc	#0
	ldp	x2, x3, [sp, #FRAME_GUEST + 16]
.endm

.macro host_slot
	.balign	128
	b	host_faulted
.endm

/* ESB: an SError that the guest left behind goes to DISR_EL1; see after_enter. */
.macro guest_slot vector, mitigation
	.balign	128
	esb
	stp	x0, x1, [sp, #FRAME_GUEST]
	\mitigation
	mov	x0, #\vector
	b	guest_left
.endm

.macro guest_slots mitigation
	guest_slot VECTOR_SYNC, \mitigation
	guest_slot VECTOR_IRQ, \mitigation
	guest_slot VECTOR_FIQ, \mitigation
	guest_slot VECTOR_SERROR, \mitigation
.endm

/*
 * Arm ARM, "Exception vectors": this level with SP_EL0, with SP_EL2, then the guest in
 * AArch64, in AArch32.
 */
.macro vectors name, mitigation
	.balign	2048
SYM_CODE_START(\name)
	.rept	8
	host_slot
	.endr
	guest_slots \mitigation
	guest_slots \mitigation
	.balign	128
SYM_CODE_END(\name)
.endm

vectors arm64_vectors, mitigate_none
vectors arm64_vectors_loop, mitigate_loop
vectors arm64_vectors_clrbhb, mitigate_clrbhb
vectors arm64_vectors_firmware, mitigate_firmware

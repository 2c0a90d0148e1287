// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-hosted debug: what traps (MDCR_EL2), the breakpoint and watchpoint registers of
 * the guest, and the debugger that user space is (KVM_SET_GUEST_DEBUG).
 *
 * All debug registers are trapped, so what the guest has is in memory, and the hardware
 * has it only while the guest runs with something of it switched on in MDSCR_EL1.  The
 * registers are the host's otherwise: its perf and ptrace change them whenever they like,
 * so the exchange is done with interrupts off, around a single entry (enter and exit).
 *
 * A debugger's breakpoints and steps replace the guest's own.
 */
#include <linux/percpu.h>
#include <asm/debug-monitors.h>
#include <asm/kvm_arm.h>

#include "arm64.h"

/*
 * What a guest may ask of a breakpoint or watchpoint: not HMC and SSC, with which it would
 * be for EL2 (Arm ARM, "DBGBCR<n>_EL1" and "DBGWCR<n>_EL1").
 */
#define BCR_ALLOWED	(GENMASK_ULL(23, 16) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 0))
#define WCR_ALLOWED	(GENMASK_ULL(28, 24) | GENMASK_ULL(20, 16) | GENMASK_ULL(12, 0))

/* The host's, while a vCPU is on this CPU with registers of its own. */
struct debug_host {
	struct kvm_guest_debug_arch regs;
	u64	mdscr;
};

static DEFINE_PER_CPU(struct debug_host, debug_host);

static bool debugged(const struct vcpu *vcpu)
{
	return vcpu->debug_flags & KVM_GUESTDBG_ENABLE;
}

/* --- traps ---------------------------------------------------------------- */

/*
 * Trapped: all debug registers, the OS lock, the debug ROM (TDA, TDOSA, TDRA), the PMU
 * (TPM, TPMCR), statistical profiling and trace filters (TPMS, TTRF); E2PB and E2TB 0
 * give the profiling and trace buffers to EL2.  With a debugger its exceptions come to
 * EL2, too.  HPMN and HPME are the host's, so that its counters go on in the guest.
 */
u64 arm64_debug_mdcr(struct vcpu *vcpu)
{
	u64 mdcr = read_sysreg(mdcr_el2) & (MDCR_EL2_HPMN_MASK | MDCR_EL2_HPME);

	mdcr |= MDCR_EL2_TDA | MDCR_EL2_TDOSA | MDCR_EL2_TDRA | MDCR_EL2_TPM |
		MDCR_EL2_TPMCR | MDCR_EL2_TPMS | MDCR_EL2_TTRF;
	if (debugged(vcpu))
		mdcr |= MDCR_EL2_TDE;

	return mdcr;
}

/* --- the registers -------------------------------------------------------- */

/* DBGBVRn and DBGBCRn, or DBGWVRn and DBGWCRn, of n + 1, n, ... 0. */
#define CASE_SAVE(n, kind)							\
	case (n) + 1:								\
		value[n] = read_sysreg_s(SYS_DBG##kind##VRn_EL1(n));		\
		control[n] = read_sysreg_s(SYS_DBG##kind##CRn_EL1(n));		\
		fallthrough;
#define CASE_LOAD(n, kind)							\
	case (n) + 1:								\
		write_sysreg_s(value[n], SYS_DBG##kind##VRn_EL1(n));		\
		write_sysreg_s(control[n] & allowed, SYS_DBG##kind##CRn_EL1(n));	\
		fallthrough;
#define CASES(what, kind)							\
	what(15, kind) what(14, kind) what(13, kind) what(12, kind)		\
	what(11, kind) what(10, kind) what(9, kind) what(8, kind)		\
	what(7, kind) what(6, kind) what(5, kind) what(4, kind)			\
	what(3, kind) what(2, kind) what(1, kind) what(0, kind)

static void breakpoints_save(u64 *value, u64 *control)
{
	switch (arm64_host.breakpoints) {
	CASES(CASE_SAVE, B)
	default:
		break;
	}
}

static void breakpoints_load(const u64 *value, const u64 *control, u64 allowed)
{
	switch (arm64_host.breakpoints) {
	CASES(CASE_LOAD, B)
	default:
		break;
	}
}

static void watchpoints_save(u64 *value, u64 *control)
{
	switch (arm64_host.watchpoints) {
	CASES(CASE_SAVE, W)
	default:
		break;
	}
}

static void watchpoints_load(const u64 *value, const u64 *control, u64 allowed)
{
	switch (arm64_host.watchpoints) {
	CASES(CASE_LOAD, W)
	default:
		break;
	}
}

static void debug_regs_save(struct kvm_guest_debug_arch *regs)
{
	breakpoints_save(regs->dbg_bvr, regs->dbg_bcr);
	watchpoints_save(regs->dbg_wvr, regs->dbg_wcr);
}

static void debug_regs_load(const struct kvm_guest_debug_arch *regs, u64 bcr, u64 wcr)
{
	breakpoints_load(regs->dbg_bvr, regs->dbg_bcr, bcr);
	watchpoints_load(regs->dbg_wvr, regs->dbg_wcr, wcr);
}

/* --- enter and exit ------------------------------------------------------- */

/* MDSCR_EL1 as far as it is ours, while the guest runs. */
static u64 debug_mdscr(const struct vcpu *vcpu)
{
	u64 mdscr = 0;

	if (debugged(vcpu)) {
		if (vcpu->debug_flags & KVM_GUESTDBG_USE_HW)
			mdscr |= DBG_MDSCR_MDE;
		if (vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP)
			mdscr |= DBG_MDSCR_SS;
		return mdscr;
	}
	/* The OS lock keeps the guest's own debug exceptions away. */
	if (vcpu->arch.sysreg[REG_OSLSR_EL1] & OSLSR_EL1_OSLK)
		return 0;

	return vcpu->arch.sysreg[REG_MDSCR_EL1] & ARM64_MDSCR_ACTIVE;
}

/*
 * From here to arm64_debug_exit() the host has no breakpoints, and what the guest has does
 * nothing yet: its MDSCR_EL1 would step our kernel as it does the guest's.
 */
static void debug_switch(struct vcpu *vcpu, u64 host_mdscr, u64 mdscr)
{
	struct debug_host *host = this_cpu_ptr(&debug_host);
	const struct kvm_guest_debug_arch *regs = &vcpu->arch.guest_debug;

	write_sysreg(host_mdscr & ~ARM64_MDSCR_ACTIVE, mdscr_el1);
	isb();
	host->mdscr = host_mdscr;
	debug_regs_save(&host->regs);
	if (debugged(vcpu))
		regs = &vcpu->arch.debug;
	debug_regs_load(regs, BCR_ALLOWED, WCR_ALLOWED);
	vcpu->arch.debug_mdscr = (host_mdscr & ~ARM64_MDSCR_ACTIVE) | mdscr;
	vcpu->arch.debug_loaded = true;
}

void arm64_debug_join(struct vcpu *vcpu)
{
	u64 host_mdscr = read_sysreg(mdscr_el1);
	u64 mdscr = debug_mdscr(vcpu);

	if (unlikely((host_mdscr | mdscr) & ARM64_MDSCR_ACTIVE))
		debug_switch(vcpu, host_mdscr, mdscr);
}

void arm64_debug_leave(struct vcpu *vcpu)
{
	struct debug_host *host = this_cpu_ptr(&debug_host);

	debug_regs_load(&host->regs, ~0ULL, ~0ULL);
	isb();
	write_sysreg(host->mdscr, mdscr_el1);
	isb();
	vcpu->arch.debug_loaded = false;
}

void arm64_debug_load(struct vcpu *vcpu)
{
	/* This CPU may have another number of counters than the last one. */
	vcpu->arch.config.mdcr = arm64_debug_mdcr(vcpu);
}

void arm64_debug_reset(struct vcpu *vcpu)
{
	memset(&vcpu->arch.guest_debug, 0, sizeof(vcpu->arch.guest_debug));
	vcpu->arch.context.pstate |= arm64_debug_pstate(vcpu);
}

/* --- the debugger --------------------------------------------------------- */

/*
 * PSTATE.SS says that the guest may complete an instruction before the step is over (Arm
 * ARM, "The software step state machine").  What is emulated clears it, which ends the
 * step at the next entry.
 */
int arm64_debug_set(struct vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	u32 control = debug->control;

	if (control & ~ARM64_DEBUG_OFFERED)
		return -EINVAL;
	if (!(control & KVM_GUESTDBG_ENABLE))
		control = 0;

	if (control & KVM_GUESTDBG_USE_HW)
		vcpu->arch.debug = debug->arch;
	else
		memset(&vcpu->arch.debug, 0, sizeof(vcpu->arch.debug));
	vcpu->arch.context.pstate &= ~arm64_debug_pstate(vcpu);
	vcpu->debug_flags = control;
	vcpu->arch.context.pstate |= arm64_debug_pstate(vcpu);
	vcpu->arch.config.mdcr = arm64_debug_mdcr(vcpu);

	return 0;
}

int arm64_exit_debug(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 esr = vcpu->arch.exit.code;

	/* Nobody wants it: one of the host's, from before MDSCR_EL1 was changed. */
	if (!debugged(vcpu))
		return RESUME_GUEST;

	run->debug.arch.hsr = lower_32_bits(esr);
	run->debug.arch.hsr_high = upper_32_bits(esr);
	run->flags = KVM_DEBUG_ARCH_HSR_HIGH_VALID;
	run->debug.arch.far = ESR_ELx_EC(esr) == ESR_ELx_EC_WATCHPT_LOW ? vcpu->arch.exit.info1 : 0;
	/* The next run is the next step. */
	vcpu->arch.context.pstate |= arm64_debug_pstate(vcpu);

	return vcpu_exit(vcpu, KVM_EXIT_DEBUG);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of each entry and exit, for core to inline: most of them have nothing
 * to do most of the time, and a call costs more than to find that out.  What is rare is
 * behind a call.  The contracts are in core/vcpu_ops.def and core/irqchip_ops.def.
 *
 * A name with arguments behind it is the inline function; without, as in struct backend,
 * it is one in vcpu.c that does the same.
 */
#ifndef ARCH_HOT_H
#define ARCH_HOT_H

#include <linux/atomic.h>
#include <asm/arch_gicv3.h>
#include <asm/cpufeature.h>
#include <asm/debug-monitors.h>
#include <asm/esr.h>
#include <asm/kvm_arm.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* What is not inlined, with context and results as of the operations. */
int arm64_prepare_slow(struct vcpu *vcpu);
int arm64_commit_without_irqchip(struct vcpu *vcpu);
void arm64_commit_serror(struct vcpu *vcpu);	/* the guest's, as long as it does not take it */
void arm64_deferred_serror(struct vcpu *vcpu, u64 disr);	/* in after_enter: ESB found one */
int arm64_fast_sysreg(struct vcpu *vcpu);
int arm64_fast_hvc(struct vcpu *vcpu);
int arm64_fast_smc(struct vcpu *vcpu);
int arm64_fast_access(struct vcpu *vcpu);	/* any data abort */
int arm64_simd_trap(struct vcpu *vcpu);		/* FP, SIMD or SVE: with the next stay it has it */
void arm64_simd_arm(struct vcpu *vcpu);		/* if the kernel has let go of the registers */
void arm64_simd_disarm(struct vcpu *vcpu);	/* if they are live */
void arm64_vgic_sync_slow(struct vcpu *vcpu);	/* in sync_to_hw, if there is news */
void arm64_vgic_collect(struct vcpu *vcpu);	/* in sync_from_hw, if list registers are in use */
/*
 * Outside the guest, maybe for long, and a full barrier ago already: interrupts that were
 * given another target in the guest's last moments go there.  Sleepable.
 */
void arm64_vgic_leave(struct vcpu *vcpu);
int arm64_timer_prepare(struct vcpu *vcpu);
int arm64_timer_interrupt(struct vcpu *vcpu);	/* an interrupt of the host, maybe a timer's */
void arm64_timer_report(struct vcpu *vcpu);	/* in run_end: without a vGIC, the levels to kvm_run */

/*
 * switch.S: enter the guest and come back, with arch->exit filled in.  irqs off, all of
 * DAIF masked, and no irq since the host's registers were saved by the other.
 */
void arm64_save_host(struct vcpu_arch *arch);
void arm64_switch(struct vcpu_arch *arch);

/* --- prepare and commit ---------------------------------------------------- */

/* Which VMIDs are current; mmu.c. */
extern atomic64_t arm64_vmid_generation;

/* Right as long as irqs are off: another vCPU may renew them. */
static __always_inline bool arm64_mmu_is_current(const struct vcpu *vcpu)
{
	return likely(vcpu->arch.vmid_generation == atomic64_read(&arm64_vmid_generation));
}

/* Neither stopped nor suspended. */
static __always_inline bool arm64_may_run(const struct vcpu *vcpu)
{
	return likely(READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_RUNNABLE);
}

/* EL0t, EL1t or EL1h of AArch64; all others are looked at more closely. */
static __always_inline bool arm64_mode_is_plain(u64 pstate)
{
	const u32 plain = BIT(PSR_MODE_EL0t) | BIT(PSR_MODE_EL1t) | BIT(PSR_MODE_EL1h);

	return likely(plain >> (pstate & (PSR_MODE32_BIT | PSR_MODE_MASK)) & 1);
}

/* What comes after the look is seen by core, and in commit. */
static __always_inline int arm64_prepare(struct vcpu *vcpu)
{
	if (unlikely(!vcpu->arch.ran) || READ_ONCE(vcpu->requests) ||
	    !arm64_mmu_is_current(vcpu) || !arm64_may_run(vcpu) ||
	    !arm64_mode_is_plain(vcpu->arch.context.pstate))
		return arm64_prepare_slow(vcpu);

	return arm64_timer_prepare(vcpu);
}

/* What in MDSCR_EL1 makes debug exceptions (Arm ARM, "MDSCR_EL1"). */
#define ARM64_MDSCR_ACTIVE	(DBG_MDSCR_MDE | DBG_MDSCR_KDE | DBG_MDSCR_SS)

/*
 * debug.c: around one entry, irqs off, if the host, the guest or the user may have
 * something switched on.  join is the last of commit, when nothing sends the vCPU round
 * again, leave the first of after_enter.
 */
void arm64_debug_join(struct vcpu *vcpu);
void arm64_debug_leave(struct vcpu *vcpu);

static __always_inline int arm64_commit(struct vcpu *vcpu)
{
	u64 mdscr;
	int err;

	if (!arm64_may_run(vcpu))
		return -EAGAIN;
	if (unlikely(!vm_has_irqchip(vcpu->vm))) {
		err = arm64_commit_without_irqchip(vcpu);
		if (err)
			return err;
	}
	/* Another vCPU may have renewed it: prepare writes VTTBR_EL2 anew. */
	if (!arm64_mmu_is_current(vcpu))
		return -EAGAIN;
	if (unlikely(vcpu->arch.events.serror_pending))
		arm64_commit_serror(vcpu);

	mdscr = read_sysreg(mdscr_el1) | vcpu->arch.sysreg[REG_MDSCR_EL1];
	if (unlikely(mdscr & ARM64_MDSCR_ACTIVE || vcpu->debug_flags))
		arm64_debug_join(vcpu);

	return 0;
}

/* --- sync_to_hw and sync_from_hw: there is a vGIC ---------------------------- */

/*
 * BIT(TIMER_*): a timer's interrupt may be active on this CPU.  By it, or irqs off;
 * timer_host.c.
 */
DECLARE_PER_CPU(u8, arm64_timer_active);

/*
 * With a vGIC: can sync and settle have something to do?  A level that goes up in the
 * hardware has its interrupt active by then, or ends the stay by it at once.
 */
static inline bool arm64_timer_has_news(const struct vcpu *vcpu)
{
	return __this_cpu_read(arm64_timer_active) | vcpu->arch.timer_levels |
	       vcpu->arch.timer_trapped;
}

static __always_inline void arm64_sync_to_hw(struct vcpu *vcpu)
{
	const struct vgic_hot *hot = vcpu->arch.vgic_hot;

	if (arm64_timer_has_news(vcpu) || READ_ONCE(hot->dirty))
		arm64_vgic_sync_slow(vcpu);
	if (hot->lr_live)
		write_sysreg_s(hot->hcr, SYS_ICH_HCR_EL2);
}

static __always_inline void arm64_sync_from_hw(struct vcpu *vcpu)
{
	if (vcpu->arch.vgic_hot->lr_live)
		arm64_vgic_collect(vcpu);
}

/* --- enter ----------------------------------------------------------------- */

/*
 * Right around arm64_switch(), with all of DAIF masked: an exception that the host takes,
 * as an NMI, unmasks PSTATE.D, and the guest's single step would be one of the host.
 */
static __always_inline void arm64_debug_on(const struct vcpu_arch *arch)
{
	if (unlikely(arch->debug_loaded))
		write_sysreg(arch->debug_mdscr, mdscr_el1);
}

static __always_inline void arm64_debug_off(const struct vcpu_arch *arch)
{
	if (unlikely(arch->debug_loaded)) {
		write_sysreg(arch->debug_mdscr & ~(u64)ARM64_MDSCR_ACTIVE, mdscr_el1);
		isb();
	}
}

/*
 * irqs are off, in whatever way this kernel does it; for the switch it has to be all of
 * DAIF.  Where "off" is a priority of the interrupt controller's (pseudo-NMI), nothing
 * below it would end the guest: it goes up, and DAIF holds back what comes before.
 */
static __always_inline void arm64_enter(struct vcpu *vcpu)
{
	unsigned long daif = read_sysreg(daif);
	u64 priority = 0;

	asm volatile("msr daifset, #0xf" : : : "memory");
	if (system_uses_irq_prio_masking()) {
		priority = read_sysreg_s(SYS_ICC_PMR_EL1);
		write_sysreg_s(GIC_PRIO_IRQON | GIC_PRIO_PSR_I_SET, SYS_ICC_PMR_EL1);
		pmr_sync();
	}
	/*
	 * What load and others wrote of the guest's translation is there before HCR_EL2 says
	 * that it is in use: these CPUs would guess with what was before.
	 */
	if (cpus_have_final_cap(ARM64_WORKAROUND_SPECULATIVE_AT))
		isb();

	arm64_debug_on(&vcpu->arch);
	arm64_switch(&vcpu->arch);
	arm64_debug_off(&vcpu->arch);

	if (system_uses_irq_prio_masking())
		write_sysreg_s(priority, SYS_ICC_PMR_EL1);
	asm volatile("msr daif, %0" : : "r" (daif) : "memory");
}

/* --- exit ------------------------------------------------------------------ */

/*
 * Is it an abort of a lower level, for a permission?  Instruction and Data Abort differ in
 * one bit of the class.
 */
static __always_inline bool arm64_exit_is_permission(const struct exit_info *exit)
{
	static_assert(ESR_ELx_EC_DABT_LOW == (ESR_ELx_EC_IABT_LOW | 4));

	return (ESR_ELx_EC(exit->code) & ~4UL) == ESR_ELx_EC_IABT_LOW &&
	       (exit->code & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM;
}

/* exit.c: its address into exit.info2, where the hardware leaves it out.  irqs off. */
void arm64_exit_locate(struct vcpu *vcpu);

/* ESB of the vectors: an SError that the guest caused and that came with its exit. */
static __always_inline void arm64_look_for_serror(struct vcpu *vcpu)
{
	u64 disr;

	if (!(vcpu->arch.config.flags & BIT(SWITCH_RAS)))
		return;
	disr = read_sysreg_s(SYS_DISR_EL1);
	if (unlikely(disr & BIT_ULL(31)))
		arm64_deferred_serror(vcpu, disr);
}

static __always_inline void arm64_after_enter(struct vcpu *vcpu)
{
	struct vcpu_arch *arch = &vcpu->arch;

	if (unlikely(arch->debug_loaded))
		arm64_debug_leave(vcpu);
	if (unlikely(arch->events.serror_pending) && !(arch->config.hcr & HCR_VSE))
		arch->events.serror_pending = false;
	arm64_look_for_serror(vcpu);
	if (likely(arch->exit.vector == EXIT_SYNC)) {
		if (arm64_exit_is_permission(&arch->exit))
			arm64_exit_locate(vcpu);
	} else if (arch->exit.vector == EXIT_IRQ) {
		/* It has no syndrome: what is there is of an exception before, or the host's. */
		arch->exit.code = 0;
		arch->exit.info1 = 0;
		arch->exit.info2 = 0;
	}
}

/* Compares and direct calls, the most frequent first. */
static __always_inline int arm64_fast_exit(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	unsigned int class;

	if (exit->vector != EXIT_SYNC)
		return exit->vector == EXIT_IRQ ? arm64_timer_interrupt(vcpu) : RESUME_GUEST;

	class = ESR_ELx_EC(exit->code);
	if (class == ESR_ELx_EC_SYS64)
		return arm64_fast_sysreg(vcpu);
	if (class == ESR_ELx_EC_HVC64)
		return arm64_fast_hvc(vcpu);
	if (class == ESR_ELx_EC_DABT_LOW)
		return arm64_fast_access(vcpu);
	if (class == ESR_ELx_EC_SMC64)
		return arm64_fast_smc(vcpu);
	if (class == ESR_ELx_EC_FP_ASIMD || class == ESR_ELx_EC_SVE)
		return arm64_simd_trap(vcpu);

	return RESUME_GUEST;
}

/* --- the others ------------------------------------------------------------ */

static __always_inline void arm64_run_begin(struct vcpu *vcpu)
{
	/* An exit that has flags sets them; those of an earlier one are no news. */
	vcpu->run->flags = 0;
}

static __always_inline void arm64_run_end(struct vcpu *vcpu, int ret)
{
	if (unlikely(!vcpu->arch.vgic)) {
		if (ret != -ERESTARTNOHAND)
			arm64_timer_report(vcpu);
		return;
	}

	/* The mode before, the news after.  Pairs with smp_mb() in cpu_outside(). */
	smp_mb();
	if (READ_ONCE(vcpu->arch.vgic_hot->dirty))
		arm64_vgic_leave(vcpu);
}

/* From here to disarm irqs are off (ARCH_ARM_IRQS_OFF). */
static __always_inline void arm64_arm(struct vcpu *vcpu)
{
	arm64_save_host(&vcpu->arch);
	if (vcpu->arch.simd.released)
		arm64_simd_arm(vcpu);
}

static __always_inline void arm64_disarm(struct vcpu *vcpu)
{
	if (vcpu->arch.simd.live)
		arm64_simd_disarm(vcpu);
}

/* --- the operations -------------------------------------------------------- */

#define arm64_vcpu_run_begin(vcpu)	arm64_run_begin(vcpu)
#define arm64_vcpu_run_end(vcpu, ret)	arm64_run_end(vcpu, ret)
#define arm64_vcpu_prepare(vcpu)	arm64_prepare(vcpu)
#define arm64_vcpu_arm(vcpu)		arm64_arm(vcpu)
#define arm64_vcpu_disarm(vcpu)		arm64_disarm(vcpu)
#define arm64_vcpu_commit(vcpu)		arm64_commit(vcpu)
#define arm64_vcpu_enter(vcpu)		arm64_enter(vcpu)
#define arm64_vcpu_after_enter(vcpu)	arm64_after_enter(vcpu)
#define arm64_vcpu_fast_exit(vcpu)	arm64_fast_exit(vcpu)
#define arm64_irqchip_sync_to_hw(vcpu)	arm64_sync_to_hw(vcpu)
#define arm64_irqchip_sync_from_hw(vcpu)	arm64_sync_from_hw(vcpu)

#endif /* ARCH_HOT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of arch/arm64 share.  Core sees none of it.
 */
#ifndef ARM64_ARM64_H
#define ARM64_ARM64_H

#include <linux/kvm.h>
#include <asm/debug-monitors.h>
#include <asm/esr.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <core/device.h>
#include <core/ioctl.h>
#include <core/irq.h>
#include <core/memslot.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>

#include "host_compat.h"

/* Our requests; see enum of core/vcpu.h. */
enum {
	REQ_START = REQ_ARCH,	/* another vCPU's CPU_ON: context from arch.start */
	REQ_STOP,		/* another vCPU stopped the machine: halt, do not run */
	REQ_STEAL,		/* report stolen time anew */
	REQ_CONFIG,		/* compute arch.config anew */
	REQ_SIMD,		/* the guest has touched SIMD: see simd.c */
};

/* --- the host ---------------------------------------------------------------- */

/* What all of the host's CPUs have, found out at setup; constant from then on. */
struct arm64_host {
	bool		pan, dit, ssbs, tco, hcx, fgt, pauth_address, pauth_generic;
	bool		sve, ras, tcr2, s1pie, s2fwb, dic, idc, tlb_range, csv2, ecv;
	bool		vmid16, evt, mpam;
	bool		aarch32;	/* every CPU can run 32-bit programs at EL0 */
	unsigned int	pa_bits;	/* ID_AA64MMFR0_EL1.PARange, in bits */
	unsigned int	sve_vl;		/* bytes: largest vector length all have; 0: none */
	unsigned int	breakpoints, watchpoints;
	unsigned int	vtimer_irq, ptimer_irq, maintenance_irq;	/* Linux numbers; 0: none */
	u32		counter_rate;	/* CNTFRQ_EL0, Hz */
	u64		ctr;		/* CTR_EL0, the least of all CPUs */
	u64		ich_vtr;	/* ICH_VTR_EL2 */
};

extern struct arm64_host arm64_host;

/*
 * host.c.  Can the interrupts that guests need be had?  Finds them; changes nothing.
 * May sleep.  0, or -EBUSY, -ENXIO with a sentence in the log.
 */
int arm64_host_probe(void);
/* After a probe.  May sleep.  0 or -errno with a sentence in the log; features. */
int arm64_host_setup(void);
void arm64_host_teardown(void);
/* On this CPU, irqs off; as vcpu_ops.cpu_enable: the timer's interrupt, the exit path. */
int arm64_host_cpu_enable(void);
void arm64_host_cpu_disable(void);
/* By which vectors a guest is left on this CPU: vectors and mitigation.  Preemption off. */
void arm64_host_exit_path(struct arm64_config *config);
/* Clean and invalidate the data caches to the point of coherency.  Any context. */
void arm64_clean_to_poc(void *start, size_t size);

/* --- switch.S ------------------------------------------------------------------ */

/*
 * Vectors for config.vectors: with nothing for branch predictors, a loop of
 * config.mitigation branches, CLRBHB, the SMC config.mitigation.
 */
extern const char arm64_vectors[], arm64_vectors_loop[], arm64_vectors_clrbhb[],
		  arm64_vectors_firmware[];

/* --- vcpu.c: registers and exceptions ------------------------------------------- */

/* Register 31 is the zero register here. */
static inline u64 arm64_reg(struct vcpu *vcpu, unsigned int number)
{
	return number < 31 ? vcpu->arch.context.x[number] : 0;
}

static inline void arm64_set_reg(struct vcpu *vcpu, unsigned int number, u64 value)
{
	if (number < 31)
		vcpu->arch.context.x[number] = value;
}

/* Does the guest run a 32-bit program? */
static inline bool arm64_aarch32(struct vcpu *vcpu)
{
	return vcpu->arch.context.pstate & PSR_MODE32_BIT;
}

/* Was the guest at EL0? */
static inline bool arm64_user_mode(struct vcpu *vcpu)
{
	return (vcpu->arch.context.pstate & PSR_MODE_MASK) == PSR_MODE_EL0t ||
	       arm64_aarch32(vcpu);
}

/* Does the guest have this feature of KVM_ARM_VCPU_INIT? */
static inline bool arm64_feature(struct vcpu *vcpu, unsigned int feature)
{
	return vcpu->arch.features & BIT(feature);
}

/* Has a vCPU of the VM run?  What it was configured with is final then.  config_lock. */
static inline bool arm64_vm_ran(struct vm *vm)
{
	lockdep_assert_held(&vm->config_lock);

	return vm->arch.idreg_final;
}

void arm64_skip32(struct vcpu *vcpu);

/* The instruction that trapped is done: on to the next one, PSTATE.BTYPE and SS gone. */
static inline void arm64_skip(struct vcpu *vcpu)
{
	struct arm64_context *context = &vcpu->arch.context;

	if (unlikely(arm64_aarch32(vcpu))) {
		arm64_skip32(vcpu);
		return;
	}
	context->pc += 4;
	context->pstate &= ~(PSR_BTYPE_MASK | DBG_SPSR_SS);
}

/*
 * A system register of sysregs.def as the guest has it, loaded or not.  (m)
 */
u64 arm64_sysreg(struct vcpu *vcpu, enum arm64_reg reg);
void arm64_set_sysreg(struct vcpu *vcpu, enum arm64_reg reg, u64 value);

/*
 * Let the guest take an exception to EL1 as the hardware would (Arm ARM, "Exception
 * entry" pseudocode AArch64.TakeException).  (m), loaded or not.  Return RESUME_GUEST.
 * @address: for FAR_EL1.
 */
int arm64_inject_undefined(struct vcpu *vcpu);
int arm64_inject_data_abort(struct vcpu *vcpu, u64 address);	/* synchronous external */
int arm64_inject_fetch_abort(struct vcpu *vcpu, u64 address);
/* A virtual SError at the next entry; @esr is for VSESR_EL2 where RAS is there. */
void arm64_inject_serror(struct vcpu *vcpu, u64 esr);

/*
 * Features are final or changed: computes arch.config.  (m).  What load writes takes
 * effect at the next one.
 */
void arm64_configure(struct vcpu *vcpu);
/*
 * KVM_ARM_VCPU_INIT's second half and PSCI's CPU_ON: all registers as after a reset.
 * vcpu_ops.reset is this.  (m), loaded or not.
 */
void arm64_reset(struct vcpu *vcpu);
/* Serve REQ_START.  (m), may sleep. */
void arm64_start_pending(struct vcpu *vcpu);

/* WFI: sleep until an interrupt is pending.  May sleep; vCPU loaded, srcu held. */
void arm64_wait(struct vcpu *vcpu);

/* --- exit.c --------------------------------------------------------------------- */

/* HPFAR_EL2.FIPA: bits 51..12 of an intermediate physical address (IPA). */
#define HPFAR_FIPA	GENMASK_ULL(43, 4)
#define HPFAR_SHIFT	8

/* Of an abort, after arm64_exit_locate(). */
static inline gpa_t arm64_exit_gpa(const struct exit_info *exit)
{
	return (exit->info2 & HPFAR_FIPA) << HPFAR_SHIFT | (exit->info1 & (SZ_4K - 1));
}

/* --- simd.c --------------------------------------------------------------------- */

/* Finds the vector lengths that guests may have, sets arm64_host.sve_vl.  May sleep. */
void arm64_simd_setup(void);
/* The guest's vector lengths, bit n: n + 1 quadwords, as KVM_REG_ARM64_SVE_VLS.  (m) */
u64 arm64_simd_vqs(struct vcpu *vcpu);
/* 0, -EPERM: final, -EINVAL: not all of the host's up to the longest.  (m) */
int arm64_simd_set_vqs(struct vcpu *vcpu, u64 vqs);
int arm64_simd_finalize(struct vcpu *vcpu);	/* allocates; 0, -EPERM, -ENOMEM.  (m) */
void arm64_simd_destroy(struct vcpu *vcpu);
void arm64_simd_reset(struct vcpu *vcpu);
/* Serve REQ_SIMD: the kernel lets go of the registers, until put.  vCPU loaded, irqs on. */
void arm64_simd_release(struct vcpu *vcpu);
/* Load: whose the registers are is not known. */
void arm64_simd_load(struct vcpu *vcpu);
/* config.cptr as long as it is not live. */
void arm64_simd_configure(struct vcpu *vcpu);

/* --- timer_host.c ----------------------------------------------------------------- */

/*
 * The host's interrupts, after arm64_host_setup().  0, or -errno with a sentence in the
 * log: -EBUSY if the kernel's own KVM has the virtual timer's.  Teardown: they are disabled
 * on all CPUs.
 */
int arm64_timer_setup(void);
void arm64_timer_teardown(void);
/* On this CPU, irqs off: the interrupts on and off.  For arm64_host_cpu_*. */
void arm64_timer_cpu_enable(void);
/* The guests' timers are off, their interrupts inactive.  irqs off, on the CPU in question. */
void arm64_timer_cpu_reset(void);
void arm64_timer_cpu_disable(void);
/*
 * The guest has ended a host's interrupt on this CPU, and so deactivated it: if the level is
 * still up, the host's comes again.  Until then it counts as down.  By the vCPU, irqs off.
 */
void arm64_timer_ended(struct vcpu *vcpu, u32 hwirq);

/* --- timer.c -------------------------------------------------------------------- */

/* With vm->lock held; the first vCPU of a VM begins its time. */
void arm64_timer_create(struct vcpu *vcpu);
void arm64_timer_destroy(struct vcpu *vcpu);
/* Both off.  (m), not loaded; may sleep. */
void arm64_timer_reset(struct vcpu *vcpu);
/* The lines of its PPIs may be user space's: the next load sets them right.  (m) */
void arm64_timer_disconnect(struct vcpu *vcpu);
/* Before the first run: 0, or -EINVAL if user space gave both timers one PPI. */
int arm64_timer_ready(struct vcpu *vcpu);
/* As vcpu_ops.load and put. */
void arm64_timer_load(struct vcpu *vcpu);
void arm64_timer_put(struct vcpu *vcpu);
/* As vcpu_ops.block and unblock. */
void arm64_timer_block(struct vcpu *vcpu);
void arm64_timer_unblock(struct vcpu *vcpu);
/*
 * Before an entry, irqs off: the level of both timers to the vGIC, in irqchip_ops'
 * sync_to_hw before it fills list registers; without a vGIC, in commit, which returns
 * what this does: 0 or -EAGAIN.  With a vGIC also before a halt.
 */
int arm64_timer_sync(struct vcpu *vcpu);
/* After that, and after list registers are filled: the host's interrupts are as they are. */
void arm64_timer_settle(struct vcpu *vcpu);
/*
 * In a halt: has an enabled, unmasked timer expired of which the vGIC or user space has
 * not heard?  What they have heard of is theirs to end the halt for.  runnable's rules.
 */
bool arm64_timer_expired(struct vcpu *vcpu);
/*
 * Trapped CNTP_*, CNTPCT_EL0, and ONE_REG's timers.  @reg: SYS_CNT{V,P}_{CTL,CVAL,TVAL}_EL0,
 * SYS_CNTPCT_EL0, SYS_CNTVCT_EL0, and the SS forms of these.  (m), loaded or not.  To read
 * is also for fast_exit, to write may sleep.  To write a counter is for ONE_REG: it is
 * @value now for all vCPUs, unless user space has fixed the offset; config_lock inside.
 */
u64 arm64_timer_read(struct vcpu *vcpu, u32 reg);
void arm64_timer_write(struct vcpu *vcpu, u32 reg, u64 value);
/* KVM_ARM_SET_COUNTER_OFFSET.  config_lock inside. */
void arm64_timer_set_offset(struct vm *vm, u64 offset);
/* KVM_ARM_VCPU_TIMER_CTRL: 0, -EINVAL, -EBUSY, -ENXIO, -EFAULT.  (m); config_lock inside. */
int arm64_timer_attr(struct vcpu *vcpu, unsigned int cmd, const struct kvm_device_attr *attr);

/* --- mmu.c ---------------------------------------------------------------------- */

/* Finds out what the CPU has.  0, or -errno with a sentence in the log. */
int arm64_mmu_setup(void);
/* This CPU has nothing cached of any guest; irqs off. */
void arm64_mmu_cpu_enable(void);
void arm64_mmu_cpu_disable(void);
/* VTCR_EL2 and VTTBR_EL2 for this vCPU's VM, and what another vCPU left is gone.  Preemption off. */
void arm64_mmu_load(struct vcpu *vcpu, int cpu);
void arm64_mmu_put(struct vcpu *vcpu);
/* In prepare: the VM has a VMID of the current generation.  May sleep. */
void arm64_mmu_prepare(struct vcpu *vcpu);
/* Serve REQ_FLUSH_ALL.  vCPU loaded, preemptible. */
void arm64_mmu_requests(struct vcpu *vcpu);
/* What KVM_CREATE_VM may ask for: the largest guest physical address, in bits. */
unsigned int arm64_mmu_ipa_bits(void);
/* @type of KVM_CREATE_VM: sets vm->arch.ipa_bits.  0 or -EINVAL. */
int arm64_mmu_type(struct vm *vm, unsigned long type);
/* HCR_EL2's bits that are about stage 2 and the guest's caches, for arch.config.hcr.  (m) */
u64 arm64_mmu_hcr(struct vcpu *vcpu);
/* The guest's caches as after a reset.  Before arm64_configure(), which asks for the above.  (m) */
void arm64_mmu_reset(struct vcpu *vcpu);
/*
 * A vCPU that ran begins anew, by user space's order: the guest, with its caches off, is to
 * see what user space writes to its memory before it runs.  May sleep.
 */
void arm64_mmu_restart(struct vm *vm);
/*
 * The guest wrote a register that HCR_EL2.TVM traps, after the write, or cleaned by set and
 * way.  Changes HCR_EL2.TVM in arch.config.hcr as it has to be.  (m), may sleep.
 */
void arm64_mmu_cache_toggled(struct vcpu *vcpu);

/* --- sysreg.c, idreg.c: system registers ------------------------------------------- */

/* Checks the table.  0, or -EINVAL with a sentence in the log. */
int arm64_sysreg_setup(void);
/* ESR_ELx_EC_SYS64 and the CP15, CP14 traps.  handle_exit's results. */
int arm64_exit_sysreg(struct vcpu *vcpu);
int arm64_exit_cp(struct vcpu *vcpu);
/* A new vCPU: its affinity, by its number. */
void arm64_sysreg_create(struct vcpu *vcpu);
/* Reset values of arch.sysreg.  (m), not loaded. */
void arm64_sysreg_reset(struct vcpu *vcpu);
/*
 * ONE_REG of KVM_REG_ARM64_SYSREG and KVM_REG_ARM_DEMUX.  (m).  0, -ENOENT (not for this
 * vCPU), -EINVAL (value), -EBUSY (has run).
 */
int arm64_sysreg_get(struct vcpu *vcpu, u64 id, u64 *value);
int arm64_sysreg_set(struct vcpu *vcpu, u64 id, u64 value);
/* Their ids to @user, or only their number (NULL).  Returns how many, or -EFAULT.  (m) */
int arm64_sysreg_list(struct vcpu *vcpu, u64 __user *user);

/* An ID register as this vCPU's guest reads it.  @reg: SYS_ID_*_EL1, SYS_MIDR_EL1, ... */
u64 arm64_idreg(struct vcpu *vcpu, u32 reg);
/* A field of it, e.g. (ID_AA64PFR0_EL1_SVE_SHIFT): 4 bits, unsigned. */
static inline unsigned int arm64_idreg_field(struct vcpu *vcpu, u32 reg, unsigned int shift)
{
	return arm64_idreg(vcpu, reg) >> shift & 15;
}
/* After arm64_host_setup(): what the host can give. */
void arm64_idreg_setup(void);
/* Sets vm->arch.idreg to it.  A new VM. */
void arm64_idreg_reset(struct vm *vm);
/* User space's value.  0, -EINVAL, -EBUSY.  Takes config_lock. */
int arm64_idreg_set(struct vcpu *vcpu, u32 reg, u64 value);
/* A vCPU is about to run for the first time: sets idreg_final.  Takes config_lock. */
void arm64_idreg_finalize(struct vm *vm);
/* KVM_ARM_GET_REG_WRITABLE_MASKS.  0, -EINVAL, -EFAULT. */
int arm64_idreg_masks(struct vm *vm, const struct reg_mask_range *range);

/* --- regs.c ------------------------------------------------------------------------- */

long arm64_ioctl_get_one_reg(void *object, void *data, unsigned long user);
long arm64_ioctl_set_one_reg(void *object, void *data, unsigned long user);
long arm64_ioctl_get_reg_list(void *object, void *data, unsigned long user);

/* --- fw.c: HVC and SMC --------------------------------------------------------------- */

/* handle_exit's results. */
int arm64_exit_hvc(struct vcpu *vcpu);
int arm64_exit_smc(struct vcpu *vcpu);
/* A new VM: versions and bitmaps. */
void arm64_fw_reset(struct vm *vm);
/*
 * ONE_REG of KVM_REG_ARM_FW and KVM_REG_ARM_FW_FEAT_BMAP; as arm64_sysreg_*.  config_lock
 * inside.
 */
int arm64_fw_get(struct vcpu *vcpu, u64 id, u64 *value);
int arm64_fw_set(struct vcpu *vcpu, u64 id, u64 value);
int arm64_fw_list(struct vcpu *vcpu, u64 __user *user);
/*
 * KVM_ARM_VM_SMCCC_CTRL on the VM: 0, -ENXIO, -EINVAL, -EBUSY, -EEXIST, -ENOMEM, -EFAULT.
 * config_lock inside.
 */
int arm64_fw_attr(struct vm *vm, unsigned int cmd, const struct kvm_device_attr *attr);
void arm64_fw_destroy(struct vm *vm);

/*
 * Steal time, steal.c.  create: nobody is told, until user space says where; a reset
 * changes nothing of that.  call: PV_TIME_FEATURES, PV_TIME_ST; what goes to X0.  (m), may
 * sleep, srcu held.  load: as vcpu_ops.load; sets REQ_STEAL if there is news.  update:
 * serve it; as call.  attr: KVM_ARM_VCPU_PVTIME_CTRL: 0, -ENXIO, -EINVAL, -EEXIST, -EFAULT.
 * (m)
 */
void arm64_steal_create(struct vcpu *vcpu);
u64 arm64_steal_call(struct vcpu *vcpu, u32 function, u64 argument);
void arm64_steal_load(struct vcpu *vcpu);
void arm64_steal_update(struct vcpu *vcpu);
int arm64_steal_attr(struct vcpu *vcpu, unsigned int cmd, const struct kvm_device_attr *attr);

/* --- insn.c: loads and stores where no memory is --------------------------------------- */

/*
 * A data abort at @gpa, of a load or a store: no walk, no cache maintenance.
 * handle_exit's results.
 */
int arm64_emulate_access(struct vcpu *vcpu, gpa_t gpa);

/* --- debug.c ------------------------------------------------------------------------- */

/* What KVM_SET_GUEST_DEBUG offers. */
#define ARM64_DEBUG_OFFERED	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |	\
				 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW)

/* As vcpu_ops.load: config.mdcr for this CPU. */
void arm64_debug_load(struct vcpu *vcpu);
/* After PSTATE was reset: the guest's registers; a debugger stays.  (m) */
void arm64_debug_reset(struct vcpu *vcpu);
/* MDCR_EL2 for the guest on this CPU.  (m) */
u64 arm64_debug_mdcr(struct vcpu *vcpu);
/* What of PSTATE is a debugger's and no business of the guest and ONE_REG.  (m) */
static inline u64 arm64_debug_pstate(const struct vcpu *vcpu)
{
	const u32 step = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;

	return (vcpu->debug_flags & step) == step ? DBG_SPSR_SS : 0;
}
/* KVM_SET_GUEST_DEBUG.  0, -EINVAL.  (m) */
int arm64_debug_set(struct vcpu *vcpu, const struct kvm_guest_debug *debug);
/* Breakpoint, watchpoint, single step, BRK of a debugged guest: handle_exit's results. */
int arm64_exit_debug(struct vcpu *vcpu);

/* --- irqchip.c, vgic_*.c: vGICv3 -------------------------------------------------------- */

extern const struct device_guest_type vgic_v3_device, vgic_its_device;

/* Host: maintenance interrupt, list registers.  0, or -errno with a sentence in the log. */
int vgic_setup(void);
void vgic_teardown(void);
int vgic_cpu_enable(void);
/* No list register holds anything.  irqs off, on the CPU in question. */
void vgic_cpu_reset(void);
void vgic_cpu_disable(void);
/* As vcpu_ops.load and put; a vCPU without a vGIC is fine. */
void vgic_load(struct vcpu *vcpu);
void vgic_put(struct vcpu *vcpu);
/* The guest is going to wait: irqchip_ops.pending is to know what it would take.  irqs off. */
void vgic_note_wait(struct vcpu *vcpu);
/* KVM_ARM_VCPU_INIT: the CPU interface as after a reset.  (m) */
void vgic_reset(struct vcpu *vcpu);
/*
 * Before the first run: -ENXIO (no addresses, or not for all vCPUs), -EINVAL (they overlap
 * or are too high), -EBUSY (no CTRL_INIT); 0 for a VM without a controller.  (m)
 */
int vgic_ready(struct vcpu *vcpu);
/*
 * The level of a private interrupt (INTID 16..31) of this vCPU.  Any context.  It has one
 * source, whoever that is, so what user space restores the source takes down.
 */
void vgic_ppi(struct vcpu *vcpu, u32 intid, bool level);
/*
 * The host's interrupt @irq (its hardware number @hwirq) is the guest's @intid from now on:
 * list registers get HW = 1, and the guest's deactivation is the host's.  Unmap: irq 0.  (m)
 * Ignored as long as vcpu->arch.vgic is NULL.
 */
void vgic_map_hw(struct vcpu *vcpu, u32 intid, unsigned int irq, u32 hwirq);
/*
 * Has the guest acknowledged its private interrupt and not ended it yet?  One that only
 * waits in a list register goes with its level.  vCPU outside the guest, irqs off or (m).
 */
bool vgic_is_active(struct vcpu *vcpu, u32 intid);
/* KVM_IRQ_LINE's SPIs and PPIs: 0, -EINVAL, -ENXIO. */
int vgic_line(struct vm *vm, u32 intid, struct vcpu *vcpu, bool level);
/*
 * In fast_exit: a word of the distributor at @gpa, where no memory is.  False: not there, or
 * it is for handle_exit; nothing was done.
 */
bool vgic_fast_access(struct vcpu *vcpu, gpa_t gpa, bool write, u32 *value);
/* Trapped ICC_SGI1R_EL1, ICC_SGI0R_EL1, ICC_ASGI1R_EL1 (@reg: SYS_ICC_*). */
void vgic_sgi(struct vcpu *vcpu, u32 reg, u64 value);
/* Trapped ICC_DIR_EL1 (only while ICH_HCR_EL2.TDIR says so).  (m), vCPU loaded. */
void vgic_dir(struct vcpu *vcpu, u64 value);
/* INTIDs below this exist (SPIs included). */
unsigned int vgic_irqs(struct vm *vm);

#endif /* ARM64_ARM64_H */

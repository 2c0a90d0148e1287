// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a VM and a vCPU: creation, reset, load and put of the system registers
 * that are the guest's, exceptions on their way to the guest, halts, the stay.  Exits are
 * in exit.c, the switch in switch.S.
 *
 * The system registers of the guest are in the hardware from load to put and in
 * vcpu->arch.sysreg otherwise: arm64_sysreg() and arm64_set_sysreg() know where.  They
 * may be preempted between looking and doing, because put and load take the values along.
 */
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/mutex.h>
#include <asm/cpufeature.h>
#include <asm/kvm_arm.h>
#include <core/stats.h>

#include "arm64.h"

/*
 * The switch must not fault; where kvzalloc() takes a vCPU from vmalloc, this keeps what
 * it touches on one page, as what core looks at before.
 */
static_assert(offsetofend(struct vcpu, arch.exit) <= PAGE_SIZE);

static atomic64_t vcpu_serials = ATOMIC64_INIT(0);

/* Places in host_sysreg. */
enum {
	HOST_TPIDR_EL0,
	HOST_TPIDRRO_EL0,
	HOST_HCRX,
	HOST_MPAM2,
	HOST_KEYS,		/* the keys, as PAUTH_KEYS() has them */
};

/* The keys beside APIA: the kernel has them for its user space.  @op(name). */
#define PAUTH_KEYS(op)						\
	op(APIBKEYLO_EL1) op(APIBKEYHI_EL1)			\
	op(APDAKEYLO_EL1) op(APDAKEYHI_EL1)			\
	op(APDBKEYLO_EL1) op(APDBKEYHI_EL1)			\
	op(APGAKEYLO_EL1) op(APGAKEYHI_EL1)

static_assert(HOST_KEYS + 8 <= ARRAY_SIZE(((struct vcpu_arch *)NULL)->host_sysreg));

#define STAT(name_)	\
	{ .name = #name_, .flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | \
	  KVM_STATS_BASE_POW10, .offset = offsetof(struct vcpu, arch.stats.name_) }

const struct stats_desc arch_vcpu_stats[] = {
	STAT(hvc_exits),
	STAT(wfx_exits),
	STAT(sysreg_exits),
	STAT(mmio_insns),
	STAT(simd_traps),
	{ .name = NULL }
};

/* --- VMs --------------------------------------------------------------------- */

int arm64_vcpu_vm_create(struct vm *vm, unsigned long type)
{
	int err;

	err = arm64_mmu_type(vm, type);
	if (err)
		return err;

	arm64_idreg_reset(vm);
	arm64_fw_reset(vm);

	return 0;
}

void arm64_vcpu_vm_destroy(struct vm *vm)
{
	arm64_fw_destroy(vm);
}

/* --- registers ------------------------------------------------------------------ */

/* @hw is constant.  Some CPUs want barriers around a read of PAR_EL1. */
#define read_hw(hw)	((hw) == SYS_PAR_EL1 ? read_sysreg_par() : read_sysreg_s(hw))

/* Is @reg in the hardware while the vCPU is loaded?  Then *@value is what it holds. */
static bool sysreg_read(enum arm64_reg reg, u64 *value)
{
	const struct arm64_host *host __maybe_unused = &arm64_host;

	switch (reg) {
#define SYSREG(name, hw, when)				\
	case REG_##name:				\
		if (!(hw) || !(when))			\
			return false;			\
		*value = read_hw(hw);			\
		return true;
#include <arch/sysregs.def>
#undef SYSREG
	default:
		return false;
	}
}

static bool sysreg_write(enum arm64_reg reg, u64 value)
{
	const struct arm64_host *host __maybe_unused = &arm64_host;

	switch (reg) {
#define SYSREG(name, hw, when)				\
	case REG_##name:				\
		if (!(hw) || !(when))			\
			return false;			\
		write_sysreg_s(value, hw);		\
		return true;
#include <arch/sysregs.def>
#undef SYSREG
	default:
		return false;
	}
}

u64 arm64_sysreg(struct vcpu *vcpu, enum arm64_reg reg)
{
	u64 value;

	if (vcpu->loaded && sysreg_read(reg, &value))
		return value;

	return vcpu->arch.sysreg[reg];
}

void arm64_set_sysreg(struct vcpu *vcpu, enum arm64_reg reg, u64 value)
{
	if (!vcpu->loaded || !sysreg_write(reg, value))
		vcpu->arch.sysreg[reg] = value;
}

/* All of sysregs.def that is in the hardware, in a straight line. */
static void sysregs_load(const struct vcpu_arch *arch)
{
	const struct arm64_host *host = &arm64_host;

#define SYSREG(name, hw, when)					\
	if ((hw) && (when))					\
		write_sysreg_s(arch->sysreg[REG_##name], hw);
#include <arch/sysregs.def>
#undef SYSREG
}

static void sysregs_put(struct vcpu_arch *arch)
{
	const struct arm64_host *host = &arm64_host;

#define SYSREG(name, hw, when)					\
	if ((hw) && (when))					\
		arch->sysreg[REG_##name] = read_hw(hw);
#include <arch/sysregs.def>
#undef SYSREG
}

/* --- configuration ------------------------------------------------------------------ */

/*
 * What the guest does not do alone, or not as it says, beside what is about memory
 * (arm64_mmu_hcr()):
 *
 *	RW, E2H			EL1 in AArch64; E2H is the host's
 *	AMO, IMO, FMO		SErrors and interrupts are the host's; the guest's are virtual
 *	PTW			no walk of its through what is a device's
 *	TSW, SWIO		maintenance by set and way, of whatever is in the cache
 *	TSC, TWI		firmware calls and halts
 *	TID3			the ID registers
 *	TACR, TIDCP, TLOR	what an implementation may do with a CPU of its own
 *
 * Left to it: WFE, which ends with the next event and, if nothing else, the host's tick;
 * cache maintenance by address, which the second stage confines.
 */
#define HCR_ALWAYS	(HCR_RW | HCR_E2H | HCR_AMO | HCR_IMO | HCR_FMO | HCR_PTW |	\
			 HCR_TSW | HCR_SWIO | HCR_TSC | HCR_TWI | HCR_TID1 | HCR_TID3 |	\
			 HCR_TACR | HCR_TIDCP | HCR_TLOR)

/* HFGRTR_EL2, HFGWTR_EL2: registers that a 0 withholds, as it does all newer ones. */
#define HFGRTR_nPIRE0_EL1	BIT_ULL(57)
#define HFGRTR_nPIR_EL1		BIT_ULL(58)

/* HCRX_EL2 likewise. */
#define HCRX_MSCEn		BIT_ULL(11)
#define HCRX_TCR2En		BIT_ULL(14)

/* A guest has what the host has of the two, or none: one trap stands for both. */
static bool has_pauth(struct vcpu *vcpu)
{
	return arm64_feature(vcpu, KVM_ARM_VCPU_PTRAUTH_ADDRESS) ||
	       arm64_feature(vcpu, KVM_ARM_VCPU_PTRAUTH_GENERIC);
}

/* Does each CPU say in CTR_EL0 what the guest is to read? */
static bool ctr_is_guests(struct vcpu *vcpu)
{
	return !cpus_have_final_cap(ARM64_MISMATCHED_CACHE_TYPE) &&
	       arm64_idreg(vcpu, SYS_CTR_EL0) == arm64_host.ctr;
}

static u64 configure_hcr(struct vcpu *vcpu)
{
	u64 hcr = HCR_ALWAYS | arm64_mmu_hcr(vcpu);

	/* What caches there are; TID4 is TID2 without CTR_EL0, which programs read often. */
	hcr |= arm64_host.evt && ctr_is_guests(vcpu) ? HCR_TID4 : HCR_TID2;
	if (arm64_host.ras)
		hcr |= HCR_TEA | HCR_TERR;
	if (arm64_host.tco)
		hcr |= HCR_TID5;
	if (has_pauth(vcpu))
		hcr |= HCR_API | HCR_APK;

	return hcr;
}

static u64 configure_flags(struct vcpu *vcpu)
{
	return (arm64_host.pan ? BIT(SWITCH_PAN) : 0) |
	       (arm64_host.dit ? BIT(SWITCH_DIT) : 0) |
	       (arm64_host.ssbs ? BIT(SWITCH_SSBS) : 0) |
	       (arm64_host.tco ? BIT(SWITCH_TCO) : 0) |
	       (arm64_host.ras ? BIT(SWITCH_RAS) : 0) |
	       (has_pauth(vcpu) ? BIT(SWITCH_PAUTH) : 0);
}

static bool has_field(struct vcpu *vcpu, u32 reg, unsigned int shift)
{
	return arm64_idreg_field(vcpu, reg, shift);
}

void arm64_configure(struct vcpu *vcpu)
{
	struct arm64_config *config = &vcpu->arch.config;

	config->hcr = configure_hcr(vcpu);
	arm64_simd_configure(vcpu);
	config->flags = configure_flags(vcpu);
	config->mdcr = arm64_debug_mdcr(vcpu);
	config->hcrx = 0;
	config->fgt = 0;
	if (has_field(vcpu, SYS_ID_AA64ISAR2_EL1, ID_AA64ISAR2_EL1_MOPS_SHIFT))
		config->hcrx |= HCRX_MSCEn;
	if (has_field(vcpu, SYS_ID_AA64MMFR3_EL1, ID_AA64MMFR3_EL1_TCRX_SHIFT))
		config->hcrx |= HCRX_TCR2En;
	if (has_field(vcpu, SYS_ID_AA64MMFR3_EL1, ID_AA64MMFR3_EL1_S1PIE_SHIFT))
		config->fgt |= HFGRTR_nPIRE0_EL1 | HFGRTR_nPIR_EL1;
}

/* --- reset --------------------------------------------------------------------------- */

#define PSTATE_RESET	(PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)

void arm64_reset(struct vcpu *vcpu)
{
	bool loaded = vcpu->loaded;

	/* What is in the hardware comes back from memory. */
	if (loaded)
		vcpu_put(vcpu);

	vcpu->arch.context = (struct arm64_context) { .pstate = PSTATE_RESET };
	memset(&vcpu->arch.events, 0, sizeof(vcpu->arch.events));
	arm64_sysreg_reset(vcpu);
	arm64_debug_reset(vcpu);
	arm64_simd_reset(vcpu);
	arm64_timer_reset(vcpu);
	vgic_reset(vcpu);
	arm64_mmu_reset(vcpu);
	arm64_configure(vcpu);

	if (loaded)
		vcpu_load(vcpu);
}

void arm64_vcpu_reset(struct vcpu *vcpu)
{
	arm64_reset(vcpu);
}

/* As PSCI CPU_ON has it: EL1, everything masked, x0 is the caller's. */
static void vcpu_begin(struct vcpu *vcpu, u64 pc, u64 x0, bool big_endian)
{
	u64 sctlr;

	arm64_reset(vcpu);
	/* What user space still was to finish is of no instruction any more. */
	vcpu->complete = NULL;
	vcpu->arch.context.pc = pc;
	arm64_set_reg(vcpu, 0, x0);
	if (big_endian) {
		sctlr = arm64_sysreg(vcpu, REG_SCTLR_EL1);
		arm64_set_sysreg(vcpu, REG_SCTLR_EL1, sctlr | SCTLR_EL1_EE);
	}
}

void arm64_start_pending(struct vcpu *vcpu)
{
	bool pending, big_endian;
	unsigned long flags;
	u64 pc, x0;

	lockdep_assert_held(&vcpu->mutex);

	if (likely(!vcpu_take_request(vcpu, REQ_START)))
		return;

	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	pending = vcpu->arch.start.pending;
	pc = vcpu->arch.start.pc;
	x0 = vcpu->arch.start.x0;
	big_endian = vcpu->arch.start.big_endian;
	vcpu->arch.start.pending = false;
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);

	if (pending)
		vcpu_begin(vcpu, pc, x0, big_endian);
}

/*
 * The rest is KVM_ARM_VCPU_INIT's, before which there is no KVM_RUN and no ONE_REG, and which
 * resets the vCPU.  But others may look for it by its affinity.
 */
int arm64_vcpu_create(struct vcpu *vcpu)
{
	vcpu->arch.serial = atomic64_inc_return(&vcpu_serials);
	arm64_steal_create(vcpu);
	arm64_timer_create(vcpu);
	arm64_sysreg_create(vcpu);
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;

	return 0;
}

void arm64_vcpu_destroy(struct vcpu *vcpu)
{
	/* A half-built one has no timers yet. */
	if (vcpu->arch.serial)
		arm64_timer_destroy(vcpu);
	arm64_simd_destroy(vcpu);
}

/* --- load and put ------------------------------------------------------------------------ */

/* MPAM2_EL2: the partition of EL0 is the host's too, so the guest does not choose one. */
#define MPAM2_TRAPMPAM1EL1	BIT_ULL(48)
#define MPAM2_TRAPMPAM0EL1	BIT_ULL(49)

static void load_keys(struct vcpu_arch *arch)
{
	u64 *host = &arch->host_sysreg[HOST_KEYS];

	if (!(arch->config.flags & BIT(SWITCH_PAUTH)))
		return;

#define OP(name)						\
	*host++ = read_sysreg_s(SYS_##name);			\
	write_sysreg_s(arch->sysreg[REG_##name], SYS_##name);
	PAUTH_KEYS(OP)
#undef OP
}

static void put_keys(struct vcpu_arch *arch)
{
	const u64 *host = &arch->host_sysreg[HOST_KEYS];

	if (!(arch->config.flags & BIT(SWITCH_PAUTH)))
		return;

#define OP(name)						\
	arch->sysreg[REG_##name] = read_sysreg_s(SYS_##name);	\
	write_sysreg_s(*host++, SYS_##name);
	PAUTH_KEYS(OP)
#undef OP
}

/* Traps of EL2's own registers.  Of these, HCRX_EL2 may say something to the host. */
static void load_traps(struct vcpu_arch *arch)
{
	if (arm64_host.hcx) {
		arch->host_sysreg[HOST_HCRX] = read_sysreg_s(SYS_HCRX_EL2);
		write_sysreg_s(arch->config.hcrx, SYS_HCRX_EL2);
	}
	if (arm64_host.fgt) {
		write_sysreg_s(arch->config.fgt, SYS_HFGRTR_EL2);
		write_sysreg_s(arch->config.fgt, SYS_HFGWTR_EL2);
		write_sysreg_s(0, SYS_HFGITR_EL2);
		write_sysreg_s(0, SYS_HDFGRTR_EL2);
		write_sysreg_s(0, SYS_HDFGWTR_EL2);
	}
	if (arm64_host.mpam) {
		arch->host_sysreg[HOST_MPAM2] = read_sysreg_s(SYS_MPAM2_EL2);
		write_sysreg_s(arch->host_sysreg[HOST_MPAM2] | MPAM2_TRAPMPAM0EL1 |
			       MPAM2_TRAPMPAM1EL1, SYS_MPAM2_EL2);
	}
}

static void put_traps(struct vcpu_arch *arch)
{
	if (arm64_host.hcx)
		write_sysreg_s(arch->host_sysreg[HOST_HCRX], SYS_HCRX_EL2);
	if (arm64_host.mpam)
		write_sysreg_s(arch->host_sysreg[HOST_MPAM2], SYS_MPAM2_EL2);
}

void arm64_vcpu_load(struct vcpu *vcpu, int cpu)
{
	struct vcpu_arch *arch = &vcpu->arch;

	arch->host_sysreg[HOST_TPIDR_EL0] = read_sysreg(tpidr_el0);
	arch->host_sysreg[HOST_TPIDRRO_EL0] = read_sysreg(tpidrro_el0);
	/* Commit knows what is left of them. */
	arch->config.hcr &= ~(HCR_VSE | HCR_VI | HCR_VF);
	arm64_host_exit_path(&arch->config);
	write_sysreg_s(arm64_idreg(vcpu, SYS_MIDR_EL1), SYS_VPIDR_EL2);
	sysregs_load(arch);
	load_keys(arch);
	load_traps(arch);
	arm64_debug_load(vcpu);
	arm64_simd_load(vcpu);
	arm64_timer_load(vcpu);
	arm64_mmu_load(vcpu, cpu);
	vgic_load(vcpu);
	arm64_steal_load(vcpu);
}

void arm64_vcpu_put(struct vcpu *vcpu)
{
	struct vcpu_arch *arch = &vcpu->arch;

	vgic_put(vcpu);
	arm64_mmu_put(vcpu);
	arm64_timer_put(vcpu);
	put_traps(arch);
	put_keys(arch);
	sysregs_put(arch);
	write_sysreg(arch->host_sysreg[HOST_TPIDR_EL0], tpidr_el0);
	write_sysreg(arch->host_sysreg[HOST_TPIDRRO_EL0], tpidrro_el0);
}

/* --- exceptions ------------------------------------------------------------------------------ */

/* Offsets from VBAR_EL1 of synchronous exceptions (Arm ARM, "Exception vectors"). */
#define VECTOR_CURRENT_SP0	0x000
#define VECTOR_CURRENT_SPX	0x200
#define VECTOR_LOWER_64		0x400
#define VECTOR_LOWER_32		0x600

static u64 vector_offset(struct vcpu *vcpu)
{
	if (arm64_aarch32(vcpu))
		return VECTOR_LOWER_32;
	if (arm64_user_mode(vcpu))
		return VECTOR_LOWER_64;
	if ((vcpu->arch.context.pstate & PSR_MODE_MASK) == PSR_MODE_EL1t)
		return VECTOR_CURRENT_SP0;

	return VECTOR_CURRENT_SPX;
}

/*
 * PSTATE on entry to an exception.  Flags and DIT stay, in the same place for AArch32;
 * BTYPE, IL, SS and UAO are 0; the rest is as SCTLR_EL1 says.
 */
static u64 exception_pstate(u64 old, u64 sctlr)
{
	u64 new = PSTATE_RESET;

	new |= old & (PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT);
	new |= old & (PSR_PAN_BIT | PSR_DIT_BIT);
	if (arm64_host.pan && !(sctlr & SCTLR_EL1_SPAN))
		new |= PSR_PAN_BIT;
	if (arm64_host.ssbs && (sctlr & SCTLR_EL1_DSSBS))
		new |= PSR_SSBS_BIT;
	if (arm64_host.tco)
		new |= PSR_TCO_BIT;

	return new;
}

/* A synchronous exception to EL1 with this syndrome. */
static int take_exception(struct vcpu *vcpu, u64 esr)
{
	struct arm64_context *context = &vcpu->arch.context;
	u64 offset = vector_offset(vcpu);

	arm64_set_sysreg(vcpu, REG_ESR_EL1, esr);
	arm64_set_sysreg(vcpu, REG_ELR_EL1, context->pc);
	arm64_set_sysreg(vcpu, REG_SPSR_EL1, context->pstate);
	context->pstate = exception_pstate(context->pstate, arm64_sysreg(vcpu, REG_SCTLR_EL1));
	context->pc = arm64_sysreg(vcpu, REG_VBAR_EL1) + offset;

	return RESUME_GUEST;
}

int arm64_inject_undefined(struct vcpu *vcpu)
{
	/* IL is 1 for a class that has no length of an instruction. */
	return take_exception(vcpu, ESR_ELx_EC_UNKNOWN << ESR_ELx_EC_SHIFT | ESR_ELx_IL);
}

/* @class is of an abort from a lower level; from this one it is the next. */
static int inject_abort(struct vcpu *vcpu, u64 class, u64 address)
{
	if (!arm64_user_mode(vcpu))
		class++;
	arm64_set_sysreg(vcpu, REG_FAR_EL1, address);

	return take_exception(vcpu, class << ESR_ELx_EC_SHIFT | ESR_ELx_IL | ESR_ELx_FSC_EXTABT);
}

static_assert(ESR_ELx_EC_DABT_CUR == ESR_ELx_EC_DABT_LOW + 1);
static_assert(ESR_ELx_EC_IABT_CUR == ESR_ELx_EC_IABT_LOW + 1);

int arm64_inject_data_abort(struct vcpu *vcpu, u64 address)
{
	return inject_abort(vcpu, ESR_ELx_EC_DABT_LOW, address);
}

int arm64_inject_fetch_abort(struct vcpu *vcpu, u64 address)
{
	return inject_abort(vcpu, ESR_ELx_EC_IABT_LOW, address);
}

/* Commit shows it to the guest, which takes it once it unmasks SErrors. */
void arm64_inject_serror(struct vcpu *vcpu, u64 esr)
{
	vcpu->arch.events.serror_pending = true;
	vcpu->arch.events.serror_has_esr = arm64_host.ras;
	vcpu->arch.events.serror_esr = esr & ESR_ELx_ISS_MASK;
}

/* The IT bits of a 32-bit program, in two pieces (Arm ARM, AArch32 "ITAdvance()"). */
static u64 it_advance(u64 pstate)
{
	u64 it = (pstate & GENMASK(15, 10)) >> 8 | (pstate & GENMASK(26, 25)) >> 25;

	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	pstate &= ~(GENMASK(15, 10) | GENMASK(26, 25));

	return pstate | (it & 0xfc) << 8 | (it & 3) << 25;
}

void arm64_skip32(struct vcpu *vcpu)
{
	struct arm64_context *context = &vcpu->arch.context;

	context->pc += vcpu->arch.exit.code & ESR_ELx_IL ? 4 : 2;
	context->pstate = it_advance(context->pstate) & ~DBG_SPSR_SS;
}

/* --- halts ------------------------------------------------------------------------------------ */

static bool vcpu_is_stopped(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_STOPPED;
}

bool arm64_vcpu_runnable(struct vcpu *vcpu)
{
	if (vcpu_is_stopped(vcpu))
		return false;
	if (vm_has_irqchip(vcpu->vm) ? arm64_irqchip_pending(vcpu) : READ_ONCE(vcpu->arch.lines))
		return true;

	return arm64_timer_expired(vcpu) || READ_ONCE(vcpu->arch.events.serror_pending);
}

void arm64_vcpu_block(struct vcpu *vcpu)
{
	if (vcpu->arch.vgic) {
		/* As in arm64_run_end(). */
		smp_mb();
		arm64_vgic_leave(vcpu);
	}
	arm64_timer_block(vcpu);
}

void arm64_vcpu_unblock(struct vcpu *vcpu)
{
	arm64_timer_unblock(vcpu);
}

void arm64_wait(struct vcpu *vcpu)
{
	/*
	 * The timer was set anew, as idle guests do?  The level of before would end the halt.
	 * So would an interrupt that the guest would not take.
	 */
	if (vcpu->arch.vgic) {
		local_irq_disable();
		arm64_timer_sync(vcpu);
		vgic_note_wait(vcpu);
		local_irq_enable();
	}
	if (!arm64_vcpu_runnable(vcpu))
		vcpu_halt(vcpu);
}

/* --- the stay ----------------------------------------------------------------------------------- */

/* Is user space done with the making of it?  What it chose is final then. */
static int prepare_first(struct vcpu *vcpu)
{
	int err;

	if (!vcpu->arch.initialized)
		return -ENOEXEC;
	if (arm64_feature(vcpu, KVM_ARM_VCPU_SVE) && !vcpu->arch.simd.finalized)
		return -EPERM;
	err = vgic_ready(vcpu);
	if (!err)
		err = arm64_timer_ready(vcpu);
	if (err)
		return err;
	arm64_idreg_finalize(vcpu->vm);

	/* Load looks at arch.config. */
	vcpu_put(vcpu);
	vcpu->arch.ran = true;
	arm64_configure(vcpu);
	vcpu_load(vcpu);

	return RESUME_GUEST;
}

/*
 * Would ERET with it go to the guest?  An illegal return stays at EL2 (Arm ARM, "Illegal
 * exception returns from AArch64 state").  What an exit leaves behind is fine; user space
 * may have written anything, or brought a 32-bit program to a host that has CPUs for it
 * and others.
 */
static bool pstate_is_valid(u64 pstate)
{
	switch (pstate & (PSR_MODE32_BIT | PSR_MODE_MASK)) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return true;
	case PSR_MODE32_BIT:	/* and User mode, 0 */
		return arm64_host.aarch32;
	default:
		return false;
	}
}

static void prepare_requests(struct vcpu *vcpu)
{
	arm64_start_pending(vcpu);
	arm64_mmu_requests(vcpu);
	/* It is in mp_state that the machine stopped; the request makes for a look. */
	vcpu_take_request(vcpu, REQ_STOP);
	if (vcpu_take_request(vcpu, REQ_CONFIG))
		arm64_configure(vcpu);
	if (vcpu_take_request(vcpu, REQ_STEAL))
		arm64_steal_update(vcpu);
	/* Last, as what puts and loads the vCPU makes it void. */
	if (vcpu_take_request(vcpu, REQ_SIMD))
		arm64_simd_release(vcpu);
}

/* Stopped: until somebody starts it.  Suspended: user space hears what would wake it. */
static int prepare_halted(struct vcpu *vcpu)
{
	bool suspended = READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_SUSPENDED;

	vcpu_halt(vcpu);
	if (suspended && arm64_vcpu_runnable(vcpu))
		return vcpu_exit_system_event(vcpu, KVM_SYSTEM_EVENT_WAKEUP, NULL, 0);

	return RESUME_GUEST;
}

int arm64_prepare_slow(struct vcpu *vcpu)
{
	int ret;

	if (unlikely(!vcpu->arch.ran)) {
		ret = prepare_first(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}
	if (READ_ONCE(vcpu->requests))
		prepare_requests(vcpu);
	arm64_mmu_prepare(vcpu);
	/* Commit refuses to enter, and core looks for signals first. */
	if (!arm64_may_run(vcpu))
		return prepare_halted(vcpu);
	if (unlikely(!pstate_is_valid(vcpu->arch.context.pstate)))
		return vcpu_exit_fail_entry(vcpu, vcpu->arch.context.pstate);

	return arm64_timer_prepare(vcpu);
}

void arm64_commit_serror(struct vcpu *vcpu)
{
	vcpu->arch.config.hcr |= HCR_VSE;
	if (arm64_host.ras)
		write_sysreg_s(vcpu->arch.events.serror_esr, SYS_VSESR_EL2);
}

/* What a vGIC does in sync_to_hw. */
int arm64_commit_without_irqchip(struct vcpu *vcpu)
{
	u64 *hcr = &vcpu->arch.config.hcr;
	int err;

	*hcr = (*hcr & ~(HCR_VI | HCR_VF)) | READ_ONCE(vcpu->arch.lines);
	err = arm64_timer_sync(vcpu);
	if (!err)
		arm64_timer_settle(vcpu);

	return err;
}

void arm64_deferred_serror(struct vcpu *vcpu, u64 disr)
{
	write_sysreg_s(0, SYS_DISR_EL1);
	arm64_inject_serror(vcpu, disr);
}

/* --- what <arch/hot.h> has inlined, for struct backend ------------------------------------------ */

void (arm64_vcpu_run_begin)(struct vcpu *vcpu)
{
	arm64_run_begin(vcpu);
}

void (arm64_vcpu_run_end)(struct vcpu *vcpu, int ret)
{
	arm64_run_end(vcpu, ret);
}

int (arm64_vcpu_prepare)(struct vcpu *vcpu)
{
	return arm64_prepare(vcpu);
}

void (arm64_vcpu_arm)(struct vcpu *vcpu)
{
	arm64_arm(vcpu);
}

void (arm64_vcpu_disarm)(struct vcpu *vcpu)
{
	arm64_disarm(vcpu);
}

int (arm64_vcpu_commit)(struct vcpu *vcpu)
{
	return arm64_commit(vcpu);
}

noinstr void (arm64_vcpu_enter)(struct vcpu *vcpu)
{
	arm64_enter(vcpu);
}

void (arm64_vcpu_after_enter)(struct vcpu *vcpu)
{
	arm64_after_enter(vcpu);
}

int (arm64_vcpu_fast_exit)(struct vcpu *vcpu)
{
	return arm64_fast_exit(vcpu);
}

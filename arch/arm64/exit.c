// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits: the table of exception classes, aborts of the second stage, and what ends a halt.
 * Which of them are fast is in <arch/hot.h>.  Loads and stores are emulated in insn.c,
 * system registers in sysreg.c, calls served in fw.c.
 */
#include <linux/nospec.h>
#include <linux/sched.h>
#include <asm/barrier.h>
#include <asm/kvm_arm.h>

#include "arm64.h"

/* In exit.info2: nobody knows. */
#define HPFAR_UNKNOWN	(~0ULL)

/* Fault status codes (Arm ARM, ESR_EL2, "ISS encoding for an exception from a Data Abort"). */
#define FSC_TYPE_TRANSLATION	(ESR_ELx_FSC_FAULT & ESR_ELx_FSC_TYPE)
#define FSC_TRANSLATION_NEGATIVE	0x2b	/* at level -1 */
#define FSC_ALIGNMENT		0x21
#define FSC_UNSUPPORTED		0x35	/* exclusive or atomic, where memory has neither */

/* --- where the fault is --------------------------------------------------------- */

static unsigned int exit_class(const struct exit_info *exit)
{
	return ESR_ELx_EC(exit->code);
}

static bool exit_is_fetch(const struct exit_info *exit)
{
	return exit_class(exit) == ESR_ELx_EC_IABT_LOW;
}

static bool exit_is_permission(const struct exit_info *exit)
{
	return (exit->code & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM;
}

static bool exit_is_walk(const struct exit_info *exit)
{
	return exit->code & ESR_ELx_S1PTW;
}

/* AT S1E1R, AT S1E0R: the first stage of the guest's translation, for a read. */
static u64 translate(u64 address, bool user)
{
	if (user)
		asm volatile("at s1e0r, %0" : : "r" (address));
	else
		asm volatile("at s1e1r, %0" : : "r" (address));
	isb();

	return read_sysreg_par();
}

/*
 * The guest's translation of @address again, in its own regime (HCR_EL2.TGE off), with
 * its PAR_EL1 left as it is.  irqs off, vCPU loaded.  PAR_EL1's value.
 */
static u64 guest_translate(struct vcpu *vcpu, u64 address)
{
	u64 host_hcr = read_sysreg(hcr_el2), guest_par = read_sysreg_par(), par;

	write_sysreg(vcpu->arch.config.hcr & ~HCR_VSE, hcr_el2);
	isb();
	par = translate(address, false);
	/* A page may be for its programs only. */
	if (par & SYS_PAR_EL1_F)
		par = translate(address, true);
	write_sysreg(host_hcr, hcr_el2);
	write_sysreg_s(guest_par, SYS_PAR_EL1);
	isb();

	return par;
}

/*
 * HPFAR_EL2 is right after everything but a permission fault, and after that if it was
 * of a walk (Arm ARM, "HPFAR_EL2, Hypervisor IPA Fault Address Register").  Another CPU
 * of the guest may have changed the translation meanwhile: then the access comes again.
 */
void arm64_exit_locate(struct vcpu *vcpu)
{
	struct exit_info *exit = &vcpu->arch.exit;
	u64 par;

	if (!exit_is_permission(exit) || exit_is_walk(exit))
		return;

	par = guest_translate(vcpu, exit->info1);
	if (par & SYS_PAR_EL1_F)
		exit->info2 = HPFAR_UNKNOWN;
	else
		exit->info2 = (par & SYS_PAR_EL1_PA) >> HPFAR_SHIFT;
}

/* --- memory ------------------------------------------------------------------------ */

/* The guest gets a synchronous external abort for its access. */
static int exit_external(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	/* Without a valid FAR_EL2 (FnV) there is nothing to tell. */
	u64 address = exit->code & ESR_ELx_FnV ? 0 : exit->info1;

	if (exit_is_fetch(exit))
		return arm64_inject_fetch_abort(vcpu, address);

	return arm64_inject_data_abort(vcpu, address);
}

/*
 * A walk reads, unless what it may not do is to write: then the hardware was about to
 * set a flag in a descriptor.  Cache maintenance is reported as a write; it needs no more
 * than a mapping, but where there is one DC IVAC wants to be allowed to write.
 */
static u8 exit_access(const struct exit_info *exit)
{
	if (exit_is_walk(exit))
		return exit_is_permission(exit) ? PROT_GUEST_WRITE : PROT_GUEST_READ;
	if (exit_is_fetch(exit))
		return PROT_GUEST_EXEC;
	if ((exit->code & ESR_ELx_CM) && !exit_is_permission(exit))
		return PROT_GUEST_READ;

	return exit->code & ESR_ELx_WNR ? PROT_GUEST_WRITE : PROT_GUEST_READ;
}

/* Where no memory is, or none that can be written. */
static int exit_no_memory(struct vcpu *vcpu, gpa_t gpa)
{
	const struct exit_info *exit = &vcpu->arch.exit;

	/* Code and page tables have to be in memory. */
	if (exit_is_walk(exit) || exit_is_fetch(exit))
		return exit_external(vcpu);
	/* Nothing of a device is in a cache. */
	if (exit->code & ESR_ELx_CM) {
		arm64_skip(vcpu);
		return RESUME_GUEST;
	}
	vcpu->arch.stats.mmio_insns++;

	return arm64_emulate_access(vcpu, gpa);
}

static int exit_memory(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	gpa_t gpa = arm64_exit_gpa(exit);
	int ret;

	if (unlikely(exit->info2 == HPFAR_UNKNOWN))
		return RESUME_GUEST;
	if (gpa >> vcpu->vm->arch.ipa_bits)
		return exit_external(vcpu);

	ret = vcpu_fault(vcpu, gpa, exit_access(exit));
	if (ret != FAULT_NO_SLOT && ret != FAULT_READONLY)
		return ret;

	return exit_no_memory(vcpu, gpa);
}

static int exit_unknown(struct vcpu *vcpu);

/*
 * Of single codes.  What the second stage makes a device's cannot be accessed in every
 * way that the guest takes for possible; a program of the guest must not end the VM by it.
 */
static int exit_abort_other(struct vcpu *vcpu, unsigned int fsc)
{
	if (fsc == FSC_TRANSLATION_NEGATIVE)
		return exit_memory(vcpu);
	if (fsc == FSC_ALIGNMENT || fsc == FSC_UNSUPPORTED)
		return exit_external(vcpu);

	return exit_unknown(vcpu);
}

static int exit_abort(struct vcpu *vcpu)
{
	unsigned int fsc = vcpu->arch.exit.code & ESR_ELx_FSC;

	switch (fsc & ESR_ELx_FSC_TYPE) {
	case FSC_TYPE_TRANSLATION:
	case ESR_ELx_FSC_ACCESS:
	case ESR_ELx_FSC_PERM:
		return exit_memory(vcpu);
	case ESR_ELx_FSC_ADDRSZ:	/* more bits than the second stage has */
	case ESR_ELx_FSC_EXTABT:	/* and levels -2, -1 of a walk */
	case ESR_ELx_FSC_SEA_TTW(0):
	case ESR_ELx_FSC_SECC:
	case ESR_ELx_FSC_SECC_TTW(0):
		return exit_external(vcpu);
	}

	return exit_abort_other(vcpu, fsc);
}

/* --- others --------------------------------------------------------------------------- */

/*
 * WFI ends when an interrupt is pending, WFE (which is trapped only by chance) lets others
 * run.  Those with a timeout may end at any time, and do so here.
 */
static int exit_wait(struct vcpu *vcpu)
{
	u64 kind = vcpu->arch.exit.code & ESR_ELx_WFx_ISS_TI;

	vcpu->arch.stats.wfx_exits++;
	arm64_skip(vcpu);
	if (kind == ESR_ELx_WFx_ISS_WFI)
		arm64_wait(vcpu);
	else
		cond_resched();

	return RESUME_GUEST;
}

/* What a trap withholds is what the guest's ID registers say that there is not. */
static int exit_undefined(struct vcpu *vcpu)
{
	return arm64_inject_undefined(vcpu);
}

/* fast_exit has seen to it, with irqs off; prepare and arm do the rest. */
static int exit_simd(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* An SError while the guest ran counts as its own, with what the hardware says of it. */
static int exit_serror(struct vcpu *vcpu)
{
	arm64_inject_serror(vcpu, vcpu->arch.exit.code & ESR_ELx_ISS_MASK);

	return RESUME_GUEST;
}

static int exit_unknown(struct vcpu *vcpu)
{
	const u64 data[] = { vcpu->arch.exit.code, vcpu->arch.exit.info1,
			     vcpu->arch.exit.info2, vcpu->arch.exit.vector };

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				  ARRAY_SIZE(data));
}

/* --- dispatch -------------------------------------------------------------------------- */

/* Classes that the headers of these kernels may not have yet. */
#define EC_LS64		0x0a	/* LD64B, ST64B and their kin */
#define EC_SYS128	0x14	/* system registers of 128 bits */
#define EC_TSTART	0x1b	/* transactions (HCR_EL2.TME) */
#define EC_GCS		0x2d	/* guarded control stack */

/*
 * By exception class; no row: exit_unknown().  From EL1 in AArch64 and EL0 in either
 * state: HVC and SMC of AArch32 cannot be.
 */
static int (*const exits[ESR_ELx_EC_MAX + 1])(struct vcpu *vcpu) = {
	[ESR_ELx_EC_UNKNOWN]		= exit_undefined,
	[ESR_ELx_EC_WFx]		= exit_wait,
	[ESR_ELx_EC_CP15_32]		= arm64_exit_cp,
	[ESR_ELx_EC_CP15_64]		= arm64_exit_cp,
	[ESR_ELx_EC_CP14_MR]		= arm64_exit_cp,
	[ESR_ELx_EC_CP14_LS]		= arm64_exit_cp,
	[ESR_ELx_EC_FP_ASIMD]		= exit_simd,
	[ESR_ELx_EC_CP10_ID]		= exit_undefined,
	[ESR_ELx_EC_PAC]		= exit_undefined,
	[EC_LS64]			= exit_undefined,
	[ESR_ELx_EC_CP14_64]		= arm64_exit_cp,
	[EC_SYS128]			= exit_undefined,
	[ESR_ELx_EC_HVC64]		= arm64_exit_hvc,
	[ESR_ELx_EC_SMC64]		= arm64_exit_smc,
	[ESR_ELx_EC_SYS64]		= arm64_exit_sysreg,
	[ESR_ELx_EC_SVE]		= exit_simd,
	[ESR_ELx_EC_ERET]		= exit_undefined,
	[EC_TSTART]			= exit_undefined,
	[ESR_ELx_EC_SME]		= exit_undefined,
	[ESR_ELx_EC_IABT_LOW]		= exit_abort,
	[ESR_ELx_EC_DABT_LOW]		= exit_abort,
	[EC_GCS]			= exit_undefined,
	[ESR_ELx_EC_BREAKPT_LOW]	= arm64_exit_debug,
	[ESR_ELx_EC_SOFTSTP_LOW]	= arm64_exit_debug,
	[ESR_ELx_EC_WATCHPT_LOW]	= arm64_exit_debug,
	[ESR_ELx_EC_BKPT32]		= arm64_exit_debug,
	[ESR_ELx_EC_VECTOR32]		= arm64_exit_debug,
	[ESR_ELx_EC_BRK64]		= arm64_exit_debug,
};

int arm64_vcpu_handle_exit(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	unsigned int class = array_index_nospec(exit_class(exit), ARRAY_SIZE(exits));

	if (exit->vector == EXIT_SERROR)
		return exit_serror(vcpu);
	/* A host interrupt: the host has taken it by now. */
	if (exit->vector != EXIT_SYNC)
		return RESUME_GUEST;
	if (!exits[class])
		return exit_unknown(vcpu);

	return exits[class](vcpu);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits: what ends a stay in SIE, by interception code (exits.def), and host faults on
 * guest storage.  Intercepted instructions go on to insn.c.  Called by the run loop.
 */
#include <asm/ctlreg.h>
#include <asm/dis.h>
#include <asm/nmi.h>

#include "s390.h"

/* Reasons of a validity interception that are not our bug: no storage at the prefix. */
#define VALIDITY_PREFIX		0x37

/* --- ways out --------------------------------------------------------------------- */

int exit_forward(struct vcpu *vcpu)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	struct kvm_run *run = vcpu->run;

	run->s390_sieic.icptcode = sie->icptcode;
	run->s390_sieic.ipa = sie->ipa;
	run->s390_sieic.ipb = sie->ipb;

	return vcpu_exit(vcpu, KVM_EXIT_S390_SIEIC);
}

int exit_access(struct vcpu *vcpu, int ret)
{
	if (ret < 0)
		return ret;

	return s390_inject_program_info(vcpu, &vcpu->arch.pgm);
}

static int exit_unknown(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	const u64 data[] = { exit->code, exit->info1, exit->info2, s390_psw(vcpu)->addr };

	pr_debug_ratelimited("keel: vcpu %d: interception 0x%llx (%s) is not expected\n",
			     vcpu->id, exit->code, s390_exit_name(exit->code));

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				  ARRAY_SIZE(data));
}

static int exit_none(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* --- program interruptions ------------------------------------------------------------- */

/* A new PSW of the guest.  As s390_read_real(). */
static int new_psw(struct vcpu *vcpu, u32 location, psw_t *psw)
{
	return s390_read_real(vcpu, location, psw, sizeof(*psw));
}

/* With all that the hardware knows of it; the PSW is what it has to be already. */
static int program_reflect(struct vcpu *vcpu)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	struct kvm_s390_pgm_info pgm = {
		.code		= sie->iprcc,
		.flags		= KVM_S390_PGM_FLAGS_ILC_VALID | KVM_S390_PGM_FLAGS_NO_REWIND |
				  (sie->pgmilc & KVM_S390_PGM_FLAGS_ILC_MASK),
		.data_exc_code	= sie->dxc,
		.mon_class_nr	= sie->mcn,
		.exc_access_id	= sie->eai,
		.op_access_id	= sie->oai,
		.per_code	= sie->perc,
		.per_atmid	= sie->peratmid,
		.per_access_id	= sie->peraid,
		.per_address	= sie->peraddr,
	};

	if ((pgm.code & ~PGM_PER) == PGM_MONITOR)
		pgm.mon_code = sie->tecmc;
	else
		pgm.trans_exc_code = sie->tecmc;

	return s390_inject_program_info(vcpu, &pgm);
}

/*
 * A new PSW that is invalid is what the guest would be interrupted for again, for ever.
 * User space calls that the end of the guest.
 */
static bool program_loops(struct vcpu *vcpu)
{
	psw_t psw;

	return (vcpu->arch.sie->iprcc & ~PGM_PER) == PGM_SPECIFICATION &&
	       !new_psw(vcpu, LC_PGM_NEW_PSW, &psw) && !s390_psw_valid(&psw);
}

static int exit_program(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	int ret;

	vcpu->arch.stats.programs++;
	s390_debug_per(vcpu);
	/* It was nothing but the debugger's event. */
	if (!sie->iprcc)
		return RESUME_GUEST;
	if ((sie->iprcc & ~PGM_PER) == PGM_PROTECTION) {
		/* It may be the host's: a page of its own that the guest may write to later. */
		ret = s390_mmu_protection(vcpu);
		if (ret != FAULT_NO_SLOT)
			return ret;
	}
	if (program_loops(vcpu))
		return exit_forward(vcpu);

	return program_reflect(vcpu);
}

/* An instruction, and a PER event that it was. */
static int exit_insn_program(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	int ret = s390_exit_insn(vcpu);

	s390_debug_per(vcpu);
	if (ret != RESUME_GUEST || !(sie->iprcc & PGM_PER))
		return ret;
	/* An interruption of its own is the one that is left to take. */
	if (READ_ONCE(vcpu->arch.local.pending) & BIT(S390_IRQ_PROGRAM))
		return ret;
	sie->iprcc = PGM_PER;
	sie->pgmilc = s390_insn_length(vcpu);

	return program_reflect(vcpu);
}

static int exit_operation(struct vcpu *vcpu)
{
	psw_t *psw = s390_psw(vcpu);
	psw_t new;

	if (!vcpu->arch.sie->ipa && READ_ONCE(vcpu->vm->arch.user_instr0))
		return exit_forward(vcpu);
	/* The first instruction of the handler is none: see program_loops(). */
	if (!new_psw(vcpu, LC_PGM_NEW_PSW, &new) &&
	    new.addr == s390_wrap(vcpu, psw->addr - s390_insn_length(vcpu)) &&
	    !((new.mask ^ psw->mask) & PSW_MASK_PSTATE))
		return exit_forward(vcpu);

	return s390_inject_program(vcpu, PGM_OPERATION);
}

/* --- host faults --------------------------------------------------------------------- */

/*
 * The access is one that the machine of the guest refuses.  The PSW is at the instruction
 * and has to be behind it, because the exception suppresses it: so its length is needed,
 * and nobody has it but the guest.
 */
static int fault_program(struct vcpu *vcpu, u16 code)
{
	struct kvm_s390_pgm_info pgm = { .code = code };
	psw_t *psw = s390_psw(vcpu);
	unsigned int length = 2;
	u16 opcode;
	int ret;

	ret = s390_fetch(vcpu, psw->addr, &opcode, sizeof(opcode));
	if (ret < 0)
		return ret;
	if (!ret)
		length = insn_length(opcode >> 8);
	psw->addr = s390_wrap(vcpu, psw->addr + length);
	pgm.flags = KVM_S390_PGM_FLAGS_ILC_VALID | KVM_S390_PGM_FLAGS_NO_REWIND | length;

	return s390_inject_program_info(vcpu, &pgm);
}

/*
 * See s390_host.hercules: no instruction has been executed if the page of the one at the
 * entry is not there, whether the fault was on that page or on one of the guest's tables.
 */
static void fault_correct_psw(struct vcpu *vcpu)
{
	psw_t *psw = s390_psw(vcpu);
	u64 entry = vcpu->arch.entry_addr, late = psw->addr;
	gpa_t absolute;

	if (late != s390_wrap(vcpu, entry + 2))
		return;
	psw->addr = entry;
	if (s390_translate(vcpu, entry, 0, S390_EXECUTE, s390_psw_key(vcpu), &absolute) ||
	    s390_mmu_is_mapped(vcpu->vm, absolute))
		psw->addr = late;
}

static int exit_fault(struct vcpu *vcpu)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	bool write;
	int ret;

	if (exit->info2 == S390_FAULT_UNKNOWN)
		return exit_unknown(vcpu);
	if (s390_host.hercules)
		fault_correct_psw(vcpu);

	write = (exit->info1 & 0xff) == PGM_PROTECTION || exit->info1 & S390_FAULT_WRITE;
	ret = s390_mmu_fault(vcpu, exit->info2, write);

	return ret == FAULT_NO_SLOT ? fault_program(vcpu, PGM_ADDRESSING) : ret;
}

/* Bring in an operand of an instruction that SIE did in part. */
static int partial_operand(struct vcpu *vcpu, unsigned int number, enum s390_access access)
{
	gpa_t absolute;
	int ret;

	ret = s390_translate(vcpu, s390_wrap(vcpu, s390_gpr(vcpu, number)), number, access,
			     s390_psw_key(vcpu), &absolute);
	if (ret)
		return ret < 0 ? ret : -EAGAIN;

	return s390_mmu_fault(vcpu, absolute, access == S390_STORE);
}

/*
 * MOVE PAGE whose pages are not there: with both mapped the hardware does it, or says
 * what is wrong with it.
 */
static int partial_move_page(struct vcpu *vcpu, const struct insn *insn)
{
	u64 next = s390_psw(vcpu)->addr;
	int ret;

	s390_insn_retry(vcpu);
	ret = partial_operand(vcpu, insn_rre_r2(insn), S390_FETCH);
	if (ret == RESUME_GUEST)
		ret = partial_operand(vcpu, insn_rre_r1(insn), S390_STORE);

	switch (ret) {
	case FAULT_NO_SLOT:
		return fault_program(vcpu, PGM_ADDRESSING);
	case -EAGAIN:
		/* The exception of the guest's own rules, which may nullify or suppress. */
		s390_psw(vcpu)->addr = next;
		return s390_inject_program_info(vcpu, &vcpu->arch.pgm);
	default:
		return ret;
	}
}

static int exit_partial(struct vcpu *vcpu)
{
	const struct insn insn = {
		.ipa = vcpu->arch.sie->ipa,
		.ipb = vcpu->arch.sie->ipb,
	};

	if (insn.ipa == 0xb254)
		return partial_move_page(vcpu, &insn);
	/* An external call to a CPU that has to be woken. */
	if (insn.ipa >> 8 == 0xae)
		return s390_sigp(vcpu, &insn);

	return exit_forward(vcpu);
}

/* --- machine checks ------------------------------------------------------------------- */

/*
 * One of the host's that came in the guest: an instruction or storage of the guest is
 * damaged, and the host has left that to us.  Where in storage is a host address: the guest
 * is not told.
 */
static int exit_machine_check(struct vcpu *vcpu)
{
	const struct sie_page *page = container_of(vcpu->arch.sie, struct sie_page, sie_block);
	union mci mci = { .val = page->mcck_info.mcic };
	struct kvm_s390_irq irq = { .type = KVM_S390_MCHK };

	mci.fa = 0;
	irq.u.mchk.mcic = mci.val;
	irq.u.mchk.ext_damage_code = page->mcck_info.ext_damage_code;
	/* Subclasses of what is not damage. */
	if (mci.sr)
		irq.u.mchk.cr14 |= CR14_RECOVERY_SUBMASK;
	if (mci.dg)
		irq.u.mchk.cr14 |= CR14_DEGRADATION_SUBMASK;
	if (mci.w)
		irq.u.mchk.cr14 |= CR14_WARNING_SUBMASK;
	s390_inject_local(vcpu, &irq);

	return RESUME_GUEST;
}

/* --- others ---------------------------------------------------------------------------- */

/* External interruptions that the hardware has, and what enables the guest for them. */
static const struct external {
	u16	code;
	u32	type;		/* KVM_S390_INT_* */
	u64	cr0;
} externals[] = {
	{ EXT_CODE_CLOCK_COMPARATOR, KVM_S390_INT_CLOCK_COMP, CR0_CLOCK_COMPARATOR_SUBMASK },
	{ EXT_CODE_CPU_TIMER, KVM_S390_INT_CPU_TIMER, CR0_CPU_TIMER_SUBMASK },
	{ EXT_CODE_EXTERNAL_CALL, KVM_S390_INT_EXTERNAL_CALL, CR0_EXTERNAL_CALL_SUBMASK },
};

/*
 * SIE stops where a new PSW that is enabled would be interrupted again at once.  If that
 * is so, it is user space's; else the interruption is as good as any other.
 */
static int exit_external(struct vcpu *vcpu)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	const struct external *row;
	struct kvm_s390_irq irq = { };
	psw_t psw;

	for (row = externals; row < externals + ARRAY_SIZE(externals); row++) {
		if (row->code != sie->eic)
			continue;
		if (!new_psw(vcpu, LC_EXT_NEW_PSW, &psw) && psw.mask & PSW_MASK_EXT &&
		    sie->gcr[0] & row->cr0)
			return exit_forward(vcpu);
		irq.type = row->type;
		irq.u.extcall.code = sie->extcpuaddr;
		/* -EBUSY: it is pending already. */
		s390_inject_local(vcpu, &irq);
		return RESUME_GUEST;
	}

	return exit_forward(vcpu);
}

static int exit_validity(struct vcpu *vcpu)
{
	u16 reason = vcpu->arch.sie->ipb >> 16;

	vcpu->arch.stats.validities++;
	if (reason == VALIDITY_PREFIX) {
		vcpu_request(vcpu, REQ_PREFIX);
		return RESUME_GUEST;
	}
	pr_debug_ratelimited("keel: vcpu %d: SIE refused the control block, reason 0x%x\n",
			     vcpu->id, reason);

	return vcpu_exit_fail_entry(vcpu, reason);
}

/* A stop that SIGP asked for, or a kick, which is the same to the hardware. */
static int exit_stop(struct vcpu *vcpu)
{
	u32 flags;
	int ret;

	if (!s390_stop_take(vcpu, &flags))
		return RESUME_GUEST;
	if (flags & KVM_S390_STOP_FLAG_STORE_STATUS) {
		ret = s390_store_status(vcpu, KVM_S390_STORE_STATUS_NOADDR);
		/* No storage there: nothing to store, and the CPU stops all the same. */
		if (ret && ret != -EFAULT)
			return ret;
	}
	/* Whoever stops it, this is what user space knows a stop by. */
	vcpu->arch.sie->icptcode = ICPT_STOP;

	return exit_forward(vcpu);
}

static int exit_wait(struct vcpu *vcpu)
{
	int ret;

	vcpu->arch.stats.waits++;
	/* Which of the two the hardware sees first is its business. */
	if (s390_stop_pending(vcpu))
		return exit_stop(vcpu);
	ret = s390_wait(vcpu);

	return ret == -EOPNOTSUPP ? exit_forward(vcpu) : ret;
}

/* --- dispatch ---------------------------------------------------------------------------- */

static int exit_dispatch(struct vcpu *vcpu)
{
	switch (vcpu->arch.exit.code) {
#define EXIT(code, slow, fast, name)	case code: return slow(vcpu);
#include "exits.def"
#undef EXIT
	default:
		return exit_unknown(vcpu);
	}
}

int s390_vcpu_handle_exit(struct vcpu *vcpu)
{
	int ret = exit_dispatch(vcpu);

	if (unlikely(vcpu->debug_flags))
		ret = s390_debug_exit(vcpu, ret);

	return ret;
}

static __always_inline int fast_none(struct vcpu *vcpu)
{
	return RESUME_GUEST;
}

int s390_vcpu_fast_exit(struct vcpu *vcpu)
{
	switch (vcpu->arch.exit.code) {
#define EXIT(code, slow, fast, name)	case code: return fast(vcpu);
#include "exits.def"
#undef EXIT
	default:
		return RESUME_GUEST;
	}
}

const char *s390_exit_name(u32 code)
{
	switch (code) {
#define EXIT(code, slow, fast, name)	case code: return name;
#include "exits.def"
#undef EXIT
	default:
		return "unknown";
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interruptions being taken: what is stored in the prefix area, and the exchange of PSWs
 * (Principles of Operation, "Interruption Action").  Called by interrupt.c, when one is
 * pending and the CPU enabled for it.  Also the store-status operation, which a machine
 * check does in part.
 *
 * The PSW changes last: if guest storage is not there, the interruption has not happened
 * for the guest, KVM_RUN says so, and it is pending as before.
 */
#include <linux/nospec.h>
#include <linux/stddef.h>
#include <asm/nmi.h>

#include "s390.h"

/* --- the prefix area ---------------------------------------------------------- */

static int lowcore_write(struct vcpu *vcpu, u32 offset, const void *data, size_t len)
{
	return guest_write(vcpu, s390_prefix(vcpu) + offset, data, len);
}

static int exchange_psw(struct vcpu *vcpu, u32 old_psw, u32 new_psw)
{
	psw_t *psw = s390_psw(vcpu);
	psw_t next;
	int err;

	err = guest_read(vcpu, s390_prefix(vcpu) + new_psw, &next, sizeof(next));
	if (!err)
		err = lowcore_write(vcpu, old_psw, psw, sizeof(*psw));
	if (!err)
		*psw = next;

	return err;
}

/* --- taking what is of the CPU ----------------------------------------------------- */

/* Clear one that is pending; the lock is held.  False: it was not. */
static bool local_take(struct s390_local *local, enum s390_irq irq)
{
	if (!(local->pending & BIT(irq)))
		return false;
	WRITE_ONCE(local->pending, local->pending & ~BIT(irq));

	return true;
}

static bool take_plain(struct vcpu *vcpu, enum s390_irq irq)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&local->lock, flags);
	taken = local_take(local, irq);
	raw_spin_unlock_irqrestore(&local->lock, flags);

	return taken;
}

/* One sender at a time, the lowest address first; pending as long as there are more. */
static bool take_emergency(struct vcpu *vcpu, u16 *sender)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	unsigned int cpu;

	raw_spin_lock_irqsave(&local->lock, flags);
	cpu = find_first_bit(local->emergency, ARCH_MAX_VCPU_ID);
	if (cpu < ARCH_MAX_VCPU_ID)
		__clear_bit(cpu, local->emergency);
	if (bitmap_empty(local->emergency, ARCH_MAX_VCPU_ID))
		local_take(local, S390_IRQ_EMERGENCY);
	raw_spin_unlock_irqrestore(&local->lock, flags);
	*sender = cpu;

	return cpu < ARCH_MAX_VCPU_ID;
}

static bool take_external_call(struct vcpu *vcpu, u16 *sender)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&local->lock, flags);
	taken = local_take(local, S390_IRQ_EXTERNAL_CALL);
	*sender = local->external_call;
	raw_spin_unlock_irqrestore(&local->lock, flags);

	return taken;
}

static bool take_pfault_init(struct vcpu *vcpu, struct kvm_s390_ext_info *ext)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&local->lock, flags);
	taken = local_take(local, S390_IRQ_PFAULT_INIT);
	*ext = local->pfault;
	raw_spin_unlock_irqrestore(&local->lock, flags);

	return taken;
}

static bool take_program(struct vcpu *vcpu, struct kvm_s390_pgm_info *pgm)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&local->lock, flags);
	taken = local_take(local, S390_IRQ_PROGRAM);
	*pgm = local->pgm;
	memset(&local->pgm, 0, sizeof(local->pgm));
	raw_spin_unlock_irqrestore(&local->lock, flags);

	return taken;
}

static bool take_prefix(struct vcpu *vcpu, u32 *prefix)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&local->lock, flags);
	taken = local_take(local, S390_IRQ_SET_PREFIX);
	*prefix = local->prefix;
	raw_spin_unlock_irqrestore(&local->lock, flags);

	return taken;
}

/* All conditions of the CPU's own are one interruption. */
static bool take_local_mchk(struct vcpu *vcpu, struct kvm_s390_mchk_info *mchk)
{
	struct s390_local *local = &vcpu->arch.local;
	unsigned long flags;
	bool taken;

	raw_spin_lock_irqsave(&local->lock, flags);
	taken = local_take(local, S390_IRQ_MCHK_EXIGENT);
	/* Of a repressible one, only what its subclass lets in. */
	if (taken || local->mchk.cr14 & vcpu->arch.sie->gcr[14])
		taken |= local_take(local, S390_IRQ_MCHK);
	if (taken) {
		*mchk = local->mchk;
		memset(&local->mchk, 0, sizeof(local->mchk));
	}
	raw_spin_unlock_irqrestore(&local->lock, flags);

	return taken;
}

/* What was taken has been presented, or not, says @err: then it is pending again. */
static int local_end(struct vcpu *vcpu, const struct kvm_s390_irq *irq, int err)
{
	/* -EBUSY: another external call came meanwhile, and stands for both. */
	if (err)
		s390_restore_local(vcpu, irq);

	return err;
}

static int taken_end(struct vcpu *vcpu, enum s390_irq irq, struct s390_taken *taken, int err)
{
	if (err)
		s390_taken_undo(vcpu->vm, irq, taken);
	else
		s390_taken_done(taken);

	return err;
}

/* --- external ------------------------------------------------------------------------ */

/* As in storage from LC_EXT_PARAMS on. */
struct ext_codes {
	u32	params;
	u16	cpu;
	u16	code;
};

static int deliver_code(struct vcpu *vcpu, u16 code, u16 cpu)
{
	struct ext_codes codes = { .cpu = cpu, .code = code };
	int err;

	err = lowcore_write(vcpu, LC_EXT_CPU_ADDRESS, &codes.cpu,
			    sizeof(codes) - offsetof(struct ext_codes, cpu));
	if (err)
		return err;

	return exchange_psw(vcpu, LC_EXT_OLD_PSW, LC_EXT_NEW_PSW);
}

static int deliver_params(struct vcpu *vcpu, u16 code, u16 cpu,
			  const struct kvm_s390_ext_info *ext)
{
	struct ext_codes codes = { .params = ext->ext_params, .cpu = cpu, .code = code };
	u64 params2 = ext->ext_params2;
	int err;

	err = lowcore_write(vcpu, LC_EXT_PARAMS, &codes, sizeof(codes));
	if (!err && code == EXT_CODE_HOST)
		err = lowcore_write(vcpu, LC_EXT_PARAMS2, &params2, sizeof(params2));
	if (err)
		return err;

	return exchange_psw(vcpu, LC_EXT_OLD_PSW, LC_EXT_NEW_PSW);
}

static int deliver_emergency(struct vcpu *vcpu)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_EMERGENCY };

	if (!take_emergency(vcpu, &irq.u.emerg.code))
		return 0;

	return local_end(vcpu, &irq, deliver_code(vcpu, EXT_CODE_EMERGENCY, irq.u.emerg.code));
}

static int deliver_external_call(struct vcpu *vcpu)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_EXTERNAL_CALL };

	if (!take_external_call(vcpu, &irq.u.extcall.code))
		return 0;

	return local_end(vcpu, &irq,
			 deliver_code(vcpu, EXT_CODE_EXTERNAL_CALL, irq.u.extcall.code));
}

/* Pending as long as the clock says so; what was injected ends here. */
static int deliver_timer(struct vcpu *vcpu, enum s390_irq irq, u64 type, u16 code)
{
	const struct kvm_s390_irq injected = { .type = type };
	bool taken = take_plain(vcpu, irq);
	int err = deliver_code(vcpu, code, 0);

	return taken ? local_end(vcpu, &injected, err) : err;
}

static int deliver_service(struct vcpu *vcpu)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_SERVICE };
	int err;

	if (!s390_take_service(vcpu->vm, &irq.u.ext.ext_params))
		return 0;
	err = deliver_params(vcpu, EXT_CODE_SERVICE, 0, &irq.u.ext);
	if (err)
		s390_inject_floating(vcpu->vm, &irq);

	return err;
}

static int deliver_pfault_init(struct vcpu *vcpu)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_INT_PFAULT_INIT };

	if (!take_pfault_init(vcpu, &irq.u.ext))
		return 0;

	return local_end(vcpu, &irq,
			 deliver_params(vcpu, EXT_CODE_HOST, EXT_HOST_PFAULT_INIT, &irq.u.ext));
}

/* One of those that float; @cpu tells them apart. */
static int deliver_queued(struct vcpu *vcpu, enum s390_irq irq, u16 cpu)
{
	struct s390_taken taken;

	if (!s390_take_ext(vcpu->vm, irq, &taken))
		return 0;

	return taken_end(vcpu, irq, &taken,
			 deliver_params(vcpu, EXT_CODE_HOST, cpu, &taken.ext));
}

/* --- I/O, restart, set prefix ----------------------------------------------------------- */

static int deliver_io(struct vcpu *vcpu, enum s390_irq irq)
{
	struct s390_taken taken;
	int err;

	if (!s390_io_take(vcpu->vm, 0x80000000UL >> (irq - S390_IRQ_IO_0), 0, &taken))
		return 0;
	err = lowcore_write(vcpu, LC_SUBCHANNEL_ID, &taken.io, sizeof(taken.io));
	if (!err)
		err = exchange_psw(vcpu, LC_IO_OLD_PSW, LC_IO_NEW_PSW);

	return taken_end(vcpu, irq, &taken, err);
}

static int deliver_restart(struct vcpu *vcpu)
{
	const struct kvm_s390_irq irq = { .type = KVM_S390_RESTART };

	if (!take_plain(vcpu, S390_IRQ_RESTART))
		return 0;

	return local_end(vcpu, &irq, exchange_psw(vcpu, LC_RESTART_OLD_PSW, LC_RESTART_NEW_PSW));
}

static int deliver_set_prefix(struct vcpu *vcpu)
{
	u32 prefix;

	if (take_prefix(vcpu, &prefix))
		s390_set_prefix(vcpu, prefix);

	return 0;
}

/* --- program ------------------------------------------------------------------------------- */

/* What a program interruption stores besides the code, and whether it nullifies. */
enum {
	STORES_TRANSLATION	= BIT(0),	/* translation-exception identification */
	STORES_ACCESS_ID	= BIT(1),	/* exception access identification */
	STORES_OPERAND_ID	= BIT(2),	/* operand access identification */
	STORES_DATA		= BIT(3),	/* data- or vector-exception code */
	STORES_MONITOR		= BIT(4),	/* monitor class and code */
	NULLIFIES		= BIT(5),	/* "Types of Instruction Ending" */

	ACCESS_EXCEPTION	= STORES_TRANSLATION | STORES_ACCESS_ID,
};

static const u8 program_actions[] = {
	[PGM_PROTECTION]		= ACCESS_EXCEPTION | STORES_OPERAND_ID,
	[PGM_DATA]			= STORES_DATA,
	[PGM_SEGMENT_TRANSLATION]	= ACCESS_EXCEPTION | NULLIFIES,
	[PGM_PAGE_TRANSLATION]		= ACCESS_EXCEPTION | STORES_OPERAND_ID | NULLIFIES,
	[PGM_VECTOR_PROCESSING]		= STORES_DATA,
	[PGM_SPACE_SWITCH]		= STORES_TRANSLATION,
	[PGM_AFX_TRANSLATION]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_ASX_TRANSLATION]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_LX_TRANSLATION]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_EX_TRANSLATION]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_PRIMARY_AUTHORITY]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_SECONDARY_AUTHORITY]	= STORES_TRANSLATION | NULLIFIES,
	[PGM_LFX_TRANSLATION]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_LSX_TRANSLATION]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_ALET_SPECIFICATION]	= STORES_ACCESS_ID,
	[PGM_ALEN_TRANSLATION]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_ALE_SEQUENCE]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_ASTE_VALIDITY]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_ASTE_SEQUENCE]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_EXTENDED_AUTHORITY]	= STORES_ACCESS_ID | NULLIFIES,
	[PGM_LSTE_SEQUENCE]		= STORES_TRANSLATION | NULLIFIES,
	[PGM_ASTE_INSTANCE]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_STACK_FULL]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_STACK_EMPTY]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_STACK_SPECIFICATION]	= STORES_ACCESS_ID | NULLIFIES,
	[PGM_STACK_TYPE]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_STACK_OPERATION]		= STORES_ACCESS_ID | NULLIFIES,
	[PGM_ASCE_TYPE]			= ACCESS_EXCEPTION | NULLIFIES,
	[PGM_REGION_FIRST_TRANS]	= ACCESS_EXCEPTION | NULLIFIES,
	[PGM_REGION_SECOND_TRANS]	= ACCESS_EXCEPTION | NULLIFIES,
	[PGM_REGION_THIRD_TRANS]	= ACCESS_EXCEPTION | NULLIFIES,
	[PGM_MONITOR]			= STORES_MONITOR,
};

static u8 program_action(u16 code)
{
	code &= ~PGM_PER;

	if (code >= ARRAY_SIZE(program_actions))
		return 0;

	return program_actions[array_index_nospec(code, ARRAY_SIZE(program_actions))];
}

/* Where each of the above goes; the values are in struct kvm_s390_pgm_info. */
static const struct {
	u8	action;
	u8	len;
	u16	lowcore;
	u16	offset;
} program_stores[] = {
#define STORE(action_, lowcore_, field)						\
	{ action_, sizeof_field(struct kvm_s390_pgm_info, field), lowcore_,	\
	  offsetof(struct kvm_s390_pgm_info, field) }
	STORE(STORES_TRANSLATION,	LC_TRANSLATION_ID,	trans_exc_code),
	STORE(STORES_ACCESS_ID,		LC_EXCEPTION_ACCESS_ID,	exc_access_id),
	STORE(STORES_OPERAND_ID,	LC_OPERAND_ACCESS_ID,	op_access_id),
	STORE(STORES_DATA,		LC_DATA_EXCEPTION_CODE,	data_exc_code),
	STORE(STORES_MONITOR,		LC_MONITOR_CLASS,	mon_class_nr),
	STORE(STORES_MONITOR,		LC_MONITOR_CODE,	mon_code),
#undef STORE
};

static int store_program(struct vcpu *vcpu, const struct kvm_s390_pgm_info *pgm)
{
	u8 action = program_action(pgm->code);
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(program_stores); i++) {
		if (!(action & program_stores[i].action))
			continue;
		err = lowcore_write(vcpu, program_stores[i].lowcore,
				    (const u8 *)pgm + program_stores[i].offset,
				    program_stores[i].len);
		if (err)
			return err;
	}

	return 0;
}

static int store_per(struct vcpu *vcpu, const struct kvm_s390_pgm_info *pgm)
{
	u8 codes[] = { pgm->per_code, pgm->per_atmid };
	int err;

	if (!(pgm->code & PGM_PER))
		return 0;
	err = lowcore_write(vcpu, LC_PER_CODE, codes, sizeof(codes));
	if (!err)
		err = lowcore_write(vcpu, LC_PER_ADDRESS, &pgm->per_address,
				    sizeof(pgm->per_address));
	if (!err)
		err = lowcore_write(vcpu, LC_PER_ACCESS_ID, &pgm->per_access_id,
				    sizeof(pgm->per_access_id));

	return err;
}

/* Codes and what belongs to them. */
static int store_program_all(struct vcpu *vcpu, const struct kvm_s390_pgm_info *pgm, u16 ilc)
{
	const u16 codes[2] = { ilc, pgm->code };
	u64 breaking = vcpu->arch.sie->gbea;
	int err;

	err = lowcore_write(vcpu, LC_PGM_ILC, codes, sizeof(codes));
	if (!err)
		err = store_program(vcpu, pgm);
	if (!err)
		err = store_per(vcpu, pgm);
	if (!err)
		err = lowcore_write(vcpu, LC_BREAKING_EVENT, &breaking, sizeof(breaking));

	return err;
}

static int deliver_program(struct vcpu *vcpu)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_PROGRAM_INT };
	const struct kvm_s390_pgm_info *pgm = &irq.u.pgm;
	psw_t *psw = s390_psw(vcpu), old = *psw;
	unsigned int ilc;
	int err;

	if (!take_program(vcpu, &irq.u.pgm))
		return 0;

	ilc = pgm->flags & KVM_S390_PGM_FLAGS_ILC_VALID ?
	      pgm->flags & KVM_S390_PGM_FLAGS_ILC_MASK : s390_insn_length(vcpu);
	err = store_program_all(vcpu, pgm, ilc);
	if (err)
		return local_end(vcpu, &irq, err);

	/* Back to the instruction that is to be done again. */
	if (program_action(pgm->code) & NULLIFIES && !(pgm->flags & KVM_S390_PGM_FLAGS_NO_REWIND))
		psw->addr = s390_wrap(vcpu, psw->addr - ilc);
	err = exchange_psw(vcpu, LC_PGM_OLD_PSW, LC_PGM_NEW_PSW);
	if (err)
		*psw = old;

	return local_end(vcpu, &irq, err);
}

/* --- machine check, store status --------------------------------------------------------------- */

static void save_area_fill(struct vcpu *vcpu, struct s390_save_area *area)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	unsigned int i;

	*area = (struct s390_save_area) {
		.psw		= { sie->gpsw.mask, sie->gpsw.addr },
		.prefix		= s390_prefix(vcpu),
		.fpc		= s390_fpc(vcpu),
		.todpr		= sie->todpr,
		.cpu_timer	= s390_cpu_timer(vcpu),
		.comparator	= sie->ckc >> 8,
	};
	for (i = 0; i < 16; i++) {
		area->fprs[i] = s390_fpr(vcpu, i);
		area->gprs[i] = s390_gpr(vcpu, i);
		area->ars[i] = s390_ar(vcpu, i);
		area->crs[i] = sie->gcr[i];
	}
}

int s390_store_status(struct vcpu *vcpu, u64 address)
{
	struct s390_save_area area;
	u64 base = address - LC_SAVE_AREA;
	u8 mode = 1;	/* z/Architecture */
	int err = 0;

	if (address == KVM_S390_STORE_STATUS_NOADDR)
		base = 0;
	else if (address == KVM_S390_STORE_STATUS_PREFIXED)
		base = s390_prefix(vcpu);
	if (address == KVM_S390_STORE_STATUS_NOADDR ||
	    address == KVM_S390_STORE_STATUS_PREFIXED)
		err = guest_write(vcpu, base + LC_ARCH_MODE_ID, &mode, sizeof(mode));
	if (err)
		return err;

	save_area_fill(vcpu, &area);

	return guest_write(vcpu, base + LC_SAVE_AREA, &area, sizeof(area));
}

/* The PSW is in the old PSW, and the prefix is not stored at all. */
static int store_mchk_status(struct vcpu *vcpu)
{
	struct s390_save_area area;
	int err;

	save_area_fill(vcpu, &area);
	err = lowcore_write(vcpu, LC_SAVE_AREA, &area, offsetof(struct s390_save_area, psw));
	if (err)
		return err;

	return lowcore_write(vcpu, LC_SAVE_AREA + offsetof(struct s390_save_area, fpc), &area.fpc,
			     sizeof(area) - offsetof(struct s390_save_area, fpc));
}

static int store_mchk(struct vcpu *vcpu, const struct kvm_s390_mchk_info *mchk)
{
	union mci mci = { .val = mchk->mcic };
	int err;

	/* The extended save area is not filled. */
	mci.vr = 0;
	mci.gs = 0;

	err = store_mchk_status(vcpu);
	if (!err)
		err = lowcore_write(vcpu, LC_MCHK_CODE, &mci, sizeof(mci));
	if (!err)
		err = lowcore_write(vcpu, LC_EXT_DAMAGE_CODE, &mchk->ext_damage_code,
				    sizeof(mchk->ext_damage_code));
	if (!err)
		err = lowcore_write(vcpu, LC_FAILING_ADDRESS, &mchk->failing_storage_address,
				    sizeof(mchk->failing_storage_address));
	if (!err)
		err = lowcore_write(vcpu, LC_FIXED_LOGOUT, mchk->fixed_logout,
				    sizeof(mchk->fixed_logout));

	return err;
}

/* Of the CPU's own and the one that floats one at a time. */
static int deliver_mchk(struct vcpu *vcpu)
{
	struct kvm_s390_irq irq = { .type = KVM_S390_MCHK };
	bool local = take_local_mchk(vcpu, &irq.u.mchk);
	int err;

	if (!local && !s390_take_mchk(vcpu->vm, vcpu->arch.sie->gcr[14], &irq.u.mchk))
		return 0;
	err = store_mchk(vcpu, &irq.u.mchk);
	if (!err)
		err = exchange_psw(vcpu, LC_MCHK_OLD_PSW, LC_MCHK_NEW_PSW);
	if (local)
		return local_end(vcpu, &irq, err);
	if (err)
		s390_inject_floating(vcpu->vm, &irq);

	return err;
}

/* --- all of them ------------------------------------------------------------------------------------ */

/* No table of functions: an indirect call costs more than all that some of them do. */
int s390_irq_deliver(struct vcpu *vcpu, enum s390_irq irq)
{
	switch (irq) {
	case S390_IRQ_MCHK_EXIGENT:
	case S390_IRQ_MCHK:
		return deliver_mchk(vcpu);
	case S390_IRQ_PROGRAM:
		return deliver_program(vcpu);
	case S390_IRQ_EMERGENCY:
		return deliver_emergency(vcpu);
	case S390_IRQ_EXTERNAL_CALL:
		return deliver_external_call(vcpu);
	case S390_IRQ_CLOCK_COMPARATOR:
		return deliver_timer(vcpu, irq, KVM_S390_INT_CLOCK_COMP,
				     EXT_CODE_CLOCK_COMPARATOR);
	case S390_IRQ_CPU_TIMER:
		return deliver_timer(vcpu, irq, KVM_S390_INT_CPU_TIMER, EXT_CODE_CPU_TIMER);
	case S390_IRQ_SERVICE:
		return deliver_service(vcpu);
	case S390_IRQ_PFAULT_INIT:
		return deliver_pfault_init(vcpu);
	case S390_IRQ_PFAULT_DONE:
		return deliver_queued(vcpu, irq, EXT_HOST_PFAULT_DONE);
	case S390_IRQ_VIRTIO:
		return deliver_queued(vcpu, irq, EXT_HOST_VIRTIO);
	case S390_IRQ_IO_0 ... S390_IRQ_IO_7:
		return deliver_io(vcpu, irq);
	case S390_IRQ_RESTART:
		return deliver_restart(vcpu);
	case S390_IRQ_SET_PREFIX:
		return deliver_set_prefix(vcpu);
	default:
		/* A stop is presented by the hardware: s390_stop_take(). */
		return 0;
	}
}

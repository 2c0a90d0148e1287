// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers as user space has them: by ioctl in groups or one by one, and in kvm_run,
 * which shows all of them after each KVM_RUN and says which ones to take before the next.
 *
 * KVM_RUN works on copies.  An ioctl that changes registers shows what it changed, and
 * nothing else: user space may have put other ones there that it has not run with yet.
 */
#include <linux/uaccess.h>
#include <asm/fpu.h>

#include "s390.h"

/* --- kvm_run --------------------------------------------------------------- */

u32 s390_sync_regs_valid(struct vm *vm)
{
	return KVM_SYNC_PREFIX | KVM_SYNC_GPRS | KVM_SYNC_ACRS | KVM_SYNC_CRS |
	       KVM_SYNC_ARCH0 | KVM_SYNC_PFAULT |
	       (s390_host.vector ? KVM_SYNC_VRS : KVM_SYNC_FPRS);
}

static void store_prefix(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	regs->prefix = s390_prefix(vcpu);
}

static void load_prefix(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	s390_set_prefix(vcpu, READ_ONCE(regs->prefix));
}

static void store_gprs(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	memcpy(regs->gprs, vcpu->arch.gprs, sizeof(regs->gprs));
}

static void load_gprs(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	memcpy(vcpu->arch.gprs, regs->gprs, sizeof(regs->gprs));
}

static void store_acrs(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	memcpy(regs->acrs, vcpu->arch.acrs, sizeof(regs->acrs));
}

static void load_acrs(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	memcpy(vcpu->arch.acrs, regs->acrs, sizeof(regs->acrs));
}

static void store_crs(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	memcpy(regs->crs, vcpu->arch.sie->gcr, sizeof(regs->crs));
}

static void load_crs(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	memcpy(vcpu->arch.sie->gcr, regs->crs, sizeof(regs->crs));
	s390_purge(vcpu);
}

static void store_arch0(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	regs->todpr = sie->todpr;
	regs->cputm = s390_cpu_timer(vcpu);
	regs->ckc = sie->ckc;
	regs->pp = sie->pp;
	regs->gbea = sie->gbea;
}

static void load_arch0(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	sie->todpr = READ_ONCE(regs->todpr);
	s390_set_cpu_timer(vcpu, READ_ONCE(regs->cputm));
	sie->ckc = READ_ONCE(regs->ckc);
	sie->pp = READ_ONCE(regs->pp);
	sie->gbea = READ_ONCE(regs->gbea);
}

static void store_pfault(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	regs->pft = vcpu->arch.pfault.token;
	regs->pfs = vcpu->arch.pfault.select;
	regs->pfc = vcpu->arch.pfault.compare;
}

static void load_pfault(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	vcpu->arch.pfault = (struct s390_pfault) {
		.token = READ_ONCE(regs->pft),
		.select = READ_ONCE(regs->pfs),
		.compare = READ_ONCE(regs->pfc),
	};
}

static void store_vrs(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	static_assert(sizeof(regs->vrs) == sizeof(vcpu->arch.fpu.vxrs));
	memcpy(regs->vrs, vcpu->arch.fpu.vxrs, sizeof(regs->vrs));
	regs->fpc = vcpu->arch.fpu.fpc;
}

/* A control word that cannot be is found out when it is loaded, and becomes 0. */
static void load_vrs(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	memcpy(vcpu->arch.fpu.vxrs, regs->vrs, sizeof(regs->vrs));
	vcpu->arch.fpu.fpc = READ_ONCE(regs->fpc);
}

static void store_fprs(struct vcpu *vcpu, struct kvm_sync_regs *regs)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(regs->fprs); i++)
		regs->fprs[i] = vcpu->arch.fpu.vxrs[i].high;
	regs->fpc = vcpu->arch.fpu.fpc;
}

static void load_fprs(struct vcpu *vcpu, const struct kvm_sync_regs *regs)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(regs->fprs); i++)
		vcpu->arch.fpu.vxrs[i].high = READ_ONCE(regs->fprs[i]);
	vcpu->arch.fpu.fpc = READ_ONCE(regs->fpc);
}

/* KVM_SYNC_*, in the order of their bits. */
static const struct sync_group {
	u32	bit;
	void	(*store)(struct vcpu *vcpu, struct kvm_sync_regs *regs);
	void	(*load)(struct vcpu *vcpu, const struct kvm_sync_regs *regs);
} sync_groups[] = {
	{ KVM_SYNC_PREFIX,	store_prefix,	load_prefix },
	{ KVM_SYNC_GPRS,	store_gprs,	load_gprs },
	{ KVM_SYNC_ACRS,	store_acrs,	load_acrs },
	{ KVM_SYNC_CRS,		store_crs,	load_crs },
	{ KVM_SYNC_ARCH0,	store_arch0,	load_arch0 },
	{ KVM_SYNC_PFAULT,	store_pfault,	load_pfault },
	{ KVM_SYNC_VRS,		store_vrs,	load_vrs },
	{ KVM_SYNC_FPRS,	store_fprs,	load_fprs },
};

void s390_sync_store(struct vcpu *vcpu, u32 what)
{
	u32 valid = s390_sync_regs_valid(vcpu->vm);
	struct kvm_run *run = vcpu->run;
	int i;

	for (i = 0; i < ARRAY_SIZE(sync_groups); i++)
		if (sync_groups[i].bit & what & valid)
			sync_groups[i].store(vcpu, &run->s.regs);
	if (what & S390_SYNC_PSW) {
		run->psw_mask = vcpu->arch.sie->gpsw.mask;
		run->psw_addr = vcpu->arch.sie->gpsw.addr;
	}
	/* DIAGNOSE 0x318 is not there; nor does what user space has left here stay. */
	run->s.regs.diag318 = 0;
	run->kvm_valid_regs = valid;
}

int s390_sync_load(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 asked = READ_ONCE(run->kvm_dirty_regs);
	u32 dirty = asked & s390_sync_regs_valid(vcpu->vm);
	int i;

	if ((asked | READ_ONCE(run->kvm_valid_regs)) & ~KVM_SYNC_S390_VALID_FIELDS)
		return -EINVAL;

	vcpu->arch.sie->gpsw.mask = READ_ONCE(run->psw_mask);
	vcpu->arch.sie->gpsw.addr = READ_ONCE(run->psw_addr);
	if (!dirty)
		return 0;

	for (i = 0; i < ARRAY_SIZE(sync_groups); i++)
		if (sync_groups[i].bit & dirty)
			sync_groups[i].load(vcpu, &run->s.regs);
	run->kvm_dirty_regs = 0;

	return 0;
}

/* --- groups ---------------------------------------------------------------- */

long s390_ioctl_get_regs(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	struct kvm_regs *regs = data;

	memcpy(regs->gprs, vcpu->arch.gprs, sizeof(regs->gprs));

	return 0;
}

long s390_ioctl_set_regs(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	const struct kvm_regs *regs = data;

	memcpy(vcpu->arch.gprs, regs->gprs, sizeof(regs->gprs));
	s390_sync_store(vcpu, KVM_SYNC_GPRS);

	return 0;
}

long s390_ioctl_get_sregs(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	struct kvm_sregs *sregs = data;

	s390_acrs_fetch(vcpu);
	memcpy(sregs->acrs, vcpu->arch.acrs, sizeof(sregs->acrs));
	memcpy(sregs->crs, vcpu->arch.sie->gcr, sizeof(sregs->crs));

	return 0;
}

long s390_ioctl_set_sregs(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	const struct kvm_sregs *sregs = data;

	memcpy(vcpu->arch.acrs, sregs->acrs, sizeof(sregs->acrs));
	s390_acrs_commit(vcpu);
	memcpy(vcpu->arch.sie->gcr, sregs->crs, sizeof(sregs->crs));
	s390_purge(vcpu);
	s390_sync_store(vcpu, KVM_SYNC_ACRS | KVM_SYNC_CRS);

	return 0;
}

long s390_ioctl_get_fpu(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	struct kvm_fpu *fpu = data;
	int i;

	fpu->fpc = vcpu->arch.fpu.fpc;
	for (i = 0; i < ARRAY_SIZE(fpu->fprs); i++)
		fpu->fprs[i] = vcpu->arch.fpu.vxrs[i].high;

	return 0;
}

long s390_ioctl_set_fpu(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	const struct kvm_fpu *fpu = data;
	int i;

	vcpu->arch.fpu.fpc = fpu->fpc;
	for (i = 0; i < ARRAY_SIZE(fpu->fprs); i++)
		vcpu->arch.fpu.vxrs[i].high = fpu->fprs[i];
	s390_sync_store(vcpu, KVM_SYNC_VRS | KVM_SYNC_FPRS);

	return 0;
}

long s390_ioctl_set_initial_psw(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	const struct kvm_s390_psw *psw = data;

	if (!s390_is_stopped(vcpu))
		return -EBUSY;

	s390_psw(vcpu)->mask = psw->mask;
	s390_psw(vcpu)->addr = psw->addr;
	s390_sync_store(vcpu, S390_SYNC_PSW);

	return 0;
}

/* --- one by one ------------------------------------------------------------ */

static u64 get_todpr(struct vcpu *vcpu)
{
	return vcpu->arch.sie->todpr;
}

static void set_todpr(struct vcpu *vcpu, u64 value)
{
	vcpu->arch.sie->todpr = value;
}

static u64 get_epoch(struct vcpu *vcpu)
{
	return vcpu->arch.sie->epoch;
}

/* Of this vCPU alone, until somebody sets the VM's. */
static void set_epoch(struct vcpu *vcpu, u64 value)
{
	vcpu_take_request(vcpu, REQ_EPOCH);
	vcpu->arch.sie->epoch = value;
}

static u64 get_comparator(struct vcpu *vcpu)
{
	return vcpu->arch.sie->ckc;
}

static void set_comparator(struct vcpu *vcpu, u64 value)
{
	vcpu->arch.sie->ckc = value;
}

static u64 get_pp(struct vcpu *vcpu)
{
	return vcpu->arch.sie->pp;
}

static void set_pp(struct vcpu *vcpu, u64 value)
{
	vcpu->arch.sie->pp = value;
}

static u64 get_gbea(struct vcpu *vcpu)
{
	return vcpu->arch.sie->gbea;
}

static void set_gbea(struct vcpu *vcpu, u64 value)
{
	vcpu->arch.sie->gbea = value;
}

#define PFAULT_ACCESSORS(field_)					\
	static u64 get_pfault_##field_(struct vcpu *vcpu)		\
	{								\
		return vcpu->arch.pfault.field_;			\
	}								\
	static void set_pfault_##field_(struct vcpu *vcpu, u64 value)	\
	{								\
		vcpu->arch.pfault.field_ = value;			\
	}

PFAULT_ACCESSORS(token)
PFAULT_ACCESSORS(select)
PFAULT_ACCESSORS(compare)

/* KVM_REG_S390_*: the size is a part of the number. */
static const struct reg_row {
	u64	id;
	u32	group;		/* KVM_SYNC_*: where kvm_run has it */
	u64	(*get)(struct vcpu *vcpu);
	void	(*set)(struct vcpu *vcpu, u64 value);
} reg_rows[] = {
	{ KVM_REG_S390_TODPR,	   KVM_SYNC_ARCH0,  get_todpr,		  set_todpr },
	{ KVM_REG_S390_EPOCHDIFF,  0,		    get_epoch,		  set_epoch },
	{ KVM_REG_S390_CPU_TIMER,  KVM_SYNC_ARCH0,  s390_cpu_timer,	  s390_set_cpu_timer },
	{ KVM_REG_S390_CLOCK_COMP, KVM_SYNC_ARCH0,  get_comparator,	  set_comparator },
	{ KVM_REG_S390_PFTOKEN,	   KVM_SYNC_PFAULT, get_pfault_token,	  set_pfault_token },
	{ KVM_REG_S390_PFCOMPARE,  KVM_SYNC_PFAULT, get_pfault_compare,	  set_pfault_compare },
	{ KVM_REG_S390_PFSELECT,   KVM_SYNC_PFAULT, get_pfault_select,	  set_pfault_select },
	{ KVM_REG_S390_PP,	   KVM_SYNC_ARCH0,  get_pp,		  set_pp },
	{ KVM_REG_S390_GBEA,	   KVM_SYNC_ARCH0,  get_gbea,		  set_gbea },
};

static const struct reg_row *reg_find(u64 id)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(reg_rows); i++)
		if (reg_rows[i].id == id)
			return &reg_rows[i];

	return NULL;
}

static bool reg_is_word(u64 id)
{
	return (id & KVM_REG_SIZE_MASK) == KVM_REG_SIZE_U32;
}

long s390_ioctl_get_one_reg(void *object, void *data, unsigned long user)
{
	const struct kvm_one_reg *reg = data;
	const struct reg_row *row = reg_find(reg->id);
	u64 value;

	if (!row)
		return -EINVAL;

	value = row->get(object);
	if (reg_is_word(row->id))
		return put_user((u32)value, (u32 __user *)u64_to_user_ptr(reg->addr));

	return put_user(value, (u64 __user *)u64_to_user_ptr(reg->addr));
}

long s390_ioctl_set_one_reg(void *object, void *data, unsigned long user)
{
	const struct kvm_one_reg *reg = data;
	const struct reg_row *row = reg_find(reg->id);
	struct vcpu *vcpu = object;
	u64 value;
	u32 word;

	if (!row)
		return -EINVAL;

	if (reg_is_word(row->id)) {
		if (get_user(word, (u32 __user *)u64_to_user_ptr(reg->addr)))
			return -EFAULT;
		value = word;
	} else if (get_user(value, (u64 __user *)u64_to_user_ptr(reg->addr))) {
		return -EFAULT;
	}
	row->set(vcpu, value);
	s390_sync_store(vcpu, row->group);

	return 0;
}

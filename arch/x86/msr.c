// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers: one table of ranges, in order, that says where each
 * lives, who may write what, and who gets to see it (KVM_GET_MSR_INDEX_LIST).
 * Called for exits and by the ioctls.  What is more than storage is in msr_value.c;
 * x2APIC registers and the deadline belong to lapic.c, clocks to clock.c.
 */
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>
#include <asm/perf_event.h>

#include "msr.h"

#define MSR_BATCH_MAX		256	/* entries of KVM_GET_MSRS and KVM_SET_MSRS */

/* Ranges of which the kernel names at most one. */
#define MSR_IORR_FIRST		0xc0010016
#define MSR_IORR_LAST		0xc0010019
#define MSR_MC_MASK_FIRST	0xc0010044
#define MSR_MC_MASK_LAST	0xc001004a
#define MSR_PSTATE_FIRST	0xc0010061	/* limit, control, status */
#define MSR_PSTATE_LAST		0xc0010063
#define MSR_SMM_FIRST		0xc0010111	/* base, TSEG address and mask */
#define MSR_SMM_LAST		0xc0010113
#define MSR_LS_CFG_FIRST	0xc0011020	/* LS_CFG, IC_CFG, DC_CFG, BU_CFG */
#define MSR_LS_CFG_LAST		0xc0011023

enum {
	MSR_LISTED	= BIT(0),	/* in KVM_GET_MSR_INDEX_LIST */
	MSR_PASS	= BIT(1),	/* no exit: the guest has the CPU's own */
	MSR_GUEST_RO	= BIT(2),	/* a guest that writes gets #GP */
	MSR_SOFTWARE	= BIT(3),	/* the feature is not the CPU's: the host has it */
	MSR_FAST_WRITE	= BIT(4),	/* @set may run with irqs off; @get always may */
};

struct msr_desc {
	u32	first, last;
	u16	flags;
	u16	feature;	/* X86_FEATURE_* a guest needs, 0: none */
	u16	group;		/* group of state it is in, 0: none */
	u32	offset;		/* of a u64 per MSR in struct vcpu_arch, if @get is NULL */
	/* Is @value something the guest may put there?  NULL: anything is. */
	bool	(*valid)(struct vcpu *vcpu, u32 msr, u64 value, bool host);
	/* 0 or -EINVAL.  NULL: storage as above. */
	int	(*get)(struct vcpu *vcpu, u32 msr, u64 *value, bool host);
	int	(*set)(struct vcpu *vcpu, u32 msr, u64 value, bool host);
};

/* --- the table --------------------------------------------------------------- */

#define FIELDS(first_, last_, field_, ...)	\
	{ .first = (first_), .last = (last_),	\
	  .offset = offsetof(struct vcpu_arch, field_), ##__VA_ARGS__ }
#define FIELD(msr_, field_, ...)	FIELDS(msr_, msr_, field_, ##__VA_ARGS__)
#define CALLS(first_, last_, get_, set_, ...)	\
	{ .first = (first_), .last = (last_), .get = (get_), .set = (set_), ##__VA_ARGS__ }
#define CALL(msr_, get_, set_, ...)	CALLS(msr_, msr_, get_, set_, ##__VA_ARGS__)
#define ZEROES(first_, last_)		CALLS(first_, last_, msr_get_zero, msr_set_ignore)
#define ZERO(msr_)			ZEROES(msr_, msr_)

#define LISTED		.flags = MSR_LISTED
/* System-call state: the guest has the CPU's own, checked by the CPU. */
#define SYSCALL(msr_, field_, valid_)	\
	FIELD(msr_, state.field_, .group = X86_SYSCALL, .valid = (valid_),	\
	      .flags = MSR_LISTED | MSR_PASS)
#define SEGMENT_BASE(msr_, number_)	\
	FIELD(msr_, state.seg[number_].base, .group = X86_SEGS,		\
	      .valid = msr_valid_canonical, .flags = MSR_PASS)

/*
 * In order.  ZERO rows are what Linux, SeaBIOS and others touch without asking
 * CPUID, or without a way to ask; anything else that is not here raises #GP.
 */
static const struct msr_desc msrs[] = {
	ZEROES(MSR_IA32_P5_MC_ADDR, MSR_IA32_P5_MC_TYPE),
	CALL(MSR_IA32_TSC, msr_get_tsc, msr_set_tsc, LISTED),
	CALL(MSR_KVM_WALL_CLOCK, msr_get_clock, msr_set_clock, LISTED),
	CALL(MSR_KVM_SYSTEM_TIME, msr_get_clock, msr_set_clock, LISTED),
	ZERO(MSR_IA32_PLATFORM_ID),
	FIELD(MSR_IA32_APICBASE, apic_base, .set = msr_set_apic_base),
	ZERO(MSR_IA32_EBL_CR_POWERON),
	FIELD(MSR_SMI_COUNT, smi_count, .flags = MSR_LISTED | MSR_GUEST_RO),
	FIELD(MSR_IA32_FEAT_CTL, feature_control, .valid = msr_valid_feature_control),
	FIELD(MSR_IA32_TSC_ADJUST, tsc_adjust, .feature = X86_FEATURE_TSC_ADJUST,
	      .set = msr_set_tsc_adjust, .flags = MSR_LISTED | MSR_FAST_WRITE),
	CALL(MSR_IA32_SPEC_CTRL, msr_get_spec_ctrl, msr_set_spec_ctrl,
	     .flags = MSR_LISTED | MSR_FAST_WRITE),
	CALL(MSR_IA32_PRED_CMD, msr_get_refuse, msr_set_pred_cmd, .flags = MSR_FAST_WRITE),
	ZERO(MSR_IA32_UCODE_WRITE),
	FIELD(MSR_IA32_UCODE_REV, microcode, .set = msr_set_ucode_rev, LISTED),
	ZEROES(MSR_ARCH_PERFMON_PERFCTR0, MSR_ARCH_PERFMON_PERFCTR1),
	ZERO(MSR_FSB_FREQ),
	FIELD(MSR_PLATFORM_INFO, platform_info, .flags = MSR_GUEST_RO, .valid = msr_valid_zero),
	CALL(MSR_MTRRcap, msr_get_mtrr_cap, msr_set_refuse),
	FIELD(MSR_IA32_ARCH_CAPABILITIES, arch_capabilities,
	      .feature = X86_FEATURE_ARCH_CAPABILITIES, .valid = msr_valid_arch_capabilities,
	      .flags = MSR_LISTED | MSR_GUEST_RO),
	CALL(MSR_IA32_FLUSH_CMD, msr_get_refuse, msr_set_flush_cmd, .feature = X86_FEATURE_FLUSH_L1D),
	ZERO(MSR_IA32_BBL_CR_CTL),
	ZERO(MSR_IA32_BBL_CR_CTL3),
	CALL(MSR_MISC_FEATURES_ENABLES, msr_get_zero, msr_set_ignore, .valid = msr_valid_zero),
	SYSCALL(MSR_IA32_SYSENTER_CS, sysenter_cs, NULL),
	SYSCALL(MSR_IA32_SYSENTER_ESP, sysenter_esp, msr_valid_canonical),
	SYSCALL(MSR_IA32_SYSENTER_EIP, sysenter_eip, msr_valid_canonical),
	FIELD(MSR_IA32_MCG_CAP, mcg_cap, .set = msr_set_refuse),
	FIELD(MSR_IA32_MCG_STATUS, mcg_status, LISTED),
	FIELD(MSR_IA32_MCG_CTL, mcg_ctl, .valid = msr_valid_mcg_ctl, LISTED),
	ZEROES(MSR_ARCH_PERFMON_EVENTSEL0, MSR_ARCH_PERFMON_EVENTSEL0 + 1),
	ZEROES(MSR_IA32_PERF_STATUS, MSR_IA32_PERF_CTL),
	FIELD(MSR_IA32_MISC_ENABLE, misc_enable, LISTED),
	FIELD(MSR_IA32_DEBUGCTLMSR, state.debugctl, .group = X86_MISC, .valid = msr_valid_debugctl),
	ZEROES(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP),
	ZERO(MSR_IA32_POWER_CTL),
	FIELDS(MTRRphysBase_MSR(0), MTRRphysMask_MSR(7), mtrr_var,
	       .valid = msr_valid_mtrr_variable, LISTED),
	FIELD(MSR_MTRRfix64K_00000, mtrr_fixed[0], .valid = msr_valid_mtrr_fixed, LISTED),
	FIELDS(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, mtrr_fixed[1],
	       .valid = msr_valid_mtrr_fixed, LISTED),
	FIELDS(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000, mtrr_fixed[3],
	       .valid = msr_valid_mtrr_fixed, LISTED),
	FIELD(MSR_IA32_CR_PAT, state.pat, .group = X86_MISC, .valid = msr_valid_pat, LISTED),
	FIELD(MSR_MTRRdefType, mtrr_def_type, .valid = msr_valid_mtrr_def_type, LISTED),
	CALLS(MSR_IA32_MC0_CTL, MSR_IA32_MC0_CTL + 4 * X86_MCE_BANKS - 1,
	      msr_get_mce_bank, msr_set_mce_bank),
	CALL(MSR_IA32_TSC_DEADLINE, msr_get_deadline, msr_set_deadline,
	     .feature = X86_FEATURE_TSC_DEADLINE_TIMER, .flags = MSR_LISTED | MSR_SOFTWARE),
	CALLS(APIC_BASE_MSR, APIC_BASE_MSR + 0xff, msr_get_x2apic, msr_set_x2apic,
	      .feature = X86_FEATURE_X2APIC, .flags = MSR_SOFTWARE),
	FIELD(MSR_IA32_XSS, xss, .feature = X86_FEATURE_XSAVES, .valid = msr_valid_xss, LISTED),
	CALLS(MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, msr_get_clock, msr_set_clock, LISTED),
	CALL(MSR_KVM_STEAL_TIME, msr_get_clock, msr_set_clock, LISTED),
	FIELD(MSR_EFER, state.efer, .group = X86_CRS, .set = msr_set_efer),
	SYSCALL(MSR_STAR, star, NULL),
	SYSCALL(MSR_LSTAR, lstar, msr_valid_canonical),
	SYSCALL(MSR_CSTAR, cstar, msr_valid_canonical),
	SYSCALL(MSR_SYSCALL_MASK, sfmask, NULL),
	SEGMENT_BASE(MSR_FS_BASE, X86_FS),
	SEGMENT_BASE(MSR_GS_BASE, X86_GS),
	SYSCALL(MSR_KERNEL_GS_BASE, kernel_gs_base, msr_valid_canonical),
	FIELD(MSR_TSC_AUX, tsc_aux, .feature = X86_FEATURE_RDTSCP, .set = msr_set_tsc_aux, LISTED),
	ZEROES(MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3),
	ZERO(MSR_AMD64_SYSCFG),
	CALL(MSR_K7_HWCR, msr_get_hwcr, msr_set_hwcr, LISTED),
	ZEROES(MSR_IORR_FIRST, MSR_IORR_LAST),
	ZERO(MSR_K8_TOP_MEM1),
	ZERO(MSR_K8_TOP_MEM2),
	ZERO(MSR_AMD64_NB_CFG),
	ZERO(MSR_AMD64_PATCH_LOADER),
	ZEROES(MSR_MC_MASK_FIRST, MSR_MC_MASK_LAST),
	ZERO(MSR_K8_INT_PENDING_MSG),
	ZERO(MSR_FAM10H_MMIO_CONF_BASE),
	ZEROES(MSR_PSTATE_FIRST, MSR_PSTATE_LAST),
	ZEROES(MSR_SMM_FIRST, MSR_SMM_LAST),
	CALL(MSR_VM_CR, msr_get_vm_cr, msr_set_refuse),
	FIELD(MSR_AMD64_OSVW_ID_LENGTH, osvw_length, .flags = MSR_GUEST_RO),
	FIELD(MSR_AMD64_OSVW_STATUS, osvw_status, .flags = MSR_GUEST_RO),
	ZEROES(MSR_LS_CFG_FIRST, MSR_LS_CFG_LAST),
	CALL(MSR_AMD64_DE_CFG, msr_get_de_cfg, msr_set_de_cfg),
	ZERO(MSR_AMD64_BU_CFG2),
};

static const struct msr_desc *msr_search(u32 msr)
{
	int low = 0, high = ARRAY_SIZE(msrs) - 1;

	while (low <= high) {
		int middle = (low + high) / 2;

		if (msr < msrs[middle].first)
			high = middle - 1;
		else if (msr > msrs[middle].last)
			low = middle + 1;
		else
			return &msrs[middle];
	}

	return NULL;
}

static_assert(ARRAY_SIZE(msrs) <= U8_MAX + 1);

/* The row of an MSR, or NULL.  A guest uses few of them over and over again. */
static __always_inline const struct msr_desc *msr_find(struct vcpu *vcpu, u32 msr)
{
	u8 *hint = &vcpu->arch.msr_hint[msr % ARRAY_SIZE(vcpu->arch.msr_hint)];
	const struct msr_desc *desc = &msrs[*hint];

	if (likely(msr - desc->first <= desc->last - desc->first))
		return desc;
	desc = msr_search(msr);
	if (desc)
		*hint = desc - msrs;

	return desc;
}

/*
 * The guest needs the feature in its CPUID.  User space saves and restores before
 * and without it, but only what the host can serve.
 */
static __always_inline bool msr_visible(struct vcpu *vcpu, const struct msr_desc *desc, bool host)
{
	if (!desc->feature)
		return true;
	if (!host)
		return x86_guest_has(vcpu, desc->feature);

	return (desc->flags & MSR_SOFTWARE) || x86_host_allows(desc->feature);
}

static u64 *msr_storage(struct vcpu *vcpu, const struct msr_desc *desc, u32 msr)
{
	u32 count = desc->last - desc->first + 1;
	u32 index = array_index_nospec(msr - desc->first, count);

	return (u64 *)((void *)&vcpu->arch + desc->offset) + index;
}

int x86_msr_read(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	const struct msr_desc *desc = msr_find(vcpu, msr);

	if (!desc || !msr_visible(vcpu, desc, host))
		return -EINVAL;
	if (desc->get)
		return desc->get(vcpu, msr, value, host);

	x86_need(vcpu, desc->group);
	*value = *msr_storage(vcpu, desc, msr);

	return 0;
}

static __always_inline int msr_write(struct vcpu *vcpu, const struct msr_desc *desc, u32 msr,
				     u64 value, bool host)
{
	if (!msr_visible(vcpu, desc, host))
		return -EINVAL;
	if (!host && (desc->flags & MSR_GUEST_RO))
		return -EINVAL;
	if (desc->valid && !desc->valid(vcpu, msr, value, host))
		return -EINVAL;
	if (desc->set)
		return desc->set(vcpu, msr, value, host);

	x86_need(vcpu, desc->group);
	*msr_storage(vcpu, desc, msr) = value;
	if (desc->group)
		x86_dirty(vcpu, desc->group);

	return 0;
}

int x86_msr_write(struct vcpu *vcpu, u32 msr, u64 value, bool host)
{
	const struct msr_desc *desc = msr_find(vcpu, msr);

	return desc ? msr_write(vcpu, desc, msr, value, host) : -EINVAL;
}

int x86_msr_write_atomic(struct vcpu *vcpu, u32 msr, u64 value)
{
	const struct msr_desc *desc = msr_find(vcpu, msr);

	if (!desc || !(desc->flags & MSR_FAST_WRITE))
		return -EWOULDBLOCK;

	return msr_write(vcpu, desc, msr, value, false);
}

int x86_msrs_passed(u8 passed, struct x86_msr_access access[X86_PASSED_MAX])
{
	static const struct x86_msr_access sometimes[] = {
		{ MSR_IA32_SPEC_CTRL,	.read = true,	.write = true },
		{ MSR_IA32_PRED_CMD,	.write = true },
		{ MSR_IA32_FLUSH_CMD,	.write = true },
	};
	int i, count = 0;

	static_assert(BIT(ARRAY_SIZE(sometimes)) == X86_PASS_SETS);
	for (i = 0; i < ARRAY_SIZE(sometimes); i++)
		if (passed & BIT(i))
			access[count++] = sometimes[i];
	/* One that there is no room for exits. */
	for (i = 0; i < ARRAY_SIZE(msrs) && count < X86_PASSED_MAX; i++)
		if (msrs[i].flags & MSR_PASS)
			access[count++] = (struct x86_msr_access) {
				.msr = msrs[i].first, .read = true, .write = true };

	return count;
}

void x86_msr_intercepts(struct vcpu *vcpu)
{
	u8 passed = 0;

	x86_need(vcpu, X86_MISC);
	if (vcpu->arch.state.spec_ctrl && msr_spec_ctrl_allowed(vcpu, false))
		passed |= X86_PASS_SPEC_CTRL;
	if (msr_guest_has_ibpb(vcpu))
		passed |= X86_PASS_PRED_CMD;
	if (x86_guest_has(vcpu, X86_FEATURE_FLUSH_L1D))
		passed |= X86_PASS_FLUSH_CMD;
	vcpu->arch.msr_passed = passed;
	x86_op(msr_pass)(vcpu);
}

void x86_msr_reset(struct vcpu *vcpu, bool init)
{
	struct vcpu_arch *arch = &vcpu->arch;

	/* INIT leaves all of this alone. */
	if (init)
		return;

	arch->misc_enable = MSR_IA32_MISC_ENABLE_FAST_STRING | MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
			    MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL;
	arch->microcode = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ?
		MSR_UCODE_REV_INTEL : MSR_UCODE_REV_AMD;
	arch->arch_capabilities = msr_arch_capabilities_supported();
	arch->mtrr_def_type = 0;
	memset(arch->mtrr_fixed, 0, sizeof(arch->mtrr_fixed));
	memset(arch->mtrr_var, 0, sizeof(arch->mtrr_var));
	arch->hwcr = 0;
	arch->feature_control = 0;
	arch->mcg_status = 0;
	arch->xss = 0;
	if (!arch->mcg_cap)
		arch->mcg_cap = X86_MCE_BANKS;
}

/* --- ioctls ------------------------------------------------------------------ */

static bool msr_is_listed(const struct msr_desc *desc)
{
	if (!(desc->flags & MSR_LISTED))
		return false;
	if (desc->first == MSR_IA32_SPEC_CTRL)
		return msr_spec_ctrl_allowed(NULL, true);

	return msr_visible(NULL, desc, true);
}

/* Properties of the host that a VMM reads before there is a vCPU. */
static int feature_msr(u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_IA32_UCODE_REV:
		*value = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ?
			MSR_UCODE_REV_INTEL : MSR_UCODE_REV_AMD;
		rdmsrl_safe(MSR_IA32_UCODE_REV, value);
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*value = msr_arch_capabilities_supported();
		return x86_host_allows(X86_FEATURE_ARCH_CAPABILITIES) ? 0 : -EINVAL;
	case MSR_AMD64_DE_CFG:
		*value = msr_de_cfg_supported();
		return 0;
	default:
		return -EINVAL;
	}
}

static const u32 feature_msrs[] = {
	MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES, MSR_AMD64_DE_CFG,
};

/* Counts all, and writes those that there is room for. */
struct msr_list {
	u32	*index;
	u32	room;
	u32	count;
};

static void msr_list_add(struct msr_list *list, u32 msr)
{
	if (list->count < list->room)
		list->index[list->count] = msr;
	list->count++;
}

static void msr_list_fill(struct msr_list *list, bool feature)
{
	u64 value;
	u32 msr;
	int i;

	if (feature) {
		for (i = 0; i < ARRAY_SIZE(feature_msrs); i++)
			if (!feature_msr(feature_msrs[i], &value))
				msr_list_add(list, feature_msrs[i]);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (!msr_is_listed(&msrs[i]))
			continue;
		for (msr = msrs[i].first; msr <= msrs[i].last; msr++)
			msr_list_add(list, msr);
	}
}

int x86_ioctl_msr_index_list(struct kvm_msr_list __user *user, bool feature)
{
	struct msr_list list = { .room = MSR_BATCH_MAX };
	u32 room;
	int ret;

	if (get_user(room, &user->nmsrs))
		return -EFAULT;
	list.index = kcalloc(list.room, sizeof(*list.index), GFP_KERNEL);
	if (!list.index)
		return -ENOMEM;

	msr_list_fill(&list, feature);
	ret = -EFAULT;
	if (put_user(list.count, &user->nmsrs))
		goto out_free;
	ret = -E2BIG;
	if (room < list.count || list.room < list.count)
		goto out_free;
	ret = copy_to_user(user->indices, list.index, list.count * sizeof(*list.index)) ?
		-EFAULT : 0;

out_free:
	kfree(list.index);
	return ret;
}

static int entry_get(struct vcpu *vcpu, struct kvm_msr_entry *entry)
{
	return x86_msr_read(vcpu, entry->index, &entry->data, true);
}

static int entry_set(struct vcpu *vcpu, struct kvm_msr_entry *entry)
{
	return x86_msr_write(vcpu, entry->index, entry->data, true);
}

static int entry_get_feature(struct vcpu *vcpu, struct kvm_msr_entry *entry)
{
	return feature_msr(entry->index, &entry->data);
}

/* Do one after the other until one fails; the result is how many were done. */
static int msrs_each(struct vcpu *vcpu, struct kvm_msrs __user *user, bool copy_back,
		     int (*access)(struct vcpu *vcpu, struct kvm_msr_entry *entry))
{
	struct kvm_msr_entry *entry;
	struct kvm_msrs head;
	int done, ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs > MSR_BATCH_MAX)
		return -E2BIG;
	entry = kcalloc(max(head.nmsrs, 1u), sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;

	ret = -EFAULT;
	if (copy_from_user(entry, user->entries, head.nmsrs * sizeof(*entry)))
		goto out_free;
	for (done = 0; done < head.nmsrs; done++)
		if (access(vcpu, &entry[done]))
			break;
	if (copy_back && copy_to_user(user->entries, entry, head.nmsrs * sizeof(*entry)))
		goto out_free;
	ret = done;

out_free:
	kfree(entry);
	return ret;
}

int x86_ioctl_get_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return msrs_each(vcpu, user, true, entry_get);
}

int x86_ioctl_set_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return msrs_each(vcpu, user, false, entry_set);
}

int x86_ioctl_get_feature_msrs(struct kvm_msrs __user *user)
{
	return msrs_each(NULL, user, true, entry_get_feature);
}

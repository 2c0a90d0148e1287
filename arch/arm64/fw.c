// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware calls: the guest's HVC and SMC, as the SMC Calling Convention (DEN0028) has
 * them, one table row per call.  Function in w0, arguments in x1 on, results in x0 to x3.
 * Here are the table and the dispatch, what user space filters, and its view of it all by
 * ONE_REG.  Calls about power are in fw_psci.c, the others in fw_smccc.c.  Called by
 * exit.c, regs.c and ioctl.c.
 */
#include <linux/cleanup.h>
#include <linux/maple_tree.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "fw.h"

/* --- the table ------------------------------------------------------------- */

#define PSCI_0_2	.psci = PSCI_VERSION(0, 2)
#define PSCI_1_0	.psci = PSCI_VERSION(1, 0)
#define PSCI_1_1	.psci = PSCI_VERSION(1, 1)
#define PSCI_1_3	.psci = PSCI_VERSION(1, 3)
#define TRNG		.service = 1 + FW_STD, .bit = KVM_REG_ARM_STD_BIT_TRNG_V1_0
#define PV_TIME		.service = 1 + FW_STD_HYP, .bit = KVM_REG_ARM_STD_HYP_BIT_PV_TIME
#define VENDOR(bit_)	.service = 1 + FW_VENDOR_HYP, .bit = KVM_REG_ARM_VENDOR_HYP_BIT_##bit_

/* In each table, what guests do most comes first. */
static const struct fw_call arch_calls[] = {
	{ ARM_SMCCC_ARCH_WORKAROUND_1, .fast = fast_smccc_workaround_1,
	  .feature = smccc_feature_workaround_1 },
	{ ARM_SMCCC_ARCH_WORKAROUND_3, .fast = fast_smccc_workaround_3,
	  .feature = smccc_feature_workaround_3 },
	{ ARM_SMCCC_ARCH_WORKAROUND_2, .fast = fast_smccc_workaround_2,
	  .feature = smccc_feature_workaround_2 },
	{ ARM_SMCCC_VERSION_FUNC_ID, .fast = fast_smccc_version, .feature = smccc_always },
	{ ARM_SMCCC_ARCH_FEATURES_FUNC_ID, .fast = fast_smccc_arch_features,
	  .feature = smccc_always },
};

static const struct fw_call standard_calls[] = {
	{ PSCI_0_2_FN64_CPU_SUSPEND,	PSCI_0_2, .call = psci_cpu_suspend },
	{ PSCI_0_2_FN_CPU_SUSPEND,	PSCI_0_2, .call = psci_cpu_suspend },
	{ PSCI_0_2_FN_PSCI_VERSION,	PSCI_0_2, .fast = fast_psci_version },
	{ PSCI_1_0_FN_PSCI_FEATURES,	PSCI_1_0, .fast = fast_psci_features },
	{ ARM_SMCCC_TRNG_RND64,		TRNG, .call = trng_rnd },
	{ ARM_SMCCC_TRNG_RND32,		TRNG, .call = trng_rnd },
	{ ARM_SMCCC_TRNG_VERSION,	TRNG, .fast = fast_trng_version },
	{ ARM_SMCCC_TRNG_FEATURES,	TRNG, .fast = fast_trng_features },
	{ ARM_SMCCC_TRNG_GET_UUID,	TRNG, .fast = fast_trng_get_uuid },
	{ PSCI_0_2_FN64_AFFINITY_INFO,	PSCI_0_2, .call = psci_affinity_info },
	{ PSCI_0_2_FN_AFFINITY_INFO,	PSCI_0_2, .call = psci_affinity_info },
	{ PSCI_0_2_FN64_CPU_ON,		PSCI_0_2, .call = psci_cpu_on },
	{ PSCI_0_2_FN_CPU_ON,		PSCI_0_2, .call = psci_cpu_on },
	{ PSCI_0_2_FN_CPU_OFF,		PSCI_0_2, .call = psci_cpu_off },
	{ PSCI_0_2_FN_MIGRATE_INFO_TYPE, PSCI_0_2, .fast = fast_psci_migrate_info_type },
	{ PSCI_0_2_FN_SYSTEM_OFF,	PSCI_0_2, .call = psci_system_off },
	{ PSCI_0_2_FN_SYSTEM_RESET,	PSCI_0_2, .call = psci_system_reset },
	{ PSCI_1_0_FN64_SYSTEM_SUSPEND,	PSCI_1_0, .call = psci_system_suspend,
	  .present = psci_may_suspend_system },
	{ PSCI_1_0_FN_SYSTEM_SUSPEND,	PSCI_1_0, .call = psci_system_suspend,
	  .present = psci_may_suspend_system },
	{ PSCI_1_1_FN64_SYSTEM_RESET2,	PSCI_1_1, .call = psci_system_reset2 },
	{ PSCI_1_1_FN_SYSTEM_RESET2,	PSCI_1_1, .call = psci_system_reset2 },
#ifdef KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2
	{ PSCI_1_3_FN64_SYSTEM_OFF2,	PSCI_1_3, .call = psci_system_off2,
	  .psci_features = PSCI_1_3_OFF_TYPE_HIBERNATE_OFF },
	{ PSCI_1_3_FN_SYSTEM_OFF2,	PSCI_1_3, .call = psci_system_off2,
	  .psci_features = PSCI_1_3_OFF_TYPE_HIBERNATE_OFF },
#endif
};

static const struct fw_call standard_hyp_calls[] = {
	{ ARM_SMCCC_HV_PV_TIME_FEATURES, PV_TIME, .call = pv_time, .feature = smccc_always },
	{ ARM_SMCCC_HV_PV_TIME_ST,	PV_TIME, .call = pv_time },
};

static const struct fw_call vendor_hyp_calls[] = {
	{ ARM_SMCCC_VENDOR_HYP_KVM_PTP_FUNC_ID,	VENDOR(PTP), .call = vendor_ptp },
	{ ARM_SMCCC_VENDOR_HYP_KVM_FEATURES_FUNC_ID, VENDOR(FUNC_FEAT),
	  .fast = fast_vendor_features },
	{ ARM_SMCCC_VENDOR_HYP_CALL_UID_FUNC_ID, VENDOR(FUNC_FEAT), .fast = fast_vendor_uid },
};

/* PSCI before the calling convention: the numbers are the ABI's. */
static const struct fw_call psci_0_1_calls[] = {
	{ KVM_PSCI_FN_CPU_SUSPEND,	.call = psci_cpu_suspend, .present = psci_is_0_1 },
	{ KVM_PSCI_FN_CPU_OFF,		.call = psci_cpu_off, .present = psci_is_0_1 },
	{ KVM_PSCI_FN_CPU_ON,		.call = psci_cpu_on, .present = psci_is_0_1 },
};

/* By owner, "Function Identifier Values". */
#define OWNER_PSCI_0_1	ARM_SMCCC_OWNER_NUM(KVM_PSCI_FN_BASE)
#define CALLS(calls_)	{ (calls_), ARRAY_SIZE(calls_) }

static const struct {
	const struct fw_call	*calls;
	unsigned int		count;
} owners[] = {
	[ARM_SMCCC_OWNER_ARCH]		= CALLS(arch_calls),
	[ARM_SMCCC_OWNER_STANDARD]	= CALLS(standard_calls),
	[ARM_SMCCC_OWNER_STANDARD_HYP]	= CALLS(standard_hyp_calls),
	[ARM_SMCCC_OWNER_VENDOR_HYP]	= CALLS(vendor_hyp_calls),
	[OWNER_PSCI_0_1]		= CALLS(psci_0_1_calls),
};

static bool fw_present(struct vcpu *vcpu, const struct fw_call *row)
{
	if (row->psci && psci_version(vcpu) < row->psci)
		return false;
	if (row->service &&
	    !(READ_ONCE(vcpu->vm->arch.fw_bitmap[row->service - 1]) & BIT(row->bit)))
		return false;

	return !row->present || row->present(vcpu);
}

static const struct fw_call *fw_search(u32 id)
{
	unsigned int owner = ARM_SMCCC_OWNER_NUM(id);
	const struct fw_call *row, *end;

	if (owner >= ARRAY_SIZE(owners))
		return NULL;
	owner = array_index_nospec(owner, ARRAY_SIZE(owners));

	end = owners[owner].calls + owners[owner].count;
	for (row = owners[owner].calls; row < end; row++)
		if (row->id == id)
			return row;

	return NULL;
}

const struct fw_call *fw_find(struct vcpu *vcpu, u32 id)
{
	const struct fw_call *row = fw_search(id);

	return row && fw_present(vcpu, row) ? row : NULL;
}

/* --- the filter ------------------------------------------------------------ */

/* What nobody may filter: the Arm Architecture Calls, by their conventions. */
#define ARCH_CALLS_FIRST(convention)	\
	ARM_SMCCC_CALL_VAL(ARM_SMCCC_FAST_CALL, convention, ARM_SMCCC_OWNER_ARCH, 0)
#define ARCH_CALLS_LAST(convention)	\
	(ARCH_CALLS_FIRST(convention) | ARM_SMCCC_FUNC_MASK)

static const struct { u32 first, last; } unfiltered[] = {
	{ ARCH_CALLS_FIRST(ARM_SMCCC_SMC_32), ARCH_CALLS_LAST(ARM_SMCCC_SMC_32) },
	{ ARCH_CALLS_FIRST(ARM_SMCCC_SMC_64), ARCH_CALLS_LAST(ARM_SMCCC_SMC_64) },
};

static struct maple_tree *filter_get(struct vm *vm)
{
	/* Pairs with the release in filter_tree(). */
	return smp_load_acquire(&vm->arch.smccc_filter);
}

static unsigned int filter_action(struct vcpu *vcpu, u32 function)
{
	struct maple_tree *filter = filter_get(vcpu->vm);
	void *entry = filter ? mtree_load(filter, function) : NULL;

	return entry ? xa_to_value(entry) : KVM_SMCCC_FILTER_HANDLE;
}

/* The tree, made when it is first needed.  config_lock held. */
static struct maple_tree *filter_tree(struct vm *vm)
{
	struct maple_tree *filter = vm->arch.smccc_filter;

	if (filter)
		return filter;
	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return NULL;

	mt_init(filter);
	/* Pairs with filter_get(). */
	smp_store_release(&vm->arch.smccc_filter, filter);

	return filter;
}

static int filter_insert(struct vm *vm, u32 first, u32 last, unsigned int action)
{
	struct maple_tree *filter;
	int i;

	for (i = 0; i < ARRAY_SIZE(unfiltered); i++)
		if (first <= unfiltered[i].last && last >= unfiltered[i].first)
			return -EEXIST;

	guard(mutex)(&vm->config_lock);

	if (arm64_vm_ran(vm))
		return -EBUSY;
	filter = filter_tree(vm);
	if (!filter)
		return -ENOMEM;

	return mtree_insert_range(filter, first, last, xa_mk_value(action), GFP_KERNEL_ACCOUNT);
}

static int filter_set(struct vm *vm, const void __user *user)
{
	struct kvm_smccc_filter filter;
	u32 last;

	if (copy_from_user(&filter, user, sizeof(filter)))
		return -EFAULT;
	if (memchr_inv(filter.pad, 0, sizeof(filter.pad)))
		return -EINVAL;
	last = filter.base + filter.nr_functions - 1;
	if (!filter.nr_functions || last < filter.base || filter.action >= NR_SMCCC_FILTER_ACTIONS)
		return -EINVAL;

	return filter_insert(vm, filter.base, last, filter.action);
}

int arm64_fw_attr(struct vm *vm, unsigned int cmd, const struct kvm_device_attr *attr)
{
	if (attr->group != KVM_ARM_VM_SMCCC_CTRL || attr->attr != KVM_ARM_VM_SMCCC_FILTER)
		return -ENXIO;
	if (cmd == KVM_HAS_DEVICE_ATTR)
		return 0;
	if (cmd != KVM_SET_DEVICE_ATTR)
		return -ENXIO;

	return filter_set(vm, u64_to_user_ptr(attr->addr));
}

/* --- dispatch -------------------------------------------------------------- */

static void fw_finish(struct vcpu *vcpu, const struct fw_result *result)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(result->value); i++)
		arm64_set_reg(vcpu, i, result->value[i]);
}

/* User space finds the arguments in the registers, and leaves the results there. */
static int fw_forward(struct vcpu *vcpu, u64 flags)
{
	host_run_hypercall(vcpu->run, fw_function(vcpu), flags);

	return vcpu_exit(vcpu, KVM_EXIT_HYPERCALL);
}

static int fw_handle(struct vcpu *vcpu, struct fw_result *result)
{
	const struct fw_call *row = fw_find(vcpu, fw_function(vcpu));

	if (!row)
		return RESUME_GUEST;
	if (row->call)
		return row->call(vcpu, result);
	row->fast(vcpu, result);

	return RESUME_GUEST;
}

/* The pc is behind the call.  @flags: KVM_HYPERCALL_EXIT_*. */
static int fw_dispatch(struct vcpu *vcpu, u64 flags)
{
	struct fw_result result = { { SMCCC_RET_NOT_SUPPORTED } };
	unsigned int action;
	int ret = RESUME_GUEST;

	/* "SMC and HVC immediate value": with another it is no call of this convention. */
	action = vcpu->arch.exit.code & ESR_ELx_xVC_IMM_MASK ? KVM_SMCCC_FILTER_DENY :
		 filter_action(vcpu, fw_function(vcpu));
	if (action == KVM_SMCCC_FILTER_FWD_TO_USER)
		return fw_forward(vcpu, flags);
	if (action == KVM_SMCCC_FILTER_HANDLE)
		ret = fw_handle(vcpu, &result);
	if (ret == RESUME_GUEST)
		fw_finish(vcpu, &result);

	return ret;
}

int arm64_exit_hvc(struct vcpu *vcpu)
{
	vcpu->arch.stats.hvc_exits++;

	return fw_dispatch(vcpu, 0);
}

int arm64_exit_smc(struct vcpu *vcpu)
{
	vcpu->arch.stats.hvc_exits++;
	/* It trapped, so it is not done. */
	arm64_skip(vcpu);

	return fw_dispatch(vcpu, KVM_HYPERCALL_EXIT_SMC);
}

/*
 * Guests repeat themselves: the row of the last call, before those of the table.  Before the
 * first one it is right as it is: there is no function 0.
 */
static const struct fw_call *fw_search_fast(struct vcpu *vcpu, u32 id)
{
	if (unlikely(vcpu->arch.fw_last_id != id)) {
		vcpu->arch.fw_last = fw_search(id);
		vcpu->arch.fw_last_id = id;
	}

	return vcpu->arch.fw_last;
}

/* What the guest does not have is answered here, too. */
static __always_inline bool fw_fast(struct vcpu *vcpu)
{
	struct fw_result *result = &vcpu->arch.fw_result;
	u32 function = fw_function(vcpu);
	const struct fw_call *row;

	if (vcpu->arch.exit.code & ESR_ELx_xVC_IMM_MASK)
		return false;
	/* To look into a filter is for the slow path. */
	if (ARM_SMCCC_OWNER_NUM(function) != ARM_SMCCC_OWNER_ARCH && filter_get(vcpu->vm))
		return false;
	row = fw_search_fast(vcpu, function);
	if (row && !fw_present(vcpu, row))
		row = NULL;
	if (row && !row->fast)
		return false;

	vcpu->arch.stats.hvc_exits++;
	*result = (struct fw_result) { { SMCCC_RET_NOT_SUPPORTED } };
	if (row)
		row->fast(vcpu, result);
	fw_finish(vcpu, result);

	return true;
}

int arm64_fast_hvc(struct vcpu *vcpu)
{
	return fw_fast(vcpu) ? REENTER : RESUME_GUEST;
}

int arm64_fast_smc(struct vcpu *vcpu)
{
	if (!fw_fast(vcpu))
		return RESUME_GUEST;
	/* It trapped, so it is not done. */
	arm64_skip(vcpu);

	return REENTER;
}

/* --- ONE_REG --------------------------------------------------------------- */

/* Bits of each register that can be set, all of which are at first. */
static const u64 fw_bits[] = {
	[FW_STD]	= GENMASK_ULL(KVM_REG_ARM_STD_BMAP_BIT_COUNT - 1, 0),
	[FW_STD_HYP]	= GENMASK_ULL(KVM_REG_ARM_STD_HYP_BMAP_BIT_COUNT - 1, 0),
	[FW_VENDOR_HYP]	= GENMASK_ULL(KVM_REG_ARM_VENDOR_HYP_BMAP_BIT_COUNT - 1, 0),
};

static u64 version_get(struct vcpu *vcpu, unsigned int number)
{
	return psci_version(vcpu);
}

static int version_set(struct vcpu *vcpu, unsigned int number, u64 value)
{
	static const u32 versions[] = {
		PSCI_VERSION(0, 2), PSCI_VERSION(1, 0), PSCI_VERSION(1, 1),
		PSCI_VERSION(1, 2), FW_PSCI_VERSION,
	};
	int i;

	if (psci_is_0_1(vcpu))
		return value == PSCI_VERSION(0, 1) ? 0 : -EINVAL;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		if (versions[i] == value) {
			guard(mutex)(&vcpu->vm->config_lock);
			WRITE_ONCE(vcpu->vm->arch.psci_version, value);
			return 0;
		}
	}

	return -EINVAL;
}

static u64 workaround_level(unsigned int number)
{
	static u64 (*const levels[])(void) = {
		[1] = smccc_workaround_1_level,
		[2] = smccc_workaround_2_level,
		[3] = smccc_workaround_3_level,
	};

	return levels[number]();
}

static u64 workaround_get(struct vcpu *vcpu, unsigned int number)
{
	return workaround_level(number);
}

/* A guest may lose nothing that it had where it comes from; what it gets is the host's. */
static int workaround_set(struct vcpu *vcpu, unsigned int number, u64 value)
{
	return value <= workaround_level(number) ? 0 : -EINVAL;
}

/* All but NOT_REQUIRED are ways of the past to say that the guest sees to itself. */
static int workaround_2_set(struct vcpu *vcpu, unsigned int number, u64 value)
{
	value &= ~(u64)KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_ENABLED;
	if (value <= KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_AVAIL)
		return 0;

	return workaround_set(vcpu, number, value);
}

static u64 services_get(struct vcpu *vcpu, unsigned int number)
{
	return READ_ONCE(vcpu->vm->arch.fw_bitmap[number]);
}

static int services_set(struct vcpu *vcpu, unsigned int number, u64 value)
{
	struct vm *vm = vcpu->vm;

	if (value & ~fw_bits[number])
		return -EINVAL;

	guard(mutex)(&vm->config_lock);

	/* A VMM writes back what it has read at every reset. */
	if (arm64_vm_ran(vm) && value != vm->arch.fw_bitmap[number])
		return -EBUSY;
	WRITE_ONCE(vm->arch.fw_bitmap[number], value);

	return 0;
}

/* Handlers get @number. */
static const struct fw_register {
	u64	id;
	u8	number;
	u64	(*get)(struct vcpu *vcpu, unsigned int number);
	int	(*set)(struct vcpu *vcpu, unsigned int number, u64 value);
} registers[] = {
	{ KVM_REG_ARM_PSCI_VERSION, 0, version_get, version_set },
	{ KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1, 1, workaround_get, workaround_set },
	{ KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2, 2, workaround_get, workaround_2_set },
	{ KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3, 3, workaround_get, workaround_set },
	{ KVM_REG_ARM_STD_BMAP, FW_STD, services_get, services_set },
	{ KVM_REG_ARM_STD_HYP_BMAP, FW_STD_HYP, services_get, services_set },
	{ KVM_REG_ARM_VENDOR_HYP_BMAP, FW_VENDOR_HYP, services_get, services_set },
};

static const struct fw_register *register_find(u64 id)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i].id == id)
			return &registers[i];

	return NULL;
}

int arm64_fw_get(struct vcpu *vcpu, u64 id, u64 *value)
{
	const struct fw_register *row = register_find(id);

	if (!row)
		return -ENOENT;
	*value = row->get(vcpu, row->number);

	return 0;
}

int arm64_fw_set(struct vcpu *vcpu, u64 id, u64 value)
{
	const struct fw_register *row = register_find(id);

	return row ? row->set(vcpu, row->number, value) : -ENOENT;
}

int arm64_fw_list(struct vcpu *vcpu, u64 __user *user)
{
	int i;

	for (i = 0; user && i < ARRAY_SIZE(registers); i++)
		if (put_user(registers[i].id, user + i))
			return -EFAULT;

	return ARRAY_SIZE(registers);
}

/* --- life ------------------------------------------------------------------ */

void arm64_fw_reset(struct vm *vm)
{
	static_assert(ARRAY_SIZE(fw_bits) == ARRAY_SIZE(vm->arch.fw_bitmap));

	memcpy(vm->arch.fw_bitmap, fw_bits, sizeof(fw_bits));
	vm->arch.psci_version = FW_PSCI_VERSION;
}

void arm64_fw_destroy(struct vm *vm)
{
	struct maple_tree *filter = vm->arch.smccc_filter;

	if (!filter)
		return;
	mtree_destroy(filter);
	kfree(filter);
	vm->arch.smccc_filter = NULL;
}

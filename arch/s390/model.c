// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU model of a VM: what its CPUs say they are and have (KVM_S390_VM_CPU_MODEL).  User
 * space reads what the host offers, and sets what the guest is to see, before there is a
 * vCPU.
 *
 * The facility list is shown, not enforced, as the ABI has it: user space may add what the
 * host lacks and emulate it.  What a CPU of the guest may do beyond it is the hardware's
 * business, what is not in it and intercepted is answered as if unknown.  So what is set up
 * for the hardware by the list needs s390_host_facility() as well.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpacf.h>
#include <asm/facility.h>
#include <asm/processor.h>
#include <asm/sclp.h>
#include <asm/timex.h>

#include "s390.h"

#define FACILITY_BYTES	(S390_FACILITY_WORDS * sizeof(u64))
#define CPUID_VERSION	(0xffUL << 56)	/* what runs on a hypervisor has all ones there */
#define SUBFUNC_MSA	17		/* facility bits that say an instruction is there */
#define SUBFUNC_TOD_STEERING	28
#define SUBFUNC_MSA3	76
#define SUBFUNC_MSA4	77
#define SUBFUNC_MSA5	57
#define SUBFUNC_MSA8	146
#define SUBFUNC_MSA9	155
#define IBC_MASK	0xfffU

static_assert(2 * FACILITY_BYTES == PAGE_SIZE);
static_assert(sizeof(struct cpuid) == sizeof(u64));

/*
 * Facilities that guests may have if the host does: the hardware does what they promise, or
 * the instructions are intercepted and served ("Facility Indications").  Left out is what
 * needs controls in the control block that are not set up: transactional execution (73, 50),
 * runtime instrumentation (64), guarded storage (133), instruction-execution protection (130),
 * multiple epochs (139), branch-prediction blocking (82), measurement (67, 68, 142), wrapped
 * keys (76, 155); what looks at storage keys beyond the instructions that are intercepted
 * (66, 145); sorting and compression (150, 151), of whose functions machine_subfunc_get()
 * says nothing; and what is user space's to offer (11, 71, 74).
 */
static const u16 facilities_base[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
	30, 31, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
	51, 52, 53, 54, 57, 58, 61, 75, 77, 78, 80, 81, 84,
	146,
};

static void facility_set(u64 *list, unsigned int number)
{
	list[number / 64] |= 1UL << (63 - number % 64);
}

bool s390_host_facility(unsigned int number)
{
	return test_facility(number);
}

/* Those of the host into a list of 2 KiB that is zeroed. */
static void facilities_host(u64 *list)
{
	memcpy(list, stfle_fac_list, min(sizeof(stfle_fac_list), FACILITY_BYTES));
}

/* --- lifetime ------------------------------------------------------------------ */

static u64 host_cpuid(void)
{
	struct cpuid id;
	u64 value;

	get_cpu_id(&id);
	memcpy(&value, &id, sizeof(value));

	return value;
}

/* Features beyond facilities are of hypervisors that the guest might be, but for this one. */
static void features_host(u64 *feat)
{
	if (s390_host.esop)
		facility_set(feat, KVM_S390_VM_CPU_FEAT_ESOP);
}

int s390_model_create(struct vm *vm)
{
	struct s390_model *model = &vm->arch.model;
	unsigned int i;

	/* The control block has its address in 31 bits. */
	model->fac_list = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT | GFP_DMA);
	if (!model->fac_list)
		return -ENOMEM;
	model->fac_mask = model->fac_list + S390_FACILITY_WORDS;
	for (i = 0; i < ARRAY_SIZE(facilities_base); i++) {
		if (!s390_host_facility(facilities_base[i]))
			continue;
		facility_set(model->fac_list, facilities_base[i]);
		facility_set(model->fac_mask, facilities_base[i]);
	}
	model->cpuid = host_cpuid() | CPUID_VERSION;
	model->ibc = sclp.ibc & IBC_MASK;
	features_host(model->feat);

	return 0;
}

void s390_model_destroy(struct vm *vm)
{
	struct s390_model *model = &vm->arch.model;

	free_page((unsigned long)model->fac_list);
	kfree(model->subfunc);
	memset(model, 0, sizeof(*model));
}

void s390_model_apply(struct vcpu *vcpu)
{
	const struct s390_model *model = &vcpu->vm->arch.model;
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	sie->ibc = model->ibc;
	if (s390_host_facility(7))
		sie->fac = virt_to_phys(model->fac_list);
	/* A capability that user space may have enabled before. */
	if (READ_ONCE(vcpu->vm->arch.user_instr0))
		sie->ictl |= ICTL_OPEREXC;
}

int s390_model_allow(struct vm *vm, const u16 *numbers, unsigned int count)
{
	struct s390_model *model = &vm->arch.model;
	unsigned int i;

	lockdep_assert_held(&vm->lock);

	if (vm->vcpu_count)
		return -EBUSY;
	if (!s390_host_facility(numbers[0]))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		if (!s390_host_facility(numbers[i]))
			continue;
		facility_set(model->fac_list, numbers[i]);
		facility_set(model->fac_mask, numbers[i]);
	}

	return 0;
}

void s390_model_emulate(struct vm *vm, unsigned int number)
{
	lockdep_assert_held(&vm->lock);

	facility_set(vm->arch.model.fac_list, number);
	facility_set(vm->arch.model.fac_mask, number);
}

/* --- identity and facilities ------------------------------------------------------ */

static int machine_get(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_cpu_machine *machine;
	int ret;

	machine = kzalloc(sizeof(*machine), GFP_KERNEL_ACCOUNT);
	if (!machine)
		return -ENOMEM;
	machine->cpuid = host_cpuid();
	machine->ibc = sclp.ibc;
	memcpy(machine->fac_mask, vm->arch.model.fac_mask, FACILITY_BYTES);
	facilities_host(machine->fac_list);
	ret = copy_to_user(user, machine, sizeof(*machine)) ? -EFAULT : 0;
	kfree(machine);

	return ret;
}

static int processor_get(struct vm *vm, void __user *user)
{
	const struct s390_model *model = &vm->arch.model;
	struct kvm_s390_vm_cpu_processor *processor;
	int ret;

	processor = kzalloc(sizeof(*processor), GFP_KERNEL_ACCOUNT);
	if (!processor)
		return -ENOMEM;
	processor->cpuid = model->cpuid;
	processor->ibc = model->ibc;
	memcpy(processor->fac_list, model->fac_list, FACILITY_BYTES);
	ret = copy_to_user(user, processor, sizeof(*processor)) ? -EFAULT : 0;
	kfree(processor);

	return ret;
}

/* Instructions can be blocked from a level on, between the two that the host knows. */
static u16 ibc_clamp(u16 ibc)
{
	u16 lowest = (sclp.ibc >> 16) & IBC_MASK, highest = sclp.ibc & IBC_MASK;

	if (!lowest || !ibc)
		return highest;

	return clamp(ibc, lowest, highest);
}

static int processor_set(struct vm *vm, void __user *user)
{
	struct s390_model *model = &vm->arch.model;
	struct kvm_s390_vm_cpu_processor *processor;
	int ret = 0;

	if (vm->vcpu_count)
		return -EBUSY;
	processor = kmalloc(sizeof(*processor), GFP_KERNEL_ACCOUNT);
	if (!processor)
		return -ENOMEM;
	if (copy_from_user(processor, user, sizeof(*processor))) {
		ret = -EFAULT;
	} else {
		model->cpuid = processor->cpuid;
		model->ibc = ibc_clamp(processor->ibc);
		memcpy(model->fac_list, processor->fac_list, FACILITY_BYTES);
	}
	kfree(processor);

	return ret;
}

/* --- features ------------------------------------------------------------------------ */

static int machine_feat_get(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_cpu_feat data = {};

	features_host(data.feat);

	return copy_to_user(user, &data, sizeof(data)) ? -EFAULT : 0;
}

static int processor_feat_get(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_cpu_feat data;

	memcpy(data.feat, vm->arch.model.feat, sizeof(data.feat));

	return copy_to_user(user, &data, sizeof(data)) ? -EFAULT : 0;
}

static int processor_feat_set(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_cpu_feat data, host = {};
	unsigned int i;

	if (copy_from_user(&data, user, sizeof(data)))
		return -EFAULT;
	features_host(host.feat);
	for (i = 0; i < ARRAY_SIZE(data.feat); i++)
		if (data.feat[i] & ~host.feat[i])
			return -EINVAL;
	if (vm->vcpu_count)
		return -EBUSY;
	memcpy(vm->arch.model.feat, data.feat, sizeof(data.feat));

	return 0;
}

/* --- subfunctions --------------------------------------------------------------------- */

/* PERFORM LOCKED OPERATION with its test bit: is there such a function? */
static bool plo_has(unsigned int function)
{
	unsigned long code = function | 0x100;
	int cc;

	asm volatile("	lgr	0,%[code]\n"
		     "	plo	0,0(0),0,0(0)\n"
		     "	ipm	%[cc]\n"
		     "	srl	%[cc],28\n"
		     : [cc] "=d" (cc)
		     : [code] "d" (code)
		     : "cc", "0");

	return !cc;
}

static void query_plo(struct kvm_s390_vm_cpu_subfunc *subfunc)
{
	unsigned int function;

	for (function = 0; function < 8 * sizeof(subfunc->plo); function++)
		if (plo_has(function))
			subfunc->plo[function / 8] |= 0x80 >> (function % 8);
}

static void query_crypto(struct kvm_s390_vm_cpu_subfunc *subfunc)
{
	if (test_facility(SUBFUNC_MSA)) {
		cpacf_query(CPACF_KMAC, (cpacf_mask_t *)subfunc->kmac);
		cpacf_query(CPACF_KMC, (cpacf_mask_t *)subfunc->kmc);
		cpacf_query(CPACF_KM, (cpacf_mask_t *)subfunc->km);
		cpacf_query(CPACF_KIMD, (cpacf_mask_t *)subfunc->kimd);
		cpacf_query(CPACF_KLMD, (cpacf_mask_t *)subfunc->klmd);
	}
	if (test_facility(SUBFUNC_MSA3))
		cpacf_query(CPACF_PCKMO, (cpacf_mask_t *)subfunc->pckmo);
	if (test_facility(SUBFUNC_MSA4)) {
		cpacf_query(CPACF_KMCTR, (cpacf_mask_t *)subfunc->kmctr);
		cpacf_query(CPACF_KMF, (cpacf_mask_t *)subfunc->kmf);
		cpacf_query(CPACF_KMO, (cpacf_mask_t *)subfunc->kmo);
		cpacf_query(CPACF_PCC, (cpacf_mask_t *)subfunc->pcc);
	}
	if (test_facility(SUBFUNC_MSA5))
		cpacf_query(CPACF_PRNO, (cpacf_mask_t *)subfunc->ppno);
	if (test_facility(SUBFUNC_MSA8))
		cpacf_query(CPACF_KMA, (cpacf_mask_t *)subfunc->kma);
	if (test_facility(SUBFUNC_MSA9))
		cpacf_query(CPACF_KDSA, (cpacf_mask_t *)subfunc->kdsa);
}

static int machine_subfunc_get(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_cpu_subfunc *subfunc;
	int ret;

	subfunc = kzalloc(sizeof(*subfunc), GFP_KERNEL_ACCOUNT);
	if (!subfunc)
		return -ENOMEM;
	query_plo(subfunc);
	if (test_facility(SUBFUNC_TOD_STEERING))
		ptff(subfunc->ptff, sizeof(subfunc->ptff), PTFF_QAF);
	query_crypto(subfunc);
	ret = copy_to_user(user, subfunc, sizeof(*subfunc)) ? -EFAULT : 0;
	kfree(subfunc);

	return ret;
}

static int processor_subfunc_get(struct vm *vm, void __user *user)
{
	const struct kvm_s390_vm_cpu_subfunc *subfunc = vm->arch.model.subfunc;

	if (!subfunc)
		return -EINVAL;

	return copy_to_user(user, subfunc, sizeof(*subfunc)) ? -EFAULT : 0;
}

/* Kept for user space; queries of the guest see the hardware's. */
static int processor_subfunc_set(struct vm *vm, void __user *user)
{
	struct kvm_s390_vm_cpu_subfunc *subfunc;

	if (vm->vcpu_count)
		return -EBUSY;
	subfunc = memdup_user(user, sizeof(*subfunc));
	if (IS_ERR(subfunc))
		return PTR_ERR(subfunc);
	kfree(vm->arch.model.subfunc);
	vm->arch.model.subfunc = subfunc;

	return 0;
}

const struct s390_attr s390_model_attrs[] = {
	{ KVM_S390_VM_CPU_PROCESSOR,		processor_get,		processor_set },
	{ KVM_S390_VM_CPU_MACHINE,		machine_get,		NULL },
	{ KVM_S390_VM_CPU_PROCESSOR_FEAT,	processor_feat_get,	processor_feat_set },
	{ KVM_S390_VM_CPU_MACHINE_FEAT,		machine_feat_get,	NULL },
	{ KVM_S390_VM_CPU_PROCESSOR_SUBFUNC,	processor_subfunc_get,	processor_subfunc_set },
	{ KVM_S390_VM_CPU_MACHINE_SUBFUNC,	machine_subfunc_get,	NULL },
};

const unsigned int s390_model_attr_count = ARRAY_SIZE(s390_model_attrs);

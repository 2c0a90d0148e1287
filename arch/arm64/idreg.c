// SPDX-License-Identifier: GPL-2.0-only
/*
 * ID registers: what a guest is told of its CPU.  A VM begins with all that the host has
 * and this module can give (idreg.def); until a vCPU has run, user space may take away
 * what can be spared.  They are the VM's: every vCPU has the same ones, without what its
 * features lack.  Carrying out what a guest does not have is not done here (sysreg.c,
 * arm64_configure()).
 *
 * vm->arch.idreg is indexed by CRm and Op2 of op0 = 3, CRn = 0; what is not in op1 = 0
 * (CTR_EL0, AIDR_EL1) has the place that is free there.
 */
#include <linux/array_size.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>

#include "arm64.h"
#include "idreg_field.h"
#include "sysreg.h"

#define INDEX(reg)	(sys_reg_CRm(reg) << 3 | sys_reg_Op2(reg))
#define IDREGS		64

static_assert(sizeof_field(struct vm, arch.idreg) == IDREGS * sizeof(u64));

static const struct idreg_field idreg_fields[] = {
#define ROW(reg_, shift_, kind_, limit_, least_, needs_)		\
	{ .index = INDEX(SYS_##reg_##_EL1), .shift = shift_, .width = 4,	\
	  .kind = IDREG_##kind_, .limit = limit_, .least = least_, .needs = needs_ },
#define FIELD(reg, field, kind, limit, needs)				\
	ROW(reg, reg##_EL1_##field##_SHIFT, kind, limit,		\
	    IDREG_##kind == IDREG_SIGNED ? -1 : 0, needs)
#define BETWEEN(reg, field, least, limit)				\
	ROW(reg, reg##_EL1_##field##_SHIFT, LOWER, limit, least, NULL)
#define NIBBLE(reg, shift, kind)	ROW(reg, shift, kind, IDREG_ANY, 0, NULL)
#define NIBBLES(reg, kind)						\
	NIBBLE(reg, 0, kind) NIBBLE(reg, 4, kind) NIBBLE(reg, 8, kind) NIBBLE(reg, 12, kind) \
	NIBBLE(reg, 16, kind) NIBBLE(reg, 20, kind) NIBBLE(reg, 24, kind) NIBBLE(reg, 28, kind)
#include "idreg.def"
#undef FIELD
#undef BETWEEN
#undef NIBBLE
#undef NIBBLES
#undef ROW
/*
 * CTR_EL0: shorter lines and more maintenance than the caches need do no harm, other
 * sizes of granules and another indexing do.  No allocation tags: TminLine is 0.
 */
#define CTR(field, kind_)						\
	{ .index = INDEX(SYS_CTR_EL0), .shift = CTR_EL0_##field##_SHIFT,	\
	  .width = CTR_EL0_##field##_WIDTH, .kind = IDREG_##kind_, .limit = IDREG_ANY }
	CTR(IminLine, LOWER),
	CTR(L1Ip, FIXED),
	CTR(DminLine, LOWER),
	CTR(ERG, FIXED),
	CTR(CWG, FIXED),
	CTR(IDC, LOWER),
	CTR(DIC, LOWER),
#undef CTR
	/* RES1 */
	{ .index = INDEX(SYS_CTR_EL0), .shift = 31, .width = 1, .kind = IDREG_FIXED,
	  .limit = IDREG_ANY },
};

static const struct idreg_table idregs = { idreg_fields, ARRAY_SIZE(idreg_fields) };

/* What only a vCPU with a feature of KVM_ARM_VCPU_INIT has. */
static const struct {
	u8	index;
	u8	feature;
	u64	mask;
} idreg_features[] = {
#define FEATURE(reg, mask_, feature_)	\
	{ .index = INDEX(SYS_##reg##_EL1), .mask = mask_, .feature = KVM_ARM_VCPU_##feature_ }
	FEATURE(ID_AA64PFR0,	ID_AA64PFR0_EL1_SVE_MASK,	SVE),
	FEATURE(ID_AA64ZFR0,	~0ULL,				SVE),
	FEATURE(ID_AA64DFR0,	ID_AA64DFR0_EL1_PMUVer_MASK,	PMU_V3),
	FEATURE(ID_DFR0,	ID_DFR0_EL1_PerfMon_MASK,	PMU_V3),
	FEATURE(ID_AA64ISAR1,	ID_AA64ISAR1_EL1_APA_MASK | ID_AA64ISAR1_EL1_API_MASK,
		PTRAUTH_ADDRESS),
	FEATURE(ID_AA64ISAR1,	ID_AA64ISAR1_EL1_GPA_MASK | ID_AA64ISAR1_EL1_GPI_MASK,
		PTRAUTH_GENERIC),
	FEATURE(ID_AA64ISAR2,	ID_AA64ISAR2_EL1_APA3_MASK | ID_AA64ISAR2_EL1_PAC_frac_MASK,
		PTRAUTH_ADDRESS),
	FEATURE(ID_AA64ISAR2,	ID_AA64ISAR2_EL1_GPA3_MASK, PTRAUTH_GENERIC),
#undef FEATURE
};

/* The registers that idreg_features has rows of. */
#define FEATURE_INDEXES	(BIT_ULL(INDEX(SYS_ID_AA64PFR0_EL1)) |	\
			 BIT_ULL(INDEX(SYS_ID_AA64ZFR0_EL1)) |	\
			 BIT_ULL(INDEX(SYS_ID_AA64DFR0_EL1)) |	\
			 BIT_ULL(INDEX(SYS_ID_DFR0_EL1)) |	\
			 BIT_ULL(INDEX(SYS_ID_AA64ISAR1_EL1)) |	\
			 BIT_ULL(INDEX(SYS_ID_AA64ISAR2_EL1)))

/* What this vCPU does not have of the VM's register. */
static u64 idreg_hidden(struct vcpu *vcpu, unsigned int index)
{
	unsigned int i;
	u64 mask = 0;

	if (!(FEATURE_INDEXES & BIT_ULL(index)))
		return 0;
	for (i = 0; i < ARRAY_SIZE(idreg_features); i++)
		if (idreg_features[i].index == index &&
		    !arm64_feature(vcpu, idreg_features[i].feature))
			mask |= idreg_features[i].mask;

	return mask;
}

/* Who made the CPU: told as it is, and never changed. */
static bool idreg_is_identity(unsigned int index)
{
	return index == INDEX(SYS_MIDR_EL1) || index == INDEX(SYS_REVIDR_EL1) ||
	       index == INDEX(SYS_AIDR_EL1);
}

/* The most that a guest can have in each register: all fields of all of them, once. */
static u64 idreg_limits[IDREGS];

static u64 idreg_host_limit(unsigned int index)
{
	u32 reg = sys_reg(3, 0, 0, index >> 3, index & 7);

	/* The host complains when asked for one that it does not know. */
	if (!idreg_has_fields(&idregs, index))
		return 0;
	if (index == INDEX(SYS_CTR_EL0))
		reg = SYS_CTR_EL0;

	return idreg_limit(&idregs, index, host_id_register(reg));
}

void arm64_idreg_setup(void)
{
	unsigned int index;

	for (index = 0; index < IDREGS; index++)
		idreg_limits[index] = idreg_host_limit(index);
}

void arm64_idreg_reset(struct vm *vm)
{
	memcpy(vm->arch.idreg, idreg_limits, sizeof(idreg_limits));
	/* Where CPUs differ in it: of this one. */
	vm->arch.idreg[INDEX(SYS_MIDR_EL1)] = read_cpuid_id();
	vm->arch.idreg[INDEX(SYS_REVIDR_EL1)] = read_cpuid(REVIDR_EL1);
	vm->arch.idreg[INDEX(SYS_AIDR_EL1)] = read_sysreg(aidr_el1);
}

void arm64_idreg_finalize(struct vm *vm)
{
	guard(mutex)(&vm->config_lock);

	WRITE_ONCE(vm->arch.idreg_final, true);
}

u64 arm64_idreg(struct vcpu *vcpu, u32 reg)
{
	unsigned int index = INDEX(reg) % IDREGS;
	u64 hidden = idreg_hidden(vcpu, index);

	/* Whatever user space says: there is none. */
	if (index == INDEX(SYS_ID_AA64PFR0_EL1) && !vm_has_irqchip(vcpu->vm))
		hidden |= ID_AA64PFR0_EL1_GIC_MASK;

	return READ_ONCE(vcpu->vm->arch.idreg[index]) & ~hidden;
}

/*
 * As long as nothing has run there may be a vGICv3 yet, and what is read now is written
 * back after it was made.
 */
u64 arm64_idreg_user(struct vcpu *vcpu, u32 reg)
{
	unsigned int index = INDEX(reg) % IDREGS;

	if (READ_ONCE(vcpu->vm->arch.idreg_final))
		return arm64_idreg(vcpu, reg);

	return READ_ONCE(vcpu->vm->arch.idreg[index]) & ~idreg_hidden(vcpu, index);
}

/* Without 32-bit programs the AArch64 view of AArch32's registers is RAZ/WI. */
static bool idreg_is_ignored(unsigned int index)
{
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);

	return index >= INDEX(SYS_ID_PFR0_EL1) && index < INDEX(SYS_ID_AA64PFR0_EL1) &&
	       idreg_has_fields(&idregs, index) && !id_aa64pfr0_32bit_el0(pfr0);
}

/* A vCPU whose configuration was made of the old values makes it anew. */
static void idreg_reconfigure(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int i;

	vm_for_each_vcpu(i, vcpu, vm)
		vcpu_request(vcpu, REQ_CONFIG);
}

int arm64_idreg_set(struct vcpu *vcpu, u32 reg, u64 value)
{
	unsigned int index = INDEX(reg) % IDREGS;
	u64 hidden = idreg_hidden(vcpu, index);
	struct vm *vm = vcpu->vm;
	u64 stored;

	if (idreg_is_ignored(index))
		return 0;

	guard(mutex)(&vm->config_lock);

	stored = vm->arch.idreg[index];
	if (value == (stored & ~hidden) || value == arm64_idreg_user(vcpu, reg))
		return 0;
	if (vm->arch.idreg_final)
		return -EBUSY;
	if (idreg_is_identity(index) ||
	    !idreg_accepts(&idregs, index, value, idreg_limits[index] & ~hidden))
		return -EINVAL;

	WRITE_ONCE(vm->arch.idreg[index], value | (stored & hidden));
	idreg_reconfigure(vm);

	return 0;
}

/* Of the register that has this place in the feature ID range of the ABI. */
static u64 idreg_mask(unsigned int place)
{
	unsigned int index = place % IDREGS;

	if (place == KVM_ARM_FEATURE_ID_RANGE_IDX(3, 1, 0, 0, 1))
		return ARM64_CLIDR_WRITABLE;
	if (place == KVM_ARM_FEATURE_ID_RANGE_IDX(3, 3, 0, 0, 1))
		return idreg_writable(&idregs, INDEX(SYS_CTR_EL0));
	if (place >= IDREGS || index < INDEX(SYS_ID_PFR0_EL1))
		return 0;

	return idreg_writable(&idregs, index);
}

int arm64_idreg_masks(struct vm *vm, const struct reg_mask_range *range)
{
	u64 __user *user = u64_to_user_ptr(range->addr);
	unsigned int place;

	if (range->range != KVM_ARM_FEATURE_ID_RANGE ||
	    memchr_inv(range->reserved, 0, sizeof(range->reserved)))
		return -EINVAL;

	for (place = 0; place < KVM_ARM_FEATURE_ID_RANGE_SIZE; place++)
		if (put_user(idreg_mask(place), user + place))
			return -EFAULT;

	return 0;
}

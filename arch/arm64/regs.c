// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers as user space gets and sets them one by one, and the list of those that a
 * vCPU has.  What a number means is in <asm/kvm.h>; one table says who serves which.
 * Here are the general registers and SVE's; system registers, and with them the timers',
 * are in sysreg.c, the firmware's in fw.c.  The vCPU is not loaded, so its registers are
 * in memory.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "arm64.h"

/* The parts of an id. */
#define REG_SCOPE	(KVM_REG_ARCH_MASK | GENMASK_ULL(51, 28))
#define REG_NUMBER	0xffffULL

/* Bytes of the largest register: one slice of a Z register. */
#define REG_BYTES_MAX	256

static bool reg_has_size(u64 id, u64 size)
{
	return (id & KVM_REG_SIZE_MASK) == size;
}

/* --- general registers ---------------------------------------------------- */

/* Consecutive registers of struct kvm_regs. */
struct core_row {
	u16	offset;		/* of the first one there, bytes */
	u16	count;
	u16	bytes;		/* of each */
	u64	size;		/* KVM_REG_SIZE_* */
	size_t	field;		/* the first one in struct vcpu */
	bool	vector;		/* a V register: with SVE it is a part of a Z register */
};

#define CORE(name_, count_, bits_, field_)						\
	.offset = offsetof(struct kvm_regs, name_), .count = (count_),			\
	.bytes = (bits_) / 8, .size = KVM_REG_SIZE_U##bits_,				\
	.field = offsetof(struct vcpu, arch.field_)

static const struct core_row core_rows[] = {
	{ CORE(regs.regs, 31, 64, context.x) },
	{ CORE(regs.sp, 1, 64, context.sp_el0) },
	{ CORE(regs.pc, 1, 64, context.pc) },
	{ CORE(regs.pstate, 1, 64, context.pstate) },
	{ CORE(sp_el1, 1, 64, sysreg[REG_SP_EL1]) },
	{ CORE(elr_el1, 1, 64, sysreg[REG_ELR_EL1]) },
	{ CORE(spsr[KVM_SPSR_EL1], 1, 64, sysreg[REG_SPSR_EL1]) },
	{ CORE(spsr[KVM_SPSR_ABT], 4, 64, sysreg[REG_SPSR_ABT]) },
	{ CORE(fp_regs.vregs, 32, 128, simd.fp.vregs), .vector = true },
	{ CORE(fp_regs.fpsr, 1, 32, simd.fp.fpsr) },
	{ CORE(fp_regs.fpcr, 1, 32, simd.fp.fpcr) },
};

#define PSTATE_FIELD	offsetof(struct vcpu, arch.context.pstate)

/* What the row of four SPSRs relies on. */
static_assert(REG_SPSR_FIQ - REG_SPSR_ABT == KVM_SPSR_FIQ - KVM_SPSR_ABT);
static_assert(REG_SPSR_UND - REG_SPSR_ABT == KVM_SPSR_UND - KVM_SPSR_ABT);
static_assert(REG_SPSR_IRQ - REG_SPSR_ABT == KVM_SPSR_IRQ - KVM_SPSR_ABT);

static bool core_row_exists(struct vcpu *vcpu, const struct core_row *row)
{
	return !row->vector || !arm64_feature(vcpu, KVM_ARM_VCPU_SVE);
}

/* The register's row and place there; or -ENOENT, or -EINVAL: it has another size. */
static const struct core_row *core_find(struct vcpu *vcpu, u64 id, unsigned int *place)
{
	unsigned int offset = (id & REG_NUMBER) * sizeof(u32), distance;
	const struct core_row *row;

	for (row = core_rows; row < core_rows + ARRAY_SIZE(core_rows); row++) {
		/* Below the first one it wraps, and is too large. */
		distance = offset - row->offset;
		if (distance >= row->count * row->bytes)
			continue;
		if (!core_row_exists(vcpu, row) || distance % row->bytes)
			break;
		if (!reg_has_size(id, row->size))
			return ERR_PTR(-EINVAL);
		*place = array_index_nospec(distance / row->bytes, row->count);
		return row;
	}

	return ERR_PTR(-ENOENT);
}

static void *core_field(struct vcpu *vcpu, const struct core_row *row, unsigned int place)
{
	return (void *)vcpu + row->field + place * row->bytes;
}

static int core_get(struct vcpu *vcpu, u64 id, void *data)
{
	const struct core_row *row;
	unsigned int place;

	row = core_find(vcpu, id, &place);
	if (IS_ERR(row))
		return PTR_ERR(row);

	memcpy(data, core_field(vcpu, row, place), row->bytes);
	if (row->field == PSTATE_FIELD)
		*(u64 *)data &= ~arm64_debug_pstate(vcpu);

	return 0;
}

/*
 * The mode is what ERET takes it for: one that is not EL0 or EL1, or that this guest
 * cannot have, would go on at EL2.  What is in the upper half is not user space's to turn
 * on.
 */
static int core_set_pstate(struct vcpu *vcpu, u64 pstate)
{
	u64 *field = &vcpu->arch.context.pstate;
	u64 step = arm64_debug_pstate(vcpu);

	if (upper_32_bits(pstate ^ *field))
		return -EINVAL;

	switch (pstate & (PSR_MODE32_BIT | PSR_MODE_MASK)) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		break;
	case PSR_AA32_MODE_USR:
		if (arm64_idreg_field(vcpu, SYS_ID_AA64PFR0_EL1, ID_AA64PFR0_EL1_EL0_SHIFT) ==
		    ID_AA64PFR0_EL1_EL0_AARCH32)
			break;
		fallthrough;
	default:
		return -EINVAL;
	}
	/* A debugger's step is over when it is over. */
	*field = (pstate & ~step) | (*field & step);

	return 0;
}

static int core_set(struct vcpu *vcpu, u64 id, const void *data)
{
	const struct core_row *row;
	unsigned int place;

	row = core_find(vcpu, id, &place);
	if (IS_ERR(row))
		return PTR_ERR(row);
	if (row->field == PSTATE_FIELD)
		return core_set_pstate(vcpu, *(const u64 *)data);

	memcpy(core_field(vcpu, row, place), data, row->bytes);

	return 0;
}

static int core_list(struct vcpu *vcpu, u64 __user *user)
{
	const struct core_row *row;
	unsigned int i;
	int n = 0;
	u64 id;

	for (row = core_rows; row < core_rows + ARRAY_SIZE(core_rows); row++) {
		if (!core_row_exists(vcpu, row))
			continue;
		for (i = 0; i < row->count; i++, n++) {
			id = KVM_REG_ARM64 | row->size | KVM_REG_ARM_CORE |
			     (row->offset + i * row->bytes) / sizeof(u32);
			if (user && put_user(id, user + n))
				return -EFAULT;
		}
	}

	return n;
}

/* --- SVE ------------------------------------------------------------------ */

/* The registers in their order in memory and, with a place for slices, in ids. */
#define SVE_SLICE_BITS	5
#define SVE_P0		(KVM_REG_ARM64_SVE_PREG_BASE >> SVE_SLICE_BITS)
#define SVE_FFR		(KVM_REG_ARM64_SVE_FFR_BASE >> SVE_SLICE_BITS)
#define SVE_REGS	(SVE_FFR + 1)

static_assert(SVE_P0 - KVM_ARM64_SVE_NUM_ZREGS == 0);
static_assert(SVE_FFR - KVM_ARM64_SVE_NUM_PREGS == SVE_P0);

/* A register of SVE; @bytes is what the guest has of it. */
static void *sve_reg(struct vcpu *vcpu, unsigned int number, unsigned int *bytes)
{
	unsigned int vq = vcpu->arch.simd.vl / __SVE_VQ_BYTES;

	if (number < SVE_P0) {
		*bytes = __SVE_ZREG_SIZE(vq);
		return vcpu->arch.simd.sve + __SVE_ZREG_OFFSET(vq, number);
	}
	*bytes = __SVE_PREG_SIZE(vq);

	return vcpu->arch.simd.sve + __SVE_PREG_OFFSET(vq, number - SVE_P0);
}

static u64 sve_size(unsigned int number)
{
	return number < SVE_P0 ? KVM_REG_SIZE_U2048 : KVM_REG_SIZE_U256;
}

/* 0, -ENOENT, -EINVAL, or -EPERM: not before KVM_ARM_VCPU_FINALIZE. */
static int sve_find(struct vcpu *vcpu, u64 id, void **reg, unsigned int *bytes)
{
	unsigned int number = (id & REG_NUMBER) >> SVE_SLICE_BITS;

	/* The longest vector fits in slice 0. */
	if (id & (KVM_ARM64_SVE_MAX_SLICES - 1) || number >= SVE_REGS)
		return -ENOENT;
	number = array_index_nospec(number, SVE_REGS);
	if (!reg_has_size(id, sve_size(number)))
		return -EINVAL;
	if (!vcpu->arch.simd.finalized)
		return -EPERM;
	*reg = sve_reg(vcpu, number, bytes);

	return 0;
}

static int sve_get(struct vcpu *vcpu, u64 id, void *data)
{
	unsigned int bytes;
	void *reg;
	int err;

	if (!arm64_feature(vcpu, KVM_ARM_VCPU_SVE))
		return -ENOENT;
	if (id == KVM_REG_ARM64_SVE_VLS) {
		*(u64 *)data = arm64_simd_vqs(vcpu);
		return 0;
	}

	err = sve_find(vcpu, id, &reg, &bytes);
	if (!err)
		memcpy(data, reg, bytes);

	return err;
}

static int sve_set_lengths(struct vcpu *vcpu, const u64 *words)
{
	/* Longer vectors than the first word has are not to be had. */
	if (memchr_inv(words + 1, 0, (KVM_ARM64_SVE_VLS_WORDS - 1) * sizeof(u64)))
		return vcpu->arch.simd.finalized ? -EPERM : -EINVAL;

	return arm64_simd_set_vqs(vcpu, words[0]);
}

static int sve_set(struct vcpu *vcpu, u64 id, const void *data)
{
	unsigned int bytes;
	void *reg;
	int err;

	if (!arm64_feature(vcpu, KVM_ARM_VCPU_SVE))
		return -ENOENT;
	if (id == KVM_REG_ARM64_SVE_VLS)
		return sve_set_lengths(vcpu, data);

	err = sve_find(vcpu, id, &reg, &bytes);
	if (!err)
		memcpy(reg, data, bytes);

	return err;
}

static int sve_list(struct vcpu *vcpu, u64 __user *user)
{
	unsigned int i;
	u64 id;

	if (!arm64_feature(vcpu, KVM_ARM_VCPU_SVE))
		return 0;
	if (!user)
		return SVE_REGS + 1;

	for (i = 0; i < SVE_REGS; i++) {
		id = KVM_REG_ARM64 | sve_size(i) | KVM_REG_ARM64_SVE | i << SVE_SLICE_BITS;
		if (put_user(id, user + i))
			return -EFAULT;
	}
	if (put_user(KVM_REG_ARM64_SVE_VLS, user + i))
		return -EFAULT;

	return SVE_REGS + 1;
}

/* --- system registers, firmware ------------------------------------------- */

static int sysreg_get(struct vcpu *vcpu, u64 id, void *data)
{
	return reg_has_size(id, KVM_REG_SIZE_U64) ? arm64_sysreg_get(vcpu, id, data) : -ENOENT;
}

static int sysreg_set(struct vcpu *vcpu, u64 id, const void *data)
{
	if (!reg_has_size(id, KVM_REG_SIZE_U64))
		return -ENOENT;

	return arm64_sysreg_set(vcpu, id, *(const u64 *)data);
}

/* Little-endian: a narrow value comes first. */
static int demux_get(struct vcpu *vcpu, u64 id, void *data)
{
	return reg_has_size(id, KVM_REG_SIZE_U32) ? arm64_sysreg_get(vcpu, id, data) : -ENOENT;
}

static int demux_set(struct vcpu *vcpu, u64 id, const void *data)
{
	if (!reg_has_size(id, KVM_REG_SIZE_U32))
		return -ENOENT;

	return arm64_sysreg_set(vcpu, id, *(const u32 *)data);
}

static int fw_get(struct vcpu *vcpu, u64 id, void *data)
{
	return reg_has_size(id, KVM_REG_SIZE_U64) ? arm64_fw_get(vcpu, id, data) : -ENOENT;
}

static int fw_set(struct vcpu *vcpu, u64 id, const void *data)
{
	if (!reg_has_size(id, KVM_REG_SIZE_U64))
		return -ENOENT;

	return arm64_fw_set(vcpu, id, *(const u64 *)data);
}

/* --- dispatch ------------------------------------------------------------- */

/*
 * @data has room for REG_BYTES_MAX, is aligned to 16, and 0 beyond the register's size.
 * 0 or -errno, and nothing changed on error.
 */
struct reg_group {
	u32	group;		/* KVM_REG_ARM_*: bits KVM_REG_ARM_COPROC_MASK of an id */
	int	(*get)(struct vcpu *vcpu, u64 id, void *data);
	int	(*set)(struct vcpu *vcpu, u64 id, const void *data);
	/* As arm64_sysreg_list(); NULL: another group lists them, too. */
	int	(*list)(struct vcpu *vcpu, u64 __user *user);
};

static const struct reg_group reg_groups[] = {
	{ KVM_REG_ARM_CORE,		core_get,	core_set,	core_list },
	{ KVM_REG_ARM64_SVE,		sve_get,	sve_set,	sve_list },
	{ KVM_REG_ARM_FW,		fw_get,		fw_set,		arm64_fw_list },
	{ KVM_REG_ARM_FW_FEAT_BMAP,	fw_get,		fw_set },
	{ KVM_REG_ARM64_SYSREG,		sysreg_get,	sysreg_set,	arm64_sysreg_list },
	{ KVM_REG_ARM_DEMUX,		demux_get,	demux_set },
};

static const struct reg_group *reg_group(u64 id)
{
	const struct reg_group *group;

	if ((id & REG_SCOPE) != KVM_REG_ARM64 || KVM_REG_SIZE(id) > REG_BYTES_MAX)
		return NULL;

	for (group = reg_groups; group < reg_groups + ARRAY_SIZE(reg_groups); group++)
		if (group->group == (id & KVM_REG_ARM_COPROC_MASK))
			return group;

	return NULL;
}

/* How many; their ids go to @user unless it is NULL.  Or -EFAULT. */
static int reg_list(struct vcpu *vcpu, u64 __user *user)
{
	const struct reg_group *group;
	int n, total = 0;

	for (group = reg_groups; group < reg_groups + ARRAY_SIZE(reg_groups); group++) {
		if (!group->list)
			continue;
		n = group->list(vcpu, user ? user + total : NULL);
		if (n < 0)
			return n;
		total += n;
	}

	return total;
}

long arm64_ioctl_get_one_reg(void *object, void *data, unsigned long user)
{
	u8 buffer[REG_BYTES_MAX] __aligned(16) = { };
	const struct kvm_one_reg *reg = data;
	const struct reg_group *group = reg_group(reg->id);
	struct vcpu *vcpu = object;
	int err;

	if (!vcpu->arch.initialized)
		return -ENOEXEC;
	if (!group)
		return -ENOENT;

	arm64_start_pending(vcpu);
	err = group->get(vcpu, reg->id, buffer);
	if (err)
		return err;

	return copy_to_user((void __user *)reg->addr, buffer, KVM_REG_SIZE(reg->id)) ? -EFAULT : 0;
}

long arm64_ioctl_set_one_reg(void *object, void *data, unsigned long user)
{
	u8 buffer[REG_BYTES_MAX] __aligned(16) = { };
	const struct kvm_one_reg *reg = data;
	const struct reg_group *group = reg_group(reg->id);
	struct vcpu *vcpu = object;

	if (!vcpu->arch.initialized)
		return -ENOEXEC;
	if (!group)
		return -ENOENT;
	if (copy_from_user(buffer, (void __user *)reg->addr, KVM_REG_SIZE(reg->id)))
		return -EFAULT;

	arm64_start_pending(vcpu);

	return group->set(vcpu, reg->id, buffer);
}

long arm64_ioctl_get_reg_list(void *object, void *data, unsigned long user)
{
	struct kvm_reg_list __user *list = (void __user *)user;
	struct vcpu *vcpu = object;
	u64 room;
	int n;

	if (!vcpu->arch.initialized)
		return -ENOEXEC;
	if (arm64_feature(vcpu, KVM_ARM_VCPU_SVE) && !vcpu->arch.simd.finalized)
		return -EPERM;

	n = reg_list(vcpu, NULL);
	if (n < 0)
		return n;
	if (get_user(room, &list->n))
		return -EFAULT;
	/* Also if they do not fit: this is how many there have to be. */
	if (put_user((u64)n, &list->n))
		return -EFAULT;
	if (room < n)
		return -E2BIG;

	n = reg_list(vcpu, list->reg);

	return min(n, 0);
}

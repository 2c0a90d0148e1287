// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device KVM_DEV_TYPE_ARM_VGIC_V3: addresses and sizes that user space gives the
 * GICv3, its making (CTRL_INIT), and its state as user space saves and restores it.  The
 * attributes are those of the kernel's Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "vgic.h"

/* The value of REDIST_REGION. */
#define REGION_COUNT	GENMASK_ULL(63, 52)
#define REGION_BASE	GENMASK_ULL(51, 16)
#define REGION_FLAGS	GENMASK_ULL(15, 12)
#define REGION_INDEX	GENMASK_ULL(11, 0)

#define REDIST_ALIGN	SZ_64K

/* --- addresses: vm->lock held ------------------------------------------------- */

/* Is [@base, @base + @size) in guest physical memory?  0 or -E2BIG. */
static int check_range(const struct vgic *vgic, gpa_t base, u64 size)
{
	u64 end = BIT_ULL(vgic->vm->arch.ipa_bits);

	return size <= end && base <= end - size ? 0 : -E2BIG;
}

static bool overlap(gpa_t a, u64 a_size, gpa_t b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool has_legacy_region(const struct vgic *vgic)
{
	return vgic->regions && !vgic->region[0].count;
}

static int dist_set(struct vgic *vgic, u64 value)
{
	int err;

	if (vgic->dist_base != GPA_INVALID)
		return -EEXIST;
	if (value % SZ_64K)
		return -EINVAL;
	err = check_range(vgic, value, KVM_VGIC_V3_DIST_SIZE);
	if (err)
		return err;

	WRITE_ONCE(vgic->dist_base, value);
	err = vgic->initialised ? vgic_dist_register(vgic) : 0;
	if (err)
		WRITE_ONCE(vgic->dist_base, GPA_INVALID);

	return err;
}

static int dist_get(struct vgic *vgic, u64 *value)
{
	*value = vgic->dist_base;

	return 0;
}

/* The guest can find it once the number of its vCPUs is final. */
static int region_add(struct vgic *vgic, const struct vgic_region *region)
{
	unsigned int index = vgic->regions;
	int err;

	vgic->region[index] = *region;
	/* Pairs with the acquire of those who look for a redistributor. */
	smp_store_release(&vgic->regions, index + 1);
	err = vgic->initialised ? vgic_redist_register(vgic, index) : 0;
	if (err)
		WRITE_ONCE(vgic->regions, index);

	return err;
}

/*
 * One region that grows with the number of vCPUs, which is not known yet: the first
 * run checks it again.
 */
static int redist_set(struct vgic *vgic, u64 value)
{
	const struct vgic_region region = { .base = value };
	int err;

	if (has_legacy_region(vgic))
		return -EEXIST;
	if (vgic->regions || value % REDIST_ALIGN)
		return -EINVAL;
	err = check_range(vgic, value,
			  KVM_VGIC_V3_REDIST_SIZE * (u64)max(vgic->vm->vcpu_count, 1));

	return err ?: region_add(vgic, &region);
}

static int redist_get(struct vgic *vgic, u64 *value)
{
	if (vgic->regions && !has_legacy_region(vgic))
		return -EINVAL;
	*value = vgic->regions ? vgic->region[0].base : GPA_INVALID;

	return 0;
}

static u64 region_size(const struct vgic_region *region)
{
	return (u64)region->count * KVM_VGIC_V3_REDIST_SIZE;
}

/* Does it lie on what is there already? */
static bool region_collides(const struct vgic *vgic, const struct vgic_region *region)
{
	unsigned int i;

	if (vgic->dist_base != GPA_INVALID &&
	    overlap(region->base, region_size(region), vgic->dist_base, KVM_VGIC_V3_DIST_SIZE))
		return true;
	for (i = 0; i < vgic->regions; i++)
		if (overlap(region->base, region_size(region), vgic->region[i].base,
			    region_size(&vgic->region[i])))
			return true;

	return false;
}

static int region_set(struct vgic *vgic, u64 value)
{
	struct vgic_region region = {
		.base	= value & REGION_BASE,
		.count	= FIELD_GET(REGION_COUNT, value),
	};
	int err;

	if (value & REGION_FLAGS || !region.count || has_legacy_region(vgic) ||
	    FIELD_GET(REGION_INDEX, value) != vgic->regions ||
	    vgic->regions >= VGIC_REGIONS_MAX)
		return -EINVAL;
	err = check_range(vgic, region.base, region_size(&region));
	if (err)
		return err;
	if (region_collides(vgic, &region))
		return -EINVAL;

	return region_add(vgic, &region);
}

/* *@value comes with the index. */
static int region_get(struct vgic *vgic, u64 *value)
{
	u64 index = FIELD_GET(REGION_INDEX, *value);
	const struct vgic_region *region;

	if (has_legacy_region(vgic))
		return -EINVAL;
	if (index >= vgic->regions)
		return -ENOENT;

	region = &vgic->region[array_index_nospec(index, VGIC_REGIONS_MAX)];
	*value = FIELD_PREP(REGION_COUNT, region->count) | region->base | index;

	return 0;
}

/* --- the first run ------------------------------------------------------------ */

/* What no attribute could check alone. */
static int check_layout(struct vgic *vgic)
{
	unsigned int count = vgic->vm->vcpu_count, i;
	gpa_t dist = READ_ONCE(vgic->dist_base), base;

	if (dist == GPA_INVALID)
		return -ENXIO;
	for (i = 0; i < count; i++) {
		base = vgic_redist_base(vgic, i);
		if (base == GPA_INVALID)
			return -ENXIO;
		if (check_range(vgic, base, KVM_VGIC_V3_REDIST_SIZE) ||
		    overlap(base, KVM_VGIC_V3_REDIST_SIZE, dist, KVM_VGIC_V3_DIST_SIZE))
			return -EINVAL;
	}

	return 0;
}

int vgic_ready(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct vgic *vgic = READ_ONCE(vm->arch.vgic);
	int err;

	if (!vgic)
		return 0;
	err = check_layout(vgic);
	if (err)
		return err;

	return vm_has_irqchip(vm) ? 0 : -EBUSY;
}

/* --- state: vm->lock held, no vCPU runs --------------------------------------- */

/* The upper half of an attribute; the affinity as Aff3 to Aff0. */
static struct vgic_cpu *attr_cpu(struct vgic *vgic, u64 attr)
{
	return vgic_cpu_by_affinity(vgic, upper_32_bits(attr));
}

/* Before CTRL_INIT there are no parts to look at. */
static int check_vcpu_exists(struct vgic *vgic, u64 attr)
{
	struct vcpu *vcpu;
	unsigned int i;

	vm_for_each_vcpu(i, vcpu, vgic->vm)
		if (vgic_affinity(vcpu) == upper_32_bits(attr))
			return 0;

	return -EINVAL;
}

static int dist_regs_has(struct vgic *vgic, u64 attr)
{
	return vgic_frame_has(&vgic_dist_frame, lower_32_bits(attr));
}

static int dist_regs_get(struct vgic *vgic, u64 attr, u64 *value)
{
	const struct vgic_access access = { .vgic = vgic, .user = true };
	u32 word = 0;
	int err;

	err = vgic_frame_get(&vgic_dist_frame, &access, lower_32_bits(attr), &word);
	*value = word;

	return err;
}

static int dist_regs_set(struct vgic *vgic, u64 attr, u64 value)
{
	const struct vgic_access access = { .vgic = vgic, .user = true };

	return vgic_frame_set(&vgic_dist_frame, &access, lower_32_bits(attr), value);
}

static int redist_regs_has(struct vgic *vgic, u64 attr)
{
	return check_vcpu_exists(vgic, attr) ?:
	       vgic_frame_has(&vgic_redist_frame, lower_32_bits(attr));
}

static int redist_regs_get(struct vgic *vgic, u64 attr, u64 *value)
{
	const struct vgic_access access = {
		.vgic = vgic, .cpu = attr_cpu(vgic, attr), .user = true,
	};
	u32 word = 0;
	int err;

	if (!access.cpu)
		return -EINVAL;
	err = vgic_frame_get(&vgic_redist_frame, &access, lower_32_bits(attr), &word);
	*value = word;

	return err;
}

static int redist_regs_set(struct vgic *vgic, u64 attr, u64 value)
{
	const struct vgic_access access = {
		.vgic = vgic, .cpu = attr_cpu(vgic, attr), .user = true,
	};

	struct vm *vm = vgic->vm;
	int index, err;

	if (!access.cpu)
		return -EINVAL;

	/* For GICR_CTLR, which reads tables. */
	index = srcu_read_lock(&vm->srcu);
	err = vgic_frame_set(&vgic_redist_frame, &access, lower_32_bits(attr), value);
	srcu_read_unlock(&vm->srcu, index);

	return err;
}

static u32 level_intid(u64 attr)
{
	return attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK;
}

static int level_has(struct vgic *vgic, u64 attr)
{
	u64 info = FIELD_GET(KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK, attr);

	if (info != VGIC_LEVEL_INFO_LINE_LEVEL || level_intid(attr) % 32)
		return -EINVAL;

	return level_intid(attr) < VGIC_PRIVATE ? check_vcpu_exists(vgic, attr) : 0;
}

/* The redistributor's for private ones, and otherwise the distributor's. */
static int level_access(struct vgic *vgic, u64 attr, struct vgic_access *access)
{
	access->vgic = vgic;
	access->user = true;
	access->cpu = level_intid(attr) < VGIC_PRIVATE ? attr_cpu(vgic, attr) : NULL;

	return level_intid(attr) < VGIC_PRIVATE && !access->cpu ? -EINVAL : 0;
}

static int level_get(struct vgic *vgic, u64 attr, u64 *value)
{
	struct vgic_access access;
	int err;

	err = level_access(vgic, attr, &access);
	if (!err)
		*value = vgic_read_lines(&access, level_intid(attr));

	return err;
}

static int level_set(struct vgic *vgic, u64 attr, u64 value)
{
	struct vgic_access access;
	int err;

	err = level_access(vgic, attr, &access);
	if (err)
		return err;
	vgic_write_lines(&access, level_intid(attr), value);
	/* The timers know best how theirs are. */
	if (access.cpu)
		arm64_timer_disconnect(access.cpu->vcpu);

	return 0;
}

/* --- the CPU interface -------------------------------------------------------- */

/* What ICC_CTLR_EL1 says of the hardware. */
static u64 ctlr_fixed(void)
{
	u64 vtr = arm64_host.ich_vtr;

	return FIELD_PREP(ICC_CTLR_EL1_PRI_BITS_MASK, vgic_hw.priority_bits - 1) |
	       FIELD_PREP(ICC_CTLR_EL1_ID_BITS_MASK,
			  (vtr & ICH_VTR_ID_BITS_MASK) >> ICH_VTR_ID_BITS_SHIFT) |
	       (vtr & ICH_VTR_SEIS_MASK ? ICC_CTLR_EL1_SEIS_MASK : 0) |
	       (vtr & ICH_VTR_A3V_MASK ? ICC_CTLR_EL1_A3V_MASK : 0);
}

static u64 ctlr_get(struct vgic_cpu *cpu)
{
	return ctlr_fixed() | (cpu->vmcr & ICH_VMCR_CBPR_MASK ? ICC_CTLR_EL1_CBPR_MASK : 0) |
	       (cpu->vmcr & ICH_VMCR_EOIM_MASK ? ICC_CTLR_EL1_EOImode_MASK : 0);
}

static int ctlr_set(struct vgic_cpu *cpu, u64 value)
{
	const u64 flags = ICC_CTLR_EL1_SEIS_MASK | ICC_CTLR_EL1_A3V_MASK;
	u64 fixed = ctlr_fixed(), vmcr = cpu->vmcr & ~(u64)(ICH_VMCR_CBPR_MASK | ICH_VMCR_EOIM_MASK);

	/* Less of it can be shown as more, but not the other way. */
	if ((value & ICC_CTLR_EL1_PRI_BITS_MASK) > (fixed & ICC_CTLR_EL1_PRI_BITS_MASK) ||
	    (value & ICC_CTLR_EL1_ID_BITS_MASK) > (fixed & ICC_CTLR_EL1_ID_BITS_MASK) ||
	    (value & flags) != (fixed & flags))
		return -EINVAL;

	if (value & ICC_CTLR_EL1_CBPR_MASK)
		vmcr |= ICH_VMCR_CBPR_MASK;
	if (value & ICC_CTLR_EL1_EOImode_MASK)
		vmcr |= ICH_VMCR_EOIM_MASK;
	cpu->vmcr = vmcr;

	return 0;
}

/* BPR1, which is BPR0 plus one where there is only that one. */
static u64 bpr1_get(struct vgic_cpu *cpu)
{
	u64 bpr0 = FIELD_GET(ICH_VMCR_BPR0_MASK, cpu->vmcr);

	if (cpu->vmcr & ICH_VMCR_CBPR_MASK)
		return min(bpr0 + 1, 7ULL);

	return FIELD_GET(ICH_VMCR_BPR1_MASK, cpu->vmcr);
}

static int bpr1_set(struct vgic_cpu *cpu, u64 value)
{
	if (!(cpu->vmcr & ICH_VMCR_CBPR_MASK)) {
		cpu->vmcr &= ~(u64)ICH_VMCR_BPR1_MASK;
		cpu->vmcr |= FIELD_PREP(ICH_VMCR_BPR1_MASK, value & 7);
	}

	return 0;
}

static u64 sre_get(struct vgic_cpu *cpu)
{
	return ICC_SRE_EL1_DIB | ICC_SRE_EL1_DFB | ICC_SRE_EL1_SRE;
}

/* There is no other way than by system registers. */
static int sre_set(struct vgic_cpu *cpu, u64 value)
{
	return value & ICC_SRE_EL1_SRE ? 0 : -EINVAL;
}

/* Those that are a field of ICH_VMCR_EL2 have its mask, others functions. */
static const struct icc_register {
	u32	reg;			/* SYS_ICC_*_EL1 */
	u32	field;
	u64	(*get)(struct vgic_cpu *cpu);
	int	(*set)(struct vgic_cpu *cpu, u64 value);
} icc_registers[] = {
	{ SYS_ICC_PMR_EL1,	ICH_VMCR_PMR_MASK },
	{ SYS_ICC_BPR0_EL1,	ICH_VMCR_BPR0_MASK },
	{ SYS_ICC_BPR1_EL1,	0, bpr1_get, bpr1_set },
	{ SYS_ICC_CTLR_EL1,	0, ctlr_get, ctlr_set },
	{ SYS_ICC_SRE_EL1,	0, sre_get, sre_set },
	{ SYS_ICC_IGRPEN0_EL1,	ICH_VMCR_ENG0_MASK },
	{ SYS_ICC_IGRPEN1_EL1,	ICH_VMCR_ENG1_MASK },
};

/* The encoding of an attribute is that of the instruction without its lowest bits. */
static u32 attr_sysreg(u64 attr)
{
	return (attr & KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK) << Op2_shift;
}

static const struct icc_register *icc_find(u32 reg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(icc_registers); i++)
		if (icc_registers[i].reg == reg)
			return &icc_registers[i];

	return NULL;
}

/* Is it an active priority register, of which group and which number? */
static bool apr_find(u32 reg, unsigned int *group, unsigned int *number)
{
	unsigned int i;

	for (i = 0; i < VGIC_APRS_MAX; i++) {
		if (reg != SYS_ICC_AP0Rn_EL1(0) + (i << Op2_shift) &&
		    reg != SYS_ICC_AP1Rn_EL1(0) + (i << Op2_shift))
			continue;
		*group = reg == SYS_ICC_AP1Rn_EL1(0) + (i << Op2_shift);
		*number = i;
		return true;
	}

	return false;
}

static int sysregs_has(struct vgic *vgic, u64 attr)
{
	u32 reg = attr_sysreg(attr);
	unsigned int group, number;

	if (check_vcpu_exists(vgic, attr))
		return -EINVAL;

	return icc_find(reg) || apr_find(reg, &group, &number) ? 0 : -ENXIO;
}

static int sysregs_get(struct vgic *vgic, u64 attr, u64 *value)
{
	struct vgic_cpu *cpu = attr_cpu(vgic, attr);
	u32 reg = attr_sysreg(attr);
	const struct icc_register *row = icc_find(reg);
	unsigned int group, number;

	if (!cpu)
		return -EINVAL;
	if (apr_find(reg, &group, &number))
		*value = group ? cpu->ap1r[number] : cpu->ap0r[number];
	else if (row->get)
		*value = row->get(cpu);
	else
		*value = (cpu->vmcr & row->field) >> __ffs(row->field);

	return 0;
}

static int sysregs_set(struct vgic *vgic, u64 attr, u64 value)
{
	struct vgic_cpu *cpu = attr_cpu(vgic, attr);
	u32 reg = attr_sysreg(attr);
	const struct icc_register *row = icc_find(reg);
	unsigned int group, number;

	if (!cpu)
		return -EINVAL;
	if (apr_find(reg, &group, &number)) {
		/* Those that are not there are zero. */
		if (number < vgic_hw.aprs)
			*(group ? &cpu->ap1r[number] : &cpu->ap0r[number]) = value;
		return 0;
	}
	if (row->set)
		return row->set(cpu, value);

	cpu->vmcr = (cpu->vmcr & ~(u64)row->field) |
		    ((value << __ffs(row->field)) & row->field);

	return 0;
}

/* --- attributes --------------------------------------------------------------- */

static const struct {
	int	(*get)(struct vgic *vgic, u64 *value);
	int	(*set)(struct vgic *vgic, u64 value);
} addrs[] = {
	[KVM_VGIC_V3_ADDR_TYPE_DIST]		= { dist_get, dist_set },
	[KVM_VGIC_V3_ADDR_TYPE_REDIST]		= { redist_get, redist_set },
	[KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION]	= { region_get, region_set },
};

static int addr_has(struct vgic *vgic, u64 attr)
{
	if (attr >= ARRAY_SIZE(addrs))
		return -ENXIO;

	return addrs[array_index_nospec(attr, ARRAY_SIZE(addrs))].get ? 0 : -ENXIO;
}

static int addr_get(struct vgic *vgic, u64 attr, u64 *value)
{
	return addrs[array_index_nospec(attr, ARRAY_SIZE(addrs))].get(vgic, value);
}

static int addr_set(struct vgic *vgic, u64 attr, u64 value)
{
	return addrs[array_index_nospec(attr, ARRAY_SIZE(addrs))].set(vgic, value);
}

static int irqs_has(struct vgic *vgic, u64 attr)
{
	return 0;
}

static int irqs_get(struct vgic *vgic, u64 attr, u64 *value)
{
	*value = vgic->irqs;

	return 0;
}

static int irqs_set(struct vgic *vgic, u64 attr, u64 value)
{
	if (value < VGIC_PRIVATE + 32 || value > 1024 || value % 32)
		return -EINVAL;
	if (vgic->irqs)
		return -EBUSY;
	WRITE_ONCE(vgic->irqs, value);

	return 0;
}

static int ctrl_has(struct vgic *vgic, u64 attr)
{
	return attr == KVM_DEV_ARM_VGIC_CTRL_INIT ||
	       attr == KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES ? 0 : -ENXIO;
}

static int save_pending(struct vgic *vgic)
{
	struct vm *vm = vgic->vm;
	int index, err;

	if (!vgic->initialised)
		return -ENXIO;

	guard(mutex)(&vm->config_lock);

	index = srcu_read_lock(&vm->srcu);
	err = vgic_lpi_save_pending(vgic);
	srcu_read_unlock(&vm->srcu, index);

	return err;
}

static int ctrl_set(struct vgic *vgic, u64 attr, u64 value)
{
	if (attr == KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES)
		return save_pending(vgic);

	return vgic->initialised ? 0 : vgic_init(vgic);
}

/* By KVM_DEV_ARM_VGIC_GRP_*.  get and set are called only if has says 0. */
static const struct vgic_group {
	u8	size;		/* of a value in user space */
	bool	stopped;	/* no vCPU may run */
	bool	initialised;	/* only after CTRL_INIT; -EBUSY before */
	bool	reads;		/* get wants the value that user space has there */
	int	(*has)(struct vgic *vgic, u64 attr);	/* NULL: no such group */
	int	(*get)(struct vgic *vgic, u64 attr, u64 *value);	/* NULL: there is none */
	int	(*set)(struct vgic *vgic, u64 attr, u64 value);
} groups[] = {
	[KVM_DEV_ARM_VGIC_GRP_ADDR]	= { 8, false, false, true, addr_has, addr_get, addr_set },
	[KVM_DEV_ARM_VGIC_GRP_DIST_REGS] = { 4, true, true, false, dist_regs_has,
					     dist_regs_get, dist_regs_set },
	[KVM_DEV_ARM_VGIC_GRP_NR_IRQS]	= { 4, false, false, false, irqs_has, irqs_get, irqs_set },
	[KVM_DEV_ARM_VGIC_GRP_CTRL]	= { 0, true, false, false, ctrl_has, NULL, ctrl_set },
	[KVM_DEV_ARM_VGIC_GRP_REDIST_REGS] = { 4, true, true, false, redist_regs_has,
					       redist_regs_get, redist_regs_set },
	[KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS] = { 8, true, true, false, sysregs_has,
					       sysregs_get, sysregs_set },
	[KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO] = { 4, true, true, false, level_has,
					      level_get, level_set },
};

/* The group of an attribute that is there, or an error. */
static const struct vgic_group *vgic_group(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	const struct vgic_group *group;
	int err;

	if (attr->flags)
		return ERR_PTR(-EINVAL);
	if (attr->group >= ARRAY_SIZE(groups))
		return ERR_PTR(-ENXIO);
	group = &groups[array_index_nospec(attr->group, ARRAY_SIZE(groups))];
	if (!group->has)
		return ERR_PTR(-ENXIO);
	err = group->has(vgic, attr->attr);

	return err ? ERR_PTR(err) : group;
}

/* What get and set have in common: with @value, and user space's vCPUs as the group says. */
static int group_access(struct vgic *vgic, const struct vgic_group *group, u64 attr, u64 *value,
			bool write)
{
	int err;

	if (group->initialised && !vgic->initialised)
		return -EBUSY;
	if (group->stopped) {
		err = vm_lock_vcpus(vgic->vm);
		if (err)
			return err;
	}
	err = write ? group->set(vgic, attr, *value) : group->get(vgic, attr, value);
	if (group->stopped)
		vm_unlock_vcpus(vgic->vm);

	return err;
}

static int vgic_device_set(struct device_guest *device, const struct kvm_device_attr *attr)
{
	struct vgic *vgic = device->data;
	const struct vgic_group *group = vgic_group(vgic, attr);
	u64 value = 0;

	if (IS_ERR(group))
		return PTR_ERR(group);
	/* The low bytes come first. */
	if (copy_from_user(&value, u64_to_user_ptr(attr->addr), group->size))
		return -EFAULT;

	return group_access(vgic, group, attr->attr, &value, true);
}

static int vgic_device_get(struct device_guest *device, const struct kvm_device_attr *attr)
{
	struct vgic *vgic = device->data;
	const struct vgic_group *group = vgic_group(vgic, attr);
	u64 value = 0;
	int err;

	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group->get)
		return -ENXIO;
	if (group->reads && copy_from_user(&value, u64_to_user_ptr(attr->addr), group->size))
		return -EFAULT;
	err = group_access(vgic, group, attr->attr, &value, false);
	if (err)
		return err;

	return copy_to_user(u64_to_user_ptr(attr->addr), &value, group->size) ? -EFAULT : 0;
}

static int vgic_device_has(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return PTR_ERR_OR_ZERO(vgic_group(device->data, attr));
}

/* --- life --------------------------------------------------------------------- */

static int vgic_device_create(struct device_guest *device)
{
	struct vm *vm = device->vm;
	struct vgic *vgic;

	lockdep_assert_held(&vm->lock);

	if (vm->arch.vgic)
		return -EEXIST;
	/* What vCPUs check at the first run would stay unchecked. */
	scoped_guard(mutex, &vm->config_lock)
		if (arm64_vm_ran(vm))
			return -EBUSY;

	vgic = kzalloc(sizeof(*vgic), GFP_KERNEL_ACCOUNT);
	if (!vgic)
		return -ENOMEM;
	vgic->vm = vm;
	vgic->dist_base = GPA_INVALID;
	xa_init(&vgic->lpis);
	device->data = vgic;
	WRITE_ONCE(vm->arch.vgic, vgic);

	return 0;
}

/*
 * An initialised one lives as long as the vCPUs, and is freed by
 * arm64_irqchip_destroy().
 */
static void vgic_device_destroy(struct device_guest *device)
{
	struct vgic *vgic = device->data;

	if (vgic->initialised)
		return;
	WRITE_ONCE(device->vm->arch.vgic, NULL);
	/* One that got no file: a vCPU may be looking whether it is ready. */
	synchronize_srcu_expedited(&device->vm->srcu);
	vgic_free(vgic);
}

const struct device_guest_type vgic_v3_device = {
	.type		= KVM_DEV_TYPE_ARM_VGIC_V3,
	.name		= "kvm-arm-vgic-v3",
	.create		= vgic_device_create,
	.destroy	= vgic_device_destroy,
	.set		= vgic_device_set,
	.get		= vgic_device_get,
	.has		= vgic_device_has,
};

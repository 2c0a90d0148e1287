// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel interrupt controller of a riscv VM: the device that user space
 * configures (KVM_DEV_TYPE_RISCV_AIA), the irqchip operations, and the pages of
 * the interrupt files that are not the hardware's.  Wires are aplic.c's business,
 * messages imsic.c's.
 *
 * Nothing is there until CTRL_INIT: before, every attribute can be set in any
 * order; after, all is constant, so that delivery needs no lock of the VM.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/swab.h>
#include <linux/uaccess.h>
#include <core/device.h>
#include <core/trace.h>

#include "aia.h"

#define OP(ret, name, params, args)	ret riscv_irqchip_##name params;
#include <core/irqchip_ops.def>
#undef OP

static_assert(IRQ_ROUTES_MAX >= KVM_DEV_RISCV_AIA_SRCS_MAX);

/* --- addresses: AIA manual, "Arrangement of the memory regions of multiple files" --- */

static u64 bits_mask(u32 shift, u32 bits)
{
	return bits ? GENMASK_ULL(shift + bits - 1, shift) : 0;
}

static u32 hart_shift(const struct aia *aia)
{
	return IMSIC_MMIO_PAGE_SHIFT + aia->config[KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS];
}

/* The number of the hart whose file is at @addr, if there is one. */
static u32 hart_index(const struct aia *aia, gpa_t addr)
{
	u64 group = (addr & aia->group_mask) >> aia->config[KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT];
	u64 hart = (addr & aia->hart_mask) >> hart_shift(aia);

	return group << aia->config[KVM_DEV_RISCV_AIA_CONFIG_HART_BITS] | hart;
}

static gpa_t imsic_base(const struct aia *aia, gpa_t addr)
{
	return addr & ~(aia->group_mask | aia->hart_mask | (KVM_DEV_RISCV_IMSIC_SIZE - 1));
}

static noinline struct imsic *aia_find_imsic(struct aia *aia, gpa_t addr, struct imsic **recent)
{
	struct imsic *imsic;

	if (imsic_base(aia, addr) != aia->imsic_base)
		return NULL;

	imsic = xa_load(&aia->imsics, hart_index(aia, addr));
	if (imsic)
		WRITE_ONCE(*recent, imsic);

	return imsic;
}

/*
 * The file whose page has @addr, or NULL.  Messages go to the same few pages: what was
 * found is remembered, and is there as long as the table.
 */
static struct imsic *aia_imsic(struct aia *aia, gpa_t addr)
{
	unsigned int slot = addr / KVM_DEV_RISCV_IMSIC_SIZE % AIA_RECENT;
	struct imsic *imsic = READ_ONCE(aia->recent[slot]);

	if (likely(imsic && imsic->gpa == round_down(addr, KVM_DEV_RISCV_IMSIC_SIZE)))
		return imsic;

	return aia_find_imsic(aia, addr, &aia->recent[slot]);
}

/* --- messages ------------------------------------------------------------------------ */

int aia_send(struct aia *aia, u32 hart, u32 id)
{
	struct imsic *imsic = xa_load(&aia->imsics, hart);

	return imsic ? imsic_send(imsic, id) : -1;
}

/* A store of 32 bits to the page of a file. */
static inline int imsic_store(struct imsic *imsic, u32 offset, u32 data)
{
	switch (offset) {
	case IMSIC_MMIO_SETIPNUM_LE:
		return imsic_send(imsic, data);
	case IMSIC_MMIO_SETIPNUM_BE:
		return imsic_send(imsic, swab32(data));
	default:
		return -1;
	}
}

static int imsic_pages_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			    int len, void *data)
{
	struct aia *aia = container_of(device, struct aia, imsic_pages);

	if (!aia_imsic(aia, addr))
		return -EOPNOTSUPP;

	memset(data, 0, len);

	return 0;
}

static int imsic_pages_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			     int len, const void *data)
{
	struct aia *aia = container_of(device, struct aia, imsic_pages);
	struct imsic *imsic = aia_imsic(aia, addr);
	u32 value;

	if (!imsic)
		return -EOPNOTSUPP;

	/* Others than aligned stores of 32 bits are ignored, as the manual allows. */
	if (len == sizeof(value)) {
		memcpy(&value, data, sizeof(value));
		imsic_store(imsic, addr % KVM_DEV_RISCV_IMSIC_SIZE, value);
	}

	return 0;
}

static const struct io_device_ops imsic_pages_ops = {
	.atomic	= true,
	.read	= imsic_pages_read,
	.write	= imsic_pages_write,
};

/* --- CTRL_INIT: the checks --------------------------------------------------------------- */

/* @size bytes at @addr, in a guest physical address. */
static bool address_ok(gpa_t addr, u64 size)
{
	return !(addr % size) && addr < BIT_ULL(riscv_mmu_gpa_bits());
}

static int check_layout(const struct aia *aia)
{
	u32 group_bits = aia->config[KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS];

	/* Else a hart's bits would be a group's, too. */
	if (group_bits && aia->config[KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT] <
			  hart_shift(aia) + aia->config[KVM_DEV_RISCV_AIA_CONFIG_HART_BITS])
		return -EINVAL;
	if (aia->config[KVM_DEV_RISCV_AIA_CONFIG_SRCS] &&
	    !address_ok(aia->aplic_addr, KVM_DEV_RISCV_APLIC_ALIGN))
		return -EINVAL;

	return 0;
}

static void aia_set_masks(struct aia *aia)
{
	aia->group_mask = bits_mask(aia->config[KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT],
				    aia->config[KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS]);
	aia->hart_mask = bits_mask(hart_shift(aia),
				   aia->config[KVM_DEV_RISCV_AIA_CONFIG_HART_BITS]);
}

static gpa_t vcpu_imsic_addr(const struct aia *aia, const struct vcpu *vcpu)
{
	return aia->imsic_addr[vcpu->index];
}

/*
 * All files are at one base, each at the page of guest 0 of its hart.  The masks
 * are set; nothing else changes but the base.
 */
static int check_imsics(struct aia *aia)
{
	struct vcpu *vcpu;
	unsigned int i;
	gpa_t addr;

	vcpu = vm_vcpu(aia->vm, 0);
	if (!vcpu)
		return -EINVAL;
	aia->imsic_base = imsic_base(aia, vcpu_imsic_addr(aia, vcpu));
	if (aia->imsic_base & bits_mask(IMSIC_MMIO_PAGE_SHIFT,
					aia->config[KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS]))
		return -EINVAL;

	vm_for_each_vcpu(i, vcpu, aia->vm) {
		addr = vcpu_imsic_addr(aia, vcpu);
		if (!address_ok(addr, KVM_DEV_RISCV_IMSIC_ALIGN) ||
		    imsic_base(aia, addr) != aia->imsic_base)
			return -EINVAL;
	}

	return 0;
}

/* --- CTRL_INIT: the making ---------------------------------------------------------------- */

static void imsics_destroy(struct aia *aia)
{
	unsigned long index;
	struct imsic *imsic;

	xa_for_each(&aia->imsics, index, imsic)
		imsic_put_ref(imsic);
	xa_destroy(&aia->imsics);
}

/* One for each vCPU, in the table only: the vCPUs do not know it yet. */
static int imsics_create(struct aia *aia)
{
	struct imsic *imsic;
	struct vcpu *vcpu;
	unsigned int i;
	gpa_t addr;
	int err;

	vm_for_each_vcpu(i, vcpu, aia->vm) {
		addr = vcpu_imsic_addr(aia, vcpu);
		imsic = imsic_create(vcpu, addr, aia->config[KVM_DEV_RISCV_AIA_CONFIG_IDS],
				     aia->config[KVM_DEV_RISCV_AIA_CONFIG_MODE]);
		if (!imsic) {
			err = -ENOMEM;
			goto err_destroy;
		}
		err = xa_insert(&aia->imsics, hart_index(aia, addr), imsic, GFP_KERNEL_ACCOUNT);
		if (err) {
			imsic_put_ref(imsic);
			/* Two vCPUs at one address. */
			err = err == -EBUSY ? -EINVAL : err;
			goto err_destroy;
		}
	}

	return 0;

err_destroy:
	imsics_destroy(aia);
	return err;
}

/* One device for all pages: which address is whose is arithmetic. */
static int imsic_pages_register(struct aia *aia)
{
	gpa_t first = GPA_INVALID, last = 0, addr;
	struct vcpu *vcpu;
	unsigned int i;
	int err;

	vm_for_each_vcpu(i, vcpu, aia->vm) {
		addr = vcpu_imsic_addr(aia, vcpu);
		first = min(first, addr);
		last = max(last, addr);
	}
	aia->imsic_pages.ops = &imsic_pages_ops;

	mutex_lock(&aia->vm->slots_lock);
	err = iobus_register(aia->vm, IOBUS_MMIO, first,
			     last - first + KVM_DEV_RISCV_IMSIC_SIZE, &aia->imsic_pages);
	mutex_unlock(&aia->vm->slots_lock);

	return err;
}

static void imsic_pages_unregister(struct aia *aia)
{
	mutex_lock(&aia->vm->slots_lock);
	iobus_unregister(aia->vm, IOBUS_MMIO, &aia->imsic_pages);
	mutex_unlock(&aia->vm->slots_lock);
}

/* Nothing fails any more.  No vCPU runs. */
static void aia_publish(struct aia *aia)
{
	unsigned long index;
	struct imsic *imsic;

	xa_for_each(&aia->imsics, index, imsic)
		/* imsic_pending() looks at it from other tasks. */
		smp_store_release(&imsic->vcpu->arch.imsic, imsic);
	aia->initialised = true;
	/* Pairs with vm_has_irqchip(). */
	smp_store_release(&aia->vm->has_irqchip, true);
}

static int aia_make(struct aia *aia)
{
	int err;

	err = imsics_create(aia);
	if (err)
		return err;
	err = imsic_pages_register(aia);
	if (err)
		goto err_imsics;
	if (aia->config[KVM_DEV_RISCV_AIA_CONFIG_SRCS]) {
		err = aplic_create(aia);
		if (err)
			goto err_pages;
	}
	/* A gsi is the source of the same number. */
	err = irqroute_set_default(aia->vm, aia->config[KVM_DEV_RISCV_AIA_CONFIG_SRCS] + 1);
	if (err)
		goto err_aplic;

	aia_publish(aia);

	return 0;

err_aplic:
	aplic_destroy(aia);
err_pages:
	imsic_pages_unregister(aia);
err_imsics:
	imsics_destroy(aia);

	return err;
}

static int aia_init(struct aia *aia)
{
	int err;

	err = check_layout(aia);
	if (err)
		return err;
	/* A vCPU that runs would not notice that it has an interrupt file now. */
	err = vm_lock_vcpus(aia->vm);
	if (err)
		return err;

	aia_set_masks(aia);
	err = check_imsics(aia);
	if (!err)
		err = aia_make(aia);
	vm_unlock_vcpus(aia->vm);

	return err;
}

/* --- the device: groups of attributes ------------------------------------------------------- */

/* Limits of the settings, by KVM_DEV_RISCV_AIA_CONFIG_*. */
static const struct {
	u32	min, max;
} config_limits[AIA_CONFIG_COUNT] = {
	[KVM_DEV_RISCV_AIA_CONFIG_MODE]		= { 0, KVM_DEV_RISCV_AIA_MODE_AUTO },
	[KVM_DEV_RISCV_AIA_CONFIG_IDS]		= { KVM_DEV_RISCV_AIA_IDS_MIN,
						    KVM_DEV_RISCV_AIA_IDS_MAX - 1 },
	[KVM_DEV_RISCV_AIA_CONFIG_SRCS]		= { 0, KVM_DEV_RISCV_AIA_SRCS_MAX - 1 },
	[KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS]	= { 0, KVM_DEV_RISCV_AIA_GROUP_BITS_MAX },
	[KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT]	= { KVM_DEV_RISCV_AIA_GROUP_SHIFT_MIN,
						    KVM_DEV_RISCV_AIA_GROUP_SHIFT_MAX - 1 },
	[KVM_DEV_RISCV_AIA_CONFIG_HART_BITS]	= { 0, KVM_DEV_RISCV_AIA_HART_BITS_MAX },
	[KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS]	= { 0, KVM_DEV_RISCV_AIA_GUEST_BITS_MAX },
};

/* What the limits do not say. */
static bool config_ok(u64 attr, u64 value)
{
	if (attr == KVM_DEV_RISCV_AIA_CONFIG_MODE)
		return value == KVM_DEV_RISCV_AIA_MODE_EMUL || riscv_host.guest_files;
	if (attr == KVM_DEV_RISCV_AIA_CONFIG_IDS)
		return value <= imsic_max_id() &&
		       (value & KVM_DEV_RISCV_AIA_IDS_MIN) == KVM_DEV_RISCV_AIA_IDS_MIN;

	return true;
}

static int config_has(struct aia *aia, u64 attr)
{
	return attr < AIA_CONFIG_COUNT ? 0 : -ENXIO;
}

static int config_get(struct aia *aia, u64 attr, u64 *value)
{
	*value = aia->config[array_index_nospec(attr, AIA_CONFIG_COUNT)];

	return 0;
}

static int config_set(struct aia *aia, u64 attr, u64 value)
{
	if (aia->initialised)
		return -EBUSY;

	attr = array_index_nospec(attr, AIA_CONFIG_COUNT);
	if (value < config_limits[attr].min || value > config_limits[attr].max ||
	    !config_ok(attr, value))
		return -EINVAL;
	aia->config[attr] = value;

	return 0;
}

/*
 * vCPUs by the order of their creation, as the kernel's own has it, and not by id as
 * in the group of their files.  Of those that are not there yet it can be set already.
 */
static int addr_has(struct aia *aia, u64 attr)
{
	return attr < KVM_DEV_RISCV_AIA_ADDR_IMSIC(ARCH_MAX_VCPUS) ? 0 : -ENXIO;
}

static gpa_t *addr_find(struct aia *aia, u64 attr)
{
	if (attr == KVM_DEV_RISCV_AIA_ADDR_APLIC)
		return &aia->aplic_addr;

	return &aia->imsic_addr[array_index_nospec(attr - KVM_DEV_RISCV_AIA_ADDR_IMSIC(0),
						   ARCH_MAX_VCPUS)];
}

static int addr_get(struct aia *aia, u64 attr, u64 *value)
{
	*value = *addr_find(aia, attr);

	return 0;
}

static int addr_set(struct aia *aia, u64 attr, u64 value)
{
	u64 align = attr == KVM_DEV_RISCV_AIA_ADDR_APLIC ? KVM_DEV_RISCV_APLIC_ALIGN :
							   KVM_DEV_RISCV_IMSIC_ALIGN;

	if (aia->initialised)
		return -EBUSY;
	if (value % align)
		return -EINVAL;
	*addr_find(aia, attr) = value;

	return 0;
}

static int ctrl_has(struct aia *aia, u64 attr)
{
	return attr == KVM_DEV_RISCV_AIA_CTRL_INIT ? 0 : -ENXIO;
}

static int ctrl_set(struct aia *aia, u64 attr, u64 value)
{
	return aia->initialised ? -EBUSY : aia_init(aia);
}

/*
 * The APLIC's registers, as the guest has them: one that reads as set bits only sets
 * bits.  The level of a wire is in none; it is its device's, which says so by
 * KVM_IRQ_LINE, and shows in in_clrip.  Together that is all the state there is.  To
 * restore it: the interrupt files, then levels, sourcecfg, target, ~0 to in_clrip
 * (a level may have made its source pending by now), setip, setie, and domaincfg last.
 */
static int wires_has(struct aia *aia, u64 attr)
{
	if (!aia->aplic)
		return -ENODEV;

	return attr < KVM_DEV_RISCV_APLIC_SIZE && !(attr % sizeof(u32)) ? 0 : -ENXIO;
}

static int wires_get(struct aia *aia, u64 attr, u64 *value)
{
	*value = aplic_read(aia->aplic, attr);

	return 0;
}

static int wires_set(struct aia *aia, u64 attr, u64 value)
{
	aplic_write(aia->aplic, attr, value);

	return 0;
}

static struct imsic *files_find(struct aia *aia, u64 attr)
{
	u64 id = KVM_DEV_RISCV_AIA_IMSIC_GET_VCPU(attr);
	struct vcpu *vcpu;

	if (!aia->initialised || id >= ARCH_MAX_VCPU_ID)
		return NULL;
	vcpu = vm_vcpu_by_id(aia->vm, id);

	return vcpu ? vcpu->arch.imsic : NULL;
}

static int files_has(struct aia *aia, u64 attr)
{
	if (!files_find(aia, attr))
		return -ENODEV;

	return imsic_register_exists(KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(attr)) ? 0 : -ENXIO;
}

static int files_get(struct aia *aia, u64 attr, u64 *value)
{
	unsigned long old;

	imsic_access(files_find(aia, attr), KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(attr), 0, 0,
		     &old);
	*value = old;

	return 0;
}

static int files_set(struct aia *aia, u64 attr, u64 value)
{
	unsigned long old;

	imsic_access(files_find(aia, attr), KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(attr), value,
		     ~0UL, &old);

	return 0;
}

/* By KVM_DEV_RISCV_AIA_GRP_*.  get and set are called only if has says 0. */
static const struct aia_group {
	size_t	size;		/* of a value in user space */
	int	(*has)(struct aia *aia, u64 attr);
	int	(*get)(struct aia *aia, u64 attr, u64 *value);	/* NULL: there is none */
	int	(*set)(struct aia *aia, u64 attr, u64 value);
} aia_groups[] = {
	[KVM_DEV_RISCV_AIA_GRP_CONFIG]	= { 4, config_has, config_get, config_set },
	[KVM_DEV_RISCV_AIA_GRP_ADDR]	= { 8, addr_has, addr_get, addr_set },
	[KVM_DEV_RISCV_AIA_GRP_CTRL]	= { 0, ctrl_has, NULL, ctrl_set },
	[KVM_DEV_RISCV_AIA_GRP_APLIC]	= { 4, wires_has, wires_get, wires_set },
	[KVM_DEV_RISCV_AIA_GRP_IMSIC]	= { 8, files_has, files_get, files_set },
};

/* The group of an attribute that is there, or an error. */
static const struct aia_group *aia_group(struct aia *aia, const struct kvm_device_attr *attr)
{
	const struct aia_group *group;
	int err;

	if (attr->flags)
		return ERR_PTR(-EINVAL);
	if (attr->group >= ARRAY_SIZE(aia_groups))
		return ERR_PTR(-ENXIO);
	group = &aia_groups[array_index_nospec(attr->group, ARRAY_SIZE(aia_groups))];
	err = group->has(aia, attr->attr);

	return err ? ERR_PTR(err) : group;
}

static int aia_device_set(struct device_guest *device, const struct kvm_device_attr *attr)
{
	struct aia *aia = device->data;
	const struct aia_group *group = aia_group(aia, attr);
	u64 value = 0;

	if (IS_ERR(group))
		return PTR_ERR(group);
	/* The low bytes come first. */
	if (copy_from_user(&value, u64_to_user_ptr(attr->addr), group->size))
		return -EFAULT;

	return group->set(aia, attr->attr, value);
}

static int aia_device_get(struct device_guest *device, const struct kvm_device_attr *attr)
{
	struct aia *aia = device->data;
	const struct aia_group *group = aia_group(aia, attr);
	u64 value;
	int err;

	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group->get)
		return -ENXIO;
	err = group->get(aia, attr->attr, &value);
	if (err)
		return err;

	return copy_to_user(u64_to_user_ptr(attr->addr), &value, group->size) ? -EFAULT : 0;
}

static int aia_device_has(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return PTR_ERR_OR_ZERO(aia_group(device->data, attr));
}

/* --- the device: life ------------------------------------------------------------------------ */

static void aia_free(struct aia *aia)
{
	kvfree(aia->imsic_addr);
	kfree(aia);
}

static void aia_set_defaults(struct aia *aia)
{
	u32 i;

	aia->config[KVM_DEV_RISCV_AIA_CONFIG_MODE] = riscv_host.guest_files ?
		KVM_DEV_RISCV_AIA_MODE_AUTO : KVM_DEV_RISCV_AIA_MODE_EMUL;
	aia->config[KVM_DEV_RISCV_AIA_CONFIG_IDS] = imsic_max_id();
	aia->config[KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT] = KVM_DEV_RISCV_AIA_GROUP_SHIFT_MIN;
	aia->aplic_addr = GPA_INVALID;
	for (i = 0; i < ARCH_MAX_VCPUS; i++)
		aia->imsic_addr[i] = GPA_INVALID;
}

static int aia_device_probe(void)
{
	return riscv_host.aia ? 0 : -ENODEV;
}

static int aia_device_create(struct device_guest *device)
{
	struct vm *vm = device->vm;
	struct aia *aia;

	lockdep_assert_held(&vm->lock);

	if (vm->arch.aia)
		return -EEXIST;

	aia = kzalloc(sizeof(*aia), GFP_KERNEL_ACCOUNT);
	if (!aia)
		return -ENOMEM;
	aia->imsic_addr = kvcalloc(ARCH_MAX_VCPUS, sizeof(*aia->imsic_addr),
				   GFP_KERNEL_ACCOUNT);
	if (!aia->imsic_addr) {
		kfree(aia);
		return -ENOMEM;
	}
	aia->vm = vm;
	xa_init(&aia->imsics);
	aia_set_defaults(aia);
	device->data = aia;
	WRITE_ONCE(vm->arch.aia, aia);

	return 0;
}

/*
 * An initialised one lives as long as the vCPUs, and is destroyed by
 * riscv_irqchip_destroy().  But it lets go of the hardware while they are there,
 * with all that flushes of a VM look at.
 */
static void aia_device_destroy(struct device_guest *device)
{
	struct aia *aia = device->data;
	unsigned long index;
	struct imsic *imsic;

	if (!aia->initialised) {
		WRITE_ONCE(device->vm->arch.aia, NULL);
		aia_free(aia);
		return;
	}
	xa_for_each(&aia->imsics, index, imsic)
		imsic_release(imsic);
}

const struct device_guest_type riscv_aia_device = {
	.type		= KVM_DEV_TYPE_RISCV_AIA,
	.name		= "kvm-riscv-aia",
	.probe		= aia_device_probe,
	.create		= aia_device_create,
	.destroy	= aia_device_destroy,
	.set		= aia_device_set,
	.get		= aia_device_get,
	.has		= aia_device_has,
};

/* --- irqchip operations ----------------------------------------------------------------------- */

/* It takes more to make one than KVM_CREATE_IRQCHIP can say. */
int riscv_irqchip_create(struct vm *vm, u32 kind)
{
	return -EINVAL;
}

void riscv_irqchip_destroy(struct vm *vm)
{
	struct aia *aia = vm->arch.aia;

	if (!aia)
		return;

	/* Of an initialised one; others went with their device. */
	aplic_destroy(aia);
	imsic_pages_unregister(aia);
	imsics_destroy(aia);
	WRITE_ONCE(vm->arch.aia, NULL);
	aia_free(aia);
}

/*
 * A vCPU that comes after CTRL_INIT has no interrupt file and gets none: nobody
 * said where it would be.  It runs without external interrupts.
 */
int riscv_irqchip_vcpu_create(struct vcpu *vcpu)
{
	return 0;
}

/* The interrupt file stays in the table until riscv_irqchip_destroy(). */
void riscv_irqchip_vcpu_destroy(struct vcpu *vcpu)
{
	vcpu->arch.imsic = NULL;
}

/* Before CTRL_INIT as well, when the number of sources may not be known. */
int riscv_irqchip_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
			struct irq_route *out)
{
	struct irq_route route = { .gsi = entry->gsi, .type = entry->type };

	if (!READ_ONCE(vm->arch.aia))
		return -EINVAL;

	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (entry->u.irqchip.irqchip ||
		    entry->u.irqchip.pin >= KVM_DEV_RISCV_AIA_SRCS_MAX)
			return -EINVAL;
		route.line.pin = entry->u.irqchip.pin;
		break;
	case KVM_IRQ_ROUTING_MSI:
		route.msi.address = (u64)entry->u.msi.address_hi << 32 | entry->u.msi.address_lo;
		route.msi.data = entry->u.msi.data;
		route.msi.devid = entry->u.msi.devid;
		route.msi.flags = entry->flags;
		break;
	default:
		return -EINVAL;
	}
	*out = route;

	return 0;
}

int riscv_irqchip_deliver(struct vm *vm, const struct irq_route *route, int source, int level)
{
	struct aia *aia = vm->arch.aia;
	struct imsic *imsic;

	if (route->type == KVM_IRQ_ROUTING_IRQCHIP)
		return aplic_set_line(aia->aplic, route->line.pin, source, level);
	if (!level)
		return -1;

	imsic = aia_imsic(aia, route->msi.address);
	if (!imsic)
		return -1;

	return imsic_store(imsic, route->msi.address % KVM_DEV_RISCV_IMSIC_SIZE, route->msi.data);
}

void riscv_irqchip_line(struct vm *vm, u32 source, int level)
{
	int ret = aplic_set_line(vm->arch.aia->aplic, source, IRQ_SOURCE_USER, level);

	trace_keel_irq(source, IRQ_SOURCE_USER, level, ret);
}

bool riscv_irqchip_pending(struct vcpu *vcpu)
{
	return imsic_pending(vcpu);
}

/* What <arch/hot.h> has inlined, for struct backend. */

void (riscv_irqchip_sync_to_hw)(struct vcpu *vcpu)
{
	riscv_sync_to_hw(vcpu);
}

void (riscv_irqchip_sync_from_hw)(struct vcpu *vcpu)
{
}

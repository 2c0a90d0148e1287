// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arm64 part of the tables of core: ioctls, capabilities, devices.  What is more than
 * a few lines is elsewhere: here a call is checked and handed on.
 */
#include <linux/nospec.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <asm/kvm_arm.h>

#include "arm64.h"

/* --- the system descriptor ------------------------------------------------ */

const struct ioctl_desc arch_system_ioctls[] = {
	{ }
};

/* --- the VM descriptor ---------------------------------------------------- */

/* One kind of CPU is offered, with nothing that user space would have to ask for. */
static long vm_ioctl_preferred_target(void *object, void *data, unsigned long user)
{
	struct kvm_vcpu_init *init = data;

	*init = (struct kvm_vcpu_init) { .target = KVM_ARM_TARGET_GENERIC_V8 };

	return 0;
}

/* The parts of KVM_IRQ_LINE's number: <asm/kvm.h>, KVM_ARM_IRQ_*. */
struct irq_line {
	unsigned int	type, number;
	unsigned int	vcpu_id;
	bool		level;
};

static struct irq_line irq_line_decode(const struct kvm_irq_level *args)
{
	u32 irq = args->irq;

	return (struct irq_line) {
		.type	 = irq >> KVM_ARM_IRQ_TYPE_SHIFT & KVM_ARM_IRQ_TYPE_MASK,
		.number	 = irq >> KVM_ARM_IRQ_NUM_SHIFT & KVM_ARM_IRQ_NUM_MASK,
		.vcpu_id = (irq >> KVM_ARM_IRQ_VCPU_SHIFT & KVM_ARM_IRQ_VCPU_MASK) |
			   (irq >> KVM_ARM_IRQ_VCPU2_SHIFT & KVM_ARM_IRQ_VCPU2_MASK) << 8,
		.level	 = args->level,
	};
}

/* A line of the CPU itself, from an interrupt controller of user space. */
static int irq_line_cpu(struct vm *vm, const struct irq_line *line)
{
	struct vcpu *vcpu = vm_vcpu_by_id(vm, line->vcpu_id);
	unsigned int bit;
	bool was;

	if (vm_has_irqchip(vm))
		return -ENXIO;
	if (!vcpu || line->number > KVM_ARM_IRQ_CPU_FIQ)
		return -EINVAL;

	bit = __ffs(line->number == KVM_ARM_IRQ_CPU_FIQ ? HCR_VF : HCR_VI);
	was = line->level ? test_and_set_bit(bit, &vcpu->arch.lines) :
			    test_and_clear_bit(bit, &vcpu->arch.lines);
	if (was != line->level)
		vcpu_kick(vcpu);

	return 0;
}

static int irq_line_ppi(struct vm *vm, const struct irq_line *line)
{
	struct vcpu *vcpu = vm_vcpu_by_id(vm, line->vcpu_id);

	if (!vm_has_irqchip(vm))
		return -ENXIO;
	if (!vcpu || line->number < 16 || line->number > 31)
		return -EINVAL;

	return vgic_line(vm, line->number, vcpu, line->level);
}

static int irq_line_spi(struct vm *vm, const struct irq_line *line)
{
	if (!vm_has_irqchip(vm))
		return -ENXIO;
	if (line->number < 32)
		return -EINVAL;

	return vgic_line(vm, line->number, NULL, line->level);
}

static int (*const irq_lines[])(struct vm *vm, const struct irq_line *line) = {
	[KVM_ARM_IRQ_TYPE_CPU]	= irq_line_cpu,
	[KVM_ARM_IRQ_TYPE_SPI]	= irq_line_spi,
	[KVM_ARM_IRQ_TYPE_PPI]	= irq_line_ppi,
};

static long vm_ioctl_irq_line(void *object, void *data, unsigned long user)
{
	const struct irq_line line = irq_line_decode(data);

	if (line.type >= ARRAY_SIZE(irq_lines))
		return -EINVAL;

	return irq_lines[array_index_nospec(line.type, ARRAY_SIZE(irq_lines))](object, &line);
}

static long vm_ioctl_set_counter_offset(void *object, void *data, unsigned long user)
{
	const struct kvm_arm_counter_offset *offset = data;
	struct vm *vm = object;
	int err;

	if (offset->reserved)
		return -EINVAL;
	err = vm_lock_vcpus(vm);
	if (err)
		return err;

	arm64_timer_set_offset(vm, offset->counter_offset);
	vm_unlock_vcpus(vm);

	return 0;
}

/* The command says that it only reads; what it is to read is in the argument. */
static long vm_ioctl_get_reg_writable_masks(void *object, void *data, unsigned long user)
{
	struct reg_mask_range range;

	if (copy_from_user(&range, (void __user *)user, sizeof(range)))
		return -EFAULT;
	if (range.range != KVM_ARM_FEATURE_ID_RANGE ||
	    memchr_inv(range.reserved, 0, sizeof(range.reserved)))
		return -EINVAL;

	return arm64_idreg_masks(object, &range);
}

static long vm_attr(struct vm *vm, unsigned int cmd, const struct kvm_device_attr *attr)
{
	if (attr->flags)
		return -EINVAL;
	if (attr->group != KVM_ARM_VM_SMCCC_CTRL)
		return -ENXIO;

	return arm64_fw_attr(vm, cmd, attr);
}

static long vm_ioctl_set_attr(void *object, void *data, unsigned long user)
{
	return vm_attr(object, KVM_SET_DEVICE_ATTR, data);
}

static long vm_ioctl_get_attr(void *object, void *data, unsigned long user)
{
	return vm_attr(object, KVM_GET_DEVICE_ATTR, data);
}

static long vm_ioctl_has_attr(void *object, void *data, unsigned long user)
{
	return vm_attr(object, KVM_HAS_DEVICE_ATTR, data);
}

const struct ioctl_desc arch_vm_ioctls[] = {
	IOCTL(KVM_IRQ_LINE,			0,		vm_ioctl_irq_line),
	IOCTL(KVM_ARM_PREFERRED_TARGET,		0,		vm_ioctl_preferred_target),
	IOCTL(KVM_ARM_SET_COUNTER_OFFSET,	IOCTL_VM_LOCK,	vm_ioctl_set_counter_offset),
	IOCTL(KVM_ARM_GET_REG_WRITABLE_MASKS,	IOCTL_RAW,	vm_ioctl_get_reg_writable_masks),
	IOCTL(KVM_SET_DEVICE_ATTR,		0,		vm_ioctl_set_attr),
	IOCTL(KVM_GET_DEVICE_ATTR,		0,		vm_ioctl_get_attr),
	IOCTL(KVM_HAS_DEVICE_ATTR,		0,		vm_ioctl_has_attr),
	{ }
};

/* --- KVM_ARM_VCPU_INIT ---------------------------------------------------- */

#define FEATURES_KNOWN		GENMASK(7, 0)	/* up to KVM_ARM_VCPU_HAS_EL2 */
#define FEATURES_PTRAUTH	(BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |	\
				 BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC))

static u32 features_offered(void)
{
	u32 features = BIT(KVM_ARM_VCPU_POWER_OFF) | BIT(KVM_ARM_VCPU_PSCI_0_2);

	if (arm64_host.sve_vl)
		features |= BIT(KVM_ARM_VCPU_SVE);
	if (arm64_host.pauth_address)
		features |= BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS);
	if (arm64_host.pauth_generic)
		features |= BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC);

	return features;
}

static int init_check(struct vcpu *vcpu, const struct kvm_vcpu_init *init)
{
	u32 features = init->features[0], offered = features_offered();

	if (init->target != KVM_ARM_TARGET_GENERIC_V8)
		return -EINVAL;
	if (features & ~FEATURES_KNOWN ||
	    memchr_inv(init->features + 1, 0, sizeof(init->features) - sizeof(init->features[0])))
		return -ENOENT;
	if (features & ~offered)
		return -EINVAL;
	/* One trap stands for the keys of both. */
	if (features & FEATURES_PTRAUTH &&
	    (features & FEATURES_PTRAUTH) != (offered & FEATURES_PTRAUTH))
		return -EINVAL;
	if (vcpu->arch.initialized &&
	    (features & ~BIT(KVM_ARM_VCPU_POWER_OFF)) != vcpu->arch.features)
		return -EINVAL;

	return 0;
}

/* As user space says; a start that another vCPU ordered before is of no account. */
static void set_power(struct vcpu *vcpu, u32 mp_state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	vcpu->arch.start.pending = false;
	WRITE_ONCE(vcpu->mp_state, mp_state);
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);
}

static long vcpu_ioctl_init(void *object, void *data, unsigned long user)
{
	const struct kvm_vcpu_init *init = data;
	bool off = init->features[0] & BIT(KVM_ARM_VCPU_POWER_OFF);
	struct vcpu *vcpu = object;
	int err;

	err = init_check(vcpu, init);
	if (err)
		return err;

	if (!vcpu->arch.initialized) {
		vcpu->arch.features = init->features[0] & ~BIT(KVM_ARM_VCPU_POWER_OFF);
		if (arm64_feature(vcpu, KVM_ARM_VCPU_SVE))
			vcpu->arch.simd.vl = arm64_host.sve_vl;
		vcpu->arch.initialized = true;
	}
	set_power(vcpu, off ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE);
	/* What user space still was to finish is of no instruction any more. */
	vcpu->complete = NULL;
	if (vcpu->arch.ran)
		arm64_mmu_restart(vcpu->vm);
	arm64_reset(vcpu);

	return 0;
}

static long vcpu_ioctl_finalize(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;

	if (!vcpu->arch.initialized)
		return -ENOEXEC;
	if (*(const int *)data != KVM_ARM_VCPU_SVE || !arm64_feature(vcpu, KVM_ARM_VCPU_SVE))
		return -EINVAL;

	return arm64_simd_finalize(vcpu);
}

/* --- the vCPU descriptor -------------------------------------------------- */

static long vcpu_ioctl_get_mp_state(void *object, void *data, unsigned long user)
{
	struct kvm_mp_state *state = data;
	struct vcpu *vcpu = object;

	state->mp_state = READ_ONCE(vcpu->mp_state);

	return 0;
}

static bool mp_state_exists(struct vm *vm, u32 mp_state)
{
	return mp_state == KVM_MP_STATE_RUNNABLE || mp_state == KVM_MP_STATE_STOPPED ||
	       (mp_state == KVM_MP_STATE_SUSPENDED && READ_ONCE(vm->arch.system_suspend));
}

static long vcpu_ioctl_set_mp_state(void *object, void *data, unsigned long user)
{
	const struct kvm_mp_state *state = data;
	struct vcpu *vcpu = object;

	if (!mp_state_exists(vcpu->vm, state->mp_state))
		return -EINVAL;

	/* What another vCPU had this one do is done, before user space decides. */
	arm64_start_pending(vcpu);
	set_power(vcpu, state->mp_state);

	return 0;
}

static long vcpu_ioctl_get_events(void *object, void *data, unsigned long user)
{
	struct kvm_vcpu_events *events = data;
	struct vcpu *vcpu = object;

	if (!vcpu->arch.initialized)
		return -ENOEXEC;

	/* An external abort is with the guest as soon as it is set. */
	events->exception.serror_pending = vcpu->arch.events.serror_pending;
	events->exception.serror_has_esr = vcpu->arch.events.serror_pending &&
					   vcpu->arch.events.serror_has_esr;
	if (events->exception.serror_has_esr)
		events->exception.serror_esr = vcpu->arch.events.serror_esr;

	return 0;
}

static long vcpu_ioctl_set_events(void *object, void *data, unsigned long user)
{
	const struct kvm_vcpu_events *events = data;
	bool has_esr = events->exception.serror_has_esr;
	u64 esr = has_esr ? events->exception.serror_esr : 0;
	struct vcpu *vcpu = object;

	if (!vcpu->arch.initialized)
		return -ENOEXEC;
	if (events->exception.serror_pending && has_esr &&
	    (!arm64_host.ras || esr & ~ESR_ELx_ISS_MASK))
		return -EINVAL;

	arm64_start_pending(vcpu);
	if (events->exception.ext_dabt_pending) {
		/* The access that user space could not do ends this way. */
		vcpu->complete = NULL;
		arm64_inject_data_abort(vcpu, vcpu->arch.exit.info1);
	}
	if (events->exception.serror_pending)
		arm64_inject_serror(vcpu, esr);

	return 0;
}

static long vcpu_ioctl_set_guest_debug(void *object, void *data, unsigned long user)
{
	return arm64_debug_set(object, data);
}

static const struct {
	u32	group;
	int	(*access)(struct vcpu *vcpu, unsigned int cmd, const struct kvm_device_attr *attr);
} vcpu_attrs[] = {
	{ KVM_ARM_VCPU_TIMER_CTRL,	arm64_timer_attr },
	{ KVM_ARM_VCPU_PVTIME_CTRL,	arm64_steal_attr },
};

static long vcpu_attr(struct vcpu *vcpu, unsigned int cmd, const struct kvm_device_attr *attr)
{
	int i;

	if (attr->flags)
		return -EINVAL;

	for (i = 0; i < ARRAY_SIZE(vcpu_attrs); i++)
		if (vcpu_attrs[i].group == attr->group)
			return vcpu_attrs[i].access(vcpu, cmd, attr);

	return -ENXIO;
}

static long vcpu_ioctl_set_attr(void *object, void *data, unsigned long user)
{
	return vcpu_attr(object, KVM_SET_DEVICE_ATTR, data);
}

static long vcpu_ioctl_get_attr(void *object, void *data, unsigned long user)
{
	return vcpu_attr(object, KVM_GET_DEVICE_ATTR, data);
}

static long vcpu_ioctl_has_attr(void *object, void *data, unsigned long user)
{
	return vcpu_attr(object, KVM_HAS_DEVICE_ATTR, data);
}

const struct ioctl_desc arch_vcpu_ioctls[] = {
	IOCTL(KVM_ARM_VCPU_INIT,	IOCTL_VCPU,		vcpu_ioctl_init),
	IOCTL(KVM_ARM_VCPU_FINALIZE,	IOCTL_VCPU,		vcpu_ioctl_finalize),
	IOCTL(KVM_GET_ONE_REG,		IOCTL_VCPU,		arm64_ioctl_get_one_reg),
	IOCTL(KVM_SET_ONE_REG,		IOCTL_VCPU,		arm64_ioctl_set_one_reg),
	IOCTL(KVM_GET_REG_LIST,		IOCTL_RAW | IOCTL_VCPU,	arm64_ioctl_get_reg_list),
	IOCTL(KVM_GET_MP_STATE,		IOCTL_VCPU,		vcpu_ioctl_get_mp_state),
	IOCTL(KVM_SET_MP_STATE,		IOCTL_VCPU,		vcpu_ioctl_set_mp_state),
	IOCTL(KVM_GET_VCPU_EVENTS,	IOCTL_VCPU,		vcpu_ioctl_get_events),
	IOCTL(KVM_SET_VCPU_EVENTS,	IOCTL_VCPU,		vcpu_ioctl_set_events),
	IOCTL(KVM_SET_GUEST_DEBUG,	IOCTL_VCPU,		vcpu_ioctl_set_guest_debug),
	IOCTL(KVM_SET_DEVICE_ATTR,	IOCTL_VCPU,		vcpu_ioctl_set_attr),
	IOCTL(KVM_GET_DEVICE_ATTR,	IOCTL_VCPU,		vcpu_ioctl_get_attr),
	IOCTL(KVM_HAS_DEVICE_ATTR,	IOCTL_VCPU,		vcpu_ioctl_has_attr),
	{ }
};

/* --- capabilities --------------------------------------------------------- */

static int cap_get_irqchip(struct vm *vm)
{
	return arm64_host.maintenance_irq != 0;
}

static int cap_get_ipa_bits(struct vm *vm)
{
	return arm64_mmu_ipa_bits();
}

static int cap_get_serror_esr(struct vm *vm)
{
	return arm64_host.ras;
}

static int cap_get_sve(struct vm *vm)
{
	return arm64_host.sve_vl != 0;
}

static int cap_get_ptrauth_address(struct vm *vm)
{
	return arm64_host.pauth_address;
}

static int cap_get_ptrauth_generic(struct vm *vm)
{
	return arm64_host.pauth_generic;
}

static int cap_get_breakpoints(struct vm *vm)
{
	return arm64_host.breakpoints;
}

static int cap_get_watchpoints(struct vm *vm)
{
	return arm64_host.watchpoints;
}

/* A message goes to an ITS, and an ITS looks at who sends it. */
static int cap_get_msi_devid(struct vm *vm)
{
	struct device_guest *device;

	if (!vm)
		return 0;

	guard(mutex)(&vm->lock);

	list_for_each_entry(device, &vm->devices, link)
		if (device->type->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
			return 1;

	return 0;
}

static int cap_enable_system_suspend(struct vm *vm, const struct kvm_enable_cap *args)
{
	WRITE_ONCE(vm->arch.system_suspend, true);

	return 0;
}

static int cap_enable_nisv_to_user(struct vm *vm, const struct kvm_enable_cap *args)
{
	WRITE_ONCE(vm->arch.nisv_to_user, true);

	return 0;
}

/* Core's own are in core/caps.c.  What has no row is 0: 32-bit guests, PMU, MTE, ... */
const struct cap_desc arch_caps[] = {
	{ .cap = KVM_CAP_ONE_REG,		.value = 1 },
	{ .cap = KVM_CAP_MP_STATE,		.value = 1 },
	{ .cap = KVM_CAP_VCPU_EVENTS,		.value = 1 },
	{ .cap = KVM_CAP_VCPU_ATTRIBUTES,	.value = 1 },
	{ .cap = KVM_CAP_VM_ATTRIBUTES,		.value = 1 },
	{ .cap = KVM_CAP_ARM_PSCI,		.value = 1 },
	{ .cap = KVM_CAP_ARM_PSCI_0_2,		.value = 1 },
	{ .cap = KVM_CAP_ARM_SYSTEM_SUSPEND,	.value = 1, .enable = cap_enable_system_suspend },
	{ .cap = KVM_CAP_ARM_VM_IPA_SIZE,	.get = cap_get_ipa_bits },
	{ .cap = KVM_CAP_ARM_SVE,		.get = cap_get_sve },
	{ .cap = KVM_CAP_ARM_PTRAUTH_ADDRESS,	.get = cap_get_ptrauth_address },
	{ .cap = KVM_CAP_ARM_PTRAUTH_GENERIC,	.get = cap_get_ptrauth_generic },
	{ .cap = KVM_CAP_ARM_INJECT_SERROR_ESR,	.get = cap_get_serror_esr },
	{ .cap = KVM_CAP_ARM_INJECT_EXT_DABT,	.value = 1 },
	{ .cap = KVM_CAP_ARM_NISV_TO_USER,	.value = 1, .enable = cap_enable_nisv_to_user },
	{ .cap = KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES,
	  .value = BIT(KVM_ARM_FEATURE_ID_RANGE) },
	{ .cap = KVM_CAP_COUNTER_OFFSET,	.value = 1 },
	{ .cap = KVM_CAP_STEAL_TIME,		.value = IS_ENABLED(CONFIG_SCHED_INFO) },
	{ .cap = KVM_CAP_PTP_KVM,		.value = 1 },

	{ .cap = KVM_CAP_IRQCHIP,		.get = cap_get_irqchip },
	{ .cap = KVM_CAP_ARM_IRQ_LINE_LAYOUT_2,	.value = 1 },
	/* The timers' lines in kvm_run. */
	{ .cap = KVM_CAP_ARM_USER_IRQ,		.value = 1 },
	{ .cap = KVM_CAP_MSI_DEVID,		.get = cap_get_msi_devid },

	{ .cap = KVM_CAP_SET_GUEST_DEBUG,	.value = 1 },
	{ .cap = KVM_CAP_SET_GUEST_DEBUG2,	.value = ARM64_DEBUG_OFFERED },
	{ .cap = KVM_CAP_GUEST_DEBUG_HW_BPS,	.get = cap_get_breakpoints },
	{ .cap = KVM_CAP_GUEST_DEBUG_HW_WPS,	.get = cap_get_watchpoints },
	{ .cap = CAP_END },
};

/* --- devices -------------------------------------------------------------- */

/* A table in C cannot contain a struct that another file defines. */
#define DEVICE_CALLS(name_)								\
static int device_##name_##_probe(void)							\
{											\
	return name_##_device.probe ? name_##_device.probe() : 0;			\
}											\
											\
static int device_##name_##_create(struct device_guest *device)				\
{											\
	return name_##_device.create(device);						\
}											\
											\
static void device_##name_##_destroy(struct device_guest *device)			\
{											\
	if (name_##_device.destroy)							\
		name_##_device.destroy(device);						\
}											\
											\
static int device_##name_##_set(struct device_guest *device,				\
				const struct kvm_device_attr *attr)			\
{											\
	return name_##_device.set(device, attr);					\
}											\
											\
static int device_##name_##_get(struct device_guest *device,				\
				const struct kvm_device_attr *attr)			\
{											\
	return name_##_device.get(device, attr);					\
}											\
											\
static int device_##name_##_has(struct device_guest *device,				\
				const struct kvm_device_attr *attr)			\
{											\
	return name_##_device.has(device, attr);					\
}

#define DEVICE(type_, string_, name_)							\
	{										\
		.type		= (type_),						\
		.name		= (string_),						\
		.probe		= device_##name_##_probe,				\
		.create		= device_##name_##_create,				\
		.destroy	= device_##name_##_destroy,				\
		.set		= device_##name_##_set,					\
		.get		= device_##name_##_get,					\
		.has		= device_##name_##_has,					\
	}

DEVICE_CALLS(vgic_v3)
DEVICE_CALLS(vgic_its)

const struct device_guest_type arch_devices[] = {
	DEVICE(KVM_DEV_TYPE_ARM_VGIC_V3, "kvm-arm-vgic-v3", vgic_v3),
	DEVICE(KVM_DEV_TYPE_ARM_VGIC_ITS, "kvm-arm-vgic-its", vgic_its),
	{ .name = NULL }
};

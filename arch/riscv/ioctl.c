// SPDX-License-Identifier: GPL-2.0-only
/*
 * The riscv part of the tables of core: ioctls, capabilities, devices.  What is
 * more than a few lines is elsewhere: here a call is checked and handed on.
 */
#include <linux/spinlock.h>
#include <core/device.h>
#include <core/ioctl.h>

#include "riscv.h"

/* There is no register to set a breakpoint or a single step with. */
#define GUEST_DEBUG_OFFERED	KVM_GUESTDBG_ENABLE

/* --- the system descriptor ------------------------------------------------ */

const struct ioctl_desc arch_system_ioctls[] = {
	{ }
};

/* --- the VM descriptor ---------------------------------------------------- */

/* The number is a source of the APLIC, wherever KVM_SET_GSI_ROUTING leads that gsi. */
static long vm_ioctl_irq_line(void *object, void *data, unsigned long user)
{
	const struct kvm_irq_level *line = data;
	struct vm *vm = object;

	if (!vm_has_irqchip(vm))
		return -ENXIO;

	/* Also if nobody is there, or it is masked: a VMM takes errors for its end. */
	riscv_irqchip_line(vm, line->irq, !!line->level);

	return 0;
}

const struct ioctl_desc arch_vm_ioctls[] = {
	IOCTL(KVM_IRQ_LINE,	0,	vm_ioctl_irq_line),
	{ }
};

/* --- the vCPU descriptor -------------------------------------------------- */

/* What another hart had this one do is done, before user space looks or decides. */
void riscv_start_pending(struct vcpu *vcpu)
{
	unsigned long flags, pc, a1;
	bool pending;

	lockdep_assert_held(&vcpu->mutex);

	if (likely(!vcpu_take_request(vcpu, REQ_START)))
		return;

	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	pending = vcpu->arch.start.pending;
	pc = vcpu->arch.start.pc;
	a1 = vcpu->arch.start.a1;
	vcpu->arch.start.pending = false;
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);

	if (pending)
		riscv_hart_begin(vcpu, pc, a1);
}

static long vcpu_ioctl_get_mp_state(void *object, void *data, unsigned long user)
{
	struct kvm_mp_state *state = data;
	struct vcpu *vcpu = object;

	state->mp_state = READ_ONCE(vcpu->mp_state);

	return 0;
}

static long vcpu_ioctl_set_mp_state(void *object, void *data, unsigned long user)
{
	const struct kvm_mp_state *state = data;
	struct vcpu *vcpu = object;
	unsigned long flags;

	if (state->mp_state != KVM_MP_STATE_RUNNABLE &&
	    state->mp_state != KVM_MP_STATE_STOPPED)
		return -EINVAL;

	riscv_start_pending(vcpu);
	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	/* A start that came meanwhile was for a hart in another state. */
	if (state->mp_state == KVM_MP_STATE_STOPPED)
		vcpu->arch.start.pending = false;
	WRITE_ONCE(vcpu->mp_state, state->mp_state);
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);

	return 0;
}

/*
 * From an interrupt controller of user space, by whatever thread: the vCPU may be
 * in the guest, and its mutex is not free until it comes back.
 */
static long vcpu_ioctl_interrupt(void *object, void *data, unsigned long user)
{
	const struct kvm_interrupt *interrupt = data;
	struct vcpu *vcpu = object;

	if (interrupt->irq == KVM_INTERRUPT_SET)
		riscv_irq_set(vcpu, IRQ_VS_EXT);
	else if (interrupt->irq == KVM_INTERRUPT_UNSET)
		riscv_irq_clear(vcpu, IRQ_VS_EXT);
	else
		return -EINVAL;

	return 0;
}

/* EBREAK is the guest's business, or it ends in KVM_EXIT_DEBUG. */
static long vcpu_ioctl_set_guest_debug(void *object, void *data, unsigned long user)
{
	const struct kvm_guest_debug *debug = data;
	struct vcpu *vcpu = object;

	if (debug->control & ~GUEST_DEBUG_OFFERED)
		return -EINVAL;

	/* riscv_configure() looks at the flags, if it has not been called yet. */
	vcpu->debug_flags = debug->control;
	if (debug->control & KVM_GUESTDBG_ENABLE)
		vcpu->arch.config.hedeleg &= ~BIT(EXC_BREAKPOINT);
	else
		vcpu->arch.config.hedeleg |= BIT(EXC_BREAKPOINT);

	return 0;
}

const struct ioctl_desc arch_vcpu_ioctls[] = {
	IOCTL(KVM_INTERRUPT,	   0,				vcpu_ioctl_interrupt),
	IOCTL(KVM_GET_ONE_REG,	   IOCTL_VCPU,			riscv_ioctl_get_one_reg),
	IOCTL(KVM_SET_ONE_REG,	   IOCTL_VCPU,			riscv_ioctl_set_one_reg),
	IOCTL(KVM_GET_REG_LIST,	   IOCTL_RAW | IOCTL_VCPU,	riscv_ioctl_get_reg_list),
	IOCTL(KVM_GET_MP_STATE,	   IOCTL_VCPU,			vcpu_ioctl_get_mp_state),
	IOCTL(KVM_SET_MP_STATE,	   IOCTL_VCPU,			vcpu_ioctl_set_mp_state),
	IOCTL(KVM_SET_GUEST_DEBUG, IOCTL_VCPU,			vcpu_ioctl_set_guest_debug),
	{ }
};

/* --- capabilities --------------------------------------------------------- */

static int cap_get_irqchip(struct vm *vm)
{
	return riscv_host.aia;
}

static int cap_get_gpa_bits(struct vm *vm)
{
	return riscv_mmu_gpa_bits();
}

/* Core's own are in core/caps.c.  What has no row is 0. */
const struct cap_desc arch_caps[] = {
	{ .cap = KVM_CAP_ONE_REG,		.value = 1 },
	{ .cap = KVM_CAP_MP_STATE,		.value = 1 },
	{ .cap = KVM_CAP_SET_GUEST_DEBUG,	.value = 1 },
	{ .cap = KVM_CAP_SET_GUEST_DEBUG2,	.value = GUEST_DEBUG_OFFERED },
	{ .cap = KVM_CAP_VM_GPA_BITS,		.get = cap_get_gpa_bits },
	{ .cap = KVM_CAP_IRQCHIP,		.get = cap_get_irqchip },
	/* Instead of core's: messages have no end that the controller hears of. */
	{ .cap = KVM_CAP_IRQFD_RESAMPLE,	.value = 0 },
	{ .cap = CAP_END },
};

/* --- devices -------------------------------------------------------------- */

/* A table in C cannot contain a struct that another file defines. */
static int device_aia_probe(void)
{
	return riscv_aia_device.probe();
}

static int device_aia_create(struct device_guest *device)
{
	return riscv_aia_device.create(device);
}

static void device_aia_destroy(struct device_guest *device)
{
	riscv_aia_device.destroy(device);
}

static int device_aia_set(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return riscv_aia_device.set(device, attr);
}

static int device_aia_get(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return riscv_aia_device.get(device, attr);
}

static int device_aia_has(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return riscv_aia_device.has(device, attr);
}

const struct device_guest_type arch_devices[] = {
	{
		.type		= KVM_DEV_TYPE_RISCV_AIA,
		.name		= "kvm-riscv-aia",
		.probe		= device_aia_probe,
		.create		= device_aia_create,
		.destroy	= device_aia_destroy,
		.set		= device_aia_set,
		.get		= device_aia_get,
		.has		= device_aia_has,
	},
	{ .name = NULL }
};

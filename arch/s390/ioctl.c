// SPDX-License-Identifier: GPL-2.0-only
/*
 * The s390 part of the tables of core: ioctls, capabilities, devices.  What is more than a
 * few lines is elsewhere: here a call is checked and handed on.
 */
#include <core/device.h>
#include <core/ioctl.h>

#include "s390.h"

/* --- the system descriptor ------------------------------------------------ */

const struct ioctl_desc arch_system_ioctls[] = {
	{ }
};

/* --- the VM descriptor ---------------------------------------------------- */

static long vm_ioctl_interrupt(void *object, void *data, unsigned long user)
{
	struct kvm_s390_irq irq;
	int err;

	err = s390_irq_from_interrupt(data, &irq);
	if (err)
		return err;

	return s390_inject_floating(object, &irq);
}

const struct ioctl_desc arch_vm_ioctls[] = {
	IOCTL(KVM_S390_INTERRUPT,	0,		vm_ioctl_interrupt),
	IOCTL(KVM_S390_MEM_OP,		IOCTL_SRCU,	s390_vm_ioctl_mem_op),
	IOCTL(KVM_S390_GET_SKEYS,	IOCTL_SRCU,	s390_vm_ioctl_get_skeys),
	IOCTL(KVM_S390_SET_SKEYS,	IOCTL_SRCU,	s390_vm_ioctl_set_skeys),
	IOCTL(KVM_SET_DEVICE_ATTR,	IOCTL_VM_LOCK,	s390_vm_ioctl_set_attr),
	IOCTL(KVM_GET_DEVICE_ATTR,	IOCTL_VM_LOCK,	s390_vm_ioctl_get_attr),
	IOCTL(KVM_HAS_DEVICE_ATTR,	IOCTL_VM_LOCK,	s390_vm_ioctl_has_attr),
	{ }
};

/* --- the vCPU descriptor -------------------------------------------------- */

/* By whatever thread, also while the vCPU runs. */
static long vcpu_ioctl_interrupt(void *object, void *data, unsigned long user)
{
	struct kvm_s390_irq irq;
	int err;

	err = s390_irq_from_interrupt(data, &irq);
	if (err)
		return err;

	return s390_inject_local(object, &irq);
}

static long vcpu_ioctl_irq(void *object, void *data, unsigned long user)
{
	return s390_inject_local(object, data);
}

/* The argument is the address itself. */
static long vcpu_ioctl_store_status(void *object, void *data, unsigned long user)
{
	return s390_store_status(object, user);
}

/* User space looks at its copy of the registers, and does not run the CPU before. */
static long reset_done(struct vcpu *vcpu)
{
	s390_sync_store(vcpu, S390_SYNC_ALL);

	return 0;
}

static long vcpu_ioctl_normal_reset(void *object, void *data, unsigned long user)
{
	s390_normal_reset(object);

	return reset_done(object);
}

static long vcpu_ioctl_initial_reset(void *object, void *data, unsigned long user)
{
	s390_initial_reset(object);

	return reset_done(object);
}

static long vcpu_ioctl_clear_reset(void *object, void *data, unsigned long user)
{
	s390_clear_reset(object);

	return reset_done(object);
}

static long vcpu_ioctl_get_mp_state(void *object, void *data, unsigned long user)
{
	struct kvm_mp_state *state = data;

	state->mp_state = s390_is_stopped(object) ? KVM_MP_STATE_STOPPED :
						    KVM_MP_STATE_OPERATING;

	return 0;
}

/* From the first one on, user space keeps the states of all CPUs. */
static long vcpu_ioctl_set_mp_state(void *object, void *data, unsigned long user)
{
	const struct kvm_mp_state *state = data;
	struct vcpu *vcpu = object;

	/* Check-stopped, or loading: what the CPU looks like then is user space's. */
	if (state->mp_state != KVM_MP_STATE_STOPPED && state->mp_state != KVM_MP_STATE_OPERATING)
		return -ENXIO;

	WRITE_ONCE(vcpu->vm->arch.user_cpu_state, true);
	s390_set_stopped(vcpu, state->mp_state == KVM_MP_STATE_STOPPED);

	return 0;
}

/* On one vCPU, for all. */
static long vcpu_ioctl_enable_cap(void *object, void *data, unsigned long user)
{
	const struct kvm_enable_cap *args = data;
	struct vcpu *vcpu = object;

	if (args->flags || args->cap != KVM_CAP_S390_CSS_SUPPORT)
		return -EINVAL;
	WRITE_ONCE(vcpu->vm->arch.css_support, true);

	return 0;
}

const struct ioctl_desc arch_vcpu_ioctls[] = {
	IOCTL(KVM_S390_INTERRUPT,	0,			vcpu_ioctl_interrupt),
	IOCTL(KVM_S390_IRQ,		0,			vcpu_ioctl_irq),
	IOCTL(KVM_S390_MEM_OP,		IOCTL_VCPU | IOCTL_LOAD | IOCTL_SRCU,
								s390_vcpu_ioctl_mem_op),
	IOCTL(KVM_S390_GET_IRQ_STATE,	IOCTL_VCPU,		s390_ioctl_get_irq_state),
	IOCTL(KVM_S390_SET_IRQ_STATE,	IOCTL_VCPU,		s390_ioctl_set_irq_state),
	IOCTL(KVM_S390_STORE_STATUS,	IOCTL_RAW | IOCTL_VCPU | IOCTL_LOAD | IOCTL_SRCU,
								vcpu_ioctl_store_status),
	IOCTL(KVM_S390_SET_INITIAL_PSW,	IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_set_initial_psw),
	IOCTL(KVM_S390_NORMAL_RESET,	IOCTL_VCPU,		vcpu_ioctl_normal_reset),
	IOCTL(KVM_S390_INITIAL_RESET,	IOCTL_VCPU,		vcpu_ioctl_initial_reset),
	IOCTL(KVM_S390_CLEAR_RESET,	IOCTL_VCPU,		vcpu_ioctl_clear_reset),
	IOCTL(KVM_GET_ONE_REG,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_get_one_reg),
	IOCTL(KVM_SET_ONE_REG,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_set_one_reg),
	IOCTL(KVM_GET_REGS,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_get_regs),
	IOCTL(KVM_SET_REGS,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_set_regs),
	IOCTL(KVM_GET_SREGS,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_get_sregs),
	IOCTL(KVM_SET_SREGS,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_set_sregs),
	IOCTL(KVM_GET_FPU,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_get_fpu),
	IOCTL(KVM_SET_FPU,		IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_set_fpu),
	IOCTL(KVM_GET_MP_STATE,		IOCTL_VCPU,		vcpu_ioctl_get_mp_state),
	IOCTL(KVM_SET_MP_STATE,		IOCTL_VCPU,		vcpu_ioctl_set_mp_state),
	IOCTL(KVM_ENABLE_CAP,		IOCTL_VCPU,		vcpu_ioctl_enable_cap),
	IOCTL(KVM_SET_GUEST_DEBUG,	IOCTL_VCPU | IOCTL_LOAD, s390_ioctl_set_guest_debug),
	{ }
};

/* --- capabilities --------------------------------------------------------- */

static int cap_get_sync_regs(struct vm *vm)
{
	return s390_sync_regs_valid(vm);
}

/* Single steps and all else of a debugger come as events of the guest for its host. */
static int cap_get_guest_debug(struct vm *vm)
{
	return s390_host.gpere;
}

static int cap_get_guest_debug2(struct vm *vm)
{
	return s390_host.gpere ? S390_GUEST_DEBUG_OFFERED : 0;
}

static int cap_get_vector(struct vm *vm)
{
	return s390_host.vector;
}

static int cap_enable_irqchip(struct vm *vm, const struct kvm_enable_cap *args)
{
	vm->arch.irqchip_allowed = true;

	return 0;
}

static int cap_enable_user_sigp(struct vm *vm, const struct kvm_enable_cap *args)
{
	WRITE_ONCE(vm->arch.user_sigp, true);

	return 0;
}

static int cap_enable_user_stsi(struct vm *vm, const struct kvm_enable_cap *args)
{
	WRITE_ONCE(vm->arch.user_stsi, true);

	return 0;
}

/* vCPUs may be running: all ask for the interception before they go on. */
static int cap_enable_user_instr0(struct vm *vm, const struct kvm_enable_cap *args)
{
	WRITE_ONCE(vm->arch.user_instr0, true);
	vm_request_all(vm, REQ_INTERRUPT, false);

	return 0;
}

static int cap_enable_vector(struct vm *vm, const struct kvm_enable_cap *args)
{
	/* The vector facility, and those that extend it. */
	static const u16 numbers[] = { 129, 134, 135, 148, 152, 165, 192 };
	int err;

	if (!s390_host.vector)
		return -EINVAL;
	err = s390_model_allow(vm, numbers, ARRAY_SIZE(numbers));
	if (err)
		return err;
	vm->arch.use_vector = true;

	return 0;
}

#define FACILITY_AIS	72	/* adapter-interruption suppression */

static int cap_enable_ais(struct vm *vm, const struct kvm_enable_cap *args)
{
	if (vm->vcpu_count)
		return -EBUSY;
	s390_model_emulate(vm, FACILITY_AIS);
	WRITE_ONCE(vm->arch.ais, true);

	return 0;
}

/* Core's own are in core/caps.c.  What has no row is 0. */
const struct cap_desc arch_caps[] = {
	{ .cap = KVM_CAP_S390_PSW,		.value = 1 },
	{ .cap = KVM_CAP_S390_GMAP,		.value = 1 },
	/* Faults come to the page tables of the VM, with an address: memory may be private. */
	{ .cap = KVM_CAP_S390_COW,		.value = 1 },
	{ .cap = KVM_CAP_SYNC_REGS,		.get = cap_get_sync_regs },
	{ .cap = KVM_CAP_ONE_REG,		.value = 1 },
	{ .cap = KVM_CAP_MP_STATE,		.value = 1 },
	{ .cap = KVM_CAP_ENABLE_CAP,		.value = 1 },
	{ .cap = KVM_CAP_VM_ATTRIBUTES,		.value = 1 },
	{ .cap = KVM_CAP_SET_GUEST_DEBUG,	.get = cap_get_guest_debug },
	{ .cap = KVM_CAP_SET_GUEST_DEBUG2,	.get = cap_get_guest_debug2 },
	{ .cap = KVM_CAP_S390_CSS_SUPPORT,	.value = 1 },
	{ .cap = KVM_CAP_S390_IRQCHIP,		.value = 1,	.enable = cap_enable_irqchip },
	{ .cap = KVM_CAP_S390_INJECT_IRQ,	.value = 1 },
	{ .cap = KVM_CAP_S390_IRQ_STATE,	.value = 1 },
	{ .cap = KVM_CAP_S390_USER_SIGP,	.value = 1,	.enable = cap_enable_user_sigp },
	{ .cap = KVM_CAP_S390_USER_STSI,	.value = 1,	.enable = cap_enable_user_stsi },
	{ .cap = KVM_CAP_S390_USER_INSTR0,	.value = 1,	.enable = cap_enable_user_instr0 },
	{ .cap = KVM_CAP_S390_VECTOR_REGISTERS,	.get = cap_get_vector,
	  .enable = cap_enable_vector },
	{ .cap = KVM_CAP_S390_AIS,		.value = 1,	.enable = cap_enable_ais },
	{ .cap = KVM_CAP_S390_AIS_MIGRATION,	.value = 1 },
	{ .cap = KVM_CAP_S390_VCPU_RESETS,	.value = 1 },
	{ .cap = KVM_CAP_S390_SKEYS,		.value = 1 },
	{ .cap = KVM_CAP_S390_MEM_OP,		.value = S390_MEM_OP_MAX },
	{ .cap = KVM_CAP_S390_MEM_OP_EXTENSION,	.value = S390_MEM_OP_EXTENSION },
	/* Instead of core's: an adapter interruption has no end that anybody hears of. */
	{ .cap = KVM_CAP_IRQFD_RESAMPLE,	.value = 0 },
	/* Nobody takes messages. */
	{ .cap = KVM_CAP_SIGNAL_MSI,		.value = 0 },
	{ .cap = CAP_END },
};

/* --- devices -------------------------------------------------------------- */

/* A table in C cannot contain a struct that another file defines. */
static int device_flic_create(struct device_guest *device)
{
	return s390_flic_device.create(device);
}

static void device_flic_destroy(struct device_guest *device)
{
	s390_flic_device.destroy(device);
}

static int device_flic_set(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return s390_flic_device.set(device, attr);
}

static int device_flic_get(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return s390_flic_device.get(device, attr);
}

static int device_flic_has(struct device_guest *device, const struct kvm_device_attr *attr)
{
	return s390_flic_device.has(device, attr);
}

const struct device_guest_type arch_devices[] = {
	{
		.type		= KVM_DEV_TYPE_FLIC,
		.name		= "kvm-flic",
		.create		= device_flic_create,
		.destroy	= device_flic_destroy,
		.set		= device_flic_set,
		.get		= device_flic_get,
		.has		= device_flic_has,
	},
	{ .name = NULL }
};

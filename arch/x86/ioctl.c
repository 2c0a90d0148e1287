// SPDX-License-Identifier: GPL-2.0-only
/*
 * The x86 part of the ioctl tables and of the capabilities.  What is more than a
 * few lines is elsewhere: here a call is checked and handed on.
 */
#include <linux/kvm_para.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <core/ioctl.h>

#include "x86.h"

/* Register state: the vCPU is bound to this CPU, and guest memory can be reached. */
#define IOCTL_STATE	(IOCTL_VCPU | IOCTL_LOAD | IOCTL_SRCU)

/* Nothing for the hardware to forget; what user space asks is stored. */
#define NR_MMU_PAGES_MIN	64

/* A call whose argument is one struct, which is checked elsewhere. */
#define VCPU_IOCTL(name)							\
static long vcpu_ioctl_##name(void *object, void *data, unsigned long user)	\
{										\
	return x86_ioctl_##name(object, data);					\
}

/* The same for a list that the handler copies itself. */
#define VCPU_IOCTL_USER(name)							\
static long vcpu_ioctl_##name(void *object, void *data, unsigned long user)	\
{										\
	return x86_ioctl_##name(object, (void __user *)user);			\
}

/* --- the system descriptor ------------------------------------------------ */

static long system_ioctl_get_supported_cpuid(void *object, void *data, unsigned long user)
{
	return x86_ioctl_get_supported_cpuid((void __user *)user);
}

static long system_ioctl_get_emulated_cpuid(void *object, void *data, unsigned long user)
{
	return x86_ioctl_get_emulated_cpuid((void __user *)user);
}

static long system_ioctl_get_msr_index_list(void *object, void *data, unsigned long user)
{
	return x86_ioctl_msr_index_list((void __user *)user, false);
}

static long system_ioctl_get_msr_feature_index_list(void *object, void *data, unsigned long user)
{
	return x86_ioctl_msr_index_list((void __user *)user, true);
}

static long system_ioctl_get_msrs(void *object, void *data, unsigned long user)
{
	return x86_ioctl_get_feature_msrs((void __user *)user);
}

static long system_ioctl_get_mce_cap(void *object, void *data, unsigned long user)
{
	*(u64 *)data = X86_MCG_CAP;

	return 0;
}

const struct ioctl_desc arch_system_ioctls[] = {
	IOCTL(KVM_GET_SUPPORTED_CPUID,		IOCTL_RAW, system_ioctl_get_supported_cpuid),
	IOCTL(KVM_GET_EMULATED_CPUID,		IOCTL_RAW, system_ioctl_get_emulated_cpuid),
	IOCTL(KVM_GET_MSR_INDEX_LIST,		IOCTL_RAW, system_ioctl_get_msr_index_list),
	IOCTL(KVM_GET_MSR_FEATURE_INDEX_LIST,	IOCTL_RAW, system_ioctl_get_msr_feature_index_list),
	IOCTL(KVM_GET_MSRS,			IOCTL_RAW, system_ioctl_get_msrs),
	IOCTL(KVM_X86_GET_MCE_CAP_SUPPORTED,	0,	   system_ioctl_get_mce_cap),
	{ }
};

/* --- the VM descriptor ------------------------------------------------------- */

/* Where VT-x without unrestricted guest would keep a TSS; nobody needs it here. */
static long vm_ioctl_set_tss_addr(void *object, void *data, unsigned long user)
{
	struct vm *vm = object;

	if (user > U32_MAX - 3 * PAGE_SIZE)
		return -EINVAL;
	vm->arch.tss_addr = user;

	return 0;
}

static long vm_ioctl_set_identity_map_addr(void *object, void *data, unsigned long user)
{
	struct vm *vm = object;

	if (vm->vcpu_count)
		return -EINVAL;
	vm->arch.identity_map_addr = *(u64 *)data;

	return 0;
}

/* There are no shadow page tables to limit. */
static long vm_ioctl_set_nr_mmu_pages(void *object, void *data, unsigned long user)
{
	return user < NR_MMU_PAGES_MIN ? -EINVAL : 0;
}

static long vm_ioctl_set_boot_cpu_id(void *object, void *data, unsigned long user)
{
	struct vm *vm = object;

	if (vm->vcpu_count)
		return -EBUSY;
	if (user >= ARCH_MAX_VCPU_ID)
		return -EINVAL;
	vm->arch.boot_cpu_id = user;

	return 0;
}

static long vm_create_pit(struct vm *vm, const struct kvm_pit_config *config)
{
	if (config->flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	if (vm->arch.pit)
		return -EEXIST;
	if (!vm->arch.pic)
		return -ENOENT;

	return pit_create(vm, config);
}

static long vm_ioctl_create_pit(void *object, void *data, unsigned long user)
{
	const struct kvm_pit_config config = {};

	return vm_create_pit(object, &config);
}

static long vm_ioctl_create_pit2(void *object, void *data, unsigned long user)
{
	return vm_create_pit(object, data);
}

static long vm_ioctl_get_pit2(void *object, void *data, unsigned long user)
{
	struct vm *vm = object;

	return vm->arch.pit ? pit_get(vm, data) : -ENXIO;
}

static long vm_ioctl_set_pit2(void *object, void *data, unsigned long user)
{
	struct vm *vm = object;

	return vm->arch.pit ? pit_set(vm, data) : -ENXIO;
}

/* The old pair: the channels without the flags. */
static long vm_ioctl_get_pit(void *object, void *data, unsigned long user)
{
	struct kvm_pit_state *old = data;
	struct kvm_pit_state2 state;
	struct vm *vm = object;
	int ret;

	if (!vm->arch.pit)
		return -ENXIO;
	ret = pit_get(vm, &state);
	if (!ret)
		memcpy(old->channels, state.channels, sizeof(old->channels));

	return ret;
}

/* Named as if it came out, it goes in. */
static long vm_ioctl_set_pit(void *object, void *data, unsigned long user)
{
	struct kvm_pit_state2 state;
	struct vm *vm = object;
	int ret;

	if (!vm->arch.pit)
		return -ENXIO;
	ret = pit_get(vm, &state);
	if (ret)
		return ret;
	if (copy_from_user(state.channels, (void __user *)user, sizeof(state.channels)))
		return -EFAULT;

	return pit_set(vm, &state);
}

static long vm_ioctl_reinject_control(void *object, void *data, unsigned long user)
{
	struct kvm_reinject_control control;
	struct vm *vm = object;

	if (copy_from_user(&control, (void __user *)user, sizeof(control)))
		return -EFAULT;
	if (!vm->arch.pit)
		return -ENXIO;
	pit_reinject(vm, control.pit_reinject);

	return 0;
}

static long vm_ioctl_get_irqchip(void *object, void *data, unsigned long user)
{
	return x86_ioctl_get_irqchip(object, data);
}

/* This, too, is named as if it came out. */
static long vm_ioctl_set_irqchip(void *object, void *data, unsigned long user)
{
	struct kvm_irqchip *chip = memdup_user((void __user *)user, sizeof(*chip));
	long ret;

	if (IS_ERR(chip))
		return PTR_ERR(chip);

	ret = x86_ioctl_set_irqchip(object, chip);
	kfree(chip);

	return ret;
}

static long vm_ioctl_irq_line(void *object, void *data, unsigned long user)
{
	struct kvm_irq_level *line = data;
	struct vm *vm = object;

	if (!vm_has_irqchip(vm))
		return -ENXIO;
	line->status = irqroute_deliver(vm, line->irq, IRQ_SOURCE_USER, !!line->level);

	return 0;
}

static long vm_ioctl_get_clock(void *object, void *data, unsigned long user)
{
	return x86_ioctl_get_clock(object, data);
}

static long vm_ioctl_set_clock(void *object, void *data, unsigned long user)
{
	return x86_ioctl_set_clock(object, data);
}

/* TSCs are not scaled, so the answer is always the host's. */
static long vm_ioctl_get_tsc_khz(void *object, void *data, unsigned long user)
{
	struct vm *vm = object;

	return vm->arch.default_tsc_khz ?: x86_host.tsc_khz;
}

static long vm_ioctl_set_tsc_khz(void *object, void *data, unsigned long user)
{
	return !user || user == vm_ioctl_get_tsc_khz(object, NULL, 0) ? 0 : -EINVAL;
}

const struct ioctl_desc arch_vm_ioctls[] = {
	IOCTL(KVM_IRQ_LINE_STATUS,	0,		vm_ioctl_irq_line),
	IOCTL(KVM_IRQ_LINE,		0,		vm_ioctl_irq_line),
	IOCTL(KVM_SET_TSS_ADDR,		IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_set_tss_addr),
	IOCTL(KVM_SET_IDENTITY_MAP_ADDR, IOCTL_VM_LOCK,	vm_ioctl_set_identity_map_addr),
	IOCTL(KVM_SET_NR_MMU_PAGES,	IOCTL_RAW,	vm_ioctl_set_nr_mmu_pages),
	IOCTL(KVM_SET_BOOT_CPU_ID,	IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_set_boot_cpu_id),
	IOCTL(KVM_CREATE_PIT,		IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_create_pit),
	IOCTL(KVM_CREATE_PIT2,		IOCTL_VM_LOCK,	vm_ioctl_create_pit2),
	IOCTL(KVM_GET_PIT,		IOCTL_VM_LOCK,	vm_ioctl_get_pit),
	IOCTL(KVM_SET_PIT,		IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_set_pit),
	IOCTL(KVM_GET_PIT2,		IOCTL_VM_LOCK,	vm_ioctl_get_pit2),
	IOCTL(KVM_SET_PIT2,		IOCTL_VM_LOCK,	vm_ioctl_set_pit2),
	IOCTL(KVM_REINJECT_CONTROL,	IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_reinject_control),
	IOCTL(KVM_GET_IRQCHIP,		IOCTL_VM_LOCK,	vm_ioctl_get_irqchip),
	IOCTL(KVM_SET_IRQCHIP,		IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_set_irqchip),
	IOCTL(KVM_GET_CLOCK,		0,		vm_ioctl_get_clock),
	IOCTL(KVM_SET_CLOCK,		0,		vm_ioctl_set_clock),
	IOCTL(KVM_GET_TSC_KHZ,		IOCTL_RAW,	vm_ioctl_get_tsc_khz),
	IOCTL(KVM_SET_TSC_KHZ,		IOCTL_RAW,	vm_ioctl_set_tsc_khz),
	{ }
};

/* --- the vCPU descriptor: registers and state ---------------------------------- */

VCPU_IOCTL(get_regs)
VCPU_IOCTL(set_regs)
VCPU_IOCTL(get_sregs)
VCPU_IOCTL(set_sregs)
VCPU_IOCTL(get_fpu)
VCPU_IOCTL(set_fpu)
VCPU_IOCTL(get_xcrs)
VCPU_IOCTL(set_xcrs)
VCPU_IOCTL(get_debugregs)
VCPU_IOCTL(set_debugregs)
VCPU_IOCTL(get_vcpu_events)
VCPU_IOCTL(set_vcpu_events)
VCPU_IOCTL(set_guest_debug)
VCPU_IOCTL(translate)
VCPU_IOCTL_USER(set_cpuid2)
VCPU_IOCTL_USER(get_cpuid2)
VCPU_IOCTL_USER(get_msrs)
VCPU_IOCTL_USER(set_msrs)
VCPU_IOCTL_USER(set_xsave)

static long vcpu_ioctl_get_xsave(void *object, void *data, unsigned long user)
{
	return x86_ioctl_get_xsave(object, (void __user *)user, sizeof(struct kvm_xsave));
}

static long vcpu_ioctl_get_xsave2(void *object, void *data, unsigned long user)
{
	return x86_ioctl_get_xsave(object, (void __user *)user, x86_fpu_xsave_size());
}

static long vcpu_ioctl_get_lapic(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;

	return vcpu->arch.lapic ? x86_ioctl_get_lapic(vcpu, data) : -EINVAL;
}

static long vcpu_ioctl_set_lapic(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;

	return vcpu->arch.lapic ? x86_ioctl_set_lapic(vcpu, data) : -EINVAL;
}

/* User space asks for this first of all, so what waits is decided before. */
static long vcpu_ioctl_get_mp_state(void *object, void *data, unsigned long user)
{
	struct kvm_mp_state *state = data;
	struct vcpu *vcpu = object;

	if (vcpu_take_request(vcpu, REQ_INIT_SIPI))
		x86_events_init_sipi(vcpu);
	state->mp_state = READ_ONCE(vcpu->mp_state);
	/* Its halt is over, even if it has not run since. */
	if (state->mp_state == KVM_MP_STATE_HALTED && READ_ONCE(vcpu->arch.events.pv_unhalted))
		state->mp_state = KVM_MP_STATE_RUNNABLE;

	return 0;
}

static long vcpu_ioctl_set_mp_state(void *object, void *data, unsigned long user)
{
	const struct kvm_mp_state *state = data;
	struct vcpu *vcpu = object;

	/* Without a local APIC nothing could end another state. */
	if (!vcpu->arch.lapic && state->mp_state != KVM_MP_STATE_RUNNABLE)
		return -EINVAL;

	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
		x86_set_mp_state(vcpu, state->mp_state);
		break;
	case KVM_MP_STATE_SIPI_RECEIVED:
		x86_set_mp_state(vcpu, KVM_MP_STATE_INIT_RECEIVED);
		set_bit(X86_SIPI_PENDING, &vcpu->arch.events.init_sipi);
		vcpu_request(vcpu, REQ_INIT_SIPI);
		break;
	default:
		return -EINVAL;
	}
	WRITE_ONCE(vcpu->arch.events.pv_unhalted, false);
	x86_events_recheck(vcpu);

	return 0;
}

/* --- the vCPU descriptor: interrupts ------------------------------------------------ */

/* From a PIC of user space; with one in the kernel there is none. */
static long vcpu_ioctl_interrupt(void *object, void *data, unsigned long user)
{
	const struct kvm_interrupt *interrupt = data;
	struct vcpu *vcpu = object;

	if (interrupt->irq > 255)
		return -EINVAL;
	if (vcpu->vm->arch.pic)
		return -ENXIO;
	if (vcpu->arch.interrupt >= 0)
		return -EEXIST;

	WRITE_ONCE(vcpu->arch.interrupt, interrupt->irq);
	x86_events_recheck(vcpu);

	return 0;
}

/* The vCPU may be in the guest: it takes the NMI by itself. */
static long vcpu_ioctl_nmi(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;

	vcpu_request(vcpu, REQ_NMI);
	vcpu_kick(vcpu);

	return 0;
}

/* Exits for accesses to the TPR are not offered; turning them off is done. */
static long vcpu_ioctl_tpr_access_reporting(void *object, void *data, unsigned long user)
{
	const struct kvm_tpr_access_ctl *control = data;

	return control->flags || control->enabled ? -EINVAL : 0;
}

/* The same for the page that would hold the TPR. */
static long vcpu_ioctl_set_vapic_addr(void *object, void *data, unsigned long user)
{
	const struct kvm_vapic_addr *vapic = data;
	struct vcpu *vcpu = object;

	return vcpu->arch.lapic && !vapic->vapic_addr ? 0 : -EINVAL;
}

/* --- the vCPU descriptor: machine checks --------------------------------------------- */

static long vcpu_ioctl_setup_mce(void *object, void *data, unsigned long user)
{
	return x86_ioctl_setup_mce(object, *(u64 *)data);
}

/* CTL, STATUS, ADDR and MISC of one bank. */
enum { MCE_CTL, MCE_STATUS, MCE_ADDR, MCE_MISC, MCE_REGISTERS };

/*
 * An uncorrected error: #MC, or a shutdown if the guest cannot take one.  True if
 * it is to be recorded.
 */
static bool mce_uncorrected(struct vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	x86_need(vcpu, X86_CRS);
	if ((vcpu->arch.mcg_status & MCG_STATUS_MCIP) ||
	    !(vcpu->arch.state.cr4 & X86_CR4_MCE)) {
		vcpu_request(vcpu, REQ_TRIPLE_FAULT);
		return false;
	}
	vcpu->arch.mcg_status = mce->mcg_status;
	x86_queue_exception(vcpu, X86_TRAP_MC);

	return true;
}

/* SDM, "Machine-Check Architecture": which error a bank keeps. */
static void mce_record(u64 *bank, const struct kvm_x86_mce *mce)
{
	bool occupied = bank[MCE_STATUS] & MCI_STATUS_VAL;

	/* A corrected error does not displace an uncorrected one. */
	if (occupied && (bank[MCE_STATUS] & MCI_STATUS_UC) && !(mce->status & MCI_STATUS_UC)) {
		bank[MCE_STATUS] |= MCI_STATUS_OVER;
		return;
	}
	bank[MCE_STATUS] = mce->status | (occupied ? MCI_STATUS_OVER : 0);
	bank[MCE_ADDR] = mce->addr;
	bank[MCE_MISC] = mce->misc;
}

static long vcpu_ioctl_set_mce(void *object, void *data, unsigned long user)
{
	const struct kvm_x86_mce *mce = data;
	struct vcpu *vcpu = object;
	u64 *bank;

	if (mce->bank >= (vcpu->arch.mcg_cap & 0xff) || mce->bank >= X86_MCE_BANKS ||
	    !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &vcpu->arch.mce_bank[mce->bank * MCE_REGISTERS];

	if (mce->status & MCI_STATUS_UC) {
		/* Reporting is off, for all banks or for this one. */
		if ((vcpu->arch.mcg_cap & MCG_CTL_P) && vcpu->arch.mcg_ctl != ~0ULL)
			return 0;
		if (bank[MCE_CTL] != ~0ULL)
			return 0;
		if (!mce_uncorrected(vcpu, mce))
			return 0;
	}
	mce_record(bank, mce);

	return 0;
}

/* --- the vCPU descriptor: time ----------------------------------------------------------- */

static long vcpu_ioctl_get_tsc_khz(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;

	return vcpu->arch.tsc_khz;
}

static long vcpu_ioctl_set_tsc_khz(void *object, void *data, unsigned long user)
{
	return x86_ioctl_set_tsc_khz(object, user);
}

static long vcpu_ioctl_kvmclock_ctrl(void *object, void *data, unsigned long user)
{
	return x86_ioctl_kvmclock_ctrl(object);
}

const struct ioctl_desc arch_vcpu_ioctls[] = {
	IOCTL(KVM_GET_REGS,		IOCTL_STATE,		vcpu_ioctl_get_regs),
	IOCTL(KVM_SET_REGS,		IOCTL_STATE,		vcpu_ioctl_set_regs),
	IOCTL(KVM_GET_SREGS,		IOCTL_STATE,		vcpu_ioctl_get_sregs),
	IOCTL(KVM_SET_SREGS,		IOCTL_STATE,		vcpu_ioctl_set_sregs),
	IOCTL(KVM_GET_FPU,		IOCTL_STATE,		vcpu_ioctl_get_fpu),
	IOCTL(KVM_SET_FPU,		IOCTL_STATE,		vcpu_ioctl_set_fpu),
	IOCTL(KVM_GET_XSAVE,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_get_xsave),
	IOCTL(KVM_GET_XSAVE2,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_get_xsave2),
	IOCTL(KVM_SET_XSAVE,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_set_xsave),
	IOCTL(KVM_GET_XCRS,		IOCTL_STATE,		vcpu_ioctl_get_xcrs),
	IOCTL(KVM_SET_XCRS,		IOCTL_STATE,		vcpu_ioctl_set_xcrs),
	IOCTL(KVM_GET_MSRS,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_get_msrs),
	IOCTL(KVM_SET_MSRS,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_set_msrs),
	IOCTL(KVM_SET_CPUID2,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_set_cpuid2),
	IOCTL(KVM_GET_CPUID2,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_get_cpuid2),
	IOCTL(KVM_GET_LAPIC,		IOCTL_STATE,		vcpu_ioctl_get_lapic),
	IOCTL(KVM_SET_LAPIC,		IOCTL_STATE,		vcpu_ioctl_set_lapic),
	IOCTL(KVM_GET_VCPU_EVENTS,	IOCTL_STATE,		vcpu_ioctl_get_vcpu_events),
	IOCTL(KVM_SET_VCPU_EVENTS,	IOCTL_STATE,		vcpu_ioctl_set_vcpu_events),
	IOCTL(KVM_GET_MP_STATE,		IOCTL_STATE,		vcpu_ioctl_get_mp_state),
	IOCTL(KVM_SET_MP_STATE,		IOCTL_STATE,		vcpu_ioctl_set_mp_state),
	IOCTL(KVM_GET_DEBUGREGS,	IOCTL_STATE,		vcpu_ioctl_get_debugregs),
	IOCTL(KVM_SET_DEBUGREGS,	IOCTL_STATE,		vcpu_ioctl_set_debugregs),
	IOCTL(KVM_SET_GUEST_DEBUG,	IOCTL_STATE,		vcpu_ioctl_set_guest_debug),
	IOCTL(KVM_TRANSLATE,		IOCTL_STATE,		vcpu_ioctl_translate),
	IOCTL(KVM_INTERRUPT,		IOCTL_STATE,		vcpu_ioctl_interrupt),
	IOCTL(KVM_NMI,			IOCTL_RAW,		vcpu_ioctl_nmi),
	IOCTL(KVM_TPR_ACCESS_REPORTING,	IOCTL_VCPU,		vcpu_ioctl_tpr_access_reporting),
	IOCTL(KVM_SET_VAPIC_ADDR,	IOCTL_VCPU,		vcpu_ioctl_set_vapic_addr),
	IOCTL(KVM_X86_SETUP_MCE,	IOCTL_STATE,		vcpu_ioctl_setup_mce),
	IOCTL(KVM_X86_SET_MCE,		IOCTL_STATE,		vcpu_ioctl_set_mce),
	IOCTL(KVM_GET_TSC_KHZ,		IOCTL_RAW | IOCTL_VCPU,	vcpu_ioctl_get_tsc_khz),
	IOCTL(KVM_SET_TSC_KHZ,		IOCTL_RAW | IOCTL_STATE, vcpu_ioctl_set_tsc_khz),
	IOCTL(KVM_KVMCLOCK_CTRL,	IOCTL_RAW | IOCTL_VCPU,	vcpu_ioctl_kvmclock_ctrl),
	{ }
};

/* --- capabilities ---------------------------------------------------------------------------- */

static int cap_get_xcrs(struct vm *vm)
{
	return x86_host.xcr0 != 0;
}

static int cap_get_xsave2(struct vm *vm)
{
	return x86_fpu_xsave_size();
}

static int cap_enable_split_irqchip(struct vm *vm, const struct kvm_enable_cap *args)
{
	if (args->args[0] > U32_MAX)
		return -EINVAL;

	return x86_split_irqchip(vm, args->args[0]);
}

#define X2APIC_API_FLAGS	(KVM_X2APIC_API_USE_32BIT_IDS | \
				 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

static int cap_enable_x2apic_api(struct vm *vm, const struct kvm_enable_cap *args)
{
	if (args->args[0] & ~X2APIC_API_FLAGS)
		return -EINVAL;
	if (args->args[0] & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->arch.x2apic_32bit_ids = true;
	if (args->args[0] & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->arch.x2apic_no_broadcast = true;

	return 0;
}

static int cap_enable_msr_platform_info(struct vm *vm, const struct kvm_enable_cap *args)
{
	vm->arch.guest_can_read_msr_platform_info = args->args[0];

	return 0;
}

#define CLOCK_FLAGS	(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

/* Core's own are in core/caps.c.  What has no row is 0. */
const struct cap_desc arch_caps[] = {
	{ .cap = KVM_CAP_IRQCHIP,		.value = 1 },
	{ .cap = KVM_CAP_IRQ_INJECT_STATUS,	.value = 1 },
	{ .cap = KVM_CAP_IOAPIC_POLARITY_IGNORED, .value = 1 },
	{ .cap = KVM_CAP_SPLIT_IRQCHIP,		.value = 1,
	  .enable = cap_enable_split_irqchip },
	{ .cap = KVM_CAP_X2APIC_API,		.value = X2APIC_API_FLAGS,
	  .enable = cap_enable_x2apic_api },
	{ .cap = KVM_CAP_TSC_DEADLINE_TIMER,	.value = 1 },
	{ .cap = KVM_CAP_PIT,			.value = 1 },
	{ .cap = KVM_CAP_PIT2,			.value = 1 },
	{ .cap = KVM_CAP_PIT_STATE2,		.value = 1 },
	{ .cap = KVM_CAP_REINJECT_CONTROL,	.value = 1 },

	{ .cap = KVM_CAP_HLT,			.value = 1 },
	{ .cap = KVM_CAP_SET_TSS_ADDR,		.value = 1 },
	{ .cap = KVM_CAP_SET_IDENTITY_MAP_ADDR,	.value = 1 },
	{ .cap = KVM_CAP_SET_BOOT_CPU_ID,	.value = 1 },
	{ .cap = KVM_CAP_EXT_CPUID,		.value = 1 },
	{ .cap = KVM_CAP_EXT_EMUL_CPUID,	.value = 1 },
	{ .cap = KVM_CAP_GET_MSR_FEATURES,	.value = 1 },
	{ .cap = KVM_CAP_MSR_PLATFORM_INFO,	.value = 1,
	  .enable = cap_enable_msr_platform_info },
	{ .cap = KVM_CAP_MCE,			.value = X86_MCE_BANKS },

	{ .cap = KVM_CAP_MP_STATE,		.value = 1 },
	{ .cap = KVM_CAP_VCPU_EVENTS,		.value = 1 },
	{ .cap = KVM_CAP_INTR_SHADOW,
	  .value = KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI },
	{ .cap = KVM_CAP_USER_NMI,		.value = 1 },
	{ .cap = KVM_CAP_DEBUGREGS,		.value = 1 },
	{ .cap = KVM_CAP_X86_ROBUST_SINGLESTEP,	.value = 1 },
	{ .cap = KVM_CAP_SET_GUEST_DEBUG,	.value = 1 },
	{ .cap = KVM_CAP_SET_GUEST_DEBUG2,	.value = X86_GUESTDBG_OFFERED },
	{ .cap = KVM_CAP_XSAVE,			.value = 1 },
	{ .cap = KVM_CAP_XSAVE2,		.get = cap_get_xsave2 },
	{ .cap = KVM_CAP_XCRS,			.get = cap_get_xcrs },

	{ .cap = KVM_CAP_CLOCKSOURCE,		.value = 1 },
	{ .cap = KVM_CAP_ADJUST_CLOCK,		.value = CLOCK_FLAGS },
	{ .cap = KVM_CAP_KVMCLOCK_CTRL,		.value = 1 },
	{ .cap = KVM_CAP_GET_TSC_KHZ,		.value = 1 },
#ifdef KVM_CAP_VM_TYPES
	{ .cap = KVM_CAP_VM_TYPES,		.value = BIT(KVM_X86_DEFAULT_VM) },
#endif
	{ .cap = CAP_END },
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls (VMCALL, VMMCALL), one table row per call; the ABI is the kernel's
 * Documentation/virt/kvm/x86/hypercalls.rst.  Number in RAX, arguments in RBX,
 * RCX, RDX and RSI, result in RAX.  A call belongs to a feature bit of CPUID
 * 0x40000001 and exists for guests that see the bit.  Called by exit.c.
 */
#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/time64.h>
#include <asm/apicdef.h>

#include "x86.h"

#define HC_ARGS			4
#define HC_ALWAYS		32	/* instead of a feature bit */
/* Shorthands are two bits of the ICR. */
#define HC_ICR_SHORTHAND	(APIC_DEST_SELF | APIC_DEST_ALLINC)

struct hypercall_desc {
	u32	number;
	u8	feature;	/* KVM_FEATURE_* */
	bool	fast;		/* may run with irqs off */
	s64	(*call)(struct vcpu *vcpu, const u64 *args);
	const char *name;
};

/* Whatever makes an interrupt possible has the next entry look: the exit is all it takes. */
static s64 hc_vapic_poll_irq(struct vcpu *vcpu, const u64 *args)
{
	return 0;
}

/* End the halt of the vCPU with APIC id args[1], or its next one. */
static s64 hc_kick_cpu(struct vcpu *vcpu, const u64 *args)
{
	struct vcpu *target = vm_vcpu_by_id(vcpu->vm, (u32)args[1]);

	if (target) {
		WRITE_ONCE(target->arch.events.pv_unhalted, true);
		vcpu_kick(target);
	}

	return 0;
}

/* Fixed interrupts and NMIs, physically addressed, are what guests send so. */
static bool hc_icr_valid(u32 icr)
{
	if (icr & (APIC_DEST_LOGICAL | HC_ICR_SHORTHAND))
		return false;

	return (icr & APIC_MODE_MASK) == APIC_DM_FIXED || (icr & APIC_MODE_MASK) == APIC_DM_NMI;
}

/*
 * args[0] and [1]: a bitmap of destinations, of 64 bits or 32 each; bit 0 is the
 * APIC id args[2].  args[3]: ICR.  Returns the number of targets.
 */
static s64 hc_send_ipi(struct vcpu *vcpu, const u64 *args)
{
	int bits = x86_in_64bit(vcpu) ? 64 : 32;
	struct vm *vm = vcpu->vm;
	u32 icr = args[3];
	struct lapic_message message = {
		.vector	= icr & APIC_VECTOR_MASK,
		.mode	= (icr & APIC_MODE_MASK) >> 8,
		.assert	= true,
	};
	s64 count = 0;
	int i, bit, index;

	if (!vcpu->arch.lapic)
		return -KVM_ENOSYS;
	if (!hc_icr_valid(icr))
		return -KVM_EINVAL;

	index = srcu_read_lock(&vm->irq_srcu);
	for (i = 0; i < 2; i++) {
		unsigned long map = args[i];

		for_each_set_bit(bit, &map, bits) {
			u64 dest = (u64)(u32)args[2] + i * bits + bit;

			/* All ones would be a broadcast. */
			if (dest > ARCH_MAX_VCPU_ID)
				break;
			message.dest = dest;
			if (lapic_deliver(vm, vcpu, &message) > 0)
				count++;
		}
	}
	srcu_read_unlock(&vm->irq_srcu, index);

	return count;
}

/* To whom does not matter: the scheduler knows best who waits for a CPU. */
static s64 hc_sched_yield(struct vcpu *vcpu, const u64 *args)
{
	yield();

	return 0;
}

/* The host's wall clock and the guest's TSC at one moment, to the page args[0]. */
static s64 hc_clock_pairing(struct vcpu *vcpu, const u64 *args)
{
	struct kvm_clock_pairing pairing = {};
	struct timespec64 real;
	u64 tsc;

	if (args[1] != KVM_CLOCK_PAIRING_WALLCLOCK || !x86_host_time(&tsc, &real))
		return -KVM_EOPNOTSUPP;

	pairing.sec = real.tv_sec;
	pairing.nsec = real.tv_nsec;
	pairing.tsc = tsc + vcpu->arch.tsc_offset;

	return guest_write(vcpu, args[0], &pairing, sizeof(pairing)) ? -KVM_EFAULT : 0;
}

#define HC(name_, feature_, fast_, call_)				\
	{ .number = KVM_HC_##name_, .feature = (feature_),		\
	  .fast = (fast_), .call = (call_), .name = #name_ }

static const struct hypercall_desc hypercalls[] = {
	HC(VAPIC_POLL_IRQ,	HC_ALWAYS,			true,	hc_vapic_poll_irq),
	HC(KICK_CPU,		KVM_FEATURE_PV_UNHALT,		true,	hc_kick_cpu),
	HC(SEND_IPI,		KVM_FEATURE_PV_SEND_IPI,	true,	hc_send_ipi),
	HC(SCHED_YIELD,		KVM_FEATURE_PV_SCHED_YIELD,	false,	hc_sched_yield),
	HC(CLOCK_PAIRING,	HC_ALWAYS,			false,	hc_clock_pairing),
};

static const struct hypercall_desc *hypercall_find(struct vcpu *vcpu, u64 number)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(hypercalls); i++)
		if (hypercalls[i].number == number)
			break;
	if (i == ARRAY_SIZE(hypercalls))
		return NULL;
	if (hypercalls[i].feature != HC_ALWAYS &&
	    !(vcpu->arch.cpuid.pv_features & BIT(hypercalls[i].feature)))
		return NULL;

	return &hypercalls[i];
}

static s64 hypercall_do(struct vcpu *vcpu, const struct hypercall_desc *desc, u64 mask)
{
	static const u8 registers[HC_ARGS] = { X86_RBX, X86_RCX, X86_RDX, X86_RSI };
	u64 args[HC_ARGS];
	int i;

	vcpu->arch.stats.hypercalls++;
	if (x86_cpl(vcpu))
		return -KVM_EPERM;
	if (!desc)
		return -KVM_ENOSYS;

	for (i = 0; i < HC_ARGS; i++)
		args[i] = vcpu->arch.state.gpr[registers[i]] & mask;

	return desc->call(vcpu, args);
}

static bool hypercall(struct vcpu *vcpu, bool fast)
{
	u64 mask = x86_in_64bit(vcpu) ? U64_MAX : U32_MAX;
	const struct hypercall_desc *desc;

	desc = hypercall_find(vcpu, x86_gpr(vcpu, X86_RAX) & mask);
	if (fast && desc && !desc->fast)
		return false;
	x86_set_gpr(vcpu, X86_RAX, hypercall_do(vcpu, desc, mask) & mask);

	return true;
}

void x86_hypercall(struct vcpu *vcpu)
{
	hypercall(vcpu, false);
}

bool x86_hypercall_fast(struct vcpu *vcpu)
{
	return hypercall(vcpu, true);
}

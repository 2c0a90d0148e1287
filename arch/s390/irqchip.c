// SPDX-License-Identifier: GPL-2.0-only
/*
 * The irqchip operations.  There is no interrupt controller: interruptions are of the CPUs
 * and of the VM, whether or not user space asked for one.  What KVM_CREATE_IRQCHIP makes is
 * that irqfds reach adapters.
 */
#include "s390.h"

#define OP(ret, name, params, args)	ret s390_irqchip_##name params;
#include <core/irqchip_ops.def>
#undef OP

int s390_irqchip_create(struct vm *vm, u32 kind)
{
	/* KVM_CAP_S390_IRQCHIP has to be enabled first. */
	if (!vm->arch.irqchip_allowed)
		return -EINVAL;

	/* Pairs with vm_has_irqchip().  Doing it again does no harm. */
	smp_store_release(&vm->has_irqchip, true);

	return 0;
}

void s390_irqchip_destroy(struct vm *vm)
{
	/* Floating interruptions go with the VM. */
}

int s390_irqchip_vcpu_create(struct vcpu *vcpu)
{
	return 0;
}

void s390_irqchip_vcpu_destroy(struct vcpu *vcpu)
{
}

int s390_irqchip_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
		       struct irq_route *out)
{
	if (entry->type != KVM_IRQ_ROUTING_S390_ADAPTER)
		return -EINVAL;

	return s390_adapter_route(vm, entry, out);
}

int s390_irqchip_deliver(struct vm *vm, const struct irq_route *route, int source, int level)
{
	/* Messages of KVM_SIGNAL_MSI come here as well: nobody takes them. */
	if (route->type != KVM_IRQ_ROUTING_S390_ADAPTER || !level)
		return -1;

	return s390_adapter_signal(vm, route);
}

bool s390_irqchip_pending(struct vcpu *vcpu)
{
	return s390_irqs_pending(vcpu);
}

/* Interruptions are presented in prepare, because guest storage has to be written. */
void s390_irqchip_sync_to_hw(struct vcpu *vcpu)
{
}

void s390_irqchip_sync_from_hw(struct vcpu *vcpu)
{
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers of an x86 VM as core knows them: the irqchip
 * operations, one set for both vendors.  Ties together the local APICs (lapic.c)
 * and, unless user space has them (split), the IOAPIC, the PIC and the PIT.
 */
#include <linux/nospec.h>
#include <linux/slab.h>

#include "lapic.h"

#define OP(ret, name, params, args)	ret x86_irqchip_##name params;
#include <core/irqchip_ops.def>
#undef OP

#define ISA_IRQS	16
#define PIC_PINS	8	/* of each of the two */

/* Pairs with vm_has_irqchip(). */
static void x86_irqchip_publish(struct vm *vm)
{
	smp_store_release(&vm->has_irqchip, true);
}

static struct kvm_irq_routing_entry x86_line_entry(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* A gsi is the pin of the same number; below 16 of both IOAPIC and PIC. */
static int x86_irqchip_default_routes(struct vm *vm)
{
	struct kvm_irq_routing_entry *entries;
	u32 gsi, count = 0;
	int err;

	entries = kcalloc(KVM_IOAPIC_NUM_PINS + ISA_IRQS, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;

	for (gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; gsi++)
		entries[count++] = x86_line_entry(gsi, KVM_IRQCHIP_IOAPIC, gsi);
	for (gsi = 0; gsi < ISA_IRQS; gsi++)
		entries[count++] = x86_line_entry(gsi, gsi < PIC_PINS ?
				KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
				gsi % PIC_PINS);
	err = irqroute_set(vm, entries, count);
	kfree(entries);

	return err;
}

/* --- the register page of the LAPICs ------------------------------------------ */

static int lapic_device_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			     int len, void *data)
{
	if (!lapic_mmio_match(vcpu, addr))
		return -EOPNOTSUPP;

	lapic_mmio_read(vcpu, addr, len, data);

	return 0;
}

static int lapic_device_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			      int len, const void *data)
{
	if (!lapic_mmio_match(vcpu, addr))
		return -EOPNOTSUPP;

	lapic_mmio_write(vcpu, addr, len, data);

	return 0;
}

static const struct io_device_ops lapic_device_ops = {
	.read	= lapic_device_read,
	.write	= lapic_device_write,
};

/* Without a state of its own, it is the same for all VMs. */
static struct io_device lapic_device = { .ops = &lapic_device_ops };

static int lapic_device_register(struct vm *vm)
{
	int err;

	mutex_lock(&vm->slots_lock);
	err = iobus_register(vm, IOBUS_MMIO, LAPIC_BASE_DEFAULT, LAPIC_SIZE, &lapic_device);
	mutex_unlock(&vm->slots_lock);

	return err;
}

static void lapic_device_unregister(struct vm *vm)
{
	mutex_lock(&vm->slots_lock);
	iobus_unregister(vm, IOBUS_MMIO, &lapic_device);
	mutex_unlock(&vm->slots_lock);
}

/* --- life ---------------------------------------------------------------------- */

static int x86_irqchip_may_create(struct vm *vm)
{
	lockdep_assert_held(&vm->lock);

	if (vm->has_irqchip)
		return -EEXIST;

	/* A vCPU gets its LAPIC when it is created. */
	return vm->vcpu_count ? -EINVAL : 0;
}

int x86_irqchip_create(struct vm *vm, u32 kind)
{
	int err;

	err = x86_irqchip_may_create(vm);
	if (err)
		return err;
	if (kind)
		return -EINVAL;

	INIT_LIST_HEAD(&vm->arch.lapics);
	err = lapic_device_register(vm);
	if (err)
		return err;
	err = pic_create(vm);
	if (err)
		goto err_unregister_lapic;
	err = ioapic_create(vm);
	if (err)
		goto err_destroy_pic;
	err = x86_irqchip_default_routes(vm);
	if (err)
		goto err_destroy_ioapic;

	x86_irqchip_publish(vm);

	return 0;

err_destroy_ioapic:
	ioapic_destroy(vm);
err_destroy_pic:
	pic_destroy(vm);
err_unregister_lapic:
	lapic_device_unregister(vm);

	return err;
}

int x86_split_irqchip(struct vm *vm, u32 reserved_pins)
{
	int err;

	err = x86_irqchip_may_create(vm);
	if (err)
		return err;
	if (reserved_pins > U8_MAX)
		return -EINVAL;

	INIT_LIST_HEAD(&vm->arch.lapics);
	err = lapic_device_register(vm);
	if (err)
		return err;

	vm->arch.split_irqchip = true;
	vm->arch.reserved_ioapic_pins = reserved_pins;
	x86_irqchip_publish(vm);

	return 0;
}

void x86_irqchip_destroy(struct vm *vm)
{
	/* What raises lines goes before the lines; a VM may have had no vCPU. */
	pit_destroy(vm);
	ioapic_destroy(vm);
	pic_destroy(vm);
}

int x86_irqchip_vcpu_create(struct vcpu *vcpu)
{
	return lapic_create(vcpu);
}

void x86_irqchip_vcpu_destroy(struct vcpu *vcpu)
{
	/* The VM ends: the PIT's timer must not look for vCPUs that are going. */
	if (vm_vcpu(vcpu->vm, vcpu->index) == vcpu)
		pit_destroy(vcpu->vm);
	lapic_destroy(vcpu);
}

/* --- routes ----------------------------------------------------------------- */

static int x86_route_line(struct vm *vm, const struct kvm_irq_routing_entry *entry,
			  struct irq_route *out)
{
	u32 chip = entry->u.irqchip.irqchip, pin = entry->u.irqchip.pin;
	u32 pins;

	switch (chip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pins = vm->arch.pic ? PIC_PINS : 0;
		break;
	case KVM_IRQCHIP_IOAPIC:
		pins = vm->arch.ioapic ? KVM_IOAPIC_NUM_PINS : 0;
		break;
	default:
		return -EINVAL;
	}
	if (pin >= pins)
		return -EINVAL;

	out->line.chip = chip;
	out->line.pin = array_index_nospec(pin, pins);

	return 0;
}

static int x86_route_msi(struct vm *vm, const struct kvm_irq_routing_entry *entry,
			 struct irq_route *out)
{
	if (!vm_has_irqchip(vm))
		return -EINVAL;
	/* The upper half holds bits 31:8 of an x2APIC id, and nothing below. */
	if (vm->arch.x2apic_32bit_ids && (entry->u.msi.address_hi & 0xff))
		return -EINVAL;

	out->msi.address = (u64)entry->u.msi.address_hi << 32 | entry->u.msi.address_lo;
	out->msi.data = entry->u.msi.data;
	out->msi.devid = entry->u.msi.devid;
	out->msi.flags = entry->flags;

	return 0;
}

int x86_irqchip_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
		      struct irq_route *out)
{
	struct irq_route route = { .gsi = entry->gsi, .type = entry->type };
	int err;

	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		err = x86_route_line(vm, entry, &route);
		break;
	case KVM_IRQ_ROUTING_MSI:
		err = x86_route_msi(vm, entry, &route);
		break;
	default:
		err = -EINVAL;
	}
	if (!err)
		*out = route;

	return err;
}

int x86_irqchip_deliver(struct vm *vm, const struct irq_route *route, int source, int level)
{
	struct lapic_message message;
	u32 pin = route->line.pin;

	if (route->type == KVM_IRQ_ROUTING_MSI) {
		if (!level)
			return -1;
		lapic_message_from_msi(vm, route->msi.address, route->msi.data, &message);
		return lapic_deliver(vm, NULL, &message);
	}

	switch (route->line.chip) {
	case KVM_IRQCHIP_IOAPIC:
		return ioapic_set_irq(vm, pin, source, level);
	case KVM_IRQCHIP_PIC_SLAVE:
		pin += PIC_PINS;
		fallthrough;
	default:
		return pic_set_irq(vm, pin, source, level);
	}
}

/* --- what a vCPU has to take --------------------------------------------------- */

/* The PIC, ours or user space's, by way of LINT0. */
static bool x86_external_pending(struct vcpu *vcpu)
{
	if (vcpu->arch.interrupt >= 0)
		return true;

	return vcpu->vm->arch.pic && pic_pending(vcpu->vm);
}

static int x86_external_accept(struct vcpu *vcpu)
{
	int vector = vcpu->arch.interrupt;

	if (vector >= 0) {
		vcpu->arch.interrupt = -1;
		return vector;
	}

	return pic_interrupt(vcpu->vm);
}

/*
 * An ExtINT goes past the priorities of the LAPIC, so it comes first: behind a
 * LAPIC's interrupt in service it would have to wait, which it does not on
 * hardware.  Without @accept a PIC's vector is not known: 0 stands for it.
 */
int x86_interrupt(struct vcpu *vcpu, bool accept)
{
	int vector;

	if (READ_ONCE(vcpu->arch.lapic->accepts_pic) && x86_external_pending(vcpu)) {
		if (!accept)
			return 0;
		vector = x86_external_accept(vcpu);
		if (vector >= 0)
			return vector;
	}

	/* Interrupts of a LAPIC that the hardware delivers need no help. */
	if (unlikely(vcpu->arch.lapic->virtual))
		return -1;
	vector = lapic_interrupt(vcpu);
	if (accept && vector >= 0)
		lapic_accept(vcpu, vector);

	return vector;
}

bool x86_irqchip_pending(struct vcpu *vcpu)
{
	if (lapic_accepts_pic(vcpu) && x86_external_pending(vcpu))
		return true;

	return lapic_pending(vcpu);
}

void x86_irqchip_sync_to_hw(struct vcpu *vcpu)
{
	const struct lapic *lapic = vcpu->arch.lapic;

	if (unlikely(READ_ONCE(lapic->irr_changed) || lapic->sync))
		lapic_sync_to_hw(vcpu);
}

void x86_irqchip_sync_from_hw(struct vcpu *vcpu)
{
	/* The vendor reports a CR8 the guest changed with lapic_set_cr8(). */
}

/* --- user space's view ----------------------------------------------------------- */

int x86_ioctl_get_irqchip(struct vm *vm, struct kvm_irqchip *chip)
{
	if (!vm->arch.ioapic)
		return -ENXIO;

	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		return pic_get(vm, chip->chip_id, &chip->chip.pic);
	case KVM_IRQCHIP_IOAPIC:
		return ioapic_get(vm, &chip->chip.ioapic);
	default:
		return -EINVAL;
	}
}

int x86_ioctl_set_irqchip(struct vm *vm, const struct kvm_irqchip *chip)
{
	if (!vm->arch.ioapic)
		return -ENXIO;

	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		return pic_set(vm, chip->chip_id, &chip->chip.pic);
	case KVM_IRQCHIP_IOAPIC:
		return ioapic_set(vm, &chip->chip.ioapic);
	default:
		return -EINVAL;
	}
}

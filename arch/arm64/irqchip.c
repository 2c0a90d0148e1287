// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel interrupt controller of an arm64 VM, a GICv3: the irqchip operations,
 * its making, and the ways in from the rest of the backend (timers, SGIs, KVM_IRQ_LINE).
 * How it works is told in vgic.h; user space configures it in vgic_state.c.
 *
 * Nothing is there until CTRL_INIT: before, attributes can be set in any order; after,
 * what it made is constant, so that delivery needs no lock of the VM.  vCPUs come
 * before it and none after.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <core/trace.h>

#include "vgic.h"

#define SPIS_MAX	(VGIC_SPI_END - VGIC_PRIVATE)

static_assert(IRQ_ROUTES_MAX >= SPIS_MAX);
static_assert(VGIC_LEVELS_MAX * 2 < QUEUE_LEAVING);

/* --- making ------------------------------------------------------------------- */

static struct vgic_cpu *cpu_create(struct vgic *vgic, struct vcpu *vcpu)
{
	unsigned int queues = 2 * vgic_levels(), i;
	struct vgic_cpu *cpu;

	cpu = kvzalloc(struct_size(cpu, ready, queues), GFP_KERNEL_ACCOUNT);
	if (!cpu)
		return NULL;

	cpu->vgic = vgic;
	cpu->vcpu = vcpu;
	cpu->hot.hcr = ICH_HCR_EN;
	raw_spin_lock_init(&cpu->lock);
	INIT_LIST_HEAD(&cpu->parked);
	INIT_LIST_HEAD(&cpu->leaving);
	for (i = 0; i < queues; i++)
		INIT_LIST_HEAD(&cpu->ready[i]);
	for (i = 0; i < VGIC_PRIVATE; i++)
		vgic_irq_init(&cpu->private[i], i, cpu);

	return cpu;
}

/* What vgic_init() makes; accepts a half. */
static void parts_free(struct vgic *vgic)
{
	unsigned int i;

	for (i = 0; i < vgic->cpu_count; i++)
		kvfree(vgic->cpus[i]);
	kvfree(vgic->cpus);
	kvfree(vgic->spis);
	vgic->cpus = NULL;
	vgic->spis = NULL;
	vgic->cpu_count = 0;
}

static int parts_create(struct vgic *vgic)
{
	unsigned int i, spis = vgic->irqs - VGIC_PRIVATE;
	struct vcpu *vcpu;

	vgic->spis = kvcalloc(spis, sizeof(*vgic->spis), GFP_KERNEL_ACCOUNT);
	vgic->cpus = kvcalloc(vgic->vm->vcpu_count, sizeof(*vgic->cpus), GFP_KERNEL_ACCOUNT);
	if (!vgic->spis || !vgic->cpus)
		return -ENOMEM;

	vm_for_each_vcpu(i, vcpu, vgic->vm) {
		vgic->cpus[i] = cpu_create(vgic, vcpu);
		if (!vgic->cpus[i])
			return -ENOMEM;
		vgic->cpu_count++;
	}
	for (i = 0; i < spis; i++)
		vgic_irq_init(&vgic->spis[i], VGIC_PRIVATE + i, vgic->cpus[0]);

	return 0;
}

static int vgic_bus_register(struct vgic *vgic)
{
	unsigned int i;
	int err;

	err = vgic_dist_register(vgic);
	for (i = 0; i < vgic->regions && !err; i++)
		err = vgic_redist_register(vgic, i);

	return err;
}

/* Nothing fails any more.  No vCPU runs. */
static void vgic_publish(struct vgic *vgic)
{
	unsigned int i;

	for (i = 0; i < vgic->cpu_count; i++) {
		vgic->cpus[i]->vcpu->arch.vgic_hot = &vgic->cpus[i]->hot;
		/* irqchip's pending looks at it from other tasks. */
		smp_store_release(&vgic->cpus[i]->vcpu->arch.vgic, vgic->cpus[i]);
	}
	vgic->initialised = true;
	/* Pairs with vm_has_irqchip(). */
	smp_store_release(&vgic->vm->has_irqchip, true);
}

int vgic_init(struct vgic *vgic)
{
	bool irqs_set = vgic->irqs;
	int err;

	lockdep_assert_held(&vgic->vm->lock);

	if (!vm_vcpu(vgic->vm, 0))
		return -ENODEV;

	if (!irqs_set)
		vgic->irqs = VGIC_IRQS_DEFAULT;
	/* A gsi is the SPI of the same number. */
	err = parts_create(vgic) ?: vgic_bus_register(vgic) ?:
	      irqroute_set_default(vgic->vm,
				   min_t(u32, vgic->irqs, VGIC_SPI_END) - VGIC_PRIVATE);
	if (err) {
		vgic_bus_unregister(vgic);
		parts_free(vgic);
		if (!irqs_set)
			vgic->irqs = 0;
		return err;
	}
	vgic_publish(vgic);

	return 0;
}

static void lpis_free(struct vgic *vgic)
{
	struct vgic_irq *irq;
	unsigned long intid;

	xa_for_each(&vgic->lpis, intid, irq)
		kfree(irq);
	xa_destroy(&vgic->lpis);
}

void vgic_free(struct vgic *vgic)
{
	lpis_free(vgic);
	parts_free(vgic);
	kfree(vgic);
}

/* --- from the rest of the backend --------------------------------------------- */

void vgic_ppi(struct vcpu *vcpu, u32 intid, bool level)
{
	struct vgic_cpu *cpu = READ_ONCE(vcpu->arch.vgic);
	struct vgic_irq *irq = cpu ? vgic_private(cpu, intid) : NULL;
	unsigned long flags;

	if (!irq)
		return;

	raw_spin_lock_irqsave(&cpu->lock, flags);
	vgic_irq_set_line(cpu, irq, IRQ_SOURCE_ARCH, level);
	raw_spin_unlock_irqrestore(&cpu->lock, flags);
}

void vgic_map_hw(struct vcpu *vcpu, u32 intid, unsigned int host_irq, u32 hwirq)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	struct vgic_irq *irq = cpu ? vgic_private(cpu, intid) : NULL;
	unsigned long flags;

	if (!irq)
		return;

	cpu = vgic_irq_lock(irq, &flags);
	irq->hw = host_irq;
	irq->hwirq = hwirq;
	vgic_irq_unlock(cpu, flags, false);
}

unsigned int vgic_irqs(struct vm *vm)
{
	struct vgic *vgic = READ_ONCE(vm->arch.vgic);

	return vgic ? READ_ONCE(vgic->irqs) : 0;
}

int vgic_line(struct vm *vm, u32 intid, struct vcpu *vcpu, bool level)
{
	bool private = intid < VGIC_PRIVATE;
	int source = private ? IRQ_SOURCE_ARCH : IRQ_SOURCE_USER, ret;
	struct vgic_irq *irq;

	if (!vm_has_irqchip(vm))
		return -ENXIO;
	if (intid < VGIC_SGIS || (private && !vcpu))
		return -EINVAL;
	irq = private ? vgic_private(vcpu->arch.vgic, intid) : vgic_spi(vm->arch.vgic, intid);
	if (!irq)
		return -EINVAL;

	ret = vgic_irq_line(irq, source, level);
	trace_keel_irq(intid, source, level, ret);

	return 0;
}

/* --- SGIs: GIC architecture specification, "ICC_SGI1R_EL1" -------------------- */

/* @self, who sends it, looks before it enters the guest again. */
static void sgi_send(struct vgic_cpu *self, struct vgic_cpu *cpu, u32 intid, unsigned int group)
{
	struct vgic_irq *irq = &cpu->private[array_index_nospec(intid, VGIC_SGIS)];
	unsigned long flags;
	bool kick = false;

	raw_spin_lock_irqsave(&cpu->lock, flags);
	if (irq->group == group) {
		irq->latch = true;
		kick = vgic_irq_update(cpu, irq);
	}
	vgic_irq_unlock(cpu, flags, kick && cpu != self);
}

static void sgi_send_others(struct vgic_cpu *self, u32 intid, unsigned int group)
{
	struct vgic *vgic = self->vgic;
	unsigned int i;

	for (i = 0; i < vgic->cpu_count; i++)
		if (vgic->cpus[i] != self)
			sgi_send(self, vgic->cpus[i], intid, group);
}

/* To up to 16 vCPUs whose affinity differs in the lowest bits only. */
static void sgi_send_list(struct vgic_cpu *self, u64 value, u32 intid, unsigned int group)
{
	unsigned long list = FIELD_GET(ICC_SGI1R_TARGET_LIST_MASK, value), bit;
	u32 affinity = FIELD_GET(ICC_SGI1R_AFFINITY_3_MASK, value) << 24 |
		       FIELD_GET(ICC_SGI1R_AFFINITY_2_MASK, value) << 16 |
		       FIELD_GET(ICC_SGI1R_AFFINITY_1_MASK, value) << 8 |
		       FIELD_GET(ICC_SGI1R_RS_MASK, value) << 4;
	struct vgic_cpu *cpu;

	for_each_set_bit(bit, &list, 16) {
		cpu = vgic_cpu_by_affinity(self->vgic, affinity | bit);
		if (cpu)
			sgi_send(self, cpu, intid, group);
	}
}

/* With one security state, SGI1R is group 1's and the others are group 0's. */
void vgic_sgi(struct vcpu *vcpu, u32 reg, u64 value)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	unsigned int group = reg == SYS_ICC_SGI1R_EL1;
	u32 intid = FIELD_GET(ICC_SGI1R_SGI_ID_MASK, value);

	if (!cpu)
		return;

	if (value & BIT_ULL(ICC_SGI1R_IRQ_ROUTING_MODE_BIT))
		sgi_send_others(cpu, intid, group);
	else
		sgi_send_list(cpu, value, intid, group);
}

/* --- irqchip operations ------------------------------------------------------- */

/* It takes more to make one than KVM_CREATE_IRQCHIP can say. */
int arm64_irqchip_create(struct vm *vm, u32 kind)
{
	return -EINVAL;
}

void arm64_irqchip_destroy(struct vm *vm)
{
	struct vgic *vgic = vm->arch.vgic;

	if (!vgic)
		return;

	/* Of an initialised one; others went with their device. */
	vgic_bus_unregister(vgic);
	WRITE_ONCE(vm->arch.vgic, NULL);
	vgic_free(vgic);
}

/* Called after CTRL_INIT, which is when all vCPUs get theirs. */
int arm64_irqchip_vcpu_create(struct vcpu *vcpu)
{
	return -EBUSY;
}

/* The part stays, as SPIs may be at home there, until arm64_irqchip_destroy(). */
void arm64_irqchip_vcpu_destroy(struct vcpu *vcpu)
{
}

/* Before CTRL_INIT as well, when the number of SPIs may not be known. */
int arm64_irqchip_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
			struct irq_route *out)
{
	struct irq_route route = { .gsi = entry->gsi, .type = entry->type };

	if (!READ_ONCE(vm->arch.vgic))
		return -EINVAL;

	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (entry->u.irqchip.irqchip || entry->u.irqchip.pin >= SPIS_MAX)
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

int arm64_irqchip_deliver(struct vm *vm, const struct irq_route *route, int source, int level)
{
	struct vgic *vgic = vm->arch.vgic;
	struct vgic_irq *irq;

	if (route->type == KVM_IRQ_ROUTING_IRQCHIP) {
		irq = vgic_spi(vgic, VGIC_PRIVATE + route->line.pin);
		if (!irq)
			return -1;
		/* A pulse is over before a vCPU looks, but it was one, also of a level. */
		if (source == IRQ_SOURCE_IRQFD)
			return level ? vgic_irq_edge(irq) : 1;
		return vgic_irq_line(irq, source, level);
	}

	return level ? vgic_its_message(vgic, route) : -1;
}

bool arm64_irqchip_pending(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = READ_ONCE(vcpu->arch.vgic);

	return cpu && vgic_cpu_pending(cpu);
}

/* What is rare of sync_to_hw. */
void arm64_vgic_sync_slow(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	bool timers = arm64_timer_has_news(vcpu);

	if (timers)
		arm64_timer_sync(vcpu);
	if (READ_ONCE(cpu->hot.dirty))
		vgic_flush(cpu);
	if (timers)
		arm64_timer_settle(vcpu);
}

/* What <arch/hot.h> has inlined, for struct backend. */

void (arm64_irqchip_sync_to_hw)(struct vcpu *vcpu)
{
	arm64_sync_to_hw(vcpu);
}

void (arm64_irqchip_sync_from_hw)(struct vcpu *vcpu)
{
	arm64_sync_from_hw(vcpu);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * LPIs: interrupts whose properties and pending bits are in guest memory (GIC
 * architecture specification, "Locality-specific peripheral interrupts").  The
 * properties are cached here and read anew when the guest says so; pending bits are
 * read when a redistributor is enabled, and written only when user space saves.
 *
 * An LPI is made when an ITS maps the first event to it, and stays.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "vgic.h"

#define LPI_PRIORITY	GENMASK(7, 2)

/* --- properties: config_lock, vm->srcu held ----------------------------------- */

/* Does the table of this redistributor reach so far? */
static bool lpi_in_table(const struct vgic_cpu *cpu, u32 intid)
{
	return intid < BIT((cpu->propbaser & GICR_PROPBASER_IDBITS_MASK) + 1);
}

int vgic_lpi_configure(struct vgic *vgic, struct vgic_irq *irq)
{
	struct vgic_cpu *cpu = READ_ONCE(irq->target);
	unsigned long flags;
	u8 property;

	if (!cpu || !cpu->lpis_on || !lpi_in_table(cpu, irq->intid))
		return 0;
	if (vm_guest_read(vgic->vm, GICR_PROPBASER_ADDRESS(cpu->propbaser) +
			  irq->intid - VGIC_LPI_FIRST, &property, sizeof(property)))
		return -EFAULT;

	cpu = vgic_irq_lock(irq, &flags);
	irq->enabled = property & LPI_PROP_ENABLED;
	irq->priority = vgic_priority(property & LPI_PRIORITY);
	vgic_irq_unlock(cpu, flags, vgic_irq_update(cpu, irq));

	return 0;
}

void vgic_lpi_configure_all(struct vgic_cpu *cpu)
{
	struct vgic *vgic = cpu->vgic;
	struct vgic_irq *irq;
	unsigned long intid;

	xa_for_each(&vgic->lpis, intid, irq) {
		if (READ_ONCE(irq->target) == cpu)
			vgic_lpi_configure(vgic, irq);
		cond_resched();
	}
}

/* --- pending bits: config_lock, vm->srcu held --------------------------------- */

static gpa_t pending_byte(const struct vgic_cpu *cpu, u32 intid)
{
	return GICR_PENDBASER_ADDRESS(cpu->pendbaser) + intid / 8;
}

int vgic_lpi_fetch_pending(struct vgic_irq *irq)
{
	struct vgic_cpu *cpu = READ_ONCE(irq->target);
	struct vm *vm;
	u8 byte, bit = BIT(irq->intid % 8);

	if (!cpu || !cpu->lpis_on || cpu->pendbaser & GICR_PENDBASER_PTZ ||
	    !lpi_in_table(cpu, irq->intid))
		return 0;

	vm = cpu->vgic->vm;
	if (vm_guest_read(vm, pending_byte(cpu, irq->intid), &byte, 1))
		return -EFAULT;
	if (!(byte & bit))
		return 0;

	/* It is here now. */
	byte &= ~bit;
	if (vm_guest_write(vm, pending_byte(cpu, irq->intid), &byte, 1))
		return -EFAULT;
	vgic_irq_edge(irq);

	return 0;
}

static int lpi_save_pending(struct vgic_irq *irq)
{
	struct vgic_cpu *cpu, *target;
	unsigned long flags;
	bool pending;
	struct vm *vm;
	u8 byte, bit = BIT(irq->intid % 8);

	cpu = vgic_irq_lock(irq, &flags);
	pending = vgic_irq_latched(irq);
	target = irq->target;
	vgic_irq_unlock(cpu, flags, false);
	if (!target || !target->lpis_on || !lpi_in_table(target, irq->intid))
		return 0;

	vm = target->vgic->vm;
	if (vm_guest_read(vm, pending_byte(target, irq->intid), &byte, 1))
		return -EFAULT;
	if (pending == !!(byte & bit))
		return 0;
	byte ^= bit;

	return vm_guest_write(vm, pending_byte(target, irq->intid), &byte, 1);
}

int vgic_lpi_save_pending(struct vgic *vgic)
{
	struct vgic_irq *irq;
	unsigned long intid;
	int err;

	xa_for_each(&vgic->lpis, intid, irq) {
		err = lpi_save_pending(irq);
		if (err)
			return err;
		cond_resched();
	}

	return 0;
}

void vgic_lpi_clear_pending(struct vgic_irq *irq)
{
	struct vgic_cpu *cpu;
	unsigned long flags;

	vgic_hold(irq);
	cpu = vgic_irq_lock(irq, &flags);
	irq->latch = false;
	vgic_irq_unlock(cpu, flags, vgic_release(cpu, irq));
	vgic_move(cpu);
}

/* --- a redistributor is switched on or off ------------------------------------ */

void vgic_lpi_enable(struct vgic_cpu *cpu)
{
	struct vgic *vgic = cpu->vgic;
	struct vgic_irq *irq;
	unsigned long intid;

	xa_for_each(&vgic->lpis, intid, irq) {
		cond_resched();
		if (READ_ONCE(irq->target) != cpu)
			continue;
		if (!cpu->lpis_on) {
			vgic_lpi_clear_pending(irq);
			continue;
		}
		vgic_lpi_configure(vgic, irq);
		vgic_lpi_fetch_pending(irq);
	}
}

/* --- making ------------------------------------------------------------------- */

struct vgic_irq *vgic_lpi_get(struct vgic *vgic, u32 intid)
{
	struct vgic_irq *irq;
	int err;

	lockdep_assert_held(&vgic->vm->config_lock);

	if (intid < VGIC_LPI_FIRST || intid >= VGIC_LPI_END)
		return ERR_PTR(-EINVAL);
	irq = vgic_lpi(vgic, intid);
	if (irq)
		return irq;

	irq = kzalloc(sizeof(*irq), GFP_KERNEL_ACCOUNT);
	if (!irq)
		return ERR_PTR(-ENOMEM);
	vgic_irq_init(irq, intid, vgic->cpus[0]);
	irq->target = NULL;
	err = xa_insert(&vgic->lpis, intid, irq, GFP_KERNEL_ACCOUNT);
	if (err) {
		kfree(irq);
		return ERR_PTR(err);
	}

	return irq;
}

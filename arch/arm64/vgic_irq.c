// SPDX-License-Identifier: GPL-2.0-only
/*
 * One interrupt of the GICv3: what it is, where it waits, and what others may do to it
 * from any context.  Nothing here knows registers; vgic_cpuif.c takes interrupts from
 * the queues into list registers and brings them back.
 */
#include <linux/nospec.h>
#include <asm/cputype.h>

#include "vgic.h"

/* --- locking ------------------------------------------------------------------ */

/*
 * A home changes under the lock of the old one, as the last thing that is done under
 * it, and only for what is in no list of the old one.
 */
struct vgic_cpu *vgic_irq_lock(struct vgic_irq *irq, unsigned long *flags)
	__acquires(vgic_cpu.lock)
{
	struct vgic_cpu *cpu;

	for (;;) {
		/* Pairs with the release in vgic_move(). */
		cpu = smp_load_acquire(&irq->home);
		raw_spin_lock_irqsave(&cpu->lock, *flags);
		if (likely(cpu == irq->home))
			return cpu;
		raw_spin_unlock_irqrestore(&cpu->lock, *flags);
	}
}

void vgic_irq_unlock(struct vgic_cpu *cpu, unsigned long flags, bool kick)
	__releases(vgic_cpu.lock)
{
	raw_spin_unlock_irqrestore(&cpu->lock, flags);
	if (kick)
		vcpu_kick(cpu->vcpu);
}

/* --- state: home->lock held --------------------------------------------------- */

/* Its list register; 0: it is in none. */
static u64 irq_lr(const struct vgic_irq *irq)
{
	return irq->lr ? irq->home->lr[irq->lr - 1] : 0;
}

bool vgic_irq_active(const struct vgic_irq *irq)
{
	return irq->active || irq_lr(irq) & ICH_LR_ACTIVE_BIT;
}

bool vgic_irq_latched(const struct vgic_irq *irq)
{
	return irq->latch || (irq_lr(irq) & ICH_LR_PENDING_BIT && irq->lr_latch);
}

/* Of one in no list register. */
static bool irq_asserted(const struct vgic_irq *irq)
{
	return irq->latch || (irq->level && irq->sources);
}

bool vgic_irq_pending(const struct vgic_irq *irq)
{
	return vgic_irq_latched(irq) || (irq->level && irq->sources);
}

bool vgic_irq_deliverable(const struct vgic_irq *irq)
{
	return irq->enabled && irq->target == irq->home && !irq->hold;
}

/* --- queues: home->lock held -------------------------------------------------- */

static struct list_head *queue_head(struct vgic_cpu *cpu, u16 queue)
{
	switch (queue) {
	case QUEUE_PARKED:
		return &cpu->parked;
	case QUEUE_LEAVING:
		return &cpu->leaving;
	default:
		return &cpu->ready[queue];
	}
}

static bool queue_is_ready(u16 queue)
{
	return queue < QUEUE_LEAVING;
}

static unsigned int queue_level(u16 queue)
{
	return queue & (vgic_levels() - 1);
}

static unsigned long *queue_word(struct vgic_cpu *cpu, u16 queue)
{
	return cpu->waiting[queue >> vgic_hw.priority_bits];
}

void vgic_irq_unqueue(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	u16 queue = irq->queue;

	if (queue == QUEUE_NONE)
		return;

	list_del_init(&irq->link);
	irq->queue = QUEUE_NONE;
	if (queue_is_ready(queue) && list_empty(&cpu->ready[queue]))
		__clear_bit(queue_level(queue), queue_word(cpu, queue));
}

static void irq_queue(struct vgic_cpu *cpu, struct vgic_irq *irq, u16 queue)
{
	if (queue == QUEUE_NONE)
		return;

	list_add_tail(&irq->link, queue_head(cpu, queue));
	irq->queue = queue;
	if (queue_is_ready(queue))
		__set_bit(queue_level(queue), queue_word(cpu, queue));
}

/* Where it belongs, not being in a list register. */
static u16 irq_place(struct vgic_cpu *cpu, const struct vgic_irq *irq)
{
	if (irq->hold)
		return QUEUE_NONE;
	if (irq->active)
		return QUEUE_PARKED;
	if (irq->target && irq->target != cpu)
		return QUEUE_LEAVING;
	if (irq_asserted(irq) && vgic_irq_deliverable(irq))
		return irq->group * vgic_levels() + vgic_level(irq->priority);

	return QUEUE_NONE;
}

/* Into a queue that it is not in yet; vgic_irq_update()'s result. */
static bool irq_requeue(struct vgic_cpu *cpu, struct vgic_irq *irq, u16 queue)
{
	vgic_irq_unqueue(cpu, irq);
	irq_queue(cpu, irq, queue);
	if (queue == QUEUE_NONE || queue == QUEUE_LEAVING)
		return false;
	vgic_choose(cpu);

	return true;
}

void vgic_irq_evicted(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	u16 queue = irq_place(cpu, irq);

	if (queue != irq->queue)
		irq_requeue(cpu, irq, queue);
}

bool vgic_irq_update(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	u16 queue;

	lockdep_assert_held(&cpu->lock);

	if (irq->lr) {
		vgic_choose(cpu);
		return true;
	}

	queue = irq_place(cpu, irq);
	if (queue == irq->queue)
		return false;
	if (queue_is_ready(queue) && vgic_place(cpu, irq))
		return true;

	return irq_requeue(cpu, irq, queue);
}

/* --- out of list registers: lock held -------------------------------------------- */

/*
 * Make the vCPU look before its next entry, then see whether it is in the guest: as for
 * a request, one of the two sees the other.  If it is outside, the list register is as
 * the guest left it, and stays so as long as the lock is held.  lock held.
 */
static bool cpu_outside(struct vgic_cpu *cpu)
{
	vgic_choose(cpu);
	/* Pairs with smp_store_mb() in vcpu_enter_guest(), and smp_mb() in arm64_run_end(). */
	smp_mb();

	/* Pairs with smp_store_release() in vcpu_enter_guest(). */
	return smp_load_acquire(&cpu->vcpu->mode) == OUTSIDE_GUEST_MODE;
}

/* --- from one home to the other ----------------------------------------------- */

/* One that is leaving, with its new home set, or NULL. */
static struct vgic_irq *move_one(struct vgic_cpu *cpu)
{
	struct vgic_irq *irq;
	unsigned long flags;

	raw_spin_lock_irqsave(&cpu->lock, flags);
	irq = list_first_entry_or_null(&cpu->leaving, struct vgic_irq, link);
	if (irq) {
		vgic_irq_unqueue(cpu, irq);
		/* Pairs with the acquire in vgic_irq_lock(). */
		smp_store_release(&irq->home, irq->target);
	}
	raw_spin_unlock_irqrestore(&cpu->lock, flags);

	return irq;
}

void vgic_move_all(struct vgic_cpu *cpu)
{
	struct vgic_cpu *home;
	struct vgic_irq *irq;
	unsigned long flags;
	int i;

	/*
	 * Who makes one leave comes here himself, so a turn for each that one exit or
	 * entry can let go is enough.
	 */
	for (i = 0; i < VGIC_ENDED_MAX && !list_empty(&cpu->leaving); i++) {
		irq = move_one(cpu);
		if (!irq)
			return;
		home = vgic_irq_lock(irq, &flags);
		vgic_irq_unlock(home, flags, vgic_irq_update(home, irq));
	}
}

void vgic_irq_retarget(struct vgic_irq *irq, struct vgic_cpu *target)
{
	struct vgic_cpu *cpu;
	unsigned long flags;

	cpu = vgic_irq_lock(irq, &flags);
	irq->target = target;
	/* Who knows when a vCPU that is off looks again. */
	if (irq->lr && target != cpu && cpu_outside(cpu))
		vgic_evict(cpu, irq->lr - 1);
	vgic_irq_unlock(cpu, flags, vgic_irq_update(cpu, irq));
	vgic_move(cpu);
}

/*
 * Whoever found the vCPU in the guest has left it to the next entry, and that may never
 * come.  Either he sees in cpu_outside() that it is outside, or what he made of choose is
 * seen here.
 */
void arm64_vgic_leave(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	unsigned long flags, number, used;

	if (!READ_ONCE(cpu->choose))
		return;

	raw_spin_lock_irqsave(&cpu->lock, flags);
	used = cpu->lr_used;
	vgic_for_each_lr(number, used)
		if (cpu->lr_irq[number]->target != cpu)
			vgic_evict(cpu, number);
	raw_spin_unlock_irqrestore(&cpu->lock, flags);

	vgic_move(cpu);
}

/* --- out of list registers ---------------------------------------------------- */

static void cpu_leave_guest(struct vgic_cpu *cpu)
{
	vm_request_some(cpu->vgic->vm, &cpu->vcpu, 1, REQ_UNBLOCK);
}

/*
 * The first turn that finds the vCPU in the guest makes it leave; when it comes back
 * it finds itself dirty and takes the interrupt out, if nobody was faster.
 */
void vgic_hold(struct vgic_irq *irq)
{
	struct vgic_cpu *cpu;
	unsigned long flags;
	bool done;

	lockdep_assert_held(&irq->home->vgic->vm->config_lock);

	for (;;) {
		cpu = vgic_irq_lock(irq, &flags);
		irq->hold = true;
		if (irq->lr && cpu_outside(cpu))
			vgic_evict(cpu, irq->lr - 1);
		done = !irq->lr;
		if (done)
			vgic_irq_unqueue(cpu, irq);
		vgic_irq_unlock(cpu, flags, false);
		if (done)
			return;
		cpu_leave_guest(cpu);
	}
}

bool vgic_release(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	irq->hold = false;

	return vgic_irq_update(cpu, irq);
}

void vgic_observe(struct vgic_irq *irq)
{
	struct vgic_cpu *cpu;
	unsigned long flags;
	bool inside;

	cpu = vgic_irq_lock(irq, &flags);
	inside = irq->lr && READ_ONCE(cpu->vcpu->mode) != OUTSIDE_GUEST_MODE;
	vgic_irq_unlock(cpu, flags, false);
	if (inside)
		cpu_leave_guest(cpu);
}

/* --- lines and edges ---------------------------------------------------------- */

bool vgic_irq_set_line(struct vgic_cpu *cpu, struct vgic_irq *irq, int source, bool level)
{
	if (level)
		irq->sources |= BIT(source);
	else
		irq->sources &= ~BIT(source);
	if (level && !irq->level)
		irq->latch = true;
	/* What is level-sensitive and in a list register is looked at when it ends. */
	if (level && irq->level && irq->lr)
		return false;

	return vgic_irq_update(cpu, irq);
}

int vgic_irq_line(struct vgic_irq *irq, int source, bool level)
{
	struct vgic_cpu *cpu;
	unsigned long flags;
	bool before, kick;

	cpu = vgic_irq_lock(irq, &flags);
	before = vgic_irq_pending(irq);
	kick = vgic_irq_set_line(cpu, irq, source, level);
	/* A line that went down is no reason to disturb the guest. */
	vgic_irq_unlock(cpu, flags, kick && level);

	return level && before ? 0 : 1;
}

int vgic_irq_edge(struct vgic_irq *irq)
{
	struct vgic_cpu *cpu;
	unsigned long flags;
	bool before;

	cpu = vgic_irq_lock(irq, &flags);
	before = irq->latch;
	irq->latch = true;
	vgic_irq_unlock(cpu, flags, vgic_irq_update(cpu, irq));

	return before ? 0 : 1;
}

/* --- which one ---------------------------------------------------------------- */

struct vgic_irq *vgic_private(struct vgic_cpu *cpu, u32 intid)
{
	if (intid >= VGIC_PRIVATE)
		return NULL;

	return &cpu->private[array_index_nospec(intid, VGIC_PRIVATE)];
}

struct vgic_irq *vgic_spi(struct vgic *vgic, u32 intid)
{
	u32 end = min_t(u32, vgic->irqs, VGIC_SPI_END);

	if (intid < VGIC_PRIVATE || intid >= end)
		return NULL;

	return &vgic->spis[array_index_nospec(intid - VGIC_PRIVATE, end - VGIC_PRIVATE)];
}

struct vgic_irq *vgic_lpi(struct vgic *vgic, u32 intid)
{
	return intid >= VGIC_LPI_FIRST ? xa_load(&vgic->lpis, intid) : NULL;
}

void vgic_irq_init(struct vgic_irq *irq, u32 intid, struct vgic_cpu *home)
{
	INIT_LIST_HEAD(&irq->link);
	irq->intid = intid;
	irq->home = home;
	irq->target = home;
	irq->queue = QUEUE_NONE;
	irq->group = 1;
	irq->enabled = intid < VGIC_SGIS;
	irq->level = intid >= VGIC_SGIS && intid < VGIC_SPI_END;
}

u32 vgic_affinity(const struct vcpu *vcpu)
{
	u64 mpidr = READ_ONCE(vcpu->arch.sysreg[REG_MPIDR_EL1]);

	return MPIDR_AFFINITY_LEVEL(mpidr, 3) << 24 | (mpidr & GENMASK(23, 0));
}

struct vgic_cpu *vgic_cpu_by_affinity(struct vgic *vgic, u32 affinity)
{
	/* As VMMs number them, 16 to a cluster: a guess, and seldom a wrong one. */
	u32 guess = (affinity & 15) | (affinity >> 8 & 0xff) << 4 | (affinity >> 16 & 0xff) << 12;
	unsigned int i;

	if (guess < vgic->cpu_count) {
		guess = array_index_nospec(guess, vgic->cpu_count);
		if (vgic_affinity(vgic->cpus[guess]->vcpu) == affinity)
			return vgic->cpus[guess];
	}
	for (i = 0; i < vgic->cpu_count; i++)
		if (vgic_affinity(vgic->cpus[i]->vcpu) == affinity)
			return vgic->cpus[i];

	return NULL;
}

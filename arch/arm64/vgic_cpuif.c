// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual CPU interface of the hardware: list registers, maintenance interrupts,
 * and the registers that follow a vCPU from CPU to CPU.  Called around every entry and
 * at load and put; what waits to be presented is vgic_irq.c's.
 *
 * List registers stay as they are between entries: an exit with none in use costs one
 * load, an exit that changed none costs the reading of those in use.  The interface is
 * on (ICH_HCR_EL2.En) only in the guest and only with a list register in use, so the
 * host never sees a maintenance condition for longer than it takes to come out.
 *
 * Pending interrupts have list registers before active ones do, so that the guest always
 * has the best it could take.  An active one without is parked.  When the guest ends
 * it, the hardware counts (ICH_HCR_EL2.EOIcount) or, with the drop of the priority done
 * before, ICC_DIR_EL1 traps.
 *
 * GIC architecture specification, "Virtual interrupt handling and prioritization".
 */
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/percpu.h>

#include "vgic.h"

/* Of which <asm/sysreg.h> has no names in all versions. */
#define ICH_HCR_LRENPIE		BIT(2)
#define ICH_VTR_LISTREGS	GENMASK(4, 0)
#define ICH_VTR_PRE_BITS	GENMASK(28, 26)
#define ICH_VTR_PRI_BITS	GENMASK_ULL(31, 29)
#define ICH_HCR_EOICOUNT	GENMASK(31, 27)

#define ICC_DIR_INTID		GENMASK(23, 0)

#define LR_BOTH			(ICH_LR_PENDING_BIT | ICH_LR_ACTIVE_BIT)
/* What of a list register stays what it is as long as the interrupt is in it. */
#define LR_KEEP			(ICH_LR_VIRTUAL_ID_MASK | ICH_LR_HW | GENMASK_ULL(44, 32))

struct vgic_hw vgic_hw;

/* For request_percpu_irq(): every CPU is its own device. */
static DEFINE_PER_CPU(struct vgic_hw *, vgic_irq_cookie);

/* --- registers by number ------------------------------------------------------ */

#define EACH_LR(DO)	DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)	\
			DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

static noinline u64 lr_read_any(unsigned int number)
{
	switch (number) {
#define LR_READ(n)	case n: return read_sysreg_s(SYS_ICH_LR##n##_EL2);
	EACH_LR(LR_READ)
	default:
		return 0;
	}
}

static noinline void lr_write_any(unsigned int number, u64 value)
{
	switch (number) {
#define LR_WRITE(n)	case n: write_sysreg_s(value, SYS_ICH_LR##n##_EL2); break;
	EACH_LR(LR_WRITE)
	}
}

/* One interrupt at a time is the rule: 12 instructions less for each access. */
static __always_inline u64 lr_read(unsigned int number)
{
	return likely(!number) ? read_sysreg_s(SYS_ICH_LR0_EL2) : lr_read_any(number);
}

static __always_inline void lr_write(unsigned int number, u64 value)
{
	if (likely(!number))
		write_sysreg_s(value, SYS_ICH_LR0_EL2);
	else
		lr_write_any(number, value);
}

#define APR_READ(cpu, n)						\
	do {								\
		(cpu)->ap0r[n] = read_sysreg_s(SYS_ICH_AP0R##n##_EL2);	\
		(cpu)->ap1r[n] = read_sysreg_s(SYS_ICH_AP1R##n##_EL2);	\
	} while (0)

#define APR_WRITE(cpu, n)						\
	do {								\
		write_sysreg_s((cpu)->ap0r[n], SYS_ICH_AP0R##n##_EL2);	\
		write_sysreg_s((cpu)->ap1r[n], SYS_ICH_AP1R##n##_EL2);	\
	} while (0)

static void aprs_save(struct vgic_cpu *cpu)
{
	APR_READ(cpu, 0);
	if (vgic_hw.aprs > 1)
		APR_READ(cpu, 1);
	if (vgic_hw.aprs > 2) {
		APR_READ(cpu, 2);
		APR_READ(cpu, 3);
	}
}

static void aprs_load(const struct vgic_cpu *cpu)
{
	APR_WRITE(cpu, 0);
	if (vgic_hw.aprs > 1)
		APR_WRITE(cpu, 1);
	if (vgic_hw.aprs > 2) {
		APR_WRITE(cpu, 2);
		APR_WRITE(cpu, 3);
	}
}

/* --- list registers: lock held ------------------------------------------------ */

static u64 lr_variable(const struct vgic_irq *irq)
{
	return FIELD_PREP(ICH_LR_PRIORITY_MASK, irq->priority) |
	       (irq->group ? ICH_LR_GROUP : 0);
}

/*
 * With HW, the guest's deactivation is the host's.  Without, a level-sensitive one asks
 * for a maintenance interrupt when it ends, because its line may still be up.
 */
static u64 lr_fixed(const struct vgic_irq *irq)
{
	bool hw = irq->active ? irq->active_hw : irq->hw && irq->sources;

	if (hw)
		return irq->intid | ICH_LR_HW | (u64)irq->hwirq << ICH_LR_PHYS_ID_SHIFT;

	return irq->intid | (irq->level ? ICH_LR_EOI : 0);
}

static void lr_set(struct vgic_cpu *cpu, unsigned int number, u64 value)
{
	if (cpu->lr[number] == value)
		return;
	/* irqchip's pending looks without the lock. */
	WRITE_ONCE(cpu->lr[number], value);
	cpu->lr_stale |= BIT(number);
}

/* Its latch is the pending bit of the list register from now on. */
static void lr_take_latch(struct vgic_irq *irq)
{
	irq->lr_latch |= irq->latch;
	irq->latch = false;
}

static bool group_enabled(const struct vgic_cpu *cpu, unsigned int group)
{
	return READ_ONCE(cpu->vgic->ctlr) & BIT(group);
}

static bool irq_presentable(const struct vgic_cpu *cpu, const struct vgic_irq *irq)
{
	return vgic_irq_deliverable(irq) && group_enabled(cpu, irq->group);
}

/* @irq is in no list register. */
static void lr_place(struct vgic_cpu *cpu, unsigned int number, struct vgic_irq *irq)
{
	u64 value = lr_fixed(irq) | lr_variable(irq);

	vgic_irq_unqueue(cpu, irq);
	value |= irq->active ? ICH_LR_ACTIVE_BIT : ICH_LR_PENDING_BIT;
	if (!irq->active)
		lr_take_latch(irq);
	irq->active = false;
	irq->active_hw = false;
	irq->lr = number + 1;
	cpu->lr_irq[number] = irq;
	WRITE_ONCE(cpu->lr_used, cpu->lr_used | BIT(number));
	lr_set(cpu, number, value);
}

bool vgic_place(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	unsigned int number = ffz(cpu->lr_used);

	if (number >= vgic_hw.lrs || !group_enabled(cpu, irq->group))
		return false;
	/* Of one that is not about to enter it would have to be fetched if it is to move. */
	if (READ_ONCE(cpu->vcpu->mode) == OUTSIDE_GUEST_MODE)
		return false;
	lr_place(cpu, number, irq);
	WRITE_ONCE(cpu->hot.dirty, true);

	return true;
}

/* Nothing is in it any more. */
static void lr_free(struct vgic_cpu *cpu, unsigned int number)
{
	/* Pairs with vgic_is_active(): if it is active, it is by irq->active now. */
	smp_store_release(&cpu->lr_irq[number]->lr, 0);
	cpu->lr_irq[number]->lr_latch = false;
	cpu->lr_irq[number] = NULL;
	WRITE_ONCE(cpu->lr_used, cpu->lr_used & ~BIT(number));
	lr_set(cpu, number, 0);
}

void vgic_evict(struct vgic_cpu *cpu, unsigned int number)
{
	struct vgic_irq *irq = cpu->lr_irq[number];
	u64 value = cpu->lr[number];

	lockdep_assert_held(&cpu->lock);

	if (value & ICH_LR_PENDING_BIT && irq->lr_latch)
		irq->latch = true;
	/* An LPI has no active state: its end is the drop of the priority. */
	WRITE_ONCE(irq->active, value & ICH_LR_ACTIVE_BIT && !vgic_is_lpi(irq));
	irq->active_hw = irq->active && value & ICH_LR_HW;
	lr_free(cpu, number);
	vgic_irq_evicted(cpu, irq);
}

/* What is in the list register, as its interrupt is by now. */
static void lr_refresh(struct vgic_cpu *cpu, unsigned int number)
{
	struct vgic_irq *irq = cpu->lr_irq[number];
	u64 value = cpu->lr[number];
	bool wanted = irq_presentable(cpu, irq);

	if (value & ICH_LR_PENDING_BIT) {
		lr_take_latch(irq);
		wanted = wanted && (irq->lr_latch || (irq->level && irq->sources));
	} else if (!irq->level && !(value & ICH_LR_HW)) {
		wanted = wanted && irq->latch;
		if (wanted)
			lr_take_latch(irq);
	} else {
		/* A line that is up makes it pending again when it has ended. */
		wanted = false;
	}

	if (irq->hold || !(wanted || value & ICH_LR_ACTIVE_BIT)) {
		vgic_evict(cpu, number);
		return;
	}
	if (value & ICH_LR_PENDING_BIT && !wanted) {
		irq->latch |= irq->lr_latch;
		irq->lr_latch = false;
	}
	value &= LR_KEEP | ICH_LR_ACTIVE_BIT;
	lr_set(cpu, number, value | lr_variable(irq) | (wanted ? ICH_LR_PENDING_BIT : 0));
}

/* --- choosing: lock held ------------------------------------------------------ */

/* The best that waits and may be taken, or NULL. */
static struct vgic_irq *best_waiting(struct vgic_cpu *cpu)
{
	unsigned int levels = vgic_levels(), best = levels, queue = 0;
	unsigned int group, level;

	for (group = 0; group < 2; group++) {
		if (!group_enabled(cpu, group))
			continue;
		level = vgic_first_waiting(cpu->waiting[group]);
		if (level < best) {
			best = level;
			queue = group * levels + level;
		}
	}
	if (best == levels)
		return NULL;

	return list_first_entry(&cpu->ready[queue], struct vgic_irq, link);
}

/* How little a list register is worth: an active one cannot be taken, so any other can go. */
static unsigned int lr_worth(const struct vgic_cpu *cpu, unsigned int number)
{
	if (cpu->lr[number] & ICH_LR_ACTIVE_BIT)
		return VGIC_LEVELS_MAX;

	return vgic_level(cpu->lr_irq[number]->priority);
}

/*
 * A list register for @irq: a free one, or that of something worse, which has to go.
 * Number, or -1.
 */
static int lr_find(struct vgic_cpu *cpu, const struct vgic_irq *irq)
{
	unsigned int worst = vgic_level(irq->priority), worth, number;
	int found = -1;

	number = ffz(cpu->lr_used);
	if (number < vgic_hw.lrs)
		return number;

	for (number = 0; number < vgic_hw.lrs; number++) {
		worth = lr_worth(cpu, number);
		if (worth > worst) {
			worst = worth;
			found = number;
		}
	}
	if (found >= 0)
		vgic_evict(cpu, found);

	return found;
}

/*
 * Ends: what is placed is never worse than what went before it.  True: some wait still,
 * and all list registers are pending.
 */
static bool fill(struct vgic_cpu *cpu)
{
	struct vgic_irq *irq;
	int number;

	while ((irq = best_waiting(cpu))) {
		number = lr_find(cpu, irq);
		if (number < 0)
			return true;
		lr_place(cpu, number, irq);
	}
	while (!list_empty(&cpu->parked)) {
		number = ffz(cpu->lr_used);
		if (number >= vgic_hw.lrs)
			break;
		irq = list_first_entry(&cpu->parked, struct vgic_irq, link);
		lr_place(cpu, number, irq);
		/* It may be pending once more. */
		lr_refresh(cpu, number);
	}

	return false;
}

/* With some still waiting: come back when no list register is pending. */
static u64 choose_hcr(struct vgic_cpu *cpu, bool waiting)
{
	u64 hcr = ICH_HCR_EN;

	if (waiting)
		hcr |= ICH_HCR_NPIE;
	if (!list_empty(&cpu->parked)) {
		hcr |= ICH_HCR_LRENPIE;
		if (vgic_hw.tdir)
			hcr |= ICH_HCR_TDIR;
	}

	return hcr;
}

/* Bring the hardware in line.  irqs off, vCPU loaded. */
static void flush_lrs(struct vgic_cpu *cpu)
{
	unsigned long number, write = cpu->lr_stale & (cpu->lr_used | cpu->hot.lr_live);

	/* Those that a put has emptied. */
	write |= cpu->lr_used & ~cpu->hot.lr_live;
	vgic_for_each_lr(number, write)
		lr_write(number, cpu->lr[number]);
	cpu->lr_stale = 0;
	cpu->hot.lr_live = cpu->lr_used;
}

static noinline void choose_lrs(struct vgic_cpu *cpu)
{
	unsigned long number, used = cpu->lr_used;

	vgic_for_each_lr(number, used)
		lr_refresh(cpu, number);
	cpu->hot.hcr = choose_hcr(cpu, fill(cpu));
	cpu->choose = false;
}

void vgic_flush(struct vgic_cpu *cpu)
{
	raw_spin_lock(&cpu->lock);
	if (cpu->choose)
		choose_lrs(cpu);
	flush_lrs(cpu);
	WRITE_ONCE(cpu->hot.dirty, false);
	raw_spin_unlock(&cpu->lock);

	vgic_move(cpu);
}

/* --- after the guest ---------------------------------------------------------- */

/* The guest has ended it, and it is in no list register any more.  lock held. */
static void irq_ended(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	if (irq->level && irq->intid >= VGIC_PRIVATE && cpu->ended_count < VGIC_ENDED_MAX)
		cpu->ended[cpu->ended_count++] = irq->intid;
	vgic_irq_update(cpu, irq);
}

/* And the host's interrupt with it: its line is looked at anew.  lock held. */
static void hw_ended(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 hwirq)
{
	irq->sources = 0;
	arm64_timer_ended(cpu->vcpu, hwirq);
}

/* The guest has acknowledged or ended it. */
static void lr_fold(struct vgic_cpu *cpu, unsigned int number, u64 value)
{
	struct vgic_irq *irq = cpu->lr_irq[number];

	/* One that waits, or is parked, can have its place. */
	if (cpu->hot.hcr & (ICH_HCR_NPIE | ICH_HCR_LRENPIE))
		vgic_choose(cpu);
	if (!(value & ICH_LR_PENDING_BIT))
		irq->lr_latch = false;
	WRITE_ONCE(cpu->lr[number], value);
	if (value & LR_BOTH)
		return;
	/* One that is empty and asked to be told would go on telling. */
	if (value & ICH_LR_HW)
		hw_ended(cpu, irq, FIELD_GET(ICH_LR_PHYS_ID_MASK, value));
	else
		lr_write(number, 0);
	cpu->hot.lr_live &= ~BIT(number);
	lr_free(cpu, number);
	cpu->lr_stale &= ~BIT(number);
	irq_ended(cpu, irq);
}

/* A parked one is active no more.  lock held, on the vCPU's CPU. */
static void parked_end(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	if (irq->active_hw) {
		gic_write_dir(irq->hwirq);
		hw_ended(cpu, irq, irq->hwirq);
	}
	irq->active = false;
	irq->active_hw = false;
	irq_ended(cpu, irq);
}

/* The guest ends the most urgent first, if it ends them by EOI.  lock held. */
static void parked_fold(struct vgic_cpu *cpu, unsigned int count)
{
	struct vgic_irq *irq, *best;

	while (count-- && !list_empty(&cpu->parked)) {
		best = list_first_entry(&cpu->parked, struct vgic_irq, link);
		list_for_each_entry(irq, &cpu->parked, link)
			if (irq->priority < best->priority)
				best = irq;
		parked_end(cpu, best);
	}
	vgic_choose(cpu);
}

static void notify_ended(struct vgic_cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < cpu->ended_count; i++)
		irq_notify_eoi(cpu->vgic->vm, 0, cpu->ended[i] - VGIC_PRIVATE);
	cpu->ended_count = 0;
}

static void vgic_fold(struct vgic_cpu *cpu, unsigned long changed, unsigned int count)
{
	unsigned long number;

	raw_spin_lock(&cpu->lock);
	vgic_for_each_lr(number, changed)
		lr_fold(cpu, number, cpu->lr_seen[number]);
	if (count)
		parked_fold(cpu, count);
	raw_spin_unlock(&cpu->lock);

	vgic_move(cpu);
	notify_ended(cpu);
}

void vgic_note_wait(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->arch.vgic->vmcr, read_sysreg_s(SYS_ICH_VMCR_EL2));
}

/*
 * How many parked ones the guest has ended.  With EOImode = 1 only ICC_DIR_EL1 ends one,
 * which traps (vgic_dir()) where it can; some CPUs count ICC_EOIR1_EL1 all the same.
 */
static unsigned int parked_count(void)
{
	if (vgic_hw.tdir && read_sysreg_s(SYS_ICH_VMCR_EL2) & ICH_VMCR_EOIM_MASK)
		return 0;

	return FIELD_GET(ICH_HCR_EOICOUNT, read_sysreg_s(SYS_ICH_HCR_EL2));
}

/* What the guest has made of its list registers, of which there are some. */
void arm64_vgic_collect(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	unsigned long number, live = cpu->hot.lr_live, changed = 0;
	unsigned int count = 0;
	u64 value;

	if (cpu->hot.hcr & ICH_HCR_LRENPIE)
		count = parked_count();
	write_sysreg_s(0, SYS_ICH_HCR_EL2);
	vgic_for_each_lr(number, live) {
		value = lr_read(number);
		cpu->lr_seen[number] = value;
		if (value != cpu->lr[number])
			changed |= BIT(number);
	}
	if (changed || count)
		vgic_fold(cpu, changed, count);
}

void vgic_dir(struct vcpu *vcpu, u64 value)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	struct vgic_irq *irq;
	unsigned long flags;
	u32 intid = value & ICC_DIR_INTID;

	/* "ICV_DIR_EL1": ignored unless the drop of the priority is apart. */
	if (!cpu || !(read_sysreg_s(SYS_ICH_VMCR_EL2) & ICH_VMCR_EOIM_MASK))
		return;
	irq = vgic_private(cpu, intid) ?: vgic_spi(cpu->vgic, intid);
	if (!irq)
		return;

	/* Only what is active here; one that has a list register is taken out. */
	raw_spin_lock_irqsave(&cpu->lock, flags);
	if (smp_load_acquire(&irq->home) == cpu) {
		if (irq->lr)
			vgic_evict(cpu, irq->lr - 1);
		if (irq->queue == QUEUE_PARKED)
			parked_end(cpu, irq);
	}
	raw_spin_unlock_irqrestore(&cpu->lock, flags);

	vgic_move(cpu);
	notify_ended(cpu);
}

/* --- pending: memory only ----------------------------------------------------- */

bool vgic_cpu_pending(struct vgic_cpu *cpu)
{
	u64 vmcr = READ_ONCE(cpu->vmcr);
	unsigned int mask = vgic_level(FIELD_GET(ICH_VMCR_PMR_MASK, vmcr));
	unsigned long number, used;
	unsigned int group;

	for (group = 0; group < 2; group++) {
		if (!(vmcr & BIT(group)) || !group_enabled(cpu, group))
			continue;
		if (vgic_first_waiting(cpu->waiting[group]) < mask)
			return true;
		used = READ_ONCE(cpu->lr_used);
		vgic_for_each_lr(number, used) {
			u64 value = READ_ONCE(cpu->lr[number]);

			if ((value & LR_BOTH) == ICH_LR_PENDING_BIT &&
			    !!(value & ICH_LR_GROUP) == group &&
			    vgic_level(FIELD_GET(ICH_LR_PRIORITY_MASK, value)) < mask)
				return true;
		}
	}

	return false;
}

bool vgic_is_active(struct vcpu *vcpu, u32 intid)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	struct vgic_irq *irq = cpu ? vgic_private(cpu, intid) : NULL;
	unsigned long flags;
	bool active;

	/* Pairs with lr_free().  What others put into a list register is not active. */
	if (!irq || (!smp_load_acquire(&irq->lr) && !READ_ONCE(irq->active)))
		return false;

	cpu = vgic_irq_lock(irq, &flags);
	active = vgic_irq_active(irq);
	vgic_irq_unlock(cpu, flags, false);

	return active;
}

/* --- load and put ------------------------------------------------------------- */

/* What every guest finds in ICC_SRE_EL1, whatever the one before did to it. */
#define SRE_GUEST	(ICC_SRE_EL1_DIB | ICC_SRE_EL1_DFB | ICC_SRE_EL1_SRE)

void vgic_load(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;

	if (!cpu) {
		/* There is nothing to see for it, least of all another guest's. */
		write_sysreg_s(ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1, SYS_ICH_HCR_EL2);
		return;
	}

	if (read_sysreg_s(SYS_ICC_SRE_EL1) != SRE_GUEST) {
		write_sysreg_s(SRE_GUEST, SYS_ICC_SRE_EL1);
		isb();
	}
	write_sysreg_s(cpu->vmcr, SYS_ICH_VMCR_EL2);
	aprs_load(cpu);
	cpu->loaded = true;
}

void vgic_put(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	unsigned long number, live;

	/* After an entry that was called off it may still be on. */
	write_sysreg_s(0, SYS_ICH_HCR_EL2);
	if (!cpu || !cpu->loaded)
		return;

	WRITE_ONCE(cpu->vmcr, read_sysreg_s(SYS_ICH_VMCR_EL2));
	aprs_save(cpu);
	live = cpu->hot.lr_live;
	if (live) {
		cpu->hot.lr_live = 0;
		WRITE_ONCE(cpu->hot.dirty, true);
	}
	vgic_for_each_lr(number, live)
		lr_write(number, 0);
	cpu->loaded = false;
}

void vgic_reset(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;

	if (!cpu)
		return;

	preempt_disable();
	WRITE_ONCE(cpu->vmcr, 0);
	memset(cpu->ap0r, 0, sizeof(cpu->ap0r));
	memset(cpu->ap1r, 0, sizeof(cpu->ap1r));
	if (cpu->loaded) {
		write_sysreg_s(cpu->vmcr, SYS_ICH_VMCR_EL2);
		aprs_load(cpu);
	}
	preempt_enable();
}

/* --- the host ----------------------------------------------------------------- */

/* All there is to do about it happens at the exit; see that it ends, if that was not one. */
static irqreturn_t maintenance_interrupt(int irq, void *cookie)
{
	write_sysreg_s(0, SYS_ICH_HCR_EL2);
	isb();

	return IRQ_HANDLED;
}

static void vgic_hw_read(u64 vtr)
{
	unsigned int preemption_bits = FIELD_GET(ICH_VTR_PRE_BITS, vtr) + 1;

	vgic_hw.lrs = min_t(unsigned int, FIELD_GET(ICH_VTR_LISTREGS, vtr) + 1, VGIC_LRS_MAX);
	vgic_hw.priority_bits = FIELD_GET(ICH_VTR_PRI_BITS, vtr) + 1;
	vgic_hw.aprs = preemption_bits > 5 ? 1U << (preemption_bits - 5) : 1;
	vgic_hw.tdir = vtr & ICH_VTR_TDS_MASK;
}

int vgic_setup(void)
{
	int err;

	if (!arm64_host.maintenance_irq) {
		pr_err("no GICv3 with a maintenance interrupt, so there is none for guests\n");
		return -ENODEV;
	}
	vgic_hw_read(arm64_host.ich_vtr);

	err = request_percpu_irq(arm64_host.maintenance_irq, maintenance_interrupt,
				 "keel-vgic", &vgic_irq_cookie);
	if (err)
		pr_err("the GIC's maintenance interrupt is in use: %d\n", err);

	return err;
}

void vgic_teardown(void)
{
	free_percpu_irq(arm64_host.maintenance_irq, &vgic_irq_cookie);
}

void vgic_cpu_reset(void)
{
	unsigned int number;

	/* A list register that somebody left would be the first guest's. */
	write_sysreg_s(0, SYS_ICH_HCR_EL2);
	for (number = 0; number < vgic_hw.lrs; number++)
		lr_write(number, 0);
	isb();
}

int vgic_cpu_enable(void)
{
	vgic_cpu_reset();
	enable_percpu_irq(arm64_host.maintenance_irq,
			  irq_get_trigger_type(arm64_host.maintenance_irq));

	return 0;
}

void vgic_cpu_disable(void)
{
	write_sysreg_s(0, SYS_ICH_HCR_EL2);
	isb();
	disable_percpu_irq(arm64_host.maintenance_irq);
}

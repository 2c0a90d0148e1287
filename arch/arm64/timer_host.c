// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupts at the host of the timers that guests have in the hardware.  Called by
 * timer.c and, for CPUs that come and go, by host.c; which level a guest sees is not
 * decided here.
 *
 * An interrupt only ends the guest's stay: it is forwarded, so the host does not deactivate
 * it, and as long as it is active it does not come again, however long the level stays up.
 *
 * The host's own timer is another one (EL2's physical timer, under VHE).  Without the
 * virtual timer's interrupt there are no guests; without the physical timer's that timer
 * traps and an hrtimer takes its place.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/percpu.h>

#include "timer.h"

struct timer_hw arm64_timer_hw[TIMERS];

DEFINE_PER_CPU(u8, arm64_timer_active);

/* This CPU's.  irqs off. */
struct timer_cpu {
	u64	cnthctl;	/* the host's trap bits */
	bool	enabled;
};

static DEFINE_PER_CPU(struct timer_cpu, timer_cpu);

/* --- the interrupt ------------------------------------------------------------ */

/*
 * Nothing else to do: it has ended the guest's stay, and the level is looked at before
 * the next one.  If no vCPU is here any more, the next that comes sets the state right.
 */
static irqreturn_t virtual_interrupt(int irq, void *active)
{
	*(u8 *)active |= BIT(TIMER_VIRTUAL);

	return IRQ_HANDLED;
}

static irqreturn_t physical_interrupt(int irq, void *active)
{
	*(u8 *)active |= BIT(TIMER_PHYSICAL);

	return IRQ_HANDLED;
}

/*
 * irq_set_irqchip_state() without its search for the descriptor and without its lock.  That
 * guards what all CPUs share, and here it is one bit of this CPU's own: irqs are off, and
 * whoever requested the interrupt is the only one to touch it.
 */
static void timer_poke_active(struct irq_data *data, bool active)
{
	data->chip->irq_set_irqchip_state(data, IRQCHIP_STATE_ACTIVE, active);
}

void arm64_timer_set_active(unsigned int number, bool active)
{
	unsigned long flags;
	u8 before;

	local_irq_save(flags);
	before = __this_cpu_read(arm64_timer_active);
	if (active || before & BIT(number)) {
		timer_poke_active(arm64_timer_hw[number].data, active);
		__this_cpu_write(arm64_timer_active,
				 active ? before | BIT(number) : before & ~BIT(number));
	}
	local_irq_restore(flags);
}

void arm64_timer_ended(struct vcpu *vcpu, u32 hwirq)
{
	int i;

	for (i = 0; i < TIMERS; i++)
		if (arm64_timer_hw[i].hwirq == hwirq) {
			__this_cpu_and(arm64_timer_active, ~BIT(i));
			WRITE_ONCE(vcpu->arch.timer_levels, vcpu->arch.timer_levels & ~BIT(i));
		}
}

/* --- CPUs ------------------------------------------------------------------------ */

void arm64_timer_cpu_reset(void)
{
	int i;

	for (i = 0; i < TIMERS; i++) {
		if (!arm64_timer_hw[i].irq)
			continue;
		timer_hw_set_ctl(i, 0);
		/* Whoever had it before may have left it in any state. */
		__this_cpu_or(arm64_timer_active, BIT(i));
		arm64_timer_set_active(i, false);
	}
}

void arm64_timer_cpu_enable(void)
{
	struct timer_cpu *cpu = this_cpu_ptr(&timer_cpu);
	int i;

	arm64_timer_cpu_reset();
	cpu->cnthctl = read_sysreg(cnthctl_el2) & CNTHCTL_E2H_TRAPS;
	for (i = 0; i < TIMERS; i++)
		if (arm64_timer_hw[i].irq)
			enable_percpu_irq(arm64_timer_hw[i].irq,
					  irq_get_trigger_type(arm64_timer_hw[i].irq));
	cpu->enabled = true;
}

void arm64_timer_cpu_disable(void)
{
	struct timer_cpu *cpu = this_cpu_ptr(&timer_cpu);
	int i;

	if (!cpu->enabled)
		return;

	cpu->enabled = false;
	for (i = 0; i < TIMERS; i++)
		if (arm64_timer_hw[i].irq)
			timer_hw_set_ctl(i, 0);
	write_sysreg_s(0, SYS_CNTVOFF_EL2);
	sysreg_clear_set(cnthctl_el2, CNTHCTL_E2H_TRAPS, cpu->cnthctl);
	isb();
	for (i = 0; i < TIMERS; i++) {
		if (!arm64_timer_hw[i].irq)
			continue;
		disable_percpu_irq(arm64_timer_hw[i].irq);
		arm64_timer_set_active(i, false);
	}
}

/* --- setup ----------------------------------------------------------------------- */

/* Where the state of an interrupt can be set: a hierarchy has it at one of its controllers. */
static struct irq_data *timer_state_data(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	while (data && !(data->chip && data->chip->irq_set_irqchip_state))
		data = data->parent_data;

	return data;
}

static int timer_request(unsigned int number, unsigned int irq, irq_handler_t handler,
			 const char *name)
{
	int err;

	if (!irq || !timer_state_data(irq))
		return -ENODEV;
	err = request_percpu_irq(irq, handler, name, &arm64_timer_active);
	if (err)
		return err;

	/* Whose it is does not matter: from here on to end it is not to deactivate it. */
	err = irq_set_vcpu_affinity(irq, &arm64_host);
	if (err) {
		free_percpu_irq(irq, &arm64_timer_active);
		return err;
	}
	arm64_timer_hw[number].irq = irq;
	arm64_timer_hw[number].data = timer_state_data(irq);
	arm64_timer_hw[number].hwirq = irqd_to_hwirq(irq_get_irq_data(irq));

	return 0;
}

static int timer_refuse(int err)
{
	if (err == -EBUSY)
		pr_err("the kernel's own KVM has the virtual timer's interrupt; boot with kvm-arm.mode=none\n");
	else
		pr_err("the virtual timer's interrupt cannot be used: %pe\n", ERR_PTR(err));

	return err;
}

int arm64_timer_setup(void)
{
	int err;

	memset(arm64_timer_hw, 0, sizeof(arm64_timer_hw));
	if (!arm64_host.counter_rate)
		return timer_refuse(-ENODEV);
	err = timer_request(TIMER_VIRTUAL, arm64_host.vtimer_irq, virtual_interrupt,
			    "keel vtimer");
	if (err)
		return timer_refuse(err);

	err = timer_request(TIMER_PHYSICAL, arm64_host.ptimer_irq, physical_interrupt,
			    "keel ptimer");
	if (err)
		pr_info("the physical timer's interrupt cannot be used (%pe): guests have that timer by traps\n",
			ERR_PTR(err));

	return 0;
}

void arm64_timer_teardown(void)
{
	int i;

	for (i = 0; i < TIMERS; i++) {
		if (!arm64_timer_hw[i].irq)
			continue;
		irq_set_vcpu_affinity(arm64_timer_hw[i].irq, NULL);
		free_percpu_irq(arm64_timer_hw[i].irq, &arm64_timer_active);
	}
}

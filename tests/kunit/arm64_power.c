// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU that idles so deeply that it loses its registers: the kernel's notifiers are
 * called as its idle driver would, and in between is written what a reset may leave.
 */
#include "suite.h"

#include <linux/cpu_pm.h>
#include <linux/interrupt.h>
#include <linux/irqchip/arm-gic-v3.h>

#include <core/hw.h>

#include "../../arch/arm64/arm64.h"

/* Pending, of group 1, priority 0, INTID 35: a guest would take it at once. */
#define LR_GARBAGE	(ICH_LR_PENDING_BIT | ICH_LR_GROUP | 35)
/* A VMID that every CPU has. */
#define VTTBR_GARBAGE	(0x34ul << 48 | 0x40000000)

/* What matters after a power-down, as one CPU has it. */
struct power_registers {
	u64	vttbr, lr, timer, cnthctl;
	bool	timer_irq, gic_irq;
};

static void power_read(struct power_registers *registers)
{
	*registers = (struct power_registers) {
		.vttbr	= read_sysreg_s(SYS_VTTBR_EL2),
		.lr	= read_sysreg_s(SYS_ICH_LR0_EL2),
		.timer	= read_sysreg_s(SYS_CNTV_CTL_EL02),
		.cnthctl = read_sysreg(cnthctl_el2),
		.timer_irq = irq_percpu_is_enabled(arm64_host.vtimer_irq),
		.gic_irq = irq_percpu_is_enabled(arm64_host.maintenance_irq),
	};
}

static void power_lose(void)
{
	write_sysreg_s(VTTBR_GARBAGE, SYS_VTTBR_EL2);
	write_sysreg_s(LR_GARBAGE, SYS_ICH_LR0_EL2);
	write_sysreg_s(ARCH_TIMER_CTRL_IT_MASK | ARCH_TIMER_CTRL_ENABLE, SYS_CNTV_CTL_EL02);
	isb();
}

static void power_is_lost(struct kunit *test)
{
	struct power_registers before, lost = {}, after;
	unsigned long flags;
	bool enabled;
	int err;

	KUNIT_ASSERT_EQ(test, hw_get(), 0);
	local_irq_save(flags);
	power_read(&before);
	err = cpu_pm_enter();
	if (!err) {
		power_lose();
		power_read(&lost);
		cpu_pm_exit();
	}
	power_read(&after);
	enabled = this_cpu_read(hw_cpu.enabled);
	local_irq_restore(flags);
	hw_put();

	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_TRUE(test, enabled);
	/* The garbage was there, so that its absence says something. */
	KUNIT_EXPECT_EQ(test, lost.vttbr, VTTBR_GARBAGE);
	KUNIT_EXPECT_EQ(test, lost.lr, LR_GARBAGE);
	KUNIT_EXPECT_EQ(test, lost.timer & ARCH_TIMER_CTRL_ENABLE, ARCH_TIMER_CTRL_ENABLE);
	KUNIT_EXPECT_EQ(test, after.vttbr, 0);
	KUNIT_EXPECT_EQ(test, after.lr, 0);
	KUNIT_EXPECT_EQ(test, after.timer & ARCH_TIMER_CTRL_ENABLE, 0);
	/* What is the host's stays as it was. */
	KUNIT_EXPECT_EQ(test, after.cnthctl, before.cnthctl);
	KUNIT_EXPECT_TRUE(test, before.timer_irq && after.timer_irq);
	KUNIT_EXPECT_TRUE(test, before.gic_irq && after.gic_irq);
}

/* Without a VM the CPU is not ours: what is in its registers stays. */
static void power_of_an_idle_module(struct kunit *test)
{
	struct power_registers after;
	unsigned long flags;

	local_irq_save(flags);
	if (!cpu_pm_enter()) {
		power_lose();
		cpu_pm_exit();
	}
	power_read(&after);
	write_sysreg_s(0, SYS_CNTV_CTL_EL02);
	write_sysreg_s(0, SYS_ICH_LR0_EL2);
	write_sysreg_s(0, SYS_VTTBR_EL2);
	isb();
	local_irq_restore(flags);

	KUNIT_EXPECT_EQ(test, after.vttbr, VTTBR_GARBAGE);
	KUNIT_EXPECT_EQ(test, after.lr, LR_GARBAGE);
}

static int power_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_CPU_PM))
		kunit_skip(test, "this kernel has no CPU that loses its registers");

	return 0;
}

static struct kunit_case power_cases[] = {
	KUNIT_CASE(power_is_lost),
	KUNIT_CASE(power_of_an_idle_module),
	{ }
};

static struct kunit_suite power_suite = {
	.name		= "arm64_power",
	.init		= power_init,
	.test_cases	= power_cases,
};

kunit_test_suite(power_suite);

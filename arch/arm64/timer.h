/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What timer.c, the guest's timers, and timer_host.c, their interrupts at the host, share.
 */
#ifndef ARM64_TIMER_H
#define ARM64_TIMER_H

#include <clocksource/arm_arch_timer.h>

#include "arm64.h"

/* "CNTHCTL_EL2, Counter-timer Hypervisor Control Register", when E2H is 1. */
#define CNTHCTL_E2H_EL1PCTEN	BIT(10)
#define CNTHCTL_E2H_EL1PTEN	BIT(11)
#define CNTHCTL_E2H_TRAPS	(CNTHCTL_E2H_EL1PCTEN | CNTHCTL_E2H_EL1PTEN)

/* A timer of EL1 that the hypervisor has at the host.  Constant after setup. */
struct timer_hw {
	unsigned int	irq;	/* Linux number; 0: not to be had, so the guest's traps */
	u32		hwirq;	/* for list registers */
	struct irq_data	*data;	/* at the controller that knows its state */
};

extern struct timer_hw arm64_timer_hw[TIMERS];

/*
 * The interrupt of a timer on this CPU: active, it does not come until the guest, or this,
 * deactivates it.  Any context.
 */
void arm64_timer_set_active(unsigned int number, bool active);

static inline u64 timer_hw_ctl(unsigned int number)
{
	return number == TIMER_VIRTUAL ? read_sysreg_s(SYS_CNTV_CTL_EL02) :
					 read_sysreg_s(SYS_CNTP_CTL_EL02);
}

static inline u64 timer_hw_cval(unsigned int number)
{
	return number == TIMER_VIRTUAL ? read_sysreg_s(SYS_CNTV_CVAL_EL02) :
					 read_sysreg_s(SYS_CNTP_CVAL_EL02);
}

static inline void timer_hw_set_ctl(unsigned int number, u64 ctl)
{
	if (number == TIMER_VIRTUAL)
		write_sysreg_s(ctl, SYS_CNTV_CTL_EL02);
	else
		write_sysreg_s(ctl, SYS_CNTP_CTL_EL02);
}

static inline void timer_hw_set_cval(unsigned int number, u64 cval)
{
	if (number == TIMER_VIRTUAL)
		write_sysreg_s(cval, SYS_CNTV_CVAL_EL02);
	else
		write_sysreg_s(cval, SYS_CNTP_CVAL_EL02);
}

#endif /* ARM64_TIMER_H */

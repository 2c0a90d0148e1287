/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stolen time: how long the thread of a vCPU was ready and did not run.  Who counts
 * it is the scheduler; how the guest is told is the architecture's business.
 */
#ifndef CORE_STEAL_H
#define CORE_STEAL_H

#include <linux/sched.h>
#include <linux/types.h>

struct steal_clock {
	u64	last;		/* the thread's delay when the guest was last told, ns */
	pid_t	task;		/* whose that is; 0: nobody's */
};

static inline u64 steal_clock_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

/* Nothing has been stolen so far. */
static inline void steal_clock_begin(struct steal_clock *clock)
{
	clock->task = current->pid;
	clock->last = steal_clock_delay();
}

/*
 * What has been stolen since the guest was last told, in ns; 0 in another thread than
 * then, which has a history of its own.  Any context of the vCPU's thread.
 */
static inline u64 steal_clock_due(struct steal_clock *clock)
{
	/* The number of a thread that has ended may be used again. */
	if (unlikely(clock->task != current->pid || steal_clock_delay() < clock->last))
		steal_clock_begin(clock);

	return steal_clock_delay() - clock->last;
}

/* The guest was told of @ns. */
static inline void steal_clock_told(struct steal_clock *clock, u64 ns)
{
	clock->last += ns;
}

#endif /* CORE_STEAL_H */

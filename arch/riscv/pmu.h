/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's performance counters, between pmu.c, which makes them count, and
 * fw_pmu.c, which does to them what the guest asks for.  All of it by vcpu->mutex,
 * in the vCPU's thread unless something else is said.
 */
#ifndef RISCV_PMU_H
#define RISCV_PMU_H

#include <asm/sbi.h>

#include "riscv.h"

/*
 * Logical counters: first those of the hardware, whose place is that of their CSR
 * behind cycle, then those of the firmware.
 */
#define PMU_CYCLE		0
#define PMU_TIME		1	/* a CSR there, and no counter */
#define PMU_INSTRET		(CSR_INSTRET - CSR_CYCLE)
#define PMU_HARDWARE_MAX	(CSR_HPMCOUNTER31 - CSR_CYCLE + 1)
#define PMU_FIRMWARE		SBI_PMU_FW_MAX
#define PMU_COUNTERS_MAX	(PMU_HARDWARE_MAX + PMU_FIRMWARE)
/* All counters are 64 bits wide: the guest sees sums, not what the hardware has. */
#define PMU_WIDTH		63

static_assert(PMU_COUNTERS_MAX <= BITS_PER_LONG);

struct pmu_counter {
	struct vcpu		*vcpu;
	u32			index;
	u32			event_idx;	/* SBI_PMU_EVENT_IDX_INVALID: not configured */
	u64			event_data;
	unsigned long		flags;		/* SBI_PMU_CFG_FLAG_* it was configured with */
	u64			value;		/* when it was stopped last */
	u64			base;		/* what its source had counted when it started */
	bool			started;
	struct perf_event	*event;		/* of a hardware event, or NULL */
};

struct pmu_guest {
	struct task_struct	*task;		/* whom the events count; only compared */
	unsigned int		hardware;	/* counters of hardware events, with the gap */
	unsigned int		count;		/* of all */
	unsigned long		valid;		/* which of them exist */
	unsigned long		overflowed;	/* (a) since they were started */
	gpa_t			snapshot;	/* shared memory or GPA_INVALID */
	atomic64_t		firmware[SBI_PMU_FW_MAX];	/* events while counted */
	struct pmu_counter	counter[PMU_COUNTERS_MAX];
};

/* --- events as the SBI numbers them ---------------------------------------- */

static inline u32 event_type(u32 event_idx)
{
	return (event_idx & SBI_PMU_EVENT_IDX_TYPE_MASK) >> 16;
}

static inline u32 event_code(u32 event_idx)
{
	return event_idx & SBI_PMU_EVENT_IDX_CODE_MASK;
}

static inline bool event_is_firmware(u32 event_idx)
{
	return event_type(event_idx) == SBI_PMU_EVENT_TYPE_FW;
}

/* Is there such an event?  What the host has of it is found out by configuring one. */
bool pmu_event_exists(u32 event_idx, u64 data);

/* --- counters -------------------------------------------------------------- */

/* The vCPU's counters; NULL: no memory.  May sleep. */
struct pmu_guest *pmu_get(struct vcpu *vcpu);

static inline bool pmu_counter_configured(const struct pmu_counter *counter)
{
	return counter->event_idx != SBI_PMU_EVENT_IDX_INVALID;
}

/*
 * An event that exists on a counter that is stopped.  0 or -errno: then the counter is
 * free.  May sleep.
 */
int pmu_counter_configure(struct pmu_guest *pmu, struct pmu_counter *counter, u32 event_idx,
			  u64 event_data, unsigned long flags);
/* Back to where it can be configured; keeps its value.  Any thread, may sleep. */
void pmu_counter_free(struct pmu_guest *pmu, struct pmu_counter *counter);
/* Configured and stopped before.  0 or -errno.  May sleep. */
int pmu_counter_start(struct pmu_guest *pmu, struct pmu_counter *counter);
/* Also one that is stopped.  Any thread, may sleep. */
void pmu_counter_stop(struct pmu_guest *pmu, struct pmu_counter *counter);
/* What it shows now.  Any thread, may sleep. */
u64 pmu_counter_value(struct pmu_guest *pmu, const struct pmu_counter *counter);

#endif /* RISCV_PMU_H */

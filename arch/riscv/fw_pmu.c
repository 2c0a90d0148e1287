// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's performance counters (SBI specification, "Performance Monitoring Unit
 * Extension").  Counters of hardware events are backed by the host's perf events
 * for the vCPU's thread, so that the host decides what the guest may count and
 * both can count at once; counters of firmware events count what fw.c and others
 * report with riscv_pmu_count().  A hart's counters are made with its first call.
 *
 * perf takes cpus_read_lock for the first event of all.  That is under vcpu->mutex
 * here, against the order of core/vm.h, and right: nobody waits for a vcpu->mutex
 * while a CPU comes or goes.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/perf/riscv_pmu.h>
#include <linux/perf_event.h>
#include <linux/slab.h>
#include <asm/sbi.h>

#include "fw.h"

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

/*
 * The longest way to an overflow that is looked for.  A counter that has farther to
 * go than perf's signed numbers allow does not get there in years.
 */
#define PMU_PERIOD_MAX		BIT_ULL(62)

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
	struct task_struct	*task;		/* whom that counts; only compared */
};

struct pmu_guest {
	unsigned int		hardware;	/* counters of hardware events, with the gap */
	unsigned int		count;		/* of all */
	unsigned long		valid;		/* which of them exist */
	unsigned long		overflowed;	/* (a) since they were started */
	gpa_t			snapshot;	/* shared memory or GPA_INVALID */
	atomic64_t		firmware[SBI_PMU_FW_MAX];	/* events while counted */
	struct pmu_counter	counter[PMU_COUNTERS_MAX];
};

/* --- events ---------------------------------------------------------------- */

static u32 event_type(u32 event_idx)
{
	return (event_idx & SBI_PMU_EVENT_IDX_TYPE_MASK) >> 16;
}

static u32 event_code(u32 event_idx)
{
	return event_idx & SBI_PMU_EVENT_IDX_CODE_MASK;
}

static bool event_is_firmware(u32 event_idx)
{
	return event_type(event_idx) == SBI_PMU_EVENT_TYPE_FW;
}

/* "Hardware general events". */
static bool event_general(u32 code, u64 data, struct perf_event_attr *attr)
{
	static const u8 configs[] = {
		[SBI_PMU_HW_CPU_CYCLES]			= PERF_COUNT_HW_CPU_CYCLES,
		[SBI_PMU_HW_INSTRUCTIONS]		= PERF_COUNT_HW_INSTRUCTIONS,
		[SBI_PMU_HW_CACHE_REFERENCES]		= PERF_COUNT_HW_CACHE_REFERENCES,
		[SBI_PMU_HW_CACHE_MISSES]		= PERF_COUNT_HW_CACHE_MISSES,
		[SBI_PMU_HW_BRANCH_INSTRUCTIONS]	= PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
		[SBI_PMU_HW_BRANCH_MISSES]		= PERF_COUNT_HW_BRANCH_MISSES,
		[SBI_PMU_HW_BUS_CYCLES]			= PERF_COUNT_HW_BUS_CYCLES,
		[SBI_PMU_HW_STALLED_CYCLES_FRONTEND]	= PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
		[SBI_PMU_HW_STALLED_CYCLES_BACKEND]	= PERF_COUNT_HW_STALLED_CYCLES_BACKEND,
		[SBI_PMU_HW_REF_CPU_CYCLES]		= PERF_COUNT_HW_REF_CPU_CYCLES,
	};

	if (code == SBI_PMU_HW_NO_EVENT || code >= ARRAY_SIZE(configs) || data)
		return false;

	attr->type = PERF_TYPE_HARDWARE;
	attr->config = configs[array_index_nospec(code, ARRAY_SIZE(configs))];

	return true;
}

/* "Hardware cache events": their numbers are perf's. */
static bool event_cache(u32 code, u64 data, struct perf_event_attr *attr)
{
	u64 cache = (code & SBI_PMU_EVENT_CACHE_ID_CODE_MASK) >> SBI_PMU_EVENT_CACHE_ID_SHIFT;
	u64 op = (code & SBI_PMU_EVENT_CACHE_OP_ID_CODE_MASK) >> SBI_PMU_EVENT_CACHE_OP_SHIFT;
	u64 result = code & SBI_PMU_EVENT_CACHE_RESULT_ID_CODE_MASK;

	if (cache >= PERF_COUNT_HW_CACHE_MAX || op >= PERF_COUNT_HW_CACHE_OP_MAX || data)
		return false;

	/* The host uses them as indices. */
	cache = array_index_nospec(cache, PERF_COUNT_HW_CACHE_MAX);
	op = array_index_nospec(op, PERF_COUNT_HW_CACHE_OP_MAX);
	attr->type = PERF_TYPE_HW_CACHE;
	attr->config = cache | op << 8 | result << 16;

	return true;
}

/* "Hardware raw events". */
static bool event_raw(u32 code, u64 data, struct perf_event_attr *attr)
{
	if (code || data & ~RISCV_PMU_RAW_EVENT_MASK)
		return false;

	attr->type = PERF_TYPE_RAW;
	attr->config = data;

	return true;
}

/* What of the host's perf the event is.  False: nothing. */
static bool event_attr(u32 event_idx, u64 data, struct perf_event_attr *attr)
{
	static bool (*const types[])(u32 code, u64 data, struct perf_event_attr *attr) = {
		[SBI_PMU_EVENT_TYPE_HW]		= event_general,
		[SBI_PMU_EVENT_TYPE_CACHE]	= event_cache,
		[SBI_PMU_EVENT_TYPE_RAW]	= event_raw,
	};
	u32 type = event_type(event_idx);

	if (type >= ARRAY_SIZE(types))
		return false;
	type = array_index_nospec(type, ARRAY_SIZE(types));

	return types[type](event_code(event_idx), data, attr);
}

static atomic64_t *event_firmware(struct pmu_guest *pmu, u32 event_idx)
{
	return &pmu->firmware[array_index_nospec(event_code(event_idx), SBI_PMU_FW_MAX)];
}

void riscv_pmu_count_event(struct vcpu *vcpu, unsigned int event)
{
	/* Who sees the bit sees the counters; pairs with firmware_update(). */
	if (smp_load_acquire(&vcpu->arch.pmu_events) & BIT(event))
		atomic64_inc(&vcpu->arch.pmu->firmware[event]);
}

/* Which events are reported from now on: those of the counters that run. */
static void firmware_update(struct vcpu *vcpu, struct pmu_guest *pmu)
{
	u32 events = 0;
	unsigned int i;

	for (i = pmu->hardware; i < pmu->count; i++)
		if (pmu->counter[i].started)
			events |= BIT(event_code(pmu->counter[i].event_idx));

	smp_store_release(&vcpu->arch.pmu_events, events);
}

/* --- events of the host ---------------------------------------------------- */

/* Does the guest want to hear of overflows? */
static bool counter_samples(const struct pmu_counter *counter)
{
	return riscv_isa(counter->vcpu, KVM_RISCV_ISA_EXT_SSCOFPMF);
}

/*
 * The counter went past its end; in an interrupt of the host.  It goes on counting
 * from 0, and its end is far away again.
 */
static void counter_overflow(struct perf_event *event, struct perf_sample_data *data,
			     struct pt_regs *regs)
{
	struct pmu_counter *counter = event->overflow_handler_context;
	struct pmu_guest *pmu = counter->vcpu->arch.pmu;

	event->pmu->stop(event, PERF_EF_UPDATE);
	event->attr.sample_period = PMU_PERIOD_MAX;
	event->hw.sample_period = PMU_PERIOD_MAX;
	local64_set(&event->hw.period_left, 0);
	event->pmu->start(event, PERF_EF_RELOAD);

	/* "Sscofpmf": no second interrupt until the counter is started anew. */
	if (!test_and_set_bit(counter->index, &pmu->overflowed))
		riscv_irq_set(counter->vcpu, IRQ_PMU_OVF);
}

static void counter_event_release(struct pmu_counter *counter)
{
	if (counter->event)
		perf_event_release_kernel(counter->event);
	counter->event = NULL;
}

/* Make the host's event for this thread; it does not count yet.  0 or -errno. */
static int counter_event_create(struct pmu_counter *counter)
{
	struct perf_event_attr attr = {
		.size		= sizeof(attr),
		.disabled	= true,
		/* Counted all the time or not at all, never in part. */
		.pinned		= true,
		.exclude_host	= true,
		.exclude_hv	= true,
		.exclude_user	= !!(counter->flags & SBI_PMU_CFG_FLAG_SET_UINH),
		.exclude_kernel	= !!(counter->flags & SBI_PMU_CFG_FLAG_SET_SINH),
		.config1	= RISCV_PMU_CONFIG1_GUEST_EVENTS,
		.sample_period	= counter_samples(counter) ? PMU_PERIOD_MAX : 0,
	};
	struct perf_event *event;

	if (!event_attr(counter->event_idx, counter->event_data, &attr))
		return -EOPNOTSUPP;
	event = perf_event_create_kernel_counter(&attr, -1, current,
						 counter_samples(counter) ?
						 counter_overflow : NULL, counter);
	if (IS_ERR(event))
		return PTR_ERR(event);

	counter->event = event;
	counter->task = current;

	return 0;
}

/* What the source of the counter has counted since it was made. */
static u64 counter_source(struct pmu_guest *pmu, const struct pmu_counter *counter)
{
	u64 enabled, running;

	if (event_is_firmware(counter->event_idx))
		return atomic64_read(event_firmware(pmu, counter->event_idx));

	return counter->event ? perf_event_read_value(counter->event, &enabled, &running) : 0;
}

/* --- counters -------------------------------------------------------------- */

static bool counter_configured(const struct pmu_counter *counter)
{
	return counter->event_idx != SBI_PMU_EVENT_IDX_INVALID;
}

static u64 counter_value(struct pmu_guest *pmu, const struct pmu_counter *counter)
{
	if (!counter->started)
		return counter->value;

	return counter->value + counter_source(pmu, counter) - counter->base;
}

/* The way to the overflow, as perf wants it: from 0 it is longer than a number can be. */
static u64 counter_period(const struct pmu_counter *counter)
{
	return counter->value ? min(-counter->value, PMU_PERIOD_MAX) : PMU_PERIOD_MAX;
}

/* Let the host's event count.  0 or -errno. */
static int counter_event_start(struct pmu_counter *counter)
{
	int err = 0;

	/* Another thread runs the vCPU now. */
	if (counter->event && counter->task != current)
		counter_event_release(counter);
	if (!counter->event)
		err = counter_event_create(counter);
	if (!err && counter_samples(counter))
		err = perf_event_period(counter->event, counter_period(counter));

	return err;
}

/* Configured and stopped before.  0 or -errno. */
static int counter_start(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	bool firmware = event_is_firmware(counter->event_idx);
	int err;

	if (!firmware) {
		err = counter_event_start(counter);
		if (err)
			return err;
	}

	clear_bit(counter->index, &pmu->overflowed);
	counter->base = counter_source(pmu, counter);
	counter->started = true;
	if (firmware)
		firmware_update(counter->vcpu, pmu);
	else
		perf_event_enable(counter->event);

	return 0;
}

static void counter_stop(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	if (!counter->started)
		return;

	if (counter->event)
		perf_event_disable(counter->event);
	counter->value = counter_value(pmu, counter);
	counter->started = false;
	if (event_is_firmware(counter->event_idx))
		firmware_update(counter->vcpu, pmu);
}

/* Back to where it can be configured; keeps its value. */
static void counter_free(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	counter_stop(pmu, counter);
	counter_event_release(counter);
	counter->event_idx = SBI_PMU_EVENT_IDX_INVALID;
	clear_bit(counter->index, &pmu->overflowed);
}

/* --- life ------------------------------------------------------------------ */

/*
 * As many as the host has, so that all can count at once.  None if the host cannot
 * tell its own events from the guest's: those are not for the guest to see.
 */
static unsigned int hardware_counters(void)
{
	u32 width, count;

	if (!riscv_host.sscofpmf || riscv_pmu_get_hpm_info(&width, &count) || !count)
		return 0;

	/* The gap is not among them. */
	return min_t(unsigned int, count + 1, PMU_HARDWARE_MAX);
}

/* The vCPU's counters; NULL: no memory.  May sleep. */
static struct pmu_guest *pmu_get(struct vcpu *vcpu)
{
	struct pmu_guest *pmu = vcpu->arch.pmu;
	unsigned int i;

	if (pmu)
		return pmu;
	pmu = kzalloc(sizeof(*pmu), GFP_KERNEL_ACCOUNT);
	if (!pmu)
		return NULL;

	pmu->hardware = hardware_counters();
	pmu->count = pmu->hardware + PMU_FIRMWARE;
	pmu->valid = GENMASK(pmu->count - 1, 0);
	if (pmu->hardware)
		pmu->valid &= ~BIT(PMU_TIME);
	pmu->snapshot = GPA_INVALID;
	for (i = 0; i < PMU_COUNTERS_MAX; i++) {
		pmu->counter[i].vcpu = vcpu;
		pmu->counter[i].index = i;
		pmu->counter[i].event_idx = SBI_PMU_EVENT_IDX_INVALID;
	}
	vcpu->arch.pmu = pmu;

	return pmu;
}

void riscv_pmu_reset(struct vcpu *vcpu)
{
	struct pmu_guest *pmu = vcpu->arch.pmu;
	unsigned int i;

	if (!pmu)
		return;

	for (i = 0; i < pmu->count; i++) {
		counter_free(pmu, &pmu->counter[i]);
		pmu->counter[i].value = 0;
	}
	pmu->snapshot = GPA_INVALID;
}

void riscv_pmu_destroy(struct vcpu *vcpu)
{
	riscv_pmu_reset(vcpu);
	kfree(vcpu->arch.pmu);
	vcpu->arch.pmu = NULL;
}

enum riscv_csr_result riscv_pmu_csr(struct vcpu *vcpu, unsigned int csr, unsigned long *old)
{
	struct pmu_guest *pmu = vcpu->arch.pmu;
	unsigned int index = csr - CSR_CYCLE;

	if (!pmu || index >= pmu->hardware)
		return CSR_ILLEGAL;
	index = array_index_nospec(index, PMU_HARDWARE_MAX);
	if (!counter_configured(&pmu->counter[index]))
		return CSR_ILLEGAL;

	*old = counter_value(pmu, &pmu->counter[index]);

	return CSR_DONE;
}

/* --- sets of counters ------------------------------------------------------ */

/* A set as the calls name it: a0 and a1. */
struct pmu_set {
	unsigned int	base;
	unsigned long	counters;	/* by index */
};

/* False: a counter of it does not exist. */
static bool set_get(struct vcpu *vcpu, const struct pmu_guest *pmu, struct pmu_set *set)
{
	unsigned long base = sbi_arg(vcpu, 0), mask = sbi_arg(vcpu, 1);

	if (base >= pmu->count)
		return false;
	set->base = array_index_nospec(base, PMU_COUNTERS_MAX);
	set->counters = mask << set->base;
	if (set->counters >> set->base != mask || set->counters & ~pmu->valid)
		return false;
	/* Whatever the CPU guessed, no other counter is in it. */
	set->counters &= pmu->valid;

	return true;
}

#define for_each_counter(i, set)	\
	for_each_set_bit(i, &(set)->counters, PMU_COUNTERS_MAX)

/* --- snapshots ------------------------------------------------------------- */

static gpa_t snapshot_value(const struct pmu_guest *pmu, const struct pmu_set *set,
			    unsigned int index)
{
	return pmu->snapshot + offsetof(struct riscv_pmu_snapshot_data, ctr_values) +
	       (index - set->base) * sizeof(u64);
}

/* Tell the guest the counters of the set.  0 or -EFAULT. */
static int snapshot_write(struct vcpu *vcpu, struct pmu_guest *pmu, const struct pmu_set *set)
{
	u64 overflowed = (READ_ONCE(pmu->overflowed) & set->counters) >> set->base;
	gpa_t mask = pmu->snapshot + offsetof(struct riscv_pmu_snapshot_data, ctr_overflow_mask);
	unsigned int i;
	u64 value;
	int err;

	for_each_counter(i, set) {
		value = counter_value(pmu, &pmu->counter[i]);
		err = guest_write(vcpu, snapshot_value(pmu, set, i), &value, sizeof(value));
		if (err)
			return err;
	}

	return guest_write(vcpu, mask, &overflowed, sizeof(overflowed));
}

/* The guest's values for the set, by index.  0 or -EFAULT. */
static int snapshot_read(struct vcpu *vcpu, struct pmu_guest *pmu, const struct pmu_set *set,
			 u64 *values)
{
	unsigned int i;
	int err;

	for_each_counter(i, set) {
		err = guest_read(vcpu, snapshot_value(pmu, set, i), &values[i],
				 sizeof(values[i]));
		if (err)
			return err;
	}

	return 0;
}

/* --- the calls ------------------------------------------------------------- */

static void pmu_num_counters(struct vcpu *vcpu, struct pmu_guest *pmu, struct sbi_result *result)
{
	result->error = SBI_SUCCESS;
	result->value = pmu->count;
}

/* Is it an existing counter, and which? */
static bool counter_exists(const struct pmu_guest *pmu, unsigned long index)
{
	return index < pmu->count && (pmu->valid & BIT(index));
}

static void pmu_counter_info(struct vcpu *vcpu, struct pmu_guest *pmu, struct sbi_result *result)
{
	unsigned long index = sbi_arg(vcpu, 0);
	union sbi_pmu_ctr_info info = { .width = PMU_WIDTH };

	if (!counter_exists(pmu, index)) {
		result->error = SBI_ERR_INVALID_PARAM;
		return;
	}
	if (index < pmu->hardware)
		info.csr = CSR_CYCLE + index;
	else
		info.type = SBI_PMU_CTR_TYPE_FW;

	result->error = SBI_SUCCESS;
	result->value = info.value;
}

/* Is the counter one for such events?  Two count nothing but what they are named after. */
static bool counter_suits(const struct pmu_guest *pmu, unsigned int index, u32 event_idx)
{
	static const u32 fixed[] = {
		[PMU_CYCLE]	= SBI_PMU_HW_CPU_CYCLES,
		[PMU_INSTRET]	= SBI_PMU_HW_INSTRUCTIONS,
	};

	if (index >= pmu->hardware || event_is_firmware(event_idx))
		return index >= pmu->hardware && event_is_firmware(event_idx);

	return index >= ARRAY_SIZE(fixed) || fixed[index] == event_idx;
}

/* A free one of the set that suits the event, or NULL. */
static struct pmu_counter *counter_match(struct pmu_guest *pmu, const struct pmu_set *set,
					 u32 event_idx)
{
	unsigned int i;

	for_each_counter(i, set)
		if (!counter_configured(&pmu->counter[i]) && counter_suits(pmu, i, event_idx))
			return &pmu->counter[i];

	return NULL;
}

/* The first one of the set, whatever it counted, if it can count the event at all. */
static struct pmu_counter *counter_first(struct pmu_guest *pmu, const struct pmu_set *set,
					 u32 event_idx)
{
	struct pmu_counter *counter;
	unsigned int index;

	if (!set->counters)
		return NULL;
	index = __ffs(set->counters);
	counter = &pmu->counter[index];
	if (counter->started || (index >= pmu->hardware) != event_is_firmware(event_idx))
		return NULL;

	return counter;
}

#define PMU_CONFIG_FLAGS	GENMASK(7, 0)

/* The event on a counter that is stopped.  0 or -errno: then it is free. */
static int counter_configure(struct pmu_guest *pmu, struct pmu_counter *counter,
			     u32 event_idx, u64 event_data, unsigned long flags)
{
	int err;

	counter_free(pmu, counter);
	counter->event_idx = event_idx;
	counter->event_data = event_data;
	counter->flags = flags;
	if (event_is_firmware(event_idx))
		return 0;

	/* Only the host knows whether there is such an event. */
	err = counter_event_create(counter);
	if (err)
		counter->event_idx = SBI_PMU_EVENT_IDX_INVALID;

	return err;
}

static bool event_exists(u32 event_idx, u64 data)
{
	struct perf_event_attr attr;

	/* "Firmware events": those that the specification names. */
	if (event_is_firmware(event_idx))
		return event_code(event_idx) < SBI_PMU_FW_MAX && !data;

	return event_attr(event_idx, data, &attr);
}

static void pmu_config_matching(struct vcpu *vcpu, struct pmu_guest *pmu,
				struct sbi_result *result)
{
	unsigned long flags = sbi_arg(vcpu, 2), event_idx = sbi_arg(vcpu, 3);
	u64 data = sbi_arg(vcpu, 4);
	struct pmu_counter *counter;
	struct pmu_set set;

	if (flags & ~PMU_CONFIG_FLAGS || !set_get(vcpu, pmu, &set)) {
		result->error = SBI_ERR_INVALID_PARAM;
		return;
	}
	if (event_idx > SBI_PMU_EVENT_IDX_MASK || !event_exists(event_idx, data))
		return;
	if (flags & SBI_PMU_CFG_FLAG_SKIP_MATCH)
		counter = counter_first(pmu, &set, event_idx);
	else
		counter = counter_match(pmu, &set, event_idx);
	if (!counter || counter_configure(pmu, counter, event_idx, data, flags))
		return;

	if (flags & SBI_PMU_CFG_FLAG_CLEAR_VALUE)
		counter->value = 0;
	if ((flags & SBI_PMU_CFG_FLAG_AUTO_START) && counter_start(pmu, counter)) {
		counter_free(pmu, counter);
		return;
	}

	result->error = SBI_SUCCESS;
	result->value = counter->index;
}

#define PMU_START_FLAGS	(SBI_PMU_START_FLAG_SET_INIT_VALUE | SBI_PMU_START_FLAG_INIT_SNAPSHOT)

/* What is wrong with a request to start, before anything is done. */
static long start_check(struct vcpu *vcpu, struct pmu_guest *pmu, struct pmu_set *set)
{
	unsigned long flags = sbi_arg(vcpu, 2);
	unsigned int i;

	if (flags & ~PMU_START_FLAGS || flags == PMU_START_FLAGS || !set_get(vcpu, pmu, set))
		return SBI_ERR_INVALID_PARAM;
	for_each_counter(i, set)
		if (!counter_configured(&pmu->counter[i]))
			return SBI_ERR_INVALID_PARAM;
	if ((flags & SBI_PMU_START_FLAG_INIT_SNAPSHOT) && pmu->snapshot == GPA_INVALID)
		return SBI_ERR_NO_SHMEM;

	return SBI_SUCCESS;
}

static void pmu_start(struct vcpu *vcpu, struct pmu_guest *pmu, struct sbi_result *result)
{
	unsigned long flags = sbi_arg(vcpu, 2);
	u64 values[PMU_COUNTERS_MAX];
	struct pmu_counter *counter;
	struct pmu_set set;
	unsigned int i;

	result->error = start_check(vcpu, pmu, &set);
	if (result->error)
		return;
	if ((flags & SBI_PMU_START_FLAG_INIT_SNAPSHOT) &&
	    snapshot_read(vcpu, pmu, &set, values)) {
		result->error = SBI_ERR_FAILURE;
		return;
	}

	for_each_counter(i, &set) {
		counter = &pmu->counter[i];
		if (counter->started) {
			result->error = SBI_ERR_ALREADY_STARTED;
			continue;
		}
		if (flags & SBI_PMU_START_FLAG_SET_INIT_VALUE)
			counter->value = sbi_arg(vcpu, 3);
		if (flags & SBI_PMU_START_FLAG_INIT_SNAPSHOT)
			counter->value = values[i];
		if (counter_start(pmu, counter))
			result->error = SBI_ERR_FAILURE;
	}
}

#define PMU_STOP_FLAGS	(SBI_PMU_STOP_FLAG_RESET | SBI_PMU_STOP_FLAG_TAKE_SNAPSHOT)

static void pmu_stop(struct vcpu *vcpu, struct pmu_guest *pmu, struct sbi_result *result)
{
	unsigned long flags = sbi_arg(vcpu, 2);
	struct pmu_set set;
	unsigned int i;

	result->error = SBI_ERR_INVALID_PARAM;
	if (flags & ~PMU_STOP_FLAGS || !set_get(vcpu, pmu, &set))
		return;
	if ((flags & SBI_PMU_STOP_FLAG_TAKE_SNAPSHOT) && pmu->snapshot == GPA_INVALID) {
		result->error = SBI_ERR_NO_SHMEM;
		return;
	}

	result->error = SBI_SUCCESS;
	for_each_counter(i, &set) {
		if (!pmu->counter[i].started)
			result->error = SBI_ERR_ALREADY_STOPPED;
		counter_stop(pmu, &pmu->counter[i]);
	}
	if ((flags & SBI_PMU_STOP_FLAG_TAKE_SNAPSHOT) && snapshot_write(vcpu, pmu, &set))
		result->error = SBI_ERR_FAILURE;
	/* Only now: it forgets the overflows. */
	if (flags & SBI_PMU_STOP_FLAG_RESET)
		for_each_counter(i, &set)
			counter_free(pmu, &pmu->counter[i]);
}

static void pmu_firmware_read(struct vcpu *vcpu, struct pmu_guest *pmu,
			      struct sbi_result *result)
{
	unsigned long index = sbi_arg(vcpu, 0);

	if (!counter_exists(pmu, index) || index < pmu->hardware) {
		result->error = SBI_ERR_INVALID_PARAM;
		return;
	}

	index = array_index_nospec(index, PMU_COUNTERS_MAX);
	result->error = SBI_SUCCESS;
	result->value = counter_value(pmu, &pmu->counter[index]);
}

/* The upper half, for guests whose registers have no room for it: there are none. */
static void pmu_firmware_read_high(struct vcpu *vcpu, struct pmu_guest *pmu,
				   struct sbi_result *result)
{
	pmu_firmware_read(vcpu, pmu, result);
	result->value = 0;
}

static void pmu_set_snapshot(struct vcpu *vcpu, struct pmu_guest *pmu, struct sbi_result *result)
{
	unsigned long low = sbi_arg(vcpu, 0), high = sbi_arg(vcpu, 1);
	const u64 overflowed = 0;

	result->error = SBI_SUCCESS;
	if (sbi_arg(vcpu, 2)) {
		result->error = SBI_ERR_INVALID_PARAM;
	} else if (low == (unsigned long)SBI_SHMEM_DISABLE &&
		   high == (unsigned long)SBI_SHMEM_DISABLE) {
		pmu->snapshot = GPA_INVALID;
	} else if (low % sizeof(struct riscv_pmu_snapshot_data)) {
		result->error = SBI_ERR_INVALID_PARAM;
	} else if (high || guest_write(vcpu, low, &overflowed, sizeof(overflowed))) {
		/* It is one page: what can be written to at its start can be all over. */
		result->error = SBI_ERR_INVALID_ADDRESS;
	} else {
		pmu->snapshot = low;
	}
}

static_assert(sizeof(struct riscv_pmu_snapshot_data) == PAGE_SIZE);

void riscv_pmu_call(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	static void (*const functions[])(struct vcpu *vcpu, struct pmu_guest *pmu,
					 struct sbi_result *result) = {
		[SBI_EXT_PMU_NUM_COUNTERS]		= pmu_num_counters,
		[SBI_EXT_PMU_COUNTER_GET_INFO]		= pmu_counter_info,
		[SBI_EXT_PMU_COUNTER_CFG_MATCH]		= pmu_config_matching,
		[SBI_EXT_PMU_COUNTER_START]		= pmu_start,
		[SBI_EXT_PMU_COUNTER_STOP]		= pmu_stop,
		[SBI_EXT_PMU_COUNTER_FW_READ]		= pmu_firmware_read,
		[SBI_EXT_PMU_COUNTER_FW_READ_HI]	= pmu_firmware_read_high,
		[SBI_EXT_PMU_SNAPSHOT_SET_SHMEM]	= pmu_set_snapshot,
	};
	struct pmu_guest *pmu;

	if (fid >= ARRAY_SIZE(functions))
		return;
	pmu = pmu_get(vcpu);
	if (!pmu) {
		result->error = SBI_ERR_FAILURE;
		return;
	}

	functions[array_index_nospec(fid, ARRAY_SIZE(functions))](vcpu, pmu, result);
}

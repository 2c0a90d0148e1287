// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's performance counters.  Those of hardware events are backed by the
 * host's perf events for the vCPU's thread, so that the host decides what the guest
 * may count and both can count at once; those of firmware events count what fw.c and
 * others report with riscv_pmu_count().  A hart's counters are made with its first
 * call; the calls are in fw_pmu.c.
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

#include "pmu.h"

/* --- events ---------------------------------------------------------------- */

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

bool pmu_event_exists(u32 event_idx, u64 data)
{
	struct perf_event_attr attr;

	/* "Firmware events": those that the specification names. */
	if (event_is_firmware(event_idx))
		return event_code(event_idx) < SBI_PMU_FW_MAX && !data;

	return event_attr(event_idx, data, &attr);
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

/*
 * The longest way to an overflow that is looked for.  A counter that has farther to
 * go than perf's signed numbers allow does not get there in years.
 */
#define PMU_PERIOD_MAX		BIT_ULL(62)

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

u64 pmu_counter_value(struct pmu_guest *pmu, const struct pmu_counter *counter)
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

	if (!counter->event)
		err = counter_event_create(counter);
	if (!err && counter_samples(counter))
		err = perf_event_period(counter->event, counter_period(counter));

	return err;
}

/* Count, from what the source has counted so far. */
static void counter_go(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	counter->base = counter_source(pmu, counter);
	counter->started = true;
	if (event_is_firmware(counter->event_idx))
		firmware_update(counter->vcpu, pmu);
	else
		perf_event_enable(counter->event);
}

int pmu_counter_start(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	int err;

	if (!event_is_firmware(counter->event_idx)) {
		err = counter_event_start(counter);
		if (err)
			return err;
	}

	clear_bit(counter->index, &pmu->overflowed);
	counter_go(pmu, counter);

	return 0;
}

void pmu_counter_stop(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	if (!counter->started)
		return;

	if (counter->event)
		perf_event_disable(counter->event);
	counter->value = pmu_counter_value(pmu, counter);
	counter->started = false;
	if (event_is_firmware(counter->event_idx))
		firmware_update(counter->vcpu, pmu);
}

void pmu_counter_free(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	pmu_counter_stop(pmu, counter);
	counter_event_release(counter);
	counter->event_idx = SBI_PMU_EVENT_IDX_INVALID;
	clear_bit(counter->index, &pmu->overflowed);
}

/*
 * The event of a counter is for a thread that does not run the vCPU any more: go on
 * with one for this thread.  If the host has none left, the counter stands.
 */
static void counter_follow(struct pmu_guest *pmu, struct pmu_counter *counter)
{
	bool started = counter->started;

	if (!counter->event)
		return;

	pmu_counter_stop(pmu, counter);
	counter_event_release(counter);
	if (started && !counter_event_start(counter))
		counter_go(pmu, counter);
}

void riscv_pmu_follow(struct vcpu *vcpu)
{
	struct pmu_guest *pmu = vcpu->arch.pmu;
	unsigned int i;

	if (pmu->task == current)
		return;

	for (i = 0; i < pmu->hardware; i++)
		counter_follow(pmu, &pmu->counter[i]);
	pmu->task = current;
}

int pmu_counter_configure(struct pmu_guest *pmu, struct pmu_counter *counter, u32 event_idx,
			  u64 event_data, unsigned long flags)
{
	int err;

	pmu_counter_free(pmu, counter);
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

struct pmu_guest *pmu_get(struct vcpu *vcpu)
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
	pmu->task = current;
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
		pmu_counter_free(pmu, &pmu->counter[i]);
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
	if (!pmu_counter_configured(&pmu->counter[index]))
		return CSR_ILLEGAL;

	*old = pmu_counter_value(pmu, &pmu->counter[index]);

	return CSR_DONE;
}

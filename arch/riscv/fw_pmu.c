// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's calls about its performance counters (SBI specification, "Performance
 * Monitoring Unit Extension"): the arguments, and what the specification says of
 * sets of counters and of the shared memory for snapshots.  The counters are in
 * pmu.c.  PMU's row of fw.c's table.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>

#include "fw.h"
#include "pmu.h"

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
		value = pmu_counter_value(pmu, &pmu->counter[i]);
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
		if (!pmu_counter_configured(&pmu->counter[i]) && counter_suits(pmu, i, event_idx))
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
	if (event_idx > SBI_PMU_EVENT_IDX_MASK || !pmu_event_exists(event_idx, data))
		return;
	if (flags & SBI_PMU_CFG_FLAG_SKIP_MATCH)
		counter = counter_first(pmu, &set, event_idx);
	else
		counter = counter_match(pmu, &set, event_idx);
	if (!counter || pmu_counter_configure(pmu, counter, event_idx, data, flags))
		return;

	if (flags & SBI_PMU_CFG_FLAG_CLEAR_VALUE)
		counter->value = 0;
	if ((flags & SBI_PMU_CFG_FLAG_AUTO_START) && pmu_counter_start(pmu, counter)) {
		pmu_counter_free(pmu, counter);
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
		if (!pmu_counter_configured(&pmu->counter[i]))
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
		if (pmu_counter_start(pmu, counter))
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
		pmu_counter_stop(pmu, &pmu->counter[i]);
	}
	if ((flags & SBI_PMU_STOP_FLAG_TAKE_SNAPSHOT) && snapshot_write(vcpu, pmu, &set))
		result->error = SBI_ERR_FAILURE;
	/* Only now: it forgets the overflows. */
	if (flags & SBI_PMU_STOP_FLAG_RESET)
		for_each_counter(i, &set)
			pmu_counter_free(pmu, &pmu->counter[i]);
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
	result->value = pmu_counter_value(pmu, &pmu->counter[index]);
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

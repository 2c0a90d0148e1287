// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 interval timer of a PC: three counters at 1.193182 MHz behind ports
 * 0x40 to 0x43.  The output of counter 0 is interrupt line 0; counter 2 belongs
 * to the speaker, whose port 0x61 is here too if user space asks for it
 * (KVM_PIT_SPEAKER_DUMMY), without a sound.
 *
 * Nothing counts: a counter is the time it was loaded and what it was loaded
 * with, and everything else is computed from these when somebody looks.  Only
 * counter 0 has a timer, which delivers its interrupt from where it fires.
 *
 * A guest that keeps time by counting ticks must not lose any.  With reinjection
 * on, which is the default, a tick that comes before the guest has ended the one
 * before is counted, and delivered at that end.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <core/host.h>

#include "x86.h"

#define PIT_HZ			1193182
#define PIT_COUNTERS		3
#define PIT_PORT		0x40	/* counters 0 to 2, then the control word */
#define PIT_CONTROL		3
#define PIT_PORTS		4
#define PIT_GSI			0

#define SPEAKER_PORT		0x61
#define SPEAKER_COUNTER		2
#define SPEAKER_GATE		BIT(0)
#define SPEAKER_DATA		BIT(1)
#define SPEAKER_REFRESH		BIT(4)	/* toggles with each memory refresh */
#define SPEAKER_OUT		BIT(5)
#define SPEAKER_REFRESH_NS	15085

#define PIT_COUNT_MAX		0x10000	/* what 0 means */
#define PIT_AGE_MAX		(1LL << 62)	/* ns since a counter was loaded */

/* Fields of the control word, and of what read-back has in their place. */
#define CONTROL_COUNTER_SHIFT	6
#define CONTROL_READ_BACK	3	/* instead of a counter */
#define CONTROL_RW_SHIFT	4
#define CONTROL_MODE_SHIFT	1
#define CONTROL_BCD		BIT(0)
#define READ_BACK_NO_COUNT	BIT(5)
#define READ_BACK_NO_STATUS	BIT(4)
#define STATUS_OUTPUT		BIT(7)

/* kvm_pit_channel_state.rw_mode, read_state, write_state and count_latched. */
enum {
	RW_LATCH,		/* a latch command; as a state: nothing latched */
	RW_LSB,
	RW_MSB,
	RW_WORD,		/* least significant byte first; as a state: now that one */
	RW_WORD_MSB,		/* as a state only: now the other one */
};

enum {
	MODE_TERMINAL_COUNT,	/* OUT goes up when it is over */
	MODE_ONE_SHOT,		/* started by the gate */
	MODE_RATE,		/* a short pulse each time */
	MODE_SQUARE,
	MODE_SOFT_STROBE,	/* one short pulse */
	MODE_HARD_STROBE,	/* the same, started by the gate */
	MODE_COUNT,
};

/* Reinjection catches up with no more than this many ticks. */
#define PIT_PENDING_MAX		0x10000
/*
 * A tick that nobody has ended for so long was lost: its controller was reset.
 * One that is only late gets company, which does no harm.
 */
#define PIT_LOST_NS		(250 * NSEC_PER_MSEC)

#define PIT_MIN_PERIOD_LOW	20U
#define PIT_MIN_PERIOD_HIGH	50000U
static unsigned int pit_min_period_us = 200;
module_param(pit_min_period_us, uint, 0444);
MODULE_PARM_DESC(pit_min_period_us, "Shortest period of a guest's PIT, in microseconds (20 to 50000)");

/* --- one counter ------------------------------------------------------------------------ */

struct pit_counter {
	struct kvm_pit_channel_state state;
	s64	stopped;	/* when the gate closed, if that stops it; else 0 */
};

static u64 ticks_from_ns(u64 ns)
{
	return mul_u64_u32_div(ns, PIT_HZ, NSEC_PER_SEC);
}

/* Rounded up: after so much time as many ticks have passed. */
static u64 ns_from_ticks(u64 ticks)
{
	return mul_u64_u32_div(ticks, NSEC_PER_SEC, PIT_HZ) + 1;
}

/* Does a closed gate stop it, to go on from there? */
static bool counter_gate_stops(const struct pit_counter *counter)
{
	return counter->state.mode == MODE_TERMINAL_COUNT ||
	       counter->state.mode == MODE_SOFT_STROBE;
}

static u64 counter_elapsed(const struct pit_counter *counter, s64 now)
{
	s64 end = counter->stopped ?: now;

	return end > counter->state.count_load_time ?
	       ticks_from_ns(end - counter->state.count_load_time) : 0;
}

/* What the counting element holds.  BCD counters count in binary here. */
static u16 counter_value(const struct pit_counter *counter, s64 now)
{
	u64 elapsed = counter_elapsed(counter, now);
	u32 count = counter->state.count, phase;

	switch (counter->state.mode) {
	case MODE_RATE:
		div_u64_rem(elapsed, count, &phase);
		return count - phase;
	case MODE_SQUARE:
		/* It goes down by two, twice per period. */
		div_u64_rem(elapsed * 2, count, &phase);
		return (count - phase) & ~1u;
	default:
		/* Over the end, it goes on from the top. */
		return count - elapsed;
	}
}

static bool counter_output(const struct pit_counter *counter, s64 now)
{
	u64 elapsed = counter_elapsed(counter, now);
	u32 count = counter->state.count, phase;

	switch (counter->state.mode) {
	case MODE_RATE:
		div_u64_rem(elapsed, count, &phase);
		return !counter->state.gate || phase != count - 1;
	case MODE_SQUARE:
		div_u64_rem(elapsed, count, &phase);
		return !counter->state.gate || phase < (count + 1) / 2;
	case MODE_SOFT_STROBE:
	case MODE_HARD_STROBE:
		return elapsed != count;
	default:
		return elapsed >= count;
	}
}

static void counter_load(struct pit_counter *counter, u16 value, s64 now)
{
	counter->state.count = value ?: PIT_COUNT_MAX;
	counter->state.count_load_time = now;
	if (counter->stopped)
		counter->stopped = now;
}

static void counter_set_gate(struct pit_counter *counter, bool open, s64 now)
{
	struct kvm_pit_channel_state *state = &counter->state;

	if (state->gate == open)
		return;
	state->gate = open;
	if (!counter_gate_stops(counter)) {
		/* Everything else starts anew with the gate. */
		if (open)
			state->count_load_time = now;
	} else if (!open) {
		counter->stopped = now;
	} else if (counter->stopped) {
		state->count_load_time += now - counter->stopped;
		counter->stopped = 0;
	}
}

static void counter_latch_count(struct pit_counter *counter, s64 now)
{
	if (counter->state.count_latched)
		return;
	counter->state.latched_count = counter_value(counter, now);
	counter->state.count_latched = counter->state.rw_mode;
}

static void counter_latch_status(struct pit_counter *counter, s64 now)
{
	struct kvm_pit_channel_state *state = &counter->state;

	if (state->status_latched)
		return;
	state->status = (counter_output(counter, now) ? STATUS_OUTPUT : 0) |
			state->rw_mode << CONTROL_RW_SHIFT |
			state->mode << CONTROL_MODE_SHIFT | state->bcd;
	state->status_latched = 1;
}

/* A control word for this counter: it stops until it is loaded. */
static void counter_control(struct pit_counter *counter, u8 value, s64 now)
{
	struct kvm_pit_channel_state *state = &counter->state;
	u8 mode = (value >> CONTROL_MODE_SHIFT) & 7;

	state->rw_mode = (value >> CONTROL_RW_SHIFT) & 3;
	state->read_state = state->rw_mode;
	state->write_state = state->rw_mode;
	state->count_latched = 0;
	state->status_latched = 0;
	/* The highest bit of modes 2 and 3 does not count. */
	state->mode = mode < MODE_COUNT ? mode : mode - 4;
	state->bcd = value & CONTROL_BCD;
	counter->stopped = !state->gate && counter_gate_stops(counter) ? now : 0;
}

/* The next byte of @value that the sequence *@state is at. */
static u8 sequence_byte(u16 value, u8 *state)
{
	switch (*state) {
	case RW_MSB:
		return value >> 8;
	case RW_WORD:
		*state = RW_WORD_MSB;
		return value;
	case RW_WORD_MSB:
		*state = RW_WORD;
		return value >> 8;
	default:
		return value;
	}
}

static u8 counter_read(struct pit_counter *counter, s64 now)
{
	struct kvm_pit_channel_state *state = &counter->state;
	u8 value;

	if (state->status_latched) {
		state->status_latched = 0;
		return state->status;
	}
	if (!state->count_latched)
		return sequence_byte(counter_value(counter, now), &state->read_state);

	value = sequence_byte(state->latched_count, &state->count_latched);
	/* Latched until it has been read whole. */
	if (state->count_latched != RW_WORD_MSB)
		state->count_latched = 0;

	return value;
}

/* True if that completed a count: it was loaded. */
static bool counter_write(struct pit_counter *counter, u8 value, s64 now)
{
	struct kvm_pit_channel_state *state = &counter->state;

	switch (state->write_state) {
	case RW_WORD:
		state->write_latch = value;
		state->write_state = RW_WORD_MSB;
		return false;
	case RW_WORD_MSB:
		state->write_state = RW_WORD;
		counter_load(counter, state->write_latch | value << 8, now);
		return true;
	case RW_MSB:
		counter_load(counter, value << 8, now);
		return true;
	default:
		counter_load(counter, value, now);
		return true;
	}
}

/* --- the timer of counter 0: all with pit->lock held --------------------------------------- */

struct pit {
	struct vm		*vm;		/* (c) */
	raw_spinlock_t		 lock;		/* all below */
	struct pit_counter	 counter[PIT_COUNTERS];
	bool			 hpet_legacy;	/* the HPET has line 0: no interrupts */
	bool			 speaker_data;
	struct io_device	 device;	/* both port ranges */

	struct hrtimer		 timer;
	bool			 armed;
	ktime_t			 expires;
	u32			 period;	/* ticks of the counter; 0: once */
	u64			 fired;		/* periods that are over */

	struct eoi_notifier	 notifier;
	bool			 reinject;
	bool			 unended;	/* the last tick was not ended yet */
	ktime_t			 delivered;	/* when that one was */
	u32			 pending;	/* ticks to deliver */
};

/* Give the guest the next tick, if there is one and it may have it. */
static void pit_deliver(struct pit *pit, ktime_t now)
{
	int ret;

	if (!pit->reinject) {
		pit->pending = 0;
		irqroute_pulse(pit->vm, PIT_GSI, IRQ_SOURCE_ARCH);
		return;
	}
	if (!pit->pending)
		return;
	if (pit->unended && ktime_sub(now, pit->delivered) < PIT_LOST_NS)
		return;

	ret = irqroute_pulse(pit->vm, PIT_GSI, IRQ_SOURCE_ARCH);
	if (ret < 0) {
		/* Masked: these ticks are lost, as on hardware. */
		pit->pending = 0;
		pit->unended = false;
		return;
	}
	if (ret > 0)
		pit->pending--;
	pit->unended = true;
	pit->delivered = now;
}

static void pit_tick(struct pit *pit, u64 count, ktime_t now)
{
	pit->pending = min_t(u64, pit->pending + count, PIT_PENDING_MAX);
	pit_deliver(pit, now);
}

/* The end of period number @fired + 1 after the load. */
static ktime_t pit_next(struct pit *pit)
{
	return pit->counter[0].state.count_load_time +
	       ns_from_ticks((pit->fired + 1) * pit->period);
}

static enum hrtimer_restart pit_timer(struct hrtimer *timer)
{
	struct pit *pit = container_of(timer, struct pit, timer);
	ktime_t now = ktime_get();
	unsigned long flags;
	u64 over;

	raw_spin_lock_irqsave(&pit->lock, flags);
	/* It was stopped, or started anew, while this was on its way. */
	if (!pit->armed || now < pit->expires)
		goto out_unlock;
	if (!pit->period) {
		pit->armed = false;
		pit_tick(pit, 1, now);
		goto out_unlock;
	}

	over = div_u64(counter_elapsed(&pit->counter[0], now), pit->period);
	pit_tick(pit, over - pit->fired, now);
	pit->fired = over;
	pit->expires = pit_next(pit);
	hrtimer_start(timer, pit->expires, HRTIMER_MODE_ABS_HARD);

out_unlock:
	raw_spin_unlock_irqrestore(&pit->lock, flags);

	return HRTIMER_NORESTART;
}

static void pit_timer_stop(struct pit *pit)
{
	pit->armed = false;
	pit->pending = 0;
	pit->unended = false;
	/* If it is running it waits for the lock, and then sees that. */
	hrtimer_try_to_cancel(&pit->timer);
}

/* Counter 0 is as it is: have its next interrupt come. */
static void pit_timer_start(struct pit *pit)
{
	const struct kvm_pit_channel_state *state = &pit->counter[0].state;
	ktime_t now = ktime_get();
	u32 min_period;

	pit_timer_stop(pit);
	if (pit->hpet_legacy)
		return;

	switch (state->mode) {
	case MODE_RATE:
	case MODE_SQUARE:
		/* The guest's timer must not be the host's load. */
		min_period = ticks_from_ns(clamp(pit_min_period_us, PIT_MIN_PERIOD_LOW,
						 PIT_MIN_PERIOD_HIGH) * NSEC_PER_USEC);
		pit->period = max(state->count, min_period);
		pit->fired = div_u64(counter_elapsed(&pit->counter[0], now), pit->period);
		pit->expires = pit_next(pit);
		break;
	case MODE_TERMINAL_COUNT:
	case MODE_SOFT_STROBE:
		pit->period = 0;
		pit->expires = state->count_load_time + ns_from_ticks(state->count);
		if (pit->expires < now)
			return;		/* that was before */
		break;
	default:
		return;			/* the gate of counter 0 never moves */
	}

	pit->armed = true;
	hrtimer_start(&pit->timer, pit->expires, HRTIMER_MODE_ABS_HARD);
}

/* The guest ended an interrupt of line 0.  Atomic. */
static void pit_eoi(struct eoi_notifier *notifier)
{
	struct pit *pit = container_of(notifier, struct pit, notifier);
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	if (pit->reinject && pit->unended) {
		pit->unended = false;
		pit_deliver(pit, ktime_get());
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

/* --- ports: pit->lock held --------------------------------------------------------------------- */

static void pit_write_control(struct pit *pit, u8 value, s64 now)
{
	unsigned int index = value >> CONTROL_COUNTER_SHIFT;
	unsigned int i;

	if (index == CONTROL_READ_BACK) {
		for (i = 0; i < PIT_COUNTERS; i++) {
			if (!(value & BIT(i + 1)))
				continue;
			if (!(value & READ_BACK_NO_COUNT))
				counter_latch_count(&pit->counter[i], now);
			if (!(value & READ_BACK_NO_STATUS))
				counter_latch_status(&pit->counter[i], now);
		}
		return;
	}

	index = array_index_nospec(index, PIT_COUNTERS);
	if (((value >> CONTROL_RW_SHIFT) & 3) == RW_LATCH) {
		counter_latch_count(&pit->counter[index], now);
		return;
	}
	counter_control(&pit->counter[index], value, now);
	if (index == 0)
		pit_timer_stop(pit);
}

static void pit_write_port(struct pit *pit, unsigned int index, u8 value, s64 now)
{
	if (index == PIT_CONTROL) {
		pit_write_control(pit, value, now);
		return;
	}
	index = array_index_nospec(index, PIT_COUNTERS);
	if (counter_write(&pit->counter[index], value, now) && index == 0)
		pit_timer_start(pit);
}

static u8 pit_read_port(struct pit *pit, unsigned int index, s64 now)
{
	if (index == PIT_CONTROL)
		return 0;	/* it cannot be read */

	return counter_read(&pit->counter[array_index_nospec(index, PIT_COUNTERS)], now);
}

static void speaker_write(struct pit *pit, u8 value, s64 now)
{
	pit->speaker_data = value & SPEAKER_DATA;
	counter_set_gate(&pit->counter[SPEAKER_COUNTER], value & SPEAKER_GATE, now);
}

static u8 speaker_read(struct pit *pit, s64 now)
{
	const struct pit_counter *counter = &pit->counter[SPEAKER_COUNTER];

	return (counter->state.gate ? SPEAKER_GATE : 0) |
	       (pit->speaker_data ? SPEAKER_DATA : 0) |
	       (div_u64(now, SPEAKER_REFRESH_NS) & 1 ? SPEAKER_REFRESH : 0) |
	       (counter_output(counter, now) ? SPEAKER_OUT : 0);
}

/* The ports are a byte wide; a wider access is several. */
static int pit_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
		     const void *data)
{
	struct pit *pit = container_of(device, struct pit, device);
	s64 now = ktime_get();
	const u8 *bytes = data;
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++) {
		if (addr == SPEAKER_PORT)
			speaker_write(pit, bytes[i], now);
		else
			pit_write_port(pit, addr - PIT_PORT + i, bytes[i], now);
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);

	return 0;
}

static int pit_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
		    void *data)
{
	struct pit *pit = container_of(device, struct pit, device);
	s64 now = ktime_get();
	unsigned long flags;
	u8 *bytes = data;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++) {
		if (addr == SPEAKER_PORT)
			bytes[i] = speaker_read(pit, now);
		else
			bytes[i] = pit_read_port(pit, addr - PIT_PORT + i, now);
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);

	return 0;
}

static const struct io_device_ops pit_ops = {
	.read	= pit_read,
	.write	= pit_write,
};

/* --- user space's view ---------------------------------------------------------------------------- */

int pit_get(struct vm *vm, struct kvm_pit_state2 *state)
{
	struct pit *pit = vm->arch.pit;
	unsigned long flags;
	int i;

	if (!pit)
		return -ENXIO;

	memset(state, 0, sizeof(*state));
	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < PIT_COUNTERS; i++)
		state->channels[i] = pit->counter[i].state;
	if (pit->hpet_legacy)
		state->flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	if (pit->speaker_data)
		state->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	raw_spin_unlock_irqrestore(&pit->lock, flags);

	return 0;
}

/* A counter as user space has it, in the ranges hardware has.  0 or -EINVAL. */
static int counter_from_user(struct pit_counter *counter,
			     const struct kvm_pit_channel_state *state, s64 now)
{
	if (state->count > PIT_COUNT_MAX || state->mode > 7 || state->rw_mode > RW_WORD ||
	    state->read_state > RW_WORD_MSB || state->write_state > RW_WORD_MSB ||
	    state->count_latched > RW_WORD_MSB)
		return -EINVAL;

	counter->state = *state;
	if (!counter->state.count)
		counter->state.count = PIT_COUNT_MAX;
	if (counter->state.mode >= MODE_COUNT)
		counter->state.mode -= 4;
	counter->state.bcd = !!state->bcd;
	counter->state.gate = !!state->gate;
	counter->state.status_latched = !!state->status_latched;
	counter->state.count_load_time = clamp_t(s64, state->count_load_time,
						 now - PIT_AGE_MAX, now);
	counter->stopped = !counter->state.gate && counter_gate_stops(counter) ? now : 0;

	return 0;
}

int pit_set(struct vm *vm, const struct kvm_pit_state2 *state)
{
	struct pit_counter counter[PIT_COUNTERS];
	struct pit *pit = vm->arch.pit;
	s64 now = ktime_get();
	unsigned long flags;
	int i, ret;

	if (!pit)
		return -ENXIO;
	if (state->flags & ~(KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON))
		return -EINVAL;
	for (i = 0; i < PIT_COUNTERS; i++) {
		ret = counter_from_user(&counter[i], &state->channels[i], now);
		if (ret)
			return ret;
	}

	raw_spin_lock_irqsave(&pit->lock, flags);
	memcpy(pit->counter, counter, sizeof(counter));
	pit->hpet_legacy = state->flags & KVM_PIT_FLAGS_HPET_LEGACY;
	pit->speaker_data = state->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	pit_timer_start(pit);
	raw_spin_unlock_irqrestore(&pit->lock, flags);

	return 0;
}

void pit_reinject(struct vm *vm, bool on)
{
	struct pit *pit = vm->arch.pit;
	unsigned long flags;

	if (!pit)
		return;
	raw_spin_lock_irqsave(&pit->lock, flags);
	pit->reinject = on;
	pit->pending = 0;
	pit->unended = false;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

/* --- life ----------------------------------------------------------------------------------------- */

static int pit_register(struct pit *pit, bool speaker)
{
	struct vm *vm = pit->vm;
	int ret;

	mutex_lock(&vm->slots_lock);
	ret = iobus_register(vm, IOBUS_PIO, PIT_PORT, PIT_PORTS, &pit->device);
	if (!ret && speaker)
		ret = iobus_register(vm, IOBUS_PIO, SPEAKER_PORT, 1, &pit->device);
	if (ret)
		iobus_unregister(vm, IOBUS_PIO, &pit->device);
	mutex_unlock(&vm->slots_lock);

	return ret;
}

/* As a PC's firmware leaves them; nothing runs until a count is loaded. */
static void pit_reset(struct pit *pit)
{
	s64 now = ktime_get();
	int i;

	for (i = 0; i < PIT_COUNTERS; i++) {
		struct kvm_pit_channel_state *state = &pit->counter[i].state;

		state->mode = MODE_SQUARE;
		state->gate = i != SPEAKER_COUNTER;
		state->count = PIT_COUNT_MAX;
		state->count_load_time = now;
	}
}

int pit_create(struct vm *vm, const struct kvm_pit_config *config)
{
	struct pit *pit;
	int ret;

	lockdep_assert_held(&vm->lock);

	if (config->flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	if (vm->arch.pit)
		return -EEXIST;
	if (!vm->arch.pic)
		return -ENOENT;

	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit->vm = vm;
	raw_spin_lock_init(&pit->lock);
	pit->device.ops = &pit_ops;
	pit->reinject = true;
	pit->notifier.gsi = PIT_GSI;
	pit->notifier.eoi = pit_eoi;
	host_hrtimer_setup(&pit->timer, pit_timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	pit_reset(pit);

	eoi_notifier_register(vm, &pit->notifier);
	ret = pit_register(pit, config->flags & KVM_PIT_SPEAKER_DUMMY);
	if (ret) {
		eoi_notifier_unregister(vm, &pit->notifier);
		kfree(pit);
		return ret;
	}
	vm->arch.pit = pit;

	return 0;
}

void pit_destroy(struct vm *vm)
{
	struct pit *pit = vm->arch.pit;
	unsigned long flags;

	if (!pit)
		return;
	mutex_lock(&vm->slots_lock);
	iobus_unregister(vm, IOBUS_PIO, &pit->device);
	mutex_unlock(&vm->slots_lock);
	eoi_notifier_unregister(vm, &pit->notifier);

	/* Nobody is left to start it again, but the timer itself. */
	raw_spin_lock_irqsave(&pit->lock, flags);
	pit_timer_stop(pit);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	hrtimer_cancel(&pit->timer);
	vm->arch.pit = NULL;
	kfree(pit);
}

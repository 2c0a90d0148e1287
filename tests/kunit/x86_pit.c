// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters of the 8254 at times that the test chooses: values, outputs,
 * latches, gates, and what user space may put in.
 */
#include "../../arch/x86/pit.c"

#include "x86_suite.h"

#define START		(1000 * NSEC_PER_SEC)

/* The time at which @ticks have passed since START. */
static s64 after(u64 ticks)
{
	return START + ns_from_ticks(ticks);
}

/* A counter with its control word and count written at START. */
static struct pit_counter loaded(u8 mode, u16 count)
{
	struct pit_counter counter = { .state.gate = 1 };

	counter_control(&counter, RW_WORD << CONTROL_RW_SHIFT | mode << CONTROL_MODE_SHIFT, START);
	counter_write(&counter, count, START);
	counter_write(&counter, count >> 8, START);

	return counter;
}

static void ticks(struct kunit *test)
{
	u64 n, second = NSEC_PER_SEC;

	/* The kernel's assembly goes wrong with constants that are equal. */
	OPTIMIZER_HIDE_VAR(second);
	KUNIT_EXPECT_EQ(test, ticks_from_ns(0), 0);
	KUNIT_EXPECT_EQ(test, ticks_from_ns(second), PIT_HZ);
	/* Rounded up, so that the tick is over then, and not one more. */
	for (n = 1; n < 1ULL << 40; n = n * 3 + 1)
		KUNIT_EXPECT_EQ(test, ticks_from_ns(ns_from_ticks(n)), n);
	/* As old as a counter may be. */
	KUNIT_EXPECT_GT(test, ticks_from_ns(PIT_AGE_MAX), 0);
}

static void values(struct kunit *test)
{
	static const struct {
		u8	mode;
		u16	count;
		u64	elapsed;
		u16	value;
		bool	output;
	} rows[] = {
		{ MODE_TERMINAL_COUNT,	1000,	0,	1000,	false },
		{ MODE_TERMINAL_COUNT,	1000,	999,	1,	false },
		{ MODE_TERMINAL_COUNT,	1000,	1000,	0,	true },
		{ MODE_TERMINAL_COUNT,	1000,	1001,	0xffff,	true },
		{ MODE_TERMINAL_COUNT,	0,	1,	0xffff,	false },
		{ MODE_ONE_SHOT,	10,	5,	5,	false },
		{ MODE_ONE_SHOT,	10,	10,	0,	true },
		{ MODE_RATE,		100,	0,	100,	true },
		{ MODE_RATE,		100,	99,	1,	false },
		{ MODE_RATE,		100,	100,	100,	true },
		{ MODE_RATE,		100,	100099,	1,	false },
		{ MODE_SQUARE,		100,	0,	100,	true },
		{ MODE_SQUARE,		100,	49,	2,	true },
		{ MODE_SQUARE,		100,	50,	100,	false },
		{ MODE_SQUARE,		101,	50,	0,	true },
		{ MODE_SQUARE,		101,	51,	100,	false },
		{ MODE_SOFT_STROBE,	5,	4,	1,	true },
		{ MODE_SOFT_STROBE,	5,	5,	0,	false },
		{ MODE_SOFT_STROBE,	5,	6,	0xffff,	true },
		{ MODE_HARD_STROBE,	5,	5,	0,	false },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pit_counter counter = loaded(rows[i].mode, rows[i].count);
		s64 now = rows[i].elapsed ? after(rows[i].elapsed) : START;

		KUNIT_EXPECT_EQ_MSG(test, counter_value(&counter, now), rows[i].value, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, counter_output(&counter, now), rows[i].output,
				    "row %d", i);
	}
}

/* A count of 0, the longest, and times before the load and far behind it. */
static void extremes(struct kunit *test)
{
	int mode;

	for (mode = 0; mode < MODE_COUNT; mode++) {
		struct pit_counter counter = loaded(mode, 0);

		KUNIT_EXPECT_EQ(test, counter.state.count, PIT_COUNT_MAX);
		KUNIT_EXPECT_EQ(test, counter_value(&counter, START - NSEC_PER_SEC), 0);
		counter_value(&counter, START + PIT_AGE_MAX);
		counter_output(&counter, START + PIT_AGE_MAX);
		counter = loaded(mode, 1);
		counter_value(&counter, START + PIT_AGE_MAX);
		counter_output(&counter, START + PIT_AGE_MAX);
	}
}

static void bytes(struct kunit *test)
{
	struct pit_counter counter = { .state.gate = 1 };

	counter_control(&counter, RW_LSB << CONTROL_RW_SHIFT | MODE_RATE << CONTROL_MODE_SHIFT, START);
	KUNIT_EXPECT_TRUE(test, counter_write(&counter, 0x34, START));
	KUNIT_EXPECT_EQ(test, counter.state.count, 0x34);
	KUNIT_EXPECT_EQ(test, counter_read(&counter, START), 0x34);
	counter_control(&counter, RW_MSB << CONTROL_RW_SHIFT | MODE_RATE << CONTROL_MODE_SHIFT, START);
	KUNIT_EXPECT_TRUE(test, counter_write(&counter, 0x12, START));
	KUNIT_EXPECT_EQ(test, counter.state.count, 0x1200);
	KUNIT_EXPECT_EQ(test, counter_read(&counter, START), 0x12);
	counter_control(&counter, RW_WORD << CONTROL_RW_SHIFT | MODE_RATE << CONTROL_MODE_SHIFT, START);
	KUNIT_EXPECT_FALSE(test, counter_write(&counter, 0x78, START));
	KUNIT_EXPECT_TRUE(test, counter_write(&counter, 0x56, START));
	KUNIT_EXPECT_EQ(test, counter.state.count, 0x5678);
	KUNIT_EXPECT_EQ(test, counter_read(&counter, START), 0x78);
	KUNIT_EXPECT_EQ(test, counter_read(&counter, START), 0x56);
}

/* A latched count stands still until it was read whole; status comes first. */
static void latches(struct kunit *test)
{
	struct pit_counter counter = loaded(MODE_RATE, 0x1000);

	counter_latch_count(&counter, after(0x10));
	counter_latch_count(&counter, after(0x20));
	counter_latch_status(&counter, after(0x10));
	KUNIT_EXPECT_EQ(test, counter_read(&counter, after(0x30)),
			STATUS_OUTPUT | RW_WORD << CONTROL_RW_SHIFT |
			MODE_RATE << CONTROL_MODE_SHIFT);
	KUNIT_EXPECT_EQ(test, counter_read(&counter, after(0x30)), 0xf0);
	KUNIT_EXPECT_EQ(test, counter_read(&counter, after(0x31)), 0x0f);
	/* Live again. */
	KUNIT_EXPECT_EQ(test, counter_read(&counter, after(0x40)), 0xc0);
}

static void gates(struct kunit *test)
{
	struct pit_counter counter = loaded(MODE_TERMINAL_COUNT, 1000);

	/* It goes on where it stopped. */
	counter_set_gate(&counter, false, after(100));
	KUNIT_EXPECT_EQ(test, counter_value(&counter, after(500)), 900);
	counter_set_gate(&counter, true, after(500));
	KUNIT_EXPECT_LE(test, abs(counter_value(&counter, after(600)) - 800), 1);
	/* It starts anew. */
	counter = loaded(MODE_RATE, 1000);
	counter_set_gate(&counter, false, after(100));
	KUNIT_EXPECT_TRUE(test, counter_output(&counter, after(999)));
	counter_set_gate(&counter, true, after(500));
	KUNIT_EXPECT_LE(test, abs(counter_value(&counter, after(600)) - 900), 1);
}

static void from_user(struct kunit *test)
{
	static const struct {
		struct kvm_pit_channel_state	state;
		int				ret;
	} rows[] = {
		{ { .count = 0x10000, .mode = 2, .rw_mode = 3, .read_state = 4 }, 0 },
		{ { .count = 0, .mode = 7 }, 0 },
		{ { .count = 1, .count_load_time = S64_MIN }, 0 },
		{ { .count = 1, .count_load_time = S64_MAX }, 0 },
		{ { .count = 0x10001 }, -EINVAL },
		{ { .mode = 8 }, -EINVAL },
		{ { .rw_mode = 4 }, -EINVAL },
		{ { .read_state = 5 }, -EINVAL },
		{ { .write_state = 5 }, -EINVAL },
		{ { .count_latched = 5 }, -EINVAL },
	};
	struct pit_counter counter;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int ret = counter_from_user(&counter, &rows[i].state, START);

		KUNIT_EXPECT_EQ_MSG(test, ret, rows[i].ret, "row %d", i);
		if (ret)
			continue;
		KUNIT_EXPECT_GT(test, counter.state.count, 0);
		KUNIT_EXPECT_LT(test, counter.state.mode, MODE_COUNT);
		KUNIT_EXPECT_LE(test, counter.state.count_load_time, START);
		counter_value(&counter, START);
		counter_output(&counter, START);
		counter_read(&counter, START);
		counter_read(&counter, START);
	}
}

static struct kunit_case x86_pit_cases[] = {
	KUNIT_CASE(ticks),
	KUNIT_CASE(values),
	KUNIT_CASE(extremes),
	KUNIT_CASE(bytes),
	KUNIT_CASE(latches),
	KUNIT_CASE(gates),
	KUNIT_CASE(from_user),
	{ }
};

static struct kunit_suite x86_pit_suite = {
	.name		= "x86_pit",
	.test_cases	= x86_pit_cases,
};

kunit_test_suite(x86_pit_suite);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A test is a function that returns.  Each runs in a process of its own, so it
 * may leave things behind, but no memory: the leak checker looks at the end.
 */
#ifndef UNIT_TEST_H
#define UNIT_TEST_H

#include <shim/kernel.h>

struct test {
	const char	*name;
	void		(*run)(void);
	struct test	*next;
};

void test_register(struct test *test);
void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));
void test_skip(const char *why) __attribute__((noreturn));

#define TEST(name_)							\
	static void test_##name_(void);					\
	static struct test test_row_##name_ = {				\
		.name = #name_, .run = test_##name_,			\
	};								\
	__attribute__((constructor)) static void test_register_##name_(void)	\
	{								\
		test_register(&test_row_##name_);			\
	}								\
	static void test_##name_(void)

#define CHECK(condition)	do {					\
	if (!(condition))						\
		test_fail(__FILE__, __LINE__, "%s", #condition);	\
} while (0)

#define CHECK_EQ(got, wanted)	do {					\
	long long got_ = (long long)(got), wanted_ = (long long)(wanted);	\
	if (got_ != wanted_)						\
		test_fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %lld (%#llx)",	\
			  #got, got_, (unsigned long long)got_, wanted_,	\
			  (unsigned long long)wanted_);			\
} while (0)

/* The same numbers in every run. */
u64 test_random(void);
void test_seed(u64 seed);

#endif /* UNIT_TEST_H */

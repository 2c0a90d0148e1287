/* SPDX-License-Identifier: GPL-2.0-only */
/* Results as TAP lines. */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

static inline void tap(bool ok, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", ok ? "" : "not ", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	tap_failed += !ok;
}

static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);

	return tap_failed != 0;
}

#endif /* TEST_TAP_H */

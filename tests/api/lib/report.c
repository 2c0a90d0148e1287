// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results as TAP, and main().  The last line is what the runner judges by:
 * "RESULT: PASS", "RESULT: FAIL" or "RESULT: SKIP reason".
 */
#include <stdarg.h>
#include <lib/kvm.h>

extern const struct test __start_tests[], __stop_tests[];

char **test_args;
int test_arg_count;

static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;
static int report_count, report_failed;

static void finish(const char *verdict, int status) __attribute__((noreturn));

static void finish(const char *verdict, int status)
{
	printf("1..%d\nRESULT: %s\n", report_count, verdict);
	fflush(stdout);
	/* Threads may still run a vCPU. */
	_exit(status);
}

static bool report_va(bool condition, const char *format, va_list args)
{
	pthread_mutex_lock(&report_lock);
	report_count++;
	report_failed += !condition;
	printf("%sok %d - ", condition ? "" : "not ", report_count);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	pthread_mutex_unlock(&report_lock);

	return condition;
}

bool report(bool condition, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_va(condition, format, args);
	va_end(args);

	return condition;
}

bool report_errno(int result, int expected, const char *format, ...)
{
	int error = errno;
	bool good = result == -1 && error == expected;
	va_list args;

	va_start(args, format);
	report_va(good, format, args);
	va_end(args);
	if (!good)
		note("returned %d (%s), expected -1 (%s)", result,
		     result == -1 ? strerror(error) : "no error", strerror(expected));

	return good;
}

bool report_unknown(int result, const char *format, ...)
{
	int error = errno;
	bool good = result == -1 && (error == ENOTTY || error == EINVAL);
	va_list args;

	va_start(args, format);
	report_va(good, format, args);
	va_end(args);
	if (!good)
		note("returned %d (%s)", result, result == -1 ? strerror(error) : "no error");

	return good;
}

bool in_tree(void)
{
	const char *name = getenv("KEEL_HYPERVISOR");

	return name && !strcmp(name, "in-tree");
}

void note(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void bail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_va(false, format, args);
	va_end(args);
	finish("FAIL", 1);
}

void skip(const char *format, ...)
{
	char reason[200];
	va_list args;

	if (report_failed)
		finish("FAIL", 1);
	strcpy(reason, "SKIP ");
	va_start(args, format);
	vsnprintf(reason + 5, sizeof(reason) - 5, format, args);
	va_end(args);
	finish(reason, 77);
}

bool test_has_arg(const char *word)
{
	int i;

	for (i = 0; i < test_arg_count; i++)
		if (!strcmp(test_args[i], word))
			return true;

	return false;
}

int main(int argc, char **argv)
{
	const struct test *test;

	if (argc == 2 && !strcmp(argv[1], "--hold")) {
		vm_create(VM_BARE);
		pause();
	}
	if (argc < 2 || !strcmp(argv[1], "--list")) {
		for (test = __start_tests; test < __stop_tests; test++)
			puts(test->name);
		return argc < 2;
	}
	test_args = argv + 2;
	test_arg_count = argc - 2;
	for (test = __start_tests; test < __stop_tests; test++) {
		if (strcmp(test->name, argv[1]))
			continue;
		test->run();
		if (!report_count)
			bail("the test reported nothing");
		finish(report_failed ? "FAIL" : "PASS", report_failed ? 1 : 0);
	}
	bail("there is no test %s", argv[1]);
}

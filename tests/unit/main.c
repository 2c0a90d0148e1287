// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the tests a table names, each in a process of its own, and prints TAP.
 *
 *	unit TABLE		all rows of the table
 *	unit TABLE NAME...	these
 *
 * Rows have the fields of the other suites' tables: name | isa | file | arguments
 * | vCPUs | seconds | groups.
 */
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static struct test *tests;
static u64 random_state = 1;

void test_register(struct test *test)
{
	test->next = tests;
	tests = test;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "# %s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	fflush(stderr);
	/* Not exit(): a failed test may leave anything behind. */
	_exit(1);
}

#define STATUS_SKIP	77

void test_skip(const char *why)
{
	printf("# SKIP %s\n", why);
	fflush(stdout);
	_exit(STATUS_SKIP);
}

void test_seed(u64 seed)
{
	random_state = seed * 2 + 1;
}

/* xorshift64* */
u64 test_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;

	return random_state * 2685821657736338717ULL >> 16;
}

static const struct test *test_find(const char *name)
{
	const struct test *test;

	for (test = tests; test; test = test->next)
		if (!strcmp(test->name, name))
			return test;

	return NULL;
}

static int test_run(const struct test *test, int seconds)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(seconds);
		test->run();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;

	if (WIFSIGNALED(status)) {
		printf("# %s: ended by signal %d (%s)\n", test->name, WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM ? "time is up" : strsignal(WTERMSIG(status)));
		return -1;
	}

	return WEXITSTATUS(status);
}

static bool wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;

	return false;
}

struct row {
	char	name[64];
	char	file[64];
	int	seconds;
};

static struct row rows[512];

/* All of it, before the first test: a child shares the file's position. */
static int table_read(const char *path)
{
	FILE *table = fopen(path, "r");
	char line[256];
	int count = 0;

	while (table && fgets(line, sizeof(line), table))
		if (line[0] != '#' && count < (int)ARRAY_SIZE(rows) &&
		    sscanf(line, "%63s | any | %63s | | %*d | %d |", rows[count].name,
			   rows[count].file, &rows[count].seconds) == 3)
			count++;
	if (table)
		fclose(table);

	return count;
}

/* A test that no row names would never run. */
static int check_complete(int count)
{
	const struct test *test;
	int i, missing = 0;

	for (test = tests; test; test = test->next) {
		for (i = 0; i < count && strcmp(rows[i].name, test->name); i++)
			;
		if (i < count)
			continue;
		printf("# the table has no row for %s\n", test->name);
		missing++;
	}

	return missing;
}

int main(int argc, char **argv)
{
	int i, count, number = 0, failed, status;
	const struct test *test;

	count = argc > 1 ? table_read(argv[1]) : 0;
	if (!count) {
		fprintf(stderr, "usage: unit TABLE [NAME...]\n");
		return 2;
	}
	failed = argc == 2 ? check_complete(count) : 0;

	for (i = 0; i < count; i++) {
		if (!wanted(rows[i].name, argv + 2))
			continue;
		test = test_find(rows[i].name);
		status = test ? test_run(test, rows[i].seconds) : -1;
		number++;
		if (status && status != STATUS_SKIP)
			failed++;
		printf("%s %d - %s%s\n", !status || status == STATUS_SKIP ? "ok" : "not ok",
		       number, rows[i].name, status == STATUS_SKIP ? " # SKIP" :
		       test ? "" : " (no such test)");
	}
	printf("1..%d\n", number);

	return failed || !number;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of ioctls and capabilities: each command once, rows that make sense,
 * and an end.  That the handlers do what they should is the API tests' business.
 */
#include "suite.h"

#define ROWS_MAX	256	/* more than any table has: it has no end */
#define FLAGS_KNOWN	(IOCTL_VM_LOCK | IOCTL_SLOTS | IOCTL_VCPU | IOCTL_LOAD | \
			 IOCTL_SRCU | IOCTL_RAW)

static int table_rows(const struct ioctl_desc *table)
{
	int rows = 0;

	while (rows < ROWS_MAX && table[rows].cmd)
		rows++;

	return rows;
}

/* The core's table and the architecture's are one to user space. */
static void check_unique(struct kunit *test, const struct ioctl_desc *core,
			 const struct ioctl_desc *arch)
{
	int core_rows = table_rows(core), rows = core_rows + table_rows(arch);
	int i, j;

	for (i = 0; i < rows; i++) {
		const struct ioctl_desc *one = i < core_rows ? &core[i] : &arch[i - core_rows];

		for (j = i + 1; j < rows; j++) {
			const struct ioctl_desc *other = j < core_rows ? &core[j]
								       : &arch[j - core_rows];

			KUNIT_EXPECT_NE_MSG(test, one->cmd, other->cmd, "%s and %s",
					    one->name, other->name);
		}
	}
}

static void check_row(struct kunit *test, const struct ioctl_desc *row, u32 allowed)
{
	KUNIT_EXPECT_EQ_MSG(test, _IOC_TYPE(row->cmd), KVMIO, "%s", row->name);
	KUNIT_EXPECT_NOT_NULL_MSG(test, row->handler, "%s", row->name);
	KUNIT_EXPECT_EQ_MSG(test, row->flags & ~allowed, 0, "%s", row->name);
	/* Loading is done by who holds the vCPU. */
	if (row->flags & IOCTL_LOAD)
		KUNIT_EXPECT_TRUE_MSG(test, row->flags & IOCTL_VCPU, "%s", row->name);
	/* What is copied has a size, and fits. */
	if (row->flags & IOCTL_RAW)
		return;
	KUNIT_EXPECT_LE_MSG(test, _IOC_SIZE(row->cmd), IOCTL_DATA_MAX, "%s", row->name);
	KUNIT_EXPECT_GT_MSG(test, _IOC_SIZE(row->cmd), 0, "%s", row->name);
	KUNIT_EXPECT_NE_MSG(test, _IOC_DIR(row->cmd), _IOC_NONE, "%s", row->name);
}

static void check_tables(struct kunit *test, const struct ioctl_desc *core,
			 const struct ioctl_desc *arch, u32 allowed)
{
	int i, core_rows = table_rows(core), arch_rows = table_rows(arch);

	KUNIT_EXPECT_GT(test, core_rows, 0);
	KUNIT_ASSERT_LT(test, core_rows, ROWS_MAX);
	KUNIT_ASSERT_LT(test, arch_rows, ROWS_MAX);
	for (i = 0; i < core_rows; i++)
		check_row(test, &core[i], allowed);
	for (i = 0; i < arch_rows; i++)
		check_row(test, &arch[i], allowed);
	check_unique(test, core, arch);
}

static void system_table(struct kunit *test)
{
	/* There is no VM to lock. */
	check_tables(test, suite_system_ioctls, arch_system_ioctls, IOCTL_RAW);
}

static void vm_table(struct kunit *test)
{
	check_tables(test, suite_vm_ioctls, arch_vm_ioctls,
		     FLAGS_KNOWN & ~(IOCTL_VCPU | IOCTL_LOAD));
}

static void vcpu_table(struct kunit *test)
{
	check_tables(test, suite_vcpu_ioctls, arch_vcpu_ioctls, FLAGS_KNOWN);
}

static bool core_offers(u32 cap)
{
	const struct cap_desc *desc;

	for (desc = suite_core_caps; desc->cap != CAP_END; desc++)
		if (desc->cap == cap)
			return true;

	return false;
}

static void arch_caps_table(struct kunit *test)
{
	int rows = 0, i;

	while (rows < ROWS_MAX && arch_caps[rows].cap != CAP_END) {
		/* A row says something, or takes back what core offers. */
		KUNIT_EXPECT_TRUE_MSG(test, arch_caps[rows].value || arch_caps[rows].get ||
				      arch_caps[rows].enable || core_offers(arch_caps[rows].cap),
				      "capability %u", arch_caps[rows].cap);
		for (i = 0; i < rows; i++)
			KUNIT_EXPECT_NE(test, arch_caps[i].cap, arch_caps[rows].cap);
		rows++;
	}
	KUNIT_EXPECT_LT(test, rows, ROWS_MAX);
	/* Core's own are behind these; unknown ones are not there. */
	KUNIT_EXPECT_GT(test, cap_check(NULL, KVM_CAP_USER_MEMORY), 0);
	KUNIT_EXPECT_EQ(test, cap_check(NULL, CAP_END), 0);
	KUNIT_EXPECT_EQ(test, cap_check(NULL, ~0UL), 0);
}

static struct kunit_case core_ioctl_cases[] = {
	KUNIT_CASE(system_table),
	KUNIT_CASE(vm_table),
	KUNIT_CASE(vcpu_table),
	KUNIT_CASE(arch_caps_table),
	{ }
};

static struct kunit_suite core_ioctl_suite = {
	.name		= "core_ioctl",
	.test_cases	= core_ioctl_cases,
};

kunit_test_suite(core_ioctl_suite);

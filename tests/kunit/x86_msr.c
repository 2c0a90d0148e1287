// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of MSRs: in order, without overlaps, each row complete, and storage
 * inside of a vCPU.  What the registers do is the API tests' business.
 */
#include "../../arch/x86/msr.c"

#include "suite.h"

static void in_order(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		KUNIT_EXPECT_LE_MSG(test, msrs[i].first, msrs[i].last, "row %d, MSR 0x%x", i,
				    msrs[i].first);
		/* The search halves the table. */
		if (i)
			KUNIT_EXPECT_LT_MSG(test, msrs[i - 1].last, msrs[i].first,
					    "row %d, MSR 0x%x", i, msrs[i].first);
	}
}

static void found(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		KUNIT_EXPECT_PTR_EQ(test, msr_search(msrs[i].first), &msrs[i]);
		KUNIT_EXPECT_PTR_EQ(test, msr_search(msrs[i].last), &msrs[i]);
		if (i && msrs[i - 1].last + 1 < msrs[i].first)
			KUNIT_EXPECT_NULL(test, msr_search(msrs[i].first - 1));
	}
	if (msrs[0].first)
		KUNIT_EXPECT_NULL(test, msr_search(msrs[0].first - 1));
	KUNIT_EXPECT_NULL(test, msr_search(~0u));
}

/* Whatever was looked for before, by the same vCPU. */
static void found_by_hint(struct kunit *test)
{
	struct vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);
	int i, j;

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		for (j = 0; j < ARRAY_SIZE(msrs); j++) {
			KUNIT_EXPECT_PTR_EQ(test, msr_find(vcpu, msrs[i].first), &msrs[i]);
			KUNIT_EXPECT_PTR_EQ(test, msr_find(vcpu, msrs[j].last), &msrs[j]);
			KUNIT_EXPECT_PTR_EQ(test, msr_find(vcpu, msrs[i].first - 1),
					    msr_search(msrs[i].first - 1));
		}
}

static void every_row(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		const struct msr_desc *row = &msrs[i];
		u64 bytes = (row->last - row->first + 1ULL) * sizeof(u64);

		/* One that is stored can be read back from there. */
		if (row->get) {
			KUNIT_EXPECT_NOT_NULL_MSG(test, row->set, "MSR 0x%x", row->first);
			KUNIT_EXPECT_EQ_MSG(test, row->offset, 0, "MSR 0x%x", row->first);
		} else {
			KUNIT_EXPECT_NE_MSG(test, row->offset, 0, "MSR 0x%x", row->first);
			KUNIT_EXPECT_LE_MSG(test, row->offset + bytes, sizeof(struct vcpu_arch),
					    "MSR 0x%x", row->first);
		}
		/* What does not exit is one register, in a group of state. */
		if (row->flags & MSR_PASS) {
			KUNIT_EXPECT_EQ_MSG(test, row->first, row->last, "MSR 0x%x", row->first);
			KUNIT_EXPECT_NE_MSG(test, row->group, 0, "MSR 0x%x", row->first);
		}
		KUNIT_EXPECT_EQ(test, row->group & ~X86_ALL, 0);
		if (row->feature)
			KUNIT_EXPECT_LT(test, row->feature / 32, X86_CPUID_WORDS);
	}
}

/* There is room for all of them at once. */
static void all_passed(struct kunit *test)
{
	struct x86_msr_access access[X86_PASSED_MAX];
	int i, rows = 0;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		rows += !!(msrs[i].flags & MSR_PASS);
	KUNIT_EXPECT_EQ(test, x86_msrs_passed(0, access), rows);
	KUNIT_EXPECT_EQ(test, x86_msrs_passed(X86_PASS_SETS - 1, access),
			rows + ilog2(X86_PASS_SETS));
}

static struct kunit_case x86_msr_cases[] = {
	KUNIT_CASE(in_order),
	KUNIT_CASE(found),
	KUNIT_CASE(found_by_hint),
	KUNIT_CASE(every_row),
	KUNIT_CASE(all_passed),
	{ }
};

static struct kunit_suite x86_msr_suite = {
	.name		= "x86_msr",
	.test_cases	= x86_msr_cases,
};

kunit_test_suite(x86_msr_suite);

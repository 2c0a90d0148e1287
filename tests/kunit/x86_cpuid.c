// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of CPUID: the leaves in order, each register with the word it
 * belongs to, and the list made from them at load no more than this host has.
 */
#include "../../arch/x86/cpuid_table.c"

#include "suite.h"

static void leaves_in_order(struct kunit *test)
{
	int i;

	for (i = 1; i < ARRAY_SIZE(leaves); i++) {
		const struct cpuid_leaf *last = &leaves[i - 1], *leaf = &leaves[i];

		KUNIT_EXPECT_TRUE_MSG(test, last->function < leaf->function ||
				      (last->function == leaf->function &&
				       last->index < leaf->index),
				      "0x%x.%u", leaf->function, leaf->index);
		/* All subleaves of a leaf have an index that counts. */
		if (last->function == leaf->function)
			KUNIT_EXPECT_TRUE_MSG(test, last->flags & leaf->flags & LEAF_INDEXED,
					      "0x%x.%u", leaf->function, leaf->index);
	}
}

static const struct cpuid_leaf *leaf_of(const struct cpuid_word *word)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i].function == word->function && leaves[i].index == word->index)
			return &leaves[i];

	return NULL;
}

/* A register whose bits the kernel can veto is looked up by those words, too. */
static void words(struct kunit *test)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_word *word = &cpuid_words[i];
		const struct cpuid_leaf *leaf = leaf_of(word);

		KUNIT_EXPECT_LT(test, word->word, X86_CPUID_WORDS);
		KUNIT_EXPECT_LE(test, word->reg, 3);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, cpuid_words[j].word, word->word);
		if (!leaf || leaf->reg[word->reg].word == WORD_NONE)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, leaf->reg[word->reg].word, word->word, "0x%x.%u",
				    word->function, word->index);
	}
}

static void words_the_kernel_has(struct kunit *test)
{
	int i, reg;

	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		for (reg = 0; reg < 4; reg++)
			if (leaves[i].reg[reg].word != WORD_NONE)
				KUNIT_EXPECT_LT(test, leaves[i].reg[reg].word, NCAPINTS);
}

static void supported_in_order(struct kunit *test)
{
	int i, j;

	KUNIT_ASSERT_GT(test, cpuid_supported_count, 10);
	KUNIT_ASSERT_LT(test, cpuid_supported_count, CPUID_SUPPORTED_MAX);
	for (i = 0; i < cpuid_supported_count; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid_supported[i];

		for (j = 0; j < i; j++)
			KUNIT_EXPECT_FALSE_MSG(test, cpuid_supported[j].function == entry->function &&
					       cpuid_supported[j].index == entry->index,
					       "0x%x.%u is there twice", entry->function,
					       entry->index);
		if (i)
			KUNIT_EXPECT_LE_MSG(test, cpuid_supported[i - 1].function, entry->function,
					    "0x%x.%u", entry->function, entry->index);
		KUNIT_EXPECT_EQ(test, entry->flags & ~KVM_CPUID_FLAG_SIGNIFCANT_INDEX, 0);
		if (entry->index)
			KUNIT_EXPECT_NE(test, entry->flags, 0);
	}
}

/* The CPU has it, and the kernel uses it, or software provides it. */
static void supported_is_there(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_word *word = &cpuid_words[i];
		const struct cpuid_leaf *leaf = leaf_of(word);
		u32 regs[4] = {}, offered = cpuid_supported_words[word->word];

		if (!leaf)
			continue;
		if (leaf_exists(word->function))
			cpuid_count(word->function, word->index, &regs[0], &regs[1], &regs[2],
				    &regs[3]);
		KUNIT_EXPECT_EQ_MSG(test, offered & ~(leaf->reg[word->reg].force |
						      (regs[word->reg] &
						       leaf->reg[word->reg].pass)), 0,
				    "0x%x.%u register %d", word->function, word->index, word->reg);
	}
}

static void limits(struct kunit *test)
{
	const struct kvm_cpuid_entry2 *basic = supported_find(0, 0);
	const struct kvm_cpuid_entry2 *extended = supported_find(0x80000000, 0);
	const struct kvm_cpuid_entry2 *pv = supported_find(KVM_CPUID_SIGNATURE, 0);

	KUNIT_ASSERT_NOT_NULL(test, basic);
	KUNIT_ASSERT_NOT_NULL(test, extended);
	KUNIT_ASSERT_NOT_NULL(test, pv);
	KUNIT_EXPECT_LE(test, basic->eax, LIMIT_BASIC);
	KUNIT_EXPECT_GE(test, extended->eax, LIMIT_EXTENDED);
	KUNIT_EXPECT_LE(test, extended->eax, LIMIT_EXTENDED_AMD);
	KUNIT_EXPECT_EQ(test, pv->eax, KVM_CPUID_FEATURES);
	/* Neither vendor's extension is offered. */
	KUNIT_EXPECT_FALSE(test, x86_host_allows(X86_FEATURE_SVM));
	KUNIT_EXPECT_FALSE(test, x86_host_allows(X86_FEATURE_VMX));
	KUNIT_EXPECT_TRUE(test, x86_host_allows(X86_FEATURE_HYPERVISOR));
	KUNIT_EXPECT_FALSE(test, x86_host_allows(X86_CPUID_WORDS * 32));
}

static void xstate_sizes(struct kunit *test)
{
	u64 all = x86_host.xcr0_offered;

	KUNIT_EXPECT_EQ(test, cpuid_xstate_size(3, false),
			XSTATE_LEGACY_SIZE + XSTATE_HEADER_SIZE);
	KUNIT_EXPECT_EQ(test, cpuid_xstate_size(3, true), XSTATE_LEGACY_SIZE + XSTATE_HEADER_SIZE);
	KUNIT_EXPECT_GE(test, cpuid_xstate_size(all, false), cpuid_xstate_size(3, false));
	/* KVM_GET_XSAVE2 hands out a fixed area, which has to hold it. */
	KUNIT_EXPECT_LE(test, cpuid_xstate_size(all, false), SZ_4K);
}

static struct kunit_case x86_cpuid_cases[] = {
	KUNIT_CASE(leaves_in_order),
	KUNIT_CASE(words),
	KUNIT_CASE(words_the_kernel_has),
	KUNIT_CASE(supported_in_order),
	KUNIT_CASE(supported_is_there),
	KUNIT_CASE(limits),
	KUNIT_CASE(xstate_sizes),
	{ }
};

static struct kunit_suite x86_cpuid_suite = {
	.name		= "x86_cpuid",
	.test_cases	= x86_cpuid_cases,
};

kunit_test_suite(x86_cpuid_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is pure in the SVM backend: the format of nested page tables against the
 * manual's bits, and the names of exits against the kernel's own list.
 */
#include "../../arch/x86/svm/mmu.c"

#include <linux/ctype.h>

#include "suite.h"

const struct pgtable_format *const suite_arch_formats[] = {
	&npt_formats[0],
	&npt_formats[1],
	NULL
};

/* --- entries: APM volume 2, "Long-Mode Page Translation" ---------------------------- */

#define P	BIT_ULL(0)
#define RW	BIT_ULL(1)
#define US	BIT_ULL(2)
#define PWT	BIT_ULL(3)
#define PCD	BIT_ULL(4)
#define A	BIT_ULL(5)
#define D	BIT_ULL(6)
#define PS	BIT_ULL(7)
#define NX	BIT_ULL(63)

static void npt_leaves(struct kunit *test)
{
	static const struct {
		struct mmu_map	map;
		int		level;
		u64		pte;
	} rows[] = {
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_ALL }, 0,
		  0x123456000 | P | RW | US | A | D },
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_READ }, 0,
		  0x123456000 | P | US | A | NX },
		{ { .hpa = 0x123456000, .prot = PROT_GUEST_READ | PROT_GUEST_EXEC }, 0,
		  0x123456000 | P | US | A },
		{ { .hpa = 0x40000000, .order = 9, .prot = PROT_GUEST_ALL }, 1,
		  0x40000000 | P | RW | US | A | D | PS },
		{ { .hpa = 0x40000000, .order = 18, .prot = PROT_GUEST_READ }, 2,
		  0x40000000 | P | US | A | PS | NX },
		{ { .hpa = 0xfe000000, .prot = PROT_GUEST_ALL, .memtype = MEMTYPE_DEVICE }, 0,
		  0xfe000000 | P | RW | US | A | D | PCD | PWT },
		{ { .hpa = 0xffffffffff000, .prot = PROT_GUEST_ALL }, 0,
		  0xffffffffff000 | P | RW | US | A | D },
	};
	const struct pgtable_format *format = &npt_formats[0];
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 pte = format->make_leaf(&rows[i].map, rows[i].level);

		/* Under memory encryption there is one bit more. */
		KUNIT_EXPECT_EQ_MSG(test, __sme_clr(pte), rows[i].pte, "row %d", i);
		KUNIT_EXPECT_EQ(test, format->address(pte, rows[i].level), rows[i].map.hpa);
		KUNIT_EXPECT_EQ(test, format->prot(pte), rows[i].map.prot);
		KUNIT_EXPECT_TRUE(test, format->is_present(pte, rows[i].level));
		KUNIT_EXPECT_TRUE(test, format->is_leaf(pte, rows[i].level));
		KUNIT_EXPECT_FALSE(test, format->is_old(pte));
		KUNIT_EXPECT_TRUE(test, format->is_old(format->make_old(pte)));
		KUNIT_EXPECT_TRUE(test, format->is_present(format->make_old(pte), 0));
	}
}

static void npt_tables(struct kunit *test)
{
	const struct pgtable_format *format = &npt_formats[0];
	u64 pte = format->make_table(0x7777000, 1);

	KUNIT_EXPECT_EQ(test, __sme_clr(pte), 0x7777000 | P | RW | US | A);
	KUNIT_EXPECT_FALSE(test, format->is_leaf(pte, 1));
	KUNIT_EXPECT_EQ(test, format->address(pte, 1), 0x7777000);
	KUNIT_EXPECT_FALSE(test, format->is_present(0, 0));
	/* PAT of a large leaf is bit 12, not address. */
	KUNIT_EXPECT_EQ(test, format->address(0x40001000 | P | PS, 1), 0x40000000);
	KUNIT_EXPECT_EQ(test, pgtable_span(&npt_formats[0]), BIT_ULL(48));
	KUNIT_EXPECT_EQ(test, pgtable_span(&npt_formats[1]), BIT_ULL(57));
}

static void npt_set_prot_keeps_the_rest(struct kunit *test)
{
	const struct pgtable_format *format = &npt_formats[0];
	struct mmu_map map = { .hpa = 0x5000, .prot = PROT_GUEST_ALL };
	u64 pte = format->make_leaf(&map, 0);
	u64 less = format->set_prot(pte, PROT_GUEST_READ);

	KUNIT_EXPECT_EQ(test, format->prot(less), PROT_GUEST_READ);
	KUNIT_EXPECT_EQ(test, format->set_prot(less, PROT_GUEST_ALL), pte);
}

/* --- names of exits --------------------------------------------------------------------- */

static const struct {
	u32		 code;
	const char	*name;
} exit_reasons[] = { SVM_EXIT_REASONS };

/* Where the manual's name, which is ours, is not the kernel's. */
static const struct {
	const char	*ours, *theirs;
} other_names[] = {
	{ "INTR", "interrupt" },
	{ "IOIO", "io" },
	{ "VMMCALL", "hypercall" },
	{ "ERR", "invalid_guest_state" },
	{ "EXCP_DB", "DB excp" },
	{ "EXCP_BP", "BP excp" },
	{ "EXCP_AC", "AC excp" },
	{ "EXCP_MC", "MC excp" },
};

static bool names_match(const char *ours, const char *theirs)
{
	int i;

	if (!strcasecmp(ours, theirs))
		return true;
	for (i = 0; i < ARRAY_SIZE(other_names); i++)
		if (!strcmp(ours, other_names[i].ours))
			return !strcmp(theirs, other_names[i].theirs);

	return false;
}

static void exit_names(struct kunit *test)
{
	int i, named = 0;

	for (i = 0; i < ARRAY_SIZE(exit_reasons); i++) {
		const char *name = svm_exit_name(exit_reasons[i].code);

		if (!strcmp(name, "unknown"))
			continue;
		named++;
		KUNIT_EXPECT_TRUE_MSG(test, names_match(name, exit_reasons[i].name),
				      "0x%x is %s, not %s", exit_reasons[i].code,
				      exit_reasons[i].name, name);
	}
	KUNIT_EXPECT_GE(test, named, 40);
	KUNIT_EXPECT_STREQ(test, svm_exit_name(0x12345), "unknown");
}

static struct kunit_case x86_svm_cases[] = {
	KUNIT_CASE(npt_leaves),
	KUNIT_CASE(npt_tables),
	KUNIT_CASE(npt_set_prot_keeps_the_rest),
	KUNIT_CASE(exit_names),
	{ }
};

static struct kunit_suite x86_svm_suite = {
	.name		= "x86_svm",
	.test_cases	= x86_svm_cases,
};

kunit_test_suite(x86_svm_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is counted: a clock is stable while the TSCs of all vCPUs are one, so that one
 * too many would keep it from that for good.
 */
#include <asm/tsc.h>

#include "x86_suite.h"

static int clock_test_init(struct kunit *test)
{
	test->priv = x86_suite_vm(test);
	x86_clock_vm_create(test->priv);

	return 0;
}

/* One that others see, as after KVM_CREATE_VCPU. */
static struct vcpu *visible_vcpu(struct kunit *test, struct vm *vm, int id)
{
	struct vcpu *vcpu = x86_suite_vcpu(test, vm, id);

	x86_clock_vcpu_create(vcpu);

	return vcpu;
}

/* One whose creation is under way. */
static struct vcpu *hidden_vcpu(struct kunit *test, struct vm *vm)
{
	struct vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	vcpu->vm = vm;
	vcpu->index = vm->vcpu_count;
	vcpu->arch.valid = X86_ALL;

	return vcpu;
}

static void expect_counts(struct kunit *test, struct vm *vm, u32 vcpus, u32 members)
{
	KUNIT_EXPECT_EQ(test, vm->arch.clock_vcpus, vcpus);
	KUNIT_EXPECT_EQ(test, vm->arch.tsc_members, members);
	KUNIT_EXPECT_EQ(test, vm->arch.clock_stable,
			vcpus && vcpus == members && !check_tsc_unstable());
}

static void failed_creation_is_not_counted(struct kunit *test)
{
	struct vm *vm = test->priv;
	struct vcpu *first = visible_vcpu(test, vm, 0), *failed = hidden_vcpu(test, vm);

	expect_counts(test, vm, 1, 1);
	x86_clock_vcpu_create(failed);
	expect_counts(test, vm, 2, 2);
	x86_clock_vcpu_destroy(failed);
	expect_counts(test, vm, 1, 1);
	x86_clock_vcpu_destroy(failed);
	expect_counts(test, vm, 1, 1);
	/* The one that is left has nobody to agree with. */
	x86_tsc_write(first, BIT_ULL(60), true);
	expect_counts(test, vm, 1, 1);
}

/* It was the only one that did not agree: now the others are told. */
static void failed_creation_of_a_stranger(struct kunit *test)
{
	struct vm *vm = test->priv;
	struct vcpu *first = visible_vcpu(test, vm, 0), *failed = hidden_vcpu(test, vm);

	x86_clock_vcpu_create(failed);
	x86_tsc_adjust(failed, 12345);
	expect_counts(test, vm, 2, 1);
	vcpu_take_request(first, REQ_CLOCK);
	x86_clock_vcpu_destroy(failed);
	expect_counts(test, vm, 1, 1);
	KUNIT_EXPECT_EQ(test, vcpu_requested(first, REQ_CLOCK), !check_tsc_unstable());
}

static void first_creation_fails(struct kunit *test)
{
	struct vm *vm = test->priv;
	struct vcpu *failed = hidden_vcpu(test, vm), *first;
	u64 offset;

	x86_clock_vcpu_create(failed);
	offset = vm->arch.tsc_shared_offset;
	x86_clock_vcpu_destroy(failed);
	expect_counts(test, vm, 0, 0);
	/* Its TSC begins when it does. */
	first = visible_vcpu(test, vm, 0);
	expect_counts(test, vm, 1, 1);
	KUNIT_EXPECT_LT(test, (s64)(first->arch.tsc_offset - offset), 0);
}

static void half_built(struct kunit *test)
{
	struct vm *vm = test->priv;

	visible_vcpu(test, vm, 0);
	x86_clock_vcpu_destroy(hidden_vcpu(test, vm));
	expect_counts(test, vm, 1, 1);
}

/* Those that end with their VM tell nobody: the others may be gone. */
static void end_of_the_vm(struct kunit *test)
{
	struct vm *vm = test->priv;
	struct vcpu *first = visible_vcpu(test, vm, 0), *second = visible_vcpu(test, vm, 1);

	x86_tsc_adjust(second, 12345);
	vcpu_take_request(first, REQ_CLOCK);
	x86_clock_vcpu_destroy(second);
	KUNIT_EXPECT_FALSE(test, vcpu_requested(first, REQ_CLOCK));
}

static struct kunit_case x86_clock_cases[] = {
	KUNIT_CASE(failed_creation_is_not_counted),
	KUNIT_CASE(failed_creation_of_a_stranger),
	KUNIT_CASE(first_creation_fails),
	KUNIT_CASE(half_built),
	KUNIT_CASE(end_of_the_vm),
	{ }
};

static struct kunit_suite x86_clock_suite = {
	.name		= "x86_clock",
	.suite_init	= x86_suite_init,
	.suite_exit	= x86_suite_exit,
	.init		= clock_test_init,
	.test_cases	= x86_clock_cases,
};

kunit_test_suite(x86_clock_suite);

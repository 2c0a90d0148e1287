// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions, NMIs and interrupts on their way in: how two exceptions merge, what
 * delivery changes, which event goes first, and what waits for a window.
 */
#include "../../arch/x86/events.c"

#include "x86_suite.h"

static int events_test_init(struct kunit *test)
{
	struct vcpu *vcpu = x86_suite_vcpu(test, x86_suite_vm(test), 0);

	vcpu->arch.state.cr0 = X86_CR0_PE;
	vcpu->arch.state.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	test->priv = vcpu;

	return 0;
}

/* --- merging ----------------------------------------------------------------------- */

static bool contributory(u8 vector)
{
	return vector == X86_TRAP_DE || (vector >= X86_TRAP_TS && vector <= X86_TRAP_GP) ||
	       vector == X86_TRAP_CP;
}

/* As the manual says it in words; the table under test says it by classes. */
static enum exception_merge merge_rule(u8 first, u8 second)
{
	bool serious = contributory(second) || second == X86_TRAP_PF;

	if (first == X86_TRAP_DF)
		return serious || second == X86_TRAP_DF ? MERGE_TRIPLE_FAULT : MERGE_SERIAL;
	if (first == X86_TRAP_PF)
		return serious ? MERGE_DOUBLE_FAULT : MERGE_SERIAL;
	if (contributory(first))
		return contributory(second) ? MERGE_DOUBLE_FAULT : MERGE_SERIAL;

	return MERGE_SERIAL;
}

static void every_pair(struct kunit *test)
{
	int first, second;

	for (first = 0; first < 32; first++)
		for (second = 0; second < 32; second++)
			KUNIT_EXPECT_EQ_MSG(test, exception_merge(first, second),
					    merge_rule(first, second), "%d then %d", first, second);
}

static void double_and_triple(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct x86_events *events = &vcpu->arch.events;

	x86_queue_page_fault(vcpu, 0x1000, 2);
	x86_queue_exception_error(vcpu, X86_TRAP_GP, 0x10);
	KUNIT_EXPECT_EQ(test, events->exception.type, X86_EVENT_EXCEPTION);
	KUNIT_EXPECT_EQ(test, events->exception.vector, X86_TRAP_DF);
	KUNIT_EXPECT_TRUE(test, events->exception.has_error);
	KUNIT_EXPECT_EQ(test, events->exception.error, 0);
	/* CR2 is not touched by a #PF that became a #DF. */
	KUNIT_EXPECT_FALSE(test, events->has_payload);
	KUNIT_EXPECT_FALSE(test, events->triple_fault);

	x86_queue_page_fault(vcpu, 0x2000, 2);
	KUNIT_EXPECT_TRUE(test, events->triple_fault);
	KUNIT_EXPECT_EQ(test, events->exception.type, X86_EVENT_NONE);
	KUNIT_EXPECT_TRUE(test, vcpu_requested(vcpu, REQ_TRIPLE_FAULT));
}

/* The first was with the hardware already, which could not deliver it. */
static void merge_with_injected(struct kunit *test)
{
	static const struct x86_event stack_fault = {
		.type = X86_EVENT_EXCEPTION, .vector = X86_TRAP_SS, .has_error = true,
	};
	struct vcpu *vcpu = test->priv;
	struct x86_events *events = &vcpu->arch.events;

	x86_event_requeue(vcpu, &stack_fault);
	x86_queue_exception_error(vcpu, X86_TRAP_NP, 0x18);
	KUNIT_EXPECT_EQ(test, events->exception.vector, X86_TRAP_DF);
	KUNIT_EXPECT_EQ(test, events->injected.type, X86_EVENT_NONE);
	/* Serial: the new one is delivered, the old one comes again by itself. */
	events->exception.type = X86_EVENT_NONE;
	x86_event_requeue(vcpu, &stack_fault);
	x86_queue_page_fault(vcpu, 0x3000, 0);
	KUNIT_EXPECT_EQ(test, events->exception.vector, X86_TRAP_PF);
	KUNIT_EXPECT_EQ(test, events->injected.type, X86_EVENT_NONE);
}

/* An interrupt, or an NMI, whose delivery faulted is not lost. */
static void deferred(struct kunit *test)
{
	static const struct x86_event interrupt = {
		.type = X86_EVENT_INTERRUPT, .vector = 0x31,
	};
	static const struct x86_event nmi = { .type = X86_EVENT_NMI, .vector = X86_TRAP_NMI };
	struct vcpu *vcpu = test->priv;
	struct x86_events *events = &vcpu->arch.events;

	x86_event_requeue(vcpu, &interrupt);
	x86_queue_page_fault(vcpu, 0x1000, 0);
	KUNIT_EXPECT_EQ(test, vcpu->arch.interrupt, 0x31);
	KUNIT_EXPECT_EQ(test, events->injected.type, X86_EVENT_NONE);
	events->exception.type = X86_EVENT_NONE;

	x86_event_requeue(vcpu, &nmi);
	x86_queue_page_fault(vcpu, 0x1000, 0);
	KUNIT_EXPECT_EQ(test, events->nmi_pending, 1);
	KUNIT_EXPECT_EQ(test, events->injected.type, X86_EVENT_NONE);
}

/* --- delivery ------------------------------------------------------------------------ */

static void page_fault(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;

	x86_queue_page_fault(vcpu, 0x123456789000, 6);
	KUNIT_EXPECT_EQ(test, vcpu->arch.state.cr2, 0);
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.events, 1);
	KUNIT_EXPECT_EQ(test, x86_told.event.type, X86_EVENT_EXCEPTION);
	KUNIT_EXPECT_EQ(test, x86_told.event.vector, X86_TRAP_PF);
	KUNIT_EXPECT_TRUE(test, x86_told.event.has_error);
	KUNIT_EXPECT_EQ(test, x86_told.event.error, 6);
	KUNIT_EXPECT_EQ(test, vcpu->arch.state.cr2, 0x123456789000);
	KUNIT_EXPECT_TRUE(test, vcpu->arch.dirty & X86_CR2);
	KUNIT_EXPECT_TRUE(test, vcpu->arch.state.rflags & X86_EFLAGS_RF);
}

/* Real mode has no error codes. */
static void real_mode(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;

	vcpu->arch.state.cr0 = 0;
	x86_queue_exception_error(vcpu, X86_TRAP_GP, 0x10);
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.event.vector, X86_TRAP_GP);
	KUNIT_EXPECT_FALSE(test, x86_told.event.has_error);
}

/* A trap does not restart its instruction: no RF. */
static void traps(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;

	vcpu->arch.state.dr6 = DR6_RESERVED;
	KUNIT_EXPECT_EQ(test, x86_events_step(vcpu, true), RESUME_GUEST);
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.event.vector, X86_TRAP_DB);
	KUNIT_EXPECT_EQ(test, vcpu->arch.state.dr6, DR6_RESERVED | DR_STEP);
	KUNIT_EXPECT_FALSE(test, vcpu->arch.state.rflags & X86_EFLAGS_RF);
}

/* Exception, then NMI, then interrupt; one per entry. */
static void order(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct x86_events *events = &vcpu->arch.events;

	vcpu->arch.interrupt = 0x55;
	x86_queue_nmi(vcpu);
	x86_queue_exception(vcpu, X86_TRAP_UD);
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.event.vector, X86_TRAP_UD);
	KUNIT_EXPECT_TRUE(test, x86_told.window[X86_WINDOW_NMI]);
	KUNIT_EXPECT_TRUE(test, x86_told.window[X86_WINDOW_INTERRUPT]);

	events->injected.type = X86_EVENT_NONE;		/* as an exit says */
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.event.type, X86_EVENT_NMI);
	KUNIT_EXPECT_FALSE(test, x86_told.window[X86_WINDOW_NMI]);
	KUNIT_EXPECT_TRUE(test, x86_told.window[X86_WINDOW_INTERRUPT]);

	events->injected.type = X86_EVENT_NONE;
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.event.type, X86_EVENT_INTERRUPT);
	KUNIT_EXPECT_EQ(test, x86_told.event.vector, 0x55);
	KUNIT_EXPECT_FALSE(test, x86_told.window[X86_WINDOW_INTERRUPT]);
	KUNIT_EXPECT_EQ(test, vcpu->arch.interrupt, -1);
	/* Nothing waits any more, and what is under way needs no look. */
	KUNIT_EXPECT_FALSE(test, events->check);

	events->injected.type = X86_EVENT_NONE;
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.events, 3);
	KUNIT_EXPECT_FALSE(test, events->check);
}

/* The entry delivers it, or the exit that came meanwhile has it given again. */
static void again(struct kunit *test)
{
	const struct x86_event event = { .type = X86_EVENT_INTERRUPT, .vector = 0x55 };
	struct vcpu *vcpu = test->priv;
	struct x86_events *events = &vcpu->arch.events;

	vcpu->arch.interrupt = 0x55;
	x86_events_recheck(vcpu);
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.events, 1);
	KUNIT_EXPECT_FALSE(test, events->check);

	events->injected.type = X86_EVENT_NONE;
	x86_event_requeue(vcpu, &event);
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.events, 2);
	KUNIT_EXPECT_EQ(test, x86_told.event.vector, 0x55);
	KUNIT_EXPECT_FALSE(test, events->check);
}

static void blocked(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct x86_state *state = &vcpu->arch.state;

	vcpu->arch.interrupt = 0x55;
	x86_queue_nmi(vcpu);
	state->shadow = KVM_X86_SHADOW_INT_STI;
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.events, 0);
	state->shadow = 0;
	state->nmi_blocked = true;
	state->rflags &= ~X86_EFLAGS_IF;
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.events, 0);
	/* Both are waited for. */
	KUNIT_EXPECT_TRUE(test, x86_told.window[X86_WINDOW_NMI]);
	KUNIT_EXPECT_TRUE(test, x86_told.window[X86_WINDOW_INTERRUPT]);
	state->rflags |= X86_EFLAGS_IF;
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), 0);
	KUNIT_EXPECT_EQ(test, x86_told.event.vector, 0x55);
}

/* The CPU latches one NMI beside the one it handles. */
static void nmi_latch(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	int i;

	for (i = 0; i < 5; i++)
		x86_queue_nmi(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->arch.events.nmi_pending, 2);
	vcpu->arch.events.nmi_pending = 0;
	vcpu->arch.state.nmi_blocked = true;
	for (i = 0; i < 5; i++)
		x86_queue_nmi(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->arch.events.nmi_pending, 1);
}

static void halted(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;

	x86_queue_exception(vcpu, X86_TRAP_UD);
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	KUNIT_EXPECT_EQ(test, x86_events_commit(vcpu), -EAGAIN);
	KUNIT_EXPECT_EQ(test, x86_told.events, 0);
}

/* --- user space's view ------------------------------------------------------------------ */

static void saved_and_restored(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct kvm_vcpu_events *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	struct kvm_vcpu_events *after = kunit_kzalloc(test, sizeof(*after), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, after);
	x86_queue_exception_error(vcpu, X86_TRAP_GP, 0x30);
	x86_queue_nmi(vcpu);
	vcpu->arch.interrupt = 0x77;
	vcpu->arch.state.shadow = KVM_X86_SHADOW_INT_MOV_SS;
	KUNIT_EXPECT_EQ(test, x86_ioctl_get_vcpu_events(vcpu, before), 0);
	KUNIT_EXPECT_EQ(test, before->exception.nr, X86_TRAP_GP);
	KUNIT_EXPECT_EQ(test, before->exception.error_code, 0x30);
	KUNIT_EXPECT_EQ(test, before->interrupt.nr, 0x77);
	KUNIT_EXPECT_EQ(test, before->nmi.pending, 1);

	x86_events_reset(vcpu, false);
	vcpu->arch.state.shadow = 0;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_vcpu_events(vcpu, before), 0);
	KUNIT_EXPECT_EQ(test, x86_ioctl_get_vcpu_events(vcpu, after), 0);
	KUNIT_EXPECT_MEMEQ(test, after, before, sizeof(*before));
}

static void refused(struct kunit *test)
{
	static const struct kvm_vcpu_events rows[] = {
		{ .flags = 1U << 31 },
		{ .exception = { .injected = 1, .nr = 32 } },
		{ .exception = { .injected = 1, .nr = X86_TRAP_NMI } },
		{ .flags = KVM_VCPUEVENT_VALID_SHADOW, .interrupt.shadow = 0x80 },
		{ .flags = KVM_VCPUEVENT_VALID_SIPI_VECTOR, .sipi_vector = 0x100 },
		{ .flags = KVM_VCPUEVENT_VALID_SMM, .smi.smm = 1 },
	};
	struct vcpu *vcpu = test->priv;
	int i;

	vcpu->arch.interrupt = 0x42;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ_MSG(test, x86_ioctl_set_vcpu_events(vcpu, &rows[i]), -EINVAL,
				    "row %d", i);
		KUNIT_EXPECT_EQ(test, vcpu->arch.interrupt, 0x42);
	}
}

static struct kunit_case x86_events_cases[] = {
	KUNIT_CASE(every_pair),
	KUNIT_CASE(double_and_triple),
	KUNIT_CASE(merge_with_injected),
	KUNIT_CASE(deferred),
	KUNIT_CASE(page_fault),
	KUNIT_CASE(real_mode),
	KUNIT_CASE(traps),
	KUNIT_CASE(order),
	KUNIT_CASE(again),
	KUNIT_CASE(blocked),
	KUNIT_CASE(nmi_latch),
	KUNIT_CASE(halted),
	KUNIT_CASE(saved_and_restored),
	KUNIT_CASE(refused),
	{ }
};

static struct kunit_suite x86_events_suite = {
	.name		= "x86_events",
	.suite_init	= x86_suite_init,
	.suite_exit	= x86_suite_exit,
	.init		= events_test_init,
	.test_cases	= x86_events_cases,
};

kunit_test_suite(x86_events_suite);

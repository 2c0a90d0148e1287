// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC with one local APIC behind it: registers, edges, levels and their
 * end, a line that never goes down, and what user space may put in.
 */
#include "../../arch/x86/ioapic.c"

#include "x86_suite.h"

#define VECTOR		0x41
#define PIN		11

struct setup {
	struct vm	*vm;
	struct vcpu	*vcpu;
	struct ioapic	*ioapic;
};

static void stop_work(void *data)
{
	cancel_delayed_work_sync(&((struct ioapic *)data)->redeliver);
}

static int ioapic_test_init(struct kunit *test)
{
	struct setup *setup = kunit_kzalloc(test, sizeof(*setup), GFP_KERNEL);
	struct ioapic *ioapic = kunit_kzalloc(test, sizeof(*ioapic), GFP_KERNEL);
	int pin;

	KUNIT_ASSERT_NOT_NULL(test, setup);
	KUNIT_ASSERT_NOT_NULL(test, ioapic);
	setup->vm = x86_suite_vm(test);
	setup->vcpu = x86_suite_vcpu(test, setup->vm, 0);
	setup->ioapic = ioapic;
	ioapic->vm = setup->vm;
	raw_spin_lock_init(&ioapic->lock);
	INIT_DELAYED_WORK(&ioapic->redeliver, ioapic_redeliver_work);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->redtbl[pin] = REDTBL_MASK;
	setup->vm->arch.ioapic = ioapic;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_work, ioapic), 0);
	test->priv = setup;

	return 0;
}

static void write_reg(struct setup *setup, u32 index, u32 value)
{
	ioapic_write(setup->vcpu, &setup->ioapic->device, IOAPIC_BASE + IOREGSEL, 4, &index);
	ioapic_write(setup->vcpu, &setup->ioapic->device, IOAPIC_BASE + IOWIN, 4, &value);
}

static u32 read_reg(struct setup *setup, u32 index)
{
	u32 value;

	ioapic_write(setup->vcpu, &setup->ioapic->device, IOAPIC_BASE + IOREGSEL, 4, &index);
	ioapic_read(setup->vcpu, &setup->ioapic->device, IOAPIC_BASE + IOWIN, 4, &value);

	return value;
}

static void write_entry(struct setup *setup, u32 pin, u64 entry)
{
	write_reg(setup, IOREDTBL + 2 * pin, REDTBL_MASK);
	write_reg(setup, IOREDTBL + 2 * pin + 1, entry >> 32);
	write_reg(setup, IOREDTBL + 2 * pin, entry);
}

static int line(struct setup *setup, int level)
{
	int index = srcu_read_lock(&setup->vm->irq_srcu);
	int ret = ioapic_set_irq(setup->vm, PIN, IRQ_SOURCE_USER, level);

	srcu_read_unlock(&setup->vm->irq_srcu, index);

	return ret;
}

/* The guest takes the interrupt and ends it. */
static void take(struct kunit *test, struct setup *setup)
{
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), VECTOR);
	lapic_accept(setup->vcpu, VECTOR);
	lapic_eoi(setup->vcpu);
}

static void registers(struct kunit *test)
{
	struct setup *setup = test->priv;
	u32 value = ~0u;
	int index;

	KUNIT_EXPECT_EQ(test, read_reg(setup, IOAPICVER), IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16);
	write_reg(setup, IOAPICID, ~0u);
	KUNIT_EXPECT_EQ(test, read_reg(setup, IOAPICID), 0x0f000000);
	KUNIT_EXPECT_EQ(test, read_reg(setup, IOAPICARB), 0x0f000000);
	write_reg(setup, IOAPICVER, ~0u);
	KUNIT_EXPECT_EQ(test, read_reg(setup, IOAPICVER), IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16);
	write_reg(setup, IOREDTBL, ~0u);
	write_reg(setup, IOREDTBL + 1, ~0u);
	KUNIT_EXPECT_EQ(test, read_reg(setup, IOREDTBL), lower_32_bits(REDTBL_WRITABLE));
	KUNIT_EXPECT_EQ(test, read_reg(setup, IOREDTBL + 1), upper_32_bits(REDTBL_WRITABLE));
	/* Behind the table there is nothing, and nothing happens. */
	for (index = IOREDTBL + 2 * IOAPIC_PINS; index < 0x100; index++) {
		write_reg(setup, index, ~0u);
		KUNIT_EXPECT_EQ(test, read_reg(setup, index), 0);
	}
	ioapic_read(setup->vcpu, &setup->ioapic->device, IOAPIC_BASE + 0x40, 4, &value);
	KUNIT_EXPECT_EQ(test, value, 0);
}

static void edge(struct kunit *test)
{
	struct setup *setup = test->priv;

	KUNIT_EXPECT_EQ(test, line(setup, 1), -1);
	KUNIT_EXPECT_EQ(test, line(setup, 0), 1);
	write_entry(setup, PIN, VECTOR);
	/* The masked edge was lost. */
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), -1);
	KUNIT_EXPECT_EQ(test, line(setup, 1), 1);
	KUNIT_EXPECT_EQ(test, line(setup, 1), 0);
	take(test, setup);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), -1);
	line(setup, 0);
	KUNIT_EXPECT_EQ(test, line(setup, 1), 1);
	line(setup, 0);
	/* The same again, before it was taken. */
	KUNIT_EXPECT_EQ(test, line(setup, 1), 0);
	KUNIT_EXPECT_EQ(test, ioapic_set_irq(setup->vm, IOAPIC_PINS, 0, 1), -1);
}

static void level(struct kunit *test)
{
	struct setup *setup = test->priv;

	write_entry(setup, PIN, VECTOR | REDTBL_TRIGGER);
	KUNIT_EXPECT_EQ(test, line(setup, 1), 1);
	KUNIT_EXPECT_TRUE(test, read_reg(setup, IOREDTBL + 2 * PIN) & REDTBL_REMOTE_IRR);
	KUNIT_EXPECT_EQ(test, line(setup, 1), 0);
	take(test, setup);
	/* Still up: once more. */
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), VECTOR);
	line(setup, 0);
	take(test, setup);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), -1);
	KUNIT_EXPECT_FALSE(test, read_reg(setup, IOREDTBL + 2 * PIN) & REDTBL_REMOTE_IRR);
	/* What is up when the mask goes is delivered. */
	write_entry(setup, PIN, VECTOR | REDTBL_TRIGGER | REDTBL_MASK);
	KUNIT_EXPECT_EQ(test, line(setup, 1), -1);
	write_entry(setup, PIN, VECTOR | REDTBL_TRIGGER);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), VECTOR);
}

/* A guest may only write an entry; it cannot clear what hardware keeps in it. */
static void remote_irr(struct kunit *test)
{
	struct setup *setup = test->priv;

	write_entry(setup, PIN, VECTOR | REDTBL_TRIGGER);
	line(setup, 1);
	write_reg(setup, IOREDTBL + 2 * PIN, VECTOR | REDTBL_TRIGGER);
	KUNIT_EXPECT_TRUE(test, read_reg(setup, IOREDTBL + 2 * PIN) & REDTBL_REMOTE_IRR);
	/* But by making it an edge for a moment: the way to end it by force. */
	write_reg(setup, IOREDTBL + 2 * PIN, VECTOR | REDTBL_MASK);
	KUNIT_EXPECT_FALSE(test, read_reg(setup, IOREDTBL + 2 * PIN) & REDTBL_REMOTE_IRR);
}

static void wanted_ends(struct kunit *test)
{
	struct setup *setup = test->priv;

	/* For the vectors that were there before the vCPU was. */
	KUNIT_EXPECT_TRUE(test, vcpu_take_request(setup->vcpu, REQ_SCAN_IOAPIC));
	KUNIT_EXPECT_FALSE(test, ioapic_wants_eoi(setup->vm, VECTOR));
	write_entry(setup, PIN, VECTOR);
	KUNIT_EXPECT_TRUE(test, ioapic_wants_eoi(setup->vm, VECTOR));
	KUNIT_EXPECT_TRUE(test, vcpu_take_request(setup->vcpu, REQ_SCAN_IOAPIC));
	write_entry(setup, PIN, VECTOR + 1);
	KUNIT_EXPECT_FALSE(test, ioapic_wants_eoi(setup->vm, VECTOR));
	/* Vectors of exceptions are none. */
	write_entry(setup, PIN, 8);
	KUNIT_EXPECT_FALSE(test, ioapic_wants_eoi(setup->vm, 8));
}

static void wanted_ends_for_a_late_vcpu(struct kunit *test)
{
	struct setup *setup = test->priv;
	struct vcpu *late;

	write_entry(setup, PIN, VECTOR);
	late = x86_suite_vcpu(test, setup->vm, 1);
	KUNIT_EXPECT_TRUE(test, vcpu_take_request(late, REQ_SCAN_IOAPIC));
	lapic_scan_ioapic(late);
	KUNIT_EXPECT_TRUE(test, test_bit(VECTOR, late->arch.lapic->eoi_wanted));
	KUNIT_EXPECT_FALSE(test, test_bit(VECTOR + 1, late->arch.lapic->eoi_wanted));
}

/* A line that stays up must not keep the guest from everything else. */
static void storm(struct kunit *test)
{
	struct setup *setup = test->priv;
	int i;

	write_entry(setup, PIN, VECTOR | REDTBL_TRIGGER);
	line(setup, 1);
	for (i = 0; i < IOAPIC_STORM_EOIS - 1; i++)
		take(test, setup);
	KUNIT_EXPECT_EQ(test, setup->ioapic->delayed, 0);
	take(test, setup);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), -1);
	flush_delayed_work(&setup->ioapic->redeliver);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), VECTOR);
	line(setup, 0);
	take(test, setup);
	line(setup, 1);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(setup->vcpu), VECTOR);
}

static void saved_and_restored(struct kunit *test)
{
	struct setup *setup = test->priv;
	struct kvm_ioapic_state *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	struct kvm_ioapic_state *after = kunit_kzalloc(test, sizeof(*after), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, after);
	write_entry(setup, PIN, VECTOR | REDTBL_TRIGGER);
	line(setup, 1);
	KUNIT_EXPECT_EQ(test, ioapic_get(setup->vm, before), 0);
	memset(after, 0, sizeof(*after));
	KUNIT_EXPECT_EQ(test, ioapic_set(setup->vm, after), 0);
	KUNIT_EXPECT_EQ(test, ioapic_set(setup->vm, before), 0);
	KUNIT_EXPECT_EQ(test, ioapic_get(setup->vm, after), 0);
	KUNIT_EXPECT_MEMEQ(test, after, before, sizeof(*before));
}

static void nonsense(struct kunit *test)
{
	struct setup *setup = test->priv;
	struct kvm_ioapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	int pin;

	KUNIT_ASSERT_NOT_NULL(test, state);
	memset(state, 0xff, sizeof(*state));
	KUNIT_EXPECT_EQ(test, ioapic_set(setup->vm, state), 0);
	KUNIT_EXPECT_EQ(test, setup->ioapic->id, 0xf);
	KUNIT_EXPECT_LE(test, setup->ioapic->irr, GENMASK(IOAPIC_PINS - 1, 0));
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		KUNIT_EXPECT_EQ(test, setup->ioapic->redtbl[pin] &
				~(REDTBL_WRITABLE | REDTBL_REMOTE_IRR), 0);
	ioapic_eoi(setup->vm, setup->vcpu, 0xff);
	KUNIT_EXPECT_EQ(test, ioapic_get(setup->vm, state), 0);
}

static struct kunit_case x86_ioapic_cases[] = {
	KUNIT_CASE(registers),
	KUNIT_CASE(edge),
	KUNIT_CASE(level),
	KUNIT_CASE(remote_irr),
	KUNIT_CASE(wanted_ends),
	KUNIT_CASE(wanted_ends_for_a_late_vcpu),
	KUNIT_CASE(storm),
	KUNIT_CASE(saved_and_restored),
	KUNIT_CASE(nonsense),
	{ }
};

static struct kunit_suite x86_ioapic_suite = {
	.name		= "x86_ioapic",
	.suite_init	= x86_suite_init,
	.suite_exit	= x86_suite_exit,
	.init		= ioapic_test_init,
	.test_cases	= x86_ioapic_cases,
};

kunit_test_suite(x86_ioapic_suite);

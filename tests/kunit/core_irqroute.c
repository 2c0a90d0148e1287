// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/irqroute.c: what a table may hold, what a delivery answers, and that a
 * delivery sees one table whole while user space replaces it, from threads and
 * from hard interrupts.
 */
#include "suite.h"

/*
 * Where calls are bound when the module is built, those of the included file go
 * through pointers here, so that there is something to put doubles in.
 */
#ifndef BIND_STATIC_CALL
static struct irqchip_ops bound_ops = {
	.route = irqchip_op(route),
	.deliver = irqchip_op(deliver),
};
#undef irqchip_op
#define irqchip_op(name) bound_ops.name
#endif

#include "../../core/irqroute.c"

#include <linux/kthread.h>
#include <linux/smp.h>

/* --- a controller that only writes down what it was told ------------------------- */

#define CHIPS		3
#define PINS		32
#define MSI_DATA_BAD	0xbad		/* a message that route() refuses */

static struct suite_ops real_ops, double_ops;

static struct {
	atomic_t	delivered;
	int		level[CHIPS][PINS];
	u64		address;
	int		ret[CHIPS];	/* what a delivery to it answers */
	int		msi_ret;
} controller;

static int double_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
			struct irq_route *out)
{
	struct irq_route route = {};

	if (entry->type == KVM_IRQ_ROUTING_MSI) {
		if (entry->u.msi.data == MSI_DATA_BAD)
			return -EINVAL;
		route.msi.address = entry->u.msi.address_lo;
		route.msi.data = entry->u.msi.data;
	} else if (entry->type == KVM_IRQ_ROUTING_IRQCHIP) {
		if (entry->u.irqchip.irqchip >= CHIPS || entry->u.irqchip.pin >= PINS)
			return -EINVAL;
		route.line.chip = entry->u.irqchip.irqchip;
		route.line.pin = entry->u.irqchip.pin;
	} else {
		return -EINVAL;
	}
	*out = route;

	return 0;
}

static int double_deliver(struct vm *vm, const struct irq_route *route, int source, int level)
{
	atomic_inc(&controller.delivered);
	if (route->type == KVM_IRQ_ROUTING_MSI) {
		controller.address = route->msi.address;
		return level ? controller.msi_ret : -1;
	}
	WRITE_ONCE(controller.level[route->line.chip][route->line.pin], level);

	return controller.ret[route->line.chip];
}

static void bind(const struct suite_ops *ops)
{
#ifdef BIND_STATIC_CALL
	suite_bind(ops);
#else
	bound_ops = ops->irqchip;
#endif
}

static int irqroute_suite_init(struct kunit_suite *suite)
{
#ifdef BIND_STATIC_CALL
	suite_ops(&real_ops);
#else
	real_ops.irqchip = bound_ops;
#endif
	double_ops = real_ops;
	double_ops.irqchip.route = double_route;
	double_ops.irqchip.deliver = double_deliver;
	bind(&double_ops);

	return 0;
}

static void irqroute_suite_exit(struct kunit_suite *suite)
{
	bind(&real_ops);
}

static int irqroute_test_init(struct kunit *test)
{
	struct vm *vm;
	int i;

	memset(&controller, 0, sizeof(controller));
	for (i = 0; i < CHIPS; i++)
		controller.ret[i] = 1;
	controller.msi_ret = 1;
	vm = suite_vm(test);
	vm->has_irqchip = true;
	KUNIT_ASSERT_EQ(test, irqroute_init(vm), 0);
	test->priv = vm;

	return 0;
}

static void irqroute_test_exit(struct kunit *test)
{
	if (test->priv)
		irqroute_destroy(test->priv);
}

/* --- building ----------------------------------------------------------------------- */

#define LINE(gsi_, chip_, pin_)	{					\
	.gsi = (gsi_), .type = KVM_IRQ_ROUTING_IRQCHIP,			\
	.u.irqchip = { .irqchip = (chip_), .pin = (pin_) } }
#define MESSAGE(gsi_, address_, data_)	{				\
	.gsi = (gsi_), .type = KVM_IRQ_ROUTING_MSI,			\
	.u.msi = { .address_lo = (address_), .data = (data_) } }

static void deliver(struct kunit *test)
{
	struct vm *vm = test->priv;
	static const struct kvm_irq_routing_entry entries[] = {
		LINE(5, 0, 7), MESSAGE(9, 0x1000, 1), LINE(5, 1, 8),
	};

	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 5, 0, 1), -1);
	KUNIT_ASSERT_EQ(test, irqroute_set(vm, entries, ARRAY_SIZE(entries)), 0);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 5, 0, 1), 2);
	KUNIT_EXPECT_EQ(test, controller.level[0][7], 1);
	KUNIT_EXPECT_EQ(test, controller.level[1][8], 1);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 9, 0, 1), 1);
	KUNIT_EXPECT_EQ(test, controller.address, 0x1000);
	/* Beside, behind and far behind the table. */
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 8, 0, 1), -1);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 10, 0, 1), -1);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, ~0u, 0, 1), -1);

	KUNIT_EXPECT_EQ(test, irqroute_set(vm, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 5, 0, 1), -1);
}

static void defaults(struct kunit *test)
{
	struct vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, irqroute_set_default(vm, 4), 0);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 3, 0, 1), 1);
	KUNIT_EXPECT_EQ(test, controller.level[0][3], 1);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 4, 0, 1), -1);

	/* What user space has set stays, be it nothing. */
	KUNIT_ASSERT_EQ(test, irqroute_set(vm, NULL, 0), 0);
	KUNIT_ASSERT_EQ(test, irqroute_set_default(vm, 4), 0);
	KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, 3, 0, 1), -1);
}

static void pulse(struct kunit *test)
{
	struct vm *vm = test->priv;
	static const struct kvm_irq_routing_entry entries[] = { LINE(1, 0, 1), MESSAGE(2, 0x2000, 0) };

	KUNIT_ASSERT_EQ(test, irqroute_set(vm, entries, ARRAY_SIZE(entries)), 0);
	controller.level[0][1] = 5;
	KUNIT_EXPECT_EQ(test, irqroute_pulse(vm, 1, 0), 1);
	KUNIT_EXPECT_EQ(test, controller.level[0][1], 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&controller.delivered), 2);
	/* A message once. */
	KUNIT_EXPECT_EQ(test, irqroute_pulse(vm, 2, 0), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&controller.delivered), 3);
}

/* Results of several routes, as irqroute_deliver() promises them. */
static void results(struct kunit *test)
{
	static const struct {
		int	ret[CHIPS];
		int	joined;
	} rows[] = {
		{ { 1, 1, 1 }, 3 },
		{ { 1, 0, -1 }, 1 },
		{ { 0, -1, 2 }, 2 },
		{ { -1, 0, -1 }, 0 },
		{ { -1, -1, -1 }, -1 },
		{ { 1, -EWOULDBLOCK, 1 }, -EWOULDBLOCK },
		{ { -EWOULDBLOCK, 1, 0 }, -EWOULDBLOCK },
	};
	static const struct kvm_irq_routing_entry entries[] = { LINE(0, 0, 0), LINE(0, 1, 0), LINE(0, 2, 0) };
	struct vm *vm = test->priv;
	int i;

	KUNIT_ASSERT_EQ(test, irqroute_set(vm, entries, ARRAY_SIZE(entries)), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(controller.ret, rows[i].ret, sizeof(controller.ret));
		KUNIT_EXPECT_EQ_MSG(test, irqroute_deliver(vm, 0, 0, 1), rows[i].joined,
				    "row %d", i);
	}
}

/* Refused whole: the table that was there goes on. */
static void refused(struct kunit *test)
{
	struct vm *vm = test->priv;
	static const struct kvm_irq_routing_entry good[] = { LINE(3, 0, 3) };
	static const struct {
		struct kvm_irq_routing_entry entry[5];
		u32 count;
	} rows[] = {
		{ { LINE(IRQ_ROUTES_MAX, 0, 0) }, 1 },
		{ { LINE(~0u, 0, 0) }, 1 },
		{ { LINE(0, CHIPS, 0) }, 1 },
		{ { LINE(0, 0, PINS) }, 1 },
		{ { { .gsi = 0, .type = 77 } }, 1 },
		{ { LINE(4, 0, 4), MESSAGE(4, 0, 0) }, 2 },
		{ { MESSAGE(4, 0, 0), MESSAGE(4, 0, 1) }, 2 },
		{ { LINE(4, 0, 4), LINE(4, 0, 5) }, 2 },
		{ { MESSAGE(0, 0, MSI_DATA_BAD) }, 1 },
		{ { { .gsi = 0, .type = KVM_IRQ_ROUTING_IRQCHIP, .flags = 1 } }, 1 },
		{ { { .gsi = 0, .type = KVM_IRQ_ROUTING_MSI, .flags = 1U << 31 } }, 1 },
		{ { LINE(1, 0, 0), LINE(1, 1, 0), LINE(1, 2, 0), LINE(1, 0, 1), LINE(1, 1, 1) }, 5 },
		{ { LINE(0, 0, 0) }, IRQ_ROUTES_MAX + 1 },
	};
	int i;

	KUNIT_ASSERT_EQ(test, irqroute_set(vm, good, 1), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ_MSG(test, irqroute_set(vm, rows[i].entry, rows[i].count), -EINVAL,
				    "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, irqroute_deliver(vm, 3, 0, 1), 1, "row %d", i);
	}
}

static void largest(struct kunit *test)
{
	struct vm *vm = test->priv;
	struct kvm_irq_routing_entry *entries;
	u32 i;

	entries = kunit_kcalloc(test, IRQ_ROUTES_MAX, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < IRQ_ROUTES_MAX; i++)
		entries[i] = (struct kvm_irq_routing_entry)MESSAGE(IRQ_ROUTES_MAX - 1 - i, i, 0);
	KUNIT_ASSERT_EQ(test, irqroute_set(vm, entries, IRQ_ROUTES_MAX), 0);
	for (i = 0; i < IRQ_ROUTES_MAX; i += 97) {
		KUNIT_EXPECT_EQ(test, irqroute_deliver(vm, i, 0, 1), 1);
		KUNIT_EXPECT_EQ(test, controller.address, IRQ_ROUTES_MAX - 1 - i);
	}
}

/* --- the way back ---------------------------------------------------------------------- */

static atomic_t eois;

static void count_eoi(struct eoi_notifier *notifier)
{
	atomic_inc(&eois);
}

static void eoi(struct kunit *test)
{
	struct vm *vm = test->priv;
	static const struct kvm_irq_routing_entry entries[] = { LINE(5, 0, 7), LINE(5, 1, 8) };
	struct eoi_notifier notifier = { .gsi = 5, .eoi = count_eoi };

	atomic_set(&eois, 0);
	KUNIT_ASSERT_EQ(test, irqroute_set(vm, entries, ARRAY_SIZE(entries)), 0);
	KUNIT_EXPECT_FALSE(test, irq_eoi_wanted(vm, 0, 7));
	eoi_notifier_register(vm, &notifier);
	KUNIT_EXPECT_TRUE(test, irq_eoi_wanted(vm, 0, 7));
	KUNIT_EXPECT_FALSE(test, irq_eoi_wanted(vm, 0, 8));
	irq_notify_eoi(vm, 0, 7);
	irq_notify_eoi(vm, 1, 8);
	irq_notify_eoi(vm, 1, 7);
	KUNIT_EXPECT_EQ(test, atomic_read(&eois), 2);
	/* It follows the table. */
	KUNIT_ASSERT_EQ(test, irqroute_set(vm, NULL, 0), 0);
	irq_notify_eoi(vm, 0, 7);
	KUNIT_EXPECT_EQ(test, atomic_read(&eois), 2);
	eoi_notifier_unregister(vm, &notifier);
}

/* --- under way while the table changes ----------------------------------------------------- */

#define RACE_GSIS	8
#define RACE_MS		400

/*
 * Each table sends every gsi to two chips with the same pin, which is its
 * number: a delivery that mixes two tables, or uses one that is gone, shows.
 */
struct race {
	struct vm	*vm;
	atomic_t	 deliveries;
	atomic_t	 wrong;
};

static int race_deliver(struct vm *vm, const struct irq_route *route, int source, int level)
{
	/* The pin goes back as the result, in two places of it. */
	return route->line.chip ? (route->line.pin + 1) << 8 : route->line.pin + 1;
}

static void race_one(struct race *race, u32 gsi)
{
	int ret = irqroute_deliver(race->vm, gsi, 0, 1);

	atomic_inc(&race->deliveries);
	if (ret <= 0 || ret >> 8 != (ret & 0xff))
		atomic_inc(&race->wrong);
}

static void race_interrupt(void *data)
{
	race_one(data, RACE_GSIS - 1);
}

static int race_thread(void *data)
{
	struct race *race = data;
	u32 gsi = 0;

	while (!kthread_should_stop()) {
		race_one(race, gsi++ % RACE_GSIS);
		/* Also from a hard interrupt, here and on the other CPUs. */
		if (gsi % 64 == 0)
			on_each_cpu(race_interrupt, race, 1);
		cond_resched();
	}

	return 0;
}

static int race_set(struct race *race, u32 number)
{
	struct kvm_irq_routing_entry entries[2 * RACE_GSIS];
	u32 i;

	for (i = 0; i < RACE_GSIS; i++) {
		entries[2 * i] = (struct kvm_irq_routing_entry)LINE(i, 0, number % PINS);
		entries[2 * i + 1] = (struct kvm_irq_routing_entry)LINE(i, 1, number % PINS);
	}

	return irqroute_set(race->vm, entries, ARRAY_SIZE(entries));
}

static void replaced_while_delivering(struct kunit *test)
{
	struct race race = { .vm = test->priv };
	struct task_struct *threads[2];
	unsigned long end;
	u32 number = 0;
	int i;

	double_ops.irqchip.deliver = race_deliver;
	bind(&double_ops);
	KUNIT_ASSERT_EQ(test, race_set(&race, number++), 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = kthread_run(race_thread, &race, "kunit-deliver");
	end = jiffies + msecs_to_jiffies(RACE_MS);
	while (time_before(jiffies, end))
		KUNIT_EXPECT_EQ(test, race_set(&race, number++), 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		if (!IS_ERR(threads[i]))
			kthread_stop(threads[i]);
	double_ops.irqchip.deliver = double_deliver;
	bind(&double_ops);

	kunit_info(test, "%d deliveries, %u tables", atomic_read(&race.deliveries), number);
	KUNIT_EXPECT_GT(test, atomic_read(&race.deliveries), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&race.wrong), 0);
}

static struct kunit_case core_irqroute_cases[] = {
	KUNIT_CASE(deliver),
	KUNIT_CASE(defaults),
	KUNIT_CASE(pulse),
	KUNIT_CASE(results),
	KUNIT_CASE(refused),
	KUNIT_CASE(largest),
	KUNIT_CASE(eoi),
	KUNIT_CASE_SLOW(replaced_while_delivering),
	{ }
};

static struct kunit_suite core_irqroute_suite = {
	.name		= "core_irqroute",
	.suite_init	= irqroute_suite_init,
	.suite_exit	= irqroute_suite_exit,
	.init		= irqroute_test_init,
	.exit		= irqroute_test_exit,
	.test_cases	= core_irqroute_cases,
};

kunit_test_suite(core_irqroute_suite);

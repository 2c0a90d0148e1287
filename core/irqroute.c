// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSI routing: what a global interrupt number of user space means to the
 * interrupt controller, delivery along it, and the way back: who wants to hear
 * that the guest ended an interrupt.  Called by the ioctls, by irqfds and by
 * in-kernel devices; the controller itself is the architecture's.
 *
 * The table is one flat object that never changes once published.  A delivery is
 * an index, and a call per route: no lock, no search, no allocation.
 */
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <core/irq.h>
#include <core/ops.h>
#include <core/trace.h>
#include <core/vm.h>

/* Where the routes of one gsi are. */
struct irq_span {
	u16	first;
	u16	count;
};

struct irq_table {
	u32			 gsi_count;	/* spans */
	struct irq_span		*span;		/* behind the routes */
	struct irq_route	 route[];	/* by gsi */
};

/* --- building a table ---------------------------------------------------- */

static int entry_check(const struct kvm_irq_routing_entry *entry)
{
	u32 flags = entry->type == KVM_IRQ_ROUTING_MSI ? KVM_MSI_VALID_DEVID : 0;

	if (entry->gsi >= IRQ_ROUTES_MAX || entry->flags & ~flags)
		return -EINVAL;

	return 0;
}

/* May @route join those that @span has already? */
static bool span_accepts(const struct irq_table *table, const struct irq_span *span,
			 const struct irq_route *route)
{
	u32 i;

	if (span->count >= IRQ_ROUTES_PER_GSI)
		return false;
	for (i = 0; i < span->count; i++) {
		const struct irq_route *other = &table->route[span->first + i];

		if (other->type != KVM_IRQ_ROUTING_IRQCHIP ||
		    route->type != KVM_IRQ_ROUTING_IRQCHIP ||
		    other->line.chip == route->line.chip)
			return false;
	}

	return true;
}

/* Reserve room for each gsi's routes; counts are made up anew by table_fill(). */
static int table_layout(struct irq_table *table,
			const struct kvm_irq_routing_entry *entries, u32 count)
{
	u32 i, first = 0;

	for (i = 0; i < count; i++) {
		if (table->span[entries[i].gsi].count >= IRQ_ROUTES_PER_GSI)
			return -EINVAL;
		table->span[entries[i].gsi].count++;
	}
	for (i = 0; i < table->gsi_count; i++) {
		table->span[i].first = first;
		first += table->span[i].count;
		table->span[i].count = 0;
	}

	return 0;
}

static int table_fill(struct vm *vm, struct irq_table *table,
		      const struct kvm_irq_routing_entry *entries, u32 count)
{
	u32 i;
	int ret;

	for (i = 0; i < count; i++) {
		struct irq_span *span = &table->span[entries[i].gsi];
		struct irq_route route = {};

		ret = irqchip_op(route)(vm, &entries[i], &route);
		if (ret)
			return ret;
		route.gsi = entries[i].gsi;
		route.type = entries[i].type;
		if (!span_accepts(table, span, &route))
			return -EINVAL;
		table->route[span->first + span->count++] = route;
	}

	return 0;
}

static struct irq_table *table_alloc(const struct kvm_irq_routing_entry *entries,
				     u32 count)
{
	u32 gsi_count = 0;
	struct irq_table *table;
	size_t routes;
	u32 i;

	for (i = 0; i < count; i++)
		gsi_count = max(gsi_count, entries[i].gsi + 1);
	routes = struct_size(table, route, count);
	table = kvzalloc(routes + gsi_count * sizeof(*table->span), GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	table->gsi_count = gsi_count;
	table->span = (void *)table + routes;

	return table;
}

/* irq_lock held, because irqchip_op(route) wants it. */
static int table_build(struct vm *vm, const struct kvm_irq_routing_entry *entries,
		       u32 count, struct irq_table **out)
{
	struct irq_table *table;
	u32 i;
	int ret;

	if (count > IRQ_ROUTES_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		ret = entry_check(&entries[i]);
		if (ret)
			return ret;
	}

	table = table_alloc(entries, count);
	if (!table)
		return -ENOMEM;
	ret = table_layout(table, entries, count);
	if (!ret)
		ret = table_fill(vm, table, entries, count);
	if (ret) {
		kvfree(table);
		return ret;
	}
	*out = table;

	return 0;
}

int irqroute_set(struct vm *vm, const struct kvm_irq_routing_entry *entries, u32 count)
{
	struct irq_table *new, *old;
	int ret;

	mutex_lock(&vm->irq_lock);
	ret = table_build(vm, entries, count, &new);
	if (!ret)
		old = rcu_replace_pointer(vm->irq_table, new,
					  lockdep_is_held(&vm->irq_lock));
	mutex_unlock(&vm->irq_lock);
	if (ret)
		return ret;

	/* On return nothing is delivered by the old routes any more. */
	synchronize_srcu_expedited(&vm->irq_srcu);
	kvfree(old);

	return 0;
}

int irqroute_set_default(struct vm *vm, u32 count)
{
	struct kvm_irq_routing_entry *entries;
	u32 gsi;
	int err;

	if (rcu_access_pointer(vm->irq_table))
		return 0;

	entries = kvcalloc(count, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	for (gsi = 0; gsi < count; gsi++)
		entries[gsi] = (struct kvm_irq_routing_entry) {
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip.pin = gsi,
		};
	err = irqroute_set(vm, entries, count);
	kvfree(entries);

	return err;
}

/* A missing table is an empty one. */
int irqroute_init(struct vm *vm)
{
	INIT_LIST_HEAD(&vm->eoi_notifiers);
	RCU_INIT_POINTER(vm->irq_table, NULL);

	return 0;
}

void irqroute_destroy(struct vm *vm)
{
	struct irq_table *table = rcu_dereference_protected(vm->irq_table, true);

	if (!table)
		return;
	RCU_INIT_POINTER(vm->irq_table, NULL);
	/* A device of the architecture may be about to deliver, from its timer. */
	synchronize_srcu_expedited(&vm->irq_srcu);
	kvfree(table);
}

/* --- delivery ---------------------------------------------------------------- */

/* irq_srcu held.  The routes of @gsi, and in @count how many. */
static const struct irq_route *irqroute_find(struct vm *vm, u32 gsi, u32 *count)
{
	const struct irq_table *table = srcu_dereference(vm->irq_table, &vm->irq_srcu);
	const struct irq_span *span;

	*count = 0;
	/* Routes can be there before the controller is. */
	if (!table || gsi >= table->gsi_count || !vm_has_irqchip(vm))
		return NULL;
	span = &table->span[array_index_nospec(gsi, table->gsi_count)];
	*count = span->count;

	return &table->route[span->first];
}

/* One result out of two routes': see irqroute_deliver() in the header. */
static int result_join(int sum, int ret)
{
	if (sum == -EWOULDBLOCK || ret == -EWOULDBLOCK)
		return -EWOULDBLOCK;
	if (sum > 0 && ret > 0)
		return sum + ret;

	return max(sum, ret);
}

int irqroute_deliver(struct vm *vm, u32 gsi, int source, int level)
{
	const struct irq_route *route;
	u32 i, count;
	int ret = -1;
	int index;

	index = srcu_read_lock(&vm->irq_srcu);
	route = irqroute_find(vm, gsi, &count);
	for (i = 0; i < count; i++)
		ret = result_join(ret, irqchip_op(deliver)(vm, &route[i], source, level));
	srcu_read_unlock(&vm->irq_srcu, index);
	trace_keel_irq(gsi, source, level, ret);

	return ret;
}

int irqroute_pulse(struct vm *vm, u32 gsi, int source)
{
	const struct irq_route *route;
	u32 i, count;
	int ret = -1;
	int index;

	index = srcu_read_lock(&vm->irq_srcu);
	route = irqroute_find(vm, gsi, &count);
	for (i = 0; i < count; i++)
		ret = result_join(ret, irqchip_op(deliver)(vm, &route[i], source, 1));
	for (i = 0; i < count; i++)
		if (route[i].type == KVM_IRQ_ROUTING_IRQCHIP)
			irqchip_op(deliver)(vm, &route[i], source, 0);
	srcu_read_unlock(&vm->irq_srcu, index);
	trace_keel_irq(gsi, source, 1, ret);

	return ret;
}

u32 irqroute_copy(struct vm *vm, u32 gsi, struct irq_route *routes)
{
	const struct irq_route *route;
	u32 count;
	int index;

	index = srcu_read_lock(&vm->irq_srcu);
	route = irqroute_find(vm, gsi, &count);
	if (count)
		memcpy(routes, route, count * sizeof(*route));
	srcu_read_unlock(&vm->irq_srcu, index);

	return count;
}

int irqroute_msi(struct vm *vm, const struct kvm_msi *msi)
{
	const struct irq_route route = {
		.type		= KVM_IRQ_ROUTING_MSI,
		.msi.address	= (u64)msi->address_hi << 32 | msi->address_lo,
		.msi.data	= msi->data,
		.msi.devid	= msi->devid,
		.msi.flags	= msi->flags,
	};
	int index, ret;

	if (msi->flags & ~KVM_MSI_VALID_DEVID || !vm_has_irqchip(vm))
		return -EINVAL;

	index = srcu_read_lock(&vm->irq_srcu);
	ret = irqchip_op(deliver)(vm, &route, IRQ_SOURCE_USER, 1);
	srcu_read_unlock(&vm->irq_srcu, index);

	/* A message that nobody takes is as good as one the guest blocks. */
	return ret == -1 ? 0 : ret;
}

/* --- the way back --------------------------------------------------------------- */

/* irq_srcu held. */
static bool gsi_reaches(struct vm *vm, u32 gsi, u32 chip, u32 pin)
{
	const struct irq_route *route;
	u32 i, count;

	route = irqroute_find(vm, gsi, &count);
	for (i = 0; i < count; i++)
		if (route[i].type == KVM_IRQ_ROUTING_IRQCHIP &&
		    route[i].line.chip == chip && route[i].line.pin == pin)
			return true;

	return false;
}

void irq_notify_eoi(struct vm *vm, u32 chip, u32 pin)
{
	struct eoi_notifier *notifier;
	int index;

	if (list_empty(&vm->eoi_notifiers))
		return;

	index = srcu_read_lock(&vm->irq_srcu);
	list_for_each_entry_srcu(notifier, &vm->eoi_notifiers, link,
				 srcu_read_lock_held(&vm->irq_srcu))
		if (gsi_reaches(vm, notifier->gsi, chip, pin))
			notifier->eoi(notifier);
	srcu_read_unlock(&vm->irq_srcu, index);
}

bool irq_eoi_wanted(struct vm *vm, u32 chip, u32 pin)
{
	struct eoi_notifier *notifier;
	bool wanted = false;
	int index;

	if (list_empty(&vm->eoi_notifiers))
		return false;

	index = srcu_read_lock(&vm->irq_srcu);
	list_for_each_entry_srcu(notifier, &vm->eoi_notifiers, link,
				 srcu_read_lock_held(&vm->irq_srcu)) {
		wanted = gsi_reaches(vm, notifier->gsi, chip, pin);
		if (wanted)
			break;
	}
	srcu_read_unlock(&vm->irq_srcu, index);

	return wanted;
}

void eoi_notifier_register(struct vm *vm, struct eoi_notifier *notifier)
{
	mutex_lock(&vm->irq_lock);
	list_add_tail_rcu(&notifier->link, &vm->eoi_notifiers);
	mutex_unlock(&vm->irq_lock);
}

void eoi_notifier_unregister(struct vm *vm, struct eoi_notifier *notifier)
{
	mutex_lock(&vm->irq_lock);
	list_del_rcu(&notifier->link);
	mutex_unlock(&vm->irq_lock);
	synchronize_srcu_expedited(&vm->irq_srcu);
}

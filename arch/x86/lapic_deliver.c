// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt messages: from one local APIC to others (ICR), from the IOAPIC and
 * from MSIs, and from a local APIC's own LVT entries.  Finds the targets of a
 * destination and gives each what the message says.  And back: the end of an
 * interrupt to the IOAPIC.
 *
 * Everything here but the maintenance of the map runs in any context: the list
 * of LAPICs and the map are read under RCU.
 */
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "lapic.h"

/* Delivery modes as struct lapic_message has them. */
enum {
	LAPIC_FIXED	= APIC_DM_FIXED >> 8,
	LAPIC_LOWEST	= APIC_DM_LOWEST >> 8,
	LAPIC_NMI	= APIC_DM_NMI >> 8,
	LAPIC_INIT	= APIC_DM_INIT >> 8,
	LAPIC_STARTUP	= APIC_DM_STARTUP >> 8,
	LAPIC_EXTINT	= APIC_DM_EXTINT >> 8,
};

enum {
	SHORTHAND_NONE,
	SHORTHAND_SELF,
	SHORTHAND_ALL,
	SHORTHAND_OTHERS,
};

/* Formats of logical destinations. */
enum {
	LOGICAL_FLAT	= BIT(0),	/* 8 bits, one per LAPIC */
	LOGICAL_CLUSTER	= BIT(1),	/* 4 bits of cluster, 4 bits of members */
	LOGICAL_X2APIC	= BIT(2),	/* 16 bits each, derived from the id */
};

/* One destination names at most this many LAPICs, broadcasts aside. */
#define LAPIC_TARGETS_MAX	16
#define LAPIC_LOGICAL_SLOTS	64

/*
 * From destinations to LAPICs, for the usual case: no id and no logical address
 * is there twice, all LAPICs use one logical format.  Otherwise, and without a
 * map, every LAPIC is asked whether it matches.
 */
struct lapic_map {
	struct rcu_head	rcu;
	u32		size;			/* of by_id */
	u8		logical;		/* formats in use */
	bool		usable;			/* no id is there twice */
	bool		logical_usable;		/* nor a logical address */
	/* Flat: by bit.  Cluster: by cluster * 4 + bit. */
	struct lapic	*by_logical[LAPIC_LOGICAL_SLOTS];
	struct lapic	*by_id[];
};

/*
 * A guest can have the map rebuilt as often as it likes: the ones that wait for
 * their grace period are counted, and above the limit the rebuilder waits.
 */
#define LAPIC_MAPS_RETIRED_MAX	64
static atomic_t lapic_maps_retired = ATOMIC_INIT(0);

/* --- giving an interrupt to one LAPIC ------------------------------------- */

/*
 * Does the page's IRR have it, where the owner takes it from, with a locked access?
 * Hardware that delivers by itself may be taking it at this very moment, before it sees
 * what this one is raised for: there every one is posted.
 */
static bool lapic_waits_in_page(struct lapic *lapic, u8 vector)
{
	if (!lapic_is_posted(lapic))
		return false;
	/* Pairs with the locked clear of the IRR bit in lapic_accept(). */
	smp_mb();

	return !READ_ONCE(lapic->virtual) && lapic_test(lapic, APIC_IRR, vector);
}

bool lapic_raise(struct lapic *lapic, u8 vector, bool level)
{
	unsigned long *tmr = lapic_word(lapic, APIC_TMR, vector);
	int bit = vector & 31;

	if (lapic_test(lapic, APIC_TMR, vector) != level) {
		if (level)
			set_bit(bit, tmr);
		else
			clear_bit(bit, tmr);
		WRITE_ONCE(lapic->eoi_due, true);
	}
	if (lapic_waits_in_page(lapic, vector) ||
	    test_and_set_bit(bit, lapic_incoming(lapic, vector)))
		return false;

	WRITE_ONCE(lapic->irr_changed, true);

	return true;
}

/* >0 taken, 0 it was pending already, -1 not accepted. */
static int lapic_receive_fixed(struct lapic *lapic, u8 vector, bool level, bool kick)
{
	bool raised;

	if (!READ_ONCE(lapic->enabled))
		return -1;
	if (vector < 16) {
		lapic_error(lapic, APIC_ESR_RECVILL);
		return -1;
	}
	/*
	 * Another sender of this vector that finds the bit set leaves the rest to the one
	 * who has set it: from the bit to the kick that one must not lose its CPU.
	 */
	preempt_disable();
	raised = lapic_raise(lapic, vector, level);
	if (raised && kick)
		vcpu_kick(lapic->vcpu);
	preempt_enable();

	return raised;
}

static int lapic_receive_request(struct lapic *lapic, unsigned int request, bool kick)
{
	vcpu_request(lapic->vcpu, request);
	if (kick)
		vcpu_kick(lapic->vcpu);

	return 1;
}

static int lapic_receive(struct lapic *lapic, const struct lapic_message *message, bool kick)
{
	struct x86_events *events = &lapic->vcpu->arch.events;

	switch (message->mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		return lapic_receive_fixed(lapic, message->vector, message->level, kick);
	case LAPIC_NMI:
		return lapic_receive_request(lapic, REQ_NMI, kick);
	case LAPIC_INIT:
		/* The de-assert of old systems only sets arbitration ids. */
		if (message->level && !message->assert)
			return 0;
		/* A SIPI from before the INIT starts nothing any more. */
		clear_bit(X86_SIPI_PENDING, &events->init_sipi);
		set_bit(X86_INIT_PENDING, &events->init_sipi);
		return lapic_receive_request(lapic, REQ_INIT_SIPI, kick);
	case LAPIC_STARTUP:
		WRITE_ONCE(events->sipi_vector, message->vector);
		/* Whoever sees the bit sees the vector. */
		smp_mb__before_atomic();
		set_bit(X86_SIPI_PENDING, &events->init_sipi);
		return lapic_receive_request(lapic, REQ_INIT_SIPI, kick);
	case LAPIC_EXTINT:
		/* The vector comes from the PIC: x86_interrupt() asks it. */
		if (kick)
			vcpu_kick(lapic->vcpu);
		return 1;
	default:
		return -1;	/* SMI and remote read: there is nobody to take it */
	}
}

void lapic_local(struct lapic *lapic, u32 lvt, bool kick)
{
	u32 value = lapic_get(lapic, lvt);
	struct lapic_message message = {
		.vector	= value & APIC_VECTOR_MASK,
		.mode	= (value & APIC_MODE_MASK) >> 8,
		.assert	= true,
	};

	if (!(value & APIC_LVT_MASKED))
		lapic_receive(lapic, &message, kick);
}

/* --- destinations ----------------------------------------------------------- */

static bool lapic_broadcast(struct vm *vm, struct lapic *source,
			    const struct lapic_message *message)
{
	if (message->dest == 0xffffffff)
		return true;
	if (message->logical || message->dest != 0xff)
		return false;
	if (source)
		return !source->x2apic;

	/* From outside: 8 bits are all a device may have, see KVM_CAP_X2APIC_API. */
	return !vm->arch.x2apic_no_broadcast;
}

static bool lapic_match_logical(const struct lapic *lapic, u32 dest)
{
	u32 ldr;

	if (lapic->x2apic) {
		ldr = lapic_x2apic_ldr(lapic->vcpu->id);
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	}
	if (dest > 0xff)
		return false;

	ldr = lapic_get(lapic, APIC_LDR) >> 24;
	if (lapic_is_flat(lapic))
		return dest & ldr;

	return (dest >> 4 == ldr >> 4 || dest >> 4 == 0xf) && (dest & ldr & 0xf);
}

static bool lapic_match(const struct lapic *lapic, const struct lapic_message *message)
{
	if (message->logical)
		return lapic_match_logical(lapic, message->dest);

	return message->dest == lapic_id(lapic);
}

static struct lapic *lapic_map_id(const struct lapic_map *map, u32 id)
{
	if (id >= map->size)
		return NULL;

	return map->by_id[array_index_nospec(id, map->size)];
}

/* The members of @bits, the first of which is at @first. */
static int lapic_map_bits(const struct lapic_map *map, u32 first, unsigned long bits,
			  struct lapic **found)
{
	struct lapic *lapic;
	int count = 0;
	u32 bit;

	for_each_set_bit(bit, &bits, LAPIC_TARGETS_MAX) {
		if (map->logical == LOGICAL_X2APIC) {
			lapic = lapic_map_id(map, first + bit);
			/* One in xAPIC mode without a logical address may be there too. */
			if (lapic && !lapic->x2apic)
				lapic = NULL;
		} else {
			lapic = map->by_logical[array_index_nospec(first + bit,
								   LAPIC_LOGICAL_SLOTS)];
		}
		if (lapic)
			found[count++] = lapic;
	}

	return count;
}

/* Fill @found and return how many, or -1: the map cannot tell. */
static int lapic_map_find(const struct lapic_map *map, const struct lapic_message *message,
			  struct lapic **found)
{
	u32 dest = message->dest;

	if (!map || !map->usable)
		return -1;
	if (!message->logical) {
		found[0] = lapic_map_id(map, dest);
		return found[0] ? 1 : 0;
	}
	if (!map->logical_usable)
		return -1;

	switch (map->logical) {
	case LOGICAL_X2APIC:
		/* An id has 4 bits less than a logical address has for it. */
		return lapic_map_bits(map, dest >> 16 << 4, dest & 0xffff, found);
	case LOGICAL_FLAT:
		return dest > 0xff ? 0 : lapic_map_bits(map, 0, dest, found);
	case LOGICAL_CLUSTER:
		if (dest > 0xff)
			return 0;
		if (dest >> 4 == 0xf)
			return -1;
		return lapic_map_bits(map, (dest >> 4) * 4, dest & 0xf, found);
	default:
		return -1;
	}
}

/* --- sending ------------------------------------------------------------------ */

/* Add up the results of several targets: see lapic_deliver(). */
static int lapic_add_result(int sum, int result)
{
	if (result < 0)
		return sum;

	return max(sum, 0) + result;
}

/* Which of several candidates gets a lowest-priority message: the next in turn. */
static u32 lapic_turn(void)
{
	static u32 turn;	/* a lost update does no harm */

	WRITE_ONCE(turn, READ_ONCE(turn) + 1);

	return READ_ONCE(turn);
}

static int lapic_send_found(struct lapic **found, int count, bool lowest,
			    struct lapic *source, const struct lapic_message *message)
{
	int enabled = 0, result = -1, i;

	if (lowest && count > 1) {
		for (i = 0; i < count; i++)
			if (READ_ONCE(found[i]->enabled))
				found[enabled++] = found[i];
		if (!enabled)
			return -1;
		found[0] = found[lapic_turn() % enabled];
		count = 1;
	}
	for (i = 0; i < count; i++)
		result = lapic_add_result(result, lapic_receive(found[i], message,
								found[i] != source));

	return result;
}

/* Ask every LAPIC.  @all: a broadcast, to all but @except. */
static int lapic_send_matching(struct vm *vm, struct lapic *source, struct lapic *except,
			       bool all, bool lowest, const struct lapic_message *message)
{
	u32 candidates = 0, chosen = 0;
	struct lapic *lapic;
	int result = -1;
	bool last;

	/* Lowest priority: count the candidates first, then find the chosen one. */
	for (last = !lowest; ; last = true) {
		u32 number = 0;

		list_for_each_entry_rcu(lapic, &vm->arch.lapics, link) {
			if (lapic == except || !READ_ONCE(lapic->base_enabled) ||
			    (!all && !lapic_match(lapic, message)))
				continue;
			if (lowest && !READ_ONCE(lapic->enabled))
				continue;
			if (!last)
				candidates++;
			else if (!lowest || number++ == chosen)
				result = lapic_add_result(result,
					lapic_receive(lapic, message, lapic != source));
		}
		if (last)
			return result;
		if (!candidates)
			return -1;
		chosen = lapic_turn() % candidates;
	}
}

/* To others than the sender alone.  noinline: what it finds takes much of the stack. */
static noinline int lapic_deliver_found(struct vm *vm, struct lapic *source,
					const struct lapic_message *message)
{
	bool lowest = message->lowest_priority || message->mode == LAPIC_LOWEST;
	bool all = message->shorthand == SHORTHAND_ALL ||
		   message->shorthand == SHORTHAND_OTHERS;
	struct lapic *found[LAPIC_TARGETS_MAX];
	int count, result;

	/* Set up with the irqchip: without one there is no list to walk. */
	if (!vm_has_irqchip(vm))
		return -1;

	rcu_read_lock();
	if (!all && !lapic_broadcast(vm, source, message)) {
		count = lapic_map_find(rcu_dereference(vm->arch.lapic_map), message, found);
		if (count >= 0) {
			result = lapic_send_found(found, count, lowest, source, message);
			goto out_unlock;
		}
		result = lapic_send_matching(vm, source, NULL, false, lowest, message);
	} else {
		result = lapic_send_matching(vm, source,
				message->shorthand == SHORTHAND_OTHERS ? source : NULL,
				true, lowest, message);
	}
out_unlock:
	rcu_read_unlock();

	return result;
}

int lapic_deliver(struct vm *vm, struct vcpu *source_vcpu, const struct lapic_message *message)
{
	struct lapic *source = source_vcpu ? source_vcpu->arch.lapic : NULL;

	if (message->shorthand == SHORTHAND_SELF)
		return source ? lapic_receive(source, message, false) : -1;

	return lapic_deliver_found(vm, source, message);
}

void lapic_message_from_msi(struct vm *vm, u64 address, u32 data,
			    struct lapic_message *message)
{
	*message = (struct lapic_message) {
		.dest		 = (address >> 12) & 0xff,
		.logical	 = address & BIT(2),
		.lowest_priority = address & BIT(3),
		.vector		 = data & 0xff,
		.mode		 = (data >> 8) & 7,
		.assert		 = data & BIT(14),
		.level		 = data & BIT(15),
	};
	if (vm->arch.x2apic_32bit_ids)
		message->dest |= (address >> 32) & 0xffffff00;
}

void lapic_send(struct lapic *lapic, u32 low, u32 high)
{
	struct lapic_message message = {
		.dest		= lapic->x2apic ? high : high >> 24,
		.vector		= low & APIC_VECTOR_MASK,
		.mode		= (low & APIC_DM_FIXED_MASK) >> 8,
		.logical	= low & APIC_DEST_LOGICAL,
		.assert		= low & APIC_INT_ASSERT,
		.level		= low & APIC_INT_LEVELTRIG,
		.shorthand	= (low >> 18) & 3,
	};

	if (message.mode <= LAPIC_LOWEST) {
		if (message.vector < 16) {
			lapic_error(lapic, APIC_ESR_SENDILL);
			return;
		}
		/* IPIs are edges, whatever the trigger mode bit says. */
		message.level = false;
	}
	lapic_deliver(lapic->vcpu->vm, lapic->vcpu, &message);
}

/* --- the end of an interrupt ---------------------------------------------------- */

void lapic_eoi_broadcast(struct lapic *lapic, u8 vector)
{
	struct vcpu *vcpu = lapic->vcpu;

	if (vcpu->vm->arch.ioapic) {
		ioapic_eoi(vcpu->vm, vcpu, vector);
	} else if (vcpu->vm->arch.split_irqchip) {
		lapic->eoi_vector = vector;
		vcpu_request(vcpu, REQ_IOAPIC_EOI);
	}
}

void lapic_eoi_exit(struct vcpu *vcpu, u8 vector)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (lapic_eoi_is_awaited(lapic, vector))
		lapic_eoi_broadcast(lapic, vector);
}

u8 lapic_eoi_vector(struct vcpu *vcpu)
{
	return vcpu->arch.lapic ? vcpu->arch.lapic->eoi_vector : 0;
}

void lapic_scan_ioapic(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;
	int vector;

	if (!lapic || !vcpu->vm->arch.ioapic)
		return;

	for (vector = 16; vector < 256; vector++)
		__assign_bit(vector, lapic->eoi_wanted,
			     ioapic_wants_eoi(vcpu->vm, vector));
	WRITE_ONCE(lapic->eoi_due, true);
	lapic->sync = true;
}

/* --- the map -------------------------------------------------------------------- */

static void lapic_map_free(struct rcu_head *rcu)
{
	kvfree(container_of(rcu, struct lapic_map, rcu));
	atomic_dec(&lapic_maps_retired);
}

/* lapic_map_lock held. */
static void lapic_map_publish(struct vm *vm, struct lapic_map *map)
{
	map = rcu_replace_pointer(vm->arch.lapic_map, map,
				  lockdep_is_held(&vm->arch.lapic_map_lock));
	if (!map)
		return;

	if (atomic_inc_return(&lapic_maps_retired) > LAPIC_MAPS_RETIRED_MAX) {
		synchronize_rcu();
		lapic_map_free(&map->rcu);
		return;
	}
	call_rcu(&map->rcu, lapic_map_free);
}

static void lapic_map_add_logical(struct lapic_map *map, struct lapic *lapic)
{
	u32 ldr = lapic_get(lapic, APIC_LDR) >> 24;
	u32 first = 0, bit;
	unsigned long bits;

	if (lapic->x2apic) {
		map->logical |= LOGICAL_X2APIC;
		return;
	}
	if (!ldr)
		return;		/* no logical destination means it */

	bits = ldr;
	if (lapic_is_flat(lapic)) {
		map->logical |= LOGICAL_FLAT;
	} else {
		map->logical |= LOGICAL_CLUSTER;
		first = (ldr >> 4) * 4;
		bits = ldr & 0xf;
	}
	for_each_set_bit(bit, &bits, 8) {
		if (map->by_logical[first + bit])
			map->logical_usable = false;
		map->by_logical[first + bit] = lapic;
	}
}

static void lapic_map_add(struct lapic_map *map, struct lapic *lapic)
{
	u32 id = lapic_id(lapic);

	if (!lapic->base_enabled)
		return;

	if (id >= map->size || map->by_id[id])
		map->usable = false;
	else
		map->by_id[id] = lapic;
	lapic_map_add_logical(map, lapic);
}

/* lapic_map_lock held. */
static void lapic_map_build(struct vm *vm)
{
	struct lapic_map *map;
	struct lapic *lapic;
	u32 size = 0;

	list_for_each_entry(lapic, &vm->arch.lapics, link)
		size = max(size, lapic_id(lapic) + 1);

	/* Without memory for a map, destinations are found the slow way. */
	map = size ? kvzalloc(struct_size(map, by_id, size), GFP_KERNEL_ACCOUNT) : NULL;
	if (map) {
		map->size = size;
		map->usable = true;
		map->logical_usable = true;
		list_for_each_entry(lapic, &vm->arch.lapics, link)
			lapic_map_add(map, lapic);
	}
	lapic_map_publish(vm, map);
}

void lapic_map_update(struct vm *vm)
{
	mutex_lock(&vm->arch.lapic_map_lock);
	lapic_map_build(vm);
	mutex_unlock(&vm->arch.lapic_map_lock);
}

void lapic_link(struct lapic *lapic)
{
	struct vm *vm = lapic->vcpu->vm;

	mutex_lock(&vm->arch.lapic_map_lock);
	list_add_tail_rcu(&lapic->link, &vm->arch.lapics);
	lapic->linked = true;
	mutex_unlock(&vm->arch.lapic_map_lock);
}

/*
 * A vCPU that others can see goes only when its VM ends: then all LAPICs become
 * unreachable at once, and only the first one waits for the grace period.
 */
void lapic_unlink(struct lapic *lapic)
{
	struct vcpu *vcpu = lapic->vcpu;
	struct vm *vm = vcpu->vm;
	bool whole_vm = vm_vcpu(vm, vcpu->index) == vcpu;
	struct lapic *other, *next;

	mutex_lock(&vm->arch.lapic_map_lock);
	if (lapic->linked) {
		list_for_each_entry_safe(other, next, &vm->arch.lapics, link) {
			if (other != lapic && !whole_vm)
				continue;
			list_del_rcu(&other->link);
			other->linked = false;
		}
		lapic_map_build(vm);
		synchronize_rcu();
	}
	mutex_unlock(&vm->arch.lapic_map_lock);
}

void lapic_vm_destroy(struct vm *vm)
{
	/* Nobody is left to read it. */
	kvfree(rcu_replace_pointer(vm->arch.lapic_map, NULL, true));
}

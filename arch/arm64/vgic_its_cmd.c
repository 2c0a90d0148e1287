// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an ITS has mapped, and the commands by which the guest maps it (GIC architecture
 * specification, "ITS commands").  A command that makes no sense is ignored.  Called by
 * vgic_its.c for each command of the queue, and by vgic_its_state.c, which maps what it
 * finds in tables.
 */
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "vgic_its.h"

/* --- what is mapped: config_lock held ----------------------------------------- */

/* The part of the vCPU that a collection points to, or NULL. */
static struct vgic_cpu *collection_target(struct its *its, u32 icid)
{
	void *entry = xa_load(&its->collections, icid);
	unsigned long index;

	if (!entry)
		return NULL;
	index = xa_to_value(entry);

	return its->vgic->cpus[array_index_nospec(index, its->vgic->cpu_count)];
}

static void event_target(struct its *its, struct its_event *event)
{
	struct vgic_cpu *target = collection_target(its, event->icid);

	if (event->irq->target != target)
		vgic_irq_retarget(event->irq, target);
}

static void event_remove(struct its *its, struct its_event *event)
{
	xa_erase(&its->events, its_key(event->device, event->event));
	its->event_count--;
	kfree_rcu(event, rcu);
}

/* All of one device. */
static void events_remove(struct its *its, u32 device)
{
	unsigned long key, last = its_key(device, BIT(ITS_EVENT_BITS) - 1);
	struct its_event *event;

	xa_for_each_range(&its->events, key, event, its_key(device, 0), last) {
		vgic_lpi_clear_pending(event->irq);
		event_remove(its, event);
		cond_resched();
	}
}

static void device_remove(struct its *its, struct its_device *device)
{
	events_remove(its, device->id);
	xa_erase(&its->devices, device->id);
	kfree(device);
}

static void collections_remove(struct its *its)
{
	xa_destroy(&its->collections);
}

static void devices_remove(struct its *its)
{
	struct its_device *device;
	unsigned long id;

	xa_for_each(&its->devices, id, device)
		device_remove(its, device);
}

void its_unmap_all(struct its *its, unsigned int table)
{
	if (table == ITS_DEVICES)
		devices_remove(its);
	else
		collections_remove(its);
}

int its_map_device(struct its *its, u32 device, gpa_t itt, unsigned int event_bits)
{
	struct its_device *new;
	int err;

	if (event_bits > ITS_EVENT_BITS || xa_load(&its->devices, device))
		return -EINVAL;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->id = device;
	new->itt = itt;
	new->event_bits = event_bits;
	err = xa_insert(&its->devices, device, new, GFP_KERNEL_ACCOUNT);
	if (err)
		kfree(new);

	return err;
}

int its_map_event(struct its *its, u32 device, u32 event, u32 intid, u32 icid)
{
	struct its_device *owner = xa_load(&its->devices, device);
	struct its_event *new;
	struct vgic_irq *irq;
	int err;

	if (!owner || event >= BIT(owner->event_bits) ||
	    icid >= its_entries(its, ITS_COLLECTIONS) ||
	    xa_load(&its->events, its_key(device, event)) || its->event_count >= ITS_EVENTS_MAX)
		return -EINVAL;
	irq = vgic_lpi_get(its->vgic, intid);
	if (IS_ERR(irq))
		return PTR_ERR(irq);

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->irq = irq;
	new->icid = icid;
	new->device = device;
	new->event = event;
	/* Who finds it finds its target. */
	event_target(its, new);
	vgic_lpi_configure(its->vgic, irq);
	err = xa_insert(&its->events, its_key(device, event), new, GFP_KERNEL_ACCOUNT);
	if (err) {
		kfree(new);
		return err;
	}
	its->event_count++;

	return 0;
}

/* All events of a collection follow it, be it to nowhere. */
static void collection_moved(struct its *its, u32 icid)
{
	struct its_event *event;
	unsigned long key;

	xa_for_each(&its->events, key, event) {
		cond_resched();
		if (event->icid != icid)
			continue;
		event_target(its, event);
		vgic_lpi_configure(its->vgic, event->irq);
	}
}

/* The vCPU that GICR_TYPER gives this Processor_Number, or NULL. */
static struct vgic_cpu *processor_find(struct its *its, u32 processor)
{
	struct vcpu *vcpu = vm_vcpu_by_id(its->vm, processor);

	return vcpu ? vcpu->arch.vgic : NULL;
}

int its_map_collection(struct its *its, u32 icid, u32 processor)
{
	struct vgic_cpu *target = processor_find(its, processor);
	void *old, *value;

	if (!target || icid >= its_entries(its, ITS_COLLECTIONS))
		return -EINVAL;

	value = xa_mk_value(target->vcpu->index);
	old = xa_store(&its->collections, icid, value, GFP_KERNEL_ACCOUNT);
	if (xa_is_err(old))
		return xa_err(old);
	if (old != value)
		collection_moved(its, icid);

	return 0;
}

/* --- commands: "ITS commands"; config_lock, vm->srcu held --------------------- */

#define CMD_NUMBER	GENMASK_ULL(7, 0)	/* of word 0 */
#define CMD_DEVICE	GENMASK_ULL(63, 32)
#define CMD_EVENT	GENMASK_ULL(31, 0)	/* of word 1 */
#define CMD_SIZE	GENMASK_ULL(4, 0)
#define CMD_INTID	GENMASK_ULL(63, 32)
#define CMD_ICID	GENMASK_ULL(15, 0)	/* of word 2 */
#define CMD_ITT		GENMASK_ULL(51, 8)
#define CMD_RDBASE	GENMASK_ULL(50, 16)
#define CMD_VALID	BIT_ULL(63)

static u64 word(const struct its_command *command, unsigned int number)
{
	return le64_to_cpu(command->word[number]);
}

static u32 command_device(const struct its_command *command)
{
	return FIELD_GET(CMD_DEVICE, word(command, 0));
}

static u32 command_event(const struct its_command *command)
{
	return FIELD_GET(CMD_EVENT, word(command, 1));
}

static u32 command_icid(const struct its_command *command)
{
	return FIELD_GET(CMD_ICID, word(command, 2));
}

static struct its_event *command_find(struct its *its, const struct its_command *command)
{
	u32 device = command_device(command), event = command_event(command);

	if (event >= BIT(ITS_EVENT_BITS))
		return NULL;

	return xa_load(&its->events, its_key(device, event));
}

static void command_mapd(struct its *its, const struct its_command *command)
{
	u32 id = command_device(command);
	struct its_device *old;

	/* One that could not be saved is none. */
	if (its_entry(its, ITS_DEVICES, id) == GPA_INVALID)
		return;
	old = xa_load(&its->devices, id);
	if (old) {
		its_clear_device(its, old);
		device_remove(its, old);
	}
	if (word(command, 2) & CMD_VALID)
		its_map_device(its, id, word(command, 2) & CMD_ITT,
			       FIELD_GET(CMD_SIZE, word(command, 1)) + 1);
}

static void command_mapc(struct its *its, const struct its_command *command)
{
	u32 icid = command_icid(command);

	if (word(command, 2) & CMD_VALID)
		its_map_collection(its, icid, FIELD_GET(CMD_RDBASE, word(command, 2)));
	else if (xa_erase(&its->collections, icid))
		collection_moved(its, icid);
}

static void command_mapti(struct its *its, const struct its_command *command)
{
	its_map_event(its, command_device(command), command_event(command),
		      FIELD_GET(CMD_INTID, word(command, 1)), command_icid(command));
}

/* The event is the LPI. */
static void command_mapi(struct its *its, const struct its_command *command)
{
	its_map_event(its, command_device(command), command_event(command),
		      command_event(command), command_icid(command));
}

static void command_movi(struct its *its, const struct its_command *command)
{
	struct its_event *event = command_find(its, command);

	if (!event || !collection_target(its, command_icid(command)))
		return;
	event->icid = command_icid(command);
	event_target(its, event);
	vgic_lpi_configure(its->vgic, event->irq);
}

static void command_discard(struct its *its, const struct its_command *command)
{
	struct its_event *event = command_find(its, command);

	if (!event)
		return;
	its_clear_event(its, event->device, event->event);
	vgic_lpi_clear_pending(event->irq);
	event_remove(its, event);
}

static void command_inv(struct its *its, const struct its_command *command)
{
	struct its_event *event = command_find(its, command);

	if (event)
		vgic_lpi_configure(its->vgic, event->irq);
}

static void command_invall(struct its *its, const struct its_command *command)
{
	struct vgic_cpu *cpu = collection_target(its, command_icid(command));

	if (cpu)
		vgic_lpi_configure_all(cpu);
}

static void command_int(struct its *its, const struct its_command *command)
{
	struct its_event *event = command_find(its, command);

	if (event && event->irq->target && event->irq->target->lpis_on)
		vgic_irq_edge(event->irq);
}

static void command_clear(struct its *its, const struct its_command *command)
{
	struct its_event *event = command_find(its, command);

	if (event)
		vgic_lpi_clear_pending(event->irq);
}

/* What is pending at one vCPU becomes another's, until its collection says again. */
static void command_movall(struct its *its, const struct its_command *command)
{
	struct vgic_cpu *from = processor_find(its, FIELD_GET(CMD_RDBASE, word(command, 2)));
	struct vgic_cpu *to = processor_find(its, FIELD_GET(CMD_RDBASE, word(command, 3)));
	struct vgic_irq *irq;
	unsigned long intid;

	if (!from || !to || from == to)
		return;
	xa_for_each(&its->vgic->lpis, intid, irq) {
		if (READ_ONCE(irq->target) == from)
			vgic_irq_retarget(irq, to);
		cond_resched();
	}
}

/* SYNC has nothing to wait for; what has no row is ignored. */
static void (*const commands[])(struct its *its, const struct its_command *command) = {
	[GITS_CMD_MAPD]		= command_mapd,
	[GITS_CMD_MAPC]		= command_mapc,
	[GITS_CMD_MAPTI]	= command_mapti,
	[GITS_CMD_MAPI]		= command_mapi,
	[GITS_CMD_MOVI]		= command_movi,
	[GITS_CMD_DISCARD]	= command_discard,
	[GITS_CMD_INV]		= command_inv,
	[GITS_CMD_INVALL]	= command_invall,
	[GITS_CMD_INT]		= command_int,
	[GITS_CMD_CLEAR]	= command_clear,
	[GITS_CMD_MOVALL]	= command_movall,
};

void its_execute(struct its *its, const struct its_command *command)
{
	u64 number = FIELD_GET(CMD_NUMBER, word(command, 0));

	if (number >= ARRAY_SIZE(commands))
		return;
	number = array_index_nospec(number, ARRAY_SIZE(commands));
	if (commands[number])
		commands[number](its, command);
}

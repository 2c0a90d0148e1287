// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Interrupt Translation Service (GIC architecture specification, "The Interrupt
 * Translation Service"): a message is a DeviceID and an EventID, and what the guest has
 * mapped them to by commands (vgic_its_cmd.c) is an LPI of one vCPU.  Messages come in
 * by way of irqchip.c.
 *
 * A message is one look-up by both numbers, without a lock.  Commands run when the guest
 * says that there are some, one at a time with the lock dropped between, and whoever
 * looks at how far they got goes on with what a signal or the time interrupted.
 */
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>

#include "vgic_its.h"

/* --- messages ----------------------------------------------------------------- */

/* The ITS whose GITS_TRANSLATER this is, or NULL. */
static struct its *its_find(struct vgic *vgic, gpa_t addr)
{
	/* Pairs with the release when one is created. */
	unsigned int count = smp_load_acquire(&vgic->its_count), i;

	for (i = 0; i < count; i++)
		if (READ_ONCE(vgic->its[i]->base) + GITS_TRANSLATER == addr)
			return vgic->its[i];

	return NULL;
}

/* LPIs live longer than what maps to them, so this one may be kept. */
static struct vgic_irq *event_irq(struct its *its, u32 device, u32 event)
{
	struct its_event *found;
	struct vgic_irq *irq;

	rcu_read_lock();
	found = xa_load(&its->events, its_key(device, event));
	irq = found ? found->irq : NULL;
	rcu_read_unlock();

	return irq;
}

int vgic_its_message(struct vgic *vgic, const struct irq_route *route)
{
	struct its *its = its_find(vgic, route->msi.address);
	struct vgic_cpu *target;
	struct vgic_irq *irq;

	if (!its || !READ_ONCE(its->enabled) || !(route->msi.flags & KVM_MSI_VALID_DEVID) ||
	    route->msi.devid >= BIT(ITS_DEVICE_BITS) || route->msi.data >= BIT(ITS_EVENT_BITS))
		return -1;
	irq = event_irq(its, route->msi.devid, route->msi.data);
	if (!irq)
		return -1;
	target = READ_ONCE(irq->target);
	if (!target || !READ_ONCE(target->lpis_on))
		return -1;

	/* One that is pending already is delivered with it. */
	vgic_irq_edge(irq);

	return 1;
}

/* --- tables in guest memory: config_lock, vm->srcu held ----------------------- */

int its_read64(struct its *its, gpa_t addr, u64 *value)
{
	__le64 raw;

	if (vm_guest_read(its->vm, addr, &raw, sizeof(raw)))
		return -EFAULT;
	*value = le64_to_cpu(raw);

	return 0;
}

int its_write64(struct its *its, gpa_t addr, u64 value)
{
	__le64 raw = cpu_to_le64(value);

	return vm_guest_write(its->vm, addr, &raw, sizeof(raw));
}

/* Bytes of a page of a table.  The reserved size is the largest. */
static u64 baser_page(u64 baser)
{
	u64 size = (baser & GITS_BASER_PAGE_SIZE_MASK) >> GITS_BASER_PAGE_SIZE_SHIFT;

	return SZ_4K << (2 * min(size, GIC_PAGE_SIZE_64K));
}

static gpa_t baser_address(u64 baser)
{
	if (baser_page(baser) == SZ_64K)
		return GITS_BASER_ADDR_48_to_52(baser);

	return baser & GENMASK_ULL(47, 12);
}

static u64 baser_bytes(u64 baser)
{
	return GITS_BASER_NR_PAGES(baser) * baser_page(baser);
}

u64 its_entries(const struct its *its, unsigned int table)
{
	u64 baser = its->baser[table], limit;

	if (!(baser & GITS_BASER_VALID))
		return 0;

	limit = table == ITS_DEVICES ? BIT_ULL(ITS_DEVICE_BITS) : BIT_ULL(16);
	if (baser & GITS_BASER_INDIRECT)
		return min(baser_bytes(baser) / GITS_LVL1_ENTRY_SIZE *
			   (baser_page(baser) / ITS_ENTRY_SIZE), limit);

	return min(baser_bytes(baser) / ITS_ENTRY_SIZE, limit);
}

gpa_t its_entry(struct its *its, unsigned int table, u32 index)
{
	u64 baser = its->baser[table], per_page, entry;

	if (index >= its_entries(its, table))
		return GPA_INVALID;
	if (!(baser & GITS_BASER_INDIRECT))
		return baser_address(baser) + (u64)index * ITS_ENTRY_SIZE;

	/* "GITS_BASER<n>": a level 1 table points to pages of the same size. */
	per_page = baser_page(baser) / ITS_ENTRY_SIZE;
	if (its_read64(its, baser_address(baser) + index / per_page * GITS_LVL1_ENTRY_SIZE,
		       &entry) || !(entry & GITS_BASER_VALID))
		return GPA_INVALID;

	return (entry & GENMASK_ULL(51, 12)) + index % per_page * ITS_ENTRY_SIZE;
}

/* --- the command queue -------------------------------------------------------- */

/* Bytes of the command queue. */
static u64 queue_bytes(const struct its *its)
{
	return ((its->cbaser & GENMASK_ULL(7, 0)) + 1) * SZ_4K;
}

/* True: there may be another one. */
static bool command_next(struct its *its)
{
	struct its_command command;
	u64 next;

	guard(mutex)(&its->vm->config_lock);

	if (!its->enabled || !(its->cbaser & GITS_CBASER_VALID) || !its->vgic->cpus ||
	    its->creadr == its->cwriter)
		return false;

	/* One that is not in memory is none. */
	if (!vm_guest_read(its->vm, GITS_CBASER_ADDRESS(its->cbaser) + its->creadr, &command,
			   sizeof(command)))
		its_execute(its, &command);
	next = its->creadr + sizeof(command);
	if (next >= queue_bytes(its))
		next = 0;
	/* Who sees it sees what the command did.  Pairs with its_read_atomic(). */
	smp_store_release(&its->creadr, next);

	return true;
}

/*
 * vm->srcu held, which others wait for: not for long.  No lock.  At least one, so that a
 * task with a signal gets on, too.
 */
static void commands_run(struct its *its)
{
	unsigned long until = jiffies + HZ / 10;

	while (command_next(its) && !signal_pending(current) && time_before(jiffies, until))
		cond_resched();
}

/* --- registers: config_lock held ---------------------------------------------- */

#define IIDR_VALUE	(0x43bU | 'K' << GITS_IIDR_PRODUCTID_SHIFT)
#define CBASER_BITS	(GITS_CBASER_VALID | GENMASK_ULL(61, 59) | GENMASK_ULL(55, 12) |	\
			 GENMASK_ULL(11, 10) | GENMASK_ULL(7, 0))
#define CWRITER_BITS	GENMASK_ULL(19, 5)

/* A row is a doubleword; @user: by an attribute. */
struct its_register {
	u32	offset;
	u64	(*read)(struct its *its, u32 offset);
	/* Of @mask; 0, or -EINVAL, which only user space hears of. */
	int	(*write)(struct its *its, u32 offset, u64 value, u64 mask, bool user);
};

/* GITS_CTLR, and above it GITS_IIDR. */
static u64 ctlr_read(struct its *its, u32 offset)
{
	return (u64)IIDR_VALUE << 32 | (its->enabled ? GITS_CTLR_ENABLE : 0) |
	       (!its->enabled || its->creadr == its->cwriter ? GITS_CTLR_QUIESCENT : 0);
}

static int ctlr_write(struct its *its, u32 offset, u64 value, u64 mask, bool user)
{
	/* The format of tables in memory is the only one there is. */
	if (user && mask >> 32 && GITS_IIDR_REV(value >> 32) != GITS_IIDR_REV(IIDR_VALUE))
		return -EINVAL;
	if (mask & GITS_CTLR_ENABLE)
		WRITE_ONCE(its->enabled, value & GITS_CTLR_ENABLE);

	return 0;
}

static u64 typer_read(struct its *its, u32 offset)
{
	return GITS_TYPER_PLPIS | FIELD_PREP(GITS_TYPER_ITT_ENTRY_SIZE, ITS_ENTRY_SIZE - 1) |
	       FIELD_PREP(GITS_TYPER_IDBITS, ITS_EVENT_BITS - 1) |
	       FIELD_PREP(GITS_TYPER_DEVBITS, ITS_DEVICE_BITS - 1);
}

static u64 cbaser_read(struct its *its, u32 offset)
{
	return its->cbaser;
}

static int cbaser_write(struct its *its, u32 offset, u64 value, u64 mask, bool user)
{
	if (its->enabled)
		return 0;
	its->cbaser = ((its->cbaser & ~mask) | (value & mask)) & CBASER_BITS;
	WRITE_ONCE(its->creadr, 0);
	WRITE_ONCE(its->cwriter, 0);

	return 0;
}

static u64 cwriter_read(struct its *its, u32 offset)
{
	return its->cwriter;
}

/* An offset that is none is ignored. */
static void set_offset(struct its *its, u64 *reg, u64 value, u64 mask)
{
	value = ((*reg & ~mask) | (value & mask)) & CWRITER_BITS;
	if (value < queue_bytes(its))
		WRITE_ONCE(*reg, value);
}

static int cwriter_write(struct its *its, u32 offset, u64 value, u64 mask, bool user)
{
	set_offset(its, &its->cwriter, value, mask);

	return 0;
}

static u64 creadr_read(struct its *its, u32 offset)
{
	return its->creadr;
}

static int creadr_write(struct its *its, u32 offset, u64 value, u64 mask, bool user)
{
	if (user)
		set_offset(its, &its->creadr, value, mask);

	return 0;
}

/* The table of a GITS_BASER<n>, and what it is for. */
static u64 baser_fixed(unsigned int table)
{
	u64 type = table == ITS_DEVICES ? GITS_BASER_TYPE_DEVICE : GITS_BASER_TYPE_COLLECTION;

	return type << GITS_BASER_TYPE_SHIFT |
	       FIELD_PREP(GITS_BASER_ENTRY_SIZE_MASK, ITS_ENTRY_SIZE - 1);
}

static u64 baser_read(struct its *its, u32 offset)
{
	unsigned int table = (offset - GITS_BASER) / 8;

	if (table >= ITS_TABLES)
		return 0;
	table = array_index_nospec(table, ITS_TABLES);

	return its->baser[table] | baser_fixed(table);
}

/* A table that is taken away takes what it held with it. */
static int baser_write(struct its *its, u32 offset, u64 value, u64 mask, bool user)
{
	unsigned int table = (offset - GITS_BASER) / 8;
	u64 bits = ~(GENMASK_ULL(58, 56) | GITS_BASER_ENTRY_SIZE_MASK);

	if (table >= ITS_TABLES || its->enabled)
		return 0;
	table = array_index_nospec(table, ITS_TABLES);
	if (table == ITS_COLLECTIONS)
		bits &= ~GITS_BASER_INDIRECT;

	its->baser[table] = ((its->baser[table] & ~mask) | (value & mask)) & bits;
	if (its->baser[table] & GITS_BASER_VALID)
		return 0;
	its_unmap_all(its, table);

	return 0;
}

static u64 id_read(struct its *its, u32 offset)
{
	return offset == GITS_PIDR2 ? GIC_PIDR2_ARCH_GICv3 | 0xb : 0;
}

void its_reset(struct its *its)
{
	WRITE_ONCE(its->enabled, false);
	its_unmap_all(its, ITS_DEVICES);
	its_unmap_all(its, ITS_COLLECTIONS);
	its->cbaser = 0;
	WRITE_ONCE(its->creadr, 0);
	WRITE_ONCE(its->cwriter, 0);
	memset(its->baser, 0, sizeof(its->baser));
}

static const struct its_register its_registers[] = {
	{ GITS_CTLR,	ctlr_read, ctlr_write },
	{ GITS_TYPER,	typer_read },
	{ GITS_CBASER,	cbaser_read, cbaser_write },
	{ GITS_CWRITER,	cwriter_read, cwriter_write },
	{ GITS_CREADR,	creadr_read, creadr_write },
	{ GITS_BASER,	baser_read, baser_write },
	{ GITS_BASER + 0x08, baser_read, baser_write },
	{ GITS_BASER + 0x10, baser_read, baser_write },
	{ GITS_BASER + 0x18, baser_read, baser_write },
	{ GITS_BASER + 0x20, baser_read, baser_write },
	{ GITS_BASER + 0x28, baser_read, baser_write },
	{ GITS_BASER + 0x30, baser_read, baser_write },
	{ GITS_BASER + 0x38, baser_read, baser_write },
	{ GITS_PIDR4,	id_read },
	{ GITS_PIDR4 + 0x08, id_read },
	{ GITS_PIDR0,	id_read },
	{ GITS_PIDR2,	id_read },
	{ GITS_CIDR0,	id_read },
	{ GITS_CIDR2,	id_read },
};

static const struct its_register *register_find(u32 offset)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(its_registers); i++)
		if (its_registers[i].offset == (offset & ~7U))
			return &its_registers[i];

	return NULL;
}

/* --- registers: user space ---------------------------------------------------- */

/* Registers of 32 bits are in front and at the end of the frame. */
static bool register_is_word(u32 offset)
{
	return offset < GITS_TYPER || offset >= GITS_PIDR4;
}

int its_register_has(u32 offset)
{
	if (!register_find(offset))
		return -ENXIO;

	return offset % (register_is_word(offset) ? 4 : 8) ? -EINVAL : 0;
}

int its_register_get(struct its *its, u32 offset, u64 *value)
{
	const struct its_register *row = register_find(offset);

	guard(mutex)(&its->vm->config_lock);

	*value = row->read(its, row->offset);
	if (register_is_word(offset))
		*value = offset % 8 ? upper_32_bits(*value) : lower_32_bits(*value);

	return 0;
}

int its_register_set(struct its *its, u32 offset, u64 value)
{
	const struct its_register *row = register_find(offset);
	u32 shift = register_is_word(offset) ? 8 * (offset % 8) : 0;
	u64 mask = register_is_word(offset) ? (u64)U32_MAX << shift : ~0ULL;

	guard(mutex)(&its->vm->config_lock);

	return row->write ? row->write(its, row->offset, value << shift, mask, true) : 0;
}

/* --- MMIO --------------------------------------------------------------------- */

static bool access_ok_length(u32 offset, int len)
{
	return (len == 4 || len == 8) && offset % len == 0;
}

/*
 * With irqs off: how far commands got, which a guest asks after each.  Nothing else, as all
 * other registers are under a lock that sleeps.
 */
static int its_read_atomic(struct its *its, u32 offset, int len, void *data)
{
	u64 value;

	if ((offset & ~7U) != GITS_CREADR || !access_ok_length(offset, len))
		return -EWOULDBLOCK;
	/* Pairs with the release in command_next(). */
	value = smp_load_acquire(&its->creadr);
	/* It is to be helped on. */
	if (value != READ_ONCE(its->cwriter))
		return -EWOULDBLOCK;

	value >>= 8 * (offset % 8);
	memcpy(data, &value, len);

	return 0;
}

static int its_mmio_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
			 void *data)
{
	struct its *its = container_of(device, struct its, device);
	u32 offset = addr - its->base;
	const struct its_register *row;
	u64 value;

	if (irqs_disabled())
		return its_read_atomic(its, offset, len, data);
	row = register_find(offset);
	memset(data, 0, len);
	if (!row || !access_ok_length(offset, len))
		return 0;

	/* Who asks how far it is helps it on. */
	if (row->offset == GITS_CREADR)
		commands_run(its);

	guard(mutex)(&its->vm->config_lock);

	value = row->read(its, row->offset) >> (8 * (offset % 8));
	memcpy(data, &value, len);

	return 0;
}

static int its_mmio_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
			  const void *data)
{
	struct its *its = container_of(device, struct its, device);
	u32 offset = addr - its->base, shift = 8 * (offset % 8);
	const struct its_register *row;
	u64 value = 0;

	if (irqs_disabled())
		return -EWOULDBLOCK;
	row = register_find(offset);
	if (!row || !row->write || !access_ok_length(offset, len))
		return 0;

	memcpy(&value, data, len);
	scoped_guard(mutex, &its->vm->config_lock)
		row->write(its, row->offset, value << shift,
			   GENMASK_ULL(8 * len - 1, 0) << shift, false);
	if (row->offset == GITS_CWRITER || row->offset == GITS_CTLR)
		commands_run(its);

	return 0;
}

static const struct io_device_ops its_device_ops = {
	.atomic	= true,
	.read	= its_mmio_read,
	.write	= its_mmio_write,
};

int its_bus_register(struct its *its)
{
	its->device.ops = &its_device_ops;

	guard(mutex)(&its->vm->slots_lock);

	return iobus_register(its->vm, IOBUS_MMIO, its->base, KVM_VGIC_V3_ITS_SIZE, &its->device);
}

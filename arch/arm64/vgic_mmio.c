// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to the GICv3's frames of registers: which row of a table, which word of it,
 * and the registers that distributor and redistributors have in common, one or more bits
 * per interrupt.  The tables are in vgic_dist.c and vgic_redist.c.
 *
 * GIC architecture specification, "The GIC register interface".
 */
#include <linux/nospec.h>

#include "vgic.h"

/* --- frames ------------------------------------------------------------------- */

static const struct vgic_register *register_find(const struct vgic_frame *frame, u32 offset,
						 u32 *word)
{
	unsigned int i;

	for (i = 0; i < frame->count; i++) {
		const struct vgic_register *row = &frame->rows[i];

		if (offset - row->offset >= row->size)
			continue;
		*word = array_index_nospec((offset - row->offset) / 4, row->size / 4);
		return row;
	}

	return NULL;
}

/* The row of a guest's access, if it may have this length and place. */
static const struct vgic_register *access_find(const struct vgic_frame *frame, u32 offset,
					       int len, u32 *word)
{
	const struct vgic_register *row;

	if ((len != 1 && len != 4 && len != 8) || offset % len)
		return NULL;
	row = register_find(frame, offset, word);

	return row && row->lengths & len ? row : NULL;
}

static u32 row_read(const struct vgic_register *row, const struct vgic_access *access, u32 word)
{
	return row->read ? row->read(access, word) : 0;
}

static int row_write(const struct vgic_register *row, const struct vgic_access *access,
		     u32 word, u32 value, u32 mask)
{
	return row->write ? row->write(access, word, value, mask) : 0;
}

void vgic_frame_read(const struct vgic_frame *frame, const struct vgic_access *access,
		     u32 offset, int len, void *data)
{
	const struct vgic_register *row;
	u64 value = 0;
	u32 word;

	row = access_find(frame, offset, len, &word);
	if (row) {
		guard(mutex)(&access->vgic->vm->config_lock);

		value = row_read(row, access, word);
		if (len == VGIC_LONG)
			value |= (u64)row_read(row, access, word + 1) << 32;
		if (len == VGIC_BYTE)
			value >>= 8 * (offset % 4);
	}
	/* The low bytes come first. */
	if (len <= sizeof(value))
		memcpy(data, &value, len);
	else
		memset(data, 0, len);
}

void vgic_frame_write(const struct vgic_frame *frame, const struct vgic_access *access,
		      u32 offset, int len, const void *data)
{
	const struct vgic_register *row;
	u64 value = 0;
	u32 word;

	row = access_find(frame, offset, len, &word);
	if (!row)
		return;
	memcpy(&value, data, len);

	guard(mutex)(&access->vgic->vm->config_lock);

	if (len == VGIC_BYTE) {
		u32 shift = 8 * (offset % 4);

		row_write(row, access, word, value << shift, 0xffU << shift);
		return;
	}
	row_write(row, access, word, lower_32_bits(value), ~0);
	if (len == VGIC_LONG)
		row_write(row, access, word + 1, upper_32_bits(value), ~0);
}

/*
 * The row of a word that needs no config_lock: what is constant or read as a whole, and
 * what home->lock guards alone.
 */
static const struct vgic_register *fast_find(const struct vgic_frame *frame, u32 offset, u8 fast,
					     u32 *word)
{
	const struct vgic_register *row = access_find(frame, offset, VGIC_WORD, word);

	return row && row->fast & fast ? row : NULL;
}

bool vgic_fast_read(struct vgic *vgic, u32 offset, u32 *value)
{
	const struct vgic_access access = { .vgic = vgic };
	const struct vgic_register *row;
	u32 word;

	row = fast_find(&vgic_dist_frame, offset, VGIC_FAST_READ, &word);
	if (!row)
		return false;
	*value = row->read(&access, word);

	return true;
}

bool vgic_fast_write(struct vgic *vgic, u32 offset, u32 value)
{
	const struct vgic_access access = { .vgic = vgic };
	const struct vgic_register *row;
	u32 word;

	row = fast_find(&vgic_dist_frame, offset, VGIC_FAST_WRITE, &word);
	if (!row)
		return false;
	row->write(&access, word, value, ~0);

	return true;
}

int vgic_frame_has(const struct vgic_frame *frame, u32 offset)
{
	u32 word;

	return offset % 4 == 0 && register_find(frame, offset, &word) ? 0 : -ENXIO;
}

int vgic_frame_get(const struct vgic_frame *frame, const struct vgic_access *access,
		   u32 offset, u32 *value)
{
	const struct vgic_register *row;
	u32 word;

	row = offset % 4 ? NULL : register_find(frame, offset, &word);
	if (!row)
		return -ENXIO;

	guard(mutex)(&access->vgic->vm->config_lock);

	*value = row_read(row, access, word);

	return 0;
}

int vgic_frame_set(const struct vgic_frame *frame, const struct vgic_access *access,
		   u32 offset, u32 value)
{
	const struct vgic_register *row;
	u32 word;

	row = offset % 4 ? NULL : register_find(frame, offset, &word);
	if (!row)
		return -ENXIO;

	guard(mutex)(&access->vgic->vm->config_lock);

	return row_write(row, access, word, value, ~0);
}

/* --- by interrupt ------------------------------------------------------------- */

/* The distributor has no private interrupts, as affinity routing is always on. */
static struct vgic_irq *access_irq(const struct vgic_access *access, u32 intid)
{
	return access->cpu ? vgic_private(access->cpu, intid) : vgic_spi(access->vgic, intid);
}

/* Part of a register from one interrupt; home->lock held. */
typedef u32 (*irq_get)(const struct vgic_irq *irq);
/* And into it: true if the vCPU has to look, as vgic_irq_update(). */
typedef bool (*irq_set)(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value);

static __always_inline u32 irqs_read(const struct vgic_access *access, u32 word,
				     unsigned int bits, irq_get get)
{
	u32 first = word * 32 / bits, value = 0, i;

	for (i = 0; i < 32 / bits; i++) {
		struct vgic_irq *irq = access_irq(access, first + i);
		struct vgic_cpu *cpu;
		unsigned long flags;

		if (!irq)
			continue;
		cpu = vgic_irq_lock(irq, &flags);
		value |= get(irq) << (i * bits);
		vgic_irq_unlock(cpu, flags, false);
	}

	return value;
}

/* For those whose bits @mask has; the others keep what they are. */
static __always_inline void irqs_write(const struct vgic_access *access, u32 word,
				       unsigned int bits, u32 value, u32 mask, irq_set set)
{
	u32 first = word * 32 / bits, field = GENMASK(bits - 1, 0), i;

	while (mask) {
		struct vgic_irq *irq;
		struct vgic_cpu *cpu;
		unsigned long flags;

		i = __ffs(mask) / bits;
		mask &= ~(field << (i * bits));
		irq = access_irq(access, first + i);
		if (!irq)
			continue;
		cpu = vgic_irq_lock(irq, &flags);
		vgic_irq_unlock(cpu, flags, set(cpu, irq, value >> (i * bits) & field));
	}
}

/* The same with the interrupts out of list registers meanwhile; bits 1. */
static __always_inline void irqs_write_held(const struct vgic_access *access, u32 word,
					    u32 mask, irq_set set)
{
	u32 i;

	for (i = 0; i < 32; i++) {
		struct vgic_irq *irq = access_irq(access, word * 32 + i);
		struct vgic_cpu *cpu;
		unsigned long flags;

		if (!irq || !(mask & BIT(i)))
			continue;
		vgic_hold(irq);
		cpu = vgic_irq_lock(irq, &flags);
		set(cpu, irq, 1);
		vgic_irq_unlock(cpu, flags, vgic_release(cpu, irq));
		vgic_move(cpu);
	}
}

/* What vCPUs in the guest have made of them. */
static void irqs_observe(const struct vgic_access *access, u32 word)
{
	u32 i;

	for (i = 0; i < 32; i++) {
		struct vgic_irq *irq = access_irq(access, word * 32 + i);

		if (irq && READ_ONCE(irq->lr))
			vgic_observe(irq);
	}
}

/* --- one bit: group, enable --------------------------------------------------- */

static u32 get_group(const struct vgic_irq *irq)
{
	return irq->group;
}

static bool set_group(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->group = value;

	return vgic_irq_update(cpu, irq);
}

u32 vgic_read_group(const struct vgic_access *access, u32 word)
{
	return irqs_read(access, word, 1, get_group);
}

int vgic_write_group(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	irqs_write(access, word, 1, value, mask, set_group);

	return 0;
}

static u32 get_enable(const struct vgic_irq *irq)
{
	return irq->enabled;
}

static bool set_enable(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->enabled = true;

	return vgic_irq_update(cpu, irq);
}

static bool set_disable(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->enabled = false;

	return vgic_irq_update(cpu, irq);
}

u32 vgic_read_enable(const struct vgic_access *access, u32 word)
{
	return irqs_read(access, word, 1, get_enable);
}

int vgic_write_enable(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	irqs_write(access, word, 1, value, value & mask, set_enable);

	return 0;
}

int vgic_write_disable(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	irqs_write(access, word, 1, value, value & mask, set_disable);

	return 0;
}

/* --- one bit: pending --------------------------------------------------------- */

static u32 get_pending(const struct vgic_irq *irq)
{
	return vgic_irq_pending(irq);
}

static u32 get_latched(const struct vgic_irq *irq)
{
	return vgic_irq_latched(irq);
}

static bool set_latch(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->latch = true;

	return vgic_irq_update(cpu, irq);
}

static bool clear_latch(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->latch = false;

	return false;
}

u32 vgic_read_pending(const struct vgic_access *access, u32 word)
{
	irqs_observe(access, word);

	/* User space gets the latch alone: the level has an attribute of its own. */
	return access->user ? irqs_read(access, word, 1, get_latched) :
			      irqs_read(access, word, 1, get_pending);
}

u32 vgic_read_clear_pending(const struct vgic_access *access, u32 word)
{
	return access->user ? 0 : vgic_read_pending(access, word);
}

int vgic_write_set_pending(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	/* From user space: the latches are this. */
	if (access->user)
		irqs_write_held(access, word, ~value & mask, clear_latch);
	irqs_write(access, word, 1, value, value & mask, set_latch);

	return 0;
}

int vgic_write_clear_pending(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	if (!access->user)
		irqs_write_held(access, word, value & mask, clear_latch);

	return 0;
}

/* --- one bit: active ---------------------------------------------------------- */

static u32 get_active(const struct vgic_irq *irq)
{
	return vgic_irq_active(irq);
}

static bool set_active(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->active = true;

	return false;
}

static bool clear_active(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->active = false;
	irq->active_hw = false;

	return false;
}

u32 vgic_read_active(const struct vgic_access *access, u32 word)
{
	irqs_observe(access, word);

	return irqs_read(access, word, 1, get_active);
}

int vgic_write_set_active(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	irqs_write_held(access, word, value & mask, set_active);

	return 0;
}

int vgic_write_clear_active(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	irqs_write_held(access, word, value & mask, clear_active);

	return 0;
}

/* --- more bits: priority, configuration --------------------------------------- */

static u32 get_priority(const struct vgic_irq *irq)
{
	return irq->priority;
}

static bool set_priority(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	irq->priority = vgic_priority(value);

	return vgic_irq_update(cpu, irq);
}

u32 vgic_read_priority(const struct vgic_access *access, u32 word)
{
	return irqs_read(access, word, 8, get_priority);
}

int vgic_write_priority(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	irqs_write(access, word, 8, value, mask, set_priority);

	return 0;
}

/* ICFGR: two bits, of which the upper says edge-triggered. */
#define CONFIG_EDGE	2

static u32 get_config(const struct vgic_irq *irq)
{
	return irq->level ? 0 : CONFIG_EDGE;
}

static bool set_config(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	/* Those of SGIs are constant. */
	if (irq->intid >= VGIC_SGIS)
		irq->level = !(value & CONFIG_EDGE);

	return vgic_irq_update(cpu, irq);
}

u32 vgic_read_config(const struct vgic_access *access, u32 word)
{
	return irqs_read(access, word, 2, get_config);
}

int vgic_write_config(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	irqs_write(access, word, 2, value, mask, set_config);

	return 0;
}

/* --- lines, as user space saves and restores them ----------------------------- */

static u32 get_line(const struct vgic_irq *irq)
{
	return irq->sources != 0;
}

/*
 * No edge: that is in the latch already.  One that is up is its source's to take down; a
 * PPI has only one.
 */
static bool set_line(struct vgic_cpu *cpu, struct vgic_irq *irq, u32 value)
{
	if (irq->intid < VGIC_SGIS)
		return false;
	if (!value)
		irq->sources = 0;
	else if (irq->intid < VGIC_PRIVATE)
		irq->sources = BIT(IRQ_SOURCE_ARCH);
	else
		irq->sources |= BIT(IRQ_SOURCE_USER);

	return vgic_irq_update(cpu, irq);
}

u32 vgic_read_lines(const struct vgic_access *access, u32 intid)
{
	return irqs_read(access, intid / 32, 1, get_line);
}

void vgic_write_lines(const struct vgic_access *access, u32 intid, u32 value)
{
	irqs_write(access, intid / 32, 1, value, ~0, set_line);
}

/* --- who we are --------------------------------------------------------------- */

/* As the kernel's own: Arm's number, product K, and the revision of the behaviour. */
#define IIDR_VALUE	(FIELD_PREP(GICD_IIDR_IMPLEMENTER_MASK, 0x43b) |	\
			 FIELD_PREP(GICD_IIDR_REVISION_MASK, 3) |		\
			 FIELD_PREP((u32)GICD_IIDR_PRODUCT_ID_MASK, 'K'))

u32 vgic_read_iidr(const struct vgic_access *access, u32 word)
{
	return IIDR_VALUE;
}

/* Of the registers from GICD_IDREGS on only PIDR2 says something: GICv3. */
u32 vgic_read_id(const struct vgic_access *access, u32 word)
{
	return word == (GICD_PIDR2 - GICD_IDREGS) / 4 ? GIC_PIDR2_ARCH_GICv3 | 0xb : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's APLIC (AIA manual, "Advanced Platform-Level Interrupt Controller"):
 * one interrupt domain at supervisor level, which turns the levels of wires into
 * messages.  Direct delivery is not offered: harts with an IMSIC do not use it.
 * Wires come in by way of irqchip.c, messages go out through aia_send().
 *
 * One bit per source and word of 32 sources, as the registers have them; what a
 * source mode means is spelled out in four masks when it is written, so that no
 * path has to look at modes again.
 */
#include <linux/bitfield.h>
#include <linux/irqchip/riscv-aplic.h>
#include <linux/log2.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/swab.h>

#include "aia.h"

#define APLIC_WORDS	(APLIC_MAX_SOURCE / APLIC_IRQBITS_PER_REG)

/*
 * The format of target and of genmsi, as unsigned masks.  Harts without guests of
 * their own have no Guest Index.
 */
#define TARGET_HART	GENMASK(31, APLIC_TARGET_HART_IDX_SHIFT)
#define TARGET_EIID	GENMASK(10, APLIC_TARGET_EIID_SHIFT)

static_assert(APLIC_MAX_SOURCE == KVM_DEV_RISCV_AIA_SRCS_MAX);

struct aplic_source {
	u32	target;
	u8	mode;		/* APLIC_SOURCECFG_SM_* */
	u8	asserted;	/* BIT(IRQ_SOURCE_*): who asserts the wire */
};

struct aplic {
	struct aia		*aia;		/* (c) */
	u32			 sources;	/* (c) the highest source */
	u32			 eiid_mask;	/* (c) identities a file can have */
	struct io_device	 device;
	raw_spinlock_t		 lock;		/* all below */
	bool			 enabled;	/* domaincfg.IE */
	u32			 genmsi;
	u32			 pending[APLIC_WORDS];
	u32			 enable[APLIC_WORDS];
	u32			 wire[APLIC_WORDS];	/* levels */
	/* What the source modes mean. */
	u32			 active[APLIC_WORDS];
	u32			 wired[APLIC_WORDS];	/* edge or level, not detached */
	u32			 level[APLIC_WORDS];
	u32			 inverted[APLIC_WORDS];
	struct aplic_source	 source[];	/* [0] is nobody's */
};

/* The masks a mode has its source in. */
enum {
	MODE_ACTIVE	= BIT(0),
	MODE_WIRED	= BIT(1),
	MODE_LEVEL	= BIT(2),
	MODE_INVERTED	= BIT(3),
};

static const u8 mode_masks[APLIC_SOURCECFG_SM_MASK + 1] = {
	[APLIC_SOURCECFG_SM_DETACH]	= MODE_ACTIVE,
	[APLIC_SOURCECFG_SM_EDGE_RISE]	= MODE_ACTIVE | MODE_WIRED,
	[APLIC_SOURCECFG_SM_EDGE_FALL]	= MODE_ACTIVE | MODE_WIRED | MODE_INVERTED,
	[APLIC_SOURCECFG_SM_LEVEL_HIGH]	= MODE_ACTIVE | MODE_WIRED | MODE_LEVEL,
	[APLIC_SOURCECFG_SM_LEVEL_LOW]	= MODE_ACTIVE | MODE_WIRED | MODE_LEVEL |
					  MODE_INVERTED,
};

static unsigned int source_word(u32 source)
{
	return source / APLIC_IRQBITS_PER_REG;
}

static u32 source_bit(u32 source)
{
	return BIT(source % APLIC_IRQBITS_PER_REG);
}

/* --- pending bits: lock held ---------------------------------------------------- */

/* AIA manual, "Source configurations": the rectified input values. */
static u32 aplic_rectified(const struct aplic *aplic, unsigned int word)
{
	return (aplic->wire[word] ^ aplic->inverted[word]) & aplic->wired[word];
}

static int aplic_send(struct aplic *aplic, u32 target)
{
	return aia_send(aplic->aia, FIELD_GET(TARGET_HART, target),
			FIELD_GET(TARGET_EIID, target));
}

/* Send what is pending and enabled in a word; as irqchip_ops.deliver. */
static int aplic_forward(struct aplic *aplic, unsigned int word)
{
	unsigned long ready = aplic->pending[word] & aplic->enable[word];
	unsigned int bit;
	int ret = -1;

	if (!aplic->enabled)
		return -1;

	aplic->pending[word] &= ~ready;
	for_each_set_bit(bit, &ready, APLIC_IRQBITS_PER_REG) {
		u32 source = word * APLIC_IRQBITS_PER_REG + bit;

		ret = max(ret, aplic_send(aplic, aplic->source[source].target));
	}

	return ret;
}

/* AIA manual, "Precise effects on interrupt-pending bits", MSI delivery mode. */
static void aplic_set_pending(struct aplic *aplic, unsigned int word, u32 bits)
{
	bits &= aplic->active[word];
	bits &= ~aplic->level[word] | aplic_rectified(aplic, word);
	aplic->pending[word] |= bits;
	aplic_forward(aplic, word);
}

/* The wire of a source went up or down. */
static int aplic_wire_changed(struct aplic *aplic, unsigned int word, u32 bit)
{
	u32 before = aplic_rectified(aplic, word) & bit;

	aplic->wire[word] ^= bit;
	if (aplic_rectified(aplic, word) & bit) {
		aplic->pending[word] |= bit;
		return aplic_forward(aplic, word);
	}
	if (before & aplic->level[word])
		aplic->pending[word] &= ~bit;

	/* Nobody listens to the wire of a source that is not wired. */
	return aplic->wired[word] & bit ? 1 : -1;
}

int aplic_set_line(struct aplic *aplic, u32 pin, int source, int level)
{
	struct aplic_source *state;
	unsigned long flags;
	unsigned int word;
	bool high;
	int ret;

	if (!aplic || !pin || pin > aplic->sources)
		return -1;
	pin = array_index_nospec(pin, aplic->sources + 1);
	state = &aplic->source[pin];
	word = source_word(pin);

	raw_spin_lock_irqsave(&aplic->lock, flags);
	if (level)
		state->asserted |= BIT(source);
	else
		state->asserted &= ~BIT(source);
	high = state->asserted;
	if (high != !!(aplic->wire[word] & source_bit(pin)))
		ret = aplic_wire_changed(aplic, word, source_bit(pin));
	else
		ret = high ? 0 : 1;
	raw_spin_unlock_irqrestore(&aplic->lock, flags);

	return ret;
}

/* --- registers: lock held ---------------------------------------------------------- */

static u32 domaincfg_read(struct aplic *aplic, unsigned int index)
{
	return APLIC_DOMAINCFG_RDONLY | APLIC_DOMAINCFG_DM |
	       (aplic->enabled ? APLIC_DOMAINCFG_IE : 0);
}

/* aplic_write() sends what may go now. */
static void domaincfg_write(struct aplic *aplic, unsigned int index, u32 value)
{
	aplic->enabled = value & APLIC_DOMAINCFG_IE;
}

/* Registers of one source are numbered from source 1 on.  NULL: not there. */
static struct aplic_source *indexed_source(struct aplic *aplic, unsigned int index)
{
	return index < aplic->sources ? &aplic->source[index + 1] : NULL;
}

static u32 sourcecfg_read(struct aplic *aplic, unsigned int index)
{
	struct aplic_source *source = indexed_source(aplic, index);

	return source ? source->mode : 0;
}

static void mask_assign(u32 *mask, u32 bit, bool value)
{
	*mask = value ? *mask | bit : *mask & ~bit;
}

static void sourcecfg_write(struct aplic *aplic, unsigned int index, u32 value)
{
	struct aplic_source *source = indexed_source(aplic, index);
	unsigned int word = source_word(index + 1);
	u32 bit = source_bit(index + 1);
	u8 mode = value & APLIC_SOURCECFG_SM_MASK, masks;

	if (!source)
		return;
	/* A leaf domain delegates nothing, and reserved modes are not modes. */
	if ((value & APLIC_SOURCECFG_D) || !mode_masks[mode])
		mode = APLIC_SOURCECFG_SM_INACTIVE;

	masks = mode_masks[mode];
	source->mode = mode;
	mask_assign(&aplic->active[word], bit, masks & MODE_ACTIVE);
	mask_assign(&aplic->wired[word], bit, masks & MODE_WIRED);
	mask_assign(&aplic->level[word], bit, masks & MODE_LEVEL);
	mask_assign(&aplic->inverted[word], bit, masks & MODE_INVERTED);
	if (!masks) {
		source->target = 0;
		aplic->pending[word] &= ~bit;
		aplic->enable[word] &= ~bit;
		return;
	}

	/* A device may have waited with its line up for somebody to listen. */
	if (!(masks & MODE_LEVEL))
		return;
	if (aplic_rectified(aplic, word) & bit)
		aplic_set_pending(aplic, word, bit);
	else
		aplic->pending[word] &= ~bit;
}

static u32 target_read(struct aplic *aplic, unsigned int index)
{
	struct aplic_source *source = indexed_source(aplic, index);

	return source ? source->target : 0;
}

static void target_write(struct aplic *aplic, unsigned int index, u32 value)
{
	struct aplic_source *source = indexed_source(aplic, index);

	if (source && source->mode != APLIC_SOURCECFG_SM_INACTIVE)
		source->target = value & (TARGET_HART | aplic->eiid_mask);
}

static u32 genmsi_read(struct aplic *aplic, unsigned int index)
{
	return aplic->genmsi;
}

/* Whatever domaincfg.IE says, and never busy. */
static void genmsi_write(struct aplic *aplic, unsigned int index, u32 value)
{
	aplic->genmsi = value & (TARGET_HART | aplic->eiid_mask);
	aplic_send(aplic, aplic->genmsi);
}

static u32 setip_read(struct aplic *aplic, unsigned int index)
{
	return aplic->pending[index];
}

static u32 in_clrip_read(struct aplic *aplic, unsigned int index)
{
	return aplic_rectified(aplic, index);
}

static void in_clrip_write(struct aplic *aplic, unsigned int index, u32 value)
{
	aplic->pending[index] &= ~value;
}

static u32 setie_read(struct aplic *aplic, unsigned int index)
{
	return aplic->enable[index];
}

static void setie_write(struct aplic *aplic, unsigned int index, u32 value)
{
	aplic->enable[index] |= value & aplic->active[index];
	aplic_forward(aplic, index);
}

static void clrie_write(struct aplic *aplic, unsigned int index, u32 value)
{
	aplic->enable[index] &= ~value;
}

/*
 * The same by number.  One that is no source has its bit in a word too, at most
 * that of source 0, which is never active.
 */
static u32 numbered_source(const struct aplic *aplic, u32 value)
{
	return value <= aplic->sources ? array_index_nospec(value, aplic->sources + 1) : 0;
}

static void setipnum_write(struct aplic *aplic, unsigned int index, u32 value)
{
	u32 source = numbered_source(aplic, value);

	aplic_set_pending(aplic, source_word(source), source_bit(source));
}

static void setipnum_be_write(struct aplic *aplic, unsigned int index, u32 value)
{
	setipnum_write(aplic, index, swab32(value));
}

static void clripnum_write(struct aplic *aplic, unsigned int index, u32 value)
{
	u32 source = numbered_source(aplic, value);

	in_clrip_write(aplic, source_word(source), source_bit(source));
}

static void setienum_write(struct aplic *aplic, unsigned int index, u32 value)
{
	u32 source = numbered_source(aplic, value);

	setie_write(aplic, source_word(source), source_bit(source));
}

static void clrienum_write(struct aplic *aplic, unsigned int index, u32 value)
{
	u32 source = numbered_source(aplic, value);

	clrie_write(aplic, source_word(source), source_bit(source));
}

/*
 * AIA manual, "Memory-mapped control region for an interrupt domain".  What has
 * no row, the addresses of messages among it, is for other domains and reads as
 * zero.
 */
static const struct aplic_register {
	u16	offset;		/* of the first */
	u16	count;		/* of them in a row */
	u32	(*read)(struct aplic *aplic, unsigned int index);	/* NULL: zero */
	void	(*write)(struct aplic *aplic, unsigned int index, u32 value);
} aplic_registers[] = {
	{ APLIC_DOMAINCFG,	1, domaincfg_read, domaincfg_write },
	{ APLIC_SOURCECFG_BASE,	APLIC_MAX_SOURCE - 1, sourcecfg_read, sourcecfg_write },
	{ APLIC_SETIP_BASE,	APLIC_WORDS, setip_read, aplic_set_pending },
	{ APLIC_SETIPNUM,	1, NULL, setipnum_write },
	{ APLIC_CLRIP_BASE,	APLIC_WORDS, in_clrip_read, in_clrip_write },
	{ APLIC_CLRIPNUM,	1, NULL, clripnum_write },
	{ APLIC_SETIE_BASE,	APLIC_WORDS, setie_read, setie_write },
	{ APLIC_SETIENUM,	1, NULL, setienum_write },
	{ APLIC_CLRIE_BASE,	APLIC_WORDS, NULL, clrie_write },
	{ APLIC_CLRIENUM,	1, NULL, clrienum_write },
	{ APLIC_SETIPNUM_LE,	1, NULL, setipnum_write },
	{ APLIC_SETIPNUM_BE,	1, NULL, setipnum_be_write },
	{ APLIC_GENMSI,		1, genmsi_read, genmsi_write },
	{ APLIC_TARGET_BASE,	APLIC_MAX_SOURCE - 1, target_read, target_write },
};

static const struct aplic_register *register_find(u32 offset, unsigned int *index)
{
	const struct aplic_register *reg = aplic_registers;

	for (; reg < aplic_registers + ARRAY_SIZE(aplic_registers); reg++) {
		if (offset < reg->offset || offset >= reg->offset + 4 * reg->count)
			continue;
		*index = array_index_nospec((offset - reg->offset) / 4, reg->count);
		return reg;
	}

	return NULL;
}

/* A word at a time, so that irqs are not off for a thousand messages. */
static void aplic_forward_all(struct aplic *aplic)
{
	unsigned long flags;
	unsigned int word;

	for (word = 0; word <= source_word(aplic->sources); word++) {
		raw_spin_lock_irqsave(&aplic->lock, flags);
		aplic_forward(aplic, word);
		raw_spin_unlock_irqrestore(&aplic->lock, flags);
	}
}

u32 aplic_read(struct aplic *aplic, u32 offset)
{
	const struct aplic_register *reg;
	unsigned long flags;
	unsigned int index;
	u32 value;

	reg = register_find(offset, &index);
	if (!reg || !reg->read)
		return 0;

	raw_spin_lock_irqsave(&aplic->lock, flags);
	value = reg->read(aplic, index);
	raw_spin_unlock_irqrestore(&aplic->lock, flags);

	return value;
}

void aplic_write(struct aplic *aplic, u32 offset, u32 value)
{
	const struct aplic_register *reg;
	unsigned long flags;
	unsigned int index;

	reg = register_find(offset, &index);
	if (!reg)
		return;

	raw_spin_lock_irqsave(&aplic->lock, flags);
	reg->write(aplic, index, value);
	raw_spin_unlock_irqrestore(&aplic->lock, flags);
	if (reg->offset == APLIC_DOMAINCFG)
		aplic_forward_all(aplic);
}

/* --- MMIO ------------------------------------------------------------------------- */

/* Other accesses than aligned ones of 32 bits are ignored, as the manual allows. */
static bool access_is_word(gpa_t addr, int len)
{
	return len == sizeof(u32) && !(addr % sizeof(u32));
}

static int aplic_device_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			     int len, void *data)
{
	struct aplic *aplic = container_of(device, struct aplic, device);
	u32 value;

	if (unlikely(!access_is_word(addr, len))) {
		memset(data, 0, len);
		return 0;
	}
	value = aplic_read(aplic, addr - aplic->aia->aplic_addr);
	memcpy(data, &value, sizeof(value));

	return 0;
}

static int aplic_device_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			      int len, const void *data)
{
	struct aplic *aplic = container_of(device, struct aplic, device);
	u32 value;

	if (access_is_word(addr, len)) {
		u32 offset = addr - aplic->aia->aplic_addr;

		/* A thousand messages may wait for it. */
		if (offset == APLIC_DOMAINCFG && irqs_disabled())
			return -EWOULDBLOCK;
		memcpy(&value, data, sizeof(value));
		aplic_write(aplic, offset, value);
	}

	return 0;
}

static const struct io_device_ops aplic_device_ops = {
	.atomic	= true,
	.read	= aplic_device_read,
	.write	= aplic_device_write,
};

/* --- life --------------------------------------------------------------------------- */

int aplic_create(struct aia *aia)
{
	u32 sources = aia->config[KVM_DEV_RISCV_AIA_CONFIG_SRCS];
	u32 ids = aia->config[KVM_DEV_RISCV_AIA_CONFIG_IDS];
	struct aplic *aplic;
	int err;

	aplic = kzalloc(struct_size(aplic, source, sources + 1), GFP_KERNEL_ACCOUNT);
	if (!aplic)
		return -ENOMEM;
	aplic->aia = aia;
	aplic->sources = sources;
	aplic->eiid_mask = roundup_pow_of_two(ids + 1) - 1;
	aplic->device.ops = &aplic_device_ops;
	raw_spin_lock_init(&aplic->lock);

	mutex_lock(&aia->vm->slots_lock);
	err = iobus_register(aia->vm, IOBUS_MMIO, aia->aplic_addr, KVM_DEV_RISCV_APLIC_SIZE,
			     &aplic->device);
	mutex_unlock(&aia->vm->slots_lock);
	if (err) {
		kfree(aplic);
		return err;
	}
	aia->aplic = aplic;

	return 0;
}

void aplic_destroy(struct aia *aia)
{
	struct aplic *aplic = aia->aplic;

	if (!aplic)
		return;

	mutex_lock(&aia->vm->slots_lock);
	iobus_unregister(aia->vm, IOBUS_MMIO, &aplic->device);
	mutex_unlock(&aia->vm->slots_lock);
	aia->aplic = NULL;
	kfree(aplic);
}

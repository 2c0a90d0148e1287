// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: an 82093AA with 24 pins at 0xfec00000.  Lines come in by way of
 * irqchip.c, messages go out through lapic_deliver(), and the local APICs report
 * the end of an interrupt here.  Pins are active when their line is asserted;
 * the polarity a guest programs is kept but changes nothing, because user space
 * says whether a line is asserted and not what voltage it has.
 *
 * Version 0x11: no EOI register, so a guest ends a stuck level interrupt as on
 * the original, by making the pin edge-triggered for a moment.
 */
#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <asm/apicdef.h>

#include "x86.h"

#define IOAPIC_PINS		KVM_IOAPIC_NUM_PINS
#define IOAPIC_BASE		0xfec00000ULL
#define IOAPIC_SIZE		0x100
#define IOAPIC_VERSION		0x11

/* Offsets from the base, and indexes of registers behind the window. */
#define IOREGSEL		0x00
#define IOWIN			0x10
#define IOAPICID		0x00
#define IOAPICVER		0x01
#define IOAPICARB		0x02
#define IOREDTBL		0x10

/* A redirection entry. */
#define REDTBL_INTVEC		GENMASK_ULL(7, 0)
#define REDTBL_DELMOD		GENMASK_ULL(10, 8)
#define REDTBL_DESTMOD		BIT_ULL(11)	/* logical */
#define REDTBL_DELIVS		BIT_ULL(12)
#define REDTBL_INTPOL		BIT_ULL(13)
#define REDTBL_REMOTE_IRR	BIT_ULL(14)
#define REDTBL_TRIGGER		BIT_ULL(15)	/* level */
#define REDTBL_MASK		BIT_ULL(16)
#define REDTBL_DEST		GENMASK_ULL(63, 56)
#define REDTBL_WRITABLE		(REDTBL_INTVEC | REDTBL_DELMOD | REDTBL_DESTMOD | \
				 REDTBL_INTPOL | REDTBL_TRIGGER | REDTBL_MASK | \
				 REDTBL_DEST)

/* Vectors below belong to exceptions; no interrupt has them. */
#define IOAPIC_VECTOR_MIN	16

/*
 * A guest that ends a level interrupt and never makes the device lower its line
 * gets it again at once.  After this many in a row it gets a break between two,
 * so that it can do other things than take interrupts.
 */
#define IOAPIC_STORM_EOIS	2000
#define IOAPIC_STORM_BREAK_MS	10

struct ioapic {
	struct vm		*vm;		/* (c) */
	raw_spinlock_t		 lock;		/* all below but vectors */
	struct io_device	 device;
	u32			 ioregsel;
	u32			 id;		/* bits 27:24 */
	u32			 irr;		/* pins that wait for delivery or EOI */
	u64			 redtbl[IOAPIC_PINS];
	u8			 sources[IOAPIC_PINS];	/* BIT(IRQ_SOURCE_*): who asserts */
	u32			 eois[IOAPIC_PINS];	/* in a row with the line high */
	u32			 delayed;	/* pins that take their break */
	struct delayed_work	 redeliver;
	/* Vectors of redirection entries; changed under lock, read without. */
	DECLARE_BITMAP(vectors, 256);
};

static bool pin_level(const struct ioapic *ioapic, u32 pin)
{
	return ioapic->redtbl[pin] & REDTBL_TRIGGER;
}

/* --- delivery: lock and irq_srcu held ------------------------------------------ */

static int ioapic_send(struct ioapic *ioapic, u32 pin)
{
	u64 entry = ioapic->redtbl[pin];
	struct lapic_message message = {
		.dest	 = FIELD_GET(REDTBL_DEST, entry),
		.vector	 = FIELD_GET(REDTBL_INTVEC, entry),
		.mode	 = FIELD_GET(REDTBL_DELMOD, entry),
		.logical = entry & REDTBL_DESTMOD,
		.level	 = entry & REDTBL_TRIGGER,
		.assert	 = true,
		.lowest_priority = FIELD_GET(REDTBL_DELMOD, entry) == APIC_DM_LOWEST >> 8,
	};
	bool has_eoi = message.mode == APIC_DM_FIXED >> 8 || message.lowest_priority;
	int ret;

	ret = lapic_deliver(ioapic->vm, NULL, &message);
	/*
	 * In time: the target may have ended it already, but that waits for the
	 * lock.  What has no vector is never ended.
	 */
	if (message.level && has_eoi && ret >= 0)
		ioapic->redtbl[pin] |= REDTBL_REMOTE_IRR;
	if (!message.level)
		ioapic->irr &= ~BIT(pin);

	return ret;
}

/* Send what waits at @pin, if it may go. */
static void ioapic_evaluate(struct ioapic *ioapic, u32 pin)
{
	u64 entry = ioapic->redtbl[pin];

	if (ioapic->irr & BIT(pin) && !(entry & (REDTBL_MASK | REDTBL_REMOTE_IRR)))
		ioapic_send(ioapic, pin);
}

/* The line of @pin went, or stays, up or down.  Result: see ioapic_set_irq(). */
static int ioapic_line(struct ioapic *ioapic, u32 pin, bool was_high, bool high)
{
	u64 entry = ioapic->redtbl[pin];

	if (!high) {
		ioapic->irr &= ~BIT(pin);
		ioapic->eois[pin] = 0;
		return 1;
	}
	if (!pin_level(ioapic, pin)) {
		/* An edge that comes while the pin is masked is lost. */
		if (entry & REDTBL_MASK)
			return -1;
		return was_high ? 0 : ioapic_send(ioapic, pin);
	}

	ioapic->irr |= BIT(pin);
	if (entry & REDTBL_MASK)
		return -1;
	/* It goes out again at the EOI if the line is still up then. */
	if (entry & REDTBL_REMOTE_IRR)
		return 0;

	return ioapic_send(ioapic, pin);
}

/* irq_srcu is held by irqroute_deliver(). */
int ioapic_set_irq(struct vm *vm, u32 pin, int source, int level)
{
	struct ioapic *ioapic = READ_ONCE(vm->arch.ioapic);
	unsigned long flags;
	bool was_high;
	int ret;

	if (!ioapic || pin >= IOAPIC_PINS)
		return -1;
	pin = array_index_nospec(pin, IOAPIC_PINS);

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	was_high = ioapic->sources[pin];
	if (level)
		ioapic->sources[pin] |= BIT(source);
	else
		ioapic->sources[pin] &= ~BIT(source);
	ret = ioapic_line(ioapic, pin, was_high, ioapic->sources[pin]);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);

	return ret;
}

/* --- EOI ------------------------------------------------------------------------- */

/* The guest has ended a level interrupt of @pin.  lock and irq_srcu held. */
static void ioapic_eoi_pin(struct ioapic *ioapic, u32 pin)
{
	ioapic->redtbl[pin] &= ~REDTBL_REMOTE_IRR;
	if (!(ioapic->irr & BIT(pin)))
		return;

	if (++ioapic->eois[pin] < IOAPIC_STORM_EOIS) {
		ioapic_evaluate(ioapic, pin);
		return;
	}
	ioapic->delayed |= BIT(pin);
	schedule_delayed_work(&ioapic->redeliver, msecs_to_jiffies(IOAPIC_STORM_BREAK_MS));
}

static void ioapic_redeliver_work(struct work_struct *work)
{
	struct ioapic *ioapic = container_of(work, struct ioapic, redeliver.work);
	unsigned long pins, flags;
	int index;
	u32 pin;

	index = srcu_read_lock(&ioapic->vm->irq_srcu);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = ioapic->delayed;
	ioapic->delayed = 0;
	for_each_set_bit(pin, &pins, IOAPIC_PINS)
		ioapic_evaluate(ioapic, pin);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	srcu_read_unlock(&ioapic->vm->irq_srcu, index);
}

/* Which pins the end of @vector concerns: in @level those that wait for it. */
static unsigned long ioapic_vector_pins(struct ioapic *ioapic, u8 vector,
					unsigned long *level)
{
	unsigned long pins = 0, flags;
	u32 pin;

	*level = 0;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 entry = ioapic->redtbl[pin];

		if (FIELD_GET(REDTBL_INTVEC, entry) != vector)
			continue;
		if (!(entry & REDTBL_TRIGGER)) {
			pins |= BIT(pin);
		} else if (entry & REDTBL_REMOTE_IRR) {
			pins |= BIT(pin);
			*level |= BIT(pin);
		}
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);

	return pins;
}

void ioapic_eoi(struct vm *vm, struct vcpu *vcpu, u8 vector)
{
	struct ioapic *ioapic = READ_ONCE(vm->arch.ioapic);
	unsigned long pins, level, flags;
	int index;
	u32 pin;

	if (!ioapic || !test_bit(vector, ioapic->vectors))
		return;

	pins = ioapic_vector_pins(ioapic, vector, &level);
	/* A resampled line goes down here, and perhaps up again. */
	for_each_set_bit(pin, &pins, IOAPIC_PINS)
		irq_notify_eoi(vm, KVM_IRQCHIP_IOAPIC, pin);
	if (!level)
		return;

	index = srcu_read_lock(&vm->irq_srcu);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	for_each_set_bit(pin, &level, IOAPIC_PINS)
		ioapic_eoi_pin(ioapic, pin);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	srcu_read_unlock(&vm->irq_srcu, index);
}

/*
 * Every vector of the table counts, also those of masked pins (a guest may mask
 * before it ends the interrupt) and of edge-triggered ones: somebody may listen.
 */
bool ioapic_wants_eoi(struct vm *vm, u8 vector)
{
	struct ioapic *ioapic = READ_ONCE(vm->arch.ioapic);

	return ioapic && test_bit(vector, ioapic->vectors);
}

/*
 * The table has changed: tell the vCPUs if it has other vectors now.  lock held,
 * so that no interrupt with a new vector comes before the request.
 */
static void ioapic_update_vectors(struct ioapic *ioapic)
{
	DECLARE_BITMAP(vectors, 256) = {};
	u32 pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		u8 vector = FIELD_GET(REDTBL_INTVEC, ioapic->redtbl[pin]);

		if (vector >= IOAPIC_VECTOR_MIN)
			__set_bit(vector, vectors);
	}
	if (bitmap_equal(vectors, ioapic->vectors, 256))
		return;
	bitmap_copy(ioapic->vectors, vectors, 256);
	vm_request_all(ioapic->vm, REQ_SCAN_IOAPIC, false);
}

/* --- registers: lock held ------------------------------------------------------------ */

static u32 ioapic_register_read(const struct ioapic *ioapic)
{
	u32 index = ioapic->ioregsel;
	u32 pin = (index - IOREDTBL) / 2;
	u64 entry;

	switch (index) {
	case IOAPICID:
	case IOAPICARB:
		return ioapic->id << 24;
	case IOAPICVER:
		return IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16;
	}
	if (index < IOREDTBL || pin >= IOAPIC_PINS)
		return 0;
	entry = ioapic->redtbl[array_index_nospec(pin, IOAPIC_PINS)];

	return index & 1 ? upper_32_bits(entry) : lower_32_bits(entry);
}

/* Give @pin a new entry; only what a guest or user space may set is in @entry. */
static void ioapic_set_entry(struct ioapic *ioapic, u32 pin, u64 entry)
{
	bool was_level = pin_level(ioapic, pin);

	if (!(entry & REDTBL_TRIGGER))
		entry &= ~REDTBL_REMOTE_IRR;
	ioapic->redtbl[pin] = entry;
	if (was_level == pin_level(ioapic, pin))
		return;
	/* Only a level waits; that of an edge-triggered line is history. */
	ioapic->irr &= ~BIT(pin);
	if (!was_level && ioapic->sources[pin])
		ioapic->irr |= BIT(pin);
}

static void ioapic_register_write(struct ioapic *ioapic, u32 value)
{
	u32 index = ioapic->ioregsel;
	u32 pin = (index - IOREDTBL) / 2;
	u64 entry, writable;

	if (index == IOAPICID)
		ioapic->id = (value >> 24) & 0xf;
	if (index < IOREDTBL || pin >= IOAPIC_PINS)
		return;

	pin = array_index_nospec(pin, IOAPIC_PINS);
	writable = REDTBL_WRITABLE & (index & 1 ? GENMASK_ULL(63, 32) : GENMASK_ULL(31, 0));
	entry = (ioapic->redtbl[pin] & ~writable) |
		((index & 1 ? (u64)value << 32 : value) & writable);
	ioapic_set_entry(ioapic, pin, entry);
	ioapic_update_vectors(ioapic);
	ioapic_evaluate(ioapic, pin);
}

static int ioapic_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
		       void *data)
{
	struct ioapic *ioapic = container_of(device, struct ioapic, device);
	unsigned long flags;
	u32 value = 0;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr - IOAPIC_BASE) {
	case IOREGSEL:
		value = ioapic->ioregsel;
		break;
	case IOWIN:
		value = ioapic_register_read(ioapic);
		break;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);

	memset(data, 0, len);
	memcpy(data, &value, min_t(int, len, sizeof(value)));

	return 0;
}

static int ioapic_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
			const void *data)
{
	struct ioapic *ioapic = container_of(device, struct ioapic, device);
	unsigned long flags;
	u32 value = 0;
	int index;

	memcpy(&value, data, min_t(int, len, sizeof(value)));

	index = srcu_read_lock(&vcpu->vm->irq_srcu);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr - IOAPIC_BASE) {
	case IOREGSEL:
		ioapic->ioregsel = value & 0xff;
		break;
	case IOWIN:
		ioapic_register_write(ioapic, value);
		break;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	srcu_read_unlock(&vcpu->vm->irq_srcu, index);

	return 0;
}

static const struct io_device_ops ioapic_ops = {
	.read	= ioapic_read,
	.write	= ioapic_write,
};

/* --- user space's view ------------------------------------------------------------------ */

int ioapic_get(struct vm *vm, struct kvm_ioapic_state *state)
{
	struct ioapic *ioapic = vm->arch.ioapic;
	unsigned long flags;
	u32 pin;

	if (!ioapic)
		return -ENXIO;

	memset(state, 0, sizeof(*state));
	state->base_address = IOAPIC_BASE;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	state->ioregsel = ioapic->ioregsel;
	state->id = ioapic->id;
	state->irr = ioapic->irr;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		state->redirtbl[pin].bits = ioapic->redtbl[pin];
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);

	return 0;
}

/*
 * The lines are not part of the state: whoever asserts one now still does.  What
 * the state says to wait goes out as soon as its entry lets it.
 */
int ioapic_set(struct vm *vm, const struct kvm_ioapic_state *state)
{
	struct ioapic *ioapic = vm->arch.ioapic;
	unsigned long flags;
	int index;
	u32 pin;

	if (!ioapic)
		return -ENXIO;

	index = srcu_read_lock(&vm->irq_srcu);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->ioregsel = state->ioregsel & 0xff;
	ioapic->id = state->id & 0xf;
	ioapic->delayed = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		ioapic->eois[pin] = 0;
		ioapic_set_entry(ioapic, pin, state->redirtbl[pin].bits &
				 (REDTBL_WRITABLE | REDTBL_REMOTE_IRR));
	}
	ioapic_update_vectors(ioapic);

	ioapic->irr = state->irr & GENMASK(IOAPIC_PINS - 1, 0);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (pin_level(ioapic, pin) && ioapic->sources[pin])
			ioapic->irr |= BIT(pin);
		ioapic_evaluate(ioapic, pin);
		/* An edge that its mask keeps back is lost, as ever. */
		if (!pin_level(ioapic, pin))
			ioapic->irr &= ~BIT(pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	srcu_read_unlock(&vm->irq_srcu, index);

	return 0;
}

/* --- life ------------------------------------------------------------------------------- */

int ioapic_create(struct vm *vm)
{
	struct ioapic *ioapic;
	u32 pin;
	int ret;

	ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	if (!ioapic)
		return -ENOMEM;
	ioapic->vm = vm;
	ioapic->device.ops = &ioapic_ops;
	raw_spin_lock_init(&ioapic->lock);
	INIT_DELAYED_WORK(&ioapic->redeliver, ioapic_redeliver_work);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->redtbl[pin] = REDTBL_MASK;

	mutex_lock(&vm->slots_lock);
	ret = iobus_register(vm, IOBUS_MMIO, IOAPIC_BASE, IOAPIC_SIZE, &ioapic->device);
	mutex_unlock(&vm->slots_lock);
	if (ret) {
		kfree(ioapic);
		return ret;
	}
	/* The readers of the pointer depend on it only. */
	smp_store_release(&vm->arch.ioapic, ioapic);

	return 0;
}

void ioapic_destroy(struct vm *vm)
{
	struct ioapic *ioapic = vm->arch.ioapic;

	if (!ioapic)
		return;
	mutex_lock(&vm->slots_lock);
	iobus_unregister(vm, IOBUS_MMIO, &ioapic->device);
	mutex_unlock(&vm->slots_lock);
	WRITE_ONCE(vm->arch.ioapic, NULL);
	cancel_delayed_work_sync(&ioapic->redeliver);
	kfree(ioapic);
}

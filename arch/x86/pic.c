// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of 8259A interrupt controllers of a PC: the master at ports 0x20 and
 * 0x21, the slave at 0xa0 and 0xa1 behind the master's input 2, and the registers
 * at 0x4d0 and 0x4d1 that make inputs level-triggered (ELCR).  Lines come in by
 * way of irqchip.c; the INT output goes to the BSP's LINT0, which asks for the
 * vector with pic_interrupt().
 *
 * The upper part works on one struct kvm_pic_state and knows nothing else: it is
 * the chip.  The lower part adds the cascade, the lines, ports, and the lock.
 */
#include <linux/bits.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <core/host.h>

#include "x86.h"

#define PIC_PINS		8
#define PIC_CASCADE		2	/* the master's input that the slave drives */
#define PIC_SPURIOUS		7
#define PIC_NO_PRIORITY		8	/* below all: nothing */

#define PIC_MASTER_PORT		0x20
#define PIC_SLAVE_PORT		0xa0
#define PIC_ELCR_PORT		0x4d0

/* The system timer, the keyboard, the cascade and the RTC are always edges. */
#define PIC_MASTER_ELCR_MASK	0xf8
#define PIC_SLAVE_ELCR_MASK	0xde

/* Initialization command words. */
#define ICW1_INIT		BIT(4)	/* ICW1, by this bit */
#define ICW1_IC4		BIT(0)	/* an ICW4 will follow */
#define ICW4_AEOI		BIT(1)
#define ICW4_SFNM		BIT(4)

/* Operation command words. */
#define OCW_IS_OCW3		BIT(3)	/* else OCW2 */
#define OCW2_COMMAND_SHIFT	5
#define OCW2_LEVEL		GENMASK(2, 0)
#define OCW3_RIS		BIT(0)	/* with RR: read ISR, else IRR */
#define OCW3_RR			BIT(1)
#define OCW3_P			BIT(2)
#define OCW3_SMM		BIT(5)
#define OCW3_ESMM		BIT(6)	/* SMM counts */

enum {
	OCW2_ROTATE_AEOI_CLEAR,
	OCW2_EOI,
	OCW2_NOP,
	OCW2_SPECIFIC_EOI,
	OCW2_ROTATE_AEOI_SET,
	OCW2_ROTATE_EOI,
	OCW2_SET_PRIORITY,
	OCW2_ROTATE_SPECIFIC_EOI,
};

/* What the next write to the odd port is (kvm_pic_state.init_state). */
enum {
	INIT_DONE,
	INIT_ICW2,
	INIT_ICW3,
	INIT_ICW4,
};

/* --- one chip --------------------------------------------------------------------- */

/* How high the best of @pins ranks: 0 the highest, PIC_NO_PRIORITY if none. */
static int chip_priority(const struct kvm_pic_state *chip, u8 pins)
{
	int priority;

	for (priority = 0; priority < PIC_PINS; priority++)
		if (pins & BIT((priority + chip->priority_add) % PIC_PINS))
			break;

	return priority;
}

/* The input that may interrupt now, or -1: the INT output is low. */
static int chip_interrupt(const struct kvm_pic_state *chip, bool master)
{
	u8 service = chip->isr, pending = chip->irr & ~chip->imr;
	int request;

	if (likely(!pending))
		return -1;
	request = chip_priority(chip, pending);
	if (chip->special_mask)
		service &= ~chip->imr;
	/* The slave's inputs of higher priority come through. */
	if (chip->special_fully_nested_mode && master)
		service &= ~BIT(PIC_CASCADE);
	if (request >= chip_priority(chip, service))
		return -1;

	return (request + chip->priority_add) % PIC_PINS;
}

/* >0 new, 0 was pending, -1 masked. */
static int chip_set_line(struct kvm_pic_state *chip, int pin, bool high)
{
	u8 bit = BIT(pin);
	bool level = chip->elcr & bit;
	bool request = high && (level || !(chip->last_irr & bit));
	int ret = request && !(chip->irr & bit);

	if (request)
		chip->irr |= bit;
	else if (level)
		chip->irr &= ~bit;
	if (high)
		chip->last_irr |= bit;
	else
		chip->last_irr &= ~bit;
	if (high && chip->imr & bit)
		return -1;

	return high ? ret : 1;
}

/* The CPU takes the interrupt.  True if that ends it, too. */
static bool chip_acknowledge(struct kvm_pic_state *chip, int pin)
{
	u8 bit = BIT(pin);

	if (!(chip->elcr & bit))
		chip->irr &= ~bit;
	if (!chip->auto_eoi) {
		chip->isr |= bit;
		return false;
	}
	if (chip->rotate_on_auto_eoi)
		chip->priority_add = (pin + 1) % PIC_PINS;

	return true;
}

/* End the interrupt in service at @pin.  Returns its bit, if there was one. */
static u8 chip_end(struct kvm_pic_state *chip, int pin, bool rotate)
{
	u8 ended = chip->isr & BIT(pin);

	chip->isr &= ~ended;
	if (rotate)
		chip->priority_add = (pin + 1) % PIC_PINS;

	return ended;
}

/* End the one of highest priority. */
static u8 chip_end_best(struct kvm_pic_state *chip, bool rotate)
{
	u8 service = chip->isr;
	int priority;

	/* Masked ones are out of the ranking then. */
	if (chip->special_mask)
		service &= ~chip->imr;
	priority = chip_priority(chip, service);
	if (priority == PIC_NO_PRIORITY)
		return 0;

	return chip_end(chip, (priority + chip->priority_add) % PIC_PINS, rotate);
}

/*
 * ICW1.  Edges seen so far are forgotten; a line that is high needs a new one,
 * and a level-triggered one still is a request.
 */
static void chip_init(struct kvm_pic_state *chip, u8 icw1)
{
	chip->irr &= chip->elcr;
	chip->imr = 0;
	chip->isr = 0;
	chip->priority_add = 0;
	chip->irq_base = 0;
	chip->read_reg_select = 0;
	chip->poll = 0;
	chip->special_mask = 0;
	chip->auto_eoi = 0;
	chip->rotate_on_auto_eoi = 0;
	chip->special_fully_nested_mode = 0;
	chip->init4 = icw1 & ICW1_IC4;
	chip->init_state = INIT_ICW2;
}

/* Returns the pins whose interrupt was ended, as all writes do. */
static u8 chip_write_ocw2(struct kvm_pic_state *chip, u8 value)
{
	int pin = value & OCW2_LEVEL;

	switch (value >> OCW2_COMMAND_SHIFT) {
	case OCW2_ROTATE_AEOI_CLEAR:
		chip->rotate_on_auto_eoi = 0;
		return 0;
	case OCW2_ROTATE_AEOI_SET:
		chip->rotate_on_auto_eoi = 1;
		return 0;
	case OCW2_EOI:
		return chip_end_best(chip, false);
	case OCW2_ROTATE_EOI:
		return chip_end_best(chip, true);
	case OCW2_SPECIFIC_EOI:
		return chip_end(chip, pin, false);
	case OCW2_ROTATE_SPECIFIC_EOI:
		return chip_end(chip, pin, true);
	case OCW2_SET_PRIORITY:
		chip->priority_add = (pin + 1) % PIC_PINS;
		return 0;
	default:
		return 0;
	}
}

static void chip_write_ocw3(struct kvm_pic_state *chip, u8 value)
{
	chip->poll = !!(value & OCW3_P);
	if (value & OCW3_RR)
		chip->read_reg_select = value & OCW3_RIS;
	if (value & OCW3_ESMM)
		chip->special_mask = !!(value & OCW3_SMM);
}

static u8 chip_write_even(struct kvm_pic_state *chip, u8 value)
{
	if (value & ICW1_INIT) {
		chip_init(chip, value);
		return 0;
	}
	if (!(value & OCW_IS_OCW3))
		return chip_write_ocw2(chip, value);
	chip_write_ocw3(chip, value);

	return 0;
}

static void chip_write_odd(struct kvm_pic_state *chip, u8 value)
{
	switch (chip->init_state) {
	case INIT_ICW2:
		chip->irq_base = value & 0xf8;
		chip->init_state = INIT_ICW3;
		break;
	case INIT_ICW3:
		/* How the two are wired is known. */
		chip->init_state = chip->init4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW4:
		chip->special_fully_nested_mode = !!(value & ICW4_SFNM);
		chip->auto_eoi = !!(value & ICW4_AEOI);
		chip->init_state = INIT_DONE;
		break;
	default:
		chip->imr = value;
	}
}

/* A read after a poll command is an acknowledge; *@ended as for writes. */
static u8 chip_poll(struct kvm_pic_state *chip, bool master, u8 *ended)
{
	int pin = chip_interrupt(chip, master);

	chip->poll = 0;
	if (pin < 0)
		return 0;
	if (chip_acknowledge(chip, pin))
		*ended = BIT(pin);

	return BIT(7) | pin;
}

/* A read that changes nothing. */
static u8 chip_register(const struct kvm_pic_state *chip, bool odd)
{
	if (odd)
		return READ_ONCE(chip->imr);

	return READ_ONCE(chip->read_reg_select) ? READ_ONCE(chip->isr) : READ_ONCE(chip->irr);
}

static u8 chip_read(struct kvm_pic_state *chip, bool master, bool odd, u8 *ended)
{
	return chip->poll ? chip_poll(chip, master, ended) : chip_register(chip, odd);
}

/* --- the pair ------------------------------------------------------------------------- */

struct pic {
	struct vm		*vm;		/* (c) */
	raw_spinlock_t		 lock;		/* all below */
	struct kvm_pic_state	 chip[2];	/* master, slave */
	u8			 sources[2][PIC_PINS];	/* BIT(IRQ_SOURCE_*) */
	bool			 output;	/* INT; read without lock */
	struct io_device	 device;	/* all three port ranges */
};

/* Bring cascade and output up to date.  True if a CPU has something to do. */
static bool pic_update(struct pic *pic)
{
	struct kvm_pic_state *master = &pic->chip[0];

	/* Not an edge: the slave holds its output as long as it wants service. */
	if (chip_interrupt(&pic->chip[1], false) >= 0)
		master->irr |= BIT(PIC_CASCADE);
	else
		master->irr &= ~BIT(PIC_CASCADE);
	WRITE_ONCE(pic->output, chip_interrupt(master, true) >= 0);

	return pic->output;
}

/* Tell the vCPU whose LINT0 we drive.  Without the lock. */
static void pic_kick(struct pic *pic)
{
	struct vcpu *vcpu = vm_vcpu_by_id(pic->vm, READ_ONCE(pic->vm->arch.boot_cpu_id));

	if (!vcpu || !lapic_accepts_pic(vcpu))
		return;
	vcpu_request(vcpu, REQ_EVENT);
	vcpu_kick(vcpu);
}

/* @ended: bits 7:0 pins of the master, bits 15:8 of the slave.  Without the lock. */
static void pic_notify(struct pic *pic, unsigned long ended)
{
	unsigned int bit;

	for_each_set_bit(bit, &ended, 2 * PIC_PINS)
		irq_notify_eoi(pic->vm, bit < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER :
							 KVM_IRQCHIP_PIC_SLAVE,
			       bit % PIC_PINS);
}

/* @pin: 0 to 7 are the master's, 8 to 15 the slave's. */
int pic_set_irq(struct vm *vm, u32 pin, int source, int level)
{
	struct pic *pic = READ_ONCE(vm->arch.pic);
	unsigned long flags;
	u8 *sources;
	bool output;
	int ret;

	if (!pic || pin >= 2 * PIC_PINS || pin == PIC_CASCADE)
		return -1;
	pin = array_index_nospec(pin, 2 * PIC_PINS);

	raw_spin_lock_irqsave(&pic->lock, flags);
	sources = &pic->sources[pin / PIC_PINS][pin % PIC_PINS];
	if (level)
		*sources |= BIT(source);
	else
		*sources &= ~BIT(source);
	ret = chip_set_line(&pic->chip[pin / PIC_PINS], pin % PIC_PINS, *sources);
	output = pic_update(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	if (output && level)
		pic_kick(pic);

	return ret;
}

/*
 * Acknowledge: with the lock held and INT high.  The slave may have lost its
 * request since; it gives the vector of a spurious interrupt then, like hardware.
 */
static int pic_acknowledge(struct pic *pic, unsigned long *ended)
{
	struct kvm_pic_state *master = &pic->chip[0], *slave = &pic->chip[1];
	int pin = chip_interrupt(master, true);

	if (pin < 0)
		return -1;
	if (chip_acknowledge(master, pin))
		*ended |= BIT(pin);
	if (pin != PIC_CASCADE)
		return master->irq_base + pin;

	pin = chip_interrupt(slave, false);
	if (pin < 0)
		return slave->irq_base + PIC_SPURIOUS;
	if (chip_acknowledge(slave, pin))
		*ended |= BIT(pin + PIC_PINS);

	return slave->irq_base + pin;
}

int pic_interrupt(struct vm *vm)
{
	struct pic *pic = READ_ONCE(vm->arch.pic);
	unsigned long flags, ended = 0;
	int vector;

	if (!pic)
		return -1;
	raw_spin_lock_irqsave(&pic->lock, flags);
	vector = pic_acknowledge(pic, &ended);
	pic_update(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_notify(pic, ended);

	return vector;
}

bool pic_pending(struct vm *vm)
{
	struct pic *pic = READ_ONCE(vm->arch.pic);

	return pic && READ_ONCE(pic->output);
}

/* --- ports --------------------------------------------------------------------------------- */

/* Which chip the port belongs to: 0 the master, 1 the slave. */
static int port_chip(gpa_t port)
{
	return port == PIC_SLAVE_PORT || port == PIC_SLAVE_PORT + 1 ||
	       port == PIC_ELCR_PORT + 1;
}

static bool port_elcr(gpa_t port)
{
	return port == PIC_ELCR_PORT || port == PIC_ELCR_PORT + 1;
}

/* Make inputs level-triggered, or edge-triggered.  lock held. */
static void pic_write_elcr(struct pic *pic, int index, u8 value)
{
	struct kvm_pic_state *chip = &pic->chip[index];
	int pin;

	chip->elcr = value & chip->elcr_mask;
	for (pin = 0; pin < PIC_PINS; pin++) {
		if (!(chip->elcr & BIT(pin)))
			continue;
		if (pic->sources[index][pin])
			chip->irr |= BIT(pin);
		else
			chip->irr &= ~BIT(pin);
	}
}

static unsigned long pic_write_port(struct pic *pic, gpa_t port, u8 value)
{
	int index = port_chip(port);
	struct kvm_pic_state *chip = &pic->chip[index];

	if (port_elcr(port)) {
		pic_write_elcr(pic, index, value);
		return 0;
	}
	if (port & 1) {
		chip_write_odd(chip, value);
		return 0;
	}

	return (unsigned long)chip_write_even(chip, value) << (index * PIC_PINS);
}

/* True in @polled: it was an acknowledge, which changes things. */
static u8 pic_read_port(struct pic *pic, gpa_t port, unsigned long *ended, bool *polled)
{
	int index = port_chip(port);
	struct kvm_pic_state *chip = &pic->chip[index];
	u8 pins = 0, value;

	if (port_elcr(port))
		return chip->elcr;
	*polled |= chip->poll;
	value = chip_read(chip, index == 0, port & 1, &pins);
	*ended |= (unsigned long)pins << (index * PIC_PINS);

	return value;
}

/* The ports are a byte wide; a wider access is several. */
static int pic_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
		     const void *data)
{
	struct pic *pic = container_of(device, struct pic, device);
	unsigned long flags, ended = 0;
	const u8 *bytes = data;
	bool output;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++)
		ended |= pic_write_port(pic, addr + i, bytes[i]);
	output = pic_update(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	if (ended)
		pic_notify(pic, ended);
	if (output)
		pic_kick(pic);

	return 0;
}

/* As pic_read(), with the lock. */
static noinline int pic_read_locked(struct pic *pic, gpa_t addr, int len, u8 *bytes)
{
	unsigned long flags, ended = 0;
	bool polled = false;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++)
		bytes[i] = pic_read_port(pic, addr + i, &ended, &polled);
	if (polled)
		pic_update(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	if (ended)
		pic_notify(pic, ended);

	return 0;
}

/* One register, as it is right now, is read without the lock. */
static int pic_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
		    void *data)
{
	struct pic *pic = container_of(device, struct pic, device);
	const struct kvm_pic_state *chip = &pic->chip[port_chip(addr)];

	if (len > 1 || port_elcr(addr) || READ_ONCE(chip->poll))
		return pic_read_locked(pic, addr, len, data);
	*(u8 *)data = chip_register(chip, addr & 1);

	return 0;
}

static const struct io_device_ops pic_ops = {
	/* The end of an interrupt may go to one. */
	.atomic	= HOST_EVENTFD_ATOMIC,
	.read	= pic_read,
	.write	= pic_write,
};

/* --- user space's view ----------------------------------------------------------------------- */

/* KVM_IRQCHIP_PIC_MASTER or _SLAVE to an index of pic->chip, or -1. */
static int pic_chip_index(u32 chip)
{
	switch (chip) {
	case KVM_IRQCHIP_PIC_MASTER:
		return 0;
	case KVM_IRQCHIP_PIC_SLAVE:
		return 1;
	default:
		return -1;
	}
}

int pic_get(struct vm *vm, u32 chip, struct kvm_pic_state *state)
{
	struct pic *pic = vm->arch.pic;
	int index = pic_chip_index(chip);
	unsigned long flags;

	if (!pic)
		return -ENXIO;
	if (index < 0)
		return -EINVAL;

	raw_spin_lock_irqsave(&pic->lock, flags);
	*state = pic->chip[index];
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	return 0;
}

/*
 * What hardware could not hold is cut to what it can.  The lines are not part of
 * the state: a level-triggered one that is asserted now stays a request.
 */
int pic_set(struct vm *vm, u32 chip, const struct kvm_pic_state *state)
{
	struct pic *pic = vm->arch.pic;
	int index = pic_chip_index(chip);
	struct kvm_pic_state new = *state;
	unsigned long flags;
	bool output;
	int pin;

	if (!pic)
		return -ENXIO;
	if (index < 0)
		return -EINVAL;

	new.priority_add %= PIC_PINS;
	new.irq_base &= 0xf8;
	new.init_state &= 3;
	new.elcr_mask = index ? PIC_SLAVE_ELCR_MASK : PIC_MASTER_ELCR_MASK;
	new.elcr &= new.elcr_mask;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (pin = 0; pin < PIC_PINS; pin++)
		if (new.elcr & BIT(pin) && pic->sources[index][pin])
			new.irr |= BIT(pin);
	pic->chip[index] = new;
	output = pic_update(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	if (output)
		pic_kick(pic);

	return 0;
}

/* --- life --------------------------------------------------------------------------------------- */

static const struct {
	gpa_t	port;
	u64	count;
} pic_ports[] = {
	{ PIC_MASTER_PORT,	2 },
	{ PIC_SLAVE_PORT,	2 },
	{ PIC_ELCR_PORT,	2 },
};

int pic_create(struct vm *vm)
{
	struct pic *pic;
	int ret = 0;
	size_t i;

	pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	if (!pic)
		return -ENOMEM;
	pic->vm = vm;
	pic->device.ops = &pic_ops;
	raw_spin_lock_init(&pic->lock);
	pic->chip[0].elcr_mask = PIC_MASTER_ELCR_MASK;
	pic->chip[1].elcr_mask = PIC_SLAVE_ELCR_MASK;

	mutex_lock(&vm->slots_lock);
	for (i = 0; i < ARRAY_SIZE(pic_ports) && !ret; i++)
		ret = iobus_register(vm, IOBUS_PIO, pic_ports[i].port, pic_ports[i].count,
				     &pic->device);
	if (ret)
		iobus_unregister(vm, IOBUS_PIO, &pic->device);
	mutex_unlock(&vm->slots_lock);
	if (ret) {
		kfree(pic);
		return ret;
	}
	/* The readers of the pointer depend on it only. */
	smp_store_release(&vm->arch.pic, pic);

	return 0;
}

void pic_destroy(struct vm *vm)
{
	struct pic *pic = vm->arch.pic;

	if (!pic)
		return;
	mutex_lock(&vm->slots_lock);
	iobus_unregister(vm, IOBUS_PIO, &pic->device);
	mutex_unlock(&vm->slots_lock);
	WRITE_ONCE(vm->arch.pic, NULL);
	kfree(pic);
}

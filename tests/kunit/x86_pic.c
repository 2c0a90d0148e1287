// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of 8259As: initialization, edges and levels, priorities and their
 * rotation, the cascade, poll, and what user space may put in.
 */
#include "../../arch/x86/pic.c"

#include "x86_suite.h"

#define BASE_MASTER	0x20
#define BASE_SLAVE	0x28

static void out(struct pic *pic, u16 port, u8 value)
{
	pic_write(NULL, &pic->device, port, 1, &value);
}

static u8 in(struct pic *pic, u16 port)
{
	u8 value;

	pic_read(NULL, &pic->device, port, 1, &value);

	return value;
}

static void init_chip(struct pic *pic, u16 port, u8 base, u8 cascade, u8 icw4)
{
	out(pic, port, ICW1_INIT | ICW1_IC4);
	out(pic, port + 1, base);
	out(pic, port + 1, cascade);
	out(pic, port + 1, icw4);
}

static int pic_test_init(struct kunit *test)
{
	struct pic *pic = kunit_kzalloc(test, sizeof(*pic), GFP_KERNEL);
	struct vm *vm = suite_vm(test);

	KUNIT_ASSERT_NOT_NULL(test, pic);
	pic->vm = vm;
	raw_spin_lock_init(&pic->lock);
	pic->chip[0].elcr_mask = PIC_MASTER_ELCR_MASK;
	pic->chip[1].elcr_mask = PIC_SLAVE_ELCR_MASK;
	vm->arch.pic = pic;
	init_chip(pic, PIC_MASTER_PORT, BASE_MASTER, BIT(PIC_CASCADE), 1);
	init_chip(pic, PIC_SLAVE_PORT, BASE_SLAVE, PIC_CASCADE, 1);
	test->priv = pic;

	return 0;
}

static int line(struct pic *pic, u32 pin, int level)
{
	return pic_set_irq(pic->vm, pin, IRQ_SOURCE_USER, level);
}

static void initialized(struct kunit *test)
{
	struct pic *pic = test->priv;

	KUNIT_EXPECT_EQ(test, pic->chip[0].irq_base, BASE_MASTER);
	KUNIT_EXPECT_EQ(test, pic->chip[1].irq_base, BASE_SLAVE);
	KUNIT_EXPECT_EQ(test, pic->chip[0].init_state, INIT_DONE);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT + 1), 0);
	out(pic, PIC_MASTER_PORT + 1, 0xa5);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT + 1), 0xa5);
	/* Without ICW4 two words are all; the low bits of the vector are the pin. */
	out(pic, PIC_SLAVE_PORT, ICW1_INIT);
	out(pic, PIC_SLAVE_PORT + 1, 0x77);
	out(pic, PIC_SLAVE_PORT + 1, 2);
	out(pic, PIC_SLAVE_PORT + 1, 0x3c);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_SLAVE_PORT + 1), 0x3c);
	KUNIT_EXPECT_EQ(test, pic->chip[1].irq_base, 0x70);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), -1);
}

static void edge(struct kunit *test)
{
	struct pic *pic = test->priv;

	KUNIT_EXPECT_EQ(test, line(pic, 1, 1), 1);
	KUNIT_EXPECT_TRUE(test, pic_pending(pic->vm));
	KUNIT_EXPECT_EQ(test, line(pic, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT), BIT(1));
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 1);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT), 0);
	out(pic, PIC_MASTER_PORT, OCW_IS_OCW3 | OCW3_RR | OCW3_RIS);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT), BIT(1));
	/* The line is still up: no new edge, so nothing after the end. */
	out(pic, PIC_MASTER_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT), 0);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
	line(pic, 1, 0);
	KUNIT_EXPECT_EQ(test, line(pic, 1, 1), 1);
	KUNIT_EXPECT_TRUE(test, pic_pending(pic->vm));
	/* Cascade and what is no pin. */
	KUNIT_EXPECT_EQ(test, line(pic, PIC_CASCADE, 1), -1);
	KUNIT_EXPECT_EQ(test, line(pic, 16, 1), -1);
}

static void level(struct kunit *test)
{
	struct pic *pic = test->priv;

	out(pic, PIC_ELCR_PORT, 0xff);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_ELCR_PORT), PIC_MASTER_ELCR_MASK);
	out(pic, PIC_ELCR_PORT + 1, 0xff);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_ELCR_PORT + 1), PIC_SLAVE_ELCR_MASK);
	line(pic, 5, 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 5);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
	out(pic, PIC_MASTER_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 5);
	line(pic, 5, 0);
	out(pic, PIC_MASTER_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
}

/* Each source for itself; the line is up as long as one of them is. */
static void sources(struct kunit *test)
{
	struct pic *pic = test->priv;

	out(pic, PIC_ELCR_PORT, BIT(5));
	pic_set_irq(pic->vm, 5, IRQ_SOURCE_USER, 1);
	pic_set_irq(pic->vm, 5, IRQ_SOURCE_RESAMPLE, 1);
	pic_set_irq(pic->vm, 5, IRQ_SOURCE_USER, 0);
	KUNIT_EXPECT_TRUE(test, pic_pending(pic->vm));
	pic_set_irq(pic->vm, 5, IRQ_SOURCE_RESAMPLE, 0);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
}

static void masked(struct kunit *test)
{
	struct pic *pic = test->priv;

	out(pic, PIC_MASTER_PORT + 1, BIT(4));
	KUNIT_EXPECT_EQ(test, line(pic, 4, 1), -1);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
	/* It is remembered: the mask is behind the request. */
	out(pic, PIC_MASTER_PORT + 1, 0);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 4);
}

static void nesting(struct kunit *test)
{
	struct pic *pic = test->priv;

	line(pic, 6, 1);
	line(pic, 3, 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 3);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
	line(pic, 1, 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 1);
	/* The end of the best one, then of one by name. */
	out(pic, PIC_MASTER_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	KUNIT_EXPECT_EQ(test, pic->chip[0].isr, BIT(3));
	out(pic, PIC_MASTER_PORT, OCW2_SPECIFIC_EOI << OCW2_COMMAND_SHIFT | 3);
	KUNIT_EXPECT_EQ(test, pic->chip[0].isr, 0);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 6);
}

static void special_mask(struct kunit *test)
{
	struct pic *pic = test->priv;

	line(pic, 3, 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 3);
	line(pic, 6, 1);
	out(pic, PIC_MASTER_PORT + 1, BIT(3));
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
	/* A masked one in service keeps nobody out now. */
	out(pic, PIC_MASTER_PORT, OCW_IS_OCW3 | OCW3_ESMM | OCW3_SMM);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 6);
}

static void rotation(struct kunit *test)
{
	struct pic *pic = test->priv;

	line(pic, 3, 1);
	pic_interrupt(pic->vm);
	out(pic, PIC_MASTER_PORT, OCW2_ROTATE_EOI << OCW2_COMMAND_SHIFT);
	/* Now 4 is the highest and 3 the lowest. */
	line(pic, 3, 0);
	line(pic, 3, 1);
	line(pic, 7, 1);
	line(pic, 1, 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 7);
	out(pic, PIC_MASTER_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 1);
	out(pic, PIC_MASTER_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	out(pic, PIC_MASTER_PORT, OCW2_SET_PRIORITY << OCW2_COMMAND_SHIFT | 7);
	line(pic, 1, 0);
	line(pic, 1, 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 1);
}

static void automatic_end(struct kunit *test)
{
	struct pic *pic = test->priv;

	init_chip(pic, PIC_MASTER_PORT, BASE_MASTER, BIT(PIC_CASCADE), 1 | ICW4_AEOI);
	line(pic, 1, 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_MASTER + 1);
	KUNIT_EXPECT_EQ(test, pic->chip[0].isr, 0);
}

static void cascade(struct kunit *test)
{
	struct pic *pic = test->priv;

	KUNIT_EXPECT_EQ(test, line(pic, 12, 1), 1);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_SLAVE + 4);
	KUNIT_EXPECT_EQ(test, pic->chip[0].isr, BIT(PIC_CASCADE));
	KUNIT_EXPECT_EQ(test, pic->chip[1].isr, BIT(4));
	/* Two ends, of the slave and of the master. */
	line(pic, 14, 1);
	out(pic, PIC_SLAVE_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
	out(pic, PIC_MASTER_PORT, OCW2_EOI << OCW2_COMMAND_SHIFT);
	KUNIT_EXPECT_EQ(test, pic_interrupt(pic->vm), BASE_SLAVE + 6);
}

static void poll(struct kunit *test)
{
	struct pic *pic = test->priv;

	out(pic, PIC_MASTER_PORT, OCW_IS_OCW3 | OCW3_P);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT), 0);
	line(pic, 6, 1);
	out(pic, PIC_MASTER_PORT, OCW_IS_OCW3 | OCW3_P);
	KUNIT_EXPECT_EQ(test, in(pic, PIC_MASTER_PORT), BIT(7) | 6);
	KUNIT_EXPECT_EQ(test, pic->chip[0].isr, BIT(6));
	KUNIT_EXPECT_FALSE(test, pic_pending(pic->vm));
}

static void nonsense(struct kunit *test)
{
	struct pic *pic = test->priv;
	struct kvm_pic_state state;
	int i;

	memset(&state, 0xff, sizeof(state));
	KUNIT_EXPECT_EQ(test, pic_set(pic->vm, 77, &state), -EINVAL);
	KUNIT_EXPECT_EQ(test, pic_set(pic->vm, KVM_IRQCHIP_PIC_MASTER, &state), 0);
	KUNIT_EXPECT_EQ(test, pic_set(pic->vm, KVM_IRQCHIP_PIC_SLAVE, &state), 0);
	KUNIT_EXPECT_LT(test, pic->chip[0].priority_add, PIC_PINS);
	KUNIT_EXPECT_EQ(test, pic->chip[1].elcr, PIC_SLAVE_ELCR_MASK);
	KUNIT_EXPECT_EQ(test, pic->chip[0].irq_base & 7, 0);
	/* Whatever it says, the ports go on working. */
	for (i = 0; i < 256; i++) {
		out(pic, PIC_MASTER_PORT, i);
		out(pic, PIC_SLAVE_PORT + 1, i);
		in(pic, PIC_MASTER_PORT);
		in(pic, PIC_SLAVE_PORT);
		pic_interrupt(pic->vm);
	}
	KUNIT_EXPECT_EQ(test, pic_get(pic->vm, KVM_IRQCHIP_PIC_SLAVE, &state), 0);
	KUNIT_EXPECT_EQ(test, pic_get(pic->vm, KVM_IRQCHIP_IOAPIC, &state), -EINVAL);
}

static struct kunit_case x86_pic_cases[] = {
	KUNIT_CASE(initialized),
	KUNIT_CASE(edge),
	KUNIT_CASE(level),
	KUNIT_CASE(sources),
	KUNIT_CASE(masked),
	KUNIT_CASE(nesting),
	KUNIT_CASE(special_mask),
	KUNIT_CASE(rotation),
	KUNIT_CASE(automatic_end),
	KUNIT_CASE(cascade),
	KUNIT_CASE(poll),
	KUNIT_CASE(nonsense),
	{ }
};

static struct kunit_suite x86_pic_suite = {
	.name		= "x86_pic",
	.init		= pic_test_init,
	.test_cases	= x86_pic_cases,
};

kunit_test_suite(x86_pic_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's registers: priorities, what can be written in either mode, the
 * ways between the modes, and what user space may put in.
 */
#include "../../arch/x86/lapic.c"

#include "x86_suite.h"

static int lapic_test_init(struct kunit *test)
{
	test->priv = x86_suite_vcpu(test, x86_suite_vm(test), 0);

	return 0;
}

/* --- priorities ---------------------------------------------------------------------- */

static void scan(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct lapic *lapic = vcpu->arch.lapic;
	int vector, limit;

	KUNIT_EXPECT_EQ(test, lapic_scan(lapic, APIC_IRR, 255), -1);
	for (vector = 16; vector < 256; vector += 15) {
		lapic_put(lapic, APIC_IRR + (vector >> 5) * 0x10, BIT(vector & 31));
		for (limit = 0; limit < 256; limit++)
			KUNIT_EXPECT_EQ(test, lapic_scan(lapic, APIC_IRR, limit),
					limit < vector ? -1 : vector);
		lapic_put(lapic, APIC_IRR + (vector >> 5) * 0x10, 0);
	}
}

static void priorities(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct lapic *lapic = vcpu->arch.lapic;

	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	KUNIT_EXPECT_TRUE(test, lapic_raise(lapic, 0x31, false));
	KUNIT_EXPECT_TRUE(test, lapic_raise(lapic, 0x45, false));
	KUNIT_EXPECT_FALSE(test, lapic_raise(lapic, 0x45, false));
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x45);

	/* The task's priority holds back its own class and those below. */
	x86_suite_lapic_write(vcpu, APIC_TASKPRI, 0x40);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	x86_suite_lapic_write(vcpu, APIC_TASKPRI, 0x3f);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x45);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_PROCPRI), 0x3f);

	lapic_accept(vcpu, 0x45);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_PROCPRI), 0x40);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	lapic_raise(lapic, 0x51, false);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x51);
	lapic_accept(vcpu, 0x51);
	KUNIT_EXPECT_EQ(test, lapic->isr_count, 2);
	x86_suite_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_PROCPRI), 0x40);
	x86_suite_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, lapic->isr_count, 0);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	x86_suite_lapic_write(vcpu, APIC_TASKPRI, 0x20);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x31);
	/* One too many changes nothing. */
	x86_suite_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, lapic->isr_count, 0);
}

/* Hardware has to exit on a lower CR8 only while one waits for that. */
static void cr8_exits(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;

	x86_suite_lapic_write(vcpu, APIC_TASKPRI, 0x50);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.cr8, 5);
	KUNIT_EXPECT_FALSE(test, x86_told.cr8_exit);
	lapic_raise(vcpu->arch.lapic, 0x45, false);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_TRUE(test, x86_told.cr8_exit);
	lapic_set_cr8(vcpu, 3);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.cr8, 3);
	KUNIT_EXPECT_FALSE(test, x86_told.cr8_exit);
	KUNIT_EXPECT_EQ(test, lapic_cr8(vcpu), 3);
	/* One of higher class in service: a lower CR8 would not help. */
	lapic_accept(vcpu, 0x45);
	lapic_raise(vcpu->arch.lapic, 0x41, false);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_FALSE(test, x86_told.cr8_exit);
}

/* --- registers -------------------------------------------------------------------------- */

static void xapic_registers(struct kunit *test)
{
	static const struct {
		u32	reg, written, read;
	} rows[] = {
		{ APIC_ID,	0xff000000,	0 },
		{ APIC_LVR,	~0u,		LAPIC_VERSION },
		{ APIC_TASKPRI,	~0u,		0xff },
		{ APIC_TASKPRI,	0,		0 },
		{ APIC_PROCPRI,	~0u,		0 },
		{ APIC_LDR,	~0u,		0xff000000 },
		{ APIC_DFR,	0,		0x0fffffff },
		{ APIC_DFR,	~0u,		~0u },
		{ APIC_SPIV,	~0u,		0x3ff },
		{ APIC_ISR,	~0u,		0 },
		{ APIC_TMR,	~0u,		0 },
		{ APIC_IRR,	~0u,		0 },
		{ APIC_ICR2,	~0u,		0xff000000 },
		{ APIC_LVTT,	~0u & ~LAPIC_LVT_TIMER_MASK, APIC_VECTOR_MASK | APIC_LVT_MASKED },
		{ APIC_LVTTHMR,	~0u,		LVT_DELIVERY },
		{ APIC_LVTPC,	~0u,		LVT_DELIVERY },
		{ APIC_LVT0,	~0u,		LVT_LINT },
		{ APIC_LVT1,	~0u,		LVT_LINT },
		{ APIC_LVTERR,	~0u,		APIC_VECTOR_MASK | APIC_LVT_MASKED },
		{ APIC_TDCR,	~0u,		0xb },
		{ APIC_TMCCT,	~0u,		0 },
		{ APIC_EOI,	~0u,		0 },
	};
	struct vcpu *vcpu = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		x86_suite_lapic_write(vcpu, rows[i].reg, rows[i].written);
		KUNIT_EXPECT_EQ_MSG(test, x86_suite_lapic_read(vcpu, rows[i].reg), rows[i].read,
				    "register 0x%x", rows[i].reg);
	}
}

/* Narrow reads see their bytes; narrow and misaligned writes do nothing. */
static void xapic_widths(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	u64 value = 0x5a5a5a5a5a5a5a5a;
	u8 byte;

	lapic_mmio_read(vcpu, LAPIC_BASE_DEFAULT + APIC_LVR + 2, 1, &byte);
	KUNIT_EXPECT_EQ(test, byte, LAPIC_VERSION >> 16 & 0xff);
	lapic_mmio_read(vcpu, LAPIC_BASE_DEFAULT + APIC_LVR, 8, &value);
	KUNIT_EXPECT_EQ(test, value, 0);
	lapic_mmio_read(vcpu, LAPIC_BASE_DEFAULT + APIC_LVR + 4, 4, &value);
	KUNIT_EXPECT_EQ(test, value, 0);
	byte = 0x77;
	lapic_mmio_write(vcpu, LAPIC_BASE_DEFAULT + APIC_TASKPRI, 1, &byte);
	lapic_mmio_write(vcpu, LAPIC_BASE_DEFAULT + APIC_TASKPRI + 4, 4, &value);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_TASKPRI), 0);
	/* To the end of the page. */
	lapic_mmio_read(vcpu, LAPIC_BASE_DEFAULT + 0xff8, 8, &value);
	lapic_mmio_write(vcpu, LAPIC_BASE_DEFAULT + 0xff0, 4, &value);
}

static void software_disabled(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;

	x86_suite_lapic_write(vcpu, APIC_LVT1, 0x44);
	x86_suite_lapic_write(vcpu, APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_LVT1), 0x44 | APIC_LVT_MASKED);
	x86_suite_lapic_write(vcpu, APIC_LVT1, 0x45);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_LVT1), 0x45 | APIC_LVT_MASKED);
	lapic_raise(vcpu->arch.lapic, 0x80, false);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	x86_suite_lapic_write(vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_LVT1), 0x45 | APIC_LVT_MASKED);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x80);
}

/* An illegal register is an error, and the error an interrupt, once. */
static void errors(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;

	x86_suite_lapic_write(vcpu, APIC_LVTERR, 0x99);
	x86_suite_lapic_read(vcpu, 0x40);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x99);
	/* It shows after a write. */
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_ESR), 0);
	x86_suite_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_ESR), APIC_ESR_ILLREGA);
	x86_suite_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_ESR), 0);
	/* With a vector that the error interrupt itself may not have. */
	x86_suite_lapic_write(vcpu, APIC_LVTERR, 3);
	x86_suite_lapic_read(vcpu, 0x40);
	x86_suite_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_ESR),
			APIC_ESR_ILLREGA | APIC_ESR_RECVILL);
}

/* --- x2APIC -------------------------------------------------------------------------------- */

static void allow_x2apic(struct vcpu *vcpu)
{
	vcpu->arch.cpuid.word[X86_FEATURE_X2APIC / 32] |= BIT(X86_FEATURE_X2APIC % 32);
}

static u64 msr_of(u32 reg)
{
	return APIC_BASE_MSR + (reg >> 4);
}

static void x2apic_registers(struct kunit *test)
{
	struct vcpu *vcpu = x86_suite_vcpu(test, ((struct vcpu *)test->priv)->vm, 0x25);
	static const struct {
		u32	reg;
		u64	bad;
	} rows[] = {
		{ APIC_ID,	0 },
		{ APIC_LVR,	0 },
		{ APIC_TASKPRI,	0x100 },
		{ APIC_EOI,	1 },
		{ APIC_LDR,	0 },
		{ APIC_DFR,	0 },
		{ APIC_SPIV,	0x400 },
		{ APIC_ESR,	1 },
		{ APIC_ICR2,	0 },
		{ APIC_ICR,	0x100000 },
		{ APIC_LVTT,	BIT(19) },
		{ APIC_TDCR,	4 },
		{ APIC_TMCCT,	0 },
		{ APIC_SELF_IPI, 0x100 },
		{ 0x40,		0 },
		{ 0xff0,	0 },
	};
	u64 value;
	int i;

	KUNIT_EXPECT_EQ(test, lapic_msr_read(vcpu, msr_of(APIC_ID), &value), -EINVAL);
	allow_x2apic(vcpu);
	KUNIT_ASSERT_EQ(test, lapic_base_write(vcpu, vcpu->arch.apic_base | X2APIC_ENABLE, true), 0);
	KUNIT_EXPECT_EQ(test, lapic_msr_read(vcpu, msr_of(APIC_ID), &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x25);
	KUNIT_EXPECT_EQ(test, lapic_msr_read(vcpu, msr_of(APIC_LDR), &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x20020);
	KUNIT_EXPECT_EQ(test, lapic_msr_read(vcpu, msr_of(APIC_EOI), &value), -EINVAL);
	KUNIT_EXPECT_EQ(test, lapic_msr_read(vcpu, msr_of(APIC_SELF_IPI), &value), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_msr_write(vcpu, msr_of(rows[i].reg), rows[i].bad),
				    -EINVAL, "register 0x%x", rows[i].reg);

	/* To itself, by ICR and by SELF_IPI. */
	KUNIT_EXPECT_EQ(test, lapic_msr_write(vcpu, msr_of(APIC_ICR), 0x25ULL << 32 | 0x61), 0);
	KUNIT_EXPECT_EQ(test, lapic_msr_read(vcpu, msr_of(APIC_ICR), &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x25ULL << 32 | 0x61);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x61);
	KUNIT_EXPECT_EQ(test, lapic_msr_write(vcpu, msr_of(APIC_SELF_IPI), 0x71), 0);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x71);
}

#define EN	MSR_IA32_APICBASE_ENABLE
#define EXTD	X2APIC_ENABLE
#define ADDRESS	LAPIC_BASE_DEFAULT

static void base_modes(struct kunit *test)
{
	static const struct {
		u64	from, to;
		bool	guest, host;
	} rows[] = {
		{ EN,		EN | EXTD,	true,	true },
		{ EN,		0,		true,	true },
		{ EN,		EXTD,		false,	false },
		{ EN | EXTD,	EN,		false,	true },
		{ EN | EXTD,	0,		true,	true },
		{ EN | EXTD,	EN | EXTD,	true,	true },
		{ 0,		EN,		true,	true },
		{ 0,		EN | EXTD,	false,	true },
		{ 0,		EXTD,		false,	false },
		{ EN,		EN | 1,		false,	false },
		{ EN,		EN | BIT(9),	false,	false },
		{ EN,		EN | BIT_ULL(36), false, true },
		{ EN,		EN | BIT_ULL(52), false, false },
	};
	struct vcpu *vcpu = test->priv;
	int i, host;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (host = 0; host < 2; host++) {
			bool good = host ? rows[i].host : rows[i].guest;
			u64 to = rows[i].to | ADDRESS;

			KUNIT_ASSERT_EQ(test, lapic_base_write(vcpu, ADDRESS | rows[i].from, true), 0);
			vcpu->arch.cpuid.maxphyaddr = 36;
			allow_x2apic(vcpu);
			KUNIT_EXPECT_EQ_MSG(test, lapic_base_write(vcpu, to, host),
					    good ? 0 : -EINVAL, "row %d, host %d", i, host);
			KUNIT_EXPECT_EQ(test, vcpu->arch.apic_base,
					good ? to : (ADDRESS | rows[i].from));
		}
	}
}

/* --- delivered by the hardware ------------------------------------------------------------- */

/* A LAPIC in x2APIC mode whose interrupts the hardware takes. */
static struct vcpu *virtual_vcpu(struct kunit *test)
{
	bool virtual_apic = x86_host.virtual_apic;
	struct vcpu *vcpu;

	x86_host.virtual_apic = true;
	vcpu = x86_suite_vcpu(test, x86_suite_vm(test), 0);
	x86_host.virtual_apic = virtual_apic;
	x86_told.can_deliver = true;
	KUNIT_ASSERT_EQ(test, lapic_base_write(vcpu, vcpu->arch.apic_base | X2APIC_ENABLE, true), 0);
	lapic_sync_to_hw(vcpu);
	KUNIT_ASSERT_PTR_EQ(test, x86_told.apic_page, (void *)vcpu->arch.lapic->page);

	return vcpu;
}

/* As the hardware does it: the highest one goes from IRR to ISR. */
static void hardware_takes(struct lapic *lapic, u8 vector)
{
	clear_bit(vector & 31, lapic_word(lapic, APIC_IRR, vector));
	set_bit(vector & 31, lapic_word(lapic, APIC_ISR, vector));
	lapic_put(lapic, APIC_PROCPRI, vector & 0xf0);
}

/* Only the owner touches IRR in the page, and the hardware hears of it once. */
static void virtual_posted(struct kunit *test)
{
	struct vcpu *vcpu = virtual_vcpu(test);
	struct lapic *lapic = vcpu->arch.lapic;
	int calls = x86_told.status_calls;

	KUNIT_EXPECT_TRUE(test, lapic_raise(lapic, 0x45, false));
	KUNIT_EXPECT_FALSE(test, lapic_raise(lapic, 0x45, false));
	KUNIT_EXPECT_FALSE(test, lapic_test(lapic, APIC_IRR, 0x45));
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x45);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_TRUE(test, lapic_test(lapic, APIC_IRR, 0x45));
	KUNIT_EXPECT_EQ(test, x86_told.irr, 0x45);
	KUNIT_EXPECT_EQ(test, x86_told.isr, 0);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.status_calls, calls + 1);
	/* The hardware may be about to take the one in the page: that is not this one. */
	KUNIT_EXPECT_TRUE(test, lapic_raise(lapic, 0x45, false));
	hardware_takes(lapic, 0x45);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.irr, 0x45);
	KUNIT_EXPECT_EQ(test, x86_told.isr, 0x45);
	/* Nobody else delivers it. */
	KUNIT_EXPECT_EQ(test, x86_interrupt(vcpu, false), -1);
}

static void virtual_service(struct kunit *test)
{
	struct vcpu *vcpu = virtual_vcpu(test);
	struct lapic *lapic = vcpu->arch.lapic;

	lapic_raise(lapic, 0x45, false);
	lapic_raise(lapic, 0x61, true);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.irr, 0x61);
	KUNIT_EXPECT_EQ(test, x86_told.eoi_exits[1], BIT_ULL(0x61 - 64));
	hardware_takes(lapic, 0x61);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	lapic_raise(lapic, 0x52, false);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.irr, 0x52);
	KUNIT_EXPECT_EQ(test, x86_told.isr, 0x61);
	/* An EOI that was not the hardware's. */
	lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x52);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.isr, 0);
}

/* An edge that waits does not swallow a level of the same vector: its EOI has to exit. */
static void virtual_edge_and_level(struct kunit *test)
{
	struct vcpu *vcpu = virtual_vcpu(test);
	struct lapic *lapic = vcpu->arch.lapic;

	lapic_raise(lapic, 0x45, false);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.eoi_exits[1], 0);
	KUNIT_EXPECT_TRUE(test, lapic_raise(lapic, 0x45, true));
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, x86_told.irr, 0x45);
	KUNIT_EXPECT_EQ(test, x86_told.eoi_exits[1], BIT_ULL(0x45 - 64));
}

/* One that the guest has disabled takes nothing, and later what waits since before. */
static void virtual_disabled(struct kunit *test)
{
	struct vcpu *vcpu = virtual_vcpu(test);
	struct lapic *lapic = vcpu->arch.lapic;
	u32 spiv = lapic_get(lapic, APIC_SPIV);

	lapic_raise(lapic, 0x45, false);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_EQ(test, lapic_msr_write(vcpu, APIC_BASE_MSR + (APIC_SPIV >> 4), 0xff), 0);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_NULL(test, x86_told.apic_page);
	KUNIT_EXPECT_EQ(test, x86_interrupt(vcpu, false), -1);
	KUNIT_EXPECT_EQ(test, lapic_msr_write(vcpu, APIC_BASE_MSR + (APIC_SPIV >> 4), spiv), 0);
	x86_told.irr = 0;
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_PTR_EQ(test, x86_told.apic_page, (void *)lapic->page);
	KUNIT_EXPECT_EQ(test, x86_told.irr, 0x45);
}

/* Whoever debugs wants no interrupts: they are delivered by software again, or not. */
static void virtual_left(struct kunit *test)
{
	struct vcpu *vcpu = virtual_vcpu(test);
	struct lapic *lapic = vcpu->arch.lapic;

	lapic_raise(lapic, 0x45, false);
	lapic_raise(lapic, 0x61, false);
	lapic_sync_to_hw(vcpu);
	hardware_takes(lapic, 0x61);
	vcpu->debug_flags = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_BLOCKIRQ;
	lapic_retell(vcpu);
	lapic_sync_to_hw(vcpu);
	KUNIT_EXPECT_NULL(test, x86_told.apic_page);
	KUNIT_EXPECT_EQ(test, lapic->isr_max, 0x61);
	KUNIT_EXPECT_EQ(test, lapic->irr_max, 0x45);
	KUNIT_EXPECT_FALSE(test, lapic_raise(lapic, 0x45, false));
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, x86_interrupt(vcpu, false), 0x45);
	/* One that comes between the last look and the choice is taken once. */
	lapic_raise(lapic, 0x71, false);
	KUNIT_EXPECT_EQ(test, x86_interrupt(vcpu, true), 0x71);
	lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, x86_interrupt(vcpu, true), 0x45);
	lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, x86_interrupt(vcpu, false), -1);
	vcpu->debug_flags = 0;
}

/* --- user space's view ----------------------------------------------------------------------- */

static void saved_and_restored(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct kvm_lapic_state *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	struct kvm_lapic_state *after = kunit_kzalloc(test, sizeof(*after), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, after);
	x86_suite_lapic_write(vcpu, APIC_TASKPRI, 0x20);
	x86_suite_lapic_write(vcpu, APIC_LVT1, 0x88);
	lapic_raise(vcpu->arch.lapic, 0x61, true);
	lapic_raise(vcpu->arch.lapic, 0x51, false);
	lapic_accept(vcpu, 0x61);
	KUNIT_EXPECT_EQ(test, x86_ioctl_get_lapic(vcpu, before), 0);

	lapic_reset(vcpu, false);
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, before), 0);
	KUNIT_EXPECT_EQ(test, x86_ioctl_get_lapic(vcpu, after), 0);
	KUNIT_EXPECT_MEMEQ(test, after->regs, before->regs, sizeof(before->regs));
	KUNIT_EXPECT_EQ(test, vcpu->arch.lapic->isr_max, 0x61);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	x86_suite_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x51);
}

/* Nonsense from user space is cut to what hardware could hold. */
static void nonsense(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct kvm_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, state);
	memset(state, 0xff, sizeof(*state));
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_LVR), LAPIC_VERSION);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_TASKPRI), 0xff);
	KUNIT_EXPECT_EQ(test, x86_suite_lapic_read(vcpu, APIC_LVTPC), LVT_DELIVERY);
	KUNIT_EXPECT_EQ(test, vcpu->arch.lapic->isr_count, 256);
	/* As many ends as there are interrupts in service, and more. */
	for (i = 0; i < 300; i++)
		x86_suite_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, vcpu->arch.lapic->isr_count, 0);
	KUNIT_EXPECT_EQ(test, vcpu->arch.lapic->isr_max, -1);
	lapic_sync_to_hw(vcpu);
}

#define LVTT_DEADLINE	(APIC_LVT_TIMER_TSCDEADLINE | 0x33)

/* A vCPU with a deadline that is far away, and its registers as user space reads them. */
static struct kvm_lapic_state *with_deadline(struct kunit *test, u64 *deadline)
{
	struct vcpu *vcpu = test->priv;
	struct kvm_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, state);
	vcpu->arch.cpuid.word[X86_FEATURE_TSC_DEADLINE_TIMER / 32] |=
		BIT(X86_FEATURE_TSC_DEADLINE_TIMER % 32);
	x86_suite_lapic_write(vcpu, APIC_LVTT, LVTT_DEADLINE);
	*deadline = x86_tsc_now(vcpu) + BIT_ULL(50);
	lapic_deadline_write(vcpu, *deadline);
	KUNIT_ASSERT_EQ(test, x86_ioctl_get_lapic(vcpu, state), 0);

	return state;
}

/* Not among the registers, it goes on if they say that there may be one. */
static void deadline_kept(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct lapic *lapic = vcpu->arch.lapic;
	u64 x2apic = vcpu->arch.apic_base | X2APIC_ENABLE, deadline;
	struct kvm_lapic_state *state;

	state = with_deadline(test, &deadline);
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, lapic_deadline_read(vcpu), deadline);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&lapic->timer.hrtimer));
	/* Masked, nothing runs; and unmasked again it does. */
	*lapic_state_reg(state, APIC_LVTT) = LVTT_DEADLINE | APIC_LVT_MASKED;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, lapic_deadline_read(vcpu), deadline);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer.hrtimer));
	*lapic_state_reg(state, APIC_LVTT) = LVTT_DEADLINE;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&lapic->timer.hrtimer));
	/* Registers that are refused change nothing. */
	KUNIT_ASSERT_EQ(test, lapic_base_write(vcpu, x2apic, true), 0);
	vcpu->vm->arch.x2apic_32bit_ids = true;
	*lapic_state_reg(state, APIC_ID) = 4;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), -EINVAL);
	KUNIT_EXPECT_EQ(test, lapic_deadline_read(vcpu), deadline);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&lapic->timer.hrtimer));
}

static void deadline_dropped(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct lapic *lapic = vcpu->arch.lapic;
	struct kvm_lapic_state *state;
	u64 deadline;

	/* By another mode: it does not come back with the old one. */
	state = with_deadline(test, &deadline);
	*lapic_state_reg(state, APIC_LVTT) = 0x33;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer.hrtimer));
	*lapic_state_reg(state, APIC_LVTT) = LVTT_DEADLINE;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, lapic_deadline_read(vcpu), 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer.hrtimer));
	/* With the APIC. */
	state = with_deadline(test, &deadline);
	KUNIT_ASSERT_EQ(test, lapic_base_write(vcpu, LAPIC_BASE_DEFAULT, true), 0);
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, lapic_deadline_read(vcpu), 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer.hrtimer));
}

/* With the vendor's timer, which does not run outside of the guest. */
static void deadline_passed(struct kunit *test)
{
	struct vcpu *vcpu = test->priv;
	struct kvm_lapic_state *state;
	u64 deadline;

	x86_told.has_timer = true;
	state = with_deadline(test, &deadline);
	x86_told.deadline = 0;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, x86_told.deadline, deadline);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
	/* It comes at once. */
	WRITE_ONCE(vcpu->arch.lapic->timer.deadline, 1);
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, x86_told.deadline, 0);
	KUNIT_EXPECT_EQ(test, lapic_deadline_read(vcpu), 0);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), 0x33);
	/* Not if it passed while masked, when nobody would have heard it. */
	*lapic_state_reg(state, APIC_LVTT) = LVTT_DEADLINE | APIC_LVT_MASKED;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	WRITE_ONCE(vcpu->arch.lapic->timer.deadline, 1);
	*lapic_state_reg(state, APIC_LVTT) = LVTT_DEADLINE;
	KUNIT_EXPECT_EQ(test, x86_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, lapic_interrupt(vcpu), -1);
}

static struct kunit_case x86_lapic_cases[] = {
	KUNIT_CASE(scan),
	KUNIT_CASE(priorities),
	KUNIT_CASE(cr8_exits),
	KUNIT_CASE(xapic_registers),
	KUNIT_CASE(xapic_widths),
	KUNIT_CASE(software_disabled),
	KUNIT_CASE(errors),
	KUNIT_CASE(x2apic_registers),
	KUNIT_CASE(base_modes),
	KUNIT_CASE(virtual_posted),
	KUNIT_CASE(virtual_service),
	KUNIT_CASE(virtual_edge_and_level),
	KUNIT_CASE(virtual_disabled),
	KUNIT_CASE(virtual_left),
	KUNIT_CASE(saved_and_restored),
	KUNIT_CASE(nonsense),
	KUNIT_CASE(deadline_kept),
	KUNIT_CASE(deadline_dropped),
	KUNIT_CASE(deadline_passed),
	{ }
};

static struct kunit_suite x86_lapic_suite = {
	.name		= "x86_lapic",
	.suite_init	= x86_suite_init,
	.suite_exit	= x86_suite_exit,
	.init		= lapic_test_init,
	.test_cases	= x86_lapic_cases,
};

kunit_test_suite(x86_lapic_suite);

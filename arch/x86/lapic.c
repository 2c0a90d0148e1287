// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC of a vCPU: its registers, seen by MMIO (xAPIC), by MSRs
 * (x2APIC) and by user space, its priorities, and IA32_APIC_BASE.  Messages
 * between LAPICs are in lapic_deliver.c, the timer in lapic_timer.c, and the
 * protocol between the vCPU and those who interrupt it in lapic.h.
 *
 * The register page is at IA32_APIC_BASE, which every vCPU may place elsewhere.
 * One device at the default base (irqchip.c) serves all vCPUs, each with its own
 * LAPIC; it is not there for a vCPU that moved its base.  The emulator asks
 * lapic_mmio_match() first, so that a moved base works too, and the usual one
 * without a search of the bus.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "lapic.h"

#define APIC_BASE_RESERVED	(0xffULL | BIT(9))
#define APIC_BASE_MODE		(MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE)

/* x2APIC has ICR in one 64-bit register; delivery status (bit 12) is ours. */
#define ICR_WRITABLE		0x000ccfff
#define LVT_DELIVERY		(APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_LVT_MASKED)
/* Delivery status and remote IRR. */
#define LVT_READ_ONLY		(BIT(12) | APIC_LVT_REMOTE_IRR)
#define LVT_LINT		(LVT_DELIVERY | APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER)

/* --- bitmaps and priorities -------------------------------------------------- */

int lapic_scan(const struct lapic *lapic, u32 bitmap, int vector)
{
	int word = vector >> 5;
	u32 bits = lapic_get(lapic, bitmap + word * 0x10) & GENMASK(vector & 31, 0);

	while (!bits && word--)
		bits = lapic_get(lapic, bitmap + word * 0x10);

	return bits ? word * 32 + __fls(bits) : -1;
}

static u8 lapic_tpr(const struct lapic *lapic)
{
	return lapic_get(lapic, APIC_TASKPRI);
}

/* Count what is in service: the hardware, or user space, has changed it. */
static void lapic_count_service(struct lapic *lapic)
{
	int i;

	lapic->isr_count = 0;
	for (i = 0; i < 0x80; i += 0x10)
		lapic->isr_count += hweight32(lapic_get(lapic, APIC_ISR + i));
	lapic->isr_max = lapic_scan(lapic, APIC_ISR, 255);
}

/* TPR or the interrupts in service changed. */
static void lapic_update_priority(struct lapic *lapic)
{
	u8 tpr = lapic_tpr(lapic);
	int isr;

	if (unlikely(lapic->virtual))
		lapic_count_service(lapic);
	isr = lapic->isr_max;
	lapic->ppr = isr >= 0 && (isr & 0xf0) >= (tpr & 0xf0) ? isr & 0xf0 : tpr;
	lapic_put(lapic, APIC_PROCPRI, lapic->ppr);
	/* With nothing pending, and the TPR known, there is nothing to look at. */
	if (lapic->irr_max >= 0 || lapic->shown_threshold || tpr >> 4 != lapic->shown_cr8 ||
	    lapic->virtual)
		lapic->sync = true;
}

void lapic_derive_service(struct lapic *lapic)
{
	lapic_count_service(lapic);
	lapic_update_priority(lapic);
}

/* The owner's half of the protocol in lapic.h. */
static void lapic_look_at_irr(struct lapic *lapic)
{
	WRITE_ONCE(lapic->irr_changed, false);
	/* Pairs with the locked set of the IRR bit in lapic_raise(). */
	smp_mb();
	if (lapic_is_posted(lapic))
		lapic_collect(lapic);
	WRITE_ONCE(lapic->irr_max, lapic_scan(lapic, APIC_IRR, 255));
	lapic->sync = true;
}

static int lapic_irr_max(struct lapic *lapic)
{
	if (READ_ONCE(lapic->irr_changed) || READ_ONCE(lapic->virtual))
		return lapic_scan_pending(lapic);

	return READ_ONCE(lapic->irr_max);
}

bool lapic_pending(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;

	return lapic && lapic->enabled && lapic_irr_max(lapic) >= 0;
}

int lapic_interrupt(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u8 ppr;
	int irr;

	if (!lapic || !lapic->enabled)
		return -1;

	irr = lapic_irr_max(lapic);
	ppr = READ_ONCE(lapic->virtual) ? lapic_get(lapic, APIC_PROCPRI) : lapic->ppr;
	if (irr < 0 || (irr & 0xf0) <= (ppr & 0xf0))
		return -1;

	return irr;
}

void lapic_accept(struct vcpu *vcpu, int vector)
{
	struct lapic *lapic = vcpu->arch.lapic;

	/* It may have come since the last look. */
	if (lapic_is_posted(lapic))
		lapic_collect(lapic);
	clear_bit(vector & 31, lapic_word(lapic, APIC_IRR, vector));
	/*
	 * A higher one that comes now sets irr_changed.  If it is set already,
	 * the look at it that is still owed corrects irr_max.
	 */
	WRITE_ONCE(lapic->irr_max, lapic_scan(lapic, APIC_IRR, vector));
	__set_bit(vector & 31, lapic_word(lapic, APIC_ISR, vector));
	lapic->isr_count++;
	lapic->isr_max = vector;
	lapic_update_priority(lapic);
}

void lapic_eoi(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;
	int vector;

	if (unlikely(lapic->virtual))
		lapic_count_service(lapic);
	vector = lapic->isr_max;
	if (vector < 0)
		return;

	__clear_bit(vector & 31, lapic_word(lapic, APIC_ISR, vector));
	lapic->isr_max = --lapic->isr_count ? lapic_scan(lapic, APIC_ISR, vector) : -1;
	lapic_update_priority(lapic);

	if (lapic_eoi_is_awaited(lapic, vector))
		lapic_eoi_broadcast(lapic, vector);
}

void lapic_sync_to_hw(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u8 cr8, threshold = 0;
	int irr;

	if (READ_ONCE(lapic->irr_changed))
		lapic_look_at_irr(lapic);
	if (likely(!lapic->sync))
		return;

	lapic->sync = false;
	x86_events_recheck(vcpu);
	if (unlikely(lapic->mode_due))
		lapic_virtual_choose(lapic);
	if (unlikely(lapic->virtual)) {
		lapic_virtual_show(lapic);
		return;
	}

	/* Only a pending interrupt that TPR alone holds back can come by a write. */
	irr = lapic->irr_max;
	cr8 = lapic_tpr(lapic) >> 4;
	if (irr >= 0 && lapic->enabled && irr >> 4 <= cr8 &&
	    (lapic->isr_max < 0 || irr >> 4 > lapic->isr_max >> 4))
		threshold = irr >> 4;
	if (cr8 == lapic->shown_cr8 && threshold == lapic->shown_threshold)
		return;

	lapic->shown_cr8 = cr8;
	lapic->shown_threshold = threshold;
	x86_op(tpr)(vcpu, cr8, threshold);
}

static void lapic_set_tpr(struct lapic *lapic, u8 tpr)
{
	lapic_put(lapic, APIC_TASKPRI, tpr);
	lapic_update_priority(lapic);
}

u64 lapic_cr8(struct vcpu *vcpu)
{
	if (!vcpu->arch.lapic)
		return vcpu->arch.cr8;

	return lapic_tpr(vcpu->arch.lapic) >> 4;
}

void lapic_set_cr8(struct vcpu *vcpu, u64 cr8)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic)
		vcpu->arch.cr8 = cr8 & 0xf;
	else if (lapic_tpr(lapic) >> 4 != (cr8 & 0xf))
		lapic_set_tpr(lapic, (cr8 & 0xf) << 4);
}

void lapic_retell(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic)
		return;
	lapic->shown_cr8 = -1;
	lapic->mode_due = true;
	lapic->sync = true;
}

bool lapic_accepts_pic(struct vcpu *vcpu)
{
	return !vcpu->arch.lapic || READ_ONCE(vcpu->arch.lapic->accepts_pic);
}

void lapic_error(struct lapic *lapic, u32 error)
{
	/* The same error again says nothing new, and cannot recurse. */
	if (!test_and_set_bit(__ffs(error), &lapic->errors))
		lapic_local(lapic, APIC_LVTERR, true);
}

/* Re-derive what the enable bits and LINT0 decide. */
static void lapic_update_enabled(struct lapic *lapic)
{
	u32 lint0 = lapic_get(lapic, APIC_LVT0) & (APIC_LVT_MASKED | APIC_MODE_MASK);

	WRITE_ONCE(lapic->enabled, lapic->base_enabled &&
		   (lapic_get(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED));
	WRITE_ONCE(lapic->accepts_pic, !lapic->base_enabled || lint0 == APIC_DM_EXTINT);
	lapic->mode_due = true;
	lapic->sync = true;
}

/* --- registers ------------------------------------------------------------------ */

enum {
	REG_READ	= BIT(0),
	REG_WRITE	= BIT(1),
	REG_X2APIC	= BIT(2),	/* exists in x2APIC mode */
	REG_X2_READ	= BIT(3),	/* is read-only there */
	REG_X2_WRITE	= BIT(4),	/* exists only there, write-only */
	REG_LVT		= BIT(5),	/* masked for good while software-disabled */
	REG_RO		= REG_READ | REG_X2APIC,
	REG_RW		= REG_READ | REG_WRITE | REG_X2APIC,
};

/*
 * @writable: the bits a write can set.  Others are ignored in xAPIC mode and
 * raise #GP in x2APIC mode.  @write: NULL stores the value.
 */
struct lapic_register {
	u8	flags;
	u32	writable;
	void	(*write)(struct lapic *lapic, u32 reg, u32 value);
};

static void lapic_write_tpr(struct lapic *lapic, u32 reg, u32 value)
{
	lapic_set_tpr(lapic, value);
}

static void lapic_write_eoi(struct lapic *lapic, u32 reg, u32 value)
{
	lapic_eoi(lapic->vcpu);
}

static void lapic_write_logical(struct lapic *lapic, u32 reg, u32 value)
{
	if (reg == APIC_DFR)
		value |= ~0xf0000000;
	if (value == lapic_get(lapic, reg))
		return;

	lapic_put(lapic, reg, value);
	lapic_map_update(lapic->vcpu->vm);
}

static const u16 lapic_lvts[] = {
	APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
};

static void lapic_write_spiv(struct lapic *lapic, u32 reg, u32 value)
{
	int i;

	lapic_put(lapic, reg, value);
	if (!(value & APIC_SPIV_APIC_ENABLED)) {
		lapic_timer_write(lapic, APIC_LVTT,
				  lapic_get(lapic, APIC_LVTT) | APIC_LVT_MASKED);
		for (i = 0; i < ARRAY_SIZE(lapic_lvts); i++)
			lapic_put(lapic, lapic_lvts[i],
				  lapic_get(lapic, lapic_lvts[i]) | APIC_LVT_MASKED);
	}
	lapic_update_enabled(lapic);
}

static void lapic_write_esr(struct lapic *lapic, u32 reg, u32 value)
{
	lapic_put(lapic, reg, xchg(&lapic->errors, 0));
}

static void lapic_write_icr(struct lapic *lapic, u32 reg, u32 value)
{
	lapic_put(lapic, APIC_ICR, value);
	lapic_send(lapic, value, lapic_get(lapic, APIC_ICR2));
}

static void lapic_write_lvt(struct lapic *lapic, u32 reg, u32 value)
{
	lapic_put(lapic, reg, value);
	lapic_update_enabled(lapic);
}

static void lapic_write_self_ipi(struct lapic *lapic, u32 reg, u32 value)
{
	lapic_send(lapic, APIC_DEST_SELF | value, 0);
}

#define REG(reg, flags_, writable_, write_)	\
	[(reg) >> 4] = { .flags = (flags_), .writable = (writable_), .write = (write_) }
#define REG_BITMAP(reg)								\
	REG(reg, REG_RO, 0, NULL), REG(reg + 0x10, REG_RO, 0, NULL),		\
	REG(reg + 0x20, REG_RO, 0, NULL), REG(reg + 0x30, REG_RO, 0, NULL),	\
	REG(reg + 0x40, REG_RO, 0, NULL), REG(reg + 0x50, REG_RO, 0, NULL),	\
	REG(reg + 0x60, REG_RO, 0, NULL), REG(reg + 0x70, REG_RO, 0, NULL)

/* The arbitration priority (APR) and the remote read register are not there. */
static const struct lapic_register lapic_registers[KVM_APIC_REG_SIZE >> 4] = {
	REG(APIC_ID,		REG_RO,		0,		NULL),
	REG(APIC_LVR,		REG_RO,		0,		NULL),
	REG(APIC_TASKPRI,	REG_RW,		0xff,		lapic_write_tpr),
	REG(APIC_PROCPRI,	REG_RO,		0,		NULL),
	REG(APIC_EOI,		REG_WRITE | REG_X2APIC, 0,	lapic_write_eoi),
	REG(APIC_LDR,		REG_RW | REG_X2_READ, 0xff000000, lapic_write_logical),
	REG(APIC_DFR,		REG_READ | REG_WRITE, 0xf0000000, lapic_write_logical),
	REG(APIC_SPIV,		REG_RW,		0x3ff,		lapic_write_spiv),
	REG_BITMAP(APIC_ISR),
	REG_BITMAP(APIC_TMR),
	REG_BITMAP(APIC_IRR),
	REG(APIC_ESR,		REG_RW,		0,		lapic_write_esr),
	REG(APIC_ICR,		REG_RW,		ICR_WRITABLE,	lapic_write_icr),
	REG(APIC_ICR2,		REG_READ | REG_WRITE, 0xff000000, NULL),
	REG(APIC_LVTT,		REG_RW | REG_LVT, APIC_VECTOR_MASK | APIC_LVT_MASKED |
						  LAPIC_LVT_TIMER_MASK, lapic_timer_write),
	REG(APIC_LVTTHMR,	REG_RW | REG_LVT, LVT_DELIVERY,	NULL),
	REG(APIC_LVTPC,		REG_RW | REG_LVT, LVT_DELIVERY,	NULL),
	REG(APIC_LVT0,		REG_RW | REG_LVT, LVT_LINT,	lapic_write_lvt),
	REG(APIC_LVT1,		REG_RW | REG_LVT, LVT_LINT,	lapic_write_lvt),
	REG(APIC_LVTERR,	REG_RW | REG_LVT, APIC_VECTOR_MASK | APIC_LVT_MASKED, NULL),
	REG(APIC_TMICT,		REG_RW,		~0u,		lapic_timer_write),
	REG(APIC_TMCCT,		REG_RO,		0,		NULL),
	REG(APIC_TDCR,		REG_RW,		0xb,		lapic_timer_write),
	REG(APIC_SELF_IPI,	REG_X2_WRITE,	0xff,		lapic_write_self_ipi),
};

static const struct lapic_register *lapic_register(u32 reg)
{
	u32 index = reg >> 4;

	if (index >= ARRAY_SIZE(lapic_registers))
		return NULL;

	return &lapic_registers[array_index_nospec(index, ARRAY_SIZE(lapic_registers))];
}

static u32 lapic_read_register(struct lapic *lapic, u32 reg)
{
	if (reg == APIC_TMCCT)
		return lapic_timer_count(lapic);
	if (reg - APIC_IRR < 0x80 && lapic_is_posted(lapic))
		lapic_collect(lapic);

	return lapic_get(lapic, reg);
}

static u32 lapic_writable(struct lapic *lapic, const struct lapic_register *desc, u32 reg)
{
	/* TSC-deadline mode is there only if CPUID says so. */
	if (reg == APIC_LVTT &&
	    !x86_guest_has(lapic->vcpu, X86_FEATURE_TSC_DEADLINE_TIMER))
		return desc->writable & ~APIC_LVT_TIMER_TSCDEADLINE;

	return desc->writable;
}

static void lapic_write_register(struct lapic *lapic, const struct lapic_register *desc,
				 u32 reg, u32 value)
{
	if ((desc->flags & REG_LVT) &&
	    !(lapic_get(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED))
		value |= APIC_LVT_MASKED;

	if (desc->write)
		desc->write(lapic, reg, value);
	else
		lapic_put(lapic, reg, value);
}

/* --- xAPIC: MMIO -------------------------------------------------------------------- */

bool lapic_mmio_match(struct vcpu *vcpu, gpa_t gpa)
{
	return lapic_mmio_is_own(vcpu, gpa);
}

void lapic_mmio_read(struct vcpu *vcpu, gpa_t gpa, int len, void *data)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u32 offset = gpa & (LAPIC_SIZE - 1), value;
	const struct lapic_register *desc = lapic_register(offset);

	/* Registers are 32 bits every 16 bytes; nothing is between them. */
	memset(data, 0, len);
	if (!desc || !(desc->flags & REG_READ)) {
		lapic_error(lapic, APIC_ESR_ILLREGA);
		return;
	}
	if ((offset & 0xf) + len > sizeof(value))
		return;

	value = lapic_read_register(lapic, offset & ~0xf) >> (offset & 3) * 8;
	memcpy(data, &value, len);
}

void lapic_mmio_write(struct vcpu *vcpu, gpa_t gpa, int len, const void *data)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u32 reg = gpa & (LAPIC_SIZE - 1), value;
	const struct lapic_register *desc;

	/* Only aligned 32-bit writes are defined; others do nothing. */
	if (len != sizeof(value) || (reg & 0xf))
		return;

	memcpy(&value, data, sizeof(value));
	if (reg == APIC_EOI) {
		lapic_eoi(vcpu);
		return;
	}
	if (reg == APIC_ICR) {
		lapic_write_icr(lapic, reg, value & ICR_WRITABLE);
		return;
	}

	desc = lapic_register(reg);
	if (!desc || !(desc->flags & REG_WRITE)) {
		lapic_error(lapic, APIC_ESR_ILLREGA);
		return;
	}
	lapic_write_register(lapic, desc, reg, value & lapic_writable(lapic, desc, reg));
}

/* --- x2APIC: MSRs ----------------------------------------------------------------------- */

static u32 lapic_msr_reg(u32 msr)
{
	return (msr - APIC_BASE_MSR) << 4;
}

int lapic_msr_read(struct vcpu *vcpu, u32 msr, u64 *value)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u32 reg = lapic_msr_reg(msr);
	const struct lapic_register *desc = lapic_register(reg);

	if (!lapic || !lapic->x2apic || !desc ||
	    (desc->flags & REG_RO) != REG_RO)
		return -EINVAL;

	*value = lapic_read_register(lapic, reg);
	if (reg == APIC_ICR)
		*value |= (u64)lapic_get(lapic, APIC_ICR2) << 32;

	return 0;
}

static bool lapic_x2apic_writable(const struct lapic_register *desc)
{
	if (desc->flags & REG_X2_WRITE)
		return true;

	return (desc->flags & REG_WRITE) && (desc->flags & REG_X2APIC) &&
	       !(desc->flags & REG_X2_READ);
}

int lapic_msr_write(struct vcpu *vcpu, u32 msr, u64 value)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u32 reg = lapic_msr_reg(msr);
	const struct lapic_register *desc;
	u32 writable;

	if (!lapic || !lapic->x2apic)
		return -EINVAL;

	/* What a guest does most, without the table. */
	if (reg == APIC_EOI && !value) {
		lapic_eoi(vcpu);
		return 0;
	}
	if (reg == APIC_ICR) {
		if ((u32)value & ~(ICR_WRITABLE | APIC_ICR_BUSY))
			return -EINVAL;
		lapic_put(lapic, APIC_ICR2, value >> 32);
		lapic_write_icr(lapic, reg, value & ICR_WRITABLE);
		return 0;
	}

	desc = lapic_register(reg);
	if (!desc || !lapic_x2apic_writable(desc))
		return -EINVAL;
	/* Bits that only the hardware writes are ignored, reserved ones are not. */
	writable = lapic_writable(lapic, desc, reg);
	if (value & ~(u64)(writable | (desc->flags & REG_LVT ? LVT_READ_ONLY : 0)))
		return -EINVAL;

	lapic_write_register(lapic, desc, reg, value & writable);

	return 0;
}

/* --- IA32_APIC_BASE ------------------------------------------------------------------------ */

static bool lapic_base_valid(struct vcpu *vcpu, u64 value, bool host)
{
	u64 old_mode = vcpu->arch.apic_base & APIC_BASE_MODE;
	u64 mode = value & APIC_BASE_MODE;
	u8 maxphyaddr = vcpu->arch.cpuid.maxphyaddr ?: 36;

	if (value & APIC_BASE_RESERVED || mode == X2APIC_ENABLE)
		return false;
	if (host)
		return !(value >> 52);

	if (value >> maxphyaddr)
		return false;
	if (mode & X2APIC_ENABLE && !x86_guest_has(vcpu, X86_FEATURE_X2APIC))
		return false;

	/* x2APIC mode is entered from xAPIC mode and left only by disabling. */
	if (old_mode == APIC_BASE_MODE)
		return mode != MSR_IA32_APICBASE_ENABLE;
	if (!old_mode)
		return mode != APIC_BASE_MODE;

	return true;
}

/* The registers as after power-on, INIT or enabling; the id stays. */
static void lapic_reset_registers(struct lapic *lapic)
{
	struct vcpu *vcpu = lapic->vcpu;
	int i;

	lapic_timer_stop(lapic);
	for (i = 0; i < KVM_APIC_REG_SIZE; i += 0x10)
		if (i != APIC_ID)
			lapic_put(lapic, i, 0);

	lapic_put(lapic, APIC_LVR, LAPIC_VERSION);
	lapic_put(lapic, APIC_DFR, APIC_DFR_FLAT);
	lapic_put(lapic, APIC_SPIV, 0xff);
	for (i = 0; i < ARRAY_SIZE(lapic_lvts); i++)
		lapic_put(lapic, lapic_lvts[i], APIC_LVT_MASKED);
	/*
	 * Virtual wire mode on the boot CPU, as firmware would set it up: the
	 * documented default of the ABI (KVM_X86_QUIRK_LINT0_REENABLED).
	 */
	if (vcpu->arch.apic_base & MSR_IA32_APICBASE_BSP)
		lapic_put(lapic, APIC_LVT0, APIC_DM_EXTINT);
	if (lapic->x2apic)
		lapic_put(lapic, APIC_LDR, lapic_x2apic_ldr(vcpu->id));

	memset(lapic->posted, 0, sizeof(lapic->posted));
	lapic->errors = 0;
	lapic->isr_count = 0;
	lapic->isr_max = -1;
	lapic->irr_max = -1;
	WRITE_ONCE(lapic->irr_changed, true);
	lapic_update_priority(lapic);
	lapic_update_enabled(lapic);
}

/* Make the mode what vcpu->arch.apic_base says: true if it was another. */
static bool lapic_set_mode(struct lapic *lapic)
{
	u64 base = lapic->vcpu->arch.apic_base;
	bool enabled = base & MSR_IA32_APICBASE_ENABLE;
	bool x2apic = base & X2APIC_ENABLE;
	u32 id = lapic->vcpu->id;

	if (enabled == lapic->base_enabled && x2apic == lapic->x2apic)
		return false;

	WRITE_ONCE(lapic->base_enabled, enabled);
	if (x2apic != lapic->x2apic) {
		WRITE_ONCE(lapic->x2apic, x2apic);
		lapic_put(lapic, APIC_ID, x2apic ? id : id << 24);
		lapic_put(lapic, APIC_LDR, x2apic ? lapic_x2apic_ldr(id) : 0);
		lapic_put(lapic, APIC_ICR2, 0);
	}
	lapic_update_enabled(lapic);

	return true;
}

int lapic_base_write(struct vcpu *vcpu, u64 value, bool host)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic_base_valid(vcpu, value, host))
		return -EINVAL;

	vcpu->arch.apic_base = value;
	if (!lapic)
		return 0;

	if (lapic_set_mode(lapic)) {
		/* A guest that disables it loses its state. */
		if (!lapic->base_enabled && !host)
			lapic_reset_registers(lapic);
		else if (!lapic->base_enabled)
			lapic_timer_stop(lapic);
		lapic_map_update(vcpu->vm);
		x86_cpuid_update(vcpu);
	}

	return 0;
}

/* --- life --------------------------------------------------------------------------------------- */

void lapic_reset(struct vcpu *vcpu, bool init)
{
	struct lapic *lapic = vcpu->arch.lapic;

	lapic->shown_cr8 = -1;
	lapic->mode_due = true;
	lapic_set_mode(lapic);
	if (!init && !lapic->x2apic)
		lapic_put(lapic, APIC_ID, vcpu->id << 24);
	lapic_reset_registers(lapic);
	lapic_map_update(vcpu->vm);
}

int lapic_create(struct vcpu *vcpu)
{
	struct lapic *lapic;

	/* Without an irqchip the APIC is user space's. */
	if (vcpu->arch.lapic || !vm_has_irqchip(vcpu->vm))
		return 0;

	lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);
	if (!lapic)
		return -ENOMEM;

	lapic->page = (u8 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!lapic->page) {
		kfree(lapic);
		return -ENOMEM;
	}
	lapic->vcpu = vcpu;
	lapic->incoming = x86_host.virtual_apic ? (u8 *)lapic->posted : lapic->page + APIC_IRR;
	lapic_timer_create(lapic);
	vcpu->arch.lapic = lapic;
	lapic_link(lapic);
	lapic_reset(vcpu, false);
	/* The IOAPIC told those that were there when its table changed. */
	vcpu_request(vcpu, REQ_SCAN_IOAPIC);

	return 0;
}

void lapic_destroy(struct vcpu *vcpu)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic)
		return;

	lapic_unlink(lapic);
	hrtimer_cancel(&lapic->timer.hrtimer);
	vcpu->arch.lapic = NULL;
	free_page((unsigned long)lapic->page);
	kfree(lapic);
}

/* --- user space's view --------------------------------------------------------------------------- */

static u32 *lapic_state_reg(const struct kvm_lapic_state *state, u32 reg)
{
	return (u32 *)(state->regs + reg);
}

int x86_ioctl_get_lapic(struct vcpu *vcpu, struct kvm_lapic_state *state)
{
	struct lapic *lapic = vcpu->arch.lapic;

	if (!lapic)
		return -EINVAL;

	if (lapic_is_posted(lapic))
		lapic_collect(lapic);
	memcpy(state->regs, lapic->page, KVM_APIC_REG_SIZE);
	*lapic_state_reg(state, APIC_TMCCT) = lapic_timer_count(lapic);
	/* The old layout has 8 bits of id, in either mode. */
	if (lapic->x2apic && !vcpu->vm->arch.x2apic_32bit_ids)
		*lapic_state_reg(state, APIC_ID) = vcpu->id << 24;

	return 0;
}

/* Count what is in service, and note that there may be something pending. */
static void lapic_derive(struct lapic *lapic)
{
	WRITE_ONCE(lapic->irr_changed, true);
	WRITE_ONCE(lapic->eoi_due, true);
	lapic_derive_service(lapic);
	lapic_update_enabled(lapic);
}

int x86_ioctl_set_lapic(struct vcpu *vcpu, const struct kvm_lapic_state *state)
{
	struct lapic *lapic = vcpu->arch.lapic;
	u32 reg, value, id;

	if (!lapic)
		return -EINVAL;

	id = *lapic_state_reg(state, APIC_ID);
	if (lapic->x2apic && vcpu->vm->arch.x2apic_32bit_ids && id != vcpu->id)
		return -EINVAL;

	lapic_timer_suspend(lapic);
	memset(lapic->posted, 0, sizeof(lapic->posted));
	for (reg = 0; reg < KVM_APIC_REG_SIZE; reg += 0x10) {
		value = *lapic_state_reg(state, reg);
		/* What a guest cannot write keeps the bits it may have. */
		if (lapic_registers[reg >> 4].flags & REG_LVT)
			value &= lapic_registers[reg >> 4].writable;
		lapic_put(lapic, reg, value);
	}
	lapic_put(lapic, APIC_LVR, LAPIC_VERSION);
	lapic_put(lapic, APIC_TMCCT, 0);
	lapic_put(lapic, APIC_TDCR, lapic_get(lapic, APIC_TDCR) & 0xb);
	lapic_put(lapic, APIC_TASKPRI, lapic_get(lapic, APIC_TASKPRI) & 0xff);
	if (lapic->x2apic) {
		lapic_put(lapic, APIC_ID, vcpu->id);
		lapic_put(lapic, APIC_LDR, lapic_x2apic_ldr(vcpu->id));
	}
	lapic_derive(lapic);
	lapic_timer_restore(lapic, *lapic_state_reg(state, APIC_TMCCT));
	lapic_map_update(vcpu->vm);

	return 0;
}

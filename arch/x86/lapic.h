/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU, as lapic.c (registers), lapic_deliver.c (messages
 * between them) and lapic_timer.c share it.  Everybody else uses x86.h.
 *
 * Who may touch what.  "The owner" is whoever holds vcpu->mutex: the vCPU's own
 * thread, or an ioctl while the vCPU does not run.  Everything belongs to the
 * owner, except what others do when they send it an interrupt:
 *
 *	sender (any context)			owner (before every entry)
 *
 *	TMR bit; then set the IRR bit		vcpu->mode = IN_GUEST_MODE
 *	    (locked, so a full barrier)		smp_mb()	in run.c
 *	irr_changed = true		[A]	if irr_changed
 *	smp_mb()	in vcpu_kick()		    irr_changed = false
 *	look at vcpu->mode, send an IPI		    smp_mb()		[B]
 *						    irr_max = scan of IRR
 *
 * Either the owner sees irr_changed in this turn, or the sender sees the mode
 * and its IPI ends the stay in the guest.  No request is needed: the owner looks
 * at irr_changed in each turn anyway.  A sleeping owner is woken by vcpu_kick(),
 * and looks at IRR itself (lapic_interrupt()) before it sleeps.
 *
 * If [A] comes before the owner's store of false, the full barriers of both
 * sides make the scan after [B] see the bit; if after, the flag stays set for
 * the next look.
 *
 * Where the hardware can deliver interrupts by itself, it changes IRR in the page as
 * long as the vCPU is in the guest, not atomically.  There senders set bits of an IRR
 * of their own (lapic.posted), and the owner moves them to the page at [B].
 */
#ifndef X86_LAPIC_H
#define X86_LAPIC_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "x86.h"

#define LAPIC_BASE_DEFAULT	APIC_DEFAULT_PHYS_BASE
#define LAPIC_SIZE		0x1000
/* Version 0x14 with six LVT entries; directed EOI (bit 24) is not offered. */
#define LAPIC_VERSION		0x50014
#define LAPIC_LVT_TIMER_MASK	(3 << 17)
#define LAPIC_BUS_NS		1	/* one cycle of the bus clock */

struct lapic_timer {
	struct hrtimer	hrtimer;
	ktime_t		target;		/* when the count reaches zero; 0: stopped */
	u64		period;		/* ns; periodic mode */
	u64		deadline;	/* guest TSC; 0: disarmed */
	int		cpu;		/* where the hrtimer was started */
	bool		hardware;	/* the vendor's timer runs, not the hrtimer */
};

struct lapic {
	/* Hot: looked at in every turn. */
	struct vcpu	*vcpu;		/* (c) */
	u8		*page;		/* (c) registers, laid out as the hardware's */
	bool		 irr_changed;	/* see above */
	bool		 sync;		/* the hardware's TPR has to be looked at */
	bool		 enabled;	/* by IA32_APIC_BASE and by SPIV */
	bool		 accepts_pic;	/* LINT0 is ExtINT, or disabled */
	bool		 x2apic;
	u8		 ppr;
	s16		 irr_max;	/* highest bit of IRR if !irr_changed, or -1 */
	s16		 isr_max;	/* highest bit of ISR, or -1 */
	u16		 isr_count;
	s16		 shown_cr8;	/* what x86_op(tpr) was told; -1: nothing */
	u8		 shown_threshold;
	bool		 virtual;	/* the hardware delivers: see lapic_virtual.c */
	bool		 mode_due;	/* choose anew if it does, with sync */
	bool		 eoi_due;	/* (b) TMR or eoi_wanted changed since it was shown */

	u8		*incoming;	/* (c) IRR as senders see it: the page's, or posted */
	u32		 posted[32] __aligned(8);	/* laid out as in the page */
	bool		 base_enabled;	/* IA32_APIC_BASE.EN */
	u8		 eoi_vector;	/* for REQ_IOAPIC_EOI */
	unsigned long	 errors;	/* (a) become ESR at the next write of it */
	DECLARE_BITMAP(eoi_wanted, 256);	/* besides the level-triggered */

	struct lapic_timer timer;
	struct list_head link;		/* lapic_map_lock; vm->arch.lapics */
	bool		 linked;	/* lapic_map_lock */
};

static inline u32 lapic_get(const struct lapic *lapic, u32 reg)
{
	return READ_ONCE(*(u32 *)(lapic->page + reg));
}

static inline void lapic_put(struct lapic *lapic, u32 reg, u32 value)
{
	WRITE_ONCE(*(u32 *)(lapic->page + reg), value);
}

#define APIC_BASE_ADDRESS	GENMASK_ULL(51, 12)

/* As lapic_mmio_match(). */
static __always_inline bool lapic_mmio_is_own(const struct vcpu *vcpu, gpa_t gpa)
{
	const struct lapic *lapic = vcpu->arch.lapic;

	return lapic && lapic->base_enabled && !lapic->x2apic &&
	       ((gpa ^ vcpu->arch.apic_base) & APIC_BASE_ADDRESS) == 0;
}

/*
 * Where that is true: may a fast handler make this access?  A new logical address makes
 * a new map of all vCPUs, which sleeps.
 */
static __always_inline bool lapic_mmio_is_fast(gpa_t gpa, bool write)
{
	u32 reg = gpa & (LAPIC_SIZE - 1) & ~0xfU;

	return !write || (reg != APIC_LDR && reg != APIC_DFR);
}

/* The word of ISR, TMR or IRR with this vector's bit, for the bit operations. */
static inline unsigned long *lapic_word(struct lapic *lapic, u32 bitmap, u8 vector)
{
	return (unsigned long *)(lapic->page + bitmap + (vector >> 5) * 0x10);
}

/* Likewise of the IRR that senders set bits in. */
static inline unsigned long *lapic_incoming(struct lapic *lapic, u8 vector)
{
	return (unsigned long *)(lapic->incoming + (vector >> 5) * 0x10);
}

/* Do interrupts first go somewhere else than to the page?  See lapic_virtual.c. */
static inline bool lapic_is_posted(const struct lapic *lapic)
{
	return lapic->incoming == (const u8 *)lapic->posted;
}

static inline bool lapic_test(struct lapic *lapic, u32 bitmap, u8 vector)
{
	return lapic_get(lapic, bitmap + (vector >> 5) * 0x10) & BIT(vector & 31);
}

/* Level-triggered interrupts, and edges that somebody counts (the PIT). */
static inline bool lapic_eoi_is_awaited(struct lapic *lapic, u8 vector)
{
	return lapic_test(lapic, APIC_TMR, vector) || test_bit(vector, lapic->eoi_wanted);
}

/* The id that others address it by. */
static inline u32 lapic_id(const struct lapic *lapic)
{
	/*
	 * Ids that 8 bits cannot hold are reachable in xAPIC mode too, as if
	 * firmware had switched the LAPIC to x2APIC mode: there is none to do so.
	 */
	if (lapic->x2apic || lapic->vcpu->id > 0xff)
		return lapic->vcpu->id;

	return lapic_get(lapic, APIC_ID) >> 24;
}

static inline u32 lapic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 15);
}

/* Logical destinations have one bit per LAPIC, not clusters. */
static inline bool lapic_is_flat(const struct lapic *lapic)
{
	return lapic_get(lapic, APIC_DFR) >> 28 == 0xf;
}

static inline u32 lapic_timer_mode(const struct lapic *lapic)
{
	return lapic_get(lapic, APIC_LVTT) & LAPIC_LVT_TIMER_MASK;
}

/* lapic.c */

/* Highest bit in @bitmap at or below @vector, or -1. */
int lapic_scan(const struct lapic *lapic, u32 bitmap, int vector);
/* Note an error (an APIC_ESR_ bit) and raise its LVT.  Any context. */
void lapic_error(struct lapic *lapic, u32 error);
/* Derive what is in service, and the priority, from the page.  Owner. */
void lapic_derive_service(struct lapic *lapic);

/* lapic_virtual.c */

/* Move what senders have posted to the page's IRR.  Owner, outside the guest. */
void lapic_collect(struct lapic *lapic);
/* Highest bit of all that is pending, wherever it is, or -1.  Any context. */
int lapic_scan_pending(const struct lapic *lapic);
/* mode_due: have the hardware begin or stop to deliver.  Owner, in sync_to_hw. */
void lapic_virtual_choose(struct lapic *lapic);
/* The page is newer than what the hardware knows of it.  Owner, in sync_to_hw. */
void lapic_virtual_show(struct lapic *lapic);

/* For irqchip.c: the irqchip ops of the same names. */
bool lapic_pending(struct vcpu *vcpu);
void lapic_sync_to_hw(struct vcpu *vcpu);

/* lapic_deliver.c; all of them in any context unless they say otherwise */

/* Set a fixed interrupt pending: false if it was already.  Does not kick. */
bool lapic_raise(struct lapic *lapic, u8 vector, bool level);
/* An interrupt from an LVT entry; @kick unless the vCPU itself is the caller. */
void lapic_local(struct lapic *lapic, u32 lvt, bool kick);
/* ICR was written.  Owner; irqs off allowed. */
void lapic_send(struct lapic *lapic, u32 low, u32 high);
/* An EOI of a vector that an IOAPIC waits for.  Owner; irqs off allowed. */
void lapic_eoi_broadcast(struct lapic *lapic, u8 vector);
/* Become addressable, with the next lapic_map_update(), or not any more.  May sleep. */
void lapic_link(struct lapic *lapic);
void lapic_unlink(struct lapic *lapic);
/* An id, a mode or a logical address changed.  Owner; may sleep. */
void lapic_map_update(struct vm *vm);

/* lapic_timer.c; owner, irqs off allowed */

void lapic_timer_create(struct lapic *lapic);
void lapic_timer_stop(struct lapic *lapic);
/* A value for LVTT, TMICT or TDCR. */
void lapic_timer_write(struct lapic *lapic, u32 reg, u32 value);
u32 lapic_timer_count(struct lapic *lapic);
/*
 * All registers are about to be new; and: they are, and the count goes on from @count.  A
 * deadline, which is not among them, goes on if it is TSC-deadline mode before and after.
 */
void lapic_timer_suspend(struct lapic *lapic);
void lapic_timer_restore(struct lapic *lapic, u32 count);

#endif /* X86_LAPIC_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A local APIC whose interrupts the hardware delivers by itself, as far as all vendors
 * would share it.  The register page stays where all registers are; the hardware has it
 * as long as the vCPU is in the guest, and changes IRR, ISR, PPR and TPR there.
 *
 * So nothing that lapic.c derives from these (irr_max, isr_max, isr_count, ppr) is right
 * while lapic->virtual: who needs it derives it anew, which is seldom, because such a
 * guest has hardly an exit that is about interrupts.  And nobody else may touch IRR in
 * the page: senders use lapic->posted, see lapic.h.
 *
 * Only in x2APIC mode.  The MMIO registers of xAPIC mode would need a page that the
 * guest can address, and guests that care for speed do not use them.
 */
#include "lapic.h"

#define BITMAP_SIZE	0x80	/* of IRR, ISR or TMR: eight words, 16 bytes apart */

void lapic_collect(struct lapic *lapic)
{
	int i;

	for (i = 0; i < BITMAP_SIZE; i += 0x10) {
		u32 *word = (u32 *)(lapic->incoming + i);
		u32 bits = READ_ONCE(*word);

		if (!bits)
			continue;
		/* In this order: at no time does it seem that there is nothing. */
		lapic_put(lapic, APIC_IRR + i, lapic_get(lapic, APIC_IRR + i) | bits);
		smp_mb__before_atomic();
		atomic_andnot(bits, (atomic_t *)word);
	}
}

int lapic_scan_pending(const struct lapic *lapic)
{
	int i;

	for (i = BITMAP_SIZE - 0x10; i >= 0; i -= 0x10) {
		u32 bits = READ_ONCE(*(u32 *)(lapic->incoming + i)) |
			   lapic_get(lapic, APIC_IRR + i);

		if (bits)
			return i * 2 + __fls(bits);
	}

	return -1;
}

/* All that is derived from the page is the owner's again. */
static void lapic_virtual_leave(struct lapic *lapic)
{
	WRITE_ONCE(lapic->virtual, false);
	WRITE_ONCE(lapic->irr_max, lapic_scan(lapic, APIC_IRR, 255));
	lapic->shown_cr8 = -1;
	lapic_derive_service(lapic);
}

void lapic_virtual_choose(struct lapic *lapic)
{
	struct vcpu *vcpu = lapic->vcpu;
	/*
	 * Somebody who debugs may want no interrupts, and an APIC that its guest has
	 * disabled takes not even its own: the hardware knows no such things.
	 */
	bool wanted = lapic_is_posted(lapic) && lapic->x2apic && lapic->enabled &&
		      !(vcpu->debug_flags & KVM_GUESTDBG_BLOCKIRQ);

	lapic->mode_due = false;
	if (x86_op(apic_virtual)(vcpu, wanted ? lapic->page : NULL)) {
		WRITE_ONCE(lapic->eoi_due, true);
		WRITE_ONCE(lapic->virtual, true);
	} else if (lapic->virtual) {
		lapic_virtual_leave(lapic);
	}
}

/* Vectors whose EOI somebody waits for: see lapic_eoi_is_awaited(). */
static void lapic_show_eoi_exits(struct lapic *lapic)
{
	u64 vectors[4];
	int i;

	WRITE_ONCE(lapic->eoi_due, false);
	/* Pairs with the locked change of the TMR bit in lapic_raise(). */
	smp_mb();
	bitmap_to_arr64(vectors, lapic->eoi_wanted, 256);
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		vectors[i] |= lapic_get(lapic, APIC_TMR + i * 0x20) |
			      (u64)lapic_get(lapic, APIC_TMR + i * 0x20 + 0x10) << 32;
	x86_op(apic_eoi_exits)(lapic->vcpu, vectors);
}

void lapic_virtual_show(struct lapic *lapic)
{
	int irr = lapic_scan(lapic, APIC_IRR, 255);
	int isr = lapic_scan(lapic, APIC_ISR, 255);

	x86_op(apic_status)(lapic->vcpu, max(irr, 0), max(isr, 0));
	if (READ_ONCE(lapic->eoi_due))
		lapic_show_eoi_exits(lapic);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's local APIC as far as the CPU takes part in it (SDM, "APIC Virtualization
 * and Virtual Interrupts").  The APIC itself is arch/x86/lapic.c.
 *
 * The least is the TPR shadow: MOV to and from CR8 works on a byte in a virtual-APIC
 * page, and exits only if the priority falls below that of an interrupt that waits.
 * The page is one of our own then.  Without a local APIC in the kernel, every write
 * exits, and without a TPR shadow every access: it would be the host's TPR.
 *
 * In x2APIC mode, CPUs that can deliver interrupts by themselves: with the page of
 * registers of lapic.c as their virtual-APIC page they take interrupts from IRR, serve
 * EOI, TPR and self-IPI, and read most other registers, all without an exit.
 */
#include <linux/moduleparam.h>
#include <asm/apicdef.h>
#include <asm/io.h>
#include <asm/msr-index.h>

#include "vtx.h"

/* All three or none. */
#define VTX_VIRTUAL_DELIVERY	(SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE |	\
				 SECONDARY_EXEC_APIC_REGISTER_VIRT |		\
				 SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)

static bool virtual_apic = true;
module_param(virtual_apic, bool, 0444);
MODULE_PARM_DESC(virtual_apic, "VT-x: let the CPU deliver the interrupts of x2APICs (default: yes)");

bool vtx_apic_can_deliver(void)
{
	return virtual_apic && vtx_can(VTX_PRIMARY, CPU_BASED_TPR_SHADOW) &&
		(vtx_caps.usable[VTX_SECONDARY] & VTX_VIRTUAL_DELIVERY) == VTX_VIRTUAL_DELIVERY;
}

/* --- life ------------------------------------------------------------------------ */

int vtx_apic_create(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	if (!vtx_can(VTX_PRIMARY, CPU_BASED_TPR_SHADOW))
		return 0;
	vtx->apic_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	return vtx->apic_page ? 0 : -ENOMEM;
}

void vtx_apic_destroy(struct vcpu *vcpu)
{
	free_page((unsigned long)vcpu->arch.vtx.apic_page);
	vcpu->arch.vtx.apic_page = NULL;
}

/* Which registers of an x2APIC the guest reaches without an exit while it is virtual. */
struct vtx_apic_access {
	u16	first, last;	/* offsets of registers */
	bool	read, write;
};

/*
 * Not here: the current count of the timer, which is not in the page, ICR, of which
 * the upper half is elsewhere in the page, and what a read has to refuse.
 */
static const struct vtx_apic_access vtx_apic_accesses[] = {
	{ APIC_ID,	APIC_LVR,	.read = true },
	{ APIC_TASKPRI,	APIC_TASKPRI,	.read = true,	.write = true },
	{ APIC_PROCPRI,	APIC_PROCPRI,	.read = true },
	{ APIC_EOI,	APIC_EOI,	.write = true },
	{ APIC_LDR,	APIC_LDR,	.read = true },
	{ APIC_SPIV,	APIC_ESR,	.read = true },	/* ISR, TMR and IRR between them */
	{ APIC_LVTT,	APIC_TMICT,	.read = true },
	{ APIC_TDCR,	APIC_TDCR,	.read = true },
	{ APIC_SELF_IPI, APIC_SELF_IPI,	.write = true },
};

void vtx_apic_pass(unsigned long *map)
{
	int i;
	u32 reg;

	for (i = 0; i < ARRAY_SIZE(vtx_apic_accesses); i++) {
		const struct vtx_apic_access *access = &vtx_apic_accesses[i];

		for (reg = access->first; reg <= access->last; reg += 0x10)
			vtx_msrmap_pass(map, APIC_BASE_MSR + (reg >> 4), access->read, access->write);
	}
}

/* Where the CPU keeps it; nowhere, if it changes nothing that lapic.c does not see. */
static void vtx_apic_watch(struct vtx_vcpu *vtx, bool shadow)
{
	vtx->tpr = shadow ? (u8 *)vtx->apic_page + APIC_TASKPRI : &vtx->told_tpr;
}

/* Until sync_to_hw says otherwise. */
void vtx_apic_reset(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	bool shadow = vtx->apic_page;

	vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_TPR_SHADOW, shadow);
	if (!shadow) {
		vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_CR8_LOAD_EXITING, true);
		vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_CR8_STORE_EXITING, true);
	}
	vtx_control(vcpu, VTX_SECONDARY, VTX_VIRTUAL_DELIVERY, false);
	vtx->apic_virtual = false;
	vtx_x86_msr_pass(vcpu);
	vtx->apic_pa = shadow ? virt_to_phys(vtx->apic_page) : 0;
	vtx->tpr_threshold = 0;
	vtx_apic_watch(vtx, shadow);
}

void vtx_apic_start(struct vcpu *vcpu)
{
	int i;

	vtx_apic_commit(vcpu);
	if (!vtx_apic_can_deliver())
		return;
	/* What the x86 ops have written before this is all that there is to say. */
	for (i = 0; i < 4; i++)
		vtx_write(EOI_EXIT_BITMAP0 + 2 * i, vcpu->arch.vtx.eoi_exits[i]);
	vtx_write(GUEST_INTR_STATUS, vcpu->arch.vtx.apic_status);
}

void vtx_apic_commit(struct vcpu *vcpu)
{
	const struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	if (!vtx->apic_pa)
		return;
	vtx_write(VIRTUAL_APIC_PAGE_ADDR, vtx->apic_pa);
	vtx_write(TPR_THRESHOLD, vtx->tpr_threshold);
}

/* --- the TPR shadow ---------------------------------------------------------------- */

void vtx_apic_tpr_changed(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	vtx->told_tpr = *vtx->tpr;
	lapic_set_cr8(vcpu, vtx->told_tpr >> 4);
}

void vtx_x86_tpr(struct vcpu *vcpu, u8 cr8, u8 threshold)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	/* Who hears of all accesses need not tell. */
	if (!vtx->apic_page)
		return;
	vtx->told_tpr = cr8 << 4;
	*vtx->tpr = cr8 << 4;
	if (!vcpu->arch.lapic) {
		vtx_control(vcpu, VTX_PRIMARY, CPU_BASED_CR8_LOAD_EXITING, threshold);
		return;
	}
	/* It is not above the TPR: the entry would be refused. */
	if (threshold == vtx->tpr_threshold)
		return;
	vtx->tpr_threshold = threshold;
	vtx_owe(vcpu, VTX_OWES_APIC);
}

/* --- delivery by the CPU -------------------------------------------------------------- */

bool vtx_x86_apic_virtual(struct vcpu *vcpu, void *page)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	bool on = page && vtx_apic_can_deliver();

	if (on == vtx->apic_virtual)
		return on;
	vtx->apic_virtual = on;
	vtx->apic_pa = virt_to_phys(on ? page : vtx->apic_page);
	vtx->tpr_threshold = 0;
	vtx_apic_watch(vtx, !on);
	vtx_owe(vcpu, VTX_OWES_APIC);
	vtx_control(vcpu, VTX_SECONDARY, VTX_VIRTUAL_DELIVERY, on);
	vtx_x86_msr_pass(vcpu);

	return on;
}

void vtx_x86_apic_status(struct vcpu *vcpu, u8 irr, u8 isr)
{
	vcpu->arch.vtx.apic_status = isr << 8 | irr;
	vtx_write(GUEST_INTR_STATUS, vcpu->arch.vtx.apic_status);
}

void vtx_x86_apic_eoi_exits(struct vcpu *vcpu, const u64 *vectors)
{
	u64 *shown = vcpu->arch.vtx.eoi_exits;
	int i;

	for (i = 0; i < 4; i++) {
		if (vectors[i] == shown[i])
			continue;
		shown[i] = vectors[i];
		vtx_write(EOI_EXIT_BITMAP0 + 2 * i, vectors[i]);
	}
}

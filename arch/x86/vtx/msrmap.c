// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSR bitmaps: which MSRs a guest reads and writes without an exit.
 *
 * vCPUs differ in a few MSRs only, and in whether the CPU serves their local APIC, so
 * there is a bitmap for each set of these, made at load and not written after that.
 * All vCPUs share them; what one owns is the choice, in its VMCS.  So a change of it
 * needs no memory and cannot fail, and no vCPU can get at an MSR by what was done for
 * another.
 */
#include <linux/gfp.h>
#include <linux/string.h>
#include <asm/io.h>

#include "vtx.h"

/* Constant after load; the second half only if a CPU can serve a local APIC. */
static unsigned long *vtx_msrmaps[2 * X86_PASS_SETS];

/*
 * A bit per MSR, in four parts: reads and writes of MSRs from 0 and from C000_0000
 * (SDM, "MSR-Bitmap Address").  An MSR outside of them always exits.
 */
void vtx_msrmap_pass(unsigned long *map, u32 msr, bool read, bool write)
{
	u32 bit = msr & 0x1fff;

	if (msr - 0xc0000000 < 0x2000)
		bit += 0x400 * 8;
	else if (msr >= 0x2000)
		return;
	if (read)
		__clear_bit(bit, map);
	if (write)
		__clear_bit(bit + 0x800 * 8, map);
}

static void vtx_msrmap_fill(unsigned long *map, u8 passed, bool apic)
{
	struct x86_msr_access access[X86_PASSED_MAX];
	int i, count = x86_msrs_passed(passed, access);

	memset(map, 0xff, PAGE_SIZE);
	for (i = 0; i < count; i++)
		vtx_msrmap_pass(map, access[i].msr, access[i].read, access[i].write);
	if (apic)
		vtx_apic_pass(map);
}

int vtx_msrmaps_alloc(void)
{
	int i, count = vtx_apic_can_deliver() ? 2 * X86_PASS_SETS : X86_PASS_SETS;

	for (i = 0; i < count; i++) {
		vtx_msrmaps[i] = (void *)__get_free_page(GFP_KERNEL);
		if (!vtx_msrmaps[i])
			return -ENOMEM;
		vtx_msrmap_fill(vtx_msrmaps[i], i % X86_PASS_SETS, i >= X86_PASS_SETS);
	}

	return 0;
}

void vtx_msrmaps_free(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vtx_msrmaps); i++) {
		free_page((unsigned long)vtx_msrmaps[i]);
		vtx_msrmaps[i] = NULL;
	}
}

u64 vtx_msrmap_pa(u8 passed, bool apic)
{
	return __pa(vtx_msrmaps[passed % X86_PASS_SETS + (apic ? X86_PASS_SETS : 0)]);
}

void vtx_x86_msr_pass(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	vtx->spec_ctrl_live = vcpu->arch.msr_passed & X86_PASS_SPEC_CTRL;
	vtx->msrmap_pa = vtx_msrmap_pa(vcpu->arch.msr_passed, vtx->apic_virtual);
	vtx_owe(vcpu, VTX_OWES_MSRMAP);
}

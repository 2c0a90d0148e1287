// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSR permission maps: which MSRs a guest reads and writes without an exit.
 *
 * vCPUs differ in a few MSRs only, so there is a map for each set of these, made at
 * load and not written after that.  All vCPUs share them; what one owns is the choice,
 * in its VMCB.  So a change of it needs no memory and cannot fail, and no vCPU can
 * get at an MSR by what was done for another.
 */
#include <linux/gfp.h>
#include <linux/string.h>
#include <asm/io.h>

#include "svm.h"

#define SVM_MSRMAP_ORDER		1	/* two pages, of which three quarters are used */
#define SVM_MSRMAP_BITS		0x4000	/* of each range */

static unsigned long *svm_msrmaps[X86_PASS_SETS];	/* constant after load */

/*
 * Two bits per MSR, read and write, in three ranges (APM, "MSR Intercepts").
 * An MSR outside of them always exits.
 */
static int svm_msrmap_bit(u32 msr)
{
	static const u32 bases[] = { 0, 0xc0000000, 0xc0010000 };
	int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++)
		if (msr - bases[i] < SVM_MSRMAP_BITS / 2)
			return i * SVM_MSRMAP_BITS + (msr - bases[i]) * 2;

	return -1;
}

static void svm_msrmap_pass(unsigned long *map, u32 msr, bool read, bool write)
{
	int bit = svm_msrmap_bit(msr);

	if (bit < 0)
		return;
	if (read)
		__clear_bit(bit, map);
	if (write)
		__clear_bit(bit + 1, map);
}

static void svm_msrmap_fill(unsigned long *map, u8 passed)
{
	struct x86_msr_access access[X86_PASSED_MAX];
	int i, count = x86_msrs_passed(passed, access);

	memset(map, 0xff, PAGE_SIZE << SVM_MSRMAP_ORDER);
	for (i = 0; i < count; i++)
		svm_msrmap_pass(map, access[i].msr, access[i].read, access[i].write);
}

int svm_msrmaps_alloc(void)
{
	int i;

	for (i = 0; i < X86_PASS_SETS; i++) {
		svm_msrmaps[i] = (void *)__get_free_pages(GFP_KERNEL, SVM_MSRMAP_ORDER);
		if (!svm_msrmaps[i])
			return -ENOMEM;
		svm_msrmap_fill(svm_msrmaps[i], i);
	}

	return 0;
}

void svm_msrmaps_free(void)
{
	int i;

	for (i = 0; i < X86_PASS_SETS; i++) {
		free_pages((unsigned long)svm_msrmaps[i], SVM_MSRMAP_ORDER);
		svm_msrmaps[i] = NULL;
	}
}

u64 svm_msrmap_pa(u8 passed)
{
	return __sme_set(__pa(svm_msrmaps[passed % X86_PASS_SETS]));
}

void svm_x86_msr_pass(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	svm->spec_ctrl_live = vcpu->arch.msr_passed & X86_PASS_SPEC_CTRL;
	svm->msrmap_pa = svm_msrmap_pa(vcpu->arch.msr_passed);
	svm_vmcb(vcpu)->control.msrpm_base_pa = svm->msrmap_pa;
	svm_changed(vcpu, SVM_CLEAN_PERMISSIONS);
}

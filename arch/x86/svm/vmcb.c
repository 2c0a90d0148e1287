// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual machine control block: what it is at creation, and the two-way
 * translation between its save area and the canonical state, by group.
 */
#include <linux/gfp.h>
#include <linux/string.h>
#include <asm/trapnr.h>

#include "svm.h"

static_assert(offsetof(struct vmcb, save) == 0x400);
static_assert(offsetof(struct vmcb, save.rax) == 0x400 + 0x1f8);
static_assert(offsetof(struct vmcb, control.nested_cr3) == 0xb0);
static_assert(offsetof(struct vmcb, control.next_rip) == 0xc8);

/*
 * What always exits, and why.  Deliberately not here, because nested paging and
 * the VMCB make it safe: CR0, CR2, CR3 and CR4 (the guest's own, checked by the
 * CPU), INVLPG, INVPCID, descriptor-table and task-register instructions, task
 * switches, PUSHF/POPF, INTn, RDTSC/RDTSCP (TSC offset), exceptions but those
 * below, and #BP unless user space debugs the guest.
 */
static const u8 svm_intercepts[] = {
	INTERCEPT_INTR,		/* the host's interrupts are the host's */
	INTERCEPT_NMI,
	INTERCEPT_SMI,		/* leaves first, then the host handles it */
	INTERCEPT_INIT,		/* must not reset the CPU under the guest */
	INTERCEPT_CPUID,	/* the guest sees its own */
	INTERCEPT_INVD,		/* would drop the host's dirty lines */
	INTERCEPT_HLT,		/* somebody else can run */
	INTERCEPT_IOIO_PROT,	/* every port: devices are emulated */
	INTERCEPT_MSR_PROT,	/* by permission map */
	INTERCEPT_SHUTDOWN,	/* triple fault: the guest's, not the host's */
	INTERCEPT_RDPMC,	/* host counters tell host secrets */
	INTERCEPT_RSM,		/* there is no SMM to come back from */
	INTERCEPT_INVLPGA,	/* would touch other tags */
	INTERCEPT_VMRUN,	/* must be intercepted; no nested SVM */
	INTERCEPT_VMMCALL,	/* hypercalls */
	INTERCEPT_VMLOAD,	/* take physical addresses of the host */
	INTERCEPT_VMSAVE,
	INTERCEPT_STGI,
	INTERCEPT_CLGI,
	INTERCEPT_SKINIT,
	INTERCEPT_WBINVD,	/* slow for everybody */
	INTERCEPT_MONITOR,	/* would idle the CPU unseen */
	INTERCEPT_MWAIT,
	INTERCEPT_XSETBV,	/* XCR0 is switched by hand */
	INTERCEPT_RDPRU,	/* effective frequency of the host */
	/*
	 * #DB and #AC: a guest whose handler faults again on delivery never gets to
	 * an instruction boundary where an interrupt could end the stay.
	 */
	INTERCEPT_EXCEPTION_OFFSET + DB_VECTOR,
	INTERCEPT_EXCEPTION_OFFSET + AC_VECTOR,
	INTERCEPT_EXCEPTION_OFFSET + MC_VECTOR,	/* the host's machine check */
};

void svm_vmcb_reset(struct vcpu *vcpu)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;
	int i;

	memset(svm_vmcb(vcpu), 0, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(svm_intercepts); i++)
		svm_intercept(vcpu, svm_intercepts[i], true);
	/* Until the guest uses them; see event.c. */
	control->intercepts[INTERCEPT_DR] = ~0u;
	if (svm_caps.pause_filter) {
		/* About as long as a lock is held; then somebody else may run. */
		svm_intercept(vcpu, INTERCEPT_PAUSE, true);
		control->pause_filter_count = 3000;
	}

	control->iopm_base_pa = __sme_set(svm_iopm_pa);
	control->msrpm_base_pa = vcpu->arch.svm.msrmap_pa;
	control->tsc_offset = vcpu->arch.tsc_offset;
	control->int_ctl = V_INTR_MASKING_MASK;
	control->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	control->nested_cr3 = vcpu->vm->arch.svm.npt_root;
	control->clean = 0;

	vcpu->arch.svm.asid_generation = 0;
	vcpu->arch.svm.debug_live = false;
	vcpu->arch.svm.debug_loaded = false;
	vcpu->arch.svm.iret_seen = false;
	vcpu->arch.svm.step_nmi = false;
	vcpu->arch.svm.cr8 = 0;
}

int svm_vmcb_create(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	svm->vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb)
		return -ENOMEM;

	svm->vmcb_pa = __sme_set(__pa(svm->vmcb));
	svm->msrmap_pa = svm_msrmap_pa(0);
	svm->asid_cpu = -1;

	return 0;
}

void svm_vmcb_destroy(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;

	free_page((unsigned long)svm->vmcb);
	svm->vmcb = NULL;
}

/* --- segments ------------------------------------------------------------ */

static void svm_segment_fetch(struct kvm_segment *out, const struct vmcb_seg *in)
{
	u16 attrib = in->attrib;

	*out = (struct kvm_segment) {
		.base		= in->base,
		.limit		= in->limit,
		.selector	= in->selector,
		.type		= attrib & SVM_SELECTOR_TYPE_MASK,
		.present	= !!(attrib & SVM_SELECTOR_P_MASK),
		.dpl		= (attrib & SVM_SELECTOR_DPL_MASK) >> SVM_SELECTOR_DPL_SHIFT,
		.db		= !!(attrib & SVM_SELECTOR_DB_MASK),
		.s		= !!(attrib & SVM_SELECTOR_S_MASK),
		.l		= !!(attrib & SVM_SELECTOR_L_MASK),
		/* Not all CPUs save G; the limit in bytes says it anyway. */
		.g		= in->limit > 0xfffff,
		.avl		= !!(attrib & SVM_SELECTOR_AVL_MASK),
		.unusable	= !(attrib & SVM_SELECTOR_P_MASK),
	};
}

static void svm_segment_commit(struct vmcb_seg *out, const struct kvm_segment *in)
{
	out->base = in->base;
	out->limit = in->limit;
	out->selector = in->selector;
	out->attrib = 0;
	if (in->unusable)
		return;
	out->attrib = (in->type & SVM_SELECTOR_TYPE_MASK) |
		(in->s & 1) << SVM_SELECTOR_S_SHIFT |
		(in->dpl & 3) << SVM_SELECTOR_DPL_SHIFT |
		(in->present & 1) << SVM_SELECTOR_P_SHIFT |
		(in->avl & 1) << SVM_SELECTOR_AVL_SHIFT |
		(in->l & 1) << SVM_SELECTOR_L_SHIFT |
		(in->db & 1) << SVM_SELECTOR_DB_SHIFT |
		(in->g & 1) << SVM_SELECTOR_G_SHIFT;
}

#define SVM_SEG(number, name)	\
	[number] = offsetof(struct vmcb_save_area, name)

static const u16 svm_segments[X86_SEG_COUNT] = {
	SVM_SEG(X86_ES, es), SVM_SEG(X86_CS, cs), SVM_SEG(X86_SS, ss),
	SVM_SEG(X86_DS, ds), SVM_SEG(X86_FS, fs), SVM_SEG(X86_GS, gs),
	SVM_SEG(X86_LDTR, ldtr), SVM_SEG(X86_TR, tr),
};

static struct vmcb_seg *svm_segment(struct vmcb_save_area *save, int number)
{
	return (void *)save + svm_segments[number];
}

static void svm_segments_fetch(struct x86_state *state, struct vmcb_save_area *save)
{
	int i;

	for (i = 0; i < X86_SEG_COUNT; i++)
		svm_segment_fetch(&state->seg[i], svm_segment(save, i));

	/* The CPL is a field of its own; SS.DPL is where x86 keeps it. */
	state->seg[X86_SS].dpl = save->cpl;
	/* VMRUN may leave a TR that is not marked busy; there is no other kind. */
	state->seg[X86_TR].type |= 2;
}

static void svm_segments_commit(struct vmcb_save_area *save, const struct x86_state *state)
{
	int i;

	for (i = 0; i < X86_SEG_COUNT; i++)
		svm_segment_commit(svm_segment(save, i), &state->seg[i]);

	save->cpl = state->seg[X86_SS].dpl & 3;
}

/* --- the other groups ------------------------------------------------------ */

static void svm_fetch_misc_groups(struct vcpu *vcpu, u32 groups)
{
	struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;
	struct x86_state *state = &vcpu->arch.state;

	if (groups & X86_CR2)
		state->cr2 = save->cr2;
	if (groups & X86_TABLES) {
		state->gdt = (struct kvm_dtable) {
			.base = save->gdtr.base, .limit = save->gdtr.limit };
		state->idt = (struct kvm_dtable) {
			.base = save->idtr.base, .limit = save->idtr.limit };
	}
	if (groups & X86_SYSCALL) {
		state->star = save->star;
		state->lstar = save->lstar;
		state->cstar = save->cstar;
		state->sfmask = save->sfmask;
		state->kernel_gs_base = save->kernel_gs_base;
		state->sysenter_cs = save->sysenter_cs;
		state->sysenter_esp = save->sysenter_esp;
		state->sysenter_eip = save->sysenter_eip;
	}
}

void svm_x86_state_fetch(struct vcpu *vcpu, u32 groups)
{
	struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;
	struct x86_state *state = &vcpu->arch.state;

	if (groups & X86_CRS) {
		state->cr0 = save->cr0;
		state->cr3 = save->cr3;
		state->cr4 = save->cr4;
		state->efer = save->efer & ~EFER_SVME;
	}
	if (groups & X86_MODE) {
		state->cs_base = save->cs.base;
		state->cs_long = save->cs.attrib & SVM_SELECTOR_L_MASK;
		state->cpl = save->cpl;
	}
	if (!(groups & ~(u32)(X86_CRS | X86_MODE)))
		return;
	if (groups & X86_SEGS)
		svm_segments_fetch(state, save);
	if (groups & X86_DEBUG) {
		svm_debug_save(vcpu);
		state->dr6 = save->dr6;
		state->dr7 = save->dr7;
	}
	svm_fetch_misc_groups(vcpu, groups);
}

static void svm_commit_crs(struct vcpu *vcpu)
{
	struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;
	const struct x86_state *state = &vcpu->arch.state;

	/*
	 * CR0.CD would make every access of the guest uncached, and firmware
	 * leaves it set for long: memory is coherent, so the guest sees CD = 0.
	 */
	save->cr0 = state->cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW);
	save->cr3 = state->cr3;
	save->cr4 = state->cr4;
	save->efer = state->efer | EFER_SVME;
	svm_changed(vcpu, SVM_CLEAN_CR);
}

static void svm_commit_misc_groups(struct vcpu *vcpu, u32 groups)
{
	struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;
	const struct x86_state *state = &vcpu->arch.state;

	if (groups & X86_SYSCALL) {
		/* Loaded by VMLOAD: no clean bit. */
		save->star = state->star;
		save->lstar = state->lstar;
		save->cstar = state->cstar;
		save->sfmask = state->sfmask;
		save->kernel_gs_base = state->kernel_gs_base;
		save->sysenter_cs = state->sysenter_cs;
		save->sysenter_esp = state->sysenter_esp;
		save->sysenter_eip = state->sysenter_eip;
	}
	if (groups & X86_INTR)
		svm_intr_commit(vcpu);
	if (groups & X86_MISC) {
		save->g_pat = state->pat;
		save->dbgctl = state->debugctl;
		vcpu->arch.svm.spec_ctrl = state->spec_ctrl;
		save->spec_ctrl = state->spec_ctrl;
		svm_changed(vcpu, SVM_CLEAN_NPT | SVM_CLEAN_LBR);
	}
}

void svm_x86_state_commit(struct vcpu *vcpu, u32 groups)
{
	struct vmcb_save_area *save = &svm_vmcb(vcpu)->save;
	const struct x86_state *state = &vcpu->arch.state;

	if (groups & X86_CRS)
		svm_commit_crs(vcpu);
	if (groups & X86_CR2) {
		save->cr2 = state->cr2;
		svm_changed(vcpu, SVM_CLEAN_CR2);
	}
	if (groups & X86_SEGS) {
		svm_segments_commit(save, state);
		svm_changed(vcpu, SVM_CLEAN_SEGS);
	}
	if (groups & X86_TABLES) {
		save->gdtr.base = state->gdt.base;
		save->gdtr.limit = state->gdt.limit;
		save->idtr.base = state->idt.base;
		save->idtr.limit = state->idt.limit;
		svm_changed(vcpu, SVM_CLEAN_TABLES);
	}
	if (groups & X86_DEBUG) {
		save->dr6 = state->dr6;
		save->dr7 = state->dr7;
		vcpu->arch.svm.debug_loaded = false;
		if (state->dr7 & DR_GLOBAL_ENABLE_MASK ||
		    state->dr7 & DR_LOCAL_ENABLE_MASK)
			vcpu->arch.svm.debug_live = true;
		svm_changed(vcpu, SVM_CLEAN_DR);
	}
	svm_commit_misc_groups(vcpu, groups);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the SVM backend share.  Hardware layouts come from the
 * kernel's <asm/svm.h>; the manual is the AMD64 Architecture Programmer's Manual,
 * volume 2, chapter "Secure Virtual Machine".
 */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include <asm/svm.h>

#include "x86.h"

/*
 * VMCB Clean Bits: a set bit says that the cached copy of these fields is still
 * right.  Whoever changes a field clears its bit with svm_changed().
 */
enum {
	SVM_CLEAN_INTERCEPTS	= BIT(0),	/* intercepts, TSC offset, pause filter */
	SVM_CLEAN_PERMISSIONS	= BIT(1),	/* IOPM_BASE, MSRPM_BASE */
	SVM_CLEAN_ASID		= BIT(2),
	SVM_CLEAN_INTERRUPT	= BIT(3),	/* V_TPR, V_IRQ, ... */
	SVM_CLEAN_NPT		= BIT(4),	/* nested CR3, G_PAT */
	SVM_CLEAN_CR		= BIT(5),	/* CR0, CR3, CR4, EFER */
	SVM_CLEAN_DR		= BIT(6),	/* DR6, DR7 */
	SVM_CLEAN_TABLES	= BIT(7),	/* GDT, IDT */
	SVM_CLEAN_SEGS		= BIT(8),	/* ES, CS, SS, DS, CPL */
	SVM_CLEAN_CR2		= BIT(9),
	SVM_CLEAN_LBR		= BIT(10),
	SVM_CLEAN_ALL		= BIT(11) - 1,
};

/* What CPUID function 8000_000A says this CPU can do. */
struct svm_caps {
	u32	asids;		/* number of ASIDs, 0 included */
	bool	next_rip;	/* NRIPS */
	bool	decode_assists;
	bool	flush_by_asid;
	bool	pause_filter;
	bool	spec_ctrl;	/* virtual SPEC_CTRL */
};

/* Of each CPU; only touched there, irqs off. */
struct svm_cpu {
	struct page	*hsave;		/* VM_HSAVE_PA */
	struct vmcb	*host;		/* VMSAVE area: the host's FS, GS, TR, ... */
	u64		 host_pa;	/* where that is, for VMSAVE */
	u64		 generation;	/* of ASIDs; grows when they run out */
	u32		 next_asid;
	u64		 tsc_aux;	/* the host's */
	bool		 enabled;
};

DECLARE_PER_CPU(struct svm_cpu, svm_cpu);

/* The host's user space uses TSC_AUX, the kernel does not. */
static inline bool svm_has_tsc_aux(void)
{
	return boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID);
}

extern struct svm_caps svm_caps;
extern unsigned long svm_iopm_pa;

static inline struct vmcb *svm_vmcb(struct vcpu *vcpu)
{
	return vcpu->arch.svm.vmcb;
}

static inline void svm_changed(struct vcpu *vcpu, u32 clean_bits)
{
	svm_vmcb(vcpu)->control.clean &= ~clean_bits;
}

/* Set or clear one INTERCEPT_* bit. */
static inline void svm_intercept(struct vcpu *vcpu, int bit, bool on)
{
	u32 *word = &svm_vmcb(vcpu)->control.intercepts[bit / 32];
	u32 mask = BIT(bit % 32);

	if (!!(*word & mask) == on)
		return;
	*word ^= mask;
	svm_changed(vcpu, SVM_CLEAN_INTERCEPTS);
}

static inline bool svm_intercepted(struct vcpu *vcpu, int bit)
{
	return svm_vmcb(vcpu)->control.intercepts[bit / 32] & BIT(bit % 32);
}

/* The ops of this backend; their contracts are in core/vcpu_ops.def and mmu_ops.def. */
#define OP(ret, name, params, args)	ret svm_vcpu_##name params;
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret npt_mmu_##name params;
#include <core/mmu_ops.def>
#undef OP

extern const struct backend svm_backend;

/* svm.c */

/*
 * VMRUN was refused, perhaps before it flushed what it was told to: nothing is
 * known of tags that were given out for this entry.  irqs off, on its CPU.
 */
void svm_tags_distrust(struct vcpu *vcpu);

/* vmcb.c */
int svm_vmcb_create(struct vcpu *vcpu);
void svm_vmcb_destroy(struct vcpu *vcpu);
/* Controls as at creation; register state is the caller's business. */
void svm_vmcb_reset(struct vcpu *vcpu);
void svm_x86_state_fetch(struct vcpu *vcpu, u32 groups);
void svm_x86_state_commit(struct vcpu *vcpu, u32 groups);

/* msrmap.c */

/* At load and unload.  0 or -ENOMEM; free accepts what is half there. */
int svm_msrmaps_alloc(void);
void svm_msrmaps_free(void);
/* Of the map for this set of X86_PASS_*, as MSRPM_BASE_PA wants it. */
u64 svm_msrmap_pa(u8 passed);
void svm_x86_msr_pass(struct vcpu *vcpu);

/* explain.c */
/* Which rule of the manual does this VMCB break?  A sentence. */
const char *svm_vmcb_explain(struct vcpu *vcpu);

/* event.c */
void svm_x86_inject(struct vcpu *vcpu, const struct x86_event *event);
void svm_x86_window(struct vcpu *vcpu, enum x86_window window, bool on);
void svm_x86_debug_changed(struct vcpu *vcpu);
/* After an exit, if the entry was to deliver an event or the exit interrupted one. */
void svm_event_collect(struct vcpu *vcpu);
/* X86_INTR: shadow and nmi_blocked, to the VMCB.  In commit. */
void svm_intr_commit(struct vcpu *vcpu);
/* The guest is about to leave its NMI handler; and: it has left it. */
int svm_exit_iret(struct vcpu *vcpu);
void svm_nmi_track(struct vcpu *vcpu);
/* Debug registers into the CPU before a stay, back at put or on need. */
void svm_debug_load(struct vcpu *vcpu);
void svm_debug_save(struct vcpu *vcpu);
/* Set or clear RFLAGS.TF for whoever of us steps. */
void svm_step_update(struct vcpu *vcpu);

/* apic.c */
void svm_x86_tpr(struct vcpu *vcpu, u8 cr8, u8 threshold);
bool svm_x86_apic_virtual(struct vcpu *vcpu, void *page);
void svm_x86_apic_status(struct vcpu *vcpu, u8 irr, u8 isr);
void svm_x86_apic_eoi_exits(struct vcpu *vcpu, const u64 *vectors);
/* After an exit: the guest has written this to CR8. */
void svm_apic_tpr_changed(struct vcpu *vcpu, u8 cr8);

/* exit.c */
const char *svm_exit_name(u32 code);
int svm_exit_debug(struct vcpu *vcpu);

/* switch.S */
asmlinkage void svm_switch(struct vcpu *vcpu);

#endif /* SVM_SVM_H */

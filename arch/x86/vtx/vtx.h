/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the VT-x backend share.  Hardware layouts come from the
 * kernel's <asm/vmx.h>; the manual is Intel's SDM, volume 3, the chapters about
 * virtual-machine extensions.
 *
 * A VMCS is no memory to look into: it is read and written by instructions, and
 * only while it is current on this CPU, which is from load to put.  Ops that may
 * be called at other times note what they want in struct vtx_vcpu, with a bit in
 * vtx_vcpu.owed, and commit brings it to the VMCS.
 */
#ifndef VTX_VTX_H
#define VTX_VTX_H

#include <linux/list.h>
#include <linux/percpu.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc_defs.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "x86.h"

/* Host state that is the same on all CPUs and for ever (vmcs.c has the fields). */
struct vtx_host {
	u64	cr0, idt_base, efer, pat, sysenter_cs, sysenter_eip;
	u64	cs, ss, tr;			/* selectors; all others are null */
};

extern struct vtx_host vtx_host;
/* Two pages with a bit for each port, all set. */
extern unsigned long vtx_io_bitmap_pa;

/* Of each CPU; only touched there, irqs off. */
struct vtx_cpu {
	struct page	*vmxon;		/* VMXON region */
	struct list_head active;	/* VMCSs that this CPU may have in its caches */
	struct vtx_vcpu	*current_vmcs;	/* the one that VMREAD reads */
	u64		 generation;	/* of VPIDs; grows when they run out */
	u32		 next_vpid;
	bool		 enabled;
	/* The host's, as VM exits, or we, have to bring them back. */
	struct desc_ptr	 gdt;
	u64		 tr_base, gs_base, sysenter_esp;
	u64		 star, lstar, cstar, sfmask, tsc_aux;
};

DECLARE_PER_CPU(struct vtx_cpu, vtx_cpu);

/* The host's user space uses TSC_AUX, the kernel does not. */
static inline bool vtx_has_tsc_aux(void)
{
	return boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID);
}

/* What this CPU can do, and all CPUs of this host (vmcs.c). */
struct vtx_caps {
	u32	start[VTX_CONTROLS];	/* what the controls of a new VMCS are */
	u32	usable[VTX_CONTROLS];	/* what of our table may be set later, start included */
	u64	basic;			/* IA32_VMX_BASIC */
	u64	misc;			/* IA32_VMX_MISC */
	u64	ept_vpid;		/* IA32_VMX_EPT_VPID_CAP */
	u64	cr0_fixed0, cr0_fixed1;	/* with what unrestricted guest lifts taken out */
	u64	cr4_fixed0, cr4_fixed1;
	u32	vpids;			/* number of VPIDs in use, 0 included; 0: no VPID */
	u8	timer_shift;		/* preemption timer: TSC ticks per count, log2 */
};

extern struct vtx_caps vtx_caps;

/* May this control be set (VTX_PRIMARY, CPU_BASED_MONITOR_TRAP_FLAG)? */
static __always_inline bool vtx_can(enum vtx_control control, u32 bit)
{
	return vtx_caps.usable[control] & bit;
}

/* --- VMCS fields ------------------------------------------------------------- */

/*
 * Read or write a field of the current VMCS; natural width, whatever the field's.
 * A field that the CPU does not have reads as 0 and ignores writes.  That is also
 * what happens in the moments between VMXOFF and the end of a host that goes down.
 */
static __always_inline u64 vtx_read(enum vmcs_field field)
{
	u64 value = 0;

	asm volatile("1: vmread %1, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (value) : "r" ((u64)field) : "cc");
	return value;
}

static __always_inline void vtx_write(enum vmcs_field field, u64 value)
{
	asm volatile("1: vmwrite %0, %1\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : "r" (value), "r" ((u64)field) : "cc", "memory");
}

/*
 * An instruction that takes a physical address.  False if the CPU refuses, or faults
 * because VMX is off.
 */
#define VTX_PHYSICAL(insn, pa)						\
({									\
	u64 pa_ = (pa);							\
	bool failed_ = true;						\
									\
	asm volatile("1: " insn " %1\n"					\
		     "setna %0\n"					\
		     "2:\n"						\
		     _ASM_EXTABLE(1b, 2b)				\
		     : "+qm" (failed_) : "m" (pa_) : "cc", "memory");	\
	!failed_;							\
})

/* --- controls ----------------------------------------------------------------- */

/*
 * In one instruction: handlers can be preempted, and put and load, which come in between
 * then, owe something as well.
 */
static inline void vtx_owe(struct vcpu *vcpu, int what)
{
	__set_bit(what, &vcpu->arch.vtx.owed);
}

/*
 * Set or clear one control bit, from the next entry on.  Any time under
 * vcpu->mutex, in commit too.  @bit: vtx_can().
 */
static inline void vtx_control(struct vcpu *vcpu, enum vtx_control control, u32 bit, bool on)
{
	u32 *word = &vcpu->arch.vtx.control[control];

	if (!!(*word & bit) == on)
		return;
	/* As in vtx_owe(): put changes other bits of the word. */
	asm volatile("xorl %1, %0" : "+m" (*word) : "ri" (bit) : "cc");
	vtx_owe(vcpu, VTX_OWES_CONTROL + control);
}

static inline bool vtx_controlled(struct vcpu *vcpu, enum vtx_control control, u32 bit)
{
	return vcpu->arch.vtx.control[control] & bit;
}

/* Does exception @vector exit?  As vtx_control(). */
static inline void vtx_exception_exits(struct vcpu *vcpu, u8 vector, bool on)
{
	u32 *word = &vcpu->arch.vtx.exceptions;

	if (!!(*word & BIT(vector)) == on)
		return;
	*word ^= BIT(vector);
	vtx_owe(vcpu, VTX_OWES_EXCEPTIONS);
}

/*
 * Control registers.  A bit that is set here is the host's: the guest reads it from
 * the read shadow, and writing another value than the shadow's exits.  All other
 * bits are the guest's, without exits.  CR0: CD and NW would make every access of
 * the guest uncached, NE has to be set.  CR4: vtx_vcpu.cr4_host, which is all that
 * the guest's CPUID does not offer, VMXE, and MCE, so that a machine check cannot
 * shut the host down.  State as the guest sees it is in vcpu->arch.state, as ever.
 */
#define VTX_CR0_HOST	((u64)~(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
				X86_CR0_ET | X86_CR0_WP | X86_CR0_AM | X86_CR0_PG))

/* --- exits --------------------------------------------------------------------- */

/*
 * exit_info.code is the basic exit reason (EXIT_REASON_*), with
 * VMX_EXIT_REASONS_FAILED_VMENTRY for an entry that failed while it loaded the
 * guest.  This one is ours: VMLAUNCH or VMRESUME was refused, info1 is the
 * VM-instruction error, 0 if there was none.
 *
 * after_enter leaves exit_info.info1, info2, next_rip and insn_count 0: whoever
 * handles an exit that has them reads them, with the functions below.
 */
#define VTX_EXIT_REFUSED	0xffff

/* EXIT_QUALIFICATION, kept in info1. */
static inline u64 vtx_qualification(struct vcpu *vcpu)
{
	vcpu->arch.exit.info1 = vtx_read(EXIT_QUALIFICATION);
	return vcpu->arch.exit.info1;
}

/* --- invalidation --------------------------------------------------------------- */

struct vtx_invalidate {
	u64	id;			/* EPTP, or VPID in the low 16 bits */
	u64	gva;
};

/* @type: VMX_EPT_EXTENT_*.  On this CPU only; irqs off. */
static __always_inline void vtx_invept(unsigned long type, u64 eptp)
{
	struct vtx_invalidate what = { .id = eptp };

	asm volatile("1: invept %0, %1\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : "m" (what), "r" (type) : "cc", "memory");
}

/* @type: VMX_VPID_EXTENT_*. */
static __always_inline void vtx_invvpid(unsigned long type, u16 vpid)
{
	struct vtx_invalidate what = { .id = vpid };

	asm volatile("1: invvpid %0, %1\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : "m" (what), "r" (type) : "cc", "memory");
}

/* The ops of this backend; their contracts are in core/vcpu_ops.def and mmu_ops.def. */
#define OP(ret, name, params, args)	ret vtx_vcpu_##name params;
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret ept_mmu_##name params;
#include <core/mmu_ops.def>
#undef OP

extern const struct backend vtx_backend;

/* --- load.c ----------------------------------------------------------------------- */

/* The VMCS of this vCPU leaves the CPU that has it; irqs on. */
void vtx_vmcs_release(struct vcpu *vcpu);
/* This CPU forgets a VMCS that is active on it.  irqs off. */
void vtx_vmcs_clear(struct vtx_cpu *vc, struct vtx_vcpu *vtx);
/* VTX_OWES_MSRS: the guest's system-call MSRs into the CPU.  In commit, irqs off. */
void vtx_msrs_load(struct vcpu *vcpu);
/* Back into the canonical state, if they are in the CPU. */
void vtx_msrs_save(struct vcpu *vcpu);

/* --- vtx.c -------------------------------------------------------------------------- */

/* The preemption timer ended the stay: has the deadline come?  Fast allowed. */
void vtx_deadline_exit(struct vcpu *vcpu);
/*
 * An entry failed, perhaps before the flushes it was given: nothing is known of
 * tags on this CPU.  irqs off, on its CPU.
 */
void vtx_tags_distrust(struct vcpu *vcpu);

/* --- vmcs.c ------------------------------------------------------------------------ */

/*
 * Learn what this CPU can do and choose the controls: 0, or -EOPNOTSUPP with one
 * sentence about the first thing that is missing.  At load, from probe.
 */
int vtx_caps_read(void);
/* Does this CPU, coming online, do what vtx_caps says?  irqs off. */
bool vtx_caps_match(void);
/* What the CPU allows (high half) and demands (low half) of a control field. */
u64 vtx_controls_allowed(enum vtx_control control);
/* A control field as the current VMCS has it. */
u32 vtx_control_read(enum vtx_control control);
int vtx_vmcs_create(struct vcpu *vcpu);
void vtx_vmcs_destroy(struct vcpu *vcpu);
/*
 * Controls as at creation; register state is the caller's business, and so is what
 * follows from the CPUID (x86_op(cpuid_changed)).  Nothing is written to the hardware
 * before the next commit, so the VMCS need not be loaded.
 */
void vtx_vmcs_reset(struct vcpu *vcpu);
/* VTX_OWES_START: write all that stays as it is.  In commit, irqs off. */
void vtx_vmcs_start(struct vcpu *vcpu);
/* Do what vtx_vcpu.owed says about controls and masks.  In commit, irqs off. */
void vtx_vmcs_pay(struct vcpu *vcpu, u32 owed);
/* PAE: the next commit of X86_CRS needs the PDPTEs, which are in the guest's memory. */
bool vtx_pdptes_due(struct vcpu *vcpu);
/* Bring them in.  May sleep, srcu held. */
void vtx_pdptes_read(struct vcpu *vcpu);
void vtx_x86_state_fetch(struct vcpu *vcpu, u32 groups);
void vtx_x86_state_commit(struct vcpu *vcpu, u32 groups);
/* Which bits of CR4 are the guest's has changed with its CPUID. */
void vtx_cr_masks_update(struct vcpu *vcpu);

/* --- msrmap.c ---------------------------------------------------------------------- */

/* At load and unload.  0 or -ENOMEM; free accepts what is half there. */
int vtx_msrmaps_alloc(void);
void vtx_msrmaps_free(void);
/* While a map is made: no exit for this. */
void vtx_msrmap_pass(unsigned long *map, u32 msr, bool read, bool write);
/* Of the map for this set of X86_PASS_*; @apic: and for a CPU that serves the APIC. */
u64 vtx_msrmap_pa(u8 passed, bool apic);
void vtx_x86_msr_pass(struct vcpu *vcpu);

/* --- explain.c --------------------------------------------------------------------- */

/*
 * After VTX_EXIT_REFUSED or an exit with VMX_EXIT_REASONS_FAILED_VMENTRY: which
 * rule of the manual does this VMCS break?  A sentence.  VMCS loaded.
 */
const char *vtx_vmcs_explain(struct vcpu *vcpu);

/* --- event.c ------------------------------------------------------------------------ */

void vtx_x86_inject(struct vcpu *vcpu, const struct x86_event *event);
void vtx_x86_window(struct vcpu *vcpu, enum x86_window window, bool on);
void vtx_x86_debug_changed(struct vcpu *vcpu);
/*
 * After an exit: was an event under way?  Called by after_enter for every exit, with
 * exit_info.code set; reads the IDT-vectoring information only after reasons that
 * can have one.
 */
void vtx_event_collect(struct vcpu *vcpu);
/*
 * Controls of a new VMCS as far as events and debugging go; in vtx_vmcs_reset(), which
 * owes the VMCS all of them.
 */
void vtx_event_reset(struct vcpu *vcpu);
/* X86_INTR: shadow and nmi_blocked, from and to the VMCS (pending debug included). */
void vtx_intr_fetch(struct vcpu *vcpu);
void vtx_intr_commit(struct vcpu *vcpu);
/* X86_DEBUG: dr0..3, dr6 and dr7, from and to VMCS and CPU. */
void vtx_debug_fetch(struct vcpu *vcpu);
void vtx_debug_commit(struct vcpu *vcpu);
/* VTX_OWES_DEBUG: debug registers into the CPU; back, if they are there, irqs off. */
void vtx_debug_load(struct vcpu *vcpu);
void vtx_debug_save(struct vcpu *vcpu);
/* At put: take them back, and let the guest's next access exit. */
void vtx_debug_put(struct vcpu *vcpu);
/* Set or clear the trap flag (of either kind) for whoever of us steps. */
void vtx_step_update(struct vcpu *vcpu);

/* --- mmu.c --------------------------------------------------------------------------- */

/* What EPT needs of this CPU, from IA32_VMX_EPT_VPID_CAP: NULL, or what is missing. */
const char *ept_caps_missing(u64 ept_vpid);
/* Choose the format by vtx_caps; vtx_setup() calls it once. */
void ept_setup(void);
/*
 * Which rule does the EPT entry behind @gpa break?  The end of a sentence that
 * begins with "the entry"; *@pte: that entry.  May not sleep; takes mmu_lock.
 */
const char *ept_explain(struct vm *vm, gpa_t gpa, u64 *pte);
/* PML: what the log holds goes to the dirty bitmaps.  Any context, on the vCPU's CPU. */
void ept_pml_drain(struct vcpu *vcpu);
/* Per-vCPU part: allocates vtx_vcpu.pml if PML is usable and wanted.  0 or -ENOMEM. */
int ept_vcpu_create(struct vcpu *vcpu);
void ept_vcpu_destroy(struct vcpu *vcpu);
/* VTX_OWES_FLUSH_EPT: INVEPT for this VM on this CPU.  irqs off, in commit. */
void ept_flush_local(struct vcpu *vcpu);

/* --- apic.c --------------------------------------------------------------------------- */

/* Allocates vtx_vcpu.apic_page where the CPU has a TPR shadow.  0 or -ENOMEM. */
int vtx_apic_create(struct vcpu *vcpu);
void vtx_apic_destroy(struct vcpu *vcpu);
/* Controls of a new VMCS, with vtx_control(); in vtx_vmcs_reset(). */
void vtx_apic_reset(struct vcpu *vcpu);
/* Fields of a new VMCS that stay; in vtx_vmcs_start(). */
void vtx_apic_start(struct vcpu *vcpu);
/* VTX_OWES_APIC, in commit. */
void vtx_apic_commit(struct vcpu *vcpu);
/* The guest has written CR8. */
void vtx_apic_tpr_changed(struct vcpu *vcpu);

/* What after_enter has to take back. */
static __always_inline void vtx_apic_after_enter(struct vcpu *vcpu)
{
	if (unlikely(*vcpu->arch.vtx.tpr != vcpu->arch.vtx.told_tpr))
		vtx_apic_tpr_changed(vcpu);
}

void vtx_x86_tpr(struct vcpu *vcpu, u8 cr8, u8 threshold);
/* Can the CPU deliver interrupts by itself?  What x86_host.virtual_apic is to be. */
bool vtx_apic_can_deliver(void);
bool vtx_x86_apic_virtual(struct vcpu *vcpu, void *page);
/* vtx_msrmap_pass() for the registers that do not exit then. */
void vtx_apic_pass(unsigned long *map);
void vtx_x86_apic_status(struct vcpu *vcpu, u8 irr, u8 isr);
void vtx_x86_apic_eoi_exits(struct vcpu *vcpu, const u64 *vectors);

/* --- exit.c ------------------------------------------------------------------------------ */

const char *vtx_exit_name(u32 code);
int vtx_exit_debug(struct vcpu *vcpu);

/* --- switch.S ------------------------------------------------------------------------------ */

asmlinkage void vtx_switch(struct vcpu *vcpu);
/* Where the CPU goes on after an exit: HOST_RIP. */
extern const char vtx_switch_exit[];

/* --- in line ------------------------------------------------------------------------- */

/*
 * RIP, RFLAGS and what blocks interrupts: what every exit that an instruction causes
 * reads, and the entry after it writes.
 */

/* X86_RIP, from the VMCS and to it. */
static __always_inline void vtx_rip_fetch(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;

	state->rip = vtx_read(GUEST_RIP);
	state->rflags = vtx_read(GUEST_RFLAGS);
	vcpu->arch.vtx.rflags = state->rflags;
	if (unlikely(vcpu->arch.vtx.step_tf))
		state->rflags &= ~(u64)X86_EFLAGS_TF;
}

static __always_inline void vtx_rip_commit(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	u64 rflags = vcpu->arch.state.rflags;

	vtx_write(GUEST_RIP, vcpu->arch.state.rip);
	vtx->step_tf = vtx->step && !(rflags & X86_EFLAGS_TF);
	if (unlikely(vtx->step_tf))
		rflags |= X86_EFLAGS_TF;
	if (likely(rflags == vtx->rflags))
		return;
	vtx->rflags = rflags;
	vtx_write(GUEST_RFLAGS, rflags);
}

/*
 * For exits that an instruction causes (SDM, "Information for VM Exits Due to
 * Instruction Execution"): where it ends, into next_rip, so that x86_skip() need
 * not decode it, and what else that wants.  Never for others, whose length is undefined.
 */
static __always_inline void vtx_insn_read(struct vcpu *vcpu)
{
	u32 valid = vcpu->arch.valid;

	if (likely(!(valid & X86_RIP)))
		vtx_rip_fetch(vcpu);
	if (likely(!(valid & X86_INTR)))
		vtx_intr_fetch(vcpu);
	vcpu->arch.valid = valid | X86_RIP | X86_INTR;
	vcpu->arch.exit.next_rip = vcpu->arch.state.rip + (u32)vtx_read(VM_EXIT_INSTRUCTION_LEN);
}

#endif /* VTX_VTX_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* What VT-x keeps per vCPU and per VM, by value inside the x86 structures. */
#ifndef VTX_TYPES_H
#define VTX_TYPES_H

#include <linux/list.h>
#include <linux/types.h>

struct vmcs;

/* The control fields of a VMCS that are negotiated; the order of vmcs.c's tables. */
enum vtx_control {
	VTX_PIN,			/* pin-based execution controls */
	VTX_PRIMARY,			/* processor-based execution controls */
	VTX_SECONDARY,
	VTX_EXIT,			/* VM-exit controls */
	VTX_ENTRY,			/* VM-entry controls */
	VTX_CONTROLS,
};

/*
 * What an entry owes to the VMCS or the CPU: bits of vtx_vcpu.owed.  The VMCS can
 * only be written while it is loaded, so whoever changes one of these from anywhere
 * else says so here, and commit does it.
 */
enum {
	VTX_OWES_CONTROL	= 0,	/* to VTX_CONTROLS - 1: that control field */
	VTX_OWES_EXCEPTIONS	= VTX_CONTROLS,	/* the exception bitmap */
	VTX_OWES_TSC_OFFSET,
	VTX_OWES_MSRMAP,		/* the address of the MSR bitmap */
	VTX_OWES_CR_MASKS,		/* which bits of CR0 and CR4 are the guest's */
	VTX_OWES_MSRS,			/* the guest's system-call MSRs */
	VTX_OWES_DEBUG,			/* vtx_debug_load() */
	VTX_OWES_APIC,			/* vtx_apic_commit() */
	VTX_OWES_FLUSH_EPT,		/* drop both stages: INVEPT */
	VTX_OWES_FLUSH_VPID,		/* drop the guest's own translations: INVVPID */
	VTX_OWES_HOST,			/* host state that follows the CPU or the task */
	VTX_OWES_START,			/* all that stays as it is: a new VMCS */
};

struct vtx_vcpu {
	/* Used by switch.S, by way of offsets.c. */
	u64		 host_rsp;	/* (m) what HOST_RSP holds */
	u64		 spec_ctrl;	/* (m) the guest's SPEC_CTRL while it is not live */
	bool		 spec_ctrl_live;	/* (m) the guest writes it without an exit */
	bool		 launched;	/* (m) VMRESUME, not VMLAUNCH */
	bool		 failed;	/* (m) the last VMLAUNCH or VMRESUME did nothing */

	/* Looked at by every entry. */
	bool		 l1d_flush;	/* (m) L1TF: secrets may be in the L1 cache */
	unsigned long	 owed;		/* (m) BIT(VTX_OWES_*); see vtx_owe() */
	u64		 deadline;	/* (m) guest TSC at which to exit, or 0 */
	u64		 host_cr3;	/* (m) what HOST_CR3 holds */
	u64		 host_cr4;	/* (m) what HOST_CR4 holds */
	u64		 vpid_generation;	/* (m) per-CPU generation of its VPID */
	u64		 rflags;	/* (m) what GUEST_RFLAGS holds, if X86_RIP is valid */

	u32		 control[VTX_CONTROLS];	/* (m) what the fields are to hold */
	u32		 exceptions;	/* (m) what the exception bitmap is to hold */

	struct vmcs	*vmcs;		/* (c) */
	u64		 vmcs_pa;	/* (c) */
	int		 vmcs_cpu;	/* CPU it is active on, or -1; written there */
	struct list_head vmcs_link;	/* of that CPU's active VMCSs; only there, irqs off */
	u64		 msrmap_pa;	/* (m) one of the bitmaps that all share: msrmap.c */
	u64		*pml;		/* (c) page-modification log, or NULL; mmu.c */
	void		*apic_page;	/* (c) virtual-APIC page, or NULL; apic.c */
	int		 vpid_cpu;	/* (m) CPU the VPID belongs to, or -1 */
	u16		 vpid;		/* (m) */
	bool		 msrs_live;	/* (m) the guest's system-call MSRs are in the CPU */
	bool		 pdptes_ready;	/* (m) pdpte[] fits the CR3 that is to be committed */
	u64		 pdpte[4];	/* (m) PAE: for the next commit of X86_CRS */
	u64		 cr4_host;	/* (m) bits of CR4 that are not the guest's */

	/* The host's, from load to put. */
	u64		 host_kernel_gs_base;	/* of user space */
	u64		 host_fs_base;
	u64		 host_debugctl;
	u16		 host_ds, host_es, host_fs, host_gs, host_ldt;

	/* apic.c */
	u8		*tpr;		/* (m) TPR in apic_page, or told_tpr if that is not in use */
	u8		 told_tpr;	/* (m) what the hardware was last told */
	u8		 tpr_threshold;	/* (m) likewise */
	bool		 apic_virtual;	/* (m) the CPU delivers interrupts by itself */
	u16		 apic_status;	/* (m) what it was last told is in the page */
	u64		 apic_pa;	/* (m) of the virtual-APIC page in use, or 0 */
	u64		 eoi_exits[4];	/* (m) vectors of which an EOI exits */

	/* event.c */
	bool		 debug_live;	/* (m) guest uses dr0..dr3: no DR exits */
	bool		 debug_loaded;	/* (m) and they are in this CPU's registers */
	bool		 step;		/* (m) TF or MTF is set by us: either of the next */
	bool		 step_nmi;	/* (m) to get past an IRET or a shadow */
	bool		 step_tf;	/* (m) GUEST_RFLAGS has a TF that is ours, not the guest's */
};

struct vtx_vm {
	u64		 eptp;		/* (c) as the VMCS wants it; mmu.c */
	bool		 clear_buffers;	/* x86_host.clear_for_mmio, and a device is mapped */
};

#endif /* VTX_TYPES_H */

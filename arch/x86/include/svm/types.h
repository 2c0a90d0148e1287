/* SPDX-License-Identifier: GPL-2.0-only */
/* What SVM keeps per vCPU and per VM, by value inside the x86 structures. */
#ifndef SVM_TYPES_H
#define SVM_TYPES_H

#include <linux/types.h>

struct vmcb;

struct svm_vcpu {
	/* Used by switch.S, by way of offsets.c. */
	u64		 vmcb_pa;	/* (c) */
	u64		 host_vmcb_pa;	/* this CPU's save area; set by load */
	u64		 spec_ctrl;	/* (m) the guest's SPEC_CTRL while it is not live */
	bool		 spec_ctrl_live;	/* (m) the guest writes it without an exit */
	struct vmcb	*vmcb;		/* (c) kernel address of vmcb_pa */

	u64		 msrmap_pa;	/* (m) one of the maps that all share: msrmap.c */
	u64		 asid_generation;	/* (m) per-CPU generation of its ASID */
	int		 asid_cpu;	/* (m) CPU the ASID belongs to, or -1 */
	bool		 flush;		/* (m) drop this tag's translations at entry */
	u8		 cr8;		/* (m) what the hardware was last told */
	bool		 debug_live;	/* (m) guest uses dr0..dr3: no DR intercepts */
	bool		 debug_loaded;	/* (m) and they are in this CPU's registers */
	bool		 step;		/* (m) TF is set by us: either of the next */
	bool		 step_nmi;	/* (m) to get past an IRET or a shadow */
	bool		 guest_tf;	/* (m) the guest had set it, too */
	bool		 iret_seen;	/* (m) the IRET that ends an NMI is next */
	u64		 iret_rip;	/* (m) where that IRET is */
};

struct svm_vm {
	u64		 npt_root;	/* (c) hpa */
};

#endif /* SVM_TYPES_H */

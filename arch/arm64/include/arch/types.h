/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What arm64 adds to a VM and a vCPU.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <asm/fpsimd.h>
#include <core/steal.h>

#define ARCH_MAX_VCPUS		512
#define ARCH_MAX_VCPU_ID	512
#define ARCH_ADDRESS_SPACES	1
#define ARCH_READONLY_SLOTS	1
#define ARCH_RUN_PAGES		2	/* kvm_run, coalesced ring */
#define ARCH_ARM_IRQS_OFF	1	/* see simd.c */

struct fw_call;
struct maple_tree;
struct vcpu;
struct vgic;
struct vgic_cpu;

/* Which vector of switch.S the guest came out of. */
enum {
	EXIT_SYNC,
	EXIT_IRQ,
	EXIT_FIQ,
	EXIT_SERROR,
};

/* The raw exit, for core/trace.h and the exit table. */
struct exit_info {
	u64	code;		/* ESR_EL2; right only after EXIT_SYNC and EXIT_SERROR */
	u64	info1;		/* FAR_EL2 */
	u64	info2;		/* HPFAR_EL2 */
	u64	vector;		/* EXIT_* */
};

/*
 * What the world switch exchanges with the hardware.  switch.S knows the order
 * through offsets.c.
 */
struct arm64_context {
	u64	x[31];
	u64	sp_el0;
	u64	pc;		/* ELR_EL2 */
	u64	pstate;		/* SPSR_EL2 */
	u64	apia[2];	/* APIAKeyLo_EL1, APIAKeyHi_EL1 */
};

/* The host's side of the switch, saved once for a stay and put back as it was at each exit. */
struct arm64_host_context {
	u64	sp_el0, hcr, vbar, cptr, mdcr;
	u64	tco, ssbs, dit;
	u64	apia[2];
};

/* What the host and this guest have; known to switch.S by number, but for the last. */
#define SWITCH_PAN	0
#define SWITCH_DIT	1
#define SWITCH_SSBS	2
#define SWITCH_TCO	3
#define SWITCH_PAUTH	4
#define SWITCH_RAS	5

/* What the guest may do alone; made when the vCPU's features are final.  (m) */
struct arm64_config {
	/* Written by switch.S at each entry, up to mitigation. */
	u64	hcr;		/* HCR_EL2; VSE as the last exit left it */
	u64	cptr, mdcr;	/* CPTR_EL2 in CPACR's layout, MDCR_EL2 of this CPU */
	u64	flags;		/* BIT(SWITCH_*) */
	u64	vectors;	/* VBAR_EL2 of this CPU: see arm64_host_exit_path() */
	u64	mitigation;	/* what its vectors need: a count, or an SMC's function */
	/* Written by load. */
	u64	hcrx;		/* HCRX_EL2 */
	u64	fgt;		/* HFGRTR_EL2 and HFGWTR_EL2: registers that must be granted */
};

/* Registers of the guest that vcpu->arch.sysreg holds: see sysregs.def. */
enum arm64_reg {
#define SYSREG(name, ...)	REG_##name,
#include "sysregs.def"
#undef SYSREG
	REG_COUNT
};

/* Floating point, SIMD and SVE; see simd.c. */
struct arm64_simd {
	struct user_fpsimd_state fp;	/* V registers; with SVE the low parts, if not in sve */
	void		*sve;		/* Z, P, FFR as ZCR's length lays them out; NULL: none */
	u64		zcr;		/* guest's ZCR_EL1, if not live */
	u64		host_zcr;	/* host's ZCR_EL2, if live */
	unsigned int	vl;		/* bytes: largest vector of the guest; 0: no SVE */
	bool		finalized;	/* (m) KVM_ARM_VCPU_FINALIZE has been */
	bool		released;	/* since load the kernel has let go of them */
	bool		live;		/* in the hardware, between arm and disarm */
};

/* One of the guest's two timers; see timer.c. */
struct arm64_timer {
	u64		ctl, cval;	/* (m) guest's; loaded and direct: in the hardware */
	u64		offset;		/* (m) of its counter, as this vCPU last took it over */
	u32		ppi;		/* (m) INTID by which the vGIC knows it; 0: not yet */
	bool		direct;		/* (m) in the hardware while loaded, else it traps */
	bool		armed;		/* the hrtimer is to fire; cleared by it */
	struct hrtimer	hrtimer;	/* in a halt; always if it traps */
};

/* What a firmware call leaves in x0 to x3. */
struct fw_result {
	u64	value[4];
};

enum { TIMER_VIRTUAL, TIMER_PHYSICAL, TIMERS };

/* Counters beyond core's. */
struct arm64_stats {
	u64	hvc_exits;
	u64	wfx_exits;
	u64	sysreg_exits;		/* system register accesses emulated */
	u64	mmio_insns;		/* loads and stores emulated */
	u64	simd_traps;		/* first use of SIMD since load */
};

/* What each entry and exit looks at of a vCPU's vGIC, of which it is a part.  Own task. */
struct vgic_hot {
	bool	dirty;		/* vgic_flush() has work; set under the vGIC's lock */
	u32	lr_live;	/* list registers in use in the hardware */
	u64	hcr;		/* ICH_HCR_EL2 in the guest */
};

struct vcpu_arch {
	struct arm64_context	context;
	struct arm64_host_context host;
	struct arm64_config	config;
	struct exit_info	exit;

	/* Are breakpoints, the guest's or the user's, in the hardware?  irqs off; debug.c. */
	bool			debug_loaded;
	u64			debug_mdscr;	/* then: MDSCR_EL1 for the guest */

	/* In the hardware while the vCPU is loaded, if sysregs.def says so. */
	u64			sysreg[REG_COUNT];	/* (m) */
	/* Registers of the host's that have no second copy: HOST_* of vcpu.c. */
	u64			host_sysreg[12];	/* (m) while loaded */

	struct arm64_simd	simd;		/* (m) */
	struct arm64_timer	timer[TIMERS];
	bool			timer_blocked;	/* (m) in a halt: both timers are hrtimers */
	bool			timer_trapped;	/* (m) the physical one is not direct */
	u8			timer_levels;	/* (m) BIT(TIMER_*), as the vGIC or user space heard */
	struct vgic_cpu		*vgic;		/* (c) per-vCPU part, or NULL */
	struct vgic_hot		*vgic_hot;	/* (c) and its, which there is then */

	/* Firmware calls that fast_exit serves: fw.c.  Own task, irqs off. */
	const struct fw_call	*fw_last;	/* of fw_last_id, NULL: there is none */
	u32			fw_last_id;
	struct fw_result	fw_result;

	/* KVM_ARM_VCPU_INIT. */
	u32			features;	/* (m) BIT(KVM_ARM_VCPU_*) */
	bool			initialized;	/* (m) KVM_ARM_VCPU_INIT has been */
	bool			ran;		/* (m) once true, features are final */

	u64			serial;		/* (c) never used twice */
	u64			vmid_generation;	/* (m) of the VMID in VTTBR_EL2 */

	/* The guest's caches, without FEAT_S2FWB; see mmu.c. */
	struct {
		bool		on;		/* SCTLR_EL1.M and .C, when last looked at */
		bool		trap;		/* HCR_EL2.TVM */
	}			caches;		/* (m) */

	/*
	 * Without a vGIC: HCR_EL2.VI and VF as user space drives the CPU's two lines.
	 * Atomic; a kick follows a change.
	 */
	unsigned long		lines;

	/* Where another vCPU's CPU_ON has this one begin: mp_lock. */
	struct {
		u64		pc, x0;
		bool		big_endian;
		bool		pending;
	}			start;

	/* Exceptions that the guest is to take at the next entry.  (m) */
	struct {
		bool		serror_pending, serror_has_esr;
		u64		serror_esr;
	}			events;

	struct {
		gpa_t		gpa;		/* of the record, or ~0: off */
		struct steal_clock clock;
	}			steal;		/* (m) */

	/*
	 * The guest's own breakpoints and watchpoints, which debug.c lends the hardware.
	 * Without HMC and SSC; as many as ID_AA64DFR0_EL1 says are in use.
	 */
	struct kvm_guest_debug_arch guest_debug;	/* (m) */
	u32			ccsidr[14];	/* (m) index: CSSELR_EL1; sysreg_cache.c */

	/* Guest debug: the user's breakpoints replace the guest's.  (m) */
	struct kvm_guest_debug_arch debug;

	/* An emulated access that user space finishes. */
	struct {
		u8		data[8];
		u8		rd;		/* register of a load, 31: none */
		u8		len;		/* bytes of the access */
		bool		sign;		/* sign-extend */
		bool		wide;		/* to 64 bits */
	}			access;		/* (m) */

	struct arm64_stats	stats;		/* (m) for writing */
};

struct vm_arch {
	u64		vmid_generation;	/* the vmid's; lock of mmu.c, read without */
	unsigned long	vmid;			/* the same */
	u8		ipa_bits;		/* (c) */
	/* Timers: timer.c.  config_lock for writing; of all vCPUs. */
	u64		counter_offset[TIMERS];	/* the host's counter minus the guest's */
	bool		counter_fixed;		/* KVM_ARM_SET_COUNTER_OFFSET has been */
	u32		timer_ppi[TIMERS];	/* INTIDs */
	struct vgic	*vgic;			/* (v) KVM_DEV_TYPE_ARM_VGIC_V3, or NULL */

	/* ID registers as user space wrote them.  Index: see idreg.c. */
	u64		idreg[64];		/* config_lock for writing, READ_ONCE without */
	bool		idreg_final;		/* the same; a vCPU has run */

	/* Firmware: fw.c.  config_lock for writing. */
	u64		fw_bitmap[3];		/* KVM_REG_ARM_{STD,STD_HYP,VENDOR_HYP}_BMAP */
	u32		psci_version;		/* of vCPUs with KVM_ARM_VCPU_PSCI_0_2 */
	struct maple_tree *smccc_filter;	/* KVM_ARM_VM_SMCCC_FILTER, or NULL */
	bool		system_suspend;		/* KVM_CAP_ARM_SYSTEM_SUSPEND; vm->lock */
	bool		nisv_to_user;		/* (v) KVM_CAP_ARM_NISV_TO_USER */
};

#endif /* ARCH_TYPES_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What s390 adds to a VM and a vCPU.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <asm/fpu.h>

#define ARCH_MAX_VCPUS		248
#define ARCH_MAX_VCPU_ID	248
#define ARCH_ADDRESS_SPACES	1
#define ARCH_READONLY_SLOTS	0	/* the ABI of s390 has none: VMMs may rely on it */
#define ARCH_RUN_PAGES		1	/* kvm_run; MMIO, and so a ring for it, does not exist */

#define ARCH_KICK_SELF		1	/* irqs are on when SIE begins, and before */

/* Which ioeventfds are for DIAGNOSE 0x500, the notification of a virtio device. */
#define ARCH_IOEVENTFD_NOTIFY	KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY

#include <arch/interrupt.h>

struct bsca_block;
struct gmap;
struct kvm_s390_sie_block;
struct s390_debug;
struct device_guest;

/* The raw exit, for core/trace.h and the exit table. */
struct exit_info {
	u64	code;		/* interception code, or S390_EXIT_* */
	/* Instruction: ipa << 32 | ipb.  Program: iprcc.  Host fault: its code, S390_FAULT_WRITE. */
	u64	info1;
	/* Host fault: the guest absolute address, or S390_FAULT_UNKNOWN. */
	u64	info2;
};

/* Interception codes that no control block has. */
enum {
	S390_EXIT_NONE		= 0,		/* a host interrupt ended the stay */
	S390_EXIT_HOST_FAULT	= 0x100,	/* guest absolute storage is not mapped like this */
	S390_EXIT_MACHINE_CHECK	= 0x101,	/* of the host, but about the guest */
};

#define S390_FAULT_WRITE	BIT(31)		/* the host knows that it was a store */
#define S390_FAULT_UNKNOWN	(~0ULL)		/* a fault whose address the host is not told */

/* Floating-point or vector registers; the former are the first halves of the latter. */
struct s390_fpu {
	u32		fpc;
	__vector128	vxrs[32] __aligned(8);
};

/* KVM_REG_S390_PF*: where the guest wants to hear of page faults of the host. */
struct s390_pfault {
	u64	token, select, compare;
};

/* Where the last protection exception was that may have been the host's, and how often. */
struct s390_protection {
	u64		psw, address;
	unsigned int	count;
};

/* Counters beyond core's. */
struct s390_stats {
	u64	instructions;		/* exits for an instruction */
	u64	programs;		/* exits for a program interruption */
	u64	diagnoses;		/* DIAGNOSE, whoever served it */
	u64	sigps;			/* SIGNAL PROCESSOR, whoever served it */
	u64	waits;			/* exits for an enabled wait */
	u64	validities;		/* exits for a control block that SIE refuses */
	u64	prefix_faults;		/* times the prefix area had to be mapped again */
};

struct vcpu_arch {
	struct kvm_s390_sie_block *sie;	/* (c) the control block: PSW, control registers, timers */
	u64			gprs[16];	/* (m) general registers; at an entry 14 and 15 go along */
	struct exit_info	exit;		/* (m) */
	u64			entry_addr;	/* (m) where the guest was entered */

	struct s390_fpu		fpu;		/* (m) right while not in KVM_RUN */
	struct kernel_fpu_32	host_fpu;	/* (m) in KVM_RUN */
	u32			acrs[16];	/* (m) access registers; right while not loaded */
	u32			host_acrs[16];	/* (m) while loaded */
	int			sync_error;	/* (m) why KVM_RUN cannot run */
	bool			fpu_live;	/* (m) fpu is in the hardware */

	u32			prefix;		/* (m) for writing; the prefix register */
	struct s390_pfault	pfault;		/* (m) */
	u64			wait_since;	/* (m) TOD clock of the host at the begin of a halt, or 0 */
	struct s390_protection	protection;	/* (m) mmu.c */

	struct s390_local	local;		/* interrupt.h */
	struct kvm_s390_pgm_info pgm;		/* (m) what the last access of ours ran into */
	struct s390_debug	*debug;		/* (m) debug.c: breakpoints of KVM_SET_GUEST_DEBUG */
	struct s390_stats	stats;		/* (m) for writing */
};

struct vm_arch {
	struct gmap		*gmap;		/* (c) host.c: a guest's tables as the kernel knows them */
	u64			mem_limit;	/* (v) guest storage is below; constant once a vCPU exists */
	u64			epoch;		/* config_lock; guest's TOD clock - the host's */

	/* Storage keys: keys.c.  xarray of pages, one byte per frame. */
	struct xarray		keys;		/* mmu_lock */
	bool			keys_used;	/* mmu_lock for writing; stays */

	struct s390_floating	floating;	/* interrupt.h */
	struct s390_model	model;		/* attr.h */

	/* KVM_ENABLE_CAP and the like: (v) for writing. */
	bool			user_sigp, user_stsi, user_instr0, user_cpu_state;
	bool			css_support, irqchip_allowed, ais, use_cmma, use_vector, use_gs;
	bool			migration;
	struct device_guest	*flic;		/* (v) */

	/* IPTE interlock: sca.c. */
	struct bsca_block	*sca;		/* (c) */
	struct mutex		ipte_lock;
	unsigned int		ipte_holders;	/* ipte_lock */
};

#endif /* ARCH_TYPES_H */

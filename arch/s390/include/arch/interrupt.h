/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VM and a vCPU know about pending interruptions, and the VM's CPU model.
 * <arch/types.h> has them by value, after it said ARCH_MAX_VCPU_ID.  What is done
 * with them is declared in interrupt.h and attr.h.
 */
#ifndef ARCH_INTERRUPT_H
#define ARCH_INTERRUPT_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <core/irq.h>

/*
 * Interruption conditions, the most urgent first (Principles of Operation,
 * "Priority of Interruptions"; of external ones, "External Interruption").  Some are
 * of a CPU, some float, a machine check may be either.
 */
enum s390_irq {
	S390_IRQ_SET_PREFIX,		/* no interruption: what SIGP asked for, before all */
	S390_IRQ_MCHK_EXIGENT,
	S390_IRQ_PROGRAM,
	S390_IRQ_MCHK,			/* a repressible one */
	S390_IRQ_EMERGENCY,
	S390_IRQ_EXTERNAL_CALL,
	S390_IRQ_CLOCK_COMPARATOR,
	S390_IRQ_CPU_TIMER,
	S390_IRQ_SERVICE,
	S390_IRQ_PFAULT_INIT,
	S390_IRQ_PFAULT_DONE,
	S390_IRQ_VIRTIO,
	S390_IRQ_IO_0,			/* by interruption subclass */
	S390_IRQ_IO_7 = S390_IRQ_IO_0 + 7,
	S390_IRQ_RESTART,
	S390_IRQ_STOP,			/* none either: SIGP's, after all that is allowed */
	S390_IRQ_COUNT,
};

#define S390_ISCS	8	/* I/O interruption subclasses */

/* Of one CPU.  The lock is taken with irqs off, under no other lock but mp_lock. */
struct s390_local {
	raw_spinlock_t		lock;
	unsigned long		pending;	/* BIT(S390_IRQ_*); lock to write */
	DECLARE_BITMAP(emergency, ARCH_MAX_VCPU_ID);	/* lock; CPUs that sent one */
	u16			external_call;	/* lock; who sent it */
	u32			prefix;		/* lock */
	u32			stop_flags;	/* lock; KVM_S390_STOP_FLAG_* */
	struct kvm_s390_ext_info pfault;	/* lock */
	struct kvm_s390_pgm_info pgm;		/* lock */
	struct kvm_s390_mchk_info mchk;		/* lock */
	struct hrtimer		wait_timer;	/* while waiting: clock comparator, CPU timer */
	bool			waiting;	/* (b) halted in an enabled wait */
	bool			requested;	/* (m) the control block asks for interceptions */
	bool			woken;		/* (m) out of a wait, and has not taken anything yet */
};

/* An adapter: a source of interruptions with indicators in guest storage. */
struct s390_adapter {
	u8	isc;
	bool	registered;	/* the rest is there; smp_store_release */
	bool	maskable, swap, suppressible;
	bool	masked;
};

#define S390_ADAPTERS	(S390_ISCS * 8)	/* ids 0..63 */

/* What is queued, because it says more than that it is there. */
enum s390_queue {
	S390_QUEUE_IO,			/* by subclass */
	S390_QUEUE_PFAULT = S390_QUEUE_IO + S390_ISCS,
	S390_QUEUE_VIRTIO,
	S390_QUEUE_COUNT,
};

/* Of the VM.  The lock is taken with irqs off. */
struct s390_floating {
	raw_spinlock_t		lock;
	unsigned long		pending;	/* BIT(S390_IRQ_*); lock to write */
	struct list_head	queue[S390_QUEUE_COUNT];	/* lock */
	unsigned int		queued;		/* lock; entries in all queues */
	u8			adapters;	/* lock; BIT(isc): an adapter interruption */
	u32			service;	/* lock; external-interruption parameter */
	struct kvm_s390_mchk_info mchk;		/* lock */
	u8			simm, nimm;	/* lock; AIS, 0x80 >> isc */
	unsigned int		next;		/* a hint, no lock; index of the vCPU to ask next */
	struct s390_adapter	adapter[S390_ADAPTERS];	/* (v) */
	DECLARE_BITMAP(owed, IRQ_ROUTES_MAX);	/* (a) gsis whose indicators were not mapped */
};

/* KVM_S390_VM_CPU_MODEL: (v) until the first vCPU, constant from then on. */
struct s390_model {
	u64			cpuid;
	u16			ibc;
	u64			*fac_list;	/* a page below 2 GB: MSB 0 bits, 2 KiB */
	u64			*fac_mask;	/* what may be in it; the page's second half */
	u64			feat[16];	/* KVM_S390_VM_CPU_FEAT_*, MSB 0 bits */
	struct kvm_s390_vm_cpu_subfunc *subfunc;	/* NULL until user space says it */
};

#endif /* ARCH_INTERRUPT_H */

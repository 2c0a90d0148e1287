/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What riscv adds to a VM and a vCPU.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <asm/ptrace.h>
#include <arch/access.h>
#include <core/steal.h>

#define ARCH_MAX_VCPUS		1024
#define ARCH_MAX_VCPU_ID	1024
#define ARCH_ADDRESS_SPACES	1
#define ARCH_READONLY_SLOTS	1
#define ARCH_RUN_PAGES		2	/* kvm_run, coalesced ring */
#define ARCH_ARM_IRQS_OFF	1	/* see simd.c */

struct vcpu;
struct aia;
struct imsic;
struct pmu_guest;

/* The raw exit, for core/trace.h and the exit table. */
struct exit_info {
	u64	code;		/* scause */
	u64	info1;		/* stval */
	u64	info2;		/* htval */
	u64	insn;		/* htinst */
};

/* An exception as the guest's own supervisor is to see it. */
struct riscv_trap {
	unsigned long	cause;	/* EXC_* */
	unsigned long	tval;
	unsigned long	epc;
};

/*
 * What the world switch exchanges with the hardware.  switch.S knows the order
 * through offsets.c.  @gpr[0] is always 0, so that a register number from an
 * instruction is an index.
 */
struct riscv_context {
	unsigned long	gpr[32];
	unsigned long	pc;		/* sepc */
	unsigned long	sstatus;	/* of HS mode while the guest runs */
	unsigned long	hstatus;
};

/* The host's side of the switch: what a C function expects to survive a call. */
struct riscv_host_context {
	unsigned long	ra, sp, gp, tp;
	unsigned long	s[12];
	unsigned long	stvec, sscratch, sstatus, hstatus;
};

/*
 * CSRs of the guest that are in the hardware while the vCPU is loaded and here
 * otherwise (ISA manual, "Hypervisor and Virtual Supervisor CSRs").  The names
 * are those of the guest's own view: sstatus is vsstatus.
 */
struct riscv_csrs {
	unsigned long	sstatus, sie, stvec, sscratch, sepc, scause, stval, satp;
	unsigned long	scounteren, senvcfg, sstateen0;
	unsigned long	siselect, iprio1, iprio2;	/* with AIA; hviprio1, hviprio2 */
};

/* Floating point and vector state; see simd.c. */
struct riscv_simd {
	union __riscv_fp_state	fp;
	struct __riscv_v_ext_state vector;	/* datap: vcpu's own, or NULL */
};

/* The guest's timer; see timer.c. */
struct riscv_timer {
	u64		compare;	/* guest's time; with Sstc right only while not loaded */
	struct hrtimer	hrtimer;	/* without Sstc always, with it in a halt */
};

/* What the vCPU's extensions allow the guest; made when they are final. */
struct riscv_config {
	u64	henvcfg;
	u64	hstateen0;
	unsigned long	hedeleg;
	unsigned long	simd;		/* sstatus.FS and VS that a stay begins with */
};

/* "Firmware Features Extension"; see fw_feature.c.  In the order of ONE_REG. */
enum { RISCV_FEATURE_MISALIGNED, RISCV_FEATURE_MASKING, RISCV_FEATURES };

struct riscv_feature {
	unsigned long	value;		/* 0 when the hart begins */
	bool		offered;	/* the guest has it; user space decides */
	bool		locked;		/* until the hart begins anew */
};

/* What a call of an SBI extension leaves in a0 and a1. */
struct sbi_result {
	long	error;		/* SBI_SUCCESS, SBI_ERR_* */
	long	value;
};

/* Counters beyond core's. */
struct riscv_stats {
	u64	sbi_calls;
	u64	csr_exits;		/* CSR accesses emulated */
	u64	wfi_exits;
	u64	mmio_insns;		/* loads and stores emulated */
	u64	redirected;		/* exceptions handed to the guest's supervisor */
};

struct vcpu_arch {
	struct riscv_context	context;
	struct riscv_host_context host;
	struct exit_info	exit;
	struct riscv_csrs	csr;
	struct riscv_config	config;
	unsigned long		hvip;	/* (m) what the hardware has or is to get */

	/* Interrupts from others: riscv_irq_set() and friends, any context. */
	unsigned long		irq_level;	/* (a) BIT(IRQ_VS_*) as last set */
	unsigned long		irq_changed;	/* (a) of these, not yet in hvip */

	u64			serial;		/* (c) never used twice */
	u64			vmid_generation;	/* (m) of the VMID in hgatp */
	/* CSRs of the host's user space, while ours are in their place. */
	unsigned long		host_scounteren, host_senvcfg, host_sstateen0;	/* (m) */

	/* An emulated access, which user space may have to finish. */
	struct {
		struct riscv_access what;
		u64		data;		/* its bytes as in memory */
	}			access;		/* (m) */

	struct riscv_simd	simd;
	unsigned long		user_fs;	/* (m) user space's, whose registers are gone; or 0 */
	struct riscv_timer	timer;
	struct imsic		*imsic;		/* (c) once the AIA is initialised */
	/* Its place or @awake is another than at the last entry; by the file's CPU, or (m). */
	bool			file_changed;

	/* Extensions the guest has: KVM_RISCV_ISA_EXT_*, KVM_RISCV_SBI_EXT_*. */
	DECLARE_BITMAP(isa, 128);	/* (m) */
	DECLARE_BITMAP(sbi, 32);	/* (m) */
	struct sbi_result	sbi_result;	/* (m) of the call being served */
	struct riscv_feature	feature[RISCV_FEATURES];	/* (m) */
	bool			ran;	/* (m) once true, extensions are final */

	/* Where a hart begins that another one starts: mp_lock. */
	struct {
		unsigned long	pc, a1;
		bool		pending;
	}			start;
	bool			suspended;	/* (m) SBI HSM suspend, ended by an interrupt */
	struct {
		gpa_t		gpa;		/* of the record, or ~0: off */
		struct steal_clock clock;
		bool		preempted;	/* the record says so */
	}			steal;		/* (m) */
	struct pmu_guest	*pmu;		/* (m) or NULL; never changes again */
	u32			pmu_events;	/* (b) BIT(SBI_PMU_FW_*): being counted */

	unsigned long		mvendorid, marchid, mimpid;	/* (m) */
	struct riscv_stats	stats;		/* (m) for writing */
};

struct vm_arch {
	u64		vmid_generation;	/* the vmid's; lock of mmu.c, read without */
	unsigned long	vmid;			/* the same */
	u64		time_delta;	/* guest time - host time in ticks; all vCPUs' */
	struct aia	*aia;		/* (v) KVM_DEV_TYPE_RISCV_AIA, or NULL */
};

#endif /* ARCH_TYPES_H */

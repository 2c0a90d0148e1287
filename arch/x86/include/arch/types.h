/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What x86 adds to a VM and a vCPU.  The canonical register state is here, by
 * group; where a vendor's hardware keeps it is the vendor's business.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/spinlock.h>
#include <asm/fpu/types.h>

#include <core/steal.h>
#include <core/types.h>
#include <svm/types.h>
#include <vtx/types.h>

#define ARCH_MAX_VCPUS		1024
#define ARCH_MAX_VCPU_ID	4096	/* an APIC id; KVM_CREATE_VCPU takes less */
#define ARCH_ADDRESS_SPACES	1
#define ARCH_READONLY_SLOTS	1
#define ARCH_HAS_PIO		1
#define ARCH_ARM_IRQS_OFF	1	/* registers of the FPU are the kernel's business until then */
#define ARCH_SYNC_FROM_HW	0	/* the vendor tells of a CR8 that the guest changed */
#define ARCH_RUN_PAGES		3	/* kvm_run, port I/O data, coalesced ring */

/*
 * Groups of register state.  common code calls x86_need() before it reads a
 * group and x86_dirty() after it changed one.
 */
enum {
	X86_GPRS	= BIT(0),	/* gpr[], but for gpr[X86_RSP] */
	X86_RIP		= BIT(1),	/* rip, rflags */
	X86_CRS		= BIT(2),	/* cr0 cr3 cr4 efer */
	X86_CR2		= BIT(3),
	X86_SEGS	= BIT(4),	/* es cs ss ds fs gs ldtr tr */
	X86_TABLES	= BIT(5),	/* gdt idt */
	X86_DEBUG	= BIT(6),	/* dr0..dr3 dr6 dr7 */
	X86_SYSCALL	= BIT(7),	/* star..sfmask, kernel_gs_base, sysenter_* */
	X86_INTR	= BIT(8),	/* shadow, nmi_blocked */
	X86_MISC	= BIT(9),	/* pat, debugctl, spec_ctrl */
	X86_MODE	= BIT(10),	/* cpl, cs_long, cs_base: read-only, from segments */
	X86_STACK	= BIT(11),	/* gpr[X86_RSP]: not all hardware keeps it with the others */
	X86_ALL		= BIT(12) - 1,
};

/* Register numbers as instructions encode them. */
enum {
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	X86_GPR_COUNT,
};

enum {
	X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_LDTR, X86_TR,
	X86_SEG_COUNT,
};

struct x86_state {
	u64	gpr[X86_GPR_COUNT];	/* X86_GPRS, X86_STACK */
	u64	rip, rflags;		/* X86_RIP */
	u64	cr0, cr3, cr4, efer;	/* X86_CRS; efer as the guest sees it */
	u64	cr2;			/* X86_CR2 */
	struct kvm_segment seg[X86_SEG_COUNT];	/* X86_SEGS */
	struct kvm_dtable gdt, idt;	/* X86_TABLES */
	u64	dr[4], dr6, dr7;	/* X86_DEBUG */
	u64	star, lstar, cstar, sfmask, kernel_gs_base;	/* X86_SYSCALL */
	u64	sysenter_cs, sysenter_esp, sysenter_eip;
	u8	shadow;			/* X86_INTR; KVM_X86_SHADOW_INT_* */
	bool	nmi_blocked;
	u64	pat, debugctl, spec_ctrl;	/* X86_MISC */
	u64	cs_base;		/* X86_MODE: not used while X86_SEGS is held */
	u8	cpl;
	bool	cs_long;
};

/* An exception, NMI, soft or external interrupt on its way into the guest. */
enum x86_event_type {
	X86_EVENT_NONE,
	X86_EVENT_EXCEPTION,
	X86_EVENT_NMI,
	X86_EVENT_INTERRUPT,		/* external */
	X86_EVENT_SOFT_INTERRUPT,	/* INT n */
};

struct x86_event {
	u8	type;			/* enum x86_event_type */
	u8	vector;
	bool	has_error;
	u8	insn_len;		/* soft interrupt, #BP, #OF: of the instruction */
	u32	error;
};

/* What the last exit said, in common terms; the vendor fills it in. */
struct exit_info {
	u32	code;			/* the vendor's exit code */
	bool	final_access;		/* memory: the guest's own access, no table of it */
	u8	insn_count;		/* bytes in insn[]; 0: none given */
	u8	insn[15];		/* the instruction, as far as hardware says */
	u64	info1, info2;		/* the vendor's qualification */
	u64	next_rip;		/* 0: hardware does not say */
};

enum x86_window {
	X86_WINDOW_INTERRUPT,		/* exit when an interrupt can be taken */
	X86_WINDOW_NMI,			/* exit when an NMI can be taken */
};

struct lapic;
struct ioapic;
struct pic;
struct pit;
struct x86_emulation;
struct cpuid_index;

#define X86_CPUID_WORDS		22

/* The guest's CPUID, and what the hot path asks of it. */
struct x86_cpuid {
	struct kvm_cpuid_entry2	*entry;		/* (m) */
	int			 count;
	u8			 maxphyaddr;
	u64			 reserved_cr4;	/* bits the guest may not set */
	u64			 efer_allowed;
	u64			 xcr0_allowed;
	u64			 xss_allowed;
	u32			 pv_features;	/* leaf 0x40000001 eax */
	struct cpuid_index	*index;		/* (m) finds entries; cpuid.c */
	/* By word of X86_FEATURE_*: set for the guest, and served by us. */
	u32			 word[X86_CPUID_WORDS];
};

/* kvmclock and steal time of one vCPU (clock.c). */
struct x86_pvclock {
	u64	system_time_msr;	/* as written: gpa | 1 if enabled */
	u64	wall_clock_msr;
	u64	steal_time_msr;
	u32	version;
	bool	guest_paused;		/* KVM_KVMCLOCK_CTRL */
	bool	wall_clock_due;		/* to be written at the next update */
	struct steal_clock steal_clock;
	u64	steal;			/* ns, as the guest sees it */
	u32	steal_version;
	bool	steal_preempted;	/* the guest was told that the vCPU is */
	u64	updated_tsc;		/* host TSC at the last update of the page */
};

/* Exceptions and NMIs that wait for entry (events.c). */
struct x86_events {
	struct x86_event injected;	/* given to the hardware, or to be given again */
	struct x86_event exception;	/* raised by us, not yet given */
	u64	exception_payload;	/* cr2 or dr6 of it */
	bool	has_payload;
	u8	nmi_pending;		/* 0..2 */
	bool	window_interrupt;	/* window is on */
	bool	window_nmi;
	u32	sipi_vector;
	unsigned long init_sipi;	/* (a) bits X86_INIT_PENDING, X86_SIPI_PENDING */
	bool	triple_fault;
	bool	check;			/* commit has to look: see x86_events_recheck() */
	bool	user_window;		/* user space waits for an interrupt window */
	bool	pv_unhalted;		/* (b) KVM_HC_KICK_CPU ended, or ends, a halt */
};

enum { X86_INIT_PENDING, X86_SIPI_PENDING };

/* A page of code that instructions were read from lately (walk.c): sets of them, by address. */
#define X86_FETCH_SETS	8
#define X86_FETCH_WAYS	2
struct x86_fetch {
	u64	rip;			/* of its first byte */
	u64	cs_base, cr3;
	hva_t	hva;
	u64	generation;		/* vm->slots_generation; 0: nothing is remembered */
	/* The entries that led there in long mode; other modes: none. */
	u8	steps;
	struct x86_fetch_step {
		hva_t	hva;
		u64	entry;
	}	step[5];
};

#define X86_MOV_FORMS	8
#define X86_MOV_NONE	0xff

/*
 * What the bytes of a MOV say, whatever registers hold (insn_mov.c).  Of an immediate,
 * @reg says nothing.
 */
struct x86_mov_form {
	u64	bytes[2];
	s64	displacement, immediate;
	u8	length;
	u8	base, index, shift;	/* X86_MOV_NONE: none */
	u8	reg;
	u8	size;			/* of the operand in memory, bytes; 0: no form at all */
	u8	reg_size;		/* of that in the register */
	bool	write, has_immediate, rip_relative;
};

/* One that is being done (emulate_mov.c). */
struct x86_mov {
	u64	bytes[2];
	u64	data;			/* to be written, or that was read */
	u64	address;		/* what the operand's bytes say, in 64 bits */
	u64	rip, cs_base, next_rip;
	u8	reg;
	u8	size;			/* of the operand in memory, bytes */
	u8	reg_size;		/* of that in the register */
	bool	write;
};

struct x86_stats {
	u64	exceptions;		/* given to the guest */
	u64	nmis;			/* given to the guest */
	u64	interrupt_windows;	/* times an interrupt had to wait */
	u64	hypercalls;
	u64	emulated;		/* instructions (emulate.c) */
};

struct vcpu_arch {
	struct x86_state	state;	/* first: see switch.S of the vendors */
	u32			valid;	/* groups held in state */
	u32			dirty;	/* groups newer here than in hardware */
	struct exit_info	exit;
	struct x86_events	events;

	struct lapic		*lapic;		/* (c) */
	u64			 apic_base;	/* (m) IA32_APIC_BASE */
	u64			 cr8;		/* (m) without an in-kernel LAPIC */
	int			 interrupt;	/* (m) KVM_INTERRUPT vector, or -1 */

	struct fpu_guest	 fpu;		/* (c) pointer; contents (m) */
	u64			 xcr0, xss;	/* (m) the guest's */
	u32			 pkru;		/* (m) the guest's, while not live */

	struct x86_cpuid	 cpuid;		/* (m) */
	struct x86_emulation	*emulation;	/* (m) instruction under way, or NULL */
	struct x86_fetch	 fetch[X86_FETCH_SETS][X86_FETCH_WAYS];	/* (m) see fetch.h */
	struct x86_mov		 mov;		/* (m) under way; see emulate_mov.c */
	struct x86_mov_form	 mov_form[X86_MOV_FORMS];	/* (m) seen lately; the same */
	struct x86_pvclock	 pvclock;	/* (m) */

	/* Time: guest TSC = host TSC + tsc_offset. */
	u64			 tsc_offset;	/* (m) */
	u64			 tsc_adjust;	/* (m) IA32_TSC_ADJUST */
	u32			 tsc_khz;	/* (m) */
	u64			 tsc_aux;	/* (m) */
	u64			 tsc_generation;	/* clock_lock; member if the VM's */
	bool			 clock_counted;	/* (c) in the VM's clock_vcpus */
	u64			 tsc_shift;	/* (m) of the host, in tsc_offset already */

	u8			 msr_passed;	/* (m) X86_PASS_*: the guest has these of the CPU */
	u8			 msr_hint[16];	/* (m) rows of msr.c, by the MSR's low bits */

	/* Plain MSR storage (msr.c). */
	u64			 misc_enable, mtrr_def_type, mtrr_fixed[11],
				 mtrr_var[16], mcg_cap, mcg_status, mcg_ctl,
				 mce_bank[4 * 32], arch_capabilities, microcode,
				 hwcr, virt_ssbd, platform_info, smi_count, feature_control,
				 poll_control, osvw_length, osvw_status;

	/* Port I/O that user space serves (io.c): see x86_pio(). */
	struct {
		u16	port;
		u8	size;
		bool	in;
		u32	count;
		int	(*complete)(struct vcpu *vcpu);
	}			 pio;		/* (m) */

	/* KVM_GUESTDBG_USE_HW_BP: user space's breakpoints, shown to the CPU
	 * instead of the guest's dr0..3 and dr7.
	 */
	u64			 debug_dr[4], debug_dr7;	/* (m) */

	u64			 serial;	/* (c) no other vCPU ever has it */
	struct x86_stats	 stats;		/* (m) for writing */
	u64			 last_host_tsc;	/* (m) at put; -> CPUs whose TSC jumped */
	bool			 reset_done;

	union {
		struct svm_vcpu	 svm;
		struct vtx_vcpu	 vtx;
	};
};

struct vm_arch {
	struct pic		*pic;		/* (v) set with has_irqchip */
	struct ioapic		*ioapic;	/* (v) */
	struct pit		*pit;		/* (v) */
	bool			 split_irqchip;	/* (v) LAPIC in the kernel only */
	u8			 reserved_ioapic_pins;	/* (v) with split */
	bool			 x2apic_32bit_ids;	/* (v) KVM_CAP_X2APIC_API */
	bool			 x2apic_no_broadcast;	/* (v) */
	struct lapic_map __rcu	*lapic_map;	/* irq_srcu or RCU; lapic.c */
	struct mutex		 lapic_map_lock;
	struct list_head	 lapics;	/* lapic_map_lock, RCU; set up with has_irqchip */

	/* kvmclock: one pair of (host time, TSC) for all vCPUs (clock.c). */
	raw_spinlock_t		 clock_lock;
	s64			 kvmclock_offset;	/* clock_lock; ns */
	u64			 master_tsc;		/* clock_lock */
	u64			 master_ns;		/* clock_lock */
	bool			 clock_stable;	/* clock_lock; the pair serves all vCPUs */
	/* The offset that vCPUs with synchronised TSCs share, and how many do. */
	u64			 tsc_shared_offset;	/* clock_lock */
	u64			 tsc_generation;	/* clock_lock; 0: nobody yet */
	u64			 tsc_shift;	/* clock_lock; see clock.c */
	u32			 tsc_members;	/* clock_lock */
	u32			 clock_vcpus;	/* clock_lock; vCPUs there are */
	u32			 default_tsc_khz;	/* (c) */
	u32			 clock_mul;	/* (c) TSC ticks to ns: << shift, * mul >> 32 */
	s8			 clock_shift;	/* (c) */

	u64			 identity_map_addr;	/* (v) */
	u64			 tss_addr;		/* (v) */
	u32			 boot_cpu_id;		/* (v) */
	bool			 guest_can_read_msr_platform_info;
	bool			 host_begun;		/* between x86_host_vm_begin and _end */

	union {
		struct svm_vm	 svm;
		struct vtx_vm	 vtx;
	};
};

#endif /* ARCH_TYPES_H */

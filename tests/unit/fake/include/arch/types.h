/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fifth architecture: a CPU that runs what a test wrote down for it, on page
 * tables of any format, with a TLB per vCPU that only a flush empties.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <linux/kvm.h>
#include <core/types.h>

#define ARCH_MAX_VCPUS		8
#define ARCH_MAX_VCPU_ID	64
#define ARCH_ADDRESS_SPACES	2
#define ARCH_READONLY_SLOTS	1
#ifdef KVM_PIO_PAGE_OFFSET
#define ARCH_HAS_PIO		1
#define ARCH_RUN_PAGES		3
#else
#define ARCH_RUN_PAGES		2
#endif

/* One instruction. */
enum fake_opcode {
	FAKE_LOAD,	/* value = memory at gpa */
	FAKE_STORE,	/* memory at gpa = value */
	FAKE_FETCH,	/* as a load, but of an instruction */
	FAKE_NOP,	/* an exit that the fast handler deals with */
	FAKE_HALT,	/* until an interrupt is pending */
	FAKE_OUT,	/* port gpa, size 1 to 8: a device in the kernel, or user space */
	FAKE_SPIN,	/* stay in the guest until something from outside ends it */
	FAKE_STOP,	/* KVM_EXIT_SHUTDOWN */
};

struct fake_insn {
	enum fake_opcode opcode;
	gpa_t	gpa;
	u64	value;
	int	len;		/* 1, 2, 4, 8; 0: 8 */
};

/* Why the guest was left. */
enum fake_exit {
	FAKE_EXIT_INSN,		/* the instruction itself */
	FAKE_EXIT_FAULT,	/* stage 2 at info1, for access info2 */
	FAKE_EXIT_IRQ,		/* of the host */
};

#define FAKE_TLB_SIZE	64

struct fake_tlb_entry {
	bool	valid;
	int	as_id;
	gfn_t	gfn;
	hpa_t	hpa;
	u8	prot;
	bool	dirty;
};

#define FAKE_LOG_SIZE	16

struct vcpu_arch {
	struct {
		u32	code;
		u64	info1, info2;
	}			 exit;
	struct fake_insn	*program;	/* the test's */
	int			 length;
	int			 pc;
	u64			 mmio_data;
	int			 interrupts;	/* (a) pending */
	bool			 in_guest;	/* (b) between the first and last access of a stay */
	u64			 entries;
	u64			 handled;	/* by handle_exit */
	struct fake_tlb_entry	 tlb[FAKE_TLB_SIZE];
	/* Frames whose entries were made dirty, if the format logs writes. */
	gfn_t			 log[FAKE_LOG_SIZE];
	int			 logged;
};

struct vm_arch {
	int	level[64][4];			/* (a) lines by pin and source */
};

#endif /* ARCH_TYPES_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits: the table of causes, the fast ones among them, and faults on guest
 * physical memory.  Trapped instructions are in insn.c and csr.c, firmware calls
 * in fw.c.
 */
#include <linux/nospec.h>
#include <asm/sbi.h>

#include "riscv.h"

/* Pseudoinstructions in htinst: the access was to the guest's own page tables. */
#define HTINST_PSEUDO_MASK	0xffffffdfULL	/* the rest: 1 is a write */
#define HTINST_PSEUDO_32	0x00002000ULL
#define HTINST_PSEUDO_64	0x00003000ULL
#define HTINST_PSEUDO_WRITE	BIT_ULL(5)

/* --- memory -------------------------------------------------------------------- */

static bool exit_is_walk(const struct exit_info *exit)
{
	u64 insn = exit->insn & HTINST_PSEUDO_MASK;

	/* Mostly it is an instruction, and those are odd. */
	if (exit->insn & 1)
		return false;

	return insn == HTINST_PSEUDO_32 || insn == HTINST_PSEUDO_64;
}

/* @access: of the instruction; @cause: the access fault that stands for it. */
static __always_inline int exit_fault(struct vcpu *vcpu, u8 access, unsigned long cause)
{
	const struct exit_info *exit = &vcpu->arch.exit;
	gpa_t gpa = riscv_exit_gpa(vcpu);
	bool walk = exit_is_walk(exit);
	int ret;

	if (walk)
		access = exit->insn & HTINST_PSEUDO_WRITE ? PROT_GUEST_WRITE : PROT_GUEST_READ;

	ret = vcpu_fault(vcpu, gpa, access);
	if (ret == FAULT_MAPPED) {
		riscv_mmu_faulted(gpa);
		return RESUME_GUEST;
	}
	if (ret != FAULT_NO_SLOT && ret != FAULT_READONLY)
		return ret;
	/* A guest whose page table is no memory gets an access fault for the access. */
	if (walk || cause == EXC_INST_ACCESS)
		return riscv_inject(vcpu, cause, exit->info1);

	vcpu->arch.stats.mmio_insns++;

	return riscv_emulate_access(vcpu, gpa, cause == EXC_STORE_ACCESS);
}

static int exit_fetch_fault(struct vcpu *vcpu)
{
	return exit_fault(vcpu, PROT_GUEST_EXEC, EXC_INST_ACCESS);
}

/* --- others --------------------------------------------------------------------- */

/* An exception of the guest that came here first. */
static int exit_redirect(struct vcpu *vcpu)
{
	return riscv_inject(vcpu, vcpu->arch.exit.code, vcpu->arch.exit.info1);
}

/* One that the firmware would have seen, and counts. */
static int exit_counted(struct vcpu *vcpu)
{
	static const u8 event[] = {
		[EXC_LOAD_MISALIGNED]	= SBI_PMU_FW_MISALIGNED_LOAD,
		[EXC_LOAD_ACCESS]	= SBI_PMU_FW_ACCESS_LOAD,
		[EXC_STORE_MISALIGNED]	= SBI_PMU_FW_MISALIGNED_STORE,
		[EXC_STORE_ACCESS]	= SBI_PMU_FW_ACCESS_STORE,
	};

	riscv_pmu_count(vcpu, event[vcpu->arch.exit.code]);

	return exit_redirect(vcpu);
}

static int exit_breakpoint(struct vcpu *vcpu)
{
	if (!(vcpu->debug_flags & KVM_GUESTDBG_ENABLE))
		return exit_redirect(vcpu);

	return vcpu_exit(vcpu, KVM_EXIT_DEBUG);
}

static noinline int exit_unknown(struct vcpu *vcpu)
{
	const u64 data[] = { vcpu->arch.exit.code, vcpu->arch.exit.info1,
			     vcpu->arch.exit.info2, vcpu->arch.exit.insn };

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				  ARRAY_SIZE(data));
}

/* --- dispatch ---------------------------------------------------------------------- */

/* By cause, but for faults of loads and stores; no row: exit_unknown(). */
static int (*const exits[])(struct vcpu *vcpu) = {
	[EXC_INST_MISALIGNED]		= exit_redirect,
	[EXC_INST_ACCESS]		= exit_redirect,
	[EXC_INST_ILLEGAL]		= riscv_exit_illegal_insn,
	[EXC_BREAKPOINT]		= exit_breakpoint,
	[EXC_LOAD_MISALIGNED]		= exit_counted,
	[EXC_LOAD_ACCESS]		= exit_counted,
	[EXC_STORE_MISALIGNED]		= exit_counted,
	[EXC_STORE_ACCESS]		= exit_counted,
	[EXC_SYSCALL]			= exit_redirect,
	[EXC_SUPERVISOR_SYSCALL]	= riscv_exit_sbi,	/* from VS-mode */
	[EXC_INST_PAGE_FAULT]		= exit_redirect,
	[EXC_LOAD_PAGE_FAULT]		= exit_redirect,
	[EXC_STORE_PAGE_FAULT]		= exit_redirect,
	[EXC_INST_GUEST_PAGE_FAULT]	= exit_fetch_fault,
	[EXC_VIRTUAL_INST_FAULT]	= riscv_exit_virtual_insn,
};

int riscv_fast_trap(struct vcpu *vcpu)
{
	u64 code = vcpu->arch.exit.code;

	if (code == EXC_VIRTUAL_INST_FAULT)
		return riscv_fast_virtual_insn(vcpu);
	if (code == EXC_LOAD_GUEST_PAGE_FAULT || code == EXC_STORE_GUEST_PAGE_FAULT)
		return riscv_fast_access(vcpu, code == EXC_STORE_GUEST_PAGE_FAULT);

	return RESUME_GUEST;
}

int riscv_vcpu_handle_exit(struct vcpu *vcpu)
{
	u64 code = vcpu->arch.exit.code;

	/* What a guest does most of what comes here: 30 instructions less than by the table. */
	if (code == EXC_STORE_GUEST_PAGE_FAULT)
		return exit_fault(vcpu, PROT_GUEST_WRITE, EXC_STORE_ACCESS);
	if (code == EXC_LOAD_GUEST_PAGE_FAULT)
		return exit_fault(vcpu, PROT_GUEST_READ, EXC_LOAD_ACCESS);
	/* A host interrupt: the host has taken it by now. */
	if (code & RISCV_CAUSE_INTERRUPT)
		return RESUME_GUEST;
	if (code >= ARRAY_SIZE(exits))
		return exit_unknown(vcpu);
	code = array_index_nospec(code, ARRAY_SIZE(exits));
	if (!exits[code])
		return exit_unknown(vcpu);

	return exits[code](vcpu);
}

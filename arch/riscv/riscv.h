/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of arch/riscv share.  Core sees none of it.
 */
#ifndef RISCV_RISCV_H
#define RISCV_RISCV_H

#include <linux/kvm.h>
#include <asm/csr.h>
#include <asm/insn-def.h>
#include <core/ioctl.h>
#include <core/irq.h>
#include <core/memslot.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* Our requests; see enum of core/vcpu.h. */
enum {
	REQ_FENCE_I = REQ_ARCH,	/* the guest's instruction stream changed: fence.i */
	REQ_FENCE_VVMA,		/* drop what is cached of the guest's own page tables */
	REQ_START,		/* another hart started this one: context from arch.start */
	REQ_STEAL,		/* report stolen time anew */
	REQ_IMSIC,		/* the interrupt file must follow to this CPU */
	REQ_TIME,		/* the VM's time was set */
};

/* --- the host ---------------------------------------------------------------- */

/* What the host's CPUs all have, found out at setup; constant from then on. */
struct riscv_host {
	bool		sstc, svpbmt, svnapot, svinval, smstateen, aia, sscofpmf;
	bool		zicbom, zicboz, fp, vector;
	unsigned long	hgatp_mode;	/* HGATP_MODE_*, the largest that works */
	unsigned int	vmid_bits;	/* 0: none */
	unsigned int	guest_files;	/* interrupt files per CPU for guests (GEILEN), 0: none */
	u32		timebase;	/* ticks per second of the time CSR */
	unsigned long	mvendorid, marchid, mimpid;
};

extern struct riscv_host riscv_host;

/* init.c: the exceptions that a guest's supervisor takes directly. */
extern const unsigned long riscv_hedeleg;

/* host.c.  May sleep.  0 or -errno with a sentence in the log. */
int riscv_host_setup(void);
void riscv_host_teardown(void);

/* --- vcpu.c: registers, exceptions, interrupts ---------------------------------- */

static inline unsigned long riscv_gpr(struct vcpu *vcpu, unsigned int number)
{
	return vcpu->arch.context.gpr[number & 31];
}

/* x0 stays 0. */
static inline void riscv_set_gpr(struct vcpu *vcpu, unsigned int number, unsigned long value)
{
	if (number & 31)
		vcpu->arch.context.gpr[number & 31] = value;
}

/* Is the guest in VU-mode (or was, at the exit)? */
static inline bool riscv_user_mode(struct vcpu *vcpu)
{
	return !(vcpu->arch.context.sstatus & SR_SPP);
}

/*
 * Let the guest's supervisor take an exception, as the hardware would (ISA
 * manual, "Trap Entry").  vCPU loaded.  Returns RESUME_GUEST.
 */
int riscv_redirect(struct vcpu *vcpu, const struct riscv_trap *trap);
/* The same for an exception of the instruction at pc. */
int riscv_inject(struct vcpu *vcpu, unsigned long cause, unsigned long tval);

/*
 * Fetch the instruction at @pc (guest virtual) as the guest would.  vCPU loaded,
 * irqs on or off.  Returns 0 and *@insn (16-bit ones in the low half), or 1: the
 * guest may not, @trap says why, to be redirected; or 2: not now (the host has to
 * bring the page in: just enter again).
 */
int riscv_fetch(struct vcpu *vcpu, unsigned long pc, u32 *insn, struct riscv_trap *trap);

static inline unsigned int riscv_insn_length(u32 insn)
{
	return (insn & 3) == 3 ? 4 : 2;
}

/*
 * Raise or lower an interrupt (IRQ_VS_SOFT, IRQ_VS_TIMER, IRQ_VS_EXT, IRQ_PMU_OVF) and kick.
 * Any context.
 */
void riscv_irq_set(struct vcpu *vcpu, unsigned int irq);
void riscv_irq_clear(struct vcpu *vcpu, unsigned int irq);
/*
 * The guest's sip as it sees it (BIT(IRQ_S_*)); for ONE_REG.  vcpu->mutex held, not
 * in KVM_RUN.  Set leaves alone what the timer and the interrupt file say.
 */
unsigned long riscv_sip(struct vcpu *vcpu);
void riscv_set_sip(struct vcpu *vcpu, unsigned long sip);

/* Has the guest an interrupt that is pending and enabled?  vCPU loaded, irqs off. */
bool riscv_irq_ready(struct vcpu *vcpu);
/*
 * WFI: sleep until an interrupt is pending and enabled.  May sleep; vCPU loaded,
 * srcu held as for vcpu_halt().
 */
void riscv_wait(struct vcpu *vcpu);

/*
 * Read 8 aligned bytes at a guest virtual address, as the guest's supervisor.
 * vCPU loaded, may sleep.  0; 1: the guest may not, @trap says why; 2: not now,
 * enter again at the same instruction; or -errno.
 */
int riscv_guest_read_ulong(struct vcpu *vcpu, unsigned long gva, unsigned long *value,
			   struct riscv_trap *trap);

/* Begin at @pc in S-mode with a0 = hart id and a1: as SBI HSM has it.  (m) */
void riscv_hart_begin(struct vcpu *vcpu, unsigned long pc, unsigned long a1);
/* Extensions are final now; computes arch.config.  (m) */
void riscv_configure(struct vcpu *vcpu);

/* --- insn.c, csr.c: trapped instructions ---------------------------------------------- */

/*
 * The load or store at pc that faulted at @gpa, where no memory is.
 * handle_exit's results.
 */
int riscv_emulate_access(struct vcpu *vcpu, gpa_t gpa, bool store);
/* The same for a device in the kernel, if that can be done at once.  fast_exit's results. */
int riscv_fast_access(struct vcpu *vcpu, bool store);
/* EXC_VIRTUAL_INST_FAULT and EXC_INST_ILLEGAL.  handle_exit's results. */
int riscv_exit_virtual_insn(struct vcpu *vcpu);
int riscv_exit_illegal_insn(struct vcpu *vcpu);
/* EXC_VIRTUAL_INST_FAULT: a WFI that need not wait.  fast_exit's results. */
int riscv_fast_virtual_insn(struct vcpu *vcpu);

/*
 * One CSR instruction's read-modify-write: *@old = value; value = (value & ~mask)
 * | (new & mask); mask 0: only read.  Handlers of csr.c's table and of the AIA.
 */
enum riscv_csr_result {
	CSR_DONE,		/* *@old is what the instruction reads */
	CSR_ILLEGAL,		/* the guest gets an illegal instruction exception */
	CSR_VIRTUAL,		/* the guest gets a virtual instruction exception */
	CSR_USER,		/* user space answers: KVM_EXIT_RISCV_CSR */
};

/* --- fw.c: SBI ------------------------------------------------------------------------- */

/* EXC_SUPERVISOR_SYSCALL.  handle_exit's results; fast_exit's are in <arch/hot.h>. */
int riscv_exit_sbi(struct vcpu *vcpu);
/* Extensions a new vCPU has: sets arch.sbi. */
void riscv_sbi_reset(struct vcpu *vcpu);
/* May user space see and switch KVM_RISCV_SBI_EXT_@ext?  For ONE_REG. */
bool riscv_sbi_known(unsigned int ext);

/*
 * KVM_RISCV_SBI_EXT_* that the headers of these kernels may not have yet, and how
 * many ids there are to know.
 */
enum {
	RISCV_SBI_SUSP = 11,
	RISCV_SBI_FWFT,
	RISCV_SBI_COUNT,
};

/*
 * Firmware features: fw_feature.c.  create: all are offered.  reset: as they are when
 * a hart begins; loaded or not.  (m)
 */
void riscv_feature_create(struct vcpu *vcpu);
void riscv_feature_reset(struct vcpu *vcpu);
/* Do the host's CPUs have it, and may it have this value?  RISCV_FEATURE_*. */
bool riscv_feature_known(unsigned int number);
bool riscv_feature_valid(unsigned int number, unsigned long value);
/* What the features put into henvcfg.  (m) */
u64 riscv_feature_henvcfg(struct vcpu *vcpu);
/* Finds out what the CPU has. */
void riscv_feature_setup(void);

/*
 * Steal time: steal.c.  STA's row of fw.c's table; a0..a2 in gprs, srcu held.
 * load and put: as vcpu_ops', with a record, and of a thread that would rather run on;
 * load sets REQ_STEAL if there is news.  update: serve
 * it; may sleep, srcu held.
 */
void riscv_steal_call(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
void riscv_steal_load(struct vcpu *vcpu);
void riscv_steal_put(struct vcpu *vcpu);
void riscv_steal_update(struct vcpu *vcpu);

/*
 * PMU: pmu.c.  call: fw_pmu.c, PMU's row of fw.c's table; a0..a5 in gprs, srcu held,
 * vCPU loaded, may sleep.  reset and destroy may sleep; both accept a vCPU that has
 * none.  follow: the events are this thread's from now on; as vcpu_ops.run_begin, with
 * arch.pmu.
 */
void riscv_pmu_call(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
void riscv_pmu_destroy(struct vcpu *vcpu);
void riscv_pmu_reset(struct vcpu *vcpu);
void riscv_pmu_follow(struct vcpu *vcpu);
void riscv_pmu_count_event(struct vcpu *vcpu, unsigned int event);
/*
 * SBI_PMU_FW_@event happened to @vcpu, whoever runs this.  Any context.  Costs a
 * load and a branch as long as no counter of @vcpu wants to know.
 */
static inline void riscv_pmu_count(struct vcpu *vcpu, unsigned int event)
{
	if (unlikely(READ_ONCE(vcpu->arch.pmu_events) & BIT(event)))
		riscv_pmu_count_event(vcpu, event);
}
/* hpmcounter CSRs (cycle, instret, hpmcounter3..31) read by the guest. */
enum riscv_csr_result riscv_pmu_csr(struct vcpu *vcpu, unsigned int csr, unsigned long *old);

/* --- isa.c: extensions --------------------------------------------------------------------- */

/* Finds out what can be offered, once the rest of struct riscv_host is known. */
void riscv_isa_setup(void);
/* Does the host have what KVM_RISCV_ISA_EXT_@ext promises a guest? */
bool riscv_isa_host(unsigned int ext);
/* May user space take it away from a guest? */
bool riscv_isa_removable(unsigned int ext);
/* All that the host has: sets arch.isa. */
void riscv_isa_reset(struct vcpu *vcpu);
static inline bool riscv_isa(struct vcpu *vcpu, unsigned int ext)
{
	return test_bit(ext, vcpu->arch.isa);
}
/*
 * Give the guest the extensions of @add and take those of @remove, bitmaps as
 * arch.isa: with what they need, and what needs them.  (m)  0, -EBUSY (it has run,
 * and something would change), -EINVAL (the host has it not, or nothing hides it);
 * nothing changed on error.
 */
int riscv_isa_change(struct vcpu *vcpu, const unsigned long *add, const unsigned long *remove);
/* The misa letters of the guest, as KVM_REG_RISCV_CONFIG_REG(isa) has them. */
unsigned long riscv_isa_letters(struct vcpu *vcpu);
/* These and no others; as riscv_isa_change(). */
int riscv_isa_set_letters(struct vcpu *vcpu, unsigned long letters);

/* --- regs.c --------------------------------------------------------------------------------- */

long riscv_ioctl_get_one_reg(void *object, void *data, unsigned long user);
long riscv_ioctl_set_one_reg(void *object, void *data, unsigned long user);
long riscv_ioctl_get_reg_list(void *object, void *data, unsigned long user);

/* --- ioctl.c -------------------------------------------------------------------------------- */

/*
 * Serve REQ_START: a start that another hart ordered takes place now, loaded or
 * not.  (m), may sleep.
 */
void riscv_start_pending(struct vcpu *vcpu);

/* --- simd.c ---------------------------------------------------------------------------------- */

int riscv_simd_create(struct vcpu *vcpu);
void riscv_simd_destroy(struct vcpu *vcpu);
void riscv_simd_reset(struct vcpu *vcpu);

/* --- timer.c ---------------------------------------------------------------------------------- */

void riscv_timer_create(struct vcpu *vcpu);
void riscv_timer_destroy(struct vcpu *vcpu);
void riscv_timer_reset(struct vcpu *vcpu);

/* A compare value that never comes, as the reset state and the guest have it. */
#define RISCV_TIMER_NEVER	U64_MAX

static inline u64 riscv_timer_delta(const struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->vm->arch.time_delta);
}

/* Load and put of the hardware's part; as vcpu_ops.load and put. */
static inline void riscv_timer_load(struct vcpu *vcpu)
{
	csr_write(CSR_HTIMEDELTA, riscv_timer_delta(vcpu));
	if (riscv_host.sstc)
		csr_write(CSR_VSTIMECMP, vcpu->arch.timer.compare);
}

/* There is nobody to take the interrupt from here on. */
static inline void riscv_timer_put(struct vcpu *vcpu)
{
	if (riscv_host.sstc)
		vcpu->arch.timer.compare = csr_swap(CSR_VSTIMECMP, RISCV_TIMER_NEVER);
}

/* Arm and disarm the wake source of a halt. */
void riscv_timer_block(struct vcpu *vcpu);
void riscv_timer_unblock(struct vcpu *vcpu);
/* The guest's time CSR now. */
u64 riscv_time(struct vcpu *vcpu);
/* The guest asks for an interrupt at @compare (SBI TIME).  vCPU loaded. */
void riscv_timer_program(struct vcpu *vcpu, u64 compare);	/* without Sstc */
static inline void riscv_timer_set(struct vcpu *vcpu, u64 compare)
{
	if (riscv_host.sstc)
		csr_write(CSR_VSTIMECMP, compare);
	else
		riscv_timer_program(vcpu, compare);
}
/* Has the compare value passed (with a timer set)?  Memory only. */
bool riscv_timer_expired(struct vcpu *vcpu);
/*
 * ONE_REG's time, compare and state; vCPU not loaded, (m).  Setting time moves
 * all vCPUs' clocks: they show one time.
 */
u64 riscv_timer_compare(struct vcpu *vcpu);
bool riscv_timer_is_set(struct vcpu *vcpu);	/* not "never" */
void riscv_timer_set_time(struct vcpu *vcpu, u64 time);
/* Serve REQ_TIME.  vCPU loaded, preemptible. */
void riscv_timer_follow(struct vcpu *vcpu);
void riscv_timer_set_compare(struct vcpu *vcpu, u64 compare);
void riscv_timer_set_state(struct vcpu *vcpu, bool on);

/* --- mmu.c ----------------------------------------------------------------------------- */

/* Finds out what the CPU has.  0, or -errno with a sentence in the log. */
int riscv_mmu_setup(void);
/* This CPU has nothing cached of any guest; it will not walk their tables.  irqs off. */
void riscv_mmu_cpu_enable(void);
void riscv_mmu_cpu_disable(void);
/* hgatp for this vCPU's VM, and what another vCPU left is gone.  Preemption off. */
void riscv_mmu_load(struct vcpu *vcpu, int cpu);
/* In prepare: the VM has a VMID of the current generation.  May sleep. */
void riscv_mmu_prepare(struct vcpu *vcpu);
/* Is the vCPU loaded, with such a VMID in hgatp?  Right as long as irqs are off. */
bool riscv_mmu_is_current(const struct vcpu *vcpu);
/* Serve REQ_FLUSH_ALL, REQ_FENCE_I, REQ_FENCE_VVMA.  vCPU loaded, preemptible. */
void riscv_mmu_requests(struct vcpu *vcpu);
/*
 * A fault at @gpa was served: this CPU looks at the page tables again.  It may have cached
 * that there was nothing, and go on to believe it.
 */
static inline void riscv_mmu_faulted(gpa_t gpa)
{
	asm volatile(HFENCE_GVMA(%0, zero) : : "r" (gpa >> 2) : "memory");
}
/* Bits of a guest physical address. */
int riscv_mmu_gpa_bits(void);

/* --- irqchip.c, aplic.c, imsic.c: the AIA ------------------------------------------------------- */

extern const struct device_guest_type riscv_aia_device;
/* User space's level of an APLIC's wire.  Any source; vm_has_irqchip(). */
void riscv_irqchip_line(struct vm *vm, u32 source, int level);

/* imsic.c, per vCPU; all accept arch.imsic NULL. */
/* In prepare: the file follows the vCPU to this CPU.  May sleep, irqs on. */
int imsic_prepare(struct vcpu *vcpu);
/* In prepare, around the halt of a hart that is stopped: it needs no file. */
void imsic_stop(struct vcpu *vcpu);
void imsic_start(struct vcpu *vcpu);
/* As vcpu_ops.load.  The file stays where it is in put, and collects messages. */
void imsic_load(struct vcpu *vcpu);
/* Is an interrupt pending and enabled in the file?  Any context. */
bool imsic_pending(struct vcpu *vcpu);
/* A halt: the guest external interrupt of its file wakes it. */
void imsic_block(struct vcpu *vcpu);
void imsic_unblock(struct vcpu *vcpu);
/* The guest accesses stopei, siselect/sireg that the hardware does not have for it. */
enum riscv_csr_result imsic_csr(struct vcpu *vcpu, unsigned int csr, unsigned long *old,
				unsigned long value, unsigned long mask);
/* Setup and teardown of the per-CPU parts (guest external interrupt). */
int imsic_setup(void);
void imsic_teardown(void);
void imsic_cpu_enable(void);
void imsic_cpu_disable(void);

#endif /* RISCV_RISCV_H */

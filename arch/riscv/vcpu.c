// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a VM and a vCPU: creation, reset, load and put of the CSRs that
 * are the guest's, interrupts on their way into hvip, exceptions on their way to
 * the guest's supervisor, halts.  Exits are in exit.c, the switch in switch.S.
 *
 * The CSRs of the guest are in the hardware from load to put and in
 * vcpu->arch.csr otherwise.  Code that runs between the two reads and writes them
 * with csr_read() and csr_write(), preemptible or not: put and load take them
 * along.
 */
#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <core/stats.h>

#include "riscv.h"

/*
 * The switch must not fault, and where kvzalloc() takes a vCPU from vmalloc a CPU may
 * do so with each page that it has not seen yet.  All is on the first one, as what
 * core looks at before.
 */
static_assert(offsetofend(struct vcpu, arch.exit) <= PAGE_SIZE);

static atomic64_t vcpu_serials = ATOMIC64_INIT(0);

/* switch.S */
unsigned long riscv_hlvx_hu(unsigned long address, unsigned long *value);
unsigned long riscv_hlv_d(unsigned long address, unsigned long *value);

#define STAT(name_)	\
	{ .name = #name_, .flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | \
	  KVM_STATS_BASE_POW10, .offset = offsetof(struct vcpu, arch.stats.name_) }

const struct stats_desc arch_vcpu_stats[] = {
	STAT(sbi_calls),
	STAT(csr_exits),
	STAT(wfi_exits),
	STAT(mmio_insns),
	STAT(redirected),
	{ .name = NULL }
};

/* --- VMs --------------------------------------------------------------------- */

int riscv_vcpu_vm_create(struct vm *vm, unsigned long type)
{
	if (type)
		return -EINVAL;

	/* The guest's time begins at 0. */
	vm->arch.time_delta = -get_cycles64();

	return 0;
}

void riscv_vcpu_vm_destroy(struct vm *vm)
{
}

/* --- reset --------------------------------------------------------------------- */

/* S-mode, irqs off, no translation, floating point and vector off. */
static void vcpu_reset_registers(struct vcpu *vcpu)
{
	vcpu->arch.context = (struct riscv_context) {
		/* As an exit from S-mode leaves it; SRET turns interrupts on. */
		.sstatus	= SR_SPP | SR_SPIE,
		/* What the guest may do alone: its own sfence.vma and sret. */
		.hstatus	= (csr_read(CSR_HSTATUS) & HSTATUS_VSXL) |
				  HSTATUS_SPV | HSTATUS_SPVP | HSTATUS_VTW,
	};
	/* 64 bits for VU-mode: written as 0 it may stay what another guest chose. */
	vcpu->arch.csr = (struct riscv_csrs) { .sstatus = SR_UXL_64 };
	vcpu->arch.file_changed = true;
	vcpu->arch.suspended = false;
	vcpu->arch.steal.gpa = GPA_INVALID;
	vcpu->arch.steal.preempted = false;
	riscv_simd_reset(vcpu);
	riscv_feature_reset(vcpu);
}

/*
 * What an interrupt controller says stays, and so does what came since the last
 * entry: it may be an IPI for the hart that begins here.
 */
static void vcpu_reset_interrupts(struct vcpu *vcpu)
{
	vcpu->arch.hvip = 0;
	set_bit(IRQ_VS_EXT, &vcpu->arch.irq_changed);
}

void riscv_vcpu_reset(struct vcpu *vcpu)
{
	vcpu_reset_registers(vcpu);
	vcpu_reset_interrupts(vcpu);
	riscv_timer_reset(vcpu);
	riscv_pmu_reset(vcpu);
}

void riscv_hart_begin(struct vcpu *vcpu, unsigned long pc, unsigned long a1)
{
	bool loaded = vcpu->loaded;

	/* What is in the hardware comes back from memory. */
	if (loaded)
		vcpu_put(vcpu);
	riscv_vcpu_reset(vcpu);
	/* What user space still was to finish is of no instruction any more. */
	vcpu->complete = NULL;
	vcpu->arch.context.pc = pc;
	riscv_set_gpr(vcpu, 10, vcpu->id);
	riscv_set_gpr(vcpu, 11, a1);
	if (loaded)
		vcpu_load(vcpu);
}

int riscv_vcpu_create(struct vcpu *vcpu)
{
	int err;

	vcpu->arch.serial = atomic64_inc_return(&vcpu_serials);
	vcpu->arch.mvendorid = riscv_host.mvendorid;
	vcpu->arch.marchid = riscv_host.marchid;
	vcpu->arch.mimpid = riscv_host.mimpid;
	riscv_timer_create(vcpu);
	err = riscv_simd_create(vcpu);
	if (err)
		return err;

	riscv_isa_reset(vcpu);
	riscv_sbi_reset(vcpu);
	riscv_feature_create(vcpu);
	riscv_vcpu_reset(vcpu);
	/* The first hart starts the others. */
	vcpu->mp_state = vcpu->index ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE;

	return 0;
}

void riscv_vcpu_destroy(struct vcpu *vcpu)
{
	/* A half-built one has no timer yet. */
	if (vcpu->arch.serial)
		riscv_timer_destroy(vcpu);
	riscv_pmu_destroy(vcpu);
	riscv_simd_destroy(vcpu);
}

/* --- extensions -------------------------------------------------------------------- */

/* Controls that give the guest what its extensions promise, and nothing else. */
static const struct {
	unsigned int	ext;		/* KVM_RISCV_ISA_EXT_* */
	u64		henvcfg;
} envcfg_bits[] = {
	{ KVM_RISCV_ISA_EXT_SSTC,	ENVCFG_STCE },
	{ KVM_RISCV_ISA_EXT_SVPBMT,	ENVCFG_PBMTE },
	/*
	 * CBO.INVAL writes back before it invalidates: a line that the host has
	 * filled and that is not in memory yet must not give way to what was there
	 * before, which may be another's.
	 */
	{ KVM_RISCV_ISA_EXT_ZICBOM,	ENVCFG_CBCFE | ENVCFG_CBIE_FLUSH << ENVCFG_CBIE_SHIFT },
	{ KVM_RISCV_ISA_EXT_ZICBOZ,	ENVCFG_CBZE },
};

void riscv_configure(struct vcpu *vcpu)
{
	struct riscv_config *config = &vcpu->arch.config;
	int i;

	*config = (struct riscv_config) {
		.hedeleg = riscv_hedeleg,
		.henvcfg = riscv_feature_henvcfg(vcpu),
		.hstateen0 = SMSTATEEN0_HSENVCFG,
		.simd = (riscv_isa(vcpu, KVM_RISCV_ISA_EXT_D) ? SR_FS_CLEAN : SR_FS_OFF) |
			(riscv_isa(vcpu, KVM_RISCV_ISA_EXT_V) ? SR_VS_CLEAN : SR_VS_OFF),
	};
	for (i = 0; i < ARRAY_SIZE(envcfg_bits); i++)
		if (riscv_isa(vcpu, envcfg_bits[i].ext))
			config->henvcfg |= envcfg_bits[i].henvcfg;
	if (riscv_isa(vcpu, KVM_RISCV_ISA_EXT_SSAIA))
		config->hstateen0 |= SMSTATEEN0_AIA_IMSIC | SMSTATEEN0_AIA | SMSTATEEN0_AIA_ISEL;
	if (riscv_isa(vcpu, KVM_RISCV_ISA_EXT_SMSTATEEN))
		config->hstateen0 |= SMSTATEEN0_SSTATEEN0;
	/* A debugger in user space wants breakpoints first. */
	if (vcpu->debug_flags & KVM_GUESTDBG_ENABLE)
		config->hedeleg &= ~BIT(EXC_BREAKPOINT);
}

/* --- load and put --------------------------------------------------------------------- */

/*
 * With an AIA the guest asks for its top interrupt, and an external one that hvip
 * raises has a place among the others only if hvictl gives it a priority (AIA
 * specification, "Hypervisor Virtual Interrupt Control CSR").
 */
static void write_hvip(struct vcpu *vcpu)
{
	unsigned long priority = vcpu->arch.hvip & BIT(IRQ_VS_EXT) ? 1 : 0;

	csr_write(CSR_HVIP, vcpu->arch.hvip);
	if (riscv_host.aia)
		csr_write(CSR_HVICTL, (IRQ_S_EXT << HVICTL_IID_SHIFT) | priority);
}

static void load_aia(struct vcpu *vcpu)
{
	const struct riscv_csrs *csr = &vcpu->arch.csr;

	if (!riscv_host.aia)
		return;

	csr_write(CSR_VSISELECT, csr->siselect);
	csr_write(CSR_HVIPRIO1, csr->iprio1);
	csr_write(CSR_HVIPRIO2, csr->iprio2);
}

static void put_aia(struct vcpu *vcpu)
{
	struct riscv_csrs *csr = &vcpu->arch.csr;

	if (!riscv_host.aia)
		return;

	csr->siselect = csr_read(CSR_VSISELECT);
	csr->iprio1 = csr_read(CSR_HVIPRIO1);
	csr->iprio2 = csr_read(CSR_HVIPRIO2);
}

/* What the extensions of the guest allow it. */
static void load_config(struct vcpu *vcpu)
{
	const struct riscv_config *config = &vcpu->arch.config;

	csr_write(CSR_HEDELEG, config->hedeleg);
	csr_write(CSR_HENVCFG, config->henvcfg);
	if (riscv_host.smstateen) {
		csr_write(CSR_HSTATEEN0, config->hstateen0);
		if (config->hstateen0 & SMSTATEEN0_SSTATEEN0)
			vcpu->arch.host_sstateen0 =
				csr_swap(CSR_SSTATEEN0, vcpu->arch.csr.sstateen0);
	}
}

void riscv_vcpu_load(struct vcpu *vcpu, int cpu)
{
	const struct riscv_csrs *csr = &vcpu->arch.csr;

	csr_write(CSR_VSSTATUS, csr->sstatus);
	csr_write(CSR_VSIE, csr->sie);
	csr_write(CSR_VSTVEC, csr->stvec);
	csr_write(CSR_VSSCRATCH, csr->sscratch);
	csr_write(CSR_VSEPC, csr->sepc);
	csr_write(CSR_VSCAUSE, csr->scause);
	csr_write(CSR_VSTVAL, csr->stval);
	csr_write(CSR_VSATP, csr->satp);
	write_hvip(vcpu);
	vcpu->arch.host_scounteren = csr_swap(CSR_SCOUNTEREN, csr->scounteren);
	vcpu->arch.host_senvcfg = csr_swap(CSR_ENVCFG, csr->senvcfg);
	load_config(vcpu);
	load_aia(vcpu);
	riscv_timer_load(vcpu);
	riscv_mmu_load(vcpu, cpu);
	if (vcpu->arch.imsic)
		imsic_load(vcpu);
	if (vcpu->arch.steal.gpa != GPA_INVALID)
		riscv_steal_load(vcpu);
}

void riscv_vcpu_put(struct vcpu *vcpu)
{
	struct riscv_csrs *csr = &vcpu->arch.csr;

	if (unlikely(vcpu->preempted))
		riscv_steal_put(vcpu);
	riscv_timer_put(vcpu);
	put_aia(vcpu);
	csr->sstatus = csr_read(CSR_VSSTATUS);
	csr->sie = csr_read(CSR_VSIE);
	csr->stvec = csr_read(CSR_VSTVEC);
	csr->sscratch = csr_read(CSR_VSSCRATCH);
	csr->sepc = csr_read(CSR_VSEPC);
	csr->scause = csr_read(CSR_VSCAUSE);
	csr->stval = csr_read(CSR_VSTVAL);
	csr->satp = csr_read(CSR_VSATP);
	/*
	 * What is pending for the guest and enabled in vsie would end every WFI of an
	 * idle host (ISA manual, "Wait for Interrupt": whatever is delegated).
	 */
	if (vcpu->arch.hvip)
		csr_write(CSR_HVIP, 0);
	csr->scounteren = csr_swap(CSR_SCOUNTEREN, vcpu->arch.host_scounteren);
	csr->senvcfg = csr_swap(CSR_ENVCFG, vcpu->arch.host_senvcfg);
	if (riscv_host.smstateen && (vcpu->arch.config.hstateen0 & SMSTATEEN0_SSTATEEN0))
		csr->sstateen0 = csr_swap(CSR_SSTATEEN0, vcpu->arch.host_sstateen0);
}

/* --- interrupts ------------------------------------------------------------------------- */

static void irq_change(struct vcpu *vcpu, unsigned int irq, bool level)
{
	if (level)
		set_bit(irq, &vcpu->arch.irq_level);
	else
		clear_bit(irq, &vcpu->arch.irq_level);
	/* The level before the news of it; pairs with irq_take(). */
	smp_mb__before_atomic();
	set_bit(irq, &vcpu->arch.irq_changed);
	vcpu_kick(vcpu);
}

void riscv_irq_set(struct vcpu *vcpu, unsigned int irq)
{
	irq_change(vcpu, irq, true);
}

void riscv_irq_clear(struct vcpu *vcpu, unsigned int irq)
{
	irq_change(vcpu, irq, false);
}

/* What hvip is to be, with what has changed since it was written. */
static unsigned long irq_wanted(const struct vcpu *vcpu, unsigned long changed)
{
	return (READ_ONCE(vcpu->arch.hvip) & ~changed) |
	       (READ_ONCE(vcpu->arch.irq_level) & changed);
}

/* Only by the vCPU itself, or while it cannot run. */
static void irq_take(struct vcpu *vcpu)
{
	unsigned long changed = xchg(&vcpu->arch.irq_changed, 0);

	WRITE_ONCE(vcpu->arch.hvip, irq_wanted(vcpu, changed));
}

/* The guest's bit of an interrupt: VS-level ones are one below ours. */
#define SIP_SHIFT	(IRQ_VS_SOFT - IRQ_S_SOFT)
#define SIP_VS		(BIT(IRQ_VS_SOFT) | BIT(IRQ_VS_TIMER) | BIT(IRQ_VS_EXT))

static unsigned long hvip_to_sip(unsigned long hvip)
{
	return (hvip & SIP_VS) >> SIP_SHIFT | (hvip & BIT(IRQ_PMU_OVF));
}

unsigned long riscv_sip(struct vcpu *vcpu)
{
	irq_take(vcpu);

	return hvip_to_sip(vcpu->arch.hvip);
}

/*
 * In sip some bits only show what a device says, here as on any machine: the timer,
 * and an interrupt file.  Else a value that was read a moment ago, or on another
 * machine, would take an interrupt away that nobody raises again.
 */
static unsigned long irq_shown(const struct vcpu *vcpu)
{
	return BIT(IRQ_VS_TIMER) | (vcpu->arch.imsic ? BIT(IRQ_VS_EXT) : 0);
}

void riscv_set_sip(struct vcpu *vcpu, unsigned long sip)
{
	unsigned long hvip = (sip << SIP_SHIFT & SIP_VS) | (sip & BIT(IRQ_PMU_OVF));
	unsigned long shown = irq_shown(vcpu);

	/* The news before the level, as in irq_take(). */
	xchg(&vcpu->arch.irq_changed, 0);
	WRITE_ONCE(vcpu->arch.hvip, (hvip & ~shown) | (READ_ONCE(vcpu->arch.irq_level) & shown));
}

bool riscv_vcpu_runnable(struct vcpu *vcpu)
{
	unsigned long sie = READ_ONCE(vcpu->arch.csr.sie), sip;

	if (READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_STOPPED)
		return false;

	sip = hvip_to_sip(irq_wanted(vcpu, READ_ONCE(vcpu->arch.irq_changed)));
	if (riscv_host.sstc && (sie & BIT(IRQ_S_TIMER)) && riscv_timer_expired(vcpu))
		return true;
	if ((sie & BIT(IRQ_S_EXT)) && imsic_pending(vcpu))
		return true;

	return sip & sie;
}

bool riscv_irq_ready(struct vcpu *vcpu)
{
	unsigned long sie = csr_read(CSR_VSIE);
	unsigned int file = FIELD_GET(HSTATUS_VGEIN, vcpu->arch.context.hstatus);

	/* hvip has to learn of it first. */
	if (READ_ONCE(vcpu->arch.irq_changed))
		return false;
	if (csr_read(CSR_VSIP) & sie)
		return true;

	/* vsip has this one only while hstatus is the guest's. */
	return file && (sie & BIT(IRQ_S_EXT)) && (csr_read(CSR_HGEIP) & BIT(file));
}

void riscv_vcpu_block(struct vcpu *vcpu)
{
	/* The vCPU is loaded: what runnable looks at is fetched for it. */
	WRITE_ONCE(vcpu->arch.csr.sie, csr_read(CSR_VSIE));
	riscv_timer_block(vcpu);
	imsic_block(vcpu);
}

void riscv_vcpu_unblock(struct vcpu *vcpu)
{
	imsic_unblock(vcpu);
	riscv_timer_unblock(vcpu);
}

void riscv_wait(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->arch.csr.sie, csr_read(CSR_VSIE));
	if (riscv_host.sstc)
		WRITE_ONCE(vcpu->arch.timer.compare, csr_read(CSR_VSTIMECMP));
	if (!riscv_vcpu_runnable(vcpu))
		vcpu_halt(vcpu);
}

/* --- exceptions ---------------------------------------------------------------------------- */

int riscv_redirect(struct vcpu *vcpu, const struct riscv_trap *trap)
{
	unsigned long status = csr_read(CSR_VSSTATUS);

	status &= ~(SR_SPP | SR_SPIE);
	status |= vcpu->arch.context.sstatus & SR_SPP;
	if (status & SR_SIE)
		status |= SR_SPIE;
	status &= ~SR_SIE;
	csr_write(CSR_VSSTATUS, status);
	csr_write(CSR_VSCAUSE, trap->cause);
	csr_write(CSR_VSTVAL, trap->tval);
	csr_write(CSR_VSEPC, trap->epc);

	/* An exception goes to the base, whatever the mode in the two low bits. */
	vcpu->arch.context.pc = csr_read(CSR_VSTVEC) & ~3UL;
	vcpu->arch.context.sstatus |= SR_SPP;
	vcpu->arch.context.hstatus |= HSTATUS_SPVP;
	vcpu->arch.stats.redirected++;

	return RESUME_GUEST;
}

int riscv_inject(struct vcpu *vcpu, unsigned long cause, unsigned long tval)
{
	const struct riscv_trap trap = {
		.cause = cause, .tval = tval, .epc = vcpu->arch.context.pc };

	return riscv_redirect(vcpu, &trap);
}

/* --- guest virtual memory -------------------------------------------------------------------- */

/*
 * Read as the guest would in the mode it was left in: one of the functions of
 * switch.S.  What it returns, and then the guest physical address of a guest-page
 * fault, but for the bits below a word.  With a VMID that has ended, or on a CPU
 * that cannot carry a vCPU, nothing may be read: a fault like any other, and the
 * vCPU comes back from its next try to enter.
 */
static unsigned long guest_hlv(struct vcpu *vcpu, unsigned long (*hlv)(unsigned long address,
			       unsigned long *value), unsigned long address,
			       unsigned long *value, gpa_t *gpa)
{
	unsigned long flags, hstatus, cause = EXC_LOAD_GUEST_PAGE_FAULT;

	*gpa = GPA_INVALID;
	local_irq_save(flags);
	if (likely(riscv_mmu_is_current(vcpu))) {
		hstatus = csr_swap(CSR_HSTATUS, vcpu->arch.context.hstatus);
		cause = hlv(address, value);
		*gpa = csr_read(CSR_HTVAL) << 2;
		csr_write(CSR_HSTATUS, hstatus);
	}
	local_irq_restore(flags);

	return cause;
}

/* HLVX reports as a load what is a fetch. */
static int fetch_failed(unsigned long cause, unsigned long pc, unsigned long at,
			struct riscv_trap *trap)
{
	if (cause == EXC_LOAD_GUEST_PAGE_FAULT)
		return 2;

	*trap = (struct riscv_trap) {
		.cause = cause == EXC_LOAD_PAGE_FAULT ? EXC_INST_PAGE_FAULT : EXC_INST_ACCESS,
		.tval = at,
		.epc = pc,
	};

	return 1;
}

/* In halves: the second one may be on a page that is not there, and not needed. */
int riscv_fetch(struct vcpu *vcpu, unsigned long pc, u32 *insn, struct riscv_trap *trap)
{
	unsigned long half, cause;
	gpa_t gpa;

	cause = guest_hlv(vcpu, riscv_hlvx_hu, pc, &half, &gpa);
	if (cause)
		return fetch_failed(cause, pc, pc, trap);
	*insn = half & 0xffff;
	if (riscv_insn_length(*insn) == 2)
		return 0;

	cause = guest_hlv(vcpu, riscv_hlvx_hu, pc + 2, &half, &gpa);
	if (cause)
		return fetch_failed(cause, pc, pc + 2, trap);
	*insn |= (half & 0xffff) << 16;

	return 0;
}

/* A guest-page fault of a read: 1, 2 or -errno as below. */
static int guest_read_fault(struct vcpu *vcpu, gpa_t gpa)
{
	int ret;

	if (gpa == GPA_INVALID)
		return 2;
	ret = vcpu_fault(vcpu, gpa, PROT_GUEST_READ);
	if (ret < 0)
		return ret;
	if (ret != FAULT_MAPPED)
		return 1;
	riscv_mmu_faulted(gpa);

	return 2;
}

int riscv_guest_read_ulong(struct vcpu *vcpu, unsigned long gva, unsigned long *value,
			   struct riscv_trap *trap)
{
	unsigned long cause = EXC_LOAD_MISALIGNED;
	int ret = 1;
	gpa_t gpa;

	if (!(gva & 7))
		cause = guest_hlv(vcpu, riscv_hlv_d, gva, value, &gpa);
	if (!cause)
		return 0;
	if (cause == EXC_LOAD_GUEST_PAGE_FAULT) {
		cause = EXC_LOAD_ACCESS;
		ret = guest_read_fault(vcpu, gpa);
	}
	*trap = (struct riscv_trap) {
		.cause = cause,
		.tval = gva,
		.epc = vcpu->arch.context.pc,
	};

	return ret;
}

/* --- the stay ------------------------------------------------------------------------------- */

void riscv_run_begin_slow(struct vcpu *vcpu)
{
	if (vcpu->arch.pmu)
		riscv_pmu_follow(vcpu);
	if (vcpu->arch.ran)
		return;

	vcpu->arch.ran = true;
	riscv_configure(vcpu);
}

static void prepare_requests(struct vcpu *vcpu)
{
	riscv_start_pending(vcpu);
	riscv_mmu_requests(vcpu);
	if (vcpu_take_request(vcpu, REQ_TIME))
		riscv_timer_follow(vcpu);
	if (vcpu_take_request(vcpu, REQ_STEAL))
		riscv_steal_update(vcpu);
}

/*
 * Commit refuses to enter, and core looks for signals first.  Interrupt files are
 * few, and harts that others may start wait here while those run.
 */
static int prepare_stopped(struct vcpu *vcpu)
{
	imsic_stop(vcpu);
	vcpu_halt(vcpu);
	/* It may be started by now. */
	imsic_start(vcpu);

	return RESUME_GUEST;
}

int riscv_prepare_slow(struct vcpu *vcpu)
{
	if (READ_ONCE(vcpu->requests))
		prepare_requests(vcpu);
	riscv_mmu_prepare(vcpu);
	if (riscv_is_stopped(vcpu))
		return prepare_stopped(vcpu);

	return imsic_prepare(vcpu);
}

void riscv_irq_commit(struct vcpu *vcpu)
{
	irq_take(vcpu);
	write_hvip(vcpu);
}

/* --- what <arch/hot.h> has inlined, for struct backend --------------------------------------- */

void (riscv_vcpu_run_begin)(struct vcpu *vcpu)
{
	riscv_run_begin(vcpu);
}

void (riscv_vcpu_run_end)(struct vcpu *vcpu, int ret)
{
	riscv_run_end(vcpu, ret);
}

int (riscv_vcpu_prepare)(struct vcpu *vcpu)
{
	return riscv_prepare(vcpu);
}

int (riscv_vcpu_commit)(struct vcpu *vcpu)
{
	return riscv_commit(vcpu);
}

noinstr void (riscv_vcpu_enter)(struct vcpu *vcpu)
{
	riscv_switch(&vcpu->arch);
}

void (riscv_vcpu_after_enter)(struct vcpu *vcpu)
{
	riscv_after_enter(vcpu);
}

int (riscv_vcpu_fast_exit)(struct vcpu *vcpu)
{
	return riscv_fast_exit(vcpu);
}

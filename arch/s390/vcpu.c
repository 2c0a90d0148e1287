// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a VM and a vCPU: creation, resets, load and put, clocks, entry and kick.
 * What registers look like to user space is in regs.c, exits are in exit.c, what is
 * pending and taken before an entry is in interrupt*.c.
 *
 * Where registers are: PSW, control registers and clocks in the control block;
 * general registers in vcpu->arch.gprs but for the entry itself; access registers in the
 * hardware from load to put, and floating-point or vector registers from run_begin to
 * run_end, while the kernel keeps them as its own across preemption.
 */
#include <linux/gfp.h>
#include <linux/preempt.h>
#include <asm/access-regs.h>
#include <asm/fpu.h>
#include <asm/timex.h>
#include <asm/tlbflush.h>
#include <core/stats.h>

#include "s390.h"
#include "exit.h"

/* switch.S */
int s390_switch(phys_addr_t sie_phys, struct kvm_s390_sie_block *sie, u64 *gprs,
		unsigned long asce, const unsigned long *thread_flags);

#define STAT(name_)	\
	{ .name = #name_, .flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | \
	  KVM_STATS_BASE_POW10, .offset = offsetof(struct vcpu, arch.stats.name_) }

const struct stats_desc arch_vcpu_stats[] = {
	STAT(instructions),
	STAT(programs),
	STAT(diagnoses),
	STAT(sigps),
	STAT(waits),
	STAT(validities),
	STAT(prefix_faults),
	{ .name = NULL }
};

/* --- VMs ------------------------------------------------------------------- */

int s390_vcpu_vm_create(struct vm *vm, unsigned long type)
{
	int err;

	if (type)
		return -EINVAL;

	mutex_init(&vm->arch.ipte_lock);
	s390_floating_init(vm);
	err = s390_model_create(vm);
	if (err)
		return err;
	err = s390_sca_create(vm);
	if (err)
		return err;
	/* Until user space sets it the guest's TOD clock is that of the host. */
	vm->arch.epoch = 0;

	return 0;
}

void s390_vcpu_vm_destroy(struct vm *vm)
{
	s390_floating_destroy(vm);
	s390_model_destroy(vm);
	s390_sca_destroy(vm);
}

/* --- the control block ----------------------------------------------------- */

/* STFL and STFLE, without interpretive execution of a facility list. */
#define ICTL_STFL	0x10000000

/* "Facility Indications". */
#define FACILITY_EDAT1	8
#define FACILITY_EDAT2	78

/*
 * Storage keys are ours to keep, so all that looks at one comes here, TPROT too.  Left to
 * the guest is what SIE does by itself: its own translation with the purges of it, moves
 * between pages and spaces, its timers, LPSWE and control registers while nothing
 * pending asks for them.
 */
static void sie_setup(struct vcpu *vcpu)
{
	bool edat2 = s390_host_facility(FACILITY_EDAT2) && s390_facility(vcpu->vm, FACILITY_EDAT2);
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	atomic_set(&sie->cpuflags, CPUSTAT_ZARCH);
	sie->icpua = vcpu->id;
	sie->mso = 0;
	sie->msl = (vcpu->vm->arch.mem_limit - 1) | (SZ_1M - 1);
	sie->ictl = ICTL_ISKE | ICTL_SSKE | ICTL_RRBE | ICTL_TPROT;
	if (s390_host.hercules)
		sie->ictl |= ICTL_STFL;
	sie->eca = ECA_MVPGI;
	if (vcpu->vm->arch.user_instr0)
		sie->ictl |= ICTL_OPEREXC;
	if (s390_host.ib)
		sie->eca |= ECA_IB;
	/*
	 * A store that the host's tables forbid is the host's fault, and its protection
	 * exceptions are the guest's own business, where the machine tells them apart.
	 * Elsewhere all of them come here: see s390_mmu_protection().
	 */
	if (s390_host.esop) {
		sie->ecb |= ECB_HOSTPROTINT;
		sie->eca |= ECA_PROTEXCI;
	}
	if (vcpu->vm->arch.use_vector) {
		sie->eca |= ECA_VX;
		sie->ecd |= ECD_HOSTREGMGMT;
	}
	if (s390_host.edat1 && s390_facility(vcpu->vm, FACILITY_EDAT1))
		atomic_or(edat2 ? CPUSTAT_GED2 : CPUSTAT_GED, &sie->cpuflags);
	sie->epoch = READ_ONCE(vcpu->vm->arch.epoch);
}

/* --- resets ("Resets") ----------------------------------------------------- */

void s390_normal_reset(struct vcpu *vcpu)
{
	s390_local_clear(vcpu);
	vcpu->arch.pfault.token = KVM_S390_PFAULT_TOKEN_INVALID;
	/* What user space still was to finish is of no instruction any more. */
	vcpu->complete = NULL;
	s390_purge(vcpu);
	if (!vcpu->vm->arch.user_cpu_state)
		s390_set_stopped(vcpu, true);
}

void s390_initial_reset(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	s390_normal_reset(vcpu);
	s390_set_prefix(vcpu, 0);
	sie->gpsw = (psw_t) { };
	sie->cputm = 0;
	sie->ckc = 0;
	sie->todpr = 0;
	memset(sie->gcr, 0, sizeof(sie->gcr));
	sie->gcr[0] = CR0_INITIAL_MASK;
	sie->gcr[14] = CR14_INITIAL_MASK;
	/* The address of the last break in sequence. */
	sie->gbea = 1;
	sie->pp = 0;
	s390_fpu_fetch(vcpu);
	vcpu->arch.fpu.fpc = 0;
	s390_fpu_commit(vcpu);
}

void s390_clear_reset(struct vcpu *vcpu)
{
	s390_initial_reset(vcpu);
	memset(vcpu->arch.gprs, 0, sizeof(vcpu->arch.gprs));
	memset(vcpu->arch.acrs, 0, sizeof(vcpu->arch.acrs));
	memset(vcpu->arch.fpu.vxrs, 0, sizeof(vcpu->arch.fpu.vxrs));
	s390_acrs_commit(vcpu);
	s390_fpu_commit(vcpu);
}

void s390_vcpu_reset(struct vcpu *vcpu)
{
	s390_clear_reset(vcpu);
}

/* --- life of a vCPU -------------------------------------------------------- */

int s390_vcpu_create(struct vcpu *vcpu)
{
	struct sie_page *page = (struct sie_page *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (!page)
		return -ENOMEM;

	/* The kernel notes machine checks of the guest behind the control block. */
	vcpu->arch.sie = &page->sie_block;
	vcpu->mp_state = KVM_MP_STATE_STOPPED;
	sie_setup(vcpu);
	s390_local_init(vcpu);
	s390_model_apply(vcpu);
	s390_sca_apply(vcpu);
	s390_vcpu_reset(vcpu);
	/* A guest may set the clock of all while this one is not to be seen yet. */
	vcpu_request(vcpu, REQ_EPOCH);
	s390_sync_store(vcpu, S390_SYNC_ALL);

	return 0;
}

void s390_vcpu_destroy(struct vcpu *vcpu)
{
	/* A half-built one has nothing else yet. */
	if (!vcpu->arch.sie)
		return;

	s390_sca_remove(vcpu);
	s390_local_destroy(vcpu);
	s390_debug_destroy(vcpu);
	free_page((unsigned long)vcpu->arch.sie);
	vcpu->arch.sie = NULL;
}

/* --- access, floating-point and vector registers --------------------------- */

void s390_acrs_fetch(struct vcpu *vcpu)
{
	preempt_disable();
	if (vcpu->loaded)
		save_access_regs(vcpu->arch.acrs);
	preempt_enable();
}

void s390_acrs_commit(struct vcpu *vcpu)
{
	preempt_disable();
	if (vcpu->loaded)
		restore_access_regs(vcpu->arch.acrs);
	preempt_enable();
}

u32 s390_ar(struct vcpu *vcpu, unsigned int number)
{
	s390_acrs_fetch(vcpu);

	return vcpu->arch.acrs[number & 15];
}

void s390_set_ar(struct vcpu *vcpu, unsigned int number, u32 value)
{
	s390_acrs_fetch(vcpu);
	vcpu->arch.acrs[number & 15] = value;
	s390_acrs_commit(vcpu);
}

void s390_fpu_fetch(struct vcpu *vcpu)
{
	struct s390_fpu *fpu = &vcpu->arch.fpu;

	if (!vcpu->arch.fpu_live)
		return;

	fpu_stfpc(&fpu->fpc);
	if (s390_host.vector)
		save_vx_regs(fpu->vxrs);
	else
		save_fp_regs_vx(fpu->vxrs);
}

void s390_fpu_commit(struct vcpu *vcpu)
{
	struct s390_fpu *fpu = &vcpu->arch.fpu;

	if (!vcpu->arch.fpu_live)
		return;

	fpu_lfpc_safe(&fpu->fpc);
	if (s390_host.vector)
		load_vx_regs(fpu->vxrs);
	else
		load_fp_regs_vx(fpu->vxrs);
}

u64 s390_fpr(struct vcpu *vcpu, unsigned int number)
{
	s390_fpu_fetch(vcpu);

	return vcpu->arch.fpu.vxrs[number & 15].high;
}

u32 s390_fpc(struct vcpu *vcpu)
{
	s390_fpu_fetch(vcpu);

	return vcpu->arch.fpu.fpc;
}

void s390_set_prefix(struct vcpu *vcpu, u32 prefix)
{
	prefix &= 0x7fffe000;
	/* Before the area is mapped: see s390_mmu_flush(). */
	WRITE_ONCE(vcpu->arch.prefix, prefix);
	vcpu->arch.sie->prefix = prefix >> 13;
	s390_purge(vcpu);
	vcpu_request(vcpu, REQ_PREFIX);
}

/* --- clocks ---------------------------------------------------------------- */

/* The guest's own time is what the CPU timer counts, and enabled waits are part of it. */
u64 s390_cpu_timer(struct vcpu *vcpu)
{
	u64 since = READ_ONCE(vcpu->arch.wait_since);
	u64 value = READ_ONCE(vcpu->arch.sie->cputm);

	return since ? value - (get_tod_clock_fast() - since) : value;
}

void s390_set_cpu_timer(struct vcpu *vcpu, u64 value)
{
	WRITE_ONCE(vcpu->arch.sie->cputm, value);
}

u64 s390_tod(struct vm *vm)
{
	return get_tod_clock_fast() + READ_ONCE(vm->arch.epoch);
}

void s390_set_tod(struct vm *vm, u64 tod)
{
	guard(mutex)(&vm->config_lock);

	WRITE_ONCE(vm->arch.epoch, tod - get_tod_clock_fast());
	vm_request_all(vm, REQ_EPOCH, false);
}

/* --- running --------------------------------------------------------------- */

void s390_vcpu_run_begin(struct vcpu *vcpu)
{
	vcpu->arch.sync_error = s390_sync_load(vcpu);
	s390_host_fpu_begin(vcpu);
	vcpu->arch.fpu_live = true;
	s390_fpu_commit(vcpu);
}

void s390_vcpu_run_end(struct vcpu *vcpu, int ret)
{
	s390_floating_pass(vcpu);
	s390_fpu_fetch(vcpu);
	vcpu->arch.fpu_live = false;
	s390_host_fpu_end(vcpu);
	if (!vcpu->arch.sync_error)
		s390_sync_store(vcpu, S390_SYNC_ALL);
}

void s390_vcpu_load(struct vcpu *vcpu, int cpu)
{
	save_access_regs(vcpu->arch.host_acrs);
	restore_access_regs(vcpu->arch.acrs);
	s390_host_gmap_load(vcpu);
	/* Back in the middle of enter: a kick may have looked for it on a CPU in vain. */
	if (READ_ONCE(vcpu->mode) != OUTSIDE_GUEST_MODE)
		s390_vcpu_kick(vcpu, cpu);
}

void s390_vcpu_put(struct vcpu *vcpu)
{
	s390_host_gmap_put(vcpu);
	save_access_regs(vcpu->arch.acrs);
	restore_access_regs(vcpu->arch.host_acrs);
}

static int serve_requests(struct vcpu *vcpu)
{
	int ret;

	/* What took something away has cleared all TLBs. */
	vcpu_take_request(vcpu, REQ_FLUSH_ALL);
	vcpu_take_request(vcpu, REQ_INTERRUPT);
	if (vcpu_take_request(vcpu, REQ_EPOCH))
		vcpu->arch.sie->epoch = READ_ONCE(vcpu->vm->arch.epoch);
	if (vcpu_take_request(vcpu, REQ_ADAPTER)) {
		ret = s390_adapter_serve(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}
	if (vcpu_take_request(vcpu, REQ_PREFIX))
		return s390_mmu_prefix(vcpu);

	return RESUME_GUEST;
}

int s390_vcpu_prepare(struct vcpu *vcpu)
{
	int ret;

	if (unlikely(vcpu->arch.sync_error))
		return vcpu->arch.sync_error;
	if (READ_ONCE(vcpu->requests)) {
		ret = serve_requests(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
	}

	return s390_interrupt_prepare(vcpu);
}

void s390_vcpu_arm(struct vcpu *vcpu)
{
}

void s390_vcpu_disarm(struct vcpu *vcpu)
{
}

int s390_vcpu_commit(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	/* Not every end of a stay says what it was. */
	sie->icptcode = 0;
	vcpu->arch.entry_addr = sie->gpsw.addr;
	sie->gg14 = vcpu->arch.gprs[14];
	sie->gg15 = vcpu->arch.gprs[15];
	s390_host_fault_begin();
	if (unlikely(vcpu->debug_flags & KVM_GUESTDBG_ENABLE))
		s390_debug_enter(vcpu);

	return 0;
}

/* What the end of a stay was, when the entry came back with @ret. */
static __always_inline u64 exit_code(int ret, bool fault, const struct kvm_s390_sie_block *sie)
{
	if (fault)
		return S390_EXIT_HOST_FAULT;
	/* The kernel met a machine check and has noted what of it is not the host's. */
	if (ret == -EINTR)
		return S390_EXIT_MACHINE_CHECK;

	return ret ? S390_EXIT_NONE : sie->icptcode;
}

/*
 * Preemption is on in between, as irqs are: the kernel's fault handler refuses to work in
 * an atomic section.  Who is preempted has left SIE, and goes by put and load.
 */
noinstr void s390_vcpu_enter(struct vcpu *vcpu)
{
	struct vcpu_arch *arch = &vcpu->arch;
	unsigned long asce;
	bool fault;
	int ret;

	instrumentation_begin();
	asce = s390_mmu_asce(vcpu->vm);
	preempt_enable();
	instrumentation_end();

	ret = s390_switch(virt_to_phys(arch->sie), arch->sie, arch->gprs, asce,
			  &current_thread_info()->flags);

	instrumentation_begin();
	preempt_disable();
	fault = s390_host_fault_seen(ret);
	instrumentation_end();
	arch->exit.code = exit_code(ret, fault, arch->sie);
}

void s390_vcpu_after_enter(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	struct exit_info *exit = &vcpu->arch.exit;

	if (unlikely(vcpu->debug_flags & KVM_GUESTDBG_ENABLE))
		s390_debug_leave(vcpu);
	vcpu->arch.gprs[14] = sie->gg14;
	vcpu->arch.gprs[15] = sie->gg15;

	if (exit->code == S390_EXIT_HOST_FAULT) {
		s390_host_fault_note(exit);
		return;
	}
	exit->info1 = exit->code == ICPT_PROGI ? sie->iprcc : (u64)sie->ipa << 32 | sie->ipb;
	exit->info2 = 0;
}

/* --- waiting and kicks ----------------------------------------------------- */

bool s390_vcpu_runnable(struct vcpu *vcpu)
{
	return s390_interrupt_runnable(vcpu);
}

void s390_vcpu_block(struct vcpu *vcpu)
{
	/* The CPU timer of a stopped CPU stands still. */
	if (!s390_is_stopped(vcpu))
		WRITE_ONCE(vcpu->arch.wait_since, get_tod_clock_fast());
	s390_interrupt_block(vcpu);
}

void s390_vcpu_unblock(struct vcpu *vcpu)
{
	u64 timer = s390_cpu_timer(vcpu);

	s390_interrupt_unblock(vcpu);
	WRITE_ONCE(vcpu->arch.wait_since, 0);
	s390_set_cpu_timer(vcpu, timer);
}

/*
 * No interrupt: a stop request in the control block ends the stay, or the next one at
 * once.  s390_interrupt_prepare() takes it back before it looks at what is pending.
 */
void s390_vcpu_kick(struct vcpu *vcpu, int cpu)
{
	atomic_or(CPUSTAT_STOP_INT, &vcpu->arch.sie->cpuflags);
}

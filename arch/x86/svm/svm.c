// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SVM backend: can it run here, turning it on per CPU, and the stay in the
 * guest.  Exits are in exit.c, the VMCB in vmcb.c, events in event.c, nested
 * paging in mmu.c, MSRs in msrmap.c, what comes and goes with a CPU in load.c, the
 * world switch in switch.S.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/trapnr.h>

#include "fpu.h"
#include "mmu_format.h"
#include "svm.h"

struct svm_caps svm_caps;
unsigned long svm_iopm_pa;
DEFINE_PER_CPU(struct svm_cpu, svm_cpu);

#define SVM_IOPM_ORDER		2	/* three pages; the fourth is not used */

/* --- can it run here --------------------------------------------------------- */

static bool svm_disabled_by_firmware(void)
{
	u64 vm_cr;

	return !rdmsrl_safe(MSR_VM_CR, &vm_cr) && (vm_cr & SVM_VM_CR_SVM_DIS_MASK);
}

static int svm_probe(void)
{
	u32 eax, ebx, ecx, edx;
	u64 efer;

	if (!boot_cpu_has(X86_FEATURE_SVM))
		return -ENODEV;
	if (svm_disabled_by_firmware()) {
		pr_err("keel: SVM is disabled by the firmware; enable \"SVM mode\" in its setup\n");
		return -EACCES;
	}
	cpuid(SVM_CPUID_FUNC, &eax, &ebx, &ecx, &edx);
	if (!(edx & BIT(0))) {
		pr_err("keel: SVM without nested paging (CPUID 8000_000A EDX bit 0) is not supported\n");
		return -EOPNOTSUPP;
	}
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME) {
		pr_err("keel: another hypervisor has SVM turned on; if it is the kernel's own KVM: rmmod kvm_amd, or where that is built in, boot with kvm.enable_virt_at_load=0\n");
		return -EBUSY;
	}
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)) {
		pr_err("keel: this machine is an encrypted guest, its SVM cannot be used\n");
		return -EOPNOTSUPP;
	}

	return 0;
}

static void svm_read_caps(void)
{
	u32 eax, ebx, ecx, edx;

	cpuid(SVM_CPUID_FUNC, &eax, &ebx, &ecx, &edx);
	svm_caps = (struct svm_caps) {
		.asids		= ebx,
		.next_rip	= edx & BIT(3),
		.flush_by_asid	= edx & BIT(6),
		.decode_assists	= edx & BIT(7),
		.pause_filter	= edx & BIT(10),
		.spec_ctrl	= edx & BIT(20),
	};
	if (x86_tags)
		svm_caps.asids = min(svm_caps.asids, max(x86_tags, 3u));
}

/* --- set up and tear down ------------------------------------------------------- */

static const struct x86_ops svm_x86_ops;

static void svm_free_pages(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		if (sc->hsave)
			__free_page(sc->hsave);
		free_page((unsigned long)sc->host);
		sc->hsave = NULL;
		sc->host = NULL;
	}
	svm_msrmaps_free();
	if (svm_iopm_pa)
		free_pages((unsigned long)__va(svm_iopm_pa), SVM_IOPM_ORDER);
	svm_iopm_pa = 0;
}

static int svm_alloc_pages(void)
{
	void *iopm = (void *)__get_free_pages(GFP_KERNEL, SVM_IOPM_ORDER);
	int cpu;

	if (!iopm)
		return -ENOMEM;
	memset(iopm, 0xff, PAGE_SIZE << SVM_IOPM_ORDER);
	svm_iopm_pa = __pa(iopm);
	if (svm_msrmaps_alloc()) {
		svm_free_pages();
		return -ENOMEM;
	}

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		sc->hsave = alloc_page(GFP_KERNEL | __GFP_ZERO);
		sc->host = (void *)get_zeroed_page(GFP_KERNEL);
		if (!sc->hsave || !sc->host) {
			svm_free_pages();
			return -ENOMEM;
		}
		sc->host_pa = __sme_set(__pa(sc->host));
		sc->generation = 1;
		sc->next_asid = 1;
	}

	return 0;
}

static int svm_setup(void)
{
	int err;

	svm_read_caps();
	if (svm_caps.asids < 3) {
		pr_err("keel: this CPU has %u ASIDs, at least 3 are needed\n", svm_caps.asids);
		return -EOPNOTSUPP;
	}
	err = svm_alloc_pages();
	if (err)
		return err;

	x86_bind(&svm_x86_ops);
	err = x86_host_setup();
	if (err)
		goto err_free_pages;
	npt_formats_setup();
	x86_cpuid_setup();
	err = x86_clock_hotplug_setup();
	if (err)
		goto err_host;

	return 0;

err_host:
	x86_host_teardown();
err_free_pages:
	svm_free_pages();
	return err;
}

static void svm_teardown(void)
{
	x86_clock_teardown();
	x86_host_teardown();
	svm_free_pages();
}

int svm_vcpu_cpu_enable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;

	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, __sme_set(page_to_phys(sc->hsave)));
	/* What was cached of tags before belongs to nobody we know. */
	sc->generation++;
	sc->next_asid = svm_caps.asids;
	if (svm_has_tsc_aux())
		rdmsrl(MSR_TSC_AUX, sc->tsc_aux);
	sc->enabled = true;

	return 0;
}

void svm_vcpu_cpu_disable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer;

	if (!sc->enabled)
		return;
	sc->enabled = false;
	/* A crash may come from inside the switch, with GIF clear. */
	asm volatile("stgi");
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	rdmsrl(MSR_EFER, efer);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

/* --- VMs and vCPUs ----------------------------------------------------------------- */

int svm_vcpu_vm_create(struct vm *vm, unsigned long type)
{
	return x86_vm_create(vm, type);
}

void svm_vcpu_vm_destroy(struct vm *vm)
{
	x86_vm_destroy(vm);
}

int svm_vcpu_create(struct vcpu *vcpu)
{
	int err;

	err = svm_vmcb_create(vcpu);
	if (err)
		return err;
	svm_vmcb_reset(vcpu);
	err = x86_vcpu_create(vcpu);
	if (err)
		svm_vmcb_destroy(vcpu);

	return err;
}

void svm_vcpu_destroy(struct vcpu *vcpu)
{
	x86_vcpu_destroy(vcpu);
	svm_vmcb_destroy(vcpu);
}

void svm_vcpu_reset(struct vcpu *vcpu)
{
	svm_vmcb_reset(vcpu);
	x86_vcpu_reset(vcpu, false);
}

void svm_vcpu_run_begin(struct vcpu *vcpu)
{
	x86_vcpu_run_begin(vcpu);
}

void svm_vcpu_run_end(struct vcpu *vcpu, int ret)
{
	x86_vcpu_run_end(vcpu);
}

int svm_vcpu_prepare(struct vcpu *vcpu)
{
	if (vcpu_take_request(vcpu, REQ_FLUSH_ALL))
		vcpu->arch.svm.flush = true;

	return x86_vcpu_prepare(vcpu);
}

void svm_vcpu_arm(struct vcpu *vcpu)
{
	x86_fpu_arm(vcpu);
}

void svm_vcpu_disarm(struct vcpu *vcpu)
{
	x86_fpu_disarm(vcpu);
}

/* --- the stay in the guest ------------------------------------------------------------ */

/*
 * Give the vCPU a tag that nobody else uses on this CPU.  When they run out,
 * everything is dropped and a new generation begins; a vCPU with a tag of an old
 * generation gets a new one before it enters.
 */
static void svm_tag_assign(struct vcpu *vcpu, struct svm_cpu *sc)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;

	if (sc->next_asid >= svm_caps.asids) {
		sc->generation++;
		sc->next_asid = 1;
		control->tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	}
	control->asid = sc->next_asid++;
	vcpu->arch.svm.asid_generation = sc->generation;
	svm_changed(vcpu, SVM_CLEAN_ASID);
}

static void svm_tag_check(struct vcpu *vcpu)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	struct svm_vcpu *svm = &vcpu->arch.svm;

	if (unlikely(svm->flush)) {
		svm->flush = false;
		if (svm_caps.flush_by_asid && svm->asid_generation == sc->generation)
			svm_vmcb(vcpu)->control.tlb_ctl = TLB_CONTROL_FLUSH_ASID;
		else
			svm->asid_generation = 0;
	}
	if (unlikely(svm->asid_generation != sc->generation))
		svm_tag_assign(vcpu, sc);
}

/* Whoever needs a tag next begins a generation, with a flush; this vCPU does. */
void svm_tags_distrust(struct vcpu *vcpu)
{
	this_cpu_write(svm_cpu.next_asid, svm_caps.asids);
	vcpu->arch.svm.asid_generation = 0;
}

int svm_vcpu_commit(struct vcpu *vcpu)
{
	int ret;

	ret = x86_events_commit(vcpu);
	if (ret)
		return ret;
	/* svm_switch() copies these in and out each time. */
	if (vcpu->arch.dirty & ~(X86_GPRS | X86_STACK | X86_RIP))
		svm_x86_state_commit(vcpu, vcpu->arch.dirty);
	vcpu->arch.dirty = 0;
	svm_tag_check(vcpu);
	/* Without a local APIC in the kernel, user space hears of every CR8. */
	if (unlikely(!vcpu->arch.lapic))
		svm_x86_tpr(vcpu, vcpu->arch.cr8, 1);
	if (unlikely(vcpu->arch.svm.debug_live && !vcpu->arch.svm.debug_loaded))
		svm_debug_load(vcpu);
	x86_fpu_enter(vcpu);

	return 0;
}

/* A step of ours is a trap flag that the guest has not set, and does not get to see. */
static noinstr void svm_enter_step(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;
	u64 guest_tf = state->rflags & X86_EFLAGS_TF;

	vcpu->arch.svm.guest_tf = guest_tf;
	state->rflags |= X86_EFLAGS_TF;
	svm_switch(vcpu);
	if (!guest_tf)
		state->rflags &= ~(u64)X86_EFLAGS_TF;
}

noinstr void svm_vcpu_enter(struct vcpu *vcpu)
{
	if (likely(!vcpu->arch.svm.step))
		svm_switch(vcpu);
	else
		svm_enter_step(vcpu);
}

/* The host's own breakpoints: VMEXIT has cleared DR7. */
static void svm_host_debug_restore(struct vcpu *vcpu)
{
	svm_debug_save(vcpu);
	vcpu->arch.svm.debug_loaded = false;
	hw_breakpoint_restore();
}

void svm_vcpu_after_enter(struct vcpu *vcpu)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;
	struct exit_info *exit = &vcpu->arch.exit;
	u8 cr8 = control->int_ctl & V_TPR_MASK;

	x86_fpu_leave(vcpu);

	/* What the guest may have changed without an exit has to be fetched. */
	vcpu->arch.valid = X86_GPRS | X86_STACK | X86_RIP | X86_MISC | X86_INTR;
	/* One bit for STI and MOV SS; nmi_blocked is kept by event.c. */
	vcpu->arch.state.shadow = control->int_state & SVM_INTERRUPT_SHADOW_MASK ?
		KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS : 0;
	if (unlikely(vcpu->arch.svm.spec_ctrl_live))
		vcpu->arch.state.spec_ctrl = svm_caps.spec_ctrl ? svm_vmcb(vcpu)->save.spec_ctrl :
								   vcpu->arch.svm.spec_ctrl;
	exit->code = control->exit_code;
	exit->info1 = control->exit_info_1;
	exit->info2 = control->exit_info_2;
	exit->next_rip = svm_caps.next_rip ? control->next_rip : 0;
	exit->insn_count = 0;
	control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	control->clean = SVM_CLEAN_ALL;

	if (vcpu->arch.events.injected.type ||
	    unlikely(control->exit_int_info & SVM_EXITINTINFO_VALID))
		svm_event_collect(vcpu);
	if (unlikely(vcpu->arch.svm.iret_seen))
		svm_nmi_track(vcpu);
	if (unlikely(cr8 != vcpu->arch.svm.cr8))
		svm_apic_tpr_changed(vcpu, cr8);
	if (unlikely(hw_breakpoint_active()))
		svm_host_debug_restore(vcpu);
}

bool svm_vcpu_runnable(struct vcpu *vcpu)
{
	return x86_vcpu_runnable(vcpu);
}

void svm_vcpu_block(struct vcpu *vcpu)
{
	x86_vcpu_block(vcpu);
}

void svm_vcpu_unblock(struct vcpu *vcpu)
{
	x86_vcpu_unblock(vcpu);
}

void svm_vcpu_kick(struct vcpu *vcpu, int cpu)
{
	x86_host_kick(cpu);
}

/* --- the rest of x86_ops.def ------------------------------------------------------------- */

static void svm_x86_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	svm_vmcb(vcpu)->control.tsc_offset = offset;
	svm_changed(vcpu, SVM_CLEAN_INTERCEPTS);
}

static void svm_x86_tlb_flush(struct vcpu *vcpu)
{
	vcpu->arch.svm.flush = true;
}

/* SVM has no timer of its own. */
static bool svm_x86_deadline(struct vcpu *vcpu, u64 tsc)
{
	return false;
}

/* RDTSCP raises #UD by itself only if the CPU lacks it. */
static void svm_x86_cpuid_changed(struct vcpu *vcpu)
{
	svm_intercept(vcpu, INTERCEPT_RDTSCP, !x86_guest_has(vcpu, X86_FEATURE_RDTSCP));
	x86_msr_intercepts(vcpu);
}

#define OP(ret, name, params, args)	.name = svm_x86_##name,
static const struct x86_ops svm_x86_ops = {
#include "x86_ops.def"
};
#undef OP

#define BACKEND			svm
#define BACKEND_VCPU		svm
#define BACKEND_MMU		npt
#define BACKEND_IRQCHIP		x86
#include <core/define_backend.h>

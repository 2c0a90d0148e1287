// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VT-x backend: can it run here, turning it on per CPU, and the stay in the
 * guest.  Exits are in exit.c, the VMCS in vmcs.c, events in event.c, EPT in mmu.c,
 * MSRs in msrmap.c, the local APIC's registers in apic.c, the world switch in switch.S.
 *
 * A VMCS is active on one CPU at most: there it is on a list, and whoever wants it
 * elsewhere, or frees it, has that CPU clear it first.
 */
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/trapnr.h>

#include "fpu.h"
#include "vtx.h"

struct vtx_host vtx_host;
unsigned long vtx_io_bitmap_pa;
DEFINE_PER_CPU(struct vtx_cpu, vtx_cpu);

#define VTX_IO_BITMAP_ORDER	1

/* --- can it run here --------------------------------------------------------- */

#define CPUID_1_ECX_VMX		BIT(5)
#define CR4_FRED		BIT_ULL(32)

/* The kernel hides VMX from its own flags if it may not be used: ask the CPU. */
static bool vtx_cpu_has(void)
{
	return cpuid_ecx(1) & CPUID_1_ECX_VMX;
}

/* Locked and on; the kernel locks it at boot where the firmware left that open. */
static bool vtx_enabled_by_firmware(void)
{
	const u64 needed = FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
	u64 control = 0;

	return !rdmsrl_safe(MSR_IA32_FEAT_CTL, &control) && (control & needed) == needed;
}

static int vtx_probe(void)
{
	u64 cr4 = __read_cr4();

	if (!vtx_cpu_has())
		return -ENODEV;
	if (!vtx_enabled_by_firmware()) {
		pr_err("keel: VT-x is disabled by the firmware (IA32_FEAT_CTL); enable \"Intel Virtualization Technology\" in its setup\n");
		return -EACCES;
	}
	if (cr4 & X86_CR4_VMXE) {
		pr_err("keel: another hypervisor has VT-x turned on; if it is the kernel's own KVM: rmmod kvm_intel, or where that is built in, boot with kvm.enable_virt_at_load=0\n");
		return -EBUSY;
	}
	if (cr4 & CR4_FRED) {
		pr_err("keel: this kernel uses FRED, which Keel's VT-x does not know yet; boot with fred=off\n");
		return -EOPNOTSUPP;
	}
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)) {
		pr_err("keel: this machine is an encrypted guest, its VT-x cannot be used\n");
		return -EOPNOTSUPP;
	}

	return vtx_caps_read();
}

/* --- set up and tear down ------------------------------------------------------- */

static const struct x86_ops vtx_x86_ops;

static void vtx_free_pages(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vtx_cpu *vc = per_cpu_ptr(&vtx_cpu, cpu);

		if (vc->vmxon)
			__free_page(vc->vmxon);
		vc->vmxon = NULL;
	}
	vtx_msrmaps_free();
	if (vtx_io_bitmap_pa)
		free_pages((unsigned long)__va(vtx_io_bitmap_pa), VTX_IO_BITMAP_ORDER);
	vtx_io_bitmap_pa = 0;
}

static int vtx_alloc_pages(void)
{
	void *io_bitmap = (void *)__get_free_pages(GFP_KERNEL, VTX_IO_BITMAP_ORDER);
	int cpu;

	if (!io_bitmap)
		return -ENOMEM;
	memset(io_bitmap, 0xff, PAGE_SIZE << VTX_IO_BITMAP_ORDER);
	vtx_io_bitmap_pa = __pa(io_bitmap);
	if (vtx_msrmaps_alloc()) {
		vtx_free_pages();
		return -ENOMEM;
	}

	for_each_possible_cpu(cpu) {
		struct vtx_cpu *vc = per_cpu_ptr(&vtx_cpu, cpu);

		vc->vmxon = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!vc->vmxon) {
			vtx_free_pages();
			return -ENOMEM;
		}
		*(u32 *)page_address(vc->vmxon) = vmx_basic_vmcs_revision_id(vtx_caps.basic);
		INIT_LIST_HEAD(&vc->active);
		vc->generation = 1;
		vc->next_vpid = 1;
	}

	return 0;
}

static void vtx_read_host(void)
{
	struct desc_ptr idt;

	store_idt(&idt);
	vtx_host = (struct vtx_host) {
		.cr0		= native_read_cr0(),
		.idt_base	= idt.address,
		.cs		= __KERNEL_CS,
		.ss		= __KERNEL_DS,
		.tr		= GDT_ENTRY_TSS * 8,
	};
	rdmsrl(MSR_EFER, vtx_host.efer);
	rdmsrl(MSR_IA32_CR_PAT, vtx_host.pat);
	rdmsrl(MSR_IA32_SYSENTER_CS, vtx_host.sysenter_cs);
	rdmsrl(MSR_IA32_SYSENTER_EIP, vtx_host.sysenter_eip);
}

static int vtx_setup(void)
{
	int err;

	vtx_read_host();
	ept_setup();
	err = vtx_alloc_pages();
	if (err)
		goto err_multihit;

	x86_bind(&vtx_x86_ops);
	err = x86_host_setup();
	if (err)
		goto err_free_pages;
	x86_host.virtual_apic = vtx_apic_can_deliver();
	err = x86_host_l1d_setup();
	if (err)
		goto err_host;
	x86_cpuid_setup();
	err = x86_clock_hotplug_setup();
	if (err)
		goto err_l1d;

	return 0;

err_l1d:
	x86_host_l1d_teardown();
err_host:
	x86_host_teardown();
err_free_pages:
	vtx_free_pages();
err_multihit:
	x86_host_multihit_unreport();
	return err;
}

static void vtx_teardown(void)
{
	x86_clock_teardown();
	x86_host_l1d_teardown();
	x86_host_teardown();
	vtx_free_pages();
	x86_host_multihit_unreport();
}

static bool vtx_vmxon(u64 pa)
{
	return VTX_PHYSICAL("vmxon", pa);
}

static void vtx_vmxoff(void)
{
	asm volatile("1: vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
}

/* The base of the TSS, of which the CPU shows only the selector. */
static u64 vtx_host_tr_base(const struct desc_ptr *gdt)
{
	const struct ldttss_desc *tss = (void *)(gdt->address + GDT_ENTRY_TSS * 8);

	return tss->base0 | tss->base1 << 16 | (u64)tss->base2 << 24 | (u64)tss->base3 << 32;
}

static void vtx_read_cpu_host(struct vtx_cpu *vc)
{
	native_store_gdt(&vc->gdt);
	vc->tr_base = vtx_host_tr_base(&vc->gdt);
	rdmsrl(MSR_GS_BASE, vc->gs_base);
	rdmsrl(MSR_IA32_SYSENTER_ESP, vc->sysenter_esp);
	rdmsrl(MSR_STAR, vc->star);
	rdmsrl(MSR_LSTAR, vc->lstar);
	rdmsrl(MSR_CSTAR, vc->cstar);
	rdmsrl(MSR_SYSCALL_MASK, vc->sfmask);
	if (vtx_has_tsc_aux())
		rdmsrl(MSR_TSC_AUX, vc->tsc_aux);
}

int vtx_vcpu_cpu_enable(void)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);

	if (__read_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	if (!vtx_enabled_by_firmware() || !vtx_caps_match()) {
		pr_err_ratelimited("keel: VT-x of CPU %d is not what it is on the first CPU\n",
				   smp_processor_id());
		return -EIO;
	}

	x86_host_vmx_allow(true);
	if (!vtx_vmxon(page_to_phys(vc->vmxon))) {
		x86_host_vmx_allow(false);
		return -EIO;
	}
	vtx_read_cpu_host(vc);
	vc->current_vmcs = NULL;
	/* What was cached of tags before belongs to nobody we know. */
	vtx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	vc->generation++;
	vc->next_vpid = vtx_caps.vpids;
	vc->enabled = true;

	return 0;
}

/*
 * After VMXOFF the CPU may still write back what it has of a VMCS, unless that was
 * cleared.  A crash may come in the middle of a change to the list, which is whole
 * for who goes forward: the entry that is missing then is clear.
 */
void vtx_vcpu_cpu_disable(void)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);
	struct vtx_vcpu *vtx, *next;

	if (!vc->enabled)
		return;
	vc->enabled = false;
	list_for_each_entry_safe(vtx, next, &vc->active, vmcs_link)
		vtx_vmcs_clear(vc, vtx);
	vtx_vmxoff();
	x86_host_vmx_allow(false);
}

/* --- VMs and vCPUs ----------------------------------------------------------------- */

int vtx_vcpu_vm_create(struct vm *vm, unsigned long type)
{
	return x86_vm_create(vm, type);
}

void vtx_vcpu_vm_destroy(struct vm *vm)
{
	x86_vm_destroy(vm);
}

int vtx_vcpu_create(struct vcpu *vcpu)
{
	int err;

	err = vtx_vmcs_create(vcpu);
	if (err)
		return err;
	vtx_vmcs_reset(vcpu);
	err = x86_vcpu_create(vcpu);
	if (err) {
		vtx_vmcs_destroy(vcpu);
		return err;
	}
	/* Until there is a CPUID, what the host can is what the guest may. */
	x86_op(cpuid_changed)(vcpu);

	return 0;
}

void vtx_vcpu_destroy(struct vcpu *vcpu)
{
	x86_vcpu_destroy(vcpu);
	vtx_vmcs_destroy(vcpu);
}

void vtx_vcpu_reset(struct vcpu *vcpu)
{
	vtx_vmcs_reset(vcpu);
	x86_vcpu_reset(vcpu, false);
	x86_op(cpuid_changed)(vcpu);
}

void vtx_vcpu_run_begin(struct vcpu *vcpu)
{
	x86_vcpu_run_begin(vcpu);
}

void vtx_vcpu_run_end(struct vcpu *vcpu, int ret)
{
	x86_vcpu_run_end(vcpu);
}

int vtx_vcpu_prepare(struct vcpu *vcpu)
{
	int ret;

	if (vcpu_take_request(vcpu, REQ_FLUSH_ALL))
		vtx_owe(vcpu, VTX_OWES_FLUSH_EPT);
	/* The host has run since the last stay. */
	vcpu->arch.vtx.l1d_flush = true;

	ret = x86_vcpu_prepare(vcpu);
	/* Those that were read for an entry that then did not come are old. */
	vcpu->arch.vtx.pdptes_ready = false;
	if (ret == RESUME_GUEST && unlikely(vtx_pdptes_due(vcpu)))
		vtx_pdptes_read(vcpu);

	return ret;
}

void vtx_vcpu_arm(struct vcpu *vcpu)
{
	x86_fpu_arm(vcpu);
}

void vtx_vcpu_disarm(struct vcpu *vcpu)
{
	x86_fpu_disarm(vcpu);
}

/* --- the stay in the guest ------------------------------------------------------------ */

/*
 * Give the vCPU a tag that nobody else uses on this CPU.  When they run out,
 * everything is dropped and a new generation begins; a vCPU with a tag of an old
 * generation gets a new one before it enters.
 */
static noinline void vtx_tag_assign(struct vcpu *vcpu, struct vtx_cpu *vc)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	if (vc->next_vpid >= vtx_caps.vpids) {
		vc->generation++;
		vc->next_vpid = 1;
		vtx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0);
	}
	vtx->vpid = vc->next_vpid++;
	vtx->vpid_generation = vc->generation;
	vtx_write(VIRTUAL_PROCESSOR_ID, vtx->vpid);
	vtx->owed &= ~BIT(VTX_OWES_FLUSH_VPID);
}

/* Without VPIDs, entries and exits drop everything by themselves. */
static void vtx_tag_check(struct vcpu *vcpu)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);

	if (unlikely(vcpu->arch.vtx.vpid_generation != vc->generation) && vtx_caps.vpids)
		vtx_tag_assign(vcpu, vc);
}

/* Whoever needs a tag next begins a generation, with a flush; this vCPU does. */
void vtx_tags_distrust(struct vcpu *vcpu)
{
	this_cpu_write(vtx_cpu.next_vpid, vtx_caps.vpids);
	vcpu->arch.vtx.vpid_generation = 0;
	vtx_owe(vcpu, VTX_OWES_FLUSH_EPT);
}

static void vtx_pay_host(struct vcpu *vcpu)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);

	vtx_write(HOST_FS_BASE, vcpu->arch.vtx.host_fs_base);
	vtx_write(HOST_GS_BASE, vc->gs_base);
	vtx_write(HOST_TR_BASE, vc->tr_base);
	vtx_write(HOST_GDTR_BASE, vc->gdt.address);
	vtx_write(HOST_IA32_SYSENTER_ESP, vc->sysenter_esp);
}

/* After the state: a commit of state may owe something. */
static noinline void vtx_pay(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	u32 owed;

	if (vtx->owed & BIT(VTX_OWES_APIC))
		vtx_apic_commit(vcpu);
	owed = vtx->owed;
	vtx->owed = 0;
	if (owed & (BIT(VTX_OWES_MSRS) - 1))
		vtx_vmcs_pay(vcpu, owed);
	if (owed & BIT(VTX_OWES_HOST))
		vtx_pay_host(vcpu);
	if (owed & BIT(VTX_OWES_MSRS))
		vtx_msrs_load(vcpu);
	if (owed & BIT(VTX_OWES_DEBUG))
		vtx_debug_load(vcpu);
	if (owed & BIT(VTX_OWES_FLUSH_EPT))
		ept_flush_local(vcpu);
	if ((owed & BIT(VTX_OWES_FLUSH_VPID)) && vtx_caps.vpids)
		vtx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vtx->vpid);
}

/* The two that may have changed since the last entry. irqs off: they stay now. */
static void vtx_host_check(struct vtx_vcpu *vtx)
{
	u64 cr3 = __native_read_cr3(), cr4 = native_read_cr4();

	if (unlikely(cr3 != vtx->host_cr3)) {
		vtx->host_cr3 = cr3;
		vtx_write(HOST_CR3, cr3);
	}
	if (unlikely(cr4 != vtx->host_cr4)) {
		vtx->host_cr4 = cr4;
		vtx_write(HOST_CR4, cr4);
	}
}

/* How long from now, in ticks of the timer; not shorter than asked for. */
static void vtx_deadline_arm(struct vcpu *vcpu)
{
	u64 now = rdtsc() + vcpu->arch.tsc_offset;
	u64 deadline = vcpu->arch.vtx.deadline;
	u64 count = 0;

	if (deadline > now)
		count = min_t(u64, ((deadline - now) >> vtx_caps.timer_shift) + 1, U32_MAX);
	vtx_write(VMX_PREEMPTION_TIMER_VALUE, count);
}

void vtx_deadline_exit(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	/* A deadline that is farther than the timer reaches takes several turns. */
	if (!vtx->deadline || x86_tsc_now(vcpu) < vtx->deadline)
		return;
	vtx->deadline = 0;
	vtx_control(vcpu, VTX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER, false);
	lapic_deadline_expired(vcpu);
}

/*
 * What blocks interrupts, and a single step that is due, have to agree with IF and TF
 * (SDM, "Checks on Guest Non-Register State"), whoever changed these.
 */
static void vtx_rflags_check(struct vcpu *vcpu)
{
	u64 changed = vcpu->arch.state.rflags ^ vcpu->arch.vtx.rflags;

	if (likely(!(changed & (X86_EFLAGS_IF | X86_EFLAGS_TF))))
		return;
	x86_need(vcpu, X86_INTR);
	x86_dirty(vcpu, X86_INTR);
}

static __always_inline void vtx_state_commit(struct vcpu *vcpu)
{
	u32 dirty = vcpu->arch.dirty & ~(u32)(X86_GPRS | X86_CR2);

	if (dirty & X86_RIP) {
		vtx_rflags_check(vcpu);
		dirty = vcpu->arch.dirty & ~(u32)(X86_GPRS | X86_CR2);
	}
	/* Mostly an instruction was skipped, and that was all. */
	if (likely(dirty == X86_RIP))
		vtx_rip_commit(vcpu);
	else if (dirty)
		vtx_x86_state_commit(vcpu, dirty);
	vcpu->arch.dirty = 0;
}

int vtx_vcpu_commit(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	int ret;

	if (unlikely(vcpu->arch.dirty & X86_CRS) && vtx_pdptes_due(vcpu))
		return -EAGAIN;
	if (unlikely(vtx->owed & BIT(VTX_OWES_START))) {
		vtx->owed &= ~BIT(VTX_OWES_START);
		vtx_vmcs_start(vcpu);
	}
	ret = x86_events_commit(vcpu);
	if (ret)
		return ret;
	/* TF that is ours is set, or has to go, and the guest may have changed RFLAGS. */
	if (unlikely(vtx->step || vtx->step_tf)) {
		x86_need(vcpu, X86_RIP);
		x86_dirty(vcpu, X86_RIP);
	}
	vtx_state_commit(vcpu);
	/* Without a local APIC in the kernel, user space hears of every CR8. */
	if (unlikely(!vcpu->arch.lapic))
		vtx_x86_tpr(vcpu, vcpu->arch.cr8, 1);
	vtx_tag_check(vcpu);
	vtx_host_check(vtx);
	if (vtx->owed)
		vtx_pay(vcpu);
	if (vtx->deadline)
		vtx_deadline_arm(vcpu);
	x86_fpu_enter(vcpu);

	return 0;
}

/* No VMCS has CR2; until here nothing may fault after it was set. */
noinstr void vtx_vcpu_enter(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;

	if (state->cr2 != native_read_cr2())
		native_write_cr2(state->cr2);
	if (static_branch_unlikely(&x86_host_l1d_flushes)) {
		x86_host_l1d_flush(vcpu->arch.vtx.l1d_flush);
		vcpu->arch.vtx.l1d_flush = false;
	}
	if (unlikely(vcpu->vm->arch.vtx.clear_buffers))
		x86_clear_cpu_buffers();

	vtx_switch(vcpu);

	state->cr2 = native_read_cr2();
}

/* An NMI or machine check that was the host's; NMIs are blocked until it has run. */
static noinline void vtx_host_event(struct vcpu *vcpu)
{
	u32 info;

	if (vcpu->arch.exit.code != EXIT_REASON_EXCEPTION_NMI) {
		x86_host_machine_check();
		return;
	}
	info = vtx_read(VM_EXIT_INTR_INFO);
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		x86_host_nmi();
	else if ((info & INTR_INFO_VECTOR_MASK) == MC_VECTOR)
		x86_host_machine_check();
}

/* What VM exits clear although it is the host's. */
static noinline void vtx_host_debug_restore(struct vcpu *vcpu)
{
	if (vcpu->arch.vtx.host_debugctl)
		wrmsrl(MSR_IA32_DEBUGCTLMSR, vcpu->arch.vtx.host_debugctl);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

#define VTX_EXIT_REASON		(VMX_EXIT_REASONS_FAILED_VMENTRY | 0xffff)
#define VTX_EXIT_ENTRY_MCE	(VMX_EXIT_REASONS_FAILED_VMENTRY | EXIT_REASON_MCE_DURING_VMENTRY)

static u32 vtx_exit_code(struct vtx_vcpu *vtx)
{
	u32 code;

	if (unlikely(vtx->failed))
		return VTX_EXIT_REFUSED;
	code = vtx_read(VM_EXIT_REASON) & VTX_EXIT_REASON;
	/* An entry that failed half-way is no launch. */
	if (likely(!(code & VMX_EXIT_REASONS_FAILED_VMENTRY)))
		vtx->launched = true;

	return code;
}

void vtx_vcpu_after_enter(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	struct exit_info *exit = &vcpu->arch.exit;

	x86_fpu_leave(vcpu);

	exit->code = vtx_exit_code(vtx);
	if (unlikely(exit->code == EXIT_REASON_EXCEPTION_NMI || exit->code == VTX_EXIT_ENTRY_MCE))
		vtx_host_event(vcpu);

	/* What the guest may have changed without an exit has to be fetched. */
	vcpu->arch.valid = X86_GPRS | X86_CR2 | X86_MISC;
	if (unlikely(vtx->spec_ctrl_live))
		vcpu->arch.state.spec_ctrl = vtx->spec_ctrl;
	exit->info1 = unlikely(vtx->failed) ? vtx_read(VM_INSTRUCTION_ERROR) : 0;
	exit->info2 = 0;
	exit->next_rip = 0;
	exit->insn_count = 0;
	exit->final_access = false;

	/* Before anybody who waits for the end of this stay looks at the dirty bitmaps. */
	if (unlikely(READ_ONCE(vcpu->vm->has_log)) && vtx->pml)
		ept_pml_drain(vcpu);
	vtx_event_collect(vcpu);
	vtx_apic_after_enter(vcpu);
	if (unlikely(vtx->debug_loaded))
		vtx_debug_save(vcpu);
	if (unlikely(vtx->host_debugctl || hw_breakpoint_active()))
		vtx_host_debug_restore(vcpu);
}

bool vtx_vcpu_runnable(struct vcpu *vcpu)
{
	return x86_vcpu_runnable(vcpu);
}

/* The preemption timer does not run while the vCPU sleeps. */
void vtx_vcpu_block(struct vcpu *vcpu)
{
	lapic_timer_block(vcpu);
	x86_vcpu_block(vcpu);
}

void vtx_vcpu_unblock(struct vcpu *vcpu)
{
	x86_vcpu_unblock(vcpu);
}

void vtx_vcpu_kick(struct vcpu *vcpu, int cpu)
{
	x86_host_kick(cpu);
}

/* --- the rest of x86_ops.def ------------------------------------------------------------- */

static void vtx_x86_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	vtx_owe(vcpu, VTX_OWES_TSC_OFFSET);
}

static void vtx_x86_tlb_flush(struct vcpu *vcpu)
{
	vtx_owe(vcpu, VTX_OWES_FLUSH_VPID);
}

static bool vtx_x86_deadline(struct vcpu *vcpu, u64 tsc)
{
	if (!vtx_can(VTX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER))
		return false;
	vcpu->arch.vtx.deadline = tsc;
	vtx_control(vcpu, VTX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER, tsc);

	return true;
}

/* Instructions that raise #UD without their control. */
static const struct vtx_feature {
	u16	feature;		/* X86_FEATURE_* of the guest */
	u32	bit;			/* of the secondary controls */
} vtx_features[] = {
	{ X86_FEATURE_RDTSCP,	SECONDARY_EXEC_ENABLE_RDTSCP },
	{ X86_FEATURE_INVPCID,	SECONDARY_EXEC_ENABLE_INVPCID },
	{ X86_FEATURE_XSAVES,	VMCS_CONTROL_BIT(XSAVES) },
};

static void vtx_x86_cpuid_changed(struct vcpu *vcpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vtx_features); i++)
		if (vtx_can(VTX_SECONDARY, vtx_features[i].bit))
			vtx_control(vcpu, VTX_SECONDARY, vtx_features[i].bit,
				    x86_guest_has(vcpu, vtx_features[i].feature));
	vtx_cr_masks_update(vcpu);
	x86_msr_intercepts(vcpu);
}

#define OP(ret, name, params, args)	.name = vtx_x86_##name,
static const struct x86_ops vtx_x86_ops = {
#include "x86_ops.def"
};
#undef OP

#define BACKEND			vtx
#define BACKEND_VCPU		vtx
#define BACKEND_MMU		ept
#define BACKEND_IRQCHIP		x86
#include <core/define_backend.h>

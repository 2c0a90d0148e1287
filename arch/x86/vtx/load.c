// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU comes to a CPU and leaves it: its VMCS, the MSRs that no VM exit brings
 * back, and what of the host an exit leaves behind that user space, or the next
 * task, must not find.
 *
 * A VMCS is active on one CPU at most: there it is on a list, and whoever wants it
 * elsewhere, or frees it, has that CPU clear it first.
 */
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>	/* load_gs_index() */
#include <asm/msr.h>
#include <asm/segment.h>

#include "vtx.h"

static bool vtx_vmclear(u64 pa)
{
	return VTX_PHYSICAL("vmclear", pa);
}

static bool vtx_vmptrld(u64 pa)
{
	return VTX_PHYSICAL("vmptrld", pa);
}

/* --- the VMCS ----------------------------------------------------------------- */

void vtx_vmcs_clear(struct vtx_cpu *vc, struct vtx_vcpu *vtx)
{
	vtx_vmclear(vtx->vmcs_pa);
	if (vc->current_vmcs == vtx)
		vc->current_vmcs = NULL;
	list_del_init(&vtx->vmcs_link);
	vtx->launched = false;
	/* Pairs with smp_load_acquire() in vtx_vmcs_release(). */
	smp_store_release(&vtx->vmcs_cpu, -1);
}

static void vtx_vmcs_clear_here(void *data)
{
	struct vtx_vcpu *vtx = data;

	if (vtx->vmcs_cpu == smp_processor_id())
		vtx_vmcs_clear(this_cpu_ptr(&vtx_cpu), vtx);
}

void vtx_vmcs_release(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	/* Pairs with smp_store_release() in vtx_vmcs_clear(). */
	int cpu = smp_load_acquire(&vtx->vmcs_cpu);

	/* A CPU that goes offline clears what it has. */
	if (cpu >= 0)
		smp_call_function_single(cpu, vtx_vmcs_clear_here, vtx, 1);
}

static void vtx_vmcs_load(struct vcpu *vcpu, int cpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);
	unsigned long flags;

	if (vtx->vmcs_cpu != cpu) {
		vtx_vmcs_release(vcpu);
		local_irq_save(flags);
		/* New to all CPUs it may be: that is what puts its state in order. */
		vtx_vmclear(vtx->vmcs_pa);
		vtx->launched = false;
		list_add(&vtx->vmcs_link, &vc->active);
		WRITE_ONCE(vtx->vmcs_cpu, cpu);
		local_irq_restore(flags);
	}
	if (vc->current_vmcs != vtx) {
		vtx_vmptrld(vtx->vmcs_pa);
		vc->current_vmcs = vtx;
	}
}

/* --- MSRs ---------------------------------------------------------------------- */

/*
 * Not the kernel's functions, which are calls, through what Xen replaces where there is
 * no VT-x: each way to user space and back has up to 16 of these.
 */
static __always_inline u64 vtx_msr_read(u32 msr)
{
	u64 low = 0, high = 0;

	asm volatile("1: rdmsr\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+a" (low), "+d" (high) : "c" (msr));
	return low | high << 32;
}

/* False: there is none, or the CPU refuses the value. */
static __always_inline bool vtx_msr_write(u32 msr, u64 value)
{
	u32 failed = 1;

	asm volatile("1: wrmsr\n"
		     "xorl %0, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (failed) : "c" (msr), "a" ((u32)value), "d" ((u32)(value >> 32))
		     : "cc", "memory");
	return !failed;
}

/*
 * MSRs that no VM exit restores and that the kernel uses only on its way from and to
 * user space: the guest's are in the CPU from the first entry after load to put.
 */
static const struct vtx_msr {
	u32	msr;
	u16	guest;			/* offset into struct x86_state */
	u16	host;			/* offset into struct vtx_cpu */
} vtx_msrs[] = {
#define SWITCHED(msr_, name_) \
	{ (msr_), offsetof(struct x86_state, name_), offsetof(struct vtx_cpu, name_) }
	SWITCHED(MSR_STAR, star),
	SWITCHED(MSR_LSTAR, lstar),
	SWITCHED(MSR_CSTAR, cstar),
	SWITCHED(MSR_SYSCALL_MASK, sfmask),
#undef SWITCHED
};

static u64 *vtx_msr_guest(struct vcpu *vcpu, int i)
{
	return (void *)&vcpu->arch.state + vtx_msrs[i].guest;
}

static u64 vtx_msr_host(struct vtx_cpu *vc, int i)
{
	return *(u64 *)((void *)vc + vtx_msrs[i].host);
}

/*
 * What user space has set is right by the guest's measure, which may not be that of
 * the CPU.  The guest must not read the host's value then.
 */
static __always_inline void vtx_msr_load(u32 msr, u64 value)
{
	if (unlikely(!vtx_msr_write(msr, value)))
		vtx_msr_write(msr, 0);
}

void vtx_msrs_load(struct vcpu *vcpu)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	int i;

	for (i = 0; i < ARRAY_SIZE(vtx_msrs); i++)
		if (vtx->msrs_live || *vtx_msr_guest(vcpu, i) != vtx_msr_host(vc, i))
			vtx_msr_load(vtx_msrs[i].msr, *vtx_msr_guest(vcpu, i));
	/* The task's: user space's GS base, while the kernel is on its own. */
	if (!vtx->msrs_live)
		vtx->host_kernel_gs_base = vtx_msr_read(MSR_KERNEL_GS_BASE);
	vtx_msr_load(MSR_KERNEL_GS_BASE, vcpu->arch.state.kernel_gs_base);
	vtx->msrs_live = true;
}

void vtx_msrs_save(struct vcpu *vcpu)
{
	int i;

	/* What user space has just set is newer than the CPU. */
	if (!vcpu->arch.vtx.msrs_live || (vcpu->arch.dirty & X86_SYSCALL))
		return;
	for (i = 0; i < ARRAY_SIZE(vtx_msrs); i++)
		*vtx_msr_guest(vcpu, i) = vtx_msr_read(vtx_msrs[i].msr);
	vcpu->arch.state.kernel_gs_base = vtx_msr_read(MSR_KERNEL_GS_BASE);
}

static void vtx_msrs_put(struct vcpu *vcpu)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	bool known = !(vcpu->arch.dirty & X86_SYSCALL);
	int i;

	vtx_msrs_save(vcpu);
	for (i = 0; i < ARRAY_SIZE(vtx_msrs); i++)
		if (!known || *vtx_msr_guest(vcpu, i) != vtx_msr_host(vc, i))
			vtx_msr_write(vtx_msrs[i].msr, vtx_msr_host(vc, i));
	vtx_msr_write(MSR_KERNEL_GS_BASE, vtx->host_kernel_gs_base);
	vtx->msrs_live = false;
}

/* --- load and put ---------------------------------------------------------------- */

/* FS base and the data segments follow the task: fixed from here to put. */
static void vtx_host_save(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	u64 fs_base = x86_fsbase_read_cpu();

	savesegment(ds, vtx->host_ds);
	savesegment(es, vtx->host_es);
	savesegment(fs, vtx->host_fs);
	savesegment(gs, vtx->host_gs);
	store_ldt(vtx->host_ldt);
	vtx->host_debugctl = vtx_msr_read(MSR_IA32_DEBUGCTLMSR);
	if (fs_base != vtx->host_fs_base) {
		vtx->host_fs_base = fs_base;
		vtx_owe(vcpu, VTX_OWES_HOST);
	}
}

void vtx_vcpu_load(struct vcpu *vcpu, int cpu)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	x86_vcpu_load(vcpu, cpu);
	vtx_vmcs_load(vcpu, cpu);
	vtx_host_save(vcpu);
	vtx_owe(vcpu, VTX_OWES_MSRS);
	vtx->l1d_flush = true;

	/*
	 * Translations of guest-physical addresses are tagged by the EPTP alone, so
	 * another vCPU of the VM may have left old ones here, from before a flush; and
	 * a VM that is gone may have had the same page for its root.
	 */
	if (vtx->vpid_cpu != cpu) {
		vtx->vpid_cpu = cpu;
		vtx->vpid_generation = 0;
		vtx_owe(vcpu, VTX_OWES_HOST);
		vtx_owe(vcpu, VTX_OWES_FLUSH_EPT);
	}
	/* The kernel does not use TSC_AUX, only its user space does. */
	if (vtx_has_tsc_aux() && vcpu->arch.tsc_aux != vc->tsc_aux)
		wrmsrl(MSR_TSC_AUX, vcpu->arch.tsc_aux);
}

/*
 * What a VM exit does not bring back: it leaves the data segments null, which they
 * are for a 64-bit task anyway, LDTR too, and wide limits of GDT and TSS.
 */
static void vtx_host_restore(struct vcpu *vcpu, struct vtx_cpu *vc)
{
	const struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	x86_host_tables_reload(&vc->gdt);
	/* Before the selectors, which may be from it. */
	x86_host_ldt_reload(vtx->host_ldt);
	if (unlikely(vtx->host_ds | vtx->host_es)) {
		loadsegment(ds, vtx->host_ds);
		loadsegment(es, vtx->host_es);
	}
	/* With FSGSBASE, a base need not be that of the descriptor; GS: vtx_msrs_put(). */
	if (unlikely(vtx->host_fs)) {
		loadsegment(fs, vtx->host_fs);
		x86_fsbase_write_cpu(vtx->host_fs_base);
	}
	if (unlikely(vtx->host_gs))
		load_gs_index(vtx->host_gs);
}

void vtx_vcpu_put(struct vcpu *vcpu)
{
	struct vtx_cpu *vc = this_cpu_ptr(&vtx_cpu);

	/* User space is told of these after every run, when the VMCS is out of reach. */
	x86_need(vcpu, X86_RIP | X86_INTR);
	if (vcpu->arch.vtx.debug_live)
		vtx_debug_put(vcpu);
	/* Live since the first entry: without one, no exit has touched the rest either. */
	if (vcpu->arch.vtx.msrs_live) {
		vtx_host_restore(vcpu, vc);
		vtx_msrs_put(vcpu);
	}
	if (vtx_has_tsc_aux() && vcpu->arch.tsc_aux != vc->tsc_aux)
		wrmsrl(MSR_TSC_AUX, vc->tsc_aux);
	x86_vcpu_put(vcpu);
}

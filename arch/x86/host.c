// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every use of a facility of the host kernel that may vanish or differ between
 * versions: what the kernel runs with, what happens at kexec and panic, branch
 * predictor barriers, and events of the host that ended a stay in the guest.
 * Called by the vendors' setup() and by vcpu.c.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/jump_label.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/version.h>
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fpu/xcr.h>
#include <asm/mce.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/reboot.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/tsc.h>
#include <asm/vmx.h>

#include "x86.h"

struct x86_host x86_host;

static DEFINE_MUTEX(host_vms_lock);
static unsigned int host_vms;	/* host_vms_lock: VMs */

/* State components that guests never get, because XFD would have to follow. */
#define HOST_XCR0_WITHHELD	(XFEATURE_MASK_XTILE | \
				 XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR)

/*
 * Kexec and panic: a CPU that still has the extension on may ignore INIT, and the
 * next kernel could not start it.  Called with irqs off, also from an NMI.
 */
static void host_emergency_disable(void)
{
	vcpu_op(cpu_disable)();
}

/*
 * MMIO stale data: a CPU that has only this flaw is not made to clear its buffers by the
 * flags of all others (switch.S), but has to be where a guest reaches a device.
 */
static bool host_clears_for_mmio(void)
{
	return boot_cpu_has_bug(X86_BUG_MMIO_STALE_DATA) && !cpu_mitigations_off() &&
		!boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF);
}

int x86_host_setup(void)
{
	memset(&x86_host, 0, sizeof(x86_host));
	rdmsrl_safe(MSR_EFER, &x86_host.efer);
	x86_host.cr4 = __read_cr4();
	if (boot_cpu_has(X86_FEATURE_OSXSAVE) || x86_host.cr4 & X86_CR4_OSXSAVE)
		x86_host.xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	x86_host.xcr0_offered = x86_host.xcr0 & ~(u64)HOST_XCR0_WITHHELD;
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl_safe(MSR_IA32_XSS, &x86_host.xss);
	x86_host.has_pku = cpu_feature_enabled(X86_FEATURE_OSPKE);
	x86_host.tsc_khz = tsc_khz;
	x86_host.clear_for_mmio = host_clears_for_mmio();

	return 0;
}

void x86_host_teardown(void)
{
	WARN_ON_ONCE(host_vms);
}

/*
 * The kernel has room for one such callback and complains about a second one.  So
 * it is ours only while the extension is: an idle module leaves it to the kernel's
 * own KVM.
 */
void x86_host_vm_begin(void)
{
	guard(mutex)(&host_vms_lock);

	if (!host_vms++)
		cpu_emergency_register_virt_callback(host_emergency_disable);
}

void x86_host_vm_end(void)
{
	guard(mutex)(&host_vms_lock);

	if (!--host_vms)
		cpu_emergency_unregister_virt_callback(host_emergency_disable);
}

/*
 * The host kernel isolates tasks from each other when it switches address spaces;
 * two vCPUs of one VM share one, and their guests' processes do not trust each
 * other.  An alternative: nothing on CPUs, or with mitigations, that need none.
 */
void x86_host_vcpu_switch(void)
{
	indirect_branch_prediction_barrier();
}

/*
 * VMSCAPE: what the guest trained must not steer the VMM's user space.  The flag
 * makes the kernel issue a barrier before it returns to any user space on this
 * CPU.  Every way from the guest to user space goes through put.
 */
void x86_host_vcpu_leave(void)
{
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
}

#ifdef CONFIG_MODIFY_LDT_SYSCALL
/* Is this LDT the one in the GDT of this CPU?  irqs off. */
static bool host_gdt_has_ldt(const struct ldt_struct *ldt)
{
	const ldt_desc *desc;
	struct desc_ptr gdt;
	unsigned long base;

	/* All processes have theirs at one address then, which shows them their own. */
	if (cpu_feature_enabled(X86_FEATURE_PTI))
		return true;

	native_store_gdt(&gdt);
	desc = (const ldt_desc *)((struct desc_struct *)gdt.address + GDT_ENTRY_LDT);
	base = desc->base0 | desc->base1 << 16 | (unsigned long)desc->base2 << 24 |
	       (unsigned long)desc->base3 << 32;

	return base == (unsigned long)ldt->entries;
}

/*
 * modify_ldt() of another thread makes a new LDT, has each CPU that runs the
 * process put it in its GDT and load it, and frees the old one then.  So once the
 * process has had an LDT here, the GDT has one that is alive, and LDTR only has to
 * follow.  If it had none, this CPU may still have to hear of the first one, and
 * its GDT may hold the last one of another process: LDTR stays empty then, until
 * the interrupt that is on its way.
 *
 * A process that has an LDT keeps one.  The kernel itself uses none, so nothing is
 * owed between exits; and whoever switches to another process loads its own.
 */
void x86_host_ldt_load(u16 selector)
{
	const struct ldt_struct *ldt;
	unsigned long flags;

	/* It is not freed while this CPU does not answer. */
	local_irq_save(flags);
	ldt = READ_ONCE(current->mm->context.ldt);
	if (selector || host_gdt_has_ldt(ldt))
		asm volatile("lldt %w0" : : "r" (GDT_ENTRY_LDT * 8));
	local_irq_restore(flags);
}
#endif

/*
 * A machine check that ended the stay was taken from the host: give it to the
 * host's handler, as if it had hit this task in user space.  The handler may then
 * kill the task instead of the machine: no kernel code was under way.
 */
void x86_host_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	do_machine_check(task_pt_regs(current));
#endif
}

/*
 * For VT-x: the exit has taken the NMI from the host and blocks further ones until the
 * next IRET.  INT 2 goes through the host's descriptor to its handler, stack and all,
 * which ends with that IRET.  An SVM exit leaves the NMI pending instead, and the host
 * takes it natively when STGI opens the global interrupt flag.
 */
void x86_host_nmi(void)
{
	asm volatile("int $2" : : : "memory");
}

/* --- VT-x ----------------------------------------------------------------------- */

/*
 * The host has its CPUs raise #AC for split locks, in guests too, which did not ask for
 * it.  Depending on its command line it slows the task down and lets it go on, or sends
 * it SIGBUS; either way it is done when this returns true.
 */
bool x86_host_split_lock(u64 rip)
{
	if (!boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT))
		return false;
	handle_guest_split_lock(rip);

	return true;
}

/* Processor trace and VMX do not go together on some CPUs: perf minds that. */
void x86_host_vmx_allow(bool on)
{
	if (on) {
		intel_pt_handle_vmx(1);
		cr4_set_bits_irqsoff(X86_CR4_VMXE);
	} else {
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
	}
}

/* A wide GDT would let user space read beyond it, a short TSS has no port bitmap. */
void x86_host_tables_reload(const struct desc_ptr *gdt)
{
	native_load_gdt(gdt);
	invalidate_tss_limit();
}

static bool multihit_told_before;

void x86_host_multihit_report(bool small)
{
	multihit_told_before = itlb_multihit_kvm_mitigation;
	itlb_multihit_kvm_mitigation = small;
}

void x86_host_multihit_unreport(void)
{
	itlb_multihit_kvm_mitigation = multihit_told_before;
}

/* --- L1TF ------------------------------------------------------------------------ */

#define L1D_ORDER	4		/* 64 KiB: no L1 data cache is larger that needs this */
#define L1D_LINE	64

DEFINE_STATIC_KEY_FALSE(x86_host_l1d_flushes);
static bool l1d_always;
static void *l1d_pages;		/* without the command: what is read to displace the rest */

#if IS_ENABLED(CONFIG_KVM_INTEL)
/* What the command line wants of whoever runs guests, and what is told in sysfs. */
static enum vmx_l1d_flush_state host_l1d_wanted(void)
{
	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return VMENTER_L1D_FLUSH_NEVER;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return VMENTER_L1D_FLUSH_ALWAYS;
	default:
		return VMENTER_L1D_FLUSH_COND;
	}
}

/* The kernel's own KVM may have told something before, and may go on. */
static enum vmx_l1d_flush_state l1d_told_before;

static void host_l1d_report(enum vmx_l1d_flush_state state)
{
	l1d_told_before = l1tf_vmx_mitigation;
	l1tf_vmx_mitigation = state;
}

static void host_l1d_unreport(void)
{
	l1tf_vmx_mitigation = l1d_told_before;
}

/* Interrupts set it: they may have had secrets in their hands. */
static __always_inline bool host_l1d_touched(void)
{
	bool touched = kvm_get_cpu_l1tf_flush_l1d();

	kvm_clear_cpu_l1tf_flush_l1d();

	return touched;
}
#else
static enum vmx_l1d_flush_state host_l1d_wanted(void)
{
	return VMENTER_L1D_FLUSH_ALWAYS;
}

static void host_l1d_report(enum vmx_l1d_flush_state state)
{
}

static void host_l1d_unreport(void)
{
}

static __always_inline bool host_l1d_touched(void)
{
	return true;
}
#endif

/* The CPU may not have the flaw, or say that its owner takes care of it. */
static bool host_l1d_needed(void)
{
	u64 capabilities = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF))
		return false;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &capabilities);

	return !(capabilities & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH);
}

int x86_host_l1d_setup(void)
{
	enum vmx_l1d_flush_state state = host_l1d_needed() ? host_l1d_wanted() :
							     VMENTER_L1D_FLUSH_NOT_REQUIRED;
	bool flushes = state == VMENTER_L1D_FLUSH_COND || state == VMENTER_L1D_FLUSH_ALWAYS;

	if (flushes && !boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		l1d_pages = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, L1D_ORDER);
		if (!l1d_pages)
			return -ENOMEM;
	}
	host_l1d_report(state);
	l1d_always = state == VMENTER_L1D_FLUSH_ALWAYS;
	if (flushes)
		static_branch_enable(&x86_host_l1d_flushes);

	return 0;
}

void x86_host_l1d_teardown(void)
{
	static_branch_disable(&x86_host_l1d_flushes);
	free_pages((unsigned long)l1d_pages, L1D_ORDER);
	l1d_pages = NULL;
	host_l1d_unreport();
}

/*
 * By reading as much as the cache can hold: first a byte of each page, so that the
 * second round finds all translations and nothing else comes into the cache.
 */
static noinstr void host_l1d_displace(void)
{
	const char *page = l1d_pages;
	unsigned long i;

	for (i = 0; i < PAGE_SIZE << L1D_ORDER; i += PAGE_SIZE)
		asm volatile("movzbl %0, %%eax" : : "m" (page[i]) : "eax");
	asm volatile("lfence" : : : "memory");
	for (i = 0; i < PAGE_SIZE << L1D_ORDER; i += L1D_LINE)
		asm volatile("movzbl %0, %%eax" : : "m" (page[i]) : "eax");
	asm volatile("lfence" : : : "memory");
}

noinstr void x86_host_l1d_flush(bool due)
{
	/* In any case: what was touched is out of the way from here on. */
	if (!(host_l1d_touched() | due | l1d_always))
		return;
	if (l1d_pages)
		host_l1d_displace();
	else
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
}

/*
 * Newer kernels wrap the IPI in a tracepoint that is not for modules; the
 * function under it has been there all along.
 */
void x86_host_kick(int cpu)
{
#ifdef smp_send_reschedule
	arch_smp_send_reschedule(cpu);
#else
	smp_send_reschedule(cpu);
#endif
}

bool x86_host_time(u64 *tsc, struct timespec64 *real)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	struct system_time_snapshot snapshot;

	ktime_get_snapshot(&snapshot);
	if (snapshot.cs_id != CSID_X86_TSC)
		return false;
	*tsc = snapshot.cycles;
	*real = ktime_to_timespec64(snapshot.real);

	return true;
#else
	/* A snapshot does not say which counter it was taken of. */
	return false;
#endif
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What core needs of the host kernel and the kernel does not offer to a module
 * as such, and the differences between kernel versions.  The tracking of guest
 * context and time, the check for work the host wants done before the guest may
 * run, and the parts of <linux/kvm.h> that older kernels do not have yet.
 */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <linux/context_tracking.h>
#include <linux/cpuhotplug.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/instruction_pointer.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/syscore_ops.h>
#include <linux/task_work.h>
#include <linux/thread_info.h>
#include <linux/version.h>
#include <linux/vtime.h>

/* --- the ABI of newer kernels -------------------------------------------- */

#ifndef KVM_SET_USER_MEMORY_REGION2
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};

#define KVM_SET_USER_MEMORY_REGION2	\
	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#define KVM_CAP_USER_MEMORY2		231
#endif

#ifndef KVM_CAP_MEMORY_FAULT_INFO
#define KVM_CAP_MEMORY_FAULT_INFO	232
#endif

#ifndef KVM_EXIT_MEMORY_FAULT
#define KVM_EXIT_MEMORY_FAULT		39
#endif

/* The part of struct kvm_run for KVM_EXIT_MEMORY_FAULT. */
struct host_memory_fault {
	__u64 flags;
	__u64 gpa;
	__u64 size;
};

static inline void host_run_memory_fault(struct kvm_run *run, u64 gpa, u64 size)
{
	const struct host_memory_fault fault = { .gpa = gpa, .size = size };

	memcpy(run->padding, &fault, sizeof(fault));
}

/* Newer kernels rename the field for whoever compiles inside the kernel. */
static inline bool host_run_immediate_exit(const struct kvm_run *run)
{
#ifdef HINT_UNSAFE_IN_KVM
	return READ_ONCE(run->HINT_UNSAFE_IN_KVM(immediate_exit));
#else
	return READ_ONCE(run->immediate_exit);
#endif
}

/* --- CPU hotplug ----------------------------------------------------------- */

/*
 * The state whose callbacks enable and disable the extension.  On the way down
 * it comes after the scheduler has moved the last task away: a vCPU can no
 * longer be loaded there.  None of the dynamic states promises that.  It is the
 * state the kernel's own KVM uses, so that only one of the two can be active.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define HOST_CPUHP_STATE	CPUHP_AP_KVM_ONLINE
#define HOST_CPUHP_MAY_FAIL	1
#else
#define HOST_CPUHP_STATE	CPUHP_AP_KVM_STARTING
#define HOST_CPUHP_MAY_FAIL	0	/* a callback that fails is a WARN */
#endif

/* --- suspend and shutdown --------------------------------------------------- */

/*
 * HOST_DEFINE_SYSCORE(name, .suspend = f, ...) and a pair that registers it.  The
 * callbacks take HOST_SYSCORE_ARGS.  They are called with irqs off, on the one CPU
 * that is left; shutdown with irqs on, while tasks are still scheduled.
 */
#if HOST_STRUCT_SYSCORE
#define HOST_SYSCORE_ARGS		void *data
#define HOST_DEFINE_SYSCORE(name, ...)					\
	static const struct syscore_ops name##_ops = { __VA_ARGS__ };	\
	static struct syscore name = { .ops = &name##_ops }
#define host_syscore_register(name)	register_syscore(name)
#define host_syscore_unregister(name)	unregister_syscore(name)
#else
#define HOST_SYSCORE_ARGS		void
#define HOST_DEFINE_SYSCORE(name, ...)	\
	static struct syscore_ops name = { __VA_ARGS__ }
#define host_syscore_register(name)	register_syscore_ops(name)
#define host_syscore_unregister(name)	unregister_syscore_ops(name)
#endif

/* --- work before the guest ---------------------------------------------------- */

#ifdef _TIF_NEED_RESCHED_LAZY
#define HOST_RESCHED	(_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)
#else
#define HOST_RESCHED	_TIF_NEED_RESCHED
#endif
#define HOST_SIGNAL	(_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)

/*
 * Does the task owe something that is done only on the way to user space?
 *
 * A module cannot do this work itself (what the kernel offers wants a struct
 * kvm_vcpu), so core takes the way to user space for it, see host_restart().  The
 * flag alone does not say that there is any: restartable sequences set it at every
 * context switch, and those are served well enough at the next return to user
 * space, whenever that is.  What cannot wait is looked at by name.
 */
static inline bool host_resume_work(unsigned long thread_flags)
{
	if (!(thread_flags & _TIF_NOTIFY_RESUME))
		return false;
	if (task_work_pending(current))
		return true;
#ifdef CONFIG_MEMCG
	if (current->memcg_nr_pages_over_high)
		return true;
#endif
	return false;
}

/* Is there anything to do for the host before the guest may run? */
static __always_inline bool host_work_pending(void)
{
	unsigned long flags = read_thread_flags();

	if (likely(!(flags & (HOST_SIGNAL | HOST_RESCHED | _TIF_NOTIFY_RESUME))))
		return false;

	return (flags & (HOST_SIGNAL | HOST_RESCHED)) || host_resume_work(flags);
}

static inline bool host_signal_pending(void)
{
	return read_thread_flags() & HOST_SIGNAL;
}

/* Does the task have to go to user space, although there is no signal? */
static inline bool host_restart_pending(void)
{
	return host_resume_work(read_thread_flags());
}

/*
 * The system call is about to return -ERESTARTNOHAND for that.  On the way out the
 * task does the work, finds no signal, and begins the call again: user space never
 * sees it end.  If there is a signal by then and a handler runs, the call ends with
 * EINTR.  Called last: a change of the signal mask would look for a signal, too.
 */
static inline void host_restart(void)
{
	/* Who delivers signals is who makes a call begin again. */
	set_thread_flag(TIF_SIGPENDING);
}

/* Give the CPU to others if they want it.  May sleep. */
static inline void host_reschedule(void)
{
	if (read_thread_flags() & HOST_RESCHED)
		schedule();
}

/* --- guest context and time --------------------------------------------------- */

static inline void host_rcu_note_guest(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	rcu_virt_note_context_switch();
#else
	rcu_virt_note_context_switch(smp_processor_id());
#endif
}

/*
 * From here on time is the guest's.  irqs off, RCU watching.
 *
 * Once per stay, not per entry: a stay ends at the latest with the next host
 * interrupt.  RCU hears of a quiescent state once per tick, if it does not hear by
 * itself (context tracking): whoever wants one sooner asks the task to reschedule.
 * *@noted: when it last heard.
 */
static __always_inline void host_guest_time_enter(unsigned long *noted)
{
	unsigned long now = jiffies;

	vtime_account_guest_enter();
	if (!context_tracking_enabled_this_cpu() && unlikely(*noted != now)) {
		*noted = now;
		host_rcu_note_guest();
	}
}

/* Time is the host's again.  irqs off, RCU watching. */
static __always_inline void host_guest_time_exit(void)
{
	vtime_account_guest_exit();
}

/*
 * Around the world switch, as tightly as possible: between the two RCU may not
 * be watching and lockdep believes irqs on, as they are for the guest.  Nothing
 * in between may be instrumented.
 */
static __always_inline void host_guest_state_enter(void)
{
	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	context_tracking_guest_enter();
	lockdep_hardirqs_on(_RET_IP_);
}

static __always_inline void host_guest_state_exit(void)
{
	lockdep_hardirqs_off(_RET_IP_);
	context_tracking_guest_exit();

	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
}

/* --- eventfd --------------------------------------------------------------------- */

/*
 * May it be signalled with irqs off?  On PREEMPT_RT its lock sleeps, so devices that may
 * come to that are none for fast handlers there (io_device_ops.atomic).
 */
#define HOST_EVENTFD_ATOMIC	(!IS_ENABLED(CONFIG_PREEMPT_RT))

/* Add one to an eventfd.  Any context but NMI, by the above. */
static inline void host_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

/* --- the host's page tables ---------------------------------------------------- */

/* Older kernels cannot be interrupted in this by a signal that does not kill. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define FOLL_INTERRUPTIBLE	0
#endif

/*
 * What is mapped at @address of a mapping without struct pages.  mmap_lock held.
 * 0 or -errno: nothing, yet.
 */
static inline int host_follow_pfn(struct vm_area_struct *vma, unsigned long address,
				  unsigned long *pfn, bool *writable)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	struct follow_pfnmap_args args = { .vma = vma, .address = address };
	int err;

	err = follow_pfnmap_start(&args);
	if (err)
		return err;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
#else
	spinlock_t *lock;
	pte_t *ptep;
	int err;

	err = follow_pte(vma->vm_mm, address, &ptep, &lock);
	if (err)
		return err;
	__acquire(lock);	/* for sparse: by follow_pte() */
	*pfn = pte_pfn(*ptep);
	*writable = pte_write(*ptep);
	pte_unmap_unlock(ptep, lock);
#endif
	return 0;
}

/*
 * Do the 1 << @order entries from @first on map the pages from @pfn on, and is each of
 * them good for a read, and for a @write?
 */
static inline bool host_is_group(const pte_t *first, unsigned long pfn, u8 order, bool write)
{
	unsigned long i, pages = 1UL << order;

	for (i = 0; i < pages; i++) {
		pte_t pte = READ_ONCE(first[i]);

		if (pte_protnone(pte) || !pte_access_permitted(pte, write) ||
		    pte_pfn(pte) != pfn + i)
			return false;
		/* A group for the host too, and the other entries like this one. */
		if (!i && pte_leaf_size(pte) >= pages * PAGE_SIZE)
			break;
	}

	return true;
}

/* What the host's page tables have at an address. */
struct host_leaf {
	unsigned long	pfn;		/* of the page at the address */
	u8		order;		/* log2 of the pages that are mapped with it */
	bool		usual;		/* user space may read it, and it has a struct page */
	bool		writable;
};

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define host_pmd_special(pmd)	false
#else
#define host_pmd_special(pmd)	pmd_special(pmd)
#endif

static inline void host_leaf_pmd(struct host_leaf *leaf, pmd_t pmd, unsigned long address)
{
	leaf->pfn = pmd_pfn(pmd) + ((address & ~PMD_MASK) >> PAGE_SHIFT);
	leaf->order = PMD_SHIFT - PAGE_SHIFT;
	leaf->usual = !pmd_protnone(pmd) && !host_pmd_special(pmd) &&
		      pmd_access_permitted(pmd, false) && pfn_valid(leaf->pfn);
	leaf->writable &= pmd_access_permitted(pmd, true);
}

/* @ptep: the entry of @address. */
static inline bool host_leaf_pte(struct host_leaf *leaf, const pte_t *ptep,
				 unsigned long address, u8 group_order)
{
	unsigned long others = (address >> PAGE_SHIFT) & ((1UL << group_order) - 1);
	pte_t pte = READ_ONCE(*ptep);

	if (!pte_present(pte))
		return false;

	leaf->pfn = pte_pfn(pte);
	leaf->usual = !pte_protnone(pte) && !pte_special(pte) && pte_access_permitted(pte, false);
	leaf->writable &= pte_access_permitted(pte, true);
	if (group_order &&
	    host_is_group(ptep - others, leaf->pfn - others, group_order, leaf->writable))
		leaf->order = group_order;

	return true;
}

/* host_leaf_at() with interrupts off, so that no table is freed under the walk. */
static inline bool host_walk(struct mm_struct *mm, unsigned long address, u8 group_order,
			     struct host_leaf *leaf)
{
	pgd_t *pgdp, pgd;
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t pmd;

	pgdp = pgd_offset(mm, address);
	pgd = READ_ONCE(*pgdp);
	if (pgd_none(pgd))
		return false;

	p4dp = p4d_offset_lockless(pgdp, pgd, address);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		return false;

	pudp = pud_offset_lockless(p4dp, p4d, address);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud))
		return false;
	if (pud_leaf(pud)) {
		leaf->order = PUD_SHIFT - PAGE_SHIFT;
		return true;
	}

	pmd = READ_ONCE(*pmd_offset_lockless(pudp, pud, address));
	if (!pmd_present(pmd))
		return false;
	if (pmd_leaf(pmd)) {
		host_leaf_pmd(leaf, pmd, address);
		return true;
	}

	return host_leaf_pte(leaf, pte_offset_kernel(&pmd, address), address, group_order);
}

/*
 * What does the host have at @address?  False: nothing.  Base pages count as a page of
 * @group_order (0: never) if they lie side by side and all can be read, and written like
 * the one at @address if @write asks for that.  Right only while the caller holds off the
 * notifier for all of the page; until then a usual page also stays where it is.
 */
static inline bool host_leaf_at(struct mm_struct *mm, unsigned long address, u8 group_order,
			     bool write, struct host_leaf *leaf)
{
	unsigned long flags;
	bool found;

	*leaf = (struct host_leaf) { .writable = write };
	local_irq_save(flags);
	found = host_walk(mm, address, group_order, leaf);
	local_irq_restore(flags);

	return found;
}

/*
 * May the page be mapped as host_leaf_at() has it, as get_user_pages() would?  Pages of
 * processes and of shared memory: others have owners that want to be asked, or are
 * nobody's to give away (those of memfd_secret()).
 */
static inline bool host_page_is_plain(struct page *page)
{
	return folio_test_swapbacked(page_folio(page)) && !is_zone_device_page(page);
}

/* --- timers ---------------------------------------------------------------------- */

static inline void host_hrtimer_setup(struct hrtimer *timer,
				      enum hrtimer_restart (*function)(struct hrtimer *),
				      clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

#endif /* CORE_HOST_H */

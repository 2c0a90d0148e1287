/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What core/host.h is in the kernel: here, everything of it that stands on the
 * host's insides, over the shim.
 */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <linux/kvm.h>
#include <shim/kernel.h>

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
#define KVM_EXIT_MEMORY_FAULT		39
#endif

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

static inline bool host_run_immediate_exit(const struct kvm_run *run)
{
	return READ_ONCE(run->immediate_exit);
}

#define HOST_CPUHP_STATE	1
#define HOST_CPUHP_MAY_FAIL	1

struct syscore_ops {
	int	(*suspend)(void);
	void	(*resume)(void);
	void	(*shutdown)(void);
};

#define HOST_SYSCORE_ARGS		void
#define HOST_DEFINE_SYSCORE(name, ...)	static struct syscore_ops name = { __VA_ARGS__ }
#define host_syscore_register(name)	((void)(name))
#define host_syscore_unregister(name)	((void)(name))

static inline bool host_signal_pending(void)
{
	return signal_pending(current);
}

#define ERESTARTNOHAND	514

static inline bool host_restart_pending(void)
{
	return false;
}

static inline void host_restart(void)
{
}

static inline bool host_work_pending(void)
{
	return host_signal_pending();
}

static inline void host_reschedule(void)
{
	sched_yield();
}

#define HOST_EVENTFD_ATOMIC	true
static inline void host_guest_time_enter(unsigned long *noted) { }
static inline void host_guest_time_exit(void) { }
static inline void host_guest_state_enter(void) { }
static inline void host_guest_state_exit(void) { }

static inline void host_eventfd_signal(struct eventfd_ctx *eventfd)
{
	eventfd_signal(eventfd);
}

int host_follow_pfn(struct vm_area_struct *vma, unsigned long address, unsigned long *pfn,
		    bool *writable);

struct host_leaf {
	unsigned long	pfn;
	u8		order;
	bool		usual;
	bool		writable;
};

static inline bool host_leaf_at(struct mm_struct *mm, unsigned long address, u8 group_order,
				bool write, struct host_leaf *leaf)
{
	unsigned int flags = shim_host_flags(address);

	if (flags & (HOST_ABSENT | HOST_POISON | HOST_SLOW | HOST_INTERRUPTED))
		return false;

	*leaf = (struct host_leaf) {
		.pfn = address >> PAGE_SHIFT,
		.order = shim_host_order(address),
		.usual = !(flags & HOST_PFNMAP),
		.writable = write && !(flags & (HOST_NO_WRITE | HOST_READONLY)),
	};
	if (leaf->order < PMD_SHIFT - PAGE_SHIFT)
		leaf->order = group_order &&
			shim_host_is_group(address, group_order, leaf->writable) ? group_order : 0;

	return true;
}

static inline bool host_page_is_plain(struct page *page)
{
	return !(shim_host_flags(page_to_pfn(page) << PAGE_SHIFT) & HOST_OWNED);
}

#endif /* CORE_HOST_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: allocation (with failures on demand), user space, and the memory
 * manager as far as a second-stage fault meets it.  A host physical address is
 * the virtual one: a guest that follows its page tables ends in test memory.
 */
#ifndef SHIM_MM_H
#define SHIM_MM_H

#include <shim/base.h>
#include <shim/container.h>
#include <shim/lock.h>

#ifndef PAGE_SHIFT
#define PAGE_SHIFT	12
#endif
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PMD_SHIFT	21
#define PUD_SHIFT	30
#define PAGE_ALIGN(x)	ALIGN(x, PAGE_SIZE)
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)
#define PHYS_PFN(address)	((unsigned long)((address) >> PAGE_SHIFT))
#define PFN_PHYS(pfn)	((phys_addr_t)(pfn) << PAGE_SHIFT)
#define __pa(p)		((unsigned long)(p))
#define __va(p)		((void *)(unsigned long)(p))

/* --- allocation --------------------------------------------------------------- */

#define GFP_KERNEL		0x01u
#define GFP_KERNEL_ACCOUNT	0x03u
#define __GFP_ZERO		0x10u
#define __GFP_NOFAIL		0x20u

/* The allocation that many from now fails (1: the next one); 0: none. */
extern int shim_fail_at;
/* Allocations under way, of any kind. */
extern long shim_allocated;
bool shim_should_fail(gfp_t gfp);

void *shim_alloc(size_t size, gfp_t gfp);
void *shim_alloc_pages(size_t size, gfp_t gfp);
void shim_free(const void *p);

#define kmalloc(size, gfp)		shim_alloc(size, gfp)
#define kzalloc(size, gfp)		shim_alloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc(size, gfp)		shim_alloc(size, gfp)
#define kvzalloc(size, gfp)		shim_alloc(size, (gfp) | __GFP_ZERO)
#define kvcalloc(n, size, gfp)		shim_alloc((size_t)(n) * (size), (gfp) | __GFP_ZERO)
#define kcalloc(n, size, gfp)		kvcalloc(n, size, gfp)
#define kfree(p)			shim_free(p)
#define kvfree(p)			shim_free(p)
void *kmemdup(const void *from, size_t size, gfp_t gfp);

#define __get_free_pages(gfp, order)	((unsigned long)shim_alloc_pages(PAGE_SIZE << (order), gfp))
#define get_zeroed_page(gfp)		__get_free_pages((gfp) | __GFP_ZERO, 0)
#define free_pages(p, order)		shim_free((void *)(p))
#define free_page(p)			shim_free((void *)(p))
#define alloc_pages_exact(size, gfp)	shim_alloc_pages(size, gfp)
#define free_pages_exact(p, size)	shim_free(p)

/* --- the process ---------------------------------------------------------------- */

struct mmu_notifier;

struct mm_struct {
	unsigned long		 task_size;
	struct mmu_notifier	*notifier;
	int			 count;
	struct mutex		 mmap_lock;
};

extern struct mm_struct shim_mm;

#define mmgrab(mm)			((void)((mm)->count++))
#define mmdrop(mm)			((void)((mm)->count--))
#define mmap_read_lock_killable(mm)	mutex_lock_killable(&(mm)->mmap_lock)
#define mmap_read_unlock(mm)		mutex_unlock(&(mm)->mmap_lock)

#define access_ok(p, size)	((unsigned long)(p) + (size) <= shim_mm.task_size)

unsigned long copy_from_user(void *to, const void *from, unsigned long size);
unsigned long copy_to_user(void *to, const void *from, unsigned long size);
long copy_from_user_nofault(void *to, const void *from, size_t size);
long copy_to_user_nofault(void *to, const void *from, size_t size);
#define __copy_from_user_inatomic(to, from, size)	copy_from_user(to, from, size)
#define get_user(value, p)	(copy_from_user(&(value), p, sizeof(value)) ? -EFAULT : 0)
#define __get_user(value, p)	get_user(value, p)
#define put_user(value, p)	({ __typeof__(*(p)) put_ = (value);	\
				   copy_to_user(p, &put_, sizeof(put_)) ? -EFAULT : 0; })

/* What is not there yet stays so in between. */
extern __thread int shim_pagefaults_off;
#define pagefault_disable()	((void)shim_pagefaults_off++)
#define pagefault_enable()	((void)shim_pagefaults_off--)

/* --- pages of the process ----------------------------------------------------------- */

/*
 * What the host's page tables have at a page of the test's memory.  Plain memory
 * is present, writable and small unless told otherwise.
 */
enum {
	HOST_ABSENT	= BIT(0),	/* get_user_pages and copies fail */
	HOST_NO_WRITE	= BIT(1),	/* not writable yet: a write fault makes it so */
	HOST_READONLY	= BIT(2),	/* writes fail for good */
	HOST_PFNMAP	= BIT(3),	/* no struct page */
	HOST_POISON	= BIT(4),
	HOST_SLOW	= BIT(5),	/* not present yet: fast lookup fails */
	HOST_DEVICE	= BIT(6),	/* with HOST_PFNMAP: not memory */
	HOST_INTERRUPTED = BIT(7),	/* a signal comes first */
	HOST_OWNED	= BIT(8),	/* its owner is asked: a reference has to be got */
};

struct page {
	unsigned long	pfn;
	int		refs;
	bool		dirty;
	struct page	*next;
};

/*
 * Give [address, address + size) these properties and leaf order.  An order below
 * that of a PMD is that of a folio of base pages.
 */
void shim_host_set(const void *address, size_t size, unsigned int flags, u8 order);
/* Forget all of that, and every struct page. */
void shim_host_reset(void);
u8 shim_host_order(unsigned long address);
unsigned int shim_host_flags(unsigned long address);
/* Are the 1 << @order pages around the address of one folio, present, writable? */
bool shim_host_is_group(unsigned long address, u8 order, bool write);
/* Called between getting a page and mapping it, once. */
extern void (*shim_after_gup)(void);
struct page *shim_page(unsigned long pfn);
/* Host references to pages that were taken and not given back. */
long shim_page_refs(void);

#define page_to_pfn(page)	((page)->pfn)
#define pfn_to_page(pfn)	shim_page(pfn)
#define pfn_valid(pfn)		shim_pfn_valid(pfn)
#define page_folio(page)	(page)
#define folio_order(folio)	shim_host_order((folio)->pfn << PAGE_SHIFT)
#define virt_to_page(p)		shim_page((unsigned long)(p) >> PAGE_SHIFT)
#define PageDirty(page)		READ_ONCE((page)->dirty)
#define set_page_dirty(page)	WRITE_ONCE((page)->dirty, true)
#define kmap_local_page(page)	((void *)((page)->pfn << PAGE_SHIFT))
#define kunmap_local(p)		((void)(p))
bool shim_pfn_valid(unsigned long pfn);
void get_page(struct page *page);
void put_page(struct page *page);

enum {
	FOLL_WRITE		= BIT(0),
	FOLL_HWPOISON		= BIT(1),
	FOLL_INTERRUPTIBLE	= BIT(2),
};

int get_user_pages_fast_only(unsigned long address, int count, unsigned int flags,
			     struct page **page);
long get_user_pages_unlocked(unsigned long address, unsigned long count,
			     struct page **page, unsigned int flags);
int pin_user_pages_fast(unsigned long address, int count, unsigned int flags,
			struct page **page);
void unpin_user_pages_dirty_lock(struct page **page, unsigned long count, bool dirty);

#define VM_READ		BIT(0)
#define VM_WRITE	BIT(1)
#define VM_IO		BIT(2)
#define VM_PFNMAP	BIT(3)
#define FAULT_FLAG_WRITE	BIT(0)
#define VM_FAULT_SIGBUS		2

struct vm_area_struct {
	unsigned long	 vm_start, vm_flags;
	struct file	*vm_file;
	const struct vm_operations_struct *vm_ops;
};

struct vm_fault {
	struct vm_area_struct	*vma;
	pgoff_t			 pgoff;
	struct page		*page;
};

struct vm_operations_struct {
	vm_fault_t (*fault)(struct vm_fault *fault);
};

struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long address);
int fixup_user_fault(struct mm_struct *mm, unsigned long address, unsigned int flags,
		     bool *unlocked);

/* --- its notifier --------------------------------------------------------------------- */

struct mmu_notifier_range {
	unsigned long	start, end;
	bool		blockable;
};

struct mmu_notifier_ops {
	void (*release)(struct mmu_notifier *notifier, struct mm_struct *mm);
	int (*invalidate_range_start)(struct mmu_notifier *notifier,
				      const struct mmu_notifier_range *range);
	void (*invalidate_range_end)(struct mmu_notifier *notifier,
				     const struct mmu_notifier_range *range);
	int (*clear_flush_young)(struct mmu_notifier *notifier, struct mm_struct *mm,
				 unsigned long start, unsigned long end);
	int (*clear_young)(struct mmu_notifier *notifier, struct mm_struct *mm,
			   unsigned long start, unsigned long end);
	int (*test_young)(struct mmu_notifier *notifier, struct mm_struct *mm,
			  unsigned long address);
};

struct mmu_notifier {
	const struct mmu_notifier_ops *ops;
	bool	released;
};

#define mmu_notifier_range_blockable(range)	((range)->blockable)
#define mmu_notifier_synchronize()		do { } while (0)
int mmu_notifier_register(struct mmu_notifier *notifier, struct mm_struct *mm);
void mmu_notifier_unregister(struct mmu_notifier *notifier, struct mm_struct *mm);

/* What the host does when it changes [p, p + size): the two halves, or both. */
void shim_invalidate_start(const void *p, size_t size, bool blockable);
void shim_invalidate_end(const void *p, size_t size);
void shim_invalidate(const void *p, size_t size);

#endif /* SHIM_MM_H */

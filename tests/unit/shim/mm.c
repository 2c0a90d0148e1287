// SPDX-License-Identifier: GPL-2.0-only
/* The shim's memory management; see include/shim/mm.h. */
#include <core/host.h>

/* --- allocation ----------------------------------------------------------------- */

int shim_fail_at;
long shim_allocated;

bool shim_should_fail(gfp_t gfp)
{
	if ((gfp & __GFP_NOFAIL) || !READ_ONCE(shim_fail_at))
		return false;

	return __atomic_sub_fetch(&shim_fail_at, 1, __ATOMIC_SEQ_CST) == 0;
}

void *shim_alloc(size_t size, gfp_t gfp)
{
	void *p;

	if (shim_should_fail(gfp))
		return NULL;
	p = calloc(1, size);
	/* Memory that nobody asked to be zeroed is not. */
	if (p && !(gfp & __GFP_ZERO))
		memset(p, 0xa5, size);
	__atomic_add_fetch(&shim_allocated, 1, __ATOMIC_SEQ_CST);

	return p;
}

void *shim_alloc_pages(size_t size, gfp_t gfp)
{
	void *p;

	if (shim_should_fail(gfp))
		return NULL;
	p = aligned_alloc(size & -size ? size & -size : PAGE_SIZE, size);
	if (p)
		memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	__atomic_add_fetch(&shim_allocated, 1, __ATOMIC_SEQ_CST);

	return p;
}

void shim_free(const void *p)
{
	if (p)
		__atomic_sub_fetch(&shim_allocated, 1, __ATOMIC_SEQ_CST);
	free((void *)p);
}

void *kmemdup(const void *from, size_t size, gfp_t gfp)
{
	void *p = kmalloc(size, gfp);

	return p ? memcpy(p, from, size) : NULL;
}

/* --- the host's view of test memory ------------------------------------------------- */

struct mm_struct shim_mm = {
	.task_size = 1UL << 47,
	.mmap_lock = { .lock = PTHREAD_MUTEX_INITIALIZER },
};

void (*shim_after_gup)(void);

/* The latest wins. */
static struct host_area {
	unsigned long	start, end;
	unsigned int	flags;
	u8		order;
} host_area[64];
static int host_areas;

static struct page *host_page[256];
static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;

void shim_host_set(const void *address, size_t size, unsigned int flags, u8 order)
{
	pthread_mutex_lock(&host_lock);
	assert(host_areas < (int)ARRAY_SIZE(host_area));
	host_area[host_areas++] = (struct host_area) {
		.start = (unsigned long)address,
		.end = (unsigned long)address + size,
		.flags = flags,
		.order = order,
	};
	pthread_mutex_unlock(&host_lock);
}

static struct host_area *host_find(unsigned long address)
{
	static struct host_area plain;
	int i;

	for (i = host_areas - 1; i >= 0; i--)
		if (address >= host_area[i].start && address < host_area[i].end)
			return &host_area[i];

	return &plain;
}

u8 shim_host_order(unsigned long address)
{
	return host_find(address)->order;
}

unsigned int shim_host_flags(unsigned long address)
{
	return host_find(address)->flags;
}

bool shim_host_is_group(unsigned long address, u8 order, bool write)
{
	unsigned int bad = HOST_ABSENT | HOST_SLOW | (write ? HOST_NO_WRITE | HOST_READONLY : 0);
	unsigned long at = address & ~((PAGE_SIZE << order) - 1);
	unsigned long end = at + (PAGE_SIZE << order);

	for (; at < end; at += PAGE_SIZE)
		if (host_find(at)->flags & bad || host_find(at)->order < order)
			return false;

	return true;
}

void shim_host_reset(void)
{
	struct page *page, *next;
	unsigned int i;

	host_areas = 0;
	for (i = 0; i < ARRAY_SIZE(host_page); i++) {
		for (page = host_page[i]; page; page = next) {
			next = page->next;
			free(page);
		}
		host_page[i] = NULL;
	}
}

struct page *shim_page(unsigned long pfn)
{
	struct page **at = &host_page[pfn % ARRAY_SIZE(host_page)];
	struct page *page;

	pthread_mutex_lock(&host_lock);
	for (page = *at; page && page->pfn != pfn; page = page->next)
		;
	if (!page) {
		page = calloc(1, sizeof(*page));
		page->pfn = pfn;
		page->next = *at;
		*at = page;
	}
	pthread_mutex_unlock(&host_lock);

	return page;
}

static long page_refs;

void get_page(struct page *page)
{
	__atomic_add_fetch(&page->refs, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&page_refs, 1, __ATOMIC_SEQ_CST);
}

void put_page(struct page *page)
{
	if (__atomic_sub_fetch(&page->refs, 1, __ATOMIC_SEQ_CST) < 0)
		shim_bug(__FILE__, __LINE__, "a page was put once too often");
	__atomic_sub_fetch(&page_refs, 1, __ATOMIC_SEQ_CST);
}

long shim_page_refs(void)
{
	return READ_ONCE(page_refs);
}

bool shim_pfn_valid(unsigned long pfn)
{
	return !(host_find(pfn << PAGE_SHIFT)->flags & HOST_DEVICE);
}

/* --- user space ------------------------------------------------------------------------ */

__thread int shim_pagefaults_off;

/* How much of [p, p + size) can be accessed, from its beginning. */
static unsigned long user_extent(const void *p, unsigned long size, bool write)
{
	unsigned int bad = HOST_ABSENT | (write ? HOST_READONLY : 0) |
			   (shim_pagefaults_off ? HOST_SLOW : 0);
	unsigned long address = (unsigned long)p, done = 0;

	/* What a program would call NULL or has no business with. */
	if (address < PAGE_SIZE || !access_ok(p, size))
		return 0;
	while (done < size && !(host_find(address + done)->flags & bad))
		done += PAGE_SIZE - offset_in_page(address + done);

	return min(done, size);
}

unsigned long copy_from_user(void *to, const void *from, unsigned long size)
{
	unsigned long extent = user_extent(from, size, false);

	memcpy(to, from, extent);

	return size - extent;
}

unsigned long copy_to_user(void *to, const void *from, unsigned long size)
{
	unsigned long extent = user_extent(to, size, true);

	memcpy(to, from, extent);

	return size - extent;
}

long copy_from_user_nofault(void *to, const void *from, size_t size)
{
	unsigned long left;

	pagefault_disable();
	left = copy_from_user(to, from, size);
	pagefault_enable();

	return left ? -EFAULT : 0;
}

long copy_to_user_nofault(void *to, const void *from, size_t size)
{
	unsigned long left;

	pagefault_disable();
	left = copy_to_user(to, from, size);
	pagefault_enable();

	return left ? -EFAULT : 0;
}

/* --- pages of user space ------------------------------------------------------------------ */

static void page_got(unsigned long address, struct page **page)
{
	void (*after)(void) = shim_after_gup;

	*page = shim_page(address >> PAGE_SHIFT);
	get_page(*page);
	shim_after_gup = NULL;
	if (after)
		after();
}

int get_user_pages_fast_only(unsigned long address, int count, unsigned int flags,
			     struct page **page)
{
	unsigned int bad = HOST_ABSENT | HOST_PFNMAP | HOST_POISON | HOST_SLOW | HOST_INTERRUPTED;

	if (flags & FOLL_WRITE)
		bad |= HOST_NO_WRITE | HOST_READONLY;
	if (host_find(address)->flags & bad)
		return 0;
	page_got(address, page);

	return 1;
}

long get_user_pages_unlocked(unsigned long address, unsigned long count,
			     struct page **page, unsigned int flags)
{
	struct host_area *area = host_find(address);

	if (area->flags & HOST_INTERRUPTED)
		return -EINTR;
	if (area->flags & HOST_POISON)
		return flags & FOLL_HWPOISON ? -EHWPOISON : -EFAULT;
	if (area->flags & (HOST_ABSENT | HOST_PFNMAP))
		return -EFAULT;
	if ((flags & FOLL_WRITE) && (area->flags & HOST_READONLY))
		return -EFAULT;

	/* A fault brings it in. */
	area->flags &= ~HOST_SLOW;
	if (flags & FOLL_WRITE)
		area->flags &= ~HOST_NO_WRITE;
	page_got(address, page);

	return 1;
}

int pin_user_pages_fast(unsigned long address, int count, unsigned int flags,
			struct page **page)
{
	return get_user_pages_unlocked(address & PAGE_MASK, count, page, flags);
}

void unpin_user_pages_dirty_lock(struct page **page, unsigned long count, bool dirty)
{
	if (dirty)
		set_page_dirty(*page);
	put_page(*page);
}

struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long address)
{
	static __thread struct vm_area_struct vma;
	struct host_area *area = host_find(address);

	lockdep_assert_held(&mm->mmap_lock);

	vma.vm_start = address;
	vma.vm_flags = VM_READ | (area->flags & HOST_READONLY ? 0 : VM_WRITE) |
		       (area->flags & HOST_PFNMAP ? VM_PFNMAP : 0);

	return area->flags & HOST_ABSENT ? NULL : &vma;
}

int host_follow_pfn(struct vm_area_struct *vma, unsigned long address, unsigned long *pfn,
		    bool *writable)
{
	struct host_area *area = host_find(address);

	if (area->flags & HOST_SLOW)
		return -EINVAL;
	*pfn = address >> PAGE_SHIFT;
	*writable = !(area->flags & (HOST_READONLY | HOST_NO_WRITE));

	return 0;
}

int fixup_user_fault(struct mm_struct *mm, unsigned long address, unsigned int flags,
		     bool *unlocked)
{
	struct host_area *area = host_find(address);

	lockdep_assert_held(&mm->mmap_lock);

	area->flags &= ~HOST_SLOW;
	if (flags & FAULT_FLAG_WRITE)
		area->flags &= ~HOST_NO_WRITE;

	return 0;
}

/* --- the notifier -------------------------------------------------------------------------- */

int mmu_notifier_register(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	if (shim_should_fail(GFP_KERNEL))
		return -ENOMEM;
	notifier->released = false;
	mm->notifier = notifier;

	return 0;
}

void mmu_notifier_unregister(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	if (!notifier->released)
		notifier->ops->release(notifier, mm);
	notifier->released = true;
	if (mm->notifier == notifier)
		mm->notifier = NULL;
}

void shim_invalidate_start(const void *p, size_t size, bool blockable)
{
	struct mmu_notifier_range range = {
		.start = (unsigned long)p,
		.end = (unsigned long)p + size,
		.blockable = blockable,
	};

	if (shim_mm.notifier)
		shim_mm.notifier->ops->invalidate_range_start(shim_mm.notifier, &range);
}

void shim_invalidate_end(const void *p, size_t size)
{
	struct mmu_notifier_range range = {
		.start = (unsigned long)p,
		.end = (unsigned long)p + size,
	};

	if (shim_mm.notifier)
		shim_mm.notifier->ops->invalidate_range_end(shim_mm.notifier, &range);
}

void shim_invalidate(const void *p, size_t size)
{
	shim_invalidate_start(p, size, true);
	shim_invalidate_end(p, size);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-stage page tables as a library.  An architecture describes its format;
 * the walker, the order of changes and the freeing are here, once.
 *
 * Concurrency: pgtable_map() runs under vm->mmu_lock held for reading, many at
 * once, and changes entries by cmpxchg.  Everything that removes holds it for
 * writing and flushes (mmu_ops.flush) before it lets go: a notifier that comes
 * next finds nothing, flushes nothing and lets the page go.  Tables that were
 * unlinked are freed only after that flush.  What was only restricted can be
 * flushed later, because whoever removes it then flushes.
 *
 * A leaf is one entry, or a group: entries of level 0 side by side that hardware
 * may take for one larger leaf.  A group comes and goes whole, so that hardware
 * never finds a part of it beside something else.
 */
#ifndef CORE_PGTABLE_H
#define CORE_PGTABLE_H

#include <linux/atomic.h>
#include <core/types.h>

#define PGTABLE_MAX_LEVELS	5

/* One level; level 0 is the leaf level of base pages. */
struct pgtable_level {
	u8	shift;		/* log2 of the bytes an entry covers */
	u8	bits;		/* log2 of the number of entries in a table */
	u8	table_order;	/* log2 of the size of a table in pages */
	bool	leaf;		/* an entry may map memory */
	u64	empty;		/* what an entry that maps nothing holds */
};

/*
 * What the functions of a format say of an entry, as masks: a walk needs no calls then.
 * Both have to say the same (tests/unit holds them to that).
 */
struct pgtable_bits {
	u64	present;	/* is_present: any of them is set; 0: ask the functions */
	u64	leaf;		/* is_leaf, above level 0: any of them, once those of */
	u64	leaf_flip;	/* this are turned over, is set */
	u64	address;	/* address, shifted left; 0: ask the function */
	u8	address_shift;	/* of a leaf, bits below its size may be anything */
	u64	group;		/* is_group: it is set; 0: ask the function, if there are groups */
	/*
	 * For pgtable_allow_write() and write protection; 0: there is no such thing.
	 * Neither make_leaf nor set_prot touches the first.
	 */
	u64	may_write;	/* software's, of a leaf: the host lets the page be written */
	u64	write;		/* what make_leaf has for PROT_GUEST_WRITE, and not without */
};

struct pgtable_format {
	const char	*name;
	u8		levels;		/* level[levels - 1] is the root */
	struct pgtable_level level[PGTABLE_MAX_LEVELS];
	u8		root_order;	/* root: concatenated or widened, in pages */
	u8		root_bits;	/* root: log2 of its number of entries */
	/* Flush between clear and set when an entry changes address or leaf size. */
	bool		break_before_make;
	/* A TLB may keep the entry that made a permission fault: flush after granting. */
	bool		relax_flush;
	/*
	 * The first write through a leaf that may be written and is clean is noted by
	 * hardware, which makes it dirty; before a vCPU counts as outside of the guest the
	 * architecture calls memslot_mark_dirty() for what was noted, if vm->has_log.
	 * Needs is_dirty and make_clean.
	 */
	bool		logs_writes;
	/* Nobody asks for a leaf larger than a page that grants PROT_GUEST_EXEC. */
	bool		exec_small;
	/*
	 * With break_before_make or groups: an entry being replaced or filled; not
	 * present, not empty.
	 */
	u64		locked;
	/*
	 * log2 of the entries of a group; 0: the format has none.  make_leaf() is
	 * called for each of them, with this order and the entry's own page; address()
	 * may be that of any page of the group.
	 */
	u8		group_order;
	struct pgtable_bits bits;

	u64	(*make_table)(hpa_t table, int level);
	u64	(*make_leaf)(const struct mmu_map *map, int level);
	bool	(*is_present)(u64 pte, int level);	/* false for empty and locked */
	bool	(*is_leaf)(u64 pte, int level);	/* of a present entry */
	bool	(*is_group)(u64 pte);	/* of a present entry of level 0; with group_order */
	hpa_t	(*address)(u64 pte, int level);	/* of a table or a leaf */
	u8	(*prot)(u64 pte);		/* PROT_GUEST_* of a leaf */
	u64	(*set_prot)(u64 pte, u8 prot);
	/* Accessed and dirty as hardware keeps them; NULL: not tracked. */
	bool	(*is_old)(u64 pte);
	u64	(*make_old)(u64 pte);
	bool	(*is_dirty)(u64 pte);
	u64	(*make_clean)(u64 pte);
	/*
	 * Replace *@ptep by @new if it holds @old; true if it did.  NULL: a plain
	 * cmpxchg is enough.
	 */
	bool	(*replace)(u64 *ptep, u64 old, u64 new, int level);
};

/*
 * Pages set aside so that a fault can build tables without allocating under
 * mmu_lock.  Private to one vCPU (vcpu->mutex) or one slow path (slots_lock).
 */
#define PAGE_CACHE_MAX	16
struct page_cache {
	int	count;
	void	*page[PAGE_CACHE_MAX];	/* zeroed pages of order 0 */
	/* Zeroed blocks for a format whose tables are larger than a page. */
	u8	large_order;
	int	large_count;
	void	*large[PGTABLE_MAX_LEVELS];
};

struct pgtable {
	const struct pgtable_format *format;
	struct vm	*vm;
	int		 as_id;
	u64		*root;		/* kernel address of the root table */
	hpa_t		 root_hpa;
	u8		 large_order;	/* of tables larger than a page; 0: none */
	u8		 small_needed;	/* tables that one pgtable_map() may take: of a page */
	u8		 large_needed;	/* and larger */
	atomic_long_t	 tables;	/* tables in use, the root apart */
};

/* Have at least @count pages ready.  May sleep.  0 or -ENOMEM. */
int page_cache_fill(struct page_cache *cache, int count);
void page_cache_drain(struct page_cache *cache);

/* Is ready what one pgtable_map() may need? */
static inline bool pgtable_cache_is_full(const struct pgtable *pt, const struct page_cache *cache)
{
	return cache->count >= pt->small_needed && cache->large_count >= pt->large_needed;
}

int pgtable_cache_fill_slow(struct pgtable *pt, struct page_cache *cache);

/* Have it ready.  May sleep.  0 or -ENOMEM. */
static inline int pgtable_cache_fill(struct pgtable *pt, struct page_cache *cache)
{
	return likely(pgtable_cache_is_full(pt, cache)) ? 0 : pgtable_cache_fill_slow(pt, cache);
}

/* Make an empty tree.  May sleep.  0 or -ENOMEM. */
int pgtable_create(struct pgtable *pt, struct vm *vm, int as_id,
		 const struct pgtable_format *format);
/* Free the whole tree.  Nobody translates through it any more.  May sleep. */
void pgtable_destroy(struct pgtable *pt);

/* Bytes of guest physical space the format covers. */
u64 pgtable_span(const struct pgtable_format *format);
/* The largest order of a leaf that the format has and that is not above @order. */
u8 pgtable_leaf_order(const struct pgtable_format *format, u8 order);

/*
 * Install a leaf.  mmu_lock held.  0; -EAGAIN: somebody changed the way meanwhile
 * or the cache ran dry, fault again; -E2BIG: smaller leaves are in the way of a
 * large one, ask for a smaller one; -EBUSY: it would change a part of a group,
 * which has to be unmapped first; -EINVAL: outside of the span.
 * What is mapped already to the same place with at least this much permission,
 * in any size, is left alone.  Calls mmu_ops.sync_page before a page becomes
 * visible.  A larger leaf that grants less is split.
 */
int pgtable_map(struct pgtable *pt, struct page_cache *cache, const struct mmu_map *map);

/*
 * The entry of the page at @gpa, in @pte as it was, if the guest may not write to it for
 * no other reason than pgtable_write_protect() or a log; else NULL.  mmu_lock held.
 */
u64 *pgtable_protected(struct pgtable *pt, gpa_t gpa, u64 *pte);
/* The page that such an entry maps. */
hpa_t pgtable_page(struct pgtable *pt, u64 pte);
/*
 * Let it be written.  True: it is as it was found.  With relax_flush another TLB than
 * this CPU's may still have it protected, and faults: the caller flushes.
 */
bool pgtable_allow_write(struct pgtable *pt, u64 *ptep, u64 pte);

/*
 * Remove everything in [range.start, range.end), splitting large leaves that
 * stick out by removing them whole.  mmu_lock held for writing; yields it
 * (cond_resched) only if @yield.  Returns true if anything was mapped; the flush
 * has been done then, and tables below have been freed.
 */
bool pgtable_unmap(struct pgtable *pt, struct gfn_range range, bool yield);

/*
 * The same in pieces: returns false if it is time to let go of mmu_lock, with
 * range->start moved to where to go on.  Whenever it returns the flush has been
 * done.  *@any becomes true if anything was mapped.
 */
bool pgtable_unmap_part(struct pgtable *pt, struct gfn_range *range, bool yield,
			bool *any);

/*
 * Take write permission away, or with logs_writes make clean (large leaves that
 * overlap are removed whole, so that they come back small).  mmu_lock for writing.
 * True if anything changed:
 * the caller flushes the range before it relies on it, under mmu_lock or not.
 * What was removed has been flushed already.
 */
bool pgtable_write_protect(struct pgtable *pt, struct gfn_range range);

/*
 * Where a walk has come to, so that what is beside it needs none: a table of base pages,
 * or what there is instead.  Begins as { }; good until mmu_lock is let go of.
 */
struct pgtable_place {
	u64	*table;		/* NULL: nothing is mapped by base pages */
	bool	 large;		/* because a larger leaf is there */
	gfn_t	 first;		/* what that is true of; end is 0 if of nothing */
	gfn_t	 end;
};

/*
 * pgtable_write_protect() for the pages of [first, first + 64) whose bits are set in
 * @mask, each alone.
 */
bool pgtable_write_protect_pages(struct pgtable *pt, struct pgtable_place *place, gfn_t first,
				 u64 mask);

/*
 * Forget "accessed".  mmu_lock for writing.  True if anything was young.  A
 * format that does not track it answers true for what is mapped and unmaps it,
 * flush included.  A group is young or old as a whole.  @test: only look; mmu_lock
 * for reading is enough.
 */
bool pgtable_age(struct pgtable *pt, struct gfn_range range, bool test);

/*
 * Remove base-page leaves under areas of the size of a huge page or a group inside
 * the range, so that the next fault can map them large.  mmu_lock for writing; flushes.  Does not
 * yield: the caller chooses a bounded range.
 */
void pgtable_collapse(struct pgtable *pt, struct gfn_range range);

/*
 * After pgtable_map() of the base page @map, with mmu_lock not let go of: of @count base pages,
 * of which @before lie before it, those that nothing is mapped at.  All are in one table, and
 * the same may be said of them.
 */
void pgtable_map_beside(struct pgtable *pt, const struct mmu_map *map, unsigned int before,
			unsigned int count);

/* mmu_ops.flush for the frames [start, end). */
void pgtable_flush(struct pgtable *pt, gfn_t start, gfn_t end);

/* What maps @gpa: the leaf entry and its level, or -ENOENT.  mmu_lock held. */
int pgtable_lookup(struct pgtable *pt, gpa_t gpa, u64 *pte);

#endif /* CORE_PGTABLE_H */

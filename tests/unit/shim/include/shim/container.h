/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists, and the trees by index and by range (here: sorted lists). */
#ifndef SHIM_CONTAINER_H
#define SHIM_CONTAINER_H

#include <shim/base.h>
#include <shim/lock.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline void list_insert(struct list_head *new, struct list_head *prev,
			       struct list_head *next)
{
	new->next = next;
	new->prev = prev;
	next->prev = new;
	/* Readers of an RCU list go forward only. */
	smp_store_release(&prev->next, new);
}

static inline void list_add(struct list_head *new, struct list_head *head)
{
	list_insert(new, head, head->next);
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	list_insert(new, head->prev, head);
}

static inline void list_del_rcu(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	smp_store_release(&entry->prev->next, entry->next);
}

static inline void list_del(struct list_head *entry)
{
	list_del_rcu(entry);
	entry->next = entry->prev = NULL;
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

#define list_add_tail_rcu(new, head)	list_add_tail(new, head)
#define list_entry(ptr, type, member)	container_of(ptr, type, member)
#define list_first_entry(head, type, member)	list_entry((head)->next, type, member)

#define list_for_each_entry(pos, head, member)					\
	for (pos = list_entry(smp_load_acquire(&(head)->next), __typeof__(*pos), member);	\
	     &pos->member != (head);						\
	     pos = list_entry(smp_load_acquire(&pos->member.next), __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, head, member)				\
	for (pos = list_entry((head)->next, __typeof__(*pos), member),		\
	     n = list_entry(pos->member.next, __typeof__(*pos), member);	\
	     &pos->member != (head);						\
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))
#define list_for_each_entry_srcu(pos, head, member, condition)			\
	list_for_each_entry(pos, head, member)

/* --- by index: xarray ------------------------------------------------------------- */

struct shim_entry {
	unsigned long	 index;
	void		*entry;
};

/* Sorted. */
struct shim_entries {
	pthread_mutex_t		 lock;
	struct shim_entry	*at;
	int			 count, room;
};

struct xarray {
	struct shim_entries	 entries;
};

#define XA_FLAGS_ACCOUNT	1
#define xa_init(xa)		xa_init_flags(xa, 0)
#define xa_err(entry)		PTR_ERR_OR_ZERO(entry)

void xa_init_flags(struct xarray *xa, unsigned int flags);
void xa_destroy(struct xarray *xa);
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp);
void xa_release(struct xarray *xa, unsigned long index);
/* The first entry at or behind *@index. */
void *xa_find_from(struct xarray *xa, unsigned long *index);

#define xa_for_each(xa, index, entry)					\
	for ((index) = 0; ((entry) = xa_find_from(xa, &(index))); (index)++)

/* --- by order: latched tree ----------------------------------------------------------- */

struct rb_node {
	struct rb_node	*rb_left, *rb_right;
	struct rb_node	*parent;
};

struct rb_root {
	struct rb_node	*rb_node;
};

struct latch_tree_node {
	struct rb_node	node[1];
};

struct latch_tree_root {
	int		seq;
	struct rb_root	tree[1];
};

struct latch_tree_ops {
	int (*comp)(void *key, struct latch_tree_node *node);
};

/* A lock until rb_insert_color(). */
void raw_write_seqcount_latch(int *seq);
#define seqcount_latch_init(seq)	((void)(seq))

void rb_link_node_rcu(struct rb_node *node, struct rb_node *parent, struct rb_node **link);
void rb_insert_color(struct rb_node *node, struct rb_root *root);
void latch_tree_erase(struct latch_tree_node *node, struct latch_tree_root *root,
		      const struct latch_tree_ops *ops);
struct latch_tree_node *latch_tree_find(void *key, struct latch_tree_root *root,
					const struct latch_tree_ops *ops);
void rb_replace_node_rcu(struct rb_node *old, struct rb_node *new, struct rb_root *root);

/* --- by overlap: interval tree ---------------------------------------------------------- */

struct interval_tree_node {
	unsigned long	 start, last;
	struct interval_tree_node *next;
};

struct rb_root_cached {
	struct interval_tree_node *first;
};

#define RB_ROOT_CACHED	(struct rb_root_cached) { }

void interval_tree_insert(struct interval_tree_node *node, struct rb_root_cached *root);
void interval_tree_remove(struct interval_tree_node *node, struct rb_root_cached *root);
struct interval_tree_node *interval_tree_iter_first(struct rb_root_cached *root,
						    unsigned long start, unsigned long last);
struct interval_tree_node *interval_tree_iter_next(struct interval_tree_node *node,
						   unsigned long start, unsigned long last);

#endif /* SHIM_CONTAINER_H */

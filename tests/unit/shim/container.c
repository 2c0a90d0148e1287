// SPDX-License-Identifier: GPL-2.0-only
/* The shim's trees, as sorted lists; see include/shim/container.h. */
#include <shim/kernel.h>

/* --- entries by index ----------------------------------------------------------- */

static void entries_init(struct shim_entries *entries)
{
	memset(entries, 0, sizeof(*entries));
	pthread_mutex_init(&entries->lock, NULL);
}

static void entries_destroy(struct shim_entries *entries)
{
	free(entries->at);
	entries->at = NULL;
	entries->count = entries->room = 0;
}

/* The place of the first entry at or behind @index. */
static int entries_find(struct shim_entries *entries, unsigned long index)
{
	int i;

	for (i = 0; i < entries->count && entries->at[i].index < index; i++)
		;

	return i;
}

static void entries_insert_at(struct shim_entries *entries, int at, unsigned long index,
			      void *entry)
{
	if (entries->count == entries->room) {
		entries->room = 2 * entries->room + 4;
		entries->at = realloc(entries->at, entries->room * sizeof(*entries->at));
	}
	memmove(&entries->at[at + 1], &entries->at[at],
		(entries->count++ - at) * sizeof(*entries->at));
	entries->at[at] = (struct shim_entry) { index, entry };
}

static void entries_remove_at(struct shim_entries *entries, int at)
{
	memmove(&entries->at[at], &entries->at[at + 1],
		(--entries->count - at) * sizeof(*entries->at));
}

static void entries_store(struct shim_entries *entries, unsigned long index, void *entry)
{
	int i = entries_find(entries, index);

	if (i < entries->count && entries->at[i].index == index)
		entries_remove_at(entries, i);
	if (entry)
		entries_insert_at(entries, i, index, entry);
}

static void *entries_load(struct shim_entries *entries, unsigned long index)
{
	int i = entries_find(entries, index);

	return i < entries->count && entries->at[i].index == index ? entries->at[i].entry : NULL;
}

/* --- xarray ------------------------------------------------------------------------ */

/* An index that was reserved and holds nothing. */
static char reserved;

static void *xa_visible(void *entry)
{
	return entry == &reserved ? NULL : entry;
}

void xa_init_flags(struct xarray *xa, unsigned int flags)
{
	entries_init(&xa->entries);
}

void xa_destroy(struct xarray *xa)
{
	entries_destroy(&xa->entries);
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	void *entry;

	pthread_mutex_lock(&xa->entries.lock);
	entry = xa_visible(entries_load(&xa->entries, index));
	pthread_mutex_unlock(&xa->entries.lock);

	return entry;
}

/* Only a new index needs memory. */
static void *xa_replace(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	void *old;

	pthread_mutex_lock(&xa->entries.lock);
	old = entries_load(&xa->entries, index);
	if (!old && entry && shim_should_fail(gfp))
		old = ERR_PTR(-ENOMEM);
	else
		entries_store(&xa->entries, index, entry);
	pthread_mutex_unlock(&xa->entries.lock);

	return old;
}

void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	return xa_visible(xa_replace(xa, index, entry, gfp));
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	return xa_store(xa, index, NULL, 0);
}

int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp)
{
	void *old;

	if (xa_load(xa, index))
		return 0;
	old = xa_replace(xa, index, &reserved, gfp);

	return IS_ERR(old) ? PTR_ERR(old) : 0;
}

void xa_release(struct xarray *xa, unsigned long index)
{
	if (!xa_load(xa, index))
		xa_erase(xa, index);
}

void *xa_find_from(struct xarray *xa, unsigned long *index)
{
	void *entry = NULL;
	int i;

	pthread_mutex_lock(&xa->entries.lock);
	for (i = entries_find(&xa->entries, *index); i < xa->entries.count && !entry; i++) {
		entry = xa_visible(xa->entries.at[i].entry);
		*index = xa->entries.at[i].index;
	}
	pthread_mutex_unlock(&xa->entries.lock);

	return entry;
}

/* --- latched tree ----------------------------------------------------------------------- */

/* Of the two trees there is one, without colours, and a lock instead of the latch. */
static pthread_mutex_t latch_lock = PTHREAD_MUTEX_INITIALIZER;

static struct latch_tree_node *latch_node(struct rb_node *node)
{
	return container_of(node, struct latch_tree_node, node[0]);
}

void raw_write_seqcount_latch(int *seq)
{
	pthread_mutex_lock(&latch_lock);
}

void rb_link_node_rcu(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	if (*link)
		shim_bug(__FILE__, __LINE__, "linked where another node is");
	*node = (struct rb_node) { .parent = parent };
	*link = node;
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	pthread_mutex_unlock(&latch_lock);
}

/* Where the tree has @node, have @new, which may be NULL. */
static void latch_put(struct rb_node *node, struct rb_node *new, struct rb_root *root)
{
	struct rb_node *parent = node->parent;
	struct rb_node **link = !parent ? &root->rb_node :
		parent->rb_left == node ? &parent->rb_left : &parent->rb_right;

	if (*link != node)
		shim_bug(__FILE__, __LINE__, "taken from a tree it is not in");
	*link = new;
	if (new)
		new->parent = parent;
}

/* Give @node the children of @old. */
static void latch_adopt(struct rb_node *node, const struct rb_node *old)
{
	node->rb_left = old->rb_left;
	node->rb_right = old->rb_right;
	if (node->rb_left)
		node->rb_left->parent = node;
	if (node->rb_right)
		node->rb_right->parent = node;
}

void latch_tree_erase(struct latch_tree_node *erased, struct latch_tree_root *root,
		      const struct latch_tree_ops *ops)
{
	struct rb_node *node = &erased->node[0], *next;
	struct rb_root *tree = &root->tree[0];

	pthread_mutex_lock(&latch_lock);
	if (!node->rb_left || !node->rb_right) {
		latch_put(node, node->rb_left ? node->rb_left : node->rb_right, tree);
	} else {
		for (next = node->rb_right; next->rb_left; next = next->rb_left)
			;
		latch_put(next, next->rb_right, tree);
		latch_put(node, next, tree);
		latch_adopt(next, node);
	}
	pthread_mutex_unlock(&latch_lock);
}

void rb_replace_node_rcu(struct rb_node *old, struct rb_node *new, struct rb_root *root)
{
	pthread_mutex_lock(&latch_lock);
	latch_put(old, new, root);
	latch_adopt(new, old);
	pthread_mutex_unlock(&latch_lock);
}

struct latch_tree_node *latch_tree_find(void *key, struct latch_tree_root *root,
					const struct latch_tree_ops *ops)
{
	struct rb_node *node;
	int order;

	pthread_mutex_lock(&latch_lock);
	for (node = root->tree[0].rb_node; node;
	     node = order < 0 ? node->rb_left : node->rb_right) {
		order = ops->comp(key, latch_node(node));
		if (!order)
			break;
	}
	pthread_mutex_unlock(&latch_lock);

	return node ? latch_node(node) : NULL;
}

/* --- interval tree ------------------------------------------------------------------------ */

void interval_tree_insert(struct interval_tree_node *node, struct rb_root_cached *root)
{
	struct interval_tree_node **at = &root->first;

	while (*at && (*at)->start <= node->start)
		at = &(*at)->next;
	node->next = *at;
	*at = node;
}

void interval_tree_remove(struct interval_tree_node *node, struct rb_root_cached *root)
{
	struct interval_tree_node **at = &root->first;

	while (*at && *at != node)
		at = &(*at)->next;
	if (!*at)
		shim_bug(__FILE__, __LINE__, "removed from a tree it is not in");
	*at = node->next;
}

static struct interval_tree_node *interval_find(struct interval_tree_node *node,
						unsigned long start, unsigned long last)
{
	while (node && (node->last < start || node->start > last))
		node = node->next;

	return node;
}

struct interval_tree_node *interval_tree_iter_first(struct rb_root_cached *root,
						    unsigned long start, unsigned long last)
{
	return interval_find(root->first, start, last);
}

struct interval_tree_node *interval_tree_iter_next(struct interval_tree_node *node,
						   unsigned long start, unsigned long last)
{
	return interval_find(node->next, start, last);
}

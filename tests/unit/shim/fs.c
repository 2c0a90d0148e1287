// SPDX-License-Identifier: GPL-2.0-only
/* The shim's files, eventfds and work queues; see include/shim/fs.h. */
#include <shim/kernel.h>

/* --- descriptors -------------------------------------------------------------------- */

#define FD_MAX		256

static struct file *fd_table[FD_MAX];
static bool fd_used[FD_MAX];
static pthread_mutex_t fd_lock = PTHREAD_MUTEX_INITIALIZER;

int get_unused_fd_flags(int flags)
{
	int fd;

	if (shim_should_fail(GFP_KERNEL))
		return -EMFILE;

	pthread_mutex_lock(&fd_lock);
	for (fd = 3; fd < FD_MAX && fd_used[fd]; fd++)
		;
	if (fd < FD_MAX)
		fd_used[fd] = true;
	pthread_mutex_unlock(&fd_lock);

	return fd < FD_MAX ? fd : -EMFILE;
}

void put_unused_fd(int fd)
{
	pthread_mutex_lock(&fd_lock);
	fd_used[fd] = false;
	pthread_mutex_unlock(&fd_lock);
}

void fd_install(int fd, struct file *file)
{
	__atomic_store_n(&fd_table[fd], file, __ATOMIC_RELEASE);
}

struct file *anon_inode_getfile(const char *name, const struct file_operations *ops,
				void *private, int flags)
{
	struct file *file;

	if (shim_should_fail(GFP_KERNEL))
		return ERR_PTR(-ENFILE);
	file = calloc(1, sizeof(*file));
	file->f_op = ops;
	file->private_data = private;
	file->refs = 1;

	return file;
}

int anon_inode_getfd(const char *name, const struct file_operations *ops, void *private,
		     int flags)
{
	struct file *file;
	int fd = get_unused_fd_flags(flags);

	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, ops, private, flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);

	return fd;
}

void fput(struct file *file)
{
	if (__atomic_sub_fetch(&file->refs, 1, __ATOMIC_SEQ_CST))
		return;
	if (file->f_op->release)
		file->f_op->release(NULL, file);
	free(file);
}

static struct file *file_get(int fd)
{
	struct file *file = NULL;

	pthread_mutex_lock(&fd_lock);
	if (fd >= 0 && fd < FD_MAX && fd_used[fd])
		file = fd_table[fd];
	if (file)
		__atomic_add_fetch(&file->refs, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&fd_lock);

	return file;
}

struct file *shim_file(int fd)
{
	return fd >= 0 && fd < FD_MAX ? fd_table[fd] : NULL;
}

long shim_ioctl(int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = file_get(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = file->f_op->unlocked_ioctl ? file->f_op->unlocked_ioctl(file, cmd, arg) : -ENOTTY;
	fput(file);

	return ret;
}

long shim_close(int fd)
{
	struct file *file;

	pthread_mutex_lock(&fd_lock);
	file = shim_file(fd);
	if (file) {
		fd_table[fd] = NULL;
		fd_used[fd] = false;
	}
	pthread_mutex_unlock(&fd_lock);
	if (!file)
		return -EBADF;
	fput(file);

	return 0;
}

ssize_t shim_read(int fd, void *buffer, size_t size)
{
	struct file *file = file_get(fd);
	ssize_t ret;

	if (!file)
		return -EBADF;
	ret = file->f_op->read(file, buffer, size, &file->pos);
	fput(file);

	return ret;
}

void *shim_mmap_page(int fd, pgoff_t page)
{
	struct file *file = shim_file(fd);
	struct vm_area_struct vma = { .vm_file = file };
	struct vm_fault fault = { .vma = &vma, .pgoff = page };

	if (!file || !file->f_op->mmap || file->f_op->mmap(file, &vma) ||
	    vma.vm_ops->fault(&fault))
		return NULL;
	put_page(fault.page);

	return (void *)(fault.page->pfn << PAGE_SHIFT);
}

long compat_ptr_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return file->f_op->unlocked_ioctl(file, cmd, arg);
}

loff_t noop_llseek(struct file *file, loff_t offset, int whence)
{
	return file->pos;
}

ssize_t simple_read_from_buffer(void *to, size_t size, loff_t *pos, const void *from,
				size_t available)
{
	size_t part;

	if (*pos < 0)
		return -EINVAL;
	if (*pos >= (loff_t)available)
		return 0;
	part = min(size, available - (size_t)*pos);
	if (copy_to_user(to, from + *pos, part))
		return -EFAULT;
	*pos += part;

	return part;
}

__poll_t vfs_poll(struct file *file, poll_table *table)
{
	return file->f_op->poll(file, table);
}

static struct miscdevice *misc_device;

int misc_register(struct miscdevice *device)
{
	if (misc_device)
		return -EBUSY;
	misc_device = device;

	return 0;
}

void misc_deregister(struct miscdevice *device)
{
	misc_device = NULL;
}

int shim_open(void)
{
	return misc_device ? anon_inode_getfd(misc_device->name, misc_device->fops, NULL, 0)
			   : -ENOENT;
}

/* --- wait queues and eventfds ------------------------------------------------------------ */

void add_wait_queue(wait_queue_head_t *queue, wait_queue_entry_t *wait)
{
	spin_lock(&queue->lock);
	list_add_tail(&wait->entry, &queue->head);
	spin_unlock(&queue->lock);
}

static void wake_locked(wait_queue_head_t *queue, __poll_t events)
{
	wait_queue_entry_t *wait, *next;

	list_for_each_entry_safe(wait, next, &queue->head, entry)
		wait->func(wait, 0, 0, (void *)(unsigned long)events);
}

void eventfd_signal(struct eventfd_ctx *ctx)
{
	spin_lock(&ctx->queue.lock);
	ctx->count++;
	wake_locked(&ctx->queue, EPOLLIN);
	spin_unlock(&ctx->queue.lock);
}

void eventfd_ctx_do_read(struct eventfd_ctx *ctx, u64 *count)
{
	lockdep_assert_held(&ctx->queue.lock);
	*count = ctx->count;
	ctx->count = 0;
}

int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, u64 *count)
{
	spin_lock(&ctx->queue.lock);
	eventfd_ctx_do_read(ctx, count);
	list_del(&wait->entry);
	spin_unlock(&ctx->queue.lock);

	return *count ? 0 : -EAGAIN;
}

void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	if (!__atomic_sub_fetch(&ctx->refs, 1, __ATOMIC_SEQ_CST))
		free(ctx);
}

static int eventfd_release(struct inode *inode, struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	spin_lock(&ctx->queue.lock);
	wake_locked(&ctx->queue, EPOLLHUP);
	spin_unlock(&ctx->queue.lock);
	eventfd_ctx_put(ctx);

	return 0;
}

static __poll_t eventfd_poll(struct file *file, poll_table *table)
{
	struct eventfd_ctx *ctx = file->private_data;

	table->qproc(file, &ctx->queue, table);

	return READ_ONCE(ctx->count) ? EPOLLIN : 0;
}

static const struct file_operations eventfd_fops = {
	.release	= eventfd_release,
	.poll		= eventfd_poll,
};

struct file *eventfd_fget(int fd)
{
	struct file *file = file_get(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op != &eventfd_fops) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}

	return file;
}

struct eventfd_ctx *eventfd_ctx_fileget(struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	if (file->f_op != &eventfd_fops)
		return ERR_PTR(-EINVAL);
	__atomic_add_fetch(&ctx->refs, 1, __ATOMIC_SEQ_CST);

	return ctx;
}

struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	struct file *file = eventfd_fget(fd);
	struct eventfd_ctx *ctx;

	if (IS_ERR(file))
		return (void *)file;
	ctx = eventfd_ctx_fileget(file);
	fput(file);

	return ctx;
}

int shim_eventfd(void)
{
	struct eventfd_ctx *ctx = calloc(1, sizeof(*ctx));

	ctx->refs = 1;
	spin_lock_init(&ctx->queue.lock);
	INIT_LIST_HEAD(&ctx->queue.head);

	return anon_inode_getfd("eventfd", &eventfd_fops, ctx, 0);
}

void shim_eventfd_write(int fd)
{
	eventfd_signal(shim_file(fd)->private_data);
}

u64 shim_eventfd_take(int fd)
{
	struct eventfd_ctx *ctx = shim_file(fd)->private_data;
	u64 count;

	spin_lock(&ctx->queue.lock);
	eventfd_ctx_do_read(ctx, &count);
	spin_unlock(&ctx->queue.lock);

	return count;
}

/* --- work queues: one thread each -------------------------------------------------------------- */

struct workqueue_struct {
	pthread_mutex_t		 lock;
	pthread_cond_t		 changed;
	pthread_t		 thread;
	struct list_head	 works;
	struct work_struct	*running;
	bool			 stop;
};

static void *work_thread(void *data)
{
	struct workqueue_struct *queue = data;
	struct work_struct *work;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		while (list_empty(&queue->works) && !queue->stop)
			pthread_cond_wait(&queue->changed, &queue->lock);
		if (list_empty(&queue->works))
			break;
		work = list_first_entry(&queue->works, struct work_struct, link);
		list_del(&work->link);
		work->queued = false;
		queue->running = work;
		pthread_mutex_unlock(&queue->lock);
		/* It may free itself. */
		work->function(work);
		pthread_mutex_lock(&queue->lock);
		queue->running = NULL;
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);

	return NULL;
}

struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags)
{
	struct workqueue_struct *queue;

	if (shim_should_fail(GFP_KERNEL))
		return NULL;
	queue = calloc(1, sizeof(*queue));
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	INIT_LIST_HEAD(&queue->works);
	pthread_create(&queue->thread, NULL, work_thread, queue);

	return queue;
}

void destroy_workqueue(struct workqueue_struct *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->thread, NULL);
	free(queue);
}

bool queue_work(struct workqueue_struct *queue, struct work_struct *work)
{
	bool queued;

	pthread_mutex_lock(&queue->lock);
	queued = !work->queued;
	if (queued) {
		work->queued = true;
		work->queue = queue;
		list_add_tail(&work->link, &queue->works);
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);

	return queued;
}

void flush_workqueue(struct workqueue_struct *queue)
{
	pthread_mutex_lock(&queue->lock);
	while (!list_empty(&queue->works) || queue->running)
		pthread_cond_wait(&queue->changed, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}

bool cancel_work_sync(struct work_struct *work)
{
	struct workqueue_struct *queue = work->queue;
	bool cancelled;

	if (!queue)
		return false;
	pthread_mutex_lock(&queue->lock);
	cancelled = work->queued;
	if (cancelled) {
		list_del(&work->link);
		work->queued = false;
	}
	while (queue->running == work)
		pthread_cond_wait(&queue->changed, &queue->lock);
	pthread_mutex_unlock(&queue->lock);

	return cancelled;
}

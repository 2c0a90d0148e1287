/* SPDX-License-Identifier: GPL-2.0-only */
/* Files and descriptors, the misc device, eventfds, work queues. */
#ifndef SHIM_FS_H
#define SHIM_FS_H

#include <fcntl.h>
#include <sys/epoll.h>
#include <shim/base.h>
#include <shim/container.h>
#include <shim/lock.h>
#include <shim/mm.h>

struct inode;
struct file;
struct module;

/* --- wait queues ------------------------------------------------------------ */

typedef struct wait_queue_head {
	spinlock_t		lock;
	struct list_head	head;
} wait_queue_head_t;

typedef struct wait_queue_entry wait_queue_entry_t;
typedef int (*wait_queue_func_t)(wait_queue_entry_t *wait, unsigned int mode, int flags,
				 void *key);

struct wait_queue_entry {
	wait_queue_func_t	func;
	struct list_head	entry;
};

#define init_waitqueue_func_entry(wait, function)	((wait)->func = (function))
void add_wait_queue(wait_queue_head_t *queue, wait_queue_entry_t *wait);

typedef struct poll_table_struct {
	void (*qproc)(struct file *file, wait_queue_head_t *queue,
		      struct poll_table_struct *table);
} poll_table;

#define init_poll_funcptr(table, function)	((table)->qproc = (function))
#define key_to_poll(key)	((__poll_t)(unsigned long)(key))

/* --- files --------------------------------------------------------------------- */

struct file_operations {
	struct module	*owner;
	long		(*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	long		(*compat_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	loff_t		(*llseek)(struct file *file, loff_t offset, int whence);
	int		(*release)(struct inode *inode, struct file *file);
	int		(*mmap)(struct file *file, struct vm_area_struct *vma);
	ssize_t		(*read)(struct file *file, char *buffer, size_t size, loff_t *pos);
	__poll_t	(*poll)(struct file *file, poll_table *table);
};

struct file {
	const struct file_operations *f_op;
	void		*private_data;
	unsigned int	 f_mode;
	int		 refs;
	loff_t		 pos;
};

#define FMODE_PREAD	8

long compat_ptr_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
loff_t noop_llseek(struct file *file, loff_t offset, int whence);
ssize_t simple_read_from_buffer(void *to, size_t size, loff_t *pos, const void *from,
				size_t available);

struct file *anon_inode_getfile(const char *name, const struct file_operations *ops,
				void *private, int flags);
int anon_inode_getfd(const char *name, const struct file_operations *ops, void *private,
		     int flags);
int get_unused_fd_flags(int flags);
void put_unused_fd(int fd);
void fd_install(int fd, struct file *file);
void fput(struct file *file);
__poll_t vfs_poll(struct file *file, poll_table *table);

/* There are no other names than those of the descriptors here. */
struct path {
	void		*dentry;
};

#define kern_path(name, flags, path)	((void)(name), (path)->dentry = NULL, -ENOENT)
#define path_put(path)			((void)(path))

struct miscdevice {
	int		 minor;
	const char	*name;
	const struct file_operations *fops;
};

#define KVM_MINOR		232
#define MISC_DYNAMIC_MINOR	255
int misc_register(struct miscdevice *device);
void misc_deregister(struct miscdevice *device);

/* What a program does with descriptors; negative results are -errno. */
int shim_open(void);				/* the misc device */
long shim_ioctl(int fd, unsigned int cmd, unsigned long arg);
long shim_close(int fd);
ssize_t shim_read(int fd, void *buffer, size_t size);
/* The page behind a page of the mapping of @fd, or NULL: SIGBUS. */
void *shim_mmap_page(int fd, pgoff_t page);
struct file *shim_file(int fd);

/* --- eventfd -------------------------------------------------------------------- */

struct eventfd_ctx {
	int			refs;
	u64			count;
	wait_queue_head_t	queue;
};

struct file *eventfd_fget(int fd);
struct eventfd_ctx *eventfd_ctx_fdget(int fd);
struct eventfd_ctx *eventfd_ctx_fileget(struct file *file);
void eventfd_ctx_put(struct eventfd_ctx *ctx);
void eventfd_ctx_do_read(struct eventfd_ctx *ctx, u64 *count);
int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, u64 *count);
void eventfd_signal(struct eventfd_ctx *ctx);

int shim_eventfd(void);
void shim_eventfd_write(int fd);
u64 shim_eventfd_take(int fd);			/* the count, and zero it */

/* --- work --------------------------------------------------------------------------- */

struct workqueue_struct;

struct work_struct {
	void			(*function)(struct work_struct *work);
	struct workqueue_struct	*queue;		/* queued or running there */
	bool			 queued;
	struct list_head	 link;
};

#define INIT_WORK(work, f)	(*(work) = (struct work_struct) { .function = (f) })
struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags);
void destroy_workqueue(struct workqueue_struct *queue);
bool queue_work(struct workqueue_struct *queue, struct work_struct *work);
void flush_workqueue(struct workqueue_struct *queue);
bool cancel_work_sync(struct work_struct *work);

#endif /* SHIM_FS_H */

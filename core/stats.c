// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters in the binary format of KVM_GET_STATS_FD: a header, the name of the
 * object, one descriptor per counter, and the values, all at fixed offsets of a
 * descriptor that can be read at any position.
 *
 * Counters are plain u64 in struct vm and struct vcpu.  They are read without a
 * lock: each value is right, two values need not be of the same moment.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <core/stats.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* Room for a name behind each descriptor, its terminating zero included. */
#define STATS_NAME_SIZE	48
/* Not sizeof: in the kernel the name may be a member of fixed size. */
#define STATS_DESC_SIZE	(offsetof(struct kvm_stats_desc, name) + STATS_NAME_SIZE)

#define STATS_COUNT(type_, name_)						\
	{ .name = #name_, .offset = offsetof(struct type_, stats.name_),	\
	  .flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10 }
#define STATS_NS(type_, name_)							\
	{ .name = #name_, .offset = offsetof(struct type_, stats.name_),	\
	  .flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_SECONDS |		\
		   KVM_STATS_BASE_POW10, .exponent = -9 }

static const struct stats_desc vm_stats_descs[] = {
	STATS_COUNT(vm, remote_flush),
	STATS_COUNT(vm, pages_mapped),
	STATS_COUNT(vm, pages_unmapped),
	{ }
};

static const struct stats_desc vcpu_stats_descs[] = {
	STATS_COUNT(vcpu, stays),
	STATS_COUNT(vcpu, exits),
	STATS_COUNT(vcpu, fast_exits),
	STATS_COUNT(vcpu, user_exits),
	STATS_COUNT(vcpu, signal_exits),
	STATS_COUNT(vcpu, mmio_exits),
	STATS_COUNT(vcpu, io_exits),
	STATS_COUNT(vcpu, faults),
	STATS_COUNT(vcpu, halts),
	STATS_COUNT(vcpu, halt_poll_hits),
	STATS_NS(vcpu, halt_poll_ns),
	STATS_NS(vcpu, halt_wait_ns),
	STATS_COUNT(vcpu, injected),
	STATS_COUNT(vcpu, kicks),
	{ }
};

/* What an open descriptor reads from: an image that never changes, and values. */
struct stats_file {
	struct vm		*vm;		/* a reference */
	const void		*object;	/* struct vm or struct vcpu */
	const struct stats_desc	*tables[2];
	u32			 count;
	size_t			 data_offset;
	u8			 image[] __aligned(8);	/* header, id, descriptors */
};

static size_t stats_table_count(const struct stats_desc *desc)
{
	size_t count = 0;

	if (desc)
		while (desc[count].name)
			count++;

	return count;
}

/* Bring the values up to date. */
static void stats_fill_data(const struct stats_file *file, u64 *data)
{
	const struct stats_desc *desc;
	int i;

	for (i = 0; i < ARRAY_SIZE(file->tables); i++)
		for (desc = file->tables[i]; desc && desc->name; desc++)
			*data++ = READ_ONCE(*(const u64 *)(file->object + desc->offset));
}

static void stats_fill_descs(struct stats_file *file, size_t offset)
{
	const struct stats_desc *desc;
	struct kvm_stats_desc *out;
	u32 index = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(file->tables); i++) {
		for (desc = file->tables[i]; desc && desc->name; desc++, index++) {
			out = (void *)(file->image + offset);
			out->flags = desc->flags;
			out->exponent = desc->exponent;
			out->size = 1;
			out->offset = index * sizeof(u64);
			strscpy(out->name, desc->name, STATS_NAME_SIZE);
			offset += STATS_DESC_SIZE;
		}
	}
}

static ssize_t stats_read(struct file *filp, char __user *buffer, size_t len, loff_t *pos)
{
	const struct stats_file *file = filp->private_data;
	size_t data_size = file->count * sizeof(u64);
	loff_t data_pos;
	ssize_t done = 0, ret;
	u64 *data;

	if (*pos < 0)
		return -EINVAL;

	if (*pos < file->data_offset) {
		done = simple_read_from_buffer(buffer, len, pos, file->image,
					       file->data_offset);
		if (done < 0 || *pos < file->data_offset || done == len)
			return done;
	}

	data = kvmalloc(data_size, GFP_KERNEL_ACCOUNT);
	if (!data)
		return done ? done : -ENOMEM;
	stats_fill_data(file, data);

	data_pos = *pos - file->data_offset;
	ret = simple_read_from_buffer(buffer + done, len - done, &data_pos, data,
				      data_size);
	kvfree(data);
	if (ret < 0)
		return done ? done : ret;

	*pos = data_pos + file->data_offset;

	return done + ret;
}

static int stats_release(struct inode *inode, struct file *filp)
{
	struct stats_file *file = filp->private_data;

	vm_put(file->vm);
	kvfree(file);

	return 0;
}

static const struct file_operations stats_fops = {
	.owner		= THIS_MODULE,
	.read		= stats_read,
	.release	= stats_release,
	.llseek		= noop_llseek,
};

static struct stats_file *stats_file_create(struct vm *vm, struct vcpu *vcpu)
{
	const struct stats_desc *core = vcpu ? vcpu_stats_descs : vm_stats_descs;
	const struct stats_desc *arch = vcpu ? arch_vcpu_stats : NULL;
	size_t count = stats_table_count(core) + stats_table_count(arch);
	size_t desc_offset = sizeof(struct kvm_stats_header) + STATS_NAME_SIZE;
	size_t data_offset = ALIGN(desc_offset + count * STATS_DESC_SIZE, sizeof(u64));
	struct kvm_stats_header *header;
	struct stats_file *file;

	file = kvzalloc(struct_size(file, image, data_offset), GFP_KERNEL_ACCOUNT);
	if (!file)
		return NULL;

	file->vm = vm;
	file->object = vcpu ? (void *)vcpu : (void *)vm;
	file->tables[0] = core;
	file->tables[1] = arch;
	file->count = count;
	file->data_offset = data_offset;

	header = (void *)file->image;
	header->name_size = STATS_NAME_SIZE;
	header->num_desc = count;
	header->id_offset = sizeof(*header);
	header->desc_offset = desc_offset;
	header->data_offset = data_offset;
	strscpy(file->image + header->id_offset, vcpu ? vcpu->stats_id : vm->stats_id,
		STATS_NAME_SIZE);
	stats_fill_descs(file, desc_offset);

	return file;
}

int stats_create_fd(struct vm *vm, struct vcpu *vcpu)
{
	struct stats_file *file;
	struct file *filp;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	file = stats_file_create(vm, vcpu);
	if (!file) {
		put_unused_fd(fd);
		return -ENOMEM;
	}

	filp = anon_inode_getfile(vcpu ? "kvm-vcpu-stats" : "kvm-vm-stats", &stats_fops,
				  file, O_RDONLY);
	if (IS_ERR(filp)) {
		kvfree(file);
		put_unused_fd(fd);
		return PTR_ERR(filp);
	}

	/* A file without a name is a stream unless it says otherwise. */
	filp->f_mode |= FMODE_PREAD;
	vm_get(vm);
	fd_install(fd, filp);

	return fd;
}

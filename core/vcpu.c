// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual CPUs: their lifetime, their descriptor with its mapping and ioctls,
 * binding to a host CPU, and the ways in which one goes to user space.  How a
 * vCPU runs is in run.c.
 *
 * A vCPU lives as long as its VM.  Its descriptor may be closed before, or kept
 * by the VMM and used for another guest CPU later.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <core/host.h>
#include <core/hw.h>
#include <core/ioctl.h>
#include <core/iobus.h>
#include <core/ops.h>
#include <core/stats.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* The vCPU's own pages of the mapping; the ring of the VM may follow. */
#ifdef ARCH_HAS_PIO
#define VCPU_RUN_PAGES	(KVM_PIO_PAGE_OFFSET + 1)
#else
#define VCPU_RUN_PAGES	1
#endif

static_assert(sizeof(struct kvm_run) <= PAGE_SIZE);
/* vcpu_mmio_exit() clears it in one go. */
static_assert(sizeof_field(struct kvm_run, mmio.data) == sizeof(u64));
static_assert(offsetof(struct kvm_run, mmio.data) % sizeof(u64) == 0);

/* --- binding to a CPU ----------------------------------------------------- */

/* Preemption off.  A CPU without the extension carries nobody. */
static void vcpu_carry(struct vcpu *vcpu, int cpu)
{
	if (unlikely(!__this_cpu_read(hw_cpu.enabled))) {
		vcpu_request(vcpu, REQ_DEAD);
		return;
	}

	vcpu_op(load)(vcpu, cpu);
	/* Before the mode says IN_GUEST_MODE; vcpu_kick() reads in reverse. */
	WRITE_ONCE(vcpu->cpu, cpu);
	vcpu->loaded = true;
	__this_cpu_write(hw_cpu.vcpu, vcpu);
}

/* Preemption off, maybe irqs off under rq->lock. */
static void vcpu_drop(struct vcpu *vcpu)
{
	if (unlikely(!vcpu->loaded))
		return;

	vcpu_op(put)(vcpu);
	vcpu->loaded = false;
	__this_cpu_write(hw_cpu.vcpu, NULL);
}

static void vcpu_sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct vcpu *vcpu = container_of(notifier, struct vcpu, preempt);

	vcpu->preempted = false;
	vcpu_carry(vcpu, cpu);
}

static void vcpu_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct vcpu *vcpu = container_of(notifier, struct vcpu, preempt);

	vcpu->preempted = task_is_running(current);
	vcpu_drop(vcpu);
}

static struct preempt_ops vcpu_preempt_ops = {
	.sched_in	= vcpu_sched_in,
	.sched_out	= vcpu_sched_out,
};

void vcpu_load(struct vcpu *vcpu)
{
	int cpu;

	lockdep_assert_held(&vcpu->mutex);

	cpu = get_cpu();
	preempt_notifier_register(&vcpu->preempt);
	vcpu_carry(vcpu, cpu);
	put_cpu();
}

void vcpu_put(struct vcpu *vcpu)
{
	preempt_disable();
	vcpu_drop(vcpu);
	preempt_notifier_unregister(&vcpu->preempt);
	preempt_enable();
}

/* --- ways to user space ---------------------------------------------------- */

int vcpu_exit(struct vcpu *vcpu, u32 reason)
{
	vcpu->run->exit_reason = reason;

	return EXIT_TO_USER;
}

int vcpu_exit_internal(struct vcpu *vcpu, u32 suberror, const u64 *data, int count)
{
	struct kvm_run *run = vcpu->run;

	count = min_t(int, count, ARRAY_SIZE(run->internal.data));
	run->internal.suberror = suberror;
	run->internal.ndata = count;
	memcpy(run->internal.data, data, count * sizeof(*data));

	return vcpu_exit(vcpu, KVM_EXIT_INTERNAL_ERROR);
}

int vcpu_exit_fail_entry(struct vcpu *vcpu, u64 reason)
{
	vcpu->run->fail_entry.hardware_entry_failure_reason = reason;
	vcpu->run->fail_entry.cpu = vcpu->cpu;

	return vcpu_exit(vcpu, KVM_EXIT_FAIL_ENTRY);
}

int vcpu_exit_system_event(struct vcpu *vcpu, u32 type, const u64 *data, int count)
{
	struct kvm_run *run = vcpu->run;

	count = min_t(int, count, ARRAY_SIZE(run->system_event.data));
	run->system_event.type = type;
	run->system_event.ndata = count;
	memcpy(run->system_event.data, data, count * sizeof(*data));

	return vcpu_exit(vcpu, KVM_EXIT_SYSTEM_EVENT);
}

int vcpu_exit_memory_fault(struct vcpu *vcpu, gpa_t gpa, u64 size)
{
	host_run_memory_fault(vcpu->run, gpa, size);
	vcpu_exit(vcpu, KVM_EXIT_MEMORY_FAULT);

	return -EFAULT;
}

/* The largest naturally aligned piece at the front of the access, in bytes. */
static u32 vcpu_mmio_piece(const struct mmio_access *mmio)
{
	u32 piece;

	/* What guests do: no need to compute it. */
	if (likely(mmio->len <= 8 && is_power_of_2(mmio->len) && !(mmio->gpa & (mmio->len - 1))))
		return mmio->len;

	piece = min_t(u32, rounddown_pow_of_two(mmio->len), 8);
	if (mmio->gpa & (piece - 1))
		piece = 1U << __ffs(mmio->gpa);

	return piece;
}

static void vcpu_mmio_advance(struct mmio_access *mmio, u32 piece)
{
	mmio->gpa += piece;
	mmio->data += piece;
	mmio->len -= piece;
}

/* One piece, if something in the kernel answers to it. */
static bool vcpu_mmio_in_kernel(struct vcpu *vcpu, struct mmio_access *mmio, u32 piece)
{
	if (!mmio->write)
		return !iobus_read(vcpu, IOBUS_MMIO, mmio->gpa, piece, mmio->data);

	return !iobus_write(vcpu, IOBUS_MMIO, mmio->gpa, piece, mmio->data) ||
	       coalesced_write(vcpu, IOBUS_MMIO, mmio->gpa, piece, mmio->data);
}

static int vcpu_mmio_done(struct vcpu *vcpu);

static int vcpu_mmio_exit(struct vcpu *vcpu, struct mmio_access *mmio, u32 piece)
{
	struct kvm_run *run = vcpu->run;

	mmio->piece = piece;
	run->mmio.phys_addr = mmio->gpa;
	run->mmio.len = piece;
	run->mmio.is_write = mmio->write;
	/* The compiler does not know that it is aligned. */
	*(u64 *)run->mmio.data = 0;
	if (mmio->write)
		memcpy(run->mmio.data, mmio->data, piece);
	vcpu->complete = vcpu_mmio_done;
	vcpu->stats.mmio_exits++;

	return vcpu_exit(vcpu, KVM_EXIT_MMIO);
}

/* What is left, up to the first piece that user space has to serve. */
static int vcpu_mmio_continue(struct vcpu *vcpu)
{
	struct mmio_access *mmio = &vcpu->mmio;
	u32 piece;

	while (mmio->len) {
		piece = vcpu_mmio_piece(mmio);
		if (!vcpu_mmio_in_kernel(vcpu, mmio, piece))
			return vcpu_mmio_exit(vcpu, mmio, piece);
		vcpu_mmio_advance(mmio, piece);
	}

	return RESUME_GUEST;
}

/* User space has served a piece: take it, and go on behind it. */
static int vcpu_mmio_done(struct vcpu *vcpu)
{
	struct mmio_access *mmio = &vcpu->mmio;
	int ret;

	if (!mmio->write)
		memcpy(mmio->data, vcpu->run->mmio.data, mmio->piece);
	vcpu_mmio_advance(mmio, mmio->piece);

	ret = vcpu_mmio_continue(vcpu);
	if (ret != RESUME_GUEST)
		return ret;

	return mmio->complete(vcpu);
}

int vcpu_mmio(struct vcpu *vcpu, gpa_t gpa, void *data, u32 len, bool write,
	      int (*complete)(struct vcpu *vcpu))
{
	lockdep_assert_held(&vcpu->mutex);

	vcpu->mmio = (struct mmio_access) {
		.gpa		= gpa,
		.data		= data,
		.len		= len,
		.write		= write,
		.complete	= complete,
	};

	return vcpu_mmio_continue(vcpu);
}

/* --- ioctls ------------------------------------------------------------------- */

/* The task's own; it cannot go away while the task runs. */
static struct sighand_struct *vcpu_sighand(void)
{
	return rcu_dereference_protected(current->sighand, true);
}

/*
 * With a mask of its own, KVM_RUN waits with that one.  The task's own mask goes
 * where the kernel keeps it for sigtimedwait(): a signal that only KVM_RUN lets
 * through is then neither dropped nor acted upon before it is back.
 */
static noinline void vcpu_sigset_enter(struct vcpu *vcpu)
{
	struct sighand_struct *sighand = vcpu_sighand();

	spin_lock_irq(&sighand->siglock);
	current->real_blocked = current->blocked;
	spin_unlock_irq(&sighand->siglock);
	sigprocmask(SIG_SETMASK, &vcpu->sigset, NULL);
}

static noinline void vcpu_sigset_exit(struct vcpu *vcpu)
{
	struct sighand_struct *sighand = vcpu_sighand();
	sigset_t saved;

	saved = current->real_blocked;
	sigprocmask(SIG_SETMASK, &saved, NULL);
	spin_lock_irq(&sighand->siglock);
	sigemptyset(&current->real_blocked);
	spin_unlock_irq(&sighand->siglock);
}

static long vcpu_ioctl_run(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;
	long ret;

	if (user)
		return -EINVAL;

	if (unlikely(vcpu->sigset_active))
		vcpu_sigset_enter(vcpu);
	ret = vcpu_run(vcpu);
	if (unlikely(vcpu->sigset_active))
		vcpu_sigset_exit(vcpu);
	if (ret == -ERESTARTNOHAND)
		host_restart();

	return ret;
}

static long vcpu_ioctl_set_signal_mask(void *object, void *data, unsigned long user)
{
	struct kvm_signal_mask __user *mask = (void __user *)user;
	struct vcpu *vcpu = object;
	sigset_t sigset;
	u32 len;

	if (!mask) {
		vcpu->sigset_active = false;
		return 0;
	}

	if (get_user(len, &mask->len))
		return -EFAULT;
	if (len != sizeof(sigset))
		return -EINVAL;
	if (copy_from_user(&sigset, mask->sigset, sizeof(sigset)))
		return -EFAULT;

	sigdelsetmask(&sigset, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = sigset;
	vcpu->sigset_active = true;

	return 0;
}

static long vcpu_ioctl_get_stats_fd(void *object, void *data, unsigned long user)
{
	struct vcpu *vcpu = object;

	return stats_create_fd(vcpu->vm, vcpu);
}

/*
 * The row of KVM_RUN as code: the way by the tables is 100 instructions longer, of some
 * 2,500 that a round trip to user space takes.
 */
static long vcpu_ioctl_run_locked(struct vcpu *vcpu, unsigned long user)
{
	long ret;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	/* Mostly nobody else wants it, and then this need not become a place to sleep. */
	if (!mutex_trylock(&vcpu->mutex) && mutex_lock_killable(&vcpu->mutex))
		return -EINTR;

	ret = vcpu_ioctl_run(vcpu, NULL, user);
	mutex_unlock(&vcpu->mutex);

	return ret;
}

static const struct ioctl_desc vcpu_ioctls[] = {
	/* Not looked for here: see above. */
	IOCTL(KVM_RUN,			IOCTL_RAW | IOCTL_VCPU,	vcpu_ioctl_run),
	IOCTL(KVM_SET_SIGNAL_MASK,	IOCTL_RAW | IOCTL_VCPU,	vcpu_ioctl_set_signal_mask),
	IOCTL(KVM_GET_STATS_FD,		IOCTL_RAW,		vcpu_ioctl_get_stats_fd),
	{ }
};

static long vcpu_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct vcpu *vcpu = filp->private_data;

	if (likely(cmd == KVM_RUN))
		return vcpu_ioctl_run_locked(vcpu, arg);

	return ioctl_dispatch(vcpu_ioctls, arch_vcpu_ioctls, vcpu->vm, vcpu, cmd, arg);
}

/* --- the mapping ---------------------------------------------------------------- */

static struct page *vcpu_run_page(struct vcpu *vcpu, pgoff_t offset)
{
	if (offset < VCPU_RUN_PAGES)
		return virt_to_page((void *)vcpu->run + (offset << PAGE_SHIFT));
#ifdef KVM_COALESCED_MMIO_PAGE_OFFSET
	if (offset == KVM_COALESCED_MMIO_PAGE_OFFSET && vcpu->vm->coalesced)
		return virt_to_page(vcpu->vm->coalesced);
#endif
	return NULL;
}

static vm_fault_t vcpu_mapping_fault(struct vm_fault *fault)
{
	struct vcpu *vcpu = fault->vma->vm_file->private_data;
	struct page *page = vcpu_run_page(vcpu, fault->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;

	get_page(page);
	fault->page = page;

	return 0;
}

static const struct vm_operations_struct vcpu_mapping_ops = {
	.fault	= vcpu_mapping_fault,
};

static int vcpu_mmap(struct file *filp, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_mapping_ops;

	return 0;
}

static int vcpu_release(struct inode *inode, struct file *filp)
{
	struct vcpu *vcpu = filp->private_data;

	vm_put(vcpu->vm);

	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= vcpu_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= vcpu_mmap,
	.release	= vcpu_release,
	.llseek		= noop_llseek,
};

/* --- lifetime ----------------------------------------------------------------------- */

static void vcpu_init(struct vcpu *vcpu, struct vm *vm, unsigned int id)
{
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->index = vm->vcpu_count;
	vcpu->cpu = -1;
	vcpu->mode = OUTSIDE_GUEST_MODE;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	raw_spin_lock_init(&vcpu->mp_lock);
	preempt_notifier_init(&vcpu->preempt, &vcpu_preempt_ops);
	snprintf(vcpu->stats_id, sizeof(vcpu->stats_id), "%.24s/vcpu-%u", vm->stats_id, id);
}

void vcpu_free(struct vcpu *vcpu)
{
	if (vm_has_irqchip(vcpu->vm))
		irqchip_op(vcpu_destroy)(vcpu);
	vcpu_op(destroy)(vcpu);
	page_cache_drain(&vcpu->page_cache);
	if (vcpu->run)
		free_pages_exact(vcpu->run, VCPU_RUN_PAGES * PAGE_SIZE);
	mutex_destroy(&vcpu->mutex);
	kvfree(vcpu);
}

/* A vCPU that nobody can see yet. */
static struct vcpu *vcpu_create(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu;
	int err = -ENOMEM;

	vcpu = kvzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu_init(vcpu, vm, id);

	vcpu->run = alloc_pages_exact(VCPU_RUN_PAGES * PAGE_SIZE,
				      GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vcpu->run)
		goto err_free;
	err = vcpu_op(create)(vcpu);
	if (err)
		goto err_free;
	if (vm_has_irqchip(vm)) {
		err = irqchip_op(vcpu_create)(vcpu);
		if (err)
			goto err_free;
	}

	return vcpu;

err_free:
	/* Everything in it accepts what was only half built. */
	vcpu_free(vcpu);

	return ERR_PTR(err);
}

int vcpu_create_fd(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu;
	struct file *file;
	int fd, err;

	lockdep_assert_held(&vm->lock);

	if (id >= ARCH_MAX_VCPU_ID || vm->vcpu_count >= ARCH_MAX_VCPUS)
		return -EINVAL;
	if (vm_vcpu_by_id(vm, id))
		return -EEXIST;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vcpu = vcpu_create(vm, id);
	if (IS_ERR(vcpu)) {
		err = PTR_ERR(vcpu);
		goto err_put_fd;
	}
	err = xa_reserve(&vm->vcpus, vcpu->index, GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_free;
	vm_get(vm);
	file = anon_inode_getfile("kvm-vcpu", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_put_vm;
	}

	/* Nothing fails from here on.  Pairs with the acquire in vm_vcpu(). */
	xa_store(&vm->vcpus, vcpu->index, vcpu, GFP_KERNEL_ACCOUNT);
	smp_store_release(&vm->vcpu_count, vcpu->index + 1);
	/* Visible first, then look.  Pairs with smp_mb() in hw_reboot(). */
	smp_mb();
	if (unlikely(hw_is_going_down()))
		vcpu_request(vcpu, REQ_DEAD);
	fd_install(fd, file);

	return fd;

err_put_vm:
	vm_put(vm);
	xa_release(&vm->vcpus, vcpu->index);
err_free:
	vcpu_free(vcpu);
err_put_fd:
	put_unused_fd(fd);

	return err;
}

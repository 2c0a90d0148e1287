// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines: their lifetime, their descriptor and its ioctls, and what is
 * done to all vCPUs of one at once.
 *
 * A VM lives until the last of its descriptors is closed: its own, those of its
 * vCPUs, devices and statistics.  Creating one takes constant time, no grace
 * period and no thread; destroying it is bounded by what was mapped.
 */
#include <linux/anon_inodes.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <core/device.h>
#include <core/host.h>
#include <core/hw.h>
#include <core/ioctl.h>
#include <core/irq.h>
#include <core/memslot.h>
#include <core/ops.h>
#include <core/stats.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* --- all vCPUs ---------------------------------------------------------- */

struct vcpu *vm_vcpu_by_id(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu;
	unsigned int i;

	/* Most VMMs number vCPUs in the order of creation. */
	vcpu = vm_vcpu(vm, id);
	if (vcpu && vcpu->id == id)
		return vcpu;

	vm_for_each_vcpu(i, vcpu, vm)
		if (vcpu->id == id)
			return vcpu;

	return NULL;
}

/* That the interrupt was taken is the answer: the CPU has left the guest. */
static void vm_acknowledge(void *unused)
{
}

/*
 * Add the CPU on which the vCPU may be in the guest without having seen @request.
 *
 * A request is set before the mode is read here; vcpu_enter_guest() publishes
 * IN_GUEST_MODE before it reads requests.  So either the mode is seen here, and
 * the CPU gets an interrupt, or the request is seen there.  EXITING_GUEST_MODE
 * counts as well: that kick may not have arrived yet.
 */
static void vm_request_target(struct vcpu *vcpu, unsigned int request, int self,
			      struct cpumask *targets)
{
	int cpu;

	if (vcpu_request_outside(vcpu, request))
		return;

	cpu = READ_ONCE(vcpu->cpu);
	if (cpu >= 0 && cpu != self)
		__cpumask_set_cpu(cpu, targets);
}

/* Preemption off, irqs on.  On return they have all left the guest once. */
static void vm_request_wait(struct vm *vm, struct cpumask *targets)
{
	if (cpumask_empty(targets))
		return;

	vm->stats.remote_flush++;
	smp_call_function_many(targets, vm_acknowledge, NULL, true);
}

void vm_request_some(struct vm *vm, struct vcpu *const *vcpus, unsigned int count,
		     unsigned int request)
{
	struct cpumask *targets;
	unsigned int i;
	int self;

	self = get_cpu();
	targets = this_cpu_cpumask_var_ptr(hw_cpu.targets);
	cpumask_clear(targets);
	for (i = 0; i < count; i++)
		vm_request_target(vcpus[i], request, self, targets);
	vm_request_wait(vm, targets);
	put_cpu();
}

void vm_request_all(struct vm *vm, unsigned int request, bool wait)
{
	struct cpumask *targets;
	struct vcpu *vcpu;
	unsigned int i;
	int self;

	if (!wait) {
		vm_for_each_vcpu(i, vcpu, vm) {
			vcpu_request(vcpu, request);
			vcpu_kick(vcpu);
		}
		return;
	}

	self = get_cpu();
	targets = this_cpu_cpumask_var_ptr(hw_cpu.targets);
	cpumask_clear(targets);
	vm_for_each_vcpu(i, vcpu, vm)
		vm_request_target(vcpu, request, self, targets);
	vm_request_wait(vm, targets);
	put_cpu();
}

int vm_lock_vcpus(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int i;

	lockdep_assert_held(&vm->lock);

	vm_for_each_vcpu(i, vcpu, vm)
		if (!mutex_trylock(&vcpu->mutex))
			goto err_unlock;

	return 0;

err_unlock:
	while (i--)
		mutex_unlock(&vm_vcpu(vm, i)->mutex);

	return -EBUSY;
}

void vm_unlock_vcpus(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int i;

	lockdep_assert_held(&vm->lock);

	vm_for_each_vcpu(i, vcpu, vm)
		mutex_unlock(&vcpu->mutex);
}

/* --- ioctls --------------------------------------------------------------- */

static long vm_ioctl_create_vcpu(void *object, void *data, unsigned long user)
{
	if (user > INT_MAX)
		return -EINVAL;

	return vcpu_create_fd(object, user);
}

/* Fields of a region that mean something for a flag that is not offered. */
static bool vm_region_has_unknown(const struct kvm_userspace_memory_region2 *region)
{
	return region->flags & ~MEMSLOT_FLAGS;
}

static long vm_ioctl_set_region(void *object, void *data, unsigned long user)
{
	const struct kvm_userspace_memory_region *old = data;
	const struct kvm_userspace_memory_region2 region = {
		.slot		 = old->slot,
		.flags		 = old->flags,
		.guest_phys_addr = old->guest_phys_addr,
		.memory_size	 = old->memory_size,
		.userspace_addr	 = old->userspace_addr,
	};

	if (vm_region_has_unknown(&region))
		return -EINVAL;

	return memslot_set(object, &region);
}

static long vm_ioctl_set_region2(void *object, void *data, unsigned long user)
{
	if (vm_region_has_unknown(data))
		return -EINVAL;

	return memslot_set(object, data);
}

static long vm_ioctl_get_dirty_log(void *object, void *data, unsigned long user)
{
	return dirty_get(object, data);
}

static long vm_ioctl_clear_dirty_log(void *object, void *data, unsigned long user)
{
	return dirty_clear(object, data);
}

static long vm_ioctl_irqfd(void *object, void *data, unsigned long user)
{
	return irqfd_ioctl(object, data);
}

static long vm_ioctl_ioeventfd(void *object, void *data, unsigned long user)
{
	return ioeventfd_ioctl(object, data);
}

static long vm_ioctl_set_gsi_routing(void *object, void *data, unsigned long user)
{
	struct kvm_irq_routing __user *table = (void __user *)user;
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing header;
	size_t size;
	long ret;

	if (copy_from_user(&header, table, sizeof(header)))
		return -EFAULT;
	if (header.flags || header.nr > IRQ_ROUTES_MAX)
		return -EINVAL;

	if (header.nr) {
		size = array_size(header.nr, sizeof(*entries));
		entries = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!entries)
			return -ENOMEM;
		if (copy_from_user(entries, table->entries, size)) {
			ret = -EFAULT;
			goto out_free;
		}
	}

	ret = irqroute_set(object, entries, header.nr);

out_free:
	kvfree(entries);

	return ret;
}

static long vm_ioctl_signal_msi(void *object, void *data, unsigned long user)
{
	return irqroute_msi(object, data);
}

static long vm_ioctl_create_device(void *object, void *data, unsigned long user)
{
	return device_guest_create(object, (void __user *)user);
}

static long vm_ioctl_create_irqchip(void *object, void *data, unsigned long user)
{
	return irqchip_op(create)(object, 0);
}

static long vm_ioctl_check_extension(void *object, void *data, unsigned long user)
{
	return cap_check(object, user);
}

static long vm_ioctl_enable_cap(void *object, void *data, unsigned long user)
{
	return cap_enable(object, data);
}

static long vm_ioctl_register_coalesced(void *object, void *data, unsigned long user)
{
	return coalesced_register(object, data);
}

static long vm_ioctl_unregister_coalesced(void *object, void *data, unsigned long user)
{
	return coalesced_unregister(object, data);
}

static long vm_ioctl_get_stats_fd(void *object, void *data, unsigned long user)
{
	return stats_create_fd(object, NULL);
}

static const struct ioctl_desc vm_ioctls[] = {
	IOCTL(KVM_SIGNAL_MSI,		0,			vm_ioctl_signal_msi),
	IOCTL(KVM_SET_USER_MEMORY_REGION, IOCTL_SLOTS,		vm_ioctl_set_region),
	IOCTL(KVM_SET_USER_MEMORY_REGION2, IOCTL_SLOTS,		vm_ioctl_set_region2),
	IOCTL(KVM_GET_DIRTY_LOG,	0,			vm_ioctl_get_dirty_log),
	IOCTL(KVM_CLEAR_DIRTY_LOG,	0,			vm_ioctl_clear_dirty_log),
	IOCTL(KVM_IRQFD,		0,			vm_ioctl_irqfd),
	IOCTL(KVM_IOEVENTFD,		0,			vm_ioctl_ioeventfd),
	IOCTL(KVM_SET_GSI_ROUTING,	IOCTL_RAW,		vm_ioctl_set_gsi_routing),
	IOCTL(KVM_REGISTER_COALESCED_MMIO, IOCTL_SLOTS,		vm_ioctl_register_coalesced),
	IOCTL(KVM_UNREGISTER_COALESCED_MMIO, IOCTL_SLOTS,	vm_ioctl_unregister_coalesced),
	IOCTL(KVM_CREATE_VCPU,		IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_create_vcpu),
	IOCTL(KVM_CREATE_IRQCHIP,	IOCTL_RAW | IOCTL_VM_LOCK, vm_ioctl_create_irqchip),
	IOCTL(KVM_CREATE_DEVICE,	IOCTL_RAW,		vm_ioctl_create_device),
	IOCTL(KVM_CHECK_EXTENSION,	IOCTL_RAW,		vm_ioctl_check_extension),
	IOCTL(KVM_ENABLE_CAP,		IOCTL_VM_LOCK,		vm_ioctl_enable_cap),
	IOCTL(KVM_GET_STATS_FD,		IOCTL_RAW,		vm_ioctl_get_stats_fd),
	{ }
};

static long vm_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return ioctl_dispatch(vm_ioctls, arch_vm_ioctls, filp->private_data, NULL, cmd, arg);
}

static int vm_release(struct inode *inode, struct file *filp)
{
	vm_put(filp->private_data);

	return 0;
}

static const struct file_operations vm_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= vm_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.release	= vm_release,
	.llseek		= noop_llseek,
};

/* --- lifetime ---------------------------------------------------------------- */

static void vm_destroy_vcpus(struct vm *vm)
{
	unsigned long index;
	struct vcpu *vcpu;

	xa_for_each(&vm->vcpus, index, vcpu)
		vcpu_free(vcpu);
	xa_destroy(&vm->vcpus);
}

/* The locks, the lists and what else cannot fail. */
static void vm_init(struct vm *vm)
{
	refcount_set(&vm->refs, 1);
	INIT_LIST_HEAD(&vm->link);
	mutex_init(&vm->lock);
	mutex_init(&vm->config_lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->irq_lock);
	rwlock_init(&vm->mmu_lock);
	xa_init(&vm->vcpus);
	INIT_LIST_HEAD(&vm->devices);
	snprintf(vm->stats_id, sizeof(vm->stats_id), "kvm-%d", task_pid_nr(current));

	mmgrab(current->mm);
	vm->mm = current->mm;
}

static void vm_free(struct vm *vm)
{
	mmdrop(vm->mm);
	mutex_destroy(&vm->irq_lock);
	mutex_destroy(&vm->slots_lock);
	mutex_destroy(&vm->config_lock);
	mutex_destroy(&vm->lock);
	kvfree(vm);
}

/* Both structures, whatever callbacks are still under way on them. */
static void vm_destroy_srcu(struct vm *vm)
{
	srcu_barrier(&vm->srcu);
	srcu_barrier(&vm->irq_srcu);
	cleanup_srcu_struct(&vm->irq_srcu);
	cleanup_srcu_struct(&vm->srcu);
}

static int vm_init_srcu(struct vm *vm)
{
	int err;

	err = init_srcu_struct(&vm->srcu);
	if (err)
		return err;

	err = init_srcu_struct(&vm->irq_srcu);
	if (err)
		cleanup_srcu_struct(&vm->srcu);

	return err;
}

/* Core's own parts, in the order in which vm_destroy_core() undoes them. */
static int vm_init_core(struct vm *vm)
{
	int err;

	err = vm_init_srcu(vm);
	if (err)
		return err;
	memslots_init(vm);
	err = iobus_init(vm);
	if (err)
		goto err_memslots;
	eventfd_init(vm);
	err = irqroute_init(vm);
	if (err)
		goto err_iobus;

	return 0;

err_iobus:
	iobus_destroy(vm);
err_memslots:
	memslots_destroy(vm);
	vm_destroy_srcu(vm);

	return err;
}

static struct vm *vm_create(unsigned long type)
{
	struct vm *vm;
	int err;

	vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm_init(vm);

	err = hw_get();
	if (err)
		goto err_free;
	err = vm_init_core(vm);
	if (err)
		goto err_hw;
	err = vcpu_op(vm_create)(vm, type);
	if (err)
		goto err_arch;
	err = mmu_op(create)(vm);
	if (err)
		goto err_mmu;
	err = notifier_register(vm);
	if (err)
		goto err_mmu;

	err = hw_vm_add(vm);
	if (err)
		goto err_notifier;

	return vm;

err_notifier:
	notifier_unregister(vm);
err_mmu:
	mmu_op(destroy)(vm);
err_arch:
	vcpu_op(vm_destroy)(vm);
	irqroute_destroy(vm);
	iobus_destroy(vm);
	memslots_destroy(vm);
	vm_destroy_srcu(vm);
err_hw:
	hw_put();
err_free:
	vm_free(vm);

	return ERR_PTR(err);
}

/*
 * From outside to inside: first whoever could still come in by himself (host
 * memory, eventfds), then what refers to guest memory, then guest memory.
 */
static void vm_destroy(struct vm *vm)
{
	hw_vm_remove(vm);
	notifier_unregister(vm);
	irqfd_release(vm);
	irqroute_destroy(vm);
	devices_destroy(vm);
	vm_destroy_vcpus(vm);
	irqchip_op(destroy)(vm);
	iobus_destroy(vm);
	memslots_destroy(vm);
	mmu_op(destroy)(vm);
	vcpu_op(vm_destroy)(vm);
	vm_destroy_srcu(vm);
	hw_put();
	vm_free(vm);
}

void vm_get(struct vm *vm)
{
	refcount_inc(&vm->refs);
}

void vm_put(struct vm *vm)
{
	if (refcount_dec_and_test(&vm->refs))
		vm_destroy(vm);
}

int vm_create_fd(unsigned long type)
{
	struct file *file;
	struct vm *vm;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	vm = vm_create(type);
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}

	file = anon_inode_getfile("kvm-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		vm_put(vm);
		return PTR_ERR(file);
	}
	fd_install(fd, file);

	return fd;
}

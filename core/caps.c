// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: what KVM_CHECK_EXTENSION answers and KVM_ENABLE_CAP turns on.
 * The architecture's table is looked at first, then core's.  A capability is
 * listed only if what it promises was implemented; no row means 0.
 */
#include <linux/cpumask.h>
#include <linux/kvm.h>
#include <linux/minmax.h>

#include <core/device.h>
#include <core/host.h>
#include <core/ioctl.h>
#include <core/irq.h>
#include <core/memslot.h>
#include <core/vm.h>

/* Where the ring of coalesced writes is in a vCPU's mapping; 0: there is none. */
#ifdef KVM_COALESCED_MMIO_PAGE_OFFSET
#define CAP_COALESCED_PAGE	KVM_COALESCED_MMIO_PAGE_OFFSET
#else
#define CAP_COALESCED_PAGE	0
#endif

#ifdef ARCH_HAS_PIO
#define CAP_COALESCED_PIO	1
#else
#define CAP_COALESCED_PIO	0
#endif

static int cap_get_nr_vcpus(struct vm *vm)
{
	return min_t(unsigned int, num_online_cpus(), ARCH_MAX_VCPUS);
}

/* Whether there is anything that KVM_CREATE_DEVICE could create. */
static int cap_get_device_ctrl(struct vm *vm)
{
	return arch_devices[0].name != NULL;
}

static int cap_enable_dirty_protect(struct vm *vm, const struct kvm_enable_cap *args)
{
	u64 allowed = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	/* "All set at first" is an option of manual protection, not without it. */
	if (args->args[0] & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (args->args[0] & ~allowed)
		return -EINVAL;

	vm->dirty_protect = args->args[0];

	return 0;
}

static const struct cap_desc core_caps[] = {
	{ .cap = KVM_CAP_USER_MEMORY,			.value = 1 },
	{ .cap = KVM_CAP_USER_MEMORY2,			.value = 1 },
	{ .cap = KVM_CAP_DESTROY_MEMORY_REGION_WORKS,	.value = 1 },
	{ .cap = KVM_CAP_JOIN_MEMORY_REGIONS_WORKS,	.value = 1 },
	{ .cap = KVM_CAP_SYNC_MMU,			.value = 1 },
	{ .cap = KVM_CAP_READONLY_MEM,			.value = ARCH_READONLY_SLOTS },
	{ .cap = KVM_CAP_NR_MEMSLOTS,			.value = MEMSLOT_IDS },
	{ .cap = KVM_CAP_MULTI_ADDRESS_SPACE,		.value = ARCH_ADDRESS_SPACES },
	{ .cap = KVM_CAP_MEMORY_FAULT_INFO,		.value = 1 },
	{ .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	  .value = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET,
	  .enable = cap_enable_dirty_protect },

	{ .cap = KVM_CAP_NR_VCPUS,			.get = cap_get_nr_vcpus },
	{ .cap = KVM_CAP_MAX_VCPUS,			.value = ARCH_MAX_VCPUS },
	{ .cap = KVM_CAP_MAX_VCPU_ID,			.value = ARCH_MAX_VCPU_ID },
	{ .cap = KVM_CAP_IMMEDIATE_EXIT,		.value = 1 },
	{ .cap = KVM_CAP_INTERNAL_ERROR_DATA,		.value = 1 },

	{ .cap = KVM_CAP_IRQFD,				.value = 1 },
	{ .cap = KVM_CAP_IRQFD_RESAMPLE,		.value = 1 },
	{ .cap = KVM_CAP_IRQ_ROUTING,			.value = IRQ_ROUTES_MAX },
	{ .cap = KVM_CAP_SIGNAL_MSI,			.value = 1 },
	{ .cap = KVM_CAP_IOEVENTFD,			.value = 1 },
	{ .cap = KVM_CAP_IOEVENTFD_NO_LENGTH,		.value = 1 },
	{ .cap = KVM_CAP_IOEVENTFD_ANY_LENGTH,		.value = 1 },
	{ .cap = KVM_CAP_COALESCED_MMIO,		.value = CAP_COALESCED_PAGE },
	{ .cap = KVM_CAP_COALESCED_PIO,			.value = CAP_COALESCED_PIO },

	{ .cap = KVM_CAP_DEVICE_CTRL,			.get = cap_get_device_ctrl },
	{ .cap = KVM_CAP_CHECK_EXTENSION_VM,		.value = 1 },
	{ .cap = KVM_CAP_ENABLE_CAP_VM,			.value = 1 },
	{ .cap = KVM_CAP_BINARY_STATS_FD,		.value = 1 },
	{ .cap = CAP_END },
};

static const struct cap_desc *cap_find(const struct cap_desc *table, unsigned long cap)
{
	for (; table->cap != CAP_END; table++)
		if (table->cap == cap)
			return table;

	return NULL;
}

static const struct cap_desc *cap_lookup(unsigned long cap)
{
	const struct cap_desc *desc = cap_find(arch_caps, cap);

	return desc ? desc : cap_find(core_caps, cap);
}

int cap_check(struct vm *vm, unsigned long cap)
{
	const struct cap_desc *desc = cap_lookup(cap);
	int value;

	if (!desc)
		return 0;

	/* Some VMMs take whatever is not 0 for a yes. */
	value = desc->get ? desc->get(vm) : desc->value;

	return max(value, 0);
}

int cap_enable(struct vm *vm, const struct kvm_enable_cap *args)
{
	const struct cap_desc *desc = cap_lookup(args->cap);

	lockdep_assert_held(&vm->lock);

	if (args->flags || !desc || !desc->enable)
		return -EINVAL;

	return desc->enable(vm, args);
}

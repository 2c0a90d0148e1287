// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM and a vCPU to test with: what the functions under test look at is set up,
 * the rest is zero.
 */
#include <linux/mm.h>
#include <linux/rcuwait.h>
#include <linux/slab.h>

#include "suite.h"

static void vm_free_action(void *data)
{
	struct vm *vm = data;

	xa_destroy(&vm->vcpus);
	srcu_barrier(&vm->irq_srcu);
	cleanup_srcu_struct(&vm->irq_srcu);
	srcu_barrier(&vm->srcu);
	cleanup_srcu_struct(&vm->srcu);
	kvfree(vm);
}

struct vm *suite_vm(struct kunit *test)
{
	struct vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vm);
	KUNIT_ASSERT_EQ(test, init_srcu_struct(&vm->srcu), 0);
	KUNIT_ASSERT_EQ(test, init_srcu_struct(&vm->irq_srcu), 0);
	refcount_set(&vm->refs, 1);
	mutex_init(&vm->lock);
	mutex_init(&vm->config_lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->irq_lock);
	rwlock_init(&vm->mmu_lock);
	spin_lock_init(&vm->ring_lock);
	xa_init(&vm->vcpus);
	INIT_LIST_HEAD(&vm->link);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->eoi_notifiers);
	INIT_LIST_HEAD(&vm->ioeventfds);
	INIT_LIST_HEAD(&vm->coalesced_zones);
	INIT_LIST_HEAD(&vm->devices);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vm_free_action, vm), 0);

	return vm;
}

struct vcpu *suite_vcpu(struct kunit *test, struct vm *vm, int id)
{
	struct vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	vcpu->run = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->run);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->index = vm->vcpu_count;
	vcpu->cpu = -1;
	mutex_init(&vcpu->mutex);
	raw_spin_lock_init(&vcpu->mp_lock);
	rcuwait_init(&vcpu->wait);
	KUNIT_ASSERT_EQ(test, xa_err(xa_store(&vm->vcpus, vcpu->index, vcpu, GFP_KERNEL)), 0);
	smp_store_release(&vm->vcpu_count, vm->vcpu_count + 1);

	return vcpu;
}

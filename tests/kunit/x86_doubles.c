// SPDX-License-Identifier: GPL-2.0-only
/* A VM and a vCPU of x86 to test with, and a vendor that is a notebook. */
#include <asm/msr-index.h>

#include "x86_suite.h"

struct x86_told x86_told;

static struct x86_ops real_ops, double_ops;

/* Everything that nobody looks at. */
#define OP(ret, name, params, args)	\
	static ret double_##name params { return (ret)0; }
#include "../../arch/x86/x86_ops.def"
#undef OP

static void told_inject(struct vcpu *vcpu, const struct x86_event *event)
{
	x86_told.event = *event;
	x86_told.events++;
}

static void told_window(struct vcpu *vcpu, enum x86_window window, bool on)
{
	x86_told.window[window] = on;
}

static void told_tpr(struct vcpu *vcpu, u8 cr8, u8 threshold)
{
	x86_told.cr8 = cr8;
	x86_told.cr8_exit = threshold;
	x86_told.cr8_calls++;
}

static bool told_apic_virtual(struct vcpu *vcpu, void *page)
{
	x86_told.apic_page = page;

	return page && x86_told.can_deliver;
}

static void told_apic_status(struct vcpu *vcpu, u8 irr, u8 isr)
{
	x86_told.irr = irr;
	x86_told.isr = isr;
	x86_told.status_calls++;
}

static void told_apic_eoi_exits(struct vcpu *vcpu, const u64 *vectors)
{
	memcpy(x86_told.eoi_exits, vectors, sizeof(x86_told.eoi_exits));
}

static bool told_deadline(struct vcpu *vcpu, u64 tsc)
{
	x86_told.deadline = tsc;

	return x86_told.has_timer;
}

int x86_suite_init(struct kunit_suite *suite)
{
#define OP(ret, name, params, args)				\
	real_ops.name = static_call_query(x86_op_##name);	\
	double_ops.name = double_##name;
#include "../../arch/x86/x86_ops.def"
#undef OP
	double_ops.inject = told_inject;
	double_ops.window = told_window;
	double_ops.tpr = told_tpr;
	double_ops.apic_virtual = told_apic_virtual;
	double_ops.apic_status = told_apic_status;
	double_ops.apic_eoi_exits = told_apic_eoi_exits;
	double_ops.deadline = told_deadline;
	x86_bind(&double_ops);

	return 0;
}

void x86_suite_exit(struct kunit_suite *suite)
{
	x86_bind(&real_ops);
}

static void vm_free_action(void *data)
{
	struct vm *vm = data;

	lapic_vm_destroy(vm);
}

struct vm *x86_suite_vm(struct kunit *test)
{
	struct vm *vm = suite_vm(test);

	memset(&x86_told, 0, sizeof(x86_told));
	mutex_init(&vm->arch.lapic_map_lock);
	INIT_LIST_HEAD(&vm->arch.lapics);
	raw_spin_lock_init(&vm->arch.clock_lock);
	vm->has_irqchip = true;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vm_free_action, vm), 0);

	return vm;
}

static void vcpu_free_action(void *data)
{
	lapic_destroy(data);
}

struct vcpu *x86_suite_vcpu(struct kunit *test, struct vm *vm, int id)
{
	struct vcpu *vcpu = suite_vcpu(test, vm, id);

	vcpu->arch.valid = X86_ALL;
	vcpu->arch.interrupt = -1;
	vcpu->arch.apic_base = LAPIC_BASE_DEFAULT | MSR_IA32_APICBASE_ENABLE |
			       (id ? 0 : MSR_IA32_APICBASE_BSP);
	KUNIT_ASSERT_EQ(test, lapic_create(vcpu), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vcpu_free_action, vcpu), 0);
	x86_suite_lapic_write(vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);

	return vcpu;
}

u32 x86_suite_lapic_read(struct vcpu *vcpu, u32 reg)
{
	u32 value = 0;

	lapic_mmio_read(vcpu, LAPIC_BASE_DEFAULT + reg, sizeof(value), &value);

	return value;
}

void x86_suite_lapic_write(struct vcpu *vcpu, u32 reg, u32 value)
{
	lapic_mmio_write(vcpu, LAPIC_BASE_DEFAULT + reg, sizeof(value), &value);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: doubles of a VM and a vCPU that no file descriptor
 * leads to, and operations put in place of the backend's for a while.
 */
#ifndef KUNIT_SUITE_H
#define KUNIT_SUITE_H

#include <kunit/test.h>

#include <core/ioctl.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>

/*
 * A VM as core makes one, but without memory, devices, architecture's part and
 * mm; freed with the test.  Asserts.
 */
struct vm *suite_vm(struct kunit *test);
/* A vCPU of it that others can look up; freed with the test, before the VM. */
struct vcpu *suite_vcpu(struct kunit *test, struct vm *vm, int id);

/*
 * The operations in use, to change some of them; suite_bind() puts the changed
 * ones in place, suite_unbind() the backend's own.  Only where calls are bound at
 * load: elsewhere suite_ops() skips the test.  From suite_init and suite_exit, or
 * a test's init and exit; nobody uses the module meanwhile.
 */
struct suite_ops {
	struct vcpu_ops		vcpu;
	struct mmu_ops		mmu;
	struct irqchip_ops	irqchip;
};

bool suite_ops(struct suite_ops *ops);
void suite_bind(const struct suite_ops *ops);

/* The tables that are static in core: open_*.c. */
extern const struct ioctl_desc *const suite_system_ioctls;
extern const struct ioctl_desc *const suite_vm_ioctls;
extern const struct ioctl_desc *const suite_vcpu_ioctls;
extern const struct cap_desc *const suite_core_caps;

/* Formats of page tables of this architecture, NULL-terminated; may be missing. */
extern const struct pgtable_format *const suite_arch_formats[];

/* The format of a case: its parameter, set up by suite_format_next(). */
const void *suite_format_next(const void *previous, char *name);

#endif /* KUNIT_SUITE_H */

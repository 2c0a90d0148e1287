/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests may look at and turn on the fake architecture. */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include <core/memslot.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>

extern const struct pgtable_format *fake_format;
extern int fake_cpus_enabled;
extern int fake_flushes, fake_syncs;
/* Told of every flush; NULL: nobody. */
extern void (*fake_flush_hook)(struct vm *vm, struct gfn_range range);
/* What the next of these returns instead of 0; then 0 again. */
extern int fake_enable_error, fake_vm_create_error, fake_vcpu_create_error,
	   fake_deliver_error;
/* Types of device: one with an attribute in group 0, and one without any. */
enum { FAKE_DEVICE = 77, FAKE_DEVICE_SEALED };
extern int fake_devices, fake_device_error;
/* Why there can be none of the first; 0: there can. */
extern int fake_device_absent;
/* Called while a VM or a vCPU is being made, which nobody can see yet; once. */
extern void (*fake_vm_create_hook)(void), (*fake_vcpu_create_hook)(void);
/* An interrupt for a vCPU, as a controller would send it. */
void fake_interrupt(struct vcpu *vcpu);

#endif /* FAKE_FAKE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* The vGIC's state by its attributes, for the tests that save, compare and move it. */
#ifndef ARM64_GIC_DEVICE_H
#define ARM64_GIC_DEVICE_H

#include <lib/kvm.h>

#define VGIC_WORDS	8	/* of 32 interrupts; the first one is the redistributors' */
#define PRIVATE_PPI	20

struct vgic_redist {
	u32	ctlr, waker;
	u32	group, enable, pending, active, priority[8], config[2], level;
	u64	propbaser, pendbaser;
	u64	ctlr_el1, pmr, bpr0, bpr1, sre, igrpen0, igrpen1, ap0r0, ap1r0;
};

struct vgic_state {
	u32	ctlr;
	u32	dist_group[VGIC_WORDS], dist_enable[VGIC_WORDS], dist_pending[VGIC_WORDS];
	u32	dist_active[VGIC_WORDS], dist_level[VGIC_WORDS];
	u32	dist_priority[VGIC_WORDS * 8], dist_config[VGIC_WORDS * 2];
	u64	dist_route[VGIC_WORDS * 32];
	int	count;
	struct vgic_redist redist[VM_VCPUS_MAX];
};

/* All vCPUs are stopped.  On the heap. */
struct vgic_state *vgic_save(struct vm *vm);
/* Into a vGIC that is initialised. */
void vgic_restore(struct vm *vm, const struct vgic_state *state);
/* Notes what differs. */
bool vgic_same(const struct vgic_state *before, const struct vgic_state *after);
/* All registers of the list, in its order, and the state of being; @from is complete. */
void vgic_copy_vcpu(struct vcpu *from, struct vcpu *to);

#endif /* ARM64_GIC_DEVICE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM on the fake architecture, made and used through the ioctls. */
#ifndef UNIT_MACHINE_H
#define UNIT_MACHINE_H

#include <core/host.h>
#include "fake/fake.h"
#include "formats.h"
#include "test.h"

#define MEMORY_SIZE	(16UL << 20)
#define HUGE		(2UL << 20)

struct machine {
	int		 system, vm_fd, vcpu_fd[4];
	int		 vcpus;
	struct vm	*vm;
	struct vcpu	*vcpu;		/* the first */
	struct kvm_run	*run;		/* its */
	u8		*memory;	/* aligned to HUGE */
};

/* Load the module, make a VM with so many vCPUs and no slot. */
void machine_create(struct machine *m, int vcpus);
/* Close everything, unload, and see that nothing is left. */
void machine_destroy(struct machine *m);

/* KVM_SET_USER_MEMORY_REGION. */
long machine_slot(struct machine *m, u32 id, u64 gpa, u64 size, const void *hva, u32 flags);
/* Run the program on a vCPU from its beginning (or go on: NULL). */
long machine_run(struct machine *m, int index, struct fake_insn *program, int length);
long machine_continue(struct machine *m, int index);
/* One access of the first vCPU and then KVM_EXIT_SHUTDOWN; what KVM_RUN returned. */
long machine_load(struct machine *m, u64 gpa, u64 *value);
long machine_store(struct machine *m, u64 gpa, u64 value);
/* What maps the gpa, or -ENOENT; *@prot if not NULL. */
int machine_level(struct machine *m, u64 gpa, u8 *prot);
/* The order of what maps it. */
int machine_order(struct machine *m, u64 gpa);

#endif /* UNIT_MACHINE_H */

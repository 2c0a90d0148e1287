// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: an access goes to an in-kernel device, into a coalesced zone, or to
 * user space as KVM_EXIT_IO.  The data of the latter is in the page behind struct
 * kvm_run.  Knows nothing of instructions: exit.c and emulate_io.c do.
 */
#include <linux/sched.h>
#include <linux/string.h>

#include "x86.h"

void *x86_pio_data(struct vcpu *vcpu)
{
	return (void *)vcpu->run + KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
}

/* One element to or from whoever is in the kernel.  False: it is user space's. */
static __always_inline bool pio_in_kernel(struct vcpu *vcpu, u16 port, u8 size, bool in, void *data)
{
	if (in)
		return !iobus_read(vcpu, IOBUS_PIO, port, size, data);

	return !iobus_write(vcpu, IOBUS_PIO, port, size, data) ||
	       coalesced_write(vcpu, IOBUS_PIO, port, size, data);
}

/*
 * Elements from @done on are user space's.  The page holds all of them, so that
 * the caller's @complete finds what devices have read before in its place.
 */
static __always_inline int pio_to_user(struct vcpu *vcpu, u16 port, u8 size, u32 count, u32 done,
		       bool in, const void *data, int (*complete)(struct vcpu *vcpu))
{
	struct kvm_run *run = vcpu->run;

	vcpu->arch.pio.port = port;
	vcpu->arch.pio.size = size;
	vcpu->arch.pio.in = in;
	vcpu->arch.pio.count = count;
	vcpu->arch.pio.complete = complete;
	vcpu->complete = complete;
	vcpu->stats.io_exits++;

	/* The most common case is an instruction, not a call. */
	if (count == 1)
		*(u32 *)x86_pio_data(vcpu) = *(const u32 *)data;
	else
		memcpy(x86_pio_data(vcpu), data, in ? done * size : count * size);
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count - done;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE + done * size;

	return vcpu_exit(vcpu, KVM_EXIT_IO);
}

int x86_pio_user(struct vcpu *vcpu, u16 port, u8 size, bool in, u32 data,
		 int (*complete)(struct vcpu *vcpu))
{
	return pio_to_user(vcpu, port, size, 1, 0, in, &data, complete);
}

int x86_pio_one(struct vcpu *vcpu, u16 port, u8 size, bool in, u32 *data,
		int (*complete)(struct vcpu *vcpu))
{
	if (pio_in_kernel(vcpu, port, size, in, data))
		return RESUME_GUEST;

	return x86_pio_user(vcpu, port, size, in, *data, complete);
}

int x86_pio(struct vcpu *vcpu, u16 port, u8 size, u32 count, bool in, void *data,
	    int (*complete)(struct vcpu *vcpu))
{
	u32 done;

	/* No more than an instruction's batch; callers cut it to the page. */
	if (unlikely((u64)count * size > PAGE_SIZE))
		return -EINVAL;

	for (done = 0; done < count; done++) {
		if (unlikely(done))
			cond_resched();
		if (!pio_in_kernel(vcpu, port, size, in, data + done * size))
			return pio_to_user(vcpu, port, size, count, done, in, data,
					   complete);
	}

	return RESUME_GUEST;
}

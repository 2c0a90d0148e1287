// SPDX-License-Identifier: GPL-2.0-only
/* KVM_IOEVENTFD of virtio-ccw: DIAGNOSE 500 tells a device of a queue. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

#define SCHID		0x10002
#define CCW_NOTIFY	3

static struct { u64 function, subchannel, queue; } order;

static void guest_notify(u64 argument)
{
	for (;;) {
		register u64 r1 asm("1") = READ_ONCE(order.function);
		register u64 r2 asm("2") = READ_ONCE(order.subchannel);
		register u64 r3 asm("3") = READ_ONCE(order.queue);
		register u64 r4 asm("4") = ~0UL;

		asm volatile("diag %%r2,%%r4,0x500"
			     : "+d"(r2) : "d"(r1), "d"(r3), "d"(r4) : "memory");
		guest_say(r2);
	}
}

static int notify_fd(int fd, u64 subchannel, u64 queue, u32 flags)
{
	struct kvm_ioeventfd args = {
		.datamatch = queue, .addr = subchannel, .len = 8, .fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY | KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

/* True if the call came out, false if the kernel kept it. */
static bool notify_exits(u64 function, u64 subchannel, u64 queue)
{
	u64 said;
	int err;

	guest_var(vm, order).function = function;
	guest_var(vm, order).subchannel = subchannel;
	guest_var(vm, order).queue = queue;
	err = vcpu_run(vcpu);
	if (err)
		bail("KVM_RUN failed: %s", strerror(-err));
	if (vcpu_said(vcpu, &said))
		return false;
	if (!s390_is_instruction(vcpu, 0x83)) {
		vcpu_describe(vcpu);
		bail("neither DIAGNOSE nor a value");
	}
	vcpu_run_said(vcpu);

	return true;
}

TEST(ioeventfd_ccw)
{
	int fd = eventfd_create(), other = eventfd_create();

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_notify, 0);
	report(kvm_cap(KVM_CAP_IOEVENTFD) == 1, "KVM_CAP_IOEVENTFD");
	report(notify_exits(CCW_NOTIFY, SCHID, 0), "a queue that nobody listens to exits");
	report(!notify_fd(fd, SCHID, 0, 0) && !notify_fd(other, SCHID, 1, 0),
	       "an eventfd for each of two queues");
	report(!notify_exits(CCW_NOTIFY, SCHID, 0) && eventfd_fired(fd) == 1 &&
	       !eventfd_fired(other), "the first one");
	report(!notify_exits(CCW_NOTIFY, SCHID, 1) && !eventfd_fired(fd) &&
	       eventfd_fired(other) == 1, "and the second");
	report(notify_exits(CCW_NOTIFY, SCHID, 2), "a third queue exits");
	report(notify_exits(CCW_NOTIFY, SCHID + 1, 0), "so does another device");
	report(notify_exits(0, SCHID, 0), "and another function");
	report_errno(notify_fd(fd, SCHID, 0, 0), EEXIST, "the same again");
	report_errno(notify_fd(other, SCHID, 0, KVM_IOEVENTFD_FLAG_DEASSIGN), ENOENT,
		     "deassign by another eventfd");
	report(!notify_fd(fd, SCHID, 0, KVM_IOEVENTFD_FLAG_DEASSIGN), "deassign");
	report(notify_exits(CCW_NOTIFY, SCHID, 0) && !eventfd_fired(fd), "then it exits");
	close(fd);
	close(other);
	vm_destroy(vm);
}

// SPDX-License-Identifier: GPL-2.0-only
/* How much of everything a VM may have: the last one is taken, one more is not. */
#include <sys/resource.h>
#include <lib/kvm.h>

#define RESAMPLERS	1024
#define IOEVENTFDS	16384

/* Each wants a descriptor. */
static void allow_descriptors(u32 count)
{
	struct rlimit limit = { .rlim_cur = count, .rlim_max = count };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		skip("no %u descriptors: %s", count, strerror(errno));
}

static int resample(struct vm *vm, int fd, int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = fd, .gsi = GUEST_IRQ_LINE, .flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = resamplefd,
	};

	return ioctl(vm->fd, KVM_IRQFD, &args);
}

/* An EOI of the guest tells each of them, so there must not be too many. */
static void test_resamplers(void)
{
	struct vm *vm = vm_create(VM_IRQCHIP | VM_BARE);
	int fds[RESAMPLERS + 1], listener = eventfd(0, 0), good = 0, i;

	for (i = 0; i <= RESAMPLERS; i++)
		fds[i] = eventfd(0, 0);
	for (i = 0; i < RESAMPLERS; i++)
		good += !resample(vm, fds[i], listener);
	report(good == RESAMPLERS, "%d irqfds that resample", good);
	report_errno(resample(vm, fds[RESAMPLERS], listener), ENOSPC, "KVM_IRQFD, one more: ENOSPC");
	/* Gone by their eventfds: there is room again. */
	close(fds[0]);
	for (i = 0; i < 1000 && resample(vm, fds[RESAMPLERS], listener); i++)
		sleep_ms(1);
	report(i < 1000, "when one is gone there is room");
	vm_destroy(vm);
	for (i = 1; i <= RESAMPLERS; i++)
		close(fds[i]);
	close(listener);
}

static int ioeventfd(struct vm *vm, int fd, u32 number, u32 flags)
{
	struct kvm_ioeventfd args = {
		.addr = GPA_MMIO + number * 8ULL, .len = 8, .fd = fd, .flags = flags,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

static void test_ioeventfds(void)
{
	struct vm *vm = vm_create(VM_BARE);
	int fd = eventfd(0, 0), good = 0;
	u32 i;

	/* The machine itself may have some. */
	for (i = 0; i <= IOEVENTFDS; i++) {
		if (ioeventfd(vm, fd, i, 0))
			break;
		good++;
	}
	report(good <= IOEVENTFDS && good > IOEVENTFDS - 100, "%d ioeventfds", good);
	report_errno(ioeventfd(vm, fd, i, 0), ENOSPC, "KVM_IOEVENTFD, one more: ENOSPC");
	report(!ioeventfd(vm, fd, 0, KVM_IOEVENTFD_FLAG_DEASSIGN) && !ioeventfd(vm, fd, i, 0),
	       "when one is gone there is room");
	vm_destroy(vm);
	close(fd);
}

static void need_own_limits(void)
{
	if (in_tree())
		skip("the kernel's own hypervisor has limits of its own");
}

TEST(limit_resample)
{
	need_cap(KVM_CAP_IRQFD_RESAMPLE, "KVM_CAP_IRQFD_RESAMPLE");
	need_own_limits();
	allow_descriptors(2 * RESAMPLERS);
	test_resamplers();
}

/* Each one makes a new bus, so this takes its time. */
TEST(limit_ioeventfd)
{
	need_own_limits();
	test_ioeventfds();
}

// SPDX-License-Identifier: GPL-2.0-only
/* Devices with attributes, and the exits that only few architectures have. */
#include <core/vcpu.h>

#include "machine.h"

static struct machine m;

static long create(u32 type, u32 flags)
{
	struct kvm_create_device args = { .type = type, .flags = flags, .fd = -1 };
	long ret = shim_ioctl(m.vm_fd, KVM_CREATE_DEVICE, (unsigned long)&args);

	return ret ? ret : (int)args.fd;
}

static long access_attr(int fd, unsigned int cmd, u32 group, void *value)
{
	struct kvm_device_attr attr = { .group = group, .addr = (unsigned long)value };

	return shim_ioctl(fd, cmd, (unsigned long)&attr);
}

TEST(devices_are_made_by_type)
{
	long fd;

	machine_create(&m, 0);
	CHECK_EQ(shim_ioctl(m.system, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL), 1);
	CHECK_EQ(create(FAKE_DEVICE - 1, 0), -ENODEV);
	CHECK_EQ(create(FAKE_DEVICE, 1U << 31), -EINVAL);
	/* Only asked for: no descriptor. */
	CHECK_EQ(create(FAKE_DEVICE, KVM_CREATE_DEVICE_TEST), -1);
	CHECK_EQ(fake_devices, 0);
	/* This host has none: asking says so, too. */
	fake_device_absent = -ENODEV;
	CHECK_EQ(create(FAKE_DEVICE, KVM_CREATE_DEVICE_TEST), -ENODEV);
	CHECK_EQ(create(FAKE_DEVICE, 0), -ENODEV);
	fake_device_absent = 0;
	CHECK_EQ(fake_devices, 0);
	fake_device_error = -EEXIST;
	CHECK_EQ(create(FAKE_DEVICE, 0), -EEXIST);
	CHECK_EQ(fake_devices, 0);
	fd = create(FAKE_DEVICE, 0);
	CHECK(fd >= 0);
	CHECK_EQ(fake_devices, 1);
	/* It lives as long as the VM, whatever happens to its descriptor. */
	CHECK_EQ(shim_close(fd), 0);
	CHECK_EQ(fake_devices, 1);
	machine_destroy(&m);
	CHECK_EQ(fake_devices, 0);
}

TEST(device_attributes_reach_their_type)
{
	struct mm_struct other = { .task_size = 1UL << 47 };
	u64 value = 5;
	long fd, sealed;

	machine_create(&m, 0);
	fd = create(FAKE_DEVICE, 0);
	CHECK_EQ(access_attr(fd, KVM_HAS_DEVICE_ATTR, 0, NULL), 0);
	CHECK_EQ(access_attr(fd, KVM_SET_DEVICE_ATTR, 0, &value), 0);
	value = 0;
	CHECK_EQ(access_attr(fd, KVM_GET_DEVICE_ATTR, 0, &value), 0);
	CHECK_EQ(value, 5);
	CHECK_EQ(access_attr(fd, KVM_HAS_DEVICE_ATTR, 1, NULL), -ENXIO);
	CHECK_EQ(access_attr(fd, KVM_SET_DEVICE_ATTR, 1, &value), -ENXIO);
	CHECK_EQ(access_attr(fd, KVM_GET_DEVICE_ATTR, 1, &value), -ENXIO);
	CHECK_EQ(access_attr(fd, KVM_SET_DEVICE_ATTR, 0, (void *)8), -EFAULT);
	CHECK_EQ(shim_ioctl(fd, KVM_SET_DEVICE_ATTR, 8), -EFAULT);
	CHECK_EQ(shim_ioctl(fd, KVM_GET_REGS, (unsigned long)&value), -ENOTTY);

	/* A type that has no such operation. */
	sealed = create(FAKE_DEVICE_SEALED, 0);
	CHECK_EQ(access_attr(sealed, KVM_HAS_DEVICE_ATTR, 0, NULL), -EPERM);
	CHECK_EQ(access_attr(sealed, KVM_SET_DEVICE_ATTR, 0, &value), -EPERM);
	CHECK_EQ(access_attr(sealed, KVM_GET_DEVICE_ATTR, 0, &value), -EPERM);

	current->mm = &other;
	CHECK_EQ(access_attr(fd, KVM_GET_DEVICE_ATTR, 0, &value), -EIO);
	current->mm = &shim_mm;
	/* A device keeps its VM. */
	CHECK_EQ(shim_close(sealed), 0);
	CHECK_EQ(shim_close(fd), 0);
	machine_destroy(&m);
}

/* Room for 16 words, of which only so many may come. */
TEST(exits_have_room_for_what_they_say)
{
	u64 data[40];
	int i;

	for (i = 0; i < 40; i++)
		data[i] = 100 + i;
	machine_create(&m, 1);
	CHECK_EQ(vcpu_exit_system_event(m.vcpu, KVM_SYSTEM_EVENT_RESET, data, 2), EXIT_TO_USER);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SYSTEM_EVENT);
	CHECK_EQ(m.run->system_event.type, KVM_SYSTEM_EVENT_RESET);
	CHECK_EQ(m.run->system_event.ndata, 2);
	CHECK_EQ(m.run->system_event.data[1], 101);
	CHECK_EQ(vcpu_exit_system_event(m.vcpu, KVM_SYSTEM_EVENT_CRASH, data, 40), EXIT_TO_USER);
	CHECK_EQ(m.run->system_event.ndata, 16);

	CHECK_EQ(vcpu_exit_internal(m.vcpu, KVM_INTERNAL_ERROR_EMULATION, data, 40), EXIT_TO_USER);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQ(m.run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK_EQ(m.run->internal.ndata, 16);
	CHECK_EQ(m.run->internal.data[15], 115);

	CHECK_EQ(vcpu_exit_fail_entry(m.vcpu, 7), EXIT_TO_USER);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_FAIL_ENTRY);
	CHECK_EQ(m.run->fail_entry.hardware_entry_failure_reason, 7);
	machine_destroy(&m);
}

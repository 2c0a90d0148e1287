/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel devices behind MMIO and port I/O, and coalesced zones.
 */
#ifndef CORE_IOBUS_H
#define CORE_IOBUS_H

#include <linux/kvm.h>
#include <core/types.h>

enum iobus_kind {
	IOBUS_MMIO,
	IOBUS_PIO,
	IOBUS_COUNT,
};

struct io_device;

/*
 * Context of both: vcpu->mutex and vm->srcu held; may sleep.  @vcpu is the one
 * that accesses.  @addr is absolute.  0, or -EOPNOTSUPP: not mine after all, ask
 * the next device and then user space.
 */
struct io_device_ops {
	int	(*read)(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			int len, void *data);
	int	(*write)(struct vcpu *vcpu, struct io_device *device, gpa_t addr,
			 int len, const void *data);
	/* The device was taken off the bus when the VM ended; may be NULL. */
	void	(*destroy)(struct io_device *device);
};

/* Embedded in the device.  @len 0: matches accesses of any length at @addr. */
struct io_device {
	const struct io_device_ops *ops;
};

/*
 * Set up empty buses and the coalesced ring (vm->coalesced); tear down: nobody
 * uses them any more, the devices still there are destroyed.  May sleep.
 */
int iobus_init(struct vm *vm);
void iobus_destroy(struct vm *vm);

/*
 * Put a device on a bus, or take it off, with all ranges it has there.
 * slots_lock held; may sleep.  Ranges may overlap; the device whose range starts
 * highest is asked first.  On return of unregister nobody uses the device any
 * more.  register: 0, -EINVAL, -ENOSPC, -ENOMEM.  unregister: 0, or -ENOENT if
 * it was not there.
 */
int iobus_register(struct vm *vm, enum iobus_kind bus, gpa_t addr, u64 len,
		   struct io_device *device);
int iobus_unregister(struct vm *vm, enum iobus_kind bus, struct io_device *device);

/*
 * Do one access.  0, or -EOPNOTSUPP: nobody there.  vm->srcu held, vcpu->mutex
 * held; may sleep.
 */
int iobus_read(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len, void *data);
int iobus_write(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
		const void *data);

/*
 * Put a write into the coalesced ring if a zone covers it and there is room.
 * True if it did.  vm->srcu held.
 */
bool coalesced_write(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
		     const void *data);
/*
 * KVM_REGISTER_COALESCED_MMIO and KVM_UNREGISTER_COALESCED_MMIO.
 * slots_lock held; may sleep.  0, -EINVAL, -ENOSPC, -ENOMEM.
 */
int coalesced_register(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone);
int coalesced_unregister(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone);

#endif /* CORE_IOBUS_H */

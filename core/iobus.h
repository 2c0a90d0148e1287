/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel devices behind MMIO and port I/O, and coalesced zones.
 */
#ifndef CORE_IOBUS_H
#define CORE_IOBUS_H

#include <linux/hash.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <core/types.h>

enum iobus_kind {
	IOBUS_MMIO,
	IOBUS_PIO,
	IOBUS_NOTIFY,	/* a call of the guest to its host: @addr is a device of this bus */
	IOBUS_COUNT,
};

/*
 * Most accesses find nobody and go to user space.  They are told apart by one
 * bit test: the address space is cut into granules, and granules share bits.  The
 * filter is the VM's, so that no array has to be held for a look at it: it never has
 * less than the array that is published.  Coalesced zones have one of their own, as
 * theirs may be large.
 */
#define IOBUS_FILTER_ORDER	10
#define IOBUS_FILTER_BITS	(1 << IOBUS_FILTER_ORDER)
#define IOBUS_PIO_GRANULE_SHIFT	3
#define IOBUS_NOTIFY_GRANULE_SHIFT 0	/* devices have numbers in a row */

static __always_inline unsigned int iobus_granule_shift(enum iobus_kind kind)
{
	return kind == IOBUS_MMIO ? PAGE_SHIFT :
	       kind == IOBUS_PIO ? IOBUS_PIO_GRANULE_SHIFT : IOBUS_NOTIFY_GRANULE_SHIFT;
}

/* Hashed, because devices sit at round addresses. */
static __always_inline unsigned int iobus_filter_bit(u64 granule)
{
	return hash_64(granule, IOBUS_FILTER_ORDER);
}

static __always_inline bool iobus_filter_has(const unsigned long *filter, enum iobus_kind kind,
					     gpa_t addr)
{
	return test_bit(iobus_filter_bit(addr >> iobus_granule_shift(kind)), filter);
}

struct io_device;

/*
 * Context of both: vcpu->mutex and vm->srcu held; may sleep, unless @atomic.  @vcpu is
 * the one that accesses.  @addr is absolute.  0, or -EOPNOTSUPP: not mine after all,
 * ask the next device and then user space.
 */
struct io_device_ops {
	/*
	 * Both may also be called with irqs off, for a fast handler (vcpu_ops.fast_exit):
	 * then they may return -EWOULDBLOCK, with nothing done.
	 */
	bool	atomic;
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
 * Past the filter, for the calls in vcpu.h: a read with @in, a write with @out.  As
 * iobus_read().
 */
int iobus_ask(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len, void *in,
	      const void *out);
/*
 * The same for a fast handler that has asked iobus_maybe() already: irqs off, vm->srcu
 * not held.  Any error: nothing was done that must not be done again, by iobus_read() or
 * iobus_write().
 */
int iobus_read_atomic(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len, void *data);
int iobus_write_atomic(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
		       const void *data);
/* For coalesced_write() in vcpu.h, where there are zones. */
bool coalesced_write_zone(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
			  const void *data);

/*
 * KVM_REGISTER_COALESCED_MMIO and KVM_UNREGISTER_COALESCED_MMIO.
 * slots_lock held; may sleep.  0, -EINVAL, -ENOSPC, -ENOMEM.
 */
int coalesced_register(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone);
int coalesced_unregister(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone);

#endif /* CORE_IOBUS_H */

// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts from outside and signals to the outside: routes, eventfds, the ring. */
#include <core/irq.h>
#include "machine.h"

static struct machine m;

static void begin(void)
{
	machine_create(&m, 0);
	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_CREATE_IRQCHIP, 0), 0);
	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_CREATE_IRQCHIP, 0), -EEXIST);
	m.vcpu_fd[0] = shim_ioctl(m.vm_fd, KVM_CREATE_VCPU, 0);
	m.vcpu_fd[1] = shim_ioctl(m.vm_fd, KVM_CREATE_VCPU, 1);
	m.vcpus = 2;
	m.vcpu = shim_file(m.vcpu_fd[0])->private_data;
	m.run = shim_mmap_page(m.vcpu_fd[0], 0);
}

static struct kvm_irq_routing_entry msi(u32 gsi, u32 vcpu)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI, .u.msi.address_lo = vcpu,
	};
}

static struct kvm_irq_routing_entry line(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static long routes(const struct kvm_irq_routing_entry *entries, u32 count)
{
	struct kvm_irq_routing *table = calloc(1, sizeof(*table) + count * sizeof(*entries));
	long ret;

	table->nr = count;
	if (count)
		memcpy(table->entries, entries, count * sizeof(*entries));
	ret = shim_ioctl(m.vm_fd, KVM_SET_GSI_ROUTING, (unsigned long)table);
	free(table);

	return ret;
}

static long irqfd(int fd, u32 gsi, u32 flags, int resample)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample };

	return shim_ioctl(m.vm_fd, KVM_IRQFD, (unsigned long)&args);
}

static int interrupts(int vcpu)
{
	return xchg(&vm_vcpu(m.vm, vcpu)->arch.interrupts, 0);
}

TEST(routes_are_replaced_whole_or_not_at_all)
{
	struct kvm_irq_routing_entry table[3] = { msi(5, 0), line(6, 0, 3), msi(5000, 0) };

	begin();
	CHECK_EQ(routes(table, 2), 0);
	CHECK_EQ(irqroute_deliver(m.vm, 5, IRQ_SOURCE_USER, 1), 1);
	CHECK_EQ(interrupts(0), 1);
	/* Too large a gsi; an unknown type; a pin that is none. */
	CHECK_EQ(routes(table, 3), -EINVAL);
	table[2] = msi(7, 0);
	table[2].type = 77;
	CHECK_EQ(routes(table, 3), -EINVAL);
	table[2] = line(7, 0, 64);
	CHECK_EQ(routes(table, 3), -EINVAL);
	shim_fail_at = 2;
	CHECK_EQ(routes(table, 2), -ENOMEM);
	shim_fail_at = 0;
	CHECK_EQ(irqroute_deliver(m.vm, 5, IRQ_SOURCE_USER, 1), 1);
	CHECK_EQ(irqroute_deliver(m.vm, 6, IRQ_SOURCE_USER, 1), 1);
	CHECK_EQ(irqroute_deliver(m.vm, 6, IRQ_SOURCE_USER, 1), 0);
	CHECK_EQ(interrupts(0), 2);
	CHECK_EQ(routes(NULL, 0), 0);
	CHECK_EQ(irqroute_deliver(m.vm, 5, IRQ_SOURCE_USER, 1), -1);
	CHECK_EQ(irqroute_deliver(m.vm, ~0U, IRQ_SOURCE_USER, 1), -1);
	machine_destroy(&m);
}

TEST(routes_are_copied)
{
	struct kvm_irq_routing_entry table[3] = { msi(5, 1), line(6, 0, 3), line(6, 1, 4) };
	struct irq_route copy[IRQ_ROUTES_PER_GSI];

	begin();
	CHECK_EQ(irqroute_copy(m.vm, 5, copy), 0);
	CHECK_EQ(routes(table, 3), 0);
	CHECK_EQ(irqroute_copy(m.vm, 5, copy), 1);
	CHECK_EQ(copy[0].gsi, 5);
	CHECK_EQ(copy[0].type, KVM_IRQ_ROUTING_MSI);
	CHECK_EQ(irqroute_copy(m.vm, 6, copy), 2);
	CHECK_EQ(copy[1].line.chip, 1);
	CHECK_EQ(copy[1].line.pin, 4);
	CHECK_EQ(irqroute_copy(m.vm, 7, copy), 0);
	CHECK_EQ(irqroute_copy(m.vm, ~0U, copy), 0);
	machine_destroy(&m);
}

TEST(msi_without_a_route)
{
	struct kvm_msi args = { .address_lo = 1 };

	begin();
	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_SIGNAL_MSI, (unsigned long)&args), 1);
	CHECK_EQ(interrupts(1), 1);
	args.address_lo = 7;
	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_SIGNAL_MSI, (unsigned long)&args), 0);
	args.flags = 1U << 31;
	CHECK_EQ(shim_ioctl(m.vm_fd, KVM_SIGNAL_MSI, (unsigned long)&args), -EINVAL);
	machine_destroy(&m);
}

TEST(irqfd_follows_its_gsi)
{
	struct kvm_irq_routing_entry table[1];
	int fd, other;

	begin();
	fd = shim_eventfd();
	other = shim_eventfd();
	/* Before there is a route: dropped. */
	CHECK_EQ(irqfd(fd, 24, 0, 0), 0);
	CHECK_EQ(irqfd(fd, 25, 0, 0), -EBUSY);
	CHECK_EQ(irqfd(other, 24, 0, 0), 0);
	shim_eventfd_write(fd);
	table[0] = msi(24, 0);
	CHECK_EQ(routes(table, 1), 0);
	shim_eventfd_write(fd);
	shim_eventfd_write(other);
	CHECK_EQ(interrupts(0), 2);
	table[0] = msi(24, 1);
	CHECK_EQ(routes(table, 1), 0);
	shim_eventfd_write(fd);
	CHECK_EQ(interrupts(0), 0);
	CHECK_EQ(interrupts(1), 1);
	/* Nobody reads the count but the irqfd. */
	CHECK_EQ(shim_eventfd_take(fd), 0);
	CHECK_EQ(irqfd(fd, 99, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	shim_eventfd_write(fd);
	CHECK_EQ(interrupts(1), 1);
	CHECK_EQ(irqfd(fd, 24, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	shim_eventfd_write(fd);
	CHECK_EQ(interrupts(1), 0);
	/* Signalled before it was bound. */
	CHECK_EQ(irqfd(fd, 24, 0, 0), 0);
	while (!interrupts(1))
		sched_yield();
	CHECK_EQ(irqfd(fd, 24, 1U << 31, 0), -EINVAL);
	CHECK_EQ(irqfd(12345, 24, 0, 0), -EBADF);
	/* Closed while bound. */
	CHECK_EQ(shim_close(fd), 0);
	CHECK_EQ(shim_close(other), 0);
	machine_destroy(&m);
}

TEST(irqfd_delivers_later_what_cannot_be_now)
{
	struct kvm_irq_routing_entry table[] = { msi(1, 0) };
	int fd;

	begin();
	fd = shim_eventfd();
	CHECK_EQ(routes(table, 1), 0);
	CHECK_EQ(irqfd(fd, 1, 0, 0), 0);
	fake_deliver_error = -EWOULDBLOCK;
	shim_eventfd_write(fd);
	while (!interrupts(0))
		sched_yield();
	/* The VM ends with it bound. */
	machine_destroy(&m);
	CHECK_EQ(shim_close(fd), 0);
}

TEST(irqfd_resamples)
{
	struct kvm_irq_routing_entry table[] = { line(4, 2, 9) };
	int fd, resample;

	begin();
	fd = shim_eventfd();
	resample = shim_eventfd();
	CHECK_EQ(routes(table, 1), 0);
	CHECK(!irq_eoi_wanted(m.vm, 2, 9));
	CHECK_EQ(irqfd(fd, 4, KVM_IRQFD_FLAG_RESAMPLE, resample), 0);
	CHECK(irq_eoi_wanted(m.vm, 2, 9));
	CHECK(!irq_eoi_wanted(m.vm, 2, 8));
	shim_eventfd_write(fd);
	CHECK_EQ(interrupts(0), 1);
	CHECK_EQ(m.vm->arch.level[9][IRQ_SOURCE_RESAMPLE], 1);
	irq_notify_eoi(m.vm, 2, 9);
	CHECK_EQ(m.vm->arch.level[9][IRQ_SOURCE_RESAMPLE], 0);
	CHECK_EQ(shim_eventfd_take(resample), 1);
	shim_eventfd_write(fd);
	CHECK_EQ(irqfd(fd, 4, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK_EQ(m.vm->arch.level[9][IRQ_SOURCE_RESAMPLE], 0);
	CHECK(!irq_eoi_wanted(m.vm, 2, 9));
	shim_close(fd);
	shim_close(resample);
	machine_destroy(&m);
}

/* --- ioeventfd and coalescing ---------------------------------------------------------- */

static long ioeventfd(int fd, u64 addr, u32 len, u64 data, u32 flags)
{
	struct kvm_ioeventfd args = {
		.fd = fd, .addr = addr, .len = len, .datamatch = data, .flags = flags,
	};

	return shim_ioctl(m.vm_fd, KVM_IOEVENTFD, (unsigned long)&args);
}

/* The exit reason of one store. */
static u32 store(u64 gpa, int len, u64 value)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_STORE, .gpa = gpa, .len = len, .value = value },
		{ .opcode = FAKE_STOP },
	};

	CHECK_EQ(machine_run(&m, 0, program, 2), 0);

	return m.run->exit_reason;
}

TEST(ioeventfd_takes_what_matches)
{
	const u32 match = KVM_IOEVENTFD_FLAG_DATAMATCH, off = KVM_IOEVENTFD_FLAG_DEASSIGN;
	int fd, any;

	begin();
	fd = shim_eventfd();
	any = shim_eventfd();
	CHECK_EQ(ioeventfd(fd, 0x1000, 4, 7, match), 0);
	CHECK_EQ(ioeventfd(fd, 0x1000, 4, 7, match), -EEXIST);
	CHECK_EQ(ioeventfd(any, 0x2000, 0, 0, 0), 0);
	CHECK_EQ(ioeventfd(fd, 0x3000, 3, 0, 0), -EINVAL);
	CHECK_EQ(ioeventfd(fd, ~0ULL, 8, 0, 0), -EINVAL);
	CHECK_EQ(ioeventfd(fd, 0x3000, 0, 1, match), -EINVAL);
	CHECK_EQ(ioeventfd(fd, 0x3000, 4, 1, 1U << 31), -EINVAL);

	CHECK_EQ(store(0x1000, 4, 7), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(shim_eventfd_take(fd), 1);
	CHECK_EQ(store(0x1000, 4, 8), KVM_EXIT_MMIO);
	CHECK_EQ(store(0x1000, 2, 7), KVM_EXIT_MMIO);
	CHECK_EQ(store(0x2000, 1, 7), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(store(0x2000, 8, 9), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(shim_eventfd_take(any), 2);

	CHECK_EQ(ioeventfd(fd, 0x1000, 4, 8, match | off), -ENOENT);
	CHECK_EQ(ioeventfd(any, 0x1000, 4, 7, match | off), -ENOENT);
	CHECK_EQ(ioeventfd(fd, 0x1000, 4, 7, match | off), 0);
	CHECK_EQ(store(0x1000, 4, 7), KVM_EXIT_MMIO);
	shim_close(fd);
	/* Closed, and still bound: the VM keeps it. */
	shim_close(any);
	CHECK_EQ(store(0x2000, 8, 9), KVM_EXIT_SHUTDOWN);
	machine_destroy(&m);
}

TEST(ioeventfd_on_ports)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_OUT, .gpa = 0x80, .len = 2, .value = 3 },
		{ .opcode = FAKE_STOP },
	};
	int fd;

	begin();
	fd = shim_eventfd();
	CHECK_EQ(machine_run(&m, 0, program, 2), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQ(ioeventfd(fd, 0x80, 2, 0, KVM_IOEVENTFD_FLAG_PIO), 0);
	CHECK_EQ(machine_run(&m, 0, program, 2), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_SHUTDOWN);
	CHECK_EQ(shim_eventfd_take(fd), 1);
	shim_close(fd);
	machine_destroy(&m);
}

static int zone_set(unsigned long cmd, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size, .pio = pio };

	return shim_ioctl(m.vm_fd, cmd, (unsigned long)&zone);
}

TEST(coalesced_writes_wait_in_the_ring)
{
	struct kvm_coalesced_mmio_ring *ring;
	unsigned int i;

	begin();
	ring = shim_mmap_page(m.vcpu_fd[0], ARCH_RUN_PAGES - 1);
	CHECK_EQ(zone_set(KVM_REGISTER_COALESCED_MMIO, 0x5000, 0x100, 0), 0);
	CHECK_EQ(store(0x5010, 4, 77), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(ring->last, 1);
	CHECK_EQ(ring->coalesced_mmio[0].phys_addr, 0x5010);
	CHECK_EQ(ring->coalesced_mmio[0].len, 4);
	CHECK_EQ(*(u32 *)ring->coalesced_mmio[0].data, 77);
	CHECK_EQ(store(0x5100, 4, 1), KVM_EXIT_MMIO);
	/* Whatever user space writes there. */
	ring->last = 0xdeadbeef;
	CHECK_EQ(store(0x5010, 4, 1), KVM_EXIT_MMIO);
	ring->last = ring->first = 0;
	for (i = 0; i < KVM_COALESCED_MMIO_MAX - 1; i++)
		CHECK_EQ(store(0x5010, 4, i), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(store(0x5010, 4, 1), KVM_EXIT_MMIO);
	CHECK_EQ(zone_set(KVM_UNREGISTER_COALESCED_MMIO, 0x5000, 0x100, 0), 0);
	ring->first = ring->last;
	CHECK_EQ(store(0x5010, 4, 1), KVM_EXIT_MMIO);
	machine_destroy(&m);
}

static int out(u16 port)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_OUT, .gpa = port, .len = 1, .value = 1 },
		{ .opcode = FAKE_STOP },
	};

	CHECK_EQ(machine_run(&m, 0, program, 2), 0);

	return m.run->exit_reason;
}

/* There is a filter before the list of them, of which each zone has some bits. */
TEST(coalesced_zones_are_seen_while_they_are_there)
{
	begin();
	CHECK_EQ(out(0x70), KVM_EXIT_IO);
	CHECK_EQ(zone_set(KVM_REGISTER_COALESCED_MMIO, 0x70, 1, 1), 0);
	CHECK_EQ(out(0x70), KVM_EXIT_SHUTDOWN);
	/* Beside it, with the same bit. */
	CHECK_EQ(out(0x71), KVM_EXIT_IO);
	/* The other kind's are others: memory at that number is no port. */
	CHECK_EQ(store(0x70, 1, 1), KVM_EXIT_MMIO);
	CHECK_EQ(zone_set(KVM_REGISTER_COALESCED_MMIO, 0x5000, 0x100, 0), 0);
	/* So large that it has all bits, and then it goes. */
	CHECK_EQ(zone_set(KVM_REGISTER_COALESCED_MMIO, 0x80000000, 0x70000000, 0), 0);
	CHECK_EQ(store(0x5010, 4, 1), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(store(0xeffffff8, 8, 1), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(zone_set(KVM_UNREGISTER_COALESCED_MMIO, 0x80000000, 0x70000000, 0), 0);
	CHECK_EQ(store(0xeffffff8, 8, 1), KVM_EXIT_MMIO);
	CHECK_EQ(store(0x5010, 4, 1), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(out(0x70), KVM_EXIT_SHUTDOWN);
	CHECK_EQ(zone_set(KVM_UNREGISTER_COALESCED_MMIO, 0x70, 1, 1), 0);
	CHECK_EQ(out(0x70), KVM_EXIT_IO);
	CHECK(!coalesced_maybe(m.vm, IOBUS_PIO, 0x70));
	CHECK(coalesced_maybe(m.vm, IOBUS_MMIO, 0x5010));
	machine_destroy(&m);
}

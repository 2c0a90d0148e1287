// SPDX-License-Identifier: GPL-2.0-only
/* ioeventfd, irqfd and the coalesced ring. */
#include <poll.h>
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/* --- ioeventfd -------------------------------------------------------------- */

static int ioeventfd(int fd, u64 addr, u32 len, u32 flags, u64 datamatch)
{
	struct kvm_ioeventfd args = {
		.datamatch = datamatch, .addr = addr, .len = len, .fd = fd, .flags = flags,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

/* What the guest is to write next: length, offset, value. */
static struct { u64 len, offset, value; } order;

static void guest_write_orders(u64 argument)
{
	for (;;) {
		u64 address = GPA_MMIO + READ_ONCE(order.offset), value = READ_ONCE(order.value);

		switch (READ_ONCE(order.len)) {
		case 1:
			guest_write8(address, value);
			break;
		case 2:
			guest_write16(address, value);
			break;
		case 4:
			guest_write32(address, value);
			break;
		case 8:
			guest_write64(address, value);
			break;
		}
		guest_say(0);
	}
}

/* True if the write came out as MMIO, false if the kernel kept it. */
static bool write_exits(u64 len, u64 offset, u64 value)
{
	u64 said;
	int err;

	guest_var(vm, order).len = len;
	guest_var(vm, order).offset = offset;
	guest_var(vm, order).value = value;
	err = vcpu_run(vcpu);
	if (err)
		bail("KVM_RUN failed: %s", strerror(-err));
	if (vcpu_said(vcpu, &said))
		return false;
	if (vcpu->run->exit_reason != KVM_EXIT_MMIO) {
		vcpu_describe(vcpu);
		bail("neither MMIO nor a value");
	}
	vcpu_run_said(vcpu);

	return true;
}

static void test_one_length(int fd, u32 len)
{
	report(!ioeventfd(fd, GPA_MMIO, len, KVM_IOEVENTFD_FLAG_DATAMATCH, 0x42),
	       "length %u with datamatch", len);
	report(!write_exits(len, 0, 0x42) && eventfd_fired(fd) == 1, "the write fires it");
	report(write_exits(len, 0, 0x43) && !eventfd_fired(fd), "another value exits");
	report(write_exits(len, len, 0x42) && !eventfd_fired(fd), "so does another address");
	report(write_exits(len == 8 ? 4 : len * 2, 0, 0x42) && !eventfd_fired(fd),
	       "and another length");
	report(!ioeventfd(fd, GPA_MMIO, len, KVM_IOEVENTFD_FLAG_DATAMATCH |
			  KVM_IOEVENTFD_FLAG_DEASSIGN, 0x42), "deassign");
	report(write_exits(len, 0, 0x42) && !eventfd_fired(fd), "then it exits");
}

TEST(ioeventfd)
{
	static const u32 lengths[] = { 1, 2, 4, 8 };
	int fd = eventfd_create(), other = eventfd_create();
	size_t i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_write_orders, 0);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		test_one_length(fd, lengths[i]);

	report(!ioeventfd(fd, GPA_MMIO, 4, 0, 0), "without datamatch");
	report(!write_exits(4, 0, 1) && !write_exits(4, 0, 77) && eventfd_fired(fd) == 2,
	       "any value fires it");
	report_errno(ioeventfd(other, GPA_MMIO, 4, 0, 0), EEXIST, "the same again");
	report_errno(ioeventfd(other, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH, 5), EEXIST,
		     "a value of what takes all");
	report_errno(ioeventfd(other, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DEASSIGN, 0), ENOENT,
		     "deassign by another eventfd");
	report(!ioeventfd(fd, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DEASSIGN, 0), "deassign");

	report(!ioeventfd(fd, GPA_MMIO, 0, 0, 0), "any length");
	report(!write_exits(1, 0, 1) && !write_exits(2, 0, 1) && !write_exits(4, 0, 1) &&
	       !write_exits(8, 0, 1) && eventfd_fired(fd) == 4, "all four lengths fire it");
	report(write_exits(4, 4, 1), "its neighbour does not");
	report(!ioeventfd(fd, GPA_MMIO, 0, KVM_IOEVENTFD_FLAG_DEASSIGN, 0), "deassign");

	report(!ioeventfd(fd, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH, 1) &&
	       !ioeventfd(other, GPA_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH, 2),
	       "two values at one address");
	report(!write_exits(4, 0, 2) && !eventfd_fired(fd) && eventfd_fired(other) == 1 &&
	       !write_exits(4, 0, 1) && eventfd_fired(fd) == 1 && !eventfd_fired(other) &&
	       write_exits(4, 0, 3), "each fires its own");

	report_errno(ioeventfd(fd, GPA_MMIO, 3, 0, 0), EINVAL, "length 3");
	report_errno(ioeventfd(fd, GPA_MMIO, 16, 0, 0), EINVAL, "length 16");
	report_errno(ioeventfd(fd, ~0ULL - 2, 8, 0, 0), EINVAL, "an address that wraps");
	report_errno(ioeventfd(fd, GPA_MMIO, 0, KVM_IOEVENTFD_FLAG_DATAMATCH, 1), EINVAL,
		     "a value of any length");
	report_errno(ioeventfd(fd, GPA_MMIO, 4, 0x80, 0), EINVAL, "an unknown flag");
	report_errno(ioeventfd(-1, GPA_MMIO, 4, 0, 0), EBADF, "no descriptor");
	report_errno(ioeventfd(vm->fd, GPA_MMIO, 4, 0, 0), EINVAL, "not an eventfd");
	close(fd);
	close(other);
	vm_destroy(vm);
}

/* --- irqfd ---------------------------------------------------------------------- */

static int irqfd(int fd, u32 gsi, u32 flags)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = gsi, .flags = flags };

	return ioctl(vm->fd, KVM_IRQFD, &args);
}

static void guest_count_irqs(u64 argument)
{
	guest_irq_setup();
	for (;;) {
		guest_irq_open();
		guest_say(guest_irq_count);
	}
}

/* The count gets to @count, and soon: some ways lead through a work queue. */
static bool irqs_reach(u64 count)
{
	u64 end = now_ns() + 2000000000ULL, said;

	do {
		sleep_ms(1);
		said = vcpu_run_said(vcpu);
	} while (said < count && now_ns() < end);

	return said == count;
}

static void test_irqfd_delivery(int fd, int other)
{
	u64 one = 1;

	report(vcpu_run_said(vcpu) == 0, "nothing at first");
	report(!irqfd(fd, GUEST_IRQ_LINE, 0), "assign");
	write(fd, &one, 8);
	report(irqs_reach(1), "an interrupt arrives");
	write(fd, &one, 8);
	report(irqs_reach(2), "and another");
	report_errno(irqfd(fd, GUEST_IRQ_LINE, 0), EBUSY, "the same eventfd twice");
	report(!irqfd(other, GUEST_IRQ_LINE, 0), "a second eventfd on the same line");
	write(other, &one, 8);
	report(irqs_reach(3), "works too");
	report(!irqfd(fd, GUEST_IRQ_LINE, KVM_IRQFD_FLAG_DEASSIGN), "deassign");
	write(fd, &one, 8);
	sleep_ms(1);
	report(vcpu_run_said(vcpu) == 3 && eventfd_fired(fd) == 1, "then nobody listens");
	report(!irqfd(fd, GUEST_IRQ_LINE, KVM_IRQFD_FLAG_DEASSIGN), "deassign what is not there");
	/* One that is raised before it is assigned. */
	write(fd, &one, 8);
	report(!irqfd(fd, GUEST_IRQ_LINE, 0), "assign an eventfd that was raised");
	report(irqs_reach(4), "it counts");
}

/* Many interrupts while the vCPU runs in another thread; none gets stuck. */
static void test_irqfd_running(int fd)
{
	struct vcpu_thread thread = {};
	u64 one = 1, before, i;
	int lost = 0, wait;

	vcpu_thread_start(&thread, vcpu);
	for (i = 0; i < 200; i++) {
		before = thread.said;
		write(fd, &one, 8);
		for (wait = 0; thread.said == before && wait < 2000; wait++)
			sleep_ms(1);
		lost += thread.said == before;
	}
	report(!lost, "200 interrupts into a running vCPU");
	/* The eventfd goes while it is assigned. */
	close(fd);
	before = thread.said;
	sleep_ms(5);
	vcpu_thread_stop(&thread);
	report(thread.said == before, "closing the eventfd ends it");
}

TEST(irqfd)
{
	int fd = eventfd_create(), other = eventfd_create();

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_count_irqs, 0);
	/* The kernel's own takes no irqfd before. */
	vm_start(vm);
	report_errno(irqfd(-1, 1, 0), EBADF, "no descriptor");
	report_errno(irqfd(vm->fd, 1, 0), EINVAL, "not an eventfd");
	report_errno(irqfd(fd, 1, 0x80), EINVAL, "an unknown flag");
	report(!irqfd(fd, 1000, 0) && !irqfd(fd, 1000, KVM_IRQFD_FLAG_DEASSIGN),
	       "a line without a route");

	test_irqfd_delivery(fd, other);
	test_irqfd_running(fd);
	vm_destroy(vm);

	/* The VM goes with irqfds assigned. */
	fd = eventfd_create();
	vm = vm_create(VM_IRQCHIP);
	irqfd(fd, GUEST_IRQ_LINE, 0);
	vm_destroy(vm);
	report(write(fd, &(u64){ 1 }, 8) == 8, "an eventfd outlives the VM it was assigned to");
}

static int set_routes(u32 count, struct kvm_irq_routing_entry *entries)
{
	struct kvm_irq_routing *routing = calloc(1, sizeof(*routing) + count * sizeof(*entries));
	int result;

	routing->nr = count;
	memcpy(routing->entries, entries, count * sizeof(*entries));
	result = ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing);
	free(routing);

	return result;
}

TEST(routing)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = 30, ARCH_ROUTE_MESSAGE,
	}, good = entry;
	struct kvm_irq_routing too_many = { .nr = 1000000 };

	vm = vm_create(VM_IRQCHIP);
	report(!set_routes(1, &entry), "a route");
	report(!set_routes(0, &entry), "no routes at all");
	entry.type = 99;
	report_errno(set_routes(1, &entry), EINVAL, "an unknown type");
	entry = good;
	entry.flags = 0x80;
	report_errno(set_routes(1, &entry), EINVAL, "an unknown flag");
	entry.flags = 0;
	entry.gsi = 1 << 20;
	report_errno(set_routes(1, &entry), EINVAL, "a line too high");
	entry.gsi = 1;
	entry.type = KVM_IRQ_ROUTING_IRQCHIP;
	entry.u.irqchip.irqchip = 77;
	report_errno(set_routes(1, &entry), EINVAL, "a chip that is not there");
	report_errno(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &too_many), EINVAL, "far too many");
	too_many.nr = 0;
	too_many.flags = 1;
	report_errno(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &too_many), EINVAL, "flags");
	vm_destroy(vm);
}

/* --- the coalesced ring -------------------------------------------------------------- */

static int coalesced(unsigned long cmd, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size, .pio = pio };

	return ioctl(vm->fd, cmd, &zone);
}

TEST(coalesced)
{
	struct kvm_coalesced_mmio_ring *ring;
	u32 i, max, exits = 0;

	need_cap(KVM_CAP_COALESCED_MMIO, "KVM_CAP_COALESCED_MMIO");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_write_orders, 0);
	ring = (void *)((u8 *)vcpu->run + kvm_cap(KVM_CAP_COALESCED_MMIO) * PAGE);
	max = (PAGE - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);

	report(!coalesced(KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, 0x100, 0), "a zone");
	report(!write_exits(4, 0x10, 0x1234), "a write into it stays in the kernel");
	report(ring->first == 0 && ring->last == 1, "the ring has it");
	report(ring->coalesced_mmio[0].phys_addr == GPA_MMIO + 0x10 &&
	       ring->coalesced_mmio[0].len == 4 &&
	       *(u32 *)ring->coalesced_mmio[0].data == 0x1234 &&
	       !ring->coalesced_mmio[0].pio, "with address, length and data");
	report(write_exits(4, 0x100, 1), "behind the zone it exits");
	report(write_exits(8, 0xfc, 1), "across its end too");
	for (i = 0; i < max + 10; i++)
		exits += write_exits(1, 0, i);
	report(exits > 0 && exits <= 20, "a full ring exits (%u times)", exits);
	ring->first = ring->last;
	report(!write_exits(2, 2, 1), "an emptied one takes more");
	/* User space can write there what it likes. */
	ring->first = 0xffffffff;
	ring->last = 0xfffffff0;
	write_exits(2, 2, 1);
	ring->first = ring->last = 1 << 30;
	write_exits(2, 2, 1);
	ring->first = ring->last = 0;
	report(!write_exits(2, 2, 1), "nonsense in the ring does no harm");
	report(!coalesced(KVM_UNREGISTER_COALESCED_MMIO, GPA_MMIO, 0x100, 0), "unregister");
	report(write_exits(4, 0x10, 0x1234), "then it exits");
	report_errno(coalesced(KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, 16, 7), EINVAL,
		     "neither MMIO nor ports");
	vm_destroy(vm);
}

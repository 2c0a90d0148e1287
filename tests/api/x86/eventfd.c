// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd and the coalesced ring on ports, and an irqfd that hears of the
 * guest's EOI through the IOAPIC.  What is the same everywhere is in
 * common/eventfd.c.
 */
#include <lib/kvm.h>

#define PORT		0x510
#define LINE		10	/* a level-triggered pin of the IOAPIC */
#define LINE_VECTOR	0x41

static struct vm *vm;
static struct vcpu *vcpu;

static void raise_fd(int fd)
{
	u64 one = 1;

	if (write(fd, &one, 8) != 8)
		bail("cannot write to an eventfd");
}

/* --- what the guest is to do with ports ---------------------------------------- */

enum { OUT = 0, IN = 1, OUTS = 2, MMIO = 3 };
static struct { u64 what, len, port, value; } order;

/* Three bytes; the second is the one that a test waits for. */
static const u8 text[3] = { 0x11, 0x42, 0x33 };

static void guest_out(u64 len, u16 port, u32 value)
{
	switch (len) {
	case 1:
		outb(port, value);
		break;
	case 2:
		outw(port, value);
		break;
	case 4:
		outl(port, value);
		break;
	}
}

static void guest_outs(u16 port)
{
	const u8 *from = text;
	u64 count = sizeof(text);

	asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
}

static void guest_follow_orders(u64 argument)
{
	for (;;) {
		u16 port = READ_ONCE(order.port);

		switch (READ_ONCE(order.what)) {
		case OUT:
			guest_out(READ_ONCE(order.len), port, READ_ONCE(order.value));
			break;
		case IN:
			inb(port);
			break;
		case OUTS:
			guest_outs(port);
			break;
		case MMIO:
			guest_write32(GPA_MMIO, READ_ONCE(order.value));
			break;
		}
		guest_say(0);
	}
}

/* Have it done; true if it came out to user space, false if the kernel kept it. */
static bool exits(u64 what, u64 len, u64 port, u64 value)
{
	struct kvm_run *run = vcpu->run;
	u64 said;
	int err;

	guest_var(vm, order).what = what;
	guest_var(vm, order).len = len;
	guest_var(vm, order).port = port;
	guest_var(vm, order).value = value;
	err = vcpu_run(vcpu);
	if (err)
		bail("KVM_RUN failed: %s", strerror(-err));
	if (vcpu_said(vcpu, &said))
		return false;
	if (run->exit_reason != (what == MMIO ? KVM_EXIT_MMIO : KVM_EXIT_IO)) {
		vcpu_describe(vcpu);
		bail("neither the access nor a value");
	}
	if (what == OUT)
		report(run->io.port == port && run->io.size == len && run->io.count == 1 &&
		       !memcmp((u8 *)run + run->io.data_offset, &value, len),
		       "what exits is the write itself");
	vcpu_run_said(vcpu);

	return true;
}

/* --- ioeventfd ---------------------------------------------------------------- */

static int ioeventfd(int fd, u64 addr, u32 len, u32 flags, u64 datamatch)
{
	struct kvm_ioeventfd args = {
		.datamatch = datamatch, .addr = addr, .len = len, .fd = fd, .flags = flags,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

#define PIO		KVM_IOEVENTFD_FLAG_PIO
#define MATCH		(PIO | KVM_IOEVENTFD_FLAG_DATAMATCH)
#define DEASSIGN	KVM_IOEVENTFD_FLAG_DEASSIGN

static void test_port_length(int fd, u32 len)
{
	report(!ioeventfd(fd, PORT, len, MATCH, 0x42), "a port, length %u with datamatch", len);
	report(!exits(OUT, len, PORT, 0x42) && eventfd_fired(fd) == 1, "the write fires it");
	report(exits(OUT, len, PORT, 0x43) && !eventfd_fired(fd), "another value exits");
	report(exits(OUT, len, PORT + len, 0x42) && !eventfd_fired(fd), "so does another port");
	report(exits(OUT, len == 4 ? 1 : len * 2, PORT, 0x42) && !eventfd_fired(fd),
	       "and another length");
	report(exits(IN, 1, PORT, 0) && !eventfd_fired(fd), "and a read");
	report(!ioeventfd(fd, PORT, len, MATCH | DEASSIGN, 0x42), "deassign");
	report(exits(OUT, len, PORT, 0x42) && !eventfd_fired(fd), "then it exits");
}

TEST(ioeventfd_pio)
{
	static const u32 lengths[] = { 1, 2, 4 };
	int fd = eventfd_create(), other = eventfd_create();
	size_t i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_follow_orders, 0);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		test_port_length(fd, lengths[i]);

	report(!ioeventfd(fd, PORT, 0, PIO, 0), "any length");
	report(!exits(OUT, 1, PORT, 1) && !exits(OUT, 2, PORT, 1) && !exits(OUT, 4, PORT, 1) &&
	       eventfd_fired(fd) == 3, "all three lengths fire it");
	report(exits(OUT, 1, PORT + 1, 1) && !eventfd_fired(fd), "its neighbour does not");
	report_errno(ioeventfd(other, PORT, 0, PIO, 0), EEXIST, "the same again");
	report(!ioeventfd(other, PORT, 4, 0, 0), "memory at that number is something else");
	report_errno(ioeventfd(fd, PORT, 0, DEASSIGN, 0), ENOENT, "and is deassigned as that");
	report(!exits(OUT, 4, PORT, 1) && eventfd_fired(fd) == 1 && !eventfd_fired(other),
	       "the port fires its own");
	report(!ioeventfd(fd, PORT, 0, PIO | DEASSIGN, 0), "deassign");

	report(!ioeventfd(fd, PORT, 1, PIO, 0), "one byte, any value");
	report(!exits(OUTS, 0, PORT, 0) && eventfd_fired(fd) == sizeof(text),
	       "a string fires it once a byte");
	report(!ioeventfd(fd, PORT, 1, PIO | DEASSIGN, 0), "deassign");
	close(fd);
	close(other);
	vm_destroy(vm);
}

/* --- the coalesced ring --------------------------------------------------------- */

static int zone(unsigned long cmd, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone args = { .addr = addr, .size = size, .pio = pio };

	return ioctl(vm->fd, cmd, &args);
}

static bool entry_is(struct kvm_coalesced_mmio_ring *ring, u32 index, u64 addr, u32 len,
		     u32 value, u32 pio)
{
	struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[index];

	return entry->phys_addr == addr && entry->len == len && entry->pio == pio &&
	       !memcmp(entry->data, &value, len);
}

static void test_ports_in_ring(struct kvm_coalesced_mmio_ring *ring)
{
	report(!zone(KVM_REGISTER_COALESCED_MMIO, PORT, 8, 1), "a zone of ports");
	report(!exits(OUT, 1, PORT, 0x12) && !exits(OUT, 2, PORT + 2, 0x3456) &&
	       !exits(OUT, 4, PORT + 4, 0x789abcde), "writes into it stay in the kernel");
	report(ring->first == 0 && ring->last == 3, "the ring has them");
	report(entry_is(ring, 0, PORT, 1, 0x12, 1) && entry_is(ring, 1, PORT + 2, 2, 0x3456, 1) &&
	       entry_is(ring, 2, PORT + 4, 4, 0x789abcde, 1), "with port, length and data");
	report(exits(IN, 1, PORT, 0), "a read exits");
	report(exits(OUT, 1, PORT + 8, 1), "so does a write behind the zone");
	report(exits(OUT, 4, PORT + 6, 1), "and one across its end");
	report(exits(OUT, 1, PORT - 1, 1), "and one before it");
	report(ring->last == 3, "which the ring does not have");
}

TEST(coalesced_pio)
{
	struct kvm_coalesced_mmio_ring *ring;
	u32 i, max, out = 0;

	need_cap(KVM_CAP_COALESCED_PIO, "KVM_CAP_COALESCED_PIO");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_follow_orders, 0);
	ring = (void *)((u8 *)vcpu->run + kvm_cap(KVM_CAP_COALESCED_MMIO) * PAGE);
	max = (PAGE - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);
	test_ports_in_ring(ring);

	report(!zone(KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, 8, 0), "a zone of memory beside it");
	report(!exits(MMIO, 4, 0, 0x1234) && !exits(OUT, 1, PORT, 0x21),
	       "one ring takes both");
	report(ring->last == 5 && entry_is(ring, 3, GPA_MMIO, 4, 0x1234, 0) &&
	       entry_is(ring, 4, PORT, 1, 0x21, 1), "in the order of the writes");
	for (i = 5; i < max + 10; i++)
		out += exits(OUT, 1, PORT, i & 0xff);
	/* One entry stays free: a full ring is no empty one. */
	report(out == 11, "a full ring exits (%u times)", out);
	ring->first = ring->last;
	report(!exits(OUT, 1, PORT, 1), "an emptied one takes more");
	ring->first = ring->last;

	report(!zone(KVM_UNREGISTER_COALESCED_MMIO, GPA_MMIO, 8, 0), "unregister the memory");
	report(exits(MMIO, 4, 0, 1) && !exits(OUT, 1, PORT, 1), "the ports stay");
	report(!zone(KVM_UNREGISTER_COALESCED_MMIO, PORT, 8, 1), "unregister the ports");
	report(exits(OUT, 1, PORT, 1), "then they exit");
	vm_destroy(vm);
}

/* --- irqfd with resample ----------------------------------------------------------- */

static u64 line_taken, line_order;

/* Leaves the EOI for later: in between the line can be looked at. */
static void on_line(struct guest_frame *frame)
{
	line_taken++;
}

static void guest_take_line(u64 argument)
{
	pic_disable();
	guest_handlers[LINE_VECTOR] = on_line;
	apic_enable(false);
	ioapic_route(LINE, LINE_VECTOR, IOAPIC_LEVEL);
	for (;;) {
		if (READ_ONCE(line_order))
			apic_eoi();
		WRITE_ONCE(line_order, 0);
		guest_irq_open();
		guest_say(line_taken);
	}
}

/* Run to the next word; how often the interrupt was taken. */
static u64 taken(bool eoi)
{
	guest_var(vm, line_order) = eoi;

	return vcpu_run_said(vcpu);
}

static struct kvm_ioapic_state ioapic(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	xioctl(vm->fd, KVM_GET_IRQCHIP, &chip);

	return chip.chip.ioapic;
}

static bool line_is_up(void)
{
	return ioapic().irr & BIT(LINE);
}

static bool line_in_service(void)
{
	return ioapic().redirtbl[LINE].fields.remote_irr;
}

static int resample_irqfd(int fd, int resample, u32 flags)
{
	struct kvm_irqfd args = {
		.fd = fd, .gsi = LINE, .resamplefd = resample,
		.flags = KVM_IRQFD_FLAG_RESAMPLE | flags,
	};

	return ioctl(vm->fd, KVM_IRQFD, &args);
}

static void test_resample_once(int fd, int resample)
{
	report(taken(false) == 0 && !line_is_up() && !eventfd_fired(resample), "nothing at first");
	raise_fd(fd);
	report(line_is_up(), "the eventfd raises the line");
	report(taken(false) == 1 && line_in_service(), "the guest takes the interrupt");
	report(taken(false) == 1 && line_is_up() && !eventfd_fired(resample),
	       "nothing more until it ends it");
	report(taken(true) == 1 && eventfd_fired(resample) == 1, "its EOI signals the resamplefd, once");
	report(!line_is_up() && !line_in_service(), "and takes the line down");
	report(taken(false) == 1 && taken(true) == 1 && !eventfd_fired(resample),
	       "an EOI of nothing signals nothing");
	/* What a device does that still wants attention. */
	raise_fd(fd);
	report(taken(false) == 2, "raised again, it comes again");
	raise_fd(fd);
	report(taken(false) == 2 && taken(true) == 2 && eventfd_fired(resample) == 1 && !line_is_up(),
	       "raised twice before the EOI, it is one level");
}

static void test_resample_shared(int fd, int resample, int other, int other_resample)
{
	struct kvm_irq_level level = { .irq = LINE, .level = 1 };

	report(!resample_irqfd(other, other_resample, 0), "a second one on the same line");
	raise_fd(other);
	report(taken(false) == 3 && taken(true) == 3 && eventfd_fired(other_resample) == 1 &&
	       eventfd_fired(resample) == 1, "an EOI asks both");

	xioctl(vm->fd, KVM_IRQ_LINE, &level);
	raise_fd(fd);
	report(taken(false) == 4 && taken(true) == 5 && eventfd_fired(resample) == 1 && line_is_up(),
	       "the level of user space outlasts the EOI");
	level.level = 0;
	xioctl(vm->fd, KVM_IRQ_LINE, &level);
	report(!line_is_up() && taken(true) == 5, "until user space takes it back");
	eventfd_fired(resample);
	eventfd_fired(other_resample);

	report(!resample_irqfd(other, other_resample, KVM_IRQFD_FLAG_DEASSIGN),
	       "deassign the second");
	raise_fd(fd);
	report(taken(false) == 6 && taken(true) == 6 && eventfd_fired(resample) == 1 &&
	       !eventfd_fired(other_resample), "the first goes on, the second hears nothing");
	raise_fd(fd);
	report(taken(false) == 7 && line_is_up(), "one more is in service");
	report(!resample_irqfd(fd, resample, KVM_IRQFD_FLAG_DEASSIGN), "deassign the last");
	report(!line_is_up(), "nobody is left to lower the line, so it goes down");
	report(taken(true) == 7 && !eventfd_fired(resample), "its EOI tells nobody");
}

TEST(irqfd_resample)
{
	int fd = eventfd_create(), resample = eventfd_create();
	int other = eventfd_create(), other_resample = eventfd_create();

	need_cap(KVM_CAP_IRQFD_RESAMPLE, "KVM_CAP_IRQFD_RESAMPLE");
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_take_line, 0);
	report_errno(resample_irqfd(fd, -1, 0), EBADF, "no resamplefd");
	report_errno(resample_irqfd(fd, vm->fd, 0), EINVAL, "one that is no eventfd");
	report(!resample_irqfd(fd, resample, 0), "assign");
	test_resample_once(fd, resample);
	test_resample_shared(fd, resample, other, other_resample);

	/* The VM goes with one assigned and its line up. */
	resample_irqfd(fd, resample, 0);
	raise_fd(fd);
	vm_destroy(vm);
	report(!eventfd_fired(resample), "the end of the VM is no EOI");
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AIA as the guest sees it (AIA specification: "Incoming MSI Controller",
 * "Advanced Platform-Level Interrupt Controller"): MSIs, wired sources, several harts.
 * The argument is the mode: emul, hwaccel, or auto.
 */
#include <sched.h>
#include <lib/kvm.h>

static struct vm *vm;

/*
 * The kernel's own software file loses the upper half of every 64 numbers, and is
 * what a vCPU has that found no file in the hardware.
 */
static bool loses_ids;

static bool id_is_lost(u64 id)
{
	return loses_ids && (id & 32);
}

/* Mode of the device, before it is initialised. */
static void begin(void)
{
	u64 mode = test_has_arg("emul") ? KVM_DEV_RISCV_AIA_MODE_EMUL :
		   test_has_arg("hwaccel") ? KVM_DEV_RISCV_AIA_MODE_HWACCEL :
		   KVM_DEV_RISCV_AIA_MODE_AUTO;

	loses_ids = in_tree();		/* before the image is copied */
	vm = vm_create(VM_IRQCHIP);
	if (riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_MODE, mode))
		skip("this host has no such mode");
}

static int signal_msi(u64 address, u32 data)
{
	struct kvm_msi msi = { .address_lo = address, .address_hi = address >> 32, .data = data };

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static bool reaches(volatile u64 *value, u64 wanted)
{
	u64 end = now_ns() + 5000000000ULL;

	while (*value < wanted && now_ns() < end)
		sched_yield();

	return *value >= wanted;
}

/* --- guest ---------------------------------------------------------------- */

#define HARTS	4

static volatile u64 counts[HARTS][IMSIC_IDS + 1], totals[HARTS], ups[HARTS], last_id[HARTS];

/* tp is the number of the hart, for handlers. */
static void on_external(struct guest_frame *frame)
{
	u64 id, hart = frame->x[4];

	while ((id = imsic_claim())) {
		counts[hart][id]++;
		last_id[hart] = id;
		totals[hart]++;
	}
}

static void begin_hart(u64 hart)
{
	u64 word;

	asm volatile("mv tp, %0" : : "r"(hart));
	guest_irq_handlers[IRQ_EXTERNAL] = on_external;
	imsic_begin();
	for (word = 0; word < 4; word++)
		imsic_write(IMSIC_EIE0 + word * 2, ~0ULL);
	csr_set(sie, BIT(IRQ_EXTERNAL));
}

/* Take interrupts for ever; @argument: number of the hart, and 16: asleep. */
static void guest_take(u64 argument)
{
	u64 hart = argument & 15;

	begin_hart(hart);
	ups[hart] = 1;
	for (;;) {
		if (argument & 16)
			guest_wfi();
		guest_irqs_open();
	}
}

/* --- aia_msi -------------------------------------------------------------- */

static void guest_file(u64 argument)
{
	u64 value;

	guest_catch();
	imsic_begin();
	/* Nothing is there at first. */
	guest_say(imsic_claim());
	guest_say(csr_read(0x15c));
	/* Pending without being enabled does not count. */
	guest_write32(IMSIC_PAGE(0), 9);
	guest_say(csr_read(0x15c));
	guest_say(imsic_read(IMSIC_EIP0) == BIT(9));
	imsic_enable(9);
	guest_say(csr_read(0x15c));
	/* The lowest number first. */
	guest_write32(IMSIC_PAGE(0), 200);
	guest_write32(IMSIC_PAGE(0), 3);
	imsic_enable(3);
	imsic_enable(200);
	guest_say(imsic_claim());
	guest_say(imsic_claim());
	guest_say(imsic_claim());
	guest_say(imsic_claim());
	/* A threshold hides what is not below it. */
	imsic_write(IMSIC_THRESHOLD, 9);
	guest_write32(IMSIC_PAGE(0), 9);
	guest_say(csr_read(0x15c));
	imsic_write(IMSIC_THRESHOLD, 10);
	guest_say(csr_read(0x15c) >> 16);
	imsic_write(IMSIC_THRESHOLD, 0);
	/* Delivery off: nothing interrupts. */
	guest_say(!!(csr_read(sip) & BIT(IRQ_EXTERNAL)));
	imsic_write(IMSIC_DELIVERY, 0);
	guest_say(!!(csr_read(sip) & BIT(IRQ_EXTERNAL)));
	imsic_write(IMSIC_DELIVERY, 1);
	imsic_claim();
	guest_say(!!(csr_read(sip) & BIT(IRQ_EXTERNAL)));
	/* Numbers that mean nothing. */
	guest_write32(IMSIC_PAGE(0), 0);
	guest_write32(IMSIC_PAGE(0), 0x10000);
	guest_write32(IMSIC_PAGE(0), 0xffffffff);
	guest_say(imsic_read(IMSIC_EIP0) | imsic_read(IMSIC_EIP0 + 2) |
		  imsic_read(IMSIC_EIP0 + 4) | imsic_read(IMSIC_EIP0 + 6));
	guest_say(guest_read32(IMSIC_PAGE(0)));
	imsic_write(IMSIC_EIP0, BIT(20) | 1);
	guest_say(imsic_read(IMSIC_EIP0));
	imsic_set(IMSIC_EIP0, BIT(21));
	imsic_clear(IMSIC_EIP0, BIT(20));
	guest_say(imsic_read(IMSIC_EIP0));
	/* On RV64 the odd ones are not there.  The kernel's own asks user space. */
	if (argument)
		guest_done();
	csr_write(0x150, IMSIC_EIP0 + 1);
	guest_say(try_csr_read(0x151, &value));
	/* Reserved ones read as 0, and take what is written. */
	csr_write(0x150, 0x71);
	guest_say(try_csr_read(0x151, &value));
	guest_say(value);
	csr_write(0x150, 0x7f);
	guest_say(try_csr_write(0x151, ~0ULL));
	guest_done();
}

static void check_file(void)
{
	static const char *const names[] = {
		"nothing to claim", "nothing on top", "pending but not enabled",
		"it is pending", "enabled, it is on top", "3 before 9", "9 before 200", "then 200",
		"then nothing", "9 is not below a threshold of 9", "but below 10",
		"it interrupts", "not without delivery", "not when it is claimed",
		"numbers that are none", "a page that reads as 0",
		"eip can be written, but for 0", "set and cleared", "eip1 is not there",
		"0x71 is reserved", "and reads as 0", "0x7f takes what is written",
	};
	static const u64 expected[] = {
		0, 0, 0, 1, 9 << 16 | 9, 3, 9, 200, 0, 0, 9, 1, 0, 0, 0, 0, BIT(20), BIT(21),
		CAUSE_ILLEGAL, CAUSE_NONE, 0, CAUSE_NONE,
	};
	struct vcpu *vcpu;
	size_t i;

	begin();
	vcpu = vcpu_create(vm, guest_file, in_tree());
	for (i = 0; i < ARRAY_SIZE(names) - 4 * in_tree(); i++) {
		u64 said = vcpu_run_said(vcpu);

		if (!report(said == expected[i], "%s", names[i]))
			note("0x%llx, not 0x%llx", (unsigned long long)said,
			     (unsigned long long)expected[i]);
	}
	vm_destroy(vm);
}

/* The whole table: one gsi that sends message 77, no line. */
static void route_message(u32 gsi)
{
	struct {
		struct kvm_irq_routing		head;
		struct kvm_irq_routing_entry	entry;
	} routes = {
		.head.nr = 1,
		.entry = {
			.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = IMSIC_PAGE(0), .data = 77 },
		},
	};

	xioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes);
}

/* By ioctl and by eventfd into a vCPU that runs, or sleeps. */
static void check_msis(u64 sleeps, const char *what)
{
	struct kvm_irqfd irqfd = { .fd = eventfd(0, EFD_NONBLOCK), .gsi = 150 };
	struct vcpu_thread thread = {};
	volatile u64 *count;
	u64 i, lost = 0, one = 1, sent = 0;

	begin();
	vcpu_thread_start(&thread, vcpu_create(vm, guest_take, sleeps));
	if (!reaches(&guest_var(vm, ups[0]), 1))
		bail("the guest did not come up");
	for (i = 1; i <= IMSIC_IDS && !lost; i++) {
		if (id_is_lost(i))
			continue;
		sent++;
		/* The kernel's own says 0 for what it delivered. */
		lost += signal_msi(IMSIC_PAGE(0), i) < !in_tree();
		lost += !reaches(&guest_var(vm, counts[0][i]), 1);
	}
	/* If another one wakes it, the first was there and nobody was told. */
	if (lost) {
		signal_msi(IMSIC_PAGE(0), 1);
		note("MSI %llu %s", (unsigned long long)i - 1,
		     reaches(&guest_var(vm, counts[0][i - 1]), 1) ? "came with the next" :
		     "never came");
	}
	/* The guest counts the last one twice: as that one, and then among all. */
	reaches(&guest_var(vm, totals[0]), sent);
	report(!lost && guest_var(vm, totals[0]) == sent,
	       "%llu MSIs into a vCPU that %s, each once", (unsigned long long)sent, what);
	route_message(irqfd.gsi);
	xioctl(vm->fd, KVM_IRQFD, &irqfd);
	count = &guest_var(vm, counts[0][77]);
	for (i = 0; i < 200 && !lost; i++) {
		lost += write(irqfd.fd, &one, 8) != 8;
		lost += !reaches(count, i + 2);
	}
	report(!lost && *count == 201, "200 by an eventfd");
	vcpu_thread_stop(&thread);
	close(irqfd.fd);
	vm_destroy(vm);
}

TEST(aia_msi)
{
	check_file();
	check_msis(0, "runs");
	/* See aia_smp. */
	if (!in_tree() || test_has_arg("emul"))
		check_msis(16, "sleeps");

	begin();
	vcpu_create(vm, guest_take, 0);
	vm->vcpus[0].run->immediate_exit = 1;
	vcpu_run(&vm->vcpus[0]);
	report(signal_msi(IMSIC_PAGE(0), 0) <= 0, "number 0");
	report(signal_msi(IMSIC_PAGE(0), IMSIC_IDS + 1) <= 0, "a number too high");
	report(signal_msi(IMSIC_PAGE(3), 5) <= 0, "a hart that is not there");
	report(signal_msi(GPA_MMIO, 5) <= 0, "no IMSIC at all");
	report(signal_msi(0xfffffffffffff000ULL, 5) <= 0, "far away");
	vm_destroy(vm);
}

/* --- aia_sip -------------------------------------------------------------- */

static void guest_count(u64 argument)
{
	begin_hart(0);
	for (;;) {
		guest_irqs_open();
		guest_say(totals[0]);
	}
}

/*
 * User space reads sip, a message comes, user space writes back what it read: the
 * interrupt is there all the same, and so is every later one.
 */
TEST(aia_sip)
{
	struct vcpu *vcpu;
	u64 sip, i;

	begin();
	vcpu = vcpu_create(vm, guest_count, 0);
	report(!vcpu_run_said(vcpu), "nothing at first");
	for (i = 1; i <= 3; i++) {
		sip = reg_get(vcpu, RISCV_CSR(sip));
		signal_msi(IMSIC_PAGE(0), 200 + i);
		reg_set(vcpu, RISCV_CSR(sip), sip);
		/* The kernel's own remembers it when the next one comes, if ever. */
		report(vcpu_run_said(vcpu) == i || in_tree(), "message %llu",
		       (unsigned long long)i);
	}
	vm_destroy(vm);
}

/* --- aia_aplic ------------------------------------------------------------ */

static int set_line(u32 source, u32 level)
{
	struct kvm_irq_level line = { .irq = source, .level = level };

	return ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

static void guest_registers(u64 argument)
{
	begin_hart(0);
	/* MSI delivery is all there is; big-endian is not. */
	aplic_write(APLIC_DOMAINCFG, 0);
	guest_say(aplic_read(APLIC_DOMAINCFG));
	aplic_write(APLIC_DOMAINCFG, 0xffffffff);
	guest_say(aplic_read(APLIC_DOMAINCFG));
	/* A source that is off has nothing. */
	aplic_write(APLIC_TARGET(5), 0x123);
	aplic_write(APLIC_SETIENUM, 5);
	aplic_write(APLIC_SETIPNUM, 5);
	guest_say(aplic_read(APLIC_SETIE(0)) | aplic_read(APLIC_SETIP(0)) |
		  aplic_read(APLIC_TARGET(5)));
	aplic_write(APLIC_SOURCECFG(5), APLIC_EDGE_RISE);
	guest_say(aplic_read(APLIC_SOURCECFG(5)));
	/* Reserved modes are off; delegation has nowhere to go. */
	aplic_write(APLIC_SOURCECFG(5), 2);
	guest_say(aplic_read(APLIC_SOURCECFG(5)));
	aplic_write(APLIC_SOURCECFG(5), 0x400);
	guest_say(aplic_read(APLIC_SOURCECFG(5)));
	aplic_write(APLIC_SOURCECFG(5), APLIC_DETACHED);
	aplic_write(APLIC_SETIENUM, 5);
	guest_say(aplic_read(APLIC_SETIE(0)));
	aplic_write(APLIC_CLRIENUM, 5);
	guest_say(aplic_read(APLIC_SETIE(0)));
	aplic_write(APLIC_SETIE(0), BIT(5) | 1);
	guest_say(aplic_read(APLIC_SETIE(0)));
	aplic_write(APLIC_CLRIE(0), 0xffffffff);
	guest_say(aplic_read(APLIC_SETIE(0)));
	/* Pending, and then enabled: the MSI goes, and nothing is pending any more. */
	aplic_write(APLIC_TARGET(5), 0 << 18 | 67);
	guest_say(aplic_read(APLIC_TARGET(5)));
	/* No hart has guests with interrupt files of their own. */
	aplic_write(APLIC_TARGET(5), 0 << 18 | 0x3f << 12 | 67);
	guest_say(aplic_read(APLIC_TARGET(5)));
	if (argument)
		aplic_write(APLIC_TARGET(5), 0 << 18 | 67);
	aplic_write(APLIC_SETIPNUM, 5);
	guest_say(aplic_read(APLIC_SETIP(0)));
	guest_say(imsic_read(IMSIC_EIP0 + 2));
	aplic_write(APLIC_SETIENUM, 5);
	guest_say(aplic_read(APLIC_SETIP(0)));
	guest_say(imsic_claim());
	aplic_write(APLIC_SETIPNUM_LE, 5);
	guest_say(imsic_claim());
	/* Taken back in time. */
	aplic_write(APLIC_CLRIENUM, 5);
	aplic_write(APLIC_SETIPNUM, 5);
	aplic_write(APLIC_CLRIPNUM, 5);
	aplic_write(APLIC_SETIENUM, 5);
	guest_say(imsic_claim());
	/* An MSI that was asked for. */
	aplic_write(APLIC_GENMSI, 0 << 18 | 75);
	guest_say(imsic_claim());
	/* The domain off: it waits. */
	aplic_write(APLIC_DOMAINCFG, 0);
	aplic_write(APLIC_SETIPNUM, 5);
	guest_say(imsic_claim());
	aplic_write(APLIC_DOMAINCFG, APLIC_DOMAINCFG_IE);
	guest_say(imsic_claim());
	/* Numbers beyond the last source.  The kernel's own ends there. */
	if (argument)
		guest_done();
	aplic_write(APLIC_SETIPNUM, 0);
	aplic_write(APLIC_SETIPNUM, 97);
	aplic_write(APLIC_SETIENUM, 0xffffffff);
	aplic_write(APLIC_SOURCECFG(97), APLIC_EDGE_RISE);
	guest_say(aplic_read(APLIC_SOURCECFG(97)));
	/* A hart that is not there. */
	aplic_write(APLIC_TARGET(5), 9 << 18 | 5);
	aplic_write(APLIC_SETIPNUM, 5);
	aplic_write(APLIC_GENMSI, 0x3fff << 18 | 5);
	guest_say(imsic_claim());
	guest_done();
}

static void check_registers(void)
{
	static const char *const names[] = {
		"domain off", "domain on, in MSI mode", "a source that is off", "one that is on",
		"a reserved mode", "delegation", "enabled by number", "disabled by number",
		"enabled by bit", "disabled by bit", "its target", "no guest index",
		"pending, not enabled", "no MSI so far", "enabled: not pending any more",
		"the MSI is there",
		"by the other register", "taken back in time", "genmsi", "domain off: no MSI",
		"domain on: the MSI", "no source 97", "no hart 9",
	};
	static const u64 expected[] = {
		0x80000004, 0x80000104, 0, APLIC_EDGE_RISE, 0, 0, BIT(5), 0, BIT(5), 0, 67, 67,
		BIT(5), 0, 0, 67, 67, 0, 75, 0, 67, 0, 0,
	};
	struct vcpu *vcpu;
	size_t i;

	begin();
	vcpu = vcpu_create(vm, guest_registers, in_tree());
	for (i = 0; i < ARRAY_SIZE(names) - 2 * in_tree(); i++) {
		u64 said = vcpu_run_said(vcpu);
		/* It keeps what is written to a source that is off, reserved modes and so on. */
		bool kept = in_tree() && (i == 2 || i == 4 || i == 11);

		if (!report(said == expected[i] || kept, "%s", names[i]))
			note("0x%llx, not 0x%llx", (unsigned long long)said,
			     (unsigned long long)expected[i]);
	}
	vm_destroy(vm);
}

/* One source of each kind; then say how often each number came. */
static u64 order;

static void guest_sources(u64 argument)
{
	static const u32 modes[] = { APLIC_EDGE_RISE, APLIC_EDGE_FALL, APLIC_HIGH, APLIC_LOW };
	u64 i;

	begin_hart(0);
	for (i = 0; i < 4; i++)
		aplic_route(10 + i, modes[i], 0, 128 + i);
	for (;;) {
		guest_irqs_open();
		/* Give a level-sensitive source another chance: write its number back. */
		if (order == 1)
			aplic_write(APLIC_SETIPNUM_LE, 12);
		guest_irqs_open();
		guest_say(counts[0][128] | counts[0][129] << 8 | counts[0][130] << 16 |
			  counts[0][131] << 24);
	}
}

static u64 sources_after(struct vcpu *vcpu, u32 source, u32 level)
{
	if (set_line(source, level) < 0)
		bail("KVM_IRQ_LINE failed: %s", strerror(errno));

	return vcpu_run_said(vcpu);
}

/* VMMs want no error from it, but for what makes no sense; the guest sees nothing. */
static bool no_line(struct vcpu *vcpu, u32 source)
{
	u64 before = vcpu_run_said(vcpu);
	int result = set_line(source, 1);

	return (!result || errno == EINVAL || errno == ENODEV) && vcpu_run_said(vcpu) == before;
}

static void check_lines(void)
{
	struct vcpu *vcpu;
	u64 low;

	begin();
	vcpu = vcpu_create(vm, guest_sources, 0);
	/* Setting a source up may count as a change of its level. */
	low = vcpu_run_said(vcpu);
	report(low == 0 || low == 1 << 24, "nothing, or one from a source that is active low");
	report(sources_after(vcpu, 10, 1) == low + 0x1, "a rising edge");
	report(sources_after(vcpu, 10, 1) == low + 0x1, "no edge");
	report(sources_after(vcpu, 10, 0) == low + 0x1, "a falling edge of a rising one");
	report(sources_after(vcpu, 10, 1) == low + 0x2, "a rising edge again");
	report(sources_after(vcpu, 11, 1) == low + 0x2, "a rising edge of a falling one");
	report(sources_after(vcpu, 11, 0) == low + 0x102, "a falling edge");
	report(sources_after(vcpu, 12, 1) == low + 0x10102, "a high level");
	guest_var(vm, order) = 1;
	report(vcpu_run_said(vcpu) == low + 0x20102, "it comes again when asked, while it is high");
	report(sources_after(vcpu, 12, 0) == low + 0x20102, "not when it is low");
	report(vcpu_run_said(vcpu) == low + 0x20102, "however often it is asked");
	guest_var(vm, order) = 0;
	report(sources_after(vcpu, 13, 1) == low + 0x20102, "an inactive level");
	report(sources_after(vcpu, 13, 0) == low + 0x1020102, "an active one");
	route_message(10);
	report(sources_after(vcpu, 10, 0) == low + 0x1020102 &&
	       sources_after(vcpu, 10, 1) == low + 0x1020103, "wherever routes lead");
	report(no_line(vcpu, 0), "no source 0");
	report(no_line(vcpu, 97), "no source beyond the last");
	report(no_line(vcpu, 0xffffffff), "far beyond");
	vm_destroy(vm);
}

TEST(aia_aplic)
{
	check_registers();
	check_lines();
}

/* --- aia_aplic_slot ------------------------------------------------------- */

#define SLOT_READS	100

static void guest_read_aplic(u64 argument)
{
	u64 i, sum;

	for (;;) {
		for (i = 0, sum = 0; i < SLOT_READS; i++)
			sum += aplic_read(APLIC_DOMAINCFG);
		guest_say(sum);
	}
}

/* As often as the hart asks the device it is served; memory that comes there is memory. */
TEST(aia_aplic_slot)
{
	static u8 memory[4096] __attribute__((aligned(4096)));
	u64 device = SLOT_READS * 0x80000004ULL, fast;
	struct vcpu *vcpu;
	int i;

	begin();
	vcpu = vcpu_create(vm, guest_read_aplic, 0);
	*(u32 *)memory = 7;
	report(vcpu_run_said(vcpu) == device, "the device");
	for (i = 0; i < 3; i++) {
		fast = vcpu_stat(vcpu, "fast_exits");
		report(vcpu_run_said(vcpu) == device, "again");
		fast = vcpu_stat(vcpu, "fast_exits") - fast;
		report(fast >= SLOT_READS - 1, "by a fast handler (%llu)", (unsigned long long)fast);
		if (vm_set_slot(vm, 9, RISCV_GPA_APLIC, sizeof(memory), memory, 0))
			bail("no slot over the APLIC");
		report(vcpu_run_said(vcpu) == SLOT_READS * 7, "memory in its place");
		if (vm_set_slot(vm, 9, RISCV_GPA_APLIC, 0, memory, 0))
			bail("the slot stays");
		report(vcpu_run_said(vcpu) == device, "the device again");
	}
	vm_destroy(vm);
}

/* --- aia_restore ---------------------------------------------------------- */

#define APLIC_REG(offset)	KVM_DEV_RISCV_AIA_GRP_APLIC, (offset)
#define IMSIC_REG(select)	KVM_DEV_RISCV_AIA_GRP_IMSIC, KVM_DEV_RISCV_AIA_IMSIC_MKATTR(0, select)

/* The first machine sets three sources up; the second one finds them so. */
static void guest_restored(u64 second)
{
	if (!second) {
		begin_hart(0);
		aplic_route(10, APLIC_EDGE_RISE, 0, 128);
		aplic_route(12, APLIC_HIGH, 0, 130);
		aplic_route(13, APLIC_LOW, 0, 131);
		aplic_write(APLIC_CLRIENUM, 10);
		guest_say(0);
	}
	asm volatile("mv tp, zero");
	guest_irq_handlers[IRQ_EXTERNAL] = on_external;
	csr_set(sie, BIT(IRQ_EXTERNAL));
	for (;;) {
		if (order == 1)
			aplic_write(APLIC_SETIENUM, 10);
		guest_irqs_open();
		guest_say(counts[0][128] | counts[0][130] << 8 | counts[0][131] << 16);
	}
}

static struct {
	u64 source[APLIC_SOURCES + 1], target[APLIC_SOURCES + 1];
	u64 input[4], pending[4], enabled[4], domain;
	u64 delivery, threshold, eip[4], eie[4];
} state;

/* get or set: it has the attribute and where its value is. */
static void each_file_register(void (*access)(u32 group, u64 attribute, u64 *value))
{
	u64 i;

	access(IMSIC_REG(IMSIC_THRESHOLD), &state.threshold);
	for (i = 0; i < 4; i++) {
		access(IMSIC_REG(IMSIC_EIE0 + 2 * i), &state.eie[i]);
		access(IMSIC_REG(IMSIC_EIP0 + 2 * i), &state.eip[i]);
	}
	access(IMSIC_REG(IMSIC_DELIVERY), &state.delivery);
}

static void each_source_register(void (*access)(u32 group, u64 attribute, u64 *value))
{
	u64 i;

	for (i = 1; i <= APLIC_SOURCES; i++) {
		access(APLIC_REG(APLIC_SOURCECFG(i)), &state.source[i]);
		access(APLIC_REG(APLIC_TARGET(i)), &state.target[i]);
	}
}

static void each_word_register(void (*access)(u32 group, u64 attribute, u64 *value))
{
	u64 i;

	for (i = 0; i < 4; i++) {
		access(APLIC_REG(APLIC_SETIP(i)), &state.pending[i]);
		access(APLIC_REG(APLIC_SETIE(i)), &state.enabled[i]);
	}
	access(APLIC_REG(APLIC_DOMAINCFG), &state.domain);
}

static void save(u32 group, u64 attribute, u64 *value)
{
	if (riscv_aia_get(vm, group, attribute, value))
		bail("cannot read register %u/0x%llx", group, (unsigned long long)attribute);
}

static void restore(u32 group, u64 attribute, u64 *value)
{
	if (riscv_aia_set(vm, group, attribute, *value))
		bail("cannot write register %u/0x%llx", group, (unsigned long long)attribute);
}

static void save_aia(void)
{
	u64 i;

	each_file_register(save);
	each_source_register(save);
	each_word_register(save);
	for (i = 0; i < 4; i++)
		save(APLIC_REG(APLIC_IN_CLRIP(i)), &state.input[i]);
}

/* in_clrip shows what the source makes of its wire. */
static bool wire(u64 source)
{
	bool inverted = state.source[source] == APLIC_EDGE_FALL ||
			state.source[source] == APLIC_LOW;

	return !!(state.input[source / 32] & BIT(source % 32)) != inverted;
}

/* In the order that arch/riscv/irqchip.c asks for. */
static void restore_aia(void)
{
	u64 i, all = 0xffffffff;

	each_file_register(restore);
	for (i = 1; i <= APLIC_SOURCES; i++)
		if (wire(i))
			set_line(i, 1);
	each_source_register(restore);
	for (i = 0; i < 4; i++)
		restore(APLIC_REG(APLIC_IN_CLRIP(i)), &all);
	each_word_register(restore);
}

static struct vcpu *begin_restored(u64 second)
{
	struct vcpu *vcpu;

	begin();
	vcpu = vcpu_create(vm, guest_restored, second);
	arch_vm_start(vm);
	vm->started = true;

	return vcpu;
}

/* A machine is moved with one interrupt of each kind somewhere on its way. */
TEST(aia_restore)
{
	struct vcpu *vcpu = begin_restored(0);

	set_line(13, 1);
	vcpu_run_said(vcpu);
	/* Pending in the APLIC, but not enabled; sent, but not taken. */
	set_line(10, 1);
	set_line(12, 1);
	save_aia();
	report((state.pending[0] & BIT(10)) && !(state.enabled[0] & BIT(10)) &&
	       !(state.pending[0] & BIT(12)) && (state.eip[2] & BIT(130 - 128)),
	       "one pending in the APLIC, one in the interrupt file");
	vm_destroy(vm);

	vcpu = begin_restored(1);
	restore_aia();
	report(vcpu_run_said(vcpu) == 0x100, "the one in the file comes, and nothing else");
	report(vcpu_run_said(vcpu) == 0x100, "once");
	guest_var(vm, order) = 1;
	report(vcpu_run_said(vcpu) == 0x101, "the other one, when it is enabled");
	report(sources_after(vcpu, 12, 0) == 0x101 && sources_after(vcpu, 12, 1) == 0x201,
	       "the high level ends and begins again");
	report(sources_after(vcpu, 13, 0) == 0x10201, "the low one begins");
	report(sources_after(vcpu, 10, 0) == 0x10201 && sources_after(vcpu, 10, 1) == 0x10202,
	       "another edge");
	vm_destroy(vm);
}

/* --- aia_smp -------------------------------------------------------------- */

#define ROUNDS	150

/* Hart 0 sends to the others, round and round; each answers to hart 0. */
static void on_ping(struct guest_frame *frame)
{
	u64 id, hart = frame->x[4];

	while ((id = imsic_claim())) {
		counts[hart][id]++;
		totals[hart]++;
		if (hart)
			guest_write32(IMSIC_PAGE(0), 10 + hart);
	}
}

static u64 awake;
static volatile u64 all_done;

static void guest_answer(u64 hart)
{
	begin_hart(hart);
	guest_irq_handlers[IRQ_EXTERNAL] = on_ping;
	ups[hart] = 1;
	for (;;) {
		if ((hart & 1) && !awake)
			guest_wfi();
		guest_irqs_open();
	}
}

static void guest_ping(u64 harts)
{
	u64 hart, round, wanted;

	begin_hart(0);
	guest_irq_handlers[IRQ_EXTERNAL] = on_ping;
	for (hart = 1; hart < harts; hart++) {
		GUEST_ASSERT_EQ(guest_hart_start(hart, guest_answer, hart), 0);
		while (!ups[hart])
			guest_pause();
	}
	for (round = 0; round < ROUNDS; round++) {
		for (hart = 1; hart < harts; hart++) {
			u64 id = 1 + round % IMSIC_IDS;

			wanted = counts[0][10 + hart] + 1;
			guest_write32(IMSIC_PAGE(hart), id_is_lost(id) ? 1 : id);
			/* Now asleep, now not. */
			while (counts[0][10 + hart] < wanted) {
				if (round & 1 && !awake && !(csr_read(sip) & BIT(IRQ_EXTERNAL)))
					guest_wfi();
				guest_irqs_open();
			}
		}
	}
	all_done = 1;
	for (;;)
		guest_wfi();
}

/* Meanwhile the vCPUs are moved from CPU to CPU: their interrupt files follow. */
static void move(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(thread, sizeof(set), &set);
}

static volatile bool moving;
static struct vcpu_thread threads[HARTS];

static void *mover(void *data)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), i, n = 0;

	while (moving) {
		for (i = 1; i < HARTS; i++)
			move(threads[i].thread, (n + i) % cpus);
		n++;
		sleep_ms(5);
	}

	return NULL;
}

/* How far they came, for who looks for the reason. */
static void note_totals(void)
{
	u64 i;

	for (i = 0; i < HARTS; i++)
		note("hart %llu took %llu", (unsigned long long)i,
		     (unsigned long long)guest_var(vm, totals[i]));
}

TEST(aia_smp)
{
	u64 i, wrong = 0, end, last = 0;
	pthread_t pthread;

	/* With files in the hardware, the kernel's own loses who sleeps. */
	awake = test_has_arg("awake") || (in_tree() && !test_has_arg("emul"));
	begin();
	vcpu_create(vm, guest_ping, HARTS);
	for (i = 1; i < HARTS; i++)
		vcpu_create_bare(vm, i);
	for (i = 0; i < HARTS; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	moving = !test_has_arg("still");
	pthread_create(&pthread, NULL, mover, NULL);
	/* However long it takes, as long as it goes on. */
	for (end = now_ns() + 15000000000ULL; now_ns() < end && !guest_var(vm, all_done);) {
		sleep_ms(100);
		if (last == guest_var(vm, totals[0]))
			continue;
		last = guest_var(vm, totals[0]);
		end = now_ns() + 15000000000ULL;
	}
	moving = false;
	pthread_join(pthread, NULL);
	for (i = 0; i < HARTS; i++)
		vcpu_thread_stop(&threads[i]);
	for (i = 1; i < HARTS; i++)
		wrong += guest_var(vm, totals[i]) != ROUNDS;
	wrong += guest_var(vm, totals[0]) != ROUNDS * (HARTS - 1);
	if (!report(!wrong, "%u MSIs there and back, none lost and none twice",
		    ROUNDS * (HARTS - 1)))
		note_totals();
	vm_destroy(vm);
}

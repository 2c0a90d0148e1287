// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS (GICv3 architecture, "Locality-specific Peripheral Interrupts and the ITS"):
 * messages of devices become LPIs, as the guest's tables say, and move with the VM.
 */
#include <arm64/gic_device.h>

#define GICv3(name)	KVM_DEV_ARM_VGIC_##name

/* Guest memory: what the GIC reads and writes there. */
#define CONFIG		0x1000000UL	/* a byte per LPI */
#define PENDING		0x1010000UL	/* 64 KiB per vCPU */
#define DEVICES		0x1040000UL
#define COLLECTIONS	0x1050000UL
#define EVENTS		0x1060000UL	/* of the device */
#define QUEUE		0x1070000UL

#define GITS_CTLR	0x00
#define GITS_IIDR	0x04
#define GITS_TYPER	0x08
#define GITS_CBASER	0x80
#define GITS_CWRITER	0x88
#define GITS_CREADR	0x90
#define GITS_BASER(n)	(0x100 + (n) * 8)
#define GITS_TRANSLATER	0x10040
#define VALID		(1ULL << 63)
#define LPI		8192
#define DEVICE		5UL

enum {
	CMD_MOVI = 0x01, CMD_INT = 0x03, CMD_CLEAR, CMD_SYNC, CMD_MAPD = 0x08, CMD_MAPC, CMD_MAPTI,
	CMD_INV = 0x0c, CMD_INVALL, CMD_DISCARD = 0x0f,
};

static struct vm *vm;
static int its_fd;

/* --- guest ---------------------------------------------------------------------- */

static u64 queue_at;

static void its_command(u64 dw0, u64 dw1, u64 dw2)
{
	u64 until = guest_counter() + guest_ticks(2000000000);
	volatile u64 *slot = (u64 *)(QUEUE + queue_at);

	slot[0] = dw0;
	slot[1] = dw1;
	slot[2] = dw2;
	slot[3] = 0;
	dsb();
	queue_at = (queue_at + 32) % 4096;
	guest_write64(ARM64_GPA_ITS + GITS_CWRITER, queue_at);
	while (guest_read64(ARM64_GPA_ITS + GITS_CREADR) != queue_at)
		GUEST_ASSERT(guest_counter() < until);
}

static void map_event(u64 event, u64 collection)
{
	its_command(CMD_MAPTI | DEVICE << 32, event | (LPI + event) << 32, collection);
}

static void lpi_begin(u64 cpu)
{
	u64 gicr = GICR_OF(cpu);

	guest_write64(gicr + GICR_PROPBASER, CONFIG | 0xf);
	guest_write64(gicr + GICR_PENDBASER, (PENDING + cpu * 0x10000) | 1ULL << 62);
	guest_write32(gicr + GICR_CTLR, 1);
}

/* A table for devices and one for collections, whichever registers they are. */
static void its_tables(void)
{
	u64 i, baser, type;

	for (i = 0; i < 8; i++) {
		baser = guest_read64(ARM64_GPA_ITS + GITS_BASER(i));
		type = baser >> 56 & 7;
		if (type == 1)
			guest_write64(ARM64_GPA_ITS + GITS_BASER(i), VALID | DEVICES | 15);
		else if (type == 4)
			guest_write64(ARM64_GPA_ITS + GITS_BASER(i), VALID | COLLECTIONS | 15);
	}
}

static void its_begin(void)
{
	u64 i;

	for (i = 0; i < 32; i++)
		guest_write8(CONFIG + i, 0xa0 | 1);
	dsb();
	lpi_begin(0);
	its_tables();
	guest_write64(ARM64_GPA_ITS + GITS_CBASER, VALID | QUEUE);
	guest_write64(ARM64_GPA_ITS + GITS_CWRITER, 0);
	guest_write32(ARM64_GPA_ITS + GITS_CTLR, 1);
	its_command(CMD_MAPC, 0, VALID | 0 << 16 | 2);
	its_command(CMD_MAPD | DEVICE << 32, 4, VALID | EVENTS);
	for (i = 0; i < 8; i++)
		map_event(i, 2);
	its_command(CMD_SYNC, 0, 0);
}

/* The next LPI, or INTID_NONE. */
static u64 next_lpi(void)
{
	u64 until = guest_counter() + guest_ticks(500000000), intid;

	do {
		intid = sysreg_read(ICC_IAR1_EL1);
	} while (intid == INTID_NONE && guest_counter() < until);
	if (intid != INTID_NONE) {
		sysreg_write(ICC_EOIR1_EL1, intid);
		isb();
	}

	return intid;
}

static void guest_its(u64 argument)
{
	gic_begin();
	its_begin();
	guest_say(guest_read64(ARM64_GPA_ITS + GITS_TYPER) & 1);
	/* The host sends one. */
	guest_say(next_lpi());
	/* The ITS itself: INT, and CLEAR. */
	its_command(CMD_INT | DEVICE << 32, 1, 0);
	guest_say(next_lpi());
	its_command(CMD_INT | DEVICE << 32, 2, 0);
	its_command(CMD_CLEAR | DEVICE << 32, 2, 0);
	guest_say(sysreg_read(ICC_IAR1_EL1));
	/* Disabled in the table: it waits until it is enabled. */
	guest_write8(CONFIG + 4, 0xa0);
	dsb();
	its_command(CMD_INV | DEVICE << 32, 4, 0);
	its_command(CMD_INT | DEVICE << 32, 4, 0);
	guest_say(sysreg_read(ICC_IAR1_EL1));
	guest_write8(CONFIG + 4, 0xa0 | 1);
	dsb();
	its_command(CMD_INV | DEVICE << 32, 4, 0);
	guest_say(next_lpi());
	/* Gone from the tables. */
	its_command(CMD_DISCARD | DEVICE << 32, 6, 0);
	guest_say(0);
	guest_say(sysreg_read(ICC_IAR1_EL1));
	/* Here it may be another VM. */
	for (;;)
		guest_say(next_lpi());
}

/* --- host ------------------------------------------------------------------------- */

static int its_create(struct vm *of)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };

	if (ioctl(of->fd, KVM_CREATE_DEVICE, &device))
		skip("no ITS: %s", strerror(errno));

	return device.fd;
}

static void its_place(int fd)
{
	u64 gpa = ARM64_GPA_ITS;

	if (arm64_set_attr(fd, GICv3(GRP_ADDR), KVM_VGIC_ITS_ADDR_TYPE, &gpa))
		bail("cannot place the ITS: %s", strerror(errno));
}

static int its_control(int fd, u64 command)
{
	return arm64_set_attr(fd, GICv3(GRP_CTRL), command, NULL);
}

/* @init_first: as QEMU does it. */
static void machine(bool init_first)
{
	vm = vm_create(VM_IRQCHIP);
	vcpu_create(vm, guest_its, 0);
	if (!init_first)
		its_fd = its_create(vm), its_place(its_fd);
	else if (arm64_vgic_init(vm))
		bail("no vGIC: %s", strerror(errno));
	if (init_first)
		its_fd = its_create(vm);
	if (its_control(its_fd, GICv3(CTRL_INIT)))
		bail("no ITS: %s", strerror(errno));
	if (init_first)
		its_place(its_fd);
	if (arm64_vgic_place(vm) || (!init_first && arm64_vgic_init(vm)))
		bail("no vGIC: %s", strerror(errno));
	vm->started = true;
}

static int message(struct vm *to, u32 device, u32 event)
{
	struct kvm_msi msi = {
		.address_lo = ARM64_GPA_ITS + GITS_TRANSLATER, .data = event,
		.flags = KVM_MSI_VALID_DEVID, .devid = device,
	};

	return ioctl(to->fd, KVM_SIGNAL_MSI, &msi);
}

static void check_messages(void)
{
	struct vcpu *vcpu = &vm->vcpus[0];

	report(vcpu_run_said(vcpu) == 1, "the ITS has physical LPIs");
	report(message(vm, DEVICE, 3) > 0, "a message");
	report(message(vm, DEVICE, 3) > 0, "another, while it is pending");
	report(vcpu_run_said(vcpu) == LPI + 3, "is an LPI");
	report(vcpu_run_said(vcpu) == LPI + 1, "so is the ITS's own");
	report(vcpu_run_said(vcpu) == INTID_NONE, "which it can clear");
	report(vcpu_run_said(vcpu) == INTID_NONE, "one that is disabled waits");
	report(vcpu_run_said(vcpu) == LPI + 4, "and comes when it is enabled");
	vcpu_run_said(vcpu);
	report(message(vm, DEVICE, 6) <= 0, "no message of an event that was discarded");
	report(message(vm, DEVICE + 1, 3) <= 0, "nor of another device");
	report(message(vm, DEVICE, 1000) <= 0, "nor of an event too high");
	report(vcpu_run_said(vcpu) == INTID_NONE, "arrives");
}

/* An eventfd that is a message of the device. */
static void check_irqfd(void)
{
	struct {
		struct kvm_irq_routing		head;
		struct kvm_irq_routing_entry	entry;
	} routes = {
		.head.nr = 1,
		.entry = {
			.gsi = 9, .type = KVM_IRQ_ROUTING_MSI, .flags = KVM_MSI_VALID_DEVID,
			.u.msi = { .address_lo = ARM64_GPA_ITS + GITS_TRANSLATER, .data = 7,
				   .devid = DEVICE },
		},
	};
	int fd = eventfd_create();
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = 9 };
	u64 one = 1;

	report(!ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes) && !ioctl(vm->fd, KVM_IRQFD, &irqfd),
	       "an eventfd with a route to it");
	write(fd, &one, 8);
	report(vcpu_run_said(&vm->vcpus[0]) == LPI + 7, "is an LPI too");
	close(fd);
}

TEST(its)
{
	machine(false);
	report(ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID) == 1,
	       "messages have to say whose they are");
	check_messages();
	check_irqfd();
	close(its_fd);
	vm_destroy(vm);
}

/* --- its_state ----------------------------------------------------------------------- */

static const u64 its_regs[] = {
	GITS_IIDR, GITS_CBASER, GITS_CREADR, GITS_CWRITER, GITS_BASER(0), GITS_BASER(1), GITS_BASER(2),
	GITS_BASER(3), GITS_BASER(4), GITS_BASER(5), GITS_BASER(6), GITS_BASER(7),
};

static void its_reg(int fd, bool set, u64 offset, u64 *value)
{
	int result = set ? arm64_set_attr(fd, GICv3(GRP_ITS_REGS), offset, value) :
			   arm64_get_attr(fd, GICv3(GRP_ITS_REGS), offset, value);

	if (result)
		bail("cannot %s register 0x%llx of the ITS: %s", set ? "write" : "read",
		     (unsigned long long)offset, strerror(errno));
}

/* As VMMs do it: tables to memory, registers, memory; and the other way round. */
static void move_vm(void)
{
	u64 value[ARRAY_SIZE(its_regs)], control;
	struct vgic_state *state;
	struct vm *old = vm;
	int old_its = its_fd;
	size_t i;

	vcpu_complete(&old->vcpus[0]);
	report(!its_control(its_fd, KVM_DEV_ARM_ITS_SAVE_TABLES), "the ITS's tables are saved");
	report(!arm64_set_attr(old->irqchip_fd, GICv3(GRP_CTRL), GICv3(SAVE_PENDING_TABLES), NULL),
	       "and the LPIs that are pending");
	for (i = 0; i < ARRAY_SIZE(its_regs); i++)
		its_reg(old_its, false, its_regs[i], &value[i]);
	its_reg(old_its, false, GITS_CTLR, &control);
	state = vgic_save(old);

	machine(true);
	memcpy(vm->ram, old->ram, VM_RAM_SIZE);
	vgic_copy_vcpu(&old->vcpus[0], &vm->vcpus[0]);
	vgic_restore(vm, state);
	free(state);
	for (i = 0; i < ARRAY_SIZE(its_regs); i++)
		its_reg(its_fd, true, its_regs[i], &value[i]);
	report(!its_control(its_fd, KVM_DEV_ARM_ITS_RESTORE_TABLES), "they are restored");
	its_reg(its_fd, true, GITS_CTLR, &control);
	close(old_its);
	vm_destroy(old);
}

TEST(its_state)
{
	machine(true);
	check_messages();
	report(message(vm, DEVICE, 5) > 0, "a message that nobody takes yet");
	move_vm();
	report(vcpu_run_said(&vm->vcpus[0]) == LPI + 5, "is taken in another VM");
	report(message(vm, DEVICE, 0) > 0, "another one");
	report(vcpu_run_said(&vm->vcpus[0]) == LPI, "arrives there");
	report(message(vm, DEVICE, 6) <= 0, "what was discarded stays so");
	check_irqfd();
	report(!its_control(its_fd, KVM_DEV_ARM_ITS_CTRL_RESET), "reset");
	report(message(vm, DEVICE, 3) <= 0, "it knows no device");
	close(its_fd);
	vm_destroy(vm);
}

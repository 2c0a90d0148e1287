// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS of a guest, as far as the command INT wants it ("Locality-specific Peripheral
 * Interrupts and the ITS" of the GICv3 architecture).
 */
#include <arm64/lpi.h>

/* Guest memory: what the GIC reads and writes there. */
#define CONFIG		0x1800000UL	/* a byte per LPI */
#define PENDING		0x1810000UL
#define DEVICES		0x1840000UL
#define COLLECTIONS	0x1850000UL
#define EVENTS		0x1860000UL	/* of the device */
#define QUEUE		0x1870000UL
#define QUEUE_SIZE	4096

#define GITS_CTLR	0x00
#define GITS_CBASER	0x80
#define GITS_CWRITER	0x88
#define GITS_CREADR	0x90
#define GITS_BASER(n)	(0x100 + (n) * 8)
#define TYPE_DEVICES	1
#define TYPE_COLLECTIONS 4
#define VALID		BIT(63)
#define LPI_FIRST	8192UL
#define LPI		8193UL
#define DEVICE		5UL
#define EVENT		1UL
#define COLLECTION	2UL

enum { CMD_INT = 0x03, CMD_MAPD = 0x08, CMD_MAPC, CMD_MAPTI };

static u64 queue_at;

static void its_command(u64 dw0, u64 dw1, u64 dw2)
{
	volatile u64 *slot = (u64 *)(QUEUE + queue_at);

	slot[0] = dw0;
	slot[1] = dw1;
	slot[2] = dw2;
	slot[3] = 0;
	dsb();
	queue_at = (queue_at + 32) % QUEUE_SIZE;
	guest_write64(ARM64_GPA_ITS + GITS_CWRITER, queue_at);
	while (guest_read64(ARM64_GPA_ITS + GITS_CREADR) != queue_at)
		;
}

/* The library's handlers are for numbers below those of LPIs. */
static void take_lpi(struct guest_frame *frame)
{
	u64 intid = sysreg_read(ICC_IAR1_EL1);

	dsb();
	if (intid != LPI)
		return;
	bench_interrupts++;
	sysreg_write(ICC_EOIR1_EL1, intid);
	isb();
}

static void its_tables(void)
{
	u64 i, type;

	for (i = 0; i < 8; i++) {
		type = guest_read64(ARM64_GPA_ITS + GITS_BASER(i)) >> 56 & 7;
		if (type == TYPE_DEVICES)
			guest_write64(ARM64_GPA_ITS + GITS_BASER(i), VALID | DEVICES | 15);
		else if (type == TYPE_COLLECTIONS)
			guest_write64(ARM64_GPA_ITS + GITS_BASER(i), VALID | COLLECTIONS | 15);
	}
}

static void setup_its(void)
{
	u64 gicr = GICR_OF(0);

	guest_irq_raw = take_lpi;
	gic_begin();
	guest_write8(CONFIG + LPI - LPI_FIRST, 0xa0 | 1);
	dsb();
	guest_write64(gicr + GICR_PROPBASER, CONFIG | 0xf);
	guest_write64(gicr + GICR_PENDBASER, PENDING | BIT(62));
	guest_write32(gicr + GICR_CTLR, 1);
	its_tables();
	guest_write64(ARM64_GPA_ITS + GITS_CBASER, VALID | QUEUE);
	guest_write64(ARM64_GPA_ITS + GITS_CWRITER, 0);
	guest_write32(ARM64_GPA_ITS + GITS_CTLR, 1);
	its_command(CMD_MAPC, 0, VALID | COLLECTION);
	its_command(CMD_MAPD | DEVICE << 32, 4, VALID | EVENTS);
	its_command(CMD_MAPTI | DEVICE << 32, EVENT | LPI << 32, COLLECTION);
}

BENCH_IRQ(lpi, setup_its(),
	  BENCH_UNTIL(its_command(CMD_INT | DEVICE << 32, EVENT, 0), guest_irqs_open()))

void bench_self_lpi(u64 loops)
{
	bench_lpi(loops);
}

/* --- host ---------------------------------------------------------------------- */

static int its_fd = -1;

bool lpi_prepare(struct vm *vm, u32 loops)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	u64 gpa = ARM64_GPA_ITS;

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device))
		return false;
	its_fd = device.fd;
	if (arm64_set_attr(its_fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &gpa) ||
	    arm64_set_attr(its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL))
		bail("the ITS cannot be set up: %s", strerror(errno));

	return true;
}

void lpi_finish(void)
{
	if (its_fd >= 0)
		close(its_fd);
	its_fd = -1;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The distributor's registers (GIC architecture specification, "Distributor register
 * descriptions"): one security state (GICD_CTLR.DS = 1), affinity routing always on, no
 * extended ranges, and SPIs go to one vCPU each (GICD_TYPER.No1N).
 */
#include "vgic.h"

#define GICD_TYPER_NO1N		BIT(25)
#define GICD_TYPER_A3V		BIT(24)
#define GICD_TYPER_IDBITS	GENMASK(23, 19)
#define GICD_CTLR_ENABLES	(GICD_CTLR_ENABLE_SS_G0 | GICD_CTLR_ENABLE_SS_G1)
#define STATUSR_BITS		GENMASK(3, 0)

/* --- the VM's ----------------------------------------------------------------- */

static u32 ctlr_read(const struct vgic_access *access, u32 word)
{
	return READ_ONCE(access->vgic->ctlr) | GICD_CTLR_DS | GICD_CTLR_ARE_NS;
}

/* Each vCPU looks at the groups anew when it chooses. */
static int ctlr_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	struct vgic *vgic = access->vgic;
	unsigned int i;

	value &= GICD_CTLR_ENABLES;
	if (value == vgic->ctlr)
		return 0;

	WRITE_ONCE(vgic->ctlr, value);
	for (i = 0; i < vgic->cpu_count; i++) {
		struct vgic_cpu *cpu = vgic->cpus[i];
		unsigned long flags;

		raw_spin_lock_irqsave(&cpu->lock, flags);
		vgic_choose(cpu);
		vgic_irq_unlock(cpu, flags, true);
	}

	return 0;
}

static u32 typer_read(const struct vgic_access *access, u32 word)
{
	struct vgic *vgic = access->vgic;
	u32 bits = vgic_has_its(vgic) ? VGIC_ID_BITS : 10;

	return (vgic->irqs / 32 - 1) | GICD_TYPER_NO1N |
	       (arm64_host.ich_vtr & ICH_VTR_A3V_MASK ? GICD_TYPER_A3V : 0) |
	       (vgic_has_its(vgic) ? GICD_TYPER_LPIS : 0) | FIELD_PREP(GICD_TYPER_IDBITS, bits - 1);
}

/* A revision that user space insists on has to be this one. */
static int iidr_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	return access->user && value != vgic_read_iidr(access, word) ? -EINVAL : 0;
}

static u32 statusr_read(const struct vgic_access *access, u32 word)
{
	return access->vgic->statusr;
}

/* The guest clears bits, user space restores them. */
static int statusr_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	if (access->user)
		access->vgic->statusr = value & STATUSR_BITS;
	else
		access->vgic->statusr &= ~value;

	return 0;
}

/* --- routes ------------------------------------------------------------------- */

/* Two words each: Aff2 to Aff0, and Aff3. */
static u32 router_read(const struct vgic_access *access, u32 word)
{
	struct vgic_irq *irq = vgic_spi(access->vgic, VGIC_PRIVATE + word / 2);
	u32 affinity = irq ? READ_ONCE(irq->affinity) : 0;

	return word % 2 ? affinity >> 24 : affinity & GENMASK(23, 0);
}

static int router_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	struct vgic_irq *irq = vgic_spi(access->vgic, VGIC_PRIVATE + word / 2);
	u32 affinity;

	if (!irq)
		return 0;
	affinity = word % 2 ? (value & 0xff) << 24 | (irq->affinity & GENMASK(23, 0)) :
			      (irq->affinity & GENMASK(31, 24)) | (value & GENMASK(23, 0));
	if (affinity == irq->affinity)
		return 0;

	WRITE_ONCE(irq->affinity, affinity);
	vgic_irq_retarget(irq, vgic_cpu_by_affinity(access->vgic, affinity));

	return 0;
}

/* --- the frame ---------------------------------------------------------------- */

/* Bytes of a register with so many bits for each of 1024 interrupts. */
#define PER_IRQ(bits)	(1024 * (bits) / 8)

static const struct vgic_register dist_rows[] = {
	{ GICD_CTLR, 4, VGIC_WORD, ctlr_read, ctlr_write, VGIC_FAST_READ },
	{ GICD_TYPER, 4, VGIC_WORD, typer_read, NULL, VGIC_FAST_READ },
	{ GICD_IIDR, 4, VGIC_WORD, vgic_read_iidr, iidr_write, VGIC_FAST_READ },
	{ GICD_TYPER2, 4, VGIC_WORD, NULL, NULL },
	{ GICD_STATUSR, 4, VGIC_WORD, statusr_read, statusr_write },
	{ GICD_IGROUPR, PER_IRQ(1), VGIC_WORD, vgic_read_group, vgic_write_group },
	{ GICD_ISENABLER, PER_IRQ(1), VGIC_WORD, vgic_read_enable, vgic_write_enable,
	  VGIC_FAST_WRITE },
	{ GICD_ICENABLER, PER_IRQ(1), VGIC_WORD, vgic_read_enable, vgic_write_disable,
	  VGIC_FAST_WRITE },
	{ GICD_ISPENDR, PER_IRQ(1), VGIC_WORD, vgic_read_pending, vgic_write_set_pending,
	  VGIC_FAST_WRITE },
	{ GICD_ICPENDR, PER_IRQ(1), VGIC_WORD, vgic_read_clear_pending,
	  vgic_write_clear_pending },
	{ GICD_ISACTIVER, PER_IRQ(1), VGIC_WORD, vgic_read_active, vgic_write_set_active },
	{ GICD_ICACTIVER, PER_IRQ(1), VGIC_WORD, vgic_read_active, vgic_write_clear_active },
	{ GICD_IPRIORITYR, PER_IRQ(8), VGIC_BYTE | VGIC_WORD, vgic_read_priority,
	  vgic_write_priority },
	/* Reserved with affinity routing. */
	{ GICD_ITARGETSR, PER_IRQ(8), VGIC_BYTE | VGIC_WORD, NULL, NULL },
	{ GICD_ICFGR, PER_IRQ(2), VGIC_WORD, vgic_read_config, vgic_write_config },
	/* Reserved with one security state. */
	{ GICD_IGRPMODR, PER_IRQ(1), VGIC_WORD, NULL, NULL },
	{ GICD_NSACR, PER_IRQ(2), VGIC_WORD, NULL, NULL },
	{ GICD_SGIR, 4, VGIC_WORD, NULL, NULL },
	{ GICD_CPENDSGIR, 16, VGIC_BYTE | VGIC_WORD, NULL, NULL },
	{ GICD_SPENDSGIR, 16, VGIC_BYTE | VGIC_WORD, NULL, NULL },
	/* Reserved: of private interrupts.  QEMU saves and restores half of it, as 0. */
	{ GICD_IROUTER, 8 * VGIC_PRIVATE, VGIC_WORD | VGIC_LONG, NULL, NULL },
	{ GICD_IROUTER + 8 * VGIC_PRIVATE, 8 * (VGIC_SPI_END - VGIC_PRIVATE),
	  VGIC_WORD | VGIC_LONG, router_read, router_write },
	{ GICD_IDREGS, 0x30, VGIC_WORD, vgic_read_id, NULL },
};

const struct vgic_frame vgic_dist_frame = { dist_rows, ARRAY_SIZE(dist_rows) };

/* --- MMIO --------------------------------------------------------------------- */

static int dist_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len, void *data)
{
	struct vgic *vgic = container_of(device, struct vgic, dist);
	const struct vgic_access access = { .vgic = vgic };

	vgic_frame_read(&vgic_dist_frame, &access, addr - vgic->dist_base, len, data);

	return 0;
}

static int dist_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
		      const void *data)
{
	struct vgic *vgic = container_of(device, struct vgic, dist);
	const struct vgic_access access = { .vgic = vgic };

	vgic_frame_write(&vgic_dist_frame, &access, addr - vgic->dist_base, len, data);

	return 0;
}

static const struct io_device_ops dist_ops = {
	.read	= dist_read,
	.write	= dist_write,
};

bool vgic_fast_access(struct vcpu *vcpu, gpa_t gpa, bool write, u32 *value)
{
	struct vgic_cpu *cpu = vcpu->arch.vgic;
	struct vgic *vgic;
	u64 offset;

	if (!cpu)
		return false;
	vgic = cpu->vgic;
	/* Without an address nothing runs: see vgic_ready(). */
	offset = gpa - READ_ONCE(vgic->dist_base);
	if (offset >= KVM_VGIC_V3_DIST_SIZE)
		return false;

	return write ? vgic_fast_write(vgic, offset, *value) : vgic_fast_read(vgic, offset, value);
}

int vgic_dist_register(struct vgic *vgic)
{
	if (vgic->dist_base == GPA_INVALID)
		return 0;
	vgic->dist.ops = &dist_ops;

	guard(mutex)(&vgic->vm->slots_lock);

	return iobus_register(vgic->vm, IOBUS_MMIO, vgic->dist_base, KVM_VGIC_V3_DIST_SIZE,
			      &vgic->dist);
}

void vgic_bus_unregister(struct vgic *vgic)
{
	guard(mutex)(&vgic->vm->slots_lock);

	iobus_unregister(vgic->vm, IOBUS_MMIO, &vgic->dist);
	iobus_unregister(vgic->vm, IOBUS_MMIO, &vgic->redist);
}

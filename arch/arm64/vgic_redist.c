// SPDX-License-Identifier: GPL-2.0-only
/*
 * The redistributors' registers (GIC architecture specification, "Redistributor register
 * descriptions"), two frames of 64 KiB per vCPU: RD_base, and SGI_base with the registers
 * of private interrupts.  And where in guest physical memory they are.
 */
#include <linux/nospec.h>

#include "vgic.h"

#define SGI_BASE		0x10000
#define STATUSR_BITS		GENMASK(3, 0)
/* What of the tables' addresses means something: that they are cached is hardware's. */
#define PROPBASER_BITS		(GENMASK_ULL(58, 56) | GENMASK_ULL(51, 7) | GENMASK_ULL(4, 0))
#define PENDBASER_BITS		(GICR_PENDBASER_PTZ | GENMASK_ULL(58, 56) |	\
				 GENMASK_ULL(51, 16) | GENMASK_ULL(11, 7))

/* --- where they are ----------------------------------------------------------- */

/* Pairs with the release when one is added: what is before is constant. */
static unsigned int region_count(struct vgic *vgic)
{
	return smp_load_acquire(&vgic->regions);
}

/* Regions are filled in order of their indices, by vCPUs in order of creation. */
gpa_t vgic_redist_base(struct vgic *vgic, unsigned int index)
{
	unsigned int regions = region_count(vgic), i;

	for (i = 0; i < regions; i++) {
		const struct vgic_region *region = &vgic->region[i];

		if (!region->count || index < region->count)
			return region->base + (u64)index * KVM_VGIC_V3_REDIST_SIZE;
		index -= region->count;
	}

	return GPA_INVALID;
}

/* The index of the vCPU whose redistributor is at @base, or -1. */
static int redist_index(struct vgic *vgic, gpa_t base)
{
	unsigned int regions = region_count(vgic), i;
	u64 first = 0;

	for (i = 0; i < regions; i++) {
		const struct vgic_region *region = &vgic->region[i];
		u64 number = (base - region->base) / KVM_VGIC_V3_REDIST_SIZE;

		if (base >= region->base && (!region->count || number < region->count))
			return first + number < vgic->cpu_count ? first + number : -1;
		first += region->count;
	}

	return -1;
}

/* --- RD_base ------------------------------------------------------------------ */

static u32 ctlr_read(const struct vgic_access *access, u32 word)
{
	if (!vgic_has_its(access->vgic))
		return 0;

	return GICR_CTLR_CES | GICR_CTLR_IR | (access->cpu->lpis_on ? GICR_CTLR_ENABLE_LPIS : 0);
}

static int ctlr_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	struct vgic_cpu *cpu = access->cpu;
	bool on = value & GICR_CTLR_ENABLE_LPIS && vgic_has_its(access->vgic);

	if (on == cpu->lpis_on)
		return 0;

	WRITE_ONCE(cpu->lpis_on, on);
	vgic_lpi_enable(cpu);

	return 0;
}

/* No redistributor follows: the guest looks no further. */
static bool redist_is_last(const struct vgic_access *access)
{
	gpa_t base = vgic_redist_base(access->vgic, access->cpu->vcpu->index);

	return base != GPA_INVALID &&
	       redist_index(access->vgic, base + KVM_VGIC_V3_REDIST_SIZE) < 0;
}

static u32 typer_read(const struct vgic_access *access, u32 word)
{
	if (word)
		return vgic_affinity(access->cpu->vcpu);

	return access->cpu->vcpu->id << 8 | (vgic_has_its(access->vgic) ? GICR_TYPER_PLPIS : 0) |
	       (redist_is_last(access) ? GICR_TYPER_LAST : 0);
}

static int iidr_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	return access->user && value != vgic_read_iidr(access, word) ? -EINVAL : 0;
}

static u32 statusr_read(const struct vgic_access *access, u32 word)
{
	return access->cpu->statusr;
}

static int statusr_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	if (access->user)
		access->cpu->statusr = value & STATUSR_BITS;
	else
		access->cpu->statusr &= ~value;

	return 0;
}

/* One half of a register of 64 bits. */
static u64 half_written(u64 old, u32 word, u32 value)
{
	return word ? (u64)value << 32 | lower_32_bits(old) :
		      (old & GENMASK_ULL(63, 32)) | value;
}

static u32 propbaser_read(const struct vgic_access *access, u32 word)
{
	return access->cpu->propbaser >> (32 * word);
}

/* The guest cannot change tables in use; user space restores in any order. */
static bool tables_writable(const struct vgic_access *access)
{
	return access->user || !access->cpu->lpis_on;
}

static int propbaser_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	struct vgic_cpu *cpu = access->cpu;

	if (tables_writable(access))
		cpu->propbaser = half_written(cpu->propbaser, word, value) & PROPBASER_BITS;

	return 0;
}

static u32 pendbaser_read(const struct vgic_access *access, u32 word)
{
	return (access->cpu->pendbaser & ~GICR_PENDBASER_PTZ) >> (32 * word);
}

static int pendbaser_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	struct vgic_cpu *cpu = access->cpu;

	if (tables_writable(access))
		cpu->pendbaser = half_written(cpu->pendbaser, word, value) & PENDBASER_BITS;

	return 0;
}

/* The upper half would be about virtual LPIs. */
static int invlpir_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	struct vgic_irq *irq = word ? NULL : vgic_lpi(access->vgic, value);

	if (irq && access->cpu->lpis_on)
		vgic_lpi_configure(access->vgic, irq);

	return 0;
}

static int invallr_write(const struct vgic_access *access, u32 word, u32 value, u32 mask)
{
	if (!word && access->cpu->lpis_on)
		vgic_lpi_configure_all(access->cpu);

	return 0;
}

/* --- the frames --------------------------------------------------------------- */

/* Bytes of a register with so many bits for each private interrupt. */
#define PER_IRQ(bits)	(VGIC_PRIVATE * (bits) / 8)

static const struct vgic_register redist_rows[] = {
	{ GICR_CTLR, 4, VGIC_WORD, ctlr_read, ctlr_write },
	{ GICR_IIDR, 4, VGIC_WORD, vgic_read_iidr, iidr_write },
	{ GICR_TYPER, 8, VGIC_WORD | VGIC_LONG, typer_read, NULL },
	{ GICR_STATUSR, 4, VGIC_WORD, statusr_read, statusr_write },
	/* Never asleep. */
	{ GICR_WAKER, 4, VGIC_WORD, NULL, NULL },
	{ GICR_PROPBASER, 8, VGIC_WORD | VGIC_LONG, propbaser_read, propbaser_write },
	{ GICR_PENDBASER, 8, VGIC_WORD | VGIC_LONG, pendbaser_read, pendbaser_write },
	{ GICR_INVLPIR, 8, VGIC_WORD | VGIC_LONG, NULL, invlpir_write },
	{ GICR_INVALLR, 8, VGIC_WORD | VGIC_LONG, NULL, invallr_write },
	{ GICR_SYNCR, 4, VGIC_WORD, NULL, NULL },
	{ GICR_IDREGS, 0x30, VGIC_WORD, vgic_read_id, NULL },
	{ SGI_BASE + GICR_IGROUPR0, PER_IRQ(1), VGIC_WORD, vgic_read_group, vgic_write_group },
	{ SGI_BASE + GICR_ISENABLER0, PER_IRQ(1), VGIC_WORD, vgic_read_enable,
	  vgic_write_enable },
	{ SGI_BASE + GICR_ICENABLER0, PER_IRQ(1), VGIC_WORD, vgic_read_enable,
	  vgic_write_disable },
	{ SGI_BASE + GICR_ISPENDR0, PER_IRQ(1), VGIC_WORD, vgic_read_pending,
	  vgic_write_set_pending },
	{ SGI_BASE + GICR_ICPENDR0, PER_IRQ(1), VGIC_WORD, vgic_read_clear_pending,
	  vgic_write_clear_pending },
	{ SGI_BASE + GICR_ISACTIVER0, PER_IRQ(1), VGIC_WORD, vgic_read_active,
	  vgic_write_set_active },
	{ SGI_BASE + GICR_ICACTIVER0, PER_IRQ(1), VGIC_WORD, vgic_read_active,
	  vgic_write_clear_active },
	{ SGI_BASE + GICR_IPRIORITYR0, PER_IRQ(8), VGIC_BYTE | VGIC_WORD, vgic_read_priority,
	  vgic_write_priority },
	{ SGI_BASE + GICR_ICFGR0, PER_IRQ(2), VGIC_WORD, vgic_read_config, vgic_write_config },
	{ SGI_BASE + GICR_IGRPMODR0, PER_IRQ(1), VGIC_WORD, NULL, NULL },
	{ SGI_BASE + GICR_NSACR, PER_IRQ(2), VGIC_WORD, NULL, NULL },
};

const struct vgic_frame vgic_redist_frame = { redist_rows, ARRAY_SIZE(redist_rows) };

/* --- MMIO --------------------------------------------------------------------- */

static bool redist_access(struct vgic *vgic, gpa_t addr, struct vgic_access *access, u32 *offset)
{
	int index = redist_index(vgic, addr);

	if (index < 0)
		return false;

	index = array_index_nospec(index, vgic->cpu_count);
	access->vgic = vgic;
	access->cpu = vgic->cpus[index];
	*offset = addr - vgic_redist_base(vgic, index);

	return true;
}

static int redist_read(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
		       void *data)
{
	struct vgic *vgic = container_of(device, struct vgic, redist);
	struct vgic_access access = {};
	u32 offset;

	if (!redist_access(vgic, addr, &access, &offset))
		return -EOPNOTSUPP;
	vgic_frame_read(&vgic_redist_frame, &access, offset, len, data);

	return 0;
}

static int redist_write(struct vcpu *vcpu, struct io_device *device, gpa_t addr, int len,
			const void *data)
{
	struct vgic *vgic = container_of(device, struct vgic, redist);
	struct vgic_access access = {};
	u32 offset;

	if (!redist_access(vgic, addr, &access, &offset))
		return -EOPNOTSUPP;
	vgic_frame_write(&vgic_redist_frame, &access, offset, len, data);

	return 0;
}

static const struct io_device_ops redist_ops = {
	.read	= redist_read,
	.write	= redist_write,
};

/* Not more of it than has vCPUs. */
int vgic_redist_register(struct vgic *vgic, unsigned int region)
{
	unsigned int left = vgic->cpu_count, count, i;

	for (i = 0; i < region; i++)
		left -= min(vgic->region[i].count, left);
	count = vgic->region[region].count ? min(vgic->region[region].count, left) : left;
	if (!count)
		return 0;
	vgic->redist.ops = &redist_ops;

	guard(mutex)(&vgic->vm->slots_lock);

	return iobus_register(vgic->vm, IOBUS_MMIO, vgic->region[region].base,
			      (u64)count * KVM_VGIC_V3_REDIST_SIZE, &vgic->redist);
}

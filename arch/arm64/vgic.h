/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the GICv3 share: irqchip.c (life, routes), vgic_irq.c (one
 * interrupt's state and where it waits), vgic_cpuif.c (list registers), vgic_mmio.c with
 * vgic_dist.c and vgic_redist.c (registers), vgic_state.c (what user space sets, saves
 * and restores), vgic_lpi.c, and vgic_its*.c with vgic_its.h (messages).
 *
 * Every interrupt has a home, a vCPU, and the home's lock guards it.  There it is in
 * one place: in a list register, in the queue of its priority (it could be taken at
 * once), parked (active, and no list register was left), leaving for another home, or
 * nowhere.  vgic_irq_update() puts it where its state says, at once into a list register if
 * the vCPU runs and has a free one; before the guest is entered, vgic_flush() moves the best
 * of the queues into list registers, and writes those.
 *
 * A token is in one place, too: an edge is in irq->latch until a list register has it
 * as its pending bit.  So an edge that comes after the guest has acknowledged the one
 * before is seen as a second one, though nobody has looked at the list register yet.
 *
 * What is in a list register of a vCPU in guest mode is the hardware's.  Outside,
 * whoever holds the lock may take it out: vgic_hold() has the protocol.
 *
 * Lock order, outer first:
 *
 *	vm->lock, vcpu->mutex, vm->srcu > vm->config_lock > vgic_cpu.lock (raw, irqs off)
 *
 * MMIO holds vm->srcu and takes config_lock, so nobody waits for readers of vm->srcu
 * under config_lock.  No two of the raw ones are held at a time.  vcpu_kick() and
 * irq_notify_eoi() are called under none of them; vgic_put(), which may run under
 * rq->lock, takes none.
 */
#ifndef ARM64_VGIC_H
#define ARM64_VGIC_H

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <core/iobus.h>

#include "arm64.h"

#define VGIC_SGIS		16
#define VGIC_PRIVATE		32	/* SGIs and PPIs */
#define VGIC_SPI_END		1020	/* the INTIDs from here on are special */
#define VGIC_LPI_FIRST		8192
#define VGIC_ID_BITS		16	/* of INTIDs, where there are LPIs */
#define VGIC_LPI_END		BIT(VGIC_ID_BITS)
#define VGIC_IRQS_DEFAULT	256
#define VGIC_LRS_MAX		16
/* The most that can end between an entry and its exit: EOIcount has five bits. */
#define VGIC_ENDED_MAX		(VGIC_LRS_MAX + 31)
#define VGIC_LEVELS_MAX		256
#define VGIC_APRS_MAX		4
#define VGIC_REGIONS_MAX	64
#define VGIC_ITS_MAX		16

struct its;

/* What the host's virtual CPU interface has; constant after vgic_setup(). */
struct vgic_hw {
	unsigned int	lrs;		/* list registers */
	unsigned int	priority_bits;
	unsigned int	aprs;		/* active priority registers of each group */
	bool		tdir;		/* ICC_DIR_EL1 alone can be trapped */
};

extern struct vgic_hw vgic_hw;

/* Where an interrupt is, if in no queue. */
enum {
	QUEUE_NONE	= 0xffff,
	QUEUE_PARKED	= 0xfffe,
	QUEUE_LEAVING	= 0xfffd,
};

/* An interrupt.  All but (c) is guarded by home->lock. */
struct vgic_irq {
	struct list_head	link;		/* of the queue; empty: QUEUE_NONE */
	struct vgic_cpu		*home;		/* see vgic_irq_lock() */
	struct vgic_cpu		*target;	/* whose it should be, NULL: nobody's; and config_lock */
	u32			intid;		/* (c) */
	u32			affinity;	/* SPI: IROUTER, Aff3 to Aff0 packed */
	u32			hwirq;		/* with hw */
	u16			queue;		/* group and level, or QUEUE_* */
	u8			lr;		/* 1 + number of its list register; 0: none */
	u8			priority;	/* implemented bits only */
	u8			group;		/* 0 or 1 */
	u8			sources;	/* BIT(IRQ_SOURCE_*): who asserts the line */
	bool			level;		/* level-sensitive, else edge-triggered */
	bool			enabled;
	bool			latch;		/* an edge, a pulse, or a write to ISPENDR */
	bool			lr_latch;	/* the latch went into the list register */
	bool			active;		/* if in no list register */
	bool			active_hw;	/* and so is the host's interrupt */
	bool			hw;		/* vgic_map_hw() */
	bool			hold;		/* vgic_hold(): stays out of list registers */
};

/* The part of a vCPU: its CPU interface and its redistributor. */
struct vgic_cpu {
	struct vgic		*vgic;		/* (c) */
	struct vcpu		*vcpu;		/* (c) until the vCPU ends */

	struct vgic_hot		hot;		/* looked at on every entry and exit */
	bool			loaded;		/* registers are in the hardware; own task */
	/* Of the exit that is being looked at: what list registers hold now; own task. */
	u64			lr_seen[VGIC_LRS_MAX];
	/* Level-sensitive ones that the guest has ended, to be told when no lock is held; own task. */
	unsigned int		ended_count;
	u32			ended[VGIC_ENDED_MAX];

	raw_spinlock_t		lock;
	/* lock; list registers are to be chosen anew, else they are only to be written. */
	bool			choose;
	u32			lr_used;	/* lock; read without by irqchip's pending */
	u32			lr_stale;	/* lock; the hardware has other contents */
	u64			lr[VGIC_LRS_MAX];	/* lock; as last written or read */
	struct vgic_irq		*lr_irq[VGIC_LRS_MAX];	/* lock */
	struct list_head	parked;		/* lock */
	struct list_head	leaving;	/* lock */
	/* lock; which queues are not empty, by group.  Read without by irqchip's pending. */
	unsigned long		waiting[2][BITS_TO_LONGS(VGIC_LEVELS_MAX)];

	/* In the hardware while loaded.  (m) */
	u64			vmcr;		/* refreshed before the guest waits */
	u32			ap0r[VGIC_APRS_MAX];
	u32			ap1r[VGIC_APRS_MAX];

	/* Redistributor: config_lock; lpis_on is read without. */
	u64			propbaser;
	u64			pendbaser;
	bool			lpis_on;	/* GICR_CTLR.EnableLPIs */
	u32			statusr;

	struct vgic_irq		private[VGIC_PRIVATE];
	struct list_head	ready[];	/* lock; by group and level */
};

/* A region of redistributors. */
struct vgic_region {
	gpa_t	base;
	u32	count;		/* redistributors; 0: as many as there are vCPUs */
};

/* The VM's part: KVM_DEV_TYPE_ARM_VGIC_V3. */
struct vgic {
	struct vm		*vm;		/* (c) */
	bool			initialised;	/* (v) CTRL_INIT was; what it made is constant */

	/* (v) Attributes; what is set stays, and regions only get more: read without. */
	gpa_t			dist_base;	/* or GPA_INVALID */
	struct vgic_region	region[VGIC_REGIONS_MAX];
	unsigned int		regions;
	u32			irqs;		/* NR_IRQS; 0: not set */
	/* On the bus as soon as CTRL_INIT and their addresses have been. */
	struct io_device	dist;
	struct io_device	redist;

	/* Made by CTRL_INIT. */
	struct vgic_irq		*spis;		/* from INTID 32 on */
	struct vgic_cpu		**cpus;		/* by vCPU index */
	unsigned int		cpu_count;

	u32			ctlr;		/* GICD_CTLR: enables; config_lock, read without */
	u32			statusr;	/* config_lock */

	/*
	 * INTID -> LPI, RCU for readers, config_lock for insertions.  An LPI lives until
	 * the VM ends, so whoever found one may keep it; there are at most 2^16.
	 */
	struct xarray		lpis;

	/* (v), read without up to its_count; see its_forget(). */
	struct its		*its[VGIC_ITS_MAX];
	unsigned int		its_count;
};

/* The next entry is to look at everything.  lock held. */
static inline void vgic_choose(struct vgic_cpu *cpu)
{
	WRITE_ONCE(cpu->choose, true);
	WRITE_ONCE(cpu->hot.dirty, true);
}

/* Are there LPIs?  Any context. */
static inline bool vgic_has_its(const struct vgic *vgic)
{
	/* Pairs with the release when one is created. */
	return smp_load_acquire(&vgic->its_count);
}

static inline unsigned int vgic_levels(void)
{
	return 1U << vgic_hw.priority_bits;
}

/* The most urgent level that waits, or vgic_levels(). */
static inline unsigned int vgic_first_waiting(const unsigned long *waiting)
{
	unsigned int levels = vgic_levels();
	unsigned long word;

	/* As many as one word has, or less, is what CPUs have. */
	if (levels > BITS_PER_LONG)
		return find_first_bit(waiting, levels);
	word = READ_ONCE(*waiting);

	return word ? __ffs(word) : levels;
}

/* Each bit of @mask, which is empty afterwards. */
#define vgic_for_each_lr(number, mask)	\
	for (; (mask) && ((number) = __ffs(mask), true); (mask) &= (mask) - 1)

/* As many bits of a priority as are implemented. */
static inline u8 vgic_priority(u8 value)
{
	return value & (0xff << (8 - vgic_hw.priority_bits));
}

static inline unsigned int vgic_level(u8 priority)
{
	return priority >> (8 - vgic_hw.priority_bits);
}

static inline bool vgic_is_lpi(const struct vgic_irq *irq)
{
	return irq->intid >= VGIC_LPI_FIRST;
}

/* --- vgic_irq.c --------------------------------------------------------------- */

/*
 * Lock the home of an interrupt.  Any context; irqs off until vgic_irq_unlock().
 * @kick: make the vCPU look.
 */
struct vgic_cpu *vgic_irq_lock(struct vgic_irq *irq, unsigned long *flags)
	__acquires(vgic_cpu.lock);
void vgic_irq_unlock(struct vgic_cpu *cpu, unsigned long flags, bool kick)
	__releases(vgic_cpu.lock);

/*
 * Its state has changed: put it where it belongs.  home->lock held.  True: the vCPU has
 * to look at it soon (the second argument of vgic_irq_unlock()).
 */
bool vgic_irq_update(struct vgic_cpu *cpu, struct vgic_irq *irq);

/* The same for what has just lost its list register, and is not to have it again. */
void vgic_irq_evicted(struct vgic_cpu *cpu, struct vgic_irq *irq);

/* Out of its queue, if it is in one.  home->lock held. */
void vgic_irq_unqueue(struct vgic_cpu *cpu, struct vgic_irq *irq);

/* State wherever it is.  home->lock held. */
bool vgic_irq_active(const struct vgic_irq *irq);
bool vgic_irq_latched(const struct vgic_irq *irq);
bool vgic_irq_pending(const struct vgic_irq *irq);
/* May the guest have it?  Its group aside. */
bool vgic_irq_deliverable(const struct vgic_irq *irq);

/* Give those that are leaving to their new homes.  No lock held; any context. */
void vgic_move_all(struct vgic_cpu *cpu);
static inline void vgic_move(struct vgic_cpu *cpu)
{
	/* Who makes one leave comes here himself. */
	if (unlikely(!list_empty(&cpu->leaving)))
		vgic_move_all(cpu);
}

/*
 * Take it out of its list register and keep it out until vgic_release(): between, its
 * state is all in *irq.  config_lock held, irqs on; may take the time of an exit.
 */
void vgic_hold(struct vgic_irq *irq);
/* With home->lock held; then as vgic_irq_update(). */
bool vgic_release(struct vgic_cpu *cpu, struct vgic_irq *irq);
/* Others see what happened to it in the guest up to now.  Process context, irqs on. */
void vgic_observe(struct vgic_irq *irq);

/*
 * A line changes, an edge comes.  Any context but NMI; as irqchip_ops.deliver.
 * @source: IRQ_SOURCE_*.
 */
int vgic_irq_line(struct vgic_irq *irq, int source, bool level);
/* Its part under home->lock, and vgic_irq_update()'s result. */
bool vgic_irq_set_line(struct vgic_cpu *cpu, struct vgic_irq *irq, int source, bool level);
int vgic_irq_edge(struct vgic_irq *irq);
/* Other target; NULL: nobody.  Process or atomic context. */
void vgic_irq_retarget(struct vgic_irq *irq, struct vgic_cpu *target);

/* An interrupt of this vCPU or of the distributor, by any number; NULL: no such. */
struct vgic_irq *vgic_private(struct vgic_cpu *cpu, u32 intid);
struct vgic_irq *vgic_spi(struct vgic *vgic, u32 intid);
/* NULL if the ITS has mapped none of that number.  Any context. */
struct vgic_irq *vgic_lpi(struct vgic *vgic, u32 intid);
void vgic_irq_init(struct vgic_irq *irq, u32 intid, struct vgic_cpu *home);

/* The part of the vCPU with this affinity (Aff3 to Aff0 packed), or NULL.  Any context. */
struct vgic_cpu *vgic_cpu_by_affinity(struct vgic *vgic, u32 affinity);
u32 vgic_affinity(const struct vcpu *vcpu);

/* --- vgic_cpuif.c ------------------------------------------------------------- */

/*
 * Put it into a free list register, which the next entry writes; false: there is none, or
 * the vCPU is outside the guest.  It is deliverable, pending and not active, in a queue or
 * not, and in none then.  lock held; any context.
 */
bool vgic_place(struct vgic_cpu *cpu, struct vgic_irq *irq);
/* Take what is in a list register out of it.  lock held, vCPU outside the guest. */
void vgic_evict(struct vgic_cpu *cpu, unsigned int number);
/* List registers as the state of the interrupts wants them.  irqs off, vCPU loaded. */
void vgic_flush(struct vgic_cpu *cpu);
/* As irqchip_ops.pending. */
bool vgic_cpu_pending(struct vgic_cpu *cpu);

/* --- registers: vgic_mmio.c, vgic_dist.c, vgic_redist.c ----------------------- */

/* Who accesses what. */
struct vgic_access {
	struct vgic	*vgic;
	struct vgic_cpu	*cpu;		/* whose redistributor; NULL: the distributor */
	bool		user;		/* by an attribute */
};

/*
 * A row of a frame: registers of one kind in a row, handled in words of 32 bits.
 * @word: which of the row.  @mask: the bits that are written.  config_lock held.
 */
struct vgic_register {
	u32	offset;
	u32	size;			/* bytes of all of them */
	u8	lengths;		/* VGIC_BYTE and so on: how the guest may access it */
	u32	(*read)(const struct vgic_access *access, u32 word);	/* NULL: zero */
	/* NULL: ignored.  0 or -EINVAL, which only user space hears of. */
	int	(*write)(const struct vgic_access *access, u32 word, u32 value, u32 mask);
	u8	fast;			/* VGIC_FAST_*: also without config_lock, irqs off */
};

enum {
	VGIC_FAST_READ	= 1,
	VGIC_FAST_WRITE	= 2,
};

/* Bits of lengths are the lengths in bytes. */
enum {
	VGIC_BYTE	= 1,
	VGIC_WORD	= 4,
	VGIC_LONG	= 8,
};

struct vgic_frame {
	const struct vgic_register *rows;
	unsigned int	count;
};

extern const struct vgic_frame vgic_dist_frame, vgic_redist_frame;

/* Guest accesses: what cannot be reads as zero and is ignored.  Take config_lock. */
void vgic_frame_read(const struct vgic_frame *frame, const struct vgic_access *access,
		     u32 offset, int len, void *data);
void vgic_frame_write(const struct vgic_frame *frame, const struct vgic_access *access,
		      u32 offset, int len, const void *data);
/*
 * A word of the distributor in fast_exit.  False: it is for the functions above.
 */
bool vgic_fast_read(struct vgic *vgic, u32 offset, u32 *value);
bool vgic_fast_write(struct vgic *vgic, u32 offset, u32 value);
/* User space's, 32 bits: 0, -ENXIO (no such register), -EINVAL.  Take config_lock. */
int vgic_frame_has(const struct vgic_frame *frame, u32 offset);
int vgic_frame_get(const struct vgic_frame *frame, const struct vgic_access *access,
		   u32 offset, u32 *value);
int vgic_frame_set(const struct vgic_frame *frame, const struct vgic_access *access,
		   u32 offset, u32 value);

/* The rows that distributor and redistributor have in common: by INTID. */
u32 vgic_read_group(const struct vgic_access *access, u32 word);
u32 vgic_read_enable(const struct vgic_access *access, u32 word);
u32 vgic_read_pending(const struct vgic_access *access, u32 word);
u32 vgic_read_clear_pending(const struct vgic_access *access, u32 word);
u32 vgic_read_active(const struct vgic_access *access, u32 word);
u32 vgic_read_priority(const struct vgic_access *access, u32 word);
u32 vgic_read_config(const struct vgic_access *access, u32 word);
int vgic_write_group(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_enable(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_disable(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_set_pending(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_clear_pending(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_set_active(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_clear_active(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_priority(const struct vgic_access *access, u32 word, u32 value, u32 mask);
int vgic_write_config(const struct vgic_access *access, u32 word, u32 value, u32 mask);
/* GICD_IIDR and GICR_IIDR; GICD_PIDR2 and its neighbours. */
u32 vgic_read_iidr(const struct vgic_access *access, u32 word);
u32 vgic_read_id(const struct vgic_access *access, u32 word);

/* LINE_LEVEL of 32 interrupts from @intid on, a multiple of 32. */
u32 vgic_read_lines(const struct vgic_access *access, u32 intid);
void vgic_write_lines(const struct vgic_access *access, u32 intid, u32 value);

/* The address of a vCPU's redistributor, or GPA_INVALID.  Any context. */
gpa_t vgic_redist_base(struct vgic *vgic, unsigned int index);
/*
 * Put the distributor, or a region of redistributors, on the bus; 0 too if there is
 * nothing to put there.  vm->lock held; takes slots_lock, and waits for readers of
 * vm->srcu, who may wait for config_lock: so not under that.
 */
int vgic_dist_register(struct vgic *vgic);
int vgic_redist_register(struct vgic *vgic, unsigned int region);
/* Take all off, whatever is there. */
void vgic_bus_unregister(struct vgic *vgic);

/* --- irqchip.c ---------------------------------------------------------------- */

/*
 * CTRL_INIT, after which delivery works.  vm->lock held, no vCPU runs.  0, -ENODEV (no
 * vCPU), -ENOMEM; nothing changed on error.
 */
int vgic_init(struct vgic *vgic);
/* May be initialised or not; nobody uses it any more. */
void vgic_free(struct vgic *vgic);

/* --- vgic_lpi.c: config_lock and vm->srcu held -------------------------------- */

/*
 * The LPI of this number, made if it is not there yet, and nobody's then.  ERR_PTR:
 * -EINVAL, -ENOMEM.
 */
struct vgic_irq *vgic_lpi_get(struct vgic *vgic, u32 intid);
/* Read its properties anew, or those of all whose target @cpu is.  0 or -EFAULT. */
int vgic_lpi_configure(struct vgic *vgic, struct vgic_irq *irq);
void vgic_lpi_configure_all(struct vgic_cpu *cpu);
/* Take its pending bit out of guest memory.  0 or -EFAULT. */
int vgic_lpi_fetch_pending(struct vgic_irq *irq);
/* It is pending no more, wherever it was. */
void vgic_lpi_clear_pending(struct vgic_irq *irq);
/* GICR_CTLR.EnableLPIs has changed. */
void vgic_lpi_enable(struct vgic_cpu *cpu);
/* SAVE_PENDING_TABLES.  0 or -EFAULT.  No vCPU runs. */
int vgic_lpi_save_pending(struct vgic *vgic);

/* --- vgic_its.c --------------------------------------------------------------- */

/*
 * A message: as irqchip_ops.deliver.  -1: no ITS at this address, or nothing mapped.
 * Any context but NMI.
 */
int vgic_its_message(struct vgic *vgic, const struct irq_route *route);

#endif /* ARM64_VGIC_H */

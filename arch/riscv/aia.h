/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the Advanced Interrupt Architecture share: irqchip.c (the
 * device and the routes), aplic.c (wires), imsic.c (messages, in software) and
 * imsic_file.c (messages, in the hardware's guest interrupt files).
 *
 * Lock order, outer first; the raw ones with irqs off, never under rq->lock:
 *
 *	vm->lock, vcpu->mutex, cpu_hotplug_lock > imsic->mutex > vm->mmu_lock
 *	aplic->lock (raw) > imsic->lock (raw)
 *	imsic_cpu.lock (raw) > imsic->lock (raw)
 */
#ifndef RISCV_AIA_H
#define RISCV_AIA_H

#include <linux/bitops.h>
#include <linux/irqchip/riscv-imsic.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <core/iobus.h>

#include "riscv.h"

struct aplic;

/* --- the VM's part ----------------------------------------------------------- */

#define AIA_RECENT		16
#define AIA_CONFIG_COUNT	(KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS + 1)

struct aia {
	struct vm		*vm;		/* (c) */
	u32			 config[AIA_CONFIG_COUNT];	/* (v) by CONFIG attribute */
	gpa_t			 aplic_addr;	/* (v) or GPA_INVALID */
	gpa_t			*imsic_addr;	/* (v) by vCPU index; or GPA_INVALID */
	bool			 initialised;	/* (v) all is constant from then on */

	/* Made by CTRL_INIT. */
	u64			 group_mask;	/* of the address of an interrupt file */
	u64			 hart_mask;
	gpa_t			 imsic_base;	/* what is left of each without the two */
	struct xarray		 imsics;	/* hart index -> struct imsic */
	struct imsic		*recent[AIA_RECENT];	/* of these, by page; any may write */
	struct io_device	 imsic_pages;
	struct aplic		*aplic;		/* NULL: no sources */
};

/*
 * Send interrupt identity @id to a hart of the guest, numbered as in the address
 * of its file.  Any context but NMI.  >0 sent, 0 it was pending, -1 nobody there.
 */
int aia_send(struct aia *aia, u32 hart, u32 id);

/* --- aplic.c -------------------------------------------------------------------- */

/* vm->lock held, may sleep.  create: 0, or -errno with nothing changed. */
int aplic_create(struct aia *aia);
/* Accepts that there is none. */
void aplic_destroy(struct aia *aia);
/* As irqchip_ops.deliver.  Any pin. */
int aplic_set_line(struct aplic *aplic, u32 pin, int source, int level);
/* A register, by its offset (a multiple of 4 below KVM_DEV_RISCV_APLIC_SIZE). */
u32 aplic_read(struct aplic *aplic, u32 offset);
void aplic_write(struct aplic *aplic, u32 offset, u32 value);

/* --- imsic.c --------------------------------------------------------------------- */

#define IMSIC_WORDS	BITS_TO_LONGS(IMSIC_MAX_ID)

/* AIA manual, "Indirectly accessed interrupt-file registers". */
struct imsic_registers {
	unsigned long	eidelivery;
	unsigned long	eithreshold;
	unsigned long	eip[IMSIC_WORDS];
	unsigned long	eie[IMSIC_WORDS];
};

/*
 * The interrupt file of a vCPU.  Its state is in @soft, or in a guest interrupt
 * file of one of the host's CPUs while @place is set; then @soft is all zero.
 */
struct imsic {
	struct vcpu		*vcpu;		/* (c) until imsic_release() */
	gpa_t			 gpa;		/* (c) of its page */
	u32			 ids;		/* (c) the highest identity; 64 * n - 1 */
	bool			 wants_file;	/* (c) not only a software file */
	bool			 needs_file;	/* (c) no software file instead */
	refcount_t		 refs;

	raw_spinlock_t		 lock;
	struct imsic_registers	 soft;		/* lock */
	bool			 line;		/* lock; IRQ_VS_EXT is up for @soft */

	/* imsic_file.c; a place is a CPU and a file of it in one number, 0: none. */
	struct mutex		 mutex;		/* what changes the place */
	unsigned long		 held;		/* mutex; the file that is ours */
	unsigned long		 place;		/* mutex and lock; ours and in use */
	void __iomem		*msi;		/* lock; its page, while in use */
	int			 tried_cpu;	/* mutex; it had no file for us; or -1 */
	unsigned int		 tried_at;	/* mutex; its imsic_cpu.changes then */
	bool			 awake;		/* the file had an interrupt, in a halt */
};

/* May sleep.  Returns an interrupt file that nobody uses yet, or NULL. */
struct imsic *imsic_create(struct vcpu *vcpu, gpa_t gpa, u32 ids, u32 mode);
/* Let go of it.  It has no hardware file any more (imsic_release()). */
void imsic_put_ref(struct imsic *imsic);

/* As aia_send().  @id: any. */
int imsic_send(struct imsic *imsic, u32 id);

/* Does IMSIC_* number @select exist in a file?  Odd numbers of arrays do not. */
bool imsic_register_exists(unsigned long select);
/*
 * *@old = register; register = (register & ~mask) | (value & mask), wherever the
 * file is.  May sleep.  @select exists.
 */
void imsic_access(struct imsic *imsic, u32 select, unsigned long value, unsigned long mask,
		  unsigned long *old);

/* Bring IRQ_VS_EXT in line with @soft.  imsic->lock held. */
void imsic_update(struct imsic *imsic);

static inline unsigned int imsic_words(const struct imsic *imsic)
{
	return BITS_TO_LONGS(imsic->ids + 1);
}

/* --- imsic_file.c ------------------------------------------------------------------ */

/* The highest identity a guest may have: what its hardware files have, if any. */
u32 imsic_max_id(void);
/* imsic_access(), if the file is in the hardware; else false.  imsic->mutex held. */
bool imsic_file_access(struct imsic *imsic, u32 select, unsigned long value,
		       unsigned long mask, unsigned long *old);
/* The VM ends: give the hardware file back.  The VM's page tables are still there. */
void imsic_release(struct imsic *imsic);

#endif /* RISCV_AIA_H */

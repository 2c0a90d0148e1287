/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the ITS share: vgic_its.c (messages, registers), vgic_its_cmd.c
 * (commands and what they map) and vgic_its_state.c (the device, saving and restoring of
 * its tables).
 *
 * What the guest has mapped is kept here, not in its tables: they are written when user
 * space saves them, and an entry that is unmapped is cleared, so that none is left over.
 */
#ifndef ARM64_VGIC_ITS_H
#define ARM64_VGIC_ITS_H

#include <linux/rcupdate.h>

#include "vgic.h"

#define ITS_EVENT_BITS		16
#define ITS_DEVICE_BITS		16
#define ITS_ENTRY_SIZE		8	/* of all tables */
/* Events that an ITS maps at a time: there are no more LPIs. */
#define ITS_EVENTS_MAX		BIT(VGIC_ID_BITS)

/* Two tables: GITS_BASER0 and 1. */
enum { ITS_DEVICES, ITS_COLLECTIONS, ITS_TABLES };

/* (c) but for icid; freed by RCU. */
struct its_event {
	struct vgic_irq	*irq;
	u16		icid;		/* collection; config_lock */
	u32		device;
	u32		event;
	struct rcu_head	rcu;
};

struct its_device {
	gpa_t		itt;		/* (c) its table of events */
	unsigned int	event_bits;	/* (c) */
	u32		id;		/* (c) */
};

struct its {
	struct vm		*vm;		/* (c) */
	struct vgic		*vgic;		/* (c) lives as long as the guest can run */
	gpa_t			base;		/* (v) or GPA_INVALID; read without */
	bool			initialised;	/* (v) CTRL_INIT was */
	bool			mapped;		/* (v) on the bus */
	struct io_device	device;

	/* All below: config_lock. */
	bool			enabled;	/* GITS_CTLR.Enabled; read without */
	u64			cbaser;
	u64			creadr, cwriter;	/* offsets; read without */
	u64			baser[ITS_TABLES];

	struct xarray		devices;	/* DeviceID -> struct its_device */
	struct xarray		events;		/* its_key() -> struct its_event; RCU for readers */
	unsigned int		event_count;
	struct xarray		collections;	/* ICID -> xa_mk_value(vCPU index) */
};

static inline unsigned long its_key(u32 device, u32 event)
{
	return (unsigned long)device << ITS_EVENT_BITS | event;
}

/* As it is in the queue. */
struct its_command {
	__le64	word[4];
};

/* --- vgic_its_cmd.c: config_lock, vm->srcu held ------------------------------- */

/* One command of the guest's; may sleep. */
void its_execute(struct its *its, const struct its_command *command);
/* What the commands do that map; 0, -EINVAL, -ENOMEM. */
int its_map_device(struct its *its, u32 device, gpa_t itt, unsigned int event_bits);
int its_map_event(struct its *its, u32 device, u32 event, u32 intid, u32 icid);
int its_map_collection(struct its *its, u32 icid, u32 processor);
/* Nothing of a table is mapped any more; srcu is not needed. */
void its_unmap_all(struct its *its, unsigned int table);

/* --- vgic_its.c: all with config_lock held ------------------------------------ */

/* Back to nothing mapped, disabled, all registers zero. */
void its_reset(struct its *its);

/*
 * The address of an entry of a table, or GPA_INVALID: it has none.  vm->srcu held.
 */
gpa_t its_entry(struct its *its, unsigned int table, u32 index);
/* How many entries a table has; with two levels those that it could have. */
u64 its_entries(const struct its *its, unsigned int table);
/* A doubleword of guest memory, little-endian.  0 or -EFAULT.  vm->srcu held. */
int its_read64(struct its *its, gpa_t addr, u64 *value);
int its_write64(struct its *its, gpa_t addr, u64 value);

/*
 * Registers as user space has them, without the lock: 0, -ENXIO, -EINVAL.
 */
int its_register_has(u32 offset);
int its_register_get(struct its *its, u32 offset, u64 *value);
int its_register_set(struct its *its, u32 offset, u64 value);

/* Put it on the bus.  vm->lock held, not config_lock; takes slots_lock. */
int its_bus_register(struct its *its);

/* --- vgic_its_state.c --------------------------------------------------------- */

/* An entry that is unmapped is not in memory, either.  config_lock, vm->srcu held. */
void its_clear_device(struct its *its, const struct its_device *device);
void its_clear_event(struct its *its, u32 device, u32 event);

#endif /* ARM64_VGIC_ITS_H */

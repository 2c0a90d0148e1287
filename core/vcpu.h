/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU.  The lock order and the tags are in core/vm.h.
 */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include <linux/bitops.h>
#include <linux/ktime.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>

#include <core/iobus.h>
#include <core/types.h>
#include <core/vm.h>
#include <arch/types.h>

/* Where a vCPU is, as seen by vcpu_kick(); see run.c for the protocol. */
enum vcpu_mode {
	OUTSIDE_GUEST_MODE,	/* will look at requests before it enters */
	IN_GUEST_MODE,		/* irqs off, in the guest or about to be */
	EXITING_GUEST_MODE,	/* was told to leave */
};

/*
 * Requests: work another context wants done before the next entry.  Core's come
 * first, an architecture numbers its own from REQ_ARCH.
 */
enum {
	REQ_FLUSH_ALL,		/* drop all cached stage-2 translations */
	REQ_UNBLOCK,		/* leave a halt: look at runnable again */
	REQ_DEAD,		/* the VM is broken: KVM_RUN fails with -EIO */
	REQ_ARCH,		/* the first one of the architecture */
};

#define REQ_COUNT	BITS_PER_LONG

struct vcpu_stats {
	u64	stays;			/* times in guest mode; each has an exit or more */
	u64	exits;			/* exits from the guest */
	u64	fast_exits;		/* of these, after which the stay went on */
	u64	user_exits;		/* returns to user space with an exit reason */
	u64	signal_exits;		/* returns to user space for a signal */
	u64	mmio_exits;		/* MMIO that user space had to serve */
	u64	io_exits;		/* port I/O that user space had to serve */
	u64	faults;			/* stage-2 faults on guest memory */
	u64	halts;			/* times the guest halted */
	u64	halt_poll_hits;		/* of these, woken while polling */
	u64	halt_poll_ns;		/* time spent polling */
	u64	halt_wait_ns;		/* time spent asleep */
	u64	injected;		/* interrupts given to the guest */
	u64	kicks;			/* times it was told to leave the guest */
};

struct vcpu {
	struct vm		*vm;		/* (c) */
	int			 id;		/* (c) user space's name */
	int			 index;		/* (c) dense, order of creation */
	struct mutex		 mutex;
	/* (m) shared page, user may scribble; with ARCH_HAS_PIO its page follows */
	struct kvm_run		*run;

	/* Hot: read at every entry. */
	unsigned long		 requests;	/* (a) bits REQ_* */
	int			 mode;		/* (b) enum vcpu_mode */
	int			 cpu;		/* (b) where it is loaded, or -1 */
	int			 as_id;		/* (m) address space in use */
	int			 srcu_index;	/* (m) while srcu_held */
	bool			 srcu_held;	/* (m) */
	bool			 loaded;	/* (m) load without put */
	bool			 preempted;	/* (m) in put: the task would rather run on */
	bool			 wants_run;	/* (b) inside KVM_RUN */
	unsigned long		 rcu_noted;	/* (m) see host_guest_time_enter() */

	/* What user space has to finish: called first in the next KVM_RUN. */
	int			(*complete)(struct vcpu *vcpu);	/* (m) */

	struct preempt_notifier	 preempt;	/* (m) */
	struct rcuwait		 wait;		/* where a halted vCPU sleeps */
	raw_spinlock_t		 mp_lock;
	u32			 mp_state;	/* mp_lock; KVM_MP_STATE_* */
	unsigned int		 halt_poll_ns;	/* (m) current polling window */
	struct task_struct	*task;		/* (b) who is in KVM_RUN */

	unsigned int		 bus_hint[IOBUS_COUNT];	/* (m) the range asked for last */
	/* The slots the last lookups found; valid for this generation and address space only. */
	struct memslot		*slot_cache[2];	/* (m) under srcu; the last first */
	u64			 slot_cache_generation;	/* (m) */
	int			 slot_cache_as;		/* (m) */
	/* The frame the last lookup found no slot for; the same rule. */
	gfn_t			 slot_miss;	/* (m) */
	u64			 slot_miss_generation;	/* (m) */
	int			 slot_miss_as;	/* (m) */

	struct page_cache	 page_cache;	/* (m) page-table pages for faults */
	sigset_t		 sigset;	/* (m) KVM_SET_SIGNAL_MASK */
	bool			 sigset_active;	/* (m) */
	u32			 debug_flags;	/* (m) KVM_GUESTDBG_* */

	/* An MMIO access that user space serves, in pieces of up to 8 bytes. */
	struct mmio_access {
		gpa_t	gpa;
		u8	*data;			/* into a buffer of the arch */
		u32	len;
		u32	piece;			/* what user space has right now */
		bool	write;
		int	(*complete)(struct vcpu *vcpu);
	}			 mmio;		/* (m) */

	struct vcpu_stats	 stats;		/* (m) for writing */
	char			 stats_id[48];	/* (c) */

	struct vcpu_arch	 arch;
};

/*
 * (m) vcpu->mutex	(b) barrier, see run.c
 */

/* vCPU creation for KVM_CREATE_VCPU; returns the descriptor or -errno. */
int vcpu_create_fd(struct vm *vm, unsigned int id);
/* Free a vCPU whose descriptor and VM are gone. */
void vcpu_free(struct vcpu *vcpu);

/*
 * run.c: the body of KVM_RUN.  vcpu->mutex held.  EXIT_TO_USER or -errno, of which
 * -ERESTARTNOHAND asks for host_restart().
 */
int vcpu_run(struct vcpu *vcpu);

/*
 * Bind the vCPU to this CPU for an ioctl or a run, and back.  vcpu->mutex held,
 * irqs on.
 */
void vcpu_load(struct vcpu *vcpu);
void vcpu_put(struct vcpu *vcpu);

/* The read side of vm->srcu, as the run loop holds it. */
static inline void vcpu_srcu_lock(struct vcpu *vcpu) __acquires(&vcpu->vm->srcu)
{
	vcpu->srcu_index = srcu_read_lock(&vcpu->vm->srcu);
	vcpu->srcu_held = true;
}

static inline void vcpu_srcu_unlock(struct vcpu *vcpu) __releases(&vcpu->vm->srcu)
{
	vcpu->srcu_held = false;
	srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_index);
}

/*
 * Set a request.  The vCPU sees it before its next entry; vcpu_kick() makes
 * that soon.  Any context.
 */
static inline void vcpu_request(struct vcpu *vcpu, unsigned int request)
{
	/* What the request is about must be visible before the request. */
	smp_wmb();
	set_bit(request, &vcpu->requests);
}

static inline bool vcpu_requested(struct vcpu *vcpu, unsigned int request)
{
	return test_bit(request, &vcpu->requests);
}

/*
 * Set a request; true: the vCPU is outside the guest and sees it before it enters,
 * false: it may be inside and not have seen it.  Any context.
 */
static inline bool vcpu_request_outside(struct vcpu *vcpu, unsigned int request)
{
	vcpu_request(vcpu, request);
	/* Pairs with smp_store_mb() in vcpu_enter_guest(). */
	smp_mb__after_atomic();

	/* Pairs with smp_store_release() in vcpu_enter_guest(). */
	return smp_load_acquire(&vcpu->mode) == OUTSIDE_GUEST_MODE;
}

/* Take a request if it is set.  Pairs with smp_wmb() in vcpu_request(). */
static inline bool vcpu_take_request(struct vcpu *vcpu, unsigned int request)
{
	if (!test_bit(request, &vcpu->requests))
		return false;

	clear_bit(request, &vcpu->requests);
	smp_mb__after_atomic();

	return true;
}

/* Wake the vCPU if it sleeps, make it leave the guest if it is there.  Atomic. */
void vcpu_kick(struct vcpu *vcpu);

/* Wake the vCPU if it sleeps in a halt.  True if it did.  Atomic. */
bool vcpu_wake(struct vcpu *vcpu);

/*
 * Halt: poll, then sleep, until runnable, a request or a signal.  May sleep;
 * vcpu->mutex held, vCPU loaded, vm->srcu held (dropped while it sleeps).
 */
void vcpu_halt(struct vcpu *vcpu);

/* Is a signal waiting, or immediate_exit set? */
bool vcpu_interrupted(struct vcpu *vcpu);

/*
 * Ways to user space.  They fill vcpu->run and return EXIT_TO_USER.
 * vcpu->mutex held.
 */
int vcpu_exit(struct vcpu *vcpu, u32 reason);
/* KVM_EXIT_INTERNAL_ERROR; @data has @count words (at most 16). */
int vcpu_exit_internal(struct vcpu *vcpu, u32 suberror, const u64 *data, int count);
/* KVM_EXIT_FAIL_ENTRY. */
int vcpu_exit_fail_entry(struct vcpu *vcpu, u64 reason);
/* KVM_EXIT_SYSTEM_EVENT. */
int vcpu_exit_system_event(struct vcpu *vcpu, u32 type, const u64 *data, int count);
/* KVM_EXIT_MEMORY_FAULT with errno -EFAULT: returns -EFAULT. */
int vcpu_exit_memory_fault(struct vcpu *vcpu, gpa_t gpa, u64 size);

/*
 * One access to guest physical memory that no slot holds: the in-kernel devices
 * first, then a coalesced zone, then KVM_EXIT_MMIO, in pieces of up to 8 bytes
 * that do not cross their alignment.  @data must stay valid until @complete.
 * RESUME_GUEST: done, @data is filled in for a read, @complete is not called.
 * EXIT_TO_USER: @complete will be called when all pieces are done.
 */
int vcpu_mmio(struct vcpu *vcpu, gpa_t gpa, void *data, u32 len, bool write,
	      int (*complete)(struct vcpu *vcpu));

/* --- devices: iobus.c, behind what tells that nobody is there ----------------------------- */

/*
 * Do one access.  0, or -EOPNOTSUPP: nobody there.  vm->srcu held, vcpu->mutex
 * held; may sleep.
 */
static inline int iobus_read(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
			     void *data)
{
	if (!iobus_maybe(vcpu->vm, bus, addr))
		return -EOPNOTSUPP;

	return iobus_ask(vcpu, bus, addr, len, data, NULL);
}

static inline int iobus_write(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
			      const void *data)
{
	if (!iobus_maybe(vcpu->vm, bus, addr))
		return -EOPNOTSUPP;

	return iobus_ask(vcpu, bus, addr, len, NULL, data);
}

/*
 * Put a write into the coalesced ring if a zone covers it and there is room.
 * True if it did.  vm->srcu held.
 */
static inline bool coalesced_write(struct vcpu *vcpu, enum iobus_kind bus, gpa_t addr, int len,
				   const void *data)
{
	return coalesced_maybe(vcpu->vm, bus, addr) &&
	       coalesced_write_zone(vcpu, bus, addr, len, data);
}

#endif /* CORE_VCPU_H */

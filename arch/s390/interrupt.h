/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interruptions: what is pending for a CPU or for the VM, who takes it and when.
 * The types are in <arch/interrupt.h>.
 *
 * Who makes an interruption pending wakes or stops a CPU that could take it.  A CPU
 * takes what it is enabled for in s390_interrupt_prepare(), by exchanging its PSW with
 * the one in guest storage; for the rest it has the hardware say when the guest
 * enables itself.
 */
#ifndef S390_INTERRUPT_H
#define S390_INTERRUPT_H

#include <linux/bits.h>
#include <linux/kvm.h>
#include <core/device.h>
#include <core/irq.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* Assigned storage locations (Principles of Operation, "Assigned Storage Locations"). */
enum {
	LC_EXT_PARAMS		= 0x080,
	LC_EXT_CPU_ADDRESS	= 0x084,
	LC_EXT_CODE		= 0x086,
	LC_PGM_ILC		= 0x08c,
	LC_PGM_CODE		= 0x08e,
	LC_DATA_EXCEPTION_CODE	= 0x090,
	LC_MONITOR_CLASS	= 0x094,
	LC_PER_CODE		= 0x096,
	LC_PER_ADDRESS		= 0x098,
	LC_EXCEPTION_ACCESS_ID	= 0x0a0,
	LC_PER_ACCESS_ID	= 0x0a1,
	LC_OPERAND_ACCESS_ID	= 0x0a2,
	LC_ARCH_MODE_ID		= 0x0a3,
	LC_TRANSLATION_ID	= 0x0a8,	/* "translation-exception identification" */
	LC_MONITOR_CODE		= 0x0b0,
	LC_SUBCHANNEL_ID	= 0x0b8,
	LC_MCHK_CODE		= 0x0e8,
	LC_EXT_DAMAGE_CODE	= 0x0f4,
	LC_FAILING_ADDRESS	= 0x0f8,
	LC_FIXED_LOGOUT		= 0x100,
	LC_BREAKING_EVENT	= 0x110,
	LC_RESTART_OLD_PSW	= 0x120,
	LC_EXT_OLD_PSW		= 0x130,
	LC_PGM_OLD_PSW		= 0x150,
	LC_MCHK_OLD_PSW		= 0x160,
	LC_IO_OLD_PSW		= 0x170,
	LC_RESTART_NEW_PSW	= 0x1a0,
	LC_EXT_NEW_PSW		= 0x1b0,
	LC_PGM_NEW_PSW		= 0x1d0,
	LC_MCHK_NEW_PSW		= 0x1e0,
	LC_IO_NEW_PSW		= 0x1f0,
	LC_EXT_PARAMS2		= 0x11b8,
	LC_SAVE_AREA		= 0x1200,	/* struct s390_save_area */
};

/* External-interruption codes; the parameters of the last three are the hypervisor's. */
enum {
	EXT_CODE_CLOCK_COMPARATOR	= 0x1004,
	EXT_CODE_CPU_TIMER		= 0x1005,
	EXT_CODE_EMERGENCY		= 0x1201,
	EXT_CODE_EXTERNAL_CALL		= 0x1202,
	EXT_CODE_SERVICE		= 0x2401,
	EXT_CODE_HOST			= 0x2603,
};

/* What the CPU-address field says of a code of 0x2603. */
enum {
	EXT_HOST_PFAULT_INIT	= 0x0600,
	EXT_HOST_PFAULT_DONE	= 0x0680,
	EXT_HOST_VIRTIO		= 0x0d00,
};

/* The status of a CPU as a store-status operation leaves it at 0x1200 of its prefix area. */
struct s390_save_area {
	u64	fprs[16];	/* 0x1200 */
	u64	gprs[16];	/* 0x1280 */
	u64	psw[2];		/* 0x1300 */
	u64	reserved1310;
	u32	prefix;		/* 0x1318 */
	u32	fpc;		/* 0x131c */
	u32	reserved1320;
	u32	todpr;		/* 0x1324 */
	u64	cpu_timer;	/* 0x1328 */
	u64	comparator;	/* 0x1330: bits 0-55 from 0x1331 on */
	u64	reserved1338;
	u32	ars[16];	/* 0x1340 */
	u64	crs[16];	/* 0x1380 */
};

static_assert(sizeof(struct s390_save_area) == 0x200);

/* --- lifetime --------------------------------------------------------------- */

/* Of the VM's part.  May sleep; destroy accepts what was never set up. */
void s390_floating_init(struct vm *vm);
void s390_floating_destroy(struct vm *vm);
/* Of a vCPU's part, likewise. */
void s390_local_init(struct vcpu *vcpu);
void s390_local_destroy(struct vcpu *vcpu);
/* A CPU reset: no interruption of its own is pending any more.  vcpu->mutex. */
void s390_local_clear(struct vcpu *vcpu);

/* --- making pending --------------------------------------------------------- */

/*
 * For this CPU: of type KVM_S390_SIGP_STOP, _PROGRAM_INT, _SIGP_SET_PREFIX, _RESTART,
 * _MCHK or KVM_S390_INT_CLOCK_COMP, _CPU_TIMER, _EMERGENCY, _EXTERNAL_CALL,
 * _PFAULT_INIT.  Any context.  0; -EINVAL: no such type, or of no use with what it says;
 * -EBUSY: that one is pending already, or the CPU is not stopped (set prefix).
 */
int s390_inject_local(struct vcpu *vcpu, const struct kvm_s390_irq *irq);
/* The same of what was pending when the state was saved, also if it is stopped now. */
int s390_restore_local(struct vcpu *vcpu, const struct kvm_s390_irq *irq);

/*
 * For the VM: I/O, KVM_S390_MCHK, KVM_S390_INT_SERVICE, _PFAULT_DONE, _VIRTIO.  May sleep.
 * 0, -EINVAL, -EBUSY (too many), -ENOMEM.
 */
int s390_inject_floating(struct vm *vm, const struct kvm_s390_irq *irq);

/* An adapter interruption of a subclass.  Any context.  True: it was not pending yet. */
bool s390_inject_adapter(struct vm *vm, u8 isc);

/*
 * What a struct kvm_s390_interrupt says as the other struct.  0, or -EINVAL for a type
 * that does not exist, or a parameter that is too large.
 */
int s390_irq_from_interrupt(const struct kvm_s390_interrupt *interrupt,
			    struct kvm_s390_irq *irq);

/*
 * A program interruption of this vCPU, taken before it runs on.  @code alone, or all that
 * is stored with it.  vcpu->mutex held.  The PSW is behind the instruction and goes back
 * to it if the code nullifies, unless KVM_S390_PGM_FLAGS_NO_REWIND.  RESUME_GUEST.
 */
int s390_inject_program(struct vcpu *vcpu, u16 code);
int s390_inject_program_info(struct vcpu *vcpu, const struct kvm_s390_pgm_info *pgm);

/* --- asking and taking away ------------------------------------------------------ */

/* Any context. */
bool s390_stop_pending(struct vcpu *vcpu);
bool s390_external_call_pending(struct vcpu *vcpu);

/* The CPU is stopped: forget a stop that was asked for.  Any context. */
void s390_stop_drop(struct vcpu *vcpu);

/* Is the CPU in the stopped state, or in an enabled wait?  Any context. */
static inline bool s390_is_stopped(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_OPERATING;
}

static inline bool s390_is_waiting(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.local.waiting);
}

/* Put it into the stopped state, or out of it.  Any context. */
void s390_set_stopped(struct vcpu *vcpu, bool stopped);

/*
 * Interception of a stop request: take a stop that was asked for, if nothing that the CPU
 * is enabled for comes first, and leave the stop's KVM_S390_STOP_FLAG_* in *@flags.
 * False: there is none, or not yet; enter again.  vcpu->mutex held.
 */
bool s390_stop_take(struct vcpu *vcpu, u32 *flags);

/* A floating interruption that was taken: one of the two ends has to follow. */
struct s390_taken {
	struct floating_irq	*queued;	/* NULL: of an adapter */
	union {
		struct kvm_s390_io_info	 io;
		struct kvm_s390_ext_info ext;
	};
};

/*
 * Take the most urgent I/O interruption of one of the subclasses of @mask (as in control
 * register 6) and, if @schid (id << 16 | number) is not 0, of this subchannel.  Any
 * context.  False: there is none, and nothing has to follow.
 */
bool s390_io_take(struct vm *vm, u64 mask, u32 schid, struct s390_taken *taken);
/*
 * The ends: the guest or user space has it; or nobody was told, and it is pending again,
 * before others of its kind.  Any context.
 */
void s390_taken_done(struct s390_taken *taken);
void s390_taken_undo(struct vm *vm, enum s390_irq irq, struct s390_taken *taken);

/* --- running and waiting ------------------------------------------------------------ */

/*
 * Before each entry: take what is pending and allowed, ask the hardware to tell when the
 * rest is.  vcpu->mutex and vm->srcu held, vCPU loaded, may sleep.  RESUME_GUEST, or
 * -EINVAL: the CPU is stopped, and user space says when it starts; -EFAULT: there is no
 * guest storage for its prefix area.
 */
int s390_interrupt_prepare(struct vcpu *vcpu);

/* Would it leave an enabled wait?  Any context. */
bool s390_interrupt_runnable(struct vcpu *vcpu);

/* Arm and disarm what ends a wait in time.  As the ops of core. */
void s390_interrupt_block(struct vcpu *vcpu);
void s390_interrupt_unblock(struct vcpu *vcpu);

/*
 * Interception of a wait: sleeps until something is to be taken, and RESUME_GUEST; or
 * -EOPNOTSUPP: nothing can ever end it, user space has to know; -EINTR: user space wants
 * the vCPU back.  As handle_exit.
 */
int s390_wait(struct vcpu *vcpu);

/*
 * Store the status of the CPU in the 512 bytes at absolute @address, or where they are in
 * the prefix area: KVM_S390_STORE_STATUS_PREFIXED, or of absolute 0: _NOADDR.  vcpu->mutex
 * and vm->srcu held, vCPU loaded, may sleep.  0 or -EFAULT.
 */
int s390_store_status(struct vcpu *vcpu, u64 address);

/* --- inside: interrupt*.c ------------------------------------------------------------ */

#define S390_IRQ_EXTERNAL	GENMASK(S390_IRQ_VIRTIO, S390_IRQ_EMERGENCY)
#define S390_IRQ_IO		GENMASK(S390_IRQ_IO_7, S390_IRQ_IO_0)
#define S390_IRQ_MCHKS		(BIT(S390_IRQ_MCHK_EXIGENT) | BIT(S390_IRQ_MCHK))
/* What is presented, but by no interruption. */
#define S390_IRQ_SIGP		(BIT(S390_IRQ_SET_PREFIX) | BIT(S390_IRQ_STOP))

/* All that is pending for this CPU, as BIT(S390_IRQ_*), and what of it is allowed. */
unsigned long s390_irqs_pending(struct vcpu *vcpu);
unsigned long s390_irqs_allowed(struct vcpu *vcpu, unsigned long pending);

/*
 * Present one that is pending, if it still is: lowcore, PSW.  As s390_interrupt_prepare().
 * 0, or -EFAULT: it is still pending, and the PSW is as it was.
 */
int s390_irq_deliver(struct vcpu *vcpu, enum s390_irq irq);

/* Make the CPU look at what is pending.  Any context. */
void s390_interrupt_kick(struct vcpu *vcpu);
/* Make one CPU that could take it look at a floating interruption.  Any context. */
void s390_floating_kick(struct vm *vm, enum s390_irq irq);
/*
 * This CPU was in a wait, and may be the one that was woken for what floats: wake another
 * one for what it leaves.  vcpu->mutex held.
 */
void s390_floating_pass(struct vcpu *vcpu);

/* Take one of the floating ones.  False: another CPU was faster.  Any context. */
bool s390_take_service(struct vm *vm, u32 *parameter);
bool s390_take_mchk(struct vm *vm, u64 cr14, struct kvm_s390_mchk_info *mchk);
/* The same of one that is queued; see struct s390_taken. */
bool s390_take_ext(struct vm *vm, enum s390_irq irq, struct s390_taken *taken);

/* Which one an I/O interruption word, or a machine check, is. */
enum s390_irq s390_irq_of_io(u32 io_int_word);
enum s390_irq s390_irq_of_mchk(u64 mcic);

/* interrupt_state.c */

/* KVM_S390_GET_IRQ_STATE, KVM_S390_SET_IRQ_STATE.  vcpu->mutex held. */
long s390_ioctl_get_irq_state(void *object, void *data, unsigned long user);
long s390_ioctl_set_irq_state(void *object, void *data, unsigned long user);

/*
 * Copy what floats to @buffer of user space, of @size bytes, and leave it pending: the
 * number of struct kvm_s390_irq there, -ENOMEM (too small), -ENOBUFS, -EFAULT.  May sleep.
 */
int s390_floating_get_all(struct vm *vm, void __user *buffer, u64 size);
/* Forget all that floats.  Any context. */
void s390_floating_clear(struct vm *vm);

/* --- adapter.c, flic.c ------------------------------------------------------------------ */

/* KVM_DEV_FLIC_ADAPTER_REGISTER, _MODIFY.  vm->lock held.  0 or -EINVAL. */
int s390_adapter_register(struct vm *vm, const struct kvm_s390_io_adapter *adapter);
int s390_adapter_modify(struct vm *vm, const struct kvm_s390_io_adapter_req *request);
/* KVM_DEV_FLIC_AIRQ_INJECT: with suppression.  vm->lock held.  0 or -EINVAL. */
int s390_adapter_inject(struct vm *vm, u64 id);
/*
 * An irqfd's route: set the bits in guest storage, and make the adapter's interruption
 * pending if the summary was not set.  Waits for no storage: what is not there is left to
 * s390_adapter_serve().  As irqchip_ops.deliver.
 */
int s390_adapter_signal(struct vm *vm, const struct irq_route *route);
/*
 * After REQ_ADAPTER: bring in what s390_adapter_signal() did not find, and signal again.  As
 * vcpu_ops.prepare.
 */
int s390_adapter_serve(struct vcpu *vcpu);
/* Check and translate a route.  0 or -EINVAL. */
int s390_adapter_route(struct vm *vm, const struct kvm_irq_routing_entry *entry,
		       struct irq_route *out);

extern const struct device_guest_type s390_flic_device;

#endif /* S390_INTERRUPT_H */

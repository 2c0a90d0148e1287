/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of arch/s390 share.  Core sees none of it.  Interruptions are in
 * interrupt.h, the CPU model and VM attributes in attr.h, accesses to guest storage
 * in access.h.
 */
#ifndef S390_S390_H
#define S390_S390_H

#include <linux/kvm.h>
#include <asm/diag.h>	/* for the next one */
/*
 * The control block and its bits (CPUSTAT_*, ICTL_*, ECA_*, ICPT_*), CR0_INITIAL_MASK and
 * program-interruption codes (PGM_*).
 */
#include <asm/kvm_host.h>
#include <asm/ptrace.h>
#include <core/ioctl.h>
#include <core/irq.h>
#include <core/memslot.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>

/* Our requests; see enum of core/vcpu.h. */
enum {
	REQ_PREFIX = REQ_ARCH,	/* the prefix area may not be mapped */
	REQ_EPOCH,		/* the VM's TOD clock was set */
	REQ_INTERRUPT,		/* interrupt.h: look at what is pending again */
	REQ_ADAPTER,		/* interrupt.h: an adapter's indicators are to be brought in */
};

/* --- the host -------------------------------------------------------------- */

/* What the host's CPUs all have, found out at setup; constant from then on. */
struct s390_host {
	bool	edat1;		/* 1 MiB leaves */
	bool	vector;		/* vector registers */
	bool	esop;		/* protection faults come with a host address */
	/*
	 * The machine is Hercules, whose SIE has faults.  A host fault on the first fetch of
	 * any guest on a CPU leaves the PSW 2 bytes late.  And a guest has the facility list
	 * of the host, whatever the control block says.  A host fault in the middle of IPTE
	 * leaves the interlock taken.
	 */
	bool	hercules;
	bool	siif, sigpif, ib, cei, gpere, cmma, pfmfi, skey, kss, esca;	/* as sclp says */
};

extern struct s390_host s390_host;

/* host.c.  May sleep.  0, or -errno with a sentence in the log. */
int s390_host_probe(void);
int s390_host_setup(void);
void s390_host_teardown(void);

/*
 * host.c: the kernel's side of a guest's page tables, for @asce.  May sleep.  0 or
 * -ENOMEM; destroy accepts none.
 */
int s390_host_gmap_create(struct vm *vm, u64 asce);
void s390_host_gmap_destroy(struct vm *vm);
/* It has another root from now on; no vCPU has run. */
void s390_host_gmap_change(struct vm *vm, u64 asce);
/* In load and put: faults of the guest on this CPU are ours.  Preemption off. */
void s390_host_gmap_load(struct vcpu *vcpu);
void s390_host_gmap_put(struct vcpu *vcpu);

/*
 * Around an entry: forget the last fault; was it one that ended the stay, when the entry
 * came back with @ret; and what the kernel noted of it, as S390_EXIT_HOST_FAULT has it.
 * In the vCPU's task.
 */
void s390_host_fault_begin(void);
bool s390_host_fault_seen(int ret);
void s390_host_fault_note(struct exit_info *exit);

/*
 * host.c: the process has no pages in common with others, of zeroes or of KSM's, and gets
 * none.  As far as the kernel can: nothing may depend on it.  In the VM's process; may
 * sleep; takes the lock of its mappings, so not with mmu_lock.
 */
void s390_host_unshare(void);

/*
 * host.c: FP and vector registers of the task's user space out, and back.  In between
 * the kernel keeps what is in them across preemption and its own use.  Task context.
 */
void s390_host_fpu_begin(struct vcpu *vcpu);
void s390_host_fpu_end(struct vcpu *vcpu);

/* --- vcpu.c: registers and state ------------------------------------------- */

static inline u64 s390_gpr(struct vcpu *vcpu, unsigned int number)
{
	return vcpu->arch.gprs[number & 15];
}

static inline void s390_set_gpr(struct vcpu *vcpu, unsigned int number, u64 value)
{
	vcpu->arch.gprs[number & 15] = value;
}

/* The PSW of the guest, and is it in the problem state?  vcpu->mutex held. */
static inline psw_t *s390_psw(struct vcpu *vcpu)
{
	return &vcpu->arch.sie->gpsw;
}

static inline bool s390_problem_state(struct vcpu *vcpu)
{
	return s390_psw(vcpu)->mask & PSW_MASK_PSTATE;
}

/* Set the condition code in the PSW. */
static inline void s390_set_cc(struct vcpu *vcpu, unsigned int cc)
{
	psw_t *psw = s390_psw(vcpu);

	psw->mask = (psw->mask & ~PSW_MASK_CC) | ((u64)(cc & 3) << 44);
}

/*
 * Nothing that a CPU has cached of the guest's own translation is used any more: the next
 * entry looks like one on another CPU than the last (no CPU has this number).
 * vcpu->mutex held.
 */
static inline void s390_purge(struct vcpu *vcpu)
{
	vcpu->arch.sie->ihcpu = 0xffff;
}

/* The address of the prefix area, a multiple of 8 KiB.  Any context. */
static inline u32 s390_prefix(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.prefix);
}

/* Bits of @prefix that a prefix register does not have are dropped.  vcpu->mutex held. */
void s390_set_prefix(struct vcpu *vcpu, u32 prefix);

/*
 * Access, floating-point and vector registers and the FPC, wherever they are: in the
 * hardware while the vCPU is loaded or in KVM_RUN.  vcpu->mutex held, its own task.
 */
u32 s390_ar(struct vcpu *vcpu, unsigned int number);
void s390_set_ar(struct vcpu *vcpu, unsigned int number, u32 value);
u64 s390_fpr(struct vcpu *vcpu, unsigned int number);
u32 s390_fpc(struct vcpu *vcpu);
/* All into, or out of, vcpu->arch.acrs and .fpu; nothing to do while they are there. */
void s390_acrs_fetch(struct vcpu *vcpu);
void s390_acrs_commit(struct vcpu *vcpu);
void s390_fpu_fetch(struct vcpu *vcpu);
void s390_fpu_commit(struct vcpu *vcpu);

/* The CPU timer now: it runs on in an enabled wait.  Any context. */
u64 s390_cpu_timer(struct vcpu *vcpu);
void s390_set_cpu_timer(struct vcpu *vcpu, u64 value);

/* The guest's TOD clock.  set: of all vCPUs, soon; takes config_lock, may sleep. */
u64 s390_tod(struct vm *vm);
void s390_set_tod(struct vm *vm, u64 tod);

/*
 * The CPU resets (Principles of Operation, "Resets"), with pending interruptions of the
 * CPU dropped.  vcpu->mutex held, loaded or not; may sleep.
 */
void s390_normal_reset(struct vcpu *vcpu);	/* CPU reset */
void s390_initial_reset(struct vcpu *vcpu);	/* initial CPU reset */
void s390_clear_reset(struct vcpu *vcpu);	/* of the CPU's part */

/* --- regs.c: registers as user space has them ------------------------------ */

/* KVM_{GET,SET}_{ONE_REG,REGS,SREGS,FPU}: IOCTL_VCPU | IOCTL_LOAD. */
long s390_ioctl_get_one_reg(void *object, void *data, unsigned long user);
long s390_ioctl_set_one_reg(void *object, void *data, unsigned long user);
long s390_ioctl_get_regs(void *object, void *data, unsigned long user);
long s390_ioctl_set_regs(void *object, void *data, unsigned long user);
long s390_ioctl_get_sregs(void *object, void *data, unsigned long user);
long s390_ioctl_set_sregs(void *object, void *data, unsigned long user);
long s390_ioctl_get_fpu(void *object, void *data, unsigned long user);
long s390_ioctl_set_fpu(void *object, void *data, unsigned long user);
/* KVM_S390_SET_INITIAL_PSW: the same. */
long s390_ioctl_set_initial_psw(void *object, void *data, unsigned long user);

/* KVM_CAP_SYNC_REGS: what of struct kvm_sync_regs is kept.  @vm may be NULL. */
u32 s390_sync_regs_valid(struct vm *vm);
/* And the PSW, which always is. */
#define S390_SYNC_PSW	BIT(31)
#define S390_SYNC_ALL	(~0U)
/*
 * Registers into vcpu->run: what of KVM_SYNC_* and S390_SYNC_PSW is in @what; and back: the
 * PSW and what user space says is changed.  vcpu->mutex held, the vCPU not loaded and not
 * in KVM_RUN, or what is in the hardware has been fetched.  load: 0, or -EINVAL: user space
 * names groups that nobody knows, and nothing was taken.
 */
void s390_sync_store(struct vcpu *vcpu, u32 what);
int s390_sync_load(struct vcpu *vcpu);

/* --- mmu.c ----------------------------------------------------------------- */

/* At setup: the formats of this host. */
void s390_mmu_setup(void);
/* The first address that the guest cannot have, and the largest that can be asked for. */
u64 s390_mmu_limit(struct vm *vm);
u64 s390_mmu_limit_max(void);
/*
 * KVM_S390_VM_MEM_LIMIT_SIZE.  vm->lock held, may sleep.  0; -EBUSY: there are vCPUs;
 * -EINVAL: 0; -E2BIG: above the maximum; -ENOMEM.
 */
int s390_mmu_set_limit(struct vm *vm, u64 limit);
/* The address-space-control element of the VM's tables. */
u64 s390_mmu_asce(struct vm *vm);
/*
 * What maps @gpa: PROT_GUEST_* and, in *@hpa, the host's address; or 0: nothing.  mmu_lock
 * held.
 */
u8 s390_mmu_find(struct vm *vm, gpa_t gpa, hpa_t *hpa);
/* Is there anything at @gpa in the VM's tables? */
bool s390_mmu_is_mapped(struct vm *vm, gpa_t gpa);
/* In prepare, after REQ_PREFIX: map the prefix area.  As vcpu_ops.prepare. */
int s390_mmu_prefix(struct vcpu *vcpu);
/*
 * The guest's access to absolute storage ended in a host fault: map it.  RESUME_GUEST,
 * FAULT_NO_SLOT (addressing exception), or as vcpu_fault().
 */
int s390_mmu_fault(struct vcpu *vcpu, gpa_t gpa, bool write);
/*
 * Interception 8 with a protection exception, on a host that does not tell a guest's
 * from its own.  RESUME_GUEST: it was the host's, and the instruction is done again;
 * FAULT_NO_SLOT: it is the guest's; else as s390_mmu_fault().
 */
int s390_mmu_protection(struct vcpu *vcpu);

/* --- keys.c: storage keys of guest storage --------------------------------- */

/* Of a storage key: what access.h looks at. */
#define S390_KEY_ACC	0xf0
#define S390_KEY_FP	0x08	/* fetch protection */
#define S390_KEY_REF	0x04
#define S390_KEY_CHG	0x02

/*
 * Get, set the key of a frame; reset its reference bit: *@key is the key before.
 * 0; -EFAULT: no slot there; -ENOMEM.  vm->srcu held, may sleep, mmu_lock not held.
 */
int s390_key_get(struct vm *vm, gfn_t gfn, u8 *key);
int s390_key_set(struct vm *vm, gfn_t gfn, u8 key);
int s390_key_reset_ref(struct vm *vm, gfn_t gfn, u8 *key);
/* Has anybody ever set one?  Any context. */
static inline bool s390_keys_used(struct vm *vm)
{
	return READ_ONCE(vm->arch.keys_used);
}

/* Set up and tear down.  May sleep. */
void s390_keys_create(struct vm *vm);
void s390_keys_destroy(struct vm *vm);
/* In mmu_ops.sync_page: the frames of @map get the keys of the guest's.  mmu_lock held. */
void s390_keys_sync(struct vm *vm, const struct mmu_map *map);

#include "access.h"
#include "attr.h"
#include "interrupt.h"

#include "exit.h"	/* exit.c, insn.c, priv*.c, fw.c, sigp.c, debug.c */

#endif /* S390_S390_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest storage as the guest's CPU would access it: logical, real and absolute
 * addresses, protection, and what it costs the guest to be wrong.
 *
 * Whatever may end in a program interruption returns 0, or its code (> 0, PGM_*) with the
 * rest in vcpu->arch.pgm, ready for s390_inject_program_info(); or -errno: the host
 * failed.  Nothing was stored then, unless something else is said.
 *
 * Context of all: vcpu->mutex held, vm->srcu held, a task of the VM's process, may
 * sleep.  They look at the PSW, the control and the access registers of the vCPU,
 * loaded or not.
 */
#ifndef S390_ACCESS_H
#define S390_ACCESS_H

#include <linux/kvm.h>
#include <linux/mm.h>
#include <core/vcpu.h>

/* What an access is for. */
enum s390_access {
	S390_FETCH,
	S390_STORE,
	S390_EXECUTE,		/* an instruction fetch: its own address space */
};

/* No key is looked at, as if it were 0. */
#define S390_NO_KEY		0

/* Bytes that one access can have: an operand of MEM_OP. */
#define S390_ACCESS_MAX		65536

/* An operand in logical storage. */
struct s390_operand {
	u64			address;
	u32			len;		/* 1..S390_ACCESS_MAX */
	u8			ar;		/* access register, in access-register mode */
	u8			key;		/* the access key */
	enum s390_access	access;
};

/* The access key of the PSW. */
u8 s390_psw_key(struct vcpu *vcpu);
/* An address cut to the addressing mode of the PSW. */
u64 s390_wrap(struct vcpu *vcpu, u64 address);
/* What the prefix makes of a real address.  Any context. */
gpa_t s390_real_to_abs(struct vcpu *vcpu, u64 real);

/*
 * Logical storage with the key of the PSW: an instruction's operands.  @len as for
 * struct s390_operand.  A write of several pages is checked whole before it begins.
 */
int s390_read(struct vcpu *vcpu, u64 address, u8 ar, void *data, u32 len);
int s390_write(struct vcpu *vcpu, u64 address, u8 ar, const void *data, u32 len);

/*
 * The same with all that can be chosen; @data NULL: only check.  S390_FETCH and
 * S390_EXECUTE read, S390_STORE writes.
 */
int s390_operand(struct vcpu *vcpu, const struct s390_operand *operand, void *data);

/* Instruction bytes at @address: 2, 4 or 6. */
int s390_fetch(struct vcpu *vcpu, u64 address, void *data, u32 len);

/* Real storage: prefixing, no translation, no keys.  A write stays inside of a page. */
int s390_read_real(struct vcpu *vcpu, u64 real, void *data, u32 len);
int s390_write_real(struct vcpu *vcpu, u64 real, const void *data, u32 len);

/*
 * The absolute address of one byte, for @access with @key: what LRA, TPROT and the
 * like are about.
 */
int s390_translate(struct vcpu *vcpu, u64 address, u8 ar, enum s390_access access, u8 key,
		   gpa_t *absolute);

/*
 * The same without any check but of the guest's tables; @protected: they, or low-address
 * protection, forbid a store.
 */
int s390_translate_only(struct vcpu *vcpu, u64 address, u8 ar, gpa_t *absolute,
			bool *protected);

/*
 * "Low-Address Protection": bytes 0-511 and 4096-4607, of what is not a private space.  Any
 * context.
 */
bool s390_low_protected(struct vcpu *vcpu, u64 address);

/*
 * Would @key be let in by @storage_key?  @address is the effective one that
 * fetch-protection override is about; @private: in a private space.  Any context.
 */
bool s390_key_allows(struct vcpu *vcpu, u8 key, u8 storage_key, enum s390_access access,
		     u64 address, bool private);

/* --- mem_op.c -------------------------------------------------------------- */

/* KVM_S390_MEM_OP of a vCPU (IOCTL_VCPU | IOCTL_LOAD | IOCTL_SRCU) and of a VM (IOCTL_SRCU). */
long s390_vcpu_ioctl_mem_op(void *object, void *data, unsigned long user);
long s390_vm_ioctl_mem_op(void *object, void *data, unsigned long user);
/* Bytes at a time: KVM_CAP_S390_MEM_OP; and KVM_CAP_S390_MEM_OP_EXTENSION. */
#define S390_MEM_OP_MAX		S390_ACCESS_MAX
#define S390_MEM_OP_EXTENSION	(KVM_S390_MEMOP_EXTENSION_CAP_BASE | \
				 KVM_S390_MEMOP_EXTENSION_CAP_CMPXCHG)

#endif /* S390_ACCESS_H */

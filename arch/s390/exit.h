/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ends a stay in SIE, and who deals with it: exit.c has the interceptions, insn.c
 * finds the handler of an intercepted instruction, which is in priv*.c, sigp.c or fw.c;
 * debug.c has the debugger that user space is.
 *
 * Unless something else is said, the context of all is that of vcpu_ops.handle_exit, and
 * so are the results.  A handler of an instruction finds the PSW behind the instruction.
 */
#ifndef S390_EXIT_H
#define S390_EXIT_H

#include <asm/ptrace.h>
#include <core/vcpu.h>
#include "insn.h"

/* --- exit.c ------------------------------------------------------------------ */

/* User space has to see it: KVM_EXIT_S390_SIEIC.  EXIT_TO_USER. */
int exit_forward(struct vcpu *vcpu);

/*
 * What became of an access of access.h that failed: @ret is its result, not 0.
 * RESUME_GUEST after the guest got its program interruption, or -errno.
 */
int exit_access(struct vcpu *vcpu, int ret);

/* "Interception code" and how it is called, for messages.  Any context. */
const char *s390_exit_name(u32 code);

/* --- insn.c --------------------------------------------------------------------- */

/* An instruction was intercepted. */
int s390_exit_insn(struct vcpu *vcpu);
/* The same, as fast_exit: irqs off.  REENTER, or RESUME_GUEST and nothing was done. */
int s390_fast_insn(struct vcpu *vcpu);

/*
 * Bytes of the instruction of the last exit; of EXECUTE, if it was the target of one.
 * 0: not known.  vcpu->mutex held.
 */
unsigned int s390_insn_length(struct vcpu *vcpu);

/* Let the guest do the instruction again.  RESUME_GUEST. */
int s390_insn_retry(struct vcpu *vcpu);

/* Could this PSW be the current one ("Program-Status-Word Format")?  Any context. */
bool s390_psw_valid(const psw_t *psw);

/* --- priv.c: instructions that control the CPU ------------------------------------- */

int priv_ptff(struct vcpu *vcpu, const struct insn *insn);
int priv_sckpf(struct vcpu *vcpu, const struct insn *insn);
int priv_sck(struct vcpu *vcpu, const struct insn *insn);
int priv_spx(struct vcpu *vcpu, const struct insn *insn);
int priv_stpx(struct vcpu *vcpu, const struct insn *insn);
int priv_stap(struct vcpu *vcpu, const struct insn *insn);
int priv_lpsw(struct vcpu *vcpu, const struct insn *insn);
int priv_lpswe(struct vcpu *vcpu, const struct insn *insn);
int priv_lpswey(struct vcpu *vcpu, const struct insn *insn);
int priv_epsw(struct vcpu *vcpu, const struct insn *insn);
int priv_lctl(struct vcpu *vcpu, const struct insn *insn);
int priv_stctl(struct vcpu *vcpu, const struct insn *insn);
int priv_lctlg(struct vcpu *vcpu, const struct insn *insn);
int priv_stctg(struct vcpu *vcpu, const struct insn *insn);

/* --- priv_info.c: instructions that describe the machine ---------------------------- */

int priv_stidp(struct vcpu *vcpu, const struct insn *insn);
int priv_stfl(struct vcpu *vcpu, const struct insn *insn);
int priv_stfle(struct vcpu *vcpu, const struct insn *insn);
int priv_stsi(struct vcpu *vcpu, const struct insn *insn);
int priv_ptf(struct vcpu *vcpu, const struct insn *insn);

/* --- priv_storage.c: storage keys, frames, guest tables ------------------------------ */

int priv_iske(struct vcpu *vcpu, const struct insn *insn);
int priv_rrbe(struct vcpu *vcpu, const struct insn *insn);
int priv_sske(struct vcpu *vcpu, const struct insn *insn);
int priv_pfmf(struct vcpu *vcpu, const struct insn *insn);
int priv_tb(struct vcpu *vcpu, const struct insn *insn);
int priv_tprot(struct vcpu *vcpu, const struct insn *insn);
int priv_interlock(struct vcpu *vcpu, const struct insn *insn);

/* --- sca.c ------------------------------------------------------------------------------ */

/* In vm_create and vm_destroy.  May sleep.  0 or -ENOMEM; destroy accepts none. */
int s390_sca_create(struct vm *vm);
void s390_sca_destroy(struct vm *vm);
/* Show it to the hardware: in create, with a control block; and in destroy, before that is freed. */
void s390_sca_apply(struct vcpu *vcpu);
void s390_sca_remove(struct vcpu *vcpu);

/*
 * Hold off IPTE and the like of the guest's CPUs while its translation tables are walked
 * for one of them.  May sleep; sections may overlap.
 */
void s390_ipte_lock(struct vm *vm);
void s390_ipte_unlock(struct vm *vm);

/* --- priv_io.c: I/O instructions ------------------------------------------------------- */

int priv_io(struct vcpu *vcpu, const struct insn *insn);
int priv_tpi(struct vcpu *vcpu, const struct insn *insn);
int priv_tsch(struct vcpu *vcpu, const struct insn *insn);

/* --- sigp.c ------------------------------------------------------------------------------- */

int s390_sigp(struct vcpu *vcpu, const struct insn *insn);
/* As s390_fast_insn(). */
int s390_fast_sigp(struct vcpu *vcpu, const struct insn *insn);

/* --- fw.c ----------------------------------------------------------------------------------- */

int s390_diag(struct vcpu *vcpu, const struct insn *insn);
/* As s390_fast_insn(). */
int s390_fast_diag(struct vcpu *vcpu, const struct insn *insn);

/* --- debug.c --------------------------------------------------------------------------------- */

/* What of KVM_SET_GUEST_DEBUG is served. */
#define S390_GUEST_DEBUG_OFFERED	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | \
					 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_EXIT_PENDING)

/* KVM_SET_GUEST_DEBUG (IOCTL_VCPU | IOCTL_LOAD).  0 or -EINVAL. */
long s390_ioctl_set_guest_debug(void *object, void *data, unsigned long user);

/*
 * Put the debugger's PER controls in place of the guest's, and back.  irqs off, right
 * around the stay.  Only while vcpu->debug_flags has KVM_GUESTDBG_ENABLE.
 */
void s390_debug_enter(struct vcpu *vcpu);
void s390_debug_leave(struct vcpu *vcpu);

/*
 * If the exit came with a PER event and there is a debugger, it is the debugger's: gone
 * from the control block's iprcc, and kept for s390_debug_exit().
 */
void s390_debug_per(struct vcpu *vcpu);

/* At the end of an exit that came to @ret: KVM_EXIT_DEBUG if it is due, else @ret. */
int s390_debug_exit(struct vcpu *vcpu, int ret);

/* In destroy. */
void s390_debug_destroy(struct vcpu *vcpu);

#endif /* S390_EXIT_H */

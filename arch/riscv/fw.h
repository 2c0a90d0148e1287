/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the SBI share: fw.c has the table, fw_hart.c and fw_feature.c some
 * of its handlers.
 */
#ifndef RISCV_FW_H
#define RISCV_FW_H

#include "riscv.h"

/* "Legacy Extensions": the kernel's header has them only if it uses them itself. */
enum {
	LEGACY_SET_TIMER,
	LEGACY_CONSOLE_PUTCHAR,
	LEGACY_CONSOLE_GETCHAR,
	LEGACY_CLEAR_IPI,
	LEGACY_SEND_IPI,
	LEGACY_REMOTE_FENCE_I,
	LEGACY_REMOTE_SFENCE_VMA,
	LEGACY_REMOTE_SFENCE_VMA_ASID,
	LEGACY_SHUTDOWN,
	LEGACY_LAST = 0x0f,
};

/* A handler's result: it has set the guest's registers itself, pc among them. */
#define SBI_AS_IS	16

static inline unsigned long sbi_arg(struct vcpu *vcpu, unsigned int number)
{
	return riscv_gpr(vcpu, 10 + number);
}

static inline unsigned long sbi_id(struct vcpu *vcpu)
{
	return riscv_gpr(vcpu, 17);
}

/* All harts but this one run no guest code any more until they are started.  May sleep. */
void harts_stop_others(struct vcpu *vcpu);

/* Handlers; the contract is at struct sbi_extension. */
bool fast_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int sbi_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
bool fast_rfence(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int sbi_rfence(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int sbi_hsm(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int sbi_susp(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int sbi_fwft(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int legacy_clear_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int legacy_send_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
int legacy_remote_fence(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);

#endif /* RISCV_FW_H */

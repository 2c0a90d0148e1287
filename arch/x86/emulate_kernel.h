/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What connects the emulator with a vCPU; for the files that do not compile in
 * user space.
 */
#ifndef X86_EMULATE_KERNEL_H
#define X86_EMULATE_KERNEL_H

#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emulate.h"
#include "x86.h"

/*
 * Go on with vcpu->arch.emulation after user space has served an access: run it
 * again from its log.  As a vcpu->complete; results as x86_emulate().
 */
int x86_emulate_resume(struct vcpu *vcpu);

#endif /* X86_EMULATE_KERNEL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* A load or store of the guest, as insn_decode.c makes it of an instruction. */
#ifndef ARCH_ACCESS_H
#define ARCH_ACCESS_H

#include <linux/types.h>

/* Copied as one word. */
struct riscv_access {
	u8	len;		/* bytes of memory: 1, 2, 4, 8 */
	u8	insn_len;	/* bytes of the instruction: 2, 4 */
	u8	reg;		/* what is loaded or stored: x0..x31 or f0..f31 */
	bool	store;
	bool	fp;		/* reg is a floating-point register */
	bool	sign;		/* sign-extend what was loaded */
} __aligned(8);

#endif /* ARCH_ACCESS_H */

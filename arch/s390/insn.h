/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operands of an intercepted instruction, with the registers of the vCPU.
 */
#ifndef S390_INSN_H
#define S390_INSN_H

#include <core/vcpu.h>
#include "insn_decode.h"

/* An address that an instruction names, cut to the addressing mode.  vcpu->mutex held. */
u64 insn_s_address(struct vcpu *vcpu, const struct insn *insn);		/* S, SI, RS */
u64 insn_rsy_address(struct vcpu *vcpu, const struct insn *insn);	/* RSY, SIY */
u64 insn_sse_address2(struct vcpu *vcpu, const struct insn *insn);	/* the second of SSE */

/* The second operand of RRE as an address, cut likewise. */
u64 insn_rre_address2(struct vcpu *vcpu, const struct insn *insn);

/* Set the condition code, and the rest of an instruction's end.  RESUME_GUEST. */
int insn_done(struct vcpu *vcpu, unsigned int cc);

#endif /* S390_INSN_H */

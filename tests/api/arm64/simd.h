/* SPDX-License-Identifier: GPL-2.0-only */
/* All SIMD or SVE registers from and to memory; guest side. */
#ifndef ARM64_SIMD_H
#define ARM64_SIMD_H

#include <lib/kvm.h>

/* What all of SVE's registers need at most: 32 vectors, 16 predicates, FFR. */
#define SVE_BYTES	(32 * 256 + 17 * 32)

void guest_load_simd(const u64 *from);	/* 64 words */
void guest_store_simd(u64 *to);
u64 guest_vl(void);			/* of a vector, in bytes */
void guest_load_sve(const u8 *from);
void guest_store_sve(u8 *to);

#endif /* ARM64_SIMD_H */

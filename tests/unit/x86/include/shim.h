/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files under test use of the kernel, in user space. */
#ifndef TEST_SHIM_H
#define TEST_SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef u64 gva_t, gpa_t, gfn_t;
typedef unsigned long hva_t;

#define GPA_INVALID		(~(gpa_t)0)
#define PAGE_SHIFT		12
#define PAGE_SIZE		4096UL
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define fls(x)			((x) ? 32 - __builtin_clz(x) : 0)
#define offset_in_page(p)	((unsigned long)(p) & (PAGE_SIZE - 1))
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define IS_ALIGNED(x, a)	(((x) & ((u64)(a) - 1)) == 0)
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define likely(x)		(x)
#define unlikely(x)		(x)
#define READ_ONCE(x)		(x)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#endif /* TEST_SHIM_H */

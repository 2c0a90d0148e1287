/* SPDX-License-Identifier: GPL-2.0-only */
/* Compiler, arithmetic, bits, atomics, errors, printing. */
#ifndef SHIM_BASE_H
#define SHIM_BASE_H

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include <linux/limits.h>

/* --- compiler --------------------------------------------------------------- */

#define __user
#define __rcu
#define __force
#define __init
#define __exit
#define __iomem
#define noinstr
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x)		do { } while (0)
#define __release(x)		do { } while (0)
#ifndef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#endif
#ifndef __must_check
#define __must_check		__attribute__((warn_unused_result))
#endif
#define __aligned(x)		__attribute__((aligned(x)))
#define __maybe_unused		__attribute__((unused))
#define noinline		__attribute__((noinline))
#define fallthrough		__attribute__((fallthrough))

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define barrier()		__asm__ __volatile__("" ::: "memory")
#define cpu_relax()		sched_yield()

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), (value), __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		smp_mb()
#define smp_wmb()		smp_mb()
#define smp_mb__after_atomic()	smp_mb()
#define smp_mb__before_atomic()	smp_mb()
#define smp_store_mb(x, value)	__atomic_store_n(&(x), value, __ATOMIC_SEQ_CST)

#define container_of(ptr, type, member)	\
	((type *)((char *)(ptr) - offsetof(type, member)))
#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define struct_size(p, member, count)	(sizeof(*(p)) + sizeof((p)->member[0]) * (count))
#define array_size(a, b)		((size_t)(a) * (b))
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))

#define IS_ENABLED(option)	0
#define SZ_1K			1024UL
#define SZ_4K			4096UL

/* --- arithmetic --------------------------------------------------------------- */

#define min(a, b)		({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b)		({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define min3(a, b, c)		min(min(a, b), c)
#define min_t(type, a, b)	({ type a_ = (a), b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(type, a, b)	({ type a_ = (a), b_ = (b); a_ > b_ ? a_ : b_; })
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define swap(a, b)		({ __typeof__(a) a_ = (a); (a) = (b); (b) = a_; })
#define round_down(x, y)	((x) & ~((__typeof__(x))(y) - 1))
#define PTR_ALIGN_DOWN(p, a)	((__typeof__(p))((unsigned long)(p) & ~((unsigned long)(a) - 1)))
#define ALIGN(x, a)		(((x) + (__typeof__(x))(a) - 1) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)

#define BITS_PER_BYTE		8
#define BITS_PER_LONG		((int)(8 * sizeof(long)))
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline unsigned long rounddown_pow_of_two(unsigned long n)
{
	return 1UL << (BITS_PER_LONG - 1 - __builtin_clzl(n));
}

static inline unsigned long __ffs(unsigned long word)
{
	return __builtin_ctzl(word);
}

static inline unsigned long __ffs64(u64 word)
{
	return __builtin_ctzll(word);
}

static inline int fls64(u64 word)
{
	return word ? 64 - __builtin_clzll(word) : 0;
}

#define array_index_nospec(index, size)	((index) < (size) ? (index) : 0)

#define le32_to_cpu(x)		((u32)(x))
#define le64_to_cpu(x)		((u64)(x))

/* --- atomics -------------------------------------------------------------------- */

typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
typedef struct { int refs; } refcount_t;

#define xchg(p, v)	__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, new)	({						\
	__typeof__(*(p)) old_ = (old);						\
	__atomic_compare_exchange_n(p, &old_, (new), false, __ATOMIC_SEQ_CST,	\
				    __ATOMIC_SEQ_CST);				\
	old_;									\
})

#define atomic_long_set(a, v)		__atomic_store_n(&(a)->counter, v, __ATOMIC_RELAXED)
#define atomic_long_read(a)		__atomic_load_n(&(a)->counter, __ATOMIC_RELAXED)
#define atomic_long_inc(a)		((void)__atomic_fetch_add(&(a)->counter, 1, __ATOMIC_SEQ_CST))
#define atomic_long_dec(a)		((void)__atomic_fetch_sub(&(a)->counter, 1, __ATOMIC_SEQ_CST))
#define atomic_long_or(v, a)		((void)__atomic_fetch_or(&(a)->counter, (long)(v), __ATOMIC_SEQ_CST))
#define atomic_long_fetch_andnot(v, a)	__atomic_fetch_and(&(a)->counter, ~(long)(v), __ATOMIC_SEQ_CST)

#define refcount_set(r, v)		((r)->refs = (v))
#define refcount_inc(r)			((void)__atomic_fetch_add(&(r)->refs, 1, __ATOMIC_SEQ_CST))
#define refcount_dec_and_test(r)	(__atomic_sub_fetch(&(r)->refs, 1, __ATOMIC_SEQ_CST) == 0)

static inline unsigned long *bit_word(unsigned long nr, const unsigned long *map)
{
	return (unsigned long *)map + nr / BITS_PER_LONG;
}

#define bit_mask(nr)	(1UL << ((nr) % BITS_PER_LONG))

#define test_bit(nr, map)	(!!(READ_ONCE(*bit_word(nr, map)) & bit_mask(nr)))
#define set_bit(nr, map)	((void)__atomic_fetch_or(bit_word(nr, map), bit_mask(nr), __ATOMIC_SEQ_CST))
#define clear_bit(nr, map)	((void)__atomic_fetch_and(bit_word(nr, map), ~bit_mask(nr), __ATOMIC_SEQ_CST))
#define __set_bit(nr, map)	((void)(*bit_word(nr, map) |= bit_mask(nr)))
#define __clear_bit(nr, map)	((void)(*bit_word(nr, map) &= ~bit_mask(nr)))
/* The machine this runs on is little-endian. */
#define test_bit_le(nr, map)	test_bit(nr, map)
#define set_bit_le(nr, map)	set_bit(nr, map)
#define __set_bit_le(nr, map)	__set_bit(nr, map)

#define DECLARE_BITMAP(name, bits)	unsigned long name[BITS_TO_LONGS(bits)]
#define bitmap_fill(map, bits)		memset(map, 0xff, BITS_TO_LONGS(bits) * sizeof(long))
#define bitmap_zero(map, bits)		memset(map, 0, BITS_TO_LONGS(bits) * sizeof(long))

/* --- errors and printing -------------------------------------------------------- */

#define MAX_ERRNO		4095
#define ERR_PTR(err)		((void *)(long)(err))
#define PTR_ERR(ptr)		((long)(ptr))
#define IS_ERR(ptr)		((unsigned long)(ptr) >= (unsigned long)-MAX_ERRNO)
#define IS_ERR_OR_NULL(ptr)	(!(ptr) || IS_ERR(ptr))
#define PTR_ERR_OR_ZERO(ptr)	(IS_ERR(ptr) ? (int)(long)(ptr) : 0)

void shim_bug(const char *file, int line, const char *what);

#define WARN_ON_ONCE(condition)	({					\
	bool warn_ = !!(condition);					\
	if (warn_)							\
		shim_bug(__FILE__, __LINE__, "warning: " #condition);	\
	warn_;								\
})
#define WARN_ON(condition)	WARN_ON_ONCE(condition)

extern bool shim_verbose;

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define shim_printk(fmt, ...)	do {					\
	if (shim_verbose)						\
		fprintf(stderr, pr_fmt(fmt), ##__VA_ARGS__);		\
} while (0)
#define pr_err(...)		shim_printk(__VA_ARGS__)
#define pr_info(...)		shim_printk(__VA_ARGS__)
#define pr_debug(...)		do { if (0) shim_printk(__VA_ARGS__); } while (0)
#define pr_warn(...)		shim_printk(__VA_ARGS__)
#define pr_err_ratelimited(...)	shim_printk(__VA_ARGS__)
#define pr_debug_ratelimited(...) shim_printk(__VA_ARGS__)

#define strscpy(to, from, size)	snprintf(to, size, "%s", from)

static inline void *memset64(u64 *to, u64 value, size_t count)
{
	while (count--)
		to[count] = value;

	return to;
}

/* --- tracepoints and module ------------------------------------------------------- */

#define TP_PROTO(...)		__VA_ARGS__
#define TRACE_EVENT(name, proto, ...)	static inline void trace_##name(proto) { }

#define THIS_MODULE		NULL
#define MODULE_DESCRIPTION(x)
#define MODULE_LICENSE(x)
#define MODULE_PARM_DESC(name, text)
#define module_param(name, type, mode)
#define module_init(f)	int shim_module_init(void) { return f(); }
#define module_exit(f)	void shim_module_exit(void) { f(); }

int shim_module_init(void);
void shim_module_exit(void);

#endif /* SHIM_BASE_H */

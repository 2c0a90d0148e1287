/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's short names beside the exported ones. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef __u8	u8;
typedef __u16	u16;
typedef __u32	u32;
typedef __u64	u64;
typedef __s8	s8;
typedef __s16	s16;
typedef __s32	s32;
typedef __s64	s64;

typedef unsigned int	gfp_t;
typedef unsigned int	vm_fault_t;
typedef unsigned long	vm_flags_t;
typedef unsigned long	pgoff_t;
typedef u64		phys_addr_t;

/* <linux/kvm_types.h> */
typedef u64		gva_t;
typedef u64		gpa_t;
typedef u64		gfn_t;
typedef unsigned long	hva_t;
typedef u64		hpa_t;

#endif /* SHIM_LINUX_TYPES_H */

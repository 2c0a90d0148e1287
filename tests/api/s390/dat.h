/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest side: dynamic address translation with all memory mapped one to one, and a window. */
#ifndef S390_DAT_H
#define S390_DAT_H

#include <lib/kvm.h>

/* A segment of which a test maps the pages as it likes. */
#define DAT_WINDOW		0x40000000UL
#define DAT_WINDOW_TABLE	(S390_GPA_TABLES + 0x14000)
#define DAT_SEGMENTS		S390_GPA_TABLES
/* Another space, in which the window is the only segment beside the memory. */
#define DAT_SEGMENTS2		(S390_GPA_TABLES + 0x18000)
#define DAT_WINDOW_TABLE2	(S390_GPA_TABLES + 0x1c000)
#define DAT_ASCE		(DAT_SEGMENTS | 3)
#define DAT_ASCE2		(DAT_SEGMENTS2 | 3)
#define DAT_PTE(n)		(((volatile u64 *)DAT_WINDOW_TABLE)[n])
#define DAT_PTE2(n)		(((volatile u64 *)DAT_WINDOW_TABLE2)[n])
/* "Secondary-Space Control". */
#define CR0_SECONDARY		0x04000000UL

static inline void dat_table(u64 segments, u64 pages, u64 window)
{
	u64 i;

	for (i = 0; i < 2048; i++)
		guest_write64(segments + i * 8, SEGMENT_INVALID);
	for (i = 0; i < VM_RAM_SIZE >> 20; i++)
		guest_write64(segments + i * 8, pages + i * 0x800);
	guest_write64(segments + (DAT_WINDOW >> 20) * 8, window);
	for (i = 0; i < 256; i++)
		guest_write64(window + i * 8, PAGE_INVALID);
}

/* Primary space: the first table; secondary and home: the second one. */
static inline void dat_setup(void)
{
	u64 i, pages = S390_GPA_TABLES + 0x4000;

	_Static_assert(S390_GPA_TABLES + 0x4000 + (VM_RAM_SIZE >> 20) * 0x800 <= DAT_WINDOW_TABLE,
		       "room for the page tables");
	for (i = 0; i < VM_RAM_SIZE >> 12; i++)
		guest_write64(pages + i * 8, i << 12);
	dat_table(DAT_SEGMENTS, pages, DAT_WINDOW_TABLE);
	dat_table(DAT_SEGMENTS2, pages, DAT_WINDOW_TABLE2);
	control_write(1, DAT_ASCE);
	control_write(7, DAT_ASCE2);
	control_write(13, DAT_ASCE2);
	control_write(0, CR0_RESET | CR0_SECONDARY);
	asm volatile("ptlb" : : : "memory");
}

static inline void dat_on(void)
{
	u8 old;

	asm volatile("stosm %0,0x04" : "=Q"(old) : : "memory");
}

static inline void dat_off(void)
{
	u8 old;

	asm volatile("stnsm %0,0xfb" : "=Q"(old) : : "memory");
}

static inline void dat_ipte(u64 table, u64 address)
{
	asm volatile("ipte %0,%1" : : "a"(table), "a"(address) : "memory");
}

#endif /* S390_DAT_H */

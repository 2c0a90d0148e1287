/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses, results and other small types that everybody uses.
 *
 * The name of an address type says its unit and its space, because mixing them
 * up is the most common bug of a hypervisor.
 */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/types.h>

#include <core/host.h>

/*
 * The kernel's own names, whoever serves the ABI:
 *
 *	gva_t	guest virtual (or linear) address, bytes
 *	gpa_t	guest physical address, bytes
 *	gfn_t	guest frame number: gpa in units of PAGE_SIZE
 *	hva_t	host user virtual address, bytes
 *	hpa_t	host physical address, bytes
 */
#include <linux/kvm_types.h>

#define GPA_INVALID	(~(gpa_t)0)

/* Guest frames [start, end). */
struct gfn_range {
	gfn_t	start;
	gfn_t	end;
	int	as_id;		/* address space of the VM */
};

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return gpa >> PAGE_SHIFT;
}

static inline gpa_t gfn_to_gpa(gfn_t gfn)
{
	return gfn << PAGE_SHIFT;
}

/*
 * The one meaning of a handler's result, in core and in every architecture.
 * Negative: the host failed, -errno goes to user space.
 * REENTER is for fast handlers only, whose RESUME_GUEST says that handle_exit has to see
 * it (see fast_exit in vcpu_ops.def).
 */
enum {
	EXIT_TO_USER	= 0,	/* vcpu->run is filled in */
	RESUME_GUEST	= 1,	/* dealt with; run on */
	REENTER		= 2,	/* dealt with, irqs still off; enter again at once */
};

/* What an access wants, and what a mapping grants. */
enum {
	PROT_GUEST_READ		= BIT(0),
	PROT_GUEST_WRITE	= BIT(1),
	PROT_GUEST_EXEC		= BIT(2),
	PROT_GUEST_ALL		= PROT_GUEST_READ | PROT_GUEST_WRITE | PROT_GUEST_EXEC,
};

/* Cacheability of a stage-2 mapping; a format translates it to its own bits. */
enum {
	MEMTYPE_NORMAL,		/* write-back */
	MEMTYPE_DEVICE,		/* uncached, no speculation */
	MEMTYPE_UNCACHED,	/* normal, non-cacheable */
};

/* One stage-2 leaf, as core asks for it. */
struct mmu_map {
	gpa_t	gpa;		/* aligned to PAGE_SIZE << order */
	hpa_t	hpa;		/* aligned to PAGE_SIZE << order */
	u8	order;		/* log2 of the size in pages */
	u8	prot;		/* PROT_GUEST_* */
	u8	memtype;	/* MEMTYPE_* */
	bool	clean;		/* not written yet: see pgtable_format.logs_writes */
	bool	may_write;	/* the host lets it be written, if not @prot: pgtable_allow_write() */
};

struct vm;
struct vcpu;
struct memslot;
struct irq_route;

#endif /* CORE_TYPES_H */

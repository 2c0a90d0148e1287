// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's incoming message controllers (AIA manual, "Incoming MSI
 * Controller"): one interrupt file per vCPU.  Here is the file in software and
 * what is common; where the host has guest interrupt files, imsic_file.c keeps
 * the state in one of those while the vCPU is on its CPU.  Messages come in by
 * way of irqchip.c and aplic.c.  The guest's own accesses trap into imsic_csr(),
 * and into the page in irqchip.c; with a file of the hardware they do not.
 */
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "aia.h"

/* --- the file in software: lock held ------------------------------------------- */

/* What stopei shows: the lowest identity that is pending, enabled and not too high; 0: none. */
static u32 imsic_top(const struct imsic *imsic)
{
	const struct imsic_registers *soft = &imsic->soft;
	unsigned int word;
	u32 id;

	for (word = 0; word < imsic_words(imsic); word++) {
		unsigned long ready = soft->eip[word] & soft->eie[word];

		if (!ready)
			continue;
		id = word * BITS_PER_LONG + __ffs(ready);
		return soft->eithreshold && id >= soft->eithreshold ? 0 : id;
	}

	return 0;
}

void imsic_update(struct imsic *imsic)
{
	bool line = imsic->soft.eidelivery && imsic_top(imsic);

	lockdep_assert_held(&imsic->lock);

	if (line == imsic->line)
		return;

	WRITE_ONCE(imsic->line, line);
	if (line)
		riscv_irq_set(imsic->vcpu, IRQ_VS_EXT);
	else
		riscv_irq_clear(imsic->vcpu, IRQ_VS_EXT);
}

bool imsic_register_exists(unsigned long select)
{
	if (select < IMSIC_FIRST || select > IMSIC_LAST)
		return false;

	if (select < IMSIC_EIP0)
		return select == IMSIC_EIDELIVERY || select == IMSIC_EITHRESHOLD;

	/* An array's registers are as wide as two numbers here. */
	return !(select & 1);
}

/* AIA manual, "CSRs for external interrupts via an IMSIC": they read as zero. */
static bool imsic_register_reserved(unsigned long select)
{
	return select >= IMSIC_FIRST && select < IMSIC_EIP0 && !imsic_register_exists(select);
}

/* The word of an array, or NULL: of identities that are not implemented. */
static unsigned long *imsic_word(struct imsic *imsic, u32 select)
{
	unsigned long *array = select < IMSIC_EIE0 ? imsic->soft.eip : imsic->soft.eie;
	u32 word = (select - (select < IMSIC_EIE0 ? IMSIC_EIP0 : IMSIC_EIE0)) / 2;

	if (word >= imsic_words(imsic))
		return NULL;

	return &array[array_index_nospec(word, imsic_words(imsic))];
}

/* The register, and in *@writable its bits; NULL: zero, and writes are ignored. */
static unsigned long *imsic_register(struct imsic *imsic, u32 select, unsigned long *writable)
{
	switch (select) {
	case IMSIC_EIDELIVERY:
		/* Nobody but the file delivers to a guest. */
		*writable = 1;
		return &imsic->soft.eidelivery;
	case IMSIC_EITHRESHOLD:
		*writable = roundup_pow_of_two(imsic->ids + 1) - 1;
		return &imsic->soft.eithreshold;
	case IMSIC_EIP0:
	case IMSIC_EIE0:
		/* There is no identity 0. */
		*writable = ~1UL;
		return imsic_word(imsic, select);
	default:
		*writable = ~0UL;
		return select < IMSIC_EIP0 ? NULL : imsic_word(imsic, select);
	}
}

static void imsic_soft_access(struct imsic *imsic, u32 select, unsigned long value,
			      unsigned long mask, unsigned long *old)
{
	unsigned long *reg, writable;

	lockdep_assert_held(&imsic->lock);

	reg = imsic_register(imsic, select, &writable);
	*old = reg ? *reg : 0;
	if (!reg || !mask)
		return;

	*reg = ((*old & ~mask) | (value & mask)) & writable;
	if (*reg != *old)
		imsic_update(imsic);
}

/* --- messages --------------------------------------------------------------------- */

/*
 * What the message is about comes before it, and it comes before the lock is free: then
 * the file may move.  As writel() in a lock, without its accounts of whether there was one.
 */
static void msi_write(void __iomem *page, u32 id)
{
	__io_bw();
	writel_relaxed(id, page + IMSIC_MMIO_SETIPNUM_LE);
	mmiowb();
}

int imsic_send(struct imsic *imsic, u32 id)
{
	unsigned long flags;
	int ret = 1;

	if (!id || id > imsic->ids)
		return -1;
	id = array_index_nospec(id, imsic->ids + 1);

	raw_spin_lock_irqsave(&imsic->lock, flags);
	if (imsic->msi)
		msi_write(imsic->msi, id);
	else if (__test_and_set_bit(id, imsic->soft.eip))
		ret = 0;
	else if (!imsic->line)
		imsic_update(imsic);
	raw_spin_unlock_irqrestore(&imsic->lock, flags);

	return ret;
}

void imsic_access(struct imsic *imsic, u32 select, unsigned long value, unsigned long mask,
		  unsigned long *old)
{
	unsigned long flags;

	/* It keeps the file where it is. */
	guard(mutex)(&imsic->mutex);

	if (imsic_file_access(imsic, select, value, mask, old))
		return;

	raw_spin_lock_irqsave(&imsic->lock, flags);
	imsic_soft_access(imsic, select, value, mask, old);
	raw_spin_unlock_irqrestore(&imsic->lock, flags);
}

/*
 * @awake may be of a hardware file that was given back meanwhile: then what it
 * had is in @soft, and @line tells.
 */
bool imsic_pending(struct vcpu *vcpu)
{
	struct imsic *imsic = READ_ONCE(vcpu->arch.imsic);

	if (!imsic)
		return false;

	return READ_ONCE(imsic->line) ||
	       (READ_ONCE(imsic->place) && READ_ONCE(imsic->awake));
}

/* --- the guest's accesses ----------------------------------------------------------- */

/* AIA manual, "Top external interrupt CSRs": a write claims what is on top. */
static enum riscv_csr_result csr_stopei(struct imsic *imsic, unsigned long *old,
					unsigned long mask)
{
	u32 top = imsic_top(imsic);

	*old = (unsigned long)top << TOPEI_ID_SHIFT | top;
	if (mask && top) {
		__clear_bit(top, imsic->soft.eip);
		imsic_update(imsic);
	}

	return CSR_DONE;
}

/* lock held, and the file is in software. */
static enum riscv_csr_result csr_soft(struct imsic *imsic, unsigned int csr,
				      unsigned long select, unsigned long *old,
				      unsigned long value, unsigned long mask)
{
	if (csr == CSR_STOPEI)
		return csr_stopei(imsic, old, mask);
	if (!imsic_register_exists(select))
		return CSR_ILLEGAL;

	imsic_soft_access(imsic, select, value, mask, old);

	return CSR_DONE;
}

static enum riscv_csr_result csr_file(struct imsic *imsic, unsigned int csr,
				      unsigned long select, unsigned long *old,
				      unsigned long value, unsigned long mask)
{
	enum riscv_csr_result result = CSR_ILLEGAL;
	unsigned long flags;

	if (!imsic)
		return CSR_ILLEGAL;
	if (csr == CSR_SIREG && imsic_register_reserved(select)) {
		*old = 0;
		return CSR_DONE;
	}

	raw_spin_lock_irqsave(&imsic->lock, flags);
	/* What traps although there is a hardware file does not exist in one. */
	if (!imsic->place)
		result = csr_soft(imsic, csr, select, old, value, mask);
	raw_spin_unlock_irqrestore(&imsic->lock, flags);

	return result;
}

/*
 * Where hviprio1 (bytes 0 to 7) and hviprio2 (8 to 15) have the priority number
 * of a major interrupt of the guest; 0: nowhere, it reads as zero (AIA manual,
 * "Hypervisor CSRs" and "Configuring priorities of major interrupts").
 */
static const u8 hviprio_byte[BITS_PER_LONG] = {
	[1] = 1, [5] = 3, [13] = 5, [14] = 6, [15] = 7,
	[16] = 8, [17] = 9, [18] = 10, [19] = 11, [20] = 12, [21] = 13, [22] = 14, [23] = 15,
};

/* Eight interrupts in each even-numbered register.  vCPU loaded. */
static enum riscv_csr_result csr_iprio(unsigned int select, unsigned long *old,
				       unsigned long value, unsigned long mask)
{
	unsigned int first = (select - ISELECT_IPRIO0) * 4, i;
	unsigned long hviprio[2] = { csr_read(CSR_HVIPRIO1), csr_read(CSR_HVIPRIO2) };

	if (select & 1)
		return CSR_ILLEGAL;

	*old = 0;
	for (i = 0; i < sizeof(*old); i++) {
		unsigned int byte = hviprio_byte[array_index_nospec(first + i, BITS_PER_LONG)];
		unsigned int shift = byte % 8 * 8;
		unsigned long *word = &hviprio[byte / 8];
		unsigned long changed = mask >> (8 * i) & 0xff;

		if (!byte)
			continue;
		*old |= (*word >> shift & 0xff) << (8 * i);
		*word &= ~(changed << shift);
		*word |= (value >> (8 * i) & changed) << shift;
	}
	if (mask) {
		csr_write(CSR_HVIPRIO1, hviprio[0]);
		csr_write(CSR_HVIPRIO2, hviprio[1]);
	}

	return CSR_DONE;
}

static enum riscv_csr_result csr_select(unsigned long *old, unsigned long value,
					unsigned long mask)
{
	*old = csr_read(CSR_VSISELECT);
	if (mask)
		csr_write(CSR_VSISELECT, ((*old & ~mask) | (value & mask)) & ISELECT_MASK);

	return CSR_DONE;
}

/* The vCPU is loaded: what it selected is in the hardware. */
enum riscv_csr_result imsic_csr(struct vcpu *vcpu, unsigned int csr, unsigned long *old,
				unsigned long value, unsigned long mask)
{
	unsigned long select;

	if (!riscv_host.aia)
		return CSR_ILLEGAL;
	if (csr == CSR_SISELECT)
		return csr_select(old, value, mask);

	select = csr_read(CSR_VSISELECT);
	if (csr == CSR_SIREG && select >= ISELECT_IPRIO0 && select <= ISELECT_IPRIO15)
		return csr_iprio(select, old, value, mask);

	return csr_file(vcpu->arch.imsic, csr, select, old, value, mask);
}

/* --- life ------------------------------------------------------------------------------ */

struct imsic *imsic_create(struct vcpu *vcpu, gpa_t gpa, u32 ids, u32 mode)
{
	struct imsic *imsic;

	imsic = kzalloc(sizeof(*imsic), GFP_KERNEL_ACCOUNT);
	if (!imsic)
		return NULL;

	imsic->vcpu = vcpu;
	imsic->gpa = gpa;
	imsic->ids = ids;
	imsic->wants_file = mode != KVM_DEV_RISCV_AIA_MODE_EMUL;
	imsic->needs_file = mode == KVM_DEV_RISCV_AIA_MODE_HWACCEL;
	imsic->tried_cpu = -1;
	refcount_set(&imsic->refs, 1);
	raw_spin_lock_init(&imsic->lock);
	mutex_init(&imsic->mutex);

	return imsic;
}

void imsic_put_ref(struct imsic *imsic)
{
	if (!imsic || !refcount_dec_and_test(&imsic->refs))
		return;

	mutex_destroy(&imsic->mutex);
	kfree(imsic);
}

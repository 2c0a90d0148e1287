// SPDX-License-Identifier: GPL-2.0-only
/*
 * "Firmware Features Extension": what a guest may have changed about its hart.  Off
 * until user space turns it on; its state moves with the vCPU by ONE_REG.  Rows of
 * fw.c's table.
 */
#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/irqflags.h>
#include <linux/nospec.h>
#include <asm/sbi.h>

#include "fw.h"

/* Functions. */
enum { FEATURE_SET, FEATURE_GET };
/* Flags of FEATURE_SET. */
#define FEATURE_LOCK		BIT(0)
/* Ids from here on are not of the specification. */
#define FEATURE_STANDARD_END	6
/* The kernel's header may be older than this one. */
#define ERR_DENIED_LOCKED	(-14)

/* ISA manual, "Hypervisor Environment Configuration Register". */
#define HENVCFG_PMM		GENMASK_ULL(33, 32)
#define PMM_NONE		0
#define PMM_PMLEN7		2
#define PMM_PMLEN16		3

/* PMM fields that the CPUs accept, as bits; constant after setup. */
static unsigned long pmm_fields = BIT(PMM_NONE);

/* --- pointer masking ------------------------------------------------------- */

/* Takes the field back before anybody looks.  irqs off. */
static bool pmm_probe(unsigned int field)
{
	const u64 before = csr_read(CSR_HENVCFG), wanted = FIELD_PREP(HENVCFG_PMM, field);
	u64 read;

	csr_write(CSR_HENVCFG, (before & ~HENVCFG_PMM) | wanted);
	read = csr_read(CSR_HENVCFG);
	csr_write(CSR_HENVCFG, before);

	return (read & HENVCFG_PMM) == wanted;
}

/* The field of henvcfg for a length, or -1: there is none. */
static int pmm_field(unsigned long length)
{
	static const struct { u8 length, field; } lengths[] = {
		{ 0, PMM_NONE }, { 7, PMM_PMLEN7 }, { 16, PMM_PMLEN16 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		if (lengths[i].length == length)
			return pmm_fields & BIT(lengths[i].field) ? lengths[i].field : -1;

	return -1;
}

static bool masking_present(void)
{
	return pmm_fields != BIT(PMM_NONE);
}

static bool masking_valid(unsigned long value)
{
	return pmm_field(value) >= 0;
}

/* --- delegation of misaligned accesses ------------------------------------- */

/*
 * A guest always takes these exceptions itself (see riscv_hedeleg); nobody emulates
 * the access for one that has not asked to.  So it is told what it said.
 */
static bool deleg_present(void)
{
	return true;
}

static bool deleg_valid(unsigned long value)
{
	return value <= 1;
}

/* --- the table ------------------------------------------------------------- */

static const struct feature {
	unsigned long	id;		/* of the specification */
	bool		(*present)(void);
	bool		(*valid)(unsigned long value);
} features[RISCV_FEATURES] = {
	[RISCV_FEATURE_MISALIGNED]	= { 0, deleg_present, deleg_valid },
	[RISCV_FEATURE_MASKING]		= { 5, masking_present, masking_valid },
};

bool riscv_feature_known(unsigned int number)
{
	return number < RISCV_FEATURES &&
	       features[array_index_nospec(number, RISCV_FEATURES)].present();
}

bool riscv_feature_valid(unsigned int number, unsigned long value)
{
	return features[number].valid(value);
}

u64 riscv_feature_henvcfg(struct vcpu *vcpu)
{
	if (!test_bit(RISCV_SBI_FWFT, vcpu->arch.sbi))
		return 0;

	return FIELD_PREP(HENVCFG_PMM, pmm_field(vcpu->arch.feature[RISCV_FEATURE_MASKING].value));
}

/* What is in the registers follows the values. */
static void features_apply(struct vcpu *vcpu)
{
	struct riscv_config *config = &vcpu->arch.config;
	u64 henvcfg = (config->henvcfg & ~HENVCFG_PMM) | riscv_feature_henvcfg(vcpu);

	if (henvcfg == config->henvcfg)
		return;
	config->henvcfg = henvcfg;
	if (vcpu->loaded)
		csr_write(CSR_HENVCFG, henvcfg);
}

void riscv_feature_create(struct vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < RISCV_FEATURES; i++)
		vcpu->arch.feature[i] = (struct riscv_feature) { .offered = true };
}

void riscv_feature_reset(struct vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < RISCV_FEATURES; i++) {
		vcpu->arch.feature[i].value = 0;
		vcpu->arch.feature[i].locked = false;
	}
	features_apply(vcpu);
}

/* --- calls ----------------------------------------------------------------- */

/* The guest's feature of this id; NULL: none, and *@error says why. */
static struct riscv_feature *feature_find(struct vcpu *vcpu, u32 id, unsigned int *number,
					  long *error)
{
	unsigned int i;

	*error = id < FEATURE_STANDARD_END ? SBI_ERR_NOT_SUPPORTED : SBI_ERR_DENIED;
	for (i = 0; i < RISCV_FEATURES; i++) {
		if (features[i].id != id)
			continue;
		if (!features[i].present() || !vcpu->arch.feature[i].offered)
			return NULL;
		*number = i;
		return &vcpu->arch.feature[i];
	}

	return NULL;
}

static void feature_set(struct vcpu *vcpu, struct sbi_result *result)
{
	unsigned long value = sbi_arg(vcpu, 1), flags = sbi_arg(vcpu, 2);
	struct riscv_feature *feature;
	unsigned int number;

	feature = feature_find(vcpu, sbi_arg(vcpu, 0), &number, &result->error);
	if (!feature)
		return;
	if ((flags & ~FEATURE_LOCK) || !features[number].valid(value)) {
		result->error = SBI_ERR_INVALID_PARAM;
		return;
	}
	if (feature->locked) {
		result->error = ERR_DENIED_LOCKED;
		return;
	}

	feature->value = value;
	feature->locked = flags & FEATURE_LOCK;
	features_apply(vcpu);
	result->error = SBI_SUCCESS;
}

static void feature_get(struct vcpu *vcpu, struct sbi_result *result)
{
	struct riscv_feature *feature;
	unsigned int number;

	feature = feature_find(vcpu, sbi_arg(vcpu, 0), &number, &result->error);
	if (!feature)
		return;

	result->value = feature->value;
	result->error = SBI_SUCCESS;
}

int sbi_fwft(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	if (fid == FEATURE_SET)
		feature_set(vcpu, result);
	else if (fid == FEATURE_GET)
		feature_get(vcpu, result);

	return RESUME_GUEST;
}

/* --- setup ----------------------------------------------------------------- */

void riscv_feature_setup(void)
{
	unsigned int field;
	unsigned long flags;

	local_irq_save(flags);
	for (field = PMM_PMLEN7; field <= PMM_PMLEN16; field++)
		if (pmm_probe(field))
			pmm_fields |= BIT(field);
	local_irq_restore(flags);
}

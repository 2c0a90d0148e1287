// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dynamic address translation and access-register translation of a guest, by its
 * own tables ("Storage", "Program Execution"), for accesses the host makes for it.
 * Called by access.c only.
 */
#include <asm/ctlreg.h>
#include <asm/dat-bits.h>
#include <asm/fault.h>
#include <core/memslot.h>

#include "s390.h"
#include "access_dat.h"

/* Fields that the entries of region and segment tables share. */
#define ENTRY_ORIGIN		(~0xfffUL)
#define ENTRY_PAGE_TABLE	(~0x7ffUL)
#define ENTRY_FORMAT_CONTROL	0x400UL
#define ENTRY_PROTECTED		0x200UL
#define ENTRY_INVALID		0x20UL
#define ENTRY_COMMON		0x10UL
#define ENTRY_OFFSET(entry)	((entry) >> 6 & 3)
#define ENTRY_TYPE(entry)	((entry) >> 2 & 3)
#define ENTRY_LENGTH(entry)	((entry) & 3)
/* Of a leaf above the page tables. */
#define LEAF_ACC_VALID		0x10000UL
#define LEAF_KEY(entry)		((entry) >> 8 & 0xf8)
#define LEAF_NO_EXECUTE		0x100UL

#define FACILITY_EDAT1		8
#define FACILITY_FSI		75
#define FACILITY_EDAT2		78
#define FACILITY_IEP		130

/* By table type; "the index" is the 11 bits from @shift on. */
static const struct dat_level {
	u8	shift;
	u16	exception;
} dat_levels[] = {
	[TABLE_TYPE_SEGMENT] = { 20, PGM_SEGMENT_TRANSLATION },
	[TABLE_TYPE_REGION3] = { 31, PGM_REGION_THIRD_TRANS },
	[TABLE_TYPE_REGION2] = { 42, PGM_REGION_SECOND_TRANS },
	[TABLE_TYPE_REGION1] = { 53, PGM_REGION_FIRST_TRANS },
};

#define INDEX_BITS	11
#define INDEX_MASK	((1UL << INDEX_BITS) - 1)

int dat_exception(struct vcpu *vcpu, u16 code, const struct dat_space *space, u64 address,
		  enum s390_access access, enum dat_protection protection)
{
	static const union teid protections[] = {
		[DAT_PROTECTION_NONE]	= { .val = 0 },
		[DAT_PROTECTION_LOW]	= { .b56 = 1 },
		[DAT_PROTECTION_KEY]	= { .b60 = 1 },
		[DAT_PROTECTION_LIST]	= { .b60 = 1, .b61 = 1 },
		[DAT_PROTECTION_TABLE]	= { .b61 = 1 },
		[DAT_PROTECTION_EXECUTE] = { .b56 = 1, .b61 = 1 },
	};
	struct kvm_s390_pgm_info *pgm = &vcpu->arch.pgm;
	union teid teid = protections[protection];

	teid.addr = address >> PAGE_SHIFT;
	teid.as = space->as;
	if (s390_facility(vcpu->vm, FACILITY_FSI))
		teid.fsi = access == S390_STORE ? TEID_FSI_STORE : TEID_FSI_FETCH;

	*pgm = (struct kvm_s390_pgm_info) { .code = code };
	if (code != PGM_ADDRESSING && code != PGM_TRANSLATION_SPEC)
		pgm->trans_exc_code = teid.val;
	if (space->as == DAT_SPACE_ACCESS_REGISTER)
		pgm->exc_access_id = space->ar;

	return code;
}

/* Part of a table, at a real address; it does not cross a page. */
static int table_read(struct vcpu *vcpu, u64 real, void *data, size_t len)
{
	gpa_t gpa = s390_real_to_abs(vcpu, real);

	if (!vcpu_memslot(vcpu, gpa_to_gfn(gpa)))
		return PGM_ADDRESSING;

	return guest_read(vcpu, gpa, data, len);
}

/* --- access-register translation ------------------------------------------- */

#define LIST_ORIGIN		0x7fffff80U
#define LIST_LENGTH		0x7fU
#define CONTROL_ORIGIN		0x7fffffc0U	/* also of ASN-second-table entries */
#define CONTROL_LIST		16		/* where both have their access list */

#define ALET_RESERVED		0xfe000000U
#define ALET_PRIMARY_LIST	0x01000000U
#define ALET_SEQUENCE(alet)	((alet) >> 16 & 0xff)
#define ALET_NUMBER(alet)	((alet) & 0xffff)

/* Access-list entry. */
struct art_list_entry {
	u32	control;
	u32	reserved;
	u32	second_table;
	u32	second_table_sequence;
};
static_assert(sizeof(struct art_list_entry) == 16);

#define LIST_ENTRY_INVALID	0x80000000U
#define LIST_ENTRY_FETCH_ONLY	0x02000000U
#define LIST_ENTRY_PRIVATE	0x01000000U
#define LIST_ENTRY_SEQUENCE(c)	((c) >> 16 & 0xff)
#define LIST_ENTRY_AUTHORITY(c)	((c) & 0xffff)

/* The beginning of an ASN-second-table entry. */
struct art_second_entry {
	u32	authority_origin;
	u16	authorization_index;
	u16	authority_length;
	u64	asce;
	u32	list;
	u32	sequence;
};
static_assert(sizeof(struct art_second_entry) == 24);

#define SECOND_ENTRY_INVALID	0x80000000U
#define AUTHORITY_ORIGIN	0x7ffffffcU
#define AUTHORITY_SECONDARY	0x40

/* "Extended Authorization": may the extended authorization index use a private entry? */
static int art_authorize(struct vcpu *vcpu, const struct art_list_entry *entry,
			 const struct art_second_entry *second)
{
	u16 index = vcpu->arch.sie->gcr[8] >> 16;
	u8 bits;
	int ret;

	if (!(entry->control & LIST_ENTRY_PRIVATE) ||
	    LIST_ENTRY_AUTHORITY(entry->control) == index)
		return 0;
	if (index >> 4 > second->authority_length >> 4)
		return PGM_EXTENDED_AUTHORITY;

	ret = table_read(vcpu, (second->authority_origin & AUTHORITY_ORIGIN) + index / 4,
			 &bits, sizeof(bits));
	if (ret)
		return ret;

	return bits & (AUTHORITY_SECONDARY >> (index % 4 * 2)) ? 0 : PGM_EXTENDED_AUTHORITY;
}

/* The access-list entry that @alet is about. */
static int art_list_entry(struct vcpu *vcpu, u32 alet, struct art_list_entry *entry)
{
	u64 control = vcpu->arch.sie->gcr[alet & ALET_PRIMARY_LIST ? 5 : 2];
	u32 list;
	int ret;

	if (alet & ALET_RESERVED)
		return PGM_ALET_SPECIFICATION;
	ret = table_read(vcpu, (control & CONTROL_ORIGIN) + CONTROL_LIST, &list, sizeof(list));
	if (ret)
		return ret;
	if (ALET_NUMBER(alet) / 8 > (list & LIST_LENGTH))
		return PGM_ALEN_TRANSLATION;

	ret = table_read(vcpu, (list & LIST_ORIGIN) + ALET_NUMBER(alet) * sizeof(*entry),
			 entry, sizeof(*entry));
	if (ret)
		return ret;
	if (entry->control & LIST_ENTRY_INVALID)
		return PGM_ALEN_TRANSLATION;
	if (LIST_ENTRY_SEQUENCE(entry->control) != ALET_SEQUENCE(alet))
		return PGM_ALE_SEQUENCE;

	return 0;
}

/* "Access-Register-Translation Process", from an ALET that is neither 0 nor 1. */
static int art_translate(struct vcpu *vcpu, u32 alet, struct dat_space *space)
{
	struct art_second_entry second;
	struct art_list_entry entry;
	int ret;

	ret = art_list_entry(vcpu, alet, &entry);
	if (ret)
		return ret;
	ret = table_read(vcpu, entry.second_table & CONTROL_ORIGIN, &second, sizeof(second));
	if (ret)
		return ret;
	if (second.authority_origin & SECOND_ENTRY_INVALID)
		return PGM_ASTE_VALIDITY;
	if (second.sequence != entry.second_table_sequence)
		return PGM_ASTE_SEQUENCE;
	ret = art_authorize(vcpu, &entry, &second);
	if (ret)
		return ret;

	space->asce.val = second.asce;
	space->fetch_only = entry.control & LIST_ENTRY_FETCH_ONLY;

	return 0;
}

static int space_of_access_register(struct vcpu *vcpu, u64 address, u8 ar,
				    enum s390_access access, struct dat_space *space)
{
	/* Access register 0 is as if it contained 0, whatever it does. */
	u32 alet = ar ? s390_ar(vcpu, ar) : 0;
	int ret;

	space->as = DAT_SPACE_ACCESS_REGISTER;
	space->ar = ar;
	if (alet <= 1) {
		space->asce.val = vcpu->arch.sie->gcr[alet ? 7 : 1];
		return 0;
	}

	ret = art_translate(vcpu, alet, space);

	return ret > 0 ? dat_exception(vcpu, ret, space, address, access, DAT_PROTECTION_NONE) :
			 ret;
}

int dat_space(struct vcpu *vcpu, u64 address, u8 ar, enum s390_access access,
	      struct dat_space *space)
{
	u64 mask = vcpu->arch.sie->gpsw.mask, asc = mask & PSW_MASK_ASC;
	const u64 *control = vcpu->arch.sie->gcr;

	*space = (struct dat_space) { .on = mask & PSW_MASK_DAT };
	if (!space->on)
		return 0;

	if (asc == PSW_ASC_HOME) {
		space->as = DAT_SPACE_HOME;
		space->asce.val = control[13];
	} else if (asc == PSW_ASC_PRIMARY || access == S390_EXECUTE) {
		space->as = DAT_SPACE_PRIMARY;
		space->asce.val = control[1];
	} else if (asc == PSW_ASC_SECONDARY) {
		space->as = DAT_SPACE_SECONDARY;
		space->asce.val = control[7];
	} else {
		return space_of_access_register(vcpu, address, ar & 15, access, space);
	}

	return 0;
}

/* --- dynamic address translation ------------------------------------------- */

/* A leaf that is no page: a segment, or a region of 2 GiB. */
static bool is_large(struct vcpu *vcpu, u64 entry, unsigned int level, bool edat)
{
	if (!edat || !(entry & ENTRY_FORMAT_CONTROL))
		return false;

	return level == TABLE_TYPE_SEGMENT ||
	       (level == TABLE_TYPE_REGION3 && s390_facility(vcpu->vm, FACILITY_EDAT2));
}

static void large_leaf(u64 entry, u64 address, unsigned int level, bool iep,
		       struct dat_result *result)
{
	u64 offset = (1UL << dat_levels[level].shift) - 1;

	result->real = (entry & ~offset) | (address & offset);
	result->no_execute = iep && (entry & LEAF_NO_EXECUTE);
	result->has_key = entry & LEAF_ACC_VALID;
	result->key = LEAF_KEY(entry);
}

static int page_leaf(struct vcpu *vcpu, u64 table, u64 address, bool iep,
		     struct dat_result *result)
{
	union page_table_entry pte;
	int ret;

	ret = table_read(vcpu, table + (address >> PAGE_SHIFT & 0xff) * sizeof(pte), &pte.val,
			 sizeof(pte));
	if (ret)
		return ret;
	if (pte.i)
		return PGM_PAGE_TRANSLATION;
	if (pte.z)
		return PGM_TRANSLATION_SPEC;

	result->protected |= pte.p;
	result->no_execute = iep && pte.iep;
	result->real = (pte.val & PAGE_MASK) | offset_in_page(address);

	return 0;
}

/* "Translation Process". */
static int dat_walk(struct vcpu *vcpu, union asce asce, u64 address, struct dat_result *result)
{
	u64 control = vcpu->arch.sie->gcr[0];
	bool edat = (control & CR0_EDAT) && s390_facility(vcpu->vm, FACILITY_EDAT1);
	bool iep = (control & CR0_INSTRUCTION_EXEC_PROTECTION) &&
		   s390_facility(vcpu->vm, FACILITY_IEP);
	u64 table = asce.rsto << PAGE_SHIFT, entry;
	unsigned int level = asce.dt, first = 0, last = asce.tl, index;
	int ret;

	if (level < TABLE_TYPE_REGION1 && address >> (dat_levels[level].shift + INDEX_BITS))
		return PGM_ASCE_TYPE;

	for (;; level--) {
		index = address >> dat_levels[level].shift & INDEX_MASK;
		if (index >> 9 < first || index >> 9 > last)
			return dat_levels[level].exception;
		ret = table_read(vcpu, table + index * sizeof(entry), &entry, sizeof(entry));
		if (ret)
			return ret;
		if (entry & ENTRY_INVALID)
			return dat_levels[level].exception;
		if (ENTRY_TYPE(entry) != level ||
		    (level <= TABLE_TYPE_REGION3 && asce.p && (entry & ENTRY_COMMON)))
			return PGM_TRANSLATION_SPEC;
		if (edat || level == TABLE_TYPE_SEGMENT)
			result->protected |= !!(entry & ENTRY_PROTECTED);
		if (is_large(vcpu, entry, level, edat)) {
			large_leaf(entry, address, level, iep, result);
			return 0;
		}
		if (level == TABLE_TYPE_SEGMENT)
			return page_leaf(vcpu, entry & ENTRY_PAGE_TABLE, address, iep, result);
		first = ENTRY_OFFSET(entry);
		last = ENTRY_LENGTH(entry);
		table = entry & ENTRY_ORIGIN;
	}
}

int dat_translate(struct vcpu *vcpu, const struct dat_space *space, u64 address,
		  enum s390_access access, struct dat_result *result)
{
	int ret = 0;

	*result = (struct dat_result) { .real = address };
	if (space->on && !space->asce.r)
		ret = dat_walk(vcpu, space->asce, address, result);
	if (ret > 0)
		return dat_exception(vcpu, ret, space, address, access, DAT_PROTECTION_NONE);

	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to guest storage on behalf of the guest's CPU: prefixing, protection, and
 * copies that are checked whole before they begin.  The guest's tables are walked in
 * access_dat.c.
 */
#include <asm/ctlreg.h>
#include <core/memslot.h>

#include "s390.h"
#include "access_dat.h"

/* "Storage Key". */
#define KEY_ACCESS(key)		(((key) & S390_KEY_ACC) >> 4)
/* The access-control bits that storage-protection override is about. */
#define KEY_OVERRIDE		9

#define PREFIX_AREA		(2 * PAGE_SIZE)

/* --- addresses ---------------------------------------------------------------- */

u8 s390_psw_key(struct vcpu *vcpu)
{
	return (vcpu->arch.sie->gpsw.mask & PSW_MASK_KEY) >> 52;
}

u64 s390_wrap(struct vcpu *vcpu, u64 address)
{
	u64 mask = vcpu->arch.sie->gpsw.mask;

	if (mask & PSW_MASK_EA)
		return address;

	return address & (mask & PSW_MASK_BA ? 0x7fffffff : 0xffffff);
}

gpa_t s390_real_to_abs(struct vcpu *vcpu, u64 real)
{
	u64 prefix = s390_prefix(vcpu);

	if (real < PREFIX_AREA)
		return real + prefix;
	if (real - prefix < PREFIX_AREA)
		return real - prefix;

	return real;
}

/* --- protection ----------------------------------------------------------------- */

bool s390_low_protected(struct vcpu *vcpu, u64 address)
{
	return (vcpu->arch.sie->gcr[0] & CR0_LOW_ADDRESS_PROTECTION) && !(address & ~0x11ffUL);
}

bool s390_key_allows(struct vcpu *vcpu, u8 key, u8 storage_key, enum s390_access access,
		     u64 address, bool private)
{
	u64 control = vcpu->arch.sie->gcr[0];

	if (!key || KEY_ACCESS(storage_key) == key)
		return true;
	if ((control & CR0_STORAGE_PROTECTION_OVERRIDE) &&
	    KEY_ACCESS(storage_key) == KEY_OVERRIDE)
		return true;
	if (access == S390_STORE)
		return false;
	if (!(storage_key & S390_KEY_FP))
		return true;

	return (control & CR0_FETCH_PROTECTION_OVERRIDE) && address < 2048 && !private;
}

/* The program-interruption code of an access to absolute storage, or 0. */
static u16 slot_refuses(struct vcpu *vcpu, gpa_t absolute)
{
	return vcpu_memslot(vcpu, gpa_to_gfn(absolute)) ? 0 : PGM_ADDRESSING;
}

/* What forbids the access but for the key. */
static enum dat_protection protection(struct vcpu *vcpu, const struct dat_space *space,
				      const struct dat_result *result, u64 address,
				      enum s390_access access)
{
	if (access == S390_EXECUTE && result->no_execute)
		return DAT_PROTECTION_EXECUTE;
	if (access != S390_STORE)
		return DAT_PROTECTION_NONE;
	if (!(space->on && space->asce.p) && s390_low_protected(vcpu, address))
		return DAT_PROTECTION_LOW;
	if (space->fetch_only)
		return DAT_PROTECTION_LIST;

	return result->protected ? DAT_PROTECTION_TABLE : DAT_PROTECTION_NONE;
}

/* An address of one page, checked for all that may stop the access. */
static int translate_page(struct vcpu *vcpu, const struct dat_space *space, u64 address,
			  enum s390_access access, u8 key, gpa_t *absolute)
{
	bool private = space->on && space->asce.p;
	enum dat_protection reason;
	struct dat_result result;
	u8 storage_key;
	u16 code;
	int ret;

	ret = dat_translate(vcpu, space, address, access, &result);
	if (ret)
		return ret;
	*absolute = s390_real_to_abs(vcpu, result.real);
	code = slot_refuses(vcpu, *absolute);
	if (code)
		return dat_exception(vcpu, code, space, address, access, DAT_PROTECTION_NONE);
	reason = protection(vcpu, space, &result, address, access);
	if (reason)
		return dat_exception(vcpu, PGM_PROTECTION, space, address, access, reason);
	if (!key)
		return 0;

	storage_key = result.key;
	if (!result.has_key)
		ret = s390_key_get(vcpu->vm, gpa_to_gfn(*absolute), &storage_key);
	if (ret)
		return ret;
	if (!s390_key_allows(vcpu, key, storage_key, access, address, private))
		return dat_exception(vcpu, PGM_PROTECTION, space, address, access,
				     DAT_PROTECTION_KEY);

	return 0;
}

/* --- logical addresses ------------------------------------------------------------ */

/* Pages that an operand may touch. */
#define OPERAND_PAGES	(S390_ACCESS_MAX / PAGE_SIZE + 1)

/* The absolute addresses of all pages of an operand, each with the offset of its part. */
static int operand_pages(struct vcpu *vcpu, const struct s390_operand *operand, gpa_t *pages)
{
	u64 address = s390_wrap(vcpu, operand->address);
	u32 left = operand->len, part;
	struct dat_space space;
	int ret;

	s390_ipte_lock(vcpu->vm);
	ret = dat_space(vcpu, address, operand->ar, operand->access, &space);
	while (!ret && left) {
		part = min_t(u32, left, PAGE_SIZE - offset_in_page(address));
		ret = translate_page(vcpu, &space, address, operand->access, operand->key,
				     pages++);
		address = s390_wrap(vcpu, address + part);
		left -= part;
	}
	s390_ipte_unlock(vcpu->vm);

	return ret;
}

int s390_operand(struct vcpu *vcpu, const struct s390_operand *operand, void *data)
{
	gpa_t pages[OPERAND_PAGES];
	u32 done = 0, part;
	int ret, i;

	if (!operand->len || operand->len > S390_ACCESS_MAX)
		return -EINVAL;
	ret = operand_pages(vcpu, operand, pages);
	if (ret || !data)
		return ret;

	for (i = 0; !ret && done < operand->len; i++) {
		part = min_t(u32, operand->len - done, PAGE_SIZE - offset_in_page(pages[i]));
		if (operand->access == S390_STORE)
			ret = guest_write(vcpu, pages[i], data + done, part);
		else
			ret = guest_read(vcpu, pages[i], data + done, part);
		done += part;
	}

	return ret;
}

int s390_read(struct vcpu *vcpu, u64 address, u8 ar, void *data, u32 len)
{
	const struct s390_operand operand = {
		.address = address, .len = len, .ar = ar, .key = s390_psw_key(vcpu),
		.access = S390_FETCH,
	};

	return s390_operand(vcpu, &operand, data);
}

int s390_write(struct vcpu *vcpu, u64 address, u8 ar, const void *data, u32 len)
{
	const struct s390_operand operand = {
		.address = address, .len = len, .ar = ar, .key = s390_psw_key(vcpu),
		.access = S390_STORE,
	};

	/* It is only read: see s390_operand(). */
	return s390_operand(vcpu, &operand, (void *)data);
}

int s390_fetch(struct vcpu *vcpu, u64 address, void *data, u32 len)
{
	const struct s390_operand operand = {
		.address = address, .len = len, .key = s390_psw_key(vcpu),
		.access = S390_EXECUTE,
	};

	return s390_operand(vcpu, &operand, data);
}

int s390_translate(struct vcpu *vcpu, u64 address, u8 ar, enum s390_access access, u8 key,
		   gpa_t *absolute)
{
	const struct s390_operand operand = {
		.address = address, .len = 1, .ar = ar, .key = key, .access = access,
	};

	return operand_pages(vcpu, &operand, absolute);
}

int s390_translate_only(struct vcpu *vcpu, u64 address, u8 ar, gpa_t *absolute,
			bool *protected)
{
	struct dat_result result = { };
	struct dat_space space;
	int ret;

	address = s390_wrap(vcpu, address);
	s390_ipte_lock(vcpu->vm);
	ret = dat_space(vcpu, address, ar, S390_FETCH, &space);
	if (!ret)
		ret = dat_translate(vcpu, &space, address, S390_FETCH, &result);
	s390_ipte_unlock(vcpu->vm);
	if (ret)
		return ret;

	*absolute = s390_real_to_abs(vcpu, result.real);
	*protected = protection(vcpu, &space, &result, address, S390_STORE);

	return 0;
}

/* --- real addresses ---------------------------------------------------------------- */

static int real_check(struct vcpu *vcpu, u64 real, enum s390_access access, gpa_t *absolute)
{
	u16 code;

	*absolute = s390_real_to_abs(vcpu, real);
	code = slot_refuses(vcpu, *absolute);
	if (code)
		vcpu->arch.pgm = (struct kvm_s390_pgm_info) { .code = code };

	return code;
}

int s390_read_real(struct vcpu *vcpu, u64 real, void *data, u32 len)
{
	gpa_t absolute;
	int ret = 0;
	u32 part;

	/* The next page may be elsewhere, or nowhere. */
	for (; !ret && len; real += part, data += part, len -= part) {
		part = min_t(u32, len, PAGE_SIZE - offset_in_page(real));
		ret = real_check(vcpu, real, S390_FETCH, &absolute) ?:
		      guest_read(vcpu, absolute, data, part);
	}

	return ret;
}

int s390_write_real(struct vcpu *vcpu, u64 real, const void *data, u32 len)
{
	gpa_t absolute;

	return real_check(vcpu, real, S390_STORE, &absolute) ?:
	       guest_write(vcpu, absolute, data, len);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercepted instructions about storage: keys, frames, protection, and changes of the
 * guest's own tables.  Storage keys are kept in keys.c; the hardware's follow them.
 * Called by insn.c, which has looked at who may.
 */
#include <linux/sched.h>

#include "s390.h"

/* Bits of a storage key, as a register has them; the last one is none. */
#define KEY_MASK	0xfeU

/* m3 of SSKE, and PFMF's bits of the same names. */
#define SSKE_MR		0x4	/* reference-bit update is not asked for */
#define SSKE_MC		0x2	/* likewise the change bit */
#define SSKE_MB		0x1	/* several blocks, to the end of the megabyte */

#define SEGMENT_SIZE	(1UL << 20)

/* Frames between two looks at whether the host wants the CPU. */
#define FRAMES_AT_ONCE	64

static int key_failed(struct vcpu *vcpu, int ret)
{
	if (ret == -EFAULT)
		return s390_inject_program(vcpu, PGM_ADDRESSING);

	return ret;
}

static gfn_t real_frame(struct vcpu *vcpu, const struct insn *insn)
{
	return gpa_to_gfn(s390_real_to_abs(vcpu, insn_rre_address2(vcpu, insn) & PAGE_MASK));
}

/* --- one key --------------------------------------------------------------------------- */

int priv_iske(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rre_r1(insn);
	u8 key;
	int ret = s390_key_get(vcpu->vm, real_frame(vcpu, insn), &key);

	if (ret)
		return key_failed(vcpu, ret);
	s390_set_gpr(vcpu, r1, (s390_gpr(vcpu, r1) & ~0xffULL) | (key & KEY_MASK));

	return RESUME_GUEST;
}

int priv_rrbe(struct vcpu *vcpu, const struct insn *insn)
{
	u8 key;
	int ret = s390_key_reset_ref(vcpu->vm, real_frame(vcpu, insn), &key);

	if (ret)
		return key_failed(vcpu, ret);

	/* The reference and the change bit as they were. */
	return insn_done(vcpu, (key & (S390_KEY_REF | S390_KEY_CHG)) >> 1);
}

/* What a conditional setting leaves alone, if the rest is the same. */
static u8 key_ignored(unsigned int m3)
{
	u8 ignored = 0;

	if (m3 & SSKE_MR)
		ignored |= S390_KEY_REF;
	if (m3 & SSKE_MC)
		ignored |= S390_KEY_CHG;

	return ignored;
}

/* Set one; with MR or MC only if something differs.  @old: before.  1: set, 0: not, -errno. */
static int key_set(struct vm *vm, gfn_t gfn, u8 key, unsigned int m3, u8 *old)
{
	int ret;

	ret = s390_key_get(vm, gfn, old);
	if (ret)
		return ret;
	if (m3 & (SSKE_MR | SSKE_MC) && !((*old ^ key) & KEY_MASK & ~key_ignored(m3)))
		return 0;

	ret = s390_key_set(vm, gfn, key & KEY_MASK);

	return ret ?: 1;
}

static int sske_one(struct vcpu *vcpu, const struct insn *insn, unsigned int m3)
{
	unsigned int r1 = insn_rre_r1(insn);
	u64 value = s390_gpr(vcpu, r1);
	u8 old;
	int ret = key_set(vcpu->vm, real_frame(vcpu, insn), value, m3, &old);

	if (ret < 0)
		return key_failed(vcpu, ret);
	if (!(m3 & (SSKE_MR | SSKE_MC)))
		return RESUME_GUEST;
	s390_set_gpr(vcpu, r1, (value & ~0xff00ULL) | (u64)(old & KEY_MASK) << 8);

	return insn_done(vcpu, ret);
}

/* --- many frames -------------------------------------------------------------------------- */

/* What SSKE and PFMF do with each frame. */
struct frames {
	bool		clear, set_key;
	u8		key;
	unsigned int	m3;
};

static int frame_clear(struct vcpu *vcpu, gfn_t gfn)
{
	static const u8 zeroes[PAGE_SIZE];

	return guest_write(vcpu, gfn_to_gpa(gfn), zeroes, PAGE_SIZE);
}

static int frame_do(struct vcpu *vcpu, gfn_t gfn, const struct frames *frames)
{
	int ret = 0;
	u8 old;

	if (frames->clear)
		ret = frame_clear(vcpu, gfn);
	if (!ret && frames->set_key)
		ret = key_set(vcpu->vm, gfn, frames->key, frames->m3, &old);

	return min(ret, 0);
}

/* The address after @done bytes, where the addressing mode keeps its upper bits. */
static void frames_advance(struct vcpu *vcpu, unsigned int r2, u64 address)
{
	u64 old = s390_gpr(vcpu, r2);
	u64 kept = ~s390_wrap(vcpu, ~0ULL);

	s390_set_gpr(vcpu, r2, (old & kept) | s390_wrap(vcpu, address));
}

/*
 * From the second operand, an absolute address, to the end of the megabyte.  Interruptible:
 * what is left is done when the instruction is executed again.
 */
static int frames_do(struct vcpu *vcpu, const struct insn *insn, const struct frames *frames)
{
	u64 address = insn_rre_address2(vcpu, insn) & PAGE_MASK;
	u64 end = (address & ~(SEGMENT_SIZE - 1)) + SEGMENT_SIZE;
	unsigned int count = 0;
	int ret = 0;

	for (; address != end; address += PAGE_SIZE) {
		if (++count > FRAMES_AT_ONCE && (need_resched() || vcpu_interrupted(vcpu))) {
			frames_advance(vcpu, insn_rre_r2(insn), address);
			return s390_insn_retry(vcpu);
		}
		ret = frame_do(vcpu, gpa_to_gfn(address), frames);
		if (ret)
			break;
	}
	frames_advance(vcpu, insn_rre_r2(insn), address);

	return ret ? key_failed(vcpu, ret) : RESUME_GUEST;
}

int priv_sske(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int m3 = insn_rrf_m3(insn);
	struct frames frames = {
		.set_key = true,
		.key = s390_gpr(vcpu, insn_rre_r1(insn)),
	};
	int ret;

	/* Bits of facilities that are not there are ignored. */
	if (!s390_facility(vcpu->vm, 10))
		m3 &= ~(SSKE_MR | SSKE_MC);
	if (!s390_facility(vcpu->vm, 8))
		m3 &= ~SSKE_MB;
	if (!(m3 & SSKE_MB))
		return sske_one(vcpu, insn, m3);

	frames.m3 = m3;
	ret = frames_do(vcpu, insn, &frames);
	/* "Not predictable": it says that keys were set. */
	if (ret == RESUME_GUEST && m3 & (SSKE_MR | SSKE_MC))
		s390_set_cc(vcpu, 3);

	return ret;
}

/* The first operand of PFMF; @SK and @CF say what to do. */
#define PFMF_RESERVED	0xfffc0101U
#define PFMF_SK		BIT(63 - 46)
#define PFMF_CF		BIT(63 - 47)
#define PFMF_FSC	GENMASK(63 - 49, 63 - 51)
#define PFMF_FSC_4K	0x0000
#define PFMF_FSC_1M	0x1000
#define PFMF_NQ		BIT(63 - 52)
#define PFMF_MR		BIT(63 - 53)
#define PFMF_MC		BIT(63 - 54)

static bool pfmf_valid(struct vm *vm, u64 value)
{
	if (value & PFMF_RESERVED)
		return false;
	if ((value & PFMF_FSC) != PFMF_FSC_4K && (value & PFMF_FSC) != PFMF_FSC_1M)
		return false;

	return !(value & PFMF_NQ) || s390_facility(vm, 14);
}

int priv_pfmf(struct vcpu *vcpu, const struct insn *insn)
{
	u64 value = s390_gpr(vcpu, insn_rre_r1(insn));
	struct frames frames = {
		.clear	 = value & PFMF_CF,
		.set_key = value & PFMF_SK,
		.key	 = value,
	};
	int ret;

	if (!s390_facility(vcpu->vm, 8))
		return s390_inject_program(vcpu, PGM_OPERATION);
	if (!pfmf_valid(vcpu->vm, value))
		return s390_inject_program(vcpu, PGM_SPECIFICATION);
	if (s390_facility(vcpu->vm, 10))
		frames.m3 = (value & PFMF_MR ? SSKE_MR : 0) | (value & PFMF_MC ? SSKE_MC : 0);
	if ((value & PFMF_FSC) != PFMF_FSC_4K)
		return frames_do(vcpu, insn, &frames);

	if (frames.clear && s390_low_protected(vcpu, insn_rre_address2(vcpu, insn) & PAGE_MASK))
		return s390_inject_program(vcpu, PGM_PROTECTION);
	ret = frame_do(vcpu, real_frame(vcpu, insn), &frames);

	return ret ? key_failed(vcpu, ret) : RESUME_GUEST;
}

/* TEST BLOCK: all storage is good. */
int priv_tb(struct vcpu *vcpu, const struct insn *insn)
{
	int ret;

	if (s390_low_protected(vcpu, insn_rre_address2(vcpu, insn) & PAGE_MASK))
		return s390_inject_program(vcpu, PGM_PROTECTION);
	ret = frame_clear(vcpu, real_frame(vcpu, insn));
	if (ret)
		return key_failed(vcpu, ret);
	s390_set_gpr(vcpu, 0, 0);

	return insn_done(vcpu, 0);
}

/* --- TEST PROTECTION -------------------------------------------------------------------------- */

enum {
	TPROT_FETCH_STORE,
	TPROT_FETCH,
	TPROT_NONE,
	TPROT_NO_TRANSLATION,
};

/* Exceptions that the instruction tells by its condition code. */
static bool tprot_tells(u16 code)
{
	switch (code) {
	case PGM_SEGMENT_TRANSLATION:
	case PGM_PAGE_TRANSLATION:
	case PGM_ASCE_TYPE:
	case PGM_REGION_FIRST_TRANS:
	case PGM_REGION_SECOND_TRANS:
	case PGM_REGION_THIRD_TRANS:
	case PGM_ALET_SPECIFICATION:
	case PGM_ALEN_TRANSLATION:
	case PGM_ALE_SEQUENCE:
	case PGM_ASTE_VALIDITY:
	case PGM_ASTE_SEQUENCE:
	case PGM_EXTENDED_AUTHORITY:
		return true;
	default:
		return false;
	}
}

int priv_tprot(struct vcpu *vcpu, const struct insn *insn)
{
	u64 address = insn_s_address(vcpu, insn);
	u8 key = insn_sse_address2(vcpu, insn) >> 4 & 0xf, storage_key;
	bool protected;
	gpa_t absolute;
	int ret;

	ret = s390_translate_only(vcpu, address, insn_base(insn), &absolute, &protected);
	if (ret > 0 && tprot_tells(ret))
		return insn_done(vcpu, TPROT_NO_TRANSLATION);
	if (ret)
		return exit_access(vcpu, ret);
	ret = s390_key_get(vcpu->vm, gpa_to_gfn(absolute), &storage_key);
	if (ret)
		return key_failed(vcpu, ret);

	if (!s390_key_allows(vcpu, key, storage_key, S390_FETCH, address, false))
		return insn_done(vcpu, TPROT_NONE);
	if (protected ||
	    !s390_key_allows(vcpu, key, storage_key, S390_STORE, address, false))
		return insn_done(vcpu, TPROT_FETCH);

	return insn_done(vcpu, TPROT_FETCH_STORE);
}

/* --- the interlock of IPTE ----------------------------------------------------------------------- */

/*
 * IPTE, IDTE and the like are done by the hardware.  It leaves one to us if the interlock
 * was taken, and then it is just early.
 */
int priv_interlock(struct vcpu *vcpu, const struct insn *insn)
{
	s390_insn_retry(vcpu);
	cond_resched();

	return RESUME_GUEST;
}

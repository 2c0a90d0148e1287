// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers as user space gets and sets them one by one, and the list of those
 * that a vCPU has.  One table drives all three; what a register number means is
 * in <asm/kvm.h>.  The vCPU is not loaded, so its registers are in memory.
 */
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cacheflush.h>
#include <asm/sbi.h>
#include <asm/vector.h>

#include "riscv.h"

/* The parts of an id.  Registers of unsigned long are 64 bits wide here. */
#define REG_GROUP	(KVM_REG_RISCV_TYPE_MASK | KVM_REG_RISCV_SUBTYPE_MASK)
#define REG_NUMBER	0xffffULL
#define REG_SCOPE	(KVM_REG_ARCH_MASK | GENMASK_ULL(51, 32))

/*
 * Consecutive registers of one kind.  Handlers get their place in the row, not
 * their number.
 */
struct reg_row {
	u32	group;		/* KVM_REG_RISCV_*: type and subtype */
	u16	first;		/* number of the first register */
	u16	count;
	u64	size;		/* KVM_REG_SIZE_*, or 0: a vector register */
	bool	final;		/* as it is once the vCPU has run */
	bool	unlisted;	/* another view of registers that are listed */

	/* The row's first register in struct vcpu, an array of u64; without get. */
	size_t	field;

	/* Does this vCPU have it?  NULL: every vCPU does. */
	bool	(*exists)(struct vcpu *vcpu, unsigned int index);
	u64	(*get)(struct vcpu *vcpu, unsigned int index);
	/* 0 or -errno.  NULL with get: only its own value can be set. */
	int	(*set)(struct vcpu *vcpu, unsigned int index, u64 value);
};

/* --- configuration -------------------------------------------------------- */

static u64 get_isa(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa_letters(vcpu);
}

static int set_isa(struct vcpu *vcpu, unsigned int index, u64 value)
{
	return riscv_isa_set_letters(vcpu, value);
}

static bool has_zicbom(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, KVM_RISCV_ISA_EXT_ZICBOM);
}

static u64 get_zicbom_block_size(struct vcpu *vcpu, unsigned int index)
{
	return riscv_cbom_block_size;
}

static bool has_zicboz(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, KVM_RISCV_ISA_EXT_ZICBOZ);
}

static u64 get_zicboz_block_size(struct vcpu *vcpu, unsigned int index)
{
	return riscv_cboz_block_size;
}

/* The guest's own translation goes as deep as the host's. */
static u64 get_satp_mode(struct vcpu *vcpu, unsigned int index)
{
	return csr_read(CSR_SATP) >> SATP_MODE_SHIFT;
}

/* --- general registers ---------------------------------------------------- */

static int set_pc(struct vcpu *vcpu, unsigned int index, u64 value)
{
	vcpu->arch.context.pc = value;
	/* Whoever says where to begin may have put the code there. */
	vcpu_request(vcpu, REQ_FENCE_I);

	return 0;
}

static u64 get_mode(struct vcpu *vcpu, unsigned int index)
{
	return riscv_user_mode(vcpu) ? KVM_RISCV_MODE_U : KVM_RISCV_MODE_S;
}

static int set_mode(struct vcpu *vcpu, unsigned int index, u64 value)
{
	struct riscv_context *context = &vcpu->arch.context;

	if (value != KVM_RISCV_MODE_S && value != KVM_RISCV_MODE_U)
		return -EINVAL;

	/* Where SRET leads, and whom we stand in for when we read guest memory. */
	context->sstatus &= ~SR_SPP;
	context->hstatus &= ~HSTATUS_SPVP;
	if (value == KVM_RISCV_MODE_S) {
		context->sstatus |= SR_SPP;
		context->hstatus |= HSTATUS_SPVP;
	}

	return 0;
}

/* --- control and status registers ----------------------------------------- */

/*
 * What the CPU makes of @value in a CSR that does not take every value, from @start,
 * which it takes.  Loaded as it is, such a value would leave the guest with that of
 * whoever had the CPU before.  No vCPU is loaded here.
 */
#define CSR_LEGAL(csr, start, value)		\
	({					\
		unsigned long legal_;		\
						\
		preempt_disable();		\
		csr_write(csr, start);		\
		csr_write(csr, value);		\
		legal_ = csr_swap(csr, start);	\
		preempt_enable();		\
		legal_;				\
	})

static int set_sstatus(struct vcpu *vcpu, unsigned int index, u64 value)
{
	vcpu->arch.csr.sstatus = CSR_LEGAL(CSR_VSSTATUS, SR_UXL_64, value);

	return 0;
}

static int set_stvec(struct vcpu *vcpu, unsigned int index, u64 value)
{
	vcpu->arch.csr.stvec = CSR_LEGAL(CSR_VSTVEC, 0, value);

	return 0;
}

static int set_satp(struct vcpu *vcpu, unsigned int index, u64 value)
{
	vcpu->arch.csr.satp = CSR_LEGAL(CSR_VSATP, 0, value);

	return 0;
}

static u64 get_sip(struct vcpu *vcpu, unsigned int index)
{
	return riscv_sip(vcpu);
}

static int set_sip(struct vcpu *vcpu, unsigned int index, u64 value)
{
	riscv_set_sip(vcpu, value);

	return 0;
}

static bool has_ssaia(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, KVM_RISCV_ISA_EXT_SSAIA);
}

/* Upper halves, of which a 64-bit CPU has none. */
static u64 get_upper_half(struct vcpu *vcpu, unsigned int index)
{
	return 0;
}

static bool has_smstateen(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, KVM_RISCV_ISA_EXT_SMSTATEEN);
}

/* --- time ----------------------------------------------------------------- */

static u64 get_frequency(struct vcpu *vcpu, unsigned int index)
{
	return riscv_host.timebase;
}

static u64 get_time(struct vcpu *vcpu, unsigned int index)
{
	return riscv_time(vcpu);
}

static int set_time(struct vcpu *vcpu, unsigned int index, u64 value)
{
	riscv_timer_set_time(vcpu, value);

	return 0;
}

static u64 get_compare(struct vcpu *vcpu, unsigned int index)
{
	return riscv_timer_compare(vcpu);
}

static int set_compare(struct vcpu *vcpu, unsigned int index, u64 value)
{
	riscv_timer_set_compare(vcpu, value);

	return 0;
}

static u64 get_timer_state(struct vcpu *vcpu, unsigned int index)
{
	return riscv_timer_is_set(vcpu) ? KVM_RISCV_TIMER_STATE_ON : KVM_RISCV_TIMER_STATE_OFF;
}

static int set_timer_state(struct vcpu *vcpu, unsigned int index, u64 value)
{
	if (value != KVM_RISCV_TIMER_STATE_ON && value != KVM_RISCV_TIMER_STATE_OFF)
		return -EINVAL;
	riscv_timer_set_state(vcpu, value == KVM_RISCV_TIMER_STATE_ON);

	return 0;
}

/* --- floating point and vector -------------------------------------------- */

static bool has_f(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, KVM_RISCV_ISA_EXT_F);
}

static bool has_d(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, KVM_RISCV_ISA_EXT_D);
}

/* Registers are as wide as D has them; F is their lower half. */
static u64 get_fp_f(struct vcpu *vcpu, unsigned int index)
{
	return lower_32_bits(vcpu->arch.simd.fp.d.f[index]);
}

/*
 * A narrow value is NaN-boxed (ISA manual, "NaN Boxing of Narrower Values").  One
 * that is there already may be half of a double, which stays whole: whoever saves
 * and restores both views does so in any order.
 */
static int set_fp_f(struct vcpu *vcpu, unsigned int index, u64 value)
{
	u64 *reg = &vcpu->arch.simd.fp.d.f[index];

	if (lower_32_bits(*reg) != value)
		*reg = GENMASK_ULL(63, 32) | value;

	return 0;
}

static u64 get_fcsr(struct vcpu *vcpu, unsigned int index)
{
	return vcpu->arch.simd.fp.d.fcsr;
}

static int set_fcsr(struct vcpu *vcpu, unsigned int index, u64 value)
{
	vcpu->arch.simd.fp.d.fcsr = value;

	return 0;
}

static unsigned long vector_bytes(void)
{
	return riscv_v_vsize / 32;
}

static bool has_vector_regs(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, KVM_RISCV_ISA_EXT_V) && vcpu->arch.simd.vector.datap;
}

static u64 get_vlenb(struct vcpu *vcpu, unsigned int index)
{
	return vector_bytes();
}

static void *vector_reg(struct vcpu *vcpu, unsigned int index)
{
	return vcpu->arch.simd.vector.datap + index * vector_bytes();
}

/* --- extensions of the ISA ------------------------------------------------ */

#define ISA_WORDS	(KVM_REG_RISCV_ISA_MULTI_REG_LAST + 1)

static_assert(ARRAY_SIZE(((struct vcpu *)0)->arch.isa) >= ISA_WORDS);

static bool has_isa_ext(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa_host(index);
}

static u64 get_isa_ext(struct vcpu *vcpu, unsigned int index)
{
	return riscv_isa(vcpu, index);
}

static int set_isa_ext(struct vcpu *vcpu, unsigned int index, u64 value)
{
	unsigned long add[ARRAY_SIZE(vcpu->arch.isa)] = { }, remove[ARRAY_SIZE(add)] = { };

	if (value > 1)
		return -EINVAL;
	__set_bit(index, value ? add : remove);

	return riscv_isa_change(vcpu, add, remove);
}

/* Many at once, by bit: those the guest has, and for the other view the rest. */
static u64 get_isa_enabled(struct vcpu *vcpu, unsigned int index)
{
	return vcpu->arch.isa[index];
}

static int set_isa_enabled(struct vcpu *vcpu, unsigned int index, u64 value)
{
	unsigned long add[ARRAY_SIZE(vcpu->arch.isa)] = { }, none[ARRAY_SIZE(add)] = { };

	add[index] = value;

	return riscv_isa_change(vcpu, add, none);
}

static u64 get_isa_disabled(struct vcpu *vcpu, unsigned int index)
{
	return ~get_isa_enabled(vcpu, index);
}

static int set_isa_disabled(struct vcpu *vcpu, unsigned int index, u64 value)
{
	unsigned long remove[ARRAY_SIZE(vcpu->arch.isa)] = { }, none[ARRAY_SIZE(remove)] = { };

	remove[index] = value;

	return riscv_isa_change(vcpu, none, remove);
}

/* --- extensions of the SBI, and the state of one -------------------------- */

#define SBI_WORDS	(KVM_REG_RISCV_SBI_MULTI_REG_LAST + 1)

/* What follows does with one word. */
static_assert(SBI_WORDS == 1 && sizeof_field(struct vcpu, arch.sbi) == sizeof(u64));

static bool sbi_known(unsigned int ext)
{
	return ext < RISCV_SBI_COUNT && riscv_sbi_known(ext);
}

/* As riscv_isa_change(), but any of them may go. */
static int sbi_change(struct vcpu *vcpu, unsigned long add, unsigned long remove)
{
	unsigned long *sbi = vcpu->arch.sbi;
	unsigned int ext;

	if (!(add & ~*sbi) && !(remove & *sbi))
		return 0;
	if (vcpu->arch.ran)
		return -EBUSY;
	for_each_set_bit(ext, &add, BITS_PER_LONG)
		if (!sbi_known(ext))
			return -EINVAL;

	*sbi = (*sbi | add) & ~remove;
	if (remove & BIT(KVM_RISCV_SBI_EXT_STA))
		vcpu->arch.steal.gpa = GPA_INVALID;

	return 0;
}

static bool has_sbi_ext(struct vcpu *vcpu, unsigned int index)
{
	return sbi_known(index);
}

static u64 get_sbi_ext(struct vcpu *vcpu, unsigned int index)
{
	return test_bit(index, vcpu->arch.sbi);
}

static int set_sbi_ext(struct vcpu *vcpu, unsigned int index, u64 value)
{
	if (value > 1)
		return -EINVAL;

	return sbi_change(vcpu, value ? BIT(index) : 0, value ? 0 : BIT(index));
}

static u64 get_sbi_enabled(struct vcpu *vcpu, unsigned int index)
{
	return *vcpu->arch.sbi;
}

static int set_sbi_enabled(struct vcpu *vcpu, unsigned int index, u64 value)
{
	return sbi_change(vcpu, value, 0);
}

static u64 get_sbi_disabled(struct vcpu *vcpu, unsigned int index)
{
	return ~*vcpu->arch.sbi;
}

static int set_sbi_disabled(struct vcpu *vcpu, unsigned int index, u64 value)
{
	return sbi_change(vcpu, 0, value);
}

static bool has_sta(struct vcpu *vcpu, unsigned int index)
{
	return test_bit(KVM_RISCV_SBI_EXT_STA, vcpu->arch.sbi);
}

static u64 get_sta_lo(struct vcpu *vcpu, unsigned int index)
{
	return vcpu->arch.steal.gpa;
}

static_assert(GPA_INVALID == ~0ULL);

static int set_sta_lo(struct vcpu *vcpu, unsigned int index, u64 value)
{
	if (value != GPA_INVALID && !IS_ALIGNED(value, sizeof(struct sbi_sta_struct)))
		return -EINVAL;
	vcpu->arch.steal.gpa = value;
	/* What has been waited until now is in the record, or not the guest's. */
	vcpu->arch.steal.clock.task = 0;
	/* So it may say, from where it comes. */
	vcpu->arch.steal.preempted = true;

	return 0;
}

/* All of an address is in the lower register; both are ones for "nowhere". */
static u64 get_sta_hi(struct vcpu *vcpu, unsigned int index)
{
	return vcpu->arch.steal.gpa == GPA_INVALID ? ~0ULL : 0;
}

static int set_sta_hi(struct vcpu *vcpu, unsigned int index, u64 value)
{
	if (value && value != ~0ULL)
		return -EINVAL;
	/* 0 says nothing before the other register is set as well. */
	if (value)
		vcpu->arch.steal.gpa = GPA_INVALID;

	return 0;
}

/* Three registers per feature: is it offered, is it locked, and its value. */
enum { FEATURE_OFFERED, FEATURE_FLAGS, FEATURE_VALUE, FEATURE_REGS };

static bool has_feature(struct vcpu *vcpu, unsigned int index)
{
	return test_bit(RISCV_SBI_FWFT, vcpu->arch.sbi) &&
	       riscv_feature_known(index / FEATURE_REGS);
}

static u64 get_feature(struct vcpu *vcpu, unsigned int index)
{
	const struct riscv_feature *feature = &vcpu->arch.feature[index / FEATURE_REGS];
	const u64 values[FEATURE_REGS] = {
		[FEATURE_OFFERED] = feature->offered,
		[FEATURE_FLAGS] = feature->locked,
		[FEATURE_VALUE] = feature->value,
	};

	return values[index % FEATURE_REGS];
}

static int set_feature(struct vcpu *vcpu, unsigned int index, u64 value)
{
	const unsigned int number = index / FEATURE_REGS;
	struct riscv_feature *feature = &vcpu->arch.feature[number];

	if (index % FEATURE_REGS == FEATURE_VALUE) {
		if (!riscv_feature_valid(number, value))
			return -EINVAL;
		feature->value = value;
		riscv_configure(vcpu);
		return 0;
	}
	if (value > 1)
		return -EINVAL;
	if (index % FEATURE_REGS == FEATURE_FLAGS) {
		feature->locked = value;
		return 0;
	}
	if (vcpu->arch.ran && value != feature->offered)
		return -EBUSY;
	feature->offered = value;

	return 0;
}

/* --- the table ------------------------------------------------------------ */

#define CONFIG(name_)	.group = KVM_REG_RISCV_CONFIG, .size = KVM_REG_SIZE_U64,	\
			.first = KVM_REG_RISCV_CONFIG_REG(name_)
#define CORE(name_)	.group = KVM_REG_RISCV_CORE, .size = KVM_REG_SIZE_U64,		\
			.first = KVM_REG_RISCV_CORE_REG(name_)
#define GENERAL(name_)	.group = KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_GENERAL,		\
			.size = KVM_REG_SIZE_U64, .first = KVM_REG_RISCV_CSR_REG(name_)
#define AIA(name_)	.group = KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_AIA,		\
			.size = KVM_REG_SIZE_U64,					\
			.first = KVM_REG_RISCV_CSR_AIA_REG(name_), .exists = has_ssaia
#define STATEEN(name_)	.group = KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_SMSTATEEN,	\
			.size = KVM_REG_SIZE_U64,					\
			.first = KVM_REG_RISCV_CSR_SMSTATEEN_REG(name_), .exists = has_smstateen
#define TIMER(name_)	.group = KVM_REG_RISCV_TIMER, .size = KVM_REG_SIZE_U64,		\
			.first = KVM_REG_RISCV_TIMER_REG(name_)
#define FP_F(name_)	.group = KVM_REG_RISCV_FP_F, .size = KVM_REG_SIZE_U32,		\
			.first = KVM_REG_RISCV_FP_F_REG(name_), .exists = has_f
#define FP_D(name_)	.group = KVM_REG_RISCV_FP_D, .first = KVM_REG_RISCV_FP_D_REG(name_), \
			.exists = has_d
#define VECTOR(name_)	.group = KVM_REG_RISCV_VECTOR, .size = KVM_REG_SIZE_U64,	\
			.first = KVM_REG_RISCV_VECTOR_CSR_REG(name_), .exists = has_vector_regs
#define ISA(view_)	.group = KVM_REG_RISCV_ISA_EXT | KVM_REG_RISCV_ISA_##view_,	\
			.size = KVM_REG_SIZE_U64
#define SBI(view_)	.group = KVM_REG_RISCV_SBI_EXT | KVM_REG_RISCV_SBI_##view_,	\
			.size = KVM_REG_SIZE_U64
#define STA(name_)	.group = KVM_REG_RISCV_SBI_STATE | KVM_REG_RISCV_SBI_STA,	\
			.size = KVM_REG_SIZE_U64,					\
			.first = KVM_REG_RISCV_SBI_STA_REG(name_), .exists = has_sta
/* KVM_REG_RISCV_SBI_FWFT of newer headers. */
#define FEATURES	.group = KVM_REG_RISCV_SBI_STATE | 1 << KVM_REG_RISCV_SUBTYPE_SHIFT, \
			.size = KVM_REG_SIZE_U64

/* From @first_ to @last_ of struct @type_, which the vCPU keeps in the same order. */
#define COUNT(type_, first_, last_)	\
	((offsetof(struct type_, last_) - offsetof(struct type_, first_)) / sizeof(u64) + 1)
#define FIELDS(type_, first_, last_, our_first_, our_last_)				\
	.count = COUNT(type_, first_, last_) +						\
		 BUILD_BUG_ON_ZERO(COUNT(type_, first_, last_) !=			\
				   COUNT(vcpu, arch.our_first_, arch.our_last_)),	\
	.field = offsetof(struct vcpu, arch.our_first_)

static const struct reg_row reg_rows[] = {
	{ CONFIG(isa), .count = 1, .get = get_isa, .set = set_isa },
	{ CONFIG(zicbom_block_size), .count = 1, .exists = has_zicbom,
	  .get = get_zicbom_block_size },
	{ CONFIG(mvendorid), .final = true,
	  FIELDS(kvm_riscv_config, mvendorid, mimpid, mvendorid, mimpid) },
	{ CONFIG(zicboz_block_size), .count = 1, .exists = has_zicboz,
	  .get = get_zicboz_block_size },
	{ CONFIG(satp_mode), .count = 1, .get = get_satp_mode },

	{ CORE(regs.pc), .count = 1, .field = offsetof(struct vcpu, arch.context.pc),
	  .set = set_pc },
	{ CORE(regs.ra),
	  FIELDS(kvm_riscv_core, regs.ra, regs.t6, context.gpr[1], context.gpr[31]) },
	{ CORE(mode), .count = 1, .get = get_mode, .set = set_mode },

	{ GENERAL(sstatus), .count = 1, .field = offsetof(struct vcpu, arch.csr.sstatus),
	  .set = set_sstatus },
	{ GENERAL(sie), .count = 1, .field = offsetof(struct vcpu, arch.csr.sie) },
	{ GENERAL(stvec), .count = 1, .field = offsetof(struct vcpu, arch.csr.stvec),
	  .set = set_stvec },
	{ GENERAL(sscratch), FIELDS(kvm_riscv_csr, sscratch, stval, csr.sscratch, csr.stval) },
	{ GENERAL(sip), .count = 1, .get = get_sip, .set = set_sip },
	{ GENERAL(satp), .count = 1, .field = offsetof(struct vcpu, arch.csr.satp),
	  .set = set_satp },
	{ GENERAL(scounteren),
	  FIELDS(kvm_riscv_csr, scounteren, senvcfg, csr.scounteren, csr.senvcfg) },
	{ AIA(siselect), FIELDS(kvm_riscv_aia_csr, siselect, iprio2, csr.siselect, csr.iprio2) },
	{ AIA(sieh), .count = COUNT(kvm_riscv_aia_csr, sieh, iprio2h), .get = get_upper_half },
	{ STATEEN(sstateen0), .count = 1, .field = offsetof(struct vcpu, arch.csr.sstateen0) },

	{ TIMER(frequency), .count = 1, .get = get_frequency },
	{ TIMER(time), .count = 1, .get = get_time, .set = set_time },
	{ TIMER(compare), .count = 1, .get = get_compare, .set = set_compare },
	{ TIMER(state), .count = 1, .get = get_timer_state, .set = set_timer_state },

	{ FP_F(f[0]), .count = 32, .get = get_fp_f, .set = set_fp_f },
	{ FP_F(fcsr), .count = 1, .get = get_fcsr, .set = set_fcsr },
	{ FP_D(f[0]), .size = KVM_REG_SIZE_U64,
	  FIELDS(__riscv_d_ext_state, f[0], f[31], simd.fp.d.f[0], simd.fp.d.f[31]) },
	{ FP_D(fcsr), .size = KVM_REG_SIZE_U32, .count = 1, .get = get_fcsr, .set = set_fcsr },

	{ VECTOR(vstart),
	  FIELDS(__riscv_v_ext_state, vstart, vcsr, simd.vector.vstart, simd.vector.vcsr) },
	{ VECTOR(vlenb), .count = 1, .get = get_vlenb },
	{ .group = KVM_REG_RISCV_VECTOR, .first = KVM_REG_RISCV_VECTOR_REG(0), .count = 32,
	  .exists = has_vector_regs },

	{ ISA(SINGLE), .count = KVM_RISCV_ISA_EXT_MAX, .exists = has_isa_ext,
	  .get = get_isa_ext, .set = set_isa_ext },
	{ ISA(MULTI_EN), .count = ISA_WORDS, .unlisted = true,
	  .get = get_isa_enabled, .set = set_isa_enabled },
	{ ISA(MULTI_DIS), .count = ISA_WORDS, .unlisted = true,
	  .get = get_isa_disabled, .set = set_isa_disabled },

	{ SBI(SINGLE), .count = RISCV_SBI_COUNT, .exists = has_sbi_ext,
	  .get = get_sbi_ext, .set = set_sbi_ext },
	{ SBI(MULTI_EN), .count = SBI_WORDS, .unlisted = true,
	  .get = get_sbi_enabled, .set = set_sbi_enabled },
	{ SBI(MULTI_DIS), .count = SBI_WORDS, .unlisted = true,
	  .get = get_sbi_disabled, .set = set_sbi_disabled },
	{ STA(shmem_lo), .count = 1, .get = get_sta_lo, .set = set_sta_lo },
	{ STA(shmem_hi), .count = 1, .get = get_sta_hi, .set = set_sta_hi },
	{ FEATURES, .count = RISCV_FEATURES * FEATURE_REGS, .exists = has_feature,
	  .get = get_feature, .set = set_feature },
};

/* What the rows of fields rely on, beyond that both sides have the same length. */
#define CSR_IN_PLACE(name_)	(offsetof(struct kvm_riscv_csr, name_) ==	\
	offsetof(struct riscv_csrs, name_) - offsetof(struct riscv_csrs, sstatus))

static_assert(CSR_IN_PLACE(sscratch) && CSR_IN_PLACE(sepc) && CSR_IN_PLACE(scause) &&
	      CSR_IN_PLACE(stval));
static_assert(sizeof(unsigned long) == sizeof(u64));

static bool row_has(struct vcpu *vcpu, const struct reg_row *row, unsigned int index)
{
	return !row->exists || row->exists(vcpu, index);
}

static u64 row_size(const struct reg_row *row)
{
	return row->size ?: (u64)ilog2(vector_bytes()) << KVM_REG_SIZE_SHIFT;
}

/* The row of a register and its place there, or -ENOENT, or -EINVAL: another size. */
static const struct reg_row *row_find(struct vcpu *vcpu, u64 id, unsigned int *index)
{
	const struct reg_row *row;
	unsigned int place;

	if ((id & REG_SCOPE) != KVM_REG_RISCV)
		return ERR_PTR(-ENOENT);

	for (row = reg_rows; row < reg_rows + ARRAY_SIZE(reg_rows); row++) {
		/* Below the first one it wraps, and is too large. */
		place = (unsigned int)(id & REG_NUMBER) - row->first;
		if ((id & REG_GROUP) != row->group || place >= row->count)
			continue;

		place = array_index_nospec(place, row->count);
		if (!row_has(vcpu, row, place))
			break;
		if ((id & KVM_REG_SIZE_MASK) != row_size(row))
			return ERR_PTR(-EINVAL);
		*index = place;
		return row;
	}

	return ERR_PTR(-ENOENT);
}

static u64 *row_field(struct vcpu *vcpu, const struct reg_row *row, unsigned int index)
{
	return (u64 *)((void *)vcpu + row->field) + index;
}

static u64 row_get(struct vcpu *vcpu, const struct reg_row *row, unsigned int index)
{
	return row->get ? row->get(vcpu, index) : *row_field(vcpu, row, index);
}

static int row_set(struct vcpu *vcpu, const struct reg_row *row, unsigned int index, u64 value)
{
	if (row->set)
		return row->set(vcpu, index, value);
	if (row->get)
		return row->get(vcpu, index) == value ? 0 : -EINVAL;
	if (row->final && vcpu->arch.ran)
		return *row_field(vcpu, row, index) == value ? 0 : -EBUSY;

	*row_field(vcpu, row, index) = value;

	return 0;
}

/* --- ioctls --------------------------------------------------------------- */

long riscv_ioctl_get_one_reg(void *object, void *data, unsigned long user)
{
	const struct kvm_one_reg *reg = data;
	void __user *addr = (void __user *)(unsigned long)reg->addr;
	struct vcpu *vcpu = object;
	const struct reg_row *row;
	unsigned int index;
	u64 value;

	riscv_start_pending(vcpu);
	row = row_find(vcpu, reg->id, &index);
	if (IS_ERR(row))
		return PTR_ERR(row);

	if (!row->size)
		return copy_to_user(addr, vector_reg(vcpu, index), vector_bytes()) ? -EFAULT : 0;

	/* Little-endian: a narrow value comes first. */
	value = row_get(vcpu, row, index);

	return copy_to_user(addr, &value, KVM_REG_SIZE(reg->id)) ? -EFAULT : 0;
}

/* All of it or nothing. */
static long set_vector_reg(struct vcpu *vcpu, unsigned int index, const void __user *addr)
{
	void *copy = kmalloc(vector_bytes(), GFP_KERNEL_ACCOUNT);
	long ret = 0;

	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, addr, vector_bytes()))
		ret = -EFAULT;
	else
		memcpy(vector_reg(vcpu, index), copy, vector_bytes());
	kfree(copy);

	return ret;
}

long riscv_ioctl_set_one_reg(void *object, void *data, unsigned long user)
{
	const struct kvm_one_reg *reg = data;
	void __user *addr = (void __user *)(unsigned long)reg->addr;
	struct vcpu *vcpu = object;
	const struct reg_row *row;
	unsigned int index;
	u64 value = 0;

	riscv_start_pending(vcpu);
	row = row_find(vcpu, reg->id, &index);
	if (IS_ERR(row))
		return PTR_ERR(row);

	if (!row->size)
		return set_vector_reg(vcpu, index, addr);
	if (copy_from_user(&value, addr, KVM_REG_SIZE(reg->id)))
		return -EFAULT;

	return row_set(vcpu, row, index, value);
}

/* How many registers there are; their ids go to @ids unless it is NULL. */
static unsigned int reg_list(struct vcpu *vcpu, u64 *ids)
{
	const struct reg_row *row;
	unsigned int i, n = 0;

	for (row = reg_rows; row < reg_rows + ARRAY_SIZE(reg_rows); row++) {
		if (row->unlisted)
			continue;
		for (i = 0; i < row->count; i++) {
			if (!row_has(vcpu, row, i))
				continue;
			if (ids)
				ids[n] = KVM_REG_RISCV | row_size(row) | row->group |
					 (row->first + i);
			n++;
		}
	}

	return n;
}

long riscv_ioctl_get_reg_list(void *object, void *data, unsigned long user)
{
	struct kvm_reg_list __user *list = (void __user *)user;
	struct vcpu *vcpu = object;
	unsigned int n = reg_list(vcpu, NULL);
	long ret = 0;
	u64 *ids, room;

	if (get_user(room, &list->n))
		return -EFAULT;
	/* Also if they do not fit: this is how many there have to be. */
	if (put_user((u64)n, &list->n))
		return -EFAULT;
	if (room < n)
		return -E2BIG;

	ids = kmalloc_array(n, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return -ENOMEM;
	reg_list(vcpu, ids);
	if (copy_to_user(list->reg, ids, array_size(n, sizeof(*ids))))
		ret = -EFAULT;
	kfree(ids);

	return ret;
}

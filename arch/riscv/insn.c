// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores of the guest where there is no memory: what htinst or the
 * guest's code says is to be done is done by core's vcpu_mmio().  The decoder is
 * in insn_decode.c.  Called by exit.c for guest-page faults, except for those that
 * htinst says are of a page-table walk.
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <core/iobus.h>

#include "insn.h"
#include "riscv.h"

bool riscv_insn_fetch(struct vcpu *vcpu, u32 *insn)
{
	struct riscv_trap trap;
	int ret;

	ret = riscv_fetch(vcpu, vcpu->arch.context.pc, insn, &trap);
	if (ret == 1)
		riscv_redirect(vcpu, &trap);

	return !ret;
}

/* --- registers ------------------------------------------------------------------ */

/*
 * Outside of arm and disarm the registers are in memory, whole, and the next arm
 * takes them from there.  Only the guest has to learn that they changed, as the
 * instruction would have told it.
 */
static void fp_set(struct vcpu *vcpu, unsigned int number, u64 value, unsigned int len)
{
	/* ISA manual, "NaN Boxing of Narrower Values". */
	if (len < sizeof(value))
		value |= ~0ULL << 8 * len;

	vcpu->arch.simd.fp.d.f[number & 31] = value;
	if (csr_read(CSR_VSSTATUS) & SR_FS)
		csr_set(CSR_VSSTATUS, SR_FS_DIRTY);
}

/* --- the access ------------------------------------------------------------------- */

static void access_load(struct vcpu *vcpu, const struct riscv_access *access)
{
	/* All of it: what the access did not fill is 0. */
	u64 value = vcpu->arch.access.data;

	if (access->sign)
		value = sign_extend64(value, 8 * access->len - 1);

	if (access->fp)
		fp_set(vcpu, access->reg, value, access->len);
	else
		riscv_set_gpr(vcpu, access->reg, value);
}

static int access_complete(struct vcpu *vcpu)
{
	const struct riscv_access *access = &vcpu->arch.access.what;

	if (!access->store)
		access_load(vcpu, access);
	vcpu->arch.context.pc += access->insn_len;

	return RESUME_GUEST;
}

/* The bytes that it begins with. */
static u64 access_source(struct vcpu *vcpu, const struct riscv_access *access)
{
	if (!access->store)
		return 0;
	if (access->fp)
		return vcpu->arch.simd.fp.d.f[access->reg & 31];

	return riscv_gpr(vcpu, access->reg);
}

static int access_begin(struct vcpu *vcpu, gpa_t gpa, const struct riscv_access *access)
{
	int ret;

	vcpu->arch.access.data = access_source(vcpu, access);
	ret = vcpu_mmio(vcpu, gpa, &vcpu->arch.access.data, access->len, access->store,
			access_complete);
	if (ret != RESUME_GUEST)
		return ret;

	return access_complete(vcpu);
}

/* What the guest gets from a machine where nothing answers, or not like this. */
static int access_fault(struct vcpu *vcpu, bool store)
{
	return riscv_inject(vcpu, store ? EXC_STORE_ACCESS : EXC_LOAD_ACCESS,
			    vcpu->arch.exit.info1);
}

/*
 * Atomic, vector, cache-block or unknown to us.  A program of the guest must not
 * be able to end the VM, so it gets an access fault, which is what a device that
 * does not support such an access answers.  The guest's kernel gets the attention
 * of user space.
 */
static int access_unknown(struct vcpu *vcpu, gpa_t gpa, u32 insn, bool store)
{
	struct {
		u64	flags;
		u8	size;
		u8	bytes[15];
		u64	pc, gpa, htinst;	/* for whoever reads a log */
	} report = {
		.flags	= KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
		.size	= riscv_insn_length(insn),
		.pc	= vcpu->arch.context.pc,
		.gpa	= gpa,
		.htinst	= vcpu->arch.exit.insn,
	};

	if (riscv_user_mode(vcpu))
		return access_fault(vcpu, store);

	memcpy(report.bytes, &insn, sizeof(insn));

	return vcpu_exit_internal(vcpu, KVM_INTERNAL_ERROR_EMULATION, (u64 *)&report,
				  sizeof(report) / sizeof(u64));
}

/*
 * A walk of the guest's own page tables that led where no memory is, if htinst
 * does not tell: translation keeps the offset in the page, such a walk does not.
 */
static bool access_implicit(struct vcpu *vcpu, gpa_t gpa)
{
	return (gpa ^ vcpu->arch.exit.info1) & ~PAGE_MASK;
}

/* What arch.access says; @offset: how far behind its start the fault is. */
static int access_serve(struct vcpu *vcpu, gpa_t gpa, bool store, u8 offset)
{
	const struct riscv_access *access = &vcpu->arch.access.what;

	/* Another vCPU has changed the instruction since: see what it does now. */
	if (access->store != store)
		return RESUME_GUEST;
	/* The other page is somewhere else, and nobody does that to a device. */
	if (offset || offset_in_page(gpa) + access->len > PAGE_SIZE)
		return access_fault(vcpu, store);

	return access_begin(vcpu, gpa, access);
}

/* htinst does not tell. */
static noinline int access_fetch(struct vcpu *vcpu, gpa_t gpa, bool store)
{
	u32 insn;

	if (!riscv_insn_fetch(vcpu, &insn))
		return RESUME_GUEST;
	if (!riscv_decode_access(insn, &vcpu->arch.access.what))
		return access_unknown(vcpu, gpa, insn, store);

	return access_serve(vcpu, gpa, store, 0);
}

int riscv_emulate_access(struct vcpu *vcpu, gpa_t gpa, bool store)
{
	u32 htinst = vcpu->arch.exit.insn;

	if (access_implicit(vcpu, gpa))
		return access_fault(vcpu, store);
	if (!riscv_decode_transformed(htinst, &vcpu->arch.access.what))
		return access_fetch(vcpu, gpa, store);

	return access_serve(vcpu, gpa, store, riscv_transformed_offset(htinst));
}

/* --- at once -------------------------------------------------------------------------- */

/* Is it one that a device is asked for as a whole, as htinst says? */
static bool access_decode_plain(struct vcpu *vcpu, gpa_t gpa, bool store)
{
	struct riscv_access *access = &vcpu->arch.access.what;
	u32 htinst = vcpu->arch.exit.insn;

	return riscv_decode_transformed(htinst, access) && !riscv_transformed_offset(htinst) &&
	       access->store == store && !access->fp && !(gpa & (access->len - 1));
}

int riscv_fast_access(struct vcpu *vcpu, bool store)
{
	const struct riscv_access *access = &vcpu->arch.access.what;
	u64 *data = &vcpu->arch.access.data;
	gpa_t gpa = riscv_exit_gpa(vcpu);
	int err;

	if (!vcpu_memslot_missed(vcpu, gpa_to_gfn(gpa)) || access_implicit(vcpu, gpa) ||
	    !access_decode_plain(vcpu, gpa, store))
		return RESUME_GUEST;

	*data = access_source(vcpu, access);
	if (store)
		err = iobus_write_atomic(vcpu, IOBUS_MMIO, gpa, access->len, data);
	else
		err = iobus_read_atomic(vcpu, IOBUS_MMIO, gpa, access->len, data);
	if (err)
		return RESUME_GUEST;

	vcpu->arch.stats.mmio_insns++;
	access_complete(vcpu);

	return REENTER;
}

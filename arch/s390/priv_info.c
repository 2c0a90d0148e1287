// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercepted instructions that describe the machine: CPU identification, facilities,
 * system information, topology.  Called by insn.c, which has looked at who may.
 */
#include <linux/gfp.h>
#include <asm/facility.h>
#include <asm/sysinfo.h>

#include "s390.h"

static int specification(struct vcpu *vcpu)
{
	return s390_inject_program(vcpu, PGM_SPECIFICATION);
}

/* --- facilities --------------------------------------------------------------------- */

int priv_stidp(struct vcpu *vcpu, const struct insn *insn)
{
	u64 address = insn_s_address(vcpu, insn);
	u64 cpuid = vcpu->vm->arch.model.cpuid;
	int ret;

	if (address & 7)
		return specification(vcpu);
	ret = s390_write(vcpu, address, insn_base(insn), &cpuid, sizeof(cpuid));

	return ret ? exit_access(vcpu, ret) : RESUME_GUEST;
}

int priv_stfl(struct vcpu *vcpu, const struct insn *insn)
{
	u32 list = vcpu->vm->arch.model.fac_list[0] >> 32;
	int ret = s390_write_real(vcpu, offsetof(struct lowcore, stfl_fac_list), &list,
				  sizeof(list));

	return ret ? exit_access(vcpu, ret) : RESUME_GUEST;
}

/* Doublewords of the list up to the last one that says anything; one at least. */
static unsigned int facility_words(const u64 *list)
{
	unsigned int words = S390_FACILITY_WORDS;

	while (words > 1 && !list[words - 1])
		words--;

	return words;
}

int priv_stfle(struct vcpu *vcpu, const struct insn *insn)
{
	const u64 *list = vcpu->vm->arch.model.fac_list;
	unsigned int asked = (s390_gpr(vcpu, 0) & 0xff) + 1, words = facility_words(list);
	u64 address = insn_s_address(vcpu, insn);
	int ret;

	if (address & 7)
		return specification(vcpu);
	ret = s390_write(vcpu, address, insn_base(insn), list, min(asked, words) * sizeof(*list));
	if (ret)
		return exit_access(vcpu, ret);
	s390_set_gpr(vcpu, 0, (s390_gpr(vcpu, 0) & ~0xffULL) | (words - 1));

	return insn_done(vcpu, asked < words ? 3 : 0);
}

/* --- system information ----------------------------------------------------------------- */

/* General registers 0 and 1 ("STORE SYSTEM INFORMATION"). */
#define STSI_R0_RESERVED	0x0fffff00U
#define STSI_R1_RESERVED	0xffff0000U
#define STSI_LEVEL_SHIFT	28
#define STSI_LEVEL_MASK		0xf0000000ULL

enum {
	STSI_LEVEL		= 0,	/* asks for the current level */
	STSI_LEVEL_MACHINE	= 1,
	STSI_LEVEL_PARTITION	= 2,
	STSI_LEVEL_VM		= 3,
	STSI_TOPOLOGY		= 15,
};

struct stsi {
	u8	fc, sel1;
	u16	sel2;
	u64	address;
	u8	ar;
};

/* "KVMguest" and "KVM/Linux", in EBCDIC: a guest knows where it is by them. */
static const char stsi_name[8] = {
	0xd2, 0xe5, 0xd4, 0x87, 0xa4, 0x85, 0xa2, 0xa3,
};

static const char stsi_cpi[16] = {
	0xd2, 0xe5, 0xd4, 0x61, 0xd3, 0x89, 0x95, 0xa4,
	0xa7, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
};

#define STSI_CAPABILITY_FULL	1000	/* as fast as the level below, in 1/1000 */

/* The virtual machine comes first, before what the host runs in. */
static void stsi_virtual_machine(struct vm *vm, struct sysinfo_3_2_2 *info)
{
	unsigned int i, cpus = 0, levels;
	struct vcpu *vcpu;

	if (stsi(info, 3, 2, 2))
		memset(info, 0, sizeof(*info));
	levels = min_t(unsigned int, info->count, ARRAY_SIZE(info->vm) - 1);
	memmove(&info->vm[1], &info->vm[0], levels * sizeof(info->vm[0]));
	memmove(info->ext_names[1], info->ext_names[0], levels * sizeof(info->ext_names[0]));
	memset(&info->vm[0], 0, sizeof(info->vm[0]));
	memset(info->ext_names[0], 0, sizeof(info->ext_names[0]));
	info->count = levels + 1;

	vm_for_each_vcpu(i, vcpu, vm)
		cpus++;
	info->vm[0].cpus_total = cpus;
	info->vm[0].cpus_configured = cpus;
	info->vm[0].caf = STSI_CAPABILITY_FULL;
	memcpy(info->vm[0].name, stsi_name, sizeof(stsi_name));
	memcpy(info->vm[0].cpi, stsi_cpi, sizeof(stsi_cpi));
}

/* Fill in the block of a page; false: there is no such. */
static bool stsi_fill(struct vm *vm, const struct stsi *args, void *page)
{
	switch (args->fc) {
	case STSI_LEVEL_MACHINE:
	case STSI_LEVEL_PARTITION:
		return !stsi(page, args->fc, args->sel1, args->sel2);
	case STSI_LEVEL_VM:
		if (args->sel1 != 2 || args->sel2 != 2)
			return false;
		stsi_virtual_machine(vm, page);
		return true;
	default:
		return false;
	}
}

/* User space puts in what only it knows, or all of it. */
static int stsi_forward(struct vcpu *vcpu, const struct stsi *args)
{
	struct kvm_run *run = vcpu->run;

	run->s390_stsi.addr = args->address;
	run->s390_stsi.ar = args->ar;
	run->s390_stsi.reserved = 0;
	run->s390_stsi.fc = args->fc;
	run->s390_stsi.sel1 = args->sel1;
	run->s390_stsi.sel2 = args->sel2;

	return vcpu_exit(vcpu, KVM_EXIT_S390_STSI);
}

/* The one instruction that is too large for a buffer of its own, and rare. */
static int stsi_store(struct vcpu *vcpu, const struct stsi *args)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	int ret;

	if (!page)
		return -ENOMEM;
	if (!stsi_fill(vcpu->vm, args, page)) {
		ret = insn_done(vcpu, 3);
		goto out_free;
	}
	ret = s390_write(vcpu, args->address, args->ar, page, PAGE_SIZE);
	if (ret) {
		ret = exit_access(vcpu, ret);
		goto out_free;
	}
	ret = insn_done(vcpu, 0);
	if (READ_ONCE(vcpu->vm->arch.user_stsi))
		ret = stsi_forward(vcpu, args);

out_free:
	free_page((unsigned long)page);
	return ret;
}

int priv_stsi(struct vcpu *vcpu, const struct insn *insn)
{
	u32 r0 = s390_gpr(vcpu, 0), r1 = s390_gpr(vcpu, 1);
	struct stsi args = {
		.fc	 = r0 >> STSI_LEVEL_SHIFT,
		.sel1	 = r0,
		.sel2	 = r1,
		.address = insn_s_address(vcpu, insn),
		.ar	 = insn_base(insn),
	};

	if (args.fc == STSI_LEVEL) {
		s390_set_gpr(vcpu, 0, (s390_gpr(vcpu, 0) & ~STSI_LEVEL_MASK) |
			     (u64)STSI_LEVEL_VM << STSI_LEVEL_SHIFT);
		return insn_done(vcpu, 0);
	}
	if (args.fc > STSI_LEVEL_VM && args.fc != STSI_TOPOLOGY)
		return insn_done(vcpu, 3);
	if (r0 & STSI_R0_RESERVED || r1 & STSI_R1_RESERVED || args.address & ~PAGE_MASK)
		return specification(vcpu);

	return stsi_store(vcpu, &args);
}

/* --- topology ---------------------------------------------------------------------------------- */

enum {
	PTF_HORIZONTAL,
	PTF_VERTICAL,
	PTF_CHECK,
};

#define PTF_RESERVED		(~0xffULL)
#define PTF_REASON_NONE		0x000	/* in bits 48-55 */
#define PTF_REASON_ALREADY	0x100

/*
 * PERFORM TOPOLOGY FUNCTION: there is no topology, so the CPUs are polarized horizontally
 * and nothing ever changes.  The VM's list of facilities does not count here: a machine
 * that shows its own to guests has them believe in the facility.
 */
int priv_ptf(struct vcpu *vcpu, const struct insn *insn)
{
	unsigned int r1 = insn_rre_r1(insn);
	u64 value = s390_gpr(vcpu, r1);

	if (!test_facility(11))
		return s390_inject_program(vcpu, PGM_OPERATION);
	if (value & PTF_RESERVED)
		return specification(vcpu);

	switch (value) {
	case PTF_HORIZONTAL:
		s390_set_gpr(vcpu, r1, value | PTF_REASON_ALREADY);
		return insn_done(vcpu, 2);
	case PTF_VERTICAL:
		s390_set_gpr(vcpu, r1, value | PTF_REASON_NONE);
		return insn_done(vcpu, 2);
	case PTF_CHECK:
		return insn_done(vcpu, 0);
	default:
		return specification(vcpu);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's CPUs and kernel have, and what the kernel has but keeps to
 * itself.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/pgtable.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/delay.h>
#include <asm/hwcap.h>
#include <asm/sbi.h>

#include "riscv.h"

struct riscv_host riscv_host;

/* --- the kernel's page tables, for the walk in core/host.h ---------------------- */

/*
 * Levels may be folded at boot, so finding an entry of one is a function, which
 * <linux/pgtable.h> declares and the kernel does not export.
 */
notrace p4d_t *p4d_offset(pgd_t *pgd, unsigned long address)
{
	if (!pgtable_l5_enabled)
		return (p4d_t *)pgd;

	return pgd_pgtable(*pgd) + p4d_index(address);
}

notrace pud_t *pud_offset(p4d_t *p4d, unsigned long address)
{
	if (!pgtable_l4_enabled)
		return (pud_t *)p4d;

	return p4d_pgtable(*p4d) + pud_index(address);
}

/* --- kicks ------------------------------------------------------------------------ */

void riscv_vcpu_kick(struct vcpu *vcpu, int cpu)
{
#ifdef smp_send_reschedule
	arch_smp_send_reschedule(cpu);
#else
	smp_send_reschedule(cpu);
#endif
}

/* --- extensions --------------------------------------------------------------------- */

/* Which extension of the host sets which member. */
static const struct {
	unsigned int	isa;		/* RISCV_ISA_EXT_* */
	size_t		member;		/* a bool of struct riscv_host */
} host_extensions[] = {
	{ RISCV_ISA_EXT_SSTC,		offsetof(struct riscv_host, sstc) },
	{ RISCV_ISA_EXT_SVPBMT,		offsetof(struct riscv_host, svpbmt) },
	{ RISCV_ISA_EXT_SVNAPOT,	offsetof(struct riscv_host, svnapot) },
	{ RISCV_ISA_EXT_SVINVAL,	offsetof(struct riscv_host, svinval) },
	{ RISCV_ISA_EXT_SMSTATEEN,	offsetof(struct riscv_host, smstateen) },
	{ RISCV_ISA_EXT_SSAIA,		offsetof(struct riscv_host, aia) },
	{ RISCV_ISA_EXT_SSCOFPMF,	offsetof(struct riscv_host, sscofpmf) },
	{ RISCV_ISA_EXT_ZICBOM,		offsetof(struct riscv_host, zicbom) },
	{ RISCV_ISA_EXT_ZICBOZ,		offsetof(struct riscv_host, zicboz) },
	{ RISCV_ISA_EXT_d,		offsetof(struct riscv_host, fp) },
	{ RISCV_ISA_EXT_v,		offsetof(struct riscv_host, vector) },
};

int riscv_host_setup(void)
{
	int i;

	memset(&riscv_host, 0, sizeof(riscv_host));
	for (i = 0; i < ARRAY_SIZE(host_extensions); i++)
		*(bool *)((void *)&riscv_host + host_extensions[i].member) =
			__riscv_isa_extension_available(NULL, host_extensions[i].isa);

	riscv_host.timebase = riscv_timebase;
	riscv_host.mvendorid = sbi_get_mvendorid();
	riscv_host.marchid = sbi_get_marchid();
	riscv_host.mimpid = sbi_get_mimpid();

	return 0;
}

void riscv_host_teardown(void)
{
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend of riscv: can it run here, and the H extension on and off per CPU.
 * What the host's CPUs have is found out in host.c.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <asm/cpufeature.h>
#include <asm/hwcap.h>
#include <asm/sbi.h>

#include "riscv.h"

/*
 * Exceptions that are the guest's own business, taken by its supervisor directly:
 * all that it would take without the extension.  Where the firmware sees an exception
 * first (illegal instructions, misaligned accesses) it hands it on to whom this names,
 * and some emulated machines (QEMU's "virt" with OpenSBI 1.5) come back in VS-mode
 * even when it is not the guest.
 */
#define HEDELEG	(BIT(EXC_INST_MISALIGNED) | BIT(EXC_INST_ACCESS) |		\
		 BIT(EXC_INST_ILLEGAL) | BIT(EXC_BREAKPOINT) |			\
		 BIT(EXC_LOAD_MISALIGNED) | BIT(EXC_LOAD_ACCESS) |		\
		 BIT(EXC_STORE_MISALIGNED) | BIT(EXC_STORE_ACCESS) |		\
		 BIT(EXC_SYSCALL) | BIT(EXC_INST_PAGE_FAULT) |			\
		 BIT(EXC_LOAD_PAGE_FAULT) | BIT(EXC_STORE_PAGE_FAULT))

/* Interrupts that are the guest's; hvip raises them. */
#define HIDELEG	(BIT(IRQ_VS_SOFT) | BIT(IRQ_VS_TIMER) | BIT(IRQ_VS_EXT))

/* The guest reads time by itself; cycle and instret are the PMU's to answer. */
#define COUNTEREN_TM	BIT(1)

const unsigned long riscv_hedeleg = HEDELEG;

int riscv_vcpu_cpu_enable(void)
{
	/* A host without guests delegates nothing to them. */
	if (csr_read(CSR_HIDELEG) & HIDELEG)
		return -EBUSY;

	csr_write(CSR_HEDELEG, HEDELEG);
	csr_write(CSR_HIDELEG, HIDELEG);
	csr_write(CSR_HCOUNTEREN, COUNTEREN_TM);
	csr_write(CSR_HVIP, 0);
	/* An overflow that the guest's own counters did not make, but its PMU reports. */
	if (riscv_host.aia && riscv_host.sscofpmf)
		csr_write(CSR_HVIEN, BIT(IRQ_PMU_OVF));
	if (riscv_host.sstc)
		csr_write(CSR_VSTIMECMP, U64_MAX);
	riscv_mmu_cpu_enable();
	imsic_cpu_enable();

	return 0;
}

void riscv_vcpu_cpu_disable(void)
{
	imsic_cpu_disable();
	/* An interrupt that is pending for a guest must not become the host's. */
	csr_write(CSR_VSIE, 0);
	csr_write(CSR_HVIP, 0);
	if (riscv_host.aia && riscv_host.sscofpmf)
		csr_write(CSR_HVIEN, 0);
	csr_write(CSR_HEDELEG, 0);
	csr_write(CSR_HIDELEG, 0);
	csr_write(CSR_HCOUNTEREN, 0);
	riscv_mmu_cpu_disable();
}

static int riscv_probe(void)
{
	if (!riscv_isa_extension_available(NULL, h))
		return -ENODEV;
	if (sbi_spec_is_0_1() || sbi_probe_extension(SBI_EXT_RFENCE) <= 0) {
		pr_err("the firmware has no remote fences (SBI RFENCE), which guests need; update it\n");
		return -EOPNOTSUPP;
	}
	if (csr_read(CSR_HIDELEG) & BIT(IRQ_VS_SOFT)) {
		pr_err("another hypervisor uses the H extension; if it is the kernel's own KVM: rmmod kvm, or where that is built in, boot with kvm.enable_virt_at_load=0\n");
		return -EBUSY;
	}

	return 0;
}

static int riscv_setup(void)
{
	int err;

	err = riscv_host_setup();
	if (err)
		return err;
	err = riscv_mmu_setup();
	if (err)
		goto err_host;
	riscv_feature_setup();
	riscv_isa_setup();
	err = imsic_setup();
	if (err)
		goto err_host;

	return 0;

err_host:
	riscv_host_teardown();
	return err;
}

static void riscv_teardown(void)
{
	imsic_teardown();
	riscv_host_teardown();
}

extern const struct backend riscv_backend;

#define BACKEND			riscv
#define BACKEND_VCPU		riscv
#define BACKEND_MMU		riscv
#define BACKEND_IRQCHIP		riscv
#include <core/define_backend.h>

const struct backend *const arch_backends[] = {
	&riscv_backend,
	NULL
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend of arm64: can it run here, and what each CPU needs for guests on and off.
 * What the host's CPUs and firmware have is found out in host.c.
 *
 * There is no switch that turns virtualization on: under VHE the kernel runs at EL2, and
 * HCR_EL2, VBAR_EL2, CPTR_EL2 and MDCR_EL2 are the guest's from one entry to the next
 * exit only, with irqs off.  What else EL2 has for guests (VTTBR_EL2, HCRX_EL2, the
 * fine-grained traps, the EL1 registers) is written by load.  A CPU that is stopped by
 * kexec or panic has nothing of ours in place, then.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/cpu_pm.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/virt.h>

#include <core/hw.h>

#include "arm64.h"

/* --- CPUs ---------------------------------------------------------------------- */

/*
 * Fine-grained traps.  They have no effect on the host, neither at EL2 nor at EL0 with
 * HCR_EL2.TGE, so what load writes may stay.  @op(name): SYS_@name_EL2.
 */
#define FGT_REGISTERS(op)	\
	op(HFGRTR) op(HFGWTR) op(HFGITR) op(HDFGRTR) op(HDFGWTR)

/* What the kernel had in them, while guests may run on the CPU. */
struct host_fgt {
#define OP(name)	u64 name;
	FGT_REGISTERS(OP)
#undef OP
	bool	saved;
};

static DEFINE_PER_CPU(struct host_fgt, host_fgt);

static void fgt_save(struct host_fgt *fgt)
{
	if (!arm64_host.fgt)
		return;

#define OP(name)	fgt->name = read_sysreg_s(SYS_##name##_EL2);
	FGT_REGISTERS(OP)
#undef OP
	fgt->saved = true;
}

/* Also on a CPU that was never enabled, or twice. */
static void fgt_restore(struct host_fgt *fgt)
{
	if (!fgt->saved)
		return;

#define OP(name)	write_sysreg_s(fgt->name, SYS_##name##_EL2);
	FGT_REGISTERS(OP)
#undef OP
	fgt->saved = false;
}

int arm64_vcpu_cpu_enable(void)
{
	int err;

	err = arm64_host_cpu_enable();
	if (err)
		return err;
	err = vgic_cpu_enable();
	if (err) {
		arm64_host_cpu_disable();
		return err;
	}
	arm64_mmu_cpu_enable();
	fgt_save(this_cpu_ptr(&host_fgt));

	return 0;
}

void arm64_vcpu_cpu_disable(void)
{
	fgt_restore(this_cpu_ptr(&host_fgt));
	arm64_mmu_cpu_disable();
	vgic_cpu_disable();
	arm64_host_cpu_disable();
}

/*
 * A CPU that idles so deeply that it forgets its registers: what load takes for granted
 * (list registers that are empty, the guests' timer that is off) is unknown afterwards.
 * The idle task runs, so no vCPU is loaded; irqs are off.  The interrupts' enables are the
 * redistributor's, which keeps them for the host's own timer, too.
 */
static int cpu_power(struct notifier_block *notifier, unsigned long action, void *data)
{
	if (action == CPU_PM_EXIT && this_cpu_read(hw_cpu.enabled)) {
		arm64_timer_cpu_reset();
		vgic_cpu_reset();
		arm64_mmu_cpu_enable();
	}

	return NOTIFY_OK;
}

static struct notifier_block cpu_power_notifier = {
	.notifier_call	= cpu_power,
};

/* --- the backend --------------------------------------------------------------------- */

/* The CPU interface as system registers, and the kernel's driver uses them. */
static bool has_gicv3(void)
{
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);

	return (pfr0 & ID_AA64PFR0_EL1_GIC_MASK) &&
	       (read_sysreg_s(SYS_ICC_SRE_EL2) & ICC_SRE_EL2_SRE);
}

static int arm64_probe(void)
{
	if (!is_kernel_in_hyp_mode()) {
		pr_err("the kernel does not run at EL2: this needs a CPU with VHE, a boot loader that starts the kernel at EL2, and no kvm-arm.mode=nvhe or protected; boot with kvm-arm.mode=none\n");
		return -EOPNOTSUPP;
	}
	if (!has_gicv3()) {
		pr_err("this machine has no GICv3 with system registers, which guests need\n");
		return -EOPNOTSUPP;
	}

	return arm64_host_probe();
}

static int arm64_setup(void)
{
	int err;

	err = arm64_host_setup();
	if (err)
		return err;
	arm64_simd_setup();
	arm64_idreg_setup();
	err = arm64_sysreg_setup();
	if (!err)
		err = arm64_mmu_setup();
	if (err)
		goto err_host;
	err = vgic_setup();
	if (err)
		goto err_host;
	err = arm64_timer_setup();
	if (err)
		goto err_vgic;
	err = cpu_pm_register_notifier(&cpu_power_notifier);
	if (err)
		goto err_timer;

	return 0;

err_timer:
	arm64_timer_teardown();
err_vgic:
	vgic_teardown();
err_host:
	arm64_host_teardown();
	return err;
}

static void arm64_teardown(void)
{
	cpu_pm_unregister_notifier(&cpu_power_notifier);
	arm64_timer_teardown();
	vgic_teardown();
	arm64_host_teardown();
}

extern const struct backend arm64_backend;

#define BACKEND			arm64
#define BACKEND_VCPU		arm64
#define BACKEND_MMU		arm64
#define BACKEND_IRQCHIP		arm64
#include <core/define_backend.h>

const struct backend *const arch_backends[] = {
	&arm64_backend,
	NULL
};

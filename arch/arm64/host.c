// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's CPUs and kernel have, and what the kernel has but keeps to itself:
 * features, the interrupts that its own hypervisor is handed at boot, kicks, the care
 * for branch predictors, cache maintenance.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/acpi.h>
#include <linux/arm-smccc.h>
#include <linux/bitfield.h>
#include <linux/cpu.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <asm/acpi.h>
#include <asm/arch_timer.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>

#include "arm64.h"

struct arm64_host arm64_host;

static size_t dcache_line;	/* bytes; constant after setup */

/* --- kicks ------------------------------------------------------------------------ */

/*
 * The interrupt that makes a CPU look at need_resched, which does no harm where that is
 * not set and ends a guest as any other.  The kernel sends it for a task; this one is on
 * its CPU as long as the vCPU is in guest mode there.  It may leave KVM_RUN meanwhile,
 * and even exit, but its task_struct outlives the RCU read-side section that this is:
 * the caller has preemption off.
 */
void arm64_vcpu_kick(struct vcpu *vcpu, int cpu)
{
	struct task_struct *task = READ_ONCE(vcpu->task);

	if (task)
		kick_process(task);
}

/* --- features ----------------------------------------------------------------------- */

/* ID registers hold fields of 4 bits: which one, at least what, sets which member? */
static const struct {
	u32	reg;		/* SYS_ID_* */
	u8	shift;
	u8	least;		/* the value that it has at least */
	u16	member;		/* a bool of struct arm64_host */
} host_features[] = {
#define FEATURE(reg, field, least, member)	\
	{ SYS_##reg, reg##_##field##_SHIFT, least, offsetof(struct arm64_host, member) }
	FEATURE(ID_AA64MMFR1_EL1, PAN,		1, pan),
	FEATURE(ID_AA64PFR0_EL1, DIT,		1, dit),
	FEATURE(ID_AA64PFR1_EL1, SSBS,		2, ssbs),	/* and as a register */
	FEATURE(ID_AA64PFR1_EL1, MTE,		2, tco),
	FEATURE(ID_AA64MMFR0_EL1, FGT,		1, fgt),
	FEATURE(ID_AA64PFR0_EL1, RAS,		1, ras),
	FEATURE(ID_AA64MMFR3_EL1, TCRX,		1, tcr2),
	FEATURE(ID_AA64MMFR3_EL1, S1PIE,	1, s1pie),
	FEATURE(ID_AA64MMFR2_EL1, FWB,		1, s2fwb),
	FEATURE(ID_AA64MMFR2_EL1, EVT,		1, evt),
	FEATURE(ID_AA64ISAR0_EL1, TLB,		2, tlb_range),
	FEATURE(ID_AA64PFR0_EL1, CSV2,		1, csv2),
	FEATURE(ID_AA64PFR0_EL1, EL0,		2, aarch32),
	FEATURE(ID_AA64MMFR0_EL1, ECV,		1, ecv),
	FEATURE(ID_AA64MMFR1_EL1, VMIDBits,	2, vmid16),
#undef FEATURE
};

static unsigned int id_field(u32 reg, unsigned int shift)
{
	return host_id_register(reg) >> shift & 15;
}

/*
 * HCRX_EL2 gives a guest what no other trap withholds.  Kernels that do not use it leave it
 * as firmware did, and say of no CPU that it has it: so each is asked for itself.  Access to
 * it (SCR_EL3.HXEn) is what they all want of firmware (Documentation/arch/arm64/booting.rst).
 */
static bool cpu_has_hcx(void)
{
	return FIELD_GET(ID_AA64MMFR1_EL1_HCX_MASK, read_cpuid(ID_AA64MMFR1_EL1));
}

static void hcx_probe(void *all)
{
	if (!cpu_has_hcx())
		WRITE_ONCE(*(bool *)all, false);
}

static bool host_has_hcx(void)
{
	bool all = true;

	on_each_cpu(hcx_probe, &all, 1);

	return all;
}

/*
 * Memory partitioning.  Firmware that does not know it traps its registers (MPAM3_EL3,
 * "TRAPLOWER", which is so after a reset) and may well stop the machine for it; whether
 * it does cannot be asked.  So only if the kernel itself has been there.
 */
static bool host_has_mpam(void)
{
#ifdef ARM64_MPAM
	return cpus_have_final_cap(ARM64_MPAM);
#else
	return false;
#endif
}

static void host_find_features(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(host_features); i++)
		*(bool *)((void *)&arm64_host + host_features[i].member) =
			id_field(host_features[i].reg, host_features[i].shift) >=
			host_features[i].least;

	/* One field for each of three algorithms. */
	arm64_host.pauth_address = system_supports_address_auth();
	arm64_host.pauth_generic = system_supports_generic_auth();
	arm64_host.sve = system_supports_sve();
	arm64_host.hcx = host_has_hcx();
	arm64_host.mpam = host_has_mpam();
}

static void host_find_caches(void)
{
	u64 ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);

	arm64_host.ctr = ctr;
	arm64_host.dic = ctr & CTR_EL0_DIC_MASK;
	arm64_host.idc = ctr & CTR_EL0_IDC_MASK;
	dcache_line = 4UL << FIELD_GET(CTR_EL0_DminLine_MASK, ctr);
}

static void host_find_sizes(void)
{
	/* Arm ARM, ID_AA64MMFR0_EL1, "PARange". */
	static const u8 pa_bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	unsigned int range = id_field(SYS_ID_AA64MMFR0_EL1, ID_AA64MMFR0_EL1_PARANGE_SHIFT);

	arm64_host.pa_bits = pa_bits[min_t(unsigned int, range, ARRAY_SIZE(pa_bits) - 1)];
	arm64_host.breakpoints =
		id_field(SYS_ID_AA64DFR0_EL1, ID_AA64DFR0_EL1_BRPs_SHIFT) + 1;
	arm64_host.watchpoints =
		id_field(SYS_ID_AA64DFR0_EL1, ID_AA64DFR0_EL1_WRPs_SHIFT) + 1;
	arm64_host.counter_rate = arch_timer_get_cntfrq();
	arm64_host.ich_vtr = read_sysreg_s(SYS_ICH_VTR_EL2);
}

/* --- interrupts ------------------------------------------------------------------------ */

/* Entries of the timer's interrupts property where it has no names. */
enum { TIMER_DT_PHYSICAL = 1, TIMER_DT_VIRTUAL };

static unsigned int dt_irq(struct device_node *node, const char *name, int fallback)
{
	int index = of_property_match_string(node, "interrupt-names", name);

	return irq_of_parse_and_map(node, index < 0 ? fallback : index);
}

static void dt_find_irqs(void)
{
	struct device_node *node;

	node = of_find_compatible_node(NULL, NULL, "arm,armv8-timer");
	if (node) {
		arm64_host.vtimer_irq = dt_irq(node, "virt", TIMER_DT_VIRTUAL);
		arm64_host.ptimer_irq = dt_irq(node, "phys", TIMER_DT_PHYSICAL);
		of_node_put(node);
	}
	/* Its only interrupt is the one for maintenance. */
	node = of_find_compatible_node(NULL, NULL, "arm,gic-v3");
	if (node) {
		arm64_host.maintenance_irq = irq_of_parse_and_map(node, 0);
		of_node_put(node);
	}
}

#ifdef CONFIG_ACPI
/* 0 is no number of a private interrupt: a table has it for "there is none". */
static unsigned int acpi_irq(u32 gsi, bool edge, bool active_low)
{
	int irq;

	if (!gsi)
		return 0;
	irq = acpi_register_gsi(NULL, gsi, edge ? ACPI_EDGE_SENSITIVE : ACPI_LEVEL_SENSITIVE,
				active_low ? ACPI_ACTIVE_LOW : ACPI_ACTIVE_HIGH);

	return irq > 0 ? irq : 0;
}

static unsigned int acpi_timer_irq(u32 gsi, u32 flags)
{
	return acpi_irq(gsi, flags & ACPI_GTDT_INTERRUPT_MODE,
			flags & ACPI_GTDT_INTERRUPT_POLARITY);
}

static void acpi_find_irqs(void)
{
	struct acpi_madt_generic_interrupt *gicc = acpi_cpu_get_madt_gicc(0);
	struct acpi_table_header *header;
	struct acpi_table_gtdt *gtdt;

	if (gicc)
		arm64_host.maintenance_irq =
			acpi_irq(gicc->vgic_interrupt, gicc->flags & ACPI_MADT_VGIC_IRQ_MODE,
				 false);
	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_GTDT, 0, &header)))
		return;
	gtdt = container_of(header, struct acpi_table_gtdt, header);
	arm64_host.vtimer_irq = acpi_timer_irq(gtdt->virtual_timer_interrupt,
					       gtdt->virtual_timer_flags);
	arm64_host.ptimer_irq = acpi_timer_irq(gtdt->non_secure_el1_interrupt,
					       gtdt->non_secure_el1_flags);
	acpi_put_table(header);
}
#else
static void acpi_find_irqs(void)
{
}
#endif

static irqreturn_t probe_handler(int irq, void *unused)
{
	return IRQ_NONE;
}

static DEFINE_PER_CPU(int, probe_cookie);

/*
 * Does the kernel's own hypervisor have it?  That takes its interrupts at boot and keeps
 * them.  Nothing is enabled here, so nothing can come.  What else may be wrong is found
 * out by who requests it for good.
 */
static bool irq_is_taken(unsigned int irq)
{
	int err = request_percpu_irq(irq, probe_handler, "keel", &probe_cookie);

	if (!err)
		free_percpu_irq(irq, &probe_cookie);

	return err == -EBUSY;
}

int arm64_host_probe(void)
{
	memset(&arm64_host, 0, sizeof(arm64_host));
	if (acpi_disabled)
		dt_find_irqs();
	else
		acpi_find_irqs();

	if (!arm64_host.vtimer_irq || !arm64_host.maintenance_irq) {
		pr_err("the firmware's tables do not say which interrupt is the %s's; guests need it, update the firmware\n",
		       arm64_host.vtimer_irq ? "GIC's for maintenance" : "virtual timer");
		return -ENXIO;
	}
	if (irq_is_taken(arm64_host.vtimer_irq) || irq_is_taken(arm64_host.maintenance_irq)) {
		pr_err("the kernel's own KVM has the interrupts that guests need; boot with kvm-arm.mode=none\n");
		return -EBUSY;
	}

	return 0;
}

/* --- branch predictors --------------------------------------------------------------------- */

static bool mitigate = true;
module_param(mitigate, bool, 0444);
MODULE_PARM_DESC(mitigate, "Keep guests from steering the host's branch predictors, as the CPUs need it (default: Y; N also with mitigations=off)");

/* How a guest is left on this CPU; written by cpu_enable, read by load. */
struct exit_path {
	const char	*vectors;
	u64		mitigation;
};

static DEFINE_PER_CPU(struct exit_path, exit_path);

/*
 * Branches that fill the branch history (Arm, "Spectre-BHB: Speculative Target Reuse
 * Attacks", the tables of cores).
 */
static const struct {
	u32	model;		/* MIDR_EL1, without revision and variant */
	u8	count;
} bhb_loops[] = {
	{ MIDR_CORTEX_A72,	8 },
	{ MIDR_AMPERE1,		11 },
	{ MIDR_CORTEX_A76,	24 },
	{ MIDR_CORTEX_A77,	24 },
	{ MIDR_NEOVERSE_N1,	24 },
	{ MIDR_CORTEX_A78,	32 },
	{ MIDR_CORTEX_A78C,	32 },
	{ MIDR_CORTEX_X1,	32 },
	{ MIDR_CORTEX_A710,	32 },
	{ MIDR_CORTEX_X2,	32 },
	{ MIDR_NEOVERSE_N2,	32 },
	{ MIDR_NEOVERSE_V1,	32 },
};

/* For a CPU that has no row and no better way: the longest of any table. */
#define BHB_LOOP_LONGEST	132

/* 0: no row. */
static u64 bhb_loop_count(void)
{
	u32 model = read_cpuid_id() & MIDR_CPU_MODEL_MASK;
	int i;

	for (i = 0; i < ARRAY_SIZE(bhb_loops); i++)
		if (bhb_loops[i].model == model)
			return bhb_loops[i].count;

	return 0;
}

/* Does the firmware have this workaround, and does this CPU need it?  By SMC: at EL2. */
static bool firmware_works_around(u32 function)
{
	struct arm_smccc_res res;

	if (arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_SMC)
		return false;
	arm_smccc_1_1_smc(ARM_SMCCC_ARCH_FEATURES_FUNC_ID, function, &res);

	return !(int)res.a0;
}

/* A firmware's third workaround does what its first one does, too. */
static bool exit_path_firmware(struct exit_path *path)
{
	if (firmware_works_around(ARM_SMCCC_ARCH_WORKAROUND_3))
		path->mitigation = ARM_SMCCC_ARCH_WORKAROUND_3;
	else if (firmware_works_around(ARM_SMCCC_ARCH_WORKAROUND_1))
		path->mitigation = ARM_SMCCC_ARCH_WORKAROUND_1;
	else
		return false;
	path->vectors = arm64_vectors_firmware;

	return true;
}

static void exit_path_bhb(struct exit_path *path)
{
	if (FIELD_GET(ID_AA64ISAR2_EL1_CLRBHB_MASK, read_cpuid(ID_AA64ISAR2_EL1))) {
		path->vectors = arm64_vectors_clrbhb;
		return;
	}

	path->mitigation = bhb_loop_count();
	if (!path->mitigation && exit_path_firmware(path))
		return;
	path->vectors = arm64_vectors_loop;
	path->mitigation = path->mitigation ?: BHB_LOOP_LONGEST;
}

/*
 * On this CPU.  The kernel says whether the CPU is affected; what it does about it cannot
 * be asked, so this follows the CPU's own registers.  A CPU whose predictors only the
 * firmware can invalidate (Spectre v2) needs that, and that is enough for the history.
 */
static void exit_path_choose(struct exit_path *path)
{
	*path = (struct exit_path) { .vectors = arm64_vectors };
	if (!mitigate || cpu_mitigations_off())
		return;
	if (this_cpu_has_cap(ARM64_SPECTRE_V2) && exit_path_firmware(path))
		return;
	if (this_cpu_has_cap(ARM64_SPECTRE_BHB))
		exit_path_bhb(path);
}

void arm64_host_exit_path(struct arm64_config *config)
{
	config->vectors = (u64)this_cpu_read(exit_path.vectors);
	config->mitigation = this_cpu_read(exit_path.mitigation);
}

/* --- setup ------------------------------------------------------------------------------- */

int arm64_host_setup(void)
{
	host_find_features();
	host_find_caches();
	host_find_sizes();

	return 0;
}

void arm64_host_teardown(void)
{
}

/* The vGIC has its own, for the other interrupt. */
int arm64_host_cpu_enable(void)
{
	/* One that came late, when the kernel does not ask for it. */
	if (arm64_host.hcx && !cpu_has_hcx())
		return -EIO;

	exit_path_choose(this_cpu_ptr(&exit_path));
	arm64_timer_cpu_enable();

	return 0;
}

void arm64_host_cpu_disable(void)
{
	arm64_timer_cpu_disable();
}

/* --- caches -------------------------------------------------------------------------------- */

void arm64_clean_to_poc(void *start, size_t size)
{
	unsigned long line = (unsigned long)start & ~(dcache_line - 1);
	unsigned long end = (unsigned long)start + size;

	for (; line < end; line += dcache_line)
		asm volatile("dc civac, %0" : : "r" (line) : "memory");
	dsb(sy);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's CPUs and kernel have, and what the kernel wants to be told: the tables
 * of a guest that faults, and who owns the floating-point registers.
 *
 * A host fault of the guest on its own storage ends in the kernel's handler.  There it is
 * told from a fault of the kernel's own by a struct gmap in force whose ASCE is the one
 * in control register 1.  The kernel notes address and access in the task, looks the
 * address up among the mappings of that gmap, which are none, and makes the entry return
 * -EFAULT.  So the gmap of a VM is empty but for its ASCE.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <asm/facility.h>
#include <asm/fault.h>
#include <asm/fpu.h>
#include <asm/gmap.h>
#include <asm/sclp.h>
#include <asm/setup.h>
#include <asm/sysinfo.h>

#include "s390.h"

struct s390_host s390_host;

/* "Facility Indications". */
#define FACILITY_VECTOR	129

int s390_host_probe(void)
{
	if (!sclp.has_sief2) {
		pr_err("no SIE: this is no machine, or no guest of one, that lets its guests have guests\n");
		return -ENODEV;
	}
	if (sizeof(struct sie_page) != PAGE_SIZE)
		return -EOPNOTSUPP;

	return 0;
}

/* Its manufacturer, in EBCDIC: "HRC". */
static bool host_is_hercules(struct sysinfo_1_1_1 *info)
{
	static const u8 name[] = { 0xc8, 0xd9, 0xc3, 0x40 };

	return !stsi(info, 1, 1, 1) && !memcmp(info->manufacturer, name, sizeof(name));
}

int s390_host_setup(void)
{
	struct sysinfo_1_1_1 *info = (void *)get_zeroed_page(GFP_KERNEL);

	if (!info)
		return -ENOMEM;

	s390_host = (struct s390_host) {
		.edat1	= MACHINE_HAS_EDAT1,
		.vector	= test_facility(FACILITY_VECTOR),
		.esop	= MACHINE_HAS_ESOP,
		.hercules = host_is_hercules(info),
		.siif	= sclp.has_siif,
		.sigpif	= sclp.has_sigpif,
		.ib	= sclp.has_ib,
		.cei	= sclp.has_cei,
		.gpere	= sclp.has_gpere,
		.cmma	= sclp.has_cmma,
		.pfmfi	= sclp.has_pfmfi,
		.skey	= sclp.has_skey,
		.kss	= sclp.has_kss,
		.esca	= sclp.has_esca,
	};
	free_page((unsigned long)info);

	return 0;
}

void s390_host_teardown(void)
{
}

/* --- faults ---------------------------------------------------------------- */

int s390_host_gmap_create(struct vm *vm, u64 asce)
{
	struct gmap *gmap = kzalloc(sizeof(*gmap), GFP_KERNEL_ACCOUNT);

	if (!gmap)
		return -ENOMEM;

	INIT_LIST_HEAD(&gmap->list);
	INIT_LIST_HEAD(&gmap->crst_list);
	INIT_LIST_HEAD(&gmap->children);
	INIT_LIST_HEAD(&gmap->pt_list);
	INIT_RADIX_TREE(&gmap->guest_to_host, GFP_KERNEL_ACCOUNT);
	INIT_RADIX_TREE(&gmap->host_to_guest, GFP_ATOMIC | __GFP_ACCOUNT);
	INIT_RADIX_TREE(&gmap->host_to_rmap, GFP_ATOMIC | __GFP_ACCOUNT);
	spin_lock_init(&gmap->guest_table_lock);
	spin_lock_init(&gmap->shadow_lock);
	refcount_set(&gmap->ref_count, 1);
	gmap->mm = vm->mm;
	gmap->asce = asce;
	gmap->asce_end = -1UL;
	vm->arch.gmap = gmap;

	return 0;
}

void s390_host_gmap_destroy(struct vm *vm)
{
	kfree(vm->arch.gmap);
	vm->arch.gmap = NULL;
}

void s390_host_gmap_change(struct vm *vm, u64 asce)
{
	vm->arch.gmap->asce = asce;
}

void s390_host_gmap_load(struct vcpu *vcpu)
{
	gmap_enable(vcpu->vm->arch.gmap);
}

void s390_host_gmap_put(struct vcpu *vcpu)
{
	gmap_disable(vcpu->vm->arch.gmap);
}

#if HOST_GUEST_TEID
/*
 * Newer kernels do not look at the fault: the entry returns 0 after any program
 * interruption, and what it was is in the task as the hardware said it.
 */

#define FACILITY_FSI	75	/* the access-exception fetch/store indication */

void s390_host_fault_begin(void)
{
	current->thread.gmap_int_code = 0;
}

bool s390_host_fault_seen(int ret)
{
	return current->thread.gmap_int_code & PGM_INT_CODE_MASK;
}

/* Does an interruption of this code come with an address? */
static bool fault_has_address(unsigned int code, union teid teid)
{
	switch (code & PGM_INT_CODE_MASK) {
	case PGM_PROTECTION:
		/* Only that of the tables. */
		return teid.b61;
	case PGM_SEGMENT_TRANSLATION:
	case PGM_PAGE_TRANSLATION:
	case PGM_ASCE_TYPE:
	case PGM_REGION_FIRST_TRANS:
	case PGM_REGION_SECOND_TRANS:
	case PGM_REGION_THIRD_TRANS:
		return true;
	default:
		return false;
	}
}

void s390_host_fault_note(struct exit_info *exit)
{
	unsigned int code = current->thread.gmap_int_code;
	union teid teid = current->thread.gmap_teid;

	exit->info1 = code;
	if (teid.fsi == TEID_FSI_STORE && test_facility(FACILITY_FSI))
		exit->info1 |= S390_FAULT_WRITE;
	exit->info2 = fault_has_address(code, teid) ? teid.addr * PAGE_SIZE : S390_FAULT_UNKNOWN;
}
#else
void s390_host_fault_begin(void)
{
	current->thread.gmap_addr = S390_FAULT_UNKNOWN;
	current->thread.gmap_int_code = 0;
	current->thread.gmap_write_flag = 0;
}

bool s390_host_fault_seen(int ret)
{
	return ret == -EFAULT;
}

void s390_host_fault_note(struct exit_info *exit)
{
	exit->info1 = current->thread.gmap_int_code;
	if (current->thread.gmap_write_flag)
		exit->info1 |= S390_FAULT_WRITE;
	exit->info2 = current->thread.gmap_addr;
}
#endif

/* --- pages in common ------------------------------------------------------- */

void s390_host_unshare(void)
{
	s390_disable_cow_sharing();
}

/* --- floating-point and vector registers ----------------------------------- */

/* All that a guest can change: without vector registers those mean the other ones. */
#define FPU_ALL		(KERNEL_FPC | KERNEL_VXR)

/* A section of the kernel's own use: it may be preempted, and others nest in it. */
void s390_host_fpu_begin(struct vcpu *vcpu)
{
	kernel_fpu_begin(&vcpu->arch.host_fpu, FPU_ALL);
}

void s390_host_fpu_end(struct vcpu *vcpu)
{
	kernel_fpu_end(&vcpu->arch.host_fpu, FPU_ALL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual-machine control structure: which controls this CPU lets us set, what
 * a VMCS is at creation, and the two-way translation between its guest state and
 * the canonical state, by group.  Why an entry fails is in explain.c.
 */
#include <linux/gfp.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/desc.h>
#include <asm/msr.h>

#include "vtx.h"

struct vtx_caps vtx_caps;

static bool preemption_timer = true;
module_param(preemption_timer, bool, 0444);
MODULE_PARM_DESC(preemption_timer, "VT-x: use the VMX-preemption timer for TSC deadlines (default: yes)");

/* --- controls ------------------------------------------------------------- */

enum control_need {
	MUST,		/* set from the beginning; refuse a CPU without it */
	WANT,		/* set from the beginning, if the CPU has it */
	LATER_MUST,	/* set when it is needed; refuse a CPU without it */
	LATER,		/* set when it is needed, if the CPU has it */
	NEVER,		/* stays clear; refuse a CPU that wants it set */
};

struct control_desc {
	u8		word;		/* enum vtx_control */
	u8		need;		/* enum control_need */
	u32		bit;
	const char	*name;		/* as the manual spells it */
};

#define PIN(need, bit, name)		{ VTX_PIN, need, bit, name }
#define PRIMARY(need, bit, name)	{ VTX_PRIMARY, need, CPU_BASED_##bit, name }
#define SECONDARY(need, bit, name)	{ VTX_SECONDARY, need, SECONDARY_EXEC_##bit, name }
#define EXIT(need, bit, name)		{ VTX_EXIT, need, VM_EXIT_##bit, name }
#define ENTRY(need, bit, name)		{ VTX_ENTRY, need, VM_ENTRY_##bit, name }

/*
 * Everything that is asked of the controls; what is in no row stays as the CPU has
 * it by default.  In this order, so that an old CPU is told of what matters most.
 *
 * Deliberately left to the guest, because EPT and the VMCS make it safe: CR3, INVLPG
 * and INVPCID (its own tags only), most of CR0 and CR4 (see VTX_CR0_HOST), RDTSC and
 * RDTSCP (TSC offset), descriptor-table instructions, and all exceptions but those
 * of vtx_vmcs_reset().  What may not be used without its control raises #UD then:
 * RDTSCP, INVPCID, XSAVES if the guest's CPUID has none; WAITPKG, VMFUNC, PCONFIG
 * always.  CPUID, INVD, XSETBV, GETSEC, VMCALL and the VMX instructions always exit.
 */
static const struct control_desc control_descs[] = {
	PRIMARY(MUST,	ACTIVATE_SECONDARY_CONTROLS, "activate secondary controls"),
	SECONDARY(MUST,	ENABLE_EPT,		"enable EPT"),
	SECONDARY(MUST,	UNRESTRICTED_GUEST,	"unrestricted guest"),
	PIN(MUST,	PIN_BASED_EXT_INTR_MASK, "external-interrupt exiting"),
	PIN(MUST,	PIN_BASED_NMI_EXITING,	"NMI exiting"),
	PIN(MUST,	PIN_BASED_VIRTUAL_NMIS,	"virtual NMIs"),
	PIN(LATER,	PIN_BASED_VMX_PREEMPTION_TIMER, "activate VMX-preemption timer"),
	PRIMARY(MUST,	USE_TSC_OFFSETTING,	"use TSC offsetting"),
	PRIMARY(MUST,	HLT_EXITING,		"HLT exiting"),		/* others can run */
	PRIMARY(MUST,	MWAIT_EXITING,		"MWAIT exiting"),	/* the same */
	PRIMARY(MUST,	MONITOR_EXITING,	"MONITOR exiting"),
	PRIMARY(MUST,	RDPMC_EXITING,		"RDPMC exiting"),	/* tells host secrets */
	PRIMARY(MUST,	MOV_DR_EXITING,		"MOV-DR exiting"),	/* until it uses them */
	PRIMARY(MUST,	USE_IO_BITMAPS,		"use I/O bitmaps"),	/* every port */
	PRIMARY(MUST,	USE_MSR_BITMAPS,	"use MSR bitmaps"),
	PRIMARY(NEVER,	CR3_LOAD_EXITING,	"CR3-load exiting"),
	PRIMARY(NEVER,	CR3_STORE_EXITING,	"CR3-store exiting"),
	PRIMARY(NEVER,	INVLPG_EXITING,		"INVLPG exiting"),
	PRIMARY(LATER_MUST, INTR_WINDOW_EXITING, "interrupt-window exiting"),
	PRIMARY(LATER_MUST, CR8_LOAD_EXITING,	"CR8-load exiting"),
	PRIMARY(LATER_MUST, CR8_STORE_EXITING,	"CR8-store exiting"),
	PRIMARY(LATER_MUST, NMI_WINDOW_EXITING,	"NMI-window exiting"),
	PRIMARY(LATER,	TPR_SHADOW,		"use TPR shadow"),
	PRIMARY(LATER,	MONITOR_TRAP_FLAG,	"monitor trap flag"),
	SECONDARY(WANT,	ENABLE_VPID,		"enable VPID"),
	SECONDARY(WANT,	WBINVD_EXITING,		"WBINVD exiting"),	/* slow for everybody */
	SECONDARY(WANT,	PAUSE_LOOP_EXITING,	"PAUSE-loop exiting"),
	SECONDARY(WANT,	ENCLS_EXITING,		"enable ENCLS exiting"),
	SECONDARY(LATER, ENABLE_RDTSCP,		"enable RDTSCP"),
	SECONDARY(LATER, ENABLE_INVPCID,	"enable INVPCID"),
	{ VTX_SECONDARY, LATER, VMCS_CONTROL_BIT(XSAVES), "enable XSAVES/XRSTORS" },
	SECONDARY(LATER, ENABLE_PML,		"enable PML"),
	SECONDARY(LATER, VIRTUALIZE_APIC_ACCESSES, "virtualize APIC accesses"),
	SECONDARY(LATER, VIRTUALIZE_X2APIC_MODE, "virtualize x2APIC mode"),
	SECONDARY(LATER, APIC_REGISTER_VIRT,	"APIC-register virtualization"),
	SECONDARY(LATER, VIRTUAL_INTR_DELIVERY,	"virtual-interrupt delivery"),
	EXIT(MUST,	HOST_ADDR_SPACE_SIZE,	"host address-space size"),
	EXIT(MUST,	SAVE_DEBUG_CONTROLS,	"save debug controls"),
	EXIT(MUST,	SAVE_IA32_EFER,		"save IA32_EFER"),
	EXIT(MUST,	LOAD_IA32_EFER,		"load IA32_EFER"),
	EXIT(MUST,	LOAD_IA32_PAT,		"load IA32_PAT"),
	EXIT(NEVER,	ACK_INTR_ON_EXIT,	"acknowledge interrupt on exit"),
	ENTRY(MUST,	LOAD_DEBUG_CONTROLS,	"load debug controls"),
	ENTRY(MUST,	LOAD_IA32_EFER,		"load IA32_EFER"),
	ENTRY(MUST,	LOAD_IA32_PAT,		"load IA32_PAT"),
	ENTRY(LATER_MUST, IA32E_MODE,		"IA-32e mode guest"),
};

/*
 * Where the CPU says what it lets us set: the low half has the bits that have to be
 * 1, the high half those that may be.  The "true" MSRs, where they are, know better.
 */
static const struct control_word {
	u32			msr, true_msr;
	enum vmcs_field		field;
	const char		*name;
} control_words[VTX_CONTROLS] = {
	[VTX_PIN] = { MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS,
		      PIN_BASED_VM_EXEC_CONTROL, "pin-based controls" },
	[VTX_PRIMARY] = { MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
			  CPU_BASED_VM_EXEC_CONTROL, "processor-based controls" },
	[VTX_SECONDARY] = { MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2,
			    SECONDARY_VM_EXEC_CONTROL, "secondary controls" },
	[VTX_EXIT] = { MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS,
		       VM_EXIT_CONTROLS, "VM-exit controls" },
	[VTX_ENTRY] = { MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
			VM_ENTRY_CONTROLS, "VM-entry controls" },
};

u64 vtx_controls_allowed(enum vtx_control control)
{
	const struct control_word *word = &control_words[control];
	u64 allowed = 0;

	rdmsrl_safe(vtx_caps.basic & VMX_BASIC_TRUE_CTLS ? word->true_msr : word->msr, &allowed);

	return allowed;
}

u32 vtx_control_read(enum vtx_control control)
{
	return vtx_read(control_words[control].field);
}

/* One row against what the CPU has: false if it is refused. */
static bool control_negotiate(struct vtx_caps *caps, const u64 *allowed,
			      const struct control_desc *desc)
{
	bool forced = (u32)allowed[desc->word] & desc->bit;
	bool possible = (allowed[desc->word] >> 32) & desc->bit;

	if (desc->need == NEVER)
		return !forced;
	if (!possible)
		return desc->need == WANT || desc->need == LATER;
	caps->usable[desc->word] |= desc->bit;
	if (desc->need == MUST || desc->need == WANT)
		caps->start[desc->word] |= desc->bit;

	return true;
}

/* VPIDs are of use only with the instructions that drop what they tag. */
static void caps_vpid(struct vtx_caps *caps)
{
	const u64 needed = (VMX_VPID_INVVPID_BIT | VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT |
			    VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT) << 32;

	if ((caps->ept_vpid & needed) != needed) {
		caps->start[VTX_SECONDARY] &= ~SECONDARY_EXEC_ENABLE_VPID;
		caps->usable[VTX_SECONDARY] &= ~SECONDARY_EXEC_ENABLE_VPID;
	}
	if (caps->usable[VTX_SECONDARY] & SECONDARY_EXEC_ENABLE_VPID)
		caps->vpids = x86_tags ? clamp(x86_tags, 3u, VMX_NR_VPIDS) : VMX_NR_VPIDS;
}

static void caps_registers(struct vtx_caps *caps)
{
	rdmsrl_safe(MSR_IA32_VMX_MISC, &caps->misc);
	rdmsrl_safe(MSR_IA32_VMX_EPT_VPID_CAP, &caps->ept_vpid);
	rdmsrl_safe(MSR_IA32_VMX_CR0_FIXED0, &caps->cr0_fixed0);
	rdmsrl_safe(MSR_IA32_VMX_CR0_FIXED1, &caps->cr0_fixed1);
	rdmsrl_safe(MSR_IA32_VMX_CR4_FIXED0, &caps->cr4_fixed0);
	rdmsrl_safe(MSR_IA32_VMX_CR4_FIXED1, &caps->cr4_fixed1);
	/* An unrestricted guest may be in real mode. */
	caps->cr0_fixed0 &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	caps->timer_shift = vmx_misc_preemption_timer_rate(caps->misc);
	if (!preemption_timer)
		caps->usable[VTX_PIN] &= ~PIN_BASED_VMX_PREEMPTION_TIMER;
}

/* NULL, or the row that this CPU fails. */
static const struct control_desc *caps_negotiate(struct vtx_caps *caps)
{
	u64 allowed[VTX_CONTROLS];
	int i;

	for (i = 0; i < VTX_CONTROLS; i++) {
		allowed[i] = vtx_controls_allowed(i);
		caps->start[i] = (u32)allowed[i];
	}
	for (i = 0; i < ARRAY_SIZE(control_descs); i++)
		if (!control_negotiate(caps, allowed, &control_descs[i]))
			return &control_descs[i];
	caps_registers(caps);
	caps_vpid(caps);

	return NULL;
}

int vtx_caps_read(void)
{
	const struct control_desc *failed;
	const char *missing;

	memset(&vtx_caps, 0, sizeof(vtx_caps));
	rdmsrl_safe(MSR_IA32_VMX_BASIC, &vtx_caps.basic);
	failed = caps_negotiate(&vtx_caps);
	if (failed) {
		pr_err("keel: VT-x of this CPU is too old: \"%s\" (bit %d of the %s) %s, which Keel needs\n",
		       failed->name, ffs(failed->bit) - 1, control_words[failed->word].name,
		       failed->need == NEVER ? "cannot be turned off" : "is missing");
		return -EOPNOTSUPP;
	}
	missing = ept_caps_missing(vtx_caps.ept_vpid);
	if (missing) {
		pr_err("keel: EPT of this CPU is too old: it lacks %s, which Keel needs\n", missing);
		return -EOPNOTSUPP;
	}

	return 0;
}

bool vtx_caps_match(void)
{
	struct vtx_caps caps = { };

	rdmsrl_safe(MSR_IA32_VMX_BASIC, &caps.basic);
	if (caps.basic != vtx_caps.basic || caps_negotiate(&caps))
		return false;

	return !memcmp(&caps, &vtx_caps, sizeof(caps));
}

/* --- creation ---------------------------------------------------------------- */

/* About as long as a lock is held; then somebody else may run. In TSC ticks. */
#define VMCS_PLE_GAP		128
#define VMCS_PLE_WINDOW		4096

#define VMCS_PML_LAST		511	/* the log is filled downwards */

struct vmcs_value {
	u32	field;
	u64	value;
};

/* What never changes: no lists of MSRs, no nested hypervisor, an active CPU. */
static const struct vmcs_value vmcs_fixed[] = {
	{ PAGE_FAULT_ERROR_CODE_MASK,	0 },
	{ PAGE_FAULT_ERROR_CODE_MATCH,	0 },
	{ CR3_TARGET_COUNT,		0 },
	{ VM_EXIT_MSR_STORE_COUNT,	0 },
	{ VM_EXIT_MSR_LOAD_COUNT,	0 },
	{ VM_ENTRY_MSR_LOAD_COUNT,	0 },
	{ VM_ENTRY_INTR_INFO_FIELD,	0 },
	{ VMCS_LINK_POINTER,		~0ULL },
	{ GUEST_ACTIVITY_STATE,		GUEST_ACTIVITY_ACTIVE },
	{ GUEST_PENDING_DBG_EXCEPTIONS,	0 },
	{ HOST_DS_SELECTOR,		0 },
	{ HOST_ES_SELECTOR,		0 },
	{ HOST_FS_SELECTOR,		0 },
	{ HOST_GS_SELECTOR,		0 },
};

struct vmcs_source {
	u32	field;
	u32	offset;		/* into struct vtx_host */
};

#define SOURCE(field_, member_)	{ (field_), offsetof(struct vtx_host, member_) }

/*
 * Host state that is the same for ever.  What follows the CPU or the task is written
 * by vtx.c at load, HOST_CR3, HOST_CR4 and HOST_RSP only when they have changed.
 */
static const struct vmcs_source vmcs_host[] = {
	SOURCE(HOST_CR0,		cr0),
	SOURCE(HOST_CS_SELECTOR,	cs),
	SOURCE(HOST_SS_SELECTOR,	ss),
	SOURCE(HOST_TR_SELECTOR,	tr),
	SOURCE(HOST_IDTR_BASE,		idt_base),
	SOURCE(HOST_IA32_EFER,		efer),
	SOURCE(HOST_IA32_PAT,		pat),
	SOURCE(HOST_IA32_SYSENTER_CS,	sysenter_cs),
	SOURCE(HOST_IA32_SYSENTER_EIP,	sysenter_eip),
};

static void vmcs_start_optional(struct vcpu *vcpu)
{
	const struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	if (vtx_can(VTX_SECONDARY, SECONDARY_EXEC_PAUSE_LOOP_EXITING)) {
		vtx_write(PLE_GAP, VMCS_PLE_GAP);
		vtx_write(PLE_WINDOW, VMCS_PLE_WINDOW);
	}
	if (vtx_can(VTX_SECONDARY, VMCS_CONTROL_BIT(XSAVES)))
		vtx_write(XSS_EXIT_BITMAP, 0);
	if (vtx_can(VTX_SECONDARY, SECONDARY_EXEC_ENCLS_EXITING))
		vtx_write(ENCLS_EXITING_BITMAP, ~0ULL);
	if (vtx->pml) {
		vtx_write(PML_ADDRESS, __pa(vtx->pml));
		vtx_write(GUEST_PML_INDEX, VMCS_PML_LAST);
	}
}

/* Numbers that switch.S has. */
#define FIELD_IS(field, number)	static_assert((field) == (number))

FIELD_IS(HOST_RSP, 0x6c14);

void vtx_vmcs_start(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	int i;

	for (i = 0; i < ARRAY_SIZE(vmcs_fixed); i++)
		vtx_write(vmcs_fixed[i].field, vmcs_fixed[i].value);
	for (i = 0; i < ARRAY_SIZE(vmcs_host); i++)
		vtx_write(vmcs_host[i].field, *(u64 *)((void *)&vtx_host + vmcs_host[i].offset));
	vtx_write(HOST_RIP, (unsigned long)vtx_switch_exit);
	vtx_write(HOST_RSP, vtx->host_rsp);
	vtx_write(HOST_CR3, vtx->host_cr3);
	vtx_write(HOST_CR4, vtx->host_cr4);
	vtx_write(MSR_BITMAP, vtx->msrmap_pa);
	vtx_write(IO_BITMAP_A, vtx_io_bitmap_pa);
	vtx_write(IO_BITMAP_B, vtx_io_bitmap_pa + PAGE_SIZE);
	vtx_write(EPT_POINTER, vcpu->vm->arch.vtx.eptp);
	vmcs_start_optional(vcpu);
	vtx_apic_start(vcpu);
}

void vtx_vmcs_reset(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	memcpy(vtx->control, vtx_caps.start, sizeof(vtx->control));
	if (vtx->pml)
		vtx->control[VTX_SECONDARY] |= SECONDARY_EXEC_ENABLE_PML;

	vtx->owed |= (BIT(VTX_CONTROLS) - 1) | BIT(VTX_OWES_START) | BIT(VTX_OWES_HOST) |
		BIT(VTX_OWES_EXCEPTIONS) | BIT(VTX_OWES_TSC_OFFSET) | BIT(VTX_OWES_CR_MASKS) |
		BIT(VTX_OWES_APIC) | BIT(VTX_OWES_FLUSH_EPT);
	vtx->deadline = 0;
	vtx->vpid_generation = 0;
	vtx_event_reset(vcpu);
	vtx_apic_reset(vcpu);
}

static int vmcs_alloc(struct vtx_vcpu *vtx)
{
	vtx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vtx->vmcs)
		return -ENOMEM;
	vtx->vmcs_pa = __pa(vtx->vmcs);
	*(u32 *)vtx->vmcs = vmx_basic_vmcs_revision_id(vtx_caps.basic);

	return 0;
}

int vtx_vmcs_create(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	int err;

	vtx->vmcs_cpu = -1;
	vtx->vpid_cpu = -1;
	vtx->msrmap_pa = vtx_msrmap_pa(0, false);
	INIT_LIST_HEAD(&vtx->vmcs_link);
	err = vmcs_alloc(vtx);
	if (!err)
		err = ept_vcpu_create(vcpu);
	if (!err)
		err = vtx_apic_create(vcpu);
	if (err)
		vtx_vmcs_destroy(vcpu);

	return err;
}

void vtx_vmcs_destroy(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;

	/* A half-built one: not even vtx_vmcs_create() was called. */
	if (!vtx->vmcs)
		return;
	vtx_vmcs_release(vcpu);
	vtx_apic_destroy(vcpu);
	ept_vcpu_destroy(vcpu);
	free_page((unsigned long)vtx->vmcs);
	vtx->vmcs = NULL;
	vtx->vmcs_pa = 0;
}

void vtx_vmcs_pay(struct vcpu *vcpu, u32 owed)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	int i;

	for (i = 0; i < VTX_CONTROLS; i++)
		if (owed & BIT(VTX_OWES_CONTROL + i))
			vtx_write(control_words[i].field, vtx->control[i]);
	if (owed & BIT(VTX_OWES_EXCEPTIONS))
		vtx_write(EXCEPTION_BITMAP, vtx->exceptions);
	if (owed & BIT(VTX_OWES_TSC_OFFSET))
		vtx_write(TSC_OFFSET, vcpu->arch.tsc_offset);
	if (owed & BIT(VTX_OWES_MSRMAP))
		vtx_write(MSR_BITMAP, vtx->msrmap_pa);
	if (owed & BIT(VTX_OWES_CR_MASKS)) {
		vtx_write(CR0_GUEST_HOST_MASK, VTX_CR0_HOST);
		vtx_write(CR4_GUEST_HOST_MASK, vtx->cr4_host);
	}
}

/* --- segments ------------------------------------------------------------ */

/*
 * Fields of one segment register follow those of the one before it in steps of 2, in
 * the order of X86_ES to X86_TR.
 */
#define SEGMENT_STEPS(last, first)	static_assert((last) - (first) == 2 * X86_TR)

SEGMENT_STEPS(GUEST_TR_SELECTOR, GUEST_ES_SELECTOR);
SEGMENT_STEPS(GUEST_TR_BASE, GUEST_ES_BASE);
SEGMENT_STEPS(GUEST_TR_LIMIT, GUEST_ES_LIMIT);
SEGMENT_STEPS(GUEST_TR_AR_BYTES, GUEST_ES_AR_BYTES);

static void vtx_segment_fetch(struct kvm_segment *out, int number)
{
	u32 rights = vtx_read(GUEST_ES_AR_BYTES + 2 * number);

	*out = (struct kvm_segment) {
		.base		= vtx_read(GUEST_ES_BASE + 2 * number),
		.limit		= vtx_read(GUEST_ES_LIMIT + 2 * number),
		.selector	= vtx_read(GUEST_ES_SELECTOR + 2 * number),
		.type		= rights & VMX_AR_TYPE_MASK,
		.s		= !!(rights & VMX_AR_S_MASK),
		.dpl		= VMX_AR_DPL(rights),
		.present	= !!(rights & VMX_AR_P_MASK),
		.avl		= !!(rights & BIT(12)),
		.l		= !!(rights & VMX_AR_L_MASK),
		.db		= !!(rights & VMX_AR_DB_MASK),
		.g		= !!(rights & VMX_AR_G_MASK),
		.unusable	= !!(rights & VMX_AR_UNUSABLE_MASK),
	};
	if (!out->unusable)
		return;
	/* All but the CPL in SS and the bases is undefined then. */
	out->type = 0;
	out->s = 0;
	out->present = 0;
	out->l = 0;
	out->db = 0;
	out->g = 0;
}

/*
 * What user space sets may be what no CPU loads by itself, where the CPU insists
 * (SDM, "Checks on Guest Segment Registers"): a segment that was never accessed, a G
 * that the limit denies.  It means the same when it is put right.
 */
static u32 vtx_segment_rights(const struct kvm_segment *in)
{
	u32 rights = (in->dpl & 3) << VMX_AR_DPL_SHIFT;

	if (in->unusable || !in->present)
		return rights | VMX_AR_UNUSABLE_MASK;
	rights |= (in->type & VMX_AR_TYPE_MASK) | VMX_AR_P_MASK;
	if (in->s)
		rights |= VMX_AR_S_MASK | VMX_AR_TYPE_ACCESSES_MASK;
	if (in->avl)
		rights |= BIT(12);
	if (in->l)
		rights |= VMX_AR_L_MASK;
	if (in->db)
		rights |= VMX_AR_DB_MASK;
	if (in->limit > 0xfffff || (in->g && (in->limit & 0xfff) == 0xfff))
		rights |= VMX_AR_G_MASK;

	return rights;
}

static void vtx_segment_commit(const struct kvm_segment *in, int number)
{
	u32 rights = vtx_segment_rights(in);

	/* There is no CPU without a task register, nor one with a TSS that is not busy. */
	if (number == X86_TR) {
		if (rights & VMX_AR_UNUSABLE_MASK)
			rights = VMX_AR_P_MASK | VMX_AR_TYPE_BUSY_32_TSS;
		rights |= 2;
	}
	vtx_write(GUEST_ES_SELECTOR + 2 * number, in->selector);
	vtx_write(GUEST_ES_BASE + 2 * number, in->base);
	vtx_write(GUEST_ES_LIMIT + 2 * number, in->limit);
	vtx_write(GUEST_ES_AR_BYTES + 2 * number, rights);
}

/* --- control registers -------------------------------------------------------- */

void vtx_cr_masks_update(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	u64 host = vcpu->arch.cpuid.reserved_cr4 | X86_CR4_VMXE | X86_CR4_SMXE | X86_CR4_MCE |
		vtx_caps.cr4_fixed0 | ~vtx_caps.cr4_fixed1;

	if (vtx->cr4_host == host)
		return;
	/* What the guest owned so far it may have changed. */
	if (vtx->cr4_host)
		x86_need(vcpu, X86_CRS);
	vtx->cr4_host = host;
	x86_dirty(vcpu, X86_CRS);
	vtx_owe(vcpu, VTX_OWES_CR_MASKS);
}

static bool state_is_pae(const struct x86_state *state)
{
	return (state->cr0 & X86_CR0_PG) && (state->cr4 & X86_CR4_PAE) &&
		!(state->efer & EFER_LME);
}

bool vtx_pdptes_due(struct vcpu *vcpu)
{
	return (vcpu->arch.dirty & X86_CRS) && !vcpu->arch.vtx.pdptes_ready &&
		state_is_pae(&vcpu->arch.state);
}

/*
 * MOV to CR3 of a PAE guest loads them, and faults if they are no good; here they
 * come too late for that.  One that cannot be is not present.
 */
void vtx_pdptes_read(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	const u64 reserved = GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5) |
		~(BIT_ULL(boot_cpu_data.x86_phys_bits) - 1);
	int i;

	if (guest_read(vcpu, (u32)vcpu->arch.state.cr3 & ~0x1f, vtx->pdpte, sizeof(vtx->pdpte)))
		memset(vtx->pdpte, 0, sizeof(vtx->pdpte));
	for (i = 0; i < ARRAY_SIZE(vtx->pdpte); i++)
		if (vtx->pdpte[i] & reserved)
			vtx->pdpte[i] = 0;
	vtx->pdptes_ready = true;
}

static void vtx_fetch_crs(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;
	u64 cr4_host = vcpu->arch.vtx.cr4_host;

	/* The host's bits are as the guest was last told: in the state already. */
	state->cr0 = (vtx_read(GUEST_CR0) & ~VTX_CR0_HOST) | (state->cr0 & VTX_CR0_HOST);
	state->cr3 = vtx_read(GUEST_CR3);
	state->cr4 = (vtx_read(GUEST_CR4) & ~cr4_host) | (state->cr4 & cr4_host);
	state->efer = vtx_read(GUEST_IA32_EFER);
}

static void vtx_commit_crs(struct vcpu *vcpu)
{
	struct vtx_vcpu *vtx = &vcpu->arch.vtx;
	const struct x86_state *state = &vcpu->arch.state;
	bool long_mode = (state->efer & EFER_LME) && (state->cr0 & X86_CR0_PG);
	int i;

	vtx_write(GUEST_CR0, (state->cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW)) |
		  vtx_caps.cr0_fixed0);
	vtx_write(CR0_READ_SHADOW, state->cr0);
	vtx_write(GUEST_CR3, state->cr3);
	vtx_write(GUEST_CR4, state->cr4 | vtx_caps.cr4_fixed0 | (x86_host.cr4 & X86_CR4_MCE));
	vtx_write(CR4_READ_SHADOW, state->cr4);

	/* The CPU changes this control by itself when an unrestricted guest changes PG. */
	vtx->control[VTX_ENTRY] &= ~VM_ENTRY_IA32E_MODE;
	if (long_mode)
		vtx->control[VTX_ENTRY] |= VM_ENTRY_IA32E_MODE;
	vtx_owe(vcpu, VTX_OWES_CONTROL + VTX_ENTRY);
	vtx_write(GUEST_IA32_EFER, (state->efer & ~(u64)EFER_LMA) | (long_mode ? EFER_LMA : 0));

	if (unlikely(state_is_pae(state)))
		for (i = 0; i < ARRAY_SIZE(vtx->pdpte); i++)
			vtx_write(GUEST_PDPTR0 + 2 * i, vtx->pdpte[i]);
	vtx->pdptes_ready = false;
}

/* --- the other groups ------------------------------------------------------ */

static void vtx_fetch_syscall(struct vcpu *vcpu)
{
	struct x86_state *state = &vcpu->arch.state;

	state->sysenter_cs = vtx_read(GUEST_SYSENTER_CS);
	state->sysenter_esp = vtx_read(GUEST_SYSENTER_ESP);
	state->sysenter_eip = vtx_read(GUEST_SYSENTER_EIP);
	vtx_msrs_save(vcpu);
}

static void vtx_fetch_rare_groups(struct vcpu *vcpu, u32 groups)
{
	struct x86_state *state = &vcpu->arch.state;
	int i;

	if (groups & X86_SEGS)
		for (i = 0; i < X86_SEG_COUNT; i++)
			vtx_segment_fetch(&state->seg[i], i);
	if (groups & X86_TABLES) {
		state->gdt = (struct kvm_dtable) {
			.base = vtx_read(GUEST_GDTR_BASE), .limit = vtx_read(GUEST_GDTR_LIMIT) };
		state->idt = (struct kvm_dtable) {
			.base = vtx_read(GUEST_IDTR_BASE), .limit = vtx_read(GUEST_IDTR_LIMIT) };
	}
	if (groups & X86_SYSCALL)
		vtx_fetch_syscall(vcpu);
	if (groups & X86_DEBUG)
		vtx_debug_fetch(vcpu);
}

void vtx_x86_state_fetch(struct vcpu *vcpu, u32 groups)
{
	struct x86_state *state = &vcpu->arch.state;

	if (groups & X86_RIP)
		vtx_rip_fetch(vcpu);
	if (groups & X86_STACK)
		state->gpr[X86_RSP] = vtx_read(GUEST_RSP);
	if (groups & X86_INTR)
		vtx_intr_fetch(vcpu);
	if (groups & X86_CRS)
		vtx_fetch_crs(vcpu);
	if (groups & X86_MODE) {
		state->cs_base = vtx_read(GUEST_CS_BASE);
		state->cs_long = vtx_read(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK;
		state->cpl = VMX_AR_DPL(vtx_read(GUEST_SS_AR_BYTES));
	}
	if (groups & (X86_SEGS | X86_TABLES | X86_SYSCALL | X86_DEBUG))
		vtx_fetch_rare_groups(vcpu, groups);
}

static void vtx_commit_rare_groups(struct vcpu *vcpu, u32 groups)
{
	const struct x86_state *state = &vcpu->arch.state;
	int i;

	if (groups & X86_SEGS)
		for (i = 0; i < X86_SEG_COUNT; i++)
			vtx_segment_commit(&state->seg[i], i);
	if (groups & X86_TABLES) {
		vtx_write(GUEST_GDTR_BASE, state->gdt.base);
		vtx_write(GUEST_GDTR_LIMIT, state->gdt.limit);
		vtx_write(GUEST_IDTR_BASE, state->idt.base);
		vtx_write(GUEST_IDTR_LIMIT, state->idt.limit);
	}
	if (groups & X86_SYSCALL) {
		vtx_write(GUEST_SYSENTER_CS, state->sysenter_cs);
		vtx_write(GUEST_SYSENTER_ESP, state->sysenter_esp);
		vtx_write(GUEST_SYSENTER_EIP, state->sysenter_eip);
		vtx_owe(vcpu, VTX_OWES_MSRS);
	}
	if (groups & X86_DEBUG)
		vtx_debug_commit(vcpu);
	if (groups & X86_MISC) {
		vtx_write(GUEST_IA32_PAT, state->pat);
		vtx_write(GUEST_IA32_DEBUGCTL, state->debugctl);
		vcpu->arch.vtx.spec_ctrl = state->spec_ctrl;
	}
}

void vtx_x86_state_commit(struct vcpu *vcpu, u32 groups)
{
	const struct x86_state *state = &vcpu->arch.state;

	if (groups & X86_RIP)
		vtx_rip_commit(vcpu);
	if (groups & X86_STACK)
		vtx_write(GUEST_RSP, state->gpr[X86_RSP]);
	if (groups & X86_INTR)
		vtx_intr_commit(vcpu);
	if (groups & X86_CRS)
		vtx_commit_crs(vcpu);
	if (groups & (X86_SEGS | X86_TABLES | X86_SYSCALL | X86_DEBUG | X86_MISC))
		vtx_commit_rare_groups(vcpu, groups);
}

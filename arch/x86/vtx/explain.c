// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why did the CPU refuse this VMCS?  The checks of VM entries as tables (SDM, chapter
 * "VM Entries": "Checks on VMX Controls and Host-State Area" and "Checking and Loading
 * Guest State"), for a sentence about an entry that failed.  The CPU has told which
 * of the groups it was.  Called when all is over, so it reads what it likes.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "vtx.h"

struct vmcs_rule {
	bool		(*broken)(void);
	const char	*text;
};

static const char *explain(const struct vmcs_rule *rules, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (rules[i].broken())
			return rules[i].text;

	return NULL;
}

static bool canonical(u64 address)
{
	int shift = native_read_cr4() & X86_CR4_LA57 ? 7 : 16;

	return (u64)((s64)(address << shift) >> shift) == address;
}

static bool beyond_memory(u64 address)
{
	return address >> boot_cpu_data.x86_phys_bits;
}

static bool has(enum vtx_control control, u32 bit)
{
	return vtx_control_read(control) & bit;
}

/* --- controls ------------------------------------------------------------------ */

static bool control_denied(enum vtx_control control)
{
	u64 allowed = vtx_controls_allowed(control);
	u32 value = vtx_control_read(control);

	return (value & ~(u32)(allowed >> 32)) || (~value & (u32)allowed);
}

static bool rule_pin(void)
{
	return control_denied(VTX_PIN);
}

static bool rule_primary(void)
{
	return control_denied(VTX_PRIMARY);
}

static bool rule_secondary(void)
{
	return control_denied(VTX_SECONDARY);
}

static bool rule_exit(void)
{
	return control_denied(VTX_EXIT);
}

static bool rule_entry(void)
{
	return control_denied(VTX_ENTRY);
}

static bool rule_bitmap(void)
{
	u64 address = vtx_read(MSR_BITMAP) | vtx_read(IO_BITMAP_A) | vtx_read(IO_BITMAP_B);

	return address & ~PAGE_MASK || beyond_memory(address);
}

static bool rule_virtual_apic(void)
{
	u64 address = vtx_read(VIRTUAL_APIC_PAGE_ADDR);

	return has(VTX_PRIMARY, CPU_BASED_TPR_SHADOW) &&
		(address & ~PAGE_MASK || beyond_memory(address));
}

static bool rule_tpr_threshold(void)
{
	return has(VTX_PRIMARY, CPU_BASED_TPR_SHADOW) && vtx_read(TPR_THRESHOLD) >> 4 &&
		!has(VTX_SECONDARY, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY);
}

static bool rule_nmi_window(void)
{
	return has(VTX_PRIMARY, CPU_BASED_NMI_WINDOW_EXITING) &&
		!has(VTX_PIN, PIN_BASED_VIRTUAL_NMIS);
}

static bool rule_delivery(void)
{
	return has(VTX_SECONDARY, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) &&
		!has(VTX_PRIMARY, CPU_BASED_TPR_SHADOW);
}

static bool rule_x2apic(void)
{
	return has(VTX_SECONDARY, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) &&
		has(VTX_SECONDARY, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
}

static bool rule_vpid(void)
{
	return has(VTX_SECONDARY, SECONDARY_EXEC_ENABLE_VPID) && !vtx_read(VIRTUAL_PROCESSOR_ID);
}

static bool rule_eptp(void)
{
	u64 eptp = vtx_read(EPT_POINTER);

	return beyond_memory(eptp) || eptp & GENMASK_ULL(11, 7) || !(eptp & GENMASK_ULL(5, 3));
}

static bool rule_pml(void)
{
	u64 address = vtx_read(PML_ADDRESS);

	return has(VTX_SECONDARY, SECONDARY_EXEC_ENABLE_PML) &&
		(address & ~PAGE_MASK || beyond_memory(address));
}

static u32 event_type(void)
{
	return vtx_read(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_INTR_TYPE_MASK;
}

static bool event_valid(void)
{
	return vtx_read(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VALID_MASK;
}

static bool rule_event_vector(void)
{
	u8 vector = vtx_read(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VECTOR_MASK;

	if (!event_valid())
		return false;
	if (event_type() == INTR_TYPE_NMI_INTR)
		return vector != X86_TRAP_NMI;

	return event_type() == INTR_TYPE_HARD_EXCEPTION && vector > 31;
}

static bool rule_event_error(void)
{
	u64 info = vtx_read(VM_ENTRY_INTR_INFO_FIELD);

	if (!event_valid() || !(info & INTR_INFO_DELIVER_CODE_MASK))
		return false;

	return event_type() != INTR_TYPE_HARD_EXCEPTION || !(vtx_read(GUEST_CR0) & X86_CR0_PE) ||
		vtx_read(VM_ENTRY_EXCEPTION_ERROR_CODE) >> 16;
}

static bool rule_event_length(void)
{
	u64 length = vtx_read(VM_ENTRY_INSTRUCTION_LEN);

	if (!event_valid() ||
	    (event_type() != INTR_TYPE_SOFT_INTR && event_type() != INTR_TYPE_SOFT_EXCEPTION &&
	     event_type() != INTR_TYPE_PRIV_SW_EXCEPTION))
		return false;

	return length > 15 || (!length && !(vtx_caps.misc & VMX_MISC_ZERO_LEN_INS));
}

static const struct vmcs_rule control_rules[] = {
	{ rule_pin,		"the pin-based controls have a bit that this CPU does not allow" },
	{ rule_primary,		"the processor-based controls have a bit that this CPU does not allow" },
	{ rule_secondary,	"the secondary controls have a bit that this CPU does not allow" },
	{ rule_exit,		"the VM-exit controls have a bit that this CPU does not allow" },
	{ rule_entry,		"the VM-entry controls have a bit that this CPU does not allow" },
	{ rule_bitmap,		"the address of the MSR or of an I/O bitmap is no address of a page" },
	{ rule_virtual_apic,	"the address of the virtual-APIC page is no address of a page" },
	{ rule_tpr_threshold,	"the TPR threshold has a bit above 3" },
	{ rule_nmi_window,	"there is an NMI window without virtual NMIs" },
	{ rule_delivery,	"virtual-interrupt delivery is on without a TPR shadow" },
	{ rule_x2apic,		"APIC accesses and x2APIC mode are both virtualized" },
	{ rule_vpid,		"the VPID is 0" },
	{ rule_eptp,		"the EPT pointer has a reserved bit or no walk length" },
	{ rule_pml,		"the address of the page-modification log is no address of a page" },
	{ rule_event_vector,	"the event to inject has a vector that its type cannot have" },
	{ rule_event_error,	"the event to inject has an error code that it cannot have" },
	{ rule_event_length,	"the event to inject has no valid instruction length" },
};

/* --- host state ------------------------------------------------------------------ */

static bool rule_host_crs(void)
{
	u64 cr0 = vtx_read(HOST_CR0), cr4 = vtx_read(HOST_CR4);
	u64 fixed0 = vtx_caps.cr0_fixed0 | X86_CR0_PE | X86_CR0_PG;

	return (cr0 & fixed0) != fixed0 || cr0 & ~vtx_caps.cr0_fixed1 ||
		(cr4 & vtx_caps.cr4_fixed0) != vtx_caps.cr4_fixed0 ||
		cr4 & ~vtx_caps.cr4_fixed1;
}

static bool rule_host_cr3(void)
{
	return beyond_memory(vtx_read(HOST_CR3));
}

static bool rule_host_selectors(void)
{
	u64 all = vtx_read(HOST_ES_SELECTOR) | vtx_read(HOST_CS_SELECTOR) |
		vtx_read(HOST_SS_SELECTOR) | vtx_read(HOST_DS_SELECTOR) |
		vtx_read(HOST_FS_SELECTOR) | vtx_read(HOST_GS_SELECTOR) |
		vtx_read(HOST_TR_SELECTOR);

	return all & 7 || !vtx_read(HOST_CS_SELECTOR) || !vtx_read(HOST_TR_SELECTOR);
}

static bool rule_host_bases(void)
{
	static const u16 fields[] = {
		HOST_FS_BASE, HOST_GS_BASE, HOST_TR_BASE, HOST_GDTR_BASE, HOST_IDTR_BASE,
		HOST_IA32_SYSENTER_ESP, HOST_IA32_SYSENTER_EIP, HOST_RIP,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!canonical(vtx_read(fields[i])))
			return true;

	return false;
}

static bool rule_host_efer(void)
{
	u64 efer = vtx_read(HOST_IA32_EFER);

	return !(efer & EFER_LMA) || !(efer & EFER_LME);
}

static const struct vmcs_rule host_rules[] = {
	{ rule_host_crs,	"the host's CR0 or CR4 lacks, or has, a bit that VMX fixes" },
	{ rule_host_cr3,	"the host's CR3 is beyond physical memory" },
	{ rule_host_selectors,	"a selector of the host is null or not of the kernel" },
	{ rule_host_bases,	"a base address of the host is not canonical" },
	{ rule_host_efer,	"the host's EFER is not that of long mode" },
};

/* --- guest state: registers --------------------------------------------------------- */

static bool rule_cr0_fixed(void)
{
	u64 cr0 = vtx_read(GUEST_CR0);

	return (cr0 & vtx_caps.cr0_fixed0) != vtx_caps.cr0_fixed0 ||
		(u32)cr0 & ~vtx_caps.cr0_fixed1;
}

static bool rule_cr0_paging(void)
{
	u64 cr0 = vtx_read(GUEST_CR0);

	return (cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE);
}

static bool rule_cr4_fixed(void)
{
	u64 cr4 = vtx_read(GUEST_CR4);

	return (cr4 & vtx_caps.cr4_fixed0) != vtx_caps.cr4_fixed0 || cr4 & ~vtx_caps.cr4_fixed1;
}

static bool long_mode(void)
{
	return has(VTX_ENTRY, VM_ENTRY_IA32E_MODE);
}

static bool rule_long_paging(void)
{
	return long_mode() && (!(vtx_read(GUEST_CR0) & X86_CR0_PG) ||
			       !(vtx_read(GUEST_CR4) & X86_CR4_PAE));
}

static bool rule_pcid(void)
{
	return !long_mode() && (vtx_read(GUEST_CR4) & X86_CR4_PCIDE);
}

static bool rule_cr3(void)
{
	return beyond_memory(vtx_read(GUEST_CR3));
}

static bool rule_debugctl(void)
{
	/* LBR, BTF, bus-lock detection, TR to FREEZE_IN_SMM, RTM (SDM, "IA32_DEBUGCTL"). */
	return vtx_read(GUEST_IA32_DEBUGCTL) & ~0xffc7ULL;
}

static bool rule_dr7(void)
{
	return vtx_read(GUEST_DR7) >> 32;
}

static bool rule_sysenter(void)
{
	return !canonical(vtx_read(GUEST_SYSENTER_ESP)) ||
		!canonical(vtx_read(GUEST_SYSENTER_EIP));
}

static bool rule_pat(void)
{
	u64 pat = vtx_read(GUEST_IA32_PAT);
	int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return true;

	return false;
}

static bool rule_efer(void)
{
	u64 efer = vtx_read(GUEST_IA32_EFER);

	if (efer & ~(u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))
		return true;

	return !!(efer & EFER_LMA) != long_mode() ||
		((vtx_read(GUEST_CR0) & X86_CR0_PG) && !(efer & EFER_LMA) != !(efer & EFER_LME));
}

static bool rule_rip(void)
{
	u64 rip = vtx_read(GUEST_RIP);

	if (long_mode() && (vtx_read(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK))
		return !canonical(rip);

	return rip >> 32;
}

static bool virtual_8086(void)
{
	return vtx_read(GUEST_RFLAGS) & X86_EFLAGS_VM;
}

static bool rule_rflags(void)
{
	u64 rflags = vtx_read(GUEST_RFLAGS);
	const u64 reserved = GENMASK_ULL(63, 22) | BIT(15) | BIT(5) | BIT(3);

	return rflags & reserved || !(rflags & X86_EFLAGS_FIXED);
}

static bool rule_rflags_vm(void)
{
	return virtual_8086() && (long_mode() || !(vtx_read(GUEST_CR0) & X86_CR0_PE));
}

static bool rule_rflags_if(void)
{
	return event_valid() && event_type() == INTR_TYPE_EXT_INTR &&
		!(vtx_read(GUEST_RFLAGS) & X86_EFLAGS_IF);
}

/* --- guest state: segments ------------------------------------------------------------- */

static u32 rights_of(int number)
{
	return vtx_read(GUEST_ES_AR_BYTES + 2 * number);
}

static u64 segment_base(int number)
{
	return vtx_read(GUEST_ES_BASE + 2 * number);
}

static bool usable(int number)
{
	return !(rights_of(number) & VMX_AR_UNUSABLE_MASK);
}

static bool rule_virtual_8086(void)
{
	int i;

	if (!virtual_8086())
		return false;
	for (i = X86_ES; i <= X86_GS; i++)
		if (rights_of(i) != 0xf3 || vtx_read(GUEST_ES_LIMIT + 2 * i) != 0xffff ||
		    segment_base(i) != vtx_read(GUEST_ES_SELECTOR + 2 * i) << 4)
			return true;

	return false;
}

static bool rule_cs(void)
{
	u32 rights = rights_of(X86_CS);

	if (virtual_8086())
		return false;
	if (!usable(X86_CS) || !(rights & VMX_AR_S_MASK) || !(rights & VMX_AR_P_MASK))
		return true;
	if (long_mode() && (rights & VMX_AR_L_MASK) && (rights & VMX_AR_DB_MASK))
		return true;

	return (rights & VMX_AR_TYPE_MASK) != 3 && (rights & 9) != 9;
}

static bool rule_cs_dpl(void)
{
	u32 rights = rights_of(X86_CS);
	u8 dpl = VMX_AR_DPL(rights), cpl = VMX_AR_DPL(rights_of(X86_SS));

	if (virtual_8086())
		return false;
	switch (rights & VMX_AR_TYPE_MASK) {
	case 3:
		return dpl;
	case 9:
	case 11:
		return dpl != cpl;
	default:
		return dpl > cpl;
	}
}

static bool rule_ss(void)
{
	u32 rights = rights_of(X86_SS);

	if (virtual_8086())
		return false;
	if (!(vtx_read(GUEST_CR0) & X86_CR0_PE) && VMX_AR_DPL(rights))
		return true;
	if (!usable(X86_SS))
		return false;

	return (rights & 0xb) != 3 || !(rights & VMX_AR_S_MASK) || !(rights & VMX_AR_P_MASK);
}

static bool rule_data(void)
{
	static const u8 numbers[] = { X86_DS, X86_ES, X86_FS, X86_GS };
	u32 rights;
	int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		rights = rights_of(numbers[i]);
		if (virtual_8086() || !usable(numbers[i]))
			continue;
		if (!(rights & VMX_AR_TYPE_ACCESSES_MASK) || (rights & 0xa) == 8 ||
		    !(rights & VMX_AR_S_MASK) || !(rights & VMX_AR_P_MASK))
			return true;
	}

	return false;
}

static bool rule_granularity(void)
{
	u32 limit;
	int i;

	for (i = X86_ES; i <= X86_TR; i++) {
		limit = vtx_read(GUEST_ES_LIMIT + 2 * i);
		if (!usable(i) || (virtual_8086() && i <= X86_GS))
			continue;
		if (rights_of(i) & VMX_AR_G_MASK ? (limit & 0xfff) != 0xfff : limit >> 20)
			return true;
	}

	return false;
}

static bool rule_rights_reserved(void)
{
	int i;

	for (i = X86_ES; i <= X86_TR; i++)
		if (usable(i) && rights_of(i) & VMX_AR_RESERVD_MASK)
			return true;

	return false;
}

static bool rule_bases(void)
{
	int i;

	for (i = X86_FS; i <= X86_TR; i++)
		if ((i != X86_LDTR || usable(i)) && !canonical(segment_base(i)))
			return true;

	return segment_base(X86_CS) >> 32 || (usable(X86_SS) && segment_base(X86_SS) >> 32) ||
		(usable(X86_DS) && segment_base(X86_DS) >> 32) ||
		(usable(X86_ES) && segment_base(X86_ES) >> 32);
}

static bool rule_tr(void)
{
	u32 rights = rights_of(X86_TR);
	u8 type = rights & VMX_AR_TYPE_MASK;

	return vtx_read(GUEST_TR_SELECTOR) & 4 || !usable(X86_TR) ||
		!(rights & VMX_AR_P_MASK) || rights & VMX_AR_S_MASK ||
		(type != VMX_AR_TYPE_BUSY_32_TSS && (type != VMX_AR_TYPE_BUSY_16_TSS || long_mode()));
}

static bool rule_ldtr(void)
{
	u32 rights = rights_of(X86_LDTR);

	return usable(X86_LDTR) && (vtx_read(GUEST_LDTR_SELECTOR) & 4 ||
		(rights & VMX_AR_TYPE_MASK) != VMX_AR_TYPE_LDT || rights & VMX_AR_S_MASK ||
		!(rights & VMX_AR_P_MASK));
}

static bool rule_tables(void)
{
	return !canonical(vtx_read(GUEST_GDTR_BASE)) || !canonical(vtx_read(GUEST_IDTR_BASE)) ||
		vtx_read(GUEST_GDTR_LIMIT) >> 16 || vtx_read(GUEST_IDTR_LIMIT) >> 16;
}

/* --- guest state: the rest ----------------------------------------------------------------- */

#define BLOCKED_BY_BOTH		(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

static bool rule_blocking(void)
{
	u64 blocking = vtx_read(GUEST_INTERRUPTIBILITY_INFO);

	return (blocking & BLOCKED_BY_BOTH) == BLOCKED_BY_BOTH ||
		((blocking & GUEST_INTR_STATE_STI) && !(vtx_read(GUEST_RFLAGS) & X86_EFLAGS_IF)) ||
		blocking & ~(u64)(BLOCKED_BY_BOTH | GUEST_INTR_STATE_NMI);
}

static bool rule_blocking_event(void)
{
	u64 blocking = vtx_read(GUEST_INTERRUPTIBILITY_INFO);

	if (!event_valid())
		return false;
	if (event_type() == INTR_TYPE_EXT_INTR)
		return blocking & BLOCKED_BY_BOTH;

	return event_type() == INTR_TYPE_NMI_INTR &&
		blocking & (GUEST_INTR_STATE_MOV_SS | GUEST_INTR_STATE_NMI);
}

#define PENDING_BS	BIT(14)

static bool rule_pending_debug(void)
{
	u64 pending = vtx_read(GUEST_PENDING_DBG_EXCEPTIONS);
	bool blocked = vtx_read(GUEST_INTERRUPTIBILITY_INFO) & BLOCKED_BY_BOTH;
	bool step = (vtx_read(GUEST_RFLAGS) & X86_EFLAGS_TF) &&
		!(vtx_read(GUEST_IA32_DEBUGCTL) & DEBUGCTLMSR_BTF);

	return blocked && !!(pending & PENDING_BS) != step;
}

static bool rule_activity(void)
{
	return vtx_read(GUEST_ACTIVITY_STATE);
}

static bool rule_link(void)
{
	return vtx_read(VMCS_LINK_POINTER) != ~0ULL;
}

static bool rule_pdptes(void)
{
	const u64 reserved = GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5);
	u64 pdpte;
	int i;

	if (long_mode() || !(vtx_read(GUEST_CR0) & X86_CR0_PG) ||
	    !(vtx_read(GUEST_CR4) & X86_CR4_PAE))
		return false;
	for (i = 0; i < 4; i++) {
		pdpte = vtx_read(GUEST_PDPTR0 + 2 * i);
		if ((pdpte & 1) && (pdpte & reserved || beyond_memory(pdpte)))
			return true;
	}

	return false;
}

static const struct vmcs_rule guest_rules[] = {
	{ rule_cr0_fixed,	"guest CR0 lacks, or has, a bit that VMX fixes" },
	{ rule_cr0_paging,	"guest CR0 has PG without PE" },
	{ rule_cr4_fixed,	"guest CR4 lacks, or has, a bit that VMX fixes or this CPU does not know" },
	{ rule_long_paging,	"guest is in long mode without CR0.PG or CR4.PAE" },
	{ rule_pcid,		"guest CR4 has PCIDE outside of long mode" },
	{ rule_cr3,		"guest CR3 is beyond physical memory" },
	{ rule_debugctl,	"guest IA32_DEBUGCTL has a reserved bit" },
	{ rule_dr7,		"guest DR7 has a bit above 31" },
	{ rule_sysenter,	"guest SYSENTER_ESP or SYSENTER_EIP is not canonical" },
	{ rule_pat,		"guest PAT has a type that does not exist" },
	{ rule_efer,		"guest EFER has a reserved bit, or LME and LMA do not fit the mode" },
	{ rule_rflags,		"guest RFLAGS has a reserved bit" },
	{ rule_rflags_vm,	"guest RFLAGS has VM in real or in long mode" },
	{ rule_rflags_if,	"an interrupt is injected while guest RFLAGS has no IF" },
	{ rule_virtual_8086,	"a segment is not as virtual-8086 mode has it" },
	{ rule_cs,		"guest CS is no code segment, or has both L and D in long mode" },
	{ rule_cs_dpl,		"the privilege level of guest CS does not fit that of SS" },
	{ rule_ss,		"guest SS is no writable data segment, or not of level 0 in real mode" },
	{ rule_data,		"guest DS, ES, FS or GS is no readable segment" },
	{ rule_granularity,	"the limit of a guest segment does not fit its granularity" },
	{ rule_rights_reserved,	"a guest segment has reserved bits in its access rights" },
	{ rule_bases,		"the base of a guest segment is not canonical, or above 4 GiB" },
	{ rule_tr,		"guest TR is no busy TSS" },
	{ rule_ldtr,		"guest LDTR is no LDT" },
	{ rule_tables,		"guest GDTR or IDTR has a base that is not canonical, or a limit above 64 KiB" },
	{ rule_rip,		"guest RIP is not canonical, or above 4 GiB outside of 64-bit mode" },
	{ rule_activity,	"the guest's activity state is not active" },
	{ rule_blocking,	"what blocks the guest's interrupts contradicts itself or RFLAGS" },
	{ rule_blocking_event,	"an event is injected that is blocked" },
	{ rule_pending_debug,	"the pending debug exception does not fit RFLAGS.TF" },
	{ rule_link,		"the VMCS link pointer is not -1" },
	{ rule_pdptes,		"a PAE page-directory-pointer entry has a reserved bit" },
};

/* --- what the CPU said ------------------------------------------------------------------------ */

enum {
	ERROR_CONTROLS	= 7,
	ERROR_HOST	= 8,
};

/* SDM, "VM-Instruction Error Numbers": those of VMLAUNCH and VMRESUME. */
static const char *const instruction_errors[] = {
	[0]		= "there is no current VMCS, or VMX is off",
	[4]		= "VMLAUNCH of a VMCS that was launched",
	[5]		= "VMRESUME of a VMCS that was not launched",
	[6]		= "VMRESUME after VMXOFF",
	[ERROR_CONTROLS] = "a control field is invalid in a way that is not known here",
	[ERROR_HOST]	= "the host's state is invalid in a way that is not known here",
	[26]		= "an event is injected while MOV SS blocks it",
};

/* What the qualification of a failed entry may name; otherwise a rule was broken. */
static const char *const entry_failures[] = {
	[ENTRY_FAIL_PDPTE]		= "a PAE page-directory-pointer entry has a reserved bit",
	[ENTRY_FAIL_NMI]		= "an NMI is injected that STI blocks",
	[ENTRY_FAIL_VMCS_LINK_PTR]	= "the VMCS link pointer leads nowhere",
};

static const char *explain_refusal(u64 error)
{
	const char *text = NULL;

	if (error == ERROR_CONTROLS)
		text = explain(control_rules, ARRAY_SIZE(control_rules));
	else if (error == ERROR_HOST)
		text = explain(host_rules, ARRAY_SIZE(host_rules));
	if (!text && error < ARRAY_SIZE(instruction_errors))
		text = instruction_errors[error];

	return text ?: "the CPU gives a reason that is not known here";
}

const char *vtx_vmcs_explain(struct vcpu *vcpu)
{
	u32 code = vcpu->arch.exit.code;
	const char *text = NULL;
	u64 failure;

	if (code == VTX_EXIT_REFUSED)
		return explain_refusal(vcpu->arch.exit.info1);
	switch (code & 0xffff) {
	case EXIT_REASON_MCE_DURING_VMENTRY:
		return "a machine check came during the entry";
	case EXIT_REASON_MSR_LOAD_FAIL:
		return "an MSR could not be loaded";
	}
	failure = vtx_read(EXIT_QUALIFICATION);
	if (failure < ARRAY_SIZE(entry_failures))
		text = entry_failures[failure];
	if (!text)
		text = explain(guest_rules, ARRAY_SIZE(guest_rules));

	return text ?: "the guest's state is invalid in a way that is not known here";
}

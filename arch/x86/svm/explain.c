// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why would VMRUN refuse this VMCB?  The rules of the manual as a table, for a sentence
 * about an entry that failed.
 */
#include "svm.h"

struct vmcb_rule {
	bool		(*broken)(const struct vmcb *vmcb);
	const char	*text;
};

static bool rule_svme(const struct vmcb *vmcb)
{
	return !(vmcb->save.efer & EFER_SVME);
}

static bool rule_cache(const struct vmcb *vmcb)
{
	return !(vmcb->save.cr0 & X86_CR0_CD) && (vmcb->save.cr0 & X86_CR0_NW);
}

static bool rule_cr0_high(const struct vmcb *vmcb)
{
	return vmcb->save.cr0 >> 32;
}

static bool rule_cr4_high(const struct vmcb *vmcb)
{
	return vmcb->save.cr4 >> 32;
}

static bool rule_dr6_high(const struct vmcb *vmcb)
{
	return vmcb->save.dr6 >> 32;
}

static bool rule_dr7_high(const struct vmcb *vmcb)
{
	return vmcb->save.dr7 >> 32;
}

static bool vmcb_long_paging(const struct vmcb *vmcb)
{
	return (vmcb->save.efer & EFER_LME) && (vmcb->save.cr0 & X86_CR0_PG);
}

static bool rule_long_pae(const struct vmcb *vmcb)
{
	return vmcb_long_paging(vmcb) && !(vmcb->save.cr4 & X86_CR4_PAE);
}

static bool rule_long_pe(const struct vmcb *vmcb)
{
	return vmcb_long_paging(vmcb) && !(vmcb->save.cr0 & X86_CR0_PE);
}

static bool rule_long_cs(const struct vmcb *vmcb)
{
	return vmcb_long_paging(vmcb) && (vmcb->save.cr4 & X86_CR4_PAE) &&
		(vmcb->save.cs.attrib & SVM_SELECTOR_L_MASK) &&
		(vmcb->save.cs.attrib & SVM_SELECTOR_DB_MASK);
}

static bool rule_vmrun(const struct vmcb *vmcb)
{
	return !(vmcb->control.intercepts[INTERCEPT_VMRUN / 32] & BIT(INTERCEPT_VMRUN % 32));
}

static bool rule_asid(const struct vmcb *vmcb)
{
	return !vmcb->control.asid;
}

static bool rule_event(const struct vmcb *vmcb)
{
	u32 event = vmcb->control.event_inj;

	return (event & SVM_EVTINJ_VALID) &&
		(event & SVM_EVTINJ_TYPE_MASK) == SVM_EVTINJ_TYPE_EXEPT &&
		(event & SVM_EVTINJ_VEC_MASK) > 31;
}

/* APM, "Canonicalization and Consistency Checks". */
static const struct vmcb_rule vmcb_rules[] = {
	{ rule_svme,	 "EFER.SVME is clear" },
	{ rule_cache,	 "guest CR0 has NW set and CD clear" },
	{ rule_cr0_high, "guest CR0 has a bit above 31" },
	{ rule_cr4_high, "guest CR4 has a bit above 31" },
	{ rule_dr6_high, "guest DR6 has a bit above 31" },
	{ rule_dr7_high, "guest DR7 has a bit above 31" },
	{ rule_long_pae, "guest is in long mode without CR4.PAE" },
	{ rule_long_pe,	 "guest is in long mode without CR0.PE" },
	{ rule_long_cs,	 "guest CS has both L and D set in long mode" },
	{ rule_vmrun,	 "VMRUN is not intercepted" },
	{ rule_asid,	 "the ASID is 0" },
	{ rule_event,	 "the event to inject is not an exception" },
};

const char *svm_vmcb_explain(struct vcpu *vcpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vmcb_rules); i++)
		if (vmcb_rules[i].broken(svm_vmcb(vcpu)))
			return vmcb_rules[i].text;

	return "reserved bits in CR3, CR4, EFER or the event, or a physical address out of range";
}

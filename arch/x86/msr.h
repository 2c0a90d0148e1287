/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between msr.c (the table of MSRs) and msr_value.c (what rows need that is more
 * than storage).  Everybody else uses x86.h.
 */
#ifndef X86_MSR_H
#define X86_MSR_H

#include "x86.h"

/* Microcode revisions that no update driver finds too old. */
#define MSR_UCODE_REV_AMD	0x01000065
#define MSR_UCODE_REV_INTEL	0x100000000ULL

/*
 * @host: user space saves or restores; else the guest executes the instruction.
 * May @value be written?
 */
#define MSR_VALID(name)	\
	bool msr_valid_##name(struct vcpu *vcpu, u32 msr, u64 value, bool host)
/* 0 or -EINVAL.  Any context, the vCPU's own. */
#define MSR_GET(name)	\
	int msr_get_##name(struct vcpu *vcpu, u32 msr, u64 *value, bool host)
/* 0 or -EINVAL.  May sleep, unless the row says MSR_FAST_WRITE. */
#define MSR_SET(name)	\
	int msr_set_##name(struct vcpu *vcpu, u32 msr, u64 value, bool host)

MSR_VALID(canonical);
MSR_VALID(pat);
MSR_VALID(mtrr_fixed);
MSR_VALID(mtrr_def_type);
MSR_VALID(mtrr_variable);
MSR_VALID(zero);
MSR_VALID(feature_control);
MSR_VALID(debugctl);
MSR_VALID(arch_capabilities);
MSR_VALID(xss);
MSR_VALID(mcg_ctl);

MSR_GET(zero);
MSR_GET(refuse);
MSR_GET(mtrr_cap);
MSR_GET(vm_cr);
MSR_GET(de_cfg);
MSR_GET(hwcr);
MSR_GET(tsc);
MSR_GET(clock);
MSR_GET(deadline);
MSR_GET(x2apic);
MSR_GET(spec_ctrl);
MSR_GET(mce_bank);

MSR_SET(ignore);
MSR_SET(refuse);
MSR_SET(de_cfg);
MSR_SET(hwcr);
MSR_SET(ucode_rev);
MSR_SET(tsc);
MSR_SET(tsc_adjust);
MSR_SET(clock);
MSR_SET(apic_base);
MSR_SET(deadline);
MSR_SET(x2apic);
MSR_SET(efer);
MSR_SET(tsc_aux);
MSR_SET(spec_ctrl);
MSR_SET(pred_cmd);
MSR_SET(flush_cmd);
MSR_SET(mce_bank);

/* What the host's MSRs of these names let a guest have. */
u64 msr_arch_capabilities_supported(void);
u64 msr_de_cfg_supported(void);
/* Bits of IA32_SPEC_CTRL that exist; @vcpu may be NULL with @host. */
u64 msr_spec_ctrl_allowed(struct vcpu *vcpu, bool host);
bool msr_guest_has_ibpb(struct vcpu *vcpu);

#endif /* X86_MSR_H */

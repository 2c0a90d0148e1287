// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's local APIC as far as the CPU takes part in it: the task priority, which
 * the guest writes without an exit (APM, "Virtualizing APIC.TPR").  The APIC itself is
 * arch/x86/lapic.c.
 */
#include "svm.h"

void svm_x86_tpr(struct vcpu *vcpu, u8 cr8, u8 threshold)
{
	struct vmcb_control_area *control = &svm_vmcb(vcpu)->control;

	svm_intercept(vcpu, INTERCEPT_CR8_WRITE, threshold);
	if (cr8 == vcpu->arch.svm.cr8)
		return;
	vcpu->arch.svm.cr8 = cr8;
	control->int_ctl = (control->int_ctl & ~V_TPR_MASK) | (cr8 & V_TPR_MASK);
	svm_changed(vcpu, SVM_CLEAN_INTERRUPT);
}

void svm_apic_tpr_changed(struct vcpu *vcpu, u8 cr8)
{
	vcpu->arch.svm.cr8 = cr8;
	lapic_set_cr8(vcpu, cr8);
}

/* AVIC is not used. */
bool svm_x86_apic_virtual(struct vcpu *vcpu, void *page)
{
	return false;
}

void svm_x86_apic_status(struct vcpu *vcpu, u8 irr, u8 isr)
{
}

void svm_x86_apic_eoi_exits(struct vcpu *vcpu, const u64 *vectors)
{
}

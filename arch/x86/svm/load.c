// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU comes to a CPU and leaves it: its tag and debug registers, and what of the
 * host an exit leaves behind that user space, or the next task, must not find.
 */
#include <linux/percpu.h>
#include <asm/io.h>
#include <asm/msr.h>

#include "svm.h"

void svm_vcpu_load(struct vcpu *vcpu, int cpu)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	struct svm_vcpu *svm = &vcpu->arch.svm;

	x86_vcpu_load(vcpu, cpu);

	/*
	 * FS base and the user's GS base follow the task, TR the CPU: both are
	 * fixed from here to put.  LDTR is not; see svm_vcpu_put().
	 */
	svm->host_vmcb_pa = sc->host_pa;
	asm volatile("vmsave %%rax" : : "a" (svm->host_vmcb_pa) : "memory");

	if (svm->asid_cpu != cpu) {
		svm->asid_cpu = cpu;
		svm->asid_generation = 0;
		svm_vmcb(vcpu)->control.clean = 0;
	}
	/* The kernel does not use TSC_AUX, only its user space does. */
	if (svm_has_tsc_aux() && vcpu->arch.tsc_aux != sc->tsc_aux)
		wrmsrl(MSR_TSC_AUX, vcpu->arch.tsc_aux);
}

/*
 * The guest's debug registers go back to the canonical state, and the next
 * access of the guest to one of them exits again.
 */
static void svm_debug_put(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = &vcpu->arch.svm;
	bool armed = svm_vmcb(vcpu)->save.dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK);

	svm_debug_save(vcpu);
	svm->debug_loaded = false;
	if (armed)
		return;
	svm->debug_live = false;
	svm_vmcb(vcpu)->control.intercepts[INTERCEPT_DR] = ~0u;
	svm_changed(vcpu, SVM_CLEAN_INTERCEPTS);
}

void svm_vcpu_put(struct vcpu *vcpu)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);

	if (vcpu->arch.svm.debug_live)
		svm_debug_put(vcpu);
	/* Each exit brings back the LDTR of load, whatever the kernel did since. */
	x86_host_ldt_reload(sc->host->save.ldtr.selector);
	if (svm_has_tsc_aux() && vcpu->arch.tsc_aux != sc->tsc_aux)
		wrmsrl(MSR_TSC_AUX, sc->tsc_aux);
	x86_vcpu_put(vcpu);
}

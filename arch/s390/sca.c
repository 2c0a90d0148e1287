// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system control area: what the control blocks of a VM's CPUs share.  It is used for
 * the interlock of IPTE alone, which keeps a guest's CPUs from taking a translation away
 * while one is used on behalf of another.  Called by vcpu.c and access.c.
 */
#include <linux/gfp.h>
#include <linux/sched.h>

#include "s390.h"

int s390_sca_create(struct vm *vm)
{
	static_assert(sizeof(struct bsca_block) <= PAGE_SIZE);

	/* Below 2 GB: not all machines can have it elsewhere. */
	vm->arch.sca = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT | GFP_DMA);

	return vm->arch.sca ? 0 : -ENOMEM;
}

void s390_sca_destroy(struct vm *vm)
{
	free_page((unsigned long)vm->arch.sca);
	vm->arch.sca = NULL;
}

/*
 * A CPU without an entry is one without the area: its IPTE is not held off, which only
 * such a guest, with more CPUs than there are entries, could notice.
 */
void s390_sca_apply(struct vcpu *vcpu)
{
	struct bsca_block *sca = vcpu->vm->arch.sca;
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	phys_addr_t origin = virt_to_phys(sca);

	if (vcpu->id >= KVM_S390_BSCA_CPU_SLOTS)
		return;

	sca->cpu[vcpu->id].sda = virt_to_phys(sie);
	set_bit_inv(vcpu->id, (unsigned long *)&sca->mcn);
	sie->scaoh = origin >> 32;
	sie->scaol = origin;
	if (s390_host.siif)
		sie->eca |= ECA_SII;
}

void s390_sca_remove(struct vcpu *vcpu)
{
	struct bsca_block *sca = vcpu->vm->arch.sca;

	if (!sca || !vcpu->arch.sie || !vcpu->arch.sie->scaol)
		return;
	clear_bit_inv(vcpu->id, (unsigned long *)&sca->mcn);
	sca->cpu[vcpu->id].sda = 0;
}

/* --- the interlock ----------------------------------------------------------------- */

/*
 * With the SIE-interlock facility it counts its holders, on either side, and @k shuts the
 * guest out; without, @k is a lock that the hardware takes for one instruction.
 */
static bool ipte_busy(union ipte_control control)
{
	return s390_host.siif ? control.kg : control.k;
}

/*
 * Hercules leaves @k taken when the host has write-protected what IPTE stores to, as it
 * does for the dirty log: the host fault ends the instruction in the middle.  While it has
 * taken @k itself it lets no other CPU do anything, and those of ours are counted: so who
 * finds it taken there, and not by us, finds what is nobody's.
 */
static bool ipte_must_wait(union ipte_control control)
{
	return ipte_busy(control) && !s390_host.hercules;
}

static void ipte_take(struct bsca_block *sca)
{
	union ipte_control old, new;

	for (;;) {
		old.val = READ_ONCE(sca->ipte_control.val);
		if (ipte_must_wait(old)) {
			cond_resched();
			continue;
		}
		new = old;
		new.k = 1;
		if (s390_host.siif)
			new.kh++;
		if (cmpxchg(&sca->ipte_control.val, old.val, new.val) == old.val)
			return;
	}
}

static void ipte_release(struct bsca_block *sca)
{
	union ipte_control old, new;

	do {
		old.val = READ_ONCE(sca->ipte_control.val);
		new = old;
		if (s390_host.siif)
			new.kh--;
		new.k = 0;
	} while (cmpxchg(&sca->ipte_control.val, old.val, new.val) != old.val);
}

void s390_ipte_lock(struct vm *vm)
{
	guard(mutex)(&vm->arch.ipte_lock);

	if (!vm->arch.ipte_holders++)
		ipte_take(vm->arch.sca);
}

void s390_ipte_unlock(struct vm *vm)
{
	guard(mutex)(&vm->arch.ipte_lock);

	if (!--vm->arch.ipte_holders)
		ipte_release(vm->arch.sca);
}

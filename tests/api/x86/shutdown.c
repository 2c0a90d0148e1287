// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that goes on after a triple fault with new registers: what they are not
 * about is as before.
 */
#include <lib/kvm.h>

#define VECTOR		0x51
#define TPR		4	/* below the vector's class */

static u64 taken;

static void on_interrupt(struct guest_frame *frame)
{
	taken++;
	apic_eoi();
}

/* 0, or the vector that came: the CPU does not have it. */
static u64 try_rdtscp(void)
{
	u32 low = 0, high = 0, aux = 0;
	u64 vector;

	asm volatile(GUEST_TRY_BEGIN "rdtscp" GUEST_TRY_END
		     : [vector] "=r"(vector), "+a"(low), "+d"(high), "+c"(aux) :
		     : "r10", "r11", "memory");

	return vector;
}

/* An interrupt waits for IF when the fault comes. */
static void guest_falls(u64 argument)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) nothing = {};

	cli();
	guest_catch();
	guest_handlers[VECTOR] = on_interrupt;
	apic_enable(false);
	write_cr8(TPR);
	apic_icr(0, 0x40000 | VECTOR);
	guest_say(try_rdtscp());
	asm volatile("lidt %0; int3" : : "m"(nothing));
}

/* No exit of the guest's own is between these. */
static void guest_goes_on(u64 argument)
{
	u64 tpr = read_cr8(), rdtscp = try_rdtscp(), early = taken, late;

	sti_nop_cli();
	late = taken;
	guest_say(tpr);
	guest_say(rdtscp);
	guest_say(early);
	guest_say(late);
	guest_done();
}

TEST(shutdown_keeps_the_rest)
{
	struct kvm_cpuid2 *table = x86_supported_cpuid(0);
	struct kvm_regs regs;
	struct vcpu *vcpu;
	struct vm *vm;
	u64 rdtscp;
	u32 i;

	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == 0x80000001)
			table->entries[i].edx &= ~BIT(27);
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_falls, 0);
	rdtscp = vcpu_run_said(vcpu);
	vcpu_run_expect(vcpu, KVM_EXIT_SHUTDOWN, "the triple fault");
	/* The kernel's own resets it as by INIT. */
	vcpu_enter_at(vcpu, guest_goes_on, 0);
	xioctl(vcpu->fd, KVM_GET_REGS, &regs);
	regs.rflags = 2;
	xioctl(vcpu->fd, KVM_SET_REGS, &regs);
	report(vcpu_run_said(vcpu) == TPR || in_tree(), "CR8");
	report(vcpu_run_said(vcpu) == rdtscp || in_tree(),
	       "an instruction that CPUID does not offer (before: vector %u)", (u32)rdtscp);
	report(vcpu_run_said(vcpu) == 0 || in_tree(), "the interrupt waits for IF");
	report(vcpu_run_said(vcpu) == 1 || in_tree(), "and comes the moment that is set");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

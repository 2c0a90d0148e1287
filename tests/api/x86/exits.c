// SPDX-License-Identifier: GPL-2.0-only
/* The exits that say that something went wrong, with all that they say. */
#include <lib/kvm.h>

static void guest_hello(u64 argument)
{
	for (;;)
		guest_say(argument);
}

/* --- the entry fails ------------------------------------------------------------- */

TEST(fail_entry)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_hello, 4);
	struct kvm_vcpu_events events = {}, bad = {
		/* A number that exceptions can have, and none has: SVM looks. */
		.exception = { .injected = 1, .nr = 31 },
	};
	struct kvm_sregs sregs, bad_sregs;
	u64 reason;

	report(vcpu_run_said(vcpu) == 4, "a guest runs");
	xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &bad);
	/* And VT-x looks if there is a task. */
	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	bad_sregs = sregs;
	bad_sregs.tr.type = 0;
	xioctl(vcpu->fd, KVM_SET_SREGS, &bad_sregs);
	if (!vcpu_run_expect(vcpu, KVM_EXIT_FAIL_ENTRY, "a state that the CPU refuses"))
		return;
	/* SVM: VMEXIT_INVALID, which is -1.  VT-x: the exit reason, with its highest bit. */
	reason = vcpu->run->fail_entry.hardware_entry_failure_reason;
	report((u32)reason == ~0u || (u32)reason >> 31, "the CPU's reason is told (0x%llx)",
	       (unsigned long long)reason);
	report(vcpu->run->fail_entry.cpu < (u32)sysconf(_SC_NPROCESSORS_CONF), "and the CPU");
	vcpu_run_expect(vcpu, KVM_EXIT_FAIL_ENTRY, "it is the same the next time");
	xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	xioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	/* QEMU's TCG forgets where the guest was. */
	vcpu_enter_at(vcpu, guest_hello, 6);
	report(vcpu_run_said(vcpu) == 6, "once user space has put it right, the guest runs");
	vm_destroy(vm);
}

/* --- an instruction that nobody emulates --------------------------------------------- */

extern const char unknown_insn[], unknown_insn_end[];
asm(	".pushsection .text\n"
	"guest_unknown:\n"
	"	mov $0xd0000000, %rax\n"	/* GPA_MMIO */
	"unknown_insn:\n"
	"	fldt 0x10(%rax)\n"
	"unknown_insn_end:\n"
	"	jmp guest_hello_asm\n"
	".popsection\n");
void guest_unknown(u64 argument);

__attribute__((used)) static void hello_again(void) __asm__("guest_hello_asm");
static void hello_again(void)
{
	guest_hello(5);
}

static u32 user_trap;

static void on_user_trap(struct guest_frame *frame)
{
	user_trap = frame->vector;
	guest_say(frame->vector);
}

/* The same instruction in user mode. */
static void guest_to_user(u64 argument)
{
	guest_handlers[6] = on_user_trap;
	asm volatile("push %0; push %1; push $2; push %2; push %3; iretq"
		     : : "r"((u64)X86_SEL_USER_DATA), "r"((u64)0x70000),
			 "r"((u64)X86_SEL_USER_CODE), "r"((u64)guest_unknown) : "memory");
}

static void test_unknown_insn(void)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_unknown, 0);
	struct kvm_run *run = vcpu->run;
	size_t length = unknown_insn_end - unknown_insn;
	struct kvm_regs regs;

	if (!vcpu_run_expect(vcpu, KVM_EXIT_INTERNAL_ERROR, "FLD from a device"))
		return;
	report(run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION, "it says EMULATION");
	/* Flags, and 16 bytes for the instruction. */
	report(run->internal.ndata == 3 || (in_tree() && run->internal.ndata > 3),
	       "with %u words", run->internal.ndata);
	report(run->emulation_failure.flags ==
	       KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES, "the instruction is there");
	report(run->emulation_failure.insn_size >= length && run->emulation_failure.insn_size <= 15 &&
	       !memcmp(run->emulation_failure.insn_bytes, unknown_insn, length),
	       "and is the right one");
	xioctl(vcpu->fd, KVM_GET_REGS, &regs);
	report(regs.rip == (u64)unknown_insn, "RIP stands at it");
	/* The kernel's own hypervisor has #UD wait behind it. */
	if (!in_tree())
		vcpu_run_expect(vcpu, KVM_EXIT_INTERNAL_ERROR, "it is the same the next time");
	regs.rip = (u64)unknown_insn_end;
	xioctl(vcpu->fd, KVM_SET_REGS, &regs);
	report(vcpu_run_said(vcpu) == 5, "user space may go on behind it");
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_to_user, 0);
	report(vcpu_run_said(vcpu) == 6 && guest_var(vm, user_trap) == 6,
	       "a program of the guest does not end the VM so: #UD");
	vm_destroy(vm);
}

/* --- an event that cannot be delivered -------------------------------------------------- */

static void guest_trap_nowhere(u64 argument)
{
	asm volatile("ud2" : : : "memory");
}

/* Gates of vector 6 lie where no memory is. */
static void test_no_delivery(void)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_trap_nowhere, 0);
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs sregs;

	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	sregs.idt.base = GPA_MMIO;
	xioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	if (!vcpu_run_expect(vcpu, KVM_EXIT_INTERNAL_ERROR, "an IDT on a device"))
		return;
	/* The kernel's own hypervisor tries to emulate what it finds at RIP. */
	if (!in_tree()) {
		report(run->internal.suberror == KVM_INTERNAL_ERROR_DELIVERY_EV,
		       "it says DELIVERY_EV");
		report(run->internal.ndata == 4, "with %u words", run->internal.ndata);
		report(run->internal.data[0] != 0, "the CPU's exit code (0x%llx)",
		       run->internal.data[0]);
		report(run->internal.data[3] >= GPA_MMIO + 6 * 16 &&
		       run->internal.data[3] < GPA_MMIO + 7 * 16, "and where it was (0x%llx)",
		       run->internal.data[3]);
	}
	vm_destroy(vm);
}

TEST(internal_error)
{
	test_unknown_insn();
	test_no_delivery();
}

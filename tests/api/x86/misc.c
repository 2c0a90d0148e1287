// SPDX-License-Identifier: GPL-2.0-only
/* The small ioctls of x86, each at least once right and once wrong. */
#include <lib/kvm.h>

static void guest_hello(u64 argument)
{
	guest_say(argument);
	guest_done();
}

static void test_before_vcpus(struct vm *vm)
{
	u64 address = 0xfffbc000;

	report(!ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
	report_errno(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xffffffffffffUL), EINVAL,
		     "... above 4 GiB");
	report(!ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &address), "KVM_SET_IDENTITY_MAP_ADDR");
	report(!ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 1000), "KVM_SET_NR_MMU_PAGES");
	report(!ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 0), "KVM_SET_BOOT_CPU_ID");
}

static void test_after_vcpus(struct vm *vm)
{
	u64 address = 0xfffbc000;

	report_errno(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &address), EINVAL,
		     "... not after a vCPU");
	report_errno(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 1), EBUSY, "... nor that");
	report_errno(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST, "an irqchip twice");
}

static void test_pit(struct vm *vm)
{
	struct kvm_reinject_control control = { .pit_reinject = 0 };
	struct kvm_pit_state state;

	report_errno(ioctl(vm->fd, KVM_GET_PIT, &state), ENXIO, "KVM_GET_PIT without a PIT");
	report_errno(ioctl(vm->fd, KVM_REINJECT_CONTROL, &control), ENXIO,
		     "KVM_REINJECT_CONTROL without a PIT");
	report(!ioctl(vm->fd, KVM_CREATE_PIT, 0), "KVM_CREATE_PIT");
	report(!ioctl(vm->fd, KVM_GET_PIT, &state), "KVM_GET_PIT");
	report(!ioctl(vm->fd, KVM_SET_PIT, &state), "KVM_SET_PIT");
	report(!ioctl(vm->fd, KVM_REINJECT_CONTROL, &control), "KVM_REINJECT_CONTROL");
}

static void test_machine_checks(struct vcpu *vcpu)
{
	u64 offered = 0, wanted;
	struct kvm_x86_mce mce = { .bank = 200 };

	report(!ioctl(kvm_open(), KVM_X86_GET_MCE_CAP_SUPPORTED, &offered) && offered,
	       "KVM_X86_GET_MCE_CAP_SUPPORTED");
	wanted = 10 | (offered & ~0xffULL);
	report(!ioctl(vcpu->fd, KVM_X86_SETUP_MCE, &wanted), "KVM_X86_SETUP_MCE");
	wanted = 0;
	report_errno(ioctl(vcpu->fd, KVM_X86_SETUP_MCE, &wanted), EINVAL, "... without banks");
	wanted = 10 | ~(offered | 0xff);
	report_errno(ioctl(vcpu->fd, KVM_X86_SETUP_MCE, &wanted), EINVAL, "... with what is not");
	report_errno(ioctl(vcpu->fd, KVM_X86_SET_MCE, &mce), EINVAL, "KVM_X86_SET_MCE, bank 200");
	mce.bank = 1;
	report_errno(ioctl(vcpu->fd, KVM_X86_SET_MCE, &mce), EINVAL, "... not valid");
}

static void test_time(struct vm *vm, struct vcpu *vcpu)
{
	int khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);

	report(khz > 0, "KVM_GET_TSC_KHZ: %d", khz);
	report(!ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz), "KVM_SET_TSC_KHZ with what it is");
	report(ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0) == khz, "... and still is");
	report(ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0) == -1 && errno == EINVAL,
	       "KVM_KVMCLOCK_CTRL without a clock");
	(void)vm;
}

static void test_translate(struct vcpu *vcpu)
{
	struct kvm_translation translation = { .linear_address = GPA_TEST + 0x123 };

	report(!ioctl(vcpu->fd, KVM_TRANSLATE, &translation) && translation.valid &&
	       translation.physical_address == GPA_TEST + 0x123, "KVM_TRANSLATE");
	translation.linear_address = 0x8000000000;
	report(!ioctl(vcpu->fd, KVM_TRANSLATE, &translation) && !translation.valid,
	       "... where nothing is mapped");
}

TEST(ioctls)
{
	struct kvm_tpr_access_ctl tpr = { .enabled = 0 };
	struct kvm_vapic_addr vapic = { .vapic_addr = 0 };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu;

	test_before_vcpus(vm);
	vcpu = vcpu_create(vm, guest_hello, 9);
	test_after_vcpus(vm);
	test_pit(vm);
	test_machine_checks(vcpu);
	test_time(vm, vcpu);
	test_translate(vcpu);
	report(!ioctl(vcpu->fd, KVM_TPR_ACCESS_REPORTING, &tpr), "KVM_TPR_ACCESS_REPORTING, off");
	report(!ioctl(vcpu->fd, KVM_SET_VAPIC_ADDR, &vapic), "KVM_SET_VAPIC_ADDR, none");
	report(vcpu_run_said(vcpu) == 9, "and the guest runs");
	vm_destroy(vm);
}

/* --- CR8 with an APIC in user space -------------------------------------------- */

static void guest_cr8(u64 argument)
{
	write_cr8(5);
	guest_say(read_cr8());
	write_cr8(2);
	guest_say(read_cr8());
	guest_done();
}

TEST(user_tpr)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_cr8, 0);

	vcpu->run->cr8 = 0;
	report(vcpu_run_said(vcpu) == 5 && vcpu->run->cr8 == 5, "user space sees CR8");
	vcpu_run_expect(vcpu, KVM_EXIT_SET_TPR, "lowering it exits");
	report(vcpu->run->cr8 == 2, "with the new value");
	report(vcpu_run_said(vcpu) == 2, "and the guest goes on");
	vm_destroy(vm);
}

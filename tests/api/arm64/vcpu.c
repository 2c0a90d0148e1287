// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's state of being as user space sets it, and how a vCPU waits. */
#include <signal.h>
#include <sys/resource.h>
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/* Wait until the guest's variable is at least that; false: it takes too long. */
static bool reaches(volatile u64 *value, u64 wanted)
{
	u64 end = now_ns() + 5000000000ULL;

	while (*value < wanted && now_ns() < end)
		sleep_ms(1);

	return *value >= wanted;
}

/* --- mp_state ------------------------------------------------------------- */

static volatile u64 progress;

static void guest_work(u64 argument)
{
	for (;;)
		progress++;
}

static u32 get_state(struct vcpu *of)
{
	struct kvm_mp_state state = { 99 };

	xioctl(of->fd, KVM_GET_MP_STATE, &state);

	return state.mp_state;
}

static int set_state(struct vcpu *of, u32 value)
{
	struct kvm_mp_state state = { value };

	return ioctl(of->fd, KVM_SET_MP_STATE, &state);
}

static void restart(struct vcpu_thread *thread)
{
	*thread = (struct vcpu_thread) {};
	vcpu_thread_start(thread, vcpu);
}

TEST(mp_state)
{
	struct vcpu_thread thread;
	u64 before;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_work, 0);
	report(get_state(vcpu) == KVM_MP_STATE_RUNNABLE, "a vCPU can run");
	report_errno(set_state(vcpu, 77), EINVAL, "an unknown state");
	report_errno(set_state(vcpu, KVM_MP_STATE_SIPI_RECEIVED), EINVAL,
		     "a state of another architecture");
	report(get_state(vcpu) == KVM_MP_STATE_RUNNABLE, "change nothing");
	report_errno(ioctl(vcpu->fd, KVM_SET_MP_STATE, NULL), EFAULT, "no state");

	report(!set_state(vcpu, KVM_MP_STATE_STOPPED), "stopped");
	restart(&thread);
	sleep_ms(200);
	report(!guest_var(vm, progress), "it does not run");
	vcpu_thread_stop(&thread);
	report(get_state(vcpu) == KVM_MP_STATE_STOPPED, "and stays so");
	report(!set_state(vcpu, KVM_MP_STATE_RUNNABLE), "made to run");
	restart(&thread);
	report(reaches(&guest_var(vm, progress), 1000), "it does");
	vcpu_thread_stop(&thread);
	report(get_state(vcpu) == KVM_MP_STATE_RUNNABLE, "it can still run");
	before = guest_var(vm, progress);
	set_state(vcpu, KVM_MP_STATE_STOPPED);
	restart(&thread);
	sleep_ms(100);
	report(guest_var(vm, progress) == before, "stopped in its midst");
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

/* --- halt: WFI, and what ends it -------------------------------------------- */

static volatile u64 taken, waiting;

static void on_line(struct guest_frame *frame)
{
	taken++;
}

static void guest_halts(u64 masked)
{
	guest_irq_handlers[40] = on_line;
	gic_begin();
	gic_enable(40, 0xa0, true);
	if (masked)
		sysreg_write(ICC_PMR_EL1, 0x40);
	for (;;) {
		waiting++;
		guest_irq_wait();
	}
}

static u64 cpu_ms(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);

	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

TEST(halt)
{
	struct vcpu_thread thread = {};
	u64 i, lost = 0, before;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_halts, 0);
	vcpu_thread_start(&thread, vcpu);
	report(reaches(&guest_var(vm, waiting), 1), "the guest halts");
	sleep_ms(50);
	before = cpu_ms();
	sleep_ms(500);
	before = cpu_ms() - before;
	report(before < 250, "which costs no time (%llu ms of 500)", (unsigned long long)before);
	for (i = 1; i <= 100 && !lost; i++) {
		arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 1);
		arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 0);
		lost += !reaches(&guest_var(vm, taken), i);
	}
	report(!lost, "100 interrupts end it");
	vcpu_thread_stop(&thread);
	report(true, "so does a signal");
	vm_destroy(vm);

	thread = (struct vcpu_thread) {};
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_halts, 1);
	vcpu_thread_start(&thread, vcpu);
	reaches(&guest_var(vm, waiting), 1);
	arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 1);
	sleep_ms(100);
	report(!guest_var(vm, taken), "one below the threshold does not arrive");
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

/* --- suspended: KVM_MP_STATE_SUSPENDED --------------------------------------- */

TEST(suspended)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };

	need_cap(KVM_CAP_ARM_SYSTEM_SUSPEND, "KVM_CAP_ARM_SYSTEM_SUSPEND");
	vm = vm_create(VM_IRQCHIP);
	xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	vcpu = vcpu_create(vm, guest_halts, 0);
	vm->vcpus[0].run->immediate_exit = 1;
	vcpu_run(vcpu);
	vm->vcpus[0].run->immediate_exit = 0;
	report(!set_state(vcpu, KVM_MP_STATE_SUSPENDED), "suspended");
	report(get_state(vcpu) == KVM_MP_STATE_SUSPENDED, "it says so");
	/* Nothing is enabled yet, but by user space. */
	arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR, &(u32){ 0x12 });
	arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_IGROUPR(40),
		       &(u32){ ~0u });
	arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_ISENABLER(40),
		       &(u32){ 1 << 8 });
	arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, 3 << 14 | 4 << 7 | 6 << 3,
		       &(u64){ 0xf8 });
	arm64_set_attr(vm->irqchip_fd, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
		       3 << 14 | 12 << 7 | 12 << 3 | 7, &(u64){ 1 });
	arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 1);
	if (vcpu_run_expect(vcpu, KVM_EXIT_SYSTEM_EVENT, "an interrupt wakes it"))
		report(vcpu->run->system_event.type == KVM_SYSTEM_EVENT_WAKEUP, "with an event");
	report(!guest_var(vm, waiting), "the guest has not run");
	report(!set_state(vcpu, KVM_MP_STATE_RUNNABLE), "it is up to user space");
	vm_destroy(vm);
}

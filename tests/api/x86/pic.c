// SPDX-License-Identifier: GPL-2.0-only
/* The interrupts of old: PIC and PIT. */
#include <lib/kvm.h>

static volatile u64 taken, taken_last;

static void set_line(struct vm *vm, u32 gsi, int level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	xioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

static void on_pic(struct guest_frame *frame)
{
	taken++;
	taken_last = frame->vector;
	if (frame->vector >= 0x28)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void guest_pic_setup(void)
{
	u32 vector;

	for (vector = 0x20; vector < 0x30; vector++)
		guest_handlers[vector] = on_pic;
	outb(0x20, 0x11);
	outb(0x21, 0x20);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0xa0, 0x11);
	outb(0xa1, 0x28);
	outb(0xa1, 2);
	outb(0xa1, 1);
	outb(0x21, 0);
	outb(0xa1, 0);
}

static void guest_pic(u64 argument)
{
	guest_pic_setup();
	for (;;) {
		guest_say(taken << 8 | taken_last);
		sti_nop_cli();
	}
}

TEST(pic)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_pic, 0);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	vcpu_run_said(vcpu);
	set_line(vm, 4, 1);
	report(vcpu_run_said(vcpu) == (1 << 8 | 0x24), "an interrupt through the master");
	set_line(vm, 4, 0);
	set_line(vm, 12, 1);
	report(vcpu_run_said(vcpu) == (2 << 8 | 0x2c), "one through the slave");
	set_line(vm, 12, 0);
	/* The lower number first. */
	set_line(vm, 6, 1);
	set_line(vm, 3, 1);
	report((vcpu_run_said(vcpu) & 0xff) == 0x26, "two at a time, the lower number first");
	set_line(vm, 6, 0);
	set_line(vm, 3, 0);
	report((vcpu_run_said(vcpu) >> 8) == 4, "and no more than two");
	xioctl(vm->fd, KVM_GET_IRQCHIP, &chip);
	report(chip.chip.pic.irq_base == 0x20, "user space sees the base");
	vm_destroy(vm);
}

static void guest_pit(u64 argument)
{
	guest_pic_setup();
	outb(0x43, 0x34);		/* channel 0, rate generator */
	outb(0x40, 0x9c);
	outb(0x40, 0x2e);		/* 11932: 100 Hz */
	while (taken < 5)
		sti_hlt();
	GUEST_ASSERT_EQ(taken_last, 0x20);
	guest_say(taken);
	/* The counter counts down. */
	outb(0x43, 0);
	u32 a = inb(0x40);

	a |= inb(0x40) << 8;
	GUEST_ASSERT(a <= 11932);
	/* Channel 2 and its output at port 0x61. */
	outb(0x61, 1);
	outb(0x43, 0xb0);
	outb(0x42, 100);
	outb(0x42, 0);
	while (!(inb(0x61) & 0x20))
		guest_pause();
	guest_done();
}

TEST(pit)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_pit_state2 state;
	struct vcpu *vcpu;
	u64 start;

	xioctl(vm->fd, KVM_CREATE_PIT2, &config);
	report_errno(ioctl(vm->fd, KVM_CREATE_PIT2, &config), EEXIST, "a second one");
	vcpu = vcpu_create(vm, guest_pit, 0);
	start = now_ns();
	vcpu_run_said(vcpu);
	note("5 ticks of 10 ms took %llu ms", (unsigned long long)(now_ns() - start) / 1000000);
	report(now_ns() - start > 35000000, "its ticks come no faster than they should");
	xioctl(vm->fd, KVM_GET_PIT2, &state);
	report(state.channels[0].count == 11932 && state.channels[0].mode == 2,
	       "user space sees its channels");
	xioctl(vm->fd, KVM_SET_PIT2, &state);
	vcpu_run_done(vcpu);
	vm_destroy(vm);

	vm = vm_create(0);
	report_errno(ioctl(vm->fd, KVM_CREATE_PIT2, &config), ENOENT, "without an irqchip");
	vm_destroy(vm);
}

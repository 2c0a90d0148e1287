// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls of x86 whose answers nobody else looks at. */
#include <lib/kvm.h>

/* --- tables of CPUID ----------------------------------------------------------------- */

#define ENTRIES	256

static struct kvm_cpuid2 *new_table(u32 room)
{
	struct kvm_cpuid2 *table = malloc(sizeof(*table) + ENTRIES * sizeof(table->entries[0]));

	memset(table, 0xa5, sizeof(*table) + ENTRIES * sizeof(table->entries[0]));
	table->nent = room;

	return table;
}

static bool is_untouched(const struct kvm_cpuid2 *table, u32 first)
{
	const u8 *byte = (const u8 *)&table->entries[first];

	while (byte < (const u8 *)&table->entries[ENTRIES])
		if (*byte++ != 0xa5)
			return false;

	return true;
}

TEST(cpuid_tables)
{
	struct kvm_cpuid2 *table = new_table(ENTRIES), *set = x86_supported_cpuid(0);
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create_bare(vm, 0);
	u32 i, wrong = 0;

	/* The kernel's own hypervisor wants clean entries, and has some to offer. */
	report(!ioctl(kvm_open(), KVM_GET_EMULATED_CPUID, table) || in_tree(),
	       "KVM_GET_EMULATED_CPUID");
	report((table->nent == 0 && is_untouched(table, 0)) || in_tree(),
	       "nothing is emulated that is not offered anyway (%u)", table->nent);

	table->nent = ENTRIES;
	report(!ioctl(vcpu->fd, KVM_GET_CPUID2, table) && table->nent == 0,
	       "KVM_GET_CPUID2 of a new vCPU: none");
	xioctl(vcpu->fd, KVM_SET_CPUID2, set);
	free(table);
	table = new_table(ENTRIES);
	report(!ioctl(vcpu->fd, KVM_GET_CPUID2, table) && table->nent == set->nent,
	       "then as many as were set (%u)", table->nent);
	for (i = 0; i < set->nent; i++) {
		const struct kvm_cpuid_entry2 *a = &set->entries[i], *b = &table->entries[i];

		wrong += a->function != b->function || a->index != b->index ||
			 a->flags != b->flags ||
			 /* Others have bits that follow the vCPU. */
			 (a->function == 0 && memcmp(a, b, sizeof(*a)));
	}
	report(!wrong && is_untouched(table, set->nent), "the same, and nothing behind them");
	table->nent = set->nent - 1;
	report_errno(ioctl(vcpu->fd, KVM_GET_CPUID2, table), E2BIG, "no room for the last");
	free(table);
	vm_destroy(vm);
}

/* --- the FPU ------------------------------------------------------------------------- */

static u64 guest_xmm[2];

static void guest_fpu(u64 argument)
{
	u16 control = 0;
	u32 mxcsr = 0;

	for (;;) {
		asm volatile("movq %%xmm5, %0; movq %%xmm15, %1; fnstcw %2; stmxcsr %3"
			     : "=m"(guest_xmm[0]), "=m"(guest_xmm[1]), "=m"(control), "=m"(mxcsr));
		guest_say((u64)mxcsr << 16 | control);
	}
}

/* XMM5 is at 160 + 5 * 16 of the area. */
#define XMM5	(160 + 5 * 16)

static void test_xsave2(struct vcpu *vcpu)
{
	int size = kvm_cap(KVM_CAP_XSAVE2), i, behind = 0;
	struct kvm_xsave *old = calloc(1, sizeof(*old));
	u8 *area = malloc(size + 64);

	memset(area, 0xa5, size + 64);
	xioctl(vcpu->fd, KVM_GET_XSAVE, old);
	report(!ioctl(vcpu->fd, KVM_GET_XSAVE2, area), "KVM_GET_XSAVE2");
	report(!memcmp(area, old, sizeof(*old)), "begins as KVM_GET_XSAVE");
	report(*(u64 *)(area + XMM5) == 0x5555, "has XMM5 in its place");
	for (i = 0; i < 64; i++)
		behind += area[size + i] != 0xa5;
	report(!behind, "and ends where KVM_CAP_XSAVE2 says, after %d bytes", size);
	*(u64 *)(area + XMM5) = 0x7777;
	report(!ioctl(vcpu->fd, KVM_SET_XSAVE, area), "it can be put back");
	vcpu_run_said(vcpu);
	report(guest_var(vcpu->vm, guest_xmm)[0] == 0x7777, "and the guest sees what is in it");
	free(area);
	free(old);
}

TEST(fpu)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_fpu, 0);
	struct kvm_fpu fpu, again;
	u64 said;

	vcpu_run_said(vcpu);
	xioctl(vcpu->fd, KVM_GET_FPU, &fpu);
	fpu.fcw = 0x27f;
	/* The kernel's own hypervisor leaves this one to KVM_SET_XSAVE. */
	if (!in_tree())
		fpu.mxcsr = 0x3f80;
	fpu.last_ip = 0x1234;
	memset(fpu.fpr[2], 0x11, 10);
	*(u64 *)fpu.xmm[5] = 0x5555;
	*(u64 *)fpu.xmm[15] = 0xffff0000;
	report(!ioctl(vcpu->fd, KVM_SET_FPU, &fpu), "KVM_SET_FPU");
	xioctl(vcpu->fd, KVM_GET_FPU, &again);
	report(!memcmp(&fpu, &again, sizeof(fpu)), "KVM_GET_FPU says what was set");
	said = vcpu_run_said(vcpu);
	report(said == (0x3f80 << 16 | 0x27f) || (in_tree() && (u16)said == 0x27f),
	       "the guest has the control words");
	report(guest_var(vm, guest_xmm)[0] == 0x5555 && guest_var(vm, guest_xmm)[1] == 0xffff0000,
	       "and the registers");
	test_xsave2(vcpu);
	vm_destroy(vm);
}

/* --- machine checks ---------------------------------------------------------------------- */

#define MSR_MCG_STATUS		0x17a
#define MSR_MC_STATUS(bank)	(0x401 + (bank) * 4)
#define MSR_MC_ADDR(bank)	(0x402 + (bank) * 4)
#define MSR_MC_MISC(bank)	(0x403 + (bank) * 4)
#define MCI_VALID		BIT(63)
#define MCI_OVER		BIT(62)
#define MCI_UC			BIT(61)
#define MCG_MCIP		BIT(2)

static void on_machine_check(struct guest_frame *frame)
{
	guest_say(rdmsr(MSR_MC_ADDR(2)));
	GUEST_ASSERT_EQ(frame->vector, 18);
	GUEST_ASSERT_EQ(rdmsr(MSR_MCG_STATUS), MCG_MCIP | 1);
	wrmsr(MSR_MC_STATUS(2), 0);
	wrmsr(MSR_MCG_STATUS, 0);
}

static void guest_machine_check(u64 enabled)
{
	guest_handlers[18] = on_machine_check;
	if (enabled)
		write_cr4(read_cr4() | BIT(6));
	for (;;)
		guest_say(1);
}

static void set_mce(struct vcpu *vcpu, u8 bank, u64 status, u64 addr, u64 mcg_status)
{
	struct kvm_x86_mce mce = {
		.bank = bank, .status = status, .addr = addr, .misc = 0x99,
		.mcg_status = mcg_status,
	};

	report(!ioctl(vcpu->fd, KVM_X86_SET_MCE, &mce), "KVM_X86_SET_MCE, bank %u", bank);
}

static struct vcpu *mce_vcpu(struct vm *vm, bool enabled)
{
	struct vcpu *vcpu = vcpu_create(vm, guest_machine_check, enabled);
	u64 offered, wanted;

	xioctl(kvm_open(), KVM_X86_GET_MCE_CAP_SUPPORTED, &offered);
	wanted = 10 | (offered & BIT(8));	/* with IA32_MCG_CTL */
	xioctl(vcpu->fd, KVM_X86_SETUP_MCE, &wanted);
	vcpu_run_said(vcpu);

	return vcpu;
}

TEST(machine_check)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = mce_vcpu(vm, true);

	set_mce(vcpu, 1, MCI_VALID | 7, 0x1000, 0);
	report(x86_get_msr(vcpu, MSR_MC_STATUS(1)) == (MCI_VALID | 7) &&
	       x86_get_msr(vcpu, MSR_MC_ADDR(1)) == 0x1000 &&
	       x86_get_msr(vcpu, MSR_MC_MISC(1)) == 0x99, "a corrected error is in its bank");
	report(vcpu_run_said(vcpu) == 1, "and the guest is not disturbed");
	set_mce(vcpu, 1, MCI_VALID | 8, 0x2000, 0);
	report(x86_get_msr(vcpu, MSR_MC_STATUS(1)) == (MCI_VALID | MCI_OVER | 8) &&
	       x86_get_msr(vcpu, MSR_MC_ADDR(1)) == 0x2000, "a second one overwrites it");

	set_mce(vcpu, 2, MCI_VALID | MCI_UC, 0x3000, MCG_MCIP | 1);
	report(x86_get_msr(vcpu, MSR_MC_STATUS(2)) == (MCI_VALID | MCI_UC), "one that is not corrected");
	report(vcpu_run_said(vcpu) == 0x3000, "is #MC in the guest");
	report(vcpu_run_said(vcpu) == 1, "which deals with it");
	set_mce(vcpu, 2, MCI_VALID | MCI_UC, 0x4000, MCG_MCIP | 1);
	set_mce(vcpu, 2, MCI_VALID | MCI_UC, 0x5000, MCG_MCIP | 1);
	report(x86_get_msr(vcpu, MSR_MC_ADDR(2)) == 0x4000, "one on top of it is not recorded");
	vcpu_run_expect(vcpu, KVM_EXIT_SHUTDOWN, "but ends the machine");
	vm_destroy(vm);

	vm = vm_create(VM_IRQCHIP);
	vcpu = mce_vcpu(vm, false);
	set_mce(vcpu, 2, MCI_VALID | MCI_UC, 0x3000, MCG_MCIP | 1);
	vcpu_run_expect(vcpu, KVM_EXIT_SHUTDOWN, "without CR4.MCE it does at once");
	vm_destroy(vm);
}

/* --- the clock of a guest that was stopped ----------------------------------------------- */

#define MSR_SYSTEM_TIME_NEW	0x4b564d01
#define CLOCK_FLAGS		29		/* of the page: its flags */
#define CLOCK_STOPPED		2

static volatile u8 clock_page[64] __attribute__((aligned(64)));

static void guest_clock_flags(u64 argument)
{
	wrmsr(MSR_SYSTEM_TIME_NEW, (u64)clock_page | 1);
	for (;;) {
		u8 flags = clock_page[CLOCK_FLAGS];

		/* Linux clears it once its watchdogs know. */
		clock_page[CLOCK_FLAGS] = flags & ~CLOCK_STOPPED;
		guest_say(flags & CLOCK_STOPPED);
	}
}

TEST(clock_paused)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_clock_flags, 0);

	need_cap(KVM_CAP_KVMCLOCK_CTRL, "KVM_CAP_KVMCLOCK_CTRL");
	report_errno(ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0), EINVAL, "before the guest has a clock");
	report(vcpu_run_said(vcpu) == 0, "the guest was not stopped");
	report(!ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0), "KVM_KVMCLOCK_CTRL");
	report(vcpu_run_said(vcpu) == CLOCK_STOPPED, "the guest hears that it was");
	report(vcpu_run_said(vcpu) == 0, "once");
	vm_destroy(vm);
}

/* --- interrupt lines and the PIC --------------------------------------------------------- */

#define LINE	9

static volatile u64 taken, taken_last;

static void on_line(struct guest_frame *frame)
{
	taken++;
	taken_last = frame->vector;
	apic_eoi();
}

static void guest_line(u64 argument)
{
	guest_handlers[0x41] = on_line;
	pic_disable();
	apic_enable(false);
	guest_say(0);			/* the pin is masked */
	ioapic_route(LINE, 0x41, 0);
	for (;;) {
		guest_say(taken);
		sti_nop_cli();
	}
}

/* The answer to the line going down and up. */
static int raise_line(struct vm *vm, u32 gsi)
{
	struct kvm_irq_level level = { .irq = gsi };

	xioctl(vm->fd, KVM_IRQ_LINE_STATUS, &level);
	level = (struct kvm_irq_level) { .irq = gsi, .level = 1 };
	xioctl(vm->fd, KVM_IRQ_LINE_STATUS, &level);

	return level.status;
}

TEST(irq_line_status)
{
	struct kvm_irq_level plain = { .irq = LINE };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_line, 0);

	vcpu_run_said(vcpu);
	report(raise_line(vm, LINE) < 0, "KVM_IRQ_LINE_STATUS: masked");
	vcpu_run_said(vcpu);
	report(raise_line(vm, LINE) == 1, "delivered, to one");
	report(raise_line(vm, LINE) == 0 || in_tree(), "again, before the guest took it: coalesced");
	report(vcpu_run_said(vcpu) == 1, "the guest took one");
	report(raise_line(vm, LINE) == 1 && vcpu_run_said(vcpu) == 2, "and the next one");
	report(raise_line(vm, 200) < 0, "a line without a route");
	report(!ioctl(vm->fd, KVM_IRQ_LINE, &plain) && plain.irq == LINE,
	       "KVM_IRQ_LINE answers nothing");
	vm_destroy(vm);
}

static void on_pic(struct guest_frame *frame)
{
	taken++;
	taken_last = frame->vector;
	if (frame->vector >= 0x38)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void guest_pic_base(u64 argument)
{
	u32 vector;

	for (vector = 0x20; vector < 0x40; vector++)
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
	for (;;) {
		guest_say(taken << 16 | taken_last << 8 | inb(0x21));
		sti_nop_cli();
	}
}

static void pulse(struct vm *vm, u32 gsi)
{
	struct kvm_irq_level level = { .irq = gsi, .level = 1 };

	xioctl(vm->fd, KVM_IRQ_LINE, &level);
	level.level = 0;
	xioctl(vm->fd, KVM_IRQ_LINE, &level);
}

/* Move a PIC to @base and mask @mask; it must say so. */
static void move_pic(struct vm *vm, u32 id, u8 base, u8 mask)
{
	struct kvm_irqchip chip = { .chip_id = id }, again = { .chip_id = id };

	xioctl(vm->fd, KVM_GET_IRQCHIP, &chip);
	chip.chip.pic.irq_base = base;
	chip.chip.pic.imr = mask;
	report(!ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), "KVM_SET_IRQCHIP of PIC %u", id);
	xioctl(vm->fd, KVM_GET_IRQCHIP, &again);
	report(!memcmp(&chip, &again, sizeof(chip)), "KVM_GET_IRQCHIP says what was set");
}

TEST(pic_state)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_pic_base, 0);

	vcpu_run_said(vcpu);
	pulse(vm, 3);
	report(vcpu_run_said(vcpu) == (1 << 16 | 0x23 << 8), "where the guest put it");
	move_pic(vm, KVM_IRQCHIP_PIC_MASTER, 0x30, 0x10);
	move_pic(vm, KVM_IRQCHIP_PIC_SLAVE, 0x38, 0x20);
	pulse(vm, 3);
	report(vcpu_run_said(vcpu) == (2 << 16 | 0x33 << 8 | 0x10), "where user space put it");
	pulse(vm, 4);
	report(vcpu_run_said(vcpu) == (2 << 16 | 0x33 << 8 | 0x10), "what it masked is masked");
	pulse(vm, 12);
	report(vcpu_run_said(vcpu) == (3 << 16 | 0x3c << 8 | 0x10), "the same of the other one");
	pulse(vm, 13);
	report(vcpu_run_said(vcpu) == (3 << 16 | 0x3c << 8 | 0x10), "and its mask");
	vm_destroy(vm);
}

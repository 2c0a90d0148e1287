// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts: local APIC in both modes, IOAPIC, MSIs, INIT and SIPI. */
#include <lib/kvm.h>

static volatile u64 taken, taken_last, taken_order;
static bool lenient;

static void on_interrupt(struct guest_frame *frame)
{
	taken++;
	taken_last = frame->vector;
	taken_order = taken_order << 8 | frame->vector;
	apic_eoi();
}

static void on_interrupt_without_eoi(struct guest_frame *frame)
{
	taken++;
	taken_last = frame->vector;
}

static void on_spurious(struct guest_frame *frame)
{
}

static void guest_apic_setup(bool x2apic)
{
	u32 vector;

	for (vector = 0x20; vector < 0xff; vector++)
		guest_handlers[vector] = on_interrupt;
	guest_handlers[0xff] = on_spurious;
	pic_disable();
	apic_enable(x2apic);
	guest_catch();
}

static void self_ipi(u8 vector)
{
	apic_icr(0, 0x44000 | vector);		/* self, assert, fixed */
}

/* --- IPIs, priorities ------------------------------------------------------------ */

static void guest_check_ipi(void)
{
	u64 before = taken;

	self_ipi(0x41);
	GUEST_ASSERT(apic_bit(APIC_REG_IRR, 0x41));
	GUEST_ASSERT_EQ(taken, before);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before + 1);
	GUEST_ASSERT_EQ(taken_last, 0x41);
	GUEST_ASSERT(!apic_bit(APIC_REG_IRR, 0x41) && !apic_bit(APIC_REG_ISR, 0x41));

	/* By number, and with hlt. */
	apic_icr(guest_x2apic ? rdmsr(0x802) : apic_read(APIC_REG_ID) >> 24, 0x4042);
	sti_hlt();
	GUEST_ASSERT_EQ(taken_last, 0x42);
	/* To all, and to all others: nobody else is there. */
	apic_icr(0, 0x84043);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken_last, 0x43);
	before = taken;
	apic_icr(0, 0xc4044);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before);
	if (guest_x2apic) {
		wrmsr(0x83f, 0x45);
		sti_nop_cli();
		GUEST_ASSERT_EQ(taken_last, 0x45);
	}
}

static void guest_check_priority(void)
{
	u64 before = taken;

	/* The higher one first, the same one twice is one. */
	taken_order = 0;
	self_ipi(0x51);
	self_ipi(0x71);
	self_ipi(0x61);
	self_ipi(0x71);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before + 3);
	GUEST_ASSERT_EQ(taken_order, 0x716151);

	/* TPR holds back its class and those below. */
	apic_write(APIC_REG_TPR, 0x50);
	GUEST_ASSERT_EQ(apic_read(APIC_REG_PPR), 0x50);
	GUEST_ASSERT_EQ(read_cr8(), 5);
	self_ipi(0x5f);
	self_ipi(0x60);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken_last, 0x60);
	write_cr8(4);
	GUEST_ASSERT_EQ(apic_read(APIC_REG_TPR), 0x40);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken_last, 0x5f);
	/* Lowering it lets in what waits, at once. */
	write_cr8(15);
	self_ipi(0x81);
	sti();
	asm volatile("nop");
	GUEST_ASSERT_EQ(taken_last, 0x5f);
	write_cr8(0);
	asm volatile("nop");
	GUEST_ASSERT_EQ(taken_last, 0x81);
	cli();

	/* One in service holds back its class. */
	guest_handlers[0x72] = on_interrupt_without_eoi;
	self_ipi(0x72);
	sti_nop_cli();
	GUEST_ASSERT(apic_bit(APIC_REG_ISR, 0x72));
	GUEST_ASSERT_EQ(apic_read(APIC_REG_PPR), 0x70);
	before = taken;
	self_ipi(0x75);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before);
	self_ipi(0x91);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken_last, 0x91);
	apic_eoi();
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken_last, 0x75);
	apic_eoi();				/* with nothing in service */
	GUEST_ASSERT_EQ(apic_read(APIC_REG_PPR), 0);
}

static void guest_check_disabled(void)
{
	u64 before = taken;

	apic_write(APIC_REG_ESR, 0);
	self_ipi(5);				/* an illegal vector */
	apic_write(APIC_REG_ESR, 0);
	GUEST_ASSERT((apic_read(APIC_REG_ESR) & 0x20) || lenient);
	apic_write(APIC_REG_ESR, 0);
	GUEST_ASSERT_EQ(apic_read(APIC_REG_ESR), 0);

	apic_write(APIC_REG_SPIV, 0xff);
	GUEST_ASSERT(apic_read(APIC_REG_LVTT) & 0x10000);
	apic_write(APIC_REG_LVTT, 0x33);
	GUEST_ASSERT(apic_read(APIC_REG_LVTT) & 0x10000);
	self_ipi(0x55);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before);
	apic_write(APIC_REG_SPIV, 0x1ff);
}

/* --- the timer ------------------------------------------------------------------------ */

static void guest_wait_for(u64 count)
{
	while (taken < count)
		sti_nop_cli();
}

static void guest_check_timer(void)
{
	u64 before = taken, start, value;
	u32 count;

	apic_write(APIC_REG_TDCR, 0xb);		/* divide by 1 */
	apic_write(APIC_REG_LVTT, 0x31);
	apic_write(APIC_REG_TMICT, 1000000);
	count = apic_read(APIC_REG_TMCCT);
	GUEST_ASSERT(count <= 1000000);
	guest_wait_for(before + 1);
	GUEST_ASSERT_EQ(taken_last, 0x31);
	GUEST_ASSERT_EQ(apic_read(APIC_REG_TMCCT), 0);
	GUEST_ASSERT_EQ(apic_read(APIC_REG_TMICT), 1000000);

	/* It wakes from hlt. */
	apic_write(APIC_REG_TMICT, 2000000);
	while (taken == before + 1)
		sti_hlt();
	/* Masked, it counts and is silent. */
	before = taken;
	apic_write(APIC_REG_LVTT, 0x10031);
	apic_write(APIC_REG_TMICT, 1000);
	while (apic_read(APIC_REG_TMCCT))
		guest_pause();
	apic_write(APIC_REG_LVTT, 0x31);
	sti_nop_cli();
	GUEST_ASSERT(taken == before || lenient);
	before = taken;

	/* Periodic. */
	apic_write(APIC_REG_LVTT, 0x20032);
	apic_write(APIC_REG_TMICT, 3000000);
	guest_wait_for(before + 3);
	GUEST_ASSERT_EQ(taken_last, 0x32);
	GUEST_ASSERT(apic_read(APIC_REG_TMCCT) <= 3000000);
	apic_write(APIC_REG_TMICT, 0);
	sti_nop_cli();
	before = taken;
	for (start = rdtsc(); rdtsc() - start < 20000000; )
		guest_pause();
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before);

	/* By the TSC. */
	apic_write(APIC_REG_LVTT, 0x40033);
	GUEST_ASSERT_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + 5000000);
	GUEST_ASSERT_EQ(apic_read(APIC_REG_TMCCT), 0);
	guest_wait_for(before + 1);
	value = rdtsc();
	GUEST_ASSERT(value >= start + 5000000);
	GUEST_ASSERT_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	/* One in the past comes at once. */
	wrmsr(MSR_TSC_DEADLINE, 1);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before + 2);
	/* Disarmed, none comes; another mode disarms too. */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + BIT(50));
	wrmsr(MSR_TSC_DEADLINE, 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + BIT(60));
	GUEST_ASSERT(rdmsr(MSR_TSC_DEADLINE) != 0);
	apic_write(APIC_REG_LVTT, 0x33);
	GUEST_ASSERT_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, 1);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, before + 2);
	apic_write(APIC_REG_LVTT, 0x10033);
}

/* A deadline runs while user space writes the registers, first as they are. */
static void guest_check_deadline_kept(void)
{
	u64 before = taken, deadline;

	apic_write(APIC_REG_LVTT, 0x40034);
	deadline = rdtsc() + BIT(27);
	wrmsr(MSR_TSC_DEADLINE, deadline);
	guest_say(4);
	while (taken == before)
		sti_hlt();
	GUEST_ASSERT_EQ(taken_last, 0x34);
	GUEST_ASSERT(rdtsc() >= deadline);
	GUEST_ASSERT_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	/* Then with another mode, and with this one again. */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + BIT(60));
	guest_say(5);
	GUEST_ASSERT_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	apic_write(APIC_REG_LVTT, 0x10034);
}

static void guest_lapic(u64 x2apic)
{
	cli();
	guest_apic_setup(x2apic);
	GUEST_ASSERT_EQ(apic_read(APIC_REG_VERSION) & 0xff, 0x14);
	guest_check_ipi();
	guest_say(1);
	guest_check_priority();
	guest_say(2);
	guest_check_disabled();
	guest_say(3);
	guest_check_timer();
	guest_check_deadline_kept();
	guest_done();
}

static void change_lvtt(struct vcpu *vcpu, u32 clear, u32 set)
{
	struct kvm_lapic_state state;
	u32 *lvtt = (u32 *)(state.regs + APIC_REG_LVTT);

	xioctl(vcpu->fd, KVM_GET_LAPIC, &state);
	*lvtt = (*lvtt & ~clear) | set;
	xioctl(vcpu->fd, KVM_SET_LAPIC, &state);
}

TEST(lapic)
{
	struct vcpu *vcpu;
	struct vm *vm;

	lenient = in_tree();	/* before the image is copied */
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_lapic, test_has_arg("x2apic"));

	report(vcpu_run_said(vcpu) == 1, "IPIs to itself and their EOI");
	report(vcpu_run_said(vcpu) == 2, "priorities, TPR, CR8");
	report(vcpu_run_said(vcpu) == 3, "errors, software disable");
	report(vcpu_run_said(vcpu) == 4, "the timer: one-shot, periodic, deadline");
	change_lvtt(vcpu, 0, 0);
	report(vcpu_run_said(vcpu) == 5, "a deadline outlives KVM_SET_LAPIC");
	change_lvtt(vcpu, 0x40000, 0);
	change_lvtt(vcpu, 0, 0x40000);
	vcpu_run_done(vcpu);
	report(true, "unless that sets another mode");
	vm_destroy(vm);
}

/* --- IA32_APIC_BASE ----------------------------------------------------------------- */

static void guest_apic_base(u64 argument)
{
	u64 base = rdmsr(APIC_BASE_MSR), value;

	guest_catch();
	GUEST_ASSERT_EQ(base, APIC_PAGE | 0x900);
	GUEST_ASSERT_EQ(try_wrmsr(APIC_BASE_MSR, base | 1), 13);
	GUEST_ASSERT_EQ(try_wrmsr(APIC_BASE_MSR, base | BIT(55)), 13);
	GUEST_ASSERT_EQ(try_wrmsr(APIC_BASE_MSR, (base | 0x400) & ~0x800UL), 13);
	/* Not yet there. */
	GUEST_ASSERT_EQ(try_rdmsr(0x802, &value), 13);
	GUEST_ASSERT_EQ(guest_read32(APIC_PAGE + APIC_REG_ID) >> 24, 0);
	apic_enable(true);
	GUEST_ASSERT_EQ(rdmsr(0x802), 0);
	GUEST_ASSERT_EQ(rdmsr(0x80d), 1);
	/* Not there any more, or not in this mode. */
	GUEST_ASSERT_EQ(try_rdmsr(0x80e, &value), 13);		/* DFR */
	GUEST_ASSERT_EQ(try_rdmsr(0x831, &value), 13);		/* ICR2 */
	GUEST_ASSERT_EQ(try_rdmsr(0x80b, &value), 13);		/* EOI */
	GUEST_ASSERT_EQ(try_wrmsr(0x802, 5), 13);		/* ID */
	GUEST_ASSERT_EQ(try_wrmsr(0x80d, 5), 13);		/* LDR */
	if (!lenient) {
		GUEST_ASSERT_EQ(try_wrmsr(0x80b, 1), 13);	/* EOI wants 0 */
		GUEST_ASSERT_EQ(try_wrmsr(0x808, 0x100), 13);	/* TPR */
		GUEST_ASSERT_EQ(try_wrmsr(0x828, 1), 13);	/* ESR wants 0 */
		GUEST_ASSERT_EQ(try_wrmsr(0x830, BIT(20)), 13);	/* ICR */
	}
	GUEST_ASSERT_EQ(try_rdmsr(0x8ff, &value), 13);
	/* Only by way of disabled. */
	GUEST_ASSERT_EQ(try_wrmsr(APIC_BASE_MSR, base), 13);
	GUEST_ASSERT_EQ(try_wrmsr(APIC_BASE_MSR, base & ~0x800UL), 0);
	GUEST_ASSERT_EQ(try_wrmsr(APIC_BASE_MSR, base | 0x400), 13);
	GUEST_ASSERT_EQ(try_wrmsr(APIC_BASE_MSR, base), 0);
	guest_x2apic = false;
	if (!lenient)
		GUEST_ASSERT_EQ(apic_read(APIC_REG_SPIV), 0xff);
	guest_say(rdmsr(APIC_BASE_MSR));
	guest_done();
}

TEST(apic_base)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X2APIC_API, .args[0] = 1 };
	struct kvm_lapic_state state;
	struct kvm_sregs sregs;
	struct vcpu *vcpu;
	struct vm *vm;

	lenient = in_tree();
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_apic_base, 0);

	report(vcpu_run_said(vcpu) == (APIC_PAGE | 0x900), "modes and their rules");
	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	report(sregs.apic_base == (APIC_PAGE | 0x900), "user space sees the base");
	vcpu_run_done(vcpu);

	/* From user space any valid mode goes, and the ids have the documented layout. */
	vcpu_create_bare(vm, 3);
	xioctl(vm->vcpus[1].fd, KVM_GET_LAPIC, &state);
	report(*(u32 *)(state.regs + APIC_REG_ID) == 3 << 24, "an xAPIC id");
	xioctl(vm->vcpus[1].fd, KVM_SET_CPUID2, x86_supported_cpuid(3));
	x86_set_msr(&vm->vcpus[1], APIC_BASE_MSR, APIC_PAGE | 0xc00);
	xioctl(vm->vcpus[1].fd, KVM_GET_LAPIC, &state);
	report(*(u32 *)(state.regs + APIC_REG_ID) == 3 << 24, "an x2APIC id in the old layout");
	report(*(u32 *)(state.regs + APIC_REG_LDR) == 8, "its logical id");
	xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	xioctl(vm->vcpus[1].fd, KVM_GET_LAPIC, &state);
	report(*(u32 *)(state.regs + APIC_REG_ID) == 3, "and in the new one");
	xioctl(vm->vcpus[1].fd, KVM_SET_LAPIC, &state);
	*(u32 *)(state.regs + APIC_REG_ID) = 4;
	report_errno(ioctl(vm->vcpus[1].fd, KVM_SET_LAPIC, &state), EINVAL, "which must be right");
	vm_destroy(vm);
}

/* --- several vCPUs -------------------------------------------------------------------- */

#define SMP_CPUS	4

static volatile u64 smp_up, smp_taken[SMP_CPUS + 1], smp_go;

/* Real mode: count up a word and wait for interrupts that never come. */
extern const char sipi_code[], sipi_code_end[];
asm(	".pushsection .rodata\n"
	".code16\n"
	"sipi_code:\n"
	"	xor %ax, %ax\n"
	"	mov %ax, %ds\n"
	"	lock incl 0x500\n"
	"	mov %cs, %ax\n"
	"	mov %ax, 0x504\n"
	"1:	cli; hlt\n"
	"	jmp 1b\n"
	"sipi_code_end:\n"
	".code64\n"
	".popsection\n");

static void guest_wait(u64 cycles)
{
	u64 start;

	for (start = rdtsc(); rdtsc() - start < cycles; )
		guest_pause();
}

static void guest_sipi(u64 x2apic)
{
	u64 i;

	guest_apic_setup(x2apic);
	for (i = 1; i < SMP_CPUS; i++)
		apic_icr(i, 0xc500);		/* INIT, level, assert */
	apic_icr(1, 0x8500);			/* INIT, level, de-assert: nothing */
	for (i = 1; i < SMP_CPUS; i++)
		apic_icr(i, 0x4600 | 7);	/* SIPI at 0x7000 */
	while (guest_read32(0x500) < SMP_CPUS - 1)
		guest_pause();
	guest_say(guest_read16(0x504));
	/* A second SIPI does nothing to one that runs. */
	for (i = 1; i < SMP_CPUS; i++)
		apic_icr(i, 0x4600 | 7);
	guest_wait(1000000);
	guest_say(guest_read32(0x500));
	/* INIT and SIPI to all others at once. */
	apic_icr(0, 0xcc500);
	apic_icr(0, 0xc4600 | 7);
	while (guest_read32(0x500) < 2 * (SMP_CPUS - 1))
		guest_pause();
	guest_done();
}

TEST(smp_sipi)
{
	struct vcpu_thread threads[SMP_CPUS] = {};
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_mp_state mp_state;
	struct vcpu *vcpu = vcpu_create(vm, guest_sipi, test_has_arg("x2apic"));
	struct kvm_regs regs;
	int i, good = 0;

	memcpy(vm->ram + X86_GPA_REAL, sipi_code, sipi_code_end - sipi_code);
	for (i = 1; i < SMP_CPUS; i++) {
		vcpu_create_bare(vm, i);
		xioctl(vm->vcpus[i].fd, KVM_SET_CPUID2, x86_supported_cpuid(i));
		xioctl(vm->vcpus[i].fd, KVM_GET_MP_STATE, &mp_state);
		good += mp_state.mp_state == KVM_MP_STATE_UNINITIALIZED;
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	}
	report(good == SMP_CPUS - 1, "others than the first wait for INIT");
	report(vcpu_run_said(vcpu) == 0x700, "SIPI starts them at its page");
	report(vcpu_run_said(vcpu) == SMP_CPUS - 1, "a second one starts nothing");
	vcpu_run_done(vcpu);
	report(true, "INIT and SIPI to all but self");
	for (i = 1, good = 0; i < SMP_CPUS; i++) {
		vcpu_thread_stop(&threads[i]);
		xioctl(vm->vcpus[i].fd, KVM_GET_REGS, &regs);
		good += regs.rip > 0 && regs.rip < 0x20;
	}
	report(good == SMP_CPUS - 1, "they run in real mode");
	vm_destroy(vm);
}

static void on_smp_interrupt(struct guest_frame *frame)
{
	u64 id = guest_x2apic ? rdmsr(0x802) : apic_read(APIC_REG_ID) >> 24;

	smp_taken[id % SMP_CPUS]++;
	apic_eoi();
}

static void guest_smp_other(u64 x2apic)
{
	apic_enable(x2apic);
	if (!x2apic)			/* logical: one bit each, flat */
		apic_write(APIC_REG_LDR, 1u << (24 + (apic_read(APIC_REG_ID) >> 24)));
	__atomic_add_fetch(&smp_up, 1, __ATOMIC_SEQ_CST);
	/* Some wait running, some halted. */
	for (;;) {
		if (apic_read(APIC_REG_LDR) & (guest_x2apic ? 4 : 0x04000000))
			sti_nop_cli();
		else
			sti_hlt();
	}
}

/* Each of @mask (a bit per vCPU) gets one more. */
static void guest_expect(u64 mask, const u64 *before)
{
	u64 i, start = rdtsc();

	for (i = 1; i < SMP_CPUS; i++) {
		while ((mask & BIT(i)) && smp_taken[i] == before[i] &&
		       rdtsc() - start < 3000000000UL)
			guest_pause();
		GUEST_ASSERT_EQ(smp_taken[i], before[i] + !!(mask & BIT(i)));
	}
}

static void guest_snap(u64 *before)
{
	u64 i;

	for (i = 0; i < SMP_CPUS; i++)
		before[i] = smp_taken[i];
}

static void guest_smp(u64 x2apic)
{
	u64 before[SMP_CPUS], i, all = BIT(SMP_CPUS) - 2, sum;

	guest_handlers[0x50] = on_smp_interrupt;
	guest_handlers[0xff] = on_spurious;
	apic_enable(x2apic);
	if (!x2apic)
		apic_write(APIC_REG_LDR, 1u << 24);
	guest_say(0);
	while (smp_up < SMP_CPUS - 1)
		guest_pause();
	for (i = 1; i < SMP_CPUS; i++) {
		guest_snap(before);
		apic_icr(i, 0x4050);			/* physical */
		guest_expect(BIT(i), before);
	}
	guest_snap(before);
	apic_icr(0, 0xc4050);				/* all but self */
	guest_expect(all, before);
	guest_snap(before);
	apic_icr(0x6, 0x4850);				/* logical: 1 and 2 */
	guest_expect(6, before);
	guest_snap(before);
	apic_icr(x2apic ? ~0u : 0xff, 0x4050);		/* physical broadcast */
	guest_expect(all, before);
	sti_nop_cli();
	/* Lowest priority: exactly one of two. */
	for (i = 0; i < 20; i++) {
		guest_snap(before);
		sum = smp_taken[1] + smp_taken[2];
		apic_icr(0x6, 0x4950);
		while (smp_taken[1] + smp_taken[2] == sum)
			guest_pause();
		guest_wait(100000);
		GUEST_ASSERT_EQ(smp_taken[1] + smp_taken[2], sum + 1);
	}
	/* To nobody. */
	guest_snap(before);
	apic_icr(77, 0x4050);
	guest_wait(100000);
	guest_expect(0, before);
	/* Many, one after another. */
	for (i = 0; i < 2000; i++) {
		guest_snap(before);
		apic_icr(1 + i % (SMP_CPUS - 1), 0x4050);
		guest_expect(BIT(1 + i % (SMP_CPUS - 1)), before);
	}
	guest_done();
}

TEST(smp_ipi)
{
	struct vcpu_thread threads[SMP_CPUS] = {};
	bool x2apic = test_has_arg("x2apic");
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_smp, x2apic);
	int i;

	vcpu_run_said(vcpu);
	for (i = 1; i < SMP_CPUS; i++)
		vcpu_thread_start(&threads[i], vcpu_create(vm, guest_smp_other, x2apic));
	vcpu_run_done(vcpu);
	report(true, "physical, logical, broadcast, lowest priority, 2000 round trips");
	for (i = 1; i < SMP_CPUS; i++)
		vcpu_thread_stop(&threads[i]);
	vm_destroy(vm);
}

/* --- IOAPIC ---------------------------------------------------------------------------- */

#define PIN	9

static void set_line(struct vm *vm, u32 gsi, int level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	xioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

static void guest_ioapic(u64 argument)
{
	guest_apic_setup(false);
	GUEST_ASSERT_EQ(ioapic_read(1) >> 16 & 0xff, 23);
	ioapic_route(PIN, 0x41, 0);
	guest_say(taken);			/* user space raises an edge */
	for (;;) {
		sti_nop_cli();
		guest_say(taken);
	}
}

static void guest_ioapic_level(u64 argument)
{
	guest_apic_setup(false);
	guest_handlers[0x42] = on_interrupt_without_eoi;
	ioapic_route(PIN, 0x42, IOAPIC_LEVEL);
	guest_say(0);				/* raises the line */
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, 1);
	GUEST_ASSERT(apic_bit(APIC_REG_TMR, 0x42));
	GUEST_ASSERT(ioapic_read(0x10 + PIN * 2) & BIT(14));	/* remote IRR */
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, 1);
	apic_eoi();				/* still high: again */
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, 2);
	guest_say(0);				/* lowers it */
	apic_eoi();
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, 2);
	GUEST_ASSERT(!(ioapic_read(0x10 + PIN * 2) & BIT(14)));
	/* Masked while it rises: comes when unmasked. */
	ioapic_route(PIN, 0x42, IOAPIC_LEVEL | IOAPIC_MASKED);
	guest_say(0);				/* raises it */
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, 2);
	ioapic_route(PIN, 0x42, IOAPIC_LEVEL);
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, 3);
	guest_say(0);				/* lowers it */
	apic_eoi();
	sti_nop_cli();
	GUEST_ASSERT_EQ(taken, 3);
	guest_done();
}

TEST(ioapic)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_ioapic, 0);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	report(vcpu_run_said(vcpu) == 0, "quiet at first");
	set_line(vm, PIN, 1);
	report(vcpu_run_said(vcpu) == 1, "an edge is an interrupt");
	report(vcpu_run_said(vcpu) == 1, "a level is not");
	set_line(vm, PIN, 1);
	report(vcpu_run_said(vcpu) == 1, "high again is no edge");
	set_line(vm, PIN, 0);
	set_line(vm, PIN, 1);
	report(vcpu_run_said(vcpu) == 2, "another edge");
	xioctl(vm->fd, KVM_GET_IRQCHIP, &chip);
	report(chip.chip.ioapic.redirtbl[PIN].fields.vector == 0x41 &&
	       !chip.chip.ioapic.redirtbl[PIN].fields.mask, "user space sees the entry");
	xioctl(vm->fd, KVM_SET_IRQCHIP, &chip);
	set_line(vm, PIN, 0);
	set_line(vm, PIN, 1);
	report(vcpu_run_said(vcpu) == 3, "and puts it back");
	chip.chip_id = 7;
	report_errno(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), EINVAL, "a chip that is not there");
	vm_destroy(vm);

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_ioapic_level, 0);
	vcpu_run_said(vcpu);
	set_line(vm, PIN, 1);
	vcpu_run_said(vcpu);
	set_line(vm, PIN, 0);
	vcpu_run_said(vcpu);
	set_line(vm, PIN, 1);
	vcpu_run_said(vcpu);
	set_line(vm, PIN, 0);
	vcpu_run_done(vcpu);
	report(true, "a level comes again until it is low");
	vm_destroy(vm);
}

static void guest_msi(u64 argument)
{
	guest_apic_setup(false);
	for (;;) {
		guest_say(taken << 8 | taken_last);
		sti_nop_cli();
	}
}

TEST(msi)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x4061 };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_msi, 0);

	vcpu_run_said(vcpu);
	report(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) == 1, "an MSI is delivered");
	report(vcpu_run_said(vcpu) == (1 << 8 | 0x61), "and arrives");
	msi.address_lo = 0xfee05000;
	report(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) <= 0, "to a CPU that is not there");
	msi.flags = 0x80;
	report(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) == -1, "unknown flags");
	vm_destroy(vm);
}

/* --- split ------------------------------------------------------------------------------------ */

static void guest_split(u64 argument)
{
	/* Without guest_apic_setup(): the PIC's ports are user space's. */
	guest_handlers[0x43] = on_interrupt;
	guest_handlers[0x45] = on_interrupt_without_eoi;
	apic_enable(false);
	guest_say(0);
	sti_nop_cli();
	guest_say(taken);
	guest_done();
}

TEST(split_irqchip)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };
	struct { struct kvm_irq_routing routing; struct kvm_irq_routing_entry entry; } routes = {
		.routing.nr = 1,
		/* Level-triggered, to vector 0x43. */
		.entry = { .gsi = 5, .type = KVM_IRQ_ROUTING_MSI,
			   .u.msi = { .address_lo = 0xfee00000, .data = 0xc043 } },
	};
	struct vm *vm = vm_create(0);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_interrupt interrupt = { .irq = 0x45 };
	struct vcpu *vcpu;

	xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	report_errno(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EEXIST, "twice");
	report_errno(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST, "and the whole one too");
	report_errno(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO, "there is no IOAPIC");
	vm->flags |= VM_IRQCHIP;
	vcpu = vcpu_create(vm, guest_split, 0);
	report_errno(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EEXIST, "late");
	xioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes);
	vcpu_run_said(vcpu);
	set_line(vm, 5, 1);
	vcpu_run_expect(vcpu, KVM_EXIT_IOAPIC_EOI, "the EOI of a level goes to user space");
	report(vcpu->run->eoi.vector == 0x43, "with its vector");
	report(vcpu_run_said(vcpu) == 1, "and the guest goes on");
	report(!ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt), "user space's PIC may interrupt");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- an APIC in user space ----------------------------------------------------------------------- */

static void on_user_interrupt(struct guest_frame *frame)
{
	taken++;
}

static void guest_user_irq(u64 argument)
{
	cli();
	guest_handlers[0x46] = on_user_interrupt;
	guest_say(taken);
	asm volatile("sti; nop; nop; nop" : : : "memory");
	guest_say(taken);
	guest_say(taken);
	cli();
	guest_done();
}

TEST(user_interrupts)
{
	struct kvm_interrupt interrupt = { .irq = 0x46 };
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_user_irq, 0);

	vcpu_run_said(vcpu);
	report(!vcpu->run->if_flag && !vcpu->run->ready_for_interrupt_injection, "IF is clear");
	vcpu->run->request_interrupt_window = 1;
	vcpu_run_expect(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN, "a window opens");
	report(vcpu->run->ready_for_interrupt_injection, "it is ready");
	vcpu->run->request_interrupt_window = 0;
	xioctl(vcpu->fd, KVM_INTERRUPT, &interrupt);
	if (!in_tree())
		report_errno(ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt), EEXIST, "one at a time");
	report(vcpu_run_said(vcpu) == 1, "it is delivered");
	report(vcpu_run_said(vcpu) == 1, "once");
	interrupt.irq = 256;
	report_errno(ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt), EINVAL, "vector 256");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

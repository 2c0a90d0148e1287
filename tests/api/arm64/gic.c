// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GIC as the guest uses it (GICv3 architecture): SGIs, PPIs and SPIs, levels and
 * edges, priorities, active interrupts, routes, more of them than list registers.
 */
#include <lib/kvm.h>

#define SPI	40	/* an INTID */
#define PPI	20

static struct vm *vm;
static struct vcpu *vcpu;

static volatile u64 counts[1024], total;

static void on_any(struct guest_frame *frame)
{
	total++;
}

/* Acknowledge, or INTID_NONE; end. */
static u64 acknowledge(void)
{
	u64 intid = sysreg_read(ICC_IAR1_EL1);

	dsb();
	return intid;
}

static void end(u64 intid)
{
	sysreg_write(ICC_EOIR1_EL1, intid);
	isb();
}

/* What is pending comes after a while: it may be on its way. */
static u64 acknowledge_soon(void)
{
	u64 until = guest_counter() + guest_ticks(2000000000), intid;

	do {
		intid = acknowledge();
	} while (intid == INTID_NONE && guest_counter() < until);

	return intid;
}

/* --- gic_sgi --------------------------------------------------------------- */

#define SENDERS	3

static volatile u64 sgis[SENDERS], ready, stop_now;

static void on_sgi(struct guest_frame *frame)
{
	sgis[guest_cpu_number()]++;
}

static void sgi_begin(void)
{
	u64 i;

	for (i = 0; i < 16; i++)
		guest_irq_handlers[i] = on_sgi;
	gic_begin();
	for (i = 0; i < 16; i++)
		gic_enable(i, 0xa0, true);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
}

static void guest_receiver(u64 argument)
{
	sgi_begin();
	while (!stop_now)
		guest_irq_wait();
	guest_done();
}

static void guest_sender(u64 argument)
{
	u64 i;

	sgi_begin();
	guest_wait_for(&ready, SENDERS);
	gic_send(0, 3);
	guest_irqs_open();
	guest_say(sgis[0]);
	for (i = 1; i <= 50; i++) {
		gic_send(1, i & 15);
		guest_wait_for(&sgis[1], i);
	}
	guest_say(sgis[2]);
	/* All but this one: ICC_SGI1R_EL1.IRM. */
	dsb();
	sysreg_write(ICC_SGI1R_EL1, 1ULL << 40 | 5ULL << 24);
	isb();
	guest_wait_for(&sgis[1], 51);
	guest_wait_for(&sgis[2], 1);
	guest_irqs_open();
	guest_say(sgis[0]);
	/* Nobody. */
	sysreg_write(ICC_SGI1R_EL1, 5ULL << 24 | 0x8000);
	sysreg_write(ICC_SGI1R_EL1, 7ULL << 16 | 5ULL << 24 | 1);
	isb();
	stop_now = 1;
	gic_send(1, 1);
	gic_send(2, 1);
	guest_done();
}

TEST(gic_sgi)
{
	struct vcpu_thread threads[SENDERS] = {};
	int i;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_sender, 0);
	for (i = 1; i < SENDERS; i++)
		vcpu_create(vm, guest_receiver, 0);
	for (i = 1; i < SENDERS; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	report(vcpu_run_said(vcpu) == 1, "an SGI to itself");
	report(!vcpu_run_said(vcpu), "50 to another, none to a third");
	report(vcpu_run_said(vcpu) == 1, "to all others, and not to itself");
	vcpu_run_done(vcpu);
	for (i = 1; i < SENDERS; i++)
		vcpu_thread_join(&threads[i]);
	report(true, "and all come to their end");
	vm_destroy(vm);
}

/* --- gic_lines: levels and edges, from outside ------------------------------- */

static void on_line(struct guest_frame *frame)
{
	total++;
	/* A level stays: one at a time. */
	frame->spsr |= 0x80;
}

static void guest_lines(u64 argument)
{
	u64 i;

	guest_irq_handlers[SPI] = on_line;
	guest_irq_handlers[SPI + 1] = on_line;
	guest_irq_handlers[PPI] = on_line;
	gic_begin();
	gic_enable(SPI, 0xa0, false);
	gic_enable(SPI + 1, 0xa0, true);
	gic_enable(PPI, 0xa0, false);
	for (;;) {
		/* Each opening takes one. */
		for (i = 0; i < 3; i++)
			guest_irqs_open();
		guest_say(total);
	}
}

static u64 lines_total(void)
{
	static u64 before;
	u64 now = vcpu_run_said(vcpu), more = now - before;

	before = now;

	return more;
}

static int spi(u32 intid, int level)
{
	return arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_SPI, 0, intid, level);
}

TEST(gic_lines)
{
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_lines, 0);
	report(!lines_total(), "nothing at first");
	report(!spi(SPI, 1) && lines_total() == 3, "a level comes again and again");
	report(!spi(SPI, 1) && lines_total() == 3, "raised twice, it is the same");
	report(!spi(SPI, 0) && !lines_total(), "until it goes");
	report(!spi(SPI, 1) && !spi(SPI, 0) && !lines_total(), "gone before it was taken, it was never");
	report(!spi(SPI + 1, 1) && lines_total() == 1, "an edge comes once");
	report(!spi(SPI + 1, 0) && !lines_total(), "nor is its end");
	report(!spi(SPI + 1, 1) && !spi(SPI + 1, 0) && lines_total() == 1, "it is not forgotten");
	report(!arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_PPI, 0, PPI, 1) && lines_total() == 3, "a PPI");
	report(!arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_PPI, 0, PPI, 0) && !lines_total(), "and its end");
	report_errno(spi(31, 1), EINVAL, "no SPI is below 32");
	report_errno(spi(1000, 1), EINVAL, "nor that high");
	report_errno(arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_PPI, 0, 32, 1), EINVAL, "nor a PPI 32");
	report_errno(arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_PPI, 0, 3, 1), EINVAL, "nor 3");
	report_errno(arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_PPI, 7, PPI, 1), EINVAL, "no such vCPU");
	report_errno(arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_CPU, 0, 0, 1), ENXIO,
		     "no line of the CPU's own with an irqchip");
	report_errno(arm64_irq_line(vm, 7, 0, 40, 1), EINVAL, "no such kind");
	vm_destroy(vm);
}

/* --- gic_under_memory: where user space puts memory over the distributor ------- */

#define UNDER_MEMORY	0x600dc0de

static void guest_under_memory(u64 argument)
{
	u64 i;

	gic_begin();
	for (i = 0; ; i++) {
		/* Twice: the first one finds out what is there. */
		guest_read32(ARM64_GPA_GICD + GICD_CTLR);
		guest_say(guest_read32(ARM64_GPA_GICD + GICD_CTLR));
		guest_write32(ARM64_GPA_GICD + GICD_ISPENDR(SPI), 1 << (SPI % 32));
		guest_say(guest_read32(ARM64_GPA_GICD + GICD_ISPENDR(SPI)) >> (SPI % 32) & 1);
		guest_write32(ARM64_GPA_GICD + GICD_ICPENDR(SPI), 1 << (SPI % 32));
	}
}

TEST(gic_under_memory)
{
	u64 ctlr, i, wrong = 0;
	u32 *memory;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_under_memory, 0);
	ctlr = vcpu_run_said(vcpu);
	report(ctlr && ctlr != UNDER_MEMORY && vcpu_run_said(vcpu) == 1, "a distributor");
	memory = vm_add_memory(vm, VM_SLOT_TEST, ARM64_GPA_GICD, 64 * 1024, 0);
	for (i = 0; i < 10; i++) {
		memory[GICD_CTLR / 4] = UNDER_MEMORY;
		wrong += vcpu_run_said(vcpu) != UNDER_MEMORY || vcpu_run_said(vcpu) != 1;
		wrong += memory[GICD_ISPENDR(SPI) / 4] != 1 << (SPI % 32);
		vm_set_slot(vm, VM_SLOT_TEST, ARM64_GPA_GICD, 0, NULL, 0);
		wrong += vcpu_run_said(vcpu) != ctlr || vcpu_run_said(vcpu) != 1;
		memset(memory, 0, 64 * 1024);
		vm_set_slot(vm, VM_SLOT_TEST, ARM64_GPA_GICD, 64 * 1024, memory, 0);
	}
	report(!wrong, "a slot hides it and gives it back (%llu wrong)", (unsigned long long)wrong);
	vm_destroy(vm);
}

/* --- gic_pending: registers of the distributor --------------------------------- */

static void guest_pending(u64 in_tree)
{
	gic_begin();
	gic_enable(SPI, 0xa0, true);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	/* Set and cleared by the guest itself. */
	gic_set_bit(SPI, GICD_ISPENDR);
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISPENDR), 1);
	gic_set_bit(SPI, GICD_ICPENDR);
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISPENDR), 0);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	/* Disabled, it waits. */
	gic_disable(SPI);
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISENABLER), 0);
	gic_set_bit(SPI, GICD_ISPENDR);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	gic_enable(SPI, 0xa0, true);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISACTIVER), 1);
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISPENDR), 0);
	/* Active and pending. */
	gic_set_bit(SPI, GICD_ISPENDR);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	end(SPI);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
	end(SPI);
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISACTIVER), 0);
	guest_say(1);

	GUEST_ASSERT(guest_read32(ARM64_GPA_GICD + GICD_PIDR2) >> 4 == 3);
	/* Groups and the whole: off means off.  The kernel's own forgets what waits meanwhile. */
	if (!in_tree) {
		gic_set_bit(SPI, GICD_ISPENDR);
		guest_write32(ARM64_GPA_GICD + GICD_CTLR, 0x10);
		GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
		guest_write32(ARM64_GPA_GICD + GICD_CTLR, 0x12);
		GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
		end(SPI);
	}
	gic_set_bit(SPI, GICD_ISPENDR);
	sysreg_write(ICC_IGRPEN1_EL1, 0);
	isb();
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
	end(SPI);
	guest_say(2);
	guest_done();
}

TEST(gic_pending)
{
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_pending, in_tree());
	report(vcpu_run_said(vcpu) == 1, "pending, disabled, active, active and pending");
	report(vcpu_run_said(vcpu) == 2, "what is off as a whole delivers nothing");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- gic_priority ------------------------------------------------------------------ */

static void guest_priority(u64 argument)
{
	u64 i;

	gic_begin();
	/* Raised in the order of their numbers, taken in that of their priorities. */
	for (i = 0; i < 4; i++)
		gic_enable(SPI + i, 0xc0 - i * 0x20, true);
	for (i = 0; i < 4; i++)
		gic_set_bit(SPI + i, GICD_ISPENDR);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI + 3);
	GUEST_ASSERT_EQ(sysreg_read(ICC_RPR_EL1) & 0xff, 0x60);
	/* The next is less urgent than what is active. */
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	end(SPI + 3);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI + 2);
	/* A more urgent one preempts. */
	gic_set_bit(SPI + 3, GICD_ISPENDR);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI + 3);
	GUEST_ASSERT_EQ(sysreg_read(ICC_RPR_EL1) & 0xff, 0x60);
	end(SPI + 3);
	GUEST_ASSERT_EQ(sysreg_read(ICC_RPR_EL1) & 0xff, 0x80);
	end(SPI + 2);
	guest_say(1);
	/* The threshold. */
	sysreg_write(ICC_PMR_EL1, 0xa0);
	isb();
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	sysreg_write(ICC_PMR_EL1, 0xa8);
	isb();
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI + 1);
	end(SPI + 1);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	sysreg_write(ICC_PMR_EL1, 0xff);
	isb();
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
	end(SPI);
	GUEST_ASSERT_EQ(sysreg_read(ICC_RPR_EL1) & 0xff, 0xff);
	guest_say(2);
	/* A priority that changes while it is pending. */
	gic_set_bit(SPI, GICD_ISPENDR);
	gic_set_bit(SPI + 1, GICD_ISPENDR);
	guest_write8(ARM64_GPA_GICD + GICD_IPRIORITYR(SPI), 0x40);
	dsb();
	GUEST_ASSERT_EQ(guest_read8(ARM64_GPA_GICD + GICD_IPRIORITYR(SPI)), 0x40);
	i = acknowledge_soon();
	end(i);
	end(acknowledge_soon());
	guest_say(i);
	guest_done();
}

TEST(gic_priority)
{
	u64 said;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_priority, 0);
	report(vcpu_run_said(vcpu) == 1, "the most urgent first; it preempts, others wait");
	report(vcpu_run_said(vcpu) == 2, "what is not above the threshold waits");
	said = vcpu_run_said(vcpu);
	/* Architecture leaves open when a new priority counts. */
	report(said == SPI || said == SPI + 1, "a new priority of one that is pending");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- gic_split: priority drop and deactivation apart ---------------------------------- */

static void guest_split(u64 argument)
{
	gic_begin();
	gic_enable(SPI, 0xa0, true);
	gic_enable(SPI + 1, 0xa0, true);
	sysreg_write(ICC_CTLR_EL1, 2);		/* EOImode */
	isb();
	gic_set_bit(SPI, GICD_ISPENDR);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
	gic_set_bit(SPI + 1, GICD_ISPENDR);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	end(SPI);
	/* Its priority is dropped, but it is active. */
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISACTIVER), 1);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI + 1);
	gic_set_bit(SPI, GICD_ISPENDR);
	end(SPI + 1);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	sysreg_write(ICC_DIR_EL1, SPI);
	isb();
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
	end(SPI);
	sysreg_write(ICC_DIR_EL1, SPI);
	sysreg_write(ICC_DIR_EL1, SPI + 1);
	isb();
	GUEST_ASSERT_EQ(gic_bit(SPI, GICD_ISACTIVER), 0);
	GUEST_ASSERT_EQ(gic_bit(SPI + 1, GICD_ISACTIVER), 0);
	guest_say(1);
	/* Active by the distributor's register. */
	sysreg_write(ICC_CTLR_EL1, 0);
	isb();
	gic_set_bit(SPI, GICD_ISACTIVER);
	gic_set_bit(SPI, GICD_ISPENDR);
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	gic_set_bit(SPI, GICD_ICACTIVER);
	GUEST_ASSERT_EQ(acknowledge_soon(), SPI);
	end(SPI);
	guest_say(2);
	guest_done();
}

TEST(gic_split)
{
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_split, 0);
	report(vcpu_run_said(vcpu) == 1, "priority drop by EOIR, deactivation by DIR");
	report(vcpu_run_said(vcpu) == 2, "activation by the distributor");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- gic_many: more than there are list registers --------------------------------------- */

#define MANY	60

static void guest_many(u64 split)
{
	u64 i, intid, last = 0, wrong = 0;

	gic_begin();
	sysreg_write(ICC_CTLR_EL1, split ? 2 : 0);
	isb();
	for (i = 0; i < MANY; i++)
		gic_enable(SPI + i, (MANY - i) % 30 * 8, true);
	for (i = 0; i < MANY; i++)
		gic_set_bit(SPI + i, GICD_ISPENDR);
	for (i = 0; i < MANY; i++) {
		intid = acknowledge_soon();
		if (intid == INTID_NONE)
			break;
		/* Those with one priority may come in any order. */
		wrong += guest_read8(ARM64_GPA_GICD + GICD_IPRIORITYR(intid)) < last;
		last = guest_read8(ARM64_GPA_GICD + GICD_IPRIORITYR(intid));
		counts[intid]++;
		end(intid);
	}
	/* All of them stay active until here. */
	for (i = 0; split && i < MANY; i++) {
		GUEST_ASSERT_EQ(gic_bit(SPI + i, GICD_ISACTIVER), 1);
		sysreg_write(ICC_DIR_EL1, SPI + i);
		isb();
		GUEST_ASSERT_EQ(gic_bit(SPI + i, GICD_ISACTIVER), 0);
	}
	for (i = 0; i < MANY; i++)
		wrong += counts[SPI + i] != 1;
	GUEST_ASSERT_EQ(acknowledge(), INTID_NONE);
	guest_say(wrong);
	guest_done();
}

TEST(gic_many)
{
	u64 split;

	/* The kernel's own loses the end of one that is in no list register. */
	for (split = 0; split < (in_tree() ? 1 : 2); split++) {
		vm = vm_create(VM_IRQCHIP);
		vcpu = vcpu_create(vm, guest_many, split);
		report(!vcpu_run_said(vcpu), "%d interrupts at a time%s", MANY,
		       split ? ", all active at the end" : ", by their priorities");
		vcpu_run_done(vcpu);
		vm_destroy(vm);
	}
}

/* --- gic_route: SPIs go where they are sent -------------------------------------------------- */

static volatile u64 route_counts[2], route_ready;

static void on_routed(struct guest_frame *frame)
{
	route_counts[guest_cpu_number()]++;
}

static void guest_routed(u64 cpu)
{
	guest_irq_handlers[SPI] = on_routed;
	gic_begin();
	if (!cpu)
		gic_enable(SPI, 0xa0, true);
	__atomic_fetch_add(&route_ready, 1, __ATOMIC_SEQ_CST);
	guest_irqs_enable();
	while (!stop_now) {
		if (cpu)
			guest_wfi();
	}
	guest_irqs_disable();
	guest_done();
}

static void guest_router(u64 argument)
{
	u64 i;

	guest_wait_for(&route_ready, 2);
	for (i = 0; i < 40; i++) {
		guest_write64(ARM64_GPA_GICD + GICD_IROUTER(SPI), i & 1);
		GUEST_ASSERT_EQ(guest_read64(ARM64_GPA_GICD + GICD_IROUTER(SPI)), i & 1);
		gic_set_bit(SPI, GICD_ISPENDR);
		guest_wait_for(&route_counts[i & 1], i / 2 + 1);
	}
	/* One that is pending moves with its route. */
	gic_set_bit(SPI, GICD_ICENABLER);
	gic_set_bit(SPI, GICD_ISPENDR);
	guest_write64(ARM64_GPA_GICD + GICD_IROUTER(SPI), 0);
	gic_set_bit(SPI, GICD_ISENABLER);
	guest_wait_for(&route_counts[0], 21);
	guest_say(route_counts[1]);
	stop_now = 1;
	/* Out of its halt. */
	guest_write64(ARM64_GPA_GICD + GICD_IROUTER(SPI), 1);
	gic_set_bit(SPI, GICD_ISPENDR);
	guest_done();
}

TEST(gic_route)
{
	struct vcpu_thread threads[2] = {};
	int i;

	vm = vm_create(VM_IRQCHIP);
	for (i = 0; i < 2; i++)
		vcpu_create(vm, guest_routed, i);
	vcpu = vcpu_create(vm, guest_router, 0);
	for (i = 0; i < 2; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	report(vcpu_run_said(vcpu) == 20, "40 SPIs go to two vCPUs in turn, and one that waited");
	vcpu_run_done(vcpu);
	for (i = 0; i < 2; i++)
		vcpu_thread_join(&threads[i]);
	vm_destroy(vm);
}

/* --- gic_route_away: from a vCPU that is off, and has it in a list register ------------------- */

#define AWAY_ROUNDS	400

static volatile u64 left_it;

/* Leaves an SPI behind: for user space if @wait is 0, else after that many turns. */
static void guest_leaver(u64 wait)
{
	volatile u64 i;

	gic_begin();
	gic_enable(SPI, 0xa0, true);
	guest_write64(ARM64_GPA_GICD + GICD_IROUTER(SPI), 1);
	gic_set_bit(SPI, GICD_ISPENDR);
	/* What the CPU interface shows is in a list register. */
	while (sysreg_read(ICC_HPPIR1_EL1) != SPI)
		;
	left_it = 1;
	if (!wait)
		guest_say(1);
	for (i = 1; i < wait; i++)
		;
	guest_hvc(PSCI_CPU_OFF, 0, 0, 0);
}

static bool guest_fetches(void)
{
	u64 intid;

	guest_write64(ARM64_GPA_GICD + GICD_IROUTER(SPI), 0);
	intid = acknowledge_soon();
	if (intid != INTID_NONE)
		end(intid);

	return intid == SPI;
}

static void guest_fetcher(u64 off)
{
	u64 i;

	gic_begin();
	while (off && guest_hvc(PSCI_AFFINITY_INFO, 1, 0, 0).x0 != 1)
		guest_pause();
	guest_say(guest_fetches());
	if (!off)
		return;
	/* While it goes off, sooner or later. */
	for (i = 0; i < AWAY_ROUNDS; i++) {
		left_it = 0;
		while (guest_cpu_on(1, guest_leaver, 1 + i * 37 % 1024) != PSCI_OK)
			guest_pause();
		guest_wait_for(&left_it, 1);
		if (!guest_fetches())
			break;
	}
	guest_say(i);
}

TEST(gic_route_away)
{
	struct vcpu_thread thread = {};
	struct vcpu *other;
	u64 off, rounds;

	if (in_tree())
		skip("the kernel's own moves it when that vCPU runs again");
	for (off = 0; off < 2; off++) {
		vm = vm_create(VM_IRQCHIP);
		vcpu = vcpu_create(vm, guest_fetcher, off);
		other = vcpu_create(vm, guest_leaver, off);
		if (off)
			vcpu_thread_start(&thread, other);
		else
			vcpu_run_said(other);
		report(vcpu_run_said(vcpu), "an SPI goes away from a vCPU that %s",
		       off ? "is off" : "user space does not run");
		if (off) {
			rounds = vcpu_run_said(vcpu);
			report(rounds == AWAY_ROUNDS, "and from one that turns itself off, %llu times",
			       (unsigned long long)rounds);
			vcpu_thread_stop(&thread);
		}
		vm_destroy(vm);
	}
}

/* --- irqfd_resample: the end of a level is told ------------------------------------------------ */

static void guest_resample(u64 argument)
{
	guest_irq_handlers[INTID_SPI(GUEST_IRQ_LINE)] = on_any;
	gic_begin();
	gic_enable(INTID_SPI(GUEST_IRQ_LINE), 0xa0, false);
	for (;;) {
		guest_irqs_open();
		guest_say(total);
	}
}

/* What guest_resample() says of an interrupt that was just sent. */
static u64 first_total(void)
{
	u64 said = vcpu_run_said(vcpu);

	/* It may be taken at the end of this round or of the next. */
	return said ? said : vcpu_run_said(vcpu);
}

TEST(irqfd_resample)
{
	int fd = eventfd_create(), ended = eventfd_create();
	struct kvm_irqfd args = {
		.fd = fd, .gsi = GUEST_IRQ_LINE, .flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = ended,
	};
	u64 one = 1;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_resample, 0);
	report(!vcpu_run_said(vcpu), "nothing at first");
	report(!ioctl(vm->fd, KVM_IRQFD, &args), "an irqfd with resampling");
	write(fd, &one, 8);
	report(first_total() == 1, "the interrupt comes once");
	vcpu_run_said(vcpu);
	report(eventfd_fired(ended) == 1, "its end is told");
	report(vcpu_run_said(vcpu) == 1, "and the line has gone down");
	write(fd, &one, 8);
	vcpu_run_said(vcpu);
	report(vcpu_run_said(vcpu) == 2, "the next one comes");
	vcpu_run_said(vcpu);
	report(eventfd_fired(ended) == 1, "and ends");
	vm_destroy(vm);
}

/* --- irqfd_level: a pulse is one, also on a line that is level-sensitive ----------------------- */

TEST(irqfd_level)
{
	int fd = eventfd_create();
	struct kvm_irqfd args = { .fd = fd, .gsi = GUEST_IRQ_LINE };
	u64 one = 1;

	if (in_tree())
		skip("the kernel's own leaves the line up, and the guest gets no further");
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_resample, 0);
	report(!vcpu_run_said(vcpu), "nothing at first");
	report(!ioctl(vm->fd, KVM_IRQFD, &args), "an irqfd without resampling");
	write(fd, &one, 8);
	report(first_total() == 1, "the interrupt comes");
	report(vcpu_run_said(vcpu) == 1 && vcpu_run_said(vcpu) == 1, "once");
	write(fd, &one, 8);
	vcpu_run_said(vcpu);
	report(vcpu_run_said(vcpu) == 2, "the next one comes");
	vm_destroy(vm);
}

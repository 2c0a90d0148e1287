// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debugging (Arm ARM, "AArch64 Self-hosted Debug"): of the guest by user space, and of
 * the guest by itself.
 */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

static void debug(u32 control, const struct kvm_guest_debug_arch *arch)
{
	struct kvm_guest_debug args = { .control = control };

	if (arch)
		args.arch = *arch;
	xioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &args);
}

/* Is the exit this exception, at this address? */
static bool debug_exit(u64 ec, u64 pc, const char *what)
{
	struct kvm_run *run = vcpu->run;

	/* Of an exit of before, perhaps. */
	run->flags = 0xffff;
	if (!vcpu_run_expect(vcpu, KVM_EXIT_DEBUG, what))
		return false;
	report(run->flags == KVM_DEBUG_ARCH_HSR_HIGH_VALID, "%s: the flags of kvm_run", what);
	if (report(ESR_EC(run->debug.arch.hsr) == ec && reg_get(vcpu, ARM64_PC) == pc,
		   "%s: where it should", what))
		return true;
	note("syndrome 0x%x, pc 0x%llx, not 0x%llx", run->debug.arch.hsr,
	     (unsigned long long)reg_get(vcpu, ARM64_PC), (unsigned long long)pc);

	return false;
}

/* --- guest_debug ------------------------------------------------------------ */

static volatile u64 watched[4];

void guest_stepped(u64 argument);
extern char guest_step_1[], guest_step_brk[], guest_step_break[], guest_step_watch[],
	guest_step_end[];
asm(	".pushsection .text\n"
	".globl guest_stepped, guest_step_1, guest_step_brk, guest_step_break, guest_step_watch\n"
	".globl guest_step_end\n"
	"guest_stepped:\n"
	"	mov x1, #1\n"
	"guest_step_1:\n"
	"	mov x1, #2\n"
	"	svc #0\n"
	"	mov x1, #3\n"
	"guest_step_brk:\n"
	"	brk #0x55\n"
	"	mov x1, #4\n"
	"guest_step_break:\n"
	"	mov x1, #5\n"
	"	ldr x2, =watched\n"
	"	ldr x3, [x2]\n"
	"guest_step_watch:\n"
	"	str x3, [x2, #8]\n"
	"	mov x1, #6\n"
	"guest_step_end:\n"
	"	b .\n"
	".ltorg\n"
	".popsection\n");

static void on_svc(struct guest_frame *frame)
{
	frame->x[9]++;
}

static void guest_prepare(u64 argument)
{
	guest_handlers[EC_SVC] = on_svc;
	guest_say(0);
	guest_stepped(0);
}

static void test_step(void)
{
	u64 from = (u64)guest_stepped;

	debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, NULL);
	debug_exit(EC_STEP_USER, from + 4, "a step");
	report(reg_get(vcpu, ARM64_X(1)) == 1, "of one instruction");
	debug_exit(EC_STEP_USER, from + 8, "the next one");
	/* Into the handler: its first instruction has not run. */
	if (vcpu_run_expect(vcpu, KVM_EXIT_DEBUG, "a step over an exception"))
		report(reg_get(vcpu, ARM64_PC) != from + 12 ||
		       reg_get(vcpu, ARM64_X(9)) == 1, "goes into the handler, or behind it");
	report(!(reg_get(vcpu, ARM64_CORE(spsr[0])) & BIT(21)),
	       "the guest does not see that it is stepped");
	debug(0, NULL);
}

static void test_software(void)
{
	debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, NULL);
	if (debug_exit(EC_BRK, (u64)guest_step_brk, "a breakpoint instruction"))
		report((vcpu->run->debug.arch.hsr & 0xffff) == 0x55, "and its number");
	reg_set(vcpu, ARM64_PC, (u64)guest_step_brk + 4);
}

static void test_hardware(void)
{
	struct kvm_guest_debug_arch arch = {};

	arch.dbg_bvr[0] = (u64)guest_step_break;
	arch.dbg_bcr[0] = 0xf << 5 | 3 << 1 | 1;	/* A64 instruction, EL1 and EL0 */
	arch.dbg_wvr[0] = (u64)&watched[1];
	arch.dbg_wcr[0] = 0xff << 5 | 2 << 3 | 3 << 1 | 1;	/* stores */
	debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &arch);
	debug_exit(EC_BREAK_USER, (u64)guest_step_break, "a breakpoint");
	arch.dbg_bcr[0] = 0;
	debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &arch);
	if (debug_exit(EC_WATCH_USER, (u64)guest_step_watch, "a watchpoint"))
		report(vcpu->run->debug.arch.far == (u64)&watched[1], "and its address");
	report(!guest_var(vm, watched[1]), "before the store");
	debug(0, NULL);
}

static void test_refused(void)
{
	struct kvm_guest_debug args = { .control = KVM_GUESTDBG_ENABLE | 1u << 31 };
	int breakpoints = kvm_cap(KVM_CAP_GUEST_DEBUG_HW_BPS);

	report_errno(ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &args), EINVAL, "an unknown bit");
	report(breakpoints >= 2 && breakpoints <= 16 &&
	       kvm_cap(KVM_CAP_GUEST_DEBUG_HW_WPS) >= 2, "%d breakpoints", breakpoints);
}

TEST(guest_debug)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_prepare, 0);
	vcpu->run->flags = 0xffff;
	vcpu_run_said(vcpu);
	report(!vcpu->run->flags, "another exit leaves no flags");
	/* Past the store that said it, which a step would count. */
	vcpu->run->immediate_exit = 1;
	vcpu_run(vcpu);
	vcpu->run->immediate_exit = 0;
	reg_set(vcpu, ARM64_PC, (u64)guest_stepped);
	test_step();
	test_software();
	test_hardware();
	report(reg_get(vcpu, ARM64_X(1)) == 5, "the program has done what it should");
	test_refused();
	vm_destroy(vm);
}

/* --- debug_guest: the guest's own ------------------------------------------------ */

static volatile u64 own_breaks, own_watches, own_steps, own_address;

static void on_break(struct guest_frame *frame)
{
	own_breaks++;
	sysreg_write(dbgbcr0_el1, 0);
}

static void on_watch(struct guest_frame *frame)
{
	own_watches++;
	own_address = frame->far;
	sysreg_write(dbgwcr0_el1, 0);
}

__attribute__((noinline)) static void on_line_of_code(void)
{
	asm volatile("nop");
}

/* Three steps, then no more. */
static void on_step(struct guest_frame *frame)
{
	if (++own_steps < 3)
		frame->spsr |= BIT(21);
	else
		sysreg_write(mdscr_el1, 0);
}

/* Comes back with PSTATE.SS. */
static void on_svc_step(struct guest_frame *frame)
{
	frame->spsr |= BIT(21);
}

static void guest_own(u64 argument)
{
	guest_handlers[EC_BREAK] = on_break;
	guest_handlers[EC_WATCH] = on_watch;
	guest_handlers[EC_STEP] = on_step;
	sysreg_write(oslar_el1, 0);
	isb();
	GUEST_ASSERT(!(sysreg_read(oslsr_el1) & 2));
	sysreg_write(mdscr_el1, BIT(15) | BIT(13));	/* MDE, KDE */
	sysreg_write(dbgwvr0_el1, (u64)&watched[2]);
	sysreg_write(dbgwcr0_el1, 0xff << 5 | 3 << 3 | 1 << 1 | 1);
	isb();
	GUEST_ASSERT_EQ(sysreg_read(dbgwvr0_el1), (u64)&watched[2]);
	guest_say(0);
	asm volatile("msr daifclr, #8; isb");
	watched[2] = 5;
	GUEST_ASSERT_EQ(own_watches, 1);
	GUEST_ASSERT_EQ(own_address, (u64)&watched[2]);
	GUEST_ASSERT_EQ(watched[2], 5);
	/* Its own code: an address that is run. */
	sysreg_write(dbgbvr0_el1, (u64)on_line_of_code);
	sysreg_write(dbgbcr0_el1, 0xf << 5 | 1 << 1 | 1);
	isb();
	on_line_of_code();
	GUEST_ASSERT_EQ(own_breaks, 1);
	guest_say(own_breaks);
	/* A step: PSTATE.SS by an exception's return. */
	sysreg_write(mdscr_el1, BIT(13) | 1);
	isb();
	guest_handlers[EC_SVC] = on_svc_step;
	asm volatile("svc #0\n\tnop\n\tnop\n\tnop\n\tnop" : : : "memory");
	guest_say(own_steps);
	asm volatile("msr daifset, #8");
	guest_done();
}

TEST(debug_guest)
{
	u64 steps;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_own, 0);
	report(!vcpu_run_said(vcpu), "the guest sets its breakpoints");
	report(reg_get(vcpu, ARM64_SYS_REG(2, 0, 0, 0, 6)) == (u64)&watched[2],
	       "user space can read them");
	report(vcpu_run_said(vcpu) == 1, "breakpoint and watchpoint come to the guest");
	steps = vcpu_run_said(vcpu);
	report(steps == 3, "so do its steps (%llu)", (unsigned long long)steps);
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

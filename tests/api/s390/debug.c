// SPDX-License-Identifier: GPL-2.0-only
/* KVM_SET_GUEST_DEBUG and KVM_EXIT_DEBUG: single steps and breakpoints, where the machine has them. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/* Three instructions to stop between. */
asm(	".pushsection .text\n"
	"	.balign 8\n"
	"guest_steps:\n"
	"	lghi %r1,1\n"
	"step_second:\n"
	"	aghi %r1,2\n"
	"step_third:\n"
	"	aghi %r1,3\n"
	"	jg guest_stepped\n"
	".popsection\n");
extern char guest_steps[], step_second[], step_third[];

__attribute__((used)) void guest_stepped(u64 argument);

__attribute__((used)) void guest_stepped(u64 argument)
{
	guest_say(9);
	guest_done();
}

static int set_debug(u32 control, struct kvm_hw_breakpoint *points, u32 count)
{
	struct kvm_guest_debug debug = {
		.control = control, .arch = { .nr_hw_bp = count, .hw_bp = points },
	};

	return ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}

static void debug_exit_at(u8 type, char *address, const char *name)
{
	vcpu_run_expect(vcpu, KVM_EXIT_DEBUG, name);
	report(vcpu->run->debug.arch.type == type &&
	       vcpu->run->psw_addr == (u64)address, "%s: where it is", name);
}

static void steps(void)
{
	struct kvm_hw_breakpoint point = { .addr = (u64)step_third, .type = KVM_HW_BP };

	report(!set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, NULL, 0), "single steps");
	debug_exit_at(KVM_SINGLESTEP, step_second, "the first instruction");
	debug_exit_at(KVM_SINGLESTEP, step_third, "the second one");
	report(!set_debug(0, NULL, 0) && vcpu_run_said(vcpu) == 9, "and no more");

	vcpu_enter_at(vcpu, (void (*)(u64))guest_steps, 0);
	report(!set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, &point, 1), "a breakpoint");
	debug_exit_at(KVM_HW_BP, step_third, "it is reached");
	report(vcpu_run_said(vcpu) == 9, "and left behind");
}

TEST(guest_debug)
{
	struct kvm_hw_breakpoint point = { .addr = 0, .type = 77 };

	vm = vm_create(0);
	vcpu = vcpu_create(vm, (void (*)(u64))guest_steps, 0);
	report(!set_debug(0, NULL, 0), "nobody debugs");
	report_errno(set_debug(0x8000, NULL, 0), EINVAL, "an unknown flag");
	report_errno(set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, &point, 1), EINVAL,
		     "an unknown kind of breakpoint");
	report_errno(set_debug(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, &point, 100000),
		     EINVAL, "far too many");
	if (set_debug(KVM_GUESTDBG_ENABLE, NULL, 0))
		report(errno == EINVAL && !kvm_cap(KVM_CAP_SET_GUEST_DEBUG) &&
		       vcpu_run_said(vcpu) == 9,
		       "the machine has no events of guests for their host: refused, and no harm");
	else
		steps();
	vm_destroy(vm);
}

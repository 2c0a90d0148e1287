// SPDX-License-Identifier: GPL-2.0-only
/*
 * The debugger that user space is (KVM_SET_GUEST_DEBUG): single steps, breakpoints and a
 * watchpoint by program-event recording.  Offered where the machine has PER events of a
 * guest go to its host, without a trace of it in the guest's PSW.  A debugger's events
 * replace those of the guest.
 *
 * A breakpoint costs an event per instruction: it is looked for at the PSW.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "s390.h"

/* Control register 9, and in its first byte the PER code of an event. */
#define PER_EVENT_IFETCH	0x40000000UL
#define PER_EVENT_STORE		0x20000000UL
#define PER_CODE_STORE		0x20

/* The guest's own loads and stores of control registers 9 to 11 must not meet these. */
#define DEBUG_LCTL		(LCTL_CR9 | LCTL_CR10 | LCTL_CR11)

#define DEBUG_POINTS_MAX	64

struct debug_point {
	u64	address, len;
};

struct s390_debug {
	u64			guest_cr[3];	/* 9 to 11, while ours are in their place */
	struct debug_point	watch;		/* len 0: none */
	struct kvm_debug_exit_arch exit;	/* type 0: none is due */
	unsigned int		count;
	u64			breakpoint[DEBUG_POINTS_MAX];
};

/* --- events ------------------------------------------------------------------------ */

void s390_debug_enter(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	struct s390_debug *debug = vcpu->arch.debug;
	u64 *cr = &sie->gcr[9];

	memcpy(debug->guest_cr, cr, sizeof(debug->guest_cr));
	cr[0] = 0;
	cr[1] = 0;
	cr[2] = ~0ULL;
	if (debug->watch.len) {
		cr[0] = PER_EVENT_STORE;
		cr[1] = debug->watch.address;
		cr[2] = debug->watch.address + debug->watch.len - 1;
	}
	if (vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP || debug->count) {
		cr[0] |= PER_EVENT_IFETCH;
		/* The range is that of all events. */
		cr[1] = 0;
		cr[2] = ~0ULL;
	}
	atomic_or(CPUSTAT_P, &sie->cpuflags);
	sie->lctl |= DEBUG_LCTL;
	sie->ictl |= ICTL_STCTL;
}

void s390_debug_leave(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	struct s390_debug *debug = vcpu->arch.debug;

	memcpy(&sie->gcr[9], debug->guest_cr, sizeof(debug->guest_cr));
	atomic_andnot(CPUSTAT_P, &sie->cpuflags);
	sie->lctl &= ~DEBUG_LCTL;
	sie->ictl &= ~ICTL_STCTL;
}

static bool debug_at_breakpoint(const struct s390_debug *debug, u64 address)
{
	unsigned int i;

	for (i = 0; i < debug->count; i++)
		if (debug->breakpoint[i] == address)
			return true;

	return false;
}

/* What the event is to the debugger: KVM_HW_WP_WRITE and the like, or 0. */
static u8 debug_what(struct vcpu *vcpu)
{
	const struct s390_debug *debug = vcpu->arch.debug;
	const struct kvm_s390_sie_block *sie = vcpu->arch.sie;

	/* With breakpoints a store anywhere is one; then steps are what shows it. */
	if (debug->watch.len && !debug->count && sie->perc & PER_CODE_STORE)
		return KVM_HW_WP_WRITE;
	if (debug_at_breakpoint(debug, sie->gpsw.addr))
		return KVM_HW_BP;
	if (vcpu->debug_flags & KVM_GUESTDBG_SINGLESTEP)
		return KVM_SINGLESTEP;

	return 0;
}

void s390_debug_per(struct vcpu *vcpu)
{
	struct kvm_s390_sie_block *sie = vcpu->arch.sie;
	struct s390_debug *debug = vcpu->arch.debug;

	if (!(vcpu->debug_flags & KVM_GUESTDBG_ENABLE) || !(sie->iprcc & PGM_PER))
		return;

	sie->iprcc &= ~PGM_PER;
	debug->exit.type = debug_what(vcpu);
	debug->exit.addr = debug->exit.type == KVM_HW_WP_WRITE ? debug->watch.address :
								 sie->gpsw.addr;
}

static int debug_to_user(struct vcpu *vcpu)
{
	struct s390_debug *debug = vcpu->arch.debug;

	vcpu->run->debug.arch = debug->exit;
	memset(&debug->exit, 0, sizeof(debug->exit));

	return vcpu_exit(vcpu, KVM_EXIT_DEBUG);
}

/*
 * A step that ended in a program interruption ends behind it: at the first instruction of
 * the handler, which is what the debugger wants to see next.
 */
static int debug_stop(struct vcpu *vcpu)
{
	struct s390_debug *debug = vcpu->arch.debug;
	int ret;

	if (READ_ONCE(vcpu->arch.local.pending) & BIT(S390_IRQ_PROGRAM)) {
		ret = s390_interrupt_prepare(vcpu);
		if (ret != RESUME_GUEST)
			return ret;
		debug->exit.addr = s390_psw(vcpu)->addr;
	}

	return debug_to_user(vcpu);
}

int s390_debug_exit(struct vcpu *vcpu, int ret)
{
	struct s390_debug *debug = vcpu->arch.debug;

	if (!debug || !debug->exit.type)
		return ret;
	if (ret == RESUME_GUEST)
		return debug_stop(vcpu);
	/* User space finishes the instruction first. */
	if (ret == EXIT_TO_USER)
		vcpu->complete = debug_stop;

	return ret;
}

/* --- KVM_SET_GUEST_DEBUG -------------------------------------------------------------- */

/* A range of 64 bits must not wrap; there is one watchpoint, because PER has one range. */
static int debug_add(struct s390_debug *debug, const struct kvm_hw_breakpoint *point)
{
	switch (point->type) {
	case KVM_HW_BP:
		debug->breakpoint[debug->count++] = point->addr;
		return 0;
	case KVM_HW_WP_WRITE:
		if (debug->watch.len || !point->len || point->addr + point->len - 1 < point->addr)
			return -EINVAL;
		debug->watch.address = point->addr;
		debug->watch.len = point->len;
		return 0;
	default:
		return -EINVAL;
	}
}

static int debug_import(struct s390_debug *debug, const struct kvm_guest_debug_arch *args)
{
	struct kvm_hw_breakpoint *points;
	unsigned int i;
	int ret = 0;

	if (!args->nr_hw_bp)
		return 0;
	if (args->nr_hw_bp > DEBUG_POINTS_MAX)
		return -EINVAL;
	points = memdup_user(args->hw_bp, args->nr_hw_bp * sizeof(*points));
	if (IS_ERR(points))
		return PTR_ERR(points);
	for (i = 0; i < args->nr_hw_bp && !ret; i++)
		ret = debug_add(debug, &points[i]);
	kfree(points);
	/* Both need the range. */
	if (!ret && debug->watch.len && debug->count)
		ret = -EINVAL;

	return ret;
}

/* "Trigger an immediate guest exit": the next KVM_RUN does nothing else. */
static int debug_immediate(struct vcpu *vcpu)
{
	vcpu->debug_flags &= ~KVM_GUESTDBG_EXIT_PENDING;
	vcpu->arch.debug->exit.addr = s390_psw(vcpu)->addr;

	return debug_to_user(vcpu);
}

void s390_debug_destroy(struct vcpu *vcpu)
{
	kfree(vcpu->arch.debug);
	vcpu->arch.debug = NULL;
}

long s390_ioctl_set_guest_debug(void *object, void *data, unsigned long user)
{
	const struct kvm_guest_debug *args = data;
	struct s390_debug *debug = NULL;
	struct vcpu *vcpu = object;
	int ret;

	if (args->control & ~S390_GUEST_DEBUG_OFFERED)
		return -EINVAL;
	if (args->control & KVM_GUESTDBG_ENABLE) {
		if (!s390_host.gpere)
			return -EINVAL;
		debug = kzalloc(sizeof(*debug), GFP_KERNEL_ACCOUNT);
		if (!debug)
			return -ENOMEM;
		if (args->control & KVM_GUESTDBG_USE_HW_BP) {
			ret = debug_import(debug, &args->arch);
			if (ret) {
				kfree(debug);
				return ret;
			}
		}
	}

	s390_debug_destroy(vcpu);
	vcpu->arch.debug = debug;
	vcpu->debug_flags = debug ? args->control : 0;
	/* Nothing else of s390 has user space finish something: it is ours, or none. */
	vcpu->complete = vcpu->debug_flags & KVM_GUESTDBG_EXIT_PENDING ? debug_immediate : NULL;

	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * DIAGNOSE: calls of the guest to its hypervisor, one table row per function code.  The
 * kernel's Documentation/virt/kvm/s390 has those of KVM, the rest is what hypervisors of
 * the architecture agree on.  What is not here is user space's.  Called by insn.c.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "s390.h"

struct diag {
	u16	code;
	u8	rx, ry;		/* the register operands */
};

static int specification(struct vcpu *vcpu)
{
	return s390_inject_program(vcpu, PGM_SPECIFICATION);
}

/* --- memory: 0x10 --------------------------------------------------------------------- */

/*
 * "Release pages": the guest says that it does not need them.  Nothing has to follow from
 * it, and nothing does: it may have its pages back any time, with what was in them.
 */
static int diag_release(struct vcpu *vcpu, const struct diag *diag)
{
	u64 start = s390_gpr(vcpu, diag->rx), last = s390_gpr(vcpu, diag->ry);

	/* The first two pages may be a prefix area. */
	if (start & ~PAGE_MASK || last & ~PAGE_MASK || start > last || start < 2 * PAGE_SIZE)
		return specification(vcpu);

	return RESUME_GUEST;
}

/* --- time: 0x44, 0x9c --------------------------------------------------------------------- */

/*
 * "Time slice end": the guest spins.  Who wants the CPU gets it on the way to the guest,
 * so that there is nothing to do here.
 */
static int diag_yield(struct vcpu *vcpu, const struct diag *diag)
{
	return RESUME_GUEST;
}

/*
 * The task that runs the vCPU, with a reference, or NULL.  Whoever is in KVM_RUN has not
 * ended, so it has a reference of its own for as long as RCU readers remember it.
 */
static struct task_struct *vcpu_task_get(struct vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	task = READ_ONCE(vcpu->task);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();

	return task;
}

/* "Time slice end directed": to a CPU that would run on, if the host had one for it. */
static int diag_yield_to(struct vcpu *vcpu, const struct diag *diag)
{
	u16 address = s390_gpr(vcpu, diag->rx);
	struct vcpu *target = vm_vcpu_by_id(vcpu->vm, address);
	struct task_struct *task;

	if (!target || target == vcpu || !READ_ONCE(target->preempted))
		return RESUME_GUEST;
	task = vcpu_task_get(target);
	if (task) {
		yield_to(task, true);
		put_task_struct(task);
	}

	return RESUME_GUEST;
}

/* --- page faults of the host: 0x258 ------------------------------------------------------------ */

/* "Page-reference services": the parameter block. */
struct pfault_block {
	u16	diagnose;
	u16	function;
	u16	length;		/* in doublewords */
	u16	version;
	u64	token;		/* where it is, in real storage */
	u64	select;
	u64	compare;
	u64	reserved;
} __packed;

enum {
	PFAULT_TOKEN,
	PFAULT_CANCEL,
};

enum {
	PFAULT_DONE	= 0,
	PFAULT_NONE	= 4,	/* there was none to cancel */
	PFAULT_BUSY	= 8,	/* there is one already */
};

#define PFAULT_WORDS	(sizeof(struct pfault_block) / sizeof(u64))
#define PFAULT_VERSION	2

static int pfault_set(struct vcpu *vcpu, const struct pfault_block *block, u64 *result)
{
	struct s390_pfault *pfault = &vcpu->arch.pfault;
	u8 probe;

	if (pfault->token != KVM_S390_PFAULT_TOKEN_INVALID) {
		*result = PFAULT_BUSY;
		return RESUME_GUEST;
	}
	if ((block->compare & block->select) != block->compare || block->token & 7)
		return specification(vcpu);
	if (guest_read(vcpu, s390_real_to_abs(vcpu, block->token), &probe, sizeof(probe)))
		return s390_inject_program(vcpu, PGM_ADDRESSING);

	*pfault = (struct s390_pfault) {
		.token	 = block->token,
		.select	 = block->select,
		.compare = block->compare,
	};
	*result = PFAULT_DONE;

	return RESUME_GUEST;
}

static int pfault_cancel(struct vcpu *vcpu, u64 *result)
{
	struct s390_pfault *pfault = &vcpu->arch.pfault;

	*result = pfault->token == KVM_S390_PFAULT_TOKEN_INVALID ? PFAULT_NONE : PFAULT_DONE;
	pfault->token = KVM_S390_PFAULT_TOKEN_INVALID;

	return RESUME_GUEST;
}

static int pfault_do(struct vcpu *vcpu, const struct pfault_block *block, u64 *result)
{
	if (block->length != PFAULT_WORDS || block->version != PFAULT_VERSION)
		return specification(vcpu);

	switch (block->function) {
	case PFAULT_TOKEN:
		return pfault_set(vcpu, block, result);
	case PFAULT_CANCEL:
		return pfault_cancel(vcpu, result);
	default:
		return specification(vcpu);
	}
}

/*
 * The guest wants to do something else while the host brings a page in.  It may; the host
 * need not tell it, and does not: it has no page that takes long yet.
 */
static int diag_pfault(struct vcpu *vcpu, const struct diag *diag)
{
	u64 address = s390_gpr(vcpu, diag->rx), result = ~0ULL;
	struct pfault_block block;
	int ret;

	if (address & 7)
		return specification(vcpu);
	ret = s390_read_real(vcpu, address, &block, sizeof(block));
	if (ret)
		return exit_access(vcpu, ret);
	if (block.diagnose != diag->code)
		return specification(vcpu);

	ret = pfault_do(vcpu, &block, &result);
	if (result != ~0ULL)
		s390_set_gpr(vcpu, diag->ry, result);

	return ret;
}

/* --- load program: 0x308 ---------------------------------------------------------------------- */

enum {
	IPL_LOAD_CLEAR	= 3,
	IPL_LOAD_NORMAL	= 4,
};

/* The two that begin the machine anew; about parameters and resets user space is asked. */
static int diag_ipl(struct vcpu *vcpu, const struct diag *diag)
{
	u64 function = s390_gpr(vcpu, diag->ry), flags;

	if (function != IPL_LOAD_CLEAR && function != IPL_LOAD_NORMAL)
		return exit_forward(vcpu);

	flags = KVM_S390_RESET_SUBSYSTEM | KVM_S390_RESET_IPL | KVM_S390_RESET_CPU_INIT;
	if (function == IPL_LOAD_CLEAR)
		flags |= KVM_S390_RESET_CLEAR;
	if (!READ_ONCE(vcpu->vm->arch.user_cpu_state))
		s390_set_stopped(vcpu, true);
	vcpu->run->s390_reset_flags = flags;

	return vcpu_exit(vcpu, KVM_EXIT_S390_RESET);
}

/* --- virtio: 0x500 --------------------------------------------------------------------------------- */

#define VIRTIO_CCW_NOTIFY	3	/* subcode in general register 1 */

/*
 * The notification of a queue, in register 3, of the device whose subchannel is in
 * register 2: an ioeventfd, or user space.
 */
static int diag_virtio(struct vcpu *vcpu, const struct diag *diag)
{
	u32 subchannel = s390_gpr(vcpu, 2);
	u64 queue = s390_gpr(vcpu, 3);

	if (s390_gpr(vcpu, 1) != VIRTIO_CCW_NOTIFY)
		return exit_forward(vcpu);
	if (iobus_write(vcpu, IOBUS_NOTIFY, subchannel, sizeof(queue), &queue))
		return exit_forward(vcpu);

	/* A cookie that would make the next one faster: none is needed. */
	s390_set_gpr(vcpu, 2, 0);

	return RESUME_GUEST;
}

/* --- dispatch ---------------------------------------------------------------------------------------- */

static const struct {
	u16	code;
	int	(*handler)(struct vcpu *vcpu, const struct diag *diag);
} diagnoses[] = {
	{ 0x010, diag_release },
	{ 0x044, diag_yield },
	{ 0x09c, diag_yield_to },
	{ 0x258, diag_pfault },
	{ 0x308, diag_ipl },
	{ 0x500, diag_virtio },
};

static struct diag diag_decode(struct vcpu *vcpu, const struct insn *insn)
{
	return (struct diag) {
		.code	= insn_s_address(vcpu, insn),
		.rx	= insn_rs_r1(insn),
		.ry	= insn_rs_r3(insn),
	};
}

int s390_diag(struct vcpu *vcpu, const struct insn *insn)
{
	struct diag diag = diag_decode(vcpu, insn);
	int i;

	vcpu->arch.stats.diagnoses++;
	for (i = 0; i < ARRAY_SIZE(diagnoses); i++)
		if (diagnoses[i].code == diag.code)
			return diagnoses[i].handler(vcpu, &diag);

	return exit_forward(vcpu);
}

/* The spinning guest's: whoever wants the CPU has already ended the stay. */
int s390_fast_diag(struct vcpu *vcpu, const struct insn *insn)
{
	if ((u16)insn_s_address(vcpu, insn) != 0x44)
		return RESUME_GUEST;
	vcpu->arch.stats.diagnoses++;

	return REENTER;
}

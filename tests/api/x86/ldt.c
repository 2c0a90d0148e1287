// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM's own LDT.  A thread changes it while another one is in KVM_RUN; the one
 * that comes back must have the new table, and not one that is freed.
 */
#include <asm/ldt.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <lib/kvm.h>

#define SELECTOR	7	/* entry 0 of the LDT, RPL 3 */
#define ROUNDS		60

/* --- the guest: exits that stay in the kernel, until it is told to say so ------ */

static u64 guest_turns, guest_stop;

static void guest_turn(u64 argument)
{
	u32 regs[4];

	for (;;) {
		while (!READ_ONCE(guest_stop)) {
			cpuid(0, 0, regs);
			WRITE_ONCE(guest_turns, guest_turns + 1);
		}
		WRITE_ONCE(guest_stop, 0);
		guest_say(guest_turns);
	}
}

/* --- the host ------------------------------------------------------------------ */

/* The limit of the descriptor as this CPU sees it, or 0: there is none. */
static u64 segment_limit(void)
{
	u64 limit = 0;

	asm volatile("lsl %1, %0" : "+r"(limit) : "r"((u64)SELECTOR) : "cc");

	return limit;
}

/* The same for the access rights: is it writable? */
static bool segment_writable(void)
{
	u64 rights = 0;

	asm volatile("lar %1, %0" : "+r"(rights) : "r"((u64)SELECTOR) : "cc");

	return rights & BIT(9);
}

static bool set_segment(u32 limit)
{
	struct user_desc desc = {
		.entry_number = 0, .limit = limit, .seg_32bit = 1, .useable = 1,
		.read_exec_only = limit & 1,
	};

	return !syscall(SYS_modify_ldt, 0x11, &desc, sizeof(desc));
}

struct change {
	struct vm	*vm;
	u32		 limit;		/* the newest */
	u32		 times;		/* to change it in this round; 0: done */
	bool		 end;
	bool		 failed;
};

/* The guest goes round: a change made before is behind an exit and an entry then. */
static void wait_for_turns(struct change *change)
{
	u64 start = READ_ONCE(guest_var(change->vm, guest_turns));

	while (READ_ONCE(guest_var(change->vm, guest_turns)) < start + 3)
		sched_yield();
}

static void *change_ldt(void *data)
{
	struct change *change = data;

	while (!READ_ONCE(change->end)) {
		if (!READ_ONCE(change->times)) {
			sched_yield();
			continue;
		}
		wait_for_turns(change);
		while (change->times) {
			change->failed |= !set_segment(++change->limit);
			WRITE_ONCE(change->times, change->times - 1);
			wait_for_turns(change);
		}
		WRITE_ONCE(guest_var(change->vm, guest_stop), 1);
	}

	return NULL;
}

TEST(ldt)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_turn, 0);
	struct change change = { .vm = vm, .limit = 100 };
	int round, stale = 0, wrong = 0;
	pthread_t thread;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip("it takes two CPUs");
	if (syscall(SYS_modify_ldt, 0, NULL, 0) < 0)
		skip("this kernel has no modify_ldt()");
	pthread_create(&thread, NULL, change_ldt, &change);
	for (round = 0; round < ROUNDS; round++) {
		/* The memory of an old table may be that of the next but one. */
		WRITE_ONCE(change.times, 1 + round % 3);
		if (vcpu_run(vcpu))
			bail("KVM_RUN failed");
		/* The first thing after it: a switch of tasks would make it good. */
		stale += segment_limit() != READ_ONCE(change.limit);
		wrong += segment_writable() == (READ_ONCE(change.limit) & 1);
	}
	WRITE_ONCE(change.end, true);
	pthread_join(thread, NULL);
	report(!change.failed, "the LDT was changed %u times", change.limit - 100);
	report(!stale || in_tree(), "KVM_RUN returns to the newest one (%d of %d did not)", stale,
	       ROUNDS);
	report(!wrong || in_tree(), "and so say the access rights (%d)", wrong);
	vm_destroy(vm);
}

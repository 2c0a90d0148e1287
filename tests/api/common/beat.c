// SPDX-License-Identifier: GPL-2.0-only
/*
 * Not a test of its own and not in the table: a guest that computes and prints a
 * line now and then, until it is killed.  The scripts of tests/lane see by it that
 * a vCPU goes on.
 */
#include <lib/kvm.h>

#define BEAT_STEPS	5000000

static u64 guest_steps;

static void guest_beat(u64 argument)
{
	for (;;) {
		for (u64 i = 0; i < BEAT_STEPS; i++)
			WRITE_ONCE(guest_steps, READ_ONCE(guest_steps) + 1);
		guest_say(guest_steps);
	}
}

TEST(beat)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_beat, 0);
	u64 beats = 0;

	/* Every step counts: a register that got lost would show. */
	while (vcpu_run_said(vcpu) == (beats + 1) * BEAT_STEPS) {
		printf("beat %llu\n", (unsigned long long)++beats);
		fflush(stdout);
	}
	bail("the guest lost count after beat %llu", (unsigned long long)beats);
}

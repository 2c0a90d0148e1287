// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that means harm, or does not know what it does: noise in all registers of the
 * GIC and the ITS, of every size, on two vCPUs at a time.  What comes of it is the guest's
 * affair; the host and other VMs go on.
 */
#include <lib/kvm.h>

#define ROUNDS		4000
#define CPUS		2

static u64 random_next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;

	return *state;
}

/* Mostly addresses of memory, small numbers, and single bits. */
static u64 random_value(u64 *state)
{
	u64 value = random_next(state);

	switch (random_next(state) % 6) {
	case 0:
		return value;
	case 1:
		return ~0ULL;
	case 2:
		return value & 0xff;
	case 3:
		return 1ULL << value % 64;
	case 4:
		return 1ULL << 63 | (value & 0x1ff0000) | (value >> 60);
	default:
		return 0;
	}
}

static void touch(u64 address, u64 kind, u64 value)
{
	switch (kind % 8) {
	case 0:
		guest_read8(address);
		break;
	case 1:
		guest_read16(address & ~1UL);
		break;
	case 2:
		guest_read32(address & ~3UL);
		break;
	case 3:
		guest_read64(address & ~7UL);
		break;
	case 4:
		guest_write8(address, value);
		break;
	case 5:
		guest_write16(address & ~1UL, value);
		break;
	case 6:
		guest_write32(address & ~3UL, value);
		break;
	default:
		guest_write64(address & ~7UL, value);
		break;
	}
}

static void access_interface(u64 which, u64 value)
{
	switch (which % 10) {
	case 0:
		sysreg_write(ICC_PMR_EL1, value);
		break;
	case 1:
		/* The rest is reserved, and more than some emulated hosts can take. */
		sysreg_write(ICC_BPR1_EL1, value & 7);
		break;
	case 2:
		sysreg_write(ICC_CTLR_EL1, value);
		break;
	case 3:
		sysreg_write(ICC_IGRPEN1_EL1, value);
		break;
	case 4:
		sysreg_write(ICC_AP1R0_EL1, value);
		break;
	case 5:
		sysreg_write(ICC_SGI1R_EL1, value);
		break;
	case 6:
		sysreg_write(ICC_DIR_EL1, value & 0xffffff);
		break;
	case 7:
		sysreg_write(ICC_EOIR1_EL1, value & 0xffffff);
		break;
	case 8:
		sysreg_read(ICC_IAR1_EL1);
		break;
	default:
		sysreg_read(ICC_HPPIR1_EL1);
		break;
	}
	isb();
}

/* Registers are at the beginning of each frame, so that is where most of it goes. */
static void guest_noise(u64 seed)
{
	static const u64 frames[] = {
		ARM64_GPA_GICD, ARM64_GPA_GICR, ARM64_GPA_GICR + GICR_SGI, ARM64_GPA_GICR + 0x20000,
		ARM64_GPA_ITS, ARM64_GPA_ITS, ARM64_GPA_ITS + 0x10000,
	};
	u64 state = seed, i, offset;

	/* Sets ICC_BPR1_EL1 to what it can be: the emulator ends at an interrupt otherwise. */
	gic_begin();
	for (i = 0; i < ROUNDS; i++) {
		offset = random_next(&state) & (random_next(&state) & 3 ? 0xfff : 0xffff);
		if (random_next(&state) % 8)
			touch(frames[random_next(&state) % ARRAY_SIZE(frames)] + offset,
			      random_next(&state), random_value(&state));
		else
			access_interface(random_next(&state), random_value(&state));
	}
	guest_done();
}

static void guest_fine(u64 argument)
{
	guest_say(argument);
}

/* Not every host has one. */
static void add_its(struct vm *vm)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	u64 gpa = ARM64_GPA_ITS;

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device))
		return;
	if (arm64_set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &gpa) ||
	    arm64_set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL))
		bail("no ITS: %s", strerror(errno));
}

static bool any_exit(struct vcpu_thread *thread)
{
	return thread->vcpu->run->exit_reason == KVM_EXIT_MMIO;
}

TEST(gic_noise)
{
	u64 seed = test_arg_count ? strtoull(test_args[0], NULL, 0) : 0, i, round;
	struct vcpu_thread threads[CPUS];
	struct vm *vm;

	for (round = 1; round <= 4; round++) {
		vm = vm_create(VM_IRQCHIP);
		add_its(vm);
		for (i = 0; i < CPUS; i++)
			vcpu_create(vm, guest_noise, (seed + round) * 88172645463325252ULL + i);
		for (i = 0; i < CPUS; i++) {
			threads[i] = (struct vcpu_thread) { .handle = any_exit };
			vcpu_thread_start(&threads[i], &vm->vcpus[i]);
		}
		for (i = 0; i < CPUS; i++)
			vcpu_thread_join(&threads[i]);
		report(true, "%d accesses on each of %d vCPUs come to an end", ROUNDS, CPUS);
		vm_destroy(vm);
	}
	vm = vm_create(VM_IRQCHIP);
	report(vcpu_run_said(vcpu_create(vm, guest_fine, 7)) == 7, "and new VMs work");
	vm_destroy(vm);
}

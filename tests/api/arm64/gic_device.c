// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vGIC as a device: the orders in which VMMs make one, what is refused, its state as
 * it is saved and restored, and the ITS.
 */
#include <lib/kvm.h>
#include <arm64/gic_device.h>

#define GICv3(name)	KVM_DEV_ARM_VGIC_##name

static struct vm *vm;

/* --- vgic_orders ------------------------------------------------------------ */

static int nr_irqs(u32 count)
{
	return arm64_set_attr(vm->irqchip_fd, GICv3(GRP_NR_IRQS), 0, &count);
}

static int init(void)
{
	return arm64_set_attr(vm->irqchip_fd, GICv3(GRP_CTRL), GICv3(CTRL_INIT), NULL);
}

static int address(u64 type, u64 gpa)
{
	return arm64_set_attr(vm->irqchip_fd, GICv3(GRP_ADDR), type, &gpa);
}

static int address_dist(void)
{
	return address(KVM_VGIC_V3_ADDR_TYPE_DIST, ARM64_GPA_GICD);
}

static int address_redist(void)
{
	return address(KVM_VGIC_V3_ADDR_TYPE_REDIST, ARM64_GPA_GICR);
}

/* Two regions, of one redistributor and of three. */
static int address_regions(void)
{
	return address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, ARM64_GPA_GICR | 1ULL << 52) ?:
	       address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
		       (ARM64_GPA_GICR + 0x20000) | 3ULL << 52 | 1);
}

static volatile u64 came;

static void on_spi(struct guest_frame *frame)
{
	came++;
}

static void guest_one_spi(u64 argument)
{
	guest_irq_handlers[40] = on_spi;
	guest_irq_handlers[2] = on_spi;
	gic_begin();
	gic_enable(40, 0xa0, true);
	gic_enable(2, 0xa0, true);
	gic_set_bit(40, GICD_ISPENDR);
	while (came < 1)
		guest_irq_wait();
	gic_send(guest_cpu_number(), 2);
	while (came < 2)
		guest_irq_wait();
	guest_say(guest_read32(ARM64_GPA_GICD + GICD_TYPER) & 0x1f);
	guest_say(guest_read64(GICR_OF(guest_cpu_number()) + GICR_TYPER));
	guest_done();
}

/* Both work; @lines: what NR_IRQS came to. */
static void check_works(const char *who, int wrong)
{
	u64 i, typer[2], lines[2];

	if (!report(!wrong, "%s: every call of its order works", who)) {
		vm_destroy(vm);
		return;
	}
	vm->started = true;	/* the library has nothing to do */
	for (i = 0; i < 2; i++)
		vcpu_enter_at(&vm->vcpus[i], guest_one_spi, 0);
	for (i = 0; i < 2; i++) {
		guest_var(vm, came) = 0;
		lines[i] = vcpu_run_said(&vm->vcpus[i]);
		typer[i] = vcpu_run_said(&vm->vcpus[i]);
	}
	report(lines[0] == 8 && lines[1] == 8, "%s: 288 interrupts", who);
	report(typer[0] >> 32 == 0 && typer[1] >> 32 == 1 && !(typer[0] & 0x10) &&
	       typer[1] & 0x10, "%s: redistributors in their places, the last one says so", who);
	vm_destroy(vm);
}

static void vm_with_chip(void)
{
	vm = vm_create(VM_IRQCHIP);
}

static void vcpus_bare(void)
{
	vcpu_create_bare(vm, 0);
	vcpu_create_bare(vm, 1);
}

TEST(vgic_orders)
{
	int wrong;

	/* QEMU: vCPUs, NR_IRQS, INIT, then addresses. */
	vm_with_chip();
	vcpus_bare();
	arm64_try_init(&vm->vcpus[0], arm64_features);
	wrong = nr_irqs(288) || init() || address_dist() || address_regions();
	check_works("QEMU", wrong);

	/* kvmtool: addresses before there is any vCPU. */
	vm_with_chip();
	wrong = address_dist() || address_redist();
	vcpus_bare();
	arm64_try_init(&vm->vcpus[0], arm64_features);
	arm64_try_init(&vm->vcpus[1], arm64_features);
	wrong |= nr_irqs(288) || init();
	check_works("kvmtool", wrong);

	/* Firecracker: the vGIC is ready before any vCPU is initialised. */
	vm_with_chip();
	vcpus_bare();
	wrong = address_dist() || address_redist() || nr_irqs(288) || init();
	check_works("Firecracker", wrong);

	/* Cloud Hypervisor: vCPUs are initialised, then all of it. */
	vm_with_chip();
	vcpus_bare();
	arm64_try_init(&vm->vcpus[0], arm64_features);
	arm64_try_init(&vm->vcpus[1], arm64_features);
	wrong = address_dist() || address_redist() || nr_irqs(288) || init();
	check_works("Cloud Hypervisor", wrong);
}

/* --- vgic_refused ------------------------------------------------------------- */

TEST(vgic_refused)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	struct vcpu *vcpu;
	int err, wrong = 0;

	vm_with_chip();
	report_errno(ioctl(vm->fd, KVM_CREATE_DEVICE, &device), EEXIST, "a second one");
	device.flags = KVM_CREATE_DEVICE_TEST;
	report(!ioctl(vm->fd, KVM_CREATE_DEVICE, &device), "but one could be made");
	report(!arm64_has_attr(vm->irqchip_fd, GICv3(GRP_ADDR), KVM_VGIC_V3_ADDR_TYPE_DIST) &&
	       !arm64_has_attr(vm->irqchip_fd, GICv3(GRP_ADDR), KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION) &&
	       !arm64_has_attr(vm->irqchip_fd, GICv3(GRP_CTRL), GICv3(CTRL_INIT)) &&
	       !arm64_has_attr(vm->irqchip_fd, GICv3(GRP_NR_IRQS), 0), "the attributes are there");
	report_errno(arm64_has_attr(vm->irqchip_fd, 99, 0), ENXIO, "an unknown group");
	report_errno(arm64_has_attr(vm->irqchip_fd, GICv3(GRP_ADDR), 99), ENXIO, "an unknown address");
	report_errno(arm64_has_attr(vm->irqchip_fd, GICv3(GRP_CTRL), 99), ENXIO, "an unknown command");
	report_errno(nr_irqs(32), EINVAL, "no SPIs");
	report_errno(nr_irqs(100), EINVAL, "not a multiple of 32");
	report_errno(nr_irqs(2048), EINVAL, "too many");
	report_errno(address(KVM_VGIC_V3_ADDR_TYPE_DIST, ARM64_GPA_GICD + 0x1000), EINVAL,
		     "a distributor that is not aligned");
	report_errno(address(KVM_VGIC_V3_ADDR_TYPE_DIST, 1ULL << 50), E2BIG, "or beyond all memory");
	report(!address_dist(), "a place for it");
	report_errno(address_dist(), EEXIST, "one is enough");
	report_errno(address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, ARM64_GPA_GICR), EINVAL,
		     "a region of no redistributor");
	report_errno(address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
			     ARM64_GPA_GICR | 1ULL << 52 | 1), EINVAL, "the second region first");
	/* The kernel's own does not look. */
	if (!in_tree())
		report_errno(address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
				     ARM64_GPA_GICD | 1ULL << 52), EINVAL,
			     "a region over the distributor");
	report(!address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, ARM64_GPA_GICR | 2ULL << 52),
	       "a region for two");
	report_errno(address_redist(), EINVAL, "regions or not, not both");

	vcpu = vcpu_create(vm, guest_one_spi, 0);
	vm->started = true;
	err = vcpu_run(vcpu);
	report(err < 0, "no run before it is initialised (%s)", strerror(-err));
	if (in_tree()) {
		note("that is the end of a VM of the kernel's own");
		vm_destroy(vm);
		vm_with_chip();
		wrong = address_dist() || address_redist();
		vcpu = vcpu_create(vm, guest_one_spi, 0);
		vm->started = true;
	}
	report(!wrong && !nr_irqs(288), "288 interrupts");
	report(!init(), "now it is");
	report(!init() || errno == EBUSY, "again, nothing bad happens");
	report_errno(nr_irqs(64), EBUSY, "no other number now");
	report_errno(ioctl(vm->fd, KVM_CREATE_VCPU, 1), EBUSY, "and no more vCPUs");
	vcpu_run_said(vcpu);
	report(true, "it works");
	vm_destroy(vm);
}

/* --- vgic_state ---------------------------------------------------------------- */

static void guest_fills(u64 argument)
{
	u64 i;

	gic_begin();
	/* Some of their bits are not the guest's to choose. */
	for (i = 0; i < 2; i++) {
		guest_write64(GICR_OF(i) + GICR_PROPBASER, 0);
		guest_write64(GICR_OF(i) + GICR_PENDBASER, 0);
	}
	for (i = 0; i < 5; i++)
		gic_enable(40 + i, 0x20 * (i + 1), i & 1);
	gic_enable(3, 0x80, true);
	gic_enable(PRIVATE_PPI, 0x90, false);
	sysreg_write(ICC_PMR_EL1, 0xf0);
	sysreg_write(ICC_BPR1_EL1, 4);
	isb();
	/* One active, two pending edges, and an SGI that waits. */
	gic_set_bit(41, GICD_ISPENDR);
	GUEST_ASSERT_EQ(sysreg_read(ICC_IAR1_EL1), 41);
	gic_set_bit(43, GICD_ISPENDR);
	gic_send(0, 3);
	guest_say(1);
	/* From here on it may be another VM: what is there in order of priority. */
	sysreg_write(ICC_EOIR1_EL1, 41);
	isb();
	for (i = 0; i < 4; i++) {
		u64 intid = sysreg_read(ICC_IAR1_EL1);

		guest_say(intid);
		if (intid == 40)
			break;
		sysreg_write(ICC_EOIR1_EL1, intid);
		isb();
	}
	guest_say(sysreg_read(ICC_PMR_EL1) & 0xf8);
	guest_done();
}

/* What a guest that was saved there goes on with, wherever it is. */
static void check_goes_on(struct vcpu *vcpu, const char *where)
{
	/* The line of 40 is up, and it is the most urgent. */
	report(vcpu_run_said(vcpu) == 40, "%s: the level", where);
	report(vcpu_run_said(vcpu) == 0xf0, "%s: the threshold", where);
}

TEST(vgic_state)
{
	struct vgic_state *before, *after;
	struct vm *next;
	u64 i;

	vm_with_chip();
	for (i = 0; i < 2; i++)
		vcpu_create(vm, guest_fills, 0);
	vcpu_run_said(&vm->vcpus[0]);
	report(!arm64_irq_line(vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 1), "a line that is up");
	vcpu_complete(&vm->vcpus[0]);
	before = vgic_save(vm);
	report(before->dist_pending[1] & BIT(43 - 32), "a pending edge is saved");
	report(before->dist_level[1] & BIT(40 - 32), "the level of the line");
	report(before->dist_active[1] & BIT(41 - 32), "the active one");
	report(before->redist[0].pending & BIT(3), "the SGI");

	next = vm_create(VM_IRQCHIP);
	for (i = 0; i < 2; i++)
		vcpu_create(next, guest_fills, 0);
	arm64_vgic_place(next);
	arm64_vgic_init(next);
	next->started = true;
	vgic_restore(next, before);
	after = vgic_save(next);
	report(vgic_same(before, after), "all of it arrives in another VM");
	memcpy(next->ram, vm->ram, VM_RAM_SIZE);
	vgic_copy_vcpu(&vm->vcpus[0], &next->vcpus[0]);
	check_goes_on(&vm->vcpus[0], "the first VM");
	check_goes_on(&next->vcpus[0], "the second VM");
	free(before);
	free(after);
	vm_destroy(next);
	vm_destroy(vm);
}

/* --- vgic_access: registers while vCPUs run ---------------------------------------- */

TEST(vgic_access)
{
	u64 attribute = 1ULL << 32 | GICR_TYPER;
	u32 value = 0;

	vm_with_chip();
	vcpu_create(vm, guest_one_spi, 0);
	report_errno(arm64_get_attr(vm->irqchip_fd, GICv3(GRP_DIST_REGS), GICD_CTLR, &value), EBUSY,
		     "no register before it is initialised");
	arm64_vgic_place(vm);
	report(!arm64_vgic_init(vm), "it is initialised");
	vm->started = true;
	report(!arm64_has_attr(vm->irqchip_fd, GICv3(GRP_DIST_REGS), GICD_CTLR), "GICD_CTLR is there");
	report(!arm64_get_attr(vm->irqchip_fd, GICv3(GRP_DIST_REGS), GICD_TYPER, &value) &&
	       (value & 0x1f) == 7, "GICD_TYPER has 256 interrupts");
	report(!arm64_get_attr(vm->irqchip_fd, GICv3(GRP_REDIST_REGS), GICR_TYPER, &value) &&
	       !arm64_get_attr(vm->irqchip_fd, GICv3(GRP_REDIST_REGS), GICR_TYPER + 4, &value) &&
	       !value, "GICR_TYPER has no affinity");
	report_errno(arm64_get_attr(vm->irqchip_fd, GICv3(GRP_REDIST_REGS), attribute, &value),
		     EINVAL, "another vCPU is not there");
	/* The kernel's own finds something there, too. */
	if (!in_tree()) {
		report_errno(arm64_get_attr(vm->irqchip_fd, GICv3(GRP_DIST_REGS), 0xf000, &value),
			     ENXIO, "nor a register that is none");
		report(arm64_get_attr(vm->irqchip_fd, GICv3(GRP_DIST_REGS), GICD_CTLR + 2, &value),
		       "nor half of one");
	}
	vcpu_run_said(&vm->vcpus[0]);
	report(true, "it works");
	vm_destroy(vm);
}

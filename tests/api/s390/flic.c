// SPDX-License-Identifier: GPL-2.0-only
/* The FLIC: KVM_CREATE_DEVICE, KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR of it. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <lib/kvm.h>

#define ROOM	64

static struct vm *vm;
static struct vcpu *vcpu;
static struct kvm_s390_irq list[ROOM];

static u64 guest_interrupts;

static void guest_take(struct guest_frame *frame)
{
	guest_interrupts++;
}

static void guest_counts_all(u64 argument)
{
	guest_int_handlers[INT_IO] = guest_take;
	guest_int_handlers[INT_EXTERNAL] = guest_take;
	control_write(0, CR0_RESET | CR0_SERVICE);
	control_write(6, 0xff000000);
	for (;;) {
		guest_interrupts = 0;
		guest_open(PSW_IO | PSW_EXTERNAL);
		guest_say(guest_interrupts);
	}
}

static void setup(void)
{
	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_counts_all, 0);
}

static int set(u32 group, u64 attribute, void *data)
{
	return s390_flic(vm, KVM_SET_DEVICE_ATTR, group, attribute, data);
}

static int get_all(size_t room)
{
	return s390_flic(vm, KVM_GET_DEVICE_ATTR, KVM_DEV_FLIC_GET_ALL_IRQS, room, list);
}

static struct kvm_s390_irq io_irq(u32 number, u32 isc)
{
	return (struct kvm_s390_irq) {
		.type = KVM_S390_INT_IO(0, 0, 0, number),
		.u.io = { .subchannel_id = 1, .subchannel_nr = number, .io_int_word = isc << 27 },
	};
}

/* --- the list ---------------------------------------------------------------------- */

TEST(flic_list)
{
	struct kvm_s390_irq irqs[3] = {
		io_irq(1, 3), io_irq(2, 5),
		{ .type = KVM_S390_INT_SERVICE, .u.ext.ext_params = 0x100 },
	};
	u32 schid = 0x10001;

	setup();
	report(get_all(sizeof(list)) == 0, "nothing is pending");
	report(!set(KVM_DEV_FLIC_ENQUEUE, sizeof(irqs), irqs), "three by one call");
	report(get_all(sizeof(list)) == 3, "KVM_DEV_FLIC_GET_ALL_IRQS has them");
	report(get_all(sizeof(list)) == 3, "and leaves them");
	report_errno(get_all(sizeof(list[0])), ENOMEM, "no room for all");
	report(!set(KVM_DEV_FLIC_CLEAR_IO_IRQ, sizeof(schid), &schid) && get_all(sizeof(list)) == 2,
	       "one subchannel's is dropped");
	report(vcpu_run_said(vcpu) == 2, "the guest takes the others");
	report(get_all(sizeof(list)) == 0, "then there are none");
	set(KVM_DEV_FLIC_ENQUEUE, sizeof(irqs), irqs);
	report(!set(KVM_DEV_FLIC_CLEAR_IRQS, 0, NULL) && get_all(sizeof(list)) == 0 &&
	       vcpu_run_said(vcpu) == 0, "all dropped");
	report(!set(KVM_DEV_FLIC_APF_DISABLE_WAIT, 0, NULL) &&
	       !set(KVM_DEV_FLIC_APF_ENABLE, 0, NULL), "asynchronous page faults");

	/* What was listed can be given to another VM. */
	set(KVM_DEV_FLIC_ENQUEUE, sizeof(irqs), irqs);
	get_all(sizeof(list));
	vm_destroy(vm);
	setup();
	report(!set(KVM_DEV_FLIC_ENQUEUE, 3 * sizeof(list[0]), list) && vcpu_run_said(vcpu) == 3,
	       "what one VM had, another takes");
	vm_destroy(vm);
}

TEST(flic_errors)
{
	struct kvm_s390_irq irq = { .type = 0xfffe7777 };
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_FLIC };
	u32 schid = 0;

	setup();
	report_errno(set(KVM_DEV_FLIC_ENQUEUE, sizeof(irq), &irq), EINVAL, "an unknown interruption");
	report_errno(set(KVM_DEV_FLIC_ENQUEUE, 5, &irq), EINVAL, "a length that is none");
	report_errno(set(KVM_DEV_FLIC_ENQUEUE, sizeof(irq), NULL), EFAULT, "no buffer");
	report_errno(set(KVM_DEV_FLIC_CLEAR_IO_IRQ, 4, &schid), EINVAL, "subchannel 0");
	report_errno(set(99, 0, NULL), EINVAL, "an unknown group to set");
	report_errno(s390_flic(vm, KVM_GET_DEVICE_ATTR, 99, 0, NULL), EINVAL, "or to get");
	report_errno(s390_flic(vm, KVM_HAS_DEVICE_ATTR, 99, 0, NULL), ENXIO, "or to ask for");
	report(!s390_flic(vm, KVM_HAS_DEVICE_ATTR, KVM_DEV_FLIC_ENQUEUE, 0, NULL), "one that is known");
	report(ioctl(vm->fd, KVM_CREATE_DEVICE, &device) == -1, "a second FLIC");
	vm_destroy(vm);
}

/* --- adapters ------------------------------------------------------------------------- */

static int modify(u32 id, u8 type, u8 mask)
{
	struct kvm_s390_io_adapter_req request = { .id = id, .type = type, .mask = mask };

	return set(KVM_DEV_FLIC_ADAPTER_MODIFY, 0, &request);
}

TEST(flic_adapters)
{
	struct kvm_s390_io_adapter adapter = { .id = 5, .isc = 2, .maskable = 1 };

	setup();
	report(!set(KVM_DEV_FLIC_ADAPTER_REGISTER, 0, &adapter), "an adapter");
	report_errno(set(KVM_DEV_FLIC_ADAPTER_REGISTER, 0, &adapter), EINVAL, "the same again");
	report(!set(KVM_DEV_FLIC_AIRQ_INJECT, 5, NULL) && vcpu_run_said(vcpu) == 1,
	       "its interruption");
	report_errno(set(KVM_DEV_FLIC_AIRQ_INJECT, 6, NULL), EINVAL, "of one that is not there");
	report(modify(5, KVM_S390_IO_ADAPTER_MASK, 1) >= 0, "masked");
	report(modify(5, KVM_S390_IO_ADAPTER_MASK, 0) >= 0, "and not any more");
	report(!modify(5, KVM_S390_IO_ADAPTER_MAP, 0) && !modify(5, KVM_S390_IO_ADAPTER_UNMAP, 0),
	       "mapped, which is nothing");
	report_errno(modify(6, KVM_S390_IO_ADAPTER_MASK, 1), EINVAL, "an unknown adapter");
	report_errno(modify(5, 77, 1), EINVAL, "an unknown request");
	vm_destroy(vm);
}

/* Indicators in guest memory, by an irqfd. */
TEST(flic_indicators)
{
	int fd = eventfd_create();
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = GUEST_IRQ_LINE };
	u64 one = 1;
	int i;

	setup();
	xioctl(vm->fd, KVM_IRQFD, &irqfd);
	if (write(fd, &one, 8) != 8)
		bail("an eventfd cannot be written");
	for (i = 0; i < 2000 && !READ_ONCE(*(u8 *)(vm->ram + S390_SUMMARY)); i++)
		sleep_ms(1);
	report(vm->ram[S390_INDICATORS] == 0x80, "the first bit of the indicators is set");
	report(vm->ram[S390_SUMMARY] == 0x80, "and the summary");
	report(vcpu_run_said(vcpu) == 1, "the guest is interrupted");
	close(fd);
	vm_destroy(vm);
}

/* The same in memory that is not there yet and that only the vCPU brings in. */
TEST(flic_indicators_late)
{
	struct {
		struct kvm_irq_routing		head;
		struct kvm_irq_routing_entry	entry;
	} routes = {
		.head.nr = 1,
		.entry = { .gsi = GUEST_IRQ_LINE, .type = KVM_IRQ_ROUTING_S390_ADAPTER, .u.adapter = {
			.ind_addr = GPA_TEST, .ind_offset = 9,
			.summary_addr = GPA_TEST + PAGE, .adapter_id = S390_ADAPTER } },
	};
	int fd = eventfd_create(), file = syscall(SYS_memfd_create, "indicators", 0);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = GUEST_IRQ_LINE };
	u64 one = 1, interrupts = 0;
	u8 *memory;
	int i;

	if (file < 0 || ftruncate(file, 16 * PAGE))
		skip("no memfd");
	memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	setup();
	if (vm_set_slot(vm, 8, GPA_TEST, 16 * PAGE, memory, 0))
		bail("cannot add a slot: %s", strerror(errno));
	xioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes);
	xioctl(vm->fd, KVM_IRQFD, &irqfd);
	if (write(fd, &one, 8) != 8)
		bail("an eventfd cannot be written");
	for (i = 0; i < 2000 && !interrupts; i++) {
		interrupts = vcpu_run_said(vcpu);
		sleep_ms(1);
	}
	report(interrupts == 1, "the guest is interrupted");
	report(memory[1] == 0x40, "the tenth bit of the indicators is set");
	report(memory[PAGE] == 0x80, "and the summary");
	vm_destroy(vm);

	/* Nobody runs to bring it in: nothing waits for that. */
	fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 16 * PAGE);
	setup();
	if (vm_set_slot(vm, 8, GPA_TEST, 16 * PAGE, memory, 0))
		bail("cannot add a slot: %s", strerror(errno));
	xioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes);
	xioctl(vm->fd, KVM_IRQFD, &irqfd);
	if (write(fd, &one, 8) != 8)
		bail("an eventfd cannot be written");
	sleep_ms(10);
	vm_destroy(vm);
	report(true, "a VM ends that still owes an interrupt");
	close(fd);
	close(file);
}

/* --- suppression ---------------------------------------------------------------------------- */

TEST(flic_suppression)
{
	struct kvm_s390_io_adapter adapter = {
		.id = 5, .isc = 2, .flags = KVM_S390_ADAPTER_SUPPRESSIBLE,
	};
	struct kvm_enable_cap cap = { .cap = KVM_CAP_S390_AIS };
	struct kvm_s390_ais_req single = { .isc = 2, .mode = 1 }, all = { .isc = 2, .mode = 0 };

	need_cap(KVM_CAP_S390_AIS, "adapter-interruption suppression");
	vm = vm_create(VM_IRQCHIP);
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		skip("the host has no adapter-interruption suppression");
	vcpu = vcpu_create(vm, guest_counts_all, 0);
	set(KVM_DEV_FLIC_ADAPTER_REGISTER, 0, &adapter);
	report(!set(KVM_DEV_FLIC_AISM, 0, &single), "single-interruption mode");
	report(!set(KVM_DEV_FLIC_AIRQ_INJECT, 5, NULL) && vcpu_run_said(vcpu) == 1, "one comes");
	report(!set(KVM_DEV_FLIC_AIRQ_INJECT, 5, NULL) && vcpu_run_said(vcpu) == 0, "no second one");
	report(!set(KVM_DEV_FLIC_AISM, 0, &all), "all-interruptions mode");
	report(!set(KVM_DEV_FLIC_AIRQ_INJECT, 5, NULL) && vcpu_run_said(vcpu) == 1 &&
	       !set(KVM_DEV_FLIC_AIRQ_INJECT, 5, NULL) && vcpu_run_said(vcpu) == 1, "all come");
	vm_destroy(vm);
}

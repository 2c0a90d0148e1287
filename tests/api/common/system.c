// SPDX-License-Identifier: GPL-2.0-only
/* The system descriptor, and the life of VMs and vCPUs. */
#include <fcntl.h>
#include <sys/stat.h>
#include <lib/kvm.h>

TEST(api_version)
{
	int fd = kvm_open();

	report(ioctl(fd, KVM_GET_API_VERSION, 0) == 12, "the API version is 12");
	report(kvm_mmap_size() >= sizeof(struct kvm_run) && kvm_mmap_size() % PAGE == 0,
	       "the size to map is whole pages and holds struct kvm_run");
	report((size_t)ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0) == kvm_mmap_size(), "it is the same when asked again");
	report_errno(ioctl(fd, KVM_GET_API_VERSION, 1), EINVAL, "an argument where none belongs");
	report_errno(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 1), EINVAL, "the same for the size");
	report_unknown(ioctl(fd, _IO(KVMIO, 0xff), 0), "an unknown ioctl");
	report_unknown(ioctl(fd, KVM_RUN, 0), "a vCPU's ioctl on the system descriptor");
	report_errno(ioctl(fd, KVM_CREATE_VM, ~0UL), EINVAL, "a VM of an unknown type");
}

TEST(capabilities)
{
	static const struct { int cap, least; const char *name; } needed[] = {
		{ KVM_CAP_USER_MEMORY, 1, "USER_MEMORY" },
		{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1, "DESTROY_MEMORY_REGION_WORKS" },
		{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1, "JOIN_MEMORY_REGIONS_WORKS" },
		{ KVM_CAP_INTERNAL_ERROR_DATA, 1, "INTERNAL_ERROR_DATA" },
		{ KVM_CAP_IOEVENTFD, 1, "IOEVENTFD" },
		{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1, "IOEVENTFD_ANY_LENGTH" },
		{ KVM_CAP_IRQFD, 1, "IRQFD" },
		{ KVM_CAP_IRQCHIP, 1, "IRQCHIP" },
		{ KVM_CAP_IRQ_ROUTING, 1024, "IRQ_ROUTING" },
		{ KVM_CAP_NR_MEMSLOTS, 509, "NR_MEMSLOTS" },
		{ KVM_CAP_NR_VCPUS, 1, "NR_VCPUS" },
		{ KVM_CAP_MAX_VCPUS, 1, "MAX_VCPUS" },
		{ KVM_CAP_MAX_VCPU_ID, 1, "MAX_VCPU_ID" },
		{ KVM_CAP_IMMEDIATE_EXIT, 1, "IMMEDIATE_EXIT" },
		{ KVM_CAP_READONLY_MEM, 1, "READONLY_MEM" },
		{ KVM_CAP_SYNC_MMU, 1, "SYNC_MMU" },
		{ KVM_CAP_MP_STATE, 1, "MP_STATE" },
		{ KVM_CAP_CHECK_EXTENSION_VM, 1, "CHECK_EXTENSION_VM" },
	};
	struct vm *vm = vm_create(VM_BARE);
	int negative = 0, cap;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++)
		report(kvm_cap(needed[i].cap) >= needed[i].least &&
		       ioctl(vm->fd, KVM_CHECK_EXTENSION, needed[i].cap) >= needed[i].least,
		       "KVM_CAP_%s is %d, at least %d, of a VM too", needed[i].name,
		       kvm_cap(needed[i].cap), needed[i].least);
	for (cap = 0; cap < 400; cap++) {
		int system = ioctl(kvm_open(), KVM_CHECK_EXTENSION, cap);
		int own = ioctl(vm->fd, KVM_CHECK_EXTENSION, cap);

		negative += system < 0 || own < 0;
	}
	report(!negative, "no answer is negative");
	report(!ioctl(kvm_open(), KVM_CHECK_EXTENSION, 100000), "an unknown capability is 0");
	report(!ioctl(kvm_open(), KVM_CHECK_EXTENSION, ~0UL), "so is the last of all numbers");
	report(kvm_cap(KVM_CAP_MAX_VCPU_ID) >= kvm_cap(KVM_CAP_MAX_VCPUS) &&
	       kvm_cap(KVM_CAP_MAX_VCPUS) >= kvm_cap(KVM_CAP_NR_VCPUS),
	       "ids >= vCPUs possible >= vCPUs recommended");
	vm_destroy(vm);
}

static int create_vm(void)
{
	return ioctl(kvm_open(), KVM_CREATE_VM, arch_vm_type());
}

static void guest_say_argument(u64 argument)
{
	guest_say(argument);
	guest_done();
}

/* Descriptors keep what they need alive, in whatever order they go. */
static void test_close_order(void)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_say_argument, 42);

	close(vm->fd);
	report(vcpu_run_said(vcpu) == 42, "a vCPU runs after its VM's descriptor is closed");
	vm->fd = open("/dev/null", O_RDONLY);
	vm_destroy(vm);
}

TEST(vm_create_destroy)
{
	int max_id = kvm_cap(KVM_CAP_MAX_VCPU_ID), vms[64], i, good = 0;
	struct vm *vm;

	for (i = 0; i < 64; i++)
		vms[i] = create_vm();
	for (i = 0; i < 64; i++)
		good += vms[i] >= 0 && (fcntl(vms[i], F_GETFD) & FD_CLOEXEC);
	report(good == 64, "64 VMs at a time, closed on exec");
	for (i = 0; i < 64; i++)
		close(vms[i]);
	for (i = 0, good = 0; i < 500; i++) {
		int fd = create_vm();

		good += fd >= 0;
		close(fd);
	}
	report(good == 500, "500 VMs one after another");

	vm = vm_create(0);
	vcpu_create_bare(vm, 0);
	report_errno(ioctl(vm->fd, KVM_CREATE_VCPU, 0), EEXIST, "the same vCPU id twice");
	report_errno(ioctl(vm->fd, KVM_CREATE_VCPU, max_id), EINVAL, "an id too high");
	report_errno(ioctl(vm->fd, KVM_CREATE_VCPU, ~0UL), EINVAL, "an id far too high");
	vcpu_create_bare(vm, 5);
	report(true, "ids may have gaps");
	report_unknown(ioctl(vm->fd, KVM_RUN, 0), "a vCPU's ioctl on the VM");
	report_unknown(ioctl(vm->vcpus[0].fd, KVM_CREATE_VCPU, 1), "a VM's ioctl on a vCPU");
	vm_destroy(vm);

	for (i = 0; i < 20; i++) {
		vm = vm_create(VM_IRQCHIP);
		vcpu_run_said(vcpu_create(vm, guest_say_argument, i));
		vcpu_create(vm, guest_say_argument, 0);
		vm_destroy(vm);
	}
	report(true, "20 VMs with two vCPUs that ran");
	test_close_order();
}

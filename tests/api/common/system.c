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

/* --- capabilities ------------------------------------------------------------- */

/* What some rows of uapi/abi.tbl answer with. */

/* As many as the host has CPUs. */
static int cap_nr_vcpus(void)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), max = kvm_cap(KVM_CAP_MAX_VCPUS);

	return cpus < max ? cpus : max;
}

/* Where the ring is in a vCPU's mapping, if the architecture has one. */
static int cap_coalesced_page(void)
{
#ifdef KVM_COALESCED_MMIO_PAGE_OFFSET
	return KVM_COALESCED_MMIO_PAGE_OFFSET;
#else
	return 0;
#endif
}

static int cap_has_ports(void)
{
#ifdef KVM_PIO_PAGE_OFFSET
	return 1;
#else
	return 0;
#endif
}

/* Is there a type of device that could be created? */
static int cap_device_ctrl(void)
{
	struct kvm_create_device args = { .flags = KVM_CREATE_DEVICE_TEST };
	struct vm *vm = vm_create(VM_BARE);
	int types = 0;

	for (args.type = 0; args.type < KVM_DEV_TYPE_MAX; args.type++)
		types += !ioctl(vm->fd, KVM_CREATE_DEVICE, &args);
	vm_destroy(vm);

	return types != 0;
}

#define CAPS	1024

static bool cap_has_row[CAPS];

static void check_cap(const char *name, long cap, struct vm *vm, bool greater, int answer)
{
	int system = ioctl(kvm_open(), KVM_CHECK_EXTENSION, cap);
	int own = ioctl(vm->fd, KVM_CHECK_EXTENSION, cap);
	bool good = greater ? system >= answer : system == answer;

	cap_has_row[cap % CAPS] = true;
	/* The kernel's own hypervisor offers more of some, and of some only where there is a VM. */
	if (in_tree())
		good = own >= 0;
	report(good && (own == system || (in_tree() && system < 0)), "%s is %d, should be %s%d; %d of a VM", name, system,
	       greater ? ">= " : "", answer, own);
}

/* A comparison in the table is ">=" or nothing. */
#define ABI_IOCTL(...)
#define ABI_CAP(name, comparison, answer)	\
	check_cap(#name, name, vm, 1 comparison 0, answer);

static void check_cap_rows(struct vm *vm)
{
#include <abi_rows.h>
}

/* What has no row is as if nobody had ever heard of it. */
static void check_other_caps(struct vm *vm)
{
	int cap, odd = 0;

	for (cap = 0; cap < CAPS; cap++) {
		int system = ioctl(kvm_open(), KVM_CHECK_EXTENSION, cap);
		int own = ioctl(vm->fd, KVM_CHECK_EXTENSION, cap);

		if (in_tree() ? system < -1 || own < 0 :
		    system < 0 || own < 0 || (!cap_has_row[cap] && (system || own)))
			odd++, note("capability %d: %d, of a VM %d", cap, system, own);
	}
	report(!odd, "every other capability is 0");
}

TEST(capabilities)
{
	struct vm *vm = vm_create(VM_BARE);

	check_cap_rows(vm);
	check_other_caps(vm);
	report(!ioctl(kvm_open(), KVM_CHECK_EXTENSION, 100000), "an unknown capability is 0");
	report(!ioctl(kvm_open(), KVM_CHECK_EXTENSION, ~0UL), "so is the last of all numbers");
	report(!ioctl(kvm_open(), KVM_CHECK_EXTENSION, 1UL << 32 | KVM_CAP_USER_MEMORY),
	       "a number is more than its lower half");
	vm_destroy(vm);
}

/* --- lives ------------------------------------------------------------------------ */

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
		/* All before one runs: an irqchip may want to know them then. */
		vm = vm_create(VM_IRQCHIP);
		vcpu_create(vm, guest_say_argument, i);
		vcpu_create(vm, guest_say_argument, 0);
		vcpu_run_said(&vm->vcpus[0]);
		vm_destroy(vm);
	}
	report(true, "20 VMs with two vCPUs, one of which ran");
	test_close_order();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AIA as a device of user space: its attributes, in the orders that VMMs use, and
 * what it refuses.
 */
#include <lib/kvm.h>

#define CONFIG(name)	KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_##name
#define ADDR_APLIC	KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_ADDR_APLIC
#define ADDR_IMSIC(n)	KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_ADDR_IMSIC(n)
#define INIT		KVM_DEV_RISCV_AIA_GRP_CTRL, KVM_DEV_RISCV_AIA_CTRL_INIT
#define APLIC(offset)	KVM_DEV_RISCV_AIA_GRP_APLIC, (offset)
#define IMSIC(n, select) \
	KVM_DEV_RISCV_AIA_GRP_IMSIC, KVM_DEV_RISCV_AIA_IMSIC_MKATTR(n, select)

static struct vm *vm;

static void guest_hello(u64 argument)
{
	guest_say(argument);
	guest_done();
}

/* A VM with the device, nothing set. */
static void begin(int vcpus)
{
	int i;

	vm = vm_create(VM_IRQCHIP);
	/* Set up by hand. */
	vm->started = true;
	for (i = 0; i < vcpus; i++)
		vcpu_create(vm, guest_hello, i);
}

static bool refused(int result)
{
	return result == -1 && (errno == EINVAL || errno == ENXIO);
}

static u64 get(u32 group, u64 attribute)
{
	u64 value;

	if (riscv_aia_get(vm, group, attribute, &value))
		bail("cannot get attribute %u/0x%llx: %s", group, (unsigned long long)attribute,
		     strerror(errno));

	return value;
}

/* --- values --------------------------------------------------------------- */

static void check_config(void)
{
	static const struct { u64 attribute, good, bad; const char *name; } rows[] = {
		{ KVM_DEV_RISCV_AIA_CONFIG_MODE, KVM_DEV_RISCV_AIA_MODE_EMUL, 3, "mode" },
		{ KVM_DEV_RISCV_AIA_CONFIG_IDS, 255, 256, "ids, not of 64" },
		{ KVM_DEV_RISCV_AIA_CONFIG_IDS, 63, 31, "ids, too few" },
		{ KVM_DEV_RISCV_AIA_CONFIG_IDS, 127, 4095, "ids, too many" },
		{ KVM_DEV_RISCV_AIA_CONFIG_SRCS, 96, 1024, "sources" },
		{ KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS, 1, 9, "group bits" },
		{ KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT, 24, 23, "group shift" },
		{ KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT, 55, 56, "group shift, too high" },
		{ KVM_DEV_RISCV_AIA_CONFIG_HART_BITS, 4, 17, "hart bits" },
		{ KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS, 0, 9, "guest bits" },
	};
	struct kvm_device_attr attr;
	u64 before;
	size_t i;
	u32 words[2];

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool good = !riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG, rows[i].attribute,
					   rows[i].good) &&
			    get(KVM_DEV_RISCV_AIA_GRP_CONFIG, rows[i].attribute) == rows[i].good;

		good = good && refused(riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG,
						     rows[i].attribute, rows[i].bad));
		before = get(KVM_DEV_RISCV_AIA_GRP_CONFIG, rows[i].attribute);
		report(good && before == rows[i].good, "%s: %llu yes, %llu no", rows[i].name,
		       (unsigned long long)rows[i].good, (unsigned long long)rows[i].bad);
	}

	/* Four bytes, not more. */
	words[0] = 255;
	words[1] = 0xdeadbeef;
	attr = (struct kvm_device_attr) {
		.group = KVM_DEV_RISCV_AIA_GRP_CONFIG, .attr = KVM_DEV_RISCV_AIA_CONFIG_IDS,
		.addr = (u64)words,
	};
	report(!ioctl(vm->irqchip_fd, KVM_SET_DEVICE_ATTR, &attr), "a value with noise behind");
	words[0] = 0;
	report(!ioctl(vm->irqchip_fd, KVM_GET_DEVICE_ATTR, &attr) && words[0] == 255 &&
	       words[1] == 0xdeadbeef, "is read and written as four bytes");
	attr.addr = 0;
	report_errno(ioctl(vm->irqchip_fd, KVM_SET_DEVICE_ATTR, &attr), EFAULT, "no value");
}

static int has(u32 group, u64 attribute)
{
	struct kvm_device_attr attr = { .group = group, .attr = attribute };

	return ioctl(vm->irqchip_fd, KVM_HAS_DEVICE_ATTR, &attr);
}

static void check_has(void)
{
	u64 value;

	report(!has(CONFIG(MODE)) && !has(CONFIG(GUEST_BITS)) && !has(ADDR_APLIC) &&
	       !has(ADDR_IMSIC(0)) && !has(INIT), "attributes that are there");
	report(refused(has(KVM_DEV_RISCV_AIA_GRP_CONFIG, 7)) &&
	       refused(has(KVM_DEV_RISCV_AIA_GRP_CTRL, 1)) && refused(has(5, 0)) &&
	       refused(has(77, 0)), "and some that are not");
	report(refused(has(KVM_DEV_RISCV_AIA_GRP_ADDR, ~0ULL)) &&
	       refused(has(KVM_DEV_RISCV_AIA_GRP_CONFIG, 1ULL << 32)), "far away");
	report(refused(riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CONFIG, 7, 0)) &&
	       refused(riscv_aia_set(vm, 77, 0, 0)) &&
	       refused(riscv_aia_get(vm, 77, 0, &value)) &&
	       refused(riscv_aia_set(vm, KVM_DEV_RISCV_AIA_GRP_CTRL, 1, 0)),
	       "those cannot be set either");
}

static void check_addresses(void)
{
	report(refused(riscv_aia_set(vm, ADDR_APLIC, RISCV_GPA_APLIC + 0x100)),
	       "an APLIC that is not aligned");
	report(refused(riscv_aia_set(vm, ADDR_IMSIC(0), RISCV_GPA_IMSIC + 0x10)),
	       "an IMSIC that is not aligned");
	report(refused(riscv_aia_set(vm, ADDR_IMSIC(KVM_DEV_RISCV_APLIC_MAX_HARTS),
				     RISCV_GPA_IMSIC)), "an IMSIC of a hart that cannot be");
	report(!riscv_aia_set(vm, ADDR_APLIC, RISCV_GPA_APLIC) &&
	       get(ADDR_APLIC) == RISCV_GPA_APLIC &&
	       !riscv_aia_set(vm, ADDR_IMSIC(0), IMSIC_PAGE(0)) &&
	       get(ADDR_IMSIC(0)) == IMSIC_PAGE(0) &&
	       !riscv_aia_set(vm, ADDR_IMSIC(1), IMSIC_PAGE(1)), "addresses can be set and read");
}

/* --- initialisation ------------------------------------------------------- */

/* As a VMM does it; @skip leaves one step out. */
enum step { STEP_SRCS, STEP_APLIC, STEP_IDS, STEP_IMSIC, STEP_HART_BITS, STEP_NONE };

static int set_up(enum step skip, u64 hart_bits)
{
	int i, bad = 0;

	if (skip != STEP_SRCS)
		bad |= riscv_aia_set(vm, CONFIG(SRCS), 96);
	if (skip != STEP_APLIC)
		bad |= riscv_aia_set(vm, ADDR_APLIC, RISCV_GPA_APLIC);
	if (skip != STEP_IDS)
		bad |= riscv_aia_set(vm, CONFIG(IDS), 255);
	bad |= riscv_aia_set(vm, CONFIG(GUEST_BITS), 0);
	for (i = 0; i < vm->vcpu_count; i++)
		if (skip != STEP_IMSIC)
			bad |= riscv_aia_set(vm, ADDR_IMSIC(i), IMSIC_PAGE(i));
	/* After the addresses, as QEMU does. */
	if (skip != STEP_HART_BITS)
		bad |= riscv_aia_set(vm, CONFIG(HART_BITS), hart_bits);
	if (bad)
		bail("cannot set the AIA up: %s", strerror(errno));

	return riscv_aia_set(vm, INIT, 0);
}

static void check_init(enum step skip, int vcpus, u64 hart_bits, bool good, const char *what)
{
	begin(vcpus);
	if (good)
		report(!set_up(skip, hart_bits), "%s", what);
	else
		report(refused(set_up(skip, hart_bits)) || errno == ENODEV, "%s", what);
	vm_destroy(vm);
}

static void check_after_init(void)
{
	u64 value;

	begin(2);
	report(riscv_aia_get(vm, APLIC(APLIC_DOMAINCFG), &value) == -1 && errno == ENODEV,
	       "no register of the APLIC before");
	report(riscv_aia_get(vm, IMSIC(0, IMSIC_DELIVERY), &value) == -1 && errno == ENODEV,
	       "none of an IMSIC");
	if (set_up(STEP_NONE, 1))
		bail("cannot initialise the AIA: %s", strerror(errno));
	report_errno(riscv_aia_set(vm, INIT, 0), EBUSY, "initialising it twice");
	report_errno(riscv_aia_set(vm, CONFIG(IDS), 63), EBUSY, "changing what is in use");
	report_errno(riscv_aia_set(vm, ADDR_APLIC, RISCV_GPA_APLIC + 0x10000), EBUSY,
		     "moving the APLIC");
	report_errno(riscv_aia_set(vm, ADDR_IMSIC(0), IMSIC_PAGE(4)), EBUSY, "moving an IMSIC");
	report(get(CONFIG(IDS)) == 255 && get(ADDR_APLIC) == RISCV_GPA_APLIC,
	       "reading is fine");
	report(vcpu_run_said(&vm->vcpus[0]) == 0 && vcpu_run_said(&vm->vcpus[1]) == 1,
	       "and the guest runs");
	vm_destroy(vm);
}

/* The second vCPU has another id than 1. */
static void check_ids(void)
{
	u64 value;

	begin(1);
	vcpu_create_bare(vm, 5);
	report(!set_up(STEP_NONE, 1), "addresses go by the order of creation");
	report(!riscv_aia_get(vm, IMSIC(5, IMSIC_THRESHOLD), &value) &&
	       riscv_aia_get(vm, IMSIC(1, IMSIC_THRESHOLD), &value) == -1 && errno == ENODEV,
	       "registers by id");
	vm_destroy(vm);
}

static void check_create(void)
{
	struct kvm_create_device device = {
		.type = KVM_DEV_TYPE_RISCV_AIA, .flags = KVM_CREATE_DEVICE_TEST,
	};

	vm = vm_create(0);
	report(!ioctl(vm->fd, KVM_CREATE_DEVICE, &device), "asking for it makes none");
	device.flags = 0x80;
	report(in_tree() || (ioctl(vm->fd, KVM_CREATE_DEVICE, &device) == -1 && errno == EINVAL),
	       "an unknown flag");
	device.type = 0x7777;
	device.flags = 0;
	report_errno(ioctl(vm->fd, KVM_CREATE_DEVICE, &device), ENODEV, "an unknown device");
	device.type = KVM_DEV_TYPE_RISCV_AIA;
	report(!ioctl(vm->fd, KVM_CREATE_DEVICE, &device), "the device");
	close(device.fd);
	report(ioctl(vm->fd, KVM_CREATE_DEVICE, &device) == -1 && errno == EEXIST,
	       "there is one of it");
	vm_destroy(vm);
	/* Its memory must not lie in a slot, nor above what a guest can reach; at will. */
	begin(1);
	riscv_aia_set(vm, ADDR_APLIC, 0xfffffffffffff000ULL);
	riscv_aia_set(vm, ADDR_IMSIC(0), 0xfffffffffffff000ULL);
	riscv_aia_set(vm, INIT, 0);
	vcpu_run(&vm->vcpus[0]);
	vm_destroy(vm);
	report(true, "addresses at the end of everything do no harm");
}

/* A vCPU that comes too late is refused, or works without interrupts. */
static void check_late(void)
{
	int fd;

	if (in_tree()) {
		note("a late vCPU panics the kernel with its own");
		return;
	}
	begin(1);
	set_up(STEP_NONE, 0);
	vcpu_run_said(&vm->vcpus[0]);
	fd = ioctl(vm->fd, KVM_CREATE_VCPU, 1);
	if (fd >= 0) {
		struct vcpu *late = &vm->vcpus[1];

		late->vm = vm;
		late->id = 1;
		late->fd = fd;
		late->run = mmap(NULL, kvm_mmap_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		vm->vcpu_count = 2;
		vcpu_enter_at(late, guest_hello, 9);
		report(vcpu_run_said(late) == 9, "a late vCPU runs");
	} else {
		report(errno == EBUSY || errno == EINVAL, "a late vCPU is refused");
	}
	vm_destroy(vm);
}

TEST(aia_device)
{
	begin(2);
	report(get(CONFIG(MODE)) <= KVM_DEV_RISCV_AIA_MODE_AUTO, "a mode to begin with");
	check_config();
	check_has();
	check_addresses();
	vm_destroy(vm);
	check_create();
	check_init(STEP_NONE, 1, 0, true, "one hart, no bits");
	check_init(STEP_NONE, 2, 1, true, "two harts, one bit");
	check_init(STEP_NONE, 4, 2, true, "four harts, two bits");
	check_init(STEP_NONE, 4, 4, true, "more bits than needed");
	check_init(STEP_HART_BITS, 1, 0, true, "one hart, nothing said of bits");
	check_init(STEP_SRCS, 1, 0, true, "without sources");
	check_init(STEP_APLIC, 1, 0, false, "sources without an APLIC");
	check_init(STEP_IMSIC, 1, 0, false, "an IMSIC without an address");
	check_init(STEP_NONE, 4, 1, false, "too few bits");
	begin(0);
	set_up(STEP_NONE, 0);
	vm_destroy(vm);
	report(true, "a machine without vCPUs does no harm");
	check_after_init();
	check_ids();
	check_late();
}

/* --- aia_host: what this host can have ------------------------------------- */

static int create_device(u32 flags)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_RISCV_AIA, .flags = flags };
	int result = ioctl(vm->fd, KVM_CREATE_DEVICE, &device);

	if (!result && !flags)
		vm->irqchip_fd = device.fd;

	return result;
}

static void check_mode(u64 mode, bool offered, const char *name)
{
	u64 before = get(CONFIG(MODE));
	int result = riscv_aia_set(vm, CONFIG(MODE), mode);

	if (offered)
		report(!result && get(CONFIG(MODE)) == mode, "mode %s", name);
	else
		report(result == -1 && errno == EINVAL && get(CONFIG(MODE)) == before,
		       "no mode %s", name);
}

/*
 * VMMs ask first, and take what they are told.  The argument is what the host is
 * known to have: files, no-files or no-aia.
 */
TEST(aia_host)
{
	bool files, aia;

	vm = vm_create(0);
	aia = !create_device(KVM_CREATE_DEVICE_TEST);
	report(aia || errno == ENODEV, "asking for an AIA says %s", aia ? "yes" : "no device");
	report(aia == !create_device(0), "and so does creating one");
	report(!!kvm_cap(KVM_CAP_IRQCHIP) == aia, "KVM_CAP_IRQCHIP says the same");
	report(aia != test_has_arg("no-aia"), "as expected");
	if (aia) {
		files = get(CONFIG(MODE)) == KVM_DEV_RISCV_AIA_MODE_AUTO;
		report(files == test_has_arg("files"), "interrupt files: %s", files ? "yes" : "no");
		check_mode(KVM_DEV_RISCV_AIA_MODE_HWACCEL, files, "hwaccel");
		check_mode(KVM_DEV_RISCV_AIA_MODE_AUTO, files, "auto");
		check_mode(KVM_DEV_RISCV_AIA_MODE_EMUL, true, "emul");
		close(vm->irqchip_fd);
	}
	vm_destroy(vm);
}

/* --- aia_state: registers from outside ------------------------------------ */

static u64 claimed;

static void guest_state(u64 argument)
{
	imsic_begin();
	imsic_enable(5);
	imsic_enable(70);
	imsic_write(IMSIC_THRESHOLD, 100);
	aplic_route(7, APLIC_EDGE_RISE, 0, 33);
	aplic_write(APLIC_TARGET(9), 44);
	guest_say(0);
	/* What user space made pending. */
	claimed = imsic_claim();
	guest_say(claimed);
	guest_say(imsic_claim());
	guest_say(imsic_read(IMSIC_THRESHOLD));
	guest_say(aplic_read(APLIC_SOURCECFG(12)));
	guest_done();
}

TEST(aia_state)
{
	struct vcpu *vcpu;
	u64 value;

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_state, 0);
	vcpu_run_said(vcpu);
	report(get(IMSIC(0, IMSIC_DELIVERY)) == 1 && get(IMSIC(0, IMSIC_THRESHOLD)) == 100,
	       "delivery and threshold");
	report(get(IMSIC(0, IMSIC_EIE0)) == BIT(5) && get(IMSIC(0, IMSIC_EIE0 + 2)) == BIT(6),
	       "what is enabled");
	report(get(APLIC(APLIC_DOMAINCFG)) & APLIC_DOMAINCFG_IE &&
	       get(APLIC(APLIC_SOURCECFG(7))) == APLIC_EDGE_RISE &&
	       get(APLIC(APLIC_TARGET(7))) == 33, "the APLIC's registers");
	report(get(APLIC(APLIC_SETIE(0))) & BIT(7), "the source is enabled");
	report(riscv_aia_get(vm, APLIC(0x4000), &value) == -1, "no register behind its end");
	note("errno %d", errno);
	report(riscv_aia_get(vm, APLIC(2), &value) == -1, "none in between");
	report(riscv_aia_get(vm, IMSIC(9, IMSIC_DELIVERY), &value) == -1, "no other IMSIC");
	report(!riscv_aia_set(vm, IMSIC(0, IMSIC_EIP0), BIT(5)) &&
	       get(IMSIC(0, IMSIC_EIP0)) == BIT(5), "an interrupt can be made pending");
	report(!riscv_aia_set(vm, IMSIC(0, IMSIC_THRESHOLD), 6), "a threshold set");
	report(!riscv_aia_set(vm, APLIC(APLIC_SOURCECFG(12)), APLIC_LOW), "a source set");
	report(vcpu_run_said(vcpu) == 5, "the guest takes it");
	report(vcpu_run_said(vcpu) == 0, "once");
	report(vcpu_run_said(vcpu) == 6, "it sees the threshold");
	report(vcpu_run_said(vcpu) == APLIC_LOW, "and the source");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

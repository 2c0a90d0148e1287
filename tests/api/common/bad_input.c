// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input: every ioctl of uapi/abi.tbl with pointers that lead nowhere, sizes
 * and descriptors that are wrong, and structures full of noise.  What a call may
 * answer is its own business; what it must not do is to succeed where it cannot,
 * or to harm: afterwards the VM still runs, and the host has not complained.
 */
#include <sys/syscall.h>
#include <lib/kvm.h>

enum scope { SCOPE_SYS, SCOPE_VM, SCOPE_VCPU };

struct abi_row {
	const char	*name;
	unsigned long	 cmd;
	enum scope	 scope;
	const char	*type;		/* "-": takes no structure */
};

static const struct abi_row rows[] = {
#include <abi_rows.h>
};

static struct vm *vm;

static int scope_fd(enum scope scope)
{
	return scope == SCOPE_SYS ? kvm_open() : scope == SCOPE_VM ? vm->fd : vm->vcpus[0].fd;
}

static void guest_hello(u64 argument)
{
	guest_say(argument);
	guest_done();
}

static bool has_struct(const struct abi_row *row)
{
	return _IOC_SIZE(row->cmd) != 0;
}

/* Not with noise: they are meant to do what they say, whatever it is. */
static bool is_lasting(const struct abi_row *row)
{
	return row->cmd == KVM_RUN || row->cmd == KVM_CREATE_VM;
}

static void test_pointers(const struct abi_row *row)
{
	static const unsigned long pointers[] = {
		0, 1, 0xfff, 0xffffffffffffffff, 0xffff800000000000, 0x7ffffffff000,
	};
	/* The structure would end in nothing. */
	u8 *edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i, odd = 0;
	int result;

	munmap(edge + PAGE, PAGE);
	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		/* NULL takes the mask away. */
		if (row->cmd == KVM_SET_SIGNAL_MASK && !pointers[i])
			continue;
		result = ioctl(scope_fd(row->scope), row->cmd, pointers[i]);
		/* Some look at the state of the VM first. */
		if (result != -1 || errno == EIO)
			odd++, note("pointer 0x%lx: %d, errno %d", pointers[i], result, errno);
	}
	if (_IOC_DIR(row->cmd) & _IOC_WRITE) {
		result = ioctl(scope_fd(row->scope), row->cmd, edge + PAGE - 1);
		odd += result != -1;
	}
	munmap(edge, PAGE);
	report(!odd, "%s: bad pointers are refused", row->name);
}

static void test_sizes(const struct abi_row *row)
{
	static u8 data[65536];
	unsigned int size = _IOC_SIZE(row->cmd), odd = 0, i;
	const unsigned int sizes[] = { 0, 1, size - 1, size + 1, size * 2, 0x3fff };

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned long cmd = _IOC(_IOC_DIR(row->cmd), KVMIO, _IOC_NR(row->cmd), sizes[i]);
		const struct abi_row *other;

		/* Another ioctl may have this very number. */
		for (other = rows; other < rows + ARRAY_SIZE(rows); other++)
			if (other->cmd == cmd)
				break;
		if (sizes[i] > 0x3fff || sizes[i] == size || other < rows + ARRAY_SIZE(rows))
			continue;
		if (ioctl(scope_fd(row->scope), cmd, data) != -1 ||
		    (errno != ENOTTY && errno != EINVAL))
			odd++, note("size %u: errno %d", sizes[i], errno);
	}
	report(!odd, "%s: other sizes are other ioctls, and unknown", row->name);
}

static void test_scopes(const struct abi_row *row)
{
	static u8 data[65536];
	unsigned int odd = 0;
	enum scope scope;

	for (scope = SCOPE_SYS; scope <= SCOPE_VCPU; scope++) {
		const struct abi_row *other;

		for (other = rows; other < rows + ARRAY_SIZE(rows); other++)
			if (other->cmd == row->cmd && other->scope == scope)
				break;
		if (other < rows + ARRAY_SIZE(rows))
			continue;
		if (ioctl(scope_fd(scope), row->cmd, data) != -1 ||
		    (errno != ENOTTY && errno != EINVAL))
			odd++, note("scope %d: errno %d", scope, errno);
	}
	report(!odd, "%s: unknown on other descriptors", row->name);
}

static u64 random_state = 88172645463325252ULL;

static u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;

	return random_state;
}

/* Mostly zeroes or ones, sometimes anything: plausible enough to get deep. */
static void fill_noise(u8 *data, size_t size)
{
	size_t i;

	for (i = 0; i + 8 <= size; i += 8) {
		u64 value = random64();

		switch (random64() % 6) {
		case 0:
			break;
		case 1:
			value = ~0ULL;
			break;
		case 2:
			value &= 0xff;
			break;
		case 3:
			value = 1ULL << value % 64;
			break;
		default:
			value = 0;
		}
		memcpy(data + i, &value, 8);
	}
}

static void test_noise(const struct abi_row *row, struct vm *victim)
{
	static u8 data[65536];
	struct vm *own = vm;
	int i;

	vm = victim;
	for (i = 0; i < 200; i++) {
		int result;

		fill_noise(data, sizeof(data));
		result = ioctl(scope_fd(row->scope), row->cmd, data);
		/* Some make descriptors. */
		if (result > 2 && (row->scope != SCOPE_SYS || row->cmd == KVM_CREATE_VM) &&
		    result > victim->vcpus[0].fd)
			close(result);
	}
	vm = own;
}

TEST(bad_input)
{
	struct vm *victim;
	unsigned int i;

	vm = vm_create(VM_IRQCHIP);
	vcpu_create(vm, guest_hello, 11);
	if (!ARRAY_SIZE(rows))
		bail("the table of the ABI has no rows");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (has_struct(&rows[i]))
			test_pointers(&rows[i]);
		if (has_struct(&rows[i]))
			test_sizes(&rows[i]);
		test_scopes(&rows[i]);
	}
	/* Nothing of that changed the VM. */
	report(vcpu_run_said(&vm->vcpus[0]) == 11, "the VM runs as if nothing had been");

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!has_struct(&rows[i]) || is_lasting(&rows[i]))
			continue;
		victim = vm_create(VM_IRQCHIP);
		vcpu_create(victim, guest_hello, 12);
		test_noise(&rows[i], victim);
		/* It may run or not; it must come back. */
		victim->vcpus[0].run->immediate_exit = 1;
		vcpu_run(&victim->vcpus[0]);
		vm_destroy(victim);
	}
	report(true, "%u ioctls survived noise", i);
	vm_destroy(vm);

	vm = vm_create(0);
	report(vcpu_run_said(vcpu_create(vm, guest_hello, 13)) == 13, "and new VMs work");
	vm_destroy(vm);
}

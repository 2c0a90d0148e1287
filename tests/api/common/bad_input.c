// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input without looking at what a call is about: every ioctl of uapi/abi.tbl
 * with pointers that lead nowhere, numbers of other ioctls, descriptors of other
 * kinds and other processes, and arguments full of noise.  Each call has one of
 * the errnos of its row, or works if noise made sense; one that fails has changed
 * nothing.  Calls that are wrong in a particular way are in bad_cases.c.
 */
#include <sys/wait.h>
#include <common/abi.h>

#define NOISE_CALLS	200
#define NOISE_NS	300000000ULL	/* fewer calls where the host is slow */
#define NOISE_TAIL	2048		/* behind a structure that is followed by a list */

static u8 argument[65536] __attribute__((aligned(PAGE)));

/*
 * The kernel's own hypervisor says EINVAL here and there, and ENODEV where an ioctl of old
 * has the same number.
 */
static bool is_unknown(int result)
{
	return result == -1 && (errno == ENOTTY ||
				(in_tree() && (errno == EINVAL || errno == ENODEV)));
}

/* --- pointers ------------------------------------------------------------------ */

static bool is_fault(const struct abi_row *row, struct vm *vm, unsigned long pointer)
{
	int result = ioctl(machine_fd(vm, row->scope), row->cmd, pointer);

	if (result == -1 && (errno == EFAULT || in_tree()))
		return true;
	note("pointer 0x%lx: %d, errno %d", pointer, result, errno);

	return false;
}

static void test_pointers(const struct abi_row *row, struct vm *vm)
{
	static const unsigned long pointers[] = {
		0, 1, 0xfff, 0xffffffffffffffff, 0xffff800000000000, 0x7ffffffff000,
	};
	/* The structure would end in nothing. */
	u8 *edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool good = true;
	unsigned int i;

	munmap(edge + PAGE, PAGE);
	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		/* NULL takes the mask away. */
		if (row->cmd == KVM_SET_SIGNAL_MASK && !pointers[i])
			continue;
		good &= is_fault(row, vm, pointers[i]);
	}
	good &= is_fault(row, vm, (unsigned long)edge + PAGE - 1);
	/* What comes out has nowhere to go. */
	if (row->ways == ABI_OUT) {
		mprotect(edge, PAGE, PROT_READ);
		good &= is_fault(row, vm, (unsigned long)edge);
	}
	munmap(edge, PAGE);
	report(good, "%s: bad pointers are EFAULT", row->name);
}

/* --- numbers and descriptors ------------------------------------------------------ */

/* Another ioctl may have this very number. */
static bool is_known(unsigned long cmd)
{
	int i;

	for (i = 0; i < abi_row_count; i++)
		if (abi_rows[i].cmd == cmd)
			return true;

	return false;
}

static void test_numbers(const struct abi_row *row, struct vm *vm)
{
	const unsigned int dir = _IOC_DIR(row->cmd), nr = _IOC_NR(row->cmd);
	const unsigned int size = _IOC_SIZE(row->cmd);
	const unsigned long cmds[] = {
		_IOC(dir, KVMIO, nr, size ? 0 : 8), _IOC(dir, KVMIO, nr, size + 1),
		_IOC(dir, KVMIO, nr, size ? size - 1 : 1), _IOC(dir, KVMIO, nr, size + 8),
		_IOC(dir, KVMIO, nr, size * 2 & 0x3fff), _IOC(dir, KVMIO, nr, 0x3fff), _IOC(dir ^ _IOC_READ, KVMIO, nr, size),
		_IOC(dir ^ _IOC_WRITE, KVMIO, nr, size), _IOC(dir, KVMIO ^ 1, nr, size),
		_IOC(dir, KVMIO ^ 0x11, nr, size),
	};
	int fd = machine_fd(vm, row->scope), odd = 0;
	unsigned int i;

	memset(argument, 0, sizeof(argument));
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if (!is_known(cmds[i]) && !is_unknown(ioctl(fd, cmds[i], argument)))
			odd++, note("number 0x%lx: errno %d", cmds[i], errno);
	report(!odd, "%s: other sizes, ways and types are unknown", row->name);
}

static void test_scopes(const struct abi_row *row, struct vm *vm)
{
	enum abi_scope scope;
	int odd = 0;

	for (scope = SCOPE_SYS; scope < SCOPE_COUNT; scope++) {
		int fd = machine_fd(vm, scope);

		if (fd < 0 || abi_find(row->cmd, scope))
			continue;
		if (!is_unknown(ioctl(fd, row->cmd, argument)))
			odd++, note("scope %d: errno %d", scope, errno);
	}
	report(!odd, "%s: unknown on other descriptors", row->name);
}

/* In another process, which has the VM's descriptors; how many calls surprise. */
static int try_as_stranger(struct vm *vm)
{
	const struct abi_row *row;
	int odd = 0;

	for (row = abi_rows; row < abi_rows + abi_row_count; row++) {
		int fd = machine_fd(vm, row->scope);

		if (row->scope == SCOPE_SYS || fd < 0)
			continue;
		if (ioctl(fd, row->cmd, argument) != -1 || errno != EIO)
			odd++, note("%s: errno %d", row->name, errno);
	}

	return odd;
}

static void test_stranger(struct vm *vm)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child)
		_exit(try_as_stranger(vm));
	waitpid(child, &status, 0);
	report(status == 0, "in another process all of them are EIO");
}

/* --- noise --------------------------------------------------------------------------- */

/* The same noise each time; an argument of the test makes it another. */
static u64 random_state = 88172645463325252ULL;

static u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;

	return random_state;
}

/* Mostly zeroes or ones, sometimes anything: plausible enough to get deep. */
static u64 random_word(void)
{
	u64 value = random64();

	switch (random64() % 6) {
	case 0:
		return value;
	case 1:
		return ~0ULL;
	case 2:
		return value & 0xff;
	case 3:
		return 1ULL << value % 64;
	default:
		return 0;
	}
}

static unsigned long noise_argument(const struct abi_row *row)
{
	u64 value;
	size_t i;

	/* With anything but 0 it runs nothing. */
	if (!row->size)
		return random_word() | (row->cmd == KVM_RUN);

	for (i = 0; i < row->size + NOISE_TAIL; i += sizeof(value)) {
		value = random_word();
		memcpy(argument + i, &value, sizeof(value));
	}

	return (unsigned long)argument;
}

/* True if the call did what its row says.  @moving: see state_same(). */
static bool noise_call(const struct abi_row *row, struct vm *vm, struct state **before,
		       bool *moving)
{
	int fd = machine_fd(vm, row->scope), error;
	unsigned long arg = noise_argument(row);
	int result = ioctl(fd, row->cmd, arg);
	struct state *after;
	bool good;

	error = errno;
	if (in_tree()) {
		if (result >= 0 && abi_makes_fd(row))
			close(result);
		return true;
	}
	if (result >= 0) {
		if (abi_makes_fd(row))
			close(result);
		state_free(*before);
		*before = state_read(vm);
		*moving = false;
		return true;
	}
	after = state_read(vm);
	good = state_same(*before, after, *moving);
	state_free(*before);
	*before = after;
	if (good && abi_lists(row, error))
		return true;
	note("errno %d (%s)", error, strerror(error));

	return false;
}

static void test_noise(const struct abi_row *row)
{
	struct vm *vm = machine_create(MACHINE_DEVICES);
	struct state *before = state_read(vm);
	bool good = true, moving = true;
	u64 end = now_ns() + NOISE_NS;
	int i;

	if (machine_fd(vm, row->scope) >= 0) {
		for (i = 0; i < NOISE_CALLS && good && now_ns() < end; i++)
			good = noise_call(row, vm, &before, &moving);
		report(good, "%s: noise is taken, or refused as documented", row->name);
	}
	state_free(before);
	/* It may run or not; it must come back. */
	vm->vcpus[0].run->immediate_exit = 1;
	vcpu_run(&vm->vcpus[0]);
	machine_destroy(vm);
}

/* None of these can work, so that all can be tried on one machine. */
static void test_impossible(void)
{
	struct vm *vm = machine_create(MACHINE_DEVICES);
	struct state *before = state_read(vm), *after;
	const struct abi_row *row;

	for (row = abi_rows; row < abi_rows + abi_row_count; row++) {
		if (machine_fd(vm, row->scope) < 0)
			continue;
		if (row->size)
			test_pointers(row, vm);
		test_numbers(row, vm);
		test_scopes(row, vm);
	}
	test_stranger(vm);
	after = state_read(vm);
	report(state_same(before, after, true), "nothing of that changed anything");
	state_free(before);
	state_free(after);
	report(machine_works(vm), "the VM runs as if nothing had been");
	machine_destroy(vm);
}

TEST(bad_input)
{
	const struct abi_row *row;
	struct vm *vm;

	if (!abi_row_count)
		bail("the table of the ABI has no rows");
	if (test_arg_count)
		random_state ^= strtoull(test_args[0], NULL, 0);
	test_impossible();
	for (row = abi_rows; row < abi_rows + abi_row_count; row++)
		test_noise(row);

	vm = machine_create(0);
	report(machine_works(vm), "and new VMs work");
	machine_destroy(vm);
}

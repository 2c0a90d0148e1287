// SPDX-License-Identifier: GPL-2.0-only
/* See abi.h: rows, machines, and state that can be compared. */
#include <common/abi.h>

/* --- rows --------------------------------------------------------------------- */

#define ABI_IOCTL(name_, scope_, size_, ways_, ...)				\
	{ .name = #name_, .cmd = name_, .scope = scope_, .size = size_,		\
	  .ways = (size_) == 0 ? 0 : (ways_) ? (ways_) :			\
		  (_IOC_DIR(name_) & _IOC_WRITE ? ABI_IN : 0) |			\
		  (_IOC_DIR(name_) & _IOC_READ ? ABI_OUT : 0),			\
	  .errnos = { __VA_ARGS__ } },
#define ABI_CAP(name_, comparison, answer)

const struct abi_row abi_rows[] = {
#include <abi_rows.h>
};

const int abi_row_count = ARRAY_SIZE(abi_rows);

const struct abi_row *abi_find(unsigned long cmd, enum abi_scope scope)
{
	int i;

	for (i = 0; i < abi_row_count; i++)
		if (abi_rows[i].cmd == cmd && abi_rows[i].scope == scope)
			return &abi_rows[i];

	return NULL;
}

bool abi_lists(const struct abi_row *row, int error)
{
	int i;

	for (i = 0; i < ABI_ERRNOS; i++)
		if (row->errnos[i] == error)
			return error != 0;

	return false;
}

bool abi_makes_fd(const struct abi_row *row)
{
	return abi_lists(row, EMFILE);
}

/* --- machines -------------------------------------------------------------------- */

#define MACHINE_WORD	0x5eed

static void *machine_slot_memory;
static int machine_device = -1;

__attribute__((weak)) void arch_machine_devices(struct vm *vm)
{
}

static void guest_answer(u64 argument)
{
	for (;;)
		guest_say(argument);
}

/*
 * Some device with attributes, of the first type that there is; or -1.  An irqchip that is
 * one will do.
 */
static int device_create(struct vm *vm)
{
	struct kvm_create_device args = { .fd = -1 };

	if (!kvm_cap(KVM_CAP_DEVICE_CTRL) || vm->irqchip_fd >= 0)
		return -1;
	for (args.type = 0; args.type < KVM_DEV_TYPE_MAX; args.type++)
		if (!ioctl(vm->fd, KVM_CREATE_DEVICE, &args))
			return args.fd;

	return -1;
}

struct vm *machine_create(u32 flags)
{
	u64 size = MACHINE_SLOT_PAGES * PAGE;
	struct vm *vm;

	if (flags & MACHINE_DEVICES)
		flags |= VM_IRQCHIP;
	vm = vm_create(flags & (VM_IRQCHIP | VM_BARE));
	if (flags & MACHINE_DEVICES) {
		arch_machine_devices(vm);
		machine_device = device_create(vm);
	}
	machine_slot_memory = vm_add_memory(vm, MACHINE_SLOT, MACHINE_GPA, size, 0);
	vm_add_memory(vm, MACHINE_SLOT_LOG, MACHINE_GPA_LOG, size, KVM_MEM_LOG_DIRTY_PAGES);
	if (!(flags & MACHINE_NO_VCPU))
		vcpu_create(vm, guest_answer, MACHINE_WORD);
	if (flags & MACHINE_RAN)
		vcpu_run_said(&vm->vcpus[0]);

	return vm;
}

void machine_destroy(struct vm *vm)
{
	if (machine_device >= 0)
		close(machine_device);
	machine_device = -1;
	vm_destroy(vm);
}

void *machine_memory(void)
{
	return machine_slot_memory;
}

bool machine_works(struct vm *vm)
{
	if (!vm->vcpu_count)
		vcpu_create(vm, guest_answer, MACHINE_WORD);

	return vcpu_run_said(&vm->vcpus[0]) == MACHINE_WORD;
}

int machine_fd(struct vm *vm, enum abi_scope scope)
{
	switch (scope) {
	case SCOPE_SYS:
		return kvm_open();
	case SCOPE_VM:
		return vm->fd;
	case SCOPE_VCPU:
		return vm->vcpu_count ? vm->vcpus[0].fd : -1;
	default:
		/* The irqchip may be one. */
		return machine_device >= 0 ? machine_device : vm->irqchip_fd;
	}
}

/* --- state ------------------------------------------------------------------------ */

extern const struct state_part __start_state_parts[], __stop_state_parts[];

struct state {
	size_t	size;
	u8	data[];		/* per part: result, errno, what was read */
};

/* A call that fails leaves no descriptor behind. */
static int read_next_fd(struct vm *vm, void *data)
{
	int fd = dup(0);

	close(fd);
	memcpy(data, &fd, sizeof(fd));

	return 0;
}

/* Whether the slots are where they were: nothing else fits there. */
static int read_slots(struct vm *vm, void *data)
{
	static const u64 addresses[] = { MACHINE_GPA, MACHINE_GPA_LOG };
	int *error = data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		errno = 0;
		if (!vm_set_slot(vm, MACHINE_SLOT_LOG + 1, addresses[i],
				 MACHINE_SLOT_PAGES * PAGE, machine_slot_memory, 0))
			vm_set_slot(vm, MACHINE_SLOT_LOG + 1, addresses[i], 0, NULL, 0);
		error[i] = errno;
	}

	return 0;
}

STATE_PARTS(portable_parts) = {
	{ .name = "the next descriptor", .size = sizeof(int), .read = read_next_fd },
	{ .name = "the slots", .size = 2 * sizeof(int), .read = read_slots },
	{ .name = "KVM_GET_MP_STATE", .scope = SCOPE_VCPU, .cmd = KVM_GET_MP_STATE,
	  .size = sizeof(struct kvm_mp_state) },
};

static size_t part_size(const struct state_part *part)
{
	return 2 * sizeof(int) + ((part->size + 7) & ~7UL);
}

static void part_read(const struct state_part *part, struct vm *vm, u8 *out)
{
	int fd = machine_fd(vm, part->scope), *head = (int *)out;
	u8 *data = out + 2 * sizeof(int);

	memcpy(data, part->ask, part->ask_size);
	errno = 0;
	if (part->read)
		head[0] = part->read(vm, data);
	else if (fd >= 0)
		head[0] = ioctl(fd, part->cmd, data);
	head[1] = head[0] < 0 ? errno : 0;
}

struct state *state_read(struct vm *vm)
{
	const struct state_part *part;
	struct state *state;
	size_t size = 0;
	u8 *out;

	for (part = __start_state_parts; part < __stop_state_parts; part++)
		size += part_size(part);
	state = calloc(1, sizeof(*state) + size);
	out = state->data;
	for (part = __start_state_parts; part < __stop_state_parts; part++) {
		part_read(part, vm, out);
		out += part_size(part);
	}

	return state;
}

static bool part_same(const struct state_part *part, const u8 *before, const u8 *after)
{
	size_t head = 2 * sizeof(int), i;

	if (memcmp(before, after, head)) {
		note("%s: %d, errno %d; was %d, errno %d", part->name, ((int *)after)[0],
		     ((int *)after)[1], ((int *)before)[0], ((int *)before)[1]);
		return false;
	}
	if (part->same && part->same(before + head, after + head))
		return true;
	for (i = head; i < head + part->size; i++)
		if (before[i] != after[i])
			break;
	if (i == head + part->size)
		return true;
	note("%s: byte %zu was 0x%x and is 0x%x", part->name, i - head, before[i], after[i]);

	return false;
}

bool state_same(const struct state *before, const struct state *after, bool moving)
{
	const struct state_part *part;
	bool same = true;
	size_t offset = 0;

	for (part = __start_state_parts; part < __stop_state_parts; part++) {
		if (moving || !part->moves)
			same &= part_same(part, before->data + offset, after->data + offset);
		offset += part_size(part);
	}

	return same;
}

void state_free(struct state *state)
{
	free(state);
}

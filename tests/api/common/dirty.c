// SPDX-License-Identifier: GPL-2.0-only
/* The dirty log: KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG, manual protection. */
#include <endian.h>
#include <lib/kvm.h>

#define PAGES	100		/* not a multiple of 64 */

static void guest_touch(u64 argument)
{
	u64 page;

	/* Each turn: write one page of the list that user space wrote into RAM. */
	for (;;) {
		page = guest_read64(0x70000);
		if (page < PAGES)
			guest_write64(GPA_TEST + page * PAGE + 64, page + 1);
		else
			(void)guest_read64(GPA_TEST + (page - PAGES) * PAGE);
		guest_say(page);
	}
}

static struct vm *vm;
static struct vcpu *vcpu;
static u64 bitmap[2];

static void touch(u64 page)
{
	*(u64 *)(vm->ram + 0x70000) = page;
	vcpu_run_said(vcpu);
}

/* Bit n of a log is bit n % 8 of its byte n / 8, on every architecture. */
static int get(u32 slot)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };
	int result;

	memset(bitmap, 0xff, sizeof(bitmap));
	result = ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
	bitmap[0] = le64toh(bitmap[0]);
	bitmap[1] = le64toh(bitmap[1]);

	return result;
}

static int clear(u64 first, u32 count, u64 bits)
{
	u64 words = htole64(bits);
	struct kvm_clear_dirty_log log = {
		.slot = 8, .first_page = first, .num_pages = count, .dirty_bitmap = &words,
	};

	return ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
}

static bool log_is(u64 low, u64 high)
{
	if (bitmap[0] == low && bitmap[1] == high)
		return true;

	note("the log is 0x%llx 0x%llx, not 0x%llx 0x%llx", (unsigned long long)bitmap[0],
	     (unsigned long long)bitmap[1], (unsigned long long)low, (unsigned long long)high);

	return false;
}

static void *setup(void)
{
	void *memory;

	vm = vm_create(0);
	memory = vm_add_memory(vm, 8, GPA_TEST, PAGES * PAGE, 0);
	vcpu = vcpu_create(vm, guest_touch, 0);

	return memory;
}

TEST(dirty_log)
{
	void *memory = setup();

	touch(0);
	report_errno(get(8), ENOENT, "a slot without a log");
	report_errno(get(20), ENOENT, "a slot that is not there");
	report(get(0xffff) == -1 && (errno == ENOENT || errno == EINVAL),
	       "a slot that cannot be there");
	vm_set_slot(vm, 8, GPA_TEST, PAGES * PAGE, memory, KVM_MEM_LOG_DIRTY_PAGES);
	report(!get(8) && log_is(0, 0), "nothing is dirty at first, not even what was mapped");
	touch(0);
	touch(3);
	touch(63);
	touch(64);
	touch(99);
	report(!get(8) && log_is(BIT(0) | BIT(3) | BIT(63), BIT(0) | BIT(35)),
	       "what was written is");
	report(!get(8) && log_is(0, 0), "once");
	touch(3);
	touch(3);
	report(!get(8) && log_is(BIT(3), 0), "again after another write");
	touch(PAGES + 5);
	report(!get(8) && log_is(0, 0), "a read makes nothing dirty");
	report(((u64 *)memory)[3 * PAGE / 8 + 8] == 4, "the data is there");
	vm_set_slot(vm, 8, GPA_TEST, PAGES * PAGE, memory, 0);
	touch(7);
	report_errno(get(8), ENOENT, "off again");
	report(((u64 *)memory)[7 * PAGE / 8 + 8] == 8, "and writes go on");
	vm_destroy(vm);
}

static int enable_manual(u64 value)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = value,
	};

	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

TEST(dirty_log_manual)
{
	void *memory = setup();

	need_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, "manual dirty log");
	report_errno(enable_manual(0x80), EINVAL, "an unknown bit");
	report(!enable_manual(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE), "manual protection");
	vm_set_slot(vm, 8, GPA_TEST, PAGES * PAGE, memory, KVM_MEM_LOG_DIRTY_PAGES);
	touch(1);
	touch(70);
	report(!get(8) && log_is(BIT(1), BIT(6)), "the log");
	report(!get(8) && log_is(BIT(1), BIT(6)), "stays, as GET does not clear");
	report_errno(clear(1, 64, ~0ULL), EINVAL, "clearing from an odd page");
	report_errno(clear(0, 10, ~0ULL), EINVAL, "clearing an odd number");
	report_errno(clear(64, 64, ~0ULL), EINVAL, "clearing beyond the end");
	report_errno(clear(1ULL << 60, 64, ~0ULL), EINVAL, "clearing far away");
	report(!clear(0, 64, BIT(1)) && !get(8) && log_is(0, BIT(6)), "clearing one page");
	report(!clear(64, PAGES - 64, ~0ULL) && !get(8) && log_is(0, 0),
	       "clearing up to the end of the slot");
	touch(1);
	report(!get(8) && log_is(BIT(1), 0), "a cleared page becomes dirty again");
	report(!clear(0, 64, 0) && !get(8) && log_is(BIT(1), 0), "clearing no bits");
	vm_destroy(vm);

	if (!(kvm_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) & KVM_DIRTY_LOG_INITIALLY_SET))
		return;
	memory = setup();
	report(!enable_manual(3), "a log that is initially set");
	vm_set_slot(vm, 8, GPA_TEST, PAGES * PAGE, memory, KVM_MEM_LOG_DIRTY_PAGES);
	report(!get(8) && bitmap[0] == ~0ULL && (bitmap[1] & 0xfffffffff) == 0xfffffffff,
	       "everything is dirty at first");
	clear(0, 64, ~0ULL);
	touch(2);
	report(!get(8) && bitmap[0] == BIT(2), "and then what was written");
	vm_destroy(vm);
}

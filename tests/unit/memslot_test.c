// SPDX-License-Identifier: GPL-2.0-only
/* Slots: what may be said about them, what happens then, and access to memory. */
#include "machine.h"

#define GPA	(4UL << 20)

static struct machine m;

TEST(slot_arguments_are_checked)
{
	const unsigned long top = 1UL << 47;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA + 1, HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE + 1, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory + 1, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 4), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 1U << 31), -EINVAL);
	CHECK_EQ(machine_slot(&m, MEMSLOT_IDS, GPA, HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, ARCH_ADDRESS_SPACES << 16, GPA, HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0xffff0000, GPA, HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, -HUGE, 2 * HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, 1UL << 48, HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, (1UL << 48) - PAGE_SIZE, 2 * PAGE_SIZE, m.memory, 0), -EINVAL);
	/* The architecture's own limit. */
	CHECK_EQ(machine_slot(&m, 0, 1UL << 38, HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, 0, (MEMSLOT_MAX_PAGES + 1) << PAGE_SHIFT, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, (void *)top, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, (void *)(top - PAGE_SIZE), 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, (void *)-HUGE, 0), -EINVAL);
	/* A tag above the address. */
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, (void *)((unsigned long)m.memory | 0x3fUL << 57), 0),
		 -EINVAL);
	/* Nothing to delete. */
	CHECK_EQ(machine_slot(&m, 0, GPA, 0, m.memory, 0), -EINVAL);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA, PROT_GUEST_READ), FAULT_NO_SLOT);
	CHECK_EQ(machine_slot(&m, MEMSLOT_IDS - 1, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1 << 16 | 5, GPA, HUGE, m.memory, 0), 0);
	machine_destroy(&m);
}

TEST(slots_do_not_overlap)
{
	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1, GPA, HUGE, m.memory, 0), -EEXIST);
	CHECK_EQ(machine_slot(&m, 1, GPA + HUGE - PAGE_SIZE, HUGE, m.memory, 0), -EEXIST);
	CHECK_EQ(machine_slot(&m, 1, GPA - PAGE_SIZE, 2 * PAGE_SIZE, m.memory, 0), -EEXIST);
	CHECK_EQ(machine_slot(&m, 1, 0, 8UL << 20, m.memory, 0), -EEXIST);
	/* Beside it on both sides, and in the other address space. */
	CHECK_EQ(machine_slot(&m, 1, GPA - PAGE_SIZE, PAGE_SIZE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 2, GPA + HUGE, PAGE_SIZE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1 << 16, GPA, HUGE, m.memory, 0), 0);
	machine_destroy(&m);
}

#define MANY	97	/* a prime */

static u64 place(u32 id)
{
	return GPA + 2 * PAGE_SIZE * id;
}

/* Is each of the slots found by its frame, but for every @gone-th, and nothing between them? */
static void check_found(u32 gone)
{
	int index = srcu_read_lock(&m.vm->srcu);
	struct memslot *slot;
	u32 id;

	CHECK(!memslot_find(m.vm, 0, gpa_to_gfn(GPA) - 1));
	for (id = 0; id < MANY; id++) {
		slot = memslot_find(m.vm, 0, gpa_to_gfn(place(id)));
		if (gone && id % gone == 0)
			CHECK(!slot);
		else
			CHECK(slot && slot->id == id);
		CHECK(!memslot_find(m.vm, 0, gpa_to_gfn(place(id)) + 1));
	}
	srcu_read_unlock(&m.vm->srcu, index);
}

/* They come, go and come back in an order that is not theirs. */
TEST(slots_are_found_whatever_their_order)
{
	u32 step, i, id;

	machine_create(&m, 1);
	for (step = 1; step < MANY - 1; step += 5) {
		for (i = 0; i < MANY; i++) {
			id = i * step % MANY;
			CHECK_EQ(machine_slot(&m, id, place(id), PAGE_SIZE, m.memory, 0), 0);
		}
		check_found(0);
		for (id = 0; id < MANY; id += 3)
			CHECK_EQ(machine_slot(&m, id, place(id), 0, m.memory, 0), 0);
		check_found(3);
		for (i = 0; i < MANY; i++) {
			id = MANY - 1 - i;
			if (id % 3 == 0)
				CHECK_EQ(machine_slot(&m, id, place(id), PAGE_SIZE, m.memory, 0),
					 0);
		}
		check_found(0);
		for (i = 0; i < MANY; i++) {
			id = i * (step + 1) % MANY;
			CHECK_EQ(machine_slot(&m, id, place(id), 0, m.memory, 0), 0);
		}
		check_found(1);
	}
	machine_destroy(&m);
}

TEST(slot_change_in_place_is_only_the_log)
{
	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_store(&m, GPA, 1), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, 2 * HUGE, m.memory, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory + PAGE_SIZE, 0), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, KVM_MEM_READONLY), -EINVAL);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, KVM_MEM_LOG_DIRTY_PAGES), 0);
	/* Still mapped; only writes have to show. */
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, 0, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, KVM_MEM_READONLY), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory,
			      KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES), 0);
	machine_destroy(&m);
}

TEST(slot_deleted_is_unmapped)
{
	u64 value;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1, GPA + HUGE, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_store(&m, GPA, 1), 0);
	CHECK_EQ(machine_store(&m, GPA + HUGE, 2), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA, 0, m.memory, 0), 0);
	CHECK_EQ(machine_load(&m, GPA, &value), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MMIO);
	CHECK_EQ(machine_level(&m, GPA + HUGE, NULL), 0);
	/* And back again, at the same place. */
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory + HUGE, 0), 0);
	CHECK_EQ(machine_load(&m, GPA, &value), 0);
	CHECK_EQ(value, 0);
	machine_destroy(&m);
}

TEST(slot_moves)
{
	u64 value;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1, GPA + 4 * HUGE, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_store(&m, GPA, 1234), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA + 4 * HUGE - PAGE_SIZE, HUGE, m.memory, 0), -EEXIST);
	CHECK_EQ(machine_load(&m, GPA, &value), 0);
	CHECK_EQ(value, 1234);
	/* Onto part of its own place. */
	CHECK_EQ(machine_slot(&m, 0, GPA + PAGE_SIZE, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_level(&m, GPA, NULL), -ENOENT);
	CHECK_EQ(machine_load(&m, GPA + PAGE_SIZE, &value), 0);
	CHECK_EQ(value, 1234);
	CHECK_EQ(vcpu_fault(m.vcpu, GPA, PROT_GUEST_READ), FAULT_NO_SLOT);
	shim_invalidate(m.memory, PAGE_SIZE);
	CHECK_EQ(machine_level(&m, GPA + PAGE_SIZE, NULL), -ENOENT);
	/* And down, past it, and where a part of its own place is free and a part is not. */
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA + 6 * HUGE, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA + 5 * HUGE, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA + 5 * HUGE - PAGE_SIZE, HUGE, m.memory, 0), -EEXIST);
	CHECK_EQ(machine_slot(&m, 0, GPA + 3 * HUGE, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 0, GPA + 3 * HUGE + PAGE_SIZE, HUGE, m.memory, 0), -EEXIST);
	CHECK_EQ(machine_load(&m, GPA + 3 * HUGE, &value), 0);
	CHECK_EQ(value, 1234);
	CHECK_EQ(machine_slot(&m, 0, GPA + 3 * HUGE, 0, m.memory, 0), 0);
	machine_destroy(&m);
}

TEST(slot_readonly)
{
	u64 value;
	u8 prot;

	machine_create(&m, 1);
	*(u64 *)m.memory = 99;
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, KVM_MEM_READONLY), 0);
	CHECK_EQ(machine_load(&m, GPA, &value), 0);
	CHECK_EQ(value, 99);
	machine_level(&m, GPA, &prot);
	CHECK(!(prot & PROT_GUEST_WRITE));
	CHECK_EQ(machine_store(&m, GPA, 5), 0);
	CHECK_EQ(m.run->exit_reason, KVM_EXIT_MMIO);
	CHECK(m.run->mmio.is_write);
	CHECK_EQ(*(u64 *)m.memory, 99);
	CHECK(!PageDirty(virt_to_page(m.memory)));
	machine_destroy(&m);
}

/* --- without memory ------------------------------------------------------------ */

/*
 * Ask for a change with the first, second, ... allocation failing, until none is
 * left to fail; before each, @unchanged() has to find everything as it was.
 */
static void change_at_last(u64 gpa, u32 flags, void (*unchanged)(void))
{
	long before = shim_allocated, ret;
	int at;

	for (at = 1; ; at++) {
		shim_fail_at = at;
		ret = machine_slot(&m, 0, gpa, HUGE, m.memory, flags);
		shim_fail_at = 0;
		if (ret != -ENOMEM)
			break;
		CHECK_EQ(shim_allocated, before);
		unchanged();
	}
	CHECK_EQ(ret, 0);
	CHECK(at > 1);
}

static void has_no_slot(void)
{
	CHECK_EQ(vcpu_fault(m.vcpu, GPA, PROT_GUEST_READ), FAULT_NO_SLOT);
	CHECK(!memslot_by_id(m.vm, 0, 0));
}

static void has_log(void)
{
	CHECK(memslot_find(m.vm, 0, gpa_to_gfn(GPA))->dirty);
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
}

static void has_no_log(void)
{
	CHECK(!memslot_find(m.vm, 0, gpa_to_gfn(GPA))->dirty);
	CHECK_EQ(machine_level(&m, GPA, NULL), 0);
}

TEST(slot_changes_whole_or_not_at_all)
{
	u64 value;

	machine_create(&m, 1);
	change_at_last(GPA, KVM_MEM_LOG_DIRTY_PAGES, has_no_slot);
	CHECK_EQ(machine_store(&m, GPA, 1), 0);
	page_cache_drain(&m.vcpu->page_cache);
	change_at_last(GPA, 0, has_log);
	CHECK_EQ(machine_store(&m, GPA, 2), 0);
	change_at_last(GPA, KVM_MEM_LOG_DIRTY_PAGES, has_no_log);
	change_at_last(2 * GPA, KVM_MEM_LOG_DIRTY_PAGES, has_log);
	CHECK_EQ(machine_load(&m, 2 * GPA, &value), 0);
	CHECK_EQ(value, 2);
	/* Deleting always works. */
	shim_fail_at = 1;
	CHECK_EQ(machine_slot(&m, 0, 2 * GPA, 0, m.memory, 0), 0);
	shim_fail_at = 0;
	machine_destroy(&m);
}

/* --- access to guest memory --------------------------------------------------------- */

TEST(guest_memory_is_read_and_written)
{
	u8 out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
	unsigned int i;
	int index;

	machine_create(&m, 1);
	/* Two slots side by side in the guest and apart in the host; and a ROM. */
	CHECK_EQ(machine_slot(&m, 0, GPA, 2 * PAGE_SIZE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1, GPA + 2 * PAGE_SIZE, 2 * PAGE_SIZE, m.memory + HUGE, 0), 0);
	CHECK_EQ(machine_slot(&m, 2, GPA + 4 * PAGE_SIZE, PAGE_SIZE, m.memory + 2 * HUGE,
			      KVM_MEM_READONLY), 0);
	for (i = 0; i < sizeof(out); i++)
		out[i] = i * 7;

	index = srcu_read_lock(&m.vm->srcu);
	CHECK_EQ(guest_write(m.vcpu, GPA + 100, out, sizeof(out)), 0);
	CHECK_EQ(guest_read(m.vcpu, GPA + 100, in, sizeof(in)), 0);
	CHECK(!memcmp(in, out, sizeof(in)));
	CHECK(!memcmp(m.memory + HUGE, out + 2 * PAGE_SIZE - 100, 100));
	CHECK_EQ(vm_guest_read(m.vm, GPA + 100, in, 10), 0);
	CHECK_EQ(vm_guest_write(m.vm, GPA + 100, in, 10), 0);
	CHECK_EQ(guest_write(m.vcpu, GPA + 4 * PAGE_SIZE, out, 1), -EFAULT);
	CHECK_EQ(guest_read(m.vcpu, GPA + 4 * PAGE_SIZE, in, 1), 0);
	CHECK_EQ(guest_read(m.vcpu, GPA + 5 * PAGE_SIZE - 1, in, 2), -EFAULT);
	CHECK_EQ(guest_read(m.vcpu, GPA - 1, in, 2), -EFAULT);
	CHECK_EQ(guest_read(m.vcpu, ~0ULL, in, 2), -EFAULT);
	CHECK_EQ(guest_read(m.vcpu, ~0ULL, in, 0), 0);
	shim_host_set(m.memory, PAGE_SIZE, HOST_ABSENT, 0);
	CHECK_EQ(guest_read(m.vcpu, GPA, in, 8), -EFAULT);
	srcu_read_unlock(&m.vm->srcu, index);

	CHECK_EQ(guest_read_nofault(m.vcpu, GPA + PAGE_SIZE, in, 8), 0);
	CHECK(!memcmp(in, out + PAGE_SIZE - 100, 8));
	CHECK_EQ(guest_read_nofault(m.vcpu, GPA + 2 * PAGE_SIZE - 4, in, 8), -EFAULT);
	CHECK_EQ(guest_write_nofault(m.vcpu, GPA + PAGE_SIZE, "12345678", 8), 0);
	CHECK(!memcmp(m.memory + PAGE_SIZE, "12345678", 8));
	CHECK_EQ(guest_write_nofault(m.vcpu, GPA + 2 * PAGE_SIZE - 4, out, 8), -EFAULT);
	CHECK_EQ(guest_write_nofault(m.vcpu, GPA + 4 * PAGE_SIZE, out, 8), -EFAULT);
	CHECK_EQ(guest_write_nofault(m.vcpu, ~0ULL - 3, out, 8), -EFAULT);
	shim_host_set(m.memory + PAGE_SIZE, PAGE_SIZE, HOST_SLOW, 0);
	CHECK_EQ(guest_read_nofault(m.vcpu, GPA + PAGE_SIZE, in, 8), -EFAULT);
	CHECK_EQ(guest_write_nofault(m.vcpu, GPA + PAGE_SIZE, out, 8), -EFAULT);
	CHECK(!memcmp(m.memory + PAGE_SIZE, "12345678", 8));
	machine_destroy(&m);
}

TEST(guest_memory_of_another_process_is_out_of_reach)
{
	struct mm_struct other = { .task_size = 1UL << 47 };
	u64 value;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	current->mm = &other;
	CHECK_EQ(vm_guest_read(m.vm, GPA, &value, 8), -EFAULT);
	CHECK_EQ(vm_guest_write(m.vm, GPA, &value, 8), -EFAULT);
	CHECK_EQ(guest_read_nofault(m.vcpu, GPA, &value, 8), -EFAULT);
	CHECK_EQ(guest_write_nofault(m.vcpu, GPA, &value, 8), -EFAULT);
	CHECK_EQ(guest_cmpxchg(m.vcpu, GPA, 0, 1, 8), -EFAULT);
	CHECK_EQ(machine_slot(&m, 0, GPA, 0, m.memory, 0), -EIO);
	CHECK_EQ(machine_continue(&m, 0), -EIO);
	current->mm = &shim_mm;
	machine_destroy(&m);
}

TEST(guest_cmpxchg_of_every_size)
{
	size_t len;
	u64 value;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1, 2 * GPA, HUGE, m.memory, KVM_MEM_READONLY), 0);
	for (len = 1; len <= 8; len *= 2) {
		*(u64 *)m.memory = 0x1111111111111111;
		value = 0x2222222222222222;
		CHECK_EQ(guest_cmpxchg(m.vcpu, GPA, 0x3333333333333333, value, len), -EAGAIN);
		CHECK_EQ(guest_cmpxchg(m.vcpu, GPA, 0x1111111111111111, value, len), 0);
		CHECK_EQ(*(u64 *)m.memory, len == 8 ? value :
			 (0x1111111111111111 & ~(BIT_ULL(8 * len) - 1)) |
			 (value & (BIT_ULL(8 * len) - 1)));
		if (len > 1)
			CHECK_EQ(guest_cmpxchg(m.vcpu, GPA + 1, 0, 0, len), -EFAULT);
	}
	CHECK_EQ(guest_cmpxchg(m.vcpu, GPA, 0, 0, 3), -EFAULT);
	CHECK_EQ(guest_cmpxchg(m.vcpu, GPA, 0, 0, 16), -EFAULT);
	CHECK_EQ(guest_cmpxchg(m.vcpu, GPA, 0, 0, 0), -EFAULT);
	CHECK_EQ(guest_cmpxchg(m.vcpu, 2 * GPA, 0, 0, 8), -EFAULT);
	CHECK_EQ(guest_cmpxchg(m.vcpu, 0, 0, 0, 8), -EFAULT);
	CHECK(PageDirty(virt_to_page(m.memory)));
	CHECK_EQ(shim_page_refs(), 0);
	machine_destroy(&m);
}

TEST(slot_cache_follows_the_slots)
{
	struct memslot *first, *second;
	int index;

	machine_create(&m, 1);
	CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1, GPA + 2 * HUGE, HUGE, m.memory, 0), 0);
	CHECK_EQ(machine_slot(&m, 1 << 16, GPA, HUGE, m.memory, 0), 0);
	index = srcu_read_lock(&m.vm->srcu);
	first = vcpu_memslot(m.vcpu, gpa_to_gfn(GPA));
	CHECK(first && first == vcpu_memslot(m.vcpu, gpa_to_gfn(GPA) + 1));
	CHECK(!vcpu_memslot(m.vcpu, gpa_to_gfn(GPA + HUGE)));
	CHECK(m.vcpu->slot_cache[0] == first && m.vcpu->slot_cache[1] == first);
	/* Two are kept, the last first. */
	second = vcpu_memslot(m.vcpu, gpa_to_gfn(GPA + 2 * HUGE));
	CHECK(second && second != first);
	CHECK(m.vcpu->slot_cache[0] == second && m.vcpu->slot_cache[1] == first);
	CHECK(vcpu_memslot(m.vcpu, gpa_to_gfn(GPA)) == first);
	CHECK(m.vcpu->slot_cache[0] == first && m.vcpu->slot_cache[1] == second);
	m.vcpu->as_id = 1;
	CHECK(vcpu_memslot(m.vcpu, gpa_to_gfn(GPA)) != first);
	m.vcpu->as_id = 0;
	CHECK(vcpu_memslot(m.vcpu, gpa_to_gfn(GPA)) == first);
	srcu_read_unlock(&m.vm->srcu, index);
	CHECK_EQ(machine_slot(&m, 0, GPA, 0, m.memory, 0), 0);
	index = srcu_read_lock(&m.vm->srcu);
	CHECK(!vcpu_memslot(m.vcpu, gpa_to_gfn(GPA)));
	srcu_read_unlock(&m.vm->srcu, index);
	machine_destroy(&m);
}

/* --- at the same time ----------------------------------------------------------------- */

static bool stop;

static void *run_guest(void *data)
{
	struct fake_insn program[] = {
		{ .opcode = FAKE_STORE, .gpa = GPA, .value = 1 },
		{ .opcode = FAKE_LOAD, .gpa = GPA },
		{ .opcode = FAKE_STOP },
	};
	long index = (long)data;

	shim_set_cpu(index + 1);
	while (!READ_ONCE(stop))
		CHECK_EQ(machine_run(&m, index, program, 3), 0);

	return NULL;
}

TEST(slots_change_under_running_vcpus)
{
	pthread_t threads[2];
	long i;

	machine_create(&m, 2);
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_guest, (void *)i);
	for (i = 0; i < 300; i++) {
		CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, 0), 0);
		CHECK_EQ(machine_slot(&m, 0, GPA, HUGE, m.memory, KVM_MEM_LOG_DIRTY_PAGES), 0);
		CHECK_EQ(machine_slot(&m, 0, GPA + HUGE, HUGE, m.memory, 0), 0);
		CHECK_EQ(machine_slot(&m, 0, GPA, 0, m.memory, 0), 0);
	}
	WRITE_ONCE(stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	machine_destroy(&m);
}

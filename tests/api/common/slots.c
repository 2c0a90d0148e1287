// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots: what may be set, read-only ones, changes while a vCPU runs. */
#include <lib/kvm.h>

static struct vm *slots_vm;

static int set(u32 slot, u64 gpa, u64 size, void *memory, u32 flags)
{
	return vm_set_slot(slots_vm, slot, gpa, size, memory, flags);
}

/* [GPA_TEST, +16 pages) in slot 8 and [+32, +48) in slot 9. */
static void *two_slots(void)
{
	u8 *memory = vm_add_memory(slots_vm, 8, GPA_TEST, 16 * PAGE, 0);

	vm_add_memory(slots_vm, 9, GPA_TEST + 32 * PAGE, 16 * PAGE, 0);

	return memory;
}

static void test_slot_values(u8 *memory)
{
	u64 limit = kvm_cap(KVM_CAP_NR_MEMSLOTS);

	report_errno(set(10, GPA_TEST + 1, PAGE, memory, 0), EINVAL, "gpa not aligned");
	report_errno(set(10, 2 * GPA_TEST, PAGE + 1, memory, 0), EINVAL, "size not aligned");
	report_errno(set(10, 2 * GPA_TEST, PAGE, memory + 1, 0), EINVAL, "address not aligned");
	report_errno(set(10, 2 * GPA_TEST, PAGE, (void *)ARCH_KERNEL_ADDRESS(PAGE), 0), EINVAL,
		     "an address of the kernel");
	report_errno(set(10, ~0ULL - PAGE + 1, 2 * PAGE, memory, 0), EINVAL, "gpa wraps");
	report_errno(set(10, 2 * GPA_TEST, PAGE, memory, 0x80000000), EINVAL, "an unknown flag");
	if (!ARCH_READONLY_SLOTS)
		report_errno(set(10, 2 * GPA_TEST, PAGE, memory, KVM_MEM_READONLY), EINVAL,
			     "read-only, where slots cannot be");
	report_errno(set(limit, 2 * GPA_TEST, PAGE, memory, 0), EINVAL, "a slot too high");
	report_errno(set(0xff0000, 2 * GPA_TEST, PAGE, memory, 0), EINVAL,
		     "an address space that is not there");
	report(!set(limit - 1, 2 * GPA_TEST, PAGE, memory, 0) &&
	       !set(limit - 1, 2 * GPA_TEST, 0, memory, 0), "the last slot");
}

static void test_slot_overlap(u8 *memory)
{
	report_errno(set(10, GPA_TEST, 16 * PAGE, memory, 0), EEXIST, "the same range");
	report_errno(set(10, GPA_TEST + 15 * PAGE, PAGE, memory, 0), EEXIST, "its last page");
	report_errno(set(10, GPA_TEST + 8 * PAGE, 32 * PAGE, memory, 0), EEXIST, "across two");
	report_errno(set(10, GPA_TEST - PAGE, 64 * PAGE, memory, 0), EEXIST, "around two");
	report(!set(10, GPA_TEST + 16 * PAGE, 16 * PAGE, memory, 0), "exactly between two");
	report_errno(set(10, GPA_TEST + 17 * PAGE, 16 * PAGE, memory, 0), EEXIST,
		     "moving it onto a neighbour");
	report(!set(10, 3 * GPA_TEST, 16 * PAGE, memory, 0), "moving it elsewhere");
	report(!set(10, 3 * GPA_TEST, 0, NULL, 0), "deleting it");
	report_errno(set(10, 3 * GPA_TEST, 0, NULL, 0), EINVAL, "deleting it again");
	report_errno(set(8, GPA_TEST, 8 * PAGE, memory, 0), EINVAL, "another size in place");
	report_errno(set(8, GPA_TEST, 16 * PAGE, memory + PAGE, 0), EINVAL,
		     "another address in place");
	report_errno(set(8, GPA_TEST, 16 * PAGE, memory, KVM_MEM_READONLY), EINVAL,
		     "read-only in place");
	report(!set(8, GPA_TEST, 16 * PAGE, memory, KVM_MEM_LOG_DIRTY_PAGES) &&
	       !set(8, GPA_TEST, 16 * PAGE, memory, 0), "the dirty log on and off in place");
	report(!set(8, GPA_TEST, 16 * PAGE, memory, 0), "no change at all");
}

static void guest_fill(u64 pages)
{
	u64 i;

	for (;;) {
		for (i = 0; i < pages; i++)
			guest_write64(GPA_TEST + i * PAGE, guest_read64(GPA_TEST + i * PAGE) + 1);
		guest_say(0);
	}
}

TEST(slots)
{
	struct vcpu *vcpu;
	u64 *words, *other;
	u8 *memory;

	slots_vm = vm_create(0);
	memory = two_slots();
	words = (u64 *)memory;
	test_slot_values(memory);
	test_slot_overlap(memory);

	/* After all of that the slots still work. */
	vcpu = vcpu_create(slots_vm, guest_fill, 16);
	vcpu_run_said(vcpu);
	report(words[0] == 1 && words[15 * PAGE / 8] == 1, "the guest writes to the memory");

	/* Other memory at the same place. */
	set(8, GPA_TEST, 0, NULL, 0);
	memset(memory, 7, 16 * PAGE);
	other = vm_add_memory(slots_vm, 11, GPA_TEST, 16 * PAGE, 0);

	vcpu_run_said(vcpu);
	report(memory[0] == 7 && other[0] == 1 && other[15 * PAGE / 8] == 1,
	       "after delete and add the guest sees the new memory");
	set(11, GPA_TEST, 0, NULL, 0);
	vcpu_run_absent(vcpu, "without memory it is MMIO, or what there is instead");
	vm_destroy(slots_vm);
}

/* As many as there may be: what finds them by frame gets all the levels it can have. */
TEST(slots_all)
{
	u64 limit = kvm_cap(KVM_CAP_NR_MEMSLOTS), base = 1ULL << 32, i, end;
	int err = 0;
	u8 *memory;

	slots_vm = vm_create(0);
	/* A debug kernel takes minutes for all of them, and finds what it finds sooner. */
	end = now_ns() + 20000000000ULL;
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = VM_SLOT_TEST; i < limit && now_ns() < end && !err; i++)
		err = set(i, base + i * PAGE, PAGE, memory, 0);
	report(!err, "%llu slots side by side", (unsigned long long)(i - VM_SLOT_TEST));
	report_errno(set(1, base + (i - 1) * PAGE, PAGE, memory, 0), EEXIST,
		     "none over the last");
	report(!set(i / 2, base + i / 2 * PAGE, 0, NULL, 0) &&
	       !set(1, base + i / 2 * PAGE, PAGE, memory, 0), "one in the place of another");
	vm_destroy(slots_vm);
	munmap(memory, PAGE);
	/* The kernel may free things later; if that goes wrong, it was here. */
	sleep_ms(500);
}

TEST(slots_region2)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = 8, .guest_phys_addr = GPA_TEST, .memory_size = 2 * PAGE,
	};
	struct vm *vm = vm_create(0);

	need_cap(KVM_CAP_USER_MEMORY2, "KVM_CAP_USER_MEMORY2");
	region.userspace_addr = (u64)mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	report(!ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, &region), "a slot by REGION2");
	vcpu_run_said(vcpu_create(vm, guest_fill, 2));
	report(*(u64 *)region.userspace_addr == 1, "the guest writes to it");
	region.flags = BIT(31);
	report_errno(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, &region), EINVAL,
		     "an unknown flag");
	vm_destroy(vm);
}

/* --- read-only slots ------------------------------------------------------------- */

static void guest_readonly(u64 argument)
{
	guest_say(guest_read64(GPA_TEST));
	guest_write32(GPA_TEST + 8, 0xabcd);
	guest_say(guest_read64(GPA_TEST + 8));
	guest_done();
}

TEST(slots_readonly)
{
	struct vm *vm = vm_create(0);
	u64 *memory = vm_add_memory(vm, 8, GPA_TEST, 4 * PAGE, KVM_MEM_READONLY);
	struct vcpu *vcpu = vcpu_create(vm, guest_readonly, 0);

	memory[0] = 0x1122334455667788;
	memory[1] = 99;
	report(vcpu_run_said(vcpu) == memory[0], "the guest reads");
	vcpu_run_expect(vcpu, KVM_EXIT_MMIO, "a write exits");
	report(vcpu->run->mmio.is_write && vcpu->run->mmio.len == 4 &&
	       vcpu->run->mmio.phys_addr == GPA_TEST + 8 &&
	       *(u32 *)vcpu->run->mmio.data == 0xabcd, "as MMIO, with its data");
	report(vcpu_run_said(vcpu) == 99 && memory[1] == 99, "and changes nothing");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- changes while a vCPU runs ------------------------------------------------------ */

static bool absent_is_fine(struct vcpu_thread *thread)
{
	return arch_vcpu_absent(thread->vcpu);
}

static void guest_fill_forever(u64 pages)
{
	u64 i;

	for (;;)
		for (i = 0; i < pages; i++)
			guest_write64(GPA_TEST + i * PAGE, guest_read64(GPA_TEST + i * PAGE) + 1);
}

TEST(slots_while_running)
{
	struct vcpu_thread thread = { .handle = absent_is_fine };
	struct vm *vm = vm_create(0);
	u64 *memory = vm_add_memory(vm, 8, GPA_TEST, 64 * PAGE, 0), before;
	int i, failed = 0;

	vcpu_thread_start(&thread, vcpu_create(vm, guest_fill_forever, 64));
	for (i = 0; i < 200; i++) {
		failed += vm_set_slot(vm, 8, GPA_TEST, 0, NULL, 0) != 0;
		failed += vm_set_slot(vm, 8, GPA_TEST, 64 * PAGE, memory, 0) != 0;
	}
	report(!failed, "200 times deleted and added again");
	/* It must still get at the memory. */
	before = READ_ONCE(memory[0]);
	for (i = 0; i < 3000 && READ_ONCE(memory[0]) == before; i++)
		sleep_ms(1);
	report(READ_ONCE(memory[0]) != before, "the guest goes on in the memory");

	for (i = 0; i < 200; i++)
		failed += vm_set_slot(vm, 8, GPA_TEST, 64 * PAGE, memory,
				      i & 1 ? 0 : KVM_MEM_LOG_DIRTY_PAGES) != 0;
	report(!failed, "200 flips of the dirty log");

	/* Once it is deleted, and that call is over, nothing writes any more. */
	vm_set_slot(vm, 8, GPA_TEST, 0, NULL, 0);
	before = READ_ONCE(memory[0]);
	sleep_ms(20);
	report(READ_ONCE(memory[0]) == before, "deleted memory stays untouched");
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

/* --- several at it at once ----------------------------------------------------------- */

struct changer {
	struct vm	*vm;
	u32		 slot;
	void		*memory;
	volatile bool	*stop;
	u64		 rounds, failed;
};

static void *change_slot(void *data)
{
	struct changer *changer = data;
	u64 gpa = GPA_TEST + (changer->slot - 8) * 16 * PAGE;
	struct kvm_dirty_log log = { .slot = changer->slot };
	u64 bitmap[1];

	log.dirty_bitmap = bitmap;
	while (!*changer->stop) {
		struct vm *vm = changer->vm;

		changer->failed += vm_set_slot(vm, changer->slot, gpa, 16 * PAGE,
					       changer->memory, KVM_MEM_LOG_DIRTY_PAGES) != 0;
		changer->failed += ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) != 0;
		changer->failed += vm_set_slot(vm, changer->slot, gpa, 0, NULL, 0) != 0;
		changer->rounds++;
	}

	return NULL;
}

TEST(slots_concurrent)
{
	struct vcpu_thread threads[2] = {};
	struct changer changers[4] = {};
	pthread_t pthreads[4];
	volatile bool stop = false;
	struct vm *vm = vm_create(0);
	u64 failed = 0, rounds = 0;
	int i;

	for (i = 0; i < 2; i++) {
		threads[i].handle = absent_is_fine;
		vcpu_thread_start(&threads[i], vcpu_create(vm, guest_fill_forever, 64));
	}
	for (i = 0; i < 4; i++) {
		changers[i] = (struct changer) {
			.vm = vm, .slot = 8 + i, .stop = &stop,
			.memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		};
		pthread_create(&pthreads[i], NULL, change_slot, &changers[i]);
	}
	sleep_ms(3000);
	stop = true;
	for (i = 0; i < 4; i++) {
		pthread_join(pthreads[i], NULL);
		failed += changers[i].failed;
		rounds += changers[i].rounds;
	}
	for (i = 0; i < 2; i++)
		vcpu_thread_stop(&threads[i]);
	report(!failed, "%llu rounds of four threads, two vCPUs running",
	       (unsigned long long)rounds);
	vm_destroy(vm);
}

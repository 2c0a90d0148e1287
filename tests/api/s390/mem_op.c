// SPDX-License-Identifier: GPL-2.0-only
/* KVM_S390_MEM_OP of a vCPU, in the guest's own spaces, and of a VM, with storage keys. */
#include <s390/dat.h>

#define DATA1		(S390_GPA_LOW + 0x8000)
#define DATA2		(S390_GPA_LOW + 0x9000)

static struct vm *vm;
static struct vcpu *vcpu;

/* Say 0; user space may find an exception in the meantime, and the guest gets it. */
static u64 guest_say_in_try(void)
{
	register u64 r2 asm("2") = SAY_VALUE;
	register u64 r3 asm("3") = 0;

	return GUEST_TRY("diag %%r2,%%r4,0x5a0", "d"(r2), "d"(r3));
}

static void guest_dat_world(u64 argument)
{
	u64 code;

	guest_catch();
	dat_setup();
	DAT_PTE(0) = DATA1;
	DAT_PTE(1) = DATA2 | PAGE_PROTECTED;
	DAT_PTE2(0) = DATA2;
	guest_set_key(DATA1, 0x30 | 8);
	guest_set_key(DATA2, 0x40);
	dat_on();
	code = guest_say_in_try();
	dat_off();
	guest_say(code);
	guest_done();
}

static int mem_op_at(int fd, u32 op, u64 flags, u64 gaddr, void *buffer, u32 size, u8 key)
{
	struct kvm_s390_mem_op args = {
		.gaddr = gaddr, .flags = flags, .size = size, .op = op, .buf = (u64)buffer,
		.key = key,
	};

	return ioctl(fd, KVM_S390_MEM_OP, &args);
}

#define READ_(flags, gaddr, buffer, size)	\
	mem_op_at(vcpu->fd, KVM_S390_MEMOP_LOGICAL_READ, flags, gaddr, buffer, size, 0)
#define WRITE_(flags, gaddr, buffer, size)	\
	mem_op_at(vcpu->fd, KVM_S390_MEMOP_LOGICAL_WRITE, flags, gaddr, buffer, size, 0)
#define CHECK		KVM_S390_MEMOP_F_CHECK_ONLY
#define KEYED		KVM_S390_MEMOP_F_SKEY_PROTECTION

static void setup(void)
{
	need_cap(KVM_CAP_S390_MEM_OP, "KVM_S390_MEM_OP");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_dat_world, 0);
	vcpu_run_said(vcpu);
}

static void test_logical(void)
{
	u64 word = 0, new = 0x5555, pages[1024];

	*(u64 *)(vm->ram + DATA1) = 0x1111;
	report(!READ_(0, DAT_WINDOW, &word, 8) && word == 0x1111, "a read by the guest's tables");
	report(!WRITE_(0, DAT_WINDOW + 8, &new, 8) && *(u64 *)(vm->ram + DATA1 + 8) == 0x5555,
	       "a write");
	report(!READ_(0, DATA1, &word, 8) && word == 0x1111, "where all is mapped one to one");
	report(!READ_(0, DAT_WINDOW + 4088, pages, 16) &&
	       pages[0] == *(u64 *)(vm->ram + DATA1 + 4088) && pages[1] == *(u64 *)(vm->ram + DATA2),
	       "across two pages");
	report(READ_(0, DAT_WINDOW + 2 * PAGE, &word, 8) == PGM_PAGE, "no page is a program code");
	report(READ_(0, DAT_WINDOW + MIB, &word, 8) == PGM_SEGMENT, "no segment another");
	report(READ_(0, 1UL << 40, &word, 8) == PGM_ASCE_TYPE, "an address too long a third");
	new = 0x6666;
	report(WRITE_(0, DAT_WINDOW + PAGE, &new, 8) == PGM_PROTECTION, "a protected page");
	*(u32 *)(vm->ram + DATA1 + 4092) = 0x99;
	report(WRITE_(0, DAT_WINDOW + 4092, &new, 8) == PGM_PROTECTION &&
	       *(u32 *)(vm->ram + DATA1 + 4092) == 0x99, "of one that fails nothing is written");
	report(!READ_(CHECK, DAT_WINDOW + PAGE, NULL, 8) &&
	       WRITE_(CHECK, DAT_WINDOW + PAGE, NULL, 8) == PGM_PROTECTION, "only checked");
}

static void test_keyed(void)
{
	u64 word = 0;

	report(!mem_op_at(vcpu->fd, KVM_S390_MEMOP_LOGICAL_READ, KEYED, DAT_WINDOW, &word, 8, 3),
	       "a read with the right key");
	report(mem_op_at(vcpu->fd, KVM_S390_MEMOP_LOGICAL_READ, KEYED, DAT_WINDOW, &word, 8, 5) ==
	       PGM_PROTECTION, "with a wrong one");
	report(!mem_op_at(vcpu->fd, KVM_S390_MEMOP_LOGICAL_READ, 0, DAT_WINDOW, &word, 8, 5),
	       "which does not count without the flag");
	report(!mem_op_at(vcpu->fd, KVM_S390_MEMOP_LOGICAL_READ, KEYED, DATA2, &word, 8, 5) &&
	       mem_op_at(vcpu->fd, KVM_S390_MEMOP_LOGICAL_WRITE, KEYED, DATA2, &word, 8, 5) ==
	       PGM_PROTECTION, "storage that may be fetched with any");
}

static void test_absolute(void)
{
	u64 word = 0, new = 0x7777;

	*(u64 *)(vm->ram + DATA1) = 0x1111;
	report(!mem_op_at(vm->fd, KVM_S390_MEMOP_ABSOLUTE_READ, 0, DATA1, &word, 8, 0) &&
	       word == 0x1111, "an absolute read");
	report(!mem_op_at(vm->fd, KVM_S390_MEMOP_ABSOLUTE_WRITE, KEYED, DATA1, &new, 8, 3) &&
	       *(u64 *)(vm->ram + DATA1) == 0x7777, "a write with a key");
	report(mem_op_at(vm->fd, KVM_S390_MEMOP_ABSOLUTE_READ, KEYED, DATA1, &word, 8, 4) ==
	       PGM_PROTECTION, "a wrong one");
	report(mem_op_at(vm->fd, KVM_S390_MEMOP_ABSOLUTE_WRITE, KEYED | CHECK, DATA2, NULL, 8, 3) ==
	       PGM_PROTECTION, "only checked");
	report(mem_op_at(vm->fd, KVM_S390_MEMOP_ABSOLUTE_READ, 0, GPA_MMIO, &word, 8, 0) ==
	       PGM_ADDRESSING, "where no memory is");
}

static int exchange(u64 gaddr, void *old, void *new, u32 size, u8 key)
{
	struct kvm_s390_mem_op args = {
		.gaddr = gaddr, .flags = KEYED, .size = size, .buf = (u64)new, .key = key,
		.op = KVM_S390_MEMOP_ABSOLUTE_CMPXCHG, .old_addr = (u64)old,
	};

	return ioctl(vm->fd, KVM_S390_MEM_OP, &args);
}

static void test_exchange(void)
{
	static const u32 sizes[] = { 1, 2, 4, 8, 16 };
	u8 old[16], new[16];
	size_t i;

	if (!(kvm_cap(KVM_CAP_S390_MEM_OP_EXTENSION) & KVM_S390_MEMOP_EXTENSION_CAP_CMPXCHG))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *at = vm->ram + DATA1 + 64;

		memset(at, 0x33, 16);
		memset(old, 0x33, 16);
		memset(new, 0x44, 16);
		report(!exchange(DATA1 + 64, old, new, sizes[i], 3) && !memcmp(at, new, sizes[i]) &&
		       (sizes[i] == 16 || at[sizes[i]] == 0x33), "%u bytes exchanged", sizes[i]);
		report(!exchange(DATA1 + 64, old, new, sizes[i], 3) && !memcmp(old, at, sizes[i]),
		       "or told what is there");
	}
	report(exchange(DATA1, old, new, 8, 5) == PGM_PROTECTION, "with a wrong key");
	report_errno(exchange(DATA1, old, new, 3, 3), EINVAL, "three bytes");
	report_errno(exchange(DATA1, old, new, 32, 3), EINVAL, "too many bytes");
	report_errno(exchange(DATA1 + 1, old, new, 4, 3), EINVAL, "not aligned");
}

TEST(mem_op)
{
	u64 word;

	setup();
	test_logical();
	test_keyed();
	if (kvm_cap(KVM_CAP_S390_MEM_OP_EXTENSION)) {
		test_absolute();
		test_exchange();
	}
	report(READ_(KVM_S390_MEMOP_F_INJECT_EXCEPTION, DAT_WINDOW + 5 * PAGE, &word, 8) == PGM_PAGE,
	       "an exception that the guest is to have");
	report(vcpu_run_said(vcpu) == PGM_PAGE && *(u16 *)(vm->ram + LC_PROGRAM_CODE) == PGM_PAGE &&
	       (*(u64 *)(vm->ram + LC_TRANSLATION_CODE) & ~0xfffUL) == DAT_WINDOW + 5 * PAGE,
	       "it has");
	vm_destroy(vm);
}

TEST(mem_op_large)
{
	u32 max = kvm_cap(KVM_CAP_S390_MEM_OP);
	u8 *buffer = malloc(max + 1);

	setup();
	memset(vm->ram + MIB, 0x5a, max);
	report(!READ_(0, MIB, buffer, max) && buffer[0] == 0x5a && buffer[max - 1] == 0x5a,
	       "%u bytes at once", max);
	report(!READ_(0, MIB + 1, buffer, max), "from anywhere");
	report_errno(READ_(0, MIB, buffer, max + 1), E2BIG, "one more");
	free(buffer);
	vm_destroy(vm);
}

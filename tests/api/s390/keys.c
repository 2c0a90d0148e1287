// SPDX-License-Identifier: GPL-2.0-only
/* Storage keys, in the guest and by KVM_S390_GET_SKEYS and KVM_S390_SET_SKEYS. */
#include <sys/syscall.h>
#include <lib/kvm.h>

#define KEY_PAGE	(S390_GPA_LOW + 0x8000)
#define KEY_GFN		(KEY_PAGE / PAGE)
#define KEY_MASK	0xf8
#define KEY_FETCH	0x08
#define KEY_REFERENCE	0x04
#define KEY_CHANGE	0x02

static struct vm *vm;
static struct vcpu *vcpu;

/* Programs with a key of their own: they have no stack. */
asm(	".pushsection .text\n"
	"	.balign 8\n"
	"user_load:\n"
	"	lg %r2,0(%r2)\n"
	"	svc 1\n"
	"	.balign 8\n"
	"user_store:\n"
	"	stg %r2,0(%r2)\n"
	"	svc 1\n"
	".popsection\n");
extern char user_load[], user_store[];

static u64 as_key_at(u8 key, char *program, u64 address)
{
	return guest_problem(PSW_64 | PSW_PROBLEM | PSW_KEY(key), (u64)program, address);
}

static u64 as_key(u8 key, char *program)
{
	return as_key_at(key, program, KEY_PAGE);
}

static unsigned int guest_rrbe(u64 address)
{
	unsigned int cc;

	asm volatile("rrbe 0,%[at]\n\tipm %[cc]\n\tsrl %[cc],28"
		     : [cc] "=d"(cc) : [at] "a"(address) : "cc", "memory");

	return cc;
}

static unsigned int guest_tprot(u64 address, u8 key)
{
	unsigned int cc;

	asm volatile("tprot 0(%[at]),0(%[key])\n\tipm %[cc]\n\tsrl %[cc],28"
		     : [cc] "=d"(cc) : [at] "a"(address), [key] "a"((u64)key << 4) : "cc", "memory");

	return cc;
}

/* --- in the guest -------------------------------------------------------------------- */

static void guest_keys(u64 argument)
{
	guest_write64(KEY_PAGE, 1);
	guest_set_key(KEY_PAGE, 0x30);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE) & KEY_MASK, 0x30);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE + PAGE) & KEY_MASK, 0);

	/* Access: the same key, another, and 0. */
	GUEST_ASSERT_EQ(as_key(3, user_store), PROBLEM_SVC + 1);
	GUEST_ASSERT_EQ(as_key(3, user_load), PROBLEM_SVC + 1);
	GUEST_ASSERT_EQ(as_key(4, user_load), PROBLEM_SVC + 1);
	GUEST_ASSERT_EQ(as_key(4, user_store), PGM_PROTECTION);
	GUEST_ASSERT_EQ(as_key(0, user_store), PROBLEM_SVC + 1);
	guest_set_key(KEY_PAGE, 0x30 | KEY_FETCH);
	GUEST_ASSERT_EQ(as_key(4, user_load), PGM_PROTECTION);
	GUEST_ASSERT_EQ(as_key(3, user_load), PROBLEM_SVC + 1);
	GUEST_ASSERT_EQ(as_key(0, user_load), PROBLEM_SVC + 1);

	GUEST_ASSERT_EQ(guest_tprot(KEY_PAGE, 0), 0);
	GUEST_ASSERT_EQ(guest_tprot(KEY_PAGE, 3), 0);
	GUEST_ASSERT_EQ(guest_tprot(KEY_PAGE, 4), 2);
	guest_set_key(KEY_PAGE, 0x30);
	GUEST_ASSERT_EQ(guest_tprot(KEY_PAGE, 4), 1);
	guest_done();
}

static void guest_recording(u64 argument)
{
	guest_write64(KEY_PAGE, 1);
	guest_set_key(KEY_PAGE, 0);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE), 0);
	guest_read64(KEY_PAGE);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE), KEY_REFERENCE);
	GUEST_ASSERT_EQ(guest_rrbe(KEY_PAGE), 2);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE), 0);
	guest_write64(KEY_PAGE, 2);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE), KEY_REFERENCE | KEY_CHANGE);
	GUEST_ASSERT_EQ(guest_rrbe(KEY_PAGE), 3);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE), KEY_CHANGE);
	GUEST_ASSERT_EQ(guest_rrbe(KEY_PAGE), 1);
	guest_set_key(KEY_PAGE, 0x96);
	GUEST_ASSERT_EQ(guest_key(KEY_PAGE), 0x96);
	guest_done();
}

TEST(storage_keys)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_keys, 0);
	vcpu_run_done(vcpu);
	report(true, "key-controlled protection");
	vcpu_enter_at(vcpu, guest_recording, 0);
	vcpu_run_done(vcpu);
	report(true, "reference and change recording");
	vm_destroy(vm);
}

/* --- in user space -------------------------------------------------------------------- */

static int skeys(unsigned long cmd, u64 gfn, u64 count, u8 *keys)
{
	struct kvm_s390_skeys args = {
		.start_gfn = gfn, .count = count, .skeydata_addr = (u64)keys,
	};

	return ioctl(vm->fd, cmd, &args);
}

static void guest_say_key(u64 argument)
{
	for (;;)
		guest_say(guest_key(KEY_PAGE) << 8 | guest_key(KEY_PAGE + PAGE));
}

static void guest_set_some(u64 argument)
{
	guest_set_key(KEY_PAGE, 0x50);
	guest_set_key(KEY_PAGE + PAGE, 0x68);
	guest_say(0);
	guest_say_key(0);
}

TEST(skeys)
{
	u8 keys[4] = { 1, 1, 1, 1 };

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_set_some, 0);
	report(skeys(KVM_S390_GET_SKEYS, KEY_GFN, 2, keys) == KVM_S390_GET_SKEYS_NONE,
	       "before the guest uses any there are none");
	vcpu_run_said(vcpu);
	report(!skeys(KVM_S390_GET_SKEYS, KEY_GFN, 4, keys) && (keys[0] & KEY_MASK) == 0x50 &&
	       (keys[1] & KEY_MASK) == 0x68 && !(keys[2] & KEY_MASK), "KVM_S390_GET_SKEYS");
	keys[0] = 0x20;
	keys[1] = 0x7a;
	report(!skeys(KVM_S390_SET_SKEYS, KEY_GFN, 2, keys), "KVM_S390_SET_SKEYS");
	report((vcpu_run_said(vcpu) & 0xf8f8) == 0x2078, "the guest finds what was set");

	/* They stay with the storage, whatever the host does to the pages. */
	madvise(vm->ram + KEY_PAGE, 2 * PAGE, MADV_DONTNEED);
	report((vcpu_run_said(vcpu) & 0xf8f8) == 0x2078, "also when the pages are others");
	vm->ram[KEY_PAGE] = 1;
	report((vcpu_run_said(vcpu) & 0xf8f8) == 0x2078, "and written by the host");
	report(!skeys(KVM_S390_GET_SKEYS, KEY_GFN, 2, keys) && (keys[0] & KEY_MASK) == 0x20,
	       "user space agrees");

	report_errno(skeys(KVM_S390_GET_SKEYS, KEY_GFN, 0, keys), EINVAL, "none at all");
	report_errno(skeys(KVM_S390_GET_SKEYS, KEY_GFN, 1 << 30, keys), EINVAL, "far too many");
	report_errno(skeys(KVM_S390_GET_SKEYS, GPA_MMIO / PAGE, 1, keys), EFAULT,
		     "where no memory is");
	keys[0] = 0x01;
	report_errno(skeys(KVM_S390_SET_SKEYS, KEY_GFN, 1, keys), EINVAL, "a bit that no key has");
	vm_destroy(vm);
}

/* --- and DAT protection with them under a dirty log -------------------------------------- */

static void guest_log_and_keys(u64 argument)
{
	guest_set_key(GPA_TEST, 0x40);
	guest_say(0);
	for (;;) {
		guest_write64(GPA_TEST, 1);
		guest_say(guest_key(GPA_TEST));
	}
}

TEST(keys_and_log)
{
	u64 bitmap = 0;
	struct kvm_dirty_log log = { .slot = 8, .dirty_bitmap = &bitmap };
	int i, good = 0;

	vm = vm_create(0);
	vm_add_memory(vm, 8, GPA_TEST, 16 * PAGE, KVM_MEM_LOG_DIRTY_PAGES);
	vcpu = vcpu_create(vm, guest_log_and_keys, 0);
	vcpu_run_said(vcpu);
	for (i = 0; i < 5; i++) {
		ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
		good += (vcpu_run_said(vcpu) & (KEY_MASK | KEY_CHANGE)) == (0x40 | KEY_CHANGE);
		good += !ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) && *(u8 *)&bitmap == 1;
	}
	report(good == 10, "the dirty log leaves key and change bit of the guest alone");
	vm_destroy(vm);
}

/* --- frames that have gone ------------------------------------------------------------------ */

static void guest_key_of_gone(u64 argument)
{
	guest_write64(KEY_PAGE, 1);
	guest_say(0);
	for (;;)
		guest_say(guest_key(KEY_PAGE));
}

TEST(keys_of_gone)
{
	u64 change = KEY_REFERENCE | KEY_CHANGE;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_key_of_gone, 0);
	vcpu_run_said(vcpu);
	report((vcpu_run_said(vcpu) & change) == change, "a page that was written to is changed");
	madvise((u8 *)vm->ram + KEY_PAGE, PAGE, MADV_DONTNEED);
	report((vcpu_run_said(vcpu) & change) == change, "and is still when the host has taken it");
	vm_destroy(vm);
}

/* --- and frames that are not the guest's alone ---------------------------------------------- */

static void guest_key_of_shared(u64 argument)
{
	GUEST_ASSERT_EQ(guest_read64(GPA_TEST), 0);
	guest_set_key(GPA_TEST, 0x30 | KEY_FETCH);
	GUEST_ASSERT_EQ(guest_read64(GPA_TEST), 0);
	GUEST_ASSERT_EQ(guest_key(GPA_TEST) & KEY_MASK, 0x30 | KEY_FETCH);
	GUEST_ASSERT_EQ(guest_key(GPA_TEST + PAGE) & KEY_MASK, 0);
	GUEST_ASSERT_EQ(guest_tprot(GPA_TEST, 4), 2);
	guest_done();
}

static void guest_beside(u64 argument)
{
	for (;;) {
		GUEST_ASSERT_EQ(as_key_at(4, user_load, GPA_TEST), PROBLEM_SVC + 1);
		guest_say(guest_key(GPA_TEST) & KEY_MASK);
	}
}

/* Pages of a file that the host may only read: they are the same for all that have them. */
static void add_file(struct vm *to, int file)
{
	void *memory = mmap(NULL, 16 * PAGE, PROT_READ, MAP_SHARED, file, 0);

	if (memory == MAP_FAILED || vm_set_slot(to, 8, GPA_TEST, 16 * PAGE, memory, 0))
		bail("cannot add a slot: %s", strerror(errno));
}

TEST(keys_of_shared)
{
	struct vm *other = vm_create(0);
	int file = syscall(SYS_memfd_create, "shared", 0);
	struct vcpu *beside;

	if (file < 0 || ftruncate(file, 16 * PAGE))
		skip("no memfd");
	add_file(other, file);
	beside = vcpu_create(other, guest_beside, 0);
	report(!vcpu_run_said(beside), "a guest that uses no keys");
	vm = vm_create(0);
	add_file(vm, file);
	vcpu = vcpu_create(vm, guest_key_of_shared, 0);
	vcpu_run_done(vcpu);
	report(true, "one that sets the key of a page that is the host's as well");
	report(!vcpu_run_said(beside), "the other does not see it");
	vm_destroy(vm);
	vm_destroy(other);
	close(file);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dynamic address translation: by the CPU, and by the hypervisor, which reads operands of
 * intercepted instructions in the same spaces.
 */
#include <s390/dat.h>

#define DATA1		(S390_GPA_LOW + 0x8000)
#define DATA2		(S390_GPA_LOW + 0x9000)

static struct vm *vm;
static struct vcpu *vcpu;

static void setup(void (*entry)(u64))
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, entry, 0);
}

/* --- by the CPU ------------------------------------------------------------------- */

static void guest_translation(u64 argument)
{
	guest_catch();
	dat_setup();
	guest_write64(DATA1, 0x1111);
	guest_write64(DATA2, 0x2222);
	DAT_PTE(0) = DATA1;
	DAT_PTE(1) = DATA2 | PAGE_PROTECTED;
	dat_on();
	GUEST_ASSERT_EQ(guest_read64(DAT_WINDOW), 0x1111);
	GUEST_ASSERT_EQ(guest_read64(DAT_WINDOW + PAGE), 0x2222);
	guest_write64(DAT_WINDOW + 8, 0x3333);
	GUEST_ASSERT_EQ(guest_read64(DATA1 + 8), 0x3333);
	GUEST_ASSERT_EQ(guest_try_write(DAT_WINDOW + PAGE), PGM_PROTECTION);
	GUEST_ASSERT_EQ(guest_trap_value & ~0xfffUL, DAT_WINDOW + PAGE);
	GUEST_ASSERT_EQ(guest_try_read(DAT_WINDOW + 2 * PAGE), PGM_PAGE);
	GUEST_ASSERT_EQ(guest_trap_value & ~0xfffUL, DAT_WINDOW + 2 * PAGE);
	GUEST_ASSERT_EQ(guest_try_read(DAT_WINDOW + MIB), PGM_SEGMENT);
	GUEST_ASSERT_EQ(guest_try_read(1UL << 31), PGM_ASCE_TYPE);
	/* What was translated once, and is not any more. */
	dat_ipte(DAT_WINDOW_TABLE, DAT_WINDOW);
	GUEST_ASSERT_EQ(guest_try_read(DAT_WINDOW), PGM_PAGE);
	DAT_PTE(0) = DATA2;
	GUEST_ASSERT_EQ(guest_read64(DAT_WINDOW), 0x2222);
	dat_off();
	guest_done();
}

TEST(dat)
{
	setup(guest_translation);
	vcpu_run_done(vcpu);
	report(true, "translation, its exceptions, IPTE");
	vm_destroy(vm);
}

/* --- by the hypervisor --------------------------------------------------------------- */

#define STORE_PREFIX(at)	GUEST_TRY("stpx 0(%[at_])", [at_] "a"(at))
#define STORE_ID(at)		GUEST_TRY("stidp 0(%[at_])", [at_] "a"(at))

static unsigned int guest_tprot(u64 address)
{
	unsigned int cc;

	asm volatile("tprot 0(%[at]),0\n\tipm %[cc]\n\tsrl %[cc],28"
		     : [cc] "=d"(cc) : [at] "a"(address) : "cc", "memory");

	return cc;
}

static void guest_operands(u64 argument)
{
	guest_catch();
	dat_setup();
	DAT_PTE(0) = DATA1;
	DAT_PTE(1) = DATA2 | PAGE_PROTECTED;
	DAT_PTE2(0) = DATA2;
	guest_write32(DATA1, 0xffffffff);
	guest_write32(DATA2, 0xffffffff);
	dat_on();
	GUEST_ASSERT_EQ(STORE_PREFIX(DAT_WINDOW), PGM_NONE);
	GUEST_ASSERT_EQ(guest_read32(DATA1), 0);
	GUEST_ASSERT_EQ(STORE_PREFIX(DAT_WINDOW + PAGE), PGM_PROTECTION);
	GUEST_ASSERT_EQ(STORE_PREFIX(DAT_WINDOW + 2 * PAGE), PGM_PAGE);
	GUEST_ASSERT_EQ(guest_trap_value & ~0xfffUL, DAT_WINDOW + 2 * PAGE);
	GUEST_ASSERT_EQ(STORE_PREFIX(DAT_WINDOW + MIB), PGM_SEGMENT);
	GUEST_ASSERT_EQ(STORE_PREFIX(1UL << 31), PGM_ASCE_TYPE);
	GUEST_ASSERT_EQ(STORE_ID(DAT_WINDOW + 3 * PAGE), PGM_PAGE);
	GUEST_ASSERT(guest_read32(DATA2) == 0xffffffff);
	GUEST_ASSERT_EQ(guest_tprot(DAT_WINDOW), 0);
	GUEST_ASSERT_EQ(guest_tprot(DAT_WINDOW + PAGE), 1);
	GUEST_ASSERT_EQ(guest_tprot(DAT_WINDOW + 2 * PAGE), 3);

	/* Secondary space, and home space. */
	asm volatile("sacf 0x100" : : : "memory");
	GUEST_ASSERT_EQ(STORE_PREFIX(DAT_WINDOW), PGM_NONE);
	asm volatile("sacf 0" : : : "memory");
	GUEST_ASSERT_EQ(guest_read32(DATA2), 0);
	guest_write32(DATA2, 0xffffffff);
	asm volatile("sacf 0x300" : : : "memory");
	GUEST_ASSERT_EQ(STORE_PREFIX(DAT_WINDOW), PGM_NONE);
	GUEST_ASSERT_EQ(STORE_PREFIX(DAT_WINDOW + PAGE), PGM_PAGE);
	asm volatile("sacf 0" : : : "memory");
	GUEST_ASSERT_EQ(guest_read32(DATA2), 0);
	dat_off();
	guest_done();
}

TEST(dat_operands)
{
	setup(guest_operands);
	vcpu_run_done(vcpu);
	report(true, "operands of intercepted instructions in primary, secondary, home space");
	vm_destroy(vm);
}

/* --- a page fault that the guest serves ------------------------------------------------ */

static u64 guest_faults;

static void guest_map_page(struct guest_frame *frame)
{
	guest_faults++;
	DAT_PTE(7) = DATA1;
}

/* The exception nullifies: the PSW is at the instruction, which works the second time. */
static void guest_fault_and_retry(u64 argument)
{
	guest_handlers[PGM_PAGE] = guest_map_page;
	dat_setup();
	guest_write32(DATA1, 0xffffffff);
	dat_on();
	GUEST_ASSERT_EQ(guest_read32(DAT_WINDOW + 7 * PAGE), 0xffffffff);
	GUEST_ASSERT_EQ(guest_faults, 1);
	dat_ipte(DAT_WINDOW_TABLE, DAT_WINDOW + 7 * PAGE);
	asm volatile("stpx 0(%0)" : : "a"(DAT_WINDOW + 7 * PAGE) : "memory");
	GUEST_ASSERT_EQ(guest_read32(DATA1), 0);
	GUEST_ASSERT_EQ(guest_faults, 2);
	dat_off();
	guest_done();
}

TEST(dat_retry)
{
	setup(guest_fault_and_retry);
	vcpu_run_done(vcpu);
	report(true, "an instruction goes on when the guest has mapped its operand");
	vm_destroy(vm);
}

/* --- MOVE PAGE ----------------------------------------------------------------------------- */

static void guest_moves_pages(u64 pages)
{
	register u64 r0 asm("0") = 0;
	u64 i, cc;

	for (i = 0; i < pages; i++) {
		u64 from = GPA_TEST + i * PAGE, to = from + pages * PAGE;

		asm volatile("mvpg %[to],%[from]\n\tipm %[cc]\n\tsrl %[cc],28"
			     : [cc] "=&d"(cc), "+d"(r0) : [to] "d"(to), [from] "d"(from)
			     : "cc", "memory");
		GUEST_ASSERT_EQ(cc, 0);
	}
	guest_done();
}

/* Pages that the host has not got yet, on either side. */
TEST(move_page)
{
	u8 *memory;
	u64 i, good = 0;

	vm = vm_create(0);
	memory = vm_add_memory(vm, VM_SLOT_TEST, GPA_TEST, 64 * PAGE, 0);
	for (i = 0; i < 32; i += 2)
		memset(memory + i * PAGE, i + 1, PAGE);
	vcpu = vcpu_create(vm, guest_moves_pages, 32);
	vcpu_run_done(vcpu);
	for (i = 0; i < 32; i++)
		good += !memcmp(memory + i * PAGE, memory + (32 + i) * PAGE, PAGE) &&
			memory[(32 + i) * PAGE] == (i & 1 ? 0 : i + 1);
	report(good == 32, "all pages are where the guest moved them");
	vm_destroy(vm);
}

/* --- access registers ------------------------------------------------------------------ */

#define DUCT		(S390_GPA_LOW + 0xa000)
#define ACCESS_LIST	(S390_GPA_LOW + 0xa080)
#define ASTE		(S390_GPA_LOW + 0xa100)

/* STPX by way of base register 3, which access register 3 says the space of. */
static u64 store_by_ar3(u64 at, u32 alet)
{
	u64 code;

	asm volatile("sar %%a3,%[alet]\n"
		     "	sacf 0x200\n"
		     "	larl %%r1,1f\n"
		     "	lghi %%r0,0x1000\n"
		     "	lgr %%r3,%[at]\n"
		     "	stpx 0(%%r3)\n"
		     "1:	sacf 0\n"
		     "	lgr %[code],%%r0"
		     : [code] "=d"(code) : [alet] "d"(alet), [at] "d"(at)
		     : "0", "1", "3", "cc", "memory");

	return code;
}

static void guest_access_registers(u64 argument)
{
	u64 i;

	guest_catch();
	dat_setup();
	DAT_PTE(0) = DATA1;
	DAT_PTE2(0) = DATA2;
	/* The dispatchable unit's access list has entries 0 to 7; number 3 is public. */
	for (i = 0; i < 0x200; i += 8)
		guest_write64(DUCT + i, 0);
	guest_write32(DUCT + 16, ACCESS_LIST);
	for (i = 0; i < 8; i++)
		guest_write32(ACCESS_LIST + i * 16, 0x80000000);
	guest_write32(ACCESS_LIST + 3 * 16, 0x00050000);
	guest_write32(ACCESS_LIST + 3 * 16 + 8, ASTE);
	guest_write32(ACCESS_LIST + 3 * 16 + 12, 77);
	guest_write64(ASTE + 8, DAT_ASCE2);
	guest_write32(ASTE + 20, 77);
	control_write(2, DUCT);
	asm volatile(".insn s,0xb2480000,0" : : : "memory");
	guest_write32(DATA1, 0xffffffff);
	guest_write32(DATA2, 0xffffffff);
	dat_on();
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW, 0), PGM_NONE);
	GUEST_ASSERT_EQ(guest_read32(DATA1), 0);
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW, 1), PGM_NONE);
	GUEST_ASSERT_EQ(guest_read32(DATA2), 0);
	guest_write32(DATA2, 0xffffffff);
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW, 0x00050003), PGM_NONE);
	GUEST_ASSERT_EQ(guest_read32(DATA2), 0);
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW, 0x00060003), 0x2a);
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW, 0x00050002), 0x29);
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW, 0x00050008), 0x29);
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW, 0x80050003), PGM_ALET_SPECIFICATION);
	GUEST_ASSERT_EQ(store_by_ar3(DAT_WINDOW + PAGE, 0x00050003), PGM_PAGE);
	GUEST_ASSERT_EQ(guest_read8(LC_EXCEPTION_ACCESS_ID), 3);
	dat_off();
	guest_done();
}

TEST(access_registers)
{
	setup(guest_access_registers);
	vcpu_run_done(vcpu);
	report(true, "an operand in the space of an access register");
	vm_destroy(vm);
}

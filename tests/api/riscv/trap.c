// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traps that the guest is to see itself, with the causes and values of the privileged
 * architecture, and instructions that trap because a hypervisor is below.
 */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

/*
 * QEMU 10.0.13 does not let machine mode clear mstatus.MPV, so what its firmware is to
 * hand to the hypervisor (illegal instructions, misaligned accesses: all that medeleg
 * does not name) ends up in the guest as a fetch from the hypervisor's own vector.
 * The kernel's own does not delegate these to the guest, which would help.
 */
static bool emulator_lost(u64 cause, u64 pc)
{
	return in_tree() && cause == CAUSE_FETCH_PAGE && pc >> 63;
}

/* Set before the image is copied. */
static bool lenient;

/* --- exceptions ----------------------------------------------------------- */

#define RO_PAGE		1
#define NO_EXEC_PAGE	2
#define USER_PAGE	3
#define NO_PAGE		4
#define CLEAN_PAGE	5
#define HOLE_TABLE	512	/* the next table of the window lies in a hole */
#define PAGE_OF(n)	(RISCV_WINDOW + (n) * 0x1000UL)

/* Cause, stval and what sepc was in a trap: one row of what is expected. */
static struct seen {
	u64 cause, value, pc, place;
} seen[64];
static u64 seen_count;

#define SEE(cause_, place_)							\
	do {									\
		seen[seen_count].cause = (cause_);				\
		seen[seen_count].value = guest_trap_value;			\
		seen[seen_count].pc = guest_trap_pc;				\
		seen[seen_count++].place = (u64)(place_);			\
	} while (0)

/* Where the instruction that traps is, if it is labelled 3. */
static u64 place;
#define TRY_AT(text, ...)							\
	({									\
		u64 cause__;							\
										\
		asm volatile("lla t5, 3f\n\tsd t5, %[place]\n\t"		\
			     GUEST_TRY_BEGIN "3:\t" text GUEST_TRY_END		\
			     : [cause] "=r"(cause__), [place] "=m"(place)	\
			     : __VA_ARGS__ : "t5", "t6", "memory");		\
		cause__;							\
	})

static void map_pages(void)
{
	RISCV_WINDOW_PTE(RO_PAGE) = PTE_OF(RISCV_GPA_LOW) | PTE_V | PTE_R | PTE_A | PTE_D;
	RISCV_WINDOW_PTE(NO_EXEC_PAGE) = (PTE_OF(RISCV_GPA_LOW) | PTE_RWX) & ~PTE_X;
	RISCV_WINDOW_PTE(USER_PAGE) = PTE_OF(RISCV_GPA_LOW) | PTE_RWX | PTE_U;
	RISCV_WINDOW_PTE(NO_PAGE) = 0;
	sfence_vma();
}

static void guest_exceptions(u64 argument)
{
	register u64 a0 asm("a0");

	guest_catch();
	map_pages();
	SEE(TRY_AT("ld zero, (%[a])", [a] "r"(PAGE_OF(NO_PAGE) + 8)), place);
	SEE(TRY_AT("sd zero, (%[a])", [a] "r"(PAGE_OF(NO_PAGE) + 16)), place);
	SEE(TRY_AT("sb zero, (%[a])", [a] "r"(PAGE_OF(RO_PAGE) + 5)), place);
	SEE(TRY_AT("lb zero, (%[a])", [a] "r"(PAGE_OF(USER_PAGE) + 3)), place);
	SEE(TRY_AT("amoadd.w zero, zero, (%[a])", [a] "r"(PAGE_OF(RO_PAGE))), place);
	SEE(TRY_AT("jalr ra, (%[a])", [a] "r"(PAGE_OF(NO_EXEC_PAGE))), PAGE_OF(NO_EXEC_PAGE));
	SEE(TRY_AT("jalr ra, (%[a])", [a] "r"(PAGE_OF(NO_PAGE))), PAGE_OF(NO_PAGE));
	/* No canonical address of Sv39. */
	SEE(TRY_AT("ld zero, (%[a])", [a] "r"(1UL << 40)), place);
	a0 = PAGE_OF(NO_EXEC_PAGE) + 2;
	SEE(TRY_AT("lr.d t0, (a0)", "r"(a0)), place);
	SEE(TRY_AT(".word 0", "r"(0)), place);
	SEE(TRY_AT(".word 0xffffffff", "r"(0)), place);
	SEE(TRY_AT(".word 0x0000700b", "r"(0)), place);
	SEE(TRY_AT("ebreak", "r"(0)), place);
	SEE(TRY_AT(".half 0x9002", "r"(0)), place);
	guest_say(seen_count);
	guest_done();
}

static void check_seen(const char *const *names, const u64 (*expected)[2], size_t count)
{
	struct seen *all = &guest_var(vm, seen[0]);
	size_t i;

	for (i = 0; i < count; i++) {
		bool value = all[i].value == expected[i][1] ||
			     /* Allowed by the manual: 0, or the address of the ebreak. */
			     (all[i].cause == CAUSE_ILLEGAL && !all[i].value) ||
			     (all[i].cause == CAUSE_BREAKPOINT &&
			      (!all[i].value || all[i].value == all[i].pc));

		if (report((all[i].cause == expected[i][0] && value &&
			    all[i].pc == all[i].place) ||
			   emulator_lost(all[i].cause, all[i].pc), "%s", names[i]))
			continue;
		note("cause %llu (not %llu), stval 0x%llx (not 0x%llx), at 0x%llx (not 0x%llx)",
		     (unsigned long long)all[i].cause, (unsigned long long)expected[i][0],
		     (unsigned long long)all[i].value, (unsigned long long)expected[i][1],
		     (unsigned long long)all[i].pc, (unsigned long long)all[i].place);
	}
}

/* Code for U-mode. */
void user_code(void);
asm(	".pushsection .text\n"
	".balign 4\n"
	".globl user_code, user_ecall, user_load, user_csr, user_sret, user_wfi, user_illegal\n"
	"user_ecall:\n	ecall\n"
	"user_load:\n	ld zero, (a0)\n	ecall\n"
	"user_csr:\n	csrr zero, sstatus\n	ecall\n"
	"user_sret:\n	sret\n	ecall\n"
	"user_wfi:\n	wfi\n	ecall\n"
	"user_illegal:\n	.word 0\n	ecall\n"
	".popsection\n");
extern char user_ecall[], user_load[], user_csr[], user_sret[], user_wfi[], user_illegal[];

static void guest_user_traps(u64 argument)
{
	u64 cause;

	map_pages();
#define USER(code, arg)								\
	do {									\
		cause = guest_user(USER_ADDRESS(code), arg, 0);			\
		SEE(cause, USER_ADDRESS(code));					\
	} while (0)
	USER(user_ecall, 0);
	USER(user_load, PAGE_OF(RO_PAGE));
	USER(user_load, PAGE_OF(NO_PAGE) + 24);
	USER(user_csr, 0);
	USER(user_sret, 0);
	/* A user page is fine, up to the ecall behind it. */
	USER(user_load, PAGE_OF(USER_PAGE));
	seen[seen_count - 1].pc -= 4;
	/* Code that is S-mode's own. */
	cause = guest_user((u64)user_ecall, 0, 0);
	SEE(cause, (u64)user_ecall);
	if (!lenient)
		USER(user_illegal, 0);
	guest_say(seen_count);
	guest_done();
}

TEST(exceptions)
{
	static const char *const names[] = {
		"a load where nothing is mapped", "a store where nothing is mapped",
		"a store to what is read-only", "a load from a user's page",
		"an atomic operation on what is read-only", "code in a page without X",
		"code where nothing is mapped", "an address that is not canonical",
		"a misaligned lr", "an illegal instruction", "another",
		"an unknown instruction", "ebreak", "c.ebreak",
	};
	static const u64 expected[][2] = {
		{ CAUSE_LOAD_PAGE, PAGE_OF(NO_PAGE) + 8 },
		{ CAUSE_STORE_PAGE, PAGE_OF(NO_PAGE) + 16 },
		{ CAUSE_STORE_PAGE, PAGE_OF(RO_PAGE) + 5 },
		{ CAUSE_LOAD_PAGE, PAGE_OF(USER_PAGE) + 3 },
		{ CAUSE_STORE_PAGE, PAGE_OF(RO_PAGE) },
		{ CAUSE_FETCH_PAGE, PAGE_OF(NO_EXEC_PAGE) },
		{ CAUSE_FETCH_PAGE, PAGE_OF(NO_PAGE) },
		{ CAUSE_LOAD_PAGE, 1UL << 40 },
		{ CAUSE_LOAD_MISALIGNED, PAGE_OF(NO_EXEC_PAGE) + 2 },
		{ CAUSE_ILLEGAL, 0 },
		{ CAUSE_ILLEGAL, 0xffffffff },
		{ CAUSE_ILLEGAL, 0x0000700b },
		{ CAUSE_BREAKPOINT, 0 },
		{ CAUSE_BREAKPOINT, 0 },
	};
	static const char *const user_names[] = {
		"ecall from U-mode", "a load from S-mode's page", "a user's load of nothing",
		"a CSR of S-mode", "sret in U-mode", "a user's page, then an ecall", "S-mode's code",
		"an illegal instruction in U-mode",
	};
	static const u64 user_expected[][2] = {
		{ CAUSE_USER_ECALL, 0 },
		{ CAUSE_LOAD_PAGE, PAGE_OF(RO_PAGE) },
		{ CAUSE_LOAD_PAGE, PAGE_OF(NO_PAGE) + 24 },
		{ CAUSE_ILLEGAL, 0x10002073 },
		{ CAUSE_ILLEGAL, 0x10200073 },
		{ CAUSE_USER_ECALL, 0 },
		{ CAUSE_FETCH_PAGE, 0 },	/* the address; below */
		{ CAUSE_ILLEGAL, 0 },
	};
	u64 own[ARRAY_SIZE(user_expected)][2], count = ARRAY_SIZE(own) - in_tree();

	lenient = in_tree();
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_exceptions, 0);
	report(vcpu_run_said(vcpu) == ARRAY_SIZE(expected), "all of them came back");
	check_seen(names, expected, ARRAY_SIZE(expected));
	vm_destroy(vm);

	memcpy(own, user_expected, sizeof(own));
	own[6][1] = (u64)user_ecall;
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_user_traps, 0);
	report(vcpu_run_said(vcpu) == count, "all of U-mode came back");
	check_seen(user_names, own, count);
	vm_destroy(vm);
}

/* --- guest tables and code where no memory is ----------------------------- */

static void guest_bad_table(u64 argument)
{
	volatile uint64_t *table = (uint64_t *)RISCV_GPA_WINDOW;

	guest_catch();
	table[1] = PTE_OF(GPA_MMIO) | PTE_V;
	sfence_vma();
	guest_say(GUEST_TRY("ld zero, (%[a])", [a] "r"(PAGE_OF(HOLE_TABLE))));
	guest_say(GUEST_TRY("sd zero, (%[a])", [a] "r"(PAGE_OF(HOLE_TABLE))));
	guest_done();
}

static void guest_bad_code(u64 argument)
{
	guest_catch();
	guest_say(GUEST_TRY("jalr ra, (%[a])", [a] "r"(GPA_MMIO + 0x10)));
	guest_done();
}

static void guest_bad_root(u64 argument)
{
	csr_write(satp, SATP_SV39 | GPA_MMIO >> 12);
	sfence_vma();
	guest_done();
}

/*
 * What a machine would do is an access fault.  User space may be told instead that
 * this cannot be emulated; what it must not see is MMIO that nobody asked for.
 */
static void check_hole(void (*guest)(u64), u64 cause, const char *what)
{
	u64 value = 0;
	int err;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest, 0);
	err = vcpu_run(vcpu);
	if (!err && vcpu_said(vcpu, &value))
		report(value == cause, "%s is an access fault", what);
	else
		report(err || vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR || in_tree(),
		       "%s is no guest that goes on", what);
	note("KVM_RUN %d, exit %s, cause %llu", err, exit_name(vcpu->run->exit_reason),
	     (unsigned long long)value);
	vm_destroy(vm);
}

/* Its handler cannot be fetched either: a machine traps for ever, and can be stopped. */
static void check_endless(void)
{
	struct vcpu_thread thread = {};
	volatile int *error = &thread.error;

	vm = vm_create(0);
	vcpu_thread_start(&thread, vcpu_create(vm, guest_bad_root, 0));
	sleep_ms(300);
	if (*error) {
		note("a root table where no memory is: %d", *error);
		pthread_join(thread.thread, NULL);
	} else {
		vcpu_thread_stop(&thread);
	}
	report(true, "a root table where no memory is can be stopped");
	vm_destroy(vm);
}

TEST(exceptions_holes)
{
	check_hole(guest_bad_table, CAUSE_LOAD_ACCESS, "a page table where no memory is");
	check_hole(guest_bad_code, CAUSE_FETCH_ACCESS, "code where no memory is");
	check_endless();
}

/* --- csr_emulation -------------------------------------------------------- */

#define ILLEGAL(text)	SEE(TRY_AT(text, "r"(0)), place)

static void guest_virtual(u64 argument)
{
	guest_catch();
	/* What a machine without the H extension does not have. */
	ILLEGAL("csrr t0, 0x600");		/* hstatus */
	ILLEGAL("csrw 0x680, zero");		/* hgatp */
	ILLEGAL("csrr t0, 0x200");		/* vsstatus */
	ILLEGAL("csrw 0x280, zero");		/* vsatp */
	ILLEGAL("csrr t0, 0xe12");		/* hgeip */
	ILLEGAL(".word 0x22000073");		/* hfence.vvma */
	ILLEGAL(".word 0x62000073");		/* hfence.gvma */
	ILLEGAL(".word 0x600542f3");		/* hlv.b t0, (a0) */
	ILLEGAL(".word 0x64354073");		/* hlvx.hu zero, (a0) */
	/* What S-mode never has. */
	ILLEGAL("csrr t0, 0x300");		/* mstatus */
	ILLEGAL("csrr t0, 0xf14");		/* mhartid */
	ILLEGAL(".word 0x30200073");		/* mret */
	/* What nobody has. */
	ILLEGAL("csrr t0, 0x5c0");
	ILLEGAL("csrw 0x5c1, zero");
	ILLEGAL("csrr t0, 0x8ff");
	/* What cannot be written. */
	ILLEGAL("csrw 0xc01, zero");		/* time */
	ILLEGAL("csrrsi t0, 0xc01, 1");
	ILLEGAL("csrw 0xc00, zero");		/* cycle */
	guest_say(seen_count);
	guest_done();
}

/* Reading it without writing is fine, though. */
static void guest_time(u64 argument)
{
	u64 first, second, value;

	guest_catch();
	first = rdtime();
	value = GUEST_TRY("csrrs t0, 0xc01, zero\n\tcsrrci t1, 0xc01, 0", "r"(0));
	second = rdtime();
	guest_say(value);
	guest_say(second >= first);
	/* Waits that end by themselves, if the hart knows them. */
	guest_say(argument ? GUEST_TRY(".word 0x01d00073", "r"(0)) : CAUSE_NONE);
	guest_done();
}

static void guest_user_time(u64 argument)
{
	csr_set(scounteren, 2);
	guest_say(guest_user(USER_ADDRESS(argument), 0, 0));
	csr_clear(scounteren, 2);
	guest_say(guest_user(USER_ADDRESS(argument), 0, 0));
	guest_done();
}

extern char user_rdtime[];
asm(	".pushsection .text\n"
	".globl user_rdtime\n"
	"user_rdtime:\n	csrr a0, time\n	ecall\n"
	".popsection\n");

/* In U-mode wfi may wait for a while only, and traps then. */
static void guest_user_waits(u64 argument)
{
	guest_say(guest_user(USER_ADDRESS(user_wfi), 0, 0));
	guest_done();
}

static void guest_seed(u64 argument)
{
	u64 value = 0;

	asm volatile("csrrw %0, 0x015, zero" : "=r"(value));
	guest_say(value);
	asm volatile("csrrw zero, 0x015, %0" : : "r"(0x55UL));
	guest_say(1);
	guest_done();
}

static void check_seed(void)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_seed, 0);
	if (!riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_ZKR)) {
		note("no Zkr");
		vm_destroy(vm);
		return;
	}
	if (!vcpu_run_expect(vcpu, KVM_EXIT_RISCV_CSR, "seed is asked of user space"))
		return;
	report(vcpu->run->riscv_csr.csr_num == 0x15 && !vcpu->run->riscv_csr.new_value &&
	       vcpu->run->riscv_csr.write_mask == ~0UL, "with number, value and mask");
	vcpu->run->riscv_csr.ret_value = 0x80001234;
	report(vcpu_run_said(vcpu) == 0x80001234, "and the answer arrives");
	vcpu_run_expect(vcpu, KVM_EXIT_RISCV_CSR, "a write that reads nothing");
	report(vcpu->run->riscv_csr.new_value == 0x55, "has its value");
	report(vcpu_run_said(vcpu) == 1, "the guest goes on");
	vm_destroy(vm);
}

TEST(csr_emulation)
{
	static const char *const names[] = {
		"hstatus", "hgatp", "vsstatus", "vsatp", "hgeip", "hfence.vvma", "hfence.gvma",
		"hlv.b", "hlvx.hu", "mstatus", "mhartid", "mret", "a CSR that nobody has",
		"another", "one of U-mode", "a write to time", "setting bits of time",
		"a write to cycle",
	};
	static const u64 expected[][2] = {
		{ CAUSE_ILLEGAL, 0x600022f3 }, { CAUSE_ILLEGAL, 0x68001073 },
		{ CAUSE_ILLEGAL, 0x200022f3 }, { CAUSE_ILLEGAL, 0x28001073 },
		{ CAUSE_ILLEGAL, 0xe12022f3 }, { CAUSE_ILLEGAL, 0x22000073 },
		{ CAUSE_ILLEGAL, 0x62000073 }, { CAUSE_ILLEGAL, 0x600542f3 },
		{ CAUSE_ILLEGAL, 0x64354073 }, { CAUSE_ILLEGAL, 0x300022f3 },
		{ CAUSE_ILLEGAL, 0xf14022f3 }, { CAUSE_ILLEGAL, 0x30200073 },
		{ CAUSE_ILLEGAL, 0x5c0022f3 }, { CAUSE_ILLEGAL, 0x5c101073 },
		{ CAUSE_ILLEGAL, 0x8ff022f3 }, { CAUSE_ILLEGAL, 0xc0101073 },
		{ CAUSE_ILLEGAL, 0xc010e2f3 }, { CAUSE_ILLEGAL, 0xc0001073 },
	};

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_virtual, 0);
	report(vcpu_run_said(vcpu) == ARRAY_SIZE(expected), "all of them came back");
	check_seen(names, expected, ARRAY_SIZE(expected));
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	vcpu_enter_at(vcpu, guest_time, riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_ZAWRS));
	report(vcpu_run_said(vcpu) == CAUSE_NONE, "time can be read in every way that writes nothing");
	report(vcpu_run_said(vcpu) == 1, "and goes on");
	report(vcpu_run_said(vcpu) == CAUSE_NONE, "wrs.sto comes back");
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_user_time, (u64)user_rdtime);
	report(vcpu_run_said(vcpu) == CAUSE_USER_ECALL, "U-mode reads time if it may");
	report(vcpu_run_said(vcpu) == CAUSE_ILLEGAL, "and not if it may not");
	vm_destroy(vm);

	/* The kernel's own waits as for S-mode, for ever. */
	if (!in_tree()) {
		u64 cause;

		vm = vm_create(0);
		vcpu = vcpu_create(vm, guest_user_waits, 0);
		cause = vcpu_run_said(vcpu);
		report(cause == CAUSE_ILLEGAL || cause == CAUSE_USER_ECALL,
		       "wfi in U-mode is illegal, or comes back");
		vm_destroy(vm);
	}
	check_seed();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several harts: IPIs, remote fences, starting and stopping (SBI specification,
 * "IPI Extension", "RFENCE Extension", "Hart State Management Extension").
 */
#include <lib/kvm.h>

#define HARTS	4

static struct vm *vm;
static struct vcpu_thread threads[HARTS];

/*
 * Hart 0 runs @entry; the others wait to be started, each in a thread.  All end by
 * guest_done() of hart 0.
 */
static void run_harts(void (*entry)(u64), u64 argument, int harts)
{
	int i;

	vm = vm_create(0);
	vcpu_create(vm, entry, argument);
	for (i = 1; i < harts; i++) {
		memset(&threads[i], 0, sizeof(threads[i]));
		vcpu_thread_start(&threads[i], vcpu_create_bare(vm, i));
	}
}

static void end_harts(int harts)
{
	int i;

	for (i = 1; i < harts; i++)
		vcpu_thread_stop(&threads[i]);
	vm_destroy(vm);
}

static void check_said(const char *const *names, size_t count, const long *expected)
{
	size_t i;

	for (i = 0; i < count; i++) {
		long value = vcpu_run_said(&vm->vcpus[0]);

		if (!report(value == expected[i], "%s", names[i]))
			note("%ld, not %ld", value, expected[i]);
	}
	vcpu_run_done(&vm->vcpus[0]);
}

/* --- guest: harts that wait ----------------------------------------------- */

static struct {
	volatile u64	up, ipis, fences;
	volatile u64	hart, opaque;
} harts[HARTS];

/* --- sbi_ipi -------------------------------------------------------------- */

static void on_ipi(struct guest_frame *frame)
{
	u64 hart = frame->x[4];		/* tp */

	csr_clear(sip, BIT(IRQ_SOFT));
	harts[hart].ipis++;
}

/* tp is the number of the hart, for handlers. */
static inline void set_tp(u64 hart)
{
	asm volatile("mv tp, %0" : : "r"(hart));
}

static void guest_take_ipis(u64 hart)
{
	set_tp(hart);
	csr_set(sie, BIT(IRQ_SOFT));
	harts[hart].up = 1;
	for (;;) {
		/* Both ways to be: asleep, and at work. */
		if (hart & 1)
			guest_wfi();
		guest_irqs_open();
	}
}

/* Each of the harts in @mask has one more than before, the others have not. */
static u64 ipis_wrong(u64 mask, const u64 *before)
{
	u64 i, tries, wrong = 0;

	for (i = 0; i < HARTS; i++) {
		u64 wanted = before[i] + !!(mask & BIT(i));

		for (tries = 0; tries < 5000000 && harts[i].ipis < wanted; tries++)
			guest_irqs_open();
		wrong |= (u64)(harts[i].ipis != wanted) << i;
	}

	return wrong;
}

static u64 send_and_check(u64 mask, u64 base, u64 expected)
{
	u64 before[HARTS], i;
	long error;

	for (i = 0; i < HARTS; i++)
		before[i] = harts[i].ipis;
	error = sbi_send_ipi(mask, base);
	if (error)
		return error;

	return ipis_wrong(expected, before);
}

static void guest_send_ipis(u64 argument)
{
	u64 i, mask, wrong = 0;

	set_tp(0);
	guest_irq_handlers[IRQ_SOFT] = on_ipi;
	csr_set(sie, BIT(IRQ_SOFT));
	for (i = 1; i < HARTS; i++) {
		GUEST_ASSERT_EQ(guest_hart_start(i, guest_take_ipis, i), 0);
		guest_wait_for(&harts[i].up, 1);
	}
	guest_say(send_and_check(BIT(1), 0, BIT(1)));
	guest_say(send_and_check(BIT(0), 0, BIT(0)));
	guest_say(send_and_check(BIT(0), 2, BIT(2)));
	guest_say(send_and_check(BIT(1) | BIT(3), 0, BIT(1) | BIT(3)));
	guest_say(send_and_check(0, ~0ULL, 15));
	/* As far above the base as this hart, if numbers wrapped around. */
	guest_say(send_and_check(BIT(1), ~0ULL, 15));
	guest_say(send_and_check(0, 0, 0));
	for (i = 0; i < 300; i++) {
		mask = 1 + i % 15;
		wrong |= send_and_check(mask, 0, mask);
	}
	guest_say(wrong);
	guest_say(sbi_send_ipi(BIT(5), 0));
	guest_say(sbi_send_ipi(1, HARTS + 1));
	guest_say(sbi_send_ipi(1, ~1ULL));
	guest_say(sbi_call2(SBI_IPI, 1, 1, 0).error);
	guest_done();
}

TEST(sbi_ipi)
{
	static const char *const names[] = {
		"to hart 1", "to itself", "by a base", "to two", "to all",
		"to all, whatever the mask", "to none",
		"300 times to many", "to a hart that is not there", "by a base that is too high",
		"by one that is far too high", "an unknown function",
	};
	static const long expected[] = {
		0, 0, 0, 0, 0, 0, 0, 0, SBI_INVALID_PARAM, SBI_INVALID_PARAM, SBI_INVALID_PARAM,
		SBI_NOT_SUPPORTED,
	};

	run_harts(guest_send_ipis, 0, HARTS);
	check_said(names, ARRAY_SIZE(names), expected);
	end_harts(HARTS);
}

/* --- sbi_legacy: harts named by a bit vector in memory ----------------------- */

#define HAMMERED	(8 * MIB)
#define NOWHERE		(RISCV_WINDOW + 5 * PAGE)	/* not mapped */

static u64 vector;
static volatile u64 denied;

static long send_legacy(u64 address)
{
	return sbi_call1(SBI_SEND_IPI_V01, 0, address).error;
}

static u64 legacy_and_check(u64 mask, bool all)
{
	u64 before[HARTS], i;
	long error;

	for (i = 0; i < HARTS; i++)
		before[i] = harts[i].ipis;
	vector = mask;
	error = send_legacy(all ? 0 : (u64)&vector);
	if (error)
		return error;

	return ipis_wrong(all ? 15 : mask, before);
}

/* The cause of the exception that the call is, and its stval is the address. */
static u64 legacy_cause(u64 address)
{
	register u64 a0 asm("a0") = address;
	register u64 a7 asm("a7") = SBI_SEND_IPI_V01;
	u64 cause = GUEST_TRY("ecall", "r"(a0), "r"(a7));

	return guest_trap_value == address ? cause : ~0ULL;
}

static void guest_legacy(u64 argument)
{
	u64 i;

	set_tp(0);
	guest_irq_handlers[IRQ_SOFT] = on_ipi;
	csr_set(sie, BIT(IRQ_SOFT));
	for (i = 1; i < HARTS; i++) {
		GUEST_ASSERT_EQ(guest_hart_start(i, guest_take_ipis, i), 0);
		guest_wait_for(&harts[i].up, 1);
	}
	guest_say(legacy_and_check(BIT(1), false));
	guest_say(legacy_and_check(BIT(0) | BIT(3), false));
	guest_say(legacy_and_check(0, false));
	guest_say(legacy_and_check(0, true));
	guest_say(sbi_call0(SBI_CLEAR_IPI_V01, 0).error);
	vector = 1;
	send_legacy((u64)&vector);
	guest_say(!!(csr_read(sip) & BIT(IRQ_SOFT)));
	guest_say(sbi_call0(SBI_CLEAR_IPI_V01, 0).error);
	guest_say(!!(csr_read(sip) & BIT(IRQ_SOFT)));
	guest_say(sbi_call1(SBI_FENCE_I_V01, 0, 0).error);
	guest_say(sbi_call3(SBI_SFENCE_V01, 0, (u64)&vector, 0, 0x1000).error);
	guest_say(sbi_call4(SBI_SFENCE_ASID_V01, 0, (u64)&vector, 0, 0x1000, 1).error);
	guest_catch();
	guest_say(legacy_cause(NOWHERE));
	guest_say(legacy_cause(GPA_MMIO));
	guest_say(legacy_cause((u64)&vector + 4));
	guest_done();
}

static void on_denied(struct guest_frame *frame)
{
	denied++;
	frame->sepc += 4;
}

/* The vector is in memory that comes and goes; what is there names nobody. */
static void guest_legacy_hammered(u64 argument)
{
	u64 end = rdtime() + argument;

	guest_handlers[CAUSE_LOAD_ACCESS] = on_denied;
	while (rdtime() < end)
		send_legacy(GPA_TEST);
	guest_say(denied);
	guest_done();
}

static volatile bool hammering;

static void *hammer(void *memory)
{
	u64 at;

	while (hammering) {
		for (at = 0; at < HAMMERED; at += PAGE)
			*(volatile u8 *)((u8 *)memory + at) = 0;
		madvise(memory, HAMMERED, MADV_DONTNEED);
	}

	return NULL;
}

static void check_hammered(void)
{
	struct vcpu *vcpu;
	pthread_t thread;
	u64 hz;
	u8 *memory;

	vm = vm_create(0);
	memory = vm_add_memory(vm, VM_SLOT_TEST, GPA_TEST, HAMMERED, 0);
	madvise(memory, HAMMERED, MADV_NOHUGEPAGE);
	vcpu = vcpu_create_bare(vm, 0);
	hz = reg_get(vcpu, RISCV_TIMER(frequency));
	vcpu_enter_at(vcpu, guest_legacy_hammered, 2 * hz);
	hammering = true;
	pthread_create(&thread, NULL, hammer, memory);
	report(!vcpu_run_said(vcpu), "memory that the host moves is memory all the same");
	vcpu_run_done(vcpu);
	hammering = false;
	pthread_join(thread, NULL);
	vm_destroy(vm);
}

TEST(sbi_legacy)
{
	static const char *const names[] = {
		"to hart 1", "to two", "to none", "without a vector to all",
		"nothing to clear", "one to itself", "is cleared", "and gone",
		"instruction fences", "address fences", "of one address space",
		"a vector that is not mapped", "one where no memory is", "one that is misaligned",
	};
	static const long expected[] = {
		0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, CAUSE_LOAD_PAGE, CAUSE_LOAD_ACCESS,
		CAUSE_LOAD_MISALIGNED,
	};
	u64 there = 0;

	vm = vm_create(0);
	if (reg_try_get(vcpu_create_bare(vm, 0), RISCV_SBI_EXT(V01), &there) || !there)
		skip("no calls of the first SBI on this host");
	vm_destroy(vm);
	run_harts(guest_legacy, 0, HARTS);
	check_said(names, ARRAY_SIZE(names), expected);
	end_harts(HARTS);
	check_hammered();
}

/* --- sbi_rfence ----------------------------------------------------------- */

#define ROUNDS		300

static volatile u64 reader_value, reader_rounds;
static u64 asid;

/* Read through the window, again and again. */
static void guest_read_window(u64 hart)
{
	if (asid)
		csr_write(satp, SATP_SV39 | asid << 44 | RISCV_GPA_ROOT >> 12);
	for (;;) {
		reader_value = guest_read64(RISCV_WINDOW);
		reader_rounds++;
	}
}

static void point_window(u64 n)
{
	RISCV_WINDOW_PTE(0) = PTE_OF(RISCV_GPA_LOW + n * 0x1000) | PTE_RWX;
}

enum fence { FENCE_RANGE, FENCE_ALL, FENCE_EVERYTHING, FENCE_ASID, FENCE_HARTS, FENCES };

static long remote_fence(enum fence fence)
{
	switch (fence) {
	case FENCE_RANGE:
		return sbi_call4(SBI_RFENCE, 1, BIT(1), 0, RISCV_WINDOW, 0x1000).error;
	case FENCE_ALL:
		return sbi_call4(SBI_RFENCE, 1, BIT(0), 1, 0, 0).error;
	case FENCE_EVERYTHING:
		return sbi_call4(SBI_RFENCE, 1, BIT(1), 0, 0, ~0ULL).error;
	case FENCE_ASID:
		return sbi_call5(SBI_RFENCE, 2, BIT(1), 0, RISCV_WINDOW, 0x1000, asid).error;
	default:
		return sbi_call4(SBI_RFENCE, 1, 0, ~0ULL, RISCV_WINDOW, 0x1000).error;
	}
}

/* How often the other hart still saw the old page after a fence. */
static u64 count_stale(enum fence fence)
{
	u64 i, stale = 0, round;

	for (i = 0; i < ROUNDS; i++) {
		point_window(i & 1);
		if (remote_fence(fence))
			return ~0ULL;
		/* One read may have begun before the fence. */
		round = reader_rounds;
		while (reader_rounds < round + 2)
			guest_pause();
		stale += reader_value != 0x1000 + (i & 1);
	}

	return stale;
}

static void guest_fence(u64 wanted_asid)
{
	enum fence fence;

	asid = wanted_asid;
	guest_write64(RISCV_GPA_LOW, 0x1000);
	guest_write64(RISCV_GPA_LOW + 0x1000, 0x1001);
	point_window(0);
	GUEST_ASSERT_EQ(guest_hart_start(1, guest_read_window, 1), 0);
	guest_wait_for(&reader_rounds, 1);
	for (fence = 0; fence < FENCES; fence++)
		guest_say(fence == FENCE_ASID && !asid ? 0 : count_stale(fence));
	guest_done();
}

/*
 * Fences of the calling hart, and how many pages of the window they reach; 0: only
 * that the call comes back.  A handful of pages may be fenced one by one, so the
 * ends of the range count.  QEMU's TCG forgets everything when a guest exits and is
 * none the wiser; fence_pages() has a unit test.
 */
#define FENCED_PAGES	20

static const struct fence_here {
	const char	*name;
	u64		start, size, pages;
	bool		by_asid;
	u64		more_asid;	/* added to the hart's own */
} fences_here[] = {
	{ "its own page", RISCV_WINDOW, 0x1000, 1 },
	{ "two bytes of two pages", RISCV_WINDOW + 0xfff, 2, 2 },
	{ "16 pages", RISCV_WINDOW, 0x10000, 16 },
	{ "16 pages and a byte", RISCV_WINDOW, 0x10001, 17 },
	{ "20 pages", RISCV_WINDOW, 0x14000, 20 },
	{ "from 0 to the middle", 0, BIT(63), FENCED_PAGES },
	{ "all by 0 and 0", 0, 0, FENCED_PAGES },
	{ "all by the size", RISCV_WINDOW, ~0ULL, FENCED_PAGES },
	{ "the last page there is", ~0xfffULL, 0x1000, 0 },
	{ "around the end", RISCV_WINDOW, -RISCV_WINDOW + 1, 0 },
	{ "a page of its address space", RISCV_WINDOW, 0x1000, 1, true },
	{ "a bit more than a page over 3 pages of it", RISCV_WINDOW + 0xff8, 0x1010, 3, true },
	{ "all of its address space", 0, ~0ULL, FENCED_PAGES, true },
	{ "an address space that cannot be", RISCV_WINDOW, 0x1000, 0, true, BIT(16) },
};

static u64 count_stale_here(const struct fence_here *fence)
{
	u64 i, turn, stale = 0;

	for (turn = 0; turn < 30; turn++) {
		for (i = 0; i < FENCED_PAGES; i++)
			guest_read64(RISCV_WINDOW + i * 0x1000);
		for (i = 0; i < FENCED_PAGES; i++)
			RISCV_WINDOW_PTE(i) = PTE_OF(RISCV_GPA_LOW + (turn & 1) * 0x1000) | PTE_RWX;
		if (sbi_call5(SBI_RFENCE, fence->by_asid ? 2 : 1, BIT(0), 0, fence->start,
			      fence->size, asid + fence->more_asid).error)
			return ~0ULL;
		for (i = 0; i < fence->pages; i++)
			stale += guest_read64(RISCV_WINDOW + i * 0x1000) != 0x1000 + (turn & 1);
	}

	return stale;
}

static void guest_fence_here(u64 argument)
{
	u64 i;

	asid = 7;
	csr_write(satp, SATP_SV39 | asid << 44 | RISCV_GPA_ROOT >> 12);
	guest_write64(RISCV_GPA_LOW, 0x1000);
	guest_write64(RISCV_GPA_LOW + 0x1000, 0x1001);
	for (i = 0; i < FENCED_PAGES; i++)
		RISCV_WINDOW_PTE(i) = PTE_OF(RISCV_GPA_LOW) | PTE_RWX;
	sfence_vma();
	for (i = 0; i < ARRAY_SIZE(fences_here); i++)
		guest_say(count_stale_here(&fences_here[i]));
	guest_done();
}

static void check_fences_here(void)
{
	const char *names[ARRAY_SIZE(fences_here)];
	long expected[ARRAY_SIZE(fences_here)] = { };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fences_here); i++)
		names[i] = fences_here[i].name;
	run_harts(guest_fence_here, 0, 1);
	check_said(names, ARRAY_SIZE(names), expected);
	end_harts(1);
}

/*
 * A function in low memory that gives 1 or 2, as what is written there says.  Nobody
 * runs it while it is written: emulators may not follow that at once.
 */
static volatile u64 call_value, call_wanted, call_done;

static void write_function(u64 value)
{
	/* li a0, value; ret */
	guest_write32(RISCV_GPA_LOW, 0x00000513 | value << 20);
	guest_write32(RISCV_GPA_LOW + 4, 0x00008067);
	asm volatile("fence rw, rw" : : : "memory");
}

static void guest_call_function(u64 hart)
{
	for (;;) {
		while (call_done == call_wanted)
			guest_pause();
		call_value = ((u64 (*)(void))RISCV_GPA_LOW)();
		call_done++;
	}
}

static void guest_fence_i(u64 argument)
{
	u64 i, stale = 0;

	GUEST_ASSERT_EQ(guest_hart_start(1, guest_call_function, 1), 0);
	for (i = 0; i < ROUNDS; i++) {
		write_function(1 + (i & 1));
		GUEST_ASSERT_EQ(sbi_call2(SBI_RFENCE, 0, BIT(1), 0).error, 0);
		call_wanted++;
		guest_wait_for(&call_done, call_wanted);
		stale += call_value != 1 + (i & 1);
	}
	guest_say(stale);
	guest_say(sbi_call2(SBI_RFENCE, 0, 0, ~0ULL).error);
	guest_say(sbi_call4(SBI_RFENCE, 1, BIT(7), 0, 0, 0x1000).error);
	guest_say(sbi_call4(SBI_RFENCE, 1, 1, 100, 0, 0x1000).error);
	guest_say(sbi_call5(SBI_RFENCE, 3, 1, 0, 0, 0x1000, 0).error);
	guest_say(sbi_call4(SBI_RFENCE, 6, 1, 0, 0, 0x1000).error);
	guest_say(sbi_call2(SBI_RFENCE, 7, 1, 0).error);
	guest_done();
}

static void check_fences(u64 with_asid)
{
	static const char *const names[] = {
		"a range", "all of one by base", "everything", "an address space",
		"all harts",
	};
	static const long expected[] = { 0, 0, 0, 0, 0 };

	run_harts(guest_fence, with_asid, 2);
	check_said(names, ARRAY_SIZE(names), expected);
	end_harts(2);
}

TEST(sbi_rfence)
{
	static const char *const names[] = {
		"no old function after a fence", "instruction fence to all harts",
		"a hart that is not there", "a base that is too high",
		"a fence of a hypervisor", "another", "an unknown function",
	};
	long expected[] = {
		0, 0, SBI_INVALID_PARAM, SBI_INVALID_PARAM, SBI_NOT_SUPPORTED,
		SBI_NOT_SUPPORTED, SBI_NOT_SUPPORTED,
	};

	check_fences(0);
	note("with an address space number");
	check_fences(7);
	note("of the calling hart");
	check_fences_here();
	/* The kernel's own does not look. */
	if (in_tree())
		expected[2] = expected[3] = 0;
	run_harts(guest_fence_i, 0, 2);
	check_said(names, ARRAY_SIZE(names), expected);
	end_harts(2);
}

/* --- sbi_hsm -------------------------------------------------------------- */

static long hart_status(u64 hart)
{
	struct sbi_result result = sbi_call1(SBI_HSM, HSM_STATUS, hart);

	return result.error ? result.error : result.value;
}

/* Wait until a hart is in a state; returns the state it is in then. */
static long wait_status(u64 hart, long status)
{
	u64 tries;

	for (tries = 0; tries < 2000000 && hart_status(hart) != status; tries++)
		guest_pause();

	return hart_status(hart);
}

static volatile u64 resumed, ipi_taken, order;

/* A hart's first instructions, before anything is set up. */
struct hart_begin {
	u64 satp, sstatus, sie, a0, a1;
};
static volatile struct hart_begin begun;
void guest_raw_entry(void);
asm(	".pushsection .text\n"
	".balign 4\n"
	".globl guest_raw_entry\n"
	"guest_raw_entry:\n"
	/* a1 points to struct guest_start; hart_begin lies behind it */
	"	csrr t0, satp\n"
	"	sd t0, 16(a1)\n"
	"	csrr t0, sstatus\n"
	"	sd t0, 24(a1)\n"
	"	csrr t0, sie\n"
	"	sd t0, 32(a1)\n"
	"	sd a0, 40(a1)\n"
	"	sd a1, 48(a1)\n"
	"	j guest_hart_entry\n"
	".popsection\n");

static struct {
	struct guest_start	start;
	struct hart_begin	begin;
} raw __attribute__((aligned(64)));

static void on_hsm_ipi(struct guest_frame *frame)
{
	csr_clear(sip, BIT(IRQ_SOFT));
	ipi_taken++;
}

/* Hart 1: do what hart 0 orders. */
static void guest_obey(u64 argument)
{
	struct guest_start again = { (u64)guest_obey, argument + 1 };
	u64 now;

	resumed = argument;
	csr_set(sie, BIT(IRQ_SOFT));
	for (;;) {
		while (!(now = order))
			guest_irqs_open();
		order = 0;
		switch (now) {
		case HSM_STOP + 100:
			sbi_call0(SBI_HSM, HSM_STOP);
			GUEST_ASSERT(false);
			break;
		case HSM_SUSPEND + 100:
			GUEST_ASSERT_EQ(sbi_call3(SBI_HSM, HSM_SUSPEND, 0, 0, 0).error, 0);
			break;
		case HSM_SUSPEND + 200:
			/* Does not come back here. */
			sbi_call3(SBI_HSM, HSM_SUSPEND, 0x80000000, (u64)guest_hart_entry,
				  (u64)&again);
			GUEST_ASSERT(false);
			break;
		}
	}
}

static void guest_start_stop(u64 argument)
{
	u64 i, wrong = 0;

	raw.start.entry = (u64)guest_obey;
	raw.start.argument = 5;
	guest_irq_handlers[IRQ_SOFT] = on_hsm_ipi;
	guest_say(hart_status(0));
	guest_say(hart_status(1));
	guest_say(sbi_call3(SBI_HSM, HSM_START, 1, (u64)guest_raw_entry, (u64)&raw).error);
	guest_say(wait_status(1, HSM_STARTED));
	guest_wait_for(&resumed, 5);
	guest_say(raw.begin.satp == 0 && !(raw.begin.sstatus & SSTATUS_SIE));
	guest_say(raw.begin.a0 == 1 && raw.begin.a1 == (u64)&raw);
	guest_say(sbi_call3(SBI_HSM, HSM_START, 1, (u64)guest_raw_entry, (u64)&raw).error);
	guest_say(sbi_call3(SBI_HSM, HSM_START, 0, (u64)guest_raw_entry, (u64)&raw).error);
	guest_say(sbi_call3(SBI_HSM, HSM_START, 77, (u64)guest_raw_entry, (u64)&raw).error);
	guest_say(hart_status(77));
	guest_say(sbi_call0(SBI_HSM, 17).error);

	order = HSM_STOP + 100;
	guest_say(wait_status(1, HSM_STOPPED));
	for (i = 0; i < 50; i++) {
		raw.start.argument = 100 + i;
		wrong |= sbi_call3(SBI_HSM, HSM_START, 1, (u64)guest_raw_entry, (u64)&raw).error;
		guest_wait_for(&resumed, 100 + i);
		order = HSM_STOP + 100;
		wrong |= wait_status(1, HSM_STOPPED) != HSM_STOPPED;
	}
	guest_say(wrong);
	guest_done();
}

TEST(sbi_hsm)
{
	static const char *const names[] = {
		"hart 0 is started", "hart 1 is stopped", "hart 1 starts", "it is started",
		"without translation, interrupts off", "with its number and the opaque value",
		"starting it twice", "starting oneself", "starting a hart that is not there",
		"its status", "an unknown function", "it stops", "50 times started and stopped",
	};
	static const long expected[] = {
		HSM_STARTED, HSM_STOPPED, 0, HSM_STARTED, 1, 1, SBI_ALREADY_AVAILABLE,
		SBI_ALREADY_AVAILABLE, SBI_INVALID_PARAM, SBI_INVALID_PARAM, SBI_NOT_SUPPORTED,
		HSM_STOPPED, 0,
	};
	struct kvm_mp_state state = { 99 };

	run_harts(guest_start_stop, 0, 2);
	check_said(names, ARRAY_SIZE(names), expected);
	vcpu_thread_stop(&threads[1]);
	xioctl(vm->vcpus[1].fd, KVM_GET_MP_STATE, &state);
	report(state.mp_state == KVM_MP_STATE_STOPPED, "user space sees it stopped");
	vm_destroy(vm);
}

/* --- sbi_hsm_restart: a hart that was stopped in the middle of an access ------ */

static struct guest_start right_start, wrong_start __attribute__((used));

/* Whoever begins an instruction too late gets another argument. */
void guest_restart_entry(void);
asm(	".pushsection .text\n"
	".option push\n"
	".option norvc\n"
	".balign 4\n"
	".globl guest_restart_entry\n"
	"guest_restart_entry:\n"
	"	j 1f\n"
	"	lla a1, wrong_start\n"
	"1:	j guest_hart_entry\n"
	".option pop\n"
	".popsection\n");

static void guest_touch(u64 argument)
{
	guest_read32(GPA_MMIO);
	guest_say(argument);
}

static void guest_say_argument(u64 argument)
{
	guest_say(argument);
}

static void guest_stop_and_start(u64 argument)
{
	right_start = (struct guest_start){ (u64)guest_say_argument, 7 };
	wrong_start = (struct guest_start){ (u64)guest_say_argument, 8 };
	guest_say(guest_hart_start(1, guest_touch, 0));
	sbi_call2(SBI_SRST, 0, 1, 0);
	guest_say(sbi_call3(SBI_HSM, HSM_START, 1, (u64)guest_restart_entry,
			    (u64)&right_start).error);
}

TEST(sbi_hsm_restart)
{
	struct vcpu *first, *second;

	vm = vm_create(0);
	first = vcpu_create(vm, guest_stop_and_start, 0);
	second = vcpu_create_bare(vm, 1);
	report(vcpu_run_said(first) == 0, "hart 1 is started");
	vcpu_run_expect(second, KVM_EXIT_MMIO, "it reads from a device");
	vcpu_run_expect(first, KVM_EXIT_SYSTEM_EVENT, "hart 0 resets the machine");
	/* A machine that does not mind: it goes on behind the call. */
	reg_set(first, RISCV_PC, reg_get(first, RISCV_PC) + 4);
	report(vcpu_run_said(first) == 0, "hart 1 can be started, so it was stopped");
	report(reg_get(second, RISCV_PC) == (u64)guest_restart_entry || in_tree(),
	       "user space sees where it begins");
	report(vcpu_run_said(second) == 7, "and there it begins: the access is forgotten");
	vm_destroy(vm);
}

/* --- sbi_hsm_suspend ------------------------------------------------------ */

static void guest_suspend(u64 argument)
{
	u64 i, taken, wrong = 0;
	long error;

	guest_irq_handlers[IRQ_SOFT] = on_hsm_ipi;
	GUEST_ASSERT_EQ(guest_hart_start(1, guest_obey, 5), 0);
	guest_wait_for(&resumed, 5);
	for (i = 0; i < 50; i++) {
		taken = ipi_taken;
		order = HSM_SUSPEND + 100;
		guest_wait_for(&order, 0);
		/* A wait that ends early would be no error; that it does not end is. */
		sbi_send_ipi(BIT(1), 0);
		guest_wait_for(&ipi_taken, taken + 1);
		wrong += hart_status(1) < 0;
	}
	guest_say(wrong);
	guest_say(sbi_call3(SBI_HSM, HSM_SUSPEND, 1, 0, 0).error);
	/* Editions of the specification differ in which of the two it is. */
	error = sbi_call3(SBI_HSM, HSM_SUSPEND, 0x90000000, 0, 0).error;
	guest_say(error == SBI_INVALID_PARAM || error == SBI_NOT_SUPPORTED);
	if (argument) {
		guest_say(HSM_SUSPENDED);
		guest_say(0);
		guest_done();
	}
	taken = ipi_taken;
	order = HSM_SUSPEND + 200;
	/* One that came before would end nothing. */
	guest_say(wait_status(1, HSM_SUSPENDED));
	sbi_send_ipi(BIT(1), 0);
	guest_wait_for(&resumed, 6);
	guest_wait_for(&ipi_taken, taken + 1);
	guest_say(resumed != 6);
	guest_done();
}

TEST(sbi_hsm_suspend)
{
	static const char *const names[] = {
		"50 suspends that keep everything", "a reserved type",
		"a platform's type", "one that is asleep", "and begins anew",
	};
	static const long expected[] = { 0, SBI_INVALID_PARAM, 1, HSM_SUSPENDED, 0 };

	/* The kernel's own has no suspend that begins anew. */
	run_harts(guest_suspend, in_tree(), 2);
	check_said(names, ARRAY_SIZE(names), expected);
	end_harts(2);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Registers by KVM_GET_ONE_REG, KVM_SET_ONE_REG and KVM_GET_REG_LIST. */
#include <sched.h>
#include <lib/kvm.h>

#define TYPE(id)	((id) & KVM_REG_RISCV_TYPE_MASK)
#define SUBTYPE(id)	((id) & KVM_REG_RISCV_SUBTYPE_MASK)
#define VALUE_MAX	4096

static struct vm *vm;
static struct vcpu *vcpu;

static size_t reg_size(u64 id)
{
	return 1UL << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
}

static bool list_has(const struct kvm_reg_list *list, u64 id)
{
	u64 i;

	for (i = 0; i < list->n; i++)
		if (list->reg[i] == id)
			return true;

	return false;
}

/* ENOENT and EINVAL are both documented for what is not there. */
static bool refused(int result)
{
	return result == -1 && (errno == ENOENT || errno == EINVAL);
}

/* --- reg_list ------------------------------------------------------------- */

static u64 count_type(const struct kvm_reg_list *list, u64 type)
{
	u64 i, count = 0;

	for (i = 0; i < list->n; i++)
		count += TYPE(list->reg[i]) == type;

	return count;
}

static void check_list_calls(u64 n)
{
	struct kvm_reg_list *list = calloc(1, sizeof(*list) + (n + 64) * sizeof(u64));

	list->n = n - 1;
	report_errno(ioctl(vcpu->fd, KVM_GET_REG_LIST, list), E2BIG, "room for one less");
	report(list->n == n && !list->reg[0], "tells how many there are, and nothing else");
	list->n = n + 64;
	list->reg[n] = 0x1234;
	report(!ioctl(vcpu->fd, KVM_GET_REG_LIST, list) && list->n == n &&
	       list->reg[n] == 0x1234, "more room than needed");
	report_errno(ioctl(vcpu->fd, KVM_GET_REG_LIST, NULL), EFAULT, "no list at all");
	free(list);
}

TEST(reg_list)
{
	static const u64 needed[] = {
		RISCV_CONFIG(isa), RISCV_CONFIG(mvendorid), RISCV_CONFIG(marchid),
		RISCV_CONFIG(mimpid), RISCV_CONFIG(satp_mode), RISCV_MODE,
		RISCV_CSR(sstatus), RISCV_CSR(sie), RISCV_CSR(stvec), RISCV_CSR(sscratch),
		RISCV_CSR(sepc), RISCV_CSR(scause), RISCV_CSR(stval), RISCV_CSR(sip),
		RISCV_CSR(satp), RISCV_CSR(scounteren), RISCV_TIMER(frequency),
		RISCV_TIMER(time), RISCV_TIMER(compare), RISCV_TIMER(state),
		RISCV_ISA_EXT(A), RISCV_ISA_EXT(C), RISCV_ISA_EXT(I), RISCV_ISA_EXT(M),
		RISCV_SBI_EXT(TIME), RISCV_SBI_EXT(IPI), RISCV_SBI_EXT(RFENCE),
		RISCV_SBI_EXT(HSM), RISCV_SBI_EXT(SRST),
	};
	struct kvm_reg_list *list;
	u64 i, j, missing = 0, twice = 0, foreign = 0;

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	list = reg_list_get(vcpu);
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (!list_has(list, needed[i]))
			missing++, note("no register 0x%llx", (unsigned long long)needed[i]);
	for (i = 0; i < 33; i++)
		missing += !list_has(list, RISCV_CORE(i));
	report(!missing, "the registers that every guest has");
	for (i = 0; i < list->n; i++) {
		foreign += (list->reg[i] & KVM_REG_ARCH_MASK) != KVM_REG_RISCV;
		for (j = 0; j < i; j++)
			twice += list->reg[i] == list->reg[j];
	}
	report(!foreign && !twice, "no register twice or of another architecture");
	report(list->n <= 500, "%llu registers, few enough for VMMs", (unsigned long long)list->n);
	report(count_type(list, KVM_REG_RISCV_FP_F) ==
	       (riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_F) ? 33 : 0) &&
	       count_type(list, KVM_REG_RISCV_FP_D) ==
	       (riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_D) ? 33 : 0), "floating point");
	report(count_type(list, KVM_REG_RISCV_VECTOR) ==
	       (riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_V) ? 37 : 0), "vectors");
	report(list_has(list, RISCV_CONFIG(zicbom_block_size)) ==
	       riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_ZICBOM) &&
	       list_has(list, RISCV_CONFIG(zicboz_block_size)) ==
	       riscv_has_isa(vcpu, KVM_RISCV_ISA_EXT_ZICBOZ), "block sizes");
	check_list_calls(list->n);
	free(list);
	vm_destroy(vm);
}

/* --- one_reg -------------------------------------------------------------- */

/*
 * The kernel's own does not turn a timer off, and takes nothing for SBI extensions
 * once a vCPU has run.
 */
static bool in_tree_refuses(u64 id)
{
	return in_tree() && (id == RISCV_TIMER(state) || TYPE(id) == KVM_REG_RISCV_SBI_EXT);
}

/* Every register of the list takes its own value, and keeps it. */
static void check_own_values(const char *when)
{
	struct kvm_reg_list *list = reg_list_get(vcpu);
	static u8 first[VALUE_MAX], second[VALUE_MAX];
	u64 i, bad = 0, changed = 0;

	for (i = 0; i < list->n; i++) {
		u64 id = list->reg[i];

		if (reg_try_get(vcpu, id, first) || reg_try_set(vcpu, id, first)) {
			bad += !in_tree_refuses(id);
			note("0x%llx: %s", (unsigned long long)id, strerror(errno));
			continue;
		}
		/* Time passes. */
		if (TYPE(id) == KVM_REG_RISCV_TIMER)
			continue;
		reg_try_get(vcpu, id, second);
		if (memcmp(first, second, reg_size(id)))
			changed++, note("0x%llx has changed", (unsigned long long)id);
	}
	report(!bad && !changed, "%s: every listed register takes its own value back", when);
	free(list);
}

/* Ids that differ from a listed one and are none. */
static void check_bad_ids(void)
{
	struct kvm_reg_list *list = reg_list_get(vcpu);
	static u8 value[65536];
	u64 i, size, accepted = 0;

	for (i = 0; i < list->n; i++) {
		for (size = 0; size <= 8; size++) {
			u64 id = (list->reg[i] & ~KVM_REG_SIZE_MASK) | size << KVM_REG_SIZE_SHIFT;

			if (id == list->reg[i])
				continue;
			if (!refused(reg_try_get(vcpu, id, value)) ||
			    !refused(reg_try_set(vcpu, id, value)))
				accepted++, note("0x%llx is accepted, or errno %d",
						 (unsigned long long)id, errno);
		}
	}
	report(!accepted, "other sizes are refused");
	free(list);
}

static void check_foreign_ids(void)
{
	static const struct { u64 id; const char *what; } bad[] = {
		{ RISCV_REG(U64, CORE, 33), "a core register too many" },
		{ RISCV_REG(U64, CORE, 0xffff), "one far too many" },
		{ RISCV_REG(U64, CONFIG, 7), "a configuration register too many" },
		{ RISCV_REG(U64, CSR, 11), "a CSR too many" },
		{ RISCV_REG(U64, CSR, 7 | KVM_REG_RISCV_CSR_AIA), "a CSR of the AIA too many" },
		{ RISCV_REG(U64, CSR, 1 | KVM_REG_RISCV_CSR_SMSTATEEN), "a sstateen too many" },
		{ RISCV_REG(U64, CSR, 3 << KVM_REG_RISCV_SUBTYPE_SHIFT), "an unknown group" },
		{ RISCV_REG(U64, TIMER, 4), "a timer register too many" },
		{ RISCV_REG(U32, FP_F, 33), "a single-precision register too many" },
		{ RISCV_REG(U64, FP_D, 33), "a double-precision register too many" },
		{ RISCV_REG(U64, FP_D, 0xffff), "one far too many" },
		{ RISCV_REG(U64, ISA_EXT, KVM_RISCV_ISA_EXT_MAX), "an extension too many" },
		{ RISCV_REG(U64, ISA_EXT, 0xffff), "one far too many" },
		{ RISCV_REG(U64, ISA_EXT, KVM_REG_RISCV_ISA_MULTI_EN | 7), "a word too many" },
		{ RISCV_REG(U64, ISA_EXT, 3 << KVM_REG_RISCV_SUBTYPE_SHIFT), "an unknown group" },
		{ RISCV_REG(U64, SBI_EXT, 31), "an SBI extension too many" },
		{ RISCV_REG(U64, SBI_EXT, KVM_REG_RISCV_SBI_MULTI_EN | 7), "a word too many" },
		{ RISCV_REG(U64, SBI_STATE, 2), "an SBI state too many" },
		{ RISCV_REG(U64, SBI_STATE, 1 << KVM_REG_RISCV_SUBTYPE_SHIFT), "an unknown group" },
		{ RISCV_REG(U64, VECTOR, 5 + 32), "a vector register too many" },
		{ RISCV_REG(U64, CORE, 0) + (0x10ULL << KVM_REG_RISCV_TYPE_SHIFT), "an unknown type" },
		{ KVM_REG_RISCV | KVM_REG_SIZE_U64, "type 0" },
		{ KVM_REG_X86 | KVM_REG_SIZE_U64 | KVM_REG_RISCV_CORE, "another architecture" },
		{ RISCV_CORE(1) | 1ULL << 40, "a bit that has no meaning" },
	};
	static u8 value[65536];
	size_t i, accepted = 0;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		/* Zeroes would be right for much. */
		memset(value, 0x5a, sizeof(value));
		if (!refused(reg_try_get(vcpu, bad[i].id, value)) ||
		    !refused(reg_try_set(vcpu, bad[i].id, value)))
			accepted++, note("%s (0x%llx) is accepted, or errno %d", bad[i].what,
					 (unsigned long long)bad[i].id, errno);
	}
	/* It does not look at all bits of an id. */
	report(!accepted || (in_tree() && accepted <= 2), "%zu ids that are none", ARRAY_SIZE(bad));
	report_errno(reg_try_get(vcpu, RISCV_CORE(1), NULL), EFAULT, "nowhere to put it");
	report_errno(reg_try_set(vcpu, RISCV_CORE(1), NULL), EFAULT, "nowhere to get it from");
}

/* Register, a value it must not take. */
static void check_bad_values(void)
{
	static const struct { u64 id, value; const char *what; bool lenient; } bad[] = {
		{ RISCV_MODE, 2, "mode 2", true },
		{ RISCV_MODE, 3, "machine mode", true },
		{ RISCV_TIMER(frequency), 1, "another frequency" },
		{ RISCV_TIMER(state), 2, "a timer state of 2" },
		{ RISCV_CONFIG(satp_mode), 1, "another satp mode" },
		{ RISCV_CONFIG(zicbom_block_size), 3, "another block size" },
		{ RISCV_CONFIG(zicboz_block_size), 3, "another block size" },
		{ RISCV_ISA_EXT(H), 1, "the H extension" },
		{ RISCV_SBI_EXT(TIME), 2, "an SBI extension that is 2" },
	};
	u64 before = 0, after = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bool readable = !reg_try_get(vcpu, bad[i].id, &before);
		bool good = refused(reg_try_set(vcpu, bad[i].id, &bad[i].value));

		if (readable)
			reg_get(vcpu, bad[i].id);
		good = good && (!readable || (!reg_try_get(vcpu, bad[i].id, &after) &&
					      after == before));
		report(good || (in_tree() && bad[i].lenient), "%s is refused, nothing changes",
		       bad[i].what);
		if (readable)
			reg_try_set(vcpu, bad[i].id, &before);
	}
}

/* What the guest finds in its registers, and what it leaves in them. */
static u64 seen[32];

void guest_registers(u64 argument);
asm(	".pushsection .text\n"
	".globl guest_registers\n"
	"guest_registers:\n"
	"	csrw sscratch, t0\n"
	"	la t0, seen\n"
	"	sd ra, 8(t0)\n"
	"	sd sp, 16(t0)\n"
	"	sd tp, 32(t0)\n"
	"	csrrw t1, sscratch, zero\n"
	"	sd t1, 40(t0)\n"
	"	sd t2, 56(t0)\n"
	"	sd a0, 80(t0)\n"
	"	sd s11, 216(t0)\n"
	"	sd t6, 248(t0)\n"
	"	li tp, 0x1234\n"
	"	li t6, -2\n"
	"	li s11, 0x77\n"
	"	csrw sepc, t6\n"
	"	li t1, 0x5555\n"
	"	csrw sscratch, t1\n"
	"	li a0, 0x5a0\n"
	"	li a1, 42\n"
	"	li t1, 0xc0000000\n"
	"	sw zero, (t1)\n"
	"1:	j 1b\n"
	".popsection\n");
_Static_assert(SAY_VALUE == 0x5a0 && RISCV_GPA_SAY == 0xc0000000, "the assembler's numbers");

static void check_transfer(void)
{
	static const u8 numbers[] = { 1, 4, 5, 7, 10, 27, 31 };
	u64 bad = 0, i;

	vcpu_enter_at(vcpu, guest_registers, 0);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		reg_set(vcpu, RISCV_CORE(numbers[i]), 0x1111111111111111UL * numbers[i] + 1);
	if (vcpu_run_said(vcpu) != 42)
		bail("the guest said something else");
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		bad += guest_var(vm, seen[numbers[i]]) != 0x1111111111111111UL * numbers[i] + 1;
	report(!bad, "the guest finds what was set");
	report(reg_get(vcpu, RISCV_CORE(4)) == 0x1234 &&
	       reg_get(vcpu, RISCV_CORE(31)) == -2UL && reg_get(vcpu, RISCV_CORE(27)) == 0x77 &&
	       reg_get(vcpu, RISCV_CSR(sscratch)) == 0x5555 &&
	       (reg_get(vcpu, RISCV_CSR(sepc)) | 2) == -2UL, "and what it leaves can be read");
}

TEST(one_reg)
{
	static const u64 values[] = { 0, ~0ULL, 0x0123456789abcdefULL, 1ULL << 63 };
	u64 i, j, bad = 0;

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	check_own_values("new");
	check_bad_ids();
	check_foreign_ids();
	check_own_values("after bad ids");
	check_bad_values();
	for (i = 0; i < 32; i++)
		for (j = 0; j < ARRAY_SIZE(values); j++) {
			reg_set(vcpu, RISCV_CORE(i), values[j]);
			bad += reg_get(vcpu, RISCV_CORE(i)) != values[j] &&
			       (i || (values[j] & ~1ULL) != reg_get(vcpu, RISCV_PC));
		}
	for (j = 0; j < ARRAY_SIZE(values); j++) {
		reg_set(vcpu, RISCV_CSR(sscratch), values[j]);
		bad += reg_get(vcpu, RISCV_CSR(sscratch)) != values[j];
		reg_set(vcpu, RISCV_CSR(stval), values[j]);
		bad += reg_get(vcpu, RISCV_CSR(stval)) != values[j];
	}
	report(!bad, "registers hold what is put into them");
	check_transfer();
	check_own_values("after a run");
	vm_destroy(vm);
}

/* --- csr_values: what no CSR can hold --------------------------------------- */

#define OTHER_STVEC	0x5a5a5000UL
#define SSTATUS_UXL(n)	((u64)(n) << 32)
#define ILLEGAL_STVEC	0x12340002UL		/* a mode that is reserved */
#define ILLEGAL_SATP	(15UL << 60 | 0x12345)	/* another */

/* Have values of one's own in the CPU; 32 bits for U-mode, where it can be had. */
static void guest_leave_values(u64 argument)
{
	csr_write(stvec, OTHER_STVEC);
	csr_set(sstatus, SSTATUS_UXL(1));
	csr_clear(sstatus, SSTATUS_UXL(2));
	guest_say(csr_read(satp));
}

static void guest_say_values(u64 argument)
{
	guest_say(csr_read(stvec));
	guest_say(csr_read(satp));
	guest_say(csr_read(sstatus) & SSTATUS_UXL(3));
}

/* A guest with registers that cannot be must not get those of another one. */
TEST(csr_values)
{
	u64 stvec, satp, other_satp;
	struct vm *other;

	stay_on(0);
	other = vm_create(0);
	other_satp = vcpu_run_said(vcpu_create(other, guest_leave_values, 0));
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_say_values, 0);
	reg_set(vcpu, RISCV_CSR(stvec), ILLEGAL_STVEC);
	reg_set(vcpu, RISCV_CSR(satp), ILLEGAL_SATP);
	reg_set(vcpu, RISCV_CSR(sstatus), 0);
	stvec = reg_get(vcpu, RISCV_CSR(stvec));
	satp = reg_get(vcpu, RISCV_CSR(satp));
	report(vcpu_run_said(vcpu) == stvec || in_tree(), "stvec is what user space has seen");
	report(vcpu_run_said(vcpu) == satp || in_tree(), "and so is satp");
	report(vcpu_run_said(vcpu) == SSTATUS_UXL(2) || in_tree(), "U-mode has 64 bits");
	report(reg_get(vcpu, RISCV_CSR(stvec)) != OTHER_STVEC || in_tree(),
	       "stvec is not the other guest's");
	report(reg_get(vcpu, RISCV_CSR(satp)) != other_satp || in_tree(),
	       "satp is not the other guest's");
	vm_destroy(vm);
	vm_destroy(other);
}

/* --- timer_regs ----------------------------------------------------------- */

static u64 guest_timer_irqs;

static void guest_on_timer(struct guest_frame *frame)
{
	guest_timer_irqs++;
	csr_clear(sie, BIT(IRQ_TIMER));
}

static void guest_times(u64 argument)
{
	guest_irq_handlers[IRQ_TIMER] = guest_on_timer;
	for (;;) {
		guest_say(rdtime());
		csr_set(sie, BIT(IRQ_TIMER));
		guest_irqs_open();
	}
}

static volatile u64 guest_time_seen;

static void guest_look_at_time(u64 argument)
{
	for (;;)
		guest_time_seen = rdtime();
}

#define SETTINGS	20

/* No other task takes its CPU from it any more, but where the host limits that. */
static void keep_cpu(pthread_t thread)
{
	struct sched_param first = { .sched_priority = 1 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(1, &one);
	if (pthread_setaffinity_np(thread, sizeof(one), &one) ||
	    pthread_setschedparam(thread, SCHED_FIFO, &first))
		note("the thread of the vCPU does not get a CPU of its own");
}

/*
 * A hart that is in the guest when its time is set, by another hart's register.  The
 * kernel sends it to user space every tenth of a second or so: it must hear of its
 * time sooner than that, but for the times that an emulated host is in no hurry.
 */
static void check_running(u64 hz)
{
	struct vcpu_thread thread = {};
	volatile u64 *seen_time;
	struct vcpu *second;
	u64 i, end, soon = 0;

	stay_on(0);
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_look_at_time, 0);
	second = vcpu_create(vm, guest_look_at_time, 0);
	seen_time = &guest_var(vm, guest_time_seen);
	vcpu_thread_start(&thread, second);
	end = now_ns() + 5000000000ULL;
	while (!*seen_time && now_ns() < end)
		sleep_ms(1);
	keep_cpu(thread.thread);
	for (i = 1; i <= SETTINGS; i++) {
		reg_set(vcpu, RISCV_TIMER(time), i * 1000000 * hz);
		end = now_ns() + 20000000;
		while (*seen_time < i * 1000000 * hz && now_ns() < end)
			;
		soon += *seen_time >= i * 1000000 * hz;
	}
	note("%llu of %u times", (unsigned long long)soon, SETTINGS);
	report(soon > SETTINGS / 2 || in_tree(), "also for one that runs, most of the time at once");
	vcpu_thread_stop(&thread);
	vm_destroy(vm);
}

TEST(timer_regs)
{
	struct vcpu *second;
	u64 hz, now, guest, on = KVM_RISCV_TIMER_STATE_ON, off = KVM_RISCV_TIMER_STATE_OFF;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_times, 0);
	second = vcpu_create(vm, guest_times, 0);
	hz = reg_get(vcpu, RISCV_TIMER(frequency));
	report(hz >= 1000 && hz <= 10000000000ULL, "the frequency is %llu Hz",
	       (unsigned long long)hz);
	now = reg_get(vcpu, RISCV_TIMER(time));
	report(now < 60 * hz, "time begins at 0 with the VM");
	sleep_ms(20);
	report(reg_get(vcpu, RISCV_TIMER(time)) - now >= hz / 100, "it goes on");
	guest = vcpu_run_said(vcpu);
	report(guest >= now && guest - now < 60 * hz, "the guest sees the same");

	reg_set(vcpu, RISCV_TIMER(time), 1000000 * hz);
	guest = vcpu_run_said(vcpu);
	report(guest >= 1000000 * hz && guest < 1000060 * hz, "time can be set");
	guest = vcpu_run_said(second);
	report(guest >= 1000000 * hz && guest < 1000060 * hz, "for all harts");
	report(!guest_var(vm, guest_timer_irqs), "no interrupt so far");

	reg_set(vcpu, RISCV_TIMER(compare), 1000000 * hz);
	report(reg_get(vcpu, RISCV_TIMER(compare)) == 1000000 * hz, "compare keeps its value");
	reg_set(vcpu, RISCV_TIMER(state), on);
	vcpu_run_said(vcpu);
	vcpu_run_said(vcpu);
	report(guest_var(vm, guest_timer_irqs) >= 1, "a time that has passed interrupts");
	/* Later, and off: QEMU does this when it loads a snapshot. */
	reg_set(vcpu, RISCV_TIMER(compare), 2000000 * hz);
	reg_set(vcpu, RISCV_TIMER(state), on);
	report(reg_get(vcpu, RISCV_TIMER(state)) == on || in_tree(), "the timer is on");
	guest_var(vm, guest_timer_irqs) = 0;
	vcpu_run_said(vcpu);
	vcpu_run_said(vcpu);
	report(!guest_var(vm, guest_timer_irqs), "one that is far away does not");
	report(reg_get(vcpu, RISCV_TIMER(compare)) == 2000000 * hz, "compare is what was set");
	report(!reg_try_set(vcpu, RISCV_TIMER(state), &off) || in_tree(), "off");
	vcpu_run_said(vcpu);
	report(!guest_var(vm, guest_timer_irqs), "and nothing happens");
	vm_destroy(vm);
	check_running(hz);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What a CPU does for its guest: CPUID, MSRs, hypercalls, traps, debugging. */
#include <lib/kvm.h>

/* --- cpuid --------------------------------------------------------------------- */

static u32 cpuid_asked[2], cpuid_got[4];

static void guest_cpuid(u64 argument)
{
	for (;;) {
		cpuid(READ_ONCE(cpuid_asked[0]), READ_ONCE(cpuid_asked[1]), cpuid_got);
		guest_say(0);
	}
}

static const u32 *ask(struct vcpu *vcpu, u32 leaf, u32 index)
{
	guest_var(vcpu->vm, cpuid_asked)[0] = leaf;
	guest_var(vcpu->vm, cpuid_asked)[1] = index;
	vcpu_run_said(vcpu);

	return guest_var(vcpu->vm, cpuid_got);
}

/* Bits that follow the guest's own state, not the table. */
static u32 dynamic(u32 leaf, u32 index, int reg)
{
	if (leaf == 1 && reg == 2)
		return BIT(27);			/* OSXSAVE */
	if (leaf == 1 && reg == 3)
		return BIT(9);			/* APIC */
	if (leaf == 7 && !index && reg == 2)
		return BIT(4);			/* OSPKE */
	if (leaf == 0xd && reg == 1)
		return ~0u;			/* size of what is enabled now */

	return 0;
}

TEST(cpuid)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_cpuid, 0);
	struct kvm_cpuid2 *table = x86_supported_cpuid(0), one = { .nent = 1 };
	u32 i, wrong = 0;

	for (i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &table->entries[i];
		const u32 expected[4] = { entry->eax, entry->ebx, entry->ecx, entry->edx };
		const u32 *got = ask(vcpu, entry->function, entry->index);
		int reg;

		for (reg = 0; reg < 4; reg++)
			if ((got[reg] ^ expected[reg]) & ~dynamic(entry->function, entry->index, reg))
				wrong++, note("leaf 0x%x.%u register %d: 0x%x, not 0x%x",
					      entry->function, entry->index, reg, got[reg],
					      expected[reg]);
	}
	report(!wrong, "the guest sees its table of %u entries", table->nent);
	report(ask(vcpu, 0, 0)[0] >= 1 && ask(vcpu, 1, 0)[3] & BIT(9), "there is an APIC");
	report(!ask(vcpu, 0x40000001, 0)[1], "the hypervisor's leaf");
	report(table->nent <= 80, "no more entries than a VMM with 80 can take");

	errno = 0;
	report_errno(ioctl(kvm_open(), KVM_GET_SUPPORTED_CPUID, &one), E2BIG,
		     "no room for the table");
	one.nent = 0x7fffffff;
	report(ioctl(vcpu->fd, KVM_SET_CPUID2, &one) == -1, "a table of 2 billion entries");
	vm_destroy(vm);

	/* Another table. */
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_cpuid, 0);
	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == 1)
			table->entries[i].eax = 0x00a20f10;
	xioctl(vcpu->fd, KVM_SET_CPUID2, table);
	report(ask(vcpu, 1, 0)[0] == 0x00a20f10, "the table of user space counts");
	vm_destroy(vm);
}

/* --- msrs ------------------------------------------------------------------------ */

#define MSR_TSC			0x10
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_MISC_ENABLE		0x1a0
#define MSR_PAT			0x277
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_KERNEL_GS		0xc0000102
#define MSR_TSC_AUX		0xc0000103
#define MSR_UNKNOWN		0x12345678

static void guest_msrs(u64 argument)
{
	static const u32 plain[] = { MSR_STAR, MSR_LSTAR, MSR_KERNEL_GS, MSR_SYSENTER_ESP };
	u64 value, old;
	u32 i;

	guest_catch();
	for (i = 0; i < ARRAY_SIZE(plain); i++) {
		old = rdmsr(plain[i]);
		wrmsr(plain[i], 0x1234567890 + i);
		GUEST_ASSERT_EQ(rdmsr(plain[i]), 0x1234567890 + i);
		wrmsr(plain[i], old);
	}
	GUEST_ASSERT_EQ(try_rdmsr(MSR_UNKNOWN, &value), 13);
	GUEST_ASSERT_EQ(guest_trap_error, 0);
	GUEST_ASSERT_EQ(try_wrmsr(MSR_UNKNOWN, 1), 13);
	/* Reserved bits, and leaving long mode with paging on. */
	GUEST_ASSERT_EQ(try_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | BIT(40)), 13);
	GUEST_ASSERT_EQ(try_wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~BIT(8)), 13);
	GUEST_ASSERT_EQ(try_wrmsr(MSR_PAT, 0x0707070707070702), 13);
	GUEST_ASSERT_EQ(try_wrmsr(MSR_PAT, 0x0606060606060606), 0);
	GUEST_ASSERT_EQ(rdmsr(MSR_PAT), 0x0606060606060606);
	/* Time goes on, from where it is put. */
	old = rdmsr(MSR_TSC);
	GUEST_ASSERT(rdtsc() > old);
	wrmsr(MSR_TSC, BIT(50));
	value = rdtsc();
	GUEST_ASSERT(value >= BIT(50) && value < BIT(50) + BIT(36));
	guest_say(1);
	guest_say(rdmsr(MSR_TSC_AUX));
	guest_done();
}

/* Every MSR of the list can be read, and what was read can be written. */
static void test_msr_list(struct vcpu *vcpu)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 1000 * 4);
	struct { struct kvm_msrs info; struct kvm_msr_entry entry; } one = { .info.nmsrs = 1 };
	u32 i, unread = 0, unwritten = 0;

	report_errno(ioctl(kvm_open(), KVM_GET_MSR_INDEX_LIST, list), E2BIG,
		     "a list without room");
	report(list->nmsrs > 10 && list->nmsrs <= 256, "it has %u MSRs", list->nmsrs);
	xioctl(kvm_open(), KVM_GET_MSR_INDEX_LIST, list);
	for (i = 0; i < list->nmsrs; i++) {
		one.entry = (struct kvm_msr_entry) { .index = list->indices[i] };
		if (ioctl(vcpu->fd, KVM_GET_MSRS, &one) != 1)
			unread++, note("MSR 0x%x cannot be read", list->indices[i]);
		else if (ioctl(vcpu->fd, KVM_SET_MSRS, &one) != 1)
			unwritten++, note("MSR 0x%x does not take 0x%llx", list->indices[i],
					  one.entry.data);
	}
	report(!unread, "all can be read");
	report(!unwritten, "all take back what they held");
	list->nmsrs = 1000;
	xioctl(kvm_open(), KVM_GET_MSR_FEATURE_INDEX_LIST, list);
	report(list->nmsrs > 0, "there are %u feature MSRs", list->nmsrs);
	for (i = 0, unread = 0; i < list->nmsrs; i++) {
		one.entry.index = list->indices[i];
		unread += ioctl(kvm_open(), KVM_GET_MSRS, &one) != 1;
	}
	report(!unread, "all of them can be read without a VM");
	free(list);
}

TEST(msrs)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_msrs, 0);
	struct { struct kvm_msrs info; struct kvm_msr_entry entry[3]; } some = {
		.info.nmsrs = 3,
		.entry = { { .index = MSR_STAR }, { .index = MSR_UNKNOWN }, { .index = MSR_PAT } },
	};

	test_msr_list(vcpu);
	report(ioctl(vcpu->fd, KVM_GET_MSRS, &some) == 1, "reading stops at the first unknown one");
	report(ioctl(vcpu->fd, KVM_SET_MSRS, &some) == 1, "so does writing");
	some.info.nmsrs = 100000;
	report_errno(ioctl(vcpu->fd, KVM_GET_MSRS, &some), E2BIG, "too many at a time");
	some.info.nmsrs = 1;
	some.entry[0] = (struct kvm_msr_entry) { .index = MSR_LSTAR, .data = 1ULL << 62 };
	report(ioctl(vcpu->fd, KVM_SET_MSRS, &some) == 0 || in_tree(),
	       "an address that is not canonical");
	x86_set_msr(vcpu, MSR_TSC_AUX, 77);
	report(vcpu_run_said(vcpu) == 1, "the guest's own reads and writes");
	report(x86_get_msr(vcpu, MSR_PAT) == 0x0606060606060606, "user space reads what it wrote");
	report(vcpu_run_said(vcpu) == 77, "the guest reads what user space wrote");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- hypercalls --------------------------------------------------------------------- */

static u64 hypercall(const char *vendor, u64 number, u64 a)
{
	u64 result = number;

	if (vendor[0] == 'A')
		asm volatile("vmmcall" : "+a"(result) : "b"(a), "c"(0), "d"(0), "S"(0) : "memory");
	else
		asm volatile("vmcall" : "+a"(result) : "b"(a), "c"(0), "d"(0), "S"(0) : "memory");

	return result;
}

static void guest_hypercalls(u64 argument)
{
	static const char amd[] = "AMD", other[] = "other";
	const char *vendor;
	u32 regs[4];

	guest_catch();
	cpuid(0, 0, regs);
	vendor = regs[1] == 0x68747541 ? amd : other;		/* "Auth" */
	guest_say(hypercall(vendor, 1, 0));			/* VAPIC_POLL_IRQ: 0 */
	guest_say(hypercall(vendor, 999, 0));			/* unknown: -KVM_ENOSYS */
	guest_done();
}

TEST(hypercall)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_hypercalls, 0);

	report(vcpu_run_said(vcpu) == 0, "one that does nothing answers 0");
	report(vcpu_run_said(vcpu) == (u64)-1000, "one that is not there answers -KVM_ENOSYS");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

/* --- traps ------------------------------------------------------------------------------ */

static u64 zero;
static volatile u64 breakpoints, nmis, nmi_depth;

static void on_breakpoint(struct guest_frame *frame)
{
	breakpoints++;
}

static void on_nmi(struct guest_frame *frame)
{
	nmis++;
}

static void guest_traps(u64 emulated)
{
	guest_catch();
	GUEST_ASSERT_EQ(GUEST_TRY("ud2", "i"(0)), 6);
	GUEST_ASSERT_EQ(GUEST_TRY("divq %[zero]", [zero] "m"(zero), "a"(1), "d"(0)), 0);
	GUEST_ASSERT_EQ(GUEST_TRY("movq $1, (%[at])", [at] "r"(0x8000000000UL)), 14);
	GUEST_ASSERT_EQ(guest_trap_error, 2);
	GUEST_ASSERT_EQ(guest_trap_address, 0x8000000000UL);
	GUEST_ASSERT_EQ(GUEST_TRY("movq $1, (%[at])", [at] "r"(0x8000000000000000UL)), 13);
	/* An emulated CPU may not check what nobody intercepts. */
	if (!emulated) {
		GUEST_ASSERT_EQ(GUEST_TRY("mov %[bad], %%cr4", [bad] "r"(BIT(40))), 13);
		GUEST_ASSERT_EQ(GUEST_TRY("mov %[bad], %%cr0", [bad] "r"(BIT(31))), 13);
		GUEST_ASSERT_EQ(GUEST_TRY("mov %[bad], %%cr8", [bad] "r"(16UL)), 13);
	}
	GUEST_ASSERT_EQ(GUEST_TRY("mov %w[bad], %%ds", [bad] "r"(0x7f8UL)), 13);
	GUEST_ASSERT_EQ(guest_trap_error, 0x7f8);
	GUEST_ASSERT_EQ(GUEST_TRY(".byte 0xf0; mov %[bad], %%cr3", [bad] "r"(0UL)), 6);

	guest_handlers[3] = on_breakpoint;
	asm volatile("int3" : : : "memory");
	asm volatile("int $3" : : : "memory");
	GUEST_ASSERT_EQ(breakpoints, 2);
	guest_handlers[0x80] = on_breakpoint;
	asm volatile("int $0x80" : : : "memory");
	GUEST_ASSERT_EQ(breakpoints, 3);
	guest_done();
}

/* Is the host's own CPU made by QEMU's TCG? */
static bool host_is_emulated(void)
{
	u32 regs[4];

	cpuid(0x40000000, 0, regs);

	return regs[1] == 0x54474354 && regs[2] == 0x43544743;	/* "TCGTCGTCGTCG" */
}

TEST(exceptions)
{
	struct vm *vm = vm_create(0);

	vcpu_run_done(vcpu_create(vm, guest_traps, host_is_emulated()));
	report(true, "faults come with their vectors, error codes and addresses");
	vm_destroy(vm);
}

/* --- exceptions_far: at handlers where nothing is mapped yet -------------------------------- */

#define FAR_PAGES	16

/* mov %rsp, %rax; addq $2, (%rsp); iretq */
static const u8 far_handler[] = { 0x48, 0x89, 0xe0, 0x48, 0x83, 0x04, 0x24, 2, 0x48, 0xcf };

/* The gate of "divide error" leads there: hypervisors have no interest in it. */
static void set_far_gate(u64 handler)
{
	volatile u64 *gate = (volatile u64 *)X86_GPA_IDT;

	gate[0] = (gate[0] & 0x0000ffffffff0000UL) | (handler & 0xffff) |
		  (handler & 0xffff0000) << 32;
	gate[1] = handler >> 32;
}

/* A fault that were delivered twice would have its second frame below the first. */
static void guest_exceptions_far(u64 argument)
{
	u64 before, inside, i;

	for (i = 0; i < FAR_PAGES; i++) {
		set_far_gate(GPA_TEST + i * PAGE);
		asm volatile("mov %%rsp, %[before]\n\tdivl %k[zero]"
			     : [before] "=&r"(before), "=a"(inside) : [zero] "c"(0UL)
			     : "rdx", "memory");
		GUEST_ASSERT_EQ(inside, (before & ~15UL) - 5 * 8);
	}
	guest_done();
}

TEST(exceptions_far)
{
	struct vm *vm = vm_create(0);
	u8 *memory = vm_add_memory(vm, VM_SLOT_TEST, GPA_TEST, FAR_PAGES * PAGE, 0);
	int i;

	for (i = 0; i < FAR_PAGES; i++)
		memcpy(memory + i * PAGE, far_handler, sizeof(far_handler));
	vcpu_run_done(vcpu_create(vm, guest_exceptions_far, 0));
	report(true, "an exception comes once, also if its handler's page has to be brought first");
	vm_destroy(vm);
}

static void guest_nmi(u64 argument)
{
	guest_handlers[2] = on_nmi;
	guest_say(nmis);
	for (;;)
		guest_say(nmis);
}

static void on_nmi_slow(struct guest_frame *frame)
{
	nmi_depth++;
	nmis++;
	/* Another one comes meanwhile; it has to wait for the IRET. */
	if (nmis == 1)
		guest_say(1000);
	GUEST_ASSERT_EQ(nmi_depth, 1);
	nmi_depth--;
}

static void guest_nmi_nested(u64 argument)
{
	guest_handlers[2] = on_nmi_slow;
	guest_say(0);
	guest_say(nmis);
	guest_done();
}

TEST(nmi)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_nmi, 0);

	report(vcpu_run_said(vcpu) == 0, "none at first");
	xioctl(vcpu->fd, KVM_NMI, 0);
	report(vcpu_run_said(vcpu) == 1, "an NMI arrives although IF is clear");
	report(vcpu_run_said(vcpu) == 1, "once");
	xioctl(vcpu->fd, KVM_NMI, 0);
	report(vcpu_run_said(vcpu) == 2, "and again");
	vm_destroy(vm);

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_nmi_nested, 0);
	vcpu_run_said(vcpu);
	xioctl(vcpu->fd, KVM_NMI, 0);
	report(vcpu_run_said(vcpu) == 1000, "in the handler");
	xioctl(vcpu->fd, KVM_NMI, 0);
	xioctl(vcpu->fd, KVM_NMI, 0);
	report(vcpu_run_said(vcpu) == 2, "of two more that come meanwhile, one is kept until IRET");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

static void guest_triple_fault(u64 argument)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) nothing = {};

	guest_say(1);
	asm volatile("lidt %0; int3" : : "m"(nothing));
	guest_say(2);
}

TEST(triple_fault)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *vcpu = vcpu_create(vm, guest_triple_fault, 0);

	vcpu_run_said(vcpu);
	vcpu_run_expect(vcpu, KVM_EXIT_SHUTDOWN, "no IDT and a trap: SHUTDOWN");
	/* A VMM may reset it and go on. */
	vcpu_enter_at(vcpu, guest_triple_fault, 0);
	report(vcpu_run_said(vcpu) == 1, "after new registers it runs again");
	vm_destroy(vm);
}

/* --- debugging ---------------------------------------------------------------------------- */

extern const char debug_start[], debug_one[], debug_two[], debug_end[];
static u64 debug_word;

asm(	".pushsection .text\n"
	"debug_start:\n"
	"	nop\n"
	"debug_one:\n"
	"	xor %eax, %eax\n"
	"debug_two:\n"
	"	add $5, %eax\n"
	"	cpuid\n"
	"	nop\n"
	"debug_end:\n"
	"	ret\n"
	".popsection\n");

static void guest_debug(u64 argument)
{
	for (;;) {
		asm volatile("call debug_start" : : : "rax", "rbx", "rcx", "rdx", "memory");
		debug_word++;
		asm volatile("int3");
		guest_say(debug_word);
	}
}

static void set_debug(struct vcpu *vcpu, u32 control, u64 dr0, u64 dr7)
{
	struct kvm_guest_debug debug = {
		.control = control, .arch.debugreg = { [0] = dr0, [7] = dr7 },
	};

	xioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}

/* True if the next exit is for the debugger at @address. */
static bool stops_at(struct vcpu *vcpu, const char *address, u32 exception)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;
	int err = vcpu_run(vcpu);

	if (!err && vcpu->run->exit_reason == KVM_EXIT_DEBUG && arch->pc == (u64)address &&
	    arch->exception == exception)
		return true;

	note("KVM_RUN %d, debug exit at 0x%llx, exception %u, dr6 0x%llx; expected 0x%llx", err,
	     arch->pc, arch->exception, arch->dr6, (unsigned long long)address);
	vcpu_describe(vcpu);

	return false;
}

/* Step until the guest is there. */
static bool steps_to(struct vcpu *vcpu, const char *address)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;
	int steps;

	for (steps = 0; steps < 100; steps++) {
		if (vcpu->run->exit_reason == KVM_EXIT_DEBUG && arch->pc == (u64)address)
			return true;
		if (vcpu_run(vcpu) || vcpu->run->exit_reason != KVM_EXIT_DEBUG) {
			vcpu_describe(vcpu);
			return false;
		}
	}

	return false;
}

TEST(debug)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_debug, 0);
	int i, err;
	u64 seen;

	need_cap(KVM_CAP_SET_GUEST_DEBUG, "KVM_CAP_SET_GUEST_DEBUG");
	if (kvm_cap(KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_USE_HW_BP) {
		set_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
			  (u64)debug_one, 0x402);
		report(stops_at(vcpu, debug_one, 1) && (vcpu->run->debug.arch.dr6 & 1),
		       "a hardware breakpoint");
	} else {
		note("no hardware breakpoints for user space here");
	}

	set_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0, 0);
	report(steps_to(vcpu, debug_one), "single steps up to a place");
	report(stops_at(vcpu, debug_two, 1) && (vcpu->run->debug.arch.dr6 & BIT(14)),
	       "a single step");
	report(stops_at(vcpu, debug_two + 3, 1), "another");
	report(stops_at(vcpu, debug_two + 5, 1), "over an instruction that exits");
	report(stops_at(vcpu, debug_end, 1), "and on");

	guest_var(vm, guest_handlers)[3] = on_breakpoint;
	set_debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, 0, 0);
	err = vcpu_run(vcpu);
	/* Some emulators do not let INT3 be intercepted at all. */
	if (!err && vcpu->run->exit_reason != KVM_EXIT_DEBUG)
		note("the CPU did not tell of INT3");
	else
		report(!err && vcpu->run->debug.arch.exception == 3, "INT3 exits");

	set_debug(vcpu, 0, 0, 0);
	seen = guest_var(vm, breakpoints);
	for (i = 0; i < 3; i++)
		vcpu_run_said(vcpu);
	report(guest_var(vm, breakpoints) >= seen + 3, "without a debugger INT3 is the guest's own");
	vm_destroy(vm);
}

static volatile u64 debug_traps, debug_dr6;

static void on_debug(struct guest_frame *frame)
{
	debug_traps++;
	debug_dr6 = read_dr6();
	write_dr6(0xffff0ff0);
	/* An execution breakpoint would come again. */
	frame->rflags |= BIT(16);
}

static void guest_own_debug(u64 argument)
{
	guest_handlers[1] = on_debug;
	write_dr0((u64)debug_one);
	write_dr7(0x402);
	asm volatile("call debug_start" : : : "rax", "rbx", "rcx", "rdx", "memory");
	GUEST_ASSERT_EQ(debug_traps, 1);
	GUEST_ASSERT_EQ(debug_dr6 & 0xf, 1);
	/* A write to a word, watched. */
	write_dr0((u64)&debug_word);
	write_dr7(0x402 | 0xd << 16);
	WRITE_ONCE(debug_word, 5);
	GUEST_ASSERT_EQ(debug_traps, 2);
	GUEST_ASSERT_EQ(read_dr7(), 0x402 | 0xd << 16);
	write_dr7(0x400);
	WRITE_ONCE(debug_word, 6);
	GUEST_ASSERT_EQ(debug_traps, 2);
	/* Single steps: popf, nop, and CPUID, which exits. */
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; xor %%eax, %%eax; cpuid; nop;"
		     "pushfq; andq $~0x100, (%%rsp); popfq"
		     : : : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	GUEST_ASSERT(debug_dr6 & BIT(14));
	guest_say(debug_traps);
	guest_done();
}

TEST(debug_guest)
{
	struct vm *vm = vm_create(0);
	struct vcpu *vcpu = vcpu_create(vm, guest_own_debug, 0);
	struct kvm_debugregs regs;
	u64 traps = vcpu_run_said(vcpu);

	/* nop, xor, cpuid, nop, pushfq, andq, popfq. */
	report(traps == 2 + 7, "the guest's own breakpoints, watchpoints and steps (%llu)",
	       (unsigned long long)traps);
	xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &regs);
	report(regs.db[0] == (u64)&debug_word && regs.dr7 == 0x400, "user space sees its registers");
	vcpu_run_done(vcpu);
	vm_destroy(vm);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Intercepted instructions whose answers come from the kernel: I/O, clock, storage, DIAGNOSE 258. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

#define SCRATCH	(S390_GPA_LOW + 0x2000)

/* The condition code of instructions. */
#define GUEST_CC(text, ...)							\
	({									\
		u32 cc_;							\
										\
		asm volatile(text "\n\tipm %[cc]\n\tsrl %[cc],28"		\
			     : [cc] "=d"(cc_) : __VA_ARGS__ : "cc", "memory");	\
		cc_;								\
	})

/* --- TEST PENDING INTERRUPTION ------------------------------------------------------ */

static void guest_tpi(u64 argument)
{
	GUEST_ASSERT_EQ(GUEST_CC("tpi 0(%[at])", [at] "a"(SCRATCH)), 0);
	control_write(6, CR6_ISC(2));
	GUEST_ASSERT_EQ(GUEST_CC("tpi 0(%[at])", [at] "a"(SCRATCH)), 1);
	GUEST_ASSERT_EQ(guest_read32(SCRATCH), 0x00010005);
	GUEST_ASSERT_EQ(guest_read32(SCRATCH + 4), 0x1111);
	control_write(6, CR6_ISC(2) | CR6_ISC(6));
	/* One that cannot be stored stays. */
	guest_catch();
	GUEST_ASSERT_EQ(GUEST_TRY("tpi 0(%[at])", [at] "a"(GPA_MMIO)), PGM_ADDRESSING);
	GUEST_ASSERT_EQ(GUEST_TRY("tpi 2(%[at])", [at] "a"(SCRATCH)), PGM_SPECIFICATION);
	GUEST_ASSERT_EQ(GUEST_CC("tpi 0", "d"(0)), 1);
	GUEST_ASSERT_EQ(guest_read32(LC_SUBCHANNEL_ID), 0x00010006);
	GUEST_ASSERT_EQ(guest_read32(LC_IO_PARAMETER), 0x2222);
	GUEST_ASSERT_EQ(guest_read32(LC_IO_WORD), 6 << 27);
	GUEST_ASSERT_EQ(GUEST_CC("tpi 0", "d"(0)), 0);
	guest_done();
}

static void inject_io(u32 number, u32 isc, u32 parameter)
{
	struct kvm_s390_irq irq = {
		.type = KVM_S390_INT_IO(0, 0, 0, number),
		.u.io = { .subchannel_id = 1, .subchannel_nr = number, .io_int_parm = parameter,
			  .io_int_word = isc << 27 },
	};

	if (s390_inject_floating(vm, &irq))
		bail("no interruption: %s", strerror(errno));
}

TEST(tpi)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_S390_CSS_SUPPORT };

	vm = vm_create(VM_IRQCHIP);
	vcpu = vcpu_create(vm, guest_tpi, 0);
	xioctl(vcpu->fd, KVM_ENABLE_CAP, &cap);
	inject_io(5, 2, 0x1111);
	inject_io(6, 6, 0x2222);
	vcpu_run_done(vcpu);
	report(true, "TPI takes what is enabled, and stores it in either place");
	vm_destroy(vm);
}

static void guest_no_channels(u64 argument)
{
	GUEST_ASSERT_EQ(GUEST_CC("stsch 0(%[at])", [at] "a"(SCRATCH)), 3);
	GUEST_ASSERT_EQ(GUEST_CC("tsch 0(%[at])", [at] "a"(SCRATCH)), 3);
	GUEST_ASSERT_EQ(GUEST_CC("tpi 0(%[at])", [at] "a"(SCRATCH)), 3);
	guest_done();
}

TEST(no_channels)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_no_channels, 0);
	vcpu_run_done(vcpu);
	report(true, "without KVM_CAP_S390_CSS_SUPPORT no subchannel is there");
	vm_destroy(vm);
}

/* --- the clock ----------------------------------------------------------------------- */

static void guest_set_clock(u64 argument)
{
	u64 before = guest_tod(), tod = before + 0x0123456700000000UL, after;

	GUEST_ASSERT_EQ(GUEST_CC("sck 0(%[at])", [at] "a"(&tod)), 0);
	after = guest_tod();
	GUEST_ASSERT(after >= tod && after - tod < 60000 * TOD_MS);
	guest_catch();
	GUEST_ASSERT_EQ(GUEST_TRY("sck 0(%[at])", [at] "a"((char *)&tod + 4)), PGM_SPECIFICATION);
	guest_done();
}

TEST(set_clock)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_set_clock, 0);
	vcpu_run_done(vcpu);
	report(true, "SET CLOCK sets the guest's clock");
	vm_destroy(vm);
}

/* --- storage ---------------------------------------------------------------------------- */

/* Conditional SSKE: with both bits ignored the same key is not set again. */
static void guest_conditional_key(u64 page)
{
	u64 value = 0x30;

	guest_set_key(page, 0x36);
	GUEST_ASSERT_EQ(GUEST_CC(".insn rrf,0xb22b0000,%[key],%[at],6,0",
				 [key] "d"(value), [at] "a"(page)), 0);
	GUEST_ASSERT_EQ(guest_key(page), 0x36);
	value = 0x40;
	GUEST_ASSERT_EQ(GUEST_CC(".insn rrf,0xb22b0000,%[key],%[at],6,0",
				 [key] "d"(value), [at] "a"(page)), 1);
	GUEST_ASSERT_EQ(guest_key(page) & 0xf8, 0x40);
	guest_set_key(page, 0);
}

static void guest_storage(u64 argument)
{
	u64 page = SCRATCH;

	/* Facility 10. */
	asm volatile(".insn s,0xb2b10000,0" : : : "memory");
	if (guest_read8(LC_STFL + 1) & 0x20)
		guest_conditional_key(page);

	/* TEST BLOCK clears. */
	guest_write64(page, 5);
	guest_write64(page + 4088, 5);
	register u64 r0 asm("0") = 77;

	asm volatile(".insn rre,0xb22c0000,0,%[at]"
		     : "+d"(r0) : [at] "a"(page + 8) : "cc", "memory");
	GUEST_ASSERT_EQ(r0, 0);
	GUEST_ASSERT_EQ(guest_read64(page) | guest_read64(page + 4088), 0);

	/* MOVE PAGE from and to pages that the host has not brought in yet. */
	register u64 none asm("0") = 0;

	asm volatile("mvpg %[to],%[from]"
		     : : "d"(none), [to] "a"(0x7a000UL), [from] "a"(0x7c000UL) : "cc", "memory");
	GUEST_ASSERT_EQ(guest_read64(0x7a000), 0);
	guest_done();
}

TEST(storage)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_storage, 0);
	vcpu_run_done(vcpu);
	report(true, "conditional SSKE, TEST BLOCK, MOVE PAGE");
	vm_destroy(vm);
}

/* --- DIAGNOSE 258 -------------------------------------------------------------------------- */

static struct {
	u16	diagnose, function, length, version;
	u64	token, select, compare, reserved;
} __attribute__((aligned(8))) block;

static u64 guest_pfault_do(void)
{
	u64 result = 99;

	asm volatile("diag %[block],%[result],0x258"
		     : [result] "+d"(result) : [block] "a"(&block) : "cc", "memory");

	return result;
}

static void guest_pfault(u64 argument)
{
	block.diagnose = 0x258;
	block.length = 5;
	block.version = 2;
	block.token = 0x398;
	block.select = 1UL << 48;
	block.compare = 1UL << 48;
	GUEST_ASSERT_EQ(guest_pfault_do(), 0);
	GUEST_ASSERT_EQ(guest_pfault_do(), 8);
	block.function = 1;
	GUEST_ASSERT_EQ(guest_pfault_do(), 0);
	GUEST_ASSERT_EQ(guest_pfault_do(), 4);
	guest_catch();
	block.length = 4;
	GUEST_ASSERT_EQ(GUEST_TRY("diag %[block],%[block],0x258", [block] "a"(&block)),
			PGM_SPECIFICATION);
	guest_done();
}

TEST(pfault)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_pfault, 0);
	vcpu_run_done(vcpu);
	report(true, "a token of DIAGNOSE 258 can be set once, and cancelled");
	report(vcpu->run->s.regs.pft == KVM_S390_PFAULT_TOKEN_INVALID, "user space sees it");
	vm_destroy(vm);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Registers by KVM_GET_ONE_REG, KVM_GET_REGS and kvm_run (KVM_CAP_SYNC_REGS), and the resets. */
#include <lib/kvm.h>

static struct vm *vm;
static struct vcpu *vcpu;

static void setup(void (*entry)(u64))
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, entry, 0);
}

/* --- ONE_REG ------------------------------------------------------------------------- */

static void guest_says_timers(u64 argument)
{
	u64 comparator;

	for (;;) {
		asm volatile("stckc %0" : "=Q"(comparator) : : "memory");
		guest_say4(SAY_VALUE, comparator, guest_cpu_timer(), 0);
	}
}

TEST(one_reg)
{
	static const struct { u64 id, value; bool moves; } regs[] = {
		{ KVM_REG_S390_CLOCK_COMP, 0xfedcba9876540000 }, { KVM_REG_S390_CPU_TIMER, 1UL << 62, true },
		{ KVM_REG_S390_TODPR, 0x1234 }, { KVM_REG_S390_PP, 0x5678 },
		{ KVM_REG_S390_GBEA, 0x9abc },
		{ KVM_REG_S390_PFTOKEN, KVM_S390_PFAULT_TOKEN_INVALID },
		{ KVM_REG_S390_PFCOMPARE, 0x7 }, { KVM_REG_S390_PFSELECT, 0x9 },
	};
	u64 value, before;
	size_t i;

	setup(guest_says_timers);
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		bool word = (regs[i].id & KVM_REG_SIZE_MASK) == KVM_REG_SIZE_U32;
		u64 shifted = word ? regs[i].value << 32 : regs[i].value;

		report(!reg_try_set(vcpu, regs[i].id, &shifted), "register 0x%llx can be set",
		       (unsigned long long)regs[i].id);
		value = 0;
		report(!reg_try_get(vcpu, regs[i].id, &value) &&
		       (regs[i].moves ? value <= shifted && value > shifted - (1UL << 50) :
			value == shifted), "and be read");
	}
	report(vcpu_run_said(vcpu) == 0xfedcba9876540000, "the guest has the clock comparator");
	before = reg_get(vcpu, KVM_REG_S390_CPU_TIMER);
	vcpu_run_said(vcpu);
	report(reg_get(vcpu, KVM_REG_S390_CPU_TIMER) <= before &&
	       vcpu->run->s.regs.gprs[4] <= before, "its CPU timer runs");
	report_errno(reg_try_get(vcpu, KVM_REG_S390 | KVM_REG_SIZE_U64 | 0x999, &value), EINVAL,
		     "an unknown register");
	vm_destroy(vm);
}

/* --- kvm_run --------------------------------------------------------------------------- */

static void guest_says_registers(u64 argument)
{
	u64 control = control_read(9), access, prefix = guest_prefix();

	for (;;) {
		asm volatile("ear %0,%%a7" : "=d"(access));
		control = control_read(9);
		prefix = guest_prefix();
		guest_say4(SAY_VALUE, control, (u32)access, prefix);
	}
}

TEST(sync_regs)
{
	const u64 least = KVM_SYNC_PREFIX | KVM_SYNC_GPRS | KVM_SYNC_ACRS | KVM_SYNC_CRS;
	struct kvm_sync_regs *regs;

	setup(guest_says_registers);
	report((kvm_cap(KVM_CAP_SYNC_REGS) & least) == least, "KVM_CAP_SYNC_REGS");
	report((vcpu->run->kvm_valid_regs & least) == least, "kvm_run says so before the first run");
	report(vcpu_run_said(vcpu) == 0, "a register of the guest");
	regs = s390_regs(vcpu, KVM_SYNC_CRS | KVM_SYNC_ACRS | KVM_SYNC_PREFIX);
	regs->crs[9] = 0x1122334455667788;
	regs->acrs[7] = 0x99aabbcc;
	/* The new lowcore must be one. */
	memcpy(vm->ram + 0x34000, vm->ram, S390_LOWCORE_SIZE);
	regs->prefix = 0x34000;
	report(vcpu_run_said(vcpu) == 0x1122334455667788, "set in kvm_run: a control register");
	report(vcpu->run->s.regs.gprs[4] == 0x99aabbcc, "an access register");
	report(vcpu->run->s.regs.gprs[5] == 0x34000, "the prefix");
	report(!vcpu->run->kvm_dirty_regs, "what was taken is not dirty any more");
	vcpu->run->s.regs.crs[9] = 1;
	report(vcpu_run_said(vcpu) == 0x1122334455667788, "what is not marked is not taken");
	report(vcpu->run->s.regs.crs[9] == 0x1122334455667788, "and is as it was");
	vm_destroy(vm);
}

static void guest_adds(u64 argument)
{
	for (;;) {
		asm volatile("adbr %%f0,%%f2" : : : "cc");
		guest_say(0);
	}
}

TEST(get_regs)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu = { };

	setup(guest_adds);
	s390_regs(vcpu, KVM_SYNC_CRS)->crs[0] |= 0x40000;	/* AFP-register control */
	vcpu_run_said(vcpu);
	xioctl(vcpu->fd, KVM_GET_REGS, &regs);
	report(regs.gprs[2] == SAY_VALUE && regs.gprs[15] == vcpu->run->s.regs.gprs[15],
	       "KVM_GET_REGS");
	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	report(sregs.crs[14] == CR14_RESET, "KVM_GET_SREGS");
	regs.gprs[7] = 77;
	sregs.crs[9] = 99;
	sregs.acrs[5] = 55;
	report(!ioctl(vcpu->fd, KVM_SET_REGS, &regs) && !ioctl(vcpu->fd, KVM_SET_SREGS, &sregs),
	       "KVM_SET_REGS, KVM_SET_SREGS");
	memset(&regs, 0, sizeof(regs));
	memset(&sregs, 0, sizeof(sregs));
	xioctl(vcpu->fd, KVM_GET_REGS, &regs);
	xioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	report(regs.gprs[7] == 77 && sregs.crs[9] == 99 && sregs.acrs[5] == 55, "can be read back");

	fpu.fprs[0] = 0x3ff0000000000000;	/* 1.0 */
	fpu.fprs[2] = 0x4000000000000000;	/* 2.0 */
	report(!ioctl(vcpu->fd, KVM_SET_FPU, &fpu), "KVM_SET_FPU");
	vcpu_run_said(vcpu);
	memset(&fpu, 0, sizeof(fpu));
	report(!ioctl(vcpu->fd, KVM_GET_FPU, &fpu) && fpu.fprs[0] == 0x4008000000000000,
	       "the guest adds: KVM_GET_FPU");
	vcpu_run_said(vcpu);
	xioctl(vcpu->fd, KVM_GET_FPU, &fpu);
	report(fpu.fprs[0] == 0x4014000000000000, "and again");
	vm_destroy(vm);
}

/* --- resets ------------------------------------------------------------------------------- */

static void guest_hello(u64 argument)
{
	control_write(9, 0x999);
	guest_say(argument);
	guest_done();
}

TEST(resets)
{
	struct kvm_sync_regs *regs;
	struct kvm_regs gprs;

	setup(guest_hello);
	vcpu_run_said(vcpu);
	regs = &vcpu->run->s.regs;
	report(regs->crs[9] == 0x999, "a register the guest has set");
	report(!ioctl(vcpu->fd, KVM_S390_INITIAL_RESET, 0), "KVM_S390_INITIAL_RESET");
	report(regs->crs[0] == CR0_RESET && regs->crs[14] == CR14_RESET && !regs->crs[9] &&
	       !regs->prefix && !vcpu->run->psw_mask && !vcpu->run->psw_addr,
	       "kvm_run shows the state after it");
	xioctl(vcpu->fd, KVM_GET_REGS, &gprs);
	report(gprs.gprs[15] != 0, "general registers stay");
	if (!kvm_cap(KVM_CAP_S390_VCPU_RESETS))
		return;
	vcpu_enter_at(vcpu, guest_hello, 0);
	vcpu_run_said(vcpu);
	report(!ioctl(vcpu->fd, KVM_S390_NORMAL_RESET, 0) && regs->crs[9] == 0x999,
	       "KVM_S390_NORMAL_RESET leaves registers alone");
	report(!ioctl(vcpu->fd, KVM_S390_CLEAR_RESET, 0) && !regs->crs[9] && !regs->gprs[15],
	       "KVM_S390_CLEAR_RESET clears them all");
	vm_destroy(vm);
}

/* --- KVM_S390_STORE_STATUS, KVM_S390_SET_INITIAL_PSW ------------------------------------------ */

TEST(store_status)
{
	struct kvm_s390_psw psw = { .mask = PSW_64, .addr = (u64)guest_hello };
	u64 area = S390_GPA_LOW + 0x4000;

	setup(guest_hello);
	vcpu_run_said(vcpu);
	report(!ioctl(vcpu->fd, KVM_S390_STORE_STATUS, area), "KVM_S390_STORE_STATUS");
	report(*(u64 *)(vm->ram + area + 0x100) == vcpu->run->psw_mask &&
	       *(u64 *)(vm->ram + area + 0x108) == vcpu->run->psw_addr, "the PSW is there");
	report(*(u64 *)(vm->ram + area + 0x80 + 15 * 8) == vcpu->run->s.regs.gprs[15],
	       "general registers");
	report(*(u64 *)(vm->ram + area + 0x180 + 9 * 8) == 0x999, "control registers");
	report(ioctl(vcpu->fd, KVM_S390_STORE_STATUS, GPA_MMIO) == -1 && errno == EFAULT,
	       "where no memory is");
	vm_destroy(vm);

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	report(!ioctl(vcpu->fd, KVM_S390_SET_INITIAL_PSW, &psw), "KVM_S390_SET_INITIAL_PSW");
	vm_destroy(vm);
}

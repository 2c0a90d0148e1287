// SPDX-License-Identifier: GPL-2.0-only
/* Registers by KVM_GET_ONE_REG, KVM_SET_ONE_REG and KVM_GET_REG_LIST. */
#include <lib/kvm.h>

#define TYPE(id)	((id) & KVM_REG_ARM_COPROC_MASK)
#define VALUE_MAX	4096
#define SVE_Z(n)	KVM_REG_ARM64_SVE_ZREG(n, 0)

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

static void vcpu_fresh(u32 features)
{
	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	if (arm64_try_init(vcpu, features))
		bail("KVM_ARM_VCPU_INIT failed: %s", strerror(errno));
}

/* --- reg_list ------------------------------------------------------------- */

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

static void check_core(const struct kvm_reg_list *list)
{
	u64 i, missing = 0;

	for (i = 0; i < 31; i++)
		missing += !list_has(list, ARM64_X(i));
	for (i = 0; i < 32; i++)
		missing += !list_has(list, ARM64_V(i));
	for (i = 0; i < 5; i++)
		missing += !list_has(list, ARM64_CORE(spsr[0]) + i * 2);
	missing += !list_has(list, ARM64_CORE(regs.sp)) + !list_has(list, ARM64_PC) +
		   !list_has(list, ARM64_PSTATE_REG) + !list_has(list, ARM64_CORE(sp_el1)) +
		   !list_has(list, ARM64_CORE(elr_el1));
	missing += !list_has(list, (ARM64_CORE(fp_regs.fpsr) & ~KVM_REG_SIZE_MASK) |
			     KVM_REG_SIZE_U32);
	missing += !list_has(list, (ARM64_CORE(fp_regs.fpcr) & ~KVM_REG_SIZE_MASK) |
			     KVM_REG_SIZE_U32);
	report(!missing, "all core registers");
}

static void check_listed(const struct kvm_reg_list *list)
{
	static const u64 needed[] = {
		SYS_MIDR, SYS_MPIDR, SYS_SCTLR, SYS_CPACR, SYS_TTBR0, SYS_TCR, SYS_ESR, SYS_FAR,
		SYS_MAIR, SYS_VBAR, SYS_TPIDR_EL0, SYS_TPIDR_EL1, SYS_CNTKCTL,
		SYS_ID_AA64PFR0, SYS_ID_AA64DFR0, SYS_ID_AA64ISAR0, SYS_ID_AA64ISAR1,
		SYS_ID_AA64MMFR0, KVM_REG_ARM_TIMER_CTL, KVM_REG_ARM_TIMER_CNT,
		KVM_REG_ARM_TIMER_CVAL, KVM_REG_ARM_PSCI_VERSION,
	};
	u64 i, j, missing = 0, twice = 0, foreign = 0, odd = 0;

	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (!list_has(list, needed[i]))
			missing++, note("no register 0x%llx", (unsigned long long)needed[i]);
	report(!missing, "the system registers that every guest has");
	for (i = 0; i < list->n; i++) {
		foreign += (list->reg[i] & KVM_REG_ARCH_MASK) != KVM_REG_ARM64;
		for (j = 0; j < i; j++)
			twice += list->reg[i] == list->reg[j];
		/* VMMs stop at any other. */
		odd += TYPE(list->reg[i]) != KVM_REG_ARM_CORE && reg_size(list->reg[i]) != 8 &&
		       reg_size(list->reg[i]) != 4;
	}
	report(!foreign && !twice, "no register twice or of another architecture");
	report(!odd, "of 32 or 64 bits, but for core registers");
	report(list->n <= 500, "%llu registers, few enough for VMMs", (unsigned long long)list->n);
}

/* What of SVE is listed. */
static void check_sve_list(void)
{
	struct kvm_reg_list *list, empty = { .n = 0 };
	int feature = KVM_ARM_VCPU_SVE;

	if (!kvm_cap(KVM_CAP_ARM_SVE)) {
		note("no SVE");
		return;
	}
	vcpu_fresh(arm64_features | BIT(KVM_ARM_VCPU_SVE));
	report_errno(ioctl(vcpu->fd, KVM_GET_REG_LIST, &empty), EPERM,
		     "no list before SVE is finalised");
	report(!ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature), "SVE is finalised");
	report_errno(ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature), EPERM, "once");
	list = reg_list_get(vcpu);
	report(list_has(list, SVE_Z(0)) && list_has(list, SVE_Z(31)) &&
	       list_has(list, KVM_REG_ARM64_SVE_VLS) && !list_has(list, ARM64_V(0)),
	       "SVE's registers then, and SIMD's no more");
	free(list);
	vm_destroy(vm);
}

TEST(reg_list)
{
	struct kvm_reg_list *list, empty = { .n = 0 };

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	report_errno(ioctl(vcpu->fd, KVM_GET_REG_LIST, &empty), ENOEXEC,
		     "no list before KVM_ARM_VCPU_INIT");
	vm_destroy(vm);
	vcpu_fresh(arm64_features);
	list = reg_list_get(vcpu);
	check_core(list);
	check_listed(list);
	check_list_calls(list->n);
	free(list);
	vm_destroy(vm);
	check_sve_list();
}

/* --- one_reg -------------------------------------------------------------- */

static bool is_time(u64 id)
{
	return id == KVM_REG_ARM_TIMER_CNT || id == KVM_REG_ARM_PTIMER_CNT;
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
			bad++, note("0x%llx: %s", (unsigned long long)id, strerror(errno));
			continue;
		}
		if (is_time(id))
			continue;
		reg_try_get(vcpu, id, second);
		if (memcmp(first, second, reg_size(id)))
			changed++, note("0x%llx has changed", (unsigned long long)id);
	}
	report(!bad && !changed, "%s: every listed register takes its own value back", when);
	free(list);
}

/* Ids that differ from a listed one and are none. */
static void check_bad_sizes(void)
{
	struct kvm_reg_list *list = reg_list_get(vcpu);
	static u8 value[65536];
	u64 i, size, accepted = 0;

	for (i = 0; i < list->n; i++) {
		/* The kernel's own looks at no size of these. */
		if (in_tree() && (TYPE(list->reg[i]) == KVM_REG_ARM_FW ||
				  TYPE(list->reg[i]) == KVM_REG_ARM_FW_FEAT_BMAP))
			continue;
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
		{ ARM64_CORE(regs.regs[0]) + 1, "half of a core register" },
		{ ARM64_CORE(fp_regs.fpcr), "a core register too long" },
		{ ARM64_CORE(regs.regs[0]) + sizeof(struct kvm_regs) / 4, "one behind the end" },
		{ ARM64_CORE(regs.regs[0]) | 0xffff, "one far behind the end" },
		{ ARM64_SYS_REG(3, 7, 15, 15, 7), "an unknown system register" },
		{ ARM64_SYS_REG(0, 0, 0, 0, 0), "system register 0" },
		{ ARM64_SYS_REG(3, 4, 1, 1, 0), "HCR_EL2" },
		{ SYS_SCTLR | 1ULL << 40, "a bit that has no meaning" },
		{ KVM_REG_ARM_FW_REG(0x700), "an unknown firmware register" },
		{ KVM_REG_ARM64 | KVM_REG_SIZE_U64 | 0x00ffULL << KVM_REG_ARM_COPROC_SHIFT,
		  "an unknown type" },
		{ KVM_REG_X86 | KVM_REG_SIZE_U64, "another architecture" },
		{ SVE_Z(0), "SVE without SVE" },
		{ KVM_REG_ARM64_SVE_VLS, "its lengths" },
	};
	static u8 value[65536];
	size_t i, accepted = 0;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (refused(reg_try_get(vcpu, bad[i].id, value)) &&
		    refused(reg_try_set(vcpu, bad[i].id, value)))
			continue;
		accepted++, note("%s: errno %d", bad[i].what, errno);
	}
	report(!accepted, "registers that are none are refused");
	report_errno(reg_try_get(vcpu, SYS_TPIDR_EL1, NULL), EFAULT, "nowhere to read to");
	report_errno(reg_try_set(vcpu, SYS_TPIDR_EL1, NULL), EFAULT, "nothing to write");
}

static void guest_registers(u64 argument)
{
	GUEST_ASSERT_EQ(sysreg_read(tpidr_el1), 0x1111);
	GUEST_ASSERT_EQ(sysreg_read(tpidr_el0), 0x2222);
	GUEST_ASSERT_EQ(sysreg_read(tpidrro_el0), 0x3333);
	GUEST_ASSERT_EQ(sysreg_read(contextidr_el1), 0x4444);
	GUEST_ASSERT_EQ(sysreg_read(far_el1), 0x5555);
	GUEST_ASSERT_EQ(sysreg_read(afsr0_el1), 0);
	sysreg_write(tpidr_el1, 0x1112);
	sysreg_write(tpidr_el0, 0x2223);
	sysreg_write(elr_el1, 0x6667);
	sysreg_write(sp_el0, 0x7778);
	sysreg_write(csselr_el1, 2);
	guest_say(0);
}

/* What one side writes, the other reads. */
static void check_exchange(void)
{
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_registers, 0);
	reg_set(vcpu, SYS_TPIDR_EL1, 0x1111);
	reg_set(vcpu, SYS_TPIDR_EL0, 0x2222);
	reg_set(vcpu, ARM64_SYS_REG(3, 3, 13, 0, 3), 0x3333);
	reg_set(vcpu, ARM64_SYS_REG(3, 0, 13, 0, 1), 0x4444);
	reg_set(vcpu, SYS_FAR, 0x5555);
	report(!vcpu_run_said(vcpu), "the guest reads what user space has set");
	report(reg_get(vcpu, SYS_TPIDR_EL1) == 0x1112 &&
	       reg_get(vcpu, SYS_TPIDR_EL0) == 0x2223 &&
	       reg_get(vcpu, ARM64_CORE(elr_el1)) == 0x6667 &&
	       reg_get(vcpu, ARM64_CORE(regs.sp)) == 0x7778 &&
	       reg_get(vcpu, ARM64_SYS_REG(3, 2, 0, 0, 0)) == 2, "and the other way round");
	check_own_values("after a run");
	vm_destroy(vm);
}

TEST(one_reg)
{
	u64 value;

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	report_errno(reg_try_get(vcpu, ARM64_X(0), &value), ENOEXEC,
		     "no register to read before KVM_ARM_VCPU_INIT");
	report_errno(reg_try_set(vcpu, ARM64_X(0), &value), ENOEXEC, "nor to write");
	vm_destroy(vm);
	vcpu_fresh(arm64_features);
	check_own_values("at first");
	check_bad_sizes();
	check_foreign_ids();
	value = 0x1d3;
	report_errno(reg_try_set(vcpu, ARM64_PSTATE_REG, &value), EINVAL,
		     "a mode of 32 bits, but for user mode");
	value = 0x3c9;
	report_errno(reg_try_set(vcpu, ARM64_PSTATE_REG, &value), EINVAL, "EL2");
	report(reg_get(vcpu, ARM64_PSTATE_REG) == ARM64_PSTATE, "the mode is what it was");
	vm_destroy(vm);
	check_exchange();
}

/* --- id_regs -------------------------------------------------------------- */

#define FIELD(value, shift)	((value) >> (shift) & 0xf)
#define ISAR0_RNDR		60
#define ISAR0_DP		44
#define ISAR0_AES		4

static void guest_id(u64 argument)
{
	guest_say(sysreg_read(id_aa64isar0_el1));
	guest_say(sysreg_read(id_aa64pfr0_el1));
	guest_say(sysreg_read(midr_el1));
	guest_done();
}

static void check_masks(void)
{
	static u64 masks[KVM_ARM_FEATURE_ID_RANGE_SIZE];
	struct reg_mask_range range = { .addr = (u64)masks };
	u64 index = KVM_ARM_FEATURE_ID_RANGE_IDX(3, 0, 0, 6, 0);

	need_cap(KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES, "KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES");
	report(!ioctl(vm->fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &range), "masks of writable fields");
	report(masks[index] >> ISAR0_RNDR == 0xf, "ID_AA64ISAR0_EL1.RNDR is writable");
	report(!masks[KVM_ARM_FEATURE_ID_RANGE_IDX(3, 0, 0, 0, 5)], "MPIDR_EL1 is not");
	range.reserved[3] = 1;
	report_errno(ioctl(vm->fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &range), EINVAL,
		     "reserved words are looked at");
	range.reserved[3] = 0;
	range.range = 9;
	report_errno(ioctl(vm->fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &range), EINVAL,
		     "an unknown range");
}

TEST(id_regs)
{
	u64 isar0, less, more;
	struct vcpu *second;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_id, 0);
	second = vcpu_create(vm, guest_id, 0);
	isar0 = reg_get(vcpu, SYS_ID_AA64ISAR0);
	report(FIELD(isar0, ISAR0_AES) > 0, "ID_AA64ISAR0_EL1 is 0x%llx", (unsigned long long)isar0);
	less = isar0 & ~(0xfULL << ISAR0_RNDR | 0xfULL << ISAR0_DP);
	more = isar0 | 0xfULL << ISAR0_AES;
	report_errno(reg_try_set(vcpu, SYS_ID_AA64ISAR0, &more), EINVAL, "more than the host has");
	report(reg_get(vcpu, SYS_ID_AA64ISAR0) == isar0, "changes nothing");
	report(!reg_try_set(vcpu, SYS_ID_AA64ISAR0, &less), "less is fine");
	report(reg_get(vcpu, SYS_ID_AA64ISAR0) == less &&
	       reg_get(second, SYS_ID_AA64ISAR0) == less, "on all vCPUs");
	check_masks();
	report(vcpu_run_said(vcpu) == less, "the guest sees less");
	report(vcpu_run_said(vcpu) == reg_get(vcpu, SYS_ID_AA64PFR0), "and the same PFR0");
	report(vcpu_run_said(vcpu) == reg_get(vcpu, SYS_MIDR), "and the same MIDR");
	report(!reg_try_set(vcpu, SYS_ID_AA64ISAR0, &less), "once it has run: the same value");
	report_errno(reg_try_set(vcpu, SYS_ID_AA64ISAR0, &isar0), EBUSY, "but no other");
	vm_destroy(vm);
}

/* --- vcpu_init ------------------------------------------------------------ */

static void guest_change(u64 argument)
{
	sysreg_write(tpidr_el1, 0x77);
	guest_say(argument);
	for (;;)
		guest_say(sysreg_read(tpidr_el1));
}

static void check_refused_init(void)
{
	struct kvm_vcpu_init init;

	xioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init);
	report(init.target == KVM_ARM_TARGET_GENERIC_V8 && !init.features[0],
	       "the preferred target is the generic one");
	init.target = 77;
	report_errno(ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init), EINVAL, "an unknown target");
	init.target = KVM_ARM_TARGET_GENERIC_V8;
	init.features[0] = 1u << 31;
	report_errno(ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init), ENOENT, "an unknown feature");
	init.features[0] = 0;
	init.features[6] = 1;
	report_errno(ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init), ENOENT, "one of another word");
	if (!kvm_cap(KVM_CAP_ARM_EL1_32BIT))
		report_errno(arm64_try_init(vcpu, BIT(KVM_ARM_VCPU_EL1_32BIT)), EINVAL,
			     "32 bits, which there are not");
}

TEST(vcpu_init)
{
	struct kvm_mp_state state;
	int feature = KVM_ARM_VCPU_SVE;

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	check_refused_init();
	report(vcpu_run(vcpu) == -ENOEXEC, "KVM_RUN before it: ENOEXEC");
	report(!arm64_try_init(vcpu, arm64_features | BIT(KVM_ARM_VCPU_POWER_OFF)), "powered off");
	xioctl(vcpu->fd, KVM_GET_MP_STATE, &state);
	report(state.mp_state == KVM_MP_STATE_STOPPED, "is KVM_MP_STATE_STOPPED");
	vcpu_enter_at(vcpu, guest_change, 5);
	xioctl(vcpu->fd, KVM_GET_MP_STATE, &state);
	report(state.mp_state == KVM_MP_STATE_RUNNABLE, "again, and it is on");
	report(vcpu_run_said(vcpu) == 5 && vcpu_run_said(vcpu) == 0x77, "it runs");
	report_errno(arm64_try_init(vcpu, arm64_features ^ BIT(KVM_ARM_VCPU_PSCI_0_2)), EINVAL,
		     "other features than the first time");
	report(!arm64_try_init(vcpu, arm64_features), "the same");
	report(!reg_get(vcpu, ARM64_X(0)) && !reg_get(vcpu, ARM64_PC) &&
	       reg_get(vcpu, ARM64_PSTATE_REG) == ARM64_PSTATE &&
	       !(reg_get(vcpu, SYS_SCTLR) & 0x1005), "all is reset: the MMU is off");
	report_errno(ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature), EINVAL, "no SVE to finalise");
	feature = 99;
	report_errno(ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature), EINVAL, "nor anything else");
	vcpu_enter_at(vcpu, guest_change, 6);
	report(vcpu_run_said(vcpu) == 6, "it runs again");
	vm_destroy(vm);
}

/* --- mpidr ---------------------------------------------------------------- */

static void guest_mpidr(u64 argument)
{
	guest_say(sysreg_read(mpidr_el1));
}

TEST(mpidr)
{
	static const int ids[] = { 0, 1, 15, 16, 17, 255, 300 };
	u64 i, id, expected, wrong = 0;

	vm = vm_create(0);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		id = ids[i];
		expected = 0x80000000 | (id & 0xf) | (id >> 4 & 0xff) << 8 | (id >> 12 & 0xff) << 16;
		vcpu = vcpu_create_bare(vm, id);
		vcpu_enter_at(vcpu, guest_mpidr, 0);
		/* The first stack is for all of them. */
		reg_set(vcpu, ARM64_CORE(sp_el1), ARM64_GPA_STACKS + ARM64_STACK_SIZE);
		if (reg_get(vcpu, SYS_MPIDR) == expected && vcpu_run_said(vcpu) == expected)
			continue;
		wrong++, note("MPIDR_EL1 of vCPU %d is 0x%llx", ids[i],
			      (unsigned long long)reg_get(vcpu, SYS_MPIDR));
	}
	report(!wrong, "16 vCPUs to a cluster, as VMMs compute it");
	vm_destroy(vm);
}

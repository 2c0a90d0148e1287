// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware calls: the guest's ECALLs from S-mode, as the SBI specification has
 * them, one table row per extension or range of extensions.  Extension in a7,
 * function in a6, arguments in a0 to a5; error to a0 and value to a1.  Calls about
 * other harts are in fw_hart.c, about features in fw_feature.c, the PMU's in fw_pmu.c,
 * those of steal time in steal.c.  Called by exit.c.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/sched/stat.h>
#include <asm/sbi.h>

#include "fw.h"

/* The assigned id of KVM: what the guest sees behind /dev/kvm behaves like it. */
#define SBI_IMPLEMENTATION_ID		3
#define SBI_IMPLEMENTATION_VERSION	0x00010000
#define SBI_SPEC_MAJOR			2
#define SBI_SPEC_MINOR			0

/* "Firmware Features Extension": the kernel's header may be older. */
#define SBI_FWFT	0x46574654UL

#define SBI_ALWAYS	(-1)	/* instead of an extension that can be switched */

/*
 * @call: with irqs on, as handle_exit.  Its results, and SBI_AS_IS.  RESUME_GUEST:
 * @result (NOT_SUPPORTED before) goes to the guest, which goes on behind the ECALL.
 * What can be done with irqs off is done by sbi_fast().
 */
struct sbi_extension {
	unsigned long	first, last;	/* ids */
	int		ext;		/* KVM_RISCV_SBI_EXT_* or SBI_ALWAYS */
	bool		off;		/* until user space turns it on */
	bool		range;		/* of ids that only user space knows */
	int		(*call)(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result);
	bool		(*present)(void);	/* NULL: always */
};

static const struct sbi_extension *sbi_find(struct vcpu *vcpu, unsigned long id);

static unsigned long sbi_function(struct vcpu *vcpu)
{
	return riscv_gpr(vcpu, 16);
}

static bool sbi_is_legacy(struct vcpu *vcpu)
{
	return sbi_id(vcpu) <= LEGACY_LAST;
}

static void sbi_return(struct vcpu *vcpu, bool legacy, const struct sbi_result *result)
{
	riscv_set_gpr(vcpu, 10, result->error);
	if (!legacy)
		riscv_set_gpr(vcpu, 11, result->value);
	vcpu->arch.context.pc += 4;
}

/* --- to user space --------------------------------------------------------- */

static int forward_done(struct vcpu *vcpu, bool legacy)
{
	const struct sbi_result result = {
		.error = READ_ONCE(vcpu->run->riscv_sbi.ret[0]),
		.value = READ_ONCE(vcpu->run->riscv_sbi.ret[1]),
	};

	sbi_return(vcpu, legacy, &result);

	return RESUME_GUEST;
}

static int forward_complete(struct vcpu *vcpu)
{
	return forward_done(vcpu, false);
}

static int forward_complete_legacy(struct vcpu *vcpu)
{
	return forward_done(vcpu, true);
}

static int sbi_forward(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	struct kvm_run *run = vcpu->run;
	int i;

	run->riscv_sbi.extension_id = sbi_id(vcpu);
	run->riscv_sbi.function_id = fid;
	for (i = 0; i < ARRAY_SIZE(run->riscv_sbi.args); i++)
		run->riscv_sbi.args[i] = sbi_arg(vcpu, i);
	/* What the guest gets from a VMM that does not know the call. */
	run->riscv_sbi.ret[0] = SBI_ERR_NOT_SUPPORTED;
	run->riscv_sbi.ret[1] = 0;
	vcpu->complete = sbi_is_legacy(vcpu) ? forward_complete_legacy : forward_complete;

	return vcpu_exit(vcpu, KVM_EXIT_RISCV_SBI);
}

/* --- base ------------------------------------------------------------------ */

/* What does not depend on the vCPU. */
static const unsigned long base_values[] = {
	[SBI_EXT_BASE_GET_SPEC_VERSION]	= SBI_SPEC_MAJOR << SBI_SPEC_VERSION_MAJOR_SHIFT |
					  SBI_SPEC_MINOR,
	[SBI_EXT_BASE_GET_IMP_ID]	= SBI_IMPLEMENTATION_ID,
	[SBI_EXT_BASE_GET_IMP_VERSION]	= SBI_IMPLEMENTATION_VERSION,
};

static bool base_probe(struct vcpu *vcpu, struct sbi_result *result)
{
	const struct sbi_extension *probed = sbi_find(vcpu, sbi_arg(vcpu, 0));

	if (probed && probed->range)
		return false;

	result->error = SBI_SUCCESS;
	result->value = !!probed;

	return true;
}

/* "Base Extension". */
static bool fast_base(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	if (fid < ARRAY_SIZE(base_values))
		result->value = base_values[array_index_nospec(fid, ARRAY_SIZE(base_values))];
	else if (fid == SBI_EXT_BASE_PROBE_EXT)
		return base_probe(vcpu, result);
	else if (fid == SBI_EXT_BASE_GET_MVENDORID)
		result->value = vcpu->arch.mvendorid;
	else if (fid == SBI_EXT_BASE_GET_MARCHID)
		result->value = vcpu->arch.marchid;
	else if (fid == SBI_EXT_BASE_GET_MIMPID)
		result->value = vcpu->arch.mimpid;
	else
		return true;
	result->error = SBI_SUCCESS;

	return true;
}

static int sbi_base(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	/* A probe in a range of which only user space knows what is in it. */
	if (!fast_base(vcpu, fid, result))
		return sbi_forward(vcpu, fid, result);

	return RESUME_GUEST;
}

/* --- time ------------------------------------------------------------------ */

static void set_timer(struct vcpu *vcpu)
{
	riscv_pmu_count(vcpu, SBI_PMU_FW_SET_TIMER);
	riscv_timer_set(vcpu, sbi_arg(vcpu, 0));
}

/* "Timer Extension". */
static bool fast_time(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	if (fid != SBI_EXT_TIME_SET_TIMER)
		return false;

	set_timer(vcpu);
	result->error = SBI_SUCCESS;

	return true;
}

static int sbi_time(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	fast_time(vcpu, fid, result);

	return RESUME_GUEST;
}

static int legacy_set_timer(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	set_timer(vcpu);
	result->error = SBI_SUCCESS;

	return RESUME_GUEST;
}

/* --- the whole system ------------------------------------------------------ */

/* Does not return to the guest, so pc stays: a VMM that goes on gets it again. */
static int system_reset(struct vcpu *vcpu, u32 event, u64 reason)
{
	harts_stop_others(vcpu);

	return vcpu_exit_system_event(vcpu, event, &reason, 1);
}

/* Reasons between the specification's own and these are reserved. */
#define SRST_REASON_IMPLEMENTATION	0xe0000000u

static bool reset_reason_valid(u32 reason)
{
	return reason <= SBI_SRST_RESET_REASON_SYS_FAILURE || reason >= SRST_REASON_IMPLEMENTATION;
}

/* "System Reset Extension". */
static int sbi_srst(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	static const u32 events[] = {
		[SBI_SRST_RESET_TYPE_SHUTDOWN]		= KVM_SYSTEM_EVENT_SHUTDOWN,
		[SBI_SRST_RESET_TYPE_COLD_REBOOT]	= KVM_SYSTEM_EVENT_RESET,
		[SBI_SRST_RESET_TYPE_WARM_REBOOT]	= KVM_SYSTEM_EVENT_RESET,
	};
	u32 type = sbi_arg(vcpu, 0), reason = sbi_arg(vcpu, 1);

	if (fid != SBI_EXT_SRST_RESET)
		return RESUME_GUEST;
	if (type >= ARRAY_SIZE(events) || !reset_reason_valid(reason)) {
		result->error = SBI_ERR_INVALID_PARAM;
		return RESUME_GUEST;
	}

	return system_reset(vcpu, events[array_index_nospec(type, ARRAY_SIZE(events))], reason);
}

static int legacy_shutdown(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	return system_reset(vcpu, KVM_SYSTEM_EVENT_SHUTDOWN, SBI_SRST_RESET_REASON_NONE);
}

/* --- tables of their own --------------------------------------------------- */

static int sbi_pmu(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	riscv_pmu_call(vcpu, fid, result);

	return RESUME_GUEST;
}

static int sbi_sta(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	riscv_steal_call(vcpu, fid, result);

	return RESUME_GUEST;
}

/* Does the scheduler know? */
static bool sta_present(void)
{
	return sched_info_on();
}

/* --- the table ------------------------------------------------------------- */

#define SBI_ROW(name_, ext_, ...)				\
	{ .first = SBI_EXT_##name_, .last = SBI_EXT_##name_,	\
	  .ext = (ext_), __VA_ARGS__ }
#define SBI(name_, ...)	\
	SBI_ROW(name_, KVM_RISCV_SBI_EXT_##name_, __VA_ARGS__)
#define SBI_RANGE(name_)					\
	{ .first = SBI_EXT_##name_##_START,			\
	  .last = SBI_EXT_##name_##_END,			\
	  .ext = KVM_RISCV_SBI_EXT_##name_, .range = true,	\
	  .call = sbi_forward }
#define LEGACY(name_, call_)					\
	{ .first = LEGACY_##name_, .last = LEGACY_##name_,	\
	  .ext = KVM_RISCV_SBI_EXT_V01, .call = (call_) }

/* What guests do most comes first. */
static const struct sbi_extension extensions[] = {
	SBI(TIME,	.call = sbi_time),
	SBI(IPI,	.call = sbi_ipi),
	SBI(RFENCE,	.call = sbi_rfence),
	SBI_ROW(BASE, SBI_ALWAYS, .call = sbi_base),
	SBI(PMU,	.call = sbi_pmu),
	SBI(HSM,	.call = sbi_hsm),
	SBI(SRST,	.call = sbi_srst),
	SBI(STA,	.call = sbi_sta, .present = sta_present),
	SBI(DBCN,	.call = sbi_forward, .off = true),
	SBI_ROW(SUSP, RISCV_SBI_SUSP, .call = sbi_susp, .off = true),
	{ .first = SBI_FWFT, .last = SBI_FWFT, .ext = RISCV_SBI_FWFT, .call = sbi_fwft,
	  .off = true },
	SBI_RANGE(EXPERIMENTAL),
	SBI_RANGE(VENDOR),
	LEGACY(SET_TIMER,		legacy_set_timer),
	LEGACY(CONSOLE_PUTCHAR,		sbi_forward),
	LEGACY(CONSOLE_GETCHAR,		sbi_forward),
	LEGACY(CLEAR_IPI,		legacy_clear_ipi),
	LEGACY(SEND_IPI,		legacy_send_ipi),
	LEGACY(REMOTE_FENCE_I,		legacy_remote_fence),
	LEGACY(REMOTE_SFENCE_VMA,	legacy_remote_fence),
	LEGACY(REMOTE_SFENCE_VMA_ASID,	legacy_remote_fence),
	LEGACY(SHUTDOWN,		legacy_shutdown),
};

/* The extension, if this guest has it. */
static const struct sbi_extension *sbi_find(struct vcpu *vcpu, unsigned long id)
{
	const struct sbi_extension *row;

	for (row = extensions; row < extensions + ARRAY_SIZE(extensions); row++) {
		if (id < row->first || id > row->last)
			continue;
		if (row->ext != SBI_ALWAYS && !test_bit(row->ext, vcpu->arch.sbi))
			return NULL;
		return row;
	}

	return NULL;
}

static bool sbi_present(const struct sbi_extension *row)
{
	return !row->present || row->present();
}

bool riscv_sbi_known(unsigned int ext)
{
	const struct sbi_extension *row;

	for (row = extensions; row < extensions + ARRAY_SIZE(extensions); row++)
		if (row->ext != SBI_ALWAYS && row->ext == ext)
			return sbi_present(row);

	return false;
}

void riscv_sbi_reset(struct vcpu *vcpu)
{
	const struct sbi_extension *row;

	bitmap_zero(vcpu->arch.sbi, RISCV_SBI_COUNT);
	for (row = extensions; row < extensions + ARRAY_SIZE(extensions); row++)
		if (row->ext != SBI_ALWAYS && !row->off && sbi_present(row))
			__set_bit(row->ext, vcpu->arch.sbi);
}

/* --- dispatch -------------------------------------------------------------- */

/*
 * What guests do most, and what can be done with irqs off, as fast_exit: no table, the
 * compiler makes compares and no calls of it.  False: the row's call has to do it, from
 * the start.
 */
static bool sbi_fast(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	switch (sbi_id(vcpu)) {
	case SBI_EXT_TIME:
		return test_bit(KVM_RISCV_SBI_EXT_TIME, vcpu->arch.sbi) &&
		       fast_time(vcpu, fid, result);
	case SBI_EXT_IPI:
		return test_bit(KVM_RISCV_SBI_EXT_IPI, vcpu->arch.sbi) &&
		       fast_ipi(vcpu, fid, result);
	case SBI_EXT_RFENCE:
		return test_bit(KVM_RISCV_SBI_EXT_RFENCE, vcpu->arch.sbi) &&
		       fast_rfence(vcpu, fid, result);
	case SBI_EXT_BASE:
		return fast_base(vcpu, fid, result);
	default:
		return false;
	}
}

/* In memory: on the stack it would have to be guarded. */
static struct sbi_result *sbi_result(struct vcpu *vcpu)
{
	vcpu->arch.sbi_result = (struct sbi_result) { .error = SBI_ERR_NOT_SUPPORTED };

	return &vcpu->arch.sbi_result;
}

int riscv_fast_sbi(struct vcpu *vcpu)
{
	struct sbi_result *result = sbi_result(vcpu);

	if (!sbi_fast(vcpu, sbi_function(vcpu), result))
		return RESUME_GUEST;

	vcpu->arch.stats.sbi_calls++;
	sbi_return(vcpu, false, result);

	return REENTER;
}

int riscv_exit_sbi(struct vcpu *vcpu)
{
	const struct sbi_extension *row = sbi_find(vcpu, sbi_id(vcpu));
	struct sbi_result *result = sbi_result(vcpu);
	int ret = RESUME_GUEST;

	vcpu->arch.stats.sbi_calls++;
	if (row)
		ret = row->call(vcpu, sbi_function(vcpu), result);
	if (ret == SBI_AS_IS)
		return RESUME_GUEST;
	if (ret == RESUME_GUEST)
		sbi_return(vcpu, sbi_is_legacy(vcpu), result);

	return ret;
}

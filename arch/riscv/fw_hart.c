// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware calls that one hart makes about others: interrupts, remote fences, start
 * and stop (SBI specification, "IPI Extension", "RFENCE Extension" and "Hart State
 * Management Extension"), and the legacy calls that these replace.  Rows of fw.c's
 * table.
 */
#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <asm/insn-def.h>
#include <asm/sbi.h>

#include "fence.h"
#include "fw.h"

/* --- lists of harts -------------------------------------------------------- */

/* The targets of a call. */
struct harts {
	bool		all;		/* of the VM; else these: */
	unsigned int	count;
	struct vcpu	*vcpu[BITS_PER_LONG];
};

static struct vcpu *hart_by_id(struct vm *vm, unsigned long id)
{
	return id < ARCH_MAX_VCPU_ID ? vm_vcpu_by_id(vm, id) : NULL;
}

/* Number @i of the list, or NULL at its end. */
static struct vcpu *harts_at(struct vm *vm, const struct harts *harts, unsigned int i)
{
	if (harts->all)
		return vm_vcpu(vm, i);

	return i < harts->count ? harts->vcpu[i] : NULL;
}

#define for_each_hart(i, target, vm, harts)	\
	for ((i) = 0; ((target) = harts_at(vm, harts, i)); (i)++)

/* Returns whether all that @mask names exist. */
static bool harts_take(struct vm *vm, struct harts *harts, unsigned long mask,
		       unsigned long base)
{
	struct vcpu *target;
	bool exist = true;
	unsigned int bit;

	harts->all = false;
	harts->count = 0;
	for_each_set_bit(bit, &mask, BITS_PER_LONG) {
		target = hart_by_id(vm, base + bit);
		if (target)
			harts->vcpu[harts->count++] = target;
		else
			exist = false;
	}

	return exist;
}

/* "Hart list parameter", in a0 and a1.  False: it is invalid. */
static bool harts_get(struct vcpu *vcpu, struct harts *harts)
{
	unsigned long mask = sbi_arg(vcpu, 0), base = sbi_arg(vcpu, 1);

	harts->all = base == -1UL;
	if (harts->all)
		return true;

	return base < ARCH_MAX_VCPU_ID && harts_take(vcpu->vm, harts, mask, base);
}

/* Is the calling hart all that a0 and a1 name?  What guests mostly mean, and no search. */
static bool harts_only_here(struct vcpu *vcpu)
{
	unsigned long mask = sbi_arg(vcpu, 0), base = sbi_arg(vcpu, 1), bit = vcpu->id - base;

	/* A base of -1 is above every id. */
	return base <= vcpu->id && bit < BITS_PER_LONG && mask == BIT(bit);
}

/*
 * The same in a few steps, for irqs off.  False: it would take longer, or it is
 * invalid.
 */
static bool harts_get_fast(struct vcpu *vcpu, struct harts *harts)
{
	unsigned long mask = sbi_arg(vcpu, 0), base = sbi_arg(vcpu, 1);
	struct vcpu *target;
	unsigned int bit;

	harts->all = base == -1UL;
	if (harts->all)
		return READ_ONCE(vcpu->vm->vcpu_count) <= BITS_PER_LONG;
	if (base >= ARCH_MAX_VCPU_ID)
		return false;

	harts->count = 0;
	for_each_set_bit(bit, &mask, BITS_PER_LONG) {
		target = vm_vcpu(vcpu->vm, base + bit);
		if (!target || target->id != base + bit)
			return false;
		harts->vcpu[harts->count++] = target;
	}

	return true;
}

/* --- interrupts ------------------------------------------------------------ */

/*
 * To the calling hart, without a kick: commit looks before the guest is entered.
 * With irqs off a kick would do harm: the mode would say that the vCPU is on its
 * way out when it is not, and keep the kicks of others away.
 */
static void send_ipi_here(struct vcpu *vcpu)
{
	set_bit(IRQ_VS_SOFT, &vcpu->arch.irq_level);
	/* The level before the news of it, as in riscv_irq_set(). */
	smp_mb__before_atomic();
	set_bit(IRQ_VS_SOFT, &vcpu->arch.irq_changed);
}

static void send_ipi(struct vcpu *vcpu, const struct harts *harts)
{
	struct vcpu *target;
	unsigned int i;

	for_each_hart(i, target, vcpu->vm, harts) {
		riscv_pmu_count(vcpu, SBI_PMU_FW_IPI_SENT);
		riscv_pmu_count(target, SBI_PMU_FW_IPI_RCVD);
		if (target == vcpu)
			send_ipi_here(vcpu);
		else
			riscv_irq_set(target, IRQ_VS_SOFT);
	}
}

static noinline bool fast_ipi_harts(struct vcpu *vcpu)
{
	/* A list of which only what is filled in is read. */
	struct harts harts __uninitialized;

	if (!harts_get_fast(vcpu, &harts))
		return false;
	send_ipi(vcpu, &harts);

	return true;
}

bool fast_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	if (fid != SBI_EXT_IPI_SEND_IPI)
		return false;

	if (harts_only_here(vcpu)) {
		riscv_pmu_count(vcpu, SBI_PMU_FW_IPI_SENT);
		riscv_pmu_count(vcpu, SBI_PMU_FW_IPI_RCVD);
		send_ipi_here(vcpu);
	} else if (!fast_ipi_harts(vcpu)) {
		return false;
	}
	result->error = SBI_SUCCESS;

	return true;
}

int sbi_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	struct harts harts;

	if (fid != SBI_EXT_IPI_SEND_IPI)
		return RESUME_GUEST;
	if (!harts_get(vcpu, &harts)) {
		result->error = SBI_ERR_INVALID_PARAM;
		return RESUME_GUEST;
	}

	send_ipi(vcpu, &harts);
	result->error = SBI_SUCCESS;

	return RESUME_GUEST;
}

/* --- fences ---------------------------------------------------------------- */

/*
 * By function of RFENCE.  To another hart any range and any ASID is a fence of all:
 * a request is one bit, that cannot overflow and takes no lock, and what the hart does
 * then is one instruction.  The functions for hypervisors are not for a guest that has
 * no H extension.
 */
static const struct fence {
	u8	request;
	u8	sent, received;		/* SBI_PMU_FW_* */
	bool	asid;			/* of the address space in a4 */
} fences[] = {
	[SBI_EXT_RFENCE_REMOTE_FENCE_I] = {
		REQ_FENCE_I,
		SBI_PMU_FW_FENCE_I_SENT, SBI_PMU_FW_FENCE_I_RCVD },
	[SBI_EXT_RFENCE_REMOTE_SFENCE_VMA] = {
		REQ_FENCE_VVMA,
		SBI_PMU_FW_SFENCE_VMA_SENT, SBI_PMU_FW_SFENCE_VMA_RCVD },
	[SBI_EXT_RFENCE_REMOTE_SFENCE_VMA_ASID] = {
		REQ_FENCE_VVMA,
		SBI_PMU_FW_SFENCE_VMA_ASID_SENT, SBI_PMU_FW_SFENCE_VMA_ASID_RCVD, true },
};

static const struct fence *fence_find(unsigned long fid)
{
	if (fid >= ARRAY_SIZE(fences))
		return NULL;

	return &fences[array_index_nospec(fid, ARRAY_SIZE(fences))];
}

static void fence_count(struct vcpu *vcpu, const struct harts *harts, const struct fence *fence)
{
	struct vcpu *target;
	unsigned int i;

	for_each_hart(i, target, vcpu->vm, harts) {
		riscv_pmu_count(vcpu, fence->sent);
		riscv_pmu_count(target, fence->received);
	}
}

/* With irqs off hgatp is still the guest's: its VMID is the one that is fenced. */
static void fence_here(struct vcpu *vcpu, const struct fence *fence)
{
	unsigned long address = sbi_arg(vcpu, 2), asid = sbi_arg(vcpu, 4);
	unsigned int pages = fence_pages(address, sbi_arg(vcpu, 3));

	if (fence->request == REQ_FENCE_I) {
		asm volatile("fence.i" : : : "memory");
		return;
	}
	/* No hart has such an address space: the specification leaves it open. */
	if (fence->asid && asid > SATP_ASID_MASK)
		pages = 0;
	if (!pages)
		asm volatile(HFENCE_VVMA(zero, zero) : : : "memory");

	for (; pages; pages--, address += PAGE_SIZE) {
		if (fence->asid)
			asm volatile(HFENCE_VVMA(%0, %1) : : "r" (address), "r" (asid) : "memory");
		else
			asm volatile(HFENCE_VVMA(%0, zero) : : "r" (address) : "memory");
	}
}

/*
 * The caller may go on once no target can run guest code without having fenced.
 * One that is outside the guest sees the request in time; to wait for one that is
 * inside is for the slow path.  Some have the request twice then, and fence twice.
 */
static noinline bool fast_rfence_harts(struct vcpu *vcpu, const struct fence *fence)
{
	/* As in fast_ipi_harts(). */
	struct harts harts __uninitialized;
	struct vcpu *target;
	bool here = false;
	unsigned int i;

	if (!harts_get_fast(vcpu, &harts))
		return false;

	for_each_hart(i, target, vcpu->vm, &harts) {
		if (target == vcpu)
			here = true;
		else if (!vcpu_request_outside(target, fence->request))
			return false;
	}
	if (here)
		fence_here(vcpu, fence);
	fence_count(vcpu, &harts, fence);

	return true;
}

bool fast_rfence(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	const struct fence *fence = fence_find(fid);

	if (!fence)
		return false;

	if (harts_only_here(vcpu)) {
		fence_here(vcpu, fence);
		riscv_pmu_count(vcpu, fence->sent);
		riscv_pmu_count(vcpu, fence->received);
	} else if (!fast_rfence_harts(vcpu, fence)) {
		return false;
	}
	result->error = SBI_SUCCESS;

	return true;
}

static void fence_send(struct vcpu *vcpu, const struct harts *harts, const struct fence *fence)
{
	if (harts->all)
		vm_request_all(vcpu->vm, fence->request, true);
	else
		vm_request_some(vcpu->vm, harts->vcpu, harts->count, fence->request);
	fence_count(vcpu, harts, fence);
}

int sbi_rfence(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	const struct fence *fence = fence_find(fid);
	struct harts harts;

	if (!fence)
		return RESUME_GUEST;
	if (!harts_get(vcpu, &harts)) {
		result->error = SBI_ERR_INVALID_PARAM;
		return RESUME_GUEST;
	}

	fence_send(vcpu, &harts, fence);
	result->error = SBI_SUCCESS;

	return RESUME_GUEST;
}

/* --- hart states ----------------------------------------------------------- */

/* Commit does not enter the guest from here on. */
static void hart_set_stopped(struct vcpu *vcpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->mp_lock, flags);
	WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_STOPPED);
	vcpu->arch.start.pending = false;
	raw_spin_unlock_irqrestore(&vcpu->mp_lock, flags);
}

void harts_stop_others(struct vcpu *vcpu)
{
	struct vcpu *other;
	unsigned int i;

	guard(mutex)(&vcpu->vm->config_lock);

	vm_for_each_vcpu(i, other, vcpu->vm) {
		if (other == vcpu)
			continue;
		hart_set_stopped(other);
		vcpu_kick(other);
	}
}

/* May a hart begin there?  srcu held. */
static bool hart_address_valid(struct vcpu *vcpu, unsigned long address)
{
	return !(address & 1) && vcpu_memslot(vcpu, gpa_to_gfn(address));
}

/*
 * Start a hart that is stopped.  It must not be seen runnable on its way past the
 * look at its requests, or it would run on where it stopped: so first everybody
 * knows of the request, then it is runnable.  config_lock: one at a time.
 */
static long hart_start(struct vcpu *vcpu, struct vcpu *target)
{
	unsigned long flags;

	guard(mutex)(&vcpu->vm->config_lock);

	/* While this waited for the lock: harts_stop_others(). */
	if (READ_ONCE(vcpu->mp_state) == KVM_MP_STATE_STOPPED)
		return SBI_ERR_FAILURE;

	raw_spin_lock_irqsave(&target->mp_lock, flags);
	if (target->mp_state != KVM_MP_STATE_STOPPED) {
		raw_spin_unlock_irqrestore(&target->mp_lock, flags);
		return SBI_ERR_ALREADY_AVAILABLE;
	}
	target->arch.start.pc = sbi_arg(vcpu, 1);
	target->arch.start.a1 = sbi_arg(vcpu, 2);
	target->arch.start.pending = true;
	raw_spin_unlock_irqrestore(&target->mp_lock, flags);

	vm_request_some(vcpu->vm, &target, 1, REQ_START);

	raw_spin_lock_irqsave(&target->mp_lock, flags);
	WRITE_ONCE(target->mp_state, KVM_MP_STATE_RUNNABLE);
	raw_spin_unlock_irqrestore(&target->mp_lock, flags);

	/* It may have begun already and sleep because it was stopped still. */
	vcpu_request(target, REQ_UNBLOCK);
	vcpu_kick(target);

	return SBI_SUCCESS;
}

static void hsm_start(struct vcpu *vcpu, struct sbi_result *result)
{
	struct vcpu *target = hart_by_id(vcpu->vm, sbi_arg(vcpu, 0));

	if (!target)
		result->error = SBI_ERR_INVALID_PARAM;
	else if (!hart_address_valid(vcpu, sbi_arg(vcpu, 1)))
		result->error = SBI_ERR_INVALID_ADDRESS;
	else
		result->error = hart_start(vcpu, target);
}

/* Does not return to the guest: commit refuses to enter it. */
static void hsm_stop(struct vcpu *vcpu, struct sbi_result *result)
{
	hart_set_stopped(vcpu);
	result->error = SBI_SUCCESS;
}

static long hart_status(struct vcpu *target)
{
	if (target->arch.start.pending)
		return SBI_HSM_STATE_START_PENDING;
	if (target->mp_state == KVM_MP_STATE_STOPPED)
		return SBI_HSM_STATE_STOPPED;
	if (READ_ONCE(target->arch.suspended))
		return SBI_HSM_STATE_SUSPENDED;

	return SBI_HSM_STATE_STARTED;
}

static void hsm_status(struct vcpu *vcpu, struct sbi_result *result)
{
	struct vcpu *target = hart_by_id(vcpu->vm, sbi_arg(vcpu, 0));
	unsigned long flags;

	if (!target) {
		result->error = SBI_ERR_INVALID_PARAM;
		return;
	}

	raw_spin_lock_irqsave(&target->mp_lock, flags);
	result->value = hart_status(target);
	raw_spin_unlock_irqrestore(&target->mp_lock, flags);
	result->error = SBI_SUCCESS;
}

static void hart_suspend(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->arch.suspended, true);
	riscv_wait(vcpu);
	WRITE_ONCE(vcpu->arch.suspended, false);
}

/*
 * Go on at @address after a suspension that was not retentive.  Of all the hart may
 * have lost it loses what the specification sets.  Above all not the interrupt that
 * ended this, nor the timer: they are no registers.
 */
static void hart_resume_at(struct vcpu *vcpu, unsigned long address, unsigned long opaque)
{
	csr_write(CSR_VSATP, 0);
	csr_clear(CSR_VSSTATUS, SR_SIE);
	vcpu->arch.context.pc = address;
	riscv_set_gpr(vcpu, 10, vcpu->id);
	riscv_set_gpr(vcpu, 11, opaque);
	riscv_feature_reset(vcpu);
}

static int hart_suspend_lossy(struct vcpu *vcpu)
{
	unsigned long address = sbi_arg(vcpu, 1), opaque = sbi_arg(vcpu, 2);

	hart_suspend(vcpu);
	hart_resume_at(vcpu, address, opaque);

	return SBI_AS_IS;
}

static int hsm_suspend(struct vcpu *vcpu, struct sbi_result *result)
{
	u32 type = sbi_arg(vcpu, 0);

	if (type == SBI_HSM_SUSPEND_RET_DEFAULT) {
		hart_suspend(vcpu);
		result->error = SBI_SUCCESS;
		return RESUME_GUEST;
	}
	if (type != SBI_HSM_SUSPEND_NON_RET_DEFAULT) {
		result->error = SBI_ERR_INVALID_PARAM;
		return RESUME_GUEST;
	}
	if (!hart_address_valid(vcpu, sbi_arg(vcpu, 1))) {
		result->error = SBI_ERR_INVALID_ADDRESS;
		return RESUME_GUEST;
	}

	return hart_suspend_lossy(vcpu);
}

int sbi_hsm(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	static void (*const functions[])(struct vcpu *vcpu, struct sbi_result *result) = {
		[SBI_EXT_HSM_HART_START]	= hsm_start,
		[SBI_EXT_HSM_HART_STOP]		= hsm_stop,
		[SBI_EXT_HSM_HART_STATUS]	= hsm_status,
	};

	if (fid == SBI_EXT_HSM_HART_SUSPEND)
		return hsm_suspend(vcpu, result);
	if (fid < ARRAY_SIZE(functions))
		functions[array_index_nospec(fid, ARRAY_SIZE(functions))](vcpu, result);

	return RESUME_GUEST;
}

/* --- the system asleep ----------------------------------------------------- */

static bool harts_others_stopped(struct vcpu *vcpu)
{
	struct vcpu *other;
	unsigned int i;

	guard(mutex)(&vcpu->vm->config_lock);

	vm_for_each_vcpu(i, other, vcpu->vm)
		if (other != vcpu && READ_ONCE(other->mp_state) != KVM_MP_STATE_STOPPED)
			return false;

	return true;
}

/*
 * "System Suspend Extension".  What sleep is, and when it ends, user space decides:
 * the guest goes on where it asked to when the vCPU runs again.
 */
int sbi_susp(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	u32 type = sbi_arg(vcpu, 0);
	unsigned long address = sbi_arg(vcpu, 1);

	if (fid != SBI_EXT_SUSP_SYSTEM_SUSPEND)
		return RESUME_GUEST;
	if (type != SBI_SUSP_SLEEP_TYPE_SUSPEND_TO_RAM) {
		result->error = SBI_ERR_INVALID_PARAM;
		return RESUME_GUEST;
	}
	if (!hart_address_valid(vcpu, address)) {
		result->error = SBI_ERR_INVALID_ADDRESS;
		return RESUME_GUEST;
	}
	if (!harts_others_stopped(vcpu)) {
		result->error = SBI_ERR_DENIED;
		return RESUME_GUEST;
	}

	hart_resume_at(vcpu, address, sbi_arg(vcpu, 2));

	return vcpu_exit_system_event(vcpu, KVM_SYSTEM_EVENT_SUSPEND, NULL, 0);
}

/* --- legacy ---------------------------------------------------------------- */

#define LEGACY_MASKS	DIV_ROUND_UP(ARCH_MAX_VCPUS, BITS_PER_LONG)

/*
 * The bit vector of harts at guest virtual address a0, all of it before anything is
 * done: one bit per hart of the VM.  The number of words, or 0 and *@ret, which is
 * what the handler returns.
 */
static unsigned int legacy_masks(struct vcpu *vcpu, unsigned long *masks, int *ret)
{
	unsigned int i, words = DIV_ROUND_UP(READ_ONCE(vcpu->vm->vcpu_count), BITS_PER_LONG);
	unsigned long address = sbi_arg(vcpu, 0);
	struct riscv_trap trap;

	for (i = 0; i < min_t(unsigned int, words, LEGACY_MASKS); i++) {
		*ret = riscv_guest_read_ulong(vcpu, address + i * sizeof(*masks), &masks[i],
					      &trap);
		if (*ret < 0)
			return 0;
		if (*ret == 1)
			riscv_redirect(vcpu, &trap);
		/* Or the guest calls again, once the memory is there. */
		if (*ret) {
			*ret = SBI_AS_IS;
			return 0;
		}
	}

	return i;
}

/* Do @act to the harts of the vector; bits of harts that do not exist mean nothing. */
static int legacy_each(struct vcpu *vcpu, struct sbi_result *result,
		       void (*act)(struct vcpu *vcpu, const struct harts *harts))
{
	unsigned long masks[LEGACY_MASKS];
	struct harts harts = { .all = true };
	unsigned int i, words;
	int ret;

	result->error = SBI_SUCCESS;
	/* No vector: all harts. */
	if (!sbi_arg(vcpu, 0)) {
		act(vcpu, &harts);
		return RESUME_GUEST;
	}

	words = legacy_masks(vcpu, masks, &ret);
	if (!words)
		return ret;
	for (i = 0; i < words; i++) {
		harts_take(vcpu->vm, &harts, masks[i], i * BITS_PER_LONG);
		act(vcpu, &harts);
		cond_resched();
	}

	return RESUME_GUEST;
}

static void legacy_fence(struct vcpu *vcpu, const struct harts *harts)
{
	/* The ids follow each other as the functions of RFENCE do. */
	const struct fence *fence = fence_find(sbi_id(vcpu) - LEGACY_REMOTE_FENCE_I);

	if (fence)
		fence_send(vcpu, harts, fence);
}

int legacy_clear_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	unsigned long changed = READ_ONCE(vcpu->arch.irq_changed);
	unsigned long pending = (READ_ONCE(vcpu->arch.hvip) & ~changed) |
				(READ_ONCE(vcpu->arch.irq_level) & changed);

	riscv_irq_clear(vcpu, IRQ_VS_SOFT);
	/* Not an error: whether there was one. */
	result->error = !!(pending & BIT(IRQ_VS_SOFT));

	return RESUME_GUEST;
}

int legacy_send_ipi(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	return legacy_each(vcpu, result, send_ipi);
}

int legacy_remote_fence(struct vcpu *vcpu, unsigned long fid, struct sbi_result *result)
{
	return legacy_each(vcpu, result, legacy_fence);
}

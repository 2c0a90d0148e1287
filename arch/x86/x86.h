/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of arch/x86 offer each other.  Vendor folders include it; it
 * includes nothing of theirs.
 *
 * Result convention of handlers: core/types.h.  "Injects" means: queues the
 * fault the hardware would have raised and returns RESUME_GUEST; the guest sees
 * it at the next entry.
 */
#ifndef X86_X86_H
#define X86_X86_H

#include <linux/jump_label.h>
#include <linux/kvm.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/static_call.h>
#include <core/irq.h>
#include <core/memslot.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>
#include <arch/types.h>
#include <asm/desc_defs.h>

/* Vendor functions: x86_op(inject)(vcpu, event) is a patched direct call. */
#define OP(ret, name, params, args)	ret (*name) params;
struct x86_ops {
#include "x86_ops.def"
};
#undef OP
#define OP(ret, name, params, args)					\
	ret x86_null_##name params;					\
	DECLARE_STATIC_CALL(x86_op_##name, x86_null_##name);
#include "x86_ops.def"
#undef OP
#define x86_op(name)	static_call(x86_op_##name)

/* init.c: called by the vendor's setup(). */
void x86_bind(const struct x86_ops *ops);
/* Parameter, for tests: use at most so many TLB tags per CPU; 0: all there are. */
extern unsigned int x86_tags;

/* Requests of x86; vcpu.c has their table. */
enum {
	REQ_EVENT = REQ_ARCH,	/* look for events again: an interrupt came */
	REQ_CLOCK,		/* rewrite the pvclock page */
	REQ_STEAL,		/* rewrite the steal-time area */
	REQ_NMI,		/* an NMI was sent from outside */
	REQ_INIT_SIPI,		/* look at events.init_sipi */
	REQ_TLB_GUEST,		/* tlb_flush of the guest's own translations */
	REQ_SCAN_IOAPIC,	/* which vectors want an EOI exit has changed */
	REQ_TRIPLE_FAULT,	/* KVM_EXIT_SHUTDOWN */
	REQ_IOAPIC_EOI,		/* KVM_EXIT_IOAPIC_EOI is due (split irqchip) */
};

/* --- state by groups -------------------------------------------------- */

static inline void x86_need(struct vcpu *vcpu, u32 groups)
{
	u32 missing = groups & ~vcpu->arch.valid;

	if (missing) {
		x86_op(state_fetch)(vcpu, missing);
		vcpu->arch.valid |= missing;
	}
}

/* The caller has x86_need()ed the groups, or overwrote them whole. */
static inline void x86_dirty(struct vcpu *vcpu, u32 groups)
{
	vcpu->arch.valid |= groups;
	vcpu->arch.dirty |= groups;
}

/* The group that register @reg belongs to. */
static __always_inline u32 x86_gpr_group(int reg)
{
	return reg == X86_RSP ? X86_STACK : X86_GPRS;
}

static inline u64 x86_gpr(struct vcpu *vcpu, int reg)
{
	x86_need(vcpu, x86_gpr_group(reg));
	return vcpu->arch.state.gpr[reg];
}

static inline void x86_set_gpr(struct vcpu *vcpu, int reg, u64 value)
{
	u32 group = x86_gpr_group(reg);

	x86_need(vcpu, group);
	vcpu->arch.state.gpr[reg] = value;
	x86_dirty(vcpu, group);
}

static inline u64 x86_rip(struct vcpu *vcpu)
{
	x86_need(vcpu, X86_RIP);
	return vcpu->arch.state.rip;
}

/* Long mode with a 64-bit code segment. */
bool x86_in_64bit(struct vcpu *vcpu);
bool x86_long_mode(struct vcpu *vcpu);		/* EFER.LMA */
bool x86_protected_mode(struct vcpu *vcpu);
bool x86_paging(struct vcpu *vcpu);
int x86_cpl(struct vcpu *vcpu);
/* rip + CS.base, as a linear address (no base in 64-bit mode). */
gva_t x86_linear_rip(struct vcpu *vcpu);

/* --- vcpu.c ------------------------------------------------------------ */

/* Const reset state in, by the same path as SET_REGS; @init: INIT, not power-on. */
void x86_vcpu_reset(struct vcpu *vcpu, bool init);
/*
 * The hardware has lost its state and all it was told: have it told again.  The
 * groups of state that are still right are held.  vcpu->mutex held.
 */
void x86_vcpu_retell(struct vcpu *vcpu);
int x86_vcpu_create(struct vcpu *vcpu);		/* shared part; vendor calls it */
void x86_vcpu_destroy(struct vcpu *vcpu);
void x86_vcpu_load(struct vcpu *vcpu, int cpu);
void x86_vcpu_put(struct vcpu *vcpu);
void x86_vcpu_run_begin(struct vcpu *vcpu);
void x86_vcpu_run_end(struct vcpu *vcpu);
int x86_vcpu_prepare(struct vcpu *vcpu);	/* serves requests by table */
bool x86_vcpu_runnable(struct vcpu *vcpu);
void x86_vcpu_block(struct vcpu *vcpu);
void x86_vcpu_unblock(struct vcpu *vcpu);
int x86_vm_create(struct vm *vm, unsigned long type);
void x86_vm_destroy(struct vm *vm);
/* -EINVAL: not within what guests address, by the CPU and by the page tables.  Any context. */
int x86_slot_check(const struct vm *vm, const struct memslot *slot);

/* x86_skip() where it is not that simple.  May sleep. */
int x86_skip_slow(struct vcpu *vcpu);
/* Where the next instruction is, as far as it can be said without sleeping; else 0. */
u64 x86_skip_peek_slow(struct vcpu *vcpu);

/*
 * For fast handlers, in two steps, because they must know that they can skip before
 * they do what cannot be undone: where to, or 0; then go there.
 */
static __always_inline u64 x86_skip_peek(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;
	u64 next = vcpu->arch.exit.next_rip;

	x86_need(vcpu, X86_RIP | X86_INTR);
	/* A debug exception, or an exit for user space's debugger, is due then. */
	if (unlikely(state->rflags & X86_EFLAGS_TF || vcpu->debug_flags))
		return 0;
	/* Only at 4 GiB does it matter if RIP has 32 bits or 64. */
	if (likely(next && !((next ^ state->rip) >> 32)))
		return next;

	return x86_skip_peek_slow(vcpu);
}

/* After that, or with X86_RIP and X86_INTR at hand. */
static __always_inline void x86_skip_to(struct vcpu *vcpu, u64 next_rip)
{
	struct x86_state *state = &vcpu->arch.state;

	state->rip = next_rip;
	state->rflags &= ~(u64)X86_EFLAGS_RF;
	x86_dirty(vcpu, X86_RIP);
	if (unlikely(state->shadow)) {
		state->shadow = 0;
		x86_dirty(vcpu, X86_INTR);
	}
}

/* Change mp_state (KVM_MP_STATE_*) of this vCPU; any context. */
void x86_set_mp_state(struct vcpu *vcpu, u32 mp_state);

/*
 * Advance RIP past the current instruction and end the interrupt shadow: by
 * exit.next_rip, or by decoding the instruction.  May sleep.  As a handler.
 */
static __always_inline int x86_skip(struct vcpu *vcpu)
{
	const struct x86_state *state = &vcpu->arch.state;
	u64 next = vcpu->arch.exit.next_rip;

	x86_need(vcpu, X86_RIP | X86_INTR);
	if (unlikely(!next || (next ^ state->rip) >> 32 || state->rflags & X86_EFLAGS_TF ||
		     vcpu->debug_flags))
		return x86_skip_slow(vcpu);
	x86_skip_to(vcpu, next);

	return RESUME_GUEST;
}

/* --- events.c ---------------------------------------------------------- */

/* Queue an exception; double and triple faults come out of the merging. */
void x86_queue_exception(struct vcpu *vcpu, u8 vector);
void x86_queue_exception_error(struct vcpu *vcpu, u8 vector, u32 error);
/* #PF: @address becomes CR2 when it is delivered. */
void x86_queue_page_fault(struct vcpu *vcpu, gva_t address, u32 error);
/* #DB: @dr6, of B0..B3, BD and BS, is what DR6 gets when it is delivered. */
void x86_queue_debug(struct vcpu *vcpu, u64 dr6);
/* The same, as the last words of a handler: they return RESUME_GUEST. */
int x86_inject_gp(struct vcpu *vcpu, u32 error);
int x86_inject_ud(struct vcpu *vcpu);
void x86_queue_nmi(struct vcpu *vcpu);
/* The hardware says that it was delivering this when the exit came: again. */
void x86_event_requeue(struct vcpu *vcpu, const struct x86_event *event);
/*
 * Choose and inject: the vendor's commit calls it, irqs off.  0, or -EAGAIN: the
 * vCPU does not run now (mp_state).  That an injected NMI blocks the next one is
 * noted by the vendor's inject.
 */
int x86_events_commit_slow(struct vcpu *vcpu);
static __always_inline int x86_events_commit(struct vcpu *vcpu)
{
	return likely(!vcpu->arch.events.check) ? 0 : x86_events_commit_slow(vcpu);
}
/*
 * Something about events may have changed (an interrupt became pending, the
 * priority fell, IF was set from outside): have the next commit look.  By the vCPU
 * itself, fast handlers included; others use REQ_EVENT and vcpu_kick().
 */
static inline void x86_events_recheck(struct vcpu *vcpu)
{
	vcpu->arch.events.check = true;
}
void x86_events_reset(struct vcpu *vcpu, bool init);
/* The hardware has forgotten the windows: the next commit opens them again. */
void x86_events_retell(struct vcpu *vcpu);
/* KVM_EXIT_IRQ_WINDOW_OPEN if user space waits for it, else RESUME_GUEST. */
int x86_events_user_window(struct vcpu *vcpu);
/* An instruction was carried out by software while somebody single-steps. */
int x86_events_step(struct vcpu *vcpu, bool guest);
/* What KVM_SET_GUEST_DEBUG takes.  No USE_HW_BP: no vendor loads debug_dr[] yet. */
#define X86_GUESTDBG_OFFERED						\
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |		\
	 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_INJECT_DB |		\
	 KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_BLOCKIRQ)
int x86_ioctl_set_guest_debug(struct vcpu *vcpu, const struct kvm_guest_debug *debug);
/* Can an interrupt be taken now (IF, shadow, nothing else under way)? */
bool x86_interrupt_allowed(struct vcpu *vcpu);
bool x86_nmi_allowed(struct vcpu *vcpu);
/* INIT and SIPI that wait; may sleep, mutex held. */
int x86_events_init_sipi(struct vcpu *vcpu);
int x86_ioctl_get_vcpu_events(struct vcpu *vcpu, struct kvm_vcpu_events *events);
int x86_ioctl_set_vcpu_events(struct vcpu *vcpu, const struct kvm_vcpu_events *events);

/* --- exit.c: handlers common to the vendors' exit tables ---------------- */

/* Fast (irqs off, see fast_exit in vcpu_ops.def): REENTER or RESUME_GUEST. */
int x86_fast_cpuid(struct vcpu *vcpu);
int x86_fast_wrmsr(struct vcpu *vcpu);
int x86_fast_rdmsr(struct vcpu *vcpu);
int x86_fast_hypercall(struct vcpu *vcpu);
int x86_fast_skip(struct vcpu *vcpu);		/* an instruction that does nothing */
/* Slow. */
int x86_exit_cpuid(struct vcpu *vcpu);
int x86_exit_rdmsr(struct vcpu *vcpu);
int x86_exit_wrmsr(struct vcpu *vcpu);
int x86_exit_halt(struct vcpu *vcpu);
int x86_exit_hypercall(struct vcpu *vcpu);	/* VMCALL and VMMCALL */
int x86_exit_xsetbv(struct vcpu *vcpu);
int x86_exit_wbinvd(struct vcpu *vcpu);
int x86_exit_invalid_opcode(struct vcpu *vcpu);	/* injects #UD */
int x86_exit_rdpmc(struct vcpu *vcpu);
int x86_exit_monitor_mwait(struct vcpu *vcpu);
int x86_exit_pause(struct vcpu *vcpu);
/* A stage-2 fault: map, or MMIO by way of the emulator. @access: PROT_GUEST_* */
int x86_exit_memory(struct vcpu *vcpu, gpa_t gpa, u8 access);
/* Fast: of a page that is there and may not be accessed like this. */
static __always_inline int x86_fast_write_fault(struct vcpu *vcpu, gpa_t gpa, bool write)
{
	/* What was under way is for the slow handler to take up. */
	if (!write || unlikely(vcpu->arch.events.injected.type) ||
	    !vcpu_fault_atomic(vcpu, gpa, PROT_GUEST_WRITE))
		return RESUME_GUEST;

	return REENTER;
}
/* IN, OUT, INS, OUTS. */
int x86_exit_io(struct vcpu *vcpu, u16 port, u8 size, bool in, bool string);
/* Fast. */
int x86_fast_in_device(struct vcpu *vcpu, u16 port, u8 size);
int x86_fast_out_device(struct vcpu *vcpu, u16 port, u8 size);
/* Of a port that nobody in the kernel has.  EXIT_TO_USER, or RESUME_GUEST. */
int x86_fast_io_user(struct vcpu *vcpu, u16 port, u8 size, bool in);
static __always_inline int x86_fast_io(struct vcpu *vcpu, u16 port, u8 size, bool in,
				       bool string)
{
	if (string)
		return RESUME_GUEST;
	if (iobus_maybe(vcpu->vm, IOBUS_PIO, port))
		return in ? x86_fast_in_device(vcpu, port, size) :
			    x86_fast_out_device(vcpu, port, size);
	if (coalesced_maybe(vcpu->vm, IOBUS_PIO, port))
		return RESUME_GUEST;

	return x86_fast_io_user(vcpu, port, size, in);
}
/* MOV to and from CR8; @reg: GPR number. */
int x86_exit_cr8(struct vcpu *vcpu, int reg, bool write);
/* What a MOV to CR0/CR4 has to check; the caller skips. 0 or inject and 1. */
int x86_set_cr0(struct vcpu *vcpu, u64 value);
int x86_set_cr4(struct vcpu *vcpu, u64 value);
/* The write of an MSR: 0 or -EINVAL, nothing is injected. */
int x86_set_efer(struct vcpu *vcpu, u64 value, bool host);
int x86_set_xcr(struct vcpu *vcpu, u32 index, u64 value);
/* May the guest's XCR0 be @value? */
bool x86_xcr0_valid(struct vcpu *vcpu, u64 value);
/* Would the architecture, with the guest's CPUID, allow these?  For SET_SREGS too. */
bool x86_cr0_valid(struct vcpu *vcpu, u64 cr0);
bool x86_cr4_valid(struct vcpu *vcpu, u64 cr4);

/* --- io.c ---------------------------------------------------------------- */

/*
 * One access of @count elements to a port: in-kernel device, or KVM_EXIT_IO with
 * the data in the page of the run area.  RESUME_GUEST: done (for an in, @data
 * holds it); EXIT_TO_USER: @complete will be called with the data in the page
 * (x86_pio_data()).
 */
int x86_pio(struct vcpu *vcpu, u16 port, u8 size, u32 count, bool in, void *data,
	    int (*complete)(struct vcpu *vcpu));
/* The same for one element of 1, 2 or 4 bytes; @data: of which the rest may be anything. */
int x86_pio_one(struct vcpu *vcpu, u16 port, u8 size, bool in, u32 *data,
		int (*complete)(struct vcpu *vcpu));
/* That element, where nobody in the kernel has the port: EXIT_TO_USER.  Any context. */
int x86_pio_user(struct vcpu *vcpu, u16 port, u8 size, bool in, u32 data,
		 int (*complete)(struct vcpu *vcpu));
void *x86_pio_data(struct vcpu *vcpu);

/* --- cpuid.c ------------------------------------------------------------- */

void x86_cpuid_setup(void);			/* at load: what this host allows */
const struct kvm_cpuid_entry2 *x86_cpuid_find(struct vcpu *vcpu, u32 function, u32 index);
/* Does the guest's CPUID have this X86_FEATURE_*? (leaves 1, 7, 0xd.1, 0x80000001, ..8) */
static inline bool x86_guest_has(struct vcpu *vcpu, unsigned int feature)
{
	return vcpu->arch.cpuid.word[feature / 32] & BIT(feature % 32);
}

/* Does what we can offer have it? */
bool x86_host_allows(unsigned int feature);
/* Re-derive struct x86_cpuid after SET_CPUID2, CR4, XCR0 or APIC_BASE changed. */
void x86_cpuid_update(struct vcpu *vcpu);
int x86_ioctl_get_supported_cpuid(struct kvm_cpuid2 __user *user);
int x86_ioctl_get_emulated_cpuid(struct kvm_cpuid2 __user *user);
int x86_ioctl_set_cpuid2(struct vcpu *vcpu, const struct kvm_cpuid2 __user *user);
int x86_ioctl_get_cpuid2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user);
void x86_cpuid_free(struct vcpu *vcpu);

/* --- msr.c --------------------------------------------------------------- */

/* @host: from user space.  0, or -EINVAL: #GP (guest), or "stop here" (host). */
int x86_msr_read(struct vcpu *vcpu, u32 msr, u64 *value, bool host);
int x86_msr_write(struct vcpu *vcpu, u32 msr, u64 value, bool host);
/*
 * The same for the guest, irqs off.  An error: nothing is written, because it cannot be
 * here or because it is a #GP.  The slow handler's x86_msr_write() finds out which.
 */
int x86_msr_write_atomic(struct vcpu *vcpu, u32 msr, u64 value);
int x86_ioctl_get_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user);
int x86_ioctl_set_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user);
int x86_ioctl_msr_index_list(struct kvm_msr_list __user *user, bool feature);
int x86_ioctl_get_feature_msrs(struct kvm_msrs __user *user);
/*
 * MSRs that a guest may come to touch without an exit, by its CPUID or by use.  Few:
 * the vendors keep a map for each set of them, for all vCPUs.
 */
enum {
	X86_PASS_SPEC_CTRL	= BIT(0),	/* read and write; in the order of msr.c */
	X86_PASS_PRED_CMD	= BIT(1),	/* a command: write */
	X86_PASS_FLUSH_CMD	= BIT(2),	/* likewise */
	X86_PASS_SETS		= BIT(3),	/* number of sets of these */
};

struct x86_msr_access {
	u32	msr;
	bool	read, write;
};

#define X86_PASSED_MAX	16
/* All that do not exit, @passed of the above among them: how many @access has now. */
int x86_msrs_passed(u8 passed, struct x86_msr_access access[X86_PASSED_MAX]);
/* Tell the vendor which MSRs the guest may touch without an exit. */
void x86_msr_intercepts(struct vcpu *vcpu);
void x86_msr_reset(struct vcpu *vcpu, bool init);
/* KVM_X86_SETUP_MCE, and what KVM_X86_GET_MCE_CAP_SUPPORTED answers (without a count). */
#define X86_MCE_BANKS	32
#define X86_MCG_CAP	(MCG_CTL_P | MCG_SER_P)
int x86_ioctl_setup_mce(struct vcpu *vcpu, u64 mcg_cap);

/* --- clock.c ------------------------------------------------------------- */

void x86_clock_vm_create(struct vm *vm);
/* A vCPU counts; it no longer does, unless the whole VM ends.  May be half built. */
void x86_clock_vcpu_create(struct vcpu *vcpu);
void x86_clock_vcpu_destroy(struct vcpu *vcpu);
void x86_clock_load(struct vcpu *vcpu, int cpu);
void x86_clock_put(struct vcpu *vcpu);
/* REQ_CLOCK and REQ_STEAL; may sleep, srcu held. */
void x86_clock_update(struct vcpu *vcpu);
void x86_steal_update(struct vcpu *vcpu);
int x86_clock_msr_write(struct vcpu *vcpu, u32 msr, u64 value);
int x86_clock_msr_read(struct vcpu *vcpu, u32 msr, u64 *value);
u64 x86_tsc_now(struct vcpu *vcpu);		/* guest TSC; any context */
void x86_tsc_write(struct vcpu *vcpu, u64 value, bool host);
/* The guest moved its TSC by @delta, by writing the TSC or IA32_TSC_ADJUST. */
void x86_tsc_adjust(struct vcpu *vcpu, u64 delta);
int x86_ioctl_get_clock(struct vm *vm, struct kvm_clock_data *data);
int x86_ioctl_set_clock(struct vm *vm, const struct kvm_clock_data *data);
/* KVM_SET_TSC_KHZ; 0 means the default.  -EINVAL: not the host's, within 250 ppm. */
int x86_ioctl_set_tsc_khz(struct vcpu *vcpu, unsigned long khz);
/* KVM_KVMCLOCK_CTRL: the guest was paused. */
int x86_ioctl_kvmclock_ctrl(struct vcpu *vcpu);
int x86_clock_hotplug_setup(void);
void x86_clock_teardown(void);

/* --- walk.c: the guest's page tables -------------------------------------- */

/* A fault of a guest access, to be injected. */
struct x86_fault {
	u8	vector;
	bool	has_error;
	u32	error;
	gva_t	address;		/* #PF */
};

enum {
	X86_ACCESS_WRITE	= BIT(0),
	X86_ACCESS_EXEC		= BIT(1),
	X86_ACCESS_USER		= BIT(2),	/* as if CPL 3 */
	X86_ACCESS_SUPERVISOR	= BIT(3),	/* implicit: descriptor tables */
};

/*
 * Translate a linear address as the hardware would, accessed and dirty bits and
 * permissions included.  0, or 1 with @fault filled in, or -EFAULT (a table is
 * not in memory).  May sleep; srcu held.
 */
int x86_walk(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa, struct x86_fault *fault);
/* The same without faulting or setting bits; any context. 0 or -EFAULT. */
int x86_walk_nofault(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa);
/* KVM_TRANSLATE. */
int x86_ioctl_translate(struct vcpu *vcpu, struct kvm_translation *translation);
void x86_inject_fault(struct vcpu *vcpu, const struct x86_fault *fault);

/* --- emulate.c and insn.c ------------------------------------------------- */

/*
 * Emulate the instruction at RIP (its bytes are exit.insn as far as known).
 * Resumes by itself after user space served an access.  RESUME_GUEST,
 * EXIT_TO_USER, -errno.  What it does not know: KVM_EXIT_INTERNAL_ERROR with the
 * instruction bytes.
 */
int x86_emulate(struct vcpu *vcpu);
/*
 * The same for a memory exit of which the hardware says that the instruction's own
 * access (no access to a page table) has got to @gpa, with the guest's tables
 * allowing it, as a read or as a write: saves a walk.
 */
int x86_emulate_at(struct vcpu *vcpu, gpa_t gpa, bool write);
/*
 * emulate_mov.c: the same for a MOV in 64-bit mode that is as simple as most are; false:
 * it is none, nothing is done.  @ret: RESUME_GUEST, EXIT_TO_USER or -errno.  May sleep.
 */
bool x86_mov(struct vcpu *vcpu, gpa_t gpa, bool write, int *ret);
/* As a fast handler, with registers of the local APIC and devices that allow it. */
int x86_fast_mov(struct vcpu *vcpu, gpa_t gpa, bool write);
/*
 * Length of the instruction at RIP, 1..15; 0: could not be read (a fault was
 * queued if @may_sleep) or is not an instruction.
 */
int x86_insn_length(struct vcpu *vcpu, bool may_sleep);
/*
 * For a vendor whose hardware says which instruction has exited (@opcode, of @length
 * bytes, the first one lowest), but not where the next one begins: where, if those are
 * the bytes at @rip, so that it has no prefix; or 0: x86_insn_length() has to find out.
 * @cs_base, @cr3: as in x86_state.  Fast; in KVM_RUN.
 */
u64 x86_insn_next_expected(struct vcpu *vcpu, u64 rip, u64 cs_base, u64 cr3, u32 opcode,
			   int length);
void x86_emulate_free(struct vcpu *vcpu);

/* --- task.c --------------------------------------------------------------- */

/* What makes a CPU switch tasks. */
enum x86_task_source { X86_TASK_CALL, X86_TASK_IRET, X86_TASK_JMP, X86_TASK_GATE };

/*
 * Carry out a task switch that the CPU has found allowed, to the TSS of @selector;
 * exit.next_rip is where the instruction ends, if it was one.  An event that was being
 * delivered through the gate is events.injected.  As a handler: RESUME_GUEST,
 * EXIT_TO_USER.  May sleep; srcu held.
 */
int x86_task_switch(struct vcpu *vcpu, u16 selector, enum x86_task_source source);

/* --- regs.c --------------------------------------------------------------- */

int x86_ioctl_get_regs(struct vcpu *vcpu, struct kvm_regs *regs);
int x86_ioctl_set_regs(struct vcpu *vcpu, const struct kvm_regs *regs);
int x86_ioctl_get_sregs(struct vcpu *vcpu, struct kvm_sregs *sregs);
int x86_ioctl_set_sregs(struct vcpu *vcpu, const struct kvm_sregs *sregs);
int x86_ioctl_get_debugregs(struct vcpu *vcpu, struct kvm_debugregs *regs);
int x86_ioctl_set_debugregs(struct vcpu *vcpu, const struct kvm_debugregs *regs);
/* kvm_run fields that user space reads after every exit (if_flag, cr8, ...). */
void x86_run_fill(struct vcpu *vcpu);

/* --- fpu.c ----------------------------------------------------------------- */

int x86_fpu_create(struct vcpu *vcpu);
void x86_fpu_destroy(struct vcpu *vcpu);
void x86_fpu_reset(struct vcpu *vcpu, bool init);
/* Once per KVM_RUN, task context: guest state in the task's place, and back. */
void x86_fpu_run_begin(struct vcpu *vcpu);
void x86_fpu_run_end(struct vcpu *vcpu);
/* XMM register @reg, 16 bytes; between run_begin and run_end, irqs on. 0 or -EINVAL. */
int x86_xmm_read(struct vcpu *vcpu, int reg, void *data16);
int x86_xmm_write(struct vcpu *vcpu, int reg, const void *data16);
/* Bytes of KVM_GET_XSAVE2 and KVM_SET_XSAVE; at least 4096. */
u32 x86_fpu_xsave_size(void);
int x86_ioctl_get_fpu(struct vcpu *vcpu, struct kvm_fpu *fpu);
int x86_ioctl_set_fpu(struct vcpu *vcpu, const struct kvm_fpu *fpu);
int x86_ioctl_get_xsave(struct vcpu *vcpu, void __user *user, u32 size);
int x86_ioctl_set_xsave(struct vcpu *vcpu, const void __user *user);
int x86_ioctl_get_xcrs(struct vcpu *vcpu, struct kvm_xcrs *xcrs);
int x86_ioctl_set_xcrs(struct vcpu *vcpu, const struct kvm_xcrs *xcrs);

/* --- fw.c ------------------------------------------------------------------- */

/*
 * Carry out the hypercall in RAX and leave its result there; the caller skips.
 * x86_hypercall_fast(): irqs off; false: x86_hypercall() has to.
 */
void x86_hypercall(struct vcpu *vcpu);
bool x86_hypercall_fast(struct vcpu *vcpu);

/* --- lapic.c --------------------------------------------------------------- */

int lapic_create(struct vcpu *vcpu);
void lapic_destroy(struct vcpu *vcpu);
void lapic_reset(struct vcpu *vcpu, bool init);
/* Highest vector that can be taken at the current priority, or -1. Any context. */
int lapic_interrupt(struct vcpu *vcpu);
/* Move it from IRR to ISR. vcpu->mutex held, irqs off. */
void lapic_accept(struct vcpu *vcpu, int vector);
/* LINT0 set to ExtINT (or no enabled LAPIC): the PIC may interrupt this vCPU. */
bool lapic_accepts_pic(struct vcpu *vcpu);
void lapic_eoi(struct vcpu *vcpu);		/* fast allowed */
/* An EOI that the hardware has carried out, and that an IOAPIC may wait for; fast. */
void lapic_eoi_exit(struct vcpu *vcpu, u8 vector);
u8 lapic_eoi_vector(struct vcpu *vcpu);		/* what REQ_IOAPIC_EOI is about */
int lapic_base_write(struct vcpu *vcpu, u64 value, bool host);
int lapic_msr_read(struct vcpu *vcpu, u32 msr, u64 *value);	/* x2APIC; fast */
int lapic_msr_write(struct vcpu *vcpu, u32 msr, u64 value);	/* x2APIC; fast */
u64 lapic_deadline_read(struct vcpu *vcpu);
void lapic_deadline_write(struct vcpu *vcpu, u64 tsc);		/* fast */
u64 lapic_cr8(struct vcpu *vcpu);
void lapic_set_cr8(struct vcpu *vcpu, u64 cr8);
/* The hardware has forgotten what it was told: the next sync_to_hw does again.  Owner. */
void lapic_retell(struct vcpu *vcpu);
/* Deliver by destination; >0 targets, 0 coalesced, -1 nobody. Atomic, irq_srcu. */
struct lapic_message {
	u32	dest;
	u8	vector;
	u8	mode;			/* APIC_DM_* >> 8 */
	bool	logical;
	bool	level;			/* trigger mode: level */
	bool	assert;
	u8	shorthand;		/* 0 none, 1 self, 2 all, 3 all but self */
	bool	lowest_priority;
};
int lapic_deliver(struct vm *vm, struct vcpu *source, const struct lapic_message *message);
/* Translate an MSI address and data. */
void lapic_message_from_msi(struct vm *vm, u64 address, u32 data, struct lapic_message *message);
void lapic_vcpu_load(struct vcpu *vcpu);	/* migrate the timer to this CPU */
/*
 * For a vendor whose deadline op returns true: the deadline has come (fast), and
 * the vCPU is about to halt, where the vendor's timer does not run.
 */
void lapic_deadline_expired(struct vcpu *vcpu);
void lapic_timer_block(struct vcpu *vcpu);
/*
 * xAPIC registers at this vCPU's IA32_APIC_BASE, wherever that is.  The emulator
 * asks before vcpu_mmio(), whose bus only knows the default base.  mutex held,
 * srcu held, may sleep; one access of at most 8 bytes.
 */
bool lapic_mmio_match(struct vcpu *vcpu, gpa_t gpa);
void lapic_mmio_read(struct vcpu *vcpu, gpa_t gpa, int len, void *data);
void lapic_mmio_write(struct vcpu *vcpu, gpa_t gpa, int len, const void *data);
static inline void lapic_mmio_access(struct vcpu *vcpu, gpa_t gpa, int len, void *data, bool write)
{
	if (write)
		lapic_mmio_write(vcpu, gpa, len, data);
	else
		lapic_mmio_read(vcpu, gpa, len, data);
}
int x86_ioctl_get_lapic(struct vcpu *vcpu, struct kvm_lapic_state *state);
int x86_ioctl_set_lapic(struct vcpu *vcpu, const struct kvm_lapic_state *state);
/* Tell LAPICs which vectors the IOAPIC wants EOIs of (REQ_SCAN_IOAPIC). */
void lapic_scan_ioapic(struct vcpu *vcpu);
void lapic_vm_destroy(struct vm *vm);

/* --- ioapic.c, pic.c, pit.c ------------------------------------------------- */

int ioapic_create(struct vm *vm);
void ioapic_destroy(struct vm *vm);
int ioapic_set_irq(struct vm *vm, u32 pin, int source, int level);	/* atomic */
void ioapic_eoi(struct vm *vm, struct vcpu *vcpu, u8 vector);	/* broadcast EOI; atomic */
bool ioapic_wants_eoi(struct vm *vm, u8 vector);
int ioapic_get(struct vm *vm, struct kvm_ioapic_state *state);
int ioapic_set(struct vm *vm, const struct kvm_ioapic_state *state);

int pic_create(struct vm *vm);
void pic_destroy(struct vm *vm);
int pic_set_irq(struct vm *vm, u32 pin, int source, int level);	/* atomic */
int pic_interrupt(struct vm *vm);		/* acknowledge: vector, or -1; atomic */
bool pic_pending(struct vm *vm);		/* its INT output; atomic */
int pic_get(struct vm *vm, u32 chip, struct kvm_pic_state *state);
int pic_set(struct vm *vm, u32 chip, const struct kvm_pic_state *state);

int pit_create(struct vm *vm, const struct kvm_pit_config *config);
void pit_destroy(struct vm *vm);
int pit_get(struct vm *vm, struct kvm_pit_state2 *state);
int pit_set(struct vm *vm, const struct kvm_pit_state2 *state);
void pit_reinject(struct vm *vm, bool on);

/* --- irqchip.c --------------------------------------------------------------- */

/* What to inject: a vector, or -1.  @accept: take it.  irqs off, mutex held. */
int x86_interrupt(struct vcpu *vcpu, bool accept);
int x86_split_irqchip(struct vm *vm, u32 reserved_pins);	/* vm->lock */
int x86_ioctl_get_irqchip(struct vm *vm, struct kvm_irqchip *chip);
int x86_ioctl_set_irqchip(struct vm *vm, const struct kvm_irqchip *chip);

/* --- host.c: every use of a host facility that may vanish or differ ----------- */

/* Facts about this host that do not change while the module is loaded. */
struct x86_host {
	u64	xcr0;			/* what the kernel runs with; 0: no XSAVE */
	u64	xss;
	u64	efer;
	u64	cr4;
	u64	xcr0_offered;		/* of xcr0, what a guest may have (no AMX, no MPX) */
	u32	tsc_khz;
	bool	has_pku;		/* the kernel switches PKRU */
	bool	virtual_apic;		/* the vendor's apic_virtual op may return true */
	bool	clear_for_mmio;		/* guests that reach devices want VERW; host.c */
};

extern struct x86_host x86_host;

/*
 * Learn the facts.  A vendor's setup() calls it first of all, then
 * x86_cpuid_setup().
 */
int x86_host_setup(void);
/* Interrupt @cpu so that it leaves the guest; any context. */
void x86_host_kick(int cpu);
void x86_host_teardown(void);
/*
 * A VM was made, the last step of a VM's end begins: may sleep.  Between the first
 * and the last one, kexec and panic call vcpu_ops.cpu_disable.
 */
void x86_host_vm_begin(void);
void x86_host_vm_end(void);
/* The host's wall-clock time and the host TSC at that time; false: it does not know. */
bool x86_host_time(u64 *tsc, struct timespec64 *real);
/* Another vCPU than the last one is about to run on this CPU: branch predictors. */
void x86_host_vcpu_switch(void);
/* The vCPU leaves this CPU, and user space may be next. */
void x86_host_vcpu_leave(void);
/* The part of the next one for a process that has an LDT, or had one just now. */
void x86_host_ldt_load(u16 selector);
/*
 * LDTR is as it was when the vCPU came to this CPU, @selector: make it what the
 * process has now.  Before user space or another task can be next; from put.
 */
static __always_inline void x86_host_ldt_reload(u16 selector)
{
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	if (unlikely(READ_ONCE(current->mm->context.ldt)))
		x86_host_ldt_load(selector);
#endif
}
void x86_host_machine_check(void);		/* a #MC ended the stay; irqs off */
/* Run the host's NMI handler for an NMI that ended the stay; irqs off. */
void x86_host_nmi(void);
/* A #AC that is not the guest's own: false if it is not for the host.  May sleep. */
bool x86_host_split_lock(u64 rip);
/* CR4.VMXE of this CPU, and whoever has to know of it.  irqs off. */
void x86_host_vmx_allow(bool on);
/*
 * VM exits leave GDT and TSS with limits of their own making: back to what the host
 * has, @gdt.  Before user space or another task can be next; from put.
 */
void x86_host_tables_reload(const struct desc_ptr *gdt);
/*
 * L1TF: between x86_host_l1d_setup() and _teardown(), is x86_host_l1d_flush() to be
 * called right before each entry?  @due: the host has run since the last one.
 * noinstr, irqs off.
 */
DECLARE_STATIC_KEY_FALSE(x86_host_l1d_flushes);
/* Not every kernel declares it: what sysfs says of this erratum. */
extern bool itlb_multihit_kvm_mitigation;
/*
 * Guests execute small pages only, or they do not.  Once per setup(), which tells what
 * was told before by _unreport() when it fails or is over.
 */
void x86_host_multihit_report(bool small);
void x86_host_multihit_unreport(void);
int x86_host_l1d_setup(void);
void x86_host_l1d_teardown(void);
void x86_host_l1d_flush(bool due);

#endif /* X86_X86_H */

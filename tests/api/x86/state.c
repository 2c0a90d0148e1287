// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing all the state of a vCPU, as a VMM does for a snapshot. */
#include <lib/kvm.h>

struct snapshot {
	struct kvm_regs		regs;
	struct kvm_sregs	sregs;
	struct kvm_fpu		fpu;
	struct kvm_xsave	xsave;
	struct kvm_xcrs		xcrs;
	struct kvm_vcpu_events	events;
	struct kvm_debugregs	debug;
	struct kvm_mp_state	mp_state;
	struct kvm_lapic_state	lapic;
};

static void save(struct vcpu *vcpu, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	xioctl(vcpu->fd, KVM_GET_MP_STATE, &s->mp_state);
	xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &s->events);
	xioctl(vcpu->fd, KVM_GET_REGS, &s->regs);
	xioctl(vcpu->fd, KVM_GET_SREGS, &s->sregs);
	xioctl(vcpu->fd, KVM_GET_FPU, &s->fpu);
	xioctl(vcpu->fd, KVM_GET_XSAVE, &s->xsave);
	xioctl(vcpu->fd, KVM_GET_XCRS, &s->xcrs);
	xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &s->debug);
	xioctl(vcpu->fd, KVM_GET_LAPIC, &s->lapic);
}

static void restore(struct vcpu *vcpu, struct snapshot *s)
{
	xioctl(vcpu->fd, KVM_SET_MP_STATE, &s->mp_state);
	xioctl(vcpu->fd, KVM_SET_REGS, &s->regs);
	xioctl(vcpu->fd, KVM_SET_SREGS, &s->sregs);
	xioctl(vcpu->fd, KVM_SET_XCRS, &s->xcrs);
	xioctl(vcpu->fd, KVM_SET_XSAVE, &s->xsave);
	xioctl(vcpu->fd, KVM_SET_DEBUGREGS, &s->debug);
	xioctl(vcpu->fd, KVM_SET_LAPIC, &s->lapic);
	xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &s->events);
}

/* Keeps a number in every register of interest and says if one has changed. */
extern void keep_registers(u64 seed);
asm(	".pushsection .text\n"
	"keep_registers:\n"
	"	lea 1(%rdi), %rax; lea 2(%rdi), %rbx; lea 3(%rdi), %rcx\n"
	"	lea 5(%rdi), %rbp; lea 8(%rdi), %r8; lea 9(%rdi), %r9; lea 10(%rdi), %r10\n"
	"	lea 11(%rdi), %r11; lea 12(%rdi), %r12; lea 13(%rdi), %r13\n"
	"	lea 14(%rdi), %r14; lea 15(%rdi), %r15\n"
	"	mov %rdi, 0x20000\n"
	"	mov %rdi, %rsi; add $6, %rsi; mov %rdi, %rdx; add $4, %rdx\n"
	"	movq %rdi, %xmm0; movq %rax, %xmm7; movq %r15, %xmm15\n"
	/* Ask: a port that is no say. */
	"	out %al, $0x99\n"
	"	sub %rdi, %rax; sub %rdi, %rbx; sub %rdi, %rcx; sub %rdi, %rdx\n"
	"	sub %rdi, %rsi; sub %rdi, %rbp; sub %rdi, %r8; sub %rdi, %r9\n"
	"	sub %rdi, %r10; sub %rdi, %r11; sub %rdi, %r12; sub %rdi, %r13\n"
	"	sub %rdi, %r14; sub %rdi, %r15\n"
	"	add %rbx, %rax; add %rcx, %rax; add %rdx, %rax; add %rsi, %rax\n"
	"	add %rbp, %rax; add %r8, %rax; add %r9, %rax; add %r10, %rax\n"
	"	add %r11, %rax; add %r12, %rax; add %r13, %rax; add %r14, %rax\n"
	"	add %r15, %rax\n"
	"	movq %xmm0, %rbx; sub %rdi, %rbx; add %rbx, %rax\n"
	"	movq %xmm7, %rbx; sub %rdi, %rbx; add %rbx, %rax\n"
	"	movq %xmm15, %rbx; sub %rdi, %rbx; add %rbx, %rax\n"
	"	mov %rax, %rsi; mov $0x5a0, %edi; xor %edx, %edx; xor %ecx, %ecx\n"
	"	out %al, $0xe1\n"
	".popsection\n");
/* 1+2+3+4+6+5+8+..+15, and xmm0, xmm7, xmm15: 0 + 1 + 15 */
#define KEPT	(21 + 92 + 16)

static void run_to_port(struct vcpu *vcpu)
{
	if (vcpu_run(vcpu) || vcpu->run->exit_reason != KVM_EXIT_IO ||
	    vcpu->run->io.port != 0x99) {
		vcpu_describe(vcpu);
		bail("the guest did not come to its port");
	}
	/* Complete the access, as a VMM does before it reads registers. */
	vcpu->run->immediate_exit = 1;
	if (vcpu_run(vcpu) != -EINTR)
		bail("no EINTR");
	vcpu->run->immediate_exit = 0;
}

TEST(state)
{
	struct snapshot a, b;
	struct vm *vm = vm_create(VM_IRQCHIP), *other;
	struct vcpu *vcpu = vcpu_create(vm, keep_registers, 0x1000000), *twin;

	run_to_port(vcpu);
	save(vcpu, &a);
	report(a.regs.rax == 0x1000001 && a.regs.r15 == 0x100000f, "the registers can be read");
	report(a.fpu.xmm[7][0] == 1 && *(u32 *)a.fpu.xmm[15] == 0x100000f, "so can XMM (%x)",
	       *(u32 *)a.fpu.xmm[15]);

	/* Everything written back as it was changes nothing. */
	restore(vcpu, &a);
	save(vcpu, &b);
	report(!memcmp(&a.regs, &b.regs, sizeof(a.regs)), "REGS are the same again");
	report(!memcmp(&a.sregs, &b.sregs, sizeof(a.sregs)), "SREGS");
	report(!memcmp(&a.xsave, &b.xsave, sizeof(a.xsave)), "XSAVE");
	report(!memcmp(&a.xcrs, &b.xcrs, sizeof(a.xcrs)), "XCRS");
	report(!memcmp(&a.debug, &b.debug, sizeof(a.debug)), "DEBUGREGS");
	report(!memcmp(&a.mp_state, &b.mp_state, sizeof(a.mp_state)), "MP_STATE");
	report(!memcmp(&a.lapic, &b.lapic, sizeof(a.lapic)), "LAPIC");
	report(!memcmp(&a.events, &b.events, sizeof(a.events)), "VCPU_EVENTS");
	report(vcpu_run_said(vcpu) == KEPT, "and the guest goes on");

	/* The same on another VM: the guest goes on there. */
	other = vm_create(VM_IRQCHIP);
	twin = vcpu_create_bare(other, 0);
	xioctl(twin->fd, KVM_SET_CPUID2, x86_supported_cpuid(0));
	memcpy(other->ram, vm->ram, VM_RAM_SIZE);
	restore(twin, &a);
	report(vcpu_run_said(twin) == KEPT, "a VM made from the snapshot goes on as well");
	vm_destroy(other);
	vm_destroy(vm);
}

/* --- invalid state ------------------------------------------------------------------ */

static void guest_hello(u64 argument)
{
	guest_say(argument);
	guest_done();
}

static struct vcpu *bad_vcpu;

static void refuse_sregs(const char *what, void (*spoil)(struct kvm_sregs *sregs))
{
	struct kvm_sregs before, after, bad;

	xioctl(bad_vcpu->fd, KVM_GET_SREGS, &before);
	bad = before;
	spoil(&bad);
	report_errno(ioctl(bad_vcpu->fd, KVM_SET_SREGS, &bad), EINVAL, "%s", what);
	xioctl(bad_vcpu->fd, KVM_GET_SREGS, &after);
	report(!memcmp(&before, &after, sizeof(before)), "... and nothing has changed");
}

static void spoil_cr4(struct kvm_sregs *sregs)
{
	sregs->cr4 |= BIT(40);
}

static void spoil_efer(struct kvm_sregs *sregs)
{
	sregs->efer |= BIT(40);
}

static void spoil_long(struct kvm_sregs *sregs)
{
	sregs->cr4 &= ~BIT(5);		/* long mode without PAE */
}

static void spoil_cr0(struct kvm_sregs *sregs)
{
	sregs->cr0 |= BIT(40);
}

static void spoil_base(struct kvm_sregs *sregs)
{
	sregs->apic_base |= BIT(60);
}

TEST(state_invalid)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_debugregs debug;
	struct kvm_mp_state mp_state = { .mp_state = 77 };
	struct kvm_vcpu_events events;
	struct kvm_xsave *xsave = calloc(1, sizeof(*xsave));
	struct kvm_xcrs xcrs;

	bad_vcpu = vcpu_create(vm, guest_hello, 8);
	refuse_sregs("CR4 with a reserved bit", spoil_cr4);
	if (!in_tree())
		refuse_sregs("EFER with a reserved bit", spoil_efer);
	refuse_sregs("long mode without PAE", spoil_long);
	refuse_sregs("CR0 with a bit above 31", spoil_cr0);
	refuse_sregs("APIC_BASE with a reserved bit", spoil_base);
	report_errno(ioctl(bad_vcpu->fd, KVM_SET_MP_STATE, &mp_state), EINVAL, "an unknown MP state");
	xioctl(bad_vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	events.exception.injected = 1;
	events.exception.nr = 2;
	report_errno(ioctl(bad_vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL,
		     "vector 2 is no exception");
	events.exception.injected = 0;
	events.flags = BIT(31);
	report_errno(ioctl(bad_vcpu->fd, KVM_SET_VCPU_EVENTS, &events), EINVAL, "unknown flags");
	xioctl(bad_vcpu->fd, KVM_GET_DEBUGREGS, &debug);
	debug.dr7 |= BIT(40);
	report_errno(ioctl(bad_vcpu->fd, KVM_SET_DEBUGREGS, &debug), EINVAL, "DR7 above 31");
	xioctl(bad_vcpu->fd, KVM_GET_XSAVE, xsave);
	xsave->region[6] = ~0u;		/* MXCSR */
	ioctl(bad_vcpu->fd, KVM_SET_XSAVE, xsave);
	xioctl(bad_vcpu->fd, KVM_GET_XSAVE, xsave);
	report(!(xsave->region[6] >> 18), "MXCSR with reserved bits is refused, or loses them");
	xsave->region[129] |= 0x80000000;	/* a component that does not exist */
	report_errno(ioctl(bad_vcpu->fd, KVM_SET_XSAVE, xsave), EINVAL, "an unknown XSAVE component");
	xioctl(bad_vcpu->fd, KVM_GET_XCRS, &xcrs);
	xcrs.xcrs[0].value = 0;
	report_errno(ioctl(bad_vcpu->fd, KVM_SET_XCRS, &xcrs), EINVAL, "XCR0 without x87");
	report(vcpu_run_said(bad_vcpu) == 8, "after all of that the guest runs");
	vm_destroy(vm);
}

/* --- AVX ------------------------------------------------------------------------------- */

static u8 vectors[3][32] __attribute__((aligned(32)));

static void guest_avx(u64 argument)
{
	u32 i;

	write_cr4(read_cr4() | BIT(18));
	asm volatile("xsetbv" : : "c"(0), "a"(7), "d"(0));
	for (i = 0; i < 32; i++)
		vectors[0][i] = argument + i;
	asm volatile("vmovdqa %0, %%ymm3" : : "m"(vectors[0]));
	for (;;) {
		guest_say(0);
		asm volatile("vmovdqa %%ymm3, %0" : "=m"(vectors[1]));
		asm volatile("vpxor %%ymm3, %%ymm3, %%ymm3; vmovdqa %0, %%ymm3"
			     : : "m"(vectors[1]));
	}
}

static bool ymm_is(struct vm *vm, u8 first)
{
	u32 i;

	for (i = 0; i < 32; i++)
		if (guest_var(vm, vectors)[1][i] != (u8)(first + i))
			return false;

	return true;
}

TEST(state_avx)
{
	struct kvm_cpuid2 *cpuid = x86_supported_cpuid(0);
	struct kvm_xsave *xsave = calloc(1, sizeof(*xsave)), *again = calloc(1, sizeof(*again));
	struct vcpu *vcpu, *second;
	struct kvm_xcrs xcrs;
	bool has_avx = false;
	struct vm *vm;
	u8 *upper;
	u32 i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			has_avx = cpuid->entries[i].ecx & BIT(28);
	if (!has_avx)
		skip("no AVX here");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_avx, 0x30);
	vcpu_run_said(vcpu);
	vcpu_run_said(vcpu);
	report(ymm_is(vm, 0x30), "YMM survives exits");
	xioctl(vcpu->fd, KVM_GET_XCRS, &xcrs);
	report(xcrs.nr_xcrs == 1 && xcrs.xcrs[0].value == 7, "XCR0 is what the guest set");

	xioctl(vcpu->fd, KVM_GET_XSAVE, xsave);
	upper = (u8 *)xsave->region + 576 + 3 * 16;	/* the standard format's place */
	report(xsave->region[128] & 4 && upper[0] == 0x40 && upper[15] == 0x4f &&
	       *((u8 *)xsave->region + 160 + 3 * 16) == 0x30, "KVM_GET_XSAVE has all of YMM3");
	memset(upper, 0xee, 16);
	xioctl(vcpu->fd, KVM_SET_XSAVE, xsave);
	xioctl(vcpu->fd, KVM_GET_XSAVE, again);
	report(!memcmp(xsave, again, sizeof(*xsave)), "and takes it back");
	vcpu_run_said(vcpu);
	report(guest_var(vm, vectors)[1][16] == 0xee && guest_var(vm, vectors)[1][0] == 0x30,
	       "the guest sees the change");

	/* Two vCPUs of one thread do not mix. */
	second = vcpu_create(vm, guest_avx, 0x70);
	vcpu_run_said(second);
	vcpu_run_said(vcpu);
	report(guest_var(vm, vectors)[1][16] == 0xee, "another vCPU has its own");
	vcpu_run_said(second);
	report(ymm_is(vm, 0x70), "and keeps it");
	vm_destroy(vm);
}

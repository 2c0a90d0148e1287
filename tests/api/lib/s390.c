// SPDX-License-Identifier: GPL-2.0-only
/* s390: see s390.h. */
#include <lib/kvm.h>

/* --- guest side: interruptions -------------------------------------------- */

guest_handler guest_handlers[256], guest_int_handlers[6];
volatile uint64_t guest_trap_value, guest_trap_pc, guest_irq_count;
struct guest_frame guest_problem_frame;

/*
 * The new PSWs lead here, with DAT off.  The stack goes on where it was, unless that is
 * a program's in problem state.  A frame is struct guest_frame.
 */
asm(	".pushsection .text\n"
	".macro guest_entry name, psw, type\n"
	"	.balign 8\n"
	"	.globl \\name\n"
	"\\name:\n"
	"	stmg %r0,%r15,0x200\n"
	"	tm \\psw+1,0x01\n"
	"	jz 1f\n"
	"	lg %r15,0x288\n"
	"1:	aghi %r15,-320\n"
	"	mvc 160(128,%r15),0x200\n"
	"	mvc 288(16,%r15),\\psw\n"
	"	mvghi 304(%r15),\\type\n"
	"	j guest_entry_common\n"
	".endm\n"
	"	guest_entry guest_external_entry, 0x130, 1\n"
	"	guest_entry guest_svc_entry, 0x140, 2\n"
	"	guest_entry guest_program_entry, 0x150, 3\n"
	"	guest_entry guest_machine_check_entry, 0x160, 4\n"
	"	guest_entry guest_io_entry, 0x170, 5\n"
	"	.balign 8\n"
	"guest_entry_common:\n"
	"	la %r2,160(%r15)\n"
	"	brasl %r14,guest_interrupt\n"
	"	mvc 0x290(16,%r0),288(%r15)\n"
	"	lmg %r0,%r15,160(%r15)\n"
	"	lpswe 0x290\n"
	/* A CPU that SIGP restarts: what it is to do is in its lowcore. */
	"	.balign 8\n"
	"	.globl guest_restart_entry\n"
	"guest_restart_entry:\n"
	"	lg %r15,0x2a0\n"
	"	lg %r1,0x2a8\n"
	"	lg %r2,0x2b0\n"
	"	basr %r14,%r1\n"
	"1:	j 1b\n"
	/* uint64_t guest_problem_enter(struct psw *psw, argument) */
	"	.balign 8\n"
	"	.globl guest_problem_enter\n"
	"guest_problem_enter:\n"
	"	stmg %r6,%r15,48(%r15)\n"
	"	aghi %r15,-160\n"
	"	stg %r15,0x288\n"
	"	mvc 0x290(16,%r0),0(%r2)\n"
	"	lgr %r2,%r3\n"
	"	lpswe 0x290\n"
	"	.globl guest_problem_end\n"
	"guest_problem_end:\n"
	"	lg %r15,0x288\n"
	"	aghi %r15,160\n"
	"	lmg %r6,%r15,48(%r15)\n"
	"	br %r14\n"
	".popsection\n");
_Static_assert(sizeof(struct guest_frame) == 152 && LC_SAVE == 0x200 &&
	       LC_PROBLEM_STACK == 0x288 && LC_RETURN_PSW == 0x290 && LC_START_STACK == 0x2a0 &&
	       LC_OLD_PSW(INT_IO) == 0x170, "the assembler's numbers");
extern char guest_external_entry[], guest_svc_entry[], guest_program_entry[];
extern char guest_machine_check_entry[], guest_io_entry[], guest_restart_entry[];
extern char guest_problem_end[];
uint64_t guest_problem_enter(const uint64_t *psw, uint64_t argument);

uint64_t guest_problem(uint64_t mask, uint64_t addr, uint64_t argument)
{
	uint64_t psw[2] = { mask, addr };

	return guest_problem_enter(psw, argument);
}

/* It is over: back to who called guest_problem(). */
static void guest_leave_problem(struct guest_frame *frame, uint64_t code)
{
	guest_problem_frame = *frame;
	guest_trap_value = guest_read64(LC_TRANSLATION_CODE);
	guest_trap_pc = frame->addr;
	frame->mask = PSW_64;
	frame->addr = (uint64_t)guest_problem_end;
	frame->gpr[2] = code;
}

/* What would be MMIO elsewhere.  The old PSW is behind the instruction already. */
static void guest_absent(struct guest_frame *frame)
{
	guest_say4(SAY_ABSENT, frame->addr, 0, 0);
}

static guest_handler guest_find_handler(struct guest_frame *frame, uint64_t code)
{
	if (frame->type != INT_PROGRAM)
		return guest_int_handlers[frame->type];
	if (!guest_handlers[code & 0xff] && code == PGM_ADDRESSING)
		return guest_absent;

	return guest_handlers[code & 0xff];
}

__attribute__((used)) void guest_interrupt(struct guest_frame *frame);

__attribute__((used)) void guest_interrupt(struct guest_frame *frame)
{
	uint64_t code = guest_read16(LC_PROGRAM_CODE);
	guest_handler handler;

	if ((frame->mask & PSW_PROBLEM) &&
	    (frame->type == INT_PROGRAM || frame->type == INT_SVC)) {
		guest_leave_problem(frame, frame->type == INT_PROGRAM ? code :
				    PROBLEM_SVC + guest_read16(LC_SVC_CODE));
		return;
	}
	handler = guest_find_handler(frame, code);
	if (!handler) {
		guest_say4(SAY_TRAP, frame->type << 16 | code, guest_read64(LC_TRANSLATION_CODE),
			   frame->addr);
		for (;;)
			;
	}
	/* Whoever waited has what it waited for. */
	if (frame->type != INT_PROGRAM)
		frame->mask &= ~PSW_WAIT;
	handler(frame);
}

/* GUEST_TRY() left the place to go on in r1 and hears the code in r0. */
static void guest_catch_handler(struct guest_frame *frame)
{
	guest_trap_value = guest_read64(LC_TRANSLATION_CODE);
	guest_trap_pc = frame->addr;
	frame->gpr[0] = guest_read16(LC_PROGRAM_CODE);
	frame->addr = frame->gpr[1];
}

void guest_catch(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		guest_handlers[i] = guest_catch_handler;
}

void guest_open(uint64_t mask)
{
	uint8_t old;

	if (mask & PSW_IO)
		asm volatile("stosm %0,0x02\n\tnopr %%r7" : "=Q"(old) : : "memory");
	if (mask & PSW_EXTERNAL)
		asm volatile("stosm %0,0x01\n\tnopr %%r7" : "=Q"(old) : : "memory");
	asm volatile("stnsm %0,0xfc" : "=Q"(old) : : "memory");
}

void guest_wait(uint64_t mask)
{
	uint64_t psw[2] = { mask | PSW_WAIT | PSW_64 };

	asm volatile("larl %%r1,1f\n"
		     "	stg %%r1,8(%[psw])\n"
		     "	lpswe 0(%[psw])\n"
		     "1:	stnsm 8(%[psw]),0xfc"
		     : : [psw] "a"(psw) : "1", "cc", "memory");
}

/* --- guest side: SIGP and adapters ----------------------------------------- */

int guest_sigp(uint16_t cpu, uint8_t order, uint64_t parameter, uint32_t *status)
{
	register uint64_t r2 asm("2") = 0;
	register uint64_t r3 asm("3") = parameter;
	int cc;

	asm volatile("sigp %[status],%[cpu],0(%[order])\n"
		     "	ipm %[cc]\n"
		     "	srl %[cc],28"
		     : [cc] "=d"(cc), [status] "+d"(r2)
		     : "d"(r3), [cpu] "d"((uint64_t)cpu), [order] "a"((uint64_t)order)
		     : "cc", "memory");
	if (status)
		*status = r2;

	return cc;
}

int guest_cpu_start(uint16_t cpu, void (*entry)(uint64_t), uint64_t argument)
{
	uint64_t lowcore = S390_LOWCORE(cpu);
	uint32_t status;
	int cc;

	guest_write64(lowcore + LC_START_STACK, S390_STACK(cpu));
	guest_write64(lowcore + LC_START_ENTRY, (uint64_t)entry);
	guest_write64(lowcore + LC_START_ARGUMENT, argument);
	do {
		cc = guest_sigp(cpu, SIGP_RESTART, 0, &status);
	} while (cc == 2);

	return cc;
}

static void guest_irq_handler(struct guest_frame *frame)
{
	/* First: who finds it set leaves it at that, and the rest is found here. */
	guest_write64(S390_SUMMARY, 0);
	asm volatile("bcr 15,%%r0" : : : "memory");
	if (guest_read64(S390_INDICATORS)) {
		guest_write64(S390_INDICATORS, 0);
		guest_irq_count++;
	}
}

void guest_irq_setup(void)
{
	guest_int_handlers[INT_IO] = guest_irq_handler;
	control_write(6, CR6_ISC(S390_ISC));
}

/* --- host side: VMs ---------------------------------------------------------- */

static void lowcore_setup(u8 *lowcore)
{
	static char *const entries[] = {
		[INT_RESTART] = guest_restart_entry, [INT_EXTERNAL] = guest_external_entry,
		[INT_SVC] = guest_svc_entry, [INT_PROGRAM] = guest_program_entry,
		[INT_MACHINE_CHECK] = guest_machine_check_entry, [INT_IO] = guest_io_entry,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		*(u64 *)(lowcore + LC_NEW_PSW(i)) = PSW_64;
		*(u64 *)(lowcore + LC_NEW_PSW(i) + 8) = (u64)entries[i];
	}
}

void arch_vm_setup(struct vm *vm)
{
	int cpu;

	for (cpu = 0; cpu < VM_VCPUS_MAX; cpu++)
		lowcore_setup(vm->ram + S390_LOWCORE(cpu));
}

/* The FLIC is there with or without what routes interrupts to it. */
int arch_create_irqchip(int vm_fd, int *device_fd)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_FLIC };
	struct kvm_enable_cap cap = { .cap = KVM_CAP_S390_IRQCHIP };
	int result;

	*device_fd = -1;
	result = ioctl(vm_fd, KVM_ENABLE_CAP, &cap);
	if (!result)
		result = ioctl(vm_fd, KVM_CREATE_IRQCHIP, 0);
	if (!result)
		result = ioctl(vm_fd, KVM_CREATE_DEVICE, &device);
	if (!result)
		*device_fd = device.fd;

	return result;
}

int s390_flic(struct vm *vm, unsigned long cmd, uint32_t group, uint64_t attribute, void *data)
{
	struct kvm_device_attr attr = { .group = group, .attr = attribute, .addr = (u64)data };

	return ioctl(vm->irqchip_fd, cmd, &attr);
}

/* An adapter, and the line that is its. */
void arch_vm_irqchip(struct vm *vm)
{
	struct kvm_s390_io_adapter adapter = {
		.id = S390_ADAPTER, .isc = S390_ISC, .maskable = 1, .swap = 1,
	};
	struct {
		struct kvm_irq_routing		head;
		struct kvm_irq_routing_entry	entry;
	} routes = {
		.head.nr = 1,
		.entry = { .gsi = GUEST_IRQ_LINE, ARCH_ROUTE_LINE(0) },
	};

	if (arch_create_irqchip(vm->fd, &vm->irqchip_fd))
		bail("cannot create the FLIC: %s", strerror(errno));
	if (s390_flic(vm, KVM_SET_DEVICE_ATTR, KVM_DEV_FLIC_ADAPTER_REGISTER, 0, &adapter))
		bail("cannot register an adapter: %s", strerror(errno));
	xioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes);
}

void arch_irqfd_wait(struct vm *vm)
{
	static struct kvm_s390_irq list[4];
	int i;

	for (i = 0; i < 200; i++) {
		/* Its group is the room for them. */
		if (s390_flic(vm, KVM_GET_DEVICE_ATTR, KVM_DEV_FLIC_GET_ALL_IRQS, sizeof(list),
			      list))
			return;
		sleep_ms(10);
	}
}

void arch_vm_start(struct vm *vm)
{
}

/* --- host side: vCPUs --------------------------------------------------------- */

struct kvm_sync_regs *s390_regs(struct vcpu *vcpu, uint64_t fields)
{
	vcpu->run->kvm_dirty_regs |= fields;

	return &vcpu->run->s.regs;
}

void s390_set_mp_state(struct vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp_state = { .mp_state = state };

	xioctl(vcpu->fd, KVM_SET_MP_STATE, &mp_state);
}

uint32_t s390_mp_state(struct vcpu *vcpu)
{
	struct kvm_mp_state mp_state = { };

	xioctl(vcpu->fd, KVM_GET_MP_STATE, &mp_state);

	return mp_state.mp_state;
}

void arch_vcpu_setup(struct vcpu *vcpu, void (*entry)(u64), u64 argument)
{
	struct kvm_sync_regs *regs;

	xioctl(vcpu->fd, KVM_S390_INITIAL_RESET, 0);
	regs = s390_regs(vcpu, KVM_SYNC_PREFIX | KVM_SYNC_GPRS | KVM_SYNC_CRS);
	memset(regs->gprs, 0, sizeof(regs->gprs));
	memset(regs->crs, 0, sizeof(regs->crs));
	regs->gprs[2] = argument;
	regs->gprs[15] = S390_STACK(vcpu->id);
	regs->crs[0] = CR0_RESET;
	regs->crs[14] = CR14_RESET;
	regs->prefix = S390_LOWCORE(vcpu->id);
	vcpu->run->psw_mask = PSW_64;
	vcpu->run->psw_addr = (u64)entry;
	s390_set_mp_state(vcpu, KVM_MP_STATE_OPERATING);
}

bool s390_is_intercept(struct vcpu *vcpu, uint8_t code)
{
	struct kvm_run *run = vcpu->run;

	return run->exit_reason == KVM_EXIT_S390_SIEIC && run->s390_sieic.icptcode == code;
}

bool s390_is_instruction(struct vcpu *vcpu, uint16_t opcode)
{
	u16 ipa = vcpu->run->s390_sieic.ipa;

	return s390_is_intercept(vcpu, 4) && (opcode > 0xff ? ipa == opcode : ipa >> 8 == opcode);
}

uint64_t s390_operand_address(struct vcpu *vcpu)
{
	u32 ipb = vcpu->run->s390_sieic.ipb, base = ipb >> 28;

	return (base ? vcpu->run->s.regs.gprs[base] : 0) + (ipb >> 16 & 0xfff);
}

void s390_set_cc(struct vcpu *vcpu, unsigned int cc)
{
	vcpu->run->psw_mask = (vcpu->run->psw_mask & ~PSW_CC(3)) | PSW_CC(cc);
}

static bool is_say(struct vcpu *vcpu)
{
	return s390_is_instruction(vcpu, 0x8324) && s390_operand_address(vcpu) == S390_DIAG_SAY;
}

bool arch_vcpu_said(struct vcpu *vcpu, struct said *said)
{
	const __u64 *gprs = vcpu->run->s.regs.gprs;

	if (!is_say(vcpu) || gprs[2] == SAY_ABSENT)
		return false;
	*said = (struct said) { gprs[2], gprs[3], gprs[4], gprs[5] };

	return true;
}

bool arch_vcpu_absent(struct vcpu *vcpu)
{
	return is_say(vcpu) && vcpu->run->s.regs.gprs[2] == SAY_ABSENT;
}

int s390_guest_debug(void)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE };
	struct vm *vm = vm_create(VM_BARE);
	int fd = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	int ret = ioctl(fd, KVM_SET_GUEST_DEBUG, &debug);

	close(fd);
	vm_destroy(vm);

	/* The last one is "exit pending", which no header says. */
	return ret ? 0 : KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
			 KVM_GUESTDBG_USE_HW_BP | 0x10000000;
}

int s390_inject(struct vcpu *vcpu, const struct kvm_s390_irq *irq)
{
	return ioctl(vcpu->fd, KVM_S390_IRQ, irq);
}

int s390_inject_floating(struct vm *vm, const struct kvm_s390_irq *irq)
{
	return s390_flic(vm, KVM_SET_DEVICE_ATTR, KVM_DEV_FLIC_ENQUEUE, sizeof(*irq),
			 (void *)irq);
}

int s390_vm_attr(struct vm *vm, unsigned long cmd, uint32_t group, uint64_t attribute,
		 void *data)
{
	struct kvm_device_attr attr = { .group = group, .attr = attribute, .addr = (u64)data };

	return ioctl(vm->fd, cmd, &attr);
}

void arch_vcpu_describe(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	const __u64 *gprs = run->s.regs.gprs, *crs = run->s.regs.crs;
	int i;

	if (run->exit_reason == KVM_EXIT_S390_SIEIC)
		note("  interception 0x%x ipa 0x%x ipb 0x%x", run->s390_sieic.icptcode,
		     run->s390_sieic.ipa, run->s390_sieic.ipb);
	note("  PSW 0x%016llx 0x%llx prefix 0x%llx", (unsigned long long)run->psw_mask,
	     (unsigned long long)run->psw_addr, (unsigned long long)run->s.regs.prefix);
	for (i = 0; i < 16; i += 4)
		note("  r%d 0x%llx 0x%llx 0x%llx 0x%llx", i, (unsigned long long)gprs[i],
		     (unsigned long long)gprs[i + 1], (unsigned long long)gprs[i + 2],
		     (unsigned long long)gprs[i + 3]);
	note("  cr0 0x%llx cr1 0x%llx cr6 0x%llx cr13 0x%llx", (unsigned long long)crs[0],
	     (unsigned long long)crs[1], (unsigned long long)crs[6], (unsigned long long)crs[13]);
}

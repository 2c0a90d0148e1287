/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * s390: a guest in z/Architecture mode, in supervisor state with DAT off, and what its
 * code wants: program, external and I/O interruptions, SIGP, storage keys, DAT.
 *
 * Low memory of the guest:
 *	0x0	lowcore of CPU 0	0x80000	 a segment table, then page tables
 *	0x10000	8 KiB per other CPU	0x100000 stacks, 16 KiB per CPU, growing down
 *	0x30000	free, up to 0x80000	0x400000 the image of the test program
 *
 * There is no MMIO.  A guest that touches what is no memory has an addressing exception;
 * the handler here tells the host, and goes on behind the instruction.
 */
#ifndef LIB_S390_H
#define LIB_S390_H

#include <stdbool.h>
#include <stdint.h>

#define S390_LOWCORE_SIZE	0x2000UL
#define S390_LOWCORE(cpu)	((cpu) ? 0x10000UL + (cpu) * S390_LOWCORE_SIZE : 0UL)
#define S390_GPA_LOW		0x30000UL
#define S390_GPA_TABLES		0x80000UL
#define S390_GPA_STACKS		0x100000UL
#define S390_STACK_SIZE		0x4000UL
#define S390_STACK_FRAME	160UL
#define S390_STACK(cpu)		(S390_GPA_STACKS + ((cpu) + 1UL) * S390_STACK_SIZE - S390_STACK_FRAME)

/* Assigned storage locations. */
#define LC_EXTERNAL_PARAMETER	0x80
#define LC_EXTERNAL_CPU		0x84
#define LC_EXTERNAL_CODE	0x86
#define LC_SVC_CODE		0x8a
#define LC_PROGRAM_ILC		0x8c
#define LC_PROGRAM_CODE		0x8e
#define LC_EXCEPTION_ACCESS_ID	0xa0
#define LC_TRANSLATION_CODE	0xa8
#define LC_SUBCHANNEL_ID	0xb8
#define LC_SUBCHANNEL_NUMBER	0xba
#define LC_IO_PARAMETER		0xbc
#define LC_IO_WORD		0xc0
#define LC_STFL			0xc8
#define LC_MACHINE_CHECK_CODE	0xe8
#define LC_OLD_PSW(type)	(0x120 + (type) * 16)
#define LC_NEW_PSW(type)	(0x1a0 + (type) * 16)
#define LC_EXTERNAL_PARAMETER2	0x11b8
/* Free for the program: entry.S below. */
#define LC_SAVE			0x200
#define LC_PROBLEM_STACK	0x288
#define LC_RETURN_PSW		0x290
#define LC_START_STACK		0x2a0
#define LC_START_ENTRY		0x2a8
#define LC_START_ARGUMENT	0x2b0

/* Kinds of interruptions, in the order of their PSWs. */
enum { INT_RESTART, INT_EXTERNAL, INT_SVC, INT_PROGRAM, INT_MACHINE_CHECK, INT_IO };

/* Program-interruption codes. */
enum {
	PGM_OPERATION = 1, PGM_PRIVILEGED, PGM_EXECUTE, PGM_PROTECTION, PGM_ADDRESSING,
	PGM_SPECIFICATION, PGM_DATA,
	PGM_SEGMENT = 0x10, PGM_PAGE, PGM_TRANSLATION_SPECIFICATION, PGM_SPECIAL_OPERATION,
	PGM_OPERAND = 0x15,
	PGM_ALET_SPECIFICATION = 0x28,
	PGM_ASCE_TYPE = 0x38,
	PGM_NONE = 0x1000,	/* what no interruption is called below */
};

/* External-interruption codes. */
#define EXT_CLOCK_COMPARATOR	0x1004
#define EXT_CPU_TIMER		0x1005
#define EXT_EMERGENCY		0x1201
#define EXT_CALL		0x1202
#define EXT_SERVICE		0x2401

#define PSW_PER			0x4000000000000000UL
#define PSW_DAT			0x0400000000000000UL
#define PSW_IO			0x0200000000000000UL
#define PSW_EXTERNAL		0x0100000000000000UL
#define PSW_KEY(key)		((uint64_t)(key) << 52)
#define PSW_MACHINE_CHECK	0x0004000000000000UL
#define PSW_WAIT		0x0002000000000000UL
#define PSW_PROBLEM		0x0001000000000000UL
#define PSW_ACCESS_REGISTER	0x0000400000000000UL
#define PSW_SECONDARY		0x0000800000000000UL
#define PSW_HOME		0x0000c00000000000UL
#define PSW_CC(cc)		((uint64_t)(cc) << 44)
#define PSW_CC_OF(mask)		((mask) >> 44 & 3)
#define PSW_64			0x0000000180000000UL

#define CR0_LOW_PROTECTION	0x10000000UL
#define CR0_FETCH_OVERRIDE	0x02000000UL
#define CR0_STORE_OVERRIDE	0x01000000UL
#define CR0_EMERGENCY		0x4000UL
#define CR0_CALL		0x2000UL
#define CR0_CLOCK_COMPARATOR	0x800UL
#define CR0_CPU_TIMER		0x400UL
#define CR0_SERVICE		0x200UL
#define CR0_RESET		0xe0UL
#define CR14_RESET		0xc2000000UL
#define CR6_ISC(isc)		(0x80000000UL >> (isc))

#define SEGMENT_INVALID		0x20UL
#define SEGMENT_PROTECTED	0x200UL
#define PAGE_INVALID		0x400UL
#define PAGE_PROTECTED		0x200UL

/* What an interruption's handler sees and may change. */
struct guest_frame {
	uint64_t gpr[16];
	uint64_t mask, addr;
	uint64_t type;		/* INT_* */
};

/* Guest side; one without a handler ends the test. */
typedef void (*guest_handler)(struct guest_frame *frame);
extern guest_handler guest_handlers[256];	/* of program interruptions, by code */
extern guest_handler guest_int_handlers[6];	/* of the others, by INT_* */

static inline unsigned long arch_vm_type(void)
{
	return 0;
}

/* What no memory is said by; the others are in kvm.h. */
#define SAY_ABSENT		0x5af
/* The function code of DIAGNOSE for it, which no hypervisor serves. */
#define S390_DIAG_SAY		0x5a0

static inline void guest_say4(uint64_t kind, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t r2 asm("2") = kind;
	register uint64_t r3 asm("3") = a;
	register uint64_t r4 asm("4") = b;
	register uint64_t r5 asm("5") = c;

	asm volatile("diag %%r2,%%r4,0x5a0"
		     : : "d"(r2), "d"(r3), "d"(r4), "d"(r5) : "memory");
}

static inline void guest_pause(void)
{
	asm volatile("nopr %%r7" : : : "memory");
}

/* One access of exactly this size, wherever it goes. */
#define S390_ACCESS(bits, type, load, store)					\
	static inline type guest_read##bits(uint64_t address)			\
	{									\
		uint64_t value;							\
										\
		asm volatile(load " %0,0(%1)" : "=d"(value) : "a"(address) : "memory"); \
		return value;							\
	}									\
	static inline void guest_write##bits(uint64_t address, type value)	\
	{									\
		asm volatile(store " %1,0(%0)"					\
			     : : "a"(address), "d"((uint64_t)value) : "memory"); \
	}
S390_ACCESS(8, uint8_t, "llgc", "stc")
S390_ACCESS(16, uint16_t, "llgh", "sth")
S390_ACCESS(32, uint32_t, "llgf", "st")
S390_ACCESS(64, uint64_t, "lg", "stg")

#define control_read(number)							\
	({									\
		uint64_t value_;						\
										\
		asm volatile("stctg " #number "," #number ",%0" : "=QS"(value_)); \
		value_;								\
	})
#define control_write(number, value)						\
	({									\
		uint64_t value_ = (value);					\
										\
		asm volatile("lctlg " #number "," #number ",%0"			\
			     : : "QS"(value_) : "memory");			\
	})

static inline uint64_t guest_tod(void)
{
	uint64_t value;

	asm volatile("stck %0" : "=Q"(value) : : "cc", "memory");

	return value;
}

/* Steps of the TOD clock and the CPU timer. */
#define TOD_US			4096UL
#define TOD_MS			(1000 * TOD_US)

static inline void guest_set_clock_comparator(uint64_t value)
{
	asm volatile("sckc %0" : : "Q"(value) : "memory");
}

static inline void guest_set_cpu_timer(uint64_t value)
{
	asm volatile("spt %0" : : "Q"(value) : "memory");
}

static inline uint64_t guest_cpu_timer(void)
{
	uint64_t value;

	asm volatile("stpt %0" : "=Q"(value) : : "memory");

	return value;
}

static inline uint32_t guest_prefix(void)
{
	uint32_t value;

	asm volatile("stpx %0" : "=Q"(value) : : "memory");

	return value;
}

static inline uint16_t guest_cpu_address(void)
{
	uint16_t value;

	asm volatile("stap %0" : "=Q"(value) : : "memory");

	return value;
}

static inline void guest_set_key(uint64_t address, uint8_t key)
{
	asm volatile("sske %0,%1" : : "d"((uint64_t)key), "a"(address) : "memory");
}

static inline uint8_t guest_key(uint64_t address)
{
	uint64_t key = 0;

	asm volatile("iske %0,%1" : "+d"(key) : "a"(address) : "memory");

	return key;
}

/* Until another CPU has stored so much. */
static inline void guest_wait_for(volatile uint64_t *value, uint64_t wanted)
{
	while (*value < wanted)
		guest_pause();
}

/* Let in what is pending of these (PSW_IO | PSW_EXTERNAL) and enabled, then go on. */
void guest_open(uint64_t mask);
/* The same, in an enabled wait: until there was one. */
void guest_wait(uint64_t mask);

/*
 * Run instructions that may end in a program interruption: its code, or PGM_NONE; it
 * goes on behind them.  What was at LC_TRANSLATION_CODE is in guest_trap_value then,
 * the PSW's address in guest_trap_pc.  They must not use r0 and r1.
 */
extern volatile uint64_t guest_trap_value, guest_trap_pc;
void guest_catch(void);			/* install the handlers; once per test */

#define GUEST_TRY_BEGIN	"larl %%r1,2f\n\tlghi %%r0,0x1000\n\t"
#define GUEST_TRY_END	"\n2:\n\tlgr %[code],%%r0"
#define GUEST_TRY(text, ...)							\
	({									\
		uint64_t code_;							\
										\
		asm volatile(GUEST_TRY_BEGIN text GUEST_TRY_END			\
			     : [code] "=d"(code_) : __VA_ARGS__ : "0", "1", "cc", "memory"); \
		code_;								\
	})
#define guest_try_read(address)		\
	GUEST_TRY("lg %%r0,0(%[at])\n\tlghi %%r0,0x1000", [at] "a"(address))
#define guest_try_write(address)	\
	GUEST_TRY("stg %[value],0(%[at])", [at] "a"(address), [value] "d"(0x5aUL))

/*
 * Run code with this PSW, in problem state or with DAT or a key, until it has a
 * program interruption or a supervisor call: returns the code, or 0x2000 + that of the
 * SVC; the state then is in guest_problem_frame.
 */
extern struct guest_frame guest_problem_frame;
uint64_t guest_problem(uint64_t mask, uint64_t addr, uint64_t argument);
#define PROBLEM_SVC		0x2000

/* --- SIGP ----------------------------------------------------------------- */

enum {
	SIGP_SENSE = 1, SIGP_CALL, SIGP_EMERGENCY, SIGP_START, SIGP_STOP, SIGP_RESTART,
	SIGP_STOP_STORE = 9, SIGP_INITIAL_RESET = 11, SIGP_RESET, SIGP_SET_PREFIX,
	SIGP_STORE_STATUS, SIGP_ARCHITECTURE = 18, SIGP_CONDITIONAL_EMERGENCY,
	SIGP_SENSE_RUNNING = 21,
};

#define SIGP_STATUS_CALL_PENDING	0x80U
#define SIGP_STATUS_STOPPED		0x40U
#define SIGP_STATUS_INVALID_PARAMETER	0x100U
#define SIGP_STATUS_INCORRECT_STATE	0x200U

/* The condition code; *@status is stored with 1. */
int guest_sigp(uint16_t cpu, uint8_t order, uint64_t parameter, uint32_t *status);
/* Have a stopped CPU run @entry(@argument): restart with a PSW in its lowcore. */
int guest_cpu_start(uint16_t cpu, void (*entry)(uint64_t), uint64_t argument);

/* --- portable interrupts: what common tests use --------------------------- */

/*
 * Guest: count the interrupts of a line: an adapter's interruptions, of which each
 * leaves a bit in memory.
 */
#define GUEST_IRQ_LINE		11
#define S390_ISC		3
#define S390_ADAPTER		1
#define S390_INDICATORS		(S390_GPA_LOW + 0x100)
#define S390_SUMMARY		(S390_GPA_LOW + 0x200)
void guest_irq_setup(void);
extern volatile uint64_t guest_irq_count;

static inline void guest_irq_open(void)
{
	guest_open(PSW_IO);
}

/* Halt until an interrupt has come, and take it. */
static inline void guest_irq_wait(void)
{
	guest_wait(PSW_IO);
}

/* Does the irqchip hear of the end of an interrupt?  Adapters have none. */
#define ARCH_IRQFD_RESAMPLE	0
/* Does an irqfd leave it to a worker to tell the guest? */
#define ARCH_IRQFD_DEFERS 1
/* Does a fault tell no more than the page? */
#define ARCH_FAULT_OF_PAGE 1
/* Can slots be read-only? */
#define ARCH_READONLY_SLOTS	0
/* Does it take messages (KVM_SIGNAL_MSI)? */
#define ARCH_SIGNAL_MSI		0

/* Routes that can be set, however they are called elsewhere. */
#define ARCH_ROUTE_LINE(pin)							\
	.type = KVM_IRQ_ROUTING_S390_ADAPTER, .u.adapter = {			\
		.ind_addr = S390_INDICATORS, .ind_offset = (pin),		\
		.summary_addr = S390_SUMMARY, .adapter_id = S390_ADAPTER }
#define ARCH_ROUTE_MESSAGE	ARCH_ROUTE_LINE(1)

/* The kernel has an address space of its own: only the last page is never user space's. */
#define ARCH_KERNEL_ADDRESS(size)	(-(uint64_t)(size))

/* --- host side ------------------------------------------------------------ */

struct kvm_s390_irq;
struct vcpu;
struct vm;

/* The vCPU's registers in kvm_run, which are to be loaded when it runs. */
struct kvm_sync_regs *s390_regs(struct vcpu *vcpu, uint64_t fields);
/* Is the exit an interception of this code, or of this instruction (ipa's first byte)? */
bool s390_is_intercept(struct vcpu *vcpu, uint8_t code);
bool s390_is_instruction(struct vcpu *vcpu, uint16_t opcode);
/* Operand address of an intercepted instruction of format RS or S. */
uint64_t s390_operand_address(struct vcpu *vcpu);
void s390_set_cc(struct vcpu *vcpu, unsigned int cc);
void s390_set_mp_state(struct vcpu *vcpu, uint32_t state);
uint32_t s390_mp_state(struct vcpu *vcpu);
/* KVM_S390_IRQ and the FLIC's enqueue, as ioctl() does. */
int s390_guest_debug(void);	/* what a debugger can use: nothing, where the machine has no events */
int s390_inject(struct vcpu *vcpu, const struct kvm_s390_irq *irq);
int s390_inject_floating(struct vm *vm, const struct kvm_s390_irq *irq);
int s390_flic(struct vm *vm, unsigned long cmd, uint32_t group, uint64_t attribute, void *data);
/* Attributes of the VM. */
int s390_vm_attr(struct vm *vm, unsigned long cmd, uint32_t group, uint64_t attribute,
		 void *data);

#endif /* LIB_S390_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * riscv: a guest in S-mode under Sv39, the low 4 GiB mapped one to one, and what
 * its code wants: CSRs, traps, SBI calls, user mode, the AIA.
 *
 * Low memory of the guest:
 *	0x1000	root page table		0x20000	free, up to 0x80000
 *	0x2000	tables of the window	0x100000	stacks, 16 KiB per hart, growing down
 *	0x400000	the image of the test program
 *
 * From 4 GiB on the same memory is mapped again, for user mode.  At 16 GiB is a
 * window of 512 pages that a test maps as it likes.
 */
#ifndef LIB_RISCV_H
#define LIB_RISCV_H

#include <stdbool.h>
#include <stdint.h>

#define RISCV_GPA_ROOT		0x1000UL
#define RISCV_GPA_WINDOW	0x2000UL	/* two tables */
#define RISCV_GPA_LOW		0x20000UL
#define RISCV_GPA_STACKS	0x100000UL
#define RISCV_STACK_SIZE	0x4000UL
/* A store to this page, where no memory is, says something to the host. */
#define RISCV_GPA_SAY		0xc0000000UL
#define RISCV_GPA_APLIC		0xc1000000UL
#define RISCV_GPA_IMSIC		0xc2000000UL	/* a page per hart */
#define RISCV_USER_OFFSET	0x100000000UL
#define RISCV_WINDOW		0x400000000UL
/* The page table entry of page @n of the window; a guest's pointer. */
#define RISCV_WINDOW_PTE(n)	(((volatile uint64_t *)(RISCV_GPA_WINDOW + 0x1000))[n])

#define PTE_V			0x01UL
#define PTE_R			0x02UL
#define PTE_W			0x04UL
#define PTE_X			0x08UL
#define PTE_U			0x10UL
#define PTE_A			0x40UL
#define PTE_D			0x80UL
#define PTE_RWX			(PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define PTE_OF(address)		((uint64_t)(address) >> 12 << 10)
#define SATP_SV39		(8UL << 60)

/* Exceptions; "Supervisor Cause Register" of the privileged architecture. */
enum {
	CAUSE_FETCH_MISALIGNED, CAUSE_FETCH_ACCESS, CAUSE_ILLEGAL, CAUSE_BREAKPOINT,
	CAUSE_LOAD_MISALIGNED, CAUSE_LOAD_ACCESS, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS,
	CAUSE_USER_ECALL, CAUSE_SUPERVISOR_ECALL,
	CAUSE_FETCH_PAGE = 12, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE = 15,
	CAUSE_NONE = 0x1000,	/* what no trap is called below */
};

/* Interrupts. */
enum { IRQ_SOFT = 1, IRQ_TIMER = 5, IRQ_EXTERNAL = 9, IRQ_COUNTER = 13 };

#define SSTATUS_SIE		0x2UL
#define SSTATUS_SPIE		0x20UL
#define SSTATUS_SPP		0x100UL
#define SSTATUS_VS		0x600UL
#define SSTATUS_FS		0x6000UL
#define SSTATUS_SUM		0x40000UL
#define SSTATUS_MXR		0x80000UL

/* What a trap's handler sees and may change. */
struct guest_frame {
	uint64_t x[32];		/* x[0] means nothing */
	uint64_t sepc, sstatus, scause, stval;
};

/* Guest side; a trap from S-mode without one ends the test. */
typedef void (*guest_handler)(struct guest_frame *frame);
extern guest_handler guest_handlers[32];	/* of exceptions */
extern guest_handler guest_irq_handlers[64];

static inline unsigned long arch_vm_type(void)
{
	return 0;
}

static inline void guest_say4(uint64_t kind, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t a0 asm("a0") = kind;
	register uint64_t a1 asm("a1") = a;
	register uint64_t a2 asm("a2") = b;
	register uint64_t a3 asm("a3") = c;

	asm volatile("sw zero, (%4)"
		     : : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(RISCV_GPA_SAY) : "memory");
}

static inline void guest_pause(void)
{
	asm volatile(".word 0x0100000f" : : : "memory");
}

static inline void guest_wfi(void)
{
	asm volatile("wfi" : : : "memory");
}

/* One access of exactly this size, wherever it goes. */
#define RISCV_ACCESS(bits, type, load, store)					\
	static inline type guest_read##bits(uint64_t address)			\
	{									\
		type value;							\
										\
		asm volatile(load " %0, (%1)" : "=r"(value) : "r"(address) : "memory"); \
		return value;							\
	}									\
	static inline void guest_write##bits(uint64_t address, type value)	\
	{									\
		asm volatile(store " %1, (%0)" : : "r"(address), "r"(value) : "memory"); \
	}
RISCV_ACCESS(8, uint8_t, "lbu", "sb")
RISCV_ACCESS(16, uint16_t, "lhu", "sh")
RISCV_ACCESS(32, uint32_t, "lwu", "sw")
RISCV_ACCESS(64, uint64_t, "ld", "sd")

/* CSRs by name or, if the assembler may not know it, by number. */
#define RISCV_CSR_(csr)		#csr
#define csr_read(csr)								\
	({									\
		uint64_t value_;						\
										\
		asm volatile("csrr %0, " RISCV_CSR_(csr) : "=r"(value_) : : "memory"); \
		value_;								\
	})
#define csr_write(csr, value)							\
	asm volatile("csrw " RISCV_CSR_(csr) ", %0" : : "rK"((uint64_t)(value)) : "memory")
#define csr_set(csr, bits)							\
	asm volatile("csrs " RISCV_CSR_(csr) ", %0" : : "rK"((uint64_t)(bits)) : "memory")
#define csr_clear(csr, bits)							\
	asm volatile("csrc " RISCV_CSR_(csr) ", %0" : : "rK"((uint64_t)(bits)) : "memory")
#define csr_swap(csr, value)							\
	({									\
		uint64_t value_ = (uint64_t)(value);				\
										\
		asm volatile("csrrw %0, " RISCV_CSR_(csr) ", %0" : "+r"(value_) : : "memory"); \
		value_;								\
	})
#define CSR_SISELECT		0x150
#define CSR_SIREG		0x151
#define CSR_STOPEI		0x15c
#define CSR_STIMECMP		0x14d
#define CSR_STOPI		0xdb0
#define CSR_SCOUNTOVF		0xda0
#define CSR_SSTATEEN0		0x10c

static inline uint64_t rdtime(void)
{
	return csr_read(time);
}

/* What one step of it is in nanoseconds; set for each guest. */
extern uint64_t guest_ns_per_tick;

static inline void sfence_vma(void)
{
	asm volatile("sfence.vma" : : : "memory");
}

/* Until another hart has stored so much. */
static inline void guest_wait_for(volatile uint64_t *value, uint64_t wanted)
{
	while (*value < wanted)
		guest_pause();
}

/* Let in what is pending and enabled in sie, then go on. */
static inline void guest_irqs_open(void)
{
	csr_set(sstatus, SSTATUS_SIE);
	asm volatile("nop; nop");
	csr_clear(sstatus, SSTATUS_SIE);
}

/*
 * Run instructions that may trap, in S-mode: CAUSE_NONE, or the cause of the
 * exception that came; it goes on behind them.  What stval and sepc were is in
 * the variables then.  They must not use t5 and t6.
 */
extern volatile uint64_t guest_trap_value, guest_trap_pc;
void guest_catch(void);			/* install the handlers; once per test */

#define GUEST_TRY_BEGIN	"lla t5, 2f\n\tli t6, 0x1000\n\t"
#define GUEST_TRY_END	"\n2:\n\tmv %[cause], t6"
#define GUEST_TRY(text, ...)							\
	({									\
		uint64_t cause_;						\
										\
		asm volatile(GUEST_TRY_BEGIN text GUEST_TRY_END			\
			     : [cause] "=r"(cause_) : __VA_ARGS__ : "t5", "t6", "memory"); \
		cause_;								\
	})

#define try_csr_read(csr, value)						\
	({									\
		uint64_t cause_, got_ = 0;					\
										\
		asm volatile(GUEST_TRY_BEGIN "csrr %[got], " RISCV_CSR_(csr) GUEST_TRY_END \
			     : [cause] "=r"(cause_), [got] "+&r"(got_) : : "t5", "t6", "memory"); \
		*(value) = got_;						\
		cause_;								\
	})
#define try_csr_write(csr, value)						\
	GUEST_TRY("csrw " RISCV_CSR_(csr) ", %[new]", [new] "r"((uint64_t)(value)))

/*
 * Run code in U-mode until it traps: returns the cause, the state then is in
 * guest_user_frame.  @pc is an address of the user's mapping.
 */
extern struct guest_frame guest_user_frame;
uint64_t guest_user(uint64_t pc, uint64_t argument, uint64_t stack);
#define USER_ADDRESS(symbol)	((uint64_t)(uintptr_t)(symbol) + RISCV_USER_OFFSET)

/* --- SBI: numbers of the specification ------------------------------------ */

struct sbi_result {
	long error, value;
};

struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1,
			   uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);
#define sbi_call0(e, f)			sbi_call(e, f, 0, 0, 0, 0, 0, 0)
#define sbi_call1(e, f, a)		sbi_call(e, f, a, 0, 0, 0, 0, 0)
#define sbi_call2(e, f, a, b)		sbi_call(e, f, a, b, 0, 0, 0, 0)
#define sbi_call3(e, f, a, b, c)	sbi_call(e, f, a, b, c, 0, 0, 0)
#define sbi_call4(e, f, a, b, c, d)	sbi_call(e, f, a, b, c, d, 0, 0)
#define sbi_call5(e, f, a, b, c, d, g)	sbi_call(e, f, a, b, c, d, g, 0)

enum {
	SBI_SET_TIMER_V01, SBI_PUTCHAR_V01, SBI_GETCHAR_V01, SBI_CLEAR_IPI_V01, SBI_SEND_IPI_V01,
	SBI_FENCE_I_V01, SBI_SFENCE_V01, SBI_SFENCE_ASID_V01, SBI_SHUTDOWN_V01,
	SBI_BASE	= 0x10,
	SBI_TIME	= 0x54494d45,
	SBI_IPI		= 0x735049,
	SBI_RFENCE	= 0x52464e43,
	SBI_HSM		= 0x48534d,
	SBI_SRST	= 0x53525354,
	SBI_SUSP	= 0x53555350,
	SBI_FWFT	= 0x46574654,
	SBI_PMU		= 0x504d55,
	SBI_DBCN	= 0x4442434e,
	SBI_STA		= 0x535441,
	SBI_EXPERIMENTAL = 0x08000000,
	SBI_VENDOR	= 0x09000000,
};

enum {
	SBI_OK			= 0,
	SBI_FAILED		= -1,
	SBI_NOT_SUPPORTED	= -2,
	SBI_INVALID_PARAM	= -3,
	SBI_DENIED		= -4,
	SBI_INVALID_ADDRESS	= -5,
	SBI_ALREADY_AVAILABLE	= -6,
	SBI_ALREADY_STARTED	= -7,
	SBI_ALREADY_STOPPED	= -8,
	SBI_NO_SHMEM		= -9,
};

enum { HSM_START, HSM_STOP, HSM_STATUS, HSM_SUSPEND };
enum { HSM_STARTED, HSM_STOPPED, HSM_START_PENDING, HSM_STOP_PENDING, HSM_SUSPENDED };

/* Start a hart that is stopped: it runs @entry(@argument) as if created so. */
long guest_hart_start(uint64_t hart, void (*entry)(uint64_t), uint64_t argument);
/* What a hart begins with when SBI starts it, for calls by hand; opaque: below. */
extern char guest_hart_entry[];
struct guest_start {
	uint64_t entry, argument;
};

static inline void sbi_set_timer(uint64_t when)
{
	sbi_call1(SBI_TIME, 0, when);
}

static inline long sbi_send_ipi(uint64_t mask, uint64_t base)
{
	return sbi_call2(SBI_IPI, 0, mask, base).error;
}

/* --- the AIA, guest side -------------------------------------------------- */

#define IMSIC_DELIVERY		0x70
#define IMSIC_THRESHOLD		0x72
#define IMSIC_EIP0		0x80	/* even numbers only: 64 bits each */
#define IMSIC_EIE0		0xc0
#define IMSIC_PAGE(hart)	(RISCV_GPA_IMSIC + (hart) * 0x1000UL)
#define IMSIC_IDS		255

static inline void imsic_write(uint64_t select, uint64_t value)
{
	csr_write(0x150, select);
	csr_write(0x151, value);
}

static inline uint64_t imsic_read(uint64_t select)
{
	csr_write(0x150, select);
	return csr_read(0x151);
}

static inline void imsic_set(uint64_t select, uint64_t bits)
{
	csr_write(0x150, select);
	csr_set(0x151, bits);
}

static inline void imsic_clear(uint64_t select, uint64_t bits)
{
	csr_write(0x150, select);
	csr_clear(0x151, bits);
}

/* The interrupt with the highest priority, claimed: its number, or 0. */
static inline uint64_t imsic_claim(void)
{
	return csr_swap(0x15c, 0) >> 16;
}

/* Deliver to this hart, no threshold; enable one number. */
void imsic_begin(void);
void imsic_enable(uint64_t id);

#define APLIC_DOMAINCFG		0x0000
#define APLIC_SOURCECFG(n)	(0x0000 + (n) * 4)	/* from 1 */
#define APLIC_SETIP(n)		(0x1c00 + (n) * 4)
#define APLIC_SETIPNUM		0x1cdc
#define APLIC_IN_CLRIP(n)	(0x1d00 + (n) * 4)
#define APLIC_CLRIPNUM		0x1ddc
#define APLIC_SETIE(n)		(0x1e00 + (n) * 4)
#define APLIC_SETIENUM		0x1edc
#define APLIC_CLRIE(n)		(0x1f00 + (n) * 4)
#define APLIC_CLRIENUM		0x1fdc
#define APLIC_SETIPNUM_LE	0x2000
#define APLIC_SETIPNUM_BE	0x2004
#define APLIC_GENMSI		0x3000
#define APLIC_TARGET(n)		(0x3000 + (n) * 4)	/* from 1 */
#define APLIC_SOURCES		96
#define APLIC_DOMAINCFG_IE	0x100
enum {
	APLIC_INACTIVE, APLIC_DETACHED, APLIC_EDGE_RISE = 4, APLIC_EDGE_FALL, APLIC_HIGH,
	APLIC_LOW,
};

static inline uint32_t aplic_read(uint64_t offset)
{
	return guest_read32(RISCV_GPA_APLIC + offset);
}

static inline void aplic_write(uint64_t offset, uint32_t value)
{
	guest_write32(RISCV_GPA_APLIC + offset, value);
}

/* Route a source to the number @id of @hart, and enable it and the domain. */
void aplic_route(uint64_t source, uint32_t mode, uint64_t hart, uint32_t id);

/* --- portable interrupts: what common tests use --------------------------- */

/* Guest: count the interrupts of an edge-triggered line. */
#define GUEST_IRQ_LINE		11
void guest_irq_setup(void);
extern volatile uint64_t guest_irq_count;
static inline void guest_irq_open(void)
{
	guest_irqs_open();
}

/* Halt until an interrupt has come, and take it. */
static inline void guest_irq_wait(void)
{
	guest_wfi();
	guest_irqs_open();
}

/* Does the irqchip hear of the end of an interrupt?  A message has none. */
#define ARCH_IRQFD_RESAMPLE	0
/* Does an irqfd leave it to a worker to tell the guest? */
#define ARCH_IRQFD_DEFERS 0
/* Does a fault tell no more than the page? */
#define ARCH_FAULT_OF_PAGE 0
/* Can slots be read-only? */
#define ARCH_READONLY_SLOTS	1
/* Does it take messages (KVM_SIGNAL_MSI)? */
#define ARCH_SIGNAL_MSI		1

/* --- host side ------------------------------------------------------------ */

struct vcpu;
struct vm;

#define RISCV_REG(size, type, index) \
	(KVM_REG_RISCV | KVM_REG_SIZE_##size | KVM_REG_RISCV_##type | (uint64_t)(index))
#define RISCV_CORE(n)		RISCV_REG(U64, CORE, n)	/* xN; 0 is pc */
#define RISCV_PC		RISCV_CORE(0)
#define RISCV_MODE		RISCV_CORE(32)
#define RISCV_CSR(name)		RISCV_REG(U64, CSR, KVM_REG_RISCV_CSR_REG(name))
#define RISCV_CONFIG(name)	RISCV_REG(U64, CONFIG, KVM_REG_RISCV_CONFIG_REG(name))
#define RISCV_TIMER(name)	RISCV_REG(U64, TIMER, KVM_REG_RISCV_TIMER_REG(name))
#define RISCV_ISA_EXT(ext)	RISCV_REG(U64, ISA_EXT, KVM_RISCV_ISA_EXT_##ext)
#define RISCV_SBI_EXT(ext)	RISCV_REG(U64, SBI_EXT, KVM_RISCV_SBI_EXT_##ext)

/* Does the guest have it?  A register that is not there says no. */
bool riscv_has_isa(struct vcpu *vcpu, uint64_t extension);
/* Ends the test as skipped, if no vCPU of this host has it. */
void riscv_need_isa(struct vcpu *vcpu, uint64_t extension, const char *name);
/* The AIA's attributes, as ioctl() does. */
int riscv_aia_set(struct vm *vm, uint32_t group, uint64_t attribute, uint64_t value);
int riscv_aia_get(struct vm *vm, uint32_t group, uint64_t attribute, uint64_t *value);

#endif /* LIB_RISCV_H */

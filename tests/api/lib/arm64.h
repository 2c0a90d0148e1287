/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64: a guest at EL1 with its MMU on, the low 4 GiB mapped one to one, and what its
 * code wants: system registers, exceptions, SMCCC calls, user mode, the GIC, timers.
 *
 * Low memory of the guest:
 *	0x1000	top page table		0x20000	free, up to 0x80000
 *	0x2000	tables of the window	0x100000	stacks, 16 KiB per vCPU, growing down
 *	0x400000	the image of the test program
 *
 * The fourth GiB is not cached (but no device memory, which may not be misaligned).  From
 * 4 GiB on the same four are mapped again, for user mode.  At 16 GiB is a window of 512 pages that a test maps as it likes.
 */
#ifndef LIB_ARM64_H
#define LIB_ARM64_H

#include <stdbool.h>
#include <stdint.h>

#define ARM64_GPA_ROOT		0x1000UL
#define ARM64_GPA_WINDOW	0x2000UL	/* two tables */
#define ARM64_GPA_LOW		0x20000UL
#define ARM64_GPA_STACKS	0x100000UL
#define ARM64_STACK_SIZE	0x4000UL
/* A store to this page, where no memory is, says something to the host. */
#define ARM64_GPA_SAY		0xc0000000UL
#define ARM64_GPA_GICD		0xc1000000UL
#define ARM64_GPA_ITS		0xc1100000UL
#define ARM64_GPA_GICR		0xc2000000UL	/* 128 KiB per vCPU */
#define ARM64_USER_OFFSET	0x100000000UL
#define ARM64_WINDOW		0x400000000UL
/* The page table entry of page @n of the window; a guest's pointer. */
#define ARM64_WINDOW_PTE(n)	(((volatile uint64_t *)(ARM64_GPA_WINDOW + 0x1000))[n])

/* Arm ARM, "VMSAv8-64 descriptor formats"; tables and pages are PTE_TABLE, blocks not. */
#define PTE_VALID		0x001UL
#define PTE_TABLE		0x003UL
#define PTE_UNCACHED		(1UL << 2)	/* MAIR_EL1.Attr1 */
#define PTE_USER		(1UL << 6)
#define PTE_READ_ONLY		(1UL << 7)
#define PTE_SHARED		(3UL << 8)
#define PTE_AF			(1UL << 10)
#define PTE_PXN			(1UL << 53)
#define PTE_UXN			(1UL << 54)
#define PTE_PAGE		(PTE_TABLE | PTE_SHARED | PTE_AF)

/* What the guest begins with; numbers, because assembler code uses them too. */
#define ARM64_MAIR		0x00000000000044ff	/* write-back; not cached */
#define ARM64_TCR		0x0000000200803519	/* 39 bits, 4 KiB, no TTBR1_EL1, 40 bits out */
#define ARM64_SCTLR		0x0000000034d5d805	/* M, C, I; see "SCTLR_EL1" for its ones */
#define ARM64_CPACR		0x0000000000330000	/* no trap of SIMD and SVE */
#define ARM64_PSTATE		0x3c5			/* EL1h, all masked */

/* ESR_EL1.EC; "Exception Syndrome Register (EL1)". */
enum {
	EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_SIMD = 0x07, EC_PAC = 0x09, EC_ILLEGAL = 0x0e,
	EC_SVC = 0x15, EC_HVC = 0x16, EC_SMC = 0x17, EC_SYSREG = 0x18, EC_SVE = 0x19,
	EC_FETCH_USER = 0x20, EC_FETCH = 0x21, EC_PC_ALIGN = 0x22, EC_DATA_USER = 0x24,
	EC_DATA = 0x25, EC_SP_ALIGN = 0x26, EC_SERROR = 0x2f, EC_BREAK_USER = 0x30,
	EC_BREAK = 0x31, EC_STEP_USER = 0x32, EC_STEP = 0x33, EC_WATCH_USER = 0x34,
	EC_WATCH = 0x35, EC_BRK = 0x3c,
};
#define ESR_EC(esr)		((esr) >> 26 & 0x3f)
#define ESR_ISS(esr)		((esr) & 0x1ffffff)
#define ESR_FSC(esr)		((esr) & 0x3f)
#define ESR_WNR			0x40UL
#define FSC_EXTERNAL		0x10	/* synchronous, not on a table walk */

/* What an exception's handler sees and may change. */
struct guest_frame {
	uint64_t x[31], sp_el0;
	uint64_t elr, spsr, esr, far;
	uint64_t vector, unused;
};

/* Guest side; an exception without one ends the test. */
typedef void (*guest_handler)(struct guest_frame *frame);
extern guest_handler guest_handlers[64];	/* by EC, from EL1 */
extern guest_handler guest_irq_handlers[1024];	/* by INTID */
extern guest_handler guest_irq_raw;		/* all of IRQ, instead of these */
extern guest_handler guest_fiq_handler, guest_serror_handler;
extern volatile uint64_t guest_spurious;	/* interrupts that were gone again */

static inline unsigned long arch_vm_type(void)
{
	return 0;
}

static inline void guest_say4(uint64_t kind, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 asm("x0") = kind;
	register uint64_t x1 asm("x1") = a;
	register uint64_t x2 asm("x2") = b;
	register uint64_t x3 asm("x3") = c;

	asm volatile("str wzr, [%4]"
		     : : "r"(x0), "r"(x1), "r"(x2), "r"(x3), "r"(ARM64_GPA_SAY) : "memory");
}

static inline void guest_pause(void)
{
	asm volatile("yield" : : : "memory");
}

static inline void guest_wfi(void)
{
	asm volatile("dsb sy; wfi" : : : "memory");
}

/* One access of exactly this size, wherever it goes. */
#define ARM64_ACCESS(bits, type, size, width)					\
	static inline type guest_read##bits(uint64_t address)			\
	{									\
		type value;							\
										\
		asm volatile("ldr" size " %" width "0, [%1]"			\
			     : "=r"(value) : "r"(address) : "memory");		\
		return value;							\
	}									\
	static inline void guest_write##bits(uint64_t address, type value)	\
	{									\
		asm volatile("str" size " %" width "1, [%0]"			\
			     : : "r"(address), "r"(value) : "memory");		\
	}
ARM64_ACCESS(8, uint8_t, "b", "w")
ARM64_ACCESS(16, uint16_t, "h", "w")
ARM64_ACCESS(32, uint32_t, "", "w")
ARM64_ACCESS(64, uint64_t, "", "x")

/* --- system registers ------------------------------------------------------ */

/* By name, or by one of these where the assembler may not know it. */
#define ICC_PMR_EL1		S3_0_C4_C6_0
#define ICC_IAR0_EL1		S3_0_C12_C8_0
#define ICC_AP1R0_EL1		S3_0_C12_C9_0
#define ICC_DIR_EL1		S3_0_C12_C11_1
#define ICC_RPR_EL1		S3_0_C12_C11_3
#define ICC_SGI1R_EL1		S3_0_C12_C11_5
#define ICC_IAR1_EL1		S3_0_C12_C12_0
#define ICC_EOIR1_EL1		S3_0_C12_C12_1
#define ICC_HPPIR1_EL1		S3_0_C12_C12_2
#define ICC_BPR1_EL1		S3_0_C12_C12_3
#define ICC_CTLR_EL1		S3_0_C12_C12_4
#define ICC_SRE_EL1		S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1		S3_0_C12_C12_7

#define ARM64_SYSREG_(name)	#name
#define sysreg_read(name)							\
	({									\
		uint64_t value_;						\
										\
		asm volatile("mrs %0, " ARM64_SYSREG_(name) : "=r"(value_) : : "memory"); \
		value_;								\
	})
#define sysreg_write(name, value)						\
	asm volatile("msr " ARM64_SYSREG_(name) ", %x0"				\
		     : : "rZ"((uint64_t)(value)) : "memory")
#define isb()			asm volatile("isb" : : : "memory")
#define dsb()			asm volatile("dsb sy" : : : "memory")

static inline void guest_flush_tlb(void)
{
	asm volatile("dsb ishst; tlbi vmalle1is; dsb ish; isb" : : : "memory");
}

/* Until another vCPU has stored so much. */
static inline void guest_wait_for(volatile uint64_t *value, uint64_t wanted)
{
	while (*value < wanted)
		guest_pause();
}

static inline uint64_t guest_cpu_number(void)
{
	return sysreg_read(mpidr_el1) & 0xff;
}

/* Let in what is pending, then go on. */
static inline void guest_irqs_open(void)
{
	asm volatile("msr daifclr, #2; isb; nop; msr daifset, #2; isb" : : : "memory");
}

static inline void guest_irqs_enable(void)
{
	asm volatile("msr daifclr, #2; isb" : : : "memory");
}

static inline void guest_irqs_disable(void)
{
	asm volatile("msr daifset, #2; isb" : : : "memory");
}

/*
 * Run instructions that may take an exception to EL1: 0, or its ESR_EL1; it goes on
 * behind them.  What FAR_EL1 and ELR_EL1 were is in the variables then.  They must not
 * use x16 and x17.
 */
extern volatile uint64_t guest_trap_address, guest_trap_pc;
void guest_catch(void);			/* install the handlers; once per test */

#define GUEST_TRY_BEGIN	"adr x16, 2f\n\tmov x17, xzr\n\t"
#define GUEST_TRY_END	"\n2:\n\tmov %[esr], x17"
#define GUEST_TRY(text, ...)							\
	({									\
		uint64_t esr_;							\
										\
		asm volatile(GUEST_TRY_BEGIN text GUEST_TRY_END			\
			     : [esr] "=r"(esr_) : __VA_ARGS__ : "x16", "x17", "memory"); \
		esr_;								\
	})
#define GUEST_TRY_READ(text, value, ...)					\
	({									\
		uint64_t esr_, got_ = 0;					\
										\
		asm volatile(GUEST_TRY_BEGIN text GUEST_TRY_END			\
			     : [esr] "=r"(esr_), [got] "+&r"(got_) : __VA_ARGS__ \
			     : "x16", "x17", "memory");				\
		*(value) = got_;						\
		esr_;								\
	})
#define try_sysreg_read(name, value)						\
	GUEST_TRY_READ("mrs %[got], " ARM64_SYSREG_(name), value, "r"(0))
#define try_sysreg_write(name, value)						\
	GUEST_TRY("msr " ARM64_SYSREG_(name) ", %x[new]", [new] "rZ"((uint64_t)(value)))

/*
 * Run code at EL0 until it takes an exception that is no interrupt: returns ESR_EL1, the
 * state then is in guest_user_frame.  @pc is an address of the user's mapping.  Interrupts
 * are open there, and masked afterwards.
 */
extern struct guest_frame guest_user_frame;
uint64_t guest_user(uint64_t pc, uint64_t argument, uint64_t stack);
#define USER_ADDRESS(symbol)	((uint64_t)(uintptr_t)(symbol) + ARM64_USER_OFFSET)

/* --- SMCCC: numbers of the specifications ---------------------------------------- */

struct smccc_result {
	uint64_t x0, x1, x2, x3;
};

struct smccc_result guest_hvc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3);
struct smccc_result guest_smc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3);

enum {
	SMCCC_VERSION		= 0x80000000,
	SMCCC_ARCH_FEATURES	= 0x80000001,
	SMCCC_ARCH_WORKAROUND_1	= 0x80008000,
	SMCCC_ARCH_WORKAROUND_3	= 0x80003fff,
	SMCCC_ARCH_WORKAROUND_2	= 0x80007fff,
	SMCCC_PV_TIME_FEATURES	= 0xc5000020,
	SMCCC_PV_TIME_ST	= 0xc5000021,
	SMCCC_TRNG_VERSION	= 0x84000050,
	SMCCC_VENDOR_UID	= 0x8600ff01,
	PSCI_VERSION		= 0x84000000,
	PSCI_CPU_SUSPEND	= 0xc4000001,
	PSCI_CPU_OFF		= 0x84000002,
	PSCI_CPU_ON		= 0xc4000003,
	PSCI_CPU_ON_32		= 0x84000003,
	PSCI_AFFINITY_INFO	= 0xc4000004,
	PSCI_MIGRATE_INFO_TYPE	= 0x84000006,
	PSCI_SYSTEM_OFF		= 0x84000008,
	PSCI_SYSTEM_RESET	= 0x84000009,
	PSCI_FEATURES		= 0x8400000a,
	PSCI_SYSTEM_SUSPEND	= 0xc400000e,
	PSCI_SYSTEM_RESET2	= 0xc4000012,
};

enum {
	PSCI_OK			= 0,
	PSCI_NOT_SUPPORTED	= -1,
	PSCI_INVALID_PARAMS	= -2,
	PSCI_DENIED		= -3,
	PSCI_ALREADY_ON		= -4,
	PSCI_ON_PENDING		= -5,
	PSCI_INTERNAL		= -6,
	PSCI_NOT_PRESENT	= -7,
	PSCI_DISABLED		= -8,
	PSCI_INVALID_ADDRESS	= -9,
};

/* Start a vCPU that is off: it runs @entry(@argument) as if created so.  PSCI's result. */
long guest_cpu_on(uint64_t cpu, void (*entry)(uint64_t), uint64_t argument);
/* What a vCPU begins with then, for calls by hand: x0 is of a struct guest_start. */
extern char guest_cpu_entry[];
struct guest_start {
	uint64_t entry, argument, stack;
};
struct guest_start *guest_start_of(uint64_t cpu, void (*entry)(uint64_t), uint64_t argument);

/* --- timers, guest side ------------------------------------------------------------ */

#define TIMER_ENABLE		1UL
#define TIMER_MASK		2UL
#define TIMER_STATUS		4UL

static inline uint64_t guest_counter(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

static inline uint64_t guest_ticks(uint64_t ns)
{
	return ns * (sysreg_read(cntfrq_el0) / 1000000) / 1000;
}

/* --- the GIC, guest side ---------------------------------------------------------- */

#define GICD_CTLR		0x0000
#define GICD_TYPER		0x0004
#define GICD_IIDR		0x0008
#define GICD_SETSPI_NSR		0x0040
#define GICD_IGROUPR(n)		(0x0080 + (n) / 32 * 4)
#define GICD_ISENABLER(n)	(0x0100 + (n) / 32 * 4)
#define GICD_ICENABLER(n)	(0x0180 + (n) / 32 * 4)
#define GICD_ISPENDR(n)		(0x0200 + (n) / 32 * 4)
#define GICD_ICPENDR(n)		(0x0280 + (n) / 32 * 4)
#define GICD_ISACTIVER(n)	(0x0300 + (n) / 32 * 4)
#define GICD_ICACTIVER(n)	(0x0380 + (n) / 32 * 4)
#define GICD_IPRIORITYR(n)	(0x0400 + (n))
#define GICD_ICFGR(n)		(0x0c00 + (n) / 16 * 4)
#define GICD_IROUTER(n)		(0x6000 + (n) * 8)
#define GICD_PIDR2		0xffe8
#define GICR_CTLR		0x0000
#define GICR_IIDR		0x0004
#define GICR_TYPER		0x0008
#define GICR_WAKER		0x0014
#define GICR_PROPBASER		0x0070
#define GICR_PENDBASER		0x0078
#define GICR_SGI		0x10000		/* its second frame: GICD_*R(0) are there */
#define GICR_OF(cpu)		(ARM64_GPA_GICR + (cpu) * 0x20000UL)
#define INTID_PTIMER		30
#define INTID_VTIMER		27
#define INTID_SPI(n)		(32 + (n))
#define INTID_NONE		1023

/* This vCPU's interrupts: CPU interface on, no threshold; everything in group 1. */
void gic_begin(void);
/* Enable, with a priority; an SPI goes to this vCPU.  @edge is not for SGIs. */
void gic_enable(uint32_t intid, uint8_t priority, bool edge);
void gic_disable(uint32_t intid);
/* The address of the word that has this interrupt's bit, or its byte, of a register. */
#define GIC_REG(intid, name)							\
	(((intid) < 32 ? GICR_OF(guest_cpu_number()) + GICR_SGI : ARM64_GPA_GICD) + name(intid))
#define gic_bit(intid, name)	(guest_read32(GIC_REG(intid, name)) >> (intid) % 32 & 1)
#define gic_set_bit(intid, name)	\
	guest_write32(GIC_REG(intid, name), 1u << (intid) % 32)
/* An SGI to one vCPU. */
void gic_send(uint64_t cpu, uint64_t sgi);

/* --- portable interrupts: what common tests use ------------------------------------ */

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

/* Does the irqchip hear of the end of an interrupt? */
#define ARCH_IRQFD_RESAMPLE	1
/* Does an irqfd leave it to a worker to tell the guest? */
#define ARCH_IRQFD_DEFERS 0
/* Does a fault tell no more than the page? */
#define ARCH_FAULT_OF_PAGE 0
/* Can slots be read-only? */
#define ARCH_READONLY_SLOTS	1
/* Does it take messages (KVM_SIGNAL_MSI)? */
#define ARCH_SIGNAL_MSI		1

/* --- host side --------------------------------------------------------------------- */

struct vcpu;
struct vm;

#define ARM64_CORE(name)	\
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
#define ARM64_X(n)		(ARM64_CORE(regs.regs[0]) + (n) * 2)
#define ARM64_PC		ARM64_CORE(regs.pc)
#define ARM64_PSTATE_REG	ARM64_CORE(regs.pstate)
#define ARM64_V(n)		\
	((KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |		\
	  KVM_REG_ARM_CORE_REG(fp_regs.vregs[0])) + (n) * 4)
#define SYS_MIDR		ARM64_SYS_REG(3, 0, 0, 0, 0)
#define SYS_MPIDR		ARM64_SYS_REG(3, 0, 0, 0, 5)
#define SYS_ID_AA64PFR0		ARM64_SYS_REG(3, 0, 0, 4, 0)
#define SYS_ID_AA64DFR0		ARM64_SYS_REG(3, 0, 0, 5, 0)
#define SYS_ID_AA64ISAR0	ARM64_SYS_REG(3, 0, 0, 6, 0)
#define SYS_ID_AA64ISAR1	ARM64_SYS_REG(3, 0, 0, 6, 1)
#define SYS_ID_AA64MMFR0	ARM64_SYS_REG(3, 0, 0, 7, 0)
#define SYS_SCTLR		ARM64_SYS_REG(3, 0, 1, 0, 0)
#define SYS_CPACR		ARM64_SYS_REG(3, 0, 1, 0, 2)
#define SYS_ZCR			ARM64_SYS_REG(3, 0, 1, 2, 0)
#define SYS_TTBR0		ARM64_SYS_REG(3, 0, 2, 0, 0)
#define SYS_TCR			ARM64_SYS_REG(3, 0, 2, 0, 2)
#define SYS_ESR			ARM64_SYS_REG(3, 0, 5, 2, 0)
#define SYS_FAR			ARM64_SYS_REG(3, 0, 6, 0, 0)
#define SYS_MAIR		ARM64_SYS_REG(3, 0, 10, 2, 0)
#define SYS_VBAR		ARM64_SYS_REG(3, 0, 12, 0, 0)
#define SYS_TPIDR_EL1		ARM64_SYS_REG(3, 0, 13, 0, 4)
#define SYS_CNTKCTL		ARM64_SYS_REG(3, 0, 14, 1, 0)
#define SYS_TPIDR_EL0		ARM64_SYS_REG(3, 3, 13, 0, 2)

/*
 * Features that vCPUs are initialised with: BIT(KVM_ARM_VCPU_*).  A test that wants more
 * than the default sets it before vcpu_create(); those with SVE are finalised there.
 */
extern uint32_t arm64_features;
/* KVM_ARM_VCPU_INIT, as ioctl() does. */
int arm64_try_init(struct vcpu *vcpu, uint32_t features);
/* Ends the test as skipped, if vCPUs of this host do not have it. */
void arm64_need_feature(uint32_t feature, long cap, const char *name);

/* Attributes of a device, of a vCPU, of a VM, as ioctl() does. */
int arm64_set_attr(int fd, uint32_t group, uint64_t attribute, const void *value);
int arm64_get_attr(int fd, uint32_t group, uint64_t attribute, void *value);
int arm64_has_attr(int fd, uint32_t group, uint64_t attribute);
/* KVM_IRQ_LINE, as ioctl() does: @type is KVM_ARM_IRQ_TYPE_*. */
int arm64_irq_line(struct vm *vm, uint32_t type, uint32_t vcpu, uint32_t number, int level);
/* A vGIC with addresses and initialised, as vm_create(VM_IRQCHIP) and the first run do. */
int arm64_vgic_place(struct vm *vm);
int arm64_vgic_init(struct vm *vm);

#endif /* LIB_ARM64_H */

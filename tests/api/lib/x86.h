/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86: a guest in long mode, the low 4 GiB mapped one to one, and what its code
 * wants: ports, MSRs, traps, the local APIC, the IOAPIC.
 *
 * Low memory of the guest:
 *	0x1000	page tables, to 0x7000		0x9000	IDT
 *	0x7000	free for real-mode code		0xa000	TSS per vCPU
 *	0x8000	GDT				0x20000	free, up to 0x80000
 *	0x100000	stacks, 16 KiB per vCPU, growing down
 *	0x400000	the image of the test program
 */
#ifndef LIB_X86_H
#define LIB_X86_H

#include <stdbool.h>
#include <stdint.h>

#define X86_GPA_PML4		0x1000
#define X86_GPA_PDPT		0x2000
#define X86_GPA_PD		0x3000	/* four of them */
#define X86_GPA_REAL		0x7000
#define X86_GPA_GDT		0x8000
#define X86_GPA_IDT		0x9000
#define X86_GPA_TSS		0xa000
#define X86_GPA_LOW		0x20000
#define X86_GPA_STACKS		0x100000
#define X86_STACK_SIZE		0x4000

#define X86_SAY_PORT		0xe1
#define X86_SEL_CODE		0x08
#define X86_SEL_DATA		0x10
#define X86_SEL_TSS		0x18
#define X86_SEL_CODE32		0x28
#define X86_SEL_USER_DATA	0x33	/* DPL 3 */
#define X86_SEL_USER_CODE	0x3b

/* What a vector's handler sees and may change. */
struct guest_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Guest side; a vector without one ends the test. */
typedef void (*guest_handler)(struct guest_frame *frame);
extern guest_handler guest_handlers[256];

static inline unsigned long arch_vm_type(void)
{
	return 0;
}

static inline void guest_say4(uint64_t kind, uint64_t a, uint64_t b, uint64_t c)
{
	asm volatile("outb %%al, %4"
		     : : "D"(kind), "S"(a), "d"(b), "c"(c), "i"(X86_SAY_PORT), "a"(0)
		     : "memory");
}

static inline void guest_pause(void)
{
	asm volatile("pause" : : : "memory");
}

/* One access of exactly this size, wherever it goes. */
#define X86_ACCESS(bits, type, modifier)					\
	static inline type guest_read##bits(uint64_t address)			\
	{									\
		type value;							\
										\
		asm volatile("mov %1, %" modifier "0"				\
			     : "=r"(value) : "m"(*(volatile type *)address) : "memory"); \
		return value;							\
	}									\
	static inline void guest_write##bits(uint64_t address, type value)	\
	{									\
		asm volatile("mov %" modifier "1, %0"				\
			     : "=m"(*(volatile type *)address) : "r"(value) : "memory"); \
	}
X86_ACCESS(8, uint8_t, "b")
X86_ACCESS(16, uint16_t, "w")
X86_ACCESS(32, uint32_t, "k")
X86_ACCESS(64, uint64_t, "q")

static inline void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t value;

	asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
		     : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline void cpuid(uint32_t leaf, uint32_t index, uint32_t regs[4])
{
	asm volatile("cpuid" : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
		     : "a"(leaf), "c"(index));
}

#define X86_CONTROL(name)							\
	static inline uint64_t read_##name(void)				\
	{									\
		uint64_t value;							\
										\
		asm volatile("mov %%" #name ", %0" : "=r"(value) : : "memory");	\
		return value;							\
	}									\
	static inline void write_##name(uint64_t value)				\
	{									\
		asm volatile("mov %0, %%" #name : : "r"(value) : "memory");	\
	}
X86_CONTROL(cr0)
X86_CONTROL(cr2)
X86_CONTROL(cr3)
X86_CONTROL(cr4)
X86_CONTROL(cr8)
X86_CONTROL(dr0)
X86_CONTROL(dr6)
X86_CONTROL(dr7)

static inline void sti(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void cli(void)
{
	asm volatile("cli" : : : "memory");
}

/* Let in what is pending, then go on. */
static inline void sti_nop_cli(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

static inline void sti_hlt(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

/*
 * Run one instruction that may trap: 0, or the vector that came; error code and
 * CR2 are in the variables then.  The instruction's operands are inputs by name;
 * it must change no register but those.
 */
extern volatile uint64_t guest_trap_error, guest_trap_address;
void guest_catch(void);			/* install the handlers; once per test */

#define GUEST_TRY_BEGIN	"lea 2f(%%rip), %%r11\n\txor %%r10d, %%r10d\n\t"
#define GUEST_TRY_END	"\n2:\n\tmov %%r10, %[vector]"
#define GUEST_TRY(text, ...)							\
	({									\
		uint64_t vector_;						\
										\
		asm volatile(GUEST_TRY_BEGIN text GUEST_TRY_END			\
			     : [vector] "=r"(vector_) : __VA_ARGS__		\
			     : "r10", "r11", "cc", "memory");			\
		vector_;							\
	})

static inline uint64_t try_rdmsr(uint32_t msr, uint64_t *value)
{
	uint32_t low = 0, high = 0;
	uint64_t vector;

	asm volatile(GUEST_TRY_BEGIN "rdmsr" GUEST_TRY_END
		     : [vector] "=r"(vector), "+a"(low), "+d"(high) : "c"(msr)
		     : "r10", "r11", "memory");
	*value = (uint64_t)high << 32 | low;
	return vector;
}

static inline uint64_t try_wrmsr(uint32_t msr, uint64_t value)
{
	return GUEST_TRY("wrmsr", "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* --- interrupt controllers, guest side --------------------------------------- */

#define APIC_BASE_MSR		0x1b
#define APIC_PAGE		0xfee00000UL
#define APIC_REG_ID		0x20
#define APIC_REG_VERSION	0x30
#define APIC_REG_TPR		0x80
#define APIC_REG_PPR		0xa0
#define APIC_REG_EOI		0xb0
#define APIC_REG_LDR		0xd0
#define APIC_REG_DFR		0xe0
#define APIC_REG_SPIV		0xf0
#define APIC_REG_ISR		0x100
#define APIC_REG_TMR		0x180
#define APIC_REG_IRR		0x200
#define APIC_REG_ESR		0x280
#define APIC_REG_ICR		0x300
#define APIC_REG_ICR2		0x310
#define APIC_REG_LVTT		0x320
#define APIC_REG_LVT0		0x350
#define APIC_REG_LVT1		0x360
#define APIC_REG_LVTERR		0x370
#define APIC_REG_TMICT		0x380
#define APIC_REG_TMCCT		0x390
#define APIC_REG_TDCR		0x3e0
#define APIC_REG_SELF_IPI	0x3f0
#define MSR_TSC_DEADLINE	0x6e0

extern bool guest_x2apic;		/* how the functions below reach the APIC */
uint32_t apic_read(uint32_t reg);
void apic_write(uint32_t reg, uint32_t value);
void apic_icr(uint32_t dest, uint32_t low);
/* Software-enable this vCPU's APIC, in x2APIC mode if @x2apic. */
void apic_enable(bool x2apic);
static inline void apic_eoi(void)
{
	apic_write(APIC_REG_EOI, 0);
}
static inline bool apic_bit(uint32_t bitmap, uint8_t vector)
{
	return apic_read(bitmap + vector / 32 * 0x10) & (1u << vector % 32);
}

void pic_disable(void);			/* mask all of its inputs */
#define IOAPIC_PAGE		0xfec00000UL
uint32_t ioapic_read(uint32_t reg);
void ioapic_write(uint32_t reg, uint32_t value);
/* Redirection entry @pin: fixed, physical, to APIC 0, plus @bits. */
void ioapic_route(uint32_t pin, uint8_t vector, uint32_t bits);
#define IOAPIC_LEVEL		0x8000
#define IOAPIC_MASKED		0x10000

/* --- portable interrupts: what common tests use -------------------------------- */

/* Guest: count the interrupts of an edge-triggered line. */
#define GUEST_IRQ_LINE		11
void guest_irq_setup(void);
extern volatile uint64_t guest_irq_count;
static inline void guest_irq_open(void)
{
	asm volatile("sti; nop; cli" : : : "memory");
}
/* Halt until an interrupt has come, and take it. */
static inline void guest_irq_wait(void)
{
	sti_hlt();
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

/* --- host side -------------------------------------------------------------------- */

struct vcpu;
/* The supported CPUID, patched with the APIC id. */
struct kvm_cpuid2 *x86_supported_cpuid(int vcpu_id);
/* 16-bit real mode at @address, all segment bases 0 but for CS as usual. */
void x86_real_mode(struct vcpu *vcpu, uint64_t address);
/* What some capabilities answer: of the host's CPU, and of what it is offered for. */
int x86_xsave_size(void);	/* bytes of all the state that a guest can have */
int x86_has_xsave(void);
int x86_guest_debug(void);	/* what a debugger in user space can use */
uint64_t x86_get_msr(struct vcpu *vcpu, uint32_t msr);
void x86_set_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value);

#endif /* LIB_X86_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU made of nothing but what the emulator looks at, in place of
 * arch/x86/x86.h.  Include it before a file of arch/x86.
 */
#ifndef TEST_DOUBLE_H
#define TEST_DOUBLE_H

#include <linux/kvm.h>
#include <linux/types.h>

#define X86_X86_H		/* keeps the real one out */

struct vcpu;

enum { EXIT_TO_USER, RESUME_GUEST, REENTER };
enum { X86_GPRS = 1, X86_RIP = 2, X86_CRS = 4, X86_SEGS = 16, X86_DEBUG = 64, X86_INTR = 256,
       X86_MODE = 1024, X86_STACK = 2048 };
enum {
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_GPR_COUNT = 16,
};
enum { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_LDTR, X86_TR, X86_SEG_COUNT };

struct x86_state {
	u64	gpr[X86_GPR_COUNT];
	u64	rip, rflags;
	u64	cr0, cr3, cr4, efer;
	u64	cs_base;
	struct kvm_segment seg[X86_SEG_COUNT];
	u8	shadow;
};

struct exit_info {
	u8	insn_count;
	u8	insn[15];
};

#define X86_FETCH_SETS	8
#define X86_FETCH_WAYS	2

struct x86_fetch {
	u64	rip, cs_base, cr3;
	hva_t	hva;
	u64	generation;
	u8	steps;
	struct x86_fetch_step { hva_t hva; u64 entry; } step[5];
};

#define X86_MOV_NONE	0xff

struct x86_mov_form {
	u64	bytes[2];
	s64	displacement, immediate;
	u8	length, base, index, shift, reg, size, reg_size;
	bool	write, has_immediate, rip_relative;
};

struct x86_mov {
	u64	bytes[2], data, address;
	u64	rip, cs_base, next_rip;
	u8	reg, size, reg_size;
	bool	write;
};

struct x86_fault {
	u8	vector;
	bool	has_error;
	u32	error;
	gva_t	address;
};

enum {
	X86_ACCESS_WRITE	= BIT(0),
	X86_ACCESS_EXEC		= BIT(1),
	X86_ACCESS_USER		= BIT(2),
	X86_ACCESS_SUPERVISOR	= BIT(3),
};

struct memslot {
	bool	readonly;
	u8	*memory;
};

static inline hva_t memslot_hva(const struct memslot *slot, gfn_t gfn)
{
	return (hva_t)slot->memory + (gfn << PAGE_SHIFT);
}

#define __user
#define get_user(x, p)		((x) = *(p), 0)
#define __get_user(x, p)	(memcpy(&(x), (p), sizeof(x)), 0)
#define smp_load_acquire(p)	(*(p))
#define pagefault_disable()	((void)0)
#define pagefault_enable()	((void)0)

struct vm {
	int	srcu;
	u64	slots_generation;
};

struct vcpu {
	struct vm	*vm;
	struct kvm_run	*run;
	unsigned long	 requests;
	u32		 debug_flags;
	int		(*complete)(struct vcpu *vcpu);
	struct {
		struct x86_state	 state;
		struct exit_info	 exit;
		struct x86_emulation	*emulation;
		struct { u8 maxphyaddr; } cpuid;
		u32			 pkru;
		int			 cpl;
		struct x86_fetch	 fetch[X86_FETCH_SETS][X86_FETCH_WAYS];
		struct { u64 emulated; } stats;
	}		 arch;

	/* What the test wants to know. */
	struct x86_fault fault;
	bool		 faulted;
	bool		 stepped;
	u32		 internal_error;
	int		 user_exits;
};

static inline void x86_need(struct vcpu *vcpu, u32 groups) {}
static inline void x86_dirty(struct vcpu *vcpu, u32 groups) {}
static inline gfn_t gpa_to_gfn(gpa_t gpa) { return gpa >> PAGE_SHIFT; }
static inline bool memslot_readonly(const struct memslot *slot) { return slot->readonly; }
static inline int srcu_read_lock(int *srcu) { return 0; }
static inline void srcu_read_unlock(int *srcu, int index) {}
static inline bool need_resched(void) { return false; }

#define GFP_KERNEL_ACCOUNT	0
static inline void *kzalloc(size_t size, int gfp) { return calloc(1, size); }
static inline void kfree(void *p) { free(p); }
static inline unsigned long __get_free_page(int gfp) { return (unsigned long)calloc(1, PAGE_SIZE); }
static inline void free_page(unsigned long page) { free((void *)page); }

bool x86_in_64bit(struct vcpu *vcpu);
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
int x86_cpl(struct vcpu *vcpu);
gva_t x86_linear_rip(struct vcpu *vcpu);
bool x86_guest_has(struct vcpu *vcpu, unsigned int feature);
int x86_xmm_read(struct vcpu *vcpu, int reg, void *data16);
int x86_xmm_write(struct vcpu *vcpu, int reg, const void *data16);
int x86_events_step(struct vcpu *vcpu, bool guest);
void x86_queue_exception(struct vcpu *vcpu, u8 vector);
void x86_queue_exception_error(struct vcpu *vcpu, u8 vector, u32 error);
void x86_queue_page_fault(struct vcpu *vcpu, gva_t address, u32 error);
int x86_inject_ud(struct vcpu *vcpu);
int x86_pio(struct vcpu *vcpu, u16 port, u8 size, u32 count, bool in, void *data,
	    int (*complete)(struct vcpu *vcpu));
void *x86_pio_data(struct vcpu *vcpu);

int x86_walk(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa, struct x86_fault *fault);
int x86_walk_nofault(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa);
int x86_ioctl_translate(struct vcpu *vcpu, struct kvm_translation *translation);
void x86_inject_fault(struct vcpu *vcpu, const struct x86_fault *fault);
int x86_emulate(struct vcpu *vcpu);
int x86_emulate_at(struct vcpu *vcpu, gpa_t gpa, bool write);
int x86_insn_length(struct vcpu *vcpu, bool may_sleep);
u64 x86_insn_next_expected(struct vcpu *vcpu, u64 rip, u64 cs_base, u64 cr3, u32 opcode,
			   int length);
void x86_emulate_free(struct vcpu *vcpu);

int guest_read(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len);
int guest_write(struct vcpu *vcpu, gpa_t gpa, const void *data, size_t len);
int guest_read_nofault(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len);
int guest_cmpxchg(struct vcpu *vcpu, gpa_t gpa, u64 old, u64 new, size_t len);
struct memslot *vcpu_memslot(struct vcpu *vcpu, gfn_t gfn);
bool vcpu_interrupted(struct vcpu *vcpu);
int vcpu_exit(struct vcpu *vcpu, u32 reason);
int vcpu_exit_internal(struct vcpu *vcpu, u32 suberror, const u64 *data, int count);
int vcpu_exit_memory_fault(struct vcpu *vcpu, gpa_t gpa, u64 size);
int vcpu_mmio(struct vcpu *vcpu, gpa_t gpa, void *data, u32 len, bool write,
	      int (*complete)(struct vcpu *vcpu));

#endif /* TEST_DOUBLE_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator against the CPU it runs on: random instructions from a table of
 * forms, with random registers and memory, are executed and emulated, and must
 * leave the same registers, flags and memory.  Every one is emulated with its
 * operand in RAM, in a device inside the kernel, in a device that user space
 * serves, and across the border of RAM and device: the log and the replay must
 * not show.  Then what a CPU in 64-bit user mode cannot show: faults, segments,
 * real mode, string I/O.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "double.h"
#include "tap.h"

/* The frame and the memory side, here with the doubles of double.h. */
#include "../../../arch/x86/emulate.c"
#include "../../../arch/x86/emulate_mem.c"
#include "../../../arch/x86/emulate_io.c"

#define ARENA		0x10000000UL	/* memory of native runs; gpa for the emulator */
#define ARENA_PAGES	4
#define ARENA_SIZE	(ARENA_PAGES * PAGE_SIZE)
#define MIDDLE		(ARENA + 2 * PAGE_SIZE)
#define STACK		(ARENA + 256)	/* PUSH, POP */
#define CODE		0x20000000UL
#define STATUS		0x8d5

extern u64 native_gpr[16], native_flags;
extern u8 native_xmm[16][16];
extern void *native_code;
void native_run(void);
void native_back(void);

static u8 *arena = (u8 *)ARENA, *code = (u8 *)CODE;

/* --- the double ---------------------------------------------------------------- */

enum where { IN_RAM, IN_KERNEL, IN_USER, HALF_USER };
static const char *const where_name[] = { "RAM", "kernel", "user space", "half RAM" };

static struct {
	u8		 memory[ARENA_SIZE];	/* at ARENA */
	u8		 low[0x20000];		/* at 0: real mode */
	u8		 xmm[16][16];
	enum where	 where;
	gpa_t		 absent;		/* page that faults, or 0 */
	gpa_t		 readonly;		/* page that faults on a write, or 0 */
	/* The access user space serves. */
	gpa_t		 gpa;
	void		*data;
	u32		 len;
	bool		 write;
	/* Port I/O. */
	u8		 pio[PAGE_SIZE];
	u16		 pio_port;
	u32		 pio_bytes, pio_calls;
	bool		 pio_in, pio_user;
	u8		 pio_next;
	int		 interrupt_after;
} box;

static void *box_at(gpa_t gpa, u32 len)
{
	if (gpa >= ARENA && gpa + len <= ARENA + ARENA_SIZE)
		return box.memory + (gpa - ARENA);
	if (gpa >= CODE && gpa + len <= CODE + PAGE_SIZE)
		return code + (gpa - CODE);
	if (gpa + len <= sizeof(box.low))
		return box.low + gpa;

	return NULL;
}

static struct memslot ram = {};

struct memslot *vcpu_memslot(struct vcpu *vcpu, gfn_t gfn)
{
	gpa_t gpa = gfn << PAGE_SHIFT;

	if (gpa < ARENA || gpa >= ARENA + ARENA_SIZE || box.where == IN_RAM)
		return &ram;
	/* The stack page stays RAM. */
	if (gpa == ARENA)
		return &ram;
	if (box.where == HALF_USER)
		return gpa < MIDDLE ? &ram : NULL;

	return NULL;
}

int guest_read(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len)
{
	void *p = box_at(gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(data, p, len);

	return 0;
}

int guest_write(struct vcpu *vcpu, gpa_t gpa, const void *data, size_t len)
{
	void *p = box_at(gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, data, len);

	return 0;
}

int guest_read_nofault(struct vcpu *vcpu, gpa_t gpa, void *data, size_t len)
{
	return guest_read(vcpu, gpa, data, len);
}

int guest_cmpxchg(struct vcpu *vcpu, gpa_t gpa, u64 old, u64 new, size_t len)
{
	void *p = box_at(gpa, len);

	if (!p)
		return -EFAULT;
	if (memcmp(p, &old, len))
		return -EAGAIN;
	memcpy(p, &new, len);

	return 0;
}

int vcpu_mmio(struct vcpu *vcpu, gpa_t gpa, void *data, u32 len, bool write,
	      int (*complete)(struct vcpu *vcpu))
{
	if (box.where == IN_KERNEL)
		return (write ? guest_write(vcpu, gpa, data, len) :
				guest_read(vcpu, gpa, data, len)) ?: RESUME_GUEST;
	box.gpa = gpa;
	box.data = data;
	box.len = len;
	box.write = write;
	vcpu->complete = complete;
	vcpu->user_exits++;

	return EXIT_TO_USER;
}

void *x86_pio_data(struct vcpu *vcpu)
{
	return box.pio;
}

static void pio_device(void *data)
{
	u32 i;

	for (i = 0; i < box.pio_bytes && box.pio_in; i++)
		((u8 *)data)[i] = box.pio_next++;
}

int x86_pio(struct vcpu *vcpu, u16 port, u8 size, u32 count, bool in, void *data,
	    int (*complete)(struct vcpu *vcpu))
{
	box.pio_port = port;
	box.pio_bytes = size * count;
	box.pio_in = in;
	box.pio_calls++;
	if (!in)
		memcpy(box.pio, data, box.pio_bytes);
	if (!box.pio_user) {
		pio_device(data);
		return RESUME_GUEST;
	}
	vcpu->complete = complete;
	vcpu->user_exits++;
	box.data = NULL;

	return EXIT_TO_USER;
}

/* What a VMM does between two KVM_RUN. */
static int user_serves(struct vcpu *vcpu)
{
	int (*complete)(struct vcpu *vcpu) = vcpu->complete;

	if (!box.data)
		pio_device(box.pio);
	else if (box.write)
		guest_write(vcpu, box.gpa, box.data, box.len);
	else
		guest_read(vcpu, box.gpa, box.data, box.len);
	vcpu->complete = NULL;

	return complete(vcpu);
}

int x86_walk(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa, struct x86_fault *fault)
{
	gpa_t page = gva & ~(PAGE_SIZE - 1);

	if ((box.absent && page == box.absent) ||
	    (box.readonly && page == box.readonly && access & X86_ACCESS_WRITE)) {
		*fault = (struct x86_fault){ X86_TRAP_PF, true, access, gva };
		return 1;
	}
	*gpa = gva;

	return 0;
}

int x86_walk_nofault(struct vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa)
{
	*gpa = gva;

	return 0;
}

void x86_inject_fault(struct vcpu *vcpu, const struct x86_fault *fault)
{
	vcpu->fault = *fault;
	vcpu->faulted = true;
}

int x86_inject_ud(struct vcpu *vcpu)
{
	vcpu->fault = (struct x86_fault){ .vector = X86_TRAP_UD };
	vcpu->faulted = true;

	return RESUME_GUEST;
}

int x86_events_step(struct vcpu *vcpu, bool guest)
{
	vcpu->stepped = true;

	return RESUME_GUEST;
}

bool x86_in_64bit(struct vcpu *vcpu)
{
	return vcpu->arch.state.seg[X86_CS].l;
}

int x86_cpl(struct vcpu *vcpu)
{
	return vcpu->arch.cpl;
}

gva_t x86_linear_rip(struct vcpu *vcpu)
{
	return vcpu->arch.state.rip + (x86_in_64bit(vcpu) ? 0 : vcpu->arch.state.seg[X86_CS].base);
}

bool x86_guest_has(struct vcpu *vcpu, unsigned int feature)
{
	return true;
}

int x86_xmm_read(struct vcpu *vcpu, int reg, void *data16)
{
	memcpy(data16, box.xmm[reg], 16);

	return 0;
}

int x86_xmm_write(struct vcpu *vcpu, int reg, const void *data16)
{
	memcpy(box.xmm[reg], data16, 16);

	return 0;
}

bool vcpu_interrupted(struct vcpu *vcpu)
{
	return box.interrupt_after && !--box.interrupt_after;
}

int vcpu_exit_internal(struct vcpu *vcpu, u32 suberror, const u64 *data, int count)
{
	vcpu->internal_error = suberror;

	return EXIT_TO_USER;
}

int vcpu_exit_memory_fault(struct vcpu *vcpu, gpa_t gpa, u64 size)
{
	return -EFAULT;
}

/* --- one instruction both ways ----------------------------------------------------- */

static struct vcpu vcpu;

static void vcpu_flat64(void)
{
	struct x86_emulation *e = vcpu.arch.emulation;

	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.arch.emulation = e;
	vcpu.arch.cpl = 3;
	vcpu.arch.state.cr0 = 0x80000031;
	vcpu.arch.state.seg[X86_CS].l = 1;
}

/* Emulate until the instruction is complete.  False: it was refused. */
static bool emulate(void)
{
	int ret = x86_emulate(&vcpu), turns = 0;

	for (;;) {
		while (ret == EXIT_TO_USER && vcpu.complete)
			ret = user_serves(&vcpu);
		if (ret != RESUME_GUEST || vcpu.faulted || vcpu.internal_error)
			return ret == RESUME_GUEST && !vcpu.faulted;
		/* REP that paused: the guest executes it again. */
		if (vcpu.arch.state.rip != CODE || ++turns > 1000)
			return true;
		ret = x86_emulate(&vcpu);
	}
}

static sigjmp_buf native_fault;

static void on_fault(int sig)
{
	siglongjmp(native_fault, 1);
}

/* False: it raised an exception. */
static bool native(int length)
{
	static const u8 jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
	void *back = native_back;
	bool ok;

	memcpy(code + length, jump, sizeof(jump));
	memcpy(code + length + sizeof(jump), &back, sizeof(back));
	native_code = code;
	ok = !sigsetjmp(native_fault, 1);
	if (ok)
		native_run();

	return ok;
}

/* --- forms ---------------------------------------------------------------------------- */

enum {
	F_MODRM		= 1 << 0,	/* ModRM with memory */
	F_REGISTER	= 1 << 1,	/* also tested with a register in its place */
	F_GROUP		= 1 << 2,	/* ModRM.reg is @reg */
	F_IB		= 1 << 3,
	F_IZ		= 1 << 4,
	F_BYTE		= 1 << 5,
	F_LOCK		= 1 << 6,
	F_STRING	= 1 << 7,
	F_REP		= 1 << 8,
	F_BIT		= 1 << 9,	/* the register holds a bit number */
	F_SHIFT		= 1 << 10,	/* count decides what is defined */
	F_DIVIDE	= 1 << 11,
	F_SSE		= 1 << 12,
	F_ALIGNED	= 1 << 13,
	F_NO66		= 1 << 14,
	F_NOW		= 1 << 15,
	F_MOFFS		= 1 << 16,
	F_STACK		= 1 << 17,
	F_ROTATE	= 1 << 18,
	F_XLAT		= 1 << 19,
	F_ZERO_KEEPS	= 1 << 20,	/* BSF, BSR of nothing: CPUs differ */
	F_NOREX		= 1 << 21,
};

struct form {
	const char	*name;
	const char	*opcode;
	int		 length;	/* of the opcode */
	u32		 flags;
	u8		 reg;
	u16		 undefined;	/* flags */
};

enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048 };

#define E	(F_MODRM | F_REGISTER)
#define EB	(E | F_BYTE)
#define ALU(name, n)									\
	{ name " Eb,Gb", (const char[]){ n * 8 }, 1, EB | (n < 7 ? F_LOCK : 0), 0, n == 1 || n == 4 || n == 6 ? AF : 0 }, \
	{ name " Ev,Gv", (const char[]){ n * 8 + 1 }, 1, E | (n < 7 ? F_LOCK : 0), 0, n == 1 || n == 4 || n == 6 ? AF : 0 }, \
	{ name " Gb,Eb", (const char[]){ n * 8 + 2 }, 1, EB, 0, n == 1 || n == 4 || n == 6 ? AF : 0 }, \
	{ name " Gv,Ev", (const char[]){ n * 8 + 3 }, 1, E, 0, n == 1 || n == 4 || n == 6 ? AF : 0 }, \
	{ name " Eb,Ib", "\x80", 1, EB | F_GROUP | F_IB | (n < 7 ? F_LOCK : 0), n, n == 1 || n == 4 || n == 6 ? AF : 0 }, \
	{ name " Ev,Iz", "\x81", 1, E | F_GROUP | F_IZ | (n < 7 ? F_LOCK : 0), n, n == 1 || n == 4 || n == 6 ? AF : 0 }, \
	{ name " Ev,Ib", "\x83", 1, E | F_GROUP | F_IB | (n < 7 ? F_LOCK : 0), n, n == 1 || n == 4 || n == 6 ? AF : 0 }
#define SHIFT(name, n, kind)								\
	{ name " Eb,Ib", "\xc0", 1, EB | F_GROUP | F_IB | kind, n, 0 },			\
	{ name " Ev,Ib", "\xc1", 1, E | F_GROUP | F_IB | kind, n, 0 },			\
	{ name " Eb,1", "\xd0", 1, EB | F_GROUP | kind, n, 0 },				\
	{ name " Ev,1", "\xd1", 1, E | F_GROUP | kind, n, 0 },				\
	{ name " Eb,CL", "\xd2", 1, EB | F_GROUP | kind, n, 0 },			\
	{ name " Ev,CL", "\xd3", 1, E | F_GROUP | kind, n, 0 }
#define STRING(name, op, extra)								\
	{ name "b", (const char[]){ op }, 1, F_STRING | F_BYTE, 0, 0 },			\
	{ name "v", (const char[]){ op + 1 }, 1, F_STRING, 0, 0 },			\
	{ "rep " name "b", (const char[]){ op }, 1, F_STRING | F_REP | F_BYTE, 0, 0 },	\
	{ "rep " name "v", (const char[]){ op + 1 }, 1, F_STRING | F_REP, 0, 0 }
#define SSE(name, op, flags)	{ name, op, sizeof(op) - 1, F_MODRM | F_SSE | F_NO66 | (flags), 0, 0 }

static const struct form forms[] = {
	ALU("add", 0), ALU("or", 1), ALU("adc", 2), ALU("sbb", 3), ALU("and", 4), ALU("sub", 5),
	ALU("xor", 6), ALU("cmp", 7),
	SHIFT("rol", 0, F_ROTATE), SHIFT("ror", 1, F_ROTATE), SHIFT("rcl", 2, F_ROTATE),
	SHIFT("rcr", 3, F_ROTATE), SHIFT("shl", 4, F_SHIFT), SHIFT("shr", 5, F_SHIFT),
	SHIFT("sal", 6, F_SHIFT), SHIFT("sar", 7, F_SHIFT),
	{ "test Eb,Gb", "\x84", 1, EB, 0, AF }, { "test Ev,Gv", "\x85", 1, E, 0, AF },
	{ "test Eb,Ib", "\xf6", 1, EB | F_GROUP | F_IB, 0, AF },
	{ "test Ev,Iz", "\xf7", 1, E | F_GROUP | F_IZ, 0, AF },
	{ "not Eb", "\xf6", 1, EB | F_GROUP | F_LOCK, 2, 0 },
	{ "not Ev", "\xf7", 1, E | F_GROUP | F_LOCK, 2, 0 },
	{ "neg Eb", "\xf6", 1, EB | F_GROUP | F_LOCK, 3, 0 },
	{ "neg Ev", "\xf7", 1, E | F_GROUP | F_LOCK, 3, 0 },
	{ "mul Eb", "\xf6", 1, EB | F_GROUP, 4, SF | ZF | AF | PF },
	{ "mul Ev", "\xf7", 1, E | F_GROUP, 4, SF | ZF | AF | PF },
	{ "imul Eb", "\xf6", 1, EB | F_GROUP, 5, SF | ZF | AF | PF },
	{ "imul Ev", "\xf7", 1, E | F_GROUP, 5, SF | ZF | AF | PF },
	{ "div Eb", "\xf6", 1, EB | F_GROUP | F_DIVIDE, 6, STATUS },
	{ "div Ev", "\xf7", 1, E | F_GROUP | F_DIVIDE, 6, STATUS },
	{ "idiv Eb", "\xf6", 1, EB | F_GROUP | F_DIVIDE, 7, STATUS },
	{ "idiv Ev", "\xf7", 1, E | F_GROUP | F_DIVIDE, 7, STATUS },
	{ "imul Gv,Ev", "\x0f\xaf", 2, E, 0, SF | ZF | AF | PF },
	{ "imul Gv,Ev,Iz", "\x69", 1, E | F_IZ, 0, SF | ZF | AF | PF },
	{ "imul Gv,Ev,Ib", "\x6b", 1, E | F_IB, 0, SF | ZF | AF | PF },
	{ "inc Eb", "\xfe", 1, EB | F_GROUP | F_LOCK, 0, 0 },
	{ "inc Ev", "\xff", 1, E | F_GROUP | F_LOCK, 0, 0 },
	{ "dec Eb", "\xfe", 1, EB | F_GROUP | F_LOCK, 1, 0 },
	{ "dec Ev", "\xff", 1, E | F_GROUP | F_LOCK, 1, 0 },
	{ "push Ev", "\xff", 1, F_MODRM | F_GROUP | F_STACK, 6, 0 },
	{ "pop Ev", "\x8f", 1, F_MODRM | F_GROUP | F_STACK, 0, 0 },
	{ "push r", "\x51", 1, F_STACK, 0, 0 }, { "pop r", "\x5a", 1, F_STACK, 0, 0 },
	{ "push Iz", "\x68", 1, F_STACK | F_IZ, 0, 0 }, { "push Ib", "\x6a", 1, F_STACK | F_IB, 0, 0 },
	{ "xchg Eb,Gb", "\x86", 1, EB | F_LOCK, 0, 0 }, { "xchg Ev,Gv", "\x87", 1, E | F_LOCK, 0, 0 },
	{ "mov Eb,Gb", "\x88", 1, EB, 0, 0 }, { "mov Ev,Gv", "\x89", 1, E, 0, 0 },
	{ "mov Gb,Eb", "\x8a", 1, EB, 0, 0 }, { "mov Gv,Ev", "\x8b", 1, E, 0, 0 },
	{ "lea Gv,M", "\x8d", 1, F_MODRM, 0, 0 },
	{ "mov Eb,Ib", "\xc6", 1, EB | F_GROUP | F_IB, 0, 0 },
	{ "mov Ev,Iz", "\xc7", 1, E | F_GROUP | F_IZ, 0, 0 },
	{ "mov AL,Ob", "\xa0", 1, F_MOFFS | F_BYTE, 0, 0 }, { "mov rAX,Ov", "\xa1", 1, F_MOFFS, 0, 0 },
	{ "mov Ob,AL", "\xa2", 1, F_MOFFS | F_BYTE, 0, 0 }, { "mov Ov,rAX", "\xa3", 1, F_MOFFS, 0, 0 },
	{ "movsxd Gv,Ev", "\x63", 1, E, 0, 0 },
	{ "movzx Gv,Eb", "\x0f\xb6", 2, E, 0, 0 }, { "movzx Gv,Ew", "\x0f\xb7", 2, E, 0, 0 },
	{ "movsx Gv,Eb", "\x0f\xbe", 2, E, 0, 0 }, { "movsx Gv,Ew", "\x0f\xbf", 2, E, 0, 0 },
	{ "movnti Ed,Gd", "\x0f\xc3", 2, F_MODRM | F_NO66, 0, 0 },
	{ "movbe Gv,Ev", "\x0f\x38\xf0", 3, F_MODRM, 0, 0 },
	{ "movbe Ev,Gv", "\x0f\x38\xf1", 3, F_MODRM, 0, 0 },
	{ "cmovo", "\x0f\x40", 2, E, 0, 0 }, { "cmovc", "\x0f\x42", 2, E, 0, 0 },
	{ "cmovne", "\x0f\x45", 2, E, 0, 0 }, { "cmovbe", "\x0f\x46", 2, E, 0, 0 },
	{ "cmovs", "\x0f\x48", 2, E, 0, 0 }, { "cmovp", "\x0f\x4a", 2, E, 0, 0 },
	{ "cmovl", "\x0f\x4c", 2, E, 0, 0 }, { "cmovg", "\x0f\x4f", 2, E, 0, 0 },
	{ "setno", "\x0f\x91", 2, EB, 0, 0 }, { "setae", "\x0f\x93", 2, EB, 0, 0 },
	{ "sete", "\x0f\x94", 2, EB, 0, 0 }, { "seta", "\x0f\x97", 2, EB, 0, 0 },
	{ "setge", "\x0f\x9d", 2, EB, 0, 0 }, { "setle", "\x0f\x9e", 2, EB, 0, 0 },
	{ "bt Ev,Gv", "\x0f\xa3", 2, E | F_BIT, 0, OF | SF | AF | PF },
	{ "bts Ev,Gv", "\x0f\xab", 2, E | F_BIT | F_LOCK, 0, OF | SF | AF | PF },
	{ "btr Ev,Gv", "\x0f\xb3", 2, E | F_BIT | F_LOCK, 0, OF | SF | AF | PF },
	{ "btc Ev,Gv", "\x0f\xbb", 2, E | F_BIT | F_LOCK, 0, OF | SF | AF | PF },
	{ "bt Ev,Ib", "\x0f\xba", 2, E | F_GROUP | F_IB, 4, OF | SF | AF | PF },
	{ "bts Ev,Ib", "\x0f\xba", 2, E | F_GROUP | F_IB | F_LOCK, 5, OF | SF | AF | PF },
	{ "btr Ev,Ib", "\x0f\xba", 2, E | F_GROUP | F_IB | F_LOCK, 6, OF | SF | AF | PF },
	{ "btc Ev,Ib", "\x0f\xba", 2, E | F_GROUP | F_IB | F_LOCK, 7, OF | SF | AF | PF },
	{ "shld Ev,Gv,Ib", "\x0f\xa4", 2, E | F_IB | F_SHIFT, 0, 0 },
	{ "shld Ev,Gv,CL", "\x0f\xa5", 2, E | F_SHIFT, 0, 0 },
	{ "shrd Ev,Gv,Ib", "\x0f\xac", 2, E | F_IB | F_SHIFT, 0, 0 },
	{ "shrd Ev,Gv,CL", "\x0f\xad", 2, E | F_SHIFT, 0, 0 },
	{ "bsf Gv,Ev", "\x0f\xbc", 2, E | F_ZERO_KEEPS, 0, CF | OF | SF | AF | PF },
	{ "bsr Gv,Ev", "\x0f\xbd", 2, E | F_ZERO_KEEPS, 0, CF | OF | SF | AF | PF },
	{ "tzcnt Gv,Ev", "\xf3\x0f\xbc", 3, E, 0, OF | SF | AF | PF },
	{ "lzcnt Gv,Ev", "\xf3\x0f\xbd", 3, E, 0, OF | SF | AF | PF },
	{ "popcnt Gv,Ev", "\xf3\x0f\xb8", 3, E, 0, 0 },
	{ "cmpxchg Eb,Gb", "\x0f\xb0", 2, EB | F_LOCK, 0, 0 },
	{ "cmpxchg Ev,Gv", "\x0f\xb1", 2, E | F_LOCK, 0, 0 },
	{ "xadd Eb,Gb", "\x0f\xc0", 2, EB | F_LOCK, 0, 0 },
	{ "xadd Ev,Gv", "\x0f\xc1", 2, E | F_LOCK, 0, 0 },
	{ "cmpxchg8b", "\x0f\xc7", 2, F_MODRM | F_GROUP | F_LOCK | F_NOW | F_NO66, 1, 0 },
	{ "xlat", "\xd7", 1, F_XLAT | F_NO66 | F_NOW, 0, 0 },
	STRING("movs", '\xa4', 0), STRING("cmps", '\xa6', 0), STRING("stos", '\xaa', 0),
	STRING("lods", '\xac', 0), STRING("scas", '\xae', 0),
	SSE("movups load", "\x0f\x10", 0), SSE("movups store", "\x0f\x11", 0),
	SSE("movupd load", "\x66\x0f\x10", 0), SSE("movss load", "\xf3\x0f\x10", 0),
	SSE("movss store", "\xf3\x0f\x11", 0), SSE("movsd load", "\xf2\x0f\x10", 0),
	SSE("movsd store", "\xf2\x0f\x11", 0), SSE("movlps load", "\x0f\x12", 0),
	SSE("movlpd store", "\x66\x0f\x13", 0), SSE("movhps load", "\x0f\x16", 0),
	SSE("movhps store", "\x0f\x17", 0), SSE("movaps load", "\x0f\x28", F_ALIGNED),
	SSE("movapd store", "\x66\x0f\x29", F_ALIGNED), SSE("movntps", "\x0f\x2b", F_ALIGNED),
	SSE("movd load", "\x66\x0f\x6e", 0), SSE("movd store", "\x66\x0f\x7e", 0),
	SSE("movq load", "\xf3\x0f\x7e", 0), SSE("movq store", "\x66\x0f\xd6", 0),
	SSE("movdqa load", "\x66\x0f\x6f", F_ALIGNED), SSE("movdqa store", "\x66\x0f\x7f", F_ALIGNED),
	SSE("movdqu load", "\xf3\x0f\x6f", 0), SSE("movdqu store", "\xf3\x0f\x7f", 0),
	SSE("movntdq", "\x66\x0f\xe7", F_ALIGNED), SSE("lddqu", "\xf2\x0f\xf0", 0),
	SSE("movntdqa", "\x66\x0f\x38\x2a", F_ALIGNED),
	SSE("vmovdqu store", "\xc5\xfa\x7f", F_NOW | F_NOREX),
	SSE("vmovaps store", "\xc5\xf8\x29", F_ALIGNED | F_NOW | F_NOREX),
};

/* --- making an instruction --------------------------------------------------------------- */

static u64 random64(void)
{
	static const u64 edges[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, -1ull, -2ull };
	u64 r = (u64)random() << 42 ^ (u64)random() << 21 ^ random();

	return random() % 3 ? r : edges[random() % 16];
}

struct trial {
	u8	bytes[15];
	int	length;
	int	operand_size;
	u16	undefined;
	u64	gpr[16], flags;
	bool	defined;		/* the CPU's result can be compared */
};

static void put(struct trial *t, u64 value, int size)
{
	memcpy(t->bytes + t->length, &value, size);
	t->length += size;
}

static u64 pick_target(const struct form *form)
{
	/* Near and across the border between the two middle pages. */
	u64 target = MIDDLE - 24 + random() % 48;

	return form->flags & F_ALIGNED ? target & ~15ull : target;
}

/* ModRM for memory at @target by a random form of address. */
static void put_memory(struct trial *t, int reg, u64 target, int immediate, u8 *rex, int *rex_at)
{
	static const u8 bases[] = { 3, 6, 7, 8, 9, 11, 14, 5, 13, 12 };
	int base = bases[random() % sizeof(bases)], index = random() & 15;
	s8 disp8 = random();
	s64 scale = random() & 3;

	switch (random() % 4) {
	case 0:					/* RIP-relative */
		put(t, (reg & 7) << 3 | 5, 1);
		put(t, target - (CODE + t->length + 4 + immediate), 4);
		return;
	case 1:					/* base and displacement */
		if ((base & 7) == 4)
			base = 3;
		t->gpr[base] = target - disp8;
		*rex |= base & 8 ? 1 : 0;
		put(t, 0x40 | (reg & 7) << 3 | (base & 7), 1);
		put(t, disp8, 1);
		break;
	case 2:					/* base, index, displacement */
		if (index == 4 || index == base)
			index = 2;
		t->gpr[index] = (s32)random() >> 8;
		t->gpr[base] = target - disp8 * 1000 - (t->gpr[index] << scale);
		*rex |= (base & 8 ? 1 : 0) | (index & 8 ? 2 : 0);
		put(t, 0x80 | (reg & 7) << 3 | 4, 1);
		put(t, scale << 6 | (index & 7) << 3 | (base & 7), 1);
		put(t, disp8 * 1000, 4);
		break;
	default:				/* absolute */
		put(t, (reg & 7) << 3 | 4, 1);
		put(t, 0x25, 1);
		put(t, target, 4);
	}
	if (*rex_at >= 0)
		t->bytes[*rex_at] |= *rex;
}

/* What the count leaves undefined. */
static void shift_defined(const struct form *form, struct trial *t, u8 immediate)
{
	bool twice = form->opcode[0] == 0x0f;
	u8 last = form->opcode[form->length - 1], count, bits = 8 * t->operand_size;

	if (form->flags & F_IB)
		count = immediate;
	else if (!twice && (u8)(last & 0xfe) == 0xd0)
		count = 1;
	else
		count = t->gpr[X86_RCX];
	count &= t->operand_size == 8 ? 63 : 31;
	if (!count)
		return;
	if (count != 1)
		t->undefined |= OF;
	if (form->flags & F_SHIFT) {
		t->undefined |= AF;
		if (count > bits || (count == bits && !twice))
			t->undefined |= CF;
		if (twice && count > bits)
			t->defined = false;
	}
}

static void make_prefixes(const struct form *form, struct trial *t, int variant, int *rex_at)
{
	bool w = (variant & 3) == 2 && !(form->flags & (F_NOW | F_BYTE));

	*rex_at = -1;
	if ((variant & 3) == 1 && !(form->flags & (F_NO66 | F_BYTE)))
		put(t, 0x66, 1);
	t->operand_size = form->flags & F_BYTE ? 1 : w ? 8 : t->length ? 2 : 4;
	if (form->flags & F_REP)
		put(t, variant & 4 ? 0xf2 : 0xf3, 1);
	if (form->flags & F_LOCK && variant & 8)
		put(t, 0xf0, 1);
	/* Mandatory prefixes come before REX. */
	if (form->length > 2 && (form->opcode[0] == (char)0xf3 || form->opcode[0] == (char)0xf2 ||
				 form->opcode[0] == 0x66))
		put(t, (u8)form->opcode[0], 1);
	if (form->flags & F_NOREX)
		return;
	if (w || variant & 16) {
		*rex_at = t->length;
		put(t, 0x40 | (w ? 8 : 0), 1);
	}
}

static void make(const struct form *form, struct trial *t, int variant, bool to_register)
{
	bool mandatory = form->length > 2 && (form->opcode[0] == (char)0xf3 ||
					      form->opcode[0] == (char)0xf2 || form->opcode[0] == 0x66);
	int i, rex_at, reg, imm = 0;
	u64 target = pick_target(form);
	u8 rex = 0, immediate = random() >> 8;

	memset(t, 0, sizeof(*t));
	t->defined = true;
	t->undefined = form->undefined;
	for (i = 0; i < 16; i++)
		t->gpr[i] = random64();
	t->gpr[X86_RSP] = STACK;
	t->flags = 0x202 | (random() & STATUS);
	if (to_register)
		variant &= ~8;
	make_prefixes(form, t, variant, &rex_at);
	for (i = mandatory; i < form->length; i++)
		put(t, (u8)form->opcode[i], 1);

	if (form->flags & F_IB)
		imm = 1;
	else if (form->flags & F_IZ)
		imm = t->operand_size == 2 ? 2 : t->operand_size == 1 ? 1 : 4;
	reg = form->flags & F_GROUP ? form->reg : random() & 7;
	if (!(form->flags & (F_GROUP | F_SSE)) && (reg & 7) == 4 && rex_at >= 0)
		reg = 2;		/* SPL, RSP: the stack is ours */
	if (!(form->flags & (F_GROUP | F_SSE)) && reg == 4 && t->operand_size != 1)
		reg = 2;
	if (form->flags & F_MODRM && to_register) {
		int rm = random() & 7;

		if (rm == 4 && (t->operand_size != 1 || rex_at >= 0))
			rm = 3;
		put(t, 0xc0 | reg << 3 | rm, 1);
	} else if (form->flags & F_BIT) {
		/* An address that does not change with the bit number. */
		put(t, reg << 3 | 4, 1);
		put(t, 0x25, 1);
		put(t, target, 4);
	} else if (form->flags & F_MODRM) {
		/* Without REX only the lower registers can be the base. */
		int tries = 0, length = t->length;
		u64 gpr[16];

		memcpy(gpr, t->gpr, sizeof(gpr));
		do {
			memcpy(t->gpr, gpr, sizeof(gpr));
			t->length = length;
			rex = 0;
			put_memory(t, reg, target, imm, &rex, &rex_at);
		} while (rex && rex_at < 0 && ++tries < 1000);
	}
	if (form->flags & F_MOFFS)
		put(t, target, 8);
	put(t, immediate | (u64)random() << 8, imm);

	if (form->flags & F_BIT)
		t->gpr[reg & 7] = (s64)(random() % 4096) - 2048;
	if (form->flags & F_XLAT)
		t->gpr[X86_RBX] = target - (t->gpr[X86_RAX] & 0xff);
	if (form->flags & F_STRING) {
		t->gpr[X86_RSI] = target;
		t->gpr[X86_RDI] = MIDDLE - 40 + random() % 80;
		t->gpr[X86_RCX] = random() % 9;
		if (random() & 1)
			t->flags |= 0x400;
	}
	if (form->flags & (F_SHIFT | F_ROTATE))
		shift_defined(form, t, immediate);
}

static void show(const struct form *form, const struct trial *t, const char *what)
{
	int i;

	printf("# %s (%s):", form->name, what);
	for (i = 0; i < t->length; i++)
		printf(" %02x", t->bytes[i]);
	printf("\n");
}

static bool same_registers(const struct form *form, const struct trial *t)
{
	const struct x86_state *state = &vcpu.arch.state;
	bool same = true;
	int i;

	for (i = 0; i < 16; i++) {
		if (native_gpr[i] == state->gpr[i])
			continue;
		same = false;
		printf("#   r%d: was %llx, CPU %llx, emulated %llx\n", i,
		       (unsigned long long)t->gpr[i], (unsigned long long)native_gpr[i],
		       (unsigned long long)state->gpr[i]);
	}
	if ((native_flags ^ state->rflags) & STATUS & ~t->undefined) {
		same = false;
		printf("#   flags: were %llx, CPU %llx, emulated %llx\n",
		       (unsigned long long)t->flags, (unsigned long long)native_flags,
		       (unsigned long long)state->rflags);
	}
	if (state->rip != CODE + t->length) {
		same = false;
		printf("#   rip %llx\n", (unsigned long long)state->rip - CODE);
	}

	return same;
}

/* One trial in all places.  False: they differ. */
static bool compare(const struct form *form, const struct trial *t)
{
	static u8 before[ARENA_SIZE], xmm_before[16][16];
	enum where where;
	bool ok = true, native_ok;
	size_t i;

	for (i = 2 * PAGE_SIZE - 400; i < 2 * PAGE_SIZE + 400; i++)
		before[i] = random() % 4 ? random() >> 5 : 0;
	for (i = 0; i < sizeof(xmm_before); i++)
		((u8 *)xmm_before)[i] = random() >> 5;

	memcpy(arena, before, ARENA_SIZE);
	memcpy(native_gpr, t->gpr, sizeof(t->gpr));
	memcpy(native_xmm, xmm_before, sizeof(native_xmm));
	native_flags = t->flags;
	memcpy(code, t->bytes, t->length);
	native_ok = native(t->length);

	for (where = IN_RAM; where <= HALF_USER; where++) {
		vcpu_flat64();
		box.where = where;
		memcpy(box.memory, before, ARENA_SIZE);
		memcpy(box.xmm, xmm_before, sizeof(box.xmm));
		memcpy(vcpu.arch.state.gpr, t->gpr, sizeof(t->gpr));
		vcpu.arch.state.rip = CODE;
		vcpu.arch.state.rflags = t->flags;
		if (emulate() != native_ok) {
			show(form, t, where_name[where]);
			printf("#   fault %d, CPU %s\n", vcpu.faulted ? vcpu.fault.vector : -1,
			       native_ok ? "none" : "faults");
			return false;
		}
		if (!native_ok || !t->defined)
			continue;
		if (!same_registers(form, t) || memcmp(box.memory, arena, ARENA_SIZE) ||
		    (form->flags & F_SSE && memcmp(box.xmm, native_xmm, sizeof(box.xmm)))) {
			show(form, t, where_name[where]);
			ok = false;
		}
	}

	return ok;
}

#define TRIALS	400

static void against_cpu(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct form *form = &forms[i];
		int n, bad = 0;

		for (n = 0; n < TRIALS && bad < 3; n++) {
			struct trial t;

			make(form, &t, n, form->flags & F_REGISTER && n % 5 == 4);
			if (!compare(form, &t))
				bad++;
		}
		tap(!bad, "%s does what the CPU does", form->name);
	}
}

#include "emulate_cases.h"

int main(void)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER | SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mmap(arena, ARENA_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != arena ||
	    mmap(code, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != code) {
		printf("1..0 # SKIP no memory at fixed addresses\n");
		return 0;
	}
	/* The tested code has a stack that is no stack. */
	sigaltstack(&stack, NULL);
	sigaction(SIGFPE, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	srandom(1);
	against_cpu();
	cases();
	x86_emulate_free(&vcpu);

	return tap_end();
}

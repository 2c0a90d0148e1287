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

/* No local APIC in these tests; the emulator asks for it first. */
bool lapic_mmio_match(struct vcpu *vcpu, gpa_t gpa)
{
	return false;
}

void lapic_mmio_read(struct vcpu *vcpu, gpa_t gpa, int len, void *data)
{
}

void lapic_mmio_write(struct vcpu *vcpu, gpa_t gpa, int len, const void *data)
{
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

static struct vm vm;
static struct vcpu vcpu;

static void vcpu_flat64(void)
{
	struct x86_emulation *e = vcpu.arch.emulation;

	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.vm = &vm;
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

#include "emulate_forms.h"

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
		if (form->flags & F_ZERO_KEEPS && native_flags & ZF)
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

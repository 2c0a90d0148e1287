// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker of guest page tables: every paging mode, page size and right, error
 * codes, accessed and dirty bits.
 */
#include <stdio.h>

#include <asm/processor-flags.h>
#include "double.h"
#include "tap.h"

#include "../../../arch/x86/walk.c"

#define MEMORY	0x40000

static u8 memory[MEMORY];
static gpa_t rom;			/* a page that cannot be written, or 0 */
static int meddle;			/* how many compare-and-exchange lose */
static struct vcpu vcpu;

struct memslot *vcpu_memslot(struct vcpu *vcpu, gfn_t gfn)
{
	static struct memslot slot = { .memory = memory };

	return gfn < MEMORY >> PAGE_SHIFT ? &slot : NULL;
}

int guest_cmpxchg(struct vcpu *vcpu, gpa_t gpa, u64 old, u64 new, size_t len)
{
	if (rom && (gpa & ~(PAGE_SIZE - 1)) == rom)
		return -EFAULT;
	if (meddle > 0) {
		meddle--;
		return -EAGAIN;
	}
	if (memcmp(memory + gpa, &old, len))
		return -EAGAIN;
	memcpy(memory + gpa, &new, len);

	return 0;
}

int x86_cpl(struct vcpu *vcpu)
{
	return vcpu->arch.cpl;
}

gva_t x86_linear_rip(struct vcpu *vcpu)
{
	return vcpu->arch.state.rip + vcpu->arch.state.cs_base;
}

static u8 queued;

void x86_queue_exception(struct vcpu *vcpu, u8 vector)
{
	queued = vector;
}

void x86_queue_exception_error(struct vcpu *vcpu, u8 vector, u32 error)
{
	queued = vector;
}

void x86_queue_page_fault(struct vcpu *vcpu, gva_t address, u32 error)
{
	queued = X86_TRAP_PF;
}

/* --- tables --------------------------------------------------------------------- */

enum mode { PLAIN_32, PSE_32, PAE, LONG4, LONG5, MODES };
static const char *const mode_name[] = { "32-bit", "32-bit PSE", "PAE", "4-level", "5-level" };
static const int mode_levels[] = { 2, 2, 3, 4, 5 };
static bool wide;
static int levels;

#define P	1ull
#define W	2ull
#define U	4ull
#define A	0x20ull
#define D	0x40ull
#define PS	0x80ull
#define NX	(1ull << 63)

/* The table of each level is the page of its number; index 1 everywhere. */
static u64 entry_get(int level)
{
	u64 value = 0;

	memcpy(&value, memory + level * PAGE_SIZE + (wide ? 8 : 4), wide ? 8 : 4);

	return value;
}

static void entry_set(int level, u64 value)
{
	memcpy(memory + level * PAGE_SIZE + (wide ? 8 : 4), &value, wide ? 8 : 4);
}

static gva_t linear;

static void setup(enum mode mode)
{
	struct x86_state *state = &vcpu.arch.state;
	static struct vm vm;
	int level;

	memset(&vcpu, 0, sizeof(vcpu));
	memset(memory, 0, sizeof(memory));
	vcpu.vm = &vm;
	rom = 0;
	meddle = 0;
	vcpu.arch.cpuid.maxphyaddr = 40;
	state->cr0 = X86_CR0_PG | X86_CR0_PE | X86_CR0_WP;
	state->rflags = 2;
	wide = mode >= PAE;
	levels = mode_levels[mode];
	if (mode == PSE_32)
		state->cr4 |= X86_CR4_PSE;
	if (wide) {
		state->cr4 |= X86_CR4_PAE;
		state->efer |= EFER_NX;
	}
	if (mode >= LONG4)
		state->efer |= EFER_LMA;
	if (mode == LONG5)
		state->cr4 |= X86_CR4_LA57;
	state->cr3 = levels * PAGE_SIZE;
	linear = 0x123;
	for (level = 1; level <= levels; level++) {
		linear |= 1ull << (12 + (wide ? 9 : 10) * (level - 1));
		if (level > 1)
			entry_set(level, (level - 1) * PAGE_SIZE | P | W | U);
	}
	if (mode == PAE)
		entry_set(3, 2 * PAGE_SIZE | P);
	entry_set(1, 0x9000 | P | W | U);
}

static struct x86_fault fault;
static gpa_t gpa;

static int go(u32 access)
{
	memset(&fault, 0, sizeof(fault));
	gpa = GPA_INVALID;

	return x86_walk(&vcpu, linear, access, &gpa, &fault);
}

static bool faults(u32 access, u32 error)
{
	return go(access) == 1 && fault.vector == X86_TRAP_PF && fault.has_error &&
	       fault.error == error && fault.address == linear;
}

static bool maps(u32 access, gpa_t want)
{
	return go(access) == 0 && gpa == want;
}

/* --- cases -------------------------------------------------------------------------- */

static void rights(enum mode mode)
{
	const char *name = mode_name[mode];
	struct x86_state *state = &vcpu.arch.state;

	setup(mode);
	tap(maps(X86_ACCESS_WRITE, 0x9123), "%s: a page is found", name);
	tap(entry_get(1) & A && entry_get(1) & D && entry_get(2) & A && !(entry_get(2) & D),
	    "%s: accessed and dirty bits are set", name);
	setup(mode);
	go(0);
	tap(entry_get(1) & A && !(entry_get(1) & D), "%s: a read does not set the dirty bit", name);
	setup(mode);
	tap(!x86_walk_nofault(&vcpu, linear, X86_ACCESS_WRITE, &gpa) && gpa == 0x9123 &&
	    !(entry_get(1) & A), "%s: without faulting it sets nothing", name);

	setup(mode);
	entry_set(1, 0x9000);
	tap(faults(0, 0) && faults(X86_ACCESS_WRITE, 2), "%s: not present", name);
	vcpu.arch.cpl = 3;
	tap(faults(0, 4) && faults(X86_ACCESS_SUPERVISOR, 0), "%s: not present, for a user", name);
	tap(!(entry_get(2) & A), "%s: a walk that fails sets nothing", name);

	setup(mode);
	entry_set(1, 0x9000 | P | U);
	tap(faults(X86_ACCESS_WRITE, 3), "%s: read-only, with WP", name);
	state->cr0 &= ~X86_CR0_WP;
	tap(maps(X86_ACCESS_WRITE, 0x9123), "%s: read-only, without WP", name);
	tap(faults(X86_ACCESS_WRITE | X86_ACCESS_USER, 7), "%s: read-only, for a user", name);

	setup(mode);
	entry_set(2, entry_get(2) & ~U);
	tap(maps(0, 0x9123) && faults(X86_ACCESS_USER, 5), "%s: supervisor only", name);

	setup(mode);
	state->cr4 |= X86_CR4_SMEP;
	tap(faults(X86_ACCESS_EXEC, 0x11) && maps(X86_ACCESS_EXEC | X86_ACCESS_USER, 0x9123),
	    "%s: SMEP", name);
	state->cr4 |= X86_CR4_SMAP;
	tap(faults(0, 1) && maps(X86_ACCESS_USER, 0x9123), "%s: SMAP", name);
	state->rflags |= X86_EFLAGS_AC;
	tap(maps(0, 0x9123) && faults(X86_ACCESS_SUPERVISOR, 1), "%s: SMAP and AC", name);

	setup(mode);
	entry_set(2, 0x1000000 | P | W | U);
	tap(go(0) == -EFAULT, "%s: a table outside of memory", name);
	setup(mode);
	rom = PAGE_SIZE;
	tap(maps(X86_ACCESS_WRITE, 0x9123), "%s: a table in ROM", name);
	setup(mode);
	meddle = 3;
	tap(maps(X86_ACCESS_WRITE, 0x9123) && entry_get(1) & D, "%s: entries that change", name);
	meddle = 1000;
	entry_set(1, 0x9000 | P | W | U);
	tap(maps(X86_ACCESS_WRITE, 0x9123), "%s: entries that never stop changing", name);
}

static void wide_bits(enum mode mode)
{
	const char *name = mode_name[mode];
	struct x86_state *state = &vcpu.arch.state;

	setup(mode);
	entry_set(1, entry_get(1) | NX);
	tap(faults(X86_ACCESS_EXEC, 0x11) && maps(0, 0x9123), "%s: NX", name);
	state->efer &= ~EFER_NX;
	tap(faults(0, 9), "%s: NX is reserved without EFER.NXE", name);
	setup(mode);
	entry_set(1, entry_get(1) | 1ull << 40);
	tap(faults(X86_ACCESS_USER, 0xd), "%s: address bits beyond MAXPHYADDR", name);
	setup(mode);
	entry_set(1, entry_get(1) | 1ull << 39);
	tap(maps(0, 0x8000009123), "%s: address bits below it", name);
	setup(mode);
	entry_set(1, entry_get(1) | 1ull << 58);
	tap(mode >= LONG4 ? maps(0, 0x9123) : faults(0, 9), "%s: bit 58", name);
	setup(mode);
	entry_set(2, 0x600000 | P | W | U | PS);
	tap(maps(X86_ACCESS_WRITE, 0x600000 + (linear & 0x1fffff)) && entry_get(2) & D,
	    "%s: a page of 2 MiB", name);
	entry_set(2, 0x602000 | P | W | U | PS);
	tap(faults(0, 9), "%s: a crooked page of 2 MiB", name);
	entry_set(2, 0x601000 | P | W | U | PS);
	tap(maps(0, 0x600000 + (linear & 0x1fffff)), "%s: PAT of a page of 2 MiB", name);
}

static void long_mode(enum mode mode)
{
	const char *name = mode_name[mode];
	struct x86_state *state = &vcpu.arch.state;

	setup(mode);
	entry_set(3, 0x80000000 | P | W | U | PS);
	tap(maps(0, 0x80000000 + (linear & 0x3fffffff)), "%s: a page of 1 GiB", name);
	setup(mode);
	entry_set(4, entry_get(4) | PS);
	tap(faults(0, 9), "%s: PS in level 4", name);
	setup(mode);
	entry_set(4, entry_get(4) | NX);
	tap(faults(X86_ACCESS_EXEC, 0x11), "%s: NX at the top", name);
	setup(mode);
	linear = 1ull << (mode == LONG5 ? 56 : 47);
	tap(go(0) == 1 && fault.vector == X86_TRAP_GP, "%s: not canonical", name);

	setup(mode);
	state->cr4 |= X86_CR4_PKE;
	entry_set(1, entry_get(1) | 3ull << 59);
	vcpu.arch.pkru = 1 << 6;
	tap(faults(X86_ACCESS_USER, 0x25) && maps(X86_ACCESS_EXEC | X86_ACCESS_USER, 0x9123),
	    "%s: a key that denies access", name);
	vcpu.arch.pkru = 2 << 6;
	tap(maps(0, 0x9123) && faults(X86_ACCESS_WRITE, 0x23), "%s: a key that denies writes", name);
	state->cr0 &= ~X86_CR0_WP;
	tap(maps(X86_ACCESS_WRITE, 0x9123) && faults(X86_ACCESS_WRITE | X86_ACCESS_USER, 0x27),
	    "%s: a key that denies writes, without WP", name);
}

static void narrow(void)
{
	struct kvm_translation translation = {};

	setup(PLAIN_32);
	entry_set(2, entry_get(2) | PS);
	tap(maps(0, 0x9123), "without PSE bit 7 means nothing");
	setup(PSE_32);
	entry_set(2, 0x00c00000 | P | W | U | PS);
	tap(maps(0, 0xc00000 + (linear & 0x3fffff)), "a page of 4 MiB");
	entry_set(2, 0x00c06000 | P | W | U | PS);
	tap(maps(0, 0x300c00000 + (linear & 0x3fffff)), "a page of 4 MiB above 4 GiB");
	entry_set(2, 0x00e00000 | P | W | U | PS);
	tap(faults(0, 9), "bit 21 of a page of 4 MiB is reserved");
	vcpu.arch.cpuid.maxphyaddr = 36;
	entry_set(2, 0x00c20000 | P | W | U | PS);
	tap(faults(0, 9), "address bits of a page of 4 MiB beyond MAXPHYADDR");
	setup(PLAIN_32);
	vcpu.arch.state.cr0 = X86_CR0_PE;
	linear = 0x100001234;
	tap(maps(X86_ACCESS_WRITE, 0x1234), "without paging linear is physical, 32 bits");
	setup(PAE);
	entry_set(3, entry_get(3) | W);
	tap(faults(0, 9), "PAE: rights in the top level are reserved");
	setup(PAE);
	vcpu.arch.state.cr3 |= 0x20;
	memcpy(memory + 3 * PAGE_SIZE + 0x28, memory + 3 * PAGE_SIZE + 8, 8);
	memset(memory + 3 * PAGE_SIZE + 8, 0, 8);
	tap(maps(0, 0x9123) && !(memory[3 * PAGE_SIZE + 0x28] & A),
	    "PAE: the top table is aligned to 32 bytes and has no accessed bit");

	setup(LONG4);
	vcpu.arch.state.cr4 |= X86_CR4_SMAP;
	translation.linear_address = linear;
	x86_ioctl_translate(&vcpu, &translation);
	tap(translation.valid && translation.physical_address == 0x9123 && !(entry_get(1) & A),
	    "KVM_TRANSLATE asks for no rights and sets no bits");
	translation.linear_address = 0;
	x86_ioctl_translate(&vcpu, &translation);
	tap(!translation.valid && translation.physical_address == GPA_INVALID,
	    "KVM_TRANSLATE of nothing");
}

static bool remembered(u64 rip)
{
	return x86_fetch(&vcpu, rip)->rip == (rip & PAGE_MASK);
}

static void remember(u64 rip)
{
	x86_fetch_new(&vcpu, rip)->rip = rip & PAGE_MASK;
}

/* Pages that stand for the same set. */
static void remembers_some(void)
{
	const u64 far = X86_FETCH_SETS * PAGE_SIZE, first = 0x402010, second = first + far;

	setup(LONG4);
	remember(first);
	remember(second);
	remember(first);
	tap(remembered(first) && remembered(second) &&
	    x86_fetch(&vcpu, first) != x86_fetch(&vcpu, second), "two pages of a set have room");
	remember(second + far);
	tap(remembered(second + far) && remembered(second) && !remembered(first),
	    "a third pushes the oldest out");
	remember(first + PAGE_SIZE);
	tap(remembered(second + far) && remembered(second), "that of another set none of them");
}

/* The page of code that was found, and the entries on the way. */
static void remembers(enum mode mode)
{
	const struct x86_fetch *fetch;
	struct x86_fault fault;
	bool same = true;
	gpa_t gpa;
	int i;

	setup(mode);
	vcpu.vm->slots_generation = 7;
	vcpu.arch.state.rip = linear;
	fetch = x86_fetch(&vcpu, linear & PAGE_MASK);
	x86_walk(&vcpu, linear, 0, &gpa, &fault);
	tap(!fetch->generation, "mode %d: a page of data is not remembered", mode);

	vcpu.arch.state.cs_base = 0x100;
	vcpu.arch.state.rip = linear - 0x100;
	fetch = x86_fetch(&vcpu, (linear & PAGE_MASK) - 0x100);
	x86_walk_nofault(&vcpu, linear, X86_ACCESS_EXEC, &gpa);
	tap(fetch->generation == 7 && fetch->hva == (hva_t)memory + 0x9000 &&
	    fetch->rip == (linear & PAGE_MASK) - 0x100 && fetch->cs_base == 0x100 &&
	    fetch->cr3 == vcpu.arch.state.cr3, "mode %d: a page of code is", mode);
	for (i = 0; i < fetch->steps; i++)
		same &= *(u64 *)fetch->step[i].hva == fetch->step[i].entry;
	tap(same && fetch->steps == (mode >= LONG4 ? levels : 0),
	    "mode %d: with the entries of long mode", mode);

	entry_set(1, 0);
	x86_walk_nofault(&vcpu, linear, X86_ACCESS_EXEC, &gpa);
	if (fetch->steps) {
		i = fetch->steps - 1;
		tap(*(u64 *)fetch->step[i].hva != fetch->step[i].entry,
		    "mode %d: which then differ", mode);
	}
	setup(mode);
	vcpu.arch.state.cr0 &= ~(u64)X86_CR0_PG;
	x86_walk_nofault(&vcpu, 0x123, X86_ACCESS_EXEC, &gpa);
	tap(!x86_fetch(&vcpu, 0)->generation, "mode %d: nor is anything without paging", mode);
}

int main(void)
{
	enum mode mode;

	for (mode = PLAIN_32; mode < MODES; mode++) {
		rights(mode);
		if (mode >= PAE)
			wide_bits(mode);
		if (mode >= LONG4)
			long_mode(mode);
		remembers(mode);
	}
	remembers_some();
	narrow();
	x86_inject_fault(&vcpu, &(struct x86_fault){ .vector = X86_TRAP_PF });
	tap(queued == X86_TRAP_PF, "a fault is queued");

	return tap_end();
}

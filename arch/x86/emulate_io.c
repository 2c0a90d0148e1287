// SPDX-License-Identifier: GPL-2.0-only
/*
 * INS and OUTS.  With REP as many elements as lie in one page go to the device at
 * once.  Whether the guest may use the port (IOPL, the bitmap of the TSS) the
 * hardware has checked before it gave the exit; whether it may use the memory is
 * checked here, and before anything is taken from the device.
 */
#include <linux/gfp.h>

#include "emulate_kernel.h"

/* Where the memory operand is. */
struct io_memory {
	int	seg;
	u8	reg;
	bool	write;
};

static const struct io_memory io_ins = { X86_INSN_ES, X86_RDI, true };

/* How many elements the batch can have: no page crossed, and no trap in between. */
static u32 io_batch(struct x86_emulation *e, u64 offset, u64 linear, u8 size)
{
	u64 count = emul_address(e, X86_RCX, e->insn.address_size);
	u64 wrap = e->insn.address_size == 8 ? PAGE_SIZE :
		   (1ull << (8 * e->insn.address_size)) - offset;
	u64 room = min_t(u64, PAGE_SIZE - offset_in_page(linear), wrap);

	if (!e->insn.rep || e->rflags & (X86_EFLAGS_DF | X86_EFLAGS_TF))
		return 1;

	return max_t(u64, min(count, room / size), 1);
}

/*
 * Decide how many elements, and translate.  Several: they are RAM at e->io_gpa.
 * One: an ordinary operand, whatever it is.
 */
static void io_map(struct x86_emulation *e, const struct io_memory *memory, u8 size)
{
	u64 offset = emul_address(e, memory->reg, e->insn.address_size), linear;
	const struct memslot *slot;
	struct x86_fault fault;
	u32 count;

	e->io_count = 1;
	if (emul_linear(e, memory->seg, offset, size, memory->write, &linear))
		return;			/* emul_map() will say it */
	count = io_batch(e, offset, linear, size);
	if (count == 1)
		return;
	if (emul_linear(e, memory->seg, offset, count * size, memory->write, &linear))
		return;
	if (x86_walk(e->vcpu, linear, memory->write ? X86_ACCESS_WRITE : 0, &e->io_gpa, &fault))
		return;
	slot = vcpu_memslot(e->vcpu, gpa_to_gfn(e->io_gpa));
	if (!slot || (memory->write && memslot_readonly(slot)))
		return;
	e->io_count = count;
}

/* Memory to page, or page to memory. */
static int io_copy(struct x86_emulation *e, const struct io_memory *memory,
		   const struct emul_span *span, u8 size)
{
	u32 length = e->io_count * size;
	int err;

	if (e->io_count == 1)
		return memory->write ? emul_store(e, span, e->io_page) :
				       emul_load(e, span, e->io_page);
	if (memory->write)
		err = guest_write(e->vcpu, e->io_gpa, e->io_page, length);
	else
		err = guest_read(e->vcpu, e->io_gpa, e->io_page, length);

	return err ? vcpu_exit_memory_fault(e->vcpu, e->io_gpa, length) : EMUL_OK;
}

/* User space has served the batch. */
static int io_complete(struct vcpu *vcpu)
{
	struct x86_emulation *e = vcpu->arch.emulation;

	if (e->io_in)
		memcpy(e->io_page, x86_pio_data(vcpu), e->io_bytes);
	e->io_done = true;

	return x86_emulate_resume(vcpu);
}

static int io_device(struct x86_emulation *e, u8 size)
{
	int ret;

	e->io_bytes = e->io_count * size;
	ret = x86_pio(e->vcpu, e->gpr[X86_RDX], size, e->io_count, e->io_in, e->io_page,
		      io_complete);
	if (ret == EXIT_TO_USER)
		return EMUL_EXIT;
	e->io_done = true;

	return ret < 0 ? ret : EMUL_OK;
}

static void io_advance(struct x86_emulation *e, const struct io_memory *memory, u8 size)
{
	u8 width = e->insn.address_size;
	s64 step = (s64)e->io_count * size;
	u64 left;

	if (e->rflags & X86_EFLAGS_DF)
		step = -step;
	emul_set_address(e, memory->reg, width, e->gpr[memory->reg] + step);
	if (!e->insn.rep)
		return;
	left = emul_address(e, X86_RCX, width) - e->io_count;
	emul_set_address(e, X86_RCX, width, left);
	e->unfinished = left;
}

static int io_run(struct x86_emulation *e, const struct io_memory *memory, u8 size)
{
	u64 offset = emul_address(e, memory->reg, e->insn.address_size);
	struct emul_span *span = NULL;
	int ret = EMUL_OK;

	/* Once for all replays: what was translated then is where the data goes. */
	if (!e->io_count)
		io_map(e, memory, size);
	if (e->io_count == 1)
		ret = emul_map(e, memory->seg, offset, size, memory->write ? EMUL_WRITE : 0,
			       &span);
	if (!ret && !e->io_in && !e->io_done)
		ret = io_copy(e, memory, span, size);
	if (!ret && !e->io_done)
		ret = io_device(e, size);
	if (!ret && e->io_in)
		ret = io_copy(e, memory, span, size);
	if (!ret)
		io_advance(e, memory, size);

	return ret;
}

int emul_string_io(struct x86_emulation *e)
{
	struct io_memory io_outs = { e->insn.segment, X86_RSI, false };
	u8 size = min_t(u8, e->insn.operand_size, 4);

	if (e->insn.rep && !emul_address(e, X86_RCX, e->insn.address_size))
		return EMUL_OK;
	if (!e->io_page)
		e->io_page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!e->io_page)
		return -ENOMEM;
	e->io_in = !(e->insn.opcode & 2);

	return io_run(e, e->io_in ? &io_ins : &io_outs, size);
}

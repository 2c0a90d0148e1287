/* SPDX-License-Identifier: GPL-2.0-only */
/* What cannot be compared with the CPU this runs on; part of emulate_test.c. */

/* A vCPU in real mode, or with flat 32-bit segments; code at CS:IP 0x1000. */
static void vcpu_segmented(bool protected_mode)
{
	struct x86_state *state = &vcpu.arch.state;
	int i;

	vcpu_flat64();
	memset(box.memory, 0, sizeof(box.memory));
	memset(box.low, 0, sizeof(box.low));
	box.where = IN_RAM;
	box.absent = 0;
	box.readonly = 0;
	vcpu.arch.cpl = 0;
	state->cr0 = protected_mode ? 0x31 : 0x30;
	state->rflags = 2;
	for (i = 0; i < X86_SEG_COUNT; i++)
		state->seg[i] = (struct kvm_segment){
			.limit = protected_mode ? 0xffffffff : 0xffff, .present = 1, .s = 1,
			.type = i == X86_CS ? 11 : 3, .db = protected_mode,
		};
	state->rip = 0x1000;
}

/* Put code where RIP is and emulate one instruction. */
static int run_code(const char *bytes, int length)
{
	memcpy(box_at(x86_linear_rip(&vcpu), length), bytes, length);

	return x86_emulate(&vcpu);
}

#define RUN(bytes)	run_code(bytes, sizeof(bytes) - 1)

static bool faulted(u8 vector, u32 error)
{
	return vcpu.faulted && vcpu.fault.vector == vector && vcpu.fault.error == error;
}

/* A fault changes nothing but what REP has completed. */
static void case_faults(void)
{
	struct x86_state *state = &vcpu.arch.state, before;

	vcpu_segmented(true);
	box.absent = MIDDLE;
	state->gpr[X86_RBX] = MIDDLE - 2;
	before = *state;
	RUN("\x01\x03");			/* add %eax,(%ebx) */
	tap(faulted(X86_TRAP_PF, X86_ACCESS_WRITE) && vcpu.fault.address == MIDDLE &&
	    !memcmp(&before, state, sizeof(before)) && !box.memory[MIDDLE - 2 - ARENA],
	    "a fault in the second page names that page and changes nothing");

	vcpu_segmented(true);
	box.absent = MIDDLE;
	state->gpr[X86_RSI] = 0x2000;
	state->gpr[X86_RDI] = MIDDLE - 8;
	state->gpr[X86_RCX] = 5;
	memcpy(box.low + 0x2000, "abcdefghijkl", 12);
	RUN("\xf3\xa5");			/* rep movsl */
	tap(faulted(X86_TRAP_PF, X86_ACCESS_WRITE) && state->gpr[X86_RCX] == 3 &&
	    state->gpr[X86_RSI] == 0x2008 && state->gpr[X86_RDI] == MIDDLE && state->rip == 0x1000 &&
	    !memcmp(box.memory + (MIDDLE - 8 - ARENA), "abcdefgh", 8),
	    "a fault in REP keeps what is complete");

	vcpu_segmented(true);
	box.where = IN_USER;
	box.absent = 0x3000;
	state->gpr[X86_RSI] = MIDDLE;
	state->gpr[X86_RDI] = 0x3000;
	tap(RUN("\xa4") == RESUME_GUEST && vcpu.faulted && !vcpu.user_exits,
	    "MOVS does not read the device if its target faults");

	vcpu_segmented(true);
	box.where = IN_USER;
	box.readonly = MIDDLE & ~(PAGE_SIZE - 1);
	state->gpr[X86_RBX] = MIDDLE;
	tap(RUN("\xff\x03") == RESUME_GUEST && faulted(X86_TRAP_PF, X86_ACCESS_WRITE) &&
	    !vcpu.user_exits, "a read-modify-write is translated for writing first");
}

static void case_segments(void)
{
	struct x86_state *state = &vcpu.arch.state;

	vcpu_segmented(false);
	state->gpr[X86_RBX] = 0xffff;
	RUN("\x89\x07");			/* mov %ax,(%bx) */
	tap(faulted(13, 0), "real mode: a word at FFFF is #GP");

	vcpu_segmented(false);
	state->gpr[X86_RBP] = 0xffff;
	RUN("\x89\x46\x00");			/* mov %ax,(%bp) */
	tap(faulted(12, 0), "real mode: by way of SS it is #SS");

	vcpu_segmented(false);
	state->gpr[X86_RBX] = 0xfff0;
	state->gpr[X86_RSI] = 0x0030;
	state->seg[X86_DS].base = 0x5000;
	state->gpr[X86_RAX] = 0x1234;
	RUN("\x89\x00");			/* mov %ax,(%bx,%si) */
	tap(!vcpu.faulted && box.low[0x5020] == 0x34 && state->rip == 0x1002,
	    "real mode: 16-bit addresses wrap");

	vcpu_segmented(false);
	state->gpr[X86_RBX] = ARENA + 0x1000;
	RUN("\x67\x89\x03");			/* mov %ax,(%ebx) */
	tap(faulted(13, 0), "real mode: a 32-bit address obeys the limit");
	vcpu_segmented(false);
	state->seg[X86_DS].limit = 0xffffffff;
	state->gpr[X86_RAX] = 0x89abcdef;
	state->gpr[X86_RBX] = ARENA + 0x1000;
	RUN("\x66\x67\x89\x03");		/* mov %eax,(%ebx) */
	tap(!vcpu.faulted && !memcmp(box.memory + 0x1000, "\xef\xcd\xab\x89", 4),
	    "big real mode: it reaches all memory");

	vcpu_segmented(true);
	state->seg[X86_DS].type = 1;
	state->gpr[X86_RBX] = 0x2000;
	RUN("\x89\x03");
	tap(faulted(13, 0), "a write to a read-only segment is #GP");
	vcpu_segmented(true);
	state->gpr[X86_RBX] = 0x2000;
	RUN("\x2e\x89\x03");
	tap(faulted(13, 0), "a write to a code segment is #GP");
	vcpu_segmented(true);
	state->seg[X86_CS].type = 9;
	state->gpr[X86_RBX] = 0x2000;
	RUN("\x2e\x8b\x03");
	tap(faulted(13, 0), "a read from an execute-only segment is #GP");
	vcpu_segmented(true);
	state->seg[X86_DS].unusable = 1;
	RUN("\x8b\x03");
	tap(faulted(13, 0), "a null segment is #GP");
	vcpu_segmented(true);
	state->seg[X86_DS].type = 7;
	state->seg[X86_DS].limit = 0x1fff;
	state->gpr[X86_RBX] = 0x1fff;
	RUN("\x8b\x03");
	tap(faulted(13, 0), "an expand-down segment has its limit below");
	vcpu_segmented(true);
	state->seg[X86_DS].type = 7;
	state->seg[X86_DS].limit = 0x1fff;
	state->gpr[X86_RBX] = 0x2000;
	RUN("\x8b\x03");
	tap(!vcpu.faulted, "an expand-down segment begins above its limit");

	vcpu_flat64();
	box.where = IN_RAM;
	state->rip = CODE;
	state->gpr[X86_RBX] = 0x7ffffffffffd;
	RUN("\x89\x03");
	tap(faulted(13, 0), "64-bit mode: an operand that leaves the canonical half is #GP");
	vcpu_flat64();
	state->rip = CODE;
	state->gpr[X86_RSP] = 0x8000000000000000;
	RUN("\x89\x04\x24");
	tap(faulted(12, 0), "64-bit mode: by way of RSP it is #SS");
	vcpu_flat64();
	state->rip = CODE;
	state->seg[X86_GS].base = ARENA;
	state->seg[X86_DS].base = 0x666000;
	state->gpr[X86_RAX] = 0x55;
	RUN("\x65\x88\x04\x25\x10\x00\x00\x00");
	tap(!vcpu.faulted && box.memory[16] == 0x55, "64-bit mode: GS has a base");
	vcpu_flat64();
	state->rip = CODE;
	state->cr0 |= X86_CR0_AM;
	state->rflags = X86_EFLAGS_AC;
	state->gpr[X86_RBX] = ARENA + 2;
	RUN("\x8b\x03");
	tap(faulted(17, 0), "alignment is checked for CPL 3 if the guest wants it");
	vcpu_flat64();
	state->rip = CODE;
	state->gpr[X86_RBX] = ARENA + 8;
	RUN("\x0f\x28\x03");
	tap(faulted(13, 0), "MOVAPS at a wrong address is #GP");
}

static void case_branches(void)
{
	struct x86_state *state = &vcpu.arch.state;

	vcpu_segmented(true);
	box.where = IN_USER;
	state->gpr[X86_RSP] = 0x3000;
	state->gpr[X86_RBX] = MIDDLE;
	memcpy(box.memory + (MIDDLE - ARENA), "\x78\x56\x34\x12", 4);
	RUN("\xff\x13");			/* call *(%ebx) */
	while (vcpu.complete)
		user_serves(&vcpu);
	tap(state->rip == 0x12345678 && state->gpr[X86_RSP] == 0x2ffc &&
	    !memcmp(box.low + 0x2ffc, "\x02\x10\0\0", 4), "CALL through a device");

	vcpu_segmented(true);
	box.where = IN_USER;
	state->gpr[X86_RBX] = MIDDLE;
	state->seg[X86_CS].limit = 0xffff;
	memcpy(box.memory + (MIDDLE - ARENA), "\x78\x56\x34\x12", 4);
	RUN("\xff\x23");			/* jmp *(%ebx) */
	while (vcpu.complete)
		user_serves(&vcpu);
	tap(faulted(13, 0) && state->rip == 0x1000, "JMP beyond the limit is #GP");

	vcpu_segmented(true);
	state->gpr[X86_RSP] = 0x3000;
	memcpy(box.low + 0x3000, "\x78\x56\x34\x12", 4);
	RUN("\x8f\x44\x24\x10");		/* popl 16(%esp) */
	tap(state->gpr[X86_RSP] == 0x3004 && !memcmp(box.low + 0x3014, "\x78\x56\x34\x12", 4),
	    "POP addresses its operand after ESP has moved");
}

static void case_resume(void)
{
	struct x86_state *state = &vcpu.arch.state;

	vcpu_segmented(true);
	box.where = IN_USER;
	state->gpr[X86_RBX] = MIDDLE;
	RUN("\x8b\x03");
	state->rip = 0xfff0;
	state->gpr[X86_RAX] = 7;
	while (vcpu.complete)
		user_serves(&vcpu);
	tap(state->rip == 0xfff0 && state->gpr[X86_RAX] == 7,
	    "a reset while user space served a read wins");

	vcpu_segmented(true);
	box.where = IN_USER;
	state->gpr[X86_RBX] = MIDDLE;
	RUN("\xff\x03");			/* incl (%ebx): read and write */
	state->gpr[X86_RBX] = MIDDLE + 16;
	while (vcpu.complete)
		user_serves(&vcpu);
	tap(state->rip == 0x1002 && box.memory[MIDDLE + 16 - ARENA] == 1,
	    "registers that change under an instruction do no harm");

	vcpu_segmented(true);
	box.where = IN_USER;
	state->rflags |= X86_EFLAGS_TF;
	state->gpr[X86_RBX] = MIDDLE;
	RUN("\x89\x03");
	tap(!vcpu.stepped, "no trap before the access is complete");
	while (vcpu.complete)
		user_serves(&vcpu);
	tap(vcpu.stepped, "TF traps after the instruction");

	vcpu_segmented(true);
	state->shadow = 1;
	state->rflags |= X86_EFLAGS_RF;
	state->gpr[X86_RBX] = MIDDLE;
	RUN("\x89\x03");
	tap(!state->shadow && !(state->rflags & X86_EFLAGS_RF),
	    "the interrupt shadow and RF end with the instruction");
}

static void case_rep(void)
{
	struct x86_state *state = &vcpu.arch.state;

	vcpu_segmented(true);
	box.where = IN_KERNEL;
	box.interrupt_after = 3;
	state->gpr[X86_RDI] = MIDDLE;
	state->gpr[X86_RCX] = 10;
	RUN("\xf3\xaa");
	tap(state->rip == 0x1000 && state->gpr[X86_RCX] == 7 && state->gpr[X86_RDI] == MIDDLE + 3,
	    "a signal pauses REP between iterations");
	box.interrupt_after = 0;

	vcpu_segmented(true);
	box.where = IN_KERNEL;
	state->gpr[X86_RDI] = MIDDLE;
	state->gpr[X86_RCX] = 0x7fffffff;
	RUN("\xf3\xaa");
	tap(state->rip == 0x1000 && state->gpr[X86_RDI] == MIDDLE + 1024,
	    "REP without end comes up for air");

	vcpu_segmented(true);
	state->rflags |= X86_EFLAGS_TF;
	state->gpr[X86_RDI] = MIDDLE;
	state->gpr[X86_RCX] = 2;
	RUN("\xf3\xaa");
	tap(state->rip == 0x1000 && state->gpr[X86_RCX] == 1 && vcpu.stepped,
	    "TF traps after every iteration");

	vcpu_segmented(false);
	state->gpr[X86_RDI] = 0xabcdffff;
	state->gpr[X86_RCX] = 0x12340001;
	RUN("\xf3\xaa");
	tap(state->rip == 0x1002 && state->gpr[X86_RDI] == 0xabcd0000 &&
	    state->gpr[X86_RCX] == 0x12340000, "16-bit addresses keep the upper halves");
}

static void case_string_io(void)
{
	struct x86_state *state = &vcpu.arch.state;
	int i;

	for (i = 0; i < 2; i++) {
		vcpu_segmented(true);
		box.pio_user = i;
		box.pio_next = 1;
		box.pio_calls = 0;
		state->gpr[X86_RDX] = 0x51f0;
		state->gpr[X86_RCX] = 256;
		state->gpr[X86_RDI] = MIDDLE + 0x100;
		RUN("\x66\xf3\x6d");		/* rep insw */
		tap(i == 0 || (vcpu.complete && state->gpr[X86_RCX] == 256),
		    "INS: registers wait for the data");
		while (vcpu.complete)
			user_serves(&vcpu);
		tap(box.pio_calls == 1 && box.pio_bytes == 512 && box.pio_port == 0x51f0 &&
		    !state->gpr[X86_RCX] && state->gpr[X86_RDI] == MIDDLE + 0x300 &&
		    state->rip == 0x1003 && box.memory[MIDDLE + 0x100 - ARENA] == 1 &&
		    box.memory[MIDDLE + 0x2ff - ARENA] == 0, "REP INSW takes a sector at once");

		vcpu_segmented(true);
		box.pio_calls = 0;
		state->gpr[X86_RDX] = 0x3f8;
		state->gpr[X86_RCX] = 0x20;
		state->gpr[X86_RSI] = MIDDLE - 0x10;
		memset(box.memory + (MIDDLE - 0x10 - ARENA), 'x', 0x20);
		RUN("\xf3\x6e");		/* rep outsb */
		while (vcpu.complete)
			user_serves(&vcpu);
		tap(box.pio_calls == 1 && box.pio_bytes == 16 && box.pio[15] == 'x' &&
		    state->gpr[X86_RCX] == 0x10 && state->rip == 0x1000,
		    "REP OUTSB stops at the end of the page");

		vcpu_segmented(true);
		box.where = IN_USER;
		box.pio_next = 0x77;
		state->gpr[X86_RDI] = MIDDLE;
		RUN("\x6c");			/* insb to a device */
		while (vcpu.complete)
			user_serves(&vcpu);
		tap(box.memory[MIDDLE - ARENA] == 0x77 && box.pio_next == 0x78 &&
		    state->rip == 0x1001, "INSB to a device reads the port once");

		vcpu_segmented(true);
		box.where = IN_USER;
		box.pio_calls = 0;
		box.memory[MIDDLE - ARENA] = 0x66;
		state->gpr[X86_RSI] = MIDDLE;
		RUN("\x6e");			/* outsb from a device */
		while (vcpu.complete)
			user_serves(&vcpu);
		tap(box.pio_calls == 1 && box.pio[0] == 0x66 && state->rip == 0x1001,
		    "OUTSB from a device");
	}
	box.pio_user = false;

	vcpu_segmented(true);
	box.absent = MIDDLE;
	box.pio_calls = 0;
	state->gpr[X86_RDI] = MIDDLE;
	state->gpr[X86_RCX] = 4;
	RUN("\xf3\x6d");
	tap(faulted(X86_TRAP_PF, X86_ACCESS_WRITE) && !box.pio_calls && state->gpr[X86_RCX] == 4,
	    "INS takes nothing from the port if its target faults");

	vcpu_segmented(true);
	box.pio_calls = 0;
	box.pio_next = 0;
	state->rflags |= X86_EFLAGS_DF;
	state->gpr[X86_RDI] = MIDDLE + 3;
	state->gpr[X86_RCX] = 4;
	RUN("\xf3\x6c");
	while (state->gpr[X86_RCX])
		x86_emulate(&vcpu);
	tap(box.pio_calls == 4 && state->gpr[X86_RDI] == MIDDLE - 1 &&
	    !memcmp(box.memory + (MIDDLE - ARENA), "\3\2\1\0", 4), "INS downwards");

	vcpu_segmented(false);
	box.pio_calls = 0;
	state->gpr[X86_RDI] = 0xfffe;
	state->gpr[X86_RCX] = 4;
	RUN("\xf3\x6c");
	tap(box.pio_calls == 1 && box.pio_bytes == 2 && state->gpr[X86_RDI] == 0 &&
	    state->gpr[X86_RCX] == 2, "INS stops where 16-bit addresses wrap");
}

static void case_unknown(void)
{
	vcpu_segmented(true);
	tap(RUN("\x0f\x01\x13") == EXIT_TO_USER &&
	    vcpu.internal_error == KVM_INTERNAL_ERROR_EMULATION && vcpu.arch.state.rip == 0x1000,
	    "LGDT is an internal error");
	vcpu_segmented(true);
	vcpu.arch.cpl = 3;
	tap(RUN("\xdd\x03") == RESUME_GUEST && faulted(X86_TRAP_UD, 0),
	    "a user program gets #UD for what is not known");
	vcpu_segmented(true);
	RUN("\xf0\x89\x03");
	tap(faulted(X86_TRAP_UD, 0), "LOCK where it may not be is #UD");
	vcpu_segmented(true);
	RUN("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90");
	tap(faulted(X86_TRAP_GP, 0), "more than 15 bytes are #GP");
}

static void case_fetch(void)
{
	struct x86_state *state = &vcpu.arch.state;

	vcpu_segmented(true);
	state->rip = 0x1ffe;
	state->gpr[X86_RBX] = 0x3000;
	RUN("\xc7\x03\x78\x56\x34\x12");
	tap(!memcmp(box.low + 0x3000, "\x78\x56\x34\x12", 4) && state->rip == 0x2004,
	    "an instruction across pages");
	vcpu_segmented(true);
	state->rip = 0x1ffe;
	box.absent = 0x2000;
	RUN("\xc7\x03\x78\x56\x34\x12");
	tap(faulted(X86_TRAP_PF, X86_ACCESS_EXEC) && vcpu.fault.address == 0x2000,
	    "its second page is fetched only if it is there");
	vcpu_segmented(true);
	state->rip = 0x1ffe;
	box.absent = 0x2000;
	state->gpr[X86_RBX] = 0x3000;
	RUN("\x89\x03");
	tap(!vcpu.faulted, "and only if it is needed");

	vcpu_segmented(true);
	vcpu.arch.exit.insn_count = 2;
	memcpy(vcpu.arch.exit.insn, "\x89\x03", 2);
	state->gpr[X86_RBX] = 0x3000;
	state->gpr[X86_RAX] = 9;
	x86_emulate(&vcpu);
	tap(box.low[0x3000] == 9, "bytes that the hardware gave are used");

	vcpu_segmented(true);
	memcpy(box.low + 0x1000, "\x0f\xa2\x90\x90", 4);
	tap(x86_insn_length(&vcpu, false) == 2, "the length of CPUID");
	memcpy(box.low + 0x1000, "\x66\x0f\xa2\x90", 4);
	tap(x86_insn_length(&vcpu, false) == 3, "the length of CPUID with a prefix");
	state->rip = 0x1fff;
	memcpy(box.low + 0x1fff, "\x0f\x30", 2);
	tap(x86_insn_length(&vcpu, false) == 0 && x86_insn_length(&vcpu, true) == 2,
	    "the length of WRMSR across pages");
}

/* A translation that the hardware gave. */
static void case_hint(void)
{
	struct x86_state *state = &vcpu.arch.state;

	vcpu_segmented(true);
	box.absent = 0x5000;			/* a walk would fault */
	state->gpr[X86_RBX] = 0x5010;
	memcpy(box.low + 0x1000, "\x8b\x03", 2);
	box.low[0x3010] = 0x33;
	x86_emulate_at(&vcpu, 0x3010, false);
	tap(!vcpu.faulted && state->gpr[X86_RAX] == 0x33, "a read takes the hardware's address");
	vcpu_segmented(true);
	box.absent = 0x5000;
	state->gpr[X86_RBX] = 0x5010;
	memcpy(box.low + 0x1000, "\xff\x03", 2);
	x86_emulate_at(&vcpu, 0x3010, false);
	tap(vcpu.faulted, "that of a read is not good for a write");
	vcpu_segmented(true);
	box.absent = 0x5000;
	state->gpr[X86_RBX] = 0x5010;
	memcpy(box.low + 0x1000, "\x8b\x03", 2);
	x86_emulate_at(&vcpu, 0x3018, false);
	tap(vcpu.faulted, "nor that of another address");
	vcpu_segmented(true);
	box.absent = 0x5000;
	state->gpr[X86_RBX] = 0x5ffe;
	memcpy(box.low + 0x1000, "\x8b\x03", 2);
	x86_emulate_at(&vcpu, 0x3ffe, false);
	tap(vcpu.faulted, "nor one page's for two");
	vcpu_segmented(true);
	box.absent = 0x5000;
	state->gpr[X86_RBX] = 0x5010;
	state->gpr[X86_RSP] = 0x3014;
	memcpy(box.low + 0x1000, "\xff\x33", 2);	/* pushl (%ebx) */
	x86_emulate_at(&vcpu, 0x3010, true);
	tap(vcpu.faulted, "nor where there are two operands");

	vcpu_flat64();
}

static void case_expected(void)
{
	struct x86_state *state = &vcpu.arch.state;
	u64 rip = CODE + 8;

	vcpu_flat64();
	vm.slots_generation = 1;
	state->rip = rip;
	memcpy(code + 8, "\x0f\xa2\x90\x90", 4);
	tap(!x86_insn_next_expected(&vcpu, rip, 0, 0x1000, 0xa20f, 2), "not read yet");
	*x86_fetch(&vcpu, CODE) = (struct x86_fetch){
		.rip = CODE, .cr3 = 0x1000, .hva = (hva_t)code, .generation = 1 };
	tap(x86_insn_next_expected(&vcpu, rip, 0, 0x1000, 0xa20f, 2) == rip + 2,
	    "the length of an expected instruction");
	tap(!x86_insn_next_expected(&vcpu, rip, 0, 0x2000, 0xa20f, 2) &&
	    !x86_insn_next_expected(&vcpu, rip, 8, 0x1000, 0xa20f, 2) &&
	    !x86_insn_next_expected(&vcpu, rip + PAGE_SIZE, 0, 0x1000, 0xa20f, 2) &&
	    !x86_insn_next_expected(&vcpu, CODE - 1, 0, 0x1000, 0xa20f, 2),
	    "not elsewhere");
	memcpy(code + 8, "\x66\x0f\xa2\x90", 4);
	tap(!x86_insn_next_expected(&vcpu, rip, 0, 0x1000, 0xa20f, 2) &&
	    x86_insn_length(&vcpu, false) == 3, "with a prefix");
	memcpy(code + 8, "\x0f\x01\xd9\x90", 4);
	tap(x86_insn_next_expected(&vcpu, rip, 0, 0x1000, 0xd9010f, 3) == rip + 3,
	    "of three bytes");
	memcpy(code + 8, "\xf4\x01\xd9\x90", 4);
	tap(x86_insn_next_expected(&vcpu, rip, 0, 0x1000, 0xf4, 1) == rip + 1, "of one byte");
	memcpy(code + PAGE_SIZE - 4, "\x90\x90\x0f\xa2", 4);
	tap(!x86_insn_next_expected(&vcpu, CODE + PAGE_SIZE - 2, 0, 0x1000, 0xa20f, 2),
	    "not at the end of the page");
	memcpy(code + 8, "\x0f\xa2\x90\x90", 4);
	vm.slots_generation++;
	tap(!x86_insn_next_expected(&vcpu, rip, 0, 0x1000, 0xa20f, 2), "nor after a slot changed");
}

static void case_lock(void)
{
	struct x86_state *state = &vcpu.arch.state;
	struct x86_emulation *e = vcpu.arch.emulation;
	struct emul_span *span;
	u32 value = 5;

	vcpu_segmented(true);
	emulate_begin(&vcpu, e);
	emul_log_drop(e);
	memcpy(box.low + 0x3000, &value, 4);
	tap(!emul_map(e, X86_DS, 0x3000, 4, EMUL_WRITE, &span) &&
	    emul_exchange(e, span, 4, 6) == EMUL_RETRY && box.low[0x3000] == 5,
	    "a lost race leaves memory alone");
	tap(emulate_end(&vcpu, e, EMUL_RETRY) == RESUME_GUEST && state->rip == 0x1000,
	    "and the guest executes the instruction again");
}

static void cases(void)
{
	case_faults();
	case_segments();
	case_branches();
	case_resume();
	case_rep();
	case_string_io();
	case_unknown();
	case_fetch();
	case_hint();
	case_expected();
	case_lock();
}

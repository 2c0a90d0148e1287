// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the text of the loaded module, as the kernel has patched it for this CPU,
 * from /proc/kcore, and says in lines "CHECK VALUE" which mitigations are in it:
 *
 *   rsb           yes|one|no  how the return stack buffer is filled after an exit
 *   untrain       NAME...|no  what is called against trained return predictions
 *   bhi           NAME|no   what is called against trained branch history
 *   spec_ctrl_in  yes|no    SPEC_CTRL is switched before an entry
 *   spec_ctrl_out yes|no    and after an exit
 *   verw          yes|no    buffers are cleared before an entry
 *   return        ret|NAME  how functions return
 *   ibpb_switch   yes|no    a barrier when another vCPU comes to the CPU
 *   ibpb_user     yes|no    a barrier before the VMM's user space runs
 *
 * It knows the instructions around those places (svm/switch.S, vtx/switch.S, host.c)
 * and nothing else of the module.  The world switch is the one of this CPU's vendor.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE	1024

/* What comes in SVM's switch, in this order. */
#define CLGI		"\x0f\x01\xdd"
#define VMRUN		"\xfb\x0f\x01\xd8"		/* with the STI before it */
#define VMSAVE		"\x0f\x01\xdb"
#define VMLOAD		"\x0f\x01\xda"
#define STGI		"\x0f\x01\xdc"
/* And in VT-x's, before and after the exit. */
#define HOST_RSP_KEPT	"\x48\x89\xa7"			/* RSP to a member far off */
#define VMRESUME	"\x0f\x01\xc3"
#define VCPU_TO_RDI	"\x48\x89\xc7"			/* when all is saved */
#define XOR_R15		"\x45\x31\xff"			/* the last that is cleared */
/* What may be there. */
#define CALL_NEXT	"\xe8\x01\x00\x00\x00\xcc"	/* over an INT3: fills the RSB */
#define ADD_RSP		"\x48\x81\xc4"			/* behind all of these but the last */
#define VERW		"\x0f\x00\x2d"			/* of a word near by */
#define SPEC_CTRL_LOAD	"\x8b\x87"			/* first of the comparison */
#define SPEC_CTRL_ECX	"\xb9\x48\x00\x00\x00"
#define WRMSR		"\x0f\x30"
#define MOV_GS_1	"\x65\xc6\x05"			/* one to a per-CPU byte */

#define SIZE(bytes)	(sizeof(bytes) - 1)

struct text {
	uint64_t	address;
	uint8_t		bytes[TEXT_SIZE];
};

struct symbol {
	const char	*name;
	uint64_t	 address;
};

enum { SVM_SWITCH, VTX_SWITCH, VTX_SWITCH_EXIT, VCPU_SWITCH, VCPU_LEAVE, TARGETS };

/* The module's own first, then what it may call or end in. */
static struct symbol symbols[] = {
	[SVM_SWITCH]	= { "svm_switch", 0 },
	[VTX_SWITCH]	= { "vtx_switch", 0 },
	[VTX_SWITCH_EXIT] = { "vtx_switch_exit", 0 },
	[VCPU_SWITCH]	= { "x86_host_vcpu_switch", 0 },
	[VCPU_LEAVE]	= { "x86_host_vcpu_leave", 0 },
	[TARGETS]	= { "entry_untrain_ret", 0 },
	{ "retbleed_untrain_ret", 0 }, { "srso_untrain_ret", 0 },
	{ "srso_alias_untrain_ret", 0 }, { "entry_ibpb", 0 }, { "write_ibpb", 0 },
	{ "retbleed_return_thunk", 0 }, { "srso_return_thunk", 0 },
	{ "srso_alias_return_thunk", 0 }, { "its_return_thunk", 0 },
	{ "call_depth_return_thunk", 0 }, { "__x86_return_thunk", 0 },
	{ "clear_bhb_loop", 0 },
};

#define SYMBOL_COUNT	(sizeof(symbols) / sizeof(symbols[0]))

static void fail(const char *what)
{
	fprintf(stderr, "text: %s\n", what);
	exit(1);
}

/* --- the kernel's memory ------------------------------------------------------- */

static void find_symbols(void)
{
	FILE *list = fopen("/proc/kallsyms", "r");
	unsigned long long address;
	char line[400], name[200], module[100];

	if (!list)
		fail("no kallsyms");
	while (fgets(line, sizeof(line), list)) {
		int fields;

		fields = sscanf(line, "%llx %*c %199s %99s", &address, name, module);
		for (unsigned int i = 0; i < SYMBOL_COUNT; i++) {
			if (strcmp(name, symbols[i].name))
				continue;
			if (i < TARGETS ? fields == 3 && !strcmp(module, "[keel]") : fields == 2)
				symbols[i].address = address;
		}
	}
	fclose(list);
	for (unsigned int i = 0; i < TARGETS; i++)
		if (!symbols[i].address)
			fail(symbols[i].name);
}

static void read_kernel(uint64_t address, void *to, size_t size)
{
	static int fd = -1;
	static Elf64_Ehdr header;
	static Elf64_Phdr segments[64];

	if (fd < 0) {
		fd = open("/proc/kcore", O_RDONLY);
		if (fd < 0 || read(fd, &header, sizeof(header)) != sizeof(header) ||
		    header.e_phnum > 64)
			fail("no kcore");
		if (pread(fd, segments, header.e_phnum * sizeof(segments[0]), header.e_phoff) < 0)
			fail("no segments in kcore");
	}
	for (int i = 0; i < header.e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];

		if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
		    address - segment->p_vaddr + size > segment->p_memsz)
			continue;
		if (pread(fd, to, size, segment->p_offset + address - segment->p_vaddr) !=
		    (ssize_t)size)
			fail("kcore cannot be read there");
		return;
	}
	fail("address is in no segment of kcore");
}

static void read_text(struct text *text, uint64_t address)
{
	text->address = address;
	read_kernel(address, text->bytes, sizeof(text->bytes));
}

/* --- instructions ----------------------------------------------------------------- */

/* Where do the bytes come first between two offsets?  -1: nowhere. */
static int find(const struct text *text, int from, int to, const char *bytes, int size)
{
	for (int i = from; i + size <= to; i++)
		if (!memcmp(text->bytes + i, bytes, size))
			return i;

	return -1;
}

#define FIND(text, from, to, bytes)	find(text, from, to, bytes, SIZE(bytes))

static int must_find(const struct text *text, int from, const char *bytes, int size,
		     const char *name)
{
	int at = find(text, from, TEXT_SIZE, bytes, size);

	if (at < 0)
		fail(name);

	return at;
}

#define MUST_FIND(text, from, bytes)	must_find(text, from, bytes, SIZE(bytes), #bytes)

/* Length of what does nothing: a NOP of any size, ENDBR. */
static int nothing_length(const uint8_t *bytes)
{
	int prefixes = 0;

	if (!memcmp(bytes, "\xf3\x0f\x1e\xfa", 4))
		return 4;
	while (bytes[prefixes] == 0x66 || bytes[prefixes] == 0x2e)
		prefixes++;
	bytes += prefixes;
	if (bytes[0] == 0x90)
		return prefixes + 1;
	if (bytes[0] != 0x0f || bytes[1] != 0x1f)
		return 0;
	switch (bytes[2]) {
	case 0x00:
		return prefixes + 3;
	case 0x40:
		return prefixes + 4;
	case 0x44:
		return prefixes + 5;
	case 0x80:
		return prefixes + 7;
	case 0x84:
		return prefixes + 8;
	}

	return 0;
}

static const char *name_at(uint64_t address)
{
	for (unsigned int i = TARGETS; i < SYMBOL_COUNT; i++)
		if (symbols[i].address && symbols[i].address == address)
			return symbols[i].name;

	return NULL;
}

static uint64_t near_target(uint64_t next, const uint8_t *operand)
{
	int32_t distance;

	memcpy(&distance, operand, sizeof(distance));

	return next + (int64_t)distance;
}

/* The first address from @address on where something is done; follows jumps. */
static uint64_t follow(uint64_t address)
{
	uint8_t bytes[16];

	for (int steps = 0; steps < 50; steps++) {
		int length;

		read_kernel(address, bytes, sizeof(bytes));
		length = nothing_length(bytes);
		if (length)
			address += length;
		else if (bytes[0] == 0xeb)
			address += 2 + (int8_t)bytes[1];
		else if (bytes[0] == 0xe9 && !name_at(near_target(address + 5, bytes + 1)))
			address = near_target(address + 5, bytes + 1);
		else
			return address;
	}
	fail("jumps in circles");

	return 0;
}

/* The names of what is known and called between two offsets, in @names. */
static bool find_calls(const struct text *text, int from, int to, char *names, size_t size)
{
	size_t length = 0;

	names[0] = 0;
	for (int i = from; i + 5 <= to && length < size; i++) {
		const char *name;

		if (text->bytes[i] != 0xe8)
			continue;
		name = name_at(near_target(text->address + i + 5, text->bytes + i + 1));
		if (name)
			length += snprintf(names + length, size - length, "%s%s",
					   length ? " " : "", name);
	}

	return length;
}

static void say(const char *check, const char *value)
{
	printf("%s %s\n", check, value);
}

static void say_bool(const char *check, bool value)
{
	say(check, value ? "yes" : "no");
}

/* --- the places --------------------------------------------------------------------- */

static void say_return(const struct text *text, int from)
{
	/* At the end: seven registers, five of them with a prefix or not. */
	static const char pops[] = "\x5f\x5b\x41\x5c\x41\x5d\x41\x5e\x41\x5f\x5d";
	int at = must_find(text, from, pops, SIZE(pops), "the end of the switch");
	const uint8_t *bytes = text->bytes + at + SIZE(pops);
	uint64_t address = text->address + at + SIZE(pops);
	const char *name;

	while (*bytes == 0x2e) {
		bytes++;
		address++;
	}
	if (*bytes == 0xc3) {
		say("return", "ret");
	} else if (*bytes == 0xe9) {
		name = name_at(near_target(address + 5, bytes + 1));
		say("return", name ?: "unknown");
	} else {
		say("return", "unknown");
	}
}

/* Is the jump around the second switch of SPEC_CTRL still there? */
static bool jumps_over(const struct text *text, int at, int end)
{
	for (int i = at - 8; i <= at - 2; i++) {
		int target = i + 2 + (int8_t)text->bytes[i + 1];

		if (text->bytes[i] == 0xeb && target > at && target <= end)
			return true;
	}

	return false;
}

/* Is SPEC_CTRL's comparison what is done first from there on? */
static bool loads_spec_ctrl(uint64_t address)
{
	uint8_t bytes[SIZE(SPEC_CTRL_LOAD)];

	read_kernel(follow(address), bytes, sizeof(bytes));

	return !memcmp(bytes, SPEC_CTRL_LOAD, sizeof(bytes));
}

/* What is done from there on: it is there always, and a jump leads around it. */
static void say_rsb(uint64_t address)
{
	uint8_t bytes[SIZE(CALL_NEXT)];
	int calls = 0;

	address = follow(address);
	for (;; calls++, address += sizeof(bytes)) {
		read_kernel(address, bytes, sizeof(bytes));
		if (memcmp(bytes, CALL_NEXT, sizeof(bytes)))
			break;
	}
	if (calls == 31 && !memcmp(bytes, ADD_RSP, SIZE(ADD_RSP)))
		say("rsb", "yes");
	else
		say("rsb", calls == 1 ? "one" : calls ? "wrong" : "no");
}

static void say_svm_switch(void)
{
	struct text text;
	int clgi, vmrun, vmsave, restored, stgi, spec_ctrl;
	char names[200];

	read_text(&text, symbols[SVM_SWITCH].address);
	clgi = MUST_FIND(&text, 0, CLGI);
	vmrun = MUST_FIND(&text, clgi, VMRUN);
	vmsave = MUST_FIND(&text, vmrun, VMSAVE);
	restored = MUST_FIND(&text, vmsave, VMLOAD);
	stgi = MUST_FIND(&text, restored, STGI);
	spec_ctrl = MUST_FIND(&text, restored, SPEC_CTRL_ECX);

	say_rsb(text.address + restored + SIZE(VMLOAD));
	say("untrain", find_calls(&text, spec_ctrl, stgi, names, sizeof(names)) ? names : "no");
	say_bool("spec_ctrl_in", loads_spec_ctrl(text.address + clgi + SIZE(CLGI)));
	say_bool("spec_ctrl_out", !jumps_over(&text, spec_ctrl, stgi));
	say_bool("verw", FIND(&text, vmrun - 10, vmrun, VERW) >= 0);
	say_return(&text, stgi);
}

static void say_vtx_switch(void)
{
	struct text in, out;
	int resume, verw, spec_ctrl, end;
	char names[200];

	read_text(&in, symbols[VTX_SWITCH].address);
	resume = MUST_FIND(&in, 0, VMRESUME);
	/* Its operand is four bytes. */
	say_bool("spec_ctrl_in", loads_spec_ctrl(in.address + MUST_FIND(&in, 0, HOST_RSP_KEPT) +
						 SIZE(HOST_RSP_KEPT) + 4));
	verw = FIND(&in, resume - 16, resume, VERW);
	say_bool("verw", verw >= 0 && !jumps_over(&in, verw, resume));

	read_text(&out, symbols[VTX_SWITCH_EXIT].address);
	end = MUST_FIND(&out, 0, XOR_R15);
	spec_ctrl = MUST_FIND(&out, 0, SPEC_CTRL_ECX);
	say_rsb(out.address + MUST_FIND(&out, 0, VCPU_TO_RDI) + SIZE(VCPU_TO_RDI));
	say_bool("spec_ctrl_out", !jumps_over(&out, spec_ctrl, end));
	say("bhi", find_calls(&out, spec_ctrl, end, names, sizeof(names)) ? names : "no");
	say_return(&out, end);
}

static void say_vcpu_switch(void)
{
	struct text text;
	char names[200];
	int at, end;

	read_text(&text, symbols[VCPU_SWITCH].address);
	/* It loads the command's number first, whatever follows. */
	at = MUST_FIND(&text, 0, "\xb9\x49\x00\x00\x00");
	end = at + 24;
	say_bool("ibpb_switch", FIND(&text, at, end, WRMSR) >= 0 ||
		 find_calls(&text, at, end, names, sizeof(names)));
}

static void say_vcpu_leave(void)
{
	uint8_t bytes[SIZE(MOV_GS_1)];

	read_kernel(follow(symbols[VCPU_LEAVE].address), bytes, sizeof(bytes));
	say_bool("ibpb_user", !memcmp(bytes, MOV_GS_1, sizeof(bytes)));
}

int main(void)
{
	find_symbols();
	__builtin_cpu_init();
	if (__builtin_cpu_is("intel"))
		say_vtx_switch();
	else
		say_svm_switch();
	say_vcpu_switch();
	say_vcpu_leave();

	return 0;
}

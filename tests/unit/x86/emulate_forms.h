/* SPDX-License-Identifier: GPL-2.0-only */
/* The forms of instructions that emulate_test.c compares with the CPU; part of it. */

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
#define ALU_UNDEFINED(n)	((n) == 1 || (n) == 4 || (n) == 6 ? AF : 0)
#define ALU_LOCK(n)		((n) < 7 ? F_LOCK : 0)
#define ALU(name, n)									\
	{ name " Eb,Gb", (const char[]){ n * 8 }, 1, EB | ALU_LOCK(n), 0, ALU_UNDEFINED(n) }, \
	{ name " Ev,Gv", (const char[]){ n * 8 + 1 }, 1, E | ALU_LOCK(n), 0, ALU_UNDEFINED(n) }, \
	{ name " Gb,Eb", (const char[]){ n * 8 + 2 }, 1, EB, 0, ALU_UNDEFINED(n) }, \
	{ name " Gv,Ev", (const char[]){ n * 8 + 3 }, 1, E, 0, ALU_UNDEFINED(n) }, \
	{ name " Eb,Ib", "\x80", 1, EB | F_GROUP | F_IB | ALU_LOCK(n), n, ALU_UNDEFINED(n) }, \
	{ name " Ev,Iz", "\x81", 1, E | F_GROUP | F_IZ | ALU_LOCK(n), n, ALU_UNDEFINED(n) }, \
	{ name " Ev,Ib", "\x83", 1, E | F_GROUP | F_IB | ALU_LOCK(n), n, ALU_UNDEFINED(n) }
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

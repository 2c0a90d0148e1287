// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating point and vectors: state that survives exits, other vCPUs on the same CPU
 * and the host's own use, and that costs nothing until it is used.
 */
#include <sched.h>
#include <lib/kvm.h>

static struct vm *vm;

/* --- guest ---------------------------------------------------------------- */

static u64 float_in[2][32], float_out[2][32];
static u8 vector_in[2][32 * 256], vector_out[2][32 * 256];

/* fld or fsd of all registers, from and to (a0). */
asm(	".pushsection .text\n"
	".altmacro\n"
	".macro each_float op\n"
	".set number, 0\n"
	".rept 32\n	one_float \\op, %number\n	.set number, number + 1\n .endr\n"
	".endm\n"
	".macro one_float op, number\n	\\op f\\number, \\number * 8(a0)\n .endm\n"
	".globl guest_load_floats, guest_store_floats\n"
	"guest_load_floats:\n	each_float fld\n	ret\n"
	"guest_store_floats:\n	each_float fsd\n	ret\n"
	/* All 32 vector registers in groups of eight, from and to (a0); a1: VLEN in bytes. */
	".option push\n"
	".option arch, +v\n"
	".globl guest_load_vectors, guest_store_vectors, guest_vlenb\n"
	"guest_vlenb:\n	csrr a0, vlenb\n	ret\n"
	"guest_load_vectors:\n"
	"	slli t0, a1, 3\n"
	"	vl8r.v v0, (a0)\n	add a0, a0, t0\n"
	"	vl8r.v v8, (a0)\n	add a0, a0, t0\n"
	"	vl8r.v v16, (a0)\n	add a0, a0, t0\n"
	"	vl8r.v v24, (a0)\n"
	"	ret\n"
	"guest_store_vectors:\n"
	"	slli t0, a1, 3\n"
	"	vs8r.v v0, (a0)\n	add a0, a0, t0\n"
	"	vs8r.v v8, (a0)\n	add a0, a0, t0\n"
	"	vs8r.v v16, (a0)\n	add a0, a0, t0\n"
	"	vs8r.v v24, (a0)\n"
	"	ret\n"
	/* vsetvli a0, a0, e16, m2, ta, mu; and vl back. */
	".globl guest_set_vl, guest_get_vl, guest_get_vtype\n"
	"guest_set_vl:\n	vsetvli a0, a0, e16, m2, ta, mu\n	ret\n"
	"guest_get_vl:\n	csrr a0, vl\n	ret\n"
	"guest_get_vtype:\n	csrr a0, vtype\n	ret\n"
	".option pop\n"
	".popsection\n");
void guest_load_floats(const u64 *from);
void guest_store_floats(u64 *to);
u64 guest_vlenb(void);
void guest_load_vectors(const u8 *from, u64 vlenb);
void guest_store_vectors(u8 *to, u64 vlenb);
u64 guest_set_vl(u64 count);
u64 guest_get_vl(void);
u64 guest_get_vtype(void);

static u64 float_pattern(u64 hart, u64 number, u64 round)
{
	return 0x4000000000000000ULL + (hart << 40) + (round << 16) + number;
}

static u64 float_rounds(u64 hart, u64 rounds, bool exits)
{
	u64 round, i, wrong = 0, spin;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 32; i++)
			float_in[hart][i] = float_pattern(hart, i, round);
		guest_load_floats(float_in[hart]);
		csr_write(fcsr, round & 0xff & ~0xe0);
		if (exits)
			guest_write32(GPA_MMIO, round);
		for (spin = 0; spin < 2000; spin++)
			guest_pause();
		wrong += csr_read(fcsr) != (round & 0xff & ~0xe0);
		guest_store_floats(float_out[hart]);
		for (i = 0; i < 32; i++)
			wrong += float_out[hart][i] != float_pattern(hart, i, round);
	}

	return wrong;
}

static u64 vector_rounds(u64 hart, u64 rounds, bool exits)
{
	u64 round, i, wrong = 0, spin, size, vlenb = guest_vlenb(), vl, vtype;

	size = 32 * vlenb;
	if (size > sizeof(vector_in[0]))
		return 0;
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < size; i++)
			vector_in[hart][i] = i * 7 + round + hart * 100;
		vl = guest_set_vl(1 + round % 4);
		vtype = guest_get_vtype();
		guest_load_vectors(vector_in[hart], vlenb);
		if (exits)
			guest_write32(GPA_MMIO, round);
		for (spin = 0; spin < 2000; spin++)
			guest_pause();
		wrong += guest_get_vl() != vl || guest_get_vtype() != vtype;
		guest_store_vectors(vector_out[hart], vlenb);
		for (i = 0; i < size; i++)
			wrong += vector_out[hart][i] != vector_in[hart][i];
	}

	return wrong;
}

/* @what: number of the hart, 2: floats, 4: vectors, 8: with exits. */
static void guest_compute(u64 what)
{
	u64 rounds = what & 8 ? 200 : 2000, wrong = 0;

	csr_set(sstatus, SSTATUS_FS | SSTATUS_VS);
	if (what & 2)
		wrong += float_rounds(what & 1, rounds, what & 8);
	if (what & 4)
		wrong += vector_rounds(what & 1, rounds / 4, what & 8);
	guest_say(wrong);
	guest_done();
}

/* Only control registers are written between two exits. */
static void guest_control(u64 vector)
{
	csr_set(sstatus, SSTATUS_FS | SSTATUS_VS);
	csr_write(fcsr, 0);
	if (vector)
		csr_write(vcsr, 0);
	guest_say(0);
	csr_write(fcsr, 0x41);
	if (vector)
		csr_write(vcsr, 5);
	guest_say(0);
	guest_say(csr_read(fcsr));
	guest_say(vector ? csr_read(vcsr) : 5);
	guest_done();
}

/* --- host ----------------------------------------------------------------- */

static bool has_vector(void)
{
	struct vm *one = vm_create(VM_BARE);
	bool has = riscv_has_isa(vcpu_create_bare(one, 0), KVM_RISCV_ISA_EXT_V);

	vm_destroy(one);

	return has;
}

/* In user space between exits: use the registers that the guest uses. */
static void scribble(u64 value)
{
	asm volatile("fmv.d.x ft0, %0\n\tfmv.d.x fa0, %0\n\tfmv.d.x ft11, %0\n\t"
		     "fmv.d.x fs3, %0" : : "r"(value) : "ft0", "fa0", "ft11", "fs3");
}

/* What a call keeps must be kept over KVM_RUN too. */
static int run_kept(struct vcpu *vcpu, u64 value, u64 *wrong)
{
	register double fs0 asm("fs0");
	register double fs11 asm("fs11");
	u64 after0, after11;
	int err;

	asm volatile("fmv.d.x %0, %2\n\tfmv.d.x %1, %3"
		     : "=f"(fs0), "=f"(fs11) : "r"(value), "r"(~value));
	asm volatile("" : "+f"(fs0), "+f"(fs11));
	err = vcpu_run(vcpu);
	asm volatile("fmv.x.d %0, %2\n\tfmv.x.d %1, %3"
		     : "=r"(after0), "=r"(after11) : "f"(fs0), "f"(fs11));
	*wrong += after0 != value || after11 != ~value;

	return err;
}

static void check_exits(u64 what, const char *name)
{
	struct vcpu *vcpu;
	u64 said = ~0ULL, host_wrong = 0, exits = 0;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_compute, what | 8);
	while (!run_kept(vcpu, 0x4010000000000000ULL + exits, &host_wrong) &&
	       !vcpu_said(vcpu, &said)) {
		scribble(0x4020000000000000ULL + exits++);
		if (vcpu->run->exit_reason != KVM_EXIT_MMIO)
			break;
	}
	report(!said && exits >= 50, "%s survive %llu exits", name, (unsigned long long)exits);
	report(!host_wrong, "so do the host's registers");
	vm_destroy(vm);
}

static bool is_mmio(struct vcpu_thread *thread)
{
	scribble(thread->exits);

	return thread->vcpu->run->exit_reason == KVM_EXIT_MMIO;
}

/* Both on one CPU: each takes the registers from the other. */
static void check_two(u64 what, const char *name)
{
	struct vcpu_thread threads[2] = { { .handle = is_mmio }, { .handle = is_mmio } };
	cpu_set_t all;
	u64 i;

	sched_getaffinity(0, sizeof(all), &all);
	stay_on(0);
	vm = vm_create(0);
	for (i = 0; i < 2; i++)
		vcpu_create(vm, guest_compute, what | i);
	for (i = 0; i < 2; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	sched_setaffinity(0, sizeof(all), &all);
	for (i = 0; i < 2; i++)
		vcpu_thread_join(&threads[i]);
	report(!threads[0].said && !threads[1].said, "%s of two vCPUs on one CPU", name);
	vm_destroy(vm);
}

/* --- registers from outside ----------------------------------------------- */

static void guest_swap(u64 argument)
{
	u64 i;

	csr_set(sstatus, SSTATUS_FS);
	guest_store_floats(float_out[0]);
	for (i = 0; i < 32; i++)
		float_in[0][i] = float_pattern(1, i, 3);
	guest_load_floats(float_in[0]);
	csr_write(fcsr, 0x11);
	guest_say(csr_read(sstatus) & SSTATUS_FS);
	guest_say(0);
}

static void check_registers(void)
{
	u64 i, wrong = 0, value;
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_swap, 0);
	for (i = 0; i < 32; i++)
		reg_set(vcpu, RISCV_REG(U64, FP_D, i), float_pattern(0, i, 9));
	report(vcpu_run_said(vcpu) == SSTATUS_FS, "sstatus says that they are dirty");
	for (i = 0; i < 32; i++) {
		wrong += guest_var(vm, float_out[0][i]) != float_pattern(0, i, 9);
		wrong += reg_get(vcpu, RISCV_REG(U64, FP_D, i)) != float_pattern(1, i, 3);
	}
	report(!wrong, "floating-point registers can be set and read");
	value = 0;
	report(!reg_try_get(vcpu, RISCV_REG(U32, FP_D, 32), &value) && value == 0x11,
	       "so can fcsr");
	vm_destroy(vm);
}

static void guest_swap_vectors(u64 argument)
{
	u64 i, vlenb;

	csr_set(sstatus, SSTATUS_VS);
	vlenb = guest_vlenb();
	guest_store_vectors(vector_out[0], vlenb);
	for (i = 0; i < 32 * vlenb; i++)
		vector_in[0][i] = i + 5;
	guest_set_vl(3);
	guest_load_vectors(vector_in[0], vlenb);
	guest_say(csr_read(sstatus) & SSTATUS_VS);
	guest_say(0);
}

static u64 vector_id(u64 vlenb, u64 n)
{
	u64 size = vlenb == 16 ? KVM_REG_SIZE_U128 : vlenb == 32 ? KVM_REG_SIZE_U256 :
		   vlenb == 64 ? KVM_REG_SIZE_U512 : vlenb == 128 ? KVM_REG_SIZE_U1024 :
		   KVM_REG_SIZE_U2048;

	return KVM_REG_RISCV | KVM_REG_RISCV_VECTOR | size | KVM_REG_RISCV_VECTOR_REG(n);
}

#define VECTOR_CSR(name)	RISCV_REG(U64, VECTOR, KVM_REG_RISCV_VECTOR_CSR_REG(name))

static void check_vectors(void)
{
	u8 value[256], *out, *in;
	u64 i, wrong = 0, vlenb;
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_swap_vectors, 0);
	vlenb = reg_get(vcpu, VECTOR_CSR(vlenb));
	report(vlenb >= 8 && !(vlenb & (vlenb - 1)), "vectors of %llu bytes",
	       (unsigned long long)vlenb);
	if (vlenb < 16 || vlenb > 256)
		return;
	out = &guest_var(vm, vector_out[0][0]);
	in = &guest_var(vm, vector_in[0][0]);
	for (i = 0; i < 32; i++) {
		memset(value, 0x40 + i, sizeof(value));
		if (reg_try_set(vcpu, vector_id(vlenb, i), value))
			wrong++;
	}
	report(vcpu_run_said(vcpu) == SSTATUS_VS, "sstatus says that they are dirty");
	for (i = 0; i < 32 * vlenb; i++)
		wrong += out[i] != 0x40 + i / vlenb;
	for (i = 0; i < 32; i++) {
		reg_try_get(vcpu, vector_id(vlenb, i), value);
		wrong += !!memcmp(value, in + i * vlenb, vlenb);
	}
	report(!wrong, "vector registers can be set and read");
	report(reg_get(vcpu, VECTOR_CSR(vl)) == 3, "so can vl");
	vm_destroy(vm);
}

static void check_control(bool vector)
{
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_control, vector);
	vcpu_run_said(vcpu);
	vcpu_run_said(vcpu);
	report(vcpu_run_said(vcpu) == 0x41, "fcsr alone is written and kept");
	report(vcpu_run_said(vcpu) == 5, "so is vcsr");
	vm_destroy(vm);
}

/* --- off is off ----------------------------------------------------------- */

static void guest_off(u64 argument)
{
	u64 value;

	guest_catch();
	csr_clear(sstatus, SSTATUS_FS | SSTATUS_VS);
	guest_say(GUEST_TRY("fmv.d.x ft0, zero", "r"(0)));
	guest_say(try_csr_read(fcsr, &value));
	guest_say(argument ? GUEST_TRY(".word 0xcc00f057", "r"(0)) : CAUSE_ILLEGAL);
	csr_set(sstatus, SSTATUS_FS | SSTATUS_VS);
	guest_say(GUEST_TRY("fmv.d.x ft0, zero", "r"(0)));
	guest_say(argument ? GUEST_TRY(".word 0xcc00f057", "r"(0)) : CAUSE_NONE);
	/* Clean, then a change makes it dirty. */
	csr_clear(sstatus, 0x2000);
	GUEST_ASSERT((csr_read(sstatus) & SSTATUS_FS) == 0x4000);
	guest_say(GUEST_TRY("fmv.d.x ft1, zero", "r"(0)));
	guest_say(csr_read(sstatus) & SSTATUS_FS);
	guest_done();
}

static void check_off(bool vector)
{
	static const char *const names[] = {
		"no floating point when it is off", "nor its CSR", "nor vectors",
		"floating point when it is on", "and vectors", "clean and used", "is dirty",
	};
	static const u64 expected[] = {
		CAUSE_ILLEGAL, CAUSE_ILLEGAL, CAUSE_ILLEGAL, CAUSE_NONE, CAUSE_NONE, CAUSE_NONE,
		SSTATUS_FS,
	};
	struct vcpu *vcpu;
	size_t i;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_off, vector);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		u64 said = vcpu_run_said(vcpu);
		/* See emulator_lost() in trap.c. */
		bool lost = in_tree() && expected[i] == CAUSE_ILLEGAL && said == CAUSE_FETCH_PAGE;

		if (!report(said == expected[i] || lost, "%s", names[i]))
			note("0x%llx, not 0x%llx", (unsigned long long)said,
			     (unsigned long long)expected[i]);
	}
	vm_destroy(vm);
}

TEST(fp_vector)
{
	bool vector = has_vector();

	check_off(vector);
	check_registers();
	check_control(vector);
	check_exits(2, "floating-point registers");
	check_two(2, "floating-point registers");
	check_two(10, "floating-point registers, with exits,");
	if (!vector) {
		note("no V");
		return;
	}
	check_vectors();
	check_exits(4, "vector registers");
	check_two(4, "vector registers");
	check_two(14, "all registers, with exits,");
}

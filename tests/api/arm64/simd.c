// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIMD and SVE registers and pointer authentication keys: state that survives exits, other
 * vCPUs on the same CPU and the host's own use.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <arm64/simd.h>

static struct vm *vm;

/* --- guest -------------------------------------------------------------------- */

static u64 simd_in[2][64] __attribute__((aligned(16)));
static u64 simd_out[2][64] __attribute__((aligned(16)));
static u8 sve_in[2][SVE_BYTES], sve_out[2][SVE_BYTES];

asm(	".pushsection .text\n"
	".arch armv8.2-a+simd+sve\n"
	".altmacro\n"
	".macro each_pair op\n"
	".set number, 0\n"
	".rept 16\n	simd_pair \\op, %number, %(number + 1)\n	.set number, number + 2\n .endr\n"
	".endm\n"
	".macro simd_pair op, low, high\n"
	"	\\op q\\low, q\\high, [x0, #\\low * 16]\n .endm\n"
	".macro each_z op\n"
	".set number, 0\n"
	".rept 32\n	one_z \\op, %number\n	.set number, number + 1\n .endr\n"
	".endm\n"
	".macro one_z op, number\n	\\op z\\number, [x0, #\\number, mul vl]\n .endm\n"
	".macro each_p op\n"
	".set number, 0\n"
	".rept 16\n	one_p \\op, %number\n	.set number, number + 1\n .endr\n"
	".endm\n"
	".macro one_p op, number\n	\\op p\\number, [x1, #\\number, mul vl]\n .endm\n"
	".globl guest_load_simd, guest_store_simd, guest_load_sve, guest_store_sve, guest_vl\n"
	"guest_load_simd:\n	each_pair ldp\n	ret\n"
	"guest_store_simd:\n	each_pair stp\n	ret\n"
	/* Z at x0, P and FFR behind them. */
	"guest_vl:\n	rdvl x0, #1\n	ret\n"
	"guest_load_sve:\n"
	"	rdvl x2, #1\n	add x1, x0, x2, lsl #5\n"
	"	rdvl x3, #2\n	add x3, x1, x3\n"
	"	ldr p0, [x3]\n	wrffr p0.b\n"
	"	each_z ldr\n	each_p ldr\n	ret\n"
	"guest_store_sve:\n"
	"	rdvl x2, #1\n	add x1, x0, x2, lsl #5\n"
	"	rdvl x3, #2\n	add x3, x1, x3\n"
	"	each_z str\n	each_p str\n"
	"	rdffr p0.b\n	str p0, [x3]\n	ret\n"
	".noaltmacro\n"
	".arch armv8-a\n"
	".popsection\n");

static u64 simd_pattern(u64 cpu, u64 number, u64 round)
{
	return 0x4000000000000000ULL + (cpu << 40) + (round << 16) + number;
}

#define FPCR_RMODE	0xc00000UL

static u64 simd_rounds(u64 cpu, u64 rounds, bool exits)
{
	u64 round, i, wrong = 0, spin, mode;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 64; i++)
			simd_in[cpu][i] = simd_pattern(cpu, i, round);
		guest_load_simd(simd_in[cpu]);
		mode = round << 22 & FPCR_RMODE;
		sysreg_write(S3_3_C4_C4_0, mode);		/* FPCR */
		sysreg_write(S3_3_C4_C4_1, round & 0x1f);	/* FPSR */
		if (exits)
			guest_write32(GPA_MMIO, round);
		for (spin = 0; spin < 2000; spin++)
			guest_pause();
		wrong += sysreg_read(S3_3_C4_C4_0) != mode;
		wrong += sysreg_read(S3_3_C4_C4_1) != (round & 0x1f);
		guest_store_simd(simd_out[cpu]);
		for (i = 0; i < 64; i++)
			wrong += simd_out[cpu][i] != simd_pattern(cpu, i, round);
	}

	return wrong;
}

/* All vectors, all predicates, and FFR, which may only be ones up to somewhere. */
static void sve_fill(u64 cpu, u64 round, u64 vl)
{
	u64 i, size = 32 * vl + 16 * (vl / 8);

	for (i = 0; i < size; i++)
		sve_in[cpu][i] = i * 7 + round + cpu * 100;
	for (i = 0; i < vl / 8; i++)
		sve_in[cpu][size + i] = i < round % (vl / 8) ? 0xff : 0;
}

static u64 sve_rounds(u64 cpu, u64 rounds, bool exits)
{
	u64 round, i, wrong = 0, spin, vl, size;

	sysreg_write(S3_0_C1_C2_0, cpu ? 0 : 15);	/* ZCR_EL1: short vectors, or as long as can be */
	isb();
	vl = guest_vl();
	size = 32 * vl + 17 * (vl / 8);
	for (round = 0; round < rounds; round++) {
		sve_fill(cpu, round, vl);
		guest_load_sve(sve_in[cpu]);
		if (exits)
			guest_write32(GPA_MMIO, round);
		for (spin = 0; spin < 2000; spin++)
			guest_pause();
		guest_store_sve(sve_out[cpu]);
		for (i = 0; i < size; i++)
			wrong += sve_out[cpu][i] != sve_in[cpu][i];
		wrong += guest_vl() != vl;
	}

	return wrong;
}

/* @what: number of the vCPU, 2: SIMD, 4: SVE, 8: with exits, 16: for many ticks of the host. */
static void guest_compute(u64 what)
{
	u64 rounds = what & 8 ? 200 : what & 16 ? 50000 : 2000, wrong = 0;

	if (what & 2)
		wrong += simd_rounds(what & 1, rounds, what & 8);
	if (what & 4)
		wrong += sve_rounds(what & 1, rounds / 4, what & 8);
	guest_say(wrong);
	guest_done();
}

/* --- host ----------------------------------------------------------------------- */

/* In user space between exits: use the registers that the guest uses. */
static void scribble(u64 value)
{
	asm volatile(".arch_extension fp\n\tfmov d0, %0\n\tfmov d7, %0\n\tfmov d31, %0"
		     : : "r"(value));
}

/* What a call keeps must be kept over KVM_RUN too: the low half of v8 to v15. */
static int run_kept(struct vcpu *vcpu, u64 value, u64 *wrong)
{
	u64 low, high, saved8, saved15;
	int err;

	asm volatile(".arch_extension fp\n\tfmov %0, d8\n\tfmov %1, d15\n\t"
		     "fmov d8, %2\n\tfmov d15, %3"
		     : "=&r"(saved8), "=&r"(saved15) : "r"(value), "r"(~value));
	err = vcpu_run(vcpu);
	asm volatile("fmov %0, d8\n\tfmov %1, d15\n\tfmov d8, %2\n\tfmov d15, %3"
		     : "=&r"(low), "=&r"(high) : "r"(saved8), "r"(saved15));
	*wrong += low != value || high != ~value;

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
static void check_two(void (*guest)(u64), u64 what, const char *name)
{
	struct vcpu_thread threads[2] = { { .handle = is_mmio }, { .handle = is_mmio } };
	cpu_set_t all;
	u64 i;

	sched_getaffinity(0, sizeof(all), &all);
	stay_on(0);
	vm = vm_create(0);
	for (i = 0; i < 2; i++)
		vcpu_create(vm, guest, what | i);
	for (i = 0; i < 2; i++)
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	sched_setaffinity(0, sizeof(all), &all);
	for (i = 0; i < 2; i++)
		vcpu_thread_join(&threads[i]);
	if (!report(!threads[0].said && !threads[1].said, "%s of two vCPUs on one CPU", name))
		note("0x%llx, 0x%llx", (unsigned long long)threads[0].said,
		     (unsigned long long)threads[1].said);
	vm_destroy(vm);
}

/* A program of the host that keeps what it needs in registers, and makes no system call. */
struct neighbour {
	bool	sve;
	int	stop;
	u64	wrong, rounds;
};

static void neighbour_round(struct neighbour *neighbour, u64 round)
{
	static u64 in[64] __attribute__((aligned(16))), out[64] __attribute__((aligned(16)));
	static u8 sve_from[SVE_BYTES], sve_to[SVE_BYTES];
	u64 i, vl = neighbour->sve ? guest_vl() : 0, size = 32 * vl + 16 * (vl / 8);

	for (i = 0; i < 64; i++)
		in[i] = simd_pattern(7, i, round);
	for (i = 0; i < size; i++)
		sve_from[i] = i * 3 + round;
	/* These know nothing of registers that a call keeps. */
	asm volatile("" : : : "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15");
	if (neighbour->sve)
		guest_load_sve(sve_from);
	else
		guest_load_simd(in);
	for (i = 0; i < 500000; i++)
		asm volatile("nop");
	if (neighbour->sve)
		guest_store_sve(sve_to);
	else
		guest_store_simd(out);
	neighbour->wrong += memcmp(in, neighbour->sve ? in : out, sizeof(in)) ||
			    memcmp(sve_from, neighbour->sve ? sve_to : sve_from, size);
}

static void *neighbour_main(void *arg)
{
	struct neighbour *neighbour = arg;

	while (!__atomic_load_n(&neighbour->stop, __ATOMIC_RELAXED))
		neighbour_round(neighbour, neighbour->rounds++);

	return NULL;
}

/* It is interrupted on its CPU by a vCPU, and goes on without its registers being loaded anew. */
static void check_neighbour(u64 what, bool sve, const char *name)
{
	struct neighbour neighbour = { .sve = sve };
	pthread_t thread;
	struct vcpu *vcpu;
	cpu_set_t all;
	u64 said = ~0ULL;

	sched_getaffinity(0, sizeof(all), &all);
	stay_on(0);
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_compute, what | 8);
	pthread_create(&thread, NULL, neighbour_main, &neighbour);
	while (!vcpu_run(vcpu) && !vcpu_said(vcpu, &said))
		if (vcpu->run->exit_reason != KVM_EXIT_MMIO)
			break;
	__atomic_store_n(&neighbour.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	sched_setaffinity(0, sizeof(all), &all);
	report(!said && !neighbour.wrong && neighbour.rounds,
	       "%s of another program on the CPU survive the guest, %llu times", name,
	       (unsigned long long)neighbour.rounds);
	vm_destroy(vm);
}

static u64 milliseconds(const struct timeval *from, const struct timeval *to)
{
	return (to->tv_sec - from->tv_sec) * 1000 + (to->tv_usec - from->tv_usec) / 1000;
}

/* The time that a guest computes is no time of the host's kernel. */
static void check_time(u64 what, const char *name)
{
	struct rusage before, after;
	struct vcpu *vcpu;
	u64 said, user, system;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_compute, what);
	getrusage(RUSAGE_THREAD, &before);
	said = vcpu_run_said(vcpu);
	getrusage(RUSAGE_THREAD, &after);
	user = milliseconds(&before.ru_utime, &after.ru_utime);
	system = milliseconds(&before.ru_stime, &after.ru_stime);
	if (!report(!said && system <= user / 2, "time that the guest uses %s is its own", name))
		note("%llu ms, and %llu ms of the system", (unsigned long long)user,
		     (unsigned long long)system);
	vm_destroy(vm);
}

/* One vCPU, and a CPU after the other. */
static void check_moves(void (*guest)(u64), u64 what, const char *name)
{
	struct vcpu *vcpu;
	u64 said = ~0ULL, moves = 0;
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest, what | 8);
	while (!vcpu_run(vcpu) && !vcpu_said(vcpu, &said)) {
		if (vcpu->run->exit_reason != KVM_EXIT_MMIO)
			break;
		/* There may be one only. */
		stay_on(moves++ & 1);
	}
	sched_setaffinity(0, sizeof(all), &all);
	report(!said && moves >= 50, "%s survive %llu moves to another CPU", name,
	       (unsigned long long)moves);
	vm_destroy(vm);
}

/* --- simd ------------------------------------------------------------------------- */

static void guest_swap(u64 argument)
{
	u64 i;

	guest_store_simd(simd_out[0]);
	for (i = 0; i < 64; i++)
		simd_in[0][i] = simd_pattern(1, i, 3);
	guest_load_simd(simd_in[0]);
	sysreg_write(S3_3_C4_C4_0, 0x400000);
	guest_say(0);
}

static u64 fp_control(const char *which)
{
	u64 id = *which == 'c' ? ARM64_CORE(fp_regs.fpcr) : ARM64_CORE(fp_regs.fpsr);

	return (id & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32;
}

static void check_registers(void)
{
	u64 i, wrong = 0, value[2];
	struct vcpu *vcpu;
	u32 control = 0;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_swap, 0);
	for (i = 0; i < 32; i++) {
		value[0] = simd_pattern(0, 2 * i, 9);
		value[1] = simd_pattern(0, 2 * i + 1, 9);
		wrong += reg_try_set(vcpu, ARM64_V(i), value);
	}
	vcpu_run_said(vcpu);
	for (i = 0; i < 32; i++) {
		wrong += guest_var(vm, simd_out[0][2 * i]) != simd_pattern(0, 2 * i, 9);
		wrong += guest_var(vm, simd_out[0][2 * i + 1]) != simd_pattern(0, 2 * i + 1, 9);
		wrong += reg_try_get(vcpu, ARM64_V(i), value);
		wrong += value[0] != simd_pattern(1, 2 * i, 3);
		wrong += value[1] != simd_pattern(1, 2 * i + 1, 3);
	}
	report(!wrong, "SIMD registers can be set and read");
	report(!reg_try_get(vcpu, fp_control("c"), &control) && control == 0x400000, "so can FPCR");
	vm_destroy(vm);
}

static void guest_off(u64 argument)
{
	guest_catch();
	sysreg_write(cpacr_el1, 0);
	isb();
	guest_say(ESR_EC(GUEST_TRY(".arch_extension fp\n\tfmov d0, xzr", "r"(0))));
	sysreg_write(cpacr_el1, ARM64_CPACR);
	isb();
	guest_say(GUEST_TRY("fmov d0, xzr", "r"(0)));
	guest_done();
}

static void check_off(void)
{
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_off, 0);
	report(vcpu_run_said(vcpu) == EC_SIMD, "CPACR_EL1 turns SIMD off");
	report(!vcpu_run_said(vcpu), "and on");
	vm_destroy(vm);
}

TEST(simd)
{
	check_off();
	check_registers();
	check_exits(2, "SIMD registers");
	check_two(guest_compute, 2, "SIMD registers");
	check_two(guest_compute, 10, "SIMD registers, with exits,");
	check_moves(guest_compute, 2, "SIMD registers");
	check_neighbour(2, false, "SIMD registers");
	check_time(2 | 16, "SIMD registers");
}

/* --- sve ---------------------------------------------------------------------------- */

static void guest_swap_sve(u64 argument)
{
	u64 vl = guest_vl(), i;

	guest_store_sve(sve_out[0]);
	for (i = 0; i < sizeof(sve_in[0]); i++)
		sve_in[0][i] = i + 5;
	sve_fill(0, 3, vl);
	guest_load_sve(sve_in[0]);
	guest_say(vl);
}

static void check_sve_registers(void)
{
	u8 value[256] = {};
	u64 i, wrong = 0, vl;
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_swap_sve, 0);
	/* What shorter vectors do not reach may be lost. */
	reg_set(vcpu, SYS_ZCR, 15);
	for (i = 0; i < 32; i++) {
		memset(value, 0x40 + i, sizeof(value));
		wrong += !!reg_try_set(vcpu, KVM_REG_ARM64_SVE_ZREG(i, 0), value);
	}
	vl = vcpu_run_said(vcpu);
	report(vl >= 16 && vl <= 256, "vectors of %llu bytes", (unsigned long long)vl);
	for (i = 0; i < 32 * vl; i++)
		wrong += (&guest_var(vm, sve_out[0][0]))[i] != 0x40 + i / vl;
	for (i = 0; i < 32; i++) {
		wrong += !!reg_try_get(vcpu, KVM_REG_ARM64_SVE_ZREG(i, 0), value);
		wrong += !!memcmp(value, &guest_var(vm, sve_in[0][i * vl]), vl);
	}
	for (i = 0; i < 16; i++) {
		wrong += !!reg_try_get(vcpu, KVM_REG_ARM64_SVE_PREG(i, 0), value);
		wrong += !!memcmp(value, &guest_var(vm, sve_in[0][32 * vl + i * vl / 8]), vl / 8);
	}
	report(!wrong, "vector and predicate registers can be set and read");
	vm_destroy(vm);
}

/* A guest with shorter vectors than the host has. */
static void check_lengths(void)
{
	u64 vls[KVM_ARM64_SVE_VLS_WORDS], one[KVM_ARM64_SVE_VLS_WORDS] = { 1 };
	int feature = KVM_ARM_VCPU_SVE;
	struct vcpu *vcpu;

	vm = vm_create(0);
	vcpu = vcpu_create_bare(vm, 0);
	if (arm64_try_init(vcpu, arm64_features))
		bail("KVM_ARM_VCPU_INIT failed: %s", strerror(errno));
	report(!reg_try_get(vcpu, KVM_REG_ARM64_SVE_VLS, vls) && vls[0] & 1, "the lengths there are");
	report(!reg_try_set(vcpu, KVM_REG_ARM64_SVE_VLS, one), "only the shortest");
	report(vcpu_run(vcpu) == -EPERM, "no run before it is finalised");
	report(!ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature), "it is");
	report_errno(reg_try_set(vcpu, KVM_REG_ARM64_SVE_VLS, vls), EPERM, "then they are fixed");
	vcpu_enter_at(vcpu, guest_swap_sve, 0);
	reg_set(vcpu, SYS_ZCR, 15);
	report(vcpu_run_said(vcpu) == 16, "the guest has vectors of 16 bytes");
	vm_destroy(vm);
}

TEST(sve)
{
	arm64_need_feature(KVM_ARM_VCPU_SVE, KVM_CAP_ARM_SVE, "SVE");
	check_lengths();
	check_sve_registers();
	check_exits(4, "SVE registers");
	check_two(guest_compute, 4, "SVE registers");
	check_two(guest_compute, 12, "SVE registers, with exits,");
	check_two(guest_compute, 14, "all registers, with exits,");
	check_moves(guest_compute, 4, "SVE registers");
	check_neighbour(2, true, "SVE registers");
	check_neighbour(4, true, "SVE registers");
	check_time(4 | 16, "SVE registers");
}

/* --- pauth: keys of its own ------------------------------------------------------------ */

static void set_keys(u64 seed)
{
	sysreg_write(S3_0_C2_C1_0, seed * 3);	/* APIA, APIB, APDA, APDB, APGA */
	sysreg_write(S3_0_C2_C1_1, seed * 5);
	sysreg_write(S3_0_C2_C1_2, seed * 7);
	sysreg_write(S3_0_C2_C1_3, seed * 11);
	sysreg_write(S3_0_C2_C2_0, seed * 13);
	sysreg_write(S3_0_C2_C2_1, seed * 17);
	sysreg_write(S3_0_C2_C2_2, seed * 19);
	sysreg_write(S3_0_C2_C2_3, seed * 23);
	sysreg_write(S3_0_C2_C3_0, seed * 29);
	sysreg_write(S3_0_C2_C3_1, seed * 31);
	isb();
}

/*
 * Sign with each of the keys: one value for all of them.  The inputs are read after the
 * first outputs were written.
 */
static u64 sign(u64 pointer, u64 context)
{
	u64 ia = pointer, ib = pointer, da = pointer, db = pointer, ga;

	asm volatile(".arch_extension pauth\n\t"
		     "pacia %0, %5\n\tpacib %1, %5\n\tpacda %2, %5\n\tpacdb %3, %5\n\t"
		     "pacga %4, %6, %5"
		     : "+&r"(ia), "+&r"(ib), "+&r"(da), "+&r"(db), "=r"(ga)
		     : "r"(context), "r"(pointer));

	return ia ^ (ib << 1 | ib >> 63) ^ (da << 2 | da >> 62) ^ (db << 3 | db >> 61) ^ ga;
}

static void guest_signs(u64 what)
{
	u64 seed = 0x123456789abcdefULL + (what & 1) * 0x1111111111111111ULL, first, round, spin;
	u64 wrong = 0;

	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | BIT(31) | BIT(30) | BIT(27) | BIT(13));
	isb();
	set_keys(seed);
	first = sign(0x401234, 77);
	set_keys(seed + 1);
	wrong |= first == sign(0x401234, 77);
	set_keys(seed);
	for (round = 0; round < 200; round++) {
		if (what & 8)
			guest_write32(GPA_MMIO, round);
		for (spin = 0; spin < 2000; spin++)
			guest_pause();
		wrong |= (sign(0x401234, 77) != first) << 1;
		wrong |= (sysreg_read(S3_0_C2_C1_0) != seed * 3) << 2;
	}
	guest_say(wrong);
	guest_done();
}

static void guest_no_keys(u64 argument)
{
	u64 value;

	guest_catch();
	guest_say(sysreg_read(id_aa64isar1_el1) & 0xff000ff0);
	guest_say(ESR_EC(try_sysreg_read(S3_0_C2_C1_0, &value)));
	guest_done();
}

TEST(pauth)
{
	struct vcpu *vcpu;

	if (!kvm_cap(KVM_CAP_ARM_PTRAUTH_GENERIC))
		skip("no generic authentication");
	vm = vm_create(0);
	vcpu = vcpu_create(vm, guest_no_keys, 0);
	report(!vcpu_run_said(vcpu), "a guest that was not given it does not see it");
	report(vcpu_run_said(vcpu) == EC_UNKNOWN, "and has no keys");
	vm_destroy(vm);

	arm64_need_feature(KVM_ARM_VCPU_PTRAUTH_ADDRESS, KVM_CAP_ARM_PTRAUTH_ADDRESS, "PAuth");
	arm64_features |= BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC);
	check_two(guest_signs, 0, "keys");
	check_two(guest_signs, 8, "keys, with exits,");
	check_moves(guest_signs, 0, "keys");
}

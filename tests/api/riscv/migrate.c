// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM that moves: registers by KVM_GET_REG_LIST, the state of being, and memory by the
 * dirty log while the guest writes it are all that the next VM gets.  The harts are
 * stopped wherever they happen to be, in user mode too.
 */
#include <lib/kvm.h>

#define HARTS		3	/* the last one is stopped until the end */
#define WORKERS		2
#define WORDS		8192
#define ROUNDS		4
#define HASHES		2
#define READS		4
#define MOVES		8
#define PASSES		4
#define VALUE_MAX	4096
#define VECTOR_BYTES	(32 * 256)

#define VLENB		KVM_REG_RISCV_VECTOR_CSR_REG(vlenb)

/* --- guest: computes what depends on all that it has written before ------- */

struct work {
	u64 state, sum, phases, reads, device_errors;
	volatile u64 interrupts, time, time_errors, simd_errors;
	u64 words[WORDS];
};

static struct work works[WORKERS];
static volatile u64 finish, third_ran;
static u64 float_in[WORKERS][32], float_out[WORKERS][32];
static u8 vector_in[WORKERS][VECTOR_BYTES], vector_out[WORKERS][VECTOR_BYTES];
static u64 vlenb;		/* 0: no vectors */

/* simd.c: all registers from and to memory. */
void guest_load_floats(const u64 *from);
void guest_store_floats(u64 *to);
void guest_load_vectors(const u8 *from, u64 vlenb);
void guest_store_vectors(u8 *to, u64 vlenb);

/* In user mode too: no call, no variable but *@work. */
static inline __attribute__((always_inline)) void hash(struct work *work)
{
	u64 round, i;

	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < WORDS; i++) {
			work->state = work->state * 6364136223846793005ULL + 1442695040888963407ULL;
			work->words[i] = (work->words[i] << 7 | work->words[i] >> 57) ^ work->state;
			work->sum = (work->sum << 1 | work->sum >> 63) + work->words[i];
		}
}

static void user_hash(u64 argument)
{
	hash((struct work *)argument);
	asm volatile("ecall");
}

/* A device that counts its reads: none is lost, and none happens twice. */
static void count_reads(u64 hart)
{
	struct work *work = &works[hart];
	u64 i;

	for (i = 0; i < READS; i++)
		work->device_errors += guest_read32(GPA_MMIO + hart * 4) != (u32)++work->reads;
}

/* The hart's number is in tp, which nothing else of the guest uses. */
static void on_timer(struct guest_frame *frame)
{
	struct work *work = &works[frame->x[4]];
	u64 now = rdtime();

	work->time_errors += now < work->time;
	work->time = now;
	work->interrupts++;
	sbi_set_timer(now + 1000000 / guest_ns_per_tick);
}

static void load_simd(u64 hart)
{
	u64 i;

	for (i = 0; i < 32; i++)
		float_in[hart][i] = 0x4000000000000000ULL + (works[hart].phases << 8) + i;
	guest_load_floats(float_in[hart]);
	for (i = 0; i < 32 * vlenb; i++)
		vector_in[hart][i] = works[hart].phases + i * 7;
	if (vlenb)
		guest_load_vectors(vector_in[hart], vlenb);
}

static void check_simd(u64 hart)
{
	u64 i;

	guest_store_floats(float_out[hart]);
	for (i = 0; i < 32; i++)
		works[hart].simd_errors += float_out[hart][i] != float_in[hart][i];
	if (vlenb)
		guest_store_vectors(vector_out[hart], vlenb);
	for (i = 0; i < 32 * vlenb; i++)
		works[hart].simd_errors += vector_out[hart][i] != vector_in[hart][i];
}

static void guest_third(u64 argument)
{
	third_ran = 1;
	guest_done();
}

/* The first hart does it in user mode, which is where it is most of the time. */
static void work_once(u64 hart, struct work *work)
{
	u64 stack = USER_ADDRESS(RISCV_GPA_STACKS) + (hart + 9) * RISCV_STACK_SIZE;

	if (!hart) {
		guest_user(USER_ADDRESS(user_hash), USER_ADDRESS(work), stack);
	} else {
		csr_set(sstatus, SSTATUS_SIE);
		hash(work);
	}
	/* Both, or they are open again on the way back from user mode. */
	csr_clear(sstatus, SSTATUS_SIE | SSTATUS_SPIE);
}

static void guest_work(u64 hart)
{
	struct work *work = &works[hart];
	u64 i;

	asm volatile("mv tp, %0" : : "r"(hart));
	guest_irq_handlers[IRQ_TIMER] = on_timer;
	csr_set(sstatus, vlenb ? SSTATUS_FS | SSTATUS_VS : SSTATUS_FS);
	csr_set(sie, BIT(IRQ_TIMER));
	sbi_set_timer(rdtime());
	while (!finish) {
		load_simd(hart);
		for (i = 0; i < HASHES; i++)
			work_once(hart, work);
		check_simd(hart);
		count_reads(hart);
		work->phases++;
	}
	csr_clear(sie, BIT(IRQ_TIMER));
	if (!hart)
		GUEST_ASSERT_EQ(guest_hart_start(HARTS - 1, guest_third, 0), 0);
	guest_done();
}

/* --- host: one VM and the next -------------------------------------------- */

static struct vcpu_thread threads[HARTS];
static struct vm *vm;
static u64 users, dirty;
static u32 device_reads[WORKERS];

static bool device(struct vcpu_thread *thread)
{
	struct kvm_run *run = thread->vcpu->run;
	u64 hart = thread->vcpu->id;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.is_write || run->mmio.len != 4 ||
	    run->mmio.phys_addr != GPA_MMIO + hart * 4)
		return false;
	device_reads[hart]++;
	memcpy(run->mmio.data, &device_reads[hart], sizeof(device_reads[hart]));

	return true;
}

static void start(void)
{
	int i;

	for (i = 0; i < HARTS; i++) {
		threads[i] = (struct vcpu_thread) { .handle = device };
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	}
}

static void stop(void)
{
	int i;

	for (i = 0; i < HARTS; i++) {
		vcpu_thread_stop(&threads[i]);
		vcpu_complete(&vm->vcpus[i]);
	}
}

/* What has been written since the last time goes to @ram. */
static u64 copy_dirty(u8 *ram)
{
	static u64 bitmap[VM_RAM_SIZE / PAGE / 64];
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = bitmap };
	u64 page, count = 0;

	xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
	for (page = 0; page < VM_RAM_SIZE / PAGE; page++)
		if (bitmap[page / 64] & BIT(page % 64)) {
			memcpy(ram + page * PAGE, vm->ram + page * PAGE, PAGE);
			count++;
		}

	return count;
}

/* The kernel's own does not take a timer that is off, nor SBI extensions at any time. */
static bool in_tree_refuses(u64 id)
{
	return in_tree() && (id == RISCV_TIMER(state) ||
			     (id & KVM_REG_RISCV_TYPE_MASK) == KVM_REG_RISCV_SBI_EXT);
}

static void copy_vcpu(struct vcpu *from, struct vcpu *to)
{
	struct kvm_reg_list *list = reg_list_get(from);
	struct kvm_mp_state state;
	static u8 value[VALUE_MAX];
	u64 i;

	for (i = 0; i < list->n; i++) {
		if (reg_try_get(from, list->reg[i], value))
			bail("cannot get register 0x%llx: %s", (unsigned long long)list->reg[i],
			     strerror(errno));
		if (reg_try_set(to, list->reg[i], value) && !in_tree_refuses(list->reg[i]))
			bail("cannot set register 0x%llx: %s", (unsigned long long)list->reg[i],
			     strerror(errno));
	}
	xioctl(from->fd, KVM_GET_MP_STATE, &state);
	xioctl(to->fd, KVM_SET_MP_STATE, &state);
	users += reg_get(from, RISCV_MODE) == KVM_RISCV_MODE_U;
	free(list);
}

/* @number: of the move; each begins at another time after what goes_on() saw. */
static void move(int number)
{
	struct vm *next = vm_create(0);
	int i;

	for (i = 0; i < HARTS; i++)
		vcpu_create_bare(next, i);
	if (vm_set_slot(vm, 0, 0, VM_RAM_SIZE, vm->ram, KVM_MEM_LOG_DIRTY_PAGES))
		bail("cannot log: %s", strerror(errno));
	memcpy(next->ram, vm->ram, VM_RAM_SIZE);
	for (i = 0; i < PASSES; i++) {
		sleep_ms(3 + number % 3);
		dirty += copy_dirty(next->ram);
	}
	stop();
	dirty += copy_dirty(next->ram);
	for (i = 0; i < HARTS; i++)
		copy_vcpu(&vm->vcpus[i], &next->vcpus[i]);
	vm_destroy(vm);
	vm = next;
}

/* Both workers go on, and hear of their timer. */
static bool goes_on(void)
{
	u64 end = now_ns() + 10000000000ULL, phases[WORKERS], interrupts[WORKERS];
	int i, on = 0;

	for (i = 0; i < WORKERS; i++) {
		phases[i] = READ_ONCE(guest_var(vm, works[i]).phases);
		interrupts[i] = guest_var(vm, works[i]).interrupts;
	}
	while (on < WORKERS && now_ns() < end) {
		sleep_ms(1);
		for (i = 0, on = 0; i < WORKERS; i++)
			on += READ_ONCE(guest_var(vm, works[i]).phases) > phases[i] + 2 &&
			      guest_var(vm, works[i]).interrupts > interrupts[i] + 2;
	}

	return on == WORKERS;
}

static void check_work(u64 hart)
{
	const struct work *did = &guest_var(vm, works[hart]);
	static struct work again;
	u64 phase;

	again = (struct work) { .state = hart + 1 };
	for (phase = 0; phase < did->phases * HASHES; phase++)
		hash(&again);
	report(did->sum == again.sum && !memcmp(did->words, again.words, sizeof(again.words)),
	       "hart %d has the right sum after %d phases", (int)hart, (int)did->phases);
	report(!did->simd_errors, "and kept its floating point and vector registers");
	report(!did->device_errors, "and saw each read of its device once");
	report(!did->time_errors, "and its time never went back");
}

TEST(migrate)
{
	struct kvm_mp_state stopped = { KVM_MP_STATE_STOPPED };
	u64 begun = now_ns(), ticks;
	int i, moves = 0;

	vm = vm_create(0);
	for (i = 0; i < HARTS; i++)
		vcpu_create(vm, guest_work, i);
	for (i = 0; i < WORKERS; i++)
		guest_var(vm, works[i]).state = i + 1;
	if (riscv_has_isa(&vm->vcpus[0], KVM_RISCV_ISA_EXT_V))
		guest_var(vm, vlenb) = reg_get(&vm->vcpus[0], RISCV_REG(U64, VECTOR, VLENB));
	xioctl(vm->vcpus[HARTS - 1].fd, KVM_SET_MP_STATE, &stopped);
	start();
	while (goes_on() && moves < MOVES) {
		move(moves);
		start();
		moves++;
	}
	if (!report(moves == MOVES, "the guest goes on after each of %d moves", MOVES))
		return;
	report(dirty > MOVES * 2 * sizeof(struct work) / PAGE, "%d pages were copied again",
	       (int)dirty);
	report(users, "harts were in user mode %d times", (int)users);
	report(!guest_var(vm, third_ran), "the stopped hart has not run");
	WRITE_ONCE(guest_var(vm, finish), 1);
	for (i = 0; i < HARTS; i++)
		vcpu_thread_join(&threads[i]);
	report(guest_var(vm, third_ran), "until it was started");
	for (i = 0; i < WORKERS; i++)
		check_work(i);
	ticks = reg_get(&vm->vcpus[0], RISCV_TIMER(time));
	report(ticks * guest_var(vm, guest_ns_per_tick) <= now_ns() - begun,
	       "no more time has gone in the guest than outside");
	vm_destroy(vm);
}

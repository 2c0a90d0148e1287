// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM that moves: registers by KVM_GET_REG_LIST, the vGIC by its attributes, the state of
 * being, and memory by the dirty log while the guest writes it are all that the next VM
 * gets.  The vCPUs are stopped wherever they happen to be, in user mode too.
 */
#include <arm64/gic_device.h>
#include <arm64/simd.h>

#define VCPUS		3	/* the last one is off until the end */
#define WORKERS		2
#define WORDS		8192
#define ROUNDS		4
#define HASHES		8
#define READS		4
#define MOVES		8
#define PASSES		4

/* --- guest: computes what depends on all that it has written before ------- */

struct work {
	u64 state, sum, phases, reads, device_errors;
	volatile u64 interrupts, time, time_errors, simd_errors, sgis, sent;
	u64 words[WORDS];
};

static struct work works[WORKERS];
static volatile u64 finish, third_ran;
static u64 simd_in[WORKERS][64] __attribute__((aligned(16)));
static u64 simd_out[WORKERS][64] __attribute__((aligned(16)));
static u8 sve_in[WORKERS][SVE_BYTES], sve_out[WORKERS][SVE_BYTES];
static u64 has_sve;

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
	asm volatile("svc #0");
}

/* A device that counts its reads: none is lost, and none happens twice. */
static void count_reads(u64 cpu)
{
	struct work *work = &works[cpu];
	u64 i;

	for (i = 0; i < READS; i++)
		work->device_errors += guest_read32(GPA_MMIO + cpu * 4) != (u32)++work->reads;
}

static void on_timer(struct guest_frame *frame)
{
	struct work *work = &works[guest_cpu_number()];
	u64 now = guest_counter();

	work->time_errors += now < work->time;
	work->time = now;
	work->interrupts++;
	sysreg_write(cntv_cval_el0, now + guest_ticks(1000000));
	isb();
}

static void on_sgi(struct guest_frame *frame)
{
	works[guest_cpu_number()].sgis++;
}

static void load_simd(u64 cpu)
{
	u64 i, vl;

	if (!has_sve) {
		for (i = 0; i < 64; i++)
			simd_in[cpu][i] = 0x4000000000000000ULL + (works[cpu].phases << 8) + i;
		guest_load_simd(simd_in[cpu]);
		return;
	}
	vl = guest_vl();
	for (i = 0; i < 32 * vl + 2 * vl; i++)
		sve_in[cpu][i] = works[cpu].phases + i * 7;
	guest_load_sve(sve_in[cpu]);
}

static void check_simd(u64 cpu)
{
	u64 i, vl;

	if (!has_sve) {
		guest_store_simd(simd_out[cpu]);
		for (i = 0; i < 64; i++)
			works[cpu].simd_errors += simd_out[cpu][i] != simd_in[cpu][i];
		return;
	}
	vl = guest_vl();
	guest_store_sve(sve_out[cpu]);
	for (i = 0; i < 32 * vl + 2 * vl; i++)
		works[cpu].simd_errors += sve_out[cpu][i] != sve_in[cpu][i];
}

static void guest_third(u64 argument)
{
	third_ran = 1;
	guest_done();
}

/* The first vCPU does it in user mode, which is where it is most of the time. */
static void work_once(u64 cpu, struct work *work)
{
	u64 stack = USER_ADDRESS(ARM64_GPA_STACKS) + (cpu + 9) * ARM64_STACK_SIZE;

	if (!cpu) {
		guest_user(USER_ADDRESS(user_hash), USER_ADDRESS(work), stack);
	} else {
		guest_irqs_enable();
		hash(work);
		guest_irqs_disable();
	}
}

static void guest_work(u64 cpu)
{
	struct work *work = &works[cpu];
	u64 i;

	guest_irq_handlers[INTID_VTIMER] = on_timer;
	guest_irq_handlers[5] = on_sgi;
	gic_begin();
	gic_enable(INTID_VTIMER, 0x80, false);
	gic_enable(5, 0xa0, true);
	if (has_sve)
		sysreg_write(S3_0_C1_C2_0, 15);		/* ZCR_EL1: as long as can be */
	isb();
	sysreg_write(cntv_cval_el0, guest_counter());
	sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
	isb();
	while (!finish) {
		load_simd(cpu);
		/* One at a time: two that wait are one. */
		if (works[!cpu].sgis == work->sent) {
			work->sent++;
			gic_send(!cpu, 5);
		}
		for (i = 0; i < HASHES; i++)
			work_once(cpu, work);
		check_simd(cpu);
		count_reads(cpu);
		work->phases++;
	}
	sysreg_write(cntv_ctl_el0, 0);
	isb();
	if (!cpu)
		GUEST_ASSERT_EQ(guest_cpu_on(VCPUS - 1, guest_third, 0), PSCI_OK);
	guest_done();
}

/* --- host: one VM and the next -------------------------------------------- */

static struct vcpu_thread threads[VCPUS];
static struct vm *vm;
static u64 users, dirty;
static u32 device_reads[WORKERS];

static bool device(struct vcpu_thread *thread)
{
	struct kvm_run *run = thread->vcpu->run;
	u64 cpu = thread->vcpu->id;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.is_write || run->mmio.len != 4 ||
	    run->mmio.phys_addr != GPA_MMIO + cpu * 4)
		return false;
	device_reads[cpu]++;
	memcpy(run->mmio.data, &device_reads[cpu], sizeof(device_reads[cpu]));

	return true;
}

static void start(void)
{
	int i;

	for (i = 0; i < VCPUS; i++) {
		threads[i] = (struct vcpu_thread) { .handle = device };
		vcpu_thread_start(&threads[i], &vm->vcpus[i]);
	}
}

static void stop(void)
{
	int i;

	for (i = 0; i < VCPUS; i++) {
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

static void copy_vcpu(struct vcpu *from, struct vcpu *to)
{
	vgic_copy_vcpu(from, to);
	users += (reg_get(from, ARM64_PSTATE_REG) & 0xf) == 0;
}

static void guest_nothing(u64 argument)
{
}

static void vm_begin(struct vm *machine)
{
	arm64_vgic_place(machine);
	if (arm64_vgic_init(machine))
		bail("no vGIC: %s", strerror(errno));
	machine->started = true;
}

/* @number: of the move; each begins at another time after what goes_on() saw. */
static void move(int number)
{
	struct vm *next = vm_create(VM_IRQCHIP);
	struct vgic_state *state;
	int i;

	for (i = 0; i < VCPUS; i++)
		vcpu_create(next, guest_nothing, i);
	vm_begin(next);
	if (vm_set_slot(vm, 0, 0, VM_RAM_SIZE, vm->ram, KVM_MEM_LOG_DIRTY_PAGES))
		bail("cannot log: %s", strerror(errno));
	memcpy(next->ram, vm->ram, VM_RAM_SIZE);
	for (i = 0; i < PASSES; i++) {
		sleep_ms(3 + number % 3);
		dirty += copy_dirty(next->ram);
	}
	stop();
	dirty += copy_dirty(next->ram);
	for (i = 0; i < VCPUS; i++)
		copy_vcpu(&vm->vcpus[i], &next->vcpus[i]);
	state = vgic_save(vm);
	vgic_restore(next, state);
	free(state);
	vm_destroy(vm);
	vm = next;
}

/* Both workers go on, and hear of their timers and of each other. */
static bool goes_on(void)
{
	u64 end = now_ns() + 10000000000ULL, phases[WORKERS], interrupts[WORKERS], sgis[WORKERS];
	int i, on = 0;

	for (i = 0; i < WORKERS; i++) {
		phases[i] = READ_ONCE(guest_var(vm, works[i]).phases);
		interrupts[i] = guest_var(vm, works[i]).interrupts;
		sgis[i] = guest_var(vm, works[i]).sgis;
	}
	while (on < WORKERS && now_ns() < end) {
		sleep_ms(1);
		for (i = 0, on = 0; i < WORKERS; i++)
			on += READ_ONCE(guest_var(vm, works[i]).phases) > phases[i] + 2 &&
			      guest_var(vm, works[i]).interrupts > interrupts[i] + 2 &&
			      guest_var(vm, works[i]).sgis > sgis[i];
	}

	return on == WORKERS;
}

static void check_work(u64 cpu)
{
	const struct work *did = &guest_var(vm, works[cpu]);
	static struct work again;
	u64 phase;

	again = (struct work) { .state = cpu + 1 };
	for (phase = 0; phase < did->phases * HASHES; phase++)
		hash(&again);
	report(did->sum == again.sum && !memcmp(did->words, again.words, sizeof(again.words)),
	       "vCPU %d has the right sum after %d phases", (int)cpu, (int)did->phases);
	report(!did->simd_errors, "and kept its SIMD registers");
	report(!did->device_errors, "and saw each read of its device once");
	report(!did->time_errors, "and its time never went back");
	/* The last one may still wait for its interrupts to be open. */
	report(did->sgis + 1 >= guest_var(vm, works[!cpu]).sent, "and lost no interrupt of the other's");
}

static void move_on(void)
{
	struct kvm_mp_state stopped = { KVM_MP_STATE_STOPPED };
	u64 begun, ticks, frequency;
	int i, moves = 0;

	begun = now_ns();
	vm = vm_create(VM_IRQCHIP);
	for (i = 0; i < VCPUS; i++)
		vcpu_create(vm, guest_work, i);
	vm_begin(vm);
	for (i = 0; i < WORKERS; i++)
		guest_var(vm, works[i]).state = i + 1;
	guest_var(vm, has_sve) = !!(arm64_features & BIT(KVM_ARM_VCPU_SVE));
	xioctl(vm->vcpus[VCPUS - 1].fd, KVM_SET_MP_STATE, &stopped);
	start();
	/* A few more, if by chance none has met one of them in user mode. */
	while (goes_on() && moves < (users ? MOVES : 4 * MOVES)) {
		move(moves);
		start();
		moves++;
	}
	if (!report(moves >= MOVES, "the guest goes on after each of %d moves", moves))
		return;
	report(dirty > MOVES * 2 * sizeof(struct work) / PAGE, "%d pages were copied again",
	       (int)dirty);
	report(users, "vCPUs were in user mode %d times", (int)users);
	report(!guest_var(vm, third_ran), "the vCPU that is off has not run");
	WRITE_ONCE(guest_var(vm, finish), 1);
	for (i = 0; i < VCPUS; i++)
		vcpu_thread_join(&threads[i]);
	report(guest_var(vm, third_ran), "until it was turned on");
	for (i = 0; i < WORKERS; i++)
		check_work(i);
	ticks = reg_get(&vm->vcpus[0], KVM_REG_ARM_TIMER_CNT);
	asm("mrs %0, cntfrq_el0" : "=r"(frequency));
	report(ticks / (frequency / 1000000) <= (now_ns() - begun) / 1000,
	       "no more time has gone in the guest than outside");
	vm_destroy(vm);
}

TEST(migrate)
{
	if (test_has_arg("sve"))
		arm64_need_feature(KVM_ARM_VCPU_SVE, KVM_CAP_ARM_SVE, "SVE");
	move_on();
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small library to drive /dev/kvm from C, with guest code beside it.
 *
 * Guest code is ordinary C of the test program: the program is linked statically
 * at a fixed address, and vm_create() copies its whole image into guest memory at
 * that same address, which the guest has mapped one to one.  So functions,
 * variables and strings mean the same on both sides, while each side has its own
 * copy of the variables: guest_var() is the guest's one.  Guest code must not call
 * the C library.
 *
 * A test is a TEST(name) { } in any file of common/ or of the architecture's
 * folder.  It reports through report(), leaves through bail() or skip(), and is
 * otherwise over when it returns.
 */
#ifndef LIB_KVM_H
#define LIB_KVM_H

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1ULL << (n))
#define PAGE		4096UL
#define KIB		1024UL
#define MIB		(1024UL * 1024)

/* --- tests and their results ------------------------------------------------ */

struct test {
	const char	*name;
	void		(*run)(void);
};

#define TEST(name_)								\
	static void test_##name_(void);						\
	static const struct test test_desc_##name_				\
	__attribute__((section("tests"), used, aligned(8))) = {			\
		.name = #name_, .run = test_##name_ };				\
	static void test_##name_(void)

/* The words after the test's name on the command line. */
extern char **test_args;
extern int test_arg_count;
bool test_has_arg(const char *word);

/* One result.  Returns @condition. */
bool report(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The test cannot go on, and has failed. */
void bail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/*
 * Is this the kernel's own hypervisor?  The tests are tried on it too; where it is
 * known not to do what the manuals or the documentation say, they let it pass.
 */
bool in_tree(void);
/* The test makes no sense here. */
void skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Something to read when a test failed. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* @result is what a system call returned: was it -1 with this errno? */
bool report_errno(int result, int expected, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what is refused because nobody knows it: ENOTTY, or EINVAL. */
bool report_unknown(int result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- machines ------------------------------------------------------------------ */

#define VM_SLOTS_MAX	64
#define VM_VCPUS_MAX	16
#define VM_RAM_SIZE	(32 * MIB)	/* slot 0, from guest physical 0 */
#define VM_SLOT_TEST	8		/* first slot number for a test's own use */
/* Guest physical addresses for a test's own use: no memory unless it adds some. */
#define GPA_TEST	0x10000000UL
#define GPA_MMIO	0xd0000000UL

enum vm_flags {
	VM_IRQCHIP	= BIT(0),	/* in-kernel interrupt controller */
	VM_BARE		= BIT(1),	/* no memory, nothing set up */
};

struct vcpu {
	struct vm	*vm;
	int		 fd;
	int		 id;
	struct kvm_run	*run;
};

struct vm {
	int		 fd;
	u32		 flags;
	u8		*ram;
	bool		 started;	/* a vCPU of it was run */
	int		 irqchip_fd;	/* of the device, where it is one */
	int		 vcpu_count;
	struct vcpu	 vcpus[VM_VCPUS_MAX];
};

const char *kvm_node(void);
int kvm_open(void);
size_t kvm_mmap_size(void);
/* KVM_CHECK_EXTENSION on the system descriptor. */
int kvm_cap(long cap);
void need_cap(long cap, const char *name);

struct vm *vm_create(u32 flags);
void vm_destroy(struct vm *vm);
/* A vCPU with the id of its number, ready to run @entry(@argument) in the guest. */
struct vcpu *vcpu_create(struct vm *vm, void (*entry)(u64), u64 argument);
/* The same without touching its registers. */
struct vcpu *vcpu_create_bare(struct vm *vm, int id);
/* Start over at @entry. */
void vcpu_enter_at(struct vcpu *vcpu, void (*entry)(u64), u64 argument);

/* These are all its vCPUs: the irqchip can work.  Running one does the same. */
void vm_start(struct vm *vm);

/* An ioctl that must work: bails if not.  Returns its result. */
#define xioctl(fd, cmd, arg)	xioctl_((fd), (cmd), (unsigned long)(arg), #cmd)
int xioctl_(int fd, unsigned long cmd, unsigned long arg, const char *name);

/* KVM_GET_ONE_REG and KVM_SET_ONE_REG of 64 bits: must work, or as ioctl() does. */
u64 reg_get(struct vcpu *vcpu, u64 id);
void reg_set(struct vcpu *vcpu, u64 id, u64 value);
int reg_try_get(struct vcpu *vcpu, u64 id, void *value);
int reg_try_set(struct vcpu *vcpu, u64 id, const void *value);
/* KVM_GET_REG_LIST, on the heap. */
struct kvm_reg_list *reg_list_get(struct vcpu *vcpu);
/* An eventfd that does not block, and how often it was signalled since the last look. */
int eventfd_create(void);
u64 eventfd_fired(int fd);

int vm_set_slot(struct vm *vm, u32 slot, u64 gpa, u64 size, void *memory, u32 flags);
/* Anonymous memory in a slot; returns it. */
void *vm_add_memory(struct vm *vm, u32 slot, u64 gpa, u64 size, u32 flags);
/* The guest's copy of a variable. */
#define guest_var(vm, variable)	\
	(*(__typeof__(variable) *)((vm)->ram + (uintptr_t)&(variable)))

/* --- running --------------------------------------------------------------------- */

/* The calling thread, and those it makes, run on @cpu alone, if there is such a CPU. */
void stay_on(int cpu);

/*
 * KVM_RUN: 0 or -errno.  The first one calls again when there was EINTR and no
 * reason for it (the kernel may want a task in user space), the second does not.
 */
int vcpu_run(struct vcpu *vcpu);
int vcpu_run_once(struct vcpu *vcpu);
/* What user space has answered is not done before the next entry: enter, and leave at once. */
void vcpu_complete(struct vcpu *vcpu);
/* Run until the guest says something; returns the value.  Bails on anything else. */
u64 vcpu_run_said(struct vcpu *vcpu);
/* Run until guest_done().  Bails on anything else. */
void vcpu_run_done(struct vcpu *vcpu);
/* Is the exit in vcpu->run something the guest said?  Handles its assertions. */
bool vcpu_said(struct vcpu *vcpu, u64 *value);
bool vcpu_is_done(struct vcpu *vcpu);
/* Run; report whether the exit is of this kind. */
bool vcpu_run_expect(struct vcpu *vcpu, u32 exit_reason, const char *what);
/* Run; report whether the guest touched what is no memory: arch_vcpu_absent(). */
bool vcpu_run_absent(struct vcpu *vcpu, const char *what);
const char *exit_name(u32 exit_reason);
void vcpu_describe(struct vcpu *vcpu);
/* The vCPU's statistic of this name, by KVM_GET_STATS_FD. */
u64 vcpu_stat(struct vcpu *vcpu, const char *name);

struct vcpu_thread {
	struct vcpu	*vcpu;
	pthread_t	 thread;
	volatile bool	 stop;		/* ends the loop after the next exit */
	volatile u64	 exits, said;
	volatile int	 error;
	/* Told of every exit that is not understood; true: go on. */
	bool		(*handle)(struct vcpu_thread *thread);
	void		*data;
};

/* Run @vcpu in a thread of its own until guest_done() or vcpu_thread_stop(). */
void vcpu_thread_start(struct vcpu_thread *thread, struct vcpu *vcpu);
/* Make it stop, and wait. */
void vcpu_thread_stop(struct vcpu_thread *thread);
/* Wait until it ends by itself. */
void vcpu_thread_join(struct vcpu_thread *thread);

void sleep_ms(unsigned int ms);
u64 now_ns(void);

/* --- guest side -------------------------------------------------------------------- */

enum say_kind {
	SAY_VALUE	= 0x5a0,
	SAY_DONE,
	SAY_ASSERT,		/* a: text, b and c: the values compared */
	SAY_TRAP,		/* a: what, b: code, c: where */
};

struct said {
	u64	kind, a, b, c;
};

#define guest_say(value)	guest_say4(SAY_VALUE, (u64)(value), 0, 0)
#define guest_done()		do { guest_say4(SAY_DONE, 0, 0, 0); } while (1)

#define STRING_(x)		#x
#define STRING(x)		STRING_(x)
#define GUEST_ASSERT(condition)							\
	do {									\
		if (!(condition))						\
			guest_say4(SAY_ASSERT, (u64)(__FILE__ ":" STRING(__LINE__) ": " \
				   #condition), 0, 0);				\
	} while (0)
#define GUEST_ASSERT_EQ(a, b)							\
	do {									\
		u64 a_ = (u64)(a), b_ = (u64)(b);				\
		if (a_ != b_)							\
			guest_say4(SAY_ASSERT, (u64)(__FILE__ ":" STRING(__LINE__) ": " \
				   #a " == " #b), a_, b_);			\
	} while (0)

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))

/* --- what each architecture has to offer: lib/<isa>.c and lib/<isa>.h ---------------- */

/* Tables and the like in a new VM's memory, and devices before its vCPUs. */
void arch_vm_setup(struct vm *vm);
void arch_vm_irqchip(struct vm *vm);
/* The irqchip alone, as a system call; its descriptor where it is a device, or -1. */
int arch_create_irqchip(int vm_fd, int *device_fd);
/* Before the first of its vCPUs runs: what wants to know all of them. */
void arch_vm_start(struct vm *vm);
/* Registers of a vCPU, so that it runs @entry(@argument) on a stack of its own. */
void arch_vcpu_setup(struct vcpu *vcpu, void (*entry)(u64), u64 argument);
/* What the guest said, if the exit in vcpu->run is that. */
bool arch_vcpu_said(struct vcpu *vcpu, struct said *said);
void arch_vcpu_describe(struct vcpu *vcpu);
/*
 * Did the guest touch what is no memory?  That is MMIO, unless the architecture has
 * none and says it in another way.
 */
bool arch_vcpu_absent(struct vcpu *vcpu);
/* Where ARCH_IRQFD_DEFERS: until something is pending, at most two seconds. */
void arch_irqfd_wait(struct vm *vm);

/* guest_say4(), guest_pause(), guest_irq_*(), arch_vm_type() */
#include ISA_HEADER

/* A route to an input of a controller, and one that needs none; but for the gsi. */
#ifndef ARCH_ROUTE_LINE
#define ARCH_ROUTE_LINE(pin_)							\
	.type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip.pin = (pin_)
#define ARCH_ROUTE_MESSAGE							\
	.type = KVM_IRQ_ROUTING_MSI,						\
	.u.msi = { .address_lo = 0xfee00000, .data = 0x40 }
#endif

/* So many bytes that no user space can have, far from the end of all addresses if it can be. */
#ifndef ARCH_KERNEL_ADDRESS
#define ARCH_KERNEL_ADDRESS(size)	0xf000000000000000ULL
#endif

#endif /* LIB_KVM_H */

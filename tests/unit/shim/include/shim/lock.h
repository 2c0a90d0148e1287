/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks, SRCU, tasks, CPUs, time. */
#ifndef SHIM_LOCK_H
#define SHIM_LOCK_H

#include <pthread.h>
#include <sched.h>
#include <shim/base.h>

/* --- who holds what ----------------------------------------------------------- */

/* First member of every lock. */
struct shim_dep {
	pthread_t	owner;		/* valid while held for writing */
	int		held;
	int		readers;
};

bool shim_dep_held(const struct shim_dep *dep, bool write);

#define lockdep_is_held(lock)		shim_dep_held(&(lock)->dep, false)
#define lockdep_assert(condition)	((void)WARN_ON_ONCE(!(condition)))
#define lockdep_assert_held(lock)	((void)WARN_ON_ONCE(!lockdep_is_held(lock)))
#define lockdep_assert_held_write(lock)	((void)WARN_ON_ONCE(!shim_dep_held(&(lock)->dep, true)))

struct mutex {
	struct shim_dep	dep;
	pthread_mutex_t	lock;
};

#define DEFINE_MUTEX(name)	struct mutex name = { .lock = PTHREAD_MUTEX_INITIALIZER }

void mutex_init(struct mutex *lock);
void mutex_destroy(struct mutex *lock);
void mutex_lock(struct mutex *lock);
bool mutex_trylock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);

static inline int mutex_lock_killable(struct mutex *lock)
{
	mutex_lock(lock);
	return 0;
}

static inline struct mutex *shim_guard_mutex(struct mutex *lock)
{
	mutex_lock(lock);
	return lock;
}

static inline void shim_unguard_mutex(struct mutex **lock)
{
	mutex_unlock(*lock);
}

#define SHIM_UNIQUE_(a, b)	a##b
#define SHIM_UNIQUE(a, b)	SHIM_UNIQUE_(a, b)
#define guard(name)	struct name *SHIM_UNIQUE(guard_, __LINE__)	\
	__attribute__((cleanup(shim_unguard_##name), unused)) = shim_guard_##name
#define scoped_guard(name, object)	\
	for (struct name *scope __attribute__((cleanup(shim_unguard_##name), unused)) =	\
	     shim_guard_##name(object), *once = NULL; !once; once = scope)

typedef struct mutex spinlock_t;
typedef struct mutex raw_spinlock_t;

#define spin_lock_init(l)			mutex_init(l)
#define spin_lock(l)				mutex_lock(l)
#define spin_unlock(l)				mutex_unlock(l)
#define spin_lock_irq(l)			mutex_lock(l)
#define spin_unlock_irq(l)			mutex_unlock(l)
#define spin_lock_irqsave(l, flags)		((flags) = 0, mutex_lock(l))
#define spin_unlock_irqrestore(l, flags)	((void)(flags), mutex_unlock(l))
#define raw_spin_lock_init(l)			mutex_init(l)
#define raw_spin_lock_irqsave(l, flags)		((flags) = 0, mutex_lock(l))
#define raw_spin_unlock_irqrestore(l, flags)	((void)(flags), mutex_unlock(l))

typedef struct {
	struct shim_dep		dep;
	pthread_rwlock_t	lock;
} rwlock_t;

void rwlock_init(rwlock_t *lock);
void read_lock(rwlock_t *lock);
bool read_trylock(rwlock_t *lock);
void read_unlock(rwlock_t *lock);
void write_lock(rwlock_t *lock);
void write_unlock(rwlock_t *lock);

/*
 * Every so many questions the CPU is wanted by others (0: never), and whoever
 * lets go of the lock then has to live with what @shim_break() did meanwhile.
 */
extern int shim_resched_every;
extern void (*shim_break)(void);
extern int shim_break_count;

bool need_resched(void);
#define rwlock_needbreak(lock)		false
#define cond_resched()			sched_yield()
int cond_resched_rwlock_write(rwlock_t *lock);

/* --- RCU ----------------------------------------------------------------------- */

struct srcu_struct {
	int		index;
	int		readers[2];
	pthread_mutex_t	lock;
};

int init_srcu_struct(struct srcu_struct *srcu);
void cleanup_srcu_struct(struct srcu_struct *srcu);
int srcu_read_lock(struct srcu_struct *srcu);
void srcu_read_unlock(struct srcu_struct *srcu, int index);
void synchronize_srcu_expedited(struct srcu_struct *srcu);
#define synchronize_srcu(srcu)		synchronize_srcu_expedited(srcu)
#define srcu_barrier(srcu)		do { } while (0)
#define srcu_read_lock_held(srcu)	true
#define rcu_barrier()			do { } while (0)
#define rcu_read_lock()			do { } while (0)
#define rcu_read_unlock()		do { } while (0)

#define srcu_dereference(p, srcu)		__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_dereference_protected(p, c)		(p)
#define rcu_access_pointer(p)			__atomic_load_n(&(p), __ATOMIC_RELAXED)
#define rcu_assign_pointer(p, v)		__atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v)			((p) = (v))
#define rcu_replace_pointer(p, v, c)		__atomic_exchange_n(&(p), v, __ATOMIC_SEQ_CST)

/* --- tasks ---------------------------------------------------------------------- */

struct sighand_struct {
	spinlock_t	siglock;
};

struct task_struct {
	struct mm_struct	*mm;
	struct sighand_struct	*sighand;
	sigset_t		 blocked, real_blocked;
	int			 pid;
	int			 cpu;
	bool			 signal;	/* signal_pending() */
	bool			 killed;	/* fatal_signal_pending() */
	int			 state;		/* lock */
	pthread_mutex_t		 lock;
	pthread_cond_t		 wake;
};

struct task_struct *shim_current(void);
#define current			shim_current()
#define task_pid_nr(task)	((task)->pid)
#define signal_pending(task)		READ_ONCE((task)->signal)
#define fatal_signal_pending(task)	READ_ONCE((task)->killed)
#undef sigmask
#define sigmask(sig)			(1UL << ((sig) - 1))
#define sigdelsetmask(set, mask)	((void)(set), (void)(mask))

enum { TASK_RUNNING, TASK_INTERRUPTIBLE };
#define task_is_running(task)		(READ_ONCE((task)->state) == TASK_RUNNING)

/* Sleeps if the state says so; whoever sets it to running ends that. */
void schedule(void);
void set_current_state(int state);
void shim_task_wake(struct task_struct *task);
/* Make a signal pending for the task, or take it back. */
void shim_task_signal(struct task_struct *task, bool pending);

struct rcuwait {
	struct task_struct	*task;
};

#define rcuwait_init(w)		((w)->task = NULL)
#define prepare_to_rcuwait(w)	smp_store_release(&(w)->task, current)
#define finish_rcuwait(w)	(set_current_state(TASK_RUNNING),	\
				 smp_store_release(&(w)->task, (struct task_struct *)NULL))
int rcuwait_wake_up(struct rcuwait *wait);

/* --- CPUs ------------------------------------------------------------------------ */

#define SHIM_CPUS	8

/* The task runs there from now on; two tasks on one CPU is the test's fault. */
void shim_set_cpu(int cpu);
#define smp_processor_id()	(current->cpu)
#define get_cpu()		smp_processor_id()
#define put_cpu()		do { } while (0)
#define preempt_disable()	do { } while (0)
#define preempt_enable()	do { } while (0)
#define num_online_cpus()	SHIM_CPUS
#define cpu_to_node(cpu)	0
#define for_each_online_cpu(cpu)	for ((cpu) = 0; (cpu) < SHIM_CPUS; (cpu)++)
#define for_each_possible_cpu(cpu)	for_each_online_cpu(cpu)

/* Interrupts: whoever sends one waits until the CPU has them on. */
void local_irq_disable(void);
void local_irq_enable(void);
#define local_irq_save(flags)		((flags) = 0, local_irq_disable())
#define local_irq_restore(flags)	((void)(flags), local_irq_enable())
/* Is one waiting for this CPU?  The fake guest leaves then. */
bool shim_irq_pending(void);
void shim_irq_send(int cpu);

/* As the linker has it for the kernel: one image, at an offset per CPU. */
#define SHIM_PERCPU		__attribute__((section("shim_cpu_data")))
#define DECLARE_PER_CPU(type, name)	extern type name
#define DEFINE_PER_CPU(type, name)	SHIM_PERCPU type name
void *shim_percpu(void *image, int cpu);
#define per_cpu(name, cpu)	(*(__typeof__(&(name)))shim_percpu(&(name), cpu))
#define this_cpu_read(name)	per_cpu(name, smp_processor_id())
#define this_cpu_write(name, v)	(per_cpu(name, smp_processor_id()) = (v))
#define __this_cpu_read(name)	this_cpu_read(name)
#define __this_cpu_write(name, v)	this_cpu_write(name, v)
#define this_cpu_cpumask_var_ptr(name)	this_cpu_read(name)

struct cpumask {
	unsigned long	bits;
};

typedef struct cpumask *cpumask_var_t;

bool zalloc_cpumask_var_node(cpumask_var_t *mask, gfp_t gfp, int node);
void free_cpumask_var(cpumask_var_t mask);
#define __cpumask_set_cpu(cpu, mask)	((void)((mask)->bits |= 1UL << (cpu)))
#define cpumask_clear(mask)		((void)((mask)->bits = 0))
#define cpumask_empty(mask)		(!(mask)->bits)

void smp_call_function_many(const struct cpumask *mask, void (*function)(void *),
			    void *data, bool wait);
void on_each_cpu(void (*function)(void *), void *data, int wait);

#define cpus_read_lock()	do { } while (0)
#define cpus_read_unlock()	do { } while (0)
int cpuhp_setup_state_cpuslocked(int state, const char *name, int (*startup)(unsigned int),
				 int (*teardown)(unsigned int));
void __cpuhp_remove_state_cpuslocked(int state, bool invoke);

struct preempt_notifier {
	const struct preempt_ops *ops;
};

struct preempt_ops {
	void (*sched_in)(struct preempt_notifier *notifier, int cpu);
	void (*sched_out)(struct preempt_notifier *notifier, struct task_struct *next);
};

#define preempt_notifier_init(n, o)	((n)->ops = (o))
#define preempt_notifier_register(n)	((void)(n))
#define preempt_notifier_unregister(n)	((void)(n))
#define preempt_notifier_inc()		do { } while (0)
#define preempt_notifier_dec()		do { } while (0)

struct notifier_block {
	int (*notifier_call)(struct notifier_block *notifier, unsigned long action, void *data);
};

#define NOTIFY_OK			1
void register_reboot_notifier(struct notifier_block *notifier);
void unregister_reboot_notifier(struct notifier_block *notifier);
/* The host begins to go down. */
void shim_reboot(void);

/* --- time --------------------------------------------------------------------------- */

typedef s64 ktime_t;

ktime_t ktime_get(void);
#define ktime_add_ns(t, ns)	((t) + (s64)(ns))
#define ktime_sub(a, b)		((a) - (b))
#define ktime_to_ns(t)		(t)
#define ktime_before(a, b)	((a) < (b))

#endif /* SHIM_LOCK_H */

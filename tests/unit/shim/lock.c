// SPDX-License-Identifier: GPL-2.0-only
/* The shim's locks, SRCU, tasks, CPUs and time; see include/shim/lock.h. */
#include <time.h>
#include <shim/kernel.h>

bool shim_verbose;

void shim_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	fflush(stderr);
	abort();
}

/* --- locks ------------------------------------------------------------------- */

bool shim_dep_held(const struct shim_dep *dep, bool write)
{
	if (READ_ONCE(dep->held) && pthread_equal(dep->owner, pthread_self()))
		return true;

	return !write && READ_ONCE(dep->readers) > 0;
}

static void dep_acquired(struct shim_dep *dep)
{
	dep->owner = pthread_self();
	WRITE_ONCE(dep->held, 1);
}

static void dep_release(struct shim_dep *dep)
{
	if (!shim_dep_held(dep, true))
		shim_bug(__FILE__, __LINE__, "unlock by somebody who does not hold it");
	WRITE_ONCE(dep->held, 0);
}

void mutex_init(struct mutex *lock)
{
	memset(lock, 0, sizeof(*lock));
	pthread_mutex_init(&lock->lock, NULL);
}

void mutex_destroy(struct mutex *lock)
{
	if (READ_ONCE(lock->dep.held))
		shim_bug(__FILE__, __LINE__, "a held mutex is destroyed");
	pthread_mutex_destroy(&lock->lock);
}

void mutex_lock(struct mutex *lock)
{
	if (shim_dep_held(&lock->dep, true))
		shim_bug(__FILE__, __LINE__, "locked twice by the same task");
	pthread_mutex_lock(&lock->lock);
	dep_acquired(&lock->dep);
}

bool mutex_trylock(struct mutex *lock)
{
	if (pthread_mutex_trylock(&lock->lock))
		return false;
	dep_acquired(&lock->dep);

	return true;
}

void mutex_unlock(struct mutex *lock)
{
	dep_release(&lock->dep);
	pthread_mutex_unlock(&lock->lock);
}

void rwlock_init(rwlock_t *lock)
{
	pthread_rwlockattr_t fair;

	/* The kernel's does not let readers starve a writer. */
	pthread_rwlockattr_init(&fair);
	pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	memset(lock, 0, sizeof(*lock));
	pthread_rwlock_init(&lock->lock, &fair);
	pthread_rwlockattr_destroy(&fair);
}

void read_lock(rwlock_t *lock)
{
	pthread_rwlock_rdlock(&lock->lock);
	__atomic_fetch_add(&lock->dep.readers, 1, __ATOMIC_SEQ_CST);
}

bool read_trylock(rwlock_t *lock)
{
	if (pthread_rwlock_tryrdlock(&lock->lock))
		return false;
	__atomic_fetch_add(&lock->dep.readers, 1, __ATOMIC_SEQ_CST);

	return true;
}

void read_unlock(rwlock_t *lock)
{
	__atomic_fetch_sub(&lock->dep.readers, 1, __ATOMIC_SEQ_CST);
	pthread_rwlock_unlock(&lock->lock);
}

void write_lock(rwlock_t *lock)
{
	if (shim_dep_held(&lock->dep, true))
		shim_bug(__FILE__, __LINE__, "locked twice by the same task");
	pthread_rwlock_wrlock(&lock->lock);
	dep_acquired(&lock->dep);
}

void write_unlock(rwlock_t *lock)
{
	dep_release(&lock->dep);
	pthread_rwlock_unlock(&lock->lock);
}

int shim_resched_every;
void (*shim_break)(void);
int shim_break_count;

/* The CPU is wanted until somebody gave it away. */
static __thread bool resched;

bool need_resched(void)
{
	static int asked;
	int every = READ_ONCE(shim_resched_every);

	if (every && __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED) % every == 0)
		resched = true;

	return resched;
}

int cond_resched_rwlock_write(rwlock_t *lock)
{
	if (!READ_ONCE(shim_resched_every))
		return 0;

	resched = false;
	write_unlock(lock);
	__atomic_add_fetch(&shim_break_count, 1, __ATOMIC_RELAXED);
	if (shim_break)
		shim_break();
	write_lock(lock);

	return 1;
}

/* --- SRCU ---------------------------------------------------------------------- */

/* Stays of this thread in any read side, to catch who waits for himself. */
static __thread struct srcu_struct *srcu_stack[16];
static __thread int srcu_depth;

int init_srcu_struct(struct srcu_struct *srcu)
{
	if (shim_should_fail(GFP_KERNEL))
		return -ENOMEM;
	memset(srcu, 0, sizeof(*srcu));
	pthread_mutex_init(&srcu->lock, NULL);

	return 0;
}

void cleanup_srcu_struct(struct srcu_struct *srcu)
{
	if (READ_ONCE(srcu->readers[0]) || READ_ONCE(srcu->readers[1]))
		shim_bug(__FILE__, __LINE__, "SRCU cleaned up with readers");
	pthread_mutex_destroy(&srcu->lock);
}

int srcu_read_lock(struct srcu_struct *srcu)
{
	int index = __atomic_load_n(&srcu->index, __ATOMIC_SEQ_CST) & 1;

	__atomic_fetch_add(&srcu->readers[index], 1, __ATOMIC_SEQ_CST);
	assert(srcu_depth < (int)ARRAY_SIZE(srcu_stack));
	srcu_stack[srcu_depth++] = srcu;

	return index;
}

void srcu_read_unlock(struct srcu_struct *srcu, int index)
{
	int i;

	for (i = srcu_depth - 1; i >= 0 && srcu_stack[i] != srcu; i--)
		;
	if (i < 0)
		shim_bug(__FILE__, __LINE__, "SRCU left that was not entered");
	memmove(&srcu_stack[i], &srcu_stack[i + 1], (--srcu_depth - i) * sizeof(*srcu_stack));
	__atomic_fetch_sub(&srcu->readers[index], 1, __ATOMIC_SEQ_CST);
}

void synchronize_srcu_expedited(struct srcu_struct *srcu)
{
	int i, turn, index;

	for (i = 0; i < srcu_depth; i++)
		if (srcu_stack[i] == srcu)
			shim_bug(__FILE__, __LINE__, "waits for its own SRCU read side");

	pthread_mutex_lock(&srcu->lock);
	/* Twice: a reader may have read the index and not counted yet. */
	for (turn = 0; turn < 2; turn++) {
		index = __atomic_fetch_add(&srcu->index, 1, __ATOMIC_SEQ_CST) & 1;
		while (__atomic_load_n(&srcu->readers[index], __ATOMIC_SEQ_CST))
			sched_yield();
	}
	pthread_mutex_unlock(&srcu->lock);
}

/* --- tasks ------------------------------------------------------------------------ */

static __thread struct task_struct *this_task;
static pthread_key_t task_key;
static pthread_once_t task_once = PTHREAD_ONCE_INIT;

static void task_free(void *task)
{
	free(((struct task_struct *)task)->sighand);
	free(task);
}

static void task_key_create(void)
{
	pthread_key_create(&task_key, task_free);
}

struct task_struct *shim_current(void)
{
	static int next_pid = 100;

	if (!this_task) {
		pthread_once(&task_once, task_key_create);
		this_task = calloc(1, sizeof(*this_task));
		this_task->sighand = calloc(1, sizeof(*this_task->sighand));
		mutex_init(&this_task->sighand->siglock);
		this_task->mm = &shim_mm;
		this_task->pid = __atomic_fetch_add(&next_pid, 1, __ATOMIC_SEQ_CST);
		pthread_mutex_init(&this_task->lock, NULL);
		pthread_cond_init(&this_task->wake, NULL);
		pthread_setspecific(task_key, this_task);
	}

	return this_task;
}

void set_current_state(int state)
{
	pthread_mutex_lock(&current->lock);
	current->state = state;
	pthread_mutex_unlock(&current->lock);
	smp_mb();
}

void schedule(void)
{
	struct task_struct *task = current;

	pthread_mutex_lock(&task->lock);
	while (task->state != TASK_RUNNING)
		pthread_cond_wait(&task->wake, &task->lock);
	pthread_mutex_unlock(&task->lock);
}

void shim_task_wake(struct task_struct *task)
{
	pthread_mutex_lock(&task->lock);
	task->state = TASK_RUNNING;
	pthread_cond_signal(&task->wake);
	pthread_mutex_unlock(&task->lock);
}

void shim_task_signal(struct task_struct *task, bool pending)
{
	WRITE_ONCE(task->signal, pending);
	if (pending)
		shim_task_wake(task);
}

int rcuwait_wake_up(struct rcuwait *wait)
{
	struct task_struct *task;

	smp_mb();
	task = __atomic_load_n(&wait->task, __ATOMIC_ACQUIRE);
	if (!task)
		return 0;
	shim_task_wake(task);

	return 1;
}

/* --- CPUs ----------------------------------------------------------------------------- */

static bool irq_off[SHIM_CPUS], irq_pending[SHIM_CPUS];

extern char __start_shim_cpu_data[], __stop_shim_cpu_data[];
static char *percpu_copy[SHIM_CPUS];

void *shim_percpu(void *image, int cpu)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	char *copy;

	if (!cpu)
		return image;

	copy = __atomic_load_n(&percpu_copy[cpu], __ATOMIC_ACQUIRE);
	if (!copy) {
		pthread_mutex_lock(&lock);
		copy = percpu_copy[cpu];
		if (!copy)
			copy = calloc(1, __stop_shim_cpu_data - __start_shim_cpu_data);
		__atomic_store_n(&percpu_copy[cpu], copy, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&lock);
	}

	return copy + ((char *)image - __start_shim_cpu_data);
}

void shim_set_cpu(int cpu)
{
	current->cpu = cpu;
}

void local_irq_disable(void)
{
	__atomic_store_n(&irq_off[smp_processor_id()], true, __ATOMIC_SEQ_CST);
}

void local_irq_enable(void)
{
	__atomic_store_n(&irq_pending[smp_processor_id()], false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&irq_off[smp_processor_id()], false, __ATOMIC_SEQ_CST);
}

bool shim_irq_pending(void)
{
	return __atomic_load_n(&irq_pending[smp_processor_id()], __ATOMIC_SEQ_CST);
}

void shim_irq_send(int cpu)
{
	__atomic_store_n(&irq_pending[cpu], true, __ATOMIC_SEQ_CST);
}

void smp_call_function_many(const struct cpumask *mask, void (*function)(void *),
			    void *data, bool wait)
{
	int cpu;

	if (__atomic_load_n(&irq_off[smp_processor_id()], __ATOMIC_SEQ_CST))
		shim_bug(__FILE__, __LINE__, "waits for other CPUs with interrupts off");

	for (cpu = 0; cpu < SHIM_CPUS; cpu++) {
		if (!(mask->bits & (1UL << cpu)) || cpu == smp_processor_id())
			continue;
		shim_irq_send(cpu);
		/* Taken at once, or when the CPU has them on again. */
		while (__atomic_load_n(&irq_off[cpu], __ATOMIC_SEQ_CST) &&
		       __atomic_load_n(&irq_pending[cpu], __ATOMIC_SEQ_CST))
			sched_yield();
		function(data);
	}
}

void on_each_cpu(void (*function)(void *), void *data, int wait)
{
	int cpu, self = smp_processor_id();

	for (cpu = 0; cpu < SHIM_CPUS; cpu++) {
		shim_set_cpu(cpu);
		function(data);
	}
	shim_set_cpu(self);
}

static int (*hotplug_teardown)(unsigned int cpu);

int cpuhp_setup_state_cpuslocked(int state, const char *name, int (*startup)(unsigned int),
				 int (*teardown)(unsigned int))
{
	int cpu, self = smp_processor_id(), err = 0;

	for (cpu = 0; cpu < SHIM_CPUS && !err; cpu++) {
		shim_set_cpu(cpu);
		err = startup(cpu);
	}
	hotplug_teardown = teardown;
	/* The one that failed has nothing to undo. */
	for (cpu -= 2; err && cpu >= 0; cpu--) {
		shim_set_cpu(cpu);
		teardown(cpu);
	}
	shim_set_cpu(self);

	return err;
}

void __cpuhp_remove_state_cpuslocked(int state, bool invoke)
{
	int cpu, self = smp_processor_id();

	for (cpu = SHIM_CPUS - 1; cpu >= 0; cpu--) {
		shim_set_cpu(cpu);
		hotplug_teardown(cpu);
	}
	shim_set_cpu(self);
}

static struct notifier_block *reboot_notifier;

void register_reboot_notifier(struct notifier_block *notifier)
{
	reboot_notifier = notifier;
}

void unregister_reboot_notifier(struct notifier_block *notifier)
{
	reboot_notifier = NULL;
}

void shim_reboot(void)
{
	reboot_notifier->notifier_call(reboot_notifier, 0, NULL);
}

bool zalloc_cpumask_var_node(cpumask_var_t *mask, gfp_t gfp, int node)
{
	*mask = kzalloc(sizeof(**mask), gfp);

	return *mask;
}

void free_cpumask_var(cpumask_var_t mask)
{
	kfree(mask);
}

ktime_t ktime_get(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

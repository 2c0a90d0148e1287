// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns the virtualization extension on and off on the host's CPUs: with the
 * first and the last VM, with CPU hotplug, and around suspend and reboot.
 *
 * Not for as long as the module is loaded: a loaded but idle module then changes
 * nothing about the host, a crash dump or another hypervisor finds the CPUs
 * clean, and the cost (one trip to each CPU) is small beside that of a VM.
 *
 * kexec after a crash, and panic, stop CPUs in ways that only the architecture
 * knows; its host.c registers for them.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/cpu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/smp.h>

#include <core/host.h>
#include <core/hw.h>
#include <core/ops.h>
#include <core/vcpu.h>
#include <core/vm.h>

DEFINE_PER_CPU(struct hw_cpu, hw_cpu);

/* Outermost but for cpus_read_lock. */
static DEFINE_MUTEX(keel_lock);
static LIST_HEAD(vm_list);	/* keel_lock */
static unsigned int hw_users;	/* keel_lock: VMs */
static bool hw_going_down;	/* keel_lock for writing: no new VM, no vCPU runs */

/* Hotplug callbacks; on the CPU in question, irqs on or off. */
static int hw_cpu_online(unsigned int cpu)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = vcpu_op(cpu_enable)();
	this_cpu_write(hw_cpu.enabled, !err);
	local_irq_restore(flags);

	if (err)
		pr_err_ratelimited("CPU %u cannot run guests: %pe\n", cpu, ERR_PTR(err));

	return HOST_CPUHP_MAY_FAIL ? err : 0;
}

static int hw_cpu_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	if (this_cpu_read(hw_cpu.enabled)) {
		this_cpu_write(hw_cpu.enabled, false);
		vcpu_op(cpu_disable)();
	}
	local_irq_restore(flags);

	return 0;
}

static void hw_disable_all(void)
{
	__cpuhp_remove_state_cpuslocked(HOST_CPUHP_STATE, true);
}

static int hw_enable_all(void)
{
	unsigned int cpu;
	int err;

	err = cpuhp_setup_state_cpuslocked(HOST_CPUHP_STATE, "virt/keel:online",
					   hw_cpu_online, hw_cpu_offline);
	if (err == -EBUSY)
		pr_err_ratelimited("the kernel's own KVM runs guests on this host, or another hypervisor does; end them first\n");
	if (err)
		return err;

	/* Where a callback may not fail, its error is found here. */
	for_each_online_cpu(cpu) {
		if (!per_cpu(hw_cpu.enabled, cpu)) {
			hw_disable_all();
			return -EIO;
		}
	}

	return 0;
}

int hw_get(void)
{
	int err = 0;

	cpus_read_lock();
	mutex_lock(&keel_lock);
	if (hw_going_down)
		err = -ENODEV;
	else if (!hw_users)
		err = hw_enable_all();
	if (!err)
		hw_users++;
	mutex_unlock(&keel_lock);
	cpus_read_unlock();

	return err;
}

void hw_put(void)
{
	cpus_read_lock();
	mutex_lock(&keel_lock);
	if (!--hw_users)
		hw_disable_all();
	mutex_unlock(&keel_lock);
	cpus_read_unlock();
}

int hw_vm_add(struct vm *vm)
{
	guard(mutex)(&keel_lock);

	if (hw_going_down)
		return -ENODEV;
	list_add(&vm->link, &vm_list);

	return 0;
}

void hw_vm_remove(struct vm *vm)
{
	guard(mutex)(&keel_lock);

	list_del(&vm->link);
}

bool hw_is_going_down(void)
{
	return READ_ONCE(hw_going_down);
}

/*
 * Suspend: hotplug has dealt with all CPUs but this one, irqs are off and every
 * task that could have a vCPU is frozen.
 */
static int hw_suspend(HOST_SYSCORE_ARGS)
{
	hw_cpu_offline(smp_processor_id());

	return 0;
}

static void hw_resume(HOST_SYSCORE_ARGS)
{
	/* If it fails, vcpu_load() finds the CPU disabled and ends the vCPU. */
	if (hw_users)
		hw_cpu_online(smp_processor_id());
}

/*
 * The last chance before a reboot or a kexec, when tasks are still scheduled.
 * A CPU on which a vCPU is loaded is left alone: its world switch would fault.
 * hw_reboot() has sent them all home some time ago, so there should be none.
 */
static void hw_cpu_shutdown(void *unused)
{
	if (!this_cpu_read(hw_cpu.vcpu))
		hw_cpu_offline(smp_processor_id());
}

static void hw_shutdown(HOST_SYSCORE_ARGS)
{
	on_each_cpu(hw_cpu_shutdown, NULL, 1);
}

HOST_DEFINE_SYSCORE(hw_syscore,
	.suspend	= hw_suspend,
	.resume		= hw_resume,
	.shutdown	= hw_shutdown,
);

/* The host begins to go down: no new VM, and the vCPUs leave KVM_RUN for good. */
static int hw_reboot(struct notifier_block *notifier, unsigned long action, void *data)
{
	struct vm *vm;

	guard(mutex)(&keel_lock);

	WRITE_ONCE(hw_going_down, true);
	/*
	 * A vCPU that is made now is seen below, or sees this.  Pairs with
	 * smp_mb() in vcpu_create_fd().
	 */
	smp_mb();
	list_for_each_entry(vm, &vm_list, link)
		vm_request_all(vm, REQ_DEAD, false);

	return NOTIFY_OK;
}

static struct notifier_block hw_reboot_notifier = {
	.notifier_call	= hw_reboot,
};

static void hw_free_targets(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(hw_cpu.targets, cpu));
}

int hw_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(&per_cpu(hw_cpu.targets, cpu),
					     GFP_KERNEL, cpu_to_node(cpu))) {
			hw_free_targets();
			return -ENOMEM;
		}
	}

	preempt_notifier_inc();
	host_syscore_register(&hw_syscore);
	register_reboot_notifier(&hw_reboot_notifier);

	return 0;
}

void hw_exit(void)
{
	unregister_reboot_notifier(&hw_reboot_notifier);
	host_syscore_unregister(&hw_syscore);
	preempt_notifier_dec();
	hw_free_targets();
}

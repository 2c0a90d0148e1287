// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: chooses the backend, and offers the device node with the ioctls of
 * the system.  Everything else begins with KVM_CREATE_VM.
 */
#define pr_fmt(fmt) "keel: " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/rcupdate.h>

#include <core/host.h>
#include <core/hw.h>
#include <core/ioctl.h>
#include <core/ops.h>
#include <core/vm.h>

#define NODE_DEFAULT	"kvm"
#define NODE_LENGTH_MAX	31

static char *node = NODE_DEFAULT;
module_param(node, charp, 0444);
MODULE_PARM_DESC(node, "Name of the device node in /dev, of a-z, 0-9, _ and - (default: kvm)");

static const struct backend *backend;

/* --- ioctls -------------------------------------------------------------------- */

static long system_ioctl_get_api_version(void *object, void *data, unsigned long user)
{
	return user ? -EINVAL : KVM_API_VERSION;
}

static long system_ioctl_create_vm(void *object, void *data, unsigned long user)
{
	return vm_create_fd(user);
}

static long system_ioctl_check_extension(void *object, void *data, unsigned long user)
{
	return cap_check(NULL, user);
}

static long system_ioctl_get_vcpu_mmap_size(void *object, void *data, unsigned long user)
{
	return user ? -EINVAL : ARCH_RUN_PAGES << PAGE_SHIFT;
}

static const struct ioctl_desc system_ioctls[] = {
	IOCTL(KVM_GET_API_VERSION,	IOCTL_RAW, system_ioctl_get_api_version),
	IOCTL(KVM_CREATE_VM,		IOCTL_RAW, system_ioctl_create_vm),
	IOCTL(KVM_CHECK_EXTENSION,	IOCTL_RAW, system_ioctl_check_extension),
	IOCTL(KVM_GET_VCPU_MMAP_SIZE,	IOCTL_RAW, system_ioctl_get_vcpu_mmap_size),
	{ }
};

static long system_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return ioctl_dispatch(system_ioctls, arch_system_ioctls, NULL, NULL, cmd, arg);
}

static const struct file_operations system_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= system_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

/* --- the device node -------------------------------------------------------------- */

/* The mode is left to the system's own rules for this node. */
static struct miscdevice system_device = {
	.minor	= KVM_MINOR,
	.name	= NODE_DEFAULT,
	.fops	= &system_fops,
};

static int node_check(void)
{
	size_t length = strspn(node, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (!length || length > NODE_LENGTH_MAX || node[length]) {
		pr_err("node= wants 1 to %d characters of a-z, 0-9, _ and -\n",
		       NODE_LENGTH_MAX);
		return -EINVAL;
	}

	return 0;
}

/*
 * Is a name of the user's own choice free?  misc_register() would not say so well:
 * of a name in its class there would be a stack trace in the log, and one that only
 * is in /dev would stay what it is.  Known is what the loading process sees there.
 *
 * Not for the default name: /dev/kvm is often there before anybody serves it, and
 * its minor number tells.
 */
static int node_check_free(void)
{
	static const char *const dirs[] = { "/dev", "/sys/class/misc" };
	char name[sizeof("/sys/class/misc/") + NODE_LENGTH_MAX];
	struct path path;
	int i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(name, sizeof(name), "%s/%s", dirs[i], node);
		if (kern_path(name, 0, &path))
			continue;
		path_put(&path);
		pr_err("%s exists already; load with node=NAME for another name\n", name);
		return -EEXIST;
	}

	return 0;
}

static int node_register(void)
{
	int err;

	if (strcmp(node, NODE_DEFAULT)) {
		err = node_check_free();
		if (err)
			return err;
		system_device.minor = MISC_DYNAMIC_MINOR;
		system_device.name = node;
	}

	err = misc_register(&system_device);
	if (err == -EBUSY || err == -EEXIST)
		pr_err("/dev/%s is taken%s; unload the kernel's own KVM modules, or load with node=NAME for another name\n",
		       node, strcmp(node, NODE_DEFAULT) ? "" : " by the kernel's own KVM");
	else if (err)
		pr_err("cannot make /dev/%s: %pe\n", node, ERR_PTR(err));

	return err;
}

/* --- load and unload ------------------------------------------------------------------ */

/* Only what was seen to work; each of these changes what core takes for granted. */
static int host_check(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		pr_err("PREEMPT_RT kernels are not supported yet\n");
		return -EOPNOTSUPP;
	}
	if (PAGE_SIZE != SZ_4K) {
		pr_err("kernels with pages of %lu KiB are not supported yet\n",
		       PAGE_SIZE / SZ_1K);
		return -EOPNOTSUPP;
	}

	return 0;
}

/*
 * The first candidate that can run here.  One that is present but cannot be used
 * has said why by itself.
 */
static const struct backend *backend_select(void)
{
	const struct backend *const *candidate;
	int err, reason = -ENODEV;

	for (candidate = arch_backends; *candidate; candidate++) {
		err = (*candidate)->probe();
		if (!err)
			return *candidate;
		if (err != -ENODEV)
			reason = err;
	}

	if (reason == -ENODEV)
		pr_err("this CPU has no virtualization extension that can be used, or it is hidden from this machine\n");

	return ERR_PTR(reason);
}

static int __init keel_init(void)
{
	int err;

	err = node_check();
	if (err)
		return err;
	err = host_check();
	if (err)
		return err;
	backend = backend_select();
	if (IS_ERR(backend))
		return PTR_ERR(backend);

	err = backend->setup();
	if (err) {
		pr_err("%s could not be set up: %pe\n", backend->name, ERR_PTR(err));
		return err;
	}
	backend_bind(backend);
	err = hw_init();
	if (err)
		goto err_teardown;

	/* Last: from here on somebody may use it. */
	err = node_register();
	if (err)
		goto err_hw;

	/* Quiet: a machine may load and unload the module all day. */
	pr_debug("%s on /dev/%s\n", backend->name, node);

	return 0;

err_hw:
	hw_exit();
err_teardown:
	backend->teardown();

	return err;
}

/*
 * Every descriptor holds the module, so no VM is left.  What may still be under
 * way are callbacks of those that are gone.
 */
static void __exit keel_exit(void)
{
	misc_deregister(&system_device);
	hw_exit();
	mmu_notifier_synchronize();
	rcu_barrier();
	backend->teardown();
}

module_init(keel_init);
module_exit(keel_exit);

MODULE_DESCRIPTION("Keel: a hypervisor that serves the KVM ABI");
MODULE_LICENSE("GPL");

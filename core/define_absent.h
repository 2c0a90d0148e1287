/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For an architecture whose backend is not part of this version: every operation
 * as a function that does nothing, and empty tables, so that core links and the
 * module can say so when it is loaded.  None of this is ever called, because the
 * probe refuses.  The includer has defined ABSENT_NAME, the architecture's own
 * word for itself, equal to ARCH_PREFIX; it gets struct backend ABSENT_NAME_backend
 * and arch_backends[].  init.c of such an architecture, and nobody else, includes
 * it, once.
 */
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <core/device.h>
#include <core/ioctl.h>
#include <core/ops.h>
#include <core/stats.h>
#include <core/vcpu.h>
#include <core/vm.h>

#define OP(ret, name, params, args)	ret vcpu_op(name) params { return (ret)0; }
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret mmu_op(name) params { return (ret)0; }
#include <core/mmu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret irqchip_op(name) params { return (ret)0; }
#include <core/irqchip_ops.def>
#undef OP

#define ABSENT_CAT__(a, b)	a##_##b
#define ABSENT_CAT(a, b)	ABSENT_CAT__(a, b)
#define ABSENT_STR__(a)		#a
#define ABSENT_STR(a)		ABSENT_STR__(a)

static int ABSENT_CAT(ABSENT_NAME, probe)(void)
{
	pr_err("keel: the " ABSENT_STR(ABSENT_NAME) " backend is not part of this version\n");

	return -EOPNOTSUPP;
}

static int ABSENT_CAT(ABSENT_NAME, setup)(void)
{
	return -EOPNOTSUPP;
}

static void ABSENT_CAT(ABSENT_NAME, teardown)(void)
{
}

extern const struct backend ABSENT_CAT(ABSENT_NAME, backend);

#define BACKEND			ABSENT_NAME
#define BACKEND_VCPU		ABSENT_NAME
#define BACKEND_MMU		ABSENT_NAME
#define BACKEND_IRQCHIP		ABSENT_NAME
#include <core/define_backend.h>

const struct backend *const arch_backends[] = {
	&ABSENT_CAT(ABSENT_NAME, backend),
	NULL
};

const struct ioctl_desc arch_system_ioctls[] = { { } };
const struct ioctl_desc arch_vm_ioctls[] = { { } };
const struct ioctl_desc arch_vcpu_ioctls[] = { { } };
const struct cap_desc arch_caps[] = { { .cap = CAP_END } };
const struct device_guest_type arch_devices[] = { { } };
const struct stats_desc arch_vcpu_stats[] = { { } };

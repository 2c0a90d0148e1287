// SPDX-License-Identifier: GPL-2.0-only
/*
 * What core finds when it looks for x86: the list of backends, and the calls from
 * common x86 code into the backend that was chosen.  The backends themselves are
 * in folders of their own.
 */
#include <linux/moduleparam.h>
#include <core/device.h>

#include "x86.h"

unsigned int x86_tags;
module_param_named(tags, x86_tags, uint, 0444);
MODULE_PARM_DESC(tags, "Debug: use at most this many TLB tags per CPU, at least 3 (0: all)");

extern const struct backend svm_backend;
extern const struct backend vtx_backend;

/* No CPU has both, so the order matters only for which is asked first. */
const struct backend *const arch_backends[] = {
	&vtx_backend,
	&svm_backend,
	NULL
};

/* x86 has no devices of KVM_CREATE_DEVICE. */
const struct device_guest_type arch_devices[] = {
	{ .name = NULL }
};

#define OP(ret, name, params, args)	\
	DEFINE_STATIC_CALL_NULL(x86_op_##name, x86_null_##name);
#include "x86_ops.def"
#undef OP

void x86_bind(const struct x86_ops *ops)
{
#define OP(ret, name, params, args)	\
	static_call_update(x86_op_##name, ops->name);
#include "x86_ops.def"
#undef OP
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What core finds when it looks for x86: the list of backends, and the calls from
 * common x86 code into the backend that was chosen.  The backends themselves are
 * in folders of their own.
 */
#include <core/device.h>

#include "x86.h"

extern const struct backend svm_backend;

const struct backend *const arch_backends[] = {
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

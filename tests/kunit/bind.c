// SPDX-License-Identifier: GPL-2.0-only
/* Operations put in place of the backend's: see suite.h. */
#include "suite.h"

#ifdef BIND_STATIC_CALL

bool suite_ops(struct suite_ops *ops)
{
#define OP(ret, name, params, args)	\
	ops->vcpu.name = static_call_query(vcpu_op_##name);
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	\
	ops->mmu.name = static_call_query(mmu_op_##name);
#include <core/mmu_ops.def>
#undef OP
#define OP(ret, name, params, args)	\
	ops->irqchip.name = static_call_query(irqchip_op_##name);
#include <core/irqchip_ops.def>
#undef OP
	return true;
}

void suite_bind(const struct suite_ops *ops)
{
	const struct backend backend = {
		.vcpu = &ops->vcpu,
		.mmu = &ops->mmu,
		.irqchip = &ops->irqchip,
	};

	backend_bind(&backend);
}

#else

bool suite_ops(struct suite_ops *ops)
{
	return false;
}

void suite_bind(const struct suite_ops *ops)
{
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The static calls of an architecture that binds its backend at load.  Empty
 * where <arch/bind.h> binds directly.
 */
#include <linux/kvm.h>
#include <core/ops.h>

#ifdef BIND_STATIC_CALL

/* What a call is before backend_bind(); the types have to be known, no body. */
#define OP(ret, name, params, args)	\
	DEFINE_STATIC_CALL_NULL(vcpu_op_##name, backend_null_vcpu_##name);
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	\
	DEFINE_STATIC_CALL_NULL(mmu_op_##name, backend_null_mmu_##name);
#include <core/mmu_ops.def>
#undef OP
#define OP(ret, name, params, args)	\
	DEFINE_STATIC_CALL_NULL(irqchip_op_##name, backend_null_irqchip_##name);
#include <core/irqchip_ops.def>
#undef OP

void backend_bind(const struct backend *backend)
{
#define OP(ret, name, params, args)	\
	static_call_update(vcpu_op_##name, backend->vcpu->name);
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	\
	static_call_update(mmu_op_##name, backend->mmu->name);
#include <core/mmu_ops.def>
#undef OP
#define OP(ret, name, params, args)	\
	static_call_update(irqchip_op_##name, backend->irqchip->name);
#include <core/irqchip_ops.def>
#undef OP
}

#endif /* BIND_STATIC_CALL */

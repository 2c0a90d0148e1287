/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Binding by static call: an architecture with several backends, of which one
 * is chosen at load.  vcpu_op(enter) is a patched direct call.  core/bind.c
 * defines the calls and updates them.
 */
#ifndef CORE_BIND_STATIC_CALL_H
#define CORE_BIND_STATIC_CALL_H

#include <linux/static_call.h>

#define BIND_STATIC_CALL	1

#define OP(ret, name, params, args)					\
	ret backend_null_vcpu_##name params;				\
	DECLARE_STATIC_CALL(vcpu_op_##name, backend_null_vcpu_##name);
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)					\
	ret backend_null_mmu_##name params;				\
	DECLARE_STATIC_CALL(mmu_op_##name, backend_null_mmu_##name);
#include <core/mmu_ops.def>
#undef OP
#define OP(ret, name, params, args)					\
	ret backend_null_irqchip_##name params;				\
	DECLARE_STATIC_CALL(irqchip_op_##name, backend_null_irqchip_##name);
#include <core/irqchip_ops.def>
#undef OP

#define vcpu_op(name)		static_call(vcpu_op_##name)
#define mmu_op(name)		static_call(mmu_op_##name)
#define irqchip_op(name)	static_call(irqchip_op_##name)

/* Point every call at @backend.  May sleep; under no lock of ours. */
void backend_bind(const struct backend *backend);

#endif /* CORE_BIND_STATIC_CALL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Direct binding: an architecture with one backend.  With an ARCH_PREFIX of NEW,
 * vcpu_op(enter) is NEW_vcpu_enter.  <arch/bind.h> defines ARCH_PREFIX and
 * includes this.
 */
#ifndef CORE_BIND_DIRECT_H
#define CORE_BIND_DIRECT_H

#define BIND_NAME__(prefix, family, name)	prefix##_##family##_##name
#define BIND_NAME_(prefix, family, name)	BIND_NAME__(prefix, family, name)

#define vcpu_op(name)		BIND_NAME_(ARCH_PREFIX, vcpu, name)
#define mmu_op(name)		BIND_NAME_(ARCH_PREFIX, mmu, name)
#define irqchip_op(name)	BIND_NAME_(ARCH_PREFIX, irqchip, name)

#define OP(ret, name, params, args)	ret vcpu_op(name) params;
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret mmu_op(name) params;
#include <core/mmu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret irqchip_op(name) params;
#include <core/irqchip_ops.def>
#undef OP

static inline void backend_bind(const struct backend *backend)
{
}

#endif /* CORE_BIND_DIRECT_H */

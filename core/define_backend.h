/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes one struct backend from the names of its parts.  The includer defines
 *
 *	BACKEND			name of the backend
 *	BACKEND_VCPU		prefix of its vcpu ops: NEW gives NEW_vcpu_enter()
 *	BACKEND_MMU		prefix of its mmu ops: NEW gives NEW_mmu_flush()
 *	BACKEND_IRQCHIP		prefix of its irqchip ops
 *
 * and has BACKEND_probe(), BACKEND_setup() and BACKEND_teardown().  No include
 * guard: a file includes it once per backend.
 */
#define BACKEND_CAT3__(a, b, c)		a##_##b##_##c
#define BACKEND_CAT3(a, b, c)		BACKEND_CAT3__(a, b, c)
#define BACKEND_CAT2__(a, b)		a##_##b
#define BACKEND_CAT2(a, b)		BACKEND_CAT2__(a, b)
#define BACKEND_STR__(a)		#a
#define BACKEND_STR(a)			BACKEND_STR__(a)

#define OP(ret, name, params, args)	ret BACKEND_CAT3(BACKEND_VCPU, vcpu, name) params;
#include <core/vcpu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret BACKEND_CAT3(BACKEND_MMU, mmu, name) params;
#include <core/mmu_ops.def>
#undef OP
#define OP(ret, name, params, args)	ret BACKEND_CAT3(BACKEND_IRQCHIP, irqchip, name) params;
#include <core/irqchip_ops.def>
#undef OP

#define OP(ret, name, params, args)	.name = BACKEND_CAT3(BACKEND_VCPU, vcpu, name),
static const struct vcpu_ops BACKEND_CAT2(BACKEND, vcpu_ops) = {
#include <core/vcpu_ops.def>
};
#undef OP

#define OP(ret, name, params, args)	.name = BACKEND_CAT3(BACKEND_MMU, mmu, name),
static const struct mmu_ops BACKEND_CAT2(BACKEND, mmu_ops) = {
#include <core/mmu_ops.def>
};
#undef OP

#define OP(ret, name, params, args)	.name = BACKEND_CAT3(BACKEND_IRQCHIP, irqchip, name),
static const struct irqchip_ops BACKEND_CAT2(BACKEND, irqchip_ops) = {
#include <core/irqchip_ops.def>
};
#undef OP

const struct backend BACKEND_CAT2(BACKEND, backend) = {
	.name		= BACKEND_STR(BACKEND),
	.probe		= BACKEND_CAT2(BACKEND, probe),
	.setup		= BACKEND_CAT2(BACKEND, setup),
	.teardown	= BACKEND_CAT2(BACKEND, teardown),
	.vcpu		= &BACKEND_CAT2(BACKEND, vcpu_ops),
	.mmu		= &BACKEND_CAT2(BACKEND, mmu_ops),
	.irqchip	= &BACKEND_CAT2(BACKEND, irqchip_ops),
};

#undef BACKEND
#undef BACKEND_VCPU
#undef BACKEND_MMU
#undef BACKEND_IRQCHIP

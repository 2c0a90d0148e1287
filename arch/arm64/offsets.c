// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offsets in struct vcpu_arch that switch.S uses; those of pairs have to fit the
 * immediate of LDP.  Compiled to assembly and turned into offsets.h by Kbuild; it is
 * not part of the module.
 */
#include <linux/kbuild.h>
#include <linux/stddef.h>

#include "arm64.h"

/* What is read and written in pairs. */
static_assert(offsetof(struct arm64_context, pc) ==
	      offsetofend(struct arm64_context, sp_el0));
static_assert(offsetof(struct arm64_host_context, cptr) ==
	      offsetofend(struct arm64_host_context, vbar));
static_assert(offsetof(struct arm64_config, cptr) == offsetofend(struct arm64_config, hcr));
static_assert(offsetof(struct exit_info, info1) == offsetofend(struct exit_info, code));
static_assert(offsetof(struct exit_info, vector) == offsetofend(struct exit_info, info2));

static void __used offsets(void)
{
	OFFSET(ARCH_X, vcpu_arch, context.x);
	OFFSET(ARCH_SP_EL0, vcpu_arch, context.sp_el0);
	OFFSET(ARCH_PC, vcpu_arch, context.pc);
	OFFSET(ARCH_PSTATE, vcpu_arch, context.pstate);
	OFFSET(ARCH_APIA, vcpu_arch, context.apia);
	OFFSET(ARCH_HOST_SP_EL0, vcpu_arch, host.sp_el0);
	OFFSET(ARCH_HOST_HCR, vcpu_arch, host.hcr);
	OFFSET(ARCH_HOST_VBAR, vcpu_arch, host.vbar);
	OFFSET(ARCH_HOST_CPTR, vcpu_arch, host.cptr);
	OFFSET(ARCH_HOST_MDCR, vcpu_arch, host.mdcr);
	OFFSET(ARCH_HOST_TCO, vcpu_arch, host.tco);
	OFFSET(ARCH_HOST_SSBS, vcpu_arch, host.ssbs);
	OFFSET(ARCH_HOST_DIT, vcpu_arch, host.dit);
	OFFSET(ARCH_HOST_APIA, vcpu_arch, host.apia);
	OFFSET(ARCH_HCR, vcpu_arch, config.hcr);
	OFFSET(ARCH_CPTR, vcpu_arch, config.cptr);
	OFFSET(ARCH_MDCR, vcpu_arch, config.mdcr);
	OFFSET(ARCH_FLAGS, vcpu_arch, config.flags);
	OFFSET(ARCH_VECTORS, vcpu_arch, config.vectors);
	OFFSET(ARCH_MITIGATION, vcpu_arch, config.mitigation);
	OFFSET(ARCH_EXIT_CODE, vcpu_arch, exit.code);
	OFFSET(ARCH_EXIT_INFO2, vcpu_arch, exit.info2);
	DEFINE(SWITCH_PAN, SWITCH_PAN);
	DEFINE(SWITCH_DIT, SWITCH_DIT);
	DEFINE(SWITCH_SSBS, SWITCH_SSBS);
	DEFINE(SWITCH_TCO, SWITCH_TCO);
	DEFINE(SWITCH_PAUTH, SWITCH_PAUTH);
	DEFINE(VECTOR_SYNC, EXIT_SYNC);
	DEFINE(VECTOR_IRQ, EXIT_IRQ);
	DEFINE(VECTOR_FIQ, EXIT_FIQ);
	DEFINE(VECTOR_SERROR, EXIT_SERROR);
}

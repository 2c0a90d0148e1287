// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offsets of members that switch.S uses.  Compiled to assembly and turned into
 * offsets.h by Kbuild; it is not part of the module.
 */
#include <linux/kbuild.h>
#include <core/vcpu.h>

static void __used offsets(void)
{
	OFFSET(VCPU_GPRS, vcpu, arch.state.gpr);
	OFFSET(VTX_HOST_RSP, vcpu, arch.vtx.host_rsp);
	OFFSET(VTX_SPEC_CTRL, vcpu, arch.vtx.spec_ctrl);
	OFFSET(VTX_SPEC_CTRL_LIVE, vcpu, arch.vtx.spec_ctrl_live);
	OFFSET(VTX_LAUNCHED, vcpu, arch.vtx.launched);
	OFFSET(VTX_FAILED, vcpu, arch.vtx.failed);
}

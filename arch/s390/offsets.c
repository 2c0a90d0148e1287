// SPDX-License-Identifier: GPL-2.0-only
/*
 * What switch.S has to know of C: the frame of a function, and the work of a task that
 * the guest must not put off.  Compiled to assembly and turned into offsets.h by Kbuild;
 * it is not part of the module.
 */
#include <linux/errno.h>
#include <linux/kbuild.h>
#include <linux/thread_info.h>
#include <asm/stacktrace.h>

/*
 * Of what core/host.h looks at before it enters, the flags that say all: one that is set and
 * does not count there must not keep the guest out here.  The immediate of TMLL has 16 bits.
 */
#define WORK	(_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)

static_assert(WORK < 0x10000);

static void __used offsets(void)
{
	OFFSET(FRAME_GPRS, stack_frame, gprs);
	OFFSET(FRAME_BACK_CHAIN, stack_frame, back_chain);
	DEFINE(FRAME_SIZE, sizeof(struct stack_frame));
	DEFINE(TASK_WORK, WORK);
	DEFINE(SWITCH_EAGAIN, EAGAIN);
}

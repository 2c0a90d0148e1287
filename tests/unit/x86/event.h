/* SPDX-License-Identifier: GPL-2.0-only */
/* What the event.c of both vendors take of x86.h. */
#ifndef EVENT_H
#define EVENT_H

enum { X86_EVENT_NONE, X86_EVENT_EXCEPTION, X86_EVENT_NMI, X86_EVENT_INTERRUPT,
       X86_EVENT_SOFT_INTERRUPT };
enum x86_window { X86_WINDOW_INTERRUPT, X86_WINDOW_NMI };

struct x86_event {
	u8	type, vector;
	bool	has_error;
	u8	insn_len;
	u32	error;
};

#endif /* EVENT_H */

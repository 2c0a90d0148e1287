// SPDX-License-Identifier: GPL-2.0-only
/* The bodies of the tracepoints that core/trace.h declares; nothing else. */
#define CREATE_TRACE_POINTS
#include <core/trace.h>

/* SPDX-License-Identifier: GPL-2.0-only */
/* x86 has two vendors and chooses at load. */
#include <core/bind_static_call.h>

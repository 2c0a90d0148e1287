/* SPDX-License-Identifier: GPL-2.0-only */
/* arm64 has one backend and calls it directly, or has it inlined. */
#define ARCH_PREFIX arm64
#include <core/bind_direct.h>
#include <arch/hot.h>

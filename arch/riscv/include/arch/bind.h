/* SPDX-License-Identifier: GPL-2.0-only */
/* riscv has one backend and calls it directly, or has it inlined. */
#define ARCH_PREFIX riscv
#include <core/bind_direct.h>
#include <arch/hot.h>

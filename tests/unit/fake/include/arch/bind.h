/* SPDX-License-Identifier: GPL-2.0-only */
#define ARCH_PREFIX fake
#include <core/bind_direct.h>

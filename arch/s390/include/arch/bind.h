/* SPDX-License-Identifier: GPL-2.0-only */
/* s390 has one backend and calls it directly. */
#define ARCH_PREFIX s390
#include <core/bind_direct.h>

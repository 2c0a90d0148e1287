// SPDX-License-Identifier: GPL-2.0-only
/* core/main.c, and its table of ioctls for core_ioctl.c. */
#include "../../core/main.c"

#include "suite.h"

const struct ioctl_desc *const suite_system_ioctls = system_ioctls;

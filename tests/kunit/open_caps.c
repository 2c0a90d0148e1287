// SPDX-License-Identifier: GPL-2.0-only
/* core/caps.c, and its table for core_ioctl.c. */
#include "../../core/caps.c"

#include "suite.h"

const struct cap_desc *const suite_core_caps = core_caps;

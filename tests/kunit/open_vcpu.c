// SPDX-License-Identifier: GPL-2.0-only
/* core/vcpu.c, and its table of ioctls for core_ioctl.c. */
#include "../../core/vcpu.c"

#include "suite.h"

const struct ioctl_desc *const suite_vcpu_ioctls = vcpu_ioctls;

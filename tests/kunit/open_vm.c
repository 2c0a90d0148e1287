// SPDX-License-Identifier: GPL-2.0-only
/* core/vm.c, and its table of ioctls for core_ioctl.c. */
#include "../../core/vm.c"

#include "suite.h"

const struct ioctl_desc *const suite_vm_ioctls = vm_ioctls;

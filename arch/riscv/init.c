// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend of riscv is not part of this version.  The module builds, so that
 * core stays neutral and its build honest; it says so and refuses to load.
 */
#define ABSENT_NAME riscv
#include <core/define_absent.h>

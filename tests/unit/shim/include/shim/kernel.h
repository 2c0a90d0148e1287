/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A piece of kernel in user space: as much of its interfaces as core/ uses, over
 * the C library, so that core runs in one ordinary process under sanitizers.
 * Where a rule can be checked it is: a lock that should be held, a grace period
 * inside of its own read side, a warning, all end the test.
 *
 * The Makefile makes a <linux/NAME.h> that includes this for every header core
 * includes.
 */
#ifndef SHIM_KERNEL_H
#define SHIM_KERNEL_H

#include <shim/base.h>
#include <shim/lock.h>
#include <shim/container.h>
#include <shim/mm.h>
#include <shim/fs.h>

#endif /* SHIM_KERNEL_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend of s390: can it run here.  SIE needs not be turned on, and who else uses
 * it does not matter.  What the host's CPUs have is found out in host.c.
 */
#include "s390.h"

int s390_vcpu_cpu_enable(void)
{
	return 0;
}

void s390_vcpu_cpu_disable(void)
{
}

static int s390_probe(void)
{
	return s390_host_probe();
}

static int s390_setup(void)
{
	int err;

	err = s390_host_setup();
	if (err)
		return err;
	s390_mmu_setup();

	return 0;
}

static void s390_teardown(void)
{
	s390_host_teardown();
}

extern const struct backend s390_backend;

#define BACKEND			s390
#define BACKEND_VCPU		s390
#define BACKEND_MMU		s390
#define BACKEND_IRQCHIP		s390
#include <core/define_backend.h>

const struct backend *const arch_backends[] = {
	&s390_backend,
	NULL
};

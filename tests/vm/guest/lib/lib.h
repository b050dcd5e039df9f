/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that both programs of the guest use. */
#ifndef LIB_H
#define LIB_H

#include <stdint.h>

#define GROUPS		"/sys/kernel/iommu_groups"

const char *errname(int err);
uint64_t cpu_ns(void);

#endif

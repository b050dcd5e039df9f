/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of PCI devices for humans. */
#ifndef NAMES_H
#define NAMES_H

#include "facts.h"
#include "iommu-resv.h"

struct names *names_open(const struct control *ctl);
void names_product(struct names *names, const char *device_dir, struct device *d);
void names_close(struct names *names);

#endif

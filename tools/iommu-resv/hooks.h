/* SPDX-License-Identifier: GPL-2.0-only */
/* The mode of the hooks. */
#ifndef HOOKS_H
#define HOOKS_H

#include "iommu-resv.h"

char *hooks_mode(const struct control *ctl);
void hooks_restore(const struct control *ctl, const char *mode);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a machine has no IOMMU group. */
#ifndef NO_GROUPS_H
#define NO_GROUPS_H

#include "iommu-resv.h"

char *no_groups_reason(const struct control *ctl);
bool say_no_groups(const struct control *ctl);

#endif

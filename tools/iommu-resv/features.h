/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module says about itself. */
#ifndef FEATURES_H
#define FEATURES_H

#include "iommu-resv.h"
#include "json.h"

void print_hooks(struct control *ctl, struct json *j);
void say_inert(struct control *ctl);
char *livepatch_reason(struct control *ctl);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be given to a guest in place of a device that is tied to firmware. */
#ifndef UNTIED_H
#define UNTIED_H

#include "facts.h"

void untied_print(struct control *ctl, const char *device);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes of one group. */
#ifndef PUT_H
#define PUT_H

#include "facts.h"

int put_region(struct control *ctl, const struct group *g, const char *verb,
	       const struct range *range);
bool window_holds(const struct group *g, const char *text);
int put_window(struct control *ctl, const struct group *g, const char *text);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Replacements for a device that cannot be given to a guest because of firmware. */
#ifndef UNTIED_H
#define UNTIED_H

#include "facts.h"

/**
 * struct untied - all groups, read by the first untied_print()
 * @groups: the groups, if @read
 * @read: groups_read() was called
 * @good: it did not fail
 */
struct untied {
	struct groups groups;
	bool read;
	bool good;
};

void untied_print(struct control *ctl, struct untied *untied, const char *device);
void untied_free(struct untied *untied);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's files about itself. */
#ifndef FEATURES_H
#define FEATURES_H

#include "facts.h"
#include "iommu-resv.h"
#include "json.h"

/**
 * struct checks - the feature map-checks
 * @state: native, added or inert; NULL if the module does not report it
 * @hook: the hook by which the module does it, or -
 * @reason: rest of the line
 */
struct checks {
	char *state;
	char *hook;
	char *reason;
};

void checks_read(struct control *ctl, struct checks *checks);
bool checks_inert(const struct checks *checks);
void checks_free(struct checks *checks);
bool checks_off(struct control *ctl);
bool checks_by_vfio(struct control *ctl);

void print_hooks(struct control *ctl, struct json *j);
void say_inert(struct control *ctl, const struct group *g);
char *livepatch_reason(struct control *ctl);
void features_inert(struct control *ctl, void (*fn)(const char *feature, void *data),
		    void *data);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices by vendor and device id. */
#ifndef PICK_H
#define PICK_H

#include "facts.h"

/**
 * struct pick - which devices
 * @vendor: their vendor, -1 for any
 * @device: their device id, -1 for any
 */
struct pick {
	int vendor;
	int device;
};

bool pick_word(const char *word, struct pick *pick);
bool pick_parse(const struct control *ctl, struct pick *pick);
bool pick_device(const struct pick *pick, const struct device *d);
int pick_groups(const struct control *ctl, const struct pick *pick, struct groups *groups);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Groups that a device is leaving, to which no reference may be held. */
#ifndef RESV_DEPARTURE_H
#define RESV_DEPARTURE_H

#include <linux/types.h>

struct device;

bool resv_departure_begins(struct device *dev, int id);
void resv_departure_ends(struct device *dev);
bool resv_departing(int id);
void resv_departures_exit(void);

#endif /* RESV_DEPARTURE_H */

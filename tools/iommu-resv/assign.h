/* SPDX-License-Identifier: GPL-2.0-only */
/* Can a group be given to a guest, and if not, why? */
#ifndef ASSIGN_H
#define ASSIGN_H

#include "facts.h"
#include "iommu-resv.h"

enum obstacle_kind {
	OBSTACLE_DIRECT,	/* a region that is mapped 1:1 */
	OBSTACLE_NO_IOMMU,	/* no IOMMU translates for it */
	OBSTACLE_INTERRUPTS,	/* the guest could raise interrupts of others */
	OBSTACLE_DRIVER,	/* a device has a host driver */
};

/**
 * struct obstacle - why VFIO refuses a group
 * @kind: kind of the reason
 * @region: OBSTACLE_DIRECT: the region, else NULL
 * @device: OBSTACLE_DRIVER: the device, else NULL
 */
struct obstacle {
	enum obstacle_kind kind;
	const struct region *region;
	const struct device *device;
};

/**
 * struct obstacles - all reasons for which VFIO refuses a group
 * @o: the reasons, the worst first
 * @nr: their number
 * @unknown: there may be others, because the module does not report interrupts, or because
 *	a copy of another machine's sysfs lacks the drivers
 * @unsafe: interrupts are not isolated, and allow_unsafe_interrupts makes VFIO accept that
 */
struct obstacles {
	struct obstacle *o;
	size_t nr;
	bool unknown;
	bool unsafe;
};

void obstacles_find(const struct control *ctl, const struct group *g, const char *given,
		    struct obstacles *found);
void obstacles_free(struct obstacles *found);
char *obstacle_text(const struct obstacle *o);
const char *obstacles_word(const struct obstacles *found);
bool device_is_hosts(const struct control *ctl, const struct group *g,
		     const struct device *d);

struct json;
void json_obstacles(struct json *j, const struct obstacles *found);

#endif

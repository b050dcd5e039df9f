// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions that the admin declared.
 *
 * They are told before the kernel's own list of the group is looked at, where
 * the hooks have put them as well; whether they did decides what is enforced.
 */
#include <linux/device.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "declared.h"
#include "source.h"

static int admin_device(struct resv_facts *c, struct device *dev)
{
	struct resv_declared *d;
	int name, ret = 0;

	resv_declared_for_each(d) {
		if (d->device[0]) {
			if (strcmp(d->device, dev_name(dev)))
				continue;
			d->seen = true;
			/* Or it came back so soon that its old group was not missed. */
			d->arriving = d->group != c->group;
			c->arrived |= d->arriving;
			name = resv_facts_name(c, dev_name(dev));
		} else if (d->group == c->group) {
			d->devices = c->nr_devices;
			/* Once for the group, with its first device. */
			if (c->nr_devices > 1)
				continue;
			name = 0;
		} else {
			continue;
		}
		/* On a list that this module makes it is from now on. */
		ret = name < 0 ? name :
		      resv_facts_add(c, name, d->start, d->end, RESV_RESERVED,
				       RESV_ORIGIN_ADMIN,
				       RESV_F_ADDED |
				       (c->own_list && !d->held && !d->arriving ?
					RESV_F_LISTED : 0));
		if (ret)
			break;
	}
	return ret;
}

/* Regions of one type that overlap or touch are one on the kernel's list. */
static bool is_listed(const struct resv_facts *c, const struct resv_region *r)
{
	unsigned int i;

	for (i = 0; i < c->taken.nr; i++)
		if (c->taken.r[i].type == r->type &&
		    c->taken.r[i].start <= r->start &&
		    c->taken.r[i].end >= r->end)
			return true;
	return false;
}

static int admin_group(struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		struct resv_region *r = &c->regions.r[i];

		if (r->origin == RESV_ORIGIN_ADMIN && is_listed(c, r))
			r->flags |= RESV_F_LISTED;
	}
	return 0;
}

const struct resv_source resv_source_admin = {
	.name = "admin",
	.device = admin_device,
	.group = admin_group,
};

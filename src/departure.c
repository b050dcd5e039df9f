// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that a device is leaving, to which no reference may be held.
 *
 * The kernel drops the last reference to a group from iommu_group_remove_device(),
 * when the device that left is still whole, and freeing the group's domain may
 * touch it: on 5.10 domain_exit() of the Intel driver goes through devices that
 * the domain was attached to, and has been seen to oops over one that was
 * released or freed before, because the last reference was ours.  So a device
 * that is to be taken out of its group waits for the walk under way, and the
 * group is left alone until it is out.
 *
 * All of it is called with the registry's lock held.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/slab.h>
#include "departure.h"

/**
 * struct departure - one device that the IOMMU core is taking out of its group
 * @node: on the list
 * @dev: the device; only its address means something
 * @id: number of its group
 */
struct departure {
	struct list_head node;
	const struct device *dev;
	int id;
};

static LIST_HEAD(departures);

static bool is_leaving(const struct device *dev)
{
	const struct departure *d;

	list_for_each_entry(d, &departures, node)
		if (d->dev == dev)
			return true;
	return false;
}

static int stays(struct device *dev, void *data)
{
	return !is_leaving(dev);
}

/**
 * resv_departure_begins() - a device is about to be taken out of its group
 * @dev: device, in its group still
 * @id: number of its group
 *
 * Context: may sleep; the group's mutex is not held.
 * Return: no device of the group will stay
 */
bool resv_departure_begins(struct device *dev, int id)
{
	struct departure *d;

	/* Small, and there is no way to refuse. */
	d = kzalloc(sizeof(*d), GFP_KERNEL | __GFP_NOFAIL);
	d->dev = dev;
	d->id = id;
	list_add_tail(&d->node, &departures);
	return !iommu_group_for_each_dev(dev->iommu_group, NULL, stays);
}

/**
 * resv_departure_ends() - a device has left
 * @dev: device
 */
void resv_departure_ends(struct device *dev)
{
	struct departure *d, *tmp;

	list_for_each_entry_safe(d, tmp, &departures, node)
		if (d->dev == dev) {
			list_del(&d->node);
			kfree(d);
		}
}

/**
 * resv_departing() - is a device leaving this group?
 * @id: number of the group
 */
bool resv_departing(int id)
{
	const struct departure *d;

	list_for_each_entry(d, &departures, node)
		if (d->id == id)
			return true;
	return false;
}

/**
 * resv_departures_exit() - forget them; nobody tells of devices any more
 */
void resv_departures_exit(void)
{
	struct departure *d, *tmp;

	list_for_each_entry_safe(d, tmp, &departures, node) {
		list_del(&d->node);
		kfree(d);
	}
}

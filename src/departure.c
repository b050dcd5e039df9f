// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that must not be freed before a reference to their group is dropped.
 *
 * The kernel drops the last reference to a group from iommu_group_remove_device(),
 * when the device that left is still there, and freeing the group's domain may
 * touch it: domain_exit() of the Intel driver in 5.10 goes through the devices
 * that the domain was attached to.  A reference of ours can put that off.  So
 * the devices of a group are held for as long as the group is:
 *
 * - over a look at a group, those that are in it then;
 * - for the long references of what is declared, those that leave, from
 *   before they leave until a walk has dropped what was declared for a group
 *   without devices.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include "departure.h"

/**
 * struct held - one reference to a device
 * @node: on a list
 * @dev: the device
 * @gone: it left its group
 */
struct held {
	struct list_head node;
	struct device *dev;
	bool gone;
};

static LIST_HEAD(departures);
static DEFINE_MUTEX(departures_lock);

static int hold(struct device *dev, void *data)
{
	struct held *held = kzalloc(sizeof(*held), GFP_KERNEL);
	struct list_head *list = data;

	if (!held)
		return -ENOMEM;
	held->dev = get_device(dev);
	list_add_tail(&held->node, list);
	return 0;
}

/**
 * resv_members_hold() - hold the devices that are in a group now
 * @group: group, its mutex not held
 * @held: list for resv_members_release(), to be called after the reference to
 *	the group is dropped
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM with some of them held
 */
int resv_members_hold(struct iommu_group *group, struct list_head *held)
{
	return iommu_group_for_each_dev(group, held, hold);
}

/**
 * resv_members_release() - the opposite
 * @list: filled list; empty afterwards
 */
void resv_members_release(struct list_head *list)
{
	struct held *held, *tmp;

	list_for_each_entry_safe(held, tmp, list, node) {
		list_del(&held->node);
		put_device(held->dev);
		kfree(held);
	}
}

/**
 * resv_departure_begins() - a device is about to leave
 * @dev: device, in its group still
 *
 * Context: may sleep.
 */
void resv_departure_begins(struct device *dev)
{
	mutex_lock(&departures_lock);
	/* Out of memory it is held over the walks only, as all others are. */
	hold(dev, &departures);
	mutex_unlock(&departures_lock);
}

/**
 * resv_departure_done() - a device has left its group
 * @dev: device
 *
 * Context: may sleep.
 */
void resv_departure_done(struct device *dev)
{
	struct held *held;

	mutex_lock(&departures_lock);
	list_for_each_entry(held, &departures, node)
		if (held->dev == dev)
			held->gone = true;
	mutex_unlock(&departures_lock);
}

/**
 * resv_departures_take() - devices that left before a walk over all groups begins
 * @list: gets them, for resv_members_release() after the walk
 */
void resv_departures_take(struct list_head *list)
{
	struct held *held, *tmp;

	mutex_lock(&departures_lock);
	list_for_each_entry_safe(held, tmp, &departures, node)
		if (held->gone)
			list_move_tail(&held->node, list);
	mutex_unlock(&departures_lock);
}

/**
 * resv_departures_give_back() - that walk was not complete
 * @list: what resv_departures_take() gave; empty afterwards
 */
void resv_departures_give_back(struct list_head *list)
{
	mutex_lock(&departures_lock);
	list_splice_init(list, &departures);
	mutex_unlock(&departures_lock);
}

/**
 * resv_departures_exit() - no group is referred to any more
 */
void resv_departures_exit(void)
{
	resv_members_release(&departures);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching devices and modules, for what becomes of groups.
 *
 * What an event costs:
 *
 *   a device came, or got or lost    its group is looked at before the event returns
 *   a driver
 *   a device is about to leave       its group is DEPARTING (below)
 *   a device has left                its group is looked at, if other devices stay
 *   a module came or went            no group is looked at
 *   a livepatch came                 all groups are, a little later
 *
 * A little after each of them the kernel's list is compared with the registry: groups
 * that came or went without an event are found by that, as those of a modular IOMMU
 * driver (virtio_iommu), or of mediated devices.
 *
 * Devices that leave
 *
 * The IOMMU core drops the last reference to a group when it takes the last device out
 * of it.  The device is still whole then, and freeing the group's domain may touch it:
 * on 5.10 domain_exit() of the Intel driver goes through devices that the domain was
 * attached to, and has been seen to oops over one that was released before, because the
 * last reference was ours.  The rule is: no reference of ours exists while the core
 * takes a device out of the group.
 *
 * - removal_event() runs before the core.  It makes the entry DEPARTING under the
 *   entry's lock, so it waits for a look at the group that is under way, which has
 *   dropped its reference by then; none is taken while an entry is DEPARTING.
 * - bus_event() runs after the core.  When all devices that were leaving have left, the
 *   entry is LIVE again, or it is buried if no device has stayed.
 * - bus_event() takes a reference to the group of its own device, which is held without
 *   the lock.  The core does not take that device out meanwhile: it is being added, or
 *   its lock is held, and device_del() waits for that lock before it tells of the
 *   removal.  While it is in the group, no reference of ours is the last one.
 *
 * What no event tells
 *
 * - Groups of mediated devices: their bus is not exported.  Such a group has no domain,
 *   so that its last reference can be dropped by anybody at any time.
 * - A last reference that VFIO drops, of a group whose devices left while it was open.
 *   The core's was not the last one then, so that the kernel frees the group's domain
 *   after its devices are gone, with or without this module.  If ours is the last one,
 *   that is later by one look.
 * - An IOMMU driver whose module is unloaded.  The kernel refuses that while the driver
 *   has devices.  module_event() waits for looks under way before the module's text is
 *   freed, as a reference that such a look drops can be the last one, and the driver's
 *   code frees the domain.
 * - An IOMMU of which the driver is unbound by hand.  Its groups die in the middle of
 *   that, and a look at one of them at that moment can drop the last reference when the
 *   driver's data is freed already.  This is not covered for devices of the virtio bus,
 *   which is not exported; drivers of Arm's SMMUs do not allow it.
 * - CONFIG_DEBUG_KOBJECT_RELEASE: a dead group stays on the list for seconds.  It has no
 *   reference any more, and is taken for one that is gone.
 *
 * In all these cases the registry has no more than the address of a group that is no
 * more: it is never followed, and the next comparison buries the entry.
 *
 * Locks: departures_lock protects the list of departures; nothing is called under it.
 * All others: see registry.c.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "compat/bus.h"
#include "compat/klp.h"
#include "hook/engine.h"
#include "group/snapshot.h"
#include "group/registry.h"
#include "source/hw.h"

/**
 * struct departure - one device that the IOMMU core is taking out of its group
 * @node: on the list of all, under departures_lock
 * @of_group: on the list of @g, under the lock of @g
 * @dev: the device; only its address means something
 * @g: entry of its group, with a reference
 */
struct departure {
	struct list_head node;
	struct hlist_node of_group;
	const struct device *dev;
	struct resv_group *g;
};

static LIST_HEAD(departures);
static DEFINE_SPINLOCK(departures_lock);

/* Under the group's mutex.  Return: 1 if the device is not leaving, which ends the loop */
static int stays(struct device *dev, void *data)
{
	const struct resv_group *g = data;
	const struct departure *d;

	hlist_for_each_entry(d, &g->leaving, of_group)
		if (d->dev == dev)
			return 0;
	return 1;
}

/*
 * Before the IOMMU core takes a device out of its group: nothing of ours may keep the
 * group then.
 */
static int removal_event(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	struct device *dev = data;
	struct iommu_group *group = dev->iommu_group;
	struct departure *d;
	struct resv_group *g;

	if (action != BUS_NOTIFY_REMOVED_DEVICE || !group)
		return NOTIFY_DONE;
	/*
	 * A comparison may meet the group for the first time just now, so it gets an
	 * entry.  Both are small, and there is no way to refuse.
	 */
	if (resv_walk_stopped())
		g = resv_registry_find((struct kobject *)group,
				       iommu_group_id(group));
	else
		g = resv_registry_get((struct kobject *)group,
				      iommu_group_id(group),
				      GFP_KERNEL | __GFP_NOFAIL);
	if (!g)
		return NOTIFY_DONE;
	d = kzalloc(sizeof(*d), GFP_KERNEL | __GFP_NOFAIL);
	d->dev = dev;
	d->g = g;
	mutex_lock(&g->lock);
	/* Buried since it was found, as the module is going. */
	if (g->state == RESV_GROUP_DEAD)
		goto unlock;
	hlist_add_head(&d->of_group, &g->leaving);
	spin_lock(&departures_lock);
	list_add_tail(&d->node, &departures);
	spin_unlock(&departures_lock);
	resv_registry_set_state(g, RESV_GROUP_DEPARTING);
	resv_hw_forget(&g->hw, dev);
	if (!iommu_group_for_each_dev(group, g, stays)) {
		g->empty = true;
		resv_registry_forget(g);
	}
	mutex_unlock(&g->lock);
	return NOTIFY_DONE;

unlock:
	mutex_unlock(&g->lock);
	resv_registry_put(g);
	kfree(d);
	return NOTIFY_DONE;
}

static struct departure *departure_of(const struct device *dev)
{
	struct departure *d, *found = NULL;

	spin_lock(&departures_lock);
	list_for_each_entry(d, &departures, node)
		if (d->dev == dev) {
			list_del(&d->node);
			found = d;
			break;
		}
	spin_unlock(&departures_lock);
	return found;
}

/* All devices that were leaving have left.  Under the lock of the entry. */
static void all_left(struct resv_group *g)
{
	if (g->state != RESV_GROUP_DEPARTING)
		return;
	if (!g->empty) {
		resv_registry_set_state(g, RESV_GROUP_LIVE);
		resv_hooks_recheck();
		resv_walk_visit(g);
		return;
	}
	/* Somebody may keep the group without a device, but not our files in it. */
	resv_walk_remove_folder(g);
	resv_registry_bury(g);
}

/* The IOMMU core has taken a device out of its group. */
static void departure_ends(const struct device *dev)
{
	struct departure *d = departure_of(dev);

	if (!d)
		return;
	mutex_lock(&d->g->lock);
	hlist_del(&d->of_group);
	if (hlist_empty(&d->g->leaving))
		all_left(d->g);
	mutex_unlock(&d->g->lock);
	resv_registry_put(d->g);
	kfree(d);
}

static void group_event(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);

	if (!group)
		return;
	resv_walk_group((struct kobject *)group);
	iommu_group_put(group);
}

static int bus_event(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case BUS_NOTIFY_ADD_DEVICE:
	case BUS_NOTIFY_BOUND_DRIVER:
	case BUS_NOTIFY_UNBOUND_DRIVER:
		group_event(data);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		departure_ends(data);
		break;
	default:
		return NOTIFY_DONE;
	}
	resv_walk_compare_soon();
	return NOTIFY_DONE;
}

static int module_event(struct notifier_block *nb, unsigned long action,
			void *data)
{
	if (data == THIS_MODULE ||
	    (action != MODULE_STATE_LIVE && action != MODULE_STATE_GOING))
		return NOTIFY_DONE;
	/* The module's exit() is over, and its text is freed after this. */
	if (action == MODULE_STATE_GOING) {
		resv_groups_quiesce();
		resv_hw_instances_flush();
	}
	/* It may replace what a hook is on, for all groups. */
	if (action == MODULE_STATE_LIVE && compat_module_is_livepatch(data))
		resv_groups_rescan_soon();
	else
		resv_walk_compare_soon();
	return NOTIFY_DONE;
}

static struct notifier_block module_block = {
	.notifier_call = module_event,
};

/*
 * As numerous as buses, because one block can be on one chain only.  The IOMMU core
 * makes and drops groups with priority 0: of a device that came we hear after it, of one
 * that goes before it and after it.
 */
static struct notifier_block bus_blocks[COMPAT_MAX_BUSES];
static struct notifier_block removal_blocks[COMPAT_MAX_BUSES];
static bool watched[COMPAT_MAX_BUSES];
static bool modules_watched;

/* Afterwards no event is under way or will be. */
static void unwatch(void)
{
	void *buses[COMPAT_MAX_BUSES];
	unsigned int i, nr = compat_iommu_buses(buses);

	if (modules_watched)
		unregister_module_notifier(&module_block);
	modules_watched = false;
	for (i = 0; i < nr; i++) {
		if (!watched[i])
			continue;
		/* bus_event() must still end departures that removal_event() began. */
		bus_unregister_notifier(buses[i], &removal_blocks[i]);
		bus_unregister_notifier(buses[i], &bus_blocks[i]);
	}
	memset(watched, 0, sizeof(watched));
}

static int watch_bus(void *bus, unsigned int i)
{
	int ret;

	bus_blocks[i].notifier_call = bus_event;
	bus_blocks[i].priority = -1;
	removal_blocks[i].notifier_call = removal_event;
	removal_blocks[i].priority = 1;
	ret = bus_register_notifier(bus, &bus_blocks[i]);
	if (ret)
		return ret;
	/* Waits for events under way: no removal is then, that was not seen. */
	ret = bus_register_notifier(bus, &removal_blocks[i]);
	if (ret)
		bus_unregister_notifier(bus, &bus_blocks[i]);
	return ret;
}

/* On error unwatch() is still to be called, as events may have come already. */
static int watch(void)
{
	void *buses[COMPAT_MAX_BUSES];
	unsigned int i, nr = compat_iommu_buses(buses);
	int ret;

	ret = register_module_notifier(&module_block);
	if (ret)
		return ret;
	modules_watched = true;
	for (i = 0; i < nr; i++) {
		ret = watch_bus(buses[i], i);
		/* Built in, but this machine has none: nothing can come there. */
		if (ret == -EINVAL)
			continue;
		if (ret)
			return ret;
		watched[i] = true;
	}
	return 0;
}

/*
 * Remove the folder of each group but those that a device is leaving just now, and
 * forget the group.
 *
 * Return: no group is left
 */
static bool forget_groups(void)
{
	struct resv_group *g = NULL;
	bool all = true;

	while ((g = resv_registry_next(g))) {
		mutex_lock(&g->lock);
		if (g->state == RESV_GROUP_LIVE) {
			resv_walk_remove_folder(g);
			resv_registry_bury(g);
		}
		all &= g->state != RESV_GROUP_DEPARTING;
		mutex_unlock(&g->lock);
	}
	return all;
}

/* Nobody tells of devices any more. */
static void forget_departures(void)
{
	struct departure *d, *next;

	list_for_each_entry_safe(d, next, &departures, node) {
		list_del(&d->node);
		hlist_del(&d->of_group);
		resv_registry_put(d->g);
		kfree(d);
	}
}

/**
 * resv_groups_init() - find all groups and publish them, and watch for more
 *
 * Context: process; sources and features are ready.
 * Return: 0, -EOPNOTSUPP if the kernel's groups cannot be found, -ENOMEM
 */
int resv_groups_init(void)
{
	int ret = resv_walk_init();

	resv_owner_init();
	resv_health_init();
	if (ret)
		return ret;
	/* Watch first: a device that comes during the walk is an event. */
	ret = watch() ?: resv_walk_first();
	if (ret)
		resv_groups_exit();
	return ret;
}

/**
 * resv_groups_flush() - nobody will ask for a look at groups any more
 *
 * A tap may have done so after resv_groups_exit().
 *
 * Context: no hook is in; may sleep.
 */
void resv_groups_flush(void)
{
	resv_health_stop();
	resv_walk_flush();
	/* A tap may have had the last reference. */
	resv_snapshots_flush();
}

/**
 * resv_groups_exit() - take everything back
 *
 * Devices are watched until no group is referred to any more.  Removing the folders
 * waits for readers that are inside.
 *
 * Context: process.
 */
void resv_groups_exit(void)
{
	resv_walk_stop();
	while (!forget_groups())
		msleep(20);
	/* A group that was dying already is removed by those who dropped it. */
	while (resv_walk_any_dying())
		msleep(20);
	unwatch();
	/* Entries that events have made meanwhile. */
	forget_groups();
	forget_departures();
	resv_groups_flush();
}

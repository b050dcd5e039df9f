// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch events of devices and modules, to find new, changed and dying groups.
 *
 * What an event does:
 *
 *   a device was added, or a driver      looks at its group before the event returns
 *   was bound or unbound
 *   a device is about to be removed      makes its group DEPARTING (below)
 *   a device was removed                 looks at its group, if other devices stay
 *   a module was loaded or unloaded      looks at no group
 *   a livepatch was loaded               looks at all groups, a little later
 *
 * A little after each event the kernel's list is compared with the registry.  This finds
 * groups that were added or have died without an event, such as groups of a modular
 * IOMMU driver (virtio_iommu), or of mediated devices.
 *
 * Devices that leave
 *
 * The IOMMU core drops the last reference to a group when it takes the last device out of
 * it.  At that time the device still exists, and freeing the group's domain may touch it:
 * on 5.10 domain_exit() of the Intel driver goes through the devices that the domain was
 * attached to.  The kernel was seen to oops when this module held the last reference and
 * dropped it after the device was released.  Hence the rule: this module holds no
 * reference while the core takes a device out of the group.
 *
 * - removal_event() runs before the core.  It makes the entry DEPARTING under the entry's
 *   lock.  So it waits for a task that is looking at the group, which drops its reference
 *   before the lock; and no task takes a reference while an entry is DEPARTING.
 * - bus_event() runs after the core.  When all leaving devices have left, it makes the
 *   entry LIVE again, or buries it if no device has stayed.
 * - bus_event() holds a reference to the group of its own device without the lock.  The
 *   core cannot take that device out meanwhile: the device is being added, or its lock
 *   is held, and device_del() waits for that lock before it announces the removal.
 *   While the device is in the group, our reference is not the last one.
 *
 * Without an event
 *
 * - Groups of mediated devices: their bus is not exported.  Such a group has no domain,
 *   so any user can safely drop the last reference at any time.
 * - VFIO drops the last reference to a group whose devices left while it was open.  Then
 *   the kernel frees the group's domain after its devices are gone, with or without this
 *   module.  If this module is looking at the group and holds the last reference, that
 *   happens when it drops the reference.
 * - The module of an IOMMU driver is unloaded.  The kernel refuses this while the driver
 *   has devices.  A task that is looking at a group may drop the last reference, and then
 *   the driver's code frees the domain.  So module_event() waits for such tasks before
 *   the module's text is freed.
 * - An admin unbinds the driver of an IOMMU.  Its groups die while this is under way, and
 *   a task that looks at a group at that moment can drop the last reference after the
 *   driver's data is freed.  This is not covered for devices of the virtio bus, which is
 *   not exported; drivers of Arm's SMMUs do not allow it.
 * - CONFIG_DEBUG_KOBJECT_RELEASE: a dead group stays on the list for seconds.  It has no
 *   references, and counts as gone.
 *
 * In all these cases the registry has only the address of a dead group.  It never follows
 * the address, and the next comparison buries the entry.
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
 * @node: in departures, under departures_lock
 * @of_group: in @g->leaving, under the lock of @g
 * @dev: the device, which may be freed: only its address is used
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

/* Under the group's mutex.  Return: 1, which ends the loop, if the device is not leaving */
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
 * Runs before the IOMMU core takes a device out of its group: drop the references of this
 * module that keep the group alive.
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
	 * A comparison may be about to look at the group for the first time, so make an
	 * entry that stops it.  Both allocations are small, and this event cannot fail.
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
	/* The entry was buried after it was found: the module is being unloaded. */
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

/* All leaving devices have left.  Under the lock of the entry. */
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
	/* Another user may keep the empty group; remove our files from it. */
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
	/* The module's exit() has returned; its text is freed after this event. */
	if (action == MODULE_STATE_GOING) {
		resv_groups_quiesce();
		resv_hw_instances_flush();
	}
	/* A livepatch may replace a hooked function, which matters for all groups. */
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
 * One block of each kind for each bus, because a block can be on one chain only.  The IOMMU
 * core makes and drops groups with priority 0.  So bus_blocks run after the core, for
 * added and removed devices; removal_blocks run before the core, for removed devices.
 */
static struct notifier_block bus_blocks[COMPAT_MAX_BUSES];
static struct notifier_block removal_blocks[COMPAT_MAX_BUSES];
static bool watched[COMPAT_MAX_BUSES];
static bool modules_watched;

/* On return no event is under way, and no more events come. */
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
	/*
	 * This waits for events under way, so removal_event() has seen each removal that
	 * bus_event() sees the end of.
	 */
	ret = bus_register_notifier(bus, &removal_blocks[i]);
	if (ret)
		bus_unregister_notifier(bus, &bus_blocks[i]);
	return ret;
}

/* On error the caller must still call unwatch(), because events may have come already. */
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
		/* The bus is built in, but not registered: it cannot have devices. */
		if (ret == -EINVAL)
			continue;
		if (ret)
			return ret;
		watched[i] = true;
	}
	return 0;
}

/*
 * Remove the folder of each group and bury its entry, except for groups that a device is
 * leaving now.
 *
 * Return: true if no group is left
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

/* Free the departures that have not ended; no more events come. */
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
 * resv_groups_init() - find and publish all groups, and watch for new ones
 *
 * Context: process; sources and features are set up.
 * Return: 0, -EOPNOTSUPP if the kernel's groups cannot be found, -ENOMEM
 */
int resv_groups_init(void)
{
	int ret = resv_walk_init();

	resv_owner_init();
	resv_health_init();
	if (ret)
		return ret;
	/* Watch first, so that devices added during the walk are seen as events. */
	ret = watch() ?: resv_walk_first();
	if (ret)
		resv_groups_exit();
	return ret;
}

/**
 * resv_groups_flush() - cancel scheduled walks and comparisons, and free
 *	dropped snapshots
 *
 * A tap may have scheduled one after resv_groups_exit().
 *
 * Context: no hook is installed any more; may sleep.
 */
void resv_groups_flush(void)
{
	resv_health_stop();
	resv_walk_flush();
	/* A tap may have dropped the last reference to a snapshot. */
	resv_snapshots_flush();
}

/**
 * resv_groups_exit() - remove all folders, forget all groups and stop watching
 *
 * Devices are watched until no entry refers to a group.  Removing the folders waits for
 * readers that are inside.
 *
 * Context: process.
 */
void resv_groups_exit(void)
{
	resv_walk_stop();
	while (!forget_groups())
		msleep(20);
	/* The task that dropped a dying group's last reference takes it off the list. */
	while (resv_walk_any_dying())
		msleep(20);
	unwatch();
	/* Bury entries that events have made meanwhile. */
	forget_groups();
	forget_departures();
	resv_groups_flush();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing a group, by a write to one of its files.
 *
 * The group is looked at before the change, which is made or refused by what is found,
 * and again afterwards, to see whether the kernel's list has taken it.
 *
 * Invariants:
 * - a change is made under the lock of the group's entry, so that nobody looks at the
 *   group meanwhile, and no device begins to leave it;
 * - the callback of a file does not wait for that lock, as the folder is removed under
 *   it, which waits for the callback.
 */
#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/sched.h>
#include "compat/sched.h"
#include "group/registry.h"

static int try_change(struct resv_group *g, struct kobject *kobj,
		      const struct resv_group_change *change, void *data)
{
	struct resv_facts c;
	int ret;

	ret = resv_walk_collect(&c, g);
	if (ret)
		return ret;
	ret = change->apply(&c, data);
	resv_facts_free(&c);
	if (ret)
		return ret;
	ret = resv_walk_collect(&c, g);
	if (ret) {
		/* The change is made; readers see it a little later. */
		resv_group_update_soon(g->id);
		return 0;
	}
	ret = change->confirm(&c, data);
	if (ret) {
		/* It is undone, so readers keep what they have. */
		resv_facts_free(&c);
		return ret;
	}
	/* Without memory now, readers see it a little later. */
	if (resv_features_update(&c) || resv_walk_publish(g, &c) < 0)
		resv_group_update_soon(g->id);
	else
		kobject_uevent(kobj, KOBJ_CHANGE);
	resv_facts_free(&c);
	return 0;
}

static int change_locked(struct resv_group *g, struct kobject *kobj,
			 const struct resv_group_change *change, void *data)
{
	int ret;

	/* The group is going, or the module. */
	if (resv_walk_stopped() || g->state != RESV_GROUP_LIVE || !g->folder)
		return -ENODEV;
	if (change->begin)
		change->begin(data);
	ret = try_change(g, kobj, change, data);
	if (change->end)
		change->end(data);
	return ret;
}

/**
 * resv_group_change() - change a group, by a write to one of its files
 * @kobj: kobject of the group
 * @change: what to do
 * @data: for @change
 *
 * If somebody has the lock of the group's entry, the write begins anew a little later,
 * as the kernel does it for such files (lock_device_hotplug_sysfs()).
 *
 * Context: in the callback of the file; may sleep.
 * Return: 0, or an errno, or what restarts the system call
 */
int resv_group_change(struct kobject *kobj,
		      const struct resv_group_change *change, void *data)
{
	struct resv_group *g = resv_registry_find(kobj, resv_registry_id(kobj));
	int ret;

	if (!g)
		return -ENODEV;
	if (mutex_trylock(&g->lock)) {
		ret = change_locked(g, kobj, change, data);
		mutex_unlock(&g->lock);
	} else {
		msleep(20);
		ret = restart_syscall();
	}
	resv_registry_put(g);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing a group, by a write to one of its files.
 *
 * This file looks at the group twice: the facts before the change decide whether it is
 * made or refused, and the facts after the change show whether the kernel's list has it.
 *
 * Invariants:
 * - a change is made under the lock of the group's entry, so meanwhile no other task
 *   looks at the group, and no device begins to leave it;
 * - the callback of a file does not wait for that lock: a task that removes the folder
 *   holds the lock and waits for the callback.
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
		/* The change is in force; readers see it a little later. */
		resv_group_update_soon(g->id);
		return 0;
	}
	ret = change->confirm(&c, data);
	if (ret) {
		/* confirm() has undone the change: keep the old snapshot. */
		resv_facts_free(&c);
		return ret;
	}
	/* If an allocation fails, readers see the change a little later. */
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

	/* The group is being removed, or the module is being unloaded. */
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
 * @change: steps of the change
 * @data: for @change
 *
 * If another task holds the lock of the group's entry, restart the write a little later,
 * as lock_device_hotplug_sysfs() does.
 *
 * Context: in the callback of the file; may sleep.
 * Return: 0, an errno, or the result of restart_syscall()
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

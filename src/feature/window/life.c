// SPDX-License-Identifier: GPL-2.0-only
/* Records, moves and drops MSI windows when devices and groups are added and removed. */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include "feature/window/table.h"
#include "group/group.h"
#include "source/native.h"

static bool loaded;		/* loading cannot fail any more */

static bool is_same(const struct resv_range *a, const struct resv_range *b)
{
	return a->start == b->start && a->end == b->end;
}

static int window_init(void)
{
	int ret = resv_msi_window_init();

	if (ret)
		return ret;
	resv_attach_register(&resv_msi_window_client);
	if (resv_msi_window_requested())
		resv_msi_taps_want();
	return 0;
}

static void window_run(void)
{
	loaded = true;
	/* If an allocation fails now, the next walk moves the window. */
	if (resv_msi_window_requested() && resv_groups_rescan())
		resv_groups_rescan_soon();
}

static bool window_wanted(enum resv_hook_mode mode)
{
	return mode == RESV_HOOKS_AUTO || mode == RESV_HOOKS_KPROBE;
}

/*
 * The caller has set the mode already, and a write checks it under the lock.  So either
 * this function finds a window that a write moves at the same time, or the write fails.
 */
static int window_in_force(enum resv_hook_mode mode)
{
	bool any;

	if (window_wanted(mode))
		return 0;
	mutex_lock(&resv_msi_windows_lock);
	any = resv_msi_windows_in_force();
	mutex_unlock(&resv_msi_windows_lock);
	if (!any)
		return 0;
	pr_err("hooks: MSI windows are moved (msi_window in /sys/kernel/iommu_groups/*/resv says moved or auto), write default there first\n");
	return -EBUSY;
}

/* If this module makes the list, no tap is needed to move the window. */
static int window_relied_on(unsigned int turn)
{
	int id;

	if (!resv_native_list())
		return -ENOENT;
	mutex_lock(&resv_msi_windows_lock);
	id = resv_msi_windows_relied_on(turn);
	mutex_unlock(&resv_msi_windows_lock);
	return id;
}

/* Put the window at its moved place in a list that this module makes. */
static int window_group(struct resv_facts *c)
{
	const struct resv_msi_window *w;
	struct resv_region to = { 0 };
	bool moved;

	if (!c->own_list)
		return 0;
	mutex_lock(&resv_msi_windows_lock);
	w = resv_msi_window_find(c->group);
	moved = w && !is_same(&w->at, &w->native);
	if (moved) {
		to.start = w->at.start;
		to.end = w->at.end;
	}
	mutex_unlock(&resv_msi_windows_lock);
	return moved ? resv_facts_move_window(c, &to) : 0;
}

/* Report the window as moved only if the list shows it there. */
static int window_listed(struct resv_facts *c)
{
	const struct resv_msi_window *w;

	mutex_lock(&resv_msi_windows_lock);
	w = resv_msi_window_find(c->group);
	if (w && c->window_known && is_same(&c->window, &w->at))
		c->window_by = w->by;
	mutex_unlock(&resv_msi_windows_lock);
	return 0;
}

/*
 * No device lists a movable window.  Either the hardware has a fixed MSI region, and there
 * is no window to move; or an allocation of a driver failed.
 *
 * Return: true if the window was moved, and is at the driver's place now
 */
static bool drop_window(const struct resv_facts *c, struct resv_msi_window *w)
{
	bool moved = w->by != RESV_WINDOW_BY_KERNEL, fixed = false;
	struct iommu_group *group;
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++)
		fixed |= c->regions.r[i].type == RESV_MSI;
	if (!fixed || (moved && !resv_msi_window_put_back(c, w)))
		return false;
	if (moved)
		pr_warn("group %d: the MSI window is back at the kernel's place: for a device that was added, the hardware fixes where messages go\n",
			c->id);
	group = resv_msi_window_drop(w);
	/* The caller has a reference on the group, so this is not the last one. */
	if (group)
		kobject_put((struct kobject *)group);
	return moved;
}

static bool added_locked(const struct resv_facts *c)
{
	struct resv_msi_window *w = resv_msi_window_find(c->group);
	struct resv_range window;

	if (!resv_facts_soft_window(c, &window))
		return w && drop_window(c, w);
	if (!w)
		w = resv_msi_window_add(c->group, c->id, &window);
	/* If the allocation failed, retry when the group is looked at again. */
	if (!w)
		return false;
	/* The parameter will be applied to this group, and may end the overlap. */
	if (resv_msi_window_requested() && !loaded)
		return false;
	if (resv_msi_window_apply(c, w))
		return true;
	resv_msi_window_log_conflicts(c, w, &window);
	resv_msi_window_log_unsuited(c, w);
	return false;
}

static bool window_added(struct resv_facts *c)
{
	bool changed;

	mutex_lock(&resv_msi_windows_lock);
	changed = added_locked(c);
	mutex_unlock(&resv_msi_windows_lock);
	return changed;
}

/* The parameter has moved the window: check that the list shows it. */
static void window_settled(const struct resv_facts *c)
{
	struct resv_msi_window *w;
	bool lost;

	mutex_lock(&resv_msi_windows_lock);
	w = resv_msi_window_find(c->group);
	lost = w && w->by != RESV_WINDOW_BY_KERNEL &&
	       !resv_msi_window_is_listed(c, &w->at);
	/* This function logs the loss, so window_update() need not. */
	if (lost)
		w->dead = true;
	mutex_unlock(&resv_msi_windows_lock);
	if (lost)
		pr_err("group %d: the MSI window did not move in the kernel's list: see /sys/kernel/iommu_resv/hooks\n",
		       c->id);
}

/* Log once if a moved window's hook stops working; again if it worked since. */
static int window_update(const struct resv_facts *c)
{
	struct resv_msi_window *w;
	bool dead = false, log = false;
	struct resv_range at = { 0 };

	mutex_lock(&resv_msi_windows_lock);
	w = resv_msi_window_find(c->group);
	if (w) {
		at = w->at;
		dead = w->by != RESV_WINDOW_BY_KERNEL && !c->movable &&
		       !is_same(&w->at, &w->native) && c->window_known &&
		       is_same(&c->window, &w->native);
		log = dead && !w->dead;
		w->dead = dead;
	}
	mutex_unlock(&resv_msi_windows_lock);
	if (log)
		pr_err("group %d: the MSI window is at the kernel's place, not at 0x%llx where it was moved: the hook no longer works, see /sys/kernel/iommu_resv/hooks\n",
		       c->id, at.start);
	return 0;
}

static void window_removed(struct iommu_group *group, int id)
{
	struct iommu_group *held = NULL;
	struct resv_msi_window *w;

	mutex_lock(&resv_msi_windows_lock);
	w = resv_msi_window_find(group);
	if (w)
		held = resv_msi_window_drop(w);
	mutex_unlock(&resv_msi_windows_lock);
	if (!held)
		return;
	kobject_put((struct kobject *)held);
	/* This may have been the last moved window. */
	resv_msi_taps_rest();
}

const struct resv_feature resv_feature_window = {
	.name = "msi-window-move",
	.taps = resv_msi_window_taps,
	.nr_taps = RESV_MSI_WINDOW_TAPS,
	.files = &resv_msi_window_file,
	.nr_files = 1,
	.init = window_init,
	.exit = resv_msi_windows_exit,
	.run = window_run,
	.wanted = window_wanted,
	.in_force = window_in_force,
	.relied_on = window_relied_on,
	.prepare = resv_msi_taps_prepare,
	.group = window_group,
	.listed = window_listed,
	.added = window_added,
	.settled = window_settled,
	.update = window_update,
	.removed = window_removed,
	.walk_begin = resv_msi_taps_walk_begin,
	.walk_end = resv_msi_taps_walk_end,
	.status = resv_msi_taps_status,
};

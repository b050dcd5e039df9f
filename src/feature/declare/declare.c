// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts declared regions in force, holds them back and ends them, when devices and groups
 * are added and removed.
 *
 * There are three kinds of declared regions:
 * - in the file of a group: in force until it is removed or the group dies;
 * - for a device, by the parameter at load: in force whenever that device is present;
 * - for all devices of a model, by the parameter: each device gets an entry like the
 *   second kind when its group is looked at (facts.c), until the device is removed.
 *
 * When a new device gets its DMA domain, the taps add the parameter's regions to the
 * device's lists at once, because no user can have attached the device before.  If the
 * device is older than the region, this file holds the region back until it has passed
 * all checks and the device's group is free.
 */
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/string.h>
#include "feature/declare/declare.h"
#include "group/attach.h"
#include "group/group.h"
#include "source/native.h"

static int load_error;		/* why a region of the parameter cannot be in force */

/* Is the region's device in the group, and the region not in force for it yet? */
static bool is_new(const struct resv_facts *c, const struct resv_declared *d)
{
	return d->device[0] && !d->removed && d->group != c->group &&
	       resv_facts_has_device(c, d->device);
}

/*
 * Unbind one region from the group that its device was in before.  The caller puts the
 * reference to that group after it has dropped the lock.
 *
 * Return: the group, or NULL if there is no such region
 */
static struct iommu_group *leave_old_group(const struct resv_facts *c)
{
	struct iommu_group *group = NULL;
	struct resv_declared *d;

	mutex_lock(&resv_declare_lock);
	resv_declared_for_each(d) {
		if (!d->group || !is_new(c, d))
			continue;
		group = d->group;
		kobject_get((struct kobject *)group);
		resv_declared_unbind(d);
		break;
	}
	mutex_unlock(&resv_declare_lock);
	return group;
}

static int let_go(void *data)
{
	struct resv_declared *d = data;

	WRITE_ONCE(d->held, false);
	return 0;
}

/*
 * Put a region in force for the group of its device.
 *
 * Return: 0, or an errno if the region cannot be in force now, after logging one line
 * unless that was logged before
 */
static int arrive(const struct resv_facts *c, struct resv_declared *d)
{
	int ret;

	if (!c->hooked) {
		if (!d->logged)
			pr_err("group %d: 0x%llx-0x%llx of %s is not enforced, because no hook works: see declared-regions in /sys/kernel/iommu_resv/features\n",
			       c->id, d->start, d->end, d->device);
		return -EOPNOTSUPP;
	}
	ret = resv_declare_check(c, d) ?: resv_declared_stock(0);
	if (ret)
		return ret;
	ret = resv_declared_bind(d, c->group);
	if (ret)
		return ret;
	if (d->held)
		ret = resv_attach_when_free(c->group, let_go, d);
	if (!ret) {
		pr_info("group %d: 0x%llx-0x%llx is declared for %s: VFIO refuses maps there from the next attach on\n",
			c->id, d->start, d->end, d->device);
		return 0;
	}
	resv_declared_unbind(d);
	if (ret == -EBUSY && !d->logged)
		resv_declare_log_busy(c->id, d->start, d->end);
	return ret;
}

/* Would the check fail again, because only region, group and hardware decide? */
static bool is_lasting(int err)
{
	switch (err) {
	case -EINVAL:
	case -ERANGE:
	case -EADDRINUSE:
	case -EEXIST:
	case -E2BIG:
		return true;
	default:
		return false;
	}
}

/* Return: true if the taps add other regions than before */
static bool try_region(const struct resv_facts *c, struct resv_declared *d)
{
	bool was_held = d->held;
	int ret;

	if (d->met != c->group) {
		d->met = c->group;
		d->refused = false;
		d->logged = false;
	}
	if (d->refused)
		return false;
	ret = arrive(c, d);
	d->logged = ret;
	if (!ret)
		return true;
	WRITE_ONCE(d->held, true);
	d->refused = is_lasting(ret);
	if (!resv_declare_loaded && !load_error)
		/* Not EEXIST: modprobe takes it to mean that the module is loaded already. */
		load_error = ret == -EEXIST ? -EADDRINUSE : ret;
	return !was_held;
}

/* Put the regions of the group's new devices in force. */
static bool declare_added(struct resv_facts *c)
{
	struct iommu_group *group;
	struct resv_declared *d;
	bool changed = false;

	/* The livepatch is not active yet; until then the regions are advice. */
	if (!c->hooked && resv_hooks_pending())
		return false;
	while ((group = leave_old_group(c)))
		kobject_put((struct kobject *)group);
	mutex_lock(&resv_declare_lock);
	resv_declared_for_each(d)
		if (is_new(c, d))
			changed |= try_region(c, d);
	mutex_unlock(&resv_declare_lock);
	return changed;
}

static void declare_removed(struct iommu_group *group, int id)
{
	struct resv_declared *d, *tmp;
	bool kept = false;
	unsigned int nr = 0;

	mutex_lock(&resv_declare_lock);
	resv_declared_for_each_safe(d, tmp) {
		/* The region's reference keeps the group in memory. */
		if (d->group == group && !kept) {
			kobject_get((struct kobject *)group);
			kept = true;
		}
		if (d->device[0]) {
			if (d->met == group)
				resv_declare_wait(d);
		} else if (d->group == group) {
			resv_declared_withdraw(d);
			resv_declared_free(d);
			nr++;
		}
	}
	mutex_unlock(&resv_declare_lock);
	if (kept)
		kobject_put((struct kobject *)group);
	if (!nr)
		return;
	resv_declare_guard_rest();
	resv_declare_rest();
	pr_warn("group %d is gone, and its declared regions with it (%u)\n",
		id, nr);
}

/* After a walk over all groups: a device that was not found may be added later. */
static void declare_walk_end(void)
{
	struct resv_declared *d;
	int ret;

	mutex_lock(&resv_declare_lock);
	resv_declared_for_each(d)
		if (d->device[0] && !d->met)
			WRITE_ONCE(d->held, false);
	/* Without entries in stock the taps would leave out regions, so retry. */
	ret = resv_declared_stock(0);
	mutex_unlock(&resv_declare_lock);
	if (ret)
		resv_groups_rescan_soon();
	resv_declare_taps_walked();
}

static int declare_loaded(void)
{
	resv_declare_loaded = !load_error;
	return load_error;
}

/* Answers for the kprobes only: the livepatch's tap stays as long as the livepatch. */
static bool declare_wanted(enum resv_hook_mode mode)
{
	return mode == RESV_HOOKS_AUTO || mode == RESV_HOOKS_KPROBE;
}

/*
 * The caller has set the mode already, and resv_declare_check() checks it under the lock.
 * So either this function finds a declaration that is made at the same time, or
 * resv_declare_check() refuses it.
 */
static int declare_in_force(enum resv_hook_mode mode)
{
	const struct resv_declared *d;
	bool any = false;

	if (resv_declare_enforced_in(mode))
		return 0;
	mutex_lock(&resv_declare_lock);
	resv_declared_for_each(d)
		any |= !!d->group;
	mutex_unlock(&resv_declare_lock);
	if (!any)
		return 0;
	pr_err("hooks: regions are declared (origin admin in /sys/kernel/iommu_groups/*/resv/regions), remove them first\n");
	return -EBUSY;
}

/* Does a tap have to put the region on lists? */
static bool by_tap(const struct resv_declared *d)
{
	return d->group && !READ_ONCE(d->held);
}

static int declare_relied_on(unsigned int turn)
{
	const struct resv_declared *d;
	unsigned int nr = 0;
	int id = -ENOENT;

	if (!resv_native_list())
		return -ENOENT;
	mutex_lock(&resv_declare_lock);
	resv_declared_for_each(d)
		nr += by_tap(d);
	if (nr)
		turn %= nr;
	resv_declared_for_each(d)
		if (by_tap(d) && !turn--)
			id = iommu_group_id(d->group);
	mutex_unlock(&resv_declare_lock);
	return id;
}

const struct resv_feature resv_feature_declare = {
	.name = "declared-regions",
	.taps = resv_declare_taps,
	.nr_taps = RESV_DECLARE_TAPS,
	.files = &resv_declare_file,
	.nr_files = 1,
	.init = resv_declare_init,
	.exit = resv_declared_exit,
	.loaded = declare_loaded,
	.wanted = declare_wanted,
	.in_force = declare_in_force,
	.relied_on = declare_relied_on,
	.prepare = resv_declare_prepare,
	.group = resv_declare_group,
	.listed = resv_declare_listed,
	.added = declare_added,
	.removed = declare_removed,
	.walk_begin = resv_declare_walk_begin,
	.walk_end = declare_walk_end,
	.status = resv_declare_status,
};

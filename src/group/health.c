// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health check: do the hooks still work for what is in force?
 *
 * An admin can turn off all probes at once, and the kernel does not tell the modules that
 * registered them (/sys/kernel/debug/kprobes/enabled, sysctl kernel.ftrace_enabled).
 * When the module looks at a group, it tests the places of the group's taps, and handles
 * a place that has stopped working.  So while a feature has something in force, the check
 * looks at one of the groups concerned in every PERIOD, each time at another one; and it
 * does so at once before a reader is shown the state of the hooks.
 *
 * The check costs nothing while nothing is in force: it starts when a group is looked at,
 * and stops when it finds nothing in force.
 *
 * walk_lock (walk.c) nests inside check_lock.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include "group/feature.h"
#include "group/group.h"
#include "group/registry.h"

/*
 * PERIOD and the delay of a comparison together stay below 3 s, except on hosts where a
 * walk over all groups takes so long that walk.c delays the next comparison.
 */
#define PERIOD		(3 * HZ / 2)

/* If a reader loops, the places are tested at most once in this time. */
#define FRESH		(HZ / 50)

static void check_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(check_work, check_fn);
static atomic_t turn = ATOMIC_INIT(0);

static DEFINE_MUTEX(check_lock);
static unsigned long checked_at;	/* jiffies; under check_lock */

/* Mark one group for each feature as stale.  Return: false if nothing is in force */
static bool pick_groups(void)
{
	unsigned int i, this_turn = atomic_inc_return(&turn);
	const struct resv_feature *f;
	bool any = false;
	int id;

	for (i = 0; (f = resv_feature_at(i)); i++) {
		id = f->relied_on ? f->relied_on(this_turn) : -ENOENT;
		if (id < 0)
			continue;
		resv_registry_mark_stale(id);
		any = true;
	}
	return any;
}

static void check_fn(struct work_struct *work)
{
	if (!pick_groups())
		return;
	resv_walk_compare_soon();
	schedule_delayed_work(&check_work, PERIOD);
}

/* Something may be in force from now on.  Any context. */
static void start(void)
{
	schedule_delayed_work(&check_work, PERIOD);
}

/**
 * resv_health_init() - start the health check whenever a group is looked at
 *
 * Context: before any group is looked at.
 */
void resv_health_init(void)
{
	resv_features_tell(start);
}

/**
 * resv_health_stop() - stop the health check
 *
 * Context: no group is looked at any more; may sleep.
 */
void resv_health_stop(void)
{
	cancel_delayed_work_sync(&check_work);
}

/**
 * resv_health_check() - check now
 *
 * Waits for a check that another task has begun.  Does nothing if the last check is
 * newer than FRESH.
 *
 * Context: may sleep; no entry is locked, and no file of a group waits for the caller.
 */
void resv_health_check(void)
{
	mutex_lock(&check_lock);
	if (time_is_before_eq_jiffies(checked_at + FRESH) && pick_groups()) {
		resv_walk_compare();
		checked_at = jiffies;
	}
	mutex_unlock(&check_lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether what is in force is in force still.
 *
 * Probes can be turned off behind the back of who registered them, all at once, and no
 * one is told (/sys/kernel/debug/kprobes/enabled, sysctl kernel.ftrace_enabled).  A look
 * at a group tests the places of its taps, and what follows from a place that has died
 * follows from there.  So while any feature has something in force, one of the groups
 * that it is in force for is looked at every PERIOD, another one each time; and at once
 * before somebody is told how the hooks are.
 *
 * The rest of the time nothing of this runs: looks at groups start it, and it ends by
 * itself where nothing is in force.
 *
 * check_lock is taken over walk_lock (walk.c).
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
 * With the delay of a comparison it stays below 3 s, but for hosts where a look at all
 * groups takes so long that the next one is put off (walk.c).
 */
#define PERIOD		(3 * HZ / 2)

/* A reader in a loop has the places tested so often at most. */
#define FRESH		(HZ / 50)

static void check_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(check_work, check_fn);
static atomic_t turn = ATOMIC_INIT(0);

static DEFINE_MUTEX(check_lock);
static unsigned long checked_at;	/* jiffies; under check_lock */

/* Return: something is in force, and a group that it is in force for is stale now */
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
 * resv_health_init() - check from the first look at a group on
 *
 * Context: no group was looked at yet.
 */
void resv_health_init(void)
{
	resv_features_tell(start);
}

/**
 * resv_health_stop() - nothing is in force any more
 *
 * Context: no group will be looked at; may sleep.
 */
void resv_health_stop(void)
{
	cancel_delayed_work_sync(&check_work);
}

/**
 * resv_health_check() - test now whether what is in force is in force
 *
 * Waits for who does that already.  Does nothing if it was done a moment ago.
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

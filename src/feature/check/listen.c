// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who listens to the tracepoints, and so asks for explanations (explain.c).
 *
 * The tracing calls in when the first one begins to listen and when the last one ends,
 * under locks of its own.  So the taps come and go a little later, by work.  It also
 * calls in after this module's exit, for a tracepoint that is enabled still.
 *
 * Invariants:
 * - listen_lock protects @gone; no work is queued once that is set;
 * - the work holds this module while it has groups looked at, so that the exit does not
 *   begin meanwhile, and the exit waits for work that is under way.
 */
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "group/group.h"
#include "feature/check/check.h"
#include "feature/check/listen.h"

static void listen_fn(struct work_struct *work);
static DECLARE_WORK(listen_work, listen_fn);
static DEFINE_SPINLOCK(listen_lock);
static bool gone;

static void listen_fn(struct work_struct *work)
{
	if (!try_module_get(THIS_MODULE))
		return;
	resv_check_act();
	module_put(THIS_MODULE);
}

static void listen(bool on)
{
	resv_explain_listen(on);
	spin_lock(&listen_lock);
	if (!gone)
		schedule_work(&listen_work);
	spin_unlock(&listen_lock);
}

/**
 * resv_refused_listen() - somebody listens to one of the tracepoints
 *
 * Context: may sleep.
 * Return: 0
 */
int resv_refused_listen(void)
{
	listen(true);
	return 0;
}

/**
 * resv_refused_unlisten() - nobody listens to it any more
 *
 * Context: may sleep; this module may have gone through its exit.
 */
void resv_refused_unlisten(void)
{
	listen(false);
}

/**
 * resv_listen_exit() - nobody is to be told any more
 *
 * Context: may sleep.
 */
void resv_listen_exit(void)
{
	spin_lock(&listen_lock);
	gone = true;
	spin_unlock(&listen_lock);
	cancel_work_sync(&listen_work);
}

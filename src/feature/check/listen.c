// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracks whether a tracepoint is enabled: while one is, explain.c explains refusals.
 *
 * The tracing core calls this file under its own locks when a tracepoint gets its first
 * user and when it loses the last one.  So a work item installs and removes the taps a
 * little later.  The tracing core can call before this module's init and, for a
 * tracepoint that is still enabled, after its exit or after a failed load.
 *
 * Invariants:
 * - listen_lock protects @open; work is queued only while @open is set;
 * - the work holds this module while it runs acts(), so that the exit does not begin
 *   meanwhile, and the exit waits for work that is pending.
 */
#include <linux/bitops.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "feature/check/listen.h"

static void listen_fn(struct work_struct *work);
static DECLARE_WORK(listen_work, listen_fn);
static DEFINE_SPINLOCK(listen_lock);
static bool open;
static void (*acts)(void);		/* set before @open */

/*
 * One bit for each tracepoint, not a count: if the tracing core fails to enable one after
 * it has called here, it does not call again.
 */
static unsigned long enabled;

static void listen_fn(struct work_struct *work)
{
	if (!try_module_get(THIS_MODULE))
		return;
	acts();
	module_put(THIS_MODULE);
}

static void act_soon(void)
{
	spin_lock(&listen_lock);
	if (open)
		schedule_work(&listen_work);
	spin_unlock(&listen_lock);
}

static void listen(unsigned int tracepoint)
{
	set_bit(tracepoint, &enabled);
	act_soon();
}

static void unlisten(unsigned int tracepoint)
{
	clear_bit(tracepoint, &enabled);
	act_soon();
}

/**
 * resv_listen_map() - the tracepoint map_refused is enabled
 *
 * Context: may sleep.
 * Return: 0
 */
int resv_listen_map(void)
{
	listen(0);
	return 0;
}

/**
 * resv_unlisten_map() - the tracepoint map_refused is disabled
 *
 * Context: may sleep; this module may have gone through its exit.
 */
void resv_unlisten_map(void)
{
	unlisten(0);
}

/**
 * resv_listen_attach() - the tracepoint attach_refused is enabled
 *
 * Context: may sleep.
 * Return: 0
 */
int resv_listen_attach(void)
{
	listen(1);
	return 0;
}

/**
 * resv_unlisten_attach() - the tracepoint attach_refused is disabled
 *
 * Context: may sleep; this module may have gone through its exit.
 */
void resv_unlisten_attach(void)
{
	unlisten(1);
}

/**
 * resv_listening() - is a tracepoint enabled?
 *
 * Context: any.
 * Return: true if one is
 */
bool resv_listening(void)
{
	return READ_ONCE(enabled);
}

/**
 * resv_listen_init() - act when tracepoints are enabled or disabled from now on
 * @act: a work item calls it after such a change, with this module held; may sleep
 *
 * Context: the caller has to call resv_listen_exit() later.
 */
void resv_listen_init(void (*act)(void))
{
	spin_lock(&listen_lock);
	acts = act;
	open = true;
	spin_unlock(&listen_lock);
}

/**
 * resv_listen_exit() - no longer act on changes
 *
 * Context: may sleep.
 */
void resv_listen_exit(void)
{
	spin_lock(&listen_lock);
	open = false;
	spin_unlock(&listen_lock);
	cancel_work_sync(&listen_work);
}

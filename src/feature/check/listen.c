// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who listens to the tracepoints, and so asks for explanations (explain.c).
 *
 * The tracing calls in when the first one begins to listen to a tracepoint and when the
 * last one ends, under locks of its own.  So the taps come and go a little later, by
 * work.  It can call in before this module's init, and after its exit or a load that
 * failed, for a tracepoint that is enabled still.
 *
 * Invariants:
 * - listen_lock protects @open; work is queued only while that is set;
 * - the work holds this module while it has groups looked at, so that the exit does not
 *   begin meanwhile, and the exit waits for work that is under way.
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

/* A bit a tracepoint: where enabling one fails, the tracing does not call in again. */
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
 * resv_listen_map() - somebody listens to map_refused
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
 * resv_unlisten_map() - nobody listens to it any more
 *
 * Context: may sleep; this module may have gone through its exit.
 */
void resv_unlisten_map(void)
{
	unlisten(0);
}

/**
 * resv_listen_attach() - somebody listens to attach_refused
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
 * resv_unlisten_attach() - nobody listens to it any more
 *
 * Context: may sleep; this module may have gone through its exit.
 */
void resv_unlisten_attach(void)
{
	unlisten(1);
}

/**
 * resv_listening() - does somebody listen?
 *
 * Context: any.
 * Return: true if so
 */
bool resv_listening(void)
{
	return READ_ONCE(enabled);
}

/**
 * resv_listen_init() - act on those who listen from now on
 * @act: called by work when that changes, with this module held; may sleep
 *
 * Context: resv_listen_exit() will be called.
 */
void resv_listen_init(void (*act)(void))
{
	spin_lock(&listen_lock);
	acts = act;
	open = true;
	spin_unlock(&listen_lock);
}

/**
 * resv_listen_exit() - nobody is to be told any more
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

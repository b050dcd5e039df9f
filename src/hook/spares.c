// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects of one size for taps, which may not allocate.
 *
 * A tap runs with preemption off, where PREEMPT_RT forbids any allocation, and some taps
 * run under a lock.  So a worker allocates objects in advance and keeps @wanted of them
 * ready.  When fewer than half are left, a tap that may allocate also allocates one
 * itself, before it takes its lock, so that a burst of calls does not use up the list
 * before the worker runs.
 *
 * Locks: lists_lock protects the lists; it is raw because taps take it, some of them
 * under their own locks.  fill_lock lets only one task at a time fill or empty a list.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "hook/spares.h"

static DEFINE_RAW_SPINLOCK(lists_lock);
static DEFINE_MUTEX(fill_lock);

/**
 * resv_spares_ready() - refill the list if fewer than half of its objects are left
 * @spares: the objects
 *
 * Context: any where GFP_ATOMIC may be used; does not sleep.
 */
void resv_spares_ready(struct resv_spares *spares)
{
	void *object;

	if (READ_ONCE(spares->nr) >= READ_ONCE(spares->wanted) / 2)
		return;
	if (!RESV_NO_ATOMIC_ALLOC) {
		object = kmalloc(spares->size, GFP_ATOMIC | __GFP_NOWARN);
		if (object)
			resv_spares_put(spares, object);
	}
	queue_work(system_highpri_wq, &spares->work);
}

/**
 * resv_spares_get() - take an object
 * @spares: the objects
 *
 * Context: any; does not sleep, and does not allocate.
 * Return: a zeroed object, for kfree() or resv_spares_put(); or NULL
 */
void *resv_spares_get(struct resv_spares *spares)
{
	struct hlist_node *object;
	unsigned long flags;

	raw_spin_lock_irqsave(&lists_lock, flags);
	object = spares->list.first;
	if (object) {
		hlist_del(object);
		WRITE_ONCE(spares->nr, spares->nr - 1);
	}
	raw_spin_unlock_irqrestore(&lists_lock, flags);
	return object ? memset(object, 0, spares->size) : NULL;
}

/**
 * resv_spares_put() - give an object back
 * @spares: the objects
 * @object: an object that is not in use any more
 *
 * Context: any; does not sleep, and does not free.
 */
void resv_spares_put(struct resv_spares *spares, void *object)
{
	unsigned int nr, wanted = READ_ONCE(spares->wanted);
	unsigned long flags;

	raw_spin_lock_irqsave(&lists_lock, flags);
	hlist_add_head(object, &spares->list);
	nr = spares->nr + 1;
	WRITE_ONCE(spares->nr, nr);
	raw_spin_unlock_irqrestore(&lists_lock, flags);
	/* The worker frees the objects beyond @wanted. */
	if (wanted && nr > 2 * wanted)
		queue_work(system_highpri_wq, &spares->work);
}

static int bring(struct resv_spares *spares)
{
	void *object;

	while (READ_ONCE(spares->nr) < spares->wanted) {
		object = kmalloc(spares->size, GFP_KERNEL);
		if (!object)
			return -ENOMEM;
		resv_spares_put(spares, object);
	}
	while (READ_ONCE(spares->nr) > spares->wanted)
		kfree(resv_spares_get(spares));
	return 0;
}

static void work(struct work_struct *of)
{
	mutex_lock(&fill_lock);
	bring(container_of(of, struct resv_spares, work));
	mutex_unlock(&fill_lock);
}

/**
 * resv_spares_fill() - set how many objects to keep ready, and allocate or free to that
 * @spares: the objects
 * @wanted: number to keep, more than are taken at once
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM if there are fewer; resv_spares_ready() makes the worker retry
 */
int resv_spares_fill(struct resv_spares *spares, unsigned int wanted)
{
	int ret;

	mutex_lock(&fill_lock);
	/* The work is queued only while @wanted is not 0. */
	if (!spares->work.func)
		INIT_WORK(&spares->work, work);
	WRITE_ONCE(spares->wanted, wanted);
	ret = bring(spares);
	mutex_unlock(&fill_lock);
	return ret;
}

/**
 * resv_spares_exit() - free all objects
 * @spares: the objects
 *
 * Context: no task gets or puts objects any more; may sleep.
 */
void resv_spares_exit(struct resv_spares *spares)
{
	resv_spares_fill(spares, 0);
	cancel_work_sync(&spares->work);
}

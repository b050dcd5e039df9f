// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects of one size for taps, which may not allocate.
 *
 * A tap runs with preemption off, where PREEMPT_RT forbids any allocation, and some run
 * under a lock.  So objects are allocated ahead: a worker keeps as many as are wanted.
 * Where a tap may allocate, it does so, without its lock, as soon as less than half of
 * them are there: then a burst of calls before the worker has run finds enough.
 *
 * Locks: a raw one for the lists, as taps take it, also under locks of theirs; and a
 * mutex for who brings a list to its length.
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
 * resv_spares_ready() - have an object for resv_spares_get()
 * @spares: the objects
 *
 * Context: any; does not sleep.  Not under a lock under which nothing may be allocated.
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
 * Return: an object that is all zero, for kfree() or resv_spares_put(); or NULL
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
 * @object: one that nobody uses
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
	/* The worker frees what was taken back. */
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
 * resv_spares_fill() - have so many objects from now on
 * @spares: the objects
 * @wanted: how many, more than are taken at once
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM if there are less; the worker tries again when one is taken
 */
int resv_spares_fill(struct resv_spares *spares, unsigned int wanted)
{
	int ret;

	mutex_lock(&fill_lock);
	/* Before anything is wanted nobody queues it. */
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
 * Context: nobody takes one or gives one back any more; may sleep.
 */
void resv_spares_exit(struct resv_spares *spares)
{
	resv_spares_fill(spares, 0);
	cancel_work_sync(&spares->work);
}

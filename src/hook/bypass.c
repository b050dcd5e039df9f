// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks that ask for the kernel's lists as the drivers make them.
 *
 * A source must distinguish the kernel's own regions from declared and moved ones.  The
 * taps do not edit the lists of a task while its struct resv_bypass is on the list below.
 *
 * bypass_lock is raw because handlers of taps take it.
 */
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include "hook/engine.h"

static LIST_HEAD(bypasses);
static DEFINE_RAW_SPINLOCK(bypass_lock);

/**
 * resv_bypass_begin() - stop the taps from editing lists that the calling task gets
 * @b: on the caller's stack, in use until resv_bypass_end()
 *
 * The taps go on editing the lists of other tasks.  Any number of tasks can do this at
 * once.
 *
 * Context: process context.
 */
void resv_bypass_begin(struct resv_bypass *b)
{
	unsigned long flags;

	b->task = current;
	raw_spin_lock_irqsave(&bypass_lock, flags);
	list_add(&b->node, &bypasses);
	raw_spin_unlock_irqrestore(&bypass_lock, flags);
}

/**
 * resv_bypass_end() - let the taps edit the calling task's lists again
 * @b: given to resv_bypass_begin() by the same task
 *
 * Context: process context.
 */
void resv_bypass_end(struct resv_bypass *b)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bypass_lock, flags);
	list_del(&b->node);
	raw_spin_unlock_irqrestore(&bypass_lock, flags);
}

/**
 * resv_bypassed() - does the calling task want the lists as the drivers make them?
 *
 * Context: any; does not sleep.
 * Return: true between resv_bypass_begin() and resv_bypass_end()
 */
bool resv_bypassed(void)
{
	const struct resv_bypass *b;
	unsigned long flags;
	bool found = false;

	/* No lock: an entry of the calling task was added by this task itself. */
	if (list_empty(&bypasses))
		return false;
	raw_spin_lock_irqsave(&bypass_lock, flags);
	list_for_each_entry(b, &bypasses, node)
		if (b->task == current) {
			found = true;
			break;
		}
	raw_spin_unlock_irqrestore(&bypass_lock, flags);
	return found;
}

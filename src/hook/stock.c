// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of the kernel's lists of regions, for taps that may not allocate.
 *
 * An entry of such a list belongs to the caller who asked for the list, and he frees it
 * by kfree() (all kernels whose lists are edited; see compat/iommu.h).  A tap runs with
 * preemption off, where PREEMPT_RT forbids any allocation, so it takes entries from a
 * stock that a worker fills up again.
 *
 * Locks: stock_lock, raw, as taps take it.
 */
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "compat/iommu.h"
#include "hook/stock.h"

/*
 * Lists that can be filled one after the other before the worker has run.  Taps on
 * PREEMPT_RT have nothing but the stock, and a list that lacks a region could be VFIO's.
 */
#define STOCK_LISTS	(RESV_NO_ATOMIC_ALLOC ? 256 : 8)

static LIST_HEAD(stock);
static unsigned int stock_nr;		/* entries on it */
static unsigned int stock_wanted;
static DEFINE_RAW_SPINLOCK(stock_lock);

static struct iommu_resv_region *new_entry(gfp_t gfp)
{
	return kzalloc(sizeof(struct iommu_resv_region), gfp);
}

static struct iommu_resv_region *pop(void)
{
	struct iommu_resv_region *region;
	unsigned long flags;

	raw_spin_lock_irqsave(&stock_lock, flags);
	region = list_first_entry_or_null(&stock, struct iommu_resv_region,
					  list);
	if (region) {
		list_del(&region->list);
		stock_nr--;
	}
	raw_spin_unlock_irqrestore(&stock_lock, flags);
	return region;
}

static void fill_up(struct work_struct *work)
{
	struct iommu_resv_region *region;

	while (READ_ONCE(stock_nr) < READ_ONCE(stock_wanted)) {
		region = new_entry(GFP_KERNEL);
		if (!region)
			break;
		resv_stock_put(region);
	}
	/* Taken back from lists. */
	while (READ_ONCE(stock_nr) > READ_ONCE(stock_wanted) && (region = pop()))
		kfree(region);
}

static DECLARE_WORK(fill_up_work, fill_up);

/**
 * resv_stock_get() - an entry for a list
 *
 * Context: any; does not sleep.
 * Return: an entry that is all zero, for the owner of the list to free; or NULL
 */
struct iommu_resv_region *resv_stock_get(void)
{
	struct iommu_resv_region *region = pop();

	/* Some task may read lists all the time; be ahead of it. */
	if (READ_ONCE(stock_nr) < READ_ONCE(stock_wanted) / 2)
		queue_work(system_highpri_wq, &fill_up_work);
	if (!region && !RESV_NO_ATOMIC_ALLOC)
		return new_entry(GFP_ATOMIC | __GFP_NOWARN);
	if (region)
		memset(region, 0, sizeof(*region));
	return region;
}

/**
 * resv_stock_put() - give an entry back
 * @region: on no list
 *
 * Context: any; does not sleep.
 */
void resv_stock_put(struct iommu_resv_region *region)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&stock_lock, flags);
	list_add(&region->list, &stock);
	stock_nr++;
	raw_spin_unlock_irqrestore(&stock_lock, flags);
}

/**
 * resv_stock_take_back() - entries that are on no list of the kernel's any more
 * @entries: list of them, empty afterwards
 *
 * A tap may not free on PREEMPT_RT either, so they go to the stock.
 *
 * Context: any; does not sleep.
 */
void resv_stock_take_back(struct list_head *entries)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, entries, list) {
		list_del(&region->list);
		resv_stock_put(region);
	}
	if (READ_ONCE(stock_nr) > 2 * READ_ONCE(stock_wanted))
		schedule_work(&fill_up_work);
}

/**
 * resv_stock_want() - have entries ready for the taps
 * @nr: entries that the lists of all groups would take together
 *
 * Several times as many are kept, for tasks that ask for lists at once.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM if there are less than @nr
 */
int resv_stock_want(unsigned int nr)
{
	WRITE_ONCE(stock_wanted, STOCK_LISTS * nr);
	fill_up(NULL);
	return READ_ONCE(stock_nr) < nr ? -ENOMEM : 0;
}

/**
 * resv_stock_exit() - free everything
 *
 * Context: no hook is left; may sleep.
 */
void resv_stock_exit(void)
{
	struct iommu_resv_region *region;

	WRITE_ONCE(stock_wanted, 0);
	cancel_work_sync(&fill_up_work);
	while ((region = pop()))
		kfree(region);
}

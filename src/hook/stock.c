// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of the kernel's lists of regions, for taps that may not allocate.
 *
 * An entry of such a list belongs to the caller who asked for the list, and he frees it
 * by kfree() (all kernels whose lists are edited; see compat/iommu.h).
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include "compat/iommu.h"
#include "hook/fault.h"
#include "hook/spares.h"
#include "hook/stock.h"

/*
 * Lists that can be filled one after the other before the worker has run.  Taps on
 * PREEMPT_RT have nothing but the stock, and a list that lacks a region could be VFIO's.
 */
#define STOCK_LISTS	(RESV_NO_ATOMIC_ALLOC ? 256 : 8)

static struct resv_spares stock = {
	.size = sizeof(struct iommu_resv_region),
};

/**
 * resv_stock_get() - an entry for a list
 *
 * Context: any; does not sleep.
 * Return: an entry that is all zero, for the owner of the list to free; or NULL
 */
struct iommu_resv_region *resv_stock_get(void)
{
	if (resv_test_stock_empty())
		return NULL;
	/* Some task may read lists all the time; be ahead of it. */
	resv_spares_ready(&stock);
	return resv_spares_get(&stock);
}

/**
 * resv_stock_put() - give an entry back
 * @region: on no list
 *
 * Context: any; does not sleep.
 */
void resv_stock_put(struct iommu_resv_region *region)
{
	resv_spares_put(&stock, region);
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
	int ret = resv_spares_fill(&stock, STOCK_LISTS * nr);

	return READ_ONCE(stock.nr) < nr ? ret : 0;
}

/**
 * resv_stock_exit() - free everything
 *
 * Context: no hook is left; may sleep.
 */
void resv_stock_exit(void)
{
	resv_spares_exit(&stock);
}

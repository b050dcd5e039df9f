// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of the kernel's lists of regions, for taps that may not allocate.
 *
 * An entry of such a list belongs to the caller that asked for the list.  The caller frees
 * it by kfree() on all kernels whose lists this module edits (see compat/iommu.h).
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include "compat/iommu.h"
#include "hook/fault.h"
#include "hook/spares.h"
#include "hook/stock.h"

/*
 * Number of lists that taps can fill before the worker runs.  On PREEMPT_RT taps cannot
 * allocate and have only the stock; a list that lacks a region could be VFIO's.
 */
#define STOCK_LISTS	(RESV_NO_ATOMIC_ALLOC ? 256 : 8)

static struct resv_spares stock = {
	.size = sizeof(struct iommu_resv_region),
};

/**
 * resv_stock_get() - take an entry for a list
 *
 * Context: any; does not sleep.
 * Return: a zeroed entry, for the owner of the list to free; or NULL
 */
struct iommu_resv_region *resv_stock_get(void)
{
	if (resv_test_stock_empty())
		return NULL;
	/* Refill early: some task may read lists all the time. */
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
 * resv_stock_take_back() - give back entries that were removed from a kernel list
 * @entries: list of the entries; empty afterwards
 *
 * They go to the stock, because on PREEMPT_RT a tap must not free memory either.
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
 * resv_stock_want() - set how many entries to keep ready for the taps
 * @nr: number of entries that the lists of all groups take together
 *
 * The stock keeps STOCK_LISTS times as many, for tasks that ask for lists at once.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM if there are fewer than @nr
 */
int resv_stock_want(unsigned int nr)
{
	int ret = resv_spares_fill(&stock, STOCK_LISTS * nr);

	return READ_ONCE(stock.nr) < nr ? ret : 0;
}

/**
 * resv_stock_exit() - free the stock
 *
 * Context: no hook is installed any more; may sleep.
 */
void resv_stock_exit(void)
{
	resv_spares_exit(&stock);
}

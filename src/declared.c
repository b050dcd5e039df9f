// SPDX-License-Identifier: GPL-2.0-only
/*
 * The regions that the admin declared, and their way into the kernel's lists.
 *
 * Readers are the hooks, on whatever CPU a list is asked for; they go by RCU.
 * Writers hold the lock of the registry of groups.
 *
 * An entry of a kernel list belongs to whoever asked for the list, and is freed
 * by kfree() (all kernels whose lists are edited; see compat/iommu.h).  A tap
 * runs with preemption off, where PREEMPT_RT forbids any allocation, so entries
 * are taken from a stock that a worker fills up again.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "compat/iommu.h"
#include "declared.h"
#include "list.h"

LIST_HEAD(resv_declared_list);

/*
 * What a self-test adds to the list that it asks for itself, and looks for
 * there: a page near the last address, where no IOMMU translates.
 */
#define MARK_START	0xfffffffffff00000ULL
#define MARK_LENGTH	0x1000

/*
 * Taps on PREEMPT_RT have nothing but the stock, and a list that lacks a region
 * could be VFIO's.
 */
#define NO_ATOMIC_ALLOC \
	(IS_ENABLED(CONFIG_PREEMPT_RT) || IS_ENABLED(CONFIG_PREEMPT_RT_FULL))

/* Lists that can be filled one after the other before the worker has run. */
#define STOCK_LISTS	(NO_ATOMIC_ALLOC ? 256 : 8)

static LIST_HEAD(stock);
static unsigned int stock_nr;		/* entries on it */
static unsigned int stock_wanted;
static DEFINE_RAW_SPINLOCK(stock_lock);

/* The task that looks at the lists without what is declared. */
static struct task_struct *blind;

static struct iommu_resv_region *new_entry(gfp_t gfp)
{
	return kzalloc(sizeof(struct iommu_resv_region), gfp);
}

static void put_entry(struct iommu_resv_region *region)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&stock_lock, flags);
	memset(region, 0, sizeof(*region));
	list_add(&region->list, &stock);
	stock_nr++;
	raw_spin_unlock_irqrestore(&stock_lock, flags);
}

static struct iommu_resv_region *pop_entry(void)
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
		put_entry(region);
	}
	/* Taken back from lists. */
	while (READ_ONCE(stock_nr) > READ_ONCE(stock_wanted) &&
	       (region = pop_entry()))
		kfree(region);
}

static DECLARE_WORK(fill_up_work, fill_up);

/* An entry for the caller's list, or NULL.  Context: any. */
static struct iommu_resv_region *get_entry(void)
{
	struct iommu_resv_region *region = pop_entry();

	/* Ahead of whoever reads lists all the time. */
	if (READ_ONCE(stock_nr) < READ_ONCE(stock_wanted) / 2)
		queue_work(system_highpri_wq, &fill_up_work);
	if (!region && !NO_ATOMIC_ALLOC)
		region = new_entry(GFP_ATOMIC | __GFP_NOWARN);
	return region;
}

static void set_entry(struct iommu_resv_region *region, u64 start, u64 end)
{
	region->start = start;
	region->length = end - start + 1;
	/* Never another type: kernels map a DIRECT one, and MSI means no cookie. */
	region->type = IOMMU_RESV_RESERVED;
}

/**
 * resv_declared_marked() - has a hook been at this list?
 * @head: list of a group
 *
 * Return: true if the mark of a self-test is on it
 */
bool resv_declared_marked(struct list_head *head)
{
	struct iommu_resv_region *region;

	list_for_each_entry(region, head, list)
		if (region->start == MARK_START &&
		    region->length == MARK_LENGTH &&
		    region->type == IOMMU_RESV_RESERVED)
			return true;
	return false;
}

static bool is_for_device(const struct resv_declared *d,
			  const struct device *dev)
{
	if (d->device[0])
		return !READ_ONCE(d->held) && !strcmp(d->device, dev_name(dev));
	return d->group && d->group == dev->iommu_group;
}

/**
 * resv_declared_hide() - look at the lists as the drivers make them
 * @hide: true to begin, false to end; does not nest
 *
 * Between the two the calling task sees no declared region, others do.
 * The registry's lock is held, so there is one such task at a time.
 */
void resv_declared_hide(bool hide)
{
	WRITE_ONCE(blind, hide ? current : NULL);
}

/* Take an entry from @spare, or from the stock if that is NULL. */
static struct iommu_resv_region *take(struct list_head *spare, u64 start, u64 end)
{
	struct iommu_resv_region *region;

	if (spare) {
		region = list_first_entry_or_null(spare,
						  struct iommu_resv_region,
						  list);
		if (region)
			list_del(&region->list);
	} else {
		region = get_entry();
	}
	if (region)
		set_entry(region, start, end);
	return region;
}

static unsigned int add_for_device(struct device *dev, struct list_head *head,
				   bool mark, struct list_head *spare)
{
	struct iommu_resv_region *region;
	const struct resv_declared *d;
	unsigned int lost = 0;

	if (mark) {
		region = take(spare, MARK_START, MARK_START + MARK_LENGTH - 1);
		if (region)
			list_add_tail(&region->list, head);
		else
			lost++;
	}
	if (READ_ONCE(blind) == current)
		return lost;
	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node) {
		if (!is_for_device(d, dev))
			continue;
		region = take(spare, d->start, d->end);
		if (region)
			list_add_tail(&region->list, head);
		else
			lost++;
	}
	rcu_read_unlock();
	return lost;
}

/**
 * resv_declared_tap_device() - the driver is about to list a device's regions
 * @dev: the device
 * @head: list that the driver will add to
 * @mark: add the mark of a self-test as well
 *
 * A device that is just being added has its name and its group already
 * (__iommu_probe_device()), so the DMA domain that it gets sees the regions.
 *
 * Context: any; does not sleep.
 * Return: how many regions are missing for lack of memory
 */
unsigned int resv_declared_tap_device(struct device *dev, struct list_head *head,
				      bool mark)
{
	return add_for_device(dev, head, mark, NULL);
}

/**
 * resv_declared_take_back() - entries that are on nobody's list any more
 * @entries: list of them, empty afterwards
 *
 * A tap may not free on PREEMPT_RT either, so they go to the stock.
 *
 * Context: any; does not sleep.
 */
void resv_declared_take_back(struct list_head *entries)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, entries, list) {
		list_del(&region->list);
		put_entry(region);
	}
	if (READ_ONCE(stock_nr) > 2 * READ_ONCE(stock_wanted))
		schedule_work(&fill_up_work);
}

/**
 * resv_declared_tap_group() - the kernel is about to list a group's regions
 * @group: the group
 * @head: list that the kernel will add to; can have those of other groups
 * @mark: add the mark of a self-test as well
 *
 * Context: any; does not sleep.
 * Return: how many regions are missing for lack of memory
 */
unsigned int resv_declared_tap_group(struct iommu_group *group,
				     struct list_head *head, bool mark)
{
	struct iommu_resv_region *region;
	const struct resv_declared *d;
	unsigned int lost = 0;
	LIST_HEAD(absorbed);

	if (mark) {
		region = take(NULL, MARK_START, MARK_START + MARK_LENGTH - 1);
		if (region)
			resv_list_insert(head, region, &absorbed);
		else
			lost++;
	}
	if (READ_ONCE(blind) == current)
		return lost;
	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node) {
		if (READ_ONCE(d->group) != group || READ_ONCE(d->held))
			continue;
		region = take(NULL, d->start, d->end);
		if (region)
			resv_list_insert(head, region, &absorbed);
		else
			lost++;
	}
	rcu_read_unlock();
	resv_declared_take_back(&absorbed);
	return lost;
}

/**
 * resv_declared_append() - for a list that is made by this project
 * @dev: device whose regions the driver has listed
 * @head: that list
 * @mark: add the mark of a self-test as well
 *
 * What is declared for a group changes under its mutex only.
 *
 * Context: the group's mutex is held; may sleep.
 * Return: 0, or -ENOMEM with some of them on @head
 */
int resv_declared_append(struct device *dev, struct list_head *head, bool mark)
{
	struct iommu_resv_region *region, *next;
	const struct resv_declared *d;
	unsigned int nr = mark, lost;
	LIST_HEAD(spare);

	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node)
		nr += is_for_device(d, dev);
	rcu_read_unlock();
	while (nr--) {
		region = new_entry(GFP_KERNEL);
		if (!region)
			break;
		list_add(&region->list, &spare);
	}
	lost = add_for_device(dev, head, mark, &spare);
	list_for_each_entry_safe(region, next, &spare, list)
		kfree(region);
	return lost ? -ENOMEM : 0;
}
EXPORT_SYMBOL_GPL(resv_declared_append);

/**
 * resv_declared_make() - an entry that is not in the table yet
 * @device: device name, shorter than RESV_DEVICE_LEN, or ""
 * @start: first address
 * @end: last address, inclusive
 *
 * Return: the entry, or NULL for lack of memory
 */
struct resv_declared *resv_declared_make(const char *device, u64 start, u64 end)
{
	struct resv_declared *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->start = start;
	d->end = end;
	d->devices = 1;
	/* See resv_declare_arrive(). */
	d->held = device[0];
	strscpy(d->device, device, sizeof(d->device));
	return d;
}

/**
 * resv_declared_publish() - from now on the hooks see it
 * @d: entry
 *
 * Context: the registry's lock is held; does not sleep.
 */
void resv_declared_publish(struct resv_declared *d)
{
	list_add_tail_rcu(&d->node, &resv_declared_list);
}

/**
 * resv_declared_withdraw() - from now on the hooks do not find it
 * @d: entry; for resv_declared_free()
 *
 * Context: the registry's lock is held; does not sleep.
 */
void resv_declared_withdraw(struct resv_declared *d)
{
	list_del_rcu(&d->node);
}

/**
 * resv_declared_free() - after the last hook has seen it
 * @d: entry, not in the table
 */
void resv_declared_free(struct resv_declared *d)
{
	resv_declared_unbind(d);
	kfree_rcu(d, rcu);
}

/**
 * resv_declared_bind() - the region holds for a group
 * @d: entry
 * @group: live group
 *
 * The group's memory is kept, so that its address means no other group; and
 * this module, as what is declared must not end by chance.
 *
 * Return: 0, or -ENODEV if the module is being removed
 */
int resv_declared_bind(struct resv_declared *d, struct iommu_group *group)
{
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	/* The kobject is the first member, see layout_known() in group.c. */
	kobject_get((struct kobject *)group);
	WRITE_ONCE(d->group, group);
	return 0;
}

/**
 * resv_declared_unbind() - the opposite; the group may be gone afterwards
 * @d: entry
 */
void resv_declared_unbind(struct resv_declared *d)
{
	struct iommu_group *group = d->group;

	if (!group)
		return;
	WRITE_ONCE(d->group, NULL);
	kobject_put((struct kobject *)group);
	module_put(THIS_MODULE);
}

/**
 * resv_declared_stock_up() - have entries ready for the taps
 * @more: devices of a group for which a region is about to be published
 *
 * Context: may sleep; the registry's lock is held.
 * Return: 0 or -ENOMEM
 */
int resv_declared_stock_up(unsigned int more)
{
	const struct resv_declared *d;
	unsigned int nr = 1 + more;	/* one is the mark */

	resv_declared_for_each(d)
		nr += d->devices;
	WRITE_ONCE(stock_wanted, STOCK_LISTS * nr);
	fill_up(NULL);
	return READ_ONCE(stock_nr) < nr ? -ENOMEM : 0;
}

/**
 * resv_declared_exit() - free everything
 *
 * Context: no hook is left, and nothing is bound to a group.
 */
void resv_declared_exit(void)
{
	struct iommu_resv_region *region, *next;
	struct resv_declared *d, *tmp;

	resv_declared_for_each_safe(d, tmp) {
		resv_declared_withdraw(d);
		resv_declared_free(d);
	}
	stock_wanted = 0;
	cancel_work_sync(&fill_up_work);
	list_for_each_entry_safe(region, next, &stock, list)
		kfree(region);
	INIT_LIST_HEAD(&stock);
	stock_nr = 0;
}

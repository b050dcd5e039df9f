// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of declared regions.
 *
 * Invariants:
 * - A region in the table holds for its group if it has one and is not held back.
 * - A region that has a group has a reference on that group's kobject, so that the
 *   address means no other group, and one on this module, so that a declaration does
 *   not end because somebody unloads the module.
 * - A region of a file has its group for as long as it is in the table.
 * - A region for a model (VENDOR:DEVICE) has no group.  Each device of that model has an
 *   entry of its own, from when its group is looked at until it goes.  All of these stand
 *   right before that of their model: a tap that comes to the model's has passed those,
 *   and takes the region from there only if the device has none yet.
 *
 * Locks: resv_declare_lock is held by all who change the table or an entry.  It is
 * taken under the lock of one group's entry; under it, the lock of the hooks and the
 * mutex of one group are taken.  The taps read the table under RCU.
 *
 * The last reference on a group is never dropped under resv_declare_lock: the group
 * then waits until nobody is in the callbacks of its files, which take that lock.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "feature/declare/declare.h"
#include "hook/stock.h"

/* Loading cannot fail any more because of a region. */
bool resv_declare_loaded;

LIST_HEAD(resv_declared_list);
/* For the table and its entries; see above. */
DEFINE_MUTEX(resv_declare_lock);

/**
 * resv_declared_make() - make an entry that is not in the table yet
 * @device: device name, shorter than RESV_DECLARED_DEVICE_LEN, or ""
 * @start: first address
 * @end: last address, inclusive
 *
 * Context: may sleep.
 * Return: the entry, or NULL if there is no memory
 */
struct resv_declared *resv_declared_make(const char *device, u64 start, u64 end)
{
	struct resv_declared *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->start = start;
	d->end = end;
	d->devices = 1;
	/* The device may be there already: see declare.c. */
	d->held = device[0];
	strscpy(d->device, device, sizeof(d->device));
	return d;
}

/**
 * resv_declared_clone() - have an entry for a device of a model
 * @of: entry of the model, in the table
 * @device: name of the device, shorter than RESV_DECLARED_DEVICE_LEN
 * @group: its group
 *
 * The new one is in the table.  What a tap adds for the device is the same as before.
 *
 * Context: resv_declare_lock is held; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_declared_clone(struct resv_declared *of, const char *device,
			const struct iommu_group *group)
{
	struct resv_declared *d = resv_declared_make(device, of->start, of->end);

	if (!d)
		return -ENOMEM;
	d->model = of->model;
	d->of = of;
	d->met = group;
	d->held = of->held;
	/* The lists of one group at a time are counted with the model. */
	d->devices = 0;
	list_add_tail_rcu(&d->node, &of->node);
	return 0;
}

/**
 * resv_declared_publish() - have the taps see an entry
 * @d: entry that is not in the table
 *
 * Context: resv_declare_lock is held; does not sleep.
 */
void resv_declared_publish(struct resv_declared *d)
{
	list_add_tail_rcu(&d->node, &resv_declared_list);
}

/**
 * resv_declared_withdraw() - take an entry out of the table
 * @d: entry in the table; a tap that has found it may still read it
 *
 * Context: resv_declare_lock is held; does not sleep.
 */
void resv_declared_withdraw(struct resv_declared *d)
{
	list_del_rcu(&d->node);
}

/**
 * resv_declared_free() - free an entry when no tap reads it any more
 * @d: entry that is not in the table
 *
 * Context: resv_declare_lock is held; the caller keeps the entry's group.
 */
void resv_declared_free(struct resv_declared *d)
{
	resv_declared_unbind(d);
	kfree_rcu(d, rcu);
}

/**
 * resv_declared_bind() - have a region hold for a group
 * @d: entry without a group
 * @group: live group
 *
 * Context: resv_declare_lock is held.
 * Return: 0, or -ENODEV if the module is being unloaded
 */
int resv_declared_bind(struct resv_declared *d, struct iommu_group *group)
{
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	/* The kobject is the first member of struct iommu_group. */
	kobject_get((struct kobject *)group);
	WRITE_ONCE(d->group, group);
	return 0;
}

/**
 * resv_declared_unbind() - have a region hold for no group
 * @d: entry
 *
 * Context: resv_declare_lock is held; the caller keeps the entry's group.
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
 * resv_declared_stock() - have list entries ready for the taps
 * @more: devices of a group for which a region is about to be published
 *
 * Context: resv_declare_lock is held; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_declared_stock(unsigned int more)
{
	const struct resv_declared *d;
	unsigned int nr = 1 + more;	/* one is the mark of a self-test */

	resv_declared_for_each(d)
		nr += d->devices;
	return resv_stock_want(nr);
}

/**
 * resv_declared_exit() - free everything
 *
 * Context: no tap is in, and no group is known any more; may sleep.
 */
void resv_declared_exit(void)
{
	struct resv_declared *d, *tmp;

	mutex_lock(&resv_declare_lock);
	resv_declared_for_each_safe(d, tmp) {
		resv_declared_withdraw(d);
		resv_declared_free(d);
	}
	mutex_unlock(&resv_declare_lock);
}

/**
 * resv_declare_wait() - have a region of the parameter wait for its device
 * @d: region, whose device has gone.  If it was for one of a model, there is another
 *	entry that waits, and this one is no more.
 *
 * Context: resv_declare_lock is held; the caller keeps the region's group.
 */
void resv_declare_wait(struct resv_declared *d)
{
	if (d->group && resv_declare_loaded)
		pr_info("%s is gone: 0x%llx-0x%llx waits for %s\n", d->device,
			d->start, d->end,
			d->of ? d->of->device : "it to come back");
	if (d->of) {
		resv_declared_withdraw(d);
		resv_declared_free(d);
		return;
	}
	resv_declared_unbind(d);
	d->met = NULL;
	WRITE_ONCE(d->held, false);
	d->refused = false;
	d->logged = false;
}

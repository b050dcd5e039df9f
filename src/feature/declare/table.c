// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of declared regions.
 *
 * Invariants:
 * - A region in the table is in force for its group if it has one and is not held back.
 * - A region that has a group has a reference on that group's kobject, so that no other
 *   group can reuse the address; and one on this module, so that the module cannot be
 *   unloaded while a declaration is in force.
 * - A region of a file has its group for as long as it is in the table.
 * - A region for a model (VENDOR:DEVICE) has no group.  Each device of that model has its
 *   own entry, from the time that its group is first looked at until the device is
 *   removed.  These entries precede the entry of their model: a tap that reaches the
 *   model's entry has passed them, and uses the model's entry only if the device has no
 *   entry yet.
 *
 * Locks: resv_declare_lock is held for changes of the table and its entries.  It nests
 * inside the lock of one group's entry; the lock of the hooks and the mutex of one group
 * nest inside it.  The taps read the table under RCU.
 *
 * The last reference on a group is never dropped under resv_declare_lock: the group
 * then waits for the callbacks of its files, which take that lock.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "feature/declare/declare.h"
#include "hook/stock.h"

/* A region cannot make the load fail any more. */
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
 * Return: the entry, or NULL if an allocation failed
 */
struct resv_declared *resv_declared_make(const char *device, u64 start, u64 end)
{
	struct resv_declared *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->start = start;
	d->end = end;
	d->devices = 1;
	/* The device may be present already: see declare.c. */
	d->held = device[0];
	strscpy(d->device, device, sizeof(d->device));
	return d;
}

/**
 * resv_declared_clone() - add an entry for a device of a model
 * @of: entry of the model, in the table
 * @device: name of the device, shorter than RESV_DECLARED_DEVICE_LEN
 * @group: its group
 *
 * Taps add the same regions for the device as before.
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
	/* The model's entry counts the list entries of its devices. */
	d->devices = 0;
	list_add_tail_rcu(&d->node, &of->node);
	return 0;
}

/**
 * resv_declared_publish() - add an entry to the table, where the taps see it
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
 * resv_declared_free() - free an entry after all taps have stopped reading it
 * @d: entry that is not in the table
 *
 * Context: resv_declare_lock is held; the caller has a reference to the entry's group.
 */
void resv_declared_free(struct resv_declared *d)
{
	resv_declared_unbind(d);
	kfree_rcu(d, rcu);
}

/**
 * resv_declared_bind() - put a region in force for a group
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
 * resv_declared_unbind() - end a region for its group
 * @d: entry
 *
 * Context: resv_declare_lock is held; the caller has a reference to the entry's group.
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
 * resv_declared_stock() - stock list entries for the taps
 * @more: number of devices of a group for which a region is about to be published
 *
 * Context: resv_declare_lock is held; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_declared_stock(unsigned int more)
{
	const struct resv_declared *d;
	unsigned int nr = 1 + more;	/* one for the mark of a self-test */

	resv_declared_for_each(d)
		nr += d->devices;
	return resv_stock_want(nr);
}

/**
 * resv_declared_exit() - free the table
 *
 * Context: no tap is installed, and no group is known any more; may sleep.
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
 * resv_declare_wait() - let a region of the parameter wait for its device
 * @d: region, whose device was removed.  If @d is for a device of a model, it is freed,
 *	because the model's entry waits.
 *
 * Context: resv_declare_lock is held; the caller has a reference to the region's group.
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of movable MSI windows, and where the doorbells of domains are.
 *
 * Drivers make the list entry of type SW_MSI at a fixed place.  Every reader of the list
 * (sysfs, VFIO, iommufd) takes the window from there: VFIO refuses maps that touch it,
 * and has the kernel map doorbells there (iommu_get_msi_cookie()).  So this feature
 * moves the window by moving the entry, and changes nothing else.
 *
 * A domain has one cookie, at the place of the group that it was made for.  VFIO puts
 * the groups of a container on one domain where it can: groups that are attached later
 * only add holes (the loop over iommu->domain_list in vfio_iommu_type1_attach_group()).
 * When the first group leaves, VFIO forgets its hole, and the doorbells are where a user
 * may map.  So a group whose window is elsewhere is kept out of a container: lists.c
 * answers the request for its list with an error, by which VFIO refuses the group.
 *
 * VFIO reads the lists of a container's groups again and again, so a window that is in
 * use stays where it is, even if somebody unloads this module.
 *
 * Invariants:
 * - The cookie of a tracked domain is where it was when the tracker saw the first attach.
 *   While nothing is watched nothing is moved, so the cookie of a domain that was made
 *   unseen is at the driver's place.
 * - A domain whose cookie is not at the driver's place holds this module until the
 *   domain is freed (resv_attach_pin()).
 * - A window that was moved has a reference on its group's kobject.
 * - Where the kernel has iommufd, a window that is moved holds this module.  iommufd asks
 *   for the lists of devices first and attaches the group then
 *   (iommufd_hw_pagetable_attach(), iommufd_device_do_replace()), so what the tracker sees
 *   is too late to hold the module; and some of its ways are not seen on every kernel.
 * - iommufd notes the place of the doorbells when the first device of a group is attached,
 *   and keeps it for the group, whatever domain that is on (iommufd_group.sw_msi_start).
 *   An address space in place of another has what is on the list by then.  So while a group
 *   is iommufd's its list has the group's own place: doorbells that are on a domain that it
 *   shares are at that of another group until v6.14, and are kept free by that group.
 * - The tracker's object of a group points to the group's window for as long as the
 *   window is in the table.
 *
 * Locks: resv_msi_windows_lock is held by all who change the table.  It is taken under
 * the lock of one group's entry; under it, the lock of the hooks, those of the tracker,
 * and the mutex of one group are taken.  Handlers take the tracker's lock only, which
 * protects what they read and write of a window.  The last reference on a group is never
 * dropped under resv_msi_windows_lock: the group then waits until nobody is in the
 * callbacks of its files, which take that lock.
 */
#include <linux/errno.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include "compat/compat.h"
#include "feature/window/table.h"
#include "group/group.h"

/* iommufd is there, which reads a list before its attach is seen. */
#define PIN_WHILE_MOVED	IS_ENABLED(CONFIG_IOMMUFD)

/* For the table and its entries; see above. */
DEFINE_MUTEX(resv_msi_windows_lock);

/* A window was moved since the taps were put in. */
bool resv_msi_windows_moved;

static DEFINE_HASHTABLE(windows, 8);

/* Domains that hold the module; under the tracker's lock. */
static unsigned int nr_pinned;

/* The value of a domain's data[] that holds the module. */
static char pinned;

/**
 * struct notice - what the handler that runs on this CPU has to say afterwards
 * @due: there is something
 * @id: number of a group
 * @start: where the window of its container begins
 */
struct notice {
	bool due;
	int id;
	u64 start;
};

static DEFINE_PER_CPU(struct notice, notice);

static bool begins_at(const struct resv_range *a, const struct resv_range *b)
{
	return a->start == b->start;
}

static bool is_same(const struct resv_range *a, const struct resv_range *b)
{
	return a->start == b->start && a->end == b->end;
}

/**
 * resv_msi_window_at() - where are the doorbells of a group, or where will they be?
 * @w: window of the group
 *
 * Context: the tracker's lock is held.
 * Return: the place
 */
const struct resv_range *resv_msi_window_at(const struct resv_msi_window *w)
{
	return w->cookie_elsewhere ? &w->cookie : &w->at;
}

/**
 * resv_msi_window_is_moved() - are lists to have the window elsewhere than the driver?
 * @w: window
 *
 * Context: the tracker's lock is held.
 * Return: true if they are
 */
bool resv_msi_window_is_moved(const struct resv_msi_window *w)
{
	return !is_same(resv_msi_window_at(w), &w->native);
}

/**
 * resv_msi_window_place() - where are the doorbells of a group to be mapped?
 * @group: group
 * @window: set to the place
 *
 * Context: any; the tracker's lock is not held.
 * Return: true if the group has a window
 */
bool resv_msi_window_place(const struct iommu_group *group,
			   struct resv_range *window)
{
	const struct resv_msi_window *w = NULL;
	const struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g)
		w = g->data[RESV_MSI_WINDOW_CLIENT];
	if (w)
		*window = *resv_msi_window_at(w);
	resv_attach_unlock(flags);
	return w;
}

/**
 * resv_msi_window_find() - find the window of a group
 * @group: live group
 *
 * Context: resv_msi_windows_lock is held.
 * Return: the window, or NULL if the group has none, or it is not known yet
 */
struct resv_msi_window *resv_msi_window_find(const struct iommu_group *group)
{
	struct resv_msi_window *w;

	hash_for_each_possible(windows, w, node, (unsigned long)group)
		if (w->group == group)
			return w;
	return NULL;
}

/* Return: false if the tracker does not know the group */
static bool set_data(const struct iommu_group *group, struct resv_msi_window *w)
{
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g)
		g->data[RESV_MSI_WINDOW_CLIENT] = w;
	resv_attach_unlock(flags);
	return g;
}

/**
 * resv_msi_window_add() - note that a group has a movable window
 * @group: live group
 * @id: its number
 * @native: where the driver puts the window
 *
 * Context: resv_msi_windows_lock is held; may sleep.
 * Return: the window, or NULL if there is no memory
 */
struct resv_msi_window *resv_msi_window_add(struct iommu_group *group, int id,
					    const struct resv_range *native)
{
	struct resv_msi_window *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return NULL;
	w->group = group;
	w->id = id;
	w->native = *native;
	w->at = *native;
	if (!set_data(group, w)) {
		kfree(w);
		return NULL;
	}
	hash_add(windows, &w->node, (unsigned long)group);
	return w;
}

static void unpin(struct resv_msi_window *w)
{
	if (!w->pins_module)
		return;
	w->pins_module = false;
	module_put(THIS_MODULE);
}

/**
 * resv_msi_window_move() - have lists show the window elsewhere from now on
 * @w: window
 * @to: where; the driver's place if @by is RESV_WINDOW_BY_KERNEL
 * @by: who placed it there
 *
 * Context: resv_msi_windows_lock and the group's mutex are held, and the group was
 *	found free under the latter; does not sleep.
 * Return: 0, -EBUSY if somebody is attaching the group, or -ENODEV if the module is
 * being unloaded
 */
int resv_msi_window_move(struct resv_msi_window *w, const struct resv_range *to,
			 enum resv_window_by by)
{
	const struct resv_attach_group *g;
	unsigned long flags;
	bool busy;

	if (PIN_WHILE_MOVED && by != RESV_WINDOW_BY_KERNEL && !w->pins_module) {
		if (!try_module_get(THIS_MODULE))
			return -ENODEV;
		w->pins_module = true;
	}
	flags = resv_attach_lock();
	g = resv_attach_group_find(w->group);
	/* The attach was seen, and has held the module before this lock, or will. */
	busy = g && g->domain;
	if (!busy) {
		w->at = *to;
		w->by = by;
	}
	resv_attach_unlock(flags);
	if (w->by == RESV_WINDOW_BY_KERNEL)
		unpin(w);
	if (busy)
		return -EBUSY;
	if (by == RESV_WINDOW_BY_KERNEL)
		return 0;
	WRITE_ONCE(resv_msi_windows_moved, true);
	if (!w->held) {
		/* The kobject is the first member of struct iommu_group. */
		kobject_get((struct kobject *)w->group);
		w->held = true;
	}
	return 0;
}

/**
 * resv_msi_window_drop() - forget a window
 * @w: window in the table
 *
 * Context: resv_msi_windows_lock is held.
 * Return: the group, if the caller has to put a reference on its kobject, after the
 * lock; else NULL
 */
struct iommu_group *resv_msi_window_drop(struct resv_msi_window *w)
{
	struct iommu_group *group = w->held ? w->group : NULL;

	hash_del(&w->node);
	set_data(w->group, NULL);
	unpin(w);
	kfree(w);
	return group;
}

/**
 * resv_msi_windows_in_force() - is a window moved, or in use from when it was?
 *
 * Context: resv_msi_windows_lock is held.
 * Return: true if there is one
 */
bool resv_msi_windows_in_force(void)
{
	struct resv_msi_window *w;
	unsigned int bkt;

	if (READ_ONCE(nr_pinned))
		return true;
	hash_for_each(windows, bkt, w, node)
		if (w->by != RESV_WINDOW_BY_KERNEL)
			return true;
	return false;
}

/**
 * resv_msi_windows_relied_on() - a group whose window is moved
 * @turn: of several such groups, which
 *
 * Context: resv_msi_windows_lock is held.
 * Return: its number, or -ENOENT if there is none
 */
int resv_msi_windows_relied_on(unsigned int turn)
{
	struct resv_msi_window *w;
	unsigned int bkt, nr = 0;

	hash_for_each(windows, bkt, w, node)
		nr += w->by != RESV_WINDOW_BY_KERNEL;
	if (!nr)
		return -ENOENT;
	turn %= nr;
	hash_for_each(windows, bkt, w, node)
		if (w->by != RESV_WINDOW_BY_KERNEL && !turn--)
			return w->id;
	return -ENOENT;
}

/**
 * resv_msi_windows_exit() - free everything
 *
 * Context: no tap is in, and no group is known any more; may sleep.
 */
void resv_msi_windows_exit(void)
{
	struct iommu_group *group;
	struct resv_msi_window *w;
	struct hlist_node *tmp;
	unsigned int bkt;

	hash_for_each_safe(windows, bkt, tmp, w, node) {
		mutex_lock(&resv_msi_windows_lock);
		group = resv_msi_window_drop(w);
		mutex_unlock(&resv_msi_windows_lock);
		if (group)
			kobject_put((struct kobject *)group);
	}
}

/*
 * Does the domain get its cookie at the place of this group?
 *
 * Yes if VFIO made the domain for this attach.  Of attaches that are not seen to be
 * VFIO's: since v5.18 they are iommufd's, which makes the cookie for the first group
 * that it puts on a domain.  Before, a group looks free until VFIO has attached it, so
 * VFIO may have been on its way before the tracker saw the beginning, and the domain may
 * be one that its container had before.
 */
static bool makes_cookie(const struct resv_attach_group *g,
			 const struct resv_attach_domain *d)
{
	if (g->state == RESV_ATTACH_ATTACHING)
		return !g->first || g->first == d->domain;
	return RESV_HAVE(RESV_PUT_CORE) && !RESV_HAVE(RESV_PUT_DRIVER) && !d->container;
}

/* An attach by iommufd: see above for what it goes by. */
static bool is_iommufds(const struct resv_attach_group *g,
			const struct resv_attach_domain *d)
{
	return IS_ENABLED(CONFIG_IOMMUFD) && !d->container &&
	       g->state != RESV_ATTACH_ATTACHING;
}

/* Hold the module on behalf of a domain.  Return: false if it is being unloaded */
static bool pin(struct resv_attach_domain *d)
{
	if (rcu_access_pointer(d->data[RESV_MSI_WINDOW_CLIENT]))
		return true;
	if (!resv_attach_pin(d))
		return false;
	rcu_assign_pointer(d->data[RESV_MSI_WINDOW_CLIENT], (void *)&pinned);
	WRITE_ONCE(nr_pinned, nr_pinned + 1);
	return true;
}

/*
 * VFIO attaches a group before it asks for the list, so the module is held before a
 * moved window gets into use.
 */
static void window_attached(struct resv_attach_group *g,
			    struct resv_attach_domain *d)
{
	struct resv_msi_window *w = g->data[RESV_MSI_WINDOW_CLIENT];

	if (!w)
		return;
	if (!d->cookie_known) {
		d->cookie = makes_cookie(g, d) ? w->at : w->native;
		d->cookie_known = true;
	}
	w->cookie = d->cookie;
	w->cookie_elsewhere = !is_iommufds(g, d) && !begins_at(&d->cookie, &w->at);
	if (!resv_msi_window_is_moved(w) || pin(d))
		return;
	/* The module is being unloaded: it is too late to move anything. */
	w->at = w->native;
	w->by = RESV_WINDOW_BY_KERNEL;
	w->cookie_elsewhere = false;
	d->cookie = w->native;
}

static void window_detached(struct resv_attach_group *g,
			    struct resv_attach_domain *d)
{
	struct resv_msi_window *w = g->data[RESV_MSI_WINDOW_CLIENT];

	if (!w || !w->cookie_elsewhere)
		return;
	w->cookie_elsewhere = false;
	/* A look at the group meanwhile has found the window of the container. */
	resv_group_update_soon(w->id);
}

static void window_freed(struct resv_attach_domain *d)
{
	if (!rcu_access_pointer(d->data[RESV_MSI_WINDOW_CLIENT]))
		return;
	RCU_INIT_POINTER(d->data[RESV_MSI_WINDOW_CLIENT], NULL);
	WRITE_ONCE(nr_pinned, nr_pinned - 1);
}

static void window_over(struct resv_attach_group *g)
{
	const struct resv_msi_window *w = g->data[RESV_MSI_WINDOW_CLIENT];
	struct notice *n = this_cpu_ptr(&notice);

	if (!w || !g->domain || !w->cookie_elsewhere)
		return;
	n->id = w->id;
	n->start = w->cookie.start;
	n->due = true;
}

/* What was attached while the taps were off has its window at the driver's place. */
static void window_unseen(struct resv_attach_group *g)
{
	struct resv_msi_window *w = g->data[RESV_MSI_WINDOW_CLIENT];

	if (!w || g->domain)
		return;
	w->cookie = w->native;
	w->cookie_elsewhere = !begins_at(&w->native, &w->at);
}

static void window_seen_free(struct resv_attach_group *g)
{
	struct resv_msi_window *w = g->data[RESV_MSI_WINDOW_CLIENT];

	if (w)
		w->cookie_elsewhere = false;
}

/* Preemption is off since window_over(), so this is the same CPU. */
static void window_after(void)
{
	struct notice *n = this_cpu_ptr(&notice);

	if (likely(!n->due))
		return;
	n->due = false;
	pr_err_ratelimited("group %d: its container has the MSI window at 0x%llx, so this group has it there, too, until it leaves\n",
			   n->id, n->start);
}

const struct resv_attach_client resv_msi_window_client = {
	.index = RESV_MSI_WINDOW_CLIENT,
	.attached = window_attached,
	.detached = window_detached,
	.freed = window_freed,
	.over = window_over,
	.unseen = window_unseen,
	.seen_free = window_seen_free,
	.after = window_after,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of movable MSI windows, and where the doorbells of domains are.
 *
 * Drivers list the window as an entry of type SW_MSI at a fixed address.  Every reader of
 * the list (sysfs, VFIO, iommufd) takes the window from this entry: VFIO refuses maps
 * that touch it, and makes the kernel map doorbells there (iommu_get_msi_cookie()).  So
 * this feature moves the window by moving the entry, and changes nothing else.
 *
 * A domain has one cookie, at the window of the group for which the domain was made.
 * VFIO attaches the groups of a container to one domain if possible; groups that are
 * attached later only add holes (the loop over iommu->domain_list in
 * vfio_iommu_type1_attach_group()).  When the first group leaves, VFIO forgets its hole,
 * and a user could map where the doorbells are.  So this feature keeps a group with
 * another window out of the container: lists.c makes the request for its list return an
 * error, and VFIO refuses the group.
 *
 * VFIO reads the lists of a container's groups again and again, so a window that is in
 * use must stay where it is: this module cannot be unloaded meanwhile.
 *
 * Invariants:
 * - The cookie of a tracked domain is where the window was when the tracker saw the first
 *   attach.  No window is moved while the tracker does not watch, so a domain that was
 *   made meanwhile has its cookie at the driver's place.
 * - A domain whose cookie is not at the driver's place holds a reference on this module
 *   until the domain is freed (resv_attach_pin()).
 * - A window that was moved has a reference on its group's kobject.
 * - Where the kernel has iommufd, a window that is moved holds this module.  iommufd
 *   asks for the lists of devices first and attaches the group then
 *   (iommufd_hw_pagetable_attach(), iommufd_device_do_replace()), so what the tracker
 *   sees is too late to hold the module; and on some kernels the tracker does not see
 *   all of its attaches.
 * - iommufd notes the place of the doorbells when the first device of a group is
 *   attached, and keeps it for the group, on whatever domain the group is
 *   (iommufd_group.sw_msi_start).  An address space that replaces another one reserves
 *   the regions that are on the list at that time.  So while iommufd has a group, the
 *   group's list has the group's own place.  Until v6.14 the doorbells of a domain that
 *   groups share may be at the place of another of these groups, whose list keeps that
 *   place free.
 * - The tracker's object of a group points to the group's window for as long as the
 *   window is in the table.
 *
 * Locks: resv_msi_windows_lock protects the table.  It nests inside the lock of one
 * group's entry; the lock of the hooks, those of the tracker, and the mutex of one group
 * nest inside it.  Handlers take only the tracker's lock, which protects the members of a
 * window that they read or write.  The last reference on a group is never dropped under
 * resv_msi_windows_lock: the group then waits for the callbacks of its files, which take
 * that lock.
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

/* iommufd reads a device's list before the tracker sees the attach. */
#define PIN_WHILE_MOVED	IS_ENABLED(CONFIG_IOMMUFD)

/* For the table and its entries; see above. */
DEFINE_MUTEX(resv_msi_windows_lock);

/* A window was moved since the taps were installed. */
bool resv_msi_windows_moved;

static DEFINE_HASHTABLE(windows, 8);

/* Number of domains that hold a reference on the module; under the tracker's lock. */
static unsigned int nr_pinned;

/* The value of a domain's data[] that holds the module. */
static char pinned;

/**
 * struct notice - a message of the handler on this CPU, to log after it
 * @due: there is a message
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
 * resv_msi_window_at() - where are the group's doorbells now, or after its next attach?
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
 * resv_msi_window_is_moved() - must lists show the window away from the driver's place?
 * @w: window
 *
 * Context: the tracker's lock is held.
 * Return: true if they must
 */
bool resv_msi_window_is_moved(const struct resv_msi_window *w)
{
	return !is_same(resv_msi_window_at(w), &w->native);
}

/**
 * resv_msi_window_place() - get the place for the doorbells of a group
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
 * Return: the window, or NULL if the group has none, or was not looked at yet
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
 * Return: the window, or NULL if an allocation failed
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
 * resv_msi_window_move() - make lists show the window at another place
 * @w: window
 * @to: where; the driver's place if @by is RESV_WINDOW_BY_KERNEL
 * @by: who placed it there
 *
 * Context: resv_msi_windows_lock and the group's mutex are held, and the group was found
 *	free under its mutex; does not sleep.
 * Return: 0, -EBUSY if a task is attaching the group, or -ENODEV if the module is being
 * unloaded
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
	/* A task is attaching the group: window_attached() pins the module, or has done so. */
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
 * resv_msi_window_drop() - remove a window from the table and free it
 * @w: window in the table
 *
 * Context: resv_msi_windows_lock is held.
 * Return: the group, if the caller has to put a reference on its kobject after it has
 * dropped the lock; else NULL
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
 * resv_msi_windows_in_force() - is a window moved, or a domain in use that has a moved one?
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
 * resv_msi_windows_relied_on() - find a group whose window is moved
 * @turn: selects one of several such groups
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
 * resv_msi_windows_exit() - free the table
 *
 * Context: no tap is installed, and no group is known any more; may sleep.
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
 * Does the domain get its cookie at the window of this group?
 *
 * If the tracker saw VFIO begin the attach: yes if VFIO made the domain for this attach.
 * If not, the kernel decides.  Since v5.19 only iommufd can attach the group in this way,
 * and it gets the cookie when it attaches the first group to a domain: yes.  (The test
 * below finds v6.0; iommufd exists since v6.2.)  Before v5.19 a group looks free until
 * VFIO has attached it, so VFIO may have begun the attach before the tracker watched, and
 * the container may have had the domain before: no.
 */
static bool makes_cookie(const struct resv_attach_group *g,
			 const struct resv_attach_domain *d)
{
	if (g->state == RESV_ATTACH_ATTACHING)
		return !g->first || g->first == d->domain;
	return RESV_HAVE(RESV_PUT_CORE) && !RESV_HAVE(RESV_PUT_DRIVER) && !d->container;
}

/* An attach by iommufd: see above which place it uses. */
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
 * VFIO attaches a group before it asks for the list, so this pins the module before a
 * moved window is in use.
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
	/* The module is being unloaded: put the window back. */
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
	/* If looked at meanwhile, the group's files show the container's window. */
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

/* A group that was attached while the taps were off has the driver's window. */
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

/* Preemption has been off since window_over(), so this is the same CPU. */
static void window_after(void)
{
	struct notice *n = this_cpu_ptr(&notice);

	if (likely(!n->due))
		return;
	n->due = false;
	pr_err_ratelimited("group %d: its container has the MSI window at 0x%llx, so the group uses that place until it leaves the container\n",
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

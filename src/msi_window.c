// SPDX-License-Identifier: GPL-2.0-only
/*
 * The movable MSI windows of groups, and their way into the kernel's lists.
 *
 * Drivers make the entry of type SW_MSI at a fixed place.  Whoever reads the
 * list (sysfs, VFIO, iommufd) goes by it in all it does: VFIO refuses maps there
 * and has the kernel map doorbells there (iommu_get_msi_cookie()).  So to move
 * the entry is to move the window, and nothing else has to be changed.
 *
 * There are two ways, of which the hooks choose one:
 *
 * - where the driver makes the entry: a tap on its function that lists a
 *   device's regions remembers for the calling task where the window of that
 *   device's group is, and a tap on iommu_alloc_resv_region(), which drivers
 *   call (arm-smmu, arm-smmu-v3, virtio-iommu, in 4.14 to 7.3), puts it in the
 *   place of the driver's own arguments.  Lists of groups and of devices have it.
 * - in the group's list, when iommu_get_group_resv_regions() returns.  The list
 *   belongs to the caller, so its entries can be edited.  iommufd asks for the
 *   lists of devices, and does not see it.
 *
 * A container of VFIO has one cookie for all groups that share a domain, at the
 * place that the first one of them had: groups that are attached later only add
 * holes (the loop over iommu->domain_list in vfio_iommu_type1_attach_group()).
 * When the first one leaves, its hole is forgotten, and the doorbells are where a
 * user may map.  So a group whose window is elsewhere is kept out of a container:
 * its list is answered with an error, by which VFIO refuses the group.
 *
 * VFIO reads the lists of a container's groups again and again, so windows that
 * are in use must stay where they are, even if this module is unloaded: it is
 * held for as long as a domain lives to which a group with a moved window was
 * attached.  iommufd copies the place when it attaches.
 *
 * Locks: table_lock, raw because taps run with preemption off, also on
 * PREEMPT_RT.  Nothing is called under it that could sleep or be hooked.
 */
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "compat/iommu.h"
#include "declared.h"
#include "list.h"
#include "msi_window.h"

/*
 * Where a self-test puts the window of the list that it asks for itself: the last
 * MiB but one of all addresses, where no IOMMU translates.
 */
static const struct resv_range mark_at = {
	.start = 0xffffffffffe00000ULL,
	.end = 0xffffffffffefffffULL,
};

static DEFINE_HASHTABLE(windows, 6);
static DEFINE_RAW_SPINLOCK(table_lock);
static bool move_in_list;	/* the second way is in use */
static bool moved_any;		/* since the taps were put in */

/**
 * struct lister - a task between a driver's function and its entry
 * @task: the task; only compared
 * @at: where the window is to be
 */
struct lister {
	const struct task_struct *task;
	struct resv_range at;
};

/*
 * The time between is that of one allocation, so many at once take as many CPUs
 * that are short of memory.
 */
static struct lister listers[64];
static unsigned int next_victim;

static struct resv_msi_window *find(const struct iommu_group *group)
{
	struct resv_msi_window *w;

	hash_for_each_possible(windows, w, node, (unsigned long)group)
		if (w->group == group)
			return w;
	return NULL;
}

/* Where the doorbells of the group are, or will be. */
static const struct resv_range *place(const struct resv_msi_window *w)
{
	return w->strayed ? &w->cookie_at : &w->at;
}

static bool is_same(const struct resv_range *a, const struct resv_range *b)
{
	return a->start == b->start && a->end == b->end;
}

/**
 * resv_msi_window_find() - the window of a group
 * @group: live group
 *
 * Context: the registry's lock is held.
 * Return: the window, or NULL if the group has none, or it is not known yet
 */
struct resv_msi_window *resv_msi_window_find(const struct iommu_group *group)
{
	return find(group);
}

/**
 * resv_msi_window_add() - a group with a movable window was found
 * @group: live group
 * @id: its number
 * @native: where the driver puts the window
 *
 * Context: the registry's lock is held; may sleep.
 * Return: the window, or NULL for lack of memory
 */
struct resv_msi_window *resv_msi_window_add(struct iommu_group *group, int id,
					    const struct resv_range *native)
{
	struct resv_msi_window *w = kzalloc(sizeof(*w), GFP_KERNEL);
	unsigned long flags;

	if (!w)
		return NULL;
	w->group = group;
	w->id = id;
	w->native = *native;
	w->at = *native;
	w->seen = true;
	raw_spin_lock_irqsave(&table_lock, flags);
	hash_add(windows, &w->node, (unsigned long)group);
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return w;
}

/**
 * resv_msi_window_move() - from now on lists have the window there
 * @w: window
 * @to: where; @w's own place if @by is RESV_WINDOW_BY_KERNEL
 * @by: who placed it
 *
 * Context: the registry's lock and the group's mutex are held, and the group
 *	was found free under that; does not sleep.
 * Return: 0, or -EBUSY if it is being attached just now
 */
int resv_msi_window_move(struct resv_msi_window *w, const struct resv_range *to,
			 enum resv_window_by by)
{
	unsigned long flags;
	int ret = 0;

	raw_spin_lock_irqsave(&table_lock, flags);
	/* Whoever attaches holds the module first, or does not hold it. */
	if (w->domain) {
		ret = -EBUSY;
	} else {
		w->at = *to;
		w->by = by;
		if (by != RESV_WINDOW_BY_KERNEL)
			WRITE_ONCE(moved_any, true);
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	if (!ret && by != RESV_WINDOW_BY_KERNEL && !w->held) {
		/* The kobject is the first member, see layout_known() in group.c. */
		kobject_get((struct kobject *)w->group);
		w->held = true;
	}
	return ret;
}

static void forget(struct resv_msi_window *w)
{
	unsigned long flags;
	bool pinned;

	raw_spin_lock_irqsave(&table_lock, flags);
	hash_del(&w->node);
	pinned = w->held_by;
	raw_spin_unlock_irqrestore(&table_lock, flags);
	if (pinned)
		module_put(THIS_MODULE);
	if (w->held)
		kobject_put((struct kobject *)w->group);
	kfree(w);
}

/**
 * resv_msi_window_gone() - a group has no device any more, or is no more
 * @group: the group; only its address need mean something
 *
 * Context: the registry's lock is held.
 */
void resv_msi_window_gone(const struct iommu_group *group)
{
	struct resv_msi_window *w = find(group);

	if (w)
		forget(w);
}

/**
 * resv_msi_windows_in_force() - is any window moved, or in use from when it was?
 *
 * The second is what this module is held for.
 *
 * Context: the registry's lock is held.
 */
bool resv_msi_windows_in_force(void)
{
	struct resv_msi_window *w;
	unsigned int bkt;

	hash_for_each(windows, bkt, w, node)
		if (w->by != RESV_WINDOW_BY_KERNEL || READ_ONCE(w->held_by))
			return true;
	return false;
}

/**
 * resv_msi_windows_unwatched() - no tap is in any more
 *
 * Who is attached to what is not known from now on; whoever is has the window
 * at the kernel's place.
 *
 * Context: any; no window is moved, and none held.
 */
void resv_msi_windows_unwatched(void)
{
	struct resv_msi_window *w;
	unsigned long flags;
	unsigned int bkt;

	raw_spin_lock_irqsave(&table_lock, flags);
	hash_for_each(windows, bkt, w, node) {
		w->container = NULL;
		w->joined = false;
		w->joiner = NULL;
		w->first = NULL;
		w->domain = NULL;
		w->strayed = false;
	}
	memset(listers, 0, sizeof(listers));
	WRITE_ONCE(moved_any, false);
	WRITE_ONCE(move_in_list, false);
	raw_spin_unlock_irqrestore(&table_lock, flags);
}

/**
 * resv_msi_windows_doubt() - taps were off for some time
 *
 * Context: any.
 */
void resv_msi_windows_doubt(void)
{
	struct resv_msi_window *w;
	unsigned long flags;
	unsigned int bkt;

	raw_spin_lock_irqsave(&table_lock, flags);
	hash_for_each(windows, bkt, w, node)
		w->doubt = true;
	raw_spin_unlock_irqrestore(&table_lock, flags);
}

/**
 * resv_msi_window_settle() - the group was looked at: is what is known of it right?
 * @w: window
 * @in_use: somebody has attached the group
 *
 * Who attached while the taps were off has the window at the kernel's place; who
 * detached then holds the module no more.
 *
 * Context: the registry's lock is held.
 */
void resv_msi_window_settle(struct resv_msi_window *w, bool in_use)
{
	unsigned long flags;
	bool held = false;

	raw_spin_lock_irqsave(&table_lock, flags);
	if (w->doubt && !in_use) {
		held = w->held_by;
		w->held_by = NULL;
		w->domain = NULL;
		w->first = NULL;
		w->container = NULL;
		w->joined = false;
		w->strayed = false;
	} else if (w->doubt && !w->domain) {
		w->strayed = w->by != RESV_WINDOW_BY_KERNEL;
		w->cookie_at = w->native;
	}
	w->doubt = false;
	raw_spin_unlock_irqrestore(&table_lock, flags);
	if (held)
		module_put(THIS_MODULE);
}

/**
 * resv_msi_windows_walk_begins() - all groups will be looked at
 *
 * Context: the registry's lock is held.
 */
void resv_msi_windows_walk_begins(void)
{
	struct resv_msi_window *w;
	unsigned int bkt;

	hash_for_each(windows, bkt, w, node)
		w->seen = false;
}

/**
 * resv_msi_windows_walk_ends() - all groups were looked at, and none was left out
 *
 * Context: the registry's lock is held.
 */
void resv_msi_windows_walk_ends(void)
{
	struct resv_msi_window *w;
	struct hlist_node *tmp;
	unsigned int bkt;

	hash_for_each_safe(windows, bkt, tmp, w, node)
		if (!w->seen)
			forget(w);
}

/**
 * resv_msi_windows_exit() - all windows are the kernel's again
 *
 * Who attaches now cannot hold the module any more and finds the kernel's place
 * (resv_msi_tap_attach()); nobody has attached before, or the module would be
 * held.  Or loading has failed, and it never was.
 *
 * Context: the registry's lock is held.
 */
void resv_msi_windows_exit(void)
{
	struct resv_msi_window *w;
	struct hlist_node *tmp;
	unsigned int bkt;

	hash_for_each_safe(windows, bkt, tmp, w, node)
		forget(w);
}

/**
 * resv_msi_windows_by_list() - the second way is in use, for some group at least
 *
 * Where the first one is, no entry is left at the driver's place for the second.
 */
void resv_msi_windows_by_list(void)
{
	WRITE_ONCE(move_in_list, true);
}

/* An entry for the calling task, with table_lock held. */
static struct lister *lister_of_current(bool make, bool *full)
{
	struct lister *free = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(listers); i++) {
		if (listers[i].task == current)
			return &listers[i];
		if (!listers[i].task && !free)
			free = &listers[i];
	}
	*full = make && !free;
	if (*full)
		free = &listers[next_victim++ % ARRAY_SIZE(listers)];
	return make ? free : NULL;
}

/**
 * resv_msi_tap_device() - a driver is about to list a device's regions
 * @dev: the device
 * @mark: this is the self-test
 *
 * Context: any; does not sleep.
 * Return: how many windows will be missing because too many tasks list at once
 */
unsigned int resv_msi_tap_device(struct device *dev, bool mark)
{
	const struct resv_range *at = NULL;
	struct resv_msi_window *w;
	struct lister *lister;
	unsigned long flags;
	bool full = false;

	/* This tap is in for declared regions, too. */
	if (!mark && !READ_ONCE(moved_any))
		return 0;
	raw_spin_lock_irqsave(&table_lock, flags);
	w = find(dev->iommu_group);
	if (mark)
		at = &mark_at;
	else if (w && !is_same(place(w), &w->native))
		at = place(w);
	/* What is left of a driver that ran out of memory ends here, too. */
	lister = lister_of_current(at, &full);
	if (lister && at) {
		lister->task = current;
		lister->at = *at;
	} else if (lister) {
		lister->task = NULL;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return full;
}

/**
 * resv_msi_tap_alloc() - a driver is about to make the entry of its window
 * @window: set to where it is to be
 *
 * Context: any; does not sleep.
 * Return: it is not to be where the driver puts it
 */
bool resv_msi_tap_alloc(struct resv_range *window)
{
	struct lister *lister;
	unsigned long flags;
	bool full;

	raw_spin_lock_irqsave(&table_lock, flags);
	lister = lister_of_current(false, &full);
	if (lister) {
		*window = lister->at;
		lister->task = NULL;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return lister;
}

/**
 * resv_msi_tap_forget() - the calling task lists nothing any more
 *
 * A self-test may have left a mark for an entry that was never made.
 */
void resv_msi_tap_forget(void)
{
	struct resv_range unused;

	resv_msi_tap_alloc(&unused);
}

/* With table_lock held: the other group of @w's container, if its place differs. */
static const struct resv_msi_window *odd_one_out(const struct resv_msi_window *w)
{
	const struct resv_msi_window *other;
	unsigned int bkt;

	hash_for_each(windows, bkt, other, node)
		if (other != w && other->domain &&
		    other->container == w->container &&
		    place(other)->start != place(w)->start)
			return other;
	return NULL;
}

static void move_entries(struct list_head *head, const struct resv_range *from,
			 const struct resv_range *to)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(absorbed);
	LIST_HEAD(moving);

	list_for_each_entry_safe(region, next, head, list)
		if (region->type == IOMMU_RESV_SW_MSI &&
		    (!from || region->start == from->start))
			list_move_tail(&region->list, &moving);
	list_for_each_entry_safe(region, next, &moving, list) {
		list_del(&region->list);
		region->start = to->start;
		region->length = to->end - to->start + 1;
		resv_list_insert(head, region, &absorbed);
	}
	resv_declared_take_back(&absorbed);
}

/**
 * resv_msi_tap_listing() - the kernel is about to list a group's regions
 * @group: the group
 *
 * Anybody may read the kernel's file, in many tasks at once, and each call that is
 * to be seen again when it returns takes one of a limited number of places.
 *
 * Context: any; does not sleep.
 * Return: resv_msi_tap_listed() is needed for this call
 */
bool resv_msi_tap_listing(const struct iommu_group *group)
{
	const struct resv_msi_window *w;
	unsigned long flags;
	bool needed;

	raw_spin_lock_irqsave(&table_lock, flags);
	w = find(group);
	needed = w && (w->joiner == current ||
		       (move_in_list && !is_same(place(w), &w->native)));
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return needed;
}

/**
 * resv_msi_tap_listed() - the kernel has listed a group's regions
 * @group: the group
 * @head: the list; can have those of other groups of the same container
 * @mark: this is the self-test
 *
 * Context: any; does not sleep.
 * Return: 0, or the errno that the caller is to get
 */
int resv_msi_tap_listed(struct iommu_group *group, struct list_head *head,
			bool mark)
{
	struct resv_range at = { 0 }, native = { 0 }, theirs = { 0 };
	const struct resv_msi_window *other = NULL;
	struct resv_msi_window *w;
	unsigned long flags;
	bool edit = false;
	int id = 0;

	if (mark) {
		move_entries(head, NULL, &mark_at);
		return 0;
	}
	raw_spin_lock_irqsave(&table_lock, flags);
	w = find(group);
	if (w) {
		at = *place(w);
		native = w->native;
		edit = move_in_list && !is_same(&at, &native);
		/* VFIO has attached the group, and wants to know where it can map. */
		if (w->joiner == current && w->domain) {
			w->joiner = NULL;
			other = odd_one_out(w);
		}
		if (other) {
			theirs = *place(other);
			id = other->id;
		}
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	if (edit)
		move_entries(head, &native, &at);
	if (!other)
		return 0;
	pr_err_ratelimited("group %d: its MSI window is at 0x%llx, that of group %d in the same container at 0x%llx, and a container has one: not attached (EINVAL); write the same to msi_window of both\n",
			   iommu_group_id(group), at.start, id, theirs.start);
	return -EINVAL;
}

/**
 * resv_msi_tap_join() - VFIO is about to attach a group to a container
 * @container: what type 1 goes by, which stays the same for the container
 * @group: the group
 *
 * Context: any; does not sleep.
 */
void resv_msi_tap_join(const void *container, const struct iommu_group *group)
{
	struct resv_msi_window *w;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	w = find(group);
	if (w) {
		w->container = container;
		w->joined = true;
		w->joiner = current;
		w->first = NULL;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
}

/*
 * With table_lock held: the group goes to a domain that the container had before.
 * Its cookie is where another group of it had its window; one that was attached
 * before this module was loaded had it at the kernel's place.
 */
static void share_cookie(struct resv_msi_window *w)
{
	const struct resv_msi_window *other;
	const struct resv_range *at = &w->native;
	unsigned int bkt;

	hash_for_each(windows, bkt, other, node)
		if (other != w && other->domain == w->domain)
			at = place(other);
	w->strayed = at->start != w->at.start;
	w->cookie_at = *at;
}

/**
 * resv_msi_tap_attach() - a group is about to be attached to a domain
 * @domain: the domain
 * @group: the group
 *
 * VFIO attaches before it asks for the list, so the module is held before a
 * moved window can get into use.
 *
 * Context: any; does not sleep.
 */
void resv_msi_tap_attach(const struct iommu_domain *domain,
			 const struct iommu_group *group)
{
	struct resv_msi_window *w;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	w = find(group);
	if (!w)
		goto unlock;
	w->domain = domain;
	if (!w->first)
		w->first = domain;
	w->strayed = false;
	/*
	 * Before v5.18 a group looks free until it is attached, so that VFIO may
	 * have been on its way before its join could be seen.
	 */
	if ((w->joined || !RESV_HAVE(RESV_PUT_CORE)) && domain != w->first)
		share_cookie(w);
	if (is_same(place(w), &w->native))
		goto unlock;
	/* Being unloaded: too late to move anything. */
	if (!w->held_by && !try_module_get(THIS_MODULE)) {
		w->strayed = false;
		w->by = RESV_WINDOW_BY_KERNEL;
		w->at = w->native;
	} else {
		w->held_by = domain;
	}
unlock:
	raw_spin_unlock_irqrestore(&table_lock, flags);
}

/**
 * resv_msi_tap_detach() - a group is about to be detached
 * @domain: from this domain
 * @group: the group
 *
 * Context: any; does not sleep.
 */
void resv_msi_tap_detach(const struct iommu_domain *domain,
			 const struct iommu_group *group)
{
	struct resv_msi_window *w;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	w = find(group);
	/* Or it was attached while taps were off. */
	if (w && (w->domain == domain || !w->domain)) {
		w->domain = NULL;
		w->strayed = false;
		/* Else it goes from the one it came with to one that was there. */
		if (!w->joined)
			w->container = NULL;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
}

/**
 * resv_msi_tap_free() - a domain is about to be freed
 * @domain: the domain
 *
 * Context: any; does not sleep.
 */
void resv_msi_tap_free(const struct iommu_domain *domain)
{
	struct resv_msi_window *w;
	unsigned int bkt, holds = 0;
	struct resv_range at = { 0 };
	unsigned long flags;
	int strayed = -1;

	raw_spin_lock_irqsave(&table_lock, flags);
	hash_for_each(windows, bkt, w, node) {
		/* Attaching has failed, and there was nothing to detach. */
		if (w->domain == domain) {
			w->domain = NULL;
			w->strayed = false;
			w->joiner = NULL;
		}
		/* The attach is over: it failed, was undone, or found another domain. */
		if (w->first == domain) {
			w->first = NULL;
			w->joined = false;
			if (!w->domain)
				w->container = NULL;
			if (w->strayed) {
				strayed = w->id;
				at = w->cookie_at;
			}
		}
		if (w->held_by == domain) {
			w->held_by = NULL;
			holds++;
		}
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	while (holds--)
		module_put(THIS_MODULE);
	if (strayed >= 0)
		pr_err_ratelimited("group %d: its container has the MSI window at 0x%llx, so this group has it there, too, until it leaves\n",
				   strayed, at.start);
}

/**
 * resv_msi_tap_place() - where are the group's doorbells to be mapped?
 * @group: group
 * @window: set to the window
 *
 * Context: any; does not sleep.
 * Return: it has a window
 */
bool resv_msi_tap_place(const struct iommu_group *group,
			struct resv_range *window)
{
	struct resv_msi_window *w;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	w = find(group);
	if (w)
		*window = *place(w);
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return w;
}

/**
 * resv_msi_marked() - has a hook moved the window of this list?
 * @head: list of a group, of the self-test
 */
bool resv_msi_marked(const struct list_head *head)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, head, list)
		if (region->type == IOMMU_RESV_SW_MSI &&
		    region->start == mark_at.start &&
		    region->length == mark_at.end - mark_at.start + 1)
			return true;
	return false;
}

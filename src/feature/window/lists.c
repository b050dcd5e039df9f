// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a moved window gets into the kernel's lists.
 *
 * There are two ways, and taps.c chooses one:
 *
 * - Where the driver makes the entry.  The tap on the driver's function that lists a
 *   device's regions knows the device, and notes the place of its group's window for the
 *   calling task.  The tap on iommu_alloc_resv_region(), which drivers call (arm-smmu,
 *   arm-smmu-v3, virtio-iommu, in 4.14 to 7.3), puts that place into the arguments.  This
 *   changes the lists of groups and of devices.
 * - In the list of the group, when iommu_get_group_resv_regions() returns.  The list
 *   belongs to the caller, so the tap can edit its entries.  iommufd does not see this,
 *   because it asks for the lists of devices.
 *
 * In both cases a tap at the return of that function checks each list that VFIO asks for.
 * If another tap missed a call and left the entry at the driver's place, this tap moves
 * the entry.  If the list does not have the window at its place, the tap makes the
 * function fail: VFIO would map doorbells elsewhere, or let the guest map there.
 *
 * The same tap makes the function fail for a group whose window differs from the one of
 * its container.  The callers unwind and return the error
 * (vfio_iommu_type1_attach_group() since v5.4; before, and in sysfs, they ignore it).
 *
 * Locks: listers_lock protects the table of tasks; it is raw because handlers run with
 * preemption off, also on PREEMPT_RT.  Windows are read under the tracker's lock.  The two
 * locks do not nest.
 */
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "feature/window/table.h"
#include "hook/caller.h"
#include "hook/stock.h"
#include "hook/list.h"

/*
 * Where a self-test puts the window in its own list: the last MiB but one of all
 * addresses, where no IOMMU translates.
 */
static const struct resv_range mark_at = {
	.start = 0xffffffffffe00000ULL,
	.end = 0xffffffffffefffffULL,
};

static bool move_in_list;	/* some group needs the second way */

/**
 * struct lister - a task between a driver's function and its allocation of the entry
 * @task: the task; only compared
 * @at: where the window has to be
 */
struct lister {
	const struct task_struct *task;
	struct resv_range at;
};

/*
 * A task is in the table only for the time of one allocation, so the table is full only
 * if as many tasks wait for memory at once.
 */
static struct lister listers[64];
static unsigned int next_victim;
static DEFINE_RAW_SPINLOCK(listers_lock);

/**
 * struct listing - one call of iommu_get_group_resv_regions()
 * @group: its first argument
 * @head: its second argument
 */
struct listing {
	struct iommu_group *group;
	struct list_head *head;
};

/**
 * resv_msi_lists_move_in_group() - use the second way, too
 *
 * Some group needs it.  For groups for which the first way works, the second finds no
 * entry at the driver's place.
 *
 * Context: any.
 */
void resv_msi_lists_move_in_group(void)
{
	WRITE_ONCE(move_in_list, true);
}

/**
 * resv_msi_lists_reset() - drop all notes of the taps
 *
 * Context: any; no tap is installed, and no window is moved.
 */
void resv_msi_lists_reset(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&listers_lock, flags);
	memset(listers, 0, sizeof(listers));
	raw_spin_unlock_irqrestore(&listers_lock, flags);
	WRITE_ONCE(resv_msi_windows_moved, false);
	WRITE_ONCE(move_in_list, false);
}

/* Find or make the calling task's entry; listers_lock is held. */
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

/*
 * Note for the calling task where the window of its list has to be.  NULL means the
 * driver's place, and drops a note that stayed because a driver ran out of memory.
 *
 * Return: true if this overwrote another task's note
 */
static bool note_place(const struct resv_range *at)
{
	struct lister *lister;
	unsigned long flags;
	bool full = false;

	raw_spin_lock_irqsave(&listers_lock, flags);
	lister = lister_of_current(at, &full);
	if (lister) {
		lister->task = at ? current : NULL;
		if (at)
			lister->at = *at;
	}
	raw_spin_unlock_irqrestore(&listers_lock, flags);
	return full;
}

/* Take the calling task's note.  Return: true if there was one */
static bool take_place(struct resv_range *at)
{
	struct lister *lister;
	unsigned long flags;
	bool full;

	raw_spin_lock_irqsave(&listers_lock, flags);
	lister = lister_of_current(false, &full);
	if (lister) {
		*at = lister->at;
		lister->task = NULL;
	}
	raw_spin_unlock_irqrestore(&listers_lock, flags);
	return lister;
}

static struct resv_msi_window *window_of(const struct iommu_group *group,
					 struct resv_attach_group **g)
{
	*g = resv_attach_group_find(group);
	return *g ? (*g)->data[RESV_MSI_WINDOW_CLIENT] : NULL;
}

/* Return: true if the window of the group is moved, with its place in @at */
static bool moved_place(const struct iommu_group *group, struct resv_range *at)
{
	const struct resv_msi_window *w;
	struct resv_attach_group *g;
	unsigned long flags;
	bool moved;

	flags = resv_attach_lock();
	w = window_of(group, &g);
	moved = w && resv_msi_window_is_moved(w);
	if (moved)
		*at = *resv_msi_window_at(w);
	resv_attach_unlock(flags);
	return moved;
}

/* void get_resv_regions(struct device *dev, struct list_head *head) of a driver */
static bool enter_device(struct resv_call *call)
{
	const struct device *dev = (void *)compat_argument(call->regs, 0);
	struct resv_range place, *at = NULL;

	if (resv_tap_marking(&resv_msi_alloc_tap)) {
		place = mark_at;
		at = &place;
	} else if (!READ_ONCE(resv_msi_windows_moved)) {
		return true;
	} else if (moved_place(dev->iommu_group, &place)) {
		at = &place;
	}
	if (unlikely(note_place(at))) {
		resv_call_lost(call, 1);
		pr_warn_ratelimited("too many tasks list regions at once: an MSI window may be missing from a list\n");
	}
	return true;
}

/* iommu_alloc_resv_region(phys_addr_t start, size_t length, int prot, type, ...) */
static bool enter_alloc(struct resv_call *call)
{
	struct resv_range at;

	if ((u32)compat_argument(call->regs, 3) != IOMMU_RESV_SW_MSI ||
	    !take_place(&at))
		return true;
	compat_argument_set(call->regs, 0, at.start);
	compat_argument_set(call->regs, 1, at.end - at.start + 1);
	return true;
}

/*
 * Any user may read the kernel's file, in many tasks at once, and each call whose return
 * is handled occupies one of a limited number of instances.  So handle few calls.
 */
static bool enter_list(struct resv_call *call)
{
	bool moves = READ_ONCE(move_in_list) || resv_caller_is_vfio(call->regs);
	struct listing *listing = call->data;
	const struct resv_msi_window *w;
	struct resv_attach_group *g;
	unsigned long flags;
	bool needed;

	listing->group = (void *)compat_argument(call->regs, 0);
	listing->head = (void *)compat_argument(call->regs, 1);
	if (call->marking)
		return true;
	flags = resv_attach_lock();
	w = window_of(listing->group, &g);
	needed = w && ((g->state == RESV_ATTACH_ATTACHING && g->task == current) ||
		       (moves && resv_msi_window_is_moved(w)));
	resv_attach_unlock(flags);
	return needed;
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
	resv_stock_take_back(&absorbed);
}

/* Is the window of a list at @at? */
static bool is_at(const struct list_head *head, const struct resv_range *at)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, head, list)
		if (region->type == IOMMU_RESV_SW_MSI &&
		    region->start == at->start)
			return true;
	return false;
}

/*
 * Find the window of another group of the same container, if it differs from @w of @g;
 * the tracker's lock is held.
 */
static const struct resv_msi_window *
other_place(const struct resv_attach_group *g, const struct resv_msi_window *w)
{
	const struct resv_attach_group *other;

	if (!g->container)
		return NULL;
	resv_attach_container_for_each(other, g->container) {
		const struct resv_msi_window *theirs =
			other->data[RESV_MSI_WINDOW_CLIENT];

		if (other != g && other->domain && theirs &&
		    resv_msi_window_at(theirs)->start !=
		    resv_msi_window_at(w)->start)
			return theirs;
	}
	return NULL;
}

/* The caller's list may already have entries of other groups of the same container. */
static void leave_list(struct resv_call *call)
{
	struct resv_range at = { 0 }, native = { 0 }, theirs = { 0 };
	const struct resv_msi_window *w, *other = NULL;
	const struct listing *listing = call->data;
	struct resv_attach_group *g;
	unsigned long flags;
	bool edit = false;
	int id = 0;

	if (call->marking) {
		move_entries(listing->head, NULL, &mark_at);
		return;
	}
	flags = resv_attach_lock();
	w = window_of(listing->group, &g);
	if (w) {
		at = *resv_msi_window_at(w);
		native = w->native;
		edit = resv_msi_window_is_moved(w);
		/* VFIO has attached the group, and asks where it can map. */
		if (g->state == RESV_ATTACH_ATTACHING && g->task == current &&
		    g->domain)
			other = other_place(g, w);
		if (other) {
			theirs = *resv_msi_window_at(other);
			id = other->id;
		}
	}
	resv_attach_unlock(flags);
	if (edit)
		move_entries(listing->head, &native, &at);
	if (edit && !compat_result(call->regs) && !is_at(listing->head, &at)) {
		compat_result_set(call->regs, -ENOMEM);
		pr_err_ratelimited("group %d: the MSI window, moved to 0x%llx, is missing from VFIO's list of regions: not attached (ENOMEM)\n",
				   iommu_group_id(listing->group), at.start);
	}
	if (!other)
		return;
	pr_err_ratelimited("group %d: its MSI window is at 0x%llx, but that of group %d in the same container is at 0x%llx, and a container has one: not attached (EINVAL); write the same place to msi_window of both\n",
			   iommu_group_id(listing->group), at.start, id,
			   theirs.start);
	if (!compat_result(call->regs))
		compat_result_set(call->regs, -EINVAL);
}

static bool is_marked(const struct list_head *head)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, head, list)
		if (region->type == IOMMU_RESV_SW_MSI &&
		    region->start == mark_at.start &&
		    region->length == mark_at.end - mark_at.start + 1)
			return true;
	return false;
}

static bool test_mark(struct resv_hook *hook, struct iommu_group *group)
{
	bool marked = resv_tap_marked(hook, group, is_marked);

	/* If the driver made no entry, the note of the mark is still there. */
	note_place(NULL);
	return marked;
}

/* The test of resv_msi_alloc_tap tests this tap, too. */
const struct resv_tap resv_msi_device_tap = {
	.module = "",
	.enter = enter_device,
	.loss = "MSI windows are not moved for iommufd",
};

const struct resv_tap resv_msi_alloc_tap = {
	.symbol = "iommu_alloc_resv_region",
	.module = "",
	.enter = enter_alloc,
	.test = test_mark,
	.loss = "MSI windows are not moved for iommufd",
};

const struct resv_tap resv_msi_listed_tap = {
	.symbol = "iommu_get_group_resv_regions",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct listing),
	.enter = enter_list,
	.leave = leave_list,
	.test = test_mark,
	.loss = "MSI windows of groups that share a container can differ",
};

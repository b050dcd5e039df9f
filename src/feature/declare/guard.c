// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard: checks a group's list before VFIO gets it.
 *
 * A list can lack a declared region: a tap had no memory, another livepatch has just
 * replaced ours, or the backends are being switched.  So while a region is declared, in
 * every mode of the hooks but "none", a tap checks each list when
 * iommu_get_group_resv_regions() returns.  If a region is missing, the tap makes the
 * function return -ENOMEM.  VFIO's type 1 since v5.4 asks for the list in each attach,
 * and unwinds the attach on an error (vfio_iommu_type1_attach_group()); in a detach VFIO
 * then keeps the ranges that it has (vfio_iommu_resv_refresh()).
 *
 * iommufd asks for the lists of devices, by a function that cannot fail: see iommufd.c.
 *
 * The tap reads the table under RCU, and takes no lock.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/rculist.h>
#include "compat/iommu.h"
#include "compat/regs.h"
#include "feature/declare/declare.h"
#include "group/group.h"
#include "hook/caller.h"
#include "hook/engine.h"
#include "hook/fault.h"
#include "source/native.h"

/* A self-test makes the function return this errno, which it never returns itself. */
#define MARK_RESULT	(-EXDEV)

/* Number of entries so far that could not be added to a list. */
static atomic_t lost = ATOMIC_INIT(0);

/**
 * struct listing - one call of iommu_get_group_resv_regions()
 * @group: its first argument
 * @head: its second argument
 * @lost: value of the counter when the call began
 */
struct listing {
	const struct iommu_group *group;
	const struct list_head *head;
	int lost;
};

/**
 * resv_declare_guard_lost() - note that entries could not be added to a list
 * @nr: number of entries
 *
 * Every list that is being made now counts as incomplete.  This covers regions of new
 * devices whose group is not known yet.
 *
 * Context: any.
 */
void resv_declare_guard_lost(unsigned int nr)
{
	atomic_add(nr, &lost);
}

static bool enter_guard(struct resv_call *call)
{
	struct listing *listing = call->data;

	listing->group = (void *)compat_argument(call->regs, 0);
	listing->head = (void *)compat_argument(call->regs, 1);
	listing->lost = atomic_read(&lost);
	return call->marking || resv_caller_is_vfio(call->regs);
}

/**
 * resv_declared_is_listed() - is a region on a list of the kernel?
 * @d: region
 * @head: list
 *
 * Context: the caller owns the list.
 * Return: true if it is, as an entry or as a part of one
 */
bool resv_declared_is_listed(const struct resv_declared *d, const struct list_head *head)
{
	const struct iommu_resv_region *region;

	/* The kernel merges regions of one type that overlap or touch. */
	list_for_each_entry(region, head, list)
		if (region->type == IOMMU_RESV_RESERVED &&
		    region->start <= d->start &&
		    region->start + (region->length - 1) >= d->end)
			return true;
	return false;
}

static bool lacks_any(const struct listing *listing)
{
	const struct resv_declared *d;
	bool lacks = false;

	rcu_read_lock();
	list_for_each_entry_rcu(d, &resv_declared_list, node)
		if (READ_ONCE(d->group) == listing->group &&
		    !READ_ONCE(d->held) && !resv_declared_is_listed(d, listing->head)) {
			lacks = true;
			break;
		}
	rcu_read_unlock();
	return lacks;
}

static void leave_guard(struct resv_call *call)
{
	const struct listing *listing = call->data;

	if (call->marking) {
		compat_result_set(call->regs, MARK_RESULT);
		return;
	}
	if (compat_result(call->regs) ||
	    (listing->lost == atomic_read(&lost) && !lacks_any(listing)))
		return;
	compat_result_set(call->regs, -ENOMEM);
	pr_err_ratelimited("group %d: a declared region is missing from VFIO's list of regions: not attached (ENOMEM)\n",
			   iommu_group_id((struct iommu_group *)listing->group));
}

static bool test_guard(struct resv_hook *hook, struct iommu_group *group)
{
	return resv_tap_result(hook, group, MARK_RESULT);
}

static const struct resv_tap guard_tap = {
	.symbol = "iommu_get_group_resv_regions",
	.module = "",
	.at_return = true,
	.data_size = sizeof(struct listing),
	.enter = enter_guard,
	.leave = leave_guard,
	.test = test_guard,
	.required = true,
	.failed = "the caller does not get an error (inlined, or probes are turned off)",
	.again = resv_groups_rescan_soon,
	.loss = "an attach is not refused if the list lacks a declared region",
};

/* If this module makes the list, or checks maps itself, no caller heeds the error. */
static bool is_needed(void)
{
	/* If a test hooks another function, install only that hook. */
	return resv_native_list() && resv_native_checks() && !resv_test_symbol();
}

/**
 * resv_declare_guard_get() - install the guard, and the taps for iommufd's lists
 * @group: for the self-test, see resv_tap_get(); or NULL
 *
 * Context: may sleep; resv_declare_lock may be held.
 * Return: true if the guard works, or is not needed
 */
bool resv_declare_guard_get(struct iommu_group *group)
{
	if (!is_needed())
		return true;
	resv_caller_learn();
	resv_declare_iommufd_get(group);
	return resv_tap_get(&guard_tap, 0, group);
}

/**
 * resv_declare_guard_rest() - remove the guard and those taps if no region is
 *	declared
 *
 * Context: sleeps for grace periods; resv_declare_lock is not held.
 */
void resv_declare_guard_rest(void)
{
	mutex_lock(&resv_declare_lock);
	if (!list_empty(&resv_declared_list))
		goto unlock;
	if (resv_tap_state(&guard_tap, NULL) != RESV_TAP_OUT)
		resv_tap_put(&guard_tap, NULL);
	resv_declare_iommufd_rest();
unlock:
	mutex_unlock(&resv_declare_lock);
}

/**
 * resv_declare_guard_broken() - why does the guard not work?
 *
 * Context: may sleep.
 * Return: the reason, static text; NULL if the guard works or no region is declared
 */
const char *resv_declare_guard_broken(void)
{
	const char *reason;

	return resv_tap_state(&guard_tap, &reason) == RESV_TAP_INERT ? reason :
								      NULL;
}

static bool guard_wanted(enum resv_hook_mode mode)
{
	return mode != RESV_HOOKS_NONE;
}

static const struct resv_tap *const taps[] = { &guard_tap };

/* Not in resv_feature_declare, which removes its kprobes once the livepatch works. */
const struct resv_feature resv_feature_guard = {
	.name = "declared-regions-guard",
	.taps = taps,
	.nr_taps = ARRAY_SIZE(taps),
	.wanted = guard_wanted,
};

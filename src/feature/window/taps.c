// SPDX-License-Identifier: GPL-2.0-only
/*
 * When to install the taps of MSI windows.
 *
 * The taps cost a few thousand instructions for each attach, so they are installed only
 * while a window is moved or about to be moved.  When the first group with a movable
 * window is found, they are tested once and removed again, so that the file "features"
 * can tell whether a window can be moved before a user tries.
 *
 * Locks: resv_msi_windows_lock protects the variables below.
 */
#include <linux/kernel.h>
#include "compat/iommu.h"
#include "feature/window/table.h"
#include "group/group.h"
#include "hook/caller.h"
#include "hook/fault.h"
#include "source/native.h"
#include "source/source.h"

#define NOT_NEEDED	"no MSI window is moved"

/* Readers of the table of windows come last. */
const struct resv_tap *const resv_msi_window_taps[RESV_MSI_WINDOW_TAPS] = {
	&resv_msi_device_tap,
	&resv_msi_alloc_tap,
	&resv_msi_listed_tap,
};

static unsigned int changes;	/* number of writes to files under way */
static bool needed;		/* a window is moved, or about to be moved */
static bool installed;		/* the taps were requested, and not removed since */
static bool requested;		/* the parameter moves windows */
static bool denied_any;		/* it could not move some group's: no hook worked */
static bool tried;		/* it is known whether the taps work */
static bool works;		/* a window could be moved at the last test */
static bool by_list;		/* ... for some group only in the list of the group */
static bool walking;		/* a walk over all groups is under way */
static bool again;		/* ... and has not tested the taps yet */
static const char *broken;	/* why they did not work; static text, or NULL */

/*
 * Retry taps that did not work: an allocation may have failed, or the kernel may have
 * hidden one call from the probe.
 */
static void retry(void)
{
	/* The feature "declare" retries the place at the driver's own function. */
	resv_tap_retry(&resv_msi_alloc_tap);
	resv_tap_retry(&resv_msi_listed_tap);
	/* lists.c goes on editing lists both ways until the taps are removed. */
	by_list = false;
}

static void remove_taps(const char *reason)
{
	if (!installed)
		return;
	installed = false;
	resv_tap_put_all(resv_msi_window_taps, RESV_MSI_WINDOW_TAPS, reason);
	resv_attach_unwatch(&resv_msi_window_client, reason);
	resv_msi_lists_reset();
}

static void want(void)
{
	if (!needed)
		retry();
	needed = true;
}

/* Remove the taps if no window is moved or about to be moved. */
static void rest(void)
{
	/* If the parameter moves windows, keep the taps for new groups. */
	if (!needed || changes || requested || resv_msi_windows_in_force())
		return;
	needed = false;
	remove_taps(NOT_NEEDED);
}

/**
 * resv_msi_taps_want() - install the taps for good, because the parameter moves windows
 *
 * They are installed when a group is looked at.
 *
 * Context: may sleep; resv_msi_windows_lock is not held.
 */
void resv_msi_taps_want(void)
{
	mutex_lock(&resv_msi_windows_lock);
	requested = true;
	want();
	mutex_unlock(&resv_msi_windows_lock);
}

/**
 * resv_msi_taps_note_denied() - note that the parameter could not move a group's window
 *
 * No hook worked for the group.  When one does, all groups are looked at again.
 *
 * Context: resv_msi_windows_lock is held.
 */
void resv_msi_taps_note_denied(void)
{
	denied_any = true;
}

/**
 * resv_msi_taps_change_begin() - a write to a file of a group begins
 *
 * Context: may sleep; resv_msi_windows_lock is not held.
 */
void resv_msi_taps_change_begin(void)
{
	mutex_lock(&resv_msi_windows_lock);
	changes++;
	want();
	mutex_unlock(&resv_msi_windows_lock);
}

/**
 * resv_msi_taps_change_end() - the write has ended, with or without success
 *
 * Context: sleeps for grace periods; resv_msi_windows_lock is not held.
 */
void resv_msi_taps_change_end(void)
{
	mutex_lock(&resv_msi_windows_lock);
	changes--;
	rest();
	mutex_unlock(&resv_msi_windows_lock);
}

/* Is it known whether the tap works?  If not, an allocation failed. */
static bool is_known(const struct resv_tap *tap)
{
	return resv_tap_state(tap, NULL) != RESV_TAP_OUT;
}

/*
 * Get the taps that move the window where the driver makes the entry.  @known is set to
 * false if an allocation failed, so that a retry may give another answer.
 *
 * Return: true if they work for this group
 */
static bool get_entry_taps(const struct resv_facts *c, struct iommu_group *group,
			   bool *known)
{
	bool all = c->nr_callbacks;
	unsigned int i;

	*known = true;
	if (!COMPAT_DEVICE_LISTS_EDITABLE || c->no_callback ||
	    resv_test_group_level())
		return false;
	for (i = 0; i < c->nr_callbacks; i++)
		all &= resv_tap_get(&resv_msi_device_tap, c->callbacks[i], group);
	if (!all) {
		*known = is_known(&resv_msi_device_tap);
		return false;
	}
	if (resv_tap_get(&resv_msi_alloc_tap, 0, group))
		return true;
	*known = is_known(&resv_msi_alloc_tap);
	return false;
}

/* Why the taps do not work, or NULL */
static const char *why_broken(void)
{
	const char *reason;
	unsigned int i;

	for (i = RESV_MSI_WINDOW_TAPS; i--; )
		if (resv_tap_state(resv_msi_window_taps[i], &reason) ==
		    RESV_TAP_INERT)
			return reason;
	return resv_attach_broken(false);
}

/*
 * Get the taps that move the group's window, if a window is moved or about to be moved,
 * or if it is not known yet whether they work.
 *
 * Return: true if the window can be moved
 */
static bool get_taps(const struct resv_facts *c)
{
	/* iommu_get_group_resv_regions() since v6.1 stops at a device without an IOMMU. */
	struct iommu_group *group = c->no_iommu ? NULL : c->group;
	bool entry, entry_known, listed, watched, retrying;
	struct resv_range window;

	if (!resv_hooks_by_kprobe() || !resv_sources_bound_windows() ||
	    !resv_facts_soft_window(c, &window))
		return false;
	/*
	 * Test at most once in each walk, because a failed test waits for grace periods.
	 * A write of the mode of the hooks starts a walk, so then every hook is retried.
	 */
	retrying = tried && (walking ? again : !works);
	if (!needed && ((tried && !retrying) || !group))
		return tried && works;
	if (retrying)
		retry();
	again = false;
	installed = true;
	/* A search by name takes long, and is useless while no window is moved. */
	if (needed)
		resv_caller_learn();
	listed = resv_tap_get(&resv_msi_listed_tap, 0, group);
	entry = get_entry_taps(c, group, &entry_known);
	watched = resv_attach_watch(&resv_msi_window_client, false);
	/* Do not count a test that failed because an allocation failed. */
	by_list = !entry || (tried && by_list);
	if (by_list)
		resv_msi_lists_move_in_group();
	/* iommufd reads the lists of devices, which only the taps on the entry move. */
	works = watched && (entry || (listed && !IS_ENABLED(CONFIG_IOMMUFD)));
	/* The parameter could not move earlier groups' windows: look at them again. */
	if (works && denied_any)
		resv_groups_rescan_soon();
	denied_any &= !works;
	broken = works ? NULL : why_broken();
	/* If an allocation failed, test again with the next group. */
	tried = entry_known && (listed || is_known(&resv_msi_listed_tap)) &&
		(watched || resv_attach_broken(false));
	if (!needed)
		remove_taps(NOT_NEEDED);
	return works;
}

/**
 * resv_msi_taps_rest() - remove the taps if no window is moved or about to be moved
 *
 * Context: sleeps for grace periods; resv_msi_windows_lock is not held.
 */
void resv_msi_taps_rest(void)
{
	mutex_lock(&resv_msi_windows_lock);
	rest();
	mutex_unlock(&resv_msi_windows_lock);
}

/**
 * resv_msi_taps_prepare() - get the taps that a group needs
 * @c: facts; all devices of the group are known.  Sets @c->movable.
 *
 * Context: the lock of the group's entry is held; may sleep.
 */
void resv_msi_taps_prepare(struct resv_facts *c)
{
	/*
	 * If this module makes the list, no tap is needed, and the feature that maps
	 * doorbells has set @c->movable.  If a test hooks another function, install only
	 * that hook.
	 */
	if (c->own_list || resv_test_symbol())
		return;
	mutex_lock(&resv_msi_windows_lock);
	c->movable = get_taps(c);
	mutex_unlock(&resv_msi_windows_lock);
}

/**
 * resv_msi_taps_walk_begin() - a walk over all groups begins
 *
 * Context: sleeps for grace periods; resv_msi_windows_lock is not held.
 */
void resv_msi_taps_walk_begin(void)
{
	mutex_lock(&resv_msi_windows_lock);
	walking = true;
	again = true;
	if (!resv_hooks_by_kprobe()) {
		/* The mode has changed, so no window is moved. */
		remove_taps(NULL);
		tried = false;
		by_list = false;
	} else if (needed) {
		retry();
	}
	mutex_unlock(&resv_msi_windows_lock);
}

/**
 * resv_msi_taps_walk_end() - the walk has looked at all groups
 *
 * Context: sleeps for grace periods; resv_msi_windows_lock is not held.
 */
void resv_msi_taps_walk_end(void)
{
	mutex_lock(&resv_msi_windows_lock);
	walking = false;
	rest();
	mutex_unlock(&resv_msi_windows_lock);
}

/**
 * resv_msi_taps_status() - describe whether MSI windows can be moved on this machine
 * @s: status to add to
 *
 * Context: may sleep; resv_msi_windows_lock is not held.
 */
void resv_msi_taps_status(struct resv_status *s)
{
	const char *name = "msi-window-move";

	mutex_lock(&resv_msi_windows_lock);
	if (resv_hooks_mode() == RESV_HOOKS_NONE)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"turned off by the parameter hooks=");
	else if (!resv_hooks_by_kprobe())
		resv_status_add(s, name, RESV_STATUS_INERT,
				"only kprobes can move windows: set hooks=auto");
	else if (resv_native_ignored)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"turned off by the parameter native=ignore");
	else if (!resv_native_list())
		;
	else if (!resv_sources_bound_windows())
		resv_status_add(s, name, RESV_STATUS_INERT,
				"sources= excludes kernel, pci, aperture or msi, which say where a window may be");
	else if (!tried)
		resv_status_add(s, name, RESV_STATUS_INERT,
				"no group with a movable window has been seen");
	else if (!works)
		resv_status_unknown(s, name, broken ?:
				    "its hooks do not work");
	else if (by_list)
		resv_status_hooked(s, name, "kretprobe",
				   "iommu_get_group_resv_regions: sysfs and VFIO type 1 see it, iommufd does not");
	else
		resv_status_hooked(s, name, "kprobe",
				   "iommu_alloc_resv_region: sysfs, VFIO type 1 and iommufd see it");
	mutex_unlock(&resv_msi_windows_lock);
}

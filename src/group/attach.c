// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracks which group is attached to which domain and which VFIO container.
 *
 * attach_table.c has the objects and attach_taps.c the events; this file installs and
 * removes the taps.
 *
 * Taps on the functions that VFIO's type 1 calls see each event:
 *
 *   vfio_iommu_type1_open()                     a container begins
 *   vfio_iommu_type1_attach_group()             a group joins it: the bracket opens
 *     iommu_attach_group(new domain, group)
 *     iommu_detach_group(new domain, group)     only if the container has a domain
 *     iommu_attach_group(its domain, group)     that suits the group as well
 *     iommu_domain_free(new domain)
 *   ... returns                                 the bracket closes
 *   iommu_detach_group(), iommu_domain_free()   the group leaves
 *   vfio_iommu_type1_release()                  the container ends
 *
 * Other callers of iommu_attach_group() have no bracket and no container.  Neither has
 * iommufd, which uses these functions instead of or besides iommu_attach_group():
 *
 *   iommu_attach_group_handle(domain, group)
 *   iommu_replace_group_handle(group, domain), iommu_group_replace_domain(group, domain)
 *   iommu_detach_group_handle(domain, group), iommu_domain_free(domain)
 *
 * attach_taps.c says which of them a kernel has and calls.  If the taps miss some of
 * these, the tracker still works for VFIO, but sees_all() is false.
 *
 * Invariants:
 *
 * 1. A group is on at most one domain, and a domain is in at most one container.
 * 2. A domain's object lives from the first attach that the tap sees until
 *    iommu_domain_free().  VFIO allocates a domain for each attach, so if the first
 *    domain of a bracket already has an object, the tracker missed an event: it drops
 *    that object, and its container is no longer known.
 * 3. RESV_ATTACH_ATTACHING lasts as long as the bracket.  Only inside the bracket is a
 *    task compared with resv_attach_group.task.
 * 4. The place of a domain's cookie is fixed from its first attach until it is freed.
 * 5. An effect on a domain holds this module by resv_attach_domain.pins.
 * 6. After any tap was out, earlier knowledge is void: the tracker raises the epoch, and
 *    a group whose state is of an older epoch is RESV_ATTACH_UNSEEN until the
 *    registry looks at it and finds it free.  The tracker keeps only domains with pins,
 *    until all their groups were seen free, and of containers those with a domain that is
 *    kept, which are then no longer known.
 *
 * Locks: watch_lock, a mutex, is held while taps are installed or removed; the lock of
 * the hooks nests inside it.  table_lock protects all objects.  It is a raw spinlock,
 * because handlers of taps run with preemption off, also on PREEMPT_RT.  Its holder does
 * not allocate, print, access user memory, sleep or call a hooked function.  An event
 * costs only the objects that it touches.  The table of domains can also be searched
 * under rcu_read_lock(): an object is reused only after a grace period.
 *
 * Memory: handlers take objects from stocks.  Attaching a group takes two domains (its
 * own and the container's) and one container, so the stocks hold that many for each
 * group.  A domain comes back only after a grace period, and nothing limits the number
 * of iommufd's domains: when a stock is less than half full, the handler allocates, and
 * a worker refills the stock.  On PREEMPT_RT a handler may not allocate: if the stock is
 * empty, the group becomes RESV_ATTACH_UNSEEN and the event counts as missed; or the attach
 * fails, if a client wants that.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include "compat/iommu.h"
#include "group/attach.h"
#include "group/attach_table.h"
#include "group/attach_taps.h"
#include "hook/mode.h"
#include "hook/tap.h"

static DEFINE_MUTEX(watch_lock);
static unsigned long wanted;		/* bit mask of the clients that watch */
static unsigned long wanted_containers;

/* Taps see all calls by which iommufd attaches and detaches.  Protected by watch_lock. */
static bool iommufd_watched;

/* LTO may inline the calls of a built-in iommufd, so that no tap sees them. */
#define IOMMUFD_CALLS	(!IS_BUILTIN(CONFIG_IOMMUFD) || !IS_ENABLED(CONFIG_LTO))

/* Return: number of taps whose function this kernel has */
static unsigned int have(const struct resv_tap *const *taps, unsigned int nr)
{
	unsigned int i, there = 0;

	for (i = 0; i < nr; i++)
		there += resv_tap_exists(taps[i]);
	return there;
}

/*
 * Install the taps on the functions that iommufd calls besides iommu_attach_group().
 * Called with watch_lock held.
 *
 * All known kernels since v6.4 have either all functions with a handle, or none of them and
 * iommu_group_replace_domain().  A kernel with neither may be too old for them (before
 * v6.4), or too new.
 *
 * Return: true if taps see all calls by which iommufd attaches and detaches
 */
static bool watch_iommufd(bool retry)
{
	/* Searching for a symbol waits for grace periods; the kernel's own do not change. */
	static unsigned int handles, replaces;
	static bool looked;
	bool all = IOMMUFD_CALLS;
	unsigned int i;

	if (!IS_ENABLED(CONFIG_IOMMUFD))
		return true;
	if (resv_hooks_mode() == RESV_HOOKS_NONE)
		return false;
	if (!looked) {
		handles = have(resv_attach_handle_taps, RESV_ATTACH_HANDLE_TAPS);
		replaces = have(resv_attach_replace_taps, RESV_ATTACH_REPLACE_TAPS);
		looked = true;
	}
	for (i = 0; retry && i < RESV_ATTACH_HANDLE_TAPS; i++)
		resv_tap_retry(resv_attach_handle_taps[i]);
	for (i = 0; retry && i < RESV_ATTACH_REPLACE_TAPS; i++)
		resv_tap_retry(resv_attach_replace_taps[i]);
	if (handles == RESV_ATTACH_HANDLE_TAPS)
		all &= resv_tap_get_all(resv_attach_handle_taps,
					RESV_ATTACH_HANDLE_TAPS, NULL);
	else
		all &= !handles && replaces;
	if (replaces == RESV_ATTACH_REPLACE_TAPS)
		all &= resv_tap_get_all(resv_attach_replace_taps,
					RESV_ATTACH_REPLACE_TAPS, NULL);
	return all;
}

static void unwatch_iommufd(const char *reason)
{
	resv_tap_put_all(resv_attach_replace_taps, RESV_ATTACH_REPLACE_TAPS, reason);
	resv_tap_put_all(resv_attach_handle_taps, RESV_ATTACH_HANDLE_TAPS, reason);
}

/**
 * resv_attach_watch() - install the tracker's taps for a client
 * @client: the client
 * @containers: the client also needs to know which groups a container has
 *
 * A tap whose module is not loaded yet counts as installed: VFIO can attach no group
 * before it is loaded.
 *
 * Context: may sleep.
 * Return: true if the taps see all attaches by VFIO from now on
 */
bool resv_attach_watch(const struct resv_attach_client *client, bool containers)
{
	bool all, iommufd, retry;
	unsigned int i;

	mutex_lock(&watch_lock);
	/* Retry: the last failure of a tap may have been a failed allocation. */
	retry = !test_bit(client->index, &wanted);
	for (i = 0; retry && i < RESV_ATTACH_TAPS; i++)
		resv_tap_retry(resv_attach_taps[i]);
	__set_bit(client->index, &wanted);
	if (containers)
		__set_bit(client->index, &wanted_containers);
	all = !resv_attach_fill() &&
	      resv_tap_get_all(resv_attach_taps, RESV_ATTACH_TAPS, NULL);
	if (wanted_containers)
		resv_tap_get_all(resv_attach_container_taps, RESV_ATTACH_CONTAINER_TAPS,
				 NULL);
	/* If iommufd's taps fail, the tracker still works for VFIO. */
	iommufd = all && watch_iommufd(retry);
	/* Groups may have been attached unseen while a tap was out. */
	if (all != resv_attach_watching || iommufd != iommufd_watched) {
		WRITE_ONCE(resv_attach_watching, all);
		WRITE_ONCE(iommufd_watched, iommufd);
		resv_attach_outage();
	}
	mutex_unlock(&watch_lock);
	return all;
}

/**
 * resv_attach_unwatch() - a client no longer needs the tracker's taps
 * @client: the client
 * @reason: reason that the file "hooks" shows for the removed taps; static text
 *
 * Context: sleeps for grace periods.  The client has nothing in force that depends on
 *	events.
 */
void resv_attach_unwatch(const struct resv_attach_client *client,
			 const char *reason)
{
	mutex_lock(&watch_lock);
	__clear_bit(client->index, &wanted);
	__clear_bit(client->index, &wanted_containers);
	if (!wanted_containers)
		resv_tap_put_all(resv_attach_container_taps, RESV_ATTACH_CONTAINER_TAPS,
				 reason);
	if (!wanted && resv_attach_watching) {
		/* Before removing the first tap, so that half-seen events do not count. */
		WRITE_ONCE(resv_attach_watching, false);
		WRITE_ONCE(iommufd_watched, false);
		resv_attach_outage();
	}
	if (!wanted) {
		unwatch_iommufd(reason);
		/*
		 * Also the taps of the bracket: the next change looks twice, see
		 * have_bracket().
		 */
		resv_tap_put_all(resv_attach_taps, RESV_ATTACH_TAPS, reason);
		WRITE_ONCE(resv_attach_bracketed, false);
	}
	mutex_unlock(&watch_lock);
}

/**
 * resv_attach_mode_changed() - another mode of the hooks is in force
 *
 * In the mode "none", removes the taps of the bracket, which have_bracket() installs
 * without any client.
 *
 * Context: sleeps for grace periods; the registry looks at no group in the old mode any
 *	more.
 */
void resv_attach_mode_changed(void)
{
	if (resv_hooks_mode() != RESV_HOOKS_NONE)
		return;
	mutex_lock(&watch_lock);
	if (!wanted) {
		resv_tap_put_all(resv_attach_bracket_taps, RESV_ATTACH_BRACKET_TAPS, NULL);
		WRITE_ONCE(resv_attach_bracketed, false);
	}
	mutex_unlock(&watch_lock);
}

/**
 * resv_attach_broken() - why do the taps miss events?
 * @containers: ask for events of containers, else for those of attaches
 *
 * Context: may sleep.
 * Return: the reason why a tap is inert, or NULL if none is
 */
const char *resv_attach_broken(bool containers)
{
	const struct resv_tap *const *taps = containers ? resv_attach_container_taps :
							  resv_attach_taps;
	unsigned int nr = containers ? RESV_ATTACH_CONTAINER_TAPS :
				       RESV_ATTACH_TAPS;
	const char *reason;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (resv_tap_state(taps[i], &reason) == RESV_TAP_INERT)
			return reason;
	return NULL;
}

#ifdef RESV_TEST
static bool test_iommufd;
module_param(test_iommufd, bool, 0644);
MODULE_PARM_DESC(test_iommufd, "as with an iommufd that is not watched: not every attach and detach is seen");
#else
#define test_iommufd	false
#endif

/* Do taps see every attach and detach, including those by iommufd? */
static bool sees_all(void)
{
	if (test_iommufd || !READ_ONCE(resv_attach_watching) ||
	    !READ_ONCE(iommufd_watched))
		return false;
	return !resv_taps_missed(resv_attach_taps, RESV_ATTACH_TAPS) &&
	       !resv_taps_missed(resv_attach_handle_taps, RESV_ATTACH_HANDLE_TAPS) &&
	       !resv_taps_missed(resv_attach_replace_taps, RESV_ATTACH_REPLACE_TAPS);
}

/**
 * resv_attach_look() - the registry begins to look at a group
 * @group: the group
 * @look: set to what resv_attach_settle() needs
 *
 * Context: under the lock of the group's entry; may sleep.
 */
void resv_attach_look(const struct iommu_group *group, struct resv_attach_look *look)
{
	look->sees_all = sees_all();
	look->events = resv_attach_events(group);
}

/**
 * struct when_free - arguments of resv_attach_when_free()
 * @group: the group
 * @fn: function to call, or NULL
 * @data: argument of @fn
 */
struct when_free {
	const struct iommu_group *group;
	int (*fn)(void *data);
	void *data;
};

/* Under the group's mutex.  The first device will do: a group's devices share a domain. */
static int first_device(struct device *dev, void *data)
{
	struct when_free *when = data;

	if (compat_domain_is_users(compat_iommu_get_domain_for_dev(dev)) ||
	    resv_attach_group_busy(when->group))
		return -EBUSY;
	return (when->fn ? when->fn(when->data) : 0) ?: 1;
}

/*
 * Install the taps of the bracket, where they are needed.
 *
 * Return: false if an attach may be under way that began before they were installed
 */
static bool have_bracket(void)
{
	bool before;

	if (RESV_HAVE(CLAIM_DMA_OWNER))
		return true;
	mutex_lock(&watch_lock);
	before = READ_ONCE(resv_attach_bracketed);
	WRITE_ONCE(resv_attach_bracketed,
		   resv_tap_get_all(resv_attach_bracket_taps,
				    RESV_ATTACH_BRACKET_TAPS, NULL));
	before &= READ_ONCE(resv_attach_bracketed);
	mutex_unlock(&watch_lock);
	return before;
}

/**
 * resv_attach_when_free() - change the regions that a group lists, if it has no user
 * @group: live group, its mutex not held
 * @fn: makes the change, and returns 0 or an errno; called once at most, with the group's
 *	mutex held
 * @data: argument of @fn
 *
 * VFIO asks for the list of a group when it attaches the group, and for the lists of
 * the remaining groups whenever it detaches another one (vfio_iommu_resv_refresh()).  So
 * the list must not change while a container has the group.  Both a change and
 * iommu_attach_group() hold the group's mutex: a later attach finds the new list.
 *
 * When the container already has a domain that suits the group, VFIO takes the group off
 * the new domain and puts it on that one; it has read the list before.  Kernels that
 * block a group which VFIO has opened attach a blocking domain in between, which shows
 * that the group is in use.  On other kernels the group looks free for some
 * microseconds.  So there the first change installs the taps of the bracket; it looks at
 * the group twice itself, as an attach that began earlier may be under way.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if the group has a user; -ENODEV if it has no device any more; or
 * what @fn returned
 */
int resv_attach_when_free(struct iommu_group *group, int (*fn)(void *data),
			  void *data)
{
	struct when_free when = { .group = group, .data = data };
	int ret = 1;

	if (!have_bracket()) {
		ret = iommu_group_for_each_dev(group, &when, first_device);
		usleep_range(5000, 10000);
	}
	when.fn = fn;
	if (ret > 0)
		ret = iommu_group_for_each_dev(group, &when, first_device);
	return ret > 0 ? 0 : ret ?: -ENODEV;
}

/**
 * resv_attach_exit() - free everything
 *
 * Context: no tap is installed, the registry has removed every group; may sleep.
 */
void resv_attach_exit(void)
{
	resv_attach_table_exit();
	wanted = 0;
	wanted_containers = 0;
}

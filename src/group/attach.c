// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is attached to what: groups, domains, and VFIO's containers.
 *
 * attach_table.c has the objects, attach_taps.c the events, and this file what makes the
 * taps come and go.
 *
 * Taps on the functions that VFIO's type 1 calls tell each event:
 *
 *   vfio_iommu_type1_open()                     a container begins
 *   vfio_iommu_type1_attach_group()             a group joins it: the bracket opens
 *     iommu_attach_group(new domain, group)
 *     iommu_detach_group(new domain, group)     only if the container has a domain
 *     iommu_attach_group(its domain, group)     that suits the group, too
 *     iommu_domain_free(new domain)
 *   ... returns                                 the bracket closes
 *   iommu_detach_group(), iommu_domain_free()   the group leaves
 *   vfio_iommu_type1_release()                  the container ends
 *
 * Others who attach a group by iommu_attach_group() have no bracket and no container.  So
 * has iommufd, which has functions of its own for that, in turn or besides:
 *
 *   iommu_attach_group_handle(domain, group)
 *   iommu_replace_group_handle(group, domain), iommu_group_replace_domain(group, domain)
 *   iommu_detach_group_handle(domain, group), iommu_domain_free(domain)
 *
 * Which of them a kernel has, and calls, is told in attach_taps.c.  Where some of that is not
 * seen the tracker does its work for VFIO, and sees_all() is false.
 *
 * Invariants:
 *
 * 1. A group is on at most one domain, and a domain is in at most one container.
 * 2. A domain's object lives from the first attach that is seen to
 *    iommu_domain_free().  VFIO allocates a domain for each attach, so if the first
 *    domain of a bracket has an object already, an event was missed: that object
 *    goes, and its container is not known any more.
 * 3. RESV_ATTACH_ATTACHING lasts as long as the bracket.  A task is compared with
 *    resv_attach_group.task only inside of it.
 * 4. The place of a domain's cookie is fixed from its first attach until it is freed.
 * 5. An effect on a domain holds this module by resv_attach_domain.pins.
 * 6. When any tap was out, nothing from before counts: the epoch is raised, and an
 *    object of an older one is RESV_ATTACH_UNSEEN until its group is seen free.  Only
 *    domains with pins are kept over that, until all their groups were seen free.
 *
 * Locks: watch_lock, a mutex, is held while taps come and go and while clients
 * register; the lock of the hooks is taken under it.  table_lock guards all objects
 * and the spare ones.  It is a raw spinlock, because handlers of taps run with
 * preemption off, also on PREEMPT_RT.  Under it nothing is allocated, printed or
 * copied to a process, and nothing is called that sleeps or is hooked.  Every event
 * takes the time of the objects that it touches.  The table of domains can also be
 * searched under rcu_read_lock(): an object is used again after a grace period only.
 *
 * Memory: handlers take objects from stocks.  A group that is attached takes two domains
 * (its own and the one of the container) and one container, so that many are in stock
 * for each group.  Domains come back after a grace period only, and nothing limits
 * those of iommufd: a handler that finds less than half allocates, and a worker fills up
 * again.  On PREEMPT_RT, where a handler may not allocate, a group for which the stock
 * has nothing left is RESV_ATTACH_UNSEEN, which is counted as missed.
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
static unsigned long wanted;		/* clients that watch, by index */
static unsigned long wanted_containers;

/* All is seen by which iommufd attaches and detaches.  Written with watch_lock held. */
static bool iommufd_watched;

/* A program that the compiler has linked has no calls to be seen. */
#define IOMMUFD_CALLS	(!IS_BUILTIN(CONFIG_IOMMUFD) || !IS_ENABLED(CONFIG_LTO))

/* Return: how many of the taps are on functions that the kernel has */
static unsigned int have(const struct resv_tap *const *taps, unsigned int nr)
{
	unsigned int i, there = 0;

	for (i = 0; i < nr; i++)
		there += resv_tap_exists(taps[i]);
	return there;
}

/*
 * Have the taps on what iommufd calls besides iommu_attach_group().  With watch_lock held.
 *
 * A kernel has all of the functions with a handle, or none and another one, as far as it is
 * known.  With neither it may be too old for them (before v6.4), or too new.
 *
 * Return: all that iommufd calls is seen
 */
static bool watch_iommufd(bool retry)
{
	/* It takes grace periods to look for a name.  Looked for once; of the kernel itself. */
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
	unsigned int i;

	for (i = RESV_ATTACH_REPLACE_TAPS; i--; )
		resv_tap_put(resv_attach_replace_taps[i], reason);
	for (i = RESV_ATTACH_HANDLE_TAPS; i--; )
		resv_tap_put(resv_attach_handle_taps[i], reason);
}

/**
 * resv_attach_watch() - a client needs to know who is attached to what
 * @client: the client
 * @containers: and which groups a container has
 *
 * A tap whose module is not loaded yet is no obstacle: nobody can attach before.
 *
 * Context: may sleep.
 * Return: true if all is seen from now on
 */
bool resv_attach_watch(const struct resv_attach_client *client, bool containers)
{
	bool all, iommufd, retry;
	unsigned int i;

	mutex_lock(&watch_lock);
	/* A tap may have failed for lack of memory when it was wanted last. */
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
	/* Without iommufd's the tracker does what it does for VFIO. */
	iommufd = all && watch_iommufd(retry);
	/* Who attached while a tap was out is not known. */
	if (all != resv_attach_watching || iommufd != iommufd_watched) {
		WRITE_ONCE(resv_attach_watching, all);
		WRITE_ONCE(iommufd_watched, iommufd);
		resv_attach_outage();
	}
	mutex_unlock(&watch_lock);
	return all;
}

/**
 * resv_attach_unwatch() - a client does not need to know any more
 * @client: the client
 * @reason: what the file "hooks" says of the taps that go; static text
 *
 * Context: sleeps for grace periods.  Nothing that the client has in force depends on
 *	events.
 */
void resv_attach_unwatch(const struct resv_attach_client *client,
			 const char *reason)
{
	unsigned int i;

	mutex_lock(&watch_lock);
	__clear_bit(client->index, &wanted);
	__clear_bit(client->index, &wanted_containers);
	for (i = RESV_ATTACH_CONTAINER_TAPS; !wanted_containers && i--; )
		resv_tap_put(resv_attach_container_taps[i], reason);
	if (!wanted && resv_attach_watching) {
		/* Before the first tap goes, so that no half of an event counts. */
		WRITE_ONCE(resv_attach_watching, false);
		WRITE_ONCE(iommufd_watched, false);
		resv_attach_outage();
	}
	if (!wanted)
		unwatch_iommufd(reason);
	/* The bracket, too: the next change looks twice, see have_bracket(). */
	for (i = RESV_ATTACH_TAPS; !wanted && i--; )
		resv_tap_put(resv_attach_taps[i], reason);
	if (!wanted)
		WRITE_ONCE(resv_attach_bracketed, false);
	mutex_unlock(&watch_lock);
}

/**
 * resv_attach_mode_changed() - another mode of the hooks is in force
 *
 * Puts the bracket, which have_bracket() has without any client, in the mode "none".
 *
 * Context: sleeps for grace periods; no group is being looked at in the mode before.
 */
void resv_attach_mode_changed(void)
{
	unsigned int i;

	if (resv_hooks_mode() != RESV_HOOKS_NONE)
		return;
	mutex_lock(&watch_lock);
	for (i = RESV_ATTACH_BRACKET_TAPS; !wanted && i--; )
		resv_tap_put(resv_attach_bracket_taps[i], NULL);
	if (!wanted)
		WRITE_ONCE(resv_attach_bracketed, false);
	mutex_unlock(&watch_lock);
}

/**
 * resv_attach_broken() - why events are not seen
 * @containers: of containers, else of attaches
 *
 * Context: may sleep.
 * Return: the reason of a tap that does not work, or NULL if there is none
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
MODULE_PARM_DESC(test_iommufd, "as with an iommufd that is not watched: who comes and leaves is not all seen");
#else
#define test_iommufd	false
#endif

static bool any_missed(const struct resv_tap *const *taps, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (resv_tap_missed(taps[i]))
			return true;
	return false;
}

/* Does every attach and detach run into a tap, also those by iommufd? */
static bool sees_all(void)
{
	if (test_iommufd || !READ_ONCE(resv_attach_watching) ||
	    !READ_ONCE(iommufd_watched))
		return false;
	return !any_missed(resv_attach_taps, RESV_ATTACH_TAPS) &&
	       !any_missed(resv_attach_handle_taps, RESV_ATTACH_HANDLE_TAPS) &&
	       !any_missed(resv_attach_replace_taps, RESV_ATTACH_REPLACE_TAPS);
}

/**
 * resv_attach_look() - the registry begins to look at a group
 * @group: the group
 * @look: set, for resv_attach_settle()
 *
 * Context: under the lock of the group's entry; may sleep.
 */
void resv_attach_look(const struct iommu_group *group, struct resv_attach_look *look)
{
	look->sees_all = sees_all();
	look->events = resv_attach_events(group);
}

/**
 * struct when_free - what resv_attach_when_free() is to do
 * @group: the group
 * @fn: to be called
 * @data: for @fn
 */
struct when_free {
	const struct iommu_group *group;
	int (*fn)(void *data);
	void *data;
};

/* Under the group's mutex.  One domain is attached to all devices of a group. */
static int first_device(struct device *dev, void *data)
{
	struct when_free *when = data;

	if (compat_domain_is_users(compat_iommu_get_domain_for_dev(dev)) ||
	    resv_attach_group_busy(when->group))
		return -EBUSY;
	return (when->fn ? when->fn(when->data) : 0) ?: 1;
}

/*
 * Have the bracket of VFIO's attach, where it is needed.
 *
 * Return: false if an attach may be under way whose bracket was not seen to open
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
 * resv_attach_when_free() - change what a group lists, if nobody has it
 * @group: live group, its mutex not held
 * @fn: makes the change, and returns 0 or an errno; called once at most, with the group's
 *	mutex held
 * @data: for @fn
 *
 * VFIO asks for the list of a group when it attaches the group, and for the lists of
 * the groups that stay whenever it detaches another one (vfio_iommu_resv_refresh()).  So
 * what is on the list must not change while a container has the group.  Both a change
 * and iommu_attach_group() hold the group's mutex: an attach that comes later finds the
 * new list.
 *
 * When VFIO finds that a container has a domain already that suits a group, it takes
 * the group off the new domain and puts it on that one; it has read the list before.
 * Kernels that block a group which VFIO has opened show that by the domain in between.
 * On other kernels the group looks free for some microseconds, so there the bracket of
 * the attach is watched from the first change on.  The first change itself looks twice,
 * as an attach may be under way that began before.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if somebody has the group; -ENODEV if it has no device any more; or
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
 * Context: no tap is in, the registry has removed every group; may sleep.
 */
void resv_attach_exit(void)
{
	resv_attach_table_exit();
	wanted = 0;
	wanted_containers = 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The usable ranges of groups, and the verdict on each domain.
 *
 * Invariants:
 *
 * - A group has a struct resv_check_group in its data[] from when the registry first looks
 *   at it until the registry removes it.  The registry calls removed() before it removes the
 *   group from the tracker.
 * - Groups with the same usable ranges share one struct resv_rules, which never
 *   changes.
 * - data[] of a domain is the verdict on its maps.  It is NULL if maps there are not
 *   checked, because VFIO did not attach a checked group to it.  Else it points to the
 *   narrowest rules of its groups: they allow no map that another group of the domain
 *   forbids.  If no group has such rules, the verdict is "nowhere", which sends every map
 *   to the slow path (refused.c); that asks each group.
 * - A verdict points only to rules of a group that is on the domain.  Code that takes
 *   rules from a group, or a group from a domain, sets the verdict again under the same
 *   lock.  So a lookup cannot find rules that no group has, and RCU is enough to free
 *   them.
 * - A group that is UNSEEN has no part in any verdict, unless it is on a domain that is
 *   kept (ops.c): maps there are checked as before.
 * - A domain whose maps do not come here, by a tap or by a copy of its operations, has no
 *   verdict.
 * - A domain with a verdict holds this module until the kernel frees the domain, or until
 *   the checks are turned off.
 *
 * may_attach() keeps verdicts exact: it refuses to add a group to a domain that may have
 * a map that the group forbids.  VFIO then makes a domain for the group and repeats all
 * maps there.  Only with checks=warn can a domain have groups none of which has the
 * narrowest rules.
 *
 * Locks: the tracker's lock protects everything that taps read or write, except that the
 * lookup at iommu_map() uses RCU.  rules_lock protects the table of rules and the list of
 * groups; it nests inside the lock of a group's entry, and the tracker's lock nests
 * inside it.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat/compat.h"
#include "compat/iommu.h"
#include "group/attach.h"
#include "group/group.h"
#include "hook/mode.h"
#include "source/native.h"
#include "feature/check/check.h"
#include "feature/check/rules.h"

static LIST_HEAD(all_rules);
static LIST_HEAD(all_groups);
static DEFINE_MUTEX(rules_lock);

/* The rules of groups whose regions are not known. */
static struct resv_rules anywhere = {
	.node = LIST_HEAD_INIT(anywhere.node),
	.users = 1,
	.nr = 1,
	.usable = { { .start = 0, .end = ULLONG_MAX } },
};

/* The verdict on a domain none of whose groups has the narrowest rules. */
static const struct resv_rules nowhere = { .nr = 0 };

/* Incremented when the ranges of a container may have changed.  Under the tracker's lock. */
static unsigned int version;

/* Values of @changed that are not the number of a group. */
#define NO_GROUP	(-1)
#define SEVERAL_GROUPS	(-2)

/* Number of a group of which the files may no longer say rightly whether it is checked. */
static atomic_t changed = ATOMIC_INIT(NO_GROUP);

/* Index of the first range that ends at or after @start, or rules->nr. */
static unsigned int range_from(const struct resv_rules *rules, u64 start)
{
	unsigned int low = 0, high = rules->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (rules->usable[mid].end < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* As in vfio_iommu_iova_dma_valid() of v5.4, the whole map must be in one range. */
static bool contains(const struct resv_range *range, u64 start, u64 end)
{
	return range->start <= start && range->end >= end;
}

/**
 * resv_rules_allow() - do these rules allow a map?
 * @rules: the rules
 * @start: first address of the map
 * @end: last address, inclusive
 *
 * Context: any, while @rules cannot be freed.
 * Return: true if the whole map is inside one usable range
 */
bool resv_rules_allow(const struct resv_rules *rules, u64 start, u64 end)
{
	unsigned int i = range_from(rules, start);

	return i < rules->nr && contains(&rules->usable[i], start, end);
}

/**
 * resv_rules_reach() - the addresses that a domain claims to have
 * @domain: a live domain
 *
 * VFIO since v5.4 asks the domain after the attach.  Some drivers set its geometry only
 * in the attach.
 *
 * Context: any.
 * Return: the addresses; all addresses if the domain has no geometry
 */
struct resv_range resv_rules_reach(const struct iommu_domain *domain)
{
	struct resv_range reach;

	if (!compat_domain_geometry(domain, &reach.start, &reach.end)) {
		reach.start = 0;
		reach.end = ULLONG_MAX;
	}
	return reach;
}

/* Does @rules allow the map?  Tries the range that allowed the last map first. */
static bool allow_hinted(const struct resv_rules *rules, unsigned int *hint,
			 u64 start, u64 end)
{
	unsigned int i = READ_ONCE(*hint);

	if (i < rules->nr && contains(&rules->usable[i], start, end))
		return true;
	i = range_from(rules, start);
	if (i == rules->nr || !contains(&rules->usable[i], start, end))
		return false;
	WRITE_ONCE(*hint, i);
	return true;
}

/**
 * resv_rules_map_allowed() - fast path of the check: is a map certainly allowed?
 * @domain: a live domain
 * @start: first address of the map
 * @end: last address, inclusive
 *
 * Context: any; takes no lock.
 * Return: true if the map is allowed or not checked; false if the caller has to ask
 * resv_refuses_map()
 */
bool resv_rules_map_allowed(const struct iommu_domain *domain, u64 start,
			    u64 end)
{
	const struct resv_rules *rules = NULL;
	struct resv_attach_domain *d;
	struct resv_range reach;
	bool allowed = true;

	rcu_read_lock();
	d = resv_attach_domain_find(domain);
	if (d)
		rules = rcu_dereference(d->data[RESV_CHECK_INDEX]);
	if (rules) {
		reach = resv_rules_reach(domain);
		allowed = contains(&reach, start, end) &&
			  allow_hinted(rules, &d->hint[RESV_CHECK_INDEX],
				       start, end);
	}
	rcu_read_unlock();
	return allowed;
}

/* Does @wants allow every map that @has allows? */
static bool is_narrower(const struct resv_rules *has,
			const struct resv_rules *wants)
{
	unsigned int i;

	if (has == wants)
		return true;
	for (i = 0; i < has->nr; i++)
		if (!resv_rules_allow(wants, has->usable[i].start,
				      has->usable[i].end))
			return false;
	return true;
}

/**
 * resv_rules_group() - find this feature's object of a group that is checked
 * @g: the tracker's group
 *
 * Context: under the tracker's lock.
 * Return: the object; NULL if the group is UNSEEN and its domain is not kept, or before
 * the registry has looked at it
 */
struct resv_check_group *resv_rules_group(const struct resv_attach_group *g)
{
	if (resv_attach_state(g) == RESV_ATTACH_UNSEEN && !(g->domain && g->domain->kept))
		return NULL;
	return g->data[RESV_CHECK_INDEX];
}

/*
 * While a guest with checked maps runs, this module must not be unloaded, so the guest's
 * domain holds the module until it is freed.  That fails if unloading has already begun;
 * then the taps are about to be removed.
 */
static void hold_module(struct resv_attach_domain *d)
{
	if (!resv_native_checks() && resv_check_mode() != RESV_CHECK_OFF &&
	    resv_hooks_mode() != RESV_HOOKS_NONE)
		resv_attach_pin_once(d, RESV_CHECK_INDEX);
}

/* Has VFIO made @d, and do maps there come to resv_rules_map_allowed()? */
static bool is_reached(const struct resv_attach_domain *d)
{
	return d->kept || (d->container && resv_check_probes_maps());
}

/* Set the verdict on @d.  @without: a group that is leaving it, or NULL. */
static void judge(struct resv_attach_domain *d,
		  const struct resv_attach_group *without)
{
	const struct resv_rules *narrowest = NULL;
	const struct resv_check_group *cg;
	const struct resv_attach_group *g;

	version++;
	resv_attach_domain_for_each(g, d) {
		cg = resv_rules_group(g);
		if (g == without || !cg || !is_reached(d))
			continue;
		if (!narrowest || is_narrower(cg->rules, narrowest))
			narrowest = cg->rules;
		else if (!is_narrower(narrowest, cg->rules))
			narrowest = &nowhere;
	}
	rcu_assign_pointer(d->data[RESV_CHECK_INDEX], (void *)narrowest);
	if (narrowest)
		hold_module(d);
}

/*
 * May VFIO put @g on @d, which already has the maps of other groups?  Those maps obey the
 * rules of each of these groups, so it is enough if one of them has narrower rules.
 */
static bool attach_allowed(struct resv_attach_group *g,
			   struct resv_attach_domain *d)
{
	const struct resv_check_group *wants = resv_rules_group(g), *has;
	const struct resv_attach_group *other;
	bool others = false;

	if (resv_check_mode() != RESV_CHECK_ENFORCE || !wants ||
	    d->domain == g->first)
		return true;
	resv_attach_domain_for_each(other, d) {
		has = resv_rules_group(other);
		if (other == g || !has)
			continue;
		if (wants->rules == &anywhere ||
		    (!has->warn_only && is_narrower(has->rules, wants->rules)))
			return true;
		others = true;
	}
	return !others;
}

/* With checks=enforce no group is attached whose maps would not be checked. */
static bool may_lose(const struct resv_attach_group *g)
{
	return !g->data[RESV_CHECK_INDEX] || !resv_check_wanted() ||
	       resv_check_mode() != RESV_CHECK_ENFORCE || resv_hooks_mode() == RESV_HOOKS_NONE;
}

/* Make after() have the files of @g updated. */
static void note_change(const struct resv_attach_group *g)
{
	if (resv_native_checks())
		return;
	if (atomic_cmpxchg(&changed, NO_GROUP, g->id) != NO_GROUP)
		atomic_set(&changed, SEVERAL_GROUPS);
}

/* Clients are told in the order of their numbers, so ops.c has given @d its copy by now. */
static void attached(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	struct resv_check_group *cg = g->data[RESV_CHECK_INDEX];

	if (!cg)
		return;
	if (!is_reached(d) && resv_attach_by_vfio(g))
		note_change(g);
	if (!d->container && !d->kept)
		return;
	cg->warn_only = resv_check_mode() != RESV_CHECK_ENFORCE;
	cg->refused_logged = false;
	cg->other_logged = false;
	cg->attach_logged = false;
	judge(d, NULL);
}

/* If the files of @g say that it is not checked, make after() have them updated. */
static void note_release(struct resv_attach_group *g)
{
	struct resv_check_group *cg = g->data[RESV_CHECK_INDEX];

	if (!cg || !cg->unchecked)
		return;
	cg->unchecked = false;
	note_change(g);
}

static void detached(struct resv_attach_group *g, struct resv_attach_domain *d)
{
	judge(d, g);
	note_release(g);
}

static void freed(struct resv_attach_domain *d)
{
	version++;
	RCU_INIT_POINTER(d->data[RESV_CHECK_INDEX], NULL);
}

/*
 * The domain is not freed yet, as the tracker still has it.  If the driver sets a
 * geometry at all, it has done so by now, in the attach.
 */
static void over(struct resv_attach_group *g)
{
	struct resv_check_group *cg = g->data[RESV_CHECK_INDEX];

	version++;
	if (cg && g->domain)
		cg->reach = resv_rules_reach(g->domain->domain);
}

static void unseen(struct resv_attach_group *g)
{
	version++;
	if (g->domain && !g->domain->kept)
		judge(g->domain, g);
}

/* Have the files updated of a group that is checked from now on, or no longer. */
static void after(void)
{
	int id;

	if (likely(atomic_read(&changed) == NO_GROUP))
		return;
	id = atomic_xchg(&changed, NO_GROUP);
	if (id >= 0)
		resv_group_update_soon(id);
	/* On PREEMPT_RT a tap cannot queue work; the next event updates the files. */
	else if (id == SEVERAL_GROUPS && !IS_ENABLED(CONFIG_PREEMPT_RT) &&
		 !IS_ENABLED(CONFIG_PREEMPT_RT_FULL))
		resv_groups_rescan_soon();
}

/* The tracker's client. */
const struct resv_attach_client resv_rules_client = {
	.index = RESV_CHECK_INDEX,
	.may_attach = attach_allowed,
	.may_lose = may_lose,
	.attached = attached,
	.detached = detached,
	.freed = freed,
	.over = over,
	.unseen = unseen,
	.seen_free = note_release,
	.after = after,
};

/*
 * Set @range to the first range at or after @from that all groups of @c allow.
 *
 * A group whose attach is not over yet does not count, as in VFIO since v5.4, which
 * changes its ranges at the end of the attach.
 *
 * Return: 1; 0 if there is no such range; -ENODATA if no group counts, or the rules of
 * one are not known
 */
static int next_range(struct resv_attach_container *c, u64 from,
		      struct resv_range *range)
{
	const struct resv_check_group *cg;
	const struct resv_attach_group *g;
	u64 start, end;
	unsigned int i;
	bool any;

again:
	any = false;
	end = ULLONG_MAX;
	resv_attach_container_for_each(g, c) {
		if (!g->domain || g->domain->container != c ||
		    g->state == RESV_ATTACH_ATTACHING)
			continue;
		cg = resv_rules_group(g);
		if (!cg || cg->rules == &anywhere)
			return -ENODATA;
		any = true;
		i = range_from(cg->rules, from);
		if (i == cg->rules->nr || cg->reach.end < from)
			return 0;
		start = max(cg->rules->usable[i].start, cg->reach.start);
		if (start > from) {
			from = start;
			goto again;
		}
		end = min3(end, cg->rules->usable[i].end, cg->reach.end);
	}
	if (!any)
		return -ENODATA;
	range->start = from;
	range->end = end;
	return 1;
}

/**
 * resv_rules_scan() - get the next range in which all groups of a container can be mapped
 * @scan: the walk.  To begin one, set only its container.  To make the walk fail if the
 *	rules have changed since an earlier walk, also set begun, and version of that walk
 * @range: set to the range
 *
 * VFIO since v5.4 has these ranges in iommu->iova_list.  This function holds the tracker's
 * lock for one range at a time, so the caller may write user memory in between.
 *
 * Context: any; does not sleep.
 * Return: 1; 0 if no range follows; -ENODATA if the container has no group, or the ranges
 * of one are not known; -EAGAIN if an attach or new rules came in between
 */
int resv_rules_scan(struct resv_rules_scan *scan, struct resv_range *range)
{
	struct resv_attach_container *c;
	unsigned long flags;
	int ret = -ENODATA;

	if (scan->end)
		return 0;
	flags = resv_attach_lock();
	if (!scan->begun)
		scan->version = version;
	scan->begun = true;
	c = resv_attach_container_find(scan->container);
	if (scan->version != version)
		ret = -EAGAIN;
	else if (c && c->known)
		ret = next_range(c, scan->from, range);
	resv_attach_unlock(flags);
	if (ret == 1) {
		scan->from = range->end + 1;
		scan->end = !scan->from;
	}
	return ret;
}

static void put_rules(struct resv_rules *rules)
{
	mutex_lock(&rules_lock);
	if (!--rules->users) {
		list_del(&rules->node);
		kfree_rcu(rules, rcu);
	}
	mutex_unlock(&rules_lock);
}

/* Find or make the rules with these ranges.  Return: NULL if an allocation failed */
static struct resv_rules *get_rules(const struct resv_range *usable,
				    unsigned int nr)
{
	size_t bytes = nr * sizeof(*usable);
	struct resv_rules *rules;

	mutex_lock(&rules_lock);
	list_for_each_entry(rules, &all_rules, node) {
		if (rules->nr != nr || memcmp(rules->usable, usable, bytes))
			continue;
		rules->users++;
		goto unlock;
	}
	rules = kzalloc(sizeof(*rules) + bytes, GFP_KERNEL);
	if (!rules)
		goto unlock;
	rules->users = 1;
	rules->nr = nr;
	memcpy(rules->usable, usable, bytes);
	list_add(&rules->node, &all_rules);
unlock:
	mutex_unlock(&rules_lock);
	return rules;
}

static struct resv_rules *get_anywhere(void)
{
	mutex_lock(&rules_lock);
	anywhere.users++;
	mutex_unlock(&rules_lock);
	return &anywhere;
}

/* Find or make the rules by the facts @c.  Return: NULL if an allocation failed */
static struct resv_rules *make_rules(const struct resv_facts *c)
{
	static const struct resv_range all = { .end = ULLONG_MAX };
	u32 mask = RESV_KERNEL_TYPES & ~RESV_TYPE(RESV_DIRECT_RELAXABLE);
	struct resv_rules *rules = NULL;
	struct resv_ranges usable;

	if (c->usable_known)
		return get_rules(c->usable.r, c->usable.nr);
	if (!c->taken_known)
		return get_anywhere();
	/* The aperture is not known yet: after an attach, over() gets it from the domain. */
	resv_ranges_init(&usable);
	if (!resv_ranges_complement(&usable, &all, 1, &c->taken, mask))
		rules = get_rules(usable.r, usable.nr);
	resv_ranges_free(&usable);
	return rules;
}

static struct resv_reasons *make_reasons(const struct resv_facts *c)
{
	struct resv_reasons *reasons;
	unsigned int i, nr = 0;
	size_t head;
	char *names;

	for (i = 0; i < c->regions.nr; i++)
		nr += resv_facts_is_hole(&c->regions.r[i]);
	head = sizeof(*reasons) + nr * sizeof(reasons->region[0]);
	reasons = kzalloc(head + c->names_len, GFP_KERNEL);
	if (!reasons)
		return NULL;
	names = (char *)reasons + head;
	memcpy(names, c->names, c->names_len);
	reasons->names = names;
	for (i = 0; i < c->regions.nr; i++)
		if (resv_facts_is_hole(&c->regions.r[i]))
			reasons->region[reasons->nr++] = c->regions.r[i];
	return reasons;
}

static void free_group(struct resv_check_group *cg)
{
	mutex_lock(&rules_lock);
	list_del(&cg->node);
	mutex_unlock(&rules_lock);
	put_rules(cg->rules);
	kfree(cg->reasons);
	kfree(cg);
}

static struct resv_check_group *find_group(const struct iommu_group *group)
{
	struct resv_attach_group *g;
	struct resv_check_group *cg;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	cg = g ? g->data[RESV_CHECK_INDEX] : NULL;
	resv_attach_unlock(flags);
	return cg;
}

/* Find or make.  The lock of the group's entry keeps the object alive. */
static struct resv_check_group *make_group(const struct iommu_group *group)
{
	struct resv_check_group *cg = find_group(group);
	struct resv_attach_group *g;
	unsigned long flags;

	if (cg)
		return cg;
	cg = kzalloc(sizeof(*cg), GFP_KERNEL);
	if (!cg)
		return NULL;
	cg->rules = get_anywhere();
	cg->reach.end = ULLONG_MAX;
	cg->group = group;
	INIT_LIST_HEAD(&cg->by_space);
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g) {
		/* If it is attached, its maps were not checked so far. */
		cg->warn_only = g->domain;
		g->data[RESV_CHECK_INDEX] = cg;
	}
	resv_attach_unlock(flags);
	mutex_lock(&rules_lock);
	list_add(&cg->node, &all_groups);
	mutex_unlock(&rules_lock);
	if (!g) {
		free_group(cg);
		return NULL;
	}
	return cg;
}

/* Is @g attached by VFIO, and are its maps checked?  Under the tracker's lock. */
static bool is_checked(const struct resv_attach_group *g)
{
	return g && resv_rules_group(g) && g->domain && is_reached(g->domain) &&
	       rcu_access_pointer(g->domain->data[RESV_CHECK_INDEX]);
}

/**
 * resv_rules_update() - set the rules of a group that the registry has looked at
 * @c: its facts
 * @ready: all taps of the checks are installed
 *
 * Context: under the lock of the group's entry; may sleep.
 * Return: 0, or -ENOMEM with the old rules in force
 */
int resv_rules_update(const struct resv_facts *c, bool ready)
{
	struct resv_rules *rules = make_rules(c), *old_rules;
	struct resv_reasons *reasons, *old_reasons;
	struct resv_check_group *cg;
	struct resv_attach_group *g;
	bool log, stale;
	unsigned long flags;

	if (!rules)
		return -ENOMEM;
	reasons = make_reasons(c);
	if (!reasons)
		goto err_rules;
	cg = make_group(c->group);
	if (!cg)
		goto err_reasons;
	flags = resv_attach_lock();
	g = resv_attach_group_find(c->group);
	old_rules = cg->rules;
	cg->rules = rules;
	old_reasons = cg->reasons;
	cg->reasons = reasons;
	if (rules != old_rules && g && g->domain)
		judge(g->domain, NULL);
	cg->unchecked = c->in_use &&
			(!is_checked(g) ||
			 (cg->warn_only && resv_check_mode() == RESV_CHECK_ENFORCE));
	stale = cg->unchecked && c->checked;
	log = cg->unchecked && ready && !cg->unchecked_logged;
	cg->unchecked_logged = cg->unchecked && (log || cg->unchecked_logged);
	resv_attach_unlock(flags);
	if (log)
		pr_info("group %d: already in use: its maps are not checked until it is released\n",
			c->id);
	/* The group was attached meanwhile: look again. */
	if (stale)
		resv_group_update_soon(c->id);
	put_rules(old_rules);
	kfree(old_reasons);
	return 0;

err_reasons:
	kfree(reasons);
err_rules:
	put_rules(rules);
	return -ENOMEM;
}

/**
 * resv_rules_add() - make the object of a group whose maps VFIO checks
 * @group: live group
 *
 * The object has no rules; it records VFIO's refusals.
 *
 * Context: under the lock of the group's entry; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_rules_add(const struct iommu_group *group)
{
	return make_group(group) ? 0 : -ENOMEM;
}

/**
 * resv_rules_enforced() - does this module refuse maps that hit regions of a group?
 * @group: live group
 * @in_use: the group has a user that makes its own maps
 * @ready: maps are checked of groups that are attached from now on
 *
 * Context: under the lock of the group's entry.
 * Return: false with checks=warn, and for a group that was attached before the checks
 */
bool resv_rules_enforced(const struct iommu_group *group, bool in_use, bool ready)
{
	const struct resv_attach_group *g;
	unsigned long flags;
	bool checked;

	if (resv_check_mode() != RESV_CHECK_ENFORCE)
		return false;
	if (!in_use)
		return ready;
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	checked = is_checked(g) && (ready || g->domain->kept) &&
		  !resv_rules_group(g)->warn_only;
	resv_attach_unlock(flags);
	return checked;
}

/**
 * resv_rules_pause() - maps are not checked for now
 *
 * When checks begin again, maps of guests that are still there must not be refused: they
 * may have mapped what is forbidden, and must be able to map it again.
 *
 * Context: may sleep.
 */
void resv_rules_pause(void)
{
	struct resv_check_group *cg;
	unsigned long flags;

	mutex_lock(&rules_lock);
	flags = resv_attach_lock();
	list_for_each_entry(cg, &all_groups, node)
		cg->warn_only = true;
	resv_attach_unlock(flags);
	mutex_unlock(&rules_lock);
}

/**
 * resv_rules_remove() - drop the object of a group that is gone or has no device any more
 * @group: the group; only its address is used
 *
 * Context: under the lock of the group's entry; may sleep.
 */
void resv_rules_remove(const struct iommu_group *group)
{
	struct resv_check_group *cg = NULL;
	struct resv_attach_group *g;
	unsigned long flags;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g) {
		cg = g->data[RESV_CHECK_INDEX];
		g->data[RESV_CHECK_INDEX] = NULL;
	}
	if (cg && g->domain)
		judge(g->domain, NULL);
	if (cg)
		list_del_init(&cg->by_space);
	resv_attach_unlock(flags);
	if (cg)
		free_group(cg);
}

/**
 * resv_rules_exit() - free the remaining objects of groups
 *
 * Context: no tap is installed, and the tracker has no group; may sleep.
 */
void resv_rules_exit(void)
{
	struct resv_check_group *cg, *next;

	list_for_each_entry_safe(cg, next, &all_groups, node)
		free_group(cg);
}

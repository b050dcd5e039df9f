// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps that are refused: the decision in doubt, the count, the last one, the log.
 *
 * Each group of the domain that forbids a map counts it.  The first of them logs it,
 * once an attach: a guest whose own IOMMU makes it map and unmap all the time must not
 * fill the log.  The tracepoint has all of them.
 *
 * All state is in struct resv_check_group, under the tracker's lock.  Nothing is
 * printed or traced under that lock.
 */
#include <linux/iommu.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "source/native.h"
#include "group/attach.h"
#include "feature/check/check.h"
#include "feature/check/refused.h"
#include "feature/check/rules.h"

#define CREATE_TRACE_POINTS
#include "feature/check/trace.h"

/* Which of @reasons forbid the map?  Fill in the region and the device of @refused. */
static void explain(const struct resv_reasons *reasons,
		    const struct resv_range *reach, struct resv_refused *refused)
{
	unsigned int i;

	refused->region.type = RESV_OUT_OF_RANGE;
	refused->region.origin = RESV_ORIGIN_APERTURE;
	strscpy(refused->device, "-", sizeof(refused->device));
	for (i = 0; reasons && i < reasons->nr; i++) {
		const struct resv_region *r = &reasons->region[i];

		if (r->start > refused->end || r->end < refused->start)
			continue;
		refused->region = *r;
		strscpy(refused->device, reasons->names + r->name,
			sizeof(refused->device));
		return;
	}
	if (refused->start < reach->start) {
		refused->region.end = reach->start - 1;
		return;
	}
	refused->region.start = reach->end + 1;
	refused->region.end = ULLONG_MAX;
}

/* A process can have any name, and the name is a word of a line. */
static void name_process(struct resv_refused *refused)
{
	char *c;

	refused->pid = task_tgid_nr(current);
	strscpy(refused->comm, current->comm, sizeof(refused->comm));
	for (c = refused->comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static void trace_map(int id, const struct resv_refused *refused)
{
	const struct resv_region *r = &refused->region;

	trace_map_refused(id, refused->start, refused->end, r->start, r->end,
			  resv_type_name(r->type), resv_origin_name(r->origin),
			  refused->device);
}

static void log_map(int id, const struct resv_refused *refused, bool enforced)
{
	const struct resv_region *r = &refused->region;

	pr_warn_ratelimited("group %d: a map of 0x%llx-0x%llx by %s[%d] %s: it hits 0x%llx-0x%llx (%s, %s, %s), see /sys/kernel/iommu_groups/%d/resv/usable\n",
			    id, refused->start, refused->end, refused->comm,
			    refused->pid,
			    enforced ? "is refused" :
				       "should be refused and is let through",
			    r->start, r->end, resv_type_name(r->type),
			    resv_origin_name(r->origin), refused->device, id);
}

/*
 * VFIO before v6.1 or so maps two pages at 0 of a new domain, to see which sizes the
 * IOMMU uses, and unmaps them at once (vfio_test_domain_fgsp()).  That is the first map
 * of the domain, and no user asked for it.
 */
static bool is_fgsp_probe(struct resv_attach_domain *d, u64 start, u64 end)
{
	struct resv_attach_group *g;
	bool probe = false;

	if (start || end != 2 * PAGE_SIZE - 1)
		return false;
	resv_attach_domain_for_each(g, d) {
		if (!g->unmapped || g->task != current || g->first != d->domain)
			continue;
		g->unmapped = false;
		probe = true;
	}
	return probe;
}

/*
 * Must the map be let through, because VFIO would not survive the refusal?
 *
 * VFIO of v4.10 to v5.3 repeats all maps of a container on a new domain.  If one of
 * them fails, vfio_iommu_replay() does not unwind, and leaves iommu_mapped set.  With
 * a group without an IOMMU (mdev) in the container, the next replay then uses the first
 * entry of an empty domain_list.
 */
static bool replay_unsafe(const struct resv_attach_domain *d)
{
	const struct resv_attach_container *c = d->container;
	const struct resv_attach_group *g;

	if (c && c->known && !c->has_noiommu)
		return false;
	resv_attach_domain_for_each(g, d)
		if (g->task == current && g->first == d->domain)
			return true;
	return false;
}

/* Does @cg forbid the map?  Then count it, with what it hits. */
static bool count_map(struct resv_check_group *cg,
		      const struct resv_range *reach, u64 start, u64 end)
{
	struct resv_refused *last = &cg->last;

	if (start >= reach->start && end <= reach->end &&
	    resv_rules_allow(cg->rules, start, end))
		return false;
	memset(last, 0, sizeof(*last));
	last->start = start;
	last->end = end;
	name_process(last);
	explain(cg->reasons, reach, last);
	cg->count++;
	return true;
}

/**
 * resv_refused_map() - iommu_map() was called for a map that may be forbidden
 * @domain: its first argument
 * @start: first address of the map
 * @end: last address, inclusive
 *
 * Context: in the tap; does not sleep.
 * Return: true if iommu_map() has to fail
 */
bool resv_refused_map(const struct iommu_domain *domain, u64 start, u64 end)
{
	struct resv_range reach = resv_rules_reach(domain);
	bool enforced = false, strict = false, log = false;
	struct resv_refused first;
	struct resv_check_group *cg;
	struct resv_attach_domain *d;
	struct resv_attach_group *g;
	unsigned long flags;
	int id = -1;

	flags = resv_attach_lock();
	d = resv_attach_domain_find(domain);
	if (!d || is_fgsp_probe(d, start, end))
		goto unlock;
	resv_attach_domain_for_each(g, d) {
		cg = resv_rules_group(g);
		if (!cg || !count_map(cg, &reach, start, end))
			continue;
		strict |= !cg->warn_only;
		if (id >= 0)
			continue;
		id = g->id;
		first = cg->last;
		log = !cg->refused_logged;
		cg->refused_logged = true;
	}
	enforced = strict && resv_check_mode() == RESV_CHECK_ENFORCE &&
		   !replay_unsafe(d);
unlock:
	resv_attach_unlock(flags);
	if (id < 0)
		return false;
	trace_map(id, &first);
	if (log)
		log_map(id, &first, enforced);
	return enforced;
}

/**
 * resv_refused_show() - text of a group's file "refused"
 * @group: live group
 * @buf: a page
 *
 * Context: in the callback of the file.
 * Return: bytes; -ENODATA where VFIO refuses by itself; -ENODEV if the group is not
 * known yet
 */
ssize_t resv_refused_show(struct iommu_group *group, char *buf)
{
	const struct resv_check_group *cg = NULL;
	const struct resv_attach_group *g;
	struct resv_refused last = { 0 };
	unsigned long flags;
	u64 count = 0;
	ssize_t len;

	if (resv_native_checks())
		return -ENODATA;
	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g)
		cg = g->data[RESV_CHECK_INDEX];
	if (cg) {
		count = cg->count;
		last = cg->last;
	}
	resv_attach_unlock(flags);
	if (!cg)
		return -ENODEV;
	len = scnprintf(buf, PAGE_SIZE, "%llu\n", count);
	if (!count)
		return len;
	return len + scnprintf(buf + len, PAGE_SIZE - len,
			       "0x%016llx 0x%016llx 0x%016llx 0x%016llx %s %s %s %d %s\n",
			       last.start, last.end, last.region.start,
			       last.region.end, resv_type_name(last.region.type),
			       resv_origin_name(last.region.origin), last.device,
			       last.pid, last.comm);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refused maps: the slow path of the check, the count, the last refusal, the log.
 *
 * If this module refuses a map, each group of the domain that forbids it counts it.  If
 * VFIO refuses a map (explain.c), each group of the container that forbids it counts it,
 * or all of them if its addresses are not the reason.  Only the first of these groups
 * logs it, and only once for each attach: a guest with its own IOMMU, which maps and
 * unmaps all the time, must not fill the log.  The tracepoint reports every refusal.
 *
 * All state is in struct resv_check_group, under the tracker's lock.  Nothing is
 * printed or traced under that lock.
 */
#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "compat/iommu.h"
#include "group/attach.h"
#include "hook/mode.h"
#include "feature/check/check.h"
#include "feature/check/refused.h"
#include "feature/check/rules.h"

#define CREATE_TRACE_POINTS
#include "feature/check/trace.h"

/**
 * resv_refused_beyond() - does a map leave the addresses of a domain?
 * @reach: the addresses
 * @refused: the map; its region is set to the addresses before or behind @reach
 *
 * Context: any.
 * Return: true if it does
 */
bool resv_refused_beyond(const struct resv_range *reach,
			 struct resv_refused *refused)
{
	struct resv_region *r = &refused->region;

	r->type = RESV_OUT_OF_RANGE;
	r->origin = RESV_ORIGIN_APERTURE;
	strscpy(refused->device, "-", sizeof(refused->device));
	if (refused->start < reach->start) {
		r->end = reach->start - 1;
		return true;
	}
	r->start = reach->end + 1;
	r->end = ULLONG_MAX;
	return refused->end > reach->end;
}

/* Find which of @reasons forbids the map; set the region and the device of @refused. */
static void explain(const struct resv_reasons *reasons,
		    const struct resv_range *reach, struct resv_refused *refused)
{
	unsigned int i;

	for (i = 0; reasons && i < reasons->nr; i++) {
		const struct resv_region *r = &reasons->region[i];

		if (r->start > refused->end || r->end < refused->start)
			continue;
		refused->region = *r;
		strscpy(refused->device, reasons->names + r->name,
			sizeof(refused->device));
		return;
	}
	resv_refused_beyond(reach, refused);
}

/* Names in the file "refused" and texts in the log for each reason. */
static const struct {
	const char *name;
	const char *text;
} whys[RESV_NR_WHYS] = {
	[RESV_WHY_FLAGS] = {
		"flags",
		"VFIO does not accept its flags or its argsz"
	},
	[RESV_WHY_SIZE] = { "size", "its size is 0" },
	[RESV_WHY_ALIGNMENT] = {
		"alignment",
		"its start, its size or its user address is not a multiple of the page size"
	},
	[RESV_WHY_WRAPS] = { "wraps", "it extends past the last address" },
	[RESV_WHY_OVERLAP] = {
		"overlap", "the process has already mapped a part of it"
	},
	[RESV_WHY_ENTRIES] = {
		"entries",
		"the container has as many maps as dma_entry_limit of vfio_iommu_type1 allows"
	},
	[RESV_WHY_MEMLOCK] = {
		"memlock",
		"it exceeds RLIMIT_MEMLOCK of the process, or the host is out of memory"
	},
	[RESV_WHY_MEMORY] = {
		"memory", "the process has no memory there that can be pinned"
	},
	[RESV_WHY_DRIVER] = {
		"host-driver",
		"a device of the group is bound to a host driver, see resv/assignable"
	},
	[RESV_WHY_INTERRUPTS] = {
		"interrupts",
		"its interrupts are not isolated, and allow_unsafe_interrupts of vfio_iommu_type1 is off"
	},
	[RESV_WHY_CONTAINER] = {
		"container",
		"its regions or its IOMMU conflict with the container's maps, or with its groups"
	},
	[RESV_WHY_UNKNOWN] = {
		"unknown",
		"the container has groups that were attached before explanations were turned on"
	},
	[RESV_WHY_BUSY] = { "busy", "another user has the group" },
	[RESV_WHY_ROOM] = {
		"room", "its address space has no free range of that size"
	},
	[RESV_WHY_INTERRUPTS_IOMMUFD] = {
		"interrupts-iommufd",
		"its interrupts are not isolated, and allow_unsafe_interrupts of iommufd is off"
	},
	[RESV_WHY_SPACE] = {
		"address-space",
		"the process names an address space that does not exist"
	},
	[RESV_WHY_GROUP_FILE] = {
		"group-file",
		"a program has the group's file open, so that the devices' own files cannot be used"
	},
	[RESV_WHY_DEVICE] = {
		"no-device",
		"the group has no such device, or the device is not bound to a VFIO driver"
	},
	[RESV_WHY_UNSET] = {
		"container-unset",
		"the group is in no container whose IOMMU is set, or the device's driver fails to open it"
	},
	[RESV_WHY_OPEN] = {
		"open", "the device's driver fails to open it"
	},
	[RESV_WHY_OTHER] = {
		"other", "VFIO, iommufd or the IOMMU driver refuses it for another reason"
	},
};

/**
 * resv_refused_name_process() - note the current process as the one that wanted a map
 * @refused: its pid and comm are set
 *
 * A process name can have any character, and is shown in a line of text: characters that
 * are not printable become '?'.
 *
 * Context: any, in a task.
 */
void resv_refused_name_process(struct resv_refused *refused)
{
	char *c;

	refused->pid = task_tgid_nr(current);
	strscpy(refused->comm, current->comm, sizeof(refused->comm));
	for (c = refused->comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static const char *errno_name(int err, char *number, size_t size)
{
	switch (err) {
	case -EINVAL:
		return "EINVAL";
	case -EEXIST:
		return "EEXIST";
	case -ENOSPC:
		return "ENOSPC";
	case -ENOMEM:
		return "ENOMEM";
	case -EFAULT:
		return "EFAULT";
	case -EBUSY:
		return "EBUSY";
	case -EOVERFLOW:
		return "EOVERFLOW";
	case -EPERM:
		return "EPERM";
	case -ENODEV:
		return "ENODEV";
	case -ENOENT:
		return "ENOENT";
	case -EADDRINUSE:
		return "EADDRINUSE";
	default:
		scnprintf(number, size, "%d", -err);
		return number;
	}
}

static void trace_attach(int id, const struct resv_refused *refused)
{
	bool region = refused->why == RESV_WHY_REGION;
	const struct resv_region *r = &refused->region;
	char number[12];

	trace_attach_refused(id, r->start, r->end,
			     region ? resv_type_name(r->type) :
				      whys[refused->why].name,
			     region ? resv_origin_name(r->origin) :
				      errno_name(refused->err, number,
						 sizeof(number)),
			     refused->device);
}

static void trace_map(int id, const struct resv_refused *refused)
{
	const struct resv_region *r = &refused->region;
	char number[12];

	if (refused->why != RESV_WHY_REGION) {
		trace_map_refused(id, refused->start, refused->end, 0, 0,
				  whys[refused->why].name,
				  errno_name(refused->err, number, sizeof(number)),
				  "-");
		return;
	}
	trace_map_refused(id, refused->start, refused->end, r->start, r->end,
			  resv_type_name(r->type), resv_origin_name(r->origin),
			  refused->device);
}

static void trace_refused(int id, const struct resv_refused *refused)
{
	if (refused->attach)
		trace_attach(id, refused);
	else
		trace_map(id, refused);
}

/* The log already has a refused map of an unknown group. */
static atomic_t unknown_logged = ATOMIC_INIT(0);

/**
 * resv_refused_log_anew() - log the next refused map of an unknown group again
 *
 * Called when a parameter changes.
 *
 * Context: any.
 */
void resv_refused_log_anew(void)
{
	atomic_set(&unknown_logged, 0);
}

/* Log a refusal for a container whose groups were attached unseen. */
static void log_unknown(const struct resv_refused *refused)
{
	if (atomic_xchg(&unknown_logged, 1))
		return;
	pr_warn_ratelimited("a map of 0x%llx-0x%llx by %s[%d] is refused (%d): %s\n",
			    refused->start, refused->end, refused->comm,
			    refused->pid, refused->err,
			    whys[refused->why].text);
}

static void log_attach(int id, const struct resv_refused *refused)
{
	const struct resv_region *r = &refused->region;

	if (refused->why == RESV_WHY_REGION)
		pr_warn_ratelimited("group %d: the attach by %s[%d] is refused (%d): firmware requires a 1:1 map of 0x%llx-0x%llx (%s, %s, %s)\n",
				    id, refused->comm, refused->pid,
				    refused->err, r->start, r->end,
				    resv_type_name(r->type),
				    resv_origin_name(r->origin),
				    refused->device);
	else
		pr_warn_ratelimited("group %d: the attach by %s[%d] is refused (%d): %s\n",
				    id, refused->comm, refused->pid,
				    refused->err, whys[refused->why].text);
}

static void log_map(int id, const struct resv_refused *refused, bool enforced)
{
	const struct resv_region *r = &refused->region;

	if (refused->why != RESV_WHY_REGION) {
		pr_warn_ratelimited("group %d: a map of 0x%llx-0x%llx (user address 0x%llx) by %s[%d] is refused (%d): %s\n",
				    id, refused->start, refused->end,
				    refused->vaddr, refused->comm, refused->pid,
				    refused->err, whys[refused->why].text);
		return;
	}
	pr_warn_ratelimited("group %d: a map of 0x%llx-0x%llx by %s[%d] %s: it hits 0x%llx-0x%llx (%s, %s, %s), see /sys/kernel/iommu_groups/%d/resv/usable\n",
			    id, refused->start, refused->end, refused->comm,
			    refused->pid,
			    enforced ? "is refused" :
				       "would be refused, and is let through",
			    r->start, r->end, resv_type_name(r->type),
			    resv_origin_name(r->origin), refused->device, id);
}

/*
 * VFIO before about v6.1 maps two pages at address 0 of a new domain, to find which page
 * sizes the IOMMU uses, and unmaps them at once (vfio_test_domain_fgsp()).  That is the
 * first map of the domain, and no user asked for it.  The core gives it to a driver, and so
 * to a copy of its operations, in one piece or page by page.
 */
static bool is_fgsp_probe(struct resv_attach_domain *d, u64 start, u64 end)
{
	struct resv_attach_group *g;
	struct resv_check_group *cg;
	bool probe = false;

	if (end >= 2 * PAGE_SIZE ||
	    (!d->kept && (start || end != 2 * PAGE_SIZE - 1)))
		return false;
	resv_attach_domain_for_each(g, d) {
		cg = g->data[RESV_CHECK_INDEX];
		if (!cg || g->task != current || g->first != d->domain ||
		    (!g->unmapped && !(start && cg->second_page)))
			continue;
		cg->second_page = !start && end == PAGE_SIZE - 1;
		g->unmapped = false;
		probe = true;
	}
	return probe;
}

/*
 * Must the map be allowed, because VFIO would not survive the refusal?
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

/* Does @cg forbid the map?  If so, count it and note what it hits. */
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
	resv_refused_name_process(last);
	explain(cg->reasons, reach, last);
	cg->count++;
	return true;
}

/*
 * Decide on a map that may be forbidden, and record a refusal.
 *
 * Return: true if the map has to fail
 */
static bool refuse(const struct iommu_domain *domain, u64 start, u64 end)
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
 * resv_refuses_map() - is a map refused?
 * @domain: a live domain
 * @start: first address of the map
 * @size: its size
 * @prot: protection, as iommu_map() gets it
 *
 * Context: any; takes no lock unless the map may be forbidden.
 * Return: true if the caller has to refuse it
 */
bool resv_refuses_map(const struct iommu_domain *domain, u64 start, u64 size, int prot)
{
	u64 end = start + (size - 1);

	if (likely(domain->type != IOMMU_DOMAIN_UNMANAGED))
		return false;
	/* Only the kernel maps with IOMMU_MMIO: doorbells, in the MSI window. */
	if (!size || end < start || (prot & COMPAT_IOMMU_MMIO))
		return false;
	/* A kept domain comes here also while checks are turned off. */
	return unlikely(!resv_rules_map_allowed(domain, start, end)) &&
	       resv_check_wanted() && resv_hooks_mode() != RESV_HOOKS_NONE &&
	       refuse(domain, start, end);
}

/* Under the tracker's lock. */
static u64 serial;

/**
 * resv_refused_serial() - number of VFIO's refusals that were noted so far
 *
 * Context: any.
 * Return: the number
 */
u64 resv_refused_serial(void)
{
	return READ_ONCE(serial);
}

/**
 * resv_refused_note() - VFIO or iommufd has refused a map or an attach
 * @group: group of the container; only its address is used.  NULL if no group is known
 *	because all were attached before the taps were installed
 * @refused: what was refused, and why
 * @first: @group is the first group for which this refusal is noted, so log and trace it
 *
 * Context: in the tap; does not sleep.
 */
void resv_refused_note(const struct iommu_group *group,
		       const struct resv_refused *refused, bool first)
{
	struct resv_check_group *cg = NULL;
	const struct resv_attach_group *g;
	unsigned long flags;
	bool log = false, *logged;
	int id = -1;

	flags = resv_attach_lock();
	g = resv_attach_group_find(group);
	if (g)
		cg = g->data[RESV_CHECK_INDEX];
	if (cg) {
		cg->last = *refused;
		cg->last.serial = serial;
		WRITE_ONCE(serial, serial + 1);
		cg->count++;
		id = g->id;
		logged = refused->attach ? &cg->attach_logged :
			 refused->why == RESV_WHY_REGION ? &cg->refused_logged :
							    &cg->other_logged;
		log = first && !*logged;
		*logged |= first;
	}
	resv_attach_unlock(flags);
	if (first && (cg || !group))
		trace_refused(id, refused);
	if (!group)
		log_unknown(refused);
	else if (log && refused->attach)
		log_attach(id, refused);
	else if (log)
		log_map(id, refused, true);
}

static size_t show_last(char *buf, size_t size, const struct resv_refused *last)
{
	const struct resv_region *r = &last->region;
	char number[12];
	size_t len;

	if (last->attach)
		len = scnprintf(buf, size, "- - ");
	else
		len = scnprintf(buf, size, "0x%016llx 0x%016llx ", last->start,
				last->end);
	if (last->why == RESV_WHY_REGION)
		len += scnprintf(buf + len, size - len,
				 "0x%016llx 0x%016llx %s %s %s", r->start,
				 r->end, resv_type_name(r->type),
				 resv_origin_name(r->origin), last->device);
	else
		len += scnprintf(buf + len, size - len, "- - %s %s -",
				 whys[last->why].name,
				 errno_name(last->err, number, sizeof(number)));
	return len + scnprintf(buf + len, size - len, " %d %s\n", last->pid,
			       last->comm);
}

/**
 * resv_refused_show() - make the text of a group's file "refused"
 * @group: live group
 * @buf: a page
 *
 * Context: in the callback of the file.
 * Return: number of bytes; -ENODEV if the group is not known yet
 */
ssize_t resv_refused_show(struct iommu_group *group, char *buf)
{
	const struct resv_check_group *cg = NULL;
	const struct resv_attach_group *g;
	struct resv_refused last = { 0 };
	unsigned long flags;
	u64 count = 0;
	ssize_t len;

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
	return len + show_last(buf + len, PAGE_SIZE - len, &last);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the guest fit the groups of its devices?  Step by step, in the order in which
 * VFIO and the VMM would fail: the VMM's own limits, the group, its other members,
 * attaching it, interrupts, memory, hot-plug area, BARs, MSI windows.
 *
 * A hole under memory is a "no", because VFIO refuses the map and the VMM exits. A hole
 * under BARs is a warning: QEMU continues, and only DMA from device to device fails
 * (hw/vfio/common.c or listener.c, mmio_dma_error), unless a BAR holds shared memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../assign.h"
#include "../format.h"
#include "../no_groups.h"
#include "../sysfs.h"
#include "../words.h"
#include "../xalloc.h"
#include "vm.h"

/**
 * struct given - devices of one group
 * @names: the devices that the guest has
 * @managed: those that the program that starts the VM binds to VFIO's driver
 * @whole: the group was named on the command line, and so all of its devices
 * @mediated: none of them is hardware
 */
struct given {
	struct words names;
	struct words managed;
	bool whole;
	bool mediated;
};

static struct finding *add(struct vm_verdict *v, enum severity severity, const char *step,
			   char *text)
{
	if (!(v->nr & (v->nr - 1)))
		v->f = keep_more(v->f, v->nr * sizeof(*v->f),
				 (v->nr ? 2 * v->nr : 1) * sizeof(*v->f));
	v->f[v->nr] = (struct finding) {
		.severity = severity,
		.step = step,
		.text = text,
	};
	return &v->f[v->nr++];
}

static struct finding *add_group(struct vm_verdict *v, enum severity severity,
				 const char *step, const struct group *grp, char *text)
{
	struct finding *f = add(v, severity, step, text);

	f->group = grp->id;
	f->grouped = true;
	return f;
}

/* Where VFIO accepts a map of all of @at */
bool verdict_area_usable(const struct group *grp, const struct range *at)
{
	size_t i;

	if (grp->usable_known) {
		for (i = 0; i < grp->usable.nr; i++)
			if (at->start >= grp->usable.r[i].start &&
			    at->end <= grp->usable.r[i].end)
				return true;
		return false;
	}
	for (i = 0; i < grp->nr_regions; i++)
		if (region_refuses(grp, &grp->regions[i]) &&
		    ranges_overlap(&grp->regions[i].at, at))
			return false;
	return true;
}

/* The part of a hot-plug area that modules can fill; the rest is for alignment. */
struct range verdict_fillable(const struct guest_map *m, const struct area *a)
{
	struct range at = a->at;

	if (a->kind == AREA_HOTPLUG && m->hotplug_used &&
	    m->hotplug_used <= at.end - at.start)
		at.end = at.start + m->hotplug_used - 1;
	return at;
}

/* Do all areas of this kind fit all groups? */
bool verdict_map_fits(const struct vm_verdict *v, const struct guest_map *m,
		      enum area_kind kind)
{
	size_t i, k;

	for (i = 0; i < m->nr; i++)
		for (k = 0; k < v->groups.nr; k++)
			if (m->a[i].kind == kind &&
			    !verdict_area_usable(&v->groups.g[k], &m->a[i].at))
				return false;
	return true;
}

/* Several devices of a group may have the same region. */
static bool is_repeated(const struct group *grp, size_t nr)
{
	const struct region *r = &grp->regions[nr];
	size_t i;

	for (i = 0; i < nr; i++)
		if (grp->regions[i].at.start == r->at.start &&
		    grp->regions[i].at.end == r->at.end &&
		    !strcmp(grp->regions[i].type, r->type))
			return true;
	return false;
}

static const char *const area_steps[] = {
	[AREA_RAM] = "ram",
	[AREA_HOTPLUG] = "hot-plug",
	[AREA_BARS] = "bars",
};

static void judge_area(struct vm_verdict *v, const struct group *grp,
		       const struct guest_map *m, const struct area *a,
		       enum severity severity)
{
	struct range at = verdict_fillable(m, a);
	bool hits = false;
	struct finding *f;
	size_t i;

	if (verdict_area_usable(grp, &a->at))
		return;
	if (verdict_area_usable(grp, &at))
		severity = FINDING_WARNING;
	for (i = 0; i < grp->nr_regions; i++) {
		const struct region *r = &grp->regions[i];

		if (!region_refuses(grp, r) || is_repeated(grp, i) ||
		    !ranges_overlap(&r->at, severity == FINDING_WARNING ? &a->at : &at))
			continue;
		f = add_group(v, severity, area_steps[a->kind], grp, NULL);
		f->area = a;
		f->region = r;
		hits = true;
	}
	if (!hits) {
		f = add_group(v, severity, area_steps[a->kind], grp,
			      keep_string("not inside one usable range"));
		f->area = a;
	}
}

static void judge_areas(struct vm_verdict *v, const struct guest_map *m,
			enum area_kind kind, enum severity severity,
			const struct given *given)
{
	size_t i, k;

	for (k = 0; k < v->groups.nr; k++)
		for (i = 0; i < m->nr; i++)
			if (m->a[i].kind == kind && !given[k].mediated)
				judge_area(v, &v->groups.g[k], m, &m->a[i], severity);
}

static void judge_members(struct vm_verdict *v, const struct control *ctl,
			  const struct group *grp, const struct given *given)
{
	struct finding *f;
	size_t i;

	for (i = 0; i < grp->nr_devices; i++) {
		const struct device *d = &grp->devices[i];
		bool ours = words_have(&given->names, d->name);

		if (given->mediated || !device_is_hosts(ctl, grp, d))
			continue;
		if ((ours && words_have(&given->managed, d->name)) || given->whole)
			continue;
		f = add_group(v, FINDING_NO, "members", grp,
			      keep_printf(ours ? "%s is bound to %s, and not to vfio-pci" :
					  "%s, of the same group, is bound to %s",
					  d->name, d->driver));
		f->device = keep_string(d->name);
	}
}

static void judge_attach(struct vm_verdict *v, const struct control *ctl,
			 const struct group *grp)
{
	struct obstacles found;
	struct finding *f;
	size_t i;

	obstacles_find(ctl, grp, NULL, &found);
	for (i = 0; i < found.nr; i++) {
		if (found.o[i].kind == OBSTACLE_DIRECT) {
			f = add_group(v, FINDING_NO, "attach", grp,
				      keep_string("VFIO does not attach it"));
			f->region = found.o[i].region;
			f->device = f->region->device;
		} else if (found.o[i].kind == OBSTACLE_NO_IOMMU) {
			add_group(v, FINDING_NO, "attach", grp,
				  keep_string("no IOMMU translates for it"));
		}
	}
	obstacles_free(&found);
}

static void judge_interrupts(struct vm_verdict *v, const struct control *ctl,
			     const struct group *grp)
{
	struct obstacles found;
	size_t i;

	obstacles_find(ctl, grp, NULL, &found);
	if (found.unsafe)
		add_group(v, FINDING_WARNING, "interrupts", grp,
			  keep_string("interrupts are not isolated, and allow_unsafe_interrupts permits that"));
	for (i = 0; i < found.nr; i++)
		if (found.o[i].kind == OBSTACLE_INTERRUPTS)
			add_group(v, FINDING_NO, "interrupts", grp,
				  keep_string("interrupts are not isolated: VFIO refuses the group (EPERM)"));
	obstacles_free(&found);
}

/* A domain has one MSI window, that of the group that is attached first. */
static void judge_windows(struct vm_verdict *v)
{
	const struct group *first = NULL;
	size_t i;

	for (i = 0; i < v->groups.nr; i++) {
		const struct group *grp = &v->groups.g[i];

		if (grp->window_state != WINDOW_THERE)
			continue;
		if (!first)
			first = grp;
		else if (grp->window.start != first->window.start)
			add_group(v, FINDING_NO, "msi-window", grp,
				  keep_printf("the MSI window is at 0x%" PRIx64 ", that of group %u at 0x%" PRIx64,
					      grp->window.start, first->id,
					      first->window.start));
	}
}

static void judge_known(struct vm_verdict *v, const struct control *ctl,
			const struct given *given)
{
	size_t i;

	for (i = 0; i < v->groups.nr; i++)
		if (!v->groups.g[i].usable_known && !given[i].mediated)
			add_group(v, FINDING_UNKNOWN, "ram", &v->groups.g[i],
				  keep_string(v->groups.g[i].has_facts ?
					      "where VFIO accepts maps is not known before a device is attached" :
					      ctl->loaded ?
					      "where VFIO accepts maps is not known: the module does not show this group" :
					      "where VFIO accepts maps is not known without the module ('modprobe iommu_resv')"));
}

static bool is_mediated(const struct control *ctl, const char *name)
{
	char *path = xasprintf("%s/bus/mdev/devices/%s", ctl->sysfs, name);
	bool mediated = file_exists(path);

	free(path);
	return mediated;
}

#define NOT_FOUND	(-1)
#define NO_GROUPS	(-2)

/* Index of the device's group; NOT_FOUND or NO_GROUPS after adding a finding that says why */
static int find_group(struct vm_verdict *v, struct words *ids, const struct control *ctl,
		      const char *name)
{
	unsigned int id;
	char *word;
	size_t i;

	if (!group_of(ctl, name, &id)) {
		char *why = no_groups_reason(ctl);

		if (why) {
			add(v, FINDING_NO, "group",
			    keep_printf("this host has no IOMMU groups: %s", why));
			free(why);
			return NO_GROUPS;
		}
		add(v, FINDING_NO, "group",
		    keep_printf("%s: no IOMMU group of this host has it", name))->device =
			keep_string(name);
		return NOT_FOUND;
	}
	word = keep_printf("%u", id);
	for (i = 0; i < ids->nr; i++)
		if (!strcmp(ids->w[i], word))
			return (int)i;
	words_add(ids, word);
	return (int)i;
}

static bool is_number(const char *name)
{
	return strspn(name, "0123456789") == strlen(name);
}

static void find_groups(struct control *ctl, const struct guest *g, struct vm_verdict *v,
			struct given *given)
{
	struct words ids = { 0 };
	size_t i;
	int nr;

	for (i = 0; i < g->nr_devices; i++) {
		const struct vm_device *d = &g->devices[i];
		char *sysfs_name = device_name(d->name);
		char *name = keep_string(sysfs_name);

		free(sysfs_name);
		nr = find_group(v, &ids, ctl, name);
		if (nr == NO_GROUPS)
			break;
		if (nr < 0)
			continue;
		if (!given[nr].names.nr && is_mediated(ctl, name))
			given[nr].mediated = true;
		words_add(&given[nr].names, name);
		if (d->managed)
			words_add(&given[nr].managed, name);
		given[nr].whole |= is_number(name);
	}
	if (groups_find(ctl, NULL, (int)ids.nr, ids.w, &v->groups))
		ctl->gaps = true;
}

/**
 * verdict_make() - judge
 * @ctl: options
 * @g: the guest
 * @m: its map
 * @v: to fill; verdict_free() it
 */
void verdict_make(struct control *ctl, const struct guest *g,
		  const struct guest_map *m, struct vm_verdict *v)
{
	struct given *given = keep_alloc((g->nr_devices + 1) * sizeof(*given));
	size_t i;

	*v = (struct vm_verdict) { 0 };
	if (m->refused)
		add(v, FINDING_NO, "start",
		    keep_printf("%s does not start this VM: %s",
				g->format == VM_CLOUD_HYPERVISOR ? "Cloud Hypervisor" :
				"QEMU", m->refused));
	find_groups(ctl, g, v, given);
	for (i = 0; i < v->groups.nr; i++)
		judge_members(v, ctl, &v->groups.g[i], &given[i]);
	for (i = 0; i < v->groups.nr; i++)
		if (!given[i].mediated)
			judge_attach(v, ctl, &v->groups.g[i]);
	for (i = 0; i < v->groups.nr; i++)
		if (!given[i].mediated)
			judge_interrupts(v, ctl, &v->groups.g[i]);
	if (m->unknown && v->groups.nr)
		add(v, FINDING_UNKNOWN, "ram", m->unknown);
	judge_areas(v, m, AREA_RAM, FINDING_NO, given);
	judge_known(v, ctl, given);
	judge_areas(v, m, AREA_HOTPLUG, FINDING_NO, given);
	judge_areas(v, m, AREA_BARS, g->ivshmem ? FINDING_NO : FINDING_WARNING, given);
	judge_windows(v);
}

/* The worst finding decides: one "no" is a "no", even if other facts are not known. */
enum severity verdict_worst(const struct vm_verdict *v)
{
	enum severity worst = FINDING_NOTE;
	size_t i;

	for (i = 0; i < v->nr; i++)
		if (v->f[i].severity < worst)
			worst = v->f[i].severity;
	return worst;
}

void verdict_free(struct vm_verdict *v)
{
	groups_free(&v->groups);
}

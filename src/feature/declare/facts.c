// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the facts of a group say about declared regions.
 *
 * The regions are added to the facts before the kernel's own list of the group is
 * asked for.  The taps have put the regions on that list, too; the facts then say
 * "enforced" of those that really are on it.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include "feature/declare/declare.h"

/* The group has that device, of that model if the region was declared for one. */
static bool has_device(const struct resv_facts *c, const struct resv_declared *d)
{
	unsigned int i;

	for (i = 0; i < c->nr_devices; i++)
		if ((!d->model || d->model == c->models[i]) &&
		    !strcmp(d->device, resv_facts_name_at(c, c->devices[i])))
			return true;
	return false;
}

/* The region's device has left the group that is being looked at. */
static bool has_gone(const struct resv_facts *c, const struct resv_declared *d)
{
	return d->device[0] && d->met == c->group && !has_device(c, d);
}

/* Have an entry for a device of the group, if it has none and is of that model. */
static int clone_for(const struct resv_facts *c, struct resv_declared *model,
		     unsigned int nr)
{
	const char *name = resv_facts_name_at(c, c->devices[nr]);
	const struct resv_declared *d;

	if (c->models[nr] != model->model)
		return 0;
	resv_declared_for_each(d)
		if (d->of == model && !strcmp(d->device, name))
			return 0;
	return resv_declared_clone(model, name, c->group);
}

/* Have entries for all devices of the group for whose model something is declared. */
static int clone_all(const struct resv_facts *c)
{
	struct resv_declared *d;
	unsigned int i, nr;
	int ret = 0;

	resv_declared_for_each(d) {
		if (!resv_declared_is_model(d))
			continue;
		for (i = nr = 0; !ret && i < c->nr_devices; i++) {
			nr += c->models[i] == d->model;
			ret = clone_for(c, d, i);
		}
		/* So many entries has a list of a group. */
		d->devices = max(d->devices, nr);
		if (ret)
			break;
	}
	return ret;
}

/* Number of the name that the region has in the facts; or -ENOENT, -ENOMEM */
static int name_of(struct resv_facts *c, const struct resv_declared *d)
{
	if (!d->device[0])
		return d->group == c->group ? 0 : -ENOENT;
	return !d->removed && has_device(c, d) ?
	       resv_facts_name(c, d->device) : -ENOENT;
}

/**
 * resv_declare_group() - add the regions that are declared for a group
 * @c: facts; all devices of the group are known, and the taps are in
 *
 * Context: the lock of the group's entry is held; may sleep.
 * Return: 0 or -ENOMEM
 */
int resv_declare_group(struct resv_facts *c)
{
	struct resv_declared *d, *tmp;
	int name, ret = 0;

	mutex_lock(&resv_declare_lock);
	resv_declared_for_each_safe(d, tmp)
		if (has_gone(c, d))
			resv_declare_wait(d);
	ret = clone_all(c);
	resv_declared_for_each(d) {
		bool holds;

		if (ret)
			break;
		name = name_of(c, d);
		if (name == -ENOENT)
			continue;
		holds = d->group == c->group && !d->held;
		if (!d->device[0])
			d->devices = c->nr_devices;
		/* A list that this module makes has the region by that alone. */
		ret = name < 0 ? name :
		      resv_facts_add(c, name, d->start, d->end, RESV_RESERVED,
				     RESV_ORIGIN_ADMIN, RESV_F_ADDED |
				     (c->own_list && holds ? RESV_F_LISTED : 0));
	}
	mutex_unlock(&resv_declare_lock);
	return ret;
}

/* The kernel's list has regions of one type that overlap or touch as one region. */
static bool is_listed(const struct resv_facts *c, const struct resv_region *r)
{
	unsigned int i;

	for (i = 0; i < c->taken.nr; i++)
		if (c->taken.r[i].type == r->type &&
		    c->taken.r[i].start <= r->start &&
		    c->taken.r[i].end >= r->end)
			return true;
	return false;
}

/**
 * resv_declare_listed() - note which declared regions are on the kernel's list
 * @c: facts, with the list
 *
 * Context: the lock of the group's entry is held.
 * Return: 0
 */
int resv_declare_listed(struct resv_facts *c)
{
	unsigned int i;

	for (i = 0; i < c->regions.nr; i++) {
		struct resv_region *r = &c->regions.r[i];

		if (r->origin == RESV_ORIGIN_ADMIN && is_listed(c, r))
			r->flags |= RESV_F_LISTED;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Add declared regions to the facts of a group.
 *
 * resv_declare_group() adds the regions before the module asks the kernel for the group's
 * list, on which the taps put the same regions.  Then resv_declare_listed() marks the
 * regions that the list really has; only these become "enforced".
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include "feature/declare/declare.h"

/* Does the group have the region's device, and with the model of the region, if any? */
static bool has_device(const struct resv_facts *c, const struct resv_declared *d)
{
	unsigned int i;

	for (i = 0; i < c->nr_devices; i++)
		if ((!d->model || d->model == c->models[i]) &&
		    !strcmp(d->device, resv_facts_name_at(c, c->devices[i])))
			return true;
	return false;
}

/* Has the region's device left this group? */
static bool has_gone(const struct resv_facts *c, const struct resv_declared *d)
{
	return d->device[0] && d->met == c->group && !has_device(c, d);
}

/* Make an entry for a device of the group, if it is of the model and has none. */
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

/* Make entries for all devices of the group for whose model a region is declared. */
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
		/* A list of the group has this many entries of the region. */
		d->devices = max(d->devices, nr);
		if (ret)
			break;
	}
	return ret;
}

/* Return: resv_facts_name() for the region, or -ENOENT, -ENOMEM */
static int name_of(struct resv_facts *c, const struct resv_declared *d)
{
	if (!d->device[0])
		return d->group == c->group ? 0 : -ENOENT;
	return !d->removed && has_device(c, d) ?
	       resv_facts_name(c, d->device) : -ENOENT;
}

/**
 * resv_declare_group() - add the regions that are declared for a group
 * @c: facts; all devices of the group are known, and the taps are installed
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
		/* If this module makes the list, RESV_F_LISTED puts the region on it. */
		ret = name < 0 ? name :
		      resv_facts_add(c, name, d->start, d->end, RESV_RESERVED,
				     RESV_ORIGIN_ADMIN, RESV_F_ADDED |
				     (c->own_list && holds ? RESV_F_LISTED : 0));
	}
	mutex_unlock(&resv_declare_lock);
	return ret;
}

/* Is the region on the kernel's list?  It may be a part of a merged region there. */
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
